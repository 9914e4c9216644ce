//! One attempt: within one log, or joined over several.

use indexmap::IndexMap;

use super::{hex, rfc, seconds_between, seq, symbol};
use crate::case::cbs as out;
use crate::lang::{Lang, cbs as words};
use crate::nt::FileTime;
use crate::servicing::cbs::merge::{Joined, JoinedAttempt, NamedLog};
use crate::servicing::cbs::{Attempt, ErrorEvent, Judgement, Locked, LogFacts, Place, Session, trail};
use crate::servicing::component::kb_numbers;

/// How places of an attempt are told: name of the log, line, UTC.
struct Telling<'a> {
    file: &'a dyn Fn(u64) -> String,
    line: &'a dyn Fn(u64) -> u64,
    utc: &'a dyn Fn(&Place) -> Option<FileTime>,
}

/// An attempt as one log shows it.
pub(super) fn single(
    log: &NamedLog,
    label: &str,
    attempt: &Attempt<'_>,
    judged: &Judgement<'_>,
    lang: Lang,
) -> out::Attempt {
    let telling = Telling { file: &|_| label.to_owned(), line: &|line| line, utc: &|place| log.facts.utc(place) };
    tell(attempt, judged, vec![label.to_owned()], false, &telling, lang)
}

/// An attempt over all logs.
pub(super) fn joined(
    joined: &Joined,
    attempt: &JoinedAttempt,
    view: &Attempt<'_>,
    judged: &Judgement<'_>,
    lang: Lang,
) -> out::Attempt {
    let name = |at: usize| joined.label(at).to_owned();
    let telling = Telling {
        file: &|line| name(joined.line(line).file),
        line: &|line| joined.line(line).line,
        utc: &|place| joined.utc(place),
    };
    let files = attempt.files.iter().map(|at| name(*at)).collect();
    tell(view, judged, files, joined.logs.len() > 1, &telling, lang)
}

fn tell(
    attempt: &Attempt<'_>,
    judged: &Judgement<'_>,
    files: Vec<String>,
    among_others: bool,
    telling: &Telling<'_>,
    lang: Lang,
) -> out::Attempt {
    let session = attempt.session;
    let error = |event: &ErrorEvent| error_ref(event, telling);
    let set_at = judged.set_by.and_then(|event| (telling.utc)(&event.place).map(|utc| (utc, event)));
    let lock = |(lock, (stage, sets_result)): (&&Locked, &(crate::servicing::cbs::Stage, bool))| {
        let utc = (telling.utc)(&lock.place);
        let after = utc.zip(set_at).filter(|(_, (_, event))| event.place.line < lock.place.line);
        out::LockRef {
            file: (telling.file)(lock.place.line),
            line: (telling.line)(lock.place.line),
            local: lock.place.local.to_string(),
            utc: utc.map(rfc),
            ntstatus: hex(lock.status),
            symbol: symbol(lock.status),
            path: lock.path.clone(),
            stage: stage.as_code().to_owned(),
            sets_result: *sets_result,
            enclosing_function: lock.outer.first().map(|call| trail::last_two_parts(&call.function).to_owned()),
            leftover: leftover(lock, session.created),
            seconds_after_result: after.map(|(utc, (set, event))| {
                // With a stamp of whole seconds on either side, a fraction would be made up.
                let exact = lock.place.at.is_some() && event.place.at.is_some();
                if exact { seconds_between(set, utc) } else { seconds_between(whole(set), whole(utc)) }
            }),
        }
    };
    let mut told = out::Attempt {
        session: (!session.id.is_empty()).then(|| session.id.clone()),
        files,
        begins_here: session.begins_here,
        client: session.client.clone(),
        package: session.package.clone(),
        identifier: identifier(session),
        started_utc: session.created.or_else(|| first_line(session, telling)).map(rfc),
        ended_utc: session.ended.and_then(|ended| {
            let line = session.finalized_line.or(session.finished_line)?;
            (telling.utc)(&Place { line, seq: None, local: ended, at: None }).map(rfc)
        }),
        failed: judged.failed,
        result: result(session, judged, telling.line, lang),
        result_stated: judged.result_known,
        first_error: judged.first_error.map(error),
        set_result: judged.set_by.map(error),
        returned_by: judged.returned_by.map(error),
        sequence_complete: judged.sequence_complete,
        makers: makers(attempt),
        locks: attempt.locked.iter().zip(&judged.locks).map(lock).collect(),
        hydration_failures: attempt.hydration.len() as u64,
        hash_mismatches: attempt.hashes.len() as u64,
        missing_payload: attempt.missing.len() as u64,
        diagnosis: None,
    };
    if let Some(primary) = &judged.primary {
        let primary = primary.as_code();
        let also: Vec<String> = judged.also.iter().map(crate::servicing::cbs::DiagnosisCode::as_code).collect();
        let named = words::Named { among_others, ..named(attempt) };
        let text = words::diagnosis_text(&told, &primary, &also, &named, lang);
        told.diagnosis = Some(out::Diagnosis { primary, also, text });
    }
    told
}

/// When the first line of a session was written, where the log has it.
fn first_line(session: &Session, telling: &Telling<'_>) -> Option<FileTime> {
    let local = session.local.filter(|_| session.begins_here)?;
    (telling.utc)(&Place { line: session.line, seq: None, local, at: None })
}

/// The second a time lies in.
const fn whole(time: FileTime) -> FileTime {
    FileTime(time.0 - time.0 % 10_000_000)
}

/// The names the sentences need.
fn named(attempt: &Attempt<'_>) -> words::Named {
    let hydrated =
        attempt.hydration.iter().find_map(|found| Some((found.file.clone()?, Some(found.component.clone()))));
    let hydration = hydrated.is_some();
    let hashed = || attempt.hashes.first().map(|found| (found.file.clone(), found.component.clone()));
    words::Named {
        damaged: hydrated.or_else(hashed),
        hydration,
        missing: attempt.missing.first().map(|found| (found.directory.clone(), found.file.clone())),
        among_others: false,
    }
}

/// `KB…`, from the session's identifier or from its package.
fn identifier(session: &Session) -> Option<String> {
    let from_package = || session.package.as_deref().and_then(|package| kb_numbers(package).next());
    session.identifier.clone().or_else(from_package)
}

/// Outcome of an attempt.
pub(super) fn result(
    session: &Session,
    judged: &Judgement<'_>,
    line: &dyn Fn(u64) -> u64,
    lang: Lang,
) -> Option<out::CbsResult> {
    let code = judged.result?;
    let hresult = hex(code);
    let failed_at = judged.failed_at;
    Some(out::CbsResult {
        symbol: symbol(code),
        phase: judged.phase.map(str::to_owned),
        session: (!session.id.is_empty()).then(|| session.id.clone()),
        failed_package: failed_at.and_then(|event| event.package.clone()),
        failed_line: failed_at.map(|event| line(event.place.line)),
        wer_line: session.wer.as_ref().map(|report| line(report.line)),
        text: words::meaning(&hresult, lang).map(str::to_owned),
        hresult,
    })
}

/// An error of one log.
pub(super) fn error_in(facts: &LogFacts, event: &ErrorEvent) -> out::ErrorRef {
    let telling = Telling { file: &|_| String::new(), line: &|line| line, utc: &|place| facts.utc(place) };
    out::ErrorRef { file: None, ..error_ref(event, &telling) }
}

fn error_ref(event: &ErrorEvent, telling: &Telling<'_>) -> out::ErrorRef {
    out::ErrorRef {
        file: Some((telling.file)(event.place.line)),
        line: (telling.line)(event.place.line),
        seq: seq(event.place.seq),
        local: event.place.local.to_string(),
        utc: (telling.utc)(&event.place).map(rfc),
        kind: event.kind.as_code().to_owned(),
        code: event.code.map(hex),
        symbol: event.code.and_then(symbol),
        function: event.function.clone(),
        record: event.text.clone(),
    }
}

/// Whether the in-flight folder is older than the session that met it.
pub(super) fn leftover(lock: &Locked, created: Option<FileTime>) -> Option<bool> {
    let transaction = lock.in_flight.transaction.as_ref().filter(|id| id.plausible())?;
    created.map(|created| transaction.time < created)
}

/// Who made the in-flight ids of an attempt.
fn makers(attempt: &Attempt<'_>) -> Vec<out::Maker> {
    let mut makers: IndexMap<u16, (Vec<u16>, FileTime, FileTime)> = IndexMap::new();
    for lock in &attempt.locked {
        let ids = [lock.in_flight.transaction.as_ref(), lock.in_flight.file.as_ref()];
        for id in ids.into_iter().flatten().filter(|id| id.plausible()) {
            let entry = makers.entry(id.pid16).or_insert_with(|| (Vec::new(), id.time, id.time));
            if !entry.0.contains(&id.tid16) && entry.0.len() < 64 {
                entry.0.push(id.tid16);
            }
            entry.1 = entry.1.min(id.time);
            entry.2 = entry.2.max(id.time);
        }
    }
    let maker = |(pid16, (tid16, first, last)): (u16, (Vec<u16>, FileTime, FileTime))| out::Maker {
        pid16,
        tid16,
        first_utc: rfc(first),
        last_utc: rfc(last),
    };
    makers.into_iter().map(maker).collect()
}
