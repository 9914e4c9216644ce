//! What an event ended: the holds that a close, or the end of a process, put an end to, and what they had been in the way of.

use super::failures::edge;
use super::{CaseOptions, authors, blame_others, weaken};
use crate::blame::gather::{Gathered, gather};
use crate::blame::scope::{Profile, Scope, ScopeOptions};
use crate::capture::EventIndex;
use crate::capture::op::{Op, OpKind, OpLog, PathTable, ProcessId};
use crate::capture::select::Selection;
use crate::capture::source::{Source, Survey};
use crate::case::{self, Ending};
use crate::locks::{self, Edge, HistoryHold, Hold, Holder};

/// What is known of all refusals and delays of a capture, whoever met them.
pub(super) struct Around {
    pub(super) log: OpLog,
    pub(super) analysis: locks::Analysis,
    pub(super) unshown: Vec<locks::Party>,
}

impl Around {
    /// Analyses the case that an operation belongs to: the usual one where it is a victim's in its scope, else that of
    /// every process and path.
    pub(super) fn of(
        source: &dyn Source,
        survey: &Survey,
        (op, paths): (&Op, &PathTable),
        options: &CaseOptions<'_>,
    ) -> Option<Self> {
        let root = source.machine().system_root;
        let usual = Scope::new(&ScopeOptions::default(), root.as_deref()).ok()?;
        let is_usual = usual.contains(op, &survey.processes, paths);
        let any = ScopeOptions { profile: Profile::Any, ..ScopeOptions::default() };
        let scope = if is_usual { usual } else { Scope::new(&any, root.as_deref()).ok()? };
        let Gathered { failures, log, .. } = gather(source, survey, &scope, &authors(source, options.catalogue));
        let is_victim = |id: ProcessId| scope.is_victim_id(&log, id);
        let mut analysis = locks::analyse(&log, &failures, &locks::Options::new(&is_victim));
        if !is_usual {
            blame_others(&mut analysis);
        }
        let unshown = weaken(&mut analysis, (&log, &survey.lost), source, options.catalogue);
        Some(Self { log, analysis, unshown })
    }
}

/// The holds that event `event` ended, of those that something was refused for: one entry for each file and mechanism.
pub(super) fn endings(log: &OpLog, analysis: &locks::Analysis, event: EventIndex) -> Vec<Ending> {
    let texts = case::Pool::default();
    let mut endings: Vec<Ending> = Vec::new();
    for finding in analysis.findings.iter().filter(|finding| finding.lock_class) {
        for holder in &finding.holders {
            let Some(hold) = ended_by(holder, event) else { continue };
            let path = log.paths.get(hold.path.unwrap_or(finding.path));
            let mechanism = super::failures::mechanism(holder.mechanism);
            let grade = super::holders::grade(Some(holder.confidence));
            let confirmed =
                finding.confirmed_by.filter(|_| holder.confirmed).map(|event| case::EventRef { event: event.0 });
            match endings.iter_mut().find(|known| known.path == path && known.mechanism == mechanism) {
                Some(known) => {
                    known.failures.push(finding.event.0);
                    known.confidence = known.confidence.max(grade);
                    known.confirmed_by = known.confirmed_by.or(confirmed);
                }
                None => endings.push(Ending {
                    path: path.to_owned(),
                    mechanism,
                    confidence: grade,
                    start: edge(&texts, hold.start),
                    failures: vec![finding.event.0],
                    confirmed_by: confirmed,
                }),
            }
        }
    }
    endings
}

/// The hold of this party that `event` ended.
fn ended_by(holder: &Holder, event: EventIndex) -> Option<&Hold> {
    std::iter::once(&holder.hold).chain(&holder.more).find(|hold| matches!(hold.end, Edge::At(at, _) if at == event))
}

/// The end of a process: what it was about, and the handles that it closed.
pub(super) fn exit(
    source: &dyn Source,
    survey: &Survey,
    event: EventIndex,
    options: &CaseOptions<'_>,
) -> Option<(OpLog, Vec<HistoryHold>)> {
    let log = source.collect(&Selection::everything(), survey, &authors(source, options.catalogue));
    let at = log.ops.partition_point(|op| op.event < event);
    let op = log.ops.get(at).filter(|op| op.event == event && matches!(op.kind, OpKind::ProcessExit))?;
    let process = op.process;
    let closed = locks::closed_by_exit(&log, event, &locks::Options::new(&|id| id == process));
    Some((log, closed))
}
