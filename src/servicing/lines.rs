//! Lines of a text file of unknown encoding, in bounded memory.
//!
//! Servicing logs mix UTF-8 with the machine's ANSI code page inside one file, so the encoding is settled line by
//! line: UTF-8 if the bytes are valid, else GB18030. Files marked or recognised as UTF-16 are transcoded first.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};
use memchr::{memchr, memchr2};

use super::encoding::{Encoding, Kind, decode, sniff, wide_line};

/// Bytes of one line that are kept; what lies behind is counted in [`LineStats::cut_bytes`] and dropped.
pub const MAX_LINE: usize = 1 << 20;

/// CRs in a row, at most, of which an LF behind makes one line end: conversions double them.
const MAX_RETURNS: usize = 16;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

/// What was seen of the file as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LineStats {
    /// Physical lines, a last one without line end included.
    pub lines: u64,
    /// Whether the file starts with a byte order mark.
    pub bom: bool,
    /// Lines ended by CR LF.
    pub crlf: u64,
    /// Lines ended by a bare LF.
    pub lf: u64,
    /// Lines ended by a bare CR.
    pub cr: u64,
    /// Lines with characters beyond ASCII that are valid UTF-8.
    pub utf8_lines: u64,
    /// Lines that are not valid UTF-8 and were read as GB18030.
    pub gbk_lines: u64,
    /// Lines that are UTF-16 in a file that is not: logs joined without converting them.
    pub utf16_lines: u64,
    /// NUL characters, as a power cut leaves them.
    pub nul_bytes: u64,
    /// Lines longer than [`MAX_LINE`].
    pub cut_lines: u64,
    /// Bytes dropped from those.
    pub cut_bytes: u64,
    /// The last line has no line end.
    pub unterminated: bool,
    /// UTF-16 byte order, when the file is UTF-16.
    utf16: Option<Encoding>,
}

impl LineStats {
    /// The encoding of the file as a whole.
    pub fn encoding(&self) -> Encoding {
        match self.utf16 {
            Some(encoding) => encoding,
            None if self.gbk_lines > 0 && self.utf8_lines == 0 && !self.bom => Encoding::Gbk,
            None => Encoding::Utf8,
        }
    }

    /// `crlf`, `lf`, `cr`, `mixed`, or `none` when there is no line end at all.
    pub fn newline(&self) -> &'static str {
        match (self.crlf, self.lf, self.cr) {
            (0, 0, 0) => "none",
            (_, 0, 0) => "crlf",
            (0, _, 0) => "lf",
            (0, 0, _) => "cr",
            _ => "mixed",
        }
    }
}

/// One physical line without its line end.
#[derive(Debug)]
pub struct Line<'a> {
    /// 1-based number.
    pub number: u64,
    bytes: &'a [u8],
    /// The end is missing: the line was cut, or the file ends in it.
    ragged: bool,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    CrLf,
    Lf,
    Cr,
    Torn,
}

impl<'a> Line<'a> {
    /// The bytes as they are (UTF-8 if the file is UTF-16).
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Reads lines. Memory: one chunk, or one line up to [`MAX_LINE`].
pub struct LineReader<R> {
    input: R,
    utf16: Option<Decoder>,
    raw: Vec<u8>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    stats: LineStats,
}

impl<R> std::fmt::Debug for LineReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineReader").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl<R: Read> LineReader<R> {
    /// Reads the first chunk and settles between UTF-16 and bytes.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn new(input: R) -> io::Result<Self> {
        let mut reader = Self {
            input,
            utf16: None,
            raw: Vec::new(),
            buf: vec![0; CHUNK],
            start: 0,
            end: 0,
            eof: false,
            stats: LineStats::default(),
        };
        let mut head = Vec::new();
        (&mut reader.input).take(CHUNK as u64).read_to_end(&mut head)?;
        let (encoding, bom) = sniff(&head);
        reader.stats.bom = bom > 0;
        let body = head.get(bom..).unwrap_or_default();
        let decoder = match encoding {
            Encoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            Encoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
            Encoding::Utf8 | Encoding::Gbk => None,
        };
        if let Some(decoder) = decoder {
            reader.stats.utf16 = Some(encoding);
            reader.utf16 = Some(decoder);
            reader.transcode(body, false);
        } else {
            reader.buf.resize(CHUNK.max(body.len()), 0);
            if let Some(place) = reader.buf.get_mut(..body.len()) {
                place.copy_from_slice(body);
            }
            reader.end = body.len();
        }
        Ok(reader)
    }

    /// Counts so far; complete once [`Self::next_line`] gave `None`.
    pub const fn stats(&self) -> &LineStats {
        &self.stats
    }

    /// The next physical line.
    ///
    /// # Errors
    /// Those of the reader; what was read before stays counted.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = self.start;
        let mut dropped = 0u64;
        loop {
            let fresh = self.buf.get(searched..self.end).unwrap_or_default();
            let found = memchr2(b'\n', b'\r', fresh);
            if let Some(at) = found {
                let stop = searched + at;
                let returns = fresh.iter().skip(at).take_while(|byte| **byte == b'\r').count();
                let behind = fresh.get(at + returns);
                // A CR at the end of what was read may have its LF still to come.
                if behind.is_some() || self.eof || returns > MAX_RETURNS {
                    // A dropped middle: the kept head lies at `start`, the line's end further right.
                    let text_end = if dropped > 0 { self.start + MAX_LINE } else { stop };
                    dropped += if dropped > 0 { at as u64 } else { 0 };
                    return Ok(Some(match (behind, returns) {
                        (Some(b'\n'), 0) => self.emit(text_end, stop + 1, Ended::Lf, dropped),
                        (Some(b'\n'), _) => self.emit(text_end, stop + returns + 1, Ended::CrLf, dropped),
                        _ => self.emit(text_end, stop + 1, Ended::Cr, dropped),
                    }));
                }
            }
            let unended = found.unwrap_or(fresh.len());
            if dropped > 0 {
                dropped += unended as u64;
                self.buf.copy_within(searched + unended..self.end, searched);
                self.end -= unended;
            } else {
                searched += unended;
                if found.is_none() && self.end - self.start > MAX_LINE {
                    dropped = (self.end - self.start - MAX_LINE) as u64;
                    self.end = self.start + MAX_LINE;
                    searched = self.end;
                }
            }
            if self.eof {
                if self.start >= self.end {
                    return Ok(None);
                }
                let end = self.end;
                self.stats.unterminated = true;
                return Ok(Some(self.emit(end, end, Ended::Torn, dropped)));
            }
            if self.start > 0 {
                self.buf.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                searched -= self.start;
                self.start = 0;
            }
            self.fill()?;
        }
    }

    /// Cuts one line out of the buffer and counts it.
    fn emit(&mut self, text_end: usize, next: usize, ended: Ended, dropped: u64) -> Line<'_> {
        let start = self.start;
        self.start = next;
        self.stats.lines += 1;
        if dropped > 0 {
            self.stats.cut_lines += 1;
            self.stats.cut_bytes += dropped;
        }
        let bytes = self.buf.get(start..text_end).unwrap_or_default();
        match ended {
            Ended::CrLf => self.stats.crlf += 1,
            Ended::Lf => self.stats.lf += 1,
            Ended::Cr => self.stats.cr += 1,
            Ended::Torn => {}
        }
        Line { number: self.stats.lines, bytes, ragged: ended == Ended::Torn || dropped > 0 }
    }

    /// Appends at least one byte to the buffer, or notes the end.
    fn fill(&mut self) -> io::Result<()> {
        if self.utf16.is_some() {
            let mut raw = std::mem::take(&mut self.raw);
            raw.resize(CHUNK, 0);
            let got = read_some(&mut self.input, &mut raw);
            let got = match got {
                Ok(got) => got,
                Err(error) => {
                    self.raw = raw;
                    return Err(error);
                }
            };
            self.transcode(raw.get(..got).unwrap_or_default(), got == 0);
            self.raw = raw;
            self.eof = got == 0;
            return Ok(());
        }
        if self.buf.len() < self.end + CHUNK {
            self.buf.resize(self.end + CHUNK, 0);
        }
        let got = read_some(&mut self.input, self.buf.get_mut(self.end..).unwrap_or_default())?;
        self.end += got;
        self.eof = got == 0;
        Ok(())
    }

    /// Appends UTF-16 bytes to the buffer as UTF-8.
    fn transcode(&mut self, mut bytes: &[u8], last: bool) {
        let Some(decoder) = self.utf16.as_mut() else { return };
        loop {
            if self.buf.len() < self.end + CHUNK {
                self.buf.resize(self.end + CHUNK, 0);
            }
            let room = self.buf.get_mut(self.end..).unwrap_or_default();
            let (result, read, written, _) = decoder.decode_to_utf8(bytes, room, last);
            self.end += written;
            bytes = bytes.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }

    /// Counts a line's encoding; call once per line that is used.
    fn note(&mut self, kind: Kind, nuls: u64) {
        match kind {
            Kind::Ascii => {}
            Kind::Utf8 => self.stats.utf8_lines += 1,
            Kind::Gbk => self.stats.gbk_lines += 1,
        }
        self.stats.nul_bytes += nuls;
    }

    /// Calls `each(number, text)` for every line, split at runs of NUL (a power cut may leave the torn end of one
    /// record and the start of the next on one line).
    ///
    /// # Errors
    /// Those of the reader, and those of `each`.
    pub fn for_each<E: From<io::Error>>(&mut self, mut each: impl FnMut(u64, &str) -> Result<(), E>) -> Result<(), E> {
        loop {
            let after_wide = self.stats.utf16_lines > 0;
            let Some(line) = self.next_line()? else { return Ok(()) };
            let number = line.number;
            if memchr(0, line.bytes).is_none() {
                let (text, kind) = decode(line.bytes, line.ragged);
                each(number, &text)?;
                self.note(kind, 0);
                continue;
            }
            if let Some(text) = wide_line(line.bytes) {
                each(number, &text)?;
                self.stats.utf16_lines += 1;
                continue;
            }
            // What is left between the CR and the LF of such a line.
            if line.bytes == [0] && after_wide {
                continue;
            }
            let (bytes, ragged) = (line.bytes, line.ragged);
            let nuls = bytes.iter().filter(|byte| **byte == 0).count() as u64;
            let mut worst = Kind::Ascii;
            let mut any = false;
            for part in bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty()) {
                let (text, kind) = decode(part, ragged);
                if kind != Kind::Ascii {
                    worst = kind;
                }
                any = true;
                each(number, &text)?;
            }
            if !any {
                each(number, "")?;
            }
            self.note(worst, nuls);
        }
    }
}

/// Reads once, again when interrupted.
fn read_some(input: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> (Vec<(u64, String)>, LineStats) {
        let mut reader = LineReader::new(bytes).unwrap();
        let mut lines = Vec::new();
        reader
            .for_each::<io::Error>(|number, text| {
                lines.push((number, text.to_owned()));
                Ok(())
            })
            .unwrap();
        (lines, *reader.stats())
    }

    fn wide(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn mixed_line_ends_and_a_torn_last_line() {
        let (lines, stats) = all(b"\xEF\xBB\xBFone\r\ntwo\nthree \xE6\xB5");
        assert_eq!(lines, [(1, "one".into()), (2, "two".into()), (3, "three ".into())]);
        assert_eq!((stats.newline(), stats.bom, stats.unterminated, stats.gbk_lines), ("mixed", true, true, 0));
    }

    #[test]
    fn utf16_lines_joined_to_others() {
        for end in ["\r\n", "\n"] {
            let mut bytes = b"2022-10-09 00:00:01, first".to_vec();
            bytes.extend_from_slice(end.as_bytes());
            let log = ["2022-10-09 00:00:02, Info 补丁", "2022-10-09 00:00:03, last", ""].join(end);
            bytes.extend(wide(&format!("\u{feff}{log}"), false));
            let (lines, stats) = all(&bytes);
            let told: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).filter(|text| !text.is_empty()).collect();
            assert_eq!(
                told,
                ["2022-10-09 00:00:01, first", "2022-10-09 00:00:02, Info 补丁", "2022-10-09 00:00:03, last"]
            );
            assert_eq!((stats.utf16_lines, stats.gbk_lines), (2, 0));
            assert!(stats.nul_bytes <= 1, "{}", stats.nul_bytes);
        }
    }

    #[test]
    fn bare_and_doubled_carriage_returns() {
        let (lines, stats) = all(b"one\rtwo\r\rfour\r");
        assert_eq!(lines, [(1, "one".into()), (2, "two".into()), (3, "".into()), (4, "four".into())]);
        assert_eq!((stats.newline(), stats.cr, stats.unterminated), ("cr", 4, false));
        let (lines, stats) = all(b"one\r\r\ntwo\rthree\n");
        assert_eq!(lines, [(1, "one".into()), (2, "two".into()), (3, "three".into())]);
        assert_eq!((stats.newline(), stats.crlf, stats.cr, stats.lf), ("mixed", 1, 1, 1));
        // One byte at a time: no line end is taken apart.
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let (Some((first, rest)), Some(place)) = (self.0.split_first(), into.first_mut()) else { return Ok(0) };
                *place = *first;
                self.0 = rest;
                Ok(1)
            }
        }
        let mut long = vec![b'x'; MAX_LINE + 3];
        long.extend_from_slice(b"\r\na\r\nb\rc");
        let mut reader = LineReader::new(Slow(&long)).unwrap();
        let mut lengths = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            lengths.push(line.bytes.len());
        }
        assert_eq!(lengths, [MAX_LINE, 1, 1, 1]);
        let stats = reader.stats();
        assert_eq!((stats.crlf, stats.cr, stats.cut_lines, stats.cut_bytes), (2, 1, 1, 3));
    }

    #[test]
    fn a_gbk_line_among_utf8_lines() {
        let mut bytes = "测试\r\n".as_bytes().to_vec();
        bytes.extend_from_slice(b"\xb2\xb9\xb6\xa1\r\n");
        let (lines, stats) = all(&bytes);
        assert_eq!(lines, [(1, "测试".into()), (2, "补丁".into())]);
        assert_eq!((stats.encoding(), stats.utf8_lines, stats.gbk_lines), (Encoding::Utf8, 1, 1));
        assert_eq!(all(b"a\n\xb2\xb9\n").1.encoding(), Encoding::Gbk);
    }

    #[test]
    fn utf16_with_and_without_a_mark() {
        let text = "2022-10-09 00:00:02, Info 补丁\r\nsecond line here\r\n";
        for big in [false, true] {
            for mark in [false, true] {
                let mut bytes = if mark { wide("\u{feff}", big) } else { Vec::new() };
                bytes.extend(wide(text, big));
                let (lines, stats) = all(&bytes);
                assert_eq!(lines, [(1, "2022-10-09 00:00:02, Info 补丁".into()), (2, "second line here".into())]);
                assert_eq!(stats.encoding(), if big { Encoding::Utf16Be } else { Encoding::Utf16Le });
                assert_eq!((stats.bom, stats.newline()), (mark, "crlf"));
            }
        }
    }

    #[test]
    fn nul_runs_split_a_line() {
        let (lines, stats) = all(b"torn\0\0\0\0whole\n\0\0\n");
        assert_eq!(lines, [(1, "torn".into()), (1, "whole".into()), (2, String::new())]);
        assert_eq!((stats.nul_bytes, stats.lines), (6, 2));
    }

    #[test]
    fn an_endless_line_is_cut_and_counted() {
        let mut bytes = vec![b'x'; MAX_LINE * 3 + 7];
        bytes.extend_from_slice(b"\nnext\n");
        bytes.extend(vec![b'y'; MAX_LINE + 1]);
        let (lines, stats) = all(&bytes);
        assert_eq!(
            lines.iter().map(|(n, text)| (*n, text.len())).collect::<Vec<_>>(),
            [(1, MAX_LINE), (2, 4), (3, MAX_LINE)]
        );
        assert_eq!((stats.cut_lines, stats.cut_bytes), (2, MAX_LINE as u64 * 2 + 7 + 1));
    }
}
