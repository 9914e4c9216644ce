//! The clock set back within a capture: the order of the events tells what came first, and the record says so.

#![allow(clippy::unwrap_used)]

mod verdicts;

use std::fs;
use verdicts::{Built, failures, quality};

const SECOND: i64 = 10_000_000;

/// Adds `ticks` to the time, and `numbers` to the number, of each event of a capture file, as told by its place.
fn patch(built: &Built, change: &dyn Fn(usize, u32) -> (i64, u32)) {
    let mut bytes = fs::read(built.path()).unwrap();
    let long = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let table = long(&bytes, 0x248) as usize;
    for number in 0..word(&bytes, 0x234) as usize {
        let event = word(&bytes, table + 5 * number) as usize;
        let (ticks, sequence) = change(number, word(&bytes, event + 0x10));
        let time = long(&bytes, event + 0x1c).wrapping_add_signed(ticks);
        bytes[event + 0x1c..event + 0x24].copy_from_slice(&time.to_le_bytes());
        bytes[event + 0x10..event + 0x14].copy_from_slice(&sequence.to_le_bytes());
    }
    fs::write(built.path(), bytes).unwrap();
}

/// `A.exe` closes before the refusal (event 2), `B.exe` opens after it.
const AFTER: &str = r"+1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+1.8 A.exe CloseFile C:\w\d\f.dll
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+2.0003 B.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+4 B.exe CloseFile C:\w\d\f.dll
+4.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+4.2 V.exe CloseFile C:\w\d\f.dll";

#[test]
fn who_opens_behind_a_step_back_is_no_holder_of_before() {
    let built = Built::new(AFTER);
    let whole = failures(&built.record());
    assert_eq!(whole, ["2 share_conflict: not_visible | A.exe closed_before AT-4, B.exe opened_after AT-4"]);
    for back in [SECOND, SECOND / 2000, 3600 * SECOND] {
        let built = Built::new(AFTER);
        patch(&built, &|event, number| (if event > 2 { -back } else { 0 }, number));
        let record = built.record();
        assert_eq!(failures(&record), whole, "{back}");
        assert!(quality(&record).contains(&"clock_set_back".to_owned()));
        // Its own time is shown, not one put right.
        assert_eq!(record["failures"][0]["time"], "2022-10-08T05:50:50.0000000Z");
    }
}

#[test]
fn who_opened_before_a_step_back_held_the_file_behind_it() {
    let held = r"+1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+1.9 B.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RWD
+1.99 B.exe CloseFile C:\w\d\f.dll
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\f.dll
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+3.2 V.exe CloseFile C:\w\d\f.dll";
    let built = Built::new(held);
    patch(&built, &|event, number| (if event > 2 { -3600 * SECOND } else { 0 }, number));
    let record = built.record();
    let expected = ["3 share_conflict: A.exe proven SA-3 confirmed | B.exe compatible_sharing SA-3"];
    let said = failures(&record);
    assert_eq!(said[0].split(" |").next(), expected[0].split(" |").next(), "{said:?}");
    let hold = &record["failures"][0]["holders"][0]["hold"];
    assert_eq!(hold["start"]["time"], "2022-10-08T05:50:49.0000000Z");
    assert_eq!(hold["end"]["time"], "2022-10-08T04:50:51.0000000Z");
    assert_eq!(record["failures"][0]["time"], "2022-10-08T04:50:50.0000000Z");
}

#[test]
fn numbers_against_the_order_of_the_events_prove_nothing() {
    let held = AFTER.replace("+1.8 A.exe CloseFile", "+3 A.exe CloseFile");
    let proven = "1 share_conflict: A.exe proven SA-3 | B.exe opened_after AT-4";
    let built = Built::new(&held);
    assert_eq!(failures(&built.record()), [proven]);
    for numbers in [&(|event: usize| 100 - event as u32) as &dyn Fn(usize) -> u32, &|_| 7] {
        let built = Built::new(&held);
        patch(&built, &|event, _| (0, numbers(event)));
        let record = built.record();
        assert_eq!(failures(&record), [proven.replace("proven", "likely")]);
        let said = quality(&record);
        assert!(said.contains(&"numbers_unordered".to_owned()) && !said.contains(&"clock_set_back".to_owned()));
    }
}

/// VI-7: where the clock was set back the time of a lost stretch does not tell where it lies.
#[test]
fn a_lost_stretch_is_not_forgotten_behind_a_step_back() {
    let held = r"+1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+1.5 gap 500
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+4 A.exe CloseFile C:\w\d\f.dll
+4.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+4.2 V.exe CloseFile C:\w\d\f.dll";
    let left = held.replace("+4 A.exe", "+1.1 A.exe");
    for (lines, said) in [(held, "1 share_conflict: A.exe likely SA-3"), (&left, "2 share_conflict: not_visible")] {
        let built = Built::new(lines);
        // (Without a step the release lies behind the stretch.)
        let whole = failures(&built.record()).remove(0);
        assert_eq!(whole.strip_suffix(" confirmed").unwrap_or(&whole), said);
        for step in 1..4 {
            let built = Built::new(lines);
            patch(&built, &|event, number| (if event >= step { -10 * SECOND } else { 0 }, number));
            let record = built.record();
            assert_eq!(failures(&record), [said], "{step}");
            assert!(quality(&record).contains(&"clock_set_back".to_owned()), "{step}");
        }
    }
}

/// VI-4: by its start, which the old clock tells, a process is not younger than a capture of which all that matters has the new.
#[test]
fn a_process_older_than_the_capture_stays_so_behind_a_step_back() {
    let used = r"+0.5 A.exe CreateFile C:\other access=READ_DATA share=RWD
+0.6 A.exe CloseFile C:\other
+1 A.exe ReadFile C:\w\d\f.dll offset=0 length=16
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+4 A.exe CloseFile C:\w\d\f.dll
+4.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+4.2 V.exe CloseFile C:\w\d\f.dll";
    let built = Built::new(used);
    let whole = failures(&built.record());
    assert_eq!(whole, ["3 share_conflict: A.exe likely SA-3 confirmed"]);
    patch(&built, &|event, number| (if event >= 1 { -3600 * SECOND } else { 0 }, number));
    assert_eq!(failures(&built.record()), whole);
}
