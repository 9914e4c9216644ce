//! Offsets and sizes of the structures, in bytes. The event record and its details are read by hand with these.

/// Size of the header; also the offset of the first event.
pub const HEADER_SIZE: usize = 0x3A8;
/// Size of an entry of the event-offset array: an unsigned 40-bit file offset.
pub const OFFSET_ENTRY: usize = 5;
/// Size of the fixed head of an event record.
pub const EVENT_HEAD: usize = 0x34;

/// Fields of the event head.
pub mod event {
    /// u32: process index.
    pub const PROCESS: usize = 0x00;
    /// u32: thread id.
    pub const THREAD: usize = 0x04;
    /// u32: event class.
    pub const CLASS: usize = 0x08;
    /// u16: operation.
    pub const OPERATION: usize = 0x0C;
    /// u32: the driver's sequence number.
    pub const SEQUENCE: usize = 0x10;
    /// u64: duration in 100 ns; garbage while pending.
    pub const DURATION: usize = 0x14;
    /// FILETIME: start.
    pub const TIME: usize = 0x1C;
    /// u32: NTSTATUS.
    pub const RESULT: usize = 0x24;
    /// u16: frames in the stack.
    pub const STACK_DEPTH: usize = 0x28;
    /// u32: bytes of detail.
    pub const DETAIL_SIZE: usize = 0x2C;
    /// u32: offset of the extra detail from the start of the event; 0 when there is none.
    pub const EXTRA_OFFSET: usize = 0x30;
}

/// Fields of the detail of a file-system event, as (32-bit, 64-bit) offsets.
pub mod file {
    /// u8: information class or IRP minor function.
    pub const SUB_OPERATION: usize = 0x00;
    /// u32: IRP flags and operation flags << 20.
    pub const IO_FLAGS: usize = 0x08;
    /// u32: filter-manager callback flags.
    pub const CALLBACK_FLAGS: usize = 0x0C;
    /// First of six arguments, each pointer-sized but the last.
    pub const ARGUMENTS: usize = 0x10;
    /// u16: path info.
    pub const PATH_INFO: (usize, usize) = (0x2C, 0x40);
    /// The path.
    pub const PATH: (usize, usize) = (0x30, 0x44);
}

/// Size of a module record, (32-bit, 64-bit).
pub const MODULE_SIZE: (usize, usize) = (0x38, 0x40);
/// Smallest size of a process record without modules, (32-bit, 64-bit).
pub const PROCESS_SIZE: (usize, usize) = (0x68, 0x6C);
