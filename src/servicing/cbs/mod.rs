//! `CBS.log`, read in one pass and bounded memory.
//!
//! [`analyse`] turns bytes into [`LogFacts`]; [`judge`] says, for one attempt, which error came first, which one set
//! the result and which lock was only met while tidying up; [`merge`] lays several logs of one machine together.
//! The grammar is that of Windows 7 to 11; a line it does not know is never lost silently but counted.

mod analyse;
mod csi;
mod damage;
mod findings;
mod judge;
mod locked;
pub mod merge;
pub mod overlap;
pub mod record;
mod session;
mod state;
pub mod strings;
pub mod trail;

pub use analyse::{analyse, analyse_lines};
pub use findings::*;
pub use judge::{Attempt, DiagnosisCode, Judgement, choose, judge};
pub use state::MAX_FINDINGS;

/// Why a log could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CbsError {
    /// The file or archive gave an error; usually the disk or a damaged archive.
    #[error("reading stopped after line {line}: {source}")]
    Read {
        /// Lines read before.
        line: u64,
        /// The cause.
        source: std::io::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<std::io::Error> for CbsError {
    fn from(source: std::io::Error) -> Self {
        Self::Read { line: 0, source }
    }
}
