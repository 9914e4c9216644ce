//! `pmlblame why`: the story of one event. `pmlblame audit`: the self-check of a capture.

use super::exit::Exit;
use super::fail::Fail;
use super::filters::{CheckedRules, FailureRules};
use super::input::Opened;
use super::options::{GlobalArgs, InputArgs, ShowArgs, catalogue, zone};
use super::output;
use super::redact::Pseudonyms;
use crate::assemble::{self, CaseOptions, NoStory};
use crate::blame::scope::ScopeOptions;
use crate::capture::EventIndex;
use crate::case::Story;
use crate::lang::{filters as f, why as t};
use crate::nt::FileTime;
use crate::report::{audit, json, why};
use std::path::{Path, PathBuf};

/// Arguments of `why`.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// The capture.
    #[arg(value_name = "CAPTURE")]
    pub capture: PathBuf,
    /// Number of the failed event, as `blame` prints it, or of another operation on a file; else a filter chooses
    #[arg(long, short, value_name = "N", required_unless_present_any = ["filter", "exclude", "pmc"], help_heading = "Selection")]
    pub event: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub rules: FailureRules,
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
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub rules: CheckedRules,
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

/// Most failures told by one call.
const MOST: usize = 20;

/// Runs `why`.
///
/// # Errors
/// When the capture cannot be read, or the event is no operation on a file.
pub fn run_why(args: &WhyArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let lang = global.language();
    output::check_places(&args.capture, args.json.as_deref(), lang)?;
    let zone = zone(args.show.tz.as_deref())?;
    let input = Opened::open(&args.capture, &args.input)?;
    let zone = input.zone(zone);
    let catalogue = catalogue(args.show.vendors.as_deref())?;
    let rules = args.rules.rules().of_failures(lang)?;
    let options = CaseOptions {
        scope: ScopeOptions::default(),
        lang,
        catalogue: &catalogue,
        generated: None,
        files: input.files(false)?,
        notes: input.notes(),
        filter: rules.as_ref().and_then(|rules| rules.of(&input, &zone)),
    };
    let mut stories = match args.event {
        Some(event) => vec![one(args, event, &input, &options)?],
        None => several(args, &input, &options)?,
    };
    input.bad_rows(lang).iter().for_each(|line| super::term::warn(line));
    let mut pseudonyms = Pseudonyms::new(&args.show.redact, lang)?;
    pseudonyms.learn_input(&input, &args.capture)?;
    stories.iter().try_for_each(|story| pseudonyms.learn(story))?;
    stories = stories.into_iter().map(|story| pseudonyms.disguise(story)).collect::<Result<_, _>>()?;
    if let Some(file) = &args.json {
        let write = |out: &mut dyn std::io::Write| match (args.event, stories.as_slice()) {
            (Some(_), [story]) => json::write(out, story),
            (_, stories) => json::write(out, &stories),
        };
        output::write(file, |out| write(out).map_err(output::written(file)))?;
    }
    pseudonyms.keep(&args.show.redact)?;
    if args.json.as_deref() != Some(Path::new("-")) {
        let style = args.show.style(global, zone);
        let texts: Vec<String> = stories.iter().map(|story| why::render(story, &style)).collect();
        output::stdout(|out| out.write_all(texts.join("\n").as_bytes()).map_err(output::written(Path::new("-"))))?;
    }
    Ok(Exit::Done)
}

/// The story of event `event`.
fn one(args: &WhyArgs, event: u64, input: &Opened, options: &CaseOptions<'_>) -> Result<Story, Fail> {
    let told = assemble::story(input.source(), EventIndex(event), options);
    told.map_err(|none| {
        let events: u64 = options.files.iter().map(|file| file.events).sum();
        let (text, refused) = match none {
            NoStory::NoSuchEvent => (t::NO_SUCH_EVENT, String::new()),
            NoStory::NoFile { refused, .. } if refused.is_empty() => (t::NO_FILE_NONE, String::new()),
            NoStory::NoFile { refused, more } => {
                let list = refused.iter().map(u64::to_string).collect::<Vec<_>>().join(options.lang.comma());
                let rest = if more > 0 { options.lang.remark(format_args!("+{more}")) } else { String::new() };
                (t::NO_FILE, list + &rest)
            }
        };
        let values: &[(&str, &dyn std::fmt::Display)] =
            &[("file", &args.capture.display()), ("event", &event), ("events", &events), ("refused", &refused)];
        Fail::Said(text.fill(options.lang, values))
    })
}

/// The stories of the failures that pass the filter.
fn several(args: &WhyArgs, input: &Opened, options: &CaseOptions<'_>) -> Result<Vec<Story>, Fail> {
    let (stories, more, refused) = assemble::stories(input.source(), MOST, options);
    let file = args.capture.display();
    if stories.is_empty() {
        let text = if refused == 0 { f::NOTHING_REFUSED } else { f::NO_STORY };
        return Err(Fail::Said(text.fill(options.lang, &[("file", &file), ("n", &refused)])));
    }
    if more > 0 {
        let values: &[(&str, &dyn std::fmt::Display)] = &[("file", &file), ("n", &more), ("told", &stories.len())];
        super::term::warn(&f::MORE_STORIES.fill(options.lang, values));
    }
    Ok(stories)
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
    let rules = args.rules.rules().of_failures(global.language())?;
    let options = CaseOptions {
        scope: ScopeOptions::default(),
        lang: global.language(),
        catalogue: &catalogue,
        generated: FileTime::from_timestamp(jiff::Timestamp::now()),
        files: input.files(args.json.is_some())?,
        notes: input.notes(),
        filter: rules.as_ref().and_then(|rules| rules.of(&input, &zone)),
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
