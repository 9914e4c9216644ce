//! One pass over a log: counts, clocks and the hand-over of records to those who understand them.

use std::collections::HashMap;
use std::io::{self, Read};

use indexmap::{IndexMap, IndexSet};
use sha2::{Digest, Sha256};

use crate::servicing::lines::LineReader;
use crate::servicing::stamp::LocalTime;

use super::CbsError;
use super::findings::{ErrorEvent, ErrorKind, LogFacts, Note, NoteCode, Offset, OffsetSource, Place, Session};
use super::locked::OpenLock;
use super::record::{Assembler, Record};

/// Findings of one kind that are kept; more are counted.
pub const MAX_FINDINGS: usize = 20_000;

/// Errors kept for one attempt, each the first of its kind, code and function.
const MAX_ERRORS: usize = 256;

/// Distinct level or component words; a hostile log has more.
const MAX_WORDS: usize = 64;

/// A jump of CSI numbers larger than this is another process, not lost records.
const MAX_GAP: u32 = 1000;

/// Characters of a record's text kept with an error.
const TEXT_CLIP: usize = 300;

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

/// Everything remembered while reading.
#[derive(Default)]
pub(super) struct State {
    pub(super) facts: LogFacts,
    /// The session that records without an id of their own belong to.
    pub(super) current: Option<usize>,
    /// The session that ended last, while no other has begun.
    pub(super) ended: Option<usize>,
    pub(super) by_id: HashMap<String, usize>,
    pub(super) packages: IndexSet<String>,
    pub(super) kb: IndexSet<String>,
    pub(super) rotated: IndexSet<String>,
    pub(super) open_locks: Vec<OpenLock>,
    /// The last origin record: its number, code and stamp.
    pub(super) last_origin: Option<(Place, Option<u32>)>,
    pub(super) csi: super::csi::Pending,
    left_out: u64,
    first_left_out: Option<u64>,
    pub(super) locks_without_path: Tally,
    pub(super) length_mismatch: Tally,
    clock_back: Tally,
    gaps: Tally,
    streams: Vec<u32>,
    /// Votes for an offset, by source.
    votes: [IndexMap<i32, u64>; 3],
    /// Offsets of stamp pairs where they changed: (line, minutes), a change counts once it is seen twice.
    run: Option<i32>,
    candidate: Option<(u64, i32)>,
    changes: Vec<(u64, i32)>,
}

/// A count with its first line.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    count: u64,
    line: Option<u64>,
}

impl Tally {
    pub(super) fn add(&mut self, line: u64, count: u64) {
        self.count += count;
        self.line.get_or_insert(line);
    }

    fn note(self, code: NoteCode, notes: &mut Vec<Note>) {
        if self.count > 0 {
            notes.push(Note { code, line: self.line, count: self.count });
        }
    }
}

impl State {
    fn record(&mut self, record: &Record) {
        bump(&mut self.facts.levels, &record.level);
        bump(&mut self.facts.components, &record.component);
        if let Some(last) = self.facts.last_local
            && record.local.0 < last.0 - 60
        {
            self.clock_back.add(record.line, 1);
        }
        self.facts.first_local.get_or_insert(record.local);
        self.facts.last_local = Some(record.local);
        self.facts.seconds.add(record);
        if let Some(sequence) = record.sequence {
            self.sequence(record.line, sequence.number);
            if let Some(at) = sequence.at {
                self.facts.utc_pairs += 1;
                self.pair(record.line, record.local, at);
            }
        }
        match record.component.as_str() {
            "CSI" => self.csi_record(record),
            "CBS" => self.cbs_record(record),
            _ => {}
        }
    }

    /// Follows the CSI numbers; two servicing processes may count side by side.
    fn sequence(&mut self, line: u64, number: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|last| last.checked_add(1) == Some(number)) {
            *stream = number;
            return;
        }
        match self.streams.iter_mut().filter(|last| **last < number).max() {
            Some(stream) if number - *stream <= MAX_GAP => {
                let lost = number - *stream - 1;
                *stream = number;
                self.gaps.add(line, u64::from(lost));
            }
            _ => {
                if self.streams.len() >= 8 {
                    self.streams.remove(0);
                }
                self.streams.push(number);
            }
        }
    }

    fn pair(&mut self, line: u64, local: LocalTime, at: crate::nt::FileTime) {
        let Some(minutes) = local.offset_from(at) else { return };
        *self.votes[0].entry(minutes).or_default() += 1;
        match self.run {
            None => self.run = Some(minutes),
            Some(run) if run == minutes => self.candidate = None,
            Some(_) => match self.candidate {
                Some((from, candidate)) if candidate == minutes => {
                    if self.changes.len() < 64 {
                        self.changes.push((from, minutes));
                    }
                    self.run = Some(minutes);
                    self.candidate = None;
                }
                _ => self.candidate = Some((line, minutes)),
            },
        }
    }

    /// A weaker witness for the offset: the time inside an id on a line stamped `local`.
    pub(super) fn witness(&mut self, source: OffsetSource, local: LocalTime, at: crate::nt::FileTime) {
        let slot = match source {
            OffsetSource::AtPairs => return,
            OffsetSource::SessionId => 1,
            OffsetSource::InFlightId => 2,
        };
        if let Some(minutes) = local.offset_from(at)
            && let Some(votes) = self.votes.get_mut(slot)
        {
            *votes.entry(minutes).or_default() += 1;
        }
    }

    pub(super) fn place(record: &Record) -> Place {
        Place {
            line: record.line,
            seq: record.sequence.map(|sequence| sequence.number),
            local: record.local,
            at: record.sequence.and_then(|sequence| sequence.at),
        }
    }

    /// Whether one more finding may be kept.
    pub(super) fn room(&mut self, have: usize, line: u64) -> bool {
        if have < MAX_FINDINGS {
            return true;
        }
        self.left_out += 1;
        self.first_left_out.get_or_insert(line);
        false
    }

    /// The session that a record without an id belongs to.
    pub(super) fn session(&mut self) -> &mut Session {
        match self.current.and_then(|at| self.facts.sessions.get_mut(at)) {
            Some(session) => session,
            None => &mut self.facts.outside,
        }
    }

    /// Remembers an error if it is the first of its kind, code and function in the attempt.
    pub(super) fn error(
        &mut self,
        record: &Record,
        kind: ErrorKind,
        code: Option<u32>,
        function: Option<&str>,
        package: Option<&str>,
    ) {
        let lost_before = self.gaps.count;
        // Callers of a session that has just ended report its result once more.
        let echo = self.ended.filter(|_| self.current.is_none()).and_then(|at| self.facts.sessions.get(at));
        if echo.is_some_and(|session| session.hresult.is_some() && session.hresult == code) {
            return;
        }
        let session = self.session();
        let known = session
            .errors
            .iter()
            .any(|event| event.kind == kind && event.code == code && event.function.as_deref() == function);
        if known {
            return;
        }
        if session.errors.len() >= MAX_ERRORS {
            session.errors_left_out += 1;
            return;
        }
        session.errors.push(ErrorEvent {
            place: Self::place(record),
            kind,
            code,
            function: function.map(str::to_owned),
            package: package.map(str::to_owned),
            text: clip(record.body()),
            lost_before,
        });
    }

    fn finish(mut self) -> LogFacts {
        self.facts.seconds.finish();
        self.facts.offset = self.offset();
        let contradicting = self.doubt_session_times();
        self.facts.kb = self.kb.into_iter().collect();
        self.facts.rotated = self.rotated.into_iter().collect();
        let notes = &mut self.facts.notes;
        self.clock_back.note(NoteCode::ClockSetBack, notes);
        contradicting.note(NoteCode::SessionTimeContradicts, notes);
        self.gaps.note(NoteCode::SequenceGaps, notes);
        self.locks_without_path.note(NoteCode::LocksWithoutPath, notes);
        self.length_mismatch.note(NoteCode::LengthMismatch, notes);
        Tally { count: self.left_out, line: self.first_left_out }.note(NoteCode::FindingsLeftOut, notes);
        match &self.facts.offset {
            None if self.facts.first_local.is_some() => {
                notes.push(Note { code: NoteCode::NoUtcOffset, line: None, count: 1 });
            }
            Some(offset) if !offset.changes.is_empty() => notes.push(Note {
                code: NoteCode::UtcOffsetChanged,
                line: offset.changes.first().map(|(line, _)| *line),
                count: offset.changes.len() as u64,
            }),
            _ => {}
        }
        self.facts.judge_locks();
        self.facts
    }

    /// Drops the time in the id of a session whose first line is stamped hours apart from it.
    fn doubt_session_times(&mut self) -> Tally {
        /// More than daylight saving explains.
        const MOST: f64 = 2.0 * 3600.0;
        let mut tally = Tally::default();
        let Some(offset) = &self.facts.offset else { return tally };
        for session in self.facts.sessions.iter_mut().filter(|session| session.begins_here) {
            let stamped = session.local.and_then(|local| local.to_utc(offset.at(session.line)));
            let Some((created, stamped)) = session.created.zip(stamped) else { continue };
            if created.since(stamped).as_secs().abs() > MOST {
                session.created = None;
                tally.add(session.line, 1);
            }
        }
        tally
    }

    fn offset(&mut self) -> Option<Offset> {
        let sources = [OffsetSource::AtPairs, OffsetSource::SessionId, OffsetSource::InFlightId];
        sources.into_iter().zip(&self.votes).find_map(|(source, votes)| {
            let best = votes.values().copied().max()?;
            // The first of several equals: the order of appearance.
            let (minutes, _) = votes.iter().find(|(_, count)| **count == best)?;
            let mut changes = Vec::new();
            if source == OffsetSource::AtPairs && !self.changes.is_empty() {
                // Lines before the first change had the first offset seen, which may not be the most frequent.
                let first = votes.keys().next().copied().filter(|first| first != minutes);
                changes.extend(first.map(|first| (0, first)));
                changes.append(&mut self.changes);
            }
            Some(Offset { minutes: *minutes, source, changes })
        })
    }
}

/// Counts a word, or `other` when there are too many different ones.
fn bump(counts: &mut IndexMap<String, u64>, word: &str) {
    if let Some(count) = counts.get_mut(word) {
        *count += 1;
        return;
    }
    let word = if counts.len() < MAX_WORDS { word } else { "other" };
    *counts.entry(word.to_owned()).or_default() += 1;
}

/// One line, at most [`TEXT_CLIP`] characters.
pub(super) fn clip(text: &str) -> String {
    let flat = super::trail::flat(text);
    match flat.char_indices().nth(TEXT_CLIP) {
        Some((end, _)) => format!("{}…", flat.get(..end).unwrap_or_default()),
        None => flat.into_owned(),
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
