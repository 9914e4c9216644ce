//! The text of an export as a stream of UTF-8, whatever it is stored in: plain or gzip, UTF-8, UTF-16 or a code page.

use super::error::ImportError;
use super::packed::Packing;
use crate::capture::map::open_file;
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Cursor, Read};
use std::path::Path;

/// Bytes looked at to tell what a file is.
const HEAD: usize = 4096;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A capture in Procmon's own format.
    Pml,
    /// A table with a header line.
    Csv,
    /// Procmon's XML export.
    Xml,
}

/// How a file is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) packing: Packing,
    /// Lines end with a lone CR.
    pub(crate) cr_lines: bool,
    /// `None` for UTF-8 and everything that needs no conversion.
    pub(crate) encoding: Option<&'static Encoding>,
}

impl Stored {
    /// Name of the encoding.
    pub(crate) fn encoding_name(self) -> &'static str {
        self.encoding.unwrap_or(UTF_8).name()
    }
}

/// What a look at the beginning of a file tells.
#[derive(Debug)]
pub(crate) struct Sniffed {
    pub(crate) stored: Stored,
    /// The beginning after decompression, not decoded.
    pub(crate) head: Vec<u8>,
    pub(crate) format: Option<Format>,
}

/// Looks at the beginning of `path`.
pub(crate) fn sniff(path: &Path, encoding: Option<&'static Encoding>) -> Result<Sniffed, ImportError> {
    let io_error = |source| ImportError::Io { path: path.to_owned(), source };
    let mut head = read_head_of(path).map_err(io_error)?;
    let packing = Packing::of(path, &head)
        .map_err(io_error)?
        .map_err(|found| ImportError::NotOne { path: path.to_owned(), found })?;
    if packing != Packing::Plain {
        // A damaged stream may still have a beginning; what it lacks is said when it is read.
        head = packing.open(path).and_then(read_head).unwrap_or_default();
    }
    let (encoding, format, text) = recognise(&head, encoding);
    let cr_lines = format == Some(Format::Csv) && text.contains('\r') && !text.contains('\n');
    Ok(Sniffed { stored: Stored { packing, cr_lines, encoding }, head, format })
}

/// The encoding (`None` for UTF-8), the format and the text of the beginning of an unpacked file.
pub(crate) fn recognise(
    head: &[u8],
    encoding: Option<&'static Encoding>,
) -> (Option<&'static Encoding>, Option<Format>, String) {
    let encoding = match Encoding::for_bom(head) {
        Some((found, _)) => Some(found),
        None => encoding.or_else(|| utf16_without_bom(head)).or_else(|| declared(head)),
    }
    .filter(|found| *found != UTF_8);
    let text = encoding.unwrap_or(UTF_8).decode(head).0.into_owned();
    let begin = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    let format = if head.starts_with(b"PML_") {
        Some(Format::Pml)
    } else if begin.starts_with('<') {
        (begin.contains("<procmon") || begin.starts_with("<?xml")).then_some(Format::Xml)
    } else {
        (!begin.is_empty()).then_some(Format::Csv)
    };
    (encoding, format, text)
}

/// The beginning of a file, as it is stored.
pub(crate) fn read_head_of(path: &Path) -> io::Result<Vec<u8>> {
    open_file(path).and_then(read_head)
}

pub(crate) fn read_head(input: impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    match input.take(HEAD as u64).read_to_end(&mut head) {
        Ok(_) => Ok(head),
        Err(_) if !head.is_empty() => Ok(head),
        Err(error) => Err(error),
    }
}

/// Text whose every other byte is zero is UTF-16, with or without a mark at its beginning.
fn utf16_without_bom(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.get(..head.len().min(16) & !1)?.chunks_exact(2);
    if pairs.len() < 4 {
        return None;
    }
    if pairs.clone().all(|pair| matches!(pair, [1..=0x7F, 0])) {
        Some(UTF_16LE)
    } else if pairs.clone().all(|pair| matches!(pair, [0, 1..=0x7F])) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The encoding that an XML declaration names.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let declaration = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let declaration = declaration.get(..memchr::memmem::find(declaration, b"?>")?)?;
    let name = declaration.get(memchr::memmem::find(declaration, b"encoding=")? + 9..)?;
    Encoding::for_label(name.split(|byte| matches!(byte, b'"' | b'\'')).nth(1)?)
        // A document that can be read so far is not in two-byte units, whatever it says.
        .filter(|found| *found != UTF_16LE && *found != UTF_16BE)
}

/// Opens any text file, plain or gzip, UTF-8 or UTF-16, as UTF-8; also says what it seems to be. A [`Format::Pml`] is no
/// text. A byte-order mark stays where it is UTF-8's own.
///
/// # Errors
/// Those of the file system.
pub fn open_text(path: &Path) -> io::Result<(Option<Format>, Box<dyn Read + Send>)> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    let sniffed = sniff(path, None).map_err(|error| match error {
        ImportError::Io { source, .. } => source,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    })?;
    let mark = if sniffed.head.starts_with(MARK) { MARK } else { &[] };
    Ok((sniffed.format, Box::new(mark.chain(open(path, sniffed.stored)?))))
}

/// Opens the text from its beginning, without byte-order mark.
pub(crate) fn open(path: &Path, stored: Stored) -> io::Result<Box<dyn Read + Send>> {
    let plain = stored.packing.open(path)?;
    let text: Box<dyn Read + Send> = match stored.encoding {
        Some(encoding) => Box::new(Transcoded::new(plain, encoding)),
        None => without_bom(plain)?,
    };
    Ok(if stored.cr_lines { Box::new(CrLines(text)) } else { text })
}

/// Lines that end with a lone CR, as old Macintosh programs write them, ended with LF.
struct CrLines(Box<dyn Read + Send>);

impl Read for CrLines {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.0.read(out)?;
        for byte in out.iter_mut().take(got).filter(|byte| **byte == b'\r') {
            *byte = b'\n';
        }
        Ok(got)
    }
}

/// A file put together from several may have more than one mark.
fn without_bom(mut input: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut first = [0; 3];
    let mut have = 0;
    while have < first.len() {
        match input.read(first.get_mut(have..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => have += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if first == [0xEF, 0xBB, 0xBF] {
        return without_bom(input);
    }
    let first = first.get(..have).unwrap_or_default().to_vec();
    Ok(Box::new(Cursor::new(first).chain(input)))
}

/// Decodes while reading.
struct Transcoded {
    input: Box<dyn Read + Send>,
    decoder: Decoder,
    bytes: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Transcoded {
    fn new(input: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { input, decoder, bytes: vec![0; 64 * 1024], text: Vec::new(), given: 0, ended: false }
    }
}

impl Read for Transcoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.text.len() {
            if self.ended {
                return Ok(0);
            }
            let got = self.input.read(&mut self.bytes)?;
            self.ended = got == 0;
            let needed = self.decoder.max_utf8_buffer_length(got).unwrap_or(usize::MAX).min(got * 4 + 64);
            self.text.resize(needed, 0);
            let (_, _, written, _) =
                self.decoder.decode_to_utf8(self.bytes.get(..got).unwrap_or_default(), &mut self.text, self.ended);
            self.text.truncate(written);
            self.given = 0;
        }
        let ready = self.text.get(self.given..).unwrap_or_default();
        let count = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn stored(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn read(bytes: &[u8], label: Option<&'static Encoding>) -> (Sniffed, String) {
        let file = stored(bytes);
        let sniffed = sniff(file.path(), label).unwrap();
        let mut text = String::new();
        open(file.path(), sniffed.stored).unwrap().read_to_string(&mut text).unwrap();
        (sniffed, text)
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "\"Path\",\"Result\"\r\n\"C:\\防毒墙\\Ж.dll\",\"SUCCESS\"\r\n";
        let mut little = vec![0xFF, 0xFE];
        let mut big = vec![0xFE, 0xFF];
        for unit in text.encode_utf16() {
            little.extend(unit.to_le_bytes());
            big.extend(unit.to_be_bytes());
        }
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        for (bytes, name) in [
            (text.as_bytes(), "UTF-8"),
            (&marked, "UTF-8"),
            (&little, "UTF-16LE"),
            (&big, "UTF-16BE"),
            (little.get(2..).unwrap(), "UTF-16LE"),
            (big.get(2..).unwrap(), "UTF-16BE"),
        ] {
            let (sniffed, got) = read(bytes, None);
            assert_eq!((sniffed.format, sniffed.stored.encoding_name()), (Some(Format::Csv), name));
            assert_eq!(got, text);
        }
        let (sniffed, got) = read(&encoding_rs::GBK.encode("\"Path\"\r\n\"防毒墙\"").0, Some(encoding_rs::GBK));
        assert_eq!((sniffed.stored.encoding_name(), got.as_str()), ("GBK", "\"Path\"\r\n\"防毒墙\""));
    }

    #[test]
    fn gzip_and_formats() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"<?xml version=\"1.0\"?>\r\n<procmon>").unwrap();
        let (sniffed, got) = read(&gzip.finish().unwrap(), None);
        assert_eq!(sniffed.stored.packing, Packing::Gzip);
        assert_eq!((sniffed.format, got.as_str()), (Some(Format::Xml), "<?xml version=\"1.0\"?>\r\n<procmon>"));
        assert_eq!(read(b"PML_\x09\0\0\0", None).0.format, Some(Format::Pml));
        assert_eq!(read(b"<html><body>", None).0.format, None);
        assert_eq!(read(b"", None).0.format, None);
    }
}
