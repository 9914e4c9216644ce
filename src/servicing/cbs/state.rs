//! What is remembered while a log is read: findings, the session at hand, and the clocks of its records.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use crate::nt::FileTime;
use crate::servicing::stamp::LocalTime;

use super::findings::{ErrorEvent, ErrorKind, LogFacts, Note, NoteCode, Offset, OffsetSource, Place, Session};
use super::record::Record;
use super::trail;

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

/// Parts of a finding that come in an earlier record.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// `Unable to prestage …`: where, the file, the component.
    pub(super) prestage: Option<(Place, String, Option<String>)>,
    /// `Hydration failed with original error …`
    pub(super) delta: Option<Delta>,
}

/// The state of a delta, which the record before a hydration failure tells.
#[derive(Debug, Default)]
pub(super) struct Delta {
    pub(super) delta_type: Option<u32>,
    pub(super) valid: Option<bool>,
    pub(super) retrieved: Option<u64>,
    pub(super) computed: Option<u64>,
}

/// A lock whose surrounding calls may still come.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenLock {
    pub(super) index: usize,
    pub(super) last_call: u64,
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
    pub(super) csi: Pending,
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
    /// What every record adds, whatever it says: counts, clocks, numbers.
    pub(super) fn count(&mut self, record: &Record) {
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

    fn pair(&mut self, line: u64, local: LocalTime, at: FileTime) {
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
    pub(super) fn witness(&mut self, source: OffsetSource, local: LocalTime, at: FileTime) {
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

    /// All that was remembered, once the log has ended.
    pub(super) fn finish(mut self) -> LogFacts {
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
fn clip(text: &str) -> String {
    let flat = trail::flat(text);
    match flat.char_indices().nth(TEXT_CLIP) {
        Some((end, _)) => format!("{}…", flat.get(..end).unwrap_or_default()),
        None => flat.into_owned(),
    }
}
