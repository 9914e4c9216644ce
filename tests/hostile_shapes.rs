//! Captures made to harm by someone who knows the format, one idea each: every command ends with a result or a clear error,
//! and what is written from them is sound.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod layout;
mod places;

use rayon::prelude::*;
use std::process::{Command, Output};

type Change = fn(&mut Vec<u8>, &Places);

/// Where things lie in the sample.
struct Places {
    /// Array, processes, strings, icons, hosts.
    tables: [usize; 5],
    events: Vec<usize>,
    processes: Vec<usize>,
}

fn u32_in(data: &[u8], at: usize) -> usize {
    u32::from_le_bytes(data[at..at + 4].try_into().unwrap()) as usize
}

fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    data[at..at + bytes.len()].copy_from_slice(bytes);
}

fn each_event(data: &mut [u8], places: &Places, field: usize, value: impl Fn(usize) -> Vec<u8>) {
    places.events.iter().enumerate().for_each(|(n, at)| put(data, at + field, &value(n)));
}

/// Each idea, and how to carry it out on the sample.
const CASES: [(&str, Change); 24] = [
    ("every count at its most", |data, places| {
        put(data, 0x234, &[0xFF; 4]);
        places.tables[1..].iter().for_each(|table| put(data, *table, &[0xFF; 4]));
    }),
    ("array that leads into itself", |data, places| {
        let array = places.tables[0];
        (0..places.events.len()).for_each(|n| put(data, array + 5 * n, &((array + 5 * n) as u32).to_le_bytes()));
    }),
    ("array in the header", |data, _| put(data, 0x248, &0x234_u64.to_le_bytes())),
    ("array of one event", |data, places| {
        (0..places.events.len()).for_each(|n| put(data, places.tables[0] + 5 * n, &0x3A8_u32.to_le_bytes()));
    }),
    ("parents in a circle", |data, places| {
        for (n, at) in places.processes.iter().enumerate() {
            let parent = places.processes[(n + 1) % places.processes.len()];
            let [index, pid] = [parent, parent + 4].map(|at| u32_in(data, at) as u32);
            put(data, at + 0x0C, &index.to_le_bytes());
            put(data, at + 0x08, &pid.to_le_bytes());
        }
    }),
    ("strings that begin at the array of their places", |data, places| {
        let strings = places.tables[2];
        (0..u32_in(data, strings)).for_each(|n| put(data, strings + 4 + 4 * n, &4_u32.to_le_bytes()));
    }),
    ("strings of four gigabytes", |data, places| {
        let strings = places.tables[2];
        for n in 0..u32_in(data, strings) {
            let at = strings + u32_in(data, strings + 4 + 4 * n);
            put(data, at, &[0xFE, 0xFF, 0xFF, 0xFF]);
        }
    }),
    ("modules without end", |data, places| places.processes.iter().for_each(|at| put(data, at + 0x68, &[0xFF; 4]))),
    ("details of no byte", |data, places| each_event(data, places, 0x2C, |_| vec![0; 4])),
    ("details of four gigabytes", |data, places| each_event(data, places, 0x2C, |_| vec![0xFF; 4])),
    ("stacks without end", |data, places| each_event(data, places, 0x28, |_| vec![0xFF; 2])),
    ("times before all time", |data, places| each_event(data, places, 0x1C, |_| vec![0; 8])),
    ("times below zero", |data, places| each_event(data, places, 0x1C, |n| (-1 - n as i64).to_le_bytes().to_vec())),
    ("durations without end", |data, places| each_event(data, places, 0x14, |_| vec![0xFF; 8])),
    ("extra details inside the event", |data, places| each_event(data, places, 0x30, |_| vec![0x34, 0, 0, 0])),
    ("extra details behind the file", |data, places| each_event(data, places, 0x30, |_| vec![0xFF; 4])),
    ("processes that are not there", |data, places| {
        each_event(data, places, 0, |n| (!n as u32).to_le_bytes().to_vec())
    }),
    ("all tables at one place", |data, places| {
        let array = (places.tables[0] as u64).to_le_bytes();
        [0x248, 0x250, 0x258, 0x260, 0x3A0].iter().for_each(|at| put(data, *at, &array));
    }),
    ("all tables at the end of all files", |data, _| {
        [0x248, 0x250, 0x258, 0x260, 0x3A0].iter().for_each(|at| put(data, *at, &[0xFF; 8]));
    }),
    ("a header of no size", |data, _| put(data, 0x398, &[0; 8])),
    ("a first event elsewhere", |data, _| put(data, 0x240, &0x3B0_u64.to_le_bytes())),
    ("the header alone", |data, _| data.truncate(0x3A8)),
    ("half a header", |data, _| data.truncate(0x1D4)),
    ("a version to come", |data, _| data[4] = 10),
];

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).args(["--lang", "en", "--quiet"]).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_command_ends_and_what_it_writes_is_sound() {
    let good = std::fs::read(places::samples().join("founding-delete-pending.PML")).unwrap();
    let tables = [0x248, 0x250, 0x258, 0x260, 0x3A0].map(|at| u32_in(&good, at));
    let [array, processes, ..] = tables;
    let count = u32_in(&good, processes);
    let places = Places {
        tables,
        events: (0..u32_in(&good, 0x234)).map(|n| u32_in(&good, array + 5 * n)).collect(),
        processes: (0..count).map(|n| processes + u32_in(&good, processes + 4 + 4 * (count + n))).collect(),
    };
    let folder = tempfile::tempdir().unwrap();
    CASES.par_iter().for_each(|(name, change)| {
        let mut data = good.clone();
        change(&mut data, &places);
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        let (file, out) = (place.join("hostile.PML"), place.join("out.PML"));
        std::fs::write(&file, &data).unwrap();
        let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
        for arguments in [
            &["blame", file, "--json", "-"][..],
            &["why", file, "-e", "5"],
            &["events", file, "--format", "xml", "--columns", "all", "--stacks"],
            &["audit", file],
            &["extract", file, "-o", out, "--event", "0-100", "--redact"],
            &["recover", file, "-o", out],
        ] {
            let output = run(arguments);
            let errors = text(&output.stderr);
            let (command, code) = (arguments[0], output.status.code());
            assert!(matches!(code, Some(0..=2)), "{name}: {command}: {code:?}: {errors}");
            assert!(!errors.contains("panicked"), "{name}: {command}: {errors}");
            // An error names file and place, and says what to do.
            if command == "recover" && code != Some(0) {
                assert!(errors.contains("hostile.PML: header at offset 0x"), "{name}: {errors}");
                assert!(errors.contains("Copy the file again") || errors.contains("save it again"), "{name}: {errors}");
            }
            if code == Some(0) && matches!(command, "extract" | "recover") {
                let written = std::fs::read(out).unwrap();
                let found: Vec<String> = layout::deviations(&written);
                assert!(found.is_empty(), "{name}: {command}: {found:#?}");
                let again = run(&["recover", out, "-o", &format!("{out}2")]);
                let lines = text(&again.stdout);
                assert!(lines.contains("nothing had to be rescued"), "{name}: {command}: {lines}");
            }
        }
    });
}
