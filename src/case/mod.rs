//! The case record: what an analysis found, as plain data. JSON, table and prose are readers of the same value.
//!
//! The shape is a promise to other programs (`docs/case-record.md`): keys keep their names and meaning within schema
//! version 1, absent means unknown, and readers skip keys and codes they do not know. Types here are made for output
//! alone and borrow nothing.

mod audit;
pub mod cbs;
pub mod codes;
mod failure;
mod holder;
mod shared;
mod story;

pub use audit::{AUDIT_SCHEMA, AuditFailures, AuditRecord, FalseConflict, StatusCount};
pub use codes::{
    Attribution, Cause, Confidence, ExplanationCode, HowDeleted, Mechanism, OnBehalfOf, PartyCode, RuledOutReason,
    Severity, VerdictCode,
};
pub use failure::{
    At, DeletedBy, Edge, EventRef, Evidence, Failure, FailureHolder, Hold, LiveChild, LockRange, ReleasedBy, Requested,
    RuledOut, Series, Wait,
};
pub use holder::{Driver, Holder, HolderKind, Process, Vendor};
pub use shared::{Names, Pool, Shared, Text};
pub use story::{Ending, Span, Story, StoryEvent, StoryHold, WHY_SCHEMA};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Value of `schema` in a case record.
pub const SCHEMA: &str = "pmlblame/case/1";

/// Everything found in one capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "pmlblame case record")]
pub struct CaseRecord {
    /// Always `pmlblame/case/1`.
    pub schema: String,
    /// The program that made the record.
    pub tool: Tool,
    /// When the record was made, RFC 3339 UTC; left out when a reproducible record was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// Language of the `text` fields: `en` or `zh-CN`.
    pub language: String,
    /// The capture.
    pub capture: Capture,
    /// What was looked for.
    pub scope: Scope,
    /// The answer.
    pub verdict: Verdict,
    /// Every party implicated by at least one failure, ranked.
    pub holders: Vec<Holder>,
    /// Every lock-class failure of a victim in scope, in event order.
    pub failures: Vec<Failure>,
    /// Operations that were delayed, not refused, with a known cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Wait>,
    /// What the servicing log says; only when one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cbs: Option<cbs::CbsReport>,
    /// What to do next.
    pub recommendations: Vec<Advice>,
    /// What the verdict does not cover.
    pub caveats: Vec<Advice>,
}

/// Name and version of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `pmlblame`.
    pub name: String,
    /// Version.
    pub version: String,
}

/// The capture that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capture {
    /// Its files, in order of time.
    pub files: Vec<File>,
    /// Computer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computer: Option<String>,
    /// System root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_root: Option<String>,
    /// Windows version, `10.0.17763`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// 32 or 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// Time of the first event, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event: Option<String>,
    /// End of the last event, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event: Option<String>,
    /// Number of events by class: `total`, `file_system`, `registry`, `process`, `network`, `profiling`, and `other`
    /// where a class beyond these occurs.
    pub events: IndexMap<String, u64>,
    /// What this capture cannot show.
    pub quality: Vec<Quality>,
    /// How well the locking model fits the files of the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
}

/// One file of a capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct File {
    /// File name without folder.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256, lower-case hex; left out when it was not computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Events in it.
    pub events: u64,
}

/// One weakness of a capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quality {
    /// Stable code.
    pub code: String,
    /// How much it weakens a verdict.
    pub severity: Severity,
    /// In words.
    pub text: String,
}

/// The self-check over the files of the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consistency {
    /// Successful creates checked.
    pub opens_checked: u64,
    /// Of these, how many the model says must have been refused.
    pub false_conflicts: u64,
    /// Lock-class failures with a visible cause.
    pub failures_explained: u64,
    /// Lock-class failures without one.
    pub failures_unexplained: u64,
    /// Closes without an open.
    pub closes_without_open: u64,
    /// Opens without a close.
    pub opens_without_close: u64,
}

/// What was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// `servicing` or `any`.
    pub profile: String,
    /// Victim process names; none means every process.
    pub victims: Vec<String>,
    /// Path patterns; none means every path.
    pub paths: Vec<String>,
    /// Result texts, when narrowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<String>,
    /// Start of the time window, when narrowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// End of the time window, when narrowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Lock-class failures outside the scope.
    pub failures_outside: u64,
    /// Rules that chose among the failures, in Procmon's words; left out when none were given. They say what is reported,
    /// not what counts as evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<String>,
    /// Of the failures outside, those that only the filter leaves out; left out without a filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures_filtered: Option<u64>,
    /// Failures that count because the servicing log names them, though the rest of the scope does not cover them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from_log: Vec<u64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Which answer.
    pub code: VerdictCode,
    /// How sure.
    pub confidence: Confidence,
    /// The implicated, most responsible first.
    pub holders: Vec<String>,
    /// In one sentence.
    pub text: String,
}

/// A recommendation or caveat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Advice {
    /// Stable code.
    pub code: String,
    /// In words.
    pub text: String,
}
