//! A capture and a servicing log for the program: those of the samples, and pairs made here.

#![allow(dead_code, reason = "every test file uses its part")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pmlblame::nt::FileTime;
use pmlblame::scenario;
use serde_json::Value;

pub(crate) const STATUS_SHARING: &str = "0xd0000043";

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn sample(name: &str) -> PathBuf {
    root().join("samples").join(name)
}

/// Runs the program; stderr must stay empty.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn text(capture: &Path, logs: &[&Path], lang: &str, more: &[&str]) -> String {
    let mut arguments: Vec<&OsStr> = vec![capture.as_ref()];
    for log in logs {
        arguments.extend([OsStr::new("--cbs"), log.as_os_str()]);
    }
    arguments.extend(["--lang", lang, "--width", "150"].map(OsStr::new));
    arguments.extend(more.iter().map(OsStr::new));
    run(&arguments)
}

pub(crate) fn record(capture: &Path, logs: &[&Path]) -> Value {
    serde_json::from_str(&text(capture, logs, "en", &["--json", "-", "--reproducible"])).unwrap()
}

// Logs and captures made here.

/// The 32 digits of an in-flight id.
pub(crate) fn id(time: &str, counter: u32, pid: u16, tid: u16) -> String {
    let time = FileTime::parse_rfc3339(time).unwrap().0;
    let bytes = [&time.to_le_bytes()[..], &counter.to_le_bytes(), &pid.to_le_bytes(), &tid.to_le_bytes()].concat();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn session(time: &str) -> String {
    let time = FileTime::parse_rfc3339(time).unwrap().0;
    format!("{}_{}", time >> 32, time & 0xFFFF_FFFF)
}

/// A log of UTC+08:00 in which one call meets a lock and the session ends with `result`.
pub(crate) struct Log {
    pub(crate) stack: &'static str,
    pub(crate) session: String,
    pub(crate) path: String,
    pub(crate) status: &'static str,
    /// Result of the call that met the lock, wrapped.
    pub(crate) gle: &'static str,
    /// UTC, time of day to the millisecond, of the record.
    pub(crate) at: &'static str,
    pub(crate) result: &'static str,
}

impl Log {
    pub(crate) fn new(path: &str) -> Self {
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

    pub(crate) fn text(&self) -> String {
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
pub(crate) struct Pair {
    pub(crate) _folder: tempfile::TempDir,
    pub(crate) capture: PathBuf,
    pub(crate) log: PathBuf,
}

pub(crate) fn pair(scenario: &str, log: &Log) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let (capture, path) = (folder.path().join("case.PML"), folder.path().join("CBS.log"));
    fs::write(&capture, scenario::build_bytes(scenario).unwrap()).unwrap();
    fs::write(&path, log.text()).unwrap();
    Pair { _folder: folder, capture, log: path }
}

/// A capture from 05:50:48 to 05:50:58 in which `av.exe` keeps `path` open without sharing DELETE and the worker is
/// refused at 05:50:53.0006.
pub(crate) fn scenario(path: &str) -> String {
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

pub(crate) fn in_flight(made: &str, pid: u16) -> (String, String) {
    let below = format!("WinSxS\\Temp\\InFlight\\{}\\{}_x.dll", id(made, 1, pid, 5056), id(made, 2, pid, 5056));
    (format!("\\SystemRoot\\{below}"), format!("C:\\Windows\\{below}"))
}

pub(crate) const MADE: &str = "2022-10-08T05:50:48.5000000Z";
