//! The Operation column read back: from the name to class, operation code and sub-code.

use crate::pml::EventClass;
use rustc_hash::FxHashMap;

/// An operation by number, as a capture stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Event class.
    pub class: EventClass,
    /// Operation within the class; [`Self::UNKNOWN`] for a name that is not known.
    pub code: u16,
    /// Information class or minor function; 0 where the name stands for all.
    pub sub: u8,
}

impl Operation {
    /// Code of an operation whose name is not known here, or that Procmon itself prints as `<Unknown>`.
    pub const UNKNOWN: u16 = u16::MAX;

    const fn new(class: EventClass, code: u16, sub: u8) -> Self {
        Self { class, code, sub }
    }
}

/// Names of operations, for looking up the column's bytes.
#[derive(Debug)]
pub struct Operations {
    by_name: FxHashMap<&'static [u8], Operation>,
}

impl Default for Operations {
    fn default() -> Self {
        let by_name = NAMES
            .iter()
            .map(|(class, code, sub, name)| (name.as_bytes(), Operation::new(EventClass(*class), *code, *sub)))
            .collect();
        Self { by_name }
    }
}

impl Operations {
    /// The operation called `name`; of class 0 when nothing is known of it. Network operations need only their protocol.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Operation {
        if let Some(operation) = self.by_name.get(name) {
            return *operation;
        }
        if name.starts_with(b"TCP ") || name.starts_with(b"UDP ") {
            return Operation::new(EventClass::NETWORK, network(name.get(4..).unwrap_or_default()), 0);
        }
        if name == b"<Unknown>" || name.starts_with(b"IRP_MJ_") || name.starts_with(b"FASTIO_") {
            return Operation::new(EventClass::FILE_SYSTEM, Operation::UNKNOWN, 0);
        }
        if name.starts_with(b"Reg") {
            return Operation::new(EventClass::REGISTRY, Operation::UNKNOWN, 0);
        }
        Operation::new(EventClass(0), Operation::UNKNOWN, 0)
    }
}

/// Network operations without their protocol, by code.
const NETWORK: [&str; 10] =
    ["Unknown", "Other", "Send", "Receive", "Accept", "Connect", "Disconnect", "Reconnect", "Retransmit", "TCPCopy"];

fn network(name: &[u8]) -> u16 {
    let at = NETWORK.iter().position(|known| known.as_bytes() == name);
    at.and_then(|at| u16::try_from(at).ok()).unwrap_or(Operation::UNKNOWN)
}

/// Class, code, sub-code and name.
const NAMES: &[(u32, u16, u8, &str)] = &[
    (1, 0, 0x0, "Process Defined"),
    (1, 1, 0x0, "Process Create"),
    (1, 2, 0x0, "Process Exit"),
    (1, 3, 0x0, "Thread Create"),
    (1, 4, 0x0, "Thread Exit"),
    (1, 5, 0x0, "Load Image"),
    (1, 6, 0x0, "Thread Profile"),
    (1, 7, 0x0, "Process Start"),
    (1, 8, 0x0, "Process Statistics"),
    (1, 9, 0x0, "System Statistics"),
    (2, 0, 0x0, "RegOpenKey"),
    (2, 1, 0x0, "RegCreateKey"),
    (2, 2, 0x0, "RegCloseKey"),
    (2, 3, 0x0, "RegQueryKey"),
    (2, 4, 0x0, "RegSetValue"),
    (2, 5, 0x0, "RegQueryValue"),
    (2, 6, 0x0, "RegEnumValue"),
    (2, 7, 0x0, "RegEnumKey"),
    (2, 8, 0x0, "RegSetInfoKey"),
    (2, 9, 0x0, "RegDeleteKey"),
    (2, 10, 0x0, "RegDeleteValue"),
    (2, 11, 0x0, "RegFlushKey"),
    (2, 12, 0x0, "RegLoadKey"),
    (2, 13, 0x0, "RegUnloadKey"),
    (2, 14, 0x0, "RegRenameKey"),
    (2, 15, 0x0, "RegQueryMultipleValueKey"),
    (2, 16, 0x0, "RegSetKeySecurity"),
    (2, 17, 0x0, "RegQueryKeySecurity"),
    (2, 19, 0x0, "RegRestoreKey"),
    (4, 0, 0x0, "Thread Profiling"),
    (4, 1, 0x0, "Process Profiling"),
    (4, 2, 0x0, "Debug Output Profiling"),
    (3, 0, 0x0, "VolumeDismount"),
    (3, 1, 0x0, "VolumeMount"),
    (3, 2, 0x0, "FASTIO_MDL_WRITE_COMPLETE"),
    (3, 4, 0x0, "FASTIO_MDL_READ_COMPLETE"),
    (3, 6, 0x0, "QueryOpen"),
    (3, 7, 0x0, "FASTIO_CHECK_IF_POSSIBLE"),
    (3, 13, 0x0, "FASTIO_NOTIFY_STREAM_FO_CREATION"),
    (3, 14, 0x0, "FASTIO_RELEASE_FOR_CC_FLUSH"),
    (3, 15, 0x0, "FASTIO_ACQUIRE_FOR_CC_FLUSH"),
    (3, 16, 0x0, "FASTIO_RELEASE_FOR_MOD_WRITE"),
    (3, 17, 0x0, "FASTIO_ACQUIRE_FOR_MOD_WRITE"),
    (3, 18, 0x0, "FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION"),
    (3, 19, 0x0, "CreateFileMapping"),
    (3, 20, 0x0, "CreateFile"),
    (3, 21, 0x0, "CreatePipe"),
    (3, 22, 0x0, "IRP_MJ_CLOSE"),
    (3, 23, 0x0, "ReadFile"),
    (3, 24, 0x0, "WriteFile"),
    (3, 25, 0x0, "QueryInformationFile"),
    (3, 26, 0x0, "SetInformationFile"),
    (3, 27, 0x0, "QueryEAFile"),
    (3, 28, 0x0, "SetEAFile"),
    (3, 29, 0x0, "FlushBuffersFile"),
    (3, 30, 0x0, "QueryVolumeInformation"),
    (3, 31, 0x0, "SetVolumeInformation"),
    (3, 32, 0x0, "DirectoryControl"),
    (3, 33, 0x0, "FileSystemControl"),
    (3, 34, 0x0, "DeviceIoControl"),
    (3, 35, 0x0, "InternalDeviceIoControl"),
    (3, 36, 0x0, "Shutdown"),
    (3, 37, 0x0, "LockUnlockFile"),
    (3, 38, 0x0, "CloseFile"),
    (3, 39, 0x0, "CreateMailSlot"),
    (3, 40, 0x0, "QuerySecurityFile"),
    (3, 41, 0x0, "SetSecurityFile"),
    (3, 42, 0x0, "Power"),
    (3, 43, 0x0, "SystemControl"),
    (3, 44, 0x0, "DeviceChange"),
    (3, 45, 0x0, "QueryFileQuota"),
    (3, 46, 0x0, "SetFileQuota"),
    (3, 47, 0x0, "PlugAndPlay"),
    (3, 30, 0x1, "QueryInformationVolume"),
    (3, 30, 0x2, "QueryLabelInformationVolume"),
    (3, 30, 0x3, "QuerySizeInformationVolume"),
    (3, 30, 0x4, "QueryDeviceInformationVolume"),
    (3, 30, 0x5, "QueryAttributeInformationVolume"),
    (3, 30, 0x6, "QueryControlInformationVolume"),
    (3, 30, 0x7, "QueryFullSizeInformationVolume"),
    (3, 30, 0x8, "QueryObjectIdInformationVolume"),
    (3, 31, 0x1, "SetControlInformationVolume"),
    (3, 31, 0x2, "SetLabelInformationVolume"),
    (3, 31, 0x8, "SetObjectIdInformationVolume"),
    (3, 25, 0x4, "QueryBasicInformationFile"),
    (3, 25, 0x5, "QueryStandardInformationFile"),
    (3, 25, 0x6, "QueryFileInternalInformationFile"),
    (3, 25, 0x7, "QueryEaInformationFile"),
    (3, 25, 0x9, "QueryNameInformationFile"),
    (3, 25, 0xE, "QueryPositionInformationFile"),
    (3, 25, 0x12, "QueryAllInformationFile"),
    (3, 25, 0x14, "QueryEndOfFile"),
    (3, 25, 0x16, "QueryStreamInformationFile"),
    (3, 25, 0x1C, "QueryCompressionInformationFile"),
    (3, 25, 0x1D, "QueryId"),
    (3, 25, 0x1F, "QueryMoveClusterInformationFile"),
    (3, 25, 0x22, "QueryNetworkOpenInformationFile"),
    (3, 25, 0x23, "QueryAttributeTagFile"),
    (3, 25, 0x25, "QueryIdBothDirectory"),
    (3, 25, 0x27, "QueryValidDataLength"),
    (3, 25, 0x28, "QueryShortNameInformationFile"),
    (3, 25, 0x2B, "QueryIoPiorityHint"),
    (3, 25, 0x2E, "QueryLinks"),
    (3, 25, 0x30, "QueryNormalizedNameInformationFile"),
    (3, 25, 0x31, "QueryNetworkPhysicalNameInformationFile"),
    (3, 25, 0x32, "QueryIdGlobalTxDirectoryInformation"),
    (3, 25, 0x33, "QueryIsRemoteDeviceInformation"),
    (3, 25, 0x34, "QueryAttributeCacheInformation"),
    (3, 25, 0x35, "QueryNumaNodeInformation"),
    (3, 25, 0x36, "QueryStandardLinkInformation"),
    (3, 25, 0x37, "QueryRemoteProtocolInformation"),
    (3, 25, 0x38, "QueryRenameInformationBypassAccessCheck"),
    (3, 25, 0x39, "QueryLinkInformationBypassAccessCheck"),
    (3, 25, 0x3A, "QueryVolumeNameInformation"),
    (3, 25, 0x3B, "QueryIdInformation"),
    (3, 25, 0x3C, "QueryIdExtdDirectoryInformation"),
    (3, 25, 0x3E, "QueryHardLinkFullIdInformation"),
    (3, 25, 0x3F, "QueryIdExtdBothDirectoryInformation"),
    (3, 25, 0x43, "QueryDesiredStorageClassInformation"),
    (3, 25, 0x44, "QueryStatInformation"),
    (3, 25, 0x45, "QueryMemoryPartitionInformation"),
    (3, 25, 0x46, "QuerySatLxInformation"),
    (3, 25, 0x47, "QueryCaseSensitiveInformation"),
    (3, 25, 0x48, "QueryLinkInformationEx"),
    (3, 25, 0x49, "QueryLinkInfomraitonBypassAccessCheck"),
    (3, 25, 0x4A, "QueryStorageReservedIdInformation"),
    (3, 25, 0x4B, "QueryCaseSensitiveInformationForceAccessCheck"),
    (3, 26, 0x4, "SetBasicInformationFile"),
    (3, 26, 0xA, "SetRenameInformationFile"),
    (3, 26, 0xB, "SetLinkInformationFile"),
    (3, 26, 0xD, "SetDispositionInformationFile"),
    (3, 26, 0xE, "SetPositionInformationFile"),
    (3, 26, 0x13, "SetAllocationInformationFile"),
    (3, 26, 0x14, "SetEndOfFileInformationFile"),
    (3, 26, 0x16, "SetFileStreamInformation"),
    (3, 26, 0x17, "SetPipeInformation"),
    (3, 26, 0x27, "SetValidDataLengthInformationFile"),
    (3, 26, 0x28, "SetShortNameInformation"),
    (3, 26, 0x3D, "SetReplaceCompletionInformation"),
    (3, 26, 0x40, "SetDispositionInformationEx"),
    (3, 26, 0x41, "SetRenameInformationEx"),
    (3, 26, 0x42, "SetRenameInformationExBypassAccessCheck"),
    (3, 26, 0x4A, "SetStorageReservedIdInformation"),
    (3, 32, 0x1, "QueryDirectory"),
    (3, 32, 0x2, "NotifyChangeDirectory"),
    (3, 47, 0x0, "StartDevice"),
    (3, 47, 0x1, "QueryRemoveDevice"),
    (3, 47, 0x2, "RemoveDevice"),
    (3, 47, 0x3, "CancelRemoveDevice"),
    (3, 47, 0x4, "StopDevice"),
    (3, 47, 0x5, "QueryStopDevice"),
    (3, 47, 0x6, "CancelStopDevice"),
    (3, 47, 0x7, "QueryDeviceRelations"),
    (3, 47, 0x8, "QueryInterface"),
    (3, 47, 0x9, "QueryCapabilities"),
    (3, 47, 0xA, "QueryResources"),
    (3, 47, 0xB, "QueryResourceRequirements"),
    (3, 47, 0xC, "QueryDeviceText"),
    (3, 47, 0xD, "FilterResourceRequirements"),
    (3, 47, 0xF, "ReadConfig"),
    (3, 47, 0x10, "WriteConfig"),
    (3, 47, 0x11, "Eject"),
    (3, 47, 0x12, "SetLock"),
    (3, 47, 0x13, "QueryId2"),
    (3, 47, 0x14, "QueryPnpDeviceState"),
    (3, 47, 0x15, "QueryBusInformation"),
    (3, 47, 0x16, "DeviceUsageNotification"),
    (3, 47, 0x17, "SurpriseRemoval"),
    (3, 47, 0x18, "QueryLegacyBusInformation"),
    (3, 37, 0x1, "LockFile"),
    (3, 37, 0x2, "UnlockFileSingle"),
    (3, 37, 0x3, "UnlockFileAll"),
    (3, 37, 0x4, "UnlockFileByKey"),
    // Advanced Output, and the wording of the releases that wrote version 7.
    (3, 20, 0, "IRP_MJ_CREATE"),
    (3, 21, 0, "IRP_MJ_CREATE_NAMED_PIPE"),
    (3, 23, 0, "IRP_MJ_READ"),
    (3, 23, 0, "FASTIO_READ"),
    (3, 24, 0, "IRP_MJ_WRITE"),
    (3, 24, 0, "FASTIO_WRITE"),
    (3, 25, 0, "IRP_MJ_QUERY_INFORMATION"),
    (3, 25, 0, "FASTIO_QUERY_INFORMATION"),
    (3, 26, 0, "IRP_MJ_SET_INFORMATION"),
    (3, 26, 0, "FASTIO_SET_INFORMATION"),
    (3, 27, 0, "IRP_MJ_QUERY_EA"),
    (3, 28, 0, "IRP_MJ_SET_EA"),
    (3, 29, 0, "IRP_MJ_FLUSH_BUFFERS"),
    (3, 30, 0, "IRP_MJ_QUERY_VOLUME_INFORMATION"),
    (3, 31, 0, "IRP_MJ_SET_VOLUME_INFORMATION"),
    (3, 32, 0, "IRP_MJ_DIRECTORY_CONTROL"),
    (3, 33, 0, "IRP_MJ_FILE_SYSTEM_CONTROL"),
    (3, 34, 0, "IRP_MJ_DEVICE_CONTROL"),
    (3, 35, 0, "IRP_MJ_INTERNAL_DEVICE_CONTROL"),
    (3, 37, 0, "IRP_MJ_LOCK_CONTROL"),
    (3, 37, 1, "FASTIO_LOCK"),
    (3, 37, 2, "FASTIO_UNLOCK_SINGLE"),
    (3, 37, 3, "FASTIO_UNLOCK_ALL"),
    (3, 37, 4, "FASTIO_UNLOCK_ALL_BY_KEY"),
    (3, 38, 0, "IRP_MJ_CLEANUP"),
    (3, 6, 0, "FASTIO_NETWORK_QUERY_OPEN"),
    (3, 19, 0, "FASTIO_ACQUIRE_FOR_SECTION_SYNCHRONIZATION"),
    (3, 19, 0, "IRP_MJ_ACQUIRE_FOR_SECTION_SYNCHRONIZATION"),
    (3, 26, 0x13, "SetAllInformationFile"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let operations = Operations::default();
        assert_eq!(operations.by_name.len(), NAMES.len());
        let find = |name: &str| operations.find(name.as_bytes());
        assert_eq!(find("CreateFile"), Operation::new(EventClass::FILE_SYSTEM, 20, 0));
        assert_eq!(find("ReadFile").code, 23);
        assert_eq!(find("SetRenameInformationEx").sub, 0x41);
        assert_eq!(find("TCP Receive"), Operation::new(EventClass::NETWORK, 3, 0));
        assert_eq!(find("<Unknown>"), Operation::new(EventClass::FILE_SYSTEM, Operation::UNKNOWN, 0));
        assert_eq!(find("RegSaveKey").class, EventClass::REGISTRY);
        assert_eq!(find("Frobnicate").class, EventClass(0));
    }
}
