//! Systematic damage to captures: what comes back, and that nothing that differs goes unreported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harm;
mod places;

use harm::{Outcome, Truth, damages};
use pmlblame::capture::{Capture, EventIndex, OpenOptions};
use pmlblame::export::pml::{Options, Tables, extract};
use pmlblame::pml::recover::TableState;
use rayon::prelude::*;
use std::io::Cursor;
use std::path::Path;

/// What must never be: anything that differs from the original, or is missing, without a word in the report.
fn assert_nothing_is_hidden(damage: &str, truth: &Truth, outcome: &Outcome) {
    assert!(outcome.changed_strings.is_empty(), "{damage}: {:?}", outcome.changed_strings);
    assert!(outcome.changed_processes.is_empty(), "{damage}: {:?}", outcome.changed_processes);
    let report = outcome.report.as_ref();
    let walk = report.and_then(|report| report.walk.as_ref());
    let doubtful = walk.map_or(0, |walk| walk.doubtful);
    assert!(outcome.changed_events as u64 <= doubtful, "{damage}: {} > {doubtful}", outcome.changed_events);
    if outcome.events + outcome.changed_events < truth.count {
        assert!(walk.is_some_and(|walk| walk.skipped > 0), "{damage}: events are missing without a word: {walk:?}");
    }
    let state = |pick: fn(&pmlblame::pml::recover::RescueReport) -> TableState| report.map(pick);
    if outcome.strings < truth.strings() {
        assert!(state(|report| report.strings).is_some_and(|state| state != TableState::Intact), "{damage}: strings");
    }
    if outcome.processes < truth.processes() {
        let told = [state(|report| report.strings), state(|report| report.process_table)];
        assert!(told.iter().flatten().any(|state| *state != TableState::Intact), "{damage}: processes");
    }
}

/// Every kind of damage to one capture, checked, as lines of a table.
fn table(truth: &Truth, good: &[u8]) -> Vec<(String, [usize; 3])> {
    damages(good).par_iter().map(|(damage, data)| row(truth, damage, data)).collect()
}

/// One line of it.
fn row(truth: &Truth, damage: &str, data: &[u8]) -> (String, [usize; 3]) {
    let outcome = truth.compare(data);
    let shown = outcome.report.as_ref().map(|report| (report.strings, report.process_table, report.walk.clone()));
    println!(
        "{damage:40} {:6}/{} ({} doubtful) {:5}/{} {:3}/{} {shown:?}",
        outcome.events,
        truth.count,
        outcome.changed_events,
        outcome.strings,
        truth.strings(),
        outcome.processes,
        truth.processes()
    );
    if outcome.refused {
        assert_eq!(damage, "rubbish before");
    } else {
        assert_nothing_is_hidden(damage, truth, &outcome);
    }
    (damage.to_owned(), [outcome.events, outcome.strings, outcome.processes])
}

/// What came back of events, strings and processes after each damage from which not everything did: a line each of
/// capture, damage and the three numbers.
const FLOORS: &str = include_str!("harm/floors.tsv");

/// Compares with the numbers written down, exactly: less would be a loss, more is to be written down.
fn assert_floors(file: &Path) {
    let name = file.file_stem().unwrap().to_string_lossy();
    let good = std::fs::read(file).unwrap();
    let truth = Truth::of(&good);
    let whole = [truth.count, truth.strings(), truth.processes()];
    let mut found: Vec<String> = table(&truth, &good)
        .into_iter()
        .filter(|(_, found)| *found != whole)
        .map(|(damage, [events, strings, processes])| format!("{name}\t{damage}\t{events}\t{strings}\t{processes}"))
        .collect();
    let mut expected: Vec<&str> = FLOORS.lines().filter(|line| line.split('\t').next() == Some(&*name)).collect();
    found.sort();
    expected.sort();
    println!("{}", found.join("\n"));
    assert_eq!(found, expected);
}

#[test]
fn of_samples() {
    for sample in ["founding-delete-pending", "bits32"] {
        assert_floors(&places::samples().join(sample).with_extension("PML"));
    }
}

#[test]
fn of_real_captures() {
    let Some(corpus) = places::corpus() else { return };
    for name in ["LogFileUTC64Process", "noriben-2013-v7"] {
        assert_floors(&corpus.join(name).with_extension("PML"));
    }
}

/// Of the large captures the tables are kept whole and a thousand events: damage to tables is the same, and the whole takes
/// seconds instead of minutes.
#[test]
fn of_large_captures() {
    let Some(corpus) = places::corpus() else { return };
    for name in ["LogfileTests32bitUTC", "LogFileUTC64Filesystem", "LogfileTests64bitUTC"] {
        let capture = Capture::open(&corpus.join(name).with_extension("PML"), &OpenOptions::default()).unwrap();
        let options = Options { tables: Tables::All, ..Options::default() };
        // A page that is wiped inside the data of one event, a registry value of 64 KiB, cannot be seen.
        let is_small = |index: &EventIndex| {
            let event = capture.event(*index).unwrap().unwrap();
            event.extra().unwrap().map_or(0, <[u8]>::len) < 4096
        };
        let events = (0..capture.event_count()).map(EventIndex).filter(is_small).take(1_000);
        let good = extract(&capture, events, &options, Cursor::new(Vec::new())).unwrap().0.into_inner();
        println!("{name}");
        let truth = Truth::of(&good);
        assert_eq!(truth.count, 1_000);
        assert!(table(&truth, &good).len() > 75, "{name}");
    }
}
