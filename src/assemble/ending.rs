//! What an event ended: the holds that a close, or the end of a process, put an end to, and what they had been in the way of.

use super::failures::{Common, edge};
use super::{CaseOptions, Parts, authors, blame_others, filters, weaken};
use crate::blame::gather::{self, Gathered, gather, is_failure};
use crate::blame::scope::{Profile, Scope, ScopeOptions};
use crate::capture::EventIndex;
use crate::capture::op::{Op, OpKind, OpLog, PathTable, ProcessId};
use crate::capture::select::Selection;
use crate::capture::source::{Source, Survey};
use crate::case::{self, Ending};
use crate::locks::{self, Edge, HistoryHold, Hold, Holder};
use std::cell::OnceCell;

/// What is known of all refusals and delays of a case.
pub(super) struct Around {
    pub(super) scope: Scope,
    pub(super) log: OpLog,
    pub(super) analysis: locks::Analysis,
    /// ACCESS DENIED that no lock is behind, each with the rule that is, where one is known; in event order.
    pub(super) denied: Vec<(EventIndex, Option<&'static str>)>,
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
        let usual = usual_scope(source)?;
        if usual.contains(op, &survey.processes, paths) {
            return Some(Self::case(source, survey, usual, options));
        }
        let any = ScopeOptions { profile: Profile::Any, ..ScopeOptions::default() };
        let root = source.machine().system_root;
        Some(Self::case(source, survey, Scope::new(&any, root.as_deref()).ok()?, options))
    }

    /// The usual case, analysed once for all that ask, if the refused operation `event` is one of its failures.
    pub(super) fn usual<'c>(
        known: &'c OnceCell<Self>,
        source: &dyn Source,
        survey: &Survey,
        event: EventIndex,
        options: &CaseOptions<'_>,
    ) -> Option<&'c Self> {
        let scope = usual_scope(source)?;
        let is_asked = |op: &&Op| op.event == event && is_failure(op);
        let op = survey.ops.iter().find(is_asked)?;
        let is_usual = scope.contains(op, &survey.processes, &survey.paths);
        let case = is_usual.then(|| known.get_or_init(|| Self::case(source, survey, scope, options)))?;
        case.finding(event).map(|_| case)
    }

    /// The usual case, if the event ended a hold in it.
    pub(super) fn usual_ended<'c>(
        known: &'c OnceCell<Self>,
        source: &dyn Source,
        survey: &Survey,
        event: EventIndex,
        options: &CaseOptions<'_>,
    ) -> Option<&'c Self> {
        let scope = usual_scope(source)?;
        let case = known.get_or_init(|| Self::case(source, survey, scope, options));
        (!endings(&case.log, &case.analysis, event).is_empty()).then_some(case)
    }

    /// What is known of the file of `event` alone: the refusals of the event's own process, which is the victim here. That
    /// makes a hold of its own a self-inflicted one, unless a driver was refused in its name.
    pub(super) fn alone(
        source: &dyn Source,
        survey: &Survey,
        event: EventIndex,
        options: &CaseOptions<'_>,
    ) -> Option<Self> {
        let is_filter = authors(source, options.catalogue);
        let log = match survey.ops.iter().find(|op| op.event == event) {
            Some(seed) => gather::collect(source, survey, &[seed], &is_filter),
            None => {
                let path = source.path(event).filter(|path| !path.is_empty())?;
                gather::collect_around(source, survey, (event, &path), &is_filter)
            }
        };
        let at = log.ops.partition_point(|op| op.event < event);
        let seed = *log.ops.get(at).filter(|op| op.event == event)?;
        // The other attempts tell how long it went on, and who held through all of them.
        let is_try = |op: &&Op| (op.process, op.driver) == (seed.process, seed.driver) && is_failure(op);
        let failures: Vec<EventIndex> = log.ops.iter().filter(is_try).map(|op| op.event).collect();
        let any = ScopeOptions { profile: Profile::Any, ..ScopeOptions::default() };
        Some(Self::analysed(source, survey, (Scope::new(&any, None).ok()?, log), &failures, options))
    }

    /// Analyses the case of a scope.
    fn case(source: &dyn Source, survey: &Survey, scope: Scope, options: &CaseOptions<'_>) -> Self {
        let Gathered { failures, log, .. } = gather(source, survey, &scope, &authors(source, options.catalogue));
        Self::analysed(source, survey, (scope, log), &failures, options)
    }

    fn analysed(
        source: &dyn Source,
        survey: &Survey,
        (scope, log): (Scope, OpLog),
        failures: &[EventIndex],
        options: &CaseOptions<'_>,
    ) -> Self {
        let is_victim = |id: ProcessId| scope.is_victim_id(&log, id);
        let mut analysis = locks::analyse(&log, failures, &locks::Options::new(&is_victim));
        let denied = analysis.findings.iter().filter(|finding| !finding.lock_class);
        let denied = denied.map(|finding| (finding.event, finding.itself)).collect();
        analysis.findings.retain(|finding| finding.lock_class);
        if scope.victims.is_empty() {
            blame_others(&mut analysis);
        }
        let unshown = weaken(&mut analysis, (&log, &survey.lost), source, options.catalogue);
        Self { scope, log, analysis, denied, unshown }
    }

    /// The same before it is put in words.
    pub(super) fn parts<'a>(
        &'a self,
        source: &'a dyn Source,
        survey: &'a Survey,
        options: &'a CaseOptions<'a>,
    ) -> Parts<'a> {
        Parts {
            options,
            machine: source.machine(),
            scope: &self.scope,
            survey,
            outside: 0,
            elsewhere: None,
            filtered: 0,
            log: &self.log,
            analysis: self.analysis.clone(),
            citer: locks::Citer::new(&self.log),
            unshown: &self.unshown,
            filters: filters(source, options.catalogue),
            source,
            common: Common::default(),
        }
    }

    /// The finding about an event.
    pub(super) fn finding(&self, event: EventIndex) -> Option<&locks::Finding> {
        self.analysis.findings.iter().find(|finding| finding.event == event && finding.lock_class)
    }
}

fn usual_scope(source: &dyn Source) -> Option<Scope> {
    Scope::new(&ScopeOptions::default(), source.machine().system_root.as_deref()).ok()
}

/// Whether an operation lets go of something: a handle, or a range of bytes.
pub(super) const fn lets_go(kind: &OpKind) -> bool {
    matches!(kind, OpKind::Cleanup | OpKind::Unlock { .. } | OpKind::UnlockAll | OpKind::UnlockByKey { .. })
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
