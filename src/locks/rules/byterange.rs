//! Byte-range locks that refused a transfer or another lock (LK-1, LK-2).

use super::inherited::Lent;
use super::suspect::{Blockers, Suspect, add};
use crate::capture::op::{OpKind, ProcessInfo, StackSays};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::requested;
use crate::locks::file::hold::HoldRec;
use crate::locks::file::track::Track;
use crate::locks::finding::{Cause, Confidence, Hold, Holder, Mechanism, Party};
use crate::locks::spans::Instant;

/// Opens told beside the process that locked through one of them.
const MAX_LENDERS: usize = 16;

impl Engine<'_> {
    /// LK-1, LK-2: byte-range locks.
    pub(crate) fn locked(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.cause = Some(Cause::ByteRangeLock);
        let place = self.names.place(failing.index);
        let Some(range) = requested(failing.op).range else { return };
        let lock_request = matches!(failing.op.kind, OpKind::Lock { .. });
        let track = self.track(self.names.file(place.link));
        let Some(locks) = track.locks.on(place.stream) else { return };
        let mut owners: Vec<_> = locks
            .at(failing.at, range, self.options.limit)
            .into_iter()
            .filter(|(lock, _)| range.exclusive || lock.range.exclusive)
            .collect();
        if owners.iter().any(|(lock, _)| lock.process != failing.op.process) {
            // Its own locks do not refuse a process on the same handle; foreign ones explain it without them.
            owners.retain(|(lock, _)| lock.process != failing.op.process);
        } else if !lock_request {
            // The owner is the open that locked: only a shared lock refuses it anything, and only its writes.
            owners.retain(|(lock, _)| !lock.range.exclusive || !self.by_only_handle(failing, &track, lock.granted));
        }
        for (lock, sure) in owners {
            let own = lock.process == failing.op.process;
            let path = self.op(lock.op).map_or(failing.op.path, |op| op.path);
            let close = lock.gone().and_then(|(_, over)| self.closed_between(lock.process, path, failing.at, over));
            let gone = lock.gone().filter(|_| close.is_none());
            let confidence = match gone {
                Some(_) => Confidence::Possible, // AT-11: it ended unseen, sooner or later
                None if sure && !own && self.is_surely_on(lock.op, place.link) => Confidence::Proven,
                None => Confidence::Likely,
            };
            let refuted_by = gone.and_then(|(op, _)| Some(self.op(op)?.event));
            let (mut hold, mut end) = self.lock_hold(failing, &lock);
            if let Some((op, _)) = close {
                (hold.end, end) = (self.edge(op), close);
            }
            let rule = if lock_request { "LK-1" } else { "LK-2" };
            let party = self.author(Some(lock.op), lock.process);
            let victim = self.counts_as_victim(failing, lock.process) && matches!(party, Party::Process(_));
            // VI-5: the file server acts as System for a remote client.
            let smb_client = self.op(lock.op).is_some_and(|op| op.stack == StackSays::Server)
                && self.log.processes.get(lock.process.0 as usize).is_some_and(ProcessInfo::is_system);
            let suspected = Holder::suspect(party, Mechanism::ByteRangeLock, rule);
            let holder = Holder { confidence, hold, victim, smb_client, refuted_by, ..suspected };
            let lent = self.lent_to(&track, lock.process, lock.granted, &|hold| hold.stream == place.stream);
            let mut suspect = Suspect { inferred: !sure, end, ..Suspect::of(holder) };
            if let Some(lent) = lent {
                suspect.cap(Confidence::Likely);
                let by = self.lenders(failing, &track, &suspect.holder, &lent);
                // AT-6: both are told, and the end of the one file object is the end of both.
                suspect.counterpart = !by.is_empty();
                suspect.end = suspect.end.or(by.first().filter(|_| by.len() == 1).and_then(|one| one.end));
                by.into_iter().for_each(|one| add(&mut found.suspects, one));
            }
            add(&mut found.suspects, suspect);
        }
    }

    /// LK-2, SA-7: the owner of a lock is the open that locked, and its end ends the lock: who opened it is told beside who locked.
    fn lenders(&self, failing: Failing<'_>, track: &Track, locker: &Holder, lent: &Lent) -> Vec<Suspect> {
        let opened =
            |hold: &&HoldRec| hold.process != failing.op.process && hold.paired_alive(failing.at) && lent.may_be(hold);
        let told = track.own_holds().filter(opened).take(MAX_LENDERS).map(|hold| {
            let suspected = Holder::suspect(hold.party(), locker.mechanism, locker.rule);
            let shown = Hold { range: locker.hold.range, ..self.public_hold(failing, track, hold) };
            let victim = self.counts_as_victim(failing, hold.process) && hold.driver.is_none();
            let holder = Holder { confidence: lent.grade, hold: shown, victim, ..suspected };
            Suspect { inferred: true, end: self.end_of(hold), ..Suspect::of(holder) }
        });
        told.collect()
    }

    /// Whether the failing process has one handle on the stream, which it had when a lock was granted already.
    fn by_only_handle(&self, failing: Failing<'_>, track: &Track, granted: Instant) -> bool {
        let stream = self.names.place(failing.index).stream;
        let own = |hold: &&HoldRec| hold.process == failing.op.process && hold.stream == stream;
        let mut alive = track.own_holds().filter(own).filter(|hold| hold.paired_alive(failing.at));
        let only = alive.next().filter(|_| alive.next().is_none());
        self.work.spend(track.holds.len());
        only.is_some_and(|hold| !hold.accompanied && hold.opened.is_some_and(|(_, opened)| opened.before(granted)))
    }
}
