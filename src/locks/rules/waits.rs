//! Opens that an oplock refused, or that waited for its owner to give way (OP-1 to OP-4).

use super::suspect::{Blockers, Rule};
use crate::capture::op::{Op, OpKind, ProcessId};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, Fit, HoldRec};
use crate::locks::file::oplock::{Oplock, breaking, breaks_oplocks};
use crate::locks::file::track::Track;
use crate::locks::finding::{Cause, Confidence, Edge, Hold, Holder, Mechanism, Party, Wait};
use crate::locks::identity::NONE;
use crate::locks::spans::Instant;
use crate::nt::sharing::AccessClasses;
use crate::nt::{FileTime, NtStatus, Ticks};
use rustc_hash::FxHashSet;

impl Engine<'_> {
    /// OP-2, OP-3, OP-4.
    pub(crate) fn oplock(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.cause = Some(Cause::OplockBreak);
        let place = self.names.place(failing.index);
        if place.link == NONE {
            return;
        }
        let own = failing.op.process;
        let none = |_: &HoldRec| None;
        if failing.op.status == NtStatus::OPLOCK_NOT_GRANTED {
            let track = self.track(self.names.file(place.link));
            let writer = |hold: &HoldRec| hold.grant.is_some_and(|grant| grant.classes.contains(AccessClasses::WRITE));
            let (groups, _) = track.weigh(failing.at, self.options.limit, &self.work, &|hold| {
                if hold.process != own && writer(hold) { Fit::Yes } else { Fit::No }
            });
            let writers = groups.iter().any(|(_, weighed)| weighed.possible);
            let fit = |hold: &HoldRec| {
                if hold.process == own || (writers && !writer(hold)) { Fit::No } else { Fit::Yes }
            };
            let ceiling = if writers { Confidence::Likely } else { Confidence::Possible };
            let rule = Rule { mechanism: Mechanism::OpenHandle, rule: "OP-4", fit: &fit, conflict: &none, ceiling };
            self.by_handle(failing, place.link, &rule, found);
            return;
        }
        let rule = if failing.op.status == NtStatus::CANNOT_BREAK_OPLOCK { "OP-3" } else { "OP-2" };
        let track = self.track(self.names.file(place.link));
        let owners: Vec<_> = track
            .oplocks
            .iter()
            .filter(|oplock| {
                let ended = self.op(oplock.op).and_then(|op| op.end);
                let stood = match failing.op.status {
                    NtStatus::SHARING_VIOLATION => {
                        let broken = ended.or_else(|| self.broken_by(&track, oplock, failing.at));
                        breaking(&track.oplocks, oplock, failing.at, broken)
                    }
                    _ => oplock.stood(failing.at, ended),
                };
                oplock.process != own && oplock.stream == place.stream && stood
            })
            .map(|oplock| (oplock.process, oplock.at))
            .take(64)
            .collect();
        // An oplock belongs to a handle that was there when it was requested.
        let owns = |hold: &HoldRec, (process, asked): &(ProcessId, Instant)| {
            hold.process == *process
                && hold.stream == place.stream
                && hold.opened.is_none_or(|(_, opened)| opened.before(*asked))
        };
        let fit = |hold: &HoldRec| if owners.iter().any(|owner| owns(hold, owner)) { Fit::Yes } else { Fit::No };
        let ceiling = Confidence::Likely;
        let by = Rule { mechanism: Mechanism::Oplock, rule, fit: &fit, conflict: &none, ceiling };
        self.by_handle(failing, place.link, &by, found);
    }

    /// OP-2: when an oplock whose request has no end in the capture began to break: another's open came back without waiting
    /// for that, or waits still.
    fn broken_by(&self, track: &Track, oplock: &Oplock, at: Instant) -> Option<FileTime> {
        let of_stream = |op: &&u32| self.names.place(**op).stream == oplock.stream;
        let ops = track.ops.iter().take(65_536).filter(of_stream).filter_map(|op| self.op(*op));
        let mut others = ops.filter(|op| op.process != oplock.process && op.start >= oplock.at.start);
        let breaks = others.find(|op| {
            let waits = op.start < at.start && op.end.is_some_and(|end| end > at.start);
            let told = op.status == NtStatus::OPLOCK_BREAK_IN_PROGRESS && Instant::of(op).before(at);
            told || (waits && matches!(op.kind, OpKind::Create(create) if breaks_oplocks(create)))
        });
        breaks.map(|op| op.start)
    }

    /// Delayed opens of victims whose delay an oplock owner explains (OP-2).
    pub(crate) fn waits(&mut self) -> Vec<Wait> {
        let mut waits = Vec::new();
        for index in 0..self.log.ops.len() as u32 {
            let Some(op) = self.op(index) else { continue };
            let at = Instant::of(op);
            let waited = at.end.since(at.start);
            if !matches!(op.kind, OpKind::Create(create) if breaks_oplocks(create))
                || waited.0 < self.options.wait_threshold.0.max(1)
                || !self.is_victim(op.process)
            {
                continue;
            }
            if self.work.is_spent() {
                break;
            }
            let holders = self.oplock_owners(index, op, at, waited);
            if !holders.is_empty() {
                waits.push(Wait::of(op, waited, Cause::OplockBreak, holders));
            }
        }
        waits
    }

    fn oplock_owners(&mut self, index: u32, op: &Op, at: Instant, waited: Ticks) -> Vec<Holder> {
        let place = self.names.place(index);
        if place.link == NONE {
            return Vec::new();
        }
        let track = self.track(self.names.file(place.link));
        let mut holders = Vec::new();
        let mut seen = FxHashSet::default();
        if track.oplocks.is_empty() {
            return holders;
        }
        self.work.spend(track.oplocks.len() + track.holds.len());
        let of_stream = |oplock: &&Oplock| oplock.requests && oplock.stream == place.stream;
        for oplock in track.oplocks.iter().filter(of_stream).take(4096) {
            let Some(broken) = self.op(oplock.op).and_then(|op| op.end).filter(|end| *end <= at.end) else { continue };
            if oplock.process == op.process || oplock.at.start >= at.start {
                continue;
            }
            let own = |hold: &&HoldRec| hold.process == oplock.process && hold.stream == oplock.stream;
            // An earlier open broke it, and waited still for the same answer.
            let closed_since = |hold: &HoldRec| hold.ended.from().is_some_and(|end| end >= broken && end < at.start);
            if broken < at.start {
                self.work.spend(track.oplocks.len() + track.holds.len() + track.ops.len());
                if self.work.is_spent()
                    || !breaking(&track.oplocks, oplock, at, Some(broken))
                    || track.holds.iter().filter(own).any(closed_since)
                    || self.broken_by(&track, oplock, at).is_none_or(|begun| begun > broken)
                {
                    continue;
                }
            }
            // It gave way by acknowledging or by closing, within the wait.
            let acknowledged = track
                .oplocks
                .iter()
                .filter(|ack| ack.acknowledges && ack.process == oplock.process && ack.stream == oplock.stream)
                .filter(|ack| ack.op != oplock.op)
                .map(|ack| (ack.op, ack.at));
            let closed = track.holds.iter().filter(own).filter_map(|hold| match hold.ended {
                Ended::Close(op, at) => Some((op, at)),
                _ => None,
            });
            let gave_way = acknowledged
                .chain(closed)
                .take(4096)
                .filter(|(_, when)| when.start >= at.start && when.start <= at.end)
                .max_by_key(|(_, when)| when.start);
            if (broken < at.start && gave_way.is_none()) || !seen.insert(oplock.process) {
                continue;
            }
            let slack = gave_way.map(|(_, when)| at.end.since(when.start));
            // The wait ends when the owner gives way: the closer the two, the surer.
            let close = slack.is_some_and(|slack| slack.0 <= (waited.0 / 4).max(10_000));
            let hold = track.holds.iter().find(|hold| own(hold) && hold.paired_alive(at));
            holders.push(Holder {
                party: match self.op(oplock.op).and_then(|op| op.driver) {
                    Some(driver) => Party::Driver { driver, process: oplock.process },
                    None => Party::Process(oplock.process),
                },
                confidence: if close { Confidence::Likely } else { Confidence::Possible },
                mechanism: Mechanism::Oplock,
                rule: "OP-2",
                handle_ambiguous: false,
                hold: Hold {
                    start: self.edge(oplock.op),
                    end: gave_way.map_or(Edge::Unseen, |(op, _)| self.edge(op)),
                    access: hold.and_then(|hold| hold.access),
                    share: hold.and_then(|hold| hold.share),
                    path: None,
                    range: None,
                },
                more: Vec::new(),
                conflicts: Vec::new(),
                victim: self.is_victim(oplock.process),
                smb_client: false,
                confirmed: false,
                refuted_by: None,
                unchecked: false,
            });
        }
        holders
    }
}
