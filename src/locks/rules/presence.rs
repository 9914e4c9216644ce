//! Which names are in a folder at a moment, and when a name went (DP-6).

use crate::locks::engine::Engine;
use crate::locks::file::marks::Mark;
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, DeleteHow};
use crate::locks::spans::Instant;

impl Engine<'_> {
    /// The names in a directory at a tick.
    pub(crate) fn entries(&self, dir: u32, tick: u32) -> Vec<u32> {
        let mut walked = 0;
        let entries = self
            .names
            .children(dir)
            .inspect(|_| walked += 1)
            .take(65_536)
            .filter(|stay| stay.from <= tick && tick < stay.to)
            .map(|stay| stay.link)
            .collect();
        self.work.spend(walked + 1);
        entries
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
        let gone = self.name_gone(link, at).filter(|gone| !track.marks.last(link, *gone).is_some_and(posix))?;
        // DP-5: of a mark that was taken back, or shown to be over, the name did not go.
        let undone = |mark: &Mark| mark.ended.is_some_and(|ended| ended.start < gone.start);
        (!track.marks.standing(link, at).is_some_and(undone)).then_some(gone)
    }

    /// When the link was first shown to be gone, if that was after `at` began: the name was missing, or another file
    /// had it.
    pub(crate) fn name_gone(&self, link: u32, at: Instant) -> Option<Instant> {
        let tick = self.names.died(link)?;
        let gone = Instant::of(self.op(*self.order.get(tick as usize)?)?);
        (gone.start >= at.start).then_some(gone)
    }
}
