//! Byte-range locks that refused a transfer or another lock (LK-1, LK-2).

use super::suspect::{Blockers, Suspect, add};
use crate::capture::op::{OpKind, ProcessInfo, StackSays};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::requested;
use crate::locks::file::hold::HoldRec;
use crate::locks::file::track::Track;
use crate::locks::finding::{Cause, Confidence, Holder, Mechanism, Party};
use crate::locks::spans::Instant;

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
            add(&mut found.suspects, Suspect { inferred: !sure, end, ..Suspect::of(holder) });
        }
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
