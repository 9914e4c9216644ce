//! The self-check: every file of a capture through the same rules (AT-11).

use super::bursts::Bursts;
use crate::capture::op::{EventIndex, OpLog, PathId};
use crate::locks::clock::Straightened;
use crate::locks::engine::{Engine, Options};
use crate::locks::failure::is_lock_failure;
use crate::locks::file::track::Track;
use crate::locks::finding::{Attribution, Confidence};
use crate::locks::identity::succeeded;
use crate::nt::NtStatus;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A create that succeeded though the table of holds would have refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FalseConflict {
    /// The create.
    pub event: EventIndex,
    /// The create of the hold that should have refused it.
    pub holder_event: Option<EventIndex>,
    /// The path of the create.
    pub path: PathId,
    /// The rule.
    pub rule: &'static str,
}

/// Failures of one status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusCount {
    /// With a holder at least likely, or known to have none.
    pub explained: u64,
    /// The others.
    pub unexplained: u64,
}

/// What the self-check found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// Files replayed.
    pub files: u64,
    /// Files that could have been.
    pub files_in_all: u64,
    /// Successful creates of files and directories.
    pub opens_checked: u64,
    /// Those the model would have refused.
    pub false_conflicts: Vec<FalseConflict>,
    /// Failures of the lock class, by status in order of code.
    pub failures: BTreeMap<NtStatus, StatusCount>,
    /// Closes of handles whose open is not in the capture.
    pub closes_without_open: u64,
    /// Opens whose close is not in the capture and whose process did not end in it.
    pub opens_without_close: u64,
}

impl Audit {
    /// The sum over all statuses.
    pub fn total(&self) -> StatusCount {
        self.failures.values().fold(StatusCount::default(), |sum, count| StatusCount {
            explained: sum.explained + count.explained,
            unexplained: sum.unexplained + count.unexplained,
        })
    }
}

/// Replays every file of a log with an operation that `is_asked` for, and explains every failure on it.
pub fn audit(log: &OpLog, is_asked: &dyn Fn(EventIndex) -> bool) -> Audit {
    let straight = Straightened::of(log);
    let log = straight.as_ref().map_or(log, |straight| &straight.log);
    let nobody = |_| false;
    let mut engine = Engine::new(log, Options::new(&nobody));
    let mut audit = Audit::default();
    let failing: Vec<u32> =
        (0u32..).zip(&log.ops).filter(|(_, op)| is_lock_failure(op) && !succeeded(op)).map(|(at, _)| at).collect();
    let asked = asked(&engine, is_asked);
    audit.files = asked.iter().filter(|asked| **asked).count() as u64;
    audit.files_in_all =
        (0..engine.names.file_count() as u32).filter(|file| !engine.ops_of(*file).is_empty()).count() as u64;
    for part in files(&engine, &asked) {
        audit.opens_checked += part.opens_checked;
        audit.closes_without_open += part.closes_without_open;
        audit.opens_without_close += part.opens_without_close;
        audit.false_conflicts.extend(part.false_conflicts);
    }
    audit.false_conflicts.sort_by_key(|conflict| conflict.event);
    let bursts = Bursts::group(&engine, &failing);
    for at in failing {
        let file = engine.names.file(engine.names.place(at).link);
        let event = log.ops.get(at as usize).map(|op| op.event);
        if !asked.get(file as usize).copied().unwrap_or_else(|| event.is_some_and(is_asked)) {
            continue;
        }
        let Some(finding) = engine.explain(at, &bursts) else { continue };
        if !finding.lock_class {
            continue;
        }
        let explained = finding.attribution == Attribution::NoHolder
            || finding.holders.iter().any(|holder| holder.confidence >= Confidence::Likely);
        let count = audit.failures.entry(finding.status).or_default();
        if explained {
            count.explained += 1;
        } else {
            count.unexplained += 1;
        }
    }
    audit
}

/// Of each file, whether it has an operation that is asked for.
fn asked(engine: &Engine<'_>, is_asked: &dyn Fn(EventIndex) -> bool) -> Vec<bool> {
    let event = |at: &u32| engine.log.ops.get(*at as usize).map(|op| op.event);
    (0..engine.names.file_count() as u32)
        .map(|file| engine.ops_of(file).iter().filter_map(event).any(is_asked))
        .collect()
}

/// The replay of the files asked for, several at a time; only the counts are kept.
fn files(engine: &Engine<'_>, asked: &[bool]) -> Vec<Audit> {
    let (log, names, exits) = (engine.log, &engine.names, &engine.exits);
    let files: Vec<_> = (0..names.file_count() as u32)
        .map(|file| (file, engine.ops_of(file)))
        .filter(|(file, ops)| !ops.is_empty() && asked.get(*file as usize) == Some(&true))
        .map(|(file, ops)| (file, ops, engine.foreign(file, ops)))
        .collect();
    files
        .into_par_iter()
        .map(|(file, ops, foreign)| {
            let track = Track::build(log, names, exits, file, ops.to_vec(), foreign);
            let event = |at: u32| log.ops.get(at as usize).map(|op| op.event);
            let conflicts = track.false_conflicts.iter().filter_map(|refused| {
                let op = log.ops.get(refused.by as usize)?;
                let opened = track.holds.get(refused.hold as usize).and_then(|hold| hold.opened);
                Some(FalseConflict {
                    event: op.event,
                    holder_event: opened.and_then(|(at, _)| event(at)),
                    path: op.path,
                    rule: refused.rule,
                })
            });
            Audit {
                opens_checked: track.opens_checked,
                false_conflicts: conflicts.collect(),
                closes_without_open: track.closes_without_open,
                opens_without_close: track.opens_without_close,
                ..Audit::default()
            }
        })
        .collect()
}
