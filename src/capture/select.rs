//! Which files an analysis is about, as a test on an event's path that costs almost nothing when it says no.

use super::op::{Op, OpKind, PathTable};
use crate::nt::path::{leaf, strip_namespace, volume_device, without_transaction_id};
use crate::pml::bytes::DetailText;
use rustc_hash::{FxHashSet, FxHasher};
use shortened::Shortened;
use std::hash::Hasher;
use tail::{Tail, Units};

mod shortened;
mod tail;

/// A set of files (with all their streams) and of folders with everything below them, ignoring case.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Folded paths.
    files: FxHashSet<Box<str>>,
    /// Hashes of the folded paths, for paths seen as bytes.
    hashes: FxHashSet<u64>,
    /// Bit n: some path has n characters.
    lengths: Vec<u64>,
    /// How the paths end, by their length, to turn most others away at a glance.
    ends: Vec<End>,
    /// Folded paths of folders, without a trailing backslash.
    subtrees: Vec<Box<str>>,
    /// Folded paths of folders into which every rename and link is wanted.
    entered: FxHashSet<Box<str>>,
    /// How both may be spelled with 8.3 names.
    shortened: Shortened,
    /// Letters of the drives that the files are on.
    drives: Vec<u8>,
    /// Folded paths of the files the question is about, without those added for other reasons.
    seeds: FxHashSet<Box<str>>,
    /// File ids whose queries are wanted on whatever path.
    ids: FxHashSet<u128>,
    /// Folded leaf names whose other bearers are wanted: opens and closes only.
    namesakes: Vec<Box<str>>,
    /// How the namesakes end.
    namesake_tail: Tail,
    /// Everything is wanted; of paths, where there are numbers, those with one of these in front of a name in them.
    all: bool,
    numbers: Vec<Box<str>>,
}

/// The paths of one length.
#[derive(Clone, Copy, Debug)]
struct End {
    /// UTF-16 units.
    length: usize,
    tail: Tail,
    /// One of them is a folder with everything below it.
    below: bool,
}

impl End {
    /// Whether a path that begins like one of these ends there, or its stream begins there, perhaps after a backslash.
    #[inline]
    fn is_followed(&self, path: impl Units) -> bool {
        const COLON: u16 = b':' as u16;
        const BACKSLASH: u16 = b'\\' as u16;
        match path.unit(self.length) {
            None | Some(COLON) => true,
            Some(BACKSLASH) if self.below => true,
            Some(BACKSLASH) => matches!(path.unit(self.length + 1), None | Some(COLON | BACKSLASH)),
            Some(_) => false,
        }
    }
}

/// At most this many names have their bearers in other folders looked for.
const MAX_NAMESAKES: usize = 64;

/// Lengths beyond which looking for every one of them takes longer than the look itself saves.
const FEW_ENDS: usize = 16;

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

    /// Every path with one of these in it, each a name or the begin of one, whatever the volume.
    pub fn everything_with(names: &[String]) -> Self {
        Self { numbers: names.iter().map(|name| name.as_str().into()).collect(), ..Self::everything() }
    }

    /// Whether a path, one byte a character, is among everything that is wanted.
    fn is_among_all(&self, path: &[u8]) -> bool {
        let begins = |name: &str, from: usize| {
            path.get(from..from + name.len()).is_some_and(|part| part.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.numbers.is_empty()
            || memchr::memchr_iter(b'\\', path).any(|at| self.numbers.iter().any(|name| begins(name, at + 1)))
    }

    /// Adds one file with its streams. Returns whether it is new.
    pub fn add_file(&mut self, path: &str) -> bool {
        let folded = fold(without_stream(path).trim_end_matches('\\'));
        if folded.is_empty() || self.files.contains(folded.as_str()) {
            return false;
        }
        self.hashes.insert(hash_folded(folded.as_bytes()));
        if let [drive @ b'a'..=b'z', b':', ..] = folded.as_bytes()
            && !self.drives.contains(drive)
        {
            self.drives.push(*drive);
        }
        let length = folded.len();
        if self.lengths.len() <= length / 64 {
            self.lengths.resize(length / 64 + 1, 0);
        }
        if let Some(word) = self.lengths.get_mut(length / 64) {
            *word |= 1 << (length % 64);
        }
        self.add_end(&folded, false);
        self.shortened.add(&folded, false);
        self.files.insert(folded.into());
        true
    }

    fn add_end(&mut self, folded: &str, below: bool) {
        let (length, tail) = (folded.encode_utf16().count(), Tail::of(folded));
        match self.ends.binary_search_by_key(&length, |end| end.length) {
            Ok(at) => self.ends.iter_mut().skip(at).take(1).for_each(|end| {
                end.tail.or(tail);
                end.below |= below;
            }),
            Err(at) => self.ends.insert(at, End { length, tail, below }),
        }
    }

    /// Whether a path may be wanted, by its length and what stands where wanted paths end.
    #[inline]
    fn may_end(&self, path: impl Units) -> bool {
        self.ends.len() > FEW_ENDS
            || self
                .ends
                .iter()
                .take_while(|end| end.length <= path.len())
                .any(|end| end.tail.may_end(path, end.length) && end.is_followed(path))
    }

    /// Adds a folder with everything below it. Returns whether it is new.
    pub fn add_subtree(&mut self, path: &str) -> bool {
        let folded = fold(path.trim_end_matches('\\'));
        if folded.is_empty() || self.subtrees.iter().any(|have| **have == *folded) {
            return false;
        }
        self.add_file(path);
        self.add_end(&folded, true);
        self.shortened.add(&folded, true);
        self.subtrees.push(folded.into());
        true
    }

    /// Adds a folder: what is moved or linked into it is wanted, wherever it comes from.
    pub fn add_entered(&mut self, folder: &str) {
        self.entered.insert(fold(folder.trim_end_matches('\\')).into());
    }

    /// Whether a rename or a link to `target` is wanted.
    pub fn wants_target(&self, target: &str) -> bool {
        let enters = || {
            let bare = strip_namespace(target);
            let folder = bare.rfind('\\').and_then(|at| bare.get(..at));
            folder.is_some_and(|folder| self.entered.contains(fold(folder).as_str()))
        };
        self.wants(target) || (!self.entered.is_empty() && enters())
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

    /// Adds the leaf name of `path`: who else has a file of that name open is wanted, wherever it lies.
    pub fn add_namesakes(&mut self, path: &str) {
        let path = fold(without_stream(path).trim_end_matches('\\'));
        let name = without_transaction_id(leaf(&path));
        if name.is_empty() || self.namesakes.len() >= MAX_NAMESAKES || self.namesakes.iter().any(|have| **have == *name)
        {
            return;
        }
        let tail = Tail::of(name);
        if self.namesakes.is_empty() {
            self.namesake_tail = tail;
        } else {
            self.namesake_tail.or(tail);
        }
        self.namesakes.push(name.into());
    }

    /// Whether `path` is a file with the name of one the question is about, perhaps in another folder.
    pub fn is_namesake(&self, path: &str) -> bool {
        if self.namesakes.is_empty() {
            return false;
        }
        let path = without_stream(path);
        let name = without_transaction_id(leaf(path));
        if name.is_ascii() {
            self.namesakes.iter().any(|have| have.eq_ignore_ascii_case(name))
        } else {
            let name = fold(name);
            self.namesakes.iter().any(|have| **have == *name)
        }
    }

    /// The same for the path of an event's detail; the unnamed stream only.
    #[inline]
    pub fn is_namesake_text(&self, path: DetailText<'_>) -> bool {
        if self.namesakes.is_empty() {
            return false;
        }
        match path {
            DetailText::Ascii(bytes) => {
                self.namesake_tail.may_end(bytes, bytes.len())
                    && std::str::from_utf8(bytes).is_ok_and(|path| self.is_namesake(path))
            }
            DetailText::Wide(wide) => {
                let (units, _) = wide.0.as_chunks::<2>();
                self.namesake_tail.may_end(units, units.len()) && self.is_namesake(&wide.decode_all())
            }
        }
    }

    /// Whether an operation was collected for its file's name alone.
    pub fn is_only_namesake(&self, op: &Op, paths: &PathTable) -> bool {
        matches!(op.kind, OpKind::Create(_) | OpKind::Cleanup) && !self.wants(paths.get(op.path))
    }

    /// How many files were added one by one.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether this selection is `other`, perhaps with file ids added.
    pub(super) fn is_only_ids_more(&self, other: &Self) -> bool {
        self.all == other.all
            && self.numbers == other.numbers
            && self.subtrees == other.subtrees
            && self.files == other.files
            && self.namesakes == other.namesakes
            && self.entered == other.entered
            && self.ids.is_superset(&other.ids)
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        !self.all && self.files.is_empty() && self.subtrees.is_empty()
    }

    /// Whether `path` is wanted.
    pub fn wants(&self, path: &str) -> bool {
        if self.all {
            return self.is_among_all(path.as_bytes());
        }
        if path.starts_with('\\') && self.wants_prefixed(path) {
            return true;
        }
        if path.is_ascii() {
            return self.wants_ascii(path.as_bytes());
        }
        let folded = fold(without_stream(path).trim_end_matches('\\'));
        self.files.contains(folded.as_str())
            || self.below_subtree(folded.as_bytes())
            || self.shortened.may_want(folded.as_bytes()) && self.shortened.wants(&folded)
    }

    /// Whether the listing of a folder may tell an 8.3 name on the way to a wanted file.
    pub fn wants_listing(&self, folder: &str) -> bool {
        self.all || self.shortened.lists(&strip_namespace(folder))
    }

    /// Whether an entry of such a listing is on the way to a wanted file.
    pub fn wants_entry(&self, path: &str) -> bool {
        self.all || self.shortened.is_way(&strip_namespace(path))
    }

    /// Whether the path of an event's detail is wanted.
    #[inline]
    pub fn wants_text(&self, path: DetailText<'_>) -> bool {
        match path {
            _ if self.all => self.numbers.is_empty() || self.wants(&path.decode()),
            DetailText::Ascii(bytes) if is_prefixed(|at| bytes.get(at).copied().map(u16::from)) => {
                std::str::from_utf8(bytes).is_ok_and(|path| self.wants(path))
            }
            DetailText::Ascii(bytes) => self.wants_ascii(bytes),
            DetailText::Wide(wide) => self.may_want(path) && self.wants(&wide.decode_all()),
        }
    }

    /// Whether [`wants_text`](Self::wants_text) can say yes: quick, and right whenever it says no.
    #[inline]
    pub(super) fn may_want(&self, path: DetailText<'_>) -> bool {
        match path {
            _ if self.all => true,
            DetailText::Ascii(bytes) => {
                let unit = |at: usize| bytes.get(at).map(|byte| u16::from(*byte));
                is_prefixed(unit) || self.may_end(bytes) || self.shortened.may_want(bytes)
            }
            DetailText::Wide(wide) => {
                let (units, _) = wide.0.as_chunks::<2>();
                let unit = |at: usize| units.get(at).map(|unit| u16::from_le_bytes(*unit));
                // The dotted capital I is the one character that takes more units in lower case.
                is_prefixed(unit)
                    || self.may_end(units)
                    || units.contains(&0x130u16.to_le_bytes())
                    || self.shortened.may_want(wide.0)
            }
        }
    }

    /// Whether a path in one of the other spellings of a drive's path is wanted: `\\?\`, `\??\`, the volume's device name
    /// or its name by GUID. Which letter a device has is not known yet, so every letter that the files have is tried.
    #[cold]
    fn wants_prefixed(&self, path: &str) -> bool {
        let bare = strip_namespace(path);
        let Some((_, tail)) = volume_device(&bare) else { return !bare.starts_with('\\') && self.wants(&bare) };
        self.drives.iter().any(|drive| self.wants(&format!("{}:{tail}", char::from(*drive))))
    }

    #[inline]
    fn wants_ascii(&self, path: &[u8]) -> bool {
        let may_end = self.may_end(path);
        if !may_end && !self.shortened.may_want(path) {
            return false;
        }
        let file = match path.get(3..).and_then(|rest| memchr::memchr(b':', rest)) {
            Some(colon) => &path[..colon + 3],
            None => path,
        };
        let file = file.strip_suffix(b"\\").unwrap_or(file);
        if may_end && (self.is_file(file) || self.below_subtree(file)) {
            return true;
        }
        self.shortened.may_want(file) && std::str::from_utf8(file).is_ok_and(|file| self.shortened.wants(file))
    }

    #[inline]
    fn is_file(&self, path: &[u8]) -> bool {
        let length = path.len();
        self.lengths.get(length / 64).is_some_and(|word| word >> (length % 64) & 1 != 0)
            && self.hashes.contains(&hash_folded(path))
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

/// Whether a path begins like another spelling of a drive's path; a share's path and a pipe's do not.
#[inline]
fn is_prefixed(unit: impl Fn(usize) -> Option<u16>) -> bool {
    const BACKSLASH: u16 = b'\\' as u16;
    let is = |at: usize, any: &[u8]| unit(at).is_some_and(|unit| any.iter().any(|byte| u16::from(*byte) == unit));
    unit(0) == Some(BACKSLASH)
        && match unit(1) {
            Some(BACKSLASH) => is(2, b"?."),
            // `\??\`, `\GLOBAL??\`, `\DosDevices\`, `\Device\Harddisk…`
            _ => is(1, b"?gG") || is(2, b"oO") || (is(2, b"eE") && is(8, b"hH")),
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
mod tests;
