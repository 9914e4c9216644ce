//! File-system operations that carry arguments: create, read and write, sections, locks, controls, security.

use crate::nt::{AccessMask, ControlCode, Sid};
use crate::pml::bytes::{PointerSize, i64_at, u8_at, u32_at, u64_at};
use crate::pml::event::FileDetail;

/// CreateFile, and the arguments that CreatePipe and CreateMailSlot share with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateFile<'a> {
    /// Access as the caller asked for it, generic bits unmapped.
    pub desired_access: AccessMask,
    /// `FILE_SUPERSEDE` … `FILE_OVERWRITE_IF`.
    pub disposition: u32,
    /// `CreateOptions`, 24 bits.
    pub options: u32,
    /// Attributes for a new file.
    pub attributes: u16,
    /// `FILE_SHARE_*`.
    pub share: u16,
    /// Length of the extended attributes, bytes.
    pub ea_length: u32,
    /// Initial allocation, bytes.
    pub allocation_size: i64,
    /// What Procmon shows as such: on 32-bit captures the high half of it.
    pub shown_allocation_size: i64,
    /// The user the thread impersonated.
    pub impersonating: Option<Sid<'a>>,
    /// `IO_STATUS_BLOCK.Information` when the open completed: what it did, or the reparse tag with REPARSE.
    pub information: Option<u32>,
}

impl<'a> CreateFile<'a> {
    /// Reads T and X.
    pub fn parse(file: FileDetail<'a>, extra: Option<&'a [u8]>) -> Option<Self> {
        let disposition_and_options = file.argument_u32(2);
        let attributes_and_share = file.argument_u32(3);
        // Only one byte of length: the three behind it are not initialised.
        let sid_length = usize::from(u8_at(file.tail, 4)?);
        let impersonating = match sid_length {
            0 => None,
            length => Some(Sid(file.tail.get(8..8 + length)?)),
        };
        Some(Self {
            desired_access: AccessMask(u32_at(file.tail, 0)?),
            disposition: disposition_and_options >> 24,
            options: disposition_and_options & 0x00FF_FFFF,
            attributes: (attributes_and_share & 0xFFFF) as u16,
            share: (attributes_and_share >> 16) as u16,
            ea_length: file.argument_u32(4),
            allocation_size: file.argument6().cast_signed(),
            shown_allocation_size: match file.pointer() {
                PointerSize::Four => file.u32(0x28).into(),
                PointerSize::Eight => file.argument6().cast_signed(),
            },
            impersonating,
            information: match extra {
                Some(block) => Some(u32_at(block, 0)?),
                None => None,
            },
        })
    }

    /// Whether the initial allocation counts: only for dispositions that may create or overwrite.
    pub const fn allocates(self) -> bool {
        matches!(self.disposition, 0 | 2 | 3 | 5)
    }
}

/// ReadFile and WriteFile, also in their MDL forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadWrite {
    /// Byte offset in the file.
    pub offset: i64,
    /// Bytes asked for.
    pub asked: u32,
    /// Bytes moved, where recorded.
    pub moved: Option<u32>,
    /// `IrpFlags | OperationFlags << 20`.
    pub io_flags: u32,
}

impl ReadWrite {
    /// Reads A1, A3 and X.
    pub fn parse(file: FileDetail<'_>, extra: Option<&[u8]>) -> Option<Self> {
        Some(Self {
            offset: file.argument_i64(3),
            asked: file.argument_u32(1),
            moved: match extra {
                Some(block) => Some(u32_at(block, 0)?),
                None => None,
            },
            io_flags: file.io_flags(),
        })
    }

    /// Priority: 1 very low to 5 critical; 0 is not shown.
    pub const fn priority(self) -> u32 {
        self.io_flags >> 17 & 7
    }
}

/// CreateFileMapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateMapping {
    /// 0 other, 1 create section.
    pub sync_type: u32,
    /// The page protection asked for.
    pub protection: u32,
    /// What Procmon shows as protection: on 64-bit captures the low half of a pointer.
    pub shown_protection: u32,
    /// `SEC_*`; filled in only by recent Windows 11 (0 elsewhere and on 32-bit captures).
    pub allocation_attributes: u32,
}

impl CreateMapping {
    /// Reads the arguments.
    pub fn parse(file: FileDetail<'_>) -> Self {
        let protection = file.u32(0x14);
        let (shown_protection, allocation_attributes) = match file.pointer() {
            PointerSize::Four => (protection, 0),
            PointerSize::Eight => (file.u32(0x18), file.u32(0x24)),
        };
        Self { sync_type: file.u32(0x10), protection, shown_protection, allocation_attributes }
    }
}

/// LockFile and the unlocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// An exclusive lock.
    pub exclusive: bool,
    /// Fails at once when it cannot be had.
    pub fail_immediately: bool,
    /// Byte offset.
    pub offset: i64,
    /// Bytes locked.
    pub length: u64,
    /// Caller's key.
    pub key: u32,
}

impl Lock {
    /// Reads the arguments and T.
    pub fn parse(file: FileDetail<'_>) -> Option<Self> {
        let flags = file.pointer().pick(0x24, 0x30);
        Some(Self {
            exclusive: file.byte(flags + 1) != 0,
            fail_immediately: file.byte(flags) != 0,
            offset: file.argument_i64(3),
            length: u64_at(file.tail, 0)?,
            key: file.argument_u32(2),
        })
    }
}

/// FileSystemControl, DeviceIoControl and InternalDeviceIoControl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Which request.
    pub code: ControlCode,
    /// Bytes of the output buffer.
    pub output: u32,
    /// Bytes of the input buffer.
    pub input: u32,
    /// Offset and length of an offloaded read or write.
    pub offload: Option<(i64, u64)>,
}

impl Control {
    /// Reads the arguments and, for offloaded copies, T.
    pub fn parse(file: FileDetail<'_>) -> Option<Self> {
        let code = ControlCode(file.argument_u32(3));
        let offload = match code {
            ControlCode::OFFLOAD_READ | ControlCode::OFFLOAD_WRITE => {
                Some((i64_at(file.tail, 0x10)?, u64_at(file.tail, 0x18)?))
            }
            _ => None,
        };
        Some(Self { code, output: file.argument_u32(1), input: file.argument_u32(2), offload })
    }
}

/// FASTIO_CHECK_IF_POSSIBLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckIfPossible {
    /// Asked for a read (else a write).
    pub read: bool,
    /// Byte offset.
    pub offset: i64,
    /// Bytes.
    pub length: u32,
}

impl CheckIfPossible {
    /// Reads the arguments.
    pub fn parse(file: FileDetail<'_>) -> Self {
        let read = file.byte(file.pointer().pick(0x20, 0x28)) != 0;
        Self { read, offset: file.argument_i64(1), length: file.u32(0x18) }
    }
}

/// FASTIO_ACQUIRE_FOR_MOD_WRITE: the offset up to which the lazy writer wants to write.
pub fn ending_offset(file: FileDetail<'_>) -> Option<i64> {
    i64_at(file.tail, 0)
}
