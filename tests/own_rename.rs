//! A rename may be refused for itself, by the rights of the handle it was asked through or by its source: then who has the target
//! open is not proven (RN-1, RN-4, DP-1, DP-6, AT-3).

mod verdicts;

use verdicts::said;

const S: &str = r"C:\w\i\d\s";
const SOURCE: &str = "+1.8 V.exe CreateFile C:\\w\\i\\d\\s access=DELETE share=RWD\n";

fn without_number(line: &str) -> String {
    line.split_once(' ').map(|(_, told)| told.to_owned()).unwrap_or_default()
}

/// What is said of a refused rename or link onto a file that `A.exe` has open.
fn told(operation: &str, before: &str, after: &str) -> String {
    let said = said(&format!(
        r"+0.5 V.exe CreateFile C:\w\i\d access=LIST_DIRECTORY share=RWD disposition=CREATE options=DIRECTORY_FILE
+0.51 V.exe CloseFile C:\w\i\d
+0.6 V.exe CreateFile C:\w\i\d\s access=GENERIC_WRITE share=R disposition=CREATE
+0.61 V.exe CloseFile C:\w\i\d\s
+0.62 V.exe CreateFile C:\w\i\d\t access=GENERIC_WRITE share=R disposition=CREATE
+0.63 V.exe CloseFile C:\w\i\d\t
+1 A.exe CreateFile C:\w\i\d\t access=GENERIC_READ share=RWD
{before}+2 V.exe {operation} C:\w\i\d\s to=C:\w\i\d\t replace=yes -> ACCESS DENIED
{after}+3 A.exe CloseFile C:\w\i\d\t
+3.1 V.exe {operation} C:\w\i\d\s to=C:\w\i\d\t replace=yes"
    ));
    let of_rename = |one: &&String| one.contains("rename_blocked");
    said.iter().find(of_rename).map_or_else(String::new, |one| without_number(one))
}

fn renamed(before: &str, after: &str) -> String {
    told("SetRenameInformationFile", before, after)
}

const PROVEN: &str = "rename_blocked: A.exe proven RN-1 confirmed";
const LIKELY: &str = "rename_blocked: A.exe likely RN-1 confirmed";

#[test]
fn dp_1_which_of_two_own_handles_was_used_is_not_shown() {
    let opens = |at: &str, who: &str, access: &str| format!("+{at} {who} CreateFile {S} access={access} share=RWD\n");
    let and = |other: String| SOURCE.to_owned() + &other;
    assert_eq!(renamed(SOURCE, ""), PROVEN);
    for (at, access) in
        [("1.7", "GENERIC_READ"), ("1.9", "GENERIC_READ"), ("1.9", "READ_ATTRIBUTES"), ("1.9", "MAXIMUM_ALLOWED")]
    {
        let two = if at < "1.8" { opens(at, "V.exe", access) + SOURCE } else { and(opens(at, "V.exe", access)) };
        assert_eq!(renamed(&two, ""), LIKELY, "{at} {access}");
        // It may be the one that was closed, or the other.
        assert_eq!(renamed(&format!("{two}+1.95 V.exe CloseFile {S}\n"), ""), LIKELY, "{at} {access}");
    }
    // Both have the right; it was closed before; it is another's, or on a stream.
    assert_eq!(renamed(&and(opens("1.9", "V.exe", "DELETE")), ""), PROVEN);
    let closed = opens("1.6", "V.exe", "GENERIC_READ") + &format!("+1.7 V.exe CloseFile {S}\n") + SOURCE;
    assert_eq!(renamed(&closed, ""), PROVEN);
    assert_eq!(renamed(&and(opens("1.9", "B.exe", "GENERIC_READ")), ""), PROVEN);
    assert_eq!(renamed(&and(opens("1.9", "V.exe", "GENERIC_READ").replace(S, r"C:\w\i\d\s:z")), ""), PROVEN);
    // A link needs no such right.
    assert_eq!(told("SetLinkInformationFile", &and(opens("1.9", "V.exe", "GENERIC_READ")), ""), PROVEN);
    // RN-3: the same of a folder.
    let folder = |list: &str| {
        said(&format!(
            r"+1 A.exe CreateFile C:\w\i\d\f access=GENERIC_READ share=RWD
{list}+1.8 V.exe CreateFile C:\w\i\d access=DELETE share=RWD options=DIRECTORY_FILE
+2 V.exe SetRenameInformationFile C:\w\i\d to=C:\w\i\e replace=no -> ACCESS DENIED
+3 A.exe CloseFile C:\w\i\d\f"
        ))
    };
    assert_eq!(folder(""), ["2 rename_blocked: A.exe proven RN-3"]);
    let list = "+1.7 V.exe CreateFile C:\\w\\i\\d access=LIST_DIRECTORY share=RWD options=DIRECTORY_FILE\n";
    assert_eq!(folder(list), ["3 rename_blocked: A.exe likely RN-3"]);
}

#[test]
fn rn_4_the_source_may_have_been_pending_or_gone() {
    let by = |lines: &str| SOURCE.to_owned() + &lines.replace('@', S);
    // A mark of another's is certain: nobody is behind it.
    let mark = "+1.81 B.exe CreateFile @ access=DELETE share=RWD
+1.9 B.exe SetDispositionInformationFile @ delete=yes
";
    assert_eq!(renamed(&by(mark), ""), "");
    assert_eq!(told("SetLinkInformationFile", &by(mark), ""), LIKELY);
    let posix = "+1.81 B.exe CreateFile @ access=DELETE share=RWD
+1.9 B.exe SetDispositionInformationEx @ flags=DELETE,POSIX_SEMANTICS
+1.95 B.exe CloseFile @
";
    assert_eq!(renamed(&by(posix), ""), "");
    // Taken back before; set later.
    assert_eq!(renamed(&by(&format!("{mark}+1.95 B.exe SetDispositionInformationFile @ delete=no\n")), ""), PROVEN);
    let later = mark.replace("+1.8", "+2.1").replace("+1.9", "+2.2").replace('@', S);
    assert_eq!(renamed(SOURCE, &format!("{later}+2.3 B.exe SetDispositionInformationFile {S} delete=no\n")), PROVEN);
    // A mark that is not in the capture, before or after; unless an open shows that it was over, or came later.
    let asks = |at: &str, result: &str| format!("+{at} B.exe CreateFile {S} access=READ_DATA share=RWD{result}\n");
    for result in [" -> DELETE PENDING", " -> NAME NOT FOUND"] {
        assert_eq!(renamed(&(SOURCE.to_owned() + &asks("1.9", result)), ""), LIKELY, "{result}");
        assert_eq!(renamed(SOURCE, &asks("2.1", result)), LIKELY, "{result}");
        assert_eq!(renamed(SOURCE, &(asks("2.1", "") + &asks("2.2", result))), PROVEN, "{result}");
    }
    let over = SOURCE.to_owned() + &asks("1.9", " -> DELETE PENDING") + &asks("1.95", "");
    assert_eq!(renamed(&over, ""), PROVEN);
    // DP-4, AT-3: one of two handles was closed, perhaps the one whose close deletes.
    let on_close = "+1.81 B.exe CreateFile @ access=DELETE share=RWD options=DELETE_ON_CLOSE
+1.82 B.exe CreateFile @ access=READ_DATA share=RWD
";
    assert_eq!(renamed(&by(on_close), ""), PROVEN);
    assert_eq!(renamed(&by(&format!("{on_close}+1.9 B.exe CloseFile @\n")), ""), LIKELY);
    // VI-7: a mark may have been lost.
    assert_eq!(renamed(&by("+1.9 gap 1000\n"), ""), LIKELY);
}
