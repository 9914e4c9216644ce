//! What several benches measure with.
#![allow(dead_code, unreachable_pub, reason = "each user takes a part")]

use pmlblame::assemble::CaseOptions;
use pmlblame::blame::scope::{Profile, ScopeOptions};
use pmlblame::blame::vendors::VendorCatalogue;
use pmlblame::lang::Lang;
use std::time::Duration;

/// Runs the benches of a program, a few seconds for each at most; arguments change that.
pub fn run_benches() {
    divan::Divan::default().sample_count(20).max_time(Duration::from_secs(3)).config_with_args().main();
}

/// The usual analysis, with the same record each time.
pub fn case_options() -> CaseOptions<'static> {
    CaseOptions {
        scope: ScopeOptions { profile: Profile::Servicing, ..ScopeOptions::default() },
        lang: Lang::En,
        catalogue: VendorCatalogue::embedded(),
        generated: None,
        files: Vec::new(),
        notes: Vec::new(),
        filter: None,
    }
}

/// Wrapping sum of the little-endian words, which compiles to vector additions.
pub fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks::<8>().0.iter();
    words.fold(0, |total, word| total.wrapping_add(u64::from_le_bytes(*word)))
}

/// The yardstick: the same by two threads. Nothing that looks at every byte can be faster.
pub fn two_thread_sum(bytes: &[u8]) -> u64 {
    let (low, high) = bytes.split_at(bytes.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| sum(high));
        sum(low).wrapping_add(other.join().unwrap_or_default())
    })
}
