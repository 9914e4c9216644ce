//! Windows servicing: what an update does to the component store, and what its log says about it.
//!
//! [`cbs`] reads `CBS.log`, [`sources`] finds such logs in folders and archives, [`ids`] decodes the ids in
//! in-flight names, [`codes`] names HRESULT and NTSTATUS values, [`winsxs`] compares two listings of the store,
//! [`tie`] lays a log and a capture side by side.

pub mod cbs;
pub mod codes;
pub mod component;
pub mod encoding;
pub mod ids;
pub mod lines;
pub mod sources;
pub mod stamp;
pub mod tie;
pub mod winsxs;
