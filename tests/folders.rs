//! What becomes of a folder tells of the handles on it and below it: moves into it, what is made in it, its own renames (RN-3, RN-7,
//! DP-7, VI-10, AT-11).

mod verdicts;

use verdicts::{Built, CAST, failures};

const MADE: &str = r"+0.5 V.exe CreateFile C:\w\i\d access=LIST_DIRECTORY share=RWD disposition=CREATE options=DIRECTORY_FILE
+0.51 V.exe CloseFile C:\w\i\d
+0.6 V.exe CreateFile C:\w\i\d\f access=GENERIC_WRITE share=R disposition=CREATE
+0.61 V.exe CloseFile C:\w\i\d\f
";

/// A line without the number of its event.
fn without_number(line: &str) -> String {
    line.split_once(' ').map(|(_, told)| told.to_owned()).unwrap_or_default()
}

/// And without those who are cleared.
fn accused(line: &str) -> String {
    without_number(line).split(" |").next().unwrap_or_default().to_owned()
}

/// A rename or link by `who` that succeeds.
fn moves(at: &str, who: &str, operation: &str, from: &str, to: &str) -> String {
    let closed = if operation.starts_with("SetLink") { from } else { to };
    format!(
        "+{at} {who} CreateFile {from} access=DELETE share=RWD
+{at}1 {who} {operation} {from} to={to} replace=no
+{at}2 {who} CloseFile {closed}
"
    )
}

fn renames(at: &str, who: &str, from: &str, to: &str) -> String {
    moves(at, who, "SetRenameInformationFile", from, to)
}

/// The same of a folder, there and back.
fn there_and_back(at: &str, who: &str, from: &str, to: &str) -> String {
    format!(
        "+{at} {who} CreateFile {from} access=DELETE share=RWD options=DIRECTORY_FILE
+{at}1 {who} SetRenameInformationFile {from} to={to} replace=no
+{at}2 {who} SetRenameInformationFile {to} to={from} replace=no
+{at}3 {who} CloseFile {from}
"
    )
}

fn built(lines: &str) -> Built {
    Built::of(&format!("{}{lines}", CAST.replacen("process 100", "process 4 System\nprocess 100", 1)))
}

/// What is said of the one failure.
fn one(lines: &str) -> String {
    let said = failures(&built(lines).record());
    assert_eq!(said.len(), 1, "{said:?}");
    without_number(&said[0])
}

/// The same, which an extract of the case must say as well.
fn both(lines: &str) -> String {
    let extracted = failures(&built(lines).record_of_extract());
    let said = one(lines);
    assert_eq!(extracted.iter().map(|one| without_number(one)).collect::<Vec<_>>(), [&*said], "{lines}");
    said
}

/// RN-7: what could be moved into a folder shows that no handle refused it, whatever file it was.
#[test]
fn rn_7_other_files_moved_into_the_folder() {
    let told = |before: &str, after: &str| {
        both(&format!(
            r"{MADE}+0.7 V.exe CreateFile C:\w\i\g access=GENERIC_WRITE share=R disposition=CREATE
+0.71 V.exe CloseFile C:\w\i\g
+1 A.exe CreateFile C:\w\i\d access=LIST_DIRECTORY share=RD options=DIRECTORY_FILE
{before}+2 V.exe CreateFile C:\w\i\g access=DELETE share=RWD
+2.01 V.exe SetRenameInformationFile C:\w\i\g to=C:\w\i\d\t replace=no -> SHARING VIOLATION
+2.02 V.exe CloseFile C:\w\i\g
{after}+3 A.exe CloseFile C:\w\i\d
{}",
            renames("3.1", "V.exe", r"C:\w\i\g", r"C:\w\i\d\t")
        ))
    };
    let proven = "share_conflict: A.exe proven RN-7 confirmed";
    let possible = "share_conflict: A.exe possible RN-7";
    assert_eq!(told("", ""), proven);
    for who in ["A.exe", "B.exe", "V.exe"] {
        let into = |at: &str, to: &str| renames(at, who, r"C:\w\x", to);
        assert_eq!(told(&into("1.5", r"C:\w\i\d\x"), ""), possible, "{who}");
        assert_eq!(told("", &into("2.5", r"\??\c:\W\I\D\x")), possible, "{who}");
        // Before the handle was opened, into another folder, of another drive, out of the folder.
        assert_eq!(told(&into("0.8", r"C:\w\i\d\x"), ""), proven, "{who}");
        assert_eq!(told(&into("1.5", r"C:\w\j\d\x"), ""), proven, "{who}");
        assert_eq!(told(&into("1.5", r"C:\w\i\d\sub\x"), ""), proven, "{who}");
        assert_eq!(told(&renames("1.5", who, r"D:\w\x", r"D:\w\i\d\x"), ""), proven, "{who}");
        assert_eq!(told(&renames("1.5", who, r"C:\w\i\d\x", r"C:\w\x"), ""), proven, "{who}");
    }
    let linked = moves("1.5", "B.exe", "SetLinkInformationFile", r"C:\w\x", r"C:\w\i\d\x");
    assert_eq!(told(&linked, ""), possible);
    // SA-12: the kernel may have the check skipped.
    assert_eq!(told(&renames("1.5", "System", r"C:\w\x", r"C:\w\i\d\x"), ""), proven);
    let closed = "+3 A.exe CloseFile C:\\w\\i\\d\n".to_owned();
    assert_eq!(told("", &(closed + &renames("3.05", "B.exe", r"C:\w\x", r"C:\w\i\d\x"))), proven);
}

/// DP-7: what could be made below a folder, or moved there, once it was marked shows that it waits no more.
#[test]
fn dp_7_other_files_made_in_the_folder() {
    let told = |before: &str, after: &str| {
        both(&format!(
            r"+0.5 V.exe CreateFile C:\w\i\d access=LIST_DIRECTORY share=RWD disposition=CREATE options=DIRECTORY_FILE
+0.51 V.exe CloseFile C:\w\i\d
+1 A.exe CreateFile C:\w\i\d access=LIST_DIRECTORY share=RWD options=DIRECTORY_FILE
+1.2 V.exe CreateFile C:\w\i\d access=DELETE share=RWD options=DIRECTORY_FILE
+1.21 V.exe SetDispositionInformationFile C:\w\i\d delete=yes
+1.22 V.exe CloseFile C:\w\i\d
{before}+2 V.exe CreateFile C:\w\i\d\n access=GENERIC_WRITE share=R disposition=CREATE -> DELETE PENDING
{after}+3 A.exe CloseFile C:\w\i\d
+3.1 V.exe CreateFile C:\w\i\d\n access=GENERIC_WRITE share=R disposition=CREATE -> PATH NOT FOUND"
        ))
    };
    let make = |at: &str, who: &str, path: &str| {
        format!(
            "+{at} {who} CreateFile {path} access=GENERIC_WRITE share=RWD disposition=CREATE
+{at}1 {who} CloseFile {path}
"
        )
    };
    let proven = "delete_pending: A.exe proven DP-7 confirmed";
    let possible = "delete_pending: A.exe possible DP-7";
    assert_eq!(told("", ""), proven);
    for who in ["A.exe", "B.exe", "V.exe"] {
        for below in [r"C:\w\i\d\x", r"C:\w\i\d\s\x"] {
            assert_eq!(told(&make("1.5", who, below), ""), possible, "{who} {below}");
            assert_eq!(told("", &make("2.5", who, below)), possible, "{who} {below}");
        }
        // Before the mark, elsewhere, on another drive.
        for (at, path) in [("0.8", r"C:\w\i\d\x"), ("1.5", r"C:\w\j\d\x"), ("1.5", r"D:\w\i\d\x")] {
            assert_eq!(told(&make(at, who, path), ""), proven, "{who} {path}");
        }
    }
    assert_eq!(told(&renames("1.5", "B.exe", r"C:\w\x", r"C:\w\i\d\x"), ""), possible);
    assert_eq!(told(&make("1.5", "System", r"C:\w\i\d\x"), ""), proven);
}

/// RN-3: a folder's rename that succeeds shows that nothing below it was open, whatever a handle is accused of, and also where its
/// close comes later.
#[test]
fn rn_3_a_folder_that_was_renamed() {
    let (sharing, pending, denied) = (
        r"+2 V.exe CreateFile C:\w\i\d\f access=DELETE share=RWD -> SHARING VIOLATION",
        r"+1.8 V.exe CreateFile C:\w\i\d\f access=DELETE share=RWD
+1.81 V.exe SetDispositionInformationFile C:\w\i\d\f delete=yes
+1.82 V.exe CloseFile C:\w\i\d\f
+2 V.exe CreateFile C:\w\i\d\f access=DELETE share=RWD -> DELETE PENDING",
        r"+1.9 V.exe CreateFile C:\w\i\d access=DELETE share=RWD options=DIRECTORY_FILE
+2 V.exe SetRenameInformationFile C:\w\i\d to=C:\w\i\e replace=no -> ACCESS DENIED
+2.02 V.exe CloseFile C:\w\i\d",
    );
    for (share, refused, rule) in [
        ("RW", sharing, "share_conflict:SA-3"),
        ("RWD", pending, "delete_pending:DP-3"),
        ("RWD", denied, "rename_blocked:RN-3"),
    ] {
        let told = |before: &str, after: &str| {
            let said = one(&format!(
                r"{MADE}+1 A.exe CreateFile C:\w\i\d\f access=GENERIC_READ share={share}
{before}{refused}
{after}+3 A.exe CloseFile C:\w\i\d\f"
            ));
            accused(&format!("0 {said}"))
        };
        let (cause, rule) = rule.split_once(':').unwrap();
        let graded = |grade: &str| format!("{cause}: A.exe {grade} {rule}");
        let dir = (r"C:\w\i\d", r"C:\w\i\u");
        assert_eq!(told("", ""), graded("proven"));
        for who in ["A.exe", "B.exe", "V.exe"] {
            for (from, to) in [dir, (r"C:\w\i", r"C:\w\k")] {
                assert_eq!(told(&there_and_back("1.5", who, from, to), ""), graded("possible"), "{who} {from}");
                assert_eq!(told("", &there_and_back("2.5", who, from, to)), graded("possible"), "{who} {from}");
                assert_eq!(told(&there_and_back("0.8", who, from, to), ""), graded("proven"), "{who} {from}");
            }
            // Another folder, another drive.
            for (from, to) in [(r"C:\w\i\d2", r"C:\w\i\u"), (r"D:\w\i\d", r"D:\w\i\u")] {
                assert_eq!(told(&there_and_back("1.5", who, from, to), ""), graded("proven"), "{who} {from}");
            }
        }
        // SA-12; and an open after the rename is another handle.
        assert_eq!(told(&there_and_back("1.5", "System", dir.0, dir.1), ""), graded("proven"));
        let again = format!("+1.7 A.exe CreateFile C:\\w\\i\\d\\f access=GENERIC_READ share={share}\n");
        assert_eq!(told(&(there_and_back("1.5", "B.exe", dir.0, dir.1) + &again), ""), graded("proven"));
        // AT-3: of two handles one was closed before; both had ended by the rename.
        let two = r"+1.1 A.exe CreateFile C:\w\i\d\f access=GENERIC_READ share=RW
+1.2 A.exe CloseFile C:\w\i\d\f
";
        let two = two.replace("share=RW", &format!("share={share}"));
        assert_eq!(told(&(two + &there_and_back("1.5", "B.exe", dir.0, dir.1)), ""), graded("possible"));
    }
}

/// What is not below the folder, or not by a name there, its rename does not concern.
#[test]
fn rn_3_what_has_no_name_below_stays() {
    let moved = there_and_back("1.5", "B.exe", r"C:\w\i\d", r"C:\w\i\u");
    // By another hard link.
    assert_eq!(
        both(&format!(
            r"{MADE}{}+1 A.exe CreateFile C:\w\i\o access=GENERIC_READ share=RW
{moved}+2 V.exe CreateFile C:\w\i\d\f access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\i\o",
            moves("0.7", "V.exe", "SetLinkInformationFile", r"C:\w\i\d\f", r"C:\w\i\o")
        )),
        "share_conflict: A.exe proven SA-3"
    );
    // Moved out before.
    assert_eq!(
        both(&format!(
            r"{MADE}+1 A.exe CreateFile C:\w\i\d\f access=GENERIC_WRITE share=RWD
{}{moved}+2 V.exe CreateFile C:\w\i\o access=READ_DATA share=RD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\i\o",
            renames("1.2", "V.exe", r"C:\w\i\d\f", r"C:\w\i\o")
        )),
        "share_conflict: A.exe proven SA-3"
    );
}

/// RN-6: a file that could be renamed had no named stream open.
#[test]
fn rn_6_a_file_that_was_renamed() {
    let told = |moved: &str| {
        both(&format!(
            r"{MADE}+1 A.exe CreateFile C:\w\i\d\f:z access=READ_DATA share=RWD
{moved}+1.8 V.exe CreateFile C:\w\i\d\f access=DELETE share=RWD
+1.81 V.exe SetDispositionInformationFile C:\w\i\d\f delete=yes
+1.82 V.exe CloseFile C:\w\i\d\f
+2 V.exe CreateFile C:\w\i\d\f access=DELETE share=RWD -> DELETE PENDING
+3 A.exe CloseFile C:\w\i\d\f:z"
        ))
    };
    assert_eq!(told(""), "delete_pending: A.exe proven DP-9");
    let moved = r"+1.5 B.exe CreateFile C:\w\i\d\f access=DELETE share=RWD
+1.51 B.exe SetRenameInformationFile C:\w\i\d\f to=C:\w\i\d\t replace=no
+1.52 B.exe SetRenameInformationFile C:\w\i\d\t to=C:\w\i\d\f replace=no
";
    assert_eq!(
        told(&format!("{moved}+1.53 B.exe CloseFile C:\\w\\i\\d\\f\n")),
        "delete_pending: A.exe possible DP-9 | B.exe closed_before AT-4"
    );
}

/// A child process in a current directory that only its start tells.
fn in_directory(directory: &str, lines: &str) -> Vec<String> {
    let cast = CAST.to_owned()
        + "process 400 C.exe as CH\n  image C:\\Prog\\C.exe\n  company Cee\n  parent A.exe\nprocess 4 System\n";
    let started = format!("+1 A.exe ProcessCreate CH\n+1.01 CH:404 ProcessStart directory={directory}\n");
    failures(&Built::of(&format!("{cast}{MADE}{started}{lines}")).record())
}

/// VI-10: an inferred current directory does not outlast a success that it would have refused.
#[test]
fn vi_10_a_folder_that_was_opened_for_deletion() {
    let told = |before: &str, after: &str| {
        in_directory(
            r"C:\w\i\d\",
            &format!(
                r"{before}+2 V.exe CreateFile C:\w\i\d access=DELETE share=RWD options=DIRECTORY_FILE -> SHARING VIOLATION
{after}+3 CH:404 ProcessExit
+3.1 V.exe CreateFile C:\w\i\d access=DELETE share=RWD options=DIRECTORY_FILE"
            ),
        )
        .iter()
        .map(|one| accused(one))
        .collect::<String>()
    };
    let opens = |at: &str, who: &str| {
        format!(
            "+{at} {who} CreateFile C:\\w\\i\\d access=DELETE share=RWD options=DIRECTORY_FILE
+{at}1 {who} CloseFile C:\\w\\i\\d
"
        )
    };
    let likely = "share_conflict: C.exe likely VI-10 confirmed";
    let possible = "share_conflict: C.exe possible VI-10";
    assert_eq!(told("", ""), likely);
    assert_eq!(told("", &opens("2.5", "B.exe")), possible);
    assert_eq!(told("", &there_and_back("2.5", "B.exe", r"C:\w\i", r"C:\w\k")), possible);
    for gone in [opens("1.5", "B.exe"), there_and_back("1.5", "B.exe", r"C:\w\i", r"C:\w\k")] {
        assert_eq!(told(&gone, ""), "share_conflict: not_visible");
    }
    // SA-12; before its start; after its end.
    assert_eq!(told(&opens("1.5", "System"), ""), likely);
    assert_eq!(told("", &opens("2.5", "System")), likely);
    assert_eq!(told(&opens("0.9", "B.exe"), ""), likely);
    // AT-5: a folder made later under the same name.
    let anew = r"+1.5 V.exe CreateFile C:\w\i\d access=LIST_DIRECTORY share=RWD disposition=CREATE options=DIRECTORY_FILE
+1.6 V.exe CloseFile C:\w\i\d
";
    assert_eq!(told(anew, ""), "share_conflict: not_visible");
}

/// RN-3, VI-10: a current directory below a folder keeps it from being renamed, which the end of its process shows.
#[test]
fn rn_3_a_current_directory_below() {
    let told = |directory: &str, before: &str, after: &str, exit: &str| {
        let said = in_directory(
            directory,
            &format!(
                r"{before}+2 V.exe CreateFile C:\w\i\d access=DELETE share=RWD options=DIRECTORY_FILE
+2.01 V.exe SetRenameInformationFile C:\w\i\d to=C:\w\i\z replace=no -> ACCESS DENIED
+2.02 V.exe CloseFile C:\w\i\d
{after}{exit}+3.1 V.exe CreateFile C:\w\i\d access=DELETE share=RWD options=DIRECTORY_FILE
+3.11 V.exe SetRenameInformationFile C:\w\i\d to=C:\w\i\z replace=no"
            ),
        );
        said.iter().map(|one| accused(one)).collect::<Vec<_>>()
    };
    let (sub, exit) = (r"C:\w\i\d\s", "+3 CH:404 ProcessExit\n");
    let moved = |at: &str| there_and_back(at, "B.exe", r"C:\w\i\d", r"C:\w\i\u");
    assert_eq!(told(sub, "", "", exit), ["rename_blocked: C.exe likely RN-3 confirmed"]);
    assert_eq!(told(sub, "", &moved("2.5"), exit), ["rename_blocked: C.exe possible RN-3"]);
    // Access may be denied for other reasons.
    assert!(told(sub, &moved("1.5"), "", exit).is_empty());
    assert!(told(sub, "", "", "").is_empty());
    assert!(told(sub, "+1.9 CH:404 ProcessExit\n", "", "").is_empty());
    assert!(told(r"C:\w\i\d2\s", "", "", exit).is_empty());
    // Who is shown to have something open there explains it.
    let open = "+1.5 B.exe CreateFile C:\\w\\i\\d\\f access=GENERIC_READ share=RWD\n";
    let close = "+2.9 B.exe CloseFile C:\\w\\i\\d\\f\n";
    assert_eq!(told(sub, open, close, exit), ["rename_blocked: B.exe proven RN-3 confirmed"]);
}
