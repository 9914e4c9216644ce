//! What a capture, or a handle of which only the end is shown, can be graded at most (AT-6, AT-11, AT-12).

use crate::capture::op::ProcessId;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, Fit, HoldRec};
use crate::locks::file::track::Track;
use crate::locks::finding::Confidence;
use crate::locks::spans::Instant;
use crate::nt::sharing::ShareConflict;

impl Engine<'_> {
    /// The best grade this capture allows.
    pub(crate) fn whole(&self) -> Confidence {
        let coverage = self.log.coverage;
        match (coverage.lacks_closes(), coverage.without_pids || coverage.without_times || coverage.garbled) {
            (true, _) => Confidence::Possible,
            (_, true) => Confidence::Likely,
            _ => Confidence::Proven,
        }
    }

    /// AT-6: a handle that only its close or its use shows.
    pub(crate) fn grade_unopened(
        &self,
        failing: Failing<'_>,
        track: &Track,
        group: u32,
        hold: &HoldRec,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> Confidence {
        let at = failing.at;
        let began = self.log.span.map_or_else(Default::default, |span| span.0);
        let started = self.log.processes.get(hold.process.0 as usize).and_then(|process| process.started);
        // AT-5: a file made in the capture, or a process started in it, cannot have an older handle on it.
        let newborn = self.names.born(hold.link).is_some_and(|born| born <= at.end);
        let newborn = newborn || started.is_some_and(|started| started > began && self.log.span.is_some());
        let used = track.groups.get(group as usize).and_then(|group| group.used);
        let before = used.is_some_and(|(first, _)| first <= at.start);
        let after = used.is_some_and(|(_, last)| last >= at.end);
        if newborn && !before && !track.handed_over(hold) && !self.is_inherited(failing, track, hold, fit) {
            return Confidence::Possible; // it may have been handed over after the failure
        }
        // VI-4: an exit is a release like a close, where the trouble ended with it.
        let closed_after = match hold.ended {
            Ended::Close(_, close) => close.end > at.start,
            Ended::Exit(op, time) => self.brackets(failing, Some((op, time))),
            Ended::Open => false,
        };
        // AT-11: what would have refused the request that went through at last had ended by then.
        let done = failing.burst.success.and_then(|at| self.op(at)).map(|op| Instant::of(op).end);
        let gone = done.is_some_and(|done| !matches!(hold.ended, Ended::Exit(_, time) if time <= done));
        // A handle that was used before and is not closed stands, if nothing but that is asked.
        let stands = before && fit(hold) == Fit::Yes && !matches!(hold.ended, Ended::Close(..)) && !gone;
        if matches!(hold.ended, Ended::Close(_, close) if close.end <= at.start) {
            return Confidence::Possible;
        }
        // Where every open counts, going on after its close does not speak against it; elsewhere it does (AT-6).
        let went_on = matches!(hold.ended, Ended::Close(_, close) if close.end <= failing.burst.last.start);
        if went_on && !failing.every_open_counts() {
            return Confidence::Possible;
        }
        let stops = matches!(hold.ended, Ended::Close(_, close) if failing.burst.last.start <= close.end);
        // DP-3: no open can start after the mark, so whoever closes one later had it open.
        let told = before || stops || failing.every_open_counts();
        if after || stands || (closed_after && told) { Confidence::Likely } else { Confidence::Possible }
    }

    /// Whether a handle that only its close or its use shows was in use before the refusal, and stood until after it.
    pub(crate) fn in_use_through(&self, failing: Failing<'_>, track: &Track, group: u32, hold: &HoldRec) -> bool {
        let used = track.groups.get(group as usize).and_then(|group| group.used);
        used.is_some_and(|(first, last)| {
            let until = hold.ended.from().unwrap_or_default().max(last);
            first <= failing.at.start && until >= failing.at.end
        })
    }

    /// SA-9: whether each side that withholds reading surely had the right to, as the system's own account has.
    pub(crate) fn may_withhold_read(&self, failing: Failing<'_>, hold: &HoldRec, conflict: ShareConflict) -> bool {
        let process = |id: ProcessId| self.log.processes.get(id.0 as usize);
        let system = self.log.processes.iter().find(|process| process.is_system() && !process.user.is_empty());
        let able = |id: ProcessId| {
            process(id).is_some_and(|one| one.is_system() || system.is_some_and(|system| system.user == one.user))
        };
        (conflict.holder_refuses.is_empty() || able(hold.process))
            && (conflict.requester_refuses.is_empty() || able(failing.op.process))
    }

    /// What the capture as a whole lets a handle be (AT-11, AT-12).
    pub(crate) fn ceiling(&self, failing: Failing<'_>, track: &Track, hold: &HoldRec) -> Confidence {
        let at = failing.at;
        let coverage = self.log.coverage;
        let closed = matches!(hold.ended, Ended::Close(..));
        // VI-7: of a process that makes many opens and no close, or had a handle here that ended unseen, closes are missing.
        let used_after =
            track.groups.get(hold.group as usize).and_then(|group| group.used).is_some_and(|(_, last)| last >= at.end);
        let exit = matches!(hold.ended, Ended::Exit(op, time) if self.brackets(failing, Some((op, time))));
        let shown = hold.handed.is_some() || used_after || exit;
        let ended_unseen = !shown && track.shown_closed.contains_key(&hold.process);
        let missing = self.unclosing.contains(&hold.process) || ended_unseen;
        let few = coverage.has_few_closes() || missing;
        if self.whole() == Confidence::Possible || (few && !closed) {
            return Confidence::Possible;
        }
        if !closed && self.lost_since(track, hold, at) {
            return Confidence::Possible; // VI-7: its close may be among the events that are lost
        }
        if self.whole() == Confidence::Likely {
            return Confidence::Likely;
        }
        // VI-7: that a close is missing shows nothing where its absence could not be noticed.
        if coverage.unnumbered && !closed {
            return Confidence::Likely;
        }
        // With events missing only a close that can be no other's shows that the handle stood until then.
        let since = hold.opened.map_or_else(Default::default, |(_, open)| open.start);
        if (!closed || hold.accompanied) && coverage.has_gaps(since, at.start) {
            return Confidence::Likely;
        }
        Confidence::Proven
    }

    /// Whether events were lost between the last that shows the handle and `at`.
    fn lost_since(&self, track: &Track, hold: &HoldRec, at: Instant) -> bool {
        let group = track.groups.get(hold.group as usize);
        let only = group.is_some_and(|group| group.events.len() <= 1);
        let used = group.and_then(|group| group.used).filter(|_| only || hold.opened.is_none());
        let opened = hold.opened.map(|(_, opened)| opened.end);
        let shown = opened.max(used.map(|(_, last)| last)).unwrap_or_default();
        self.log.coverage.lost().any(|lost| shown < lost.to && lost.to <= at.end)
    }
}
