//! Structures of QueryInformationFile and SetInformationFile (`FILE_*_INFORMATION`).

use crate::nt::{AccessMask, FileTime};
use crate::pml::bytes::{Wide, i64_at, u8_at, u32_at, u64_at};

/// Information classes the decoders know, as the sub-code of the operation.
pub mod class {
    /// `FileBasicInformation`
    pub const BASIC: u8 = 0x04;
    /// `FileStandardInformation`
    pub const STANDARD: u8 = 0x05;
    /// `FileInternalInformation`
    pub const INTERNAL: u8 = 0x06;
    /// `FileEaInformation`
    pub const EA: u8 = 0x07;
    /// `FileNameInformation`
    pub const NAME: u8 = 0x09;
    /// `FileRenameInformation`
    pub const RENAME: u8 = 0x0A;
    /// `FileLinkInformation`
    pub const LINK: u8 = 0x0B;
    /// `FileDispositionInformation`
    pub const DISPOSITION: u8 = 0x0D;
    /// `FilePositionInformation`
    pub const POSITION: u8 = 0x0E;
    /// `FileAllInformation`
    pub const ALL: u8 = 0x12;
    /// `FileAllocationInformation`
    pub const ALLOCATION: u8 = 0x13;
    /// `FileEndOfFileInformation`
    pub const END_OF_FILE: u8 = 0x14;
    /// `FileStreamInformation`
    pub const STREAM: u8 = 0x16;
    /// `FileNetworkOpenInformation`
    pub const NETWORK_OPEN: u8 = 0x22;
    /// `FileAttributeTagInformation`
    pub const ATTRIBUTE_TAG: u8 = 0x23;
    /// `FileValidDataLengthInformation`
    pub const VALID_DATA_LENGTH: u8 = 0x27;
    /// `FileNormalizedNameInformation`
    pub const NORMALIZED_NAME: u8 = 0x30;
    /// `FileIdInformation`
    pub const ID: u8 = 0x3B;
    /// `FileDispositionInformationEx`
    pub const DISPOSITION_EX: u8 = 0x40;
    /// `FileRenameInformationEx`
    pub const RENAME_EX: u8 = 0x41;
    /// `FileRenameInformationExBypassAccessCheck`
    pub const RENAME_EX_BYPASS: u8 = 0x42;
    /// `FileStatInformation`
    pub const STAT: u8 = 0x44;
    /// `FileLinkInformationEx`
    pub const LINK_EX: u8 = 0x48;
    /// `FileStorageReserveIdInformation`
    pub const STORAGE_RESERVE_ID: u8 = 0x4A;
}

/// `FILE_BASIC_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basic {
    /// Creation, last access, last write, change.
    pub times: [FileTime; 4],
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: u32,
}

/// Four consecutive FILETIMEs.
fn times(data: &[u8]) -> Option<[FileTime; 4]> {
    Some([
        FileTime(u64_at(data, 0)?),
        FileTime(u64_at(data, 8)?),
        FileTime(u64_at(data, 16)?),
        FileTime(u64_at(data, 24)?),
    ])
}

impl Basic {
    /// Reads it.
    pub fn parse(data: &[u8]) -> Option<Self> {
        Some(Self { times: times(data)?, attributes: u32_at(data, 32)? })
    }
}

/// `FILE_STANDARD_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
    /// Bytes allocated.
    pub allocation_size: u64,
    /// Size, bytes.
    pub end_of_file: u64,
    /// Hard links.
    pub links: u32,
    /// The file is delete-pending.
    pub delete_pending: bool,
    /// A directory.
    pub directory: bool,
}

impl Standard {
    /// Reads it.
    pub fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            allocation_size: u64_at(data, 0)?,
            end_of_file: u64_at(data, 8)?,
            links: u32_at(data, 16)?,
            delete_pending: u8_at(data, 20)? != 0,
            directory: u8_at(data, 21)? != 0,
        })
    }
}

/// `FILE_ALL_INFORMATION` without its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct All {
    /// Basic part.
    pub basic: Basic,
    /// Standard part.
    pub standard: Standard,
    /// NTFS file reference.
    pub index_number: u64,
    /// Bytes of extended attributes.
    pub ea_size: u32,
    /// Access the handle was granted.
    pub access: AccessMask,
    /// Current position.
    pub position: i64,
    /// Create options in effect.
    pub mode: u32,
    /// `FILE_*_ALIGNMENT`.
    pub alignment: u32,
}

impl All {
    /// Reads it.
    pub fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            basic: Basic::parse(data)?,
            standard: Standard::parse(data.get(0x28..)?)?,
            index_number: u64_at(data, 0x40)?,
            ea_size: u32_at(data, 0x48)?,
            access: AccessMask(u32_at(data, 0x4C)?),
            position: i64_at(data, 0x50)?,
            mode: u32_at(data, 0x58)?,
            alignment: u32_at(data, 0x5C)?,
        })
    }
}

/// `FILE_NETWORK_OPEN_INFORMATION`, also what QueryOpen returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkOpen {
    /// Creation, last access, last write, change.
    pub times: [FileTime; 4],
    /// Bytes allocated.
    pub allocation_size: u64,
    /// Size, bytes.
    pub end_of_file: u64,
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: u32,
}

impl NetworkOpen {
    /// Reads it.
    pub fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            times: times(data)?,
            allocation_size: u64_at(data, 32)?,
            end_of_file: u64_at(data, 40)?,
            attributes: u32_at(data, 48)?,
        })
    }
}

/// `FILE_STAT_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// NTFS file reference.
    pub file_id: u64,
    /// Creation, last access, last write, change.
    pub times: [FileTime; 4],
    /// Bytes allocated.
    pub allocation_size: u64,
    /// Size, bytes.
    pub end_of_file: u64,
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: u32,
    /// Reparse tag.
    pub reparse_tag: u32,
    /// Hard links.
    pub links: u32,
    /// Access the caller would have.
    pub effective_access: AccessMask,
}

impl Stat {
    /// Reads it.
    pub fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            file_id: u64_at(data, 0)?,
            times: times(data.get(8..)?)?,
            allocation_size: u64_at(data, 40)?,
            end_of_file: u64_at(data, 48)?,
            attributes: u32_at(data, 56)?,
            reparse_tag: u32_at(data, 60)?,
            links: u32_at(data, 64)?,
            effective_access: AccessMask(u32_at(data, 68)?),
        })
    }
}

/// `FILE_ID_INFORMATION`: volume serial number and 128-bit file id.
pub fn file_id(data: &[u8]) -> Option<(u64, [u8; 16])> {
    Some((u64_at(data, 0)?, data.get(8..24)?.try_into().ok()?))
}

/// `FILE_NAME_INFORMATION`: the counted name, not past the block.
pub fn name(data: &[u8]) -> Option<Wide<'_>> {
    let bytes = u32_at(data, 0)? as usize;
    let rest = data.get(4..)?;
    Some(Wide(rest.get(..bytes).unwrap_or(rest)))
}

/// The entries of `FILE_STREAM_INFORMATION`.
#[derive(Clone, Debug)]
pub struct Streams<'a> {
    data: Option<&'a [u8]>,
}

impl<'a> Streams<'a> {
    /// Walks the chain in `data`.
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data: Some(data) }
    }
}

impl<'a> Iterator for Streams<'a> {
    /// Name, size and allocated bytes.
    type Item = (Wide<'a>, u64, u64);

    fn next(&mut self) -> Option<Self::Item> {
        let data = self.data.take()?;
        let bytes = u32_at(data, 4)? as usize;
        let entry = (Wide(data.get(0x18..0x18usize.checked_add(bytes)?)?), u64_at(data, 8)?, u64_at(data, 16)?);
        self.data = match u32_at(data, 0)? as usize {
            0 => None,
            next => data.get(next..),
        };
        Some(entry)
    }
}
