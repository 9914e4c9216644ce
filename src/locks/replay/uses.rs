//! What reads, writes and other uses show of the handles they went through (SA-1, AT-6).

use super::pairing::{Builder, Key, What};
use crate::capture::op::{Op, OpKind, StackSays};
use crate::locks::hold::Need;
use crate::locks::identity::succeeded;

impl Builder<'_> {
    /// A use of a handle: there is one, and what it was used for it may be used for.
    pub(super) fn used(&mut self, key: Key, nth: u32, at: u32, op: &Op, ops: &[u32]) {
        let group = self.user(key);
        let inside = self
            .counts
            .get(group as usize)
            .is_some_and(|count| count.last_create.is_some_and(|create| create.end >= op.start));
        let own = op.driver.is_none() && !inside && !self.creating(nth, ops, op);
        if let Some(count) = self.counts.get_mut(group as usize)
            && count.open == 0
            && own
        {
            count.open += 1;
            count.missing += 1;
        }
        if let Some(group) = self.track.groups.get_mut(group as usize) {
            let used = group.used.get_or_insert((op.start, op.start));
            used.0 = used.0.min(op.start);
            used.1 = used.1.max(op.start);
        }
        let kernel = self.log.processes.get(op.process.0 as usize).is_some_and(|process| process.is_system());
        let shown = matches!(op.stack, StackSays::Caller | StackSays::Nothing) && succeeded(op);
        if let Some(need) = need(op).filter(|_| own && shown && !kernel) {
            let what = What::Use(need);
            // Of two in a row the first tells as much.
            if self.raw.get(group as usize).and_then(|raw| raw.last()).is_none_or(|last| last.what != what) {
                self.collected(group, nth, at, what);
            }
        }
    }

    /// Whether a create of this process on the file is under way: what a filter does inside it is no use of a handle.
    fn creating(&self, nth: u32, ops: &[u32], op: &Op) -> bool {
        ops.get(nth as usize + 1..).unwrap_or(&[]).iter().take(32).any(|at| {
            self.log.ops.get(*at as usize).is_some_and(|next| {
                next.process == op.process && matches!(next.kind, OpKind::Create(_)) && next.start <= op.start
            })
        })
    }
}

/// Operations that only a process with an open handle can issue in its own name.
pub(super) fn is_use(op: &Op) -> bool {
    match op.kind {
        OpKind::Read { paging, .. } | OpKind::Write { paging, .. } => !paging,
        OpKind::Lock { .. }
        | OpKind::Unlock { .. }
        | OpKind::UnlockAll
        | OpKind::SetDisposition { .. }
        | OpKind::SetDispositionEx { .. }
        | OpKind::Rename { .. }
        | OpKind::Link { .. } => true,
        _ => false,
    }
}

/// The right that a read or a write by the process needs on its handle (SA-1).
const fn need(op: &Op) -> Option<Need> {
    match op.kind {
        OpKind::Read { paging: false, .. } => Some(Need::Read),
        OpKind::Write { paging: false, .. } => Some(Need::Write),
        _ => None,
    }
}
