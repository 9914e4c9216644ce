//! Failures, the holds behind them, and waits.

use super::codes::{Attribution, Cause, Confidence, ExplanationCode, HowDeleted, Mechanism, RuledOutReason};
use super::shared::{Names, Shared, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A lock-class failure of a victim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Event number.
    pub event: u64,
    /// Start time, RFC 3339 UTC.
    pub time: Text,
    /// Process id.
    pub pid: u32,
    /// Thread id; left out when the source has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tid: Option<u32>,
    /// Process name.
    pub process: Text,
    /// The driver that, by its stack, issued it in the process's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Text>,
    /// Operation as Procmon names it.
    pub operation: Text,
    /// Path.
    pub path: Text,
    /// NTSTATUS, `0xC0000056`.
    pub status: Text,
    /// Result as Procmon words it.
    pub result: Text,
    /// What stood in the way.
    pub cause: Cause,
    /// Where it is laid.
    pub attribution: Attribution,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<Shared<Requested>>,
    /// Who held.
    pub holders: Vec<FailureHolder>,
    /// Who marked the file, if seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Shared<DeletedBy>>,
    /// The close that ended it, if seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_by: Option<ReleasedBy>,
    /// The first success after that release, if seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<EventRef>,
    /// Beside what is held, a child of the folder that was not marked for deletion: so the folder was not empty in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_child: Option<LiveChild>,
    /// The attempts it is one of; left out in the story of a single failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
    /// Why the holder may be invisible, most likely first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<ExplanationCode>,
    /// Who was considered and cleared.
    pub ruled_out: Vec<RuledOut>,
    /// The rules behind what is said of it as a whole; those of its holders stand with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Something in a folder that nobody had marked for deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveChild {
    /// The last event before the failure that shows it.
    pub event: u64,
    /// Its path.
    pub path: Text,
}

/// A rule that a conclusion rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The rule, numbered as in the documentation.
    pub rule: Text,
    /// The event that shows it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
}

/// The refusals of one process with one kind of operation on one file, without a success between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// The first refused event.
    pub first: u64,
    /// The last refused event.
    pub last: u64,
    /// How many were refused.
    pub attempts: u64,
    /// The event with which it was no longer refused; left out when it failed for good, as far as the capture goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<u64>,
}

/// What a refused operation asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Requested {
    /// Desired access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Vec<String>>,
    /// Share mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Vec<String>>,
    /// Disposition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// Create options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
    /// Access with what a disposition or a generic right adds; only when it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<Vec<String>>,
    /// Destination of a rename or link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Byte range of a lock, read or write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<LockRange>,
}

/// A byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct LockRange {
    /// First byte.
    pub offset: i64,
    /// Bytes.
    pub length: i64,
    /// Exclusive; only for locks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<bool>,
}

/// A party behind one failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureHolder {
    /// Its id among the record's holders; left out for one that only kept others waiting.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub holder: Text,
    /// Process id the capture shows.
    pub pid: u32,
    /// Process name the capture shows.
    pub process: Text,
    /// The filter driver that acted in its name, for a holder of kind `driver`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Text>,
    /// How sure.
    pub confidence: Confidence,
    /// By what it held.
    pub mechanism: Mechanism,
    /// The rule that makes it a reason, numbered as in the documentation.
    pub rule: Text,
    /// `ambiguous` when the process is certain and which of its handles is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<Text>,
    /// The hold.
    pub hold: Hold,
    /// What conflicted, in words.
    pub conflict: Names,
    /// Classes (READ, WRITE, DELETE) the victim wanted and the holder does not share.
    #[serde(default, skip_serializing_if = "<[Text]>::is_empty")]
    pub not_shared_by_holder: Names,
    /// Classes the holder has and the victim does not share.
    #[serde(default, skip_serializing_if = "<[Text]>::is_empty")]
    pub not_shared_by_victim: Names,
    /// Further rules that the conclusion rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// From when to when a party held, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// Begin.
    pub start: Edge,
    /// End.
    pub end: Edge,
    /// Access, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Names>,
    /// Share mode, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Names>,
    /// The name it was opened by, when it is another one than the failure's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// Until then it surely held, RFC 3339 UTC; only where its close was under way at the failure. `end` tells when that was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sure_until: Option<Text>,
}

/// One end of a hold: an event, or `before_capture`, `after_capture`, `unseen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Edge {
    /// At an event.
    At(At),
    /// Outside what the capture shows.
    Outside(Text),
}

impl Edge {
    /// Whether it lies after the last event.
    pub fn is_after_capture(&self) -> bool {
        matches!(self, Self::Outside(code) if *code == "after_capture")
    }
}

/// An event with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct At {
    /// Event number.
    pub event: u64,
    /// Time, RFC 3339 UTC.
    pub time: Text,
}

/// Who marked a file for deletion.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DeletedBy {
    /// Event number.
    pub event: u64,
    /// Process id.
    pub pid: u32,
    /// Process name.
    pub process: Text,
    /// The driver that, by its stack, did it in the process's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Text>,
    /// How.
    pub how: HowDeleted,
}

/// The close that ended a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleasedBy {
    /// Event number.
    pub event: u64,
    /// Process id.
    pub pid: u32,
}

/// An event number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventRef {
    /// Event number.
    pub event: u64,
}

/// A party that was considered and cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuledOut {
    /// Process id.
    pub pid: u32,
    /// Process name.
    pub process: Text,
    /// When that process started, RFC 3339 UTC; only where several processes of the capture had its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Text>,
    /// Why.
    pub reason: RuledOutReason,
    /// The rule that clears.
    #[serde(default)]
    pub rule: Text,
    /// The event that shows it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
}

/// An operation that took long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// Event number.
    pub event: u64,
    /// Start time, RFC 3339 UTC.
    pub time: Text,
    /// Process id.
    pub pid: u32,
    /// Thread id; left out when the source has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tid: Option<u32>,
    /// Process name.
    pub process: Text,
    /// Operation as Procmon names it.
    pub operation: Text,
    /// Path.
    pub path: Text,
    /// How long, milliseconds.
    pub waited_ms: f64,
    /// What it waited for; `other` when that is not shown.
    pub cause: Cause,
    /// Who kept it waiting, or is suspected of it; none when nothing shows who.
    pub holders: Vec<FailureHolder>,
}
