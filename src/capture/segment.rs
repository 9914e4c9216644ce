//! One file of a capture, and the neighbours that Procmon split it into.

use super::map::Bytes;
use super::scan::NETWORK_SEQUENCE;
use crate::pml::recover::{self, RescueReport};
use crate::pml::{Container, Event, Pml, PmlError};
use std::io;
use std::path::{Path, PathBuf};

/// A capture that could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// File.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a readable capture.
    #[error("{}: {source}", path.display())]
    Pml {
        /// File.
        path: PathBuf,
        /// What is wrong, and where.
        source: PmlError,
    },
    /// Segments that cannot belong to one capture.
    #[error("{}: not a segment of the same capture: its {what} differs", path.display())]
    Mismatch {
        /// File.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

impl OpenError {
    /// The file it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. } | Self::Pml { path, .. } | Self::Mismatch { path, .. } => path,
        }
    }

    /// What is wrong, without the file's name.
    pub fn reason(&self) -> String {
        match self {
            Self::Io { source, .. } => source.to_string(),
            Self::Pml { source, .. } => source.to_string(),
            Self::Mismatch { what, .. } => format!("its {what} differs"),
        }
    }
}

/// One capture file: its bytes and its tables.
#[derive(Debug)]
pub struct Segment {
    /// Where it was opened.
    pub path: PathBuf,
    bytes: Bytes,
    container: Container,
    /// Number of its first event within the capture.
    pub first_event: u64,
}

impl Segment {
    /// Opens one file and reads its tables.
    ///
    /// # Errors
    /// The system's, or the damage found.
    pub fn open(path: &Path, map: bool) -> Result<Self, OpenError> {
        let bytes = Bytes::open(path, map).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        let container = Container::parse(&bytes).map_err(|source| OpenError::Pml { path: path.to_owned(), source })?;
        Ok(Self::from_parts(path.to_owned(), bytes, container))
    }

    /// Opens one file; a damaged one is rescued, and the report says how.
    ///
    /// # Errors
    /// The system's, or the damage found when a rescue is not possible.
    pub fn open_or_rescue(path: &Path, map: bool) -> Result<(Self, Option<RescueReport>), OpenError> {
        let bytes = Bytes::open(path, map).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        Self::read_or_rescue(path.to_owned(), bytes)
    }

    /// As [`read_or_rescue`](Self::read_or_rescue), but looks at every event for damage first.
    ///
    /// # Errors
    /// The damage found when a rescue is not possible.
    pub fn verify_or_rescue(path: PathBuf, bytes: Bytes) -> Result<(Self, Option<RescueReport>), OpenError> {
        let (segment, report) = Self::read_or_rescue(path, bytes)?;
        if report.is_some() {
            return Ok((segment, report));
        }
        match recover::verify(&segment.bytes, &segment.container) {
            Ok(()) => Ok((segment, None)),
            Err(cause) => match recover::rescue(&segment.bytes, cause) {
                Ok((container, report)) => Ok((Self { container, ..segment }, Some(report))),
                Err(source) => Err(OpenError::Pml { path: segment.path, source }),
            },
        }
    }

    /// As [`open_or_rescue`](Self::open_or_rescue), from bytes at hand.
    ///
    /// # Errors
    /// The damage found when a rescue is not possible.
    pub fn read_or_rescue(path: PathBuf, bytes: Bytes) -> Result<(Self, Option<RescueReport>), OpenError> {
        let checked =
            Container::parse(&bytes).and_then(|container| recover::check(&bytes, &container).map(|()| container));
        match checked {
            Ok(container) => Ok((Self::from_parts(path, bytes, container), None)),
            Err(cause) => match recover::rescue(&bytes, cause) {
                Ok((container, report)) => Ok((Self::from_parts(path, bytes, container), Some(report))),
                Err(source) => Err(OpenError::Pml { path, source }),
            },
        }
    }

    /// Joins bytes and tables obtained otherwise (a rescue).
    pub const fn from_parts(path: PathBuf, bytes: Bytes, container: Container) -> Self {
        Self { path, bytes, container, first_event: 0 }
    }

    /// Leaves out its first `count` events, which an earlier file of the capture holds already.
    pub(super) fn skip_events(&mut self, count: u32) {
        self.container.skip_events(count);
    }

    /// How many of the first events of `later` this one holds too: from the place of its first event here to the end, all
    /// in the same order. 0 where the two hold no common run.
    pub(super) fn repeated_in(&self, later: &Self) -> u32 {
        let (here, there) = (self.pml(), later.pml());
        let known = |event: Event<'_>| (event.sequence(), event.time(), event.class(), event.operation());
        let Ok(first) = there.event(0) else { return 0 };
        let count = here.event_count();
        let from = (0..count)
            .rev()
            .map_while(|n| here.event(n).ok().filter(|event| event.time() >= first.time()).map(|event| (n, event)))
            .find(|(_, event)| known(*event) == known(first));
        let Some((from, _)) = from else { return 0 };
        let same = (from..count).zip(0..there.event_count()).take_while(|(a, b)| {
            here.event(*a).is_ok_and(|one| there.event(*b).is_ok_and(|other| known(one) == known(other)))
        });
        let same = u32::try_from(same.count()).unwrap_or(u32::MAX);
        if same == (count - from).min(there.event_count()) { same } else { 0 }
    }

    /// The driver's numbers of its first and its last event.
    fn numbers(&self) -> Option<(u32, u32)> {
        let pml = self.pml();
        let number = |n: u32| pml.event(n).ok().map(Event::sequence).filter(|number| *number < NETWORK_SEQUENCE);
        Some((number(0)?, number(pml.event_count().checked_sub(1)?)?))
    }

    /// The view of its events and tables.
    #[inline]
    pub fn pml(&self) -> Pml<'_> {
        Pml::new(&self.bytes, &self.container)
    }

    /// Tells the system that the file will be read front to back.
    pub fn advise_sequential(&self) {
        self.bytes.advise_sequential();
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file name without its folder, as text.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// Puts segments in the order of the driver's numbers, if these do not overlap: the clock may have been set in between.
pub(super) fn sort_by_number(segments: &mut [Segment]) {
    let numbers: Option<Vec<(u32, u32)>> = segments.iter().map(Segment::numbers).collect();
    let Some(mut numbers) = numbers else { return };
    numbers.sort_unstable();
    let apart = numbers.iter().all(|(first, last)| first <= last)
        && numbers.iter().zip(numbers.iter().skip(1)).all(|(one, next)| one.1 < next.0);
    if apart {
        segments.sort_by_key(|segment| segment.numbers().unwrap_or_default());
    }
}

/// The further files of a split capture that lie beside `first`: `name-1.PML`, `name-2.PML`, … Numbers may be missing
/// (Procmon deletes the oldest when told to), but after sixteen missing in a row the search ends.
pub fn segments_beside(first: &Path) -> Vec<PathBuf> {
    let Some(stem) = first.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { return Vec::new() };
    let extension = first.extension().map(|ext| ext.to_string_lossy().into_owned()).unwrap_or_default();
    let mut found = Vec::new();
    let mut missing = 0;
    let mut number = 1u32;
    while missing < 16 {
        let candidate = first.with_file_name(format!("{stem}-{number}.{extension}"));
        if candidate.is_file() {
            found.push(candidate);
            missing = 0;
        } else {
            missing += 1;
        }
        number += 1;
    }
    found
}
