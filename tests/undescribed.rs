//! What nobody has described is told as bytes: in JSON lines and for a single event all of them, in CSV as Procmon does.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod records;

use pmlblame::capture::EventIndex;
use pmlblame::capture::columns::Column;
use pmlblame::export::{Context, Style};
use records::{FileDetail, Record, capture_file, counted, objects, open, table};
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

fn file(operation: u16, sub: u8, tail: &[u8]) -> Record {
    Record::new(3, operation, FileDetail { sub, tail: tail.to_vec(), ..FileDetail::default() }.bytes(8))
}

#[test]
fn bytes_without_a_description_are_told() {
    let (path, name) = counted(r"HKLM\Software");
    let key = [&path.to_le_bytes()[..], &name].concat();
    let records = [
        // An operation of a class beyond the known ones, and one beyond those of its class.
        Record::new(9, 3, vec![0xAB, 1, 2]).extra(vec![7]),
        file(60, 0, &[1, 2, 3]).extra(vec![9, 8]),
        // Minor functions and information classes that have no name.
        file(32, 9, &[5]),
        file(37, 9, &[6]),
        file(25, 0xEE, &[]).extra(vec![1, 2, 3, 4, 5]),
        file(25, 0xEE, &[]),
        file(26, 0xEE, &[4, 4]),
        file(30, 0x0B, &[]).extra(vec![0xC0]),
        file(31, 0x0B, &[0x77]),
        // Named, but of unknown structure.
        file(28, 0, &[3, 2, 1]),
        file(42, 0, &[]),
        Record::new(2, 17, key.clone()).extra(vec![0xAA, 0xBB]),
        Record::new(2, 18, key),
        Record::new(1, 9, vec![1, 2, 3, 4]),
        Record::new(4, 2, vec![5, 6]),
        // Nothing to tell.
        file(38, 0, &[1]),
        file(29, 1, &[1]),
        file(18, 0, &[1]),
    ];
    let capture = open(&capture_file(&records, 8));
    let context = Context::new(&capture, Style::default());
    let objects = objects(&capture);
    let returned = |bytes: &[u8]| json!({ "raw_returned": hex(bytes) });
    let whole = |n: usize| json!({ "raw": hex(&records[n].detail) });
    let expected: Vec<Value> = vec![
        json!({ "raw": "AB 01 02" }),
        json!({ "raw": hex(&records[1].detail), "raw_returned": "09 08" }),
        whole(2),
        whole(3),
        returned(&[1, 2, 3, 4, 5]),
        json!({}),
        whole(6),
        returned(&[0xC0]),
        whole(8),
        whole(9),
        whole(10),
        returned(&[0xAA, 0xBB]),
        whole(12),
        json!({ "raw": "01 02 03 04" }),
        json!({ "raw": "05 06" }),
        json!({}),
        json!({}),
        json!({}),
    ];
    for (n, expected) in expected.iter().enumerate() {
        assert_eq!(objects[n]["detail"], *expected, "event {n}: {}", objects[n]);
        let mut fields = context.inspect(EventIndex(n as u64)).unwrap().unwrap().fields;
        let codes = ["class_code", "operation_code", "sub_operation"].map(|key| fields.remove(key));
        assert_eq!(Value::from(fields), *expected, "event {n}, alone");
        let unknown = objects[n]["operation"] == "<Unknown>";
        let of_line = ["class_code", "operation_code", "sub_operation"].map(|key| objects[n].get(key).cloned());
        assert_eq!(codes, of_line, "event {n}");
        assert_eq!(codes[0].is_some(), unknown, "event {n}");
    }
    assert_eq!((&objects[0]["class"], &objects[0]["class_code"]), (&json!("other"), &json!(9)));
    assert_eq!((&objects[1]["operation_code"], &objects[7]["sub_operation"]), (&json!(60), &json!(11)));

    // Procmon shows nothing for what it does not know of the file system, and so does the CSV.
    let rows = table(&capture, Style::default(), &[Column::Operation, Column::Path, Column::Detail]);
    assert_eq!(rows[1], ["<Unknown>", r"C:\a.txt", ""]);
    assert_eq!(rows[0], ["<Unknown>", "", "Data: AB 01 02"]);
    assert_eq!(rows[4], ["<Unknown>", r"C:\a.txt", ""]);
}

#[test]
fn a_value_without_a_name_is_its_number() {
    // Disposition 9, access 1, no SID; the result of the open is 77.
    let create = FileDetail {
        arguments: [0, 0x0900_0000, 0, 0, 0, 0],
        tail: vec![1, 0, 0, 0, 0, 0, 0, 0],
        ..FileDetail::default()
    };
    let records = [Record::new(3, 20, create.bytes(8)).extra(vec![77, 0, 0, 0])];
    let capture = open(&capture_file(&records, 8));
    let detail = &objects(&capture)[0]["detail"];
    assert_eq!((&detail["disposition"], &detail["open_result"]), (&json!("0x9"), &json!("0x4d")), "{detail}");
    let rows = table(&capture, Style::default(), &[Column::Detail]);
    assert!(rows[0][0].contains("Disposition: <unknown>") && rows[0][0].ends_with("OpenResult: <unknown>"), "{rows:?}");
}
