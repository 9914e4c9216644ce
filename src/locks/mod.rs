//! The locking engine: who held a file when an operation on it was refused.
//!
//! It reads the source-neutral operations of [`crate::capture::op`] and nothing else. The work is done in three steps:
//! `identity` replays names and says which file each operation meant; `replay` turns the operations of one file into
//! holds with edges; `attribute` asks for one failure which holds made it fail, how sure that is, and who is cleared.
//! The numbers of rules (`SA-3`, `DP-3`, `AT-10`, …) are those of the project's locking reference.

mod alias;
mod attribute;
mod audit;
mod bursts;
mod byterange;
mod cite;
mod clear;
mod delete;
mod directory;
mod elsewhere;
mod engine;
mod evidence;
mod failure;
mod finding;
mod grade;
mod history;
mod hold;
mod identity;
mod left;
mod mapping;
mod moves;
mod older;
mod refute;
mod replay;
mod scenes;
mod share;
mod slow;
mod spans;
mod waits;

pub use audit::{Audit, FalseConflict, StatusCount, audit};
pub use cite::{Citation, Citer};
pub use engine::{Options, WAIT_THRESHOLD, analyse, closed_by_exit, history};
pub use failure::is_lock_failure;
pub use finding::{
    Analysis, Attribution, Burst, Cause, Confidence, Conflict, Consistency, DeleteHow, DeletedBy, Edge, Explanation,
    Finding, Hold, Holder, Mechanism, Party, Range, Reason, Release, Requested, RuledOut, Side, Wait,
};
pub use history::{FileHistory, HistoryEvent, HistoryHold};
pub use slow::is_brief;
