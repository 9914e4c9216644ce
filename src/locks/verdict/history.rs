//! Everything that happened to one file around an event, for the story of it.

use super::bursts::Bursts;
use crate::capture::op::{EventIndex, Op, OpLog, PathId, ProcessId};
use crate::locks::clock::Straightened;
use crate::locks::engine::{Engine, Options};
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, HoldRec};
use crate::locks::file::sections::{Mapped, Sections};
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, Edge, Finding, Hold, Mechanism, Party};
use crate::locks::identity::NONE;
use crate::locks::spans::Instant;
use crate::nt::FileTime;
use rustc_hash::FxHashSet;

/// At most this many events and holds are told, those nearest to the failure.
const MAX_TOLD: usize = 4096;

/// One event on the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEvent {
    /// The event.
    pub event: EventIndex,
    /// Its start.
    pub time: FileTime,
    /// Its completion; its start when unknown.
    pub end: FileTime,
    /// Its process.
    pub process: ProcessId,
    /// The path it shows.
    pub path: PathId,
}

impl HistoryEvent {
    fn of(op: &Op) -> Self {
        Self { event: op.event, time: op.start, end: Instant::of(op).end, process: op.process, path: op.path }
    }
}

/// One hold on the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryHold {
    /// Who.
    pub party: Party,
    /// How.
    pub mechanism: Mechanism,
    /// From when to when, and what by.
    pub hold: Hold,
    /// When it surely stood; `None` when at no known time. Between that and the ends of `hold` it may have.
    pub sure: Option<(FileTime, FileTime)>,
    /// When it had surely ended, where something shows that: the close was done, or a success refutes it.
    pub over: Option<FileTime>,
    /// The success that it would have refused (AT-11).
    pub refuted_by: Option<EventIndex>,
}

/// The story of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct FileHistory {
    /// What the engine says about it, if it was refused.
    pub finding: Option<Finding>,
    /// Events on the file by everyone, in event order; for a rename, those on its target too.
    pub events: Vec<HistoryEvent>,
    /// Handles, sections and locks on it, in order of their start.
    pub holds: Vec<HistoryHold>,
    /// There were more than are told.
    pub truncated: bool,
}

/// What `why` tells of one event: see [`FileHistory`]. `tries` are the refusals it may be one of, itself among them
/// if it was refused. `None` when the event is not in the log.
pub fn history(log: &OpLog, event: EventIndex, tries: &[EventIndex], options: &Options<'_>) -> Option<FileHistory> {
    let straight = Straightened::of(log);
    let mut told =
        Engine::new(straight.as_ref().map_or(log, |straight| &straight.log), *options).history(event, tries)?;
    if let Some(straight) = straight {
        told.finding.iter_mut().for_each(|finding| straight.show_finding(finding));
        for event in &mut told.events {
            straight.show(&mut event.time);
            straight.show(&mut event.end);
        }
        show_holds(&straight, &mut told.holds);
    }
    Some(told)
}

/// The handles that the end of a process, event `event`, closed (AT-7), by when they were opened.
pub fn closed_by_exit(log: &OpLog, event: EventIndex, options: &Options<'_>) -> Vec<HistoryHold> {
    let straight = Straightened::of(log);
    let mut told = Engine::new(straight.as_ref().map_or(log, |straight| &straight.log), *options).closed_by_exit(event);
    if let Some(straight) = straight {
        show_holds(&straight, &mut told);
    }
    told
}

/// Holds with times as the capture has them.
fn show_holds(straight: &Straightened, told: &mut [HistoryHold]) {
    for told in told {
        straight.show_hold(&mut told.hold);
        let sure = told.sure.iter_mut().flat_map(|(from, to)| [from, to]);
        sure.chain(&mut told.over).for_each(|time| straight.show(time));
    }
}

impl Engine<'_> {
    /// The story of an event; `tries` are the refusals it may be one of.
    pub(crate) fn history(&mut self, event: EventIndex, tries: &[EventIndex]) -> Option<FileHistory> {
        let index = self.find(event)?;
        let op = self.op(index)?;
        let tries: Vec<u32> = tries.iter().filter_map(|event| self.find(*event)).collect();
        let bursts = Bursts::group(self, &tries);
        let finding = if tries.contains(&index) { self.explain(index, &bursts) } else { None };
        let failing =
            Failing { index, op, at: Instant::of(op), burst: bursts.end_of(index), nesting: 0, begun_by: None };
        let mut links = vec![self.names.place(index).link, self.subject(index, op)];
        // A child, a parent or a target that stood in the way has its own events.
        let holders = finding.iter().flat_map(|finding| &finding.holders);
        for hold in holders.clone().flat_map(|holder| std::iter::once(&holder.hold).chain(&holder.more)) {
            for edge in [hold.start, hold.end] {
                if let Edge::At(event, _) = edge
                    && let Some(at) = self.find(event)
                {
                    links.push(self.names.place(at).link);
                }
            }
        }
        // Two names may be one file's, and its story is told once.
        let mut seen = FxHashSet::default();
        let files = links.into_iter().filter(|link| *link != NONE).map(|link| self.names.file(link));
        let files: Vec<u32> = files.filter(|file| seen.insert(*file)).collect();
        let mut events = Vec::new();
        let mut holds = Vec::new();
        let mut truncated = false;
        for file in files {
            let track = self.track(file);
            let middle = track.ops.partition_point(|at| self.tick(*at) < self.tick(index));
            let from = middle.saturating_sub(MAX_TOLD / 2);
            let told = track.ops.get(from..).unwrap_or(&[]);
            truncated |= from > 0 || told.len() > MAX_TOLD;
            events.extend(told.iter().take(MAX_TOLD).filter_map(|at| self.op(*at)).map(HistoryEvent::of));
            let mut near: Vec<_> = (0u32..).zip(&track.holds).filter(|(_, hold)| !hold.foreign).collect();
            near.sort_by_key(|(_, hold)| {
                let start = hold.opened.map_or(FileTime(0), |(_, at)| at.start);
                (!hold.paired_alive(failing.at), start.0.abs_diff(failing.at.start.0))
            });
            truncated |= near.len() > MAX_TOLD;
            for (number, hold) in near.into_iter().take(MAX_TOLD) {
                let refuted = track.refutations().find(|one| one.hold == number && hold.ended_unseen());
                let told = self.public_hold(failing, &track, hold);
                holds.push(HistoryHold {
                    party: hold.party(),
                    mechanism: match hold.driver {
                        Some(_) => Mechanism::FilterInStack,
                        None => Mechanism::OpenHandle,
                    },
                    hold: told,
                    sure: self.surely(&track, hold, told.end),
                    over: match hold.ended {
                        _ if hold.ended_unseen() => hold.dead_by,
                        Ended::Open => None,
                        Ended::Close(_, close) => Some(close.end),
                        Ended::Exit(_, time) => Some(time),
                    },
                    refuted_by: refuted.and_then(|one| Some(self.op(one.by)?.event)),
                });
            }
            holds.extend(self.other_holds(failing, &track));
        }
        for holder in holders {
            if holder.mechanism != Mechanism::OpenHandle || !holds.iter().any(|told| told.hold == holder.hold) {
                for hold in std::iter::once(holder.hold).chain(holder.more.iter().copied()) {
                    // AT-3: the same open may be told with another end, and that end's open with the one it leaves.
                    let opened = |known: &HistoryHold| {
                        (known.mechanism == holder.mechanism
                            || is_mapping(known.mechanism) && is_mapping(holder.mechanism))
                            && matches!(hold.start, Edge::At(..))
                            && known.hold.start == hold.start
                    };
                    let known = holds
                        .iter()
                        .position(|known| known.party == holder.party && (known.hold == hold || opened(known)));
                    let known = known.map(|at| holds.remove(at));
                    if let Some(Edge::At(_, first)) = known.map(|known| known.hold.end).filter(|end| *end != hold.end) {
                        let same = |other: &&mut HistoryHold| other.party == holder.party && other.hold.end == hold.end;
                        for other in holds.iter_mut().filter(same) {
                            other.sure = other.sure.map(|(from, until)| (from, until.min(first).max(from)));
                        }
                    }
                    // A mapping or a lock stood when it was in the way; how much longer may not be shown.
                    let stood = (holder.confidence > Confidence::Possible)
                        .then(|| (time_of(hold.start, op.start), time_of(hold.end, Instant::of(op).end)));
                    holds.push(HistoryHold {
                        party: holder.party,
                        mechanism: holder.mechanism,
                        hold,
                        sure: known.and_then(|known| known.sure).or(stood),
                        over: known.filter(|known| known.hold.end == hold.end).and_then(|known| known.over),
                        refuted_by: known.and_then(|known| known.refuted_by),
                    });
                }
            }
        }
        let ends = finding.iter().flat_map(|finding| {
            let cleared = finding.ruled_out.iter().filter_map(|cleared| cleared.event);
            let ends = finding.released_by.iter().map(|release| release.event).chain(finding.confirmed_by);
            ends.chain(finding.deleted_by.map(|mark| mark.event)).chain(cleared)
        });
        let ends: Vec<EventIndex> = ends.chain(holds.iter().filter_map(|told| told.refuted_by)).collect();
        let ends = ends.into_iter();
        events.extend(ends.filter_map(|event| self.op(self.find(event)?)).map(HistoryEvent::of));
        events.sort_by_key(|event| event.event);
        events.dedup();
        holds.sort_by_key(|told| match told.hold.start {
            Edge::At(event, _) => event.0 + 1,
            _ => 0,
        });
        Some(FileHistory { finding, events, holds, truncated })
    }

    /// The sections that may stand at the failure, and the byte-range locks, those nearest to it.
    fn other_holds(&self, failing: Failing<'_>, track: &Track) -> Vec<HistoryHold> {
        let at = |sections: &Sections| sections.at(failing.at, &self.exits, self.options.limit);
        let sections: Vec<Mapped> = track.sections.iter().flat_map(|(_, sections)| at(sections)).collect();
        let mut told: Vec<HistoryHold> = sections.iter().map(|section| self.section_told(failing, section)).collect();
        let mut locks: Vec<_> = track.locks.iter().flat_map(|(_, locks)| locks.iter()).collect();
        locks.sort_by_key(|lock| lock.granted.start.0.abs_diff(failing.at.start.0));
        told.extend(locks.into_iter().take(MAX_TOLD).map(|lock| {
            let (hold, end) = self.lock_hold(failing, lock);
            HistoryHold {
                party: self.author(Some(lock.op), lock.process),
                mechanism: Mechanism::ByteRangeLock,
                hold,
                sure: Some((lock.granted.end, end.map_or(FileTime(u64::MAX), |(_, at)| at.start))),
                over: end.map(|(_, at)| at.end),
                refuted_by: None,
            }
        }));
        told
    }

    fn section_told(&self, failing: Failing<'_>, section: &Mapped) -> HistoryHold {
        HistoryHold {
            party: self.author(section.made, section.process),
            mechanism: if section.kind.data() { Mechanism::DataMapping } else { Mechanism::ImageMapping },
            hold: self.section_hold(failing, section),
            sure: None, // MM-5
            over: section.exit.map(|(_, time)| time),
            refuted_by: None,
        }
    }

    /// The handles that the end of a process closed.
    pub(crate) fn closed_by_exit(&mut self, event: EventIndex) -> Vec<HistoryHold> {
        let Some((index, op)) = self.find(event).and_then(|index| Some((index, self.op(index)?))) else {
            return Vec::new();
        };
        let failing = Failing {
            index,
            op,
            at: Instant::of(op),
            burst: Bursts::group(self, &[]).end_of(index),
            nesting: 0,
            begun_by: None,
        };
        let own = |one: &(u32, &Op)| one.1.process == op.process;
        let mut files: Vec<u32> = (0u32..)
            .zip(&self.log.ops)
            .filter(own)
            .map(|(at, _)| self.names.file(self.names.place(at).link))
            .filter(|file| *file != NONE)
            .collect();
        files.sort_unstable();
        files.dedup();
        let mut closed = Vec::new();
        for file in files {
            let track = self.track(file);
            let ended = |hold: &&HoldRec| {
                hold.process == op.process
                    && !hold.ended_unseen()
                    && matches!(hold.ended, Ended::Exit(Some(by), _) if by == index)
            };
            closed.extend(track.own_holds().filter(ended).map(|hold| {
                let told = self.public_hold(failing, &track, hold);
                HistoryHold {
                    party: Party::Process(hold.process),
                    mechanism: Mechanism::OpenHandle,
                    hold: told,
                    sure: self.surely(&track, hold, told.end),
                    over: Some(op.start),
                    refuted_by: None,
                }
            }));
        }
        closed.sort_by_key(|told| match told.hold.start {
            Edge::At(event, _) => event.0 + 1,
            _ => 0,
        });
        closed
    }

    /// When a handle surely stood: from the end of its CreateFile to the begin of its close; one that only its use or its
    /// close shows, as far as these do. A filter may work in either while it runs.
    fn surely(&self, track: &Track, hold: &HoldRec, end: Edge) -> Option<(FileTime, FileTime)> {
        let used = track.groups.get(hold.group as usize).and_then(|group| group.used);
        let from = match hold.opened {
            Some((_, open)) => open.end,
            None => used?.0,
        };
        let last_use = used.map_or(from, |(_, last)| last);
        let until = match hold.ended {
            // No close: as far as its own use shows.
            _ if hold.ended_unseen() => last_use.min(hold.dead_by.unwrap_or(from)),
            Ended::Open if self.whole() == Confidence::Possible => last_use,
            Ended::Open if end == Edge::Unseen && hold.handed.is_none() => last_use,
            Ended::Open => hold.handed.map_or(FileTime(u64::MAX), |handed| handed.start),
            Ended::Close(_, close) => close.start,
            Ended::Exit(_, time) => time,
        };
        Some((from, until.max(from)))
    }
}

const fn is_mapping(mechanism: Mechanism) -> bool {
    matches!(mechanism, Mechanism::ImageMapping | Mechanism::DataMapping)
}

fn time_of(edge: Edge, otherwise: FileTime) -> FileTime {
    match edge {
        Edge::At(_, time) => time,
        _ => otherwise,
    }
}
