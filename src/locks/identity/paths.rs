//! Paths as sequences of folded names, and where they lead at a moment of the replay (AT-2).

use super::{MAX_DEPTH, NONE, Names, Parsed, Slot, UNNAMED};
use crate::capture::op::{OpKind, OpLog, PathId, ProcessId};
use crate::nt::path::{fold, normalize, split_stream, without_transaction_id};
use crate::nt::short_name::is_short;
use rustc_hash::FxHashMap;

impl Names {
    pub(super) fn parse(&mut self, log: &OpLog, path: &str) -> Parsed {
        let text = normalize(path, &log.roots);
        let text = self.fold_names(&text);
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
        let mut short = false;
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
                short |= is_short(head);
                self.name_id(head)
            };
            self.components.push(id);
            count += 1;
        }
        Parsed { from, count: count as u32, stream, short }
    }

    pub(super) fn name_id(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.name_ids.get(name) {
            return id;
        }
        let id = self.name_ids.len() as u32;
        self.name_ids.insert(name.into(), id);
        if is_short(name) {
            self.short.push((id, name.into()));
        }
        self.plain.push(id);
        let plain = fold(without_transaction_id(name));
        if *plain != *name {
            let plain = self.name_id(&plain);
            if let Some(slot) = self.plain.get_mut(id as usize) {
                *slot = plain;
            }
        }
        id
    }

    pub(super) fn number_paths(&mut self) {
        let mut numbers: FxHashMap<(&[u32], u32), u32> = FxHashMap::default();
        let mut keys = Vec::with_capacity(self.parsed.len());
        for parsed in &self.parsed {
            let components = self.components.get(parsed.from as usize..(parsed.from + parsed.count) as usize);
            let next = numbers.len() as u32;
            keys.push(*numbers.entry((components.unwrap_or(&[]), parsed.stream)).or_insert(next));
        }
        self.keys = keys;
    }

    pub(super) fn tie_short_names(&mut self, log: &OpLog) {
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

    pub(super) fn alias(&mut self, short: PathId, long: PathId) {
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
            self.aliased = true;
            self.epoch = self.epoch.wrapping_add(1);
        }
    }

    pub(super) fn place_images(&mut self, log: &OpLog) {
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

    pub(super) fn slot(&mut self, dir: u32, name: u32) -> u32 {
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
    pub(super) fn resolve(&mut self, path: PathId) -> u32 {
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
    pub(super) fn dir_file(&mut self, slot: u32) -> u32 {
        let link = self.current(slot);
        if link != NONE {
            return self.file_of(link);
        }
        let link = self.new_file(slot, 0, None);
        self.file_of(link)
    }
}
