//! Handles that a process has from its parent: inheriting is no file operation (SA-7, VI-8, VI-10).

use super::suspect::{Blockers, Rule, Suspect};
use crate::capture::op::ProcessId;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, Fit, HoldRec};
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, Edge, Hold, Holder, Party};
use crate::locks::spans::Instant;
use crate::nt::FileTime;

/// Generations that are followed.
const MAX_GENERATIONS: usize = 16;
/// Handles of one file looked at.
const MAX_HOLDS: usize = 65_536;
/// Closes of handles that their process had not opened, looked at for one handle.
const MAX_CLOSES: usize = 256;
/// Heirs of one handle told.
const MAX_HEIRS: usize = 16;

/// Nothing is seen of a handle that is inherited, but perhaps its end.
const UNSEEN: Hold =
    Hold { start: Edge::Unseen, end: Edge::Unseen, access: None, share: None, path: None, range: None };

/// Who may have lent a process the handle that it used.
pub(crate) struct Lent {
    by: Vec<ProcessId>,
    /// When it was used.
    at: Instant,
    /// What each of them is at most.
    pub(crate) grade: Confidence,
}

impl Lent {
    /// Whether it may have been this open.
    pub(crate) fn may_be(&self, hold: &HoldRec) -> bool {
        hold.opened.is_some_and(|(_, opened)| opened.before(self.at)) && self.by.contains(&hold.process)
    }
}

impl Engine<'_> {
    /// Those who may have held the file by inheritance: the descendants of a process that ended without closing its handle, and the
    /// ancestors of one that started later and closed a handle it had not opened.
    pub(crate) fn by_inheritance(&self, failing: Failing<'_>, track: &Track, rule: &Rule<'_>, found: &mut Blockers) {
        let at = failing.at;
        for hold in track.own_holds().take(MAX_HOLDS).filter(|hold| hold.driver.is_none()) {
            match (hold.opened, hold.ended) {
                (Some((_, opened)), Ended::Exit(_, exit))
                    if exit <= at.start
                        && hold.dead_by.is_none()
                        && hold.handed.is_none()
                        && (rule.fit)(hold) != Fit::No =>
                {
                    self.heirs_of(failing, hold, (opened, exit), rule, found);
                }
                (None, Ended::Close(close, closed))
                    if closed.start >= at.end && self.started(hold.process) >= Some(at.end) =>
                {
                    let shown = Hold { end: self.edge(close), ..UNSEEN };
                    let parents = self.ancestors(hold.process).filter(|parent| self.is_alive(*parent, at));
                    if (rule.fit)(hold) != Fit::No
                        && let Some(parent) = parents.take(MAX_GENERATIONS).next()
                    {
                        self.inherits(failing, parent, shown, Confidence::Possible, rule, found);
                    }
                }
                _ => {}
            }
        }
    }

    /// SA-7: what a process left open at its end stays open while a child has it. AT-6: a single one whose end ends the trouble is
    /// likely.
    fn heirs_of(
        &self,
        failing: Failing<'_>,
        hold: &HoldRec,
        (opened, exit): (Instant, FileTime),
        rule: &Rule<'_>,
        found: &mut Blockers,
    ) {
        let born = |process: ProcessId| {
            self.started(process).is_some_and(|started| started >= opened.end)
                && self.ancestors(process).take(MAX_GENERATIONS).any(|parent| parent == hold.process)
                // Of several generations the first was made while the handle stood.
                && self.first_of(process, hold.process).is_some_and(|first| self.started(first) <= Some(exit))
        };
        self.work.spend(self.log.processes.len());
        let all = (0..self.log.processes.len() as u32).map(ProcessId);
        let alive = |process: &ProcessId| *process != failing.op.process && self.is_alive(*process, failing.at);
        let heirs: Vec<ProcessId> = all.filter(alive).filter(|process| born(*process)).take(MAX_HEIRS + 1).collect();
        let complete = self.log.coverage.sequence_gaps == Some(0);
        for heir in heirs.iter().take(MAX_HEIRS) {
            let end = self.exits.get(heir.0 as usize).copied().flatten();
            let ends = complete && heirs.len() == 1 && self.brackets(failing, end);
            let grade = if ends { Confidence::Likely.min(rule.ceiling) } else { Confidence::Possible };
            let end = match end {
                Some((Some(exit), _)) => self.edge(exit),
                Some((None, _)) => Edge::Unseen,
                None => Edge::AfterCapture,
            };
            let shown = Hold { end, access: hold.access, share: hold.share, ..UNSEEN };
            self.inherits(failing, *heir, shown, grade, rule, found);
        }
    }

    /// Adds one who may have inherited a handle, unless he is a suspect anyway.
    fn inherits(
        &self,
        failing: Failing<'_>,
        process: ProcessId,
        hold: Hold,
        confidence: Confidence,
        rule: &Rule<'_>,
        found: &mut Blockers,
    ) {
        let party = Party::Process(process);
        if process == failing.op.process || found.suspects.iter().any(|suspect| suspect.holder.party == party) {
            return;
        }
        let end = match hold.end {
            Edge::At(event, _) => self.find(event).and_then(|at| Some((at, Instant::of(self.op(at)?)))),
            _ => None,
        };
        let victim = self.counts_as_victim(failing, process);
        let suspected = Holder::suspect(party, rule.mechanism, rule.rule);
        let left_early = end.is_some_and(|(_, end)| end.end <= failing.burst.last.start);
        let holder = Holder { confidence, hold, victim, ..suspected };
        found.suspects.push(Suspect { inferred: true, left_early, end, ..Suspect::of(holder) });
    }

    /// SA-7: the opens through which a process that had none of its own may have acted at an instant: another opened what it used. Of
    /// several, those of its ancestors.
    pub(crate) fn lent_to(
        &self,
        track: &Track,
        process: ProcessId,
        at: Instant,
        able: &dyn Fn(&HoldRec) -> bool,
    ) -> Option<Lent> {
        let stands = |hold: &&HoldRec| {
            hold.opened.is_some_and(|(_, opened)| opened.before(at))
                && hold.ended.from().is_none_or(|end| end >= at.start)
                && !hold.is_dead(at)
                && able(hold)
        };
        self.work.spend(track.holds.len());
        let opens: Vec<&HoldRec> = track.own_holds().take(MAX_HOLDS).filter(stands).collect();
        if opens.is_empty() || opens.iter().any(|hold| hold.process == process) {
            return None;
        }
        let above: Vec<ProcessId> = self.ancestors(process).collect();
        let (related, others): (Vec<_>, Vec<_>) = opens.into_iter().partition(|hold| above.contains(&hold.process));
        // AT-5: on a file that the capture shows from its birth there is no other open.
        let newborn = |hold: &&HoldRec| self.names.born(hold.link).is_some();
        let sole = related.len() == 1 || related.is_empty() && others.len() == 1 && others.iter().all(newborn);
        let grade = if sole { Confidence::Likely } else { Confidence::Possible };
        let mut by: Vec<ProcessId> = related.iter().map(|hold| hold.process).collect();
        if by.is_empty() {
            by = others.iter().map(|hold| hold.process).collect();
        }
        Some(Lent { by, at, grade })
    }

    /// AT-6: whether a handle that has no close of its own may be counted on at an instant, though others closed handles by then that
    /// they had not opened: not all of what was opened can have been closed by those, or the closes cannot have been of this one.
    pub(crate) fn outlasts_copies(
        &self,
        failing: Failing<'_>,
        track: &Track,
        hold: &HoldRec,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> bool {
        let Some((open, opened)) = hold.opened.filter(|_| !self.work.is_spent()) else { return false };
        self.work.spend(track.holds.len());
        let at = failing.at;
        let here = || track.own_holds().take(MAX_HOLDS).filter(|other| other.stream == hold.stream);
        let mut closes: Vec<(FileTime, ProcessId)> = here()
            .filter(|other| other.opened.is_none())
            .filter_map(|other| match other.ended {
                Ended::Close(_, close) if close.start < at.end => Some((close.start, other.process)),
                _ => None,
            })
            .collect();
        closes.sort_unstable();
        closes.drain(..closes.partition_point(|(close, _)| *close < opened.end));
        // SA-7: a single cleanup ends a single file object, so as many of those that fit stand as there are more of them. Where
        // this one stands, the others have to do for every close.
        let unclosed = |other: &&HoldRec| {
            other.handed.is_some()
                && !other.is_dead(at)
                && other.ended.from().is_none_or(|end| end > at.start)
                && other.opened.is_some_and(|(other, opened)| other != open && opened.before(at))
        };
        let since = |other: &HoldRec| (other.opened.map_or(FileTime(0), |(_, opened)| opened.end), other.process);
        let (mut fitting, mut spare): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        for other in here().filter(unclosed) {
            if fit(other) == Fit::Yes { fitting.push(since(other)) } else { spare.push(since(other)) }
        }
        fitting.sort_unstable();
        let mut taken = 0;
        let more_opened = closes.iter().take(MAX_CLOSES).all(|&(close, closer)| {
            let above: Vec<ProcessId> = self.ancestors(closer).collect();
            let could = |&(opened, process): &(FileTime, ProcessId)| opened <= close && above.contains(&process);
            // What a child has is its parent's rather than a stranger's.
            if !above.contains(&hold.process)
                && !fitting.iter().any(could)
                && let Some(inherited) = spare.iter().position(could)
            {
                spare.swap_remove(inherited);
                return true;
            }
            taken += 1;
            fitting.partition_point(|(opened, _)| *opened <= close) >= taken
        });
        if more_opened && closes.len() <= MAX_CLOSES {
            return true;
        }
        // AT-10: the operation went on failing after the closes, and nobody else was there: older handles of those who closed them.
        let began = self.log.span.map_or_else(Default::default, |span| span.0);
        let older = |closer: ProcessId| {
            self.started(closer).is_none_or(|started| started <= began)
                && self.ancestors(closer).all(|parent| parent != hold.process)
        };
        self.names.born(hold.link).is_none()
            && closes.iter().take(MAX_CLOSES).all(|(_, closer)| older(*closer))
            && self
                .op(failing.burst.first)
                .is_some_and(|first| closes.first().is_some_and(|(close, _)| first.start < *close))
            && self.alone(track, hold.group, at, fit)
    }

    fn started(&self, process: ProcessId) -> Option<FileTime> {
        self.log.processes.get(process.0 as usize).and_then(|process| process.started)
    }

    /// Whether a process had started and not ended by an instant.
    fn is_alive(&self, process: ProcessId, at: Instant) -> bool {
        let exit = self.exits.get(process.0 as usize).copied().flatten();
        self.started(process).is_none_or(|started| started <= at.start) && exit.is_none_or(|(_, exit)| exit >= at.end)
    }

    /// Its parent, the parent of that, and so on.
    fn ancestors(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> {
        let parent =
            |process: &ProcessId| self.log.processes.get(process.0 as usize).and_then(|process| process.parent);
        std::iter::successors(parent(&process), move |process| parent(process)).take(MAX_GENERATIONS)
    }

    /// The child of `ancestor` that a process is, or descends from.
    fn first_of(&self, process: ProcessId, ancestor: ProcessId) -> Option<ProcessId> {
        let line = std::iter::once(process).chain(self.ancestors(process));
        line.zip(self.ancestors(process)).find(|(_, parent)| *parent == ancestor).map(|(child, _)| child)
    }
}
