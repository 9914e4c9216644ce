//! Scenarios told in a few lines and what is said about them, as short lines that a test can hold against its expectation.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

#[path = "../program/mod.rs"]
pub mod program;

use pmlblame::scenario;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Three processes of three makers; `V.exe` is the one whose operations are refused.
pub const CAST: &str = r#"start 2022-10-08T05:50:48Z
computer PC
os 10.0.17763
system-root C:\Windows
process 100 A.exe
  image C:\Prog\A.exe
  company Acme
process 200 B.exe
  image C:\Prog\B.exe
  company Beta
process 300 V.exe
  image C:\Prog\V.exe
  company Vic
"#;

/// A capture built from a scenario in a folder of its own.
pub struct Built {
    folder: tempfile::TempDir,
}

impl Built {
    /// Of the three processes and these further lines.
    pub fn new(lines: &str) -> Self {
        Self::of(&format!("{CAST}{lines}"))
    }

    /// Of a whole scenario.
    pub fn of(scenario: &str) -> Self {
        let built = Self { folder: tempfile::tempdir().unwrap() };
        let parsed = scenario::parse(scenario, &|_| Err("no files here".to_owned())).unwrap();
        for number in parsed.files() {
            let name = if number == 0 { "c.PML".to_owned() } else { format!("c-{number}.PML") };
            scenario::write_file(&parsed, number, File::create(built.folder.path().join(name)).unwrap()).unwrap();
        }
        built
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("c.PML")
    }

    /// What a run of the program with these arguments prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        String::from_utf8(program::run_in(self.folder.path(), arguments)).unwrap()
    }

    /// The record of the case, every process being a victim.
    pub fn record(&self) -> Value {
        serde_json::from_str(&self.run(&["c.PML", "--profile", "any", "--json", "-"])).unwrap()
    }

    /// The same of the case alone, cut out of the capture.
    pub fn record_of_extract(&self) -> Value {
        self.run(&["extract", "c.PML", "--case", "--profile", "any", "-o", "small.PML"]);
        serde_json::from_str(&self.run(&["small.PML", "--profile", "any", "--json", "-"])).unwrap()
    }

    /// The story of an event, as text.
    pub fn why(&self, event: u64) -> String {
        self.run(&["why", "c.PML", "-e", &event.to_string(), "--tz", "utc"])
    }
}

/// One line for each failure: `EVENT cause: HOLDER grade rule[ confirmed] …[ | CLEARED reason rule …]`.
pub fn failures(record: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let line = |failure: &Value| {
        let mut said = format!("{} {}:", failure["event"], text(&failure["cause"]));
        for holder in list(&failure["holders"]) {
            let who = text(if holder["driver"].is_string() { &holder["driver"] } else { &holder["process"] });
            said += &format!(" {who} {} {}", text(&holder["confidence"]), text(&holder["rule"]));
        }
        if list(&failure["holders"]).is_empty() {
            said += &format!(" {}", text(&failure["attribution"]));
        }
        if failure["confirmed_by"].is_object() {
            said += " confirmed";
        }
        for (at, cleared) in list(&failure["ruled_out"]).iter().enumerate() {
            said += if at == 0 { " |" } else { "," };
            said += &format!(" {} {} {}", text(&cleared["process"]), text(&cleared["reason"]), text(&cleared["rule"]));
        }
        said
    };
    list(&record["failures"]).iter().map(line).collect()
}

/// The codes of what weakens the capture.
pub fn quality(record: &Value) -> Vec<String> {
    let notes = record["capture"]["quality"].as_array().unwrap();
    notes.iter().map(|note| note["code"].as_str().unwrap().to_owned()).collect()
}

/// What is said of the failures of a scenario.
pub fn said(lines: &str) -> Vec<String> {
    failures(&Built::new(lines).record())
}

/// What is said when `A.exe` has a file open, under one name and later another, and `V.exe` may not delete it until then.
pub fn met(opened: &str, closed: &str, wanted: &str) -> Vec<String> {
    said(&format!(
        "+1 A.exe CreateFile {opened} access=READ_DATA share=RW
+2 V.exe CreateFile {wanted} access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile {closed}
+4 V.exe CreateFile {wanted} access=DELETE share=RWD
+5 V.exe CloseFile {wanted}"
    ))
}

/// Copies a capture file.
pub fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
}
