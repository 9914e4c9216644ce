//! How a file is packed: not at all, with gzip, or as the one capture or export of a zip archive.

use super::columns::Columns;
use super::csv;
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

/// The names of the captures and exports of a zip archive that has not just one.
pub(crate) type SeveralInZip = Vec<String>;

/// Entries of a zip archive that are looked at, at most.
const MOST_ENTRIES: usize = 4096;

impl Packing {
    /// Tells how `path`, which begins with `head`, is packed.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn of(path: &Path, head: &[u8]) -> io::Result<Result<Self, SeveralInZip>> {
        match head {
            [0x1F, 0x8B, ..] => Ok(Ok(Self::Gzip)),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => one_of_zip(path),
            _ => Ok(Ok(Self::Plain)),
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

/// The only capture or export of a zip archive; an archive without any, or that cannot be read, is as it is.
fn one_of_zip(path: &Path) -> io::Result<Result<Packing, SeveralInZip>> {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(File::open(path)?)) else { return Ok(Ok(Packing::Plain)) };
    let mut found: Vec<(String, Packing)> = Vec::new();
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
        if holds_events(&head) {
            found.push((name, packing));
        }
    }
    Ok(match found.as_slice() {
        [] => Ok(Packing::Plain),
        [(_, packing)] => Ok(*packing),
        _ => Err(found.into_iter().map(|(name, _)| name).collect()),
    })
}

/// Whether a file is a capture or an export, by its beginning.
fn holds_events(head: &[u8]) -> bool {
    let (_, format, text) = stream::recognise(head, None);
    match format {
        Some(Format::Csv) => csv::header(text.trim_start().as_bytes())
            .is_some_and(|(titles, ..)| Columns::from_titles(&titles).present().len() > 1),
        format => format.is_some(),
    }
}
