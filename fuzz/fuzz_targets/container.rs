//! A capture file of any bytes: opened, rescued, surveyed, exported, written again.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    support::exercise(data.to_vec(), data.len() < 16_384);
});
