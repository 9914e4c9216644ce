//! Records of a CSV export: read as a stream in blocks that end between two records, split without copying.
//!
//! Quoted as Procmon does it (every field quoted, a quote doubled), or not, as programs that saved the table again do.
//! A record that is broken ends at its line: the next line is tried afresh, so that one stray quote costs one line.

use super::columns::Field;
use memchr::{memchr, memchr2, memrchr};
use std::io::{self, Read};

/// Bytes of a block, about.
const BLOCK: usize = 1 << 20;
/// Longest line that is believed.
const LONGEST: usize = 16 << 20;
/// Most fields of a record that are believed.
pub(crate) const MAX_FIELDS: usize = 512;

/// Why a record could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadReason {
    /// A quote that nothing closes, or text behind a closing quote.
    Quotes,
    /// Fewer or more fields than the header.
    FieldCount,
    /// Longer than any record can be.
    TooLong,
    /// The PID is no number.
    Pid,
    /// The time is none that this program can read.
    Time,
    /// The row has no operation.
    NoOperation,
    /// A tag of an XML export that does not belong where it stands, or is damaged.
    Tag,
}

/// How the table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) delimiter: u8,
    /// Fields of the header.
    pub(crate) fields: usize,
}

/// Splits the record at `at` into `fields`; returns where the next one begins.
#[inline]
pub(crate) fn split(data: &[u8], at: usize, delimiter: u8, fields: &mut Vec<Field>) -> Result<usize, BadReason> {
    fields.clear();
    let mut pos = at;
    loop {
        if fields.len() > MAX_FIELDS {
            return Err(BadReason::FieldCount);
        }
        if data.get(pos) != Some(&b'"') {
            pos = behind_blanks(data, pos, delimiter);
        }
        let (field, behind) =
            if data.get(pos) == Some(&b'"') { quoted(data, pos, delimiter)? } else { bare(data, pos, delimiter)? };
        fields.push(field);
        match data.get(behind) {
            Some(byte) if *byte == delimiter => pos = behind + 1,
            Some(b'\n') => return Ok(behind + 1),
            Some(b'\r') => return line_end(data, behind).ok_or(BadReason::Quotes),
            None => return Ok(behind),
            _ => return Err(BadReason::Quotes),
        }
    }
}

/// Behind the line end at `at`: LF, or any number of CR and LF (some programs double the CR), or CR at the very end.
pub(crate) fn line_end(data: &[u8], at: usize) -> Option<usize> {
    let returns = data.get(at..)?.iter().take_while(|byte| **byte == b'\r').count();
    match data.get(at + returns) {
        Some(b'\n') => Some(at + returns + 1),
        None if returns > 0 => Some(at + returns),
        _ => None,
    }
}

/// Behind the blanks at `at`, which some programs put around values.
fn behind_blanks(data: &[u8], at: usize, delimiter: u8) -> usize {
    let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t') && **byte != delimiter;
    at + data.get(at..).unwrap_or_default().iter().take_while(blank).count()
}

#[inline]
fn field(start: usize, end: usize, escaped: bool) -> Result<Field, BadReason> {
    match (u32::try_from(start), u32::try_from(end)) {
        (Ok(start), Ok(end)) => Ok(Field { start, end, escaped }),
        _ => Err(BadReason::TooLong),
    }
}

#[inline]
fn quoted(data: &[u8], at: usize, delimiter: u8) -> Result<(Field, usize), BadReason> {
    let start = at + 1;
    let mut from = start;
    let mut escaped = false;
    loop {
        let rest = data.get(from..).ok_or(BadReason::Quotes)?;
        let close = from + memchr(b'"', rest).ok_or(BadReason::Quotes)?;
        if data.get(close + 1) != Some(&b'"') {
            return Ok((field(start, close, escaped)?, behind_blanks(data, close + 1, delimiter)));
        }
        escaped = true;
        from = close + 2;
    }
}

fn bare(data: &[u8], at: usize, delimiter: u8) -> Result<(Field, usize), BadReason> {
    let rest = data.get(at..).unwrap_or_default();
    let mut end = at + memchr2(delimiter, b'\n', rest).unwrap_or(rest.len());
    if data.get(end) != Some(&delimiter) {
        let line = data.get(at..end).unwrap_or_default();
        end -= line.iter().rev().take_while(|byte| **byte == b'\r').count();
    }
    if memchr(b'"', data.get(at..end).unwrap_or_default()).is_some() {
        return Err(BadReason::Quotes);
    }
    Ok((field(at, end, false)?, end))
}

/// The value of a field with its doubled quotes made single.
pub(crate) fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(quote) = memchr(b'"', rest) {
        out.extend_from_slice(rest.get(..=quote).unwrap_or_default());
        rest = rest.get(quote + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// The header of a table: its titles, its delimiter, and its length in bytes.
pub(crate) fn header(text: &[u8]) -> Option<(Vec<String>, u8, usize)> {
    let mut best: Option<(Vec<String>, u8, usize)> = None;
    let mut fields = Vec::new();
    for delimiter in *b",;\t" {
        let Ok(end) = split(text, 0, delimiter, &mut fields) else { continue };
        if best.as_ref().is_some_and(|(titles, ..)| titles.len() >= fields.len()) {
            continue;
        }
        let title = |field: &Field| {
            let value = text.get(field.start as usize..field.end as usize).unwrap_or_default();
            String::from_utf8_lossy(&unescape(value)).trim().to_owned()
        };
        best = Some((fields.iter().map(title).collect(), delimiter, end));
    }
    best
}

/// A piece of the table that ends between two records.
#[derive(Debug, Default)]
pub(crate) struct CsvBlock {
    pub(crate) data: Vec<u8>,
    /// It is the beginning of a line too long to be a record.
    pub(crate) oversized: bool,
}

/// The blocks of a table.
pub(crate) struct CsvBlocks {
    input: Box<dyn Read + Send>,
    shape: Shape,
    carry: Vec<u8>,
    /// Bytes still to be dropped: the header.
    skip: usize,
    /// Inside a line that was given up.
    skipping_line: bool,
    ended: bool,
    /// What ended the stream early.
    pub(crate) error: Option<io::Error>,
}

impl CsvBlocks {
    /// The blocks behind a header of `skip` bytes.
    pub(crate) fn new(input: Box<dyn Read + Send>, shape: Shape, skip: usize) -> Self {
        Self { input, shape, carry: Vec::new(), skip, skipping_line: false, ended: false, error: None }
    }

    /// The next block; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<CsvBlock> {
        let mut data = std::mem::take(&mut self.carry);
        let mut fields = Vec::with_capacity(self.shape.fields);
        loop {
            self.fill(&mut data);
            self.drop_unwanted(&mut data);
            if self.ended {
                return (!data.is_empty()).then_some(CsvBlock { data, oversized: false });
            }
            // A line that goes on for too long is cut off from those before it, then given up.
            let too_long = || memrchr(b'\n', &data).filter(|_| data.len() > LONGEST).map(|at| at + 1);
            if let Some(cut) = self.cut(&data, &mut fields).or_else(too_long) {
                self.carry.reserve(BLOCK + BLOCK / 4);
                self.carry.extend_from_slice(data.get(cut..).unwrap_or_default());
                data.truncate(cut);
                return Some(CsvBlock { data, oversized: false });
            }
            if data.len() > LONGEST {
                data.truncate(256);
                self.skipping_line = true;
                return Some(CsvBlock { data, oversized: true });
            }
        }
    }

    /// Reads one block more.
    fn fill(&mut self, data: &mut Vec<u8>) {
        let mut from = data.len();
        let until = from + BLOCK.saturating_sub(from % BLOCK).max(BLOCK / 4);
        data.resize(until, 0);
        while from < until && !self.ended {
            match self.input.read(data.get_mut(from..).unwrap_or_default()) {
                Ok(0) => self.ended = true,
                Ok(more) => from += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.ended = true;
                }
            }
        }
        data.truncate(from);
    }

    /// Drops the header, and the rest of a line that was given up.
    fn drop_unwanted(&mut self, data: &mut Vec<u8>) {
        if self.skip > 0 {
            let now = self.skip.min(data.len());
            data.drain(..now);
            self.skip -= now;
        }
        if self.skipping_line {
            match memchr(b'\n', data) {
                Some(end) => {
                    data.drain(..=end);
                    self.skipping_line = false;
                }
                None => data.clear(),
            }
        }
    }

    /// Where the block can be cut: before the last line that is a whole record by itself, so that a line break inside a
    /// quoted field is no place to cut.
    fn cut(&self, data: &[u8], fields: &mut Vec<Field>) -> Option<usize> {
        let mut end = data.len();
        let mut fallback = None;
        for _ in 0..1024 {
            let at = memrchr(b'\n', data.get(..end)?)? + 1;
            fallback = fallback.or(Some(at));
            if let Ok(behind) = split(data, at, self.shape.delimiter, fields)
                && fields.len() == self.shape.fields
                && behind > at
                && data.get(behind - 1) == Some(&b'\n')
            {
                return Some(at);
            }
            end = at - 1;
        }
        fallback
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
