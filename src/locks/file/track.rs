//! Everything known about one file: its holds, marks, sections, byte-range locks and oplocks.

use super::hold::{Ended, Fit, Group, HoldRec, Weighed, Work};
use super::marks::Marks;
use super::oplock::Oplock;
use super::ranges::Locks;
use super::refute::Refused;
use super::sections::Sections;
use super::streams::Streams;
use crate::capture::op::ProcessId;
use crate::locks::spans::{Instant, Spans};
use crate::nt::FileTime;
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

/// Everything known about one file.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// Operation indices in completion order.
    pub(crate) ops: Vec<u32>,
    pub(crate) holds: Vec<HoldRec>,
    pub(crate) groups: Vec<Group>,
    /// Times when a group had handles: the group and the first event to weigh.
    pub(super) spans: Spans,
    pub(super) span_info: Vec<(u32, u32, FileTime, FileTime)>,
    /// Spans of each process, in time order.
    pub(crate) processes: IndexMap<ProcessId, Vec<u32>, FxBuildHasher>,
    /// Processes with a hold that a success showed ended (AT-11), and from when on.
    pub(crate) shown_closed: FxHashMap<ProcessId, FileTime>,
    /// Processes whose own open was refused.
    pub(crate) refused_opens: IndexMap<ProcessId, FileTime, FxBuildHasher>,
    /// Processes with an open that did not complete within the capture.
    pub(crate) pending_opens: IndexMap<ProcessId, FileTime, FxBuildHasher>,
    pub(crate) marks: Marks,
    pub(crate) sections: Streams<Sections>,
    pub(crate) locks: Streams<Locks>,
    pub(crate) oplocks: Vec<Oplock>,
    /// Starts of closes that may have ended another process's handle.
    pub(super) handed: FxHashSet<FileTime>,
    /// Attributes as they became known: time and whether read-only.
    pub(super) readonly: Vec<(FileTime, bool)>,
    /// Something shows that it is a directory.
    pub(crate) directory: bool,
    pub(crate) opens_checked: u64,
    /// Creates that the holds would have refused.
    pub(crate) false_conflicts: Vec<Refused>,
    /// The same for renames (RN-3, RN-6).
    pub(super) moved_over: Vec<Refused>,
    pub(crate) closes_without_open: u64,
    pub(crate) opens_without_close: u64,
}

impl Track {
    /// Every group that may have a handle at `at`, weighed; and whether there were too many to look at.
    pub(crate) fn weigh(
        &self,
        at: Instant,
        limit: usize,
        work: &Work,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> (Vec<(u32, Weighed)>, bool) {
        let (spans, more) = self.spans.at(at, if work.is_spent() { limit.min(32) } else { limit });
        work.spend(spans.len() * 4);
        let mut found = Vec::new();
        for span in spans {
            let Some(&(group, first, ..)) = self.span_info.get(span as usize) else { continue };
            let Some(rec) = self.groups.get(group as usize) else { continue };
            found.push((group, rec.weigh(first as usize, at, &self.holds, work, fit)));
        }
        (found, more)
    }

    /// Whether the file was read-only at `at`, as far as known (DP-10).
    pub(crate) fn is_readonly(&self, at: FileTime) -> Option<bool> {
        let after = self.readonly.partition_point(|(time, _)| *time <= at);
        self.readonly.get(..after)?.last().map(|(_, readonly)| *readonly)
    }

    /// The spans of a process: possible start and end.
    pub(crate) fn process_spans(&self, process: ProcessId) -> impl Iterator<Item = (FileTime, FileTime, u32)> + '_ {
        let spans = self.processes.get(&process).map_or(&[][..], |spans| spans);
        spans
            .iter()
            .filter_map(|span| self.span_info.get(*span as usize))
            .map(|(group, _, from, to)| (*from, *to, *group))
    }

    /// The spans of a process nearest to an instant, a few on either side.
    pub(crate) fn process_spans_near(
        &self,
        process: ProcessId,
        at: Instant,
    ) -> impl Iterator<Item = (FileTime, FileTime, u32)> + '_ {
        let spans = self.processes.get(&process).map_or(&[][..], |spans| spans);
        let start = |span: &u32| self.span_info.get(*span as usize).map_or(FileTime(0), |info| info.2);
        let middle = spans.partition_point(|span| start(span) < at.end);
        let range = middle.saturating_sub(32)..spans.len().min(middle + 8);
        spans
            .get(range)
            .unwrap_or(&[])
            .iter()
            .filter_map(|span| self.span_info.get(*span as usize))
            .map(|(group, _, from, to)| (*from, *to, *group))
    }

    /// Whether the process ever mapped any stream of the file.
    pub(crate) fn maps(&self, process: ProcessId) -> bool {
        self.sections.iter().any(|(_, sections)| sections.maps(process))
    }

    /// The holds on this file, not those on others of a name.
    pub(crate) fn own_holds(&self) -> impl Iterator<Item = &HoldRec> {
        self.holds.iter().filter(|hold| !hold.foreign)
    }

    /// Successes that holds would have refused, which had ended by then (AT-11).
    pub(crate) fn refutations(&self) -> impl Iterator<Item = &Refused> {
        self.false_conflicts.iter().chain(&self.moved_over)
    }

    /// The success that a hold would have refused.
    pub(crate) fn refuted(&self, hold: &HoldRec) -> Option<&Refused> {
        let is_it = |other: &HoldRec| other.group == hold.group && other.opened == hold.opened;
        self.refutations().find(|one| self.holds.get(one.hold as usize).is_some_and(is_it))
    }

    /// Whether the close of this hold, whose open is not in the capture, may be that of a handle another process opened.
    pub(crate) fn handed_over(&self, hold: &HoldRec) -> bool {
        let Ended::Close(_, at) = hold.ended else { return false };
        self.handed.contains(&at.start)
    }

    /// SA-12: whether a handle of the process was in use on both sides of a success that it should have refused.
    pub(crate) fn is_contradicted(&self, process: ProcessId) -> bool {
        let unchecked =
            |by: u32| self.holds.iter().any(|hold| hold.unchecked && hold.opened.is_some_and(|(at, _)| at == by));
        let own = |hold: u32| self.holds.get(hold as usize).is_some_and(|hold| hold.process == process);
        self.false_conflicts.iter().take(1024).any(|one| own(one.hold) && unchecked(one.by))
    }

    /// Whether it may be that of a handle another process had opened by `at`.
    pub(crate) fn handed_over_before(&self, hold: &HoldRec, at: Instant) -> bool {
        let Ended::Close(_, close) = hold.ended else { return false };
        self.handed_over(hold)
            && self.holds.iter().any(|other| {
                other.handed == Some(close) && other.opened.is_some_and(|(_, opened)| opened.start < at.end)
            })
    }

    /// The close without an open that took this time.
    pub(crate) fn close_at(&self, at: Instant) -> Option<(u32, Instant)> {
        self.holds.iter().filter(|hold| hold.opened.is_none()).find_map(|hold| match hold.ended {
            Ended::Close(op, close) if close == at => Some((op, close)),
            _ => None,
        })
    }
}
