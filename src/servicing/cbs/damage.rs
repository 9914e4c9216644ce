//! Lines of a log that were damaged: remains of a header, and what is no text of a log at all.

/// A stamp with the comma behind it; `0` stands for any digit.
const SHAPE: &[u8] = b"0000-00-00 00:00:00,";

/// Characters of [`SHAPE`] that must be in their place for a damaged stamp.
const LEAST_IN_PLACE: usize = 15;

/// How far into a line the level of a header with a damaged stamp may begin.
const LEVEL_WITHIN: usize = 32;

/// Shortest line whose characters tell noise from text.
const SHORTEST_NOISE: usize = 16;

/// Kinds of punctuation that noise has at least; dense argument lists of CSI reach as many.
const NOISE_MARKS: u32 = 8;

/// Whether a line that is no header begins with the remains of one.
pub(super) fn is_damaged_header(line: &str) -> bool {
    let in_place = line.bytes().zip(SHAPE).filter(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == *other,
    });
    if in_place.count() >= LEAST_IN_PLACE {
        return true;
    }
    // The level is padded to its column.
    ["Info", "Error", "Warning", "Perf"].iter().any(|level| {
        let found = line.find(level).filter(|at| *at <= LEVEL_WITHIN);
        let before = found.and_then(|at| line.get(..at)).is_some_and(|before| before.ends_with(", "));
        before && found.and_then(|at| line.get(at + level.len()..)).is_some_and(|rest| rest.starts_with("        "))
    })
}

/// Whether a line is no text: it has control or replacement characters, or changes between letters, digits and many
/// kinds of punctuation at more than every other character.
pub(super) fn is_noise(line: &str) -> bool {
    let (mut length, mut changes, mut marks) = (0usize, 0usize, 0u128);
    let mut last = None;
    for character in line.chars() {
        if (character.is_control() && character != '\t') || character == char::REPLACEMENT_CHARACTER {
            return true;
        }
        if character.is_ascii_punctuation() {
            marks |= 1 << u32::from(character);
        }
        let class = Class::of(character);
        changes += usize::from(last.is_some_and(|last| last != class));
        last = Some(class);
        length += 1;
    }
    length >= SHORTEST_NOISE && marks.count_ones() >= NOISE_MARKS && changes * 100 > length * 55
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Digit,
    Upper,
    Mark,
    Letter,
}

impl Class {
    const fn of(character: char) -> Self {
        match character {
            ' ' | '\t' => Self::Blank,
            '0'..='9' => Self::Digit,
            'A'..='Z' => Self::Upper,
            _ if character.is_ascii_punctuation() => Self::Mark,
            _ => Self::Letter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remains_of_headers() {
        for damaged in [
            "2O22-1O-08 13:49:41, Info                  CBS    Perf",
            "2022-10-08 13:4\u{fffd}:41, Info                  CBS    Perf",
            "2022/10/08 13:49:41, Info                  CBS    Perf",
            "8 13:49:41, Error                 CSI    00000004 (F)",
        ] {
            assert!(is_damaged_header(damaged), "{damaged}");
        }
        for text in ["", " Expected: {l:32 b:00}.", "[gle=0x80004005]", "Info: none, Error: 3", "补丁2022-10-08 13:49"]
        {
            assert!(!is_damaged_header(text), "{text}");
        }
    }

    #[test]
    fn noise_and_text() {
        for noise in [
            "2i)A0`Z]tQ;-_$RXn!zZC}>l.I$#$tf\"Qx<W}$d=Y`g>M>w=[F#Vhs-8q}F0K}|aWav9GEl`aSl%^@TV",
            "C\u{fffd}",
            "esc\u{1b}[0m",
        ] {
            assert!(is_noise(noise), "{noise}");
        }
        for text in [
            "  (0) LockComponentPath (10): flags: 0 comp: {l:16 b:8085b9062fdbd801300000001413a815} pathid: {l:16 b:8085}",
            "oa = @0xe3c67fe->OBJECT_ATTRIBUTES {s:48; rd:NULL; on:[118]\"\\SystemRoot\\WinSxS\\Temp",
            "component [l:101 ml:140]'amd64_microsoft-windows-u..access-",
            "CSIPERF:TXCOMMIT;99",
            "<assemblyIdentity name=\"x\" version=\"1.0.0.0\" processorArchitecture=\"amd64\"/>",
            "MIIB2aX0Qk1c7Zt/9dK+Jw8sLmP4vTq3Yb6RhUeNfGxAzOi5oEyCBWn==",
            "\t补丁 测试",
        ] {
            assert!(!is_noise(text), "{text}");
        }
    }
}
