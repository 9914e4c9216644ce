//! What weakens a capture, its codes, and which verdicts it lowers: exactly those that rest on what is missing.

#![allow(clippy::unwrap_used)]

mod verdicts;

use verdicts::{Built, CAST, failures, quality};

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

/// What is said of the failures without their numbers, which an extract counts anew.
fn unnumbered(record: &serde_json::Value) -> Vec<String> {
    let said = failures(record).into_iter();
    said.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
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
    assert_eq!(unnumbered(&built.record_of_extract()), unnumbered(&record));
}

#[test]
fn a_file_missing_behind_the_refusal_takes_nothing_from_the_hold() {
    let built = Built::new(&format!("{OPEN}\n{REFUSED}\n{}\n{RELEASE}", lost()));
    let record = built.record();
    // Who else let go in the missing file is not known, so the release confirms nobody.
    assert_eq!(failures(&record), ["1 share_conflict: A.exe proven SA-3"]);
    assert_eq!(of_files(&record), ["missing_segment", "sequence_gaps"]);
    assert_eq!(unnumbered(&built.record_of_extract()), unnumbered(&record));
    // Without a close it still held then; what comes behind the missing file is another matter.
    let later = REFUSED.replace("+2", "+4");
    // A capture without any close would be another matter.
    let elsewhere = r"+1.5 B.exe CloseFile C:\w\d\g.dll";
    let built = Built::new(&format!("{OPEN}\n{elsewhere}\n{REFUSED}\n{}\n{later}", lost()));
    let expected = ["2 share_conflict: A.exe proven SA-3", "3 share_conflict: A.exe possible SA-3"];
    assert_eq!(failures(&built.record()), expected);
    assert_eq!(unnumbered(&built.record_of_extract()), unnumbered(&built.record()));
}

#[test]
fn nobody_is_cleared_by_a_close_before_a_missing_file() {
    let close = r"+1.1 A.exe CloseFile C:\w\d\f.dll";
    let whole = Built::new(&format!("{OPEN}\n{close}\n{REFUSED}"));
    assert_eq!(failures(&whole.record()), ["2 share_conflict: not_visible | A.exe closed_before AT-4"]);
    let torn = Built::new(&format!("{OPEN}\n{close}\n{}\n{REFUSED}", lost()));
    let record = torn.record();
    assert_eq!(failures(&record), ["2 share_conflict: not_visible"]);
    assert!(record["failures"][0]["explanations"].as_array().unwrap().contains(&"events_missing".into()));
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

/// The driver numbers processes once for a whole capture: another process under a number is another capture's.
#[test]
fn a_file_of_another_capture_beside_it_is_left_out() {
    let (first, rest) = (format!("{OPEN}\n{REFUSED}"), RELEASE);
    let built = Built::new(&first);
    let alone = failures(&built.record());
    let beside = built.path().with_file_name("c-1.PML");
    for (cast, left_out) in [(CAST, false), (&CAST.replace("process 100", "process 104"), true)] {
        verdicts::copy(&Built::of(&format!("{cast}{rest}")).path(), &beside);
        let record = built.record();
        assert_eq!(quality(&record).contains(&"segment_left_out".to_owned()), left_out);
        assert_eq!(record["capture"]["files"].as_array().unwrap().len(), if left_out { 1 } else { 2 });
        assert_eq!(failures(&record) == alone, left_out);
    }
}

/// What is said of a capture of `lines`, and its codes without those that every capture of these tests has.
fn judged(lines: &str) -> (Vec<String>, Vec<String>) {
    let record = Built::new(lines).record();
    let usual = ["no_image_loads", "no_stacks"];
    let codes = quality(&record).into_iter().filter(|code| !usual.contains(&code.as_str()));
    (failures(&record), codes.collect())
}

fn expected(said: &str, codes: &[&str]) -> (Vec<String>, Vec<String>) {
    (vec![said.to_owned()], codes.iter().map(|code| (*code).to_owned()).collect())
}

/// A whole handle of a third process, long before anything is refused.
const EARLIER: &str = r"+0.1 B.exe CreateFile C:\w\d\g.dll access=READ_DATA share=RWD
+0.2 B.exe CloseFile C:\w\d\g.dll
";
const HELD: &str = r"+3 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
";
const WANTED: &str = r"+5 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
";
const CLOSED: &str = r"+6 A.exe CloseFile C:\w\d\f.dll
";

#[test]
fn without_closes_nothing_is_more_than_possible() {
    let open = EARLIER.lines().next().unwrap();
    let lines = format!("{open}\n{HELD}{WANTED}");
    assert_eq!(judged(&lines), expected("2 share_conflict: A.exe possible SA-3", &["no_close_events"]));
    // One close of anybody shows that closes are recorded.
    let whole = format!("{EARLIER}{HELD}{WANTED}");
    assert_eq!(judged(&whole), expected("3 share_conflict: A.exe proven SA-3", &[]));
}

#[test]
fn where_most_closes_are_missing_only_a_close_proves() {
    let others = r"+0.5 B.exe CreateFile C:\w\d\h${n}.dll access=READ_DATA share=RWD repeat=70 every=0.001
+0.65 gap 5
+0.7 B.exe CloseFile C:\w\d\h${n}.dll repeat=30 every=0.001
";
    let open = judged(&format!("{others}{HELD}{WANTED}"));
    assert_eq!(open, expected("101 share_conflict: A.exe possible SA-3", &["few_close_events", "sequence_gaps"]));
    // Where nothing is missing they were left open.
    let whole = judged(&format!("{}{HELD}{WANTED}", others.replace("+0.65 gap 5\n", "")));
    assert_eq!(whole, expected("101 share_conflict: A.exe proven SA-3", &[]));
    let closed = judged(&format!("{others}{HELD}{WANTED}{CLOSED}"));
    assert_eq!(closed, expected("101 share_conflict: A.exe proven SA-3", &["few_close_events", "sequence_gaps"]));
}

#[test]
fn a_handle_of_a_process_whose_closes_are_all_missing_proves_nothing() {
    let closing = |opens: u32| {
        format!(
            r"+0.5 B.exe CreateFile C:\w\d\h${{n}}.dll access=READ_DATA share=RWD repeat=40 every=0.001
+0.6 B.exe CloseFile C:\w\d\h${{n}}.dll repeat=40 every=0.001
+0.7 A.exe CreateFile C:\w\d\k${{n}}.dll access=READ_DATA share=RWD repeat={opens} every=0.001
+0.75 gap 5
"
        )
    };
    let one = r"+0.8 A.exe CloseFile C:\w\d\k0.dll
";
    let said = |grade: &str, event: u32| format!("{event} share_conflict: A.exe {grade} SA-3");
    // Nine elsewhere and the one in question.
    let hidden = format!("{}{HELD}{WANTED}", closing(9));
    let codes = ["process_without_closes", "sequence_gaps"];
    assert_eq!(judged(&hidden), expected(&said("possible", 90), &codes));
    assert_eq!(judged(&format!("{}{HELD}{WANTED}", closing(8))), expected(&said("proven", 89), &codes[1..]));
    // One close of it anywhere shows that they are recorded; so do numbers of which none is missing.
    assert_eq!(judged(&format!("{}{one}{HELD}{WANTED}", closing(9))), expected(&said("proven", 91), &codes[1..]));
    let whole = hidden.replace("+0.75 gap 5\n", "");
    assert_eq!(judged(&whole), expected(&said("proven", 90), &[]));
    // An extract of the one file tells what the whole capture was like.
    for lines in [hidden, format!("{}{one}{HELD}{WANTED}", closing(9))] {
        let built = Built::new(&lines);
        assert_eq!(unnumbered(&built.record_of_extract()), unnumbered(&built.record()), "{lines}");
    }
}

#[test]
fn missing_events_matter_between_the_open_and_the_refusal() {
    let gap = |at: &str| format!("+{at} gap 5\n");
    let proven = expected("3 share_conflict: A.exe proven SA-3", &["sequence_gaps"]);
    let possible = expected("3 share_conflict: A.exe possible SA-3", &["sequence_gaps"]);
    let likely = expected("3 share_conflict: A.exe likely SA-3", &["sequence_gaps"]);
    assert_eq!(judged(&format!("{EARLIER}{HELD}{}{WANTED}", gap("4"))), possible);
    // A close later on shows a handle, though perhaps another one, opened in the gap.
    assert_eq!(judged(&format!("{EARLIER}{HELD}{}{WANTED}{CLOSED}", gap("4"))), likely);
    // Before its open, or behind the refusal, nothing that is missing can have ended it in between.
    assert_eq!(judged(&format!("{EARLIER}{}{HELD}{WANTED}", gap("1"))), proven);
    let later = r"+7 B.exe CreateFile C:\w\d\g.dll access=READ_DATA share=RWD";
    assert_eq!(judged(&format!("{EARLIER}{HELD}{WANTED}{}{later}", gap("6"))), proven);
    // Of two handles, which one the close ended is then a guess.
    let two = format!("{EARLIER}{HELD}{}{}{WANTED}{CLOSED}", HELD.replace("+3", "+3.5"), gap("4"));
    assert_eq!(judged(&two), expected("4 share_conflict: A.exe likely SA-3", &["sequence_gaps"]));
    for lines in [format!("{EARLIER}{HELD}{}{WANTED}", gap("4")), format!("{EARLIER}{}{HELD}{WANTED}", gap("1"))] {
        let built = Built::new(&lines);
        assert_eq!(unnumbered(&built.record_of_extract()), unnumbered(&built.record()), "{lines}");
    }
}

#[test]
fn a_refusal_soon_after_the_begin_is_said_to_be_so() {
    let early = r"+0.5 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION";
    let other = r"+6 A.exe CreateFile C:\w\d\g.dll access=READ_DATA share=RWD";
    let record = Built::new(&format!("{EARLIER}{early}\n{other}")).record();
    assert_eq!(failures(&record), ["2 share_conflict: not_visible"]);
    assert!(quality(&record).contains(&"capture_started_late".to_owned()));
    assert_eq!(record["failures"][0]["explanations"][0], "open_before_capture");
    // Behind one that a hold shown from its begin on explains no older handle is looked for.
    let held = HELD.replace("+3", "+0.3");
    let record = Built::new(&format!("{EARLIER}{held}{early}")).record();
    assert_eq!(failures(&record), ["3 share_conflict: A.exe proven SA-3"]);
    assert!(!quality(&record).contains(&"capture_started_late".to_owned()));
}

#[test]
fn a_capture_of_few_or_of_windows_alone_was_filtered() {
    let two = Built::new(&format!("{EARLIER}{WANTED}")).record();
    assert!(quality(&two).contains(&"filtered_before_saving".to_owned()));
    assert_eq!(two["failures"][0]["explanations"][0], "outside_filter");
    let windows = ["svchost", "csrss", "lsass"].map(|name| {
        format!(
            "process {} {name}.exe\n  image C:\\Windows\\System32\\{name}.exe\n  company \"Microsoft Corporation\"\n",
            name.len() * 4
        )
    });
    let windows = windows.join("").replace("process 20 lsass", "process 24 lsass");
    let acts = EARLIER.replace("B.exe", "svchost.exe") + &EARLIER.replace("B.exe", "csrss.exe");
    let record = Built::new(&format!("{windows}{acts}{}", WANTED.replace("V.exe", "lsass.exe"))).record();
    assert_eq!(failures(&record), ["4 share_conflict: not_visible"]);
    assert!(quality(&record).contains(&"no_third_party_events".to_owned()));
    assert_eq!(record["failures"][0]["explanations"][0], "outside_filter");
    // Who is seen to hold is no less sure for it.
    let record = Built::new(&format!("{EARLIER}{HELD}{WANTED}").replace("B.exe", "A.exe")).record();
    assert_eq!(failures(&record), ["3 share_conflict: A.exe proven SA-3"]);
}

#[test]
fn without_stacks_those_in_whose_names_others_act_are_likely() {
    let system = HELD.replace("A.exe", "System").replace("+3", "+3.1");
    let lines = format!("{EARLIER}{HELD}{system}{WANTED}{CLOSED}{}", CLOSED.replace("A.exe", "System"));
    let said = "4 share_conflict: A.exe proven SA-3 System likely SA-3";
    assert_eq!(judged(&lines), expected(said, &[]));
    assert!(quality(&Built::new(&lines).record()).contains(&"no_stacks".to_owned()));
}
