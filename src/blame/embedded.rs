//! The embedded tables. Every run needs them, so they are kept in a form that costs next to nothing to read: lines with
//! tabs, in the order and spelling in which they are looked up. Tests write them from the sources beside them.

/// The columns of a line; what is missing is empty.
pub(super) fn columns<const N: usize>(line: &str) -> [&str; N] {
    let mut columns = line.split('\t');
    std::array::from_fn(|_| columns.next().unwrap_or_default())
}

#[cfg(test)]
pub(in crate::blame) mod source {
    use std::path::{Path, PathBuf};

    fn file(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/blame/data").join(name)
    }

    /// The named columns of every row of a source.
    pub(in crate::blame) fn rows<const N: usize>(name: &str, columns: [&str; N]) -> Vec<[String; N]> {
        let mut reader = csv::Reader::from_path(file(name)).unwrap();
        let header = reader.headers().unwrap().clone();
        let places = columns.map(|column| header.iter().position(|title| title == column).expect(column));
        reader.records().map(|row| places.map(|place| row.as_ref().unwrap()[place].to_owned())).collect()
    }

    /// Fails unless the embedded table is what its source gives; writes it with `PMLBLAME_BLESS` set.
    pub(in crate::blame) fn check_table(name: &str, lines: &[String]) {
        assert!(lines.iter().all(|line| !line.contains(['\n', '\r'])));
        let made: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        if std::env::var_os("PMLBLAME_BLESS").is_some() {
            std::fs::write(file(name), &made).unwrap();
        }
        let embedded = std::fs::read_to_string(file(name)).unwrap_or_default();
        assert!(embedded == made, "{name} is not what its source gives: PMLBLAME_BLESS=1 cargo test --lib blame");
    }

    /// Fails when the source is not the one of the shared data, where that is at hand.
    pub(in crate::blame) fn check_shared(name: &str) {
        let shared = std::env::var_os("PMLBLAME_SHARED")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
        let Ok(theirs) = std::fs::read(shared.join("data").join(name)) else {
            println!("skipped: the shared {name} not found");
            return;
        };
        assert!(theirs == std::fs::read(file(name)).unwrap(), "{name} is not that of the shared data");
    }
}
