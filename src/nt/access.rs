//! What an open asks for and shares: access mask, share access, disposition, options, and what the open did.
//!
//! Values: Windows `winnt.h`, `wdm.h`, `ntifs.h`.

flags! {
    /// `ACCESS_MASK` of a file or directory.
    pub struct AccessMask(u32) {
        #[doc(alias = "FILE_LIST_DIRECTORY")] READ_DATA = 0x1, "READ_DATA";
        #[doc(alias = "FILE_ADD_FILE")] WRITE_DATA = 0x2, "WRITE_DATA";
        #[doc(alias = "FILE_ADD_SUBDIRECTORY")] APPEND_DATA = 0x4, "APPEND_DATA";
        #[doc(alias = "FILE_READ_EA")] READ_EA = 0x8, "READ_EA";
        #[doc(alias = "FILE_WRITE_EA")] WRITE_EA = 0x10, "WRITE_EA";
        #[doc(alias = "FILE_TRAVERSE")] EXECUTE = 0x20, "EXECUTE";
        #[doc(alias = "FILE_DELETE_CHILD")] DELETE_CHILD = 0x40, "DELETE_CHILD";
        #[doc(alias = "FILE_READ_ATTRIBUTES")] READ_ATTRIBUTES = 0x80, "READ_ATTRIBUTES";
        #[doc(alias = "FILE_WRITE_ATTRIBUTES")] WRITE_ATTRIBUTES = 0x100, "WRITE_ATTRIBUTES";
        DELETE = 0x1_0000, "DELETE";
        READ_CONTROL = 0x2_0000, "READ_CONTROL";
        WRITE_DAC = 0x4_0000, "WRITE_DAC";
        WRITE_OWNER = 0x8_0000, "WRITE_OWNER";
        SYNCHRONIZE = 0x10_0000, "SYNCHRONIZE";
        #[doc(alias = "ACCESS_SYSTEM_SECURITY")] SYSTEM_SECURITY = 0x100_0000, "ACCESS_SYSTEM_SECURITY";
        MAXIMUM_ALLOWED = 0x200_0000, "MAXIMUM_ALLOWED";
        GENERIC_ALL = 0x1000_0000, "GENERIC_ALL";
        GENERIC_EXECUTE = 0x2000_0000, "GENERIC_EXECUTE";
        GENERIC_WRITE = 0x4000_0000, "GENERIC_WRITE";
        GENERIC_READ = 0x8000_0000, "GENERIC_READ";
    }
}

impl AccessMask {
    /// The mask with the generic rights replaced by what they mean for files (`IoGetFileObjectGenericMapping`).
    pub const fn map_generic(self) -> Self {
        let mut bits = self.0 & 0x0FFF_FFFF;
        if self.0 & Self::GENERIC_READ.0 != 0 {
            bits |= 0x12_0089;
        }
        if self.0 & Self::GENERIC_WRITE.0 != 0 {
            bits |= 0x12_0116;
        }
        if self.0 & Self::GENERIC_EXECUTE.0 != 0 {
            bits |= 0x12_00A0;
        }
        if self.0 & Self::GENERIC_ALL.0 != 0 {
            bits |= 0x1F_01FF;
        }
        Self(bits)
    }
}

flags! {
    /// `FILE_SHARE_*`: what an open lets others do.
    pub struct ShareAccess(u16) {
        #[doc(alias = "FILE_SHARE_READ")] READ = 1, "READ";
        #[doc(alias = "FILE_SHARE_WRITE")] WRITE = 2, "WRITE";
        #[doc(alias = "FILE_SHARE_DELETE")] DELETE = 4, "DELETE";
    }
}

codes! {
    /// `CreateDisposition`: what to do when the file exists and when it does not.
    pub struct CreateDisposition(u8) {
        #[doc(alias = "FILE_SUPERSEDE")] SUPERSEDE = 0, "SUPERSEDE";
        #[doc(alias = "FILE_OPEN")] OPEN = 1, "OPEN";
        #[doc(alias = "FILE_CREATE")] CREATE = 2, "CREATE";
        #[doc(alias = "FILE_OPEN_IF")] OPEN_IF = 3, "OPEN_IF";
        #[doc(alias = "FILE_OVERWRITE")] OVERWRITE = 4, "OVERWRITE";
        #[doc(alias = "FILE_OVERWRITE_IF")] OVERWRITE_IF = 5, "OVERWRITE_IF";
    }
}

flags! {
    /// `CreateOptions` (24 bits).
    pub struct CreateOptions(u32) {
        #[doc(alias = "FILE_DIRECTORY_FILE")] DIRECTORY_FILE = 0x1, "DIRECTORY_FILE";
        #[doc(alias = "FILE_WRITE_THROUGH")] WRITE_THROUGH = 0x2, "WRITE_THROUGH";
        #[doc(alias = "FILE_SEQUENTIAL_ONLY")] SEQUENTIAL_ONLY = 0x4, "SEQUENTIAL_ONLY";
        #[doc(alias = "FILE_NO_INTERMEDIATE_BUFFERING")] NO_INTERMEDIATE_BUFFERING = 0x8, "NO_INTERMEDIATE_BUFFERING";
        #[doc(alias = "FILE_SYNCHRONOUS_IO_ALERT")] SYNCHRONOUS_IO_ALERT = 0x10, "SYNCHRONOUS_IO_ALERT";
        #[doc(alias = "FILE_SYNCHRONOUS_IO_NONALERT")] SYNCHRONOUS_IO_NONALERT = 0x20, "SYNCHRONOUS_IO_NONALERT";
        #[doc(alias = "FILE_NON_DIRECTORY_FILE")] NON_DIRECTORY_FILE = 0x40, "NON_DIRECTORY_FILE";
        #[doc(alias = "FILE_CREATE_TREE_CONNECTION")] CREATE_TREE_CONNECTION = 0x80, "CREATE_TREE_CONNECTION";
        #[doc(alias = "FILE_COMPLETE_IF_OPLOCKED")] COMPLETE_IF_OPLOCKED = 0x100, "COMPLETE_IF_OPLOCKED";
        #[doc(alias = "FILE_NO_EA_KNOWLEDGE")] NO_EA_KNOWLEDGE = 0x200, "NO_EA_KNOWLEDGE";
        #[doc(alias = "FILE_OPEN_REMOTE_INSTANCE")] OPEN_FOR_RECOVERY = 0x400, "OPEN_FOR_RECOVERY";
        #[doc(alias = "FILE_RANDOM_ACCESS")] RANDOM_ACCESS = 0x800, "RANDOM_ACCESS";
        #[doc(alias = "FILE_DELETE_ON_CLOSE")] DELETE_ON_CLOSE = 0x1000, "DELETE_ON_CLOSE";
        #[doc(alias = "FILE_OPEN_BY_FILE_ID")] OPEN_BY_FILE_ID = 0x2000, "OPEN_BY_FILE_ID";
        #[doc(alias = "FILE_OPEN_FOR_BACKUP_INTENT")] OPEN_FOR_BACKUP_INTENT = 0x4000, "OPEN_FOR_BACKUP_INTENT";
        #[doc(alias = "FILE_NO_COMPRESSION")] NO_COMPRESSION = 0x8000, "NO_COMPRESSION";
        #[doc(alias = "FILE_OPEN_REQUIRING_OPLOCK")] OPEN_REQUIRING_OPLOCK = 0x1_0000, "OPEN_REQUIRING_OPLOCK";
        #[doc(alias = "FILE_DISALLOW_EXCLUSIVE")] DISALLOW_EXCLUSIVE = 0x2_0000, "DISALLOW_EXCLUSIVE";
        #[doc(alias = "FILE_RESERVE_OPFILTER")] RESERVE_OPFILTER = 0x10_0000, "RESERVE_OPFILTER";
        #[doc(alias = "FILE_OPEN_REPARSE_POINT")] OPEN_REPARSE_POINT = 0x20_0000, "OPEN_REPARSE_POINT";
        #[doc(alias = "FILE_OPEN_NO_RECALL")] OPEN_NO_RECALL = 0x40_0000, "OPEN_NO_RECALL";
        #[doc(alias = "FILE_OPEN_FOR_FREE_SPACE_QUERY")] OPEN_FOR_FREE_SPACE_QUERY = 0x80_0000, "OPEN_FOR_FREE_SPACE_QUERY";
    }
}

codes! {
    /// What a successful create did (`IO_STATUS_BLOCK.Information`).
    pub struct OpenResult(u8) {
        #[doc(alias = "FILE_SUPERSEDED")] SUPERSEDED = 0, "Superseded";
        #[doc(alias = "FILE_OPENED")] OPENED = 1, "Opened";
        #[doc(alias = "FILE_CREATED")] CREATED = 2, "Created";
        #[doc(alias = "FILE_OVERWRITTEN")] OVERWRITTEN = 3, "Overwritten";
        #[doc(alias = "FILE_EXISTS")] EXISTS = 4, "Exists";
        #[doc(alias = "FILE_DOES_NOT_EXIST")] DOES_NOT_EXIST = 5, "DoesNotExist";
    }
}
