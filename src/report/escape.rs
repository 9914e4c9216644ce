//! Names in a capture are chosen by others: nothing of them may steer a terminal.

/// The text with control, bidirectional and zero-width characters shown as `\u{…}`.
///
/// ```
/// use pmlblame::report::escape::terminal;
/// assert_eq!(terminal("a\x1b[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
/// assert_eq!(terminal("亚信安全"), "亚信安全");
/// ```
pub fn terminal(text: &str) -> String {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if is_hostile(c) {
            out.extend(c.escape_unicode())
        } else {
            out.push(c)
        }
        out
    })
}

/// The text for a terminal that shows ASCII only: arrows and dashes of the reports as people type them, everything
/// else as `\u{…}`.
///
/// ```
/// use pmlblame::report::escape::ascii;
/// assert_eq!(ascii("CreateFile → DELETE PENDING …"), "CreateFile -> DELETE PENDING ...");
/// assert_eq!(ascii("亚"), "\\u{4e9a}");
/// ```
pub fn ascii(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '→' => out.push_str("->"),
            '←' => out.push_str("<-"),
            '–' | '—' => out.push('-'),
            '…' => out.push_str("..."),
            '·' => out.push('.'),
            c if c.is_ascii() => out.push(c),
            c => out.extend(c.escape_unicode()),
        }
        out
    })
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}
