//! `pmlblame restore`: what `--redact` wrote is the original again, in every form; and what redaction leaves true: versions,
//! and profiles wherever they lie.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pmlblame::scenario;

const SCENARIO: &str = r#"
start 2022-10-08T05:50:48Z
computer kqjx-wz7vbq
os 10.0.17763
system-root C:\Windows
kernel \SystemRoot\System32\drivers\vsock.sys base=0xfffff80001000000 size=0x10000 company="VMware, Inc." version="9.8.16.0 build-1" description=vsock
kernel \SystemRoot\System32\drivers\serial.sys base=0xfffff80002000000 size=0x10000 company=Microsoft version=10.0.1.6 description=serial
process 3560 TiWorker.exe
  image C:\Windows\WinSxS\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.17763.2928_none_0\TiWorker.exe
  version 10.0.1.6
process 6284 holder.exe
  image "D:\Profiles\bob\AppData\holder.exe"
  version 7.9.4.1
  user kqjx-wz7vbq\bob
process 6300 other.exe
  image C:\Windows\other.exe
+0.1 holder.exe:100 ProcessStart env=USERPROFILE=D:\Profiles\bob env=PUBLIC=D:\Profiles\Public env=COMPUTERNAME=kqjx-wz7vbq
+0.2 other.exe:100 RegQueryValue "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1004336348-1177238915-682003330-1105\ProfileImagePath" type=REG_EXPAND_SZ value=\\filsrv3\profiles$\eve.V6
+0.3 other.exe:100 CreateFile D:\Profiles\kim\x.dat access=GENERIC_READ share=RWD
+0.4 other.exe:100 CreateFile \\filsrv3\profiles$\zoë\x.dat access=GENERIC_READ share=RWD
+0.5 other.exe:100 RegSetValue "HKLM\SOFTWARE\Servers\192.168.1.5" type=REG_SZ value=192.168.1.5
+0.6 other.exe:100 TCPSend from=192.168.1.5:49812 to=[2001:db8::1c2:3d4:5e6f:7a8b]:445 length=10
+1.0 holder.exe:100 CreateFile D:\Profiles\bob\AppData\a.dll access=GENERIC_READ share=R
+2.0 TiWorker.exe:5056 CreateFile D:\Profiles\bob\AppData\a.dll access=DELETE share=RWD -> SHARING VIOLATION
+3.0 holder.exe:100 CloseFile D:\Profiles\bob\AppData\a.dll
"#;

/// What must be gone; short names as a path shows them.
const GONE: &[&str] =
    &[r"\bob", r"\kim", r"\eve", "zoë", "filsrv3", "kqjx-wz7vbq", "1004336348", "192.168.1.5", "5e6f:7a8b"];

fn output(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).output().unwrap()
}

fn run(arguments: &[&str]) -> Vec<u8> {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The capture in `folder`, and a key file of a fixed secret.
fn place(folder: &Path) -> (PathBuf, PathBuf) {
    let (capture, key) = (folder.join("x.PML"), folder.join("key.json"));
    fs::write(&capture, scenario::build_bytes(SCENARIO).unwrap()).unwrap();
    let secret = "5a".repeat(32);
    fs::write(&key, format!(r#"{{"schema":"pmlblame/redaction-key/1","secret":"{secret}","names":[]}}"#)).unwrap();
    (capture, key)
}

/// Which of `names` are left in `bytes`, as ASCII or UTF-16, in any case.
fn left<'n>(bytes: &[u8], names: &[&'n str]) -> Vec<&'n str> {
    let lower = bytes.to_ascii_lowercase();
    let holds = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(&lower, name.as_bytes()).is_some() || memchr::memmem::find(&lower, &wide).is_some()
    };
    names.iter().copied().filter(|name| holds(name)).collect()
}

#[test]
fn every_form_is_the_original_again() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, key) = place(folder.path());
    let (capture, key) = (capture.to_str().unwrap(), key.to_str().unwrap());
    let hidden = folder.path().join("hidden");
    let hidden = hidden.to_str().unwrap();
    let restore = ["restore", hidden, "--key", key, "--quiet"];
    // Environments are emptied, not renamed.
    let events = ["--exclude", "Operation is Process Start"];
    for arguments in [
        vec![capture, "--profile", "any", "--json", "-", "--reproducible"],
        vec![capture, "--profile", "any", "--width", "300"],
        vec![capture, "--profile", "any", "--width", "300", "--lang", "zh-CN"],
        vec!["why", capture, "--event", "7", "--width", "300"],
        vec!["audit", capture, "--json", "-"],
        [&["events", capture, "--format", "csv"][..], &events].concat(),
        [&["events", capture, "--format", "xml"][..], &events].concat(),
        [&["events", capture, "--format", "jsonl"][..], &events].concat(),
    ] {
        let plain = run(&arguments);
        let redacted = run(&[&arguments[..], &["--redact", "--redact-key", key]].concat());
        assert_eq!(left(&redacted, GONE), <[&str; 0]>::default(), "{arguments:?}");
        assert!(!left(&plain, GONE).is_empty() || arguments[0] == "audit", "{arguments:?}: no name to begin with");
        fs::write(hidden, &redacted).unwrap();
        let restored = run(&restore);
        let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
        for (restored, plain) in lines(&restored).iter().zip(lines(&plain)) {
            assert_eq!(*restored, plain, "{arguments:?}");
        }
        assert!(restored == plain, "{arguments:?}");
        // As a PowerShell redirection stores it, and gzipped.
        let text = String::from_utf8(redacted.clone()).unwrap();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let wide: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        let plain = String::from_utf8(plain).unwrap();
        for stored in [wide, packed.finish().unwrap()] {
            fs::write(hidden, stored).unwrap();
            assert_eq!(String::from_utf8(run(&restore)).unwrap(), plain.strip_prefix('\u{feff}').unwrap_or(&plain));
        }
    }
}

#[test]
fn a_redacted_copy_keeps_versions_and_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, key) = place(folder.path());
    let copy = folder.path().join("copy.PML");
    let (capture, key, copy) = (capture.to_str().unwrap(), key.to_str().unwrap(), copy.to_str().unwrap());
    let everything = ["--filter", "Process Name is not nobody"];
    for more in [&[][..], &["--case", "--profile", "any"]] {
        let chosen = if more.is_empty() { &everything[..] } else { more };
        run(&[&["extract", capture, "-o", copy, "--redact", "--redact-key", key][..], chosen].concat());
        let bytes = fs::read(copy).unwrap();
        assert_eq!(left(&bytes, GONE), <[&str; 0]>::default());
        assert!(left(&fs::read(capture).unwrap(), GONE).len() > 5);
        let kept = ["9.8.16.0 build-1", "10.0.1.6", "7.9.4.1"];
        let wanted = if more.is_empty() { &kept[..] } else { &kept[2..] };
        for version in wanted {
            assert_eq!(left(&bytes, &[version]), [*version], "{more:?}");
        }
    }
    // A capture is not text.
    let refused = output(&["restore", copy, "--key", key]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a redacted capture cannot be turned back"));
    assert!(refused.stdout.is_empty());
}

#[test]
fn what_the_key_does_not_know_stays_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, key) = place(folder.path());
    let (capture, key) = (capture.to_str().unwrap(), key.to_str().unwrap());
    let hidden = folder.path().join("hidden.txt");
    let first = run(&["why", capture, "--event", "7", "--redact", "--redact-key", key]);
    assert!(!first.is_empty());
    let text = b"C:\\Users\\qwertz\\x and \\\\otherhost\\share, 8.8.4.4\n\xff\xfe\n";
    fs::write(&hidden, text).unwrap();
    let restored = folder.path().join("restored.txt");
    let (hidden, restored) = (hidden.to_str().unwrap(), restored.to_str().unwrap());
    let done = output(&["restore", hidden, "--key", key, "-o", restored, "--lang", "en"]);
    assert!(done.status.success());
    assert_eq!(fs::read(restored).unwrap(), text);
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("nothing in it was replaced with this key: no name was put back"), "{said}");
    assert!(said.contains("3 names are not in this key and stay as they are: 8.8.4.4, otherhost, qwertz"), "{said}");
    // Neither the input nor the key may be overwritten, and no key is no file.
    for place in [hidden, key] {
        assert_eq!(output(&["restore", hidden, "--key", key, "-o", place]).status.code(), Some(2));
    }
    assert_eq!(fs::read(hidden).unwrap(), text);
    let unused = folder.path().join("unused.txt");
    assert_eq!(output(&["restore", hidden, "--key", hidden, "-o", unused.to_str().unwrap()]).status.code(), Some(1));
    assert!(!unused.exists());
}

#[test]
fn a_collected_file_does_not_name_its_machine() {
    let folder = tempfile::tempdir().unwrap();
    let (_, key) = place(folder.path());
    let log = folder.path().join("FILESRV_CBS.log");
    let text = "2022-10-08 13:50:49, Info                  CBS    TI: --- Initializing Trusted Installer ---\r\n";
    fs::write(&log, text).unwrap();
    fs::copy(&log, folder.path().join("desktop-9x7_CBS.log")).unwrap();
    let arguments = ["cbs", folder.path().to_str().unwrap(), "--redact", "--redact-key", key.to_str().unwrap()];
    for more in [&[][..], &["--json", "-"]] {
        let plain = run(&[&arguments[..2], more].concat());
        assert_eq!(left(&plain, &["filesrv", "desktop-9x7"]).len(), 2);
        let hidden = run(&[&arguments[..], more].concat());
        assert_eq!(left(&hidden, &["filesrv", "desktop-9x7"]), <[&str; 0]>::default());
        assert_eq!(left(&hidden, &["_cbs.log"]).len(), 1, "{}", String::from_utf8_lossy(&hidden));
    }
}

const EXPORT: &str = "\"Time of Day\",\"Process Name\",\"PID\",\"Operation\",\"Path\",\"Result\",\"Detail\"\r
\"1:50:48.0118211 PM\",\"svchost.exe\",\"1284\",\"TCP Send\",\"WS-BOB7.home:1226 -> 50.22.196.70-static.reverse.softhost.com:http\",\"SUCCESS\",\"Length: 10, connid: 0\"\r
\"1:50:48.0218211 PM\",\"svchost.exe\",\"1284\",\"UDP Receive\",\"ws-bob7.home:1251 -> 254.253.254.87.dynamic.monhost.mc:16471\",\"SUCCESS\",\"Length: 10\"\r
\"1:50:48.1118211 PM\",\"svchost.exe\",\"1284\",\"RegSetValue\",\"HKCU\\x\",\"SUCCESS\",\"Type: REG_SZ, Length: 88, Data: \"\"c:\\users\\JANEROE\\a & b\"\" 'Janeroe' <C:\\Users\\janeRoe\\x> \"\r
";

#[test]
fn hosts_quotes_and_the_case_of_letters_come_back() {
    const GONE: &[&str] = &["ws-bob7", "196.70", "softhost", "254.253", "monhost", "janeroe"];
    let folder = tempfile::tempdir().unwrap();
    let (export, hidden, key) = (folder.path().join("x.csv"), folder.path().join("hidden"), folder.path().join("key"));
    fs::write(&export, EXPORT).unwrap();
    let (export, hidden, key) = (export.to_str().unwrap(), hidden.to_str().unwrap(), key.to_str().unwrap());
    for format in ["xml", "csv", "jsonl"] {
        let arguments = ["events", export, "--format", format];
        let plain = run(&arguments);
        assert_eq!(left(&plain, GONE), GONE);
        assert!(format != "xml" || !left(&plain, &["&quot;"]).is_empty(), "{}", String::from_utf8_lossy(&plain));
        let redacted = run(&[&arguments[..], &["--redact", "--redact-key", key]].concat());
        assert_eq!(left(&redacted, GONE), <[&str; 0]>::default(), "{}", String::from_utf8_lossy(&redacted));
        fs::write(hidden, &redacted).unwrap();
        let restored = run(&["restore", hidden, "--key", key, "--quiet"]);
        assert_eq!(String::from_utf8_lossy(&restored), String::from_utf8_lossy(&plain));
    }
}

#[test]
fn what_was_done_is_counted_and_a_wrong_key_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, key) = place(folder.path());
    let (other, hidden) = (folder.path().join("other.json"), folder.path().join("hidden"));
    let (capture, key) = (capture.to_str().unwrap(), key.to_str().unwrap());
    let (other, hidden) = (other.to_str().unwrap(), hidden.to_str().unwrap());
    let record = ["blame", capture, "--profile", "any", "--json", "-"];
    run(&[&record[..], &["--redact", "--redact-key", other]].concat());
    let redacted = run(&[&record[..], &["--redact", "--redact-key", key]].concat());
    fs::write(hidden, &redacted).unwrap();
    let said = |key: &str| {
        let done = output(&["restore", hidden, "--key", key, "--lang", "en"]);
        assert_eq!(done.status.code(), Some(0));
        (done.stdout, String::from_utf8(done.stderr).unwrap())
    };
    let (same, warned) = said(other);
    assert!(same == redacted);
    assert!(warned.contains("nothing in it was replaced with this key"), "{warned}");
    let (_, told) = said(key);
    assert!(told.contains("names put back in ") && !told.contains("not in this key"), "{told}");
    // The versions of packages and files are codes: no name is missing.
    let bob = json_name(key, "bob");
    let hex: String = bob.bytes().map(|byte| format!("{byte:02X} 00 ")).collect();
    for (text, places) in [
        (
            format!(
                r#"{{"id": "x", "version": "10.0.1.6", "also": ["10.0.1.7", "10.0.1.8"], "path": "D:\\Profiles\\{bob}\\x"}}"#
            ),
            "1 place",
        ),
        (format!("Data: {hex}\nData: {hex}\n"), "2 places"),
    ] {
        fs::write(hidden, &text).unwrap();
        let (restored, told) = said(key);
        assert_eq!(left(&restored, &[&bob]), <[&str; 0]>::default());
        assert_eq!(told.trim_end().rsplit(": ").next().unwrap(), format!("names put back in {places}"));
    }
}

/// The pseudonym of a name in a key file.
fn json_name(key: &str, original: &str) -> String {
    let key: serde_json::Value = serde_json::from_slice(&fs::read(key).unwrap()).unwrap();
    let names = key["names"].as_array().unwrap();
    names.iter().find(|name| name["original"] == original).unwrap()["pseudonym"].as_str().unwrap().to_owned()
}

/// What a library says of a file stands in parentheses behind a sentence of the chosen language.
#[test]
fn a_file_that_is_no_key_is_told_in_the_language_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.json");
    fs::write(&key, "no key").unwrap();
    let key = key.to_str().unwrap();
    let said = |lang: &str| {
        let output = output(&["restore", "--key", key, key, "--lang", lang]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let why = "expected ident at line 1 column 2";
    assert!(said("en").contains(&format!("{key}: not a key file: {why}")), "{}", said("en"));
    assert!(said("zh-CN").contains(&format!("{key}：不是密钥文件（{why}）")), "{}", said("zh-CN"));
}
