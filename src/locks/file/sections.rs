//! Sections over a file: images and data, from their creation until something shows them gone (MM-1 to MM-5, SA-8).

use crate::capture::op::{Op, OpKind, OpLog, ProcessId};
use crate::locks::exits::Exits;
use crate::locks::identity::Names;
use crate::locks::spans::Instant;
use crate::nt::sharing::{AccessClasses, effective_access};
use crate::nt::{AccessMask, CreateDisposition, CreateOptions, FileTime, ShareAccess};
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashSet};

/// Refused overwriting opens of one file that are asked what they met.
const MAX_MET: usize = 64;
/// `SEC_IMAGE`.
const SEC_IMAGE: u32 = 0x0100_0000;
/// `PAGE_READWRITE | PAGE_EXECUTE_READWRITE`: write intent. Copy on write has none.
const WRITABLE: u32 = 0x04 | 0x40;

/// What a section is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The process's own program: stays until it exits.
    Program,
    /// An image that was loaded.
    Image,
    /// An image section that nothing shows loaded.
    ImageSection,
    /// A data section.
    Data { writable: Option<bool> },
    /// The system does not record which; an export not even whether with write intent.
    Unknown { writable: Option<bool> },
}

/// The sections of one kind that a process made over the file.
#[derive(Debug, Default)]
struct Made {
    /// Since before the first event.
    older: bool,
    /// Completion of each, with the operation.
    times: Vec<(FileTime, u32)>,
}

/// One section that may be alive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapped {
    pub(crate) process: ProcessId,
    pub(crate) kind: Kind,
    /// The operation that made it; `None` when older than the capture.
    pub(crate) made: Option<u32>,
    /// The exit that ends it, if known.
    pub(crate) exit: Option<(Option<u32>, FileTime)>,
    /// Held over the whole instant, were it never unmapped.
    pub(crate) through: bool,
    /// The start of a success after the instant that shows it gone by then (AT-11); its process, if it exits later, released
    /// nothing by that.
    pub(crate) gone: Option<FileTime>,
}

/// The sections of one file.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    made: IndexMap<(ProcessId, Kind), Made, FxBuildHasher>,
    /// Successes that no data section, writable data section or image would have allowed: their starts and operation indices.
    no_data: Vec<(FileTime, u32)>,
    no_writable: Vec<(FileTime, u32)>,
    no_image: Vec<(FileTime, u32)>,
    /// Overwriting opens that a data section refused (MM-4).
    met_data: Vec<Instant>,
    /// The sections that one of these shows to be over data (operation indices).
    data: FxHashSet<u32>,
}

impl Kind {
    /// Whether it may be an image mapping.
    pub(crate) fn image(self) -> bool {
        matches!(self, Self::Program | Self::Image | Self::ImageSection | Self::Unknown { .. })
    }

    /// Whether it may be a data mapping.
    pub(crate) fn data(self) -> bool {
        matches!(self, Self::Data { .. } | Self::Unknown { .. })
    }

    /// Whether it has write intent.
    pub(crate) fn writable(self) -> bool {
        matches!(self, Self::Data { writable: Some(true) } | Self::Unknown { writable: Some(true) })
    }

    /// Whether it may have.
    pub(crate) fn may_write(self) -> bool {
        matches!(self, Self::Data { writable: Some(true) | None } | Self::Unknown { writable: Some(true) | None })
    }
}

impl Sections {
    pub(crate) fn images_before(&mut self, names: &Names, file: u32) {
        for &(process, own) in names.images_of(file) {
            self.made.entry((process, if own { Kind::Program } else { Kind::Image })).or_default().older = true;
        }
    }

    pub(crate) fn created(&mut self, op: &Op, at: u32, now: Instant, protection: u32, allocation: u32) {
        let writable = protection & WRITABLE != 0;
        let kind = match allocation {
            0 => Kind::Unknown { writable: (protection != 0).then_some(writable) },
            bits if bits & SEC_IMAGE != 0 => Kind::ImageSection,
            _ => Kind::Data { writable: Some(writable) },
        };
        self.made.entry((op.process, kind)).or_default().times.push((now.end, at));
    }

    pub(crate) fn loaded(&mut self, log: &OpLog, op: &Op, at: u32, now: Instant) {
        let own = log.processes.get(op.process.0 as usize).is_some_and(|process| {
            let path = log.paths.get(op.path);
            !process.image_path.is_empty() && crate::nt::path::same(&process.image_path, path)
        });
        let kind = if own { Kind::Program } else { Kind::Image };
        self.made.entry((op.process, kind)).or_default().times.push((now.end, at));
        // The section made for the load is this image, not another mapping.
        for kind in [Kind::Unknown { writable: Some(false) }, Kind::Unknown { writable: None }, Kind::ImageSection] {
            self.made.shift_remove(&(op.process, kind));
        }
    }

    /// The processes that ever mapped the file.
    pub(crate) fn processes(&self) -> impl Iterator<Item = ProcessId> + '_ {
        self.made.keys().map(|(process, _)| *process)
    }

    /// Whether the process ever mapped the file.
    pub(crate) fn maps(&self, process: ProcessId) -> bool {
        self.made.keys().any(|(who, _)| *who == process)
    }

    /// A successful create is evidence against sections that would have refused it (MM-2, MM-4, SA-8).
    pub(crate) fn success(&mut self, op: &Op, at: u32, now: Instant) {
        let OpKind::Create(create) = op.kind else { return };
        let (Some(access), Some(share)) = (create.access, create.share) else { return };
        let effective = effective_access(access, create.disposition);
        let overwrites = matches!(
            create.disposition,
            Some(CreateDisposition::OVERWRITE | CreateDisposition::OVERWRITE_IF | CreateDisposition::SUPERSEDE)
        );
        if effective.intersects(AccessMask::WRITE_DATA) || create.options.contains(CreateOptions::DELETE_ON_CLOSE) {
            note(&mut self.no_image, now.start, at);
        }
        if overwrites {
            note(&mut self.no_data, now.start, at);
        }
        if !AccessClasses::of(effective).is_empty() && !share.contains(ShareAccess::WRITE) {
            note(&mut self.no_writable, now.start, at);
        }
    }

    /// MM-4: an overwriting open ended in USER MAPPED FILE, as it does where data is mapped.
    pub(crate) fn refused_overwrite(&mut self, now: Instant) {
        if self.met_data.len() < MAX_MET {
            self.met_data.push(now);
        }
    }

    /// Tells which sections of an unrecorded kind are over data: the only ones that an overwriting open can have met.
    pub(crate) fn finish(&mut self, exits: &Exits) {
        for now in std::mem::take(&mut self.met_data) {
            let able: Vec<Mapped> = self.at(now, exits, 8).into_iter().filter(|one| one.kind.data()).collect();
            if let [Mapped { process, kind: kind @ Kind::Unknown { .. }, made: Some(op), .. }] = able[..]
                && self
                    .made
                    .get(&(process, kind))
                    .is_some_and(|made| !made.older && made.times.partition_point(|(time, _)| *time <= now.end) == 1)
            {
                self.data.insert(op);
            }
        }
    }

    /// A disposition succeeded: nothing was mapped (MM-1), but perhaps by a view that only reads, where sources disagree; an image
    /// of several links only if the check was forced (MM-3).
    pub(crate) fn disposed(&mut self, at: u32, now: Instant, image_too: bool) {
        note(&mut self.no_writable, now.start, at);
        if image_too {
            note(&mut self.no_image, now.start, at);
        }
    }

    /// The file was cut to nothing: no section of any kind (MM-4).
    pub(crate) fn truncated(&mut self, at: u32, now: Instant) {
        note(&mut self.no_data, now.start, at);
        note(&mut self.no_image, now.start, at);
    }

    /// The success before `at` that shows a section made at `since` to be gone by then (AT-11); one whose kind is not known, only
    /// if neither an image nor data can be there.
    fn gone_by(&self, kind: Kind, since: FileTime, at: Instant) -> Option<(FileTime, u32)> {
        let last = |list: &[(FileTime, u32)]| {
            let before = list.partition_point(|(time, _)| *time < at.start);
            list.get(..before)?.last().filter(|(time, _)| *time >= since).copied()
        };
        // No image is mapped for writing.
        let image = (kind.image() && !kind.writable()).then(|| last(&self.no_image));
        let writable = || kind.writable().then(|| last(&self.no_writable)).flatten();
        let data = kind.data().then(|| last(&self.no_data).or_else(writable));
        match (image, data) {
            (Some(image), Some(data)) => image.zip(data).map(|(image, data)| image.max(data)),
            (image, data) => image.or(data).flatten(),
        }
    }

    /// The processes whose latest section of each kind was shown gone by `at`, with the success that shows it.
    pub(crate) fn gone(&self, at: Instant) -> Vec<(ProcessId, u32)> {
        let gone = |(&(process, kind), made): (&(ProcessId, Kind), &Made)| {
            let before = made.times.partition_point(|(time, _)| *time <= at.start);
            let since = made.times.get(..before)?.last().map(|(time, _)| *time);
            let since = since.or_else(|| made.older.then_some(FileTime(0)))?;
            Some((process, self.gone_by(kind, since, at)?.1))
        };
        self.made.iter().filter_map(gone).take(1024).collect()
    }

    /// The sections that may be alive within `at`, the latest of each process and kind.
    pub(crate) fn at(&self, at: Instant, exits: &Exits, limit: usize) -> Vec<Mapped> {
        let mut found = Vec::new();
        for (&(process, kind), made) in &self.made {
            if found.len() >= limit {
                break;
            }
            let exit = exits.get(process.0 as usize).copied().flatten();
            if exit.is_some_and(|(_, time)| time <= at.start) {
                continue;
            }
            let after = made.times.partition_point(|(time, _)| *time <= at.end);
            let latest = made.times.get(..after).and_then(|times| times.last());
            let (since, op) = match latest {
                Some((time, op)) => (*time, Some(*op)),
                None if made.older => (FileTime(0), None),
                None => continue,
            };
            let kind = match kind {
                Kind::Unknown { writable } if op.is_some_and(|op| self.data.contains(&op)) => Kind::Data { writable },
                kind => kind,
            };
            if self.gone_by(kind, since, at).is_some() {
                continue;
            }
            let through = since <= at.start && exit.is_none_or(|(_, time)| time >= at.end);
            let until = Instant::point(exit.map_or(FileTime(u64::MAX), |(_, time)| time));
            let gone = self.gone_by(kind, at.end, until).map(|(time, _)| time);
            let exit = exit.filter(|_| gone.is_none());
            found.push(Mapped { process, kind, made: op, exit, through, gone });
        }
        found
    }
}

fn note(list: &mut Vec<(FileTime, u32)>, time: FileTime, at: u32) {
    // Completion order is nearly start order; keeping the list ascending lets it be searched.
    let time = list.last().map_or(time, |(last, _)| time.max(*last));
    if list.last().is_none_or(|(last, _)| *last != time) {
        list.push((time, at));
    }
}
