//! The source-neutral operation: what the locking engine reads, whether it came from a PML, a CSV or an XML export.
//!
//! A source decodes only what can matter to a file lock and interns every path, so an [`Op`] is small and `Copy`.

use super::lost::{Gaps, Lost};
use super::order::Order;
use crate::nt::{
    AccessMask, CreateDisposition, CreateOptions, DispositionFlags, FileAttributes, FileTime, NtStatus, OpenResult,
    RenameFlags, ShareAccess,
};
use indexmap::IndexSet;

/// The 0-based number of an event in the order of the event-offset table, through all segments of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventIndex(pub u64);

/// One process instance of a capture (never a PID: those are reused). Indexes [`OpLog::processes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// An interned path, spelled as the capture shows it. Two spellings of one path have two ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u32);

/// The paths of a capture that operations name, each stored once, in order of first use.
#[derive(Clone, Debug, Default)]
pub struct PathTable {
    paths: IndexSet<Box<str>, rustc_hash::FxBuildHasher>,
}

impl PathTable {
    /// The id of `path`, added if it is new.
    pub fn intern(&mut self, path: &str) -> PathId {
        let at = match self.paths.get_index_of(path) {
            Some(at) => at,
            None => self.paths.insert_full(path.into()).0,
        };
        PathId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The id of `path` if it was interned in exactly this spelling.
    pub fn find(&self, path: &str) -> Option<PathId> {
        self.paths.get_index_of(path).and_then(|at| u32::try_from(at).ok()).map(PathId)
    }

    /// The text of `id`; empty for an id of another table.
    pub fn get(&self, id: PathId) -> &str {
        self.paths.get_index(id.0 as usize).map_or("", |path| path)
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Every path with its id.
    pub fn iter(&self) -> impl Iterator<Item = (PathId, &str)> {
        self.paths.iter().zip(0u32..).map(|(path, id)| (PathId(id), &**path))
    }
}

/// One process instance, as far as the source tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Process id; reused by Windows within a capture.
    pub pid: u32,
    /// Parent's process id.
    pub parent_pid: u32,
    /// The parent instance, where it can be told.
    pub parent: Option<ProcessId>,
    /// Image name, `TiWorker.exe`.
    pub name: String,
    /// Full image path; empty when unknown.
    pub image_path: String,
    /// Command line.
    pub command_line: String,
    /// Account name as the capturing system prints it (localised).
    pub user: String,
    /// CompanyName of the image.
    pub company: String,
    /// FileVersion of the image.
    pub version: String,
    /// FileDescription of the image.
    pub description: String,
    /// Start time; `None` when unknown.
    pub started: Option<FileTime>,
    /// End time; `None` while running at the end of the capture or unknown.
    pub ended: Option<FileTime>,
    /// Where it is not known when it ended: that it had by then, because another process has its PID since.
    pub replaced: Option<FileTime>,
    /// Where the source records no end of any process: its last event, behind which it may have ended.
    pub last_shown: Option<FileTime>,
    /// Successful opens in the whole capture where they are many and there is no close at all; else 0. Closes were not recorded
    /// then, unless the capture misses nothing (VI-7).
    pub unclosed: u32,
    /// Current directory, where a Process Start event of the capture names it.
    pub current_directory: Option<PathId>,
}

impl ProcessInfo {
    /// Whether name or PID say which process it is; of a rescued capture both may be lost.
    pub fn is_known(&self) -> bool {
        !self.name.is_empty() || self.pid != crate::pml::recover::UNKNOWN_PID
    }

    /// The kernel's own process: PID 4.
    pub const fn is_system(&self) -> bool {
        self.pid == 4
    }
}

/// A kernel driver that, by the call stack, issued an operation in another process's name. Indexes [`OpLog::drivers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverId(pub u16);

/// What the call stack of an operation says about who issued it, beyond the author it may name (VI-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum StackSays {
    /// There is no stack: a filter may have issued it in the process's name.
    #[default]
    Nothing,
    /// The same: there is one, but frames of no known module stand in it, or it ends too early.
    Unresolved,
    /// The one that [`Op::driver`] names, or else the process it is recorded under.
    Caller,
    /// The file server for a remote client (VI-5).
    Server,
    /// The process; this filter only handed the request on, and so did the other, if there is one.
    Passing(DriverId, Option<DriverId>),
    /// This filter stands in the stack, and whether it issued the operation cannot be told; another one may stand there too.
    Unclear(DriverId, Option<DriverId>),
}

/// One operation, complete: everything the engine may ask of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Op {
    /// The event it came from.
    pub event: EventIndex,
    /// When it began.
    pub start: FileTime,
    /// When it completed; `None` while pending at the end of the capture, or when the source does not tell durations.
    pub end: Option<FileTime>,
    /// The process the capture shows it under.
    pub process: ProcessId,
    /// Thread id; `None` when the source has none.
    pub thread: Option<u32>,
    /// How it ended.
    pub status: NtStatus,
    /// The path the capture shows for it.
    pub path: PathId,
    /// The third-party file-system filter whose frame issued it, if the stack shows one.
    pub driver: Option<DriverId>,
    /// What else its stack says about who issued it.
    pub stack: StackSays,
    /// What was asked.
    pub kind: OpKind,
}

impl Op {
    /// The filter that issued it, or else those that may have or handed it on, as far as its stack shows them: one or two.
    pub fn filters(&self) -> impl Iterator<Item = DriverId> {
        let (first, second) = match (self.driver, self.stack) {
            (Some(driver), _) => (Some(driver), None),
            (None, StackSays::Passing(first, second) | StackSays::Unclear(first, second)) => (Some(first), second),
            (None, _) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// When it was over, as far as known: its end, else its start.
    pub fn finished(&self) -> FileTime {
        self.end.unwrap_or(self.start)
    }
}

/// The number of a file on its volume. Packed: the alignment of a `u128` would make every operation larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(Rust, packed(4))]
pub struct FileId(u128);

impl FileId {
    /// The number.
    pub const fn get(self) -> u128 {
        self.0
    }
}

impl<T: Into<u128>> From<T> for FileId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

/// The arguments of an open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create {
    /// Desired access as asked for, generic bits unmapped; `None` when the source does not tell.
    pub access: Option<AccessMask>,
    /// Share access; `None` when the source does not tell.
    pub share: Option<ShareAccess>,
    /// What to do when the file exists or not; `None` when the source does not tell.
    pub disposition: Option<CreateDisposition>,
    /// Create options.
    pub options: CreateOptions,
    /// Attributes for a new file.
    pub attributes: FileAttributes,
    /// What the open did; only on success (for REPARSE it is `None`).
    pub result: Option<OpenResult>,
    /// The open impersonates another account.
    pub impersonating: bool,
}

/// What an operation did, as far as it matters to who holds a file.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum OpKind {
    /// IRP_MJ_CREATE.
    Create(Create),
    /// IRP_MJ_CLEANUP (Procmon: CloseFile): the last handle of a file object closed.
    Cleanup,
    /// IRP_MJ_CLOSE: the last reference gone. Never a release time.
    Close,
    /// Fast query open: opens, reads attributes and closes in one.
    QueryOpen {
        /// The attributes it returned.
        attributes: Option<FileAttributes>,
    },
    /// FileDispositionInformation.
    SetDisposition {
        /// Mark (true) or unmark.
        delete: bool,
        /// The caller's handle value; `None` when not recorded.
        handle: Option<u64>,
    },
    /// FileDispositionInformationEx.
    SetDispositionEx {
        /// Flags.
        flags: DispositionFlags,
        /// The caller's handle value; `None` when not recorded.
        handle: Option<u64>,
    },
    /// FileRenameInformation(Ex): the path is the old name.
    Rename {
        /// The new name; `None` when not recorded.
        target: Option<PathId>,
        /// Flags; the classic class has only `REPLACE_IF_EXISTS`.
        flags: RenameFlags,
        /// One of the Ex classes.
        ex: bool,
        /// Whether the target was given as a path or below a root, not as a name alone; `None` when not recorded.
        as_path: Option<bool>,
    },
    /// FileLinkInformation(Ex): the path is the existing name.
    Link {
        /// The additional name; `None` when not recorded.
        target: Option<PathId>,
        /// Flags; the classic class has only `REPLACE_IF_EXISTS`.
        flags: RenameFlags,
        /// One of the Ex classes.
        ex: bool,
        /// Whether the target was given as a path or below a root, not as a name alone; `None` when not recorded.
        as_path: Option<bool>,
    },
    /// FileEndOfFileInformation: the new size.
    SetEndOfFile(i64),
    /// FileAllocationInformation: the new allocation.
    SetAllocation(i64),
    /// FileBasicInformation set: the new attributes (none set = unchanged).
    SetBasic(FileAttributes),
    /// A section is being created over the file (acquire for section synchronization, SyncTypeCreateSection).
    CreateSection {
        /// PAGE_* protection.
        protection: u32,
        /// SEC_* allocation attributes; 0 where the system does not record them (image or data unknown).
        allocation: u32,
    },
    /// Byte-range lock request.
    Lock {
        /// First byte.
        offset: i64,
        /// Bytes.
        length: i64,
        /// Exclusive lock.
        exclusive: bool,
        /// Fails at once instead of waiting.
        fail_immediately: bool,
        /// The caller's key; `None` when not recorded.
        key: Option<u32>,
    },
    /// One byte-range unlock.
    Unlock {
        /// First byte.
        offset: i64,
        /// Bytes.
        length: i64,
    },
    /// All locks of the file object released.
    UnlockAll,
    /// Those with one key released.
    UnlockByKey {
        /// The key; `None` when not recorded.
        key: Option<u32>,
    },
    /// Read.
    Read {
        /// First byte.
        offset: i64,
        /// Bytes asked for.
        length: u32,
        /// Paging I/O: no proof of a handle.
        paging: bool,
    },
    /// Write.
    Write {
        /// First byte.
        offset: i64,
        /// Bytes asked for.
        length: u32,
        /// Paging I/O: no proof of a handle.
        paging: bool,
    },
    /// A query that reveals the NTFS file reference (classes internal, all, id, stat).
    QueryFileId {
        /// File id (128 bit for class id; the 64-bit reference otherwise).
        id: FileId,
    },
    /// FileStandardInformation.
    QueryStandard {
        /// Links of the file.
        links: u32,
        /// The link is marked for deletion.
        delete_pending: bool,
        /// It is a directory.
        directory: bool,
    },
    /// FileBasicInformation or another query that tells the attributes.
    QueryAttributes(FileAttributes),
    /// A directory entry that ties a long name to its 8.3 name (from a directory query on the path).
    ShortName {
        /// `directory\long name`.
        long: PathId,
        /// `directory\8.3 name`.
        short: PathId,
    },
    /// A directory entry that shows its file to be read-only; the path is the entry's.
    ListedReadOnly,
    /// A query or a listing of a folder that shows that its names differ by letter case alone.
    CaseSensitive,
    /// FSCTL with its control code.
    FsControl(u32),
    /// Load Image: the path was mapped as an image into the process.
    LoadImage,
    /// The process created a child.
    ProcessCreate {
        /// The child.
        child: ProcessId,
    },
    /// The process started; its current directory, if told.
    ProcessStart {
        /// Current directory.
        current_directory: Option<PathId>,
    },
    /// The process ended: every handle and section is gone.
    ProcessExit,
    /// Any other file operation that needs an open file object: shows that some handle was open.
    Other,
}

impl OpKind {
    /// The name in Procmon's Operation column; empty for [`Self::Other`].
    pub const fn procmon_name(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateFile",
            Self::Cleanup => "CloseFile",
            Self::Close => "IRP_MJ_CLOSE",
            Self::QueryOpen { .. } => "QueryOpen",
            Self::SetDisposition { .. } => "SetDispositionInformationFile",
            Self::SetDispositionEx { .. } => "SetDispositionInformationEx",
            Self::Rename { ex: false, .. } => "SetRenameInformationFile",
            Self::Rename { ex: true, .. } => "SetRenameInformationEx",
            Self::Link { ex: false, .. } => "SetLinkInformationFile",
            Self::Link { ex: true, .. } => "SetLinkInformationEx",
            Self::SetEndOfFile(_) => "SetEndOfFileInformationFile",
            Self::SetAllocation(_) => "SetAllocationInformationFile",
            Self::SetBasic(_) => "SetBasicInformationFile",
            Self::CreateSection { .. } => "CreateFileMapping",
            Self::Lock { .. } => "LockFile",
            Self::Unlock { .. } => "UnlockFileSingle",
            Self::UnlockAll => "UnlockFileAll",
            Self::UnlockByKey { .. } => "UnlockFileByKey",
            Self::Read { .. } => "ReadFile",
            Self::Write { .. } => "WriteFile",
            Self::QueryFileId { .. } => "QueryFileInternalInformationFile",
            Self::QueryStandard { .. } => "QueryStandardInformationFile",
            Self::QueryAttributes(_) => "QueryBasicInformationFile",
            Self::ShortName { .. } | Self::ListedReadOnly => "QueryDirectory",
            Self::CaseSensitive => "QueryCaseSensitiveInformation",
            Self::FsControl(_) => "FileSystemControl",
            Self::LoadImage => "Load Image",
            Self::ProcessCreate { .. } => "Process Create",
            Self::ProcessStart { .. } => "Process Start",
            Self::ProcessExit => "Process Exit",
            Self::Other => "",
        }
    }
}

/// A kernel driver named by stack frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverInfo {
    /// File name, `tmfilter.sys`.
    pub name: String,
    /// Path as the capture shows it.
    pub path: String,
    /// Company string.
    pub company: String,
    /// Version string.
    pub version: String,
    /// Description string.
    pub description: String,
}

/// The operations of a capture (all, or those on the files of interest) in event order, with the tables they refer to.
#[derive(Clone, Debug, Default)]
pub struct OpLog {
    /// In event order.
    pub ops: Vec<Op>,
    /// Paths.
    pub paths: PathTable,
    /// Process instances.
    pub processes: Vec<ProcessInfo>,
    /// Drivers that stacks show as authors.
    pub drivers: Vec<DriverInfo>,
    /// Start of the first and end of the last event of the whole capture.
    pub span: Option<(FileTime, FileTime)>,
    /// What the whole capture contains, which decides what absence proves.
    pub coverage: Coverage,
    /// What ties device names, volume names and `\\SystemRoot` to drive letters, where the capture shows it.
    pub roots: crate::nt::path::Roots,
    /// Images that a process had mapped before the first event, from the capture's module tables.
    pub images: Vec<(ProcessId, PathId)>,
    /// Build number of Windows (`22631`), where the source tells; some rules changed with it.
    pub os_build: Option<u32>,
    /// Events on other files that had a say in what ties volumes, in order.
    pub beside: Vec<EventIndex>,
}

/// What kinds of event the whole capture holds (not only those kept in the log).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Successful creates.
    pub creates: u64,
    /// Cleanups.
    pub cleanups: u64,
    /// Load Image events.
    pub image_loads: u64,
    /// Process instances that have at least one file-system event.
    pub active_processes: u32,
    /// How many of these are not Windows' own, where somebody has counted.
    pub third_parties: Option<u64>,
    /// Driver sequence numbers missing between first and last event; `None` when the source has none.
    pub sequence_gaps: Option<u64>,
    /// The source does not number its events, so that nothing shows whether some are missing.
    pub unnumbered: bool,
    /// What tells against the order of the events.
    pub order: Order,
    /// Events that have such a number; `None` when the source has none.
    pub sequenced: Option<u64>,
    /// The largest gaps in these numbers.
    pub gaps: Gaps,
    /// When the first event began.
    pub begin: Option<FileTime>,
    /// The source tells desired access, share mode and options.
    pub has_detail: bool,
    /// The source tells durations.
    pub has_durations: bool,
    /// Rows do not tell the PID: processes of one name are one.
    pub without_pids: bool,
    /// Times are rounded, to the millisecond or more: of rows of one time their order counts.
    pub coarse_times: bool,
    /// Rows do not stand in the order of their times, so that nothing follows from what comes before what.
    pub unordered: bool,
    /// Rows that could not be read: each may have been a close.
    pub unreadable: u64,
    /// Rows do not tell a time: their order is all there is.
    pub without_times: bool,
    /// Names hold bytes that are no text in the encoding they were read in: two of them may look alike.
    pub garbled: bool,
}

impl Coverage {
    /// Stretches in which events were lost, in order of time.
    pub fn lost(&self) -> impl Iterator<Item = Lost> {
        self.gaps.lost(self.sequence_gaps.unwrap_or(0))
    }

    /// Whether closes were left out of the capture: there are none, or far fewer than opens.
    pub const fn lacks_closes(&self) -> bool {
        self.creates > 0 && self.cleanups == 0 || self.creates >= 10 && self.cleanups.saturating_mul(10) < self.creates
    }

    /// Whether so many closes are missing that a handle without one need not have stayed open. Where the driver's numbers show
    /// that nothing is missing, handles were left open.
    pub const fn has_few_closes(&self) -> bool {
        self.creates >= 10
            && self.cleanups.saturating_mul(2) < self.creates
            && (!matches!(self.sequence_gaps, Some(0)) || self.lacks_closes())
    }

    /// Whether events are missing between two moments: filtered out, or lost here and there. A stretch that is lost as a whole
    /// is another matter, see [`Self::is_torn`].
    pub fn has_gaps(&self, from: FileTime, to: FileTime) -> bool {
        let lost: u64 = self.lost().map(|lost| lost.missing).sum();
        self.unreadable > 0
            || self.sequence_gaps.is_some_and(|gaps| gaps > lost)
                && self.gaps.span().is_none_or(|(before, after)| from < after && to > before)
    }

    /// Whether a stretch of events is lost between two moments: what was open at the first may have been closed, and opened
    /// anew in another way, by the second (VI-7).
    pub fn is_torn(&self, from: FileTime, to: FileTime) -> bool {
        self.gaps.is_torn(self.sequence_gaps.unwrap_or(0), from, to) || self.is_lost_somewhere()
    }

    /// Whether a stretch of events is lost behind `from` that ended by `to`.
    pub fn lost_by(&self, from: FileTime, to: FileTime) -> bool {
        self.lost().any(|lost| from < lost.to && lost.to <= to) || self.is_lost_somewhere()
    }

    /// Where the clock was set back the time of a lost stretch does not tell where it lies.
    fn is_lost_somewhere(&self) -> bool {
        self.order.steps_back > 0 && self.lost().next().is_some()
    }
}

/// Millions of them are kept: none grows unnoticed.
const _: () = assert!(size_of::<Op>() == 96);

#[cfg(test)]
mod tests {
    use super::Coverage;

    #[test]
    fn a_capture_whose_closes_were_left_out_is_told() {
        let with = |creates, cleanups| Coverage { creates, cleanups, ..Coverage::default() };
        assert!(with(3, 0).lacks_closes() && with(100, 9).lacks_closes());
        assert!(!with(100, 10).lacks_closes() && !with(3, 1).lacks_closes() && !with(0, 0).lacks_closes());
        assert!(with(10, 4).has_few_closes() && !with(10, 5).has_few_closes() && !with(9, 1).has_few_closes());
    }
}
