//! `pmlblame why`: the story of one failure. `pmlblame audit`: the self-check of a capture.

use super::args::{GlobalArgs, InputArgs, ShowArgs};
use super::blame::{catalogue, files, notes, open, zone};
use super::exit::Exit;
use super::fail::Fail;
use super::output;
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
    /// Number of the failed event, as `blame` prints it.
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
/// When the capture cannot be read, or the event is no lock failure.
pub fn run_why(args: &WhyArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let zone = zone(args.show.tz.as_deref())?;
    let capture = open(&args.capture, args.input)?;
    let catalogue = catalogue(args.show.vendors.as_deref())?;
    let options = CaseOptions {
        scope: ScopeOptions::default(),
        lang: global.language(),
        catalogue: &catalogue,
        generated: None,
        files: files(&capture, false),
        notes: notes(&capture),
    };
    let story =
        assemble::story(&capture, EventIndex(args.event), &options).map_err(|none| {
            let (text, events) = match none {
                NoStory::NoSuchEvent => (t::NO_SUCH_EVENT, capture.event_count()),
                NoStory::NotALockFailure => (t::NOT_A_LOCK, capture.event_count()),
            };
            Fail::Said(text.fill(
                global.language(),
                &[("file", &args.capture.display()), ("event", &args.event), ("events", &events)],
            ))
        })?;
    if let Some(file) = &args.json {
        output::write(file, |out| json::write(out, &story).map_err(output::written(file)))?;
    }
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
    let zone = zone(args.show.tz.as_deref())?;
    let capture = open(&args.capture, args.input)?;
    let catalogue = catalogue(args.show.vendors.as_deref())?;
    let options = CaseOptions {
        scope: ScopeOptions::default(),
        lang: global.language(),
        catalogue: &catalogue,
        generated: FileTime::from_timestamp(jiff::Timestamp::now()),
        files: files(&capture, args.json.is_some()),
        notes: notes(&capture),
    };
    let record = assemble::audit(&capture, &options);
    if let Some(file) = &args.json {
        output::write(file, |out| json::write(out, &record).map_err(output::written(file)))?;
    }
    if args.json.as_deref() != Some(Path::new("-")) {
        let text = audit::render(&record, &args.show.style(global, zone));
        output::stdout(|out| out.write_all(text.as_bytes()).map_err(output::written(Path::new("-"))))?;
    }
    Ok(Exit::Done)
}
