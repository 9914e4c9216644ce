//! Which file an operation meant: names, links and their lives (AT-1, AT-2, AT-5).
//!
//! A namespace of slots (directory identity, folded name) is replayed in completion order. Renaming a directory moves
//! one binding and every name below follows. What comes out is the link that each operation named, never a path.

use crate::capture::op::{Op, OpKind, OpLog, PathId, ProcessId};
use crate::nt::path::{fold, normalize, split_stream};
use crate::nt::{FileTime, NtStatus, OpenResult};
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// No link, no slot, no residence end.
pub(crate) const NONE: u32 = u32::MAX;
/// The unnamed stream.
pub(crate) const UNNAMED: u32 = 0;
/// Components beyond this many are taken as one name, so that no path costs more than this to follow.
const MAX_DEPTH: usize = 128;

/// The link and the stream an operation named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Parent in the forest of files found to be one by their id.
    joined: u32,
    /// The latest link.
    link: u32,
    has_children: bool,
}

/// One name of a file, from its making to its end, through renames.
#[derive(Clone, Copy, Debug)]
struct LinkRec {
    file: u32,
    slot: u32,
    /// The link that had the slot before.
    before: u32,
    died: u32,
    /// When a disposition marked it; not undone since.
    marked: Option<FileTime>,
    seen: bool,
    /// Marked at least once, or opened delete-on-close.
    ever_marked: bool,
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
    stream_ids: HashMap<Box<str>, u32>,
    parsed: Vec<Parsed>,
    components: Vec<u32>,
    cache: Vec<(u32, u32)>,
    epoch: u32,
    /// By operation index.
    pub(crate) places: Vec<Place>,
    targets: FxHashMap<u32, Target>,
    residences: Vec<Residence>,
    open_residence: FxHashMap<u32, u32>,
    by_dir: Vec<u32>,
    by_name: Vec<u32>,
    /// Handles a process has on a stream of a link, as far as plain counting tells.
    handles: FxHashMap<(ProcessId, u32, u32), u32>,
    ids: FxHashMap<(u32, u128), u32>,
    /// Images mapped before the first event: process, link, and whether it is the process's own program.
    images: Vec<(ProcessId, u32, bool)>,
    images_of: FxHashMap<u32, Vec<(ProcessId, bool)>>,
    /// One number for all spellings of a path, by path id.
    keys: Vec<u32>,
    /// Deletions that a lock refused: directory of the name, tick, operation index. Sorted.
    pub(crate) refused: Vec<(u32, u32, u32)>,
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

/// A name without the 32 hexadecimal digits and the mark that servicing puts in front of files in flight.
fn without_id(name: &str) -> &str {
    match name.get(..32).zip(name.get(33..)) {
        Some((id, rest))
            if id.bytes().all(|b| b.is_ascii_hexdigit())
                && matches!(name.as_bytes().get(32), Some(b'_' | b'.'))
                && !rest.is_empty() =>
        {
            rest
        }
        _ => name,
    }
}

impl Names {
    /// Replays every operation in completion order.
    pub(crate) fn replay(log: &OpLog, order: &[u32]) -> Self {
        let mut names = Self {
            files: Vec::new(),
            links: Vec::new(),
            slots: Vec::new(),
            slot_of: FxHashMap::default(),
            name_ids: HashMap::new(),
            plain: Vec::new(),
            stream_ids: HashMap::new(),
            parsed: Vec::with_capacity(log.paths.len()),
            components: Vec::new(),
            cache: vec![(NONE, NONE); log.paths.len()],
            epoch: 0,
            places: vec![Place { link: NONE, stream: UNNAMED }; log.ops.len()],
            targets: FxHashMap::default(),
            residences: Vec::new(),
            open_residence: FxHashMap::default(),
            by_dir: Vec::new(),
            by_name: Vec::new(),
            handles: FxHashMap::default(),
            ids: FxHashMap::default(),
            images: Vec::new(),
            images_of: FxHashMap::default(),
            keys: Vec::new(),
            refused: Vec::new(),
        };
        names.files.push(FileRec { born: None, joined: 0, link: NONE, has_children: false });
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
                if let Some(slot) = names.places.get_mut(at as usize) {
                    *slot = place;
                }
            }
        }
        names.finish();
        names
    }

    fn parse(&mut self, log: &OpLog, path: &str) -> Parsed {
        let text = normalize(path, &log.roots);
        let text = fold(&text);
        let (file, stream) = split_stream(&text);
        let stream = stream.map_or(UNNAMED, |name| {
            let next = self.stream_ids.len() as u32 + 1;
            *self.stream_ids.entry(name.into()).or_insert(next)
        });
        let from = self.components.len() as u32;
        let lead = file.len() - file.trim_start_matches('\\').len();
        let (prefix, body) = file.split_at(lead.min(2));
        let body = body.trim_start_matches('\\');
        let mut rest = Some(body);
        let mut count = 0;
        while let Some(text) = rest {
            let (head, tail) = if count + 1 >= MAX_DEPTH {
                (text, None)
            } else {
                text.split_once('\\').map_or((text, None), |(head, tail)| (head, Some(tail)))
            };
            rest = tail;
            if head.is_empty() {
                continue;
            }
            let id = if count == 0 {
                // A drive without a separator is the volume itself, not its root directory.
                let volume = if head.ends_with(':') && !file.contains('\\') { "*" } else { "" };
                self.name_id(&format!("{prefix}{head}{volume}"))
            } else {
                self.name_id(head)
            };
            self.components.push(id);
            count += 1;
        }
        Parsed { from, count: count as u32, stream }
    }

    fn name_id(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.name_ids.get(name) {
            return id;
        }
        let id = self.name_ids.len() as u32;
        self.name_ids.insert(name.into(), id);
        self.plain.push(id);
        let plain = without_id(name);
        if plain.len() != name.len() {
            let plain = self.name_id(plain);
            if let Some(slot) = self.plain.get_mut(id as usize) {
                *slot = plain;
            }
        }
        id
    }

    fn number_paths(&mut self) {
        let mut numbers: FxHashMap<(&[u32], u32), u32> = FxHashMap::default();
        let mut keys = Vec::with_capacity(self.parsed.len());
        for parsed in &self.parsed {
            let components = self.components.get(parsed.from as usize..(parsed.from + parsed.count) as usize);
            let next = numbers.len() as u32;
            keys.push(*numbers.entry((components.unwrap_or(&[]), parsed.stream)).or_insert(next));
        }
        self.keys = keys;
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

    fn slot(&mut self, dir: u32, name: u32) -> u32 {
        let mut at = match self.slot_of.get(&(dir, name)) {
            Some(&at) => at,
            None => {
                let at = self.slots.len() as u32;
                self.slots.push(Slot { dir, name, link: NONE, last: NONE, alias: NONE });
                self.slot_of.insert((dir, name), at);
                if let Some(file) = self.files.get_mut(dir as usize) {
                    file.has_children = true;
                }
                at
            }
        };
        // An alias never points at another alias, so one step is the whole way.
        if let Some(slot) = self.slots.get(at as usize)
            && slot.alias != NONE
        {
            at = slot.alias;
        }
        at
    }

    /// The slot of a path at this moment of the replay; [`NONE`] for an empty path.
    fn resolve(&mut self, path: PathId) -> u32 {
        if let Some(&(epoch, slot)) = self.cache.get(path.0 as usize)
            && epoch == self.epoch
        {
            return slot;
        }
        let Parsed { from, count, .. } = self.parsed(path);
        let mut dir = 0;
        let mut at = NONE;
        for i in from..from + count {
            let Some(&name) = self.components.get(i as usize) else { break };
            if at != NONE {
                dir = self.dir_file(at);
            }
            at = self.slot(dir, name);
        }
        if let Some(cached) = self.cache.get_mut(path.0 as usize) {
            *cached = (self.epoch, at);
        }
        at
    }

    /// The identity of the directory in a slot, made up when nothing showed it yet.
    fn dir_file(&mut self, slot: u32) -> u32 {
        let link = self.current(slot);
        if link != NONE {
            return self.file_of(link);
        }
        let link = self.new_file(slot, 0, None);
        self.file_of(link)
    }

    fn current(&self, slot: u32) -> u32 {
        self.slots.get(slot as usize).map_or(NONE, |slot| slot.link)
    }

    fn file_of(&self, link: u32) -> u32 {
        self.links.get(link as usize).map_or(0, |link| link.file)
    }

    fn new_file(&mut self, slot: u32, tick: u32, born: Option<FileTime>) -> u32 {
        let file = self.files.len() as u32;
        self.files.push(FileRec { born, joined: file, link: NONE, has_children: false });
        self.new_link(file, slot, tick)
    }

    fn new_link(&mut self, file: u32, slot: u32, tick: u32) -> u32 {
        let link = self.links.len() as u32;
        let before = self.slots.get(slot as usize).map_or(NONE, |slot| slot.last);
        self.links.push(LinkRec {
            file,
            slot,
            before,
            died: NONE,
            marked: None,
            seen: false,
            ever_marked: false,
            gone_by_lookup: false,
        });
        if let Some(file) = self.files.get_mut(file as usize) {
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

    fn tie_short_names(&mut self, log: &OpLog) {
        let mut ties: FxHashMap<PathId, Option<PathId>> = FxHashMap::default();
        for op in &log.ops {
            if let OpKind::ShortName { long, short } = op.kind {
                let tie = ties.entry(short).or_insert(Some(long));
                if tie.is_some_and(|known| !self.same_path(known, long)) {
                    *tie = None; // the alias moved from one file to another: it proves nothing
                }
            }
        }
        let mut ties: Vec<_> = ties.into_iter().collect();
        ties.sort_unstable_by_key(|(short, _)| *short);
        for (short, long) in ties {
            if let Some(long) = long {
                self.alias(short, long);
            }
        }
    }

    fn alias(&mut self, short: PathId, long: PathId) {
        let Some(&leaf) = self.components(short).last() else { return };
        let long = self.resolve(long);
        let Some(target) = self.slots.get(long as usize).copied() else { return };
        let at = match self.slot_of.get(&(target.dir, leaf)) {
            Some(&at) => at,
            None => self.slot(target.dir, leaf),
        };
        if at != long
            && target.alias == NONE
            && let Some(slot) = self.slots.get_mut(at as usize)
            && slot.alias == NONE
            && slot.link == NONE
        {
            slot.alias = long;
            self.epoch = self.epoch.wrapping_add(1);
        }
    }

    fn place_images(&mut self, log: &OpLog) {
        for &(process, path) in &log.images {
            let slot = self.resolve(path);
            if slot != NONE {
                let link = self.bound(slot, 0);
                self.images.push((process, link, false));
            }
        }
        let began = log.span.map(|span| span.0);
        for (process, info) in (0u32..).map(ProcessId).zip(&log.processes) {
            let older = match (info.started, began) {
                (Some(started), Some(began)) => started <= began,
                _ => true,
            };
            if info.image_path.is_empty() || !older {
                continue;
            }
            let Parsed { from, count, .. } = self.parse(log, &info.image_path);
            let mut at = NONE;
            let mut dir = 0;
            for i in from..from + count {
                let Some(&name) = self.components.get(i as usize) else { break };
                if at != NONE {
                    dir = self.dir_file(at);
                }
                at = self.slot(dir, name);
            }
            if at != NONE {
                let link = self.bound(at, 0);
                self.images.push((process, link, true));
            }
        }
    }

    fn step(&mut self, log: &OpLog, at: u32, tick: u32, op: &Op) -> Place {
        match op.kind {
            OpKind::ProcessCreate { .. } | OpKind::ProcessStart { .. } | OpKind::ProcessExit => {
                return Place { link: NONE, stream: UNNAMED };
            }
            _ => {}
        }
        let slot = self.resolve(op.path);
        let stream = self.parsed(op.path).stream;
        if slot == NONE {
            return Place { link: NONE, stream };
        }
        let place = |link| Place { link, stream };
        match op.kind {
            OpKind::Create(create) => {
                if opens(op) {
                    let created = create.result == Some(OpenResult::CREATED) && stream == UNNAMED;
                    let link = self.open(slot, tick, op, created);
                    *self.handles.entry((op.process, link, stream)).or_insert(0) += 1;
                    if create.options.contains(crate::nt::CreateOptions::DELETE_ON_CLOSE) {
                        self.note_mark(link);
                    }
                    place(link)
                } else {
                    let link = self.refused_by_name(slot, stream, tick, op);
                    let wants_delete = create
                        .access
                        .is_some_and(|access| access.map_generic().intersects(crate::nt::AccessMask::DELETE));
                    if wants_delete {
                        self.note_refusal(slot, tick, at, op);
                    }
                    place(link)
                }
            }
            OpKind::QueryOpen { .. } => place(if succeeded(op) {
                self.open(slot, tick, op, false)
            } else {
                self.refused_by_name(slot, stream, tick, op)
            }),
            OpKind::Cleanup => {
                let link = self.with_handle(slot, stream, tick, op);
                if let Some(count) = self.handles.get_mut(&(op.process, link, stream)) {
                    *count -= 1;
                    if *count == 0 {
                        self.handles.remove(&(op.process, link, stream));
                    }
                }
                place(link)
            }
            OpKind::SetDisposition { delete, .. } => {
                let link = self.with_handle(slot, stream, tick, op);
                self.dispose(link, slot, stream, tick, at, op, delete);
                place(link)
            }
            OpKind::SetDispositionEx { flags, .. } => {
                let link = self.with_handle(slot, stream, tick, op);
                let delete = flags.contains(crate::nt::DispositionFlags::DELETE);
                self.dispose(link, slot, stream, tick, at, op, delete);
                place(link)
            }
            OpKind::Rename { target, .. } => {
                let link = self.with_handle(slot, stream, tick, op);
                self.move_name(log, at, tick, op, link, target, true);
                place(link)
            }
            OpKind::Link { target, .. } => {
                let link = self.with_handle(slot, stream, tick, op);
                self.move_name(log, at, tick, op, link, target, false);
                place(link)
            }
            OpKind::QueryFileId { id } => {
                let link = self.with_handle(slot, stream, tick, op);
                if succeeded(op) && id != 0 && id != u128::MAX {
                    let volume = self.components(op.path).first().copied().unwrap_or(NONE);
                    let file = self.file_of(link);
                    let known = *self.ids.entry((volume, id)).or_insert(file);
                    self.join(known, file);
                }
                place(link)
            }
            OpKind::ShortName { long, short } => {
                self.alias(short, long);
                place(self.current(slot))
            }
            OpKind::LoadImage => place(self.bound(slot, tick)),
            _ => place(self.with_handle(slot, stream, tick, op)),
        }
    }

    /// A successful open by name.
    fn open(&mut self, slot: u32, tick: u32, op: &Op, created: bool) -> u32 {
        let link = self.current(slot);
        let rec = self.links.get(link as usize).copied();
        let link = match rec {
            Some(rec) if created && !rec.seen => {
                if let Some(file) = self.files.get_mut(rec.file as usize) {
                    file.born = Some(op.start);
                }
                link
            }
            // AT-5: the name was free, so whatever bore it before is another file.
            Some(_) if created => {
                self.end(link, tick, false);
                self.new_file(slot, tick, Some(op.start))
            }
            // DP-2: no open succeeds on a marked link, so the name has been taken by another file meanwhile.
            Some(rec) if rec.marked.is_some_and(|marked| op.start >= marked) => {
                self.end(link, tick, false);
                self.new_file(slot, tick, None)
            }
            Some(_) => link,
            None if created => self.new_file(slot, tick, Some(op.start)),
            None => self.revived(slot, tick),
        };
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.seen = true;
        }
        link
    }

    /// A name reported missing once and there again without a create was hidden, not gone.
    fn revived(&mut self, slot: u32, tick: u32) -> u32 {
        let last = self.slots.get(slot as usize).map_or(NONE, |slot| slot.last);
        match self.links.get(last as usize) {
            Some(rec) if rec.slot == slot && rec.gone_by_lookup && !rec.ever_marked => {
                self.settle(last, slot, tick);
                last
            }
            _ => self.new_file(slot, tick, None),
        }
    }

    fn refused_by_name(&mut self, slot: u32, stream: u32, tick: u32, op: &Op) -> u32 {
        let link = self.current(slot);
        match op.status {
            NtStatus::OBJECT_NAME_NOT_FOUND => {
                if link != NONE && stream == UNNAMED && self.links.get(link as usize).is_some_and(|rec| rec.seen) {
                    self.end(link, tick, true);
                }
                if link == NONE { self.slots.get(slot as usize).map_or(NONE, |slot| slot.last) } else { link }
            }
            NtStatus::OBJECT_PATH_NOT_FOUND => {
                if link == NONE {
                    self.slots.get(slot as usize).map_or(NONE, |slot| slot.last)
                } else {
                    link
                }
            }
            status => {
                let link = self.bound(slot, tick);
                let dir = self.slots.get(slot as usize).map_or(0, |slot| slot.dir);
                let below_marked = self
                    .files
                    .get(dir as usize)
                    .and_then(|dir| self.links.get(dir.link as usize))
                    .is_some_and(|rec| rec.ever_marked);
                let shows = match status {
                    NtStatus::DELETE_PENDING => !below_marked,
                    NtStatus::SHARING_VIOLATION
                    | NtStatus::CANNOT_DELETE
                    | NtStatus::USER_MAPPED_FILE
                    | NtStatus::OBJECT_NAME_COLLISION => true,
                    _ => false,
                };
                if shows && let Some(rec) = self.links.get_mut(link as usize) {
                    rec.seen = true;
                }
                link
            }
        }
    }

    /// The link that an operation through a handle meant: the present one of that name, unless only an earlier bearer
    /// of the name is open in this process.
    fn with_handle(&mut self, slot: u32, stream: u32, tick: u32, op: &Op) -> u32 {
        let now = self.current(slot);
        let mut link = if now != NONE { now } else { self.slots.get(slot as usize).map_or(NONE, |slot| slot.last) };
        let first = link;
        for _ in 0..4 {
            if link == NONE {
                break;
            }
            if self.handles.contains_key(&(op.process, link, stream)) {
                return link;
            }
            let next = if link == now {
                self.slots.get(slot as usize).map_or(NONE, |slot| slot.last)
            } else {
                self.links.get(link as usize).map_or(NONE, |rec| rec.before)
            };
            link = if next == link { NONE } else { next };
        }
        if now != NONE {
            return now;
        }
        if first != NONE && !succeeded(op) { first } else { self.bound(slot, tick) }
    }

    fn note_mark(&mut self, link: u32) {
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.ever_marked = true;
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn dispose(&mut self, link: u32, slot: u32, stream: u32, tick: u32, at: u32, op: &Op, delete: bool) {
        if !succeeded(op) {
            if delete {
                self.note_refusal(slot, tick, at, op);
            }
            return;
        }
        if stream != UNNAMED {
            return; // deleting a named stream leaves the link alone
        }
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.marked = delete.then(|| op.finished());
            rec.ever_marked |= delete;
            rec.seen = true;
        }
    }

    fn note_refusal(&mut self, slot: u32, tick: u32, at: u32, op: &Op) {
        if matches!(
            op.status,
            NtStatus::SHARING_VIOLATION
                | NtStatus::DELETE_PENDING
                | NtStatus::CANNOT_DELETE
                | NtStatus::USER_MAPPED_FILE
                | NtStatus::DIRECTORY_NOT_EMPTY
        ) && let Some(slot) = self.slots.get(slot as usize)
        {
            self.refused.push((slot.dir, tick, at));
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn move_name(&mut self, log: &OpLog, at: u32, tick: u32, op: &Op, link: u32, target: Option<PathId>, rename: bool) {
        let Some(target) = target else { return };
        let text = log.paths.get(target);
        if text.starts_with(':') {
            return; // a stream gets a new name: the link stays
        }
        let to = if text.contains('\\') {
            self.resolve(target)
        } else {
            // A bare name stays in the directory of the source.
            let Some(&leaf) = self.components(target).last() else { return };
            let from = self.links.get(link as usize).map_or(NONE, |rec| rec.slot);
            let Some(dir) = self.slots.get(from as usize).map(|slot| slot.dir) else { return };
            self.slot(dir, leaf)
        };
        let Some(slot) = self.slots.get(to as usize).copied() else { return };
        self.targets.insert(at, Target { link: if slot.link == link { NONE } else { slot.link }, dir: slot.dir });
        if !succeeded(op) || link == NONE {
            return;
        }
        if slot.link == link {
            return; // a change of letter case only
        }
        if slot.link != NONE {
            self.end(slot.link, tick, false);
        }
        if rename {
            self.leave(link, tick);
            self.settle(link, to, tick);
            if self.files.get(self.file_of(link) as usize).is_some_and(|file| file.has_children) {
                self.epoch = self.epoch.wrapping_add(1);
            }
        } else {
            let file = self.file_of(link);
            self.new_link(file, to, tick);
        }
        let now = self.current(to);
        for link in [link, now] {
            if let Some(rec) = self.links.get_mut(link as usize) {
                rec.seen = true;
            }
        }
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b)); // the root is the smallest number of its set
        if a != b
            && let Some(file) = self.files.get_mut(a.max(b) as usize)
        {
            file.joined = a.min(b);
        }
    }

    fn root(&mut self, mut file: u32) -> u32 {
        while let Some(parent) = self.files.get(file as usize).map(|rec| rec.joined)
            && parent != file
        {
            let above = self.files.get(parent as usize).map_or(parent, |rec| rec.joined);
            if let Some(rec) = self.files.get_mut(file as usize) {
                rec.joined = above; // halves the way for the next search
            }
            file = above;
        }
        file
    }

    fn finish(&mut self) {
        for file in 0..self.files.len() {
            let root = self.root(file as u32);
            if let Some(rec) = self.files.get_mut(file) {
                rec.joined = root;
            }
        }
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
        self.handles = FxHashMap::default();
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

    /// When the file was made, if that was within the capture (AT-5).
    pub(crate) fn born(&self, link: u32) -> Option<FileTime> {
        self.files.get(self.file_of(link) as usize).and_then(|file| file.born)
    }

    /// Whether the link was ever marked for deletion or opened delete-on-close.
    pub(crate) fn ever_marked(&self, link: u32) -> bool {
        self.links.get(link as usize).is_some_and(|rec| rec.ever_marked)
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

    /// The stays under the same leaf name as `link`, anywhere; a transaction id in front of it does not count.
    pub(crate) fn namesakes(&self, link: u32) -> impl Iterator<Item = Residence> + '_ {
        let name = self
            .links
            .get(link as usize)
            .and_then(|rec| self.slots.get(rec.slot as usize))
            .and_then(|slot| self.plain.get(slot.name as usize))
            .copied()
            .unwrap_or(NONE);
        let key = move |at: &u32| {
            let stay = self.residences.get(*at as usize);
            stay.and_then(|stay| self.plain.get(stay.name as usize)).copied().unwrap_or(NONE)
        };
        let from = self.by_name.partition_point(|at| key(at) < name);
        self.by_name
            .get(from..)
            .unwrap_or(&[])
            .iter()
            .take_while(move |at| key(at) == name)
            .filter_map(|at| self.residences.get(*at as usize).copied())
    }

    /// The links that had the name of `link` before it, newest first, a few of them.
    pub(crate) fn predecessors(&self, link: u32) -> impl Iterator<Item = u32> + '_ {
        let mut next = self.links.get(link as usize).map_or(NONE, |rec| rec.before);
        std::iter::from_fn(move || {
            let link = next;
            next = self.links.get(link as usize)?.before;
            Some(link)
        })
        .take(8)
    }
}
