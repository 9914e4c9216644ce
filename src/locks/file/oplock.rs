//! Oplock requests and their acknowledgements on one file, and what breaks an oplock (OP-1 to OP-3).

use crate::capture::op::{Create, Op, ProcessId};
use crate::locks::spans::Instant;
use crate::nt::sharing::effective_access;
use crate::nt::{AccessMask, FileTime};

/// An oplock request or its acknowledgement by its owner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Oplock {
    pub(crate) process: ProcessId,
    pub(crate) stream: u32,
    /// Operation index.
    pub(crate) op: u32,
    /// The request is pending until the oplock breaks, so its end is the break.
    pub(crate) at: Instant,
    pub(crate) requests: bool,
    pub(crate) acknowledges: bool,
}

impl Oplock {
    /// Notes a control code that has to do with oplocks.
    pub(crate) fn note(list: &mut Vec<Self>, code: u32, op: &Op, (index, stream): (u32, u32), at: Instant) {
        // FSCTL_REQUEST_OPLOCK_LEVEL_1, _BATCH_OPLOCK, _FILTER_OPLOCK, FSCTL_REQUEST_OPLOCK. Nobody waits for the owner of one of
        // level 2, which ends without an answer.
        let requests = matches!(code, 0x90000 | 0x90008 | 0x9005C | 0x90240);
        // FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, FSCTL_OPBATCH_ACK_CLOSE_PENDING, _ACK_NO_2; 90240 carries both
        let acknowledges = matches!(code, 0x9000C | 0x90010 | 0x90050 | 0x90240);
        if (requests || acknowledges) && op.status.is_success() {
            list.push(Self { process: op.process, stream, op: index, at, requests, acknowledges });
        }
    }

    /// Whether the oplock was in force when `at` began. A request without an end was never broken.
    pub(crate) fn stood(&self, at: Instant, ended: Option<FileTime>) -> bool {
        self.requests && self.at.start < at.end && ended.is_none_or(|end| end >= at.start)
    }
}

/// OP-2: whether the break of an oplock was under way at `at`: its owner had not answered it. `broken`: when it began.
pub(crate) fn breaking(oplocks: &[Oplock], oplock: &Oplock, at: Instant, broken: Option<FileTime>) -> bool {
    let Some(broken) = broken.filter(|broken| oplock.requests && *broken <= at.start) else { return false };
    let answers = |other: &&Oplock| {
        let owners = (other.process, other.stream) == (oplock.process, oplock.stream);
        other.acknowledges && owners && other.op != oplock.op
    };
    !oplocks.iter().filter(answers).any(|answer| answer.at.start >= broken && answer.at.start < at.start)
}

/// OP-3: whether an open can break an oplock at all. One limited to attributes and SYNCHRONIZE breaks nothing.
pub(crate) fn breaks_oplocks(create: Create) -> bool {
    let harmless = AccessMask::READ_ATTRIBUTES | AccessMask::WRITE_ATTRIBUTES | AccessMask::SYNCHRONIZE;
    create.access.is_none_or(|access| {
        let effective = effective_access(access, create.disposition);
        effective & !harmless != AccessMask::NONE
    })
}
