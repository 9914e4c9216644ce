//! The parties of a case.

use super::codes::{Confidence, OnBehalfOf, PartyCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of party holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A process.
    Process,
    /// A kernel filter named by stack frames.
    Driver,
}

/// A party implicated by at least one failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// `h1`, `h2`, …
    pub id: String,
    /// 1 is the most responsible.
    pub rank: u32,
    /// Process or driver.
    pub kind: HolderKind,
    /// Whose side.
    pub party: PartyCode,
    /// The process; null for a driver.
    pub process: Option<Process>,
    /// The driver; null for a process.
    pub driver: Option<Driver>,
    /// Vendor and product, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    /// The strongest grade among its failures.
    pub confidence: Confidence,
    /// Failures it is implicated in.
    pub failures: u64,
    /// Files concerned.
    pub files: u64,
    /// Time of the first such failure.
    pub first: String,
    /// Time of the last such failure.
    pub last: String,
    /// Milliseconds for which it kept victims from going on.
    pub blocked_ms: f64,
    /// Only for System serving a remote client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<OnBehalfOf>,
}

impl Holder {
    /// Whether nothing but its file name says who made it, which anybody can choose. What is known as Windows' own is known
    /// by more than that.
    pub fn is_known_by_name_only(&self) -> bool {
        let by = self.vendor.as_ref().and_then(|vendor| vendor.by.as_deref());
        self.party == PartyCode::ThirdParty && by == Some("name_only")
    }
}

/// A process; unknown fields are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Image name.
    pub name: String,
    /// Image path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_path: Option<String>,
    /// CompanyName of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// FileDescription of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// FileVersion of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// Start time, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
}

/// A kernel driver; unknown fields are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Driver {
    /// File name.
    pub name: String,
    /// Path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// CompanyName.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// FileVersion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Registered altitude, a decimal number of any precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altitude: Option<String>,
}

/// A vendor and its product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vendor {
    /// English name.
    pub name: String,
    /// Chinese name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_zh: Option<String>,
    /// Product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// `av`, `edr`, `dlp`, `encryption`, `backup`, `indexer`, `sync`, `management`, `windows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// By what it was recognised: `company`, `path`, `name_only`, `user_file`, `altitude_list`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
