//! One event record, as a place in the file: no field is read before it is asked for.
//!
//! The struct is not the memory layout; the layout is in [`super::layout`], and every accessor is a checked load.

use super::bytes::{DetailText, PointerSize, u8_at, u16_at, u32_at, u64_at};
use super::error::{PmlError, PmlErrorKind, Region};
use super::layout::{self, EVENT_HEAD, event as field};
use crate::nt::{FileTime, NtStatus, Ticks};

codes! {
    /// Class of an event.
    pub struct EventClass(u32) {
        PROCESS = 1, "Process";
        REGISTRY = 2, "Registry";
        FILE_SYSTEM = 3, "File System";
        PROFILING = 4, "Profiling";
        NETWORK = 5, "Network";
        IPC = 6, "IPC";
    }
}

/// An event record in the mapped file.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// From the start of the record to the end of the file.
    data: &'a [u8],
    head: &'a [u8; EVENT_HEAD],
    at: u64,
    number: u32,
    pointer: PointerSize,
}

impl std::fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event {} at {:#x}: class {:?} operation {}", self.number, self.at, self.class(), self.operation())
    }
}

impl<'a> Event<'a> {
    /// The record that starts at `at` in `file`. Only the fixed head is checked to lie in the file.
    #[inline]
    pub fn new(file: &'a [u8], at: u64, number: u32, pointer: PointerSize) -> Result<Self, PmlError> {
        Self::at(file, at, number, pointer).ok_or_else(|| {
            let available = (file.len() as u64).saturating_sub(at);
            let kind = PmlErrorKind::Truncated { needed: EVENT_HEAD as u64, available };
            PmlError::new(at, Region::Event(number), kind)
        })
    }

    /// The same without words for what is wrong, for loops over millions.
    #[inline]
    pub(crate) fn at(file: &'a [u8], at: u64, number: u32, pointer: PointerSize) -> Option<Self> {
        let data = file.get(usize::try_from(at).ok()?..)?;
        Some(Self { data, head: data.first_chunk()?, at, number, pointer })
    }

    /// The file from the record on.
    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.data
    }

    /// Offset of the record in its file.
    #[inline]
    pub const fn offset(self) -> u64 {
        self.at
    }

    /// Number of the event within its file.
    #[inline]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// Pointer width of the capture.
    #[inline]
    pub const fn pointer(self) -> PointerSize {
        self.pointer
    }

    #[inline]
    fn u32_field(self, at: usize) -> u32 {
        u32_at(self.head, at).unwrap_or_default()
    }

    /// The driver's process number, an index into the process table (not a PID).
    #[inline]
    pub fn process_index(self) -> u32 {
        self.u32_field(field::PROCESS)
    }

    /// Thread id.
    #[inline]
    pub fn thread_id(self) -> u32 {
        self.u32_field(field::THREAD)
    }

    /// Event class.
    #[inline]
    pub fn class(self) -> EventClass {
        EventClass(self.u32_field(field::CLASS))
    }

    /// Operation within the class.
    #[inline]
    pub fn operation(self) -> u16 {
        u16_at(self.head, field::OPERATION).unwrap_or_default()
    }

    /// The driver's sequence number: ascending; gaps are events that were filtered or dropped before saving.
    #[inline]
    pub fn sequence(self) -> u32 {
        self.u32_field(field::SEQUENCE)
    }

    /// Start time.
    #[inline]
    pub fn time(self) -> FileTime {
        FileTime(u64_at(self.head, field::TIME).unwrap_or_default())
    }

    /// Result.
    #[inline]
    pub fn status(self) -> NtStatus {
        NtStatus(self.u32_field(field::RESULT))
    }

    /// Duration; `None` while the operation is pending (the field then holds garbage).
    #[inline]
    pub fn duration(self) -> Option<Ticks> {
        if self.status() == NtStatus::PENDING {
            return None;
        }
        u64_at(self.head, field::DURATION).map(Ticks)
    }

    /// Completion time; `None` while pending.
    #[inline]
    pub fn end(self) -> Option<FileTime> {
        self.duration().map(|ticks| self.time().plus(ticks))
    }

    /// Number of stack frames.
    #[inline]
    pub fn stack_depth(self) -> usize {
        usize::from(u16_at(self.head, field::STACK_DEPTH).unwrap_or_default())
    }

    #[inline]
    fn detail_start(self) -> usize {
        EVENT_HEAD + self.stack_depth() * self.pointer.bytes()
    }

    fn truncated(self, needed: usize) -> PmlError {
        PmlError::new(
            self.at,
            Region::Event(self.number),
            PmlErrorKind::Truncated { needed: needed as u64, available: self.data.len() as u64 },
        )
    }

    /// Whether the sizes and places that the head tells can be true; the record's contents are not looked at.
    ///
    /// # Errors
    /// A record that would not lie in the file, a file-system event without room for its path, an extra detail
    /// inside the head or outside the file.
    pub fn check(self) -> Result<(), PmlError> {
        if self.is_sound() { Ok(()) } else { Err(self.fault()) }
    }

    /// Whether [`Self::check`] finds nothing.
    #[inline]
    pub(crate) fn is_sound(self) -> bool {
        let available = self.data.len() as u64;
        let extra = u64::from(self.u32_field(field::EXTRA_OFFSET));
        let stray = extra != 0 && (extra < EVENT_HEAD as u64 || extra + 2 > available);
        !(self.record_length() > available || stray || self.has_no_path())
    }

    #[inline]
    fn has_no_path(self) -> bool {
        let path = self.pointer.pick(layout::file::PATH.0, layout::file::PATH.1);
        self.class() == EventClass::FILE_SYSTEM && (self.u32_field(field::DETAIL_SIZE) as usize) < path
    }

    #[cold]
    fn fault(self) -> PmlError {
        let value = |at| u64::from(self.u32_field(at));
        let kind = if self.record_length() > self.data.len() as u64 {
            PmlErrorKind::Truncated { needed: self.record_length(), available: self.data.len() as u64 }
        } else if self.has_no_path() {
            PmlErrorKind::Invalid { field: "detail size", value: value(field::DETAIL_SIZE) }
        } else {
            PmlErrorKind::Invalid { field: "extra offset", value: value(field::EXTRA_OFFSET) }
        };
        PmlError::new(self.at, Region::Event(self.number), kind)
    }

    /// Stack frames, innermost first.
    pub fn stack(self) -> Result<Stack<'a>, PmlError> {
        let end = self.detail_start();
        let frames = self.data.get(EVENT_HEAD..end).ok_or_else(|| self.truncated(end))?;
        Ok(Stack { frames, pointer: self.pointer })
    }

    /// Bytes of the detail, including a few unused bytes at its end.
    #[inline]
    pub fn detail(self) -> Result<&'a [u8], PmlError> {
        let start = self.detail_start();
        let end = start.saturating_add(self.u32_field(field::DETAIL_SIZE) as usize);
        self.data.get(start..end).ok_or_else(|| self.truncated(end))
    }

    /// Bytes of the extra detail (what the operation returned); `None` when the event has none.
    ///
    /// # Errors
    /// When its offset lies inside the record's own bytes or outside the file.
    #[inline]
    pub fn extra(self) -> Result<Option<&'a [u8]>, PmlError> {
        let offset = self.u32_field(field::EXTRA_OFFSET) as usize;
        if offset == 0 {
            return Ok(None);
        }
        if offset < EVENT_HEAD {
            let kind = PmlErrorKind::Invalid { field: "extra offset", value: offset as u64 };
            return Err(PmlError::new(self.at, Region::Event(self.number), kind));
        }
        let size = usize::from(u16_at(self.data, offset).ok_or_else(|| self.truncated(offset.saturating_add(2)))?);
        let end = offset.saturating_add(2 + size);
        self.data.get(offset + 2..end).map(Some).ok_or_else(|| self.truncated(end))
    }

    /// The detail with the bytes behind it: Procmon reads some strings without respecting the end of the block.
    #[inline]
    pub fn detail_beyond(self) -> Result<Beyond<'a>, PmlError> {
        let len = self.detail()?.len();
        Ok(Beyond { bytes: self.data.get(self.detail_start()..).unwrap_or_default(), len })
    }

    /// The extra detail with the bytes behind it.
    ///
    /// # Errors
    /// As [`Self::extra`].
    #[inline]
    pub fn extra_beyond(self) -> Result<Option<Beyond<'a>>, PmlError> {
        let Some(block) = self.extra()? else { return Ok(None) };
        let offset = self.u32_field(field::EXTRA_OFFSET) as usize + 2;
        Ok(Some(Beyond { bytes: self.data.get(offset..).unwrap_or_default(), len: block.len() }))
    }

    /// Length of the record without its extra detail.
    #[inline]
    pub fn record_length(self) -> u64 {
        self.detail_start() as u64 + u64::from(self.u32_field(field::DETAIL_SIZE))
    }

    /// File offset of the first byte behind the record and the extra detail that follows it directly.
    pub fn end_offset(self) -> u64 {
        let length = self.record_length();
        let follows = u64::from(self.u32_field(field::EXTRA_OFFSET)) == length;
        let extra = self.extra().ok().flatten().filter(|_| follows);
        self.at.saturating_add(length).saturating_add(extra.map_or(0, |extra| 2 + extra.len() as u64))
    }

    /// The common part of a file-system event's detail; `None` when it is too short for its counted path.
    #[inline]
    pub fn file(self) -> Option<FileDetail<'a>> {
        FileDetail::new(self.detail().ok()?, self.pointer)
    }
}

/// A block of a record together with the bytes of the file behind it.
#[derive(Clone, Copy)]
pub struct Beyond<'a> {
    /// From the start of the block to the end of the file.
    pub bytes: &'a [u8],
    /// Length of the block itself.
    pub len: usize,
}

impl<'a> Beyond<'a> {
    /// The block alone.
    pub fn block(self) -> &'a [u8] {
        self.bytes.get(..self.len).unwrap_or(self.bytes)
    }

    /// The same from byte `at` of the block on; `None` past the end of the block.
    pub fn from(self, at: usize) -> Option<Self> {
        Some(Self { bytes: self.bytes.get(at..)?, len: self.len.checked_sub(at)? })
    }
}

impl std::fmt::Debug for Beyond<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

/// The fields of an event that most questions are decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The driver's process number.
    pub process: u32,
    /// Event class.
    pub class: EventClass,
    /// Operation within the class.
    pub operation: u16,
    /// Result.
    pub status: NtStatus,
}

impl Head {
    /// Reads it from the first bytes of a record.
    #[inline]
    pub(super) fn read(head: &[u8; EVENT_HEAD]) -> Self {
        let number = |at| u32_at(head, at).unwrap_or_default();
        Self {
            process: number(field::PROCESS),
            class: EventClass(number(field::CLASS)),
            operation: u16_at(head, field::OPERATION).unwrap_or_default(),
            status: NtStatus(number(field::RESULT)),
        }
    }
}

/// Frames of a stack, innermost first.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a> {
    frames: &'a [u8],
    pointer: PointerSize,
}

impl<'a> Stack<'a> {
    /// How many frames.
    pub const fn len(self) -> usize {
        self.frames.len() / self.pointer.bytes()
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.frames.is_empty()
    }

    /// The addresses.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator + 'a {
        let pointer = self.pointer;
        self.frames.chunks_exact(pointer.bytes()).map(move |frame| match pointer {
            PointerSize::Four => u64::from(u32_at(frame, 0).unwrap_or_default()),
            PointerSize::Eight => u64_at(frame, 0).unwrap_or_default(),
        })
    }
}

/// The common part of a file-system event's detail: sub-operation, flags, arguments, path, and what follows the path.
#[derive(Clone, Copy, Debug)]
pub struct FileDetail<'a> {
    detail: &'a [u8],
    pointer: PointerSize,
    /// The path.
    pub path: DetailText<'a>,
    /// The bytes behind the path: operation-specific, then a few unused ones.
    pub tail: &'a [u8],
}

impl<'a> FileDetail<'a> {
    /// Reads it from the detail bytes.
    #[inline]
    pub fn new(detail: &'a [u8], pointer: PointerSize) -> Option<Self> {
        let info = u16_at(detail, pointer.pick(layout::file::PATH_INFO.0, layout::file::PATH_INFO.1))?;
        let rest = detail.get(pointer.pick(layout::file::PATH.0, layout::file::PATH.1)..)?;
        let (path, tail) = DetailText::split(info, rest)?;
        Some(Self { detail, pointer, path, tail })
    }

    /// Information class (query, set, volume query) or IRP minor function.
    #[inline]
    pub fn sub_operation(self) -> u8 {
        u8_at(self.detail, layout::file::SUB_OPERATION).unwrap_or_default()
    }

    /// `IrpFlags | OperationFlags << 20`.
    pub fn io_flags(self) -> u32 {
        u32_at(self.detail, layout::file::IO_FLAGS).unwrap_or_default()
    }

    /// Filter-manager callback flags: 1 IRP, 2 fast I/O, 4 FS-filter callback.
    pub fn callback_flags(self) -> u32 {
        u32_at(self.detail, layout::file::CALLBACK_FLAGS).unwrap_or_default()
    }

    /// Low 32 bits of argument `n` (1 to 5).
    #[inline]
    pub fn argument_u32(self, n: usize) -> u32 {
        u32_at(self.detail, self.argument_at(n)).unwrap_or_default()
    }

    /// Argument `n` (1 to 5), pointer-sized.
    pub fn argument(self, n: usize) -> u64 {
        super::bytes::pointer_at(self.detail, self.argument_at(n), self.pointer).unwrap_or_default()
    }

    /// The 64-bit value that starts in the slot of argument `n` (on 32-bit captures it spans two slots).
    pub fn argument_i64(self, n: usize) -> i64 {
        u64_at(self.detail, self.argument_at(n)).unwrap_or_default().cast_signed()
    }

    /// Argument 6: always 64 bits.
    pub fn argument6(self) -> u64 {
        u64_at(self.detail, self.pointer.pick(0x24, 0x38)).unwrap_or_default()
    }

    /// The byte at `at` of the detail.
    pub fn byte(self, at: usize) -> u8 {
        u8_at(self.detail, at).unwrap_or_default()
    }

    /// The u32 at `at` of the detail.
    pub fn u32(self, at: usize) -> u32 {
        u32_at(self.detail, at).unwrap_or_default()
    }

    /// All bytes of the detail.
    pub const fn raw(self) -> &'a [u8] {
        self.detail
    }

    /// Pointer width of the capture.
    pub const fn pointer(self) -> PointerSize {
        self.pointer
    }

    #[inline]
    fn argument_at(self, n: usize) -> usize {
        layout::file::ARGUMENTS + n.saturating_sub(1) * self.pointer.bytes()
    }
}
