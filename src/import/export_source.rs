//! An export as a [`Source`]: two streaming passes, one that surveys and one that collects.

use super::OpenOptions;
use super::clock::{self, DAY, DateOrder};
use super::collect::{Authors, collect_block};
use super::columns::{Columns, FIELDS, Field};
use super::csv::{self, Shape};
use super::error::ImportError;
use super::facts::{ClockFacts, ExportFacts};
use super::operation::{Operation, Operations};
use super::packed::Packing;
use super::pass::{HasExtent, Place};
use super::roots::Roots;
use super::row::{Decoder, Row, status};
use super::scan::{Block, Blocks};
use super::stream::{self, Format, Sniffed, Stored};
use super::survey::{self, Surveyed};
use super::times::{Clock, Times, Visit, midnights};
use super::xml_processes::XmlProcess;
use crate::capture::columns::Column;
use crate::capture::decode::process_code;
use crate::capture::namesake::NamesakeBudget;
use crate::capture::op::{DriverInfo, EventIndex, OpKind, OpLog};
use crate::capture::select::Selection;
use crate::capture::source::{FilterTest, Machine, Source, Survey};
use crate::pml::EventClass;
use encoding_rs::UTF_8;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A CSV or XML export, ready to be read.
#[derive(Debug)]
pub struct Export {
    pub(super) path: PathBuf,
    bytes: u64,
    pub(super) format: Format,
    pub(super) stored: Stored,
    pub(super) columns: Columns,
    pub(super) shape: Shape,
    /// Bytes of the header, as UTF-8.
    header: usize,
    header_lines: u64,
    pub(super) times: Times,
    pub(super) clock: ClockFacts,
    /// Local ticks + this = UTC.
    shift: i64,
    /// Ticks local time is ahead of UTC, as far as known.
    pub(super) local_offset: i64,
    /// Where Windows lies, as far as the first rows tell.
    system_root: Option<String>,
    operations: Operations,
    surveyed: OnceLock<Surveyed>,
}

/// Bytes looked at when opening: the header, and rows enough to tell the order of day and month.
const LOOK: usize = 4 << 20;

impl Export {
    /// Opens an export whose beginning was looked at.
    pub(crate) fn open(path: &Path, sniffed: &Sniffed, options: &OpenOptions) -> Result<Self, ImportError> {
        let io_error = |source| ImportError::Io { path: path.to_owned(), source };
        let mut export = Self {
            path: path.to_owned(),
            bytes: std::fs::metadata(path).map_err(io_error)?.len(),
            format: sniffed.format.unwrap_or(Format::Csv),
            stored: sniffed.stored,
            columns: Columns::all(),
            shape: Shape { delimiter: b',', fields: FIELDS },
            header: 0,
            header_lines: 0,
            times: Times::NONE,
            clock: ClockFacts {
                date_known: false,
                utc_offset_known: options.utc_offset.is_some(),
                date_order: None,
                date_order_certain: false,
                resolution: 1,
                unread: None,
            },
            shift: 0,
            local_offset: 0,
            system_root: None,
            operations: Operations::default(),
            surveyed: OnceLock::new(),
        };
        if export.format == Format::Xml {
            // Characters are checked by the decoder, so that one bad byte does not end the document.
            export.stored.encoding = export.stored.encoding.or(Some(UTF_8));
        } else {
            export.read_header().map_err(io_error)?;
            let known = export.columns.present().len();
            if known < 2 {
                if let Some(operation) = export.operation_in_header().map_err(io_error)? {
                    return Err(ImportError::NoHeader { path: path.to_owned(), operation });
                }
                return Err(ImportError::not_recognised(path, &sniffed.head, None));
            }
            for needed in [Column::Operation, Column::Path, Column::Result] {
                if !export.columns.has(needed) {
                    return Err(ImportError::MissingColumn { path: path.to_owned(), column: needed.title() });
                }
            }
        }
        export.look(options).map_err(io_error)?;
        Ok(export)
    }

    /// The operation in the first line, if that is a row: the header line is missing.
    fn operation_in_header(&self) -> io::Result<Option<String>> {
        let mut text = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(stream::open(&self.path, self.stored)?, 1 << 16), &mut text)?;
        let Some((values, ..)) = csv::header(text.get(before_header(&text)..).unwrap_or_default()) else {
            return Ok(None);
        };
        let is_result = |value: &String| status(value).is_some();
        let mut named = values.iter().filter(|value| self.operations.find(value.as_bytes()).class != EventClass(0));
        Ok(named.next().filter(|_| values.iter().any(is_result)).cloned())
    }

    fn read_header(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        // A stream that breaks off may still have its header.
        let mut input = io::Read::take(stream::open(&self.path, self.stored)?, 1 << 20);
        if let Err(error) = io::Read::read_to_end(&mut input, &mut text)
            && text.is_empty()
        {
            return Err(error);
        }
        let blank = before_header(&text);
        if let Some((titles, delimiter, length)) = csv::header(text.get(blank..).unwrap_or_default()) {
            self.columns = Columns::from_titles(&titles);
            self.shape = Shape { delimiter, fields: titles.len() };
            self.header = blank + length;
            let lines = text.get(..self.header).unwrap_or_default();
            self.header_lines = memchr::memchr_iter(b'\n', lines).count() as u64;
        } else {
            self.columns = Columns::from_titles(&[]);
        }
        Ok(())
    }

    /// Looks at the first rows: which columns an XML export has, how its dates are written, where Windows lies.
    fn look(&mut self, options: &OpenOptions) -> io::Result<()> {
        let mut blocks = self.blocks()?;
        let mut looked_at = Vec::new();
        let mut seen = 0;
        while seen < LOOK {
            let Some(block) = blocks.next() else { break };
            seen += block.len();
            looked_at.push(block);
        }
        if self.format == Format::Xml {
            self.keep_present(&looked_at);
            self.columns.set_order(blocks.order());
        }
        let rows = |visit: Visit<'_>| {
            for block in &looked_at {
                block.rows(&self.columns, self.shape.delimiter, |_, row| {
                    visit(row);
                    Ok(())
                });
            }
        };
        let mut order = options.date_order;
        let mut first_date: Option<Vec<u8>> = None;
        let mut roots = Roots::default();
        rows(&mut |row| {
            let date = row.bytes(Column::DateAndTime);
            if !date.is_empty() {
                order = order.or_else(|| clock::order_of(date));
                first_date.get_or_insert_with(|| date.to_vec());
            }
            if let Some(status) = row.text(Column::Result).and_then(|text| status(&text)) {
                roots.see_row(row, status);
            }
            if let Some(image) = row.text(Column::ImagePath) {
                roots.see_program(&image);
            }
        });
        let usual = || first_date.as_deref().map_or(DateOrder::MonthDayYear, clock::usual_order);
        let (times, unread) = Times::look(order.unwrap_or_else(usual), |column| self.columns.has(column), &rows);
        let mut clock = Clock::new(times);
        let mut anchor: Option<i64> = None;
        rows(&mut |row| {
            if anchor.is_none() && self.operations.find(row.bytes(Column::Operation)) == PROCESS_START {
                anchor = self.anchor(row, blocks.processes(), &mut clock);
            }
        });
        blocks.processes().iter().for_each(|process| roots.see_program(&process.image_path));
        self.system_root = roots.best();
        self.clock.date_order_certain = order.is_some();
        self.clock.date_order = first_date.is_some().then_some(times.order);
        self.clock.resolution = if times.known() { times.resolution } else { 1 };
        self.clock.unread = unread;
        self.times = times;
        self.set_shift(options, anchor);
        Ok(())
    }

    /// Keeps the columns that some event of `blocks` has.
    fn keep_present(&mut self, blocks: &[Block]) {
        let mut present = [false; FIELDS];
        for block in blocks {
            block.rows(&self.columns, self.shape.delimiter, |_, row| {
                for (field, present) in row.fields.iter().zip(&mut present) {
                    *present |= *field != Field::default();
                }
                Ok(())
            });
        }
        self.columns.retain(|column| present.get(column as usize) == Some(&true));
    }

    /// What turns local times into UTC, from a Process Start row and the same process's entry in the process list.
    fn anchor(&self, row: &Row<'_>, list: &[XmlProcess], clock: &mut Clock) -> Option<i64> {
        const QUARTER: i64 = 900 * clock::SECOND.cast_signed();
        let index = clock::plain(row.process_index()?)?;
        let created = list.iter().find(|process| process.index == index).map(|process| process.created)?;
        let local = clock.start(row).ok()?;
        let distance = i64::try_from(created).ok().filter(|created| *created != 0)?.checked_sub(local)?;
        // Zones lie on quarters of an hour. A process begins within seconds of its event.
        let rounded = (distance + QUARTER / 2).div_euclid(QUARTER).checked_mul(QUARTER)?;
        ((distance - rounded).abs() < 60 * clock::SECOND.cast_signed()).then_some(rounded)
    }

    fn set_shift(&mut self, options: &OpenOptions, anchor: Option<i64>) {
        let offset = i64::from(options.utc_offset.unwrap_or_default()).saturating_mul(clock::SECOND.cast_signed());
        self.local_offset = offset;
        let has_date = self.times.date;
        let day = DAY.cast_signed();
        if let Some(anchor) = anchor
            && options.utc_offset.is_none()
            && options.date.is_none()
        {
            self.clock.date_known = true;
            self.clock.utc_offset_known = true;
            self.shift = anchor;
        } else if has_date {
            self.clock.date_known = true;
            self.shift = -offset;
        } else if let Some(days) = options.date.and_then(clock::days) {
            self.clock.date_known = true;
            self.shift = i64::try_from(days).unwrap_or_default().saturating_mul(day) - offset;
        } else {
            // Times before the beginning of the calendar cannot be told apart: keep clear of it.
            self.shift = if offset > 0 { day - offset } else { -offset };
        }
    }

    /// Its rows from the beginning.
    pub(super) fn blocks(&self) -> io::Result<Blocks> {
        let input = stream::open(&self.path, self.stored)?;
        Ok(match self.format {
            Format::Xml => Blocks::xml(input),
            _ => Blocks::csv(input, self.shape, self.header),
        })
    }

    pub(super) fn decoder<'d>(&'d self, system_root: Option<&'d str>, bits: Option<u32>) -> Decoder<'d> {
        Decoder {
            operations: &self.operations,
            system_root: system_root.or(self.system_root.as_deref()).unwrap_or("C:\\Windows"),
            protection_is_true: bits == Some(32),
        }
    }

    /// CSV or XML.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The columns of its rows.
    pub const fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What is known of it as a file; surveys it if that has not happened yet.
    pub fn facts(&self) -> ExportFacts {
        let surveyed = self.surveyed();
        ExportFacts {
            name: self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned(),
            bytes: self.bytes,
            format: self.format,
            gzip: self.stored.packing == Packing::Gzip,
            encoding: self.stored.encoding_name(),
            rows: surveyed.survey.counts.total,
            malformed: surveyed.malformed.clone(),
            columns: self.columns.present(),
            unknown_columns: self.columns.unknown.clone(),
            not_text: surveyed.not_text,
            listed: surveyed.processes().is_listed(),
            short_names: surveyed.short_names,
            unknown_results: surveyed.unknown_results.clone(),
            unknown_result_rows: surveyed.unknown,
            repeated: surveyed.repeated,
            without_ends: surveyed.without_ends,
            unlisted: surveyed.processes().unlisted,
            clock: self.clock.clone(),
            ended_early: surveyed.ended_early.clone(),
        }
    }

    pub(super) fn surveyed(&self) -> &Surveyed {
        self.surveyed.get_or_init(|| {
            let decoder = self.decoder(None, None);
            let mut surveyed = Surveyed::default();
            let blocks = self.blocks();
            let ended = self.pass(
                blocks,
                |block| survey::part(block, &self.columns, self.shape.delimiter, self.times, decoder),
                |blocks, part, place| surveyed.join(blocks, part, place),
            );
            surveyed.finish(ended, &self.columns, self.times);
            surveyed
        })
    }

    /// One pass over the rows: `work` on each block in parallel, `join` in order. Returns what ended it early.
    pub(super) fn pass<T: Send + HasExtent>(
        &self,
        blocks: io::Result<Blocks>,
        work: impl Fn(&Block) -> T + Sync,
        mut join: impl FnMut(&Blocks, T, Place),
    ) -> Option<String> {
        let mut blocks = match blocks {
            Ok(blocks) => blocks,
            Err(error) => return Some(error.to_string()),
        };
        let mut place = Place {
            row: 0,
            // XML rows bring their own line numbers.
            line: if self.format == Format::Xml { 0 } else { self.header_lines + 1 },
            shift: self.shift,
            utc: self.clock.date_known && self.clock.utc_offset_known,
        };
        let mut shift = self.shift;
        let mut last_of_day: Option<u64> = None;
        // The time of the last row, and what tells the next one apart if it has the same.
        let mut last: Option<(i64, i64)> = None;
        blocks.run(work, |blocks, part| {
            let (rows, lines, seam) = part.extent();
            if let Some(first) = seam.first_of_day {
                shift = shift.saturating_add(midnights(last_of_day, first).saturating_mul(DAY.cast_signed()));
            }
            let ties = match (last, seam.first) {
                (Some((time, next)), Some(first)) if time == first.saturating_add(shift) => next,
                _ => 0,
            };
            place.shift = shift.saturating_add(ties);
            join(blocks, part, place);
            if let Some(time) = seam.last {
                last = Some((time.saturating_add(shift), seam.tie.saturating_add(ties).saturating_add(1)));
            }
            shift = shift.saturating_add(seam.day.saturating_mul(DAY.cast_signed()));
            last_of_day = seam.last_of_day.or(last_of_day);
            place.row += rows;
            place.line += lines;
        });
        blocks.error()
    }
}

/// Bytes in front of the header: blank lines, and what PowerShell and spreadsheets put there (`#TYPE …`, `sep=;`).
fn before_header(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let line = rest.get(blank..).unwrap_or_default();
        let head = line.get(..6).unwrap_or_default().to_ascii_lowercase();
        let lead = head.starts_with(b"#type") || head.starts_with(b"sep=") || head.starts_with(b"\"sep=");
        let end = memchr::memchr(b'\n', line).filter(|_| lead);
        match end {
            Some(end) => at += blank + end + 1,
            None => return at + blank,
        }
    }
}

/// The operation of Process Start.
const PROCESS_START: Operation = Operation { class: EventClass::PROCESS, code: process_code::START, sub: 0 };

impl Source for Export {
    fn machine(&self) -> Machine {
        let surveyed = self.surveyed();
        Machine { computer: None, system_root: surveyed.system_root.clone(), os: None, bits: surveyed.bits() }
    }

    fn survey(&self) -> Survey {
        self.surveyed().survey.clone()
    }

    fn path(&self, event: EventIndex) -> Option<String> {
        self.path_of_row(event)
    }

    fn operation(&self, event: EventIndex) -> Option<String> {
        self.surveyed().operation(event.0).map(str::to_owned)
    }

    fn collect(&self, selection: &Selection, survey: &Survey, is_filter: &FilterTest<'_>) -> OpLog {
        let surveyed = self.surveyed();
        let authors = Authors::new(&surveyed.kernel_modules, is_filter);
        let decoder = self.decoder(surveyed.system_root.as_deref(), surveyed.bits());
        let processes = surveyed.processes();
        let mut log = OpLog {
            processes: processes.list.clone(),
            span: survey.span,
            coverage: survey.coverage,
            ..OpLog::default()
        };
        let namesakes = NamesakeBudget::default();
        self.pass(
            self.blocks(),
            |block| {
                let shape = (&self.columns, self.shape.delimiter, self.times);
                collect_block(block, shape, decoder, (selection, &namesakes), &authors)
            },
            |_, part, place| part.ops.place(place, processes, &mut log.ops, &mut log.paths),
        );
        if namesakes.is_exceeded() {
            let OpLog { ops, paths, .. } = &mut log;
            ops.retain(|op| !selection.is_only_namesake(op, paths));
        }
        log.drivers = authors.drivers;
        log.roots.system_root = self.machine().system_root;
        if self.clock.utc_offset_known
            && let Some((begin, _)) = survey.span
        {
            for (process, path, _) in surveyed.images.iter().filter(|(.., loaded)| *loaded <= begin) {
                let path = surveyed.image_paths.get(*path);
                if selection.wants(path) {
                    log.images.push((*process, log.paths.intern(path)));
                }
            }
            log.images.sort_unstable();
            log.images.dedup();
        }
        for op in &log.ops {
            if let OpKind::ProcessStart { current_directory: Some(directory) } = op.kind
                && let Some(process) = log.processes.get_mut(op.process.0 as usize)
            {
                process.current_directory = Some(directory);
            }
        }
        log
    }

    fn kernel_modules(&self) -> Vec<DriverInfo> {
        self.surveyed().kernel_modules.clone()
    }
}
