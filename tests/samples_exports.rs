//! The samples that lie here as exports too: each is what `events` writes of the capture, and gives the capture's verdict.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// No sample may grow beyond this.
const MAX_SAMPLE: usize = 1 << 20;

/// File, capture, how it was exported, how its times are read, and the refusals that are less certain without durations.
type Row =
    (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static [(u64, &'static str)]);

const EXPORTS: [Row; 5] = [
    (
        "founding-delete-pending.CSV",
        "founding-delete-pending",
        &["--format", "csv", "--tz", "+08:00"],
        &["--export-tz", "+08:00", "--export-date", "2022-10-08"],
        &[(150, "ntrtscan.exe"), (153, "ntrtscan.exe"), (154, "ntrtscan.exe")],
    ),
    (
        "founding-delete-pending.XML",
        "founding-delete-pending",
        &["--format", "xml", "--tz", "+08:00", "--locale", "zh-CN", "--stacks"],
        &["--export-tz", "+08:00", "--export-date", "2022-10-08"],
        &[(150, "ntrtscan.exe"), (153, "ntrtscan.exe"), (154, "ntrtscan.exe")],
    ),
    (
        "two-holders.CSV",
        "two-holders",
        &["--format", "csv", "--tz", "+08:00", "--locale", "zh-CN", "--columns", "all"],
        &["--export-tz", "+08:00"],
        &[],
    ),
    (
        "two-holders.XML.gz",
        "two-holders",
        &["--format", "xml", "--tz", "+08:00"],
        &["--export-tz", "+08:00", "--export-date", "2022-10-08"],
        &[(121, "ntrtscan.exe"), (141, "Veeam.EndPoint.Service.exe")],
    ),
    (
        "image-mapped-cannot-delete.CSV",
        "image-mapped-cannot-delete",
        &["--format", "csv", "--tz", "UTC", "--locale", "es-ES", "--columns", "all"],
        &["--export-tz", "UTC"],
        &[],
    ),
];

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

fn run(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(sample(""))
        .args(arguments)
        .args(["--lang", "en"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{arguments:?}: {complaint}");
    output.stdout
}

#[test]
fn each_is_what_events_writes_of_its_capture() {
    let bless = std::env::var_os("PMLBLAME_BLESS").is_some();
    for (file, capture, arguments, ..) in EXPORTS {
        let made = run(&[&["events", &format!("{capture}.PML")], arguments].concat());
        let stored = std::fs::read(sample(file)).unwrap_or_default();
        assert!(stored.len() < MAX_SAMPLE, "{file} has {} bytes", stored.len());
        let held = if file.ends_with(".gz") {
            let mut held = Vec::new();
            flate2::read::GzDecoder::new(stored.as_slice()).read_to_end(&mut held).unwrap();
            held
        } else {
            stored
        };
        if held != made && bless {
            let mut out: Box<dyn std::io::Write> = Box::new(std::fs::File::create(sample(file)).unwrap());
            if file.ends_with(".gz") {
                out = Box::new(flate2::write::GzEncoder::new(out, flate2::Compression::best()));
            }
            out.write_all(&made).unwrap();
            continue;
        }
        assert!(held == made, "{file} is stale: run this test with PMLBLAME_BLESS=1 to write it anew");
    }
}

/// What a record finds, without what these exports do not carry: threads, durations and the ends that follow from them.
fn found(record: &Value) -> Value {
    let pick = |value: &Value, keys: &[&str]| -> Value {
        keys.iter().map(|key| (key.to_string(), value.pointer(key).cloned().unwrap_or_default())).collect()
    };
    let list = |value: &Value, keys: &[&str]| -> Value {
        value.as_array().unwrap().iter().map(|item| pick(item, keys)).collect()
    };
    let failures = record["failures"].as_array().unwrap().iter().map(|failure| {
        let keys = [
            "/event",
            "/time",
            "/pid",
            "/process",
            "/operation",
            "/path",
            "/status",
            "/cause",
            "/attribution",
            "/requested",
            "/marked_by",
            "/released_by",
            "/succeeded",
        ];
        let holder = [
            "/pid",
            "/process",
            "/confidence",
            "/mechanism",
            "/rule",
            "/conflict",
            "/hold/start/event",
            "/hold/end",
            "/confirmed_by",
            "/holder",
        ];
        let ruled_out = ["/pid", "/process", "/reason"];
        let mut holders = list(&failure["holders"], &holder);
        for holder in holders.as_array_mut().unwrap() {
            // The time of an end needs a duration; its event does not.
            holder["/hold/end"] = holder["/hold/end"]["event"].clone();
        }
        json!([pick(failure, &keys), holders, list(&failure["ruled_out"], &ruled_out)])
    });
    json!([
        pick(&record["verdict"], &["/code", "/confidence", "/holders"]),
        list(&record["holders"], &["/id", "/process/pid", "/process/name", "/confidence", "/failures", "/files"]),
        failures.collect::<Vec<_>>(),
        record["capture"]["consistency"],
    ])
}

#[test]
fn each_gives_the_verdict_of_its_capture() {
    for (file, capture, _, times, less) in EXPORTS {
        let mut truth: Value =
            serde_json::from_slice(&std::fs::read(sample(&format!("{capture}.case.json"))).unwrap()).unwrap();
        let record = run(&[&["blame", file, "--json", "-", "--reproducible"], times].concat());
        let record: Value = serde_json::from_slice(&record).unwrap();
        assert!(!truth["failures"].as_array().unwrap().is_empty());
        for failure in truth["failures"].as_array_mut().unwrap() {
            let event = failure["event"].as_u64().unwrap();
            for holder in failure["holders"].as_array_mut().unwrap() {
                if less.iter().any(|(at, name)| *at == event && holder["process"] == *name) {
                    holder["confidence"] = "likely".into();
                }
            }
        }
        assert_eq!(found(&record), found(&truth), "{file}");
    }
}
