//! What weakens a verdict: kinds of event that are missing, numbers that have gaps, a capture begun too late.

use super::{CaseOptions, Lacking, SourceNote};
use crate::blame::facts::ImageFacts;
use crate::blame::party::{Party, PartyContext, classify};
use crate::blame::vendors::VendorCatalogue;
use crate::capture::op::ProcessInfo;
use crate::capture::source::{Machine, Survey};
use crate::case::{Quality, Severity};
use crate::import::BadReason;
use crate::lang::{Lang, Text, record as t};
use crate::nt::{FileTime, Ticks};
use std::fmt::Display;

/// A late start is worth a word when the first refusal comes this soon after the first event, in seconds.
const LATE_START: f64 = 2.0;

/// Gaps in the driver's numbers below this share are usual: the default filter hides Procmon's own events.
const USUAL_GAPS_PERCENT: f64 = 20.0;

/// A second.
const SECOND: Ticks = Ticks(10_000_000);

/// What weakens any verdict on a capture; `first` is the first refusal in question that a handle older than the capture may
/// be behind, if there is one, and `elsewhere` what was refused in the folders of another Windows.
pub(super) fn quality(
    options: &CaseOptions<'_>,
    survey: &Survey,
    machine: &Machine,
    first: Option<FileTime>,
    elsewhere: Option<&(u64, String)>,
) -> Vec<Quality> {
    let lang = options.lang;
    let mut notes: Vec<Quality> = Vec::new();
    let mut add = |code: &str, severity: Severity, text: Text, values: &[(&str, &dyn Display)]| {
        notes.push(Quality { code: code.to_owned(), severity, text: text.fill(lang, values) });
    };
    for note in &options.notes {
        source_note(note, lang, &mut add);
    }
    let coverage = survey.coverage;
    // Broken rows of an export have a note of their own.
    let rows = options.notes.iter().any(|note| matches!(note, SourceNote::MalformedRows { .. }));
    if survey.damage.records > 0 && !rows {
        let first = survey.damage.first.as_deref().unwrap_or_default();
        add("damaged_records", Severity::Warning, t::Q_DAMAGED, &[("n", &survey.damage.records), ("first", &first)]);
    }
    if survey.counts.file_system == 0 {
        add("no_file_system_events", Severity::Error, t::Q_NO_FILE_SYSTEM, &[]);
        return notes;
    }
    if coverage.creates == 0 {
        add("no_open_events", Severity::Error, t::Q_NO_OPEN, &[]);
    } else if coverage.lacks_closes() || coverage.has_few_closes() {
        let values: &[(&str, &dyn Display)] = &[("creates", &coverage.creates), ("closes", &coverage.cleanups)];
        if coverage.lacks_closes() {
            add("no_close_events", Severity::Error, t::Q_NO_CLOSE, values);
        } else {
            add("few_close_events", Severity::Warning, t::Q_FEW_CLOSE, values);
        }
    }
    let without = |process: &&ProcessInfo| coverage.lacks_closes_of(process);
    if let Some(first) = survey.processes.iter().find(without).filter(|_| !coverage.lacks_closes()) {
        let n = survey.processes.iter().filter(without).count();
        let values: &[(&str, &dyn Display)] =
            &[("n", &n), ("name", &first.name), ("pid", &first.pid), ("opens", &first.unclosed)];
        add("process_without_closes", Severity::Warning, t::Q_PROCESS_NO_CLOSE, values);
    }
    if coverage.unordered {
        add("rows_unordered", Severity::Error, t::Q_UNORDERED, &[]);
    }
    let order = coverage.order;
    if order.steps_back > 0 && !coverage.unordered {
        let values: &[(&str, &dyn Display)] = &[("n", &order.steps_back), ("most", &shown(order.largest))];
        add("clock_set_back", Severity::Warning, t::Q_CLOCK_BACK, values);
    }
    if order.misnumbered > 0 {
        add("numbers_unordered", Severity::Warning, t::Q_MISNUMBERED, &[("n", &order.misnumbered)]);
    }
    if !coverage.has_detail {
        add("no_detail", Severity::Error, t::Q_NO_DETAIL, &[]);
    }
    if !coverage.has_durations {
        add("no_durations", Severity::Warning, t::Q_NO_DURATION, &[]);
    }
    let active = || survey.active.iter().filter_map(|id| survey.processes.get(id.0 as usize));
    let nameless = active().filter(|process| process.name.is_empty()).count();
    let told = options.notes.iter().any(|note| matches!(note, SourceNote::MissingColumn(Lacking::ProcessName)));
    if nameless > 0 && !told {
        let values: &[(&str, &dyn Display)] = &[("n", &nameless), ("active", &survey.active.len())];
        add("nameless_processes", Severity::Error, t::Q_NAMELESS, values);
    }
    if coverage.active_processes <= 2 {
        let n = coverage.active_processes;
        let text = if coverage.sequence_gaps == Some(0) { t::Q_FEW_PROCESSES } else { t::Q_ONE_PROCESS };
        add("filtered_before_saving", Severity::Warning, text, &[("n", &n)]);
    } else if coverage.third_parties.unwrap_or_else(|| third_parties(options.catalogue, survey, machine)) == 0 {
        add("no_third_party_events", Severity::Warning, t::Q_ONLY_WINDOWS, &[]);
    }
    if let Some(missing) = coverage.sequence_gaps.filter(|missing| *missing > 0) {
        // An extract tells how many the original had.
        let here = survey.counts.total - survey.counts.network.min(survey.counts.total);
        let kept = coverage.sequenced.unwrap_or(here);
        let span = kept.saturating_add(missing);
        let percent = 100.0 * missing as f64 / span.max(1) as f64;
        let severity = if percent > USUAL_GAPS_PERCENT { Severity::Warning } else { Severity::Info };
        let shown = format!("{percent:.1}");
        let values: &[(&str, &dyn Display)] = &[("missing", &missing), ("span", &span), ("percent", &shown)];
        add("sequence_gaps", severity, t::Q_GAPS, values);
    }
    if coverage.image_loads == 0 {
        add("no_image_loads", Severity::Info, t::Q_NO_IMAGES, &[]);
    }
    if survey.with_stack == 0 {
        add("no_stacks", Severity::Info, t::Q_NO_STACKS, &[]);
    }
    if let (Some((n, path)), Some(root)) = (elsewhere, &machine.system_root) {
        let values: &[(&str, &dyn Display)] = &[("n", n), ("path", path), ("root", root)];
        add("refused_elsewhere", Severity::Warning, t::Q_ELSEWHERE, values);
    }
    let begin = coverage.begin.or(survey.span.map(|(begin, _)| begin));
    if let (Some(failure), Some(begin)) = (first, begin) {
        let seconds = failure.since(begin).as_secs();
        if seconds < LATE_START && !coverage.without_times {
            let seconds = format!("{seconds:.1}");
            add("capture_started_late", Severity::Info, t::Q_STARTED_LATE, &[("seconds", &seconds)]);
        }
    }
    notes
}

/// How many processes with file-system events are not Windows' own.
pub(super) fn third_parties(catalogue: &VendorCatalogue, survey: &Survey, machine: &Machine) -> u64 {
    let system_root = machine.system_root.as_deref().unwrap_or_default();
    let third_party = |process: &ProcessInfo| {
        let context = PartyContext { pid: process.pid, is_victim: false, system_root };
        classify(catalogue, &ImageFacts::of(process), &context).party == Party::ThirdParty
    };
    let active = survey.active.iter().filter_map(|id| survey.processes.get(id.0 as usize));
    active.filter(|process| third_party(process)).count() as u64
}

/// A step of time in a sentence: `1 ms`, `0.1 s`, `1 min`.
fn shown(step: Ticks) -> String {
    match step.0 {
        ticks if ticks > SECOND.0 => format!("{} min", ticks / SECOND.0 / 60),
        ticks if ticks >= 1_000_000 => format!("{} s", ticks as f64 / SECOND.0 as f64),
        ticks if ticks >= 1_000 => format!("{} ms", ticks as f64 / 10_000.0),
        ticks => format!("{} µs", ticks as f64 / 10.0),
    }
}

/// What is wrong with a row that could not be read.
pub const fn bad_row(reason: BadReason) -> Text {
    match reason {
        BadReason::Quotes => t::ROW_QUOTES,
        BadReason::FieldCount => t::ROW_FIELDS,
        BadReason::TooLong => t::ROW_TOO_LONG,
        BadReason::Pid => t::ROW_PID,
        BadReason::Time => t::ROW_TIME,
        BadReason::NoOperation => t::ROW_NO_OPERATION,
        BadReason::Tag => t::ROW_TAG,
    }
}

fn source_note(note: &SourceNote, lang: Lang, add: &mut impl FnMut(&str, Severity, Text, &[(&str, &dyn Display)])) {
    match note {
        SourceNote::MissingSegment { missing } => {
            add("missing_segment", Severity::Warning, t::Q_MISSING_SEGMENT, &[("missing", missing)]);
        }
        SourceNote::OverlappingSegments { events } => {
            add("overlapping_segments", Severity::Warning, t::Q_OVERLAP, &[("events", events)]);
        }
        SourceNote::SegmentLeftOut { name, reason } => {
            add("segment_left_out", Severity::Warning, t::Q_LEFT_OUT, &[("name", name), ("reason", reason)]);
        }
        SourceNote::Recovered { events, lost_bytes, nameless } => add(
            "recovered",
            Severity::Warning,
            t::Q_RECOVERED,
            &[("events", events), ("lost", lost_bytes), ("nameless", nameless)],
        ),
        SourceNote::Truncated => add("truncated", Severity::Warning, t::Q_TRUNCATED, &[]),
        SourceNote::ClockFromLog => add("clock_from_log", Severity::Info, t::Q_CLOCK_FROM_LOG, &[]),
        SourceNote::LocalTimes => add("local_times", Severity::Info, t::Q_LOCAL_TIMES, &[]),
        SourceNote::WrongEncoding { rows, encoding } => {
            add("wrong_encoding", Severity::Warning, t::Q_ENCODING, &[("n", rows), ("encoding", encoding)]);
        }
        SourceNote::MalformedRows { rows, first_line, reason } => {
            let why = bad_row(*reason).get(lang);
            let values: &[(&str, &dyn Display)] = &[("n", rows), ("line", first_line), ("why", &why)];
            add("malformed_rows", Severity::Warning, t::Q_ROWS, values);
        }
        SourceNote::MissingColumn(Lacking::Thread) => add("no_threads", Severity::Info, t::Q_NO_THREADS, &[]),
        SourceNote::MissingColumn(Lacking::Pid) => add("no_pids", Severity::Error, t::Q_NO_PIDS, &[]),
        SourceNote::MissingColumn(Lacking::ProcessName) => {
            add("no_process_names", Severity::Warning, t::Q_NO_NAMES, &[])
        }
        SourceNote::UnlistedProcesses { stretches } => {
            add("unlisted_processes", Severity::Warning, t::Q_UNLISTED, &[("n", stretches)]);
        }
        SourceNote::RepeatedRows { rows } => add("repeated_rows", Severity::Warning, t::Q_REPEATED, &[("n", rows)]),
        SourceNote::UnknownResults { rows, example } => {
            let values: &[(&str, &dyn Display)] = &[("n", rows), ("example", example)];
            add("unknown_results", Severity::Warning, t::Q_UNKNOWN_RESULTS, values);
        }
        SourceNote::UnreadTimes { first } => {
            add("unread_times", Severity::Warning, t::Q_UNREAD_TIMES, &[("first", first)])
        }
        SourceNote::CoarseTimes { step } => {
            let code = if step.0 == SECOND.0 { "whole_seconds" } else { "coarse_times" };
            add(code, Severity::Warning, t::Q_COARSE, &[("step", &shown(*step))]);
        }
        SourceNote::MissingColumn(Lacking::Time) => add("no_times", Severity::Error, t::Q_NO_TIMES, &[]),
        SourceNote::NoProcessEnds => add("no_process_ends", Severity::Warning, t::Q_NO_ENDS, &[]),
        SourceNote::NoDate => add("no_date", Severity::Info, t::Q_NO_DATE, &[]),
        SourceNote::ShortNames { rows } => add("short_names", Severity::Info, t::Q_SHORT_NAMES, &[("n", rows)]),
    }
}
