//! The rules that the documentation lists are those that records and stories cite: a reader finds each of them in one, each
//! that the code cites has its sentence, and none of the locking reference is passed over.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pmlblame::lang::{Lang, why};
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

/// The number of a rule.
const ID: &str = r"\b(?:SA|DP|MM|RN|OP|LK|DR|VI|AT)-\d+\b";

/// The rules that the page lists: its tables have the number in the first column, that of the cleared in the second.
fn listed(page: &str) -> BTreeSet<String> {
    let id = Regex::new(ID).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.flat_map(|line| line.trim_matches('|').split('|').take(2)).map(str::trim);
    cells.filter(|cell| id.find(cell).is_some_and(|found| found.as_str() == *cell)).map(str::to_owned).collect()
}

/// The rules that decide nothing by themselves: the list of them has the numbers before the colon.
fn without_bearing(page: &str) -> BTreeSet<String> {
    let id = Regex::new(ID).unwrap();
    let lines = page.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(": "));
    let heads = lines.map(|(head, _)| head).filter(|head| id.replace_all(head, "").trim_matches([',', ' ']).is_empty());
    heads.flat_map(|head| id.find_iter(head).map(|found| found.as_str().to_owned()).collect::<Vec<_>>()).collect()
}

/// The text of every source file below a folder.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

#[test]
fn each_rule_in_the_code_has_a_sentence_and_each_sentence_a_use() {
    let literal = Regex::new(r#""((?:SA|DP|MM|RN|OP|LK|DR|VI|AT)-\d+)""#).unwrap();
    let mut cited = BTreeSet::new();
    for (file, text) in sources(&root().join("src")) {
        for found in literal.captures_iter(&text) {
            let sentence = why::rule(&found[1]).unwrap_or_else(|| panic!("{file}: {} has no sentence", &found[1]));
            for lang in [Lang::En, Lang::ZhCn] {
                assert!(sentence.get(lang).chars().count() >= 8, "{}", &found[1]);
            }
            assert_ne!(sentence.get(Lang::En), sentence.get(Lang::ZhCn), "{}", &found[1]);
            cited.insert(found[1].replace('-', "_"));
        }
    }
    let own = Regex::new(r#"(?m)^ +((?:SA|DP|MM|RN|OP|LK|DR|VI|AT)_\d+): ""#).unwrap();
    let sentences = fs::read_to_string(root().join("src/lang/why.rs")).unwrap();
    let sentences: BTreeSet<String> = own.captures_iter(&sentences).map(|found| found[1].to_owned()).collect();
    assert_eq!(sentences, cited, "sentences, against the rules that the code cites");
}

#[test]
fn no_rule_of_the_reference_is_passed_over() {
    let Some(reference) = places::shared_path("reference/windows-locking.md") else { return };
    let rule = Regex::new(r"\*\*((?:SA|DP|MM|RN|OP|LK|DR|VI|AT)-\d+)\b").unwrap();
    let reference = fs::read_to_string(reference).unwrap();
    let all: BTreeSet<String> = rule.captures_iter(&reference).map(|found| found[1].to_owned()).collect();
    assert_eq!(all.len(), 72, "{all:?}");
    let page = fs::read_to_string(root().join("docs/how-blame-works.md")).unwrap();
    let (listed, idle) = (listed(&page), without_bearing(&page));
    assert!(listed.is_disjoint(&idle), "both with a row and without bearing");
    let told: BTreeSet<String> = listed.union(&idle).cloned().collect();
    assert_eq!(told, all, "rules that the page tells of, against those of the reference");
}

#[test]
fn each_listed_rule_is_cited_and_each_cited_one_listed() {
    let id = Regex::new(ID).unwrap();
    let page = fs::read_to_string(root().join("docs/how-blame-works.md")).unwrap();
    let listed = listed(&page);
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
