//! The rows of an export one by one, as texts: for listing and filtering them as they stand.

use super::clock;
use super::csv::{self, BadReason};
use super::export_source::Export;
use super::facts::ClockFacts;
use super::operation::Operation;
use super::pass::HasExtent;
use super::processes::key_of;
use super::row::{Row, UNREADABLE};
use super::scan::{Extent, Malformed, Results};
use super::stream::{self, Format};
use super::times::{Clock, Seam};
use crate::capture::columns::Column;
use crate::capture::filter::FilterView;
use crate::capture::op::{EventIndex, ProcessId};
use crate::nt::{FileTime, NtStatus, Ticks};
use crate::pml::EventClass;
use std::io::{self, BufRead, BufReader};

/// A row with what its columns mean.
#[derive(Clone, Copy, Debug)]
pub struct ExportRow<'b> {
    /// The columns.
    pub row: Row<'b>,
    /// The operation.
    pub operation: Operation,
    /// The result.
    pub status: NtStatus,
    /// Start in 100 ns ticks of local time; without a date column, since a midnight before the row.
    pub start: i64,
}

impl ExportRow<'_> {
    /// How long the operation took, where a column tells.
    pub fn duration(&self) -> Option<Ticks> {
        clock::duration(self.row.bytes(Column::Duration)).map(Ticks)
    }

    /// The event class, where the operation tells.
    pub fn class(&self) -> Option<EventClass> {
        (self.operation.class != EventClass(0)).then_some(self.operation.class)
    }

    /// The status, where the result is one known.
    pub fn known_status(&self) -> Option<NtStatus> {
        (self.status != UNREADABLE).then_some(self.status)
    }
}

impl FilterView for ExportRow<'_> {
    fn text(&mut self, column: Column, out: &mut Vec<u8>) {
        match self.row.raw(column) {
            Some((bytes, true)) => out.extend(csv::unescape(bytes)),
            Some((bytes, false)) => out.extend_from_slice(bytes),
            // The operation tells its class. Any other column that the export does not have is empty for every row.
            None if column == Column::EventClass => {
                out.extend_from_slice(self.operation.class.name().unwrap_or_default().as_bytes());
            }
            None => {}
        }
    }

    fn number(&mut self, column: Column) -> Option<u64> {
        let bytes = self.row.bytes(column);
        let digits = if column == Column::Architecture { bytes.strip_suffix(b"-bit")? } else { bytes };
        clock::plain(digits).map(u64::from)
    }
}

/// Where a row stands, known once the rows before it are.
#[derive(Clone, Copy, Debug)]
pub struct RowPlace {
    /// Its number.
    pub event: EventIndex,
    /// Its start: UTC, or what [`super::ClockFacts`] says it is.
    pub time: FileTime,
    /// What names its process.
    key: u32,
}

/// What reading the rows met.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Rows, broken ones included.
    pub rows: u64,
    /// Rows that could not be read.
    pub malformed: Malformed,
    /// Why reading ended before the end of the file, if it did.
    pub ended_early: Option<String>,
}

struct Made<T> {
    extent: Extent,
    seam: Seam,
    found: Vec<(u64, i64, u32, T)>,
}

impl<T> HasExtent for Made<T> {
    fn extent(&self) -> (u64, u64, Seam) {
        (self.extent.rows, self.extent.lines, self.seam)
    }
}

impl Export {
    /// Visits every readable row in order: `work` in parallel on the rows of a block, `sink` with the place of the row
    /// and what `work` made of it. With `stacks`, rows of an XML export bring their whole stacks.
    pub fn rows<T: Send>(
        &self,
        stacks: bool,
        work: impl Fn(&ExportRow<'_>) -> Option<T> + Sync,
        mut sink: impl FnMut(RowPlace, T),
    ) -> Listed {
        let mut listed = Listed::default();
        let mut blocks = self.blocks();
        if let (true, Ok(blocks)) = (stacks, &mut blocks) {
            blocks.keep_stacks();
        }
        let ended = self.pass(
            blocks,
            |block| {
                let mut found = Vec::new();
                let mut clock = Clock::new(self.times);
                let mut results = Results::default();
                let decoder = self.decoder(None, None);
                let extent = block.rows(&self.columns, self.shape.delimiter, |number, row| {
                    let start = clock.start(row)?;
                    let key = key_of(row).ok_or(BadReason::Pid)?;
                    if row.bytes(Column::Operation).is_empty() {
                        return Err(BadReason::NoOperation);
                    }
                    let operation = decoder.operation(row);
                    let status = results.find(row.bytes(Column::Result));
                    let row = ExportRow { row: *row, operation, status, start };
                    found.extend(work(&row).map(|made| (number, start, key, made)));
                    Ok(())
                });
                Made { extent, seam: clock.seam(), found }
            },
            |_, part, place| {
                listed.rows += part.extent.rows;
                listed.malformed.join(&part.extent.bad, place.line);
                for (number, start, key, made) in part.found {
                    let event = EventIndex(place.row + number);
                    sink(RowPlace { event, time: place.utc(start), key }, made);
                }
            },
        );
        listed.ended_early = ended;
        listed
    }

    /// The path of an operation on a file, or of an image that was loaded, as it is told to the analysis.
    pub(crate) fn path_of_row(&self, event: EventIndex) -> Option<String> {
        let mut found = None;
        let decoder = self.decoder(None, None);
        let work = |row: &ExportRow<'_>| match row.operation.class {
            EventClass::FILE_SYSTEM => Some(decoder.path(&row.row, row.operation).into_owned()),
            EventClass::PROCESS if row.operation.code == crate::capture::decode::process_code::LOAD_IMAGE => {
                row.row.text(Column::Path).map(std::borrow::Cow::into_owned)
            }
            _ => None,
        };
        self.rows(false, work, |place, path| {
            if place.event == event {
                found = Some(path);
            }
        });
        found
    }

    /// The process instance of a row, as [`crate::capture::source::Survey::processes`] numbers it; surveys the export if that has not
    /// happened yet.
    pub fn process_of(&self, place: &RowPlace) -> Option<ProcessId> {
        self.surveyed().processes().at(place.key, place.event.0)
    }

    /// The number of a row's process in the process list of an XML export.
    pub fn listed_process_of(&self, place: &RowPlace) -> Option<u32> {
        (self.format == Format::Xml).then_some(place.key)
    }

    /// Whether its rows tell a time that can be read.
    pub const fn is_timed(&self) -> bool {
        self.times.known()
    }

    /// Whether they are times of day, not only distances.
    pub const fn tells_moments(&self) -> bool {
        self.times.of_day || self.times.date
    }

    /// What is known of its times.
    pub const fn clock(&self) -> &ClockFacts {
        &self.clock
    }

    /// A time of a row as the exporting machine showed it.
    pub const fn local(&self, time: FileTime) -> FileTime {
        FileTime(time.0.saturating_add_signed(self.local_offset))
    }

    /// The columns in the order of the file.
    pub fn columns_in_order(&self) -> Vec<Column> {
        self.columns.in_order()
    }

    /// Calls `each` with the lines of an XML export from its root element up to its first event.
    ///
    /// # Errors
    /// Those of reading the file, or of `each`.
    pub fn process_list(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        /// Longest line that is believed.
        const LONGEST: u64 = 64 << 20;
        let mut input = BufReader::with_capacity(1 << 18, stream::open(&self.path, self.stored)?);
        let mut line = Vec::new();
        let mut begun = false;
        loop {
            line.clear();
            if io::Read::take(&mut input, LONGEST).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let mut text = line.as_slice();
            if !begun {
                let Some(root) = memchr::memmem::find(text, b"<procmon") else { continue };
                text = text.get(root..).unwrap_or_default();
                begun = true;
            }
            const LIST: &[u8] = b"<eventlist>";
            if let Some(end) = memchr::memmem::find(text, LIST) {
                each(text.get(..end + LIST.len()).unwrap_or_default())?;
                return each(b"\r\n");
            }
            each(text)?;
        }
    }
}
