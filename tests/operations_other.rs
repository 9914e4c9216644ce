//! Registry, process, network and profiling operations on hand-made records, and what becomes of broken ones.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod records;

use pmlblame::capture::columns::Column;
use pmlblame::capture::filter::{Filter, Rule};
use pmlblame::export::{Context, Format, Request, Style};
use pmlblame::pml::ops::Generation;
use records::{FileDetail, Record, START, capture_file, counted, export, objects, open, table, wide};

const COLUMNS: [Column; 5] = [Column::Operation, Column::Path, Column::Category, Column::Detail, Column::Result];

fn check(pointer: usize, cases: &[(Record, [&str; 4])]) {
    let records: Vec<Record> = cases.iter().map(|(record, _)| record.clone()).collect();
    let rows = table(&open(&capture_file(&records, pointer)), Style::default(), &COLUMNS);
    for (row, (record, expected)) in rows.iter().zip(cases) {
        assert_eq!(row[..4], *expected, "class {} operation {}", record.class, record.operation);
    }
}

fn halves(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

const KEY: &str = r"HKLM\Software\日志";

/// A registry event: path descriptor, two bytes nobody sets, the fixed fields, the path, what follows.
fn registry(operation: u16, fields: &[u32], after: &[u8]) -> Record {
    let (info, path) = counted(KEY);
    let fixed: Vec<u8> = match fields {
        [] => info.to_le_bytes().to_vec(),
        fields => [&info.to_le_bytes()[..], &[0xCD, 0xCD], &halves(fields)].concat(),
    };
    Record::new(2, operation, [&fixed[..], &path, after].concat())
}

#[test]
fn registry_keys() {
    let granted = "Desired Access: Maximum Allowed, Granted Access: Read, Disposition: REG_OPENED_EXISTING_KEY";
    check(
        8,
        &[
            (registry(0, &[0x2_0019], &[]).status(0xC000_0034), ["RegOpenKey", KEY, "Read", "Desired Access: Read"]),
            (registry(0, &[0], &[]), ["RegOpenKey", KEY, "Read", ""]),
            (
                registry(0, &[0x200_0000], &[]).extra(halves(&[0, 0])),
                ["RegOpenKey", KEY, "Read", "Desired Access: Maximum Allowed, Granted Access: None 0x0"],
            ),
            (registry(1, &[0x200_0000], &[]).extra(halves(&[0x2_0019, 2])), ["RegCreateKey", KEY, "Read", granted]),
            (
                registry(1, &[0xF_003F], &[]).extra(halves(&[0xF_003F, 1])),
                ["RegCreateKey", KEY, "Write", "Desired Access: All Access, Disposition: REG_CREATED_NEW_KEY"],
            ),
            (registry(2, &[], &[]), ["RegCloseKey", KEY, "", ""]),
            (registry(9, &[], &[]), ["RegDeleteKey", KEY, "Write", ""]),
            (registry(10, &[], &[]), ["RegDeleteValue", KEY, "Write", ""]),
            (registry(11, &[], &[]), ["RegFlushKey", KEY, "", ""]),
            (registry(13, &[], &[]), ["RegUnloadKey", KEY, "", ""]),
            (registry(15, &[], &[]), ["RegQueryMultipleValueKey", KEY, "Read", ""]),
            (registry(16, &[], &[]), ["RegSetKeySecurity", KEY, "Write Metadata", ""]),
            (registry(17, &[], &[]), ["RegQueryKeySecurity", KEY, "Read Metadata", ""]),
        ],
    );
    let with_second = |operation, second: &str, more: &[u8]| {
        let ((info, path), (second_info, second)) = (counted(KEY), counted(second));
        let detail = [&info.to_le_bytes()[..], &second_info.to_le_bytes(), more, &path, &second];
        Record::new(2, operation, detail.concat())
    };
    check(
        4,
        &[
            (with_second(12, r"C:\hive", &[]), ["RegLoadKey", KEY, "", r"Hive Path: C:\hive"]),
            (with_second(14, "neu", &[]), ["RegRenameKey", KEY, "Write", "New Name: neu"]),
            (with_second(19, r"C:\save", &halves(&[8])), ["RegRestoreKey", KEY, "", r"Flags: 0x8, File Name: C:\save"]),
        ],
    );
}

#[test]
fn registry_queries() {
    let name = wide("Sub");
    let length = name.len() as u32;
    let basic = [&halves(&[0, 0, 0, length])[..], &name].concat();
    let node = [&halves(&[0, 0, 0, 0, 0, length])[..], &name].concat();
    let mut full = vec![0; 44];
    full[20..24].copy_from_slice(&1_234u32.to_le_bytes());
    full[32..36].copy_from_slice(&5u32.to_le_bytes());
    let mut cached = vec![0; 40];
    cached[12..16].copy_from_slice(&7u32.to_le_bytes());
    cached[20..24].copy_from_slice(&9u32.to_le_bytes());
    let named = [&halves(&[length])[..], &name].concat();
    let query = |class, extra: &[u8]| registry(3, &[512, class], &[]).extra(extra.to_vec());
    check(
        8,
        &[
            (query(0, &basic), ["RegQueryKey", KEY, "Read", "Query: Basic, Name: Sub"]),
            (query(1, &node), ["RegQueryKey", KEY, "Read", "Query: Node, Name: Sub"]),
            (query(2, &full), ["RegQueryKey", KEY, "Read", "Query: Full, SubKeys: 1,234, Values: 5"]),
            (query(3, &named), ["RegQueryKey", KEY, "Read", "Query: Name"]),
            (query(4, &cached), ["RegQueryKey", KEY, "Read", "Query: Cached, SubKeys: 7, Values: 9"]),
            (query(5, &halves(&[2])), ["RegQueryKey", KEY, "Read", "Query: Flags, UserFlags: 0x2"]),
            (query(6, &halves(&[2])), ["RegQueryKey", KEY, "Read", "Query: Virtualization"]),
            (query(7, &halves(&[0x401])), ["RegQueryKey", KEY, "Read", "Query: HandleTags, HandleTags: 0x401"]),
            (query(8, &halves(&[2])), ["RegQueryKey", KEY, "Read", "Query: Trust"]),
            (query(9, &halves(&[2])), ["RegQueryKey", KEY, "Read", "Query: Layer"]),
            (
                registry(3, &[1_512, 3], &[]).status(0xC000_0023),
                ["RegQueryKey", KEY, "Read", "Query: Name, Length: 1,512"],
            ),
            (registry(7, &[512, 1_000, 0], &[]).extra(basic), ["RegEnumKey", KEY, "Read", "Index: 1,000, Name: Sub"]),
            (registry(7, &[512, 1, 3], &[]).extra(named), ["RegEnumKey", KEY, "Read", "Index: 1, Name: Sub"]),
            (registry(7, &[288, 0, 0], &[]).status(0x8000_001A), ["RegEnumKey", KEY, "Read", "Index: 0, Length: 288"]),
        ],
    );
}

/// Value information of the partial class.
fn partial(kind: u32, data: &[u8]) -> Vec<u8> {
    [&halves(&[0, kind, data.len() as u32])[..], data].concat()
}

#[test]
fn registry_values() {
    let query = |kind, data: &[u8]| registry(5, &[144, 2], &[]).extra(partial(kind, data));
    let sixteen: Vec<u8> = (0..16).collect();
    let mut cut = partial(3, &sixteen);
    cut[8..12].copy_from_slice(&24u32.to_le_bytes());
    let name = wide("Nm");
    let full = |data: &[u8]| [&halves(&[0, 1, 24, data.len() as u32, name.len() as u32])[..], &name, data].concat();
    let list = [wide("a\0"), wide("日志\0"), wide("\0")].concat();
    check(
        8,
        &[
            (query(4, &halves(&[1_234])), ["RegQueryValue", KEY, "Read", "Type: REG_DWORD, Length: 4, Data: 1234"]),
            (query(1, &wide("日志\0")), ["RegQueryValue", KEY, "Read", "Type: REG_SZ, Length: 6, Data: 日志"]),
            (query(2, &wide("%a%\0")), ["RegQueryValue", KEY, "Read", "Type: REG_EXPAND_SZ, Length: 8, Data: %a%"]),
            (query(7, &list), ["RegQueryValue", KEY, "Read", "Type: REG_MULTI_SZ, Length: 12, Data: a, 日志"]),
            (query(11, &words(&[7])), ["RegQueryValue", KEY, "Read", "Type: REG_QWORD, Length: 8, Data: "]),
            (query(0, &[]), ["RegQueryValue", KEY, "Read", "Type: REG_NONE, Length: 0"]),
            (query(1_000, &[1]), ["RegQueryValue", KEY, "Read", "Type: <Unknown: 1000>, Length: 1, Data: "]),
            (
                registry(5, &[144, 2], &[]).extra(cut),
                [
                    "RegQueryValue",
                    KEY,
                    "Read",
                    "Type: REG_BINARY, Length: 24, Data: 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F",
                ],
            ),
            (registry(5, &[1_144, 2], &[]).status(0xC000_0034), ["RegQueryValue", KEY, "Read", "Length: 1,144"]),
            (
                registry(6, &[220, 3, 1], &[]).extra(full(&wide("v\0"))),
                ["RegEnumValue", KEY, "Read", "Index: 3, Name: Nm, Type: REG_SZ, Length: 4, Data: v"],
            ),
            (
                registry(6, &[220, 3, 0], &[]).extra([&halves(&[0, 4, 4])[..], &name].concat()),
                ["RegEnumValue", KEY, "Read", "Index: 3, Type: REG_DWORD"],
            ),
            (registry(6, &[220, 3, 1], &[]), ["RegEnumValue", KEY, "Read", "Index: 3, Length: 220"]),
        ],
    );
    // The copied length is a u16: what stands behind it is not initialised.
    let set = |kind, length, copied: u32, data: &[u8]| registry(4, &[kind, length, copied | 0xCDCD_0000], data);
    check(
        8,
        &[
            (set(4, 4, 4, &halves(&[77])), ["RegSetValue", KEY, "Write", "Type: REG_DWORD, Length: 4, Data: 77"]),
            (
                set(3, 1_024, 4, &[0xDE, 0xAD, 0xBE, 0xEF]),
                ["RegSetValue", KEY, "Write", "Type: REG_BINARY, Length: 1,024, Data: DE AD BE EF"],
            ),
            (set(0, 0, 0, &[]), ["RegSetValue", KEY, "Write", "Type: REG_NONE, Length: 0"]),
            (set(6, 210, 210, &[1; 210]), ["RegSetValue", KEY, "Write", "Type: REG_LINK, Length: 210"]),
            (set(5, 4, 4, &[1; 4]), ["RegSetValue", KEY, "Write", "Type: REG_DWORD_BIG_ENDIAN, Length: 4, Data: "]),
            (set(99, 4, 4, &[1; 4]), ["RegSetValue", KEY, "Write", "Type: <Unknown: 99>, Length: 4"]),
        ],
    );
    let set_info = |class, copied: u32, data: &[u8]| registry(8, &[class, 4, copied | 0xCDCD_0000], data);
    let tags = "KeySetInformationClass: KeySetHandleTagsInformation";
    check(
        8,
        &[
            (set_info(5, 0, &[]), ["RegSetInfoKey", KEY, "Write Metadata", &format!("{tags}, Length: 0")]),
            (
                set_info(5, 4, &halves(&[0x401])),
                ["RegSetInfoKey", KEY, "Write Metadata", &format!("{tags}, Length: 4, HandleTags: 0x401")],
            ),
            (
                set_info(0, 8, &words(&[START])),
                [
                    "RegSetInfoKey",
                    KEY,
                    "Write Metadata",
                    "KeySetInformationClass: KeyWriteTimeInformation, Length: 8, LastWriteTime: 7/31/2020 7:19:37 AM",
                ],
            ),
            (
                set_info(1, 4, &halves(&[1])),
                [
                    "RegSetInfoKey",
                    KEY,
                    "Write Metadata",
                    "KeySetInformationClass: KeyWow64FlagsInformation, Length: 4, Wow64Flags: 0x1",
                ],
            ),
            (
                set_info(9, 0, &[]),
                ["RegSetInfoKey", KEY, "Write Metadata", "KeySetInformationClass: <Unknown: 9>, Length: 0"],
            ),
        ],
    );
    let json = objects(&open(&capture_file(&[query(11, &words(&[7])), query(7, &list)], 8)));
    assert_eq!(json[0]["detail"]["data"], 7);
    assert_eq!(json[1]["detail"]["data"], serde_json::json!(["a", "日志"]));
}

/// The detail of Process Create for the process with number 171.
fn created(sid: &[u8], image: &str, command: &str) -> Vec<u8> {
    let ((image_info, image), (command_info, command)) = (counted(image), counted(command));
    [
        &halves(&[171, 3524, 172, 1084, 1, 1])[..],
        &words(&[START, 0x1_0001_E0AC]),
        &halves(&[0]),
        &[sid.len() as u8, 0],
        &image_info.to_le_bytes(),
        &command_info.to_le_bytes(),
        &[0xCD; 2],
        sid,
        &image,
        &command,
        &[0xCD; 3],
    ]
    .concat()
}

#[test]
fn processes_and_threads() {
    let statistics = |status: u32| {
        [&halves(&[status])[..], &words(&[156_250, 312_500, 7_438_336, 7_442_432, 1_896_448, 1_945_600])].concat()
    };
    let statistics_text = "User Time: 0.0312500 seconds, Kernel Time: 0.0156250 seconds, Private Bytes: 1,896,448, \
                           Peak Private Bytes: 1,945,600, Working Set: 7,438,336, Peak Working Set: 7,442,432";
    let environment = wide("A=1\0日志=2\0\0");
    let ((command_info, command), (directory_info, directory)) = (counted("\"x\" "), counted(r"C:\"));
    let start = [
        &halves(&[1084])[..],
        &command_info.to_le_bytes(),
        &directory_info.to_le_bytes(),
        &halves(&[environment.len() as u32 / 2]),
        &command,
        &directory,
        &environment,
    ]
    .concat();
    for pointer in [4usize, 8] {
        let (info, image) = counted(r"C:\Windows\a.dll");
        let load =
            [&0x7FFE_0000u64.to_le_bytes()[..pointer], &halves(&[0x75000]), &info.to_le_bytes(), &[0xCD; 2], &image]
                .concat();
        check(
            pointer,
            &[
                (
                    Record::new(1, 0, created(&[], r"C:\x.exe", "x ")),
                    ["Process Defined", r"C:\x.exe", "", "PID: 3524, Command line: x "],
                ),
                (
                    Record::new(1, 1, created(&[1, 2, 3], "C:\\日志.exe\0", "x\0y")),
                    ["Process Create", "C:\\日志.exe", "", "PID: 3524, Command line: x"],
                ),
                (
                    Record::new(1, 2, statistics(u32::MAX)),
                    ["Process Exit", "", "", &format!("Exit Status: -1, {statistics_text}")],
                ),
                (
                    Record::new(1, 8, statistics(0)),
                    ["Process Statistics", "", "", &format!("Exit Status: 0, {statistics_text}")],
                ),
                (Record::new(1, 3, halves(&[7764])), ["Thread Create", "", "", "Thread ID: 7764"]),
                (
                    Record::new(1, 4, [&halves(&[0])[..], &words(&[10_000_000, 25])].concat()),
                    ["Thread Exit", "", "", "Thread ID: 3588, User Time: 0.0000025, Kernel Time: 1.0000000"],
                ),
                (
                    Record::new(1, 5, load),
                    ["Load Image", r"C:\Windows\a.dll", "", "Image Base: 0x7ffe0000, Image Size: 0x75000"],
                ),
                (Record::new(1, 6, vec![0xAB, 1]), ["Thread Profile", "", "", "Data: AB 01"]),
                (
                    Record::new(1, 7, start.clone()),
                    [
                        "Process Start",
                        "",
                        "",
                        "Parent PID: 1084, Command line: \"x\" , Current directory: C:\\, Environment: \r;\tA=1\r;\t日志=2",
                    ],
                ),
                (Record::new(1, 7, halves(&[1084])), ["Process Start", "", "", "Parent PID: 1084"]),
                (Record::new(1, 9, vec![1, 2]), ["System Statistics", "", "", "Data: 01 02"]),
                (Record::new(1, 10, vec![1]), ["<Unknown>", "", "", "Data: 01"]),
            ],
        );
    }
}

#[test]
fn network() {
    let detail = |flags: u16, pairs: &str| {
        let mut out = [&flags.to_le_bytes()[..], &[0xCD; 2], &halves(&[1_460])].concat();
        let v4 = |last: u8| [10, 0, 0, last, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let v6 = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 1];
        out.extend_from_slice(&if flags & 1 != 0 { v4(1) } else { v6 });
        out.extend_from_slice(&if flags & 2 != 0 { v4(2) } else { v6 });
        out.extend_from_slice(&[0xD2, 0x04, 0xBB, 0x01]);
        out.extend_from_slice(&wide(pairs));
        out
    };
    let names = [
        "Unknown",
        "Other",
        "Send",
        "Receive",
        "Accept",
        "Connect",
        "Disconnect",
        "Reconnect",
        "Retransmit",
        "TCPCopy",
    ];
    let v4 = "10.0.0.1:1234 -> server:https";
    let v6 = "fe80:0:0:0:200:0:0:1:1234 -> fe80:0:0:0:200:0:0:1:443";
    for (code, name) in (0u16..).zip(names) {
        check(
            8,
            &[
                (
                    Record::new(5, code, detail(7, "seqnum\x000\0connid\x007\0\0junk")),
                    [&format!("TCP {name}"), v4, "", "Length: 1460, seqnum: 0, connid: 7"],
                ),
                (Record::new(5, code, detail(0, "\0")), [&format!("UDP {name}"), v6, "", "Length: 1460"]),
            ],
        );
    }
    let json = &objects(&open(&capture_file(&[Record::new(5, 2, detail(7, "mss\x001460\0\0"))], 8)))[0];
    assert_eq!(json["detail"]["properties"], serde_json::json!({ "mss": "1460" }));
    assert_eq!(json["detail"]["destination_address"], "10.0.0.2");
    assert_eq!(json["class"], "network");
}

#[test]
fn profiling() {
    check(
        8,
        &[
            (
                Record::new(4, 0, halves(&[25, 156_250, 1_234])),
                [
                    "Thread Profiling",
                    "Thread 3588",
                    "",
                    "User Time: 0.0000025, Kernel Time: 0.0156250, Context Switches: 1234",
                ],
            ),
            (
                Record::new(4, 1, words(&[25, 156_250, 8_192, 4_096])),
                [
                    "Process Profiling",
                    "",
                    "",
                    "User Time: 0.0000025 seconds, Kernel Time: 0.0156250 seconds, Private Bytes: 4,096, Working Set: 8,192",
                ],
            ),
            (Record::new(4, 2, vec![1]), ["Debug Output Profiling", "", "", "Data: 01"]),
        ],
    );
}

#[test]
fn results_and_pending_operations() {
    let record = |status: u32| {
        let mut record = Record::new(3, 38, FileDetail::default().bytes(8)).status(status);
        record.duration = 18_446_735_282_421_135_442;
        record
    };
    let records = [record(0x103), record(0xC000_0056), record(0xC000_046F), record(0x368)];
    let columns = [Column::Result, Column::Duration, Column::CompletionTime];
    let capture = open(&capture_file(&records, 8));
    let rows = table(&capture, Style::default(), &columns);
    assert_eq!(rows[0], ["", "", ""], "what the duration field holds while pending is not a duration");
    assert_eq!((rows[1][0].as_str(), rows[2][0].as_str()), ("DELETE PENDING", "0xC000046F"));
    assert_eq!(rows[3][0], "REPARSE GLOBAL");
    let older = table(&capture, Style { generation: Generation::V3_5, ..Style::default() }, &columns);
    assert_eq!(older[3][0], "0x368");
    assert_eq!(objects(&capture)[0].get("duration_us"), None);
}

#[test]
fn a_broken_detail_is_given_as_hex_and_the_export_goes_on() {
    let whole = || Record::new(3, 38, FileDetail::default().bytes(8));
    let mut short_path = whole();
    short_path.detail.truncate(0x46);
    let no_tail = Record::new(3, 20, FileDetail::default().bytes(8));
    let short_extra = Record::new(3, 25, FileDetail { sub: 5, ..FileDetail::default() }.bytes(8)).extra(vec![1, 2, 3]);
    let short_registry = Record::new(2, 0, vec![0x05, 0x80, 0, 0, 1]);
    let short_process = Record::new(1, 1, vec![1, 2, 3]);
    let records = [whole(), short_path, no_tail, short_extra, short_registry, short_process, whole()];
    let mut bytes = capture_file(&records, 8);
    let capture = open(&bytes);
    let columns = [Column::Operation, Column::Path, Column::Detail];
    let request = Request { format: Format::Csv, columns: columns.to_vec(), ..Request::default() };
    let (_, outcome) = export(&capture, Style::default(), &request);
    assert_eq!((outcome.written, outcome.broken, outcome.unreadable, outcome.first_bad), (7, 5, 0, Some(1)));
    let rows = table(&capture, Style::default(), &columns);
    assert_eq!(rows[0], ["CloseFile", r"C:\a.txt", ""]);
    assert!(rows[1][2].starts_with("<Broken detail: 00 CD CD CD") && rows[1][2].ends_with('>'), "{}", rows[1][2]);
    assert!(rows[2][2].starts_with("<Broken detail: "));
    assert!(rows[3][2].starts_with("<Broken detail: 05 CD"));
    assert_eq!(rows[4][2], "<Broken detail: 05 80 00 00 01>");
    assert_eq!(rows[5], ["Process Create", "", "<Broken detail: 01 02 03>"]);
    assert_eq!(rows[6], ["CloseFile", r"C:\a.txt", ""]);
    let json = objects(&capture);
    assert_eq!(json[5]["detail"], serde_json::json!({ "broken": true, "raw": "01 02 03" }));

    // The record of the last event lies outside the file.
    let array = u64::from_le_bytes(bytes[0x248..0x250].try_into().unwrap()) as usize;
    bytes[array + 30..array + 35].copy_from_slice(&[0xFF; 5]);
    let capture = open(&bytes);
    for format in [Format::Csv, Format::Jsonl, Format::Xml, Format::Table] {
        let (text, outcome) = export(&capture, Style::default(), &Request { format, ..Request::default() });
        assert_eq!((outcome.written, outcome.unreadable), (7, 1), "{format:?}");
        assert!(text.contains("event 6 at offset 0xffffffffff"), "{format:?}: {text}");
    }
}

#[test]
fn arbitrary_bytes_never_panic() {
    // A fixed sequence of damage: each byte of each record in turn set to values that lengths like least.
    let records = [
        Record::new(3, 20, FileDetail { tail: vec![0; 8], ..FileDetail::default() }.bytes(8)).extra(vec![1, 0, 0, 0]),
        Record::new(3, 32, FileDetail { sub: 1, tail: vec![0, 0], ..FileDetail::default() }.bytes(8))
            .extra(vec![0; 128]),
        registry(6, &[220, 3, 1], &[]).extra(vec![0; 40]),
        Record::new(1, 1, created(&[1, 2, 3], r"C:\x.exe", "x")),
        Record::new(1, 7, vec![0; 40]),
        Record::new(5, 2, vec![0; 60]),
    ];
    let bytes = capture_file(&records, 8);
    let end = u64::from_le_bytes(bytes[0x248..0x250].try_into().unwrap()) as usize;
    for at in 0x3A8..end {
        for value in [0x01, 0x7F, 0xFF] {
            let mut broken = bytes.clone();
            broken[at] = value;
            let capture = open(&broken);
            let (_, outcome) =
                export(&capture, Style::default(), &Request { format: Format::Jsonl, ..Request::default() });
            assert_eq!(outcome.written, 6);
            export(&capture, Style::default(), &Request { format: Format::Csv, ..Request::default() });
        }
    }
}

#[test]
fn threads_do_not_change_a_byte_and_filters_select() {
    let mut records = Vec::new();
    for n in 0..20_000u32 {
        let path = format!(r"C:\{}\file-{n}.txt", if n % 1_000 == 7 { "InFlight" } else { "other" });
        let mut record = Record::new(3, 38, FileDetail { path, ..FileDetail::default() }.bytes(8));
        record.status = if n % 3 == 0 { 0xC000_0043 } else { 0 };
        records.push(record);
    }
    let capture = open(&capture_file(&records, 8));
    let filter = |rules: &[(&str, bool)]| Filter {
        rules: rules.iter().map(|(text, include)| Rule::parse(text, *include).unwrap()).collect(),
    };
    for format in [Format::Csv, Format::Jsonl, Format::Xml, Format::Table] {
        let request = Request { format, ..Request::default() };
        let render = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| export(&capture, Style::default(), &request))
        };
        assert!(render(1) == render(3), "{format:?}");
    }
    for (rules, expected) in [
        (filter(&[("Path contains inflight", true)]), 20),
        (filter(&[("Path contains inflight", true), ("Result is SHARING VIOLATION", true)]), 6),
        (filter(&[("Process Name is ctfmon.exe", true), ("Path contains InFlight", false)]), 19_980),
        (filter(&[("Process Name is not ctfmon.exe", true)]), 0),
        (
            filter(&[
                ("Event Class is File System", true),
                ("Operation begins with Close", true),
                ("TID is 3588", true),
            ]),
            20_000,
        ),
        (filter(&[("Architecture is 64", true), ("PID less than 3524", true)]), 0),
        (filter(&[("Detail is", true), ("Path ends with -7.txt", true)]), 1),
    ] {
        let request = Request { format: Format::Csv, filter: rules.clone(), ..Request::default() };
        let (text, outcome) = export(&capture, Style::default(), &request);
        assert_eq!(outcome.written, expected, "{rules:?}");
        assert_eq!(text.lines().count() as u64, expected + 1);
    }
    let request = Request { format: Format::Csv, events: Some(vec![3..=5, 19_999..=19_999]), ..Request::default() };
    let (text, _) = export(&capture, Style::default(), &request);
    assert_eq!(
        text.lines().filter_map(|line| line.split("file-").nth(1)?.split('.').next()).collect::<Vec<_>>(),
        ["3", "4", "5", "19999"]
    );
}

#[test]
fn an_export_stops_when_told_to_or_when_the_output_fails() {
    let records = vec![Record::new(3, 38, FileDetail::default().bytes(8)); 10];
    let capture = open(&capture_file(&records, 8));
    let context = Context::new(&capture, Style::default());
    let stopped = context.write(&Request::default(), &mut Vec::new(), &|_| false).unwrap_err();
    assert_eq!(stopped.kind(), std::io::ErrorKind::Interrupted);

    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let full = context.write(&Request::default(), &mut Full, &|_| true).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn one_event_with_everything_known() {
    let mut record = Record::new(3, 38, FileDetail::default().bytes(8));
    record.stack = vec![0xFFFF_F800_0000_1000, 0x7FF6_0000_1000];
    let capture = open(&capture_file(&[record], 8));
    let context = Context::new(&capture, Style::default());
    let event = context.inspect(pmlblame::capture::EventIndex(0)).unwrap().unwrap();
    assert_eq!((event.event, event.offset, event.sequence), (0, 0x3A8, 0));
    let column = |title| event.columns.iter().find(|(name, _)| *name == title).map(|(_, text)| text.as_str());
    assert_eq!(column("Command Line"), Some("\"ctfmon.exe\" "));
    assert_eq!(column("Process Start"), Some("7/31/2020 7:19:37 AM"));
    assert_eq!(column("Authentication ID"), Some("00000000:0001e0ac"));
    assert_eq!(event.frames.iter().map(|frame| frame.kernel).collect::<Vec<_>>(), [true, false]);
    assert!(event.frames.iter().all(|frame| frame.module.is_empty() && frame.offset.is_none()));
    assert!(context.inspect(pmlblame::capture::EventIndex(1)).is_none());
}

#[test]
fn xml_of_a_small_capture() {
    let mut record =
        Record::new(3, 38, FileDetail { path: r"C:\a&b.txt".to_owned(), ..FileDetail::default() }.bytes(8));
    record.stack = vec![0xFFFF_F800_0000_1000];
    let capture = open(&capture_file(&[record.clone(), record], 8));
    let columns = vec![Column::Pid, Column::Path, Column::DateAndTime];
    let request = Request { format: Format::Xml, columns, stacks: true, ..Request::default() };
    let (text, _) = export(&capture, Style::default(), &request);
    let event = "<event>\r\n<ProcessIndex>171</ProcessIndex>\r\n<PID>3524</PID>\r\n<Path>C:\\a&amp;b.txt</Path>\r\n\
                 <Date___Time>7/31/2020 7:19:37 AM</Date___Time>\r\n<stack>\r\n<frame>\r\n<depth>0</depth>\r\n\
                 <address>0xfffff80000001000</address>\r\n</frame>\r\n</stack>\r\n</event>\r\n";
    let expected = format!(
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<procmon><processlist><process>\r\n\
         <ProcessIndex>171</ProcessIndex>\r\n<ProcessId>3524</ProcessId>\r\n<ParentProcessId>1084</ParentProcessId>\r\n\
         <ParentProcessIndex>172</ParentProcessIndex>\r\n<AuthenticationId>00000000:0001e0ac</AuthenticationId>\r\n\
         <CreateTime>{START}</CreateTime>\r\n<FinishTime>0</FinishTime>\r\n<IsVirtualized>0</IsVirtualized>\r\n\
         <Is64bit>1</Is64bit>\r\n<Integrity>High</Integrity>\r\n<Owner>PC\\test</Owner>\r\n\
         <ProcessName>ctfmon.exe</ProcessName>\r\n<ImagePath>C:\\Windows\\ctfmon.exe</ImagePath>\r\n\
         <CommandLine>&quot;ctfmon.exe&quot; </CommandLine>\r\n<CompanyName>Contoso</CompanyName>\r\n\
         <Version>1.0</Version>\r\n<Description>Loader</Description>\r\n<modulelist>\r\n</modulelist>\r\n</process>\r\n\
         </processlist><eventlist>\r\n{event}\r\n{event}</eventlist></procmon>"
    );
    assert_eq!(text, expected);
}
