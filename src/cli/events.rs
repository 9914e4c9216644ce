//! `pmlblame events`: every event as Procmon shows it.

mod inspect;

use super::args::{GlobalArgs, InputArgs};
use super::exit::Exit;
use super::fail::Fail;
use super::progress::Progress;
use super::{output, term};
use crate::capture::columns::{Column, parse_columns};
use crate::capture::filter::{Filter, Relation, Rule};
use crate::capture::pmc::ProcmonConfig;
use crate::capture::{Capture, EventIndex};
use crate::export::locale::LOCALES;
use crate::export::{Context, Format, Locale, Outcome, Request, Style};
use crate::lang::{Lang, events as t};
use crate::pml::ops::Generation;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Arguments of `events`.
#[derive(Clone, Debug, clap::Args)]
pub struct EventsArgs {
    /// The capture (.PML); of a split one the first file
    #[arg(value_name = "CAPTURE", help_heading = "Input")]
    pub capture: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub input: InputArgs,
    /// Form of the output
    #[arg(long, value_enum, default_value = "table", help_heading = "Output")]
    pub format: FormatArg,
    /// Write FILE, whole or not at all, instead of stdout
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// `default`, `all`, or titles in order, separated by commas: "Time of Day,PID,Path"
    #[arg(long, value_name = "COLUMNS", help_heading = "Output")]
    pub columns: Option<String>,
    /// With stacks (xml and jsonl)
    #[arg(long, help_heading = "Output")]
    pub stacks: bool,
    /// Time zone: `local`, `UTC`, `+08:00` or a name such as `Asia/Shanghai`. As in Procmon one offset, that of the
    /// zone at the first event, is used for every time
    #[arg(long, value_name = "ZONE", default_value = "local", allow_hyphen_values = true, help_heading = "Wording")]
    pub tz: String,
    /// Dates, times and numbers as this locale of Windows writes them
    #[arg(long, value_name = "LOCALE", default_value = "en-US", help_heading = "Wording")]
    pub locale: String,
    /// Wording of this generation of Procmon
    #[arg(long = "as", value_name = "3.4|3.5|3.6|4", default_value = "4", value_parser = parse_generation, help_heading = "Wording")]
    pub generation: Generation,
    /// File operations by their IRP and fast-I/O names, as with "Enable Advanced Output"
    #[arg(long, help_heading = "Wording")]
    pub advanced: bool,
    /// Show only events matching this rule, such as "Path contains InFlight" (repeatable: rules of one column are
    /// alternatives, rules of several must all hold)
    #[arg(long, value_name = "RULE", help_heading = "Selection")]
    pub filter: Vec<String>,
    /// Hide events matching this rule (repeatable)
    #[arg(long, value_name = "RULE", help_heading = "Selection")]
    pub exclude: Vec<String>,
    /// Take columns, filter and mode from a Procmon configuration
    #[arg(long, value_name = "FILE.pmc", help_heading = "Selection")]
    pub pmc: Option<PathBuf>,
    /// Show this event, or range of events, with everything known (repeatable)
    #[arg(long, value_name = "N|N-M", help_heading = "Selection")]
    pub event: Vec<String>,
    /// Show this event with everything known, among its neighbours (repeatable)
    #[arg(long, value_name = "N", help_heading = "Selection")]
    pub around: Vec<u64>,
}

/// A form of output, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FormatArg {
    /// Readable lines.
    Table,
    /// Procmon's CSV.
    Csv,
    /// Procmon's XML.
    Xml,
    /// One JSON object a line.
    Jsonl,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Table => Self::Table,
            FormatArg::Csv => Self::Csv,
            FormatArg::Xml => Self::Xml,
            FormatArg::Jsonl => Self::Jsonl,
        }
    }
}

fn parse_generation(text: &str) -> Result<Generation, String> {
    Generation::parse(text).ok_or_else(|| Generation::ALL.map(|(_, name)| name).join(", "))
}

/// What the terminal gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings {
    /// Language of sentences.
    pub lang: Lang,
    /// Cells of a line, when stdout is a terminal.
    pub width: Option<usize>,
}

/// A run with its arguments understood and its capture open.
#[derive(Debug)]
pub struct Prepared {
    capture: Capture,
    style: Style,
    request: Request,
    /// Events to show with everything known.
    full: Vec<RangeInclusive<u64>>,
    lang: Lang,
    /// Sentences for stderr.
    pub warnings: Vec<String>,
}

/// Neighbours shown on each side by `--around`.
const NEIGHBOURS: u64 = 5;

/// Understands the arguments and opens the capture.
///
/// # Errors
/// The first argument that makes no sense, or the capture's.
pub fn prepare(args: &EventsArgs, surroundings: Surroundings) -> Result<Prepared, Fail> {
    let lang = surroundings.lang;
    let usage = Fail::Usage;
    let mut warnings = Vec::new();
    let locale = Locale::find(&args.locale).ok_or_else(|| {
        let known = LOCALES.iter().map(|locale| locale.tag).collect::<Vec<_>>().join(", ");
        usage(t::NO_LOCALE.fill(lang, &[("name", &args.locale), ("known", &known)]))
    })?;
    let zone = crate::report::time::parse_zone(&args.tz).map_err(Fail::Zone)?;
    let config = match &args.pmc {
        Some(path) => Some(read_config(path, lang, &mut warnings)?),
        None => None,
    };
    let columns = match (&args.columns, &config) {
        (Some(text), _) => parse_columns(text).map_err(|name| {
            let columns = Column::titles().map(|(title, _)| title).collect::<Vec<_>>().join(", ");
            usage(t::NO_COLUMN.fill(lang, &[("name", &name), ("columns", &columns)]))
        })?,
        (None, Some(config)) if !config.columns.is_empty() => config.columns.clone(),
        _ => Column::DEFAULT.to_vec(),
    };
    let advanced = args.advanced || config.as_ref().is_some_and(|config| config.advanced);
    let mut filter = config.map(|config| config.filter).unwrap_or_default();
    add_rules(&mut filter, &args.filter, true, lang)?;
    add_rules(&mut filter, &args.exclude, false, lang)?;

    let capture = Capture::open(&args.capture, &args.input.options())?;
    warnings.extend(super::recover::warnings(&capture, lang));
    warnings.extend(capture.left_out.iter().map(|error| t::LEFT_OUT.fill(lang, &[("why", error)])));
    let first = capture.span().and_then(|(first, _)| first.timestamp()).unwrap_or_default();
    let style =
        Style { generation: args.generation, locale, offset_seconds: zone.to_offset(first).seconds(), advanced };
    let mut prepared = Prepared {
        request: Request {
            format: args.format.into(),
            columns,
            filter,
            events: None,
            stacks: args.stacks,
            width: if args.output.is_none() { surroundings.width } else { None },
        },
        full: Vec::new(),
        capture,
        style,
        lang,
        warnings,
    };
    prepared.choose_events(args)?;
    Ok(prepared)
}

fn read_config(path: &Path, lang: Lang, warnings: &mut Vec<String>) -> Result<ProcmonConfig, Fail> {
    let bad =
        |why: &dyn std::fmt::Display| Fail::Said(t::BAD_CONFIG.fill(lang, &[("file", &path.display()), ("why", why)]));
    let data = std::fs::read(path).map_err(|error| bad(&error))?;
    let config = ProcmonConfig::parse(&data).map_err(|error| bad(&error))?;
    if !config.unknown_columns.is_empty() {
        let numbers = config.unknown_columns.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        warnings.push(t::UNKNOWN_COLUMNS.fill(lang, &[("file", &path.display()), ("numbers", &numbers)]));
    }
    Ok(config)
}

fn add_rules(filter: &mut Filter, rules: &[String], include: bool, lang: Lang) -> Result<(), Fail> {
    for text in rules {
        let rule = Rule::parse(text, include).map_err(|_| {
            let relations = Relation::ALL.map(|(_, name)| name).join(", ");
            Fail::Usage(t::NO_RULE.fill(lang, &[("rule", text), ("relations", &relations)]))
        })?;
        filter.rules.push(rule);
    }
    Ok(())
}

/// The filter of a Procmon configuration and of rules; what the configuration holds that is not known is warned about.
///
/// # Errors
/// A configuration that cannot be read, or a rule that is none.
pub(super) fn filter(
    pmc: Option<&Path>,
    include: &[String],
    exclude: &[String],
    lang: Lang,
    warnings: &mut Vec<String>,
) -> Result<Filter, Fail> {
    let mut filter = match pmc {
        Some(path) => read_config(path, lang, warnings)?.filter,
        None => Filter::default(),
    };
    add_rules(&mut filter, include, true, lang)?;
    add_rules(&mut filter, exclude, false, lang)?;
    Ok(filter)
}

/// Event numbers and ranges below `count`.
///
/// # Errors
/// One that is no number, or too large.
pub(super) fn event_ranges(texts: &[String], count: u64, lang: Lang) -> Result<Vec<RangeInclusive<u64>>, Fail> {
    let mut ranges = Vec::new();
    for text in texts {
        let range = parse_events(text).ok_or_else(|| Fail::Usage(t::NO_NUMBER.fill(lang, &[("text", text)])))?;
        if *range.end() >= count {
            return Err(Fail::Usage(t::NO_EVENT.fill(lang, &[("event", range.end()), ("count", &count)])));
        }
        ranges.push(range);
    }
    Ok(ranges)
}

/// `12`, `12-20` or `12..20`.
fn parse_events(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.split_once("..").or_else(|| text.split_once('-')).unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().trim_start_matches('=').parse().ok()?);
    if first <= last { Some(first..=last) } else { None }
}

impl Prepared {
    fn choose_events(&mut self, args: &EventsArgs) -> Result<(), Fail> {
        if args.event.is_empty() && args.around.is_empty() {
            return Ok(());
        }
        let count = self.capture.event_count();
        let mut single = Vec::new();
        for text in &args.event {
            let range =
                parse_events(text).ok_or_else(|| Fail::Usage(t::NO_NUMBER.fill(self.lang, &[("text", text)])))?;
            single.push(range);
        }
        single.extend(args.around.iter().map(|number| *number..=*number));
        if let Some(missing) = single.iter().map(|range| *range.end()).find(|end| *end >= count) {
            return Err(Fail::Usage(t::NO_EVENT.fill(self.lang, &[("event", &missing), ("count", &count)])));
        }
        let around = args
            .around
            .iter()
            .map(|number| number.saturating_sub(NEIGHBOURS)..=number.saturating_add(NEIGHBOURS))
            .collect::<Vec<_>>();
        if self.request.format == Format::Table {
            self.full = single;
            // Neighbours are shown whatever the filter.
            self.request.filter = Filter::default();
            self.request.events = Some(around);
        } else {
            single.extend(around);
            self.request.events = Some(single);
        }
        Ok(())
    }

    /// How many events the export goes through, for a progress bar.
    pub fn events(&self) -> u64 {
        match &self.request.events {
            None => self.capture.event_count(),
            Some(ranges) => ranges.iter().map(|range| range.end() - range.start() + 1).sum(),
        }
    }

    /// Writes everything to `out`, which goes to `path`.
    ///
    /// # Errors
    /// Those of `out`, or an event to show that cannot be read.
    pub fn write(
        &self,
        path: &Path,
        out: &mut (dyn Write + Send),
        progress: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<Outcome, Fail> {
        let context = Context::new(&self.capture, self.style);
        let lines = self.full.is_empty() || self.request.events.as_ref().is_some_and(|events| !events.is_empty());
        let outcome = if lines {
            context.write(&self.request, out, progress).map_err(output::written(path))?
        } else {
            Outcome::default()
        };
        for (at, number) in self.full.iter().cloned().flatten().enumerate() {
            if lines || at > 0 {
                out.write_all(b"\n").map_err(output::written(path))?;
            }
            let Some(inspected) = context.inspect(EventIndex(number)) else { continue };
            let inspected = inspected.map_err(|error| Fail::Said(error.to_string()))?;
            let file = self.capture.locate(EventIndex(number)).map(|(segment, _)| segment.file_name());
            inspect::print(&inspected, &file.unwrap_or_default(), self.lang, out).map_err(output::written(path))?;
        }
        Ok(outcome)
    }

    /// The sentences about what the export met.
    pub fn complaints(&self, outcome: &Outcome) -> Vec<String> {
        let mut lines = Vec::new();
        let first = outcome.first_bad.unwrap_or_default();
        if outcome.broken > 0 {
            lines.push(t::BROKEN.fill(self.lang, &[("count", &outcome.broken), ("event", &first)]));
        }
        if outcome.unreadable > 0 {
            lines.push(t::UNREADABLE.fill(self.lang, &[("count", &outcome.unreadable)]));
        }
        lines
    }
}

/// Runs the command.
///
/// # Errors
/// Bad arguments, a capture that cannot be read, an output that cannot be written.
pub fn run(args: &EventsArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let lang = global.language();
    let width = if term::stdout_is_terminal() { term::width().map(usize::from) } else { None };
    let prepared = prepare(args, Surroundings { lang, width })?;
    for line in &prepared.warnings {
        term::warn(line);
    }
    let visible = !global.quiet && (args.output.is_some() || width.is_none());
    let progress = Progress::new(prepared.events(), visible, lang);
    let advance = |events| progress.advance(events);
    let outcome = match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => {
            let mut out = io::BufWriter::with_capacity(1 << 18, output::Unfinished::create(path)?);
            let outcome = prepared.write(path, &mut out, &advance)?;
            out.into_inner().map_err(|error| output::written(path)(error.into_error()))?.finish()?;
            outcome
        }
        None => {
            let path = Path::new("-");
            let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout());
            let outcome = prepared.write(path, &mut out, &advance)?;
            out.flush().map_err(output::written(path))?;
            outcome
        }
    };
    progress.finish();
    for line in prepared.complaints(&outcome) {
        term::warn(&line);
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_numbers_and_ranges() {
        assert_eq!(parse_events("12"), Some(12..=12));
        assert_eq!(parse_events("12-20"), Some(12..=20));
        assert_eq!(parse_events("12..20"), Some(12..=20));
        assert_eq!(parse_events("20-12"), None);
        assert_eq!(parse_events("x"), None);
        assert_eq!(parse_events("-3"), None);
    }
}
