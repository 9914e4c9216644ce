//! The bytes of a file: mapped, or read when mapping is not wanted or not possible.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Files up to this size are read into memory when mapping is not wanted; larger ones are copied.
const IN_MEMORY: u64 = 16 << 20;

/// A file's bytes, read-only.
pub enum Bytes {
    /// Mapped into memory.
    Mapped(memmap2::Mmap),
    /// Copied to a temporary file that nobody else can reach, and that copy mapped.
    Copied(memmap2::Mmap, File),
    /// Read into memory.
    Owned(Vec<u8>),
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self {
            Self::Mapped(_) => "mapped",
            Self::Copied(..) => "copied",
            Self::Owned(_) => "owned",
        };
        write!(f, "{} bytes, {how}", self.len())
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) | Self::Copied(map, _) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Bytes {
    /// Opens `path`; `map: false` reads the file instead of mapping it: a small one into memory, a large one into a
    /// temporary file (in the system's folder for them), so that memory does not grow with the file.
    ///
    /// # Errors
    /// Those of the operating system, among them a full disk where temporary files go.
    pub fn open(path: &Path, map: bool) -> io::Result<Self> {
        Self::open_behind(path, map, 0)
    }

    /// The same without the first `before` bytes of the file.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open_behind(path: &Path, map: bool, before: u64) -> io::Result<Self> {
        let mut file = open_file(path)?;
        let size = file.metadata()?.len();
        // A folder or an empty file cannot be mapped; reading gives the same bytes.
        if map && size > before {
            return map_file(&file, before).map(Self::Mapped);
        }
        io::copy(&mut (&mut file).take(before), &mut io::sink())?;
        let mut bytes = Vec::new();
        (&mut file).take(IN_MEMORY + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= IN_MEMORY {
            return Ok(Self::Owned(bytes));
        }
        // Written, not mapped and filled: a full disk is then an error here and not a fault later.
        let mut copy = tempfile::tempfile()?;
        copy.write_all(&bytes)?;
        drop(bytes);
        io::copy(&mut file, &mut copy)?;
        copy.flush()?;
        Ok(Self::Copied(map_file(&copy, 0)?, copy))
    }

    /// Tells the system that the whole file will be read once, front to back.
    pub fn advise_sequential(&self) {
        #[cfg(unix)]
        if let Self::Mapped(map) | Self::Copied(map, _) = self {
            // Advice only: a system that refuses it reads the same bytes.
            let _ = map.advise(memmap2::Advice::Sequential);
        }
    }
}

/// Opens what can be read more than once: a pipe would give its bytes to the first who looks, and block the next.
///
/// # Errors
/// The system's; [`io::ErrorKind::Unsupported`] for a pipe or a device.
pub fn open_file(path: &Path) -> io::Result<File> {
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() { File::open(path) } else { Err(io::ErrorKind::Unsupported.into()) }
}

#[allow(unsafe_code, reason = "mapping a file is the one thing that cannot be done without it")]
fn map_file(file: &File, from: u64) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is read-only and every read of it is bounds-checked against its length, so as long as nobody changes
    // the file the slice is what it seems. That nobody does cannot be had from the systems; what then may happen is told in
    // `docs/robustness.md`: wrong values, text that is no longer UTF-8 behind a checked `&str` (paths and rows borrow from
    // the map), and the end of the process where the file is cut short. `--no-mmap` avoids all of it.
    unsafe { memmap2::MmapOptions::new().offset(from).map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_gives_the_same_bytes_as_mapping() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0usize, 1, IN_MEMORY as usize, IN_MEMORY as usize + 1, IN_MEMORY as usize + 70_001] {
            let path = folder.path().join(size.to_string());
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let read = Bytes::open(&path, false).unwrap();
            assert_eq!(matches!(read, Bytes::Copied(..)), size as u64 > IN_MEMORY, "{size}");
            // What happens to the file afterwards is of no concern.
            std::fs::write(&path, b"shorter").unwrap();
            assert!(*read == *bytes, "{size}");
        }
    }

    #[test]
    fn what_stands_before_is_left_out_either_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..20_000).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        for before in [0, 1, 37, 4096, 4097, 19_999, 20_000] {
            for map in [true, false] {
                assert!(*Bytes::open_behind(&path, map, before as u64).unwrap() == bytes[before..], "{before} {map}");
            }
        }
    }
}
