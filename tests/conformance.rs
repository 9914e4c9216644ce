//! The CSV export against Procmon's own, byte for byte.

#![allow(clippy::unwrap_used, reason = "helpers of a test")]

mod places;

use places::corpus;
use pmlblame::capture::columns::Column;
use pmlblame::capture::{Capture, OpenOptions};
use pmlblame::export::{Context, Format, Request, Style};
use pmlblame::pml::ops::Generation;

/// The columns that the header line of an export names.
fn header_columns(csv: &[u8]) -> Vec<Column> {
    let line = csv.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap();
    let line = std::str::from_utf8(line).unwrap().trim_start_matches('\u{FEFF}');
    line.split("\",\"").map(|title| Column::from_title(title.trim_matches('"')).unwrap()).collect()
}

/// How many bytes differ, and the first line that does.
fn differences(ours: &[u8], theirs: &[u8]) -> (usize, Option<(usize, String, String)>) {
    let bytes = ours.iter().zip(theirs).filter(|(a, b)| a != b).count() + ours.len().abs_diff(theirs.len());
    let lines = |data: &'_ [u8]| data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (ours, theirs) = (lines(ours), lines(theirs));
    let different: Vec<usize> =
        (0..ours.len().max(theirs.len())).filter(|at| ours.get(*at) != theirs.get(*at)).collect();
    println!("{} lines differ", different.len());
    let text = |lines: &[Vec<u8>], at: usize| {
        lines.get(at).map(|line| String::from_utf8_lossy(line).into_owned()).unwrap_or_default()
    };
    (bytes, different.first().map(|at| (*at, text(&ours, *at), text(&theirs, *at))))
}

#[test]
fn every_byte_of_every_pair() {
    let Some(corpus) = corpus() else { return };
    let pairs = [
        ("LogfileTests64bitUTC", Generation::V3_5, 28_172_429),
        ("LogfileTests32bitUTC", Generation::V3_4, 16_643_391),
        ("LogFileUTC64Filesystem", Generation::V3_5, 16_953_938),
        ("LogFileUTC64Process", Generation::V3_5, 1_743_527),
    ];
    let mut failed = false;
    for (name, generation, size) in pairs {
        let theirs = std::fs::read(corpus.join(format!("{name}.CSV"))).unwrap();
        assert_eq!(theirs.len(), size);
        let capture = Capture::open(&corpus.join(format!("{name}.PML")), &OpenOptions::default()).unwrap();
        let mut ours = Vec::new();
        let style = Style { generation, ..Style::default() };
        let request = Request { format: Format::Csv, columns: header_columns(&theirs), ..Request::default() };
        let outcome = Context::new(&capture, style).write(&request, &mut ours, &|_| true).unwrap();
        assert_eq!(outcome.written, capture.event_count(), "{name}");
        assert_eq!((outcome.broken, outcome.unreadable), (0, 0), "{name}");
        let (bytes, first) = differences(&ours, &theirs);
        println!("{name}: {bytes} of {size} bytes differ");
        if let Some((line, ours, theirs)) = first {
            println!("line {line}\nours:   {ours}\ntheirs: {theirs}");
            failed = true;
        }
    }
    assert!(!failed, "an export differs from Procmon's own");
}

/// Version 7, of a release before all generations known here. Procmon's export has been through an editor that took the
/// carriage returns away.
#[test]
fn every_character_of_the_version_7_pair() {
    let Some(corpus) = corpus() else { return };
    let theirs = std::fs::read(corpus.join("noriben-2013-v7.CSV")).unwrap();
    let capture = Capture::open(&corpus.join("noriben-2013-v7.PML"), &OpenOptions::default()).unwrap();
    let mut ours = Vec::new();
    let style = Style { generation: Generation::V3_4, offset_seconds: -5 * 3_600, ..Style::default() };
    let request = Request { format: Format::Csv, columns: header_columns(&theirs), ..Request::default() };
    let outcome = Context::new(&capture, style).write(&request, &mut ours, &|_| true).unwrap();
    assert_eq!((outcome.written, outcome.broken, outcome.unreadable), (623, 0, 0));
    let without = |text: &[u8]| text.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<u8>>();
    let (bytes, first) = differences(&without(&ours), &without(&theirs));
    assert_eq!((bytes, first), (0, None));
}
