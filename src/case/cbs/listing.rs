//! Two listings of WinSxS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Two listings compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WinSxsComparison {
    /// Listing of the machine that fails.
    pub bad: Listing,
    /// Listing of the machine that works.
    pub good: Listing,
    /// What the bad one lacks, most wanted first.
    pub lacking: Vec<Lacking>,
    /// Items beyond the limit that are only counted.
    pub left_out: u64,
    /// Directories the log asks for that the good machine does not have either.
    pub not_on_good: Vec<String>,
    /// Directories the log misses that the bad machine's listing shows.
    pub present_on_bad: Vec<String>,
}

/// One listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listing {
    /// File name.
    pub name: String,
    /// `tree` or `paths`.
    pub form: String,
    /// Encoding.
    pub encoding: String,
    /// Component directories.
    pub directories: u64,
    /// Files in them.
    pub files: u64,
    /// Lines that could not be understood.
    pub unparsed_lines: u64,
}

/// Something the bad machine lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lacking {
    /// `asked_by_log`, `same_component`, `other`.
    pub rank: String,
    /// `directory` or `file`.
    pub kind: String,
    /// Path below WinSxS.
    pub path: String,
    /// Files the good machine has in a missing directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
}
