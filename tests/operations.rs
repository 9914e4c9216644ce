//! Every operation code on hand-made records: name, path, detail and category. Opens, data, locks and controls.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod records;

use pmlblame::capture::columns::Column;
use pmlblame::export::{Locale, Style};
use pmlblame::pml::ops::Generation;
use records::files::{check, file, file_with, halves, rows, words};
use records::{FileDetail, Record, capture_file, objects, open, table, wide};

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
