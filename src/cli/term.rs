//! What the terminal can do, and the lines that go to stderr.

use crate::lang::{Lang, fail};
use crate::report::escape;
use std::io::{IsTerminal, Write};

/// The language of the system's locale.
pub fn locale_language() -> Lang {
    sys_locale::get_locale().map_or(Lang::En, |locale| Lang::from_locale(&locale))
}

/// Whether stdout goes to a terminal.
pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether stderr goes to a terminal.
pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether only ASCII may be written to the terminal. Windows consoles take Unicode whatever their code page; elsewhere
/// the locale tells. Files and pipes are always UTF-8.
pub fn ascii_only(terminal: bool) -> bool {
    if !terminal || cfg!(windows) {
        return false;
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let charset = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let charset = charset.to_ascii_lowercase();
    !(charset.contains("utf-8") || charset.contains("utf8"))
}

/// Columns of the terminal, if stdout is one.
pub fn width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}

/// One line of complaint on stderr.
pub fn complain(message: &str, lang: Lang) {
    warn(&format!("{}{}{message}", fail::ERROR.get(lang), lang.colon()));
}

/// One line on stderr. Names in it come from captures and arguments, so nothing may steer the terminal.
pub fn warn(message: &str) {
    line(&format!("pmlblame: {message}"));
}

/// The same without our name in front: what belongs to the line before.
pub fn line(message: &str) {
    let message = escape::terminal(message);
    let message = if ascii_only(stderr_is_terminal()) { escape::ascii(&message) } else { message };
    // Nowhere is left to report that stderr itself is gone.
    let _ = writeln!(std::io::stderr(), "{message}");
}
