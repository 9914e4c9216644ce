//! Conflicts with nobody to blame: files the kernel itself holds, and statuses that answer rather than refuse.
//!
//! The rules, as the attribution must apply them:
//!
//! 1. **Loaded registry hives and paging files** are held by the kernel from before any capture, exclusively. A sharing
//!    violation on one needs no suspect: [`kernel_holds`] says which paths these are. Naming the process that happens to
//!    have touched the file is an error.
//! 2. **A probing open** of the victim itself (no share, and only rights that take no part in the sharing check, such as
//!    Read Control) is no holder: [`super::sharing::AccessClasses`] has none of its classes.
//! 3. **CANNOT DELETE** on a registry operation, or on a file that is read-only, is no lock; registry operations never
//!    enter the rules at all, and the attribute is looked up before anything else.
//! 4. **FILE LOCKED WITH ONLY READERS / WITH WRITERS** (CreateFileMapping) and **OPLOCK HANDLE CLOSED** are answers of a
//!    call that did what it should: [`is_answer`]. OPLOCK NOT GRANTED answers a `FileSystemControl`, but refuses a
//!    `CreateFile` that requires an oplock.

use super::NtStatus;

/// What of the kernel's own a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KernelHeld {
    /// A registry hive, loaded as long as its owner runs or is logged on.
    Hive,
    /// A log or transaction log of a hive.
    HiveLog,
    /// Paging, swap or hibernation file.
    PagingFile,
}

/// Hives of `\Windows\System32\config`.
const SYSTEM_HIVES: [&str; 12] = [
    "SYSTEM",
    "SOFTWARE",
    "SAM",
    "SECURITY",
    "DEFAULT",
    "COMPONENTS",
    "DRIVERS",
    "BBI",
    "ELAM",
    "VSMIDK",
    "BCD-Template",
    "USERDIFF",
];

/// Hives known by their file name wherever they lie.
const NAMED_HIVES: [&str; 7] =
    ["NTUSER.DAT", "NTUSER.MAN", "UsrClass.dat", "Amcache.hve", "Syscache.hve", "ActivationStore.dat", "User.dat"];

/// Whether the kernel is expected to hold `path`, whatever the capture shows; `None` for all other files.
///
/// The path is as Procmon shows it; a stream name is ignored. That a file bears a hive's name does not prove that the
/// hive is loaded: a copy in a backup folder is an ordinary file, so only the places where Windows loads hives count
/// where a name alone would be too common.
pub fn kernel_holds(path: &str) -> Option<KernelHeld> {
    let (folder, leaf) = path.rsplit_once('\\')?;
    let leaf = leaf.split_once(':').map_or(leaf, |(file, _)| file);
    if folder.len() == 2 && folder.ends_with(':') {
        let paging = ["pagefile.sys", "swapfile.sys", "hiberfil.sys"];
        return paging.iter().any(|name| leaf.eq_ignore_ascii_case(name)).then_some(KernelHeld::PagingFile);
    }
    let (hive, log) = match log_of(leaf) {
        Some(hive) => (hive, true),
        None => (leaf, false),
    };
    is_hive(folder, hive).then_some(if log { KernelHeld::HiveLog } else { KernelHeld::Hive })
}

fn is_hive(folder: &str, leaf: &str) -> bool {
    let among = |names: &[&str]| names.iter().any(|name| leaf.eq_ignore_ascii_case(name));
    among(&NAMED_HIVES)
        || ends_with(folder, "\\System32\\config") && among(&SYSTEM_HIVES)
        || ends_with(folder, "\\System32\\SMI\\Store\\Machine") && among(&["SCHEMA.DAT"])
        || (ends_with(folder, "\\Boot") || ends_with(folder, "\\EFI\\Microsoft\\Boot")) && among(&["BCD"])
        // The settings of a packaged application are a hive of its own.
        || ends_with(folder, "\\Settings") && contains(folder, "\\Packages\\") && among(&["settings.dat"])
}

/// The hive that a log file belongs to: `SYSTEM.LOG1`, `NTUSER.DAT{guid}.TM.blf`, `…TMContainer….regtrans-ms`.
fn log_of(leaf: &str) -> Option<&str> {
    let (stem, extension) = leaf.rsplit_once('.')?;
    if ["LOG", "LOG1", "LOG2", "ALT", "SAV"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return Some(stem);
    }
    if extension.eq_ignore_ascii_case("blf") || extension.eq_ignore_ascii_case("regtrans-ms") {
        return stem.split_once('{').map(|(hive, _)| hive);
    }
    None
}

fn ends_with(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// Statuses that look like a refusal and are the answer of an operation that did its work.
pub const fn is_answer(status: NtStatus) -> bool {
    matches!(
        status,
        NtStatus::FILE_LOCKED_WITH_ONLY_READERS | NtStatus::FILE_LOCKED_WITH_WRITERS | NtStatus::OPLOCK_HANDLE_CLOSED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hives_their_logs_and_paging_files() {
        for (path, held) in [
            ("C:\\Windows\\System32\\config\\SYSTEM", KernelHeld::Hive),
            ("c:\\windows\\system32\\CONFIG\\components", KernelHeld::Hive),
            ("C:\\WINDOWS\\system32\\config\\system.LOG", KernelHeld::HiveLog),
            (
                "C:\\Windows\\System32\\config\\COMPONENTS{016888b8-6c6f-11de-8d1d-001e0bcde3ec}.TM.blf",
                KernelHeld::HiveLog,
            ),
            ("C:\\Users\\x\\NTUSER.DAT", KernelHeld::Hive),
            ("C:\\Users\\x\\ntuser.dat.LOG2", KernelHeld::HiveLog),
            ("C:\\Users\\x\\AppData\\Local\\Microsoft\\Windows\\UsrClass.dat", KernelHeld::Hive),
            ("C:\\Windows\\AppCompat\\Programs\\Amcache.hve", KernelHeld::Hive),
            ("C:\\Users\\x\\AppData\\Local\\Packages\\a_b\\Settings\\settings.dat", KernelHeld::Hive),
            ("C:\\Windows\\System32\\SMI\\Store\\Machine\\SCHEMA.DAT", KernelHeld::Hive),
            ("D:\\pagefile.sys", KernelHeld::PagingFile),
            ("C:\\SwapFile.sys:stream", KernelHeld::PagingFile),
        ] {
            assert_eq!(kernel_holds(path), Some(held), "{path}");
        }
        for path in [
            "C:\\Data\\SYSTEM",
            "C:\\Windows\\System32\\config\\systemprofile",
            "C:\\backup\\pagefile.sys",
            "C:\\app\\settings.dat",
            "C:\\x\\error.LOG",
            "C:",
            "",
        ] {
            assert_eq!(kernel_holds(path), None, "{path}");
        }
    }

    #[test]
    fn answers_are_no_failures() {
        assert!(is_answer(NtStatus::FILE_LOCKED_WITH_WRITERS));
        assert!(!is_answer(NtStatus::OPLOCK_NOT_GRANTED));
        assert!(!is_answer(NtStatus::SHARING_VIOLATION));
    }
}
