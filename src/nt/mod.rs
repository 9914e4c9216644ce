//! Facts of Windows itself: status codes, access masks, sharing, paths and times. Nothing here knows of captures.

#[macro_use]
mod codes;
pub mod access;
pub mod control;
pub mod file;
pub mod kernel_held;
pub mod path;
pub mod sharing;
pub mod short_name;
pub mod sid;
pub mod status;
pub mod time;

pub use access::{AccessMask, CreateDisposition, CreateOptions, OpenResult, ShareAccess};
pub use control::ControlCode;
pub use file::{DispositionFlags, FileAttributes, RenameFlags};
pub use sid::Sid;
pub use status::NtStatus;
pub use time::{FileTime, Ticks};
