//! Intervals that can be asked for an instant without walking them all.

use crate::capture::op::Op;
use crate::nt::FileTime;

/// An event's extent: from its start to its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) start: FileTime,
    pub(crate) end: FileTime,
}

impl Instant {
    pub(crate) fn of(op: &Op) -> Self {
        Self { start: op.start, end: op.finished().max(op.start) }
    }

    pub(crate) const fn point(time: FileTime) -> Self {
        Self { start: time, end: time }
    }

    /// Whether this was over when `other` began.
    pub(crate) fn before(self, other: Self) -> bool {
        self.end <= other.start
    }
}

/// Values with possible intervals `[from, to]`, as a tree over the sorted starts with the greatest end of each node.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    items: Vec<(FileTime, FileTime, u32)>,
    /// Greatest end of each node of an implicit binary tree over `items`.
    ends: Vec<FileTime>,
    width: usize,
}

impl Spans {
    pub(crate) fn new(mut items: Vec<(FileTime, FileTime, u32)>) -> Self {
        items.sort_unstable();
        let width = items.len().next_power_of_two();
        let mut ends = vec![FileTime(0); width * 2];
        for (at, item) in items.iter().enumerate() {
            if let Some(end) = ends.get_mut(width + at) {
                *end = item.1;
            }
        }
        for at in (1..width).rev() {
            let greatest = ends.get(at * 2).copied().max(ends.get(at * 2 + 1).copied()).unwrap_or_default();
            if let Some(end) = ends.get_mut(at) {
                *end = greatest;
            }
        }
        Self { items, ends, width }
    }

    /// The values whose interval reaches into `at`, in order of start, at most `limit`; and whether there were more.
    pub(crate) fn at(&self, at: Instant, limit: usize) -> (Vec<u32>, bool) {
        // An interval that starts exactly when the event ends, or ends exactly when it starts, does not reach into it,
        // unless the event has no extent of its own.
        let until = if at.start == at.end {
            self.items.partition_point(|item| item.0 <= at.end)
        } else {
            self.items.partition_point(|item| item.0 < at.end)
        };
        let mut found = Vec::new();
        let mut more = false;
        let mut stack = vec![(1usize, 0usize, self.width)];
        while let Some((node, from, to)) = stack.pop() {
            if from >= until || self.ends.get(node).is_none_or(|end| *end <= at.start) {
                continue;
            }
            if to - from == 1 {
                if found.len() >= limit {
                    more = true;
                    break;
                }
                if let Some(item) = self.items.get(from) {
                    found.push(item.2);
                }
                continue;
            }
            let middle = from.midpoint(to);
            stack.push((node * 2 + 1, middle, to));
            stack.push((node * 2, from, middle));
        }
        (found, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: u64, end: u64) -> Instant {
        Instant { start: FileTime(start), end: FileTime(end) }
    }

    #[test]
    fn finds_what_a_walk_finds() {
        let mut seed = 7u64;
        let mut next = |n: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % n
        };
        for size in [0, 1, 2, 3, 17, 64, 200] {
            let items: Vec<_> = (0..size)
                .map(|i| {
                    let from = next(100);
                    (FileTime(from), FileTime(from + next(30)), i)
                })
                .collect();
            let spans = Spans::new(items.clone());
            for _ in 0..50 {
                let from = next(110);
                let probe = at(from, from + 1 + next(5));
                let mut want: Vec<u32> =
                    items.iter().filter(|item| item.0 < probe.end && item.1 > probe.start).map(|item| item.2).collect();
                let (mut got, more) = spans.at(probe, 1000);
                want.sort_unstable();
                got.sort_unstable();
                assert_eq!(got, want);
                assert!(!more);
            }
        }
    }

    #[test]
    fn stops_at_the_limit() {
        let spans = Spans::new((0..10).map(|i| (FileTime(0), FileTime(9), i)).collect());
        assert_eq!(spans.at(at(3, 4), 4), (vec![0, 1, 2, 3], true));
    }
}
