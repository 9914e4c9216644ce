//! A valid capture, changed where it matters: the input says what is changed, and how often.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::{Random, exercise, mutate, small};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let (mut bytes, starts) = small(first & 1 == 0, u64::from(first >> 4));
    for seed in rest.chunks(4).take(8) {
        let mut word = [0; 8];
        word[..seed.len()].copy_from_slice(seed);
        mutate(&mut bytes, &starts, &mut Random(u64::from_le_bytes(word)));
    }
    exercise(bytes, first & 2 == 0);
});
