//! Which refused operation a log record is.

use std::collections::HashMap;

use super::paths::PathKey;
use crate::capture::EventIndex;
use crate::nt::{FileTime, Ticks};
use crate::servicing::codes::{same_failure, win32_of};

/// How far a record with a stamp to the millisecond may lie from the end of its operation. Log and capture read the same
/// clock; what separates them is the way from the refused call to the line in the log.
pub const NEAR: Ticks = Ticks(10_000_000);

/// How far outside its second a record without such a stamp may lie: records are written out in batches.
pub const NEAR_WHOLE_SECOND: Ticks = Ticks(50_000_000);

/// How near an operation on another name must be to count as the same by time alone.
pub const TIME_ALONE: Ticks = Ticks(500_000);

/// Distances that count as equal: what the log's millisecond hides.
const EQUAL: u64 = 20_000;

/// A log record that names an object in use.
#[derive(Clone, Debug)]
pub struct Record {
    /// The object.
    pub path: PathKey,
    /// Whether the path is of one attempt only: it holds an in-flight id.
    pub unique: bool,
    /// NTSTATUS, or the HRESULT where the log has only that.
    pub status: u32,
    /// When it was written; `None` when the zone of the log is unknown.
    pub utc: Option<FileTime>,
    /// Whether that is to the millisecond.
    pub exact: bool,
    /// Low 16 bits of the ids of processes that may have written it.
    pub pids: Vec<u16>,
    /// The same of threads.
    pub tids: Vec<u16>,
}

/// A refused operation of a capture.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The event.
    pub event: EventIndex,
    /// When it was over.
    pub finished: FileTime,
    /// Process id.
    pub pid: u32,
    /// Thread id, if the source tells.
    pub thread: Option<u32>,
    /// NTSTATUS.
    pub status: u32,
    /// The object.
    pub path: PathKey,
    /// Whether the process is one that services Windows.
    pub servicing: bool,
}

/// The refusal that a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Index of the refusal.
    pub refusal: usize,
    /// How far apart they are; `None` when the log's zone is unknown.
    pub apart: Option<Ticks>,
    /// The paths are the same.
    pub path: bool,
    /// The times fit.
    pub time: bool,
    /// The process ids fit.
    pub pid: bool,
    /// The thread ids fit.
    pub thread: bool,
    /// Other refusals that fit as well.
    pub others: u64,
}

/// Finds the refusal of every record. Same path and time come first, in the order of the records; then an in-flight path
/// at another time, if the record lies within `span` at all; then time alone. A refusal serves a second record only when no
/// other is as near.
pub fn match_all(records: &[Record], refusals: &[Refusal], span: Option<(FileTime, FileTime)>) -> Vec<Option<Found>> {
    let mut by_tail: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, refusal) in refusals.iter().enumerate() {
        by_tail.entry(&refusal.path.tail).or_default().push(at);
    }
    let mut by_time: Vec<usize> = (0..refusals.len()).collect();
    by_time.sort_by_key(|at| refusals.get(*at).map(|refusal| (refusal.finished, refusal.event)));
    let mut used = vec![false; refusals.len()];
    let mut all = vec![None; records.len()];
    for pass in [Pass::Time, Pass::PathOnly, Pass::TimeOnly] {
        for (record, slot) in records.iter().zip(&mut all).filter(|(_, slot)| slot.is_none()) {
            let same_path = by_tail.get(record.path.tail.as_str()).map_or(&[][..], Vec::as_slice);
            let found = match pass {
                Pass::Time => by_path(record, refusals, same_path, &used, true),
                Pass::PathOnly if record.unique && inside(record, span) => {
                    by_path(record, refusals, same_path, &used, false).filter(|found| !is_used(&used, found.refusal))
                }
                Pass::PathOnly => None,
                Pass::TimeOnly => by_time_alone(record, refusals, &by_time, &used),
            };
            if let Some(used) = found.and_then(|found| used.get_mut(found.refusal)) {
                *used = true;
            }
            *slot = found;
        }
    }
    all
}

/// What a pass demands.
#[derive(Clone, Copy)]
enum Pass {
    /// Path and time, or the path where the log has no time.
    Time,
    /// The path.
    PathOnly,
    /// The time.
    TimeOnly,
}

fn is_used(used: &[bool], at: usize) -> bool {
    used.get(at).copied().unwrap_or(false)
}

/// Whether the record lies in the time of the capture.
fn inside(record: &Record, span: Option<(FileTime, FileTime)>) -> bool {
    match (record.utc, span) {
        (Some(utc), Some((first, last))) => utc.plus(NEAR) >= first && utc <= last.plus(NEAR),
        _ => false,
    }
}

fn by_path(
    record: &Record,
    refusals: &[Refusal],
    same_path: &[usize],
    used: &[bool],
    with_time: bool,
) -> Option<Found> {
    let mut fitting: Vec<(Rank, Found)> = Vec::new();
    for at in same_path {
        let Some(refusal) = refusals.get(*at) else { continue };
        if !refusal.path.is_same(&record.path) || !same_status(record.status, refusal.status) {
            continue;
        }
        let found = compare(record, refusal, *at, true);
        // A name that any attempt may use proves nothing at another time; without a zone, nothing better is known.
        if found.time || record.utc.is_none() || !with_time {
            fitting.push((rank(&found, refusal, used), found));
        }
    }
    choose(fitting)
}

/// A path that differs may still be the same file: its folder renamed, a hard link, an 8.3 name. Only a servicing process
/// counts, very near in time, on a name that can be another one of the file, and only when all such refusals are on one
/// path.
fn by_time_alone(record: &Record, refusals: &[Refusal], by_time: &[usize], used: &[bool]) -> Option<Found> {
    let utc = record.utc?;
    let from = FileTime(utc.0.saturating_sub(TIME_ALONE.0));
    let until = utc.plus(TIME_ALONE).plus(if record.exact { Ticks(0) } else { SECOND });
    let begin = by_time.partition_point(|at| refusals.get(*at).is_some_and(|refusal| refusal.finished < from));
    let mut fitting: Vec<(Rank, Found)> = Vec::new();
    let mut path: Option<&PathKey> = None;
    for at in by_time.get(begin..)? {
        let refusal = refusals.get(*at)?;
        if refusal.finished > until {
            break;
        }
        let found = compare(record, refusal, *at, false);
        let stranger = (!record.pids.is_empty() && !found.pid) || !refusal.path.may_be_other_name(&record.path);
        if !refusal.servicing || stranger || !same_status(record.status, refusal.status) {
            continue;
        }
        if path.is_some_and(|path| *path != refusal.path) {
            return None;
        }
        path = Some(&refusal.path);
        if !is_used(used, *at) {
            fitting.push((rank(&found, refusal, used), found));
        }
    }
    choose(fitting)
}

/// Smaller is better.
type Rank = (bool, bool, u64, bool, u64, EventIndex);

fn rank(found: &Found, refusal: &Refusal, used: &[bool]) -> Rank {
    let apart = found.apart.map_or(0, |apart| apart.0);
    let taken = is_used(used, found.refusal);
    (!found.time, !found.pid, apart / EQUAL, taken, apart, refusal.event)
}

fn choose(mut fitting: Vec<(Rank, Found)>) -> Option<Found> {
    fitting.sort_by_key(|(rank, _)| *rank);
    let (best, mut found) = *fitting.first()?;
    let as_good = |(rank, _): &&(Rank, Found)| (rank.0, rank.1, rank.2) == (best.0, best.1, best.2);
    found.others = fitting.iter().skip(1).filter(as_good).count() as u64;
    Some(found)
}

fn compare(record: &Record, refusal: &Refusal, at: usize, path: bool) -> Found {
    let apart = record.utc.map(|utc| apart(utc, record.exact, refusal.finished));
    let near = if record.exact { NEAR } else { NEAR_WHOLE_SECOND };
    let low = |id: u32| (id & 0xFFFF) as u16;
    Found {
        refusal: at,
        apart,
        path,
        time: apart.is_some_and(|apart| apart <= near),
        pid: record.pids.contains(&low(refusal.pid)),
        thread: refusal.thread.is_some_and(|thread| record.tids.contains(&low(thread))),
        others: 0,
    }
}

const SECOND: Ticks = Ticks(10_000_000);

/// From a stamp to a moment; a stamp without fraction stands for its whole second.
fn apart(stamp: FileTime, exact: bool, moment: FileTime) -> Ticks {
    if moment < stamp {
        return stamp.since(moment);
    }
    let last = if exact { stamp } else { stamp.plus(Ticks(SECOND.0 - 1)) };
    moment.since(last)
}

/// Whether a status of the log can be the capture's. Win32 5 hides several statuses.
fn same_status(log: u32, capture: u32) -> bool {
    let hidden = win32_of(log) == Some(5) && matches!(capture, 0xC000_0022 | 0xC000_0056 | 0xC000_0121 | 0xC000_0123);
    hidden || same_failure(log, capture)
}

#[cfg(test)]
mod tests {
    use super::super::paths::path_key;
    use super::*;
    use crate::nt::path::Roots;

    const PENDING: u32 = 0xC000_0056;
    const SHARING: u32 = 0xC000_0043;

    fn key(path: &str) -> PathKey {
        path_key(path, &Roots { system_root: Some(r"C:\Windows".into()), ..Roots::default() })
    }

    fn record(path: &str, ms: u64) -> Record {
        Record {
            path: key(path),
            unique: true,
            status: PENDING,
            utc: Some(FileTime(ms * 10_000)),
            exact: true,
            pids: vec![3560],
            tids: vec![5056],
        }
    }

    fn refusal(event: u64, path: &str, ms: u64) -> Refusal {
        Refusal {
            event: EventIndex(event),
            finished: FileTime(ms * 10_000),
            pid: 3560,
            thread: Some(5056),
            status: PENDING,
            path: key(path),
            servicing: true,
        }
    }

    /// In a capture from 0 to 1000 s.
    fn matched(records: &[Record], refusals: &[Refusal]) -> Vec<Option<Found>> {
        match_all(records, refusals, Some((FileTime(0), FileTime(10_000_000_000))))
    }

    const X: &str = r"\SystemRoot\WinSxS\Temp\InFlight\a\x.dll";
    const Y: &str = r"\SystemRoot\WinSxS\Temp\InFlight\a\y.dll";

    #[test]
    fn the_nearest_on_the_path_is_the_one() {
        let refusals = [refusal(1, X, 99_900), refusal(2, X, 100_010), refusal(3, Y, 100_000), refusal(4, X, 100_400)];
        let found = matched(&[record(X, 100_000)], &refusals)[0].unwrap();
        assert_eq!((found.refusal, found.apart, found.others), (1, Some(Ticks(100_000)), 0));
        assert!(found.path && found.time && found.pid && found.thread);
    }

    #[test]
    fn two_records_are_two_refusals() {
        let refusals = [refusal(1, X, 100_000), refusal(2, X, 100_012)];
        let found = matched(&[record(X, 100_000), record(X, 100_012)], &refusals);
        assert_eq!([found[0].unwrap().refusal, found[1].unwrap().refusal], [0, 1]);
        // Within one second of a coarse stamp, in the order of the log.
        let coarse = |ms| Record { exact: false, ..record(X, ms) };
        let found = matched(&[coarse(100_000), coarse(100_000)], &refusals);
        assert_eq!([found[0].unwrap().refusal, found[1].unwrap().refusal], [0, 1]);
        assert_eq!((found[0].unwrap().others, found[0].unwrap().apart), (1, Some(Ticks(0))));
    }

    #[test]
    fn an_in_flight_path_is_proof_at_any_time_another_is_not() {
        let refusals = [refusal(1, X, 500_000)];
        let found = matched(&[record(X, 100_000)], &refusals)[0].unwrap();
        assert_eq!((found.path, found.time), (true, false));
        // Another record is this refusal, or the record lies outside the capture: then it is not this one.
        let found = matched(&[record(X, 100_000), record(X, 500_000)], &refusals);
        assert!(found[0].is_none() && found[1].unwrap().time);
        assert_eq!(
            match_all(&[record(X, 100_000)], &refusals, Some((FileTime(4_990_000_000), FileTime(5_000_000_000)))),
            [None]
        );
        let common = Record { unique: false, ..record(X, 100_000) };
        assert_eq!(matched(std::slice::from_ref(&common), &refusals), [None]);
        let no_zone = Record { utc: None, ..common };
        let found = matched(&[no_zone], &refusals)[0].unwrap();
        assert_eq!((found.path, found.time, found.apart), (true, false, None));
    }

    #[test]
    fn the_edges_of_near() {
        let common = Record { unique: false, ..record(X, 100_000) };
        for (ms, fits) in [(99_000, true), (98_999, false), (101_000, true), (101_001, false)] {
            assert_eq!(matched(std::slice::from_ref(&common), &[refusal(1, X, ms)])[0].is_some(), fits, "{ms}");
        }
        let coarse = Record { exact: false, ..common };
        for (ms, fits) in [(95_000, true), (94_999, false), (105_999, true), (106_000, false)] {
            assert_eq!(matched(std::slice::from_ref(&coarse), &[refusal(1, X, ms)])[0].is_some(), fits, "{ms}");
        }
    }

    #[test]
    fn time_alone_needs_the_process_and_one_path() {
        let link = r"C:\Windows\System32\x.dll";
        assert_eq!(matched(&[record(X, 100_000)], &[refusal(1, Y, 100_020)]), [None]);
        let near = [refusal(1, link, 100_020)];
        let found = matched(&[record(X, 100_000)], &near)[0].unwrap();
        assert_eq!((found.path, found.time, found.pid), (false, true, true));
        assert_eq!(matched(&[record(X, 100_000)], &[refusal(1, link, 100_051)]), [None]);
        let other = Refusal { pid: 9999, ..refusal(1, link, 100_020) };
        assert_eq!(matched(&[record(X, 100_000)], &[other]), [None]);
        let two = [refusal(1, link, 100_020), refusal(2, r"C:\z\x.dll", 100_021)];
        assert_eq!(matched(&[record(X, 100_000)], &two), [None]);
    }

    #[test]
    fn a_status_must_be_the_same_and_win32_5_is_several() {
        let sharing = Refusal { status: SHARING, ..refusal(1, X, 100_000) };
        assert_eq!(matched(&[record(X, 100_000)], &[sharing]), [None]);
        assert!(same_status(0x8007_0005, PENDING) && same_status(0x8007_0005, 0xC000_0121));
        assert!(!same_status(0x8007_0005, SHARING) && same_status(0xD000_0043, SHARING));
    }
}
