//! What a source does not show lowers a grade: who issued an open that has no call stack (VI-3), and what came first
//! where no durations are recorded.

use crate::capture::op::{EventIndex, Op, OpKind, OpLog, ProcessInfo, StackSays};
use crate::locks::{Analysis, Confidence, Edge, Finding, Holder, Party, Reason};
use crate::nt::{FileTime, Ticks};

/// Without durations two events less than this apart may have overlapped, as far as the rows tell: 250 ms.
const MARGIN: Ticks = Ticks(2_500_000);

/// Nobody is cleared for a close or an open less than this away from the refusal: 10 ms, longer than nearly all take.
const CLEAR_MARGIN: Ticks = Ticks(100_000);

/// Operations looked at on either side of a refusal.
const MAX_NEAR: usize = 4096;

/// What is known beside the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The source tells when operations ended.
    pub(super) durations: bool,
    /// A filter may be loaded that issues operations of its own.
    pub(super) filters: bool,
}

/// Lowers what the source cannot bear out. Returns the parties whose part in an open only a call stack could show.
pub(super) fn weaken(analysis: &mut Analysis, log: &OpLog, known: Known) -> Vec<Party> {
    let mut unshown: Vec<Party> = Vec::new();
    for finding in &mut analysis.findings {
        let mut holders = std::mem::take(&mut finding.holders);
        for holder in &mut holders {
            let author = is_author_shown(log, finding, holder, known);
            if !author && !unshown.contains(&holder.party) {
                unshown.push(holder.party);
            }
            let shown = author && is_named(log, holder) && is_order_shown(log, finding, holder, known);
            if holder.confidence > Confidence::Likely && !shown {
                holder.confidence = Confidence::Likely;
                holder.handle_ambiguous = false;
            }
        }
        finding.holders = holders;
        if !known.durations {
            let near = near(log, finding);
            finding.ruled_out.retain(|cleared| {
                // A close may have been under way still, an open so soon after may have met the end of the refusal.
                !near.iter().any(|op| {
                    op.process == cleared.process
                        && match cleared.reason {
                            Reason::ClosedBefore => matches!(op.kind, OpKind::Cleanup) && op.start <= finding.time,
                            Reason::OpenedAfter => matches!(op.kind, OpKind::Create(_)) && op.start >= finding.time,
                            _ => false,
                        }
                })
            });
        }
    }
    unshown
}

/// Whether the process can be named, by its image or its PID; of a rescued capture both may be lost.
fn is_named(log: &OpLog, holder: &Holder) -> bool {
    let Party::Process(process) = holder.party else { return true };
    log.processes.get(process.0 as usize).is_some_and(ProcessInfo::is_known)
}

/// VI-3: whether it is the process itself that made the hold, and no filter or remote client in its name. The stack of the
/// open tells; without one, System and the victim are the names that others act in.
fn is_author_shown(log: &OpLog, finding: &Finding, holder: &Holder, known: Known) -> bool {
    let Party::Process(process) = holder.party else { return true };
    let Edge::At(event, _) = holder.hold.start else { return true };
    let Some(op) = find(log, event) else { return true };
    if !matches!(op.kind, OpKind::Create(_) | OpKind::CreateSection { .. } | OpKind::Lock { .. }) {
        return true;
    }
    let system = log.processes.get(process.0 as usize).is_some_and(ProcessInfo::is_system);
    match op.stack {
        StackSays::Caller | StackSays::Server | StackSays::Passing(_) => true,
        StackSays::Unclear(_) => false,
        StackSays::Nothing => {
            let victim = holder.victim || process == finding.process;
            !(system || victim && known.filters)
        }
    }
}

/// Whether the hold surely began before the refusal and outlasted it. An operation without a duration may have taken up
/// to [`MARGIN`]; that it was over sooner is shown by what its process did next.
fn is_order_shown(log: &OpLog, finding: &Finding, holder: &Holder, known: Known) -> bool {
    if known.durations {
        return true;
    }
    if let Edge::At(event, time) = holder.hold.start
        && is_close(time, finding.time, MARGIN)
        && let Some(begun) = find(log, event)
        && is_file(begun)
    {
        // A use of the handle shows that the open had succeeded.
        let used = between(log, event, finding.event).any(|op| {
            op.process == begun.process && op.path == begun.path && is_file(op) && !matches!(op.kind, OpKind::Create(_))
        });
        if !used {
            return false;
        }
    }
    if let Edge::At(event, time) = holder.hold.end
        && is_close(finding.time, time, MARGIN)
    {
        // The same thread's next operation, or the same process's next try, shows that the refusal was over.
        let over = between(log, finding.event, event).any(|op| {
            op.process == finding.process
                && (op.path == finding.path || op.thread.is_some() && op.thread == finding.thread)
        });
        return over;
    }
    true
}

fn is_close(earlier: FileTime, later: FileTime, margin: Ticks) -> bool {
    later.since(earlier) < margin
}

/// Loads of images, starts and ends of processes take no time.
const fn is_file(op: &Op) -> bool {
    !matches!(
        op.kind,
        OpKind::LoadImage | OpKind::ProcessCreate { .. } | OpKind::ProcessStart { .. } | OpKind::ProcessExit
    )
}

fn find(log: &OpLog, event: EventIndex) -> Option<&Op> {
    let at = log.ops.partition_point(|op| op.event < event);
    log.ops.get(at).filter(|op| op.event == event)
}

/// The operations between two events, both left out.
fn between(log: &OpLog, from: EventIndex, to: EventIndex) -> impl Iterator<Item = &Op> {
    let first = log.ops.partition_point(|op| op.event <= from);
    let last = log.ops.partition_point(|op| op.event < to);
    log.ops.get(first..last).unwrap_or(&[]).iter().take(MAX_NEAR)
}

/// The opens and closes within [`CLEAR_MARGIN`] of a refusal.
fn near<'a>(log: &'a OpLog, finding: &Finding) -> Vec<&'a Op> {
    let middle = log.ops.partition_point(|op| op.event < finding.event);
    let (before, after) = log.ops.split_at_checked(middle).unwrap_or((&[], &[]));
    let before = before.iter().rev().take(MAX_NEAR).take_while(|op| is_close(op.start, finding.time, CLEAR_MARGIN));
    let after = after.iter().take(MAX_NEAR).take_while(|op| is_close(finding.time, op.start, CLEAR_MARGIN));
    before.chain(after).filter(|op| matches!(op.kind, OpKind::Create(_) | OpKind::Cleanup)).collect()
}
