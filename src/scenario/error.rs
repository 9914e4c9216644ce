//! What is wrong with a scenario, and where.

use std::fmt;

/// A fault in a scenario at a line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The included file, or `None` for the scenario itself.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: ScenarioErrorKind,
}

/// The kinds of fault; the texts are the words found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScenarioErrorKind {
    /// The line begins with no known word.
    UnknownDirective(String),
    /// No such operation.
    UnknownOperation(String),
    /// No process of that name, label or id is declared above.
    UnknownProcess(String),
    /// Several processes have that name: write `name/pid` or a label.
    AmbiguousProcess(String),
    /// No `let` of that name above.
    UnknownVariable(String),
    /// Neither the process nor System has such a module.
    UnknownModule(String),
    /// No `stack` of that name above.
    UnknownStack(String),
    /// The operation or directive takes no such argument.
    UnknownArgument(String),
    /// An argument is missing.
    MissingArgument(&'static str),
    /// The value cannot be read as what it should be.
    BadValue {
        /// What should stand here.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// A name, label or process index is declared twice.
    Duplicate(String),
    /// A quoted text or a `${` has no end.
    Unclosed(char),
    /// An indented line does not follow a process.
    Indented,
    /// This must come before the first event.
    TooLate,
    /// Events need a `start` line above them.
    NoStart,
    /// An included file cannot be read.
    Include {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The file is not UTF-8.
    NotUtf8,
}

impl ScenarioErrorKind {
    /// A stable name of the kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownDirective(_) => "unknown_directive",
            Self::UnknownOperation(_) => "unknown_operation",
            Self::UnknownProcess(_) => "unknown_process",
            Self::AmbiguousProcess(_) => "ambiguous_process",
            Self::UnknownVariable(_) => "unknown_variable",
            Self::UnknownModule(_) => "unknown_module",
            Self::UnknownStack(_) => "unknown_stack",
            Self::UnknownArgument(_) => "unknown_argument",
            Self::MissingArgument(_) => "missing_argument",
            Self::BadValue { .. } => "bad_value",
            Self::Duplicate(_) => "duplicate",
            Self::Unclosed(_) => "unclosed",
            Self::Indented => "indented",
            Self::TooLate => "too_late",
            Self::NoStart => "no_start",
            Self::Include { .. } => "include",
            Self::NotUtf8 => "not_utf8",
        }
    }

    /// The word concerned, empty for kinds without one.
    pub fn subject(&self) -> String {
        match self {
            Self::UnknownDirective(word)
            | Self::UnknownOperation(word)
            | Self::UnknownProcess(word)
            | Self::AmbiguousProcess(word)
            | Self::UnknownVariable(word)
            | Self::UnknownModule(word)
            | Self::UnknownStack(word)
            | Self::UnknownArgument(word)
            | Self::Duplicate(word) => word.clone(),
            Self::MissingArgument(word) => (*word).to_owned(),
            Self::BadValue { found, .. } => found.clone(),
            Self::Unclosed(open) => open.to_string(),
            Self::Include { name, .. } => name.clone(),
            Self::Indented | Self::TooLate | Self::NoStart | Self::NotUtf8 => String::new(),
        }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        write!(f, "{}:{}: {} {}", self.line, self.column, self.kind.code(), self.kind.subject())
    }
}

impl std::error::Error for ScenarioError {}

/// Where a word stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Option<String>,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    pub(super) fn fault(&self, kind: ScenarioErrorKind) -> ScenarioError {
        ScenarioError { file: self.file.clone(), line: self.line, column: self.column, kind }
    }
}
