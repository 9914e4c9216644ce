//! Captures we write have everything that all captures Procmon wrote have in common.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harm;
mod layout;
mod places;

use layout::deviations;
use places::captures_in;
use pmlblame::capture::map::Bytes;
use pmlblame::capture::{Capture, EventIndex, Segment};
use pmlblame::export::pml::{Options, Tables, extract, learn};
use pmlblame::redact::Redactor;
use rayon::prelude::*;
use std::io::Cursor;
use std::path::PathBuf;

fn corpus() -> Vec<PathBuf> {
    places::corpus().map(|folder| captures_in(&folder)).unwrap_or_default()
}

fn samples() -> Vec<PathBuf> {
    captures_in(&places::samples())
}

fn assert_like_procmon(bytes: &[u8], what: &str) {
    let found = deviations(bytes);
    assert!(found.is_empty(), "{what}: {} deviations: {:#?}", found.len(), &found[..found.len().min(20)]);
}

fn open(bytes: Vec<u8>) -> Option<Capture> {
    let (segment, _) = Segment::verify_or_rescue(PathBuf::from("test.PML"), Bytes::Owned(bytes)).ok()?;
    Some(Capture::from_segments(vec![segment]))
}

fn write(capture: &Capture, events: impl Iterator<Item = u64>, options: &Options<'_>) -> Vec<u8> {
    extract(capture, events.map(EventIndex), options, Cursor::new(Vec::new())).unwrap().0.into_inner()
}

fn whole(capture: &Capture) -> Vec<u8> {
    write(capture, 0..capture.event_count(), &Options { tables: Tables::All, ..Options::default() })
}

#[test]
fn procmons_own_captures() {
    for path in corpus() {
        assert_like_procmon(&std::fs::read(&path).unwrap(), &path.display().to_string());
    }
}

#[test]
fn the_samples() {
    for path in samples() {
        assert_like_procmon(&std::fs::read(&path).unwrap(), &path.display().to_string());
    }
}

#[test]
fn what_is_written_from_them_whole_in_part_and_redacted() {
    let all: Vec<PathBuf> = corpus().into_iter().chain(samples()).collect();
    all.par_iter().for_each(|path| {
        let capture = open(std::fs::read(path).unwrap()).unwrap();
        let count = capture.event_count();
        // Of a large capture some events will do.
        let step = if count > 5_000 { 100 } else { 3 };
        let mut redactor = Redactor::new().unwrap();
        learn(&capture, (0..count).step_by(step).map(EventIndex), &mut redactor);
        let redaction = redactor.seal();
        let redacted = Options { redaction: Some(&redaction), ..Options::default() };
        let marked = Options { mark: Some("a mark"), ..Options::default() };
        let name = path.display();
        assert_like_procmon(&whole(&capture), &format!("{name} written again"));
        for (first, step, options) in [(0, step, &redacted), (1, step, &marked), (count - 1, 1, &marked)] {
            let small = write(&capture, (first..count).step_by(step), options);
            assert_like_procmon(&small, &format!("every {step}th event of {name} from {first}"));
        }
        assert_like_procmon(&write(&capture, 0..0, &marked), &format!("no event of {name}"));
    });
}

#[test]
fn what_is_recovered_after_any_damage() {
    let mut files: Vec<PathBuf> =
        ["founding-delete-pending", "bits32"].map(|name| places::samples().join(name).with_extension("PML")).into();
    files.extend(corpus().into_iter().filter(|path| path.metadata().unwrap().len() < 4 << 20));
    for path in files {
        let damages = harm::damages(&std::fs::read(&path).unwrap());
        let written: usize = damages
            .par_iter()
            .filter_map(|(damage, data)| Some((damage, whole(&open(data.clone())?))))
            .map(|(damage, fixed)| assert_like_procmon(&fixed, &format!("{}: {damage}", path.display())))
            .count();
        assert!(written + 2 >= damages.len(), "{}: {written} of {}", path.display(), damages.len());
    }
}
