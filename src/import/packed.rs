//! How a file is packed: not at all, with gzip, or as the one export of a zip archive.

use super::columns::Columns;
use super::csv;
use super::error::ImportError;
use super::stream::{self, Format};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use zip::CompressionMethod;
use zip::read::ZipArchive;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As it is.
    Plain,
    /// One or more members of gzip.
    Gzip,
    /// One entry of a zip archive: where its bytes begin, how many they are, and whether they are deflated or stored.
    Zip { start: u64, length: u64, deflated: bool },
}

/// Entries of a zip archive that are looked at, at most.
const MOST_ENTRIES: usize = 4096;

impl Packing {
    /// Tells how `path`, which begins with `head`, is packed.
    ///
    /// # Errors
    /// When it is a zip archive that holds several captures and exports.
    pub(crate) fn of(path: &Path, head: &[u8]) -> Result<Self, ImportError> {
        match head {
            [0x1F, 0x8B, ..] => Ok(Self::Gzip),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => one_of_zip(path),
            _ => Ok(Self::Plain),
        }
    }

    /// The unpacked content of `path`, from its beginning.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn open(self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let mut file = File::open(path)?;
        Ok(match self {
            Self::Plain => Box::new(file),
            Self::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(file))),
            Self::Zip { start, length, deflated } => {
                file.seek(SeekFrom::Start(start))?;
                let bytes = BufReader::new(file).take(length);
                if deflated { Box::new(DeflateDecoder::new(bytes)) } else { Box::new(bytes) }
            }
        })
    }
}

/// The only export of a zip archive. Captures, and archives without either, are looked at elsewhere.
fn one_of_zip(path: &Path) -> Result<Packing, ImportError> {
    let file = File::open(path).map_err(|source| ImportError::Io { path: path.to_owned(), source })?;
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else { return Ok(Packing::Plain) };
    let mut found: Vec<(String, Format, Packing)> = Vec::new();
    for index in 0..archive.len().min(MOST_ENTRIES) {
        let Ok(entry) = archive.by_index_raw(index) else { continue };
        let deflated = match entry.compression() {
            _ if entry.is_dir() || entry.encrypted() => continue,
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            _ => continue,
        };
        let Some(start) = entry.data_start() else { continue };
        let packing = Packing::Zip { start, length: entry.compressed_size(), deflated };
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let head = packing.open(path).and_then(stream::read_head).unwrap_or_default();
        found.extend(holds_events(&head).map(|format| (name, format, packing)));
    }
    match found.as_slice() {
        [(_, Format::Csv | Format::Xml, packing)] => Ok(*packing),
        several if several.len() > 1 => Err(ImportError::NotOne {
            path: path.to_owned(),
            found: found.into_iter().map(|(name, ..)| name).collect(),
        }),
        _ => Ok(Packing::Plain),
    }
}

/// What a file holds by its beginning, where that is a capture or an export.
fn holds_events(head: &[u8]) -> Option<Format> {
    let (_, format, text) = stream::recognise(head, None);
    let is_table = || {
        let text = text.trim_start();
        csv::header(text.as_bytes()).is_some_and(|(titles, ..)| Columns::from_titles(&titles).present().len() > 1)
    };
    format.filter(|format| *format != Format::Csv || is_table())
}
