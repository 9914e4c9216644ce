//! Stretches in which events are missing that the driver counted: lost, not filtered.
//!
//! A filter leaves gaps in the driver's numbers everywhere, each a small part of all that is missing (under 3 % in real
//! captures of the default filter). Lost buffers or damaged pages are few large gaps beside little else that is missing; between
//! two files of a capture any gap is a file that is missing.

use crate::nt::FileTime;

/// Gaps kept of each sort. Of those within files the largest are kept; of those between files neighbours become one.
const MAX: usize = 32;

/// Gaps of as many numbers are none that a filter leaves everywhere, however many there are of their size.
const LARGE: u64 = 100;

/// One gap in the driver's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Numbers missing.
    pub missing: u64,
    /// Start of the last event before.
    pub from: FileTime,
    /// Start of the first event after.
    pub to: FileTime,
    /// It lies between two files of the capture.
    pub between_files: bool,
}

impl Lost {
    /// Whether it lies between two moments, or a part of it: what stands for several gaps has each of them somewhere.
    pub fn is_within(&self, from: FileTime, to: FileTime) -> bool {
        from <= self.from && to >= self.to || from < self.to && to > self.from
    }
}

/// The gaps of a capture: the largest, those between its files, and from where to where there are any within a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Within files, the largest first.
    largest: [Lost; MAX],
    /// No gap within a file of this many numbers or fewer is among the largest.
    floor: u64,
    span: Option<(FileTime, FileTime)>,
    /// Between files, in order of time; behind them none.
    between: [Lost; MAX],
}

impl Gaps {
    /// Takes a gap in; within a file, if it is among the largest.
    pub fn add(&mut self, gap: Lost) {
        if gap.between_files {
            self.add_between(gap);
        } else {
            self.add_within(gap.missing, gap.from, gap.to);
        }
    }

    /// The same for `missing` numbers within a file. Where events were filtered out, nearly every one has a gap before it.
    #[inline]
    pub fn add_within(&mut self, missing: u64, from: FileTime, to: FileTime) {
        if missing > 0 {
            self.widen((from, to));
        }
        if missing > self.floor {
            self.enter(Lost { missing, from, to, between_files: false });
        }
    }

    #[cold]
    fn enter(&mut self, gap: Lost) {
        if self.between.iter().any(|known| known.missing > 0 && (known.from, known.to) == (gap.from, gap.to)) {
            return;
        }
        if let Some(known) = self.largest.iter_mut().find(|known| (known.from, known.to) == (gap.from, gap.to)) {
            known.missing = known.missing.max(gap.missing);
        } else if let Some(smallest) = self.largest.last_mut() {
            *smallest = gap;
        }
        self.rank();
    }

    /// Puts the largest first.
    fn rank(&mut self) {
        self.largest.sort_by_key(|known| std::cmp::Reverse(known.missing));
        self.floor = self.largest.last().map_or(0, |known| known.missing);
    }

    /// A gap between two files. One too many makes those two one that lie next to each other.
    #[cold]
    fn add_between(&mut self, gap: Lost) {
        if gap.missing == 0 {
            return;
        }
        let is_it = |known: &Lost| known.missing > 0 && (known.from, known.to) == (gap.from, gap.to);
        self.largest.iter_mut().filter(|known| is_it(known)).for_each(|known| *known = Lost::default());
        self.rank();
        let mut all: Vec<Lost> = self.between.iter().copied().filter(|known| known.missing > 0).collect();
        match all.iter_mut().find(|known| is_it(known)) {
            Some(known) => known.missing = known.missing.max(gap.missing),
            None => all.push(gap),
        }
        all.sort_by_key(|known| (known.from, known.to));
        if all.len() > MAX {
            let apart = |pair: &[Lost]| pair.first().zip(pair.last()).map(|(one, next)| next.from.since(one.to));
            let nearest = (0..all.len() - 1).min_by_key(|at| all.get(*at..at + 2).and_then(apart)).unwrap_or(0);
            let next = all.remove(nearest + 1);
            if let Some(one) = all.get_mut(nearest) {
                one.missing = one.missing.saturating_add(next.missing);
                one.to = one.to.max(next.to);
            }
        }
        self.between = [Lost::default(); MAX];
        self.between.iter_mut().zip(all).for_each(|(place, gap)| *place = gap);
    }

    /// From the last event before the first gap within a file to the first event behind the last one.
    pub const fn span(&self) -> Option<(FileTime, FileTime)> {
        self.span
    }

    /// Takes in that there are gaps between two moments.
    #[inline]
    pub fn widen(&mut self, (from, to): (FileTime, FileTime)) {
        let (first, last) = self.span.unwrap_or((from, to));
        self.span = Some((first.min(from), last.max(to)));
    }

    /// Takes those of another part of the capture in.
    pub fn append(&mut self, other: &Self) {
        for gap in other.largest.into_iter().chain(other.between) {
            self.add(gap);
        }
        if let Some(span) = other.span {
            self.widen(span);
        }
    }

    /// Those that lie between two files, and within files those of a tenth of all `missing` numbers, or large ones that differ by no
    /// more than ten times, down to one that holds a tenth of the numbers that are in none as large; in order of time. Several
    /// lost stretches so make none of them small.
    pub fn lost(&self, missing: u64) -> impl Iterator<Item = Lost> + use<> {
        let mut all: Vec<Lost> = self.those_lost(missing).copied().collect();
        all.sort_by_key(|gap| (gap.from, gap.to));
        all.into_iter()
    }

    /// Whether one of them lies between two moments, at least in part.
    pub fn is_torn(&self, missing: u64, from: FileTime, to: FileTime) -> bool {
        missing > 0 && self.those_lost(missing).any(|lost| lost.is_within(from, to))
    }

    fn those_lost(&self, missing: u64) -> impl Iterator<Item = &Lost> {
        let mut rest = self.between.iter().fold(missing, |rest, gap| rest.saturating_sub(gap.missing));
        let largest = self.largest.first().map_or(0, |gap| gap.missing);
        let mut least = u64::MAX;
        for same in self.largest.chunk_by(|one, next| one.missing == next.missing) {
            rest = same.iter().fold(rest, |rest, gap| rest.saturating_sub(gap.missing));
            let counts = |gap: &&Lost| {
                let tenfold = gap.missing.saturating_mul(10);
                tenfold >= missing || gap.missing >= LARGE && tenfold >= rest.max(largest)
            };
            least = same.first().filter(counts).map_or(least, |gap| gap.missing);
        }
        let within = self.largest.iter().take_while(move |gap| gap.missing >= least);
        within.chain(&self.between).filter(|gap| gap.missing > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(at: u64, missing: u64, between_files: bool) -> Lost {
        Lost { missing, from: FileTime(at), to: FileTime(at + 1), between_files }
    }

    fn gaps(all: impl IntoIterator<Item = Lost>) -> (Gaps, u64) {
        let (mut gaps, mut missing) = (Gaps::default(), 0);
        for gap in all {
            gaps.add(gap);
            missing += gap.missing;
        }
        (gaps, missing)
    }

    #[test]
    fn a_gap_is_no_smaller_for_others_of_its_size() {
        for count in [1, 9, 12, 30] {
            let (gaps, missing) = gaps((0..count).map(|n| gap(10 * n, 1000, false)));
            assert_eq!(gaps.lost(missing).count() as u64, count);
            assert!(
                gaps.is_torn(missing, FileTime(0), FileTime(1)) && !gaps.is_torn(missing, FileTime(1), FileTime(10))
            );
        }
        // A filter leaves as much in gaps that are not kept.
        let (filtered, missing) = gaps((0..1000).map(|n| gap(10 * n, 1 + n % 7, false)));
        assert_eq!(filtered.lost(missing).count(), 0);
        let (single, missing) = gaps((0..30).map(|n| gap(10 * n, 1, false)));
        assert_eq!(single.lost(missing).count(), 0);
        // One of a hundredth of another is a filter's, whatever else there is.
        let (uneven, missing) = gaps([gap(0, 1, false), gap(10, 100, false)]);
        assert_eq!(uneven.lost(missing).collect::<Vec<_>>(), [gap(10, 100, false)]);
    }

    #[test]
    fn no_gap_between_files_is_forgotten() {
        let many = (0..100u64).map(|n| gap(100 * n, if n == 50 { 1 } else { 50 + n }, true));
        let (gaps, missing) = gaps(many.chain([gap(20_000, 1_000_000, false)]));
        assert_eq!(
            gaps.lost(missing).filter(|gap| gap.between_files).map(|gap| gap.missing).sum::<u64>(),
            missing - 1_000_000
        );
        for n in 0..100 {
            assert!(gaps.is_torn(missing, FileTime(100 * n), FileTime(100 * n + 1)), "{n}");
        }
        assert!(gaps.lost(missing).count() <= 2 * MAX);
        assert!(!gaps.is_torn(missing, FileTime(10_000), FileTime(20_000)));
        // Found within files first, and known for one between them later.
        let (twice, _) = super::tests::gaps([gap(5, 3, false), gap(5, 3, true)]);
        assert_eq!(twice.lost(3).collect::<Vec<_>>(), [gap(5, 3, true)]);
    }
}
