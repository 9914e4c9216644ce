//! Opens and closes of one file paired by process, stream and order (AT-1, AT-3, AT-6, AT-13).

use super::{Exits, Track};
use crate::capture::op::{DriverId, Op, OpKind, OpLog, PathId, ProcessId, StackSays};
use crate::locks::hold::{Ended, Ev, EvKind, Group, HoldRec};
use crate::locks::identity::{NONE, Names, opens};
use crate::locks::spans::{Instant, Spans};
use crate::nt::sharing::Grant;
use crate::nt::{CreateOptions, FileTime, NtStatus};
use rustc_hash::FxHashMap;

/// A group's state while its events are collected.
#[derive(Default)]
pub(super) struct Count {
    open: u32,
    missing: u32,
    /// Extents of creates under way or done last, to tell a filter's look inside a create from a use.
    last_create: Option<Instant>,
}

type Key = (ProcessId, Option<DriverId>, u32, u32);

pub(super) struct Builder<'a> {
    pub(super) log: &'a OpLog,
    pub(super) names: &'a Names,
    pub(super) track: Track,
    pub(super) keys: FxHashMap<Key, u32>,
    pub(super) family: FxHashMap<(ProcessId, u32, u32), Vec<u32>>,
    pub(super) counts: Vec<Count>,
    pub(super) raw: Vec<Vec<(u32, RawEv)>>,
}

#[derive(Clone, Copy)]
pub(super) enum RawEv {
    Open(u32),
    Close,
}

impl Builder<'_> {
    fn group(&mut self, key: Key) -> u32 {
        if let Some(&group) = self.keys.get(&key) {
            return group;
        }
        let group = self.counts.len() as u32;
        self.keys.insert(key, group);
        self.family.entry((key.0, key.2, key.3)).or_default().push(group);
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
        });
        group
    }

    /// The group whose handle an operation went through: its own, or another of the same process with one open.
    fn user(&mut self, key: Key) -> u32 {
        let open = |counts: &[Count], group: u32| counts.get(group as usize).is_some_and(|count| count.open > 0);
        if let Some(&group) = self.keys.get(&key)
            && open(&self.counts, group)
        {
            return group;
        }
        if let Some(family) = self.family.get(&(key.0, key.2, key.3))
            && let Some(&group) = family.iter().take(16).find(|group| open(&self.counts, **group))
        {
            return group;
        }
        self.group(key)
    }

    /// First walk: opens and closes by group, and how many handles must be older than their first event (AT-6).
    pub(super) fn collect(&mut self) {
        let ops = std::mem::take(&mut self.track.ops);
        for (nth, &at) in (0u32..).zip(&ops) {
            let Some(op) = self.log.ops.get(at as usize) else { continue };
            let place = self.names.place(at);
            let key = (op.process, op.driver, place.link, place.stream);
            match op.kind {
                OpKind::Create(_) => {
                    let group = self.group(key);
                    if let Some(count) = self.counts.get_mut(group as usize) {
                        count.last_create = Some(Instant::of(op));
                        if opens(op) {
                            count.open += 1;
                        }
                    }
                    if opens(op)
                        && let Some(raw) = self.raw.get_mut(group as usize)
                    {
                        raw.push((nth, RawEv::Open(at)));
                    }
                }
                OpKind::Cleanup if op.status != NtStatus::PENDING => {
                    let group = self.user(key);
                    if let Some(count) = self.counts.get_mut(group as usize) {
                        if count.open > 0 {
                            count.open -= 1;
                        } else {
                            count.missing += 1;
                            self.track.closes_without_open += 1;
                        }
                    }
                    if let Some(raw) = self.raw.get_mut(group as usize) {
                        raw.push((nth, RawEv::Close));
                    }
                }
                _ if is_use(op) => {
                    let group = self.user(key);
                    if let Some(count) = self.counts.get_mut(group as usize) {
                        let inside = count.last_create.is_some_and(|create| create.end >= op.start);
                        if count.open == 0
                            && op.driver.is_none()
                            && !inside
                            && !self.creating(nth, &ops, op)
                            && let Some(count) = self.counts.get_mut(group as usize)
                        {
                            count.open += 1;
                            count.missing += 1;
                        }
                    }
                    if let Some(group) = self.track.groups.get_mut(group as usize) {
                        let used = group.used.get_or_insert((op.start, op.start));
                        used.0 = used.0.min(op.start);
                        used.1 = used.1.max(op.start);
                    }
                }
                _ => {}
            }
        }
        self.track.ops = ops;
    }

    /// Whether a create of this process on the file is under way: what a filter does inside it is no use of a handle.
    fn creating(&self, nth: u32, ops: &[u32], op: &Op) -> bool {
        ops.get(nth as usize + 1..).unwrap_or(&[]).iter().take(32).any(|at| {
            self.log.ops.get(*at as usize).is_some_and(|next| {
                next.process == op.process && matches!(next.kind, OpKind::Create(_)) && next.start <= op.start
            })
        })
    }

    /// Second walk: holds with ends. Returns, for each operation of the file, the hold it opened or closed.
    pub(super) fn pair(&mut self, exits: &Exits) -> Vec<u32> {
        let mut effects = vec![NONE; self.track.ops.len()];
        let raw = std::mem::take(&mut self.raw);
        let mut items = Vec::new();
        for (group, raw) in raw.into_iter().enumerate() {
            self.pair_group(group, &raw, exits, &mut effects, &mut items);
        }
        self.track.spans = Spans::new(items);
        let Track { processes, span_info, .. } = &mut self.track;
        for spans in processes.values_mut() {
            spans.sort_by_key(|span| span_info.get(*span as usize).map(|info| info.2));
        }
        effects
    }

    fn pair_group(
        &mut self,
        group: usize,
        raw: &[(u32, RawEv)],
        exits: &Exits,
        effects: &mut [u32],
        items: &mut Vec<(FileTime, FileTime, u32)>,
    ) {
        let missing = self.counts.get(group).map_or(0, |count| count.missing);
        let Some(rec) = self.track.groups.get(group) else { return };
        let (process, driver, link, stream) = (rec.process, rec.driver, rec.link, rec.stream);
        if raw.is_empty() && missing == 0 {
            return;
        }
        let mut events: Vec<Ev> = Vec::with_capacity(raw.len() + missing as usize);
        let mut stack: Vec<u32> = Vec::new();
        let mut first = 0u32;
        let mut began = FileTime(0);
        let beginning = self.beginning(process, link);
        let path = raw
            .first()
            .and_then(|(nth, _)| self.track.ops.get(*nth as usize))
            .and_then(|at| self.log.ops.get(*at as usize))
            .map_or_else(|| self.any_path(process, link), |op| op.path);
        for _ in 0..missing {
            stack.push(self.track.holds.len() as u32);
            events.push(Ev {
                at: Instant::point(beginning),
                kind: EvKind::Open(self.track.holds.len() as u32),
                alive: stack.len() as u32,
            });
            began = beginning;
            self.track.holds.push(HoldRec {
                group: group as u32,
                path,
                accompanied: missing > 1,
                ..HoldRec::unknown(process, driver, (link, stream))
            });
        }
        let mut threads: Vec<Option<u32>> = vec![None; stack.len()];
        for &(nth, ev) in raw {
            let Some(op) = self.track.ops.get(nth as usize).and_then(|at| self.log.ops.get(*at as usize)) else {
                continue;
            };
            let now = Instant::of(op);
            match ev {
                RawEv::Open(at) => {
                    if stack.is_empty() {
                        first = events.len() as u32;
                        began = now.start;
                    }
                    let index = self.track.holds.len() as u32;
                    let mut hold = opened(op, at, group as u32, (driver, link, stream));
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
                RawEv::Close => {
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
                        let at = self.track.ops.get(nth as usize).copied().unwrap_or(NONE);
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
                        self.span(group, first, began, now.end, items);
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
            self.span(group, first, began, end, items);
        }
        let sorts = self.sorts(&events);
        if let Some(rec) = self.track.groups.get_mut(group) {
            rec.events = events;
            rec.sorts = sorts;
        }
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
        group: usize,
        first: u32,
        from: FileTime,
        to: FileTime,
        items: &mut Vec<(FileTime, FileTime, u32)>,
    ) {
        let index = self.track.span_info.len() as u32;
        self.track.span_info.push((group as u32, first, from, to));
        items.push((from, to, index));
        if let Some(rec) = self.track.groups.get(group) {
            self.track.processes.entry(rec.process).or_default().push(index);
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

/// Operations that only a process with an open handle can issue in its own name.
fn is_use(op: &Op) -> bool {
    match op.kind {
        OpKind::Read { paging, .. } | OpKind::Write { paging, .. } => !paging,
        OpKind::Lock { .. }
        | OpKind::Unlock { .. }
        | OpKind::UnlockAll
        | OpKind::SetDisposition { .. }
        | OpKind::SetDispositionEx { .. }
        | OpKind::Rename { .. }
        | OpKind::Link { .. } => true,
        _ => false,
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
