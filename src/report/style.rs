//! How everything for a terminal is drawn: language, zone, width, the tables of the house and counts.

use crate::lang::{Lang, Text};
use comfy_table::{Cell, ContentArrangement, Table, presets};
use jiff::tz::TimeZone;

/// How to draw.
#[derive(Clone, Debug)]
pub struct Style {
    /// Language.
    pub lang: Lang,
    /// Zone of every time shown.
    pub zone: TimeZone,
    /// Columns of the terminal; `None` for no limit.
    pub width: Option<u16>,
    /// Only ASCII may be printed.
    pub ascii: bool,
}

/// A table in the house style.
pub fn new_table(style: &Style, heads: &[Text]) -> Table {
    let mut table = Table::new();
    table.load_style(if style.ascii { presets::ASCII_FULL_CONDENSED } else { presets::UTF8_FULL_CONDENSED });
    table.set_content_arrangement(ContentArrangement::Dynamic);
    // Never let the library look at the terminal itself: the same record gives the same bytes everywhere.
    table.force_no_tty();
    if let Some(width) = style.width {
        table.set_width(width);
    }
    table.set_header(heads.iter().map(|head| Cell::new(head.get(style.lang))));
    table
}

/// A count with thousands separators.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
