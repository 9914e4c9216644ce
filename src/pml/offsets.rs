//! Places of events kept apart from the file's own array, as compactly as the file keeps them.

use super::layout::OFFSET_ENTRY;

/// File offsets of events, five bytes each: those of a rescued capture, whose own array is missing or wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetList {
    bytes: Vec<u8>,
}

impl OffsetList {
    /// Appends an offset. Returns `false`, and appends nothing, when it passes 40 bits or the list has 2^32 − 1.
    pub fn push(&mut self, offset: u64) -> bool {
        if offset >> 40 != 0 || self.len() == u32::MAX {
            return false;
        }
        let [a, b, c, d, e, ..] = offset.to_le_bytes();
        self.bytes.extend_from_slice(&[a, b, c, d, e]);
        true
    }

    /// How many offsets.
    pub fn len(&self) -> u32 {
        u32::try_from(self.bytes.len() / OFFSET_ENTRY).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Offset `n`.
    #[inline]
    pub fn get(&self, n: u32) -> Option<u64> {
        let at = (n as usize).checked_mul(OFFSET_ENTRY)?;
        self.bytes.get(at..)?.first_chunk().map(offset)
    }

    /// Drops the first `count`.
    pub(super) fn skip(&mut self, count: u32) {
        let bytes = (count as usize).saturating_mul(OFFSET_ENTRY).min(self.bytes.len());
        self.bytes.drain(..bytes);
    }

    /// The offsets as the file would keep them.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All offsets, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.bytes.as_chunks::<OFFSET_ENTRY>().0.iter().map(offset)
    }
}

/// A run of entries of an event-offset array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offsets<'a>(pub(super) &'a [[u8; OFFSET_ENTRY]]);

impl<'a> Offsets<'a> {
    /// Offset `n` of the run.
    #[inline]
    pub(crate) fn get(self, n: usize) -> Option<u64> {
        self.0.get(n).map(offset)
    }

    /// All of them.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = u64> + 'a {
        self.0.iter().map(offset)
    }
}

/// The offset that an entry holds.
#[inline]
const fn offset([a, b, c, d, e]: &[u8; OFFSET_ENTRY]) -> u64 {
    u64::from_le_bytes([*a, *b, *c, *d, *e, 0, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_bits_and_no_more() {
        let mut list = OffsetList::default();
        assert!(list.push(0x3A8));
        assert!(list.push((1 << 40) - 1));
        assert!(!list.push(1 << 40));
        assert_eq!(list.len(), 2);
        assert_eq!((list.get(0), list.get(1), list.get(2)), (Some(0x3A8), Some(0xFF_FFFF_FFFF), None));
        assert_eq!(list.iter().collect::<Vec<_>>(), [0x3A8, 0xFF_FFFF_FFFF]);
    }
}
