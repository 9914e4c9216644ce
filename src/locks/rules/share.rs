//! SHARING VIOLATION on an open: handles and sections (SA-1 to SA-11, MM-2).

use super::older::key;
use super::suspect::{Blockers, Rule};
use crate::capture::op::{OpKind, ProcessId};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::{Wanted, only_creates, wanted};
use crate::locks::file::hold::{Ended, Fit, HoldRec};
use crate::locks::file::refute::{relation, spared_by_read};
use crate::locks::file::sections::Kind;
use crate::locks::file::track::Track;
use crate::locks::finding::{Cause, Confidence, Mechanism};
use crate::locks::identity::{NONE, UNNAMED};
use crate::nt::sharing::{AccessClasses, Grant, sharing_conflict};
use crate::nt::{AccessMask, CreateOptions, NtStatus, ShareAccess};
use rustc_hash::FxHashSet;

impl Engine<'_> {
    /// SHARING VIOLATION on an open.
    pub(crate) fn share_conflict(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        let place = self.names.place(failing.index);
        let wanted = wanted(failing.op);
        found.cause = Some(Cause::ShareConflict);
        if only_creates(failing.op) && place.stream == UNNAMED {
            return; // SA-5: the file would have answered NAME COLLISION
        }
        self.by_share(failing, place.link, place.stream, wanted, Mechanism::OpenHandle, found);
        if place.link != NONE && self.is_pending(failing, place.link) {
            // DP-2: a marked name answers otherwise, unless its mark was undone unseen.
            found.suspects.iter_mut().for_each(|suspect| suspect.cap(Confidence::Likely));
        }
        if only_creates(failing.op) {
            return;
        }
        let handles = found.suspects.iter().any(|suspect| suspect.holder.confidence >= Confidence::Likely);
        if wanted.effective.intersects(AccessMask::WRITE_DATA) {
            // MM-2
            self.mapped(failing, place.link, "MM-2", &Kind::image, found);
        }
        if wanted.grant.is_counted() && !wanted.grant.share.contains(ShareAccess::WRITE) {
            // SA-8; not for attribute-only opens, where sources disagree.
            self.mapped(failing, place.link, "SA-8", &Kind::writable, found);
        }
        if !handles
            && let Some(best) = found.suspects.iter().max_by_key(|suspect| suspect.holder.confidence)
            && best.holder.confidence >= Confidence::Likely
        {
            found.cause = match best.holder.mechanism {
                Mechanism::ImageMapping => Some(Cause::ImageSection),
                Mechanism::DataMapping => Some(Cause::UserMapped),
                _ => found.cause,
            };
        }
        if wanted.grant.possible.contains(AccessClasses::DELETE) {
            self.current_directory(failing, found);
        }
        // OP-2: an open that does not wait for an oplock is refused while a break is under way, whatever is shared.
        let impatient = matches!(failing.op.kind, OpKind::Create(create)
            if create.options.contains(CreateOptions::COMPLETE_IF_OPLOCKED));
        if impatient && !found.suspects.iter().any(|suspect| suspect.holder.confidence >= Confidence::Likely) {
            let mut owners = Blockers::default();
            self.oplock(failing, &mut owners);
            if !owners.suspects.is_empty() {
                found.cause = owners.cause;
                found.suspects.extend(owners.suspects);
            }
        }
    }

    /// SA-1 to SA-6 against every open of the file that may be held.
    pub(crate) fn by_share(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        stream: u32,
        wanted: Wanted,
        mechanism: Mechanism,
        found: &mut Blockers,
    ) {
        let track = self.track(self.names.file(link));
        // SA-5, SA-6: a stream that is made anew meets the opens of the others.
        let creates = only_creates(failing.op);
        let conflict = |hold: &HoldRec| match hold.grant {
            _ if creates && hold.stream == stream => None,
            Some(grant) => sharing_conflict(grant, wanted.grant, relation(hold.stream, stream)),
            None if hold.stream == stream => track.refused_by_use(hold, failing.at, wanted.grant),
            None => None,
        };
        let doubtful = |hold: &HoldRec| {
            conflict(hold).is_some_and(|conflict| !conflict.certain || spared_by_read(hold, wanted.grant, conflict))
        };
        let spared = self.spared(failing, link, stream, wanted.grant, &doubtful);
        let fit = |hold: &HoldRec| match hold.grant {
            _ if creates && hold.stream == stream => Fit::No,
            _ if !spared.is_empty() && spared.contains(&key(hold)) => Fit::No,
            Some(_) => match conflict(hold) {
                Some(conflict) if conflict.certain => Fit::Yes,
                Some(_) => Fit::Maybe, // SA-11
                None => Fit::No,
            },
            // Beside opens of its own a handle without one may have come later, as a copy (VI-8).
            None if conflict(hold).is_some() && !track.opens_too(hold) => Fit::Yes,
            None => {
                let unknown =
                    Grant { classes: AccessClasses::NONE, possible: AccessClasses::ALL, share: ShareAccess::NONE };
                match sharing_conflict(unknown, wanted.grant, relation(hold.stream, stream)) {
                    Some(_) => Fit::Maybe,
                    None => Fit::No,
                }
            }
        };
        let rule = if wanted.implied { "SA-5" } else { "SA-3" };
        let ceiling = Confidence::Proven;
        let rule = Rule { mechanism, rule, fit: &fit, conflict: &conflict, ceiling };
        self.by_handle(failing, link, &rule, found);
        for other in self.names.may_be(link).collect::<Vec<_>>() {
            let ceiling = Confidence::Possible; // AT-3: whether it is this file is not shown
            self.by_handle(failing, other, &Rule { ceiling, ..rule }, found);
        }
        for double in self.doubles(failing, link, true) {
            self.by_double(failing, double, &rule, found);
        }
        for suspect in &mut found.suspects {
            let open_ended = wanted.grant.possible != wanted.grant.classes
                || suspect.holder.hold.access.is_some_and(|access| access.intersects(AccessMask::MAXIMUM_ALLOWED));
            if suspect.holder.mechanism == mechanism && suspect.holder.rule == "SA-3" && suspect.inferred && open_ended
            {
                suspect.holder.rule = "SA-11";
            }
        }
    }

    /// AT-10: whether somebody not implicated closed a handle between the last failure and the success that would have refused
    /// the open as well, though it was not there when it was refused.
    pub(crate) fn another_let_go(
        &self,
        failing: Failing<'_>,
        track: &Track,
        (from, to): (usize, usize),
        implicated: &FxHashSet<ProcessId>,
    ) -> bool {
        if failing.op.status != NtStatus::SHARING_VIOLATION || !matches!(failing.op.kind, OpKind::Create(_)) {
            return false;
        }
        let between = track.ops.get(from..to).unwrap_or(&[]).iter().take(4096).copied();
        let closes: FxHashSet<u32> = between
            .filter(|at| {
                self.op(*at).is_some_and(|op| {
                    matches!(op.kind, OpKind::Cleanup)
                        && op.start >= failing.burst.last.start
                        && op.process != failing.op.process
                        && !implicated.contains(&op.process)
                })
            })
            .collect();
        if closes.is_empty() {
            return false;
        }
        let asked = wanted(failing.op).grant;
        let stream = self.names.place(failing.index).stream;
        track.own_holds().take(65_536).any(|hold| {
            matches!(hold.ended, Ended::Close(close, _) if closes.contains(&close))
                && hold.grant.is_some_and(|grant| {
                    sharing_conflict(grant, asked, relation(hold.stream, stream)).is_some_and(|one| one.certain)
                })
        })
    }
}
