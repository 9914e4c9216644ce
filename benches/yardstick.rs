//! The yardstick of the speed goals: a two-thread sum over the mapped bytes of a file.
//!
//! ```text
//! cargo bench --bench yardstick -- FILE [RUNS]
//! ```
//!
//! Nothing that looks at every byte of the file can be faster; the documentation gives every time as a multiple of it.

#[path = "support/measure.rs"]
mod measure;

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
                let total = measure::two_thread_sum(&bytes);
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
