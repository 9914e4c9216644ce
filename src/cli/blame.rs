//! `pmlblame CAPTURE…`: from captures to blame tables and case records.

use super::exit::Exit;
use super::fail::Fail;
use super::filters::FailureRules;
use super::input::{LogClock, Opened};
use super::options::{GlobalArgs, InputArgs, ScopeArgs, ShowArgs, catalogue, expand, scope, zone};
use super::redact::Pseudonyms;
use super::{cbs, output, progress};
use crate::assemble::{self, Case, CaseOptions, ServicingLogs};
use crate::blame::vendors::VendorCatalogue;
use crate::case::{CaseRecord, VerdictCode};
use crate::lang::fail as t;
use crate::nt::FileTime;
use crate::report::{json, table, time};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `blame`.
#[derive(Debug, Args)]
pub struct BlameArgs {
    /// Captures (.PML), exports (.CSV, .XML, also in gzip or zip) or patterns; of a split capture the first file.
    #[arg(required = true, value_name = "CAPTURE", help_heading = "Input")]
    pub captures: Vec<PathBuf>,
    /// Servicing log (CBS.log, CbsPersist_*), folder, zip, cab or gzip of the same machine; logs in them are found by content
    /// (repeatable).
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    pub cbs: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub input: InputArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub scope: ScopeArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub rules: FailureRules,
    /// Write the case record as JSON to FILE, or to stdout with `-` (then nothing else goes there).
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Leave the time of making out of the record, so that the same capture gives the same bytes.
    #[arg(long, help_heading = "Output")]
    pub reproducible: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub show: ShowArgs,
    /// Exit with 3 when the verdict is this.
    #[arg(long, value_enum, value_name = "VERDICT", help_heading = "Output")]
    pub fail_on: Option<FailOn>,
    /// Do not compute the SHA-256 of the capture files for the record.
    #[arg(long, help_heading = "Advanced")]
    pub no_hash: bool,
}

/// A verdict to fail on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// One or several culprits were found.
    Culprit,
}

/// Runs the command.
///
/// # Errors
/// The first capture that cannot be opened or analysed, or a result that cannot be written.
pub fn run(args: &BlameArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let catalogue = catalogue(args.show.vendors.as_deref())?;
    let captures = expand(&args.captures)?;
    for capture in &captures {
        output::check_places(capture, args.json.as_deref(), global.language())?;
    }
    let logs = logs(args, global)?;
    let zone = match (args.show.tz.as_deref(), logs.as_ref().and_then(ServicingLogs::utc_offset_minutes)) {
        // The log tells the zone of the machine, which is not the one of this computer.
        (None, Some(minutes)) => time::fixed_zone(minutes),
        (name, _) => zone(name)?,
    };
    let mut pseudonyms = Pseudonyms::new(&args.show.redact, global.language())?;
    let mut records = Vec::new();
    let mut culprit = false;
    let to_stdout = args.json.as_deref() == Some(Path::new("-"));
    let show = |number: usize, record: &CaseRecord, zone: &TimeZone| {
        if to_stdout {
            return Ok(());
        }
        let report = table::render(record, &args.show.style(global, zone.clone()));
        output::stdout(|out| {
            let between = if number > 0 { "\n" } else { "" };
            write!(out, "{between}{report}").map_err(output::written(Path::new("-")))
        })
    };
    let mut zones = Vec::new();
    for (number, path) in captures.iter().enumerate() {
        let record = analyse(path, args, global, &catalogue, &zone, logs.as_ref(), &mut pseudonyms);
        let (record, zone) = record.inspect_err(|_| {
            if let Some(file) = args.json.as_deref().filter(|_| captures.len() > 1) {
                super::term::warn(&t::NOTHING_WRITTEN.fill(global.language(), &[("file", &file.display())]));
            }
        })?;
        culprit |= matches!(record.verdict.code, VerdictCode::Culprit | VerdictCode::SeveralCulprits);
        pseudonyms.learn_collected(record.capture.files.iter().map(|file| file.name.as_str()));
        pseudonyms.learn_collected(record.cbs.iter().flat_map(super::cbs::collected));
        pseudonyms.learn(&record)?;
        if !pseudonyms.active() {
            show(number, &record, &zone)?;
        }
        records.push(record);
        zones.push(zone);
    }
    if pseudonyms.active() {
        // Only now is every name known.
        for (number, (record, zone)) in records.iter_mut().zip(&zones).enumerate() {
            *record = pseudonyms.disguise(record.clone())?;
            show(number, record, zone)?;
        }
    }
    if let Some(file) = &args.json {
        output::write(file, |out| write_records(out, &records).map_err(output::written(file)))?;
    }
    pseudonyms.keep(&args.show.redact)?;
    Ok(if culprit && args.fail_on == Some(FailOn::Culprit) { Exit::Culprit } else { Exit::Done })
}

/// One capture gives one record; several give an array of them.
fn write_records(out: &mut dyn Write, records: &[CaseRecord]) -> std::io::Result<()> {
    match records {
        [record] => json::write(out, record),
        records => json::write(out, &records),
    }
}

/// Prints the schema of the case record.
///
/// # Errors
/// Those of stdout.
pub fn schema() -> Result<Exit, Fail> {
    output::stdout(|out| json::write(out, &json::schema()).map_err(output::written(Path::new("-"))))?;
    Ok(Exit::Done)
}

fn analyse(
    path: &Path,
    args: &BlameArgs,
    global: &GlobalArgs,
    catalogue: &VendorCatalogue,
    zone: &TimeZone,
    logs: Option<&ServicingLogs>,
    pseudonyms: &mut Pseudonyms,
) -> Result<(CaseRecord, TimeZone), Fail> {
    let clock =
        logs.and_then(|logs| Some(LogClock { utc_offset_minutes: logs.utc_offset_minutes()?, day: logs.local_day() }));
    let mut input = Opened::open_beside(path, &args.input, clock)?;
    input.warnings(global.language()).iter().for_each(|line| super::term::warn(line));
    let zone = input.zone(zone.clone());
    input.observe(progress::of_passes(global));
    pseudonyms.learn_input(&input, path)?;
    // The digest reads the whole file once more; it runs beside the analysis, and only a record needs it.
    let hash = args.json.is_some() && !args.no_hash;
    let generated = if args.reproducible { None } else { FileTime::from_timestamp(jiff::Timestamp::now()) };
    let rules = args.rules.rules().of_failures(global.language())?;
    let options = CaseOptions {
        scope: scope(&args.scope, &zone, input.day(), global)?,
        lang: global.language(),
        catalogue,
        generated,
        files: input.files(false)?,
        notes: input.notes(),
        filter: rules.as_ref().and_then(|rules| rules.of(&input, &zone)),
    };
    let analyse = || assemble::analyse_with(input.source(), &options, logs);
    let (files, case) = if hash { rayon::join(|| input.files(true), analyse) } else { (input.files(false), analyse()) };
    // The record is all that is shown; what it was made from would only take room beside it.
    let Case { mut record, .. } = case?;
    input.bad_rows(global.language()).iter().for_each(|line| super::term::warn(line));
    record.capture.files = files?;
    // Damage inside records does not end the run, but nobody should have to look for it in the report.
    // Of an export, the lines were named already.
    let damaged = record.capture.quality.iter().find(|note| note.code == "damaged_records");
    if let Some(note) = damaged.filter(|_| input.capture().is_some()) {
        let lang = global.language();
        super::term::warn(&t::DAMAGED_RECORDS.fill(lang, &[("file", &path.display()), ("text", &note.text)]));
    }
    Ok((record, zone))
}

/// Reads the servicing logs that were given.
fn logs(args: &BlameArgs, global: &GlobalArgs) -> Result<Option<ServicingLogs>, Fail> {
    if args.cbs.is_empty() {
        return Ok(None);
    }
    let lang = global.language();
    let paths = expand(&args.cbs)?;
    let read = cbs::read_logs(&paths, cbs::shows_progress(global)).map_err(cbs::CbsFail::from);
    let (joined, skipped) = read.map_err(|fail| fail.into_fail(lang))?;
    if joined.logs.is_empty() {
        return Err(cbs::CbsFail::NoLog(skipped).into_fail(lang));
    }
    Ok(Some(ServicingLogs { joined, skipped }))
}
