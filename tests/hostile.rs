//! Mutated captures, many and deterministic: nothing panics, nothing runs away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use rayon::prelude::*;
use std::time::{Duration, Instant};
use support::{Fate, Random, exercise, mutate, small};

/// Captures made and taken apart.
const CAPTURES: u64 = 20_480;
/// In each lot one base capture is mutated again and again.
const LOT: u64 = 64;
/// No capture of some ten kilobytes may take this long, even on a busy machine.
const TOO_LONG: Duration = Duration::from_secs(10);

#[test]
fn the_base_captures_are_sound() {
    for wide in [true, false] {
        assert_eq!(exercise(small(wide, 1).0, true), Fate::Read);
    }
}

#[test]
fn twenty_thousand_mutated_captures_are_taken_apart_without_a_panic() {
    let lots: Vec<u64> = (0..CAPTURES / LOT).collect();
    let fates: Vec<[u64; 3]> = lots
        .into_par_iter()
        .map(|lot| {
            let (base, starts) = small(lot % 2 == 0, lot);
            let mut counts = [0; 3];
            for n in 0..LOT {
                let seed = lot * LOT + n;
                let mut bytes = base.clone();
                mutate(&mut bytes, &starts, &mut Random(seed));
                let begun = Instant::now();
                // Exports and rewriting cost the most; one in sixteen gets them.
                let fate = exercise(bytes, n % 16 == 0);
                assert!(begun.elapsed() < TOO_LONG, "seed {seed} took {:?}", begun.elapsed());
                counts[fate as usize] += 1;
            }
            counts
        })
        .collect();
    let total = fates.iter().fold([0; 3], |all, lot| [all[0] + lot[0], all[1] + lot[1], all[2] + lot[2]]);
    println!("refused {}, rescued {}, read {}", total[0], total[1], total[2]);
    assert_eq!(total.iter().sum::<u64>(), CAPTURES);
    // Mutations that all end the same way would test little.
    assert!(total.iter().all(|count| *count > CAPTURES / 50), "{total:?}");
}

#[test]
fn every_truncation_of_a_capture_is_refused_or_rescued() {
    for wide in [true, false] {
        let (base, _) = small(wide, 7);
        (0..base.len()).into_par_iter().for_each(|size| {
            assert_ne!(exercise(base[..size].to_vec(), false), Fate::Read, "{size}");
        });
    }
}
