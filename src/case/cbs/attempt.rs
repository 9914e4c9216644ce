//! Attempts over all logs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CbsResult, Component};

/// What an attempt died of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// `corrupt_base_payload`, `missing_payload`, `inflight_…`, `locked_…`, `other`.
    pub primary: String,
    /// What else was found; `…_in_cleanup` for a lock that is fallout only.
    pub also: Vec<String>,
    /// In words.
    pub text: String,
}

/// One attempt over all logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Session id; left out for what was logged outside any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Logs that hold a part of it.
    pub files: Vec<String>,
    /// Whether the log shows its beginning.
    pub begins_here: bool,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// `KB…` or another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_utc: Option<String>,
    /// When it ended, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_utc: Option<String>,
    /// Whether it failed; left out when the log does not show its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<bool>,
    /// Outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CbsResult>,
    /// False when no record states the outcome and it was taken from the last error.
    pub result_stated: bool,
    /// The error that came first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_error: Option<ErrorRef>,
    /// The error that set the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_result: Option<ErrorRef>,
    /// The first call seen returning the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned_by: Option<ErrorRef>,
    /// Whether no CSI record is missing between its first and last error.
    pub sequence_complete: bool,
    /// Servicing processes that made in-flight ids in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub makers: Vec<Maker>,
    /// Objects in use.
    pub locks: Vec<LockRef>,
    /// Number of files that could not be made from deltas.
    pub hydration_failures: u64,
    /// Number of files with wrong content.
    pub hash_mismatches: u64,
    /// Number of missing payload records.
    pub missing_payload: u64,
    /// What it died of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

/// An error record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorRef {
    /// Log; left out where only one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line.
    pub line: u64,
    /// CSI's number of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<String>,
    /// Local time.
    pub local: String,
    /// UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc: Option<String>,
    /// `origin`, `trail`, `failure`, `hydration`, `missing_payload`, `hash_mismatch`, `cbs_error`, `cbs_result`.
    pub kind: String,
    /// HRESULT or NTSTATUS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The record, clipped.
    pub record: String,
}

/// A process that made in-flight ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Maker {
    /// Low 16 bits of the process id.
    pub pid16: u16,
    /// Low 16 bits of the thread ids.
    pub tid16: Vec<u16>,
    /// First id made.
    pub first_utc: String,
    /// Last id made.
    pub last_utc: String,
}

/// A lock of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockRef {
    /// Log.
    pub file: String,
    /// Line.
    pub line: u64,
    /// Local time.
    pub local: String,
    /// UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc: Option<String>,
    /// NTSTATUS.
    pub ntstatus: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Path.
    pub path: String,
    /// `operation` or `cleanup`.
    pub stage: String,
    /// Whether the result is this very failure.
    pub sets_result: bool,
    /// The call around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enclosing_function: Option<String>,
    /// Whether the in-flight folder is a leftover of an earlier attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leftover: Option<bool>,
    /// Seconds after the error that set the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_result: Option<f64>,
}

/// A missing directory or file, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingItem {
    /// The component directory.
    pub directory: String,
    /// Its files that were asked for.
    pub files: Vec<String>,
    /// Parts of the directory's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
    /// How often the logs ask for it.
    pub times: u64,
}
