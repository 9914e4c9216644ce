//! Writing JSON values into a reusable buffer.

use super::text;
use crate::nt::FileTime;

/// What `write` writes, as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    let start = out.len();
    write(out);
    escape(out, start);
    out.push(b'"');
}

/// Bytes that `byte` needs more when escaped.
const fn growth(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    }
}

/// Escapes the text that lies in `out` from `start` on, from its end backward, in place.
fn escape(out: &mut Vec<u8>, start: usize) {
    // Two counts without branches, so that the compiler can take many bytes at a time.
    let (mut marks, mut controls) = (0usize, 0usize);
    for piece in out.get(start..).unwrap_or_default().chunks(128) {
        let (mut mark, mut control) = (0u8, 0u8);
        for byte in piece {
            mark += u8::from(*byte == b'"') + u8::from(*byte == b'\\');
            control += u8::from(*byte < 0x20);
        }
        marks += usize::from(mark);
        controls += usize::from(control);
    }
    if controls > 0 {
        escape_controls(out, start);
    } else if marks > 0 {
        escape_marks(out, start, marks);
    }
}

/// A backslash in front of each of the `marks` quotes and backslashes; there are no control characters.
fn escape_marks(out: &mut Vec<u8>, start: usize, marks: usize) {
    let mut end = out.len();
    out.resize(end + marks, 0);
    let mut left = marks;
    while left > 0 {
        let Some(at) = out.get(start..end).and_then(|text| memchr::memrchr2(b'"', b'\\', text)) else { break };
        let at = start + at;
        // The mark and what follows it move to their place, `left` bytes on; the new backslash goes in front.
        out.copy_within(at..end, at + left);
        left -= 1;
        out[at + left] = b'\\';
        end = at;
    }
}

#[cold]
fn escape_controls(out: &mut Vec<u8>, start: usize) {
    let more: usize = out.get(start..).unwrap_or_default().iter().map(|byte| growth(*byte)).sum();
    let mut read = out.len();
    out.resize(read + more, 0);
    let mut write = out.len();
    while write > read && read > start {
        read -= 1;
        let byte = out[read];
        write -= 1 + growth(byte);
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => {
                let last = b"0123456789abcdef"[usize::from(byte & 0xF)];
                out[write..write + 6].copy_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), last]);
                continue;
            }
            _ => {
                out[write] = byte;
                continue;
            }
        };
        out[write] = b'\\';
        out[write + 1] = short;
    }
}

/// An RFC 3339 time in UTC with seven digits, quoted; hex when it is no date.
pub(crate) fn time(out: &mut Vec<u8>, time: FileTime) {
    out.push(b'"');
    super::locale::rfc3339(out, time);
    out.push(b'"');
}

/// An array of the names of the bits set in `value`; bits without a name come last as one hex string.
pub(crate) fn bits(out: &mut Vec<u8>, value: u32, names: impl Iterator<Item = (u32, &'static str)>) {
    out.push(b'[');
    let mut rest = value;
    for (bit, name) in names {
        if bit != 0 && rest & bit == bit {
            rest &= !bit;
            separate(out);
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.push(b'"');
        }
    }
    if rest != 0 {
        separate(out);
        out.push(b'"');
        text::hex(out, rest.into());
        out.push(b'"');
    }
    out.push(b']');
}

/// Replaces the strings of the JSON that lies in `out` from `start` on by what `replace` makes of them. Keys stay, and so
/// do the values of the keys `kept`.
pub(crate) fn replace_strings(out: &mut Vec<u8>, start: usize, kept: &[&[u8]], replace: impl Fn(&str) -> String) {
    let json = out.split_off(start.min(out.len()));
    let mut rest = json.as_slice();
    let mut key: &[u8] = &[];
    while let Some(open) = memchr::memchr(b'"', rest) {
        let (before, from) = rest.split_at(open);
        out.extend_from_slice(before);
        let mut end = 1;
        while let Some(byte) = from.get(end).filter(|byte| **byte != b'"') {
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        let (literal, after) = from.split_at_checked(end + 1).unwrap_or((from, &[]));
        let name = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
        match serde_json::from_slice::<String>(literal) {
            _ if after.first() == Some(&b':') => {
                key = name;
                out.extend_from_slice(literal);
            }
            Ok(text) if !kept.contains(&key) => string(out, |out| out.extend_from_slice(replace(&text).as_bytes())),
            _ => out.extend_from_slice(literal),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// `,"key":`
pub(crate) fn key(out: &mut Vec<u8>, key: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A comma, unless the array or object has just been opened.
pub(crate) fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'[' | b'{')) {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_as_they_were() {
        let all: String = (0u8..128).map(char::from).chain("\\\"日志\u{7F}".chars()).collect();
        for text in ["", "plain", "\\", "C:\\a\\b", &all, "\u{1}\u{2}"] {
            let mut out = b"[".to_vec();
            string(&mut out, |out| out.extend_from_slice(text.as_bytes()));
            out.push(b']');
            let back: Vec<String> = serde_json::from_slice(&out).unwrap();
            assert_eq!(back, [text]);
        }
    }

    #[test]
    fn strings_are_replaced_where_they_are_values() {
        let mut out = br#"[{"path":"C:\\Users\\bob\\a \"bob\"","bob":1,"list":["bob","x"],"operation":"bob"}"#.to_vec();
        replace_strings(&mut out, 1, &[b"operation"], |text| text.replace("bob", "xyz"));
        let expected = r#"[{"path":"C:\\Users\\xyz\\a \"xyz\"","bob":1,"list":["xyz","x"],"operation":"bob"}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn masks_name_their_bits() {
        let mut out = Vec::new();
        bits(&mut out, 0b1011, [(1, "A"), (2, "B"), (4, "C")].into_iter());
        bits(&mut out, 0, [(1, "A")].into_iter());
        assert_eq!(String::from_utf8(out).unwrap(), r#"["A","B","0x8"][]"#);
    }
}
