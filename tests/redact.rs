//! `--redact` on every command that tells of a capture or a log: no original name is left in any byte of any output, the
//! rest is as it was, and the key file maps back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

use pmlblame::scenario;
use serde_json::Value;

/// Names that must go, and the numbers of SIDs and addresses.
const NAMES: &[&str] = &[
    "KQJX-WZ7VBQ",
    "zqhuvwyk",
    "欧阳锋雷",
    "qvbkhost07",
    "qvdomzx",
    "jxkwpvofzl",
    "logvkqzuser",
    "anqlvstqkz",
    "srcqzvhost",
    "1004336348",
    "1177238915",
    "192.168.31.77",
    "172.19.44.5",
];

const SCENARIO: &str = r#"
start 2022-10-08T05:50:48Z
computer KQJX-WZ7VBQ
os 10.0.17763
system-root C:\Windows
host 192.168.31.77 qvbkhost07
process 3560 TiWorker.exe
  image C:\Windows\WinSxS\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.17763.2928_none_0\TiWorker.exe
process 6284 holder.exe
  image "C:\Users\zqhuvwyk\AppData\Local\A folder with a long name for a table cell\holder.exe"
  command C:\Users\zqhuvwyk\AppData\holder.exe --to \\qvbkhost07\share --as QVDOMZX\zqhuvwyk --at 172.19.44.5
  user QVDOMZX\zqhuvwyk
process 7000 other.exe
  image C:\Users\欧阳锋雷\other.exe
  user KQJX-WZ7VBQ\欧阳锋雷
+1.0 holder.exe:100 CreateFile C:\Users\jxkwpvofzl\AppData\Local\Temp\deep\deeper\deepest\a.dll access=GENERIC_READ share=R
+1.1 holder.exe:100 CreateFile \\qvbkhost07\share\欧阳锋雷\b.dll access=GENERIC_READ share=R
+1.2 holder.exe:100 RegOpenKey HKU\S-1-5-21-1004336348-1177238915-682003330-1105\Software
+1.3 holder.exe:100 TCPConnect from=192.168.31.77:49812 to=172.19.44.5:443 length=0
+1.5 holder.exe:100 CreateFile D:\store\ZQHUVWYK\c.dll access=GENERIC_READ share=R impersonating=S-1-5-21-1004336348-1177238915-682003330-1105
+2.0 TiWorker.exe:5056 CreateFile C:\Users\jxkwpvofzl\AppData\Local\Temp\deep\deeper\deepest\a.dll access=DELETE share=RWD -> SHARING VIOLATION
+2.1 TiWorker.exe:5056 CreateFile \\qvbkhost07\share\欧阳锋雷\b.dll access=DELETE share=RWD -> SHARING VIOLATION
+2.2 TiWorker.exe:5056 CreateFile D:\store\ZQHUVWYK\c.dll access=DELETE share=RWD -> SHARING VIOLATION
+3.0 holder.exe:100 CloseFile C:\Users\jxkwpvofzl\AppData\Local\Temp\deep\deeper\deepest\a.dll
+3.1 holder.exe:100 CloseFile \\qvbkhost07\share\欧阳锋雷\b.dll
"#;

/// 13:50:50 local is 05:50:50 UTC.
const LOG: &str = r"2022-10-08 13:50:49, Info                  CBS    Session: 30989017_3943140327 initialized by client DISM Package Manager Provider, external staging directory: \\srcqzvhost\kb\172.19.44.5
2022-10-08 13:50:49, Info                  CBS    Exec: Processing started.  Session: 30989017_3943140327, Package: Package_8300_for_KB5013941~31bf3856ad364e35~amd64~~10.0.1.6, Identifier: KB5013941
2022-10-08 13:50:50, Info                  CSI    00000001@2022/10/8:05:50:50.000 (F) STATUS_SHARING_VIOLATION #10# from Windows::Rtl::SystemImplementation::DirectFileSystemProvider::SysCreateFile(flags = (0), handle = {provider=NULL, handle=0}, da = (DELETE|SYNCHRONIZE), oa = @0x1->OBJECT_ATTRIBUTES {s:48; rd:NULL; on:[72]'\??\C:\Users\jxkwpvofzl\AppData\Local\Temp\deep\deeper\deepest\a.dll'; a:(OBJ_CASE_INSENSITIVE)}, iosb = @0x2, as = (null), fa = 0, sa = (FILE_SHARE_READ), cd = FILE_OPEN, co = 0, eab = NULL, eal = 0, disp = Invalid)[gle=0xd0000043]
2022-10-08 13:50:50, Error                 CSI    00000002 (F) STATUS_SHARING_VIOLATION #9# from Windows::COM::CComponentStore::InternalTransact(C:\Users\logvkqzuser\AppData, \\srcqzvhost\kb, KQJX-WZ7VBQ, S-1-5-21-1004336348-1177238915-682003330-1105)[gle=0xd0000043]
2022-10-08 13:50:51, Error                 CBS    Failed to find file C:\Users\logvkqzuser\Downloads\update.cab [HRESULT = 0x80070020 - ERROR_SHARING_VIOLATION]
2022-10-08 13:50:52, Info                  CBS    Exec: Processing complete.  Session: 30989017_3943140327, Package: Package_8300_for_KB5013941~31bf3856ad364e35~amd64~~10.0.1.6, Identifier: KB5013941 [HRESULT = 0x80070020 - ERROR_SHARING_VIOLATION]
2022-10-08 13:50:52, Info                  CBS    WER: Generating failure report for package: Package_8300_for_KB5013941~31bf3856ad364e35~amd64~~10.0.1.6, status: 0x80070020, failure source: Stage, start state: Absent, target state: Installed, client id: DISM
";

fn run(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    [output.stdout, output.stderr].concat()
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// Every stretch of `length` characters of the names: what a line break in a table leaves of them.
fn pieces(length: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    for name in NAMES {
        let letters: Vec<char> = name.to_lowercase().chars().collect();
        let length = if name.is_ascii() { length } else { 2 };
        pieces.extend(letters.windows(length).map(|window| window.iter().collect::<String>()));
    }
    pieces
}

#[test]
fn no_original_name_is_left_in_any_output() {
    let folder = tempfile::tempdir().unwrap();
    // The folder of the analyst names a person, too.
    let place = folder.path().join("home/anqlvstqkz");
    fs::create_dir_all(&place).unwrap();
    let (capture, log, key) = (place.join("x.PML"), place.join("CBS.log"), place.join("key.json"));
    fs::write(&capture, scenario::build_bytes(SCENARIO).unwrap()).unwrap();
    fs::write(&log, LOG.replace('\n', "\r\n")).unwrap();
    // A fixed secret: whether a pseudonym holds a piece of a name by chance is then decided once.
    let secret = "5a".repeat(32);
    fs::write(&key, format!(r#"{{"schema":"pmlblame/redaction-key/1","secret":"{secret}","names":[]}}"#)).unwrap();
    let (capture, log, key) = (capture.to_str().unwrap(), log.to_str().unwrap(), key.to_str().unwrap());

    let plain = json(&run(&[capture, "--profile", "any", "--json", "-", "--reproducible", "--cbs", log]));
    let failures: Vec<String> =
        plain["failures"].as_array().unwrap().iter().map(|failure| failure["event"].to_string()).collect();
    assert_eq!(failures.len(), 3);
    assert_eq!(plain["holders"][0]["process"]["name"], "holder.exe");
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for lang in ["en", "zh-CN"] {
        for width in ["60", "100", "300"] {
            let shown = ["--lang", lang, "--width", width];
            commands.push([&[capture, "--profile", "any"][..], &shown].concat());
            commands.push([&[capture, "--profile", "any", "--cbs", log][..], &shown].concat());
            commands.push([&["cbs", log][..], &shown].concat());
            commands.push([&["audit", capture][..], &shown].concat());
            for event in &failures {
                commands.push([&["why", capture, "--event", event][..], &shown].concat());
            }
        }
    }
    for more in [&[][..], &["--cbs", log]] {
        commands.push([&[capture, "--profile", "any", "--reproducible", "--json", "-"][..], more].concat());
    }
    commands.push(vec!["cbs", log, "--json", "-"]);
    commands.push(vec!["cbs", log, "--list"]);
    commands.push(vec!["audit", capture, "--json", "-"]);
    commands.push(vec!["why", capture, "--event", &failures[0], "--json", "-"]);
    let mut names_seen = 0;
    for command in &commands {
        let open = String::from_utf8(run(command)).unwrap().to_lowercase();
        names_seen += NAMES.iter().filter(|name| open.contains(&name.to_lowercase())).count();
        let hidden = run(&[&command[..], &["--redact", "--redact-key", key]].concat());
        let hidden = String::from_utf8(hidden).unwrap().to_lowercase();
        for piece in pieces(5) {
            assert!(!hidden.contains(&piece), "{piece} in {command:?}\n{hidden}");
        }
        // What is no name stays readable.
        for kept in ["package_8300_for_kb5013941~31bf3856ad364e35~amd64~~10.0.1.6", "sharing violation", "holder.exe"] {
            assert_eq!(hidden.contains(kept), open.contains(kept), "{kept} in {command:?}\n{hidden}");
        }
    }
    assert!(names_seen > 100, "{names_seen}: the outputs hold names to begin with");

    // The key maps every name back: the record is the original again, but for the case of letters.
    let redacted = run(&[
        capture,
        "--profile",
        "any",
        "--json",
        "-",
        "--reproducible",
        "--cbs",
        log,
        "--redact",
        "--redact-key",
        key,
    ]);
    let known = json(&fs::read(key).unwrap());
    assert_eq!(known["secret"], secret.as_str());
    let mut restored = String::from_utf8(redacted).unwrap().to_lowercase();
    let mut names: Vec<(String, String)> = known["names"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| {
            (name["pseudonym"].as_str().unwrap().to_lowercase(), name["original"].as_str().unwrap().to_lowercase())
        })
        .collect();
    names.sort_by_key(|(pseudonym, _)| std::cmp::Reverse(pseudonym.len()));
    for (pseudonym, original) in &names {
        restored = restored.replace(pseudonym, original);
    }
    let plain = serde_json::to_string(&plain).unwrap().to_lowercase();
    let restored: Value = serde_json::from_str(&restored).unwrap();
    assert_eq!(restored, serde_json::from_str::<Value>(&plain).unwrap());
}

#[test]
fn the_same_name_has_the_same_pseudonym_in_a_log_and_in_a_capture() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, log) = (folder.path().join("x.PML"), folder.path().join("CBS.log"));
    fs::write(&capture, scenario::build_bytes(SCENARIO).unwrap()).unwrap();
    fs::write(&log, LOG).unwrap();
    let key = folder.path().join("key.json");
    let (capture, log, key) = (capture.to_str().unwrap(), log.to_str().unwrap(), key.to_str().unwrap());
    let of_log = json(&run(&["cbs", log, "--json", "-", "--redact", "--redact-key", key]));
    let of_capture = json(&run(&[capture, "--profile", "any", "--json", "-", "--redact", "--redact-key", key]));
    let locked = of_log["files"][0]["locked_paths"][0]["normalised"].as_str().unwrap();
    assert!(locked.starts_with(r"C:\Users\") && locked.ends_with(r"\AppData\Local\Temp\deep\deeper\deepest\a.dll"));
    assert_eq!(of_capture["failures"][0]["path"], locked);
    assert!(!Path::new(locked).to_string_lossy().contains("jxkwpvofzl"));
}

/// The key file of a fixed secret.
fn fixed_key(folder: &Path) -> String {
    let key = folder.join("key.json");
    let secret = "5a".repeat(32);
    fs::write(&key, format!(r#"{{"schema":"pmlblame/redaction-key/1","secret":"{secret}","names":[]}}"#)).unwrap();
    key.to_str().unwrap().to_owned()
}

/// The stretches of `names` in `bytes`, as ASCII or UTF-16, in any case.
fn left<'n>(bytes: &[u8], names: &[&'n str]) -> Vec<&'n str> {
    let lower = bytes.to_ascii_lowercase();
    let holds = |name: &str| {
        let name = name.to_lowercase();
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(&lower, name.as_bytes()).is_some() || memchr::memmem::find(&lower, &wide).is_some()
    };
    names.iter().copied().filter(|name| holds(name)).collect()
}

const NETWORK: &str = r#"
start 2022-10-08T05:50:48Z
computer DESKTOP-ABC1
host fe80::21a:2bff:fe3c:4d5e ANNPC.contoso.local
process 3560 TiWorker.exe
  image C:\Windows\WinSxS\TiWorker.exe
  user DESKTOP-ABC1\annsmith
+0.5 TiWorker.exe:1 TCPSend from=[2001:db8::1c2:3d4:5e6f:7a8b]:49812 to=[fe80::21a:2bff:fe3c:4d5e]:445 length=10
+0.6 TiWorker.exe:1 TCPSend from=20.1.2.3:49812 to=[2001:db8::1c2:3d4:5e6f:7a8b]:445 length=10
+1.5 TiWorker.exe:5056 CreateFile C:\Windows\WinSxS\Temp\InFlight\20.1.2.3\ANNPC.dll access=DELETE,SYNCHRONIZE share=RWD -> SHARING VIOLATION
+1.6 TiWorker.exe:5056 RegOpenKey "HKCU\Software\Terminal Server Client\Servers\192.168.1.5"
+1.7 TiWorker.exe:5056 RegOpenKey "HKCU\Software\Terminal Server Client\Servers\ANNPC"
+1.8 TiWorker.exe:5056 CreateFile "\Device\Mup\srv9\d$\x" access=DELETE,SYNCHRONIZE share=RWD
+1.9 TiWorker.exe:5056 CreateFile "C:\Windows\WinSxS\amd64_foo_31bf3856ad364e35_20.1.2.3_none_0\srv9.txt" access=DELETE share=RWD -> SHARING VIOLATION
"#;

#[test]
fn hosts_and_addresses_go_from_events_records_and_extracts_alike() {
    const GONE: &[&str] =
        &["1c2:3d4:5e6f:7a8b", "21a:2bff:fe3c", r"\20.1.2.3\", "192.168.1.5", "annpc", "srv9", "contoso"];
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("x.PML");
    fs::write(&capture, scenario::build_bytes(NETWORK).unwrap()).unwrap();
    let (capture, key) = (capture.to_str().unwrap(), &*fixed_key(folder.path()));
    let redacted = |arguments: &[&str]| run(&[arguments, &["--redact", "--redact-key", key]].concat());
    // What a record tells comes from few events, the names from all of them.
    let only = ["--filter", "Operation is CreateFile"];
    let mut seen = 0;
    for arguments in [
        vec!["events", capture, "--format", "csv"],
        vec!["events", capture, "--format", "xml"],
        vec!["events", capture, "--format", "jsonl"],
        [&["events", capture, "--format", "csv"][..], &only].concat(),
        vec!["blame", capture, "--profile", "any", "--json", "-"],
        vec!["blame", capture, "--profile", "any", "--width", "300"],
    ] {
        seen += left(&run(&arguments), &["srv9", "annpc"]).len();
        let out = redacted(&arguments);
        assert_eq!(left(&out, GONE), <[&str; 0]>::default(), "{arguments:?}\n{}", String::from_utf8_lossy(&out));
        // A version of the same digits stays.
        assert_eq!(left(&out, &["_20.1.2.3_none"]).len(), 1, "{arguments:?}\n{}", String::from_utf8_lossy(&out));
    }
    assert!(seen >= 10, "{seen}");
    for option in ["--key", "--redact-key"] {
        let copy = folder.path().join(format!("copy{option}.PML"));
        let copy = copy.to_str().unwrap();
        run(&[&["extract", capture, "-o", copy][..], &only, &["--redact", option, key]].concat());
        assert_eq!(left(&fs::read(copy).unwrap(), GONE), <[&str; 0]>::default());
        // The same pseudonyms as the list of the original.
        let columns = ["--format", "csv", "--columns", "Path"];
        let of_copy = run(&[&["events", copy][..], &columns].concat());
        let of_original = redacted(&[&["events", capture][..], &columns, &only].concat());
        assert_eq!(String::from_utf8_lossy(&of_copy), String::from_utf8_lossy(&of_original));
    }
}

const EXPORT: &str = "\"Time of Day\",\"Process Name\",\"PID\",\"Operation\",\"Path\",\"Result\",\"Detail\"\r
\"1:50:48.0118211 PM\",\"svchost.exe\",\"1284\",\"TCP Send\",\"WS-BOB7.corp.contoso.local:49812 -> 2001:db8:0:0:1c2:3d4:5e6f:7a8b:https\",\"SUCCESS\",\"Length: 10, connid: 0\"\r
\"1:50:48.0218211 PM\",\"svchost.exe\",\"1284\",\"UDP Receive\",\"20.1.2.3:49812 -> fe80:0:0:0:1c2:3d4:5e6f:7a8b:53\",\"SUCCESS\",\"Length: 10\"\r
\"1:50:48.1118211 PM\",\"ntrtscan.exe\",\"2412\",\"CreateFile\",\"C:\\Data\\20.1.2.3\\WS-BOB7 backup.docx\",\"SUCCESS\",\"Desired Access: Generic Read, Disposition: Open, Options: Synchronous IO Non-Alert, Non-Directory File, Attributes: n/a, ShareMode: Read, AllocationSize: n/a, OpenResult: Opened\"\r
\"1:50:48.2118211 PM\",\"TiWorker.exe\",\"3560\",\"CreateFile\",\"C:\\Data\\20.1.2.3\\WS-BOB7 backup.docx\",\"SHARING VIOLATION\",\"Desired Access: Delete, Disposition: Open, Options: , Attributes: n/a, ShareMode: Read, Write, Delete, AllocationSize: n/a\"\r
\"1:50:48.4118211 PM\",\"ntrtscan.exe\",\"2412\",\"CloseFile\",\"C:\\Data\\20.1.2.3\\WS-BOB7 backup.docx\",\"SUCCESS\",\"\"\r
";

#[test]
fn an_export_gives_every_command_the_same_names() {
    const GONE: &[&str] = &["ws-bob7", "contoso", "20.1.2.3", "1c2:3d4:5e6f:7a8b"];
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("x.csv");
    fs::write(&export, EXPORT).unwrap();
    let (export, key) = (export.to_str().unwrap(), &*fixed_key(folder.path()));
    let redacted = |arguments: &[&str]| run(&[arguments, &["--redact", "--redact-key", key]].concat());
    let open = json(&run(&["blame", export, "--profile", "any", "--json", "-"]));
    assert_eq!(open["failures"][0]["path"], r"C:\Data\20.1.2.3\WS-BOB7 backup.docx");
    let record = redacted(&["blame", export, "--profile", "any", "--json", "-"]);
    let path = json(&record)["failures"][0]["path"].as_str().unwrap().to_owned();
    let one = ["events", export, "--format", "csv", "--filter", "Operation is CloseFile"];
    let (all, one) = (redacted(&["events", export, "--format", "csv"]), redacted(&one));
    for out in [&record, &all, &one, &redacted(&["blame", export, "--profile", "any", "--width", "300"])] {
        assert_eq!(left(out, GONE), <[&str; 0]>::default(), "{}", String::from_utf8_lossy(out));
    }
    assert!(left(&all, &[&path]) == [&path] && left(&one, &[&path]) == [&path], "{path}");
}

const SERVERS: &str = r#"
start 2022-10-08T05:50:48Z
computer WKS-77
process 3560 TiWorker.exe
  image C:\Windows\WinSxS\TiWorker.exe
process 2412 scan.exe
  image "C:\Program Files\x\scan.exe"
  user "QVMECORP\svc_nightly"
+1.0 scan.exe:1 CreateFile C:\Windows\WinSxS\Temp\InFlight\x.dll access=GENERIC_READ share=RW
+1.5 TiWorker.exe:1 CreateFile C:\Windows\WinSxS\Temp\InFlight\x.dll access=DELETE share=RWD -> SHARING VIOLATION
+1.8 scan.exe:1 CloseFile C:\Windows\WinSxS\Temp\InFlight\x.dll
+3.1 scan.exe:1 RegSetValue HKCU\x type=REG_SZ value="\\?\UNC\QSRV09\share"
+3.2 scan.exe:1 RegQueryValue HKCU\x type=REG_SZ value="\\?\UNC\qf8\share"
+3.3 scan.exe:1 CreateFile "\\QSRV02@SSL\DavWWWRoot\x.txt" access=GENERIC_READ share=R
+3.4 scan.exe:1 CreateFile "\\QSRV03@SSL@8443\DavWWWRoot\x.txt" access=GENERIC_READ share=R
+3.5 scan.exe:1 CreateFile "\Device\WebDavRedirector\;F:00000\QSRV01@SSL\DavWWWRoot\x.txt" access=GENERIC_READ share=R
+3.6 scan.exe:1 CreateFile "\Device\Mup\;LanmanRedirector\;Z:0000000000012345\qf7\d$\x" access=GENERIC_READ share=R
+3.7 scan.exe:1 RegSetValue HKCU\x type=REG_SZ value="say \\\\QSRV04\\share and \\QSRV05\share"
+3.8 scan.exe:1 RegSetValue HKCU\x type=REG_SZ value="C:\\Windows\\System32 \\SystemRoot\\WinSxS HKLM\\Software\\Microsoft"
"#;

#[test]
fn servers_and_accounts_go_however_they_are_written_and_roots_stay() {
    const GONE: &[&str] = &["qsrv0", "qf7", "qf8", "qvmecorp", "svc_nightly", "wks-77"];
    const KEPT: &[&str] = &[
        r"C:\\Windows\\System32 \\SystemRoot\\WinSxS HKLM\\Software\\Microsoft",
        "@SSL\\DavWWWRoot",
        "@SSL@8443\\DavWWWRoot",
        r"NT AUTHORITY\SYSTEM",
    ];
    let folder = tempfile::tempdir().unwrap();
    let (capture, copy) = (folder.path().join("x.PML"), folder.path().join("copy.PML"));
    fs::write(&capture, scenario::build_bytes(SERVERS).unwrap()).unwrap();
    let (capture, copy, key) = (capture.to_str().unwrap(), copy.to_str().unwrap(), &*fixed_key(folder.path()));
    let redact = ["--redact", "--redact-key", key];
    let csv = folder.path().join("x.csv");
    let all = ["--columns", "all", "--format", "csv"];
    fs::write(&csv, run(&[&["events", capture][..], &all].concat())).unwrap();
    assert_eq!(left(&fs::read(capture).unwrap(), GONE), GONE);
    for arguments in [
        vec!["events", capture, "--format", "csv", "--columns", "all"],
        vec!["events", csv.to_str().unwrap(), "--format", "csv", "--columns", "all"],
        vec!["events", capture, "--format", "xml"],
        vec!["events", capture, "--format", "jsonl"],
        vec!["blame", capture, "--profile", "any", "--json", "-"],
    ] {
        let out = run(&[&arguments[..], &redact].concat());
        assert_eq!(left(&out, GONE), <[&str; 0]>::default(), "{arguments:?}\n{}", String::from_utf8_lossy(&out));
        if arguments.contains(&"csv") {
            assert_eq!(left(&out, KEPT), KEPT, "{arguments:?}\n{}", String::from_utf8_lossy(&out));
        }
    }
    run(&[&["extract", capture, "-o", copy, "--filter", "Process Name is not nobody"][..], &redact].concat());
    let bytes = fs::read(copy).unwrap();
    assert_eq!(left(&bytes, GONE), <[&str; 0]>::default());
    assert_eq!(left(&bytes, KEPT), KEPT);
}

#[test]
fn a_log_of_doubled_backslashes_keeps_its_paths() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("CBS.log");
    let text = LOG.replace(r"\??\C:\Users\jxkwpvofzl\AppData\Local\Temp", r"\SystemRoot\WinSxS\Temp\InFlight");
    fs::write(&log, text.replace('\\', r"\\")).unwrap();
    let arguments = ["cbs", log.to_str().unwrap(), "--json", "-"];
    let plain = run(&arguments);
    let hidden = run(&[&arguments[..], &["--redact", "--redact-key", &fixed_key(folder.path())]].concat());
    let path = |record: &[u8]| json(record)["files"][0]["locked_paths"][0]["path"].clone();
    assert_eq!(path(&plain), r"\\SystemRoot\\WinSxS\\Temp\\InFlight\\deep\\deeper\\deepest\\a.dll");
    assert_eq!(path(&hidden), path(&plain));
    assert_eq!(left(&hidden, &["srcqzvhost", "logvkqzuser"]), <[&str; 0]>::default());
}

/// Names in addresses of command lines and registry data, in paths of modules and of 8.3 names, and letters beyond ASCII.
const SCATTERED: &str = r#"
start 2022-10-08T05:50:48Z
computer KQJX-WZ7VBQ
os 10.0.17763
system-root C:\Windows
process 3560 TiWorker.exe
  image C:\Windows\WinSxS\TiWorker.exe
process 6284 holder.exe
  image "C:\Program Files\X\holder.exe"
  command holder.exe --proxy http://pxyhostzq:3128/ --mail vwname.zq@mailfirm.de --file file://flsrvzq/share/a.txt --help http://go.microsoft.com/fwlink
  module C:\Users\modprofzq\AppData\plug.dll base=0x7ff710000000 size=0x10000
  module \\unchostzq\tools\hook.dll base=0x7ff720000000 size=0x10000
  user KQJX-WZ7VBQ\Jürgenzq
+0.5 holder.exe:100 RegSetValue HKCU\Software\Proxy\Server type=REG_SZ value="ldap://ldaphostzq:389/dc=x"
+0.6 holder.exe:100 RegSetValue HKCU\Software\Proxy\Mail type=REG_SZ value="rg.personzq@firmazq.com"
+1.0 holder.exe:100 CreateFile C:\Windows\WinSxS\Temp\InFlight\a.dll access=GENERIC_READ share=R stack=0x7ff710000100,0x7ff720000200
+1.1 holder.exe:100 CreateFile C:\Users\JOHNSMZQ~1\x.txt access=GENERIC_READ share=R
+1.2 holder.exe:100 CreateFile C:\x\JÜRGENZQ\ldaphostzq.txt access=GENERIC_READ share=R
+2.0 TiWorker.exe:5056 CreateFile C:\Windows\WinSxS\Temp\InFlight\a.dll access=DELETE share=RWD -> SHARING VIOLATION
+3.0 holder.exe:100 CloseFile C:\Windows\WinSxS\Temp\InFlight\a.dll
"#;

#[test]
fn names_in_addresses_modules_and_short_names_go_and_come_back() {
    // Every name ends in these letters, and nothing else has them.
    const GONE: &[&str] = &["zq"];
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("x.PML");
    fs::write(&capture, scenario::build_bytes(SCATTERED).unwrap()).unwrap();
    let capture = capture.to_str().unwrap();
    let made = folder.path().join("made.json");
    let key = made.to_str().unwrap();
    let mut found = 0;
    for arguments in [
        &["events", capture, "--format", "csv", "--stacks"][..],
        &["events", capture, "--format", "xml", "--stacks"],
        &["events", capture, "--format", "jsonl", "--stacks"],
        &["blame", capture, "--json", "-"],
        &["blame", capture, "--lang", "zh-CN", "--width", "300"],
        &["why", capture, "--event", "5"],
    ] {
        let plain = run(arguments);
        found += left(&plain, GONE).len();
        let hidden = run(&[arguments, &["--redact", "--redact-key", key]].concat());
        // A pseudonym may hold the two letters by chance, but not a name's.
        let names = ["hostzq", "flsrvzq", "name.zq", "profzq", "rgenzq", "personzq", "firmazq", "johnsmzq"];
        assert_eq!(left(&hidden, &names), <[&str; 0]>::default(), "{}", String::from_utf8_lossy(&hidden));
        if arguments[0] == "events" {
            let (from, to) = (folder.path().join("hidden"), folder.path().join("back"));
            fs::write(&from, &hidden).unwrap();
            run(&["restore", from.to_str().unwrap(), "--key", key, "-o", to.to_str().unwrap()]);
            assert_eq!(String::from_utf8_lossy(&fs::read(to).unwrap()), String::from_utf8_lossy(&plain));
        }
    }
    assert!(found >= 4, "{found}");
    let xml = run(&["events", capture, "--format", "xml", "--redact", "--redact-key", key]);
    assert!(String::from_utf8_lossy(&xml).contains("http://go.microsoft.com/fwlink"));
    let copy = folder.path().join("copy.PML");
    run(&["extract", capture, "-o", copy.to_str().unwrap(), "--filter", "PID is 6284", "--redact"]);
    let names = ["hostzq", "flsrvzq", "personzq", "profzq", "johnsmzq"];
    assert_eq!(left(&fs::read(copy).unwrap(), &names), <[&str; 0]>::default());
}
