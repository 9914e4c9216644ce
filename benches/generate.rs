//! Grows a large capture from a small one:
//!
//! ```text
//! cargo bench --bench generate -- [--seed FILE] [--then FILE] [--size 1GB | --events N] OUT.PML
//! ```
//!
//! `--seed` is repeated until the size is reached, later in time each round; `--then` follows once at the end. With
//! `--hole 1GiB --every N` the file is sparse: a hole after every N events.

mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use support::{Plan, Seed, parse_size};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut seed, mut then, mut out) = (None, None, None);
    let mut plan = Plan::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let size = |text: String| parse_size(&text).ok_or_else(|| format!("{text} is no size"));
        match argument.as_str() {
            "--seed" => seed = Some(PathBuf::from(value()?)),
            "--then" => then = Some(Seed::open(Path::new(&value()?))?),
            "--size" => plan.bytes = Some(size(value()?)?),
            "--events" => plan.events = Some(size(value()?)?),
            "--hole" => plan.hole_bytes = size(value()?)?,
            "--every" => plan.hole_every = size(value()?)?,
            // What cargo passes to every bench.
            "--bench" => {}
            _ => out = Some(PathBuf::from(argument)),
        }
    }
    let Some(out) = out else {
        println!(
            "usage: cargo bench --bench generate -- [--seed FILE] [--then FILE] [--size 1GB | --events N] OUT.PML"
        );
        return Ok(());
    };
    if plan.bytes.is_none() && plan.events.is_none() {
        plan.bytes = Some(1_000_000_000);
    }
    plan.then = then.as_ref();
    let seed = Seed::open(&seed.unwrap_or_else(support::default_seed))?;
    let events = seed.grow_file(&out, &plan)?;
    println!("{}: {events} events, {} bytes", out.display(), std::fs::metadata(&out)?.len());
    Ok(())
}
