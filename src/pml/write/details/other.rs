//! Process, registry, profiling and network events (classes 1, 2, 4, 5).

use std::net::IpAddr;

use super::{Body, Details, rounded, stored, wide, with_spare};

/// What a Process Create or Process Defined event says about the new process.
#[derive(Clone, Debug, Default)]
pub struct NewProcess {
    /// Process number of the new process.
    pub index: u32,
    /// Its process id.
    pub pid: u32,
    /// Process number of the parent.
    pub parent_index: u32,
    /// Process id of the parent.
    pub parent_pid: u32,
    /// Session.
    pub session: u32,
    /// It is a 64-bit process.
    pub is_64_bit: bool,
    /// Creation time, FILETIME.
    pub created: u64,
    /// Authentication id.
    pub luid: u64,
    /// 1 when virtualised.
    pub virtualized: u32,
    /// User SID.
    pub user: Vec<u8>,
    /// Integrity SID.
    pub integrity: Vec<u8>,
    /// Image path.
    pub image: String,
    /// Command line.
    pub command_line: String,
}

/// Totals of a process at its exit or at a statistics event.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessTotals {
    /// Exit status.
    pub status: u32,
    /// Kernel time, 100 ns.
    pub kernel: u64,
    /// User time, 100 ns.
    pub user: u64,
    /// Working set in bytes.
    pub working_set: u64,
    /// Peak working set in bytes.
    pub peak_working_set: u64,
    /// Private bytes.
    pub private: u64,
    /// Peak private bytes.
    pub peak_private: u64,
}

/// A loaded image.
#[derive(Clone, Debug, Default)]
pub struct ImageLoad {
    /// Base address.
    pub base: u64,
    /// Size in memory.
    pub size: u32,
    /// Path.
    pub path: String,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Address.
    pub address: IpAddr,
    /// Port.
    pub port: u16,
}

impl Endpoint {
    /// The address as the 16 bytes of the format, IPv4 in the first four.
    pub fn bytes(self) -> [u8; 16] {
        match self.address {
            IpAddr::V6(v6) => v6.octets(),
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            }
        }
    }
}

/// The binary form of a SID such as `S-1-5-18`; `None` when the text is not one.
pub fn sid_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('-');
    if !parts.next()?.eq_ignore_ascii_case("S") {
        return None;
    }
    let revision: u8 = parts.next()?.parse().ok()?;
    let authority: u64 = parts.next()?.parse().ok()?;
    let subs = parts.map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<_>>>()?;
    if subs.len() > 15 || authority >> 48 != 0 {
        return None;
    }
    let mut out = vec![revision, subs.len() as u8];
    out.extend_from_slice(authority.to_be_bytes().get(2..).unwrap_or_default());
    out.extend(subs.iter().flat_map(|sub| sub.to_le_bytes()));
    Some(out)
}

fn process(operation: u16, detail: Vec<u8>) -> Body {
    Body { class: 1, operation, detail, extra: None }
}

fn registry(operation: u16, numbers: &[u32], path: &str, data: &[u8], extra: Option<Vec<u8>>) -> Body {
    let (info, text) = stored(path);
    let mut detail =
        if numbers.is_empty() { info.to_le_bytes().to_vec() } else { u32::from(info).to_le_bytes().to_vec() };
    detail.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    detail.extend_from_slice(&text);
    detail.extend_from_slice(data);
    Body { class: 2, operation, detail: with_spare(detail), extra: extra.map(rounded) }
}

impl Details {
    /// Process Create (`defined` false) or Process Defined.
    pub fn process_create(self, new: &NewProcess, defined: bool) -> Body {
        let user = new.user.get(..new.user.len().min(0xFF)).unwrap_or_default();
        let integrity = new.integrity.get(..new.integrity.len().min(0xFF)).unwrap_or_default();
        let (image_info, image) = stored(&new.image);
        let (command_info, command) = stored(&new.command_line);
        let mut out = Vec::new();
        for value in [new.index, new.pid, new.parent_index, new.parent_pid, new.session, u32::from(new.is_64_bit)] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&new.created.to_le_bytes());
        out.extend_from_slice(&new.luid.to_le_bytes());
        out.extend_from_slice(&new.virtualized.to_le_bytes());
        out.extend_from_slice(&[user.len() as u8, integrity.len() as u8]);
        out.extend_from_slice(&image_info.to_le_bytes());
        out.extend_from_slice(&u32::from(command_info).to_le_bytes());
        out.extend_from_slice(user);
        out.extend_from_slice(integrity);
        out.extend_from_slice(&image);
        out.extend_from_slice(&command);
        process(u16::from(!defined), with_spare(out))
    }

    /// Process Exit (2) or Process Statistics (8).
    pub fn process_totals(self, operation: u16, totals: &ProcessTotals) -> Body {
        let mut out = totals.status.to_le_bytes().to_vec();
        for value in [
            totals.kernel,
            totals.user,
            totals.working_set,
            totals.peak_working_set,
            totals.private,
            totals.peak_private,
        ] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        process(operation, out)
    }

    /// Process Start.
    pub fn process_start(self, parent_pid: u32, command_line: &str, directory: &str, environment: &[String]) -> Body {
        let (command_info, command) = stored(command_line);
        let (directory_info, directory) = stored(directory);
        let mut block: Vec<u8> = environment.iter().flat_map(|entry| [wide(entry), vec![0, 0]].concat()).collect();
        block.extend_from_slice(&[0, 0]);
        let mut out = parent_pid.to_le_bytes().to_vec();
        out.extend_from_slice(&command_info.to_le_bytes());
        out.extend_from_slice(&directory_info.to_le_bytes());
        out.extend_from_slice(&u32::try_from(block.len() / 2).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&command);
        out.extend_from_slice(&directory);
        out.extend_from_slice(&block);
        process(7, with_spare(out))
    }

    /// Thread Create.
    pub fn thread_create(self, tid: u32) -> Body {
        process(3, tid.to_le_bytes().to_vec())
    }

    /// Thread Exit; times in 100 ns.
    pub fn thread_exit(self, status: u32, kernel: u64, user: u64) -> Body {
        let mut out = status.to_le_bytes().to_vec();
        out.extend_from_slice(&kernel.to_le_bytes());
        out.extend_from_slice(&user.to_le_bytes());
        process(4, out)
    }

    /// Load Image.
    pub fn load_image(self, load: &ImageLoad) -> Body {
        let (info, text) = stored(&load.path);
        let mut out = Vec::new();
        self.push_pointer(&mut out, load.base);
        out.extend_from_slice(&load.size.to_le_bytes());
        out.extend_from_slice(&u32::from(info).to_le_bytes());
        out.extend_from_slice(&text);
        process(5, with_spare(out))
    }

    /// Registry operations that carry a key or value path only: RegCloseKey (2), RegDeleteKey (9), RegDeleteValue (10), …
    pub fn registry_path(self, operation: u16, path: &str) -> Body {
        registry(operation, &[], path, &[], None)
    }

    /// RegOpenKey (0) or RegCreateKey (1); `granted` is access and disposition of a success.
    pub fn registry_open(self, operation: u16, path: &str, access: u32, granted: Option<(u32, u32)>) -> Body {
        let extra = granted.map(|(access, disposition)| [access.to_le_bytes(), disposition.to_le_bytes()].concat());
        registry(operation, &[access], path, &[], extra)
    }

    /// RegQueryKey (3) or RegQueryValue (5); `answer` is the structure of `class` for a success.
    pub fn registry_query(self, operation: u16, path: &str, length: u32, class: u32, answer: Option<Vec<u8>>) -> Body {
        registry(operation, &[length, class], path, &[], answer)
    }

    /// RegEnumValue (6) or RegEnumKey (7).
    pub fn registry_enum(
        self,
        operation: u16,
        path: &str,
        length: u32,
        index: u32,
        class: u32,
        answer: Option<Vec<u8>>,
    ) -> Body {
        registry(operation, &[length, index, class], path, &[], answer)
    }

    /// RegSetValue with its data.
    pub fn registry_set_value(self, path: &str, kind: u32, data: &[u8]) -> Body {
        let kept = data.get(..data.len().min(0xFFFF)).unwrap_or_default();
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
        registry(4, &[kind, size, kept.len() as u32], path, kept, None)
    }

    /// A network event: 2 send, 3 receive, 4 accept, 5 connect, 6 disconnect, …; `notes` are name and value in turn.
    pub fn network(
        self,
        operation: u16,
        tcp: bool,
        source: Endpoint,
        target: Endpoint,
        length: u32,
        notes: &[String],
    ) -> Body {
        let flags =
            u32::from(source.address.is_ipv4()) | u32::from(target.address.is_ipv4()) << 1 | u32::from(tcp) << 2;
        let mut out = flags.to_le_bytes().to_vec();
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&source.bytes());
        out.extend_from_slice(&target.bytes());
        out.extend_from_slice(&source.port.to_le_bytes());
        out.extend_from_slice(&target.port.to_le_bytes());
        for note in notes {
            out.extend_from_slice(&wide(note));
            out.extend_from_slice(&[0, 0]);
        }
        out.extend_from_slice(&[0, 0]);
        Body { class: 5, operation, detail: out, extra: None }
    }

    /// Thread Profiling: user and kernel time and context switches.
    pub fn thread_profile(self, user: u32, kernel: u32, switches: u32) -> Body {
        let detail = [user, kernel, switches].iter().flat_map(|value| value.to_le_bytes()).collect();
        Body { class: 4, operation: 0, detail, extra: None }
    }

    /// Process Profiling: user and kernel time, working set and private bytes.
    pub fn process_profile(self, user: u64, kernel: u64, working_set: u64, private: u64) -> Body {
        let detail = [user, kernel, working_set, private].iter().flat_map(|value| value.to_le_bytes()).collect();
        Body { class: 4, operation: 1, detail, extra: None }
    }
}

/// KEY_VALUE_PARTIAL_INFORMATION, the answer to RegQueryValue of class 2.
pub fn value_partial_info(kind: u32, data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut out: Vec<u8> = [0, kind, size].iter().flat_map(|value: &u32| value.to_le_bytes()).collect();
    out.extend_from_slice(data);
    out
}

/// KEY_BASIC_INFORMATION, the answer to RegEnumKey of class 0.
pub fn key_basic_info(written: u64, name: &str) -> Vec<u8> {
    let name = wide(name);
    let mut out = written.to_le_bytes().to_vec();
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&name);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_have_their_binary_form() {
        assert_eq!(sid_bytes("S-1-5-18"), Some(vec![1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]));
        assert_eq!(sid_bytes("S-1-16-16384").map(|sid| sid.len()), Some(12));
        assert_eq!(sid_bytes("SYSTEM"), None);
        assert_eq!(sid_bytes("S-1-5-x"), None);
    }

    #[test]
    fn process_create_strings_start_at_34h_after_the_sids() {
        let new = NewProcess {
            pid: 0x1234,
            created: 0x0102_0304_0506_0708,
            user: sid_bytes("S-1-5-18").unwrap(),
            image: r"C:\a.exe".into(),
            command_line: "a 亚".into(),
            ..NewProcess::default()
        };
        let body = Details::new(true).process_create(&new, false);
        assert_eq!((body.class, body.operation), (1, 1));
        assert_eq!(body.detail[0x04..0x08], 0x1234_u32.to_le_bytes());
        assert_eq!(body.detail[0x18], 8);
        assert_eq!(body.detail[0x2C..0x34], [12, 0, 0x08, 0x80, 3, 0, 0, 0]);
        assert_eq!(&body.detail[0x40..0x48], br"C:\a.exe");
        assert_eq!(body.detail[0x48..0x4E], [b'a', 0, b' ', 0, 0x9A, 0x4E]);
    }

    #[test]
    fn registry_paths_follow_their_fixed_part() {
        let details = Details::new(true);
        assert_eq!(&details.registry_path(2, r"HKLM\A").detail[2..8], br"HKLM\A");
        assert_eq!(&details.registry_open(0, r"HKLM\A", 1, None).detail[8..14], br"HKLM\A");
        assert_eq!(&details.registry_query(5, r"HKLM\A", 1, 2, None).detail[0x0C..0x12], br"HKLM\A");
        assert_eq!(&details.registry_set_value(r"HKLM\A", 4, &[1, 0, 0, 0]).detail[0x10..0x1A], b"HKLM\\A\x01\0\0\0");
    }
}
