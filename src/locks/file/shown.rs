//! What reads and writes show of a handle whose open is not in the capture (SA-1).

use super::hold::{EvKind, Group, HoldRec, Need};
use super::track::Track;
use crate::locks::spans::Instant;
use crate::nt::sharing::{AccessClasses, Grant, ShareConflict};

impl Track {
    /// Whether the group of a hold has opens that are in the capture.
    pub(crate) fn opens_too(&self, hold: &HoldRec) -> bool {
        let group = self.groups.get(hold.group as usize);
        group.is_some_and(|group| {
            group.events.iter().take(256).any(|ev| matches!(ev.kind, EvKind::Open(index) if self.opened(index)))
        })
    }

    fn opened(&self, index: u32) -> bool {
        self.holds.get(index as usize).is_some_and(|hold| hold.opened.is_some())
    }

    /// SA-1, SA-3: what a request does not share with a handle whose open is not in the capture, by what the handle was used for
    /// while it was the only one of its group, no open or close lying between that and `at`.
    pub(crate) fn refused_by_use(&self, hold: &HoldRec, at: Instant, wanted: Grant) -> Option<ShareConflict> {
        if hold.opened.is_some() || hold.handed.is_some() || hold.is_dead(at) || self.handed_over(hold) {
            return None;
        }
        let used = self.groups.get(hold.group as usize)?.used_by_the_only_one(at);
        let refused = used.not_shared_by(wanted.share);
        (wanted.is_counted() && !refused.is_empty()).then_some(ShareConflict {
            holder_refuses: AccessClasses::NONE,
            requester_refuses: refused,
            certain: true,
        })
    }
}

impl Group {
    /// SA-1: what the only handle that stood at `at` was used for, by uses on the same side of every open and close.
    fn used_by_the_only_one(&self, at: Instant) -> AccessClasses {
        let past = self.events.partition_point(|ev| ev.at.before(at));
        let alone = past.checked_sub(1).and_then(|last| self.events.get(last)).is_some_and(|last| last.alive == 1);
        let settled = self.events.get(past).is_none_or(|next| next.at.start >= at.end);
        if !alone || !settled {
            return AccessClasses::NONE;
        }
        let from = self.shown.partition_point(|one| (one.after as usize) < past);
        let shown = self.shown.get(from..).unwrap_or(&[]).iter().take_while(|one| one.after as usize == past);
        shown.take(2).fold(AccessClasses::NONE, |classes, one| {
            classes
                | match one.need {
                    Need::Read => AccessClasses::READ,
                    Need::Write => AccessClasses::WRITE,
                }
        })
    }
}
