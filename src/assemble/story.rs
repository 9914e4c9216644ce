//! The story of one event, and the self-check of a whole capture, as plain data.

use super::ending::{self, Around, endings};
use super::failures::{self, edge, mechanism, name, operation_of, pid};
use super::holders::{self, Holders};
use super::{CaseOptions, FailureFilter, authors, capture_record, surveyed};
use crate::blame::gather;
use crate::capture::EventIndex;
use crate::capture::op::{DriverId, Op, OpKind, OpLog, PathId, ProcessId};
use crate::capture::select::Selection;
use crate::capture::source::{Source, Survey};
use crate::case::{self, AuditFailures, AuditRecord, Story, StoryEvent, StoryHold};
use crate::lang::{Lang, filters as f, record as t, why as w};
use crate::locks::{self, HistoryHold, Party};
use crate::nt::{AccessMask, FileTime, NtStatus, ShareAccess, Ticks};
use std::cell::OnceCell;

/// An event that took this long is told with its duration: 10 ms.
const SLOW: Ticks = Ticks(100_000);
/// Events named where one has no story, at most.
const MAX_NAMED: usize = 8;
/// Handles told that the end of a process closed, at most.
const MAX_CLOSED: usize = 1024;

/// Why there is no story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoStory {
    /// The capture has fewer events.
    NoSuchEvent,
    /// The event is no operation on a file.
    NoFile {
        /// Refusals that have one, the first few.
        refused: Vec<u64>,
        /// How many further ones.
        more: usize,
    },
}

/// Tells the story of event `event`: why it was refused, or what went on with its file around it.
///
/// # Errors
/// When there is no such event, or it is no operation on a file.
pub fn story(source: &dyn Source, event: EventIndex, options: &CaseOptions<'_>) -> Result<Story, NoStory> {
    story_of(source, &surveyed(source, options), event, (options, &OnceCell::new()))
}

/// The stories of the failures that pass the filter of `options`, of whatever process and path: of the first `most`.
/// Second how many more there are, and third how many operations were refused in all.
pub fn stories(source: &dyn Source, most: usize, options: &CaseOptions<'_>) -> (Vec<Story>, u64, u64) {
    let survey = surveyed(source, options);
    let refused: Vec<EventIndex> = survey.ops.iter().filter(|op| gather::is_failure(op)).map(|op| op.event).collect();
    let passing = options.filter.as_ref().map_or_else(|| refused.clone(), |filter| filter.passing(&refused));
    let mut rest = passing.iter();
    let mut stories = Vec::new();
    let usual = OnceCell::new();
    while stories.len() < most {
        let Some(event) = rest.next() else { break };
        // An ACCESS DENIED that no lock is behind is no refusal to tell of.
        let told = story_of(source, &survey, *event, (options, &usual));
        stories.extend(told.ok().filter(|story| story.failure.is_some()));
    }
    (stories, rest.len() as u64, refused.len() as u64)
}

fn story_of(
    source: &dyn Source,
    survey: &Survey,
    event: EventIndex,
    (options, usual): (&CaseOptions<'_>, &OnceCell<Around>),
) -> Result<Story, NoStory> {
    if event.0 >= survey.counts.total {
        return Err(NoStory::NoSuchEvent);
    }
    let no_file = || {
        let refused = survey.ops.iter().filter(|op| gather::is_failure(op)).map(|op| op.event.0);
        let refused: Vec<u64> = refused.collect();
        let more = refused.len().saturating_sub(MAX_NAMED);
        NoStory::NoFile { refused: refused.into_iter().take(MAX_NAMED).collect(), more }
    };
    let is_kept = survey.ops.iter().any(|op| op.event == event);
    if !is_kept && source.path(event).is_none_or(|path| path.is_empty()) {
        return exit_story(source, survey, event, options).ok_or_else(no_file);
    }
    // What belongs to the usual case is told as that case has it, so that both say the same.
    let known = usual;
    let usual = Around::usual(known, source, survey, event, options);
    let is_usual = usual.is_some();
    let own = if is_usual { None } else { Around::alone(source, survey, event, options) };
    let told = usual.or(own.as_ref()).ok_or_else(no_file)?;
    let log = &told.log;
    let seed = *find(log, event).ok_or_else(no_file)?;
    let is_victim = |id: ProcessId| told.scope.is_victim_id(log, id);
    let tries: Vec<EventIndex> = told.analysis.findings.iter().map(|finding| finding.event).collect();
    let history = locks::history(log, event, &tries, &locks::Options::new(&is_victim)).ok_or_else(no_file)?;
    let parts = told.parts(source, survey, options);
    let holders = Holders::new(&parts);
    let finding = told.finding(event);
    let mut failure = finding.map(|finding| failures::failure(&parts, &holders, finding));
    if let Some(failure) = failure.as_mut().filter(|_| !is_usual) {
        // There is no record that the numbers of its holders could refer to.
        failure.holders.iter_mut().for_each(|holder| holder.holder = case::Text::default());
    }
    // What is told of an event beyond its own file rests on the case it belongs to.
    let took = seed.finished().since(seed.start);
    let may_wait = locks::is_brief(&seed.kind) && took >= locks::WAIT_THRESHOLD;
    let ends = ending::lets_go(&seed.kind) && !is_usual;
    let usual = match usual {
        None if ends => Around::usual_ended(known, source, survey, event, options),
        usual => usual,
    };
    let asked = if (may_wait || ends) && usual.is_none() {
        Around::of(source, survey, (&seed, &log.paths), options)
    } else {
        None
    };
    let around = asked.as_ref().or(usual);
    let wait = around.filter(|_| may_wait).and_then(|around| {
        let parts = around.parts(source, survey, options);
        failures::waits(&parts, &Holders::new(&parts)).into_iter().find(|wait| wait.event == event.0)
    });
    let ended = around.map_or_else(Vec::new, |around| endings(&around.log, &around.analysis, event));
    let denied = |event: EventIndex| told.denied.iter().find(|(other, _)| *other == event);
    let mut events: Vec<StoryEvent> = history
        .events
        .iter()
        .filter_map(|told| {
            let op = find(log, told.event)?;
            Some(StoryEvent {
                event: told.event.0,
                time: told.time.to_rfc3339(),
                pid: pid(log, told.process),
                process: name(log, told.process),
                operation: operation_of(&parts, op),
                result: op.status.result_text().into_owned(),
                path: log.paths.get(told.path).to_owned(),
                took_ms: Some(told.end.since(told.time)).filter(|took| *took >= SLOW).map(Ticks::as_millis),
                refused: gather::is_failure(op) && denied(op.event).is_none(),
                detail: detail(log, op, options.lang),
            })
        })
        .collect();
    events.dedup_by_key(|event| event.event);
    let waited = || around.and_then(|case| Some((case, case.analysis.waits.iter().find(|wait| wait.event == event)?)));
    let (of, implicated): (&Around, &[locks::Holder]) = match (finding, &wait) {
        (Some(finding), _) => (told, &finding.holders),
        (None, Some(_)) => waited().map_or((told, &[]), |(case, wait)| (case, &wait.holders)),
        (None, None) => (told, &[]),
    };
    let holds = history.holds.iter().map(|told| hold(log, seed.path, implicated, told)).collect();
    let schema = case::WHY_SCHEMA.to_owned();
    let mut drivers: Vec<DriverId> = Vec::new();
    for holder in implicated {
        if let Party::Driver { driver, .. } = holder.party
            && !drivers.contains(&driver)
        {
            drivers.push(driver);
        }
    }
    let drivers = drivers.into_iter().filter_map(|id| holders::driver(&of.log, options.catalogue, id)).collect();
    let rule = denied(event).and_then(|(_, rule)| *rule).map(|rule| rule.to_owned());
    Ok(Story {
        schema,
        event: event.0,
        done: (seed.finished() > seed.start).then(|| seed.finished().to_rfc3339()),
        failure,
        denied_by: rule,
        wait,
        drivers,
        events,
        holds,
        ended,
        truncated: history.truncated,
    })
}

/// The story of the end of a process: the handles it closed, and the refusals that these and its mappings had caused.
fn exit_story(source: &dyn Source, survey: &Survey, event: EventIndex, options: &CaseOptions<'_>) -> Option<Story> {
    let (log, closed) = ending::exit(source, survey, event, options)?;
    let seed = *find(&log, event)?;
    let around = Around::of(source, survey, (&seed, &log.paths), options)?;
    let events = vec![StoryEvent {
        event: event.0,
        time: seed.start.to_rfc3339(),
        pid: pid(&log, seed.process),
        process: name(&log, seed.process),
        operation: seed.kind.procmon_name().to_owned(),
        result: seed.status.result_text().into_owned(),
        path: String::new(),
        took_ms: None,
        refused: false,
        detail: None,
    }];
    let ended = endings(&around.log, &around.analysis, event);
    let truncated = closed.len() > MAX_CLOSED;
    let holds = closed.iter().take(MAX_CLOSED).map(|told| hold(&log, seed.path, &[], told)).collect();
    let schema = case::WHY_SCHEMA.to_owned();
    let (failure, denied_by, wait, done) = (None, None, None, None);
    let drivers = Vec::new();
    Some(Story { schema, event: event.0, done, failure, denied_by, wait, drivers, events, holds, ended, truncated })
}

fn find(log: &OpLog, event: EventIndex) -> Option<&Op> {
    let at = log.ops.partition_point(|op| op.event < event);
    // A directory query yields its 8.3 names before itself; the event is told by what it was.
    log.ops.get(at..)?.iter().take_while(|op| op.event == event).last()
}

fn hold(log: &OpLog, path: PathId, implicated: &[locks::Holder], told: &HistoryHold) -> StoryHold {
    let texts = case::Pool::default();
    let process = told.party.process();
    let implicated = implicated.iter().any(|holder| {
        holder.party == told.party
            && std::iter::once(&holder.hold).chain(&holder.more).any(|hold| hold.start == told.hold.start)
    });
    StoryHold {
        pid: pid(log, process),
        process: name(log, process),
        driver: match told.party {
            Party::Driver { driver, .. } => log.drivers.get(usize::from(driver.0)).map(|driver| driver.name.clone()),
            Party::Process(_) => None,
        },
        mechanism: mechanism(told.mechanism),
        start: edge(&texts, told.hold.start),
        end: edge(&texts, told.hold.end),
        access: told.hold.access.map(AccessMask::names),
        share: told.hold.share.map(ShareAccess::names),
        path: told.hold.path.filter(|known| *known != path).map(|path| log.paths.get(path).to_owned()),
        range: told.hold.range.map(failures::lock_range),
        implicated,
        sure: told.sure.map(|(from, until)| case::Span {
            from: from.to_rfc3339(),
            until: (until < FileTime(u64::MAX)).then(|| until.to_rfc3339()),
        }),
        over: told.over.map(FileTime::to_rfc3339),
        refuted_by: told.refuted_by.map(|event| case::EventRef { event: event.0 }),
    }
}

/// What an operation asked for, in Windows' own terms.
fn detail(log: &OpLog, op: &Op, lang: Lang) -> Option<String> {
    let target = |path: Option<crate::capture::op::PathId>| path.map_or("?", |path| log.paths.get(path)).to_owned();
    Some(match op.kind {
        OpKind::Create(create) => {
            let mut parts = Vec::new();
            if let Some(access) = create.access {
                parts.push(w::ACCESS.fill(lang, &[("names", &or_none(access.names(), lang))]));
            }
            if let Some(share) = create.share {
                parts.push(w::SHARE.fill(lang, &[("names", &or_none(share.names(), lang))]));
            }
            if let Some(disposition) = create.disposition.and_then(crate::nt::CreateDisposition::name) {
                parts.push(disposition.to_owned());
            }
            if create.options.contains(crate::nt::CreateOptions::DELETE_ON_CLOSE) {
                parts.push("DELETE_ON_CLOSE".to_owned());
            }
            parts.join(lang.comma())
        }
        OpKind::SetDisposition { delete: true, .. } => w::DELETE_SET.get(lang).to_owned(),
        OpKind::SetDisposition { .. } => w::DELETE_CLEARED.get(lang).to_owned(),
        OpKind::SetDispositionEx { flags, .. } => or_none(flags.names(), lang),
        OpKind::Rename { target: to, .. } | OpKind::Link { target: to, .. } => format!("→ {}", target(to)),
        OpKind::SetEndOfFile(size) | OpKind::SetAllocation(size) => w::BYTES.fill(lang, &[("n", &size)]),
        OpKind::Lock { offset, length, exclusive, .. } => {
            let text = if exclusive { w::EXCLUSIVE } else { w::SHARED };
            text.fill(lang, &[("at", &format_args!("{offset}+{length}"))])
        }
        OpKind::Unlock { offset, length } => format!("{offset}+{length}"),
        OpKind::Read { offset, length, .. } | OpKind::Write { offset, length, .. } => format!("{offset}+{length}"),
        OpKind::FsControl(code) => format!("{code:#x}"),
        _ => return None,
    })
}

fn or_none(names: Vec<String>, lang: Lang) -> String {
    if names.is_empty() { w::NOTHING.get(lang).to_owned() } else { names.join("|") }
}

/// Replays every file of a capture through the same rules.
pub fn audit(source: &dyn Source, options: &CaseOptions<'_>) -> AuditRecord {
    let survey = source.survey();
    let mut log = source.collect(&Selection::everything(), &survey, &authors(source, options.catalogue));
    crate::blame::volumes::tie_volumes(&mut log, None);
    let passing = options.filter.as_ref().map(|filter| {
        let events: Vec<EventIndex> = log.ops.iter().map(|op| op.event).collect();
        filter.passing(&events)
    });
    let is_asked = |event: EventIndex| passing.as_ref().is_none_or(|passing| passing.binary_search(&event).is_ok());
    let found = locks::audit(&log, &is_asked);
    let total = found.total();
    let count =
        |count: locks::StatusCount| case::StatusCount { explained: count.explained, unexplained: count.unexplained };
    let by_status = found
        .failures
        .iter()
        .map(|(status, counted): (&NtStatus, _)| (status.result_text().into_owned(), count(*counted)))
        .collect();
    let false_conflicts = found
        .false_conflicts
        .iter()
        .map(|conflict| case::FalseConflict {
            event: conflict.event.0,
            holder_event: conflict.holder_event.map(|event| event.0),
            path: log.paths.get(conflict.path).to_owned(),
            rule: conflict.rule.to_owned(),
        })
        .collect();
    let quality = super::quality::quality(options, &survey, &source.machine(), found.first_older, None);
    let capture = capture_record(options, &source.machine(), &survey, &quality, None);
    let mut notes = Vec::new();
    if survey.coverage.lacks_closes() {
        notes.push(t::A_NO_CLOSES.get(options.lang).to_owned());
    }
    if passing.is_some() {
        let values: &[(&str, &dyn std::fmt::Display)] = &[("files", &found.files), ("all", &found.files_in_all)];
        notes.push(f::AUDIT_FILES.fill(options.lang, values));
    }
    AuditRecord {
        schema: case::AUDIT_SCHEMA.to_owned(),
        capture,
        opens_checked: found.opens_checked,
        false_conflicts,
        failures: AuditFailures { explained: total.explained, unexplained: total.unexplained, by_status },
        closes_without_open: found.closes_without_open,
        opens_without_close: found.opens_without_close,
        notes,
        filter: options.filter.as_ref().map(FailureFilter::rules).unwrap_or_default(),
    }
}
