//! One path in the spellings of a log and of a capture.

use crate::nt::path::{Roots, fold, normalize, split_stream, strip_prefix_folded};

/// A path in the form in which two are compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathKey {
    /// What follows the drive or the device, folded: `\WINDOWS\WINSXS\…`.
    pub tail: String,
    /// The drive, folded: `C:`; `None` where a device name or an unknown system root hides it.
    pub drive: Option<String>,
}

impl PathKey {
    /// Whether both are the same path as far as they tell; a hidden drive fits any.
    pub fn is_same(&self, other: &Self) -> bool {
        self.tail == other.tail
            && match (&self.drive, &other.drive) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }
}

/// The key of a path as a log or a capture spells it: `\SystemRoot\…`, `%SystemRoot%\…`, `\??\C:\…`, a device name,
/// doubled backslashes, any case. A stream counts as its file.
pub fn path_key(path: &str, roots: &Roots) -> PathKey {
    let path = single_backslashes(path);
    let path = match strip_prefix_folded(&path, "%SystemRoot%\\") {
        Some(rest) => format!("\\SystemRoot\\{rest}"),
        None => path,
    };
    let path = normalize(&path, roots).into_owned();
    let (file, _) = split_stream(&path);
    let folded = fold(file).into_owned();
    let bytes = folded.as_bytes();
    if bytes.get(1) == Some(&b':') && bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        let (drive, tail) = folded.split_at(2);
        return PathKey { tail: tail.to_owned(), drive: Some(drive.to_owned()) };
    }
    if let Some(rest) = folded.strip_prefix("\\SYSTEMROOT\\") {
        // Without a header that names it, the usual place.
        return PathKey { tail: format!("\\WINDOWS\\{rest}"), drive: None };
    }
    let tail = match folded.strip_prefix("\\DEVICE\\").or_else(|| folded.strip_prefix("VOLUME{")) {
        Some(rest) => rest.find('\\').and_then(|at| rest.get(at..)).unwrap_or(rest).to_owned(),
        None => folded,
    };
    PathKey { tail, drive: None }
}

/// Mails and some collectors double backslashes; the two at the start of a share or of `\\?\` stay.
fn single_backslashes(path: &str) -> String {
    let doubled = path.matches("\\\\").count() >= 2 && !path.replace("\\\\", "").contains('\\');
    if doubled || path.get(2..).is_some_and(|rest| rest.contains("\\\\")) {
        return path.replace("\\\\", "\\");
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        Roots { system_root: Some(r"C:\Windows".into()), volumes: vec![] }
    }

    #[test]
    fn every_spelling_is_one_path() {
        let plain = path_key(r"C:\Windows\WinSxS\Temp\InFlight\ab\x.dll", &roots());
        for other in [
            r"\SystemRoot\WinSxS\Temp\InFlight\ab\x.dll",
            r"%SystemRoot%\winsxs\temp\inflight\AB\X.DLL",
            r"\??\C:\Windows\WinSxS\Temp\InFlight\ab\x.dll",
            r"\\?\C:\Windows\WinSxS\Temp\InFlight\ab\x.dll",
            r"\\SystemRoot\\WinSxS\\Temp\\InFlight\\ab\\x.dll",
            r"\Device\HarddiskVolume3\Windows\WinSxS\Temp\InFlight\ab\x.dll",
            r"C:\Windows\WinSxS\Temp\InFlight\ab\x.dll::$DATA",
            r"C:\Windows\WinSxS\Temp\InFlight\ab\x.dll:stream",
        ] {
            assert!(plain.is_same(&path_key(other, &roots())), "{other}: {:?}", path_key(other, &roots()));
        }
        for other in [
            r"D:\Windows\WinSxS\Temp\InFlight\ab\x.dll",
            r"C:\Windows\WinSxS\Temp\InFlight\ab\x.dll.mui",
            r"\SystemRoot\WinSxS\Temp\InFlight\ab",
        ] {
            assert!(!plain.is_same(&path_key(other, &roots())), "{other}");
        }
    }

    #[test]
    fn an_unknown_system_root_is_the_usual_one() {
        let key = path_key(r"\SystemRoot\System32\x.dll", &Roots::default());
        assert!(key.is_same(&path_key(r"C:\WINDOWS\system32\x.dll", &Roots::default())));
        assert!(!key.is_same(&path_key(r"C:\WINNT\system32\x.dll", &Roots::default())));
    }
}
