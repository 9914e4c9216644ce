//! Exports of every shape, written here by hand: what is read from them, and what happens when they are broken.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pmlblame::capture::filter::{Filter, Rule};
use pmlblame::capture::op::{Op, OpKind, OpLog};
use pmlblame::capture::select::Selection;
use pmlblame::capture::source::Source;
use pmlblame::import::{self, BadReason, BadRow, Column, Export, ExportRow, Format, ImportError, Input, OpenOptions};
use pmlblame::nt::{AccessMask, FileTime, NtStatus, OpenResult, RenameFlags, ShareAccess};
use std::io::Write;
use std::path::PathBuf;

struct File {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn file(name: &str, bytes: &[u8]) -> File {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    File { path, _dir: dir }
}

fn open_with(bytes: &[u8], options: &OpenOptions) -> (Box<Export>, File) {
    let file = file("export.bin", bytes);
    match import::open(&file.path, options).unwrap() {
        Input::Export(export) => (export, file),
        Input::Pml(_) => panic!("taken for a capture"),
    }
}

fn open(bytes: &[u8]) -> (Box<Export>, File) {
    open_with(bytes, &OpenOptions::default())
}

fn everything(export: &Export) -> OpLog {
    export.collect(&Selection::everything(), &export.survey(), &|_| false)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

const OPEN: &str = "Desired Access: Generic Read, Disposition: Open, Options: Non-Directory File, Attributes: n/a, \
                    ShareMode: Read, Write, AllocationSize: n/a, OpenResult: Opened";

/// Four rows: an open, a refused open of another process, a close, and a success.
fn small() -> String {
    let header = "\"Time of Day\",\"Process Name\",\"PID\",\"Operation\",\"Path\",\"Result\",\"Detail\"";
    let refused = OPEN.replace("Generic Read", "Delete").replace(", OpenResult: Opened", "");
    format!(
        "{header}\r\n\
         \"7:19:37.0000000 AM\",\"av.exe\",\"10\",\"CreateFile\",\"C:\\t\\a.dll\",\"SUCCESS\",\"{OPEN}\"\r\n\
         \"7:19:37.5000000 AM\",\"TiWorker.exe\",\"20\",\"CreateFile\",\"C:\\t\\a.dll\",\"SHARING VIOLATION\",\"{refused}\"\r\n\
         \"7:19:38.0000000 AM\",\"av.exe\",\"10\",\"CloseFile\",\"C:\\t\\a.dll\",\"SUCCESS\",\"\"\r\n\
         \"7:19:38.5000000 AM\",\"TiWorker.exe\",\"20\",\"SetRenameInformationFile\",\"C:\\t\\a.dll\",\"SUCCESS\",\
         \"ReplaceIfExists: True, FileName: C:\\t\\b, \"\"c\"\".dll\"\r\n"
    )
}

fn check_small(export: &Export) {
    let log = everything(export);
    let kinds: Vec<(u64, u32, &str, NtStatus)> = log
        .ops
        .iter()
        .map(|op| (op.event.0, log.processes[op.process.0 as usize].pid, log.paths.get(op.path), op.status))
        .collect();
    assert_eq!(
        kinds,
        [
            (0, 10, "C:\\t\\a.dll", NtStatus::SUCCESS),
            (1, 20, "C:\\t\\a.dll", NtStatus::SHARING_VIOLATION),
            (2, 10, "C:\\t\\a.dll", NtStatus::SUCCESS),
            (3, 20, "C:\\t\\a.dll", NtStatus::SUCCESS),
        ]
    );
    let OpKind::Create(create) = log.ops[0].kind else { panic!("{:?}", log.ops[0]) };
    assert_eq!(create.share, Some(ShareAccess(3)));
    assert_eq!(create.result, Some(OpenResult::OPENED));
    let OpKind::Create(create) = log.ops[1].kind else { panic!("{:?}", log.ops[1]) };
    assert_eq!((create.access, create.result), (Some(AccessMask::DELETE), None));
    assert_eq!(log.ops[2].kind, OpKind::Cleanup);
    let OpKind::Rename { target, flags, ex, .. } = log.ops[3].kind else { panic!("{:?}", log.ops[3]) };
    assert_eq!((flags, ex), (RenameFlags::REPLACE_IF_EXISTS, false));
    assert_eq!(log.paths.get(target.unwrap()), "C:\\t\\b, \"c\".dll");
    assert_eq!(log.ops[1].start.0 - log.ops[0].start.0, 5_000_000);
    assert!(log.ops.iter().all(|op| op.end.is_none() && op.thread.is_none()));
    // The refused open and the rename matter whatever the question is.
    let survey = export.survey();
    assert_eq!(survey.ops.iter().map(|op| op.event.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((survey.counts.total, survey.counts.file_system), (4, 4));
    assert_eq!((survey.coverage.creates, survey.coverage.cleanups, survey.coverage.active_processes), (1, 1, 2));
    assert!(survey.coverage.has_detail && !survey.coverage.has_durations);
    assert_eq!(survey.coverage.sequence_gaps, None);
}

#[test]
fn one_table_in_every_encoding_and_package() {
    let text = small();
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    for bytes in [
        text.clone().into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        text.replace("\r\n", "\n").into_bytes(),
        utf16.clone(),
        gzip(text.as_bytes()),
        gzip(&utf16),
    ] {
        let (export, _file) = open(&bytes);
        check_small(&export);
        let facts = export.facts();
        assert_eq!(
            (facts.format, facts.rows, facts.malformed.rows, facts.bytes),
            (Format::Csv, 4, 0, bytes.len() as u64)
        );
        assert!(!facts.clock.date_known && !facts.clock.utc_offset_known);
    }
}

#[test]
fn the_same_rows_as_xml() {
    let mut xml = String::from(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<procmon><processlist></processlist><eventlist>\r\n",
    );
    let csv = small();
    for line in csv.lines().skip(1) {
        let line = line.trim_matches('"').replace("\"\"", "\u{1}");
        let values: Vec<String> = line.split("\",\"").map(|value| value.replace('\u{1}', "\"")).collect();
        // The empty last value of a close loses its quotes with the trimming above.
        let value = |at: usize| values.get(at).cloned().unwrap_or_default().replace("\",", "");
        xml += "<event>\r\n";
        for (at, name) in
            ["Time_of_Day", "Process_Name", "PID", "Operation", "Path", "Result", "Detail"].iter().enumerate()
        {
            let escaped = value(at).replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
            xml += &format!("<{name}>{escaped}</{name}>\r\n");
        }
        xml += "<stack><frame><depth>0</depth><address>0xfffff80012345678</address><path>C:\\x\\y.sys</path></frame></stack>\r\n</event>\r\n\r\n";
    }
    xml += "</eventlist></procmon>";
    let (export, _file) = open(xml.as_bytes());
    check_small(&export);
    assert_eq!(export.format(), Format::Xml);
    assert_eq!(export.survey().with_stack, 4);
    let (export, _file) = open(&gzip(xml.as_bytes()));
    check_small(&export);
}

#[test]
fn the_code_page_must_be_told() {
    let text =
        "\"PID\",\"Operation\",\"Path\",\"Result\"\r\n\"4\",\"CloseFile\",\"C:\\亚信安全\\防毒墙.dll\",\"SUCCESS\"\r\n";
    let bytes = encoding_rs::GBK.encode(text).0.into_owned();
    for label in ["gbk", "936", "cp936", "GB18030"] {
        let options = OpenOptions { encoding: Some(label.to_owned()), ..OpenOptions::default() };
        let (export, _file) = open_with(&bytes, &options);
        assert_eq!(everything(&export).paths.get(everything(&export).ops[0].path), "C:\\亚信安全\\防毒墙.dll");
        assert_eq!(export.facts().not_text, 0);
    }
    let (export, _file) = open(&bytes);
    assert_eq!(export.facts().not_text, 1);
    let options = OpenOptions { encoding: Some("klingon".to_owned()), ..OpenOptions::default() };
    let file = file("x.csv", &bytes);
    assert!(
        matches!(import::open(&file.path, &options), Err(ImportError::UnknownEncoding { label }) if label == "klingon")
    );
}

#[test]
fn columns_in_any_order_and_number() {
    let text = "Result;Path;Operation;Extra\nSUCCESS;C:\\a;CloseFile;1\nDELETE PENDING;C:\\a;CreateFile;2\n";
    let (export, _file) = open(text.as_bytes());
    let log = everything(&export);
    assert_eq!(log.ops.len(), 2);
    assert_eq!(log.ops[1].status, NtStatus::DELETE_PENDING);
    let OpKind::Create(create) = log.ops[1].kind else { panic!() };
    assert_eq!((create.access, create.share, create.disposition), (None, None, None));
    assert!(!log.coverage.has_detail && !log.coverage.has_durations);
    assert_eq!(export.facts().unknown_columns, ["Extra"]);
    assert_eq!(export.facts().columns, [Column::Operation, Column::Path, Column::Result]);
    // Without times, the order of the rows is kept.
    assert!(log.ops[0].start < log.ops[1].start);
}

#[test]
fn what_is_needed_is_said() {
    let file = file("x.csv", b"\"PID\",\"Path\",\"Result\"\r\n");
    assert!(matches!(
        import::open(&file.path, &OpenOptions::default()),
        Err(ImportError::MissingColumn { column: "Operation", .. })
    ));
    let errors: [(&[u8], &str); 5] = [
        (b"", "the file is empty"),
        (b"hello\r\nworld\r\n", "neither a Process Monitor capture nor its CSV or XML export"),
        (b"<html></html>", "neither"),
        (b"\0\0\0\0\0\0", "neither"),
        (b"PML_\x08\0\0\0", "capture version 8 is not known"),
    ];
    for (bytes, expected) in errors {
        let file = self::file("x", bytes);
        let error = import::open(&file.path, &OpenOptions::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(matches!(import::open("/no/such/file".as_ref(), &OpenOptions::default()), Err(ImportError::Io { .. })));
}

#[test]
fn broken_rows_are_counted_by_line_and_cost_nothing_else() {
    let good = "\"1\",\"CloseFile\",\"C:\\a\",\"SUCCESS\"\r\n";
    let rows = [
        "\"PID\",\"Operation\",\"Path\",\"Result\"\r\n",
        good,
        "\"1\",\"CloseFile\",\"C:\\a,\"SUCCESS\"\r\n",
        good,
        "\"1\",\"CloseFile\",\"C:\\a\"\r\n",
        "\r\n",
        "\"x\",\"CloseFile\",\"C:\\a\",\"SUCCESS\"\r\n",
        "\0\0\0\0\r\n",
        "\"1\",\"\",\"C:\\a\",\"SUCCESS\"\r\n",
        "\"1\",\"CloseFile\",\"C:\\two\r\nlines\",\"SUCCESS\"\r\n",
        good,
        "\"1\",\"CloseFile\",\"C:\\a\",\"SUCC",
    ];
    let (export, _file) = open(rows.concat().as_bytes());
    let facts = export.facts();
    assert_eq!(facts.rows, 10);
    assert_eq!(
        facts.malformed.first,
        [
            BadRow { line: 3, reason: BadReason::Quotes },
            BadRow { line: 5, reason: BadReason::FieldCount },
            BadRow { line: 7, reason: BadReason::Pid },
            BadRow { line: 8, reason: BadReason::FieldCount },
            BadRow { line: 9, reason: BadReason::NoOperation },
            BadRow { line: 13, reason: BadReason::Quotes },
        ]
    );
    assert_eq!(facts.malformed.rows, 6);
    let log = everything(&export);
    // A broken row keeps its number, so that the others keep theirs.
    assert_eq!(log.ops.iter().map(|op| op.event.0).collect::<Vec<_>>(), [0, 2, 7, 8]);
    assert_eq!(log.paths.get(log.ops[2].path), "C:\\two\r\nlines");
    let damage = export.survey().damage;
    assert_eq!((damage.records, damage.first.as_deref()), (6, Some("line 3: Quotes")));
}

#[test]
fn giants_and_floods_of_quotes_end() {
    let header = "\"PID\",\"Operation\",\"Path\",\"Result\"\r\n";
    let good = "\"1\",\"CloseFile\",\"C:\\a\",\"SUCCESS\"\r\n";
    let giant = format!("{header}{good}\"1\",\"{}\"\r\n{good}", "x".repeat(20 << 20));
    let (export, _file) = open(giant.as_bytes());
    assert_eq!(export.facts().malformed.first, [BadRow { line: 3, reason: BadReason::TooLong }]);
    assert_eq!(everything(&export).ops.len(), 2);
    for flood in ["\"", "\"\"", "\"\"\"\n", "\"a\n", "\n", ",", "\",\n"] {
        let text = format!("{header}{good}{}\r\n{good}", flood.repeat(300_000));
        let (export, _file) = open(text.as_bytes());
        let facts = export.facts();
        let read = everything(&export).ops.len() as u64;
        assert_eq!(read + facts.malformed.rows, facts.rows, "{flood:?}");
        assert!(read >= 1, "{flood:?}");
    }
}

#[test]
fn an_unknown_result_is_a_failure_without_a_name_and_is_reported() {
    let text = "PID,Operation,Path,Result\n1,CreateFile,C:\\a,SOMETHING NEW\n1,CreateFile,C:\\a,0xC000046F\n1,CreateFile,C:\\a,\n";
    let (export, _file) = open(text.as_bytes());
    let statuses: Vec<NtStatus> = everything(&export).ops.iter().map(|op| op.status).collect();
    assert_eq!(statuses, [NtStatus(u32::MAX), NtStatus(0xC000_046F), NtStatus::PENDING]);
    assert!(!statuses[0].is_success());
    assert_eq!(export.facts().unknown_results, ["SOMETHING NEW"]);
}

#[test]
fn a_truncated_gzip_gives_the_rows_before_its_end() {
    let mut text = small();
    for n in 0..20_000 {
        text +=
            &format!("\"7:20:00.0000000 AM\",\"p{}.exe\",\"30\",\"CloseFile\",\"C:\\{n}\",\"SUCCESS\",\"\"\r\n", n % 7);
    }
    let packed = gzip(text.as_bytes());
    let (export, _file) = open(&packed[..packed.len() / 2]);
    let facts = export.facts();
    assert!(facts.ended_early.is_some());
    assert!(facts.rows > 1000 && facts.rows < 20_004, "{}", facts.rows);
    assert!(export.survey().damage.records >= 1);
    // So little that not even the header is there.
    let file = file("x.csv.gz", &packed[..12]);
    assert!(import::open(&file.path, &OpenOptions::default()).is_err());
}

#[test]
fn hostile_xml_ends_without_harm() {
    let event = "<event><PID>1</PID><Operation>CloseFile</Operation><Path>C:\\a</Path><Result>SUCCESS</Result></event>";
    let document = |inside: &str| {
        format!("<?xml version=\"1.0\"?><procmon><eventlist>{event}{inside}{event}</eventlist></procmon>")
    };
    let rows = |text: &str| {
        let (export, _file) = open(text.as_bytes());
        let facts = export.facts();
        (facts.rows, facts.ended_early.is_some())
    };
    assert_eq!(rows(&document("")), (2, false));
    assert_eq!(rows(&document(&"<a>".repeat(100_000))), (1, true));
    assert_eq!(rows(&document(&"</a>".repeat(100_000))).0, 2);
    let bomb = "<!DOCTYPE procmon [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let text = document(
        "<event><PID>1</PID><Operation>CloseFile</Operation><Path>&b;&#65;&#0;&#x110000;&amp;</Path><Result>SUCCESS</Result></event>",
    );
    let text = text.replacen("<procmon>", &format!("{bomb}<procmon>"), 1);
    let (export, _file) = open(text.as_bytes());
    let log = everything(&export);
    // Nothing is expanded, and a row that would need it is a broken one.
    assert_eq!(log.ops.len(), 2);
    assert_eq!(export.facts().malformed.first, [BadRow { line: 1, reason: BadReason::Tag }]);
    assert_eq!(rows(&document(&format!("<event><Path>{}</Path></event>", "y".repeat(40 << 20)))), (1, true));
    assert_eq!(rows(&document(&format!("<{}", "z".repeat(40 << 20)))), (1, true));
    assert_eq!(rows(&document("<event><PID>x</PID></event>")), (3, false));
    // Cut in the middle of an event: the event is not made up.
    let whole = document("");
    assert_eq!(rows(&whole[..whole.len() - 60]).0, 1);
    let (export, _file) = open(document("<event><PID>\u{feff}\u{1}</PID></event>").as_bytes());
    assert_eq!(export.facts().malformed.first, [BadRow { line: 1, reason: BadReason::Pid }]);
}

fn with_header(rows: &str) -> String {
    format!("Time of Day,Date & Time,Process Name,PID,Operation,Path,Result,Duration,TID\n{rows}")
}

#[test]
fn dates_times_and_durations_make_instants() {
    let text = with_header(
        "11:59:59.9999999 PM,7/31/2020 11:59:59 PM,a.exe,1,CloseFile,C:\\a,SUCCESS,0.0000112,77\n\
         12:00:00.0000001 AM,8/1/2020 12:00:00 AM,a.exe,1,ReadFile,C:\\a,,,77\n",
    );
    let (export, _file) = open(text.as_bytes());
    let log = everything(&export);
    let at = |text: &str| FileTime::parse_rfc3339(text).unwrap();
    assert_eq!(log.ops[0].start, at("2020-07-31T23:59:59.9999999Z"));
    assert_eq!(log.ops[0].end, Some(at("2020-08-01T00:00:00.0000111Z")));
    assert_eq!(log.ops[1].start, at("2020-08-01T00:00:00.0000001Z"));
    assert_eq!((log.ops[1].status, log.ops[1].end, log.ops[1].thread), (NtStatus::PENDING, None, Some(77)));
    assert!(log.coverage.has_durations);
    assert!(export.facts().clock.date_order_certain);
    let (export, _file) = open_with(text.as_bytes(), &OpenOptions { utc_offset: Some(8 * 3600), ..Default::default() });
    assert_eq!(everything(&export).ops[0].start, at("2020-07-31T15:59:59.9999999Z"));
}

#[test]
fn midnight_passes_also_without_a_date() {
    let mut text = String::from("Time of Day,PID,Operation,Path,Result\n");
    // Enough rows for several blocks on both sides of midnight, with a little disorder around it.
    let times = (0..60_000).map(|n| (23 * 3600 + n / 20) as i64 - i64::from(n == 12_000));
    for time in times {
        let (day, time) = (time / 86_400, time % 86_400);
        text +=
            &format!("{}:{:02}:{:02},0000000,1,CloseFile,C:\\{day},SUCCESS\n", time / 3600, time / 60 % 60, time % 60)
                .replacen(",0000000", ".0000000", 1);
    }
    let options = OpenOptions { date: Some(jiff::civil::date(2024, 2, 28)), ..OpenOptions::default() };
    let (export, _file) = open_with(text.as_bytes(), &options);
    assert_eq!(export.facts().malformed.rows, 0);
    let log = everything(&export);
    let begin = FileTime::parse_rfc3339("2024-02-28T23:00:00Z").unwrap();
    for (n, op) in log.ops.iter().enumerate() {
        let seconds = n as u64 / 20 - u64::from(n == 12_000);
        // Times are told to the second: what is below it numbers the rows.
        assert_eq!((op.start.0 - begin.0) / 10_000_000, seconds, "row {n}");
    }
    assert!(export.facts().clock.date_known);
}

#[test]
fn a_pid_used_again_is_another_process() {
    let text = "Process Name,PID,Operation,Path,Result,Detail\n\
        a.exe,5,CloseFile,C:\\a,SUCCESS,\n\
        a.exe,5,Process Exit,,SUCCESS,Exit Status: 0\n\
        a.exe,5,CloseFile,C:\\late,SUCCESS,\n\
        x.exe,9,Process Create,C:\\bin\\a.exe,SUCCESS,\"PID: 5, Command line: a.exe 2 \"\n\
        a.exe,5,Process Start,,SUCCESS,\"Parent PID: 9, Command line: a.exe 2 , Current directory: C:\\cur\\, Environment: \"\n\
        a.exe,5,CloseFile,C:\\b,SUCCESS,\n\
        other.exe,5,CloseFile,C:\\c,SUCCESS,\n\
        other.exe,5,Process Exit,,SUCCESS,Exit Status: 0\n\
        other.exe,5,Load Image,C:\\d.dll,SUCCESS,\"Image Base: 0x1, Image Size: 0x1\"\n";
    let (export, _file) = open(text.as_bytes());
    let log = everything(&export);
    let whose: Vec<u32> = log.ops.iter().map(|op| op.process.0).collect();
    let (first, second, creator) = (whose[0], whose[4], whose[3]);
    assert_eq!(whose, [first, first, first, creator, second, second, whose[6], whose[6], whose[8]]);
    assert_eq!(log.processes.len(), 5);
    assert!(first != second && whose[6] != second && whose[8] != whose[6]);
    assert!(matches!(log.ops[3].kind, OpKind::ProcessCreate { child } if child.0 == second));
    let child = &log.processes[second as usize];
    assert_eq!((child.parent.map(|id| id.0), child.parent_pid), (Some(creator), 9));
    assert_eq!((child.image_path.as_str(), child.command_line.as_str()), ("C:\\bin\\a.exe", "a.exe 2 "));
    assert_eq!(child.current_directory.map(|path| log.paths.get(path)), Some("C:\\cur\\"));
    assert!(log.processes[first as usize].ended.is_some() && child.ended.is_none());
    assert_eq!(export.survey().coverage.active_processes, 3);
}

#[test]
fn advanced_output_names_requests() {
    let text = format!(
        "PID,Operation,Path,Result,Detail\n\
         1,IRP_MJ_CREATE,C:\\a,SUCCESS,\"{OPEN}\"\n\
         1,IRP_MJ_SET_INFORMATION,C:\\a,SUCCESS,\"Type: SetDispositionInformationFile, Delete: True\"\n\
         1,IRP_MJ_CLEANUP,C:\\a,SUCCESS,\n\
         1,IRP_MJ_CLOSE,C:\\a,SUCCESS,\n"
    );
    let (export, _file) = open(text.as_bytes());
    let kinds: Vec<OpKind> = everything(&export).ops.iter().map(|op: &Op| op.kind).collect();
    assert!(matches!(kinds[0], OpKind::Create(create) if create.share == Some(ShareAccess(3))));
    assert_eq!(kinds[1..], [OpKind::SetDisposition { delete: true, handle: None }, OpKind::Cleanup, OpKind::Close]);
}

#[test]
fn rows_are_visited_in_order() {
    let mut text = String::from("PID,Operation,Path,Result\n");
    for n in 0..100_000 {
        text += &format!("{},CloseFile,C:\\file{n},SUCCESS\n", n % 9);
    }
    let (export, _file) = open(text.as_bytes());
    let mut next = 0;
    let ended = export.rows(
        false,
        |row| row.row.text(Column::Path).map(|path| path.into_owned()),
        |place, path| {
            assert_eq!((place.event.0, path), (next, format!("C:\\file{next}")));
            next += 1;
        },
    );
    assert_eq!((next, ended.rows, ended.malformed.rows, ended.ended_early), (100_000, 100_000, 0, None));
}

#[test]
fn xml_events_are_whole_however_the_document_is_cut_into_blocks() {
    let mut xml = String::from("<?xml version=\"1.0\"?><procmon><eventlist>");
    for n in 0..30_000 {
        let path = "p".repeat(n % 97);
        xml += &format!(
            "<event><PID>7</PID><Operation>CloseFile</Operation><Path>C:\\{n}\\{path}</Path><Result>SUCCESS</Result>\
             <stack><frame><depth>0</depth><address>0xfffff80000000000</address><path>C:\\k.sys</path></frame></stack></event>"
        );
    }
    xml += "</eventlist></procmon>";
    let (export, _file) = open(xml.as_bytes());
    let log = everything(&export);
    assert_eq!((log.ops.len(), export.facts().malformed.rows, export.survey().with_stack), (30_000, 0, 30_000));
    for (n, op) in log.ops.iter().enumerate() {
        assert_eq!(log.paths.get(op.path), format!("C:\\{n}\\{}", "p".repeat(n % 97)));
    }
}

#[test]
fn filters_apply_to_rows() {
    let mut text = String::from("PID,Process Name,Operation,Path,Result,Architecture\n");
    for n in 0..100 {
        text += &format!("{n},p{}.exe,CloseFile,\"C:\\say \"\"{n}\"\"\",SUCCESS,{}-bit\n", n % 3, 32 + 32 * (n % 2));
    }
    let (export, _file) = open(text.as_bytes());
    let passed = |rules: &[(&str, bool)]| {
        let rules = rules.iter().map(|(rule, include)| Rule::parse(rule, *include).unwrap()).collect();
        let filter = Filter { rules }.compile();
        let mut found = Vec::new();
        let passes = |row: &ExportRow<'_>| filter.passes(&mut { *row }, &mut Vec::new()).then_some(());
        export.rows(false, passes, |place, ()| found.push(place.event.0));
        found
    };
    assert_eq!(passed(&[("PID less than 4", true)]), [0, 1, 2, 3]);
    assert_eq!(passed(&[("Path contains \"7", true), ("Architecture is 64", true)]), [7, 71, 73, 75, 77, 79]);
    assert_eq!(passed(&[("Process Name is P1.EXE", false), ("PID less than 5", true)]), [0, 2, 3]);
}
