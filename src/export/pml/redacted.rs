//! Names in the tables and events of a capture: learned, and replaced where they stand.

use super::tables::version_strings;
use crate::capture::decode::{code, is_rename_or_link};
use crate::capture::{Capture, EventIndex};
use crate::pml::bytes::{DetailText, Wide};
use crate::pml::detail::network::Network;
use crate::pml::detail::process::{Create, LoadImage, Start};
use crate::pml::detail::registry::{RegistryDetail, ValueData, ValueInformation};
use crate::pml::detail::rename::Rename;
use crate::pml::event::Beyond;
use crate::pml::{Event, EventClass, Host, ops};
use crate::redact::{Redaction, Redactor};

/// The process whose account is that of the system, in whatever language.
const SYSTEM_PROCESS: u32 = 4;
/// Operation number of Process Start.
const PROCESS_START: u16 = 7;
/// Operation number of Load Image.
const LOAD_IMAGE: u16 = 5;
/// Places of the two addresses in a network event's detail.
const ADDRESSES: [usize; 2] = [8, 24];

/// Learns the names in the tables of `capture` and in the given events.
pub fn learn(capture: &Capture, events: impl Iterator<Item = EventIndex>, redactor: &mut Redactor) {
    learn_roots(capture, redactor);
    for segment in capture.segments() {
        let pml = segment.pml();
        let container = pml.container();
        redactor.learn_computer(&container.header.computer);
        for system in container.processes.iter().filter(|process| process.pid == SYSTEM_PROCESS) {
            redactor.leave_authority(&pml.string(system.user));
        }
        for process in &container.processes {
            redactor.learn_account(&pml.string(process.user));
        }
        let versions = version_strings(&container.processes);
        for index in 0..u32::try_from(container.strings.len()).unwrap_or(u32::MAX) {
            match container.strings.get(pml.data(), crate::pml::StringIndex(index)) {
                Some(text) if versions.contains(&index) => redactor.learn_version(&text.decode_all()),
                Some(text) => redactor.learn_text(&text.decode_all()),
                None => {}
            }
        }
        for host in &container.hosts.hosts {
            redactor.learn_host(&host.name);
            let is_ipv4 = host.address.iter().skip(4).all(|byte| *byte == 0);
            redactor.learn_address(Host::ip(&host.address, is_ipv4));
        }
    }
    for index in events {
        let Some(Ok(event)) = capture.event(index) else { continue };
        texts(event).into_iter().for_each(|text| redactor.learn_text(&text.decode()));
        // As bytes, its first word would run into what lies before it.
        if let Some((data, _)) = value_text(event) {
            Wide(data).decode_all().split('\0').for_each(|text| redactor.learn_text(text));
        }
        if let Ok(detail) = event.detail() {
            redactor.learn_bytes(detail);
            if event.class() == EventClass::NETWORK
                && let Some(network) = Network::parse(detail)
            {
                for end in [network.source, network.destination] {
                    redactor.learn_address(Host::ip(end.address, end.is_ipv4));
                }
            }
        }
        if let Ok(Some(extra)) = event.extra() {
            redactor.learn_bytes(extra);
        }
    }
}

/// Learns where user profiles lie, from the environments of started processes and from the registry. Of the whole
/// capture, and before anything else: what a path gives away depends on it.
fn learn_roots(capture: &Capture, redactor: &mut Redactor) {
    for index in (0..capture.event_count()).map(EventIndex) {
        let Some(Ok(event)) = capture.event(index) else { continue };
        match (event.class(), event.operation()) {
            (EventClass::PROCESS, PROCESS_START) => {
                let parameters = event.detail().ok().and_then(Start::parse).and_then(|start| start.parameters);
                if let Some(parameters) = parameters {
                    redactor.learn_roots(&parameters.environment.decode_all());
                }
            }
            (EventClass::REGISTRY, operation @ (ops::code::REG_QUERY_VALUE | ops::code::REG_SET_VALUE)) => {
                if let Some((path, data)) = registry_value(event, operation) {
                    redactor.learn_root(&path, &data.decode());
                }
            }
            _ => {}
        }
    }
}

/// Path and data of a registry value that tells where profiles lie.
fn registry_value(event: Event<'_>, operation: u16) -> Option<(String, Wide<'_>)> {
    let registry = RegistryDetail::parse(operation, event.detail_beyond().ok()?)?;
    let path = registry.path.decode().into_owned();
    if !Redactor::tells_root(&path) {
        return None;
    }
    let data = if operation == ops::code::REG_SET_VALUE {
        ValueData::written(registry)
    } else {
        ValueInformation::parse(registry.field(8), event.extra_beyond().ok()??)?.data?
    };
    Some((path, Wide(data.captured())))
}

/// The text that a registry value holds, one or several ended by NUL, and whether it lies in the extra detail.
fn value_text(event: Event<'_>) -> Option<(&[u8], bool)> {
    /// `REG_SZ`, `REG_EXPAND_SZ`, `REG_LINK`, `REG_MULTI_SZ`.
    const TEXTS: [u32; 4] = [1, 2, 6, 7];
    if event.class() != EventClass::REGISTRY {
        return None;
    }
    let registry = RegistryDetail::parse(event.operation(), event.detail_beyond().ok()?)?;
    let (kind, data, in_extra) = match event.operation() {
        ops::code::REG_SET_VALUE => (registry.field(4), ValueData::written(registry), false),
        operation @ (ops::code::REG_QUERY_VALUE | ops::code::REG_ENUM_VALUE) => {
            let class = registry.field(if operation == ops::code::REG_QUERY_VALUE { 8 } else { 12 });
            let value = ValueInformation::parse(class, event.extra_beyond().ok()??)?;
            (value.kind, value.data?, true)
        }
        _ => return None,
    };
    TEXTS.contains(&kind).then(|| (data.captured(), in_extra))
}

/// The counted texts of an event, whose ends are known.
fn texts(event: Event<'_>) -> Vec<DetailText<'_>> {
    let Ok(detail) = event.detail() else { return Vec::new() };
    match (event.class(), event.operation()) {
        (EventClass::FILE_SYSTEM | EventClass::IPC, operation) => {
            let Some(file) = event.file() else { return Vec::new() };
            let mut texts = vec![file.path];
            let class = file.sub_operation();
            if operation == code::SET_INFORMATION && is_rename_or_link(class) {
                let target = Rename::parse(file, !matches!(class, 0x0A | 0x0B), matches!(class, 0x0B | 0x48 | 0x49));
                texts.extend(target.and_then(|target| target.destination));
                texts.extend(target.map(|target| DetailText::Wide(target.given)));
            }
            texts
        }
        (EventClass::REGISTRY, operation) => {
            let parsed = RegistryDetail::parse(operation, Beyond { bytes: detail, len: detail.len() });
            parsed.map(|registry| registry.path).into_iter().collect()
        }
        (EventClass::PROCESS, 0 | 1) => {
            Create::parse(detail).map_or_else(Vec::new, |create| vec![create.image, create.command_line])
        }
        (EventClass::PROCESS, PROCESS_START) => Start::parse(detail)
            .and_then(|start| start.parameters)
            .map_or_else(Vec::new, |parameters| vec![parameters.command_line, parameters.current_directory]),
        (EventClass::PROCESS, LOAD_IMAGE) => {
            LoadImage::parse(detail, event.pointer()).map(|image| image.path).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Replaces names in one event's detail and extra detail.
pub(super) fn event(redaction: &Redaction, event: Event<'_>, detail: &mut [u8], extra: &mut [u8]) {
    if event.class() == EventClass::NETWORK {
        addresses(redaction, detail);
    }
    if event.class() == EventClass::PROCESS && event.operation() == PROCESS_START {
        blank_environment(detail);
    }
    redaction.bytes(detail);
    redaction.bytes(extra);
    // As bytes, a counted text runs into whatever lies behind it; its words are only right when taken by itself.
    let start = event.detail().map_or(0, |detail| detail.as_ptr().addr());
    for text in texts(event) {
        let (bytes, is_wide) = match text {
            DetailText::Ascii(bytes) => (bytes, false),
            DetailText::Wide(wide) => (wide.0, true),
        };
        let at = bytes.as_ptr().addr().saturating_sub(start);
        if let Some(place) = detail.get_mut(at..at.saturating_add(bytes.len())) {
            place.copy_from_slice(bytes);
            redaction.counted(place, is_wide);
        }
    }
    if let Some((data, in_extra)) = value_text(event) {
        let extra_start = event.extra().ok().flatten().map_or(0, |extra| extra.as_ptr().addr());
        let (start, stored) = if in_extra { (extra_start, extra) } else { (start, detail) };
        let at = data.as_ptr().addr().saturating_sub(start);
        if let Some(place) = stored.get_mut(at..at.saturating_add(data.len())) {
            place.copy_from_slice(data);
            redaction.counted(place, true);
        }
    }
}

fn addresses(redaction: &Redaction, detail: &mut [u8]) {
    let Some(network) = Network::parse(detail) else { return };
    let kinds = [network.source.is_ipv4, network.destination.is_ipv4];
    for (at, is_ipv4) in ADDRESSES.into_iter().zip(kinds) {
        let Some(place) = detail.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<16>()) else { continue };
        if is_ipv4 {
            // What stands behind the four bytes is not initialised.
            place.iter_mut().skip(4).for_each(|byte| *byte = 0);
            *place = redaction.stored_address(place);
        } else if let std::net::IpAddr::V6(v6) = redaction.address(Host::ip(place, false)) {
            *place = v6.octets();
        }
    }
}

/// Empties the environment of a started process: names of every kind, and secrets, stand there.
fn blank_environment(detail: &mut [u8]) {
    let Some(start) = Start::parse(detail) else { return };
    let Some(parameters) = start.parameters else { return };
    let stored = |text: DetailText<'_>| match text {
        DetailText::Ascii(bytes) => bytes.len(),
        DetailText::Wide(wide) => wide.0.len(),
    };
    let from = 12 + stored(parameters.command_line) + stored(parameters.current_directory);
    if let Some(environment) = detail.get_mut(from..) {
        environment.fill(0);
    }
}
