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
mod pass;
mod processes;
mod roots;
pub mod row;
mod scan;
mod stream;
mod survey;
mod times;
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
pub use xml_processes::{XmlModule, XmlProcess};

use crate::capture::map::Bytes;
use crate::capture::source::Source;
use crate::capture::{Capture, Rescue, Segment};
use crate::pml::recover::RescueReport;
use encoding_rs::Encoding;
use std::io;
use std::path::Path;

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
    /// It was stored with gzip; this is the unpacked copy. Dropped after the capture, which may map it.
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
    let io_error = |source| ImportError::Io { path: path.to_owned(), source };
    let sniffed = stream::sniff(path, encoding).map_err(io_error)?;
    match sniffed.format {
        Some(Format::Pml) if sniffed.stored.gzip => open_packed(path, options).map(Input::Pml),
        Some(Format::Pml) => {
            let capture = Capture::open(path, &options.capture)?;
            Ok(Input::Pml(PmlInput { capture, _unpacked: None }))
        }
        Some(_) => Export::open(path, &sniffed, options).map(|export| Input::Export(Box::new(export))),
        None if sniffed.head.is_empty() => Err(ImportError::Empty { path: path.to_owned() }),
        None => Err(ImportError::not_recognised(path, &sniffed.head)),
    }
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

/// Unpacks a compressed capture beside the system's other temporary files and opens it there.
fn open_packed(path: &Path, options: &OpenOptions) -> Result<PmlInput, ImportError> {
    let unpacked = unpack(path)?;
    let bytes = Bytes::open(&unpacked, options.capture.map)
        .map_err(|source| ImportError::Io { path: path.to_owned(), source })?;
    let (segment, report) = Segment::read_or_rescue(path.to_owned(), bytes)?;
    let mut capture = Capture::from_segments(vec![segment]);
    capture.rescues.extend(report.map(|report| Rescue { path: path.to_owned(), report }));
    Ok(PmlInput { capture, _unpacked: Some(unpacked) })
}

/// Opens one file of a PML capture, plain or gzip, and looks at every event of it; a damaged one is rescued, and the report
/// says how.
///
/// # Errors
/// When the file cannot be read, is no capture, or holds nothing that could be rescued.
pub fn open_verified(path: &Path, map: bool) -> Result<(PmlInput, Option<RescueReport>), ImportError> {
    let io_error = |source| ImportError::Io { path: path.to_owned(), source };
    let sniffed = stream::sniff(path, None).map_err(io_error)?;
    let packed = sniffed.stored.gzip && sniffed.format == Some(Format::Pml);
    let unpacked = if packed { Some(unpack(path)?) } else { None };
    let place = unpacked.as_ref().map_or(path, |unpacked| unpacked);
    let bytes = Bytes::open(place, map).map_err(io_error)?;
    let (segment, report) = Segment::verify_or_rescue(path.to_owned(), bytes)?;
    Ok((PmlInput { capture: Capture::from_segments(vec![segment]), _unpacked: unpacked }, report))
}

/// A copy of a gzip file without the compression.
fn unpack(path: &Path) -> Result<tempfile::TempPath, ImportError> {
    let io_error = |source| ImportError::Io { path: path.to_owned(), source };
    let packed = std::fs::File::open(path).map_err(io_error)?;
    let mut unpacked = tempfile::NamedTempFile::new().map_err(io_error)?;
    let copied = io::copy(&mut flate2::read::MultiGzDecoder::new(packed), unpacked.as_file_mut());
    let unpacked = unpacked.into_temp_path();
    if let Err(error) = copied
        // A damaged stream ends like a capture that was cut off: what came before it may be rescued.
        && (std::fs::metadata(&unpacked).map_err(io_error)?.len() == 0
            || !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
    {
        return Err(io_error(error));
    }
    Ok(unpacked)
}
