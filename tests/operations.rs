//! Every operation code on hand-made records: name, path, detail and category.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod records;

use pmlblame::capture::columns::Column;
use pmlblame::export::{Locale, Style};
use pmlblame::pml::ops::Generation;
use records::{FileDetail, Record, START, capture_file, counted, objects, open, table, wide};

const COLUMNS: [Column; 5] = [Column::EventClass, Column::Operation, Column::Path, Column::Category, Column::Detail];

/// The columns of `records` in the wording of `generation`.
fn rows(records: &[Record], pointer: usize, generation: Generation) -> Vec<Vec<String>> {
    table(&open(&capture_file(records, pointer)), Style { generation, ..Style::default() }, &COLUMNS)
}

/// Checks records one by one: operation, path, category, detail.
fn check(pointer: usize, generation: Generation, cases: &[(Record, [&str; 4])]) {
    let records: Vec<Record> = cases.iter().map(|(record, _)| record.clone()).collect();
    let rows = rows(&records, pointer, generation);
    assert_eq!(rows.len(), cases.len());
    for (row, (record, expected)) in rows.iter().zip(cases) {
        assert_eq!(row[1..], *expected, "class {} operation {}", record.class, record.operation);
    }
}

fn file(operation: u16, sub: u8, pointer: usize) -> Record {
    file_with(operation, pointer, FileDetail { sub, ..FileDetail::default() })
}

fn file_with(operation: u16, pointer: usize, detail: FileDetail) -> Record {
    Record::new(3, operation, detail.bytes(pointer))
}

fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn halves(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A time whose text in en-US and UTC is `7/31/2020 7:19:37 AM`.
const DATE: &str = "7/31/2020 7:19:37 AM";

#[test]
fn operations_without_detail_have_their_names() {
    let names = [
        (0, "VolumeDismount"),
        (1, "VolumeMount"),
        (8, "IRP_MJ_12"),
        (9, "IRP_MJ_11"),
        (10, "IRP_MJ_10"),
        (11, "IRP_MJ_9"),
        (12, "IRP_MJ_8"),
        (13, "FASTIO_NOTIFY_STREAM_FO_CREATION"),
        (14, "FASTIO_RELEASE_FOR_CC_FLUSH"),
        (15, "FASTIO_ACQUIRE_FOR_CC_FLUSH"),
        (16, "FASTIO_RELEASE_FOR_MOD_WRITE"),
        (18, "FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION"),
        (22, "IRP_MJ_CLOSE"),
        (29, "FlushBuffersFile"),
        (36, "Shutdown"),
        (38, "CloseFile"),
        (42, "Power"),
        (43, "SystemControl"),
        (44, "DeviceChange"),
        (45, "QueryFileQuota"),
        (46, "SetFileQuota"),
        (31, "SetVolumeInformation"),
        (32, "DirectoryControl"),
        (37, "LockUnlockFile"),
        (30, "QueryVolumeInformation"),
        (6, "QueryOpen"),
        (48, "<Unknown>"),
    ];
    for pointer in [4, 8] {
        let cases: Vec<_> =
            names.iter().map(|(code, name)| (file(*code, 0, pointer), [*name, r"C:\a.txt", "", ""])).collect();
        check(pointer, Generation::V4, &cases);
    }
    check(
        8,
        Generation::V4,
        &[
            (file(27, 0, 8), ["QueryEAFile", r"C:\a.txt", "Read Metadata", ""]),
            (file(28, 4, 8), ["SetEAFile", r"C:\a.txt", "Write Metadata", ""]),
            (file(25, 0, 8), ["QueryInformationFile", r"C:\a.txt", "Read Metadata", ""]),
            (file(26, 0, 8), ["SetInformationFile", r"C:\a.txt", "Write Metadata", ""]),
            (file(47, 2, 8), ["RemoveDevice", r"C:\a.txt", "", ""]),
            (file(47, 0, 8), ["StartDevice", r"C:\a.txt", "", ""]),
            (file(31, 2, 8), ["SetLabelInformationVolume", r"C:\a.txt", "", ""]),
        ],
    );
}

#[test]
fn create_file() {
    let system_sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let user_sid = [1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xE9, 3, 0, 0];
    let create = |disposition: u64, share: u64, sid: &[u8]| FileDetail {
        arguments: [0xFFFF_8000_0000_0000, disposition << 24 | 0x60, share << 16 | 0x80, 0, 0, ALLOCATION],
        tail: [&halves(&[0x8010_0080])[..], &[sid.len() as u8, 0xCD, 0xCD, 0xCD], sid].concat(),
        path: "C:\\日志\\a.txt".to_owned(),
        ..FileDetail::default()
    };
    /// 32-bit Procmon shows the high half alone.
    const ALLOCATION: u64 = 7 << 32 | 39_012;
    let options = "Options: Synchronous IO Non-Alert, Non-Directory File";
    let opened = format!(
        "Desired Access: Generic Read, Disposition: Open, {options}, Attributes: N, ShareMode: Read, Delete, \
         AllocationSize: n/a, Impersonating: NT AUTHORITY\\SYSTEM, OpenResult: Opened"
    );
    let impersonating = |pointer| file_with(20, pointer, create(1, 5, &system_sid)).extra(vec![1, 0, 0, 0]);
    check(8, Generation::V3_6, &[(impersonating(8), ["CreateFile", "C:\\日志\\a.txt", "", &opened])]);
    for (pointer, allocation) in [(4, "7"), (8, "30,064,810,084")] {
        let created = format!(
            "Desired Access: Generic Read, Disposition: OverwriteIf, {options}, Attributes: N, ShareMode: None, \
             AllocationSize: {allocation}, Impersonating: S-1-5-21-1001"
        );
        let superseded = format!(
            "Desired Access: Generic Read, Disposition: Create, {options}, Attributes: N, ShareMode: None, \
             AllocationSize: {allocation}, OpenResult: <unknown>"
        );
        check(
            pointer,
            Generation::V4,
            &[
                (impersonating(pointer), ["CreateFile", "C:\\日志\\a.txt", "", &opened]),
                (
                    file_with(20, pointer, create(5, 0, &user_sid)).status(0xC000_0043),
                    ["CreateFile", "C:\\日志\\a.txt", "Write", &created],
                ),
                (
                    file_with(20, pointer, create(2, 0, &[])).status(0x104).extra(vec![3, 0, 0, 0xA0]),
                    ["CreateFile", "C:\\日志\\a.txt", "Write", &superseded],
                ),
            ],
        );
    }
    let json = &objects(&open(&capture_file(
        &[file_with(20, 8, create(2, 3, &system_sid)).status(0x104).extra(vec![3, 0, 0, 0xA0])],
        8,
    )))[0];
    assert_eq!(json["detail"]["desired_access"], serde_json::json!(["READ_ATTRIBUTES", "SYNCHRONIZE", "GENERIC_READ"]));
    assert_eq!(json["detail"]["share"], serde_json::json!(["READ", "WRITE"]));
    assert_eq!(json["detail"]["allocation_size"], ALLOCATION);
    assert_eq!(json["detail"]["impersonating_sid"], "S-1-5-18");
    assert_eq!(json["detail"]["reparse_tag"], "0xa0000003");
    assert_eq!((&json["result"], &json["status"]), (&"REPARSE".into(), &"0x00000104".into()));
}

#[test]
fn reads_writes_and_their_fast_forms() {
    for pointer in [4, 8] {
        let offset_slots = |offset: u64| {
            let mut arguments = [4_096, 0, offset, 0, 0, 0];
            if pointer == 4 {
                arguments[3] = offset >> 32;
            }
            arguments
        };
        let io = |io_flags| FileDetail { io_flags, arguments: offset_slots(5_000_000_000), ..FileDetail::default() };
        let detail = "Offset: 5,000,000,000, Length: 4,096";
        let moved = "Offset: 5,000,000,000, Length: 12, I/O Flags: Non-cached, Paging I/O, Synchronous Paging I/O, Priority: Normal";
        let through = "Offset: 5,000,000,000, Length: 4,096, I/O Flags: Write Through, Priority: 0x6";
        check(
            pointer,
            Generation::V4,
            &[
                (
                    file_with(23, pointer, io(0x43 | 3 << 17)).extra(vec![12, 0, 0, 0]),
                    ["ReadFile", r"C:\a.txt", "Read", moved],
                ),
                (file_with(24, pointer, io(0x40_0000 | 6 << 17)), ["WriteFile", r"C:\a.txt", "Write", through]),
                (file_with(3, pointer, io(0)), ["WriteFile", r"C:\a.txt", "Write", detail]),
                (file_with(5, pointer, io(0)), ["ReadFile", r"C:\a.txt", "Read", detail]),
            ],
        );
    }
    let check_if_possible = FileDetail { arguments: [4_096, 512, 0, 1, 0, 0], ..FileDetail::default() };
    check(
        8,
        Generation::V4,
        &[
            (
                file_with(2, 8, FileDetail { arguments: [0xABC, 0, 0, 0, 0, 0], ..FileDetail::default() }),
                ["FASTIO_MDL_WRITE_COMPLETE", r"C:\a.txt", "", "MDL: 0xabc"],
            ),
            (file(4, 0, 8), ["FASTIO_MDL_READ_COMPLETE", r"C:\a.txt", "", "MDL: 0x0"]),
            (
                file_with(7, 8, check_if_possible),
                ["FASTIO_CHECK_IF_POSSIBLE", r"C:\a.txt", "", "Operation: Read, Offset: 4,096, Length: 512"],
            ),
            (
                file_with(17, 8, FileDetail { tail: words(&[65_536]), ..FileDetail::default() }),
                ["FASTIO_ACQUIRE_FOR_MOD_WRITE", r"C:\a.txt", "", "EndingOffset: 65,536"],
            ),
        ],
    );
}

#[test]
fn sections_show_what_procmon_shows() {
    // On 64-bit captures Procmon takes the protection from the low half of a pointer.
    let mut detail = FileDetail { arguments: [1 | 0x20 << 32, 0x204, 0, 0, 0, 0], ..FileDetail::default() };
    check(
        8,
        Generation::V3_5,
        &[(
            file_with(19, 8, detail.clone()),
            [
                "CreateFileMapping",
                r"C:\a.txt",
                "",
                "SyncType: SyncTypeCreateSection, PageProtection: PAGE_READWRITE|PAGE_NOCACHE",
            ],
        )],
    );
    let json = &objects(&open(&capture_file(&[file_with(19, 8, detail.clone())], 8)))[0];
    assert_eq!(json["detail"]["page_protection"], serde_json::json!(["PAGE_EXECUTE_READ"]));
    detail.arguments = [1, 0x20, 0x204, 0, 0, 0];
    let nothing = FileDetail { arguments: [1, 0x1, 0, 0, 0, 0], ..FileDetail::default() };
    let odd = FileDetail { arguments: [7, 0, 0, 0, 0, 0], ..FileDetail::default() };
    check(
        4,
        Generation::V3_4,
        &[
            (
                file_with(19, 4, detail),
                [
                    "CreateFileMapping",
                    r"C:\a.txt",
                    "",
                    "SyncType: SyncTypeCreateSection, PageProtection: PAGE_EXECUTE_READ",
                ],
            ),
            (
                file_with(19, 4, nothing),
                ["CreateFileMapping", r"C:\a.txt", "", "SyncType: SyncTypeCreateSection, PageProtection: "],
            ),
            (file_with(19, 4, odd), ["CreateFileMapping", r"C:\a.txt", "", "SyncType: Unknown: 0x7"]),
            (file(19, 0, 4), ["CreateFileMapping", r"C:\a.txt", "", "SyncType: SyncTypeOther"]),
        ],
    );
}

#[test]
fn locks_controls_and_security() {
    let lock = |sub| FileDetail {
        sub,
        arguments: [0, 0, 100_000, 0, 0x0100, 0],
        tail: words(&[u64::MAX]),
        ..FileDetail::default()
    };
    // Fail-immediately and exclusive are single bytes behind the process pointer: here in A5 (64-bit).
    check(
        8,
        Generation::V4,
        &[
            (
                file_with(37, 8, lock(1)),
                [
                    "LockFile",
                    r"C:\a.txt",
                    "",
                    "Exclusive: True, Offset: 100,000, Length: 4,294,967,295, Fail Immediately: False",
                ],
            ),
            (
                file_with(37, 8, lock(2)),
                ["UnlockFileSingle", r"C:\a.txt", "", "Offset: 100,000, Length: 4,294,967,295"],
            ),
            (file_with(37, 8, lock(3)), ["UnlockFileAll", r"C:\a.txt", "", "Offset: 100,000, Length: 4,294,967,295"]),
            (file_with(37, 8, lock(4)), ["UnlockFileByKey", r"C:\a.txt", "", "Offset: 100,000, Length: 4,294,967,295"]),
        ],
    );
    let control = |code: u64, tail: Vec<u8>| FileDetail {
        arguments: [1_024, 2_048, code, 0, 0, 0],
        tail,
        ..FileDetail::default()
    };
    let offload = [&[0; 16][..], &words(&[65_536, 1_048_576])].concat();
    check(
        8,
        Generation::V4,
        &[
            (
                file_with(33, 8, control(0x900A8, Vec::new())),
                ["FileSystemControl", r"C:\a.txt", "Read", "Control: FSCTL_GET_REPARSE_POINT"],
            ),
            (
                file_with(33, 8, control(0x94264, offload)),
                [
                    "FileSystemControl",
                    r"C:\a.txt",
                    "Read",
                    "Control: FSCTL_OFFLOAD_READ, Offset: 65,536, Length: 1,048,576",
                ],
            ),
            (
                file_with(33, 8, control(0x119FF8, Vec::new())),
                ["FileSystemControl", r"C:\a.txt", "", "Control: FSCTL_PIPE_INTERNAL_WRITE, Length: 2,048"],
            ),
            (
                file_with(33, 8, control(0x116000, Vec::new())),
                ["FileSystemControl", r"C:\a.txt", "", "Control: FSCTL_PIPE_INTERNAL_READ, Length: 1,024"],
            ),
            (
                file_with(33, 8, control(0x11C017, Vec::new())),
                [
                    "FileSystemControl",
                    r"C:\a.txt",
                    "Write",
                    "Control: FSCTL_PIPE_TRANSCEIVE, WriteLength: 2,048, ReadLength: 1,024",
                ],
            ),
            (
                file_with(34, 8, control(0x22_0005, Vec::new())),
                ["DeviceIoControl", r"C:\a.txt", "", "Control: 0x220005 (Device:0x22 Function:1 Method: 1)"],
            ),
            (
                file_with(35, 8, control(0x2D_1400, Vec::new())),
                ["InternalDeviceIoControl", r"C:\a.txt", "", "Control: IOCTL_STORAGE_QUERY_PROPERTY"],
            ),
        ],
    );
    let security = || FileDetail { arguments: [0x107, 0, 0, 0, 0, 0], ..FileDetail::default() };
    for (generation, name) in [(Generation::V3_5, "0x100"), (Generation::V4, "Access Filter")] {
        let information = format!("Information: Owner, Group, DACL, {name}");
        check(
            8,
            generation,
            &[
                (file_with(40, 8, security()), ["QuerySecurityFile", r"C:\a.txt", "Read Metadata", &information]),
                (file_with(41, 8, security()), ["SetSecurityFile", r"C:\a.txt", "Write Metadata", &information]),
            ],
        );
    }
    let raw = "Minor ID: 0x0, IRP Flags: 0x0, Flags: 0x1, Arg1: 0x7, Arg2: 0xffff0080, Arg3: 0x0, Arg4: 0x0";
    for (code, name) in [(21, "CreatePipe"), (39, "CreateMailSlot")] {
        let detail = FileDetail { arguments: [7, 0x1_FFFF_0080, 0, 0, 9, 0], ..FileDetail::default() };
        check(8, Generation::V4, &[(file_with(code, 8, detail), [name, r"C:\a.txt", "", raw])]);
    }
}

/// Directory entries of class 37 with these names.
fn entries(names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let name = wide(name);
        let size = 0x68 + name.len();
        let mut entry = vec![0; size];
        if at + 1 < names.len() {
            entry[..4].copy_from_slice(&(size as u32).to_le_bytes());
        }
        entry[0x3C..0x40].copy_from_slice(&(name.len() as u32).to_le_bytes());
        entry[0x68..].copy_from_slice(&name);
        out.extend_from_slice(&entry);
    }
    out
}

#[test]
fn directories_by_generation() {
    let query = |pattern: &str, path: &str| FileDetail {
        sub: 1,
        arguments: [4_096, 0, 37, 0, 0, 0],
        path: path.to_owned(),
        tail: [&(pattern.len() as u16).to_le_bytes()[..], &wide(pattern)].concat(),
        ..FileDetail::default()
    };
    let record =
        |pattern: &str, path: &str, names: &[&str]| file_with(32, 8, query(pattern, path)).extra(entries(names));
    let class = "FileInformationClass: FileIdBothDirectoryInformation";
    for (generation, all, filtered, one) in [
        (Generation::V3_4, "0: ., 1: .., 2: a, 3: b".to_owned(), "Filter: *.t, 1: x".to_owned(), "0: .".to_owned()),
        (
            Generation::V3_5,
            format!("0: ., 1: .., {class}, 3: b"),
            format!("Filter: *.t, 1: x, {class}"),
            "0: .".to_owned(),
        ),
        (
            Generation::V3_6,
            format!("{class}, 1: ., 2: .., 3: a, 4: b"),
            format!("{class}, Filter: *.t, 2: x"),
            format!("{class}, 1: ."),
        ),
    ] {
        check(
            8,
            generation,
            &[
                (record("", r"C:\d", &[".", "..", "a", "b"]), ["QueryDirectory", r"C:\d", "Read Metadata", &all]),
                (record("*.t", r"C:\d", &["x"]), ["QueryDirectory", r"C:\d\*.t", "Read Metadata", &filtered]),
                (record("*.t", r"C:\", &["x"]), ["QueryDirectory", r"C:\*.t", "Read Metadata", &filtered]),
                (record("", r"C:\d", &["."]), ["QueryDirectory", r"C:\d", "Read Metadata", &one]),
            ],
        );
    }
    let failed = file_with(32, 8, query("*.t", r"C:\d")).status(0x8000_0006);
    check(8, Generation::V3_5, &[(failed, ["QueryDirectory", r"C:\d\*.t", "Read Metadata", "Filter: *.t"])]);
    let many: Vec<String> = (0..2_000).map(|n| format!("name-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = [record("", r"C:\d", &many[..500]), record("*", r"C:\d", &many[..500])];
    let rows = |generation| rows(&long, 8, generation);
    assert_eq!(rows(Generation::V3_6)[0][4].len(), 4_095, "the Detail column ends there");
    assert_eq!(rows(Generation::V4)[1][4], rows(Generation::V3_6)[1][4], "nothing is left out");
    let notify = FileDetail { sub: 2, arguments: [0, 0x1 | 0x10 | 0x800, 0, 0, 0, 0], ..FileDetail::default() };
    check(
        8,
        Generation::V4,
        &[(
            file_with(32, 8, notify).status(0x103),
            [
                "NotifyChangeDirectory",
                r"C:\a.txt",
                "Read Metadata",
                "Filter: FILE_NOTIFY_CHANGE_FILE_NAME, FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_NOTIFY_CHANGE_STREAM_WRITE",
            ],
        )],
    );
}

#[test]
fn file_information_queries() {
    let times = words(&[START; 4]);
    let dates = format!("CreationTime: {DATE}, LastAccessTime: {DATE}, LastWriteTime: {DATE}, ChangeTime: {DATE}");
    let basic = [&times[..], &halves(&[0x20])].concat();
    let standard = [&words(&[8_192, 4_534])[..], &halves(&[1]), &[1, 0]].concat();
    let all = [
        &times[..],
        &halves(&[0x10, 0]),
        &words(&[8_192, 4_534]),
        &halves(&[2]),
        &[0, 1, 0, 0],
        &words(&[0x1_0000_0000_002A]),
        &halves(&[0, 0x12_0089]),
        &words(&[7]),
        &halves(&[0x20, 3]),
    ]
    .concat();
    let name = [&halves(&[8])[..], &wide("\\a.tstale")].concat();
    let network = [&times[..], &words(&[START, 0]), &halves(&[0x20])].concat();
    let all_text = format!(
        "{dates}, FileAttributes: D, AllocationSize: 8,192, EndOfFile: 4,534, NumberOfLinks: 2, DeletePending: False, \
         Directory: True, IndexNumber: 0x100000000002a, EaSize: 0, Access: Generic Read, Position: 7, \
         Mode: Synchronous IO Non-Alert, AlignmentRequirement: Long"
    );
    let basic_text = format!("{dates}, FileAttributes: A");
    let network_text = format!("{dates}, AllocationSize: {DATE}, EndOfFile: 1/1/1601 12:00:00 AM, FileAttributes: A");
    let open_text = format!("{dates}, AllocationSize: 132,406,535,770,147,934, EndOfFile: 0, FileAttributes: A");
    let streams = [&halves(&[0, 14])[..], &words(&[5, 8]), &wide("::$DATA")].concat();
    let with_length =
        |sub, length| file_with(25, 8, FileDetail { sub, arguments: [length, 0, 0, 0, 0, 0], ..FileDetail::default() });
    let query = |sub: u8, extra: &[u8]| with_length(sub, 4_096).extra(extra.to_vec());
    let whole = ["QueryAllInformationFile", r"C:\a.txt", "Read Metadata", &all_text];
    check(8, Generation::V3_6, &[(query(0x12, &all), whole)]);
    check(
        8,
        Generation::V4,
        &[
            (query(4, &basic), ["QueryBasicInformationFile", r"C:\a.txt", "Read Metadata", &basic_text]),
            (
                query(5, &standard),
                [
                    "QueryStandardInformationFile",
                    r"C:\a.txt",
                    "Read Metadata",
                    "AllocationSize: 8,192, EndOfFile: 4,534, NumberOfLinks: 1, DeletePending: True, Directory: False",
                ],
            ),
            (
                query(6, &words(&[0x2A])),
                ["QueryFileInternalInformationFile", r"C:\a.txt", "Read Metadata", "IndexNumber: 0x2a"],
            ),
            (query(7, &halves(&[1_234])), ["QueryEaInformationFile", r"C:\a.txt", "Read Metadata", "EaSize: 1,234"]),
            (query(9, &name), ["QueryNameInformationFile", r"C:\a.txt", "Read Metadata", "Name: \\a.t"]),
            (query(0x12, &all), ["QueryAllInformationFile", r"C:\a.txt", "Read Metadata", &all_text]),
            (query(0x16, &streams), ["QueryStreamInformationFile", r"C:\a.txt", "Read Metadata", "0: ::$DATA"]),
            (query(0x22, &network), ["QueryNetworkOpenInformationFile", r"C:\a.txt", "Read Metadata", &network_text]),
            (
                query(0x23, &halves(&[0x400, 0xA000_000C])),
                ["QueryAttributeTagFile", r"C:\a.txt", "Read Metadata", "Attributes: RP, ReparseTag: 0xa000000c"],
            ),
            (query(0x30, &name), ["QueryNormalizedNameInformationFile", r"C:\a.txt", "Read Metadata", ""]),
            (query(0x44, &[0; 72]), ["QueryStatInformation", r"C:\a.txt", "Read Metadata", ""]),
            (query(0x47, &[0; 4]), ["QueryCaseSensitiveInformation", r"C:\a.txt", "Read Metadata", ""]),
            (query(0x02, &[0; 4]), ["<Unknown>", r"C:\a.txt", "Read Metadata", ""]),
            (with_length(4, 40).status(0xC000_0022), ["QueryBasicInformationFile", r"C:\a.txt", "Read Metadata", ""]),
            (file(6, 0, 8).extra(network.clone()), ["QueryOpen", r"C:\a.txt", "", &open_text]),
        ],
    );
    let rows = rows(&[query(0x16, &streams), query(0x47, &[0; 4])], 8, Generation::V3_5);
    assert_eq!((rows[0][4].as_str(), rows[1][1].as_str()), ("", "<Unknown>"));
}

#[test]
fn file_information_is_set() {
    let set = |sub: u8, pointer: usize, tail: Vec<u8>| {
        let length = tail.len() as u64;
        file_with(
            26,
            pointer,
            FileDetail { sub, arguments: [length, 0, 0, 0x1DAC, 0, 0], tail, ..FileDetail::default() },
        )
    };
    let basic = [&words(&[0, START, START, START])[..], &halves(&[0x80])].concat();
    let basic_text = format!(
        "CreationTime: 1/1/1601 12:00:00 AM, LastAccessTime: {DATE}, LastWriteTime: {DATE}, ChangeTime: {DATE}, \
         FileAttributes: N"
    );
    // The caller's buffer, and behind it the destination as the driver resolved it.
    let renamed = |first: u32, pointer: usize, appended: Option<&str>| {
        let given = wide(r"\??\C:\b.txt");
        let mut buffer = first.to_le_bytes().to_vec();
        buffer.resize(2 * pointer, 0);
        buffer.extend_from_slice(&(given.len() as u32).to_le_bytes());
        buffer.extend_from_slice(&given);
        let length = buffer.len() as u64;
        if let Some(text) = appended {
            let (info, text) = counted(text);
            buffer.extend_from_slice(&info.to_le_bytes());
            buffer.extend_from_slice(&text);
        }
        (length, buffer)
    };
    let rename = |sub: u8, pointer: usize, first: u32, appended: Option<&str>| {
        let (length, tail) = renamed(first, pointer, appended);
        file_with(26, pointer, FileDetail { sub, arguments: [length, 0, 0, 0, 0, 0], tail, ..FileDetail::default() })
    };
    for pointer in [4, 8] {
        check(
            pointer,
            Generation::V4,
            &[
                (
                    set(4, pointer, basic.clone()),
                    ["SetBasicInformationFile", r"C:\a.txt", "Write Metadata", &basic_text],
                ),
                (
                    rename(0xA, pointer, 1, Some("C:\\日志.txt")),
                    ["SetRenameInformationFile", r"C:\a.txt", "Write", "ReplaceIfExists: True, FileName: C:\\日志.txt"],
                ),
                (
                    rename(0xB, pointer, 0, None),
                    ["SetLinkInformationFile", r"C:\a.txt", "Write", r"ReplaceIfExists: False, FileName: \??\C:\b.txt"],
                ),
                (
                    rename(0x41, pointer, 3, Some(r"C:\b.txt")),
                    [
                        "SetRenameInformationEx",
                        r"C:\a.txt",
                        "Write",
                        r"Flags: FILE_RENAME_REPLACE_IF_EXISTS, FILE_RENAME_POSIX_SEMANTICS, FileName: C:\b.txt",
                    ],
                ),
                (
                    rename(0x42, pointer, 0, Some(r"C:\b.txt")),
                    [
                        "SetRenameInformationExBypassAccessCheck",
                        r"C:\a.txt",
                        "Write",
                        r"Flags: 0x0, FileName: C:\b.txt",
                    ],
                ),
                (rename(0x48, pointer, 0x31, None), ["<Unknown>", r"C:\a.txt", "Write Metadata", ""]),
                (set(0xD, pointer, vec![1]), ["SetDispositionInformationFile", r"C:\a.txt", "Write", "Delete: True"]),
                (
                    set(0xD, pointer, vec![0]),
                    ["SetDispositionInformationFile", r"C:\a.txt", "Write Metadata", "Delete: False"],
                ),
                (
                    set(0x40, pointer, halves(&[3])),
                    [
                        "SetDispositionInformationEx",
                        r"C:\a.txt",
                        "Write",
                        "Flags: FILE_DISPOSITION_DELETE, FILE_DISPOSITION_POSIX_SEMANTICS",
                    ],
                ),
                (
                    set(0x13, pointer, words(&[65_536])),
                    ["SetAllocationInformationFile", r"C:\a.txt", "Write Metadata", "AllocationSize: 65,536"],
                ),
                (
                    set(0x14, pointer, words(&[1_234])),
                    ["SetEndOfFileInformationFile", r"C:\a.txt", "Write Metadata", "EndOfFile: 1,234"],
                ),
                (set(0xE, pointer, words(&[9])), ["SetPositionInformationFile", r"C:\a.txt", "Write Metadata", ""]),
            ],
        );
    }
    let json = &objects(&open(&capture_file(&[rename(0x48, 8, 0x31, None), set(0x40, 8, halves(&[0x13]))], 8)));
    assert_eq!(json[0]["detail"]["given_name"], r"\??\C:\b.txt");
    assert_eq!(json[0]["operation_code"], 26);
    assert_eq!(json[0]["sub_operation"], 0x48);
    assert_eq!(json[1]["detail"]["handle"], "0x1dac");
    assert_eq!(json[1]["detail"]["flags"].as_array().unwrap().len(), 3);
}

#[test]
fn volume_queries() {
    let query = |sub: u8, extra: Vec<u8>| file(30, sub, 8).extra(extra);
    let volume = [&words(&[START])[..], &halves(&[0x1A2B_003C, 6]), &[1, 0], &wide("SYS")].concat();
    let attribute = [&halves(&[0x3C0_0600 | 0x3, 255, 8])[..], &wide("NTFS")].concat();
    let volume_text =
        format!("VolumeCreationTime: {DATE}, VolumeSerialNumber: 1A2B-003C, SupportsObjects: True, VolumeLabel: SYS");
    check(
        8,
        Generation::V4,
        &[
            (query(1, volume), ["QueryInformationVolume", r"C:\a.txt", "", &volume_text]),
            (
                query(3, [&words(&[10_000, 2_000])[..], &halves(&[8, 512])].concat()),
                [
                    "QuerySizeInformationVolume",
                    r"C:\a.txt",
                    "",
                    "TotalAllocationUnits: 10,000, AvailableAllocationUnits: 2,000, SectorsPerAllocationUnit: 8, \
                     BytesPerSector: 512",
                ],
            ),
            (
                query(4, halves(&[7, 0x2_0020])),
                [
                    "QueryDeviceInformationVolume",
                    r"C:\a.txt",
                    "",
                    "DeviceType: Disk, Characteristics: Mounted, 0x20000",
                ],
            ),
            (
                query(4, halves(&[0x2E, 0xFF])),
                [
                    "QueryDeviceInformationVolume",
                    r"C:\a.txt",
                    "",
                    "DeviceType: 0x2e, Characteristics: Removable, Read-Only, Floppy, Write-Once, Remote, Mounted, \
                     Virtual, Secure Open",
                ],
            ),
            (
                query(5, attribute),
                [
                    "QueryAttributeInformationVolume",
                    r"C:\a.txt",
                    "",
                    "FileSystemAttributes: Case Preserved, Case Sensitive, 0x3c00600, MaximumComponentNameLength: 255, \
                     FileSystemName: NTFS",
                ],
            ),
            (
                query(7, [&words(&[10_000, 2_000, 3_000])[..], &halves(&[8, 512])].concat()),
                [
                    "QueryFullSizeInformationVolume",
                    r"C:\a.txt",
                    "",
                    "TotalAllocationUnits: 10,000, CallerAvailableAllocationUnits: 2,000, \
                     ActualAvailableAllocationUnits: 3,000, SectorsPerAllocationUnit: 8, BytesPerSector: 512",
                ],
            ),
            (
                query(8, (0xA0..0xB0).collect()),
                ["QueryObjectIdInformationVolume", r"C:\a.txt", "", "ObjectId: A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"],
            ),
            (query(2, vec![0; 8]), ["QueryLabelInformationVolume", r"C:\a.txt", "", ""]),
            (query(6, vec![0; 8]), ["QueryControlInformationVolume", r"C:\a.txt", "", ""]),
            (query(0xB, vec![0; 8]), ["<Unknown>", r"C:\a.txt", "", ""]),
        ],
    );
}

#[test]
fn ipc_events_read_like_file_events() {
    let mut record = file(20, 0, 8);
    record.class = 6;
    record.detail =
        FileDetail { arguments: [0, 1 << 24, 0, 0, 0, 0], tail: vec![0; 8], ..FileDetail::default() }.bytes(8);
    let rows = rows(&[record], 8, Generation::V4);
    assert_eq!(rows[0][..3], ["IPC", "CreateFile", r"C:\a.txt"]);
    assert!(rows[0][4].starts_with("Desired Access: None 0x0, Disposition: Open"), "{}", rows[0][4]);
}

#[test]
fn spanish_numbers_and_times() {
    let style = Style { locale: Locale::find("es-ES").unwrap(), offset_seconds: 7_200, ..Style::default() };
    let record = file_with(26, 8, FileDetail { sub: 0x14, tail: words(&[1_904_640]), ..FileDetail::default() });
    let columns = [Column::TimeOfDay, Column::DateAndTime, Column::Duration, Column::Detail];
    let rows = table(&open(&capture_file(&[record], 8)), style, &columns);
    assert_eq!(rows[0], ["9:19:37,0147934", "31/07/2020 9:19:37", "0.0000012", "EndOfFile: 1.904.640"]);
}

#[test]
fn advanced_output_names_the_request_and_begins_with_its_kind() {
    let rows = |records: &[Record], generation| {
        table(
            &open(&capture_file(records, 8)),
            Style { generation, advanced: true, ..Style::default() },
            &[Column::Operation, Column::Detail],
        )
    };
    let fast = |operation, detail: FileDetail| file_with(operation, 8, FileDetail { callback: 2, ..detail });
    let query = |pattern: &str| FileDetail {
        sub: 1,
        arguments: [4_096, 0, 3, 0, 0, 0],
        tail: [&(pattern.len() as u16).to_le_bytes()[..], &wide(pattern)].concat(),
        ..FileDetail::default()
    };
    let directory = |pattern, names: &[&str]| {
        let mut extra = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let next = if at + 1 < names.len() { 0x5E + 2 * name.len() } else { 0 };
            extra.extend_from_slice(&(next as u32).to_le_bytes());
            extra.resize(extra.len() + 0x38, 0);
            extra.extend_from_slice(&(2 * name.len() as u32).to_le_bytes());
            extra.resize(extra.len() + 0x1E, 0);
            extra.extend_from_slice(&wide(name));
        }
        file_with(32, 8, query(pattern)).extra(extra)
    };
    let standard = [&words(&[45_056, 41_000])[..], &halves(&[1]), &[0, 0]].concat();
    let records = [
        directory("scripts", &["scripts"]),
        directory("", &[".", ".."]),
        file_with(32, 8, query("")).status(0x8000_0006),
        fast(25, FileDetail { sub: 5, ..FileDetail::default() }).extra(standard),
        file_with(26, 8, FileDetail { sub: 0x0D, tail: vec![1], ..FileDetail::default() }),
        file(38, 0, 8),
        file(26, 0, 8),
        file(47, 0, 8),
    ];
    let class = "FileInformationClass: FileBothDirectoryInformation";
    let directories =
        |generation| rows(&records[..3], generation).into_iter().map(|row| row[1].clone()).collect::<Vec<_>>();
    for generation in [Generation::V3_6, Generation::V4] {
        assert_eq!(
            directories(generation),
            [
                format!("Type: QueryDirectory, {class}, Filter: scripts, 3: scripts"),
                format!("Type: QueryDirectory, {class}, 2: ., 3: .."),
                format!("Type: QueryDirectory, {class}"),
            ]
        );
    }
    assert_eq!(
        directories(Generation::V3_4),
        [
            "Type: QueryDirectory, Filter: scripts, 2: scripts",
            "Type: QueryDirectory, 1: ., 2: ..",
            "Type: QueryDirectory",
        ]
    );
    let rows = rows(&records[3..], Generation::V4);
    assert_eq!(
        rows,
        [
            [
                "FASTIO_QUERY_INFORMATION",
                "Type: QueryStandardInformationFile, AllocationSize: 45,056, EndOfFile: 41,000, NumberOfLinks: 1, \
             DeletePending: False, Directory: False",
            ],
            ["IRP_MJ_SET_INFORMATION", "Type: SetDispositionInformationFile, Delete: True"],
            ["IRP_MJ_CLEANUP", ""],
            ["IRP_MJ_SET_INFORMATION", ""],
            ["IRP_MJ_PNP", "Type: StartDevice"],
        ]
    );
}
