//! Every sample log must give its expected facts exactly: those in the repository, and, where they are at hand, the
//! shared ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod places;

use places::shared;
use std::path::Path;

use pmlblame::assemble::cbs::cbs_report;
use pmlblame::lang::Lang;
use pmlblame::servicing::cbs::merge::{NamedLog, join};
use pmlblame::servicing::cbs::record::Record;
use pmlblame::servicing::cbs::{analyse, analyse_lines};
use serde_json::Value;

fn report(path: &Path, lang: Lang) -> Value {
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let facts = analyse(std::fs::File::open(path).unwrap(), &mut |_| true).unwrap();
    let joined = join(vec![NamedLog { path: name.clone(), name, facts }]);
    serde_json::to_value(cbs_report(&joined, &[], lang)).unwrap()
}

/// Every value of `expected` must be in `actual`; objects may have more keys, lists may not have more items.
fn compare(expected: &Value, actual: &Value, at: &str, wrong: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Null, Value::Null) => {}
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                let here = format!("{at}.{key}");
                match actual.get(key) {
                    Some(found) => compare(value, found, &here, wrong),
                    None if value.is_null() => {}
                    None => wrong.push(format!("{here}: absent, expected {value}")),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                wrong.push(format!("{at}: {} items, expected {}", actual.len(), expected.len()));
            }
            for (n, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(expected, actual, &format!("{at}[{n}]"), wrong);
            }
        }
        _ if expected == actual => {}
        _ => wrong.push(format!("{at}: {actual}, expected {expected}")),
    }
}

/// `strings` and `traps` are for tests only; `why` is prose.
fn for_comparison(expected: &Value) -> Value {
    let mut expected = expected.clone();
    let map = expected.as_object_mut().unwrap();
    map.remove("strings");
    map.remove("traps");
    if let Some(diagnosis) = map.get_mut("diagnosis") {
        diagnosis.as_object_mut().unwrap().remove("why");
    }
    expected
}

fn check(log: &Path, expected: &Value) {
    for lang in [Lang::En, Lang::ZhCn] {
        let report = report(log, lang);
        let mut wrong = Vec::new();
        compare(&for_comparison(expected), &report["files"][0], "", &mut wrong);
        assert!(wrong.is_empty(), "{}:\n{}", log.display(), wrong.join("\n"));
        // One log: the answer over all is the answer of the one.
        assert_eq!(report.get("diagnosis"), report["files"][0].get("diagnosis"), "{}", log.display());
    }
}

#[test]
fn shared_samples_give_their_expected_facts() {
    let folder = shared().join("samples");
    let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else {
        println!("skipped: {} not found", folder.display());
        return;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let files = all["files"].as_object().unwrap();
    assert_eq!(files.len(), 4);
    for (name, expected) in files {
        let expected = expected.get("same_as").map_or(expected, |other| &files[other.as_str().unwrap()]);
        check(&folder.join(name), expected);
    }
}

#[test]
fn shared_torture_log_has_its_strings_and_traps() {
    let folder = shared().join("samples");
    let (Ok(text), log) = (std::fs::read_to_string(folder.join("expected.json")), folder.join("cbs-torture.log"))
    else {
        println!("skipped: {} not found", folder.display());
        return;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let expected = &all["files"]["cbs-torture.log"];
    let mut records: Vec<Record> = Vec::new();
    let file = std::fs::File::open(log).unwrap();
    let facts = analyse_lines(file, &mut |_| true, &mut |record| {
        // The text of the bulk is not needed.
        let text = if record.text.starts_with("Appl:") { String::new() } else { record.text.clone() };
        records.push(Record { text, ..record.clone() });
    })
    .unwrap();
    let at = |line: u64| records.iter().find(|record| record.line == line).unwrap();
    for string in expected["strings"].as_array().unwrap() {
        let value = string["value"].as_str().unwrap();
        assert!(at(string["line"].as_u64().unwrap()).text.contains(value), "{value}");
    }
    let traps = &expected["traps"];
    let level = &traps["bracketed_level_code"];
    let record = at(level["line"].as_u64().unwrap());
    assert_eq!((record.level.as_str(), record.component.as_str()), ("Error", "CSI"));
    assert_eq!(
        Some(record.code.map(|code| format!("{code:#08x}"))),
        level["code"].as_str().map(|code| Some(code.to_owned()))
    );
    assert_eq!(record.sequence.unwrap().number, 4);
    let long = &traps["long_line"];
    assert_eq!(at(long["line"].as_u64().unwrap()).text.chars().count() as u64, long["text_chars"].as_u64().unwrap());
    assert_eq!(facts.text.nul_bytes, traps["nul_run"]["nul_bytes"].as_u64().unwrap());
    let impossible = traps["impossible_date"]["line"].as_u64().unwrap();
    assert!(records.iter().all(|record| record.line != impossible));
    assert_eq!(at(impossible - 1).extra_lines, 1);
    assert_eq!((facts.lines.unparsed, facts.lines.first_unparsed), (1, Some(impossible)));
    let codes: Vec<&str> = facts.notes.iter().map(|note| note.code.as_code()).collect();
    for wanted in ["clock_set_back", "truncated_last_line", "nul_bytes", "mixed_encodings"] {
        assert!(codes.contains(&wanted), "{wanted} not in {codes:?}");
    }
}

#[test]
fn own_samples_give_their_expected_facts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/cbs");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let files = all["files"].as_object().unwrap();
    assert!(files.len() >= 4);
    for (name, expected) in files {
        check(&folder.join(name), expected);
    }
}
