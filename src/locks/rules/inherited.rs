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
/// Heirs of one handle told.
const MAX_HEIRS: usize = 16;

/// Nothing is seen of a handle that is inherited, but perhaps its end.
const UNSEEN: Hold =
    Hold { start: Edge::Unseen, end: Edge::Unseen, access: None, share: None, path: None, range: None };

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
