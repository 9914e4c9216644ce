//! Paths that may be other spellings of one, where the capture neither ties them to each other nor tells them apart (AT-2,
//! VI-9): devices and GUID names of volumes without a known letter, administrative shares, 8.3 names, and whatever leads to a
//! folder that exists once.

use super::identity::{NONE, Names};
use crate::capture::op::{OpKind, OpLog, PathId};
use crate::nt::path::{
    Roots, fold, is_transaction_id, leaf, normalize, same, split_stream, strip_prefix_folded, volume_device,
};
use crate::nt::short_name::{in_common, is_short, may_be_short_for};
use rustc_hash::{FxHashMap, FxHashSet};

/// At most this many files are taken for possible spellings of one.
const MAX_ALIASES: usize = 16;

/// Paths of one leaf name that are compared, and leaf names that may be one's other name.
const MAX_COMPARED: usize = 256;

/// Names of one file that others may lead to.
const MAX_NAMES: usize = 64;

/// How a path names its volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Volume {
    /// By its letter, folded.
    Drive(char),
    /// By the number of its device.
    Device,
    /// By GUID.
    Guid,
    /// By the share that every machine has for a drive, `\\server\C$`.
    Share(char),
}

/// The volume of a normalised path and the path on it, without a stream.
fn volume(path: &str) -> Option<(Volume, &str)> {
    let (path, _) = split_stream(path);
    if let Some((device, tail)) = volume_device(path) {
        return Some((if device.starts_with('\\') { Volume::Device } else { Volume::Guid }, tail));
    }
    let letter = |text: &str| text.chars().next().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase());
    if path.get(1..3) == Some(r":\") {
        return Some((Volume::Drive(letter(path)?), path.get(2..)?));
    }
    let (_, share) = strip_server(path)?.split_once('\\')?;
    (share.get(1..3) == Some(r"$\")).then_some(())?;
    Some((Volume::Share(letter(share)?), share.get(2..)?))
}

/// What follows the `\\` of a path to a server, also where that is spelled as the device of the redirector.
fn strip_server(path: &str) -> Option<&str> {
    if let Some(rest) = strip_prefix_folded(path, r"\\") {
        return Some(rest);
    }
    let redirectors = [r"\Device\Mup\", r"\Device\LanmanRedirector\"];
    let mut rest = redirectors.iter().find_map(|device| strip_prefix_folded(path, device))?;
    // `;LanmanRedirector\;Z:0000000000012345\server\share`
    while let Some((_, tail)) = rest.strip_prefix(';').and_then(|rest| rest.split_once('\\')) {
        rest = tail;
    }
    Some(rest)
}

/// Whether the capture shows the device of one path to be another volume than the drive of the other.
fn are_apart(device: &str, drive: &str, roots: &Roots) -> bool {
    let Some((device, _)) = volume_device(device).filter(|_| !roots.apart.is_empty()) else { return false };
    let is_drive = |dos: &str| drive.get(..2).is_some_and(|letter| letter.eq_ignore_ascii_case(dos));
    roots.apart.iter().any(|(other, dos)| crate::nt::path::same(other, device) && is_drive(dos))
}

/// Whether a path leads through the folder of a transaction, which exists once.
fn is_unique(path: &str) -> bool {
    path.rsplit('\\').skip(1).any(is_transaction_id)
}

/// Whether one of two paths on the drives `a` and `b` may lead there through a letter that stands for a folder (SUBST): it is
/// the end of the other and exists once. With the whole path of the other it is rather a copy of the volume.
fn may_be_substituted((a, a_tail): (Volume, &str), (b, b_tail): (Volume, &str)) -> bool {
    let (Volume::Drive(one), Volume::Drive(other)) = (a, b) else { return false };
    let (short, long) = if a_tail.len() < b_tail.len() { (a_tail, b_tail) } else { (b_tail, a_tail) };
    let end = long.len().checked_sub(short.len()).filter(|cut| *cut > 0).and_then(|cut| long.get(cut..));
    one != other && end.is_some_and(|end| same(end, short)) && is_unique(short)
}

/// Whether a path has a name in it as Windows shortens names.
fn has_short_name(path: &str) -> bool {
    path.contains('~') && path.rsplit('\\').any(is_short)
}

/// Whether two normalised paths of different spelling may be one file's: the same path, but for 8.3 names, on
/// volumes that may be the same. `is_other` knows the paths of which the capture shows both names, and that it is not this one.
fn may_be_same(a: &str, b: &str, roots: &Roots, is_other: &dyn Fn(&str, &str) -> bool) -> bool {
    let plain = (split_stream(a).0, split_stream(b).0);
    if are_apart(a, b, roots) || are_apart(b, a, roots) {
        return false;
    }
    let alike = |tails: (&str, &str)| same(tails.0, tails.1) || are_alike(plain, tails, is_other);
    let Some(((a, a_tail), (b, b_tail))) = volume(a).zip(volume(b)) else { return false };
    if may_be_substituted((a, a_tail), (b, b_tail)) {
        return true;
    }
    let tied = |letter: char, by: Volume| {
        let is_letter = |dos: &str| dos.chars().next().is_some_and(|c| c.eq_ignore_ascii_case(&letter));
        roots.volumes.iter().any(|(device, dos)| {
            let device = crate::nt::path::strip_namespace(device);
            is_letter(dos) && volume(&format!(r"{device}\x")).is_some_and(|(volume, _)| volume == by)
        })
    };
    let may_be = match (a, b) {
        (Volume::Drive(a) | Volume::Share(a), Volume::Drive(b) | Volume::Share(b)) => a == b,
        // A letter has one device and one GUID.
        (Volume::Drive(letter) | Volume::Share(letter), other)
        | (other, Volume::Drive(letter) | Volume::Share(letter)) => !tied(letter, other),
        (a, b) => a != b,
    };
    may_be && alike((a_tail, b_tail))
}

/// Whether the ends of two paths, `tails`, are the same but for 8.3 names.
fn are_alike(paths: (&str, &str), tails: (&str, &str), is_other: &dyn Fn(&str, &str) -> bool) -> bool {
    if !has_short_name(tails.0) && !has_short_name(tails.1) {
        return false;
    }
    let (mut a, mut b) = (tails.0.split('\\'), tails.1.split('\\'));
    // How far each path goes with the name looked at.
    let mut ends = (paths.0.len() - tails.0.len(), paths.1.len() - tails.1.len());
    loop {
        let (one, other) = match (a.next(), b.next()) {
            (Some(one), Some(other)) => (one, other),
            (None, None) => return true,
            _ => return false,
        };
        ends = (ends.0 + one.len(), ends.1 + other.len());
        let is_other = |path: &str, end: usize, name: &str| path.get(..end).is_none_or(|path| is_other(path, name));
        let short = || may_be_short_for(one, other) || may_be_short_for(other, one);
        let may_be =
            same(one, other) || short() && !is_other(paths.0, ends.0, other) && !is_other(paths.1, ends.1, one);
        if !may_be {
            return false;
        }
        ends = (ends.0 + 1, ends.1 + 1);
    }
}

/// A link of another file that may be the one that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Double {
    pub(crate) link: u32,
    /// From when to when, in ticks: the name that it may be another spelling of was another file's before and afterwards.
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// The links that operations named by paths with such doubles, by leaf name.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    links: FxHashMap<Box<str>, Vec<(PathId, u32)>>,
    /// The same by file.
    names: FxHashMap<u32, Vec<(PathId, u32)>>,
    /// Leaf names of which some may be the 8.3 names of others, by what these have in common.
    alike: FxHashMap<Option<[u8; 5]>, Vec<Box<str>>>,
    /// Paths of which the capture shows the long and the 8.3 name, by either, with the other name.
    told: FxHashMap<Box<str>, Vec<Box<str>>>,
    /// Paths that led elsewhere than a listing tells, when its entry had gone.
    stale: FxHashSet<PathId>,
}

/// A leaf name as files are compared by it.
fn name(path: &str) -> Box<str> {
    fold(leaf(split_stream(path).0)).into()
}

impl Aliases {
    pub(crate) fn find(log: &OpLog, names: &Names) -> Self {
        let is_odd = |text: &str| {
            text.starts_with('\\')
                && !matches!(volume(&normalize(text, &log.roots)), None | Some((Volume::Drive(_), _)))
                || has_short_name(split_stream(text).0)
                || is_unique(text)
        };
        let mut odd: FxHashSet<Box<str>> =
            log.paths.iter().filter(|(_, text)| is_odd(text)).map(|(_, text)| name(text)).collect();
        let mut aliases = Self::default();
        if odd.is_empty() {
            return aliases;
        }
        aliases.find_alike(log, &mut odd);
        let leaves: FxHashMap<PathId, Box<str>> =
            log.paths.iter().map(|(path, text)| (path, name(text))).filter(|(_, leaf)| odd.contains(leaf)).collect();
        for (at, op) in (0u32..).zip(&log.ops) {
            match op.kind {
                OpKind::ShortName { long, short } => aliases.tell(log, long, short),
                OpKind::Link { target: Some(target), .. } => {
                    if let Some(link) = names.linked(at) {
                        aliases.add(&leaves, names, (target, link));
                    }
                }
                _ => {}
            }
            if names.is_by_stale_name(at) {
                aliases.stale.insert(op.path);
            }
            aliases.add(&leaves, names, (op.path, names.place(at).link));
        }
        aliases
    }

    /// Finds the leaf names that may be 8.3 names, and those that these may stand for.
    fn find_alike(&mut self, log: &OpLog, odd: &mut FxHashSet<Box<str>>) {
        let short: Vec<Box<str>> = odd.iter().filter(|leaf| is_short(leaf)).cloned().collect();
        if short.is_empty() {
            return;
        }
        let begins: FxHashSet<Option<[u8; 5]>> = short.iter().map(|short| in_common(short)).collect();
        let long = log.paths.iter().map(|(_, text)| name(text)).filter(|leaf| !is_short(leaf));
        let long: FxHashSet<Box<str>> =
            long.filter(|leaf| begins.contains(&in_common(leaf)) || !leaf.is_ascii()).collect();
        let mut all: Vec<Box<str>> = short.into_iter().chain(long.iter().cloned()).collect();
        all.sort_unstable();
        odd.extend(long);
        for leaf in all {
            let alike = self.alike.entry(in_common(&leaf)).or_default();
            if alike.len() < MAX_COMPARED {
                alike.push(leaf);
            }
        }
    }

    fn tell(&mut self, log: &OpLog, long: PathId, short: PathId) {
        let text = |path: PathId| normalize(log.paths.get(path), &log.roots);
        for (path, other) in [(long, short), (short, long)] {
            let known = self.told.entry(fold(&text(path)).into()).or_default();
            let other = name(&text(other));
            if known.len() < MAX_ALIASES && !known.contains(&other) {
                known.push(other);
            }
        }
    }

    fn add(&mut self, leaves: &FxHashMap<PathId, Box<str>>, names: &Names, entry: (PathId, u32)) {
        let Some(leaf) = leaves.get(&entry.0).filter(|_| entry.1 != NONE) else { return };
        let known = match self.links.get_mut(leaf) {
            Some(known) => known,
            None => self.links.entry(leaf.clone()).or_default(),
        };
        if known.len() < MAX_COMPARED && !known.contains(&entry) {
            known.push(entry);
            let own = self.names.entry(names.file(entry.1)).or_default();
            if own.len() < MAX_NAMES {
                own.push(entry);
            }
        }
    }

    /// Whether two paths of different spelling may be one file's.
    pub(crate) fn may_be_same(&self, log: &OpLog, a: PathId, b: PathId) -> bool {
        let text = |path: PathId| normalize(log.paths.get(path), &log.roots);
        let (one, other) = (text(a), text(b));
        let ((one, _), (other, _)) = (split_stream(&one), split_stream(&other));
        let stale = self.stale.contains(&a) || self.stale.contains(&b);
        let is_other = |path: &str, name: &str| {
            !stale && self.told.get(&*fold(path)).is_some_and(|known| !known.iter().any(|other| same(other, name)))
        };
        !same(one, other) && may_be_same(one, other, &log.roots, &is_other)
    }

    /// The leaf names that may be another spelling of one, itself first.
    fn spellings<'a>(&'a self, leaf: &'a str) -> impl Iterator<Item = &'a str> {
        let common = in_common(leaf);
        // (A short name may be of a long one that has nothing in common with it.)
        let keys = [Some(common), (is_short(leaf) && common.is_some()).then_some(None)];
        let wild = common.is_none().then(|| self.alike.values().flatten()).into_iter().flatten();
        let alike = keys.into_iter().flatten().filter_map(|key| self.alike.get(&key)).flatten().chain(wild);
        let alike = alike.map(|other| &**other).filter(move |other| *other != leaf);
        let may_be = move |other: &&str| may_be_short_for(other, leaf) || may_be_short_for(leaf, other);
        std::iter::once(leaf).chain(alike.filter(may_be).take(MAX_COMPARED))
    }

    /// The links of other files that may be `link`, or `every` other link of its file, by its names and the `path` it has now.
    pub(crate) fn of(&self, log: &OpLog, names: &Names, path: Option<PathId>, link: u32, every: bool) -> Vec<Double> {
        let mut found: Vec<Double> = Vec::new();
        if self.links.is_empty() || link == NONE {
            return found;
        }
        let known = self.names.get(&names.file(link)).into_iter().flatten().copied();
        let own = known.filter(|(other, of)| Some(*other) != path && (every || *of == link));
        for (path, link) in path.map(|path| (path, link)).into_iter().chain(own) {
            let leaf = name(&normalize(log.paths.get(path), &log.roots));
            // One made by an 8.3 name has it as its long one.
            let made = |link: u32, leaf: &str| is_short(leaf) && names.born(link).is_some();
            // A name that is made again and again has many links by few paths.
            let mut compared: FxHashMap<PathId, bool> = FxHashMap::default();
            for other_leaf in self.spellings(&leaf) {
                for (other, other_link) in
                    self.links.get(other_leaf).into_iter().flatten().filter(|(other, _)| *other != path)
                {
                    let may_be = *compared.entry(*other).or_insert_with(|| self.may_be_same(log, path, *other));
                    if may_be
                        && found.len() < MAX_ALIASES
                        && names.file(*other_link) != names.file(link)
                        && (other_leaf == &*leaf || !made(link, &leaf) && !made(*other_link, other_leaf))
                        && !found.iter().any(|known| known.link == *other_link)
                    {
                        let (from, to) = names.stay_as(link, path).unwrap_or((0, NONE));
                        found.push(Double { link: *other_link, from, to });
                    }
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_that_nothing_tells_apart_may_be_one() {
        let tied = Roots { volumes: vec![(r"\Device\HarddiskVolume3".into(), "C:".into())], ..Roots::default() };
        for (a, b, untied, with) in [
            (r"C:\a\f", r"\Device\HarddiskVolume5\A\F", true, false),
            (r"D:\a\f", r"\Device\HarddiskVolume5\a\f", true, true),
            (r"C:\a\f", r"Volume{1-2}\a\f", true, true),
            (r"C:\a\f", r"\\localhost\c$\a\f", true, true),
            (r"D:\a\f", r"\\localhost\C$\a\f", false, false),
            (r"C:\a\f", r"D:\a\f", false, false),
            (r"C:\a\f", r"\Device\HarddiskVolume5\a\g", false, false),
            (r"\Device\HarddiskVolume4\a\f", r"\Device\HarddiskVolume5\a\f", false, false),
            (r"C:\a\f", r"\\server\share\a\f", false, false),
            (r"C:\a\f", r"\Device\Mup\localhost\c$\a\f", true, true),
            (r"C:\a\f", r"\Device\Mup\;LanmanRedirector\;Z:0000000000012345\localhost\C$\a\f", true, true),
            (r"C:\Program Files\f", r"C:\PROGRA~1\F", true, true),
            (r"C:\Program Files\f", r"\\pc\C$\PROGRA~2\f", true, true),
            (r"C:\Program Files\f", r"C:\PROGRA~1\a\f", false, false),
            (r"C:\Programs\f", r"D:\PROGRA~1\f", false, false),
            (r"C:\Program Files\long name.dll", r"C:\PROGRA~1\LONGNA~1.DLL", true, true),
            (r"C:\Program Files\long name.dll", r"C:\Program Files\LONGNA~1.EXE", false, false),
            (r"C:\a\0123456789abcdef0123456789ABCDEF\b\f", r"S:\0123456789abcdef0123456789abcdef\b\F", true, true),
            (r"C:\0123456789abcdef0123456789ABCDEF\b\f", r"S:\0123456789abcdef0123456789abcdef\b\F", false, false),
            (r"C:\a\0123456789abcdef0123456789ABCDEF\b\f", r"S:\0123456789abcdef0123456789abcdee\b\F", false, false),
        ] {
            assert_eq!(may_be_same(a, b, &Roots::default(), &|_, _| false), untied, "{a} {b}");
            assert_eq!(may_be_same(b, a, &tied, &|_, _| false), with, "{a} {b}");
        }
        let others = |path: &str, name: &str| same(path, r"C:\PROGRA~1") && !same(name, "Programs here");
        assert!(!may_be_same(r"C:\Program Files\f", r"C:\PROGRA~1\f", &Roots::default(), &others));
        assert!(may_be_same(r"C:\Programs here\f", r"C:\PROGRA~1\f", &Roots::default(), &others));
        let apart = Roots { apart: vec![(r"\Device\HarddiskVolume5".into(), "D:".into())], ..Roots::default() };
        assert!(!may_be_same(r"D:\a\f", r"\Device\HarddiskVolume5\a\f", &apart, &|_, _| false));
        assert!(may_be_same(r"D:\a\f", r"\Device\HarddiskVolume4\a\f", &apart, &|_, _| false));
    }
}
