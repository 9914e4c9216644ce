//! Where the tests find captures: the samples of this repository, and the real captures that are not part of it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// The folder of what is not part of this repository: `PMLBLAME_SHARED`, else `../shared`.
pub fn shared() -> PathBuf {
    std::env::var_os("PMLBLAME_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
}

/// Whether `path` below the shared folder is there; says what is skipped where it is not.
pub fn shared_path(path: &str) -> Option<PathBuf> {
    let found = shared().join(path);
    if !found.exists() {
        println!("skipped: not found: {}", found.display());
        return None;
    }
    Some(found)
}

/// The folder of real captures.
pub fn corpus() -> Option<PathBuf> {
    shared_path("corpus")
}

pub fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// The captures that lie in `folder`, by name.
pub fn captures_in(folder: &Path) -> Vec<PathBuf> {
    files_in(folder, "PML")
}

/// The files in `folder` that end in `.extension`, by name.
pub fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}
