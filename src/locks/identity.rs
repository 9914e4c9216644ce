//! Which file an operation meant: names, links and their lives (AT-1, AT-2, AT-5).
//!
//! A namespace of slots (directory identity, folded name) is replayed in completion order. Renaming a directory moves
//! one binding and every name below follows. What comes out is the link that each operation named, never a path.

mod bearers;
mod case;
mod forest;
mod namespace;
mod paths;
mod short;

use crate::capture::op::{Op, OpLog, PathId, ProcessId};
use crate::nt::{FileTime, NtStatus};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::HashMap;

/// No link, no slot, no residence end.
pub(crate) const NONE: u32 = u32::MAX;
/// The unnamed stream.
pub(crate) const UNNAMED: u32 = 0;
/// Components beyond this many are taken as one name, so that no path costs more than this to follow.
const MAX_DEPTH: usize = 128;
/// Replays anew once a folder turns out to tell names apart by case, at most.
const MAX_REPLAYS: usize = 4;

/// The link and the stream an operation named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) link: u32,
    pub(crate) stream: u32,
}

/// Where a rename or a hard link was to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The link that had the name, or [`NONE`].
    pub(crate) link: u32,
    /// The directory that holds the name.
    pub(crate) dir: u32,
}

/// One file identity.
#[derive(Clone, Copy, Debug)]
struct FileRec {
    /// Start of the create that made it; `None` when it is older than the capture or its birth was not seen.
    born: Option<FileTime>,
    /// Parent in the forest of files found to be one by their id, or by a link that may have been another's.
    joined: u32,
    /// The same without such links.
    tied: u32,
    /// It had more than one name.
    several: bool,
    /// The latest link.
    link: u32,
    has_children: bool,
}

/// One name of a file, from its making to its end, through renames.
#[derive(Clone, Copy, Debug)]
struct LinkRec {
    file: u32,
    slot: u32,
    died: u32,
    /// When a disposition marked it; not undone since.
    marked: Option<FileTime>,
    seen: bool,
    /// The path it was made by or renamed to, which tells the letter case of its name.
    made_as: Option<PathId>,
    /// Marked at least once, or opened delete-on-close.
    ever_marked: bool,
    /// Marked with POSIX semantics at least once.
    posix: bool,
    gone_by_lookup: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    dir: u32,
    name: u32,
    link: u32,
    last: u32,
    /// The slot of the long name when this one is an 8.3 alias.
    alias: u32,
}

/// A stay of a link in a slot, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Residence {
    pub(crate) link: u32,
    pub(crate) dir: u32,
    pub(crate) name: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Parsed {
    from: u32,
    count: u32,
    stream: u32,
    /// A part of it may be an 8.3 name.
    short: bool,
}

/// The replayed namespace: what every operation named.
#[derive(Debug)]
pub(crate) struct Names {
    files: Vec<FileRec>,
    links: Vec<LinkRec>,
    slots: Vec<Slot>,
    slot_of: FxHashMap<(u32, u32), u32>,
    name_ids: HashMap<Box<str>, u32>,
    /// For each name the number of it without a transaction id in front.
    plain: Vec<u32>,
    /// Names that may be 8.3 aliases.
    short: Vec<(u32, Box<str>)>,
    /// A listing tied one of them to a long name.
    aliased: bool,
    ties: short::Ties,
    spellings: short::Spellings,
    stream_ids: HashMap<Box<str>, u32>,
    parsed: Vec<Parsed>,
    components: Vec<u32>,
    cache: Vec<(u32, u32)>,
    epoch: u32,
    /// By operation index.
    pub(crate) places: Vec<Place>,
    targets: FxHashMap<u32, Target>,
    /// The names that links made, by operation index.
    linked: FxHashMap<u32, u32>,
    residences: Vec<Residence>,
    open_residence: FxHashMap<u32, u32>,
    by_dir: Vec<u32>,
    by_name: Vec<u32>,
    bearers: bearers::Bearers,
    ids: FxHashMap<(u32, u128), u32>,
    /// Files that seem to have two ids: at some time the name was another file's, which nothing else shows.
    torn: FxHashSet<u32>,
    /// Images mapped before the first event: process, link, and whether it is the process's own program.
    images: Vec<(ProcessId, u32, bool)>,
    images_of: FxHashMap<u32, Vec<(ProcessId, bool)>>,
    /// One number for all spellings of a path, by path id.
    keys: Vec<u32>,
    /// Renames of folders that succeeded: the folder, tick, operation index.
    folder_moves: Vec<(u32, u32, u32)>,
    /// The stays of each link; kept where folders were renamed.
    stays: FxHashMap<u32, Vec<u32>>,
    /// Folders in which letter case counts, by folded path, and further ones that the replay showed.
    sensitive: case::Folders,
    twins: case::Folders,
    /// Deletions that a lock refused: directory of the name, tick, operation index. Sorted.
    pub(crate) refused: Vec<(u32, u32, u32)>,
    /// Operations that what went before does not account for.
    pub(crate) odd: u32,
}

/// Whether the operation has completed well. A pending one has not.
pub(crate) fn succeeded(op: &Op) -> bool {
    op.status.is_success() && op.status != NtStatus::PENDING
}

/// Whether a create left an open handle: REPARSE only redirects.
pub(crate) fn opens(op: &Op) -> bool {
    const REPARSE_GLOBAL: NtStatus = NtStatus(0x368);
    succeeded(op) && op.status != NtStatus::REPARSE && op.status != REPARSE_GLOBAL
}

impl Names {
    /// Replays every operation in completion order.
    pub(crate) fn replay(log: &OpLog, order: &[u32]) -> Self {
        let mut names = Self::replay_with(log, order, case::shown(log));
        for _ in 0..MAX_REPLAYS {
            if names.twins.is_empty() {
                break;
            }
            let known = std::mem::take(&mut names.sensitive).into_iter();
            names = Self::replay_with(log, order, known.chain(std::mem::take(&mut names.twins)).collect());
        }
        names
    }

    fn replay_with(log: &OpLog, order: &[u32], sensitive: case::Folders) -> Self {
        let mut names = Self {
            files: Vec::new(),
            links: Vec::new(),
            slots: Vec::new(),
            slot_of: FxHashMap::default(),
            name_ids: HashMap::new(),
            plain: Vec::new(),
            short: Vec::new(),
            aliased: false,
            ties: short::Ties::default(),
            spellings: short::Spellings::default(),
            stream_ids: HashMap::new(),
            parsed: Vec::with_capacity(log.paths.len()),
            components: Vec::new(),
            cache: vec![(NONE, NONE); log.paths.len()],
            epoch: 0,
            places: vec![Place { link: NONE, stream: UNNAMED }; log.ops.len()],
            targets: FxHashMap::default(),
            linked: FxHashMap::default(),
            residences: Vec::new(),
            open_residence: FxHashMap::default(),
            by_dir: Vec::new(),
            by_name: Vec::new(),
            bearers: bearers::Bearers::default(),
            ids: FxHashMap::default(),
            torn: FxHashSet::default(),
            images: Vec::new(),
            images_of: FxHashMap::default(),
            keys: Vec::new(),
            folder_moves: Vec::new(),
            stays: FxHashMap::default(),
            sensitive,
            twins: case::Folders::default(),
            refused: Vec::new(),
            odd: 0,
        };
        names.files.push(FileRec { born: None, joined: 0, tied: 0, several: false, link: NONE, has_children: false });
        for (_, path) in log.paths.iter() {
            let parsed = names.parse(log, path);
            names.parsed.push(parsed);
        }
        names.number_paths();
        names.tie_short_names(log);
        names.place_images(log);
        for (tick, &at) in (0u32..).zip(order) {
            if let Some(op) = log.ops.get(at as usize) {
                let place = names.step(log, at, tick, op);
                names.note_short(at, tick, op, place);
                if let Some(slot) = names.places.get_mut(at as usize) {
                    *slot = place;
                }
            }
        }
        names.finish();
        names
    }

    /// One number for all spellings of a path: letter case, prefixes and the default stream aside.
    pub(crate) fn key(&self, path: PathId) -> u32 {
        self.keys.get(path.0 as usize).copied().unwrap_or(NONE)
    }

    fn parsed(&self, path: PathId) -> Parsed {
        self.parsed.get(path.0 as usize).copied().unwrap_or_default()
    }

    fn components(&self, path: PathId) -> &[u32] {
        let Parsed { from, count, .. } = self.parsed(path);
        self.components.get(from as usize..(from + count) as usize).unwrap_or(&[])
    }

    /// Whether two spellings are one path.
    pub(crate) fn same_path(&self, a: PathId, b: PathId) -> bool {
        a == b || (self.key(a) == self.key(b) && self.key(a) != NONE)
    }

    fn current(&self, slot: u32) -> u32 {
        self.slots.get(slot as usize).map_or(NONE, |slot| slot.link)
    }

    fn file_of(&self, link: u32) -> u32 {
        self.links.get(link as usize).map_or(0, |link| link.file)
    }

    fn new_file(&mut self, slot: u32, tick: u32, born: Option<FileTime>) -> u32 {
        let file = self.files.len() as u32;
        self.files.push(FileRec { born, joined: file, tied: file, several: false, link: NONE, has_children: false });
        self.new_link(file, slot, tick)
    }

    fn new_link(&mut self, file: u32, slot: u32, tick: u32) -> u32 {
        let link = self.links.len() as u32;
        self.links.push(LinkRec {
            file,
            slot,
            died: NONE,
            marked: None,
            seen: false,
            made_as: None,
            ever_marked: false,
            posix: false,
            gone_by_lookup: false,
        });
        if let Some(file) = self.files.get_mut(file as usize) {
            file.several |= file.link != NONE;
            file.link = link;
        }
        self.settle(link, slot, tick);
        link
    }

    /// Binds a link to a slot from `tick` on.
    fn settle(&mut self, link: u32, slot: u32, tick: u32) {
        let Some(entry) = self.slots.get_mut(slot as usize) else { return };
        entry.link = link;
        let (dir, name) = (entry.dir, entry.name);
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.slot = slot;
            rec.died = NONE;
        }
        self.open_residence.insert(link, self.residences.len() as u32);
        self.residences.push(Residence { link, dir, name, from: tick, to: NONE });
    }

    /// Takes a link out of its slot at `tick`.
    fn leave(&mut self, link: u32, tick: u32) {
        let Some(rec) = self.links.get(link as usize).copied() else { return };
        if let Some(slot) = self.slots.get_mut(rec.slot as usize)
            && slot.link == link
        {
            slot.link = NONE;
            slot.last = link;
            self.bearers.left(rec.slot, link);
        }
        if let Some(at) = self.open_residence.remove(&link)
            && let Some(stay) = self.residences.get_mut(at as usize)
        {
            stay.to = tick;
        }
        if self.files.get(rec.file as usize).is_some_and(|file| file.has_children) {
            self.epoch = self.epoch.wrapping_add(1);
        }
    }

    fn end(&mut self, link: u32, tick: u32, by_lookup: bool) {
        self.leave(link, tick);
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.died = tick;
            rec.gone_by_lookup = by_lookup;
        }
    }

    /// The current link of a slot, made up when nothing showed it yet.
    fn bound(&mut self, slot: u32, tick: u32) -> u32 {
        let link = self.current(slot);
        if link != NONE { link } else { self.new_file(slot, tick, None) }
    }

    fn finish(&mut self) {
        self.settle_forests();
        self.settle_ids();
        let residences = &self.residences;
        let files = &self.files;
        let dir = |at: &u32| {
            residences
                .get(*at as usize)
                .map_or(NONE, |stay| files.get(stay.dir as usize).map_or(NONE, |dir| dir.joined))
        };
        let plain = &self.plain;
        let name = |at: &u32| {
            residences.get(*at as usize).and_then(|stay| plain.get(stay.name as usize)).copied().unwrap_or(NONE)
        };
        self.by_dir = (0..residences.len() as u32).collect();
        self.by_dir.sort_by_key(dir);
        self.by_name = (0..residences.len() as u32).collect();
        self.by_name.sort_by_key(name);
        if !self.folder_moves.is_empty() {
            for (at, stay) in (0u32..).zip(&self.residences) {
                self.stays.entry(stay.link).or_default().push(at);
            }
        }
        let mut refused = std::mem::take(&mut self.refused);
        for entry in &mut refused {
            entry.0 = self.canonical(entry.0);
        }
        refused.sort_unstable();
        self.refused = refused;
        for (process, link, own) in std::mem::take(&mut self.images) {
            let file = self.file(link);
            self.images_of.entry(file).or_default().push((process, own));
        }
        self.settle_bearers();
        self.settle_ties();
        self.settle_short();
        self.open_residence = FxHashMap::default();
        self.ids = FxHashMap::default();
        self.cache = Vec::new();
    }

    fn canonical(&self, file: u32) -> u32 {
        self.files.get(file as usize).map_or(file, |rec| rec.joined)
    }

    /// How many file identities there are, joined ones included.
    pub(crate) fn file_count(&self) -> usize {
        self.files.len()
    }

    /// The file behind a link, one number for all names of it.
    pub(crate) fn file(&self, link: u32) -> u32 {
        if link == NONE { NONE } else { self.canonical(self.file_of(link)) }
    }

    /// Processes that had the file mapped as an image before the first event, and whether it is their own program.
    pub(crate) fn images_of(&self, file: u32) -> &[(ProcessId, bool)] {
        self.images_of.get(&file).map_or(&[], |images| images)
    }

    /// The place an operation named.
    pub(crate) fn place(&self, op: u32) -> Place {
        self.places.get(op as usize).copied().unwrap_or(Place { link: NONE, stream: UNNAMED })
    }

    /// Where a rename or link was to go.
    pub(crate) fn target(&self, op: u32) -> Option<Target> {
        self.targets.get(&op).map(|target| Target { link: target.link, dir: self.canonical(target.dir) })
    }

    /// The name that a link made.
    pub(crate) fn linked(&self, op: u32) -> Option<u32> {
        self.linked.get(&op).copied()
    }

    /// When the file was made, if that was within the capture (AT-5).
    pub(crate) fn born(&self, link: u32) -> Option<FileTime> {
        self.files.get(self.file_of(link) as usize).and_then(|file| file.born)
    }

    /// Whether the link was ever marked for deletion or opened delete-on-close.
    pub(crate) fn ever_marked(&self, link: u32) -> bool {
        self.links.get(link as usize).is_some_and(|rec| rec.ever_marked)
    }

    /// Whether the name, if it went, went with the last handle on it (DP-3), and not while others had the file open (DP-6).
    pub(crate) fn goes_with_last(&self, link: u32) -> bool {
        self.links.get(link as usize).is_some_and(|rec| rec.ever_marked && !rec.posix)
    }

    /// The link of the directory that holds `link` (at the end of the replay), or [`NONE`].
    pub(crate) fn parent_link(&self, link: u32) -> u32 {
        self.links
            .get(link as usize)
            .and_then(|rec| self.slots.get(rec.slot as usize))
            .filter(|slot| slot.dir != 0)
            .and_then(|slot| self.files.get(slot.dir as usize))
            .map_or(NONE, |dir| dir.link)
    }

    /// The latest link of a file.
    pub(crate) fn link_of(&self, file: u32) -> u32 {
        self.files.get(file as usize).map_or(NONE, |rec| rec.link)
    }

    /// Whether anything showed the link to exist.
    pub(crate) fn is_seen(&self, link: u32) -> bool {
        self.links.get(link as usize).is_some_and(|rec| rec.seen)
    }

    /// Whether the link had not ended by `tick`.
    pub(crate) fn lives(&self, link: u32, tick: u32) -> bool {
        self.links.get(link as usize).is_some_and(|rec| rec.died > tick)
    }

    /// The tick at which the link was shown to have ended.
    pub(crate) fn died(&self, link: u32) -> Option<u32> {
        self.links.get(link as usize).map(|rec| rec.died).filter(|tick| *tick != NONE)
    }

    /// The stays of names in a directory.
    pub(crate) fn children(&self, dir: u32) -> impl Iterator<Item = Residence> + '_ {
        let key = move |at: &u32| self.residences.get(*at as usize).map_or(NONE, |stay| self.canonical(stay.dir));
        let from = self.by_dir.partition_point(|at| key(at) < dir);
        self.by_dir
            .get(from..)
            .unwrap_or(&[])
            .iter()
            .take_while(move |at| key(at) == dir)
            .filter_map(|at| self.residences.get(*at as usize).copied())
    }

    /// The successful renames of folders: the folder, tick, operation index, in completion order.
    pub(crate) fn folder_moves(&self) -> &[(u32, u32, u32)] {
        &self.folder_moves
    }

    /// Whether `link` was somewhere below a folder at a tick at which one was renamed.
    pub(crate) fn is_below(&self, mut link: u32, dir: u32, tick: u32) -> bool {
        for _ in 0..MAX_DEPTH {
            let stays = self.stays.get(&link).into_iter().flatten();
            let stay = stays
                .filter_map(|at| self.residences.get(*at as usize))
                .find(|stay| stay.from <= tick && tick < stay.to);
            match stay {
                Some(stay) if self.canonical(stay.dir) == self.canonical(dir) => return true,
                Some(stay) => link = self.link_of(stay.dir),
                None => return false,
            }
        }
        false
    }
}
