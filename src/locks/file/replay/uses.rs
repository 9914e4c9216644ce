//! Which operations go through a handle of the process, and what right they need on it (SA-1, AT-6).

use crate::capture::op::{Op, OpKind};
use crate::locks::file::hold::Need;

/// Operations that only a process with an open handle can issue in its own name.
pub(crate) fn is_use(op: &Op) -> bool {
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
pub(super) const fn need(op: &Op) -> Option<Need> {
    match op.kind {
        OpKind::Read { paging: false, .. } => Some(Need::Read),
        OpKind::Write { paging: false, .. } => Some(Need::Write),
        _ => None,
    }
}
