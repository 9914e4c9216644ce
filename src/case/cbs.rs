//! What servicing logs say, as plain data: the output of `pmlblame cbs` and the `cbs` object of a case record.
//!
//! Keys of a file follow the published contract. Numbers of lines are 1-based physical lines; local times are as the
//! log prints them; UTC times are RFC 3339 with seven digits; codes are lower-case hex as in the log.

mod attempt;
mod finding;
mod listing;
mod tie;

pub use attempt::{Attempt, Diagnosis, ErrorRef, LockRef, Maker, MissingItem};
pub use finding::{
    CbsResult, Component, CorruptionMark, DecodedId, HashMismatch, HydrationFailure, InFlightFile, LockOperation,
    LockedPath, MissingPayload, Package, Session,
};
pub use listing::{Lacking, Listing, WinSxsComparison};
pub use tie::{Clock, Conclusion, Identity, MakerProcess, Match, Step, Unmatched};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Advice, Tool};

/// Value of `schema` in the output of `pmlblame cbs`.
pub const SCHEMA: &str = "pmlblame/cbs/1";

/// Everything the logs say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "pmlblame cbs report")]
pub struct CbsReport {
    /// Always `pmlblame/cbs/1`.
    pub schema: String,
    /// The program that made it; left out inside a case record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// Language of the `text` fields; left out inside a case record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The logs, oldest first.
    pub files: Vec<CbsFile>,
    /// The answer over all logs; left out when nothing failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// Index of the attempt that the diagnosis is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<usize>,
    /// What log and capture say together; only with a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
    /// The machine's clock; only with a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// Attempts over all logs, each once, in order of appearance.
    pub attempts: Vec<Attempt>,
    /// Missing payload over all logs, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingItem>,
    /// Comparison of two listings of WinSxS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winsxs: Option<WinSxsComparison>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recommendations: Vec<Advice>,
    /// Inputs that were not read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Which attempts are those of the capture; only with a capture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<Identity>,
    /// Log and capture as one story, in order of time; only with a capture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<Step>,
    /// Log records that are refused operations of the capture; only with a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<Match>>,
    /// Log records without such an operation; only with a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<Vec<Unmatched>>,
}

/// One log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CbsFile {
    /// Base name.
    pub name: String,
    /// Where it was found, when that says more than the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Size of the text.
    pub bytes: u64,
    /// SHA-256 of the text, lower-case hex.
    pub sha256: String,
    /// The earlier log with the very same bytes; its findings are not counted again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<String>,
    /// Stretches shared with earlier logs; what stands in them is counted once in `attempts` and `missing`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<Shared>,
    /// `utf-8`, `gbk`, `utf-16le`, `utf-16be`; single lines of a UTF-8 log may still be GBK.
    pub encoding: String,
    /// Whether it starts with a byte order mark.
    pub bom: bool,
    /// `crlf`, `lf`, `cr`, `mixed`, `none`.
    pub newline: String,
    /// Lines.
    pub physical_lines: u64,
    /// Lines that start with a stamp.
    pub header_lines: u64,
    /// Records, after joining.
    pub records: u64,
    /// Records by level.
    pub levels: IndexMap<String, u64>,
    /// Records by component.
    pub components: IndexMap<String, u64>,
    /// Stamp of the first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_local: Option<String>,
    /// Stamp of the last record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_local: Option<String>,
    /// Minutes the local clock is ahead of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc_offset_minutes: Option<i32>,
    /// `at_pairs`, `session_id`, `inflight_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc_offset_source: Option<String>,
    /// Lines with a local and a UTC stamp.
    pub utc_pairs: u64,
    /// Sessions.
    pub sessions: Vec<Session>,
    /// Packages that something was done to.
    pub packages: Vec<Package>,
    /// KB numbers.
    pub kb: Vec<String>,
    /// Outcome of the attempt the log is about: the last that failed, else the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CbsResult>,
    /// Objects in use.
    pub locked_paths: Vec<LockedPath>,
    /// Missing payload.
    pub missing_payload: Vec<MissingPayload>,
    /// Files that could not be made from deltas.
    pub hydration_failures: Vec<HydrationFailure>,
    /// Files with wrong content.
    pub hash_mismatches: Vec<HashMismatch>,
    /// `Attempting to mark store corrupt`.
    pub corruption_marks: Vec<CorruptionMark>,
    /// Component paths locked by a servicing process.
    pub lock_operations: Vec<LockOperation>,
    /// Rotated logs that this one names.
    pub rotated_logs_named: Vec<String>,
    /// Version of the servicing stack that wrote the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servicing_stack: Option<String>,
    /// Lines that belong to no record, broken stamps included.
    pub unparsed_lines: u64,
    /// What the attempt died of; left out when nothing failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// What to know about the log itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<LogNote>,
}

/// A stretch of records that two logs share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shared {
    /// The other log.
    pub with: String,
    /// First second both have.
    pub first_local: String,
    /// Last second both have.
    pub last_local: String,
    /// Records in it.
    pub records: u64,
}

/// Something to know about a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogNote {
    /// Stable code.
    pub code: String,
    /// First line it was seen on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// How often.
    pub count: u64,
    /// In words.
    pub text: String,
}

/// An input that was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// Path, or archive and path inside.
    pub path: String,
    /// Stable code.
    pub reason: String,
    /// In words.
    pub text: String,
}
