//! Names replaced in what is shown, in text and in bytes that are shown as hex.

use super::text;
use crate::capture::columns::Column;
use crate::redact::Redaction;

/// Replaces names in what lies in `out` from `start` on, the text of `column`.
pub(crate) fn column(out: &mut Vec<u8>, start: usize, column: Column, redaction: Option<&Redaction>) {
    let names = matches!(
        column,
        Column::Path
            | Column::Detail
            | Column::ProcessName
            | Column::ImagePath
            | Column::CommandLine
            | Column::User
            | Column::Integrity
            | Column::Company
            | Column::Description
    );
    match redaction {
        Some(redaction) if column == Column::Version => version(out, start, redaction),
        Some(redaction) if names => replace(out, start, redaction),
        _ => {}
    }
}

/// Replaces names in the version of a file, which lies in `out` from `start` on and looks like an address.
pub(crate) fn version(out: &mut Vec<u8>, start: usize, redaction: &Redaction) {
    let mut units: Vec<u16> = String::from_utf8_lossy(out.get(start..).unwrap_or_default()).encode_utf16().collect();
    redaction.version(&mut units);
    out.truncate(start);
    out.extend_from_slice(String::from_utf16_lossy(&units).as_bytes());
}

/// Replaces names in what lies in `out` from `start` on.
pub(crate) fn replace(out: &mut Vec<u8>, start: usize, redaction: &Redaction) {
    let shown = text_of(redaction, &String::from_utf8_lossy(out.get(start..).unwrap_or_default()));
    out.truncate(start);
    out.extend_from_slice(shown.as_bytes());
}

/// `shown` with every name replaced.
pub(crate) fn text_of(redaction: &Redaction, shown: &str) -> String {
    redaction.text(&hex_replaced(shown, |bytes| redaction.bytes(bytes)))
}

/// Fewest bytes in hex that may spell something.
const FEWEST: usize = 3;

/// The text with `replace` applied to the bytes that it shows as `4A 00 6F 00`.
pub(crate) fn hex_replaced(shown: &str, mut replace: impl FnMut(&mut [u8])) -> String {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |text: &[u8]| match text {
        [high, low, ..] if !(high.is_ascii_lowercase() || low.is_ascii_lowercase()) => {
            Some(nibble(*high)? << 4 | nibble(*low)?)
        }
        _ => None,
    };
    let text_bytes = shown.as_bytes();
    let mut out = Vec::with_capacity(text_bytes.len());
    let mut at = 0;
    while let Some(byte) = text_bytes.get(at) {
        let mut bytes = Vec::new();
        let mut end = at;
        let is_start =
            at.checked_sub(1).and_then(|at| text_bytes.get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        while is_start && let Some(value) = pair(text_bytes.get(end..).unwrap_or_default()) {
            bytes.push(value);
            match text_bytes.get(end + 2) {
                Some(b' ') => end += 3,
                _ => {
                    end += 2;
                    break;
                }
            }
        }
        if bytes.len() < FEWEST {
            out.push(*byte);
            at += 1;
            continue;
        }
        let blank = text_bytes.get(end - 1) == Some(&b' ');
        replace(&mut bytes);
        text::hex_bytes(&mut out, &bytes, " ");
        if blank {
            out.push(b' ');
        }
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_hex_are_replaced_where_they_stand() {
        let swap = |bytes: &mut [u8]| bytes.iter_mut().filter(|byte| **byte == 0x62).for_each(|byte| *byte = 0x78);
        for (text, expected) in [
            ("Data: 62 6F 62", "Data: 78 6F 78"),
            ("Data: 62 00 6F 00 62 00, Length: 62", "Data: 78 00 6F 00 78 00, Length: 62"),
            ("62 6F", "62 6F"),
            ("C:\\62 62 62 B.txt 日志", "C:\\78 78 78 B.txt 日志"),
            ("A62 62 62 62", "A62 78 78 78"),
            ("", ""),
        ] {
            assert_eq!(hex_replaced(text, swap), expected);
        }
    }
}
