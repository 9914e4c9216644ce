//! The fields of every detail, in Procmon's order, to a [`Sink`].

mod bits;
mod directory;
mod file;
mod info;
pub(crate) mod masks;
mod network;
mod process;
mod registry;
mod volume;

use super::row::{Body, Row};
use super::scene::Scene;
use super::sink::Sink;
use super::text;

/// Sends the fields of a row's detail to `sink`.
///
/// `None` when the bytes do not hold the structure; fields may have been sent by then.
pub(crate) fn send<S: Sink>(row: &Row<'_>, scene: &Scene<'_>, sink: &mut S) -> Option<()> {
    match row.body {
        Body::File(detail) => file::send(row, detail, scene, sink),
        Body::Registry(detail) => registry::send(row, detail, sink),
        Body::Network(detail) => {
            network::send(detail, sink);
            Some(())
        }
        Body::Process(detail) => process::send(row, detail, scene.redaction.is_some(), sink),
        Body::Profiling(detail) => process::send_profiling(row, detail, sink),
        Body::Other(detail) => {
            raw(detail, sink);
            Some(())
        }
        Body::Broken => None,
    }
}

/// An event of which nothing is described: its bytes, and those the operation returned. Procmon shows nothing for it.
fn undescribed<S: Sink>(row: &Row<'_>, sink: &mut S) -> Option<()> {
    if S::TYPED {
        raw(row.event.detail().ok()?, sink);
        returned(row.event.extra().ok()?.unwrap_or_default(), sink);
    }
    Some(())
}

/// Bytes that an operation returned and nobody has described.
pub(crate) fn returned<S: Sink>(bytes: &[u8], sink: &mut S) {
    if S::TYPED && !bytes.is_empty() {
        sink.write("", "raw_returned", |out| text::hex_bytes(out, bytes, " "));
    }
}

/// Bytes that nobody has described.
fn raw<S: Sink>(bytes: &[u8], sink: &mut S) {
    if !bytes.is_empty() {
        sink.write("Data", "raw", |out| text::hex_bytes(out, bytes, " "));
    }
}
