//! Runs of the program in English that must succeed.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

/// What a run with these arguments prints.
pub fn run(arguments: &[&str]) -> Vec<u8> {
    run_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments)
}

/// The same in a folder.
pub fn run_in(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(folder)
        .args(arguments)
        .args(["--lang", "en"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
