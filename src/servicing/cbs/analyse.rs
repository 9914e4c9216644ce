//! One pass over a log: digest, lines, and the hand-over of records to those who understand them.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::servicing::lines::LineReader;

use super::CbsError;
use super::findings::{LogFacts, Note, NoteCode};
use super::record::{Assembler, Record};
use super::state::State;

/// Reads a log to its end. `progress` gets the bytes read so far and may stop the run by returning false.
///
/// # Errors
/// [`CbsError::Interrupted`] when told to stop. An I/O error in mid-file is no error but a note: what was read counts.
pub fn analyse(input: impl Read, progress: &mut dyn FnMut(u64) -> bool) -> Result<LogFacts, CbsError> {
    analyse_lines(input, progress, &mut |_| {})
}

/// As [`analyse`]; `see` gets every record before it is analysed.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_lines(
    input: impl Read,
    progress: &mut dyn FnMut(u64) -> bool,
    see: &mut dyn FnMut(&Record),
) -> Result<LogFacts, CbsError> {
    let mut hasher = Hashing { input, sha: Sha256::new(), bytes: 0, failed: None };
    let mut state = State::default();
    let mut assembler = Assembler::default();
    let mut lines = LineReader::new(&mut hasher)?;
    let mut seen = 0u64;
    let mut stopped = false;
    let outcome: Result<(), CbsError> = lines.for_each(|number, line| {
        seen += line.len() as u64 + 2;
        if number % 4096 == 0 && !progress(seen) {
            stopped = true;
            return Err(CbsError::Interrupted);
        }
        assembler.line(number, line, &mut |record| {
            see(&record);
            state.record(&record);
        });
        Ok(())
    });
    outcome?;
    let text = *lines.stats();
    assembler.finish(&mut |record| {
        see(&record);
        state.record(&record);
    });
    let mut facts = state.finish();
    facts.judge_locks();
    facts.text = text;
    facts.lines = *assembler.counts();
    facts.sha256 = hasher.sha.finalize().into();
    facts.bytes = hasher.bytes;
    if hasher.failed.is_some() {
        facts.notes.push(Note { code: NoteCode::ReadError, line: Some(text.lines), count: 1 });
    }
    add_text_notes(&mut facts);
    Ok(facts)
}

/// Digests what passes through; an error ends the stream and is remembered.
struct Hashing<R> {
    input: R,
    sha: Sha256,
    bytes: u64,
    failed: Option<io::ErrorKind>,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = match self.input.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.failed = Some(error.kind());
                return Ok(0);
            }
            Ok(got) => got,
        };
        self.sha.update(into.get(..got).unwrap_or_default());
        self.bytes += got as u64;
        Ok(got)
    }
}

impl State {
    /// Takes in one record.
    fn record(&mut self, record: &Record) {
        self.count(record);
        match record.component.as_str() {
            "CSI" => self.csi_record(record),
            "CBS" => self.cbs_record(record),
            _ => {}
        }
    }
}

/// Notes about the text as such.
fn add_text_notes(facts: &mut LogFacts) {
    let (text, lines) = (facts.text, facts.lines);
    let mut add = |code, line, count: u64| {
        if count > 0 {
            facts.notes.push(Note { code, line, count });
        }
    };
    let last = Some(text.lines);
    let starts_torn = lines.before_first > 0 && lines.first_unparsed == Some(1);
    add(NoteCode::StartsMidRecord, Some(1), if starts_torn { lines.before_first } else { 0 });
    add(NoteCode::TruncatedLastLine, last, u64::from(text.unterminated));
    add(NoteCode::NulBytes, None, text.nul_bytes);
    add(NoteCode::Utf16Lines, None, text.utf16_lines);
    add(NoteCode::MixedEncodings, None, if text.encoding().as_code() == "gbk" { 0 } else { text.gbk_lines });
    add(NoteCode::LongLinesCut, None, text.cut_lines + u64::from(lines.dropped > 0));
}
