//! A naive model of the sharing and deletion rules, written from the rules and sharing no code with the engine: open
//! file objects in one list, every question answered by looking at all of them.

#![allow(clippy::unwrap_used)]

use pmlblame::nt::NtStatus;
use proptest::test_runner::{Config, RngSeed};
use std::collections::BTreeMap;

/// Read, write, delete.
pub(crate) const R: u8 = 1;
pub(crate) const W: u8 = 2;
pub(crate) const D: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    SharingViolation,
    DeletePending,
    NotFound,
    Collision,
    AccessDenied,
    CannotDelete,
    PathNotFound,
    FileDeleted,
    LockConflict,
    LockNotGranted,
}

impl Status {
    pub(crate) const fn nt(self) -> NtStatus {
        match self {
            Self::Success => NtStatus::SUCCESS,
            Self::SharingViolation => NtStatus::SHARING_VIOLATION,
            Self::DeletePending => NtStatus::DELETE_PENDING,
            Self::NotFound => NtStatus::OBJECT_NAME_NOT_FOUND,
            Self::Collision => NtStatus::OBJECT_NAME_COLLISION,
            Self::AccessDenied => NtStatus::ACCESS_DENIED,
            Self::CannotDelete => NtStatus::CANNOT_DELETE,
            Self::PathNotFound => NtStatus::OBJECT_PATH_NOT_FOUND,
            Self::FileDeleted => NtStatus::FILE_DELETED,
            Self::LockConflict => NtStatus::FILE_LOCK_CONFLICT,
            Self::LockNotGranted => NtStatus::LOCK_NOT_GRANTED,
        }
    }
}

/// The same histories every time; `PROPTEST_CASES` asks for more, and for others each time.
pub(crate) fn config() -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    Config {
        cases: asked.unwrap_or(1500),
        rng_seed: if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1500) },
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..Config::default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    pub(crate) process: usize,
    pub(crate) file: usize,
    /// The name entry it was opened by.
    pub(crate) link: usize,
    pub(crate) access: u8,
    pub(crate) share: u8,
    pub(crate) delete_on_close: bool,
    posix_marker: bool,
    /// It locked the whole file for itself.
    locks: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    file: usize,
    /// The name it had last.
    name: String,
    pending: bool,
    gone: bool,
}

/// The volume: names, links, open file objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Volume {
    names: BTreeMap<String, usize>,
    links: Vec<Link>,
    files: usize,
    pub(crate) handles: BTreeMap<u32, Handle>,
    /// Who runs which file as an image, until they end.
    images: Vec<(usize, usize)>,
    /// The folder that was renamed to another name.
    moved: Option<String>,
    next: u32,
}

pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// Processes whose going would let it succeed.
    pub(crate) blockers: Vec<usize>,
    /// The file was made.
    pub(crate) created: bool,
}

impl Outcome {
    fn failed(status: Status, mut blockers: Vec<usize>) -> Self {
        blockers.sort_unstable();
        blockers.dedup();
        Self { status, blockers, created: false }
    }

    pub(crate) fn done(created: bool) -> Self {
        Self { status: Status::Success, blockers: Vec::new(), created }
    }
}

fn conflict(a: &Handle, access: u8, share: u8) -> bool {
    a.access != 0 && access != 0 && (access & !a.share != 0 || a.access & !share != 0)
}

impl Volume {
    pub(crate) fn with_files(names: &[&str]) -> Self {
        let mut volume = Self::default();
        for name in names {
            volume.add(name);
        }
        volume
    }

    fn add(&mut self, name: &str) -> usize {
        let file = self.files;
        self.files += 1;
        self.add_link(name, file)
    }

    fn add_link(&mut self, name: &str, file: usize) -> usize {
        self.links.push(Link { file, name: name.into(), pending: false, gone: false });
        self.names.insert(name.into(), self.links.len() - 1);
        self.links.len() - 1
    }

    /// The name that a handle shows: what it is opened by is called now, or was called last.
    pub(crate) fn last_name_of(&self, handle: u32) -> String {
        self.name_of(handle).unwrap_or_else(|| self.links[self.handles[&handle].link].name.clone())
    }

    /// Whether the file of a handle has this other name.
    pub(crate) fn is_called(&self, handle: u32, name: &str) -> bool {
        let Handle { file, link, .. } = self.handles[&handle];
        self.names.get(name).is_some_and(|other| *other != link && self.links[*other].file == file)
    }

    pub(crate) fn name_of(&self, handle: u32) -> Option<String> {
        let link = self.handles[&handle].link;
        self.names.iter().find(|(_, known)| **known == link).map(|(name, _)| name.clone())
    }

    /// Runs the file of a name, if it can be.
    pub(crate) fn load(&mut self, process: usize, name: &str) -> bool {
        let Some(&link) = self.names.get(name) else { return false };
        if self.links[link].pending {
            return false;
        }
        self.images.push((process, self.links[link].file));
        true
    }

    /// The process ends: its handles and images are gone.
    pub(crate) fn exit(&mut self, process: usize) {
        let handles: Vec<u32> =
            self.handles.iter().filter(|(_, handle)| handle.process == process).map(|(id, _)| *id).collect();
        for handle in handles {
            self.close(handle);
        }
        self.images.retain(|(who, _)| *who != process);
    }

    fn runners(&self, file: usize) -> Vec<usize> {
        self.images.iter().filter(|(_, mapped)| *mapped == file).map(|(who, _)| *who).collect()
    }

    /// Renames a folder to `aside`, or back again. Refused by whatever is open below.
    pub(crate) fn move_folder(&mut self, folder: &str, aside: &str) -> Outcome {
        let away = self.moved.as_deref() == Some(folder);
        if self.moved.is_some() && !away {
            return Outcome::failed(Status::Collision, Vec::new());
        }
        let (from, to) = if away { (aside, folder) } else { (folder, aside) };
        let below = format!(r"{from}\");
        let inside: Vec<usize> =
            self.names.iter().filter(|(name, _)| name.starts_with(&below)).map(|(_, link)| *link).collect();
        let open: Vec<usize> =
            self.handles.values().filter(|handle| inside.contains(&handle.link)).map(|handle| handle.process).collect();
        if !open.is_empty() {
            return Outcome::failed(Status::AccessDenied, open);
        }
        for (name, link) in std::mem::take(&mut self.names) {
            let name = name.strip_prefix(&below).map_or(name.clone(), |leaf| format!(r"{to}\{leaf}"));
            self.names.insert(name, link);
        }
        self.moved = (!away).then(|| folder.to_owned());
        Outcome::done(false)
    }

    /// Where the folder is now: under its own name, or aside.
    pub(crate) fn is_moved(&self, folder: &str) -> bool {
        self.moved.as_deref() == Some(folder)
    }

    /// Whether the process has a handle that shows that name already, be it on a file that lost it.
    pub(crate) fn has(&self, process: usize, name: &str) -> bool {
        self.handles.iter().any(|(id, handle)| handle.process == process && self.last_name_of(*id) == name)
    }

    /// Whether a process that has the file of a handle open has another handle that shows the name it is to get.
    pub(crate) fn would_show_twice(&self, id: u32, to: &str) -> bool {
        let link = self.handles[&id].link;
        self.handles.values().any(|handle| handle.link == link && self.has(handle.process, to))
    }

    /// Everybody who keeps a pending name.
    fn keepers(&self, link: usize) -> Vec<usize> {
        let marker: Vec<usize> = self
            .handles
            .values()
            .filter(|handle| handle.link == link && handle.posix_marker)
            .map(|handle| handle.process)
            .collect();
        if !marker.is_empty() {
            return marker;
        }
        self.handles.values().filter(|handle| handle.link == link).map(|handle| handle.process).collect()
    }

    pub(crate) fn open(
        &mut self,
        process: usize,
        name: &str,
        access: u8,
        share: u8,
        doc: bool,
        create: bool,
    ) -> Outcome {
        let mut created = false;
        if self.moved.as_deref().is_some_and(|moved| name.starts_with(&format!(r"{moved}\"))) {
            return Outcome::failed(Status::PathNotFound, Vec::new());
        }
        let link = match self.names.get(name) {
            Some(&link) if self.links[link].pending => {
                return Outcome::failed(Status::DeletePending, self.keepers(link));
            }
            Some(_) if create => return Outcome::failed(Status::Collision, Vec::new()),
            Some(&link) => link,
            None if create => {
                created = true;
                self.add(name)
            }
            None => return Outcome::failed(Status::NotFound, Vec::new()),
        };
        let file = self.links[link].file;
        let mut blockers: Vec<usize> = self
            .handles
            .values()
            .filter(|handle| handle.file == file && conflict(handle, access, share))
            .map(|handle| handle.process)
            .collect();
        if access & W != 0 {
            blockers.extend(self.runners(file));
        } else if doc && blockers.is_empty() && !self.runners(file).is_empty() {
            return Outcome::failed(Status::CannotDelete, self.runners(file));
        }
        if !blockers.is_empty() {
            return Outcome::failed(Status::SharingViolation, blockers);
        }
        let handle =
            Handle { process, file, link, access, share, delete_on_close: doc, posix_marker: false, locks: false };
        self.next += 1;
        self.handles.insert(self.next, handle);
        Outcome::done(created)
    }

    pub(crate) fn close(&mut self, id: u32) {
        let handle = self.handles.remove(&id).unwrap();
        let link = handle.link;
        if handle.delete_on_close && !self.links[link].gone {
            self.links[link].pending = true;
        }
        let last = !self.handles.values().any(|other| other.link == link);
        if self.links[link].pending && (last || handle.posix_marker) {
            self.links[link].pending = false;
            self.links[link].gone = true;
            self.names.retain(|_, known| *known != link);
        }
    }

    /// Marks or unmarks through a handle with delete access.
    pub(crate) fn dispose(&mut self, id: u32, delete: bool, posix: bool) -> Outcome {
        let link = self.handles[&id].link;
        if self.handles[&id].access & D == 0 {
            return Outcome::failed(Status::AccessDenied, Vec::new());
        }
        if self.links[link].gone {
            return Outcome::failed(Status::FileDeleted, Vec::new());
        }
        let file = self.links[link].file;
        let links = self.links.iter().filter(|link| link.file == file && !link.gone).count();
        // One of several links may go if nobody asks for the check of the image.
        if delete && !self.runners(file).is_empty() && !(posix && links > 1) {
            return Outcome::failed(Status::CannotDelete, self.runners(file));
        }
        self.links[link].pending = delete;
        let marker = self.handles.values().any(|handle| handle.link == link && handle.posix_marker);
        if !delete {
            for handle in self.handles.values_mut().filter(|handle| handle.link == link) {
                handle.posix_marker = false;
            }
        } else if posix && !marker {
            // The flag stays with that handle whatever others mark afterwards.
            self.handles.get_mut(&id).unwrap().posix_marker = true;
        }
        Outcome::done(false)
    }

    pub(crate) fn rename(&mut self, id: u32, to: &str, replace: bool, posix: bool) -> Outcome {
        if self.moved.as_deref().is_some_and(|moved| to.starts_with(&format!(r"{moved}\"))) {
            return Outcome::failed(Status::PathNotFound, Vec::new());
        }
        let link = self.handles[&id].link;
        if self.links[link].gone || self.links[link].pending || self.handles[&id].access & D == 0 {
            return Outcome::failed(Status::AccessDenied, Vec::new());
        }
        match self.names.get(to) {
            Some(&target) if target == link => return Outcome::done(false),
            Some(_) if !replace => return Outcome::failed(Status::Collision, Vec::new()),
            Some(&target) if self.links[target].pending => {
                return Outcome::failed(Status::DeletePending, self.keepers(target));
            }
            Some(&target) => {
                let open: Vec<usize> =
                    self.handles.values().filter(|handle| handle.link == target).map(|handle| handle.process).collect();
                let open = if posix { Vec::new() } else { open };
                let open: Vec<usize> = open.into_iter().chain(self.runners(self.links[target].file)).collect();
                if !open.is_empty() {
                    return Outcome::failed(Status::AccessDenied, open);
                }
                let against: Vec<usize> = self
                    .handles
                    .values()
                    .filter(|handle| handle.file == self.links[target].file)
                    .filter(|handle| posix && handle.access != 0 && handle.share & D == 0)
                    .map(|handle| handle.process)
                    .collect();
                if !against.is_empty() {
                    return Outcome::failed(Status::SharingViolation, against);
                }
                self.links[target].gone = true;
            }
            None => {}
        }
        self.names.retain(|_, known| *known != link);
        self.names.insert(to.into(), link);
        self.links[link].name = to.into();
        Outcome::done(false)
    }

    pub(crate) fn link(&mut self, id: u32, to: &str) -> Outcome {
        if self.moved.as_deref().is_some_and(|moved| to.starts_with(&format!(r"{moved}\"))) {
            return Outcome::failed(Status::PathNotFound, Vec::new());
        }
        let link = self.handles[&id].link;
        // Through a handle on a deleted name of a file that has another one it may well work: no source tells.
        let lives = |one: &Link| one.file == self.links[link].file && !one.gone;
        if !self.links.iter().any(lives) || self.links[link].pending {
            return Outcome::failed(Status::AccessDenied, Vec::new());
        }
        if self.names.contains_key(to) {
            return Outcome::failed(Status::Collision, Vec::new());
        }
        let file = self.links[link].file;
        self.add_link(to, file);
        Outcome::done(false)
    }

    /// Others' handles that have the file locked.
    fn lockers(&self, id: u32) -> Vec<usize> {
        let file = self.handles[&id].file;
        let others = self.handles.iter().filter(|(other, handle)| **other != id && handle.file == file && handle.locks);
        others.map(|(_, handle)| handle.process).collect()
    }

    /// Locks the whole file for a handle alone.
    pub(crate) fn lock(&mut self, id: u32) -> Outcome {
        let others = self.lockers(id);
        if !others.is_empty() {
            return Outcome::failed(Status::LockNotGranted, others);
        }
        self.handles.get_mut(&id).unwrap().locks = true;
        Outcome::done(false)
    }

    /// Reads or writes by a handle that may.
    pub(crate) fn transfer(&self, id: u32) -> Outcome {
        let others = self.lockers(id);
        if others.is_empty() { Outcome::done(false) } else { Outcome::failed(Status::LockConflict, others) }
    }
}
