//! What Procmon has no name for, and texts that a file format could stumble over, in the exact words of an export.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod records;

use pmlblame::capture::columns::Column;
use pmlblame::export::{Format, Request, Style};
use records::{FileDetail, Record, START, capture_file, counted, export, objects, open, table, wide};

const COLUMNS: [Column; 4] = [Column::Operation, Column::Path, Column::Result, Column::Detail];

fn rows(records: &[Record]) -> Vec<Vec<String>> {
    table(&open(&capture_file(records, 8)), Style::default(), &COLUMNS)
}

/// The lines of a CSV export, as they stand in the file.
fn lines(records: &[Record], columns: &[Column]) -> Vec<String> {
    let request = Request { format: Format::Csv, columns: columns.to_vec(), ..Request::default() };
    let (text, _) = export(&open(&capture_file(records, 8)), Style::default(), &request);
    text.split_terminator("\r\n").skip(1).map(str::to_owned).collect()
}

fn file(operation: u16, detail: &FileDetail) -> Record {
    Record::new(3, operation, detail.bytes(8))
}

/// A file event whose path is these UTF-16 units.
fn at_path(operation: u16, units: &[u16]) -> Record {
    let mut detail = FileDetail { path: String::new(), ..FileDetail::default() }.bytes(8);
    detail.truncate(0x44);
    detail[0x40..0x42].copy_from_slice(&(units.len() as u16).to_le_bytes());
    detail.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    Record::new(3, operation, detail)
}

/// A registry event: the counted path's descriptor, `fields` behind it, the path, and `after`.
fn registry(operation: u16, fields: &[u32], path: &str, after: &[u8]) -> Record {
    let mut detail = (0x8000 | path.len() as u16).to_le_bytes().to_vec();
    detail.extend_from_slice(&[0xCD; 2]);
    detail.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    detail.extend_from_slice(path.as_bytes());
    detail.extend_from_slice(after);
    Record::new(2, operation, detail)
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn operations_without_a_name_in_every_class() {
    let network =
        [&[7, 0, 0, 0, 1, 0, 0, 0][..], &[10, 0, 0, 1], &[0; 12], &[10, 0, 0, 2], &[0; 12], &[1, 0, 2, 0], &[0; 2]];
    let mut ipc = file(60, &FileDetail::default());
    ipc.class = 6;
    let records = [
        Record::new(1, 10, vec![1, 2]),
        Record::new(1, 9, vec![3]),
        registry(18, &[], r"HKLM\k", &[]),
        registry(22, &[], r"HKLM\k", &[]),
        file(48, &FileDetail::default()),
        file(0xFFFF, &FileDetail::default()),
        Record::new(4, 3, vec![0xAB]),
        Record::new(5, 10, network.concat()),
        ipc,
        Record::new(9, 0, vec![0xFF, 0]),
    ];
    let rows = rows(&records);
    let operations: Vec<&str> = rows.iter().map(|row| &*row[0]).collect();
    let unknown = "<Unknown>";
    assert_eq!(
        operations,
        [unknown, "System Statistics", unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown]
    );
    let details: Vec<&str> = rows.iter().map(|row| &*row[3]).collect();
    let key = "Data: 06 80 CD CD 48 4B 4C 4D 5C 6B";
    assert_eq!(details, ["Data: 01 02", "Data: 03", key, key, "", "", "Data: AB", "Length: 1", "", "Data: FF 00"]);
    assert_eq!((&*rows[4][1], &*rows[7][1]), (r"C:\a.txt", "10.0.0.1:1 -> server:2"));
    assert!(rows.iter().all(|row| row[2] == "SUCCESS"));
    let json = &objects(&open(&capture_file(&records, 8)))[5];
    assert_eq!((&json["operation_code"], &json["sub_operation"]), (&65_535.into(), &0.into()));
}

#[test]
fn codes_and_bits_without_a_name() {
    let create = |access: u32, disposition: u64, attributes: u64| {
        file(
            20,
            &FileDetail {
                arguments: [0, disposition << 24 | 0xC_0000, attributes | 8 << 16, 0, 0, 0],
                tail: [&access.to_le_bytes()[..], &[0; 4]].concat(),
                ..FileDetail::default()
            },
        )
    };
    let control = |code: u64| file(33, &FileDetail { arguments: [0, 0, code, 0, 0, 0], ..FileDetail::default() });
    let records = [
        create(0x0C80_0000, 6, 0x8000).status(0xC000_A000),
        create(0x0080_0001, 0xFF, 0).status(0xE000_0001),
        control(0x1234_5678),
        control(0).status(1),
        file(25, &FileDetail { sub: 0xFE, ..FileDetail::default() }).extra(vec![1]),
        file(40, &FileDetail { arguments: [0xFE00_0400, 0, 0, 0, 0, 0], ..FileDetail::default() }),
        file(32, &FileDetail { sub: 1, arguments: [0, 0, 999, 0, 0, 0], tail: vec![0, 0], ..FileDetail::default() }),
        registry(5, &[0, 2], r"HKLM\k\v", &[])
            .extra([&[0; 4][..], &[0xE8, 3, 0, 0], &[1, 0, 0, 0, 9, 0, 0, 0]].concat()),
        registry(3, &[0, 99], r"HKLM\k", &[]).status(0xC000_000D),
    ];
    let rows = rows(&records);
    let cells: Vec<[&str; 3]> = rows.iter().map(|row| [&*row[0], &*row[2], &*row[3]]).collect();
    assert_eq!(
        cells,
        [
            [
                "CreateFile",
                "0xC000A000",
                "Desired Access: None 0xc800000, Disposition: <unknown>, Options: , Attributes: , ShareMode: None, \
                 AllocationSize: n/a",
            ],
            [
                "CreateFile",
                "0xE0000001",
                "Desired Access: Read Data/List Directory, Disposition: <unknown>, Options: , Attributes: n/a, ShareMode: None, \
                 AllocationSize: n/a",
            ],
            ["FileSystemControl", "SUCCESS", "Control: 0x12345678 (Device:0x1234 Function:1438 Method: 0)"],
            ["FileSystemControl", "0x1", "Control: 0x0 (Device:0x0 Function:0 Method: 0)"],
            ["<Unknown>", "SUCCESS", ""],
            [
                "QuerySecurityFile",
                "SUCCESS",
                "Information: DACL Protected, SACL Protected, DACL Unprotected, SACL Unprotected, 0xe000400",
            ],
            ["QueryDirectory", "SUCCESS", "FileInformationClass: <Unknown: 999>"],
            ["RegQueryValue", "SUCCESS", "Type: <Unknown: 1000>, Length: 1, Data: "],
            ["RegQueryKey", "INVALID PARAMETER", "Query: <Unknown: 99>, Length: 0"],
        ]
    );
}

#[test]
fn texts_that_hold_anything() {
    let column = |units: &[u16]| lines(&[at_path(38, units)], &[Column::Path, Column::Result]).remove(0);
    let path = |text: &str| column(&units(text));
    assert_eq!(path("C:\\a \"b\", c;d\t'e'"), "\"C:\\a \"\"b\"\", c;d\t'e'\",\"SUCCESS\"");
    assert_eq!(path("C:\\日志\\😀\u{202E}txt.exe\u{FEFF}"), "\"C:\\日志\\😀\u{202E}txt.exe\u{FEFF}\",\"SUCCESS\"");
    assert_eq!(path("C:\\one\ntwo\r\nthree"), "\"C:\\one;two\r;three\",\"SUCCESS\"");
    assert_eq!(path("C:\\end\0ed\\here"), "\"C:\\end\",\"SUCCESS\"");
    assert_eq!(path("\0"), "\"\",\"SUCCESS\"");
    assert_eq!(column(&[0x43, 0xD83D, 0x5C, 0xDE00, 0x61]), "\"C\u{FFFD}\\\u{FFFD}a\",\"SUCCESS\"");
    assert_eq!(path(""), "\"\",\"SUCCESS\"");
    // JSON has a form for all of them.
    let json = &objects(&open(&capture_file(&[at_path(38, &units("C:\\end\0ed\n\"\u{1}"))], 8)))[0];
    assert_eq!(json["path"], "C:\\end\0ed\n\"\u{1}");

    let long = format!("C:\\{}\\end", "x".repeat(32_700));
    let longest = &lines(&[at_path(38, &units(&long))], &[Column::Path])[0];
    assert_eq!((longest.len(), longest.ends_with("xxx\"")), (4_095 + 2, true));
    assert_eq!(objects(&open(&capture_file(&[at_path(38, &units(&long))], 8)))[0]["path"], long);
}

#[test]
fn texts_in_details_end_at_a_nul_and_at_4095_units() {
    let value = |text: &str| {
        let data = wide(text);
        registry(4, &[1, data.len() as u32, data.len() as u32], r"HKLM\k\v", &data)
    };
    let detail = |record: Record| lines(&[record], &[Column::Detail]).remove(0);
    assert_eq!(detail(value("say \"\n\t\"\0rest\0")), "\"Type: REG_SZ, Length: 28, Data: say \"\";\t\"\"\"");
    let long = detail(value(&format!("{}\0", "日".repeat(5_000))));
    assert_eq!(long.chars().count(), 4_095 + 2);
    // The last unit is the first half of a pair.
    let prefix = "Type: REG_SZ, Length: 10,002, Data: ".len();
    let text = format!("{}😀{}\0", "x".repeat(4_094 - prefix), "y".repeat(5_000 - 4_096 + prefix));
    assert!(detail(value(&text)).ends_with("x\u{FFFD}\""));

    let created = |command: &str| {
        let (image_info, image) = counted(r"C:\x.exe");
        let (command_info, command) = counted(command);
        let fixed: Vec<u8> = [171u32, 42, 172, 1_084, 1, 1].into_iter().flat_map(u32::to_le_bytes).collect();
        let heads = [image_info.to_le_bytes(), command_info.to_le_bytes(), [0xCD; 2]].concat();
        let times = [START.to_le_bytes(), [0; 8]].concat();
        Record::new(1, 1, [&fixed[..], &times, &[0; 4], &[0, 0], &heads, &image, &command].concat())
    };
    assert_eq!(detail(created("x \"a b\" \0hidden")), "\"PID: 42, Command line: x \"\"a b\"\" \"");
    assert_eq!(detail(created(&"a\r\n".repeat(2_000))).len(), 4_095 + 2);
}
