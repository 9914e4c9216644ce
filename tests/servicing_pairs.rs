//! Other endings of the story than the founding case, and logs that are not of the capture: pairs of a capture and a log
//! made for each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod servicing;

use std::fs;

use serde_json::Value;
use servicing::*;

#[test]
fn a_lock_that_is_the_result_is_told_as_the_cause() {
    let (log_path, path) = in_flight(MADE, 3560);
    let pair = pair(&scenario(&path), &Log::new(&log_path));
    let record = record(&pair.capture, &[&pair.log]);
    let cbs = &record["cbs"];
    let found = &cbs["matches"][0];
    // Refused at 53.0006 after 0.6 ms, written at 53.001.
    assert_eq!(
        (&found["line"], &found["seconds_apart"], &found["sets_result"]),
        (&6.into(), &0.0.into(), &true.into())
    );
    assert_eq!(
        cbs["conclusion"]["text"],
        format!(
            "The servicing log agrees: KB5013941 failed with 0x80070020 (ERROR_SHARING_VIOLATION), and that is this very \
             refusal (line 6 of the log, event {}).",
            found["event"]
        )
    );
    assert!(record["caveats"].as_array().unwrap().iter().all(|advice| advice["code"] != "lock_not_the_cause"));
    let chinese = text(&pair.capture, &[&pair.log], "zh-CN", &[]);
    assert!(chinese.contains("CBS 日志与此一致：KB5013941 以 0x80070020 (ERROR_SHARING_VIOLATION) 失败，而这正是该次被拒操作本身（日志第 6 行，事件"), "{chinese}");
}

#[test]
fn a_lock_beside_a_damaged_file_is_not_all() {
    let (log_path, path) = in_flight(MADE, 3560);
    let log = Log::new(&log_path);
    let pair = pair(&scenario(&path), &log);
    let damaged = "2022-10-08 13:50:52, Info                  CSI    00000000 Hashes for file member [l:5]'a.dll' do not match.\r\n Expected: {l:2 b:0102}.\r\n Actual: {l:2 b:0103}.\r\n";
    let mut lines: Vec<String> = log.text().split_inclusive('\n').map(str::to_owned).collect();
    lines.insert(3, damaged.to_owned());
    fs::write(&pair.log, lines.concat()).unwrap();
    let record = record(&pair.capture, &[&pair.log]);
    assert_eq!(record["cbs"]["conclusion"]["code"], "lock_is_cause");
    let text = record["verdict"]["text"].as_str().unwrap();
    assert!(
        text.ends_with(
            "The lock is not all: a.dll in the component store is damaged; that needs repair whoever holds what."
        ),
        "{text}"
    );
    let last = record["recommendations"].as_array().unwrap().last().unwrap();
    assert_eq!(last["code"], "repair_store_file");
}

/// A hard link of the in-flight file: the same name elsewhere, told by time and process only, and so not as certain.
#[test]
fn another_name_of_the_file_is_probable() {
    let (log_path, _) = in_flight(MADE, 3560);
    let capture = scenario("C:\\Windows\\System32\\x.dll");
    let pair = pair(&capture, &Log::new(&log_path.replace(&log_path[log_path.rfind('\\').unwrap() + 1..], "x.dll")));
    let record = record(&pair.capture, &[&pair.log]);
    let found = &record["cbs"]["matches"][0];
    assert_eq!(found["by"], serde_json::json!(["time", "pid", "thread"]));
    assert_eq!(record["cbs"]["conclusion"]["code"], "lock_probably_cause");
    assert!(
        record["verdict"]["text"].as_str().unwrap().contains("as far as time, process, thread tell, that is event")
    );
}

#[test]
fn a_refusal_outside_the_profile_is_found_by_the_log() {
    let path = "C:\\Windows\\System32\\x.dll";
    let pair = pair(&scenario(path), &Log::new("\\??\\C:\\Windows\\System32\\x.dll"));
    let alone: Value =
        serde_json::from_str(&run(&[pair.capture.as_os_str(), "--json".as_ref(), "-".as_ref()])).unwrap();
    assert_eq!((&alone["verdict"]["code"], &alone["scope"]["failures_outside"]), (&"no_failures".into(), &1.into()));
    let record = record(&pair.capture, &[&pair.log]);
    let found = &record["cbs"]["matches"][0];
    assert_eq!(record["scope"]["from_log"], serde_json::json!([found["event"]]));
    assert_eq!(
        (&record["verdict"]["code"], &record["holders"][0]["process"]["name"]),
        (&"culprit".into(), &"av.exe".into())
    );
    assert_eq!((&found["in_scope"], &found["holders"]), (&true.into(), &serde_json::json!(["h1"])));
    assert_eq!(record["cbs"]["diagnosis"]["primary"], "locked_sharing_violation");
    // Who narrowed the scope gets it narrow; the match is still told.
    let text = text(&pair.capture, &[&pair.log], "en", &["--path", "D:\\", "--json", "-"]);
    let narrow: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&narrow["verdict"]["code"], &narrow["cbs"]["matches"][0]["in_scope"]),
        (&"no_failures".into(), &false.into())
    );
}

#[test]
fn a_record_without_its_event_says_why() {
    let (log_path, path) = in_flight(MADE, 3560);
    let reason = |scenario: &str, log: &Log| {
        let pair = pair(scenario, log);
        let record = record(&pair.capture, &[&pair.log]);
        let cbs = &record["cbs"];
        assert_eq!(cbs["matches"], serde_json::json!([]));
        let codes: Vec<&str> =
            record["recommendations"].as_array().unwrap().iter().filter_map(|advice| advice["code"].as_str()).collect();
        assert!(codes.contains(&"recapture_with_log") && !codes.contains(&"capture_with_procmon"), "{codes:?}");
        let lacking = &cbs["unmatched"][0];
        (
            lacking["reason"].as_str().unwrap().to_owned(),
            lacking["seconds_outside"].clone(),
            cbs["identity"][0]["code"].as_str().unwrap().to_owned(),
            cbs["conclusion"]["code"].as_str().unwrap().to_owned(),
            record["verdict"]["text"].as_str().unwrap().to_owned(),
        )
    };
    let capture = scenario(&path);
    let other_path = capture.replace("_x.dll", "_y.dll");
    let of = |reason: &str,
              identity: &str,
              conclusion: &str,
              (found, _, is, says, _): (String, Value, String, String, String)| {
        assert_eq!((found.as_str(), is.as_str(), says.as_str()), (reason, identity, conclusion));
    };

    // Started too late: the record is 5.5 s older than the first event, 05:50:48.
    let early = reason(&other_path, &Log { at: "05:50:42.500", ..Log::new(&log_path) });
    assert_eq!(early.1, 5.5);
    assert!(
        early.4.ends_with(
            "This capture does not show that refusal: it is 5.5 s older than the capture, which was started too late."
        ),
        "{}",
        early.4
    );
    of("before_capture", "same_attempt", "lock_not_matched", early);
    // Ended too soon.
    of(
        "after_capture",
        "same_attempt",
        "lock_not_matched",
        reason(&other_path, &Log { at: "05:51:30.000", ..Log::new(&log_path) }),
    );
    // Another run: the in-flight ids name a process that the capture does not have.
    let (log_other, _) = in_flight(MADE, 7000);
    let run = reason(&capture, &Log::new(&log_other));
    assert!(run.4.contains("The servicing log is not of this capture: The capture is of another attempt or another machine: the in-flight ids name process 7000"), "{}", run.4);
    of("other_run", "other_attempt", "other_attempt", run);
    // Another machine: another build; the enabled sibling of a build is no other.
    let stack = "v10.0.22621.1 with Core: C:\\x";
    of("other_machine", "other_machine", "other_attempt", reason(&other_path, &Log { stack, ..Log::new(&log_path) }));
    // Filtered: the time and the process are there, the path is not.
    of("path_not_seen", "same_attempt", "lock_not_matched", reason(&other_path, &Log::new(&log_path)));
    // The path is there, but was not refused like that.
    let pending = Log {
        status: "STATUS_DELETE_PENDING",
        gle: "0xd0000056",
        result: "0x8007012f - ERROR_DELETE_PENDING",
        ..Log::new(&log_path)
    };
    of("not_refused_then", "same_attempt", "lock_not_matched", reason(&capture, &pending));
    // No servicing process at all.
    let nobody = other_path.replace("TiWorker.exe", "other.exe");
    let plain = "\\SystemRoot\\System32\\x.dll";
    of("no_servicing_process", "overlaps", "lock_not_matched", reason(&nobody, &Log::new(plain)));
}

#[test]
fn a_leftover_of_an_earlier_attempt_is_told() {
    // Made before the session began, by another process.
    let (log_path, path) = in_flight("2022-10-08T01:00:00.0000000Z", 7000);
    let pair = pair(&scenario(&path), &Log::new(&log_path));
    let record = record(&pair.capture, &[&pair.log]);
    let cbs = &record["cbs"];
    assert_eq!(cbs["matches"][0]["leftover"], true);
    assert_eq!(cbs["matches"][0]["by"], serde_json::json!(["path", "time", "thread"]));
    assert_eq!(
        (&cbs["identity"][0]["processes"][0]["leftover"], &cbs["identity"][0]["code"]),
        (&true.into(), &"same_attempt".into())
    );
    let identity = cbs["identity"][0]["text"].as_str().unwrap();
    let told = "leftovers of an earlier attempt (process 7000, 2022-10-08T01:00:00.0000000Z).";
    assert!(identity.contains(told), "{identity}");
    let text = text(&pair.capture, &[&pair.log], "en", &[]);
    assert!(text.contains("leftover of an"), "{text}");
}

#[test]
fn an_attempt_that_succeeded_is_told() {
    let (log_path, path) = in_flight(MADE, 3560);
    let pair = pair(&scenario(&path), &Log { result: "0x00000000 - S_OK", ..Log::new(&log_path) });
    let record = record(&pair.capture, &[&pair.log]);
    assert_eq!(record["cbs"]["conclusion"]["code"], "attempt_succeeded");
    assert_eq!(
        record["cbs"]["conclusion"]["text"],
        "By the servicing log the installation in the time of this capture (KB5013941) succeeded."
    );
    assert_eq!(record["verdict"]["code"], "culprit");
}

#[test]
fn other_words_for_one_path_still_match() {
    let (_, path) = in_flight(MADE, 3560);
    for spelled in [
        path.replace("C:\\Windows", "\\\\SystemRoot")
            .replace("\\W", "\\\\W")
            .replace("\\T", "\\\\T")
            .replace("\\I", "\\\\I"),
        path.replace("C:\\", "\\??\\C:\\"),
        path.to_uppercase().replace("C:\\WINDOWS", "\\SystemRoot"),
        path.replace("C:\\", "\\Device\\HarddiskVolume2\\"),
    ] {
        let pair = pair(&scenario(&path), &Log::new(&spelled));
        let record = record(&pair.capture, &[&pair.log]);
        assert_eq!(record["cbs"]["matches"][0]["by"][0], "path", "{spelled}: {}", record["cbs"]["unmatched"]);
    }
}

/// A refused call may be tried again: where the log ends behind it, nothing failed yet.
#[test]
fn a_refusal_at_the_end_of_the_log_is_no_failure() {
    let (log_path, path) = in_flight(MADE, 3560);
    let log = Log::new(&log_path);
    let pair = pair(&scenario(&path), &log);
    let text_of = log.text();
    let call = text_of.find("00000003 (F)").unwrap();
    let end = text_of[..call].rfind('\n').unwrap() + 1;
    fs::write(&pair.log, &text_of[..end]).unwrap();
    let told = record(&pair.capture, &[&pair.log]);
    let attempt = &told["cbs"]["attempts"][0];
    assert_eq!((&attempt["failed"], &attempt["result"]), (&Value::Null, &Value::Null));
    assert_eq!(told["cbs"]["conclusion"]["code"], "outcome_unknown");
    assert_eq!(
        told["cbs"]["conclusion"]["text"],
        "The servicing log names the refused x.dll (line 6), but not how the installation ended."
    );
    assert_eq!(told["recommendations"][0]["code"], "collect_rest_of_log");
    // Behind the call that gave up, the error is known, but not the end.
    let end = text_of.find("2022-10-08 13:52:17").unwrap();
    fs::write(&pair.log, &text_of[..end]).unwrap();
    let told = record(&pair.capture, &[&pair.log]);
    let said = told["cbs"]["conclusion"]["text"].as_str().unwrap();
    assert!(
        said.contains("KB5013941 met 0x80070020 (ERROR_SHARING_VIOLATION) (how it ended is not in the log)"),
        "{said}"
    );
    assert_eq!(told["recommendations"].as_array().unwrap().last().unwrap()["code"], "collect_rest_of_log");
}

#[test]
fn the_stamp_counts_when_the_id_of_a_session_contradicts_it() {
    let (log_path, path) = in_flight(MADE, 3560);
    let log = Log { session: session("2022-10-12T05:49:33.7182044Z"), ..Log::new(&log_path) };
    let pair = pair(&scenario(&path), &log);
    let told = record(&pair.capture, &[&pair.log]);
    let attempt = &told["cbs"]["attempts"][0];
    assert_eq!(attempt["started_utc"], "2022-10-08T05:49:33.0000000Z");
    // The folder is older than the id says, and not a leftover for it.
    assert_eq!(attempt["locks"][0]["leftover"], Value::Null);
    let notes = told["cbs"]["logs"][0]["notes"].as_array().or(told["cbs"]["files"][0]["notes"].as_array()).unwrap();
    assert!(notes.iter().any(|note| note["code"] == "session_time_contradicts"), "{notes:?}");
    assert_eq!(told["cbs"]["conclusion"]["code"], "lock_is_cause");
}
