//! Opens that waited for an oplock owner to give way (OP-1, OP-2).

use super::spans::Instant;
use crate::capture::op::{Op, ProcessId};
use crate::nt::FileTime;

/// An oplock request or its acknowledgement by its owner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Oplock {
    pub(crate) process: ProcessId,
    /// Operation index.
    pub(crate) op: u32,
    /// The request is pending until the oplock breaks, so its end is the break.
    pub(crate) at: Instant,
    pub(crate) requests: bool,
    pub(crate) acknowledges: bool,
}

impl Oplock {
    /// Notes a control code that has to do with oplocks.
    pub(crate) fn note(list: &mut Vec<Self>, code: u32, op: &Op, index: u32, at: Instant) {
        // FSCTL_REQUEST_OPLOCK_LEVEL_1, _LEVEL_2, _BATCH_OPLOCK, _FILTER_OPLOCK, FSCTL_REQUEST_OPLOCK
        let requests = matches!(code, 0x90000 | 0x90004 | 0x90008 | 0x9005C | 0x90240);
        // FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, FSCTL_OPBATCH_ACK_CLOSE_PENDING, _ACK_NO_2; 90240 carries both
        let acknowledges = matches!(code, 0x9000C | 0x90010 | 0x90050 | 0x90240);
        if (requests || acknowledges) && op.status.is_success() {
            list.push(Self { process: op.process, op: index, at, requests, acknowledges });
        }
    }

    /// Whether the oplock was in force when `at` began. A request without an end was never broken.
    pub(crate) fn stood(&self, at: Instant, ended: Option<FileTime>) -> bool {
        self.requests && self.at.start < at.end && ended.is_none_or(|end| end >= at.start)
    }
}
