//! Rows that are texts already, those of a CSV or XML export, written again in any format.
//!
//! A row is made in two parts, so that rows can be made in parallel: [`TextRows::row`] needs only the row, and
//! [`TextRows::place`] what is known once the rows before it are. The columns stay as Procmon worded them.

use super::jsonl::{self, class_code};
use super::table::Layout;
use super::{Format, Request, csv, hide, json, locale, text, xml};
use crate::capture::columns::Column;
use crate::capture::filter::FilterView;
use crate::capture::op::ProcessInfo;
use crate::nt::{FileTime, NtStatus, Ticks};
use crate::pml::EventClass;
use crate::pml::ops::{code, other};
use crate::redact::Redaction;

/// One frame of a row's stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFrame {
    /// Address.
    pub address: u64,
    /// Kernel code.
    pub kernel: bool,
    /// Path of its module; empty outside every module.
    pub path: String,
    /// Place in the module as printed: `module.ext + 0x1234`, or a symbol.
    pub location: String,
}

/// What a row means, beside its texts.
#[derive(Clone, Debug, Default)]
pub struct TextFacts {
    /// Event class, where the operation tells.
    pub class: Option<EventClass>,
    /// Status, where the result tells.
    pub status: Option<NtStatus>,
    /// Duration, where a column tells.
    pub duration: Option<Ticks>,
    /// Its stack, innermost first.
    pub stack: Vec<TextFrame>,
}

/// What is known of the time of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTime {
    /// UTC.
    Utc(FileTime),
    /// Date and time of the exporting machine.
    Local(FileTime),
    /// Time of day of the exporting machine.
    OfDay(FileTime),
    /// Nothing.
    Unknown,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub struct TextPlace {
    /// Its number.
    pub event: u64,
    /// Its start.
    pub time: TextTime,
    /// Its process's number in the process list (XML).
    pub process: Option<u32>,
}

/// Writes rows.
#[derive(Debug)]
pub struct TextRows<'r> {
    request: &'r Request,
    layout: Layout,
    opening: Vec<u8>,
    names: Vec<String>,
    /// Columns that the rows have.
    present: &'r [Column],
    redaction: Option<&'r Redaction>,
}

/// The environment in the detail of Process Start: names of every kind, and secrets, stand there.
const ENVIRONMENT: &[u8] = b", Environment: ";

impl<'r> TextRows<'r> {
    /// For rows that have the columns `present`.
    pub fn new(request: &'r Request, present: &'r [Column], redaction: Option<&'r Redaction>) -> Self {
        Self {
            request,
            layout: Layout::new(request),
            opening: jsonl::opening(request.capture.as_deref()),
            names: request.columns.iter().map(|column| xml::element_name(*column)).collect(),
            present,
            redaction,
        }
    }

    /// What stands in front of the first row; of XML nothing, as its process list comes before.
    pub fn head(&self) -> Vec<u8> {
        match self.request.format {
            Format::Csv if !self.request.headless => csv::Csv::header(&self.request.columns),
            Format::Table => self.layout.header(),
            Format::Csv | Format::Xml | Format::Jsonl => Vec::new(),
        }
    }

    /// What stands behind the last row.
    pub const fn tail(&self) -> &'static [u8] {
        match self.request.format {
            Format::Xml => xml::TAIL,
            _ => b"",
        }
    }

    /// Writes what stands in front of a row; `first` of all rows, it has no empty line before it.
    pub fn place(&self, out: &mut Vec<u8>, place: &TextPlace, first: bool) {
        match self.request.format {
            Format::Csv => {}
            Format::Table => self.layout.number(out, place.event),
            Format::Xml => {
                out.extend_from_slice(if first { b"<event>\r\n" } else { b"\r\n<event>\r\n" });
                if let Some(process) = place.process {
                    xml::element(out, "ProcessIndex", |out| text::decimal(out, process.into()));
                }
            }
            Format::Jsonl => {
                out.extend_from_slice(&self.opening);
                text::decimal(out, place.event);
                time(out, place.time);
            }
        }
    }

    /// Writes a row behind its place.
    pub fn row(&self, out: &mut Vec<u8>, view: &mut dyn FilterView, facts: &TextFacts) {
        match self.request.format {
            Format::Csv => {
                for (at, column) in self.request.columns.iter().enumerate() {
                    out.extend_from_slice(if at == 0 { b"\"" } else { b"\",\"" });
                    let start = out.len();
                    self.text(out, view, *column);
                    csv::escape(out, start);
                }
                out.extend_from_slice(b"\"\r\n");
            }
            Format::Table => self.layout.line(out, |out, column| self.text(out, view, column)),
            Format::Xml => {
                for (column, name) in self.request.columns.iter().zip(&self.names) {
                    xml::element(out, name, |out| self.text(out, view, *column));
                }
                if self.request.stacks {
                    self.xml_stack(out, &facts.stack);
                }
                out.extend_from_slice(b"</event>\r\n");
            }
            Format::Jsonl => self.json(out, view, facts),
        }
    }

    /// The text of a column as shown.
    pub fn text(&self, out: &mut Vec<u8>, view: &mut dyn FilterView, column: Column) {
        let start = out.len();
        view.text(column, out);
        if self.redaction.is_some() && column == Column::Detail {
            let shown = out.get(start..).unwrap_or_default();
            if let Some(at) = memchr::memmem::find(shown, ENVIRONMENT) {
                let mut operation = Vec::new();
                view.text(Column::Operation, &mut operation);
                if operation == other(EventClass::PROCESS, code::PROCESS_START, false).as_bytes() {
                    out.truncate(start + at + ENVIRONMENT.len());
                }
            }
        }
        hide::column(out, start, column, self.redaction);
    }

    fn xml_stack(&self, out: &mut Vec<u8>, stack: &[TextFrame]) {
        out.extend_from_slice(b"<stack>\r\n");
        for (depth, frame) in (0u64..).zip(stack) {
            out.extend_from_slice(b"<frame>\r\n");
            xml::element(out, "depth", |out| text::decimal(out, depth));
            xml::element(out, "address", |out| text::hex(out, frame.address));
            for (name, value) in [("path", &frame.path), ("location", &frame.location)] {
                if !value.is_empty() {
                    xml::element(out, name, |out| self.named(out, value));
                }
            }
            out.extend_from_slice(b"</frame>\r\n");
        }
        out.extend_from_slice(b"</stack>\r\n");
    }

    /// A text that may hold names.
    fn named(&self, out: &mut Vec<u8>, value: &str) {
        let start = out.len();
        out.extend_from_slice(value.as_bytes());
        if let Some(redaction) = self.redaction {
            hide::replace(out, start, redaction);
        }
    }

    fn json(&self, out: &mut Vec<u8>, view: &mut dyn FilterView, facts: &TextFacts) {
        let has = |column| self.present.contains(&column);
        for (column, key) in [(Column::Pid, "pid"), (Column::Tid, "tid")] {
            if let Some(number) = view.number(column).filter(|_| has(column)) {
                json::key(out, key);
                text::decimal(out, number);
            }
        }
        let mut string = |out: &mut Vec<u8>, column, key| {
            if has(column) {
                json::key(out, key);
                json::string(out, |out| self.text(out, view, column));
            }
        };
        string(out, Column::ProcessName, "process");
        json::key(out, "class");
        json::string(out, |out| {
            out.extend_from_slice(facts.class.map_or("other", class_code).as_bytes());
        });
        string(out, Column::Operation, "operation");
        string(out, Column::Path, "path");
        if let Some(status) = facts.status {
            json::key(out, "status");
            out.extend_from_slice(b"\"0x");
            text::hex_upper(out, status.0.into(), 8);
            out.push(b'"');
        }
        string(out, Column::Result, "result");
        if let Some(duration) = facts.duration.filter(|_| facts.status != Some(NtStatus::PENDING)) {
            json::key(out, "duration_us");
            text::decimal(out, duration.0 / 10);
            out.push(b'.');
            out.push(b'0' + (duration.0 % 10) as u8);
        }
        string(out, Column::Category, "category");
        string(out, Column::Detail, "detail_text");
        if self.request.stacks && !facts.stack.is_empty() {
            json::key(out, "stack");
            out.push(b'[');
            for frame in &facts.stack {
                json::separate(out);
                out.extend_from_slice(b"{\"address\":\"");
                text::hex(out, frame.address);
                out.extend_from_slice(if frame.kernel { b"\",\"kernel\":true" } else { b"\",\"kernel\":false" });
                for (key, value) in [("module", &frame.path), ("location", &frame.location)] {
                    if !value.is_empty() {
                        json::key(out, key);
                        json::string(out, |out| self.named(out, value));
                    }
                }
                out.push(b'}');
            }
            out.push(b']');
        }
        out.extend_from_slice(b"}\n");
    }
}

/// The time of a row, under a key that says what it is.
fn time(out: &mut Vec<u8>, time: TextTime) {
    let (key, time, utc) = match time {
        TextTime::Utc(time) => ("time", time, true),
        TextTime::Local(time) => ("local_time", time, false),
        TextTime::OfDay(time) => ("time_of_day", time, false),
        TextTime::Unknown => return,
    };
    json::key(out, key);
    out.push(b'"');
    let start = out.len();
    locale::rfc3339(out, time);
    if !utc && out.last() == Some(&b'Z') {
        out.pop();
    }
    if key == "time_of_day"
        && let Some(date) = out.get(start..).and_then(|shown| memchr::memchr(b'T', shown))
    {
        out.drain(start..=start + date);
    }
    out.push(b'"');
}

/// Everything in front of the events of an XML document made from rows without a process list: what the rows tell of
/// each process, numbered in turn. What they do not tell is left out. `utc`: the times of the processes are UTC.
pub fn xml_head(processes: &[ProcessInfo], utc: bool, redaction: Option<&Redaction>) -> Vec<u8> {
    let mut out = xml::DECLARATION.to_vec();
    out.extend_from_slice(b"<procmon><processlist>");
    for (process, index) in processes.iter().zip(0u64..) {
        out.extend_from_slice(b"<process>\r\n");
        let number =
            |out: &mut Vec<u8>, name: &str, value: u64| xml::element(out, name, |out| text::decimal(out, value));
        number(&mut out, "ProcessIndex", index);
        number(&mut out, "ProcessId", process.pid.into());
        number(&mut out, "ParentProcessId", process.parent_pid.into());
        if let Some(parent) = process.parent {
            number(&mut out, "ParentProcessIndex", parent.0.into());
        }
        let time = |time: Option<FileTime>| time.filter(|_| utc).map_or(0, |time| time.0);
        number(&mut out, "CreateTime", time(process.started));
        number(&mut out, "FinishTime", time(process.ended));
        for (name, value, column) in [
            ("Owner", &process.user, Column::User),
            ("ProcessName", &process.name, Column::ProcessName),
            ("ImagePath", &process.image_path, Column::ImagePath),
            ("CommandLine", &process.command_line, Column::CommandLine),
            ("CompanyName", &process.company, Column::Company),
            ("Version", &process.version, Column::Version),
            ("Description", &process.description, Column::Description),
        ] {
            xml::element(&mut out, name, |out| {
                let start = out.len();
                out.extend_from_slice(value.as_bytes());
                hide::column(out, start, column, redaction);
            });
        }
        out.extend_from_slice(b"<modulelist>\r\n</modulelist>\r\n</process>\r\n");
    }
    out.extend_from_slice(EVENTS);
    out
}

/// What stands between the process list and the first event.
const EVENTS: &[u8] = b"</processlist><eventlist>\r\n";

/// The declaration of an XML document.
pub const fn xml_declaration() -> &'static [u8] {
    xml::DECLARATION
}

/// A line of a process list with the names in its texts replaced.
pub fn redact_xml(line: &[u8], redaction: &Redaction) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    loop {
        let end = memchr::memchr(b'<', rest).unwrap_or(rest.len());
        let (shown, tag) = rest.split_at(end);
        let plain = shown.trim_ascii();
        if plain.is_empty() {
            out.extend_from_slice(shown);
        } else {
            let (before, after) = shown.split_at(shown.len() - shown.trim_ascii_start().len());
            out.extend_from_slice(before);
            let start = out.len();
            let shown = String::from_utf8_lossy(after.trim_ascii_end());
            let text = quick_xml::escape::unescape(&shown).unwrap_or_default();
            if tag.starts_with(b"</Version") {
                out.extend_from_slice(text.as_bytes());
                hide::version(&mut out, start, redaction);
            } else {
                out.extend_from_slice(hide::text_of(redaction, &text).as_bytes());
            }
            xml::escape(&mut out, start);
            out.extend_from_slice(after.get(after.trim_ascii_end().len()..).unwrap_or_default());
        }
        let Some(close) = memchr::memchr(b'>', tag) else {
            out.extend_from_slice(tag);
            return out;
        };
        out.extend_from_slice(tag.get(..=close).unwrap_or_default());
        rest = tag.get(close + 1..).unwrap_or_default();
    }
}
