//! Which letter a volume has that the capture names by its device or GUID.

use crate::capture::op::{OpKind, OpLog, PathId};
use crate::nt::path::{fold, strip_namespace, volume_device, without_transaction_id};
use rustc_hash::{FxHashMap, FxHashSet};

/// Ties the device names of volumes to the letters of drives, where the capture itself shows it: a path with the number of
/// a servicing transaction in it exists once, so the device and the drive that both have such a path are one volume; and a
/// rename or a link stays on its volume. Where that speaks for two devices of one drive, or two drives of one device, none
/// is tied: one of them has a copy.
pub(crate) fn tie_volumes(log: &mut OpLog) {
    let mut told: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for (_, path) in log.paths.iter() {
        if let Some((drive, tail)) = drive(path)
            && is_unique(tail)
        {
            let drives = told.entry(fold(tail).into_owned()).or_default();
            if !drives.contains(&drive) {
                drives.push(drive);
            }
        }
    }
    let mut ties: FxHashSet<(String, String)> = FxHashSet::default();
    for (_, path) in log.paths.iter().filter(|(_, path)| path.starts_with('\\')) {
        if let Some((device, tail)) = volume_device(&strip_namespace(path))
            && let Some(drives) = told.get(&*fold(tail))
        {
            ties.extend(drives.iter().map(|drive| (fold(device).into_owned(), drive.clone())));
        }
    }
    for op in log.ops.iter().filter(|op| op.status.is_success()) {
        let (OpKind::Rename { target: Some(target), .. } | OpKind::Link { target: Some(target), .. }) = op.kind else {
            continue;
        };
        let path = |path: PathId| strip_namespace(log.paths.get(path));
        let (from, to) = (path(op.path), path(target));
        for (a, b) in [(&from, &to), (&to, &from)] {
            if let Some(((device, _), (drive, _))) = volume_device(a).zip(drive(b)) {
                ties.insert((fold(device).into_owned(), drive));
            }
        }
    }
    let by_number = |device: &str| device.starts_with('\\');
    let agree = |(device, drive): &&(String, String)| {
        ties.iter().all(|(other, letter)| {
            (other == device) == (letter == drive) || (other != device && by_number(other) != by_number(device))
        })
    };
    let mut found: Vec<_> = ties.iter().filter(agree).cloned().collect();
    found.sort_unstable();
    log.roots.volumes.extend(found);
}

/// The letter of a drive's path, and the rest.
fn drive(path: &str) -> Option<(String, &str)> {
    let (drive, tail) = path.split_at_checked(2)?;
    drive.ends_with(':').then(|| (drive.to_ascii_uppercase(), tail))
}

/// Whether a path exists once in the world: a servicing transaction has its number in it.
fn is_unique(tail: &str) -> bool {
    let is_id = |name: &str| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    tail.split('\\').any(|name| is_id(name) || without_transaction_id(name) != name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::op::{EventIndex, Op, ProcessId, StackSays};
    use crate::nt::{FileTime, NtStatus, RenameFlags};

    fn tied(paths: &[&str], moves: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut log = OpLog::default();
        for path in paths {
            log.paths.intern(path);
        }
        for (from, to) in moves {
            let (path, target) = (log.paths.intern(from), Some(log.paths.intern(to)));
            log.ops.push(Op {
                event: EventIndex(0),
                start: FileTime(0),
                end: None,
                process: ProcessId(0),
                thread: None,
                status: NtStatus::SUCCESS,
                path,
                driver: None,
                stack: StackSays::Caller,
                kind: OpKind::Rename { target, flags: RenameFlags::NONE, ex: false, as_path: None },
            });
        }
        tie_volumes(&mut log);
        log.roots.volumes
    }

    #[test]
    fn only_what_exists_once_or_moved_ties_a_volume() {
        let id = |volume: &str| format!(r"{volume}\Windows\WinSxS\Temp\InFlight\e78f07ebd9dad801284b0000e80dc013\f");
        let old = |volume: &str| format!(r"{volume}\Windows\WinSxS\Temp\InFlight\old.dll");
        let (three, five) = (r"\Device\HarddiskVolume3", r"\Device\HarddiskVolume5");
        let one = [(r"\DEVICE\HARDDISKVOLUME3".to_owned(), "C:".to_owned())];
        assert_eq!(tied(&[&id("C:"), &id(three)], &[]), one);
        assert_eq!(tied(&[&id("C:"), &id(three), &id(five)], &[]), []);
        assert_eq!(tied(&[&id("C:"), &id("D:"), &id(three)], &[]), []);
        assert_eq!(tied(&[&old("C:"), &old(three)], &[]), []);
        assert_eq!(tied(&[], &[(&old(three), r"C:\b")]), one);
        assert_eq!(tied(&[], &[(r"\??\c:\a", &old(three))]), one);
        let guid = r"\\?\Volume{12345678-0000-0000-0000-100000000000}";
        assert_eq!(tied(&[&id("C:"), &id(three), &id(guid)], &[]).len(), 2);
    }
}
