//! What can be wrong with a capture file, and where.

use std::fmt;

/// The part of the file that was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// The first 0x3A8 bytes.
    Header,
    /// The array of event offsets.
    EventOffsets,
    /// One event record, by its number within the file.
    Event(u32),
    /// The process table with its modules.
    ProcessTable,
    /// The string table.
    StringTable,
    /// The icon table.
    IconTable,
    /// The hosts and ports table.
    HostTable,
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::EventOffsets => f.write_str("event-offset array"),
            Self::Event(n) => write!(f, "event {n}"),
            Self::ProcessTable => f.write_str("process table"),
            Self::StringTable => f.write_str("string table"),
            Self::IconTable => f.write_str("icon table"),
            Self::HostTable => f.write_str("host table"),
        }
    }
}

/// What was wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PmlErrorKind {
    /// The file has no bytes.
    Empty,
    /// The file does not begin with `PML_`.
    NotPml {
        /// The first bytes found.
        found: [u8; 4],
    },
    /// A version this program does not read.
    Version(u32),
    /// More bytes were needed than the file has there.
    Truncated {
        /// Bytes needed.
        needed: u64,
        /// Bytes there.
        available: u64,
    },
    /// Procmon did not close the file: a table offset is zero.
    NotClosed,
    /// An offset or size points outside the file.
    OutOfFile {
        /// What the field holds.
        value: u64,
        /// File size.
        size: u64,
    },
    /// A field holds a value that cannot be.
    Invalid {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A string or process number that the tables do not have.
    NoSuchIndex {
        /// The number.
        index: u32,
    },
}

/// A capture file that cannot be read as one, with the place that shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{region} at offset {at:#x}: {}", KindText(kind))]
pub struct PmlError {
    /// Offset in the file, bytes.
    pub at: u64,
    /// What was being read.
    pub region: Region,
    /// What was wrong.
    pub kind: PmlErrorKind,
}

impl PmlError {
    pub(crate) const fn new(at: u64, region: Region, kind: PmlErrorKind) -> Self {
        Self { at, region, kind }
    }

    /// Whether a rescue by walking the records may still help (the file is a capture, but damaged).
    pub const fn is_damage(&self) -> bool {
        !matches!(self.kind, PmlErrorKind::Empty | PmlErrorKind::NotPml { .. } | PmlErrorKind::Version(_))
    }
}

struct KindText<'a>(&'a PmlErrorKind);

impl fmt::Display for KindText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PmlErrorKind::Empty => f.write_str("the file is empty"),
            PmlErrorKind::NotPml { found } => {
                write!(f, "not a Process Monitor capture: it begins with {:02X?} instead of PML_", found)
            }
            PmlErrorKind::Version(version) => write!(f, "capture version {version} is not known"),
            PmlErrorKind::Truncated { needed, available } => {
                write!(f, "cut off: {needed:#x} bytes needed, {available:#x} there")
            }
            PmlErrorKind::NotClosed => f.write_str("the capture was not closed by Process Monitor"),
            PmlErrorKind::OutOfFile { value, size } => {
                write!(f, "{value:#x} points outside the file of {size:#x} bytes")
            }
            PmlErrorKind::Invalid { field, value } => write!(f, "{field} cannot be {value:#x}"),
            PmlErrorKind::NoSuchIndex { index } => write!(f, "index {index} is not in the table"),
        }
    }
}
