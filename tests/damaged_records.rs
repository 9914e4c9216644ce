//! A record that cannot be read stands for an event nobody knows: what it lies in is no proof, and the record says so.

#![allow(clippy::unwrap_used)]

mod verdicts;

use std::fs;
use verdicts::{Built, failures, quality};

/// `A.exe` closes before the refusal (event 3); `B.exe` has nothing to do with the file.
const CLOSED: &str = r"+1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+1.5 B.exe CreateFile C:\w\d\g.dll access=READ_DATA share=RWD
+1.8 A.exe CloseFile C:\w\d\f.dll
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+4 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+5 B.exe CloseFile C:\w\d\g.dll";

/// What is damaged of a record.
#[derive(Clone, Copy, Debug)]
enum Part {
    Process,
    Class,
    ClassGone,
    Operation,
    DetailSize,
    Path,
}

/// Damages a record of a capture file.
fn damage(built: &Built, number: usize, part: Part) {
    let mut bytes = fs::read(built.path()).unwrap();
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let event = word(&bytes, word(&bytes, 0x248) + 5 * number);
    let (at, with): (usize, &[u8]) = match part {
        Part::Process => (0, &[0xFF, 0xFF, 0xFF, 0]),
        Part::Class => (8, &[77]),
        Part::ClassGone => (8, &[0]),
        Part::Operation => (0xC, &9999u16.to_le_bytes()),
        Part::DetailSize => (0x2C, &[0xFF, 0xFF, 0xFF, 0x7F]),
        Part::Path => {
            let stack = usize::from(u16::from_le_bytes(bytes[event + 0x28..event + 0x2A].try_into().unwrap()));
            (0x34 + 8 * stack + 0x44 + 5, &[0xFF, 0xFF])
        }
    };
    bytes[event + at..event + at + with.len()].copy_from_slice(with);
    fs::write(built.path(), bytes).unwrap();
}

const ALL: [Part; 6] = [Part::Process, Part::Class, Part::ClassGone, Part::Operation, Part::DetailSize, Part::Path];

#[test]
fn a_damaged_record_between_open_and_refusal_may_be_the_close() {
    let cleared = "share_conflict: not_visible | A.exe closed_before AT-4";
    let whole = Built::new(CLOSED).record();
    assert_eq!(failures(&whole), [format!("3 {cleared}"), format!("4 {cleared}")]);
    assert!(!quality(&whole).contains(&"damaged_records".to_owned()));
    for part in ALL {
        let built = Built::new(CLOSED);
        damage(&built, 2, part);
        let record = built.record();
        let said = "share_conflict: A.exe possible SA-3";
        assert_eq!(failures(&record), [format!("3 {said}"), format!("4 {said}")], "{part:?}");
        assert!(quality(&record).contains(&"damaged_records".to_owned()), "{part:?}");
        // An extract has no such record, and knows that there was one.
        let extract = failures(&built.record_of_extract());
        assert!(extract.len() == 2 && extract.iter().all(|line| line.ends_with(said)), "{part:?} {extract:?}");
    }
}

#[test]
fn nobody_is_cleared_by_a_close_before_a_damaged_record() {
    // It may have been another open by the same process.
    let lines = CLOSED.replace("+1.5 B.exe", "+1.9 B.exe");
    // (Of an open the path is not looked at for damage.)
    for part in ALL.into_iter().filter(|part| !matches!(part, Part::Path)) {
        let built = Built::new(&lines);
        damage(&built, 2, part);
        for record in [built.record(), built.record_of_extract()] {
            let said = failures(&record);
            assert!(said.len() == 2 && said.iter().all(|line| line.ends_with(": not_visible")), "{part:?} {said:?}");
        }
    }
}

#[test]
fn a_damaged_record_elsewhere_takes_nothing_from_a_hold() {
    let lines = r"+0.5 B.exe CreateFile C:\w\d\g.dll access=READ_DATA share=RWD
+1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\f.dll
+4 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+4.5 V.exe CloseFile C:\w\d\f.dll
+5 B.exe CloseFile C:\w\d\g.dll";
    for number in [0, 6] {
        let built = Built::new(lines);
        damage(&built, number, Part::Class);
        let record = built.record();
        assert_eq!(failures(&record), ["2 share_conflict: A.exe proven SA-3 confirmed"], "{number}");
        let extract = failures(&built.record_of_extract());
        assert_eq!(extract, ["1 share_conflict: A.exe proven SA-3 confirmed"], "{number}");
    }
}
