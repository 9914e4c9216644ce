//! Marks of deletion on the links of one file: by whom, how, and until when (DP-1 to DP-9).

use super::hold::{Ended, Fit, HoldRec};
use crate::capture::op::{Op, OpLog, ProcessId};
use crate::locks::finding::DeleteHow;
use crate::locks::identity::{NONE, Place, UNNAMED};
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
    /// The stream that it marks alone, or the unnamed one: the link with all streams.
    pub(crate) stream: u32,
    /// The disposition, or the close of the delete-on-close handle (operation index).
    pub(crate) op: u32,
    pub(crate) how: DeleteHow,
    /// Not a delete-on-close handle that may have been left open instead of another (AT-3).
    pub(crate) certain: bool,
    /// When it was undone, or shown to be over by a successful open of the name.
    pub(crate) ended: Option<Instant>,
}

/// The marks of one file, by link, and of its named streams.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    by_name: FxHashMap<Place, Vec<Mark>>,
}

/// What a mark is on: a named stream belongs to the file, whatever the link.
fn name(link: u32, stream: u32) -> Place {
    Place { link: if stream == UNNAMED { link } else { NONE }, stream }
}

impl Marks {
    /// A disposition succeeded. Of two marks in force the first stands, unless the second has POSIX semantics.
    pub(crate) fn disposition(&mut self, place: Place, op: &Op, at: u32, now: Instant, delete: bool, posix: bool) {
        if !delete {
            self.end(name(place.link, place.stream), now); // DP-5
            return;
        }
        let how = if posix { DeleteHow::PosixDisposition } else { DeleteHow::Disposition };
        let stream = place.stream;
        let mark = Mark { set: now, process: op.process, stream, op: at, how, certain: true, ended: None };
        self.add(place.link, mark);
    }

    fn add(&mut self, link: u32, mark: Mark) {
        let marks = self.by_name.entry(name(link, mark.stream)).or_default();
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

    fn end(&mut self, name: Place, now: Instant) {
        if let Some(last) = self.by_name.get_mut(&name).and_then(|marks| marks.last_mut()) {
            last.ended.get_or_insert(now);
        }
    }

    /// DP-2, DP-9: an open of the name succeeded, so no mark was in force, neither on the file nor on that stream.
    pub(crate) fn opened(&mut self, place: Place, now: Instant) {
        for name in [name(place.link, UNNAMED), name(place.link, place.stream)] {
            let last = self.by_name.get(&name).and_then(|marks| marks.last());
            if last.is_some_and(|last| last.ended.is_none() && last.set.before(now)) {
                self.end(name, now);
            }
        }
    }

    /// DP-4: the end of a delete-on-close handle marks the link, but for a folder that is not empty, as `occupied` at an operation tells.
    pub(crate) fn hold_ended(
        &mut self,
        (holds, hold): (&[HoldRec], u32),
        at: Instant,
        close: Option<u32>,
        log: &OpLog,
        occupied: &dyn Fn(u32) -> bool,
    ) {
        let Some(rec) = holds.get(hold as usize) else { return };
        if !rec.options.contains(CreateOptions::DELETE_ON_CLOSE) {
            return;
        }
        let ending = close.or(match rec.ended {
            Ended::Exit(op, _) => op,
            _ => None,
        });
        if rec.stream == UNNAMED && ending.is_some_and(occupied) {
            return;
        }
        let op = ending.or(rec.opened.map(|(op, _)| op));
        if let Some(op) = op
            && let Some(process) = log.ops.get(op as usize).map(|op| op.process)
        {
            self.add(
                rec.link,
                Mark {
                    set: at,
                    process,
                    stream: rec.stream,
                    op,
                    how: DeleteHow::DeleteOnClose,
                    certain: !rec.accompanied,
                    ended: None,
                },
            );
        }
    }

    /// The mark in force on a link at `at`.
    pub(crate) fn standing(&self, link: u32, at: Instant) -> Option<&Mark> {
        self.standing_on(link, UNNAMED, at)
    }

    /// The mark in force on a named stream alone.
    pub(crate) fn standing_on(&self, link: u32, stream: u32, at: Instant) -> Option<&Mark> {
        let marks = self.by_name.get(&name(link, stream))?;
        let after = marks.partition_point(|mark| mark.set.start < at.end || mark.set.end <= at.start);
        marks.get(..after)?.iter().rev().take(4).find(|mark| mark.stands(at))
    }

    /// The last mark set on a link before `at`, in force or not.
    pub(crate) fn last(&self, link: u32, at: Instant) -> Option<&Mark> {
        let marks = self.by_name.get(&name(link, UNNAMED))?;
        let after = marks.partition_point(|mark| mark.set.start < at.end || mark.set.end <= at.start);
        marks.get(..after)?.last()
    }
}

impl Mark {
    /// Whether this mark on `link` may have been made through a hold.
    pub(crate) fn made_through(&self, link: u32, hold: &HoldRec) -> Fit {
        if hold.process == self.process { self.needs(link, hold) } else { Fit::No }
    }

    /// Whether a hold is of the sort through which this mark on `link` may have been made, whoever made it.
    pub(crate) fn needs(&self, link: u32, hold: &HoldRec) -> Fit {
        if hold.stream != self.stream || (hold.link != link && hold.stream == UNNAMED) {
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
