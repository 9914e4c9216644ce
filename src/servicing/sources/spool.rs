//! Streams that end: by damage, by a budget, or in a temporary file.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::HEAD;

/// A stream that breaks off.
pub(super) struct Broken(pub(super) io::ErrorKind);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

/// Ends a stream when the common budget is used up.
pub(super) struct Budget<'a> {
    pub(super) inner: &'a mut dyn Read,
    pub(super) left: &'a Cell<u64>,
    pub(super) exceeded: &'a Cell<bool>,
}

impl Read for Budget<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            self.exceeded.set(true);
            return Ok(0);
        }
        let room = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = self.inner.read(into.get_mut(..room).unwrap_or_default())?;
        self.left.set(left - got as u64);
        Ok(got)
    }
}

/// What was unpacked to a temporary file.
pub(super) struct Spooled {
    pub(super) file: File,
    pub(super) too_large: bool,
    /// Where the source broke off.
    pub(super) damage: Option<io::Error>,
}

/// Unpacks to a temporary file without a name.
pub(super) fn spool(from: &mut dyn Read, limit: u64) -> io::Result<Spooled> {
    let mut file = tempfile::tempfile()?;
    let mut from = from.take(limit.saturating_add(1));
    let mut buffer = vec![0; HEAD];
    let (mut copied, mut damage) = (0, None);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => {
                file.write_all(buffer.get(..got).unwrap_or_default())?;
                copied += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                damage = Some(error);
                break;
            }
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Spooled { file, too_large: copied > limit, damage })
}
