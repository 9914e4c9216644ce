//! Registry events.

use crate::pml::bytes::{DetailText, Wide, u16_at, u32_at};
use crate::pml::event::Beyond;
use crate::pml::ops::code;

/// The common part of a registry event's detail.
#[derive(Clone, Copy, Debug)]
pub struct RegistryDetail<'a> {
    /// The bytes in front of the path.
    pub fixed: &'a [u8],
    /// Key or value path, already translated (`HKLM\…`).
    pub path: DetailText<'a>,
    /// What follows the path: copied data or a second string.
    pub after: Beyond<'a>,
}

/// Bytes in front of the path.
const fn fixed_size(operation: u16) -> usize {
    match operation {
        code::REG_OPEN_KEY | code::REG_CREATE_KEY | code::REG_RESTORE_KEY => 8,
        code::REG_QUERY_KEY | code::REG_QUERY_VALUE => 12,
        code::REG_ENUM_KEY | code::REG_ENUM_VALUE | code::REG_SET_VALUE | code::REG_SET_INFO_KEY => 16,
        code::REG_LOAD_KEY | code::REG_RENAME_KEY => 4,
        _ => 2,
    }
}

impl<'a> RegistryDetail<'a> {
    /// Reads the detail of `operation`.
    pub fn parse(operation: u16, detail: Beyond<'a>) -> Option<Self> {
        let size = fixed_size(operation);
        let (fixed, rest) = detail.block().split_at_checked(size)?;
        let (path, _) = DetailText::split(u16_at(fixed, 0)?, rest)?;
        let after = detail.from(size + path.byte_len())?;
        Some(Self { fixed, path, after })
    }

    /// The u32 at `at` of the fixed part.
    pub fn field(self, at: usize) -> u32 {
        u32_at(self.fixed, at).unwrap_or_default()
    }

    /// The count of bytes copied behind the path (a u16; the two bytes after it are not initialised).
    pub fn copied(self) -> u16 {
        u16_at(self.fixed, 12).unwrap_or_default()
    }

    /// The second string of RegLoadKey, RegRenameKey and RegRestoreKey.
    pub fn second(self) -> Option<DetailText<'a>> {
        DetailText::split(u16_at(self.fixed, 2)?, self.after.block()).map(|(text, _)| text)
    }
}

/// What an open or create of a key returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Access granted.
    pub granted: u32,
    /// 1 created, 2 opened, 0 for plain opens.
    pub disposition: u32,
}

impl Opened {
    /// Reads X.
    pub fn parse(extra: &[u8]) -> Option<Self> {
        Some(Self { granted: u32_at(extra, 0)?, disposition: u32_at(extra, 4)? })
    }
}

/// What a query or enumeration of a key returned, as far as Procmon shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyInformation<'a> {
    /// Name of the key.
    Name(Wide<'a>),
    /// Sub-keys and values.
    Counts(u32, u32),
    /// User flags.
    UserFlags(u32),
    /// Handle tags.
    HandleTags(u32),
    /// A class that is not decoded.
    Other,
}

impl<'a> KeyInformation<'a> {
    /// Reads X of `class`.
    pub fn parse(class: u32, extra: &'a [u8]) -> Option<Self> {
        let name = |length_at: usize, at: usize| {
            let length = u32_at(extra, length_at)? as usize;
            let rest = extra.get(at..)?;
            Some(Self::Name(Wide(rest.get(..length).unwrap_or(rest))))
        };
        match class {
            0 => name(12, 16),
            1 => name(20, 24),
            2 => Some(Self::Counts(u32_at(extra, 20)?, u32_at(extra, 32)?)),
            3 => name(0, 4),
            4 => Some(Self::Counts(u32_at(extra, 12)?, u32_at(extra, 20)?)),
            5 => Some(Self::UserFlags(u32_at(extra, 0)?)),
            7 => Some(Self::HandleTags(u32_at(extra, 0)?)),
            _ => Some(Self::Other),
        }
    }
}

/// What a query or enumeration of a value returned.
#[derive(Clone, Copy, Debug)]
pub struct ValueInformation<'a> {
    /// `REG_*`.
    pub kind: u32,
    /// Name of the value; in the full class.
    pub name: Option<Wide<'a>>,
    /// The data; not in the basic class.
    pub data: Option<ValueData<'a>>,
}

impl<'a> ValueInformation<'a> {
    /// Reads X of `class`: 0 basic, 1 full, 2 partial.
    pub fn parse(class: u32, extra: Beyond<'a>) -> Option<Self> {
        let block = extra.block();
        let kind = u32_at(block, 4)?;
        let (name, data) = match class {
            0 => {
                let length = u32_at(block, 8)? as usize;
                let rest = block.get(12..)?;
                (Some(Wide(rest.get(..length).unwrap_or(rest))), None)
            }
            1 => {
                let offset = u32_at(block, 8)? as usize;
                let length = u32_at(block, 16)? as usize;
                let rest = block.get(20..)?;
                let data = ValueData {
                    // The data may begin behind the captured block; Procmon follows the offset all the same.
                    bytes: extra.bytes.get(offset..)?,
                    length: u32_at(block, 12)?,
                    available: extra.len.saturating_sub(24),
                    captured: extra.len.saturating_sub(offset),
                };
                (Some(Wide(rest.get(..length).unwrap_or(rest))), Some(data))
            }
            2 => {
                let data = ValueData {
                    bytes: extra.bytes.get(12..)?,
                    length: u32_at(block, 8)?,
                    available: extra.len.saturating_sub(12),
                    captured: extra.len.saturating_sub(12),
                };
                (None, Some(data))
            }
            _ => (None, None),
        };
        Some(Self { kind, name, data })
    }
}

/// Data of a registry value.
#[derive(Clone, Copy)]
pub struct ValueData<'a> {
    /// From the first byte of the data to the end of the file.
    pub bytes: &'a [u8],
    /// Bytes the value has.
    pub length: u32,
    /// How many of them Procmon takes for captured when it prints binary data.
    pub available: usize,
    /// How many of them really lie in the block.
    pub captured: usize,
}

impl<'a> ValueData<'a> {
    /// Data that RegSetValue wrote.
    pub fn written(detail: RegistryDetail<'a>) -> Self {
        let copied = usize::from(detail.copied());
        Self {
            bytes: detail.after.bytes,
            length: detail.field(8),
            available: copied,
            captured: copied.min(detail.after.len),
        }
    }

    /// The data as far as it was captured.
    pub fn captured(self) -> &'a [u8] {
        self.bytes.get(..(self.length as usize).min(self.captured)).unwrap_or_default()
    }
}

impl std::fmt::Debug for ValueData<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

/// `REG_*` names by number.
pub const TYPES: [&str; 12] = [
    "REG_NONE",
    "REG_SZ",
    "REG_EXPAND_SZ",
    "REG_BINARY",
    "REG_DWORD",
    "REG_DWORD_BIG_ENDIAN",
    "REG_LINK",
    "REG_MULTI_SZ",
    "REG_RESOURCE_LIST",
    "REG_FULL_RESOURCE_DESCRIPTOR",
    "REG_RESOURCE_REQUIREMENTS_LIST",
    "REG_QWORD",
];
