//! A listing ties an 8.3 name to the entry it shows, from when that was made until it goes (VI-9).

mod verdicts;

use verdicts::said;

/// `A.exe` opens by the 8.3 name; of `V.exe`'s operations the listing and what happens to the entry are given.
fn opened(before: &str, behind: &str, short: &str) -> Vec<String> {
    said(&format!(
        r"+0.01 V.exe CreateFile C:\w\v\d access=LIST_DIRECTORY share=RWD disposition=CREATE options=DIRECTORY_FILE
+0.02 V.exe CloseFile C:\w\v\d
+0.1 V.exe CreateFile C:\w\v\d\longnamed.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.11 V.exe CloseFile C:\w\v\d\longnamed.dll
{before}
+1 A.exe CreateFile {short} access=READ_DATA share=RW
{behind}
+2 V.exe CreateFile C:\w\v\d\longnamed.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile {short}
+4 V.exe CreateFile C:\w\v\d\longnamed.dll access=DELETE share=RWD
+4.1 V.exe CloseFile C:\w\v\d\longnamed.dll"
    ))
    .into_iter()
    .map(|line| line.split_once(' ').map(|(_, rest)| rest.to_owned()).unwrap_or_default())
    .collect()
}

/// What is said of the refusal, whatever its number.
const PROVEN: [&str; 1] = ["share_conflict: A.exe proven SA-3 confirmed"];
const POSSIBLE: [&str; 1] = ["share_conflict: A.exe possible SA-3"];

const LEAF: &str = r"C:\w\v\d\LONGNA~1.DLL";

fn listing(at: &str) -> String {
    format!(
        r"+{at} V.exe CreateFile C:\w\v\d access=LIST_DIRECTORY share=RWD
+{at}1 V.exe QueryDirectory C:\w\v\d pattern=* entry=longnamed.dll;LONGNA~1.DLL;0x1000000001234;ARCHIVE;10
+{at}2 V.exe CloseFile C:\w\v\d"
    )
}

const DELETED: &str = r"+0.4 V.exe CreateFile C:\w\v\d\longnamed.dll access=DELETE share=RWD
+0.41 V.exe SetDispositionInformationFile C:\w\v\d\longnamed.dll delete=yes
+0.42 V.exe CloseFile C:\w\v\d\longnamed.dll
+0.43 V.exe CreateFile C:\w\v\d\longnamother.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.44 V.exe CloseFile C:\w\v\d\longnamother.dll
+0.45 V.exe CreateFile C:\w\v\d\longnamed.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.46 V.exe CloseFile C:\w\v\d\longnamed.dll";

const MOVED: &str = r"+0.4 V.exe CreateFile C:\w\v\d\longnamed.dll access=DELETE share=RWD
+0.41 V.exe SetRenameInformationFile C:\w\v\d\longnamed.dll to=C:\w\v\d\z.dll
+0.42 V.exe SetRenameInformationFile C:\w\v\d\z.dll to=C:\w\v\d\longnamed.dll
+0.43 V.exe CloseFile C:\w\v\d\longnamed.dll";

#[test]
fn an_entry_keeps_its_short_name_while_it_is_there() {
    assert_eq!(opened(&listing("0.3"), "", LEAF), PROVEN);
    // Listed only afterwards, it had the name all the while.
    assert_eq!(opened("", &listing("1.3"), LEAF), PROVEN);
}

#[test]
fn the_next_entry_of_the_long_name_may_have_another() {
    for gone in [DELETED, MOVED] {
        assert_eq!(opened(&format!("{}\n{gone}", listing("0.3")), "", LEAF), POSSIBLE, "{gone}");
        // Its own listing ties it again.
        assert_eq!(opened(&format!("{}\n{gone}\n{}", listing("0.3"), listing("0.6")), "", LEAF), PROVEN, "{gone}");
    }
}

#[test]
fn so_it_is_with_a_folder() {
    let listed = r"+0.2 V.exe CreateFile C:\w\v access=LIST_DIRECTORY share=RWD
+0.21 V.exe QueryDirectory C:\w\v pattern=* entry=d;DFOLDE~1;0x1000000001234;DIRECTORY;0
+0.22 V.exe CloseFile C:\w\v";
    let moved = r"+0.4 V.exe CreateFile C:\w\v\d access=DELETE share=RWD options=DIRECTORY_FILE
+0.41 V.exe SetRenameInformationFile C:\w\v\d to=C:\w\v\z
+0.42 V.exe SetRenameInformationFile C:\w\v\z to=C:\w\v\d
+0.43 V.exe CloseFile C:\w\v\d";
    let short = r"C:\w\v\DFOLDE~1\longnamed.dll";
    assert_eq!(opened(listed, "", short), PROVEN);
    assert_eq!(opened(&format!("{listed}\n{moved}"), "", short), POSSIBLE);
}
