//! Retries: failures of one operation grouped, and the success that ended them (AT-10).

use crate::capture::op::{Op, OpKind, ProcessId};
use crate::locks::engine::Engine;
use crate::locks::failing::BurstEnd;
use crate::locks::failure::{Wanted, is_lock_failure, requested, wanted};
use crate::locks::finding::{Burst, Range};
use crate::locks::identity::{NONE, opens, succeeded};
use crate::locks::spans::Instant;
use crate::nt::{AccessMask, FileTime, NtStatus};
use rustc_hash::{FxHashMap, FxHashSet};

/// The retries of the failures asked about.
#[derive(Debug, Default)]
pub(crate) struct Bursts {
    list: Vec<Retries>,
    of: FxHashMap<u32, usize>,
}

/// The failures asked about; the first and the last of all; the extent of the last, and the success after it.
type Retries = (Vec<u32>, [u32; 2], Instant, Option<u32>);

/// Operations that are retries of one another: same process, same name, same sort.
type Sort = (ProcessId, u32, u8);

fn sort_of(op: &Op, key: u32) -> Option<Sort> {
    let sort = match op.kind {
        OpKind::Create(_) | OpKind::QueryOpen { .. } => 0,
        OpKind::Rename { .. } | OpKind::Link { .. } => 1,
        OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. } => 2,
        OpKind::SetEndOfFile(_) | OpKind::SetAllocation(_) => 3,
        OpKind::Lock { .. } => 4,
        OpKind::Read { .. } => 5,
        OpKind::Write { .. } => 6,
        _ => return None,
    };
    Some((op.process, key, sort))
}

/// Whether `now` shows that what refused `then` is gone.
fn overcomes(then: &Op, now: &Op) -> bool {
    match then.kind {
        OpKind::Create(_) | OpKind::QueryOpen { .. } => {
            if then.status == NtStatus::DELETE_PENDING {
                let gone = matches!(now.status, NtStatus::OBJECT_NAME_NOT_FOUND | NtStatus::OBJECT_PATH_NOT_FOUND);
                return succeeded(now) || gone;
            }
            if !matches!(now.kind, OpKind::Create(_)) || !opens(now) {
                return false;
            }
            let (then, now) = (wanted(then), wanted(now));
            // It asked for no less and shared no more. MM-2: to append is allowed where to write is not.
            now.grant.classes.contains(then.grant.classes)
                && then.grant.share.contains(now.grant.share)
                && (writes(&now) || !writes(&then))
        }
        OpKind::Lock { offset, length, .. } => {
            succeeded(now)
                && matches!(now.kind, OpKind::Lock { offset: o, length: l, .. } if o == offset && l == length)
        }
        OpKind::Rename { target, .. } | OpKind::Link { target, .. } => {
            succeeded(now)
                && matches!(now.kind, OpKind::Rename { target: t, .. } | OpKind::Link { target: t, .. } if t == target)
        }
        OpKind::Read { .. } | OpKind::Write { .. } => {
            let (Some(then), Some(range)) = (requested(then).range, requested(now).range) else { return false };
            let end = |range: Range| i128::from(range.offset) + i128::from(range.length);
            succeeded(now) && range.offset <= then.offset && end(range) >= end(then)
        }
        _ => succeeded(now),
    }
}

/// Whether an open is one that a mapped image refuses (MM-2).
fn writes(wanted: &Wanted) -> bool {
    wanted.effective.intersects(AccessMask::WRITE_DATA)
}

/// Whether a refused operation is the first one again. Another request may be refused for another reason; a pending delete
/// refuses every open alike.
fn asks_the_same(first: &Op, again: &Op) -> bool {
    first.status == again.status
        && match (first.kind, again.kind) {
            (OpKind::Create(_), OpKind::Create(_)) if first.status == NtStatus::SHARING_VIOLATION => {
                let (first, again) = (wanted(first), wanted(again));
                first.grant == again.grant && writes(&first) == writes(&again)
            }
            (
                OpKind::Rename { target, flags, .. } | OpKind::Link { target, flags, .. },
                OpKind::Rename { target: to, flags: so, .. } | OpKind::Link { target: to, flags: so, .. },
            ) => target == to && flags == so,
            (OpKind::Lock { .. } | OpKind::Read { .. } | OpKind::Write { .. }, _) => {
                requested(first).range == requested(again).range
            }
            _ => true,
        }
}

impl Engine<'_> {
    /// AT-5: whether two operations are about one file, as far as known.
    fn is_of_one_file(&self, a: u32, b: u32) -> bool {
        let file = |at: u32| self.op(at).map_or(NONE, |op| self.names.file(self.subject(at, op)));
        file(a) == file(b) || file(a) == NONE || file(b) == NONE
    }

    /// Whether a success is one after a refusal, or of another file that has the name since: such a one shows something only
    /// where the name was to go with the last handle (DP-3).
    fn concerns(&self, refused: u32, success: u32) -> bool {
        let then = self.op(refused);
        let went = then.is_some_and(|op| self.names.goes_with_last(self.subject(refused, op)));
        went || then.is_some_and(|op| op.status == NtStatus::DELETE_PENDING) || self.is_of_one_file(refused, success)
    }
}

impl Bursts {
    /// Groups the failures `wanted` (operation indices, ascending).
    pub(crate) fn group(engine: &Engine<'_>, wanted: &[u32]) -> Self {
        let sorts: FxHashSet<Sort> = wanted
            .iter()
            .filter_map(|at| engine.op(*at).and_then(|op| sort_of(op, engine.names.key(op.path))))
            .collect();
        let targets: FxHashSet<u32> = wanted.iter().copied().collect();
        let mut bursts = Self::default();
        // The bursts not yet ended, by sort and status.
        let mut open: FxHashMap<Sort, Vec<(NtStatus, usize, u32)>> = FxHashMap::default();
        for &at in &engine.order {
            let Some(op) = engine.op(at) else { continue };
            let sort = sort_of(op, engine.names.key(op.path)).filter(|sort| sorts.contains(sort));
            let Some(sort) = sort else {
                if targets.contains(&at) {
                    bursts.of.insert(at, bursts.list.len());
                    bursts.list.push((vec![at], [at; 2], Instant::of(op), None));
                }
                continue;
            };
            let running = open.entry(sort).or_default();
            running.retain(|(_, burst, first)| {
                let ends = engine.op(*first).is_some_and(|first| overcomes(first, op));
                if ends
                    && engine.concerns(*first, at)
                    && let Some(entry) = bursts.list.get_mut(*burst)
                {
                    entry.3 = Some(at);
                }
                !ends
            });
            if !is_lock_failure(op) {
                continue;
            }
            let again = |first: u32| {
                engine.op(first).is_some_and(|first| asks_the_same(first, op)) && engine.is_of_one_file(first, at)
            };
            let known = running.iter().find(|(_, _, first)| again(*first)).map(|(_, burst, _)| *burst);
            let burst = match known {
                Some(burst) => burst,
                None => {
                    running.push((op.status, bursts.list.len(), at));
                    bursts.list.push((Vec::new(), [at; 2], Instant::of(op), None));
                    bursts.list.len() - 1
                }
            };
            if let Some(entry) = bursts.list.get_mut(burst) {
                (entry.1[1], entry.2) = (at, Instant::of(op));
                if targets.contains(&at) {
                    entry.0.push(at);
                    bursts.of.insert(at, burst);
                }
            }
        }
        bursts.renumber();
        bursts
    }

    /// Leaves out bursts with no failure asked about.
    fn renumber(&mut self) {
        let mut numbers = vec![0; self.list.len()];
        let mut kept = 0;
        for (burst, number) in self.list.iter().zip(&mut numbers) {
            *number = kept;
            kept += usize::from(!burst.0.is_empty());
        }
        self.list.retain(|burst| !burst.0.is_empty());
        for burst in self.of.values_mut() {
            *burst = numbers.get(*burst).copied().unwrap_or(0);
        }
    }

    pub(crate) fn end_of(&self, at: u32) -> BurstEnd {
        let number = self.of.get(&at).copied().unwrap_or(0);
        match self.list.get(number) {
            Some(&(_, [first, latest], last, success)) => BurstEnd { number, first, latest, last, success },
            None => BurstEnd { number, first: at, latest: at, last: Instant::point(FileTime(0)), success: None },
        }
    }

    pub(crate) fn into_public(self, engine: &Engine<'_>) -> Vec<Burst> {
        self.list
            .into_iter()
            .map(|(failures, _, last, success)| {
                let first = failures.first().and_then(|at| engine.op(*at)).map_or(last.start, |op| op.start);
                let end = success.and_then(|at| engine.op(at)).map_or(last.end, |op| op.start);
                let mut failures: Vec<_> =
                    failures.into_iter().filter_map(|at| engine.op(at)).map(|op| op.event).collect();
                failures.sort_unstable();
                Burst {
                    failures,
                    first,
                    last: last.end,
                    success: success.and_then(|at| engine.op(at)).map(|op| op.event),
                    blocked: end.since(first),
                }
            })
            .collect()
    }
}
