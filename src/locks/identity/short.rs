//! 8.3 names that nothing in the capture ties to a long one (VI-9).

use super::{NONE, Names};

/// Such names that are looked at for one file.
const MAX_SHORT: usize = 64;

/// Whether a folded name has the form that Windows gives an 8.3 alias.
pub(super) fn is_short(name: &str) -> bool {
    let (base, extension) = name.split_once('.').unwrap_or((name, ""));
    let number = base.split_once('~').is_some_and(|(_, number)| is_number(number));
    number && base.len() <= 8 && extension.len() <= 3 && !extension.contains('.') && name.is_ascii()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an 8.3 alias may be that of a long name, both folded: it begins like the name, or with two of its letters and four
/// digits of a hash, and has the beginning of its extension.
fn fits(short: &str, long: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|c| *c != ' ' && *c != '.');
        kept.map(|c| if c.is_ascii() && !"+,;=[]".contains(c) { c } else { '_' }).collect()
    };
    let (base, extension) = short.split_once('.').unwrap_or((short, ""));
    let (long_base, long_extension) = long.trim_start_matches('.').rsplit_once('.').unwrap_or((long, ""));
    let (long_base, long_extension) = (plain(long_base), plain(long_extension));
    let Some((start, _)) = base.split_once('~') else { return false };
    let hashed = start.len() == 6
        && start.get(2..).is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        && start.get(..2).is_some_and(|two| long_base.starts_with(two));
    let same_extension = long_extension.get(..extension.len()) == Some(extension)
        && (extension.len() == 3 || extension.len() == long_extension.len());
    // (A name that is short itself has no other.)
    let needs_alias = long.len() != long_base.len() + 1 + long_extension.len() && !long_extension.is_empty()
        || long_base.len() > 8
        || long_extension.len() > 3;
    same_extension && needs_alias && (hashed || long_base.starts_with(start))
}

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
            found.retain(|(_, short)| fits(short, long));
        }
        found.into_iter().map(|(other, _)| other).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_have_a_form() {
        for (name, short) in [
            ("0DDC15~1.DLL", true),
            ("LONGN~12", true),
            ("A~1.TXT", true),
            ("PLAIN.DLL", false),
            ("LONGER~NAME.DLL", false),
            ("LONGNAME~1.DLL", false),
            ("LONGNA~1.HTML", false),
        ] {
            assert_eq!(is_short(name), short, "{name}");
        }
    }

    #[test]
    fn aliases_fit_names() {
        for (short, long, fit) in [
            ("0DDC15~1.DLL", "0DDC1500E80DC013_CLIPBOARDSERVER.DLL", true),
            ("0D3FA2~1.DLL", "0DDC1500E80DC013_CLIPBOARDSERVER.DLL", true),
            ("1DDC15~1.DLL", "0DDC1500E80DC013_CLIPBOARDSERVER.DLL", false),
            ("0DDC15~1.EXE", "0DDC1500E80DC013_CLIPBOARDSERVER.DLL", false),
            ("INDEX~1.HTM", "INDEX.HTML", true),
            ("MYFILE~1.TXT", "MY FILE (1).TXT", true),
            ("SHORT~1.DLL", "SHORT.DLL", false),
        ] {
            assert_eq!(fits(short, long), fit, "{short} {long}");
        }
    }
}
