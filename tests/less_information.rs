//! An export tells less than the capture it came from, so it accuses nobody else and nobody more surely.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod exported;
mod places;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use places::{captures_in, corpus, samples};
use serde_json::Value;

/// Grades by party: for each failure, and for the case as a whole (`None`).
type Grades = BTreeMap<(Option<u64>, String), u8>;

fn captures() -> Vec<PathBuf> {
    let mut found = captures_in(&samples());
    if let Some(corpus) = corpus() {
        for name in ["LogfileTests64bitUTC", "LogfileTests32bitUTC", "LogFileUTC64Filesystem", "noriben-2013-v7"] {
            found.push(corpus.join(format!("{name}.PML")));
        }
    }
    found.sort();
    found
}

fn run(arguments: &[&str], file: &Path, rest: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).arg(file).args(rest).output().unwrap();
    assert!(!output.stdout.is_empty() || output.status.success(), "{file:?}: {output:?}");
    output.stdout
}

fn record(file: &Path, profile: &str) -> Value {
    let rest = ["--profile", profile, "--no-segments", "--json", "-", "--reproducible", "--lang", "en"];
    serde_json::from_slice(&run(&["blame"], file, &rest)).unwrap()
}

fn grade(value: &Value) -> u8 {
    match value.as_str().unwrap() {
        "proven" => 3,
        "likely" => 2,
        "possible" => 1,
        _ => 0,
    }
}

/// Who is accused of what, and how surely. Who acts in another's name has the name of that process in a failure.
fn grades(record: &Value) -> Grades {
    let mut grades = Grades::new();
    let mut add = |event: Option<u64>, party: String, grade: u8| {
        let known = grades.entry((event, party)).or_default();
        *known = grade.max(*known);
    };
    for failure in record["failures"].as_array().unwrap() {
        for holder in failure["holders"].as_array().unwrap() {
            let party = format!("{} {}", holder["process"], holder["pid"]);
            add(failure["event"].as_u64(), party.clone(), grade(&holder["confidence"]));
            add(None, party, grade(&holder["confidence"]));
        }
    }
    grades
}

#[test]
fn an_export_accuses_nobody_else_and_nobody_more_surely() {
    let dir = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for path in captures() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sample = path.starts_with(env!("CARGO_MANIFEST_DIR"));
        for profile in ["servicing", "any"] {
            let whole = record(&path, profile);
            let truth = grades(&whole);
            let forms: &[&str] = if sample { &["csv", "xml"] } else { &["csv"] };
            for format in forms {
                let file = dir.path().join(format!("{stem}.{format}"));
                if !file.exists() {
                    let to = file.to_str().unwrap();
                    let rest = ["--format", format, "--no-segments", "--tz", "UTC", "--quiet", "--output", to];
                    run(&["events"], &path, &rest);
                }
                let export = record(&file, profile);
                for ((event, party), grade) in grades(&export) {
                    let known = truth.get(&(event, party.clone())).copied().unwrap_or(0);
                    assert!(grade <= known, "{stem}.{format} {profile}: {party} at {event:?}: {grade} > {known}");
                    compared += 1;
                }
                let of = |record: &Value| grade(&record["verdict"]["confidence"]);
                assert!(of(&export) <= of(&whole), "{stem}.{format} {profile}");
            }
        }
    }
    assert!(compared > 200, "only {compared} grades compared");
}
