//! Systematic damage to captures: what comes back, and that nothing that differs goes unreported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harm;
mod places;

use harm::{Outcome, Truth, damages};
use pmlblame::pml::recover::TableState;
use rayon::prelude::*;
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
fn table(file: &Path) -> Vec<(String, [usize; 3])> {
    let good = std::fs::read(file).unwrap();
    let truth = Truth::of(&good);
    let all = damages(&good);
    let outcome = |(damage, data): &(String, Vec<u8>)| {
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
            assert_nothing_is_hidden(damage, &truth, &outcome);
        }
        (damage.clone(), [outcome.events, outcome.strings, outcome.processes])
    };
    all.par_iter().map(outcome).collect()
}

/// Least that must come back of events, strings and processes after each damage; all of them where a damage is not named.
fn assert_floors(file: &Path, whole: [usize; 3], floors: &[(&str, [usize; 3])]) {
    let rows = table(file);
    for (damage, found) in &rows {
        let floor = floors.iter().find(|(name, _)| name == damage).map_or(whole, |(_, floor)| *floor);
        assert_eq!(*found, floor, "{}: {damage}", file.display());
    }
    for (name, _) in floors {
        assert!(rows.iter().any(|(damage, _)| damage == name), "{name}");
    }
}

#[test]
fn of_a_sample() {
    table(&places::samples().join("founding-delete-pending.PML"));
}

#[test]
fn of_a_32_bit_sample() {
    table(&places::samples().join("bits32.PML"));
}

#[test]
fn of_real_captures() {
    let Some(corpus) = places::corpus() else { return };
    for name in std::env::var("DAMAGE").as_deref().unwrap_or("LogFileUTC64Process,noriben-2013-v7").split(',') {
        println!("{name}");
        table(&corpus.join(name).with_extension("PML"));
    }
}
