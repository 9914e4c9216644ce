//! Names of operations as Procmon's Operation column prints them, by class, code and sub-code.

use super::event::EventClass;

/// The wording of a Procmon release: its tables grew, and the shape of some details changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Generation {
    /// Up to 3.4x.
    V3_4,
    /// 3.5x.
    V3_5,
    /// 3.6x to 3.9x.
    V3_6,
    /// 4.x.
    #[default]
    V4,
}

impl Generation {
    /// Every generation with the name it is asked for by.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::V3_4, "3.4"), (Self::V3_5, "3.5"), (Self::V3_6, "3.6"), (Self::V4, "4")];

    /// Reads `3.4`, `3.5`, `3.6` or `4`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(generation, _)| *generation)
    }
}

/// What Procmon prints for a sub-operation or operation its tables do not have.
pub const UNKNOWN: &str = "<Unknown>";

pub mod code;

const PROCESS: [&str; 10] = [
    "Process Defined",
    "Process Create",
    "Process Exit",
    "Thread Create",
    "Thread Exit",
    "Load Image",
    "Thread Profile",
    "Process Start",
    "Process Statistics",
    "System Statistics",
];

const REGISTRY: [&str; 20] = [
    "RegOpenKey",
    "RegCreateKey",
    "RegCloseKey",
    "RegQueryKey",
    "RegSetValue",
    "RegQueryValue",
    "RegEnumValue",
    "RegEnumKey",
    "RegSetInfoKey",
    "RegDeleteKey",
    "RegDeleteValue",
    "RegFlushKey",
    "RegLoadKey",
    "RegUnloadKey",
    "RegRenameKey",
    "RegQueryMultipleValueKey",
    "RegSetKeySecurity",
    "RegQueryKeySecurity",
    UNKNOWN,
    "RegRestoreKey",
];

const PROFILING: [&str; 3] = ["Thread Profiling", "Process Profiling", "Debug Output Profiling"];

const TCP: [&str; 10] = [
    "TCP Unknown",
    "TCP Other",
    "TCP Send",
    "TCP Receive",
    "TCP Accept",
    "TCP Connect",
    "TCP Disconnect",
    "TCP Reconnect",
    "TCP Retransmit",
    "TCP TCPCopy",
];

const UDP: [&str; 10] = [
    "UDP Unknown",
    "UDP Other",
    "UDP Send",
    "UDP Receive",
    "UDP Accept",
    "UDP Connect",
    "UDP Disconnect",
    "UDP Reconnect",
    "UDP Retransmit",
    "UDP TCPCopy",
];

/// Basic name, IRP name, fast-I/O or filter-callback name (empty: as the IRP name). Code = IRP major + 20.
const FILE: [(&str, &str, &str); 48] = [
    ("VolumeDismount", "IRP_MJ_VOLUME_DISMOUNT", ""),
    ("VolumeMount", "IRP_MJ_VOLUME_MOUNT", ""),
    ("FASTIO_MDL_WRITE_COMPLETE", "FASTIO_MDL_WRITE_COMPLETE", ""),
    ("WriteFile", "FASTIO_PREPARE_MDL_WRITE", ""),
    ("FASTIO_MDL_READ_COMPLETE", "FASTIO_MDL_READ_COMPLETE", ""),
    ("ReadFile", "FASTIO_MDL_READ", ""),
    ("QueryOpen", "FASTIO_NETWORK_QUERY_OPEN", ""),
    ("FASTIO_CHECK_IF_POSSIBLE", "FASTIO_CHECK_IF_POSSIBLE", ""),
    ("IRP_MJ_12", "IRP_MJ_12", ""),
    ("IRP_MJ_11", "IRP_MJ_11", ""),
    ("IRP_MJ_10", "IRP_MJ_10", ""),
    ("IRP_MJ_9", "IRP_MJ_9", ""),
    ("IRP_MJ_8", "IRP_MJ_8", ""),
    ("FASTIO_NOTIFY_STREAM_FO_CREATION", "FASTIO_NOTIFY_STREAM_FO_CREATION", ""),
    ("FASTIO_RELEASE_FOR_CC_FLUSH", "FASTIO_RELEASE_FOR_CC_FLUSH", ""),
    ("FASTIO_ACQUIRE_FOR_CC_FLUSH", "FASTIO_ACQUIRE_FOR_CC_FLUSH", ""),
    ("FASTIO_RELEASE_FOR_MOD_WRITE", "FASTIO_RELEASE_FOR_MOD_WRITE", ""),
    ("FASTIO_ACQUIRE_FOR_MOD_WRITE", "FASTIO_ACQUIRE_FOR_MOD_WRITE", ""),
    ("FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION", "FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION", ""),
    ("CreateFileMapping", "FASTIO_ACQUIRE_FOR_SECTION_SYNCHRONIZATION", ""),
    ("CreateFile", "IRP_MJ_CREATE", ""),
    ("CreatePipe", "IRP_MJ_CREATE_NAMED_PIPE", ""),
    ("IRP_MJ_CLOSE", "IRP_MJ_CLOSE", ""),
    ("ReadFile", "IRP_MJ_READ", "FASTIO_READ"),
    ("WriteFile", "IRP_MJ_WRITE", "FASTIO_WRITE"),
    ("QueryInformationFile", "IRP_MJ_QUERY_INFORMATION", "FASTIO_QUERY_INFORMATION"),
    ("SetInformationFile", "IRP_MJ_SET_INFORMATION", "FASTIO_SET_INFORMATION"),
    ("QueryEAFile", "IRP_MJ_QUERY_EA", ""),
    ("SetEAFile", "IRP_MJ_SET_EA", ""),
    ("FlushBuffersFile", "IRP_MJ_FLUSH_BUFFERS", ""),
    ("QueryVolumeInformation", "IRP_MJ_QUERY_VOLUME_INFORMATION", ""),
    ("SetVolumeInformation", "IRP_MJ_SET_VOLUME_INFORMATION", ""),
    ("DirectoryControl", "IRP_MJ_DIRECTORY_CONTROL", ""),
    ("FileSystemControl", "IRP_MJ_FILE_SYSTEM_CONTROL", ""),
    ("DeviceIoControl", "IRP_MJ_DEVICE_CONTROL", "FASTIO_DEVICE_CONTROL"),
    ("InternalDeviceIoControl", "IRP_MJ_INTERNAL_DEVICE_CONTROL", ""),
    ("Shutdown", "IRP_MJ_SHUTDOWN", ""),
    ("LockUnlockFile", "IRP_MJ_LOCK_CONTROL", ""),
    ("CloseFile", "IRP_MJ_CLEANUP", ""),
    ("CreateMailSlot", "IRP_MJ_CREATE_MAILSLOT", ""),
    ("QuerySecurityFile", "IRP_MJ_QUERY_SECURITY", ""),
    ("SetSecurityFile", "IRP_MJ_SET_SECURITY", ""),
    ("Power", "IRP_MJ_POWER", ""),
    ("SystemControl", "IRP_MJ_SYSTEM_CONTROL", ""),
    ("DeviceChange", "IRP_MJ_DEVICE_CHANGE", ""),
    ("QueryFileQuota", "IRP_MJ_QUERY_QUOTA", ""),
    ("SetFileQuota", "IRP_MJ_SET_QUOTA", ""),
    ("PlugAndPlay", "IRP_MJ_PNP", ""),
];

/// Name of a file-system operation (class 3, and 6 in newer releases), by its code and sub-code.
pub fn file(operation: u16, sub: u8, generation: Generation) -> &'static str {
    let Some((basic, ..)) = FILE.get(usize::from(operation)) else { return UNKNOWN };
    file_sub(operation, sub, generation).unwrap_or(basic)
}

/// Name of the sub-operation, where an operation has such and this is one. Under "Enable Advanced Output" the Detail
/// column begins with it.
pub fn file_sub(operation: u16, sub: u8, generation: Generation) -> Option<&'static str> {
    match operation {
        code::PNP => Some(PNP.get(usize::from(sub)).copied().unwrap_or(UNKNOWN)),
        _ if sub == 0 => None,
        code::QUERY_INFORMATION => Some(query_information(sub, generation)),
        code::SET_INFORMATION => Some(set_information(sub, generation)),
        code::QUERY_VOLUME_INFORMATION => Some(query_volume(sub)),
        code::SET_VOLUME_INFORMATION => Some(set_volume(sub)),
        code::DIRECTORY_CONTROL => Some(match sub {
            1 => "QueryDirectory",
            2 => "NotifyChangeDirectory",
            _ => UNKNOWN,
        }),
        code::LOCK_CONTROL => Some(match sub {
            1 => "LockFile",
            2 => "UnlockFileSingle",
            3 => "UnlockFileAll",
            4 => "UnlockFileByKey",
            _ => UNKNOWN,
        }),
        _ => None,
    }
}

/// Name of a file-system operation under "Enable Advanced Output". `callback` are the filter-manager flags of the
/// detail (2: fast I/O).
pub fn file_advanced(operation: u16, sub: u8, callback: u32) -> &'static str {
    let Some((_, irp, fast)) = FILE.get(usize::from(operation)) else { return UNKNOWN };
    if callback & 2 == 0 {
        return irp;
    }
    match (operation, sub) {
        (code::LOCK_CONTROL, 1) => "FASTIO_LOCK",
        (code::LOCK_CONTROL, 2) => "FASTIO_UNLOCK_SINGLE",
        (code::LOCK_CONTROL, 3) => "FASTIO_UNLOCK_ALL",
        (code::LOCK_CONTROL, 4) => "FASTIO_UNLOCK_ALL_BY_KEY",
        _ if fast.is_empty() => irp,
        _ => fast,
    }
}

/// Name of an operation of a class other than the file system's. `tcp` tells TCP from UDP for network events.
pub fn other(class: EventClass, operation: u16, tcp: bool) -> &'static str {
    let table: &[&str] = match class {
        EventClass::PROCESS => &PROCESS,
        EventClass::REGISTRY => &REGISTRY,
        EventClass::PROFILING => &PROFILING,
        EventClass::NETWORK if tcp => &TCP,
        EventClass::NETWORK => &UDP,
        _ => &[],
    };
    table.get(usize::from(operation)).copied().unwrap_or(UNKNOWN)
}

/// Every basic file-system name by code, for completion and tests.
pub fn file_codes() -> impl Iterator<Item = (u16, &'static str)> {
    FILE.iter().zip(0u16..).map(|((name, ..), code)| (code, *name))
}

/// Releases before 3.60 print `<Unknown>` from class 46h on (seen for 47h; the table ends there for the others too).
fn query_information(class: u8, generation: Generation) -> &'static str {
    if class >= 0x46 && generation < Generation::V3_6 {
        return UNKNOWN;
    }
    match class {
        0x04 => "QueryBasicInformationFile",
        0x05 => "QueryStandardInformationFile",
        0x06 => "QueryFileInternalInformationFile",
        0x07 => "QueryEaInformationFile",
        0x09 => "QueryNameInformationFile",
        0x0E => "QueryPositionInformationFile",
        0x12 => "QueryAllInformationFile",
        0x14 => "QueryEndOfFile",
        0x16 => "QueryStreamInformationFile",
        0x1C => "QueryCompressionInformationFile",
        0x1D => "QueryId",
        0x1F => "QueryMoveClusterInformationFile",
        0x22 => "QueryNetworkOpenInformationFile",
        0x23 => "QueryAttributeTagFile",
        0x25 => "QueryIdBothDirectory",
        0x27 => "QueryValidDataLength",
        0x28 => "QueryShortNameInformationFile",
        0x2B => "QueryIoPiorityHint",
        0x2E => "QueryLinks",
        0x30 => "QueryNormalizedNameInformationFile",
        0x31 => "QueryNetworkPhysicalNameInformationFile",
        0x32 => "QueryIdGlobalTxDirectoryInformation",
        0x33 => "QueryIsRemoteDeviceInformation",
        0x34 => "QueryAttributeCacheInformation",
        0x35 => "QueryNumaNodeInformation",
        0x36 => "QueryStandardLinkInformation",
        0x37 => "QueryRemoteProtocolInformation",
        0x38 => "QueryRenameInformationBypassAccessCheck",
        0x39 => "QueryLinkInformationBypassAccessCheck",
        0x3A => "QueryVolumeNameInformation",
        0x3B => "QueryIdInformation",
        0x3C => "QueryIdExtdDirectoryInformation",
        0x3E => "QueryHardLinkFullIdInformation",
        0x3F => "QueryIdExtdBothDirectoryInformation",
        0x43 => "QueryDesiredStorageClassInformation",
        0x44 => "QueryStatInformation",
        0x45 => "QueryMemoryPartitionInformation",
        0x46 => "QuerySatLxInformation",
        0x47 => "QueryCaseSensitiveInformation",
        0x48 => "QueryLinkInformationEx",
        0x49 => "QueryLinkInfomraitonBypassAccessCheck",
        0x4A => "QueryStorageReservedIdInformation",
        0x4B => "QueryCaseSensitiveInformationForceAccessCheck",
        _ => UNKNOWN,
    }
}

fn set_information(class: u8, generation: Generation) -> &'static str {
    match class {
        0x04 => "SetBasicInformationFile",
        0x0A => "SetRenameInformationFile",
        0x0B => "SetLinkInformationFile",
        0x0D => "SetDispositionInformationFile",
        0x0E => "SetPositionInformationFile",
        0x13 => "SetAllocationInformationFile",
        0x14 => "SetEndOfFileInformationFile",
        0x16 => "SetFileStreamInformation",
        0x17 => "SetPipeInformation",
        0x27 => "SetValidDataLengthInformationFile",
        0x28 => "SetShortNameInformation",
        0x3D => "SetReplaceCompletionInformation",
        0x40 => "SetDispositionInformationEx",
        0x41 => "SetRenameInformationEx",
        0x42 => "SetRenameInformationExBypassAccessCheck",
        0x4A if generation >= Generation::V3_6 => "SetStorageReservedIdInformation",
        _ => UNKNOWN,
    }
}

const fn query_volume(class: u8) -> &'static str {
    match class {
        1 => "QueryInformationVolume",
        2 => "QueryLabelInformationVolume",
        3 => "QuerySizeInformationVolume",
        4 => "QueryDeviceInformationVolume",
        5 => "QueryAttributeInformationVolume",
        6 => "QueryControlInformationVolume",
        7 => "QueryFullSizeInformationVolume",
        8 => "QueryObjectIdInformationVolume",
        _ => UNKNOWN,
    }
}

const fn set_volume(class: u8) -> &'static str {
    match class {
        1 => "SetControlInformationVolume",
        2 => "SetLabelInformationVolume",
        8 => "SetObjectIdInformationVolume",
        _ => UNKNOWN,
    }
}

const PNP: [&str; 25] = [
    "StartDevice",
    "QueryRemoveDevice",
    "RemoveDevice",
    "CancelRemoveDevice",
    "StopDevice",
    "QueryStopDevice",
    "CancelStopDevice",
    "QueryDeviceRelations",
    "QueryInterface",
    "QueryCapabilities",
    "QueryResources",
    "QueryResourceRequirements",
    "QueryDeviceText",
    "FilterResourceRequirements",
    UNKNOWN,
    "ReadConfig",
    "WriteConfig",
    "Eject",
    "SetLock",
    "QueryId2",
    "QueryPnpDeviceState",
    "QueryBusInformation",
    "DeviceUsageNotification",
    "SurpriseRemoval",
    "QueryLegacyBusInformation",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_take_the_sub_operation() {
        let name = |operation, sub| file(operation, sub, Generation::V4);
        assert_eq!(name(0, 0), "VolumeDismount");
        assert_eq!(name(8, 0), "IRP_MJ_12");
        assert_eq!(name(12, 0), "IRP_MJ_8");
        assert_eq!(name(20, 0), "CreateFile");
        assert_eq!(name(25, 0), "QueryInformationFile");
        assert_eq!(name(25, 0x12), "QueryAllInformationFile");
        assert_eq!(name(26, 0x40), "SetDispositionInformationEx");
        assert_eq!(name(26, 0x48), UNKNOWN);
        assert_eq!(name(29, 1), "FlushBuffersFile", "operations without a sub-table ignore the minor");
        assert_eq!(name(28, 4), "SetEAFile");
        assert_eq!(name(30, 0xB), UNKNOWN);
        assert_eq!(name(31, 2), "SetLabelInformationVolume");
        assert_eq!(name(32, 0), "DirectoryControl");
        assert_eq!(name(32, 2), "NotifyChangeDirectory");
        assert_eq!(name(37, 4), "UnlockFileByKey");
        assert_eq!(name(47, 0), "StartDevice", "plug and play has a name for minor 0");
        assert_eq!(name(47, 0x13), "QueryId2");
        assert_eq!(name(47, 0xE), UNKNOWN);
        assert_eq!(name(47, 0x18), "QueryLegacyBusInformation");
        assert_eq!(name(48, 0), UNKNOWN);
    }

    #[test]
    fn newer_information_classes_are_unknown_to_older_releases() {
        for (operation, class, newer) in [
            (25, 0x47, "QueryCaseSensitiveInformation"),
            (25, 0x46, "QuerySatLxInformation"),
            (26, 0x4A, "SetStorageReservedIdInformation"),
        ] {
            assert_eq!(file(operation, class, Generation::V3_4), UNKNOWN);
            assert_eq!(file(operation, class, Generation::V3_5), UNKNOWN);
            assert_eq!(file(operation, class, Generation::V3_6), newer);
            assert_eq!(file(operation, class, Generation::V4), newer);
        }
        assert_eq!(file(25, 0x44, Generation::V3_5), "QueryStatInformation");
    }

    #[test]
    fn advanced_names_tell_fast_io() {
        assert_eq!(file_advanced(20, 0, 1), "IRP_MJ_CREATE");
        assert_eq!(file_advanced(38, 0, 1), "IRP_MJ_CLEANUP");
        assert_eq!(file_advanced(23, 0, 2), "FASTIO_READ");
        assert_eq!(file_advanced(23, 0, 1), "IRP_MJ_READ");
        assert_eq!(file_advanced(37, 3, 2), "FASTIO_UNLOCK_ALL");
        assert_eq!(file_advanced(6, 0, 2), "FASTIO_NETWORK_QUERY_OPEN");
        assert_eq!(file_advanced(99, 0, 0), UNKNOWN);
    }

    #[test]
    fn other_classes() {
        assert_eq!(other(EventClass::PROCESS, 9, false), "System Statistics");
        assert_eq!(other(EventClass::REGISTRY, 18, false), UNKNOWN);
        assert_eq!(other(EventClass::REGISTRY, 19, false), "RegRestoreKey");
        assert_eq!(other(EventClass::REGISTRY, 20, false), UNKNOWN);
        assert_eq!(other(EventClass::NETWORK, 9, true), "TCP TCPCopy");
        assert_eq!(other(EventClass::NETWORK, 3, false), "UDP Receive");
        assert_eq!(other(EventClass::PROFILING, 2, false), "Debug Output Profiling");
        assert_eq!(other(EventClass(9), 0, false), UNKNOWN);
        assert_eq!(Generation::parse("3.5"), Some(Generation::V3_5));
        assert_eq!(Generation::parse("5"), None);
        assert_eq!(Generation::default(), Generation::V4);
    }
}
