//! File-system events (class 3).

use super::{Body, Details, rounded, stored, wide, with_spare};

/// How an operation reached the file system: the filter manager's callback flags.
#[derive(Clone, Copy)]
enum Callback {
    Irp = 1,
    FastIo = 2,
    FsFilter = 4,
}

/// Arguments of a create request.
#[derive(Clone, Debug, Default)]
pub struct CreateFile {
    /// Desired access, generic bits as the caller gave them.
    pub access: u32,
    /// Disposition, 0 supersede to 5 overwrite-if.
    pub disposition: u8,
    /// Create options, 24 bits.
    pub options: u32,
    /// File attributes.
    pub attributes: u16,
    /// Share mode: 1 read, 2 write, 4 delete.
    pub share: u16,
    /// Length of the extended attributes.
    pub ea_length: u32,
    /// Allocation size.
    pub allocation_size: i64,
    /// SID of the impersonated user; empty for none.
    pub impersonated: Vec<u8>,
    /// `IoStatus.Information` of a success: the open result, or the reparse tag.
    pub information: Option<u64>,
}

/// Arguments of a read or write.
#[derive(Clone, Debug, Default)]
pub struct Transfer {
    /// A write, not a read.
    pub write: bool,
    /// By fast I/O, not by IRP.
    pub fast: bool,
    /// Bytes asked for.
    pub length: u32,
    /// Lock key.
    pub key: u32,
    /// File offset.
    pub offset: i64,
    /// IRP and operation flags as stored: bits E000FFh show in Procmon.
    pub flags: u32,
    /// Bytes read, for a read that moved some.
    pub returned: Option<u32>,
}

/// Arguments of a section creation.
#[derive(Clone, Debug, Default)]
pub struct MappingSection {
    /// 0 other, 1 create section.
    pub sync_type: u32,
    /// `PAGE_*` protection.
    pub protection: u32,
    /// Address that receives the answer.
    pub output: u64,
    /// `SEC_*` attributes; recorded by 64-bit Windows 11 only.
    pub allocation: u32,
}

/// Arguments of a lock-control request.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    /// 1 lock, 2 unlock single, 3 unlock all, 4 unlock by key.
    pub minor: u8,
    /// Lock key.
    pub key: u32,
    /// Start of the range.
    pub offset: i64,
    /// Length of the range.
    pub length: i64,
    /// Fail instead of waiting.
    pub fail_immediately: bool,
    /// Exclusive lock.
    pub exclusive: bool,
}

/// Where a rename or link leads.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `ReplaceIfExists` of the classic classes, or the flags of the Ex classes.
    pub flags: u32,
    /// Handle of the directory that the name is relative to.
    pub root: u64,
    /// The name as the caller gave it.
    pub given: String,
    /// The resolved destination that Procmon's driver appends for renames.
    pub destination: Option<String>,
    /// The FILE_OBJECT of the target's parent directory.
    pub parent_object: u64,
}

/// One entry of a directory listing.
#[derive(Clone, Debug, Default)]
pub struct DirectoryEntry {
    /// File name.
    pub name: String,
    /// 8.3 name, empty when the long one is one already.
    pub short_name: String,
    /// File id.
    pub id: u64,
    /// File attributes.
    pub attributes: u32,
    /// File size.
    pub size: u64,
    /// Creation, access, write and change time alike.
    pub time: u64,
}

/// The filter manager's parameter block of an event.
struct Arguments {
    details: Details,
    head: Vec<u8>,
}

impl Arguments {
    /// Offset of argument `n`, 1 to 6.
    fn slot(&self, n: usize) -> usize {
        0x10 + (n - 1) * self.details.pointer()
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        for (place, byte) in self.head.iter_mut().skip(at).zip(bytes) {
            *place = *byte;
        }
    }

    fn u32(&mut self, n: usize, value: u32) {
        self.put(self.slot(n), &value.to_le_bytes());
    }

    fn pointer(&mut self, n: usize, value: u64) {
        let bytes = value.to_le_bytes();
        self.put(self.slot(n), bytes.get(..self.details.pointer()).unwrap_or_default());
    }

    /// A 64-bit argument; on 32-bit machines it spans two slots.
    fn i64(&mut self, n: usize, value: i64) {
        self.put(self.slot(n), &value.to_le_bytes());
    }
}

impl Details {
    #[allow(clippy::too_many_arguments)]
    fn file(
        self,
        operation: u16,
        sub_code: u8,
        callback: Callback,
        flags: u32,
        path: &str,
        fill: impl FnOnce(&mut Arguments),
        tail: &[u8],
        extra: Option<Vec<u8>>,
    ) -> Body {
        let size = if self.is_64_bit { 0x40 } else { 0x2C };
        let mut arguments = Arguments { details: self, head: vec![0; size] };
        arguments.put(0x00, &[sub_code]);
        arguments.put(0x08, &flags.to_le_bytes());
        arguments.put(0x0C, &(callback as u32).to_le_bytes());
        fill(&mut arguments);
        let mut detail = arguments.head;
        let (info, text) = stored(path);
        detail.extend_from_slice(&u32::from(info).to_le_bytes());
        detail.extend_from_slice(&text);
        detail.extend_from_slice(tail);
        Body { class: 3, operation, detail: with_spare(detail), extra: extra.map(rounded) }
    }

    /// A request without arguments: CloseFile (38), IRP_MJ_CLOSE (22), FlushBuffersFile (29) and the releases.
    pub fn plain(self, operation: u16, path: &str) -> Body {
        let callback = if (14..=19).contains(&operation) { Callback::FsFilter } else { Callback::Irp };
        self.file(operation, 0, callback, 0, path, |_| (), &[], None)
    }

    /// CreateFile.
    pub fn create_file(self, path: &str, create: &CreateFile) -> Body {
        let sid_len = u8::try_from(create.impersonated.len()).unwrap_or(0);
        let mut tail = create.access.to_le_bytes().to_vec();
        tail.extend_from_slice(&u32::from(sid_len).to_le_bytes());
        tail.extend_from_slice(create.impersonated.get(..usize::from(sid_len)).unwrap_or_default());
        let extra = create.information.map(|information| {
            let mut extra = Vec::new();
            self.push_pointer(&mut extra, information);
            extra
        });
        let fill = |arguments: &mut Arguments| {
            arguments.u32(2, create.options & 0x00FF_FFFF | u32::from(create.disposition) << 24);
            arguments.u32(3, u32::from(create.attributes) | u32::from(create.share) << 16);
            arguments.u32(4, create.ea_length);
            arguments.i64(6, create.allocation_size);
        };
        self.file(20, 0, Callback::Irp, 0x884, path, fill, &tail, extra)
    }

    /// QueryOpen; `network_open` is the 56-byte answer when there is one.
    pub fn query_open(self, path: &str, network_open: Option<Vec<u8>>) -> Body {
        self.file(6, 0, Callback::FastIo, 0, path, |_| (), &[], network_open)
    }

    /// ReadFile or WriteFile.
    pub fn transfer(self, path: &str, transfer: &Transfer) -> Body {
        let operation = if transfer.write { 24 } else { 23 };
        let callback = if transfer.fast { Callback::FastIo } else { Callback::Irp };
        let extra = transfer.returned.filter(|_| !transfer.write).map(|returned| {
            let mut extra = Vec::new();
            self.push_pointer(&mut extra, u64::from(returned));
            extra
        });
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, transfer.length);
            arguments.u32(2, transfer.key);
            arguments.i64(3, transfer.offset);
        };
        self.file(operation, 0, callback, transfer.flags, path, fill, &[], extra)
    }

    /// CreateFileMapping.
    pub fn create_mapping(self, path: &str, section: &MappingSection) -> Body {
        let is_64_bit = self.is_64_bit;
        let fill = |arguments: &mut Arguments| {
            arguments.put(0x10, &section.sync_type.to_le_bytes());
            // The protection stands at +14 on both widths: the two words share one 64-bit argument.
            arguments.put(0x14, &section.protection.to_le_bytes());
            if is_64_bit {
                arguments.put(0x18, &section.output.to_le_bytes());
                arguments.put(0x24, &section.allocation.to_le_bytes());
            } else {
                arguments.put(0x18, &(section.output as u32).to_le_bytes());
            }
        };
        self.file(19, 0, Callback::FsFilter, 0, path, fill, &[], None)
    }

    /// LockFile, UnlockFileSingle, UnlockFileAll, UnlockFileByKey.
    pub fn lock(self, path: &str, lock: &Lock) -> Body {
        let is_64_bit = self.is_64_bit;
        let fill = |arguments: &mut Arguments| {
            arguments.u32(2, lock.key);
            arguments.i64(3, lock.offset);
            let at = if is_64_bit { 0x30 } else { 0x24 };
            arguments.put(at, &[u8::from(lock.fail_immediately), u8::from(lock.exclusive)]);
        };
        self.file(37, lock.minor, Callback::Irp, 0, path, fill, &lock.length.to_le_bytes(), None)
    }

    /// QueryDirectory of class FileIdBothDirectoryInformation; `entries` is `None` when the query failed.
    pub fn query_directory(
        self,
        path: &str,
        pattern: Option<&str>,
        length: u32,
        entries: Option<&[DirectoryEntry]>,
    ) -> Body {
        let mut tail = Vec::new();
        let units: Vec<u8> = wide(pattern.unwrap_or_default()).into_iter().take(0xFFFE).collect();
        tail.extend_from_slice(&((units.len() / 2) as u16).to_le_bytes());
        tail.extend_from_slice(&units);
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, length);
            arguments.u32(3, 37);
        };
        let chain = entries.map(entry_chain);
        self.file(32, 1, Callback::Irp, 0, path, fill, &tail, chain)
    }

    /// NotifyChangeDirectory with its `FILE_NOTIFY_CHANGE_*` filter.
    pub fn notify_directory(self, path: &str, length: u32, filter: u32) -> Body {
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, length);
            arguments.u32(2, filter);
        };
        self.file(32, 2, Callback::Irp, 0, path, fill, &[], None)
    }

    /// FileSystemControl (33) or DeviceIoControl (34).
    pub fn control(self, operation: u16, path: &str, code: u32, output: u32, input: u32) -> Body {
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, output);
            arguments.u32(2, input);
            arguments.u32(3, code);
        };
        self.file(operation, 0, Callback::Irp, 0, path, fill, &[], None)
    }

    /// Operations with two plain numbers: QuerySecurityFile (40), SetSecurityFile (41), QueryEAFile (27), SetEAFile (28).
    pub fn two_numbers(self, operation: u16, path: &str, first: u32, second: u32) -> Body {
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, first);
            arguments.u32(2, second);
        };
        self.file(operation, 0, Callback::Irp, 0, path, fill, &[], None)
    }

    /// Query information (25) or volume information (30) of `class`; `answer` is the structure of a success.
    pub fn query_info(self, operation: u16, path: &str, class: u8, length: u32, answer: Option<Vec<u8>>) -> Body {
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, length);
            arguments.u32(2, u32::from(class));
        };
        self.file(operation, class, Callback::Irp, 0, path, fill, &[], answer)
    }

    /// Set information (26) of `class` with the caller's `buffer`; `handle` for the disposition classes.
    pub fn set_info(self, path: &str, class: u8, buffer: &[u8], handle: u64) -> Body {
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, u32::try_from(buffer.len()).unwrap_or(u32::MAX));
            arguments.u32(2, u32::from(class));
            arguments.pointer(4, handle);
        };
        self.file(26, class, Callback::Irp, 0, path, fill, buffer, None)
    }

    /// Rename (0Ah, 41h, 42h) or link (0Bh, 48h, 49h).
    pub fn set_target(self, path: &str, class: u8, target: &Target) -> Body {
        let mut buffer = target.flags.to_le_bytes().to_vec();
        buffer.resize(self.pointer(), 0);
        self.push_pointer(&mut buffer, target.root);
        let name = wide(&target.given);
        buffer.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
        buffer.extend_from_slice(&name);
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        if let Some(destination) = &target.destination {
            let (info, text) = stored(destination);
            buffer.extend_from_slice(&info.to_le_bytes());
            buffer.extend_from_slice(&text);
        }
        let fill = |arguments: &mut Arguments| {
            arguments.u32(1, length);
            arguments.u32(2, u32::from(class));
            arguments.pointer(3, target.parent_object);
            arguments.u32(4, target.flags);
        };
        self.file(26, class, Callback::Irp, 0, path, fill, &buffer, None)
    }

    /// FASTIO_ACQUIRE_FOR_MOD_WRITE (17).
    pub fn acquire_for_mod_write(self, path: &str, ending_offset: i64) -> Body {
        self.file(17, 0, Callback::FsFilter, 0, path, |_| (), &ending_offset.to_le_bytes(), None)
    }
}

/// The chain of FileIdBothDirectoryInformation entries, each on an 8-byte boundary.
fn entry_chain(entries: &[DirectoryEntry]) -> Vec<u8> {
    let mut chain = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let name = wide(&entry.name);
        let short: Vec<u8> = wide(&entry.short_name).into_iter().take(24).collect();
        let size = 0x68 + name.len();
        let last = number + 1 == entries.len();
        let next = if last { 0 } else { size.next_multiple_of(8) };
        let start = chain.len();
        chain.extend_from_slice(&(next as u32).to_le_bytes());
        chain.extend_from_slice(&0_u32.to_le_bytes());
        for _ in 0..4 {
            chain.extend_from_slice(&entry.time.to_le_bytes());
        }
        chain.extend_from_slice(&entry.size.to_le_bytes());
        chain.extend_from_slice(&entry.size.next_multiple_of(4096).to_le_bytes());
        chain.extend_from_slice(&entry.attributes.to_le_bytes());
        chain.extend_from_slice(&(name.len() as u32).to_le_bytes());
        chain.extend_from_slice(&0_u32.to_le_bytes());
        chain.extend_from_slice(&[short.len() as u8, 0]);
        chain.extend_from_slice(&short);
        // The short name's 24 bytes and the padding before the 64-bit id.
        chain.resize(start + 0x60, 0);
        chain.extend_from_slice(&entry.id.to_le_bytes());
        chain.extend_from_slice(&name);
        chain.resize(start + if last { size } else { next }, 0);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn create_file_stands_where_the_format_has_it() {
        let create = CreateFile {
            access: 0x0011_0000,
            disposition: 1,
            options: 0x20_4040,
            attributes: 0x80,
            share: 7,
            information: Some(1),
            ..CreateFile::default()
        };
        let wide = Details::new(true).create_file(r"C:\a.dll", &create);
        assert_eq!((wide.class, wide.operation), (3, 20));
        assert_eq!(u32_at(&wide.detail, 0x18), 0x0120_4040);
        assert_eq!(u32_at(&wide.detail, 0x20), 0x0007_0080);
        assert_eq!(u32_at(&wide.detail, 0x40), 0x8008);
        assert_eq!(&wide.detail[0x44..0x4C], br"C:\a.dll");
        assert_eq!(u32_at(&wide.detail, 0x4C), 0x0011_0000);
        assert_eq!(wide.extra, Some(vec![1, 0, 0, 0, 0, 0, 0, 0]));
        let narrow = Details::new(false).create_file(r"C:\a.dll", &create);
        assert_eq!(u32_at(&narrow.detail, 0x14), 0x0120_4040);
        assert_eq!(u32_at(&narrow.detail, 0x2C), 0x8008);
        assert_eq!(u32_at(&narrow.detail, 0x38), 0x0011_0000);
        assert_eq!(narrow.extra, Some(vec![1, 0, 0, 0]));
    }

    #[test]
    fn rename_appends_the_resolved_destination_behind_the_buffer() {
        let target =
            Target { flags: 1, given: r"\??\C:\b".into(), destination: Some(r"C:\b".into()), ..Target::default() };
        let body = Details::new(true).set_target(r"C:\a", 0x0A, &target);
        let tail = &body.detail[0x48..];
        let length = u32_at(&body.detail, 0x10) as usize;
        assert_eq!(length, 0x14 + 16);
        assert_eq!(u32_at(tail, 0x10), 16);
        assert_eq!(tail[length..length + 2], 0x8004_u16.to_le_bytes());
        assert_eq!(&tail[length + 2..length + 6], br"C:\b");
    }

    #[test]
    fn directory_chain_keeps_ids_and_short_names() {
        let entries = [
            DirectoryEntry {
                name: "long name.dll".into(),
                short_name: "LONGNA~1.DLL".into(),
                id: 0x55,
                ..Default::default()
            },
            DirectoryEntry { name: "b".into(), id: 0x66, ..Default::default() },
        ];
        let chain = entry_chain(&entries);
        let next = u32_at(&chain, 0) as usize;
        assert_eq!(next, (0x68_usize + 26).next_multiple_of(8));
        assert_eq!(chain[0x44], 24);
        assert_eq!(chain[0x60], 0x55);
        assert_eq!(u32_at(&chain, next), 0);
        assert_eq!(chain[next + 0x60], 0x66);
    }
}
