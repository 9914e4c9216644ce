//! Bits by the names that the headers of Windows give them, for typed output.

/// Rights of a registry key.
pub(crate) const KEY_ACCESS: [(u32, &str); 19] = [
    (0x1, "KEY_QUERY_VALUE"),
    (0x2, "KEY_SET_VALUE"),
    (0x4, "KEY_CREATE_SUB_KEY"),
    (0x8, "KEY_ENUMERATE_SUB_KEYS"),
    (0x10, "KEY_NOTIFY"),
    (0x20, "KEY_CREATE_LINK"),
    (0x100, "KEY_WOW64_64KEY"),
    (0x200, "KEY_WOW64_32KEY"),
    (0x1_0000, "DELETE"),
    (0x2_0000, "READ_CONTROL"),
    (0x4_0000, "WRITE_DAC"),
    (0x8_0000, "WRITE_OWNER"),
    (0x10_0000, "SYNCHRONIZE"),
    (0x100_0000, "ACCESS_SYSTEM_SECURITY"),
    (0x200_0000, "MAXIMUM_ALLOWED"),
    (0x1000_0000, "GENERIC_ALL"),
    (0x2000_0000, "GENERIC_EXECUTE"),
    (0x4000_0000, "GENERIC_WRITE"),
    (0x8000_0000, "GENERIC_READ"),
];

/// Attributes.
pub(crate) const ATTRIBUTE: [(u32, &str); 19] = [
    (0x1, "READONLY"),
    (0x2, "HIDDEN"),
    (0x4, "SYSTEM"),
    (0x10, "DIRECTORY"),
    (0x20, "ARCHIVE"),
    (0x40, "DEVICE"),
    (0x80, "NORMAL"),
    (0x100, "TEMPORARY"),
    (0x200, "SPARSE_FILE"),
    (0x400, "REPARSE_POINT"),
    (0x800, "COMPRESSED"),
    (0x1000, "OFFLINE"),
    (0x2000, "NOT_CONTENT_INDEXED"),
    (0x4000, "ENCRYPTED"),
    (0x8000, "INTEGRITY_STREAM"),
    (0x1_0000, "VIRTUAL"),
    (0x8_0000, "PINNED"),
    (0x10_0000, "UNPINNED"),
    (0x40_0000, "RECALL_ON_DATA_ACCESS"),
];

/// I/O flags.
pub(crate) const IO_FLAGS: [(u32, &str); 6] = [
    (0x1, "NO_CACHE"),
    (0x2, "PAGING_IO"),
    (0x4, "SYNCHRONOUS_API"),
    (0x10, "BUFFERED_IO"),
    (0x40, "SYNCHRONOUS_PAGING_IO"),
    (0x40_0000, "WRITE_THROUGH"),
];

/// Protections.
pub(crate) const PROTECTION: [(u32, &str); 11] = [
    (0x1, "PAGE_NOACCESS"),
    (0x2, "PAGE_READONLY"),
    (0x4, "PAGE_READWRITE"),
    (0x8, "PAGE_WRITECOPY"),
    (0x10, "PAGE_EXECUTE"),
    (0x20, "PAGE_EXECUTE_READ"),
    (0x40, "PAGE_EXECUTE_READWRITE"),
    (0x80, "PAGE_EXECUTE_WRITECOPY"),
    (0x100, "PAGE_GUARD"),
    (0x200, "PAGE_NOCACHE"),
    (0x400, "PAGE_WRITECOMBINE"),
];

/// Section attributes.
pub(crate) const SECTION: [(u32, &str); 7] = [
    (0x80_0000, "SEC_FILE"),
    (0x100_0000, "SEC_IMAGE"),
    (0x200_0000, "SEC_PROTECTED_IMAGE"),
    (0x400_0000, "SEC_RESERVE"),
    (0x800_0000, "SEC_COMMIT"),
    (0x1000_0000, "SEC_NOCACHE"),
    (0x8000_0000, "SEC_LARGE_PAGES"),
];
