//! What the details of events say, one decoder a structure: borrowed, never panicking, `None` when the bytes do not
//! hold the structure.
//!
//! Offsets are those of `docs/pml-format.md`: T is the tail behind the path, X the extra detail, A1 to A6 the
//! filter manager's arguments.

pub mod directory;
pub mod file;
pub mod info;
pub mod network;
pub mod process;
pub mod registry;
pub mod rename;
pub mod volume;
