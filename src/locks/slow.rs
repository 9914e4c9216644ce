//! Operations that took far longer than their like (section 6 of the reference).

use crate::capture::op::{Op, OpKind, OpLog};
use crate::nt::Ticks;

/// How many times longer than half of its like a slow operation took.
const FAR_LONGER: u64 = 10;

/// No disk takes a second for an operation that is brief: of so long a one nothing else need be known.
pub(crate) const LONG: Ticks = Ticks(10_000_000);

/// Up to so many others of a sort, half of them tell nothing about what is usual.
const FEW: usize = 8;

/// The sort of an operation that is over at once unless somebody else has a part in it. How long a transfer, a lock or a flush
/// takes is a matter of the disk and of the caller.
const fn brief(kind: &OpKind) -> Option<usize> {
    match kind {
        OpKind::Create(_) => Some(0),
        OpKind::Cleanup => Some(1),
        OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. } => Some(2),
        OpKind::Rename { .. } | OpKind::Link { .. } => Some(3),
        _ => None,
    }
}

/// Whether an operation of this kind is over at once unless it waits for somebody.
pub const fn is_brief(kind: &OpKind) -> bool {
    brief(kind).is_some()
}

pub(crate) fn took(op: &Op) -> Option<Ticks> {
    op.end.map(|end| end.since(op.start))
}

/// The operations of a log that took at least `threshold` and [`FAR_LONGER`] than half of the others of their sort, or, where
/// these are [`FEW`], a [`LONG`] time.
pub(crate) fn slow_ops(log: &OpLog, threshold: Ticks) -> Vec<u32> {
    let mut usual: [Vec<u64>; 4] = Default::default();
    for op in &log.ops {
        if let (Some(sort), Some(took)) = (brief(&op.kind), took(op))
            && let Some(list) = usual.get_mut(sort)
        {
            list.push(took.0);
        }
    }
    usual.iter_mut().for_each(|list| list.sort_unstable());
    let is_slow = |op: &Op| {
        let (Some(sort), Some(took)) = (brief(&op.kind), took(op).filter(|took| *took >= threshold)) else {
            return false;
        };
        usual.get(sort).is_some_and(|list| {
            let others = list.len() - 1;
            let shorter = list.partition_point(|other| other.saturating_mul(FAR_LONGER) <= took.0);
            shorter * 2 >= others || others <= FEW && took >= LONG
        })
    };
    (0u32..).zip(&log.ops).filter(|(_, op)| is_slow(op)).map(|(at, _)| at).collect()
}
