//! How the name of one file may be written: prefixes, volumes, letter case. Small scenarios with all that is said about them,
//! predicted from the locking reference.

mod verdicts;

use verdicts::{met, said};

#[test]
fn prefixes_and_volumes() {
    let guid = r"\\?\Volume{12345678-0000-0000-0000-100000000000}";
    let in_flight = r"\Windows\WinSxS\Temp\InFlight\b89e6f99a5d9d801bf010000280dd404\f.dll";
    // `\\?\` is a spelling.
    assert_eq!(met(r"\\?\C:\d\f.dll", r"C:\d\f.dll", r"C:\d\f.dll"), ["1 share_conflict: A.exe proven SA-3 confirmed"]);
    // So is that of a share.
    assert_eq!(
        said(
            r#"+1 A.exe CreateFile \\?\UNC\srv\s\f.dll access=READ_DATA share=RW
+2 V.exe CreateFile \\srv\s\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile \\srv\s\f.dll"#
        ),
        ["1 share_conflict: A.exe proven SA-3"]
    );
    // Nothing ties this volume to a letter, nor to another one.
    assert_eq!(
        met(&format!(r"{guid}\d\f.dll"), &format!(r"{guid}\d\f.dll"), r"C:\d\f.dll"),
        ["1 share_conflict: A.exe possible SA-3"]
    );
    // A path with the number of a transaction exists once: it ties the volume to the letter.
    assert_eq!(
        met(&format!(r"{guid}{in_flight}"), &format!(r"{guid}{in_flight}"), &format!(r"C:{in_flight}")),
        ["1 share_conflict: A.exe proven SA-3 confirmed"]
    );
    // By all three names of the volume.
    assert_eq!(
        met(
            &format!(r"\??\Volume{{12345678-0000-0000-0000-100000000000}}{in_flight}"),
            &format!(r"\Device\HarddiskVolume3{in_flight}"),
            &format!(r"C:{in_flight}")
        ),
        ["1 share_conflict: A.exe proven SA-3 confirmed"]
    );
    // The refused open by the GUID.
    assert_eq!(
        said(&format!(
            r#"+1 A.exe CreateFile C:{in_flight} access=READ_DATA share=RW
+2 V.exe CreateFile {guid}{in_flight} access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:{in_flight}"#
        )),
        ["1 share_conflict: A.exe proven SA-3"]
    );
    // A volume without a letter.
    assert_eq!(
        said(
            r#"+1 A.exe CreateFile \Device\HarddiskVolume7\w\f.dll access=READ_DATA share=RW
+2 V.exe CreateFile \Device\HarddiskVolume7\w\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile \Device\HarddiskVolume7\w\f.dll"#
        ),
        ["1 share_conflict: A.exe proven SA-3"]
    );
    // A mount folder: the redirected open shows where it went.
    assert_eq!(
        said(
            r#"+1 A.exe CreateFile \Device\HarddiskVolume5\f.dll access=READ_DATA share=RW
+2 V.exe CreateFile C:\mnt\f.dll access=DELETE share=RWD -> REPARSE tag=0xA0000003
+2.00001 V.exe CreateFile \Device\HarddiskVolume5\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile \Device\HarddiskVolume5\f.dll"#
        ),
        ["2 share_conflict: A.exe proven SA-3"]
    );
    // A junction.
    assert_eq!(
        said(
            r#"+1 A.exe CreateFile C:\real\f.dll access=READ_DATA share=RW
+2 V.exe CreateFile C:\junc\f.dll access=DELETE share=RWD -> REPARSE tag=0xA0000003
+2.0001 V.exe CreateFile C:\real\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\real\f.dll
+4 V.exe CreateFile C:\real\f.dll access=DELETE share=RWD
+5 V.exe CloseFile C:\real\f.dll"#
        ),
        ["2 share_conflict: A.exe proven SA-3 confirmed"]
    );
    // Equal ids on two volumes are no proof.
    assert_eq!(
        said(
            r#"+1 A.exe CreateFile D:\w\d\f.dll access=READ_DATA share=RW
+1.1 A.exe QueryFileInternalInformationFile D:\w\d\f.dll id=0x1000000000005678
+1.2 V.exe CreateFile C:\w\d\f.dll access=READ_ATTRIBUTES share=RWD
+1.3 V.exe QueryFileInternalInformationFile C:\w\d\f.dll id=0x1000000000005678
+1.4 V.exe CloseFile C:\w\d\f.dll
+2 V.exe CreateFile C:\w\d\f.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile D:\w\d\f.dll"#
        ),
        ["5 share_conflict: not_visible"]
    );
}

#[test]
fn letter_case_counts_where_it_is_shown_to() {
    // Not shown: one file.
    assert_eq!(met(r"C:\d\x.dll", r"C:\d\x.dll", r"C:\d\X.DLL"), ["1 share_conflict: A.exe proven SA-3 confirmed"]);
    // Both made, neither gone: two files.
    assert_eq!(
        said(
            r#"+0.5 V.exe CreateFile C:\w\d\x.dll access=GENERIC_WRITE share=RWD disposition=CREATE
+0.6 V.exe CloseFile C:\w\d\x.dll
+0.7 V.exe CreateFile C:\w\d\X.DLL access=GENERIC_WRITE share=RWD disposition=CREATE
+0.8 V.exe CloseFile C:\w\d\X.DLL
+1 A.exe CreateFile C:\w\d\x.dll access=READ_DATA share=RW
+1.1 B.exe CreateFile C:\w\d\X.DLL access=READ_DATA share=RW
+2 V.exe CreateFile C:\w\d\X.DLL access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\x.dll
+4 B.exe CloseFile C:\w\d\X.DLL"#
        ),
        ["6 share_conflict: B.exe proven SA-3 | A.exe same_name_other_file AT-2"]
    );
    // The first went when it was closed: one name.
    assert_eq!(
        said(
            r#"+0.5 V.exe CreateFile C:\w\d\x.dll access=GENERIC_WRITE share=RWD disposition=CREATE options=DELETE_ON_CLOSE
+0.6 V.exe CloseFile C:\w\d\x.dll
+0.7 V.exe CreateFile C:\w\d\X.DLL access=GENERIC_WRITE share=RWD disposition=CREATE
+0.8 V.exe CloseFile C:\w\d\X.DLL
+1 A.exe CreateFile C:\w\d\x.dll access=READ_DATA share=RW
+2 V.exe CreateFile C:\w\d\X.DLL access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\x.dll"#
        ),
        ["5 share_conflict: A.exe proven SA-3"]
    );
    // Both in one listing.
    assert_eq!(
        said(
            r#"+0.5 V.exe CreateFile C:\w\d access=LIST_DIRECTORY share=RWD
+0.6 V.exe QueryDirectory C:\w\d pattern=* entry=x.dll entry=X.DLL
+0.7 V.exe CloseFile C:\w\d
+1 A.exe CreateFile C:\w\d\x.dll access=READ_DATA share=RW
+1.1 B.exe CreateFile C:\w\d\X.DLL access=READ_DATA share=RW
+2 V.exe CreateFile C:\W\D\X.DLL access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\x.dll
+4 B.exe CloseFile C:\w\d\X.DLL"#
        ),
        ["5 share_conflict: B.exe proven SA-3"]
    );
    // Two ids are two files; one id is one file, however spelled.
    for (id, said_of) in
        [("0x2000000000001111", "B.exe proven SA-3"), ("0x1000000000005678", "A.exe proven SA-3 B.exe proven SA-3")]
    {
        let lines = format!(
            r#"+1 A.exe CreateFile C:\w\d\x.dll access=READ_DATA share=RW
+1.01 A.exe QueryFileInternalInformationFile C:\w\d\x.dll id=0x1000000000005678
+1.1 B.exe CreateFile C:\w\d\X.DLL access=READ_DATA share=RW
+1.11 B.exe QueryFileInternalInformationFile C:\w\d\X.DLL id={id}
+2 V.exe CreateFile C:\w\d\X.DLL access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\x.dll
+4 B.exe CloseFile C:\w\d\X.DLL"#
        );
        assert_eq!(said(&lines), [format!("4 share_conflict: {said_of}")]);
    }
    // The folder itself says so, or that it does not.
    for (answer, said_of) in [("01000000", "not_visible"), ("00000000", "A.exe proven SA-3")] {
        let lines = format!(
            r#"+0.6 V.exe QueryCaseSensitiveInformation C:\w\d answer={answer}
+1 A.exe CreateFile C:\w\d\x.dll access=READ_DATA share=RW
+2 V.exe CreateFile C:\w\d\X.DLL access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\x.dll"#
        );
        assert_eq!(said(&lines), [format!("2 share_conflict: {said_of}")]);
    }
    // It is made so; streams ignore case still.
    assert_eq!(
        said(
            r#"+0.6 V.exe SetInformation C:\w\d class=0x47 buffer=01000000
+1 A.exe CreateFile C:\w\d\x.dll:s access=READ_DATA share=RW
+1 B.exe CreateFile C:\w\d\X.DLL:S access=READ_DATA share=RW
+2 V.exe CreateFile C:\w\d\X.DLL:s access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\x.dll:s
+4 B.exe CloseFile C:\w\d\X.DLL:S"#
        ),
        ["3 share_conflict: B.exe proven SA-3"]
    );
}

/// VI-9: an 8.3 name of a folder on the way may be that folder's, a share of the machine is a spelling of its drive, and a folder
/// with the number of a transaction exists once, by whatever drive it is reached.
#[test]
fn other_ways_to_a_file_are_possible_at_most_and_clear_nobody() {
    let id = "b89e6f99a5d9d801bf010000280dd404";
    let wanted = format!(r"C:\Windows.before\WinSxS\Temp\InFlight\{id}\f.dll");
    for path in [
        r"C:\Windows.before\WinSxS\Temp\InFlight\B89E6F~1\f.dll".to_owned(),
        format!(r"C:\WINDOW~1.BEF\WinSxS\Temp\InFlight\{id}\f.dll"),
        format!(r"\Device\Mup\localhost\C$\Windows.before\WinSxS\Temp\InFlight\{id}\f.dll"),
        format!(r"\\localhost\C$\WINDOW~1.BEF\WinSxS\Temp\InFlight\{id}\f.dll"),
        format!(r"S:\InFlight\{id}\f.dll"),
    ] {
        assert_eq!(met(&path, &path, &wanted), ["1 share_conflict: A.exe possible SA-3"], "{path}");
    }
    // A name that fits 8.3 has no other: that is a folder of its own, if one whose file may be a hard link.
    let own = format!(r"C:\Windows.before\WINSXS~1\Temp\InFlight\{id}\f.dll");
    assert_eq!(met(&own, &own, &wanted), ["1 share_conflict: not_visible"]);
    for path in [
        r"C:\Windows.before\WinSxS\Temp\InFlight\B98E6F~1\f.dll".to_owned(),
        r"C:\Windows.before\WinSxS\Temp\InFlight\aa9e6f99a5d9d801bf010000280dd404\f.dll".to_owned(),
    ] {
        let cleared = ["1 share_conflict: not_visible | A.exe same_name_other_file AT-2"];
        assert_eq!(met(&path, &path, &wanted), cleared, "{path}");
    }
}
