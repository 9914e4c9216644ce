//! UTF-16 text unit by unit: how names are compared, what letters and marks are, and bytes read as such text.

pub(super) const BACKSLASH: u16 = b'\\' as u16;
pub(super) const SLASH: u16 = b'/' as u16;
pub(super) const AT: u16 = b'@' as u16;
pub(super) const COLON: u16 = b':' as u16;
pub(super) const DOT: u16 = b'.' as u16;

/// Folds one UTF-16 unit the way names are compared: lower case where that is one unit.
pub(super) fn fold_unit(unit: u16) -> u16 {
    if unit < 0x80 {
        return u16::from(u8::try_from(unit).unwrap_or_default().to_ascii_lowercase());
    }
    let Some(c) = char::from_u32(unit.into()) else { return unit };
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => u16::try_from(u32::from(lower)).unwrap_or(unit),
        _ => unit,
    }
}

/// The capital of a folded unit, where it folds back to it; else the unit.
pub(super) fn upper_unit(unit: u16) -> u16 {
    let Some(c) = char::from_u32(unit.into()) else { return unit };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => {
            u16::try_from(u32::from(upper)).ok().filter(|upper| fold_unit(*upper) == unit).unwrap_or(unit)
        }
        _ => unit,
    }
}

/// Folds text; one unit stays one unit.
pub(super) fn fold(text: &str) -> String {
    let units: Vec<u16> = text.encode_utf16().map(fold_unit).collect();
    String::from_utf16_lossy(&units)
}

/// Whether `ascii` stands in `text` from `at` on.
pub(super) fn starts_with(text: &[u16], at: usize, ascii: &str) -> bool {
    text.get(at..at + ascii.len()).is_some_and(|here| here.iter().copied().eq(ascii.bytes().map(u16::from)))
}

/// Whether a unit is part of a word: a letter or a digit, or half of a character beyond the first 65,536.
pub(super) fn is_word(unit: u16) -> bool {
    char::from_u32(unit.into()).is_none_or(char::is_alphanumeric)
}

/// Whether a unit is a decimal digit.
pub(super) fn is_digit(unit: u16) -> bool {
    (0x30..=0x39).contains(&unit)
}

/// Whether a unit (folded) is a hexadecimal digit.
pub(super) fn is_hex(unit: u16) -> bool {
    is_digit(unit) || (0x61..=0x66).contains(&unit)
}

/// `bytes` as text: one byte a character, then UTF-16 from the first and from the second byte.
pub(super) fn views(bytes: &[u8]) -> [Vec<u16>; 3] {
    let narrow = bytes.iter().map(|byte| if byte.is_ascii() { u16::from(*byte) } else { 1 }).collect();
    [narrow, wide(bytes), wide(bytes.get(1..).unwrap_or_default())]
}

/// Bytes as UTF-16, little-endian; an odd last byte is left out.
pub(super) fn wide(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}
