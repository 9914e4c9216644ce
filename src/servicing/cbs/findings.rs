//! What one log says: typed facts, no sentences.

use indexmap::IndexMap;

use crate::nt::FileTime;
use crate::servicing::component::{ComponentDir, Package};
use crate::servicing::ids::{InFlightId, InFlightPath};
use crate::servicing::lines::LineStats;
use crate::servicing::stamp::LocalTime;

use super::overlap::SecondTable;
use super::record::LineCounts;

/// Where and when a fact stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Physical line, 1-based.
    pub line: u64,
    /// CSI's number of the record.
    pub seq: Option<u32>,
    /// Local time, whole seconds.
    pub local: LocalTime,
    /// UTC as the log prints it, to the millisecond.
    pub at: Option<FileTime>,
}

/// How the UTC offset was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSource {
    /// Lines with both a local and a UTC stamp.
    AtPairs,
    /// The time inside session ids.
    SessionId,
    /// The time inside in-flight ids.
    InFlightId,
}

impl OffsetSource {
    /// The stable name.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::AtPairs => "at_pairs",
            Self::SessionId => "session_id",
            Self::InFlightId => "inflight_id",
        }
    }
}

/// The machine's clock against UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Minutes the local clock is ahead of UTC: the most frequent value.
    pub minutes: i32,
    /// What it was taken from.
    pub source: OffsetSource,
    /// Where the log changes to another offset: (line, minutes).
    pub changes: Vec<(u64, i32)>,
}

impl Offset {
    /// The offset in force at a line.
    pub fn at(&self, line: u64) -> i32 {
        self.changes.iter().rev().find(|(from, _)| *from <= line).map_or(self.minutes, |(_, minutes)| *minutes)
    }
}

/// What kind of record an [`ErrorEvent`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `… originated in function …`
    Origin,
    /// `… from F(…)`
    Trail,
    /// Another `(F)` record.
    Failure,
    /// A hydration failure.
    Hydration,
    /// A missing payload directory or file.
    MissingPayload,
    /// A hash mismatch.
    HashMismatch,
    /// A CBS record of level Error with an HRESULT.
    CbsError,
    /// A CBS record of another level with a failing HRESULT.
    CbsResult,
}

impl ErrorKind {
    /// The stable name.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Trail => "trail",
            Self::Failure => "failure",
            Self::Hydration => "hydration",
            Self::MissingPayload => "missing_payload",
            Self::HashMismatch => "hash_mismatch",
            Self::CbsError => "cbs_error",
            Self::CbsResult => "cbs_result",
        }
    }
}

/// The first error of its kind, code and function within an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorEvent {
    /// Where.
    pub place: Place,
    /// Kind of record.
    pub kind: ErrorKind,
    /// HRESULT or NTSTATUS, if known.
    pub code: Option<u32>,
    /// The function, with its namespaces.
    pub function: Option<String>,
    /// The package the record names.
    pub package: Option<String>,
    /// The record's text, clipped.
    pub text: String,
    /// CSI numbers missing from the log up to here (counted through the file).
    pub lost_before: u64,
}

/// `WER: Generating failure report …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WerReport {
    /// Line.
    pub line: u64,
    /// Package.
    pub package: Option<String>,
    /// Status.
    pub status: Option<u32>,
    /// Resolve, Stage, Execute.
    pub phase: Option<String>,
}

/// One session: an attempt to install or remove something.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Session {
    /// `high_low`; empty for what was logged outside any session.
    pub id: String,
    /// First line that names it.
    pub line: u64,
    /// Whether that line is its beginning.
    pub begins_here: bool,
    /// Local time of that line.
    pub local: Option<LocalTime>,
    /// Who asked for it.
    pub client: Option<String>,
    /// The time in the id.
    pub created: Option<FileTime>,
    /// The package it worked on.
    pub package: Option<String>,
    /// `KB…` or whatever the client called it.
    pub identifier: Option<String>,
    /// The outcome.
    pub hresult: Option<u32>,
    /// Whether a restart is needed.
    pub reboot_required: Option<bool>,
    /// `Exec: Processing complete`.
    pub finished_line: Option<u64>,
    /// `finalized`.
    pub finalized_line: Option<u64>,
    /// Local time of the last of those.
    pub ended: Option<LocalTime>,
    /// The failure report.
    pub wer: Option<WerReport>,
    /// `Stage`, `Resolve`, `Execute` from the chain's own failure line, when no report says it.
    pub chain_phase: Option<String>,
    /// First errors.
    pub errors: Vec<ErrorEvent>,
    /// Errors not kept because the list was full.
    pub errors_left_out: u64,
}

/// A call record outside the one that met the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OuterCall {
    /// Line.
    pub line: u64,
    /// The call's number.
    pub call: u64,
    /// The function, with its namespaces.
    pub function: String,
    /// Its status.
    pub code: Option<u32>,
}

/// What a lock meant for the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Stage {
    /// Part of the work itself.
    #[default]
    Operation,
    /// Met while tidying up, or after the error that set the result.
    Cleanup,
}

impl Stage {
    /// The stable name.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Cleanup => "cleanup",
        }
    }
}

/// A record that names an object in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Where.
    pub place: Place,
    /// NTSTATUS.
    pub status: u32,
    /// The HRESULT behind the record.
    pub gle: Option<u32>,
    /// The call's number.
    pub call: Option<u64>,
    /// The function without namespaces.
    pub function: Option<String>,
    /// The path, single backslashes.
    pub path: String,
    /// As written, when that differs.
    pub written: Option<String>,
    /// Declared length.
    pub declared_length: Option<u32>,
    /// Whether the path has that length.
    pub length_fits: bool,
    /// `da`.
    pub desired_access: Vec<String>,
    /// `sa`: what the worker offers.
    pub share: Vec<String>,
    /// `cd`.
    pub disposition: Option<String>,
    /// `co`.
    pub create_options: Vec<String>,
    /// Address of the status block; the same in records of one call.
    pub iosb: Option<String>,
    /// Header lines the record was joined from.
    pub chunks: u32,
    /// What the path says about its maker.
    pub in_flight: InFlightPath,
    /// Index into the sessions.
    pub session: Option<usize>,
    /// The calls around it, innermost first.
    pub outer: Vec<OuterCall>,
    /// Meaning for the attempt.
    pub stage: Stage,
    /// Whether the attempt's result is this very failure.
    pub sets_result: bool,
}

/// A payload that an update wanted and the store lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPayload {
    /// Where.
    pub place: Place,
    /// The record that names the directory.
    pub directory_line: Option<u64>,
    /// The file.
    pub file: Option<String>,
    /// The component that wanted it.
    pub for_component: Option<String>,
    /// The component directory that lacks.
    pub directory: Option<String>,
    /// That directory's parts.
    pub component: Option<ComponentDir>,
    /// Index into the sessions.
    pub session: Option<usize>,
}

/// A file that could not be made from its deltas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HydrationFailure {
    /// Where.
    pub place: Place,
    /// Component name.
    pub component: String,
    /// Its version.
    pub version: Option<String>,
    /// Its architecture.
    pub arch: Option<String>,
    /// The file.
    pub file: Option<String>,
    /// The code as printed, decimal.
    pub decimal: Option<i64>,
    /// The same as a code.
    pub code: Option<u32>,
    /// The component it was matched with (newer builds).
    pub matching_component: Option<String>,
    /// 0 reverse, 1 forward.
    pub delta_type: Option<u32>,
    /// Whether the delta itself is intact.
    pub integrity_valid: Option<bool>,
    /// Checksum the delta carries.
    pub checksum_retrieved: Option<u64>,
    /// Checksum computed over it.
    pub checksum_computed: Option<u64>,
    /// Index into the sessions.
    pub session: Option<usize>,
}

/// A file whose content is not what its component says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashMismatch {
    /// Where.
    pub place: Place,
    /// The file.
    pub file: String,
    /// The component, from the hydration failure of the same file before it.
    pub component: Option<String>,
    /// Digits of the hash wanted.
    pub expected: Option<String>,
    /// Digits of the hash found.
    pub actual: Option<String>,
    /// Index into the sessions.
    pub session: Option<usize>,
}

/// `Attempting to mark store corrupt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorruptionMark {
    /// Where.
    pub place: Place,
    /// Category.
    pub category: String,
    /// Index into the sessions.
    pub session: Option<usize>,
}

/// A component path locked by a servicing process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockOperation {
    /// Where.
    pub place: Place,
    /// The path.
    pub path: String,
    /// `comp`.
    pub component_id: Option<InFlightId>,
    /// `pathid`.
    pub path_id: Option<InFlightId>,
    /// The whole process id.
    pub pid: Option<u32>,
}

/// Things about the log itself that a reader must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteCode {
    /// Lines before the first header: the start of a record is missing.
    StartsMidRecord,
    /// The last line has no end.
    TruncatedLastLine,
    /// Runs of NUL, as a power cut leaves them.
    NulBytes,
    /// Lines in GBK among UTF-8.
    MixedEncodings,
    /// Lines are UTF-16 in a file that is not.
    Utf16Lines,
    /// Lines or records too long to keep.
    LongLinesCut,
    /// The local clock goes back by more than a minute.
    ClockSetBack,
    /// The time in a session's id is not that of its line.
    SessionTimeContradicts,
    /// The UTC offset changes.
    UtcOffsetChanged,
    /// No line ties local time to UTC.
    NoUtcOffset,
    /// CSI numbers are missing between records.
    SequenceGaps,
    /// Lists were full; later findings of that kind are only counted.
    FindingsLeftOut,
    /// Locks whose record names no path.
    LocksWithoutPath,
    /// Some declared lengths do not fit.
    LengthMismatch,
    /// Reading stopped at an error.
    ReadError,
}

impl NoteCode {
    /// The stable name.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::StartsMidRecord => "starts_mid_record",
            Self::TruncatedLastLine => "truncated_last_line",
            Self::NulBytes => "nul_bytes",
            Self::MixedEncodings => "mixed_encodings",
            Self::Utf16Lines => "utf16_lines",
            Self::LongLinesCut => "long_lines_cut",
            Self::ClockSetBack => "clock_set_back",
            Self::SessionTimeContradicts => "session_time_contradicts",
            Self::UtcOffsetChanged => "utc_offset_changed",
            Self::NoUtcOffset => "no_utc_offset",
            Self::SequenceGaps => "sequence_gaps",
            Self::FindingsLeftOut => "findings_left_out",
            Self::LocksWithoutPath => "locks_without_path",
            Self::LengthMismatch => "length_mismatch",
            Self::ReadError => "read_error",
        }
    }
}

/// A [`NoteCode`] with its first place and its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub code: NoteCode,
    /// First line it was seen on, if it has one.
    pub line: Option<u64>,
    /// How often, or how many bytes.
    pub count: u64,
}

/// The servicing stack that wrote the log, which is of the same build family as the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicingStack {
    /// `10.0.17763.2865`.
    pub version: String,
    /// `amd64`, `x86`, `arm64`, from the folder of its core.
    pub arch: Option<String>,
}

impl ServicingStack {
    /// Reads what follows `Loaded Servicing Stack v`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once(' ').unwrap_or((text, ""));
        let digits = version.split('.').filter(|part| part.len() <= 10 && part.parse::<u64>().is_ok()).count();
        let arch = rest.split('\\').find_map(ComponentDir::parse).map(|core| core.arch.to_ascii_lowercase());
        (digits == 4 && version.matches('.').count() == 3).then(|| Self { version: version.to_owned(), arch })
    }

    /// The build number: `17763`.
    pub fn build(&self) -> Option<u32> {
        self.version.split('.').nth(2)?.parse().ok()
    }
}

/// Everything one log says.
#[derive(Clone, Debug, Default)]
pub struct LogFacts {
    /// The text as such.
    pub text: LineStats,
    /// Lines and records.
    pub lines: LineCounts,
    /// Records by level, in order of appearance.
    pub levels: IndexMap<String, u64>,
    /// Records by component.
    pub components: IndexMap<String, u64>,
    /// Stamp of the first record.
    pub first_local: Option<LocalTime>,
    /// Stamp of the last record.
    pub last_local: Option<LocalTime>,
    /// The clock.
    pub offset: Option<Offset>,
    /// Lines with both stamps.
    pub utc_pairs: u64,
    /// Sessions, in order of appearance.
    pub sessions: Vec<Session>,
    /// What was logged outside any session.
    pub outside: Session,
    /// Packages that something was done to.
    pub packages: Vec<Package>,
    /// KB numbers, in order of appearance.
    pub kb: Vec<String>,
    /// Objects in use.
    pub locked: Vec<Locked>,
    /// Missing payload.
    pub missing: Vec<MissingPayload>,
    /// Hydration failures.
    pub hydration: Vec<HydrationFailure>,
    /// Hash mismatches.
    pub hashes: Vec<HashMismatch>,
    /// Corruption marks.
    pub marks: Vec<CorruptionMark>,
    /// Lock operations.
    pub lock_operations: Vec<LockOperation>,
    /// Rotated logs that the log names.
    pub rotated: Vec<String>,
    /// The servicing stack, as the last line about it says.
    pub stack: Option<ServicingStack>,
    /// What to know about the log itself.
    pub notes: Vec<Note>,
    /// Records by second, to find what two logs share.
    pub seconds: SecondTable,
    /// SHA-256 of the bytes read.
    pub sha256: [u8; 32],
    /// Bytes read.
    pub bytes: u64,
}

impl LogFacts {
    /// UTC of a place: as printed, or from the local stamp and the offset in force there.
    pub fn utc(&self, place: &Place) -> Option<FileTime> {
        place.at.or_else(|| place.local.to_utc(self.offset.as_ref()?.at(place.line)))
    }
}
