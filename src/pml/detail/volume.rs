//! Structures of QueryVolumeInformation (`FILE_FS_*_INFORMATION`).

use crate::nt::FileTime;
use crate::pml::bytes::{Wide, u8_at, u32_at, u64_at};
use crate::pml::event::Beyond;

/// `FILE_FS_VOLUME_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume<'a> {
    /// When the volume was formatted.
    pub created: FileTime,
    /// Serial number.
    pub serial: u32,
    /// Object ids are supported.
    pub supports_objects: bool,
    /// The label as far as the block holds it.
    pub label: Wide<'a>,
    /// The label as Procmon reads it: by its length alone, into what follows the block.
    pub shown_label: Wide<'a>,
}

impl<'a> Volume<'a> {
    /// Reads X.
    pub fn parse(extra: Beyond<'a>) -> Option<Self> {
        let block = extra.block();
        let length = u32_at(block, 12)? as usize;
        let end = 18usize.checked_add(length)?;
        let label = block.get(18..end).or_else(|| block.get(18..)).unwrap_or_default();
        Some(Self {
            created: FileTime(u64_at(block, 0)?),
            serial: u32_at(block, 8)?,
            supports_objects: u8_at(block, 16)? != 0,
            label: Wide(label),
            shown_label: Wide(extra.bytes.get(18..end).unwrap_or(label)),
        })
    }
}

/// `FILE_FS_SIZE_INFORMATION` and `FILE_FS_FULL_SIZE_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// All units.
    pub total: u64,
    /// Units the caller may use.
    pub caller_available: u64,
    /// Units free; only in the full form.
    pub available: Option<u64>,
    /// Sectors a unit.
    pub sectors_per_unit: u32,
    /// Bytes a sector.
    pub bytes_per_sector: u32,
}

impl Size {
    /// Reads X.
    pub fn parse(data: &[u8], full: bool) -> Option<Self> {
        let rest = if full { 24 } else { 16 };
        Some(Self {
            total: u64_at(data, 0)?,
            caller_available: u64_at(data, 8)?,
            available: if full { Some(u64_at(data, 16)?) } else { None },
            sectors_per_unit: u32_at(data, rest)?,
            bytes_per_sector: u32_at(data, rest + 4)?,
        })
    }
}

/// `FILE_FS_DEVICE_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// `FILE_DEVICE_*`.
    pub kind: u32,
    /// Characteristics.
    pub characteristics: u32,
}

impl Device {
    /// Reads X.
    pub fn parse(data: &[u8]) -> Option<Self> {
        Some(Self { kind: u32_at(data, 0)?, characteristics: u32_at(data, 4)? })
    }
}

/// `FILE_FS_ATTRIBUTE_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// `FILE_*` volume flags.
    pub attributes: u32,
    /// Longest file name, characters.
    pub maximum_name: u32,
    /// File system, `NTFS`, as far as the block holds it.
    pub name: Wide<'a>,
}

impl<'a> Attribute<'a> {
    /// Reads X.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let length = u32_at(data, 8)? as usize;
        let rest = data.get(12..)?;
        Some(Self {
            attributes: u32_at(data, 0)?,
            maximum_name: u32_at(data, 4)?,
            name: Wide(rest.get(..length).unwrap_or(rest)),
        })
    }
}
