//! Files that bear one name, at one time or after each other (AT-2, AT-3, AT-5).

use super::{NONE, Names, Residence};
use crate::capture::op::{Op, ProcessId};
use rustc_hash::{FxHashMap, FxHashSet};

/// Processes that closed a handle by a name of which they had two bearers open.
#[derive(Debug, Default)]
pub(super) struct Bearers {
    /// With these two links.
    closed_beside: FxHashSet<(ProcessId, u32, u32)>,
    /// By file: its own link and the other.
    by_file: FxHashMap<u32, Vec<(ProcessId, u32, u32)>>,
}

impl Names {
    /// Notes the earlier bearers of a name, gone by now, of which the process has a handle besides that on `link`.
    pub(super) fn note_bearers(&mut self, slot: u32, stream: u32, op: &Op, link: u32) {
        let mut other = self.slots.get(slot as usize).map_or(NONE, |slot| slot.last);
        for _ in 0..4 {
            if other == NONE || !self.handles.contains_key(&(op.process, link, stream)) {
                return;
            }
            // AT-1: one that was renamed away shows its new name when it is closed.
            let stayed = self.links.get(other as usize).is_some_and(|rec| rec.slot == slot);
            if other != link && stayed && self.handles.contains_key(&(op.process, other, stream)) {
                self.bearers.closed_beside.insert((op.process, link.min(other), link.max(other)));
            }
            other = self.links.get(other as usize).map_or(NONE, |rec| rec.before);
        }
    }

    /// Once all files are known that are one.
    pub(super) fn settle_bearers(&mut self) {
        let mut pairs: Vec<_> = std::mem::take(&mut self.bearers.closed_beside).into_iter().collect();
        pairs.sort_unstable();
        for (process, a, b) in pairs {
            let (a_file, b_file) = (self.file(a), self.file(b));
            if a_file != b_file {
                self.bearers.by_file.entry(a_file).or_default().push((process, a, b));
                self.bearers.by_file.entry(b_file).or_default().push((process, b, a));
            }
        }
    }

    /// Processes that had this and another file of a name open while they closed one of them: the link of this file and that
    /// of the other (AT-3).
    pub(crate) fn shared(&self, file: u32) -> &[(ProcessId, u32, u32)] {
        self.bearers.by_file.get(&file).map_or(&[], |shared| shared)
    }

    /// The stays under the same leaf name as `link`, anywhere; a transaction id in front of it does not count.
    pub(crate) fn namesakes(&self, link: u32) -> impl Iterator<Item = Residence> + '_ {
        let name = self
            .links
            .get(link as usize)
            .and_then(|rec| self.slots.get(rec.slot as usize))
            .and_then(|slot| self.plain.get(slot.name as usize))
            .copied()
            .unwrap_or(NONE);
        let key = move |at: &u32| {
            let stay = self.residences.get(*at as usize);
            stay.and_then(|stay| self.plain.get(stay.name as usize)).copied().unwrap_or(NONE)
        };
        let from = self.by_name.partition_point(|at| key(at) < name);
        self.by_name
            .get(from..)
            .unwrap_or(&[])
            .iter()
            .take_while(move |at| key(at) == name)
            .filter_map(|at| self.residences.get(*at as usize).copied())
    }

    /// The links that had the name of `link` before it, newest first, a few of them.
    pub(crate) fn predecessors(&self, link: u32) -> impl Iterator<Item = u32> + '_ {
        let mut next = self.links.get(link as usize).map_or(NONE, |rec| rec.before);
        std::iter::from_fn(move || {
            let link = next;
            next = self.links.get(link as usize)?.before;
            Some(link)
        })
        .take(8)
    }
}
