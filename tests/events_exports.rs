//! `pmlblame events` on exports and on several captures, and names replaced in every form of output.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod places;

use places::corpus;
use std::path::Path;
use std::process::Command;

struct Run {
    code: i32,
    out: Vec<u8>,
    errors: String,
}

impl Run {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }
}

fn run(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .args(arguments)
        .args(["--lang", "en"])
        .env("TZ", "Asia/Shanghai")
        .output()
        .unwrap();
    Run { code: output.status.code().unwrap(), out: output.stdout, errors: String::from_utf8(output.stderr).unwrap() }
}

fn events(arguments: &[&str]) -> Run {
    run(&[&["events"], arguments].concat())
}

const FOUNDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/founding-delete-pending.PML");

/// The founding sample exported, as a file.
fn exported(folder: &Path, name: &str, arguments: &[&str]) -> String {
    let file = folder.join(name).to_string_lossy().into_owned();
    let run = events(&[&[FOUNDING, "--tz", "UTC", "-o", &file], arguments].concat());
    assert_eq!((run.code, run.errors.as_str()), (0, ""));
    file
}

#[test]
fn procmons_own_csv_comes_back_byte_for_byte() {
    let Some(corpus) = corpus() else { return };
    for name in [
        "LogFileUTC64Process",
        "noriben-2013-v7",
        "LogfileTests32bitUTC",
        "LogFileUTC64Filesystem",
        "LogfileTests64bitUTC",
    ] {
        let path = corpus.join(format!("{name}.CSV"));
        let run = events(&[path.to_str().unwrap(), "--format", "csv"]);
        assert_eq!((run.code, run.errors.as_str()), (0, ""), "{name}");
        let theirs = std::fs::read(&path).unwrap();
        if name == "noriben-2013-v7" {
            // Somebody stored this one with LF alone; the lines are the same.
            let lines = String::from_utf8(theirs).unwrap().replace('\n', "\r\n");
            assert!(!lines.contains("\r\r") && run.text() == lines, "{name}: lines differ");
        } else {
            assert!(run.out == theirs, "{name}: bytes differ");
        }
    }
}

#[test]
fn procmons_own_xml_comes_back_byte_for_byte() {
    let Some(corpus) = corpus() else { return };
    let path = corpus.join("procmon-4.01-ru.XML");
    let run = events(&[path.to_str().unwrap(), "--format", "xml"]);
    assert_eq!((run.code, run.errors.as_str()), (0, ""));
    let theirs = std::fs::read(&path).unwrap();
    if run.out != theirs {
        let at = run.out.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs).unwrap_or(theirs.len());
        let near = |bytes: &[u8]| {
            String::from_utf8_lossy(&bytes[at.saturating_sub(80)..(at + 80).min(bytes.len())]).into_owned()
        };
        panic!("differs at {at}: {:?} instead of {:?}", near(&run.out), near(&theirs));
    }
}

#[test]
fn an_export_of_an_export_is_that_export() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("all.CSV", &["--format", "csv", "--columns", "all"][..]),
        ("few.CSV", &["--format", "csv", "--columns", "Result,Path,PID,Operation"]),
        ("plain.XML", &["--format", "xml"]),
        ("stacks.XML", &["--format", "xml", "--stacks", "--columns", "TID,Operation,Path,Result,Detail,Process Name"]),
    ] {
        let file = exported(folder.path(), name, arguments);
        let mut again = vec![file.as_str(), "--format", &arguments[1]];
        if arguments.contains(&"--stacks") {
            again.push("--stacks");
        }
        let run = events(&again);
        assert_eq!((run.code, run.errors.as_str()), (0, ""), "{name}");
        assert!(run.out == std::fs::read(&file).unwrap(), "{name}: bytes differ");
    }
}

/// The lines of a JSON export as values.
fn lines(run: &Run) -> Vec<serde_json::Value> {
    assert_eq!((run.code, run.errors.as_str()), (0, ""));
    run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn json_lines_of_an_export_agree_with_those_of_its_capture() {
    let folder = tempfile::tempdir().unwrap();
    let truth = lines(&events(&[FOUNDING, "--format", "jsonl", "--stacks"]));
    let csv = exported(folder.path(), "all.CSV", &["--format", "csv", "--columns", "all"]);
    let xml = exported(folder.path(), "all.XML", &["--format", "xml", "--columns", "all", "--stacks"]);
    let packed = folder.path().join("all.CSV.gz");
    let mut gzip = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &std::fs::read(&csv).unwrap()).unwrap();
    gzip.finish().unwrap();
    for (file, stacks) in [(csv.as_str(), false), (xml.as_str(), true), (packed.to_str().unwrap(), false)] {
        let mut arguments = vec![file, "--format", "jsonl", "--export-tz", "UTC"];
        arguments.extend(stacks.then_some("--stacks"));
        let mine = lines(&events(&arguments));
        assert_eq!(mine.len(), truth.len());
        for (mine, truth) in mine.iter().zip(&truth) {
            let keys = [
                "event",
                "time",
                "pid",
                "tid",
                "process",
                "class",
                "operation",
                "path",
                "status",
                "result",
                "duration_us",
                "category",
            ];
            for key in keys {
                assert_eq!(mine.get(key), truth.get(key), "{file}: {key} of event {}", truth["event"]);
            }
            assert!(mine["detail_text"].is_string() && mine.get("detail").is_none());
            if stacks {
                let addresses = |line: &serde_json::Value| {
                    let frames = line["stack"].as_array().cloned().unwrap_or_default();
                    frames
                        .iter()
                        .map(|f| (f["address"].clone(), f["kernel"].clone(), f["module"].clone()))
                        .collect::<Vec<_>>()
                };
                assert_eq!(addresses(mine), addresses(truth));
            }
        }
    }
    // Seven columns tell a time of day, and not whose.
    let few = exported(folder.path(), "default.CSV", &["--format", "csv"]);
    let first = &lines(&events(&[&few, "--format", "jsonl"]))[0];
    let time = truth[0]["time"].as_str().unwrap();
    assert_eq!(first["time_of_day"].as_str().unwrap(), &time[11..time.len() - 1]);
    assert!(first.get("time").is_none() && first.get("local_time").is_none() && first.get("tid").is_none());
    let first =
        &lines(&events(&[&few, "--format", "jsonl", "--export-tz", "-03:00", "--export-date", "2022-10-08"]))[0];
    assert_eq!(first["time"].as_str().unwrap(), format!("2022-10-08T08{}", &time[13..]), "{time}");
}

#[test]
fn filters_columns_and_single_rows_of_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let csv = exported(folder.path(), "default.CSV", &["--format", "csv"]);
    let rules = ["--filter", "Result is DELETE PENDING", "--exclude", "Event Class is Registry"];
    let of = |file: &str, more: &[&str]| events(&[&[file], more, &rules].concat());
    let columns = ["--format", "csv", "--columns", "PID,Operation,Path,Event Class"];
    let truth = of(FOUNDING, &columns);
    let mine = of(&csv, &columns);
    assert_eq!((mine.code, mine.errors.as_str()), (0, ""));
    assert!(truth.text().lines().count() > 3);
    assert_eq!(mine.text(), truth.text());

    let table = events(&[&csv, "--event", "150-151"]);
    assert_eq!((table.code, table.errors.as_str()), (0, ""));
    assert!(table.text().starts_with("Event 150   (row of default.CSV)\n  Time of Day "), "{}", table.text());
    assert!(table.text().contains("\nEvent 151 "));
    let around = events(&[&csv, "--around", "150"]);
    assert_eq!(around.text().lines().take_while(|line| !line.is_empty()).count(), 12, "{}", around.text());
    let beyond = events(&[&csv, "--event", "161"]);
    assert_eq!(beyond.code, 2);
    assert!(beyond.errors.contains("has 161 events"), "{}", beyond.errors);

    // A filter applies to rows asked for by number as well, in every form and for captures alike.
    let numbers = |text: &str, form: &str| -> Vec<u64> {
        let of_line = |line: &str| match form {
            "table" => line.strip_prefix("Event ")?.split_once(' ')?.0.parse().ok(),
            _ => line.strip_prefix("{\"event\":")?.split_once(',')?.0.parse().ok(),
        };
        text.lines().filter_map(of_line).collect()
    };
    for file in [csv.as_str(), FOUNDING] {
        for form in ["table", "jsonl"] {
            let some = of(file, &["--format", form, "--event", "150-153", "--event", "152-154"]);
            assert_eq!(numbers(some.text(), form), [152, 153, 154], "{file} {form}: {}", some.text());
            let said = "2 of the events asked for by number do not pass the filter, the first is event 150";
            assert!(some.errors.contains(said), "{file} {form}: {}", some.errors);
            let none = of(file, &["--format", form, "--event", "150"]);
            assert_eq!((none.code, none.text()), (0, ""), "{file} {form}");
            assert!(none.errors.contains("1 of the events asked for by number does not pass"), "{}", none.errors);
        }
    }

    let lacking =
        events(&[&csv, "--format", "csv", "--columns", "PID,TID", "--filter", "User contains x", "--tz", "UTC"]);
    assert_eq!(lacking.code, 0);
    for part in ["has no column TID", "has no column User", "--tz, --locale"] {
        assert!(lacking.errors.contains(part), "{part}: {}", lacking.errors);
    }
}

#[test]
fn xml_of_a_csv_gives_the_same_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let csv = exported(folder.path(), "all.CSV", &["--format", "csv", "--columns", "all"]);
    let xml = folder.path().join("made.XML");
    let made = events(&[&csv, "--format", "xml", "-o", xml.to_str().unwrap()]);
    assert_eq!((made.code, made.errors.as_str()), (0, ""));
    let failures = |file: &str| {
        let run = run(&["blame", file, "--json", "-", "--reproducible", "--no-hash", "--export-tz", "UTC"]);
        let mut record: serde_json::Value = serde_json::from_slice(&run.out).unwrap();
        record["capture"] = serde_json::Value::Null;
        record
    };
    assert_eq!(failures(xml.to_str().unwrap()), failures(&csv));
}

#[test]
fn broken_rows_are_told_by_line_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.CSV");
    let text = "Time of Day,PID,Operation,Path,Result\r\n\
        1:00:00.0000000 AM,4,CloseFile,C:\\a,SUCCESS\r\n\
        \"1:00:00.0000000 AM,4,CloseFile,C:\\a,SUCCESS\r\n\
        1:00:00.0000000 AM,x,CloseFile,C:\\a,SUCCESS\r\n\
        later,4,CloseFile,C:\\a,SUCCESS\r\n\
        1:00:00.0000000 AM,4,,C:\\a,SUCCESS\r\n\
        1:00:00.0000000 AM,4,CloseFile,C:\\a\r\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let run = events(&[file, "--format", "csv"]);
    assert_eq!(run.code, 0);
    assert_eq!(run.text().lines().count(), 2);
    let wanted = [
        (3, "a quote that nothing closes", "引号未闭合"),
        (4, "the PID is no number", "PID 不是数字"),
        (5, "the time cannot be understood", "无法理解其时间"),
        (6, "the row has no operation", "该行没有操作"),
        (7, "fewer or more fields", "字段数与标题行不一致"),
    ];
    let told: Vec<&str> = run.errors.lines().collect();
    assert_eq!(told.len(), wanted.len(), "{told:?}");
    for (line, (number, english, _)) in told.iter().zip(wanted) {
        assert!(line.contains(&format!("line {number} could not be read: {english}")), "{line}");
    }
    for command in ["blame", "audit"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_pmlblame")).args([command, file, "--lang", "zh-CN"]).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        for (number, _, chinese) in wanted {
            let line = errors
                .lines()
                .find(|line| line.contains(&format!("第 {number} 行")))
                .unwrap_or_else(|| panic!("{errors}"));
            assert!(line.contains(chinese), "{line}");
        }
    }
}

#[test]
fn several_captures_in_one_call() {
    let folder = tempfile::tempdir().unwrap();
    let csv = exported(folder.path(), "default.CSV", &["--format", "csv"]);
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/two-holders.PML");
    let table = |file: &str| events(&[file, "--format", "csv", "--tz", "UTC"]).out;
    let both = events(&[FOUNDING, other, "--format", "csv", "--tz", "UTC"]).out;
    let head = table(FOUNDING).iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert!(both == [table(FOUNDING), table(other)[head..].to_vec()].concat());
    let mixed = lines(&events(&[FOUNDING, &csv, "--format", "jsonl"]));
    assert_eq!(mixed.len(), 322);
    assert_eq!((&mixed[160]["capture"], &mixed[160]["event"]), (&"founding-delete-pending.PML".into(), &160.into()));
    assert_eq!((&mixed[161]["capture"], &mixed[161]["event"]), (&"default.CSV".into(), &0.into()));
    let shown = events(&[FOUNDING, other]);
    assert!(shown.text().starts_with("founding-delete-pending.PML\nEvent "), "{}", shown.text());
    assert!(shown.text().contains("\n\ntwo-holders.PML\nEvent "));
    let pattern = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/holder-*.PML");
    assert_eq!(events(&[pattern]).code, 0);
    for (arguments, part) in [(["--format", "xml"], "XML needs one capture"), (["--event", "3"], "need one capture")] {
        let run = events(&[&[FOUNDING, other], &arguments[..]].concat());
        assert_eq!((run.code, run.text()), (2, ""));
        assert!(run.errors.contains(part), "{}", run.errors);
    }
}

/// What of the sample names somebody, in lower case.
fn names() -> Vec<String> {
    let record = run(&["blame", FOUNDING, "--json", "-", "--no-hash"]);
    let record: serde_json::Value = serde_json::from_slice(&record.out).unwrap();
    let computer = record["capture"]["computer"].as_str().unwrap().to_lowercase();
    assert!(computer.len() > 3);
    let users = lines(&events(&[FOUNDING, "--format", "jsonl"]));
    let profile = users.iter().filter_map(|line| {
        let path = line["path"].as_str()?.to_lowercase();
        let rest = path.strip_prefix("c:\\users\\")?.to_owned();
        rest.split('\\').next().map(str::to_owned)
    });
    let mut names: Vec<String> = profile.filter(|name| !["public", "default"].contains(&name.as_str())).collect();
    names.push(computer);
    names.sort();
    names.dedup();
    names
}

#[test]
fn names_are_replaced_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("names.key");
    let key = key.to_str().unwrap();
    let record = run(&["blame", FOUNDING, "--json", "-", "--no-hash", "--redact", "--redact-key", key]);
    assert_eq!(record.code, 0);
    let all = exported(folder.path(), "all.CSV", &["--format", "csv", "--columns", "all"]);
    let xml = exported(folder.path(), "all.XML", &["--format", "xml", "--columns", "all", "--stacks"]);
    let names = names();
    println!("names: {names:?}");
    let plain = events(&[FOUNDING, "--format", "csv", "--columns", "all"]).text().to_lowercase();
    assert!(names.iter().any(|name| plain.contains(name)), "the sample names nobody: {names:?}");
    let mut csv = Vec::new();
    for file in [FOUNDING, &all, &xml] {
        for format in ["table", "csv", "xml", "jsonl"] {
            let mut arguments = vec![file, "--format", format, "--redact", "--redact-key", key];
            if format != "jsonl" {
                arguments.extend(["--columns", "all"]);
            }
            if file == FOUNDING {
                arguments.extend(["--tz", "UTC"]);
            }
            let run = events(&arguments);
            assert_eq!((run.code, run.errors.as_str()), (0, ""), "{file} {format}");
            let shown = run.text().to_lowercase();
            for name in &names {
                assert!(!shown.contains(name), "{file} {format}: {name} is left");
            }
            assert!(shown.contains("tiworker.exe") && shown.contains("inflight"), "{file} {format}");
            if format == "csv" {
                csv.push(run.out);
            }
        }
        let inspected = events(&[file, "--event", "0-160", "--redact", "--redact-key", key]);
        assert_eq!((inspected.code, inspected.errors.as_str()), (0, ""));
        let shown = inspected.text().to_lowercase();
        assert!(names.iter().all(|name| !shown.contains(name)), "{file}: single events");
    }
    assert!(csv[0] == csv[1] && csv[0] == csv[2], "the same names get the same pseudonyms from every kind of input");
    // The key maps back what it should: the pseudonyms are those of the record.
    let key: serde_json::Value = serde_json::from_slice(&std::fs::read(key).unwrap()).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record.out).unwrap();
    let computer = record["capture"]["computer"].as_str().unwrap();
    assert!(key.to_string().to_lowercase().contains(&computer.to_lowercase()));
}

#[test]
fn an_export_cannot_become_a_capture() {
    let folder = tempfile::tempdir().unwrap();
    let csv = exported(folder.path(), "default.CSV", &["--format", "csv"]);
    let out = folder.path().join("small.PML");
    let run = run(&["extract", &csv, "--case", "-o", out.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.errors.contains("an export cannot become a capture"), "{}", run.errors);
    assert!(!out.exists());
}

#[test]
fn zones_west_of_utc_and_exports_without_zone_or_date() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&["blame"][..], &["why", "--event", "152"], &["audit"], &["events"]] {
        let run = run(&[command, &[FOUNDING, "--tz", "-05:00"]].concat());
        assert_eq!(run.code, 0, "{}", run.errors);
    }
    let west = run(&["blame", FOUNDING, "--tz", "-05:00"]);
    assert!(west.text().contains("UTC-05:00"), "{}", west.text());
    // The local zone of this run is eight hours ahead, and nothing of it may enter times that stand as they are.
    let csv = exported(folder.path(), "default.CSV", &["--format", "csv"]);
    let blame = run(&["blame", &csv]);
    assert!(blame.text().contains("05:50:57.4401234") || blame.text().contains("05:50:57"), "{}", blame.text());
    assert!(blame.text().contains("(local time of the computer)"), "{}", blame.text());
    let why = run(&["why", &csv, "--event", "152"]);
    assert!(why.text().contains("05:50:57.4398822 (local time of the computer)"), "{}", why.text());
    for text in [blame.text(), why.text()] {
        assert_eq!(text.replace("has them on 1601-01-01 (", "").matches("1601").count(), 0, "{text}");
    }
    let dated = run(&["blame", &csv, "--export-date", "2022-10-08", "--export-tz", "+00:00", "--tz", "+08:00"]);
    assert!(dated.text().contains("2022-10-08 13:50:57"), "{}", dated.text());
}
