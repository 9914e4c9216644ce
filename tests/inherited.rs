//! Handles that a process has from its parent, and what a child shows of it (SA-7, VI-8, VI-10).

#![allow(clippy::unwrap_used)]

mod verdicts;

use verdicts::{Built, CAST, failures};

/// `P.exe` makes `C.exe`, and that `G.exe`.
const FAMILY: &str = r"process 400 P.exe
  image C:\Prog\P.exe
process 500 C.exe
  image C:\Prog\C.exe
  parent P.exe
process 600 G.exe
  image C:\Prog\G.exe
  parent C.exe
";

fn of(lines: &str) -> (Built, serde_json::Value) {
    let built = Built::of(&format!("{CAST}{FAMILY}{lines}"));
    let record = built.record();
    (built, record)
}

/// `P.exe` ends without closing; no cleanup came, so somebody has its file object still.
const LEFT: &str = r"+1 P.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+1.2 P.exe ProcessCreate C.exe
+1.3 C.exe ProcessCreate G.exe
+1.4 CHILD
+1.5 P.exe ProcessExit
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 G.exe ProcessExit
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+3.2 V.exe CloseFile C:\w\d\f.dll";

#[test]
fn what_a_process_left_open_its_only_living_descendant_holds() {
    let (_, record) = of(&LEFT.replace("CHILD", "C.exe ProcessExit"));
    assert_eq!(failures(&record), ["5 share_conflict: G.exe likely SA-3 confirmed | P.exe exited_before AT-7"]);
    assert_eq!(record["failures"][0]["holders"][0]["hold"]["start"], "unseen");
    // Of two that live any may have it.
    let (_, record) = of(&LEFT.replace("+1.4 CHILD\n", ""));
    let said = failures(&record);
    assert_eq!(said, ["4 share_conflict: C.exe possible SA-3 G.exe possible SA-3 | P.exe exited_before AT-7"]);
    // A close before its end shows that nothing was left.
    let closed = "C.exe ProcessExit\n+1.45 P.exe CloseFile C:\\w\\d\\f.dll";
    let (_, record) = of(&LEFT.replace("CHILD", closed));
    assert_eq!(failures(&record), ["6 share_conflict: not_visible | P.exe closed_before AT-4"]);
}

/// The file is older than the capture: before the child was made its handle was its parent's.
#[test]
fn a_child_made_after_the_refusal_did_not_open_the_file_later() {
    let late = r"+1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+1.2 P.exe ProcessCreate C.exe
+1.3 C.exe ProcessStart
+3 C.exe CloseFile C:\w\d\f.dll
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD";
    assert_eq!(failures(&of(late).1), ["0 share_conflict: P.exe possible SA-3"]);
    // One that opens it is cleared by that.
    let opens = late.replace("+3 C.exe", "+2 C.exe CreateFile C:\\w\\d\\f.dll access=READ_DATA share=RW\n+3 C.exe");
    assert_eq!(failures(&of(&opens).1), ["0 share_conflict: not_visible | C.exe opened_after AT-4"]);
}

#[test]
fn a_process_started_in_the_capture_has_no_handle_from_before_it() {
    let child = r"+0.5 B.exe CreateFile C:\w\d\g.dll access=READ_DATA share=RW
+1 P.exe ProcessCreate C.exe
+1.1 C.exe ProcessStart
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 C.exe CloseFile C:\w\d\f.dll
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD";
    let (_, record) = of(child);
    assert_eq!(failures(&record), ["3 share_conflict: C.exe possible SA-3"]);
    assert_eq!(record["failures"][0]["holders"][0]["hold"]["start"], "unseen");
}
