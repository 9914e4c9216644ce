//! File operations on hand-made records, checked column by column.

use super::{FileDetail, Record, capture_file, open, table};
use pmlblame::capture::columns::Column;
use pmlblame::export::Style;
use pmlblame::pml::ops::Generation;

pub const COLUMNS: [Column; 5] =
    [Column::EventClass, Column::Operation, Column::Path, Column::Category, Column::Detail];

/// The columns of `records` in the wording of `generation`.
pub fn rows(records: &[Record], pointer: usize, generation: Generation) -> Vec<Vec<String>> {
    table(&open(&capture_file(records, pointer)), Style { generation, ..Style::default() }, &COLUMNS)
}

/// Checks records one by one: operation, path, category, detail.
pub fn check(pointer: usize, generation: Generation, cases: &[(Record, [&str; 4])]) {
    let records: Vec<Record> = cases.iter().map(|(record, _)| record.clone()).collect();
    let rows = rows(&records, pointer, generation);
    assert_eq!(rows.len(), cases.len());
    for (row, (record, expected)) in rows.iter().zip(cases) {
        assert_eq!(row[1..], *expected, "class {} operation {}", record.class, record.operation);
    }
}

pub fn file(operation: u16, sub: u8, pointer: usize) -> Record {
    file_with(operation, pointer, FileDetail { sub, ..FileDetail::default() })
}

pub fn file_with(operation: u16, pointer: usize, detail: FileDetail) -> Record {
    Record::new(3, operation, detail.bytes(pointer))
}

pub fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn halves(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A time whose text in en-US and UTC is `7/31/2020 7:19:37 AM`.
pub const DATE: &str = "7/31/2020 7:19:37 AM";
