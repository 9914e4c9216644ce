//! Everything that happened to one file around a failure, for the story of it.

use super::attribute::Failing;
use super::bursts::Bursts;
use super::engine::Engine;
use super::finding::{Edge, Finding, Hold, Mechanism, Party};
use super::identity::NONE;
use super::spans::Instant;
use crate::capture::op::{EventIndex, PathId, ProcessId};
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

/// One hold on the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryHold {
    /// Who.
    pub party: Party,
    /// How.
    pub mechanism: Mechanism,
    /// From when to when, and what by.
    pub hold: Hold,
}

/// The story of one failure.
#[derive(Clone, Debug, PartialEq)]
pub struct FileHistory {
    /// What the engine says about it.
    pub finding: Finding,
    /// Events on the file by everyone, in event order; for a rename, those on its target too.
    pub events: Vec<HistoryEvent>,
    /// Handles, sections and locks on it, in order of their start.
    pub holds: Vec<HistoryHold>,
    /// There were more than are told.
    pub truncated: bool,
}

impl Engine<'_> {
    pub(crate) fn history(&mut self, event: EventIndex) -> Option<FileHistory> {
        let index = self.find(event)?;
        let op = self.op(index)?;
        let bursts = Bursts::group(self, &[index]);
        let finding = self.explain(index, &bursts)?;
        let failing = Failing { index, op, at: Instant::of(op), burst: bursts.end_of(index), nesting: 0 };
        let mut links = vec![self.names.place(index).link, self.subject(index, op)];
        // A child, a parent or a target that stood in the way has its own events.
        for hold in finding.holders.iter().flat_map(|holder| std::iter::once(&holder.hold).chain(&holder.more)) {
            for edge in [hold.start, hold.end] {
                if let Edge::At(event, _) = edge
                    && let Some(at) = self.find(event)
                {
                    links.push(self.names.place(at).link);
                }
            }
        }
        let mut seen = FxHashSet::default();
        links.retain(|link| seen.insert(*link));
        let mut events = Vec::new();
        let mut holds = Vec::new();
        let mut truncated = false;
        for link in links.into_iter().filter(|link| *link != NONE) {
            let track = self.track(self.names.file(link));
            let middle = track.ops.partition_point(|at| self.tick(*at) < self.tick(index));
            let from = middle.saturating_sub(MAX_TOLD / 2);
            let told = track.ops.get(from..).unwrap_or(&[]);
            truncated |= from > 0 || told.len() > MAX_TOLD;
            for op in told.iter().take(MAX_TOLD).filter_map(|at| self.op(*at)) {
                events.push(HistoryEvent {
                    event: op.event,
                    time: op.start,
                    end: Instant::of(op).end,
                    process: op.process,
                    path: op.path,
                });
            }
            let mut near: Vec<_> = track.holds.iter().collect();
            near.sort_by_key(|hold| {
                let start = hold.opened.map_or(FileTime(0), |(_, at)| at.start);
                (!hold.paired_alive(failing.at), start.0.abs_diff(failing.at.start.0))
            });
            truncated |= near.len() > MAX_TOLD;
            for hold in near.into_iter().take(MAX_TOLD) {
                holds.push(HistoryHold {
                    party: match hold.driver {
                        Some(driver) => Party::Driver { driver, process: hold.process },
                        None => Party::Process(hold.process),
                    },
                    mechanism: match hold.driver {
                        Some(_) => Mechanism::FilterInStack,
                        None => Mechanism::OpenHandle,
                    },
                    hold: self.public_hold(failing, hold),
                });
            }
        }
        for holder in &finding.holders {
            if holder.mechanism != Mechanism::OpenHandle || !holds.iter().any(|told| told.hold == holder.hold) {
                for hold in std::iter::once(holder.hold).chain(holder.more.iter().copied()) {
                    let told = HistoryHold { party: holder.party, mechanism: holder.mechanism, hold };
                    holds.retain(|known| known.party != told.party || known.hold != told.hold);
                    holds.push(told);
                }
            }
        }
        let ends = finding.released_by.iter().map(|release| release.event).chain(finding.confirmed_by);
        for op in ends.filter_map(|event| self.op(self.find(event)?)) {
            events.push(HistoryEvent {
                event: op.event,
                time: op.start,
                end: Instant::of(op).end,
                process: op.process,
                path: op.path,
            });
        }
        events.sort_by_key(|event| event.event);
        events.dedup();
        holds.sort_by_key(|told| match told.hold.start {
            Edge::At(event, _) => event.0 + 1,
            _ => 0,
        });
        Some(FileHistory { finding, events, holds, truncated })
    }
}
