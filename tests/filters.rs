//! One filter for the whole tool: what `events` shows is what `extract` takes and what `blame`, `why` and `audit` tell of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod places;

use pmlblame::capture::columns::Column;
use pmlblame::capture::filter::{Filter, FilterView, Rule};
use pmlblame::capture::pmc::ProcmonConfig;
use pmlblame::capture::{Capture, EventIndex, OpenOptions};
use pmlblame::export::{Context, Format, Request, Style};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn founding() -> Capture {
    Capture::open(&places::samples().join("founding-delete-pending.PML"), &OpenOptions::default()).unwrap()
}

/// Every event with the texts of its columns.
fn table(capture: &Capture) -> Vec<BTreeMap<Column, String>> {
    let columns: Vec<Column> = Column::all().collect();
    let request = Request { format: Format::Csv, columns: columns.clone(), ..Request::default() };
    let mut out = Vec::new();
    Context::new(capture, Style::default()).write(&request, &mut out, &|_| true).unwrap();
    let text = String::from_utf8(out).unwrap();
    csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes())
        .records()
        .map(|row| columns.iter().copied().zip(row.unwrap().iter().map(str::to_owned)).collect())
        .collect()
}

struct Texts<'t>(&'t BTreeMap<Column, String>);

impl FilterView for Texts<'_> {
    fn text(&mut self, column: Column, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0[&column].as_bytes());
    }

    fn number(&mut self, column: Column) -> Option<u64> {
        self.0[&column].trim_end_matches("-bit").parse().ok()
    }
}

#[test]
fn a_rule_on_any_column_chooses_the_events_that_show_it() {
    let capture = founding();
    let table = table(&capture);
    let context = Context::new(&capture, Style::default());
    let all: Vec<EventIndex> = (0..capture.event_count()).map(EventIndex).collect();
    assert_eq!((all.len(), table.len()), (161, 161));
    for column in Column::all().filter(|column| *column != Column::Sequence) {
        // A value that some events have and some have not, where there is one.
        let value = &table[152][&column];
        let filter = Filter { rules: vec![Rule::parse(&format!("{} is {value}", column.title()), true).unwrap()] };
        let compiled = filter.compile();
        let expected: Vec<EventIndex> = all
            .iter()
            .copied()
            .filter(|event| compiled.passes(&mut Texts(&table[event.0 as usize]), &mut Vec::new()))
            .collect();
        assert!(expected.contains(&EventIndex(152)), "{column:?}");
        assert_eq!(context.choose(&filter, None), expected, "choose by {column:?}");
        assert_eq!(context.passing(&filter, &all), expected, "passing by {column:?}");
        assert_eq!(context.choose(&filter, Some(&[150..=155])), in_range(&expected, 150, 155), "range by {column:?}");
        assert_eq!(context.passing(&filter, &all[150..=155]), in_range(&expected, 150, 155), "some by {column:?}");
    }
    let refused = Filter { rules: vec![Rule::parse("Result is DELETE PENDING", true).unwrap()] };
    assert_eq!(context.choose(&refused, None), [152, 153, 154].map(EventIndex));
}

fn in_range(events: &[EventIndex], first: u64, last: u64) -> Vec<EventIndex> {
    events.iter().copied().filter(|event| (first..=last).contains(&event.0)).collect()
}

fn run(args: &[&str]) -> (String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(args).args(["--lang", "en", "--tz", "UTC"]).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn json(args: &[&str]) -> Value {
    let (out, complaints) = run(&[args, &["--json", "-"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {complaints}"))
}

fn record(capture: &str, rules: &[&str]) -> Value {
    json(&[&[capture, "--reproducible", "--no-hash"], rules].concat())
}

fn failing(record: &Value) -> Vec<u64> {
    record["failures"].as_array().unwrap().iter().map(|failure| failure["event"].as_u64().unwrap()).collect()
}

/// The founding sample as PML, CSV and XML.
fn three_formats(folder: &Path) -> [String; 3] {
    let sample = places::samples().join("founding-delete-pending.PML").to_str().unwrap().to_owned();
    let export = |name: &str, format: &str| {
        let path = folder.join(name).to_str().unwrap().to_owned();
        let (_, complaints) = run(&["events", &sample, "--format", format, "--columns", "all", "-o", &path]);
        assert_eq!(complaints, "");
        path
    };
    [sample.clone(), export("f.csv", "csv"), export("f.xml", "xml")]
}

#[test]
fn a_filter_chooses_failures_and_takes_no_evidence_away() {
    let folder = tempfile::tempdir().unwrap();
    for capture in &three_formats(folder.path()) {
        let whole = record(capture, &[]);
        assert_eq!(failing(&whole), [150, 152, 153, 154], "{capture}");
        assert!(whole["scope"].get("filter").is_none() && whole["scope"].get("failures_filtered").is_none());

        // Rules that would hide the holder, its opens and every close: none of them is a failure of the victim.
        for rule in ["Process Name is ntrtscan.exe", "Operation is CloseFile", "Result is SUCCESS"] {
            let same = record(capture, &["--exclude", rule]);
            assert_eq!(same["scope"]["filter"][0], format!("{rule} then Exclude"));
            assert_eq!(same["scope"]["failures_filtered"], 0);
            for part in ["verdict", "holders", "failures", "recommendations", "caveats", "capture"] {
                assert_eq!(same[part], whole[part], "{capture}: {rule}: {part}");
            }
        }

        let some =
            record(capture, &["--filter", "Result is DELETE PENDING", "--exclude", "Time of Day ends with 007 AM"]);
        let expected: Vec<&Value> = whole["failures"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| [152, 154].contains(&one["event"].as_u64().unwrap()))
            .collect();
        assert_eq!(failing(&some), [152, 154], "{capture}");
        for (told, whole) in some["failures"].as_array().unwrap().iter().zip(expected) {
            assert_eq!((&told["holders"], &told["deleted_by"]), (&whole["holders"], &whole["deleted_by"]));
        }
        assert_eq!(some["verdict"]["code"], "culprit");
        assert_eq!(some["scope"]["failures_filtered"], 2);
        let text = some["verdict"]["text"].as_str().unwrap();
        assert!(text.contains("explains 2 of 2 refused operations"), "{text}");
        assert!(text.contains("Besides, 2 refused operations do not pass the filter"), "{text}");

        let none = record(capture, &["--filter", "Path contains nowhere"]);
        assert_eq!((failing(&none), &none["verdict"]["code"]), (vec![], &Value::from("no_failures")));
        assert_eq!(none["scope"]["failures_filtered"], 4);
        let text = none["verdict"]["text"].as_str().unwrap();
        assert!(text.starts_with("None of the 4 refused operations of "), "{text}");
        assert!(!text.contains("shows no operation"), "{text}");
    }
}

#[test]
fn why_tells_the_failures_that_pass() {
    let folder = tempfile::tempdir().unwrap();
    for capture in &three_formats(folder.path()) {
        let all = json(&["why", capture, "--filter", "Operation is CreateFile"]);
        let told: Vec<u64> =
            all.as_array().unwrap().iter().map(|one| one["failure"]["event"].as_u64().unwrap()).collect();
        assert_eq!(told, [152, 153, 154], "{capture}");
        let one = json(&["why", capture, "--event", "153"]);
        assert_eq!(all[1], one, "{capture}");
        let (out, _) = run(&["why", capture, "--filter", "Result is NOT EMPTY"]);
        assert!(out.starts_with("Why event 150 failed"), "{out}");
        let (out, complaint) = run(&["why", capture, "--filter", "PID is 1"]);
        assert!(
            out.is_empty() && complaint.contains("none of the 4 refused operations passes the filter"),
            "{complaint}"
        );
        let (_, complaint) = run(&["why", capture]);
        assert!(complaint.contains("--event"), "{complaint}");
    }
}

#[test]
fn audit_checks_the_files_that_pass_with_all_their_events() {
    let folder = tempfile::tempdir().unwrap();
    for capture in &three_formats(folder.path()) {
        let whole = json(&["audit", capture]);
        assert!(whole.get("filter").is_none());
        assert_eq!((&whole["opens_checked"], &whole["failures"]["explained"]), (&25.into(), &4.into()), "{capture}");
        // The file that only the holder is seen to close: the victim's opens of it count as well.
        let some = json(&["audit", capture, "--filter", "Process Name is ntrtscan.exe", "--filter", "PID is 2412"]);
        assert_eq!(some["filter"].as_array().unwrap().len(), 2);
        let rules = ["--filter", "Path ends with clipboardserver.dll"];
        let one = json(&[&["audit", capture], &rules[..]].concat());
        assert_eq!((&one["opens_checked"], &one["failures"]["explained"]), (&4.into(), &3.into()), "{capture}");
        assert_eq!(one["closes_without_open"], 0);
        assert_eq!(one["notes"][0], "Only files with an event that passes the filter were checked: 1 of 12.");
        let excluded = json(&["audit", capture, "--exclude", "Path contains \\"]);
        assert_eq!((&excluded["opens_checked"], &excluded["failures"]["explained"]), (&0.into(), &0.into()));
    }
}

#[test]
fn a_configuration_of_procmon_filters_like_its_rules() {
    let Some(corpus) = places::corpus() else { return };
    let files = places::files_in(&corpus.join("pmc"), "pmc");
    assert!(!files.is_empty());
    for file in files {
        let config = ProcmonConfig::parse(&std::fs::read(&file).unwrap()).unwrap();
        let sample = places::samples().join("founding-delete-pending.PML");
        let told = record(sample.to_str().unwrap(), &["--pmc", file.to_str().unwrap()]);
        let rules: Vec<String> = config.filter.rules.iter().map(ToString::to_string).collect();
        assert_eq!(
            told["scope"].get("filter").map(|rules| rules.as_array().unwrap().len()).unwrap_or_default(),
            rules.len()
        );
        let passing = Context::new(&founding(), Style { advanced: config.advanced, ..Style::default() })
            .passing(&config.filter, &[150, 152, 153, 154].map(EventIndex));
        assert_eq!(failing(&told), passing.iter().map(|event| event.0).collect::<Vec<_>>(), "{}", file.display());
    }
}
