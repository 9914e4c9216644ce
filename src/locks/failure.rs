//! Which results are failures of the lock class, and for which operation (section 1 of the reference; VI-11).

use super::finding::{Range, Requested};
use crate::capture::op::{Op, OpKind};
use crate::nt::sharing::{AccessClasses, Grant, effective_access};
use crate::nt::{AccessMask, CreateDisposition, NtStatus, ShareAccess};

/// Whether the operation ended in a result of the lock class, for an operation that can get it from a lock.
///
/// ACCESS DENIED counts for renames and links only, and even there `analyse` may find that no lock is behind it
/// ([`super::Finding::lock_class`]). An oplock status on anything but an open is about the oplock request (VI-11).
pub fn is_lock_failure(op: &Op) -> bool {
    let create = matches!(op.kind, OpKind::Create(_));
    let moves = matches!(op.kind, OpKind::Rename { .. } | OpKind::Link { .. });
    let by_name = create || moves || matches!(op.kind, OpKind::QueryOpen { .. });
    let disposes = matches!(op.kind, OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. });
    match op.status {
        NtStatus::SHARING_VIOLATION | NtStatus::DELETE_PENDING => by_name,
        NtStatus::CANNOT_DELETE => create || moves || disposes,
        NtStatus::USER_MAPPED_FILE => {
            create
                || moves
                || disposes
                || matches!(
                    op.kind,
                    OpKind::SetEndOfFile(_) | OpKind::SetAllocation(_) | OpKind::Write { .. } | OpKind::Other
                )
        }
        NtStatus::FILE_LOCK_CONFLICT => matches!(op.kind, OpKind::Read { .. } | OpKind::Write { .. } | OpKind::Other),
        NtStatus::LOCK_NOT_GRANTED => matches!(op.kind, OpKind::Lock { .. }),
        NtStatus::DIRECTORY_NOT_EMPTY => create || moves || disposes,
        NtStatus::ACCESS_DENIED => moves,
        NtStatus::FILE_DELETED => true,
        NtStatus::OPLOCK_BREAK_IN_PROGRESS | NtStatus::CANNOT_BREAK_OPLOCK | NtStatus::OPLOCK_NOT_GRANTED => create,
        _ => false,
    }
}

/// What the operation asked for.
pub(crate) fn requested(op: &Op) -> Requested {
    let mut asked = Requested::default();
    match op.kind {
        OpKind::Create(create) => {
            asked.access = create.access;
            asked.share = create.share;
            asked.disposition = create.disposition;
            asked.options = Some(create.options);
            if let Some(access) = create.access {
                let effective = effective_access(access, create.disposition);
                asked.effective = (effective != access).then_some(effective);
            }
        }
        OpKind::Rename { target, .. } | OpKind::Link { target, .. } => asked.target = target,
        OpKind::Lock { offset, length, exclusive, .. } => asked.range = Some(Range { offset, length, exclusive }),
        OpKind::Read { offset, length, .. } => {
            asked.range = Some(Range { offset, length: i64::from(length), exclusive: false });
        }
        OpKind::Write { offset, length, .. } => {
            asked.range = Some(Range { offset, length: i64::from(length), exclusive: true });
        }
        _ => {}
    }
    asked
}

/// Whether the operation may only create. Where its stream is there, that ends in NAME COLLISION before anything is compared with
/// the opens of it (MS-FSA 2.1.5.1.2); a stream that is not there yet is held against those of the others (SA-6).
pub(crate) fn only_creates(op: &Op) -> bool {
    matches!(op.kind, OpKind::Create(create) if create.disposition == Some(CreateDisposition::CREATE))
}

/// The open that a failing create wanted, for the share check (SA-5, SA-11).
pub(crate) fn wanted(op: &Op) -> Wanted {
    let create = match op.kind {
        OpKind::Create(create) => create,
        // SA-2: a query by name asks for attributes, which is no part of the check.
        OpKind::QueryOpen { .. } => {
            let effective = AccessMask::READ_ATTRIBUTES;
            return Wanted { grant: Grant::new(effective, ShareAccess(7)), effective, implied: false };
        }
        _ => return Wanted { grant: UNKNOWN, effective: AccessMask::NONE, implied: false },
    };
    let effective = create.access.map(|access| effective_access(access, create.disposition));
    let grant = match (effective, create.share) {
        (Some(access), Some(share)) => Grant::new(access, share),
        (Some(access), None) => {
            let possible = Grant::new(access, ShareAccess::NONE).possible;
            Grant { classes: AccessClasses::NONE, possible, share: ShareAccess::NONE }
        }
        _ => UNKNOWN,
    };
    let implied = create.access.is_some_and(|access| {
        effective.is_some_and(|effective| AccessClasses::of(effective) != AccessClasses::of(access))
    });
    Wanted { grant, effective: effective.unwrap_or_default(), implied }
}

/// A request of which nothing is known: it may conflict with anything.
const UNKNOWN: Grant = Grant { classes: AccessClasses::NONE, possible: AccessClasses::ALL, share: ShareAccess::NONE };

/// What a create wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) grant: Grant,
    /// Generic rights mapped, disposition added; none when unknown.
    pub(crate) effective: AccessMask,
    /// The disposition added a class (SA-5).
    pub(crate) implied: bool,
}
