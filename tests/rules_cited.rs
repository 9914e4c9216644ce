//! The rules that the documentation lists are those that records and stories cite: a reader finds each of them in one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

/// Listed, and cited by no sample; why not.
const UNREACHED: &[(&str, &str)] =
    &[("VI-12", "registry hives and paging files lie outside the paths that samples are looked at for")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(arguments: &[&str]) -> String {
    String::from_utf8(program::run_in(&root().join("samples"), arguments)).unwrap()
}

/// Every `rule` anywhere in a record; with `used`, those with an event that the capture holds.
fn rules_of(value: &Value, events: u64, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(rule) = object.get("rule").and_then(Value::as_str) {
                assert!(!rule.is_empty(), "a conclusion without a rule: {value}");
                found.insert(rule.to_owned());
                if let Some(event) = object.get("event") {
                    assert!(event.as_u64().unwrap() < events, "{value}");
                }
            }
            object.values().for_each(|child| rules_of(child, events, found));
        }
        Value::Array(list) => list.iter().for_each(|child| rules_of(child, events, found)),
        _ => {}
    }
}

#[test]
fn each_listed_rule_is_cited_and_each_cited_one_listed() {
    let id = Regex::new(r"\b(?:SA|DP|MM|RN|OP|LK|DR|VI|AT)-\d+\b").unwrap();
    let page = fs::read_to_string(root().join("docs/how-blame-works.md")).unwrap();
    // The tables have the number in the first column, that of the cleared in the second.
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.flat_map(|line| line.trim_matches('|').split('|').take(2)).map(str::trim);
    let listed: BTreeSet<String> =
        cells.filter(|cell| id.find(cell).is_some_and(|found| found.as_str() == *cell)).map(str::to_owned).collect();
    assert!(listed.len() >= 45, "{listed:?}");

    let mut cited = BTreeSet::new();
    let mut stories = BTreeSet::new();
    for entry in fs::read_dir(root().join("samples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".PML") {
            continue;
        }
        let record: Value = serde_json::from_str(&run(&[&name, "--json", "-", "--no-hash"])).unwrap();
        let mut here = BTreeSet::new();
        rules_of(&record, record["capture"]["events"]["total"].as_u64().unwrap(), &mut here);
        // The story of a failure cites what its record does, in words.
        if let Some(failure) = record["failures"].as_array().unwrap().first() {
            let story = run(&["why", &name, "--event", &failure["event"].to_string()]);
            let told: BTreeSet<String> = id.find_iter(&story).map(|found| found.as_str().to_owned()).collect();
            let mut own = BTreeSet::new();
            rules_of(failure, u64::MAX, &mut own);
            let lacking: Vec<_> = own.difference(&told).collect();
            assert!(lacking.is_empty(), "{name}: not told by the story: {lacking:?}");
            stories.extend(told);
        }
        cited.extend(here);
    }
    let unlisted: Vec<_> = cited.union(&stories).filter(|rule| !listed.contains(*rule)).collect();
    assert!(unlisted.is_empty(), "cited and not listed: {unlisted:?}");
    let unreached: BTreeSet<String> = UNREACHED.iter().map(|(rule, _)| (*rule).to_owned()).collect();
    let missing: BTreeSet<String> = listed.difference(&cited).cloned().collect();
    assert_eq!(missing, unreached, "listed and cited by no sample, against the exceptions");
}
