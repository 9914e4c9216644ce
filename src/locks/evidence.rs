//! Evidence around a failure: retries and their end, releases, and why the others are not to blame (AT-9 to AT-12).

use super::attribute::{Blockers, Failing, MAX_PARTIES, Suspect};
use super::engine::Engine;
use super::failure::{Cause, is_lock_failure, requested, wanted};
use super::finding::{
    Burst, Confidence, DeleteHow, Edge, Explanation, Finding, Mechanism, Party, Reason, Release, RuledOut,
};
use super::hold::{Ended, Fit, HoldRec};
use super::identity::{NONE, opens, succeeded};
use super::spans::Instant;
use crate::capture::op::{Op, OpKind, ProcessId};
use crate::nt::path::{fold, leaf};
use crate::nt::{FileTime, NtStatus, Ticks};
use rustc_hash::{FxHashMap, FxHashSet};

/// At most this many processes are listed as cleared.
const MAX_CLEARED: usize = 64;

/// How the retries of a failure went on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BurstEnd {
    pub(crate) number: usize,
    /// The last failure.
    pub(crate) last: Instant,
    /// The success that ended it (operation index).
    pub(crate) success: Option<u32>,
}

/// The retries of the failures asked about.
#[derive(Debug, Default)]
pub(crate) struct Bursts {
    list: Vec<(Vec<u32>, Instant, Option<u32>)>,
    of: FxHashMap<u32, usize>,
}

/// Operations that are retries of one another: same process, same name, same sort.
type Sort = (ProcessId, u32, u8);

fn sort_of(op: &Op, key: u32) -> Option<Sort> {
    let sort = match op.kind {
        OpKind::Create(_) | OpKind::QueryOpen { .. } => 0,
        OpKind::Rename { .. } | OpKind::Link { .. } => 1,
        OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. } => 2,
        OpKind::SetEndOfFile(_) | OpKind::SetAllocation(_) => 3,
        OpKind::Lock { .. } => 4,
        OpKind::Read { .. } => 5,
        OpKind::Write { .. } => 6,
        _ => return None,
    };
    Some((op.process, key, sort))
}

/// Whether `now` shows that what refused `then` is gone.
fn overcomes(then: &Op, now: &Op) -> bool {
    match then.kind {
        OpKind::Create(_) | OpKind::QueryOpen { .. } => {
            if then.status == NtStatus::DELETE_PENDING {
                let gone = matches!(now.status, NtStatus::OBJECT_NAME_NOT_FOUND | NtStatus::OBJECT_PATH_NOT_FOUND);
                return succeeded(now) || gone;
            }
            if !matches!(now.kind, OpKind::Create(_)) || !opens(now) {
                return false;
            }
            let (then, now) = (wanted(then), wanted(now));
            // It asked for no less and shared no more.
            now.grant.classes.contains(then.grant.classes) && then.grant.share.contains(now.grant.share)
        }
        OpKind::Lock { offset, length, .. } => {
            succeeded(now)
                && matches!(now.kind, OpKind::Lock { offset: o, length: l, .. } if o == offset && l == length)
        }
        OpKind::Rename { target, .. } | OpKind::Link { target, .. } => {
            succeeded(now)
                && matches!(now.kind, OpKind::Rename { target: t, .. } | OpKind::Link { target: t, .. } if t == target)
        }
        OpKind::Read { .. } | OpKind::Write { .. } => {
            let (Some(then), Some(range)) = (requested(then).range, requested(now).range) else { return false };
            let end = |range: super::finding::Range| i128::from(range.offset) + i128::from(range.length);
            succeeded(now) && range.offset <= then.offset && end(range) >= end(then)
        }
        _ => succeeded(now),
    }
}

impl Bursts {
    /// Groups the failures `wanted` (operation indices, ascending).
    pub(crate) fn group(engine: &Engine<'_>, wanted: &[u32]) -> Self {
        let sorts: FxHashSet<Sort> = wanted
            .iter()
            .filter_map(|at| engine.op(*at).and_then(|op| sort_of(op, engine.names.key(op.path))))
            .collect();
        let targets: FxHashSet<u32> = wanted.iter().copied().collect();
        let mut bursts = Self::default();
        // The bursts not yet ended, by sort and status.
        let mut open: FxHashMap<Sort, Vec<(NtStatus, usize, u32)>> = FxHashMap::default();
        for &at in &engine.order {
            let Some(op) = engine.op(at) else { continue };
            let sort = sort_of(op, engine.names.key(op.path)).filter(|sort| sorts.contains(sort));
            let Some(sort) = sort else {
                if targets.contains(&at) {
                    bursts.of.insert(at, bursts.list.len());
                    bursts.list.push((vec![at], Instant::of(op), None));
                }
                continue;
            };
            let running = open.entry(sort).or_default();
            running.retain(|(_, burst, first)| {
                let ends = engine.op(*first).is_some_and(|first| overcomes(first, op));
                if ends && let Some(entry) = bursts.list.get_mut(*burst) {
                    entry.2 = Some(at);
                }
                !ends
            });
            if !is_lock_failure(op) {
                continue;
            }
            let known = running.iter().find(|(status, ..)| *status == op.status).map(|(_, burst, _)| *burst);
            let burst = match known {
                Some(burst) => burst,
                None => {
                    running.push((op.status, bursts.list.len(), at));
                    bursts.list.push((Vec::new(), Instant::of(op), None));
                    bursts.list.len() - 1
                }
            };
            if let Some(entry) = bursts.list.get_mut(burst) {
                entry.1 = Instant::of(op);
                if targets.contains(&at) {
                    entry.0.push(at);
                    bursts.of.insert(at, burst);
                }
            }
        }
        bursts.renumber();
        bursts
    }

    /// Leaves out bursts with no failure asked about.
    fn renumber(&mut self) {
        let mut numbers = vec![0; self.list.len()];
        let mut kept = 0;
        for (burst, number) in self.list.iter().zip(&mut numbers) {
            *number = kept;
            kept += usize::from(!burst.0.is_empty());
        }
        self.list.retain(|burst| !burst.0.is_empty());
        for burst in self.of.values_mut() {
            *burst = numbers.get(*burst).copied().unwrap_or(0);
        }
    }

    pub(crate) fn end_of(&self, at: u32) -> BurstEnd {
        let number = self.of.get(&at).copied().unwrap_or(0);
        self.list
            .get(number)
            .map_or(BurstEnd { number, last: Instant::point(FileTime(0)), success: None }, |(_, last, success)| {
                BurstEnd { number, last: *last, success: *success }
            })
    }

    pub(crate) fn into_public(self, engine: &Engine<'_>) -> Vec<Burst> {
        self.list
            .into_iter()
            .map(|(failures, last, success)| {
                let first = failures.first().and_then(|at| engine.op(*at)).map_or(last.start, |op| op.start);
                let end = success.and_then(|at| engine.op(at)).map_or(last.end, |op| op.start);
                let mut failures: Vec<_> =
                    failures.into_iter().filter_map(|at| engine.op(at)).map(|op| op.event).collect();
                failures.sort_unstable();
                Burst {
                    failures,
                    first,
                    last: last.end,
                    success: success.and_then(|at| engine.op(at)).map(|op| op.event),
                    blocked: end.since(first),
                }
            })
            .collect()
    }
}

impl Engine<'_> {
    /// Decides between suspects of different strength. Returns those cleared by it.
    pub(crate) fn settle(&self, failing: Failing<'_>, blockers: &mut Blockers) -> Vec<RuledOut> {
        let mut cleared = Vec::new();
        blockers.considered = blockers.suspects.iter().map(|suspect| suspect.holder.party.process()).collect();
        // AT-10: a mere possibility that left while the operation went on failing was not sufficient.
        blockers.suspects.retain(|suspect| {
            let out = suspect.left_early && suspect.holder.confidence == Confidence::Possible;
            if out && suspect.holder.party.process() != failing.op.process {
                cleared.push(RuledOut {
                    process: suspect.holder.party.process(),
                    reason: Reason::StillFailingAfterRelease,
                });
            }
            !out
        });
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
        // VI-3: nobody visible, but the failing operation itself was issued by a filter driver.
        if blockers.suspects.is_empty()
            && !blockers.nobody
            && failing.op.status != NtStatus::ACCESS_DENIED
            && let Some(driver) = failing.op.driver
        {
            blockers.suspects.push(Suspect {
                holder: super::finding::Holder {
                    party: Party::Driver { driver, process: failing.op.process },
                    confidence: Confidence::Possible,
                    mechanism: Mechanism::FilterInStack,
                    rule: "VI-3",
                    handle_ambiguous: false,
                    hold: super::finding::Hold {
                        start: Edge::Unseen,
                        end: Edge::Unseen,
                        access: None,
                        share: None,
                        path: None,
                        range: None,
                    },
                    more: Vec::new(),
                    conflicts: Vec::new(),
                    victim: false,
                    smb_client: false,
                    confirmed: false,
                },
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
        let others = track.ops.get(from..to).unwrap_or(&[]).iter().take(4096).filter_map(|at| self.op(*at)).any(|op| {
            matches!(op.kind, OpKind::Cleanup)
                && op.start >= failing.burst.last.start
                && blockers.considered.contains(&op.process)
                && !implicated.contains(&op.process)
                && op.process != failing.op.process
        });
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
        let mut alive: FxHashMap<ProcessId, Reason> = FxHashMap::default();
        let pending = finding.cause == Cause::DeletePending;
        let share = finding.cause == Cause::ShareConflict;
        for (group, weighed) in track.weigh(at, self.options.limit, &self.work, &counted).0 {
            let Some(group) = track.groups.get(group as usize) else { continue };
            if !weighed.any {
                continue;
            }
            let reason = if pending && group.link != link {
                Reason::OtherLink
            } else if share && weighed.possible {
                Reason::CompatibleSharing
            } else if share {
                Reason::AttributesOnly
            } else if pending && finding.deleted_by.is_some_and(|mark| mark.how == DeleteHow::PosixDisposition) {
                Reason::CompatibleSharing // DP-6: only the marker keeps the name
            } else {
                continue;
            };
            alive.entry(group.process).and_modify(|known| *known = (*known).min(reason)).or_insert(reason);
        }
        for process in track.processes.keys().take(1024) {
            if known.contains(process) {
                continue;
            }
            let reason = match alive.get(process) {
                Some(reason) => Some(*reason),
                None => self.past_or_future(&track, *process, at),
            };
            if let Some(reason) = reason {
                known.insert(*process);
                cleared.push(RuledOut { process: *process, reason });
            }
        }
        for process in track.refused_opens.keys().take(1024) {
            if known.insert(*process) {
                cleared.push(RuledOut { process: *process, reason: Reason::OwnOpenFailed });
            }
        }
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
        for (other, reason) in earlier.into_iter().chain(elsewhere) {
            let other = self.names.file(other);
            if other == file {
                continue;
            }
            let track = self.track(other);
            for (group, weighed) in track.weigh(at, 64, &self.work, &|_| Fit::Yes).0 {
                if let Some(group) = track.groups.get(group as usize)
                    && weighed.sure
                    && known.insert(group.process)
                {
                    cleared.push(RuledOut { process: group.process, reason });
                }
            }
        }
        cleared.sort_by_key(|entry| (entry.reason, entry.process));
        cleared.truncate(MAX_CLEARED);
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
            return Some(if by_exit { Reason::ExitedBefore } else { Reason::ClosedBefore });
        }
        ahead.then_some(Reason::OpenedAfter)
    }

    /// AT-9: what may stand behind a failure that nobody visible explains, most likely first.
    pub(crate) fn explanations(&self, failing: Failing<'_>, link: u32, finding: &Finding) -> Vec<Explanation> {
        let mut list = Vec::new();
        let coverage = self.log.coverage;
        let path = fold(self.log.paths.get(failing.op.path)).into_owned();
        if is_kernel_held(&path) {
            list.push(Explanation::KernelHeld); // VI-12
        }
        let filtered = coverage.active_processes == 1 || (coverage.creates > 0 && coverage.cleanups == 0);
        if filtered {
            list.push(Explanation::OutsideFilter); // AT-12
        }
        if coverage.sequence_gaps.is_some_and(|gaps| gaps > 0) {
            list.push(Explanation::EventsMissing);
        }
        let mapping = matches!(failing.op.status, NtStatus::CANNOT_DELETE | NtStatus::USER_MAPPED_FILE)
            || (failing.op.status == NtStatus::SHARING_VIOLATION
                && wanted(failing.op).effective.intersects(crate::nt::AccessMask::WRITE_DATA));
        if mapping {
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

/// VI-12: files that the kernel holds for as long as Windows runs. The path is folded.
fn is_kernel_held(path: &str) -> bool {
    let name = leaf(path);
    let name = name.split_once(".LOG").map_or(name, |(name, _)| name);
    let hive = matches!(
        name,
        "SYSTEM"
            | "SOFTWARE"
            | "SAM"
            | "SECURITY"
            | "DEFAULT"
            | "COMPONENTS"
            | "DRIVERS"
            | "BBI"
            | "ELAM"
            | "BCD-TEMPLATE"
    ) && path.contains(r"\SYSTEM32\CONFIG\");
    let user = matches!(name, "NTUSER.DAT" | "USRCLASS.DAT" | "AMCACHE.HVE" | "SCHEMA.DAT");
    hive || user || matches!(name, "PAGEFILE.SYS" | "SWAPFILE.SYS" | "HIBERFIL.SYS")
}

impl Engine<'_> {
    /// Delayed opens of victims whose delay an oplock owner explains (OP-2).
    pub(crate) fn waits(&mut self) -> Vec<super::finding::Wait> {
        let mut waits = Vec::new();
        for index in 0..self.log.ops.len() as u32 {
            let Some(op) = self.op(index) else { continue };
            let at = Instant::of(op);
            let waited = at.end.since(at.start);
            if !matches!(op.kind, OpKind::Create(_))
                || waited.0 < self.options.wait_threshold.0.max(1)
                || !self.is_victim(op.process)
            {
                continue;
            }
            if self.work.is_spent() {
                break;
            }
            let holders = self.oplock_owners(index, op, at, waited);
            if !holders.is_empty() {
                waits.push(super::finding::Wait {
                    event: op.event,
                    time: op.start,
                    process: op.process,
                    thread: op.thread,
                    path: op.path,
                    waited,
                    holders,
                });
            }
        }
        waits
    }

    fn oplock_owners(&mut self, index: u32, op: &Op, at: Instant, waited: Ticks) -> Vec<super::finding::Holder> {
        let place = self.names.place(index);
        if place.link == NONE {
            return Vec::new();
        }
        let track = self.track(self.names.file(place.link));
        let mut holders = Vec::new();
        let mut seen = FxHashSet::default();
        if track.oplocks.is_empty() {
            return holders;
        }
        self.work.spend(track.oplocks.len() + track.holds.len());
        for oplock in track.oplocks.iter().filter(|oplock| oplock.requests).take(4096) {
            let broken = self.op(oplock.op).and_then(|op| op.end).filter(|end| *end >= at.start && *end <= at.end);
            if oplock.process == op.process || oplock.at.start >= at.start || broken.is_none() {
                continue;
            }
            // It gave way by acknowledging or by closing, within the wait.
            let acknowledged = track
                .oplocks
                .iter()
                .filter(|ack| ack.acknowledges && ack.process == oplock.process && ack.op != oplock.op)
                .map(|ack| (ack.op, ack.at));
            let closed =
                track.holds.iter().filter(|hold| hold.process == oplock.process).filter_map(|hold| match hold.ended {
                    Ended::Close(op, at) => Some((op, at)),
                    _ => None,
                });
            let gave_way = acknowledged
                .chain(closed)
                .take(4096)
                .filter(|(_, when)| when.start >= at.start && when.start <= at.end)
                .max_by_key(|(_, when)| when.start);
            if !seen.insert(oplock.process) {
                continue;
            }
            let slack = gave_way.map(|(_, when)| at.end.since(when.start));
            // The wait ends when the owner gives way: the closer the two, the surer.
            let close = slack.is_some_and(|slack| slack.0 <= (waited.0 / 4).max(10_000));
            let hold = track.holds.iter().find(|hold| hold.process == oplock.process && hold.paired_alive(at));
            holders.push(super::finding::Holder {
                party: match self.op(oplock.op).and_then(|op| op.driver) {
                    Some(driver) => Party::Driver { driver, process: oplock.process },
                    None => Party::Process(oplock.process),
                },
                confidence: if close { Confidence::Likely } else { Confidence::Possible },
                mechanism: Mechanism::Oplock,
                rule: "OP-2",
                handle_ambiguous: false,
                hold: super::finding::Hold {
                    start: self.edge(oplock.op),
                    end: gave_way.map_or(Edge::Unseen, |(op, _)| self.edge(op)),
                    access: hold.and_then(|hold| hold.access),
                    share: hold.and_then(|hold| hold.share),
                    path: None,
                    range: None,
                },
                more: Vec::new(),
                conflicts: Vec::new(),
                victim: self.is_victim(oplock.process),
                smb_client: false,
                confirmed: false,
            });
        }
        holders
    }
}
