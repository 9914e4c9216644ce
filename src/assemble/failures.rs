//! Findings of the engine in the shape of the record.

use super::Parts;
use super::holders::{Holders, grade, shown_name};
use crate::capture::op::{DriverId, EventIndex, Op, OpKind, OpLog, PathId, ProcessId};
use crate::case::{
    self, Attribution, Cause, ExplanationCode, HowDeleted, Mechanism, Names, Pool, RuledOutReason, Text,
};
use crate::lang::{Lang, record as t};
use crate::locks::{self, Citation, Conflict, Edge, Side};
use crate::nt::sharing::AccessClasses;
use crate::nt::{AccessMask, FileTime};
use rustc_hash::FxHashSet;
use std::cell::OnceCell;

/// What the failures of one record have in common.
#[derive(Default)]
pub(crate) struct Common {
    texts: Pool<str>,
    lists: Pool<[Text]>,
    requests: Pool<case::Requested>,
    marks: Pool<case::DeletedBy>,
    /// The ids that several processes had.
    reused: OnceCell<FxHashSet<u32>>,
}

impl Common {
    fn names(&self, names: Vec<String>) -> Names {
        self.lists.share(names.into_iter().map(|name| self.texts.share(name)).collect::<Vec<Text>>())
    }
}

/// The failures in event order. What a finding says of parties is let go once it is in the record: of very many failures
/// both would take more room than anything else.
pub(super) fn failures(parts: &mut Parts<'_>, holders: &Holders) -> Vec<case::Failure> {
    let mut findings = std::mem::take(&mut parts.analysis.findings);
    let mut failures = Vec::with_capacity(findings.len());
    for finding in &mut findings {
        failures.push(failure(parts, holders, finding));
        finding.holders = Vec::new();
        finding.ruled_out = Vec::new();
    }
    parts.analysis.findings = findings;
    failures
}

pub(super) fn waits(parts: &Parts<'_>, holders: &Holders) -> Vec<case::Wait> {
    let wait = |wait: &locks::Wait| case::Wait {
        event: wait.event.0,
        time: wait.time.to_rfc3339().into(),
        pid: pid(parts.log, wait.process),
        tid: wait.thread,
        process: shared_name(parts, wait.process),
        operation: operation(parts, wait.event),
        path: parts.common.texts.share(parts.log.paths.get(wait.path)),
        waited_ms: wait.waited.as_millis(),
        cause: cause(wait.cause),
        holders: wait
            .holders
            .iter()
            .map(|holder| {
                failure_holder(parts, holders, holder, (wait.path, None, parts.citer.wait(wait.cause, holder)))
            })
            .collect(),
    };
    parts.analysis.waits.iter().map(wait).collect()
}

pub(super) fn failure(parts: &Parts<'_>, holders: &Holders, finding: &locks::Finding) -> case::Failure {
    let log = parts.log;
    let texts = &parts.common.texts;
    let operation = operation(parts, finding.event);
    let asked = requested(log, &finding.requested, operation == "LockFile");
    case::Failure {
        event: finding.event.0,
        time: finding.time.to_rfc3339().into(),
        pid: pid(log, finding.process),
        tid: finding.thread,
        process: shared_name(parts, finding.process),
        driver: driver(parts, finding.driver),
        operation,
        path: texts.share(log.paths.get(finding.path)),
        status: texts.share(finding.status.to_string()),
        result: texts.share(&*finding.status.result_text()),
        cause: cause(finding.cause),
        attribution: match finding.attribution {
            locks::Attribution::Holders => Attribution::Holders,
            locks::Attribution::SelfInflicted => Attribution::SelfInflicted,
            locks::Attribution::NotVisible => Attribution::NotVisible,
            locks::Attribution::NoHolder => Attribution::NoHolder,
        },
        requested: asked.map(|asked| parts.common.requests.share(asked)),
        holders: finding
            .holders
            .iter()
            .map(|holder| {
                let author_unshown = parts.unshown.contains(&holder.party);
                let cited = parts.citer.holder(finding, holder, author_unshown);
                let asked = finding.requested.effective.or(finding.requested.access);
                failure_holder(parts, holders, holder, (finding.path, asked, cited))
            })
            .collect(),
        deleted_by: finding.deleted_by.map(|marker| {
            parts.common.marks.share(case::DeletedBy {
                event: marker.event.0,
                pid: pid(log, marker.process),
                process: shared_name(parts, marker.process),
                driver: driver(parts, marker.driver),
                how: match marker.how {
                    locks::DeleteHow::Disposition => HowDeleted::Disposition,
                    locks::DeleteHow::PosixDisposition => HowDeleted::PosixDisposition,
                    locks::DeleteHow::DeleteOnClose => HowDeleted::DeleteOnClose,
                },
            })
        }),
        released_by: finding
            .released_by
            .map(|release| case::ReleasedBy { event: release.event.0, pid: pid(log, release.process) }),
        confirmed_by: finding.confirmed_by.map(|event| case::EventRef { event: event.0 }),
        live_child: finding.live_child.and_then(|event| live_child(parts, event)),
        series: parts.analysis.bursts.get(finding.burst).and_then(series),
        explanations: finding.explanations.iter().map(|code| explanation(*code)).collect(),
        ruled_out: finding
            .ruled_out
            .iter()
            .map(|cleared| case::RuledOut {
                pid: pid(log, cleared.process),
                process: shared_name(parts, cleared.process),
                started: started(parts, cleared.process),
                reason: reason(cleared.reason),
                rule: texts.share(cleared.rule),
                event: cleared.event.map(|event| event.0),
            })
            .collect(),
        evidence: evidence(parts, &parts.citer.finding(finding)),
    }
}

fn evidence(parts: &Parts<'_>, cited: &[Citation]) -> Vec<case::Evidence> {
    let one = |one: &Citation| {
        let rule = parts.common.texts.share(one.rule);
        case::Evidence { rule, event: one.event.map(|event| event.0) }
    };
    cited.iter().map(one).collect()
}

fn failure_holder(
    parts: &Parts<'_>,
    holders: &Holders,
    holder: &locks::Holder,
    (failing, asked, cited): (PathId, Option<AccessMask>, Vec<Citation>),
) -> case::FailureHolder {
    let log = parts.log;
    let (texts, names) = (&parts.common.texts, |names| parts.common.names(names));
    let process = holder.party.process();
    let withheld = |side: Side| {
        let conflicts = holder.conflicts.iter().filter(|conflict| conflict.side == side);
        names(conflicts.flat_map(|conflict| conflict.classes.names()).collect())
    };
    case::FailureHolder {
        holder: texts.share(holders.id(holder.party)),
        pid: pid(log, process),
        process: shared_name(parts, process),
        driver: match holder.party {
            locks::Party::Driver { driver: id, .. } => driver(parts, Some(id)),
            locks::Party::Process(_) => None,
        },
        confidence: grade(Some(holder.confidence)),
        mechanism: mechanism(holder.mechanism),
        rule: texts.share(holder.rule),
        handle: holder.handle_ambiguous.then(|| texts.share("ambiguous")),
        hold: case::Hold {
            start: edge(&parts.common.texts, holder.hold.start),
            end: edge(&parts.common.texts, holder.hold.end),
            access: holder.hold.access.map(|access| names(access.names())),
            share: holder.hold.share.map(|share| names(share.names())),
            path: holder.hold.path.filter(|path| *path != failing).map(|path| texts.share(log.paths.get(path))),
            sure_until: closing(log, &holder.hold).map(|begun| texts.share(begun.to_rfc3339())),
        },
        conflict: names(
            holder
                .conflicts
                .iter()
                .map(|conflict| conflict_text(conflict, (asked, holder.hold.access), parts.options.lang))
                .collect(),
        ),
        not_shared_by_holder: withheld(Side::HolderDoesNotShare),
        not_shared_by_victim: withheld(Side::VictimDoesNotShare),
        evidence: evidence(parts, &cited),
    }
}

/// The child that an event shows; a rename shows it under its new name.
fn live_child(parts: &Parts<'_>, event: EventIndex) -> Option<case::LiveChild> {
    let log = parts.log;
    let op = log.ops.get(log.ops.partition_point(|op| op.event < event)).filter(|op| op.event == event)?;
    let path = match op.kind {
        OpKind::Rename { target: Some(target), .. } => target,
        _ => op.path,
    };
    Some(case::LiveChild { event: event.0, path: parts.common.texts.share(log.paths.get(path)) })
}

/// When the close that ends a handle began, where the end is told by when it was done.
fn closing(log: &OpLog, hold: &locks::Hold) -> Option<FileTime> {
    let Edge::At(event, done) = hold.end else { return None };
    // What began and ended with one close is a filter at work in it, and no handle.
    if matches!(hold.start, Edge::At(start, _) if start == event) {
        return None;
    }
    let at = log.ops.partition_point(|op| op.event < event);
    let close = log.ops.get(at).filter(|op| op.event == event && matches!(op.kind, OpKind::Cleanup))?;
    (close.start < done).then_some(close.start)
}

/// A conflict in words, given the access that the victim and the holder asked for.
fn conflict_text(
    conflict: &Conflict,
    (victim, holder): (Option<AccessMask>, Option<AccessMask>),
    lang: Lang,
) -> String {
    let classes = conflict.classes.names().join("+");
    // SA-11: what MAXIMUM_ALLOWED was granted, no request shows.
    let may = |access: Option<AccessMask>| {
        access.is_some_and(|access| {
            access.intersects(AccessMask::MAXIMUM_ALLOWED) && !AccessClasses::of(access).contains(conflict.classes)
        })
    };
    let text = match conflict.side {
        Side::HolderDoesNotShare if may(victim) => t::CONFLICT_HOLDER_MAXIMUM,
        Side::HolderDoesNotShare => t::CONFLICT_HOLDER,
        Side::VictimDoesNotShare if may(holder) => t::CONFLICT_VICTIM_MAXIMUM,
        Side::VictimDoesNotShare => t::CONFLICT_VICTIM,
    };
    text.fill(lang, &[("classes", &classes)])
}

pub(super) fn edge(texts: &Pool<str>, edge: Edge) -> case::Edge {
    match edge {
        Edge::At(event, time) => case::Edge::At(case::At { event: event.0, time: texts.share(time.to_rfc3339()) }),
        Edge::BeforeCapture => case::Edge::Outside(texts.share("before_capture")),
        Edge::AfterCapture => case::Edge::Outside(texts.share("after_capture")),
        Edge::Unseen => case::Edge::Outside(texts.share("unseen")),
    }
}

fn requested(log: &OpLog, asked: &locks::Requested, lock: bool) -> Option<case::Requested> {
    let record = case::Requested {
        access: asked.access.map(crate::nt::AccessMask::names),
        share: asked.share.map(crate::nt::ShareAccess::names),
        disposition: asked
            .disposition
            .map(|disposition| disposition.name().map_or_else(|| format!("{:#x}", disposition.0), str::to_owned)),
        options: asked.options.map(crate::nt::CreateOptions::names),
        effective: asked.effective.map(crate::nt::AccessMask::names),
        target: asked.target.map(|target| log.paths.get(target).to_owned()),
        range: asked.range.map(|range| {
            let whole = lock_range(range);
            case::LockRange { exclusive: whole.exclusive.filter(|_| lock), ..whole }
        }),
    };
    (record != case::Requested::default()).then_some(record)
}

pub(super) const fn lock_range(range: locks::Range) -> case::LockRange {
    case::LockRange { offset: range.offset, length: range.length, exclusive: Some(range.exclusive) }
}

pub(super) fn pid(log: &OpLog, process: ProcessId) -> u32 {
    log.processes.get(process.0 as usize).map_or(0, |process| process.pid)
}

/// The attempts a failure is one of.
fn series(burst: &locks::Burst) -> Option<case::Series> {
    Some(case::Series {
        first: burst.failures.first()?.0,
        last: burst.failures.last()?.0,
        attempts: burst.failures.len() as u64,
        ended_by: burst.success.map(|event| event.0),
    })
}

pub(super) fn name(log: &OpLog, process: ProcessId) -> String {
    log.processes.get(process.0 as usize).map_or_else(String::new, |process| shown_name(&process.name).to_owned())
}

fn shared_name(parts: &Parts<'_>, process: ProcessId) -> Text {
    let name = parts.log.processes.get(process.0 as usize).map_or("", |process| shown_name(&process.name));
    parts.common.texts.share(name)
}

/// When a process started, where its id alone does not tell which one it is.
fn started(parts: &Parts<'_>, process: ProcessId) -> Option<Text> {
    let reused = parts.common.reused.get_or_init(|| {
        let mut seen = FxHashSet::default();
        parts.log.processes.iter().map(|process| process.pid).filter(|pid| !seen.insert(*pid)).collect()
    });
    let process = parts.log.processes.get(process.0 as usize).filter(|process| reused.contains(&process.pid))?;
    Some(parts.common.texts.share(process.started?.to_rfc3339()))
}

fn driver(parts: &Parts<'_>, id: Option<DriverId>) -> Option<Text> {
    let driver = parts.log.drivers.get(usize::from(id?.0))?;
    Some(parts.common.texts.share(&*driver.name))
}

/// The operation of an event as Procmon names it.
fn operation(parts: &Parts<'_>, event: EventIndex) -> Text {
    let texts = &parts.common.texts;
    if let Some(name) = parts.source.operation(event) {
        return texts.share(name);
    }
    let at = parts.log.ops.partition_point(|op| op.event < event);
    let op: Option<&Op> = parts.log.ops.get(at..).and_then(|ops| ops.iter().find(|op| op.event == event));
    texts.share(op.map_or("", |op| op.kind.procmon_name()))
}

/// The same for an operation at hand.
pub(super) fn operation_of(parts: &Parts<'_>, op: &Op) -> String {
    parts.source.operation(op.event).unwrap_or_else(|| op.kind.procmon_name().to_owned())
}

const fn cause(cause: locks::Cause) -> Cause {
    match cause {
        locks::Cause::ShareConflict => Cause::ShareConflict,
        locks::Cause::DeletePending => Cause::DeletePending,
        locks::Cause::ImageSection => Cause::ImageSection,
        locks::Cause::UserMapped => Cause::UserMapped,
        locks::Cause::ByteRangeLock => Cause::ByteRangeLock,
        locks::Cause::DirectoryNotEmpty => Cause::DirectoryNotEmpty,
        locks::Cause::OplockBreak => Cause::OplockBreak,
        locks::Cause::RenameBlocked => Cause::RenameBlocked,
        locks::Cause::Other => Cause::Other,
    }
}

pub(super) const fn mechanism(mechanism: locks::Mechanism) -> Mechanism {
    match mechanism {
        locks::Mechanism::OpenHandle => Mechanism::OpenHandle,
        locks::Mechanism::ImageMapping => Mechanism::ImageMapping,
        locks::Mechanism::DataMapping => Mechanism::DataMapping,
        locks::Mechanism::ByteRangeLock => Mechanism::ByteRangeLock,
        locks::Mechanism::ChildDeletePending => Mechanism::ChildDeletePending,
        locks::Mechanism::ChildInUse => Mechanism::ChildInUse,
        locks::Mechanism::ParentDeletePending => Mechanism::ParentDeletePending,
        locks::Mechanism::PosixMarker => Mechanism::PosixMarker,
        locks::Mechanism::ReplacedTarget => Mechanism::ReplacedTarget,
        locks::Mechanism::OpenDescendant => Mechanism::OpenDescendant,
        locks::Mechanism::DestinationDirectory => Mechanism::DestinationDirectory,
        locks::Mechanism::CurrentDirectory => Mechanism::CurrentDirectory,
        locks::Mechanism::Oplock => Mechanism::Oplock,
        locks::Mechanism::FilterInStack => Mechanism::FilterInStack,
    }
}

const fn explanation(code: locks::Explanation) -> ExplanationCode {
    match code {
        locks::Explanation::FilterBelowProcmonAltitude => ExplanationCode::FilterBelowProcmonAltitude,
        locks::Explanation::OpenBeforeCapture => ExplanationCode::OpenBeforeCapture,
        locks::Explanation::Mapping => ExplanationCode::Mapping,
        locks::Explanation::ReadOnlyAttribute => ExplanationCode::ReadOnlyAttribute,
        locks::Explanation::KernelHeld => ExplanationCode::KernelHeld,
        locks::Explanation::SmbClient => ExplanationCode::SmbClient,
        locks::Explanation::InheritedOrDuplicatedHandle => ExplanationCode::InheritedOrDuplicatedHandle,
        locks::Explanation::OutsideFilter => ExplanationCode::OutsideFilter,
        locks::Explanation::EventsMissing => ExplanationCode::EventsMissing,
    }
}

const fn reason(reason: locks::Reason) -> RuledOutReason {
    match reason {
        locks::Reason::CompatibleSharing => RuledOutReason::CompatibleSharing,
        locks::Reason::AttributesOnly => RuledOutReason::AttributesOnly,
        locks::Reason::OtherLink => RuledOutReason::OtherLink,
        locks::Reason::HandleDoesNotBlock => RuledOutReason::HandleDoesNotBlock,
        locks::Reason::NoConflictingLock => RuledOutReason::NoConflictingLock,
        locks::Reason::NoOplock => RuledOutReason::NoOplock,
        locks::Reason::MappingDoesNotBlock => RuledOutReason::MappingDoesNotBlock,
        locks::Reason::ExplainedWithoutIt => RuledOutReason::ExplainedWithoutIt,
        locks::Reason::ClosedBefore => RuledOutReason::ClosedBefore,
        locks::Reason::ShownClosedByLaterSuccess => RuledOutReason::ShownClosedByLaterSuccess,
        locks::Reason::ExitedBefore => RuledOutReason::ExitedBefore,
        locks::Reason::OpenedAfter => RuledOutReason::OpenedAfter,
        locks::Reason::OwnOpenFailed => RuledOutReason::OwnOpenFailed,
        locks::Reason::StillFailingAfterRelease => RuledOutReason::StillFailingAfterRelease,
        locks::Reason::OtherFile => RuledOutReason::OtherFile,
        locks::Reason::SameNameOtherFile => RuledOutReason::SameNameOtherFile,
        locks::Reason::NotTheMarker => RuledOutReason::NotTheMarker,
        locks::Reason::OutlastedTheName => RuledOutReason::OutlastedTheName,
        locks::Reason::OpenNotCompleted => RuledOutReason::OpenNotCompleted,
    }
}
