//! The record of a self-check: how well the locking model fits a whole capture.

use super::Capture;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Value of `schema` in an audit record.
pub const AUDIT_SCHEMA: &str = "pmlblame/audit/1";

/// What the self-check of a capture found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "pmlblame audit record")]
pub struct AuditRecord {
    /// Always `pmlblame/audit/1`.
    pub schema: String,
    /// The capture.
    pub capture: Capture,
    /// Successful creates of files and directories.
    pub opens_checked: u64,
    /// Those that the model says must have been refused.
    pub false_conflicts: Vec<FalseConflict>,
    /// Lock-class failures.
    pub failures: AuditFailures,
    /// Closes of handles whose open is not in the capture.
    pub closes_without_open: u64,
    /// Opens whose close is not in the capture.
    pub opens_without_close: u64,
    /// What to know about the numbers.
    pub notes: Vec<String>,
    /// Rules that chose the files checked, in Procmon's words: those with an event that passes. Left out when none were
    /// given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<String>,
}

/// A create that succeeded although the model says it must have been refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FalseConflict {
    /// The create.
    pub event: u64,
    /// The create of the hold in its way, if seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_event: Option<u64>,
    /// Path.
    pub path: String,
    /// Rule.
    pub rule: String,
}

/// Failures explained and unexplained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditFailures {
    /// With a holder at least likely, or known to have none.
    pub explained: u64,
    /// The others.
    pub unexplained: u64,
    /// The same by result text.
    pub by_status: IndexMap<String, StatusCount>,
}

/// Failures of one result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCount {
    /// Explained.
    pub explained: u64,
    /// Unexplained.
    pub unexplained: u64,
}
