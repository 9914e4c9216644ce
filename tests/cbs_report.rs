//! `pmlblame cbs` as a whole: overlapping logs, archives, listings, both languages, hostile text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};

use pmlblame::case::cbs::CbsReport;
use pmlblame::cli::cbs::{CbsFail, CbsOptions, run_cbs};
use pmlblame::lang::Lang;
use unicode_width::UnicodeWidthStr;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/cbs")
}

fn options(paths: &[PathBuf], lang: Lang) -> CbsOptions {
    CbsOptions {
        paths: paths.to_vec(),
        winsxs: None,
        json: None,
        list: false,
        lang,
        width: Some(160),
        ascii: false,
        progress: false,
    }
}

fn run(options: &CbsOptions) -> (CbsReport, String) {
    let mut out = Vec::new();
    let report = run_cbs(options, &mut out).unwrap();
    (report, String::from_utf8(out).unwrap())
}

#[test]
fn an_attempt_over_two_overlapping_logs_is_told_once() {
    let folder = samples().join("overlap");
    let (report, _) = run(&options(std::slice::from_ref(&folder), Lang::En));
    let names: Vec<&str> = report.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["CbsPersist_20230305010006.log", "CBS.log"]);
    // The records of four whole seconds stand in both.
    let shared = &report.files[1].shared;
    assert_eq!(shared.len(), 1);
    assert_eq!((shared[0].with.as_str(), shared[0].records), ("CbsPersist_20230305010006.log", 4));
    assert_eq!(
        (shared[0].first_local.as_str(), shared[0].last_local.as_str()),
        ("2023-03-05 09:00:01", "2023-03-05 09:00:06")
    );

    assert_eq!(report.attempts.len(), 1);
    let attempt = &report.attempts[0];
    assert_eq!(attempt.files, ["CbsPersist_20230305010006.log", "CBS.log"]);
    assert_eq!((attempt.begins_here, attempt.client.as_deref()), (true, Some("WindowsUpdateAgent")));
    let result = attempt.result.as_ref().unwrap();
    assert_eq!((result.hresult.as_str(), result.symbol.as_deref()), ("0x8007012f", Some("ERROR_DELETE_PENDING")));
    // Both logs hold the lock; it is one lock.
    assert_eq!(attempt.locks.len(), 1);
    let lock = &attempt.locks[0];
    assert_eq!((lock.file.as_str(), lock.line, lock.sets_result), ("CbsPersist_20230305010006.log", 4, true));
    assert_eq!(report.diagnosis.as_ref().unwrap().primary, "inflight_delete_pending");
    assert_eq!(attempt.makers.len(), 1);
    assert_eq!((attempt.makers[0].pid16, attempt.makers[0].tid16.as_slice()), (3000, &[3004][..]));

    // The later log alone: the beginning lacks, and that is said.
    let (report, _) = run(&options(&[folder.join("CBS.log")], Lang::En));
    let codes: Vec<&str> = report.recommendations.iter().map(|step| step.code.as_str()).collect();
    assert_eq!(codes, ["capture_with_procmon", "collect_rotated_logs"]);
}

#[test]
fn a_copy_is_not_counted_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = std::fs::read(samples().join("lock-is-the-cause.log")).unwrap();
    std::fs::write(folder.path().join("CBS.log"), &log).unwrap();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.path().join("logs.zip")).unwrap());
    archive.start_file("Windows/Logs/CBS/CBS.log", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&log).unwrap();
    archive.finish().unwrap();
    let (report, text) = run(&options(&[folder.path().to_owned()], Lang::En));
    assert_eq!((report.files.len(), report.attempts.len(), report.attempts[0].locks.len()), (2, 1, 1));
    assert_eq!(report.files[0].copy_of, None);
    assert!(report.files[1].copy_of.as_deref().unwrap().ends_with("CBS.log"));
    assert!(text.contains("has the same bytes as"));
}

#[test]
fn missing_directories_are_listed_once() {
    let mut options = options(&[samples().join("missing-payload-wrapped.log")], Lang::En);
    options.list = true;
    let (report, text) = run(&options);
    let directory =
        "amd64_microsoft-windows-e..ple-with-a-long-name_31bf3856ad364e35_10.0.19041.900_zh-cn_0123456789abcdef";
    assert_eq!(text, format!("{directory}\n"));
    assert_eq!(report.missing.len(), 1);
    assert_eq!(
        (report.missing[0].times, report.missing[0].files.as_slice()),
        (3, &["one.dll".to_owned(), "two.dll".to_owned()][..])
    );
}

#[test]
fn listings_are_compared_with_what_the_log_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let wanted =
        "amd64_microsoft-windows-e..ple-with-a-long-name_31bf3856ad364e35_10.0.19041.900_zh-cn_0123456789abcdef";
    let other = "x86_other_31bf3856ad364e35_10.0.1.1_none_00000000000000aa";
    let tree = format!(
        "卷 系统 的文件夹 PATH 列表\r\n卷序列号为 0000-0000\r\nC:\\WINDOWS\\WINSXS\r\n├─{wanted}\r\n│      one.dll\r\n│      two.dll\r\n│      \r\n└─{other}\r\n        x.dll\r\n        y.dll\r\n"
    );
    let (gbk, _, _) = encoding_rs::GBK.encode(&tree);
    let (good, bad) = (folder.path().join("good.txt"), folder.path().join("bad.txt"));
    std::fs::write(&good, &gbk).unwrap();
    std::fs::write(&bad, format!("C:\\Windows\\WinSxS\\{other}\\x.dll\r\n")).unwrap();
    let mut options = options(&[samples().join("missing-payload-wrapped.log")], Lang::En);
    options.winsxs = Some((bad.clone(), good));
    let (report, text) = run(&options);
    let found = report.winsxs.unwrap();
    assert_eq!(
        (found.bad.form.as_str(), found.good.form.as_str(), found.good.encoding.as_str()),
        ("paths", "tree", "gbk")
    );
    let lacking: Vec<_> =
        found.lacking.iter().map(|item| (item.rank.as_str(), item.path.as_str(), item.files)).collect();
    let file = format!("{other}\\y.dll");
    assert_eq!(lacking, [("asked_by_log", wanted, Some(2)), ("other", file.as_str(), None)]);
    assert!(text.contains("asked for by the log"));

    std::fs::write(&bad, "nothing here").unwrap();
    let error = run_cbs(&options, &mut Vec::new()).unwrap_err();
    assert!(error.message(Lang::En).contains("is not a listing of WinSxS"), "{}", error.message(Lang::En));
}

#[test]
fn both_languages_line_up_and_say_the_same_things() {
    let paths = [samples()];
    let (english, en) = run(&options(&paths, Lang::En));
    let (chinese, zh) = run(&options(&paths, Lang::ZhCn));
    let heads = ["错误顺序", "缺失的有效负载", "下一步建议", "日志说明"];
    assert!(heads.iter().all(|head| zh.contains(head) && !en.contains(head)));
    for text in [&en, &zh] {
        let mut width = 0;
        for line in text.lines() {
            match line.chars().next() {
                Some('┌') => width = line.width(),
                Some('│' | '╞' | '└') => assert_eq!(line.width(), width, "{line}"),
                _ => {}
            }
        }
        assert!(width > 0);
    }
    let codes = |report: &CbsReport| {
        let steps: Vec<String> = report.recommendations.iter().map(|step| step.code.clone()).collect();
        let diagnoses: Vec<_> = report
            .attempts
            .iter()
            .map(|attempt| attempt.diagnosis.as_ref().map(|d| (d.primary.clone(), d.also.clone())))
            .collect();
        (steps, diagnoses)
    };
    assert_eq!(codes(&english), codes(&chinese));
    let diagnosis = chinese.diagnosis.unwrap();
    assert!(diagnosis.text.chars().filter(|c| !c.is_ascii()).count() > 20, "{}", diagnosis.text);
}

#[test]
fn the_clean_up_lock_is_told_as_such() {
    let (report, text) = run(&options(&[samples().join("cleanup-lock-utf16.log")], Lang::En));
    let diagnosis = report.diagnosis.unwrap();
    assert_eq!(
        diagnosis.text,
        "example.dll of Microsoft-Windows-Example could not be built from its deltas: the copy in the store is not what it \
         should be. That file must be repaired, whoever holds what. The first error, at line 4 (2023-03-05 09:00:03), is the \
         result 0x800f0986 (PSFX_E_APPLY_FORWARD_DELTA_FAILED) and returned by InternalTransact (line 11). \
         STATUS_DELETE_PENDING on \\SystemRoot\\WinSxS\\Temp\\InFlight\\00d5bed0fd4ed90101000000d007d407\\示例文件.dll (line 8) \
         was met inside CDirectory::DeleteRecursively, 6 s after the error that set the result: clean-up. The log alone does \
         not show that this lock caused the failure; it proves only that some handle was still open."
    );
    assert!(text.contains("1. Repair example.dll of Microsoft-Windows-Example"));
}

#[test]
fn the_record_matches_its_schema() {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = serde_json::to_value(generator.into_root_schema_for::<CbsReport>()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut options = options(&[samples()], Lang::En);
    options.json = Some("-".into());
    let (_, text) = run(&options);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(value["schema"], "pmlblame/cbs/1");
}

#[test]
fn text_from_logs_cannot_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("CBS.log");
    let text = std::fs::read_to_string(samples().join("lock-is-the-cause.log")).unwrap();
    let hostile =
        text.replace("WindowsUpdateAgent", "Evil\u{1b}[2J\u{202e}Agent").replace("example.dll\"", "ex\u{1b}ple.dll\"");
    std::fs::write(&log, hostile).unwrap();
    let (_, text) = run(&options(&[log], Lang::En));
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert!(text.contains("\\u{1b}"));
}

#[test]
fn no_log_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.txt");
    std::fs::write(&path, "no log").unwrap();
    let error = run_cbs(&options(&[path], Lang::En), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, CbsFail::NoLog(_)));
    let line = error.message(Lang::En);
    assert!(line.starts_with("No CBS log was found") && line.ends_with("not a CBS log and not an archive."), "{line}");
}

/// Every cut and many flipped bits: no panic, and no line is lost from the count.
#[test]
fn damaged_logs_are_read_as_far_as_they_go() {
    for entry in std::fs::read_dir(samples()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let facts = |bytes: &[u8]| pmlblame::servicing::cbs::analyse(bytes, &mut |_| true).unwrap();
        for end in (0..bytes.len()).step_by(7) {
            let facts = facts(&bytes[..end]);
            assert!(facts.lines.records <= facts.lines.header_lines);
        }
        for at in (0..bytes.len()).step_by(3) {
            let mut broken = bytes.clone();
            broken[at] ^= 1 << (at % 8);
            facts(&broken);
        }
    }
}

const MISMATCH: &str = "2023-03-05 09:00:00, Info                  CBS    Session: 31018749_3482167373 initialized by client WindowsUpdateAgent, external staging directory: (null)\r
2023-03-05 09:00:03, Info                  CSI    00000016 Hashes for file member [l:11]'NgcCtnr.dll' do not match.\r
";
const HASHES: &str = " Expected: {l:4 b:f6578d3a}.\r
 Actual: {l:4 b:7c8610a5}.\r
2023-03-05 09:00:09, Info                  CBS    Exec: Processing complete.  Session: 31018749_3482167373, Package: P~1~amd64~~1.1 [HRESULT = 0x800f0986 - PSFX_E_APPLY_FORWARD_DELTA_FAILED]\r
";

/// The record's first line ended a log; the copy made later has all of it.
#[test]
fn a_hash_mismatch_torn_by_rotation_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let (torn, whole) = (folder.path().join("CbsPersist_20230305010003.log"), folder.path().join("CBS.log"));
    std::fs::write(&torn, MISMATCH).unwrap();
    std::fs::write(&whole, format!("{MISMATCH}{HASHES}")).unwrap();
    for paths in [[torn.clone(), whole.clone()], [whole, torn]] {
        let (report, text) = run(&options(&paths, Lang::En));
        assert_eq!((report.files.len(), report.attempts.len()), (2, 1));
        assert_eq!(report.attempts[0].hash_mismatches, 1);
        let damaged = text.split_once("Damaged files").unwrap().1;
        assert_eq!(damaged.matches("content does not match").count(), 1, "{text}");
        assert!(text.contains("f6578d3a") && text.contains("7c8610a5"), "{text}");
        assert!(
            text.contains("09:00:03  CbsPersist_20230305010003.log:2") || text.contains("09:00:03  CBS.log:2"),
            "{text}"
        );
    }
}

#[test]
fn logs_of_the_same_name_are_told_apart_by_their_archives() {
    let folder = tempfile::tempdir().unwrap();
    for (name, day) in [("one.zip", "05"), ("two.zip", "06")] {
        let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.path().join(name)).unwrap());
        archive.start_file("Logs/CBS.log", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(format!("{MISMATCH}{HASHES}").replace("03-05", &format!("03-{day}")).as_bytes()).unwrap();
        archive.finish().unwrap();
    }
    let (report, text) = run(&options(&[folder.path().to_owned()], Lang::En));
    assert_eq!(report.files.len(), 2);
    for name in ["one.zip/Logs/CBS.log", "two.zip/Logs/CBS.log"] {
        assert!(text.lines().any(|line| line.starts_with('│') && line.contains(name)), "{name}: {text}");
    }
    assert!(text.contains("CBS.log:2") && text.contains("first error"), "{text}");
}

/// Records with a mangled stamp and lines of noise are no part of the record before them, and their count is told.
#[test]
fn broken_lines_are_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read_to_string(samples().join("../founding-delete-pending.CBS.log")).unwrap();
    let mut text = String::new();
    for (number, line) in whole.lines().enumerate() {
        let mangled = (3..6).contains(&number);
        text.push_str(&if mangled { line.replace("2022-10-08", "2O22-1O-08") } else { line.to_owned() });
        text.push_str("\r\n");
        if number == 6 {
            text.push_str(&"2i)A0`Z]tQ;-_$RXn!zZC}>l.I$#$tf\"Qx<W}$d=Y`g>M>w\r\n".repeat(30));
        }
    }
    let log = folder.path().join("CBS.log");
    std::fs::write(&log, text).unwrap();
    let (report, text) = run(&options(std::slice::from_ref(&log), Lang::En));
    assert_eq!(report.files[0].unparsed_lines, 33);
    assert!(text.contains("\n  CBS.log: lines that are part of no record, not read: 33\n"), "{text}");
    assert!(!text.contains("2O22"), "{text}");
    let (_, text) = run(&options(std::slice::from_ref(&log), Lang::ZhCn));
    assert!(text.contains("\n  CBS.log：不属于任何记录、未读取的行：33\n"), "{text}");
}
