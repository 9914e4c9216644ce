//! The sample captures: each is built from the scenario beside it, and independent readers agree on its contents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use places::{files_in, samples};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pmlblame::scenario;

/// No sample may grow beyond this.
const MAX_SAMPLE: usize = 1 << 20;

fn scenarios() -> Vec<PathBuf> {
    files_in(&samples(), "scenario")
}

/// Rebuilds every sample; with `PMLBLAME_BLESS=1` it writes them instead of comparing.
#[test]
fn every_sample_is_what_its_scenario_builds() {
    let bless = std::env::var_os("PMLBLAME_BLESS").is_some();
    let scenarios = scenarios();
    assert!(scenarios.len() >= 40, "only {} scenarios", scenarios.len());
    let mut stale = Vec::new();
    for path in scenarios {
        let built = scenario::build_file(&path, std::io::Cursor::new(Vec::new()))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .into_inner();
        assert!(built.len() < MAX_SAMPLE, "{} makes {} bytes", path.display(), built.len());
        let capture = path.with_extension("PML");
        if bless {
            fs::write(&capture, &built).expect("the capture can be written");
        } else if fs::read(&capture).ok().as_ref() != Some(&built) {
            stale.push(capture);
        }
    }
    assert!(stale.is_empty(), "run this test with PMLBLAME_BLESS=1 to rebuild: {stale:?}");
}

#[test]
fn the_readme_lists_every_sample() {
    let readme = fs::read_to_string(samples().join("README.md")).expect("samples/README.md exists");
    let missing: Vec<PathBuf> = scenarios()
        .into_iter()
        .filter(|path| !readme.contains(&format!("({})", path.file_name().unwrap_or_default().to_string_lossy())))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_readme_counts_the_captures() {
    let readme = fs::read_to_string(samples().join("README.md")).unwrap();
    let sizes: Vec<u64> = files_in(&samples(), "PML").iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    let (least, most) = (sizes.iter().min().unwrap() / 1024, sizes.iter().max().unwrap().div_ceil(1024));
    let said = format!("\n{} captures, {least} to {most} KiB each.\n", sizes.len());
    assert!(readme.contains(&said), "it should say:{said}");
    assert_eq!(sizes.len(), scenarios().len());
}

/// A capture in several files is built as they lie there, and gives the record beside it.
#[test]
fn the_capture_with_a_lost_file_is_what_its_scenario_builds() {
    let folder = samples().join("segments");
    let built = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], at: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).current_dir(at).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let new = built.path().join("missing-segment.PML");
    run(&["make", "-q", "missing-segment.scenario", "-o", new.to_str().unwrap()], &folder);
    let record = run(&["missing-segment.PML", "--json", "-", "--reproducible", "--lang", "en"], &folder);
    let beside = folder.join("missing-segment.case.json");
    let names = ["missing-segment.PML", "missing-segment-2.PML"];
    if std::env::var_os("PMLBLAME_BLESS").is_some() {
        for name in names {
            fs::copy(built.path().join(name), folder.join(name)).unwrap();
        }
        fs::write(&beside, &record).unwrap();
    }
    assert!(!built.path().join("missing-segment-1.PML").exists(), "the lost file is not written");
    for name in names {
        assert!(fs::read(built.path().join(name)).unwrap() == fs::read(folder.join(name)).unwrap(), "{name}");
    }
    assert_eq!(fs::read_to_string(beside).unwrap().replace("\r\n", "\n"), record);
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!((&record["verdict"]["code"], &record["verdict"]["confidence"]), (&"culprit".into(), &"likely".into()));
    assert_eq!(record["failures"][0]["holders"][0]["rule"], "SA-3");
    let quality = record["capture"]["quality"].as_array().unwrap();
    assert!(quality.iter().any(|note| note["code"] == "missing_segment"), "{quality:?}");
}

/// Runs the check by two public readers where Python has them.
#[test]
fn independent_readers_agree() {
    let python = std::env::var_os("PMLBLAME_PYTHON").unwrap_or_else(|| "python3".into());
    let present = Command::new(&python).args(["-c", "import procmon_parser, procmon_reader"]).output();
    if !present.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: python3 with procmon-parser and procmon-reader not found (PMLBLAME_PYTHON names another)");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/check-independent-readers.py");
    let output = Command::new(&python).arg(script).arg(samples()).output().expect("python runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("captures agree"), "{text}");
}
