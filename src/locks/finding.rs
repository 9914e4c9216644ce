//! What the engine says: plain data that mirrors the case record, in codes.

use crate::capture::op::{DriverId, EventIndex, Op, PathId, ProcessId};
use crate::nt::sharing::AccessClasses;
use crate::nt::{AccessMask, CreateDisposition, CreateOptions, FileTime, NtStatus, ShareAccess, Ticks};

/// How well a party is implicated. Ordered: a greater one is surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Circumstantial: it may or may not have held the file at that moment.
    Possible,
    /// The overlap is shown, a detail is inferred.
    Likely,
    /// The capture itself shows the hold over the failure, and the rule that turns it into this status.
    Proven,
}

/// How a party held the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// An open handle on the file.
    OpenHandle,
    /// The file is mapped as an image.
    ImageMapping,
    /// The file is mapped as data.
    DataMapping,
    /// A byte-range lock.
    ByteRangeLock,
    /// A handle on a child of the directory that is pending deletion.
    ChildDeletePending,
    /// A handle or mapping on a child whose own deletion was refused.
    ChildInUse,
    /// A handle on a parent directory that is pending deletion.
    ParentDeletePending,
    /// The handle that carries a POSIX disposition.
    PosixMarker,
    /// A handle or mapping on the file to be replaced.
    ReplacedTarget,
    /// A handle below the directory to be renamed.
    OpenDescendant,
    /// A handle on the directory the name was to go to.
    DestinationDirectory,
    /// The process's current directory.
    CurrentDirectory,
    /// An oplock whose owner had to give way.
    Oplock,
    /// A filter driver whose frame issued the operation.
    FilterInStack,
}

/// Who is implicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A process.
    Process(ProcessId),
    /// A kernel driver acting under a process that is not its author.
    Driver {
        /// The driver.
        driver: DriverId,
        /// The process the capture shows its I/O under.
        process: ProcessId,
    },
}

impl Party {
    /// The process the capture shows.
    pub const fn process(self) -> ProcessId {
        match self {
            Self::Process(process) | Self::Driver { process, .. } => process,
        }
    }
}

/// One end of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// At this event; the time is the event's start.
    At(EventIndex, FileTime),
    /// Older than the first event.
    BeforeCapture,
    /// Still there after the last event.
    AfterCapture,
    /// It left no event (an unmapped view, a close that was not recorded).
    Unseen,
}

/// One hold on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// When it began.
    pub start: Edge,
    /// When it ended.
    pub end: Edge,
    /// Access asked for, generic rights mapped; `None` when unknown or meaningless.
    pub access: Option<AccessMask>,
    /// Share mode; `None` when unknown or meaningless.
    pub share: Option<ShareAccess>,
    /// The path it was opened by when that is not the failing one: hard link, old name, 8.3, stream, child, parent.
    pub path: Option<PathId>,
    /// The locked range, for a byte-range lock.
    pub range: Option<Range>,
}

/// Which side refused to share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The victim wants it, the holder does not share it.
    HolderDoesNotShare,
    /// The holder has it, the victim does not share it.
    VictimDoesNotShare,
}

/// Classes in conflict, in one direction (SA-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conflict {
    /// The direction.
    pub side: Side,
    /// The classes.
    pub classes: AccessClasses,
}

/// One implicated party.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Who.
    pub party: Party,
    /// How sure.
    pub confidence: Confidence,
    /// How it held the file.
    pub mechanism: Mechanism,
    /// The rule that turns the hold into the status.
    pub rule: &'static str,
    /// The process is certain and which of its handles is not (AT-3).
    pub handle_ambiguous: bool,
    /// The hold.
    pub hold: Hold,
    /// Further holds of the same party that block alike, a few of them.
    pub more: Vec<Hold>,
    /// What conflicts, for share conflicts.
    pub conflicts: Vec<Conflict>,
    /// The holder is a victim of the profile and no driver acts in its name.
    pub victim: bool,
    /// The file server opened it, by its stack, for a remote client (VI-5).
    pub smb_client: bool,
    /// The first success after its release confirms it (AT-10).
    pub confirmed: bool,
    /// The success that the hold would have forbidden, so that it had ended by then (AT-11).
    pub refuted_by: Option<EventIndex>,
    /// It was granted against the check: a handle that should have refused it surely stood (SA-12).
    pub unchecked: bool,
}

impl Holder {
    /// One that only circumstances point to.
    pub(crate) const fn suspect(party: Party, mechanism: Mechanism, rule: &'static str) -> Self {
        let hold = Hold { start: Edge::Unseen, end: Edge::Unseen, access: None, share: None, path: None, range: None };
        Self {
            party,
            confidence: Confidence::Possible,
            mechanism,
            rule,
            handle_ambiguous: false,
            hold,
            more: Vec::new(),
            conflicts: Vec::new(),
            victim: false,
            smb_client: false,
            confirmed: false,
            refuted_by: None,
            unchecked: false,
        }
    }
}

/// Why another process is not to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Open, and shares all that is needed and needs nothing that is withheld.
    CompatibleSharing,
    /// Open with none of the counted access classes.
    AttributesOnly,
    /// Open through another link, which a pending delete does not see.
    OtherLink,
    /// Has it open, which by the rule does not lead to such a result.
    HandleDoesNotBlock,
    /// Has it open, without a byte-range lock that refuses the request.
    NoConflictingLock,
    /// Has it open, without an oplock.
    NoOplock,
    /// May have it mapped, which by the rule does not refuse the request.
    MappingDoesNotBlock,
    /// Its handle was closed before.
    ClosedBefore,
    /// A later success shows that its handle was closed, though its close is not in the capture (AT-11).
    ShownClosedByLaterSuccess,
    /// The process had ended.
    ExitedBefore,
    /// It opened the file only after the failure.
    OpenedAfter,
    /// Its own open was refused.
    OwnOpenFailed,
    /// The operation kept failing after it had let go.
    StillFailingAfterRelease,
    /// It holds an earlier file of that name.
    OtherFile,
    /// It holds a file of the same leaf name elsewhere.
    SameNameOtherFile,
    /// Open on a name deleted with POSIX semantics, which the marking handle alone keeps (DP-6).
    NotTheMarker,
    /// Still open when the deleted name had gone, so it was not what kept the name (DP-3).
    OutlastedTheName,
    /// Its open did not complete within the capture.
    OpenNotCompleted,
    /// It may have been in the way too, but nothing shows it, and the refusal is explained without it.
    ExplainedWithoutIt,
}

/// A process cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuledOut {
    /// Who.
    pub process: ProcessId,
    /// Why.
    pub reason: Reason,
    /// The rule that clears.
    pub rule: &'static str,
    /// The event that shows it: its close, its later open, the success that refutes it.
    pub event: Option<EventIndex>,
}

impl Reason {
    /// The rule that clears, unless a nearer one does.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::CompatibleSharing => "SA-3",
            Self::HandleDoesNotBlock => "AT-9",
            Self::NoConflictingLock => "LK-2",
            Self::NoOplock => "OP-2",
            Self::MappingDoesNotBlock => "MM-2",
            Self::ExplainedWithoutIt => "AT-9",
            Self::AttributesOnly => "SA-2",
            Self::OtherLink => "DP-8",
            Self::NotTheMarker => "DP-6",
            Self::OutlastedTheName => "DP-3",
            Self::ClosedBefore | Self::OpenedAfter | Self::OwnOpenFailed | Self::OpenNotCompleted => "AT-4",
            Self::ShownClosedByLaterSuccess => "AT-11",
            Self::ExitedBefore => "AT-7",
            Self::StillFailingAfterRelease => "AT-10",
            Self::OtherFile => "AT-5",
            Self::SameNameOtherFile => "AT-2",
        }
    }
}

impl RuledOut {
    pub(crate) const fn new(process: ProcessId, reason: Reason) -> Self {
        Self { process, reason, rule: reason.rule(), event: None }
    }
}

/// What may stand behind a failure nobody visible explains, most likely first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Explanation {
    /// A filter driver below the monitor opened the file for itself (VI-1).
    FilterBelowProcmonAltitude,
    /// A handle older than the capture.
    OpenBeforeCapture,
    /// A mapping, whose end leaves no event.
    Mapping,
    /// Nobody, if the file is read-only, which nothing shows (DP-10).
    ReadOnlyAttribute,
    /// The kernel holds it permanently: hives, paging file (VI-12).
    KernelHeld,
    /// A remote client of the SMB server (VI-5).
    SmbClient,
    /// A handle inherited or duplicated into another process (AT-6).
    InheritedOrDuplicatedHandle,
    /// A process that a filter left out of the capture (AT-12).
    OutsideFilter,
    /// Events were lost.
    EventsMissing,
}

/// To whom a failure goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attribution {
    /// At least one holder is known.
    Holders,
    /// Every holder is a victim.
    SelfInflicted,
    /// No holder can be found, or only possible suspects.
    NotVisible,
    /// Nobody is behind it.
    NoHolder,
}

impl Finding {
    /// Whether a handle older than the capture may be behind the refusal: the file is not younger (AT-5), and no holder is
    /// proven whose open is in the capture.
    pub fn may_be_older(&self) -> bool {
        let shown =
            |holder: &Holder| holder.confidence == Confidence::Proven && matches!(holder.hold.start, Edge::At(..));
        !self.born_in_capture && self.attribution != Attribution::NoHolder && !self.holders.iter().any(shown)
    }
}

/// What stood in the way, not the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Access and share modes of two opens.
    ShareConflict,
    /// The name is marked for deletion and somebody keeps it alive.
    DeletePending,
    /// A mapped image.
    ImageSection,
    /// A mapped data section.
    UserMapped,
    /// A byte-range lock.
    ByteRangeLock,
    /// Children that are pending or in use.
    DirectoryNotEmpty,
    /// An oplock break.
    OplockBreak,
    /// A rename or link refused with ACCESS DENIED because of opens.
    RenameBlocked,
    /// None of these.
    Other,
}

/// How a file came to be pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeleteHow {
    /// FileDispositionInformation, or Ex without POSIX semantics.
    Disposition,
    /// FileDispositionInformationEx with POSIX semantics.
    PosixDisposition,
    /// The close of a handle opened delete-on-close.
    DeleteOnClose,
}

/// Who marked the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedBy {
    /// The marking event: the disposition, or the close of a delete-on-close handle.
    pub event: EventIndex,
    /// Its process.
    pub process: ProcessId,
    /// The driver that acted in its name.
    pub driver: Option<DriverId>,
    /// How.
    pub how: DeleteHow,
}

/// The close that ended what stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The event.
    pub event: EventIndex,
    /// Its process.
    pub process: ProcessId,
    /// Its start.
    pub time: FileTime,
}

/// A byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// First byte.
    pub offset: i64,
    /// Bytes.
    pub length: i64,
    /// Exclusive lock, or a write.
    pub exclusive: bool,
}

/// What the failing operation asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// Access as asked for.
    pub access: Option<AccessMask>,
    /// Share mode.
    pub share: Option<ShareAccess>,
    /// Disposition.
    pub disposition: Option<CreateDisposition>,
    /// Options, for opens.
    pub options: Option<CreateOptions>,
    /// The access the check was made with, when a disposition or a generic right adds to it (SA-5, SA-11).
    pub effective: Option<AccessMask>,
    /// Destination of a rename or link.
    pub target: Option<PathId>,
    /// Range of a lock, read or write.
    pub range: Option<Range>,
}

/// One failure explained, as far as it can be.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The failing event.
    pub event: EventIndex,
    /// Its start.
    pub time: FileTime,
    /// Its process.
    pub process: ProcessId,
    /// The driver that issued it in the process's name (VI-3).
    pub driver: Option<DriverId>,
    /// Its thread.
    pub thread: Option<u32>,
    /// Its path.
    pub path: PathId,
    /// How it failed.
    pub status: NtStatus,
    /// Whether a lock stands behind it. False only for an ACCESS DENIED that no rule ties to an open.
    pub lock_class: bool,
    /// For such a one the rule that refused it for itself, where one is known: a handle without DELETE (DP-1), a file to be
    /// replaced that is read-only (DP-10), a pending name (RN-4).
    pub itself: Option<&'static str>,
    /// What stood in the way.
    pub cause: Cause,
    /// To whom it goes.
    pub attribution: Attribution,
    /// What it asked for.
    pub requested: Requested,
    /// The implicated, surest first.
    pub holders: Vec<Holder>,
    /// Who marked the file, for pending deletes.
    pub deleted_by: Option<DeletedBy>,
    /// The close that ended the blocking.
    pub released_by: Option<Release>,
    /// The first success after that release (AT-10).
    pub confirmed_by: Option<EventIndex>,
    /// For failures nobody visible explains.
    pub explanations: Vec<Explanation>,
    /// The others, cleared.
    pub ruled_out: Vec<RuledOut>,
    /// Beside what is held, a folder had this in it that is not: an event on it. So a release alone would not have sufficed.
    pub live_child: Option<EventIndex>,
    /// The file was created within the capture (AT-5).
    pub born_in_capture: bool,
    /// The retry burst it belongs to, an index into [`Analysis::bursts`].
    pub burst: usize,
    /// More parties were open than the engine looks at; the list of holders may be incomplete.
    pub truncated: bool,
}

/// Failures of one process with one kind of operation on one file, without a success between them (AT-10).
#[derive(Clone, Debug, PartialEq)]
pub struct Burst {
    /// The failing events.
    pub failures: Vec<EventIndex>,
    /// Start of the first.
    pub first: FileTime,
    /// Completion of the last.
    pub last: FileTime,
    /// The success (or the name found gone, for a delete) that ended it; `None` when it failed for good.
    pub success: Option<EventIndex>,
    /// From the first failure to the success, or to the last failure.
    pub blocked: Ticks,
}

/// An operation that took long: it waited for the owner of an oplock (OP-2), or for nobody who is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// The delayed event.
    pub event: EventIndex,
    /// Its start.
    pub time: FileTime,
    /// Its process.
    pub process: ProcessId,
    /// Its thread.
    pub thread: Option<u32>,
    /// Its path.
    pub path: PathId,
    /// How long it took.
    pub waited: Ticks,
    /// An oplock break, or [`Cause::Other`].
    pub cause: Cause,
    /// Who was slow to give way, or is suspected.
    pub holders: Vec<Holder>,
}

impl Wait {
    /// The wait of an operation.
    pub(crate) const fn of(op: &Op, waited: Ticks, cause: Cause, holders: Vec<Holder>) -> Self {
        let Op { event, start, process, thread, path, .. } = *op;
        Self { event, time: start, process, thread, path, waited, cause, holders }
    }
}

/// The self-check over the files that the findings touch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consistency {
    /// Successful creates looked at.
    pub opens_checked: u64,
    /// Those the table of holds would have refused (AT-11).
    pub false_conflicts: u64,
    /// Closes of handles that the capture does not show opened (AT-6).
    pub closes_without_open: u64,
    /// Handles that the capture does not show closed.
    pub opens_without_close: u64,
}

/// All findings of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// One per failing event asked about, in event order.
    pub findings: Vec<Finding>,
    /// Retries grouped.
    pub bursts: Vec<Burst>,
    /// Delayed operations of victims.
    pub waits: Vec<Wait>,
    /// The self-check.
    pub consistency: Consistency,
}
