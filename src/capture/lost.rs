//! Stretches in which events are missing that the driver counted: lost, not filtered.
//!
//! A filter leaves gaps in the driver's numbers everywhere, each a small part of all that is missing (under 3 % in real
//! captures of the default filter). A lost buffer, a missing segment or a damaged page is one large gap.

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
}

/// The largest gaps of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    largest: [Lost; MAX],
}

impl Gaps {
    /// Takes a gap in, if it is among the largest.
    #[inline]
    pub fn add(&mut self, gap: Lost) {
        let Some(smallest) = self.largest.iter_mut().min_by_key(|known| known.missing) else { return };
        if gap.missing > smallest.missing {
            *smallest = gap;
        }
    }

    /// Takes those of another part of the capture in.
    pub fn append(&mut self, other: &Self) {
        for gap in other.largest {
            self.add(gap);
        }
    }

    /// Those that hold at least a tenth of all `missing` numbers, in order of time.
    pub fn lost(&self, missing: u64) -> impl Iterator<Item = Lost> {
        let mut largest = self.largest;
        largest.sort_by_key(|gap| (gap.from, gap.to));
        largest.into_iter().filter(move |gap| gap.missing > 0 && gap.missing.saturating_mul(10) >= missing)
    }
}
