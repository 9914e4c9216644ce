//! Large captures: offsets beyond 32 bits, and the same bytes whatever the number of threads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "../benches/support/mod.rs"]
mod support;

use pmlblame::capture::{Capture, EventIndex, OpenOptions};
use pmlblame::pml::{Container, Event, Pml};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Plan, Seed, corpus, sample};

const GIB: u64 = 1 << 30;

/// Whether holes in a file of this folder take no room.
#[cfg(unix)]
fn has_sparse_files(folder: &Path) -> bool {
    use std::io::{Seek, SeekFrom, Write};
    use std::os::unix::fs::MetadataExt;
    let path = folder.join("hole");
    let mut file = fs::File::create(&path).unwrap();
    file.seek(SeekFrom::Start(64 << 20)).unwrap();
    file.write_all(b"x").unwrap();
    file.sync_all().unwrap();
    let stored = file.metadata().unwrap().blocks() * 512;
    fs::remove_file(path).unwrap();
    stored < 1 << 20
}

#[cfg(not(unix))]
fn has_sparse_files(_: &Path) -> bool {
    false
}

fn pmlblame(arguments: &[&str], capture: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .args(arguments)
        .arg(capture)
        .args(["--tz", "UTC", "--lang", "en"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn record(capture: &Path) -> Value {
    serde_json::from_slice(&pmlblame(&["--json", "-", "--no-hash", "--reproducible"], capture)).unwrap()
}

/// The events of the failures, their number within the sample.
fn failures(record: &Value, first: u64) -> Vec<(u64, String, String)> {
    let text = |failure: &Value, key: &str| failure[key].as_str().unwrap_or_default().to_owned();
    let failures = record["failures"].as_array().unwrap();
    failures
        .iter()
        .map(|failure| {
            (failure["event"].as_u64().unwrap() - first, text(failure, "path"), text(failure, "attribution"))
        })
        .collect()
}

/// Everything a record holds but its time and its sequence number.
fn content(event: Event<'_>) -> impl PartialEq + std::fmt::Debug {
    (
        (event.process_index(), event.thread_id(), event.class().0, event.operation()),
        (event.status(), event.duration()),
        event.stack().unwrap().iter().collect::<Vec<_>>(),
        event.detail().unwrap().to_vec(),
        event.extra().unwrap().map(<[u8]>::to_vec),
    )
}

#[test]
fn events_beyond_4_and_8_gib_are_the_right_ones() {
    let folder = tempfile::tempdir().unwrap();
    if cfg!(target_pointer_width = "32") || !has_sparse_files(folder.path()) {
        eprintln!("skipped: no room to map 10 GiB, or no sparse files in {}", folder.path().display());
        return;
    }
    let path = folder.path().join("large.PML");
    let (quiet, guilty) = (sample("no-failure"), sample("founding-delete-pending"));
    let then = Seed::open(&guilty).unwrap();
    // Eleven holes of a GiB less a bit, so that offsets differ in every byte.
    let plan =
        Plan { events: Some(1_200), hole_every: 100, hole_bytes: GIB - 12_345, then: Some(&then), ..Plan::default() };
    let events = Seed::open(&quiet).unwrap().grow_file(&path, &plan).unwrap();
    assert_eq!(events, 1_200 + then.len() as u64);
    assert!(fs::metadata(&path).unwrap().len() > 10 * GIB);

    let small = fs::read(&quiet).unwrap();
    let container = Container::parse(&small).unwrap();
    let seed = Pml::new(&small, &container);
    let capture = Capture::open(&path, &OpenOptions { segments: false, ..OpenOptions::default() }).unwrap();
    assert_eq!(capture.event_count(), events);
    let mut beyond = [0; 2];
    let mut last = (0, 0);
    for number in 0..1_200 {
        let event = capture.event(EventIndex(number)).unwrap().unwrap();
        let origin = seed.event((number % u64::from(seed.event_count())) as u32).unwrap();
        assert_eq!(format!("{:?}", content(event)), format!("{:?}", content(origin)), "event {number}");
        assert!(event.time().0 >= last.0 && event.offset() > last.1, "event {number} is out of order");
        last = (event.time().0, event.offset());
        for (count, limit) in beyond.iter_mut().zip([4 * GIB, 8 * GIB]) {
            *count += u64::from(event.offset() > limit);
        }
    }
    assert_eq!(beyond, [800, 400], "events beyond 4 and 8 GiB");

    // What happened beyond 10 GiB is found and explained as in the small capture.
    let (large, small) = (record(&path), record(&guilty));
    assert_eq!(failures(&large, 1_200), failures(&small, 0));
    assert_eq!(large["verdict"]["code"], small["verdict"]["code"]);
    assert_eq!(large["capture"]["events"]["total"], events);
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let grown = folder.path().join("grown.PML");
    // Three pieces of work, with failures in each.
    let seed = Seed::open(&sample("founding-delete-pending")).unwrap();
    seed.grow_file(&grown, &Plan { events: Some(40_000), ..Plan::default() }).unwrap();
    let all = [
        &["--json", "-", "--reproducible", "--profile", "any"][..],
        &["--profile", "any", "--width", "200"],
        &["events", "--format", "csv", "--columns", "all"],
        &["events", "--format", "jsonl"],
        &["events", "--format", "xml"],
    ];
    for arguments in all {
        same_with_threads(arguments, &grown);
    }
    match corpus() {
        Some(corpus) => {
            for arguments in &all[..2] {
                same_with_threads(arguments, &corpus.join("LogfileTests64bitUTC.PML"));
            }
        }
        None => eprintln!("skipped: real captures not found"),
    }
}

fn same_with_threads(arguments: &[&str], capture: &Path) {
    let with = |threads| pmlblame(&[arguments, &["--threads", threads]].concat(), capture);
    let one = with("1");
    assert!(one.len() > 200, "{arguments:?} says something");
    assert!(with("3") == one, "{}: {arguments:?} with three threads", capture.display());
}
