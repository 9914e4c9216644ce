//! `pmlblame CAPTURE…`: from captures to blame tables and case records.

use super::args::{BlameArgs, FailOn, GlobalArgs, ScopeArgs};
use super::exit::Exit;
use super::fail::Fail;
use super::input::{LogClock, Opened};
use super::redact::Pseudonyms;
use super::{cbs, output, progress};
use crate::assemble::{self, Case, CaseOptions, ServicingLogs, SourceNote};
use crate::blame::altitudes::AltitudeList;
use crate::blame::scope::ScopeOptions;
use crate::blame::vendors::VendorCatalogue;
use crate::capture::Capture;
use crate::case::{self, CaseRecord, VerdictCode};
use crate::lang::fail as t;
use crate::nt::FileTime;
use crate::report::{json, table, time};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Runs the command.
///
/// # Errors
/// The first capture that cannot be opened or analysed, or a result that cannot be written.
pub fn run(args: &BlameArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    // Both lists are needed in every case, and reading them is most of the work on a small capture.
    rayon::spawn(|| {
        AltitudeList::embedded();
    });
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
        let (case, zone) = analyse(path, args, global, &catalogue, &zone, logs.as_ref(), &mut pseudonyms)?;
        let record = case.record;
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
) -> Result<(Case, TimeZone), Fail> {
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
    let options = CaseOptions {
        scope: scope(&args.scope, &zone, input.day(), global)?,
        lang: global.language(),
        catalogue,
        generated,
        files: input.files(false)?,
        notes: input.notes(),
    };
    let (files, case) = rayon::join(|| input.files(hash), || assemble::analyse_with(input.source(), &options, logs));
    let mut case = case?;
    input.bad_rows(global.language()).iter().for_each(|line| super::term::warn(line));
    case.record.capture.files = files?;
    // Damage inside records does not end the run, but nobody should have to look for it in the report.
    if let Some(note) = case.record.capture.quality.iter().find(|note| note.code == "damaged_records") {
        let lang = global.language();
        super::term::warn(&t::DAMAGED_RECORDS.fill(lang, &[("file", &path.display()), ("text", &note.text)]));
    }
    Ok((case, zone))
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

/// What opening the capture showed.
pub fn notes(capture: &Capture) -> Vec<SourceNote> {
    let seams = capture.seams.iter().map(|seam| match u64::try_from(seam.missing) {
        Ok(missing) => SourceNote::MissingSegment { missing },
        Err(_) => SourceNote::OverlappingSegments { events: seam.missing.unsigned_abs() },
    });
    let left_out = capture.left_out.iter().map(|error| SourceNote::SegmentLeftOut {
        name: error.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        reason: error.reason(),
    });
    seams.chain(left_out).chain(super::recover::notes(capture)).collect()
}

/// The files of a capture, with their digests when `hash`.
pub fn files(capture: &Capture, hash: bool) -> Vec<case::File> {
    capture
        .segments()
        .iter()
        .map(|segment| case::File {
            name: segment.file_name(),
            bytes: segment.bytes().len() as u64,
            sha256: hash.then(|| hex(&Sha256::digest(segment.bytes()))),
            events: u64::from(segment.pml().event_count()),
        })
        .collect()
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    time::parse_zone(name.unwrap_or("local")).map_err(Fail::Zone)
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
