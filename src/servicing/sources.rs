//! Finds servicing logs by content: in files, folders, zip, cab and gzip archives, nested.
//!
//! Archives come from customers and may be hostile, so depth, number of entries and unpacked bytes are bounded, and an
//! archive inside an archive is unpacked to an anonymous temporary file, never to memory.

mod archives;
mod cabinet;
mod spool;
mod torn_zip;

use std::cell::Cell;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use spool::{Broken, Budget, Spooled, spool};

use super::cbs::CbsError;
use super::cbs::record::{Start, parse_start};
use super::lines::LineReader;

/// Bytes looked at to tell what a file is.
const HEAD: usize = 64 * 1024;

/// Folders are followed this deep.
const MAX_FOLDERS: u32 = 32;

/// What may be read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Archives within archives.
    pub depth: u32,
    /// Files and archive entries looked at.
    pub entries: u64,
    /// Bytes unpacked from all archives together.
    pub unpacked: u64,
    /// Bytes of one nested archive.
    pub nested: u64,
}

impl Default for Limits {
    /// Four levels, 200,000 entries, 16 GiB unpacked, 2 GiB for a nested archive.
    fn default() -> Self {
        Self { depth: 4, entries: 200_000, unpacked: 16 << 30, nested: 2 << 30 }
    }
}

/// Why an input was not read, or not wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Given by name, but neither log nor archive.
    NotALog,
    /// The system refuses to open or read it.
    Unreadable,
    /// The archive's structure is broken.
    ArchiveDamaged,
    /// The archive breaks off; what lies before that was read.
    ArchiveCutOff,
    /// Needs a password.
    Encrypted,
    /// Nested deeper than allowed.
    TooDeep,
    /// More entries than allowed.
    TooMany,
    /// Unpacks to more than allowed; what was read before the limit counts.
    TooLarge,
    /// A compression method that cannot be read.
    Unsupported,
    /// An archive of a kind that is not read: 7z, rar, tar, xz, …
    ArchiveKind,
    /// Named like an archive that is read, and begins like none.
    ArchiveHeadless,
    /// One cabinet of a set, with files that go on in another.
    PartOfSet,
}

impl SkipReason {
    /// The stable code.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::NotALog => "not_a_log",
            Self::Unreadable => "unreadable",
            Self::ArchiveDamaged => "archive_damaged",
            Self::ArchiveCutOff => "archive_cut_off",
            Self::Encrypted => "encrypted",
            Self::TooDeep => "too_deep",
            Self::TooMany => "too_many",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::ArchiveKind => "archive_kind",
            Self::ArchiveHeadless => "archive_headless",
            Self::PartOfSet => "part_of_set",
        }
    }
}

/// An input that was not read, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Path, or archive and path inside joined with `/`.
    pub path: String,
    /// Why.
    pub reason: SkipReason,
    /// The system's or the archive reader's own words.
    pub detail: Option<String>,
}

/// A log that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Base name.
    pub name: String,
    /// Path, or archive and path inside joined with `/`.
    pub path: String,
    /// Size of the text, where known.
    pub size: Option<u64>,
}

/// Takes a log as a stream.
pub type Visit<'a> = dyn FnMut(Found, &mut dyn Read) -> Result<(), CbsError> + 'a;

/// Calls `each` for every log in `paths`, in the order given, folders by name.
///
/// # Errors
/// Those of `each`; everything else is a [`Skipped`].
pub fn visit(paths: &[PathBuf], limits: Limits, each: &mut Visit<'_>) -> Result<Vec<Skipped>, CbsError> {
    let mut walk =
        Walk { limits, entries: 0, left: Cell::new(limits.unpacked), seen: HashSet::new(), skipped: Vec::new(), each };
    for path in paths {
        walk.path(path, true, 0)?;
    }
    Ok(walk.skipped)
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Log,
    Zip,
    Cab,
    Gzip,
    /// An archive that is not read.
    Foreign,
    Other,
}

/// How archives begin that are not read: 7z, rar, xz, zstd, bzip2, Windows images.
const FOREIGN: [&[u8]; 6] =
    [b"7z\xBC\xAF\x27\x1C", b"Rar!\x1A\x07", b"\xFD7zXZ\0", b"\x28\xB5\x2F\xFD", b"BZh", b"MSWIM\0\0\0"];
/// Where a tar archive says that it is one.
const TAR: std::ops::Range<usize> = 257..262;

/// Judges by content; a name like `CbsPersist_….log` tips the scales when the start of the log is torn.
fn kind(name: &str, head: &[u8]) -> Kind {
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Kind::Zip,
        [b'M', b'S', b'C', b'F', ..] => return Kind::Cab,
        [0x1F, 0x8B, 8, ..] => return Kind::Gzip,
        _ if FOREIGN.iter().any(|mark| head.starts_with(mark)) => return Kind::Foreign,
        _ if head.get(TAR) == Some(b"ustar") => return Kind::Foreign,
        _ => {}
    }
    let (mut own, mut any) = (false, false);
    let seen = LineReader::new(head).and_then(|mut lines| {
        lines.for_each::<io::Error>(|_, line| {
            if let Start::Header(header) = parse_start(line) {
                any = true;
                own |= matches!(header.component, "CBS" | "CSI" | "DPX");
            }
            Ok(())
        })
    });
    let lower = name.to_ascii_lowercase();
    let named = lower.starts_with("cbs") && lower.contains(".log");
    let torn = head.is_empty() || head.len() >= HEAD || any;
    if seen.is_ok() && (own || (named && torn && !head.is_empty())) { Kind::Log } else { Kind::Other }
}

struct Walk<'a, 'b> {
    limits: Limits,
    entries: u64,
    left: Cell<u64>,
    seen: HashSet<PathBuf>,
    skipped: Vec<Skipped>,
    each: &'a mut Visit<'b>,
}

impl Walk<'_, '_> {
    fn skip(&mut self, path: &str, reason: SkipReason, detail: Option<String>) {
        // A hostile archive may have very many bad entries.
        if self.skipped.len() < 1000 {
            self.skipped.push(Skipped { path: path.to_owned(), reason, detail });
        }
    }

    /// Counts an entry; false once there are too many.
    fn count(&mut self, path: &str) -> bool {
        self.entries += 1;
        if self.entries == self.limits.entries + 1 {
            self.skip(path, SkipReason::TooMany, None);
        }
        self.entries <= self.limits.entries
    }

    fn path(&mut self, path: &Path, explicit: bool, folders: u32) -> Result<(), CbsError> {
        let shown = path.display().to_string();
        if !self.count(&shown) {
            return Ok(());
        }
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) => {
                self.skip(&shown, SkipReason::Unreadable, Some(error.to_string()));
                return Ok(());
            }
        };
        if meta.is_dir() {
            return self.folder(path, &shown, folders);
        }
        if !meta.is_file() {
            if explicit {
                self.skip(&shown, SkipReason::NotALog, None);
            }
            return Ok(());
        }
        if let Ok(real) = fs::canonicalize(path)
            && !self.seen.insert(real)
        {
            return Ok(());
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) => {
                self.skip(&shown, SkipReason::Unreadable, Some(error.to_string()));
                return Ok(());
            }
        };
        let mut head = Vec::new();
        let start = (&mut file).take(HEAD as u64).read_to_end(&mut head).and_then(|_| file.seek(SeekFrom::Start(0)));
        if let Err(error) = start {
            self.skip(&shown, SkipReason::Unreadable, Some(error.to_string()));
            return Ok(());
        }
        let name = base_name(&shown);
        match kind(name, &head) {
            Kind::Log => {
                (self.each)(Found { name: name.to_owned(), path: shown.clone(), size: Some(meta.len()) }, &mut file)
            }
            Kind::Zip => self.zip(&shown, file, 1),
            Kind::Cab => self.cab(&shown, file, 1),
            Kind::Gzip => self.gzip(&shown, file, 1),
            Kind::Foreign => {
                self.skip(&shown, SkipReason::ArchiveKind, None);
                Ok(())
            }
            // Behind a program that unpacks itself, or what is left of one whose beginning is lost.
            Kind::Other if (explicit || is_named(name, ".zip")) && torn_zip::has_end(&mut file) => {
                self.zip(&shown, file, 1)
            }
            Kind::Other => {
                if ARCHIVES.iter().any(|ending| is_named(name, ending)) {
                    self.skip(&shown, SkipReason::ArchiveHeadless, None);
                } else if explicit {
                    self.skip(&shown, SkipReason::NotALog, None);
                }
                Ok(())
            }
        }
    }

    fn folder(&mut self, path: &Path, shown: &str, folders: u32) -> Result<(), CbsError> {
        if folders >= MAX_FOLDERS {
            self.skip(shown, SkipReason::TooDeep, None);
            return Ok(());
        }
        let listing = fs::read_dir(path).and_then(|entries| entries.take(1_000_000).collect::<io::Result<Vec<_>>>());
        let mut children = match listing {
            Ok(children) => children,
            Err(error) => {
                self.skip(shown, SkipReason::Unreadable, Some(error.to_string()));
                return Ok(());
            }
        };
        children.sort_by_key(fs::DirEntry::file_name);
        for child in children {
            // A link to a folder may lead back up.
            let is_link = child.file_type().is_ok_and(|kind| kind.is_symlink());
            if is_link && fs::metadata(child.path()).is_ok_and(|meta| meta.is_dir()) {
                continue;
            }
            self.path(&child.path(), false, folders + 1)?;
        }
        Ok(())
    }

    /// One entry of an archive: a log is streamed, an archive unpacked to a temporary file.
    fn entry(&mut self, path: &str, size: Option<u64>, entry: &mut dyn Read, depth: u32) -> Result<(), CbsError> {
        let left = Cell::new(self.left.get());
        let exceeded = Cell::new(false);
        let mut entry = Budget { inner: entry, left: &left, exceeded: &exceeded };
        let mut head = Vec::new();
        let damage = (&mut entry).take(HEAD as u64).read_to_end(&mut head).err();
        let name = base_name(path);
        let found = kind(name, &head);
        if let Some(error) = damage {
            self.left.set(left.get());
            if found != Kind::Log {
                self.skip(path, SkipReason::ArchiveDamaged, Some(error.to_string()));
                return Ok(());
            }
            // What came before the damage is a log: it is read, and meets the same error where it breaks off.
            let mut whole = Cursor::new(head).chain(Broken(error.kind()));
            return (self.each)(Found { name: name.to_owned(), path: path.to_owned(), size }, &mut whole);
        }
        let outcome = match found {
            Kind::Log => {
                let mut whole = Cursor::new(head).chain(&mut entry);
                (self.each)(Found { name: name.to_owned(), path: path.to_owned(), size }, &mut whole)
            }
            Kind::Zip | Kind::Cab | Kind::Gzip => {
                let mut whole = Cursor::new(head).chain(&mut entry);
                let spooled = spool(&mut whole, self.limits.nested);
                self.left.set(left.get());
                match spooled {
                    Ok(Spooled { too_large: true, .. }) => self.skip(path, SkipReason::TooLarge, None),
                    // A gzip file is read as far as it goes; the others need their end.
                    Ok(Spooled { file, .. }) if found == Kind::Gzip => return self.gzip(path, file, depth + 1),
                    Ok(Spooled { damage: Some(error), .. }) | Err(error) => {
                        self.skip(path, SkipReason::ArchiveDamaged, Some(error.to_string()));
                    }
                    Ok(Spooled { file, .. }) if found == Kind::Zip => return self.zip(path, file, depth + 1),
                    Ok(Spooled { file, .. }) => return self.cab(path, file, depth + 1),
                }
                Ok(())
            }
            Kind::Foreign => {
                self.skip(path, SkipReason::ArchiveKind, None);
                Ok(())
            }
            Kind::Other => Ok(()),
        };
        self.left.set(left.get());
        if exceeded.get() {
            self.skip(path, SkipReason::TooLarge, None);
        }
        outcome
    }
}

/// Endings of archives that are read.
const ARCHIVES: [&str; 3] = [".zip", ".cab", ".gz"];

fn is_named(name: &str, ending: &str) -> bool {
    let tail = name.len().checked_sub(ending.len()).and_then(|at| name.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
