//! `pmlblame why`: the story of one event. `pmlblame audit`: the self-check of a capture.

use super::args::{GlobalArgs, InputArgs, ShowArgs};
use super::blame::{catalogue, zone};
use super::exit::Exit;
use super::fail::Fail;
use super::input::Opened;
use super::output;
use super::redact::Pseudonyms;
use crate::assemble::{self, CaseOptions, NoStory};
use crate::blame::scope::ScopeOptions;
use crate::capture::EventIndex;
use crate::lang::why as t;
use crate::nt::FileTime;
use crate::report::{audit, json, why};
use std::path::{Path, PathBuf};

/// Arguments of `why`.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// The capture.
    #[arg(value_name = "CAPTURE")]
    pub capture: PathBuf,
    /// Number of the failed event, as `blame` prints it; or of another operation on a file.
    #[arg(long, short, value_name = "N")]
    pub event: u64,
    /// Write the story as JSON to FILE, or to stdout with `-`.
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub input: InputArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub show: ShowArgs,
}

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// The capture.
    #[arg(value_name = "CAPTURE")]
    pub capture: PathBuf,
    /// Write the numbers as JSON to FILE, or to stdout with `-`.
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub input: InputArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub show: ShowArgs,
}

/// Runs `why`.
///
/// # Errors
/// When the capture cannot be read, or the event is no operation on a file.
pub fn run_why(args: &WhyArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    output::check_places(&args.capture, args.json.as_deref(), global.language())?;
    let zone = zone(args.show.tz.as_deref())?;
    let input = Opened::open(&args.capture, &args.input)?;
    let zone = input.zone(zone);
    let catalogue = catalogue(args.show.vendors.as_deref())?;
    let options = CaseOptions {
        scope: ScopeOptions::default(),
        lang: global.language(),
        catalogue: &catalogue,
        generated: None,
        files: input.files(false)?,
        notes: input.notes(),
    };
    let story = assemble::story(input.source(), EventIndex(args.event), &options).map_err(|none| {
        let lang = global.language();
        let events: u64 = options.files.iter().map(|file| file.events).sum();
        let (text, refused) = match none {
            NoStory::NoSuchEvent => (t::NO_SUCH_EVENT, String::new()),
            NoStory::NoFile { refused, .. } if refused.is_empty() => (t::NO_FILE_NONE, String::new()),
            NoStory::NoFile { refused, more } => {
                let list = refused.iter().map(u64::to_string).collect::<Vec<_>>().join(lang.comma());
                let rest = if more > 0 { lang.remark(format_args!("+{more}")) } else { String::new() };
                (t::NO_FILE, list + &rest)
            }
        };
        let values: &[(&str, &dyn std::fmt::Display)] =
            &[("file", &args.capture.display()), ("event", &args.event), ("events", &events), ("refused", &refused)];
        Fail::Said(text.fill(lang, values))
    })?;
    input.bad_rows(global.language()).iter().for_each(|line| super::term::warn(line));
    let mut pseudonyms = Pseudonyms::new(&args.show.redact, global.language())?;
    pseudonyms.learn_input(&input, &args.capture)?;
    let story = pseudonyms.record(story)?;
    if let Some(file) = &args.json {
        output::write(file, |out| json::write(out, &story).map_err(output::written(file)))?;
    }
    pseudonyms.keep(&args.show.redact)?;
    if args.json.as_deref() != Some(Path::new("-")) {
        let text = why::render(&story, &args.show.style(global, zone));
        output::stdout(|out| out.write_all(text.as_bytes()).map_err(output::written(Path::new("-"))))?;
    }
    Ok(Exit::Done)
}

/// Runs `audit`.
///
/// # Errors
/// When the capture cannot be read.
pub fn run_audit(args: &AuditArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    output::check_places(&args.capture, args.json.as_deref(), global.language())?;
    let zone = zone(args.show.tz.as_deref())?;
    let input = Opened::open(&args.capture, &args.input)?;
    let zone = input.zone(zone);
    let catalogue = catalogue(args.show.vendors.as_deref())?;
    let options = CaseOptions {
        scope: ScopeOptions::default(),
        lang: global.language(),
        catalogue: &catalogue,
        generated: FileTime::from_timestamp(jiff::Timestamp::now()),
        files: input.files(args.json.is_some())?,
        notes: input.notes(),
    };
    let record = assemble::audit(input.source(), &options);
    input.bad_rows(global.language()).iter().for_each(|line| super::term::warn(line));
    let mut pseudonyms = Pseudonyms::new(&args.show.redact, global.language())?;
    pseudonyms.learn_input(&input, &args.capture)?;
    let record = pseudonyms.record(record)?;
    if let Some(file) = &args.json {
        output::write(file, |out| json::write(out, &record).map_err(output::written(file)))?;
    }
    pseudonyms.keep(&args.show.redact)?;
    if args.json.as_deref() != Some(Path::new("-")) {
        let text = audit::render(&record, &args.show.style(global, zone));
        output::stdout(|out| out.write_all(text.as_bytes()).map_err(output::written(Path::new("-"))))?;
    }
    Ok(Exit::Done)
}
