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

/// AT-3, AT-6, SA-7: a single cleanup ends a single file object. Of two that were opened and never closed one stands, whichever
/// it was.
#[test]
fn one_close_is_not_that_of_two_handles() {
    let opened = r"+1 V.exe CreateFile C:\w\d\f.dll access=WRITE_DATA share=RWD disposition=CREATE
+1.01 V.exe CloseFile C:\w\d\f.dll
+1.1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+1.2 P.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+1.3 P.exe ProcessCreate C.exe
+1.8 C.exe CloseFile C:\w\d\f.dll
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+9 B.exe CreateFile C:\w\other access=READ_DATA share=RWD";
    let child = "C.exe closed_before AT-4";
    let (_, record) = of(opened);
    assert_eq!(failures(&record), [format!("6 share_conflict: A.exe likely SA-3 P.exe likely SA-3 | {child}")]);
    assert_eq!(record["failures"][0]["released_by"], serde_json::Value::Null);
    // Two closes may have been both.
    let (_, record) = of(&opened.replace("+2 V.exe", "+1.9 C.exe CloseFile C:\\w\\d\\f.dll\n+2 V.exe"));
    assert_eq!(failures(&record), [format!("7 share_conflict: A.exe possible SA-3 P.exe possible SA-3 | {child}")]);
    // What a child closes was its parent's rather than a stranger's, if that has one.
    let shares = opened.replace(
        "P.exe CreateFile C:\\w\\d\\f.dll access=READ_DATA share=RW\n",
        "P.exe CreateFile C:\\w\\d\\f.dll access=READ_DATA share=RWD\n",
    );
    let (_, record) = of(&shares);
    assert_eq!(
        failures(&record),
        [format!("6 share_conflict: A.exe likely SA-3 | P.exe compatible_sharing SA-3, {child}")]
    );
    let (_, record) = of(&shares.replace("C.exe CloseFile", "B.exe CloseFile").replace("C.exe", "G.exe"));
    assert_eq!(failures(&record)[0].split(" | ").next(), Some("6 share_conflict: A.exe possible SA-3"));
}

/// AT-10: an older handle was closed, and the operation went on failing: the one whose open is seen was not closed with it.
#[test]
fn refusals_that_go_on_show_that_a_close_was_another_handles() {
    let lines = r"+1 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RW
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 B.exe CloseFile C:\w\d\f.dll
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+9 B.exe CreateFile C:\w\other access=READ_DATA share=RWD";
    let (_, record) = of(lines);
    assert_eq!(
        failures(&record),
        [
            "1 share_conflict: A.exe likely SA-3 B.exe possible SA-3",
            "3 share_conflict: A.exe likely SA-3 | B.exe closed_before AT-4"
        ]
    );
    assert_eq!(record["failures"][0]["released_by"], serde_json::Value::Null);
    // Where no refusal came before the close, it may have ended the only handle.
    let late = lines.replace("+2 V.exe", "+3.05 V.exe");
    let said = failures(&of(&late).1);
    assert!(said.iter().all(|line| line.contains(": A.exe possible SA-3 | B.exe closed_before AT-4")), "{said:?}");
    // Nor can it have been another's where the file is newer than whoever closed it could have known.
    let born = format!(
        "+0.5 V.exe CreateFile C:\\w\\d\\f.dll access=WRITE_DATA share=RWD disposition=CREATE\n+0.6 V.exe CloseFile C:\\w\\d\\f.dll\n{lines}"
    );
    let said = failures(&of(&born).1);
    assert_eq!(said[1], "5 share_conflict: A.exe possible SA-3 | B.exe closed_before AT-4");
}

/// SA-7, DP-6, LK-2: a child marks or locks through the handle its parent opened. The one handle is told of both.
#[test]
fn what_is_done_through_an_inherited_handle_is_done_through_its_openers() {
    let born = r"+1 V.exe CreateFile C:\w\d\f.dll access=WRITE_DATA share=RWD disposition=CREATE
+1.01 V.exe CloseFile C:\w\d\f.dll
+1.1 B.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RWD
+1.2 P.exe CreateFile C:\w\d\f.dll access=READ_DATA,WRITE_DATA,DELETE share=RWD
+1.3 P.exe ProcessCreate C.exe";
    let mark = r"+1.5 C.exe SetDispositionInformationEx C:\w\d\f.dll flags=DELETE,POSIX_SEMANTICS handle=0x10
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> DELETE PENDING
+3 P.exe CloseFile C:\w\d\f.dll
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> NAME NOT FOUND
+4 B.exe CloseFile C:\w\d\f.dll";
    let told = "P.exe likely DP-6 C.exe possible DP-6 confirmed | B.exe not_the_marker DP-6";
    assert_eq!(failures(&of(&format!("{born}\n{mark}")).1), [format!("6 delete_pending: {told}")]);
    // A child that opened it for deletion itself marked it by that.
    let own = "+1.4 C.exe CreateFile C:\\w\\d\\f.dll access=DELETE share=RWD\n";
    let said = failures(&of(&format!("{born}\n{own}{mark}")).1);
    assert_eq!(said, ["7 delete_pending: C.exe likely DP-6 | B.exe not_the_marker DP-6, P.exe not_the_marker DP-6"]);

    let lock = r"+1.5 C.exe LockFile C:\w\d\f.dll offset=0 length=100 exclusive=yes fail-immediately=yes
+1.9 V.exe CreateFile C:\w\d\f.dll access=WRITE_DATA share=RWD
+2 V.exe WriteFile C:\w\d\f.dll offset=0 length=10 -> FILE LOCK CONFLICT
+3 P.exe CloseFile C:\w\d\f.dll
+3.1 V.exe WriteFile C:\w\d\f.dll offset=0 length=10";
    let told = "P.exe likely LK-2 C.exe possible LK-2 confirmed | B.exe no_conflicting_lock LK-2";
    assert_eq!(failures(&of(&format!("{born}\n{lock}")).1), [format!("7 byte_range_lock: {told}")]);
    let own = "+1.4 C.exe CreateFile C:\\w\\d\\f.dll access=READ_DATA share=RWD\n";
    let said = failures(
        &of(&format!("{born}\n{own}{}", lock.replace("+3.1", "+3.05 C.exe CloseFile C:\\w\\d\\f.dll\n+3.1"))).1,
    );
    let cleared = "B.exe no_conflicting_lock LK-2, P.exe no_conflicting_lock LK-2";
    assert_eq!(said, [format!("8 byte_range_lock: C.exe proven LK-2 confirmed | {cleared}")]);
}
