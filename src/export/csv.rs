//! Procmon's CSV: UTF-8 with a byte-order mark, every field quoted, lines end CR LF.

use super::hide;
use super::locale::Clock;
use super::pipeline::RowWriter;
use super::plan::{Plan, Run, Step};
use super::render::{Renderer, process_column};
use super::row::Row;
use super::scene::{ProcessTexts, Scene};
use crate::capture::columns::Column;
use crate::redact::Redaction;

/// What stands in front of the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The columns of a CSV file, and for one capture file the columns of each process ready to be copied.
#[derive(Debug)]
pub(crate) struct Csv<'a> {
    scene: Scene<'a>,
    columns: &'a [Column],
    plan: Plan,
}

impl<'a> Csv<'a> {
    pub(crate) fn new(scene: Scene<'a>, columns: &'a [Column]) -> Self {
        let clock = Clock::new(scene.style.locale, scene.style.offset_seconds);
        let plan = Plan::new(columns, scene.texts, |out, process, run| {
            render_run(out, process, run, (&clock, scene.redaction));
        });
        Self { scene, columns, plan }
    }

    /// The header line.
    pub(crate) fn header(columns: &[Column]) -> Vec<u8> {
        let mut out = BYTE_ORDER_MARK.to_vec();
        for (at, column) in columns.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(column.title().as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// The fields of neighbouring process columns with the quotes and commas between and around them.
fn render_run(out: &mut Vec<u8>, process: &ProcessTexts, run: &Run, (clock, redaction): (&Clock, Option<&Redaction>)) {
    out.extend_from_slice(if run.first { b"\"" } else { b"\",\"" });
    for (at, column) in run.columns.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\",\"");
        }
        let start = out.len();
        process_column(out, process, *column, clock);
        hide::column(out, start, *column, redaction);
        escape(out, start);
    }
    out.extend_from_slice(if run.last { b"\"\r\n" } else { b"\",\"" });
}

/// Doubles the quotes and replaces the line feeds of what lies in `out` from `start` on.
pub(crate) fn escape(out: &mut Vec<u8>, start: usize) {
    let field = out.get(start..).unwrap_or_default();
    if memchr::memchr2(b'"', b'\n', field).is_some() {
        escape_found(out, start);
    }
}

#[cold]
fn escape_found(out: &mut Vec<u8>, start: usize) {
    let quotes = memchr::memchr_iter(b'"', out.get(start..).unwrap_or_default()).count();
    let mut read = out.len();
    out.resize(read + quotes, 0);
    let mut write = out.len();
    while read > start {
        read -= 1;
        write -= 1;
        match out[read] {
            b'\n' => out[write] = b';',
            b'"' => {
                out[write] = b'"';
                write -= 1;
                out[write] = b'"';
            }
            byte => out[write] = byte,
        }
    }
}

impl<'a> RowWriter<'a> for Csv<'a> {
    fn scene(&self) -> Scene<'a> {
        self.scene
    }

    fn row(&self, out: &mut Vec<u8>, renderer: &mut Renderer<'a>, _: u64, row: &Row<'a>) {
        let mut slot = None;
        // Runs bring the marks around them, single columns only those towards other columns and the ends.
        let mut in_column = false;
        for (at, step) in self.plan.steps.iter().enumerate() {
            match step {
                Step::Column(column) => {
                    if in_column {
                        out.extend_from_slice(b"\",\"");
                    } else if at == 0 {
                        out.push(b'"');
                    }
                    in_column = true;
                    let start = out.len();
                    renderer.shown(out, row, *column);
                    if matches!(column, Column::Path | Column::Detail) {
                        escape(out, start);
                    }
                }
                Step::Process(run) => {
                    in_column = false;
                    let slot =
                        *slot.get_or_insert_with(|| self.scene.texts.slot(self.scene.pml, row.event.process_index()));
                    out.extend_from_slice(self.plan.text(slot, *run));
                }
            }
        }
        if in_column {
            out.extend_from_slice(b"\"\r\n");
        }
    }

    fn unreadable(&self, out: &mut Vec<u8>, _: u64, error: &crate::pml::PmlError) {
        for (at, column) in self.columns.iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",\"" } else { b"\"" });
            if *column == Column::Detail {
                let start = out.len();
                out.extend_from_slice(format!("<Broken event: {error}>").as_bytes());
                escape(out, start);
            }
            out.push(b'"');
        }
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_and_line_feeds_become_semicolons() {
        for (text, expected) in [
            ("plain", "plain"),
            ("\"quoted\"", "\"\"quoted\"\""),
            ("a\r\n\tb", "a\r;\tb"),
            ("\"\n\"", "\"\";\"\""),
            ("", ""),
        ] {
            let mut out = b"\"kept\",\"".to_vec();
            let start = out.len();
            out.extend_from_slice(text.as_bytes());
            escape(&mut out, start);
            assert_eq!(out, [b"\"kept\",\"", expected.as_bytes()].concat());
        }
    }

    #[test]
    fn the_header_is_marked_and_quoted() {
        assert_eq!(Csv::header(&[Column::DateAndTime, Column::Tid]), b"\xEF\xBB\xBF\"Date & Time\",\"TID\"\r\n");
    }
}
