//! The closed lists of codes of a case record: stable English snake_case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An enum whose variants are codes, with the code as text.
macro_rules! code_enum {
    ($(#[$meta:meta])* $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $code:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[non_exhaustive]
        pub enum $name { $( $(#[$vmeta])* #[serde(rename = $code)] $variant ),* }
        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),* ];
            /// The code as it stands in a record.
            pub const fn as_code(self) -> &'static str {
                match self { $( Self::$variant => $code ),* }
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result { f.pad(self.as_code()) }
        }
    };
}

code_enum! {
    /// The answer of a case.
    VerdictCode {
        /// One party stands in the way.
        Culprit = "culprit",
        /// Several do.
        SeveralCulprits = "several_culprits",
        /// Only the victims themselves do.
        SelfInflicted = "self_inflicted",
        /// Somebody does, but the capture does not show who.
        NoVisibleHolder = "no_visible_holder",
        /// Nobody does: the refusal has another reason.
        NoHolder = "no_holder",
        /// Nothing was refused.
        NoFailures = "no_failures",
    }
}

code_enum! {
    /// How sure an accusation is, weakest first.
    Confidence {
        /// Nobody is accused.
        None = "none",
        /// Circumstantial.
        Possible = "possible",
        /// The overlap is shown, one detail is not.
        Likely = "likely",
        /// The capture itself shows the hold, the overlap and the rule.
        Proven = "proven",
    }
}

code_enum! {
    /// Where a failure is laid.
    Attribution {
        /// At holders that are named.
        Holders = "holders",
        /// At the victims themselves.
        SelfInflicted = "self_inflicted",
        /// At a holder the capture does not show.
        NotVisible = "not_visible",
        /// At nobody.
        NoHolder = "no_holder",
    }
}

code_enum! {
    /// What stood in the way.
    Cause {
        /// Share modes.
        ShareConflict = "share_conflict",
        /// A link marked for deletion.
        DeletePending = "delete_pending",
        /// A mapped image.
        ImageSection = "image_section",
        /// A mapped data section.
        UserMapped = "user_mapped",
        /// A byte-range lock.
        ByteRangeLock = "byte_range_lock",
        /// Children that cannot go.
        DirectoryNotEmpty = "directory_not_empty",
        /// An oplock that was not given up in time.
        OplockBreak = "oplock_break",
        /// Opens that forbid a rename or link.
        RenameBlocked = "rename_blocked",
        /// Anything else.
        Other = "other",
    }
}

code_enum! {
    /// By what a party holds a file.
    Mechanism {
        /// An open handle on the file.
        OpenHandle = "open_handle",
        /// The file mapped as an image.
        ImageMapping = "image_mapping",
        /// A mapped data section.
        DataMapping = "data_mapping",
        /// A byte-range lock.
        ByteRangeLock = "byte_range_lock",
        /// A handle on a child whose deletion is pending.
        ChildDeletePending = "child_delete_pending",
        /// A filter driver's frame in the victim's stack.
        FilterInStack = "filter_in_stack",
        /// A handle on a child that could not be deleted.
        ChildInUse = "child_in_use",
        /// A handle on a parent directory whose deletion is pending.
        ParentDeletePending = "parent_delete_pending",
        /// The handle that carries a POSIX delete.
        PosixMarker = "posix_marker",
        /// A handle on the file a rename would replace.
        ReplacedTarget = "replaced_target",
        /// A handle below the directory being renamed.
        OpenDescendant = "open_descendant",
        /// A handle on the directory a rename goes to.
        DestinationDirectory = "destination_directory",
        /// A process's current directory.
        CurrentDirectory = "current_directory",
        /// An oplock.
        Oplock = "oplock",
    }
}

code_enum! {
    /// Why a party is cleared.
    RuledOutReason {
        /// Its access and share mode do not conflict.
        CompatibleSharing = "compatible_sharing",
        /// It had closed the file before.
        ClosedBefore = "closed_before",
        /// It opened the file later.
        OpenedAfter = "opened_after",
        /// It held another file.
        OtherFile = "other_file",
        /// It held another file of the same name.
        SameNameOtherFile = "same_name_other_file",
        /// Its open asked for attributes only.
        AttributesOnly = "attributes_only",
        /// Its own open failed.
        OwnOpenFailed = "own_open_failed",
        /// It had ended before.
        ExitedBefore = "exited_before",
        /// It held another hard link.
        OtherLink = "other_link",
        /// The failure went on after it had let go.
        StillFailingAfterRelease = "still_failing_after_release",
        /// A later success shows that it had closed the file.
        ShownClosedByLaterSuccess = "shown_closed_by_later_success",
        /// The name was deleted with POSIX semantics: only the handle that marked it keeps it.
        NotTheMarker = "not_the_marker",
        /// It still had the file open when the deleted name had gone.
        OutlastedTheName = "outlasted_the_name",
        /// Its open did not complete within the capture.
        OpenNotCompleted = "open_not_completed",
        /// It had the file open, which by the rule does not lead to such a result.
        HandleDoesNotBlock = "handle_does_not_block",
        /// It had no byte-range lock that refuses the request.
        NoConflictingLock = "no_conflicting_lock",
        /// It had no oplock on the file.
        NoOplock = "no_oplock",
        /// It may have had the file mapped, which by the rule does not refuse the request.
        MappingDoesNotBlock = "mapping_does_not_block",
        /// Nothing shows that it was in the way, and the refusal is explained without it.
        ExplainedWithoutIt = "explained_without_it",
    }
}

code_enum! {
    /// Why a holder may be invisible.
    ExplanationCode {
        /// A filter below Procmon's altitude opened the file.
        FilterBelowProcmonAltitude = "filter_below_procmon_altitude",
        /// The file was opened before the capture began.
        OpenBeforeCapture = "open_before_capture",
        /// A mapping without a handle.
        Mapping = "mapping",
        /// The read-only attribute, which the capture does not show: then nobody holds the file.
        ReadOnlyAttribute = "read_only_attribute",
        /// The kernel itself (registry hives, paging file).
        KernelHeld = "kernel_held",
        /// A remote client over SMB.
        SmbClient = "smb_client",
        /// A handle inherited or duplicated.
        InheritedOrDuplicatedHandle = "inherited_or_duplicated_handle",
        /// A process the capture's filter left out.
        OutsideFilter = "outside_filter",
        /// Events that are missing from the capture.
        EventsMissing = "events_missing",
    }
}

code_enum! {
    /// Whose side a party is on.
    PartyCode {
        /// Neither Windows nor victim.
        ThirdParty = "third_party",
        /// Part of Windows.
        Windows = "windows",
        /// One of the victims.
        Victim = "victim",
    }
}

code_enum! {
    /// How a file was marked for deletion.
    HowDeleted {
        /// FileDispositionInformation.
        Disposition = "disposition",
        /// FileDispositionInformationEx with POSIX semantics.
        PosixDisposition = "posix_disposition",
        /// A handle opened with delete-on-close.
        DeleteOnClose = "delete_on_close",
    }
}

code_enum! {
    /// Whom a process serves.
    OnBehalfOf {
        /// A remote client over SMB.
        SmbClient = "smb_client",
    }
}

code_enum! {
    /// How much a weakness matters.
    Severity {
        /// Worth knowing.
        Info = "info",
        /// Weakens a verdict.
        Warning = "warning",
        /// Forbids a proven verdict.
        Error = "error",
    }
}
