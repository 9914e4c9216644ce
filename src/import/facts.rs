//! What is known of an export as a file: for the record's list of files, and for saying what it cannot tell.

use super::clock::DateOrder;
use super::scan::Malformed;
use super::stream::Format;
use crate::capture::columns::Column;

/// What the times of an export rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockFacts {
    /// The date is known: from a column, from the process list of an XML export, or because it was given.
    pub date_known: bool,
    /// The distance to UTC is known: given, or from the process list of an XML export. Else times are local times.
    pub utc_offset_known: bool,
    /// Order of day and month in the date column.
    pub date_order: Option<DateOrder>,
    /// The order follows from a row (or was given); else it is the usual one for such a date.
    pub date_order_certain: bool,
    /// Ticks that starts are told to: 1 as Procmon prints them. Of coarser ones the rest counts the rows of one time.
    pub resolution: u64,
    /// The first time of a column that could not be read at all, so that it was left aside.
    pub unread: Option<String>,
}

/// Facts of an export.
#[derive(Clone, Debug)]
pub struct ExportFacts {
    /// File name without folder.
    pub name: String,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// CSV or XML.
    pub format: Format,
    /// Stored with gzip.
    pub gzip: bool,
    /// Name of the encoding it was read in.
    pub encoding: &'static str,
    /// Rows, broken ones included.
    pub rows: u64,
    /// Rows that could not be read.
    pub malformed: Malformed,
    /// Columns present.
    pub columns: Vec<Column>,
    /// Titles that are no column of Procmon's.
    pub unknown_columns: Vec<String>,
    /// Rows with bytes that are no valid text in the encoding: the encoding is probably another one.
    pub not_text: u64,
    /// Its rows refer to a process list, as those of an XML export do.
    pub listed: bool,
    /// File rows whose path has an 8.3 name: no export tells what they stand for.
    pub short_names: u64,
    /// Result texts without a known code (at most 20); such rows count as failed, with no status of their own.
    pub unknown_results: Vec<String>,
    /// Rows with such a text.
    pub unknown_result_rows: u64,
    /// Neither its rows nor a process list tell when a process ended.
    pub without_ends: bool,
    /// Stretches of rows that name another process than the process list has under their number.
    pub unlisted: u64,
    /// File rows that are the row before once more, with the same time.
    pub repeated: u64,
    /// The times.
    pub clock: ClockFacts,
    /// Why reading ended before the end of the file, if it did.
    pub ended_early: Option<String>,
}
