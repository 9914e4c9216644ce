//! Everything that can end a run early, as one line for people: the file, the offset, and what to do.

use super::exit::Exit;
use crate::blame::scope::PatternError;
use crate::blame::vendors::VendorFileError;
use crate::capture::OpenError;
use crate::import::{ImportError, Lookalike};
use crate::lang::{Lang, fail as t};
use crate::pml::{PmlError, PmlErrorKind, Region};
use std::io;
use std::path::PathBuf;

/// An end without a result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fail {
    /// A capture that cannot be opened.
    Open(OpenError),
    /// A file that is neither a capture nor an export.
    Import(ImportError),
    /// A file that cannot be read.
    Read {
        /// File.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that cannot be written.
    Write {
        /// File; `-` is stdout.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A pattern that matches no file.
    NoMatch(String),
    /// A path pattern that is not valid.
    Pattern(PatternError),
    /// A zone that is not known.
    Zone(String),
    /// A distance to UTC that cannot be understood.
    Offset(String),
    /// A time that cannot be understood.
    Time(String),
    /// A vendor file that cannot be understood.
    Vendors {
        /// File.
        path: PathBuf,
        /// What is wrong, and on which line.
        source: VendorFileError,
    },
    /// Worker threads could not be started.
    Threads(String),
    /// A failure of one command that is already in words.
    Said(String),
    /// Arguments that make no sense, already in words.
    Usage(String),
}

impl Fail {
    /// Whether the reader of our output went away, which is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code that goes with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Pattern(_)
            | Self::Zone(_)
            | Self::Offset(_)
            | Self::Time(_)
            | Self::Usage(_)
            | Self::Import(ImportError::UnknownEncoding { .. }) => Exit::Usage,
            _ => Exit::Failed,
        }
    }

    /// One line.
    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Read { path, .. } | Self::Open(OpenError::Io { path, .. }) if path.is_dir() => {
                t::IS_FOLDER.fill(lang, &[("file", &path.display())])
            }
            Self::Read { path, source } | Self::Open(OpenError::Io { path, source })
                if source.kind() == io::ErrorKind::Unsupported =>
            {
                t::IS_NO_FILE.fill(lang, &[("file", &path.display())])
            }
            Self::Open(error) => open(error, lang),
            Self::Import(error) => import(error, lang),
            Self::Read { path, source } => t::READ.fill(lang, &[("file", &path.display()), ("why", source)]),
            Self::Write { path, source } => t::WRITE.fill(lang, &[("file", &path.display()), ("why", source)]),
            Self::NoMatch(pattern) => t::NO_MATCH.fill(lang, &[("pattern", pattern)]),
            Self::Pattern(error) => t::PATTERN.fill(lang, &[("pattern", &error.pattern), ("why", &error.reason)]),
            Self::Zone(name) => t::ZONE.fill(lang, &[("name", name)]),
            Self::Offset(text) => t::OFFSET.fill(lang, &[("text", text)]),
            Self::Time(text) => t::TIME.fill(lang, &[("text", text)]),
            Self::Vendors { path, source } => t::VENDORS.fill(lang, &[("file", &path.display()), ("why", source)]),
            Self::Threads(why) => t::THREADS.fill(lang, &[("why", why)]),
            Self::Said(text) | Self::Usage(text) => text.clone(),
        }
    }
}

fn open(error: &OpenError, lang: Lang) -> String {
    match error {
        OpenError::Io { path, source } => t::READ.fill(lang, &[("file", &path.display()), ("why", source)]),
        OpenError::Pml { path, source } => {
            let what = what(source, lang);
            let region = region(source.region, lang);
            let at = format!("{:#x}", source.at);
            let mut line = t::BAD_CAPTURE
                .fill(lang, &[("file", &path.display()), ("region", &region), ("at", &at), ("what", &what)]);
            line.push_str(if lang == Lang::En { " " } else { "" });
            line.push_str(&advice(source).fill(lang, &[("file", &path.display())]));
            line
        }
        OpenError::Mismatch { path, what } => t::MISMATCH.fill(lang, &[("file", &path.display()), ("what", what)]),
    }
}

/// A part of a capture, in words.
pub(super) fn region(region: Region, lang: Lang) -> String {
    match region {
        Region::Header => t::REGION_HEADER.get(lang).to_owned(),
        Region::EventOffsets => t::REGION_OFFSETS.get(lang).to_owned(),
        Region::Event(n) => t::REGION_EVENT.fill(lang, &[("n", &n)]),
        Region::ProcessTable => t::REGION_PROCESSES.get(lang).to_owned(),
        Region::StringTable => t::REGION_STRINGS.get(lang).to_owned(),
        Region::IconTable => t::REGION_ICONS.get(lang).to_owned(),
        Region::HostTable => t::REGION_HOSTS.get(lang).to_owned(),
    }
}

/// What is wrong with a capture, without its place.
pub(super) fn what(error: &PmlError, lang: Lang) -> String {
    let hex = |value: u64| format!("{value:#x}");
    match &error.kind {
        PmlErrorKind::Empty => t::EMPTY.get(lang).to_owned(),
        PmlErrorKind::NotPml { found } => t::NOT_PML.fill(lang, &[("found", &format!("{found:02X?}"))]),
        PmlErrorKind::Version(version) => t::VERSION.fill(lang, &[("version", version)]),
        PmlErrorKind::Truncated { needed, available } => {
            t::TRUNCATED.fill(lang, &[("needed", &hex(*needed)), ("available", &hex(*available))])
        }
        PmlErrorKind::NotClosed => t::NOT_CLOSED.get(lang).to_owned(),
        PmlErrorKind::OutOfFile { value, size } => {
            t::OUT_OF_FILE.fill(lang, &[("value", &hex(*value)), ("size", &hex(*size))])
        }
        PmlErrorKind::Invalid { field, value } => t::INVALID.fill(lang, &[("field", field), ("value", &hex(*value))]),
        PmlErrorKind::NoSuchIndex { index } => t::NO_SUCH_INDEX.fill(lang, &[("index", index)]),
    }
}

const fn advice(error: &PmlError) -> crate::lang::Text {
    match error.kind {
        PmlErrorKind::Empty | PmlErrorKind::Truncated { .. } => t::DO_COPY_AGAIN,
        PmlErrorKind::NotPml { .. } => t::DO_CHECK_FILE,
        PmlErrorKind::Version(_) => t::DO_VERSION,
        // A rescue was tried before this was said.
        _ => t::DO_NOTHING_LEFT,
    }
}

impl From<ImportError> for Fail {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Pml(error) => Self::Open(error),
            ImportError::Io { path, source } => Self::Read { path, source },
            error => Self::Import(error),
        }
    }
}

fn import(error: &ImportError, lang: Lang) -> String {
    match error {
        ImportError::Empty { path } => t::INPUT_EMPTY.fill(lang, &[("file", &path.display())]),
        ImportError::NotRecognised { path, first, looks } => {
            let kind = if let Some(Lookalike::Archive(kind)) = looks { kind } else { "" };
            let found = format!("{first:02X?}");
            let values: [(&str, &dyn std::fmt::Display); 3] =
                [("file", &path.display()), ("found", &found), ("kind", &kind)];
            lookalike(*looks).fill(lang, &values)
        }
        ImportError::MissingColumn { path, column } => {
            t::MISSING_COLUMN.fill(lang, &[("file", &path.display()), ("column", column)])
        }
        ImportError::NotOne { path, found } => t::ARCHIVE_OF_SEVERAL
            .fill(lang, &[("file", &path.display()), ("count", &found.len()), ("names", &some_of(found))]),
        ImportError::NoHeader { path, operation } => {
            t::NO_HEADER.fill(lang, &[("file", &path.display()), ("operation", operation)])
        }
        ImportError::UnknownEncoding { label } => t::UNKNOWN_ENCODING.fill(lang, &[("label", label)]),
        other => other.to_string(),
    }
}

/// The sentence for what is neither a capture nor an export.
const fn lookalike(looks: Option<Lookalike>) -> crate::lang::Text {
    match looks {
        Some(Lookalike::WebPage) => t::WEB_PAGE,
        Some(Lookalike::Archive(_)) => t::ARCHIVE,
        Some(Lookalike::EmptyZip) => t::EMPTY_ZIP,
        Some(Lookalike::Mail) => t::MAIL,
        Some(Lookalike::Base64) => t::BASE64,
        Some(Lookalike::Zeros) => t::ZEROS,
        Some(Lookalike::Program) => t::PROGRAM,
        Some(Lookalike::EventLog) => t::EVENT_LOG,
        None => t::NOT_RECOGNISED,
    }
}

/// The first few of many names.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

impl From<OpenError> for Fail {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<PatternError> for Fail {
    fn from(error: PatternError) -> Self {
        Self::Pattern(error)
    }
}
