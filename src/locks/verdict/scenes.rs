//! The files whose handles can matter to the result of a refused operation, and the part that a handle plays there.

use crate::capture::op::OpKind;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::{only_creates, requested, wanted};
use crate::locks::finding::{Mechanism, Range};
use crate::locks::identity::{NONE, UNNAMED};
use crate::locks::rules::directory::MAX_CHILDREN;
use crate::locks::rules::moves::{entering, replacing};
use crate::locks::rules::suspect::Blockers;
use crate::locks::spans::Instant;
use crate::nt::sharing::Grant;
use crate::nt::{NtStatus, RenameFlags};
use rustc_hash::{FxHashMap, FxHashSet};

/// Files below a folder looked at for those who have them open.
const MAX_BELOW: usize = 64;

/// The part that a handle on a file plays for the refused operation.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// It is held against an open that wants this on a stream; the rule by which it passes, if not SA-3.
    Sharing { wanted: Grant, stream: u32, rule: Option<&'static str> },
    /// It keeps a name that waits to be deleted, or, unless unnamed, a stream that does.
    Keeping(u32),
    /// Only its byte-range locks count.
    Locking { range: Option<Range>, rule: &'static str },
    /// Only its oplock counts.
    Oplock(&'static str),
    /// None, by this rule.
    Without(&'static str),
    /// Any may count.
    Any,
}

/// A file whose handles are looked at.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) link: u32,
    pub(crate) part: Part,
    /// Who had closed it before or opened it later is told of, too.
    pub(crate) past: bool,
    /// DR-2: the refusal by which a handle must have stood to matter.
    pub(crate) refused: Option<Instant>,
}

impl Scene {
    const fn new(link: u32, part: Part) -> Self {
        Self { link, part, past: true, refused: None }
    }

    /// One where only those who have the file open are told of.
    const fn aside(link: u32, part: Part) -> Self {
        Self { link, part, past: false, refused: None }
    }
}

impl Engine<'_> {
    /// The files whose handles can matter to the result, the one the failure is about first.
    pub(crate) fn scenes(&mut self, failing: Failing<'_>, link: u32, blockers: &Blockers) -> Vec<Scene> {
        let place = self.names.place(failing.index);
        let target = self.names.target(failing.index);
        let replaced = target.map_or(NONE, |target| target.link);
        let create = matches!(failing.op.kind, OpKind::Create(_));
        let flags = match failing.op.kind {
            OpKind::Rename { flags, .. } | OpKind::Link { flags, .. } => Some(flags),
            _ => None,
        };
        match failing.op.status {
            NtStatus::SHARING_VIOLATION => match flags {
                None if only_creates(failing.op) && place.stream == UNNAMED => {
                    vec![Scene::new(link, Part::Without("SA-5"))]
                }
                None => {
                    let wanted = wanted(failing.op).grant;
                    vec![Scene::new(link, Part::Sharing { wanted, stream: place.stream, rule: None })]
                }
                Some(flags) => {
                    let sharing = |wanted, rule| Part::Sharing { wanted, stream: UNNAMED, rule: Some(rule) };
                    let mut scenes = Vec::new();
                    if replaced != NONE && flags.contains(RenameFlags::REPLACE_IF_EXISTS) {
                        let posix = flags.contains(RenameFlags::POSIX_SEMANTICS);
                        let part = if posix { sharing(replacing(), "RN-2") } else { Part::Without("RN-1") };
                        scenes.push(Scene::new(replaced, part));
                    }
                    let folder = target.map_or(NONE, |target| self.names.link_of(target.dir));
                    scenes.push(match self.opens_folder(failing.op) {
                        Some(false) => Scene::new(folder, Part::Without("RN-7")),
                        _ => Scene::new(folder, sharing(entering(self.log.os_build).0, "RN-7")),
                    });
                    scenes
                }
            },
            NtStatus::DELETE_PENDING => match blockers.mark {
                Some((_, above)) if above != link => {
                    vec![Scene::new(above, Part::Keeping(UNNAMED)), Scene::aside(link, Part::Without("DP-7"))]
                }
                None if let Some(folder) = self.unseen_above(link) => vec![Scene::new(folder, Part::Keeping(UNNAMED))],
                mark => vec![Scene::new(link, Part::Keeping(mark.map_or(UNNAMED, |(mark, _)| mark.stream)))],
            },
            NtStatus::CANNOT_DELETE if blockers.nobody => vec![Scene::new(link, Part::Without("DP-10"))],
            NtStatus::CANNOT_DELETE => {
                vec![Scene::new(link, Part::Without(if create { "MM-2" } else { "MM-1" }))]
            }
            NtStatus::USER_MAPPED_FILE => vec![Scene::new(link, Part::Without("MM-4"))],
            NtStatus::FILE_LOCK_CONFLICT | NtStatus::LOCK_NOT_GRANTED => {
                let rule = if failing.op.status == NtStatus::LOCK_NOT_GRANTED { "LK-1" } else { "LK-2" };
                vec![Scene::new(link, Part::Locking { range: requested(failing.op).range, rule })]
            }
            NtStatus::DIRECTORY_NOT_EMPTY => self.folder_scenes(failing, link),
            NtStatus::ACCESS_DENIED => {
                let posix = flags.is_some_and(|flags| flags.contains(RenameFlags::POSIX_SEMANTICS));
                let replacing = if posix { Part::Without("RN-2") } else { Part::Any };
                let mut scenes = vec![Scene::new(link, if replaced == link { replacing } else { Part::Any })];
                let below = |mechanism| mechanism == Mechanism::OpenDescendant;
                if blockers.suspects.iter().any(|suspect| below(suspect.holder.mechanism)) {
                    scenes.push(Scene::new(place.link, Part::Without("RN-3")));
                    let below = self.below(self.names.file(place.link), self.tick(failing.index));
                    scenes.extend(below.into_iter().map(|link| Scene::new(link, Part::Any)));
                }
                scenes
            }
            NtStatus::FILE_DELETED => vec![Scene::new(link, Part::Without("DP-6"))],
            NtStatus::OPLOCK_BREAK_IN_PROGRESS => vec![Scene::new(link, Part::Oplock("OP-2"))],
            NtStatus::CANNOT_BREAK_OPLOCK => vec![Scene::new(link, Part::Oplock("OP-3"))],
            _ => vec![Scene::new(link, Part::Any)],
        }
    }

    /// A folder that was not empty, and what is in it.
    fn folder_scenes(&mut self, failing: Failing<'_>, folder: u32) -> Vec<Scene> {
        let mut scenes = vec![Scene::new(folder, Part::Without("DR-1"))];
        let tick = self.tick(failing.index);
        let children = self.entries_once(self.names.file(folder), tick);
        let dir = self.names.file(folder);
        let refused: FxHashMap<u32, u32> = self
            .names
            .refused
            .iter()
            .skip_while(|entry| entry.0 < dir)
            .take_while(|entry| entry.0 == dir && entry.1 < tick)
            .take(MAX_CHILDREN)
            .filter(|entry| self.op(entry.2).is_some_and(|op| op.process == failing.op.process))
            .map(|entry| (self.names.place(entry.2).link, entry.2))
            .collect();
        for child in children.into_iter().take(MAX_BELOW) {
            let track = self.track(self.names.file(child));
            scenes.push(if track.marks.standing(child, failing.at).is_some() {
                Scene::new(child, Part::Keeping(UNNAMED))
            } else if let Some(refused) = refused.get(&child) {
                let by = self.op(*refused).map(Instant::of);
                Scene { refused: by, ..Scene::new(child, self.refused_part(*refused)) }
            } else {
                Scene::aside(child, Part::Without("DR-2"))
            });
        }
        scenes
    }

    /// The part of handles on a child whose deletion was refused (DR-2).
    fn refused_part(&self, refused: u32) -> Part {
        match self.op(refused) {
            Some(op) if op.status == NtStatus::SHARING_VIOLATION && matches!(op.kind, OpKind::Create(_)) => {
                Part::Sharing { wanted: wanted(op).grant, stream: self.names.place(refused).stream, rule: None }
            }
            Some(op) if op.status == NtStatus::CANNOT_DELETE => Part::Without("MM-1"),
            _ => Part::Any,
        }
    }

    /// The names below a folder, a number of them.
    fn below(&self, dir: u32, tick: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut stack = vec![dir];
        let mut visited = FxHashSet::default();
        while let Some(dir) = stack.pop() {
            if !visited.insert(dir) || self.work.is_spent() {
                continue;
            }
            for link in self.entries(dir, tick) {
                if found.len() == MAX_BELOW {
                    return found;
                }
                found.push(link);
                stack.push(self.names.file(link));
            }
        }
        found
    }
}
