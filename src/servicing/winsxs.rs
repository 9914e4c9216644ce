//! Compares two listings of WinSxS: what the failing machine lacks, what the log asks for first.
//!
//! A listing is the output of `tree /f` (box characters of code page 936, 437 or Unicode, or `/a` ASCII) or of
//! `dir /s /b`. Only component directories and `Manifests` are compared; the rest differs from machine to machine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use super::component::ComponentDir;
use super::encoding::Encoding;
use super::lines::LineReader;

/// Names kept of one listing; a store has some ten thousand directories and a few hundred thousand files.
const MAX_NAMES: u64 = 2_000_000;

/// Why a listing cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListingError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// Nothing in it looks like a component directory.
    #[error("no component directory in it")]
    NotAListing,
    /// More names than a store can have.
    #[error("more than {MAX_NAMES} names")]
    TooLarge,
}

/// How a listing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `tree /f`
    Tree,
    /// `dir /s /b`
    Paths,
}

impl Form {
    /// The stable name.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Paths => "paths",
        }
    }
}

/// One listing: component directories with their files, names in lower case.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Form.
    pub form: Form,
    /// Encoding.
    pub encoding: Encoding,
    /// Directory → files below it (`r\x.dll`); the directory's name as written comes first.
    pub directories: BTreeMap<String, Directory>,
    /// Manifests, names in lower case.
    pub manifests: BTreeSet<String>,
    /// Lines that fit no form.
    pub unparsed: u64,
    names: u64,
}

/// One component directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Name as written.
    pub name: String,
    /// Files below it: lower case → as written, where that differs.
    pub files: BTreeMap<Box<str>, Option<Box<str>>>,
}

impl Listing {
    /// Reads a listing.
    ///
    /// # Errors
    /// When it cannot be read, names no component directory, or is larger than any store.
    pub fn read(input: impl Read) -> Result<Self, ListingError> {
        let mut lines = LineReader::new(input)?;
        let mut listing = Self {
            form: Form::Paths,
            encoding: Encoding::Utf8,
            directories: BTreeMap::new(),
            manifests: BTreeSet::new(),
            unparsed: 0,
            names: 0,
        };
        let mut tree = Tree::default();
        let mut oem = 0u64;
        while let Some(line) = lines.next_line()? {
            let (text, is_oem) = decode(line.bytes());
            oem += u64::from(is_oem);
            let text = text.trim_end();
            if text.is_empty() {
                continue;
            }
            if let Some(path) = full_path(text) {
                if tree.started {
                    listing.unparsed += 1;
                } else if path.ends_with(['\\', '.']) || tree.root.is_none() && looks_like_root(path) {
                    tree.root = Some(path.to_owned());
                    listing.path(path, true);
                } else {
                    listing.path(path, false);
                }
            } else {
                tree.line(text, &mut listing);
            }
            if listing.names > MAX_NAMES {
                return Err(ListingError::TooLarge);
            }
        }
        if tree.started {
            listing.form = Form::Tree;
        }
        listing.encoding = match lines.stats().encoding() {
            Encoding::Utf8 if oem > 0 => Encoding::Gbk,
            other => other,
        };
        if listing.directories.is_empty() && listing.manifests.is_empty() {
            return Err(ListingError::NotAListing);
        }
        Ok(listing)
    }

    /// Files in all component directories.
    pub fn files(&self) -> u64 {
        self.directories.values().map(|directory| directory.files.len() as u64).sum()
    }

    /// Enters a path; `folder` when it is known to be one.
    fn path(&mut self, path: &str, folder: bool) {
        let mut parts = path.split('\\').filter(|part| !part.is_empty());
        let mut below_store = false;
        while let Some(part) = parts.next() {
            if ComponentDir::parse(part).is_some() {
                let rest: Vec<&str> = parts.collect();
                let directory = self
                    .directories
                    .entry(part.to_lowercase())
                    .or_insert_with(|| Directory { name: part.to_owned(), files: BTreeMap::new() });
                self.names += 1;
                if !folder && !rest.is_empty() {
                    let file = rest.join("\\");
                    let folded = file.to_lowercase();
                    let written = (folded != file).then(|| file.into_boxed_str());
                    directory.files.insert(folded.into_boxed_str(), written);
                }
                return;
            }
            if below_store {
                if part.eq_ignore_ascii_case("manifests")
                    && !folder
                    && let Some(name) = parts.next()
                {
                    self.names += 1;
                    self.manifests.insert(name.to_lowercase());
                }
                // Temp, Backup, Catalogs, FileMaps, …
                return;
            }
            below_store = part.eq_ignore_ascii_case("winsxs");
        }
    }
}

/// A `dir /s /b` does not tell folders from files; a folder shows as the parent of other paths. A component directory
/// itself is no file, and sub-folders `f`, `r`, `n` count as such.
fn is_delta_folder(name: &str) -> bool {
    matches!(name, "f" | "r" | "n")
}

/// Decodes a line; true when it holds box characters of code page 437 (the bytes of which are other characters in 936).
fn decode(bytes: &[u8]) -> (String, bool) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.trim_start_matches('\u{feff}').to_owned(), false);
    }
    let gbk_box = bytes.windows(2).any(|pair| matches!(pair, [0xA9, 0xA4 | 0xA6 | 0xC0 | 0xB8]));
    // 437: ├ C3, ─ C4, │ B3, └ C0. Box characters stand at the start, a run of C4 or a bar and blanks.
    let oem_box = !gbk_box
        && (bytes.windows(3).any(|three| matches!(three, [0xC3 | 0xC0, 0xC4, 0xC4] | [0xB3, b' ', b' ']))
            || bytes.iter().all(|byte| matches!(byte, 0xB3 | b' ')));
    if oem_box {
        let text = bytes.iter().map(|byte| match byte {
            0xC3 => '├',
            0xC0 => '└',
            0xC4 => '─',
            0xB3 => '│',
            byte if byte.is_ascii() => char::from(*byte),
            _ => '\u{fffd}',
        });
        return (text.collect(), false);
    }
    (encoding_rs::GB18030.decode_without_bom_handling(bytes).0.into_owned(), true)
}

/// `C:\…` or `\\server\…` at the start of a line.
fn full_path(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && text.get(1..3).is_some_and(|rest| rest == ":\\" || rest == ":.");
    (drive || text.starts_with("\\\\")).then_some(text)
}

/// The third head line of `tree` is a bare path in capitals, without a file behind it.
fn looks_like_root(path: &str) -> bool {
    path.to_ascii_lowercase().trim_end_matches('\\').ends_with("winsxs")
}

/// State of a `tree` listing.
#[derive(Debug, Default)]
struct Tree {
    root: Option<String>,
    started: bool,
    /// Names of the folders above, by level.
    folders: Vec<String>,
    /// Blanks behind a bar, once a branch has shown how wide its signs are.
    blanks: Option<usize>,
}

impl Tree {
    fn line(&mut self, text: &str, listing: &mut Listing) {
        let Some((level, name, folder)) = self.parse(text) else {
            // Head lines come before the root, bars alone separate.
            if self.started && !text.chars().all(|c| matches!(c, '│' | '|' | ' ')) {
                listing.unparsed += 1;
            }
            return;
        };
        self.started = true;
        if folder && self.blanks.is_none() {
            // `├─name`: in code page 936 each sign takes two of the four columns.
            let dashes = text
                .split(['├', '└', '+', '\\'])
                .nth(1)
                .map(|rest| rest.chars().take_while(|c| matches!(c, '─' | '-')));
            self.blanks = dashes.map(|dashes| if dashes.count() == 1 { 2 } else { 3 });
        }
        if folder {
            self.folders.truncate(level);
            self.folders.push(name.to_owned());
        }
        let mut path = self.root.clone().unwrap_or_else(|| "WinSxS".to_owned());
        if path.starts_with(|c: char| c.is_ascii_alphabetic()) && path.get(1..) == Some(":.") {
            // `tree` without a path does not say where it stood.
            path = "WinSxS".to_owned();
        }
        for folder in &self.folders {
            path.push('\\');
            path.push_str(folder);
        }
        if !folder {
            path.push('\\');
            path.push_str(name);
        }
        listing.path(&path, folder);
    }

    /// Level (0 below the root), name, and whether it is a folder.
    fn parse<'a>(&self, text: &'a str) -> Option<(usize, &'a str, bool)> {
        let mut rest = text;
        let mut level = 0;
        loop {
            if let Some(name) = branch(rest) {
                return Some((level, name, true));
            }
            // A file stands one level below its folder, and its name begins where that level ends.
            let is_file = level > self.folders.len();
            if let Some(after) = rest.strip_prefix(['│', '|']) {
                let blanks = after.bytes().take_while(|byte| *byte == b' ').count().min(self.blanks.unwrap_or(3));
                rest = after.get(blanks..).unwrap_or_default();
            } else if let Some(after) = rest.strip_prefix("    ") {
                rest = after;
            } else {
                return (level > 0 && (is_file || level <= self.folders.len() + 1))
                    .then(|| (level - 1, rest.trim_start(), false))
                    .filter(|(_, name, _)| !name.is_empty());
            }
            if is_file {
                return Some((level, rest.trim_start(), false)).filter(|(_, name, _)| !name.is_empty());
            }
            level += 1;
        }
    }
}

/// `├─name`, `└───name`, `+---name`, `\---name`
fn branch(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['├', '└', '+', '\\'])?;
    let name = rest.trim_start_matches('─');
    let name = if name.len() == rest.len() { rest.strip_prefix("---")? } else { name };
    (!name.is_empty()).then_some(name)
}

/// How much something is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The log names it.
    AskedByLog,
    /// Another version or architecture of a component that the log names.
    SameComponent,
    /// Nothing in the log asks for it.
    Other,
}

impl Rank {
    /// The stable code.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::AskedByLog => "asked_by_log",
            Self::SameComponent => "same_component",
            Self::Other => "other",
        }
    }
}

/// What the log asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Component directories that are missing.
    pub directories: Vec<String>,
    /// Damaged files: component name, version, file.
    pub files: Vec<(String, Option<String>, String)>,
}

/// Something the failing machine lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lacking {
    /// How much it is wanted.
    pub rank: Rank,
    /// Path below WinSxS, as the good machine writes it.
    pub path: String,
    /// Files in it, for a whole directory.
    pub files: Option<u64>,
}

/// The outcome of [`compare`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Most wanted first, then by path.
    pub lacking: Vec<Lacking>,
    /// Wanted directories that the good machine does not have either.
    pub not_on_good: Vec<String>,
    /// Wanted directories that the failing machine has after all.
    pub present_on_bad: Vec<String>,
}

/// What `bad` lacks against `good`.
pub fn compare(bad: &Listing, good: &Listing, wanted: &Wanted) -> Comparison {
    let asked: BTreeSet<String> = wanted.directories.iter().map(|name| name.to_lowercase()).collect();
    let components: Vec<ComponentDir> = asked.iter().filter_map(|name| ComponentDir::parse(name)).collect();
    let rank_of = |name: &str, file: Option<&str>| {
        if asked.contains(name) {
            return Rank::AskedByLog;
        }
        let Some(dir) = ComponentDir::parse(name) else { return Rank::Other };
        let mut rank = Rank::Other;
        for (component, version, wanted_file) in &wanted.files {
            if dir.has_name(component) {
                let same_version = version.as_ref().is_none_or(|version| *version == dir.version);
                let same_file = file.is_none_or(|file| {
                    file.rsplit('\\').next().is_some_and(|file| file.eq_ignore_ascii_case(wanted_file))
                });
                rank = rank.min(if same_version && same_file { Rank::AskedByLog } else { Rank::SameComponent });
            }
        }
        if components.iter().any(|wanted| wanted.name.eq_ignore_ascii_case(&dir.name)) {
            rank = rank.min(Rank::SameComponent);
        }
        rank
    };
    // `tree` without `/f` lists folders only.
    let compare_files = bad.files() > 0;
    let mut lacking = Vec::new();
    for (key, directory) in &good.directories {
        match bad.directories.get(key) {
            None => lacking.push(Lacking {
                rank: rank_of(key, None),
                path: directory.name.clone(),
                files: Some(directory.files.len() as u64),
            }),
            Some(have) if compare_files => {
                for (file, written) in &directory.files {
                    let is_folder = is_delta_folder(file);
                    if !is_folder && !have.files.contains_key(file) {
                        let path = format!("{}\\{}", directory.name, written.as_ref().unwrap_or(file));
                        lacking.push(Lacking { rank: rank_of(key, Some(file)), path, files: None });
                    }
                }
            }
            Some(_) => {}
        }
    }
    // A listing of folders only, or of one folder, says nothing about manifests.
    if !bad.manifests.is_empty() {
        for manifest in good.manifests.difference(&bad.manifests) {
            let key = manifest.strip_suffix(".manifest").unwrap_or(manifest);
            lacking.push(Lacking { rank: rank_of(key, None), path: format!("Manifests\\{manifest}"), files: None });
        }
    }
    lacking.sort();
    let given = || wanted.directories.iter();
    Comparison {
        lacking,
        not_on_good: given().filter(|name| !good.directories.contains_key(&name.to_lowercase())).cloned().collect(),
        present_on_bad: given().filter(|name| bad.directories.contains_key(&name.to_lowercase())).cloned().collect(),
    }
}

#[cfg(test)]
mod tests;
