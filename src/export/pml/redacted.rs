//! Names in the tables and events of a capture: learned, and replaced where they stand.

use crate::capture::{Capture, EventIndex};
use crate::pml::bytes::DetailText;
use crate::pml::detail::network::Network;
use crate::pml::detail::process::Start;
use crate::pml::{Event, EventClass, Host};
use crate::redact::{Redaction, Redactor};

/// Logon sessions of the system itself, whose account names are localised: SYSTEM, LOCAL SERVICE, NETWORK SERVICE.
const SYSTEM_LOGONS: [u64; 3] = [0x3E7, 0x3E5, 0x3E4];
/// Operation number of Process Start.
const PROCESS_START: u16 = 7;
/// Places of the two addresses in a network event's detail.
const ADDRESSES: [usize; 2] = [8, 24];

/// Learns the names in the tables of `capture` and in the given events.
pub fn learn(capture: &Capture, events: impl Iterator<Item = EventIndex>, redactor: &mut Redactor) {
    for segment in capture.segments() {
        let pml = segment.pml();
        let container = pml.container();
        redactor.learn_computer(&container.header.computer);
        for process in &container.processes {
            if !SYSTEM_LOGONS.contains(&process.authentication_id) {
                redactor.learn_account(&pml.string(process.user));
            }
        }
        for index in 0..u32::try_from(container.strings.len()).unwrap_or(u32::MAX) {
            if let Some(text) = container.strings.get(pml.data(), crate::pml::StringIndex(index)) {
                redactor.learn_text(&text.decode_all());
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
