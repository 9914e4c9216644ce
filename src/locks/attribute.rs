//! One failure against the holds of its file: who made it fail, by which rule, and how sure that is (section 7).

use super::bursts::{BurstEnd, Bursts};
use super::delete::Mark;
use super::engine::Engine;
use super::failure::{requested, wanted};
use super::finding::{
    Attribution, Cause, Confidence, Conflict, DeletedBy, Edge, Finding, Hold, Holder, Mechanism, Party, Side,
};
use super::hold::{Ended, Fit, HoldRec, Weighed};
use super::identity::{NONE, UNNAMED};
use super::refute::spared_by_read;
use super::replay::Track;
use super::spans::Instant;
use crate::capture::op::{Op, OpKind};
use crate::nt::sharing::ShareConflict;
use crate::nt::{AccessMask, CreateOptions, NtStatus, ShareAccess};

/// Directory removals are followed this deep through children that were refused themselves.
pub(crate) const MAX_NESTING: u32 = 8;
/// Children of a directory looked into for one failure.
pub(crate) const MAX_CHILDREN: usize = 256;
/// Parties reported for one failure.
pub(crate) const MAX_PARTIES: usize = 64;

/// A party under examination.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    pub(crate) holder: Holder,
    /// Its access is not known, or the rule is not certain: a proven holder explains the failure without it.
    pub(crate) inferred: bool,
    /// It let go before the last failure of the burst.
    pub(crate) left_early: bool,
    /// A release that the operation was waiting for answers what is doubtful about it.
    pub(crate) settled_by_release: bool,
    /// The close of a handle that another suspect may have handed over (AT-6).
    pub(crate) counterpart: bool,
    /// When it let go (start), for the release.
    pub(crate) end: Option<(u32, Instant)>,
}

impl Suspect {
    /// One whose rule is certain, and of whose end nothing is known.
    pub(crate) const fn of(holder: Holder) -> Self {
        Self { holder, inferred: false, left_early: false, settled_by_release: false, counterpart: false, end: None }
    }
}

/// What an examination found.
#[derive(Debug, Default)]
pub(crate) struct Blockers {
    pub(crate) suspects: Vec<Suspect>,
    pub(crate) cause: Option<Cause>,
    /// Nobody is behind it.
    pub(crate) nobody: bool,
    pub(crate) mark: Option<(Mark, u32)>,
    /// Every process that was a suspect for a moment.
    pub(crate) considered: Vec<crate::capture::op::ProcessId>,
    pub(crate) truncated: bool,
    /// DR-1: an event on a live child, which alone kept the directory from being empty as well.
    pub(crate) live_child: Option<crate::capture::op::EventIndex>,
    /// Processes whose inferred hold a success showed ended (AT-11).
    pub(crate) refuted: Vec<crate::capture::op::ProcessId>,
}

/// The failing operation under examination.
#[derive(Clone, Copy)]
pub(crate) struct Failing<'o> {
    pub(crate) index: u32,
    pub(crate) op: &'o Op,
    /// The instant at which holds are asked for.
    pub(crate) at: Instant,
    pub(crate) burst: BurstEnd,
    pub(crate) nesting: u32,
}

/// How a handle turns into a suspect.
#[derive(Clone, Copy)]
pub(crate) struct Rule<'r> {
    pub(crate) mechanism: Mechanism,
    pub(crate) rule: &'static str,
    pub(crate) fit: &'r dyn Fn(&HoldRec) -> Fit,
    pub(crate) conflict: &'r dyn Fn(&HoldRec) -> Option<ShareConflict>,
    /// No grade above this.
    pub(crate) ceiling: Confidence,
}

impl Engine<'_> {
    /// Explains one failing operation.
    pub(crate) fn explain(&mut self, index: u32, bursts: &Bursts) -> Option<Finding> {
        let op = self.op(index)?;
        let burst = bursts.end_of(index);
        let failing = Failing { index, op, at: Instant::of(op), burst, nesting: 0 };
        let mut blockers = self.blockers(failing);
        let mut ruled_out = self.settle(failing, &mut blockers);
        let link = self.subject(index, op);
        let holders: Vec<Holder> = blockers.suspects.iter().map(|suspect| suspect.holder.clone()).collect();
        let certain: Vec<&Holder> = holders.iter().filter(|holder| holder.confidence >= Confidence::Likely).collect();
        let attribution = if blockers.nobody {
            Attribution::NoHolder
        } else if certain.is_empty() {
            Attribution::NotVisible
        } else if holders.iter().all(|holder| holder.victim) {
            Attribution::SelfInflicted
        } else {
            Attribution::Holders
        };
        let denied = op.status == NtStatus::ACCESS_DENIED;
        let lock_class = !denied || !certain.is_empty();
        let (attribution, holders) =
            if lock_class { (attribution, holders) } else { (Attribution::NoHolder, Vec::new()) };
        let born = link != NONE && self.names.born(link).is_some_and(|born| born <= op.start);
        let mut finding = Finding {
            event: op.event,
            time: op.start,
            process: op.process,
            thread: op.thread,
            path: op.path,
            status: op.status,
            lock_class,
            cause: if lock_class { blockers.cause.unwrap_or(Cause::Other) } else { Cause::Other },
            attribution,
            requested: requested(op),
            holders,
            deleted_by: blockers.mark.and_then(|(mark, _)| {
                let event = self.op(mark.op)?.event;
                Some(DeletedBy { event, process: mark.process, how: mark.how })
            }),
            released_by: None,
            confirmed_by: None,
            explanations: Vec::new(),
            ruled_out: Vec::new(),
            live_child: blockers.live_child.filter(|_| attribution != Attribution::NoHolder),
            born_in_capture: born,
            burst: burst.number,
            truncated: blockers.truncated,
        };
        if finding.live_child.is_none() {
            self.release(failing, &blockers, &mut finding);
        }
        self.clear_others(failing, &finding, &blockers, &mut ruled_out);
        finding.ruled_out = ruled_out;
        if finding.attribution == Attribution::NotVisible {
            finding.explanations = self.explanations(failing, link, &finding);
        }
        Some(finding)
    }

    /// The link a failure is about: the target of a rename that met one there, else the name it was issued on. `NONE` where
    /// it can only be a target that is not known.
    pub(crate) fn subject(&self, index: u32, op: &Op) -> u32 {
        let own = self.names.place(index).link;
        if !matches!(op.kind, OpKind::Rename { .. } | OpKind::Link { .. }) {
            return own;
        }
        match self.names.target(index) {
            Some(target) if target.link != NONE => target.link,
            // RN-4: what is pending is the target; a pending source is refused otherwise.
            _ if op.status == NtStatus::DELETE_PENDING => NONE,
            // RN-2, RN-7: the target or its folder.
            None if op.status == NtStatus::SHARING_VIOLATION => NONE,
            _ => own,
        }
    }

    /// What stands in the way of an operation at an instant.
    pub(crate) fn blockers(&mut self, failing: Failing<'_>) -> Blockers {
        let mut found = Blockers::default();
        let place = self.names.place(failing.index);
        let (op, at) = (failing.op, failing.at);
        let moves = match op.kind {
            OpKind::Rename { flags, .. } | OpKind::Link { flags, .. } => Some(flags),
            _ => None,
        };
        match op.status {
            NtStatus::SHARING_VIOLATION => match moves {
                Some(flags) => self.blocked_move(failing, flags, &mut found),
                None => self.share_conflict(failing, &mut found),
            },
            NtStatus::DELETE_PENDING => {
                found.cause = Some(Cause::DeletePending);
                // RN-4: the target is what is pending.
                let link = if moves.is_some() { self.subject(failing.index, op) } else { place.link };
                self.pending(failing, link, None, &mut found);
                for suspect in
                    found.suspects.iter_mut().filter(|suspect| moves.is_some() && suspect.holder.rule == "DP-3")
                {
                    suspect.holder.rule = "RN-4";
                }
            }
            NtStatus::CANNOT_DELETE => self.cannot_delete(failing, &mut found),
            NtStatus::USER_MAPPED_FILE => {
                found.cause = Some(Cause::UserMapped);
                // MM-4: an overwriting create meets data sections, a truncation any section.
                let image = !matches!(op.kind, OpKind::Create(_));
                let link = self.subject(failing.index, op);
                self.mapped(failing, link, "MM-4", &|kind| kind.data() || (image && kind.image()), &mut found);
                if let Some(best) = found.suspects.iter().max_by_key(|suspect| suspect.holder.confidence)
                    && best.holder.mechanism == Mechanism::ImageMapping
                {
                    found.cause = Some(Cause::ImageSection);
                }
            }
            NtStatus::FILE_LOCK_CONFLICT | NtStatus::LOCK_NOT_GRANTED => self.locked(failing, &mut found),
            NtStatus::DIRECTORY_NOT_EMPTY => self.not_empty(failing, &mut found),
            NtStatus::ACCESS_DENIED => {
                if let Some(flags) = moves {
                    self.denied_move(failing, flags, &mut found);
                } else {
                    found.nobody = true;
                }
            }
            NtStatus::FILE_DELETED => {
                found.nobody = true; // DP-6: the file was already unlinked under this handle
                let track = self.track(self.names.file(place.link));
                found.mark = track.marks.last(place.link, at).map(|mark| (*mark, place.link));
            }
            NtStatus::OPLOCK_BREAK_IN_PROGRESS | NtStatus::CANNOT_BREAK_OPLOCK | NtStatus::OPLOCK_NOT_GRANTED => {
                self.oplock(failing, &mut found);
            }
            _ => found.cause = Some(Cause::Other),
        }
        found
    }

    /// Every group of handles of the file, by one rule.
    pub(crate) fn by_handle(&mut self, failing: Failing<'_>, link: u32, rule: &Rule<'_>, found: &mut Blockers) {
        if link == NONE {
            return;
        }
        let track = self.track(self.names.file(link));
        let (groups, more) = track.weigh(failing.at, self.options.limit, &self.work, rule.fit);
        found.truncated |= more;
        for (group, weighed) in groups {
            if found.suspects.len() > 4 * MAX_PARTIES {
                found.truncated = true;
                return;
            }
            if weighed.possible
                && let Some(suspect) = self.suspect(failing, &track, group, &weighed, rule)
            {
                self.work.spend(100);
                add(&mut found.suspects, suspect);
            }
        }
        self.by_later_close(failing, &track, rule, found);
    }

    pub(crate) fn suspect(
        &self,
        failing: Failing<'_>,
        track: &Track,
        group: u32,
        weighed: &Weighed,
        rule: &Rule<'_>,
    ) -> Option<Suspect> {
        let best = track.holds.get(*weighed.holds.first()? as usize)?;
        let fits = (rule.fit)(best);
        let unknown = best.opened.is_none();
        let mut confidence = if unknown {
            self.grade_unopened(failing, track, group, best, rule.fit)
        } else if weighed.sure && fits == Fit::Yes {
            Confidence::Proven
        } else if best.paired_alive(failing.at)
            || !best.paired_by_thread
            || self.alone_was_left(failing, track, group, best, rule.fit)
        {
            Confidence::Likely // AT-3: it or another handle of the process is left
        } else {
            Confidence::Possible // AT-13: the same thread opened and closed it, which is usually but not always right
        };
        let mut settled_by_release = false;
        if fits == Fit::Maybe {
            // SA-11: MAXIMUM_ALLOWED is one inferred link; an open of which nothing was recorded is a guess.
            let shown = best.grant.is_some() || unknown;
            confidence = confidence.min(if shown { Confidence::Likely } else { Confidence::Possible });
        }
        let conflict = (rule.conflict)(best);
        if let Some(conflict) = conflict
            && conflict.certain
            && spared_by_read(best, wanted(failing.op).grant, conflict)
        {
            settled_by_release = confidence == Confidence::Proven;
            confidence = confidence.min(Confidence::Likely); // SA-9
        }
        let refuted = track.refuted(best).filter(|_| best.ended_unseen() && best.handed.is_none());
        if best.ended_unseen() && best.handed.is_none() {
            confidence = Confidence::Possible; // AT-11: it ended unseen, sooner or later
        }
        let victim = self.counts_as_victim(failing, best.process) && best.driver.is_none();
        let own = best.process == failing.op.process && best.driver.is_none();
        if own && super::left::lingers(best, failing.at) {
            confidence = confidence.min(Confidence::Possible); // it has let go; who keeps its close from ending is not shown
        }
        let outlasted = matches!(rule.rule, "DP-3" | "DP-7" | "DR-1")
            && best.ended == Ended::Open
            && best.handed.is_none()
            && self.unkept(track, best.link, failing.at).is_some();
        if outlasted {
            confidence = Confidence::Possible; // its close is not in the capture, and the name went meanwhile
        }
        if rule.rule == "DP-3" && best.link != self.subject(failing.index, failing.op) {
            confidence = confidence.min(Confidence::Possible); // DP-8: opened by id, perhaps for another of the file's names
        }
        if let Some(handed) = best.handed {
            // AT-6: name both, prove neither.
            let after = handed.before(failing.at);
            confidence = confidence.min(if after { Confidence::Possible } else { Confidence::Likely });
        }
        confidence = confidence.min(self.ceiling(track, best, failing.at)).min(rule.ceiling);
        let mut rule_id = rule.rule;
        if conflict.is_some() && best.stream != self.names.place(failing.index).stream {
            rule_id = "SA-6";
        }
        if rule_id == "DP-3" && best.stream != UNNAMED {
            rule_id = "DP-9";
        }
        let mechanism = match rule.mechanism {
            Mechanism::OpenHandle if best.driver.is_some() => Mechanism::FilterInStack, // VI-3: the process lent its name
            Mechanism::OpenHandle if is_current_directory(best) && conflict.is_some() => Mechanism::CurrentDirectory,
            mechanism => mechanism,
        };
        let left_early = confidence == Confidence::Possible
            && matches!(best.ended, Ended::Close(_, close) if close.end <= failing.burst.last.start)
            && !self.may_hold(track, None, failing.burst.last, rule.fit); // by anybody: another holder may have followed
        let exchanged = self.as_left(failing, track, group, best, rule.fit);
        let shown = exchanged.as_ref().unwrap_or(best);
        let mut more = Vec::new();
        let mut end = match shown.handed {
            Some(handed) if shown.ended == Ended::Open => track.close_at(handed),
            _ => self.end_of(shown),
        };
        for index in weighed.holds.iter().skip(1).take(8) {
            if let Some(hold) = track.holds.get(*index as usize)
                && hold.paired_alive(failing.at)
                && (rule.fit)(hold) != Fit::No
            {
                more.push(self.public_hold(failing, hold));
                // All of them must go, so the release is the last.
                end = match (end, self.end_of(hold)) {
                    (Some(a), Some(b)) => Some(if b.1.start > a.1.start { b } else { a }),
                    _ => None,
                };
            }
        }
        // Of several alike the one that lasts longest is told first: until its end the file was in use.
        let mut first = self.public_hold(failing, shown);
        let until = |hold: &Hold| match hold.end {
            Edge::At(_, time) => time,
            Edge::BeforeCapture => crate::nt::FileTime(0),
            Edge::AfterCapture | Edge::Unseen => crate::nt::FileTime(u64::MAX),
        };
        if let Some(longest) = more.iter_mut().max_by_key(|hold| until(hold))
            && until(longest) > until(&first)
            && (longest.access, longest.share) == (first.access, first.share)
        {
            std::mem::swap(longest, &mut first);
        }
        // A close that may have been another handle's is no release.
        let sorts = track.groups.get(group as usize).map_or(0, |group| group.sorts.len());
        if sorts != 1
            && let Some((_, close)) = end
        {
            let after = Instant { start: close.end, end: crate::nt::FileTime(close.end.0.saturating_add(1)) };
            if self.may_hold(track, Some(group), after, rule.fit) {
                end = None;
            }
        }
        let system = self.log.processes.get(best.process.0 as usize).is_some_and(|process| process.is_system());
        Some(Suspect {
            holder: Holder {
                party: best.party(),
                confidence,
                mechanism,
                rule: rule_id,
                handle_ambiguous: weighed.ambiguous && confidence == Confidence::Proven,
                hold: first,
                more,
                conflicts: conflict.map(conflicts).unwrap_or_default(),
                victim,
                smb_client: system && best.served,
                confirmed: false,
                refuted_by: refuted.and_then(|one| Some(self.op(one.by)?.event)),
            },
            inferred: fits == Fit::Maybe || !(weighed.sure || best.paired_alive(failing.at)),
            left_early,
            settled_by_release,
            counterpart: unknown && track.handed_over_before(best, failing.at),
            end,
        })
    }

    fn end_of(&self, hold: &HoldRec) -> Option<(u32, Instant)> {
        match hold.ended {
            Ended::Close(op, at) => Some((op, at)),
            Ended::Exit(Some(op), time) => Some((op, Instant::point(time))),
            _ => None,
        }
    }

    pub(crate) fn counts_as_victim(&self, failing: Failing<'_>, process: crate::capture::op::ProcessId) -> bool {
        process == failing.op.process || self.is_victim(process)
    }

    pub(crate) fn public_hold(&self, failing: Failing<'_>, hold: &HoldRec) -> Hold {
        let newborn = self.names.born(hold.link).is_some_and(|born| born <= failing.at.end);
        Hold {
            start: match hold.opened {
                Some((at, _)) => self.edge(at),
                None if newborn => Edge::Unseen,
                None => Edge::BeforeCapture,
            },
            end: match hold.ended {
                _ if hold.ended_unseen() => Edge::Unseen,
                Ended::Open if hold.handed.is_some() && self.name_gone(hold.link, failing.at).is_some() => Edge::Unseen,
                Ended::Open => Edge::AfterCapture,
                // The close was under way when the operation failed: it held until the close was done.
                Ended::Close(at, close) if close.start < failing.at.end && failing.at.start < close.end => {
                    self.op(at).map_or(Edge::Unseen, |op| Edge::At(op.event, close.end))
                }
                Ended::Close(at, _) | Ended::Exit(Some(at), _) => self.edge(at),
                Ended::Exit(None, _) => Edge::Unseen,
            },
            access: hold.access,
            share: hold.share,
            path: (!self.names.same_path(hold.path, failing.op.path)).then_some(hold.path),
            range: None,
        }
    }

    pub(crate) fn edge(&self, at: u32) -> Edge {
        self.op(at).map_or(Edge::Unseen, |op| Edge::At(op.event, op.start))
    }

    pub(crate) fn author(&self, made: Option<u32>, process: crate::capture::op::ProcessId) -> Party {
        match made.and_then(|at| self.op(at)).and_then(|op| op.driver) {
            Some(driver) => Party::Driver { driver, process },
            None => Party::Process(process),
        }
    }
}

/// VI-10: the way a process opens its current directory.
fn is_current_directory(hold: &HoldRec) -> bool {
    hold.access == Some(AccessMask(AccessMask::EXECUTE.0 | AccessMask::SYNCHRONIZE.0))
        && hold.share == Some(ShareAccess(ShareAccess::READ.0 | ShareAccess::WRITE.0))
        && hold.options.contains(CreateOptions::DIRECTORY_FILE)
}

fn conflicts(conflict: ShareConflict) -> Vec<Conflict> {
    let mut list = Vec::new();
    if !conflict.holder_refuses.is_empty() {
        list.push(Conflict { side: Side::HolderDoesNotShare, classes: conflict.holder_refuses });
    }
    if !conflict.requester_refuses.is_empty() {
        list.push(Conflict { side: Side::VictimDoesNotShare, classes: conflict.requester_refuses });
    }
    list
}

/// Adds a suspect, one entry for a party and mechanism: the surer hold leads, the other follows.
pub(crate) fn add(suspects: &mut Vec<Suspect>, suspect: Suspect) {
    let same = suspects
        .iter_mut()
        .find(|known| known.holder.party == suspect.holder.party && known.holder.mechanism == suspect.holder.mechanism);
    let Some(known) = same else {
        suspects.push(suspect);
        return;
    };
    let (mut lead, other) = if suspect.holder.confidence > known.holder.confidence {
        (suspect, known.clone())
    } else {
        (known.clone(), suspect)
    };
    for hold in std::iter::once(other.holder.hold).chain(other.holder.more) {
        if lead.holder.more.len() < 16 && hold != lead.holder.hold && !lead.holder.more.contains(&hold) {
            lead.holder.more.push(hold);
        }
    }
    // All of its holds must go, so its release is the last of them.
    lead.end = match (lead.end, other.end) {
        (Some(a), Some(b)) => Some(if b.1.start > a.1.start { b } else { a }),
        _ => None,
    };
    lead.inferred &= other.inferred;
    lead.left_early &= other.left_early;
    lead.settled_by_release &= other.settled_by_release;
    *known = lead;
}
