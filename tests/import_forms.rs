//! Exports as they come: other line ends, blanks around values, packed, without their header. What can be read gives the
//! verdict of the export itself; what cannot is refused with the reason and the remedy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use serde_json::Value;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const SAMPLE: &str = "two-holders";

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).args(["--lang", "en"]).output().unwrap()
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{SAMPLE}.PML"))
}

fn export(arguments: &[&str]) -> Vec<u8> {
    let output = run(&[&["events", sample().to_str().unwrap(), "--tz", "UTC"], arguments].concat());
    assert!(output.status.success());
    output.stdout
}

/// The record of a file without what only names it.
fn told(name: &str, bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let output =
        run(&["blame", path.to_str().unwrap(), "--profile", "any", "--json", "-", "--reproducible", "--no-hash"]);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let mut record: Value = serde_json::from_slice(&output.stdout).unwrap();
    record["capture"]["files"].take();
    record
}

fn refused(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let output = run(&["blame", path.to_str().unwrap(), "--profile", "any"]);
    assert!(!output.status.success(), "{name}");
    let said = String::from_utf8(output.stderr).unwrap();
    said.split_once(&format!("{name}: ")).expect("the file is named").1.trim().to_owned()
}

fn replaced(text: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(text.contains(from));
    text.replace(from, to).into_bytes()
}

#[test]
fn line_ends_and_blanks_change_nothing() {
    let text = String::from_utf8(export(&["--format", "csv", "--columns", "all"])).unwrap();
    let expected = told("Logfile.CSV", text.as_bytes());
    assert_eq!(expected["verdict"]["code"], "several_culprits");
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let plain = text.trim_start_matches('\u{FEFF}');
    for (what, bytes) in [
        ("lone CR", replaced(&text, "\r\n", "\r")),
        ("lone CR in UTF-16", [b"\xFF\xFE".to_vec(), wide(&plain.replace("\r\n", "\r"))].concat()),
        ("lone LF", replaced(&text, "\r\n", "\n")),
        ("CR CR LF", replaced(&text, "\r\n", "\r\r\n")),
        ("a blank behind each comma", replaced(&text, "\",\"", "\", \"")),
        ("blanks and a tab around each comma", replaced(&text, "\",\"", "\"  ,\t\"")),
        ("blanks at line ends", replaced(&text, "\r\n", "   \r\n")),
        ("blanks at line beginnings", replaced(plain, "\r\n\"", "\r\n   \"")),
    ] {
        assert_eq!(told("Logfile.CSV", &bytes), expected, "{what}");
    }
}

fn zipped(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn what_a_zip_holds_alone_is_read() {
    let csv = export(&["--format", "csv"]);
    let xml = export(&["--format", "xml", "--columns", "all", "--stacks"]);
    let pml = std::fs::read(sample()).unwrap();
    for (name, bytes) in [("日志/Logfile.CSV", &csv), ("Logfile.XML", &xml), ("a.PML", &pml)] {
        let expected = told("plain", bytes);
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let zip = zipped(&[("readme.txt", b"as agreed"), (name, bytes)], method);
            assert_eq!(told("a.zip", &zip), expected, "{name} {method}");
        }
    }
    let two = zipped(&[("a.PML", &pml), ("b.CSV", &csv)], CompressionMethod::Deflated);
    let said = refused("two.zip", &two);
    assert!(said.contains("a zip archive with 2 captures or exports (a.PML, b.CSV)"), "{said}");
    let said =
        refused("none.zip", &zipped(&[("CBS.log", b"2022-10-08 05:50:57, Info CBS")], CompressionMethod::Stored));
    assert!(said.starts_with("header at offset 0x0: a zip archive without a capture"), "{said}");
}

#[test]
fn a_missing_header_is_said() {
    let text = String::from_utf8(export(&["--format", "csv"])).unwrap();
    let (_, rows) = text.split_once("\r\n").unwrap();
    let said = refused("findstr.CSV", rows.as_bytes());
    assert!(said.starts_with("line 1: this is a row (RegOpenKey), not the header"), "{said}");
    let mut sorted: Vec<&str> = text.lines().collect();
    sorted.sort_unstable();
    sorted.insert(0, "");
    assert!(refused("sorted.CSV", sorted.join("\r\n").as_bytes()).starts_with("line 1: this is a row ("));
    let other = refused("notes.csv", b"Name,Street\r\nSmith,Main\r\n");
    assert!(other.starts_with("header at offset 0x0: neither a Process Monitor capture"), "{other}");
}

#[test]
fn columns_that_occur_twice_are_said() {
    let csv = String::from_utf8(export(&["--format", "csv", "--columns", "PID,Operation,Path,Result,Detail"])).unwrap();
    let doubled = csv.replace("\"Detail\"\r\n", "\"PID\"\r\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Logfile.CSV");
    std::fs::write(&path, &doubled).unwrap();
    for command in ["blame", "events"] {
        let output = run(&[command, path.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("columns that occur more than once; the first of each is read: PID"),
            "{command}: {said}"
        );
    }
    let output = run(&["events", sample().to_str().unwrap(), "--format", "csv", "--columns", "PID,path,PATH"]);
    assert!(output.stdout.starts_with(b"\xEF\xBB\xBF\"PID\",\"Path\"\r\n"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("columns named more than once are shown once: Path"), "{said}");
}

#[test]
fn filters_compare_what_stands_there() {
    let sample = sample();
    let count = |rule: &str| {
        let output = run(&["events", sample.to_str().unwrap(), "--format", "csv", "--filter", rule]);
        assert!(output.status.success(), "{rule}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout.iter().filter(|byte| **byte == b'\n').count() - 1
    };
    let line = "\"C:\\Program Files\\Veeam\\Endpoint Backup\\Veeam.EndPoint.Service.exe\"";
    assert_eq!(count(&format!("Command Line is {line}")), 3);
    assert_eq!(count(&format!("Command Line is not {line}")), 150);
    assert_eq!(count("Process Name is \"Veeam.EndPoint.Service.exe\""), 3);
    for rule in ["PID is abc", "PID is less than 3560", "TID more than one", "Duration less than soon"] {
        let output = run(&["events", sample.to_str().unwrap(), "--filter", rule]);
        assert_eq!(output.status.code(), Some(2), "{rule}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("the filter '{rule}' can match nothing")), "{said}");
    }
}

#[test]
fn offsets_that_no_place_has_are_refused() {
    for zone in ["+25:00", "-14:01", "+14:60"] {
        let output = run(&["events", sample().to_str().unwrap(), &format!("--tz={zone}")]);
        assert_eq!(output.status.code(), Some(2), "{zone}");
    }
    assert!(run(&["events", sample().to_str().unwrap(), "--tz=+14:00"]).status.success());
    let csv = export(&["--format", "csv"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Logfile.CSV");
    std::fs::write(&path, csv).unwrap();
    let output = run(&["blame", path.to_str().unwrap(), "--export-tz", "Asia/Shanghai"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("not a distance to UTC; use UTC or an offset such as +08:00"), "{said}");
}
