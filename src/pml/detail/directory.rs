//! QueryDirectory and NotifyChangeDirectory.

use crate::pml::bytes::{DetailText, Wide, u16_at, u32_at, u64_at};
use crate::pml::event::FileDetail;

/// QueryDirectory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryDirectory<'a> {
    /// `FILE_INFORMATION_CLASS`.
    pub class: u32,
    /// Bytes of the caller's buffer.
    pub length: u32,
    /// Search pattern; empty for none.
    pub pattern: DetailText<'a>,
}

impl<'a> QueryDirectory<'a> {
    /// Reads the arguments and T.
    pub fn parse(file: FileDetail<'a>) -> Option<Self> {
        let (pattern, _) = DetailText::split(u16_at(file.tail, 0)?, file.tail.get(2..)?)?;
        Some(Self { class: file.argument_u32(3), length: file.argument_u32(1), pattern })
    }

    /// The entries returned, from X.
    pub const fn entries(self, extra: &'a [u8]) -> Entries<'a> {
        Entries { class: self.class, data: Some(extra) }
    }
}

/// Where the name length and the name lie in an entry of `class`; `None` for classes that are not decoded.
const fn layout(class: u32) -> Option<(usize, usize)> {
    match class {
        1 => Some((0x3C, 0x40)),
        2 => Some((0x3C, 0x44)),
        3 => Some((0x3C, 0x5E)),
        12 => Some((0x08, 0x0C)),
        37 => Some((0x3C, 0x68)),
        38 => Some((0x3C, 0x50)),
        _ => None,
    }
}

/// An entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Name; cut where the captured block ends.
    pub name: Wide<'a>,
    /// NTFS file reference, in the classes that have it.
    pub file_id: Option<u64>,
}

/// The chain of entries a QueryDirectory returned.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    class: u32,
    data: Option<&'a [u8]>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let data = self.data.take()?;
        let (length_at, name_at) = layout(self.class)?;
        let length = u32_at(data, length_at)? as usize;
        let rest = data.get(name_at..)?;
        let file_id = match self.class {
            37 => u64_at(data, 0x60),
            38 => u64_at(data, 0x48),
            _ => None,
        };
        self.data = match u32_at(data, 0)? as usize {
            0 => None,
            next => data.get(next..),
        };
        Some(Entry { name: Wide(rest.get(..length).unwrap_or(rest)), file_id })
    }
}

/// The WDK's name of a `FILE_INFORMATION_CLASS` used for directories.
pub const fn class_name(class: u32) -> Option<&'static str> {
    Some(match class {
        1 => "FileDirectoryInformation",
        2 => "FileFullDirectoryInformation",
        3 => "FileBothDirectoryInformation",
        12 => "FileNamesInformation",
        29 => "FileObjectIdInformation",
        32 => "FileQuotaInformation",
        33 => "FileReparsePointInformation",
        37 => "FileIdBothDirectoryInformation",
        38 => "FileIdFullDirectoryInformation",
        50 => "FileIdGlobalTxDirectoryInformation",
        60 => "FileIdExtdDirectoryInformation",
        63 => "FileIdExtdBothDirectoryInformation",
        78 => "FileId64ExtdDirectoryInformation",
        79 => "FileId64ExtdBothDirectoryInformation",
        80 => "FileIdAllExtdDirectoryInformation",
        81 => "FileIdAllExtdBothDirectoryInformation",
        _ => return None,
    })
}
