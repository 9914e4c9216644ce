//! Captures that Procmon split into several files: whole, with a file missing, with files that overlap.

#![allow(clippy::unwrap_used)]

mod verdicts;

use verdicts::{Built, failures, quality};

const OPEN: &str = r"+1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW";
const REFUSED: &str = r"+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION";
const RELEASE: &str = r"+3 A.exe CloseFile C:\w\d\f.dll
+4 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+5 V.exe CloseFile C:\w\d\f.dll";
/// Two events in a file that is not there.
const fn lost() -> &'static str {
    r"+=1us file lost
+=1us B.exe CreateFile C:\w\d\g.dll access=READ_DATA share=RW
+=1us B.exe CloseFile C:\w\d\g.dll
+=1us file"
}

/// The lines about the files themselves: gaps are a matter of these here.
fn of_files(record: &serde_json::Value) -> Vec<String> {
    let told = ["missing_segment", "overlapping_segments", "segment_left_out", "sequence_gaps"];
    quality(record).into_iter().filter(|code| told.contains(&code.as_str())).collect()
}

#[test]
fn a_hold_goes_on_in_the_next_file() {
    let built = Built::new(&format!("{OPEN}\n+1.5 file\n{REFUSED}\n+2.5 file\n{RELEASE}"));
    let record = built.record();
    assert_eq!(failures(&record), ["1 share_conflict: A.exe proven SA-3 confirmed"]);
    assert_eq!(of_files(&record), [""; 0]);
    assert_eq!(record["capture"]["files"].as_array().unwrap().len(), 3);
    assert_eq!(record["capture"]["events"]["total"], 5);
    // Read alone, the second file shows a close without an open.
    let alone: serde_json::Value =
        serde_json::from_str(&built.run(&["c-1.PML", "--no-segments", "--profile", "any", "--json", "-"])).unwrap();
    assert_eq!(failures(&alone), ["0 share_conflict: not_visible"]);
}

#[test]
fn a_file_missing_between_open_and_refusal_leaves_the_hold_likely() {
    // It may have been closed, and opened anew in another way, in the missing file.
    let built = Built::new(&format!("{OPEN}\n{}\n{REFUSED}\n{RELEASE}", lost()));
    let record = built.record();
    assert_eq!(failures(&record), ["1 share_conflict: A.exe likely SA-3 confirmed"]);
    assert_eq!(of_files(&record), ["missing_segment", "sequence_gaps"]);
    let cited: Vec<&str> = record["failures"][0]["holders"][0]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["rule"].as_str().unwrap())
        .collect();
    assert_eq!(cited, ["SA-1", "VI-7", "AT-10"]);
    assert_eq!(failures(&built.record_of_extract()), failures(&record));
}

#[test]
fn a_file_missing_behind_the_refusal_takes_nothing_from_the_hold() {
    let built = Built::new(&format!("{OPEN}\n{REFUSED}\n{}\n{RELEASE}", lost()));
    let record = built.record();
    // Who else let go in the missing file is not known, so the release confirms nobody.
    assert_eq!(failures(&record), ["1 share_conflict: A.exe proven SA-3"]);
    assert_eq!(of_files(&record), ["missing_segment", "sequence_gaps"]);
    assert_eq!(failures(&built.record_of_extract()), failures(&record));
    // Without a close it still held then; what comes behind the missing file is another matter.
    let later = REFUSED.replace("+2", "+4");
    // A capture without any close would be another matter.
    let elsewhere = r"+1.5 B.exe CloseFile C:\w\d\g.dll";
    let built = Built::new(&format!("{OPEN}\n{elsewhere}\n{REFUSED}\n{}\n{later}", lost()));
    let expected = ["2 share_conflict: A.exe proven SA-3", "3 share_conflict: A.exe likely SA-3"];
    assert_eq!(failures(&built.record()), expected);
    assert_eq!(failures(&built.record_of_extract()), expected);
}

#[test]
fn nobody_is_cleared_by_a_close_before_a_missing_file() {
    let close = r"+1.1 A.exe CloseFile C:\w\d\f.dll";
    let whole = Built::new(&format!("{OPEN}\n{close}\n{REFUSED}"));
    assert_eq!(failures(&whole.record()), ["2 share_conflict: not_visible | A.exe closed_before AT-4"]);
    let torn = Built::new(&format!("{OPEN}\n{close}\n{}\n{REFUSED}", lost()));
    let record = torn.record();
    assert_eq!(failures(&record), ["2 share_conflict: not_visible"]);
    assert_eq!(record["failures"][0]["explanations"][0], "events_missing");
}

#[test]
fn events_held_by_two_files_count_once() {
    let other = r"+1.1 B.exe CreateFile C:\w\d\f.dll access=READ_ATTRIBUTES share=RWD";
    let later = REFUSED.replace("+2", "+4");
    let built = Built::new(&format!(
        "{OPEN}\n{other}\n+1.5 file repeats=2\n{REFUSED}\n+3 A.exe CloseFile C:\\w\\d\\f.dll\n{later}"
    ));
    let record = built.record();
    // Were the open counted twice, a second handle would seem to stay behind the one close.
    assert_eq!(
        failures(&record),
        [
            "2 share_conflict: A.exe proven SA-3 | B.exe attributes_only SA-2",
            "4 share_conflict: not_visible | B.exe attributes_only SA-2, A.exe closed_before AT-4"
        ]
    );
    assert_eq!(of_files(&record), ["overlapping_segments"]);
    assert_eq!(record["capture"]["events"]["total"], 5);
    assert_eq!(built.run(&["events", "c.PML", "--format", "jsonl"]).lines().count(), 5);
}

#[test]
fn a_copy_of_a_file_beside_it_changes_nothing() {
    let built = Built::new(&format!("{OPEN}\n{REFUSED}\n{RELEASE}"));
    let before = failures(&built.record());
    verdicts::copy(&built.path(), &built.path().with_file_name("c-1.PML"));
    let record = built.record();
    assert_eq!(failures(&record), before);
    assert_eq!(of_files(&record), ["overlapping_segments"]);
}
