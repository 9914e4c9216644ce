//! What a capture, or a handle of which only the end is shown, can be graded at most (AT-6, AT-11, AT-12).

use super::left::lingers;
use super::marker::MarkerEnd;
use super::suspect::Rule;
use crate::capture::op::ProcessId;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, EvKind, Fit, HoldRec};
use crate::locks::file::replay::is_use;
use crate::locks::file::track::Track;
use crate::locks::finding::Confidence;
use crate::locks::spans::Instant;
use crate::nt::FileTime;
use crate::nt::sharing::ShareConflict;

/// Opens and closes behind a refusal that are looked through for the last close.
const MAX_LATER: usize = 4096;

impl Engine<'_> {
    /// The best grade this capture allows.
    pub(crate) fn whole(&self) -> Confidence {
        let coverage = self.log.coverage;
        // Where the driver's numbers contradict the order of the events, it is not known what came first.
        let misnumbered = coverage.order.misnumbered > 0;
        let vague = coverage.without_pids || coverage.without_times || coverage.garbled || misnumbered;
        match (coverage.lacks_closes(), vague) {
            (true, _) => Confidence::Possible,
            (_, true) => Confidence::Likely,
            _ => Confidence::Proven,
        }
    }

    /// AT-3, AT-13: a handle whose open is in the capture; `sure` if one like it stood however closes are paired with opens.
    pub(crate) fn grade_opened(
        &self,
        failing: Failing<'_>,
        track: &Track,
        group: u32,
        hold: &HoldRec,
        sure: bool,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> Confidence {
        let fits = fit(hold);
        let confidence = if sure && fits == Fit::Yes {
            Confidence::Proven
        } else if hold.paired_alive(failing.at)
            || !hold.paired_by_thread
            || self.alone_was_left(failing, track, group, hold, fit)
        {
            Confidence::Likely // AT-3: it or another handle of the process is left
        } else {
            Confidence::Possible // AT-13: the same thread opened and closed it, which is usually but not always right
        };
        match fits {
            // SA-11: MAXIMUM_ALLOWED is one inferred link; an open of which nothing was recorded is a guess.
            Fit::Maybe if hold.grant.is_none() => Confidence::Possible,
            Fit::Maybe => confidence.min(Confidence::Likely),
            _ => confidence,
        }
    }

    /// What the end of a handle leaves of its grade.
    pub(crate) fn grade_end(
        &self,
        failing: Failing<'_>,
        track: &Track,
        hold: &HoldRec,
        rule: &Rule<'_>,
        marker: MarkerEnd,
    ) -> Confidence {
        let own = hold.process == failing.op.process && hold.driver.is_none();
        let outlasted = matches!(rule.rule, "DP-3" | "DP-7" | "DR-1")
            && hold.ended == Ended::Open
            && self.unkept(track, hold.link, failing.at).is_some();
        // Its process used the handle, or one that counts as much, on both sides of the refusal.
        let kept = || (!hold.accompanied || failing.every_open_counts()) && self.is_used_over(failing, track, hold);
        match hold.handed {
            // AT-6: name both, prove neither.
            Some(handed) if handed.before(failing.at) => match self.outlasts_copies(failing, track, hold, rule.fit) {
                true => Confidence::Likely,
                false => Confidence::Possible,
            },
            // AT-11: it ended unseen, sooner or later.
            None if hold.ended_unseen() => Confidence::Possible,
            // It has let go; who keeps its close from ending is not shown.
            _ if own && lingers(hold, failing.at) => Confidence::Possible,
            // Its close is not in the capture, and the name went meanwhile.
            None if outlasted => Confidence::Possible,
            Some(_) if !kept() => Confidence::Likely,
            None if !matches!(hold.ended, Ended::Close(..)) && self.has_copy(track, hold) && !kept() => {
                Confidence::Likely
            }
            // DP-6: the refusal itself shows that it stood by then.
            None if marker == MarkerEnd::Unseen => Confidence::Likely,
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
        // A handle that was used before and is not closed stands, if nothing but that is asked. VI-8: of a copy the end is not
        // shown, unless no other handle is left.
        let stands = before
            && fit(hold) == Fit::Yes
            && !matches!(hold.ended, Ended::Close(..))
            && !gone
            && (!newborn || self.is_last_copy(failing, track, hold));
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

    /// SA-7, VI-8: whether a handle that another process had opened before this one was used lost its owner without a close, so
    /// that a copy keeps it open.
    fn is_last_copy(&self, failing: Failing<'_>, track: &Track, hold: &HoldRec) -> bool {
        let Some((first, _)) = track.groups.get(hold.group as usize).and_then(|group| group.used) else { return false };
        track.own_holds().take(65_536).any(|other| {
            other.process != hold.process
                && other.stream == hold.stream
                && other.opened.is_some_and(|(_, opened)| opened.end <= first)
                && matches!(other.ended, Ended::Exit(_, time) if time <= failing.at.start)
        })
    }

    /// VI-8: whether another process uses a handle that can only be a copy of this one, or of one like it (AT-5), so that the file
    /// would have stayed open without its own.
    fn has_copy(&self, track: &Track, hold: &HoldRec) -> bool {
        let Some((_, opened)) = hold.opened.filter(|_| self.names.born(hold.link).is_some()) else { return false };
        let used = |other: &HoldRec| {
            let used = track.groups.get(other.group as usize).and_then(|group| group.used);
            used.is_some_and(|(_, last)| last >= opened.end)
        };
        track.own_holds().take(65_536).any(|other| {
            other.opened.is_none()
                && other.process != hold.process
                && (other.stream, other.driver) == (hold.stream, hold.driver)
                && !matches!(other.ended, Ended::Close(..))
                && used(other)
        })
    }

    /// AT-3: whether the process used a handle after the refusal and had opened none meanwhile: one of those before it stood over
    /// it.
    fn is_used_over(&self, failing: Failing<'_>, track: &Track, hold: &HoldRec) -> bool {
        let at = failing.at;
        let Some(group) = track.groups.get(hold.group as usize) else { return false };
        let past = group.events.partition_point(|ev| ev.at.before(at));
        let opened = group.events.get(past..).unwrap_or(&[]).iter().find(|ev| matches!(ev.kind, EvKind::Open(_)));
        let until = opened.map_or(FileTime(u64::MAX), |ev| ev.at.start);
        let Some((_, last)) = group.used.filter(|(_, last)| *last >= at.end) else { return false };
        let from = track.ops.partition_point(|op| self.tick(*op) <= self.tick(failing.index));
        let later = || track.ops.get(from..).unwrap_or(&[]).iter().take(4096);
        let used = |at: &u32| {
            let place = self.names.place(*at);
            (place.link, place.stream) == (group.link, group.stream)
                && self.op(*at).is_some_and(|op| {
                    (op.process, op.driver) == (group.process, group.driver)
                        && is_use(op)
                        && op.start >= failing.at.end
                        && op.start <= until
                })
        };
        last <= until || later().any(used)
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
        let shown = self.is_used_over(failing, track, hold)
            || matches!(hold.ended, Ended::Exit(op, time) if self.brackets(failing, Some((op, time))));
        let ended_unseen = !shown && hold.handed.is_none() && track.shown_closed.contains_key(&hold.process);
        let unclosed = self.log.processes.get(hold.process.0 as usize).is_some_and(|one| coverage.lacks_closes_of(one));
        let complete = coverage.sequence_gaps == Some(0);
        let few = coverage.has_few_closes() || ended_unseen && !complete || unclosed && !shown;
        if self.whole() == Confidence::Possible || (few && !closed) {
            return Confidence::Possible;
        }
        if (unclosed || ended_unseen) && !closed {
            return Confidence::Likely;
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
        if (!closed || hold.accompanied && !is_all_closed(track, hold, at)) && coverage.has_gaps(since, at.start) {
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
        self.log.coverage.lost_by(shown, at.end)
    }
}

/// Whether every handle that the process had beside this one at `at` is closed later: then no close of any of them is missing, unless
/// an open is as well.
fn is_all_closed(track: &Track, hold: &HoldRec, at: Instant) -> bool {
    let Some(group) = track.groups.get(hold.group as usize) else { return false };
    let past = group.events.partition_point(|ev| ev.at.before(at));
    let mut later = group.events.get(past..).unwrap_or(&[]).iter().take(MAX_LATER);
    later.find(|ev| ev.alive == 0).is_some_and(|ev| matches!(ev.kind, EvKind::Close))
}
