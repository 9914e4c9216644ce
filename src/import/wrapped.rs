//! Captures inside something else: behind what a mail gateway or a proxy put before them, or in an archive that does not
//! compress; and what a file is that holds none.

use super::stream;
use crate::pml;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// Bytes at the beginning of a file in which the header of a capture is looked for.
const SEARCHED: u64 = 64 << 20;
/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// What a file seems to be that is neither a capture nor an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lookalike {
    /// A page for a browser: often the error of a server, saved under the capture's name.
    WebPage,
    /// An archive this program does not unpack, by its usual name.
    Archive(&'static str),
    /// A zip archive without a capture that can be read.
    EmptyZip,
    /// A message, with the capture encoded as text if at all.
    Mail,
    /// A capture encoded as base64.
    Base64,
    /// Nothing but zeros at its beginning: space that was reserved and never written.
    Zeros,
    /// A program.
    Program,
    /// A Windows event log.
    EventLog,
}

impl Lookalike {
    /// What the beginning of a file tells.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        const ARCHIVES: [(&[u8], &str); 6] = [
            (b"7z\xBC\xAF\x27\x1C", "7z"),
            (b"MSCF", "cab"),
            (b"Rar!", "rar"),
            (b"\xFD7zXZ", "xz"),
            (b"BZh", "bzip2"),
            (b"\x28\xB5\x2F\xFD", "zstd"),
        ];
        if let Some((_, name)) = ARCHIVES.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Some(Self::Archive(name));
        }
        if head.starts_with(b"PK\x03\x04") {
            return Some(Self::EmptyZip);
        }
        if head.starts_with(b"UE1MX") {
            return Some(Self::Base64);
        }
        if head.starts_with(b"MZ") {
            return Some(Self::Program);
        }
        if head.starts_with(b"ElfFile\0") {
            return Some(Self::EventLog);
        }
        if head.len() > 16 && head.iter().all(|byte| *byte == 0) {
            return Some(Self::Zeros);
        }
        let text = head.to_ascii_lowercase();
        let has = |mark: &[u8]| memchr::memmem::find(&text, mark).is_some();
        if text.trim_ascii_start().starts_with(b"<") && (has(b"<html") || has(b"<!doctype html") || has(b"<error>")) {
            return Some(Self::WebPage);
        }
        const MAIL: [&[u8]; 7] =
            [b"from:", b"received:", b"return-path:", b"mime-version:", b"message-id:", b"delivered-to:", b"x-"];
        let is_mail = MAIL.iter().any(|field| text.starts_with(field)) && has(b"content-type:");
        is_mail.then_some(Self::Mail)
    }
}

/// Where in a file the capture is.
#[derive(Debug)]
pub(super) enum Found {
    /// Its header is at this offset.
    Behind(u64),
    /// Nowhere.
    Not(Option<Lookalike>),
}

/// Looks for a capture in a file that does not begin with one.
///
/// # Errors
/// Those of the file system, a full disk among them.
pub(super) fn find(path: &Path) -> io::Result<Found> {
    let head = stream::read_head_of(path)?;
    if head.starts_with(b"PML_") {
        return Ok(Found::Behind(0));
    }
    let looks = Lookalike::of(&head);
    if looks == Some(Lookalike::EmptyZip) {
        return Ok(Found::Not(looks));
    }
    Ok(search(File::open(path)?)?.map_or(Found::Not(looks), Found::Behind))
}

/// The offset of the first header of a capture in the first [`SEARCHED`] bytes.
fn search(input: impl Read) -> io::Result<Option<u64>> {
    let mut input = input.take(SEARCHED);
    let mut window = Vec::new();
    let mut begins = 0;
    loop {
        let read = input.by_ref().take(PIECE as u64).read_to_end(&mut window)?;
        // A header that the window ends in is looked at with the next piece.
        let whole = window.len().saturating_sub(pml::HEADER_SIZE - 1);
        let inside = window.get(..whole).unwrap_or_default();
        let found = memchr::memmem::find_iter(&window, b"PML_")
            .take_while(|at| *at < inside.len())
            .find(|at| window.get(*at..).is_some_and(pml::looks_like_header));
        if let Some(at) = found {
            return Ok(Some(begins + at as u64));
        }
        if read == 0 {
            return Ok(None);
        }
        window.drain(..whole);
        begins += whole as u64;
    }
}

/// What can be unpacked, as a temporary file.
///
/// # Errors
/// Those of the file system; damage to the stream before its first byte.
pub(super) fn copy(mut packed: impl Read) -> io::Result<TempPath> {
    let mut unpacked = NamedTempFile::new()?;
    let copied = io::copy(&mut packed, unpacked.as_file_mut());
    let unpacked = unpacked.into_temp_path();
    if let Err(error) = copied
        // A damaged stream ends like a capture that was cut off: what came before it may be rescued.
        && (std::fs::metadata(&unpacked)?.len() == 0
            || !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
    {
        return Err(error);
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        let mut header = vec![0; pml::HEADER_SIZE];
        header[..12].copy_from_slice(b"PML_\x09\0\0\0\x01\0\0\0");
        header[0x240..0x242].copy_from_slice(&[0xA8, 3]);
        header[0x398..0x39A].copy_from_slice(&[0xA8, 3]);
        header
    }

    #[test]
    fn the_header_is_found_wherever_it_begins() {
        // Around the seams of the pieces, too.
        for before in [0, 1, 37, PIECE - 0x3A8, PIECE - 4, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE - 2] {
            let mut file = b"PML_ is no header. ".repeat(before / 19 + 1);
            file.truncate(before);
            file.extend(header());
            assert_eq!(search(&file[..]).unwrap(), Some(before as u64));
            file.pop();
            assert_eq!(search(&file[..]).unwrap(), None, "{before}, cut");
        }
    }

    #[test]
    fn the_search_ends() {
        let behind = io::repeat(b'P').take(SEARCHED - 0x3A7).chain(io::Cursor::new(header()));
        assert_eq!(search(behind).unwrap(), None);
        let last = io::repeat(b'P').take(SEARCHED - 0x3A8).chain(io::Cursor::new(header()));
        assert_eq!(search(last).unwrap(), Some(SEARCHED - 0x3A8));
    }

    #[test]
    fn what_is_none_is_called_by_its_name() {
        for (head, expected) in [
            (&b"<!DOCTYPE html>\n<title>403</title>"[..], Some(Lookalike::WebPage)),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied", Some(Lookalike::WebPage)),
            (b"7z\xBC\xAF\x27\x1C\0\x04", Some(Lookalike::Archive("7z"))),
            (b"MSCF\0\0\0\0", Some(Lookalike::Archive("cab"))),
            (b"UE1MXwkAAAAB", Some(Lookalike::Base64)),
            (b"Received: by x\r\nContent-Type: multipart/mixed", Some(Lookalike::Mail)),
            (&[0; 64], Some(Lookalike::Zeros)),
            (b"\"Time of Day\",\"Process Name\"", None),
        ] {
            assert_eq!(Lookalike::of(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
