//! The locking engine: who held a file when an operation on it was refused.
//!
//! It reads the source-neutral operations of [`crate::capture::op`] and nothing else. The work is done in three steps:
//! `identity` replays names and says which file each operation meant; `replay` turns the operations of one file into
//! holds with edges; `attribute` asks for one failure which holds made it fail, how sure that is, and who is cleared.
//! The numbers of rules (`SA-3`, `DP-3`, `AT-10`, …) are those of the project's locking reference.

mod alias;
mod analyse;
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
mod exits;
mod failing;
mod failure;
mod filter;
mod finding;
mod grade;
mod handles;
mod history;
mod hold;
mod identity;
mod left;
mod mapping;
mod marks;
mod moves;
mod older;
mod oplock;
mod presence;
mod ranges;
mod refute;
mod replay;
mod scenes;
mod sections;
mod share;
mod slow;
mod spans;
mod suspect;
mod told;
mod track;
mod waits;

pub use analyse::analyse;
pub use audit::{Audit, FalseConflict, StatusCount, audit};
pub use cite::{Citation, Citer};
pub use engine::{Options, WAIT_THRESHOLD};
pub use failure::is_lock_failure;
pub use finding::{
    Analysis, Attribution, Burst, Cause, Confidence, Conflict, Consistency, DeleteHow, DeletedBy, Edge, Explanation,
    Finding, Hold, Holder, Mechanism, Party, Range, Reason, Release, Requested, RuledOut, Side, Wait,
};
pub use history::{FileHistory, HistoryEvent, HistoryHold, closed_by_exit, history};
pub use slow::is_brief;
