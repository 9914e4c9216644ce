//! The PML container, version 9 (and the version 7 of Windows XP days): header, tables and events as borrowed views.
//!
//! What the bytes mean is in `docs/pml-format.md`. Reading never copies an event: an [`Event`] is a place in the
//! mapped file, and each accessor reads just its field. The tables, read once per file, go through `binrw`.

pub mod bytes;
pub mod container;
pub mod detail;
pub mod error;
pub mod event;
pub mod icons;
pub mod layout;
pub mod offsets;
pub mod ops;
pub mod recover;
pub mod tables;
pub mod write;

pub use bytes::{PointerSize, Wide};
pub use container::{Container, Header, Pml, looks_like_header};
pub use error::{PmlError, PmlErrorKind, Region};
pub use event::{Event, EventClass, FileDetail, Head};
pub use layout::HEADER_SIZE;
pub use offsets::OffsetList;
pub use tables::{Host, Module, Port, Process, StringIndex};
