//! The handle that marked a name for deletion with POSIX semantics: the name is pending until it closes, and then goes (DP-6).

use super::suspect::Rule;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, Fit, HoldRec};
use crate::locks::finding::Mechanism;
use crate::locks::spans::Instant;
use crate::nt::NtStatus;

/// When a marking handle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkerEnd {
    /// By what the capture has as its end.
    Recorded,
    /// By this close, whatever its process closed later: the name went with it.
    Close(u32, Instant),
    /// Before the name went, by a close that is not in the capture.
    Unseen,
}

impl Engine<'_> {
    /// The end of a handle that `rule` accuses, as the end of the name shows it.
    pub(crate) fn marker_end(&self, failing: Failing<'_>, rule: &Rule<'_>, hold: &HoldRec) -> MarkerEnd {
        if rule.mechanism != Mechanism::PosixMarker || hold.handed.is_some() {
            return MarkerEnd::Recorded;
        }
        let gone = self.name_gone(hold.link, failing.at);
        let Some(gone) = gone.filter(|gone| hold.ended == Ended::Open || hold.outlasts(*gone)) else {
            return MarkerEnd::Recorded;
        };
        match self.closed_between(hold.process, hold.path, failing.at, gone) {
            Some((op, close)) => MarkerEnd::Close(op, close),
            None => MarkerEnd::Unseen,
        }
    }

    /// AT-3: whether the refusal itself shows that the marking handle stood, whichever of its process's handles a close before
    /// ended: without it the name would have gone.
    pub(crate) fn marker_stood(&self, failing: Failing<'_>, rule: &Rule<'_>, hold: &HoldRec) -> bool {
        rule.mechanism == Mechanism::PosixMarker
            && failing.op.status == NtStatus::DELETE_PENDING
            && (rule.fit)(hold) == Fit::Yes
            && hold.opened.is_some()
            && hold.driver.is_none()
            && hold.dead_by.is_none()
    }
}
