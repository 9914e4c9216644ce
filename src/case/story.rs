//! The story of one event: what everybody did to the file around it, and who held it from when to when.

use super::{Confidence, Driver, Edge, EventRef, Failure, LockRange, Mechanism, Wait};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Value of `schema` in a story.
pub const WHY_SCHEMA: &str = "pmlblame/why/1";

/// The story of one failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "pmlblame story of one failure")]
pub struct Story {
    /// Always `pmlblame/why/1`.
    pub schema: String,
    /// Number of the event it is told for.
    pub event: u64,
    /// When the event was done, RFC 3339 UTC; left out where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// The failure as in the case record; left out when the event was not refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The rule that refused the event for itself, whoever has its file open; only where the capture shows that it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_by: Option<String>,
    /// The delay as in the case record, when the event waited for somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// What is known of the drivers among the holders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<Driver>,
    /// Everything done to the file around it, in event order.
    pub events: Vec<StoryEvent>,
    /// Every hold on the file, by start.
    pub holds: Vec<StoryHold>,
    /// The holds that this event ended, a close or the end of a process, of those that something was refused for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Ending>,
    /// There were more events or holds than are told; those nearest to the failure are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A hold that an event ended, and what it had been in the way of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ending {
    /// The path of the refused operations.
    pub path: String,
    /// By what the file was held.
    pub mechanism: Mechanism,
    /// The best grade with which the hold explains one of them.
    pub confidence: Confidence,
    /// When it began.
    pub start: Edge,
    /// The operations that were refused while it stood, by event.
    pub failures: Vec<u64>,
    /// The operation that went through right afterwards, which confirms the hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<EventRef>,
}

/// One event on the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoryEvent {
    /// Event number.
    pub event: u64,
    /// Start, RFC 3339 UTC.
    pub time: String,
    /// Process id.
    pub pid: u32,
    /// Process name.
    pub process: String,
    /// Operation.
    pub operation: String,
    /// Result text.
    pub result: String,
    /// Path.
    pub path: String,
    /// How long it took, milliseconds; left out below 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    /// It was refused in a way that can mean a lock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// Access and share mode of an open, flags of a mark, target of a rename; in Windows' terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// One hold on the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoryHold {
    /// Process id.
    pub pid: u32,
    /// Process name.
    pub process: String,
    /// The driver that holds in the process's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// By what.
    pub mechanism: Mechanism,
    /// Begin.
    pub start: Edge,
    /// End.
    pub end: Edge,
    /// Access, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Vec<String>>,
    /// Share mode, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Vec<String>>,
    /// The name it was opened by, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The locked bytes, for a byte-range lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<LockRange>,
    /// It is one of those that made the operation fail.
    pub implicated: bool,
    /// From when to when it surely stood; left out when at no known time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sure: Option<Span>,
    /// When it had surely ended, RFC 3339 UTC; left out where nothing shows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// The success that it would have refused, had it still stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuted_by: Option<EventRef>,
}

/// From one time to another, RFC 3339 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// From then on.
    pub from: String,
    /// Until then; left out when until the end of the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}
