//! Stretches in which events are missing that the driver counted: lost, not filtered.
//!
//! A filter leaves gaps in the driver's numbers everywhere, each a small part of all that is missing (under 3 % in real
//! captures of the default filter). A lost buffer or a damaged page is one large gap; between two files of a capture any gap
//! is a file that is missing.

use crate::nt::FileTime;

/// Gaps kept; as many as can make up a tenth each.
const MAX: usize = 10;

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
    const fn weight(&self) -> (bool, u64) {
        (self.between_files, self.missing)
    }
}

/// The gaps of a capture: the largest, and from where to where there are any within a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    largest: [Lost; MAX],
    /// No gap within a file of this many numbers or fewer is among the largest.
    floor: u64,
    span: Option<(FileTime, FileTime)>,
}

impl Gaps {
    /// Takes a gap in, if it is among the largest.
    pub fn add(&mut self, gap: Lost) {
        if gap.between_files {
            self.enter(gap);
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
        if let Some(known) = self.largest.iter_mut().find(|known| (known.from, known.to) == (gap.from, gap.to)) {
            known.between_files |= gap.between_files;
            known.missing = known.missing.max(gap.missing);
            return;
        }
        let Some(smallest) = self.largest.iter_mut().min_by_key(|known| known.weight()) else { return };
        if gap.weight() > smallest.weight() {
            *smallest = gap;
        }
        let least = self.largest.iter().map(Lost::weight).min();
        self.floor = least.map_or(0, |(between_files, missing)| if between_files { u64::MAX } else { missing });
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
        for gap in other.largest {
            self.add(gap);
        }
        if let Some(span) = other.span {
            self.widen(span);
        }
    }

    /// Those that hold at least a tenth of all `missing` numbers or lie between two files, in order of time.
    pub fn lost(&self, missing: u64) -> impl Iterator<Item = Lost> {
        let mut largest = self.largest;
        largest.sort_by_key(|gap| (gap.from, gap.to));
        largest
            .into_iter()
            .filter(move |gap| gap.missing > 0 && (gap.between_files || gap.missing.saturating_mul(10) >= missing))
    }
}
