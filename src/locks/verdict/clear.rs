//! Why each other process that had to do with a refused operation is not to blame.
//!
//! A refusal is looked at in scenes: the files whose handles can matter to its result, each with the part that a handle
//! plays there. Who has one open and is not implicated is cleared by the rule that spares such a handle; who had closed it,
//! or opened it later, by that. Where the reference leaves open whether something counts, its owner is neither
//! implicated nor cleared.

use super::scenes::{Part, Scene};
use crate::capture::op::{EventIndex, OpKind, ProcessId};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::file::hold::{Ended, Fit, HoldRec};
use crate::locks::file::sections::Kind;
use crate::locks::file::track::Track;
use crate::locks::finding::{Attribution, Confidence, DeleteHow, Finding, Reason, RuledOut};
use crate::locks::identity::{NONE, UNNAMED, opens};
use crate::locks::rules::mapping::harmless;
use crate::locks::rules::suspect::Blockers;
use crate::locks::spans::Instant;
use crate::nt::FileTime;
use crate::nt::NtStatus;
use indexmap::IndexMap;
use indexmap::map::Entry;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

/// Operations on either side of a failure searched for the event that clears somebody.
const MAX_NEAR: usize = 1024;
/// Processes of one file looked at.
const MAX_PROCESSES: usize = 1024;

/// Who is cleared and how; `None`: neither implicated nor cleared.
type Outcomes = IndexMap<ProcessId, Option<RuledOut>, FxBuildHasher>;

/// What one process did to the file nearest to a failure.
#[derive(Clone, Copy, Default)]
struct Near {
    closed: Option<EventIndex>,
    closes: Option<EventIndex>,
    opens: Option<EventIndex>,
    refused: Option<EventIndex>,
}

/// Notes an outcome: what is not settled stays so, and of two reasons the nearer counts.
fn note(outcomes: &mut Outcomes, process: ProcessId, outcome: Option<RuledOut>) {
    match outcomes.entry(process) {
        Entry::Vacant(entry) => {
            entry.insert(outcome);
        }
        Entry::Occupied(mut known) => match (*known.get(), outcome) {
            (Some(_), None) => {
                known.insert(None);
            }
            (Some(before), Some(now)) if now.reason < before.reason => {
                known.insert(outcome);
            }
            _ => {}
        },
    }
}

/// Whether a reason holds only where every open of the process is seen.
const fn rests_on_opens(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ClosedBefore
            | Reason::OpenedAfter
            | Reason::CompatibleSharing
            | Reason::AttributesOnly
            | Reason::NoConflictingLock
            | Reason::NoOplock
            | Reason::OwnOpenFailed
            | Reason::OpenNotCompleted
    )
}

impl Engine<'_> {
    /// Why each other process that had to do with the file is not to blame.
    pub(crate) fn clear_others(
        &mut self,
        failing: Failing<'_>,
        finding: &Finding,
        blockers: &Blockers,
        cleared: &mut Vec<RuledOut>,
    ) {
        let link = self.subject(failing.index, failing.op);
        if link == NONE {
            return;
        }
        let mut known: FxHashSet<ProcessId> = finding.holders.iter().map(|holder| holder.party.process()).collect();
        known.insert(failing.op.process);
        cleared.retain(|entry| known.insert(entry.process));
        let track = self.track(self.names.file(link));
        self.show_events(failing, &track, cleared);
        // Who was a suspect for a moment is not cleared by having the file open.
        let skip: FxHashSet<ProcessId> = known.iter().chain(&blockers.considered).copied().collect();
        let mut outcomes = Outcomes::default();
        for scene in self.scenes(failing, link, blockers) {
            if self.work.is_spent() {
                break; // what is left of the work goes to holders
            }
            if scene.link != NONE {
                self.clear_in(failing, finding, scene, &skip, &mut outcomes);
            }
        }
        known.extend(outcomes.keys());
        cleared.extend(outcomes.into_values().flatten());
        // AT-9: what may have been in the way as well is not needed where somebody is shown to have been.
        let kernel = self.is_kernel_held(failing);
        // Every handle keeps a pending delete, so there it may well have been one of several.
        let all_count = failing.op.status == NtStatus::DELETE_PENDING;
        let explained =
            kernel || !all_count && finding.holders.iter().any(|holder| holder.confidence >= Confidence::Likely);
        // AT-3, AT-6: whose handle stood then may have been in the way as well: only which one, or what it shares, is not shown.
        let stood = |process| !kernel && blockers.stood.contains(&process);
        for process in blockers.considered.iter().filter(|_| explained) {
            // MM-5: who mapped the file may well block beside a handle; only the end of the mapping is not shown.
            let spared = track.maps(*process) || stood(*process) || track.is_contradicted(*process);
            if known.insert(*process) && !spared {
                let out = RuledOut::new(*process, Reason::ExplainedWithoutIt);
                cleared.push(if kernel { RuledOut { rule: "VI-12", ..out } } else { out });
            }
        }
        known.extend(&blockers.considered);
        self.clear_elsewhere(failing, link, &mut known, cleared);
        // By the number people know them by, so that the order does not depend on the source.
        let pid = |process: ProcessId| self.log.processes.get(process.0 as usize).map_or(0, |process| process.pid);
        cleared.sort_by_key(|entry| (entry.reason, pid(entry.process), entry.process));
    }

    /// Clears those who had to do with the file of a scene, but for those in `skip`.
    fn clear_in(
        &mut self,
        failing: Failing<'_>,
        finding: &Finding,
        scene: Scene,
        skip: &FxHashSet<ProcessId>,
        outcomes: &mut Outcomes,
    ) {
        let at = failing.at;
        let track = self.track(self.names.file(scene.link));
        let alive = self.alive_in(failing, finding, scene, &track);
        self.work.spend(8 * track.processes.len().min(MAX_PROCESSES));
        let mut here = Outcomes::default();
        for process in track.processes.keys().take(MAX_PROCESSES).filter(|process| !skip.contains(process)) {
            match alive.get(process) {
                Some(outcome) => note(&mut here, *process, *outcome),
                None if !scene.past => {}
                None => {
                    if let Some(reason) = self.past_or_future(&track, *process, at) {
                        note(&mut here, *process, Some(RuledOut::new(*process, reason)));
                    }
                }
            }
        }
        if scene.link == self.subject(failing.index, failing.op) {
            let spares_images = self.spares_images(failing, scene.link);
            self.by_mapping(failing, (finding, spares_images), &track, skip, &mut here);
            for (opens, reason) in
                [(&track.refused_opens, Reason::OwnOpenFailed), (&track.pending_opens, Reason::OpenNotCompleted)]
            {
                for process in opens.keys().take(MAX_PROCESSES) {
                    if !skip.contains(process) && !here.contains_key(process) {
                        here.insert(*process, Some(RuledOut::new(*process, reason)));
                    }
                }
            }
        }
        let (unsettled, settled): (Vec<_>, Vec<_>) = here.into_iter().partition(|(_, outcome)| outcome.is_none());
        let mut settled: Vec<RuledOut> = settled.into_iter().filter_map(|(_, outcome)| outcome).collect();
        self.show_events(failing, &track, &mut settled);
        // VI-7: in a stretch of lost events anybody may have opened the file, whatever else of his is seen.
        let born = self.names.born(scene.link).unwrap_or_default();
        if self.log.coverage.is_torn(born, at.start) {
            settled.retain(|entry| !rests_on_opens(entry.reason));
        }
        unsettled.into_iter().for_each(|(process, _)| note(outcomes, process, None));
        settled.into_iter().for_each(|out| note(outcomes, out.process, Some(out)));
    }

    /// Those who may have the file of a scene open, and what their handles are to the refusal. Whose may count is left out.
    fn alive_in(&self, failing: Failing<'_>, finding: &Finding, scene: Scene, track: &Track) -> Outcomes {
        let at = failing.at;
        let counted = |hold: &HoldRec| match hold.grant {
            Some(grant) if !grant.possible.is_empty() => Fit::Yes,
            Some(_) => Fit::No,
            None => Fit::Maybe,
        };
        let every = |_: &HoldRec| Fit::Yes;
        let fit: &dyn Fn(&HoldRec) -> Fit = match scene.part {
            Part::Any => return Outcomes::default(),
            Part::Sharing { .. } => &counted,
            _ => &every,
        };
        let posix = |how| how == DeleteHow::PosixDisposition;
        let marked = match scene.part {
            Part::Keeping(stream) => track.marks.standing_on(scene.link, stream, at),
            _ => track.marks.standing(scene.link, at),
        };
        let posix = marked.is_some_and(|mark| posix(mark.how));
        let gone =
            self.unkept(track, scene.link, at).filter(|_| matches!(scene.part, Part::Keeping(UNNAMED)) && !posix);
        let outlasting: FxHashSet<ProcessId> = match gone {
            Some(gone) => {
                let outlast = |hold: &&HoldRec| hold.link == scene.link && hold.outlasts(gone) && hold.paired_alive(at);
                track.holds.iter().take(65_536).filter(outlast).map(|hold| hold.process).collect()
            }
            None => FxHashSet::default(),
        };
        let asked = self.names.place(failing.index).stream;
        let mut alive = Outcomes::default();
        for (group, weighed) in track.weigh(at, self.options.limit, &self.work, fit).0 {
            let Some(group) = track.groups.get(group as usize).filter(|_| weighed.any) else { continue };
            let mut holds = weighed.holds.iter().filter_map(|hold| track.holds.get(*hold as usize));
            let late =
                |by: Instant| holds.clone().all(|hold| hold.opened.is_some_and(|(_, opened)| opened.start >= by.end));
            let too_late = weighed.possible && scene.refused.is_some_and(late);
            // What a handle older than the capture did before it, nobody knows.
            let older =
                finding.attribution == Attribution::NotVisible && holds.clone().any(|hold| hold.opened.is_none());
            let opened = holds.find_map(|hold| hold.opened).and_then(|(op, _)| Some(self.op(op)?.event));
            let out =
                |reason: Reason, rule, event| Some(RuledOut { rule, event, ..RuledOut::new(group.process, reason) });
            let outcome = match scene.part {
                Part::Any => continue,
                _ if weighed.cut => None,
                // DR-2: it was not there when the child's deletion was refused.
                _ if too_late => out(Reason::HandleDoesNotBlock, "DR-2", opened),
                // SA-2: who asks for nothing that counts conflicts with nobody. SA-6: streams are independent but for deletion.
                Part::Sharing { wanted, stream, rule } if weighed.possible => {
                    let rule = match rule {
                        Some(rule) => rule,
                        None if wanted.possible.is_empty() => "SA-2",
                        None if group.stream != stream => "SA-6",
                        None => Reason::CompatibleSharing.rule(),
                    };
                    out(Reason::CompatibleSharing, rule, None)
                }
                Part::Sharing { .. } => Some(RuledOut::new(group.process, Reason::AttributesOnly)),
                Part::Keeping(stream) if stream != UNNAMED && group.stream != stream => {
                    out(Reason::HandleDoesNotBlock, "SA-6", opened)
                }
                Part::Keeping(UNNAMED) if group.link != scene.link => {
                    Some(RuledOut::new(group.process, Reason::OtherLink))
                }
                Part::Keeping(_) if outlasting.contains(&group.process) => {
                    Some(RuledOut::new(group.process, Reason::OutlastedTheName))
                }
                Part::Keeping(_) if posix => Some(RuledOut::new(group.process, Reason::NotTheMarker)),
                Part::Keeping(_) => continue,
                Part::Locking { range: Some(range), rule } if !older => {
                    let locks = track.locks.on(group.stream).filter(|_| group.stream == asked);
                    let shown = locks.and_then(|locks| locks.spared(group.process, at, range));
                    let rule = match shown {
                        Some((_, true)) => "AT-11",
                        _ if group.stream != asked => "SA-6",
                        _ => rule,
                    };
                    let event = shown.and_then(|(op, _)| Some(self.op(op)?.event));
                    out(Reason::NoConflictingLock, rule, event.or(opened))
                }
                Part::Oplock(rule) if !older => out(Reason::NoOplock, rule, opened),
                Part::Without(rule) if !older || !rule.starts_with("MM-") => {
                    out(Reason::HandleDoesNotBlock, rule, opened)
                }
                Part::Locking { .. } | Part::Oplock(_) | Part::Without(_) => None,
            };
            note(&mut alive, group.process, outcome);
        }
        alive
    }

    /// Those who may have the file mapped still. A close does not clear them: either the rule of mappings does, or nothing.
    fn by_mapping(
        &self,
        failing: Failing<'_>,
        (finding, spares_images): (&Finding, bool),
        track: &Track,
        skip: &FxHashSet<ProcessId>,
        here: &mut Outcomes,
    ) {
        let at = failing.at;
        let nobody = finding.attribution == Attribution::NoHolder;
        let stream = self.stream_of(failing, self.subject(failing.index, failing.op));
        // AT-11: the success that shows a mapping gone tells more than the close of its handle.
        let on_stream = track.sections.on(stream);
        let gone = on_stream.map(|sections| sections.gone(at)).unwrap_or_default();
        for (process, success) in gone.into_iter().filter(|(process, _)| !skip.contains(process)) {
            let past =
                here.get(&process).is_none_or(|known| known.is_some_and(|out| out.reason == Reason::ClosedBefore));
            if past && harmless(failing, Kind::Unknown { writable: None }, nobody).is_some() {
                let event = self.op(success).map(|op| op.event);
                here.insert(
                    process,
                    Some(RuledOut { event, ..RuledOut::new(process, Reason::ShownClosedByLaterSuccess) }),
                );
            }
        }
        let sections = track.sections.iter().flat_map(|(of, sections)| {
            sections.at(at, &self.exits, self.options.limit).into_iter().map(move |section| (of, section))
        });
        for (of, section) in sections.filter(|(_, section)| !skip.contains(&section.process)) {
            let Some(mut rule) = harmless(failing, section.kind, nobody) else { continue };
            // AT-10: not where the end of its process let the operation through.
            if spares_images && !section.kind.data() && !self.brackets(failing, section.exit) {
                rule = Some("MM-3");
            }
            if of != stream && !self.may_count_elsewhere(failing, stream) {
                rule = Some("SA-6");
            }
            let out = rule.map(|rule| RuledOut {
                rule,
                event: section.made.and_then(|op| Some(self.op(op)?.event)),
                ..RuledOut::new(section.process, Reason::MappingDoesNotBlock)
            });
            note(here, section.process, out);
        }
        let mapping = track.sections.iter().flat_map(|(_, sections)| sections.processes());
        for process in mapping.take(MAX_PROCESSES) {
            let exit = self.exits.get(process.0 as usize).copied().flatten();
            if exit.is_some_and(|(_, exit)| exit <= at.start)
                && !skip.contains(&process)
                && !here.contains_key(&process)
            {
                here.insert(process, Some(RuledOut::new(process, Reason::ExitedBefore)));
            }
        }
    }

    /// The event that clears each: its last close before, its first open after, the success that a hold of its would have
    /// refused.
    fn show_events(&self, failing: Failing<'_>, track: &Track, cleared: &mut [RuledOut]) {
        if cleared.is_empty() || self.work.is_spent() {
            return;
        }
        let middle = track.ops.partition_point(|at| self.tick(*at) < self.tick(failing.index));
        let (before, after) = track.ops.split_at_checked(middle).unwrap_or((&[], &[]));
        let before = before.iter().rev().take(MAX_NEAR).filter_map(|at| self.op(*at));
        let after = after.iter().take(MAX_NEAR).filter_map(|at| self.op(*at));
        let mut near: FxHashMap<ProcessId, Near> = FxHashMap::default();
        for (op, past) in before.map(|op| (op, true)).chain(after.map(|op| (op, false))) {
            let seen = near.entry(op.process).or_default();
            let slot = match op.kind {
                OpKind::Cleanup if past => &mut seen.closed,
                OpKind::Cleanup => &mut seen.closes,
                OpKind::Create(_) if !opens(op) => &mut seen.refused,
                OpKind::Create(_) if !past => &mut seen.opens,
                _ => continue,
            };
            slot.get_or_insert(op.event);
        }
        self.work.spend(MAX_NEAR);
        for entry in cleared.iter_mut().filter(|entry| entry.event.is_none()) {
            let seen = near.get(&entry.process).copied().unwrap_or_default();
            entry.event = match entry.reason {
                Reason::ClosedBefore => seen.closed,
                Reason::OpenedAfter => seen.opens,
                Reason::StillFailingAfterRelease => seen.closes.or(seen.closed),
                Reason::OwnOpenFailed | Reason::OpenNotCompleted => seen.refused,
                Reason::ExitedBefore => {
                    let exit = self.exits.get(entry.process.0 as usize).copied().flatten();
                    exit.and_then(|(op, _)| Some(self.op(op?)?.event))
                }
                Reason::ShownClosedByLaterSuccess => {
                    let of = |hold: u32| track.holds.get(hold as usize).map(|hold| hold.process);
                    let refuted = track.refutations().take(MAX_NEAR).find(|one| of(one.hold) == Some(entry.process));
                    refuted.and_then(|one| Some(self.op(one.by)?.event))
                }
                _ => None,
            };
        }
    }

    fn past_or_future(&self, track: &Track, process: ProcessId, at: Instant) -> Option<Reason> {
        let mut last: Option<FileTime> = None;
        let mut ahead = false;
        let mut over = false;
        for (from, to, _) in track.process_spans_near(process, at) {
            if to <= at.start {
                last = last.max(Some(to));
            } else if from >= at.end {
                ahead = true;
            } else {
                over = true;
            }
        }
        let dead = track.shown_closed.get(&process).is_some_and(|dead| *dead <= at.start);
        if over {
            // Its handles are there and do not matter to this failure, unless a success showed them gone.
            return dead.then_some(Reason::ShownClosedByLaterSuccess);
        }
        if let Some(time) = last {
            let exit = self.exits.get(process.0 as usize).copied().flatten();
            let by_exit =
                exit.is_some_and(|(_, exit)| exit == time)
                    && track.holds.iter().take(65_536).any(|hold| {
                        hold.process == process && matches!(hold.ended, Ended::Exit(_, exit) if exit == time)
                    });
            let mapped = exit.is_some_and(|(_, exit)| exit <= at.start) && track.maps(process);
            return Some(if by_exit || mapped { Reason::ExitedBefore } else { Reason::ClosedBefore });
        }
        // VI-8: a handle without an open it may have inherited from somebody who had it by then.
        let opened =
            |hold: &HoldRec| hold.process == process && hold.opened.is_some_and(|(_, open)| open.start >= at.end);
        (ahead && track.holds.iter().take(65_536).any(opened)).then_some(Reason::OpenedAfter)
    }
}
