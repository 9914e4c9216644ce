//! Which of a process's handles is left at an instant, where the capture does not say which one a close ended (AT-3).

use super::suspect::{Blockers, Rule, Suspect};
use crate::locks::engine::{Engine, WAIT_THRESHOLD};
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, EvKind, Fit, HoldRec};
use crate::locks::file::track::Track;
use crate::locks::finding::{Hold, Holder};
use crate::locks::identity::UNNAMED;
use crate::locks::spans::Instant;

impl Engine<'_> {
    /// The hold with the end it must have had to refuse the operation, where the usual order of closes (AT-13) has it
    /// gone by then: the handle that this order leaves open instead gives it its end.
    pub(crate) fn as_left(
        &self,
        failing: Failing<'_>,
        track: &Track,
        group: u32,
        hold: &HoldRec,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> Option<HoldRec> {
        // Retries need the same hold: if this process alone can have refused the last one, it is the one left then.
        let last = failing.burst.last;
        match exchange(track, group, hold, last) {
            Some(left) if failing.at.start < last.start && self.alone(track, group, last, fit) => Some(left),
            _ => exchange(track, group, hold, failing.at),
        }
    }

    /// AT-3: whether only the handle that the usual order of closes has gone can have refused the operation to the last, which
    /// went through once the handle left in its place had been closed.
    pub(crate) fn alone_was_left(
        &self,
        failing: Failing<'_>,
        track: &Track,
        group: u32,
        hold: &HoldRec,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> bool {
        let last = failing.burst.last;
        let success = failing.burst.success.and_then(|at| self.op(at)).map(Instant::of);
        let left = exchange(track, group, hold, last);
        success.zip(left).is_some_and(|(success, left)| {
            matches!(left.ended, Ended::Close(_, close) if close.end > last.start && close.start < success.end)
        }) && self.alone(track, group, last, fit)
    }

    /// Whether a group, or any, may have a fitting handle at a later instant.
    pub(crate) fn may_hold(
        &self,
        track: &Track,
        group: Option<u32>,
        at: Instant,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> bool {
        let (groups, more) = track.weigh(at, self.options.limit, &self.work, fit);
        more || groups.iter().any(|(other, weighed)| weighed.possible && group.is_none_or(|group| group == *other))
    }

    /// AT-6: whether a close without an open, in a process that cannot have had the handle all along, ended the trouble; somebody
    /// else had opened the file so that it stood in the way, and no open of theirs can have been left by then. Then it was
    /// a copy of such a handle, inherited or duplicated.
    pub(crate) fn is_inherited(
        &self,
        failing: Failing<'_>,
        track: &Track,
        hold: &HoldRec,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> bool {
        let last = failing.burst.last;
        matches!(hold.ended, Ended::Close(_, close) if last.start <= close.end)
            && failing.burst.success.is_some()
            && self.alone(track, hold.group, last, fit)
            && track.own_holds().take(65_536).any(|other| {
                other.process != hold.process
                    && other.stream == hold.stream
                    && other.opened.is_some_and(|(_, opened)| opened.before(failing.at))
                    && fit(other) != Fit::No
            })
    }

    /// AT-6, AT-11: a success showed a handle ended, and its process closes one afterwards: a handle whose open is not in the
    /// capture, which may have stood by then.
    pub(crate) fn by_later_close(&self, failing: Failing<'_>, track: &Track, rule: &Rule<'_>, found: &mut Blockers) {
        let at = failing.at;
        for one in track.refutations().take(1024) {
            let Some(hold) = track.holds.get(one.hold as usize).filter(|hold| hold.is_dead(at)) else { continue };
            let Ended::Close(op, close) = hold.ended else { continue };
            let unknown = HoldRec::unknown(hold.process, hold.driver, (hold.link, hold.stream));
            let party = hold.party();
            if close.end <= at.start
                || (rule.fit)(&unknown) == Fit::No
                || found.suspects.iter().any(|suspect| suspect.holder.party == party)
            {
                continue;
            }
            // DP-9: it kept a stream.
            let of_stream = hold.stream != UNNAMED && self.marked_stream(failing, track, hold.link).is_none();
            let rule_id = if rule.rule == "DP-3" && of_stream { "DP-9" } else { rule.rule };
            let suspected = Holder::suspect(party, rule.mechanism, rule_id);
            let hold_shown = Hold { end: self.edge(op), ..suspected.hold };
            let victim = self.counts_as_victim(failing, hold.process) && hold.driver.is_none();
            let holder =
                Holder { hold: hold_shown, victim, refuted_by: self.op(one.by).map(|op| op.event), ..suspected };
            found.suspects.push(Suspect {
                inferred: true,
                left_early: close.end <= failing.burst.last.start,
                end: Some((op, close)),
                ..Suspect::of(holder)
            });
        }
    }

    /// Whether this group and no other may have a fitting handle at an instant.
    pub(crate) fn alone(&self, track: &Track, group: u32, at: Instant, fit: &dyn Fn(&HoldRec) -> Fit) -> bool {
        let (groups, more) = track.weigh(at, self.options.limit, &self.work, fit);
        let mut able = groups.iter().filter(|(_, weighed)| weighed.possible).map(|(other, _)| *other);
        !more && able.next() == Some(group) && able.next().is_none()
    }
}

/// The hold as it must have been for it to be the one left at `at`: its close was that of another handle of the group,
/// which was open by then, and that handle's end is its own (AT-3). `None` when it is the one left anyway.
fn exchange(track: &Track, group: u32, hold: &HoldRec, at: Instant) -> Option<HoldRec> {
    let (Ended::Close(_, close), Some((_, opened))) = (hold.ended, hold.opened) else { return None };
    if !close.before(at) || !opened.before(at) || hold.dead_by.is_some() {
        return None;
    }
    let events = &track.groups.get(group as usize)?.events;
    let past = events.partition_point(|ev| ev.at.before(close));
    // A handle of another sort: one of the same would have been taken for the fitting one itself.
    let left = events.get(past.saturating_sub(256)..past)?.iter().rev().find_map(|ev| match ev.kind {
        EvKind::Open(index) => {
            let sort = |hold: &HoldRec| (hold.grant, hold.link, hold.driver);
            track.holds.get(index as usize).filter(|other| other.paired_alive(at) && sort(other) != sort(hold))
        }
        _ => None,
    })?;
    Some(HoldRec { ended: left.ended, paired_by_thread: false, ..hold.clone() })
}

/// Whether the close of a handle was under way at `at` and took conspicuously long: a filter that looks into the file
/// during the close keeps the file in use in its owner's name.
pub(crate) fn lingers(hold: &HoldRec, at: Instant) -> bool {
    matches!(hold.ended, Ended::Close(_, close)
        if close.start <= at.start && at.start < close.end && close.end.since(close.start) >= WAIT_THRESHOLD)
}
