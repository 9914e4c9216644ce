//! What a reader meets in every report: numbers with the right noun, no words about nothing, no silence about a file that
//! was not written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(samples())
        .args(arguments)
        .args(["--lang", "en"])
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A capture made from the lines of a scenario.
fn made(folder: &Path, name: &str, lines: &str) -> String {
    let common = samples().join("common");
    let head = format!(
        "start 2022-10-08T05:50:48Z\ncomputer PC\ninclude {0}/windows-10.inc\ninclude {0}/servicing.inc\n",
        common.display()
    );
    let (scenario, capture) = (folder.join(format!("{name}.scenario")), folder.join(format!("{name}.PML")));
    fs::write(&scenario, head + lines).unwrap();
    let capture = capture.to_str().unwrap().to_owned();
    let output = run(&["make", scenario.to_str().unwrap(), "-o", &capture]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    capture
}

#[test]
fn one_is_no_plural_and_nothing_is_not_told() {
    let noun =
        "operations|refusals|events|files|rows|attempts|opens|closes|failures|paths|bytes|processes|times|parties";
    let one = Regex::new(&format!(r"\b1 (?:refused |further |more |successful )?(?:{noun})\b")).unwrap();
    assert!(one.is_match("the 1 refused operations") && !one.is_match("explains 1 of 2 refused operations, 11 events"));
    let mut seen = 0;
    for entry in fs::read_dir(samples()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".PML") {
            continue;
        }
        for text in [out(&run(&[&name])), out(&run(&["audit", &name]))] {
            seen += 1;
            assert!(!one.is_match(&text), "{name}: {:?}", one.find(&text));
            assert!(!text.contains("from not shown to not shown"), "{name}");
            assert!(!text.contains('{') && !text.contains('}'), "{name}: a place is not filled\n{text}");
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn a_single_refusal_is_no_short_block() {
    let never = out(&run(&["reader-withholds-read.PML"]));
    assert!(never.contains("not retried") && !never.contains(" ms "), "{never}");
    assert!(never.contains("was not tried again in this capture"), "{never}");
    let until_success = out(&run(&["overwrite-implies-write.PML"]));
    assert!(until_success.contains("2.00 s") && !until_success.contains("not retried"), "{until_success}");
}

#[test]
fn a_driver_in_the_stack_is_suspected_not_seen_to_hold() {
    let text = out(&run(&["slow-open-filter-in-stack.PML"]));
    assert!(text.contains("suspected: TmXPFlt.sys"), "{text}");
}

/// VI-4: who closed what he opened may have had another handle from before.
#[test]
fn clearing_says_what_the_capture_cannot_show() {
    let but = "(a handle older than the capture would not show)";
    let text = out(&run(&["unseen-mapping.PML"]));
    assert!(text.contains(&format!("SearchIndexer.exe (PID 2976): had closed it before (AT-4) {but}")), "{text}");
    let story = out(&run(&["why", "unseen-mapping.PML", "--event", "66"]));
    assert!(story.contains(but), "{story}");
    // Somebody is shown, or the file is younger than the capture.
    for explained in ["founding-delete-pending.PML", "no-visible-holder.PML"] {
        let text = out(&run(&[explained]));
        assert!(text.contains("Cleared:") && !text.contains("would not show"), "{text}");
    }
}

#[test]
fn a_capture_that_cannot_show_a_refusal_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let registry = r"+1.0 TiWorker.exe:5056 RegOpenKey HKLM\SOFTWARE\Microsoft";
    let text = out(&run(&[&made(folder.path(), "registry", registry)]));
    assert!(
        text.contains("was refused because of a lock. But it could not show one: it holds no file-system event"),
        "{text}"
    );
    let no_opens = "+1.0 TiWorker.exe:5056 ReadFile ${FILE} offset=0 length=16";
    let text = out(&run(&[&made(folder.path(), "no-opens", no_opens)]));
    assert!(
        text.contains("But it can hardly show one: most are refused in CreateFile, and it holds no such event."),
        "{text}"
    );
    let healthy = out(&run(&["no-failure.PML"]));
    assert!(!healthy.contains("show one"), "{healthy}");
}

#[test]
fn a_record_of_several_captures_that_is_not_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.PML");
    fs::write(&broken, b"no capture").unwrap();
    let json = folder.path().join("cases.json");
    let arguments = ["no-failure.PML", broken.to_str().unwrap(), "--json", json.to_str().unwrap()];
    let output = run(&arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!json.exists());
    assert!(said.contains("cases.json: not written, because a capture could not be analysed"), "{said}");
    // One capture alone needs no such word.
    let alone = run(&[broken.to_str().unwrap(), "--json", json.to_str().unwrap()]);
    assert!(!String::from_utf8_lossy(&alone.stderr).contains("not written"));
}

#[test]
fn a_program_merely_named_like_a_product_is_not_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r"let FILE = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
process 7778 ntrtscan.exe
  image C:\Users\bob\x\ntrtscan.exe
+1 TiWorker.exe:20 CreateFile ${FILE} access=GENERIC_WRITE share=R disposition=CREATE
+1.5 TiWorker.exe:20 CloseFile ${FILE}
+2 ntrtscan.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW
+3 TiWorker.exe:20 CreateFile ${FILE} access=DELETE share=RWD -> SHARING VIOLATION
+6 ntrtscan.exe:10 CloseFile ${FILE}
";
    let capture = made(folder.path(), "named", lines);
    let of = |lang: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
            .args([&capture, "--json", "-", "--lang", lang])
            .output()
            .unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let record = of("en");
    assert_eq!(record["holders"][0]["vendor"]["by"], "name_only");
    let codes: Vec<&str> =
        record["recommendations"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["identify_program", "close_application"]);
    let chinese = of("zh-CN");
    for (told, product) in [(&record, "Trend"), (&chinese, "趋势"), (&chinese, "OfficeScan")] {
        assert!(!told["recommendations"].to_string().contains(product), "{}", told["recommendations"]);
    }
    // The cells of the table break their lines where they must.
    let words = |text: String| text.split(['│', '┆', ' ', '\n']).filter(|word| !word.is_empty()).collect::<String>();
    let table = words(out(&run(&[&capture, "--width", "400"])));
    assert!(table.contains("OfficeScanclient,bynameonly"), "{table}");
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .args([&capture, "--lang", "zh-CN", "--width", "400"])
        .output()
        .unwrap();
    let table = words(out(&output));
    assert!(table.matches("，仅按名称推断").count() >= 2, "{table}");
}

#[test]
fn what_maximum_allowed_was_granted_is_not_asserted() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r"let FILE = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
process 7778 hold.exe
  image C:\Hold\hold.exe
+1 TiWorker.exe:20 CreateFile ${FILE} access=GENERIC_WRITE share=R disposition=CREATE
+1.5 TiWorker.exe:20 CloseFile ${FILE}
+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RW
+3 TiWorker.exe:20 CreateFile ${FILE} access=MAXIMUM_ALLOWED share=RWD -> SHARING VIOLATION
+4 TiWorker.exe:20 CreateFile ${FILE} access=MAXIMUM_ALLOWED,DELETE share=RWD -> SHARING VIOLATION
+6 hold.exe:10 CloseFile ${FILE}
";
    let output = run(&[&made(folder.path(), "maximum", lines), "--json", "-"]);
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let conflict = |at: usize| record["failures"][at]["holders"][0]["conflict"][0].as_str().unwrap();
    assert_eq!(
        conflict(0),
        "victim asks for MAXIMUM_ALLOWED, which takes in DELETE only if granted; holder does not share DELETE"
    );
    assert_eq!(conflict(1), "victim wants DELETE, holder does not share DELETE");
}

fn json(arguments: &[&str], lang: &str) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(samples())
        .args(arguments)
        .args(["--json", "-", "--lang", lang])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn codes(record: &serde_json::Value) -> Vec<&str> {
    record["recommendations"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

/// DP-10: CANNOT DELETE may have nobody behind it.
#[test]
fn a_refused_deletion_need_not_have_a_holder() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r"let OLD = C:\Windows\WinSxS\Temp\PendingDeletes\old.dll
+4 TiWorker.exe:5056 CreateFile ${OLD} access=DELETE share=RWD
+4.001 TiWorker.exe:5056 SetDispositionInformationFile ${OLD} delete=yes -> CANNOT DELETE
+4.002 TiWorker.exe:5056 CloseFile ${OLD}
";
    let capture = made(folder.path(), "attributes", lines);
    let record = json(&[&capture], "en");
    assert_eq!(
        record["verdict"]["text"],
        "1 of 1 refused operation was a deletion answered with CANNOT DELETE, and the capture does not show whether the \
         file is read-only. If it is, nobody's hold is the reason (DP-10); if not, somebody has it mapped, as a program, a \
         DLL or data (MM-1)."
    );
    let explanations: Vec<&str> = record["failures"][0]["explanations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .filter(|code| ["mapping", "read_only_attribute"].contains(code))
        .collect();
    assert_eq!(explanations, ["mapping", "read_only_attribute"]);
    assert!(record["failures"][0]["evidence"].as_array().unwrap().iter().any(|one| one["rule"] == "DP-10"));
    assert_eq!(codes(&record)[0], "check_read_only");
    assert!(
        !codes(&record).contains(&"recapture_lower_altitude")
            && !codes(&record).contains(&"stop_realtime_scan_and_retry")
    );
    let advice = record["recommendations"][0]["text"].as_str().unwrap();
    assert!(advice.starts_with(r"Look whether C:\Windows\WinSxS\Temp\PendingDeletes\old.dll is read-only"), "{advice}");
    assert!(advice.ends_with("tasklist /m old.dll lists the processes that run it as a DLL."), "{advice}");
    let text = out(&run(&[&capture]));
    assert!(text.contains("may hold it; it may be read-only, and then nobody's hold is the reason (DP-10))"), "{text}");
    let chinese = json(&[&capture], "zh-CN");
    assert_eq!(
        chinese["verdict"]["text"],
        "1 次被拒操作中有 1 次是删除文件，结果为 CANNOT DELETE，而此捕获未显示该文件是否为只读。若为只读，则并非占用所致（DP-10）；\
         否则是该文件已被映射，即作为程序、DLL 或数据（MM-1）。"
    );
    // What the capture shows not to be read-only is somebody's.
    let known = lines
        .replace("+4.001", "+4.0005 TiWorker.exe:5056 QueryBasicInformationFile ${OLD} attributes=ARCHIVE\n+4.001");
    let record = json(&[&made(folder.path(), "known", &known)], "en");
    assert!(record["verdict"]["text"].as_str().unwrap().starts_with("Somebody held files that TiWorker.exe needed"));
    assert!(!codes(&record).contains(&"check_read_only"));
}

#[test]
fn nobody_s_hold_is_not_nobody() {
    let text = |lang: &str| json(&["read-only-file.PML"], lang)["verdict"]["text"].as_str().unwrap().to_owned();
    assert_eq!(
        text("en"),
        "Nobody's hold is the reason: 1 refused operation has another one: the file is read-only (DP-10)."
    );
    assert_eq!(text("zh-CN"), "并非任何程序占用所致：1 次被拒操作另有原因：文件具有只读属性（DP-10）。");
}

fn verdict(arguments: &[&str], lang: &str) -> String {
    json(arguments, lang)["verdict"]["text"].as_str().unwrap().to_owned()
}

fn report(arguments: &[&str], lang: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(samples())
        .args(arguments)
        .args(["--tz", "utc", "--lang", lang])
        .output()
        .unwrap();
    out(&output)
}

/// Every line is told by itself, whatever stands around it.
fn tells(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|told| told.trim() == *line), "no line {line:?} in\n{text}");
    }
}

#[test]
fn a_driver_that_acts_is_told_with_what_is_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!(
        r"include {}/asiainfo.inc
let FILE = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
process 7778 hold.exe
  image C:\Hold\hold.exe
stack byflt = FLTMGR.SYS+0x55e3, FLTMGR.SYS+0x512e, FLTMGR.SYS+0x3b5cb, ntoskrnl.exe+0x39109, ntoskrnl.exe+0x5d8f41, ntoskrnl.exe+0x5d6c0b, ntoskrnl.exe+0x5d4a3f, FLTMGR.SYS+0x41000, TmPreFlt.sys+0x1234, TmPreFlt.sys+0x1300, FLTMGR.SYS+0x512e, FLTMGR.SYS+0x3b5cb, ntoskrnl.exe+0x39109, ntoskrnl.exe+0x5d8f41, ntoskrnl.exe+0x1d6a15
+1 TiWorker.exe:20 CreateFile ${{FILE}} access=GENERIC_WRITE share=R disposition=CREATE
+1.5 TiWorker.exe:20 CloseFile ${{FILE}}
+2 hold.exe:10 CreateFile ${{FILE}} access=GENERIC_READ share=R stack=@byflt
+3 TiWorker.exe:20 CreateFile ${{FILE}} access=DELETE share=RWD -> SHARING VIOLATION
+4 hold.exe:10 CloseFile ${{FILE}} stack=@byflt
+5 TiWorker.exe:20 CreateFile ${{FILE}} access=DELETE share=RWD
",
        samples().join("common").display()
    );
    let capture = made(folder.path(), "driver", &lines);
    let event = json(&[&capture], "en")["failures"][0]["event"].to_string();
    let facts = "TmPreFlt.sys: 亚信科技（成都）有限公司, version 12.0.1045, altitude 328500, C:\\Windows\\System32\\drivers\\TmPreFlt.sys";
    let zh = "TmPreFlt.sys：亚信科技（成都）有限公司、版本 12.0.1045、高度 328500、C:\\Windows\\System32\\drivers\\TmPreFlt.sys";
    for arguments in [vec![capture.as_str()], vec!["why", &capture, "--event", &event]] {
        let text = report(&arguments, "en");
        tells(&text, &[facts]);
        assert!(text.contains("released by TmPreFlt.sys (hold.exe PID 7778), event "), "{text}");
        tells(&report(&arguments, "zh-CN"), &[zh]);
    }
    let text = report(&[&capture], "en");
    assert!(
        text.contains("held by TmPreFlt.sys (hold.exe PID 7778) from 05:50:50.0000000 to 05:50:52.0000000"),
        "{text}"
    );
    let story = json(&["why", &capture, "--event", &event], "en");
    assert_eq!(story["drivers"][0]["altitude"], "328500");
    // Under its own process it is told by name, not by a bare number.
    tells(
        &report(&["driver-in-stack.PML"], "en"),
        &["released by TmXPFlt.sys (TiWorker.exe PID 3560), event 84; after that it was no longer refused, event 85"],
    );
}

#[test]
fn two_processes_of_one_number_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r"let FILE = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
process 9200 scan.exe as one
  image C:\Scan\scan.exe
  started +1.6
  ended +1.9
process 9200 scan.exe as two
  image C:\Scan\scan.exe
  started +2
+1 TiWorker.exe:20 CreateFile ${FILE} access=GENERIC_WRITE share=R disposition=CREATE
+1.5 TiWorker.exe:20 CloseFile ${FILE}
+1.7 one CreateFile ${FILE} access=GENERIC_READ share=R
+1.9 one ProcessExit
+2.1 two CreateFile ${FILE} access=READ_ATTRIBUTES share=RWD
+3 TiWorker.exe:20 CreateFile ${FILE} access=DELETE share=RWD -> SHARING VIOLATION
+4 two CloseFile ${FILE}
";
    let capture = made(folder.path(), "instances", lines);
    let text = report(&[&capture], "en");
    for told in [
        "scan.exe (PID 9200, started 2022-10-08 05:50:50.0000000): opened it for attributes only (SA-2)",
        "scan.exe (PID 9200, started 2022-10-08 05:50:49.6000000): had ended before (AT-7)",
    ] {
        assert!(text.contains(told), "{text}");
    }
    let chinese = report(&[&capture], "zh-CN");
    assert!(
        chinese.contains("scan.exe（PID 9200，启动于 2022-10-08 05:50:49.6000000）：此前已结束（AT-7）"),
        "{chinese}"
    );
    let record = json(&[&capture], "en");
    let started = |at: usize| record["failures"][0]["ruled_out"][at]["started"].as_str().unwrap().to_owned();
    let mut both = [started(0), started(1)];
    both.sort();
    assert_eq!(both, ["2022-10-08T05:50:49.6000000Z", "2022-10-08T05:50:50.0000000Z"]);
    // Where the number says who it is, nothing is added.
    assert!(json(&["unseen-mapping.PML"], "en")["failures"][0]["ruled_out"][0]["started"].is_null());
}

#[test]
fn what_is_said_of_one_failure_names_it() {
    let text = report(&["two-mappers.PML"], "en");
    assert!(text.contains("QaxEngManager.exe (PID 5820), of event 108: had ended before (AT-7)"), "{text}");
    let ambiguous = [
        "event 64: released by HipsDaemon.exe (PID 2188), event 106; after that it was no longer refused, event 107",
        "event 91: probably released by HipsDaemon.exe (PID 2188), event 106; after that it was no longer refused, event 107",
    ];
    tells(&report(&["ambiguous-handles.PML"], "en"), &ambiguous);
    let zh = "事件 91：很可能由 HipsDaemon.exe（PID 2188）释放，事件 106；此后不再被拒绝，事件 107";
    tells(&report(&["ambiguous-handles.PML"], "zh-CN"), &[zh]);
    let record = json(&["two-holders.PML"], "en");
    let caveat = record["caveats"].as_array().unwrap().iter().find(|one| one["code"] == "every_holder_must_close");
    assert_eq!(
        caveat.unwrap()["text"],
        "A pending delete ends only when every holder has closed the file: at events 115, 121 each of those named was \
         enough by itself, and none was the only one."
    );
}

#[test]
fn what_is_only_possible_or_likely_is_told_so() {
    tells(
        &report(&["no-close-events.PML"], "en"),
        &[
            "may have been held by HipsDaemon.exe (PID 2188) from 05:50:50.0000000, until when is not shown: does not share \
         DELETE (possible, SA-3)",
            "was no longer refused in event 131",
        ],
    );
    tells(
        &report(&["no-close-events.PML"], "zh-CN"),
        &[
            "可能的占用者 HipsDaemon.exe（PID 2188），自 05:50:50.0000000 起，至何时为止捕获中未显示：未共享 DELETE（可能，SA-3）",
            "事件 131 起不再被拒绝",
        ],
    );
    tells(
        &report(&["maximum-allowed.PML"], "en"),
        &[
            "held by HipsDaemon.exe (PID 2188) from 05:50:50.0000000 to 05:50:54.0000000: asked for MAXIMUM_ALLOWED, perhaps \
         granted WRITE+DELETE, which the other side does not share (likely, SA-11)",
        ],
    );
    let chinese = report(&["maximum-allowed.PML"], "zh-CN");
    assert!(
        chinese.contains("：请求了 MAXIMUM_ALLOWED，可能获得 WRITE+DELETE 访问，而对方未共享（很可能，SA-11）"),
        "{chinese}"
    );
    let wait = report(&["oplock-break-wait.PML"], "en");
    assert!(wait.contains(", kept waiting by HipsDaemon.exe (PID 2188) (likely, OP-2)\n"), "{wait}");
    let wait = report(&["oplock-break-wait.PML"], "zh-CN");
    assert!(wait.contains("等待了 1.20 s，原因在于 HipsDaemon.exe（PID 2188）（很可能，OP-2）\n"), "{wait}");
}

#[test]
fn few_processes_are_no_filter_where_no_number_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r"let FILE = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
+1 TiWorker.exe:20 CreateFile ${FILE} access=DELETE share=RWD -> SHARING VIOLATION
";
    let note = |record: &serde_json::Value| {
        let quality = record["capture"]["quality"].as_array().unwrap();
        let note = quality.iter().find(|note| note["code"] == "filtered_before_saving").unwrap();
        note["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        note(&json(&[&made(folder.path(), "whole", lines)], "en")),
        "Only 1 process has file-system events here, as after a filter, although the driver's numbers show no gap: if other \
         processes were hidden, a holder among them is invisible."
    );
}

#[test]
fn the_refused_side_is_told_first_among_several() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r"let FILE = C:\Windows\WinSxS\Temp\InFlight\a\x.dll
process 7778 hold.exe
  image C:\Hold\hold.exe
+1 TiWorker.exe:20 CreateFile ${FILE} access=GENERIC_WRITE share=R disposition=CREATE
+1.5 TiWorker.exe:20 CloseFile ${FILE}
+2 hold.exe:10 CreateFile ${FILE} access=GENERIC_READ share=RD
+2.2 TiWorker.exe:21 CreateFile ${FILE} access=GENERIC_READ share=R
+3 TiWorker.exe:20 CreateFile ${FILE} access=GENERIC_WRITE share=RWD -> SHARING VIOLATION
+4 TiWorker.exe:21 CloseFile ${FILE}
+5 hold.exe:10 CloseFile ${FILE}
+6 TiWorker.exe:20 CreateFile ${FILE} access=GENERIC_WRITE share=RWD
";
    let capture = made(folder.path(), "both", lines);
    assert!(
        verdict(&[&capture], "en").starts_with(
            "In 1 of 1 refused operation the holders include TiWorker.exe, on the refused side itself. hold.exe (PID 7778) held files"
        ),
        "{}",
        verdict(&[&capture], "en")
    );
    assert!(
        verdict(&[&capture], "zh-CN")
            .starts_with("1 次被拒操作中有 1 次，占用者包括被拒一方自身的 TiWorker.exe。hold.exe")
    );
    // Neither hold is confirmed by it, and yet it went through.
    let record = json(&[&capture], "en");
    let series = &record["failures"][0]["series"];
    assert!(record["failures"][0]["confirmed_by"].is_null());
    tells(&report(&[&capture], "en"), &[&format!("was no longer refused in event {}", series["ended_by"])]);
}
