//! Regular expressions that are compiled only for a text that may match. Compiling the whole catalogue takes longer
//! than reading a small capture, and nearly every text matches nothing in it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

/// A pattern over company strings, ignoring case, with words of which every match holds one.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: Cow<'static, str>,
    /// Lower-case words; `None` where the pattern has an alternative without one.
    words: Option<Vec<Cow<'static, str>>>,
    /// A match must be words of its own.
    whole: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that matches nothing if it does not compile.
    pub(super) fn company(text: &str) -> Self {
        let words = words(text).map(|words| words.into_iter().map(Cow::Owned).collect());
        Self { text: text.to_owned().into(), words, whole: false, compiled: OnceLock::new() }
    }

    /// The same, where what it matches must stand by itself: `sophos` is no part of `Philosophos`.
    pub(super) fn whole_company(text: &str) -> Self {
        Self { whole: true, ..Self::company(text) }
    }

    /// A pattern of the embedded catalogue and behind it, between tabs, its words. What it matches must stand by itself.
    pub(super) fn embedded(line: &'static str) -> Self {
        let mut columns = line.split('\t').map(Cow::Borrowed);
        let text = columns.next().unwrap_or_default();
        let words: Vec<_> = columns.collect();
        Self { text, words: (!words.is_empty()).then_some(words), whole: true, compiled: OnceLock::new() }
    }

    /// A pattern from a user's file, compiled at once so that what is wrong with it is said.
    ///
    /// # Errors
    /// Those of the regex compiler.
    pub(super) fn checked_company(text: &str) -> Result<Self, regex::Error> {
        let pattern = Self::company(text);
        let regex = pattern.compile()?;
        Ok(Self { compiled: OnceLock::from(Some(regex)), ..pattern })
    }

    /// Whether `text` matches; `folded` is [`fold`]ed of it.
    pub(super) fn matches(&self, text: &str, folded: &str) -> bool {
        let possible = self.words.as_ref().is_none_or(|words| words.iter().any(|word| folded.contains(&**word)));
        let compiled = || self.compiled.get_or_init(|| self.compile().ok()).as_ref();
        possible
            && compiled().is_some_and(|regex| {
                regex.find_iter(text).any(|found| !self.whole || stands_alone(text, found.range()))
            })
    }

    fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.text).case_insensitive(true).size_limit(1 << 20).build()
    }
}

/// What a catalogue's name may go on with and be the same: its other spellings.
const LONGER: [(&str, &str); 2] = [("comp", "ut"), ("elastic", "search")];

/// Whether a part of a text is no piece of a longer Latin word. Words may be told by capitals alone (`DBAPPSecurity`); other scripts
/// do not part words.
fn stands_alone(text: &str, part: Range<usize>) -> bool {
    let (Some(before), Some(inside), Some(after)) =
        (text.get(..part.start), text.get(part.clone()), text.get(part.end..))
    else {
        return false;
    };
    let goes_on = |one: Option<char>, other: Option<char>, next: Option<char>| match (one, other) {
        (Some(one), Some(other)) if one.is_ascii_alphabetic() && other.is_ascii_alphabetic() => {
            let begins_word = other.is_ascii_uppercase()
                && (one.is_ascii_lowercase() || next.is_some_and(|next| next.is_ascii_lowercase()));
            !begins_word
        }
        _ => false,
    };
    let mut first = inside.chars();
    let mut behind = after.chars();
    let begins_within = goes_on(before.chars().next_back(), first.next(), first.next());
    let ends_within = goes_on(inside.chars().next_back(), behind.next(), behind.next());
    let (inside, after) = (inside.to_ascii_lowercase(), after.to_ascii_lowercase());
    let is_longer = LONGER.iter().any(|(name, rest)| inside.ends_with(name) && after.starts_with(rest));
    !begins_within && (!ends_within || is_longer)
}

/// Lower case, as words are compared; the long s, which has no lower case, matches `s` in regular expressions.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ſ' { 's' } else { c }).collect()
}

/// The longest word that each alternative requires.
pub(super) fn words(pattern: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let (mut longest, mut word) = (String::new(), String::new());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => match chars.next()? {
                escaped if escaped.is_alphanumeric() => {
                    // Classes and boundaries; those with arguments are not taken apart.
                    if matches!(escaped, 'b' | 'B' | 'd' | 'D' | 's' | 'S' | 'w' | 'W') {
                        None
                    } else {
                        return None;
                    }
                }
                escaped => Some(escaped),
            },
            '(' => {
                skip_group(&mut chars)?;
                None
            }
            '|' => {
                keep_longer(&mut longest, &mut word);
                found.push(std::mem::take(&mut longest));
                continue;
            }
            // A class or a repetition count would have to be taken apart.
            '[' | '{' => return None,
            '^' | '$' | '.' | '*' | '+' | '?' => None,
            c => Some(c),
        };
        match literal {
            // What a quantifier makes optional is not required. Letters beyond ASCII may match more than their two cases.
            Some(c)
                if !matches!(chars.peek(), Some('?' | '*' | '{'))
                    && (c.is_ascii() || !(c.is_lowercase() || c.is_uppercase())) =>
            {
                word.push(c.to_ascii_lowercase());
            }
            _ => keep_longer(&mut longest, &mut word),
        }
    }
    keep_longer(&mut longest, &mut word);
    found.push(longest);
    found.iter().all(|word| !word.is_empty()).then_some(found)
}

fn keep_longer(longest: &mut String, word: &mut String) {
    if word.len() > longest.len() {
        std::mem::swap(longest, word);
    }
    word.clear();
}

/// Skips to the end of a group whose opening parenthesis was just read.
fn skip_group(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
    // Flags such as `(?x)` change how the rest is read.
    if chars.peek() == Some(&'?') {
        return None;
    }
    let mut depth = 1;
    while depth > 0 {
        match chars.next()? {
            '\\' => {
                chars.next()?;
            }
            '[' => return None,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alternative_gives_its_longest_required_word() {
        let some = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words("asiainfo|亚信"), some(&["asiainfo", "亚信"]));
        assert_eq!(words(r"carbon black|bit9|\bconfer\b"), some(&["carbon black", "bit9", "confer"]));
        assert_eq!(words("sentinel ?one"), some(&["sentinel"]));
        assert_eq!(words(r"360\.cn"), some(&["360.cn"]));
        assert_eq!(words(r"\bnsec(soft|ware)?\b"), some(&["nsec"]));
        assert_eq!(words("^ESET"), some(&["eset"]));
        assert_eq!(words("ab*cde+"), some(&["cde"]));
        assert_eq!(words("f-?secure"), some(&["secure"]));
    }

    #[test]
    fn what_cannot_be_taken_apart_requires_nothing() {
        for pattern in ["[ab]c", "a|.*", "(?x)a b", "a{2}", r"\x41", "", "a|", r"\", "(a", r"(b)"] {
            assert_eq!(words(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn matching_is_that_of_the_regular_expression() {
        let patterns = ["asiainfo|亚信", "sentinel ?one|k7", r"\bavg\b", "^microsoft", "g ?data", "[ab]c", "ſoft"];
        let texts =
            ["AsiaInfo Ltd", "亚信安全", "SentinelOne", "Sentinel  One", "AVGate", "AVG", "bc", "Microſoft", "GDATA"];
        for pattern in patterns {
            let regex = RegexBuilder::new(pattern).case_insensitive(true).build().unwrap();
            let ours = Pattern::company(pattern);
            for text in texts {
                assert_eq!(ours.matches(text, &fold(text)), regex.is_match(text), "{pattern} on {text}");
            }
        }
        // Of the catalogue: words of their own.
        let alone = [
            ("sophos|surfright", "Sophos Ltd", true),
            ("sophos|surfright", "Philosophos Ltd", false),
            ("avast|alwil", "AVAST Software", true),
            ("avast|alwil", "Avastone Consulting", false),
            ("avast|alwil", "AVASTONE", false),
            ("g ?data", "Big Data Corp", false),
            ("g ?data", "G DATA Software AG", true),
            ("dbapp|安恒", "DBAPPSecurity Ltd.", true),
            ("dbapp|安恒", "杭州安恒信息技术", true),
            ("k7 ?comp", "K7 Computing Pvt Ltd", true),
            ("elastic", "Elasticsearch B.V.", true),
            ("elastic", "Elastica", false),
            (r"360\.cn", "www.360.cn", true),
            ("qihoo|360 ?software", "QihooTech", true),
        ];
        for (pattern, text, expected) in alone {
            assert_eq!(Pattern::whole_company(pattern).matches(text, &fold(text)), expected, "{pattern} on {text}");
        }
        assert!(Pattern::checked_company("a(").is_err());
        assert!(!Pattern::company("a(").matches("a(", "a("), "matches nothing");
    }
}
