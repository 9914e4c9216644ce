//! A volume named by its device or GUID, tied to a letter by the number of a transaction in a path: what else happened in the
//! folder of the transaction may show it to be another volume (AT-2, AT-11).

#![allow(clippy::unwrap_used)]

mod verdicts;

use verdicts::{Built, failures};

const FOLDER: &str = r"\Windows\WinSxS\Temp\InFlight\b89e6f99a5d9d801bf010000280dd404";
const DEVICE: &str = r"\Device\HarddiskVolume9";

/// What is said when `A.exe` has `f.dll` open by the device and `V.exe` may not delete it by the letter until then; of the
/// capture and of the extract of the case. `$F` is the folder.
fn said(before: &str, device: &str) -> [Vec<String>; 2] {
    let lines = format!(
        r"+0.1 V.exe CreateFile C:$F access=LIST_DIRECTORY share=RWD disposition=CREATE options=DIRECTORY_FILE
+0.11 V.exe CloseFile C:$F
+0.3 V.exe CreateFile C:$F\f.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.31 V.exe CloseFile C:$F\f.dll
{before}
+1 A.exe CreateFile {device}$F\f.dll access=READ_DATA share=RW
+2 V.exe CreateFile C:$F\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile {device}$F\f.dll
+4 V.exe CreateFile C:$F\f.dll access=DELETE share=RWD
+4.1 V.exe CloseFile C:$F\f.dll"
    )
    .replace("$F", FOLDER);
    let built = Built::new(&lines);
    let told = |record| {
        let said = failures(&record).into_iter();
        said.map(|line| line.split_once(": ").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    [told(built.record()), told(built.record_of_extract())]
}

/// What is done to another file of the folder, or to the folder.
fn with(before: &str) -> [Vec<String>; 2] {
    said(before, DEVICE)
}

fn both(line: &str) -> [Vec<String>; 2] {
    [vec![line.to_owned()], vec![line.to_owned()]]
}

const PROVEN: &str = "A.exe proven SA-3 confirmed";
const POSSIBLE: &str = "A.exe possible SA-3";

#[test]
fn the_number_of_a_transaction_ties_what_nothing_speaks_against() {
    assert_eq!(with(""), both(PROVEN));
    for fitting in [
        // By both names, one after the other.
        r"+0.4 V.exe CreateFile C:$F\g.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.41 V.exe CloseFile C:$F\g.dll
+0.5 B.exe CreateFile \Device\HarddiskVolume9$F\g.dll access=READ_DATA share=RWD
+0.51 B.exe CloseFile \Device\HarddiskVolume9$F\g.dll",
        // Not there yet by the device either.
        r"+0.4 B.exe CreateFile \Device\HarddiskVolume9$F\g.dll access=READ_DATA share=RWD -> NAME NOT FOUND
+0.5 V.exe CreateFile C:$F\g.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.51 V.exe CloseFile C:$F\g.dll",
        // Where it is not.
        r"+0.4 B.exe CreateFile D:$F\g.dll access=READ_DATA share=RWD -> PATH NOT FOUND",
        // Another transaction's folder is on another volume.
        r"+0.4 B.exe CreateFile D:\Windows\WinSxS\Temp\InFlight\c99e6f99a5d9d801bf010000280dd404\g.dll access=READ_DATA share=RWD
+0.41 B.exe CloseFile D:\Windows\WinSxS\Temp\InFlight\c99e6f99a5d9d801bf010000280dd404\g.dll",
    ] {
        assert_eq!(with(fitting), both(PROVEN), "{fitting}");
    }
}

#[test]
fn a_second_volume_with_that_folder_unties_it() {
    for other in ["D:", r"\Device\HarddiskVolume3"] {
        let opened = format!(
            r"+0.4 B.exe CreateFile {other}$F\g.dll access=READ_DATA share=RWD
+0.41 B.exe CloseFile {other}$F\g.dll"
        );
        assert_eq!(with(&opened), both(POSSIBLE), "{other}");
    }
    // A GUID is another name of a volume, no other volume.
    let guid = r"+0.4 B.exe CreateFile \\?\Volume{12345678-0000-0000-0000-100000000000}$F\g.dll access=READ_DATA share=RWD
+0.41 B.exe CloseFile \\?\Volume{12345678-0000-0000-0000-100000000000}$F\g.dll";
    assert_eq!(with(guid), both(PROVEN));
    assert_eq!(said("", r"\\?\Volume{12345678-0000-0000-0000-100000000000}"), both(PROVEN));
}

#[test]
fn what_cannot_be_one_files_history_unties_it() {
    for strange in [
        // There by the device before it was made.
        r"+0.2 B.exe CreateFile \Device\HarddiskVolume9$F\f.dll access=READ_DATA share=RWD
+0.21 B.exe CloseFile \Device\HarddiskVolume9$F\f.dll",
        r"+0.05 B.exe CreateFile \Device\HarddiskVolume9$F\g.dll access=READ_DATA share=RWD
+0.06 B.exe CloseFile \Device\HarddiskVolume9$F\g.dll",
        r"+0.05 B.exe CreateFile \Device\HarddiskVolume9$F access=LIST_DIRECTORY share=RWD
+0.06 B.exe CloseFile \Device\HarddiskVolume9$F",
        // There by the device after it was deleted.
        r"+0.4 V.exe CreateFile C:$F\g.dll access=GENERIC_WRITE,DELETE share=RWD disposition=CREATE
+0.41 V.exe SetDispositionInformationFile C:$F\g.dll delete=yes
+0.42 V.exe CloseFile C:$F\g.dll
+0.5 B.exe CreateFile \Device\HarddiskVolume9$F\g.dll access=READ_DATA share=RWD
+0.51 B.exe CloseFile \Device\HarddiskVolume9$F\g.dll",
        // Not there by the device though it is.
        r"+0.4 V.exe CreateFile C:$F\g.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.41 V.exe CloseFile C:$F\g.dll
+0.5 B.exe CreateFile \Device\HarddiskVolume9$F\g.dll access=READ_DATA share=RWD -> NAME NOT FOUND",
    ] {
        assert_eq!(with(strange), both(POSSIBLE), "{strange}");
    }
}

/// Two opens that cannot have stood together on one file show two, though it is another file of the folder.
#[test]
fn two_opens_of_another_file_that_stood_together_tell_the_volumes_apart() {
    let [whole, extract] = with(
        r"+0.4 V.exe CreateFile C:$F\g.dll access=GENERIC_WRITE share=none disposition=CREATE
+0.5 B.exe CreateFile \Device\HarddiskVolume9$F\g.dll access=READ_DATA share=R
+0.51 B.exe CloseFile \Device\HarddiskVolume9$F\g.dll
+0.6 V.exe CloseFile C:$F\g.dll",
    );
    assert_eq!(whole, ["not_visible"]);
    assert_eq!(extract, whole);
}
