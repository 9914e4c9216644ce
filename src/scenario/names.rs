//! Names of numbers that scenarios use beyond those of Windows' own tables in `nt`.

use crate::nt::{AccessMask, CreateDisposition, CreateOptions, DispositionFlags, FileAttributes, RenameFlags};

use super::args::Names;

/// Access rights, with the names that directories give to the same bits.
pub(super) fn access() -> Vec<(u64, &'static str)> {
    let more = [
        (0x1, "LIST_DIRECTORY"),
        (0x2, "ADD_FILE"),
        (0x4, "ADD_SUBDIRECTORY"),
        (0x20, "TRAVERSE"),
        (0x1F_01FF, "ALL_ACCESS"),
    ];
    AccessMask::NAMED.iter().map(|(bit, name)| (u64::from(bit.0), *name)).chain(more).collect()
}

/// Create options.
pub(super) fn options() -> Vec<(u64, &'static str)> {
    CreateOptions::NAMED.iter().map(|(bit, name)| (u64::from(bit.0), *name)).collect()
}

/// Create dispositions.
pub(super) fn dispositions() -> Vec<(u64, &'static str)> {
    CreateDisposition::NAMED.iter().map(|(code, name)| (u64::from(code.0), *name)).collect()
}

/// File attributes.
pub(super) fn attributes() -> Vec<(u64, &'static str)> {
    let more = [
        (0x800, "COMPRESSED"),
        (0x1000, "OFFLINE"),
        (0x2000, "NOT_CONTENT_INDEXED"),
        (0x200, "SPARSE_FILE"),
        (0x4000, "ENCRYPTED"),
    ];
    FileAttributes::NAMED.iter().map(|(bit, name)| (u64::from(bit.0), *name)).chain(more).collect()
}

/// Names without their common prefix.
fn shortened<'a>(named: impl Iterator<Item = (u32, &'a str)>, prefix: &str) -> Vec<(u64, &'a str)> {
    named.map(|(bit, name)| (u64::from(bit), name.strip_prefix(prefix).unwrap_or(name))).collect()
}

/// Flags of the Ex disposition.
pub(super) fn disposition_flags() -> Vec<(u64, &'static str)> {
    shortened(DispositionFlags::NAMED.iter().map(|(bit, name)| (bit.0, *name)), "FILE_DISPOSITION_")
}

/// Flags of the Ex rename and link.
pub(super) fn rename_flags() -> Vec<(u64, &'static str)> {
    shortened(RenameFlags::NAMED.iter().map(|(bit, name)| (bit.0, *name)), "FILE_RENAME_")
}

/// What an open did.
pub(super) const OPEN_RESULTS: &Names =
    &[(0, "Superseded"), (1, "Opened"), (2, "Created"), (3, "Overwritten"), (4, "Exists"), (5, "DoesNotExist")];

/// Page protections.
pub(super) const PROTECTIONS: &Names = &[
    (0x01, "PAGE_NOACCESS"),
    (0x02, "PAGE_READONLY"),
    (0x04, "PAGE_READWRITE"),
    (0x08, "PAGE_WRITECOPY"),
    (0x10, "PAGE_EXECUTE"),
    (0x20, "PAGE_EXECUTE_READ"),
    (0x40, "PAGE_EXECUTE_READWRITE"),
    (0x80, "PAGE_EXECUTE_WRITECOPY"),
    (0x200, "PAGE_NOCACHE"),
];

/// Section attributes.
pub(super) const SECTIONS: &Names = &[
    (0x0080_0000, "SEC_FILE"),
    (0x0100_0000, "SEC_IMAGE"),
    (0x0400_0000, "SEC_RESERVE"),
    (0x0800_0000, "SEC_COMMIT"),
    (0x1000_0000, "SEC_NOCACHE"),
    (0x1100_0000, "SEC_IMAGE_NO_EXECUTE"),
];

/// Flags of reads and writes that Procmon shows.
pub(super) const IO_FLAGS: &Names = &[
    (0x01, "NON_CACHED"),
    (0x02, "PAGING_IO"),
    (0x04, "SYNCHRONOUS"),
    (0x10, "BUFFERED"),
    (0x40, "SYNCHRONOUS_PAGING_IO"),
    (0x40_0000, "WRITE_THROUGH"),
];

/// I/O priorities.
pub(super) const PRIORITIES: &Names =
    &[(0, "None"), (1, "VeryLow"), (2, "Low"), (3, "Normal"), (4, "High"), (5, "Critical")];

/// Change-notification filters.
pub(super) const NOTIFY: &Names = &[
    (0x1, "NOTIFY_CHANGE_FILE_NAME"),
    (0x2, "NOTIFY_CHANGE_DIR_NAME"),
    (0x4, "NOTIFY_CHANGE_ATTRIBUTES"),
    (0x8, "NOTIFY_CHANGE_SIZE"),
    (0x10, "NOTIFY_CHANGE_LAST_WRITE"),
    (0x20, "NOTIFY_CHANGE_LAST_ACCESS"),
    (0x40, "NOTIFY_CHANGE_CREATION"),
    (0x80, "NOTIFY_CHANGE_EA"),
    (0x100, "NOTIFY_CHANGE_SECURITY"),
    (0x200, "NOTIFY_CHANGE_STREAM_NAME"),
];

/// Control codes; any other goes by number.
pub(super) const CONTROLS: &Names = &[
    (0x9_0000, "FSCTL_REQUEST_OPLOCK_LEVEL_1"),
    (0x9_0004, "FSCTL_REQUEST_OPLOCK_LEVEL_2"),
    (0x9_0008, "FSCTL_REQUEST_BATCH_OPLOCK"),
    (0x9_000C, "FSCTL_OPLOCK_BREAK_ACKNOWLEDGE"),
    (0x9_0010, "FSCTL_OPBATCH_ACK_CLOSE_PENDING"),
    (0x9_0014, "FSCTL_OPLOCK_BREAK_NOTIFY"),
    (0x9_0050, "FSCTL_OPLOCK_BREAK_ACK_NO_2"),
    (0x9_005C, "FSCTL_REQUEST_FILTER_OPLOCK"),
    (0x9_0240, "FSCTL_REQUEST_OPLOCK"),
    (0x9_0028, "FSCTL_IS_VOLUME_MOUNTED"),
    (0x9_0064, "FSCTL_GET_NTFS_VOLUME_DATA"),
    (0x9_009C, "FSCTL_GET_OBJECT_ID"),
    (0x9_00A8, "FSCTL_GET_REPARSE_POINT"),
    (0x9_00BB, "FSCTL_READ_USN_JOURNAL"),
    (0x9_00C0, "FSCTL_CREATE_OR_GET_OBJECT_ID"),
    (0x9_00EB, "FSCTL_READ_FILE_USN_DATA"),
    (0x9_00F4, "FSCTL_QUERY_USN_JOURNAL"),
    (0x9_0310, "FSCTL_GET_EXTERNAL_BACKING"),
    (0x9_C040, "FSCTL_SET_COMPRESSION"),
    (0x2D_1400, "IOCTL_STORAGE_QUERY_PROPERTY"),
    (0x2D_4800, "IOCTL_STORAGE_CHECK_VERIFY"),
    (0x4D_0008, "IOCTL_MOUNTDEV_QUERY_DEVICE_NAME"),
];

/// Security information.
pub(super) const SECURITY: &Names =
    &[(1, "OWNER"), (2, "GROUP"), (4, "DACL"), (8, "SACL"), (0x10, "LABEL"), (0x20, "ATTRIBUTE")];

/// Registry value types.
pub(super) const REGISTRY_TYPES: &Names = &[
    (0, "REG_NONE"),
    (1, "REG_SZ"),
    (2, "REG_EXPAND_SZ"),
    (3, "REG_BINARY"),
    (4, "REG_DWORD"),
    (7, "REG_MULTI_SZ"),
    (11, "REG_QWORD"),
];

/// Rights on registry keys.
pub(super) const KEY_ACCESS: &Names = &[
    (0x1, "KEY_QUERY_VALUE"),
    (0x2, "KEY_SET_VALUE"),
    (0x4, "KEY_CREATE_SUB_KEY"),
    (0x8, "KEY_ENUMERATE_SUB_KEYS"),
    (0x10, "KEY_NOTIFY"),
    (0x100, "KEY_WOW64_64KEY"),
    (0x200, "KEY_WOW64_32KEY"),
    (0x2_0019, "KEY_READ"),
    (0x2_0006, "KEY_WRITE"),
    (0xF_003F, "KEY_ALL_ACCESS"),
    (0x200_0000, "MAXIMUM_ALLOWED"),
];

/// Network operations.
pub(super) const NETWORK: &Names = &[
    (2, "Send"),
    (3, "Receive"),
    (4, "Accept"),
    (5, "Connect"),
    (6, "Disconnect"),
    (7, "Reconnect"),
    (8, "Retransmit"),
    (9, "TCPCopy"),
];

/// SIDs of the accounts that most processes run under.
pub(super) fn well_known_sid(account: &str) -> &'static str {
    let known = [
        (r"NT AUTHORITY\SYSTEM", "S-1-5-18"),
        (r"NT AUTHORITY\LOCAL SERVICE", "S-1-5-19"),
        (r"NT AUTHORITY\NETWORK SERVICE", "S-1-5-20"),
        ("System", "S-1-16-16384"),
        ("High", "S-1-16-12288"),
        ("Medium", "S-1-16-8192"),
        ("Low", "S-1-16-4096"),
    ];
    known
        .iter()
        .find(|(name, _)| *name == account)
        .map_or("S-1-5-21-1004336348-1177238915-682003330-1001", |(_, sid)| sid)
}
