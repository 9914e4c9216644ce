//! A capture and the servicing log of the same failure, end to end through the program: the founding case in both
//! languages, other endings of the story, and logs that are not of the capture.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pmlblame::nt::FileTime;
use pmlblame::scenario;
use serde_json::Value;

const STATUS_SHARING: &str = "0xd0000043";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sample(name: &str) -> PathBuf {
    root().join("samples").join(name)
}

/// Runs the program; stderr must stay empty.
fn run<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn text(capture: &Path, logs: &[&Path], lang: &str, more: &[&str]) -> String {
    let mut arguments: Vec<&OsStr> = vec![capture.as_ref()];
    for log in logs {
        arguments.extend([OsStr::new("--cbs"), log.as_os_str()]);
    }
    arguments.extend(["--lang", lang, "--width", "150"].map(OsStr::new));
    arguments.extend(more.iter().map(OsStr::new));
    run(&arguments)
}

fn record(capture: &Path, logs: &[&Path]) -> Value {
    serde_json::from_str(&text(capture, logs, "en", &["--json", "-", "--reproducible"])).unwrap()
}

/// The lines from one heading to the next section of the report.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or_else(|| panic!("{from} in {text}"));
    let end = text[start..].find(to).unwrap_or_else(|| panic!("{to} in {text}")) + start;
    &text[start..end]
}

/// Compares with a file; with `PMLBLAME_BLESS=1` writes it.
fn expect(name: &str, actual: &str) {
    let path = root().join("tests/data").join(name);
    if std::env::var_os("PMLBLAME_BLESS").is_some() {
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(actual, expected, "run with PMLBLAME_BLESS=1 to write {name}");
}

#[test]
fn the_founding_case_in_both_languages() {
    let capture = sample("founding-delete-pending.PML");
    let log = sample("founding-delete-pending.CBS.log");
    let english = text(&capture, &[&log], "en", &[]);
    let chinese = text(&capture, &[&log], "zh-CN", &[]);
    // The machine's zone, not that of the computer the test runs on.
    assert!(
        english.contains("from 2022-10-08 13:50:48.0118211 to 2022-10-08 13:50:57.6515121 (UTC+08:00)"),
        "{english}"
    );
    assert!(chinese.contains("2022-10-08 13:50:48.0118211 至 2022-10-08 13:50:57.6515121（UTC+08:00）"), "{chinese}");
    expect(
        "founding-servicing.en.txt",
        between(&english, "What the servicing log says", "What this capture cannot show"),
    );
    expect("founding-servicing.zh-CN.txt", between(&chinese, "CBS 日志所示", "此捕获无法显示的内容"));
    let verdict = |text: &str, mark: &str| text.lines().find(|line| line.starts_with(mark)).unwrap().to_owned();
    assert!(verdict(&english, "Verdict").ends_with(
        "But the servicing log names another cause: KB5013941 failed in phase Stage with 0x800f0986 \
         (PSFX_E_APPLY_FORWARD_DELTA_FAILED), because NgcCtnr.dll of Microsoft-Windows-Security-NGC-Container in the \
         component store is damaged. The refusal of clipboardserver.dll came 6.5 s after that error, in the clean-up: the \
         lock is a consequence or a bystander, and nothing shows that it made the installation fail."
    ));
    assert!(verdict(&chinese, "结论").ends_with(
        "但 CBS 日志给出的原因并非占用：KB5013941 在 Stage 阶段以 0x800f0986 (PSFX_E_APPLY_FORWARD_DELTA_FAILED) 失败，\
         原因是组件存储中 Microsoft-Windows-Security-NGC-Container 的 NgcCtnr.dll 已损坏。clipboardserver.dll \
         被拒绝比该错误晚 6.5 秒，处于清理阶段：该占用是后果或旁观因素，没有迹象表明它导致了安装失败。"
    ));
    // Another zone when the user says so.
    let utc = text(&capture, &[&log], "en", &["--tz", "UTC"]);
    assert!(
        utc.contains("│ 05:50:57.440") && utc.contains("at 2022-10-08 05:50:49.3329383; that is TiWorker.exe"),
        "{utc}"
    );
}

fn check_founding(record: &Value, line: u64) {
    let cbs = &record["cbs"];
    let path = "C:\\Windows\\WinSxS\\Temp\\InFlight\\e78f07ebd9dad801284b0000e80dc013\\0ddc15ebd9dad8017d4b0000e80dc013_clipboardserver.dll";
    assert_eq!(
        cbs["matches"],
        serde_json::json!([{
            "line": line, "event": 152, "seconds_apart": 0.0, "by": ["path", "time", "pid", "thread"],
            "ntstatus": "0xc0000056", "path": path, "process": "TiWorker.exe", "pid": 3560, "in_scope": true,
            "holders": ["h1"], "stage": "cleanup", "sets_result": false, "leftover": false
        }])
    );
    assert_eq!(cbs["unmatched"], serde_json::json!([]));
    assert_eq!(cbs["conclusion"]["code"], "lock_in_cleanup");
    assert!(record["verdict"]["text"].as_str().unwrap().ends_with(cbs["conclusion"]["text"].as_str().unwrap()));
    assert_eq!(cbs["diagnosis"]["primary"], "corrupt_base_payload");
    assert_eq!(cbs["diagnosis"]["also"], serde_json::json!(["inflight_delete_pending_in_cleanup"]));
    assert_eq!((&cbs["clock"]["utc_offset_minutes"], &cbs["clock"]["source"]), (&480.into(), &"at_pairs".into()));
    let identity = &cbs["identity"][0];
    assert_eq!(
        (&identity["code"], &identity["covered"], &identity["result_covered"]),
        (&"same_attempt".into(), &"part".into(), &true.into())
    );
    assert_eq!(
        identity["processes"],
        serde_json::json!([{
            "pid16": 3560, "tid16": [5056], "first_utc": "2022-10-08T05:50:49.3329383Z", "code": "same_process",
            "leftover": false, "pid": 3560, "process": "TiWorker.exe", "started": "2022-10-08T05:49:31.1000000Z"
        }])
    );
    let roles: Vec<&str> = cbs["order"].as_array().unwrap().iter().map(|step| step["role"].as_str().unwrap()).collect();
    assert_eq!(
        roles,
        [
            "holder_opens",
            "first_error",
            "sets_result",
            "marked_for_deletion",
            "first_refusal",
            "cleanup",
            "returns_result",
            "last_refusal",
            "holder_releases"
        ]
    );
    let codes = |key: &str| -> Vec<String> {
        record[key].as_array().unwrap().iter().map(|advice| advice["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes("recommendations")[..2], ["repair_store_file", "exclude_path_from_realtime_scan"]);
    assert_eq!(codes("caveats")[0], "lock_not_the_cause");
    // The lock stays proven: what it did not cause is another matter.
    assert_eq!((&record["verdict"]["code"], &record["verdict"]["confidence"]), (&"culprit".into(), &"proven".into()));
}

#[test]
fn the_founding_record() {
    let record = record(&sample("founding-delete-pending.PML"), &[&sample("founding-delete-pending.CBS.log")]);
    check_founding(&record, 25);
    let schema: Value = serde_json::from_str(&run(&["schema"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn the_shared_log_of_the_founding_case() {
    let beside = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    let shared = std::env::var_os("PMLBLAME_SHARED").map_or_else(|| beside.to_owned(), PathBuf::from);
    let log = shared.join("samples/cbs-800f0986-delete-pending.log");
    if !log.exists() {
        eprintln!("skipped: {} not found", log.display());
        return;
    }
    let capture = sample("founding-delete-pending.PML");
    check_founding(&record(&capture, &[&log]), 58);
    // The same as it was mailed: doubled backslashes, wrapped lines.
    let mailed = record(&capture, &[&shared.join("samples/cbs-800f0986-as-mailed.log")]);
    let found = &mailed["cbs"]["matches"][0];
    assert_eq!((&found["event"], &mailed["cbs"]["conclusion"]["code"]), (&152.into(), &"lock_in_cleanup".into()));
    // A missing payload of another machine and time.
    let other = record(&capture, &[&shared.join("samples/cbs-800f081f-missing-payload.log")]);
    assert_eq!(other["cbs"]["conclusion"]["code"], "other_attempt");
}

// Logs and captures made here.

/// The 32 digits of an in-flight id.
fn id(time: &str, counter: u32, pid: u16, tid: u16) -> String {
    let time = FileTime::parse_rfc3339(time).unwrap().0;
    let bytes = [&time.to_le_bytes()[..], &counter.to_le_bytes(), &pid.to_le_bytes(), &tid.to_le_bytes()].concat();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn session(time: &str) -> String {
    let time = FileTime::parse_rfc3339(time).unwrap().0;
    format!("{}_{}", time >> 32, time & 0xFFFF_FFFF)
}

/// A log of UTC+08:00 in which one call meets a lock and the session ends with `result`.
struct Log {
    stack: &'static str,
    session: String,
    path: String,
    status: &'static str,
    /// Result of the call that met the lock, wrapped.
    gle: &'static str,
    /// UTC, time of day to the millisecond, of the record.
    at: &'static str,
    result: &'static str,
}

impl Log {
    fn new(path: &str) -> Self {
        Self {
            stack: "v10.0.17763.2865 with Core: C:\\Windows\\winsxs\\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.17763.2865_none_56c1f3d04bd2e9aa\\cbscore.dll",
            session: session("2022-10-08T05:49:33.7182044Z"),
            path: path.to_owned(),
            status: "STATUS_SHARING_VIOLATION",
            gle: STATUS_SHARING,
            at: "05:50:53.001",
            result: "0x80070020 - ERROR_SHARING_VIOLATION",
        }
    }

    fn text(&self) -> String {
        let Self { stack, session, path, status, gle, at, result } = self;
        let hour: u32 = at[..2].parse().unwrap();
        let local = format!("2022-10-08 {:02}{}", hour + 8, &at[2..8]);
        let package = "Package_for_RollupFix~31bf3856ad364e35~amd64~~17763.2928.1.6";
        let success = result.starts_with("0x00000000");
        let trail = if success {
            String::new()
        } else {
            let code = &result[2..10];
            format!(
                "{local}, Error                 CSI    00000003 (F) {code} [Error,Facility=(000f),Code=1 (0x1)] #800# from Windows::COM::CComponentStore::InternalTransact(...)[gle={}]\r\n",
                &result[..10]
            )
        };
        let length = path.chars().count();
        let calendar = "2022/10/8";
        [
            format!("2022-10-08 13:49:31, Info                  CBS    Loaded Servicing Stack {stack}\r\n"),
            format!("2022-10-08 13:49:33, Info                  CBS    Session: {session} initialized by client WindowsUpdateAgent, external staging directory: (null)\r\n"),
            format!("2022-10-08 13:49:41, Info                  CBS    Exec: Processing started.  Session: {session}, Package: {package}, Identifier: KB5013941\r\n"),
            format!("{local}, Error                 CSI    00000001@{calendar}:{at} (F) onecore\\base\\wcp\\sil\\ntsystem.cpp(2987): Error {status} originated in function Windows::Rtl::SystemImplementation::DirectFileSystemProvider::SysCreateFile expression: (null)\r\n[gle=0x80004005]\r\n"),
            format!("{local}, Error                 CSI    00000002 (F) {status} #900# from Windows::Rtl::SystemImplementation::DirectFileSystemProvider::SysCreateFile(flags = 0, da = (DELETE), oa = @0x51->OBJECT_ATTRIBUTES {{s:48; rd:NULL; on:[{length}]\"{path}\"; a:(OBJ_CASE_INSENSITIVE)}}, iosb = @0x52)[gle={gle}]\r\n"),
            trail,
            format!("2022-10-08 13:52:17, Info                  CBS    Exec: Processing complete.  Session: {session}, Package: {package}, Identifier: KB5013941 [HRESULT = {result}]\r\n"),
            format!("2022-10-08 13:52:17, Info                  CBS    Session: {session} finalized. Reboot required: no [HRESULT = {result}]\r\n"),
        ]
        .concat()
    }
}

/// A folder with a capture and its log.
struct Pair {
    _folder: tempfile::TempDir,
    capture: PathBuf,
    log: PathBuf,
}

fn pair(scenario: &str, log: &Log) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let (capture, path) = (folder.path().join("case.PML"), folder.path().join("CBS.log"));
    fs::write(&capture, scenario::build_bytes(scenario).unwrap()).unwrap();
    fs::write(&path, log.text()).unwrap();
    Pair { _folder: folder, capture, log: path }
}

/// A capture from 05:50:48 to 05:50:58 in which `av.exe` keeps `path` open without sharing DELETE and the worker is
/// refused at 05:50:53.0006.
fn scenario(path: &str) -> String {
    format!(
        "start 2022-10-08T05:50:48Z\ncomputer DESKTOP-1\nos 10.0.17763\nsystem-root C:\\Windows\n\
         process 3560 TiWorker.exe\n  image C:\\Windows\\WinSxS\\TiWorker.exe\n  company \"Microsoft Corporation\"\n  started -70\n\
         process 2412 av.exe\n  image C:\\AV\\av.exe\n  company \"Example AV\"\n\
         +0 av.exe CreateFile C:\\AV\\av.log access=GENERIC_WRITE share=R disposition=OPEN_IF\n\
         +1 av.exe:2416 CreateFile {path} access=GENERIC_READ share=RW\n\
         +5 TiWorker.exe:5056 CreateFile {path} access=DELETE,SYNCHRONIZE share=RWD -> SHARING VIOLATION dur=600us\n\
         +6 av.exe:2416 CloseFile {path}\n\
         +7 TiWorker.exe:5056 CreateFile {path} access=DELETE,SYNCHRONIZE share=RWD\n\
         +7.5 TiWorker.exe:5056 CloseFile {path}\n\
         +10 av.exe CloseFile C:\\AV\\av.log\n"
    )
}

fn in_flight(made: &str, pid: u16) -> (String, String) {
    let below = format!("WinSxS\\Temp\\InFlight\\{}\\{}_x.dll", id(made, 1, pid, 5056), id(made, 2, pid, 5056));
    (format!("\\SystemRoot\\{below}"), format!("C:\\Windows\\{below}"))
}

const MADE: &str = "2022-10-08T05:50:48.5000000Z";

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

/// Bytes flipped anywhere in the log: never a panic, and what is matched names the event it always named.
#[test]
fn a_damaged_log_beside_a_capture() {
    use pmlblame::assemble::{CaseOptions, ServicingLogs, analyse_with};
    use pmlblame::blame::scope::ScopeOptions;
    use pmlblame::blame::vendors::VendorCatalogue;
    use pmlblame::capture::Capture;
    use pmlblame::lang::Lang;
    use pmlblame::servicing::cbs::merge::{NamedLog, join};
    let capture =
        Capture::open(&sample("founding-delete-pending.PML"), &pmlblame::capture::OpenOptions::default()).unwrap();
    let options = CaseOptions {
        scope: ScopeOptions::default(),
        lang: Lang::ZhCn,
        catalogue: VendorCatalogue::embedded(),
        generated: None,
        files: Vec::new(),
        notes: Vec::new(),
        filter: None,
    };
    let bytes = fs::read(sample("founding-delete-pending.CBS.log")).unwrap();
    let mut matched = 0;
    for at in (0..bytes.len()).step_by(61) {
        let mut broken = bytes.clone();
        broken[at] ^= 1 << (at % 7);
        let facts = pmlblame::servicing::cbs::analyse(&broken[..], &mut |_| true).unwrap();
        let log = NamedLog { name: "CBS.log".to_owned(), path: "CBS.log".to_owned(), facts };
        let logs = ServicingLogs { joined: join(vec![log]), skipped: Vec::new() };
        let record = analyse_with(&capture, &options, Some(&logs)).unwrap().record;
        let found = record.cbs.unwrap().matches.unwrap();
        assert!(found.iter().all(|found| found.event == 152), "{at}: {found:?}");
        matched += found.len();
    }
    let tried = bytes.len().div_ceil(61);
    assert!(matched * 10 > tried * 9, "only {matched} of {tried}");
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

/// The default columns of an export hold a time of day and nothing more; the log has the rest.
#[test]
fn an_export_takes_its_clock_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("case.csv");
    let capture = sample("founding-delete-pending.PML");
    let log = sample("founding-delete-pending.CBS.log");
    let exported = run(&[
        "events".as_ref(),
        capture.as_os_str(),
        "--format".as_ref(),
        "csv".as_ref(),
        "--tz".as_ref(),
        "+08:00".as_ref(),
    ]);
    assert!(exported.starts_with("\u{feff}\"Time of Day\",\"Process Name\""), "{}", &exported[..80]);
    fs::write(&csv, exported).unwrap();
    let record = record(&csv, &[&log]);
    let found = &record["cbs"]["matches"][0];
    // The export has no duration: the event ends where it begins, 0.1 ms before the stamp.
    assert_eq!(
        (&found["event"], &found["seconds_apart"]),
        (&152.into(), &0.0.into()),
        "{}",
        record["cbs"]["unmatched"]
    );
    assert_eq!(found["by"], serde_json::json!(["path", "time", "pid"]));
    assert_eq!(record["capture"]["first_event"], "2022-10-08T05:50:48.0118211Z");
    let notes = record["capture"]["quality"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["code"] == "clock_from_log"));
    assert_eq!(record["cbs"]["conclusion"]["code"], "lock_in_cleanup");
}

/// Prose in a Chinese report has Chinese in it: a line without any, that holds three or more English words in a row,
/// is a sentence somebody forgot.
#[test]
fn no_line_is_left_untranslated() {
    let mut outputs = Vec::new();
    let log = sample("founding-delete-pending.CBS.log");
    for capture in
        ["founding-delete-pending.PML", "no-share-delete.PML", "no-failure.PML", "bits32.PML", "two-holders.PML"]
    {
        outputs.push(text(&sample(capture), &[&log, &sample("cbs")], "zh-CN", &[]));
    }
    outputs.push(run(&[
        "cbs".as_ref(),
        sample("cbs").as_os_str(),
        log.as_os_str(),
        "--lang".as_ref(),
        "zh-CN".as_ref(),
    ]));
    let is_word = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    for output in &outputs {
        let mut head = false;
        for line in output.lines() {
            let cells = line.starts_with('│');
            let chinese = line.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || ",.;:┆│".contains(c)).collect();
            let prose = words.windows(3).any(|three| three.iter().all(|word| is_word(word)));
            // Cells quote records of the log; a head of a table is ours.
            assert!(chinese || !prose || (cells && !head), "not translated: {line}");
            head = line.starts_with('┌');
        }
        assert!(output.contains("CBS") && output.lines().count() > 20);
    }
}

#[test]
fn logs_are_found_in_folders_and_archives_beside_a_capture() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let mut archive = zip::ZipWriter::new(fs::File::create(folder.path().join("collected.zip")).unwrap());
    archive.start_file("Windows/Logs/CBS/CBS.log", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&fs::read(sample("founding-delete-pending.CBS.log")).unwrap()).unwrap();
    archive.finish().unwrap();
    check_founding(&record(&sample("founding-delete-pending.PML"), &[folder.path()]), 25);

    // Without any log there is one line on stderr and no record.
    let empty = tempfile::tempdir().unwrap();
    let json = empty.path().join("case.json");
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .arg(sample("founding-delete-pending.PML"))
        .args(["--lang", "en", "--cbs"])
        .arg(empty.path())
        .arg("--json")
        .arg(&json)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.len(), json.exists()), (Some(1), 0, false));
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
}

#[test]
fn the_command_cbs_writes_and_prints() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("cbs.json");
    let log = sample("founding-delete-pending.CBS.log");
    let out =
        run(&["cbs".as_ref(), log.as_os_str(), "--json".as_ref(), json.as_os_str(), "--lang".as_ref(), "en".as_ref()]);
    assert!(out.contains("Order of causes") && out.contains("NgcCtnr.dll"), "{out}");
    let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!((&report["schema"], &report["subject"]), (&"pmlblame/cbs/1".into(), &0.into()));
    for key in ["matches", "unmatched", "conclusion", "clock", "identity", "order"] {
        assert!(report.get(key).is_none(), "{key} needs a capture");
    }
    let piped = run(&["cbs".as_ref(), log.as_os_str(), "--json".as_ref(), "-".as_ref()]);
    assert!(serde_json::from_str::<Value>(&piped).is_ok());
    // Nothing but the result is left behind.
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["cbs.json"]);
}
