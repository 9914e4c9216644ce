//! 8.3 names: those that nothing in the capture ties to a long one, and those that were tied to it for another entry (VI-9).

use super::{NONE, Names, Parsed, Place};
use crate::capture::op::{Op, OpKind};
use crate::nt::short_name::may_be_short_for;
use rustc_hash::FxHashSet;

/// Such names that are looked at for one file.
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
                    let link = if i + 1 == from + count { place.link } else { self.current(slot) };
                    let stay = self.stay(link);
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

    /// Links of other files, in the folder of `link`, whose 8.3 name may be an alias of its name. One created by such a name is a
    /// file of its own.
    pub(crate) fn may_be_short_for(&self, link: u32) -> Vec<u32> {
        let slot = self.links.get(link as usize).and_then(|rec| self.slots.get(rec.slot as usize));
        let Some(slot) = slot.filter(|_| !self.short.is_empty()) else { return Vec::new() };
        let untied = |(id, name): &'_ (u32, Box<str>)| {
            let at = self.slots.get(*self.slot_of.get(&(slot.dir, *id))? as usize).filter(|at| at.alias == NONE)?;
            let other = if at.link == NONE { at.last } else { at.link };
            (other != NONE && other != link && self.born(other).is_none()).then(|| (other, name.clone()))
        };
        let mut found: Vec<(u32, Box<str>)> = self.short.iter().filter_map(untied).take(MAX_SHORT).collect();
        if !found.is_empty() {
            let long = self.name_ids.iter().find(|(_, id)| **id == slot.name).map_or("", |(name, _)| name);
            found.retain(|(_, short)| may_be_short_for(short, long));
        }
        found.into_iter().map(|(other, _)| other).collect()
    }
}
