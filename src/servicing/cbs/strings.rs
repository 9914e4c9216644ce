//! Strings that carry their length, and blobs.

/// A string taken from a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The content, mended where its declared length shows that copying changed it.
    pub value: String,
    /// As it stands in the log, when that differs.
    pub written: Option<String>,
    /// Declared length in characters, if declared.
    pub chars: Option<u32>,
    /// Declared length in bytes (Windows 7 and 8).
    pub bytes: Option<u32>,
    /// Whether the content has the declared length.
    pub fits: bool,
}

/// Quotes looked at before a string is given up as unclosed.
const MAX_QUOTES: usize = 16;

/// Reads `[l:14]'…'`, `[l:24{12}]"…"`, `[118]"…"`, `[l:101 ml:140]'…'` at the start of `text`.
pub fn parse(text: &str) -> Option<(Text, &str)> {
    let (bracket, rest) = text.strip_prefix('[')?.split_once(']')?;
    let (chars, bytes) = lengths(bracket)?;
    let rest = rest.trim_start_matches(['\n', ' ']);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let content = rest.get(1..)?;
    let wanted = chars as usize;
    let mut first = None;
    for (at, _) in content.match_indices(quote).take(MAX_QUOTES) {
        let raw = content.get(..at)?;
        let after = content.get(at + 1..)?;
        if let Some(value) = fit(raw, wanted) {
            let written = (value != raw).then(|| raw.to_owned());
            return Some((Text { value, written, chars: Some(chars), bytes, fits: true }, after));
        }
        first.get_or_insert((raw, after));
        // Every repair shortens, so a raw text below the length wants a later quote.
        if raw.len() > wanted.saturating_mul(8) + 64 {
            break;
        }
    }
    let (raw, after) = first?;
    Some((Text { value: raw.to_owned(), written: None, chars: Some(chars), bytes, fits: false }, after))
}

/// The first such string right behind `marker`; a marker that no string follows is passed over.
pub fn after(text: &str, marker: &str) -> Option<Text> {
    text.match_indices(marker).find_map(|(at, _)| parse(text.get(at + marker.len()..)?).map(|(found, _)| found))
}

/// Declared characters, and bytes where the log gives both.
fn lengths(bracket: &str) -> Option<(u32, Option<u32>)> {
    if let Ok(chars) = bracket.trim().parse() {
        return Some((chars, None));
    }
    let field = bracket.split([' ', ',']).find_map(|part| part.strip_prefix("l:"))?;
    match field.split_once('{') {
        Some((bytes, chars)) => Some((chars.strip_suffix('}')?.parse().ok()?, bytes.parse().ok())),
        None => field.parse().ok().map(|chars| (chars, None)),
    }
}

/// The form of `raw` that has `wanted` characters: as it is, backslashes halved, line breaks removed, or both.
fn fit(raw: &str, wanted: usize) -> Option<String> {
    let halve = |text: &str| text.replace("\\\\", "\\");
    let join = |text: &str| text.replace("\r\n", "").replace('\n', "");
    let join_blank = |text: &str| text.replace("\r\n", "\n").replace("\n ", "").replace('\n', "");
    if length(raw, wanted) {
        return Some(raw.to_owned());
    }
    let forms: [&dyn Fn(&str) -> String; 5] =
        [&halve, &join, &join_blank, &|text: &str| join(&halve(text)), &|text: &str| join_blank(&halve(text))];
    forms.iter().map(|form| form(raw)).find(|value| length(value, wanted))
}

/// Windows counts UTF-16 units.
fn length(text: &str, wanted: usize) -> bool {
    if text.is_ascii() { text.len() == wanted } else { text.encode_utf16().count() == wanted }
}

/// The digits of `{l:32 ml:4096 b:f657…}` at the start of `text`; the first number must be the count of bytes when
/// the digits are hexadecimal (older builds print base64).
pub fn blob(text: &str) -> Option<&str> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let digits = inner.split([' ', ',']).find_map(|part| part.strip_prefix("b:"))?;
    (!digits.is_empty()).then_some(digits)
}

/// The blob behind `marker`.
pub fn blob_after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    let at = text.find(marker)?;
    blob(text.get(at + marker.len()..)?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> (String, bool) {
        let (found, _) = parse(text).unwrap();
        (found.value, found.fits)
    }

    #[test]
    fn forms_of_length() {
        assert_eq!(value("[l:14]'PeopleAPIs.dll' for"), ("PeopleAPIs.dll".into(), true));
        let (old, rest) = parse("[l:24{12}]\"ntoskrnl.exe\" of").unwrap();
        assert_eq!((old.value.as_str(), old.bytes, old.chars, rest), ("ntoskrnl.exe", Some(24), Some(12), " of"));
        assert_eq!(value("[ml:520{260},l:130{3}]\"abc\""), ("abc".into(), true));
        assert_eq!(value("[l:3 ml:140]'abc'"), ("abc".into(), true));
        assert_eq!(value("[l:6]'C:\\测试'"), ("C:\\测试".into(), false));
        assert_eq!(value("[l:5]'C:\\测试'"), ("C:\\测试".into(), true));
    }

    #[test]
    fn the_length_decides_not_the_quotes() {
        assert_eq!(value("[5]\"a\"b\"c\" x"), ("a\"b\"c".into(), true));
        assert_eq!(value("[5]\"a\\\\b\\\\c\" x"), ("a\\b\\c".into(), true));
        assert_eq!(value("[7]\"\\\\srv\\ab\""), ("\\srv\\ab".into(), true));
        assert_eq!(value("[l:6]'abc-\nde'"), ("abc-de".into(), true));
        assert_eq!(value("[l:6]'abc-\n de'"), ("abc-de".into(), true));
        let (found, _) = parse("[5]\"a\\\\b\\\\c\" x").unwrap();
        assert_eq!(found.written.as_deref(), Some("a\\\\b\\\\c"));
        assert_eq!(value("[20]\"abc\" and \"def\""), ("abc".into(), false));
        assert_eq!(parse("[9]\"never closed"), None);
        assert_eq!(parse("[gle=0x1]'x'"), None);
    }

    #[test]
    fn a_marker_inside_a_name_is_passed_over() {
        let found = after("SystemImplementation::Sys(on:[3]\"abc\")", "on:").unwrap();
        assert_eq!(found.value, "abc");
        assert_eq!(after("SystemImplementation::Sys(...)", "on:"), None);
    }

    #[test]
    fn blobs() {
        assert_eq!(blob_after("\n Expected: {l:32 ml:4096 b:f6578d}.", "Expected:"), Some("f6578d"));
        assert_eq!(blob("{l:8 b:31bf3856ad364e35}"), Some("31bf3856ad364e35"));
        assert_eq!(blob("{l:8}"), None);
    }
}
