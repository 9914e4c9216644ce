//! One column of one event, into a buffer.

use super::category::category;
use super::locale::Clock;
use super::row::{Body, Row};
use super::scene::{ProcessTexts, Scene};
use super::sink::TextSink;
use super::{fields, hide, text};
use crate::capture::columns::Column;
use crate::nt::NtStatus;
use crate::pml::EventClass;
use crate::pml::ops::Generation;

/// Longest text of a column that Procmon prints, UTF-16 units.
const COLUMN_LIMIT: usize = 4_095;

/// Renders rows of one capture file. Each thread has its own: it remembers the texts of the last second.
#[derive(Debug)]
pub(crate) struct Renderer<'a> {
    pub(crate) scene: Scene<'a>,
    start: Clock,
    completion: Clock,
    /// Rows whose detail did not hold its structure.
    pub(crate) broken: u64,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(scene: Scene<'a>) -> Self {
        let clock = Clock::new(scene.style.locale, scene.style.offset_seconds);
        Self { scene, start: clock.clone(), completion: clock, broken: 0 }
    }

    /// Writes the text of a column.
    pub(crate) fn column(&mut self, out: &mut Vec<u8>, row: &Row<'a>, column: Column) {
        let event = row.event;
        match column {
            Column::TimeOfDay => self.start.time_of_day(out, event.time()),
            Column::DateAndTime => self.start.date_time(out, event.time()),
            Column::RelativeTime => relative(out, event.time().since(self.scene.origin).0),
            Column::Duration => {
                if let Some(duration) = event.duration() {
                    text::seconds(out, duration.0);
                }
            }
            Column::CompletionTime => {
                if let Some(duration) = event.duration() {
                    let end = crate::nt::FileTime(event.time().0.wrapping_add(duration.0));
                    self.completion.time_of_day(out, end);
                }
            }
            Column::Operation => out.extend_from_slice(row.operation_name(&self.scene).as_bytes()),
            Column::Path => path(out, row, &self.scene),
            Column::Result => result(out, event.status(), self.scene.style.generation),
            Column::Detail => self.detail(out, row),
            Column::EventClass => out.extend_from_slice(class_name(row.class).as_bytes()),
            Column::Sequence => out.extend_from_slice(b"n/a"),
            Column::Tid => text::decimal(out, event.thread_id().into()),
            Column::Category => out.extend_from_slice(category(row).as_bytes()),
            _ => {
                let slot = self.scene.texts.slot(self.scene.pml, event.process_index());
                process_column(out, self.scene.texts.process(slot), column, &self.start);
            }
        }
    }

    /// The same with names replaced, where they are to be.
    pub(crate) fn shown(&mut self, out: &mut Vec<u8>, row: &Row<'a>, column: Column) {
        let start = out.len();
        self.column(out, row, column);
        hide::column(out, start, column, self.scene.redaction);
    }

    /// The Detail column. When the bytes do not hold the structure, the bytes themselves, marked.
    fn detail(&mut self, out: &mut Vec<u8>, row: &Row<'a>) {
        let start = out.len();
        let mut sink = TextSink::new(out, &self.start);
        if fields::send(row, &self.scene, &mut sink).is_none() {
            self.broken += 1;
            out.truncate(start);
            broken(out, row);
        }
        text::cut_units(out, start, COLUMN_LIMIT);
    }
}

/// The Path column.
pub(crate) fn path(out: &mut Vec<u8>, row: &Row<'_>, scene: &Scene<'_>) {
    let start = out.len();
    row.path(out, scene);
    text::end_at_nul(out, start);
    text::cut_units(out, start, COLUMN_LIMIT);
}

/// What stands for a detail that does not hold its structure.
fn broken(out: &mut Vec<u8>, row: &Row<'_>) {
    out.extend_from_slice(b"<Broken detail: ");
    match row.event.detail() {
        Ok(bytes) => text::hex_bytes(out, bytes.get(..1_024).unwrap_or(bytes), " "),
        Err(_) => out.extend_from_slice(b"outside the file"),
    }
    out.push(b'>');
}

/// Whether a row's detail holds its structure.
pub(crate) fn is_whole(row: &Row<'_>) -> bool {
    !matches!(row.body, Body::Broken)
}

/// The Event Class column.
pub(crate) fn class_name(class: EventClass) -> &'static str {
    class.name().unwrap_or(crate::pml::ops::UNKNOWN)
}

/// The Result column.
pub(crate) fn result(out: &mut Vec<u8>, status: NtStatus, generation: Generation) {
    /// `STATUS_REPARSE_GLOBAL`: later releases have a text for it.
    const REPARSE_GLOBAL: NtStatus = NtStatus(0x368);
    if status == NtStatus::SUCCESS {
        return out.extend_from_slice(b"SUCCESS");
    }
    match status.procmon_text() {
        Some(_) if status == REPARSE_GLOBAL && generation < Generation::V3_6 => {}
        Some(text) => return out.extend_from_slice(text.as_bytes()),
        None => {}
    }
    out.extend_from_slice(b"0x");
    text::hex_upper(out, status.0.into(), 1);
}

/// `HH:MM:SS.fffffff`.
fn relative(out: &mut Vec<u8>, ticks: u64) {
    let seconds = ticks / 10_000_000;
    let hours = seconds / 3600;
    if hours < 100 {
        out.extend_from_slice(&text::two(hours));
    } else {
        text::decimal(out, hours);
    }
    let ([m, n], [s, t]) = (text::two(seconds / 60 % 60), text::two(seconds % 60));
    let [a, b, c, d, e, f, g] = text::fraction(ticks);
    out.extend_from_slice(&[b':', m, n, b':', s, t, b'.', a, b, c, d, e, f, g]);
}

/// A column that is the same for all events of a process; nothing for a process that the table does not have.
pub(crate) fn process_column(out: &mut Vec<u8>, process: &ProcessTexts, column: Column, clock: &Clock) {
    let Some(pid) = process.pid else { return };
    let shown: &str = match column {
        Column::ProcessName => &process.name,
        Column::ImagePath => &process.image_path,
        Column::CommandLine => &process.command_line,
        Column::Company => &process.company,
        Column::Description => &process.description,
        Column::Version => &process.version,
        Column::User => &process.user,
        Column::Integrity => &process.integrity,
        Column::Virtualized => match process.virtualized {
            0 => "False",
            1 => "True",
            _ => "n/a",
        },
        Column::Architecture => {
            if process.is_64_bit {
                "64-bit"
            } else {
                "32-bit"
            }
        }
        Column::Pid => return text::decimal(out, pid.into()),
        Column::ParentPid => return text::decimal(out, process.parent_pid.into()),
        Column::Session => return text::decimal(out, process.session.into()),
        Column::AuthenticationId => {
            text::hex_padded(out, process.authentication_id >> 32, 8);
            out.push(b':');
            return text::hex_padded(out, process.authentication_id & 0xFFFF_FFFF, 8);
        }
        Column::ProcessStart => return clock.any_date_time(out, process.started),
        _ => return,
    };
    let start = out.len();
    out.extend_from_slice(shown.as_bytes());
    text::cut_units(out, start, COLUMN_LIMIT);
}
