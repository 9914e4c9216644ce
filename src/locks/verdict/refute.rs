//! Successes held against the suspects of a refusal (AT-11): the rule that accuses a hold must have refused every operation of
//! the sort that met it. One that went through all the same shows that the hold had ended, whatever the capture has as its end.
//!
//! The replay of a file does this for share modes, mappings and byte ranges. Here are the rules that look at more than one file.

use crate::capture::op::{Op, OpKind, ProcessInfo};
use crate::locks::engine::Engine;
use crate::locks::failing::{BurstEnd, Failing};
use crate::locks::finding::{Confidence, Edge};
use crate::locks::identity::{NONE, opens, succeeded};
use crate::locks::rules::directory::MAX_CHILDREN;
use crate::locks::rules::suspect::{Blockers, Suspect};
use crate::locks::spans::Instant;
use crate::nt::{DispositionFlags, NtStatus};

/// Successes on either side of a refusal that are asked.
const MAX_ASKED: usize = 16;
/// Names in a folder looked into for opens that its deletion would have refused.
const MAX_NAMES: usize = 64;

/// The status in which a rule refuses, for the rules that are asked here.
fn refusal(suspect: &Suspect) -> Option<NtStatus> {
    match suspect.holder.rule {
        "RN-1" | "RN-3" | "RN-6" => Some(NtStatus::ACCESS_DENIED),
        "RN-2" | "RN-7" => Some(NtStatus::SHARING_VIOLATION),
        "DP-7" => Some(NtStatus::DELETE_PENDING),
        "DR-1" => Some(NtStatus::DIRECTORY_NOT_EMPTY),
        _ => None,
    }
}

/// Whether an operation is of a sort that may be refused so.
fn may_end_in(op: &Op, status: NtStatus) -> bool {
    match op.kind {
        OpKind::Rename { .. } | OpKind::Link { .. } => {
            matches!(status, NtStatus::ACCESS_DENIED | NtStatus::SHARING_VIOLATION | NtStatus::DELETE_PENDING)
                && succeeded(op)
        }
        OpKind::Create(_) => status == NtStatus::DELETE_PENDING && opens(op),
        OpKind::SetDisposition { delete, .. } => status == NtStatus::DIRECTORY_NOT_EMPTY && delete && succeeded(op),
        OpKind::SetDispositionEx { flags, .. } => {
            status == NtStatus::DIRECTORY_NOT_EMPTY && flags.contains(DispositionFlags::DELETE) && succeeded(op)
        }
        _ => false,
    }
}

impl Engine<'_> {
    /// Holds successes of the same sort against the suspects of a refusal. Whose hold one shows ended before it is no suspect, unless it
    /// closed another handle later; after it, how long the hold lasted is not shown.
    pub(crate) fn refute(&mut self, failing: Failing<'_>, blockers: &mut Blockers) {
        let status = failing.op.status;
        if !blockers.suspects.iter().any(|suspect| refusal(suspect) == Some(status)) {
            return;
        }
        for at in self.like(failing, blockers) {
            let Some(op) = self.op(at) else { continue };
            let now = Instant::of(op);
            let burst = BurstEnd { number: 0, first: at, latest: at, last: now, success: None };
            let refused = Op { status, ..*op };
            let asked = Failing { index: at, op: &refused, at: now, burst, nesting: failing.nesting, begun_by: None };
            self.work.spend(100);
            let able = self.blockers(asked).suspects;
            let refuted = |suspect: &Suspect| {
                refusal(suspect) == Some(status)
                    && suspect.holder.refuted_by.is_none()
                    && able.iter().any(|able| stands_for(able, suspect))
            };
            let before = now.before(failing.at);
            let mut gone = Vec::new();
            blockers.suspects.retain_mut(|suspect| {
                if !refuted(suspect) {
                    return true;
                }
                let path = suspect.holder.hold.path.unwrap_or(failing.op.path);
                let close = match before {
                    true => None,
                    false => self.closed_between(suspect.holder.party.process(), path, failing.at, now),
                };
                if let Some((op, _)) = close {
                    (suspect.holder.hold.end, suspect.end) = (self.edge(op), close);
                    return true;
                }
                suspect.holder.confidence = Confidence::Possible;
                suspect.holder.refuted_by = Some(op.event);
                suspect.inferred = true;
                suspect.settled_by_release = false;
                if !before {
                    suspect.holder.hold.end = Edge::Unseen;
                    suspect.end = None;
                    return true;
                }
                // AT-6: a close after it is that of another handle, whose open is not in the capture.
                let close = suspect.end.filter(|(end, close)| {
                    close.end > failing.at.start && self.op(*end).is_some_and(|end| matches!(end.kind, OpKind::Cleanup))
                });
                let Some((_, close)) = close else {
                    gone.push((suspect.holder.party.process(), op.event));
                    return false;
                };
                suspect.holder.hold.start = Edge::Unseen;
                suspect.left_early = close.end <= failing.burst.last.start;
                true
            });
            blockers.refuted.extend(gone);
        }
    }

    /// AT-10: missing rights refuse a rename in the same way as holds do. Where the very same is refused still once all who were
    /// able to have let go, and nobody else is able to, it was not they; unless the later one may have been refused for itself:
    /// by its handle's rights (DP-1), or a source that is pending or gone (RN-4, DP-6).
    pub(crate) fn refused_still(&mut self, failing: Failing<'_>, blockers: &mut Blockers) {
        let last = failing.burst.last;
        let Some(op) = self.op(failing.burst.latest) else { return };
        let again = Failing { index: failing.burst.latest, op, at: last, ..failing };
        let left = |suspect: &Suspect| suspect.end.is_some_and(|(_, end)| end.end <= last.start);
        if failing.op.status != NtStatus::ACCESS_DENIED
            || blockers.suspects.is_empty()
            || !blockers.suspects.iter().all(left)
            || self.may_refuse_itself(again)
            || !self.blockers(again).suspects.is_empty()
        {
            return;
        }
        for suspect in &mut blockers.suspects {
            suspect.holder.confidence = Confidence::Possible;
            (suspect.inferred, suspect.left_early, suspect.settled_by_release) = (true, true, false);
        }
    }

    /// Whether a refused rename or link is told though nobody stands in its way for certain: a hold did when it was refused
    /// first.
    pub(crate) fn was_blocked(&mut self, failing: Failing<'_>) -> bool {
        let first = failing.burst.first;
        let Some(op) = self.op(first).filter(|op| op.status == NtStatus::ACCESS_DENIED) else { return false };
        let asked = Failing { index: first, op, at: Instant::of(op), ..failing };
        is_blocked(&self.blockers(asked))
    }

    /// DP-7: what came to be below a folder once it was marked, and what was done to some of what is there at `tick`.
    fn below_marked(&self, folder: u32, mark: u32, tick: u32) -> Vec<u32> {
        let marked = self.tick(mark);
        let mut found = Vec::new();
        let mut files = vec![self.names.file(folder)];
        let mut next = 0;
        while let Some(dir) = files.get(next).copied().filter(|_| !self.work.is_spent()) {
            next += 1;
            for stay in self.names.children(dir).take(MAX_CHILDREN) {
                self.work.spend(1);
                if stay.from > marked {
                    found.extend(self.order.get(stay.from as usize));
                }
                let file = self.names.file(stay.link);
                if stay.from <= tick && tick < stay.to && files.len() < MAX_NAMES && !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        found.extend(files.into_iter().flat_map(|file| self.ops_of(file)));
        found
    }

    /// The successes nearest to a refusal that its suspects may have met: the same names, what is in the same folder.
    fn like(&self, failing: Failing<'_>, blockers: &Blockers) -> Vec<u32> {
        let status = failing.op.status;
        let moves = matches!(failing.op.kind, OpKind::Rename { .. } | OpKind::Link { .. });
        let mut asked = if moves && status != NtStatus::DELETE_PENDING {
            let file = |link: u32| self.names.file(link);
            let source = file(self.names.place(failing.index).link);
            let target = self.names.target(failing.index);
            let (replaced, folder) = target.map_or((NONE, NONE), |target| (file(target.link), target.dir));
            let same = |at: &u32| {
                (source != NONE && file(self.names.place(*at).link) == source)
                    || (replaced != NONE && self.names.target(*at).is_some_and(|target| file(target.link) == replaced))
            };
            let mut asked = self.nearest(failing, self.moves.iter().copied().filter(same).collect());
            if status == NtStatus::SHARING_VIOLATION && folder != NONE {
                // RN-7: whatever was moved into the folder.
                let into = |at: &u32| self.names.target(*at).is_some_and(|target| target.dir == folder);
                asked.extend(self.nearest(failing, self.moves.iter().copied().filter(into).collect()));
            }
            asked
        } else {
            let above = blockers.mark.filter(|_| status == NtStatus::DELETE_PENDING);
            let below = above.map(|(mark, link)| self.below_marked(link, mark.op, self.tick(failing.index)));
            let mut asked = below.unwrap_or_default();
            let own = self.names.file(self.subject(failing.index, failing.op));
            if own != NONE {
                asked.extend(self.ops_of(own));
            }
            asked.sort_unstable();
            asked.dedup();
            self.nearest(failing, asked)
        };
        asked.sort_unstable_by_key(|at| self.tick(*at));
        asked.dedup();
        asked
    }

    /// Of some operations the successes nearest to a refusal that may have ended like it.
    fn nearest(&self, failing: Failing<'_>, mut found: Vec<u32>) -> Vec<u32> {
        let tick = self.tick(failing.index);
        // SA-12: kernel callers may have the checks skipped.
        let kernel = |op: &Op| {
            op.driver.is_some() || self.log.processes.get(op.process.0 as usize).is_some_and(ProcessInfo::is_system)
        };
        self.work.spend(found.len() / 8);
        found.retain(|at| self.op(*at).is_some_and(|op| may_end_in(op, failing.op.status) && !kernel(op)));
        found.sort_unstable_by_key(|at| self.tick(*at));
        let middle = found.partition_point(|at| self.tick(*at) < tick);
        let near = middle.saturating_sub(MAX_ASKED)..found.len().min(middle + MAX_ASKED);
        found.get(near).unwrap_or(&[]).to_vec()
    }
}

/// Whether anybody is shown to stand in the way, were there no success against it.
pub(crate) fn is_blocked(blockers: &Blockers) -> bool {
    let stands =
        |suspect: &Suspect| suspect.holder.confidence >= Confidence::Likely || suspect.holder.refuted_by.is_some();
    blockers.suspects.iter().any(stands)
}

/// Whether one examination accuses, with certainty, every hold that another accuses of the same.
fn stands_for(able: &Suspect, accused: &Suspect) -> bool {
    let starts = |suspect: &Suspect| -> Vec<Edge> {
        let holder = &suspect.holder;
        std::iter::once(&holder.hold).chain(&holder.more).map(|hold| hold.start).collect()
    };
    let stood = starts(able);
    able.holder.party == accused.holder.party
        && able.holder.rule == accused.holder.rule
        && able.holder.confidence >= Confidence::Likely
        && !able.inferred
        && starts(accused).iter().all(|start| matches!(start, Edge::At(..)) && stood.contains(start))
}
