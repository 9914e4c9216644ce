//! Evidence around a failure: which suspects stand, what release ended it, and what may be behind it unseen (AT-9 to AT-12).

use crate::capture::op::{EventIndex, OpKind, ProcessId, ProcessInfo};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::{only_creates, wanted};
use crate::locks::file::sections::Kind;
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, Edge, Explanation, Finding, Mechanism, Party, Reason, Release, RuledOut};
use crate::locks::identity::NONE;
use crate::locks::rules::mapping::MAY_WRITE_DATA;
use crate::locks::rules::suspect::{Blockers, Suspect};
use crate::locks::spans::Instant;
use crate::nt::kernel_held::kernel_holds;
use crate::nt::{FileTime, NtStatus, ShareAccess};
use rustc_hash::FxHashSet;

impl Engine<'_> {
    /// Decides between suspects of different strength. Returns those cleared by it.
    pub(crate) fn settle(&mut self, failing: Failing<'_>, blockers: &mut Blockers) -> Vec<RuledOut> {
        let shown = |(process, success): &(ProcessId, EventIndex)| RuledOut {
            event: Some(*success),
            ..RuledOut::new(*process, Reason::ShownClosedByLaterSuccess)
        };
        let mut cleared: Vec<RuledOut> = blockers.refuted.iter().map(shown).collect();
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
        self.weigh_unopened(failing, blockers);
        blockers.considered = blockers.suspects.iter().map(|suspect| suspect.holder.party.process()).collect();
        let stood = blockers.suspects.iter().filter(|suspect| suspect.stood || suspect.elsewhere);
        blockers.stood = stood.map(|suspect| suspect.holder.party.process()).collect();
        // What they let go was not all they had: nothing shows the end of a mapping.
        let mapping = self.mapping_throughout(failing);
        // AT-10: a mere possibility that left while the operation went on failing was not sufficient.
        blockers.suspects.retain(|suspect| {
            let out =
                suspect.left_early && suspect.holder.confidence == Confidence::Possible && !failing.every_open_counts();
            let process = suspect.holder.party.process();
            if out && process != failing.op.process && !mapping.contains(&process) {
                cleared.push(RuledOut::new(process, Reason::StillFailingAfterRelease));
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
            .filter(|suspect| !failing.every_open_counts() && !is_mapping(suspect.holder.mechanism))
            .filter_map(|suspect| {
                let (end, _) = suspect.end.filter(|(_, end)| end.end <= last)?;
                let event = self.op(end).map(|op| op.event);
                let process = Some(suspect.holder.party.process()).filter(|process| !mapping.contains(process))?;
                Some(RuledOut { event, ..RuledOut::new(process, Reason::StillFailingAfterRelease) })
            })
            .collect();
        let best = |suspects: &[Suspect]| suspects.iter().map(|suspect| suspect.holder.confidence).max();
        match best(&blockers.suspects) {
            // Every open keeps a pending delete alive.
            _ if failing.op.status == NtStatus::DELETE_PENDING => {}
            // What is proven explains the failure; what was only inferred to complete the picture is not needed.
            Some(Confidence::Proven) => {
                let proven = |suspect: &&Suspect| suspect.holder.confidence == Confidence::Proven;
                let proven = blockers.suspects.iter().filter(proven);
                let ends: Vec<_> = proven.clone().filter_map(|suspect| suspect.end).collect();
                let proven: FxHashSet<Party> = proven.map(|suspect| suspect.holder.party).collect();
                blockers.suspects.retain_mut(|suspect| {
                    // AT-6: who closed the very handle may have had a copy by then.
                    if suspect.counterpart && suspect.inferred && suspect.end.is_some_and(|end| ends.contains(&end)) {
                        suspect.holder.confidence = Confidence::Possible;
                        return true;
                    }
                    suspect.holder.confidence >= Confidence::Likely && !suspect.inferred
                        || suspect.beside && !proven.contains(&suspect.holder.party)
                });
            }
            Some(Confidence::Likely) => {
                // AT-2: what would suffice, were that spelling the file's, may well be what the likely one is taken for.
                let may_suffice = |suspect: &Suspect| suspect.elsewhere && !suspect.inferred;
                blockers.suspects.retain(|suspect| {
                    suspect.holder.confidence >= Confidence::Likely
                        || suspect.counterpart
                        || suspect.beside
                        || may_suffice(suspect)
                });
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
        {
            let filters = self.filters_in_stack(failing).into_iter();
            blockers.suspects.extend(filters.map(|holder| Suspect { inferred: true, ..Suspect::of(holder) }));
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
        cleared
    }

    /// AT-6: of several handles that only their close after a refusal shows, each may be the one, where access and sharing matter.
    fn weigh_unopened(&self, failing: Failing<'_>, blockers: &mut Blockers) {
        let likely = |suspect: &&mut Suspect| suspect.holder.confidence >= Confidence::Likely;
        let unopened = |suspect: &Suspect| {
            !matches!(suspect.holder.hold.start, Edge::At(..))
                && suspect.inferred
                && suspect.holder.hold.share.is_none()
        };
        let handles = |suspect: &Suspect| suspect.holder.mechanism == Mechanism::OpenHandle;
        if failing.op.status != NtStatus::SHARING_VIOLATION {
            return;
        }
        let mut those: Vec<&mut Suspect> = blockers.suspects.iter_mut().filter(likely).collect();
        // What one was used for may show its conflict; the others are not needed then.
        let shown = |suspect: &Suspect| {
            !matches!(suspect.holder.hold.start, Edge::At(..))
                && !suspect.inferred
                && !suspect.holder.conflicts.is_empty()
        };
        if those.iter().any(|suspect| shown(suspect))
            || those.len() > 1 && those.iter().all(|suspect| unopened(suspect) && handles(suspect))
        {
            let doubtful = those.iter_mut().filter(|suspect| unopened(suspect) && handles(suspect));
            doubtful.for_each(|suspect| suspect.holder.confidence = Confidence::Possible);
        }
    }

    /// AT-7: whether nothing shows that the process was still there, and another had its PID soon after or no end of a process
    /// is recorded.
    fn may_have_ended(&self, process: ProcessId, at: Instant) -> bool {
        let exit = self.exits.get(process.0 as usize).copied().flatten();
        let Some(info) = self.log.processes.get(process.0 as usize).filter(|info| info.ended.is_none()) else {
            return false;
        };
        let unseen = info.last_shown.is_some_and(|last| last < at.end);
        let later = self.log.ops.partition_point(|op| op.start < at.end);
        (unseen || info.replaced.is_some() && matches!(exit, Some((None, _))))
            && !self.log.ops.get(later..).unwrap_or(&[]).iter().any(|op| op.process == process)
    }

    /// The close that ended the blocking, and the success that confirms it (AT-10).
    pub(crate) fn release(&mut self, failing: Failing<'_>, blockers: &Blockers, finding: &mut Finding) {
        if !blockers.suspects.iter().any(|suspect| suspect.holder.confidence >= Confidence::Likely) {
            return;
        }
        // Who merely may have kept a pending name, or have the file mapped, as well is told, and says nothing of its release.
        let shown = |suspect: &&Suspect| suspect.holder.confidence >= Confidence::Likely || suspect.counterpart;
        let ends: Option<Vec<_>> = blockers.suspects.iter().filter(shown).map(|suspect| suspect.end).collect();
        let Some((op, at)) = ends.and_then(|ends| ends.into_iter().max_by_key(|(_, at)| (at.start, at.end))) else {
            return;
        };
        let Some(release) = self.op(op) else { return };
        if at.end <= failing.at.start {
            return;
        }
        // What ended after the operation had gone through released nothing.
        let done = failing.burst.success.and_then(|at| self.op(at));
        if done.is_some_and(|done| Instant::of(done).end <= at.start) {
            return;
        }
        finding.released_by = Some(Release { event: release.event, process: release.process, time: release.start });
        let Some(success) = failing.burst.success else { return };
        let Some(done) = self.op(success) else { return };
        // The last failure lies before the release, the success after it, and nobody else let go in between.
        if failing.burst.last.start > at.end || Instant::of(done).end < at.start {
            return;
        }
        let implicated = blockers.suspects.iter().filter(shown).map(|suspect| suspect.holder.party.process());
        let implicated: FxHashSet<ProcessId> = implicated.collect();
        // AT-10: who had let go by the last refusal was not needed for that one, and what he let go later is another's.
        let left = |suspect: &Suspect| suspect.end.is_some_and(|(_, end)| end.end <= failing.burst.last.start);
        let remaining = blockers.suspects.iter().filter(shown).filter(|suspect| !left(suspect));
        let remaining: FxHashSet<ProcessId> = remaining.map(|suspect| suspect.holder.party.process()).collect();
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
            || self.another_let_go(failing, &track, (from, to), &remaining)
            || self.double_let_go(failing, link, success, (&blockers.considered, &remaining));
        if !others {
            finding.confirmed_by = Some(done.event);
            let alone = blockers.suspects.iter().filter(|suspect| !left(suspect)).count() == 1;
            for (holder, suspect) in finding.holders.iter_mut().zip(&blockers.suspects) {
                holder.confirmed = suspect.end.is_some_and(|(end, _)| end == op);
                // The one doubt left was answered: the operation failed while this stood and succeeded once it was gone.
                if alone
                    && holder.confirmed
                    && suspect.settled_by_release
                    && (holder.mechanism == Mechanism::OpenHandle
                        || !self.is_mapped_anew(failing, &track, holder.party.process(), at))
                {
                    holder.confidence = holder.confidence.max(self.whole());
                }
            }
        }
    }

    /// Whether a process mapped the file once more between the refusal and `until`, so that it may not have been mapped at first.
    fn is_mapped_anew(&self, failing: Failing<'_>, track: &Track, process: ProcessId, until: Instant) -> bool {
        let by_then = Instant::point(FileTime(until.start.0.saturating_sub(1)));
        let later = |made: u32| self.op(made).is_some_and(|op| op.start >= failing.at.end);
        track.sections.iter().any(|(_, sections)| {
            let standing = sections.at(by_then, &self.exits, self.options.limit);
            standing.iter().any(|section| section.process == process && section.made.is_some_and(later))
        })
    }

    /// VI-12: whether a sharing violation met a file that the kernel holds for as long as Windows runs.
    pub(crate) fn is_kernel_held(&self, failing: Failing<'_>) -> bool {
        failing.op.status == NtStatus::SHARING_VIOLATION && kernel_holds(self.log.paths.get(failing.op.path)).is_some()
    }

    /// AT-9: what may stand behind a failure that nobody visible explains, most likely first.
    pub(crate) fn explanations(&mut self, failing: Failing<'_>, link: u32, finding: &Finding) -> Vec<Explanation> {
        let mut list = Vec::new();
        let coverage = self.log.coverage;
        if self.is_kernel_held(failing) {
            list.push(Explanation::KernelHeld); // VI-12
        }
        let few = matches!(coverage.active_processes, 1 | 2) || coverage.third_parties == Some(0);
        let filtered = few || coverage.lacks_closes();
        if filtered {
            list.push(Explanation::OutsideFilter); // AT-12
        }
        if coverage.sequence_gaps.is_some_and(|gaps| gaps > 0) || coverage.unreadable > 0 {
            list.push(Explanation::EventsMissing);
        }
        if may_refuse(failing, Kind::Image) || may_refuse(failing, Kind::Unknown { writable: None }) {
            list.push(Explanation::Mapping);
        }
        if failing.op.status == NtStatus::CANNOT_DELETE && self.refused_read_only(failing).is_none() {
            list.push(Explanation::ReadOnlyAttribute); // DP-10
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
        NtStatus::SHARING_VIOLATION if only_creates(failing.op) => false,
        NtStatus::SHARING_VIOLATION => {
            let wanted = wanted(failing.op);
            let shares_write = wanted.grant.share.contains(ShareAccess::WRITE);
            // Undecided for an open that only asks for attributes.
            (kind.image() && wanted.effective.intersects(MAY_WRITE_DATA)) || (kind.may_write() && !shares_write)
        }
        _ => false,
    }
}

/// Whether it is a mapping, which may have ended long before its process did (MM-5).
const fn is_mapping(mechanism: Mechanism) -> bool {
    matches!(mechanism, Mechanism::ImageMapping | Mechanism::DataMapping)
}
