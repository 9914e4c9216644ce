//! A clock that was set back within the capture: what came first the order of the events tells then, not their times.
//!
//! The driver numbers events as they happen, and captures and exports list them so; in every real capture their times ascend
//! too. Behind a step back all times are put off for the run, so that they go on from there, and shown as they stood.

use super::finding::{Analysis, Edge, Finding, Hold, Holder};
use crate::capture::op::{Op, OpKind, OpLog};
use crate::nt::{FileTime, Ticks};
use rustc_hash::FxHashSet;

/// What took less was over before a step behind it, as far as can be told: 1 s.
const BRIEF: Ticks = Ticks(10_000_000);

/// A log whose times ascend with its events.
pub(crate) struct Straightened {
    /// The operations with times put off.
    pub(crate) log: OpLog,
    /// Where times are put off further, and by how many ticks.
    steps: Vec<(FileTime, u64)>,
}

impl Straightened {
    /// `None` where no clock was set back.
    pub(crate) fn of(log: &OpLog) -> Option<Self> {
        if log.coverage.order.steps_back == 0 && log.ops.is_sorted_by_key(|op| op.start) {
            return None;
        }
        let mut straight = Self { log: log.clone(), steps: Vec::new() };
        let Self { log, steps } = &mut straight;
        let mut later = 0u64;
        let (mut last, mut reach) = (FileTime(0), FileTime(0));
        for op in &mut log.ops {
            let put_off = |time: FileTime, later: u64| FileTime(time.0.saturating_add(later));
            if put_off(op.start, later) < last {
                let begin = FileTime(reach.0.saturating_add(1));
                later = begin.0.saturating_sub(op.start.0);
                steps.push((begin, later));
            }
            (op.start, op.end) = (put_off(op.start, later), op.end.map(|end| put_off(end, later)));
            last = op.start;
            reach = reach.max(last);
            if op.finished().since(op.start) < BRIEF {
                reach = reach.max(op.finished());
            }
        }
        straight.follow();
        Some(straight)
    }

    /// What else has a time.
    fn follow(&mut self) {
        let most = self.steps.last().map_or(0, |(_, later)| *later);
        let latest = |time: FileTime| FileTime(time.0.saturating_add(most));
        let Self { log, .. } = self;
        for process in &mut log.processes {
            process.started = None; // by which clock, only its start in the capture tells
            process.ended = process.ended.map(latest);
            process.replaced = process.replaced.map(latest);
            process.last_shown = process.last_shown.map(latest);
        }
        let mut loaded = FxHashSet::default();
        for op in &log.ops {
            let Some(process) = log.processes.get_mut(op.process.0 as usize) else { continue };
            match op.kind {
                OpKind::ProcessStart { .. } => process.started = Some(op.start),
                OpKind::ProcessExit => process.ended = Some(op.start),
                OpKind::LoadImage => drop(loaded.insert((op.process, op.path))),
                _ => {}
            }
        }
        // The time of a load behind a step may be that of one before the capture.
        log.images.retain(|image| !loaded.contains(image));
        let begin = log.ops.first().map_or(FileTime(0), |op| op.start);
        let end = log.ops.last().map_or(begin, Op::finished).max(latest(log.span.map_or(begin, |span| span.1)));
        // (The earliest time need not be that of the first event.)
        log.span = log.span.map(|_| (begin, end));
        // Which side of a step a gap lies on its times alone do not tell.
        if log.coverage.gaps.span().is_some() {
            log.coverage.gaps.widen((begin, end));
        }
    }

    /// A time as the capture has it.
    pub(crate) fn show(&self, time: &mut FileTime) {
        let step = self.steps.iter().rev().find(|(from, _)| *from <= *time);
        *time = FileTime(time.0.saturating_sub(step.map_or(0, |(_, later)| *later)));
    }

    pub(crate) fn show_hold(&self, hold: &mut Hold) {
        for edge in [&mut hold.start, &mut hold.end] {
            if let Edge::At(_, time) = edge {
                self.show(time);
            }
        }
    }

    fn show_holders(&self, holders: &mut [Holder]) {
        for holder in holders {
            self.show_hold(&mut holder.hold);
            holder.more.iter_mut().for_each(|hold| self.show_hold(hold));
        }
    }

    /// What is said of one refusal, with times as the capture has them.
    pub(crate) fn show_finding(&self, finding: &mut Finding) {
        self.show(&mut finding.time);
        self.show_holders(&mut finding.holders);
        if let Some(release) = &mut finding.released_by {
            self.show(&mut release.time);
        }
    }

    /// The same for all that a run says.
    pub(crate) fn show_analysis(&self, analysis: &mut Analysis) {
        analysis.findings.iter_mut().for_each(|finding| self.show_finding(finding));
        for burst in &mut analysis.bursts {
            self.show(&mut burst.first);
            self.show(&mut burst.last);
        }
        for wait in &mut analysis.waits {
            self.show(&mut wait.time);
            self.show_holders(&mut wait.holders);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::op::{EventIndex, PathId, ProcessId, StackSays};
    use crate::nt::NtStatus;

    fn log(times: &[(u64, u64)]) -> OpLog {
        let op = |(event, (start, took)): (u64, &(u64, u64))| Op {
            event: EventIndex(event),
            start: FileTime(*start),
            end: Some(FileTime(start + took)),
            process: ProcessId(0),
            thread: None,
            status: NtStatus::SUCCESS,
            path: PathId(0),
            driver: None,
            stack: StackSays::Nothing,
            kind: OpKind::Cleanup,
        };
        OpLog { ops: (0..).zip(times).map(op).collect(), ..OpLog::default() }
    }

    #[test]
    fn times_that_ascend_are_left_alone() {
        assert!(Straightened::of(&log(&[(10, 90), (10, 0), (12, 1)])).is_none());
    }

    #[test]
    fn behind_each_step_times_go_on_and_are_shown_as_they_stood() {
        let raw = log(&[(100, 0), (110, 5), (60, 1), (70, 0), (65, 0), (200, 0)]);
        let straight = Straightened::of(&raw).unwrap();
        let starts: Vec<u64> = straight.log.ops.iter().map(|op| op.start.0).collect();
        assert_eq!(starts, [100, 110, 116, 126, 127, 262]);
        for (told, op) in straight.log.ops.iter().zip(&raw.ops) {
            for (mut time, stood) in [(told.start, op.start), (told.finished(), op.finished())] {
                straight.show(&mut time);
                assert_eq!(time, stood);
            }
        }
    }

    #[test]
    fn what_takes_long_may_go_on_behind_a_step() {
        let straight = Straightened::of(&log(&[(100, BRIEF.0), (50, 3), (60, 0)])).unwrap();
        let starts: Vec<u64> = straight.log.ops.iter().map(|op| op.start.0).collect();
        assert_eq!(starts, [100, 101, 111]);
    }
}
