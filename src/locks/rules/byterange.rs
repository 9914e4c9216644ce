//! Byte-range locks that refused a transfer or another lock (LK-1, LK-2).

use super::suspect::{Blockers, Suspect, add};
use crate::capture::op::{OpKind, ProcessInfo, StackSays};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::requested;
use crate::locks::finding::{Cause, Confidence, Holder, Mechanism, Party};

impl Engine<'_> {
    /// LK-1, LK-2: byte-range locks.
    pub(crate) fn locked(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.cause = Some(Cause::ByteRangeLock);
        let place = self.names.place(failing.index);
        let Some(range) = requested(failing.op).range else { return };
        let lock_request = matches!(failing.op.kind, OpKind::Lock { .. });
        let track = self.track(self.names.file(place.link));
        let mut owners: Vec<_> = track
            .locks
            .at(failing.at, range, self.options.limit)
            .into_iter()
            .filter(|(lock, _)| range.exclusive || lock.range.exclusive)
            .collect();
        if owners.iter().any(|(lock, _)| lock.process != failing.op.process) {
            // Its own locks do not refuse a process on the same handle; foreign ones explain it without them.
            owners.retain(|(lock, _)| lock.process != failing.op.process);
        }
        for (lock, sure) in owners {
            let own = lock.process == failing.op.process;
            let confidence = match lock.gone() {
                Some(_) => Confidence::Possible, // AT-11: it ended unseen, sooner or later
                None if sure && !own => Confidence::Proven,
                None => Confidence::Likely,
            };
            let refuted_by = lock.gone().and_then(|(op, _)| Some(self.op(op)?.event));
            let (hold, end) = self.lock_hold(failing, &lock);
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
}
