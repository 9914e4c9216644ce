//! Which encoding a file or a line has, and a line's text in it.

use std::borrow::Cow;

use encoding_rs::GB18030;

/// ASCII characters of a line, at least, that show it to be UTF-16.
const FEWEST_WIDE: usize = 8;

/// How the text of a file is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, which includes plain ASCII; single lines may still be GBK.
    #[default]
    Utf8,
    /// Lines that are not ASCII are GBK / GB18030.
    Gbk,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
}

impl Encoding {
    /// The stable name: `utf-8`, `gbk`, `utf-16le`, `utf-16be`.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gbk => "gbk",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        }
    }
}

/// The encoding one line turned out to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ascii,
    Utf8,
    Gbk,
}

/// The text of a little-endian UTF-16 line among others. Cut at the bytes of CR and LF, it begins with the second byte
/// of the line end before.
pub(super) fn wide_line(bytes: &[u8]) -> Option<String> {
    let bytes = if bytes.len() % 2 == 1 { bytes.strip_prefix(&[0])? } else { bytes };
    let (pairs, _) = bytes.as_chunks::<2>();
    let narrow = pairs.iter().filter(|pair| pair[0] != 0 && pair[1] == 0).count();
    if narrow < FEWEST_WIDE || narrow * 10 < pairs.len() * 6 {
        return None;
    }
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    Some(String::from_utf16_lossy(&units).trim_start_matches('\u{feff}').to_owned())
}

/// UTF-8 if valid, else GB18030; a torn character at a ragged end is dropped first.
pub(super) fn decode(bytes: &[u8], ragged: bool) -> (Cow<'_, str>, Kind) {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => (Cow::Borrowed(text), Kind::Ascii),
        Ok(text) => (Cow::Borrowed(text), Kind::Utf8),
        Err(error) => {
            let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
            if ragged && error.error_len().is_none() {
                return (String::from_utf8_lossy(whole), Kind::Utf8);
            }
            let (text, _) = GB18030.decode_without_bom_handling(bytes);
            (text, Kind::Gbk)
        }
    }
}

/// The encoding and the length of the byte order mark.
pub(super) fn sniff(head: &[u8]) -> (Encoding, usize) {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => return (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => return (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => return (Encoding::Utf16Be, 2),
        _ => {}
    }
    // Without a mark: ASCII text as UTF-16 has a zero in every other byte. A run of NUL has no other bytes to judge by.
    // A file that only goes on as UTF-16 does not begin so.
    let (mut even, mut odd, mut pairs) = (0usize, 0usize, 0usize);
    let (mut begins_little, mut begins_big) = (true, true);
    for pair in head.chunks_exact(2).take(4096) {
        if let [first, second] = pair
            && (*first != 0 || *second != 0)
        {
            pairs += 1;
            even += usize::from(*first == 0);
            odd += usize::from(*second == 0);
            if pairs <= 4 {
                begins_little &= *second == 0;
                begins_big &= *first == 0;
            }
        }
    }
    if pairs >= 8 && begins_little && odd * 10 > pairs * 7 {
        (Encoding::Utf16Le, 0)
    } else if pairs >= 8 && begins_big && even * 10 > pairs * 7 {
        (Encoding::Utf16Be, 0)
    } else {
        (Encoding::Utf8, 0)
    }
}
