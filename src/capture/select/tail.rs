//! How wanted paths end, as a test of a few instructions.

/// Characters that are compared.
const WIDTH: usize = 8;

/// The bit in which the two cases of an ASCII letter differ, of every character.
const ONE_CASE: u64 = 0x2020_2020_2020_2020;

/// What the last eight characters of several texts have in common, a byte each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    bits: u64,
    /// The bits in which all agree.
    mask: u64,
}

/// A text as events keep it.
pub(super) trait Units: Copy {
    /// How many characters (UTF-16 units).
    fn len(self) -> usize;
    /// The character at `at`.
    fn unit(self, at: usize) -> Option<u16>;
    /// The eight characters from `at` on, a byte each, and the bits of those that are ASCII; `None` where there are fewer.
    fn eight_at(self, at: usize) -> Option<(u64, u64)>;
}

impl Units for &[u8] {
    #[inline]
    fn len(self) -> usize {
        <[u8]>::len(self)
    }

    #[inline]
    fn unit(self, at: usize) -> Option<u16> {
        self.get(at).copied().map(u16::from)
    }

    #[inline]
    fn eight_at(self, at: usize) -> Option<(u64, u64)> {
        Some((u64::from_le_bytes(*self.get(at..)?.first_chunk()?), u64::MAX))
    }
}

impl Units for &[[u8; 2]] {
    #[inline]
    fn len(self) -> usize {
        <[[u8; 2]]>::len(self)
    }

    #[inline]
    fn unit(self, at: usize) -> Option<u16> {
        self.get(at).copied().map(u16::from_le_bytes)
    }

    #[inline]
    fn eight_at(self, at: usize) -> Option<(u64, u64)> {
        let units = self.get(at..)?.first_chunk::<WIDTH>()?.map(u16::from_le_bytes);
        let ascii = units.map(|unit| if unit < 0x80 { u8::MAX } else { 0 });
        Some((u64::from_le_bytes(units.map(|unit| unit as u8)), u64::from_le_bytes(ascii)))
    }
}

impl Tail {
    /// That of one text in lower case. What is not ASCII is left open, as is what a shorter text lacks.
    pub(super) fn of(folded: &str) -> Self {
        let (mut bits, mut mask) = ([0; WIDTH], [0; WIDTH]);
        let units: Vec<u16> = folded.encode_utf16().collect();
        let places = bits.iter_mut().zip(&mut mask).rev();
        for ((bits, mask), unit) in places.zip(units.iter().rev()).filter(|(_, unit)| **unit < 0x80) {
            (*bits, *mask) = (*unit as u8, u8::MAX);
        }
        let (bits, mask) = (u64::from_le_bytes(bits), u64::from_le_bytes(mask));
        Self { bits: (bits | ONE_CASE) & mask, mask }
    }

    /// Takes another in.
    pub(super) const fn or(&mut self, other: Self) {
        self.mask &= other.mask & !(self.bits ^ other.bits);
        self.bits &= self.mask;
    }

    /// Whether one of the texts may end before character `end` of `text`.
    #[inline]
    pub(super) fn may_end(self, text: impl Units, end: usize) -> bool {
        // Too near to the begin of the text to be compared.
        let Some(from) = end.checked_sub(WIDTH) else { return true };
        text.eight_at(from).is_none_or(|(shown, ascii)| ((shown | ONE_CASE) ^ self.bits) & self.mask & ascii == 0)
    }
}
