//! The arguments of one line: taken one by one, and a fault if any stays over.

use std::net::IpAddr;

use crate::nt::FileTime;

use super::error::{Place, ScenarioError, ScenarioErrorKind};
use super::lex::Word;

/// Names of numbers.
pub(super) type Names = [(u64, &'static str)];

/// 100 ns ticks in a second.
pub(super) const SECOND: u64 = 10_000_000;

/// The words after the head of a line.
#[derive(Debug)]
pub(super) struct Args {
    /// Where the head of the line stands.
    pub(super) head: Place,
    words: Vec<Word>,
}

impl Args {
    pub(super) fn new(head: Place, words: Vec<Word>) -> Self {
        Self { head, words }
    }

    /// The next word without a key.
    pub(super) fn next(&mut self) -> Option<Word> {
        let at = self.words.iter().position(|word| word.key.is_none())?;
        Some(self.words.remove(at))
    }

    /// The next word without a key, which must exist.
    pub(super) fn need(&mut self, what: &'static str) -> Result<Word, ScenarioError> {
        self.next().ok_or_else(|| self.head.fault(ScenarioErrorKind::MissingArgument(what)))
    }

    /// The value of `key`.
    pub(super) fn take(&mut self, key: &str) -> Option<Word> {
        let at = self.words.iter().position(|word| word.key.as_deref() == Some(key))?;
        Some(self.words.remove(at))
    }

    /// The value of `key`, which must exist.
    pub(super) fn take_needed(&mut self, key: &'static str) -> Result<Word, ScenarioError> {
        self.take(key).ok_or_else(|| self.head.fault(ScenarioErrorKind::MissingArgument(key)))
    }

    /// The text of `key`, empty when absent.
    pub(super) fn text(&mut self, key: &str) -> String {
        self.take(key).map(|word| word.text).unwrap_or_default()
    }

    /// A number, decimal or `0x` hex.
    pub(super) fn number(&mut self, key: &str, default: u64) -> Result<u64, ScenarioError> {
        self.take(key).map_or(Ok(default), |word| number(&word))
    }

    /// A number of 32 bits.
    pub(super) fn number32(&mut self, key: &str, default: u32) -> Result<u32, ScenarioError> {
        self.take(key).map_or(Ok(default), |word| number32(&word))
    }

    /// A signed number.
    pub(super) fn signed(&mut self, key: &str, default: i64) -> Result<i64, ScenarioError> {
        let Some(word) = self.take(key) else { return Ok(default) };
        match word.text.parse() {
            Ok(value) => Ok(value),
            Err(_) => number(&word).map(|value| value as i64),
        }
    }

    /// `yes`/`no` or `true`/`false`.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> Result<bool, ScenarioError> {
        self.take(key).map_or(Ok(default), |word| match word.text.as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(word.bad("yes or no")),
        })
    }

    /// Names or numbers of 32 bits joined by `,` or `|`.
    pub(super) fn bits32(&mut self, key: &str, names: &Names, default: u32) -> Result<u32, ScenarioError> {
        let Some(word) = self.take(key) else { return Ok(default) };
        u32::try_from(bits(&word, names)?).map_err(|_| word.bad("a 32-bit number"))
    }

    /// A length of time: seconds, or a number with `s`, `ms`, `us` or `ns`; in ticks.
    pub(super) fn ticks(&mut self, key: &str, default: u64) -> Result<u64, ScenarioError> {
        self.take(key).map_or(Ok(default), |word| ticks(&word, &word.text))
    }

    /// A moment: `+seconds`, `-seconds` from the start, or RFC 3339.
    pub(super) fn moment(&mut self, key: &str, start: u64, default: u64) -> Result<u64, ScenarioError> {
        self.take(key).map_or(Ok(default), |word| moment(&word, start))
    }

    /// Bytes in hex.
    pub(super) fn hex(&mut self, key: &str) -> Result<Option<Vec<u8>>, ScenarioError> {
        let Some(word) = self.take(key) else { return Ok(None) };
        let digits: Vec<u8> = word.text.chars().filter_map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        if digits.len() != word.text.chars().count() || !digits.len().is_multiple_of(2) {
            return Err(word.bad("bytes in hex"));
        }
        Ok(Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()))
    }

    /// Every value of a key that may stand several times.
    pub(super) fn all(&mut self, key: &str) -> Vec<Word> {
        std::iter::from_fn(|| self.take(key)).collect()
    }

    /// The words that are left, which then count as used.
    pub(super) fn rest(&mut self) -> Vec<Word> {
        std::mem::take(&mut self.words)
    }

    /// A fault if a word was not used.
    pub(super) fn finish(self) -> Result<(), ScenarioError> {
        match self.words.into_iter().next() {
            None => Ok(()),
            Some(word) => {
                let name = word.key.clone().unwrap_or_else(|| word.text.clone());
                Err(word.fault(ScenarioErrorKind::UnknownArgument(name)))
            }
        }
    }
}

fn parse_number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A whole number.
pub(super) fn number(word: &Word) -> Result<u64, ScenarioError> {
    parse_number(&word.text).ok_or_else(|| word.bad("a number"))
}

/// A whole number of 32 bits.
pub(super) fn number32(word: &Word) -> Result<u32, ScenarioError> {
    number(word).and_then(|value| u32::try_from(value).map_err(|_| word.bad("a 32-bit number")))
}

/// Names or numbers joined by `,` or `|`; `none` is 0. `FILE_` may stand before a name.
pub(super) fn bits(word: &Word, names: &Names) -> Result<u64, ScenarioError> {
    let mut value = 0;
    for part in word.text.split([',', '|']).map(str::trim) {
        if part.eq_ignore_ascii_case("none") {
            continue;
        }
        let short = part.get(..5).filter(|head| head.eq_ignore_ascii_case("FILE_")).and_then(|_| part.get(5..));
        let named = names
            .iter()
            .find(|(_, name)| {
                name.eq_ignore_ascii_case(part) || short.is_some_and(|short| name.eq_ignore_ascii_case(short))
            })
            .map(|(bit, _)| *bit);
        value |= named.or_else(|| parse_number(part)).ok_or_else(|| word.bad("a list of known names"))?;
    }
    Ok(value)
}

/// Digits with at most seven decimals (of a second) as ticks.
fn decimal_ticks(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut ticks = whole.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.chars() {
        place /= 10;
        let digit = u64::from(digit.to_digit(10)?);
        if place == 0 && digit != 0 {
            return None;
        }
        ticks = ticks.checked_add(digit * place)?;
    }
    Some(ticks)
}

/// A length of time in ticks.
pub(super) fn ticks(word: &Word, text: &str) -> Result<u64, ScenarioError> {
    let units = [("ms", SECOND / 1000), ("us", SECOND / 1_000_000), ("s", SECOND), ("", SECOND)];
    units
        .iter()
        .find_map(|(suffix, unit)| decimal_ticks(text.strip_suffix(suffix)?, *unit))
        .ok_or_else(|| word.bad("a time such as 0.0012, 1.2ms or 15us"))
}

/// A moment, FILETIME.
pub(super) fn moment(word: &Word, start: u64) -> Result<u64, ScenarioError> {
    if let Some(after) = word.text.strip_prefix('+') {
        return Ok(start.saturating_add(ticks(word, after)?));
    }
    if let Some(before) = word.text.strip_prefix('-') {
        return Ok(start.saturating_sub(ticks(word, before)?));
    }
    FileTime::parse_rfc3339(&word.text)
        .map(|time| time.0)
        .ok_or_else(|| word.bad("a moment such as +1.25 or 2022-10-08T05:50:40Z"))
}

/// `address:port`, IPv6 in brackets.
pub(super) fn endpoint(word: &Word) -> Result<(IpAddr, u16), ScenarioError> {
    let parsed: Result<std::net::SocketAddr, _> = word.text.parse();
    parsed.map(|socket| (socket.ip(), socket.port())).map_err(|_| word.bad("an address and port such as 10.0.0.5:443"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word {
        Word { place: Place::default(), key: None, text: text.to_owned() }
    }

    #[test]
    fn times_are_exact_to_100_ns() {
        for (text, expected) in
            [("1.0000001", 10_000_001), ("0.5ms", 5000), ("15us", 150), ("1.5us", 15), ("2s", 20_000_000), ("0.1us", 1)]
        {
            assert_eq!(ticks(&word(text), text), Ok(expected), "{text}");
        }
        assert!(ticks(&word(""), "0.00000001").is_err());
        assert!(ticks(&word(""), "x").is_err());
        assert_eq!(moment(&word("+0.5"), 100), Ok(5_000_100));
        assert_eq!(moment(&word("1601-01-01T00:00:01Z"), 0), Ok(SECOND));
    }

    #[test]
    fn lists_take_names_numbers_and_the_file_prefix() {
        let names: &Names = &[(1, "READ"), (4, "DELETE")];
        assert_eq!(bits(&word("read,FILE_DELETE|0x10"), names), Ok(0x15));
        assert_eq!(bits(&word("none"), names), Ok(0));
        assert!(bits(&word("READ,WRITE"), names).is_err());
    }
}
