//! Operation codes of the classes that the rest of the program asks for by name.

/// Process class: a process that was there before the capture.
pub const PROCESS_DEFINED: u16 = 0;
/// Process class: a process was created; the event belongs to the creator.
pub const PROCESS_CREATE: u16 = 1;
/// Process class: a process ended.
pub const PROCESS_EXIT: u16 = 2;
/// Process class: a thread was created.
pub const THREAD_CREATE: u16 = 3;
/// Process class: a thread ended.
pub const THREAD_EXIT: u16 = 4;
/// Process class: an image was mapped.
pub const LOAD_IMAGE: u16 = 5;
/// Process class: thread profile.
pub const THREAD_PROFILE: u16 = 6;
/// Process class: a process started; the event belongs to the new process.
pub const PROCESS_START: u16 = 7;
/// Process class: statistics of a process.
pub const PROCESS_STATISTICS: u16 = 8;
/// Process class: statistics of the system.
pub const SYSTEM_STATISTICS: u16 = 9;

/// Profiling class: of a thread.
pub const THREAD_PROFILING: u16 = 0;
/// Profiling class: of a process.
pub const PROCESS_PROFILING: u16 = 1;

/// Registry class.
pub const REG_OPEN_KEY: u16 = 0;
/// Registry class.
pub const REG_CREATE_KEY: u16 = 1;
/// Registry class.
pub const REG_QUERY_KEY: u16 = 3;
/// Registry class.
pub const REG_SET_VALUE: u16 = 4;
/// Registry class.
pub const REG_QUERY_VALUE: u16 = 5;
/// Registry class.
pub const REG_ENUM_VALUE: u16 = 6;
/// Registry class.
pub const REG_ENUM_KEY: u16 = 7;
/// Registry class.
pub const REG_SET_INFO_KEY: u16 = 8;
/// Registry class.
pub const REG_DELETE_KEY: u16 = 9;
/// Registry class.
pub const REG_DELETE_VALUE: u16 = 10;
/// Registry class.
pub const REG_LOAD_KEY: u16 = 12;
/// Registry class.
pub const REG_RENAME_KEY: u16 = 14;
/// Registry class.
pub const REG_QUERY_MULTIPLE_VALUE_KEY: u16 = 15;
/// Registry class.
pub const REG_SET_KEY_SECURITY: u16 = 16;
/// Registry class.
pub const REG_QUERY_KEY_SECURITY: u16 = 17;
/// Registry class.
pub const REG_RESTORE_KEY: u16 = 19;

/// File-system class: fast I/O, MDL write complete.
pub const MDL_WRITE_COMPLETE: u16 = 2;
/// File-system class: fast I/O, prepare MDL write.
pub const PREPARE_MDL_WRITE: u16 = 3;
/// File-system class: fast I/O, MDL read complete.
pub const MDL_READ_COMPLETE: u16 = 4;
/// File-system class: fast I/O, MDL read.
pub const MDL_READ: u16 = 5;
/// File-system class.
pub const QUERY_OPEN: u16 = 6;
/// File-system class.
pub const CHECK_IF_POSSIBLE: u16 = 7;
/// File-system class.
pub const ACQUIRE_FOR_MOD_WRITE: u16 = 17;
/// File-system class: a section was created.
pub const CREATE_FILE_MAPPING: u16 = 19;
/// File-system class.
pub const CREATE_FILE: u16 = 20;
/// File-system class.
pub const CREATE_PIPE: u16 = 21;
/// File-system class: the last reference to a file object is gone.
pub const CLOSE: u16 = 22;
/// File-system class.
pub const READ_FILE: u16 = 23;
/// File-system class.
pub const WRITE_FILE: u16 = 24;
/// File-system class.
pub const QUERY_INFORMATION: u16 = 25;
/// File-system class.
pub const SET_INFORMATION: u16 = 26;
/// File-system class.
pub const QUERY_EA: u16 = 27;
/// File-system class.
pub const SET_EA: u16 = 28;
/// File-system class.
pub const FLUSH: u16 = 29;
/// File-system class: notices between the file system, the cache and memory management, which concern the file as a whole.
pub const NOTICES: [u16; 5] = [13, 14, 15, 16, 18];
/// File-system class.
pub const QUERY_VOLUME_INFORMATION: u16 = 30;
/// File-system class.
pub const SET_VOLUME_INFORMATION: u16 = 31;
/// File-system class.
pub const DIRECTORY_CONTROL: u16 = 32;
/// File-system class.
pub const FILE_SYSTEM_CONTROL: u16 = 33;
/// File-system class.
pub const DEVICE_CONTROL: u16 = 34;
/// File-system class.
pub const INTERNAL_DEVICE_CONTROL: u16 = 35;
/// File-system class.
pub const LOCK_CONTROL: u16 = 37;
/// File-system class: the last handle to a file object is closed.
pub const CLEANUP: u16 = 38;
/// File-system class.
pub const CREATE_MAILSLOT: u16 = 39;
/// File-system class.
pub const QUERY_SECURITY: u16 = 40;
/// File-system class.
pub const SET_SECURITY: u16 = 41;
/// File-system class.
pub const PNP: u16 = 47;
