//! Addresses and SIDs: numbers with a structure, disguised so that it stays.

use super::pseudonym::Secret;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Identifier authority 5 with first sub-authority 21 (machine and domain accounts), as bytes of a SID from its third.
const ACCOUNT: [u8; 10] = [0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
/// The same of cloud accounts: authority 12, sub-authority 1.
const CLOUD: [u8; 10] = [0, 0, 0, 0, 0, 12, 1, 0, 0, 0];
/// Relative ids below belong to accounts every Windows has.
const FIRST_OWN_RID: u32 = 1000;

/// Whether an address says nothing about anybody's network: it is no host's, or every machine has it.
pub(super) fn is_nobodys(address: IpAddr) -> bool {
    match address {
        // `4.0.0.0` and `0.158.114.52` are no host's; versions in names look so.
        IpAddr::V4(v4) if matches!(v4.octets(), [0, ..] | [_, 0, 0, 0]) => true,
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_multicast(),
    }
}

/// Whether an address belongs to a private network.
pub(super) fn is_private(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // The last is that of carriers (RFC 6598).
    address.is_private() || address.is_link_local() || (first == 100 && (64..128).contains(&second))
}

/// `disguised` spelled as `shown` spells the original: the same groups, zeros in front or not, `::` in the same place.
pub(super) fn spell_alike(shown: &str, disguised: IpAddr) -> String {
    let IpAddr::V6(disguised) = disguised else { return disguised.to_string() };
    let segments = disguised.segments();
    let spell = |groups: &str, first: usize| {
        let spelled = groups.split(':').zip(segments.iter().skip(first));
        let spelled: Vec<String> =
            spelled.map(|(group, segment)| format!("{segment:0width$x}", width = group.len())).collect();
        spelled.join(":")
    };
    match shown.split_once("::") {
        None => spell(shown, 0),
        Some((head, tail)) => {
            let head = if head.is_empty() { String::new() } else { spell(head, 0) };
            let tail = if tail.is_empty() {
                String::new()
            } else {
                spell(tail, 8usize.saturating_sub(tail.split(':').count()))
            };
            format!("{head}::{tail}")
        }
    }
}

/// An address whose text is as long: each part keeps its number of digits.
pub(super) fn disguise(secret: &Secret, address: IpAddr, attempt: u32) -> IpAddr {
    let mut context = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    context.extend_from_slice(&attempt.to_le_bytes());
    match address {
        IpAddr::V4(v4) => {
            let mut octets = v4.octets();
            for (place, octet) in (0u8..).zip(octets.iter_mut()) {
                context.push(place);
                *octet = u8::try_from(secret.number("ipv4", &context, u32::from(*octet), 255)).unwrap_or(*octet);
            }
            IpAddr::V4(Ipv4Addr::from(octets))
        }
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            let numbers = secret.draw("ipv6", &context, 0);
            for (segment, number) in segments.iter_mut().zip(numbers).filter(|(segment, _)| **segment != 0) {
                // As many hexadecimal digits, the first not zero; zero groups stay, or `::` would move.
                let digits = segment.checked_ilog2().unwrap_or(0) / 4;
                let low = 1u64 << (4 * digits);
                let span = (low << 4) - low;
                *segment = u16::try_from(low + number % span).unwrap_or(*segment);
            }
            IpAddr::V6(Ipv6Addr::from(segments))
        }
    }
}

/// The sub-authorities of an account, disguised; the relative id of an account every Windows has stays.
fn disguise_account(secret: &Secret, parts: &mut [u32]) {
    let context: Vec<u8> = parts.iter().take(3).flat_map(|part| part.to_le_bytes()).collect();
    for (place, part) in (0u8..).zip(parts.iter_mut()) {
        if place >= 3 && *part < FIRST_OWN_RID {
            continue;
        }
        let mut context = context.clone();
        context.push(place);
        *part = secret.number("sid", &context, *part, u32::MAX);
    }
}

/// `S-1-5-21-a-b-c[-rid…]` with other numbers of the same lengths; `None` when it is not that.
pub(super) fn disguise_sid_text(secret: &Secret, units: &[u16]) -> Option<Vec<u16>> {
    let text = String::from_utf16(units).ok()?;
    let mut fields = text.split('-');
    let head: Vec<&str> = fields.by_ref().take(4).collect();
    let fields: Vec<&str> = fields.collect();
    let mut parts: Vec<u32> = fields.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
    disguise_account(secret, &mut parts);
    let mut out = head.join("-");
    for (part, field) in parts.iter().zip(fields) {
        // Zeros in front (nobody writes them) must not change the length.
        out.push_str(&format!("-{part:0width$}", width = field.len()));
    }
    let out: Vec<u16> = out.encode_utf16().collect();
    (out.len() == units.len()).then_some(out)
}

/// Where binary SIDs of accounts lie in `bytes`.
pub(super) fn find_sids(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for authority in [&ACCOUNT, &CLOUD] {
        for at in memchr::memmem::find_iter(bytes, authority.as_slice()) {
            let Some(start) = at.checked_sub(2) else { continue };
            let Some([1, count @ 4..=15]) = bytes.get(start..at) else { continue };
            let end = start + 8 + 4 * usize::from(*count);
            if end <= bytes.len() {
                found.push(start..end);
            }
        }
    }
    found
}

/// Replaces the binary SIDs of accounts.
pub(super) fn replace_sids(secret: &Secret, bytes: &mut [u8]) {
    for range in find_sids(bytes) {
        let Some(sub_authorities) = bytes.get_mut(range.start + 12..range.end) else { continue };
        let (fields, _) = sub_authorities.as_chunks_mut::<4>();
        let mut parts: Vec<u32> = fields.iter().map(|field| u32::from_le_bytes(*field)).collect();
        disguise_account(secret, &mut parts);
        for (field, part) in fields.iter_mut().zip(parts) {
            *field = part.to_le_bytes();
        }
    }
}
