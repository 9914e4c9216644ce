//! The state of one run over a log: order, names, files on demand, and what every rule asks of them.

use super::alias::Aliases;
use super::clock::Straightened;
use super::exits::{Exits, exits};
use super::failing::Failing;
use super::file::hold::Work;
use super::file::replay::Foreign;
use super::file::track::Track;
use super::finding::{Edge, Party};
use super::identity::{NONE, Names, opens, succeeded};
use super::slow::slow_ops;
use super::spans::Instant;
use crate::capture::op::{EventIndex, Op, OpKind, OpLog, ProcessId};
use crate::nt::{FileTime, NtStatus, Ticks};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Steps of one run over handles, spans and directory entries; far beyond what any real capture needs.
const MAX_WORK: u64 = 100_000_000;

/// Files whose replay is kept, which takes some kilobytes each. Beyond, those of few operations go first: what is needed
/// again is replayed again.
const MAX_TRACKS: usize = 1024;

/// Operations whose replay is not done again for the sake of memory.
const MANY_OPS: usize = 256;

/// Processes with two files of one name open that are looked into for one file.
const MAX_SHARED: usize = 64;

/// How the engine is to judge.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether a process is a victim of the profile. The failing process always is.
    pub is_victim: &'a dyn Fn(ProcessId) -> bool,
    /// At most this many handle groups, sections or locks of one file are looked at for one failure.
    pub limit: usize,
    /// Opens of victims that took at least this long are examined for oplock breaks.
    pub wait_threshold: Ticks,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("limit", &self.limit)
            .field("wait_threshold", &self.wait_threshold)
            .finish_non_exhaustive()
    }
}

/// Opens of victims that took at least this long are examined for oplock breaks, unless told otherwise.
pub const WAIT_THRESHOLD: Ticks = Ticks(500_000);

impl<'a> Options<'a> {
    /// The usual limits: 1024 parties, waits from 50 ms.
    pub const fn new(is_victim: &'a dyn Fn(ProcessId) -> bool) -> Self {
        Self { is_victim, limit: 1024, wait_threshold: WAIT_THRESHOLD }
    }
}

/// The state of one run.
pub(crate) struct Engine<'a> {
    pub(crate) log: &'a OpLog,
    pub(crate) options: Options<'a>,
    /// Operation indices in completion order.
    pub(crate) order: Vec<u32>,
    /// The position of each operation in `order`.
    ticks: Vec<u32>,
    pub(crate) names: Names,
    pub(crate) aliases: Aliases,
    /// Operations by file: where each file's part of `by_file` begins.
    starts: Vec<u32>,
    by_file: Vec<u32>,
    pub(crate) exits: Exits,
    tracks: FxHashMap<u32, Rc<Track>>,
    /// Processes by the path of their current directory, with the start event if seen (VI-10).
    pub(crate) directories: FxHashMap<u32, Vec<(ProcessId, Option<u32>)>>,
    /// Operations that took far longer than their like, ascending.
    pub(crate) slow: Vec<u32>,
    /// Renames and links that succeeded, in completion order.
    pub(crate) moves: Vec<u32>,
    /// What may still be looked at.
    pub(crate) work: Work,
    /// Parties told of so far, accused and cleared.
    pub(crate) told: usize,
}

/// The operations of a log, by index, in the order in which they were done.
fn completion_order(log: &OpLog) -> Vec<u32> {
    let count = u32::try_from(log.ops.len()).unwrap_or(u32::MAX - 1);
    let mut order: Vec<u32> = (0..count).collect();
    // Stable: operations that complete in the same tick keep the order of their events.
    order.sort_by_key(|at| log.ops.get(*at as usize).map_or(FileTime(0), |op| Instant::of(op).end));
    order
}

/// How many operations of a log cannot be understood from what it shows to have been done to names before: one that finds what
/// was gone, does not find what was there, or makes anew what was there.
pub(crate) fn contradictions(log: &OpLog) -> u32 {
    let straight = Straightened::of(log);
    let log = straight.as_ref().map_or(log, |straight| &straight.log);
    Names::replay(log, &completion_order(log)).odd
}

impl<'a> Engine<'a> {
    pub(crate) fn new(log: &'a OpLog, options: Options<'a>) -> Self {
        let order = completion_order(log);
        let mut ticks = vec![0; order.len()];
        for (tick, at) in (0u32..).zip(&order) {
            if let Some(slot) = ticks.get_mut(*at as usize) {
                *slot = tick;
            }
        }
        let names = Names::replay(log, &order);
        let moved = |op: &Op| matches!(op.kind, OpKind::Rename { .. } | OpKind::Link { .. }) && succeeded(op);
        let moves = order.iter().copied().filter(|at| log.ops.get(*at as usize).is_some_and(moved)).collect();
        let (starts, by_file) = group_by_file(&names, &order);
        let mut engine = Self {
            log,
            options,
            order,
            ticks,
            aliases: Aliases::find(log, &names),
            names,
            starts,
            by_file,
            exits: exits(log),
            tracks: FxHashMap::default(),
            directories: FxHashMap::default(),
            slow: slow_ops(log, options.wait_threshold),
            moves,
            work: Work::new(MAX_WORK),
            told: 0,
        };
        engine.note_directories();
        engine
    }

    fn note_directories(&mut self) {
        let mut starts: FxHashMap<ProcessId, u32> = FxHashMap::default();
        let mut seen: Vec<(u32, ProcessId)> = Vec::new();
        for (at, op) in (0u32..).zip(&self.log.ops) {
            if let OpKind::ProcessStart { current_directory } = op.kind {
                starts.insert(op.process, at);
                if let Some(path) = current_directory {
                    seen.push((self.names.key(path), op.process));
                }
            }
        }
        for (process, info) in (0u32..).map(ProcessId).zip(&self.log.processes) {
            if let Some(path) = info.current_directory {
                seen.push((self.names.key(path), process));
            }
        }
        seen.sort_unstable();
        seen.dedup();
        for (key, process) in seen {
            self.directories.entry(key).or_default().push((process, starts.get(&process).copied()));
        }
    }

    pub(crate) fn op(&self, at: u32) -> Option<&'a Op> {
        self.log.ops.get(at as usize)
    }

    pub(crate) fn tick(&self, at: u32) -> u32 {
        self.ticks.get(at as usize).copied().unwrap_or(NONE)
    }

    pub(crate) fn is_victim(&self, process: ProcessId) -> bool {
        (self.options.is_victim)(process)
    }

    pub(crate) fn counts_as_victim(&self, failing: Failing<'_>, process: ProcessId) -> bool {
        process == failing.op.process || self.is_victim(process)
    }

    pub(crate) fn edge(&self, at: u32) -> Edge {
        self.op(at).map_or(Edge::Unseen, |op| Edge::At(op.event, op.start))
    }

    pub(crate) fn author(&self, made: Option<u32>, process: ProcessId) -> Party {
        match made.and_then(|at| self.op(at)).and_then(|op| op.driver) {
            Some(driver) => Party::Driver { driver, process },
            None => Party::Process(process),
        }
    }

    /// The link a failure is about: the target of a rename that met one there, else the name it was issued on. `NONE` where
    /// it can only be a target that is not known.
    pub(crate) fn subject(&self, index: u32, op: &Op) -> u32 {
        let own = self.names.place(index).link;
        if !matches!(op.kind, OpKind::Rename { .. } | OpKind::Link { .. }) {
            return own;
        }
        match self.names.target(index) {
            Some(target) if target.link != NONE => target.link,
            // RN-4: what is pending is the target; a pending source is refused otherwise.
            _ if op.status == NtStatus::DELETE_PENDING => NONE,
            // RN-2, RN-7: the target or its folder.
            None if op.status == NtStatus::SHARING_VIOLATION => NONE,
            _ => own,
        }
    }

    /// Whether an operation was surely on the file of a link: through no handle that may have been another's (AT-3, AT-5), and by
    /// no name that may be another's.
    pub(crate) fn is_surely_on(&self, index: u32, link: u32) -> bool {
        self.names.other_readings(index).is_empty() && self.names.surely_one(self.names.place(index).link, link)
    }

    /// The operation of an event.
    pub(crate) fn find(&self, event: EventIndex) -> Option<u32> {
        let at = self.log.ops.partition_point(|op| op.event < event);
        (self.log.ops.get(at)?.event == event).then_some(at as u32)
    }

    /// The operations of one file in completion order.
    pub(crate) fn ops_of(&self, file: u32) -> &[u32] {
        let at = |n: u32| self.starts.get(n as usize).map_or(0, |start| *start as usize);
        self.by_file.get(at(file)..at(file + 1)).unwrap_or(&[])
    }

    /// Opens and closes on other files of a name, by processes that had both open at once.
    pub(crate) fn foreign(&self, file: u32, ops: &[u32]) -> Vec<Foreign> {
        let mut found = Vec::new();
        let elsewhere = self.names.shared(file).iter().filter(|(_, _, other)| self.names.file(*other) != file);
        for &(process, home, other) in elsewhere.take(MAX_SHARED) {
            let theirs = self.ops_of(self.names.file(other)).iter().copied().filter(|at| {
                self.names.place(*at).link == other
                    && self.op(*at).is_some_and(|op| {
                        op.process == process
                            && match op.kind {
                                OpKind::Create(_) => opens(op),
                                OpKind::Cleanup => op.status != NtStatus::PENDING,
                                _ => false,
                            }
                    })
            });
            found.extend(theirs.map(|at| {
                let before = ops.partition_point(|own| self.tick(*own) < self.tick(at)) as u32;
                Foreign { before, at, home }
            }));
        }
        found.sort_unstable_by_key(|one| self.tick(one.at));
        found
    }

    /// The replay of one file, done on first demand.
    pub(crate) fn track(&mut self, file: u32) -> Rc<Track> {
        if let Some(track) = self.tracks.get(&file) {
            return Rc::clone(track);
        }
        if self.tracks.len() > MAX_TRACKS {
            self.tracks.retain(|_, track| track.ops.len() > MANY_OPS);
            if self.tracks.len() > MAX_TRACKS / 2 {
                self.tracks.clear();
            }
        }
        let ops = if file == NONE { Vec::new() } else { self.ops_of(file).to_vec() };
        let foreign = self.foreign(file, &ops);
        let occupied = |at| self.is_occupied(file, at);
        let mut track = Track::build(self.log, &self.names, &self.exits, file, ops, foreign, &occupied);
        track.end_with_names(self.log, &|link| {
            let tick = self.names.died(link)?;
            Some(Instant::of(self.op(*self.order.get(tick as usize)?)?))
        });
        let track = Rc::new(track);
        self.tracks.insert(file, Rc::clone(&track));
        track
    }
}

fn group_by_file(names: &Names, order: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; names.file_count() + 1];
    let file_of = |at: u32| names.file(names.place(at).link);
    for &at in order {
        if let Some(count) = starts.get_mut(file_of(at).wrapping_add(1) as usize)
            && file_of(at) != NONE
        {
            *count += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut next = starts.clone();
    let mut by_file = vec![0u32; sum as usize];
    for &at in order {
        let file = file_of(at);
        if file == NONE {
            continue;
        }
        if let Some(slot) = next.get_mut(file as usize) {
            if let Some(entry) = by_file.get_mut(*slot as usize) {
                *entry = at;
            }
            *slot += 1;
        }
    }
    (starts, by_file)
}
