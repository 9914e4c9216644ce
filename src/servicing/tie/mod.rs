//! A servicing log and a capture laid side by side: which refused operation a log record is, whether both are of
//! the same attempt, and if a record has no such operation, why.

mod attempt;
mod matching;
mod paths;
mod reason;

pub use attempt::{Maker, MakerTie, is_servicing, maker_tie};
pub use matching::{Found, NEAR, NEAR_WHOLE_SECOND, Record, Refusal, TIME_ALONE, match_all};
pub use paths::{PathKey, path_key};
pub use reason::{Circumstances, Reason, reason, same_build_family};
