//! Log and capture as one story: what came first, what set the result, what was only tidied up.

use super::{Tied, file_of, is_related};
use crate::assemble::Parts;
use crate::capture::EventIndex;
use crate::capture::op::Op;
use crate::case::cbs::Step;
use crate::case::{CaseRecord, Edge, Failure};
use crate::nt::FileTime;
use crate::servicing::cbs::{ErrorEvent, Place, Stage};
use crate::servicing::codes;

/// Locks of the log told one by one, at most.
const MAX_LOCKS: usize = 40;

/// A step with what it is ordered by.
struct Timed {
    key: (FileTime, u8, u64),
    step: Step,
}

pub(super) fn order(record: &CaseRecord, parts: &Parts<'_>, tied: &Tied<'_>) -> Vec<Step> {
    let Some(subject) = tied.subject else { return Vec::new() };
    let related = tied.identities.get(subject).is_some_and(|identity| is_related(&identity.code));
    let mut steps = from_log(parts, tied, subject);
    if related {
        steps.extend(from_capture(record, parts, tied, subject));
    }
    steps.sort_by_key(|timed| timed.key);
    steps.into_iter().map(|timed| timed.step).collect()
}

/// A line of the log with its part in the story.
struct Line<'r> {
    place: Place,
    role: &'r str,
    code: Option<String>,
    text: String,
    event: Option<u64>,
}

fn from_log(parts: &Parts<'_>, tied: &Tied<'_>, subject: usize) -> Vec<Timed> {
    let joined = &tied.logs.joined;
    let (Some(attempt), Some(judged)) = (joined.attempts.get(subject), tied.judged.get(subject)) else {
        return Vec::new();
    };
    let mut told: Vec<Line<'_>> = Vec::new();
    for (at, (lock, (stage, sets_result))) in attempt.locked.iter().zip(&judged.locks).enumerate().take(MAX_LOCKS) {
        let role = match (sets_result, stage) {
            (true, _) => "cause",
            (false, Stage::Cleanup) => "cleanup",
            (false, Stage::Operation) => "operation",
        };
        let tie = tied.locks_of(subject).iter().find(|tie| tie.lock == at);
        let event = tie.and_then(|tie| tie.found.as_ref()).map(|(_, event)| event.event.0);
        let code = Some(super::status_name(lock.status));
        told.push(Line { place: lock.place, role, code, text: lock.path.clone(), event });
    }
    let same = judged.first_error.is_some() && judged.first_error == judged.set_by;
    let first_role = if same { "first_error_sets_result" } else { "first_error" };
    let returned = judged.returned_by.filter(|event| Some(*event) != judged.set_by);
    let set = judged.set_by.filter(|_| !same);
    for (event, role) in [(judged.first_error, first_role), (set, "sets_result"), (returned, "returns_result")] {
        let Some(event) = event else { continue };
        // A lock that is also the first error is told as the lock it is.
        if !told.iter().any(|line| line.place.line == event.place.line) {
            told.push(Line { place: event.place, role, code: code(event), text: place(event), event: None });
        }
    }
    told.sort_by_key(|line| line.place.line);
    // Lines stand in the order of time; whole seconds must not undo it.
    let mut reached = FileTime(0);
    told.into_iter()
        .filter_map(|Line { place, role, code, text, event }| {
            let line = place.line;
            let utc = joined.utc(&place)?;
            // A record that is an event stands at the event's time: the capture's clock is the finer one.
            let moment = event.and_then(|event| op(parts, event)).map(|op| op.start);
            reached = moment.unwrap_or(reached.max(utc));
            let precision = if place.at.is_some() { "millisecond" } else { "second" };
            Some(Timed {
                key: (reached, 1, line),
                step: Step {
                    time: utc.to_rfc3339(),
                    precision: precision.to_owned(),
                    source: "log".to_owned(),
                    file: file_of(joined, line),
                    line: Some(joined.line(line).line),
                    event,
                    role: role.to_owned(),
                    code,
                    place: text,
                },
            })
        })
        .collect()
}

fn code(event: &ErrorEvent) -> Option<String> {
    let code = event.code?;
    Some(codes::symbol(code).map_or_else(|| format!("{code:#010x}"), str::to_owned))
}

fn place(event: &ErrorEvent) -> String {
    event.function.clone().unwrap_or_else(|| event.text.chars().take(160).collect())
}

fn from_capture(record: &CaseRecord, parts: &Parts<'_>, tied: &Tied<'_>, subject: usize) -> Vec<Timed> {
    let mut steps = Vec::new();
    let matched: Vec<u64> =
        tied.locks_of(subject).iter().filter_map(|tie| tie.found.as_ref().map(|(_, event)| event.event.0)).collect();
    // Prefer the failure that the log names; without one, the first of the capture.
    let told = record.failures.iter().find(|failure| matched.contains(&failure.event)).or(record.failures.first());
    if let Some(failure) = told {
        steps.extend(holds(failure));
        if let Some(marker) = &failure.deleted_by
            && let Some(op) = op(parts, marker.event)
        {
            let who = marker.driver.as_ref().unwrap_or(&marker.process);
            let place = format!("{who} (PID {}) {}", marker.pid, failure.path);
            steps.push(step("marked_for_deletion", op.start, Some(marker.event), None, place));
        }
    }
    let mut refusal = |failure: Option<&Failure>, role: &str| {
        let Some(failure) = failure.filter(|failure| !matched.contains(&failure.event)) else { return };
        let Some(time) = FileTime::parse_rfc3339(&failure.time) else { return };
        let place = format!("{} (PID {}) {}", failure.process, failure.pid, failure.path);
        steps.push(step(role, time, Some(failure.event), Some(failure.result.to_string()), place));
    };
    refusal(record.failures.first(), "first_refusal");
    if record.failures.len() > 1 {
        refusal(record.failures.last(), "last_refusal");
    }
    steps
}

/// When the first holder of a failure opened and closed the file.
fn holds(failure: &Failure) -> Vec<Timed> {
    let Some(holder) = failure.holders.first() else { return Vec::new() };
    let path = holder.hold.path.as_ref().unwrap_or(&failure.path);
    let who = holder.driver.as_ref().unwrap_or(&holder.process);
    let place = format!("{who} (PID {}) {path}", holder.pid);
    let edges = [(&holder.hold.start, "holder_opens"), (&holder.hold.end, "holder_releases")];
    let edge = |(edge, role): (&Edge, &str)| match edge {
        Edge::At(at) => Some(step(role, FileTime::parse_rfc3339(&at.time)?, Some(at.event), None, place.clone())),
        Edge::Outside(_) => None,
    };
    edges.into_iter().filter_map(edge).collect()
}

fn step(role: &str, time: FileTime, event: Option<u64>, code: Option<String>, place: String) -> Timed {
    Timed {
        key: (time, 0, event.unwrap_or_default()),
        step: Step {
            time: time.to_rfc3339(),
            precision: "tick".to_owned(),
            source: "capture".to_owned(),
            file: None,
            line: None,
            event,
            role: role.to_owned(),
            code,
            place,
        },
    }
}

fn op<'p>(parts: &'p Parts<'_>, event: u64) -> Option<&'p Op> {
    let at = parts.log.ops.partition_point(|op| op.event < EventIndex(event));
    parts.log.ops.get(at).filter(|op| op.event.0 == event)
}
