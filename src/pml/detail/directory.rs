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
    /// `FILE_ATTRIBUTE_*`; not in the class of names alone, nor of an entry whose name is cut.
    pub attributes: Option<u32>,
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
        let name = rest.get(..length);
        let attributes = name.filter(|_| self.class != 12).and_then(|_| u32_at(data, 0x38));
        Some(Entry { name: Wide(name.unwrap_or(rest)), file_id, attributes })
    }
}

/// The WDK's name of a `FILE_INFORMATION_CLASS`.
pub fn class_name(class: u32) -> Option<&'static str> {
    const NAMES: [&str; 81] = [
        "FileDirectoryInformation",
        "FileFullDirectoryInformation",
        "FileBothDirectoryInformation",
        "FileBasicInformation",
        "FileStandardInformation",
        "FileInternalInformation",
        "FileEaInformation",
        "FileAccessInformation",
        "FileNameInformation",
        "FileRenameInformation",
        "FileLinkInformation",
        "FileNamesInformation",
        "FileDispositionInformation",
        "FilePositionInformation",
        "FileFullEaInformation",
        "FileModeInformation",
        "FileAlignmentInformation",
        "FileAllInformation",
        "FileAllocationInformation",
        "FileEndOfFileInformation",
        "FileAlternateNameInformation",
        "FileStreamInformation",
        "FilePipeInformation",
        "FilePipeLocalInformation",
        "FilePipeRemoteInformation",
        "FileMailslotQueryInformation",
        "FileMailslotSetInformation",
        "FileCompressionInformation",
        "FileObjectIdInformation",
        "FileCompletionInformation",
        "FileMoveClusterInformation",
        "FileQuotaInformation",
        "FileReparsePointInformation",
        "FileNetworkOpenInformation",
        "FileAttributeTagInformation",
        "FileTrackingInformation",
        "FileIdBothDirectoryInformation",
        "FileIdFullDirectoryInformation",
        "FileValidDataLengthInformation",
        "FileShortNameInformation",
        "FileIoCompletionNotificationInformation",
        "FileIoStatusBlockRangeInformation",
        "FileIoPriorityHintInformation",
        "FileSfioReserveInformation",
        "FileSfioVolumeInformation",
        "FileHardLinkInformation",
        "FileProcessIdsUsingFileInformation",
        "FileNormalizedNameInformation",
        "FileNetworkPhysicalNameInformation",
        "FileIdGlobalTxDirectoryInformation",
        "FileIsRemoteDeviceInformation",
        "FileUnusedInformation",
        "FileNumaNodeInformation",
        "FileStandardLinkInformation",
        "FileRemoteProtocolInformation",
        "FileRenameInformationBypassAccessCheck",
        "FileLinkInformationBypassAccessCheck",
        "FileVolumeNameInformation",
        "FileIdInformation",
        "FileIdExtdDirectoryInformation",
        "FileReplaceCompletionInformation",
        "FileHardLinkFullIdInformation",
        "FileIdExtdBothDirectoryInformation",
        "FileDispositionInformationEx",
        "FileRenameInformationEx",
        "FileRenameInformationExBypassAccessCheck",
        "FileDesiredStorageClassInformation",
        "FileStatInformation",
        "FileMemoryPartitionInformation",
        "FileStatLxInformation",
        "FileCaseSensitiveInformation",
        "FileLinkInformationEx",
        "FileLinkInformationExBypassAccessCheck",
        "FileStorageReserveIdInformation",
        "FileCaseSensitiveInformationForceAccessCheck",
        "FileKnownFolderInformation",
        "FileStatBasicInformation",
        "FileId64ExtdDirectoryInformation",
        "FileId64ExtdBothDirectoryInformation",
        "FileIdAllExtdDirectoryInformation",
        "FileIdAllExtdBothDirectoryInformation",
    ];
    NAMES.get((class as usize).checked_sub(1)?).copied()
}
