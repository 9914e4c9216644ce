//! Several logs of one machine laid together: copies dropped, overlaps counted once, attempts joined by session id.

use std::collections::{HashMap, HashSet};

use super::findings::{
    CorruptionMark, ErrorEvent, HashMismatch, HydrationFailure, Locked, LogFacts, MissingPayload, Place, Session,
};
use super::judge::Attempt;
use super::overlap::Overlap;

/// A log with the names it is shown by.
#[derive(Debug)]
pub struct NamedLog {
    /// Base name: `CBS.log`.
    pub name: String,
    /// Where it was found: a path, or archive and path inside.
    pub path: String,
    /// What it says.
    pub facts: LogFacts,
}

/// A stretch that a log shares with an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedStretch {
    /// Index of the other log.
    pub with: usize,
    /// The stretch.
    pub overlap: Overlap,
}

/// A line in one of several logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileLine {
    /// Index of the log.
    pub file: usize,
    /// Physical line.
    pub line: u64,
}

/// Bits for the line number in a joined place; the file's rank lies above.
const LINE_BITS: u32 = 40;

/// One attempt over all logs. The line of every [`Place`] in here is a joined one: see [`Joined::line`].
#[derive(Clone, Debug, Default)]
pub struct JoinedAttempt {
    /// The session, from all its parts.
    pub session: Session,
    /// Logs that hold a part of it, oldest first.
    pub files: Vec<usize>,
    /// Objects in use.
    pub locked: Vec<Locked>,
    /// Missing payload.
    pub missing: Vec<MissingPayload>,
    /// Hydration failures.
    pub hydration: Vec<HydrationFailure>,
    /// Hash mismatches.
    pub hashes: Vec<HashMismatch>,
    /// Corruption marks.
    pub marks: Vec<CorruptionMark>,
}

impl JoinedAttempt {
    /// The same, borrowed, for [`super::judge`].
    pub fn view(&self) -> Attempt<'_> {
        Attempt {
            session: &self.session,
            locked: self.locked.iter().collect(),
            missing: self.missing.iter().collect(),
            hydration: self.hydration.iter().collect(),
            hashes: self.hashes.iter().collect(),
            marks: self.marks.iter().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.session.id.is_empty()
            && self.session.errors.is_empty()
            && self.locked.is_empty()
            && self.missing.is_empty()
            && self.hydration.is_empty()
            && self.hashes.is_empty()
    }
}

/// All logs laid together.
#[derive(Debug, Default)]
pub struct Joined {
    /// Logs, oldest first.
    pub logs: Vec<NamedLog>,
    /// For each log: the earlier one with the very same bytes.
    pub copy_of: Vec<Option<usize>>,
    /// For each log: stretches it shares with earlier ones.
    pub shared: Vec<Vec<SharedStretch>>,
    /// Attempts in order of appearance, each once.
    pub attempts: Vec<JoinedAttempt>,
}

impl Joined {
    /// The log and the line behind a joined line number.
    pub fn line(&self, joined: u64) -> FileLine {
        let file = usize::try_from(joined >> LINE_BITS).unwrap_or(usize::MAX);
        FileLine { file, line: joined & ((1 << LINE_BITS) - 1) }
    }

    /// The name a log is told by: its base name when no other log has the same, else its path.
    pub fn label(&self, at: usize) -> &str {
        let Some(log) = self.logs.get(at) else { return "" };
        let same = self.logs.iter().filter(|other| other.name.eq_ignore_ascii_case(&log.name)).count();
        if same > 1 { &log.path } else { &log.name }
    }

    /// UTC of a joined place.
    pub fn utc(&self, place: &Place) -> Option<crate::nt::FileTime> {
        let at = self.line(place.line);
        let facts = &self.logs.get(at.file)?.facts;
        facts.utc(&Place { line: at.line, ..*place })
    }
}

/// Orders logs by time, finds copies and overlaps, and joins attempts.
pub fn join(mut logs: Vec<NamedLog>) -> Joined {
    logs.sort_by(|a, b| {
        let key = |log: &NamedLog| (log.facts.first_local, log.facts.last_local);
        key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path))
    });
    let mut joined = Joined::default();
    let mut by_hash: HashMap<[u8; 32], usize> = HashMap::new();
    for (at, log) in logs.iter().enumerate() {
        let first = *by_hash.entry(log.facts.sha256).or_insert(at);
        let copy = (first != at).then_some(first);
        let mut shared = Vec::new();
        if copy.is_none() {
            for (with, other) in logs.iter().enumerate().take(at) {
                let is_copy = joined.copy_of.get(with).is_some_and(Option::is_some);
                if !is_copy && let Some(overlap) = log.facts.seconds.overlap(&other.facts.seconds) {
                    shared.push(SharedStretch { with, overlap });
                }
            }
        }
        joined.copy_of.push(copy);
        joined.shared.push(shared);
    }
    let mut builder = Builder::default();
    for (at, log) in logs.iter().enumerate() {
        if joined.copy_of.get(at).is_some_and(Option::is_none) {
            builder.add(at, &log.facts);
        }
    }
    joined.attempts = builder.attempts.into_iter().filter(|attempt| !attempt.is_empty()).collect();
    joined.logs = logs;
    joined
}

/// Joins attempts file by file.
#[derive(Default)]
struct Builder {
    attempts: Vec<JoinedAttempt>,
    by_id: HashMap<String, usize>,
    /// What earlier files already told.
    seen: HashSet<String>,
}

impl Builder {
    fn add(&mut self, file: usize, facts: &LogFacts) {
        let shift = (file as u64) << LINE_BITS;
        let places = |line: u64| shift | (line & ((1 << LINE_BITS) - 1));
        let mut fresh: Vec<String> = Vec::new();
        // What was logged outside any session before the first one comes first, what came after is rare: keep simple.
        let sessions: Vec<Option<usize>> = std::iter::once(None).chain((0..facts.sessions.len()).map(Some)).collect();
        for session in sessions {
            let source = session.and_then(|at| facts.sessions.get(at)).unwrap_or(&facts.outside);
            let at = if source.id.is_empty() {
                self.attempts.push(JoinedAttempt::default());
                self.attempts.len() - 1
            } else {
                let next = self.attempts.len();
                let at = *self.by_id.entry(source.id.clone()).or_insert(next);
                if at == next {
                    self.attempts.push(JoinedAttempt::default());
                }
                at
            };
            let Some(attempt) = self.attempts.get_mut(at) else { continue };
            let seen = &self.seen;
            let mut first = |key: String| {
                let known = seen.contains(&key);
                fresh.push(key);
                !known
            };
            join_session(&mut attempt.session, source, &places, &mut first);
            attempt.files.push(file);
            for found in facts.locked.iter().filter(|found| found.session == session) {
                if first(format!("l{:?}{:?}{:x}{}", found.place.local, found.place.seq, found.status, found.path)) {
                    let mut found = found.clone();
                    found.place.line = places(found.place.line);
                    found.outer.iter_mut().for_each(|call| call.line = places(call.line));
                    attempt.locked.push(found);
                }
            }
            for found in facts.missing.iter().filter(|found| found.session == session) {
                let place = &found.place;
                if first(format!("m{:?}{:?}{:?}{:?}", place.local, place.seq, found.directory, found.file)) {
                    let mut found = found.clone();
                    found.place.line = places(found.place.line);
                    found.directory_line = found.directory_line.map(places);
                    attempt.missing.push(found);
                }
            }
            for found in facts.hydration.iter().filter(|found| found.session == session) {
                let place = &found.place;
                if first(format!("h{:?}{:?}{}{:?}", place.local, place.seq, found.component, found.file)) {
                    let mut found = found.clone();
                    found.place.line = places(found.place.line);
                    attempt.hydration.push(found);
                }
            }
            for found in facts.hashes.iter().filter(|found| found.session == session) {
                let place = &found.place;
                // A number tells records apart; without one their contents must.
                let contents = if place.seq.is_some() { None } else { Some(&found.actual) };
                if first(format!("x{:?}{:?}{}{contents:?}", place.local, place.seq, found.file)) {
                    let mut found = found.clone();
                    found.place.line = places(found.place.line);
                    attempt.hashes.push(found);
                } else if let Some(torn) = attempt.hashes.iter_mut().find(|known| is_torn_copy(known, found)) {
                    // The end of the record, with the hashes, was cut off where the log was rotated.
                    torn.expected.clone_from(&found.expected);
                    torn.actual.clone_from(&found.actual);
                    torn.component = torn.component.take().or_else(|| found.component.clone());
                }
            }
            for found in facts.marks.iter().filter(|found| found.session == session) {
                if first(format!("c{:?}{:?}{}", found.place.local, found.place.seq, found.category)) {
                    let mut found = found.clone();
                    found.place.line = places(found.place.line);
                    attempt.marks.push(found);
                }
            }
        }
        // Only now: what one log says twice, it says twice.
        self.seen.extend(fresh);
    }
}

/// Whether a hash mismatch that is known without its hashes is this one.
fn is_torn_copy(known: &HashMismatch, found: &HashMismatch) -> bool {
    let same = known.place.local == found.place.local && known.place.seq == found.place.seq && known.file == found.file;
    same && found.actual.is_some() && known.actual.is_none()
}

/// Adds a later part of a session to an earlier one; what is known stays, except the outcome, which the last part has.
fn join_session(
    into: &mut Session,
    part: &Session,
    places: &dyn Fn(u64) -> u64,
    first: &mut dyn FnMut(String) -> bool,
) {
    if into.id.is_empty() && into.line == 0 {
        into.id.clone_from(&part.id);
        into.line = places(part.line);
        into.local = part.local;
        into.begins_here = part.begins_here;
    } else if part.begins_here && !into.begins_here {
        into.line = places(part.line);
        into.local = part.local;
        into.begins_here = true;
    }
    into.client = into.client.take().or_else(|| part.client.clone());
    into.created = into.created.or(part.created);
    into.package = into.package.take().or_else(|| part.package.clone());
    into.identifier = into.identifier.take().or_else(|| part.identifier.clone());
    into.hresult = part.hresult.or(into.hresult);
    into.reboot_required = part.reboot_required.or(into.reboot_required);
    into.finished_line = part.finished_line.map(places).or(into.finished_line);
    into.finalized_line = part.finalized_line.map(places).or(into.finalized_line);
    into.ended = part.ended.or(into.ended);
    if into.wer.is_none()
        && let Some(mut report) = part.wer.clone()
    {
        report.line = places(report.line);
        into.wer = Some(report);
    }
    into.chain_phase = into.chain_phase.take().or_else(|| part.chain_phase.clone());
    into.errors_left_out += part.errors_left_out;
    for event in &part.errors {
        let place = &event.place;
        let key = format!("e{:?}{:?}{:?}{:?}{:?}", place.local, place.seq, event.kind, event.code, event.function);
        if first(key) {
            let place = Place { line: places(event.place.line), ..event.place };
            into.errors.push(ErrorEvent { place, ..event.clone() });
        }
    }
}
