//! A refusal under examination, and how its retries went on.

use super::spans::Instant;
use crate::capture::op::Op;
use crate::nt::{FileTime, NtStatus};

/// How the retries of a failure went on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BurstEnd {
    pub(crate) number: usize,
    /// The first failure (operation index).
    pub(crate) first: u32,
    /// The last failure, and its extent.
    pub(crate) latest: u32,
    pub(crate) last: Instant,
    /// The success that ended it (operation index).
    pub(crate) success: Option<u32>,
}

/// The failing operation under examination.
#[derive(Clone, Copy)]
pub(crate) struct Failing<'o> {
    pub(crate) index: u32,
    pub(crate) op: &'o Op,
    /// The instant at which holds are asked for.
    pub(crate) at: Instant,
    pub(crate) burst: BurstEnd,
    pub(crate) nesting: u32,
    /// DR-2: the instant by which a hold must have begun, where that is not the one holds are asked for.
    pub(crate) begun_by: Option<Instant>,
}

impl Failing<'_> {
    /// Whether what began then may have been in the way (AT-4, DR-2).
    pub(crate) fn may_have_begun(&self, began: FileTime) -> bool {
        self.begun_by.is_none_or(|by| began < by.end)
    }

    /// Whether every open of what is pending keeps it, whatever its access (DP-3, DR-1): going on after one has let go shows
    /// nothing of that one.
    pub(crate) fn every_open_counts(&self) -> bool {
        matches!(self.op.status, NtStatus::DELETE_PENDING | NtStatus::DIRECTORY_NOT_EMPTY)
    }
}
