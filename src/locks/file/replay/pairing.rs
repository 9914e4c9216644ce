//! Second walk over one file: opens and closes paired by process, stream and order (AT-1, AT-3, AT-6, AT-7, AT-13).

use super::collect::{Builder, Raw, What};
use crate::capture::op::{DriverId, Op, OpKind, PathId, ProcessId, StackSays};
use crate::locks::exits::Exits;
use crate::locks::file::hold::{Ended, Ev, EvKind, HoldRec, ShownByUse};
use crate::locks::file::track::Track;
use crate::locks::identity::NONE;
use crate::locks::spans::{Instant, Spans};
use crate::nt::sharing::Grant;
use crate::nt::{CreateOptions, FileTime};

impl Builder<'_> {
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
