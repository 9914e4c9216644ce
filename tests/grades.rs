//! What a reader is told of a grade that holds for some of a party's failures only, and what a bar stands for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_grade_of_some_failures_is_not_told_as_that_of_all() {
    let english = run(&["ambiguous-handles.PML", "--lang", "en"]);
    assert!(english.contains("explains 2 of 2 refused operations on one path (proven for 1 of 2)."), "{english}");
    assert!(english.contains("proven (1 of 2)"), "{english}");
    let chinese = run(&["ambiguous-handles.PML", "--lang", "zh-CN"]);
    assert!(chinese.contains("（2 次中有 1 次已证实）"), "{chinese}");
    assert!(chinese.contains("已证实（2 次中的 1 次）"), "{chinese}");
    // The record's own code stays that of the best.
    let record = run(&["ambiguous-handles.PML", "--json", "-", "--lang", "en"]);
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(
        (&record["verdict"]["confidence"], &record["holders"][0]["confidence"]),
        (&"proven".into(), &"proven".into())
    );
    let other = run(&["image-blocks-write-open.PML", "--lang", "en"]);
    assert!(!other.contains("(1 of"), "{other}");
}

#[test]
fn a_bar_says_that_it_is_a_lock_or_a_mapping() {
    let locks = run(&["why", "lock-refuted-by-read.PML", "-e", "89", "--lang", "en"]);
    assert!(locks.contains("; exclusive 0+"), "{locks}");
    let mapping = run(&["why", "image-blocks-write-open.PML", "-e", "76", "--lang", "en"]);
    assert!(mapping.contains("; mapped"), "{mapping}");
}
