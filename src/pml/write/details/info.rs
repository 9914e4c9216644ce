//! The structures that information queries answer with.

/// The four times of a file, FILETIME.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Creation.
    pub creation: u64,
    /// Last access.
    pub access: u64,
    /// Last write.
    pub write: u64,
    /// Last change of data or metadata.
    pub change: u64,
}

/// FILE_BASIC_INFORMATION.
#[derive(Clone, Copy, Debug, Default)]
pub struct BasicInfo {
    /// The four times.
    pub times: Times,
    /// File attributes.
    pub attributes: u32,
}

/// FILE_STANDARD_INFORMATION.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardInfo {
    /// Allocated bytes.
    pub allocation: u64,
    /// File size.
    pub end_of_file: u64,
    /// Hard links.
    pub links: u32,
    /// The link is marked for deletion.
    pub delete_pending: bool,
    /// It is a directory.
    pub directory: bool,
}

/// FILE_ALL_INFORMATION.
#[derive(Clone, Debug, Default)]
pub struct AllInfo {
    /// Basic part.
    pub basic: BasicInfo,
    /// Standard part.
    pub standard: StandardInfo,
    /// NTFS file reference.
    pub index_number: u64,
    /// Size of the extended attributes.
    pub ea_size: u32,
    /// Access granted to the handle.
    pub access: u32,
    /// File position.
    pub position: i64,
    /// Mode of the handle, create options.
    pub mode: u32,
    /// Alignment requirement.
    pub alignment: u32,
    /// Name without the volume.
    pub name: String,
}

/// FILE_STAT_INFORMATION.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatInfo {
    /// NTFS file reference.
    pub file_id: u64,
    /// Times and attributes.
    pub basic: BasicInfo,
    /// Allocated bytes.
    pub allocation: u64,
    /// File size.
    pub end_of_file: u64,
    /// Reparse tag, 0 for none.
    pub reparse_tag: u32,
    /// Hard links.
    pub links: u32,
    /// Access the caller would get.
    pub effective_access: u32,
}

fn push_times(out: &mut Vec<u8>, times: &Times) {
    for time in [times.creation, times.access, times.write, times.change] {
        out.extend_from_slice(&time.to_le_bytes());
    }
}

/// The 40 bytes of FILE_BASIC_INFORMATION.
pub fn basic_info(info: &BasicInfo) -> Vec<u8> {
    let mut out = Vec::with_capacity(40);
    push_times(&mut out, &info.times);
    out.extend_from_slice(&info.attributes.to_le_bytes());
    out.resize(40, 0);
    out
}

/// The 24 bytes of FILE_STANDARD_INFORMATION.
pub fn standard_info(info: &StandardInfo) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    out.extend_from_slice(&info.allocation.to_le_bytes());
    out.extend_from_slice(&info.end_of_file.to_le_bytes());
    out.extend_from_slice(&info.links.to_le_bytes());
    out.extend_from_slice(&[u8::from(info.delete_pending), u8::from(info.directory), 0, 0]);
    out
}

/// FILE_NAME_INFORMATION.
pub fn name_info(name: &str) -> Vec<u8> {
    let name = super::wide(name);
    let mut out = u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    out.extend_from_slice(&name);
    out
}

/// FILE_ALL_INFORMATION.
pub fn all_info(info: &AllInfo) -> Vec<u8> {
    let mut out = basic_info(&info.basic);
    out.extend_from_slice(&standard_info(&info.standard));
    out.extend_from_slice(&info.index_number.to_le_bytes());
    out.extend_from_slice(&info.ea_size.to_le_bytes());
    out.extend_from_slice(&info.access.to_le_bytes());
    out.extend_from_slice(&info.position.to_le_bytes());
    out.extend_from_slice(&info.mode.to_le_bytes());
    out.extend_from_slice(&info.alignment.to_le_bytes());
    out.extend_from_slice(&name_info(&info.name));
    out
}

/// The 56 bytes of FILE_NETWORK_OPEN_INFORMATION.
pub fn network_open_info(basic: &BasicInfo, allocation: u64, end_of_file: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(56);
    push_times(&mut out, &basic.times);
    out.extend_from_slice(&allocation.to_le_bytes());
    out.extend_from_slice(&end_of_file.to_le_bytes());
    out.extend_from_slice(&basic.attributes.to_le_bytes());
    out.resize(56, 0);
    out
}

/// FILE_ID_INFORMATION: volume serial number and 128-bit id.
pub fn id_info(volume_serial: u64, file_id: u128) -> Vec<u8> {
    let mut out = volume_serial.to_le_bytes().to_vec();
    out.extend_from_slice(&file_id.to_le_bytes());
    out
}

/// The 72 bytes of FILE_STAT_INFORMATION.
pub fn stat_info(info: &StatInfo) -> Vec<u8> {
    let mut out = info.file_id.to_le_bytes().to_vec();
    push_times(&mut out, &info.basic.times);
    out.extend_from_slice(&info.allocation.to_le_bytes());
    out.extend_from_slice(&info.end_of_file.to_le_bytes());
    for value in [info.basic.attributes, info.reparse_tag, info.links, info.effective_access] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_their_windows_sizes() {
        assert_eq!(basic_info(&BasicInfo::default()).len(), 40);
        assert_eq!(standard_info(&StandardInfo::default()).len(), 24);
        assert_eq!(network_open_info(&BasicInfo::default(), 0, 0).len(), 56);
        assert_eq!(id_info(1, 2).len(), 24);
        assert_eq!(stat_info(&StatInfo::default()).len(), 72);
        let all = all_info(&AllInfo { index_number: 0x1122, access: 7, name: "a".into(), ..AllInfo::default() });
        assert_eq!(all[0x40..0x42], [0x22, 0x11]);
        assert_eq!(all[0x4C], 7);
        assert_eq!(all[0x60..], [2, 0, 0, 0, b'a', 0]);
    }
}
