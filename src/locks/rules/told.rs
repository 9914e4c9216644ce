//! How a hold is told: from which event to which, by which path.

use crate::capture::op::{Op, OpKind, PathId, ProcessId};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, Fit, HoldRec};
use crate::locks::file::ranges::LockRec;
use crate::locks::file::sections::{Kind, Mapped};
use crate::locks::file::track::Track;
use crate::locks::finding::{Edge, Hold};
use crate::locks::spans::Instant;
use crate::nt::FileTime;

/// Operations between a refusal and a success that are looked through for a close.
const MAX_BETWEEN: usize = 65_536;

/// Handles of one process that stand in the way together.
pub(crate) struct Together {
    /// The one that is told first.
    pub(crate) first: Hold,
    pub(crate) more: Vec<Hold>,
    /// What ended the last of them.
    pub(crate) end: Option<(u32, Instant)>,
}

impl Engine<'_> {
    /// A handle as it is told.
    pub(crate) fn public_hold(&self, failing: Failing<'_>, track: &Track, hold: &HoldRec) -> Hold {
        let began = self.log.span.map(|span| span.0);
        let process = self.log.processes.get(hold.process.0 as usize);
        let younger = began.is_some_and(|began| process.and_then(|one| one.started).is_some_and(|at| at > began));
        let newborn = younger || self.names.born(hold.link).is_some_and(|born| born <= failing.at.end);
        Hold {
            start: match hold.opened {
                Some((at, _)) => self.edge(at),
                None if newborn => Edge::Unseen,
                None => Edge::BeforeCapture,
            },
            end: match hold.ended {
                _ if hold.ended_unseen() => Edge::Unseen,
                Ended::Open if hold.handed.is_some() && self.name_gone(hold.link, failing.at).is_some() => Edge::Unseen,
                // DP-3: the name that it kept went.
                Ended::Open
                    if track.marks.standing(hold.link, failing.at).is_some()
                        && self.unkept(track, hold.link, failing.at).is_some() =>
                {
                    Edge::Unseen
                }
                Ended::Open => Edge::AfterCapture,
                // The close was under way when the operation failed: it held until the close was done.
                Ended::Close(at, close) if close.start < failing.at.end && failing.at.start < close.end => {
                    self.op(at).map_or(Edge::Unseen, |op| Edge::At(op.event, close.end))
                }
                Ended::Close(at, _) | Ended::Exit(Some(at), _) => self.edge(at),
                Ended::Exit(None, _) => Edge::Unseen,
            },
            access: hold.access,
            share: hold.share,
            path: (!self.names.same_path(hold.path, failing.op.path)).then_some(hold.path),
            range: None,
        }
    }

    /// What ended a handle, if the capture shows it.
    pub(crate) fn end_of(&self, hold: &HoldRec) -> Option<(u32, Instant)> {
        match hold.ended {
            Ended::Close(op, at) => Some((op, at)),
            Ended::Exit(Some(op), time) => Some((op, Instant::point(time))),
            _ => None,
        }
    }

    /// A handle and others of its process as they are told.
    pub(crate) fn together(
        &self,
        failing: Failing<'_>,
        track: &Track,
        hold: &HoldRec,
        others: &[&HoldRec],
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> Together {
        let mut end = match hold.handed {
            Some(handed) if hold.ended == Ended::Open => {
                // AT-10: what stood after it was not ended by it.
                let later = Failing { at: failing.burst.last, ..failing };
                let stayed = handed.before(later.at) && self.outlasts_copies(later, track, hold, fit);
                if stayed { None } else { track.close_at(handed) }
            }
            _ => self.end_of(hold),
        };
        // All of them must go, so the release is the last.
        for other in others {
            end = match (end, self.end_of(other)) {
                (Some(a), Some(b)) => Some(if b.1.start > a.1.start { b } else { a }),
                _ => None,
            };
        }
        // Of several alike the one that lasts longest is told first: until its end the file was in use.
        let mut first = self.public_hold(failing, track, hold);
        let mut more: Vec<Hold> = others.iter().map(|other| self.public_hold(failing, track, other)).collect();
        let until = |hold: &Hold| match hold.end {
            Edge::At(_, time) => time,
            Edge::BeforeCapture => FileTime(0),
            Edge::AfterCapture | Edge::Unseen => FileTime(u64::MAX),
        };
        if let Some(longest) = more.iter_mut().max_by_key(|hold| until(hold))
            && until(longest) > until(&first)
            && (longest.access, longest.share) == (first.access, first.share)
        {
            std::mem::swap(longest, &mut first);
        }
        // A close that may have been another handle's is no release.
        let sorts = track.groups.get(hold.group as usize).map_or(0, |group| group.sorts.len());
        if sorts != 1
            && let Some((_, close)) = end
        {
            let after = Instant { start: close.end, end: FileTime(close.end.0.saturating_add(1)) };
            if self.may_hold(track, Some(hold.group), after, fit) {
                end = None;
            }
        }
        Together { first, more, end }
    }

    /// A section as it is told.
    pub(crate) fn section_hold(&self, failing: Failing<'_>, section: &Mapped) -> Hold {
        let path = section.made.and_then(|at| self.op(at)).map(|op| op.path);
        Hold {
            start: section.made.map_or(Edge::BeforeCapture, |at| self.edge(at)),
            end: match section.exit.and_then(|(op, _)| op) {
                // AT-7: at its exit at the latest.
                Some(exit) => self.edge(exit),
                None if section.kind == Kind::Program && section.exit.is_none() && section.gone.is_none() => {
                    Edge::AfterCapture
                }
                None => Edge::Unseen,
            },
            access: None,
            share: None,
            path: path.filter(|path| !self.names.same_path(*path, failing.op.path)),
            range: None,
        }
    }

    /// A lock as it is told, and what ended it.
    pub(crate) fn lock_hold(&self, failing: Failing<'_>, lock: &LockRec) -> (Hold, Option<(u32, Instant)>) {
        let exit = self.exits.get(lock.process.0 as usize).copied().flatten();
        let end = lock.released.or(exit.and_then(|(op, time)| Some((op?, Instant::point(time)))));
        let end = end.filter(|_| lock.gone().is_none());
        let path = self.op(lock.op).map(|op| op.path);
        let hold = Hold {
            start: self.edge(lock.op),
            end: match end {
                Some((op, _)) => self.edge(op),
                None if lock.gone().is_some() => Edge::Unseen,
                None => Edge::AfterCapture,
            },
            access: None,
            share: None,
            path: path.filter(|path| !self.names.same_path(*path, failing.op.path)),
            range: Some(lock.range),
        };
        (hold, end)
    }

    /// AT-3: the last close by a process of a handle on a path between a refusal and the success that shows a hold of it gone.
    /// Which of its handles that ended the success itself tells.
    pub(crate) fn closed_between(
        &self,
        process: ProcessId,
        path: PathId,
        refusal: Instant,
        success: Instant,
    ) -> Option<(u32, Instant)> {
        let from = self.log.ops.partition_point(|op| op.start < refusal.end);
        let to = self.log.ops.partition_point(|op| op.start <= success.end);
        let key = self.names.key(path);
        self.work.spend(to.saturating_sub(from).min(MAX_BETWEEN));
        (0u32..)
            .zip(&self.log.ops)
            .take(to)
            .skip(from)
            .take(MAX_BETWEEN)
            .filter_map(|(at, op)| {
                let closes = matches!(op.kind, OpKind::Cleanup) && op.process == process && op.driver.is_none();
                (closes && self.names.key(op.path) == key && Instant::of(op).end <= success.end)
                    .then(|| (at, Instant::of(op)))
            })
            .last()
    }

    /// An operation as a hold from its begin to its completion.
    pub(crate) fn extent(&self, at: u32, op: &Op) -> Hold {
        let end = Edge::At(op.event, Instant::of(op).end);
        Hold { start: self.edge(at), end, access: None, share: None, path: None, range: None }
    }
}
