//! First walk over one file: opens, closes and uses by group, and how many handles must be older (AT-3, AT-5, AT-6).
//!
//! Handles are grouped by their author. Where a close does not tell which of a process's groups it belongs to, because no
//! stack shows its author or because the process also has an earlier or later file of the name open, the groups are paired
//! as one pool.

use super::uses::{is_use, need};
use crate::capture::op::{DriverId, Op, OpKind, OpLog, ProcessId, StackSays};
use crate::locks::file::hold::{Group, Need};
use crate::locks::file::track::Track;
use crate::locks::identity::{NONE, Names, opens, succeeded};
use crate::locks::spans::Instant;
use crate::nt::NtStatus;
use rustc_hash::{FxHashMap, FxHashSet};

/// A group's state while its events are collected.
#[derive(Default)]
pub(super) struct Count {
    pub(super) open: u32,
    pub(super) missing: u32,
    /// Extents of creates under way or done last, to tell a filter's look inside a create from a use.
    pub(super) last_create: Option<Instant>,
}

pub(super) type Key = (ProcessId, Option<DriverId>, u32, u32);

pub(super) struct Builder<'a> {
    pub(super) log: &'a OpLog,
    pub(super) names: &'a Names,
    pub(super) track: Track,
    pub(super) keys: FxHashMap<Key, u32>,
    pub(super) family: FxHashMap<Family, Vec<u32>>,
    pub(super) counts: Vec<Count>,
    pub(super) raw: Vec<Vec<Raw>>,
    /// Opens and closes by other files of a name, each before which position of the file's operations, and the link of this
    /// file that bears the name.
    pub(super) foreign: Vec<Foreign>,
    /// Links of other files, by process, and the link of this one.
    pub(super) homes: FxHashMap<(ProcessId, u32), u32>,
    /// Links of this file that had the name of another of its links, and that one.
    merged: FxHashMap<(ProcessId, u32), u32>,
    /// Families in which a close may be that of any group's handle.
    pub(super) pooled: FxHashSet<Family>,
    /// How many events were collected.
    seq: u32,
}

pub(super) type Family = (ProcessId, u32, u32);

/// An open or close on another file of a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign {
    /// It comes before this one of the file's operations.
    pub(crate) before: u32,
    /// The operation.
    pub(crate) at: u32,
    /// The link of this file.
    pub(crate) home: u32,
}

/// An event of a group as it is collected.
#[derive(Clone, Copy)]
pub(super) struct Raw {
    /// Its place among those of all groups.
    pub(super) seq: u32,
    pub(super) group: u32,
    /// The position in the file's operations; [`NONE`] for one on another file.
    pub(super) nth: u32,
    pub(super) at: u32,
    pub(super) what: What,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum What {
    Open,
    Close,
    Use(Need),
}

impl<'a> Builder<'a> {
    pub(super) fn new(log: &'a OpLog, names: &'a Names, ops: Vec<u32>, foreign: Vec<Foreign>) -> Self {
        Self {
            log,
            names,
            track: Track { ops, ..Track::default() },
            keys: FxHashMap::default(),
            family: FxHashMap::default(),
            counts: Vec::new(),
            raw: Vec::new(),
            foreign,
            homes: FxHashMap::default(),
            merged: FxHashMap::default(),
            pooled: FxHashSet::default(),
            seq: 0,
        }
    }

    pub(super) fn family_of(&self, key: Key) -> Family {
        let link = self.homes.get(&(key.0, key.2)).copied().unwrap_or(key.2);
        (key.0, self.merged.get(&(key.0, link)).copied().unwrap_or(link), key.3)
    }

    /// Handles on links of this file that had one name after each other are one pool where their process closed one by it.
    pub(crate) fn pool_links(&mut self, file: u32) {
        for &(process, link, other) in self.names.shared(file) {
            if self.names.file(other) == file {
                let first = |link| self.merged.get(&(process, link)).copied().unwrap_or(link);
                let (from, to) = (first(link).max(first(other)), first(link).min(first(other)));
                self.merged.values_mut().filter(|link| **link == from).for_each(|link| *link = to);
                self.merged.insert((process, from), to);
            }
        }
    }

    /// Whether closes on this link may be those of handles on another.
    fn is_merged(&self, (process, link, _): Family) -> bool {
        self.merged.iter().any(|((who, _), to)| (*who, *to) == (process, link))
    }

    pub(super) fn collected(&mut self, group: u32, nth: u32, at: u32, what: What) {
        self.seq += 1;
        if let Some(raw) = self.raw.get_mut(group as usize) {
            raw.push(Raw { seq: self.seq, group, nth, at, what });
        }
    }

    fn group(&mut self, key: Key) -> u32 {
        if let Some(&group) = self.keys.get(&key) {
            return group;
        }
        let group = self.counts.len() as u32;
        self.keys.insert(key, group);
        self.family.entry(self.family_of(key)).or_default().push(group);
        self.counts.push(Count::default());
        self.raw.push(Vec::new());
        self.track.groups.push(Group {
            process: key.0,
            driver: key.1,
            link: key.2,
            stream: key.3,
            events: Vec::new(),
            sorts: Vec::new(),
            used: None,
            shown: Vec::new(),
        });
        group
    }

    fn is_open(&self, group: u32) -> bool {
        self.counts.get(group as usize).is_some_and(|count| count.open > 0)
    }

    /// The group whose handle an operation went through: its own, or another of the same process with one open.
    pub(super) fn user(&mut self, key: Key) -> u32 {
        if let Some(&group) = self.keys.get(&key)
            && self.is_open(group)
        {
            return group;
        }
        if let Some(family) = self.family.get(&self.family_of(key))
            && let Some(&group) = family.iter().take(16).find(|group| self.is_open(**group))
        {
            return group;
        }
        self.group(key)
    }

    /// An open of `key` that succeeded.
    fn open(&mut self, key: Key, nth: u32, at: u32) {
        let group = self.group(key);
        if let Some(count) = self.counts.get_mut(group as usize) {
            count.open += 1;
        }
        self.collected(group, nth, at, What::Open);
    }

    /// A close as `key`.
    fn close(&mut self, key: Key, nth: u32, at: u32, op: &Op) {
        // Nothing shows who closed: it may be the handle of any author (AT-3).
        if op.driver.is_none() && !matches!(op.stack, StackSays::Caller | StackSays::Server) {
            let family = self.family_of(key);
            let groups = self.family.get(&family).map_or(&[][..], |groups| groups);
            if groups.iter().take(16).filter(|group| self.is_open(**group)).count() > 1 {
                self.pooled.insert(family);
            }
        }
        if !self.merged.is_empty() && self.is_merged(self.family_of(key)) {
            self.pooled.insert(self.family_of(key));
        }
        let group = self.user(key);
        if let Some(count) = self.counts.get_mut(group as usize) {
            if count.open > 0 {
                count.open -= 1;
            } else {
                count.missing += 1;
                self.track.closes_without_open += u64::from(nth != NONE);
            }
        }
        self.collected(group, nth, at, What::Close);
    }

    /// An open or close on another file of a name of this one, by a process that had both open at once (AT-3, AT-5).
    fn elsewhere(&mut self, foreign: Foreign) {
        let Some(op) = self.log.ops.get(foreign.at as usize) else { return };
        let place = self.names.place(foreign.at);
        self.homes.entry((op.process, place.link)).or_insert(foreign.home);
        let key = (op.process, op.driver, place.link, place.stream);
        self.pooled.insert(self.family_of(key));
        match op.kind {
            OpKind::Create(_) => self.open(key, NONE, foreign.at),
            _ => self.close(key, NONE, foreign.at, op),
        }
    }

    /// First walk: opens and closes by group, and how many handles must be older than their first event (AT-6).
    pub(super) fn collect(&mut self) {
        let ops = std::mem::take(&mut self.track.ops);
        let mut foreign = std::mem::take(&mut self.foreign).into_iter().peekable();
        for (nth, &at) in (0u32..).zip(&ops) {
            while let Some(one) = foreign.next_if(|one| one.before <= nth) {
                self.elsewhere(one);
            }
            let Some(op) = self.log.ops.get(at as usize) else { continue };
            let place = self.names.place(at);
            let key = (op.process, op.driver, place.link, place.stream);
            match op.kind {
                OpKind::Create(_) => {
                    let group = self.group(key);
                    if let Some(count) = self.counts.get_mut(group as usize) {
                        count.last_create = Some(Instant::of(op));
                    }
                    if opens(op) {
                        self.open(key, nth, at);
                    }
                }
                OpKind::Cleanup if op.status != NtStatus::PENDING => self.close(key, nth, at, op),
                // A use by a name of two files shows neither in use.
                _ if is_use(op) && self.names.other_readings(at).is_empty() => self.used(key, nth, at, op, &ops),
                _ => {}
            }
        }
        foreign.for_each(|one| self.elsewhere(one));
        self.track.ops = ops;
    }

    /// A use of a handle: there is one, and what it was used for it may be used for.
    pub(super) fn used(&mut self, key: Key, nth: u32, at: u32, op: &Op, ops: &[u32]) {
        let group = self.user(key);
        let inside = self
            .counts
            .get(group as usize)
            .is_some_and(|count| count.last_create.is_some_and(|create| create.end >= op.start));
        let own = op.driver.is_none() && !inside && !self.creating(nth, ops, op);
        if let Some(count) = self.counts.get_mut(group as usize)
            && count.open == 0
            && own
        {
            count.open += 1;
            count.missing += 1;
        }
        if let Some(group) = self.track.groups.get_mut(group as usize) {
            let used = group.used.get_or_insert((op.start, op.start));
            used.0 = used.0.min(op.start);
            used.1 = used.1.max(op.start);
        }
        let kernel = self.log.processes.get(op.process.0 as usize).is_some_and(|process| process.is_system());
        let shown = matches!(op.stack, StackSays::Caller | StackSays::Nothing) && succeeded(op);
        if let Some(need) = need(op).filter(|_| own && shown && !kernel) {
            let what = What::Use(need);
            // Of two in a row the first tells as much.
            if self.raw.get(group as usize).and_then(|raw| raw.last()).is_none_or(|last| last.what != what) {
                self.collected(group, nth, at, what);
            }
        }
    }

    /// Whether a create of this process on the file is under way: what a filter does inside it is no use of a handle.
    fn creating(&self, nth: u32, ops: &[u32], op: &Op) -> bool {
        ops.get(nth as usize + 1..).unwrap_or(&[]).iter().take(32).any(|at| {
            self.log.ops.get(*at as usize).is_some_and(|next| {
                next.process == op.process && matches!(next.kind, OpKind::Create(_)) && next.start <= op.start
            })
        })
    }
}
