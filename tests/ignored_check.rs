//! An open that the capture itself shows to have been granted against the rules of sharing (SA-12) is no proof.

#![allow(clippy::unwrap_used)]

mod verdicts;

use verdicts::{Built, failures, said};

/// `B.exe` writes through its only handle before and after an open that does not share writing.
fn beside(opener: &str, last_write: &str) -> String {
    format!(
        r"+1 B.exe CreateFile C:\w\d\f.dll access=WRITE_DATA share=RWD
+1.1 B.exe WriteFile C:\w\d\f.dll offset=0 length=10
+1.3 {opener} CreateFile C:\w\d\f.dll access=READ_DATA share=none
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
{last_write}
+3 {opener} CloseFile C:\w\d\f.dll
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+3.2 V.exe CloseFile C:\w\d\f.dll
+4 B.exe CloseFile C:\w\d\f.dll"
    )
}

#[test]
fn an_open_granted_against_a_handle_in_use_is_likely_at_most() {
    let used = r"+2.5 B.exe WriteFile C:\w\d\f.dll offset=0 length=10";
    let built = Built::new(&beside("A.exe", used));
    let record = built.record();
    assert_eq!(failures(&record), ["3 share_conflict: A.exe likely SA-3 confirmed"]); // one of the two is not as it seems, and neither is cleared
    // The contradiction counts all the same.
    assert_eq!(record["capture"]["consistency"]["false_conflicts"], 1);
}

#[test]
fn without_a_use_on_both_sides_the_success_shows_the_other_handle_closed() {
    let said = said(&beside("A.exe", "+2.5 B.exe CreateFile C:\\w\\d\\g.dll access=READ_DATA share=R"));
    assert!(said[0].starts_with("3 share_conflict: A.exe proven SA-3"), "{said:?}");
}

/// The check is skipped for kernel callers: such an open does not count (SA-12).
#[test]
fn an_open_of_the_system_that_skipped_the_check_refuses_nobody() {
    let used = r"+2.5 B.exe WriteFile C:\w\d\f.dll offset=0 length=10";
    let system = "process 4 System\n";
    let built = Built::of(&format!("{}{system}{}", verdicts::CAST, beside("System", used)));
    assert_eq!(failures(&built.record()), ["3 share_conflict: System possible SA-3 | B.exe compatible_sharing SA-3"]);
}
