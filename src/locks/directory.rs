//! DIRECTORY NOT EMPTY: children that are pending or in use (DR-1, DR-2).

use super::attribute::{Blockers, Failing, MAX_CHILDREN, MAX_NESTING, add};
use super::engine::Engine;
use super::finding::{Cause, Confidence, Mechanism};
use super::identity::NONE;
use crate::nt::NtStatus;

impl Engine<'_> {
    /// DR-1, DR-2: DIRECTORY NOT EMPTY.
    pub(crate) fn not_empty(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.cause = Some(Cause::DirectoryNotEmpty);
        let link = self.subject(failing.index, failing.op);
        if link == NONE {
            return;
        }
        let dir = self.names.file(link);
        let tick = self.tick(failing.index);
        let mut live = false;
        if self.work.is_spent() {
            found.truncated = true;
            return;
        }
        let mut examined = 0;
        for child in self.entries(dir, tick) {
            if self.names.ever_marked(child) {
                examined += 1;
                found.truncated |= examined > MAX_CHILDREN;
                if examined <= MAX_CHILDREN {
                    let mut inner = Blockers::default();
                    self.pending(failing, child, Some("DR-1"), &mut inner);
                    let marked = inner.mark.is_some();
                    live |= !marked;
                    for suspect in inner.suspects {
                        add(&mut found.suspects, suspect);
                    }
                }
            } else {
                live |= self.names.is_seen(child);
            }
        }
        self.children_in_use(failing, dir, tick, found);
        if found.suspects.is_empty() && live {
            found.nobody = true; // a live child nobody tried to delete
        }
    }

    /// The names in a directory at a tick.
    pub(crate) fn entries(&self, dir: u32, tick: u32) -> Vec<u32> {
        let mut walked = 0;
        let entries = self
            .names
            .children(dir)
            .inspect(|_| walked += 1)
            .take(65_536)
            .filter(|stay| stay.from <= tick && tick < stay.to)
            .map(|stay| stay.link)
            .collect();
        self.work.spend(walked + 1);
        entries
    }

    /// DR-2: children whose own deletion by this process a lock refused, and would still refuse.
    pub(crate) fn children_in_use(&mut self, failing: Failing<'_>, dir: u32, tick: u32, found: &mut Blockers) {
        if failing.nesting >= MAX_NESTING {
            return;
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
        let mut seen = rustc_hash::FxHashSet::default();
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
                return;
            }
            self.work.spend(1000); // what is nested multiplies
            let inner = Failing { index, op, at: failing.at, burst: failing.burst, nesting: failing.nesting + 1 };
            let pending = op.status == NtStatus::DELETE_PENDING;
            for mut suspect in self.blockers(inner).suspects {
                if suspect.holder.confidence < Confidence::Likely {
                    continue;
                }
                suspect.holder.mechanism = if pending { Mechanism::ChildDeletePending } else { Mechanism::ChildInUse };
                suspect.holder.rule = if pending { "DR-1" } else { "DR-2" };
                suspect.holder.hold.path.get_or_insert(op.path);
                add(&mut found.suspects, suspect);
            }
        }
    }
}
