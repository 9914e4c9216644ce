//! One file's operations turned into holds, marks, sections and locks.

use super::byterange::Locks;
use super::delete::Marks;
use super::hold::{Ended, Ev, EvKind, Fit, Group, HoldRec, Weighed, Work};
use super::identity::{NONE, Names, opens, succeeded};
use super::mapping::Sections;
use super::refute::Refutation;
use super::spans::{Instant, Spans};
use super::waits::Oplock;
use crate::capture::op::{DriverId, Op, OpKind, OpLog, PathId, ProcessId};
use crate::nt::sharing::Grant;
use crate::nt::{CreateOptions, FileAttributes, FileTime, NtStatus, OpenResult};
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

/// A create that the table of holds would have refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The create (operation index).
    pub(crate) by: u32,
    /// The hold that should have refused it.
    pub(crate) hold: u32,
    pub(crate) rule: &'static str,
}

/// Everything known about one file.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// Operation indices in completion order.
    pub(crate) ops: Vec<u32>,
    pub(crate) holds: Vec<HoldRec>,
    pub(crate) groups: Vec<Group>,
    /// Times when a group had handles: the group and the first event to weigh.
    spans: Spans,
    span_info: Vec<(u32, u32, FileTime, FileTime)>,
    /// Spans of each process, in time order.
    pub(crate) processes: IndexMap<ProcessId, Vec<u32>, FxBuildHasher>,
    /// Processes with a hold that a success showed ended (AT-11), and from when on.
    pub(crate) shown_closed: FxHashMap<ProcessId, FileTime>,
    /// Processes whose own open was refused.
    pub(crate) refused_opens: IndexMap<ProcessId, FileTime, FxBuildHasher>,
    pub(crate) marks: Marks,
    pub(crate) sections: Sections,
    pub(crate) locks: Locks,
    pub(crate) oplocks: Vec<Oplock>,
    /// Starts of closes that may have ended another process's handle.
    handed: FxHashSet<FileTime>,
    /// Attributes as they became known: time and whether read-only.
    readonly: Vec<(FileTime, bool)>,
    pub(crate) opens_checked: u64,
    pub(crate) false_conflicts: Vec<Refused>,
    pub(crate) closes_without_open: u64,
    pub(crate) opens_without_close: u64,
}

/// When each process ended: the exit's operation index, if the log has one, and the time.
pub(crate) type Exits = Vec<Option<(Option<u32>, FileTime)>>;

/// A group's state while its events are collected.
#[derive(Default)]
struct Count {
    open: u32,
    missing: u32,
    /// Extents of creates under way or done last, to tell a filter's look inside a create from a use.
    last_create: Option<Instant>,
}

type Key = (ProcessId, Option<DriverId>, u32, u32);

struct Builder<'a> {
    log: &'a OpLog,
    names: &'a Names,
    track: Track,
    keys: FxHashMap<Key, u32>,
    family: FxHashMap<(ProcessId, u32, u32), Vec<u32>>,
    counts: Vec<Count>,
    raw: Vec<Vec<(u32, RawEv)>>,
}

#[derive(Clone, Copy)]
enum RawEv {
    Open(u32),
    Close,
}

impl Track {
    /// Replays the operations of one file.
    pub(crate) fn build(log: &OpLog, names: &Names, exits: &Exits, file: u32, ops: Vec<u32>) -> Self {
        let mut builder = Builder {
            log,
            names,
            track: Track { ops, ..Track::default() },
            keys: FxHashMap::default(),
            family: FxHashMap::default(),
            counts: Vec::new(),
            raw: Vec::new(),
        };
        builder.collect();
        let effects = builder.pair(exits);
        let mut track = builder.track;
        track.settle(log, names, exits, file, &effects);
        track
    }

    /// Every group that may have a handle at `at`, weighed; and whether there were too many to look at.
    pub(crate) fn weigh(
        &self,
        at: Instant,
        limit: usize,
        work: &Work,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> (Vec<(u32, Weighed)>, bool) {
        let (spans, more) = self.spans.at(at, if work.is_spent() { limit.min(32) } else { limit });
        work.spend(spans.len() * 4);
        let mut found = Vec::new();
        for span in spans {
            let Some(&(group, first, ..)) = self.span_info.get(span as usize) else { continue };
            let Some(rec) = self.groups.get(group as usize) else { continue };
            found.push((group, rec.weigh(first as usize, at, &self.holds, work, fit)));
        }
        (found, more)
    }

    /// Whether the file was read-only at `at`, as far as known (DP-10).
    pub(crate) fn is_readonly(&self, at: FileTime) -> Option<bool> {
        let after = self.readonly.partition_point(|(time, _)| *time <= at);
        self.readonly.get(..after)?.last().map(|(_, readonly)| *readonly)
    }

    /// The spans of a process: possible start and end.
    pub(crate) fn process_spans(&self, process: ProcessId) -> impl Iterator<Item = (FileTime, FileTime, u32)> + '_ {
        let spans = self.processes.get(&process).map_or(&[][..], |spans| spans);
        spans
            .iter()
            .filter_map(|span| self.span_info.get(*span as usize))
            .map(|(group, _, from, to)| (*from, *to, *group))
    }

    /// The spans of a process nearest to an instant, a few on either side.
    pub(crate) fn process_spans_near(
        &self,
        process: ProcessId,
        at: Instant,
    ) -> impl Iterator<Item = (FileTime, FileTime, u32)> + '_ {
        let spans = self.processes.get(&process).map_or(&[][..], |spans| spans);
        let start = |span: &u32| self.span_info.get(*span as usize).map_or(FileTime(0), |info| info.2);
        let middle = spans.partition_point(|span| start(span) < at.end);
        let range = middle.saturating_sub(32)..spans.len().min(middle + 8);
        spans
            .get(range)
            .unwrap_or(&[])
            .iter()
            .filter_map(|span| self.span_info.get(*span as usize))
            .map(|(group, _, from, to)| (*from, *to, *group))
    }

    fn settle(&mut self, log: &OpLog, names: &Names, exits: &Exits, file: u32, effects: &[u32]) {
        let mut exiting: Vec<(FileTime, u32)> = (0u32..)
            .zip(&self.holds)
            .filter_map(|(index, hold)| match hold.ended {
                Ended::Exit(_, time) => Some((time, index)),
                _ => None,
            })
            .collect();
        exiting.sort_unstable();
        let mut exiting = exiting.into_iter().peekable();
        self.hand_over();
        let mut refutation = Refutation::default();
        let ops = std::mem::take(&mut self.ops);
        let mut effects = effects.to_vec();
        self.sections.images_before(names, file);
        for (nth, &at) in ops.iter().enumerate() {
            let Some(op) = log.ops.get(at as usize) else { continue };
            let now = Instant::of(op);
            while let Some((time, hold)) = exiting.next_if(|(time, _)| *time <= now.start) {
                refutation.release(&self.holds, hold);
                self.marks.hold_ended(&self.holds, hold, Instant::point(time), None, log);
            }
            let effect = effects.get(nth).copied().unwrap_or(NONE);
            let place = names.place(at);
            match op.kind {
                OpKind::Create(create) if opens(op) => {
                    self.opens_checked += 1;
                    let swaps = refutation.check(log, &mut self.holds, &self.groups, effect, at, op);
                    for (close, hold) in swaps.moved {
                        if let Ok(position) = position(&ops, &effects, close, nth)
                            && let Some(slot) = effects.get_mut(position)
                        {
                            *slot = hold;
                        }
                    }
                    self.false_conflicts.extend(swaps.refused);
                    if create.result != Some(OpenResult::CREATED) {
                        self.sections.success(op, now);
                    }
                    self.marks.opened(place.link, now);
                    if create.result == Some(OpenResult::CREATED) && place.stream == super::identity::UNNAMED {
                        self.learn(now.end, create.attributes);
                    }
                }
                OpKind::Create(_) if !succeeded(op) => {
                    self.refused_opens.entry(op.process).or_insert(op.start);
                }
                OpKind::Cleanup => {
                    if effect != NONE {
                        refutation.release(&self.holds, effect);
                        self.marks.hold_ended(&self.holds, effect, now, Some(at), log);
                    }
                    let last = self.weigh_none(place.link, place.stream, op.process, now);
                    self.locks.cleanup(op.process, now, at, last);
                }
                OpKind::SetDisposition { delete, .. } if succeeded(op) => {
                    self.marks.disposition(place, op, at, now, delete, false);
                    if delete {
                        self.sections.disposed(now, true);
                    }
                }
                OpKind::SetDispositionEx { flags, .. } if succeeded(op) => {
                    use crate::nt::DispositionFlags as D;
                    let delete = flags.contains(D::DELETE);
                    if flags.contains(D::ON_CLOSE) && !delete {
                        self.disarm(op.process, place.link, now);
                    } else {
                        let posix = flags.contains(D::POSIX_SEMANTICS);
                        self.marks.disposition(place, op, at, now, delete, posix);
                        if delete {
                            self.sections.disposed(now, flags.contains(D::FORCE_IMAGE_SECTION_CHECK));
                        }
                    }
                }
                OpKind::CreateSection { protection, allocation } if succeeded(op) => {
                    self.sections.created(op, at, now, protection, allocation);
                }
                OpKind::LoadImage => self.sections.loaded(log, op, at, now),
                OpKind::SetEndOfFile(0) | OpKind::SetAllocation(0) if succeeded(op) => self.sections.truncated(now),
                OpKind::QueryAttributes(attributes) if succeeded(op) => self.learn(now.end, attributes),
                OpKind::QueryOpen { attributes: Some(attributes) } if succeeded(op) => {
                    self.learn(now.end, attributes);
                    self.marks.opened(place.link, now);
                }
                OpKind::QueryOpen { attributes: None } if succeeded(op) => self.marks.opened(place.link, now),
                OpKind::SetBasic(attributes) if succeeded(op) && !attributes.is_empty() => {
                    self.learn(now.end, attributes);
                }
                OpKind::Lock { offset, length, exclusive, .. } if succeeded(op) => {
                    self.locks.lock(op, at, now, offset, length, exclusive);
                }
                OpKind::Unlock { offset, length } if succeeded(op) => self.locks.unlock(op, at, now, offset, length),
                OpKind::UnlockAll if succeeded(op) => self.locks.unlock_all(op.process, now, at),
                OpKind::FsControl(code) => Oplock::note(&mut self.oplocks, code, op, at, now),
                _ => {}
            }
        }
        for (time, hold) in exiting {
            self.marks.hold_ended(&self.holds, hold, Instant::point(time), None, log);
        }
        self.ops = ops;
        self.locks.finish(exits);
        for hold in &self.holds {
            if let Some(dead) = hold.dead_by.filter(|_| hold.ended_unseen()) {
                let first = self.shown_closed.entry(hold.process).or_insert(dead);
                *first = dead.min(*first);
            }
        }
        self.opens_without_close =
            self.holds.iter().filter(|hold| hold.opened.is_some() && hold.ended == Ended::Open).count() as u64;
    }

    /// Whether the close of this hold, whose open is not in the capture, may be that of a handle another process opened.
    pub(crate) fn handed_over(&self, hold: &HoldRec) -> bool {
        let Ended::Close(_, at) = hold.ended else { return false };
        self.handed.contains(&at.start)
    }

    /// Whether no handle of the process is left on the stream after a close.
    fn weigh_none(&self, link: u32, stream: u32, process: ProcessId, after: Instant) -> bool {
        let at = Instant { start: after.end, end: FileTime(after.end.0.saturating_add(1)) };
        !self.process_spans(process).any(|(from, to, group)| {
            from <= at.start
                && to > at.start
                && self.groups.get(group as usize).is_some_and(|group| group.link == link && group.stream == stream)
        })
    }

    fn learn(&mut self, time: FileTime, attributes: FileAttributes) {
        let readonly = attributes.contains(FileAttributes::READONLY);
        if self.readonly.last().is_none_or(|(_, last)| *last != readonly) {
            self.readonly.push((time, readonly));
        }
    }

    /// DP-5: Ex with ON_CLOSE disarms delete-on-close on its handle.
    fn disarm(&mut self, process: ProcessId, link: u32, now: Instant) {
        let alive: Vec<u32> = (0u32..)
            .zip(&self.holds)
            .filter(|(_, hold)| hold.process == process && hold.link == link && hold.paired_alive(now))
            .map(|(index, _)| index)
            .take(64)
            .collect();
        for index in alive {
            if let Some(hold) = self.holds.get_mut(index as usize) {
                hold.options = hold.options & !CreateOptions::DELETE_ON_CLOSE;
            }
        }
    }

    /// AT-6: a close without an open in one process and an open without a close in another may be one handle.
    fn hand_over(&mut self) {
        let mut orphans: Vec<(Instant, ProcessId, u32)> = self
            .holds
            .iter()
            .filter(|hold| hold.opened.is_none())
            .filter_map(|hold| match hold.ended {
                Ended::Close(_, at) => Some((at, hold.process, hold.stream)),
                _ => None,
            })
            .collect();
        orphans.sort_unstable_by_key(|(at, ..)| at.start);
        if orphans.is_empty() {
            return;
        }
        for hold in &mut self.holds {
            let Some((_, opened)) = hold.opened else { continue };
            if hold.ended != Ended::Open {
                continue;
            }
            let from = orphans.partition_point(|(at, ..)| at.start < opened.end);
            hold.handed = orphans
                .get(from..)
                .unwrap_or(&[])
                .iter()
                .take(64)
                .find(|(_, process, stream)| *process != hold.process && *stream == hold.stream)
                .map(|(at, ..)| *at);
            self.handed.extend(hold.handed.map(|at| at.start));
        }
    }
}

/// The position in the file's list of the operation `close`, at or before `nth`.
fn position(ops: &[u32], effects: &[u32], close: u32, nth: usize) -> Result<usize, ()> {
    let from = nth.saturating_sub(4096);
    ops.get(from..nth.min(effects.len()))
        .and_then(|ops| ops.iter().rposition(|op| *op == close))
        .map(|at| at + from)
        .ok_or(())
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
    fn collect(&mut self) {
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
    fn pair(&mut self, exits: &Exits) -> Vec<u32> {
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
                process,
                driver,
                link,
                stream,
                group: group as u32,
                path,
                access: None,
                share: None,
                grant: None,
                options: CreateOptions::NONE,
                impersonating: false,
                opened: None,
                ended: Ended::Open,
                paired_by_thread: false,
                accompanied: missing > 1,
                dead_by: None,
                handed: None,
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
        process: op.process,
        driver,
        link,
        stream,
        group,
        path: op.path,
        access: access.map(crate::nt::AccessMask::map_generic),
        share,
        grant: access.zip(share).map(|(access, share)| Grant::new(access, share)),
        options: create.map_or(CreateOptions::NONE, |create| create.options),
        impersonating: create.is_some_and(|create| create.impersonating),
        opened: Some((at, Instant::of(op))),
        ended: Ended::Open,
        paired_by_thread: false,
        accompanied: false,
        dead_by: None,
        handed: None,
    }
}
