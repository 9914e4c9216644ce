//! Writing values into a reusable buffer of UTF-8: no allocation, no formatting machinery.

use crate::pml::bytes::DetailText;

/// Unsigned decimal.
#[inline]
pub(crate) fn decimal(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Signed decimal.
#[inline]
pub(crate) fn signed(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Decimal with `separator` every three digits.
pub(crate) fn grouped(out: &mut Vec<u8>, value: u64, separator: &str) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value).as_bytes();
    let (mut head, mut rest) = digits.split_at_checked((digits.len() - 1) % 3 + 1).unwrap_or((digits, &[]));
    loop {
        out.extend_from_slice(head);
        let Some((next, after)) = rest.split_at_checked(3) else { break };
        out.extend_from_slice(separator.as_bytes());
        (head, rest) = (next, after);
    }
}

/// Signed decimal with `separator` every three digits.
pub(crate) fn grouped_signed(out: &mut Vec<u8>, value: i64, separator: &str) {
    if value < 0 {
        out.push(b'-');
    }
    grouped(out, value.unsigned_abs(), separator);
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn hex_digits(out: &mut Vec<u8>, value: u64, least: u32, digits: &[u8; 16]) {
    let count = (16 - value.leading_zeros() / 4).clamp(least.max(1), 16);
    for place in (0..count).rev() {
        out.push(digits[(value >> (place * 4) & 0xF) as usize]);
    }
}

/// `0x` and lower-case hex, unpadded.
pub(crate) fn hex(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(b"0x");
    hex_digits(out, value, 1, LOWER);
}

/// Lower-case hex, padded with zeros to `least` digits.
pub(crate) fn hex_padded(out: &mut Vec<u8>, value: u64, least: u32) {
    hex_digits(out, value, least, LOWER);
}

/// Upper-case hex, padded with zeros to `least` digits.
pub(crate) fn hex_upper(out: &mut Vec<u8>, value: u64, least: u32) {
    hex_digits(out, value, least, UPPER);
}

/// Upper-case hex bytes with `between` between them.
pub(crate) fn hex_bytes(out: &mut Vec<u8>, bytes: &[u8], between: &str) {
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(between.as_bytes());
        }
        hex_digits(out, (*byte).into(), 2, UPPER);
    }
}

/// Exactly `places` decimal digits.
#[inline]
pub(crate) fn padded(out: &mut Vec<u8>, value: u64, places: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = value;
    for digit in digits.iter_mut().rev().take(places) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(digits.get(20 - places.min(20)..).unwrap_or_default());
}

/// The seven digits of a fraction of a second in 100 ns.
#[inline]
pub(crate) const fn fraction(ticks: u64) -> [u8; 7] {
    let ticks = (ticks % 10_000_000) as u32;
    let (high, low) = (ticks / 10_000, ticks % 10_000);
    let (a, b, c) = (high / 100, high % 100, low / 100);
    let d = low % 100;
    const ZERO: u8 = b'0';
    [
        ZERO + a as u8,
        ZERO + (b / 10) as u8,
        ZERO + (b % 10) as u8,
        ZERO + (c / 10) as u8,
        ZERO + (c % 10) as u8,
        ZERO + (d / 10) as u8,
        ZERO + (d % 10) as u8,
    ]
}

/// A length of time in 100 ns as `S.fffffff`.
pub(crate) fn seconds(out: &mut Vec<u8>, ticks: u64) {
    let [a, b, c, d, e, f, g] = fraction(ticks);
    let whole = ticks / 10_000_000;
    if whole < 10 {
        return out.extend_from_slice(&[b'0' + whole as u8, b'.', a, b, c, d, e, f, g]);
    }
    decimal(out, whole);
    out.extend_from_slice(&[b'.', a, b, c, d, e, f, g]);
}

/// Two digits of a number below 100.
#[inline]
pub(crate) const fn two(value: u64) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
}

/// UTF-16LE as UTF-8; an unpaired surrogate becomes U+FFFD.
pub(crate) fn wide(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() / 2);
    let (blocks, _) = bytes.as_chunks::<8>();
    let mut done = 0;
    for block in blocks {
        if u64::from_le_bytes(*block) & 0xFF80_FF80_FF80_FF80 != 0 {
            break;
        }
        out.extend_from_slice(&[block[0], block[2], block[4], block[6]]);
        done += 8;
    }
    let rest = bytes.get(done..).unwrap_or_default();
    let units = rest.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(c) if c.is_ascii() => out.push(c as u8),
            other => {
                let c = other.unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

/// A detail string: one byte a character, or UTF-16LE.
pub(crate) fn detail_text(out: &mut Vec<u8>, text: DetailText<'_>) {
    match text {
        DetailText::Ascii(bytes) if bytes.is_ascii() => out.extend_from_slice(bytes),
        DetailText::Ascii(bytes) => {
            for byte in bytes {
                out.extend_from_slice(char::from(*byte).encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        DetailText::Wide(text) => wide(out, text.0),
    }
}

/// Ends what lies in `out` from `start` on at its first NUL, as every text that Procmon prints does.
#[inline]
pub(crate) fn end_at_nul(out: &mut Vec<u8>, start: usize) {
    if let Some(end) = memchr::memchr(0, out.get(start..).unwrap_or_default()) {
        out.truncate(start + end);
    }
}

/// Cuts what lies in `out` from `start` on to at most `limit` UTF-16 units.
pub(crate) fn cut_units(out: &mut Vec<u8>, start: usize, limit: usize) {
    let text = out.get(start..).unwrap_or_default();
    if text.len() <= limit {
        return;
    }
    let mut units = 0;
    let mut end = start;
    while let Some(lead) = out.get(end) {
        let (bytes, wide) = match lead {
            0xF0.. => (4, 2),
            0xE0.. => (3, 1),
            0xC0.. => (2, 1),
            _ => (1, 1),
        };
        if units + wide > limit {
            // Half a surrogate pair is left over when the limit falls between its halves.
            if units < limit {
                out.truncate(end);
                out.extend_from_slice("\u{FFFD}".as_bytes());
                return;
            }
            break;
        }
        units += wide;
        end += bytes;
    }
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pml::bytes::Wide;

    fn with(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers() {
        assert_eq!(with(|out| grouped(out, 0, ",")), "0");
        assert_eq!(with(|out| grouped(out, 999, ",")), "999");
        assert_eq!(with(|out| grouped(out, 1_904_640, ".")), "1.904.640");
        assert_eq!(with(|out| grouped(out, u64::MAX, ",")), "18,446,744,073,709,551,615");
        assert_eq!(with(|out| grouped_signed(out, -1_000, ",")), "-1,000");
        assert_eq!(with(|out| grouped_signed(out, i64::MIN, ",")), "-9,223,372,036,854,775,808");
        assert_eq!(with(|out| hex(out, 0)), "0x0");
        assert_eq!(with(|out| hex(out, 0x3C0_0600)), "0x3c00600");
        assert_eq!(with(|out| hex(out, u64::MAX)), "0xffffffffffffffff");
        assert_eq!(with(|out| hex_padded(out, 0x3E7, 8)), "000003e7");
        assert_eq!(with(|out| hex_upper(out, 0xC000_046F, 1)), "C000046F");
        assert_eq!(with(|out| hex_bytes(out, &[0, 0xAB, 0x10], " ")), "00 AB 10");
        assert_eq!(with(|out| seconds(out, 12_345)), "0.0012345");
        assert_eq!(with(|out| seconds(out, 10_000_000 * 61)), "61.0000000");
        assert_eq!(with(|out| padded(out, 5, 2)), "05");
    }

    #[test]
    fn utf16() {
        let units = |text: &[u16]| text.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
        let text: Vec<u16> = "C:\\Windows\\日志\\😀 end".encode_utf16().collect();
        assert_eq!(with(|out| wide(out, &units(&text))), "C:\\Windows\\日志\\😀 end");
        assert_eq!(with(|out| wide(out, &units(&[0x41, 0xD800, 0x42]))), "A\u{FFFD}B");
        assert_eq!(with(|out| wide(out, &[0x41, 0, 0x42])), "A", "an odd last byte is no character");
        assert_eq!(with(|out| detail_text(out, DetailText::Ascii(b"abc"))), "abc");
        assert_eq!(with(|out| detail_text(out, DetailText::Ascii(&[0x61, 0xE9]))), "aé");
        assert_eq!(with(|out| detail_text(out, DetailText::Wide(Wide(&[0x2D, 0x4E])))), "中");
    }

    #[test]
    fn cutting_counts_utf16_units() {
        let cut = |text: &str, limit| {
            with(|out| {
                out.extend_from_slice(b"kept ");
                out.extend_from_slice(text.as_bytes());
                cut_units(out, 5, limit);
            })
        };
        assert_eq!(cut("abcdef", 4), "kept abcd");
        assert_eq!(cut("abcd", 4), "kept abcd");
        assert_eq!(cut("日志日志", 2), "kept 日志");
        assert_eq!(cut("a😀b", 3), "kept a😀");
        assert_eq!(cut("a😀b", 2), "kept a\u{FFFD}");
    }
}
