//! Where Windows lies. An export does not say; the programs that only run from there do, and else the majority of rows.

use super::row::Row;
use crate::capture::columns::Column;
use crate::nt::NtStatus;

/// System roots told apart, at most.
const MOST: usize = 64;

/// What speaks for a system root, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evidence {
    /// A program of Windows that runs from nowhere else, or a kernel module.
    System,
    /// Another program or DLL below `System32` that was run or loaded.
    Image,
    /// What the installer opened.
    Installer,
    /// What anybody opened.
    Row,
}

/// Programs of Windows that are started from its own folders only.
const OWN: [&str; 8] = [
    "TiWorker.exe",
    "TrustedInstaller.exe",
    "smss.exe",
    "csrss.exe",
    "wininit.exe",
    "services.exe",
    "lsass.exe",
    "svchost.exe",
];

/// The system roots that paths show, with how often each is shown by what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots(Vec<(Box<[u8]>, [u64; 4])>);

impl Roots {
    /// Counts a row about a file. What was refused or not found shows nothing.
    #[inline]
    pub(crate) fn see_row(&mut self, row: &Row<'_>, status: NtStatus) {
        if !status.is_success() {
            return;
        }
        let Some(root) = system_root_of(row.bytes(Column::Path)) else { return };
        let name = row.bytes(Column::ProcessName);
        let installer = OWN.iter().take(2).any(|own| own.as_bytes().eq_ignore_ascii_case(name));
        self.count(root, if installer { Evidence::Installer } else { Evidence::Row });
    }

    /// Counts a module loaded by a process, or the kernel.
    pub(crate) fn see_loaded(&mut self, path: &[u8], kernel: bool) {
        if let Some(root) = system_root_of(path) {
            self.count(root, if kernel { Evidence::System } else { Evidence::Image });
        }
    }

    /// Counts the program of a process.
    pub(crate) fn see_program(&mut self, path: &str) {
        let name = path.rsplit('\\').next().unwrap_or_default();
        let own = OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
        if let Some(root) = system_root_of(path.as_bytes()) {
            self.count(root, if own { Evidence::System } else { Evidence::Image });
        }
    }

    fn count(&mut self, root: &[u8], evidence: Evidence) {
        let mut counts = [0; 4];
        if let Some(count) = counts.get_mut(evidence as usize) {
            *count = 1;
        }
        self.add(root, counts);
    }

    /// Adds what the next rows show.
    pub(crate) fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|(root, counts)| self.add(root, *counts));
    }

    fn add(&mut self, root: &[u8], counts: [u64; 4]) {
        if let Some((_, sums)) = self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(root)) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        } else if self.0.len() < MOST {
            self.0.push((root.into(), counts));
        }
    }

    /// The root that the strongest evidence shows most often; `None` where two are shown alike.
    pub(crate) fn best(&self) -> Option<String> {
        let (root, most) = self.0.iter().max_by_key(|(_, counts)| counts)?;
        let alone = self.0.iter().filter(|(_, counts)| counts == most).count() == 1;
        alone.then(|| String::from_utf8_lossy(root).into_owned())
    }
}

/// The system root that a path shows: `C:\Windows` of `C:\Windows\System32\…`.
fn system_root_of(path: &[u8]) -> Option<&[u8]> {
    let below = path.strip_prefix(path.get(..3)?).filter(|_| path.get(1..3) == Some(b":\\"))?;
    let length = memchr::memchr(b'\\', below).filter(|length| *length > 0)?;
    let rest = below.get(length + 1..)?;
    let next = rest.get(..memchr::memchr(b'\\', rest)?)?;
    let known: [&[u8]; 3] = [b"System32", b"WinSxS", b"servicing"];
    known.iter().any(|known| next.eq_ignore_ascii_case(known)).then(|| path.get(..3 + length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Roots, system_root_of};

    #[test]
    fn a_system_root_is_shown_by_its_folders() {
        for (path, root) in [
            (r"C:\Windows\System32\ntdll.dll", Some(r"C:\Windows")),
            (r"C:\WINDOWS\winsxs\x\y.dll", Some(r"C:\WINDOWS")),
            (r"D:\Win10\servicing\TrustedInstaller.exe", Some(r"D:\Win10")),
            (r"C:\Windows\System32", None),
            (r"C:\Windows\explorer.exe", None),
            (r"C:\\System32\x", None),
            (r"\\server\c$\System32\x", None),
            ("C:", None),
            ("", None),
        ] {
            assert_eq!(system_root_of(path.as_bytes()), root.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn the_strongest_evidence_decides_and_then_the_majority() {
        let mut roots = Roots::default();
        assert_eq!(roots.best(), None);
        roots.count(br"D:\Windows", Evidence::Row);
        assert_eq!(roots.best().as_deref(), Some(r"D:\Windows"));
        roots.count(br"C:\Windows", Evidence::Row);
        assert_eq!(roots.best(), None, "one row each");
        roots.count(br"c:\windows", Evidence::Row);
        assert_eq!(roots.best().as_deref(), Some(r"C:\Windows"));
        let mut more = Roots::default();
        (0..9).for_each(|_| more.count(br"D:\Windows", Evidence::Row));
        roots.join(&more);
        assert_eq!(roots.best().as_deref(), Some(r"D:\Windows"));
        roots.count(br"C:\Windows", Evidence::Installer);
        assert_eq!(roots.best().as_deref(), Some(r"C:\Windows"));
        roots.see_loaded(br"D:\Windows\System32\a.dll", false);
        assert_eq!(roots.best().as_deref(), Some(r"D:\Windows"));
        roots.see_program(r"C:\Windows\System32\svchost.exe");
        roots.see_program(r"D:\Windows\System32\notepad.exe");
        assert_eq!(roots.best().as_deref(), Some(r"C:\Windows"));
    }
}
