//! The locking engine: who held a file when an operation on it was refused.
//!
//! It reads the source-neutral operations of [`crate::capture::op`] and nothing else. Each step knows those before it, and
//! none after:
//! - `identity` replays names and says which file each operation meant; `alias` which paths may be one;
//! - `file` turns the operations of one file into holds with edges;
//! - `clock` puts times right that step back; `engine` is the run over a log: it replays files on demand;
//! - `rules` hold one refusal against them, mechanism by mechanism;
//! - `verdict` weighs what they found: who made it fail, how sure that is, and who is cleared.
//!
//! The numbers of rules (`SA-3`, `DP-3`, `AT-10`, …) are those of the project's locking reference.

mod alias;
mod cite;
mod clock;
mod engine;
mod exits;
mod failing;
mod failure;
mod file;
mod finding;
mod identity;
mod rules;
mod slow;
mod spans;
mod verdict;

pub use cite::{Citation, Citer};
pub(crate) use engine::contradictions;
pub use engine::{Options, WAIT_THRESHOLD};
pub use failure::is_lock_failure;
pub use finding::{
    Analysis, Attribution, Burst, Cause, Confidence, Conflict, Consistency, DeleteHow, DeletedBy, Edge, Explanation,
    Finding, Hold, Holder, Mechanism, Party, Range, Reason, Release, Requested, RuledOut, Side, Wait,
};
pub(crate) use identity::opens;
pub use slow::is_brief;
pub use verdict::analyse::analyse;
pub use verdict::audit::{Audit, FalseConflict, StatusCount, audit};
pub use verdict::history::{FileHistory, HistoryEvent, HistoryHold, closed_by_exit, history};
