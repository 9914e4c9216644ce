//! The byte-range locks of one file: who has which range, until when, and what a range overlaps (LK-1, LK-2).

use crate::capture::op::{Op, ProcessId};
use crate::locks::exits::Exits;
use crate::locks::failure::requested;
use crate::locks::finding::Range;
use crate::locks::spans::{Instant, Spans};
use crate::nt::FileTime;
use rustc_hash::FxHashMap;

/// Locks that one success is held against, the latest.
const MAX_PASSED: usize = 256;

/// One granted lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockRec {
    pub(crate) process: ProcessId,
    /// The request (operation index).
    pub(crate) op: u32,
    pub(crate) granted: Instant,
    pub(crate) range: Range,
    /// The key it was asked for with; `None` when not recorded.
    key: Option<u32>,
    /// The unlock, or the close of the process's last handle (operation index).
    pub(crate) released: Option<(u32, Instant)>,
    /// That was an unlock of just this range, which shows the lock to have stood until then.
    unlocked: bool,
    /// The success that it would have refused, before its end began: it was gone by then (AT-11).
    over: Option<(u32, Instant)>,
}

impl LockRec {
    /// The success that shows it gone before anything recorded ended it.
    pub(crate) fn gone(&self) -> Option<(u32, Instant)> {
        self.over.filter(|_| !self.unlocked)
    }
}

/// The locks of one file.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    locks: Vec<LockRec>,
    held: FxHashMap<(ProcessId, i64, i64), Vec<u32>>,
    by_process: FxHashMap<ProcessId, Vec<u32>>,
    /// Closes of one of several handles, unlocks of a key that is not recorded: they may have taken locks along.
    partial: FxHashMap<ProcessId, Vec<FileTime>>,
    spans: Spans,
}

impl Locks {
    pub(crate) fn lock(&mut self, op: &Op, at: u32, now: Instant, range: Range, key: Option<u32>) {
        let index = self.locks.len() as u32;
        let lock = LockRec {
            process: op.process,
            op: at,
            granted: now,
            range,
            key,
            released: None,
            unlocked: false,
            over: None,
        };
        self.locks.push(lock);
        self.held.entry((op.process, range.offset, range.length)).or_default().push(index);
        self.by_process.entry(op.process).or_default().push(index);
    }

    pub(crate) fn unlock(&mut self, op: &Op, at: u32, now: Instant, offset: i64, length: i64) {
        let index = self.held.get_mut(&(op.process, offset, length)).and_then(Vec::pop);
        if let Some(lock) = index.and_then(|index| self.locks.get_mut(index as usize))
            && lock.released.is_none()
        {
            lock.released = Some((at, now));
            lock.unlocked = true;
        }
    }

    pub(crate) fn unlock_all(&mut self, process: ProcessId, now: Instant, at: u32) {
        for index in self.by_process.remove(&process).unwrap_or_default() {
            if let Some(lock) = self.locks.get_mut(index as usize) {
                lock.released.get_or_insert((at, now));
                self.held.remove(&(process, lock.range.offset, lock.range.length));
            }
        }
    }

    /// The locks of one key were released; where a key is not recorded, some may have been.
    pub(crate) fn unlock_key(&mut self, process: ProcessId, now: Instant, at: u32, key: Option<u32>) {
        let Some(standing) = self.by_process.get_mut(&process) else { return };
        let mut unsure = false;
        standing.retain(|index| {
            let Some(lock) = self.locks.get_mut(*index as usize) else { return false };
            let named = lock.key.is_some() && lock.key == key;
            unsure |= lock.key.is_none() || key.is_none();
            if named {
                lock.released.get_or_insert((at, now));
                if let Some(held) = self.held.get_mut(&(process, lock.range.offset, lock.range.length)) {
                    held.retain(|other| other != index);
                }
            }
            !named
        });
        if unsure {
            self.partial.entry(process).or_default().push(now.start);
        }
    }

    /// Some locks of a process may have been released.
    pub(crate) fn parted(&mut self, process: ProcessId, now: Instant) {
        if self.by_process.contains_key(&process) {
            self.partial.entry(process).or_default().push(now.start);
        }
    }

    /// LK-1, LK-2: a transfer or a lock of another process went through, which no lock then in force would have let pass.
    pub(crate) fn passed(&mut self, op: &Op, at: u32, now: Instant) {
        let Some(range) = requested(op).range else { return };
        for lock in self.locks.iter_mut().rev().take(MAX_PASSED) {
            if lock.process != op.process
                && lock.released.is_none()
                && lock.granted.before(now)
                && overlaps(lock.range, range)
                && (range.exclusive || lock.range.exclusive)
            {
                lock.over.get_or_insert((at, now));
            }
        }
    }

    /// A handle was cleaned up; its locks go with it.
    pub(crate) fn cleanup(&mut self, process: ProcessId, now: Instant, at: u32, last: bool) {
        if last {
            self.unlock_all(process, now, at);
        } else {
            self.parted(process, now);
        }
    }

    pub(crate) fn finish(&mut self, exits: &Exits) {
        for lock in &mut self.locks {
            let exit = exits.get(lock.process.0 as usize).copied().flatten().map(|(_, time)| time);
            let ending = lock.released.map(|(_, at)| at.start).or(exit);
            lock.over = lock.over.filter(|(_, over)| ending.is_none_or(|ending| over.end <= ending));
        }
        let spans = (0u32..)
            .zip(&self.locks)
            .map(|(index, lock)| {
                let exit = exits.get(lock.process.0 as usize).copied().flatten().map(|(_, time)| time);
                let end = lock.released.map(|(_, at)| at.end).or(exit).unwrap_or(FileTime(u64::MAX));
                (lock.granted.start, end, index)
            })
            .collect();
        self.spans = Spans::new(spans);
        self.held = FxHashMap::default();
        self.by_process = FxHashMap::default();
    }

    /// All of them, in the order they were granted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LockRec> {
        self.locks.iter()
    }

    /// What shows why no lock of a process refuses a request for `range` at `at` (operation index): the end of one that would
    /// have, or one that does not. Second, whether it is a success that shows the end (AT-11).
    pub(crate) fn spared(&self, process: ProcessId, at: Instant, range: Range) -> Option<(u32, bool)> {
        let own = || {
            let latest = self.locks.iter().rev().take(4096);
            latest.filter(move |lock| lock.process == process && lock.granted.before(at))
        };
        let refuses = |lock: &LockRec| overlaps(lock.range, range) && (range.exclusive || lock.range.exclusive);
        let ended = own().filter(|lock| refuses(lock)).find_map(|lock| match (lock.released, lock.gone()) {
            (Some((op, released)), _) if released.end <= at.start => Some((op, false)),
            (_, gone) => gone.map(|(op, _)| (op, true)),
        });
        let stands = |lock: &&LockRec| lock.released.is_none_or(|(_, released)| released.start >= at.end);
        ended.or_else(|| own().filter(stands).find(|lock| !refuses(lock)).map(|lock| (lock.op, false)))
    }

    /// Locks that may be held within `at` and overlap `range`, and whether each surely is.
    pub(crate) fn at(&self, at: Instant, range: Range, limit: usize) -> Vec<(LockRec, bool)> {
        let (found, _) = self.spans.at(at, limit);
        found
            .into_iter()
            .filter_map(|index| self.locks.get(index as usize))
            .filter(|lock| overlaps(lock.range, range))
            .filter(|lock| lock.gone().is_none_or(|(_, over)| over.start > at.start))
            .map(|lock| {
                let parted = self.partial.get(&lock.process).is_some_and(|closes| {
                    let from = closes.partition_point(|time| *time < lock.granted.end);
                    closes.get(from).is_some_and(|time| *time < at.end)
                });
                let through =
                    lock.granted.before(at) && lock.released.is_none_or(|(_, released)| released.start >= at.end);
                (*lock, through && !parted && lock.gone().is_none())
            })
            .collect()
    }
}

/// Whether two ranges have a byte in common. Offsets and lengths are unsigned to the file system.
fn overlaps(a: Range, b: Range) -> bool {
    let ends = |range: Range| {
        let from = u128::from(range.offset as u64);
        (from, from + u128::from(range.length as u64))
    };
    let ((a_from, a_to), (b_from, b_to)) = (ends(a), ends(b));
    a_from < b_to && b_from < a_to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let range = |offset, length| Range { offset, length, exclusive: true };
        assert!(overlaps(range(0, 100), range(99, 5)));
        assert!(!overlaps(range(0, 100), range(100, 5)));
        assert!(overlaps(range(5, -1), range(i64::MAX, 1)));
        assert!(!overlaps(range(5, 0), range(5, 0)));
    }
}
