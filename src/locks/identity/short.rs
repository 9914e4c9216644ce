//! 8.3 names: those that nothing in the capture ties to a long one, and those that were tied to it for another entry (VI-9).

use super::{NONE, Names, Parsed, Place, Residence, succeeded};
use crate::capture::op::{Op, OpKind, PathId};
use crate::nt::short_name::may_be_short_for;
use rustc_hash::{FxHashMap, FxHashSet};

/// Such names that are looked at in one folder.
const MAX_SHORT: usize = 64;

/// To which entries 8.3 names were shown to belong, and which operations named a file by one.
#[derive(Debug, Default)]
pub(super) struct Ties {
    /// The slot of the 8.3 name and the stay of the entry that was listed with it.
    shown: FxHashSet<(u32, u32)>,
    /// The same of what operations named, each with its index.
    used: Vec<(u32, (u32, u32))>,
    /// Operations that named another entry than one listed with that name.
    stale: FxHashSet<u32>,
}

/// Names of which one may be the 8.3 name of the other, without a listing that tells.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    /// By slot: the others, and whether it is theirs that is short.
    by_slot: FxHashMap<u32, Vec<(u32, bool)>>,
    /// By file: its links that have such a name.
    by_file: FxHashMap<u32, Vec<u32>>,
}

impl Names {
    /// Takes note of an operation by an 8.3 name that is tied to a long one, or of the listing that ties it. An entry has its
    /// 8.3 name from when it is made until it is deleted or renamed: the next one of the long name may have another.
    pub(super) fn note_short(&mut self, at: u32, tick: u32, op: &Op, place: Place) {
        match op.kind {
            OpKind::ShortName { long, short } => {
                let slot = self.resolve(long);
                let link = if slot == NONE { NONE } else { self.bound(slot, tick) };
                let leaf = self.components(short).last().copied();
                let dir = self.slots.get(slot as usize).map(|slot| slot.dir);
                if let Some(short) = dir.zip(leaf).and_then(|key| self.slot_of.get(&key)) {
                    let stay = self.stay(link);
                    self.ties.shown.insert((*short, stay));
                }
            }
            OpKind::Create(_) | OpKind::LoadImage | OpKind::CreateSection { .. } => {
                let Parsed { from, count, short, .. } = self.parsed(op.path);
                if !short || !self.aliased {
                    return;
                }
                let (mut dir, mut slot) = (0, NONE);
                for i in from..from + count {
                    let Some(&name) = self.components.get(i as usize) else { break };
                    if slot != NONE {
                        dir = self.dir_file(slot);
                    }
                    slot = self.slot(dir, name);
                    let Some(&named) = self.slot_of.get(&(dir, name)).filter(|named| **named != slot) else { continue };
                    let last = i + 1 == from + count;
                    let link = if last { place.link } else { self.current(slot) };
                    // DP-7: nothing is opened below a folder that waits to be deleted: it has gone.
                    let marked = self.links.get(link as usize).and_then(|rec| rec.marked);
                    let gone = !last && succeeded(op) && marked.is_some_and(|marked| op.start >= marked);
                    let stay = if gone { NONE } else { self.stay(link) };
                    self.ties.used.push((at, (named, stay)));
                }
            }
            _ => {}
        }
    }

    /// The present stay of a link.
    fn stay(&self, link: u32) -> u32 {
        self.open_residence.get(&link).copied().unwrap_or(NONE)
    }

    /// Once all listings are known.
    pub(super) fn settle_ties(&mut self) {
        let used = std::mem::take(&mut self.ties.used);
        let shown = std::mem::take(&mut self.ties.shown);
        self.ties.stale = used.into_iter().filter(|(_, tie)| !shown.contains(tie)).map(|(at, _)| at).collect();
    }

    /// Whether an operation named its file by an 8.3 name that is only shown to have been that of another entry.
    pub(crate) fn is_by_stale_name(&self, at: u32) -> bool {
        self.ties.stale.contains(&at)
    }

    /// Once all names are known: which of them may be the 8.3 names of others in their folder, without a listing that tells.
    pub(super) fn settle_short(&mut self) {
        let short: FxHashMap<u32, &str> = self.short.iter().map(|(id, name)| (*id, &**name)).collect();
        let mut by_dir: FxHashMap<u32, Vec<(u32, &str)>> = FxHashMap::default();
        for (at, slot) in (0u32..).zip(&self.slots).filter(|(_, slot)| slot.alias == NONE) {
            if let Some(name) = short.get(&slot.name) {
                let known = by_dir.entry(slot.dir).or_default();
                if known.len() < MAX_SHORT {
                    known.push((at, name));
                }
            }
        }
        if by_dir.is_empty() {
            return;
        }
        let beside =
            || (0u32..).zip(&self.slots).filter_map(|(at, slot)| Some((at, slot.name, by_dir.get(&slot.dir)?)));
        let names: FxHashSet<u32> = beside().map(|(_, name, _)| name).collect();
        let texts = self.name_ids.iter().filter(|(_, id)| names.contains(id)).map(|(text, id)| (*id, &**text));
        let texts: FxHashMap<u32, &str> = texts.collect();
        let mut spellings = Spellings::default();
        for (long, name, shorts) in beside() {
            let text = texts.get(&name).copied().unwrap_or_default();
            for (short, _) in shorts.iter().filter(|(at, short)| *at != long && may_be_short_for(short, text)) {
                spellings.by_slot.entry(long).or_default().push((*short, true));
                spellings.by_slot.entry(*short).or_default().push((long, false));
            }
        }
        for (link, rec) in (0u32..).zip(&self.links).filter(|(_, rec)| spellings.by_slot.contains_key(&rec.slot)) {
            spellings.by_file.entry(self.canonical(rec.file)).or_default().push(link);
        }
        self.spellings = spellings;
    }

    /// Whether some name may be the 8.3 name of another, without a listing that tells.
    pub(crate) fn has_spellings(&self) -> bool {
        !self.spellings.by_slot.is_empty()
    }

    /// Links of other files of whose names one may be the 8.3 name of the other's, in one folder, and from when to when, in ticks,
    /// that was the name of `link`, or of `every` link of its file. One created by such a name is a file of its own.
    pub(crate) fn other_spellings(&self, link: u32, every: bool) -> impl Iterator<Item = (u32, u32, u32)> + '_ {
        let file = self.file(link);
        let own =
            self.spellings.by_file.get(&file).into_iter().flatten().copied().filter(move |own| every || *own == link);
        own.take(MAX_SHORT).flat_map(move |link| {
            let at = self.links.get(link as usize).map_or(NONE, |rec| rec.slot);
            let slot = self.slots.get(at as usize).copied();
            let spellings = self.spellings.by_slot.get(&at).into_iter().flatten();
            spellings.filter_map(move |(other, short)| {
                let there = self.slots.get(*other as usize)?;
                let other = if there.link == NONE { there.last } else { there.link };
                let created = self.born(if *short { other } else { link }).is_some();
                let (from, to) = slot.and_then(|slot| self.stay_of(link, slot.name)).unwrap_or((0, NONE));
                (other != NONE && self.file(other) != file && !created).then_some((other, from, to))
            })
        })
    }

    /// Links in the folder of `link` of whose names its own may be the 8.3 name. One created by such a name is a file of its own.
    pub(crate) fn long_names(&self, link: u32) -> impl Iterator<Item = u32> + '_ {
        let slot = self.links.get(link as usize).map_or(NONE, |rec| rec.slot);
        let spellings = self.spellings.by_slot.get(&slot).filter(|_| self.born(link).is_none());
        spellings.into_iter().flatten().filter(|(_, short)| !short).filter_map(|(slot, _)| {
            let at = self.slots.get(*slot as usize)?;
            Some(if at.link == NONE { at.last } else { at.link })
        })
    }

    /// From when to when, in ticks, a link had the name that a path ends in.
    pub(crate) fn stay_as(&self, link: u32, path: PathId) -> Option<(u32, u32)> {
        self.stay_of(link, *self.components(path).last()?)
    }

    fn stay_of(&self, link: u32, name: u32) -> Option<(u32, u32)> {
        let plain = *self.plain.get(name as usize)?;
        let own = |stay: &Residence| stay.link == link && stay.name == name;
        self.stays_under(plain).filter(own).map(|stay| (stay.from, stay.to)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}
