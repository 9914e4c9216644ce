//! Exit codes.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Analysed, whatever the verdict.
    Done,
    /// A file could not be read, analysed or written.
    Failed,
    /// Wrong usage.
    Usage,
    /// A culprit was found, and the caller wanted to fail on that.
    Culprit,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Culprit => 3,
        })
    }
}
