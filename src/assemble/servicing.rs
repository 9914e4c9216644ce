//! The servicing log joined to the case: which of its records are refused operations of the capture, whether both are
//! of one attempt, and what the two say together.

mod conclusion;
mod identity;
mod order;

use super::cbs::report_about;
use super::{CaseOptions, Parts};
use crate::blame::gather;
use crate::blame::scope::Scope;
use crate::capture::EventIndex;
use crate::capture::op::{Op, PathTable, ProcessId, ProcessInfo};
use crate::capture::select::Selection;
use crate::capture::source::{Machine, Source, Survey};
use crate::case::cbs as out;
use crate::case::{CaseRecord, FailureHolder};
use crate::lang::{Lang, Text, servicing as t};
use crate::nt::path::Roots;
use crate::nt::{FileTime, NtStatus, Ticks};
use crate::servicing::cbs::merge::{Joined, JoinedAttempt};
use crate::servicing::cbs::{Judgement, Locked, judge};
use crate::servicing::codes;
use crate::servicing::sources::Skipped;
use crate::servicing::tie::{
    Circumstances, Found, Maker, MakerTie, PathKey, Reason, Record, Refusal, is_servicing, maker_tie, match_all,
    path_key, reason,
};
use rustc_hash::{FxHashMap, FxHashSet};

/// Servicing logs, read and laid together.
#[derive(Debug, Default)]
pub struct ServicingLogs {
    /// The logs.
    pub joined: Joined,
    /// Inputs that were not read.
    pub skipped: Vec<Skipped>,
}

impl ServicingLogs {
    /// The machine's clock as the latest log that tells it has it: minutes ahead of UTC.
    pub fn utc_offset_minutes(&self) -> Option<i32> {
        self.clock().map(|clock| clock.utc_offset_minutes)
    }

    /// The local day of what the logs are about: of the last locked object, else of the last record.
    pub fn local_day(&self) -> Option<jiff::civil::Date> {
        let locks = self.joined.attempts.iter().flat_map(|attempt| &attempt.locked).map(|lock| lock.place.local);
        let last = || self.joined.logs.iter().filter_map(|log| log.facts.last_local).max();
        let local = locks.max().or_else(last)?;
        // As if the clock showed UTC: only the calendar is asked for.
        Some(local.to_utc(0)?.timestamp()?.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    fn clock(&self) -> Option<out::Clock> {
        let logs = self.joined.logs.iter().enumerate().rev();
        logs.filter_map(|(at, log)| Some((at, log.facts.offset.as_ref()?)))
            // Lines with both stamps say it outright; the other witnesses are inferred from names.
            .min_by_key(|(_, offset)| offset.source as u8)
            .map(|(at, offset)| out::Clock {
                utc_offset_minutes: offset.at(u64::MAX),
                source: offset.source.as_code().to_owned(),
                file: self.joined.label(at).to_owned(),
            })
    }
}

/// A lock of the log as the capture knows it.
#[derive(Clone, Debug)]
struct LockTie {
    /// Index of the attempt.
    attempt: usize,
    /// Index in its locks.
    lock: usize,
    found: Option<(Found, Event)>,
    reason: Option<Reason>,
    /// Events on the path, whatever their result.
    path_events: u64,
    /// The in-flight folder is older than the attempt, or its maker is not the process that met it.
    leftover: Option<bool>,
}

/// A refused operation in the terms of the record.
#[derive(Clone, Debug)]
struct Event {
    event: EventIndex,
    process: ProcessId,
    path: String,
    in_scope: bool,
}

/// The makers of an attempt's in-flight ids.
#[derive(Clone, Debug)]
struct Made {
    maker: Maker,
    tie: MakerTie,
    leftover: bool,
}

/// Everything that ties the logs to one capture.
pub(super) struct Tied<'a> {
    logs: &'a ServicingLogs,
    judged: Vec<Judgement<'a>>,
    locks: Vec<LockTie>,
    makers: Vec<Vec<Made>>,
    identities: Vec<out::Identity>,
    subject: Option<usize>,
    /// Failures that the scope does not cover but the log names.
    pub(super) named: Vec<(EventIndex, ProcessId)>,
}

impl Tied<'_> {
    /// The locks of one attempt; they stand in the order of attempts.
    fn locks_of(&self, attempt: usize) -> &[LockTie] {
        let from = self.locks.partition_point(|tie| tie.attempt < attempt);
        let rest = self.locks.get(from..).unwrap_or_default();
        let count = rest.partition_point(|tie| tie.attempt == attempt);
        rest.get(..count).unwrap_or_default()
    }
}

/// Errors this far outside a capture are of another run, even if their session began in it.
const ANOTHER_DAY: Ticks = Ticks(24 * 3600 * 10_000_000);

/// Paths of the log looked for in the capture at most; a log that names more is hostile.
const MAX_PATHS: usize = 1 << 16;

/// Lays the logs beside the capture.
pub(super) fn tie<'a>(
    logs: &'a ServicingLogs,
    source: &dyn Source,
    survey: &Survey,
    machine: &Machine,
    scope: &Scope,
    options: &CaseOptions<'_>,
) -> Tied<'a> {
    let joined = &logs.joined;
    let judged: Vec<Judgement<'a>> = joined.attempts.iter().map(|attempt| judge(&attempt.view())).collect();
    let roots = Roots { system_root: machine.system_root.clone(), volumes: Vec::new(), ..Roots::default() };
    let makers: Vec<Vec<Made>> = joined.attempts.iter().map(|attempt| makers(attempt, survey)).collect();
    let mut places = Vec::new();
    let mut records = Vec::new();
    for (at, attempt) in joined.attempts.iter().enumerate() {
        for (number, lock) in attempt.locked.iter().enumerate() {
            places.push((at, number));
            records.push(record(joined, lock, makers.get(at).map_or(&[][..], Vec::as_slice), &roots));
        }
    }
    let seen = Seen::new(source, survey, &records, &roots);
    let found = match_all(&records, &seen.refusals, survey.span);
    let other_machine = |attempt: &JoinedAttempt| identity::mismatch(joined, attempt, machine).is_some();
    let servicing_active = survey.processes.iter().any(|process| is_servicing(&process.name));
    let mut locks: Vec<LockTie> = Vec::new();
    for (((attempt, lock), record), found) in places.into_iter().zip(&records).zip(found) {
        let Some(of) = joined.attempts.get(attempt) else { continue };
        let Some(facts) = of.locked.get(lock) else { continue };
        let found = found.and_then(|found| Some((found, seen.event(found, scope, survey)?)));
        let path_events = seen.events_on(&record.path);
        let made = made_by(facts, makers.get(attempt).map_or(&[][..], Vec::as_slice));
        let reason = found.is_none().then(|| {
            reason(&Circumstances {
                utc: record.utc,
                exact: record.exact,
                span: survey.span,
                other_machine: other_machine(of),
                maker: made.filter(|made| !made.leftover).map(|made| made.tie),
                servicing_active,
                path_events,
            })
        });
        let leftover = leftover(made, found.as_ref(), survey);
        locks.push(LockTie { attempt, lock, found, reason, path_events, leftover });
    }
    let named = named(&locks, &seen, scope, survey, options);
    let mut tied = Tied { logs, judged, locks, makers, identities: Vec::new(), subject: None, named };
    tied.identities =
        (0..joined.attempts.len()).map(|at| identity::identity(&tied, at, survey, machine, options.lang)).collect();
    tied.subject = subject(&tied);
    tied
}

/// One lock of a log in the terms of the match.
fn record(joined: &Joined, lock: &Locked, makers: &[Made], roots: &Roots) -> Record {
    let ids: Vec<_> = [lock.in_flight.file.as_ref(), lock.in_flight.transaction.as_ref()]
        .into_iter()
        .flatten()
        .filter(|id| id.plausible())
        .collect();
    let others = makers.iter().filter(|made| !made.leftover);
    Record {
        path: path_key(&lock.path, roots),
        unique: !ids.is_empty(),
        status: lock.gle.filter(|gle| codes::lock_status(*gle).is_some()).unwrap_or(lock.status),
        utc: joined.utc(&lock.place),
        exact: lock.place.at.is_some(),
        pids: ids.iter().map(|id| id.pid16).chain(others.clone().map(|made| made.maker.pid16)).collect(),
        tids: ids.iter().map(|id| id.tid16).chain(others.flat_map(|made| made.maker.tid16.iter().copied())).collect(),
    }
}

/// What the capture shows of the paths of the log.
struct Seen {
    refusals: Vec<Refusal>,
    of: Vec<(ProcessId, String, Option<usize>)>,
    events: FxHashMap<String, u64>,
}

impl Seen {
    fn new(source: &dyn Source, survey: &Survey, records: &[Record], roots: &Roots) -> Self {
        let mut wanted: FxHashSet<&str> = FxHashSet::default();
        let mut selection = Selection::default();
        for record in records.iter().take(MAX_PATHS) {
            if wanted.insert(&record.path.tail) {
                let drive = record.path.drive.as_deref().unwrap_or("C:");
                selection.add_file(&format!("{drive}{}", record.path.tail));
            }
        }
        let mut seen = Self { refusals: Vec::new(), of: Vec::new(), events: FxHashMap::default() };
        if records.is_empty() {
            return seen;
        }
        // A refusal may go by another name, or be one the locking rules do not speak of.
        for (at, op) in survey.ops.iter().enumerate().filter(|(_, op)| gather::is_failure(op)) {
            seen.refusal(op, Some(at), &survey.paths, &survey.processes, &wanted, roots);
        }
        let known: FxHashSet<EventIndex> = seen.refusals.iter().map(|refusal| refusal.event).collect();
        let log = source.collect(&selection, survey, &|_| false);
        for op in &log.ops {
            let key = path_key(log.paths.get(op.path), roots);
            if !wanted.contains(key.tail.as_str()) {
                continue;
            }
            *seen.events.entry(key.tail).or_default() += 1;
            let refused = op.status.0 >> 30 == 3;
            if refused && !known.contains(&op.event) {
                seen.refusal(op, None, &log.paths, &log.processes, &wanted, roots);
            }
        }
        seen
    }

    fn refusal(
        &mut self,
        op: &Op,
        at: Option<usize>,
        paths: &PathTable,
        processes: &[ProcessInfo],
        wanted: &FxHashSet<&str>,
        roots: &Roots,
    ) {
        let Some(process) = processes.get(op.process.0 as usize) else { return };
        let path = paths.get(op.path);
        let key = path_key(path, roots);
        let servicing = is_servicing(&process.name);
        if !servicing && !wanted.contains(key.tail.as_str()) {
            return;
        }
        self.refusals.push(Refusal {
            event: op.event,
            finished: op.finished(),
            pid: process.pid,
            thread: op.thread,
            status: op.status.0,
            path: key,
            servicing,
        });
        self.of.push((op.process, path.to_owned(), at));
    }

    fn event(&self, found: Found, scope: &Scope, survey: &Survey) -> Option<Event> {
        let refusal = self.refusals.get(found.refusal)?;
        let (process, path, at) = self.of.get(found.refusal)?;
        let op = at.and_then(|at| survey.ops.get(at));
        let in_scope = op.is_some_and(|op| scope.contains(op, &survey.processes, &survey.paths));
        Some(Event { event: refusal.event, process: *process, path: path.clone(), in_scope })
    }

    fn events_on(&self, path: &PathKey) -> u64 {
        self.events.get(&path.tail).copied().unwrap_or_default()
    }
}

/// The makers of an attempt's in-flight ids.
fn makers(attempt: &JoinedAttempt, survey: &Survey) -> Vec<Made> {
    let mut makers: Vec<(Maker, bool)> = Vec::new();
    for lock in &attempt.locked {
        for id in [lock.in_flight.transaction.as_ref(), lock.in_flight.file.as_ref()].into_iter().flatten() {
            if !id.plausible() {
                continue;
            }
            let leftover = attempt.session.created.is_some_and(|created| id.time < created);
            let known = makers.iter_mut().find(|(maker, old)| maker.pid16 == id.pid16 && *old == leftover);
            match known {
                Some((maker, _)) => {
                    maker.first = maker.first.min(id.time);
                    maker.last = maker.last.max(id.time);
                    if !maker.tid16.contains(&id.tid16) && maker.tid16.len() < 64 {
                        maker.tid16.push(id.tid16);
                    }
                }
                None => makers
                    .push((Maker { pid16: id.pid16, tid16: vec![id.tid16], first: id.time, last: id.time }, leftover)),
            }
        }
    }
    makers
        .into_iter()
        .map(|(maker, leftover)| Made { tie: maker_tie(&maker, &survey.processes, survey.span), maker, leftover })
        .collect()
}

/// The maker of a lock's in-flight folder, else of its file.
fn made_by<'m>(lock: &Locked, makers: &'m [Made]) -> Option<&'m Made> {
    let id = lock.in_flight.transaction.as_ref().or(lock.in_flight.file.as_ref()).filter(|id| id.plausible())?;
    makers.iter().find(|made| made.maker.pid16 == id.pid16 && made.maker.first <= id.time && id.time <= made.maker.last)
}

/// Older than the attempt, or made before the process that met it had started.
fn leftover(made: Option<&Made>, found: Option<&(Found, Event)>, survey: &Survey) -> Option<bool> {
    let made = made?;
    if made.leftover {
        return Some(true);
    }
    let (found, event) = found?;
    if found.pid {
        return Some(false);
    }
    let started = survey.processes.get(event.process.0 as usize)?.started?;
    (made.maker.last < started).then_some(true)
}

/// The refusals that the log names and the scope does not cover, unless the user narrowed the scope.
fn named(
    locks: &[LockTie],
    seen: &Seen,
    scope: &Scope,
    survey: &Survey,
    options: &CaseOptions<'_>,
) -> Vec<(EventIndex, ProcessId)> {
    let asked = &options.scope;
    let narrowed = !asked.victims.is_empty() || !asked.paths.is_empty() || !asked.results.is_empty();
    if narrowed || asked.from.is_some() || asked.to.is_some() || options.filter.is_some() {
        return Vec::new();
    }
    let mut named: Vec<(EventIndex, ProcessId)> = Vec::new();
    let mut known_events: FxHashSet<EventIndex> = FxHashSet::default();
    for (found, event) in locks.iter().filter_map(|tie| tie.found.as_ref()) {
        let refusal = seen.refusals.get(found.refusal);
        let known = seen.of.get(found.refusal).and_then(|(.., at)| survey.ops.get((*at)?));
        let counts = known.is_some_and(|op| !scope.contains(op, &survey.processes, &survey.paths));
        if counts && refusal.is_some_and(|refusal| refusal.servicing) && known_events.insert(event.event) {
            named.push((event.event, event.process));
        }
    }
    named
}

/// The attempt the case is about: one that failed, or met a lock and has no known end, and that is the capture's, best with a match; else what the logs choose.
fn subject(tied: &Tied<'_>) -> Option<usize> {
    let rank = |at: usize| {
        let failed = tied.judged.get(at).is_some_and(|judged| judged.primary.is_some());
        let related = tied.identities.get(at).is_some_and(|identity| is_related(&identity.code));
        let matched = tied.locks_of(at).iter().any(|tie| tie.found.is_some());
        (failed && related, matched)
    };
    let best = (0..tied.judged.len()).max_by_key(|at| (rank(*at), *at))?;
    if rank(best) == (false, false) { crate::servicing::cbs::choose(&tied.judged) } else { Some(best) }
}

/// Whether an attempt is the capture's, or may be.
fn is_related(code: &str) -> bool {
    matches!(code, "same_attempt" | "overlaps")
}

/// Puts what the logs say into the record: the `cbs` object, the end of the verdict, the next steps.
pub(super) fn add(record: &mut CaseRecord, parts: &Parts<'_>, tied: &Tied<'_>) {
    let lang = parts.options.lang;
    let mut report = report_about(&tied.logs.joined, &tied.logs.skipped, tied.subject, lang);
    // Some failures joined the scope only now; a record says of its events whether they are in it.
    record.scope.from_log = tied.named.iter().map(|(event, _)| event.0).collect();
    record.scope.from_log.sort_unstable();
    report.clock = tied.logs.clock();
    report.identity = tied
        .identities
        .iter()
        .enumerate()
        .filter(|(at, _)| tied.subject == Some(*at) || !tied.locks_of(*at).is_empty())
        .map(|(_, identity)| identity.clone())
        .collect();
    report.matches = Some(tied.locks.iter().filter_map(|tie| matched(record, parts, tied, tie)).collect());
    report.unmatched = Some(tied.locks.iter().filter_map(|tie| unmatched(tied, tie, lang)).collect());
    report.order = order::order(record, parts, tied);
    conclusion::conclude(record, &mut report, tied, lang);
    record.cbs = Some(report);
}

/// The log's name, where there are several.
fn file_of(joined: &Joined, line: u64) -> Option<String> {
    (joined.logs.len() > 1).then(|| joined.label(joined.line(line).file).to_owned())
}

fn lock_of<'t>(tied: &'t Tied<'_>, tie: &LockTie) -> Option<&'t Locked> {
    tied.logs.joined.attempts.get(tie.attempt)?.locked.get(tie.lock)
}

fn matched(record: &CaseRecord, parts: &Parts<'_>, tied: &Tied<'_>, tie: &LockTie) -> Option<out::Match> {
    let joined = &tied.logs.joined;
    let (found, event) = tie.found.as_ref()?;
    let lock = lock_of(tied, tie)?;
    let process = parts.log.processes.get(event.process.0 as usize)?;
    let by = [(found.path, "path"), (found.time, "time"), (found.pid, "pid"), (found.thread, "thread")];
    let (stage, sets_result) = tied.judged.get(tie.attempt)?.locks.get(tie.lock).copied()?;
    let at = record.failures.partition_point(|failure| failure.event < event.event.0);
    let failure = record.failures.get(at).filter(|failure| failure.event == event.event.0);
    Some(out::Match {
        file: file_of(joined, lock.place.line),
        line: joined.line(lock.place.line).line,
        event: event.event.0,
        seconds_apart: found.apart.map(seconds),
        by: by.into_iter().filter(|(fits, _)| *fits).map(|(_, name)| name.to_owned()).collect(),
        ntstatus: format!("{:#010x}", lock.status),
        path: event.path.clone(),
        process: process.name.clone(),
        pid: process.pid,
        in_scope: event.in_scope || record.scope.from_log.binary_search(&event.event.0).is_ok(),
        holders: failure.map(|failure| distinct(&failure.holders)).unwrap_or_default(),
        stage: stage.as_code().to_owned(),
        sets_result,
        leftover: tie.leftover,
        others: found.others,
    })
}

fn distinct(holders: &[FailureHolder]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for holder in holders {
        if !ids.iter().any(|id| holder.holder == *id) {
            ids.push(holder.holder.to_string());
        }
    }
    ids
}

fn unmatched(tied: &Tied<'_>, tie: &LockTie, lang: Lang) -> Option<out::Unmatched> {
    let joined = &tied.logs.joined;
    let reason = tie.reason?;
    let lock = lock_of(tied, tie)?;
    Some(out::Unmatched {
        file: file_of(joined, lock.place.line),
        line: joined.line(lock.place.line).line,
        utc: joined.utc(&lock.place).map(FileTime::to_rfc3339),
        ntstatus: format!("{:#010x}", lock.status),
        path: lock.path.clone(),
        reason: reason.as_code().to_owned(),
        seconds_outside: reason.distance().map(seconds),
        text: reason_text(reason, lang),
    })
}

/// Why a record has no event, in words.
fn reason_text(reason: Reason, lang: Lang) -> String {
    let distance = reason.distance().map(|distance| t::span(distance.as_secs(), lang)).unwrap_or_default();
    let text: Option<Text> = match reason {
        Reason::BeforeCapture(distance) if distance > ANOTHER_DAY => Some(t::U_ANOTHER_DAY_BEFORE),
        Reason::AfterCapture(distance) if distance > ANOTHER_DAY => Some(t::U_ANOTHER_DAY_AFTER),
        _ => t::by_code("U_", reason.as_code()),
    };
    text.map(|text| text.fill(lang, &[("distance", &distance)])).unwrap_or_default()
}

/// To the millisecond: the log tells no more.
fn seconds(ticks: Ticks) -> f64 {
    (ticks.as_millis()).round() / 1000.0
}

/// The status of a lock by its name.
fn status_name(status: u32) -> String {
    codes::symbol(status).map_or_else(|| NtStatus(status).to_string(), str::to_owned)
}
