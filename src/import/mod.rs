//! Exports of a capture as input: Procmon's CSV and XML, plain or gzip, in any encoding, recognised by content.
//!
//! [`open`] looks at a file and gives back an [`Input`]: a PML capture or an [`Export`]. Both are a
//! [`Source`], so the analysis does not care. A row of an export is an event, and its number is the number
//! of its row, the first data row being 0. What an export cannot tell is left open (`None`, or a [`Coverage`] flag),
//! never filled in; `docs/exports.md` says what each missing column costs.
//!
//! [`Coverage`]: crate::capture::op::Coverage
//!
//! ```no_run
//! use pmlblame::import::{self, OpenOptions};
//! let input = import::open("Logfile.CSV".as_ref(), &OpenOptions::default())?;
//! let survey = input.source().survey();
//! println!("{} rows", survey.counts.total);
//! # Ok::<(), import::ImportError>(())
//! ```

mod clock;
mod collect;
pub mod columns;
mod csv;
mod detail;
pub mod error;
pub mod export_source;
mod facts;
mod listing;
pub mod operation;
mod packed;
mod pass;
mod processes;
mod roots;
pub mod row;
mod scan;
mod stream;
mod survey;
mod times;
mod wrapped;
mod xml;
mod xml_processes;
mod xml_tags;

pub use crate::capture::columns::Column;
pub use clock::DateOrder;
pub use columns::Columns;
pub use csv::BadReason;
pub use error::ImportError;
pub use export_source::Export;
pub use facts::{ClockFacts, ExportFacts};
pub use listing::{ExportRow, Listed, RowPlace};
pub use operation::{Operation, Operations};
pub use row::{Frame, Row};
pub use scan::{BadRow, Malformed};
pub use stream::{Format, open_text};
pub use wrapped::Lookalike;
pub use xml_processes::{XmlModule, XmlProcess};

use crate::capture::map::Bytes;
use crate::capture::source::Source;
use crate::capture::{Capture, Rescue, Segment};
use crate::pml::recover::RescueReport;
use encoding_rs::Encoding;
use packed::Packing;
use std::path::Path;
use stream::Sniffed;
use wrapped::Found;

/// Packings within each other that are taken off, at most.
const NESTED: usize = 3;

/// How to open a file.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// For PML captures.
    pub capture: crate::capture::OpenOptions,
    /// Label of the code page of an export without byte-order mark (`gbk`, `windows-1251`, …); UTF-8 when not given.
    pub encoding: Option<String>,
    /// How far the local time of an export was ahead of UTC, seconds. Not given, its times are shown as they are.
    pub utc_offset: Option<i32>,
    /// The day of the first row, for an export without date column.
    pub date: Option<jiff::civil::Date>,
    /// Order of day and month in the date column, where the rows do not settle it.
    pub date_order: Option<DateOrder>,
}

/// A capture in whatever format it was given.
#[derive(Debug)]
pub enum Input {
    /// A PML capture.
    Pml(PmlInput),
    /// An export.
    Export(Box<Export>),
}

/// A PML capture, with what must outlive it.
#[derive(Debug)]
pub struct PmlInput {
    /// The capture.
    pub capture: Capture,
    /// Bytes of the file before the capture, which are passed over; every offset counts from behind them.
    pub before: u64,
    /// It was packed; this is the unpacked copy. Dropped after the capture, which may map it.
    _unpacked: Option<tempfile::TempPath>,
}

impl Input {
    /// What the analysis asks.
    pub fn source(&self) -> &dyn Source {
        match self {
            Self::Pml(input) => &input.capture,
            Self::Export(export) => export.as_ref(),
        }
    }

    /// Its format.
    pub fn format(&self) -> Format {
        match self {
            Self::Pml(_) => Format::Pml,
            Self::Export(export) => export.format(),
        }
    }
}

/// Opens a capture or an export, recognised by its content.
///
/// # Errors
/// When the file cannot be read, is neither, or is a damaged capture.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Input, ImportError> {
    let encoding = match &options.encoding {
        Some(label) => Some(
            Encoding::for_label(label.trim().as_bytes())
                .or_else(|| code_page(label))
                .ok_or_else(|| ImportError::UnknownEncoding { label: label.clone() })?,
        ),
        None => None,
    };
    let sniffed = stream::sniff(path, encoding)?;
    if is_plain_capture(&sniffed) {
        let capture = Capture::open(path, &options.capture)?;
        return Ok(Input::Pml(PmlInput { capture, before: 0, _unpacked: None }));
    }
    match sniffed.format {
        _ if sniffed.head.is_empty() => Err(ImportError::Empty { path: path.to_owned() }),
        Some(Format::Csv | Format::Xml) if Lookalike::of(&sniffed.head).is_none() => {
            match Export::open(path, &sniffed, options) {
                Ok(export) => Ok(Input::Export(Box::new(export))),
                Err(ImportError::NotRecognised { .. }) => open_held(path, &sniffed, options).map(Input::Pml),
                Err(error) => Err(error),
            }
        }
        _ => open_held(path, &sniffed, options).map(Input::Pml),
    }
}

fn is_plain_capture(sniffed: &Sniffed) -> bool {
    sniffed.format == Some(Format::Pml) && sniffed.stored.packing == Packing::Plain
}

/// A code page by its number: `936`, `cp1251`.
fn code_page(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().to_ascii_lowercase();
    let number = label.strip_prefix("cp").unwrap_or(&label);
    let name = match number {
        "936" | "54936" => "gb18030",
        "950" => "big5",
        "932" => "shift_jis",
        "949" => "euc-kr",
        "866" => "ibm866",
        "20866" => "koi8-r",
        "65001" => "utf-8",
        "1200" => "utf-16le",
        "1201" => "utf-16be",
        _ => return Encoding::for_label(format!("windows-{number}").as_bytes()),
    };
    Encoding::for_label(name.as_bytes())
}

/// Opens a capture that is held by something else.
fn open_held(path: &Path, sniffed: &Sniffed, options: &OpenOptions) -> Result<PmlInput, ImportError> {
    let held = Held::open(path, sniffed, options.capture.map)?;
    let (segment, report) = Segment::read_or_rescue(path.to_owned(), held.bytes)?;
    let mut capture = Capture::from_segments(vec![segment]);
    capture.rescues.extend(report.map(|report| Rescue { path: path.to_owned(), report }));
    Ok(PmlInput { capture, before: held.before, _unpacked: held.unpacked })
}

/// Opens one file of a PML capture, plain or packed, and looks at every event of it; a damaged one is rescued, and the report
/// says how.
///
/// # Errors
/// When the file cannot be read, is no capture, or holds nothing that could be rescued.
pub fn open_verified(path: &Path, map: bool) -> Result<(PmlInput, Option<RescueReport>), ImportError> {
    let io_error = |source| ImportError::Io { path: path.to_owned(), source };
    let sniffed = stream::sniff(path, None)?;
    let Held { bytes, before, unpacked } = if is_plain_capture(&sniffed) {
        Held { bytes: Bytes::open(path, map).map_err(io_error)?, before: 0, unpacked: None }
    } else if sniffed.head.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned() });
    } else {
        Held::open(path, &sniffed, map)?
    };
    let (segment, report) = Segment::verify_or_rescue(path.to_owned(), bytes)?;
    Ok((PmlInput { capture: Capture::from_segments(vec![segment]), before, _unpacked: unpacked }, report))
}

/// The bytes of a capture, without what held it.
struct Held {
    bytes: Bytes,
    before: u64,
    unpacked: Option<tempfile::TempPath>,
}

impl Held {
    fn open(path: &Path, sniffed: &Sniffed, map: bool) -> Result<Self, ImportError> {
        let io_error = |source| ImportError::Io { path: path.to_owned(), source };
        // An archive in a compressed file is as common as either.
        let mut packing = sniffed.stored.packing;
        let mut unpacked: Option<tempfile::TempPath> = None;
        for _ in 0..NESTED {
            if packing == Packing::Plain {
                break;
            }
            let file = unpacked.as_deref().unwrap_or(path);
            let copy = packing.open(file).and_then(wrapped::copy).map_err(io_error)?;
            packing = Packing::of(&copy, &stream::read_head_of(&copy).map_err(io_error)?)
                .map_err(io_error)?
                .map_err(|found| ImportError::NotOne { path: path.to_owned(), found })?;
            unpacked = Some(copy);
        }
        let before = match wrapped::find(unpacked.as_deref().unwrap_or(path)).map_err(io_error)? {
            Found::Behind(before) => before,
            Found::Not(looks) => return Err(ImportError::not_recognised(path, &sniffed.head, looks)),
        };
        let bytes = Bytes::open_behind(unpacked.as_deref().unwrap_or(path), map, before).map_err(io_error)?;
        Ok(Self { bytes, before, unpacked })
    }
}
