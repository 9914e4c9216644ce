//! The share-access check: may one open stand beside another?
//!
//! Pure functions over two opens and how their streams relate; the rules SA-1 to SA-6 and SA-11 of the locking
//! reference (MS-FSA 2.1.5.1.2.1 and 2.1.5.1.2.2). Nothing here knows of captures.

use super::{AccessMask, CreateDisposition, ShareAccess};

flags! {
    /// The three classes of access that take part in the check. The bits are those of [`ShareAccess`].
    pub struct AccessClasses(u32) {
        READ = 1, "READ";
        WRITE = 2, "WRITE";
        DELETE = 4, "DELETE";
    }
}

impl AccessClasses {
    /// Every class.
    pub const ALL: Self = Self(7);

    /// The classes of `access`, generic rights mapped first (SA-1, SA-11). EAs, attributes, READ_CONTROL, WRITE_DAC,
    /// WRITE_OWNER, SYNCHRONIZE and FILE_DELETE_CHILD belong to none.
    pub const fn of(access: AccessMask) -> Self {
        let access = access.map_generic();
        let mut classes = 0;
        if access.intersects(AccessMask(AccessMask::READ_DATA.0 | AccessMask::EXECUTE.0)) {
            classes |= Self::READ.0;
        }
        if access.intersects(AccessMask(AccessMask::WRITE_DATA.0 | AccessMask::APPEND_DATA.0)) {
            classes |= Self::WRITE.0;
        }
        if access.intersects(AccessMask::DELETE) {
            classes |= Self::DELETE.0;
        }
        Self(classes)
    }

    /// The classes of `self` that `share` does not let others have.
    pub const fn not_shared_by(self, share: ShareAccess) -> Self {
        Self(self.0 & !(share.0 as u32) & Self::ALL.0)
    }
}

/// What one open may do and what it lets others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Classes it surely has.
    pub classes: AccessClasses,
    /// Classes it may have: more than [`Self::classes`] when MAXIMUM_ALLOWED was asked for (SA-11).
    pub possible: AccessClasses,
    /// What it shares.
    pub share: ShareAccess,
}

impl Grant {
    /// The grant of an open that asked for `access` (generic rights unmapped) and `share`.
    pub const fn new(access: AccessMask, share: ShareAccess) -> Self {
        let classes = AccessClasses::of(access);
        // SA-11: MAXIMUM_ALLOWED resolves to what the security check grants, which no request shows.
        let possible = if access.intersects(AccessMask::MAXIMUM_ALLOWED) { AccessClasses::ALL } else { classes };
        Self { classes, possible, share }
    }

    /// Whether the open surely counts: opens with no counted class neither conflict nor are counted (SA-2).
    pub const fn is_counted(self) -> bool {
        !self.classes.is_empty()
    }
}

/// How the streams of two opens of one file relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same stream.
    SameStream,
    /// The wanted open is of the unnamed stream (or the directory), the existing one of a named stream.
    WantedIsUnnamed,
    /// The existing open is of the unnamed stream, the wanted one of a named stream.
    ExistingIsUnnamed,
    /// Two different named streams: they never interact.
    Unrelated,
}

/// Why two opens cannot stand together, in both directions (SA-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareConflict {
    /// What the wanted open asks for and the existing one does not share.
    pub holder_refuses: AccessClasses,
    /// What the existing open has and the wanted one does not share.
    pub requester_refuses: AccessClasses,
    /// The conflict follows from known access; false when it rests on what MAXIMUM_ALLOWED may have granted.
    pub certain: bool,
}

/// The access the check is made with: generic rights mapped, and what the disposition implies when the stream exists
/// (SA-5: overwriting implies write, superseding implies delete). The extra bits are not kept on the handle.
pub fn effective_access(access: AccessMask, disposition: Option<CreateDisposition>) -> AccessMask {
    let implied = match disposition {
        Some(CreateDisposition::OVERWRITE | CreateDisposition::OVERWRITE_IF) => AccessMask::WRITE_DATA,
        Some(CreateDisposition::SUPERSEDE) => AccessMask::DELETE,
        _ => AccessMask::NONE,
    };
    access.map_generic() | implied
}

/// Whether `wanted` would be refused because of `existing`; the set of holders of a sharing violation is exactly the
/// set of opens for which this says so (SA-4).
pub fn sharing_conflict(existing: Grant, wanted: Grant, relation: Relation) -> Option<ShareConflict> {
    if let Some((holder_refuses, requester_refuses)) =
        clash(existing.classes, existing.share, wanted.classes, wanted.share, relation)
    {
        return Some(ShareConflict { holder_refuses, requester_refuses, certain: true });
    }
    clash(existing.possible, existing.share, wanted.possible, wanted.share, relation)
        .map(|(holder_refuses, requester_refuses)| ShareConflict { holder_refuses, requester_refuses, certain: false })
}

fn clash(
    existing: AccessClasses,
    existing_share: ShareAccess,
    wanted: AccessClasses,
    wanted_share: ShareAccess,
    relation: Relation,
) -> Option<(AccessClasses, AccessClasses)> {
    if existing.is_empty() || wanted.is_empty() {
        return None; // SA-2
    }
    let (holder, requester) = match relation {
        Relation::SameStream => (wanted.not_shared_by(existing_share), existing.not_shared_by(wanted_share)),
        // SA-6: across streams only DELETE of the unnamed stream matters, and only its direction.
        Relation::WantedIsUnnamed => {
            ((wanted & AccessClasses::DELETE).not_shared_by(existing_share), AccessClasses::NONE)
        }
        Relation::ExistingIsUnnamed => {
            (AccessClasses::NONE, (existing & AccessClasses::DELETE).not_shared_by(wanted_share))
        }
        Relation::Unrelated => return None,
    };
    (!holder.is_empty() || !requester.is_empty()).then_some((holder, requester))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(access: u32, share: u16) -> Grant {
        Grant::new(AccessMask(access), ShareAccess(share))
    }

    #[test]
    fn both_directions_are_named() {
        let conflict = sharing_conflict(grant(1, 1), grant(0x1_0000, 7), Relation::SameStream).unwrap();
        assert_eq!(conflict.holder_refuses, AccessClasses::DELETE);
        assert_eq!(conflict.requester_refuses, AccessClasses::NONE);
        // A holder that shares everything still blocks a requester that does not share what it has.
        let conflict = sharing_conflict(grant(2, 7), grant(1, 1), Relation::SameStream).unwrap();
        assert_eq!(conflict.holder_refuses, AccessClasses::NONE);
        assert_eq!(conflict.requester_refuses, AccessClasses::WRITE);
    }

    #[test]
    fn attribute_opens_do_not_count() {
        assert_eq!(sharing_conflict(grant(0x80, 0), grant(0x1F_01FF, 0), Relation::SameStream), None);
        assert_eq!(sharing_conflict(grant(0x1F_01FF, 0), grant(0x2_0000, 0), Relation::SameStream), None);
    }

    #[test]
    fn generic_execute_reads_and_maximum_allowed_is_unknown() {
        assert_eq!(AccessClasses::of(AccessMask::GENERIC_EXECUTE), AccessClasses::READ);
        assert_eq!(AccessClasses::of(AccessMask::GENERIC_ALL), AccessClasses::ALL);
        let conflict = sharing_conflict(grant(0x200_0000, 0), grant(1, 7), Relation::SameStream).unwrap();
        assert!(!conflict.certain);
    }

    #[test]
    fn dispositions_imply_access() {
        let read = AccessMask::READ_DATA;
        assert_eq!(effective_access(read, Some(CreateDisposition::OVERWRITE_IF)), AccessMask(3));
        assert_eq!(effective_access(read, Some(CreateDisposition::SUPERSEDE)), AccessMask(0x1_0001));
        assert_eq!(effective_access(read, Some(CreateDisposition::OPEN_IF)), read);
    }

    #[test]
    fn streams() {
        let delete_base = grant(0x1_0000, 7);
        assert!(sharing_conflict(grant(1, 0), delete_base, Relation::WantedIsUnnamed).is_some());
        assert!(sharing_conflict(grant(1, 4), delete_base, Relation::WantedIsUnnamed).is_none());
        assert!(sharing_conflict(delete_base, grant(1, 3), Relation::ExistingIsUnnamed).is_some());
        assert!(sharing_conflict(grant(1, 3), delete_base, Relation::ExistingIsUnnamed).is_none());
    }
}
