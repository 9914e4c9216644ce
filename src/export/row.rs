//! One event, taken apart once for all its columns.

use super::scene::Scene;
use super::text;
use crate::pml::bytes::DetailText;
use crate::pml::detail::directory::QueryDirectory;
use crate::pml::detail::network::{Endpoint, Network};
use crate::pml::detail::process::{Create, LoadImage};
use crate::pml::detail::registry::RegistryDetail;
use crate::pml::ops::{self, code};
use crate::pml::{Event, EventClass, FileDetail};

/// The detail by class.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// File system and IPC.
    File(FileDetail<'a>),
    /// Registry.
    Registry(RegistryDetail<'a>),
    /// Network.
    Network(Network<'a>),
    /// Process.
    Process(&'a [u8]),
    /// Profiling.
    Profiling(&'a [u8]),
    /// A class nobody has described.
    Other(&'a [u8]),
    /// The detail does not hold the structure of its class.
    Broken,
}

/// An event with its detail split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) class: EventClass,
    pub(crate) operation: u16,
    pub(crate) body: Body<'a>,
}

impl<'a> Row<'a> {
    /// Splits the detail; a broken one leaves [`Body::Broken`].
    pub(crate) fn new(event: Event<'a>) -> Self {
        let class = event.class();
        let operation = event.operation();
        let body = match event.detail() {
            Err(_) => None,
            Ok(detail) => match class {
                EventClass::FILE_SYSTEM | EventClass::IPC => FileDetail::new(detail, event.pointer()).map(Body::File),
                EventClass::REGISTRY => event
                    .detail_beyond()
                    .ok()
                    .and_then(|detail| RegistryDetail::parse(operation, detail))
                    .map(Body::Registry),
                EventClass::NETWORK => Network::parse(detail).map(Body::Network),
                EventClass::PROCESS => Some(Body::Process(detail)),
                EventClass::PROFILING => Some(Body::Profiling(detail)),
                _ => Some(Body::Other(detail)),
            },
        };
        Self { event, class, operation, body: body.unwrap_or(Body::Broken) }
    }

    /// Information class or minor function of a file-system event; 0 otherwise.
    pub(crate) fn sub_operation(&self) -> u8 {
        match self.body {
            Body::File(file) => file.sub_operation(),
            _ => 0,
        }
    }

    /// The Operation column.
    pub(crate) fn operation_name(&self, scene: &Scene<'_>) -> &'static str {
        match (self.class, self.body) {
            (EventClass::FILE_SYSTEM | EventClass::IPC, body) => {
                let (sub, callback) = match body {
                    Body::File(file) => (file.sub_operation(), file.callback_flags()),
                    _ => (0, 0),
                };
                if scene.style.advanced {
                    return ops::file_advanced(self.operation, sub, callback);
                }
                if scene.pml.container().header.version < 9 && self.operation == code::SET_INFORMATION && sub == 0x13 {
                    // Releases that wrote version 7 had this name.
                    return "SetAllInformationFile";
                }
                ops::file(self.operation, sub, scene.style.generation)
            }
            (class, Body::Network(network)) => ops::other(class, self.operation, network.is_tcp()),
            (class, _) => ops::other(class, self.operation, false),
        }
    }

    /// The whole path, as the Path column begins.
    pub(crate) fn path(&self, out: &mut Vec<u8>, scene: &Scene<'_>) {
        match self.body {
            Body::File(file) => {
                let start = out.len();
                text::detail_text(out, file.path);
                if self.operation == code::DIRECTORY_CONTROL
                    && file.sub_operation() == 1
                    && let Some(query) = QueryDirectory::parse(file)
                    && !query.pattern.is_empty()
                {
                    if out.len() == start || out.last() != Some(&b'\\') {
                        out.push(b'\\');
                    }
                    text::detail_text(out, query.pattern);
                }
            }
            Body::Registry(registry) => text::detail_text(out, registry.path),
            Body::Network(network) => {
                endpoint(out, scene, network.source, network.is_tcp());
                out.extend_from_slice(b" -> ");
                endpoint(out, scene, network.destination, network.is_tcp());
            }
            Body::Process(detail) => {
                if let Some(path) = image(self.operation, detail, self.event) {
                    text::detail_text(out, path);
                }
            }
            Body::Profiling(_) if self.operation == code::THREAD_PROFILING => {
                out.extend_from_slice(b"Thread ");
                text::decimal(out, self.event.thread_id().into());
            }
            Body::Profiling(_) | Body::Other(_) | Body::Broken => {}
        }
    }

    /// The path as stored, when the Path column is just that and holds nothing that would end it.
    pub(crate) fn plain_path(&self) -> Option<DetailText<'a>> {
        match self.body {
            Body::File(_) if self.operation == code::DIRECTORY_CONTROL => None,
            Body::File(file) => Some(file.path),
            Body::Registry(registry) => Some(registry.path),
            Body::Process(detail) => Some(image(self.operation, detail, self.event).unwrap_or(DetailText::Ascii(&[]))),
            _ => None,
        }
        .filter(|path| !matches!(path, DetailText::Ascii(bytes) if memchr::memchr(0, bytes).is_some()))
    }
}

/// The image path of process events that have one.
fn image<'a>(operation: u16, detail: &'a [u8], event: Event<'a>) -> Option<DetailText<'a>> {
    match operation {
        code::PROCESS_DEFINED | code::PROCESS_CREATE => Create::parse(detail).map(|create| create.image),
        code::LOAD_IMAGE => LoadImage::parse(detail, event.pointer()).map(|load| load.path),
        _ => None,
    }
}

/// `host:port`, by name where the capture has one.
fn endpoint(out: &mut Vec<u8>, scene: &Scene<'_>, endpoint: Endpoint<'_>, tcp: bool) {
    match scene.texts.host(scene.pml, endpoint.address) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => address(out, endpoint),
    }
    out.push(b':');
    match scene.texts.port(scene.pml, endpoint.port, tcp) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => text::decimal(out, endpoint.port.into()),
    }
}

/// IPv4 dotted; IPv6 as eight groups, uncompressed.
pub(crate) fn address(out: &mut Vec<u8>, endpoint: Endpoint<'_>) {
    if endpoint.is_ipv4 {
        for (at, byte) in endpoint.address.iter().take(4).enumerate() {
            if at > 0 {
                out.push(b'.');
            }
            text::decimal(out, (*byte).into());
        }
        return;
    }
    for (at, group) in endpoint.address.as_chunks::<2>().0.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        text::hex_padded(out, u16::from_be_bytes(*group).into(), 1);
    }
}
