//! The folders of Windows: where a file that bears Microsoft's company string is a part of it.

use super::facts::{clean, fold};

/// Where Windows keeps parts of itself outside the system root, from the drive's root on.
const WINDOWS_FOLDERS: &[&str] = &[
    r"\$windows.~bt\",
    r"\$windows.~ws\",
    r"\program files\windowsapps\microsoft",
    r"\program files\internet explorer\",
];

/// Below the system root, but written by anybody who is allowed to log on.
const WRITABLE: &[&str] = &[r"temp\", r"systemtemp\", r"tasks\", r"tracing\", r"system32\tasks\", r"syswow64\tasks\"];

/// What the installer itself runs from such a folder.
const UNPACKED: &[&str] = &["dismhost.exe"];

/// Whether a file lies where Windows keeps its own.
pub(super) fn is_of_windows(path: &str, system_root: &str) -> bool {
    below_system_root(path, system_root).is_some() || in_windows_folder(&fold(path))
}

/// What follows the system root in the path of a file that lies below it, folded; not in a folder where anybody may have put
/// it. A device path has no drive, so there the drive is not compared; without a known root, `Windows` at the root of any
/// drive is taken.
pub(super) fn below_system_root(path: &str, system_root: &str) -> Option<String> {
    let folded = fold(path);
    let below = match below_system_root_name(path) {
        Some(below) => below.replace('/', "\\").to_lowercase(),
        None => {
            let root = fold(system_root);
            let root = match root.trim_end_matches('\\') {
                "" => r"?:\windows",
                root => root,
            };
            let (root_drive, root_folder) = root.split_once(':')?;
            let (drive, rest) = folded.split_once(':')?;
            let same_drive = drive == root_drive || drive == "?" || root_drive == "?";
            rest.strip_prefix(root_folder)?.strip_prefix('\\').filter(|_| same_drive)?.to_owned()
        }
    };
    (!is_writable(&below) && !folded.contains(r"\..\")).then_some(below)
}

/// What follows the object name `\SystemRoot\`, under which the kernel starts the first processes.
fn below_system_root_name(path: &str) -> Option<&str> {
    let path = clean(path);
    let prefix = path.get(..12).filter(|prefix| prefix.eq_ignore_ascii_case(r"\SystemRoot\"))?;
    path.get(prefix.len()..)
}

fn is_writable(below: &str) -> bool {
    let leaf = below.rsplit('\\').next().unwrap_or(below);
    WRITABLE.iter().any(|folder| below.starts_with(folder)) && !UNPACKED.contains(&leaf)
}

/// Whether a folded path lies in a folder of Windows outside the system root.
pub(super) fn in_windows_folder(folded: &str) -> bool {
    let Some((_, rest)) = folded.split_once(':') else { return false };
    let rest = rest.replace(r"\program files (x86)\", r"\program files\");
    WINDOWS_FOLDERS.iter().any(|folder| rest.starts_with(folder)) || rest.starts_with(r"\program files\windows ")
}
