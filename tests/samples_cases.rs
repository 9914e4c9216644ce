//! Each sample capture gives exactly the case record that lies beside it, and the record says what the scenario expects.
//!
//! `PMLBLAME_BLESS=1 cargo test --test samples_cases` writes the records anew. Read the difference before it is kept:
//! the second test holds every record against the `Expected:` comment of its scenario, which no blessing changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use places::{captures_in, samples};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex::Regex;
use serde_json::Value;

fn names() -> Vec<String> {
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let names: Vec<String> = captures_in(&samples()).into_iter().map(stem).collect();
    assert!(names.len() >= 45, "only {} samples", names.len());
    names
}

/// The record as `pmlblame CAPTURE --json - --reproducible` prints it.
fn record(name: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(samples())
        .args([&format!("{name}.PML"), "--json", "-", "--reproducible", "--lang", "en"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{name}: {:?} {complaint}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn record_file(name: &str) -> PathBuf {
    samples().join(format!("{name}.case.json"))
}

#[test]
fn every_sample_gives_its_record() {
    let bless = std::env::var_os("PMLBLAME_BLESS").is_some();
    let mut faults = Vec::new();
    for name in names() {
        let found = record(&name);
        serde_json::from_str::<Value>(&found).unwrap();
        if bless {
            fs::write(record_file(&name), &found).unwrap();
            continue;
        }
        // A checkout may have changed line ends; the program never writes others than \n.
        match fs::read_to_string(record_file(&name)) {
            Ok(expected) => faults.extend(difference(&name, &expected.replace("\r\n", "\n"), &found)),
            Err(error) => faults.push(format!("{name}: no record: {error}")),
        }
    }
    assert!(faults.is_empty(), "PMLBLAME_BLESS=1 writes the records anew\n{}", faults.join("\n"));
}

/// The lines that differ, with the line before them; `None` when the texts are equal.
fn difference(name: &str, expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let start = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let longest = left.len().min(right.len()) - start;
    let end = left.iter().rev().zip(right.iter().rev()).take(longest).take_while(|(left, right)| left == right).count();
    let side = |mark: char, lines: &[&str]| {
        let shown = lines[start..lines.len() - end].iter().take(40).map(|line| format!("{mark} {line}\n"));
        shown.collect::<String>()
    };
    let before = start.checked_sub(1).map_or_else(String::new, |at| format!("  {}\n", left[at]));
    Some(format!("{name}: line {}\n{before}{}{}", start + 1, side('-', &left), side('+', &right)))
}

#[test]
fn a_difference_is_shown_with_its_place() {
    assert_eq!(difference("x", "a\nb\nc\n", "a\nb\nc\n"), None);
    assert_eq!(difference("x", "a\nb\nc\n", "a\nB\nc\n").unwrap(), "x: line 2\n  a\n- b\n+ B\n");
    assert_eq!(difference("x", "a\na\n", "a\n").unwrap(), "x: line 2\n  a\n- a\n");
}

/// The numbers of the failures in scope are those of the whole capture wherever no other failure is in it.
#[test]
fn the_audit_explains_what_the_record_explains() {
    for name in names() {
        let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
            .current_dir(samples())
            .args(["audit", &format!("{name}.PML"), "--json", "-"])
            .output()
            .unwrap();
        let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
        let record: Value = serde_json::from_slice(&fs::read(record_file(&name)).unwrap()).unwrap();
        let case = &record["capture"]["consistency"];
        let count = |value: &Value| value.as_u64().unwrap_or_default();
        assert_eq!(count(&audit["failures"]["explained"]), count(&case["failures_explained"]), "{name}");
        assert_eq!(count(&audit["failures"]["unexplained"]), count(&case["failures_unexplained"]), "{name}");
        if name == "device-path" {
            assert_eq!(audit["failures"]["explained"], 2, "a device's name and a drive's letter for one volume");
        }
    }
}

#[test]
fn no_record_is_left_over() {
    let names: BTreeSet<String> = names().into_iter().collect();
    for entry in fs::read_dir(samples()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".case.json") {
            assert!(names.contains(name), "{file} belongs to no sample");
        }
    }
}

/// What the `Expected:` comment of a scenario says, as one line.
fn expected(name: &str) -> String {
    let text = fs::read_to_string(samples().join(format!("{name}.scenario"))).unwrap();
    let head: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix('#')).skip_while(|line| !line.contains("Expected:")).collect();
    assert!(!head.is_empty(), "{name} does not say what is expected");
    head.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every value of `key` anywhere below `value`.
fn values_of<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, child)| {
            if name == key {
                found.push(child);
            }
            values_of(child, key, found);
        }),
        Value::Array(list) => list.iter().for_each(|child| values_of(child, key, found)),
        _ => {}
    }
}

fn texts_of(value: &Value, key: &str) -> BTreeSet<String> {
    let mut found = Vec::new();
    values_of(value, key, &mut found);
    found.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What the record does not say although the scenario expects it.
fn disagreements(expected: &str, record: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let verdict = &record["verdict"];
    let grades = "proven|likely|possible";
    let pattern = format!(r"verdict (\w+)(?:, (?:confidence )?({grades}|none)(?: or ({grades}))?)?");
    if let Some(found) = Regex::new(&pattern).unwrap().captures(expected) {
        if verdict["code"] != found[1] {
            faults.push(format!("verdict {} instead of {}", verdict["code"], &found[1]));
        }
        let allowed: Vec<&str> = found.iter().skip(2).flatten().map(|grade| grade.as_str()).collect();
        if !allowed.is_empty() && !allowed.iter().any(|grade| verdict["confidence"] == **grade) {
            faults.push(format!("confidence {} instead of {}", verdict["confidence"], allowed.join(" or ")));
        }
        // Where one culprit is proven, each of its failures is; where several are, each scenario tells its own.
        if allowed == ["proven"] && found[1] == *"culprit" {
            let weaker = texts_of(&record["failures"], "confidence").into_iter().filter(|grade| grade != "proven");
            faults.extend(weaker.map(|grade| format!("a holder is only {grade}")));
        }
    }
    if expected.contains("proven (confirmed by release)") && texts_of_any(record, "confirmed_by") == 0 {
        faults.push("nothing is confirmed by a release".to_owned());
    }
    // Outside parentheses, which name rules that a record does not cite.
    let plain = Regex::new(r"\([^)]*\)").unwrap().replace_all(expected, "").into_owned();
    for (word, key) in
        [("rule", "rule"), ("mechanism", "mechanism"), ("cause", "cause"), ("attribution", "attribution")]
    {
        let known = texts_of(record, key);
        for found in Regex::new(&format!(r"\b{word} ([A-Za-z_]+(?:-\d+)?)")).unwrap().captures_iter(&plain) {
            if !known.contains(&found[1]) {
                faults.push(format!("no {word} {}, only {known:?}", &found[1]));
            }
        }
    }
    let reasons = texts_of(&record["failures"], "reason");
    for found in Regex::new(r"ruled out ([a-z_]+)(?: or ([a-z_]+))?").unwrap().captures_iter(&plain) {
        if !found.iter().skip(1).flatten().any(|reason| reasons.contains(reason.as_str())) {
            faults.push(format!("nobody is {}, only {reasons:?}", &found[0]));
        }
    }
    if plain.contains("handle ambiguous") && !texts_of(record, "handle").contains("ambiguous") {
        faults.push("no handle is ambiguous".to_owned());
    }
    let failures = record["failures"].as_array().unwrap();
    for found in
        Regex::new(r"(\d+) x (?:([A-Z][A-Za-z]*[a-z][A-Za-z]*) )?([A-Z][A-Z ]+[A-Z])\b").unwrap().captures_iter(&plain)
    {
        let fits = |failure: &&Value| {
            failure["result"] == found[3]
                && found.get(2).is_none_or(|operation| failure["operation"] == *operation.as_str())
        };
        let count = failures.iter().filter(fits).count();
        // A scenario may count the same refusal in several groups.
        if count < found[1].parse().unwrap() {
            faults.push(format!("only {count} failures for \"{}\"", &found[0]));
        }
    }
    let named = texts_of(record, "name").into_iter().chain(texts_of(record, "process")).collect::<BTreeSet<_>>();
    for found in Regex::new(r"([\w.]+)/(\d+)\b").unwrap().captures_iter(&plain) {
        if !named.contains(&found[1]) {
            faults.push(format!("{} is nowhere named", &found[0]));
        }
    }
    for found in Regex::new(r"quality:? ((?:[a-z]+_[a-z_]+)(?: and [a-z]+_[a-z_]+)*)").unwrap().captures_iter(&plain) {
        let codes = texts_of(&record["capture"]["quality"], "code");
        let missing = found[1].split(" and ").filter(|code| !codes.contains(*code));
        faults.extend(missing.map(|code| format!("quality {code} is missing")));
    }
    faults
}

/// How often `key` occurs below the record.
fn texts_of_any(record: &Value, key: &str) -> usize {
    let mut found = Vec::new();
    values_of(record, key, &mut found);
    found.len()
}

#[test]
fn every_record_says_what_its_scenario_expects() {
    let mut faults = Vec::new();
    for name in names() {
        let record: Value = serde_json::from_str(&record(&name)).unwrap();
        let found = disagreements(&expected(&name), &record);
        faults.extend(found.iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_comparison_with_a_scenario_can_fail() {
    let record: Value = serde_json::from_str(&record("no-share-delete")).unwrap();
    let wrong = "Expected: verdict self_inflicted, likely: other.exe/1, rule DP-3, mechanism oplock, cause user_mapped. \
                 5 x CreateFile SHARING VIOLATION; SearchIndexer.exe ruled out other_link; quality no_stacks";
    let found = disagreements(wrong, &record);
    assert_eq!(found.len(), 9, "{found:#?}");
}
