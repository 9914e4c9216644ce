//! What an export lacks is said, and lowers what is claimed: columns, rows, processes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod program;

use program::run;
use serde_json::Value;
use std::path::Path;

/// Verdict, confidence, holders by name, and the codes of what weakens the case, of a sample exported with `arguments`.
fn verdict(
    sample: &str,
    arguments: &[&str],
    encode: impl Fn(Vec<u8>) -> Vec<u8>,
) -> (String, String, Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{sample}.PML"));
    let csv = run(&[&["events", capture.to_str().unwrap(), "--format", "csv", "--tz", "UTC"], arguments].concat());
    let file = folder.path().join("Logfile.CSV");
    std::fs::write(&file, encode(csv)).unwrap();
    let record =
        run(&["blame", file.to_str().unwrap(), "--profile", "any", "--json", "-", "--reproducible", "--no-hash"]);
    let record: Value = serde_json::from_slice(&record).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value, pointer: &str| -> Vec<String> {
        value.as_array().unwrap().iter().map(|item| text(item.pointer(pointer).unwrap())).collect()
    };
    let known = ["no_stacks", "no_image_loads", "local_times", "no_date", "sequence_gaps"];
    let mut codes = list(&record["capture"]["quality"], "/code");
    codes.retain(|code| !known.contains(&code.as_str()));
    codes.sort();
    (
        text(&record["verdict"]["code"]),
        text(&record["verdict"]["confidence"]),
        list(&record["holders"], "/process/name"),
        codes,
    )
}

/// Sample, how it is exported, verdict, confidence, holders, and what is said to be missing.
type Case<'c> = (&'c str, &'c [&'c str], &'c str, &'c str, &'c [&'c str], &'c [&'c str]);

#[test]
fn what_an_export_lacks_is_said_and_lowers_what_is_claimed() {
    const FOUNDING: &str = "founding-delete-pending";
    const SHARING: &str = "no-share-delete";
    let six = ["--columns", "Time of Day,Process Name,PID,Operation,Path,Result"];
    let with_duration = ["--columns", "Time of Day,Process Name,PID,Operation,Path,Result,Detail,Duration"];
    let no_pid = ["--columns", "Time of Day,Process Name,TID,Duration,Operation,Path,Result,Detail"];
    let no_time = ["--columns", "Process Name,PID,TID,Duration,Operation,Path,Result,Detail"];
    let seconds = ["--columns", "Date & Time,Process Name,PID,TID,Duration,Operation,Path,Result,Detail"];
    let relative = ["--columns", "Relative Time,Process Name,PID,TID,Duration,Operation,Path,Result,Detail"];
    let no_name = ["--columns", "Time of Day,PID,TID,Duration,Operation,Path,Result,Detail"];
    let no_close = ["--exclude", "Operation is CloseFile"];
    let single = ["--filter", "Process Name is TiWorker.exe"];
    let cases: [Case<'_>; 14] = [
        (FOUNDING, &[], "culprit", "proven", &["ntrtscan.exe"], &["no_durations", "no_threads"]),
        (FOUNDING, &with_duration, "culprit", "proven", &["ntrtscan.exe"], &["no_threads"]),
        (FOUNDING, &six, "culprit", "likely", &["ntrtscan.exe"], &["no_detail", "no_durations", "no_threads"]),
        (
            SHARING,
            &six,
            "no_visible_holder",
            "possible",
            &["HipsDaemon.exe", "SearchIndexer.exe"],
            &["no_detail", "no_durations", "no_threads"],
        ),
        (FOUNDING, &no_pid, "culprit", "likely", &["ntrtscan.exe"], &["no_pids"]),
        (FOUNDING, &no_time, "culprit", "likely", &["ntrtscan.exe"], &["no_durations", "no_times"]),
        (FOUNDING, &seconds, "culprit", "likely", &["ntrtscan.exe"], &["no_durations", "whole_seconds"]),
        (FOUNDING, &relative, "culprit", "proven", &["ntrtscan.exe"], &[]),
        (FOUNDING, &no_name, "culprit", "proven", &["<unknown>"], &["no_process_names"]),
        (
            FOUNDING,
            &no_close,
            "no_visible_holder",
            "possible",
            &["ntrtscan.exe", "SearchIndexer.exe", "TiWorker.exe"],
            &["no_close_events", "no_durations", "no_threads"],
        ),
        (
            SHARING,
            &no_close,
            "no_visible_holder",
            "possible",
            &["HipsDaemon.exe", "TiWorker.exe"],
            &["no_close_events", "no_durations", "no_threads"],
        ),
        ("short-name", &["--columns", "all"], "no_visible_holder", "possible", &["HipsDaemon.exe"], &["short_names"]),
        (
            FOUNDING,
            &single,
            "no_visible_holder",
            "none",
            &[],
            &["filtered_before_saving", "no_durations", "no_process_ends", "no_threads"],
        ),
        (
            SHARING,
            &single,
            "no_visible_holder",
            "none",
            &[],
            &["filtered_before_saving", "no_durations", "no_process_ends", "no_threads"],
        ),
    ];
    let mut faults = Vec::new();
    for (sample, arguments, code, confidence, holders, lacking) in cases {
        let found = verdict(sample, arguments, |csv| csv);
        let strings = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let wanted = (code.to_owned(), confidence.to_owned(), strings(holders), strings(lacking));
        if found != wanted {
            faults.push(format!("{sample} {arguments:?}\n  found  {found:?}\n  wanted {wanted:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_verdict_is_the_same_in_every_locale_and_encoding() {
    let utf16 = |big: bool, mark: bool| {
        move |csv: Vec<u8>| {
            let text = String::from_utf8(csv).unwrap();
            let text = text.trim_start_matches('\u{FEFF}');
            let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16()).flat_map(unit).collect::<Vec<u8>>()
        }
    };
    for sample in ["founding-delete-pending", "two-holders", "byte-range-lock"] {
        let all = ["--columns", "all"];
        let truth = verdict(sample, &all, |csv| csv);
        assert_eq!(truth.1, "proven", "{sample}: {truth:?}");
        for locale in [
            "en-US", "en-GB", "zh-CN", "zh-TW", "es-ES", "de-DE", "fr-FR", "it-IT", "ja-JP", "ko-KR", "pl-PL", "pt-BR",
            "ru-RU",
        ] {
            let found = verdict(sample, &[&all[..], &["--locale", locale]].concat(), |csv| csv);
            assert_eq!(found, truth, "{sample} {locale}");
        }
        for (big, mark) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(verdict(sample, &all, utf16(big, mark)), truth, "{sample}: UTF-16, big {big}, mark {mark}");
        }
        let plain = |csv: Vec<u8>| String::from_utf8(csv).unwrap().trim_start_matches('\u{FEFF}').as_bytes().to_vec();
        assert_eq!(verdict(sample, &all, plain), truth, "{sample}: no mark");
        // A spreadsheet in a locale with decimal commas saves with semicolons, and quotes only what needs it.
        let semicolons = |csv: Vec<u8>| {
            let text = String::from_utf8(csv).unwrap();
            let mut out = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
            let mut rows = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(text.trim_start_matches('\u{FEFF}').as_bytes());
            rows.records().for_each(|row| out.write_record(&row.unwrap()).unwrap());
            out.into_inner().unwrap()
        };
        assert_eq!(
            verdict(sample, &[&all[..], &["--locale", "de-DE"]].concat(), semicolons),
            truth,
            "{sample}: semicolons"
        );
    }
}
