//! Opens and closes of one file paired by process, stream and order (AT-1, AT-3, AT-6, AT-13).
//!
//! Handles are grouped by their author. Where a close does not tell which of a process's groups it belongs to, because no
//! stack shows its author or because the process also has an earlier or later file of the name open, the groups are paired
//! as one pool.

use super::uses::is_use;
use super::{Exits, Track};
use crate::capture::op::{DriverId, Op, OpKind, OpLog, PathId, ProcessId, StackSays};
use crate::locks::hold::{Ended, Ev, EvKind, Group, HoldRec, Need, ShownByUse};
use crate::locks::identity::{NONE, Names, opens};
use crate::locks::spans::{Instant, Spans};
use crate::nt::sharing::Grant;
use crate::nt::{CreateOptions, FileTime, NtStatus};
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
    homes: FxHashMap<(ProcessId, u32), u32>,
    /// Families in which a close may be that of any group's handle.
    pooled: FxHashSet<Family>,
    /// How many events were collected.
    seq: u32,
}

type Family = (ProcessId, u32, u32);

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
    seq: u32,
    group: u32,
    /// The position in the file's operations; [`NONE`] for one on another file.
    nth: u32,
    at: u32,
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
            pooled: FxHashSet::default(),
            seq: 0,
        }
    }

    fn family_of(&self, key: Key) -> Family {
        (key.0, self.homes.get(&(key.0, key.2)).copied().unwrap_or(key.2), key.3)
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
                _ if is_use(op) => self.used(key, nth, at, op, &ops),
                _ => {}
            }
        }
        foreign.for_each(|one| self.elsewhere(one));
        self.track.ops = ops;
    }

    /// Second walk: holds with ends. Returns, for each operation of the file, the hold it opened or closed.
    pub(super) fn pair(&mut self, exits: &Exits) -> Vec<u32> {
        let mut effects = vec![NONE; self.track.ops.len()];
        let raw = std::mem::take(&mut self.raw);
        let mut items = Vec::new();
        for (group, own) in (0u32..).zip(&raw) {
            let Some(rec) = self.track.groups.get(group as usize) else { continue };
            let family = self.family_of((rec.process, rec.driver, rec.link, rec.stream));
            if !self.pooled.contains(&family) {
                self.pair_group(&[group], own, exits, &mut effects, &mut items);
                continue;
            }
            let members = self.family.get(&family).cloned().unwrap_or_default();
            if members.first() == Some(&group) {
                let all = members.iter().filter_map(|member| raw.get(*member as usize)).flatten();
                let mut all: Vec<Raw> = all.copied().collect();
                all.sort_unstable_by_key(|raw| raw.seq);
                self.pair_group(&members, &all, exits, &mut effects, &mut items);
            }
        }
        self.track.spans = Spans::new(items);
        let Track { processes, span_info, .. } = &mut self.track;
        for spans in processes.values_mut() {
            spans.sort_by_key(|span| span_info.get(*span as usize).map(|info| info.2));
        }
        effects
    }

    /// Pairs the events of one group, or of a pool of groups of one process.
    fn pair_group(
        &mut self,
        members: &[u32],
        raw: &[Raw],
        exits: &Exits,
        effects: &mut [u32],
        items: &mut Vec<(FileTime, FileTime, u32)>,
    ) {
        let missing = |group: &u32| self.counts.get(*group as usize).map_or(0, |count| count.missing);
        let missing: Vec<u32> =
            members.iter().flat_map(|group| std::iter::repeat_n(*group, missing(group) as usize)).collect();
        let Some(rec) = members.first().and_then(|group| self.track.groups.get(*group as usize)) else { return };
        let (process, link) = (rec.process, rec.link);
        if raw.is_empty() && missing.is_empty() {
            return;
        }
        let mut events: Vec<Ev> = Vec::with_capacity(raw.len() + missing.len());
        let mut shown: Vec<ShownByUse> = Vec::new();
        let mut stack: Vec<u32> = Vec::new();
        let mut first = 0u32;
        let mut began = FileTime(0);
        let beginning = self.beginning(process, link);
        let path = raw
            .first()
            .and_then(|raw| self.log.ops.get(raw.at as usize))
            .map_or_else(|| self.any_path(process, link), |op| op.path);
        for group in &missing {
            let Some(rec) = self.track.groups.get(*group as usize) else { continue };
            let hold = HoldRec {
                group: *group,
                path,
                accompanied: missing.len() > 1,
                foreign: self.is_foreign(*group),
                ..HoldRec::unknown(process, rec.driver, (rec.link, rec.stream))
            };
            stack.push(self.track.holds.len() as u32);
            events.push(Ev {
                at: Instant::point(beginning),
                kind: EvKind::Open(self.track.holds.len() as u32),
                alive: stack.len() as u32,
            });
            began = beginning;
            self.track.holds.push(hold);
        }
        let mut threads: Vec<Option<u32>> = vec![None; stack.len()];
        for &Raw { group, nth, at, what, .. } in raw {
            let Some(op) = self.log.ops.get(at as usize) else { continue };
            let now = Instant::of(op);
            match what {
                What::Use(need) => {
                    if events.last().is_none_or(|last| last.at.before(now)) {
                        shown.push(ShownByUse { after: events.len() as u32, need });
                    }
                }
                What::Open => {
                    if stack.is_empty() {
                        first = events.len() as u32;
                        began = now.start;
                    }
                    let index = self.track.holds.len() as u32;
                    let Some(rec) = self.track.groups.get(group as usize) else { continue };
                    let mut hold = opened(op, at, group, (rec.driver, rec.link, rec.stream));
                    hold.foreign = nth == NONE;
                    if let Some(&beside) = stack.last() {
                        hold.accompanied = true;
                        if let Some(beside) = self.track.holds.get_mut(beside as usize) {
                            beside.accompanied = true;
                        }
                    }
                    self.track.holds.push(hold);
                    stack.push(index);
                    threads.push(op.thread);
                    events.push(Ev { at: now, kind: EvKind::Open(index), alive: stack.len() as u32 });
                    if let Some(effect) = effects.get_mut(nth as usize) {
                        *effect = index;
                    }
                }
                What::Close => {
                    // AT-13: the most recent open of the same thread, else the most recent one.
                    let low = threads.len().saturating_sub(16);
                    let recent = threads.get(low..).unwrap_or(&[]);
                    let which = match op.thread {
                        Some(_) => recent.iter().rposition(|thread| *thread == op.thread).map(|at| at + low),
                        None => None,
                    };
                    let by_thread = which.is_some();
                    let which = which.unwrap_or(stack.len().saturating_sub(1));
                    if which < stack.len() {
                        let index = stack.remove(which);
                        threads.remove(which);
                        if let Some(hold) = self.track.holds.get_mut(index as usize) {
                            hold.ended = Ended::Close(at, now);
                            hold.paired_by_thread = by_thread;
                        }
                        if let Some(effect) = effects.get_mut(nth as usize) {
                            *effect = index;
                        }
                    }
                    events.push(Ev { at: now, kind: EvKind::Close, alive: stack.len() as u32 });
                    if stack.is_empty() {
                        self.span(members, first, began, now.end, items);
                    }
                }
            }
        }
        if !stack.is_empty() {
            let exit = exits.get(process.0 as usize).copied().flatten();
            let mut end = FileTime(u64::MAX);
            if let Some((op, time)) = exit {
                // AT-7: the process took its handles with it.
                end = time;
                events.push(Ev { at: Instant::point(time), kind: EvKind::Exit, alive: 0 });
                for index in stack {
                    if let Some(hold) = self.track.holds.get_mut(index as usize) {
                        hold.ended = Ended::Exit(op, time);
                    }
                }
            }
            self.span(members, first, began, end, items);
        }
        let sorts = self.sorts(&events);
        for member in members {
            if let Some(rec) = self.track.groups.get_mut(*member as usize) {
                rec.events = events.clone();
                rec.sorts = sorts.clone();
                rec.shown = shown.clone();
            }
        }
    }

    /// Whether a group has the handles on another file of the name.
    fn is_foreign(&self, group: u32) -> bool {
        let rec = self.track.groups.get(group as usize);
        rec.is_some_and(|rec| self.homes.contains_key(&(rec.process, rec.link)))
    }

    /// One hold of each access and share mode, if they are few.
    fn sorts(&self, events: &[Ev]) -> Vec<u32> {
        let mut sorts: Vec<(Option<Grant>, u32)> = Vec::new();
        for ev in events {
            let EvKind::Open(index) = ev.kind else { continue };
            let Some(hold) = self.track.holds.get(index as usize) else { continue };
            if !sorts.iter().any(|(grant, _)| *grant == hold.grant) {
                if sorts.len() == 8 {
                    return Vec::new();
                }
                sorts.push((hold.grant, index));
            }
        }
        sorts.into_iter().map(|(_, index)| index).collect()
    }

    fn span(
        &mut self,
        members: &[u32],
        first: u32,
        from: FileTime,
        to: FileTime,
        items: &mut Vec<(FileTime, FileTime, u32)>,
    ) {
        for group in members {
            if self.is_foreign(*group) {
                continue;
            }
            let index = self.track.span_info.len() as u32;
            self.track.span_info.push((*group, first, from, to));
            items.push((from, to, index));
            if let Some(rec) = self.track.groups.get(*group as usize) {
                self.track.processes.entry(rec.process).or_default().push(index);
            }
        }
    }

    /// The earliest moment a handle without an open can have existed: the file's birth and the process's start bound it.
    fn beginning(&self, process: ProcessId, link: u32) -> FileTime {
        let started = self.log.processes.get(process.0 as usize).and_then(|info| info.started);
        started.max(self.names.born(link)).unwrap_or_default()
    }

    fn any_path(&self, process: ProcessId, link: u32) -> PathId {
        self.track
            .ops
            .iter()
            .take(4096)
            .filter(|at| self.names.place(**at).link == link)
            .filter_map(|at| self.log.ops.get(*at as usize))
            .find(|op| op.process == process)
            .map_or(PathId(0), |op| op.path)
    }
}

fn opened(op: &Op, at: u32, group: u32, (driver, link, stream): (Option<DriverId>, u32, u32)) -> HoldRec {
    let create = match op.kind {
        OpKind::Create(create) => Some(create),
        _ => None,
    };
    let access = create.and_then(|create| create.access);
    let share = create.and_then(|create| create.share);
    HoldRec {
        group,
        path: op.path,
        access: access.map(crate::nt::AccessMask::map_generic),
        share,
        grant: access.zip(share).map(|(access, share)| Grant::new(access, share)),
        options: create.map_or(CreateOptions::NONE, |create| create.options),
        served: op.stack == StackSays::Server,
        opened: Some((at, Instant::of(op))),
        ..HoldRec::unknown(op.process, driver, (link, stream))
    }
}
