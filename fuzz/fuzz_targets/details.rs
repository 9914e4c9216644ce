//! Every decoder of details on any bytes.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use pmlblame::pml::bytes::PointerSize;

fuzz_target!(|data: &[u8]| {
    let [first, second, rest @ ..] = data else { return };
    let pointer = if first & 1 == 0 { PointerSize::Eight } else { PointerSize::Four };
    let (detail, extra) = rest.split_at(rest.len() * usize::from(*second) / 255);
    let extra = (first & 2 == 0).then_some(extra);
    support::decode(detail, extra, u16::from(first >> 3), pointer);
});
