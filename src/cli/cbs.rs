//! `pmlblame cbs`: what servicing logs say, without a capture.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;

use super::exit::Exit;
use super::fail::Fail;
use super::options::{GlobalArgs, RedactArgs, expand, table_width};
use super::redact::Pseudonyms;
use super::{output, term};
use crate::assemble::cbs::{cbs_report, comparison};
use crate::case::Tool;
use crate::case::cbs::CbsReport;
use crate::lang::{Lang, cbs as t};
use crate::report::cbs::{missing_list, render};
use crate::report::json;
use crate::report::style::Style;
use crate::servicing::cbs::merge::{Joined, NamedLog, join};
use crate::servicing::cbs::{CbsError, analyse};
use crate::servicing::sources::{Limits, Skipped, visit};
use crate::servicing::winsxs::{Listing, ListingError};

/// Arguments of `cbs`.
#[derive(Debug, Args)]
pub struct CbsArgs {
    /// CBS logs, folders, zip, cab or gzip archives, nested; logs in them are found by content.
    #[arg(required_unless_present = "winsxs_bad", value_name = "PATH", help_heading = "Input")]
    pub paths: Vec<PathBuf>,
    /// A listing of WinSxS of the machine that fails (`tree /f` or `dir /s /b`).
    #[arg(long, value_name = "FILE", requires = "winsxs_good", help_heading = "Input")]
    pub winsxs_bad: Option<PathBuf>,
    /// A listing of WinSxS of a machine that works.
    #[arg(long, value_name = "FILE", requires = "winsxs_bad", help_heading = "Input")]
    pub winsxs_good: Option<PathBuf>,
    /// Write the report as JSON to FILE, or to stdout with `-` (then nothing else goes there).
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Print only the missing payload directories, one a line.
    #[arg(long, help_heading = "Output")]
    pub list: bool,
    /// Width of the tables in columns; by default that of the terminal, 160 without one.
    #[arg(long, value_name = "COLUMNS", help_heading = "Output")]
    pub width: Option<u16>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub redact: RedactArgs,
}

/// What [`run_cbs`] needs beyond the arguments.
#[derive(Clone, Debug)]
pub struct CbsOptions {
    /// Logs, folders, archives.
    pub paths: Vec<PathBuf>,
    /// Listings of WinSxS: of the machine that fails, of one that works.
    pub winsxs: Option<(PathBuf, PathBuf)>,
    /// Where the JSON goes; `-` is the output.
    pub json: Option<PathBuf>,
    /// Print only the missing directories.
    pub list: bool,
    /// Language.
    pub lang: Lang,
    /// Columns for tables; `None` for no limit.
    pub width: Option<u16>,
    /// Print ASCII only.
    pub ascii: bool,
    /// Show progress on stderr.
    pub progress: bool,
}

impl CbsOptions {
    /// The options for the arguments; output is for no terminal until told otherwise.
    pub fn new(args: &CbsArgs, lang: Lang) -> Self {
        Self {
            paths: args.paths.clone(),
            winsxs: args.winsxs_bad.clone().zip(args.winsxs_good.clone()),
            json: args.json.clone(),
            list: args.list,
            lang,
            width: None,
            ascii: false,
            progress: false,
        }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CbsFail {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// A file is no listing of WinSxS.
    #[error("{path}: {source}")]
    Listing {
        /// The file.
        path: String,
        /// The cause.
        source: ListingError,
    },
    /// No log was found; what was skipped says why.
    #[error("no CBS log found")]
    NoLog(Vec<Skipped>),
    /// Reading a log failed.
    #[error(transparent)]
    Log(#[from] CbsError),
    /// A result cannot be written.
    #[error("{0:?}")]
    Output(Fail),
}

impl CbsFail {
    /// In the terms of the command line.
    pub fn into_fail(self, lang: Lang) -> Fail {
        match self {
            Self::Output(fail) => fail,
            Self::Io { path, source } if path == "-" => Fail::Write { path: PathBuf::from(path), source },
            other => Fail::Said(other.message(lang)),
        }
    }
}

/// Runs the command as the command line asks for it.
///
/// # Errors
/// When there is nothing to report on, or a result cannot be written.
pub fn run(args: &CbsArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let lang = global.language();
    let mut options = CbsOptions::new(args, lang);
    options.paths = expand(&args.paths)?;
    options.width = Some(table_width(args.width));
    options.ascii = term::ascii_only(term::stdout_is_terminal());
    options.progress = shows_progress(global);
    let mut pseudonyms = Pseudonyms::new(&args.redact, lang)?;
    let report = build_report(&options).map_err(|fail| fail.into_fail(lang))?;
    pseudonyms.learn_collected(collected(&report));
    let report = pseudonyms.record(report)?;
    write_json(&report, &options)?;
    pseudonyms.keep(&args.redact)?;
    output::stdout(|out| print(&report, &options, out).map_err(output::written(Path::new("-"))))?;
    Ok(Exit::Done)
}

/// Where logs and what was skipped were found.
pub(super) fn collected(report: &CbsReport) -> impl Iterator<Item = &str> {
    let logs = report.files.iter().map(|file| file.path.as_deref().unwrap_or(&file.name));
    logs.chain(report.skipped.iter().map(|skipped| skipped.path.as_str()))
}

/// Whether progress may be drawn on stderr.
pub fn shows_progress(global: &GlobalArgs) -> bool {
    !global.quiet && term::stderr_is_terminal()
}

impl CbsFail {
    /// One line for a person.
    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Io { path, source } => t::E_NO_PATH.fill(lang, &[("path", path), ("error", source)]),
            Self::Listing { path, source: ListingError::Read(source) } => {
                t::E_NO_PATH.fill(lang, &[("path", path), ("error", source)])
            }
            Self::Listing { path, .. } => t::E_NOT_A_LISTING.fill(lang, &[("path", path)]),
            Self::NoLog(skipped) => {
                let mut line = t::NO_LOG.get(lang).to_owned();
                for skipped in skipped.iter().take(5) {
                    let reason = t::skip_text(skipped.reason.as_code()).map_or("", |text| text.get(lang));
                    line.push_str(&t::SKIPPED_ONE.fill(lang, &[("path", &skipped.path), ("reason", &reason)]));
                }
                line
            }
            Self::Log(CbsError::Interrupted) => t::E_INTERRUPTED.get(lang).to_owned(),
            Self::Log(error) => error.to_string(),
            Self::Output(fail) => fail.message(lang),
        }
    }
}

/// Reads every log in `paths` and lays them together, oldest first.
///
/// # Errors
/// When a log's stream cannot even be started; unreadable inputs are among the skipped.
pub fn read_logs(paths: &[PathBuf], progress: bool) -> Result<(Joined, Vec<Skipped>), CbsError> {
    let mut logs = Vec::new();
    let skipped = visit(paths, Limits::default(), &mut |found, stream| {
        let bar = bar(found.size, &found.name, progress);
        let facts = analyse(stream, &mut |read| {
            bar.set_position(read);
            true
        })?;
        bar.finish_and_clear();
        logs.push(NamedLog { name: found.name, path: found.path, facts });
        Ok(())
    })?;
    Ok((join(logs), skipped))
}

/// Reads logs and listings and builds the report.
///
/// # Errors
/// When there is nothing to report on.
pub fn build_report(options: &CbsOptions) -> Result<CbsReport, CbsFail> {
    let (joined, skipped) = read_logs(&options.paths, options.progress)?;
    if joined.logs.is_empty() && (options.winsxs.is_none() || !options.paths.is_empty()) {
        return Err(CbsFail::NoLog(skipped));
    }
    let mut report = cbs_report(&joined, &skipped, options.lang);
    if let Some((bad, good)) = &options.winsxs {
        let (bad_listing, good_listing) = (listing(bad)?, listing(good)?);
        report.winsxs = Some(comparison(&joined, (&file_name(bad), &bad_listing), (&file_name(good), &good_listing)));
    }
    report.tool = Some(Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() });
    report.language = Some(options.lang.tag().to_owned());
    Ok(report)
}

/// Builds the report, writes the JSON to its file and prints the rest to `out`.
///
/// # Errors
/// When there is nothing to report on, or a result cannot be written.
pub fn run_cbs(options: &CbsOptions, out: &mut dyn Write) -> Result<CbsReport, CbsFail> {
    let report = build_report(options)?;
    let to_out = |source| CbsFail::Io { path: "-".to_owned(), source };
    match options.json.as_deref() {
        Some(path) if path == Path::new("-") => json::write(out, &report).map_err(to_out)?,
        _ => write_json(&report, options).map_err(CbsFail::Output)?,
    }
    print(&report, options, out).map_err(to_out)?;
    out.flush().map_err(to_out)?;
    Ok(report)
}

/// The JSON to its file, whole or not at all.
fn write_json(report: &CbsReport, options: &CbsOptions) -> Result<(), Fail> {
    match &options.json {
        Some(path) => output::write(path, |out| json::write(out, report).map_err(output::written(path))),
        None => Ok(()),
    }
}

/// The report for people; nothing when the JSON goes to the same place.
fn print(report: &CbsReport, options: &CbsOptions, out: &mut dyn Write) -> io::Result<()> {
    if options.json.as_deref() == Some(Path::new("-")) {
        return Ok(());
    }
    let text = if options.list {
        missing_list(report)
    } else {
        let style = Style { lang: options.lang, zone: TimeZone::UTC, width: options.width, ascii: options.ascii };
        render(report, &style)
    };
    out.write_all(text.as_bytes())
}

fn listing(path: &Path) -> Result<Listing, CbsFail> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|source| CbsFail::Io { path: shown.clone(), source })?;
    Listing::read(file).map_err(|source| CbsFail::Listing { path: shown, source })
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn bar(size: Option<u64>, name: &str, show: bool) -> ProgressBar {
    let target = if show { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(size, target);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(crate::report::escape::terminal(name));
    bar
}
