//! Why a file could not be opened as a capture in any format.

use super::Lookalike;
use crate::capture::OpenError;
use std::io;
use std::path::PathBuf;

/// A file that cannot be read as a capture or an export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It begins like a PML capture and is none, or is damaged.
    #[error(transparent)]
    Pml(#[from] OpenError),
    /// No bytes.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// File.
        path: PathBuf,
    },
    /// Neither a capture nor an export of one.
    #[error("{}: neither a Process Monitor capture nor its CSV or XML export", path.display())]
    NotRecognised {
        /// File.
        path: PathBuf,
        /// Its first bytes (at most 16), after decompression.
        first: Vec<u8>,
        /// What it seems to be instead.
        looks: Option<Lookalike>,
    },
    /// A zip archive with several captures and exports.
    #[error("{}: the zip archive holds {} captures or exports, not one", path.display(), found.len())]
    NotOne {
        /// File.
        path: PathBuf,
        /// Names of the captures and exports in it.
        found: Vec<String>,
    },
    /// A table whose first line is a row of an export: the header line is missing.
    #[error("{}: the first line is a row, not the header", path.display())]
    NoHeader {
        /// File.
        path: PathBuf,
        /// The operation in that line.
        operation: String,
    },
    /// A table, but without a column that nothing works without.
    #[error("{}: the header has no column {column}", path.display())]
    MissingColumn {
        /// File.
        path: PathBuf,
        /// Title of the column.
        column: &'static str,
    },
    /// The encoding asked for has no such name.
    #[error("encoding {label} is not known")]
    UnknownEncoding {
        /// As given.
        label: String,
    },
}

impl ImportError {
    pub(crate) fn not_recognised(path: &std::path::Path, head: &[u8], looks: Option<Lookalike>) -> Self {
        Self::NotRecognised { path: path.to_owned(), first: head.iter().take(16).copied().collect(), looks }
    }
}
