//! 8.3 names that nothing in the capture ties to a long one (VI-9).

use super::{NONE, Names};
use crate::nt::short_name::may_be_short_for;

/// Such names that are looked at for one file.
const MAX_SHORT: usize = 64;

impl Names {
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
