//! How fast a CSV export is read. `PMLBLAME_CSV` names a file to measure with; else one of 64 MB is made.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot run should say so")]

#[path = "support/measure.rs"]
mod measure;

use divan::counter::BytesCount;
use pmlblame::capture::select::Selection;
use pmlblame::capture::source::Source;
use pmlblame::import::{self, Input, OpenOptions};
use std::path::PathBuf;

fn main() {
    measure::run_benches();
}

/// The file to measure with, and what keeps it alive.
fn export() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(path) = std::env::var_os("PMLBLAME_CSV") {
        return (path.into(), None);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made.CSV");
    let mut text = String::from(
        "\u{feff}\"Time of Day\",\"Process Name\",\"PID\",\"Operation\",\"Path\",\"Result\",\"Detail\"\r\n",
    );
    let details = [
        (
            "CreateFile",
            "Desired Access: Generic Read, Disposition: Open, Options: Synchronous IO Non-Alert, \
          Non-Directory File, Attributes: n/a, ShareMode: Read, Write, Delete, AllocationSize: n/a, OpenResult: Opened",
        ),
        ("QueryBasicInformationFile", "CreationTime: 7/12/2020 1:18:10 AM, FileAttributes: A"),
        ("ReadFile", "Offset: 1,024, Length: 4,096, Priority: Normal"),
        ("CloseFile", ""),
    ];
    let mut n = 0usize;
    while text.len() < 64 << 20 {
        let (operation, detail) = details[n % details.len()];
        text += &format!(
            "\"1:{:02}:{:02}.7752429 AM\",\"svchost.exe\",\"{}\",\"{operation}\",\"C:\\Windows\\System32\\f{}.dll\",\"SUCCESS\",\"{detail}\"\r\n",
            n / 60_000 % 60,
            n / 1000 % 60,
            n % 40 * 4,
            n % 5000,
        );
        n += 1;
    }
    std::fs::write(&path, text).unwrap();
    (path, Some(dir))
}

#[divan::bench]
fn survey(bencher: divan::Bencher<'_, '_>) {
    let (path, _dir) = export();
    let bytes = std::fs::metadata(&path).unwrap().len();
    bencher.counter(BytesCount::new(bytes)).bench(|| match import::open(&path, &OpenOptions::default()).unwrap() {
        Input::Export(export) => export.survey().counts.total,
        Input::Pml(_) => 0,
    });
}

#[divan::bench]
fn collect(bencher: divan::Bencher<'_, '_>) {
    let (path, _dir) = export();
    let bytes = std::fs::metadata(&path).unwrap().len();
    let Input::Export(export) = import::open(&path, &OpenOptions::default()).unwrap() else { return };
    let survey = export.survey();
    let mut selection = Selection::default();
    selection.add_file("C:\\Windows\\System32\\f17.dll");
    bencher.counter(BytesCount::new(bytes)).bench(|| export.collect(&selection, &survey, &|_| false).ops.len());
}
