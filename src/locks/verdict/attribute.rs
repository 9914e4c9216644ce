//! One refusal: what stood in its way, by the status it ended in, and who is left after the evidence (section 7).

use super::bursts::Bursts;
use super::refute::is_blocked;
use crate::capture::op::{Op, OpKind};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::requested;
use crate::locks::finding::{Attribution, Cause, Confidence, DeletedBy, Edge, Finding, Hold, Holder, Mechanism};
use crate::locks::identity::{NONE, succeeded};
use crate::locks::rules::suspect::{Blockers, FEW_PARTIES, MANY_TOLD, MAX_PARTIES, Suspect};
use crate::locks::spans::Instant;
use crate::nt::{FileTime, NtStatus};

impl Engine<'_> {
    /// Explains one failing operation.
    pub(crate) fn explain(&mut self, index: u32, bursts: &Bursts) -> Option<Finding> {
        let op = self.op(index)?;
        let burst = bursts.end_of(index);
        let failing = Failing { index, op, at: Instant::of(op), burst, nesting: 0, begun_by: None };
        let mut blockers = self.blockers(failing);
        self.read_otherwise(failing, &mut blockers);
        let blocked = is_blocked(&blockers);
        self.refute(failing, &mut blockers);
        self.refused_still(failing, &mut blockers);
        let link = self.subject(index, op);
        // AT-2: of what answers two ids, nobody is sure which one it was then.
        if link != NONE && self.names.is_torn(self.names.file(link)) {
            let before = self.answered(link, &|op| op.start <= failing.at.start);
            let met = before.into_iter().rfind(|(by_link, _)| *by_link).map(|(_, id)| id);
            for suspect in &mut blockers.suspects {
                let parted = met.is_some_and(|met| self.is_on_another_id(link, suspect, met));
                suspect.cap(if parted { Confidence::Possible } else { Confidence::Likely });
            }
        }
        // VI-9: an 8.3 name is that of another file once its entry has gone.
        for suspect in &mut blockers.suspects {
            let holds = std::iter::once(&suspect.holder.hold).chain(&suspect.holder.more);
            if self.names.is_by_stale_name(index) || holds.clone().all(|hold| self.is_by_stale_name(hold)) {
                suspect.cap(Confidence::Possible);
                suspect.elsewhere = true;
            }
        }
        let mut ruled_out = self.settle(failing, &mut blockers);
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
        let lock_class = !denied || !certain.is_empty() || blocked || (!blockers.nobody && self.was_blocked(failing));
        let (attribution, holders) =
            if lock_class { (attribution, holders) } else { (Attribution::NoHolder, Vec::new()) };
        let born = link != NONE && self.names.born(link).is_some_and(|born| born <= op.start);
        let mut finding = Finding {
            event: op.event,
            time: op.start,
            process: op.process,
            driver: op.driver,
            thread: op.thread,
            path: op.path,
            status: op.status,
            lock_class,
            itself: blockers.itself.filter(|_| !lock_class),
            cause: if lock_class { blockers.cause.unwrap_or(Cause::Other) } else { Cause::Other },
            attribution,
            requested: requested(op),
            holders,
            deleted_by: blockers.mark.and_then(|(mark, _)| {
                let op = self.op(mark.op)?;
                Some(DeletedBy { event: op.event, process: mark.process, driver: op.driver, how: mark.how })
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
        self.tell(&mut finding);
        if finding.attribution == Attribution::NotVisible {
            finding.explanations = self.explanations(failing, link, &finding);
        }
        Some(finding)
    }

    /// The ids that a file answered in queries of a sort, in the order of time; each with whether it was asked for by this link.
    fn answered(&mut self, link: u32, these: &dyn Fn(&Op) -> bool) -> Vec<(bool, u128)> {
        let track = self.track(self.names.file(link));
        self.work.spend(track.ops.len());
        let asked = track.ops.iter().filter_map(|at| Some((*at, self.op(*at)?)));
        let answers = asked.filter(|(_, op)| succeeded(op) && these(op)).filter_map(|(at, op)| match op.kind {
            OpKind::QueryFileId { id } => Some((self.names.place(at).link == link, id.get())),
            _ => None,
        });
        answers.collect()
    }

    /// AT-2: whether the suspect's handle answered another id than what bore the refused name last, so that it seems to be on
    /// another file.
    fn is_on_another_id(&mut self, link: u32, suspect: &Suspect, met: u128) -> bool {
        let within = |op: &Op| {
            let time = |edge: Edge, unseen| if let Edge::At(_, time) = edge { time } else { unseen };
            let Hold { start, end, .. } = suspect.holder.hold;
            op.process == suspect.holder.party.process()
                && time(start, FileTime(0)) <= op.start
                && op.start <= time(end, FileTime(u64::MAX))
        };
        let alike = |id: &u128| (*id > u128::from(u64::MAX)) == (met > u128::from(u64::MAX));
        let own: Vec<u128> = self.answered(link, &within).into_iter().map(|(_, id)| id).filter(alike).collect();
        !own.is_empty() && !own.contains(&met)
    }

    /// Whether a hold was begun by an 8.3 name that need not be the file's.
    fn is_by_stale_name(&self, hold: &Hold) -> bool {
        let Edge::At(event, _) = hold.start else { return false };
        let from = self.log.ops.partition_point(|op| op.event < event);
        let begun = self.log.ops.iter().enumerate().skip(from).take_while(|(_, op)| op.event == event);
        begun.map(|(at, _)| at as u32).any(|at| self.names.is_by_stale_name(at))
    }

    /// AT-3, AT-5: an operation through a handle that may have been on another file of the name. Only who stands in the way in
    /// every reading is proven; who does in some is likely where only they explain the refusal.
    fn read_otherwise(&mut self, failing: Failing<'_>, blockers: &mut Blockers) {
        let others = self.names.other_readings(failing.index).to_vec();
        let moves = matches!(failing.op.kind, OpKind::Rename { .. } | OpKind::Link { .. });
        for other in others {
            let own = self.names.take_for(failing.index, other);
            let mut read = self.blockers(failing);
            self.names.take_for(failing.index, own);
            let gone = moves && !self.names.lives(other, self.tick(failing.index)); // DP-6: refused for that alone
            let explains =
                |read: &Blockers| read.suspects.iter().any(|one| one.holder.confidence >= Confidence::Likely);
            let (here, there) = (explains(blockers), explains(&read) || read.nobody);
            for suspect in &mut blockers.suspects {
                let same = |one: &&Suspect| one.holder.party == suspect.holder.party;
                match read.suspects.iter().find(same).filter(|_| !gone) {
                    Some(same) => suspect.cap(same.holder.confidence.max(Confidence::Likely)),
                    None if there => suspect.cap(Confidence::Possible),
                    None => suspect.cap(Confidence::Likely),
                }
            }
            read.suspects.retain(|one| blockers.suspects.iter().all(|known| known.holder.party != one.holder.party));
            for mut suspect in read.suspects.into_iter().filter(|_| !gone) {
                suspect.cap(if here || blockers.nobody { Confidence::Possible } else { Confidence::Likely });
                suspect.inferred = true;
                blockers.suspects.push(suspect);
            }
            blockers.nobody &= read.nobody;
        }
    }

    /// What stays until the record is made, for every failure: all parties, unless there are very many.
    fn tell(&mut self, finding: &mut Finding) {
        let most = if self.told > MANY_TOLD { FEW_PARTIES } else { MAX_PARTIES };
        finding.truncated |= finding.holders.len() > most;
        finding.holders.truncate(most);
        finding.ruled_out.truncate(most);
        finding.ruled_out.shrink_to_fit();
        self.told += finding.holders.len() + finding.ruled_out.len();
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
            NtStatus::DIRECTORY_NOT_EMPTY => self.not_empty(failing, Self::blockers, &mut found),
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
}
