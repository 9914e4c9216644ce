//! Groups of options that several commands share, and what each stands for in the terms of the library.

use super::fail::Fail;
use super::term;
use crate::blame::scope::{Profile, ScopeOptions};
use crate::blame::vendors::VendorCatalogue;
use crate::lang::{Lang, fail as t};
use crate::nt::FileTime;
use crate::report::style::Style;
use crate::report::time;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Options of every command.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Language of everything printed; by default that of the system.
    #[arg(long, global = true, value_enum, help_heading = "Output")]
    pub lang: Option<LangArg>,
    /// Threads to use; by default one for each core.
    #[arg(long, global = true, value_name = "N", help_heading = "Advanced")]
    pub threads: Option<usize>,
    /// Print no progress and no hints, only results and errors.
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,
}

/// A language.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LangArg {
    /// English.
    En,
    /// Simplified Chinese.
    #[value(name = "zh-CN", alias = "zh-cn", alias = "zh")]
    ZhCn,
}

impl From<LangArg> for Lang {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::En => Self::En,
            LangArg::ZhCn => Self::ZhCn,
        }
    }
}

impl GlobalArgs {
    /// The language asked for, else that of the locale.
    pub fn language(&self) -> Lang {
        self.lang.map_or_else(term::locale_language, Lang::from)
    }

    /// Sets up the worker threads.
    ///
    /// # Errors
    /// When the system refuses them.
    pub fn build_threads(&self) -> Result<(), Fail> {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.clamp(1, 1024));
            pool.build_global().map_err(|error| Fail::Threads(error.to_string()))?;
        }
        Ok(())
    }
}

/// How results are shown.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Zone of the times shown: `local`, `UTC`, `+08:00` or a name such as `Asia/Shanghai`; by default that of the
    /// servicing log, else local.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, help_heading = "Output")]
    pub tz: Option<String>,
    /// Width of the tables in columns; by default that of the terminal, 160 without one.
    #[arg(long, value_name = "COLUMNS", help_heading = "Output")]
    pub width: Option<u16>,
    /// A file of your own vendors and products, added to the built-in list.
    #[arg(long, value_name = "FILE.toml", help_heading = "Scope")]
    pub vendors: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub redact: RedactArgs,
}

/// Whether names are replaced.
#[derive(Clone, Debug, Default, Args)]
pub struct RedactArgs {
    /// Replace the names of computer, users, hosts and profile folders, SIDs and IP addresses in every output.
    #[arg(long, help_heading = "Output")]
    pub redact: bool,
    /// The key file that maps names back. Used when it exists, so that the same names get the same pseudonyms as before;
    /// written in any case. Keep it: it is what undoes the redaction.
    #[arg(long, value_name = "FILE", requires = "redact", help_heading = "Output")]
    pub redact_key: Option<PathBuf>,
}

/// Widest table drawn where there is no terminal to ask.
const WIDTH: u16 = 160;

/// Columns for tables: as asked for, else those of the terminal.
pub fn table_width(asked: Option<u16>) -> u16 {
    asked.or_else(term::width).unwrap_or(WIDTH).max(60)
}

impl ShowArgs {
    /// In the terms of the reports.
    pub fn style(&self, global: &GlobalArgs, zone: jiff::tz::TimeZone) -> Style {
        Style {
            lang: global.language(),
            zone,
            width: Some(table_width(self.width)),
            ascii: term::ascii_only(term::stdout_is_terminal()),
        }
    }
}

/// How PML captures are opened.
#[derive(Clone, Debug, Default, Args)]
pub struct CaptureArgs {
    /// Do not look for `name-1.PML`, `name-2.PML`, … beside the capture.
    #[arg(long, help_heading = "Input")]
    pub no_segments: bool,
    /// Read files instead of mapping them: large ones into a temporary copy, so that memory does not grow.
    #[arg(long, help_heading = "Advanced")]
    pub no_mmap: bool,
}

/// How captures and exports are opened.
#[derive(Clone, Debug, Default, Args)]
pub struct InputArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub capture: CaptureArgs,
    /// Code page of a CSV or XML export without byte-order mark, such as `gbk` or `windows-1251`.
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub encoding: Option<String>,
    /// Zone the times of an export were written in, such as `+08:00`; else they are shown as they stand.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true, help_heading = "Input")]
    pub export_tz: Option<String>,
    /// Day of the first row of an export without date column, such as `2022-10-08`.
    #[arg(long, value_name = "DATE", help_heading = "Input")]
    pub export_date: Option<String>,
}

impl CaptureArgs {
    /// In the terms of the capture reader.
    pub fn options(&self) -> crate::capture::OpenOptions {
        crate::capture::OpenOptions {
            segments: !self.no_segments,
            map: !self.no_mmap,
            ..crate::capture::OpenOptions::default()
        }
    }
}

impl InputArgs {
    /// In the terms of the reader of captures and exports.
    ///
    /// # Errors
    /// A zone or date that cannot be understood.
    pub fn import_options(&self) -> Result<crate::import::OpenOptions, Fail> {
        let utc_offset = match &self.export_tz {
            Some(name) if name.eq_ignore_ascii_case("UTC") => Some(0),
            Some(name) => {
                Some(crate::report::time::parse_offset(name).ok_or_else(|| Fail::Offset(name.clone()))?.seconds())
            }
            None => None,
        };
        let date = match &self.export_date {
            Some(text) => Some(text.parse().map_err(|_| Fail::Time(text.clone()))?),
            None => None,
        };
        Ok(crate::import::OpenOptions {
            capture: self.capture.options(),
            encoding: self.encoding.clone(),
            utc_offset,
            date,
            date_order: None,
        })
    }
}

/// Whose failures count.
#[derive(Clone, Debug, Args)]
pub struct ScopeArgs {
    /// Set of victims and paths.
    #[arg(long, value_enum, default_value = "servicing", help_heading = "Scope")]
    pub profile: ProfileArg,
    /// Victim process name, in place of the profile's (repeatable).
    #[arg(long = "victim", value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), help_heading = "Scope")]
    pub victims: Vec<String>,
    /// Path, folder or pattern such as `*\InFlight\*`, in place of the profile's (repeatable).
    #[arg(long = "path", value_name = "GLOB", value_parser = NonEmptyStringValueParser::new(), help_heading = "Scope")]
    pub paths: Vec<String>,
    /// Only this result, such as `DELETE PENDING` or `0xC0000056` (repeatable).
    #[arg(long = "result", value_name = "NAME", value_parser = parse_result, help_heading = "Scope")]
    pub results: Vec<crate::nt::NtStatus>,
    /// Only failures from this time on: RFC 3339, or date and time, or time of day, in the zone shown.
    #[arg(long, value_name = "TIME", help_heading = "Scope")]
    pub from: Option<String>,
    /// Only failures up to this time.
    #[arg(long, value_name = "TIME", help_heading = "Scope")]
    pub to: Option<String>,
}

fn parse_result(text: &str) -> Result<crate::nt::NtStatus, String> {
    crate::nt::NtStatus::from_text(text).ok_or_else(|| format!("'{text}' is no result that Process Monitor shows"))
}

/// A profile.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ProfileArg {
    /// TiWorker and TrustedInstaller below WinSxS\Temp\InFlight, PendingDeletes, PendingRenames.
    Servicing,
    /// Every process and path.
    Any,
}

impl From<ProfileArg> for Profile {
    fn from(profile: ProfileArg) -> Self {
        match profile {
            ProfileArg::Servicing => Self::Servicing,
            ProfileArg::Any => Self::Any,
        }
    }
}

/// The built-in vendors, with those of `file`.
///
/// # Errors
/// When the file cannot be read or understood.
pub fn catalogue(file: Option<&Path>) -> Result<Cow<'static, VendorCatalogue>, Fail> {
    let Some(path) = file else { return Ok(Cow::Borrowed(VendorCatalogue::embedded())) };
    let text = std::fs::read_to_string(path).map_err(|source| Fail::Read { path: path.to_owned(), source })?;
    VendorCatalogue::with_overrides(&text)
        .map(Cow::Owned)
        .map_err(|source| Fail::Vendors { path: path.to_owned(), source })
}

/// The zone of the times shown; the local one unless told otherwise.
///
/// # Errors
/// A name that is no zone.
pub fn zone(name: Option<&str>) -> Result<TimeZone, Fail> {
    match name {
        None | Some("local") => Ok(local_zone()),
        Some(name) => time::parse_zone(name).map_err(Fail::Zone),
    }
}

/// The zone of this computer. Where the system keeps it as a file, that file is all that is read: to find the zone's name,
/// which nothing here shows, every zone of the system would be looked through.
fn local_zone() -> TimeZone {
    if cfg!(unix)
        && std::env::var_os("TZ").is_none()
        && let Ok(rules) = std::fs::read("/etc/localtime")
        && let Ok(zone) = TimeZone::tzif("Local", &rules)
    {
        return zone;
    }
    TimeZone::system()
}

/// The scope in the terms of the analysis.
///
/// # Errors
/// A time that cannot be understood.
pub fn scope(
    args: &ScopeArgs,
    zone: &TimeZone,
    day: Option<FileTime>,
    global: &GlobalArgs,
) -> Result<ScopeOptions, Fail> {
    let parse = |text: &Option<String>| match text {
        Some(text) => time::parse_time(text, zone, day).map(Some).ok_or_else(|| Fail::Time(text.clone())),
        None => Ok(None),
    };
    let (from, to) = (parse(&args.from)?, parse(&args.to)?);
    if let (Some(begin), Some(end)) = (from, to)
        && begin > end
    {
        let ends = [&args.from, &args.to].map(|text| text.as_deref().unwrap_or_default());
        let text = t::EMPTY_RANGE.fill(global.language(), &[("from", &ends[0]), ("to", &ends[1])]);
        return Err(Fail::Usage(text));
    }
    Ok(ScopeOptions {
        profile: args.profile.into(),
        victims: args.victims.clone(),
        paths: args.paths.clone(),
        results: args.results.clone(),
        from,
        to,
    })
}

/// The files that the arguments name: a pattern stands for what it matches, for shells that leave that to the program.
///
/// # Errors
/// A pattern without a match.
pub fn expand(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, Fail> {
    let mut files = Vec::new();
    for argument in arguments {
        let text = argument.to_string_lossy();
        if argument.exists() || !text.contains(['*', '?', '[']) {
            files.push(argument.clone());
            continue;
        }
        let matches = glob::glob(&text).map_err(|_| Fail::NoMatch(text.clone().into_owned()))?;
        let before = files.len();
        files.extend(matches.filter_map(Result::ok));
        if files.len() == before {
            return Err(Fail::NoMatch(text.into_owned()));
        }
    }
    Ok(files)
}
