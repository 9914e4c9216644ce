//! Which letter a volume has that the capture names by its device or GUID.

use crate::capture::op::{EventIndex, Op, OpKind, OpLog, PathId};
use crate::locks::{self, opens};
use crate::nt::OpenResult;
use crate::nt::path::{fold, is_transaction_id, strip_namespace, volume_device, without_transaction_id};
use rustc_hash::{FxHashMap, FxHashSet};

/// A device, folded, and the letter of a drive.
type Tie = (String, String);

/// At most this many ties are held against all that happened in the folders of transactions.
const MAX_DOUBTED: usize = 16;

/// What speaks for a device being a drive.
#[derive(Debug, Default)]
struct Ties {
    /// Those that nothing in the log speaks against, in order.
    found: Vec<Tie>,
    /// Those of them that rest on the number of a transaction alone.
    by_number: Vec<Tie>,
}

/// The numbers of the transactions that alone tie a volume to a letter: what happened on other paths with them may speak
/// against that.
pub(crate) fn numbers(log: &OpLog) -> Vec<String> {
    let ties = Ties::of(log);
    let is_tied = |device: &str| ties.by_number.iter().any(|(other, _)| *other == device);
    let mut found: Vec<String> = Vec::new();
    for (_, path) in log.paths.iter().filter(|(_, path)| path.starts_with('\\')) {
        if let Some((device, tail)) = volume_device(&strip_namespace(path))
            && is_tied(&fold(device))
            && let Some((_, number)) = numbered(tail)
            && !found.iter().any(|known| known.eq_ignore_ascii_case(number))
        {
            found.push(number.to_owned());
        }
    }
    found
}

/// Ties the device names of volumes to the letters of drives, where the capture itself shows it: a path with the number of
/// a servicing transaction in it exists once, so the device and the drive that both have such a path are one volume; and a
/// rename or a link stays on its volume. Where that speaks for two devices of one drive, or two drives of one device, none
/// is tied: one of them has a copy. What only a number ties is given up where other operations contradict it, on paths
/// with that number: these are in `wider`, if not all in the log itself.
pub(crate) fn tie_volumes(log: &mut OpLog, wider: Option<OpLog>) {
    let Ties { mut found, by_number } = Ties::of(log);
    if !by_number.is_empty() {
        let (apart, refuted) = match wider {
            Some(mut wider) => judge(&mut wider, &by_number),
            None => judge(log, &by_number),
        };
        found.retain(|tie| !apart.contains(tie) && !refuted.contains(tie));
        log.roots.apart.extend(apart);
    }
    log.roots.volumes.extend(found);
}

/// Of doubtful ties those between volumes that the log shows to be two, and those that do not fit what it shows otherwise.
fn judge(log: &mut OpLog, doubted: &[Tie]) -> (Vec<Tie>, Vec<Tie>) {
    let before = log.roots.volumes.len();
    let mut refuted: Vec<Tie> = doubted.iter().skip(MAX_DOUBTED).cloned().collect();
    let doubted = doubted.get(..MAX_DOUBTED).unwrap_or(doubted);
    refuted.extend(elsewhere(log, doubted));
    let untied = locks::contradictions(log);
    for tie in doubted {
        log.roots.volumes.push(tie.clone());
        if locks::contradictions(log) > untied {
            refuted.push(tie.clone());
        }
        log.roots.volumes.truncate(before);
    }
    log.roots.volumes.extend(doubted.iter().cloned());
    let apart = contradicted(log, doubted);
    log.roots.volumes.truncate(before);
    (apart, refuted)
}

/// The ties of which another volume of that sort has the folder of the transaction as well, or the device had it before the
/// drive's was made.
fn elsewhere(log: &OpLog, doubted: &[Tie]) -> Vec<Tie> {
    // By folder: the volumes that have it, each with the first event there, and the volumes on which it was made.
    let mut seen: FxHashMap<String, FxHashMap<String, EventIndex>> = FxHashMap::default();
    let mut made: Vec<(String, String, EventIndex)> = Vec::new();
    for op in log.ops.iter().filter(|op| op.status.is_success()) {
        let path = strip_namespace(log.paths.get(op.path));
        let on_drive = drive(&path);
        let on_device = || volume_device(&path).map(|(device, tail)| (fold(device).into_owned(), tail));
        let Some((volume, tail)) = on_drive.or_else(on_device) else { continue };
        let Some((folder, _)) = numbered(tail) else { continue };
        let key = fold(folder).into_owned();
        if folder.len() == tail.len()
            && let OpKind::Create(create) = op.kind
            && create.result == Some(OpenResult::CREATED)
        {
            made.push((key.clone(), volume.clone(), op.event));
        }
        seen.entry(key).or_default().entry(volume).or_insert(op.event);
    }
    let is_device = |volume: &str| volume.starts_with('\\');
    let is_letter = |volume: &str| volume.ends_with(':');
    let same_sort = |a: &str, b: &str| is_letter(a) == is_letter(b) && is_device(a) == is_device(b);
    let refuted = |(device, letter): &&Tie| {
        seen.iter().any(|(folder, volumes)| {
            let Some(first) = volumes.get(device) else { return false };
            let another = |volume: &String| {
                (volume != letter && same_sort(volume, letter)) || (volume != device && same_sort(volume, device))
            };
            volumes.keys().any(another)
                || made.iter().any(|(of, volume, event)| of == folder && volume == letter && event > first)
        })
    };
    doubted.iter().filter(refuted).cloned().collect()
}

impl Ties {
    fn of(log: &OpLog) -> Self {
        if !log.paths.iter().any(|(_, path)| path.starts_with('\\') && volume_device(&strip_namespace(path)).is_some())
        {
            return Self::default();
        }
        let mut told: FxHashMap<String, Vec<String>> = FxHashMap::default();
        for (_, path) in log.paths.iter() {
            if let Some((drive, tail)) = drive(path)
                && numbered(tail).is_some()
            {
                let drives = told.entry(fold(tail).into_owned()).or_default();
                if !drives.contains(&drive) {
                    drives.push(drive);
                }
            }
        }
        let mut ties: FxHashSet<Tie> = FxHashSet::default();
        for (_, path) in log.paths.iter().filter(|(_, path)| path.starts_with('\\')) {
            if let Some((device, tail)) = volume_device(&strip_namespace(path))
                && let Some(drives) = told.get(&*fold(tail))
            {
                ties.extend(drives.iter().map(|drive| (fold(device).into_owned(), drive.clone())));
            }
        }
        let mut by_path = ties.clone();
        for op in log.ops.iter().filter(|op| op.status.is_success()) {
            let (OpKind::Rename { target: Some(target), .. } | OpKind::Link { target: Some(target), .. }) = op.kind
            else {
                continue;
            };
            let path = |path: PathId| strip_namespace(log.paths.get(path));
            let (from, to) = (path(op.path), path(target));
            for (a, b) in [(&from, &to), (&to, &from)] {
                if let Some(((device, _), (drive, _))) = volume_device(a).zip(drive(b)) {
                    let tie = (fold(device).into_owned(), drive);
                    by_path.remove(&tie);
                    ties.insert(tie);
                }
            }
        }
        let is_device = |device: &str| device.starts_with('\\');
        let agree = |(device, drive): &&Tie| {
            ties.iter().all(|(other, letter)| {
                (other == device) == (letter == drive) || (other != device && is_device(other) != is_device(device))
            })
        };
        let mut found: Vec<_> = ties.iter().filter(agree).cloned().collect();
        found.sort_unstable();
        let by_number = found.iter().filter(|tie| by_path.contains(*tie)).cloned().collect();
        Self { found, by_number }
    }
}

/// The ties that the capture contradicts (AT-11): an open by one spelling succeeded though an open by the other, which the
/// capture shows to have been closed only afterwards, would have refused it. What goes by the device is a copy then.
fn contradicted(log: &OpLog, ties: &[Tie]) -> Vec<Tie> {
    let whole = !log.coverage.lacks_closes() && log.coverage.sequence_gaps.is_none_or(|gaps| gaps == 0);
    if ties.is_empty() || !whole {
        return Vec::new();
    }
    let path = |op: &Op| strip_namespace(log.paths.get(op.path)).into_owned();
    let of = |event: EventIndex| log.ops.get(log.ops.partition_point(|op| op.event < event));
    let is_device = |op: &Op| volume_device(&path(op)).map(|(device, _)| fold(device).into_owned());
    let devices: FxHashSet<EventIndex> = log
        .ops
        .iter()
        .filter(|op| is_device(op).is_some_and(|device| ties.iter().any(|(other, _)| *other == device)))
        .map(|op| op.event)
        .collect();
    let conflicts = locks::audit(log, &|event| devices.contains(&event)).false_conflicts;
    let pairs = conflicts.iter().filter_map(|one| of(one.event).zip(of(one.holder_event?)));
    let pairs: Vec<(&Op, &Op)> = pairs.filter(|(success, held)| closes_after(log, held, success)).collect();
    let is_between = |(device, letter): &Tie, one: &Op, other: &Op| {
        is_device(one).as_ref() == Some(device) && drive(&path(other)).is_some_and(|(drive, _)| drive == *letter)
    };
    let refuted = |tie: &&Tie| pairs.iter().any(|(a, b)| is_between(tie, a, b) || is_between(tie, b, a));
    ties.iter().filter(refuted).cloned().collect()
}

/// Whether the next that the process of an open did to its handles by that path after another operation was to close one.
fn closes_after(log: &OpLog, open: &Op, after: &Op) -> bool {
    let from = log.ops.partition_point(|op| op.event <= open.event);
    let mut own =
        log.ops.get(from..).unwrap_or(&[]).iter().filter(|op| op.process == open.process && op.path == open.path);
    let opened = |op: &Op| matches!(op.kind, OpKind::Create(_)) && opens(op);
    let turns = |op: &&Op| matches!(op.kind, OpKind::Cleanup) || opened(op);
    own.find(turns).is_some_and(|op| matches!(op.kind, OpKind::Cleanup) && op.start > after.start)
}

/// The letter of a drive's path, and the rest.
fn drive(path: &str) -> Option<(String, &str)> {
    let (drive, tail) = path.split_at_checked(2)?;
    drive.ends_with(':').then(|| (drive.to_ascii_uppercase(), tail))
}

/// The begin of a path that exists once in the world, up to the number of a servicing transaction, and that number.
fn numbered(tail: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    for name in tail.split('\\') {
        if is_transaction_id(name) || without_transaction_id(name) != name {
            let number = name.get(..32)?;
            return Some((tail.get(..from + 32)?, number));
        }
        from += name.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::op::{ProcessId, StackSays};
    use crate::nt::{
        AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileTime, NtStatus, RenameFlags, ShareAccess,
    };

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
        tie_volumes(&mut log, None);
        log.roots.volumes
    }

    /// AT-11: two opens of which one shares nothing cannot stand together on one file.
    #[test]
    fn what_stood_together_is_not_one_file() {
        let id = |volume: &str| format!(r"{volume}\Windows\WinSxS\Temp\InFlight\e78f07ebd9dad801284b0000e80dc013\f");
        let (own, copy) = (id("C:"), id(r"\Device\HarddiskVolume9"));
        // Who opened first, what that shares, and whether its close is in the capture.
        for (first, share, closed, apart) in [
            (&own, 0, true, true),
            (&copy, 0, true, true),
            (&own, 7, true, false),
            (&own, 0, false, false), // its close may be what is missing
        ] {
            let mut log = OpLog::default();
            log.processes.resize_with(2, Default::default);
            let second = if first == &own { &copy } else { &own };
            let steps = [(0, first, Some(share)), (1, second, Some(7)), (1, second, None), (0, first, None)];
            for (at, (process, path, share)) in steps.into_iter().take(if closed { 4 } else { 3 }).enumerate() {
                let create = |share| crate::capture::op::Create {
                    access: Some(AccessMask(0x12_019F)),
                    share: Some(ShareAccess(share)),
                    disposition: Some(CreateDisposition::OPEN),
                    options: CreateOptions::NONE,
                    attributes: FileAttributes::NONE,
                    result: Some(OpenResult::OPENED),
                    impersonating: false,
                };
                let path = log.paths.intern(path);
                log.ops.push(Op {
                    event: EventIndex(at as u64),
                    start: FileTime(10 * at as u64 + 10),
                    end: Some(FileTime(10 * at as u64 + 11)),
                    process: ProcessId(process),
                    thread: Some(process),
                    status: NtStatus::SUCCESS,
                    path,
                    driver: None,
                    stack: StackSays::Caller,
                    kind: share.map_or(OpKind::Cleanup, |share| OpKind::Create(create(share))),
                });
            }
            tie_volumes(&mut log, None);
            let tie = (r"\DEVICE\HARDDISKVOLUME9".to_owned(), "C:".to_owned());
            let (tied, untied) = if apart { (vec![], vec![tie]) } else { (vec![tie], vec![]) };
            assert_eq!((log.roots.volumes, log.roots.apart), (tied, untied), "{first} {share} {closed}");
        }
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
