//! Everything a person reads, in English and Simplified Chinese.
//!
//! A sentence is a [`Text`]: both languages side by side, with named places such as `{file}`. A message that
//! lacks one language does not compile, and a test compares the places of the two.

pub mod advice;
pub mod cbs;
pub mod cbs_codes;
pub mod events;
pub mod fail;
pub mod filters;
pub mod help;
pub mod products;
pub mod record;
pub mod recover;
pub mod report;
pub mod scenario;
pub mod servicing;
pub mod vendors;
pub mod why;

use std::fmt;

/// The languages the tool speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese, as used on Chinese Windows.
    ZhCn,
}

impl Lang {
    /// The BCP 47 tag: `en` or `zh-CN`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// The language for a locale name such as `zh_CN.UTF-8`, `zh-Hans-CN` or `en-GB`; English for all others.
    pub fn from_locale(locale: &str) -> Self {
        let tag = locale.to_ascii_lowercase();
        if tag.starts_with("zh") && !tag.contains("hant") { Self::ZhCn } else { Self::En }
    }
}

/// Punctuation that joins what sentences do not.
impl Lang {
    /// Between a label and what it labels.
    pub const fn colon(self) -> &'static str {
        match self {
            Self::En => ": ",
            Self::ZhCn => "：",
        }
    }

    /// Between the items of a list.
    pub const fn comma(self) -> &'static str {
        match self {
            Self::En => ", ",
            Self::ZhCn => "、",
        }
    }

    /// Between clauses.
    pub const fn semicolon(self) -> &'static str {
        match self {
            Self::En => "; ",
            Self::ZhCn => "；",
        }
    }

    /// A remark in brackets, to stand right behind a word.
    pub fn remark(self, text: impl fmt::Display) -> String {
        match self {
            Self::En => format!(" ({text})"),
            Self::ZhCn => format!("（{text}）"),
        }
    }

    /// The first `most` numbers of a list, and how many there are besides.
    pub fn numbers(self, list: &[u64], most: usize) -> String {
        let first = list.iter().take(most).map(u64::to_string).collect::<Vec<_>>().join(self.comma());
        let more = list.len().saturating_sub(most);
        if more > 0 { first + &self.remark(format_args!("+{more}")) } else { first }
    }

    /// A process by name and number.
    pub fn process(self, name: impl fmt::Display, pid: u32) -> String {
        format!("{name}{}", self.remark(format_args!("PID {pid}")))
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// One message in both languages; `{name}` marks a place to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English wording.
    pub en: &'static str,
    /// Simplified Chinese wording.
    pub zh: &'static str,
}

impl Text {
    /// The wording in `lang`, places unfilled.
    pub const fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::ZhCn => self.zh,
        }
    }

    /// The wording with its places filled. `{n:file|files}` is the first word where `n` is 1, else the second.
    ///
    /// ```
    /// use pmlblame::lang::{Lang, Text};
    /// const T: Text = Text { en: "{n} {n:file|files}", zh: "{n} 个文件" };
    /// assert_eq!(T.fill(Lang::En, &[("n", &1)]), "1 file");
    /// assert_eq!(T.fill(Lang::En, &[("n", &3)]), "3 files");
    /// assert_eq!(T.fill(Lang::ZhCn, &[("n", &3)]), "3 个文件");
    /// ```
    pub fn fill(self, lang: Lang, values: &[(&str, &dyn fmt::Display)]) -> String {
        let text = self.get(lang);
        let mut out = String::with_capacity(text.len() + 32);
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let after = &rest[open + 1..];
            let Some(close) = after.find('}') else {
                rest = &rest[open..];
                break;
            };
            let (name, number) = match after[..close].split_once(':') {
                Some((name, words)) => (name, words.split_once('|')),
                None => (&after[..close], None),
            };
            let found = values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
            let found = match (found, number) {
                (Some(value), Some((one, many))) => Some(if value == "1" { one } else { many }.to_owned()),
                (found, _) => found,
            };
            rest = &after[close + 1..];
            let Some(value) = found else {
                out.push('{');
                out.push_str(&after[..=close]);
                continue;
            };
            // The blanks around a place are for Latin text; between two Chinese characters there is none.
            if lang == Lang::ZhCn && value.starts_with(is_chinese) && ends_spaced(&out) {
                out.pop();
            }
            out.push_str(&value);
            if lang == Lang::ZhCn
                && out.ends_with(is_chinese)
                && let Some(close_up) = rest.strip_prefix(' ').filter(|rest| rest.starts_with(is_chinese))
            {
                rest = close_up;
            }
        }
        out.push_str(rest);
        out
    }

    /// The names of the places, sorted, for the test that both languages have the same. Words chosen by number are none.
    pub fn places(text: &str) -> Vec<&str> {
        let places = text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(place, _)| place);
        let mut names: Vec<&str> = places.filter(|place| !place.contains(':')).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether a character is Chinese, its full-width punctuation included.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{303F}' | '\u{3400}'..='\u{9FFF}' | '\u{FF00}'..='\u{FF60}' | '“' | '”')
}

/// Whether a text ends with a Chinese character and one blank.
fn ends_spaced(text: &str) -> bool {
    text.strip_suffix(' ').is_some_and(|text| text.ends_with(is_chinese))
}

/// Declares messages: `texts! { NAME: "English", "中文"; … }`. Each file's messages are also listed in its `ALL`.
#[macro_export]
#[doc(hidden)]
macro_rules! texts {
    ($( $(#[$doc:meta])* $name:ident : $en:expr, $zh:expr ; )*) => {
        $( $(#[$doc])* #[allow(missing_docs, reason = "the name says it, the text follows")] pub const $name: $crate::lang::Text = $crate::lang::Text { en: $en, zh: $zh }; )*
        /// Every message of this file with its name.
        pub const ALL: &[(&str, $crate::lang::Text)] = &[ $( (stringify!($name), $name) ),* ];
        #[cfg(test)]
        mod complete {
            #[test]
            fn both_languages_say_the_same_places() {
                for (name, text) in super::ALL {
                    assert!(!text.en.trim().is_empty() && !text.zh.trim().is_empty(), "{name} lacks a language");
                    assert_eq!($crate::lang::Text::places(text.en), $crate::lang::Text::places(text.zh), "{name}");
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::{Lang, Text};

    #[test]
    fn blanks_stand_between_chinese_and_latin_text_only() {
        const T: Text = Text { en: "by {name} held", zh: "被 {name} 占用" };
        let fill = |name: &str| T.fill(Lang::ZhCn, &[("name", &name)]);
        assert_eq!(fill("System"), "被 System 占用");
        assert_eq!(fill("火绒安全"), "被火绒安全占用");
        assert_eq!(fill("a.exe（PID 4）"), "被 a.exe（PID 4）占用");
        assert_eq!(fill("微软 Defender"), "被微软 Defender 占用");
        assert_eq!(T.fill(Lang::En, &[("name", &"火绒")]), "by 火绒 held");
        assert_eq!(T.fill(Lang::ZhCn, &[]), "被 {name} 占用");
    }
}
