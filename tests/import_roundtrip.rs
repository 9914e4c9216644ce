//! A capture exported and read back gives the same operations and the same verdict.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod exported;

use exported::{as_exported, corpus, export, named};
use pmlblame::assemble::{self, CaseOptions};
use pmlblame::blame::scope::{Profile, ScopeOptions};
use pmlblame::blame::vendors::VendorCatalogue;
use pmlblame::capture::op::{Op, OpKind};
use pmlblame::capture::select::Selection;
use pmlblame::capture::source::Source;
use pmlblame::capture::{self, Capture};
use pmlblame::case::CaseRecord;
use pmlblame::import::OpenOptions;
use std::path::{Path, PathBuf};

fn captures() -> Vec<PathBuf> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut found: Vec<PathBuf> = std::fs::read_dir(samples)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "PML"))
        .collect();
    if let Some(corpus) = corpus() {
        for name in ["LogfileTests64bitUTC", "LogfileTests32bitUTC", "LogFileUTC64Filesystem", "LogFileUTC64Process"] {
            found.push(corpus.join(format!("{name}.PML")));
        }
    }
    found.sort();
    found
}

fn record(source: &dyn Source, profile: Profile) -> CaseRecord {
    let options = CaseOptions {
        scope: ScopeOptions { profile, ..ScopeOptions::default() },
        lang: pmlblame::lang::Lang::En,
        catalogue: VendorCatalogue::embedded(),
        generated: None,
        files: Vec::new(),
        notes: Vec::new(),
    };
    assemble::analyse(source, &options).unwrap().record
}

/// The findings of a record, without what no export carries.
fn findings(record: &CaseRecord, times: bool) -> Vec<String> {
    let mut found =
        vec![format!("{:?} {:?} {:?}", record.verdict.code, record.verdict.confidence, record.verdict.holders)];
    for failure in &record.failures {
        let holders: Vec<String> = failure
            .holders
            .iter()
            .map(|holder| {
                format!(
                    "{} {} {:?} {:?} {} {:?}",
                    holder.pid, holder.process, holder.confidence, holder.mechanism, holder.rule, holder.conflict
                )
            })
            .collect();
        let time = if times { failure.time.as_str() } else { "" };
        found.push(format!(
            "{} {time} {} {} {} {} {} {:?} {:?} {holders:?} ruled out {:?}",
            failure.event,
            failure.pid,
            failure.operation,
            failure.path,
            failure.status,
            failure.process,
            failure.cause,
            failure.attribution,
            failure.ruled_out.len(),
        ));
    }
    found
}

/// Exports a capture with the program's own command; `None` when this build has no such command.
fn exported_by_us(capture: &Path, to: &Path, arguments: &[&str]) -> Option<()> {
    let program = env!("CARGO_BIN_EXE_pmlblame");
    let output = std::process::Command::new(program)
        .arg("events")
        .arg(capture)
        .args(["--no-segments", "--tz", "UTC", "--lang", "en", "--quiet", "--output"])
        .arg(to)
        .args(arguments)
        .output()
        .unwrap();
    if !output.status.success() && !to.exists() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("unexpected argument"), "{}: {error}", capture.display());
        return None;
    }
    Some(())
}

/// What no export of the kind can tell, so that its verdict may be a weaker one.
fn loses(stem: &str, stacks: bool) -> bool {
    // The stack alone shows that a filter issued the open, or that none did; 8.3 names are in no printed detail.
    matches!(stem, "driver-in-stack" | "self-inflicted") && !stacks || stem == "short-name"
}

#[test]
fn an_export_read_back_gives_the_same_operations_and_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let all: (&str, &[&str]) = ("all.CSV", &["--format", "csv", "--columns", "all"]);
    let forms = [
        all,
        ("default.CSV", &["--format", "csv", "--columns", "default"]),
        ("XML", &["--format", "xml", "--columns", "all", "--stacks"]),
    ];
    for path in captures() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sample = path.starts_with(env!("CARGO_MANIFEST_DIR"));
        let capture = Capture::open(&path, &capture::OpenOptions { segments: false, ..Default::default() }).unwrap();
        let truth = capture.collect(&Selection::everything(), &capture.survey(), &|_| false);
        let expected: Vec<&Op> = truth.ops.iter().filter(|op| !matches!(op.kind, OpKind::ShortName { .. })).collect();
        // The XML of a large capture with its stacks would be hundreds of megabytes.
        for (suffix, arguments) in forms.iter().take(if sample { 3 } else { 1 }) {
            let file = dir.path().join(format!("{stem}.{suffix}"));
            if exported_by_us(&path, &file, arguments).is_none() {
                println!("skipped: this build cannot export events");
                return;
            }
            let export = export(&file, &OpenOptions::default());
            let log = export.collect(&Selection::everything(), &export.survey(), &|_| false);
            let facts = export.facts();
            assert_eq!((facts.malformed.rows, facts.rows), (0, capture.event_count()), "{stem}.{suffix}");
            assert_eq!(log.ops.len(), expected.len(), "{stem}.{suffix}");
            let bits = if export.machine().bits == Some(32) { 32 } else { 64 };
            let times = *suffix != "default.CSV";
            for (op, truth_op) in log.ops.iter().zip(&expected) {
                let mut wanted = named(&truth, truth_op, as_exported(&capture, truth_op, bits));
                let mut got = named(&log, op, op.kind);
                if !times {
                    // Seven columns tell the time of day, and neither its day nor thread nor duration.
                    (wanted.thread, wanted.end) = (None, None);
                    wanted.start %= 864_000_000_000;
                    got.start %= 864_000_000_000;
                }
                assert_eq!(got, wanted, "{stem}.{suffix}");
            }
            if !loses(&stem, *suffix == "XML") {
                for profile in [Profile::Servicing, Profile::Any] {
                    let (theirs, mine) = (record(&capture, profile), record(export.as_ref(), profile));
                    assert_eq!(findings(&mine, times), findings(&theirs, times), "{stem}.{suffix} {profile:?}");
                }
            }
            std::fs::remove_file(&file).unwrap();
        }
    }
}
