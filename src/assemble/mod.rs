//! From a source of events to the case record: runs the passes, the engine and the attribution to parties, and puts
//! the result into the plain data that every report reads.

mod caveats;
pub mod cbs;
mod doubt;
mod ending;
mod failures;
mod filter;
mod holders;
mod quality;
mod servicing;
mod story;
mod verdict;

pub use filter::FailureFilter;
pub use servicing::ServicingLogs;
pub use story::{NoStory, audit, stories, story};

pub use quality::bad_row;

use crate::blame::facts::ModuleFacts;
use crate::blame::filters::{FilterSurvey, candidate_filters, may_issue};
use crate::blame::gather::{Gathered, gather, is_delayed, is_failure};
use crate::blame::scope::{PatternError, Scope, ScopeOptions};
use crate::blame::vendors::VendorCatalogue;
use crate::capture::op::{DriverInfo, EventIndex, Op, OpLog, ProcessId};
use crate::capture::source::{Machine, Source, Survey};
use crate::case::{self, CaseRecord};
use crate::import::BadReason;
use crate::lang::Lang;
use crate::locks;
use crate::nt::{FileTime, Ticks};
use indexmap::IndexMap;

/// What a caller decides about a case.
#[derive(Clone, Debug)]
pub struct CaseOptions<'a> {
    /// Whose failures count.
    pub scope: ScopeOptions,
    /// Language of the texts.
    pub lang: Lang,
    /// Vendors and products.
    pub catalogue: &'a VendorCatalogue,
    /// When the record is made; `None` for a reproducible record.
    pub generated: Option<FileTime>,
    /// The files of the capture.
    pub files: Vec<case::File>,
    /// What opening the capture already showed.
    pub notes: Vec<SourceNote>,
    /// Which of the failures in scope are reported; `None`: all of them.
    pub filter: Option<FailureFilter<'a>>,
}

/// A column that an export lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// TID.
    Thread,
    /// PID.
    Pid,
    /// Process Name.
    ProcessName,
    /// Any column with a time that can be read.
    Time,
}

/// A weakness found while opening a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceNote {
    /// Events are missing between two segments.
    MissingSegment {
        /// Sequence numbers missing.
        missing: u64,
    },
    /// Two segments hold the same events.
    OverlappingSegments {
        /// Sequence numbers held twice.
        events: u64,
    },
    /// A file beside the capture looks like a segment but was not used.
    SegmentLeftOut {
        /// File name.
        name: String,
        /// Why, in the words of the reader.
        reason: String,
    },
    /// The capture was damaged and its events were rescued.
    Recovered {
        /// Events found.
        events: u64,
        /// Bytes that held no readable event.
        lost_bytes: u64,
        /// Processes whose name could not be restored.
        nameless: u64,
    },
    /// The capture ends in the middle of a record.
    Truncated,
    /// The times of an export are local times of an unknown zone.
    LocalTimes,
    /// An export does not tell its zone or its date; they were taken from the servicing log.
    ClockFromLog,
    /// Rows of an export hold bytes that are no text in the encoding it was read in.
    WrongEncoding {
        /// How many.
        rows: u64,
        /// The encoding.
        encoding: &'static str,
    },
    /// Rows of an export that could not be read.
    MalformedRows {
        /// How many.
        rows: u64,
        /// Line of the first.
        first_line: u64,
        /// What is wrong with it.
        reason: BadReason,
    },
    /// Rows of an XML export name another process than its list has under their number.
    UnlistedProcesses {
        /// Stretches of rows.
        stretches: u64,
    },
    /// Rows of an export are the row before once more.
    RepeatedRows {
        /// How many.
        rows: u64,
    },
    /// Results of an export are not known.
    UnknownResults {
        /// Rows that have one.
        rows: u64,
        /// One of them.
        example: String,
    },
    /// A column of an export holds times that cannot be read, so that it was left aside.
    UnreadTimes {
        /// The first of them.
        first: String,
    },
    /// An export rounds its times.
    CoarseTimes {
        /// To what.
        step: Ticks,
    },
    /// An export tells no date: its times mean a time of day only.
    NoDate,
    /// An export lacks a column without which less can be told.
    MissingColumn(Lacking),
    /// Neither the rows of an export nor a process list tell when a process ended.
    NoProcessEnds,
    /// File rows of an export name a path by 8.3 names, which nothing in it resolves.
    ShortNames {
        /// How many.
        rows: u64,
    },
}

/// Everything known about a case before it is put in words.
pub(crate) struct Parts<'a> {
    pub(crate) options: &'a CaseOptions<'a>,
    pub(crate) machine: Machine,
    pub(crate) scope: &'a Scope,
    pub(crate) survey: &'a Survey,
    pub(crate) outside: u64,
    /// Of those outside, the ones in the profile's folders of another Windows, with the path of the first.
    pub(crate) elsewhere: Option<(u64, String)>,
    /// Of those outside, the ones that only the filter leaves out.
    pub(crate) filtered: u64,
    pub(crate) log: &'a OpLog,
    pub(crate) analysis: locks::Analysis,
    pub(crate) citer: locks::Citer<'a>,
    /// Parties whose part in an open only a call stack could show.
    pub(crate) unshown: &'a [locks::Party],
    pub(crate) filters: FilterSurvey,
    pub(crate) source: &'a dyn Source,
    pub(crate) common: failures::Common,
}

/// A finished analysis: the record, and the operations it was made from.
#[derive(Debug)]
pub struct Case {
    /// The record.
    pub record: CaseRecord,
    /// The operations on the files concerned.
    pub log: OpLog,
    /// Records and rows that could not be read, ascending.
    pub lost: Vec<EventIndex>,
}

/// Analyses one source.
///
/// # Errors
/// A path pattern of the scope that cannot be understood.
pub fn analyse(source: &dyn Source, options: &CaseOptions<'_>) -> Result<Case, PatternError> {
    analyse_with(source, options, None)
}

/// Analyses one source together with servicing logs.
///
/// # Errors
/// A path pattern of the scope that cannot be understood.
pub fn analyse_with(
    source: &dyn Source,
    options: &CaseOptions<'_>,
    logs: Option<&ServicingLogs>,
) -> Result<Case, PatternError> {
    let machine = source.machine();
    let mut scope = Scope::new(&options.scope, machine.system_root.as_deref())?;
    let mut survey = surveyed(source, options);
    let filtered = options.filter.as_ref().map_or(0, |filter| keep_passing(&mut scope, filter, &survey));
    let tied = logs.map(|logs| servicing::tie(logs, source, &survey, &machine, &scope, options));
    if let Some(tied) = &tied {
        scope.count_in(&tied.named);
    }
    let elsewhere = refused_elsewhere(&options.scope, &scope, &survey)?;
    let Gathered { failures, outside, log } = gather(source, &survey, &scope, &authors(source, options.catalogue));
    if tied.is_none() {
        // Whatever of these matters is among the collected operations.
        (survey.ops, survey.paths) = Default::default();
    }
    let is_victim = |id: ProcessId| scope.is_victim_id(&log, id);
    let mut analysis = locks::analyse(&log, &failures, &locks::Options::new(&is_victim));
    // An ACCESS DENIED that no rule ties to an open is a matter of permissions, not of locks.
    analysis.findings.retain(|finding| finding.lock_class);
    if scope.victims.is_empty() {
        blame_others(&mut analysis);
    }
    let unshown = weaken(&mut analysis, (&log, &survey.lost), source, options.catalogue);
    let filters = filters(source, options.catalogue);
    let mut parts = Parts {
        options,
        machine,
        scope: &scope,
        survey: &survey,
        outside,
        elsewhere,
        filtered,
        log: &log,
        analysis,
        citer: locks::Citer::new(&log),
        unshown: &unshown,
        filters,
        source,
        common: failures::Common::default(),
    };
    let mut record = record(&mut parts);
    if let Some(tied) = &tied {
        servicing::add(&mut record, &parts, tied);
    }
    Ok(Case { record, log, lost: survey.lost })
}

/// What a source holds; of an extract of this scope, what its original held.
fn surveyed(source: &dyn Source, options: &CaseOptions<'_>) -> Survey {
    let mut survey = source.survey();
    source.restore(&options.scope.digest(), &mut survey);
    if survey.coverage.third_parties.is_none() {
        let third_parties = quality::third_parties(options.catalogue, &survey, &source.machine());
        survey.coverage.third_parties = Some(third_parties);
    }
    survey
}

/// The failures in the profile's folders of another Windows than the one whose folders make up the scope: how many, and
/// the path of the first.
fn refused_elsewhere(
    options: &ScopeOptions,
    scope: &Scope,
    survey: &Survey,
) -> Result<Option<(u64, String)>, PatternError> {
    let anywhere = Scope::new(options, None)?;
    let contains = |scope: &Scope, op: &Op| scope.contains(op, &survey.processes, &survey.paths);
    let is_left_out = |op: &Op| !scope.is_path(survey.paths.get(op.path)) && !contains(scope, op);
    let mut found = survey.ops.iter().filter(|op| is_failure(op) && contains(&anywhere, op) && is_left_out(op));
    let first = found.next().map(|op| survey.paths.get(op.path).to_owned());
    Ok(first.map(|path| (1 + found.count() as u64, path)))
}

/// Narrows the scope to the failures and waits that pass the filter; returns how many failures do not.
fn keep_passing(scope: &mut Scope, filter: &FailureFilter<'_>, survey: &Survey) -> u64 {
    let inside = |op: &&Op| scope.contains(op, &survey.processes, &survey.paths);
    let asked: Vec<&Op> = survey.ops.iter().filter(|op| is_failure(op) || is_delayed(op)).filter(inside).collect();
    let passing = filter.passing(&asked.iter().map(|op| op.event).collect::<Vec<_>>());
    let fails = |op: &&&Op| is_failure(op) && passing.binary_search(&op.event).is_err();
    let filtered = asked.iter().filter(fails).count() as u64;
    scope.keep(passing);
    filtered
}

/// Where every process may be a victim, each is one of its own failures only: whoever else held is to blame.
fn blame_others(analysis: &mut locks::Analysis) {
    for finding in &mut analysis.findings {
        for holder in &mut finding.holders {
            holder.victim &= holder.party.process() == finding.process && finding.driver.is_none();
        }
        finding.holders.sort_by_key(|holder| holder.victim);
        if finding.attribution == locks::Attribution::SelfInflicted && finding.holders.iter().any(|one| !one.victim) {
            finding.attribution = locks::Attribution::Holders;
        }
    }
}

/// Lowers what the source cannot bear out; see [`doubt::weaken`].
fn weaken(
    analysis: &mut locks::Analysis,
    (log, lost): (&OpLog, &[EventIndex]),
    source: &dyn Source,
    catalogue: &VendorCatalogue,
) -> Vec<locks::Party> {
    let modules = source.kernel_modules();
    let filters = modules.is_empty() || modules.iter().any(authors(source, catalogue));
    doubt::weaken(analysis, (log, lost), filters)
}

/// The filters among the loaded kernel modules.
fn filters(source: &dyn Source, catalogue: &VendorCatalogue) -> FilterSurvey {
    let modules = source.kernel_modules();
    candidate_filters(catalogue, modules.iter().map(ModuleFacts::of))
}

/// Tells the kernel modules that may issue operations of their own; see [`may_issue`].
fn authors(source: &dyn Source, catalogue: &VendorCatalogue) -> impl Fn(&DriverInfo) -> bool + Sync {
    let root = source.machine().system_root.unwrap_or_default();
    move |driver| may_issue(catalogue, &ModuleFacts::of(driver), &root)
}

fn record(parts: &mut Parts<'_>) -> CaseRecord {
    let holders = holders::Holders::new(parts);
    // Before the findings are taken apart.
    let late = parts.analysis.findings.iter().find(|finding| finding.may_be_older()).map(|first| first.time);
    let failures = failures::failures(parts, &holders);
    let waits = failures::waits(parts, &holders);
    let scope = parts.scope;
    let (verdict, recommendations, caveats) = verdict::verdict(parts, &holders, &failures);
    let consistency = parts.analysis.consistency;
    let explained =
        failures.iter().filter(|failure| failure.attribution != case::Attribution::NotVisible).count() as u64;
    let of_files = !failures.is_empty() || !waits.is_empty();
    let consistency = of_files.then_some(case::Consistency {
        opens_checked: consistency.opens_checked,
        false_conflicts: consistency.false_conflicts,
        failures_explained: explained,
        failures_unexplained: failures.len() as u64 - explained,
        closes_without_open: consistency.closes_without_open,
        opens_without_close: consistency.opens_without_close,
    });
    CaseRecord {
        schema: case::SCHEMA.to_owned(),
        tool: case::Tool { name: "pmlblame".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        generated: parts.options.generated.map(FileTime::to_rfc3339),
        language: parts.options.lang.tag().to_owned(),
        capture: capture_record(
            parts.options,
            &parts.machine,
            parts.survey,
            &quality::quality(parts.options, parts.survey, &parts.machine, late, parts.elsewhere.as_ref()),
            consistency,
        ),
        scope: case::Scope {
            profile: scope.profile.as_code().to_owned(),
            victims: scope.victims.clone(),
            paths: scope.paths.clone(),
            results: scope.results.iter().map(|status| status.result_text().into_owned()).collect(),
            from: scope.from.map(FileTime::to_rfc3339),
            to: scope.to.map(FileTime::to_rfc3339),
            failures_outside: parts.outside,
            filter: parts.options.filter.as_ref().map(FailureFilter::rules).unwrap_or_default(),
            failures_filtered: parts.options.filter.is_some().then_some(parts.filtered),
            from_log: Vec::new(),
        },
        verdict,
        holders: holders.into_records(),
        failures,
        waits,
        cbs: None,
        recommendations,
        caveats,
    }
}

/// What is known of the capture itself.
fn capture_record(
    options: &CaseOptions<'_>,
    machine: &Machine,
    survey: &Survey,
    quality: &[case::Quality],
    consistency: Option<case::Consistency>,
) -> case::Capture {
    let mut events = IndexMap::new();
    let counts = &survey.counts;
    for (class, count) in [
        ("total", counts.total),
        ("file_system", counts.file_system),
        ("registry", counts.registry),
        ("process", counts.process),
        ("network", counts.network),
        ("profiling", counts.profiling),
    ] {
        events.insert(class.to_owned(), count);
    }
    if counts.other > 0 {
        events.insert("other".to_owned(), counts.other);
    }
    case::Capture {
        files: options.files.clone(),
        computer: machine.computer.clone(),
        system_root: machine.system_root.clone(),
        os: machine.os.clone(),
        bits: machine.bits,
        first_event: survey.span.map(|(first, _)| first.to_rfc3339()),
        last_event: survey.span.map(|(_, last)| last.to_rfc3339()),
        events,
        quality: quality.to_vec(),
        consistency,
    }
}
