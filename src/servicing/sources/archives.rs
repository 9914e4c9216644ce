//! Zip, cab and gzip archives: their members one by one.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::panic::{self, AssertUnwindSafe};

use encoding_rs::GB18030;

use super::spool::{Broken, Spooled, spool};
use super::{HEAD, Kind, SkipReason, Walk, base_name, cabinet, is_named, kind, torn_zip};
use crate::servicing::cbs::CbsError;

impl Walk<'_, '_> {
    pub(super) fn zip(&mut self, shown: &str, file: File, depth: u32) -> Result<(), CbsError> {
        if depth > self.limits.depth {
            self.skip(shown, SkipReason::TooDeep, None);
            return Ok(());
        }
        let again = file.try_clone();
        let Ok(mut archive) = zip::ZipArchive::new(io::BufReader::new(file)) else {
            self.skip(shown, SkipReason::ArchiveCutOff, None);
            return again.map_or(Ok(()), |file| self.zip_without_directory(shown, file, depth));
        };
        for index in 0..archive.len() {
            if !self.count(shown) {
                return Ok(());
            }
            let (inner, encrypted) = match archive.by_index_raw(index) {
                Ok(entry) if entry.is_dir() => continue,
                Ok(entry) => (decode_name(entry.name_raw()), entry.encrypted()),
                Err(error) => {
                    self.skip(shown, SkipReason::ArchiveDamaged, Some(error.to_string()));
                    continue;
                }
            };
            let path = format!("{shown}/{inner}");
            if encrypted {
                self.skip(&path, SkipReason::Encrypted, None);
                continue;
            }
            match archive.by_index(index) {
                Ok(mut entry) => {
                    let size = Some(entry.size());
                    self.entry(&path, size, &mut entry, depth)?;
                }
                Err(zip::result::ZipError::CompressionMethodNotSupported(_)) => {
                    self.skip(&path, SkipReason::Unsupported, None);
                }
                Err(error) => self.skip(&path, SkipReason::ArchiveDamaged, Some(error.to_string())),
            }
        }
        Ok(())
    }

    /// What comes before the damage of a zip file whose directory, at its end, is lost.
    fn zip_without_directory(&mut self, shown: &str, mut file: File, depth: u32) -> Result<(), CbsError> {
        if file.rewind().is_err() {
            return Ok(());
        }
        let mut stream = io::BufReader::new(file);
        if !torn_zip::find_first(&mut stream).is_ok_and(|found| found) {
            return Ok(());
        }
        while let Ok(Some(member)) = torn_zip::next(&mut stream) {
            if !self.count(shown) {
                return Ok(());
            }
            let path = format!("{shown}/{}", decode_name(&member.name));
            if member.encrypted {
                self.skip(&path, SkipReason::Encrypted, None);
            }
            let Some(mut contents) = torn_zip::contents(&member, &mut stream) else {
                if !member.encrypted {
                    self.skip(&path, SkipReason::Unsupported, None);
                }
                if torn_zip::pass(&member, &mut stream).is_err() {
                    return Ok(());
                }
                continue;
            };
            if !member.name.ends_with(b"/") {
                self.entry(&path, member.size, &mut contents, depth)?;
            }
            // The next member begins where this one ends.
            if io::copy(&mut contents, &mut io::sink()).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn cab(&mut self, shown: &str, file: File, depth: u32) -> Result<(), CbsError> {
        if depth > self.limits.depth {
            self.skip(shown, SkipReason::TooDeep, None);
            return Ok(());
        }
        let mut file = file;
        let opened = cabinet::check(&mut file)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| cab::Cabinet::new(io::BufReader::new(file)));
        let mut cabinet = match opened {
            Ok(cabinet) => cabinet,
            Err(error) => {
                let in_set = error.get_ref().is_some_and(|error| error.is::<cabinet::InSet>());
                let reason = if in_set { SkipReason::PartOfSet } else { SkipReason::ArchiveDamaged };
                self.skip(shown, reason, Some(error.to_string()));
                return Ok(());
            }
        };
        // A file is reached by unpacking its folder from the start, so each costs what lies before it as well.
        let mut names: Vec<(String, u64, u64)> = Vec::new();
        let mut known = HashSet::new();
        for folder in cabinet.folder_entries() {
            let mut before = 0u64;
            for entry in folder.file_entries() {
                let size = u64::from(entry.uncompressed_size());
                if known.insert(entry.name().to_owned()) {
                    names.push((entry.name().to_owned(), size, before));
                }
                before = before.saturating_add(size);
            }
        }
        for (name, size, before) in names {
            if !self.count(shown) {
                return Ok(());
            }
            let path = format!("{shown}/{}", name.replace('\\', "/"));
            let left = self.left.get();
            if before > left {
                self.skip(&path, SkipReason::TooLarge, None);
                continue;
            }
            self.left.set(left - before);
            // The reader may give up on hostile data by a panic: it runs alone, what it unpacks is used afterwards.
            let limit = self.limits.nested.min(self.left.get());
            let unpacked = panic::catch_unwind(AssertUnwindSafe(|| {
                let mut entry = cabinet.read_file(&name)?;
                let mut head = Vec::new();
                (&mut entry).take(HEAD as u64).read_to_end(&mut head)?;
                let found = kind(base_name(&path), &head);
                if found == Kind::Other {
                    return Ok(Unpacked::OfNoInterest);
                }
                let mut whole = Cursor::new(head).chain(entry);
                Ok(match spool(&mut whole, limit)? {
                    // Of a log, what lies before the damage counts.
                    Spooled { damage: Some(error), .. } if found != Kind::Log => return Err(error),
                    Spooled { too_large: true, .. } => Unpacked::TooLarge,
                    Spooled { file, damage, .. } => Unpacked::File(file, damage.map(|error| error.kind())),
                })
            }));
            match unpacked {
                Ok(Ok(Unpacked::File(mut file, None))) => self.entry(&path, Some(size), &mut file, depth)?,
                Ok(Ok(Unpacked::File(file, Some(error)))) => {
                    self.entry(&path, Some(size), &mut file.chain(Broken(error)), depth)?;
                }
                Ok(Ok(Unpacked::OfNoInterest)) => {}
                Ok(Ok(Unpacked::TooLarge)) => self.skip(&path, SkipReason::TooLarge, None),
                Err(_) => {
                    self.skip(shown, SkipReason::ArchiveDamaged, None);
                    return Ok(());
                }
                Ok(Err(error)) => {
                    let error: io::Error = error;
                    let quantum = error.to_string().to_ascii_lowercase().contains("quantum");
                    let reason = if quantum { SkipReason::Unsupported } else { SkipReason::ArchiveDamaged };
                    self.skip(&path, reason, Some(error.to_string()));
                }
            }
        }
        Ok(())
    }

    /// The one file in a gzip file; it goes by the outer name without `.gz`.
    pub(super) fn gzip(&mut self, shown: &str, file: File, depth: u32) -> Result<(), CbsError> {
        if depth > self.limits.depth {
            self.skip(shown, SkipReason::TooDeep, None);
            return Ok(());
        }
        if !self.count(shown) {
            return Ok(());
        }
        let name = base_name(shown);
        let inner = if is_named(name, ".gz") { name.get(..name.len() - 3).unwrap_or(name) } else { name };
        let inner = if inner.is_empty() { name } else { inner };
        let path = format!("{shown}/{inner}");
        let mut unpacked = flate2::read::MultiGzDecoder::new(io::BufReader::new(file));
        self.entry(&path, None, &mut unpacked, depth)
    }
}

/// What became of a file in a cabinet.
enum Unpacked {
    /// The file, and what broke it off.
    File(File, Option<io::ErrorKind>),
    OfNoInterest,
    TooLarge,
}

/// Names in a zip are UTF-8, or the code page of the machine that packed it.
fn decode_name(raw: &[u8]) -> String {
    let name = match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => GB18030.decode_without_bom_handling(raw).0.into_owned(),
    };
    name.replace('\\', "/")
}
