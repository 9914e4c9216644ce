//! Which files an analysis is about, as a test on an event's path that costs almost nothing when it says no.

use crate::pml::bytes::DetailText;
use rustc_hash::{FxHashSet, FxHasher};
use std::hash::Hasher;

/// A set of files (with all their streams) and of folders with everything below them, ignoring case.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Folded paths.
    files: FxHashSet<Box<str>>,
    /// Hashes of the folded paths, for paths seen as bytes.
    hashes: FxHashSet<u64>,
    /// Bit n: some path has n characters.
    lengths: Vec<u64>,
    /// Folded paths of folders, without a trailing backslash.
    subtrees: Vec<Box<str>>,
    /// Folded paths of the files the question is about, without those added for other reasons.
    seeds: FxHashSet<Box<str>>,
    /// File ids whose queries are wanted on whatever path.
    ids: FxHashSet<u128>,
    /// Everything is wanted.
    all: bool,
}

/// Folds case the way the set compares: every character to its lower case.
pub fn fold(path: &str) -> String {
    if path.is_ascii() { path.to_ascii_lowercase() } else { path.chars().flat_map(char::to_lowercase).collect() }
}

/// The file of a path that may name a stream: `C:\a.txt:stream` → `C:\a.txt`.
pub fn without_stream(path: &str) -> &str {
    let from = path.rfind('\\').map_or(0, |at| at + 1);
    // The colon of a bare drive (`C:`) is no stream mark.
    let from = if from == 0 { from + 2 } else { from };
    match path.get(from..).and_then(|leaf| leaf.find(':')) {
        Some(colon) => &path[..from + colon],
        None => path,
    }
}

impl Selection {
    /// Everything.
    pub fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Adds one file with its streams. Returns whether it is new.
    pub fn add_file(&mut self, path: &str) -> bool {
        let folded = fold(without_stream(path).trim_end_matches('\\'));
        if folded.is_empty() || self.files.contains(folded.as_str()) {
            return false;
        }
        self.hashes.insert(hash_folded(folded.as_bytes()));
        let length = folded.len();
        if self.lengths.len() <= length / 64 {
            self.lengths.resize(length / 64 + 1, 0);
        }
        if let Some(word) = self.lengths.get_mut(length / 64) {
            *word |= 1 << (length % 64);
        }
        self.files.insert(folded.into());
        true
    }

    /// Adds a folder with everything below it. Returns whether it is new.
    pub fn add_subtree(&mut self, path: &str) -> bool {
        let folded = fold(path.trim_end_matches('\\'));
        if folded.is_empty() || self.subtrees.iter().any(|have| **have == *folded) {
            return false;
        }
        self.add_file(path);
        self.subtrees.push(folded.into());
        true
    }

    /// Adds a file the question is about. Returns whether it is new.
    pub fn add_seed(&mut self, path: &str) -> bool {
        self.seeds.insert(fold(without_stream(path)).into());
        self.add_file(path)
    }

    /// Whether the question is about this file.
    pub fn is_seed(&self, path: &str) -> bool {
        self.seeds.contains(fold(without_stream(path)).as_str())
    }

    /// Adds a file id. Returns whether it is new.
    pub fn add_id(&mut self, id: u128) -> bool {
        self.ids.insert(id)
    }

    /// Whether queries that answer this file id are wanted.
    pub fn wants_id(&self, id: u128) -> bool {
        self.ids.contains(&id)
    }

    /// Whether any file id is wanted.
    pub fn has_ids(&self) -> bool {
        !self.ids.is_empty()
    }

    /// How many files were added one by one.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        !self.all && self.files.is_empty() && self.subtrees.is_empty()
    }

    /// Whether `path` is wanted.
    pub fn wants(&self, path: &str) -> bool {
        if self.all {
            return true;
        }
        if path.is_ascii() {
            return self.wants_ascii(path.as_bytes());
        }
        let folded = fold(without_stream(path).trim_end_matches('\\'));
        self.files.contains(folded.as_str()) || self.below_subtree(folded.as_bytes())
    }

    /// Whether the path of an event's detail is wanted.
    #[inline]
    pub fn wants_text(&self, path: DetailText<'_>) -> bool {
        match path {
            _ if self.all => true,
            DetailText::Ascii(bytes) => self.wants_ascii(bytes),
            DetailText::Wide(wide) => self.wants(&wide.decode_all()),
        }
    }

    #[inline]
    fn wants_ascii(&self, path: &[u8]) -> bool {
        let file = match path.get(3..).and_then(|rest| memchr::memchr(b':', rest)) {
            Some(colon) => &path[..colon + 3],
            None => path,
        };
        let file = file.strip_suffix(b"\\").unwrap_or(file);
        let length = file.len();
        if self.lengths.get(length / 64).is_some_and(|word| word >> (length % 64) & 1 != 0)
            && self.hashes.contains(&hash_folded(file))
        {
            return true;
        }
        self.below_subtree(file)
    }

    #[inline]
    fn below_subtree(&self, path: &[u8]) -> bool {
        self.subtrees.iter().any(|folder| {
            let folder = folder.as_bytes();
            path.get(folder.len()).is_none_or(|next| *next == b'\\')
                && path.get(..folder.len()).is_some_and(|head| head.eq_ignore_ascii_case(folder))
        })
    }
}

/// Hash of a path with ASCII letters folded; non-ASCII text must be folded before.
fn hash_folded(path: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    let mut words = path.chunks_exact(8);
    for word in &mut words {
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(word);
        bytes.make_ascii_lowercase();
        hasher.write_u64(u64::from_le_bytes(bytes));
    }
    for byte in words.remainder() {
        hasher.write_u8(byte.to_ascii_lowercase());
    }
    hasher.write_usize(path.len());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_streams_and_folders_ignoring_case() {
        let mut selection = Selection::default();
        assert!(selection.is_empty());
        assert!(selection.add_file("C:\\Windows\\A.dll"));
        assert!(!selection.add_file("c:\\windows\\a.DLL:stream"));
        assert!(selection.add_subtree("C:\\Windows\\WinSxS\\Temp\\InFlight\\"));
        for yes in [
            "c:\\WINDOWS\\a.dll",
            "C:\\Windows\\A.dll:Zone.Identifier",
            "C:\\Windows\\WinSxS\\Temp\\inflight",
            "C:\\Windows\\WinSxS\\Temp\\InFlight\\x\\y.dll:s",
        ] {
            assert!(selection.wants(yes), "{yes}");
            assert!(selection.wants_text(DetailText::Ascii(yes.as_bytes())), "{yes}");
        }
        for no in ["C:\\Windows\\B.dll", "C:\\Windows\\A.dll2", "C:\\Windows\\WinSxS\\Temp\\InFlight2\\x", "C:", ""] {
            assert!(!selection.wants(no), "{no}");
            assert!(!selection.wants_text(DetailText::Ascii(no.as_bytes())), "{no}");
        }
    }

    #[test]
    fn other_alphabets_fold_too() {
        let mut selection = Selection::default();
        selection.add_file("D:\\ПАПКА\\防毒墙.dll");
        assert!(selection.wants("d:\\папка\\防毒墙.DLL"));
        assert!(!selection.wants("d:\\папка\\防毒.dll"));
    }
}
