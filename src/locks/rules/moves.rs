//! Renames and links that were refused: the target, the directory it goes to, what is open below (RN-1 to RN-7).

use super::suspect::{Blockers, Rule};
use crate::capture::op::{Op, OpKind, PathId, ProcessId, ProcessInfo};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ev, EvKind, Fit, HoldRec};
use crate::locks::file::sections::Kind;
use crate::locks::file::track::Track;
use crate::locks::finding::{Cause, Confidence, Mechanism, Side};
use crate::locks::identity::{NONE, UNNAMED, succeeded};
use crate::locks::spans::Instant;
use crate::nt::sharing::{AccessClasses, Grant, Relation, ShareConflict, sharing_conflict};
use crate::nt::{CreateOptions, NtStatus, RenameFlags, ShareAccess};

/// The last build known to open the destination directory without sharing deletion: Windows 11 23H2 (RN-7).
const LAST_WITHOUT_DELETE: u32 = 22_631;
/// The first release build after it that both product lines share: Windows 11 24H2, Server 2025.
const FIRST_WITH_DELETE: u32 = 26_100;

/// Operations on either side of a refusal, and handles, that are looked through for what they tell of a name.
const MAX_NEAR: usize = 4096;

/// What a replacing rename with POSIX semantics wants of its target (RN-2).
pub(crate) const fn replacing() -> Grant {
    Grant { classes: AccessClasses::DELETE, possible: AccessClasses::DELETE, share: ShareAccess(7) }
}

/// What the I/O manager wants of the folder a name is moved into, in this build of Windows; second, whether the build tells if
/// it shares deletion (RN-7).
pub(crate) const fn entering(build: Option<u32>) -> (Grant, bool) {
    let delete = match build {
        Some(FIRST_WITH_DELETE..) => ShareAccess::DELETE.0,
        _ => 0,
    };
    let share = ShareAccess(ShareAccess::READ.0 | ShareAccess::WRITE.0 | delete);
    let told = matches!(build, Some(..=LAST_WITHOUT_DELETE | FIRST_WITH_DELETE..));
    (Grant { classes: AccessClasses::WRITE, possible: AccessClasses::WRITE, share }, told)
}

/// Whether a hold stands in the way by a conflict in sharing; one whose open is not in the capture may (AT-6).
fn fits(hold: &HoldRec, conflict: Option<ShareConflict>) -> Fit {
    match conflict {
        Some(conflict) if conflict.certain => Fit::Yes,
        Some(_) => Fit::Maybe,
        None if hold.grant.is_none() => Fit::Maybe,
        None => Fit::No,
    }
}

/// DP-1: whether a process did what needs DELETE on its handle.
fn needs_delete(op: &Op, process: ProcessId) -> bool {
    let kind =
        matches!(op.kind, OpKind::Rename { .. } | OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. });
    kind && op.process == process && (succeeded(op) || op.status == NtStatus::CANNOT_DELETE)
}

impl Engine<'_> {
    /// RN-2, RN-7: SHARING VIOLATION on a rename or link.
    pub(crate) fn blocked_move(&mut self, failing: Failing<'_>, flags: RenameFlags, found: &mut Blockers) {
        found.cause = Some(Cause::ShareConflict);
        let Some(target) = self.names.target(failing.index) else { return };
        // RN-1: a classic replace answers otherwise to opens of the target.
        let replaces = flags.contains(RenameFlags::REPLACE_IF_EXISTS | RenameFlags::POSIX_SEMANTICS);
        if target.link != NONE && replaces {
            let conflict = |hold: &HoldRec| {
                hold.grant.and_then(|grant| sharing_conflict(grant, replacing(), Relation::SameStream))
            };
            let fit = |hold: &HoldRec| fits(hold, conflict(hold));
            // RN-4: unless its mark was undone unseen, a target that waits to be deleted gives another answer.
            let pending = self.is_pending(failing, target.link);
            let ceiling = if pending { Confidence::Possible } else { Confidence::Proven };
            let rule =
                Rule { mechanism: Mechanism::ReplacedTarget, rule: "RN-2", fit: &fit, conflict: &conflict, ceiling };
            self.by_handle(failing, target.link, &rule, found);
        }
        let as_path = self.opens_folder(failing.op);
        if as_path == Some(false) {
            return;
        }
        let (entry, told) = entering(self.log.os_build);
        let conflict =
            |hold: &HoldRec| hold.grant.and_then(|grant| sharing_conflict(grant, entry, Relation::SameStream));
        let fit = |hold: &HoldRec| fits(hold, conflict(hold));
        let from = found.suspects.len();
        let dir = self.names.link_of(target.dir);
        let ceiling = Confidence::Proven;
        let rule =
            Rule { mechanism: Mechanism::DestinationDirectory, rule: "RN-7", fit: &fit, conflict: &conflict, ceiling };
        self.by_handle(failing, dir, &rule, found);
        for suspect in found.suspects.iter_mut().skip(from) {
            // Where the version is not known to refuse it, a mere DELETE handle is no proof, nor is any where the folder may not have
            // been opened at all; and no release makes it one.
            let by_delete = suspect.holder.conflicts.iter().all(|conflict| conflict.side == Side::VictimDoesNotShare);
            suspect.inferred |= as_path.is_none();
            if as_path.is_none() || (!told && by_delete) {
                suspect.settled_by_release = false;
                suspect.holder.confidence = suspect.holder.confidence.min(Confidence::Likely);
            }
        }
    }

    /// RN-7: whether the folder a name goes to is opened, which is so when the target was given as a path. A name alone stays in
    /// its folder. `None`: not told.
    pub(crate) fn opens_folder(&self, op: &Op) -> Option<bool> {
        let (OpKind::Rename { target, as_path, .. } | OpKind::Link { target, as_path, .. }) = op.kind else {
            return None;
        };
        let folder = |path: PathId| {
            let path = self.log.paths.get(path);
            path.rfind('\\').and_then(|at| path.get(..at)).unwrap_or_default()
        };
        let elsewhere = || target.is_some_and(|target| !crate::nt::path::same(folder(target), folder(op.path)));
        as_path.or_else(|| elsewhere().then_some(true))
    }

    /// RN-1, RN-3, RN-5, RN-6: ACCESS DENIED on a rename or link.
    pub(crate) fn denied_move(&mut self, failing: Failing<'_>, flags: RenameFlags, found: &mut Blockers) {
        let none = |_: &HoldRec| None;
        let ceiling = Confidence::Proven;
        let place = self.names.place(failing.index);
        let target = self.names.target(failing.index);
        if matches!(failing.op.kind, OpKind::Rename { .. }) && self.lacks_delete(failing) {
            found.itself = Some("DP-1");
            return;
        }
        if let Some(target) = target
            && target.link != NONE
            && flags.contains(RenameFlags::REPLACE_IF_EXISTS)
        {
            let track = self.track(self.names.file(target.link));
            let readonly = track.is_readonly(failing.at.start) == Some(true)
                && !flags.contains(RenameFlags::IGNORE_READONLY_ATTRIBUTE);
            if readonly || self.is_folder(failing, target.link) {
                found.itself = readonly.then_some("DP-10");
                return;
            }
            self.mapped(failing, target.link, "RN-5", &Kind::image, found);
            if !flags.contains(RenameFlags::POSIX_SEMANTICS) {
                let link = target.link;
                let pending = self.is_pending(failing, link); // RN-4, as above; here no test bears it out
                let ceiling = if pending { Confidence::Likely } else { ceiling };
                let fit = |hold: &HoldRec| if hold.link == link { Fit::Yes } else { Fit::No };
                let mechanism = Mechanism::ReplacedTarget;
                let rule = Rule { mechanism, rule: "RN-1", fit: &fit, conflict: &none, ceiling };
                self.by_handle(failing, link, &rule, found);
            }
        }
        if matches!(failing.op.kind, OpKind::Rename { .. }) && place.link != NONE {
            if self.source_refuses(failing) {
                found.itself = (!self.names.is_gone(place.link, self.tick(failing.index))).then_some("RN-4");
                found.suspects.clear();
                return;
            }
            // A stream that gets another name is not the file.
            let moved = place.stream == UNNAMED;
            let fit = |hold: &HoldRec| if moved && hold.stream != UNNAMED { Fit::Yes } else { Fit::No };
            let mechanism = Mechanism::OpenHandle;
            let rule = Rule { mechanism, rule: "RN-6", fit: &fit, conflict: &none, ceiling };
            self.by_handle(failing, place.link, &rule, found);
            self.descendants(failing, self.names.file(place.link), found);
            self.current_directory_below(failing, found);
        }
        if !found.suspects.is_empty() && (self.may_refuse_itself(failing) || self.source_is_doubtful(failing)) {
            found.suspects.iter_mut().for_each(|suspect| suspect.cap(Confidence::Likely));
        }
        let replaced = found.suspects.iter().any(|suspect| suspect.holder.mechanism != Mechanism::ImageMapping);
        found.cause = match found.suspects.is_empty() {
            true => None,
            false if replaced => Some(Cause::RenameBlocked),
            false => Some(Cause::ImageSection),
        };
    }

    /// RN-4: whether a name waits to be deleted for certain. To replace it answers DELETE PENDING.
    pub(crate) fn is_pending(&mut self, failing: Failing<'_>, link: u32) -> bool {
        let track = self.track(self.names.file(link));
        track.marks.standing(link, failing.at).is_some_and(|mark| mark.certain)
    }

    /// DP-1: whether a rename may have been asked for through a handle without DELETE.
    fn may_lack_delete(&mut self, failing: Failing<'_>) -> bool {
        let (op, place) = (failing.op, self.names.place(failing.index));
        if self.is_kernel(op) {
            return false;
        }
        let track = self.track(self.names.file(place.link));
        let own = |hold: &HoldRec| {
            hold.process == op.process
                && hold.driver.is_none()
                && (hold.link, hold.stream) == (place.link, place.stream)
        };
        // SA-11: what was granted for MAXIMUM_ALLOWED shows by its use, where the process had no other handle.
        let used = |hold: &HoldRec| {
            let within = |other: &Op| {
                hold.opened.is_some_and(|(_, open)| open.before(Instant::of(other)))
                    && hold.ended.from().is_none_or(|end| Instant::of(other).end <= end)
            };
            let needs = |at: &u32| self.op(*at).is_some_and(|other| needs_delete(other, op.process) && within(other));
            !hold.accompanied && track.ops.iter().take(MAX_NEAR).any(needs)
        };
        let lacks = |hold: &HoldRec| match hold.grant {
            Some(grant) if grant.classes.contains(AccessClasses::DELETE) => false,
            Some(grant) => !grant.possible.contains(AccessClasses::DELETE) || !used(hold),
            None => false,
        };
        let fit = |hold: &HoldRec| if own(hold) && lacks(hold) { Fit::Yes } else { Fit::No };
        let (groups, more) = track.weigh(failing.at, self.options.limit, &self.work, &fit);
        more || groups.iter().any(|(_, weighed)| weighed.possible)
    }

    /// Whether a rename may have been refused for itself, whoever has anything open: by its handle's rights, or its source.
    pub(crate) fn may_refuse_itself(&mut self, failing: Failing<'_>) -> bool {
        matches!(failing.op.kind, OpKind::Rename { .. } | OpKind::Link { .. }) && self.source_refuses(failing)
            || matches!(failing.op.kind, OpKind::Rename { .. }) && self.may_lack_delete(failing)
    }

    /// Whether a rename was refused for its source alone: nobody is behind the refusal to rename what is pending (RN-4), or what has
    /// no name any more (DP-6).
    fn source_refuses(&mut self, failing: Failing<'_>) -> bool {
        let link = self.names.place(failing.index).link;
        let track = self.track(self.names.file(link));
        track.marks.standing(link, failing.at).is_some_and(|mark| mark.certain)
            || self.names.is_gone(link, self.tick(failing.index))
    }

    /// RN-4, DP-6: whether the name that a rename or link starts from may have been pending, or gone, by a mark that is not certain or
    /// not in the capture.
    fn source_is_doubtful(&mut self, failing: Failing<'_>) -> bool {
        let link = self.names.place(failing.index).link;
        let track = self.track(self.names.file(link));
        let gone = self.names.died(link).is_some_and(|died| died < self.tick(failing.index));
        if gone || track.marks.standing(link, failing.at).is_some() {
            return true;
        }
        // AT-3: a close may have been that of a handle that marks the name by its end (DP-4).
        let marks = |hold: &HoldRec| {
            let closes = |ev: &Ev| matches!(ev.kind, EvKind::Close) && ev.at.start < failing.at.end;
            let since = |open: Instant| {
                let events = track.groups.get(hold.group as usize).map_or(&[][..], |group| &group.events);
                events.iter().skip_while(|ev| ev.at.end <= open.end).take(MAX_NEAR).any(closes)
            };
            let ends_it = hold.link == link && hold.options.contains(CreateOptions::DELETE_ON_CLOSE);
            ends_it && hold.accompanied && hold.opened.is_some_and(|(_, open)| open.before(failing.at) && since(open))
        };
        // VI-7: nor need a mark be in the capture where events were lost since the source was opened.
        let own =
            |hold: &&HoldRec| hold.process == failing.op.process && hold.link == link && hold.paired_alive(failing.at);
        let torn = |open: Instant| self.log.coverage.is_torn(open.end, failing.at.start);
        let opened = track.own_holds().take(MAX_NEAR).filter(own).filter_map(|hold| hold.opened).map(|(_, open)| open);
        opened.min_by_key(|open| open.end).is_some_and(torn)
            || track.own_holds().take(MAX_NEAR).any(marks)
            || self.is_missed(failing, link, &track)
    }

    /// Whether what is nearest to an operation by its path, on either side, shows a name to be pending or gone that nothing shows
    /// to have been deleted or moved.
    fn is_missed(&self, failing: Failing<'_>, link: u32, track: &Track) -> bool {
        let key = self.names.key(failing.op.path);
        let tells = |op: &Op| {
            let at = Instant::of(op);
            match op.kind {
                OpKind::Create(_) | OpKind::QueryOpen { .. } if self.names.key(op.path) == key => match op.status {
                    NtStatus::DELETE_PENDING => Some(track.marks.standing(link, at).is_none()),
                    NtStatus::OBJECT_NAME_NOT_FOUND => Some(track.marks.last(link, at).is_none()),
                    _ => succeeded(op).then_some(false),
                },
                OpKind::Rename { .. } if self.names.key(op.path) == key => succeeded(op).then_some(false),
                _ => None,
            }
        };
        let (before, after) = self.log.ops.split_at_checked(failing.index as usize).unwrap_or((&[], &[]));
        self.work.spend(MAX_NEAR / 8);
        before.iter().rev().take(MAX_NEAR).find_map(tells) == Some(true)
            || after.iter().take(MAX_NEAR).find_map(tells) == Some(true)
    }

    /// Whether the kernel asks: without a handle's rights being looked at.
    fn is_kernel(&self, op: &Op) -> bool {
        op.driver.is_some() || self.log.processes.get(op.process.0 as usize).is_none_or(ProcessInfo::is_system)
    }

    /// DP-1 for renames: whether no handle through which this process can have asked had DELETE. Then its rights refused it,
    /// whoever has anything open.
    fn lacks_delete(&mut self, failing: Failing<'_>) -> bool {
        let (op, place) = (failing.op, self.names.place(failing.index));
        if self.is_kernel(op) || place.link == NONE {
            return false;
        }
        let track = self.track(self.names.file(place.link));
        let own = |hold: &HoldRec| hold.process == op.process && hold.driver.is_none();
        let able =
            |hold: &HoldRec| own(hold) && hold.grant.is_none_or(|grant| grant.possible.contains(AccessClasses::DELETE));
        // (Some handle of it may be there; one that has the right may be.)
        let at = |at: Instant| {
            let fit = |hold: &HoldRec| if able(hold) { Fit::Yes } else { Fit::No };
            let (groups, more) = track.weigh(at, self.options.limit, &self.work, &fit);
            let mine = |number: u32| track.groups.get(number as usize).is_some_and(|group| group.process == op.process);
            let any = groups.iter().any(|(group, weighed)| mine(*group) && weighed.any);
            (any, more || groups.iter().any(|(_, weighed)| weighed.possible))
        };
        if at(failing.at) != (true, false) || track.holds.iter().any(|hold| able(hold) && hold.ended_unseen()) {
            return false;
        }
        // Who did what needs the right, with no handle that shows it, had one that the capture does not show opened.
        let needs = |other: &&Op| needs_delete(other, op.process);
        let mut others = track.ops.iter().take(MAX_NEAR).filter_map(|at| self.op(*at)).filter(needs);
        !others.any(|other| !at(Instant::of(other)).1)
    }

    /// Whether a name is shown to be that of a directory: by an open or a query of it, or by what is in it.
    fn is_folder(&mut self, failing: Failing<'_>, link: u32) -> bool {
        let file = self.names.file(link);
        let tick = self.tick(failing.index);
        self.track(file).directory || self.entries(file, tick).into_iter().any(|below| self.names.is_seen(below))
    }

    /// RN-3: opens anywhere below a directory.
    pub(crate) fn descendants(&mut self, failing: Failing<'_>, dir: u32, found: &mut Blockers) {
        let tick = self.tick(failing.index);
        let none = |_: &HoldRec| None;
        let mut stack = vec![dir];
        let mut visited = rustc_hash::FxHashSet::default();
        while let Some(dir) = stack.pop() {
            if !visited.insert(dir) {
                continue;
            }
            if self.work.is_spent() {
                found.truncated = true;
                return;
            }
            for link in self.entries(dir, tick) {
                let Some(ceiling) = self.stays(link, failing.at) else { continue };
                let fit = |hold: &HoldRec| if hold.link == link { Fit::Yes } else { Fit::No };
                let mechanism = Mechanism::OpenDescendant;
                let rule = Rule { mechanism, rule: "RN-3", fit: &fit, conflict: &none, ceiling };
                if found.suspects.len() < 256 {
                    self.by_handle(failing, link, &rule, found);
                }
                stack.push(self.names.file(link));
            }
        }
    }
}
