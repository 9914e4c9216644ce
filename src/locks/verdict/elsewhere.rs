//! Who had another file of the name: an earlier one, or one in another folder (AT-2, AT-5).

use crate::capture::op::{PathId, ProcessId};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Fit, HoldRec};
use crate::locks::finding::{Reason, RuledOut};
use crate::nt::path::{normalize, volume_device};
use rustc_hash::FxHashSet;

/// Handles on an earlier file, and mappings of it, that are looked at.
const MAX_EARLIER: usize = 256;

impl Engine<'_> {
    /// Those who had an earlier file of that name, or one of the same name elsewhere.
    pub(crate) fn clear_elsewhere(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        known: &mut FxHashSet<ProcessId>,
        cleared: &mut Vec<RuledOut>,
    ) {
        let file = self.names.file(link);
        let tick = self.tick(failing.index);
        let earlier: Vec<(u32, Reason)> = self.names.predecessors(link).map(|link| (link, Reason::OtherFile)).collect();
        let elsewhere: Vec<(u32, Reason)> = self
            .names
            .namesakes(link)
            .take(4096)
            .filter(|stay| stay.from <= tick && tick < stay.to && stay.link != link)
            .map(|stay| (stay.link, Reason::SameNameOtherFile))
            .take(8)
            .collect();
        for (other_link, reason) in earlier.into_iter().chain(elsewhere) {
            let other = self.names.file(other_link);
            if other == file {
                continue;
            }
            let track = self.track(other);
            for (group, weighed) in track.weigh(failing.at, 64, &self.work, &|_| Fit::Yes).0 {
                let hold = weighed.holds.first().and_then(|hold| track.holds.get(*hold as usize));
                if let Some(group) = track.groups.get(group as usize)
                    && weighed.sure
                    && hold.is_some_and(|hold| {
                        reason != Reason::SameNameOtherFile || self.is_another_file(failing, link, other_link, hold)
                    })
                    && known.insert(group.process)
                {
                    cleared.push(RuledOut::new(group.process, reason));
                }
            }
            // Who had an earlier file had nothing of this one, whether that file is still open or not.
            if reason == Reason::OtherFile {
                let holds = track.own_holds().filter(|hold| hold.link == other_link).map(|hold| hold.process);
                let mapped = track.sections.iter().flat_map(|(_, sections)| sections.processes());
                let had =
                    holds.take(MAX_EARLIER).chain(mapped.take(MAX_EARLIER)).filter(|process| known.insert(*process));
                cleared.extend(had.map(|process| RuledOut::new(process, reason)));
            }
        }
    }

    /// Whether a file of the same name in another folder is surely another file. An older one may have a hard link there,
    /// made before the capture; one born in it would show the link, and transactions share no files.
    fn is_another_file(&self, failing: Failing<'_>, link: u32, other: u32, hold: &HoldRec) -> bool {
        let path = |path: PathId| normalize(self.log.paths.get(path), &self.log.roots).to_ascii_lowercase();
        let (own, theirs) = (path(failing.op.path), path(hold.path));
        // A volume that nothing ties to a letter may be the same one.
        let known = volume_device(&own).is_none() && volume_device(&theirs).is_none();
        // Another spelling may be the same file; names that differ by letter case alone are two files where that is shown.
        let known = known && (own == theirs || !self.aliases.may_be_same(self.log, failing.op.path, hold.path));
        let in_flight = |path: &str| path.contains(r"\winsxs\temp\inflight\");
        let born = self.names.born(link).is_some() || self.names.born(other).is_some();
        known && (born || (in_flight(&own) && in_flight(&theirs)))
    }
}
