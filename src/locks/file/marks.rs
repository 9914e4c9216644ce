//! Marks of deletion on the links of one file: by whom, how, and until when (DP-1 to DP-9).

use super::hold::{Ended, Fit, HoldRec};
use crate::capture::op::{Op, OpLog, ProcessId};
use crate::locks::finding::DeleteHow;
use crate::locks::identity::{Place, UNNAMED};
use crate::locks::spans::Instant;
use crate::nt::CreateOptions;
use crate::nt::sharing::AccessClasses;
use rustc_hash::FxHashMap;

/// One marking of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// When it took effect.
    pub(crate) set: Instant,
    pub(crate) process: ProcessId,
    /// The disposition, or the close of the delete-on-close handle (operation index).
    pub(crate) op: u32,
    pub(crate) how: DeleteHow,
    /// Not a delete-on-close handle that may have been left open instead of another (AT-3).
    pub(crate) certain: bool,
    /// When it was undone, or shown to be over by a successful open of the name.
    pub(crate) ended: Option<Instant>,
}

/// The marks of one file, by link.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    by_link: FxHashMap<u32, Vec<Mark>>,
}

impl Marks {
    /// A disposition succeeded. Of two marks in force the first stands, unless the second has POSIX semantics.
    pub(crate) fn disposition(&mut self, place: Place, op: &Op, at: u32, now: Instant, delete: bool, posix: bool) {
        if place.stream != UNNAMED {
            return;
        }
        if !delete {
            self.end(place.link, now); // DP-5
            return;
        }
        let how = if posix { DeleteHow::PosixDisposition } else { DeleteHow::Disposition };
        let mark = Mark { set: now, process: op.process, op: at, how, certain: true, ended: None };
        self.add(place.link, mark);
    }

    fn add(&mut self, link: u32, mark: Mark) {
        let marks = self.by_link.entry(link).or_default();
        if let Some(last) = marks.last_mut()
            && last.ended.is_none()
        {
            if mark.how != DeleteHow::PosixDisposition || last.how == DeleteHow::PosixDisposition {
                return;
            }
            last.ended = Some(mark.set);
        }
        marks.push(mark);
    }

    fn end(&mut self, link: u32, now: Instant) {
        if let Some(last) = self.by_link.get_mut(&link).and_then(|marks| marks.last_mut()) {
            last.ended.get_or_insert(now);
        }
    }

    /// DP-2: an open of the name succeeded, so no mark was in force.
    pub(crate) fn opened(&mut self, link: u32, now: Instant) {
        if self
            .by_link
            .get(&link)
            .and_then(|marks| marks.last())
            .is_some_and(|last| last.ended.is_none() && last.set.before(now))
        {
            self.end(link, now);
        }
    }

    /// DP-4: the end of a delete-on-close handle marks the link.
    pub(crate) fn hold_ended(&mut self, holds: &[HoldRec], hold: u32, at: Instant, close: Option<u32>, log: &OpLog) {
        let Some(rec) = holds.get(hold as usize) else { return };
        if rec.stream != UNNAMED || !rec.options.contains(CreateOptions::DELETE_ON_CLOSE) {
            return;
        }
        let op = close
            .or(match rec.ended {
                Ended::Exit(op, _) => op,
                _ => None,
            })
            .or(rec.opened.map(|(op, _)| op));
        if let Some(op) = op
            && let Some(process) = log.ops.get(op as usize).map(|op| op.process)
        {
            self.add(
                rec.link,
                Mark { set: at, process, op, how: DeleteHow::DeleteOnClose, certain: !rec.accompanied, ended: None },
            );
        }
    }

    /// The mark in force on a link at `at`.
    pub(crate) fn standing(&self, link: u32, at: Instant) -> Option<&Mark> {
        let marks = self.by_link.get(&link)?;
        let after = marks.partition_point(|mark| mark.set.start < at.end || mark.set.end <= at.start);
        marks.get(..after)?.iter().rev().take(4).find(|mark| mark.stands(at))
    }

    /// The last mark set before `at`, in force or not.
    pub(crate) fn last(&self, link: u32, at: Instant) -> Option<&Mark> {
        let marks = self.by_link.get(&link)?;
        let after = marks.partition_point(|mark| mark.set.start < at.end || mark.set.end <= at.start);
        marks.get(..after)?.last()
    }
}

impl Mark {
    /// Whether this mark on `link` may have been made through a hold.
    pub(crate) fn made_through(&self, link: u32, hold: &HoldRec) -> Fit {
        if hold.link != link || hold.process != self.process || hold.stream != UNNAMED {
            return Fit::No;
        }
        match hold.grant {
            Some(grant) if grant.classes.contains(AccessClasses::DELETE) => Fit::Yes,
            Some(grant) if !grant.possible.contains(AccessClasses::DELETE) => Fit::No,
            _ => Fit::Maybe,
        }
    }

    /// Whether the file is pending by this mark within `at`.
    fn stands(&self, at: Instant) -> bool {
        (self.set.before(at) || self.set.start < at.end) && self.ended.is_none_or(|ended| ended.end > at.start)
    }
}
