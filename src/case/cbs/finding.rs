//! What one log says, finding by finding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ErrorRef;

/// One session of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// `high_low`.
    pub id: String,
    /// First line that names it.
    pub line: u64,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The time in the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_utc: Option<String>,
    /// The package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// `KB…` or another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hresult: Option<String>,
    /// Whether a restart is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reboot_required: Option<bool>,
    /// `Exec: Processing complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_line: Option<u64>,
    /// `finalized`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalized_line: Option<u64>,
    /// The first error in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_error: Option<ErrorRef>,
}

/// A package identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Whole identity.
    pub identity: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architecture.
    pub arch: String,
    /// KB number in the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kb: Option<String>,
}

/// An outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CbsResult {
    /// HRESULT.
    pub hresult: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Resolve, Stage, Execute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The inner package that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_package: Option<String>,
    /// The first CBS error with this HRESULT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_line: Option<u64>,
    /// The failure report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wer_line: Option<u64>,
    /// What the code means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A record that names an object in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockedPath {
    /// Line of the record.
    pub line: u64,
    /// CSI's number of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<String>,
    /// Local time.
    pub local: String,
    /// UTC; left out when the zone is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc: Option<String>,
    /// `millisecond` when the log prints UTC, else `second`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc_precision: Option<String>,
    /// NTSTATUS.
    pub ntstatus: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The HRESULT behind the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gle: Option<String>,
    /// The call's number: the deepest call has the highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The path, single backslashes.
    pub path: String,
    /// As written, when that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// The path with `\SystemRoot` as `%SystemRoot%` and without `\??\`.
    pub normalised: String,
    /// Declared length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_length: Option<u32>,
    /// False when the path does not have that length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_fits: Option<bool>,
    /// Access wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub desired_access: Vec<String>,
    /// Sharing offered by the worker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub share: Vec<String>,
    /// Create disposition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// Create options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub create_options: Vec<String>,
    /// Address of the status block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iosb: Option<String>,
    /// Header lines the record was joined from.
    pub chunks: u32,
    /// The in-flight folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<DecodedId>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<InFlightFile>,
    /// From the making of the in-flight folder to this record; only when both are known to the millisecond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_from_transaction_to_failure: Option<f64>,
    /// Whether the in-flight folder is older than the session: a leftover of an earlier attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leftover: Option<bool>,
    /// `operation` or `cleanup`.
    pub stage: String,
    /// Whether the attempt's result is this very failure.
    pub sets_result: bool,
    /// The call around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enclosing_function: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// A decoded 32-digit id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecodedId {
    /// The digits.
    pub id: String,
    /// When it was made.
    pub utc: String,
    /// Grows within the process.
    pub counter: u32,
    /// Low 16 bits of the process id.
    pub pid16: u16,
    /// Low 16 bits of the thread id.
    pub tid16: u16,
}

/// A file below `WinSxS\Temp`, or another locked file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InFlightFile {
    /// The id in its name.
    #[serde(flatten)]
    pub id: Option<DecodedId>,
    /// Its name without the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The component directory in the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
}

/// Payload that lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingPayload {
    /// Line.
    pub line: u64,
    /// Line that names the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_line: Option<u64>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The component that wanted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_component: Option<String>,
    /// The directory that lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_directory: Option<String>,
    /// Where the file belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_to: Option<String>,
    /// Parts of the directory's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
}

/// Parts of a component directory's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// Architecture.
    pub arch: String,
    /// Name.
    pub name: String,
    /// Public key token.
    pub token: String,
    /// Version.
    pub version: String,
    /// Culture.
    pub culture: String,
    /// Hash.
    pub hash: String,
    /// Whether the name was cut.
    pub name_shortened: bool,
}

/// A file that could not be made from its deltas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HydrationFailure {
    /// Line.
    pub line: u64,
    /// Component.
    pub component: String,
    /// Version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// File.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The code as printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntstatus_decimal: Option<i64>,
    /// The same in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// 0 reverse, 1 forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_type: Option<u32>,
    /// Whether the delta is intact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity_valid: Option<bool>,
    /// Checksum carried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_retrieved: Option<u64>,
    /// Checksum computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_computed: Option<u64>,
    /// Component it was matched with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching_component: Option<String>,
}

/// A file with wrong content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HashMismatch {
    /// Line.
    pub line: u64,
    /// Component, if an earlier record tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// File.
    pub file: String,
    /// Hash wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Hash found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
}

/// The store was marked corrupt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorruptionMark {
    /// Line.
    pub line: u64,
    /// Category.
    pub category: String,
}

/// A locked component path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockOperation {
    /// Line.
    pub line: u64,
    /// Path.
    pub path: String,
    /// Id of the component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_id: Option<DecodedId>,
    /// Id of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_id: Option<DecodedId>,
    /// Process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}
