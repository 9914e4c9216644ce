//! Evidence around a failure: retries and their end, releases, and why the others are not to blame (AT-9 to AT-12).

use super::attribute::{Blockers, Failing, MAX_PARTIES, Suspect};
use super::engine::Engine;
use super::failure::{Cause, wanted};
use super::finding::{Attribution, Confidence, DeleteHow, Edge, Explanation, Finding, Reason, Release, RuledOut};
use super::hold::{Ended, Fit, HoldRec};
use super::identity::{NONE, opens};
use super::mapping::Kind;
use super::spans::Instant;
use crate::capture::op::{EventIndex, OpKind, PathId, ProcessId, ProcessInfo};
use crate::nt::kernel_held::kernel_holds;
use crate::nt::path::{normalize, volume_device};
use crate::nt::{AccessMask, FileTime, NtStatus, ShareAccess};
use rustc_hash::{FxHashMap, FxHashSet};

/// At most this many processes are listed as cleared.
const MAX_CLEARED: usize = 64;
/// Operations on either side of a failure searched for the event that clears somebody.
const MAX_NEAR: usize = 1024;

/// What one process did to the file nearest to a failure.
#[derive(Clone, Copy, Default)]
struct Near {
    closed: Option<EventIndex>,
    closes: Option<EventIndex>,
    opens: Option<EventIndex>,
    refused: Option<EventIndex>,
}

impl Engine<'_> {
    /// Decides between suspects of different strength. Returns those cleared by it.
    pub(crate) fn settle(&self, failing: Failing<'_>, blockers: &mut Blockers) -> Vec<RuledOut> {
        let mut cleared: Vec<RuledOut> =
            blockers.refuted.iter().map(|process| RuledOut::new(*process, Reason::ShownClosedByLaterSuccess)).collect();
        for suspect in &mut blockers.suspects {
            if self.may_have_ended(suspect.holder.party.process(), failing.at) {
                suspect.holder.confidence = Confidence::Possible;
            }
            if let Edge::At(_, since) = suspect.holder.hold.start
                && self.log.coverage.is_torn(since, failing.at.start)
            {
                suspect.holder.confidence = suspect.holder.confidence.min(Confidence::Likely);
                suspect.settled_by_release = false;
            }
        }
        blockers.considered = blockers.suspects.iter().map(|suspect| suspect.holder.party.process()).collect();
        // AT-10: a mere possibility that left while the operation went on failing was not sufficient.
        blockers.suspects.retain(|suspect| {
            let out = suspect.left_early && suspect.holder.confidence == Confidence::Possible;
            if out && suspect.holder.party.process() != failing.op.process {
                let reason = Reason::StillFailingAfterRelease;
                cleared.push(RuledOut::new(suspect.holder.party.process(), reason));
            }
            !out
        });
        // VI-12: the kernel holds it anyway; only an open that the capture itself shows is another's doing.
        if self.is_kernel_held(failing) {
            blockers.suspects.retain(|suspect| {
                let process = suspect.holder.party.process();
                suspect.holder.confidence == Confidence::Proven
                    && !self.log.processes.get(process.0 as usize).is_some_and(ProcessInfo::is_system)
            });
        }
        // AT-10: who left while the operation went on failing is cleared by that where others explain it.
        let last = failing.burst.last.start;
        let left: Vec<RuledOut> = blockers
            .suspects
            .iter()
            .filter_map(|suspect| {
                let (end, _) = suspect.end.filter(|(_, end)| end.end <= last)?;
                let event = self.op(end).map(|op| op.event);
                let process = suspect.holder.party.process();
                Some(RuledOut { event, ..RuledOut::new(process, Reason::StillFailingAfterRelease) })
            })
            .collect();
        let best = |suspects: &[Suspect]| suspects.iter().map(|suspect| suspect.holder.confidence).max();
        match best(&blockers.suspects) {
            // What is proven explains the failure; what was only inferred to complete the picture is not needed.
            // Every open keeps a pending delete alive, so there only mere possibilities fall away.
            Some(Confidence::Proven) => {
                let all_count = failing.op.status == NtStatus::DELETE_PENDING;
                blockers.suspects.retain(|suspect| {
                    suspect.holder.confidence >= Confidence::Likely && (all_count || !suspect.inferred)
                });
            }
            Some(Confidence::Likely) => {
                blockers
                    .suspects
                    .retain(|suspect| suspect.holder.confidence >= Confidence::Likely || suspect.counterpart);
            }
            _ => {}
        }
        let stays = |process| blockers.suspects.iter().any(|suspect| suspect.holder.party.process() == process);
        cleared.extend(left.into_iter().filter(|one| one.process != failing.op.process && !stays(one.process)));
        // VI-3: nobody visible but perhaps the victim itself; a filter driver stands in the stack of the failing operation, or
        // of a slow one on the file, and may be behind it.
        if blockers
            .suspects
            .iter()
            .all(|suspect| suspect.holder.victim && suspect.holder.confidence == Confidence::Possible)
            && !blockers.nobody
            && failing.op.status != NtStatus::ACCESS_DENIED
            && !self.is_kernel_held(failing)
            && let Some(holder) = self.filter_in_stack(failing)
        {
            blockers.suspects.push(Suspect {
                holder,
                inferred: true,
                left_early: false,
                settled_by_release: false,
                counterpart: false,
                end: None,
            });
        }
        let event = |edge: Edge| match edge {
            Edge::At(event, _) => event.0,
            Edge::BeforeCapture => 0,
            _ => u64::MAX,
        };
        blockers.suspects.sort_by_key(|suspect| {
            let holder = &suspect.holder;
            (holder.victim, std::cmp::Reverse(holder.confidence), event(holder.hold.start), holder.party)
        });
        blockers.truncated |= blockers.suspects.len() > MAX_PARTIES;
        blockers.suspects.truncate(MAX_PARTIES);
        cleared
    }

    /// AT-7: whether nothing shows that the process was still there, and another had its PID soon after.
    fn may_have_ended(&self, process: ProcessId, at: Instant) -> bool {
        let exit = self.exits.get(process.0 as usize).copied().flatten();
        let replaced = self
            .log
            .processes
            .get(process.0 as usize)
            .is_some_and(|process| process.ended.is_none() && process.replaced.is_some());
        let later = self.log.ops.partition_point(|op| op.start < at.end);
        replaced
            && matches!(exit, Some((None, _)))
            && !self.log.ops.get(later..).unwrap_or(&[]).iter().any(|op| op.process == process)
    }

    /// The close that ended the blocking, and the success that confirms it (AT-10).
    pub(crate) fn release(&mut self, failing: Failing<'_>, blockers: &Blockers, finding: &mut Finding) {
        if !blockers.suspects.iter().any(|suspect| suspect.holder.confidence >= Confidence::Likely) {
            return;
        }
        let ends: Option<Vec<_>> = blockers.suspects.iter().map(|suspect| suspect.end).collect();
        let Some((op, at)) = ends.and_then(|ends| ends.into_iter().max_by_key(|(_, at)| (at.start, at.end))) else {
            return;
        };
        let Some(release) = self.op(op) else { return };
        if at.end <= failing.at.start {
            return;
        }
        finding.released_by = Some(Release { event: release.event, process: release.process, time: release.start });
        let Some(success) = failing.burst.success else { return };
        let Some(done) = self.op(success) else { return };
        // The last failure lies before the release, the success after it, and nobody else let go in between.
        if failing.burst.last.start > at.end || Instant::of(done).end < at.start {
            return;
        }
        let implicated: FxHashSet<ProcessId> = finding.holders.iter().map(|holder| holder.party.process()).collect();
        let link = self.subject(failing.index, failing.op);
        let track = self.track(self.names.file(link));
        let from = track.ops.partition_point(|at| self.tick(*at) <= self.tick(failing.index));
        let to = track.ops.partition_point(|at| self.tick(*at) < self.tick(success));
        // AT-10: of several that let go in between, none is confirmed.
        let last = failing.burst.last.end;
        let mut let_go: Vec<ProcessId> = blockers
            .suspects
            .iter()
            .filter(|suspect| suspect.end.is_some_and(|(_, end)| end.start >= last))
            .filter(|suspect| !suspect.counterpart)
            .map(|suspect| suspect.holder.party.process())
            .collect();
        let_go.sort_unstable();
        let_go.dedup();
        let others = let_go.len() > 1
            || track.ops.get(from..to).unwrap_or(&[]).iter().take(4096).filter_map(|at| self.op(*at)).any(|op| {
                matches!(op.kind, OpKind::Cleanup)
                    && op.start >= failing.burst.last.start
                    && blockers.considered.contains(&op.process)
                    && !implicated.contains(&op.process)
                    && op.process != failing.op.process
            });
        let others = others
            || self.log.coverage.is_torn(failing.burst.last.start, Instant::of(done).end)
            || self.another_let_go(failing, &track, (from, to), &implicated);
        if !others {
            finding.confirmed_by = Some(done.event);
            for (holder, suspect) in finding.holders.iter_mut().zip(&blockers.suspects) {
                holder.confirmed = suspect.end.is_some_and(|(end, _)| end == op);
                // The one doubt left was answered: the operation failed while this stood and succeeded once it was gone.
                if blockers.suspects.len() == 1 && holder.confirmed && suspect.settled_by_release {
                    holder.confidence = holder.confidence.max(self.whole());
                }
            }
        }
    }

    /// Why each other process that had to do with the file is not to blame.
    pub(crate) fn clear_others(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        finding: &Finding,
        considered: &[ProcessId],
        cleared: &mut Vec<RuledOut>,
    ) {
        if link == NONE {
            return;
        }
        let at = failing.at;
        let mut known: FxHashSet<ProcessId> = finding.holders.iter().map(|holder| holder.party.process()).collect();
        known.insert(failing.op.process);
        cleared.retain(|entry| known.insert(entry.process));
        // Who was a suspect for a moment is not cleared by having the file open.
        known.extend(considered);
        let file = self.names.file(link);
        let track = self.track(file);
        let counted = |hold: &HoldRec| match hold.grant {
            Some(grant) if !grant.possible.is_empty() => Fit::Yes,
            Some(_) => Fit::No,
            None => Fit::Maybe,
        };
        // Who may have the file mapped still is not cleared by its close where a mapping alone would explain the failure.
        let unexplained = finding.attribution == Attribution::NotVisible;
        let mapped: FxHashSet<ProcessId> = if unexplained {
            let sections = track.sections.at(at, &self.exits, self.options.limit);
            sections.iter().filter(|one| may_refuse(failing, one.kind)).map(|one| one.process).collect()
        } else {
            FxHashSet::default()
        };
        let mut alive: FxHashMap<ProcessId, Reason> = FxHashMap::default();
        let pending = finding.cause == Cause::DeletePending;
        let share = finding.cause == Cause::ShareConflict;
        let posix = finding.deleted_by.is_some_and(|mark| mark.how == DeleteHow::PosixDisposition);
        let gone = self.unkept(&track, link, at).filter(|_| pending && !posix);
        let outlasting: FxHashSet<ProcessId> = match gone {
            Some(gone) => {
                let outlast = |hold: &&HoldRec| hold.link == link && hold.outlasts(gone) && hold.paired_alive(at);
                track.holds.iter().take(65_536).filter(outlast).map(|hold| hold.process).collect()
            }
            None => FxHashSet::default(),
        };
        // SA-2: who asks for nothing that counts conflicts with nobody. SA-6: streams are independent but for deletion.
        let counts = !wanted(failing.op).grant.possible.is_empty();
        let create = matches!(failing.op.kind, OpKind::Create(_));
        let stream = self.names.place(failing.index).stream;
        let mut sparing: FxHashMap<ProcessId, &'static str> = FxHashMap::default();
        for (group, weighed) in track.weigh(at, self.options.limit, &self.work, &counted).0 {
            let Some(group) = track.groups.get(group as usize) else { continue };
            if !weighed.any {
                continue;
            }
            let reason = if pending && group.link != link {
                Reason::OtherLink
            } else if pending && outlasting.contains(&group.process) {
                Reason::OutlastedTheName
            } else if share && weighed.possible {
                Reason::CompatibleSharing
            } else if share {
                Reason::AttributesOnly
            } else if pending && posix {
                Reason::NotTheMarker
            } else {
                continue;
            };
            let rule = match reason {
                Reason::CompatibleSharing if create && !counts => "SA-2",
                Reason::CompatibleSharing if create && group.stream != stream => "SA-6",
                reason => reason.rule(),
            };
            let known = alive.get(&group.process);
            if known.is_none_or(|known| reason < *known) {
                sparing.insert(group.process, rule);
            }
            alive.entry(group.process).and_modify(|known| *known = (*known).min(reason)).or_insert(reason);
        }
        if self.work.is_spent() {
            return; // what is left of the work goes to holders
        }
        self.work.spend(8 * track.processes.len().min(1024));
        for process in track.processes.keys().take(1024) {
            if known.contains(process) {
                continue;
            }
            let reason = match alive.get(process) {
                Some(reason) => Some(*reason),
                None => self.past_or_future(&track, *process, at),
            };
            if let Some(reason) = reason
                && !(reason == Reason::ClosedBefore && mapped.contains(process))
            {
                known.insert(*process);
                let nearer = alive.get(process).and(sparing.get(process)).copied();
                cleared.push(RuledOut { rule: nearer.unwrap_or(reason.rule()), ..RuledOut::new(*process, reason) });
            }
        }
        for process in track.sections.processes().take(1024) {
            let exit = self.exits.get(process.0 as usize).copied().flatten();
            if exit.is_some_and(|(_, exit)| exit <= at.start) && known.insert(process) {
                cleared.push(RuledOut::new(process, Reason::ExitedBefore));
            }
        }
        for process in track.refused_opens.keys().take(1024) {
            if known.insert(*process) {
                cleared.push(RuledOut::new(*process, Reason::OwnOpenFailed));
            }
        }
        for process in track.pending_opens.keys().take(1024) {
            if known.insert(*process) {
                cleared.push(RuledOut::new(*process, Reason::OpenNotCompleted));
            }
        }
        self.show_events(failing, &track, cleared);
        // VI-7: who closed before a missing file of the capture may have opened anew in it.
        cleared.retain(|entry| {
            let closed =
                entry.event.filter(|_| entry.reason == Reason::ClosedBefore).and_then(|event| self.find(event));
            !closed.and_then(|at| self.op(at)).is_some_and(|close| self.log.coverage.is_torn(close.start, at.start))
        });
        let tick = self.tick(failing.index);
        let earlier: Vec<(u32, Reason)> = self.names.predecessors(link).map(|link| (link, Reason::OtherFile)).collect();
        let elsewhere: Vec<(u32, Reason)> = self
            .names
            .namesakes(link)
            .take(4096)
            .filter(|stay| stay.from <= tick && tick < stay.to && stay.link != link)
            .map(|stay| (stay.link, Reason::SameNameOtherFile))
            .take(8)
            .collect();
        for (other_link, reason) in earlier.into_iter().chain(elsewhere) {
            let other = self.names.file(other_link);
            if other == file {
                continue;
            }
            let track = self.track(other);
            for (group, weighed) in track.weigh(at, 64, &self.work, &|_| Fit::Yes).0 {
                let hold = weighed.holds.first().and_then(|hold| track.holds.get(*hold as usize));
                if let Some(group) = track.groups.get(group as usize)
                    && weighed.sure
                    && hold.is_some_and(|hold| {
                        reason != Reason::SameNameOtherFile || self.is_another_file(failing, link, other_link, hold)
                    })
                    && known.insert(group.process)
                {
                    cleared.push(RuledOut::new(group.process, reason));
                }
            }
        }
        // By the number people know them by, so that the order does not depend on the source.
        let pid = |process: ProcessId| self.log.processes.get(process.0 as usize).map_or(0, |process| process.pid);
        cleared.sort_by_key(|entry| (entry.reason, pid(entry.process), entry.process));
        cleared.truncate(MAX_CLEARED);
    }

    /// The event that clears each: its last close before, its first open after, the success that a hold of its would have
    /// refused.
    fn show_events(&self, failing: Failing<'_>, track: &super::replay::Track, cleared: &mut [RuledOut]) {
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
                    let refuted =
                        track.false_conflicts.iter().take(MAX_NEAR).find(|one| of(one.hold) == Some(entry.process));
                    refuted.and_then(|one| Some(self.op(one.by)?.event))
                }
                _ => None,
            };
        }
    }

    /// Whether a file of the same name in another folder is surely another file. An older one may have a hard link there,
    /// made before the capture; one born in it would show the link, and transactions share no files.
    fn is_another_file(&self, failing: Failing<'_>, link: u32, other: u32, hold: &HoldRec) -> bool {
        let path = |path: PathId| normalize(self.log.paths.get(path), &self.log.roots).to_ascii_lowercase();
        let (own, theirs) = (path(failing.op.path), path(hold.path));
        // A volume that nothing ties to a letter may be the same one.
        let known = volume_device(&own).is_none() && volume_device(&theirs).is_none();
        let in_flight = |path: &str| path.contains(r"\winsxs\temp\inflight\");
        let born = self.names.born(link).is_some() || self.names.born(other).is_some();
        known && (born || (in_flight(&own) && in_flight(&theirs)))
    }

    fn past_or_future(&self, track: &super::replay::Track, process: ProcessId, at: Instant) -> Option<Reason> {
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
            let mapped = exit.is_some_and(|(_, exit)| exit <= at.start) && track.sections.maps(process);
            return Some(if by_exit || mapped { Reason::ExitedBefore } else { Reason::ClosedBefore });
        }
        ahead.then_some(Reason::OpenedAfter)
    }

    /// VI-12: whether a sharing violation met a file that the kernel holds for as long as Windows runs.
    fn is_kernel_held(&self, failing: Failing<'_>) -> bool {
        failing.op.status == NtStatus::SHARING_VIOLATION && kernel_holds(self.log.paths.get(failing.op.path)).is_some()
    }

    /// AT-9: what may stand behind a failure that nobody visible explains, most likely first.
    pub(crate) fn explanations(&self, failing: Failing<'_>, link: u32, finding: &Finding) -> Vec<Explanation> {
        let mut list = Vec::new();
        let coverage = self.log.coverage;
        if self.is_kernel_held(failing) {
            list.push(Explanation::KernelHeld); // VI-12
        }
        let few = matches!(coverage.active_processes, 1 | 2) || coverage.third_parties == Some(0);
        let filtered = few || (coverage.creates > 0 && coverage.cleanups == 0);
        if filtered {
            list.push(Explanation::OutsideFilter); // AT-12
        }
        if coverage.sequence_gaps.is_some_and(|gaps| gaps > 0) {
            list.push(Explanation::EventsMissing);
        }
        if may_refuse(failing, Kind::Image) || may_refuse(failing, Kind::Unknown { writable: None }) {
            list.push(Explanation::Mapping);
        }
        let below = failing.op.status != NtStatus::ACCESS_DENIED;
        if finding.born_in_capture {
            // AT-5: nobody older can hold it, so somebody unseen does.
            if below {
                list.push(Explanation::FilterBelowProcmonAltitude);
            }
            list.push(Explanation::InheritedOrDuplicatedHandle);
        } else {
            list.push(Explanation::OpenBeforeCapture);
            if below {
                list.push(Explanation::FilterBelowProcmonAltitude);
            }
            if link != NONE {
                list.push(Explanation::InheritedOrDuplicatedHandle);
            }
        }
        list.push(Explanation::SmbClient); // VI-5
        list
    }
}

/// Whether a section alone can have refused the operation: by its status, or an open by MM-2 or SA-8.
fn may_refuse(failing: Failing<'_>, kind: Kind) -> bool {
    let create = matches!(failing.op.kind, OpKind::Create(_)); // MM-2, MM-4
    match failing.op.status {
        NtStatus::CANNOT_DELETE => kind.image() || (!create && kind.data()),
        NtStatus::USER_MAPPED_FILE => kind.data() || (!create && kind.image()),
        NtStatus::SHARING_VIOLATION => {
            let wanted = wanted(failing.op);
            let shares_write = wanted.grant.share.contains(ShareAccess::WRITE);
            let may_write = kind.writable() || kind == Kind::Unknown { writable: None };
            (kind.image() && wanted.effective.intersects(AccessMask::WRITE_DATA)) || (may_write && !shares_write) // undecided for an open that only asks for attributes
        }
        _ => false,
    }
}
