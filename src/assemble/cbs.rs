//! Facts of servicing logs as the plain data of [`crate::case::cbs`].

mod attempt;
mod file;
mod listing;

use indexmap::IndexMap;

use crate::case::Advice;
use crate::case::cbs as out;
use crate::lang::{Lang, cbs as words};
use crate::nt::FileTime;
use crate::servicing::cbs::merge::{Joined, JoinedAttempt};
use crate::servicing::cbs::{choose, judge};
use crate::servicing::codes;
use crate::servicing::component::ComponentDir;
use crate::servicing::ids::InFlightId;
use crate::servicing::sources::{SkipReason, Skipped};

pub use file::normalise;
pub use listing::comparison;

/// Lays out everything the logs say. Fields for a capture (`matches`, `unmatched`), for listings (`winsxs`) and about
/// the program (`tool`) stay empty.
pub fn cbs_report(joined: &Joined, skipped: &[Skipped], lang: Lang) -> out::CbsReport {
    report_about(joined, skipped, None, lang)
}

/// The same with the diagnosis about a given attempt, an index into the joined ones; `None` leaves the choice to the logs.
pub fn report_about(joined: &Joined, skipped: &[Skipped], subject: Option<usize>, lang: Lang) -> out::CbsReport {
    let mut report = out::CbsReport {
        schema: out::SCHEMA.to_owned(),
        tool: None,
        language: None,
        files: Vec::new(),
        diagnosis: None,
        subject: None,
        conclusion: None,
        clock: None,
        attempts: Vec::new(),
        missing: missing_items(joined),
        winsxs: None,
        recommendations: Vec::new(),
        skipped: skipped.iter().map(|skipped| skipped_input(skipped, lang)).collect(),
        identity: Vec::new(),
        order: Vec::new(),
        matches: None,
        unmatched: None,
    };
    for (at, log) in joined.logs.iter().enumerate() {
        report.files.push(file::file(joined, at, log, lang));
    }
    let views: Vec<_> = joined.attempts.iter().map(JoinedAttempt::view).collect();
    let judged: Vec<_> = views.iter().map(judge).collect();
    for ((attempt, view), judged) in joined.attempts.iter().zip(&views).zip(&judged) {
        report.attempts.push(attempt::joined(joined, attempt, view, judged, lang));
    }
    if let Some(chosen) = subject.filter(|at| *at < judged.len()).or_else(|| choose(&judged)) {
        report.subject = Some(chosen);
        report.diagnosis = report.attempts.get(chosen).and_then(|attempt| attempt.diagnosis.clone());
        report.recommendations = advice(joined, chosen, &report, lang);
    }
    report
}

/// Next steps that follow from the evidence of the chosen attempt.
fn advice(joined: &Joined, chosen: usize, report: &out::CbsReport, lang: Lang) -> Vec<Advice> {
    let (Some(attempt), Some(facts)) = (report.attempts.get(chosen), joined.attempts.get(chosen)) else {
        return Vec::new();
    };
    let Some(diagnosis) = &attempt.diagnosis else { return Vec::new() };
    let mut steps = Vec::new();
    let mut add = |code: &str, text: String| {
        if !steps.iter().any(|step: &Advice| step.text == text) {
            steps.push(Advice { code: code.to_owned(), text });
        }
    };
    let codes: Vec<&str> =
        std::iter::once(diagnosis.primary.as_str()).chain(diagnosis.also.iter().map(String::as_str)).collect();
    for code in &codes {
        match *code {
            "corrupt_base_payload" => {
                let hydrated =
                    facts.hydration.iter().filter_map(|found| Some((found.file.clone()?, Some(&found.component))));
                let hashed = facts.hashes.iter().map(|found| (found.file.clone(), found.component.as_ref()));
                for (file, component) in hydrated.chain(hashed).take(20) {
                    let text = match component {
                        Some(component) => {
                            words::R_REPAIR_STORE_FILE.fill(lang, &[("file", &file), ("component", component)])
                        }
                        None => words::R_REPAIR_FILE.fill(lang, &[("file", &file)]),
                    };
                    add("repair_store_file", text);
                }
            }
            "missing_payload" if !report.missing.is_empty() => {
                let text = match report.missing.as_slice() {
                    [one] => words::R_RESTORE_ONE.fill(lang, &[("directory", &one.directory)]),
                    all => words::R_RESTORE_PAYLOAD.fill(lang, &[("n", &all.len())]),
                };
                add("restore_payload", text);
            }
            code if code.starts_with("inflight_") || code.starts_with("locked_") => {
                add("capture_with_procmon", words::R_CAPTURE.get(lang).to_owned());
            }
            _ => {}
        }
    }
    if !attempt.begins_here {
        let have: Vec<&str> = report.files.iter().map(|file| file.name.as_str()).collect();
        let named = report.files.iter().flat_map(|file| &file.rotated_logs_named);
        let mut lacking: Vec<&str> =
            named.map(String::as_str).filter(|name| !have.iter().any(|have| have.eq_ignore_ascii_case(name))).collect();
        lacking.sort_unstable();
        lacking.dedup();
        let names = if lacking.is_empty() { "CbsPersist_*".to_owned() } else { lacking.join(lang.comma()) };
        add("collect_rotated_logs", words::R_COLLECT_ROTATED.fill(lang, &[("names", &names)]));
    }
    if !attempt.result_stated {
        add("collect_rest_of_log", words::R_COLLECT_REST.get(lang).to_owned());
    }
    let unnamed = diagnosis.primary == "missing_payload" && report.missing.is_empty();
    if (diagnosis.primary == "other" || unnamed)
        && let Some(result) = &attempt.result
        && let Some(next) = words::next_step(&result.hresult, lang)
    {
        let code = words::code_with_symbol(&result.hresult, result.symbol.as_deref());
        add("follow_result_code", words::R_FOLLOW_CODE.fill(lang, &[("code", &code), ("next", &next)]));
    }
    steps
}

/// Missing payload over all logs: each directory once, with the files asked for.
fn missing_items(joined: &Joined) -> Vec<out::MissingItem> {
    let mut items: IndexMap<String, out::MissingItem> = IndexMap::new();
    for found in joined.attempts.iter().flat_map(|attempt| &attempt.missing) {
        let Some(directory) = &found.directory else { continue };
        let item = items.entry(directory.to_lowercase()).or_insert_with(|| out::MissingItem {
            directory: directory.clone(),
            files: Vec::new(),
            component: found.component.as_ref().map(component),
            times: 0,
        });
        item.times += 1;
        if let Some(file) = &found.file
            && !item.files.iter().any(|known| known.eq_ignore_ascii_case(file))
        {
            item.files.push(file.clone());
        }
    }
    items.into_values().collect()
}

fn skipped_input(skipped: &Skipped, lang: Lang) -> out::Skipped {
    let reason = skipped.reason.as_code();
    let text = words::skip_text(reason).map_or_else(String::new, |text| text.get(lang).to_owned());
    // The system speaks its own language; what archive readers say is for nobody who reads this.
    let text = match &skipped.detail {
        Some(detail) if skipped.reason == SkipReason::Unreadable => format!("{text}{}{detail}", lang.colon()),
        _ => text,
    };
    out::Skipped { path: skipped.path.clone(), reason: reason.to_owned(), text }
}

/// A code as logs print it: `0x800f0986`.
fn hex(code: u32) -> String {
    format!("{code:#010x}")
}

fn symbol(code: u32) -> Option<String> {
    codes::symbol(code).map(str::to_owned)
}

fn seq(number: Option<u32>) -> Option<String> {
    number.map(|number| format!("{number:08x}"))
}

fn rfc(time: FileTime) -> String {
    time.to_rfc3339()
}

fn component(dir: &ComponentDir) -> out::Component {
    out::Component {
        arch: dir.arch.clone(),
        name: dir.name.clone(),
        token: dir.token.clone(),
        version: dir.version.clone(),
        culture: dir.culture.clone(),
        hash: dir.hash.clone(),
        name_shortened: dir.name_shortened(),
    }
}

fn decoded(id: &InFlightId) -> out::DecodedId {
    out::DecodedId { id: id.id.clone(), utc: rfc(id.time), counter: id.counter, pid16: id.pid16, tid16: id.tid16 }
}

/// Seconds from one time to a later one, to the millisecond.
fn seconds_between(earlier: FileTime, later: FileTime) -> f64 {
    let ticks = i128::from(later.0) - i128::from(earlier.0);
    let millis = (ticks + 5_000).div_euclid(10_000);
    // Differences of log times are far below 2^53 ms.
    millis as f64 / 1000.0
}
