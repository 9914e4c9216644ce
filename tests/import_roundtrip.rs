//! A capture exported and read back gives the same operations and the same verdict.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod exported;
mod places;

use exported::{as_exported, export, named};
use places::{captures_in, corpus, samples};
use pmlblame::assemble::{self, CaseOptions};
use pmlblame::blame::scope::{Profile, ScopeOptions};
use pmlblame::blame::vendors::VendorCatalogue;
use pmlblame::capture::op::{Op, OpKind, OpLog};
use pmlblame::capture::select::Selection;
use pmlblame::capture::source::Source;
use pmlblame::capture::{self, Capture};
use pmlblame::case::{CaseRecord, Confidence, Failure, FailureHolder};
use pmlblame::import::OpenOptions;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

fn captures() -> Vec<PathBuf> {
    let mut found = captures_in(&samples());
    if let Some(corpus) = corpus() {
        for name in ["LogfileTests64bitUTC", "LogfileTests32bitUTC", "LogFileUTC64Filesystem", "LogFileUTC64Process"] {
            found.push(corpus.join(format!("{name}.PML")));
        }
    }
    found.sort();
    found
}

fn record(source: &dyn Source, profile: Profile) -> CaseRecord {
    let options = CaseOptions {
        scope: ScopeOptions { profile, ..ScopeOptions::default() },
        lang: pmlblame::lang::Lang::En,
        catalogue: VendorCatalogue::embedded(),
        generated: None,
        files: Vec::new(),
        notes: Vec::new(),
        filter: None,
    };
    assemble::analyse(source, &options).unwrap().record
}

/// The findings of a record, without what no export carries. Without durations each refusal may be a little less certain:
/// `confidences` has how certain, in the order of the findings.
fn findings(record: &CaseRecord, times: bool) -> (Vec<String>, Vec<Confidence>) {
    let mut confidences = vec![record.verdict.confidence];
    let mut found = vec![format!("{:?} {:?}", record.verdict.code, record.verdict.holders)];
    for failure in &record.failures {
        confidences.extend(failure.holders.iter().map(|holder| holder.confidence));
        let holders: Vec<String> = failure
            .holders
            .iter()
            .map(|holder| {
                format!(
                    "{} {} {:?} {} {:?}",
                    holder.pid, holder.process, holder.mechanism, holder.rule, holder.conflict
                )
            })
            .collect();
        let time = if times { failure.time.as_str() } else { "" };
        found.push(format!(
            "{} {time} {} {} {} {} {} {:?} {:?} {holders:?} ruled out {:?}",
            failure.event,
            failure.pid,
            failure.operation,
            failure.path,
            failure.status,
            failure.process,
            failure.cause,
            failure.attribution,
            failure.ruled_out.len(),
        ));
    }
    (found, confidences)
}

/// Exports a capture with the program's own command.
fn exported_by_us(capture: &Path, to: &Path, arguments: &[&str]) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .arg("events")
        .arg(capture)
        .args(["--no-segments", "--tz", "UTC", "--lang", "en", "--quiet", "--output"])
        .arg(to)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&output.stderr));
}

/// A form of export, and what of the truth it can tell.
struct Form {
    suffix: &'static str,
    arguments: &'static [&'static str],
    /// Dates, durations and threads.
    times: bool,
    stacks: bool,
}

const FORMS: [Form; 3] = [
    Form { suffix: "all.CSV", arguments: &["--format", "csv", "--columns", "all"], times: true, stacks: false },
    Form {
        suffix: "default.CSV",
        arguments: &["--format", "csv", "--columns", "default"],
        times: false,
        stacks: false,
    },
    Form { suffix: "XML", arguments: &["--format", "xml", "--columns", "all", "--stacks"], times: true, stacks: true },
];

/// A capture with everything that its exports are compared with, found once.
struct Truth {
    stem: String,
    capture: Capture,
    log: OpLog,
    records: [CaseRecord; 2],
}

const PROFILES: [Profile; 2] = [Profile::Servicing, Profile::Any];

impl Truth {
    fn of(path: &Path) -> Self {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let capture = Capture::open(path, &capture::OpenOptions { segments: false, ..Default::default() }).unwrap();
        let log = capture.collect(&Selection::everything(), &capture.survey(), &|_| false);
        let records = PROFILES.map(|profile| record(&capture, profile));
        Self { stem, capture, log, records }
    }

    /// What an export of the form says of this capture, where it cannot say what the capture does: the verdict, and what
    /// tells why. Everywhere else it says the same, without durations perhaps a little less surely.
    fn weaker(&self, form: &Form) -> Option<(&'static str, &'static str)> {
        match (self.stem.as_str(), form.stacks) {
            // The stack alone shows that a filter issued the open, or that none did.
            ("driver-in-stack" | "self-inflicted", false) => {
                Some(("SelfInflicted [\"h1\"] Possible", "author_not_shown"))
            }
            // Without it nobody can tell whether a driver opened the file on a thread of System, nor that one was in the way.
            ("smb-client", false) => Some(("Culprit [\"h1\"] Likely", "author_not_shown")),
            ("slow-open-filter-in-stack" | "slow-close-filter-in-stack", false) => {
                Some(("NoVisibleHolder [] None", "no_stacks"))
            }
            // RN-7 depends on the version of Windows, which no export tells: one of the refusals is less certain.
            ("rename-destination-directory", _) if form.times => Some(("Culprit [\"h1\"] Proven", "")),
            // That a close was still under way is seen by its duration.
            ("lingering-close", _) if !form.times => Some(("NoVisibleHolder [] None", "no_durations")),
            // Procmon prints garbage for the page protection on 64-bit Windows, so a writable section is not known as such.
            ("writable-mapping", _) => Some(("NoVisibleHolder [] None", "Mapping")),
            // What came so near to the refusal clears nobody without durations.
            ("refuted-open-closes-later", _) if !form.times => {
                Some((r#"NoVisibleHolder ["h1"] Possible"#, "no_durations"))
            }
            // Procmon does not print the name that SetLinkInformationEx gives.
            ("link-by-ex", _) => Some(("NoVisibleHolder [] None", "")),
            // Nothing ties the 8.3 name that the holder used to the long one.
            ("short-name", _) => Some((r#"NoVisibleHolder ["h1"] Possible"#, "")),
            _ => None,
        }
    }
}

/// Whether a record says something: as a weakness of the capture, as a caveat, or as a possible explanation.
fn says(record: &CaseRecord, code: &str) -> bool {
    let mut explanations = record.failures.iter().flat_map(|failure| &failure.explanations);
    code.is_empty()
        || record.capture.quality.iter().any(|note| note.code == code)
        || record.caveats.iter().any(|note| note.code == code)
        || explanations.any(|explanation| format!("{explanation:?}") == code)
}

/// Who is accused by `mine` and not by `theirs`, or more surely. A driver, or a remote client, goes by the process in whose
/// name it acts.
fn surer(mine: &CaseRecord, theirs: &CaseRecord) -> Vec<String> {
    let accused = |record: &CaseRecord| -> Vec<(u64, u32, Confidence)> {
        let of = |failure: &Failure| {
            let one = |holder: &FailureHolder| (failure.event, holder.pid, holder.confidence);
            failure.holders.iter().map(one).collect::<Vec<_>>()
        };
        record.failures.iter().flat_map(of).collect()
    };
    let known = accused(theirs);
    let is_known = |one: &(u64, u32, Confidence)| {
        known.iter().any(|(event, pid, sure)| (*event, *pid) == (one.0, one.1) && *sure >= one.2)
    };
    accused(mine).into_iter().filter(|one| !is_known(one)).map(|one| format!("{one:?} of {known:?}")).collect()
}

/// Everything a record says of the failures and the holders, without the few things that an export with all columns does
/// not tell.
fn told(record: &CaseRecord) -> serde_json::Value {
    let mut value = serde_json::to_value(record).unwrap();
    let record = value.as_object_mut().unwrap();
    let consistency = record["capture"]["consistency"].clone();
    record.insert("consistency".to_owned(), consistency);
    record.retain(|key, _| ["verdict", "failures", "holders", "waits", "consistency"].contains(&key.as_str()));
    for failure in record.get_mut("failures").and_then(|list| list.as_array_mut()).into_iter().flatten() {
        // Generic rights are printed as what they map to; whether the driver's numbers have gaps is not printed at all.
        for key in ["access", "effective"] {
            failure["requested"].as_object_mut().map(|requested| requested.remove(key));
        }
        if let Some(list) = failure.get_mut("explanations").and_then(|list| list.as_array_mut()) {
            list.retain(|code| code != "events_missing");
        }
        // What is cited for these, and for missing stacks, goes with them.
        failure.as_object_mut().map(|failure| failure.remove("evidence"));
        for holder in failure["holders"].as_array_mut().into_iter().flatten() {
            holder.as_object_mut().map(|holder| holder.remove("evidence"));
        }
        // (So does the start that tells two processes of one number apart.)
        for party in failure["ruled_out"].as_array_mut().into_iter().flatten() {
            party.as_object_mut().map(|party| party.remove("started"));
        }
    }
    for holder in record.get_mut("holders").and_then(|list| list.as_array_mut()).into_iter().flatten() {
        // The start of a process stands in UTC in the process list of an XML export, whose rows are in local time, and in no
        // usual column.
        holder["process"].as_object_mut().map(|process| process.remove("started"));
    }
    // The system root is spelled as some row has it.
    serde_json::from_str(&value.to_string().to_lowercase()).unwrap()
}

fn compare(truth: &Truth, form: &Form, file: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let name = format!("{}.{}", truth.stem, form.suffix);
    let export = export(file, &OpenOptions::default());
    let log = export.collect(&Selection::everything(), &export.survey(), &|_| false);
    let facts = export.facts();
    // Told when the file is opened; `short_names` in the record.
    assert_eq!(facts.short_names > 0, truth.stem == "short-name", "{name}");
    assert_eq!((facts.malformed.rows, facts.rows), (0, truth.capture.event_count()), "{name}");
    // 8.3 names are read from what a directory query returned, which no export prints.
    let expected: Vec<&Op> = truth.log.ops.iter().filter(|op| !matches!(op.kind, OpKind::ShortName { .. })).collect();
    assert_eq!(log.ops.len(), expected.len(), "{name}");
    let bits = if export.machine().bits == Some(32) { 32 } else { 64 };
    for (op, truth_op) in log.ops.iter().zip(&expected) {
        let kind = as_exported(&truth.capture, truth_op, bits);
        let mut wanted = named(&truth.log, truth_op, kind);
        let mut got = named(&log, op, op.kind);
        if !form.times {
            // Seven columns tell the time of day, and neither its day nor thread nor duration.
            (wanted.thread, wanted.end) = (None, None);
            wanted.start %= 864_000_000_000;
            got.start %= 864_000_000_000;
        }
        assert_eq!(got, wanted, "{name}");
    }
    for (at, profile) in PROFILES.into_iter().enumerate() {
        let mine = record(export.as_ref(), profile);
        let surer = surer(&mine, &truth.records[at]);
        assert!(surer.is_empty(), "{name} {profile:?}: {surer:?}");
        match truth.weaker(form) {
            Some((verdict, why)) => {
                let (mut found, sure) = findings(&mine, false);
                let found = format!("{} {:?}", found.swap_remove(0), sure[0]);
                if found != verdict || !says(&mine, why) {
                    faults.push(format!("{name} {profile:?}: {found}, not {verdict} ({why})"));
                }
            }
            None => {
                let theirs = &truth.records[at];
                let ((mine_found, mine_sure), (found, sure)) =
                    (findings(&mine, form.times), findings(theirs, form.times));
                if mine_found != found {
                    faults.push(format!(
                        "{name} {profile:?}:\n  {}\n  {}",
                        mine_found.join("\n  "),
                        found.join("\n  ")
                    ));
                    continue;
                }
                let surer = mine_sure.iter().zip(&sure).any(|(mine, theirs)| mine > theirs);
                // Events of an export have no numbers, so that a close that is not there may have been left out.
                let unnumbered = mine_sure.iter().zip(&sure).all(|(mine, theirs)| {
                    mine == theirs || (*mine, *theirs) == (Confidence::Likely, Confidence::Proven)
                });
                let told_why = if form.times { unnumbered } else { says(&mine, "no_durations") };
                if surer || mine_sure != sure && !told_why {
                    faults.push(format!("{name} {profile:?}: {mine_sure:?} and {sure:?}"));
                }
                if form.times && mine_sure == sure {
                    assert_eq!(told(&mine), told(theirs), "{name} {profile:?}");
                }
            }
        }
    }
    faults
}

#[test]
fn an_export_read_back_gives_the_same_operations_and_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let captures = captures();
    let faults = captures.par_iter().map(|path| {
        let mut faults = Vec::new();
        let truth = Truth::of(path);
        let sample = path.starts_with(env!("CARGO_MANIFEST_DIR"));
        // The XML of a large capture with its stacks would be hundreds of megabytes.
        for form in FORMS.iter().take(if sample { 3 } else { 2 }) {
            let file = dir.path().join(format!("{}.{}", truth.stem, form.suffix));
            exported_by_us(path, &file, form.arguments);
            faults.extend(compare(&truth, form, &file));
            std::fs::remove_file(&file).unwrap();
        }
        faults
    });
    let faults: Vec<String> = faults.collect::<Vec<_>>().concat();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
