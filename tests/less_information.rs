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

/// Operations that run for seconds, and processes that end unseen: a file is held by `hold`, and the worker's open of it
/// is refused from 5.0 s on for two seconds.
const SLOW: [(&str, &str); 7] = [
    (
        "closed-meanwhile",
        "+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW\n+6 hold.exe:10 CloseFile ${FILE}",
    ),
    (
        "closed-after",
        "+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW\n+7.1 hold.exe:10 CloseFile ${FILE}",
    ),
    (
        "opened-meanwhile",
        "+4.9 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW dur=1.0\n+9 hold.exe:10 CloseFile ${FILE}",
    ),
    (
        "closing",
        "+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW\n+3.5 hold.exe:10 CloseFile ${FILE} dur=2.0",
    ),
    ("exits-meanwhile", "+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW\n+6 hold.exe:10 ProcessExit"),
    (
        "replaced-before",
        "+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW\n+4 next.exe:10 RegCloseKey HKLM\\SOFTWARE",
    ),
    (
        "mapped",
        "+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ,GENERIC_WRITE share=RWD\n+2.1 hold.exe:10 CreateFileMapping ${FILE} protect=PAGE_READWRITE sync=CREATE_SECTION allocation=SEC_COMMIT\n+2.2 hold.exe:10 CloseFile ${FILE}\n+7.1 hold.exe:10 ProcessExit",
    ),
];

fn slow(dir: &Path) -> Vec<PathBuf> {
    let made = |(name, hold): &(&str, &str)| {
        let text = format!(
            r"start 2022-10-08T05:50:48Z
let FILE = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
process 3560 TiWorker.exe
  image C:\Windows\WinSxS\TiWorker.exe
process 900 hold.exe
  image C:\Hold\hold.exe
{}
+1 TiWorker.exe:20 CreateFile ${{FILE}} access=GENERIC_WRITE share=R disposition=CREATE
+1.5 TiWorker.exe:20 CloseFile ${{FILE}}
{hold}
+5 TiWorker.exe:20 CreateFile ${{FILE}} access=DELETE share=RD dur=2.0 -> SHARING VIOLATION
+7.5 TiWorker.exe:20 CreateFile ${{FILE}} access=DELETE share=RD
+8 TiWorker.exe:20 CloseFile ${{FILE}}
",
            if hold.contains("next.exe") {
                "  ended +3\nprocess 900 next.exe\n  image C:\\Hold\\next.exe\n  started +3.5"
            } else {
                ""
            },
        );
        let scenario = dir.join(format!("{name}.scenario"));
        std::fs::write(&scenario, text).unwrap();
        let capture = dir.join(format!("{name}.PML"));
        run(&["make", "--quiet"], &scenario, &["-o", capture.to_str().unwrap()]);
        capture
    };
    SLOW.iter().map(made).collect()
}

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
    for path in slow(dir.path()).into_iter().chain(captures()) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sample = path.starts_with(env!("CARGO_MANIFEST_DIR")) || path.starts_with(dir.path());
        for profile in ["servicing", "any"] {
            let whole = record(&path, profile);
            let truth = grades(&whole);
            // Procmon's columns by default tell neither thread nor duration.
            const THREADS: &str = "Time of Day,Process Name,PID,TID,Operation,Path,Result,Detail";
            let forms: &[(&str, &str, &[&str])] = &[
                ("csv", "csv", &[]),
                ("threads", "csv", &["--columns", THREADS]),
                ("xml", "xml", &[]),
                ("all", "csv", &["--columns", "all"]),
            ];
            for (form, format, columns) in if sample { forms } else { &forms[..1] } {
                let file = dir.path().join(format!("{stem}.{form}"));
                if !file.exists() {
                    let to = file.to_str().unwrap();
                    let rest = ["--format", format, "--no-segments", "--tz", "UTC", "--quiet", "--output", to];
                    run(&["events"], &path, &[&rest, *columns].concat());
                }
                let export = record(&file, profile);
                for ((event, party), grade) in grades(&export) {
                    // Without the time of its end a process may have been there.
                    let least = u8::from(stem == "replaced-before");
                    let known = truth.get(&(event, party.clone())).copied().unwrap_or(0).max(least);
                    assert!(grade <= known, "{stem}.{form} {profile}: {party} at {event:?}: {grade} > {known}");
                    compared += 1;
                }
                let of = |record: &Value| grade(&record["verdict"]["confidence"]);
                assert!(of(&export) <= of(&whole).max(u8::from(stem == "replaced-before")), "{stem}.{form} {profile}");
            }
        }
    }
    assert!(compared > 200, "only {compared} grades compared");
}
