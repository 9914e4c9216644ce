//! DIRECTORY NOT EMPTY: children that are pending or in use (DR-1, DR-2).

use super::suspect::{Blockers, add};
use crate::capture::op::{EventIndex, Op};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::finding::{Cause, Confidence, Mechanism};
use crate::locks::identity::NONE;
use crate::locks::spans::Instant;
use crate::nt::NtStatus;
use rustc_hash::FxHashSet;

/// Directory removals are followed this deep through children that were refused themselves. Each level is a call deeper.
const MAX_NESTING: u32 = 64;
/// Names in a directory, and refused deletions there, that are looked through for one failure. Of those that are gone by then
/// a folder of the installer has had thousands.
pub(crate) const MAX_CHILDREN: usize = 65_536;

/// Answers what stands in the way of another refused operation.
type Nested<'a> = fn(&mut Engine<'a>, Failing<'_>) -> Blockers;

impl<'a> Engine<'a> {
    /// DR-1, DR-2: DIRECTORY NOT EMPTY. `nested` examines the refused deletion of a child.
    pub(crate) fn not_empty(&mut self, failing: Failing<'_>, nested: Nested<'a>, found: &mut Blockers) {
        found.cause = Some(Cause::DirectoryNotEmpty);
        let link = self.subject(failing.index, failing.op);
        if link == NONE {
            return;
        }
        let dir = self.names.file(link);
        let tick = self.tick(failing.index);
        let mut live = Vec::new();
        if self.work.is_spent() {
            found.truncated = true;
            return;
        }
        for child in self.entries_once(dir, tick) {
            if self.names.ever_marked(child) {
                if self.work.is_spent() {
                    found.truncated = true;
                    return;
                }
                self.work.spend(200);
                let mut inner = Blockers::default();
                self.pending(failing, child, Some("DR-1"), &mut inner);
                if inner.mark.is_none() {
                    live.push(child);
                }
                for suspect in inner.suspects {
                    add(&mut found.suspects, suspect);
                }
            } else if self.names.is_seen(child) {
                live.push(child);
            }
        }
        let in_use = self.children_in_use(failing, (dir, tick), nested, found);
        live.retain(|child| !in_use.contains(child));
        if found.suspects.is_empty() {
            found.nobody = !live.is_empty() && !found.truncated; // a live child nobody tried to delete
            return;
        }
        // The removal went through with that child still there, as it seems: its end is not in the capture.
        if let Some(done) = failing.burst.success {
            let left: FxHashSet<u32> = self.entries(dir, self.tick(done)).into_iter().collect();
            live.retain(|child| !left.contains(child));
        }
        // With a live child the directory would not have been empty without these holders either.
        found.live_child = live.first().and_then(|child| self.shown_alive(*child, tick));
        if found.live_child.is_some() {
            for suspect in &mut found.suspects {
                suspect.holder.confidence = suspect.holder.confidence.min(Confidence::Likely);
                suspect.settled_by_release = false;
            }
        }
    }

    /// The last event before a tick that shows a name to be there.
    fn shown_alive(&mut self, link: u32, tick: u32) -> Option<EventIndex> {
        let track = self.track(self.names.file(link));
        let past = track.ops.partition_point(|at| self.tick(*at) < tick);
        let shows = |op: &&Op| op.status.is_success() || op.status == NtStatus::SHARING_VIOLATION;
        let mut ops = track.ops.get(..past).unwrap_or(&[]).iter().rev().filter_map(|at| self.op(*at));
        ops.find(shows).map(|op| op.event)
    }

    /// DR-2: children whose own deletion by this process a lock refused, and would still refuse.
    fn children_in_use(
        &mut self,
        failing: Failing<'_>,
        (dir, tick): (u32, u32),
        nested: Nested<'a>,
        found: &mut Blockers,
    ) -> FxHashSet<u32> {
        let mut in_use = FxHashSet::default();
        if failing.nesting >= MAX_NESTING {
            found.truncated = true;
            return in_use;
        }
        let to = self.names.refused.partition_point(|entry| (entry.0, entry.1) < (dir, tick));
        let refused: Vec<u32> = self
            .names
            .refused
            .get(..to)
            .unwrap_or(&[])
            .iter()
            .rev()
            .take_while(|entry| entry.0 == dir)
            .take(MAX_CHILDREN)
            .map(|entry| entry.2)
            .collect();
        let mut seen = FxHashSet::default();
        for index in refused {
            let Some(op) = self.op(index) else { continue };
            let child = self.names.place(index).link;
            if op.process != failing.op.process
                || child == NONE
                || !self.names.lives(child, tick)
                || !seen.insert(child)
            {
                continue;
            }
            if self.work.is_spent() {
                found.truncated = true;
                return in_use;
            }
            self.work.spend(1000); // what is nested multiplies
            // Who opened the child later never refused its deletion.
            let inner = Failing { index, op, nesting: failing.nesting + 1, begun_by: Some(Instant::of(op)), ..failing };
            let pending = op.status == NtStatus::DELETE_PENDING;
            for mut suspect in nested(self, inner).suspects {
                if suspect.holder.confidence < Confidence::Likely {
                    continue;
                }
                suspect.holder.mechanism = if pending { Mechanism::ChildDeletePending } else { Mechanism::ChildInUse };
                suspect.holder.rule = if pending { "DR-1" } else { "DR-2" };
                suspect.holder.hold.path.get_or_insert(op.path);
                add(&mut found.suspects, suspect);
                in_use.insert(child);
            }
        }
        in_use
    }
}
