//! The published JSON Schema is that of the program, and what the program writes fits it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use pmlblame::case::{AuditRecord, Story};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn print(arguments: &[&str]) -> Value {
    let printed = program::run_in(&root().join("samples"), arguments);
    serde_json::from_slice(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// The schema as published, which must be the one the program prints. `PMLBLAME_BLESS=1` writes it anew.
fn published() -> Value {
    let file = root().join("docs/case.schema.json");
    let printed = print(&["schema"]);
    if std::env::var_os("PMLBLAME_BLESS").is_some() {
        fs::write(&file, serde_json::to_string_pretty(&printed).unwrap() + "\n").unwrap();
    }
    let text = fs::read_to_string(&file).expect("docs/case.schema.json exists");
    let published: Value = serde_json::from_str(&text).unwrap();
    assert!(published == printed, "docs/case.schema.json is stale; PMLBLAME_BLESS=1 writes it anew");
    published
}

fn samples() -> Vec<PathBuf> {
    let files = places::captures_in(&places::samples());
    assert!(files.len() >= 45);
    files
}

fn faults(validator: &Validator, record: &Value) -> Vec<String> {
    validator.iter_errors(record).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn schema_of<T: JsonSchema>() -> Validator {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    jsonschema::draft202012::new(&generator.into_root_schema_for::<T>().to_value()).unwrap()
}

#[test]
fn the_published_schema_is_a_schema() {
    let schema = published();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    // The keys the promise names as always present.
    let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for key in ["schema", "tool", "language", "capture", "scope", "verdict", "holders", "failures"] {
        assert!(required.contains(&key), "{key} is not required");
    }
}

#[test]
fn every_record_fits_its_schema() {
    let case = jsonschema::draft202012::new(&published()).unwrap();
    let (audit, story) = (schema_of::<AuditRecord>(), schema_of::<Story>());
    let (mut bad, mut stories) = (Vec::new(), 0);
    for sample in samples() {
        let name = sample.file_name().unwrap().to_str().unwrap();
        let record = print(&[name, "--json", "-"]);
        bad.extend(faults(&case, &record).into_iter().map(|fault| format!("{name}: {fault}")));
        let numbers = print(&["audit", name, "--json", "-"]);
        assert_eq!(numbers["schema"], "pmlblame/audit/1");
        bad.extend(faults(&audit, &numbers).into_iter().map(|fault| format!("{name} audit: {fault}")));
        if let Some(failure) = record["failures"].as_array().unwrap().last() {
            let event = failure["event"].to_string();
            let told = print(&["why", name, "--event", &event, "--json", "-"]);
            assert_eq!((&told["schema"], &told["failure"]["event"]), (&"pmlblame/why/1".into(), &failure["event"]));
            bad.extend(faults(&story, &told).into_iter().map(|fault| format!("{name} why {event}: {fault}")));
            stories += 1;
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(stories >= 40, "only {stories} failures were told");
}

#[test]
fn what_breaks_the_promise_does_not_fit() {
    let case = jsonschema::draft202012::new(&published()).unwrap();
    let record = print(&["founding-delete-pending.PML", "--json", "-"]);
    assert_eq!(faults(&case, &record), [""; 0]);
    type Spoil = fn(&mut Value);
    let spoils: &[(&str, Spoil)] = &[
        ("no verdict", |record| drop(record.as_object_mut().unwrap().remove("verdict"))),
        ("an unknown confidence", |record| record["verdict"]["confidence"] = "certain".into()),
        ("a number in words", |record| record["failures"][0]["event"] = "150".into()),
        ("null instead of absence", |record| record["failures"][0]["released_by"]["event"] = Value::Null),
        ("an unknown cause", |record| record["failures"][0]["cause"] = "bad_luck".into()),
        ("holders as text", |record| record["holders"] = "ntrtscan.exe".into()),
    ];
    for (what, spoil) in spoils {
        let mut wrong = record.clone();
        spoil(&mut wrong);
        assert!(!case.is_valid(&wrong), "{what} is accepted");
    }
}
