//! One file's operations turned into holds, marks, sections and locks.

mod collect;
mod pairing;
mod uses;

use super::hold::Ended;
use super::oplock::Oplock;
use super::refute::{Refutation, refute_by_moves};
use super::track::Track;
use crate::capture::op::{OpKind, OpLog, ProcessId, ProcessInfo};
use crate::locks::exits::Exits;
use crate::locks::finding::Range;
use crate::locks::identity::{NONE, Names, UNNAMED, opens, succeeded};
use crate::locks::spans::Instant;
use crate::nt::{CreateOptions, FileAttributes, FileTime, NtStatus, OpenResult};
use collect::Builder;
pub(crate) use collect::Foreign;
pub(crate) use uses::is_use;

impl Track {
    /// Replays the operations of one file; `occupied` tells whether it is a folder in which something was left at an operation.
    pub(crate) fn build(
        log: &OpLog,
        names: &Names,
        exits: &Exits,
        file: u32,
        ops: Vec<u32>,
        foreign: Vec<Foreign>,
        occupied: &dyn Fn(u32) -> bool,
    ) -> Self {
        let mut builder = Builder::new(log, names, ops, foreign);
        builder.pool_links(file);
        builder.collect();
        let effects = builder.pair(exits);
        let mut track = builder.track;
        track.settle(log, names, exits, file, &effects, occupied);
        track
    }

    fn settle(
        &mut self,
        log: &OpLog,
        names: &Names,
        exits: &Exits,
        file: u32,
        effects: &[u32],
        occupied: &dyn Fn(u32) -> bool,
    ) {
        let mut exiting: Vec<(FileTime, u32)> = (0u32..)
            .zip(&self.holds)
            .filter_map(|(index, hold)| match hold.ended {
                Ended::Exit(_, time) if !hold.foreign => Some((time, index)),
                _ => None,
            })
            .collect();
        exiting.sort_unstable();
        let mut exiting = exiting.into_iter().peekable();
        self.hand_over(log);
        let mut refutation = Refutation::default();
        let ops = std::mem::take(&mut self.ops);
        let mut effects = effects.to_vec();
        let mut set_basic = false;
        self.sections.note(UNNAMED).images_before(names, file);
        for (nth, &at) in ops.iter().enumerate() {
            let Some(op) = log.ops.get(at as usize) else { continue };
            let now = Instant::of(op);
            while let Some((time, hold)) = exiting.next_if(|(time, _)| *time <= now.start) {
                refutation.release(&self.holds, hold);
                self.marks.hold_ended((&self.holds, hold), Instant::point(time), None, log, occupied);
            }
            let effect = effects.get(nth).copied().unwrap_or(NONE);
            let place = names.place(at);
            // It may have been on another file of the name: then it shows nothing of this one.
            let sure = names.other_readings(at).is_empty();
            if matches!(
                op.kind,
                OpKind::Lock { .. } | OpKind::Read { paging: false, .. } | OpKind::Write { paging: false, .. }
            ) && succeeded(op)
                && sure
                && op.driver.is_none()
                && !log.processes.get(op.process.0 as usize).is_some_and(ProcessInfo::is_system)
            {
                self.locks.note(place.stream).passed(op, at, now);
            }
            match op.kind {
                OpKind::Create(create) if opens(op) => {
                    self.opens_checked += 1;
                    self.directory |= create.options.contains(CreateOptions::DIRECTORY_FILE);
                    let swaps = refutation.check(log, names, &mut self.holds, &self.groups, effect, (at, op));
                    for (close, hold) in swaps.moved {
                        if let Ok(position) = position(&ops, &effects, close, nth)
                            && let Some(slot) = effects.get_mut(position)
                        {
                            *slot = hold;
                        }
                    }
                    self.false_conflicts.extend(swaps.refused);
                    if create.result != Some(OpenResult::CREATED) {
                        self.sections.note(place.stream).success(op, at, now);
                    }
                    self.marks.opened(place, now);
                    if create.result == Some(OpenResult::CREATED) && place.stream == UNNAMED {
                        self.learn(now.end, create.attributes);
                    }
                }
                OpKind::Create(_) if !succeeded(op) && op.status != NtStatus::PENDING => {
                    if op.status == NtStatus::USER_MAPPED_FILE {
                        self.sections.note(place.stream).refused_overwrite(now);
                    }
                    self.refused_opens.entry(op.process).or_insert(op.start);
                }
                OpKind::Create(_) if op.status == NtStatus::PENDING => {
                    self.pending_opens.entry(op.process).or_insert(op.start);
                }
                OpKind::Cleanup => {
                    if effect != NONE {
                        refutation.release(&self.holds, effect);
                        self.marks.hold_ended((&self.holds, effect), now, Some(at), log, occupied);
                    }
                    let last = self.weigh_none(place.link, place.stream, op.process, now);
                    self.locks.note(place.stream).cleanup(op.process, now, at, last);
                }
                OpKind::SetDisposition { delete, .. } if succeeded(op) => {
                    self.marks.disposition(place, op, at, now, delete, false);
                    if delete {
                        self.sections.note(place.stream).disposed(at, now, true);
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
                            let image_too = flags.contains(D::FORCE_IMAGE_SECTION_CHECK);
                            self.sections.note(place.stream).disposed(at, now, image_too);
                        }
                    }
                }
                OpKind::CreateSection { protection, allocation } if succeeded(op) => {
                    self.sections.note(place.stream).created(op, at, now, protection, allocation);
                }
                OpKind::LoadImage => self.sections.note(place.stream).loaded(log, op, at, now),
                OpKind::SetEndOfFile(0) | OpKind::SetAllocation(0) if succeeded(op) && sure => {
                    self.sections.note(place.stream).truncated(at, now);
                }
                OpKind::QueryAttributes(attributes) if succeeded(op) && sure => self.learn(now.end, attributes),
                OpKind::QueryOpen { attributes: Some(attributes) } if succeeded(op) => {
                    self.learn(now.end, attributes);
                    self.marks.opened(place, now);
                }
                OpKind::QueryOpen { attributes: None } if succeeded(op) => self.marks.opened(place, now),
                OpKind::QueryStandard { directory: true, .. } if succeeded(op) && sure => self.directory = true,
                // Once attributes were set, what a folder lists may lag behind.
                OpKind::ListedReadOnly if !set_basic => self.learn(now.end, FileAttributes::READONLY),
                OpKind::SetBasic(attributes) if succeeded(op) && !attributes.is_empty() => {
                    set_basic = true;
                    if !sure {
                        self.readonly.clear();
                        continue;
                    }
                    self.learn(now.end, attributes);
                }
                OpKind::Lock { offset, length, exclusive, key, .. } if succeeded(op) => {
                    let range = Range { offset, length, exclusive };
                    self.locks.note(place.stream).lock(op, at, now, range, key);
                }
                OpKind::Unlock { .. } | OpKind::UnlockAll | OpKind::UnlockByKey { .. } if succeeded(op) && !sure => {
                    self.locks.note(place.stream).parted(op.process, now);
                }
                OpKind::Unlock { offset, length } if succeeded(op) => {
                    self.locks.note(place.stream).unlock(op, at, now, offset, length);
                }
                OpKind::UnlockAll if succeeded(op) => self.locks.note(place.stream).unlock_all(op.process, now, at),
                OpKind::UnlockByKey { key } if succeeded(op) => {
                    self.locks.note(place.stream).unlock_key(op.process, now, at, key);
                }
                OpKind::FsControl(code) => Oplock::note(&mut self.oplocks, code, op, (at, place.stream), now),
                _ => {}
            }
        }
        for (time, hold) in exiting {
            self.marks.hold_ended((&self.holds, hold), Instant::point(time), None, log, occupied);
        }
        self.ops = ops;
        self.locks.all_mut().for_each(|locks| locks.finish(exits));
        self.sections.all_mut().for_each(|sections| sections.finish(exits));
        self.moved_over = refute_by_moves(&mut self.holds, &self.groups, &self.marks, &self.ops, log, names);
        for hold in &self.holds {
            if let Some(dead) = hold.dead_by.filter(|_| hold.ended_unseen()) {
                let first = self.shown_closed.entry(hold.process).or_insert(dead);
                *first = dead.min(*first);
            }
        }
        self.opens_without_close =
            self.own_holds().filter(|hold| hold.opened.is_some() && hold.ended == Ended::Open).count() as u64;
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
        self.directory |= attributes.contains(FileAttributes::DIRECTORY);
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
    pub(super) fn hand_over(&mut self, log: &OpLog) {
        let mut orphans: Vec<(Instant, ProcessId, u32)> = self
            .own_holds()
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
        // AT-7: of two processes that had one PID the later knew nothing of the earlier's handles.
        let succeeded = |first: ProcessId, second: ProcessId| {
            let process = |id: ProcessId| log.processes.get(id.0 as usize);
            process(first).zip(process(second)).is_some_and(|(a, b)| a.replaced.is_some() && a.pid == b.pid)
        };
        for hold in self.holds.iter_mut().filter(|hold| !hold.foreign) {
            let Some((_, opened)) = hold.opened else { continue };
            if matches!(hold.ended, Ended::Close(..)) {
                continue;
            }
            let from = orphans.partition_point(|(at, ..)| at.start < opened.end);
            hold.handed = orphans
                .get(from..)
                .unwrap_or(&[])
                .iter()
                .take(64)
                .find(|(_, process, stream)| {
                    *process != hold.process && *stream == hold.stream && !succeeded(hold.process, *process)
                })
                .map(|(at, ..)| *at);
            self.handed.extend(hold.handed.map(|at| at.start));
            // SA-7: what was open at the exit would have been closed by it.
            if let (Some(closed), Ended::Exit(_, exit)) = (hold.handed, hold.ended)
                && closed.start < exit
            {
                hold.ended = Ended::Open;
            }
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
