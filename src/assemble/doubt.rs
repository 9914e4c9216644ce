//! What a source does not show lowers a grade: who issued an open that has no call stack (VI-3), and what came first
//! where no durations are recorded.

use crate::blame::scope;
use crate::capture::op::{EventIndex, Op, OpKind, OpLog, PathId, ProcessId, ProcessInfo, StackSays};
use crate::locks::{
    Analysis, Attribution, Cause, Confidence, Edge, Finding, Holder, Mechanism, Party, Reason, RuledOut,
};
use crate::nt::{FileTime, Ticks};
use rustc_hash::FxHashSet;

/// Without durations nobody is cleared for a close or an open less than this away from the refusal: 10 ms, longer than
/// nearly all take.
const CLEAR_MARGIN: Ticks = Ticks(100_000);

/// The same where nobody visible explains the refusal, so that a close under way would: 2 s.
const WIDE_MARGIN: Ticks = Ticks(20_000_000);

/// Operations looked at on either side of a refusal.
const MAX_NEAR: usize = 4096;

/// Operations looked through for other opens of a process.
const MAX_OPENS: usize = 65_536;

/// Lowers what the source cannot bear out; `filters` are known or may be loaded that issue operations of their own.
/// Returns the parties whose part in an open only a call stack could show.
///
/// `lost` are records and rows that could not be read, in order.
pub(super) fn weaken(analysis: &mut Analysis, (log, lost): (&OpLog, &[EventIndex]), filters: bool) -> Vec<Party> {
    if log.coverage.unordered {
        conclude_nothing(analysis);
    }
    let mut unshown: Vec<Party> = Vec::new();
    let others = Others { log, filters, acted: acted(log) };
    for finding in &mut analysis.findings {
        let mut holders = std::mem::take(&mut finding.holders);
        for holder in &mut holders {
            let author = others.is_author_shown(finding, holder);
            if !author && !unshown.contains(&holder.party) {
                unshown.push(holder.party);
            }
            // Under the failing process's own name any filter may have acted: blaming it would be no better than a guess.
            let own = is_own(log, finding, holder);
            let shown = is_named(log, holder) && is_order_shown(log, finding, holder) && is_close_shown(log, holder);
            let most = match (author, shown) {
                (false, _) if own => Confidence::Possible,
                _ if is_broken(lost, finding, holder) || is_garbled(log, finding) => Confidence::Possible,
                (false, _) | (_, false) => Confidence::Likely,
                (true, true) => Confidence::Proven,
            };
            if holder.confidence > most {
                holder.confidence = most;
                holder.handle_ambiguous = false;
            }
        }
        finding.holders = holders;
        let near = near(log, finding);
        if is_garbled(log, finding) {
            finding.ruled_out.clear();
        }
        let refused = finding.event;
        finding.ruled_out.retain(|cleared| !is_unsettled(lost, refused, cleared));
        finding.ruled_out.retain(|cleared| {
            // A close may have been under way still, an open so soon after may have met the end of the refusal.
            !near.iter().any(|op| {
                op.process == cleared.process
                    && match cleared.reason {
                        Reason::ClosedBefore => matches!(op.kind, OpKind::Cleanup),
                        Reason::OpenedAfter => matches!(op.kind, OpKind::Create(_)),
                        Reason::NoConflictingLock => {
                            matches!(op.kind, OpKind::Unlock { .. } | OpKind::UnlockAll | OpKind::UnlockByKey { .. })
                        }
                        _ => false,
                    }
            })
        });
    }
    unshown
}

/// Whether a record or row that could not be read, or in an extract the event behind such a one, lies within a hold: it may have ended it, begun it, or shown that it had ended. A
/// hold whose end is not shown is looked at up to the refusal.
fn is_broken(lost: &[EventIndex], finding: &Finding, holder: &Holder) -> bool {
    let after = match holder.hold.start {
        Edge::At(begun, _) => lost.partition_point(|row| *row <= begun),
        _ => 0,
    };
    let ended = match holder.hold.end {
        Edge::At(event, _) => event.max(finding.event),
        _ => finding.event,
    };
    lost.get(after).is_some_and(|row| *row <= ended)
}

/// Whether a row that could not be read lies between the close that clears somebody and the refusal: it may have opened the
/// file anew.
fn is_unsettled(lost: &[EventIndex], refused: EventIndex, cleared: &RuledOut) -> bool {
    let Some(close) = cleared.event.filter(|_| cleared.reason == Reason::ClosedBefore) else { return false };
    let after = lost.partition_point(|row| *row <= close);
    lost.get(after).is_some_and(|row| *row <= refused)
}

/// VI-7: whether the close of a handle is shown, where nothing would show that it is missing. Mappings have none.
fn is_close_shown(log: &OpLog, holder: &Holder) -> bool {
    !log.coverage.unnumbered
        || matches!(holder.hold.end, Edge::At(..))
        || matches!(holder.mechanism, Mechanism::ImageMapping | Mechanism::DataMapping | Mechanism::FilterInStack)
}

/// Whether the file's name holds bytes that could not be read, so that another file may look alike.
fn is_garbled(log: &OpLog, finding: &Finding) -> bool {
    log.coverage.garbled && log.paths.get(finding.path).contains(char::REPLACEMENT_CHARACTER)
}

/// Of rows in no order of time nothing follows: nobody is named and nobody cleared.
fn conclude_nothing(analysis: &mut Analysis) {
    for finding in &mut analysis.findings {
        finding.holders.clear();
        finding.ruled_out.clear();
        finding.explanations.clear();
        finding.attribution = Attribution::NotVisible;
        finding.deleted_by = None;
        finding.released_by = None;
        finding.confirmed_by = None;
        finding.born_in_capture = false;
    }
    analysis.waits.clear();
}

/// Whether the process can be named, by its image or its PID; of a rescued capture both may be lost.
fn is_named(log: &OpLog, holder: &Holder) -> bool {
    let Party::Process(process) = holder.party else { return true };
    log.processes.get(process.0 as usize).is_some_and(ProcessInfo::is_known)
}

fn is_installer(log: &OpLog, process: ProcessId) -> bool {
    let root = log.roots.system_root.as_deref().unwrap_or_default();
    log.processes.get(process.0 as usize).is_some_and(|process| scope::is_installer(process, root))
}

/// Whether the failing side is in its own way: the process itself, a victim beside it, or, whatever the profile, one part of
/// the installer in that of the other.
fn is_own(log: &OpLog, finding: &Finding, holder: &Holder) -> bool {
    let process = holder.party.process();
    let installer = || is_installer(log, process) && is_installer(log, finding.process);
    holder.victim || process == finding.process || installer()
}

/// The paths on which a filter is shown to have acted in a process's name.
fn acted(log: &OpLog) -> FxHashSet<PathId> {
    let system = |op: &&Op| log.processes.get(op.process.0 as usize).is_some_and(ProcessInfo::is_system);
    log.ops.iter().filter(|op| op.driver.is_some() && !system(op)).map(|op| op.path).collect()
}

/// Who may have acted in the names of others (VI-3).
struct Others<'a> {
    log: &'a OpLog,
    /// Filters are known, or may be loaded, that issue operations of their own.
    filters: bool,
    /// The paths on which one is shown to have done so.
    acted: FxHashSet<PathId>,
}

impl Others<'_> {
    /// VI-3: whether it is the process itself that made the hold, and no filter or remote client in its name. The stack of the
    /// open tells; without one, System, the installer and the failing process are the names that others act in, and every
    /// process is one where a filter is shown to have done that with the file.
    fn is_author_shown(&self, finding: &Finding, holder: &Holder) -> bool {
        let Party::Process(process) = holder.party else { return true };
        let system = self.log.processes.get(process.0 as usize).is_some_and(ProcessInfo::is_system);
        let own = is_own(self.log, finding, holder) || is_installer(self.log, process);
        let others = system || own && self.filters;
        let Edge::At(event, _) = holder.hold.start else {
            // Of an export, whose rows may be missing, the close tells as little as the open would.
            let Edge::At(close, _) = holder.hold.end else { return true };
            let untold =
                find(self.log, close).is_some_and(|op| matches!(op.stack, StackSays::Nothing | StackSays::Unresolved));
            return !(self.log.coverage.unnumbered && untold && others);
        };
        let Some(op) = find(self.log, event) else { return true };
        let shown = |op: &Op| {
            let acted = self.acted.contains(&op.path) || self.acted.contains(&finding.path);
            match op.stack {
                StackSays::Caller | StackSays::Server | StackSays::Passing(..) => true,
                StackSays::Unclear(..) => false,
                StackSays::Nothing => !(others || acted),
                // Whose code that is, no list of modules tells.
                StackSays::Unresolved => !(system || own || acted),
            }
        };
        match op.kind {
            // AT-3: any of several handles may be the one.
            OpKind::Create(_) if holder.handle_ambiguous => self.opens(op, finding.event).all(shown),
            OpKind::Create(_) | OpKind::CreateSection { .. } | OpKind::Lock { .. } => shown(op),
            _ => true,
        }
    }

    /// The opens of a process by the path of one of them, up to an event.
    fn opens<'o>(&'o self, of: &'o Op, until: EventIndex) -> impl Iterator<Item = &'o Op> {
        let to = self.log.ops.partition_point(|op| op.event < until);
        let all = self.log.ops.get(..to).unwrap_or(&[]).iter().rev().take(MAX_OPENS);
        let like = |op: &&Op| matches!(op.kind, OpKind::Create(_)) && op.status.is_success() && op.driver.is_none();
        all.filter(like).filter(|op| (op.process, op.path) == (of.process, of.path)).chain([of])
    }
}

/// Whether the hold surely began before the refusal and outlasted it. Without durations an operation may have run, as one
/// that waits for an oplock does, until a row shows that it was over.
fn is_order_shown(log: &OpLog, finding: &Finding, holder: &Holder) -> bool {
    !log.coverage.coarse_times && is_begun(log, finding, holder) && is_outlasted(log, finding, holder)
}

/// Whether the hold was granted before the refusal began.
fn is_begun(log: &OpLog, finding: &Finding, holder: &Holder) -> bool {
    let Edge::At(event, _) = holder.hold.start else { return true };
    let Some(begun) = find(log, event).filter(|op| op.end.is_none() && is_file(op)) else { return true };
    // DP-3: a name that waits to be deleted is opened no more, so this open was granted before the mark took effect.
    let marked =
        finding.deleted_by.is_some_and(|mark| between(log, event, finding.event).any(|op| op.event == mark.event));
    // A use of the handle shows that it was there; the thread's next step elsewhere, that the open was done.
    let used = |op: &Op| op.process == begun.process && op.path == begun.path && uses_handle(op);
    let went_on = |op: &Op| is_same_thread(op, begun) && op.path != begun.path;
    (marked && finding.cause == Cause::DeletePending)
        || between(log, event, finding.event).any(|op| is_file(op) && (used(op) || went_on(op)))
}

/// Whether the refusal was over before the hold began to end.
fn is_outlasted(log: &OpLog, finding: &Finding, holder: &Holder) -> bool {
    let Some(refused) = find(log, finding.event) else { return false };
    if refused.end.is_some() {
        return true;
    }
    // Of a hold whose end is not shown any later row is inside it.
    let (event, ended) = match holder.hold.end {
        Edge::At(event, _) => (event, find(log, event)),
        _ => (EventIndex(u64::MAX), None),
    };
    // What a filter does within the operation is on the same file; the very same request again is the next attempt.
    let is_next = |op: &Op| is_same_thread(op, refused) && (op.path != refused.path || op.kind == refused.kind);
    // The same row twice is no second attempt.
    let is_retry = |op: &Op| {
        op.process == refused.process && op.path == refused.path && op.kind == refused.kind && op.start > refused.start
    };
    event > finding.event
        && (ended.is_some_and(|ended| is_same_thread(ended, refused))
            || between(log, finding.event, event).any(|op| is_next(op) || refused.thread.is_none() && is_retry(op)))
}

fn is_same_thread(one: &Op, other: &Op) -> bool {
    one.process == other.process && one.thread.is_some() && one.thread == other.thread
}

/// Whether an operation goes through an open handle, and does not end it.
const fn uses_handle(op: &Op) -> bool {
    !matches!(op.kind, OpKind::Create(_) | OpKind::QueryOpen { .. } | OpKind::Cleanup | OpKind::Close)
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

/// The opens, closes and unlocks so near to a refusal that they may have overlapped it, where it is not known how long they took.
fn near<'a>(log: &'a OpLog, finding: &Finding) -> Vec<&'a Op> {
    let middle = log.ops.partition_point(|op| op.event < finding.event);
    let (before, after) = log.ops.split_at_checked(middle).unwrap_or((&[], &[]));
    let margin = if finding.attribution == Attribution::NotVisible { WIDE_MARGIN } else { CLEAR_MARGIN };
    let before = before.iter().rev().take(MAX_NEAR).take_while(|op| is_close(op.start, finding.time, margin));
    let untold = after.first().is_some_and(|refused| refused.end.is_none());
    let after = after.iter().take(MAX_NEAR).take_while(|op| untold && is_close(finding.time, op.start, margin));
    let is_over = |close: &Op| between(log, close.event, finding.event).any(|op| is_same_thread(op, close));
    let ends = |op: &Op| {
        matches!(op.kind, OpKind::Cleanup | OpKind::Unlock { .. } | OpKind::UnlockAll | OpKind::UnlockByKey { .. })
    };
    let closed = before.filter(|op| ends(op) && op.end.is_none() && !is_over(op));
    closed.chain(after.filter(|op| matches!(op.kind, OpKind::Create(_)))).collect()
}
