//! Exports that went through other hands: sorted, rounded, cut, doubled, with broken tags. Whatever happened to a file, it
//! accuses nobody else and nobody more surely than before, and what happened is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod program;

use program::run;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

fn exported(sample: &str, arguments: &[&str]) -> String {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{sample}.PML"));
    let base = ["events", capture.to_str().unwrap(), "--tz", "UTC", "--no-segments", "--format"];
    String::from_utf8(run(&[&base[..], arguments].concat())).unwrap()
}

const DEFAULT: &[&str] = &["csv"];
const ALL: &[&str] = &["csv", "--columns", "all"];
const XML: &[&str] = &["xml", "--columns", "all", "--stacks"];

/// What is said of a text as a file.
struct Told {
    record: Value,
    codes: Vec<String>,
    /// How sure it is of whom, at most.
    grades: BTreeMap<String, u8>,
}

impl Told {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Logfile.CSV");
        std::fs::write(&file, text).unwrap();
        let rest = ["--profile", "any", "--json", "-", "--reproducible", "--no-hash"];
        let record: Value =
            serde_json::from_slice(&run(&[&["blame", file.to_str().unwrap()], &rest[..]].concat())).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let codes = record["capture"]["quality"].as_array().unwrap().iter().map(|note| text(&note["code"])).collect();
        let mut grades: BTreeMap<String, u8> = BTreeMap::new();
        for failure in record["failures"].as_array().unwrap() {
            for holder in failure["holders"].as_array().unwrap() {
                let grade =
                    ["possible", "likely", "proven"].iter().position(|name| holder["confidence"] == *name).unwrap();
                let known = grades.entry(format!("{} {}", text(&holder["process"]), holder["pid"])).or_default();
                *known = (*known).max(grade as u8 + 1);
            }
        }
        Self { record, codes, grades }
    }

    fn says(&self, code: &str) -> bool {
        self.codes.iter().any(|said| said == code)
    }

    /// Checks that nobody is accused more surely than in `whole`.
    fn accuses_no_more_than(&self, whole: &Self, what: &str) {
        for (party, grade) in &self.grades {
            let known = whole.grades.get(party).copied().unwrap_or_default();
            assert!(*grade <= known, "{what}: {party} {grade} > {known}");
        }
    }
}

const SAMPLES: [&str; 12] = [
    "founding-delete-pending",
    "two-holders",
    "byte-range-lock",
    "posix-rename",
    "directory-rename-descendant",
    "renamed-folder-pending",
    "cwd-held-directory",
    "inherited-copy",
    "pending-parent",
    "no-share-delete",
    "writable-mapping",
    "two-mappers",
];

/// Header and rows of a table without line breaks in its fields.
fn rows(csv: &str) -> (String, Vec<String>) {
    let mut lines = csv.trim_start_matches('\u{FEFF}').split_inclusive('\n');
    let header = lines.next().unwrap().to_owned();
    (header, lines.map(str::to_owned).collect())
}

fn changed(csv: &str, change: impl Fn(usize, &str) -> String) -> String {
    let (header, rows) = rows(csv);
    header + &rows.iter().enumerate().map(|(at, row)| change(at, row)).collect::<String>()
}

/// The time of day of a row, and what stands behind it.
fn time_of(row: &str) -> (&str, &str) {
    row.strip_prefix('"').unwrap().split_once('"').unwrap()
}

#[test]
fn rows_in_another_order_prove_nothing() {
    for sample in SAMPLES {
        for columns in [DEFAULT, ALL] {
            let csv = exported(sample, columns);
            let (header, mut lines) = rows(&csv);
            lines.sort_by_key(|line| line.split('"').nth(3).map(str::to_owned));
            let by_process = header.clone() + &lines.concat();
            lines.sort_by_key(|line| line.split('"').nth(9).map(str::to_owned));
            let by_path = header.clone() + &lines.concat();
            let backwards: String = header.clone() + &rows(&csv).1.into_iter().rev().collect::<String>();
            for (how, text) in [("process", by_process), ("path", by_path), ("backwards", backwards)] {
                let told = Told::of(&text);
                assert!(told.says("rows_unordered"), "{sample} {how}: {:?}", told.codes);
                assert_eq!(told.record["holders"], Value::Array(Vec::new()), "{sample} {how}");
                assert_eq!(told.record["verdict"]["confidence"], "none", "{sample} {how}");
                for failure in told.record["failures"].as_array().unwrap() {
                    assert_eq!(failure["ruled_out"].as_array().map_or(0, Vec::len), 0, "{sample} {how}");
                }
            }
            assert!(!Told::of(&csv).says("rows_unordered"), "{sample}");
        }
    }
}

#[test]
fn rounded_times_accuse_nobody_more_surely() {
    for sample in SAMPLES {
        for columns in [DEFAULT, ALL] {
            let csv = exported(sample, columns);
            let whole = Told::of(&csv);
            for (digits, code) in [(0, "whole_seconds"), (1, "coarse_times"), (3, "coarse_times"), (6, "coarse_times")]
            {
                let told = Told::of(&changed(&csv, |_, row| {
                    let (time, rest) = time_of(row);
                    let (clock, half) = time.split_once(' ').unwrap();
                    let clock = &clock[..clock.find('.').unwrap() + usize::from(digits > 0) + digits];
                    format!("\"{clock} {half}\"{rest}")
                }));
                assert!(told.says(code), "{sample} {digits}: {:?}", told.codes);
                told.accuses_no_more_than(&whole, &format!("{sample} {columns:?}, {digits} digits"));
                assert!(told.grades.values().all(|grade| *grade < 3), "{sample} {digits}: {:?}", told.grades);
            }
            let same = Told::of(&changed(&csv, |_, row| format!("\"5:50:50.0000000 AM\"{}", time_of(row).1)));
            same.accuses_no_more_than(&whole, &format!("{sample} {columns:?}, one time"));
        }
    }
}

#[test]
fn what_a_spreadsheet_does_to_times_is_said_and_accuses_nobody_more_surely() {
    for sample in SAMPLES {
        for columns in [DEFAULT, ALL] {
            let csv = exported(sample, columns);
            let told = Told::of(&changed(&csv, |_, row| {
                let (time, rest) = time_of(row);
                let clock = time.split_once(':').unwrap().1;
                format!("{}{rest}", &clock[..clock.find('.').unwrap() + 2]).replace("\"0.00", "\"0,00")
            }));
            assert!(told.says("unread_times") && !told.says("malformed_rows"), "{sample}: {:?}", told.codes);
            assert_eq!(told.says("no_times"), columns == DEFAULT, "{sample}: {:?}", told.codes);
            told.accuses_no_more_than(&Told::of(&csv), &format!("{sample} {columns:?}"));
        }
    }
}

#[test]
fn a_row_that_is_lost_makes_nobody_guilty() {
    for (sample, columns) in [("founding-delete-pending", ALL), ("posix-rename", DEFAULT), ("pending-parent", DEFAULT)]
    {
        let csv = exported(sample, columns);
        let whole = Told::of(&csv);
        let closes = rows(&csv)
            .1
            .iter()
            .enumerate()
            .filter(|(_, row)| row.contains("\"CloseFile\""))
            .map(|(at, _)| at)
            .collect::<Vec<_>>();
        assert!(closes.len() > 2);
        for lost in closes {
            let told = Told::of(&changed(&csv, |at, row| {
                if at == lost { format!("{}\r\n", &row[..row.len() / 2]) } else { row.to_owned() }
            }));
            assert!(told.says("malformed_rows"));
            for (party, grade) in &told.grades {
                let known = whole.grades.get(party).copied().unwrap_or_default().max(1);
                assert!(*grade <= known, "{sample} without row {lost}: {party} {grade} > {known}");
            }
        }
    }
}

#[test]
fn a_file_that_is_cut_off_or_doubled_proves_no_more() {
    for sample in SAMPLES {
        let csv = exported(sample, DEFAULT);
        let whole = Told::of(&csv);
        let (_, lines) = rows(&csv);
        for part in [5, 6, 7, 8, 9] {
            let end = csv.len() - lines[lines.len() * part / 10..].concat().len() + 20;
            let end = (end..).find(|at| csv.is_char_boundary(*at)).unwrap();
            let told = Told::of(&csv[..end]);
            for (party, grade) in &told.grades {
                // What would clear somebody may lie behind the cut, and then it is said to be a possibility at most.
                let known = whole.grades.get(party).copied().unwrap_or_default();
                assert!(*grade < 3 || known == 3, "{sample} cut at {part}: {party} {grade} > {known}");
            }
        }
        let doubled = Told::of(&changed(&csv, |_, row| row.repeat(2)));
        assert!(doubled.says("repeated_rows"), "{sample}: {:?}", doubled.codes);
        doubled.accuses_no_more_than(&whole, &format!("{sample} doubled"));
    }
}

#[test]
fn results_that_are_not_known_are_said() {
    let csv = exported("two-holders", DEFAULT);
    let told = Told::of(&csv.replace("\"SUCCESS\"", "\"成功\""));
    assert!(told.says("unknown_results"), "{:?}", told.codes);
    assert!(!Told::of(&csv).says("unknown_results"));
}

fn said_of_xml(text: &str) -> (u64, Vec<(u64, String)>, bool) {
    use pmlblame::import::{self, Input, OpenOptions};
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let Input::Export(export) = import::open(file.path(), &OpenOptions::default()).unwrap() else { panic!() };
    let facts = export.facts();
    let bad = facts.malformed.first.iter().map(|bad| (bad.line, format!("{:?}", bad.reason))).collect();
    (facts.rows, bad, facts.ended_early.is_some())
}

#[test]
fn a_damaged_tag_costs_one_row_and_is_told_by_its_line() {
    let xml = exported("two-holders", XML);
    let (all, bad, early) = said_of_xml(&xml);
    assert_eq!((bad.len(), early), (0, false));
    // The 20th event, with its line.
    let at = xml.match_indices("<event>").nth(20).unwrap().0;
    let line = xml[..at].matches('\n').count() as u64 + 1;
    let end = at + xml[at..].find("</event>").unwrap() + "</event>".len();
    let event = &xml[at..end];
    for (from, to) in [
        ("<Path>", "<Pa#h>"),
        ("<Path>", "Path>"),
        ("<Path>", "<Path"),
        ("<Path>", "<!Path>"),
        ("<Path>", "<?Path>"),
        ("<Path>", "<Pa\"th>"),
        ("<Path>", "<Pa'th>"),
        ("</Path>", "</Pa#h>"),
        ("</Path>", "/Path>"),
        ("</Path>", "<Path>"),
        ("</Path>", ""),
        ("</Path>", "</Path"),
        ("<Path>", ""),
        ("<Path>", "<Path>&foo;"),
        ("</event>", "</ev#nt>"),
        ("</event>", ""),
        ("</event>", "</event"),
        ("<event>", "<ev#nt>"),
        ("<event>", "event>"),
        ("<frame>", "<fr#me>"),
        ("</stack>", "</st#ck>"),
    ] {
        if !event.contains(from) {
            assert!(from.contains("frame") || from.contains("stack"), "{from}");
            continue;
        }
        let text = format!("{}{}{}", &xml[..at], event.replacen(from, to, 1), &xml[end..]);
        let (rows, bad, early) = said_of_xml(&text);
        assert_eq!((rows, bad.len(), early), (all, 1, false), "{from} as {to:?}: {bad:?}");
        let near = line..=line + event.matches('\n').count() as u64 + 2;
        assert!(near.contains(&bad[0].0) && bad[0].1 == "Tag", "{from} as {to:?}: {bad:?}, event at {line}");
    }
    // In the process list it costs no row.
    for (from, to) in [("</ProcessName>", "</Pro#essName>"), ("</process>", "</pro#ess>"), ("</processlist>", "")] {
        let (rows, bad, early) = said_of_xml(&xml.replacen(from, to, 1));
        assert_eq!((rows, early), (all, false), "{from}");
        assert!(!bad.is_empty() && bad.iter().all(|(_, reason)| reason == "Tag"), "{from}: {bad:?}");
    }
}

#[test]
fn an_xml_export_cut_off_anywhere_keeps_what_came_before() {
    let xml = exported("two-holders", XML);
    let events: Vec<usize> = xml.match_indices("</event>").map(|(at, _)| at + 8).collect();
    for step in 1..60 {
        let mut at = xml.len() * step / 60;
        while !xml.is_char_boundary(at) {
            at += 1;
        }
        let (rows, bad, early) = said_of_xml(&xml[..at]);
        let whole = events.iter().filter(|end| **end <= at).count() as u64;
        assert_eq!((rows, bad.len(), early), (whole, 0, true), "cut at {at}");
    }
}

#[test]
fn a_row_of_an_xml_export_is_believed_against_the_process_list() {
    let xml = exported("two-holders", XML);
    let whole = Told::of(&xml);
    let unlisted = {
        let (list, events) = xml.split_once("</processlist>").unwrap();
        let mut text = list.to_owned() + "</processlist>";
        for (at, part) in events.split("<ProcessIndex>").enumerate() {
            if at > 0 {
                text += "<ProcessIndex>99";
            }
            text += part;
        }
        text
    };
    let told = Told::of(&unlisted);
    assert!(told.says("unlisted_processes"), "{:?}", told.codes);
    assert_eq!(told.grades.keys().collect::<Vec<_>>(), whole.grades.keys().collect::<Vec<_>>());
    told.accuses_no_more_than(&whole, "numbers that the list lacks");
    let twice = Told::of(&(xml + &exported("no-share-delete", XML)));
    assert!(twice.says("truncated"), "{:?}", twice.codes);
    assert_eq!(twice.grades, whole.grades);
}

#[test]
fn stacks_without_a_list_of_modules_do_not_clear_a_driver() {
    let xml = exported("driver-in-stack", XML);
    let (head, rest) = xml.split_once("<processlist>").unwrap();
    let (_, events) = rest.split_once("</processlist>").unwrap();
    let told = Told::of(&format!("{head}{events}"));
    assert_eq!(
        (&told.record["verdict"]["code"], &told.record["verdict"]["confidence"]),
        (&"self_inflicted".into(), &"possible".into())
    );
    let caveats = told.record["caveats"].as_array().unwrap();
    assert!(caveats.iter().any(|caveat| caveat["code"] == "author_not_shown"), "{caveats:?}");
}

/// A way to damage a row, and what it is called.
type Damage<'d> = (&'d str, &'d dyn Fn(&str) -> String);

#[test]
fn a_damaged_row_makes_nobody_guiltier() {
    // Rows whose loss would hide what clears somebody: an open, a close, a success, a read.
    for (sample, at) in [
        ("ambiguous-handles", 107),
        ("driver-in-stack", 54),
        ("handed-over-handle", 113),
        ("lock-refuted-by-read", 75),
        ("maximum-allowed", 102),
        ("no-visible-holder", 83),
        ("no-visible-holder", 99),
        ("outlived-name", 50),
        ("outlived-name", 107),
        ("child-in-use", 50),
        ("refuted-by-later-success", 125),
    ] {
        let csv = exported(sample, DEFAULT);
        let whole = Told::of(&csv);
        let damaged = |damage: &dyn Fn(&str) -> String| {
            Told::of(&changed(&csv, |number, row| if number == at { damage(row) } else { row.to_owned() }))
        };
        let half = |row: &str| format!("{}\r\n", &row[..row.len() / 2]);
        let shifted = |row: &str| format!("\"\",{}\r\n", row.rsplit_once(",\"").unwrap().0);
        let renamed = |row: &str| row.replace("\"SUCCESS\"", "\"成功\"");
        let twice = |row: &str| row.repeat(2);
        let damages: [Damage<'_>; 4] =
            [("cut", &half), ("shifted", &shifted), ("with another result", &renamed), ("doubled", &twice)];
        for (how, damage) in damages {
            for (party, grade) in &damaged(damage).grades {
                let known = whole.grades.get(party).copied().unwrap_or_default().max(1);
                assert!(*grade <= known, "{sample}, row {at} {how}: {party} {grade} > {known}");
            }
        }
    }
}

#[test]
fn names_that_cannot_be_read_prove_nothing() {
    let xml = exported("driver-in-stack", XML);
    let whole = Told::of(&xml);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Logfile.XML");
    std::fs::write(&file, encoding_rs::GBK.encode(xml.trim_start_matches('\u{FEFF}')).0).unwrap();
    let record = |encoding: &[&str]| -> Value {
        let arguments = ["blame", file.to_str().unwrap(), "--profile", "any", "--json", "-", "--reproducible"];
        serde_json::from_slice(&run(&[&arguments[..], encoding].concat())).unwrap()
    };
    let garbled = record(&[]);
    assert_eq!(garbled["verdict"]["confidence"], "possible");
    assert!(garbled["capture"]["quality"].to_string().contains("wrong_encoding"));
    assert_eq!(record(&["--encoding", "gbk"])["verdict"], whole.record["verdict"]);
}

#[test]
fn who_may_have_ended_unseen_is_no_more_than_possible() {
    let csv = exported("inherited-handle", ALL);
    let (header, rows) = rows(&csv);
    let in_flight: String = rows.iter().filter(|row| row.contains("InFlight")).map(String::as_str).collect();
    let told = Told::of(&(header + &in_flight));
    assert!(told.says("no_process_ends"), "{:?}", told.codes);
    assert!(!Told::of(&csv).says("no_process_ends"));
    assert!(told.grades.iter().all(|(party, grade)| !party.starts_with("cmd.exe") || *grade < 2), "{:?}", told.grades);
}

#[test]
fn without_closes_a_mapping_is_likely_at_most() {
    let csv = exported("two-mappers", ALL);
    let told =
        Told::of(&changed(&csv, |_, row| if row.contains("\"CloseFile\"") { String::new() } else { row.to_owned() }));
    assert!(told.says("no_close_events"));
    // No close ends a mapping: the one that the refusals leave is likely, for its process ended just before the success.
    let accused: Vec<_> = told.grades.iter().filter(|(_, grade)| **grade > 1).collect();
    let [(party, 2)] = accused[..] else { panic!("{:?}", told.grades) };
    assert!(party.starts_with("Veeam.EndPoint.Service.exe"), "{party}");
}
