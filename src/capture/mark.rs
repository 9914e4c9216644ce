//! The mark of an extract: what the original was like, so that blame on the extract weighs the evidence as it did there.
//!
//! An extract of a case holds every operation on the files concerned, but its sequence numbers have gaps and most closes
//! are gone. Whether the *original* had gaps decides between "proven" and "likely". The mark is one more string at the
//! end of the string table, which no process uses and other readers pass over. It holds for one scope only: asked about
//! other files, the extract is judged by what it holds.

use super::lost::{Gaps, Lost};
use super::op::{Coverage, EventIndex};
use crate::nt::FileTime;
use crate::pml::{Pml, StringIndex};

const PREFIX: &str = "pmlblame extract 1:";

/// What the original of an extract was like.
#[derive(Clone, Debug)]
pub struct Original {
    /// Its events.
    pub coverage: Coverage,
    /// The processes whose closes it lacks: the driver's number, and how much was opened.
    pub unclosed: Vec<(u32, u32)>,
    /// The events of the extract in front of which one or more of its records could not be read, ascending.
    pub broken: Vec<EventIndex>,
}

/// The text of the mark for an original, cut down to the scope with this digest.
pub fn text(original: &Original, scope: &str) -> String {
    let coverage = &original.coverage;
    let Coverage { creates, cleanups, image_loads, active_processes, .. } = coverage;
    let known = [
        ("sequence_gaps", coverage.sequence_gaps),
        ("gaps_from", coverage.gaps.span().map(|span| span.0.0)),
        ("gaps_to", coverage.gaps.span().map(|span| span.1.0)),
        ("sequenced", coverage.sequenced),
        ("begin", coverage.begin.map(|begin| begin.0)),
        ("third_parties", coverage.third_parties),
    ];
    let known: String =
        known.iter().filter_map(|(name, value)| value.map(|value| format!(" {name}={value}"))).collect();
    let lost = coverage.lost().map(|lost| {
        let name = if lost.between_files { "absent" } else { "lost" };
        format!(" {name}={}@{}-{}", lost.missing, lost.from.0, lost.to.0)
    });
    let unclosed = original.unclosed.iter().map(|(process, opens)| format!(" unclosed={process}:{opens}"));
    let broken = original.broken.iter().map(|event| format!(" broken={}", event.0));
    let known: String = std::iter::once(known).chain(lost).chain(unclosed).chain(broken).collect();
    format!(
        "{PREFIX} scope={scope} creates={creates} cleanups={cleanups} image_loads={image_loads} \
         active_processes={active_processes}{known}"
    )
}

/// The original, when the last string of `pml` is a mark for this scope; what the mark does not say of its coverage comes
/// from `here`.
pub fn read(pml: Pml<'_>, scope: &str, here: Coverage) -> Option<Original> {
    let last = u32::try_from(pml.container().strings.len()).ok()?.checked_sub(1)?;
    let text = pml.string(StringIndex(last));
    let mut fields = text.strip_prefix(PREFIX)?.split_ascii_whitespace().filter_map(|field| field.split_once('='));
    if fields.next()? != ("scope", scope) {
        return None;
    }
    let mut coverage = Coverage { sequence_gaps: None, gaps: Gaps::default(), ..here };
    let (mut unclosed, mut broken) = (Vec::new(), Vec::new());
    for (name, value) in fields {
        if matches!(name, "lost" | "absent") {
            coverage.gaps.add(Lost { between_files: name == "absent", ..lost(value)? });
            continue;
        }
        if name == "unclosed" {
            let (process, opens) = value.split_once(':')?;
            unclosed.push((process.parse().ok()?, opens.parse().ok()?));
            continue;
        }
        let value: u64 = value.parse().ok()?;
        match name {
            "broken" => broken.push(EventIndex(value)),
            "creates" => coverage.creates = value,
            "cleanups" => coverage.cleanups = value,
            "image_loads" => coverage.image_loads = value,
            "active_processes" => coverage.active_processes = u32::try_from(value).ok()?,
            "gaps_from" | "gaps_to" => coverage.gaps.widen((FileTime(value), FileTime(value))),
            "sequence_gaps" => coverage.sequence_gaps = Some(value),
            "sequenced" => coverage.sequenced = Some(value),
            "third_parties" => coverage.third_parties = Some(value),
            "begin" => coverage.begin = Some(FileTime(value)),
            _ => {}
        }
    }
    Some(Original { coverage, unclosed, broken })
}

/// `MISSING@FROM-TO`.
fn lost(text: &str) -> Option<Lost> {
    let (missing, span) = text.split_once('@')?;
    let (from, to) = span.split_once('-')?;
    let time = |text: &str| text.parse().ok().map(FileTime);
    Some(Lost { missing: missing.parse().ok()?, from: time(from)?, to: time(to)?, between_files: false })
}
