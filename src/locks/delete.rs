//! Who marked a link for deletion, and until when it was pending (DP-1 to DP-9).

use super::attribute::{Blockers, Failing, Rule};
use super::engine::Engine;
use super::finding::{Confidence, DeleteHow, Mechanism};
use super::hold::{Fit, HoldRec};
use super::identity::{NONE, Place, UNNAMED};
use super::replay::Track;
use super::spans::Instant;
use crate::capture::op::{Op, OpLog, ProcessId};
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
                super::hold::Ended::Exit(op, _) => op,
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
    fn made_through(&self, link: u32, hold: &HoldRec) -> Fit {
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

impl Engine<'_> {
    /// DELETE PENDING: the mark on the link or on a directory above it, and every open that keeps it alive.
    pub(crate) fn pending(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        as_child: Option<&'static str>,
        found: &mut Blockers,
    ) {
        if link == NONE {
            return;
        }
        let at = failing.at;
        let track = self.track(self.names.file(link));
        let mark = track.marks.standing(link, at).copied();
        if mark.is_none() && as_child.is_none() {
            let mut above = self.names.parent_link(link);
            for _ in 0..64 {
                if above == NONE {
                    break;
                }
                if self.names.ever_marked(above) {
                    let dir = self.track(self.names.file(above));
                    if let Some(mark) = dir.marks.standing(above, at).copied() {
                        found.mark = Some((mark, above));
                        self.keepers(failing, above, Some(mark), Mechanism::ParentDeletePending, "DP-7", found);
                        return;
                    }
                }
                above = self.names.parent_link(above);
            }
        }
        if let Some(mark) = mark {
            found.mark.get_or_insert((mark, link));
        }
        match as_child {
            None => self.keepers(failing, link, mark, Mechanism::OpenHandle, "DP-3", found),
            Some(rule) => {
                if mark.is_some() {
                    self.keepers(failing, link, mark, Mechanism::ChildDeletePending, rule, found);
                }
            }
        }
    }

    /// DP-3, DP-6, DP-9: the opens that keep a marked link.
    pub(crate) fn keepers(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        mark: Option<Mark>,
        mechanism: Mechanism,
        rule: &'static str,
        found: &mut Blockers,
    ) {
        let none = |_: &HoldRec| None;
        let ceiling = if mark.is_some() { Confidence::Proven } else { Confidence::Likely };
        if let Some(mark) = mark
            && mark.how == DeleteHow::PosixDisposition
        {
            let fit = |hold: &HoldRec| mark.made_through(link, hold);
            let mechanism = if mechanism == Mechanism::OpenHandle { Mechanism::PosixMarker } else { mechanism };
            let rule = if rule == "DP-3" { "DP-6" } else { rule };
            // Once the marker has closed, the name is gone whoever else has the file open: nobody visible is behind it.
            let by = Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling };
            self.by_handle(failing, link, &by, found);
            return;
        }
        // An open that was still there when the name had gone was not what kept it.
        let track = self.track(self.names.file(link));
        let gone = self.unkept(&track, link, failing.at);
        let kept = |hold: &HoldRec| hold.link == link && !gone.is_some_and(|gone| hold.outlasts(gone));
        // An open by file id is an open of the file: which of its names it counts for is not shown.
        let by_id = |hold: &HoldRec| {
            hold.options.contains(CreateOptions::OPEN_BY_FILE_ID) && !gone.is_some_and(|gone| hold.outlasts(gone))
        };
        let fit = |hold: &HoldRec| match hold.link == link {
            true if kept(hold) => Fit::Yes,
            false if by_id(hold) => Fit::Maybe,
            _ => Fit::No,
        };
        let by = Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling };
        self.by_handle(failing, link, &by, found);
        if rule == "DP-3" && link == self.names.place(failing.index).link {
            let ceiling = Confidence::Possible; // AT-2: whether it is this file is not shown
            for alias in self.aliases.of(self.log, &self.names, failing.op.path, link) {
                let fit = |hold: &HoldRec| if hold.link == alias { Fit::Yes } else { Fit::No };
                self.by_handle(failing, alias, &Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling }, found);
            }
        }
    }

    /// DP-6: how surely a name is still there that was marked with POSIX semantics. It went with the marking handle, whoever
    /// else has the file open. `None`: it is gone.
    pub(crate) fn stays(&mut self, link: u32, at: Instant) -> Option<Confidence> {
        if !self.names.ever_marked(link) {
            return Some(Confidence::Proven);
        }
        let track = self.track(self.names.file(link));
        let mark = track.marks.standing(link, at).copied();
        let Some(mark) = mark.filter(|mark| mark.how == DeleteHow::PosixDisposition) else {
            return Some(Confidence::Proven);
        };
        let (groups, _) = track.weigh(at, self.options.limit, &self.work, &|hold| mark.made_through(link, hold));
        if groups.iter().any(|(_, weighed)| weighed.sure) {
            Some(Confidence::Proven)
        } else {
            groups.iter().any(|(_, weighed)| weighed.possible).then_some(Confidence::Likely)
        }
    }

    /// When the name went with the last open of it ([`Self::name_gone`]); by a POSIX mark it goes while others have the file open.
    pub(crate) fn unkept(&self, track: &Track, link: u32, at: Instant) -> Option<Instant> {
        let posix = |mark: &Mark| mark.how == DeleteHow::PosixDisposition;
        self.name_gone(link, at).filter(|gone| !track.marks.last(link, *gone).is_some_and(posix))
    }

    /// When the link was first shown to be gone, if that was after `at` began: the name was missing, or another file
    /// had it.
    pub(crate) fn name_gone(&self, link: u32, at: Instant) -> Option<Instant> {
        let tick = self.names.died(link)?;
        let gone = Instant::of(self.op(*self.order.get(tick as usize)?)?);
        (gone.start >= at.start).then_some(gone)
    }
}
