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
    let more: usize = out.get(start..).unwrap_or_default().iter().map(|byte| growth(*byte)).sum();
    if more == 0 {
        return;
    }
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
                let mut code = [b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), b'0'];
                code[5] = b"0123456789abcdef"[usize::from(byte & 0xF)];
                out[write..write + 6].copy_from_slice(&code);
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
    fn masks_name_their_bits() {
        let mut out = Vec::new();
        bits(&mut out, 0b1011, [(1, "A"), (2, "B"), (4, "C")].into_iter());
        bits(&mut out, 0, [(1, "A")].into_iter());
        assert_eq!(String::from_utf8(out).unwrap(), r#"["A","B","0x8"][]"#);
    }
}
