//! A report on its way to text: what every report of a record writes with.

use super::style::Style;
use super::time;
use crate::lang::{Lang, Text};
use crate::nt::FileTime;

/// The text so far of a report on `record`.
pub(super) struct Page<'a, T> {
    pub(super) record: T,
    pub(super) style: &'a Style,
    pub(super) out: String,
}

impl<'a, T> Page<'a, T> {
    pub(super) const fn new(record: T, style: &'a Style) -> Self {
        Self { record, style, out: String::new() }
    }

    pub(super) const fn lang(&self) -> Lang {
        self.style.lang
    }

    pub(super) fn text(&self, text: Text) -> &'static str {
        text.get(self.style.lang)
    }

    pub(super) fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    pub(super) fn heading(&mut self, text: Text) {
        self.out.push('\n');
        self.line(self.text(text));
    }

    /// The time of day of a moment of the record.
    pub(super) fn time(&self, rfc3339: &str) -> String {
        FileTime::parse_rfc3339(rfc3339)
            .map_or_else(|| rfc3339.to_owned(), |time| time::time_of_day(time, &self.style.zone))
    }
}
