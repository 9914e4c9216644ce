//! `pmlblame events`: every event as Procmon shows it.

mod asked;
mod captured;
mod inspect;
mod rows;

use super::exit::Exit;
use super::fail::Fail;
use super::filters::ShownRules;
use super::input::Opened;
use super::options::{GlobalArgs, InputArgs, expand};
use super::redact::redactor;
use super::{output, redact, term};
use crate::export::{Format, Request};
use crate::lang::{Lang, events as t};
use crate::pml::ops::Generation;
use crate::redact::Redaction;
use asked::Asked;
use captured::Captured;
use rows::Rows;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Arguments of `events`.
#[derive(Clone, Debug, clap::Args)]
pub struct EventsArgs {
    /// Captures (.PML), exports (.CSV, .XML, also in gzip or zip) or patterns; of a split capture the first file
    #[arg(required = true, value_name = "CAPTURE", help_heading = "Input")]
    pub captures: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub input: InputArgs,
    /// Form of the output
    #[arg(long, value_enum, default_value = "table", help_heading = "Output")]
    pub format: FormatArg,
    /// Write FILE, whole or not at all, instead of stdout
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// `default`, `all`, or titles in order, separated by commas: "Time of Day,PID,Path". An export written as CSV or XML
    /// keeps its own columns unless told otherwise
    #[arg(long, value_name = "COLUMNS", help_heading = "Output")]
    pub columns: Option<String>,
    /// With stacks (xml and jsonl)
    #[arg(long, help_heading = "Output")]
    pub stacks: bool,
    /// Time zone: `local`, `UTC`, `+08:00` or a name such as `Asia/Shanghai`. As in Procmon one offset, that of the
    /// zone at the first event, is used for every time; by default the local one
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, help_heading = "Wording")]
    pub tz: Option<String>,
    /// Dates, times and numbers as this locale of Windows writes them: en-US (default), en-GB, zh-CN, zh-TW, es-ES, de-DE,
    /// fr-FR, it-IT, ja-JP, ko-KR, pl-PL, pt-BR, ru-RU
    #[arg(long, value_name = "LOCALE", help_heading = "Wording")]
    pub locale: Option<String>,
    /// Wording of this generation of Procmon; by default the newest known
    #[arg(long = "as", value_name = "3.4|3.5|3.6|4", value_parser = parse_generation, help_heading = "Wording")]
    pub generation: Option<Generation>,
    /// File operations by their IRP and fast-I/O names, as with "Enable Advanced Output"
    #[arg(long, help_heading = "Wording")]
    pub advanced: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub rules: ShownRules,
    /// Show this event, or range of events, with everything known (repeatable); a filter applies to these too
    #[arg(long, value_name = "N|N-M", help_heading = "Selection")]
    pub event: Vec<String>,
    /// Show this event with everything known, among its neighbours (repeatable)
    #[arg(long, value_name = "N", help_heading = "Selection")]
    pub around: Vec<u64>,
    /// Replace the names of computer, users, hosts and profile folders, SIDs and IP addresses; environments are left out
    #[arg(long, help_heading = "Output")]
    pub redact: bool,
    /// The key file that maps names back. Used when it exists, so that the same names get the same pseudonyms as before;
    /// written in any case
    #[arg(long, value_name = "FILE", requires = "redact", help_heading = "Output")]
    pub redact_key: Option<PathBuf>,
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

/// An opened input with its place in the command line.
struct Source {
    path: PathBuf,
    opened: Opened,
    request: Request,
}

impl Source {
    fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// Runs the command.
///
/// # Errors
/// Bad arguments, a capture that cannot be read, an output that cannot be written.
pub fn run(args: &EventsArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let lang = global.language();
    let to_file = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let terminal = to_file.is_none() && term::stdout_is_terminal();
    let width = if terminal { term::width().map(usize::from) } else { None };
    let mut warnings = Vec::new();
    let asked = Asked::new(args, lang, &mut warnings)?;
    let paths = expand(&args.captures)?;
    if paths.len() > 1 {
        asked.refuse_for_several()?;
    }
    let mut sources = Vec::new();
    for path in paths {
        output::check_places(&path, to_file, lang)?;
        let opened = Opened::open(&path, &args.input)?;
        warnings.extend(opened.warnings(lang));
        if let Some(capture) = opened.capture() {
            warnings.extend(capture.left_out.iter().map(|error| t::LEFT_OUT.fill(lang, &[("why", error)])));
        }
        sources.push(Source { path, opened, request: Request::default() });
    }
    let columns = asked.columns(&sources.iter().map(|source| &source.opened).collect::<Vec<_>>());
    let several = sources.len() > 1;
    for (number, source) in sources.iter_mut().enumerate() {
        source.request = Request {
            format: asked.format,
            columns: columns.clone(),
            filter: asked.filter.clone(),
            events: None,
            stacks: args.stacks,
            width,
            ascii: term::ascii_only(terminal),
            capture: several.then(|| source.name()),
            headless: number > 0,
        };
        if let Some(export) = source.opened.export() {
            warnings.extend(rows::warnings(export, &source.request, &asked, &source.path, lang));
        }
    }
    let redaction = if args.redact { Some(learn(&sources, args.redact_key.as_deref(), lang)?) } else { None };
    warnings.iter().for_each(|line| term::warn(line));

    let visible = !global.quiet && !terminal;
    let write_all = |path: &Path, out: &mut (dyn Write + Send)| {
        let mut complaints = Vec::new();
        for (number, source) in sources.iter().enumerate() {
            if several && asked.format == Format::Table {
                let between = if number > 0 { "\n" } else { "" };
                let name = crate::report::escape::terminal(&source.name());
                let name = redaction.as_ref().map_or_else(|| name.clone(), |redaction| redaction.text(&name));
                writeln!(out, "{between}{name}").map_err(output::written(path))?;
            }
            complaints.extend(match (source.opened.capture(), source.opened.export()) {
                (Some(capture), _) => {
                    let progress = (visible, lang);
                    Captured { capture, source, asked: &asked, redaction: redaction.as_ref() }
                        .write(path, out, progress)?
                }
                (None, Some(export)) => {
                    Rows { export, source, asked: &asked, redaction: redaction.as_ref(), lang }.write(path, out)?
                }
                (None, None) => Vec::new(),
            });
        }
        Ok::<_, Fail>(complaints)
    };
    let complaints = match to_file {
        Some(path) => {
            let mut out = BufWriter::with_capacity(1 << 18, output::Unfinished::create(path)?);
            let complaints = write_all(path, &mut out)?;
            out.into_inner().map_err(|error| output::written(path)(error.into_error()))?.finish()?;
            complaints
        }
        None => {
            let path = Path::new("-");
            let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout());
            let complaints = write_all(path, &mut out)?;
            out.flush().map_err(output::written(path))?;
            complaints
        }
    };
    complaints.iter().for_each(|line| term::warn(line));
    if let Some(redaction) = &redaction {
        redact::keep(args.redact_key.as_deref(), redaction)?;
    }
    Ok(Exit::Done)
}

/// Learns the names of everything that was opened.
fn learn(sources: &[Source], key: Option<&Path>, lang: Lang) -> Result<Redaction, Fail> {
    let mut redactor = redactor(key, lang)?;
    for source in sources {
        redact::learn(&source.opened, &source.path, &mut redactor)?;
    }
    Ok(redactor.seal())
}
