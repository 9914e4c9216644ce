//! What ties a log to a capture; only in a case record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A log record that is a refused operation of the capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Match {
    /// Log; left out when there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line.
    pub line: u64,
    /// Event.
    pub event: u64,
    /// Distance in time, to the millisecond; 0 within the second of a stamp without fraction. Left out when the log's
    /// zone is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_apart: Option<f64>,
    /// What fits: `path`, `time`, `pid`, `thread`.
    pub by: Vec<String>,
    /// NTSTATUS in the log.
    pub ntstatus: String,
    /// Path in the capture.
    pub path: String,
    /// Process of the event.
    pub process: String,
    /// Its id.
    pub pid: u32,
    /// Whether the event is among the failures of this record.
    pub in_scope: bool,
    /// Ids of those who held the file.
    pub holders: Vec<String>,
    /// `operation` or `cleanup`.
    pub stage: String,
    /// Whether the attempt's result is this very refusal.
    pub sets_result: bool,
    /// The file is a leftover: made by an earlier attempt than the one that met it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leftover: Option<bool>,
    /// Other refusals that fit as well.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: u64,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// A log record without a refused operation in the capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unmatched {
    /// Log; left out when there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line.
    pub line: u64,
    /// UTC; left out when the zone is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc: Option<String>,
    /// NTSTATUS.
    pub ntstatus: String,
    /// Path.
    pub path: String,
    /// `other_machine`, `before_capture`, `after_capture`, `other_run`, `no_servicing_process`, `path_not_seen`,
    /// `not_refused_then`, `time_unknown`.
    pub reason: String,
    /// Seconds from the record to the capture, for the two reasons that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_outside: Option<f64>,
    /// In words.
    pub text: String,
}

/// The machine's clock against UTC, as the logs tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// Minutes the local clock is ahead of UTC.
    pub utc_offset_minutes: i32,
    /// `at_pairs`, `session_id`, `inflight_id`.
    pub source: String,
    /// The log it was taken from.
    pub file: String,
}

/// Whether an attempt of the log is the one of the capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// Session id; left out for what was logged outside any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// `same_attempt`, `overlaps` (in time only), `other_machine`, `other_attempt`, `before_capture`, `after_capture`,
    /// `unknown`.
    pub code: String,
    /// First moment of the attempt in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Last moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether the capture covers it: `whole`, `part`, `none`; left out when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covered: Option<String>,
    /// Whether the capture covers the error that set the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_covered: Option<bool>,
    /// The processes that the attempt's in-flight ids name.
    pub processes: Vec<MakerProcess>,
    /// In words.
    pub text: String,
}

/// A process named by in-flight ids, and what the capture knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MakerProcess {
    /// Low 16 bits of the process id.
    pub pid16: u16,
    /// Low 16 bits of the thread ids.
    pub tid16: Vec<u16>,
    /// First id made.
    pub first_utc: String,
    /// `same_process`, `started_later`, `other_program`, `absent`, `not_covered`.
    pub code: String,
    /// Whether its ids are older than the attempt that met them.
    pub leftover: bool,
    /// The process of the capture with that id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
}

/// One step of the story that log and capture tell together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// UTC.
    pub time: String,
    /// `second`, `millisecond` or `tick` (100 ns).
    pub precision: String,
    /// `log` or `capture`.
    pub source: String,
    /// Log; left out when there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Event of the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
    /// `first_error`, `first_error_sets_result`, `sets_result`, `returns_result`, `cause`, `operation`, `cleanup`;
    /// from the capture `holder_opens`, `marked_for_deletion`, `first_refusal`, `last_refusal`, `holder_releases`.
    pub role: String,
    /// Code or symbol of the log, result of the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Function, path or process.
    pub place: String,
}

/// What log and capture say together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conclusion {
    /// `lock_is_cause`, `lock_probably_cause`, `lock_in_cleanup`, `lock_not_cause`, `lock_not_matched`, `lock_not_in_log`,
    /// `no_lock`, `outcome_unknown`, `attempt_succeeded`, `no_failed_attempt`, `other_attempt`.
    pub code: String,
    /// In words; the verdict ends with it.
    pub text: String,
}
