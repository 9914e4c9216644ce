//! Paths that may be other spellings of one, where the capture neither ties their volumes to each other nor tells them apart
//! (AT-2, VI-9): devices and GUID names of volumes without a known letter, and administrative shares.

use super::identity::Names;
use crate::capture::op::{OpLog, PathId};
use crate::nt::path::{Roots, fold, normalize, split_stream, strip_prefix_folded, volume_device};
use rustc_hash::{FxHashMap, FxHashSet};

/// At most this many files are taken for possible spellings of one.
const MAX_ALIASES: usize = 16;

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
    let (_, share) = strip_prefix_folded(path, r"\\")?.split_once('\\')?;
    (share.get(1..3) == Some(r"$\")).then_some(())?;
    Some((Volume::Share(letter(share)?), share.get(2..)?))
}

/// Whether the capture shows the device of one path to be another volume than the drive of the other.
fn are_apart(device: &str, drive: &str, roots: &Roots) -> bool {
    let Some((device, _)) = volume_device(device).filter(|_| !roots.apart.is_empty()) else { return false };
    let is_drive = |dos: &str| drive.get(..2).is_some_and(|letter| letter.eq_ignore_ascii_case(dos));
    roots.apart.iter().any(|(other, dos)| crate::nt::path::same(other, device) && is_drive(dos))
}

/// Whether two normalised paths of different spelling may be one file's: the same path on volumes that may be the same.
pub(crate) fn may_be_same(a: &str, b: &str, roots: &Roots) -> bool {
    if are_apart(a, b, roots) || are_apart(b, a, roots) {
        return false;
    }
    let Some(((a, a_tail), (b, b_tail))) = volume(a).zip(volume(b)) else { return false };
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
    may_be && crate::nt::path::same(a_tail, b_tail)
}

/// The links that operations named by paths with such doubles, by the path on the volume.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    links: FxHashMap<Box<str>, Vec<(PathId, u32)>>,
}

impl Aliases {
    pub(crate) fn find(log: &OpLog, names: &Names) -> Self {
        let tail = |path: PathId| {
            let path = normalize(log.paths.get(path), &log.roots);
            volume(&path).map(|(volume, tail)| (volume, fold(tail).into_owned().into_boxed_str()))
        };
        let odd = log.paths.iter().filter(|(_, text)| text.starts_with('\\'));
        let odd = odd.filter_map(|(path, _)| tail(path)).filter(|(volume, _)| !matches!(volume, Volume::Drive(_)));
        let odd: FxHashSet<Box<str>> = odd.map(|(_, tail)| tail).collect();
        let mut aliases = Self::default();
        if odd.is_empty() {
            return aliases;
        }
        let of = |path| tail(path).map(|(_, tail)| tail).filter(|tail| odd.contains(tail));
        let tails: FxHashMap<PathId, Box<str>> =
            log.paths.iter().filter_map(|(path, _)| Some((path, of(path)?))).collect();
        for (at, op) in (0u32..).zip(&log.ops) {
            let Some(tail) = tails.get(&op.path) else { continue };
            let known = aliases.links.entry(tail.clone()).or_default();
            let entry = (op.path, names.place(at).link);
            if known.len() < MAX_ALIASES && !known.contains(&entry) {
                known.push(entry);
            }
        }
        aliases
    }

    /// The links of other files that may be the one that `path` names as `link`.
    pub(crate) fn of(&self, log: &OpLog, names: &Names, path: PathId, link: u32) -> Vec<u32> {
        if self.links.is_empty() {
            return Vec::new();
        }
        let own = normalize(log.paths.get(path), &log.roots);
        let known = volume(&own).and_then(|(_, tail)| self.links.get(&*fold(tail)));
        let mut found = Vec::new();
        for (other, other_link) in known.into_iter().flatten() {
            let theirs = normalize(log.paths.get(*other), &log.roots);
            if names.file(*other_link) != names.file(link)
                && !found.contains(other_link)
                && may_be_same(&own, &theirs, &log.roots)
            {
                found.push(*other_link);
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
        ] {
            assert_eq!(may_be_same(a, b, &Roots::default()), untied, "{a} {b}");
            assert_eq!(may_be_same(b, a, &tied), with, "{a} {b}");
        }
        let apart = Roots { apart: vec![(r"\Device\HarddiskVolume5".into(), "D:".into())], ..Roots::default() };
        assert!(!may_be_same(r"D:\a\f", r"\Device\HarddiskVolume5\a\f", &apart));
        assert!(may_be_same(r"D:\a\f", r"\Device\HarddiskVolume4\a\f", &apart));
    }
}
