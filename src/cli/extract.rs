//! `pmlblame extract`: a smaller capture of chosen events, with names replaced when asked.

use super::exit::Exit;
use super::fail::Fail;
use super::filters::{CopiedRules, event_ranges};
use super::input::Opened;
use super::options::{self, CaptureArgs, GlobalArgs, InputArgs, ScopeArgs};
use super::redact::redactor;
use super::{input, output, recover, term};
use crate::assemble::{self, CaseOptions};
use crate::blame::scope::Scope;
use crate::capture::chunk::Chunk;
use crate::capture::mark::{self, Original};
use crate::capture::pmc::ProcmonConfig;
use crate::capture::select::Selection;
use crate::capture::source::Source;
use crate::capture::{Capture, EventIndex};
use crate::export::pml::{Options, learn};
use crate::export::{Context, Style};
use crate::lang::{Lang, recover as t};
use crate::nt::FileTime;
use crate::redact::Redaction;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Arguments of `extract`.
#[derive(Clone, Debug, clap::Args)]
pub struct ExtractArgs {
    /// The capture (.PML); of a split one the first file
    #[arg(value_name = "CAPTURE", help_heading = "Input")]
    pub capture: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub input: CaptureArgs,
    /// The capture to write, whole or not at all
    #[arg(short, long, value_name = "SMALL.PML", help_heading = "Output")]
    pub output: PathBuf,
    /// Everything the verdict rests on: each operation on the files concerned, and the life of processes. What --event,
    /// --filter, --exclude or --pmc choose comes in addition
    #[arg(long, help_heading = "Selection")]
    pub case: bool,
    /// With --case: also everything within so many seconds of a failure
    #[arg(long, value_name = "SECONDS", help_heading = "Selection")]
    pub context: Option<f64>,
    /// This event, or range of events (repeatable)
    #[arg(long, value_name = "N|N-M", help_heading = "Selection")]
    pub event: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub rules: CopiedRules,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub scope: ScopeArgs,
    /// Replace the names of computer, users, hosts and profile folders, SIDs and IP addresses
    #[arg(long, help_heading = "Output")]
    pub redact: bool,
    /// With --redact: the key file that maps names back. Used when it exists, so that the same names get the same
    /// pseudonyms as before; written in any case
    #[arg(long, alias = "key", value_name = "FILE", help_heading = "Output")]
    pub redact_key: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Arguments that choose nothing, a capture that cannot be read, an output that cannot be written.
pub fn run_extract(args: &ExtractArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let lang = global.language();
    let usage = |text: crate::lang::Text| Err(Fail::Usage(text.get(lang).to_owned()));
    if args.redact_key.is_some() && !args.redact {
        return usage(t::KEY_ALONE);
    }
    if args.context.is_some() && !args.case {
        return usage(t::CONTEXT_ALONE);
    }
    let by_rule = !args.rules.rules().is_empty();
    if !args.case && args.event.is_empty() && !by_rule {
        return usage(t::CHOOSE);
    }
    output::check_places(&args.capture, Some(&args.output), lang)?;
    let input = InputArgs { capture: args.input.clone(), ..InputArgs::default() };
    let opened = Opened::open(&args.capture, &input)?;
    let Some(capture) = opened.capture() else {
        return Err(Fail::Said(t::NO_EXTRACT.fill(lang, &[("file", &args.capture.display())])));
    };
    opened.warnings(lang).iter().for_each(|line| term::warn(line));

    let mut chosen = BTreeSet::new();
    let mut mark = None;
    if args.case {
        let (events, of_case) = case_events(capture, args, global)?;
        chosen.extend(events);
        mark = Some(of_case);
    }
    if !args.event.is_empty() || by_rule {
        chosen.extend(rule_events(capture, args, lang)?);
    }
    if chosen.is_empty() {
        return Err(Fail::Said(t::NOTHING.get(lang).to_owned()));
    }
    let redaction = if args.redact { Some(redaction(capture, args, lang)?) } else { None };
    let options = Options { redaction: redaction.as_ref(), mark: mark.as_deref(), ..Options::default() };
    let count = chosen.len() as u64;
    let written = recover::write_capture(capture, chosen.into_iter(), count, &options, &args.output, global)?;
    let mut lines = recover::written_lines(&written, &args.output, lang);
    if let Some(redaction) = &redaction {
        let key = redaction.key();
        lines.push(t::REDACTED.fill(lang, &[("count", &key.names.len())]));
        if let Some(path) = &args.redact_key {
            output::write(path, |out| writeln!(out, "{}", key.to_json()).map_err(output::written(path)))?;
            lines.push(t::KEY.fill(lang, &[("file", &path.display())]));
        }
    }
    recover::say(&lines)
}

/// Everything the verdict rests on and what happened around the failures, with the mark that says how complete the
/// original was.
fn case_events(
    capture: &Capture,
    args: &ExtractArgs,
    global: &GlobalArgs,
) -> Result<(BTreeSet<EventIndex>, String), Fail> {
    let lang = global.language();
    let catalogue = options::catalogue(None)?;
    let zone = options::zone(None)?;
    let day = capture.span().map(|(first, _)| first);
    let options = CaseOptions {
        scope: options::scope(&args.scope, &zone, day, global)?,
        lang,
        catalogue: &catalogue,
        generated: None,
        files: input::files(capture, false),
        notes: input::notes(capture),
        filter: None,
    };
    let case = assemble::analyse(capture as &dyn Source, &options)?;
    let mut events: BTreeSet<EventIndex> = case.log.ops.iter().map(|op| op.event).collect();
    let failures = case.record.failures.iter().map(|failure| EventIndex(failure.event));
    events.extend(failures.clone());
    events.extend(&case.log.beside);
    if events.is_empty() {
        // That nothing was refused is shown by what the victims did in the folders asked about.
        let source = capture as &dyn Source;
        let scope = Scope::new(&options.scope, source.machine().system_root.as_deref())?;
        let log = source.collect(&Selection::everything(), &source.survey(), &|_| false);
        let concerned = log.ops.iter().filter(|op| scope.contains(op, &log.processes, &log.paths));
        events.extend(concerned.map(|op| op.event));
    }
    if let Some(seconds) = args.context.filter(|seconds| *seconds > 0.0) {
        // 100 ns ticks; a float converts to the nearest integer, at most the largest.
        let reach = (seconds * 1e7) as u64;
        let times = failures.filter_map(|index| Some(capture.event(index)?.ok()?.time()));
        let windows: Vec<_> =
            times.map(|time| FileTime(time.0.saturating_sub(reach))..=FileTime(time.0.saturating_add(reach))).collect();
        let chosen = |chunk: Chunk<'_>| {
            let near = |time: FileTime| windows.iter().any(|window| window.contains(&time));
            chunk
                .events()
                .filter(|(_, event)| event.as_ref().is_ok_and(|event| near(event.time())))
                .map(|(index, _)| index)
                .collect::<Vec<_>>()
        };
        capture.in_chunks(chosen, |part| events.extend(part));
    }
    let (_, by_index) = capture.processes();
    let unclosed = by_index.iter().filter_map(|(index, id)| {
        let opens = case.log.processes.get(id.0 as usize)?.unclosed;
        (opens > 0).then_some((*index, opens))
    });
    // A record that could not be read stays between the same two events.
    let mut broken: Vec<EventIndex> = Vec::new();
    let (mut kept, mut before) = (events.iter().peekable(), 0);
    for lost in &case.lost {
        while kept.next_if(|event| *event < lost).is_some() {
            before += 1;
        }
        if broken.last() != Some(&EventIndex(before)) {
            broken.push(EventIndex(before));
        }
    }
    let mut original = Original { coverage: case.log.coverage, unclosed: unclosed.collect(), broken };
    original.unclosed.sort_unstable();
    Ok((events, mark::text(&original, &options.scope.digest())))
}

/// The events that numbers and rules choose.
fn rule_events(capture: &Capture, args: &ExtractArgs, lang: Lang) -> Result<Vec<EventIndex>, Fail> {
    let mut warnings = Vec::new();
    let ProcmonConfig { filter, advanced, .. } = args.rules.rules().read(lang, &mut warnings)?;
    warnings.iter().for_each(|line| term::warn(line));
    let numbers = event_ranges(&args.event, capture.event_count(), lang)?;
    let style = Style { advanced, ..Style::default() };
    let numbers = if args.event.is_empty() { None } else { Some(numbers.as_slice()) };
    Ok(Context::new(capture, style).choose(&filter, numbers))
}

/// Learns what to replace, from all events: a name may be told by one that is not chosen.
fn redaction(capture: &Capture, args: &ExtractArgs, lang: Lang) -> Result<Redaction, Fail> {
    let mut redactor = redactor(args.redact_key.as_deref(), lang)?;
    learn(capture, (0..capture.event_count()).map(EventIndex), &mut redactor);
    Ok(redactor.seal())
}
