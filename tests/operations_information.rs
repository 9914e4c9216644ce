//! Directory, file and volume information on hand-made records, by the operation that asks for it or sets it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod records;

use pmlblame::pml::ops::Generation;
use records::files::{DATE, check, file, file_with, halves, rows, words};
use records::{FileDetail, START, capture_file, counted, objects, open, wide};

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
