//! What log and capture say together, and what follows from it.

use super::{LockTie, Tied, is_related, lock_of, reason_text, status_name};
use crate::case::cbs::{Attempt, CbsReport, Conclusion};
use crate::case::{Advice, CaseRecord};
use crate::lang::{Lang, cbs as words, servicing as t};
use crate::nt::path::leaf;
use crate::nt::{FileTime, Ticks};
use crate::servicing::ids::InFlightPath;
use crate::servicing::tie::Found;
use std::fmt::Display;

/// Fills `conclusion`, the end of the verdict, and the next steps of the record.
pub(super) fn conclude(record: &mut CaseRecord, report: &mut CbsReport, tied: &Tied<'_>, lang: Lang) {
    let conclusion = conclusion(record, report, tied, lang);
    if lang == Lang::En {
        record.verdict.text.push(' ');
    }
    record.verdict.text.push_str(&conclusion.text);
    let from_log = std::mem::take(&mut report.recommendations);
    advise(record, from_log, &conclusion.code, tied, lang);
    let names_other_cause =
        matches!(conclusion.code.as_str(), "lock_in_cleanup" | "lock_not_cause" | "lock_not_in_log");
    if names_other_cause && !record.holders.is_empty() {
        caveat(record, "lock_not_the_cause", t::C_LOCK_NOT_CAUSE.get(lang));
    }
    if conclusion.code == "other_attempt" {
        caveat(record, "log_of_another_attempt", t::C_OTHER_ATTEMPT.get(lang));
    }
    report.conclusion = Some(conclusion);
}

fn caveat(record: &mut CaseRecord, code: &str, text: &str) {
    record.caveats.insert(0, Advice { code: code.to_owned(), text: text.to_owned() });
}

fn conclusion(record: &CaseRecord, report: &CbsReport, tied: &Tied<'_>, lang: Lang) -> Conclusion {
    let said = |code: &str, text: String| Conclusion { code: code.to_owned(), text };
    let plain = |code: &str, text: crate::lang::Text| said(code, text.get(lang).to_owned());
    let related = |at: usize| tied.identities.get(at).is_some_and(|identity| is_related(&identity.code));
    let succeeded = (0..report.attempts.len())
        .rev()
        .find(|at| related(*at) && report.attempts.get(*at).is_some_and(|attempt| attempt.failed == Some(false)));
    let subject = tied.subject.filter(|at| report.attempts.get(*at).is_some_and(|attempt| attempt.diagnosis.is_some()));
    let failed = subject.filter(|at| related(*at)).and_then(|at| Some((at, report.attempts.get(at)?)));
    let Some((at, attempt)) = failed else {
        return match (succeeded.and_then(|at| report.attempts.get(at)), subject) {
            (Some(attempt), _) => {
                said("attempt_succeeded", t::ATTEMPT_SUCCEEDED.fill(lang, &[("what", &what(attempt, lang))]))
            }
            (None, Some(at)) => {
                let identity = tied.identities.get(at).map(|identity| identity.text.as_str()).unwrap_or_default();
                said("other_attempt", t::OTHER_ATTEMPT.fill(lang, &[("identity", &identity)]))
            }
            (None, None) => plain("no_failed_attempt", t::NO_FAILED_ATTEMPT),
        };
    };
    let ties: Vec<&LockTie> = tied.locks_of(at).iter().collect();
    let primary = attempt.diagnosis.as_ref().map_or("other", |diagnosis| diagnosis.primary.as_str());
    let failed = failure(attempt, lang);
    if primary.starts_with("inflight_") || primary.starts_with("locked_") {
        let mut conclusion = lock_is_primary(attempt, &ties, tied, &failed, lang);
        conclusion.text.push_str(&not_only_cause(tied, at, attempt, lang));
        return conclusion;
    }
    let cause = cause(tied, at, attempt, primary, lang);
    let mut values: Vec<(&str, &dyn Display)> = vec![("failed", &failed), ("cause", &cause)];
    // The lock to speak of: one that the capture shows, else the first.
    let told = ties.iter().find(|tie| tie.found.is_some()).or(ties.first());
    let Some((lock, name)) = told.and_then(|tie| Some((attempt.locks.get(tie.lock)?, name(tied, tie)?))) else {
        return if record.failures.is_empty() {
            said("no_lock", t::NO_LOCK.fill(lang, &values))
        } else {
            said("lock_not_in_log", t::LOCK_NOT_IN_LOG.fill(lang, &values))
        };
    };
    let distance = lock.seconds_after_result.map(|seconds| t::span(seconds, lang));
    let cleanup = attempt.locks.iter().all(|lock| lock.stage == "cleanup");
    values.push(("name", &name));
    if let Some(reason) = told.and_then(|tie| tie.reason) {
        let reason = reason_text(reason, lang);
        values.extend([("line", &lock.line as &dyn Display), ("reason", &reason)]);
        let (code, text) = if cleanup {
            ("lock_in_cleanup", t::LOCK_NOT_SEEN_IN_CLEANUP)
        } else {
            ("lock_not_cause", t::LOCK_NOT_SEEN)
        };
        return said(code, text.fill(lang, &values) + &refusals_beside(record, attempt, lang));
    }
    match (cleanup, &distance) {
        (true, Some(distance)) => {
            values.push(("distance", distance));
            said("lock_in_cleanup", t::LOCK_IN_CLEANUP.fill(lang, &values))
        }
        (true, None) => said("lock_in_cleanup", t::LOCK_IN_CLEANUP_UNTIMED.fill(lang, &values)),
        (false, _) => said("lock_not_cause", t::LOCK_NOT_CAUSE.fill(lang, &values)),
    }
}

/// Whether the refusals of the capture came before or after the error that set the result, and by how much; empty when
/// they lie on both sides of it or too near to tell.
fn refusals_beside(record: &CaseRecord, attempt: &Attempt, lang: Lang) -> String {
    let time = |text: &str| FileTime::parse_rfc3339(text);
    let set = attempt.set_result.as_ref().and_then(|error| time(error.utc.as_deref()?));
    let refused = record.failures.first().zip(record.failures.last());
    let refused = refused.and_then(|(first, last)| time(&first.time).zip(time(&last.time)));
    let (Some(set), Some((first, last))) = (set, refused) else { return String::new() };
    // The log may tell no more than the second.
    let near = Ticks(10_000_000);
    let (text, distance) = if last.plus(near) < set {
        (t::REFUSALS_BEFORE, set.since(last))
    } else if first > set.plus(near) {
        (t::REFUSALS_AFTER, first.since(set))
    } else {
        return String::new();
    };
    let blank = if lang == Lang::En { " " } else { "" };
    format!("{blank}{}", text.fill(lang, &[("distance", &t::span(distance.as_secs(), lang))]))
}

/// The log itself takes a lock for the cause: the capture shows that refusal or does not.
fn lock_is_primary(attempt: &Attempt, ties: &[&LockTie], tied: &Tied<'_>, failed: &str, lang: Lang) -> Conclusion {
    let said = |code: &str, text: String| Conclusion { code: code.to_owned(), text };
    let sets = |tie: &&&LockTie| attempt.locks.get(tie.lock).is_some_and(|lock| lock.sets_result);
    let causes: Vec<&&LockTie> = ties.iter().filter(sets).collect();
    let told = causes.iter().find(|tie| tie.found.is_some()).or(causes.first()).copied().or(ties.first());
    let parts = told.and_then(|tie| Some((tie, attempt.locks.get(tie.lock)?, lock_of(tied, tie)?, name(tied, tie)?)));
    let Some((tie, lock, facts, name)) = parts else {
        return said("no_failed_attempt", t::NO_FAILED_ATTEMPT.get(lang).to_owned());
    };
    if causes.is_empty() {
        let values: &[(&str, &dyn Display)] = &[("name", &name), ("line", &lock.line)];
        return said("outcome_unknown", t::OUTCOME_UNKNOWN.fill(lang, values));
    }
    let status = status_name(facts.status);
    if let Some((found, event)) = &tie.found {
        let by = fits_by(found, lang);
        let values: &[(&str, &dyn Display)] = &[
            ("failed", &failed),
            ("status", &status),
            ("name", &name),
            ("line", &lock.line),
            ("event", &event.event.0),
            ("by", &by),
        ];
        // The same file at the same time is the same refusal; anything less is probable.
        return if found.path && (found.time || found.apart.is_none()) {
            said("lock_is_cause", t::LOCK_IS_CAUSE.fill(lang, values))
        } else {
            said("lock_probably_cause", t::LOCK_PROBABLY_CAUSE.fill(lang, values))
        };
    }
    let reason = tie.reason.map(|reason| reason_text(reason, lang)).unwrap_or_default();
    let values: &[(&str, &dyn Display)] =
        &[("failed", &failed), ("status", &status), ("name", &name), ("line", &lock.line), ("reason", &reason)];
    said("lock_not_matched", t::LOCK_NOT_MATCHED.fill(lang, values))
}

/// What the log finds besides a lock that set the result: the lock is then not all there is to mend.
fn not_only_cause(tied: &Tied<'_>, at: usize, attempt: &Attempt, lang: Lang) -> String {
    let also = attempt.diagnosis.iter().flat_map(|diagnosis| &diagnosis.also);
    let mut text = String::new();
    for code in also.filter(|code| matches!(code.as_str(), "corrupt_base_payload" | "missing_payload")) {
        if lang == Lang::En {
            text.push(' ');
        }
        let cause = cause(tied, at, attempt, code, lang);
        text.push_str(&t::NOT_ONLY_CAUSE.fill(lang, &[("cause", &cause)]));
    }
    text
}

/// What ties a record to its event, in words.
fn fits_by(found: &Found, lang: Lang) -> String {
    let all = [
        (found.path, t::V_BY_PATH),
        (found.time, t::V_BY_TIME),
        (found.pid, t::V_BY_PID),
        (found.thread, t::V_BY_THREAD),
    ];
    let words: Vec<&str> = all.into_iter().filter(|(fits, _)| *fits).map(|(_, word)| word.get(lang)).collect();
    words.join(if lang == Lang::ZhCn { "、" } else { ", " })
}

/// What was to be installed.
fn what(attempt: &Attempt, lang: Lang) -> String {
    let name = attempt.identifier.as_deref().or(attempt.package.as_deref());
    name.map_or_else(|| t::THE_ATTEMPT.get(lang).to_owned(), str::to_owned)
}

/// `KB… failed in phase … with …`
fn failure(attempt: &Attempt, lang: Lang) -> String {
    let what = what(attempt, lang);
    let Some(result) = &attempt.result else { return t::FAILED_UNSTATED.fill(lang, &[("what", &what)]) };
    let code = words::code_with_symbol(&result.hresult, result.symbol.as_deref());
    if !attempt.result_stated {
        return t::MET_UNSTATED.fill(lang, &[("what", &what), ("result", &code)]);
    }
    match result.phase.as_deref() {
        Some(phase) => t::FAILED_IN.fill(lang, &[("what", &what), ("phase", &phase), ("result", &code)]),
        None => t::FAILED.fill(lang, &[("what", &what), ("result", &code)]),
    }
}

/// Why it failed, as a clause.
fn cause(tied: &Tied<'_>, at: usize, attempt: &Attempt, primary: &str, lang: Lang) -> String {
    let facts = tied.logs.joined.attempts.get(at);
    let meaning = || {
        let code = attempt.result.as_ref().and_then(|result| result.text.clone());
        code.unwrap_or_else(|| t::V_UNKNOWN.get(lang).to_owned())
    };
    match primary {
        "corrupt_base_payload" => {
            let hydrated = facts.and_then(|facts| {
                facts.hydration.iter().find_map(|found| Some((found.file.clone()?, Some(found.component.clone()))))
            });
            let hashed = || facts?.hashes.first().map(|found| (found.file.clone(), found.component.clone()));
            match hydrated.or_else(hashed) {
                Some((file, Some(component))) => t::DAMAGED.fill(lang, &[("file", &file), ("component", &component)]),
                Some((file, None)) => t::DAMAGED_FILE.fill(lang, &[("file", &file)]),
                None => meaning(),
            }
        }
        "missing_payload" => match facts.and_then(|facts| facts.missing.first()?.directory.clone()) {
            Some(directory) => t::MISSING.fill(lang, &[("directory", &directory)]),
            None => t::MISSING_UNNAMED.get(lang).to_owned(),
        },
        _ => meaning(),
    }
}

/// The name of the locked file without ids and folders.
fn name(tied: &Tied<'_>, tie: &LockTie) -> Option<String> {
    let path = &lock_of(tied, tie)?.path;
    Some(InFlightPath::parse(path).name.unwrap_or_else(|| leaf(path).to_owned()))
}

/// The log's next steps among those of the capture: before them when the log names another cause.
fn advise(record: &mut CaseRecord, from_log: Vec<Advice>, conclusion: &str, tied: &Tied<'_>, lang: Lang) {
    let lacking = tied.locks.iter().any(|tie| tie.found.is_none() && Some(tie.attempt) == tied.subject);
    let recapture = lacking || conclusion == "other_attempt";
    // A capture is at hand; another is needed only when this one does not show what the log speaks of.
    let mut steps: Vec<Advice> = from_log.into_iter().filter(|step| step.code != "capture_with_procmon").collect();
    if recapture {
        steps.push(Advice { code: "recapture_with_log".to_owned(), text: t::R_RECAPTURE.get(lang).to_owned() });
    }
    let after = matches!(
        conclusion,
        "lock_is_cause" | "lock_probably_cause" | "attempt_succeeded" | "no_failed_attempt" | "other_attempt"
    );
    if after {
        record.recommendations.append(&mut steps);
    } else {
        steps.append(&mut record.recommendations);
        record.recommendations = steps;
    }
}
