//! A handle whose access or sharing is not certain: what successes of others show of it (AT-11).

use crate::capture::op::{OpKind, ProcessId, ProcessInfo};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::wanted;
use crate::locks::file::hold::{Ended, HoldRec};
use crate::locks::file::track::Track;
use crate::locks::identity::{NONE, opens};
use crate::locks::spans::Instant;
use crate::nt::sharing::{AccessClasses, Grant};
use crate::nt::{OpenResult, ShareAccess};
use rustc_hash::FxHashSet;

/// Operations on the file searched for such successes.
const MAX_OPS: usize = 65_536;

/// What tells one handle from others.
type Key = (u32, Option<u32>, Option<u32>);

/// The key of a handle.
pub(crate) fn key(hold: &HoldRec) -> Key {
    let close = match hold.ended {
        Ended::Close(close, _) => Some(close),
        _ => None,
    };
    (hold.group, hold.opened.map(|(open, _)| open), close)
}

impl Engine<'_> {
    /// The handles that cannot have refused `asked`, of those whose access or sharing is not certain: without an open in the
    /// capture, by MAXIMUM_ALLOWED (SA-11), or by a caller that may share reading without knowing (SA-9). `doubtful` tells
    /// the latter two.
    pub(crate) fn spared(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        stream: u32,
        asked: Grant,
        doubtful: &dyn Fn(&HoldRec) -> bool,
    ) -> FxHashSet<Key> {
        if link == NONE {
            return FxHashSet::default();
        }
        let track = self.track(self.names.file(link));
        let unsure = |hold: &&HoldRec| hold.opened.is_none() || doubtful(hold);
        if !track.holds.iter().any(|hold| unsure(&hold)) {
            return FxHashSet::default();
        }
        let granted = self.granted_as_much(&track, stream, asked, failing.op.process);
        let unseen = track.holds.iter().filter(unsure).filter(|hold| match hold.opened {
            None => self.stood_at(failing, &track, hold, &granted),
            Some((own, opened)) => {
                let others: Vec<Instant> =
                    granted.iter().filter(|(at, _)| *at != own).map(|(_, granted)| *granted).collect();
                self.stood_since(failing, hold, opened, &others)
            }
        });
        unseen.map(key).collect()
    }

    /// Opens of the stream that asked for at least as much as `asked`, shared no more, and succeeded: no handle that stood
    /// then conflicts with `asked`, for its access and share mode never change.
    fn granted_as_much(&self, track: &Track, stream: u32, asked: Grant, process: ProcessId) -> Vec<(u32, Instant)> {
        if !asked.is_counted() {
            return Vec::new();
        }
        let ops = track.ops.iter().take(MAX_OPS);
        self.work.spend(track.ops.len().min(MAX_OPS) / 8);
        ops.filter_map(|at| Some((*at, self.op(*at)?)))
            .filter(|(at, op)| {
                let OpKind::Create(create) = op.kind else { return false };
                let got = wanted(op).grant;
                // SA-12: kernel callers may have the check skipped.
                let kernel = op.driver.is_some()
                    || self.log.processes.get(op.process.0 as usize).is_some_and(ProcessInfo::is_system);
                opens(op)
                    && !kernel
                    && create.result != Some(OpenResult::CREATED)
                    && self.names.place(*at).stream == stream
                    && got.classes.contains(asked.possible)
                    && asked.share.contains(got.share)
                    // SA-9: another caller, not allowed to write, may have shared reading without asking for it.
                    && (op.process == process
                        || got.possible.contains(AccessClasses::WRITE)
                        || asked.share.contains(ShareAccess::READ))
            })
            .map(|(at, op)| (at, Instant::of(op)))
            .collect()
    }

    /// Whether a handle that stood at the failure stood during one of these successes, and is surely the same one.
    fn stood_since(&self, failing: Failing<'_>, hold: &HoldRec, opened: Instant, granted: &[Instant]) -> bool {
        if hold.accompanied || hold.handed.is_some() || hold.dead_by.is_some() {
            return false;
        }
        granted.iter().any(|at| {
            let last = at.end.max(failing.at.start);
            let stands = match hold.ended {
                Ended::Open => at.end <= failing.at.start || !self.log.coverage.has_gaps(opened.start, last),
                Ended::Close(_, close) => at.end <= close.start,
                Ended::Exit(_, time) => at.end <= time,
            };
            opened.before(*at) && stands && !self.log.coverage.is_torn(opened.start, last)
        })
    }

    /// Whether a handle without an open stood during one of these successes if it stood during the failure.
    fn stood_at(&self, failing: Failing<'_>, track: &Track, hold: &HoldRec, granted: &[(u32, Instant)]) -> bool {
        if hold.opened.is_some() || granted.is_empty() || track.handed_over(hold) {
            return false;
        }
        let until = match hold.ended {
            Ended::Close(_, close) => close.start,
            _ => match track.groups.get(hold.group as usize).and_then(|group| group.used) {
                Some((_, last)) => last,
                None => return false,
            },
        };
        // A success after the failure found whatever stood at both; one before it only what is older than the capture.
        let began = self.log.span.map_or_else(Default::default, |span| span.0);
        let started = self.log.processes.get(hold.process.0 as usize).and_then(|process| process.started);
        let complete = self.log.coverage.sequence_gaps.is_none_or(|gaps| gaps == 0);
        let older = complete && self.names.born(hold.link).is_none() && started.is_none_or(|started| started <= began);
        granted.iter().any(|(_, at)| at.end <= until && (at.start >= failing.at.end || older))
    }
}
