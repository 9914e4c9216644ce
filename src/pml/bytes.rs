//! Checked little-endian reads and borrowed UTF-16.

use std::borrow::Cow;

/// Pointer width of the capturing machine; decides where fields lie in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointerSize {
    /// 32-bit capture.
    Four,
    /// 64-bit capture.
    Eight,
}

impl PointerSize {
    /// In bytes.
    #[inline]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// Chooses between a 32-bit and a 64-bit value.
    #[inline]
    pub const fn pick(self, four: usize, eight: usize) -> usize {
        match self {
            Self::Four => four,
            Self::Eight => eight,
        }
    }
}

/// Byte at `at`.
#[inline]
pub fn u8_at(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

#[inline]
fn array_at<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Little-endian u16 at `at`.
#[inline]
pub fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array_at(data, at).map(u16::from_le_bytes)
}

/// Little-endian u32 at `at`.
#[inline]
pub fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    array_at(data, at).map(u32::from_le_bytes)
}

/// Little-endian u64 at `at`.
#[inline]
pub fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    array_at(data, at).map(u64::from_le_bytes)
}

/// Little-endian i64 at `at`.
#[inline]
pub fn i64_at(data: &[u8], at: usize) -> Option<i64> {
    array_at(data, at).map(i64::from_le_bytes)
}

/// A pointer-sized value at `at`.
#[inline]
pub fn pointer_at(data: &[u8], at: usize, size: PointerSize) -> Option<u64> {
    match size {
        PointerSize::Four => u32_at(data, at).map(u64::from),
        PointerSize::Eight => u64_at(data, at),
    }
}

/// Borrowed UTF-16LE text, not yet checked or decoded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Wide<'a>(pub &'a [u8]);

impl<'a> Wide<'a> {
    /// The text in front of the first NUL.
    pub fn until_nul(self) -> Self {
        let units = self.0.chunks_exact(2).position(|unit| unit == [0, 0]).unwrap_or(self.0.len() / 2);
        Self(self.0.get(..units * 2).unwrap_or(self.0))
    }

    /// The text up to the first NUL; unpaired surrogates become U+FFFD.
    pub fn decode(self) -> String {
        let units = self.0.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).take_while(|u| *u != 0);
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// The whole text, NULs included.
    pub fn decode_all(self) -> String {
        let units = self.0.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }
}

impl std::fmt::Debug for Wide<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.decode(), f)
    }
}

/// A counted string of an event's detail: one byte a character (ASCII) or UTF-16LE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailText<'a> {
    /// ASCII bytes.
    Ascii(&'a [u8]),
    /// UTF-16LE.
    Wide(Wide<'a>),
}

impl<'a> DetailText<'a> {
    /// Splits the string announced by `info` (bit 15 ASCII, bits 0–14 characters) off `data`.
    #[inline]
    pub fn split(info: u16, data: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let chars = usize::from(info & 0x7FFF);
        if info & 0x8000 != 0 {
            let (text, rest) = data.split_at_checked(chars)?;
            Some((Self::Ascii(text), rest))
        } else {
            let (text, rest) = data.split_at_checked(chars * 2)?;
            Some((Self::Wide(Wide(text)), rest))
        }
    }

    /// The characters; borrowed when they are ASCII.
    pub fn decode(self) -> Cow<'a, str> {
        match self {
            Self::Ascii(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                // A byte above 0x7F never occurs in real files; keep it as the Latin-1 character it would print as.
                Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
            },
            Self::Wide(wide) => Cow::Owned(wide.decode_all()),
        }
    }

    /// The first byte of an ASCII string that is none: NUL and those above 0x7F never occur in real files.
    #[inline]
    pub(crate) fn no_text(self) -> Option<u8> {
        match self {
            Self::Ascii(bytes) => {
                let is_none = |byte: &u8| byte.wrapping_sub(1) >= 0x7F;
                // All at once first: that is vectorised.
                let any = bytes.iter().fold(false, |any, byte| any | is_none(byte));
                bytes.iter().copied().find(|byte| any && is_none(byte))
            }
            Self::Wide(_) => None,
        }
    }

    /// The characters in front of the first NUL.
    pub fn until_nul(self) -> Self {
        match self {
            Self::Ascii(bytes) => {
                let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
                Self::Ascii(bytes.get(..end).unwrap_or(bytes))
            }
            Self::Wide(wide) => Self::Wide(wide.until_nul()),
        }
    }

    /// How many bytes it takes in the file.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Ascii(bytes) => bytes.len(),
            Self::Wide(wide) => wide.0.len(),
        }
    }

    /// How many characters (UTF-16 units when wide).
    pub const fn len(self) -> usize {
        match self {
            Self::Ascii(bytes) => bytes.len(),
            Self::Wide(wide) => wide.0.len() / 2,
        }
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
