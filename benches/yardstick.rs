//! The yardstick of the speed goals: a two-thread sum over the mapped bytes of a file.
//!
//! ```text
//! cargo bench --bench yardstick -- FILE [RUNS]
//! ```
//!
//! Nothing that looks at every byte of the file can be faster; the documentation gives every time as a multiple of it.

use pmlblame::capture::map::Bytes;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(file) = arguments.first() else {
        println!("usage: cargo bench --bench yardstick -- FILE [RUNS]");
        return ExitCode::SUCCESS;
    };
    let runs = arguments.get(1).and_then(|runs| runs.parse().ok()).unwrap_or(1);
    for _ in 0..runs {
        let start = Instant::now();
        match Bytes::open(Path::new(file), true) {
            Ok(bytes) => {
                let (low, high) = bytes.split_at(bytes.len() / 2);
                let total = std::thread::scope(|scope| {
                    let other = scope.spawn(|| sum(high));
                    sum(low).wrapping_add(other.join().unwrap_or_default())
                });
                println!("{:.4} s, sum {total:#x}", start.elapsed().as_secs_f64());
            }
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Wrapping sum of the little-endian words, which compiles to vector additions.
fn sum(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().fold(0, |total, word| total.wrapping_add(u64::from_le_bytes(*word)))
}
