//! A file by other spellings of its path: 8.3 names of the file, of the folders on the way and of its links, and paths that may
//! lead to it (AT-2, VI-9). What a listing ties is the file's own; whatever else may be its is possible, and proves nobody else.

mod verdicts;

use verdicts::{met, said};

const ID: &str = "b89e6f99a5d9d801bf010000280dd404";

/// The file, in a folder that exists once.
fn file() -> String {
    format!(r"C:\Windows\WinSxS\Temp\InFlight\{ID}\longname.module.dll")
}

/// The listing of a folder at a time, with one entry and its 8.3 name.
fn listing(at: &str, folder: &str, entry: &str) -> String {
    format!(
        r#"+{at}1 V.exe CreateFile {folder} access=LIST_DIRECTORY share=RWD options=DIRECTORY_FILE
+{at}2 V.exe QueryDirectory {folder} pattern=* entry="{entry};0x1000000001234;ARCHIVE;10"
+{at}3 V.exe CloseFile {folder}
"#
    )
}

fn folder_listed() -> String {
    listing("0.1", r"C:\Windows\WinSxS\Temp\InFlight", &format!("{ID};B89E6F~1"))
}

fn leaf_listed() -> String {
    let folder = format!(r"C:\Windows\WinSxS\Temp\InFlight\{ID}");
    listing("0.2", &folder, "longname.module.dll;LONGNA~1.DLL")
}

/// What is said without the number of the event.
fn unnumbered(said: Vec<String>) -> Vec<String> {
    said.into_iter().map(|line| line.split_once(' ').map(|(_, rest)| rest.to_owned()).unwrap_or_default()).collect()
}

/// `A.exe` maps the file as an image and ends after the refusal; `B.exe` has `path` open until `closed`.
fn mapped_beside(before: &str, path: &str, closed: &str) -> Vec<String> {
    let file = file();
    unnumbered(said(&format!(
        r"{before}+1 A.exe CreateFile {file} access=READ_DATA,EXECUTE,SYNCHRONIZE share=RWD
+1.1 A.exe LoadImage {file} base=0x7ffd0c110000 size=0x2a000
+1.2 A.exe CloseFile {file}
+1.5 B.exe CreateFile {path} access=READ_DATA share=R
+2 V.exe CreateFile {file} access=GENERIC_WRITE share=RWD -> SHARING VIOLATION
+2.5 A.exe ProcessExit
+{closed} B.exe CloseFile {path}
+4 V.exe CreateFile {file} access=GENERIC_WRITE share=RWD
+4.1 V.exe CloseFile {file}"
    )))
}

const BESIDE_ANOTHER: [&str; 1] = ["share_conflict: B.exe proven SA-3 A.exe likely MM-2"];

#[test]
fn what_listings_tie_is_one_file_at_every_level() {
    assert_eq!(mapped_beside("", &file(), "3"), BESIDE_ANOTHER);
    let short = r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\LONGNA~1.DLL";
    assert_eq!(mapped_beside(&(folder_listed() + &leaf_listed()), short, "3"), BESIDE_ANOTHER);
    // Listed by its 8.3 name itself.
    let by_short = listing("0.2", r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1", "longname.module.dll;LONGNA~1.DLL");
    assert_eq!(mapped_beside(&(folder_listed() + &by_short), short, "3"), BESIDE_ANOTHER);
}

#[test]
fn what_a_listing_ties_to_a_link_is_the_file() {
    let file = file();
    let link = format!(
        r"+0.3 V.exe CreateFile {file} access=READ_ATTRIBUTES share=RWD
+0.31 V.exe SetLinkInformationFile {file} to=C:\Windows\System32\clipboardserver.dll
+0.32 V.exe CloseFile {file}
"
    );
    let short = r"C:\Windows\System32\CLIPBO~1.DLL";
    let listed = listing("0.4", r"C:\Windows\System32", "clipboardserver.dll;CLIPBO~1.DLL");
    assert_eq!(mapped_beside(&format!("{link}{listed}"), short, "3"), BESIDE_ANOTHER);
    let untied = ["image_section: A.exe likely MM-2 B.exe possible SA-3"];
    assert_eq!(mapped_beside(&link, short, "3"), untied);
    // It is no name of a link that is not there.
    assert_eq!(mapped_beside("", short, "3"), ["image_section: A.exe proven MM-2 confirmed"]);
}

/// The ways to the file of which nothing shows that they lead there.
fn other_ways() -> [String; 5] {
    [
        format!(r"C:\Windows\WinSxS\Temp\InFlight\{ID}\LONGNA~1.DLL"),
        r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\longname.module.dll".to_owned(),
        r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\LONGNA~1.DLL".to_owned(),
        format!(r"S:\Temp\InFlight\{ID}\longname.module.dll"),
        format!(r"\\srv\C$\Windows\WinSxS\Temp\InFlight\{ID}\longname.module.dll"),
    ]
}

/// AT-10: let go between the refusal and the success, it may have been what was in the way.
#[test]
fn who_lets_go_of_what_may_be_the_file_leaves_nothing_proven_by_a_release() {
    for way in other_ways() {
        let both = ["image_section: A.exe likely MM-2 B.exe possible SA-3"];
        assert_eq!(mapped_beside("", &way, "3"), both, "{way}");
        // AT-11: what would have refused the open that went through is another file.
        assert_eq!(mapped_beside("", &way, "5"), ["image_section: A.exe proven MM-2 confirmed"], "{way}");
    }
}

/// MM-5: the last mapping to go is not known to be the only one.
#[test]
fn a_mapping_of_what_may_be_the_file_leaves_no_other_proven_by_its_end() {
    let file = file();
    let maps = |way: &str| {
        unnumbered(said(&format!(
            r"+1 A.exe CreateFile {file} access=READ_DATA,EXECUTE,SYNCHRONIZE share=RWD
+1.1 A.exe LoadImage {file} base=0x7ffd0c110000 size=0x2a000
+1.2 A.exe CloseFile {file}
+1.5 B.exe CreateFile {way} access=READ_DATA,EXECUTE,SYNCHRONIZE share=RWD
+1.6 B.exe LoadImage {way} base=0x7ffd0c110000 size=0x2a000
+1.7 B.exe CloseFile {way}
+2 V.exe CreateFile {file} access=GENERIC_WRITE share=RWD -> SHARING VIOLATION
+2.5 B.exe ProcessExit
+3 A.exe ProcessExit
+4 V.exe CreateFile {file} access=GENERIC_WRITE share=RWD
+4.1 V.exe CloseFile {file}"
        )))
    };
    for way in &other_ways()[..3] {
        assert_eq!(maps(way), ["image_section: A.exe likely MM-2 B.exe possible MM-2"], "{way}");
    }
}

#[test]
fn every_level_may_be_a_short_name() {
    let wanted = file();
    for way in other_ways() {
        assert_eq!(met(&way, &way, &wanted), ["1 share_conflict: A.exe possible SA-3"], "{way}");
        // And the other way round.
        assert_eq!(met(&wanted, &wanted, &way), ["1 share_conflict: A.exe possible SA-3"], "{way}");
    }
    let other = r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\LONGER~1.DLL";
    assert_eq!(met(other, other, &wanted), ["1 share_conflict: not_visible"]);
}

/// `A.exe` has `path` open while `V.exe` may not delete the file.
fn held(before: &str, path: &str, wanted: &str) -> Vec<String> {
    unnumbered(said(&format!(
        r#"{before}+1 A.exe CreateFile {path} access=READ_DATA share=RW
+2 V.exe CreateFile {wanted} access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile {path}
+4 V.exe CreateFile {wanted} access=DELETE share=RWD
+5 V.exe CloseFile {wanted}"#
    )))
}

#[test]
fn what_is_tied_at_one_level_may_be_untied_at_another() {
    let short = r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\LONGNA~1.DLL";
    let possible = ["share_conflict: A.exe possible SA-3"];
    let proven = ["share_conflict: A.exe proven SA-3 confirmed"];
    assert_eq!(held(&folder_listed(), short, &file()), possible);
    assert_eq!(held(&leaf_listed(), short, &file()), possible);
    assert_eq!(held(&(folder_listed() + &leaf_listed()), short, &file()), proven);
    // By the victim, whose listing it is.
    assert_eq!(held(&(folder_listed() + &leaf_listed()), &file(), short), proven);
    // The folder has another 8.3 name.
    let other = listing("0.1", r"C:\Windows\WinSxS\Temp\InFlight", &format!("{ID};B89E6F~2"));
    assert_eq!(held(&(other + &leaf_listed()), short, &file()), ["share_conflict: not_visible"]);
}

#[test]
fn a_listing_of_the_upper_folders_ties_as_well() {
    for base in ["C:", r"C:\Data", r"C:\Data\Some\More"] {
        let folder = if base == "C:" { r"C:\" } else { base };
        let before = listing("0.1", folder, "Program Files;PROGRA~1");
        let app = listing("0.2", &format!(r#""{base}\Program Files\App""#), "longname.module.dll;LONGNA~1.DLL");
        let long = format!(r#""{base}\Program Files\App\longname.module.dll""#);
        let proven = ["share_conflict: A.exe proven SA-3 confirmed"];
        let by_folder = format!(r"{base}\PROGRA~1\App\longname.module.dll");
        let by_both = format!(r"{base}\PROGRA~1\App\LONGNA~1.DLL");
        assert_eq!(held(&before, &by_folder, &long), proven, "{base}");
        assert_eq!(held(&(before.clone() + &app), &by_both, &long), proven, "{base}");
        assert_eq!(held(&before, &long, &by_folder), proven, "{base}");
        assert_eq!(held("", &by_both, &long), ["share_conflict: A.exe possible SA-3"], "{base}");
    }
}

/// AT-5: an 8.3 name that was in use before the file had its name is that of another one.
#[test]
fn a_short_name_opened_before_the_name_was_given_is_anothers() {
    let moved = |opened: &str| {
        unnumbered(said(&format!(
            r"+0.5 V.exe CreateFile C:\w\d\z.dll access=GENERIC_WRITE,DELETE share=RWD
+{opened} A.exe CreateFile C:\w\d\LONGNA~1.DLL access=READ_DATA share=RW
+1 V.exe SetRenameInformationFile C:\w\d\z.dll to=C:\w\d\longname.module.dll
+1.1 V.exe CloseFile C:\w\d\longname.module.dll
+2 V.exe CreateFile C:\w\d\longname.module.dll access=DELETE share=RWD -> SHARING VIOLATION
+3 A.exe CloseFile C:\w\d\LONGNA~1.DLL
+4 V.exe CreateFile C:\w\d\longname.module.dll access=DELETE share=RWD
+5 V.exe CloseFile C:\w\d\longname.module.dll"
        )))
    };
    assert_eq!(moved("1.5"), ["share_conflict: A.exe possible SA-3"]);
    assert_eq!(moved("0.8"), ["share_conflict: not_visible"]);
}

/// DP-3, DR-1: the 8.3 name of what waits to be deleted is no other child of the folder.
#[test]
fn the_short_name_of_a_pending_child_is_no_live_child() {
    let lines = |path: &str| {
        format!(
            r"+1 A.exe CreateFile {path} access=READ_ATTRIBUTES share=RWD
+2 V.exe CreateFile C:\w\d\longname.module.dll access=DELETE share=RWD
+2.1 V.exe SetDispositionInformationFile C:\w\d\longname.module.dll delete=yes
+2.2 V.exe CloseFile C:\w\d\longname.module.dll
+2.3 V.exe CreateFile C:\w\d access=DELETE share=RWD options=DIRECTORY_FILE
+2.4 V.exe SetDispositionInformationFile C:\w\d delete=yes -> NOT EMPTY
+2.5 V.exe CloseFile C:\w\d
+2.6 V.exe CreateFile C:\w\d\longname.module.dll access=DELETE share=RWD -> DELETE PENDING
+3 A.exe CloseFile {path}
+4 V.exe CreateFile C:\w\d\longname.module.dll access=DELETE share=RWD -> NAME NOT FOUND"
        )
    };
    assert_eq!(
        said(&lines(r"C:\w\d\LONGNA~1.DLL")),
        ["5 directory_not_empty: A.exe possible DR-1", "7 delete_pending: A.exe possible DP-3"]
    );
    assert_eq!(
        said(&lines(r"C:\w\d\LONGER~1.DLL")),
        ["5 directory_not_empty: no_holder | A.exe handle_does_not_block DR-2", "7 delete_pending: not_visible"]
    );
    // One that is made by such a name is a child of its own.
    let made = r"+0.5 V.exe CreateFile C:\w\d\LONGNA~1.DLL access=GENERIC_WRITE share=RWD disposition=CREATE
+0.6 V.exe CloseFile C:\w\d\LONGNA~1.DLL
";
    assert_eq!(
        said(&format!("{made}{}", lines(r"C:\w\d\LONGNA~1.DLL"))),
        ["7 directory_not_empty: no_holder | A.exe handle_does_not_block DR-2", "9 delete_pending: not_visible"]
    );
}

/// AT-10: of two that kept the name, one by its 8.3 name, the first to go released nothing.
#[test]
fn a_name_is_kept_by_its_short_name_as_well() {
    let file = file();
    let kept = |before: &str, path: &str| {
        unnumbered(said(&format!(
            r"{before}+1 A.exe CreateFile {file} access=READ_ATTRIBUTES share=RWD
+1.5 B.exe CreateFile {path} access=READ_DATA share=RWD
+2 V.exe CreateFile {file} access=DELETE share=RWD
+2.1 V.exe SetDispositionInformationFile {file} delete=yes
+2.2 V.exe CloseFile {file}
+2.5 V.exe CreateFile {file} access=DELETE share=RWD -> DELETE PENDING
+3 A.exe CloseFile {file}
+3.5 B.exe CloseFile {path}
+4 V.exe CreateFile {file} access=DELETE share=RWD -> NAME NOT FOUND"
        )))
    };
    let short = r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\LONGNA~1.DLL";
    let listed = folder_listed() + &leaf_listed();
    assert_eq!(kept(&listed, short), ["delete_pending: A.exe proven DP-3 B.exe proven DP-3"]);
    assert_eq!(kept("", short), ["delete_pending: A.exe proven DP-3 B.exe possible DP-3"]);
    let another = r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\LONGER~1.DLL";
    assert_eq!(kept("", another), ["delete_pending: A.exe proven DP-3 confirmed"]);
}

/// An 8.3 name that was listed for an entry that has gone may be the next one's.
#[test]
fn the_short_name_of_a_folder_that_has_gone_may_be_that_of_the_next() {
    let gone = "b89e6f00000000000000000000000000";
    let folder = format!(r"C:\Windows\WinSxS\Temp\InFlight\{gone}");
    let listed = listing("0.1", r"C:\Windows\WinSxS\Temp\InFlight", &format!("{gone};B89E6F~1"));
    let deleted = format!(
        r"+0.2 V.exe CreateFile {folder} access=DELETE share=RWD options=DIRECTORY_FILE
+0.21 V.exe SetDispositionInformationFile {folder} delete=yes
+0.22 V.exe CloseFile {folder}
"
    );
    let short = r"C:\Windows\WinSxS\Temp\InFlight\B89E6F~1\longname.module.dll";
    let elsewhere = ["share_conflict: not_visible | A.exe same_name_other_file AT-2"];
    assert_eq!(held(&listed, short, &file()), elsewhere);
    assert_eq!(held(&format!("{listed}{deleted}"), short, &file()), ["share_conflict: A.exe possible SA-3"]);
}
