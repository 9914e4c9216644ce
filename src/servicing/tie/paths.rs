//! One path in the spellings of a log and of a capture.

use crate::nt::path::{Roots, fold, leaf, normalize, split_stream, strip_prefix_folded};

/// A path in the form in which two are compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathKey {
    /// What follows the drive or the device, folded: `\WINDOWS\WINSXS\…`.
    pub tail: String,
    /// The drive, folded: `C:`; `None` where a device name or an unknown system root hides it.
    pub drive: Option<String>,
}

impl PathKey {
    /// Whether both may be names of one file though the paths differ: the same last component (a hard link, a folder
    /// renamed), or an 8.3 name that fits the other.
    pub fn may_be_other_name(&self, other: &Self) -> bool {
        let (a, b) = (leaf(&self.tail), leaf(&other.tail));
        a == b || is_short_for(a, b) || is_short_for(b, a)
    }

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

/// Whether `short` looks like the 8.3 name of `long`: up to six of its characters, `~`, a number, and the extension.
fn is_short_for(short: &str, long: &str) -> bool {
    let (short_base, short_end) = short.rsplit_once('.').unwrap_or((short, ""));
    let (long_base, long_end) = long.rsplit_once('.').unwrap_or((long, ""));
    let Some((head, number)) = short_base.split_once('~') else { return false };
    let plain: String = long_base.chars().filter(|c| !matches!(c, '.' | ' ')).collect();
    !head.is_empty()
        && head.len() <= 6
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && plain.starts_with(head)
        && long_end.chars().take(3).eq(short_end.chars())
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
        Roots { system_root: Some(r"C:\Windows".into()), ..Roots::default() }
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
    fn another_name_of_one_file_looks_like_it() {
        let key = |path| path_key(path, &roots());
        let long = key(r"C:\Windows\WinSxS\amd64_a\clipboard server.dll");
        assert!(long.may_be_other_name(&key(r"C:\Windows\System32\Clipboard Server.dll")));
        assert!(long.may_be_other_name(&key(r"C:\Windows\System32\CLIPBO~1.DLL")));
        for other in
            [r"C:\x\CLIPBO~1.EXE", r"C:\x\CLIPXX~1.DLL", r"C:\x\~1.DLL", r"C:\x\CLIPBO~X.DLL", r"C:\x\other.dll"]
        {
            assert!(!long.may_be_other_name(&key(other)), "{other}");
        }
    }

    #[test]
    fn an_unknown_system_root_is_the_usual_one() {
        let key = path_key(r"\SystemRoot\System32\x.dll", &Roots::default());
        assert!(key.is_same(&path_key(r"C:\WINDOWS\system32\x.dll", &Roots::default())));
        assert!(!key.is_same(&path_key(r"C:\WINNT\system32\x.dll", &Roots::default())));
    }
}
