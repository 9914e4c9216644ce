//! `recover` and `extract` as commands: what they write opens everywhere, and blame on it says the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn samples() -> Vec<PathBuf> {
    places::captures_in(&places::samples())
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).args(["--lang", "en", "--quiet"]).output().unwrap()
}

fn succeed(arguments: &[&str]) -> (String, String) {
    let output = run(arguments);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{arguments:?}\n{out}{err}");
    (out, err)
}

/// What a verdict says, without the numbers of events, which an extract changes, and without sentences.
fn verdict(capture: &Path) -> serde_json::Value {
    let (out, _) = succeed(&[capture.to_str().unwrap(), "--json", "-", "--reproducible", "--no-hash"]);
    let record: serde_json::Value = serde_json::from_str(&out).unwrap();
    let pick = |value: &serde_json::Value, keys: &[&str]| -> serde_json::Value {
        keys.iter().map(|key| (key.to_string(), value[*key].clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let none = Vec::new();
    let list = |value: &serde_json::Value, key: &str| value[key].as_array().unwrap_or(&none).clone();
    let holders: Vec<_> = list(&record, "holders")
        .iter()
        .map(|holder| {
            let mut kept = pick(
                holder,
                &["id", "rank", "kind", "party", "confidence", "failures", "files", "first", "last", "blocked_ms"],
            );
            kept["pid"] = holder["process"]["pid"].clone();
            kept["name"] = holder["process"]["name"].clone();
            kept["vendor"] = holder["vendor"]["name"].clone();
            kept
        })
        .collect();
    let failures: Vec<_> = list(&record, "failures")
        .iter()
        .map(|failure| {
            let mut kept =
                pick(failure, &["time", "pid", "tid", "operation", "status", "cause", "attribution", "requested"]);
            let of = |key: &str, keys: &[&str]| -> Vec<_> {
                list(failure, key).iter().map(|holder| pick(holder, keys)).collect()
            };
            kept["holders"] = of("holders", &["pid", "process", "confidence", "mechanism", "rule", "handle"]).into();
            kept["ruled_out"] = of("ruled_out", &["pid", "process", "reason"]).into();
            kept["explanations"] = failure["explanations"].clone();
            kept
        })
        .collect();
    serde_json::json!({
        "verdict": pick(&record["verdict"], &["code", "confidence", "holders"]),
        "holders": holders,
        "failures": failures,
        // What the capture cannot show, with its numbers; the candidates among drivers; the advice. Names may be others.
        "quality": record["capture"]["quality"],
        "consistency": record["capture"]["consistency"],
        "caveats": list(&record, "caveats").iter().map(|caveat| unnumbered(&caveat["text"])).collect::<Vec<_>>(),
        "recommendations": list(&record, "recommendations").iter().map(|advice| advice["code"].clone()).collect::<Vec<_>>(),
        "waits": list(&record, "waits").iter().map(|wait| wait["waited_ms"].clone()).collect::<Vec<_>>(),
    })
}

/// A sentence up to where it names events.
fn unnumbered(text: &serde_json::Value) -> String {
    let text = text.as_str().unwrap();
    text.split_once(": at event").map_or(text, |(start, _)| start).to_owned()
}

#[test]
fn blame_on_an_extract_of_the_case_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    samples().par_iter().for_each(|sample| {
        let expected = verdict(sample);
        let name = sample.file_name().unwrap().to_str().unwrap();
        for redact in [false, true] {
            let small = folder.path().join(format!("{redact}-{name}"));
            let mut arguments = vec!["extract", sample.to_str().unwrap(), "-o", small.to_str().unwrap(), "--case"];
            if redact {
                arguments.push("--redact");
            }
            succeed(&arguments);
            assert_eq!(verdict(&small), expected, "{} redacted: {redact}", sample.display());
            assert!(small.metadata().unwrap().len() <= sample.metadata().unwrap().len(), "{}", sample.display());
        }
    });
}

#[test]
fn so_does_an_extract_of_an_extract_and_of_a_recovered_capture() {
    let folder = tempfile::tempdir().unwrap();
    samples().par_iter().for_each(|sample| {
        let expected = verdict(sample);
        let place =
            |kind: &str| folder.path().join(format!("{kind}-{}", sample.file_name().unwrap().to_str().unwrap()));
        let extract = |from: &Path, to: &Path, more: &[&str]| {
            let arguments = ["extract", from.to_str().unwrap(), "-o", to.to_str().unwrap(), "--case"];
            succeed(&[&arguments[..], more].concat());
        };
        let (small, again, broken, fixed, last) =
            (place("small"), place("again"), place("broken"), place("fixed"), place("last"));
        extract(sample, &small, &["--context", "0"]);
        extract(&small, &again, &["--redact"]);
        assert_eq!(verdict(&again), expected, "{} twice", sample.display());
        // The header no longer tells where the tables are.
        let mut data = std::fs::read(sample).unwrap();
        data[0x248..0x268].fill(0);
        data[0x3A0..0x3A8].fill(0);
        std::fs::write(&broken, data).unwrap();
        succeed(&["recover", broken.to_str().unwrap(), "-o", fixed.to_str().unwrap()]);
        extract(&fixed, &last, &[]);
        assert_eq!(verdict(&last), expected, "{} recovered", sample.display());
    });
}

#[test]
fn a_recovered_capture_opens_in_independent_readers() {
    let folder = tempfile::tempdir().unwrap();
    for sample in samples() {
        let name = sample.file_name().unwrap().to_str().unwrap();
        let whole = std::fs::read(&sample).unwrap();
        let mut killed = whole.clone();
        let array = u64::from_le_bytes(killed[0x248..0x250].try_into().unwrap());
        killed.truncate(array as usize);
        killed[0x248..0x268].fill(0);
        killed[0x3A0..0x3A8].fill(0);
        for (kind, bytes) in [("killed", killed), ("cut", whole[..whole.len() / 2].to_vec())] {
            let broken = folder.path().join("broken.bin");
            std::fs::write(&broken, bytes).unwrap();
            let fixed = folder.path().join(format!("{kind}-{name}"));
            let (out, err) = succeed(&["recover", broken.to_str().unwrap(), "-o", fixed.to_str().unwrap()]);
            assert!(out.starts_with("damage: header at offset 0x2"), "{out}");
            assert_eq!(err, "");
            // The result is sound, and any command reads it without a word of warning.
            let again = folder.path().join("again.bin");
            let (out, _) = succeed(&["recover", fixed.to_str().unwrap(), "-o", again.to_str().unwrap()]);
            assert!(out.contains("sound; nothing had to be rescued"), "{out}");
            assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&fixed).unwrap());
            assert_eq!(succeed(&[fixed.to_str().unwrap()]).1, "");
            // The broken one is read all the same, with a warning.
            let (_, warning) = succeed(&[broken.to_str().unwrap()]);
            assert!(warning.contains("events were rescued"), "{warning}");
        }
        std::fs::remove_file(folder.path().join("broken.bin")).unwrap();
        std::fs::remove_file(folder.path().join("again.bin")).unwrap();
        let small = folder.path().join(format!("small-{name}"));
        let path = sample.to_str().unwrap();
        succeed(&["extract", path, "-o", small.to_str().unwrap(), "--event", "0-4", "--redact"]);
    }
    let python = std::env::var_os("PMLBLAME_PYTHON").unwrap_or_else(|| "python3".into());
    let present = Command::new(&python).args(["-c", "import procmon_parser, procmon_reader"]).output();
    if !present.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 with procmon-parser and procmon-reader not found (PMLBLAME_PYTHON names another)");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/check-independent-readers.py");
    let output = Command::new(&python).arg(script).arg(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("captures agree"), "{text}");
}

#[test]
fn a_failed_run_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("x.PML");
    std::fs::write(&input, b"not a capture").unwrap();
    let output = folder.path().join("y.PML");
    let result = run(&["recover", input.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    assert_eq!(result.status.code(), Some(1));
    assert!(!output.exists());
    let sample = samples().remove(0);
    let path = sample.to_str().unwrap();
    for (arguments, code) in [
        (vec!["extract", path, "-o", output.to_str().unwrap()], 2),
        (vec!["extract", path, "-o", output.to_str().unwrap(), "--event", "999999999"], 2),
        (vec!["extract", path, "-o", output.to_str().unwrap(), "--filter", "Path is nowhere"], 1),
        (vec!["extract", path, "-o", path, "--case"], 2),
        (vec!["extract", path, "-o", output.to_str().unwrap(), "--case", "--key", "k"], 2),
    ] {
        assert_eq!(run(&arguments).status.code(), Some(code), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_key_file_keeps_pseudonyms_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let sample = samples().remove(0);
    let key = folder.path().join("key.json");
    let bytes: Vec<Vec<u8>> = (0..2)
        .map(|n| {
            let out = folder.path().join(format!("{n}.PML"));
            let arguments = ["extract", sample.to_str().unwrap(), "-o", out.to_str().unwrap(), "--event", "0-50"];
            succeed(&[&arguments[..], &["--redact", "--key", key.to_str().unwrap()]].concat());
            std::fs::read(out).unwrap()
        })
        .collect();
    assert!(bytes[0] == bytes[1]);
    let text = std::fs::read_to_string(&key).unwrap();
    assert!(text.contains("\"kind\": \"computer\""), "{text}");
}

#[test]
fn a_damaged_capture_is_rescued_from_gzip_too() {
    let folder = tempfile::tempdir().unwrap();
    let sample = samples().into_iter().find(|path| path.ends_with("founding-delete-pending.PML")).unwrap();
    let whole = std::fs::read(&sample).unwrap();
    let truth = verdict(&sample);
    let packed = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, bytes).unwrap();
        gzip.finish().unwrap()
    };
    // Procmon was killed: the header names no tables.
    let mut killed = whole.clone();
    killed[0x20A..0x250].fill(0);
    let mut broken_off = packed(&whole);
    broken_off.truncate(broken_off.len() - 9);
    for (name, bytes, rescued) in
        [("whole", packed(&whole), false), ("killed", packed(&killed), true), ("broken off", broken_off, false)]
    {
        let file = folder.path().join(format!("{name}.PML.gz"));
        std::fs::write(&file, bytes).unwrap();
        let (_, errors) = succeed(&[file.to_str().unwrap()]);
        assert_eq!(errors.contains("were rescued"), rescued, "{name}: {errors}");
        assert!(!rescued || errors.contains("killed.PML.gz: header at offset 0x240"), "{name}: {errors}");
        let found = verdict(&file);
        assert_eq!(found["failures"].as_array().unwrap().len(), truth["failures"].as_array().unwrap().len(), "{name}");
        if !rescued {
            assert_eq!(found, truth, "{name}");
        }
    }
    let empty = folder.path().join("cut.PML.gz");
    std::fs::write(&empty, &packed(&whole)[..600]).unwrap();
    let output = run(&[empty.to_str().unwrap()]);
    let errors = String::from_utf8(output.stderr).unwrap();
    println!("{:?} {errors}", output.status);
    assert!(errors.contains("cut.PML.gz"), "{errors}");
}

#[test]
fn names_that_are_lost_with_the_string_table_are_counted_and_never_others() {
    let folder = tempfile::tempdir().unwrap();
    for (sample, nameless) in [("founding-delete-pending", 9), ("inherited-handle", 8)] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(format!("{sample}.PML"));
        let mut bytes = std::fs::read(file).unwrap();
        // The beginning of the string table is gone, its first strings included.
        let table = u64::from_le_bytes(bytes[0x258..0x260].try_into().unwrap()) as usize;
        let icons = u64::from_le_bytes(bytes[0x260..0x268].try_into().unwrap()) as usize;
        bytes[table..icons].fill(0xEE);
        let path = folder.path().join("lost.PML");
        std::fs::write(&path, &bytes).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pmlblame"))
            .args(["--profile", "any", "--json", "-", "--no-hash", "--lang", "en"])
            .arg(&path)
            .output()
            .unwrap();
        let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = record["capture"]["quality"][0]["text"].as_str().unwrap();
        assert!(text.ends_with(&format!("{nameless} processes stay without a name.")), "{sample}: {text}");
        for failure in record["failures"].as_array().unwrap() {
            assert_eq!((&failure["process"], &failure["pid"]), (&"<unknown>".into(), &3560.into()), "{sample}");
        }
    }
}
