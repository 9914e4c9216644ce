//! Files that bear one name, at one time or after each other (AT-2, AT-3, AT-5).

use super::{NONE, Names, Residence, succeeded};
use crate::capture::op::{Op, OpKind, ProcessId};
use crate::nt::NtStatus;
use rustc_hash::{FxHashMap, FxHashSet};

/// Earlier bearers of a name that are remembered.
const MAX_EARLIER: usize = 8;

/// The handles of one process on one stream of a link.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// As many as are open if every close was that of a handle on the newest bearer of its name.
    open: u32,
    /// As many as may be open.
    most: u32,
}

/// Which files had a name, and which of them a process may have open.
#[derive(Debug, Default)]
pub(super) struct Bearers {
    handles: FxHashMap<(ProcessId, u32, u32), Held>,
    /// Those that had a slot before, in order.
    earlier: FxHashMap<u32, Vec<u32>>,
    /// Operations through handles that may have been on another file of the name: its links.
    unsure: FxHashMap<u32, Vec<u32>>,
    /// Links made by such an operation, each with a link of the other file.
    doubtful: Vec<(u32, u32)>,
    /// Processes that closed a handle by a name of which they had two bearers open.
    closed_beside: FxHashSet<(ProcessId, u32, u32)>,
    /// By file: its own link and the other.
    by_file: FxHashMap<u32, Vec<(ProcessId, u32, u32)>>,
}

impl Bearers {
    pub(super) fn opened(&mut self, process: ProcessId, link: u32, stream: u32) {
        let held = self.handles.entry((process, link, stream)).or_default();
        held.open += 1;
        held.most += 1;
    }

    /// A link left a slot.
    pub(super) fn left(&mut self, slot: u32, link: u32) {
        let earlier = self.earlier.entry(slot).or_default();
        earlier.retain(|known| *known != link);
        if earlier.len() == MAX_EARLIER {
            earlier.remove(0);
        }
        earlier.push(link);
    }
}

/// Whether an operation shows the name of its handle to be there still: through one on a deleted name a deletion ends in FILE
/// DELETED and a rename in ACCESS DENIED (DP-6).
fn shows_name(op: &Op) -> bool {
    match op.kind {
        OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. } => op.status != NtStatus::FILE_DELETED,
        OpKind::Rename { .. } => op.status != NtStatus::ACCESS_DENIED,
        _ => false,
    }
}

impl Names {
    /// The bearers of a name, the present one first, of which a process may have a handle. One that was renamed away shows its new
    /// name (AT-1).
    pub(super) fn able(&self, slot: u32, stream: u32, process: ProcessId) -> Vec<u32> {
        let now = Some(self.current(slot)).filter(|link| *link != NONE);
        let earlier = self.bearers.earlier.get(&slot).into_iter().flatten().rev().copied();
        let stayed = |link: &u32| self.links.get(*link as usize).is_some_and(|rec| rec.slot == slot);
        let held = |link: &u32| self.bearers.handles.contains_key(&(process, *link, stream));
        let others = earlier.filter(|link| Some(*link) != now && stayed(link));
        now.into_iter().chain(others).filter(held).collect()
    }

    /// The link that an operation through a handle meant. Where it may be one of several, the newest that plain counting of
    /// closes leaves open, and the others are noted.
    pub(super) fn with_handle(&mut self, slot: u32, stream: u32, tick: u32, at: u32, op: &Op) -> u32 {
        let now = self.current(slot);
        if !self.bearers.earlier.contains_key(&slot) {
            return self.bound(slot, tick);
        }
        let mut able = self.able(slot, stream, op.process);
        if op.status == NtStatus::FILE_DELETED && able.iter().any(|link| self.is_gone(*link, tick)) {
            able.retain(|link| self.is_gone(*link, tick));
        } else if shows_name(op) && now != NONE && able.iter().all(|link| *link == now || self.is_gone(*link, tick)) {
            return now;
        } else if matches!(op.kind, OpKind::Link { .. }) && succeeded(op) {
            // (What was deleted has no name to be given another: unless it has one.)
            let named = |link: &u32| *link == now || !self.is_gone(*link, tick) || self.may_have_other_name(*link);
            if able.iter().any(named) {
                able.retain(named);
            } else if now != NONE {
                return now;
            }
        }
        let open =
            |link: &&u32| self.bearers.handles.get(&(op.process, **link, stream)).is_some_and(|held| held.open > 0);
        let prefers_now = matches!(op.kind, OpKind::Link { .. });
        if let Some(&first) = able.iter().find(|link| prefers_now || open(link)).or(able.first()) {
            self.read_as(at, first, able);
            return first;
        }
        // A name that it is not shown under any more.
        let earlier = self.bearers.earlier.get(&slot).into_iter().flatten().rev();
        if let Some(&moved) =
            earlier.clone().find(|link| self.bearers.handles.contains_key(&(op.process, **link, stream)))
        {
            return moved;
        }
        if now != NONE {
            return now;
        }
        match earlier.clone().next() {
            Some(&last) if !succeeded(op) => last,
            _ => self.bound(slot, tick),
        }
    }

    /// Notes what an operation may have meant besides `link`.
    pub(super) fn read_as(&mut self, at: u32, link: u32, mut able: Vec<u32>) {
        able.retain(|other| self.file_of(*other) != self.file_of(link));
        if !able.is_empty() {
            self.bearers.unsure.insert(at, able);
        }
    }

    /// Whether a name surely went before `tick`.
    pub(crate) fn is_gone(&self, link: u32, tick: u32) -> bool {
        self.links.get(link as usize).is_some_and(|rec| rec.died < tick && !rec.gone_by_lookup)
    }

    /// Whether the file of a link may have names besides: it had another, or it is older than the capture.
    pub(crate) fn may_have_other_name(&self, link: u32) -> bool {
        self.files.get(self.file_of(link) as usize).is_none_or(|file| file.several || file.born.is_none())
    }

    /// A close by a name, taken to be that of a handle on `link`.
    pub(super) fn closed(&mut self, slot: u32, stream: u32, process: ProcessId, link: u32) {
        let able = self.able(slot, stream, process);
        let held =
            |names: &Self, link: u32| names.bearers.handles.get(&(process, link, stream)).copied().unwrap_or_default();
        for other in able.iter().copied().filter(|other| *other != link) {
            if held(self, link).open > 0 && held(self, other).open > 0 {
                self.bearers.closed_beside.insert((process, link.min(other), link.max(other)));
            }
        }
        let only = able.iter().all(|other| *other == link);
        let Some(own) = self.bearers.handles.get_mut(&(process, link, stream)) else { return };
        own.open = own.open.saturating_sub(1);
        own.most -= u32::from(only && own.most > 0);
        if only && own.most == 0 {
            self.bearers.handles.remove(&(process, link, stream));
        } else if able.iter().all(|link| held(self, *link).open == 0) {
            for link in able {
                self.bearers.handles.remove(&(process, link, stream));
            }
        }
    }

    /// A name is given to the file of `link` by the operation `at`; or to another one, if that may have meant it.
    pub(super) fn linked_to(&mut self, link: u32, slot: u32, tick: u32, at: u32) -> u32 {
        let file = self.file_of(link);
        let others = self.other_readings(at).to_vec();
        if others.is_empty() {
            return self.new_link(file, slot, tick);
        }
        // AT-5: born at the earliest when one of them was.
        let born = |names: &Self, link: u32| names.files.get(names.file_of(link) as usize).and_then(|file| file.born);
        let births: Option<Vec<_>> = others.iter().chain([&link]).map(|link| born(self, *link)).collect();
        let made = self.new_file(slot, tick, births.and_then(|births| births.into_iter().min()));
        self.join(file, self.file_of(made), false);
        self.bearers.doubtful.extend(others.into_iter().map(|other| (made, other)));
        made
    }

    /// The links of other files that an operation through a handle may have meant as well: the process had one of the same name
    /// open, too (AT-3, AT-5).
    pub(crate) fn other_readings(&self, at: u32) -> &[u32] {
        self.bearers.unsure.get(&at).map_or(&[], |others| others)
    }

    /// Has an operation mean another link, for what is asked next. Returns the one it meant.
    pub(crate) fn take_for(&mut self, at: u32, link: u32) -> u32 {
        self.places.get_mut(at as usize).map_or(NONE, |place| std::mem::replace(&mut place.link, link))
    }

    /// Whether two links of one file are surely that.
    pub(crate) fn surely_one(&self, a: u32, b: u32) -> bool {
        let tied = |link: u32| self.files.get(self.file_of(link) as usize).map_or(NONE, |file| file.tied);
        a == b || self.bearers.doubtful.is_empty() || tied(a) == tied(b)
    }

    /// Links of other files that may be the file of `link`.
    pub(crate) fn may_be(&self, link: u32) -> impl Iterator<Item = u32> + '_ {
        self.bearers.doubtful.iter().take(64).filter_map(move |(made, other)| {
            if self.surely_one(*made, link) { Some(*other) } else { self.surely_one(*other, link).then_some(*made) }
        })
    }

    /// Once all files are known that are one.
    pub(super) fn settle_bearers(&mut self) {
        let mut pairs: Vec<_> = std::mem::take(&mut self.bearers.closed_beside).into_iter().collect();
        pairs.sort_unstable();
        for (process, a, b) in pairs {
            let (a_file, b_file) = (self.file(a), self.file(b));
            self.bearers.by_file.entry(a_file).or_default().push((process, a, b));
            if a_file != b_file {
                self.bearers.by_file.entry(b_file).or_default().push((process, b, a));
            }
        }
    }

    /// Processes that had two bearers of a name open while they closed one of them: the link of this file and the other, which
    /// may be of this file as well (AT-3).
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
        self.stays_under(name)
    }

    /// The stays under a leaf name, by its number without a transaction id.
    pub(super) fn stays_under(&self, name: u32) -> impl Iterator<Item = Residence> + '_ {
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
        let slot = self.links.get(link as usize).map_or(NONE, |rec| rec.slot);
        let earlier = self.bearers.earlier.get(&slot).map_or(&[][..], |earlier| earlier);
        let own = earlier.iter().position(|known| *known == link).filter(|_| self.current(slot) != link);
        let before = earlier.get(..own.unwrap_or(earlier.len())).unwrap_or(&[]);
        before.iter().rev().copied().filter(move |known| *known != link)
    }
}
