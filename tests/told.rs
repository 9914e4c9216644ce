//! Reports and stories say what the records behind them hold, once, and no more surely than it is graded.

#![allow(clippy::unwrap_used)]

mod verdicts;

use std::path::Path;
use verdicts::{Built, failures, program};

fn sample(arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    String::from_utf8(program::run_in(&folder, arguments)).unwrap()
}

/// A folder with a child that is pending, and one that nobody wants deleted.
const FOLDER: &str = r"+1 V.exe CreateFile C:\w\d\b access=READ_DATA share=RWD
+1.1 V.exe CloseFile C:\w\d\b
+1.2 A.exe CreateFile C:\w\d\a access=READ_DATA share=RWD
+1.3 V.exe CreateFile C:\w\d\a access=DELETE share=RWD
+1.4 V.exe SetDispositionInformationFile C:\w\d\a delete=yes
+1.5 V.exe CloseFile C:\w\d\a
+1.6 V.exe CreateFile C:\w\d access=DELETE share=RWD options=DIRECTORY_FILE
+1.7 V.exe SetDispositionInformationFile C:\w\d delete=yes -> NOT EMPTY
+3 A.exe CloseFile C:\w\d\a
";

#[test]
fn a_live_child_is_named_wherever_its_folder_is_told_of() {
    let built = Built::new(FOLDER);
    let record = built.record();
    let failure = &record["failures"][0];
    assert_eq!(failure["live_child"], serde_json::json!({ "event": 1, "path": r"C:\w\d\b" }));
    assert_eq!(failure["holders"][0]["confidence"], "likely");
    let sentence = r"C:\w\d\b was in the folder too, and nobody had marked it for deletion (event 1): the folder was not empty in any case";
    let event = failure["event"].as_u64().unwrap();
    for text in [built.run(&["c.PML", "--profile", "any"]), built.why(event)] {
        assert_eq!(text.matches(sentence).count(), 1, "{text}");
    }
    // Without it the folder says nothing of the kind.
    let alone = Built::new(FOLDER.split_once("+1.2").map(|(_, rest)| format!("+1.2{rest}")).unwrap().as_str());
    assert!(alone.record()["failures"][0]["live_child"].is_null());
}

/// Whoever only may have kept a pending delete is told apart from who did, and not as if it had stayed.
#[test]
fn a_possible_keeper_beside_a_proven_one_is_suspected_no_more() {
    let built = Built::new(
        r"+1 V.exe CreateFile C:\w\d\f.dll access=READ_DATA share=R disposition=CREATE
+1.1 V.exe CloseFile C:\w\d\f.dll
+1.2 A.exe CreateFile C:\w\d\f.dll access=READ_DATA share=RWD
+1.3 B.exe ReadFile C:\w\d\f.dll offset=0 length=100
+1.4 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD
+1.5 V.exe SetDispositionInformationFile C:\w\d\f.dll delete=yes
+1.6 V.exe CloseFile C:\w\d\f.dll
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> DELETE PENDING
+3 A.exe CloseFile C:\w\d\f.dll
+3.1 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> NAME NOT FOUND
",
    );
    assert_eq!(failures(&built.record()), ["7 delete_pending: A.exe proven DP-3 B.exe possible DP-3 confirmed"]);
    let report = built.run(&["c.PML", "--profile", "any"]);
    assert!(report.contains("A.exe (PID 100); suspected: B.exe (PID 200)"), "{report}");
    let story = built.why(7);
    assert!(story.contains("B.exe (PID 200) not shown – not shown  ← suspected, no more"), "{story}");
    assert_eq!((story.matches("← in the way").count(), story.matches("← suspected").count()), (1, 1), "{story}");
}

#[test]
fn a_file_with_two_names_has_every_bar_once() {
    for (capture, event) in [("hard-link-system32.PML", "70"), ("file-id-link.PML", "67"), ("file-id-link.PML", "81")] {
        let text = sample(&["why", capture, "--event", event]);
        let bars: Vec<&str> = text.lines().filter(|line| line.contains("; access ")).collect();
        assert!(!bars.is_empty(), "{text}");
        let mut once = bars.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), bars.len(), "{capture} {event}: {text}");
    }
}

#[test]
fn what_is_not_shown_or_not_proven_is_not_told_as_fact() {
    let text = sample(&["handed-over-handle.PML"]);
    assert!(text.contains("held by ntrtscan.exe (PID 2412) from 05:50:50.0000000, until when is not shown"), "{text}");
    assert!(text.contains("held by tmlisten.exe (PID 2596) until 05:50:54.0000000, since when is not shown"), "{text}");
    assert!(text.contains("probably released by tmlisten.exe (PID 2596), event 112"), "{text}");
    assert!(
        sample(&["no-share-delete.PML"]).contains("            released by HipsDaemon.exe (PID 2188), event 115; ")
    );

    // One of two closes, and one close that took long.
    let ambiguous = sample(&["why", "ambiguous-handles.PML", "--event", "91"]);
    assert!(!ambiguous.contains("its close done"), "{ambiguous}");
    assert!(ambiguous.contains("which of the closes ended it is not recorded"), "{ambiguous}");
    let lingering = sample(&["why", "lingering-close.PML", "--event", "96"]);
    assert!(lingering.contains("its close done 05:50:55.0000800"), "{lingering}");
}

/// The close of the file that a rename was to replace ended a handle on that file.
#[test]
fn a_close_ended_a_handle_on_the_file_it_names() {
    let text = sample(&["why", "rename-replace-access-denied.PML", "--event", "123"]);
    assert!(text.contains(r"_4c1df5a0d2b6e781\clipboardserver.dll, in the way of events 90, 103 (proven)"), "{text}");
    assert!(!text.contains("Nothing was refused"), "{text}");
}
