//! `pmlblame recover`: what a damaged capture still holds, written as a sound one.

use super::exit::Exit;
use super::fail::{self, Fail};
use super::options::GlobalArgs;
use super::output::{self, Unfinished};
use super::progress::Progress;
use crate::assemble::SourceNote;
use crate::capture::{Capture, EventIndex, Rescue};
use crate::export::pml::{ExtractError, Options, Tables, Written, extract};
use crate::import::{self, Input, PmlInput};
use crate::lang::{Lang, recover as t};
use crate::pml::recover::{RescueReport, TableState};
use std::path::{Path, PathBuf};

/// Arguments of `recover`.
#[derive(Clone, Debug, clap::Args)]
pub struct RecoverArgs {
    /// The damaged capture
    #[arg(value_name = "BROKEN.PML", help_heading = "Input")]
    pub capture: PathBuf,
    /// The capture to write, whole or not at all
    #[arg(short, long, value_name = "FIXED.PML", help_heading = "Output")]
    pub output: PathBuf,
    /// Read the file instead of mapping it: a large one into a temporary copy, so that memory does not grow
    #[arg(long, help_heading = "Advanced")]
    pub no_mmap: bool,
}

/// Runs the command.
///
/// # Errors
/// A file that is no capture or holds nothing, or an output that cannot be written.
pub fn run_recover(args: &RecoverArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let lang = global.language();
    output::check_places(&args.capture, Some(&args.output), lang)?;
    let (input, report) = open(args, lang)?;
    let capture = &input.capture;
    let options = Options { tables: Tables::All, ..Options::default() };
    let events = (0..capture.event_count()).map(EventIndex);
    let written = write_capture(capture, events, capture.event_count(), &options, &args.output, global)?;
    let mut lines: Vec<String> = begins_behind(&input, lang).into_iter().collect();
    lines.extend(match &report {
        None => vec![t::SOUND.fill(lang, &[("file", &args.capture.display())])],
        Some(report) => {
            let bits = capture.header().map_or(64, |header| header.pointer.pick(32, 64));
            report_lines(report, bits, lang)
        }
    });
    lines.extend(written_lines(&written, &args.output, lang));
    say(&lines)
}

fn open(args: &RecoverArgs, lang: Lang) -> Result<(PmlInput, Option<RescueReport>), Fail> {
    import::open_verified(&args.capture, !args.no_mmap).map_err(|error| {
        let is_export = matches!(import::open(&args.capture, &import::OpenOptions::default()), Ok(Input::Export(_)));
        if is_export {
            return Fail::Said(t::RECOVER_EXPORT.fill(lang, &[("file", &args.capture.display())]));
        }
        error.into()
    })
}

/// That a capture does not begin where its file does.
pub fn begins_behind(input: &PmlInput, lang: Lang) -> Option<String> {
    let segment = input.capture.segments().first().filter(|_| input.before > 0)?;
    let at = format!("{:#x}", input.before);
    let values: [(&str, &dyn std::fmt::Display); 3] =
        [("file", &segment.path.display()), ("at", &at), ("n", &input.before)];
    Some(crate::lang::fail::BEGINS_BEHIND.fill(lang, &values))
}

/// Prints lines to stdout.
pub(super) fn say(lines: &[String]) -> Result<Exit, Fail> {
    output::stdout(|out| {
        lines.iter().try_for_each(|line| {
            writeln!(out, "{}", crate::report::escape::terminal(line)).map_err(output::written(Path::new("-")))
        })
    })?;
    Ok(Exit::Done)
}

/// Writes `events` of `capture` to `place`, whole or not at all.
pub(super) fn write_capture(
    capture: &Capture,
    events: impl Iterator<Item = EventIndex>,
    count: u64,
    options: &Options<'_>,
    place: &Path,
    global: &GlobalArgs,
) -> Result<Written, Fail> {
    let progress = Progress::new(count, !global.quiet, global.language());
    let advance = |events| progress.advance(events);
    let options = Options { progress: Some(&advance), ..*options };
    let out = Unfinished::create(place)?;
    let result = extract(capture, events, &options, out);
    progress.finish();
    let (out, written) = result.map_err(|error| {
        let source = match error {
            ExtractError::Write(crate::pml::write::WriteError::Io(source)) => source,
            other => std::io::Error::other(other.to_string()),
        };
        Fail::Write { path: place.to_owned(), source }
    })?;
    out.finish()?;
    Ok(written)
}

pub(super) fn written_lines(written: &Written, place: &Path, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    if written.system_added {
        lines.push(t::SYSTEM_ADDED.get(lang).to_owned());
    }
    if written.unreadable > 0 {
        lines.push(t::UNREADABLE.fill(lang, &[("count", &written.unreadable)]));
    }
    if written.without_extra > 0 {
        lines.push(t::LOST_EXTRAS.fill(lang, &[("count", &written.without_extra)]));
    }
    lines.push(t::WROTE.fill(
        lang,
        &[
            ("file", &place.display()),
            ("events", &written.events),
            ("processes", &written.processes),
            ("modules", &written.modules),
            ("strings", &written.strings),
        ],
    ));
    lines
}

/// What a rescue found, line by line.
fn report_lines(report: &RescueReport, bits: usize, lang: Lang) -> Vec<String> {
    let cause = &report.cause;
    let (region, at) = (fail::region(cause.region, lang), format!("{:#x}", cause.at));
    let what = fail::what(cause, lang);
    let mut lines = vec![t::CAUSE.fill(lang, &[("region", &region), ("at", &at), ("what", &what)])];
    match &report.walk {
        None => lines.push(t::BY_ARRAY.fill(lang, &[("events", &report.events)])),
        Some(walk) => {
            lines.push(t::BY_WALK.fill(lang, &[("events", &report.events), ("header", &report.events_by_header)]));
            if walk.places > 0 {
                let at = format!("{:#x}", walk.first_place.unwrap_or_default());
                let values: [(&str, &dyn std::fmt::Display); 3] =
                    [("bytes", &walk.skipped), ("places", &walk.places), ("at", &at)];
                lines.push(t::SKIPPED.fill(lang, &values));
            }
            if walk.doubtful > 0 {
                lines.push(t::DOUBTFUL.fill(lang, &[("count", &walk.doubtful)]));
            }
            if walk.cut_event {
                lines.push(t::CUT_EVENT.get(lang).to_owned());
            }
            if walk.zero_tail > 3 {
                lines.push(t::ZERO_TAIL.fill(lang, &[("bytes", &walk.zero_tail)]));
            }
        }
    }
    if report.pointer_guessed {
        lines.push(t::POINTER_GUESSED.fill(lang, &[("bits", &bits)]));
    }
    let state = |state: TableState| match state {
        TableState::Intact => t::INTACT.get(lang).to_owned(),
        TableState::Partial { lost } => t::PARTIAL.fill(lang, &[("lost", &lost)]),
        TableState::Lost => t::LOST.get(lang).to_owned(),
    };
    lines.push(t::STRINGS.fill(lang, &[("state", &state(report.strings))]));
    lines.push(t::PROCESS_TABLE.fill(lang, &[("state", &state(report.process_table))]));
    lines.push(t::HOSTS.fill(lang, &[("state", &state(report.hosts))]));
    let processes = &report.processes;
    lines.push(t::PROCESSES.fill(
        lang,
        &[
            ("table", &processes.from_table),
            ("rebuilt", &processes.rebuilt),
            ("pid", &processes.pid_only),
            ("nameless", &processes.nameless),
        ],
    ));
    lines.push(t::NAMED.fill(lang, &[("named", &processes.events_named), ("events", &report.events)]));
    lines
}

/// One line a rescued file, for stderr.
pub fn warnings(capture: &Capture, lang: Lang) -> Vec<String> {
    let line = |Rescue { path, report }: &Rescue| {
        let (region, at) = (fail::region(report.cause.region, lang), format!("{:#x}", report.cause.at));
        let what = fail::what(&report.cause, lang);
        let values: [(&str, &dyn std::fmt::Display); 5] =
            [("file", &path.display()), ("region", &region), ("at", &at), ("what", &what), ("events", &report.events)];
        t::RESCUED.fill(lang, &values)
    };
    capture.rescues.iter().map(line).collect()
}

/// What rescues mean for the quality of an analysis.
pub fn notes(capture: &Capture) -> impl Iterator<Item = SourceNote> + '_ {
    capture.rescues.iter().flat_map(|Rescue { report, .. }| {
        let walk = report.walk.as_ref();
        let recovered = SourceNote::Recovered {
            events: report.events.into(),
            lost_bytes: walk.map_or(0, |walk| walk.skipped),
            nameless: report.processes.nameless + report.processes.pid_only,
        };
        let cut = walk.is_some_and(|walk| walk.cut_event);
        std::iter::once(recovered).chain(cut.then_some(SourceNote::Truncated))
    })
}
