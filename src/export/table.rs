//! The readable table: one line an event, columns of fixed width, cut where the terminal ends.

use super::Request;
use super::pipeline::RowWriter;
use super::render::Renderer;
use super::row::Row;
use super::scene::Scene;
use crate::capture::columns::Column;
use crate::pml::PmlError;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Writes events as lines of a table.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    pub(crate) scene: Scene<'a>,
    pub(crate) layout: &'a Layout,
}

/// Where the columns of a table stand.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Column, its width in cells, and whether longer text is cut.
    columns: Vec<(Column, usize, bool)>,
    /// Nothing but ASCII.
    ascii: bool,
}

/// Cells of the event number in front.
const NUMBER: usize = 8;
/// What a cut text ends with.
const ELLIPSIS: &str = "…";
/// The same in ASCII.
const DOTS: &str = "...";

/// The cells a column usually needs.
const fn usual(column: Column) -> usize {
    match column {
        Column::TimeOfDay | Column::CompletionTime => 19,
        Column::DateAndTime | Column::ProcessStart => 22,
        Column::ProcessName => 20,
        Column::Pid | Column::Tid | Column::ParentPid | Column::Session | Column::Sequence => 6,
        Column::Operation => 26,
        Column::Path => 60,
        Column::Result => 18,
        Column::Detail => 80,
        Column::RelativeTime => 16,
        Column::Duration => 10,
        Column::EventClass | Column::Architecture | Column::Virtualized => 11,
        Column::Integrity | Column::Category => 14,
        Column::AuthenticationId => 17,
        _ => 30,
    }
}

impl Layout {
    /// For `columns` in `width` cells; without a width nothing is cut.
    pub(crate) fn new(request: &Request) -> Self {
        let (columns, width) = (request.columns.as_slice(), request.width);
        let mut widths: Vec<usize> = columns.iter().map(|column| usual(*column)).collect();
        if let Some(width) = width {
            let free = |widths: &[usize]| {
                let used = NUMBER + widths.iter().sum::<usize>() + widths.len();
                width as isize - used as isize
            };
            // What is missing is taken from the long columns, the last first; what is left over goes to the last of them.
            for shrink in [Column::Detail, Column::Path, Column::Operation, Column::ProcessName] {
                let Some(at) = columns.iter().position(|column| *column == shrink) else { continue };
                let missing = -free(&widths);
                if missing > 0 {
                    let least = if shrink == Column::Path { 24 } else { 12 };
                    widths[at] = widths[at].saturating_sub(missing as usize).max(least.min(widths[at]));
                }
            }
            let left = free(&widths);
            if left > 0
                && let Some(at) = columns.iter().position(|column| *column == Column::Detail)
            {
                widths[at] += left as usize;
            }
        }
        let cut = width.is_some();
        Self {
            columns: columns.iter().zip(widths).map(|(column, width)| (*column, width, cut)).collect(),
            ascii: request.ascii,
        }
    }

    /// The line of titles.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.field(&mut out, "Event", NUMBER, (false, false));
        for (at, (column, width, cut)) in self.columns.iter().enumerate() {
            out.push(b' ');
            self.field(&mut out, column.title(), *width, (*cut, at + 1 == self.columns.len()));
        }
        out.push(b'\n');
        out
    }

    /// The number in front of a line.
    pub(crate) fn number(&self, out: &mut Vec<u8>, number: u64) {
        self.field(out, itoa::Buffer::new().format(number), NUMBER, (false, false));
    }

    /// The columns behind the number, each written by `text`, and the end of the line.
    pub(crate) fn line(&self, out: &mut Vec<u8>, mut text: impl FnMut(&mut Vec<u8>, Column)) {
        let mut value = Vec::new();
        for (at, (column, width, cut)) in self.columns.iter().enumerate() {
            out.push(b' ');
            value.clear();
            text(&mut value, *column);
            let tamed = tame(&String::from_utf8_lossy(&value), self.ascii).into_owned();
            self.field(out, &tamed, *width, (*cut, at + 1 == self.columns.len()));
        }
        while out.last() == Some(&b' ') {
            out.pop();
        }
        out.push(b'\n');
    }

    /// A text in its cells: cut when too long and to be `cut`, padded unless it is the last.
    fn field(&self, out: &mut Vec<u8>, text: &str, width: usize, (cut, last): (bool, bool)) {
        let cells = text.width();
        if cut && cells > width {
            let mark = if self.ascii { DOTS } else { ELLIPSIS };
            let room = width.saturating_sub(mark.width());
            let mut used = 0;
            for c in text.chars() {
                let cells = c.width().unwrap_or(0);
                if used + cells > room {
                    break;
                }
                used += cells;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            out.extend_from_slice(mark.as_bytes());
            out.resize(out.len() + width.saturating_sub(used + mark.width()), b' ');
        } else {
            out.extend_from_slice(text.as_bytes());
            if !last {
                out.resize(out.len() + width.saturating_sub(cells), b' ');
            }
        }
    }
}

/// Characters that could steer a terminal.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

/// Shows what could steer a terminal as `\u{…}`, line ends and tabs as a blank; with `ascii`, all else beyond it too.
fn tame(text: &str, ascii: bool) -> std::borrow::Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' => {}
            '\n' | '\t' => out.push(' '),
            c if is_hostile(c) || ascii && !c.is_ascii() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.into()
}

impl<'a> RowWriter<'a> for Table<'a> {
    fn scene(&self) -> Scene<'a> {
        self.scene
    }

    fn row(&self, out: &mut Vec<u8>, renderer: &mut Renderer<'a>, number: u64, row: &Row<'a>) {
        self.layout.number(out, number);
        self.layout.line(out, |out, column| renderer.shown(out, row, column));
    }

    fn unreadable(&self, out: &mut Vec<u8>, number: u64, error: &PmlError) {
        self.layout.number(out, number);
        out.extend_from_slice(format!(" <Broken event: {error}>\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(text: &str, width: usize, ascii: bool) -> String {
        let mut out = Vec::new();
        let layout = Layout::new(&Request { ascii, ..Request::default() });
        layout.field(&mut out, text, width, (true, false));
        String::from_utf8(out).unwrap()
    }

    fn fitted(text: &str, width: usize) -> String {
        fit(text, width, false)
    }

    #[test]
    fn texts_fill_their_cells_whatever_their_script() {
        assert_eq!(fitted("abc", 5), "abc  ");
        assert_eq!(fitted("abcdef", 5), "abcd…");
        assert_eq!(fitted("日志日志", 8), "日志日志");
        assert_eq!(fitted("日志日志", 6), "日志… ");
        assert_eq!(fitted("日志日志", 7), "日志日…");
        assert_eq!(fit("abcdef", 5, true), "ab...");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(tame("a\x1b[31mb\u{202E}c\r\n\td", false), "a\\u{1b}[31mb\\u{202e}c  d");
        assert_eq!(tame("亚信安全", false), "亚信安全");
        assert_eq!(tame("亚 a", true), "\\u{4e9a} a");
    }

    #[test]
    fn the_table_fits_the_terminal() {
        for width in [120, 160, 240] {
            let header =
                String::from_utf8(Layout::new(&Request { width: Some(width), ..Request::default() }).header()).unwrap();
            assert!(header.trim_end().width() <= width, "{width}: {header}");
        }
    }
}
