//! What a pass over the rows hands on from block to block.

use super::times::Seam;
use crate::nt::FileTime;

/// A result of a pass that says how much of the file it covers.
pub(crate) trait HasExtent {
    /// Rows, lines, and the times at its edges.
    fn extent(&self) -> (u64, u64, Seam);
}

/// Where a block lies in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Number of its first row.
    pub(crate) row: u64,
    /// Line of its first byte.
    pub(crate) line: u64,
    /// Its local ticks + this = UTC.
    pub(crate) shift: i64,
    /// Times in UTC, as a process list has them, can be compared with those of rows.
    pub(crate) utc: bool,
}

impl Place {
    /// Local ticks of the block in UTC.
    pub(crate) fn utc(self, local: i64) -> FileTime {
        FileTime(u64::try_from(local.saturating_add(self.shift)).unwrap_or_default())
    }
}
