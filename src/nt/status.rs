//! `NTSTATUS` codes and the wording Procmon shows for them in its Result column.

use std::fmt;

/// An `NTSTATUS` value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NtStatus(pub u32);

impl NtStatus {
    /// `STATUS_SUCCESS`
    pub const SUCCESS: Self = Self(0x00000000);
    /// `STATUS_PENDING`
    pub const PENDING: Self = Self(0x00000103);
    /// `STATUS_REPARSE`
    pub const REPARSE: Self = Self(0x00000104);
    /// `STATUS_OPLOCK_BREAK_IN_PROGRESS`
    pub const OPLOCK_BREAK_IN_PROGRESS: Self = Self(0x00000108);
    /// `STATUS_FILE_LOCKED_WITH_ONLY_READERS`
    pub const FILE_LOCKED_WITH_ONLY_READERS: Self = Self(0x0000012A);
    /// `STATUS_FILE_LOCKED_WITH_WRITERS`
    pub const FILE_LOCKED_WITH_WRITERS: Self = Self(0x0000012B);
    /// `STATUS_OPLOCK_HANDLE_CLOSED`
    pub const OPLOCK_HANDLE_CLOSED: Self = Self(0x00000216);
    /// `STATUS_BUFFER_OVERFLOW`
    pub const BUFFER_OVERFLOW: Self = Self(0x80000005);
    /// `STATUS_INVALID_PARAMETER`
    pub const INVALID_PARAMETER: Self = Self(0xC000000D);
    /// `STATUS_ACCESS_DENIED`
    pub const ACCESS_DENIED: Self = Self(0xC0000022);
    /// `STATUS_OBJECT_NAME_NOT_FOUND`
    pub const OBJECT_NAME_NOT_FOUND: Self = Self(0xC0000034);
    /// `STATUS_OBJECT_NAME_COLLISION`
    pub const OBJECT_NAME_COLLISION: Self = Self(0xC0000035);
    /// `STATUS_OBJECT_PATH_NOT_FOUND`
    pub const OBJECT_PATH_NOT_FOUND: Self = Self(0xC000003A);
    /// `STATUS_SHARING_VIOLATION`
    pub const SHARING_VIOLATION: Self = Self(0xC0000043);
    /// `STATUS_FILE_LOCK_CONFLICT`
    pub const FILE_LOCK_CONFLICT: Self = Self(0xC0000054);
    /// `STATUS_LOCK_NOT_GRANTED`
    pub const LOCK_NOT_GRANTED: Self = Self(0xC0000055);
    /// `STATUS_DELETE_PENDING`
    pub const DELETE_PENDING: Self = Self(0xC0000056);
    /// `STATUS_NOT_SUPPORTED`
    pub const NOT_SUPPORTED: Self = Self(0xC00000BB);
    /// `STATUS_OPLOCK_NOT_GRANTED`
    pub const OPLOCK_NOT_GRANTED: Self = Self(0xC00000E2);
    /// `STATUS_DIRECTORY_NOT_EMPTY`
    pub const DIRECTORY_NOT_EMPTY: Self = Self(0xC0000101);
    /// `STATUS_CANNOT_DELETE`
    pub const CANNOT_DELETE: Self = Self(0xC0000121);
    /// `STATUS_FILE_DELETED`
    pub const FILE_DELETED: Self = Self(0xC0000123);
    /// `STATUS_USER_MAPPED_FILE`
    pub const USER_MAPPED_FILE: Self = Self(0xC0000243);
    /// `STATUS_CANNOT_BREAK_OPLOCK`
    pub const CANNOT_BREAK_OPLOCK: Self = Self(0xC0000909);

    /// The text of Procmon's Result column, if its table has one. [`Self::PENDING`] is the empty text.
    pub fn procmon_text(self) -> Option<&'static str> {
        PROCMON.binary_search_by_key(&self.0, |(code, _)| *code).ok().map(|at| PROCMON[at].1)
    }

    /// The Result column: Procmon's text, or upper-case hex without padding for a code it has none for.
    pub fn result_text(self) -> std::borrow::Cow<'static, str> {
        match self.procmon_text() {
            Some(text) => text.into(),
            None => format!("0x{:X}", self.0).into(),
        }
    }

    /// The code for a Result text as Procmon prints it, ignoring case, or `0x…`, or a `STATUS_…` name known here.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return u32::from_str_radix(hex, 16).ok().map(Self);
        }
        let spaced = text.strip_prefix("STATUS_").unwrap_or(text).replace('_', " ");
        PROCMON
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text) || name.eq_ignore_ascii_case(&spaced))
            .map(|(code, _)| Self(*code))
            .or_else(|| NT_NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(&spaced)).map(|(status, _)| *status))
    }

    /// Whether the operation succeeded (`NT_SUCCESS`): success or informational. Pending counts as success here too.
    pub const fn is_success(self) -> bool {
        self.0 < 0x8000_0000
    }

    /// Whether an open that ended so gave its caller a handle: it succeeded, and was not sent to another path.
    pub const fn gives_handle(self) -> bool {
        const REPARSE_GLOBAL: NtStatus = NtStatus(0x368);
        self.is_success() && !matches!(self, Self::REPARSE | REPARSE_GLOBAL | Self::PENDING)
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.procmon_text() {
            Some(text) if !text.is_empty() => f.write_str(text),
            _ => write!(f, "{:#010X}", self.0),
        }
    }
}

/// The contract's form: `0xC0000056`.
impl fmt::Display for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)
    }
}

/// Names of Windows that Procmon shortens, as they are also typed by people.
const NT_NAMES: &[(NtStatus, &str)] = &[
    (NtStatus::LOCK_NOT_GRANTED, "LOCK NOT GRANTED"),
    (NtStatus::DIRECTORY_NOT_EMPTY, "DIRECTORY NOT EMPTY"),
    (NtStatus::OBJECT_NAME_NOT_FOUND, "OBJECT NAME NOT FOUND"),
    (NtStatus::OBJECT_NAME_COLLISION, "OBJECT NAME COLLISION"),
    (NtStatus::OBJECT_PATH_NOT_FOUND, "OBJECT PATH NOT FOUND"),
    (NtStatus::PENDING, "PENDING"),
];

/// Result texts by code, ascending. Source: the public readers of the format, checked against Procmon's own exports
/// where a code occurs in them.
const PROCMON: &[(u32, &str)] = &[
    (0x00000000, "SUCCESS"),
    (0x00000103, ""),
    (0x00000104, "REPARSE"),
    (0x00000105, "MORE ENTRIES"),
    (0x00000108, "OPLOCK BREAK IN PROGRESS"),
    (0x0000010B, "NOTIFY CLEANUP"),
    (0x0000010C, "NOTIFY ENUM DIR"),
    (0x0000012A, "FILE LOCKED WITH ONLY READERS"),
    (0x0000012B, "FILE LOCKED WITH WRITERS"),
    (0x00000215, "OPLOCK SWITCHED TO NEW HANDLE"),
    (0x00000216, "OPLOCK HANDLE CLOSED"),
    (0x00000367, "WAIT FOR OPLOCK"),
    (0x00000368, "REPARSE GLOBAL"),
    (0x40000016, "PREDEFINED HANDLE"),
    (0x80000002, "DATATYPE MISALIGNMENT"),
    (0x80000005, "BUFFER OVERFLOW"),
    (0x80000006, "NO MORE FILES"),
    (0x80000015, "INVALID EA FLAG"),
    (0x8000001A, "NO MORE ENTRIES"),
    (0x80090322, "E_WRONG_PRINCIPAL"),
    (0xC0000001, "UNSUCCESSFUL"),
    (0xC0000002, "NOT IMPLEMENTED"),
    (0xC0000003, "INVALID INFO CLASS"),
    (0xC0000004, "INFO LENGTH MISMATCH"),
    (0xC0000005, "ACCESS VIOLATION"),
    (0xC0000006, "IN PAGE ERROR"),
    (0xC0000008, "INVALID HANDLE"),
    (0xC000000D, "INVALID PARAMETER"),
    (0xC000000E, "NO SUCH DEVICE"),
    (0xC000000F, "NO SUCH FILE"),
    (0xC0000010, "INVALID DEVICE REQUEST"),
    (0xC0000011, "END OF FILE"),
    (0xC0000012, "WRONG VOLUME"),
    (0xC0000013, "NO MEDIA"),
    (0xC0000015, "NONEXISTENT SECTOR"),
    (0xC0000017, "NO MEMORY"),
    (0xC0000021, "ALREADY COMMITTED"),
    (0xC0000022, "ACCESS DENIED"),
    (0xC0000023, "BUFFER TOO SMALL"),
    (0xC0000024, "OBJECT TYPE MISMATCH"),
    (0xC0000032, "DISK CORRUPT"),
    (0xC0000033, "NAME INVALID"),
    (0xC0000034, "NAME NOT FOUND"),
    (0xC0000035, "NAME COLLISION"),
    (0xC0000039, "OBJECT PATH INVALID"),
    (0xC000003A, "PATH NOT FOUND"),
    (0xC000003B, "PATH SYNTAX BAD"),
    (0xC000003C, "DATA OVERRUN"),
    (0xC000003F, "CRC ERROR"),
    (0xC0000043, "SHARING VIOLATION"),
    (0xC0000044, "QUOTA EXCEEDED"),
    (0xC000004F, "EAS NOT SUPPORTED"),
    (0xC0000050, "EA TOO LARGE"),
    (0xC0000051, "NONEXISTENT EA ENTRY"),
    (0xC0000052, "NO EAS ON FILE"),
    (0xC0000053, "EA CORRUPT ERROR"),
    (0xC0000054, "FILE LOCK CONFLICT"),
    (0xC0000055, "NOT GRANTED"),
    (0xC0000056, "DELETE PENDING"),
    (0xC000005A, "INVALID OWNER"),
    (0xC0000061, "PRIVILEGE NOT HELD"),
    (0xC000006D, "LOGON FAILURE"),
    (0xC000007E, "RANGE NOT LOCKED"),
    (0xC000007F, "DISK FULL"),
    (0xC0000098, "FILE INVALID"),
    (0xC000009A, "INSUFFICIENT RESOURCES"),
    (0xC000009C, "DEVICE DATA ERROR"),
    (0xC000009D, "DEVICE NOT CONNECTED"),
    (0xC00000A2, "MEDIA WRITE PROTECTED"),
    (0xC00000A5, "BAD IMPERSONATION"),
    (0xC00000AB, "INSTANCE NOT AVAILABLE"),
    (0xC00000AC, "PIPE NOT AVAILABLE"),
    (0xC00000AD, "INVALID PIPE STATE"),
    (0xC00000AE, "PIPE BUSY"),
    (0xC00000B0, "PIPE DISCONNECTED"),
    (0xC00000B1, "PIPE CLOSING"),
    (0xC00000B2, "PIPE CONNECTED"),
    (0xC00000B3, "PIPE LISTENING"),
    (0xC00000B4, "INVALID READ MODE"),
    (0xC00000B5, "IO TIMEOUT"),
    (0xC00000BA, "IS DIRECTORY"),
    (0xC00000BB, "NOT SUPPORTED"),
    (0xC00000BD, "DUPLICATE NAME"),
    (0xC00000BE, "BAD NETWORK PATH"),
    (0xC00000C1, "TOO MANY COMMANDS"),
    (0xC00000C3, "INVALID NETWORK RESPONSE"),
    (0xC00000C4, "NETWORK ERROR"),
    (0xC00000CC, "BAD NETWORK NAME"),
    (0xC00000D4, "NOT SAME DEVICE"),
    (0xC00000D8, "CANT WAIT"),
    (0xC00000D9, "PIPE EMPTY"),
    (0xC00000DB, "CSC OBJECT PATH NOT FOUND"),
    (0xC00000E2, "OPLOCK NOT GRANTED"),
    (0xC00000EF, "INVALID PARAMETER 1"),
    (0xC00000F0, "INVALID PARAMETER 2"),
    (0xC00000F1, "INVALID PARAMETER 3"),
    (0xC00000F2, "INVALID PARAMETER 4"),
    (0xC00000FB, "REDIRECTOR NOT STARTED"),
    (0xC0000101, "NOT EMPTY"),
    (0xC0000102, "FILE CORRUPT"),
    (0xC0000103, "NOT A DIRECTORY"),
    (0xC0000107, "FILES OPEN"),
    (0xC000010D, "CANNOT IMPERSONATE"),
    (0xC0000120, "CANCELLED"),
    (0xC0000121, "CANNOT DELETE"),
    (0xC0000123, "FILE DELETED"),
    (0xC0000128, "FILE CLOSED"),
    (0xC000012A, "THREAD NOT IN PROCESS"),
    (0xC0000148, "INVALID LEVEL"),
    (0xC000014B, "PIPE BROKEN"),
    (0xC000014C, "REGISTRY CORRUPT"),
    (0xC000014D, "IO FAILED"),
    (0xC000017C, "KEY DELETED"),
    (0xC0000181, "CHILD MUST BE VOLATILE"),
    (0xC0000184, "INVALID DEVICE STATE"),
    (0xC0000185, "IO DEVICE ERROR"),
    (0xC0000188, "LOG FILE FULL"),
    (0xC000019C, "FS DRIVER REQUIRED"),
    (0xC0000203, "USER SESSION DELETED"),
    (0xC0000205, "INSUFFICIENT SERVER RESOURCES"),
    (0xC0000207, "INVALID ADDRESS COMPONENT"),
    (0xC000020C, "DISCONNECTED"),
    (0xC0000225, "NOT FOUND"),
    (0xC0000243, "USER MAPPED FILE"),
    (0xC0000248, "LOGIN WKSTA RESTRICTION"),
    (0xC0000257, "PATH NOT COVERED"),
    (0xC000026D, "DFS UNAVAILABLE"),
    (0xC0000273, "NO MORE MATCHES"),
    (0xC0000275, "NOT REPARSE POINT"),
    (0xC00002EA, "CANNOT MAKE"),
    (0xC00002F0, "OBJECTID NOT FOUND"),
    (0xC0000388, "DOWNGRADE DETECTED"),
    (0xC0000425, "HIVE UNLOADED"),
    (0xC0000427, "FILE SYSTEM LIMITATION"),
    (0xC0000463, "DEVICE FEATURE NOT SUPPORTED"),
    (0xC000046D, "OBJECT NOT EXTERNALLY BACKED"),
    (0xC00004AD, "STORAGE RESERVE ID INVALID"),
    (0xC00004AE, "STORAGE RESERVE DOES NOT EXIST"),
    (0xC00004AF, "STORAGE RESERVE ALREADY EXISTS"),
    (0xC00004B0, "STORAGE RESERVE NOT EMPTY"),
    (0xC00004B1, "NOT A DAX VOLUME"),
    (0xC0000909, "CANNOT BREAK OPLOCK"),
    (0xC000A2A1, "STATUS_OFFLOAD_READ_FLT_NOT_SUPPORTED"),
    (0xC000A2A2, "STATUS_OFFLOAD_WRITE_FLT_NOT_SUPPORTED"),
    (0xC000A2A3, "OFFLOAD READ FILE NOT SUPPORTED"),
    (0xC000A2A4, "OFFLOAD READ FILE NOT SUPPORTED"),
    (0xC0190001, "TRANSACTIONAL CONFLICT"),
    (0xC0190002, "INVALID TRANSACTION"),
    (0xC0190003, "TRANSACTION_NOT_ACTIVE"),
    (0xC019003E, "EFS NOT ALLOWED IN TRANSACTION"),
    (0xC019003F, "TRANSACTIONAL OPEN NOT ALLOWED"),
    (0xC0190040, "TRANSACTED MAPPING UNSUPPORTED REMOTE"),
    (0xC0190044, "CANNOT EXECUTE FILE IN TRANSACTION"),
    (0xC0190049, "SPARSE NOT ALLOWED IN TRANSACTION"),
    (0xC01C0004, "FAST IO DISALLOWED"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_unique() {
        assert!(PROCMON.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(PROCMON.len(), 155);
    }

    #[test]
    fn texts_and_codes() {
        assert_eq!(NtStatus::DELETE_PENDING.result_text(), "DELETE PENDING");
        assert_eq!(NtStatus(0xC000046F).result_text(), "0xC000046F");
        assert_eq!(NtStatus(0x368_0000).result_text(), "0x3680000");
        assert_eq!(NtStatus::from_text("lock not granted"), Some(NtStatus::LOCK_NOT_GRANTED));
        assert_eq!(NtStatus::from_text("NOT GRANTED"), Some(NtStatus::LOCK_NOT_GRANTED));
        assert_eq!(NtStatus::from_text("STATUS_SHARING_VIOLATION"), Some(NtStatus::SHARING_VIOLATION));
        assert_eq!(NtStatus::from_text("0xc0000056"), Some(NtStatus::DELETE_PENDING));
        assert_eq!(NtStatus::from_text("nonsense"), None);
        assert_eq!(NtStatus::DELETE_PENDING.to_string(), "0xC0000056");
    }
}
