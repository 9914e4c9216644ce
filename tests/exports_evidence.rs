//! What the rows of an export show decides: where Windows lies, whose PID it was, what came first, what a handle keeps.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "tests")]

mod program;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const HEADER: &str = r#"start 2022-10-08T05:50:48.1234567Z
let F = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
let T = C:\Windows\WinSxS\Temp\InFlight\a\t.dll
process 3560 TiWorker.exe
  image C:\Windows\WinSxS\amd64_x\TiWorker.exe
  company "Microsoft Corporation"
  started -60
process 900 hold.exe
  image C:\Hold\hold.exe
  company "Hold Corp"
  started -50
process 901 other.exe
  image C:\Other\other.exe
  company "Other Corp"
  started -50
+1 TiWorker.exe:20 CreateFile ${F} access=GENERIC_WRITE share=R disposition=CREATE
+1.1 TiWorker.exe:20 CloseFile ${F}
+1.2 other.exe:40 CreateFile C:\Other\o.txt access=GENERIC_READ share=RWD
+1.21 other.exe:40 CloseFile C:\Other\o.txt
"#;
const HELD: &str = "+2 hold.exe:30 CreateFile ${F} access=GENERIC_READ share=RW\n+9 hold.exe:30 CloseFile ${F}\n";
const REFUSED: &str = "+5 TiWorker.exe:20 CreateFile ${F} access=DELETE share=RWD -> SHARING VIOLATION\n";
const DONE: &str =
    "+9.5 TiWorker.exe:20 CreateFile ${F} access=DELETE share=RWD\n+9.6 TiWorker.exe:20 CloseFile ${F}\n";
/// The end of a thread, which shows that process events were not filtered out.
const ENDS: &str = "+8 other.exe:40 ThreadExit status=0\n";
const ALL: &[&str] = &["--columns", "all"];
const NO_DETAIL: &[&str] = &["--columns", "Time of Day,Process Name,PID,TID,Operation,Path,Result,Duration"];

fn run(arguments: &[&str]) -> String {
    String::from_utf8(program::run(arguments)).unwrap()
}

/// A capture of these lines and its exports, in a folder of their own.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Self { folder };
        std::fs::write(made.at("x.scenario"), format!("{HEADER}{lines}")).unwrap();
        run(&["make", text(&made.at("x.scenario")), "-o", text(&made.at("x.PML"))]);
        made
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn capture(&self) -> Value {
        record(&self.at("x.PML"))
    }

    fn exported(&self, format: &str, arguments: &[&str]) -> PathBuf {
        let file = self.at(&format!("x.{format}"));
        let _ = std::fs::remove_file(&file);
        let from = self.at("x.PML");
        let all = ["events", text(&from), "--format", format, "-o", text(&file)];
        run(&[&all, arguments].concat());
        file
    }

    fn export(&self, format: &str, arguments: &[&str]) -> Value {
        record(&self.exported(format, arguments))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn record(file: &Path) -> Value {
    serde_json::from_str(&run(&["blame", text(file), "--json", "-", "--reproducible", "--no-hash"])).unwrap()
}

fn verdict(record: &Value) -> String {
    let holders = record["holders"].as_array().unwrap().iter();
    let holders: Vec<String> = holders
        .map(|one| format!("{} {}", one["process"]["name"].as_str().unwrap(), one["confidence"].as_str().unwrap()))
        .collect();
    format!("{}: {}", record["verdict"]["code"].as_str().unwrap(), holders.join(", "))
}

/// Process and reason of everybody who is cleared of the first failure.
fn cleared(record: &Value) -> Vec<String> {
    let list = record["failures"][0]["ruled_out"].as_array().unwrap().iter();
    list.map(|one| format!("{} {}", one["process"].as_str().unwrap(), one["reason"].as_str().unwrap())).collect()
}

fn quality<'r>(record: &'r Value, code: &str) -> Option<&'r str> {
    let mut list = record["capture"]["quality"].as_array().unwrap().iter();
    list.find(|one| one["code"] == code).map(|one| one["text"].as_str().unwrap())
}

#[test]
fn windows_lies_where_its_programs_run() {
    let refused = r"+0.1 other.exe:40 CreateFile D:\Windows\System32\a.dll access=GENERIC_READ share=RWD -> PATH NOT FOUND
";
    let opened = r"+0.1 other.exe:40 CreateFile D:\Windows\System32\a.dll access=GENERIC_READ share=RWD
+0.2 other.exe:40 CloseFile D:\Windows\System32\a.dll
+0.3 other.exe:40 CreateFile D:\Windows\System32\b${n}.dll access=GENERIC_READ share=RWD repeat=50 every=0.001
+0.4 other.exe:40 CloseFile D:\Windows\System32\b${n}.dll repeat=50 every=0.001
";
    for (first, name) in [(refused, "refused"), (opened, "opened")] {
        let made = Made::new(&format!("{first}{HELD}{REFUSED}{DONE}"));
        assert_eq!(verdict(&made.capture()), "culprit: hold.exe proven", "{name}");
        for (format, columns) in [("csv", ALL), ("csv", &[]), ("csv", NO_DETAIL), ("xml", ALL), ("xml", &[])] {
            let record = made.export(format, columns);
            assert_eq!(record["capture"]["system_root"], r"C:\Windows", "{name} {format} {columns:?}");
            assert_eq!(record["failures"].as_array().unwrap().len(), 1, "{name} {format} {columns:?}");
            assert_eq!(quality(&record, "refused_elsewhere"), None);
        }
    }
}

#[test]
fn a_refusal_in_the_folders_of_another_windows_is_told_of() {
    let elsewhere = r"+6 TiWorker.exe:20 CreateFile D:\Windows\WinSxS\Temp\InFlight\b\y.dll access=DELETE share=RWD -> SHARING VIOLATION
";
    let made = Made::new(&format!("{HELD}{elsewhere}{DONE}"));
    for record in [made.capture(), made.export("csv", &[]), made.export("xml", &[])] {
        assert_eq!(verdict(&record), "no_failures: ");
        assert_eq!(
            quality(&record, "refused_elsewhere"),
            Some(
                r"1 refused operation lies in the folders of another Windows than C:\Windows and is not looked into here (D:\Windows\WinSxS\Temp\InFlight\b\y.dll): --path names the folders to look into."
            )
        );
    }
    let file = made.exported("csv", &[]);
    let asked = [text(&file), "--path", r"D:\Windows\WinSxS\Temp", "--json", "-", "--reproducible", "--no-hash"];
    let record: Value = serde_json::from_str(&run(&asked)).unwrap();
    assert_eq!((record["failures"].as_array().unwrap().len(), quality(&record, "refused_elsewhere")), (1, None));
}

#[test]
fn a_process_whose_pid_another_has_had_ended_by_then() {
    let reused = r#"process 6120 a.exe as pa
  image C:\Tools\a.exe
  company "A Corp"
  started -100
process 6120 b.exe as pb
  image C:\Tools\b.exe
  company "B Corp"
+2 pa:61 CreateFile ${F} access=GENERIC_READ share=RW
+3 hold.exe:30 ProcessCreate pb
+3.1 pb:62 ProcessStart directory=C:\Tools\
+5 TiWorker.exe:20 CreateFile ${F} access=DELETE share=RWD -> SHARING VIOLATION
+6 pb:62 CloseFile ${F}
+7 TiWorker.exe:20 CreateFile ${F} access=DELETE share=RWD
+7.1 TiWorker.exe:20 CloseFile ${F}
"#;
    let made = Made::new(reused);
    assert_eq!(verdict(&made.capture()), "culprit: b.exe likely");
    assert_eq!(cleared(&made.capture()), ["a.exe exited_before"]);
    // Without its start no row tells how far UTC is; then the list has no times to compare.
    let unanchored = ["--exclude", "Operation is Process Start"];
    for (format, columns) in
        [("csv", ALL), ("csv", &[]), ("xml", ALL), ("xml", &[]), ("xml", &unanchored), ("csv", &unanchored)]
    {
        let record = made.export(format, columns);
        assert_eq!(verdict(&record), "culprit: b.exe likely", "{format} {columns:?}");
        assert_eq!(cleared(&record), ["a.exe exited_before"], "{format} {columns:?}");
    }
}

#[test]
fn rows_of_one_time_follow_each_other_as_they_stand() {
    let held = "+2 hold.exe:30 CreateFile ${F} access=GENERIC_READ share=RW\n";
    let close = "+5 hold.exe:30 CloseFile ${F} dur=1us\n";
    let refused = "+5 TiWorker.exe:20 CreateFile ${F} access=DELETE share=RWD dur=1us -> SHARING VIOLATION\n";
    let after = Made::new(&format!("{held}{refused}{close}{DONE}"));
    assert_eq!(verdict(&after.capture()), "culprit: hold.exe likely");
    for format in ["csv", "xml"] {
        let record = after.export(format, &[]);
        assert_eq!(verdict(&record), "culprit: hold.exe likely", "{format}");
        assert!(cleared(&record).is_empty(), "{format}: {:?}", cleared(&record));
    }
    // A close that stands before the refusal may be under way still: no accusation, and nobody is cleared.
    for before in [close.to_owned(), close.replace("+5", "+4.995")] {
        let record = Made::new(&format!("{held}{before}{refused}{DONE}")).export("csv", &[]);
        assert_eq!(verdict(&record), "no_visible_holder: ", "{before}");
        assert!(cleared(&record).is_empty(), "{before}: {:?}", cleared(&record));
    }
}

#[test]
fn a_reader_that_shares_nothing_is_not_cleared_by_its_own_open() {
    let lines = r"+2.1 hold.exe:30 CreateFile ${F} access=GENERIC_READ share=none
+5 TiWorker.exe:20 CreateFile ${F} access=GENERIC_READ share=R -> SHARING VIOLATION
+9 hold.exe:30 CloseFile ${F}
+9.5 TiWorker.exe:20 CreateFile ${F} access=GENERIC_READ share=R
+9.6 TiWorker.exe:20 CloseFile ${F}
";
    let made = Made::new(lines);
    for record in [made.capture(), made.export("csv", ALL), made.export("csv", &[]), made.export("xml", &[])] {
        assert_eq!(record["failures"][0]["holders"][0]["process"], "hold.exe");
        assert_eq!(cleared(&record), [""; 0]);
    }
}

#[test]
fn a_closed_handle_clears_nobody_of_a_mapping() {
    let mapped = r"+2 hold.exe:30 CreateFile ${F} access=GENERIC_READ share=RWD
+2.1 hold.exe:30 CreateFileMapping ${F} sync=CREATE_SECTION protect=PAGE_READONLY -> FILE LOCKED WITH ONLY READERS
+2.2 hold.exe:30 CloseFile ${F}
+5 TiWorker.exe:20 CreateFile ${F} access=GENERIC_WRITE share=RWD disposition=OVERWRITE_IF -> USER MAPPED FILE
";
    let loaded = r"+2 hold.exe:30 CreateFile ${F} access=READ_DATA,EXECUTE share=RD
+2.1 hold.exe:30 LoadImage ${F} size=0x20000
+2.2 hold.exe:30 CloseFile ${F}
+5 TiWorker.exe:20 CreateFile ${F} access=GENERIC_WRITE share=RWD -> SHARING VIOLATION
";
    let undeletable = r"+2 hold.exe:30 CreateFile ${F} access=READ_DATA,EXECUTE share=RD
+2.1 hold.exe:30 LoadImage ${F} size=0x20000
+2.2 hold.exe:30 CloseFile ${F}
+4 TiWorker.exe:20 CreateFile ${F} access=DELETE share=RWD
+5 TiWorker.exe:20 SetDispositionInformationEx ${F} flags=DELETE,FORCE_IMAGE_SECTION_CHECK handle=0x44 -> CANNOT DELETE
+6 TiWorker.exe:20 CloseFile ${F}
";
    let rank = |record: &Value| {
        let grade = record["holders"][0]["confidence"].as_str().unwrap_or_default();
        ["", "possible", "likely", "proven"].iter().position(|known| *known == grade).unwrap()
    };
    for (lines, name) in [(mapped, "mapped"), (loaded, "loaded"), (undeletable, "undeletable")] {
        let made = Made::new(&(lines.to_owned() + ENDS));
        let record = made.export("csv", NO_DETAIL);
        assert_eq!(record["failures"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(made.capture()["holders"][0]["process"]["name"], "hold.exe", "{name}");
        assert!(rank(&record) <= rank(&made.capture()), "{name}: {}", verdict(&record));
        assert!(!cleared(&record).iter().any(|one| one.starts_with("hold.exe")), "{name}: {:?}", cleared(&record));
    }
    for lines in [mapped, undeletable] {
        let told = Made::new(&(lines.to_owned() + ENDS)).export("csv", NO_DETAIL);
        assert_eq!(verdict(&told), "culprit: hold.exe likely");
        // Without a row about any process, its end may have been filtered out, and the mapping with it.
        let filtered = Made::new(lines).export("csv", NO_DETAIL);
        assert_eq!(verdict(&filtered), "no_visible_holder: hold.exe possible");
    }
}

#[test]
fn a_pending_target_that_is_not_told_names_nobody() {
    let lines = r"+2 hold.exe:30 CreateFile ${T} access=GENERIC_READ share=RWD
+2.1 TiWorker.exe:20 CreateFile ${T} access=DELETE share=RWD
+2.2 TiWorker.exe:20 SetDispositionInformationFile ${T} delete=yes handle=0x44
+2.3 TiWorker.exe:20 CloseFile ${T}
+2.4 TiWorker.exe:20 CreateFile ${F} access=DELETE share=RWD
+5 TiWorker.exe:20 SetRenameInformationFile ${F} to=${T} replace=yes -> DELETE PENDING
+6 hold.exe:30 CloseFile ${T}
+7 TiWorker.exe:20 SetRenameInformationFile ${F} to=${T} replace=yes
+7.1 TiWorker.exe:20 CloseFile ${T}
";
    let made = Made::new(lines);
    assert_eq!(verdict(&made.capture()), "culprit: hold.exe proven");
    assert_eq!(verdict(&made.export("csv", ALL)), "culprit: hold.exe proven");
    let record = made.export("csv", NO_DETAIL);
    assert_eq!(verdict(&record), "no_visible_holder: ");
    assert_eq!(cleared(&record), [""; 0]);
}

#[test]
fn the_note_on_missing_closes_and_the_grade_agree() {
    let opens =
        "+1.5 other.exe:40 CreateFile C:\\Other\\h${n}.dll access=GENERIC_READ share=RWD repeat=40 every=0.001\n";
    let held = "+2 hold.exe:30 CreateFile ${F} access=GENERIC_READ share=RW\n";
    // Two closes of other files; then the hold's own as well.
    for (lines, name) in [(format!("{opens}{held}{REFUSED}"), "open"), (format!("{opens}{HELD}{REFUSED}"), "closed")] {
        let made = Made::new(&lines);
        for record in [made.capture(), made.export("csv", ALL), made.export("xml", ALL)] {
            assert!(quality(&record, "no_close_events").unwrap().contains("nothing here can be proven"), "{name}");
            assert_eq!(verdict(&record), "no_visible_holder: hold.exe possible", "{name}");
        }
    }
    // A handful of opens without any close.
    let few = Made::new(&format!("{held}{REFUSED}"))
        .export("csv", &["--columns", "all", "--exclude", "Operation is CloseFile"]);
    assert!(quality(&few, "no_close_events").is_some());
    // The installer's own handle does not seem closed either.
    assert_eq!(verdict(&few), "no_visible_holder: hold.exe possible, TiWorker.exe possible");
}

#[test]
fn without_stacks_a_filter_in_a_process_s_name_is_said_not_to_be_told_apart() {
    let made = Made::new(&format!("{HELD}{REFUSED}{DONE}"));
    for (format, columns) in [("csv", ALL), ("csv", &[]), ("xml", ALL)] {
        let file = made.exported(format, columns);
        let shown = |lang: &str| {
            let all = ["blame", text(&file), "--json", "-", "--reproducible", "--no-hash", "--lang", lang];
            let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(all).output().unwrap();
            let record: Value = serde_json::from_slice(&output.stdout).unwrap();
            (verdict(&record), quality(&record, "no_stacks").unwrap().to_owned())
        };
        let (english, chinese) = (shown("en"), shown("zh-CN"));
        assert_eq!(english.0, chinese.0);
        assert!(english.0.starts_with("culprit: hold.exe"), "{}", english.0);
        assert_eq!(
            english.1,
            "The events carry no call stacks: a filter driver acting in the name of a process cannot be told from the process."
        );
        assert_eq!(chinese.1, "事件不含调用堆栈：无法区分以进程名义操作的筛选器驱动与进程本身。");
    }
}
