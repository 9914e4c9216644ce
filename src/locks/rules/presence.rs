//! Which names are in a folder at a moment, and when a name went (DP-6).

use crate::capture::op::{Op, OpKind};
use crate::locks::engine::Engine;
use crate::locks::file::marks::Mark;
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, DeleteHow};
use crate::locks::identity::opens;
use crate::locks::spans::Instant;
use crate::nt::{CreateOptions, DispositionFlags};
use rustc_hash::FxHashSet;

/// Children that are looked at for whether a folder was empty.
const FEW: usize = 256;

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

    /// The same without those that may be the 8.3 name of another one among them (VI-9).
    pub(crate) fn entries_once(&self, dir: u32, tick: u32) -> Vec<u32> {
        let mut entries = self.entries(dir, tick);
        if self.names.has_spellings() {
            let known: FxHashSet<u32> = entries.iter().copied().collect();
            let long = |link: &u32| self.names.long_names(*link).any(|long| long != *link && known.contains(&long));
            entries.retain(|link| !long(link));
        }
        entries
    }

    /// DP-4: whether something surely was in a folder when an operation completed: what the capture shows open by its name before,
    /// was nobody's to delete until then.
    pub(crate) fn is_occupied(&self, dir: u32, at: u32) -> bool {
        let (tick, Some(op)) = (self.tick(at), self.op(at)) else { return false };
        let began = self.log.span.map_or_else(Default::default, |span| span.0);
        let complete = !self.log.coverage.unnumbered && !self.log.coverage.has_gaps(began, op.start);
        complete
            && self.entries_once(dir, tick).into_iter().take(FEW).any(|child| {
                let ops = self.ops_of(self.names.file(child));
                let past = ops.partition_point(|at| self.tick(*at) < tick);
                self.work.spend(past / 8);
                let mut seen = false;
                let own = ops.get(..past).unwrap_or(&[]).iter().filter(|at| self.names.place(**at).link == child);
                let deleted = own.filter_map(|at| self.op(*at)).any(|op| {
                    seen |= matches!(op.kind, OpKind::Create(_)) && opens(op);
                    may_delete(op)
                });
                seen && !deleted
            })
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

/// Whether an operation may have begun the end of the name it was on.
fn may_delete(op: &Op) -> bool {
    let asks = match op.kind {
        OpKind::Create(create) => create.options.contains(CreateOptions::DELETE_ON_CLOSE),
        OpKind::SetDisposition { delete, .. } => delete,
        OpKind::SetDispositionEx { flags, .. } => flags.contains(DispositionFlags::DELETE),
        _ => false,
    };
    asks && opens(op)
}
