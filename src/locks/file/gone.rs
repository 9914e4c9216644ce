//! A name that was marked for deletion and went shows which handles were closed by then (DP-3, AT-11).

use super::hold::{Ended, EvKind, HoldRec};
use super::track::Track;
use crate::capture::op::OpLog;
use crate::locks::finding::DeleteHow;
use crate::locks::spans::Instant;

/// Holds looked at, and opens of one pool.
const MAX_HOLDS: usize = 65_536;
const MAX_POOL: usize = 256;

impl Track {
    /// Pairs closes anew where a process also had another file of the name open. A marked name goes with the last handle on it,
    /// so a close that comes later is the other file's, and the last one before may be its own. `gone` tells when a name went.
    pub(crate) fn end_with_names(&mut self, log: &OpLog, gone: &dyn Fn(u32) -> Option<Instant>) {
        if !self.holds.iter().any(|hold| hold.foreign) {
            return;
        }
        let mut unpaired = false;
        for index in 0..self.holds.len().min(MAX_HOLDS) {
            let Some((opened, went)) = self.holds.get(index).and_then(|hold| self.outlives(hold, gone)) else {
                continue;
            };
            let others = self.others_of_name(index);
            let ended = |other: usize| self.holds.get(other).map(|hold| hold.ended);
            let earlier = others.iter().filter_map(|other| match ended(*other)? {
                Ended::Close(_, at) if at.start >= opened.end && at.end <= went.start => Some((*other, Some(at.end))),
                _ => None,
            });
            let left = || others.iter().find(|other| ended(**other) == Some(Ended::Open)).map(|other| (*other, None));
            let Some((other, dead_by)) = earlier.max_by_key(|(_, end)| *end).or_else(left) else { continue };
            let Some(theirs) = ended(other) else { continue };
            let Some(hold) = self.holds.get_mut(index) else { continue };
            let own = std::mem::replace(&mut hold.ended, theirs);
            hold.dead_by = dead_by;
            hold.paired_by_thread = false;
            unpaired |= dead_by.is_none();
            if let Some(other) = self.holds.get_mut(other) {
                other.ended = own;
            }
        }
        if unpaired {
            self.hand_over(log); // AT-6: the handle went otherwise than by a close of its process
        }
    }

    /// When a hold was opened, and when its marked name went, if it is paired with a later end than that.
    fn outlives(&self, hold: &HoldRec, gone: &dyn Fn(u32) -> Option<Instant>) -> Option<(Instant, Instant)> {
        let (_, opened) = hold.opened.filter(|_| !hold.foreign && hold.dead_by.is_none())?;
        let went = gone(hold.link).filter(|went| opened.before(*went))?;
        self.marks.last(hold.link, went).filter(|mark| mark.how != DeleteHow::PosixDisposition)?;
        matches!(hold.ended, Ended::Close(_, close) if close.start >= went.end).then_some((opened, went))
    }

    /// The holds of the same pool on other files of the name.
    fn others_of_name(&self, index: usize) -> Vec<usize> {
        let group = self.holds.get(index).and_then(|hold| self.groups.get(hold.group as usize));
        let events = group.map_or(&[][..], |group| &group.events);
        let opens = events.iter().filter_map(|ev| match ev.kind {
            EvKind::Open(other) => Some(other as usize),
            _ => None,
        });
        opens.filter(|other| self.holds.get(*other).is_some_and(|hold| hold.foreign)).take(MAX_POOL).collect()
    }
}
