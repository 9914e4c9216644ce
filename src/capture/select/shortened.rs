//! Wanted paths with 8.3 names in them (VI-9): which names a path has on its way, only a listing tells, so that a path is known by
//! what its names and their 8.3 names have in common.

use crate::nt::path::same;
use crate::nt::short_name::{has_short, in_common, is_short, may_be_short_for};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::Hasher;

/// Paths of one key that are told apart; where there are more, whatever has that key is wanted.
const MAX_ALIKE: usize = 32;

/// Names of one path that may be 8.3 names of something that has nothing in common with them.
const MAX_SHORT: u32 = 3;

/// The paths of files and folders of which another spelling may be met.
#[derive(Clone, Debug, Default)]
pub(super) struct Shortened {
    files: FxHashMap<u64, Vec<Box<str>>>,
    /// Folders with everything below them.
    below: FxHashMap<u64, Vec<Box<str>>>,
    /// Whatever on the way to one of them has, or is, an 8.3 name.
    ways: FxHashSet<u64>,
    /// The folders that list these.
    listing: FxHashSet<u64>,
    /// There are 8.3 names in them, so that any path may be the long spelling of one.
    by_short: bool,
}

impl Shortened {
    /// Adds a folded path, of a folder perhaps with everything `below`.
    pub(super) fn add(&mut self, path: &str, below: bool) {
        let mut any = false;
        for mask in masks(path) {
            let mut key = 0;
            for (at, name) in path.split('\\').enumerate() {
                let before = key;
                key = next(key, name, at, mask);
                if at > 0 && has_short(name) {
                    any = true;
                    self.ways.insert(key);
                    self.listing.insert(before);
                }
            }
            let known = if below { &mut self.below } else { &mut self.files };
            if any {
                let alike = known.entry(key).or_default();
                if alike.len() < MAX_ALIKE && alike.iter().all(|known| **known != *path) {
                    alike.push(path.into());
                }
            }
        }
        self.by_short |= path.contains('~') && path.split('\\').any(is_short);
    }

    /// Whether [`wants`](Self::wants) can say yes: a glance at the bytes of the text, in whatever width.
    #[inline]
    pub(super) fn may_want(&self, text: &[u8]) -> bool {
        !self.ways.is_empty() && (self.by_short || memchr::memchr(b'~', text).is_some())
    }

    /// Whether a path, without a stream, may be another spelling of a wanted one.
    #[cold]
    pub(super) fn wants(&self, path: &str) -> bool {
        masks(path).any(|mask| {
            let (mut key, mut end) = (0, 0);
            for (at, name) in path.split('\\').enumerate() {
                key = next(key, name, at, mask);
                end += name.len() + usize::from(at > 0);
                if !self.below.is_empty() && path.get(..end).is_some_and(|head| is_among(&self.below, key, head)) {
                    return true;
                }
            }
            is_among(&self.files, key, path)
        })
    }

    /// Whether a folder's listing may tell an 8.3 name that matters.
    pub(super) fn lists(&self, folder: &str) -> bool {
        is_any(&self.listing, folder)
    }

    /// Whether a name in such a listing matters.
    pub(super) fn is_way(&self, path: &str) -> bool {
        is_any(&self.ways, path)
    }
}

fn is_any(keys: &FxHashSet<u64>, path: &str) -> bool {
    let path = path.trim_end_matches('\\');
    let key = |mask| path.split('\\').enumerate().fold(0, |key, (at, name)| next(key, name, at, mask));
    !keys.is_empty() && masks(path).any(|mask| keys.contains(&key(mask)))
}

fn is_among(known: &FxHashMap<u64, Vec<Box<str>>>, key: u64, path: &str) -> bool {
    let Some(alike) = known.get(&key) else { return false };
    alike.len() == MAX_ALIKE || alike.iter().any(|known| may_be_same(known, path))
}

/// Whether two paths are the same but for names of which one may be the 8.3 name of the other.
fn may_be_same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.split('\\'), b.split('\\'));
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if same(a, b) || may_be_short_for(a, b) || may_be_short_for(b, a) => {}
            (one, other) => return one.is_none() && other.is_none(),
        }
    }
}

/// The names of a path that are to be left out of its key, one bit each: an 8.3 name may be of a long name that has nothing in
/// common with it.
fn masks(path: &str) -> impl Iterator<Item = u64> + '_ {
    let mut short = 0u64;
    if path.contains('~') {
        for (at, _) in path.split('\\').enumerate().take(64).filter(|(_, name)| is_short(name)) {
            short |= 1 << at;
        }
    }
    let all = if short.count_ones() > MAX_SHORT { 0 } else { short };
    // Every part of the set once, the whole of it last.
    let mut mask = Some(0u64);
    std::iter::from_fn(move || {
        let now = mask?;
        mask = (now != all).then(|| now.wrapping_sub(all) & all);
        Some(now)
    })
}

/// The key of a path up to a name, from the key of what is before it.
fn next(before: u64, name: &str, at: usize, mask: u64) -> u64 {
    let left_out = at < 64 && mask >> at & 1 != 0;
    let mut hasher = FxHasher::default();
    hasher.write_u64(before);
    match in_common(name).filter(|_| !left_out) {
        Some(common) => hasher.write(&common),
        None => hasher.write_u8(u8::MAX),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> Shortened {
        let mut shortened = Shortened::default();
        files.iter().for_each(|file| shortened.add(&file.to_lowercase(), false));
        shortened
    }

    #[test]
    fn any_name_on_the_way_may_be_short() {
        let shortened = of(&[r"C:\Program Files\Common Files\longname.module.dll", r"D:\文档\a\file", r"C:\a\b.dll"]);
        for (path, wanted) in [
            (r"C:\PROGRA~1\Common Files\longname.module.dll", true),
            (r"c:\progra~2\COMMON~1\LONGNA~1.DLL", true),
            (r"C:\Program Files\COMMON~1\LO4C1D~1.DLL", true),
            (r"C:\PROGRA~1\Common Files\longname.module.exe", false),
            (r"C:\PROGRA~1\Common Files\longname.modules.dll", false),
            (r"C:\PROGRA~1\Common Files", false),
            (r"C:\PROGRA~1\Common Files\longname.module.dll\x", false),
            (r"C:\PICTUR~1\Common Files\longname.module.dll", false),
            (r"D:\PROGRA~1\Common Files\longname.module.dll", false),
            (r"D:\DOCUME~1\a\file", true),
            (r"D:\DOCUME~1\b\file", false),
            (r"C:\a\B~1.DLL", false), // `b.dll` needs no other name
        ] {
            assert!(shortened.may_want(path.as_bytes()), "{path}");
            assert_eq!(shortened.wants(path), wanted, "{path}");
        }
        assert!(!shortened.may_want(br"C:\Program Files\Common Files\longname.module.dll"));
        assert!(!of(&[r"C:\a\b.dll"]).may_want(br"C:\a\B~1.DLL"));
    }

    #[test]
    fn what_is_wanted_by_a_short_name_is_wanted_by_the_long_one() {
        let shortened = of(&[r"C:\Users\ADMINI~1\Temp\LONGNA~1.DLL"]);
        for (path, wanted) in [
            (r"C:\Users\Administrator\Temp\longname.module.dll", true),
            (r"C:\Users\ADMINI~1\Temp\longname.module.dll", true),
            (r"C:\Users\管理员\Temp\LONGNA~1.DLL", true),
            (r"C:\Users\Administrator\Temp\longest.module.dll", false),
            (r"C:\Users\Adam\Temp\longname.module.dll", false),
        ] {
            assert!(shortened.may_want(path.as_bytes()), "{path}");
            assert_eq!(shortened.wants(path), wanted, "{path}");
        }
    }

    #[test]
    fn the_listings_on_the_way_matter() {
        let shortened = of(&[r"C:\Program Files\app\longname.module.dll"]);
        for (folder, lists) in [
            (r"C:\", true),
            (r"C:\Program Files", false),
            (r"C:\Program Files\App", true),
            (r"C:\PROGRA~1\App", true),
            (r"C:\Windows", false),
        ] {
            assert_eq!(shortened.lists(folder), lists, "{folder}");
        }
        for (path, matters) in [
            (r"C:\Program Files", true),
            (r"C:\PROGRA~1", true),
            (r"C:\Windows", false),
            (r"C:\Program Files\App", false),
            (r"C:\PROGRA~1\App\longname.module.dll", true),
        ] {
            assert_eq!(shortened.is_way(path), matters, "{path}");
        }
    }

    #[test]
    fn a_folder_is_wanted_with_what_is_below_it() {
        let mut shortened = Shortened::default();
        shortened.add(r"c:\data\some folder", true);
        for (path, wanted) in [
            (r"C:\Data\SOMEFO~1", true),
            (r"C:\Data\SOMEFO~1\x\y", true),
            (r"C:\Data\SOMEFI~1\x", false),
            (r"C:\Data\x\SOMEFO~1", false),
        ] {
            assert_eq!(shortened.wants(path), wanted, "{path}");
        }
    }
}
