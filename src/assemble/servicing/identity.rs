//! Whether an attempt of the log is the one of the capture.

use super::{ANOTHER_DAY, Made, Tied};
use crate::capture::source::{Machine, Survey};
use crate::case::cbs as out;
use crate::lang::{Lang, servicing as t};
use crate::nt::{FileTime, Ticks};
use crate::servicing::cbs::merge::{Joined, JoinedAttempt};
use crate::servicing::cbs::{Place, ServicingStack};
use crate::servicing::tie::{MakerTie, same_build_family};
use std::fmt::Display;

/// What shows that log and capture cannot be of one machine.
pub(super) enum Mismatch<'a> {
    Build(&'a ServicingStack),
    Arch(&'a str, u32),
}

/// Compares the servicing stack of the attempt's logs with the system of the capture.
pub(super) fn mismatch<'j>(joined: &'j Joined, attempt: &JoinedAttempt, machine: &Machine) -> Option<Mismatch<'j>> {
    let logs = attempt.files.iter().rev().filter_map(|at| joined.logs.get(*at));
    let stack = logs.filter_map(|log| log.facts.stack.as_ref()).next()?;
    let build: Option<u32> = machine.os.as_deref().and_then(|os| os.split('.').nth(2)?.parse().ok());
    if let (Some(log), Some(capture)) = (stack.build(), build)
        && !same_build_family(log, capture)
    {
        return Some(Mismatch::Build(stack));
    }
    match (stack.arch.as_deref()?, machine.bits?) {
        (arch @ ("amd64" | "arm64"), 32) => Some(Mismatch::Arch(arch, 32)),
        (arch @ "x86", 64) => Some(Mismatch::Arch(arch, 64)),
        _ => None,
    }
}

/// A time from first to last.
type Window = (FileTime, FileTime);

/// Length of the longest stay of one process in an attempt that the log shows only from its middle.
const ONE_RUN: Ticks = Ticks(3600 * 10_000_000);

/// First and last moment of the errors and locks of an attempt.
fn errors_window(joined: &Joined, attempt: &JoinedAttempt) -> Option<Window> {
    let errors = attempt.session.errors.iter().map(|event| &event.place);
    let places = errors.chain(attempt.locked.iter().map(|lock| &lock.place));
    let times: Vec<FileTime> = places.filter_map(|place| joined.utc(place)).collect();
    Some((times.iter().min().copied()?, times.iter().max().copied()?))
}

/// On which side of a capture a time lies that does not touch it, and how far.
fn beside((from, to): Window, (first, last): Window) -> Option<(&'static str, Ticks)> {
    if to < first {
        Some(("before_capture", first.since(to)))
    } else if from > last {
        Some(("after_capture", from.since(last)))
    } else {
        None
    }
}

/// First and last moment the log tells of an attempt.
fn window(joined: &Joined, attempt: &JoinedAttempt) -> Option<Window> {
    let session = &attempt.session;
    let ended = session.ended.and_then(|local| {
        let line = session.finalized_line.or(session.finished_line)?;
        joined.utc(&Place { line, seq: None, local, at: None })
    });
    let (from, to) = errors_window(joined, attempt).unzip();
    let times: Vec<FileTime> = [from, to, session.created, ended].into_iter().flatten().collect();
    Some((times.iter().min().copied()?, times.iter().max().copied()?))
}

pub(super) fn identity(tied: &Tied<'_>, at: usize, survey: &Survey, machine: &Machine, lang: Lang) -> out::Identity {
    let joined = &tied.logs.joined;
    let empty = JoinedAttempt::default();
    let attempt = joined.attempts.get(at).unwrap_or(&empty);
    let window = window(joined, attempt);
    let makers = tied.makers.get(at).map_or(&[][..], Vec::as_slice);
    let ties = || tied.locks_of(at).iter();
    let matched = ties().filter_map(|tie| tie.found.as_ref()).any(|(found, _)| found.path);
    let file_seen = ties().any(|tie| {
        let lock = attempt.locked.get(tie.lock);
        tie.path_events > 0
            && lock.is_some_and(|lock| lock.in_flight.transaction.is_some() || lock.in_flight.file.is_some())
    });
    let own = || makers.iter().filter(|made| !made.leftover);
    let same = own().find(|made| matches!(made.tie, MakerTie::Same(_)));
    let shown = |time: FileTime| time.to_rfc3339();
    let (mut code, mut sentences) = ("unknown", Vec::new());
    let span = survey.span;
    let outside = window.zip(span).and_then(|(window, span)| beside(window, span));
    let errors = errors_window(joined, attempt);
    let another_day = errors.zip(span).and_then(|(errors, span)| beside(errors, span));
    let another_day = another_day.filter(|(_, distance)| *distance > ANOTHER_DAY);
    // A file left behind is met again by later attempts: it ties two times only when one process can fill both.
    let one_run = another_day.is_none() && outside.is_none_or(|(_, distance)| same.is_some() && distance <= ONE_RUN);
    if matched || (file_seen && one_run) {
        code = "same_attempt";
        sentences.push(match same {
            Some(made) => same_process(made, survey, lang),
            None if matched => t::I_SAME_PATH.get(lang).to_owned(),
            None => t::I_SAME_FILE.get(lang).to_owned(),
        });
    } else if let Some(found) = mismatch(joined, attempt, machine) {
        code = "other_machine";
        sentences.push(match found {
            Mismatch::Build(stack) => {
                let os = machine.os.as_deref().unwrap_or_default();
                t::I_OTHER_MACHINE.fill(lang, &[("stack", &stack.version), ("os", &os)])
            }
            Mismatch::Arch(arch, bits) => t::I_OTHER_ARCH.fill(lang, &[("stack", &arch), ("bits", &bits)]),
        });
    } else if let Some((found, distance)) = outside {
        code = found;
        let text = if found == "before_capture" { t::I_BEFORE } else { t::I_AFTER };
        let (from, to) = window.map(|(from, to)| (shown(from), shown(to))).unwrap_or_default();
        let distance = t::span(distance.as_secs(), lang);
        // Only one of the two bounds has a place in each sentence.
        let (from, to): (&dyn Display, &dyn Display) = (&from, &to);
        sentences.push(text.fill(lang, &[("from", from), ("to", to), ("distance", &distance)]));
    } else if let (Some((found, distance)), Some((from, to))) = (another_day, errors) {
        code = found;
        let text = if found == "before_capture" { t::I_ERRORS_BEFORE } else { t::I_ERRORS_AFTER };
        let distance = t::span(distance.as_secs(), lang);
        sentences.push(text.fill(lang, &[("from", &shown(from)), ("to", &shown(to)), ("distance", &distance)]));
    } else if let Some(made) = same {
        code = "same_attempt";
        sentences.push(same_process(made, survey, lang));
    } else if let Some(made) = own().find(|made| made.tie != MakerTie::NotCovered) {
        code = "other_attempt";
        let values: &[(&str, &dyn Display)] = &[("pid16", &made.maker.pid16), ("made", &shown(made.maker.first))];
        sentences.push(t::I_OTHER_ATTEMPT.fill(lang, values));
    } else if let (Some((from, to)), Some(_)) = (window, span) {
        code = "overlaps";
        sentences.push(t::I_OVERLAPS.fill(lang, &[("from", &shown(from)), ("to", &shown(to))]));
    } else {
        sentences.push(t::I_UNKNOWN.get(lang).to_owned());
    }
    if let Some(made) = makers.iter().find(|made| made.leftover) {
        let values: &[(&str, &dyn Display)] = &[("pid16", &made.maker.pid16), ("made", &shown(made.maker.first))];
        let of_capture = matches!(made.tie, MakerTie::Same(_)) && !super::is_related(code);
        let text = if of_capture { t::I_LEFTOVER_OF_CAPTURE } else { t::I_LEFTOVER };
        sentences.push(text.fill(lang, values));
    }
    let covered = window.zip(span).map(|((from, to), (first, last))| {
        if to < first || from > last {
            "none"
        } else if first <= from && to <= last {
            "whole"
        } else {
            "part"
        }
    });
    let set = tied.judged.get(at).and_then(|judged| judged.set_by).and_then(|event| joined.utc(&event.place));
    let result_covered = set.zip(span).map(|(set, (first, last))| first <= set.plus(Ticks(9_999_999)) && set <= last);
    if covered == Some("part") && super::is_related(code) {
        sentences.extend(window.zip(span).and_then(|(window, span)| partly(window, span, lang)));
        if result_covered == Some(false) {
            sentences.push(t::I_RESULT_OUTSIDE.get(lang).to_owned());
        }
    }
    out::Identity {
        session: (!attempt.session.id.is_empty()).then(|| attempt.session.id.clone()),
        code: code.to_owned(),
        from: window.map(|(from, _)| shown(from)),
        to: window.map(|(_, to)| shown(to)),
        covered: covered.map(str::to_owned),
        result_covered,
        processes: makers.iter().map(|made| maker_process(made, survey)).collect(),
        text: sentences.join(if lang == Lang::ZhCn { "" } else { " " }),
    }
}

fn same_process(made: &Made, survey: &Survey, lang: Lang) -> String {
    let process = made.tie.process().and_then(|at| survey.processes.get(at));
    let Some(process) = process else { return t::I_SAME_PATH.get(lang).to_owned() };
    let threads: Vec<String> = made.maker.tid16.iter().map(u16::to_string).collect();
    let threads = threads.join(lang.comma());
    let started = process.started.map_or_else(|| t::V_UNKNOWN.get(lang).to_owned(), FileTime::to_rfc3339);
    t::I_SAME_PROCESS.fill(
        lang,
        &[
            ("pid16", &made.maker.pid16),
            ("tid16", &threads),
            ("made", &made.maker.first.to_rfc3339()),
            ("process", &process.name),
            ("pid", &process.pid),
            ("started", &started),
        ],
    )
}

/// What of the attempt the capture leaves out.
fn partly(window: (FileTime, FileTime), span: (FileTime, FileTime), lang: Lang) -> Option<String> {
    let before = span.0.since(window.0);
    let after = window.1.since(span.1);
    let (late, early) = (t::span(before.as_secs(), lang), t::span(after.as_secs(), lang));
    let text = match (before.0 > 0, after.0 > 0) {
        (true, true) => t::I_PART_BOTH.fill(lang, &[("before", &late), ("after", &early)]),
        (true, false) => t::I_PART_BEGIN.fill(lang, &[("before", &late)]),
        (false, true) => t::I_PART_END.fill(lang, &[("after", &early)]),
        (false, false) => return None,
    };
    Some(text)
}

fn maker_process(made: &Made, survey: &Survey) -> out::MakerProcess {
    let process = made.tie.process().and_then(|at| survey.processes.get(at));
    out::MakerProcess {
        pid16: made.maker.pid16,
        tid16: made.maker.tid16.clone(),
        first_utc: made.maker.first.to_rfc3339(),
        code: made.tie.as_code().to_owned(),
        leftover: made.leftover,
        pid: process.map(|process| process.pid),
        process: process.map(|process| process.name.clone()),
        started: process.and_then(|process| process.started).map(FileTime::to_rfc3339),
    }
}
