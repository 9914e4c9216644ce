//! The bytes of a file: mapped, or read when mapping is not wanted or not possible.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file's bytes, read-only.
pub enum Bytes {
    /// Mapped into memory.
    Mapped(memmap2::Mmap),
    /// Read into memory.
    Owned(Vec<u8>),
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = if matches!(self, Self::Mapped(_)) { "mapped" } else { "owned" };
        write!(f, "{} bytes, {how}", self.len())
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Bytes {
    /// Opens `path`; `map: false` reads the whole file into memory instead of mapping it.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(path: &Path, map: bool) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        // A pipe or an empty file cannot be mapped; reading gives the same bytes.
        if map && size > 0 {
            return map_file(&file).map(Self::Mapped);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self::Owned(bytes))
    }

    /// Tells the system that the whole file will be read once, front to back.
    pub fn advise_sequential(&self) {
        #[cfg(unix)]
        if let Self::Mapped(map) = self {
            // Advice only: a system that refuses it reads the same bytes.
            let _ = map.advise(memmap2::Advice::Sequential);
        }
    }
}

#[allow(unsafe_code, reason = "mapping a file is the one thing that cannot be done without it")]
fn map_file(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is read-only and private to this process, every read of it is bounds-checked, and no `&str` or
    // typed reference is laid over it, so bytes changed by another process can only yield wrong values, not undefined
    // control flow here. If another process truncates the file, touching a lost page raises SIGBUS on Unix (the
    // process ends) or an in-page error on Windows; `docs/robustness.md` says so and `--no-mmap` avoids it.
    unsafe { memmap2::Mmap::map(file) }
}
