//! The report of a case on its way to text: what every part of it writes with.

use super::style::Style;
use super::time;
use crate::case::CaseRecord;
use crate::lang::Text;
use crate::nt::FileTime;

/// A case on its way to text.
pub(super) struct Report<'a> {
    pub(super) case: &'a CaseRecord,
    pub(super) style: &'a Style,
    pub(super) out: String,
}

impl Report<'_> {
    pub(super) fn text(&self, text: Text) -> &'static str {
        text.get(self.style.lang)
    }

    pub(super) fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    pub(super) fn heading(&mut self, text: Text) {
        let heading = self.text(text);
        self.out.push('\n');
        self.line(heading);
    }

    pub(super) fn time(&self, rfc3339: &str) -> String {
        match FileTime::parse_rfc3339(rfc3339) {
            Some(time) => time::time_of_day(time, &self.style.zone),
            None => rfc3339.to_owned(),
        }
    }
}
