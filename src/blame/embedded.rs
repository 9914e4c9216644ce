//! The embedded tables, read column by column: every run of the program reads them, so they have to be quick.

use csv::{Reader, StringRecord};

/// A table in CSV with a header row.
#[derive(Debug)]
pub(super) struct Table<'t, const N: usize> {
    reader: Reader<&'t [u8]>,
    /// Where each wanted column stands.
    columns: [usize; N],
}

impl<'t, const N: usize> Table<'t, N> {
    /// The named columns of `text`; one that is missing is empty in every row.
    pub(super) fn new(text: &'t str, names: [&str; N]) -> Self {
        let mut reader = Reader::from_reader(text.as_bytes());
        let header = reader.headers().cloned().unwrap_or_default();
        let place = |name: &str| header.iter().position(|title| title == name).unwrap_or(usize::MAX);
        Self { reader, columns: names.map(place) }
    }

    /// Calls `see` with the wanted columns of every row that can be read.
    pub(super) fn for_each(mut self, mut see: impl FnMut([&str; N])) {
        let mut record = StringRecord::new();
        loop {
            match self.reader.read_record(&mut record) {
                Ok(true) => see(self.columns.map(|column| record.get(column).unwrap_or_default())),
                Ok(false) => return,
                // A row of another length; the next one may be right.
                Err(error) if !error.is_io_error() => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_by_name_and_bad_rows_are_left_out() {
        let mut rows = Vec::new();
        let text = "b,a,c\n1,\"2,x\",3\nshort\n4,5,6\n";
        Table::new(text, ["a", "b", "none"]).for_each(|row| rows.push(row.map(str::to_owned)));
        assert_eq!(rows, [["2,x", "1", ""], ["5", "4", ""]].map(|row| row.map(str::to_owned)));
    }
}
