//! `pmlblame events` on real captures: filters, configurations, XML and JSON lines against Procmon's CSV.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod places;

use places::corpus;
use pmlblame::capture::columns::{Column, parse_columns};
use pmlblame::capture::filter::{Filter, Rule};
use pmlblame::capture::pmc::ProcmonConfig;
use pmlblame::capture::{Capture, OpenOptions};
use pmlblame::export::{Context, Format, Request, Style};
use pmlblame::pml::ops::Generation;
use std::process::Command;

fn export(capture: &Capture, request: &Request) -> String {
    let mut out = Vec::new();
    let style = Style { generation: Generation::V3_5, ..Style::default() };
    Context::new(capture, style).write(request, &mut out, &|_| true).unwrap();
    String::from_utf8(out).unwrap()
}

fn rows(text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes()).records().map(Result::unwrap).collect()
}

#[test]
fn filters_select_the_rows_that_the_csv_has() {
    let Some(corpus) = corpus() else { return };
    let theirs = rows(&std::fs::read_to_string(corpus.join("LogfileTests64bitUTC.CSV")).unwrap());
    let capture = Capture::open(&corpus.join("LogfileTests64bitUTC.PML"), &OpenOptions::default()).unwrap();
    let columns = parse_columns("all").unwrap();
    let at = |column| columns.iter().position(|c| *c == column).unwrap();
    type Expected = fn(&dyn Fn(Column) -> String) -> bool;
    let cases: [(&[(&str, bool)], Expected); 6] = [
        (&[("Path contains TEMP", true)], |row| row(Column::Path).to_lowercase().contains("temp")),
        (
            &[
                ("Process Name is explorer.exe", true),
                ("Process Name is svchost.exe", true),
                ("Result is not success", true),
            ],
            |row| {
                ["explorer.exe", "svchost.exe"].contains(&row(Column::ProcessName).to_lowercase().as_str())
                    && row(Column::Result) != "SUCCESS"
            },
        ),
        (&[("Operation begins with Reg", false), ("Category is", false)], |row| {
            !row(Column::Operation).starts_with("Reg") && !row(Column::Category).is_empty()
        }),
        (&[("PID more than 3000", true), ("Detail contains Disposition: Create", true)], |row| {
            row(Column::Pid).parse::<u32>().unwrap() > 3_000
                && row(Column::Detail).to_lowercase().contains("disposition: create")
        }),
        (&[("Duration more than 0.01", true)], |row| row(Column::Duration).parse::<f64>().is_ok_and(|s| s > 0.01)),
        (&[("Event Class is Network", true), ("Path ends with https", true)], |row| {
            row(Column::EventClass) == "Network" && row(Column::Path).ends_with("https")
        }),
    ];
    for (rules, expected) in cases {
        let filter =
            Filter { rules: rules.iter().map(|(text, include)| Rule::parse(text, *include).unwrap()).collect() };
        let request = Request { format: Format::Csv, columns: columns.clone(), filter, ..Request::default() };
        let ours = rows(&export(&capture, &request));
        let wanted: Vec<_> =
            theirs.iter().filter(|row| expected(&|column| row[at(column)].to_owned())).cloned().collect();
        assert!(!wanted.is_empty() && wanted.len() < theirs.len(), "{rules:?} tests nothing");
        assert!(ours == wanted, "{rules:?}: {} rows instead of {}", ours.len(), wanted.len());
    }
}

#[test]
fn json_lines_agree_with_the_csv() {
    let Some(corpus) = corpus() else { return };
    for name in ["LogfileTests64bitUTC", "LogfileTests32bitUTC", "LogFileUTC64Filesystem", "LogFileUTC64Process"] {
        let capture = Capture::open(&corpus.join(format!("{name}.PML")), &OpenOptions::default()).unwrap();
        let columns = parse_columns("PID,Operation,Path,Result,Duration,Category,TID,Process Name").unwrap();
        let csv = rows(&export(&capture, &Request { format: Format::Csv, columns, ..Request::default() }));
        let text = export(&capture, &Request { format: Format::Jsonl, ..Request::default() });
        let mut number = 0u64;
        for (line, row) in text.lines().zip(&csv) {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["event"], number, "{name}");
            assert_eq!(event["pid"].to_string(), row[0], "{name} {number}");
            assert_eq!(event["operation"], row[1], "{name} {number}");
            assert_eq!(event["path"].as_str().unwrap(), &row[2], "{name} {number}");
            assert_eq!(event["result"], row[3], "{name} {number}");
            match event.get("duration_us") {
                Some(duration) => {
                    let seconds: f64 = row[4].parse().unwrap();
                    assert!((duration.as_f64().unwrap() - seconds * 1e6).abs() < 0.05, "{name} {number}");
                }
                None => assert_eq!(&row[4], "", "{name} {number}"),
            }
            assert_eq!(event["category"], row[5], "{name} {number}");
            assert_eq!(event["tid"].to_string(), row[6], "{name} {number}");
            assert_eq!(event["process"], row[7], "{name} {number}");
            assert!(event["detail"].is_object() && event["detail"].get("broken").is_none(), "{name} {number}");
            number += 1;
        }
        assert_eq!(number, capture.event_count(), "{name}");
    }
}

/// The names and texts of the elements of an XML document, as a flat list.
fn elements(text: &str) -> Vec<(String, String)> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text.trim_start_matches('\u{FEFF}'));
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                open.push(found.len());
                found.push((start.name().as_ref().to_owned(), String::new()));
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => {
                if let Some(at) = open.last() {
                    found[*at].1.push_str(text.as_ref());
                }
            }
            Event::GeneralRef(name) => {
                let c = quick_xml::escape::resolve_predefined_entity(name.as_ref()).unwrap();
                found[*open.last().unwrap()].1.push_str(c);
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn xml_has_the_elements_of_procmons_own_and_the_texts_of_its_csv() {
    let Some(corpus) = corpus() else { return };
    let capture = Capture::open(&corpus.join("LogFileUTC64Process.PML"), &OpenOptions::default()).unwrap();
    let ours = elements(&export(&capture, &Request { format: Format::Xml, ..Request::default() }));
    let csv = rows(&export(&capture, &Request { format: Format::Csv, ..Request::default() }));
    let details = ours.iter().filter(|(name, _)| name == "Detail").map(|(_, text)| text.replace("\r\r\n", "\r;"));
    assert!(details.eq(csv.iter().map(|row| row[6].to_owned())));
    let count = |name| ours.iter().filter(|(element, _)| element == name).count();
    assert_eq!((count("event"), count("process")), (3_400, 74));

    let theirs = elements(&std::fs::read_to_string(corpus.join("procmon-4.01-ru.XML")).unwrap());
    let shape = |all: &[(String, String)], from: &str, length: usize| {
        let start = all.iter().position(|(name, _)| name == from).unwrap();
        all[start..start + length].iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(shape(&ours, "procmon", 3), shape(&theirs, "procmon", 3));
    assert_eq!(shape(&ours, "event", 9), shape(&theirs, "event", 9));
    assert_eq!(shape(&ours, "process", 27), shape(&theirs, "process", 27), "a process with its first module");
}

#[test]
fn configurations_exported_from_procmon_are_read() {
    let Some(corpus) = corpus() else { return };
    let read = |name| ProcmonConfig::parse(&std::fs::read(corpus.join("pmc").join(name)).unwrap()).unwrap();
    let config = read("roslyn-test.pmc");
    assert_eq!(config.columns, Column::DEFAULT);
    let rules: Vec<String> = config.filter.rules.iter().map(Rule::to_string).collect();
    assert_eq!(rules.len(), 25);
    assert_eq!(rules[0], "Process Name is dotnet.exe then Include");
    assert_eq!(rules[24], "Event Class is Profiling then Exclude");
    assert!(rules.contains(&"Path ends with pagefile.sys then Exclude".to_owned()));
    assert!(config.highlight.is_empty() && !config.advanced && config.unknown_columns.is_empty());
    let config = read("noriben.pmc");
    assert_eq!(config.columns.len(), 11);
    assert_eq!(config.filter.rules.len(), 169);
    assert_eq!(config.highlight.rules.len(), 1);
    assert!(config.drop_filtered);
    assert_eq!(config.filter.rules[0].to_string(), "Process Name is Procmon64.exe then Exclude");
}

fn pmlblame(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(["events", "--lang", "en"]).args(arguments).output();
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn sample() -> String {
    format!("{}/samples/founding-delete-pending.PML", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_command_prints_a_table_one_event_and_files() {
    let sample = sample();
    let (code, table, errors) = pmlblame(&[&sample, "--tz", "UTC"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let titles = ["Event", "Time of Day", "Process Name", "PID", "Operation", "Path", "Result", "Detail"];
    let mut rest = table.lines().next().unwrap();
    for title in titles {
        rest = rest.trim_start().strip_prefix(title).unwrap();
    }
    assert!(table.lines().any(|line| line.contains("DELETE PENDING") && line.contains("TiWorker.exe")));

    let (code, one, _) = pmlblame(&[&sample, "--tz", "UTC", "--event", "0"]);
    assert_eq!(code, 0);
    for part in ["Event 0 ", "  Operation ", "  Architecture "] {
        assert!(one.contains(part), "{part}: {one}");
    }
    let (_, around, _) = pmlblame(&[&sample, "--tz", "+08:00", "--around", "3"]);
    assert!(around.starts_with("Event ") && around.contains("\nEvent 3 "), "{around}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.csv");
    let (code, out, _) = pmlblame(&[&sample, "--format", "csv", "-o", file.to_str().unwrap(), "--tz", "UTC"]);
    assert_eq!((code, out.as_str()), (0, ""));
    let (_, stdout, _) = pmlblame(&[&sample, "--format", "csv", "--tz", "UTC"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), stdout);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn bad_arguments_are_explained() {
    let sample = sample();
    for (arguments, part) in [
        (["--columns", "Foo"], "'Foo' is no column"),
        (["--filter", "Path like x"], "should read like"),
        (["--locale", "xx"], "en-US, en-GB"),
        (["--tz", "Mars"], "Mars"),
        (["--event", "x"], "'x' is no event number"),
        (["--event", "999999999"], "there is no event 999999999"),
        (["--as", "9"], "3.4, 3.5, 3.6, 4"),
    ] {
        let (code, out, errors) = pmlblame(&[&[sample.as_str()], &arguments[..]].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    let (code, _, errors) = pmlblame(&[&sample, "--pmc", &sample]);
    assert_eq!(code, 1);
    assert!(errors.contains("not a Procmon configuration"), "{errors}");
    let chinese = ["events", "--lang", "zh-CN", &sample, "--pmc", &sample];
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(chinese).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("不是 Procmon 配置文件（偏移 0x0："), "{errors}");
}
