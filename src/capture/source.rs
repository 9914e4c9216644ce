//! The seam between the formats and the analysis: a source surveys itself once, then hands out the operations on the
//! files that turned out to matter. A PML capture is one source; exports in CSV and XML are others.

use super::op::{Coverage, Op, OpLog, PathTable, ProcessId, ProcessInfo};
use super::select::Selection;
use crate::nt::{FileTime, NtStatus, Ticks};

/// How many events of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCounts {
    /// All.
    pub total: u64,
    /// File system.
    pub file_system: u64,
    /// Registry.
    pub registry: u64,
    /// Process and thread.
    pub process: u64,
    /// Network.
    pub network: u64,
    /// Profiling.
    pub profiling: u64,
    /// Any other class.
    pub other: u64,
}

/// Numbers of unreadable records that are kept, at most.
pub const MOST_LOST: usize = 1 << 16;

/// Records that could not be read: how many, and the first place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Records.
    pub records: u64,
    /// What the first one was.
    pub first: Option<String>,
}

/// What one pass over a whole capture finds, whatever the question.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Events by class.
    pub counts: ClassCounts,
    /// Every file operation with a lock-class result, every open, close and deletion that took at least [`SLOW`], and every rename
    /// and link; in event order. Their paths are in `paths`.
    pub ops: Vec<Op>,
    /// The paths of `ops`.
    pub paths: PathTable,
    /// Process instances.
    pub processes: Vec<ProcessInfo>,
    /// Those with file-system events.
    pub active: Vec<ProcessId>,
    /// Start of the first event and end of the last.
    pub span: Option<(FileTime, FileTime)>,
    /// What kinds of event there are.
    pub coverage: Coverage,
    /// Events with a call stack.
    pub with_stack: u64,
    /// Unreadable records.
    pub damage: Damage,
    /// Records, and rows of an export, that could not be read, ascending; of very many the first [`MOST_LOST`].
    pub lost: Vec<super::op::EventIndex>,
}

/// What a capture tells of the machine it was taken on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Computer name.
    pub computer: Option<String>,
    /// System root, `C:\Windows`.
    pub system_root: Option<String>,
    /// Windows version, `10.0.17763`.
    pub os: Option<String>,
    /// 32 or 64.
    pub bits: Option<u32>,
}

/// Whether a kernel module is a filter that may issue I/O of its own.
pub type FilterTest<'t> = dyn Fn(&super::op::DriverInfo) -> bool + Sync + 't;

/// A capture in some format, ready to be asked.
pub trait Source: Sync {
    /// The machine.
    fn machine(&self) -> Machine;

    /// One pass over everything.
    fn survey(&self) -> Survey;

    /// When this is an extract made for the scope with this digest: puts what the original was like in the place of what
    /// the survey found.
    fn restore(&self, _scope: &str, _survey: &mut Survey) {}

    /// The operations on the selected files, and the life of processes, in event order, with all tables. A kernel
    /// module for which `is_filter` holds counts as the author of an operation whose stack shows it.
    fn collect(&self, selection: &Selection, survey: &Survey, is_filter: &FilterTest<'_>) -> OpLog;

    /// What an event is about: the path of an operation on a file, or of an image that was loaded.
    fn path(&self, event: super::EventIndex) -> Option<String>;

    /// The operation of one event as Procmon names it, where the source can tell better than its kind does.
    fn operation(&self, _event: super::EventIndex) -> Option<String> {
        None
    }

    /// Kernel modules that are loaded (the modules of the System process): path, company, version, description.
    fn kernel_modules(&self) -> Vec<super::op::DriverInfo>;
}

/// An open or a close that took this long may have waited for somebody.
pub const SLOW: Ticks = Ticks(500_000);

/// Results that can mean "somebody is in the way"; whether they do depends on the operation.
pub const fn may_be_lock_class(status: NtStatus) -> bool {
    matches!(
        status,
        NtStatus::SHARING_VIOLATION
            | NtStatus::DELETE_PENDING
            | NtStatus::CANNOT_DELETE
            | NtStatus::USER_MAPPED_FILE
            | NtStatus::FILE_LOCK_CONFLICT
            | NtStatus::LOCK_NOT_GRANTED
            | NtStatus::DIRECTORY_NOT_EMPTY
            | NtStatus::FILE_DELETED
            | NtStatus::OPLOCK_BREAK_IN_PROGRESS
            | NtStatus::CANNOT_BREAK_OPLOCK
            | NtStatus::OPLOCK_NOT_GRANTED
    )
}
