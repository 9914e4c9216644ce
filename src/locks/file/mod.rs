//! What is known of one file: its holds, marks, sections, locks and oplocks, replayed from its operations.

mod gone;
pub(super) mod hold;
pub(super) mod marks;
pub(super) mod oplock;
pub(super) mod ranges;
pub(super) mod refute;
pub(super) mod replay;
pub(super) mod sections;
mod shown;
pub(super) mod streams;
pub(super) mod track;
