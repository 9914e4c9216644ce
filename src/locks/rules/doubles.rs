//! Files that may be the one in question by another spelling of its path: who has one open may be in the way (AT-2, VI-9).

use super::suspect::{Blockers, Rule, add};
use crate::capture::op::{OpKind, ProcessId};
use crate::locks::alias::Double;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::wanted;
use crate::locks::file::hold::{Fit, HoldRec};
use crate::locks::file::refute::{relation, spared_by_read};
use crate::locks::file::sections::Kind;
use crate::locks::finding::Confidence;
use crate::locks::identity::succeeded;
use crate::locks::spans::Instant;
use crate::nt::sharing::sharing_conflict;
use crate::nt::{NtStatus, OpenResult};
use rustc_hash::FxHashSet;

/// Handles of one such file that are looked through for those opened while it was another.
const MAX_HOLDS: usize = 65_536;

impl Engine<'_> {
    /// Links of other files that may be the one that is `link`, or `every` other link of its file.
    pub(crate) fn doubles(&mut self, failing: Failing<'_>, link: u32, every: bool) -> Vec<Double> {
        let own = (self.names.place(failing.index).link == link).then_some(failing.op.path);
        let mut doubles = self.aliases.of(self.log, &self.names, own, link, every);
        for (link, from, to) in self.names.other_spellings(link, every) {
            if !doubles.iter().any(|known| known.link == link) {
                doubles.push(Double { link, from, to });
            }
        }
        for double in &mut doubles {
            // What was there when it was first met was there before.
            double.from = if self.begins(double.from) { double.from } else { 0 };
        }
        doubles.retain(|double| !self.is_another(failing, double.link));
        doubles
    }

    /// Whether the operation completed at a tick gave a file its name.
    fn begins(&self, tick: u32) -> bool {
        let op = self.order.get(tick as usize).and_then(|at| self.op(*at));
        op.is_some_and(|op| match op.kind {
            OpKind::Create(create) => create.result == Some(OpenResult::CREATED),
            OpKind::Rename { .. } | OpKind::Link { .. } => succeeded(op),
            _ => false,
        })
    }

    /// AT-11: whether somebody surely had a handle on a file that would have refused the open that went through at last, so that
    /// it is another one.
    fn is_another(&mut self, failing: Failing<'_>, link: u32) -> bool {
        let done = failing.burst.success.and_then(|at| Some((self.names.place(at).stream, self.op(at)?)));
        let Some((stream, done)) = done.filter(|(_, done)| matches!(done.kind, OpKind::Create(_))) else {
            return false;
        };
        let at = Instant::of(done);
        let coverage = self.log.coverage;
        if failing.op.status != NtStatus::SHARING_VIOLATION
            || coverage.lacks_closes()
            || coverage.is_torn(failing.at.start, at.end)
        {
            return false;
        }
        let asked = wanted(done).grant;
        let refuses = |hold: &HoldRec| {
            let conflict = hold.grant.and_then(|grant| sharing_conflict(grant, asked, relation(hold.stream, stream)));
            let certain = |conflict| !spared_by_read(hold, asked, conflict) && !hold.unchecked;
            if conflict.is_some_and(|conflict| conflict.certain && certain(conflict)) { Fit::Yes } else { Fit::No }
        };
        let track = self.track(self.names.file(link));
        let (groups, _) = track.weigh(at, self.options.limit, &self.work, &refuses);
        groups.iter().any(|(_, weighed)| weighed.sure)
    }

    /// Who has a file open that may be this one, by the rule for its own handles: possible at most.
    pub(crate) fn by_double(&mut self, failing: Failing<'_>, double: Double, rule: &Rule<'_>, found: &mut Blockers) {
        let track = self.track(self.names.file(double.link));
        let during = |tick: u32| (double.from..double.to).contains(&tick);
        let opened = track.own_holds().take(MAX_HOLDS).filter_map(|hold| hold.opened);
        let others: FxHashSet<u32> = opened.map(|(open, _)| open).filter(|open| !during(self.tick(*open))).collect();
        let fit = |hold: &HoldRec| match hold.opened {
            Some((open, _)) if others.contains(&open) => Fit::No,
            _ => (rule.fit)(hold),
        };
        let mut there = Blockers::default();
        let ceiling = Confidence::Possible;
        self.by_handle(failing, double.link, &Rule { fit: &fit, ceiling, ..*rule }, &mut there);
        take(there, found);
    }

    /// Sections that may be alive: of the file, and of those that may be it, possible at most.
    pub(crate) fn mapped(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        rule: &'static str,
        fits: &dyn Fn(Kind) -> bool,
        found: &mut Blockers,
    ) {
        self.mapped_as(failing, link, rule, fits, found);
        for double in self.doubles(failing, link, true) {
            let mut there = Blockers::default();
            self.mapped_as(failing, double.link, rule, fits, &mut there);
            if !there.suspects.is_empty() {
                // MM-5: it is not alone any more.
                found.suspects.iter_mut().for_each(|suspect| suspect.settled_by_release = false);
            }
            for suspect in &mut there.suspects {
                suspect.inferred = suspect.holder.confidence < Confidence::Likely;
            }
            take(there, found);
        }
    }

    /// AT-10: whether somebody not implicated closed a handle on such a file between the last failure and the success.
    pub(crate) fn double_let_go(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        success: u32,
        (considered, implicated): (&[ProcessId], &FxHashSet<ProcessId>),
    ) -> bool {
        let every = failing.op.status != NtStatus::DELETE_PENDING;
        self.doubles(failing, link, every).into_iter().any(|double| {
            let track = self.track(self.names.file(double.link));
            let from = track.ops.partition_point(|at| self.tick(*at) <= self.tick(failing.index));
            let to = track.ops.partition_point(|at| self.tick(*at) < self.tick(success));
            let closed =
                track.ops.get(from..to).unwrap_or(&[]).iter().take(4096).filter_map(|at| self.op(*at)).any(|op| {
                    matches!(op.kind, OpKind::Cleanup)
                        && op.start >= failing.burst.last.start
                        && considered.contains(&op.process)
                        && !implicated.contains(&op.process)
                        && op.process != failing.op.process
                });
            closed || self.another_let_go(failing, &track, (from, to), implicated)
        })
    }
}

/// Takes over who may have this file by another spelling.
fn take(there: Blockers, found: &mut Blockers) {
    found.truncated |= there.truncated;
    for mut suspect in there.suspects {
        suspect.cap(Confidence::Possible);
        suspect.elsewhere = true;
        add(&mut found.suspects, suspect);
    }
}
