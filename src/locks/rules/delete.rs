//! DELETE PENDING: the mark on the name or on a folder above it, and the opens that keep the name (DP-1 to DP-9).

use super::suspect::{Blockers, Rule};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Fit, HoldRec};
use crate::locks::file::marks::Mark;
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, DeleteHow, Mechanism};
use crate::locks::identity::{NONE, UNNAMED};
use crate::nt::{CreateOptions, FileTime};

impl Engine<'_> {
    /// DELETE PENDING: the mark on the link or on a directory above it, and every open that keeps it alive.
    pub(crate) fn pending(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        as_child: Option<&'static str>,
        found: &mut Blockers,
    ) {
        let at = failing.at;
        let track = self.track(self.names.file(link));
        let mark = track.marks.standing(link, at).copied();
        let above = if as_child.is_none() { self.marked_above(failing, link) } else { None };
        // DR-1: the folder was empty when it was marked, so a name marked before it has gone.
        let mark = mark.filter(|mark| above.is_none_or(|(folder, _)| !mark.set.before(folder.set)));
        let mark = mark.or_else(|| self.marked_stream(failing, &track, link).filter(|_| as_child.is_none()));
        if mark.is_none() && as_child.is_none() {
            if let Some((mark, above)) = above {
                found.mark = Some((mark, above));
                self.keepers(failing, above, Some(mark), Mechanism::ParentDeletePending, "DP-7", found);
                return;
            }
            if let Some(folder) = self.unseen_above(link) {
                self.keepers(failing, folder, None, Mechanism::ParentDeletePending, "DP-7", found);
                // The name may be there and wait itself, unless the folder was made in the capture.
                let whole = !self.log.coverage.unnumbered && !self.log.coverage.has_gaps(FileTime(0), at.start);
                if !whole || self.names.born(folder).is_none() {
                    for suspect in &mut found.suspects {
                        suspect.holder.confidence = suspect.holder.confidence.min(Confidence::Possible);
                    }
                }
                return;
            }
        }
        if link == NONE {
            return;
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

    /// DP-7: the mark in force on the nearest marked folder above a name, or above one that is to be made, and that folder's link.
    fn marked_above(&mut self, failing: Failing<'_>, link: u32) -> Option<(Mark, u32)> {
        let mut above = match self.names.target(failing.index) {
            Some(target) if link == NONE => self.names.link_of(target.dir),
            _ => self.names.parent_link(link),
        };
        for _ in 0..64 {
            if above == NONE {
                break;
            }
            if self.names.ever_marked(above) {
                let dir = self.track(self.names.file(above));
                if let Some(mark) = dir.marks.standing(above, failing.at) {
                    return Some((*mark, above));
                }
            }
            above = self.names.parent_link(above);
        }
        None
    }

    /// DP-7: the folder of a name that nothing shows to be there, where only the mark of the folder can be unseen.
    pub(crate) fn unseen_above(&self, link: u32) -> Option<u32> {
        let folder = self.names.parent_link(link);
        (folder != NONE && !self.names.is_seen(link)).then_some(folder)
    }

    /// The mark on the named stream alone that an open met, when the file itself is not marked (SA-6).
    pub(crate) fn marked_stream(&self, failing: Failing<'_>, track: &Track, link: u32) -> Option<Mark> {
        let stream = self.stream_of(failing, link);
        let of_file = stream == UNNAMED || track.marks.standing(link, failing.at).is_some();
        if of_file { None } else { track.marks.standing_on(link, stream, failing.at).copied() }
    }

    /// DP-3, DP-6, DP-9: the opens that keep a marked link, or a marked stream.
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
            // SA-7: made through a handle that another had opened: whoever closes it last ends the name.
            let track = self.track(self.names.file(link));
            let able = |hold: &HoldRec| mark.needs(link, hold) == Fit::Yes;
            if let Some(lent) = self.lent_to(&track, mark.process, mark.set, &able) {
                let fit = |hold: &HoldRec| if able(hold) && lent.may_be(hold) { Fit::Maybe } else { Fit::No };
                self.by_handle(failing, link, &Rule { fit: &fit, ceiling: ceiling.min(lent.grade), ..by }, found);
            }
            return;
        }
        // An open that was still there when the name had gone was not what kept it.
        let track = self.track(self.names.file(link));
        let stream = mark.map_or(UNNAMED, |mark| mark.stream);
        if stream != UNNAMED {
            let fit = |hold: &HoldRec| if hold.stream == stream { Fit::Yes } else { Fit::No };
            self.by_handle(failing, link, &Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling }, found);
            return;
        }
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
            let ceiling = Confidence::Possible; // AT-3: whether it is this file is not shown
            for other in self.names.may_be(link).collect::<Vec<_>>() {
                let fit = |hold: &HoldRec| if hold.link == other { Fit::Yes } else { Fit::No };
                self.by_handle(failing, other, &Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling }, found);
            }
        }
        for double in self.doubles(failing, link, false) {
            let fit = |hold: &HoldRec| match hold.link == double.link && !gone.is_some_and(|gone| hold.outlasts(gone)) {
                true => Fit::Yes,
                false => Fit::No,
            };
            self.by_double(failing, double, &Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling }, found);
        }
    }
}
