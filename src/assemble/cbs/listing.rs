//! Two listings of WinSxS compared, for the record.

use super::{missing_items, out};
use crate::servicing::cbs::merge::Joined;
use crate::servicing::winsxs::{Listing, Wanted, compare};

/// Items listed in the record; more are counted.
const MAX_LACKING: usize = 10_000;

/// What the failing machine's store lacks against a working one's, ranked by what the logs ask for. Each listing
/// comes with its file name.
pub fn comparison(joined: &Joined, bad: (&str, &Listing), good: (&str, &Listing)) -> out::WinSxsComparison {
    let hydrated = joined.attempts.iter().flat_map(|attempt| &attempt.hydration);
    let hydrated =
        hydrated.filter_map(|found| Some((found.component.clone(), found.version.clone(), found.file.clone()?)));
    let hashed = joined.attempts.iter().flat_map(|attempt| &attempt.hashes);
    let hashed = hashed.filter_map(|found| Some((found.component.clone()?, None, found.file.clone())));
    let wanted = Wanted {
        directories: missing_items(joined).into_iter().map(|item| item.directory).collect(),
        files: hydrated.chain(hashed).collect(),
    };
    let mut found = compare(bad.1, good.1, &wanted);
    let left_out = found.lacking.len().saturating_sub(MAX_LACKING);
    found.lacking.truncate(MAX_LACKING);
    let lacking = found.lacking.into_iter().map(|item| out::Lacking {
        rank: item.rank.as_code().to_owned(),
        kind: if item.files.is_some() { "directory" } else { "file" }.to_owned(),
        path: item.path,
        files: item.files,
    });
    out::WinSxsComparison {
        bad: listing(bad),
        good: listing(good),
        lacking: lacking.collect(),
        left_out: left_out as u64,
        not_on_good: found.not_on_good,
        present_on_bad: found.present_on_bad,
    }
}

fn listing((name, listing): (&str, &Listing)) -> out::Listing {
    out::Listing {
        name: name.to_owned(),
        form: listing.form.as_code().to_owned(),
        encoding: listing.encoding.as_code().to_owned(),
        directories: listing.directories.len() as u64,
        files: listing.files(),
        unparsed_lines: listing.unparsed,
    }
}
