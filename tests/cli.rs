//! The program as its users meet it: exit codes, what goes to stdout and what to stderr, files whole or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use places::samples;
use std::fs;
use std::io::Read;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr;

const FOUNDING: &str = "founding-delete-pending.PML";

/// The program, to be run among the samples, in English and UTC whatever the machine has.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pmlblame"));
    command.current_dir(samples()).args(arguments).env("LC_ALL", "en_US.UTF-8").env("TZ", "UTC");
    command
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs and expects success without a word on stderr.
fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{arguments:?}");
    out(&output)
}

fn record(arguments: &[&str]) -> Value {
    let all = [arguments, &["--json", "-", "--reproducible", "--no-hash"]].concat();
    serde_json::from_str(&succeed(&all)).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

fn failing_events(record: &Value) -> Vec<u64> {
    record["failures"].as_array().unwrap().iter().map(|failure| failure["event"].as_u64().unwrap()).collect()
}

/// Runs and expects one line on stderr, nothing on stdout.
fn complain(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let said = err(&output);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(code), ""), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("pmlblame: error: ") && said.ends_with('\n'), "{said}");
    said
}

#[test]
fn exit_codes_are_as_documented() {
    succeed(&[FOUNDING]);
    succeed(&["no-failure.PML"]);
    assert_eq!(run(&["two-holders.CSV", "--encoding", "nonesuch"]).status.code(), Some(2));
    succeed(&["--version"]);
    assert!(succeed(&["--help"]).contains("Exit codes"));
    let culprit = |capture| run(&[capture, "--fail-on", "culprit"]).status.code();
    assert_eq!(culprit(FOUNDING), Some(3));
    assert_eq!(culprit("two-holders.PML"), Some(3));
    for innocent in ["no-failure.PML", "self-inflicted.PML", "no-visible-holder.PML", "read-only-file.PML"] {
        assert_eq!(culprit(innocent), Some(0), "{innocent}");
    }
    for usage in [
        &[][..],
        &["--frobnicate", FOUNDING],
        &["blame"],
        &[FOUNDING, "--result", "NO SUCH RESULT"],
        &[FOUNDING, "--profile", "none"],
        &["why", FOUNDING],
    ] {
        let output = run(usage);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""), "{usage:?}");
        assert!(err(&output).contains("Usage") || err(&output).contains("--help"), "{usage:?}");
    }
    for usage in [["--tz", "Mars/Olympus"], ["--from", "yesterday"], ["--to", "25:00"], ["--path", "["]] {
        assert!(complain(&[FOUNDING, usage[0], usage[1]], 2).contains(usage[1]));
    }
}

#[test]
fn what_cannot_be_read_is_told_in_one_line() {
    let here = |name: &str| format!("pmlblame: error: {name}: ");
    assert!(complain(&["none.PML"], 1).starts_with(&(here("none.PML") + "cannot be read: ")));
    assert!(complain(&["none*.PML"], 1).starts_with(&(here("none*.PML") + "no such file")));
    assert!(complain(&["common"], 1).starts_with(&(here("common") + "is a folder")));
    assert!(complain(&[FOUNDING, "--vendors", "README.md"], 1).contains("line 3"));
    assert!(complain(&["why", FOUNDING, "--event", "999999"], 1).contains("161 events"));
    let no_file = complain(&["why", FOUNDING, "--event", "0"], 1);
    assert!(no_file.contains("event 0 is no operation on a file") && no_file.contains("152"), "{no_file}");
    assert!(complain(&["make", "none.scenario", "-o", "none.PML"], 1).contains("none.scenario"));
    assert!(!samples().join("none.PML").exists());
}

/// A way to spoil a capture, and whether nothing at all can be had from it then.
struct Damage {
    name: &'static str,
    hopeless: bool,
    spoil: fn(&mut Vec<u8>),
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn offset_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// Header fields: the offsets of events, event-offset array, processes, strings, icons and hosts.
const OFFSETS: [usize; 6] = [0x240, 0x248, 0x250, 0x258, 0x260, 0x3A0];

const DAMAGES: &[Damage] = &[
    Damage { name: "empty", hopeless: true, spoil: Vec::clear },
    Damage { name: "text", hopeless: true, spoil: |bytes| *bytes = b"Dear support, here is the capture.\r\n".to_vec() },
    Damage { name: "three bytes", hopeless: true, spoil: |bytes| bytes.truncate(3) },
    Damage { name: "other magic", hopeless: true, spoil: |bytes| put(bytes, 0, b"PMLX") },
    Damage { name: "version 8", hopeless: true, spoil: |bytes| put(bytes, 4, &[8]) },
    Damage { name: "half a header", hopeless: true, spoil: |bytes| bytes.truncate(0x200) },
    Damage {
        name: "zero offsets",
        hopeless: false,
        spoil: |bytes| OFFSETS[1..].iter().for_each(|at| put(bytes, *at, &[0; 8])),
    },
    Damage {
        name: "far offsets",
        hopeless: false,
        spoil: |bytes| OFFSETS[1..].iter().for_each(|at| put(bytes, *at, &[0xFF; 8])),
    },
    Damage { name: "far event offset", hopeless: false, spoil: |bytes| put(bytes, 0x248, &[0, 0, 0, 0, 0, 1, 0, 0]) },
    Damage { name: "far process table", hopeless: false, spoil: |bytes| put(bytes, 0x250, &[0, 0, 0, 0, 0, 1, 0, 0]) },
    Damage { name: "far string table", hopeless: false, spoil: |bytes| put(bytes, 0x258, &[0, 0, 0, 0, 0, 1, 0, 0]) },
    Damage { name: "too many events", hopeless: false, spoil: |bytes| put(bytes, 0x234, &[0xFF; 4]) },
    Damage {
        name: "too many strings",
        hopeless: false,
        spoil: |bytes| {
            let at = offset_at(bytes, 0x258);
            put(bytes, at, &[0xFF; 4])
        },
    },
    Damage {
        name: "too many processes",
        hopeless: false,
        spoil: |bytes| {
            let at = offset_at(bytes, 0x250);
            put(bytes, at, &[0xFF; 4])
        },
    },
    Damage {
        name: "string beyond the table",
        hopeless: false,
        spoil: |bytes| {
            let at = offset_at(bytes, 0x258);
            put(bytes, at + 8, &[0xF0, 0xFF, 0xFF, 0xFF])
        },
    },
];

/// Either a refusal in one line that names file, offset and what to do, or a rescue that says so in one line and in the
/// record. Never a panic, never part of a file.
fn refused_or_rescued(folder: &TempDir, name: &str, bytes: &[u8], hopeless: bool) {
    let capture = folder.path().join("broken.PML");
    fs::write(&capture, bytes).unwrap();
    let json = folder.path().join("case.json");
    let output = run(&[capture.to_str().unwrap(), "--json", json.to_str().unwrap(), "--lang", "en"]);
    let said = err(&output);
    assert_eq!(said.lines().count(), 1, "{name}: {said}");
    assert!(said.starts_with("pmlblame: ") && said.contains(capture.to_str().unwrap()), "{name}: {said}");
    if output.status.code() == Some(0) {
        assert!(!hopeless, "{name}: {said}");
        let record: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
        let codes: Vec<&Value> =
            record["capture"]["quality"].as_array().unwrap().iter().map(|note| &note["code"]).collect();
        assert!(codes.iter().any(|code| *code == "recovered"), "{name}: {codes:?}");
        fs::remove_file(&json).unwrap();
    } else {
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""), "{name}: {said}");
        assert!(said.contains("offset 0x"), "{name}: {said}");
        let advice =
            ["Copy the file again", "Give the .PML file", "Open it in a current Process Monitor", "pmlblame recover"];
        assert!(advice.iter().any(|advice| said.contains(advice)), "{name}: {said}");
    }
    fs::remove_file(&capture).unwrap();
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{name} left {left:?}");
}

#[test]
fn damaged_captures_are_refused_or_rescued() {
    let whole = fs::read(samples().join(FOUNDING)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for damage in DAMAGES {
        let mut bytes = whole.clone();
        (damage.spoil)(&mut bytes);
        refused_or_rescued(&folder, damage.name, &bytes, damage.hopeless);
    }
}

/// Head fields of an event: where in the record, what they hold then, and what is said about it.
const LIES: &[(usize, &[u8], &str)] = &[
    (0x00, &[0x3F, 0x42, 0x0F, 0], "index 999999 is not in the table"),
    (0x28, &[0xFF, 0xFF], "cut off"),
    (0x2C, &[0xFF, 0xFF, 0xFF, 0x7F], "cut off"),
    (0x2C, &[1, 0, 0, 0], "detail size cannot be 0x1"),
    (0x30, &[0xFF, 0xFF, 0xFF, 0x7F], "extra offset cannot be 0x7fffffff"),
];

#[test]
fn a_record_that_lies_is_never_passed_over_in_silence() {
    let whole = fs::read(samples().join(FOUNDING)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("broken.PML");
    let array = offset_at(&whole, 0x248);
    // The scanner's open, without which the worker's failures would have another explanation.
    for event in [49, 156] {
        let entry: [u8; 4] = whole[array + 5 * event..][..4].try_into().unwrap();
        let record = u32::from_le_bytes(entry) as usize;
        for (field, value, what) in LIES {
            let mut bytes = whole.clone();
            put(&mut bytes, record + field, value);
            fs::write(&capture, &bytes).unwrap();
            let output = run(&[capture.to_str().unwrap(), "--json", "-", "--lang", "en"]);
            let said = err(&output);
            assert_eq!((output.status.code(), said.lines().count()), (Some(0), 1), "{said}");
            for part in
                [capture.to_str().unwrap(), &format!("event {event} at offset {record:#x}"), what, "pmlblame recover"]
            {
                assert!(said.contains(part), "{part}: {said}");
            }
            let case: Value = serde_json::from_str(&out(&output)).unwrap();
            assert_eq!(case["capture"]["quality"][0]["code"], "damaged_records");
            assert_eq!(case["capture"]["events"]["total"], 161);
        }
    }
}

#[test]
fn captures_cut_off_anywhere_are_refused_or_rescued() {
    let whole = fs::read(samples().join(FOUNDING)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut cuts: Vec<usize> = (1..12).map(|twelfth| whole.len() * twelfth / 12).collect();
    cuts.extend([4, 8, 0x234, 0x3A7, 0x3A8, 0x3A9, whole.len() - 1]);
    cuts.extend(OFFSETS.iter().map(|at| offset_at(&whole, *at)));
    for cut in cuts {
        refused_or_rescued(&folder, &format!("cut at {cut:#x}"), &whole[..cut], cut < 0x3A8);
    }
}

#[test]
fn bytes_changed_anywhere_never_end_in_a_panic() {
    let whole = fs::read(samples().join(FOUNDING)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("broken.PML");
    // A step that shares no factor with the size of the records reaches every kind of field.
    for at in (0x3A8..whole.len()).step_by(1117) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        fs::write(&capture, &bytes).unwrap();
        let output = run(&[capture.to_str().unwrap(), "--json", "-"]);
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(1), "byte {at:#x}: {code:?} {}", err(&output));
        if code == Some(0) {
            serde_json::from_str::<Value>(&out(&output)).unwrap_or_else(|error| panic!("byte {at:#x}: {error}"));
        } else {
            assert_eq!(out(&output), "", "byte {at:#x}");
        }
    }
}

#[test]
fn json_on_stdout_stands_alone() {
    let text = succeed(&[FOUNDING, "--json", "-"]);
    let record: Value = serde_json::from_str(&text).unwrap();
    assert!(text.starts_with("{\n") && text.ends_with("}\n"));
    assert_eq!(record["schema"], "pmlblame/case/1");
    assert!(record["generated"].as_str().unwrap().ends_with('Z'));
    assert_eq!(record["capture"]["files"][0]["sha256"].as_str().unwrap().len(), 64);
    let order: Vec<&String> = record.as_object().unwrap().keys().collect();
    let promised = [
        "schema",
        "tool",
        "generated",
        "language",
        "capture",
        "scope",
        "verdict",
        "holders",
        "failures",
        "recommendations",
        "caveats",
    ];
    assert_eq!(order, promised);
    let again = succeed(&[FOUNDING, "--json", "-", "--reproducible"]);
    assert_eq!(again, succeed(&["blame", FOUNDING, "--json", "-", "--reproducible"]));
    assert_eq!(again, succeed(&[FOUNDING, "--json", "-", "--reproducible", "--threads", "1", "--no-mmap"]));
    assert!(!again.contains("\"generated\""));
    // The other commands keep stdout as clean.
    for arguments in
        [&["audit", FOUNDING, "--json", "-"][..], &["why", FOUNDING, "-e", "152", "--json", "-"], &["schema"]]
    {
        serde_json::from_str::<Value>(&succeed(arguments)).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    }
}

#[test]
fn a_record_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("case.json");
    let path = file.to_str().unwrap();
    assert!(succeed(&[FOUNDING, "--json", path, "--reproducible"]).contains("Verdict: "));
    let first = fs::read_to_string(&file).unwrap();
    assert_eq!(first, succeed(&[FOUNDING, "--json", "-", "--reproducible"]));
    // One capture of two cannot be read: the record from before stays as it was.
    let output = run(&["no-failure.PML", "none.PML", "--json", path]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["case.json"]);
    // No such folder, and a folder in the file's place.
    let nowhere = folder.path().join("none").join("case.json");
    for place in [nowhere.as_path(), folder.path()] {
        let output = run(&[FOUNDING, "--json", place.to_str().unwrap()]);
        let said = err(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(place.to_str().unwrap()) && !said.contains(".part"), "{said}");
    }
    assert!(!nowhere.exists());
}

/// Renaming over a device would put an ordinary file in its place, for every program of the machine.
#[cfg(unix)]
#[test]
fn a_device_is_written_and_stays_a_device() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let record = succeed(&[FOUNDING, "--json", "-", "--reproducible"]);
    // A link to a device; were the device itself replaced, the test would harm the machine.
    let device = folder.path().join("device");
    symlink("/dev/stdout", &device).unwrap();
    let printed = succeed(&["events", FOUNDING, "--format", "jsonl", "-o", device.to_str().unwrap()]);
    assert_eq!(printed, succeed(&["events", FOUNDING, "--format", "jsonl"]));
    // A link to a file: the file is replaced, the link stays.
    let (file, link) = (folder.path().join("case.json"), folder.path().join("link.json"));
    fs::write(&file, "before").unwrap();
    symlink(&file, &link).unwrap();
    succeed(&[FOUNDING, "--json", link.to_str().unwrap(), "--reproducible"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), record);
    assert!(device.is_symlink() && link.is_symlink());
    let full = folder.path().join("full");
    symlink("/dev/full", &full).unwrap();
    let full = run(&["events", FOUNDING, "--format", "csv", "-o", full.to_str().unwrap()]);
    assert_eq!(full.status.code(), Some(1), "{}", err(&full));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn several_captures_and_patterns() {
    let records: Value = serde_json::from_str(&succeed(&[FOUNDING, "no-failure.PML", "--json", "-"])).unwrap();
    let code = |at: usize| records[at]["verdict"]["code"].as_str().unwrap().to_owned();
    assert_eq!((records.as_array().unwrap().len(), code(0), code(1)), (2, "culprit".into(), "no_failures".into()));
    // The program resolves patterns itself, for shells that do not.
    let records: Value = serde_json::from_str(&succeed(&["b*.PML", "--json", "-"])).unwrap();
    let names: Vec<&Value> =
        records.as_array().unwrap().iter().map(|one| &one["capture"]["files"][0]["name"]).collect();
    assert_eq!(names, ["bits32.PML", "byte-range-lock.PML"]);
    let table = succeed(&["b*.PML"]);
    assert_eq!(table.matches("Verdict: ").count(), 2);
}

#[test]
fn the_scope_narrows_to_what_is_asked() {
    assert_eq!(failing_events(&record(&[FOUNDING])), [150, 152, 153, 154]);
    assert_eq!(failing_events(&record(&[FOUNDING, "--result", "NOT EMPTY"])), [150]);
    assert_eq!(failing_events(&record(&[FOUNDING, "--result", "0xC0000056"])), [152, 153, 154]);
    assert_eq!(failing_events(&record(&[FOUNDING, "--path", r"*\*.dll"])), [152, 153, 154]);
    assert_eq!(failing_events(&record(&[FOUNDING, "--path", r"c:\WINDOWS\WinSxS"])), [150, 152, 153, 154]);
    assert_eq!(failing_events(&record(&[FOUNDING, "--from", "05:50:57.44", "--tz", "UTC"])), [153, 154]);
    assert_eq!(failing_events(&record(&[FOUNDING, "--from", "13:50:57.44", "--tz", "+08:00"])), [153, 154]);
    let window = ["--from", "2022-10-08T05:50:57.4Z", "--to", "2022-10-08T05:50:57.46Z"];
    assert_eq!(failing_events(&record(&[&[FOUNDING][..], &window].concat())), [152, 153]);
    let other = record(&[FOUNDING, "--victim", "SearchIndexer.exe"]);
    assert_eq!((failing_events(&other).len(), &other["scope"]["failures_outside"]), (0, &Value::from(4)));
    assert_eq!(other["scope"]["victims"][0], "SearchIndexer.exe");
    assert_eq!(failing_events(&record(&[FOUNDING, "--victim", "tiworker.exe"])), [150, 152, 153, 154]);
}

/// A capture where an ordinary program meets an ordinary lock.
const ORDINARY: &str = r"
start 2022-10-08T05:50:48Z
computer PC
process 100 holder.exe
  image C:\Apps\holder.exe
process 200 word.exe
  image C:\Apps\word.exe
+1.0 holder.exe CreateFile D:\Data\a.txt access=GENERIC_READ share=R
+2.0 word.exe CreateFile D:\Data\a.txt access=GENERIC_WRITE share=RWD -> SHARING VIOLATION
+3.0 holder.exe CloseFile D:\Data\a.txt
+4.0 word.exe CreateFile D:\Data\a.txt access=GENERIC_WRITE share=RWD
+5.0 word.exe CloseFile D:\Data\a.txt
";

#[test]
fn other_failures_are_pointed_at_and_shown_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("ordinary.scenario");
    fs::write(&scenario, ORDINARY).unwrap();
    let capture = folder.path().join("ordinary.PML");
    let path = capture.to_str().unwrap();
    assert!(succeed(&["make", scenario.to_str().unwrap(), "-o", path]).contains("5 events"));
    let table = succeed(&[path]);
    assert!(table.contains("1 refused operation"), "{table}");
    assert!(table.contains("pmlblame --profile any ordinary.PML"), "{table}");
    let none = record(&[path]);
    assert_eq!((&none["verdict"]["code"], &none["scope"]["failures_outside"]), (&"no_failures".into(), &1.into()));
    // Every process is a possible victim now, and still it is the other one that stands in the way.
    let any = record(&[path, "--profile", "any"]);
    assert_eq!((&any["verdict"]["code"], &any["verdict"]["confidence"]), (&"culprit".into(), &"proven".into()));
    assert_eq!(any["holders"][0]["process"]["name"], "holder.exe");
    assert_eq!(any["holders"][0]["party"], "third_party");
    assert_eq!(any["failures"][0]["attribution"], "holders");
    let own = record(&["self-inflicted.PML", "--profile", "any"]);
    assert_eq!((&own["verdict"]["code"], &own["holders"][0]["party"]), (&"self_inflicted".into(), &"victim".into()));
}

/// Lines drawn with box characters, each group of neighbours being one table.
fn tables(text: &str) -> Vec<Vec<&str>> {
    let mut tables: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if line.starts_with('┌') {
            tables.push(Vec::new());
        }
        if line.starts_with(['┌', '│', '╞', '├', '└']) {
            tables.last_mut().expect("a table begins with its top").push(line);
        }
    }
    tables
}

#[test]
fn chinese_tables_are_aligned() {
    let mut seen = 0;
    let captures = ["founding-delete-pending.PML", "no-share-delete.PML", "two-holders.PML", "bits32.PML"];
    for width in ["80", "120", "160"] {
        for capture in captures {
            let text = succeed(&[capture, "--lang", "zh-CN", "--tz", "Asia/Shanghai", "--width", width]);
            assert!(text.contains("结论") && text.contains("已证实"), "{text}");
            let story = succeed(&["audit", capture, "--lang", "zh-CN", "--width", width]);
            for table in tables(&text).into_iter().chain(tables(&story)) {
                let widths: Vec<usize> = table.iter().map(|line| line.width()).collect();
                assert!(widths.iter().all(|one| *one == widths[0]), "{widths:?}\n{}", table.join("\n"));
                assert!(widths[0] <= width.parse().unwrap(), "{} of {width}\n{}", widths[0], table.join("\n"));
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 24);
    let why = succeed(&["why", FOUNDING, "--event", "152", "--lang", "zh-CN"]);
    let [events] = &tables(&why)[..] else { panic!("one table is expected:\n{why}") };
    assert!(events.iter().all(|line| line.width() == events[0].width()), "{}", events.join("\n"));
}

#[test]
fn files_and_pipes_are_utf8_in_any_locale() {
    let plain = out(&program(&[FOUNDING]).env("LC_ALL", "C").output().unwrap());
    let colourless = out(&program(&[FOUNDING]).env("NO_COLOR", "1").env("TERM", "xterm-256color").output().unwrap());
    assert_eq!(plain, colourless);
    assert!(plain.contains('┌') && plain.contains("亚信科技"));
    assert!(!plain.contains('\u{1b}'));
    let chinese = out(&program(&[FOUNDING]).env("LC_ALL", "zh_CN.UTF-8").output().unwrap());
    assert!(cfg!(windows) || chinese.contains("结论"), "{chinese}");
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    use pmlblame::report::{style::Style, table, time};
    let record: pmlblame::case::CaseRecord = pmlblame_record();
    let style = |lang, ascii| Style { lang, zone: time::parse_zone("UTC").unwrap(), width: Some(120), ascii };
    for lang in [pmlblame::lang::Lang::En, pmlblame::lang::Lang::ZhCn] {
        let text = table::render(&record, &style(lang, true));
        assert!(text.is_ascii() && text.contains("ntrtscan.exe") && text.contains("+--"), "{text}");
    }
    assert!(!table::render(&record, &style(pmlblame::lang::Lang::En, false)).is_ascii());
}

/// The case record of the founding sample, through the library.
fn pmlblame_record() -> pmlblame::case::CaseRecord {
    use pmlblame::{assemble, blame, capture, lang};
    let capture = capture::Capture::open(&samples().join(FOUNDING), &capture::OpenOptions::default()).unwrap();
    let options = assemble::CaseOptions {
        scope: blame::scope::ScopeOptions::default(),
        lang: lang::Lang::En,
        catalogue: blame::vendors::VendorCatalogue::embedded(),
        generated: None,
        files: Vec::new(),
        notes: Vec::new(),
        filter: None,
    };
    assemble::analyse(&capture, &options).unwrap().record
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let everything = ["*.PML", "--json", "-"];
    assert!(run(&everything).stdout.len() > 1 << 17, "the output must be larger than a pipe");
    let mut child = program(&everything).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output).as_str(), first), (Some(0), "", *b"["));
}
