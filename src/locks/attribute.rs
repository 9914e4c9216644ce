//! One failure against the holds of its file: who made it fail, by which rule, and how sure that is (section 7).

use super::delete::Mark;
use super::engine::Engine;
use super::evidence::{BurstEnd, Bursts};
use super::failure::{Cause, Wanted, requested, wanted};
use super::finding::{
    Attribution, Confidence, Conflict, DeleteHow, DeletedBy, Edge, Finding, Hold, Holder, Mechanism, Party, Side,
};
use super::hold::{Ended, Fit, HoldRec, Weighed};
use super::identity::{NONE, UNNAMED};
use super::mapping::{Kind, Mapped};
use super::refute::{relation, spared_by_read};
use super::replay::Track;
use super::spans::Instant;
use crate::capture::op::{Op, OpKind};
use crate::nt::sharing::{AccessClasses, Grant, ShareConflict, sharing_conflict};
use crate::nt::{AccessMask, CreateOptions, DispositionFlags, NtStatus, RenameFlags, ShareAccess};

/// Directory removals are followed this deep through children that were refused themselves.
const MAX_NESTING: u32 = 8;
/// Children of a directory looked into for one failure.
const MAX_CHILDREN: usize = 256;
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
struct Rule<'r> {
    mechanism: Mechanism,
    rule: &'static str,
    fit: &'r dyn Fn(&HoldRec) -> Fit,
    conflict: &'r dyn Fn(&HoldRec) -> Option<ShareConflict>,
    /// No grade above this.
    ceiling: Confidence,
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
            born_in_capture: born,
            burst: burst.number,
            truncated: blockers.truncated,
        };
        self.release(failing, &blockers, &mut finding);
        self.clear_others(failing, link, &finding, &blockers.considered, &mut ruled_out);
        finding.ruled_out = ruled_out;
        if finding.attribution == Attribution::NotVisible {
            finding.explanations = self.explanations(failing, link, &finding);
        }
        Some(finding)
    }

    /// The link a failure is about: the target of a rename that met one there, else the name it was issued on.
    pub(crate) fn subject(&self, index: u32, op: &Op) -> u32 {
        let own = self.names.place(index).link;
        if matches!(op.kind, OpKind::Rename { .. } | OpKind::Link { .. })
            && let Some(target) = self.names.target(index)
            && target.link != NONE
        {
            return target.link;
        }
        own
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
            }
            NtStatus::CANNOT_DELETE => self.cannot_delete(failing, &mut found),
            NtStatus::USER_MAPPED_FILE => {
                found.cause = Some(Cause::UserMapped);
                // MM-4: an overwriting create meets data sections, a truncation any section.
                let image = !matches!(op.kind, OpKind::Create(_));
                let link = self.subject(failing.index, op);
                self.mapped(failing, link, "MM-4", &|kind| kind.data() || (image && kind.image()), &mut found);
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

    /// SHARING VIOLATION on an open.
    fn share_conflict(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        let place = self.names.place(failing.index);
        let wanted = wanted(failing.op);
        found.cause = Some(Cause::ShareConflict);
        self.by_share(failing, place.link, place.stream, wanted, Mechanism::OpenHandle, found);
        let handles = found.suspects.iter().any(|suspect| suspect.holder.confidence >= Confidence::Likely);
        if wanted.effective.intersects(AccessMask::WRITE_DATA) {
            // MM-2
            self.mapped(failing, place.link, "MM-2", &Kind::image, found);
        }
        if wanted.grant.is_counted() && !wanted.grant.share.contains(ShareAccess::WRITE) {
            // SA-8; not for attribute-only opens, where sources disagree.
            let writable =
                |kind: Kind| matches!(kind, Kind::Data { writable: true } | Kind::Unknown { writable: true });
            self.mapped(failing, place.link, "SA-8", &writable, found);
        }
        if !handles
            && let Some(best) = found.suspects.iter().max_by_key(|suspect| suspect.holder.confidence)
            && best.holder.confidence >= Confidence::Likely
        {
            found.cause = match best.holder.mechanism {
                Mechanism::ImageMapping => Some(Cause::ImageSection),
                Mechanism::DataMapping => Some(Cause::UserMapped),
                _ => found.cause,
            };
        }
        if wanted.grant.possible.contains(AccessClasses::DELETE) {
            self.current_directory(failing, found);
        }
    }

    /// SA-1 to SA-6 against every open of the file that may be held.
    fn by_share(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        stream: u32,
        wanted: Wanted,
        mechanism: Mechanism,
        found: &mut Blockers,
    ) {
        let conflict = |hold: &HoldRec| {
            hold.grant.and_then(|grant| sharing_conflict(grant, wanted.grant, relation(hold.stream, stream)))
        };
        let fit = |hold: &HoldRec| match hold.grant {
            Some(_) => match conflict(hold) {
                Some(conflict) if conflict.certain => Fit::Yes,
                Some(_) => Fit::Maybe, // SA-11
                None => Fit::No,
            },
            None => {
                let unknown =
                    Grant { classes: AccessClasses::NONE, possible: AccessClasses::ALL, share: ShareAccess::NONE };
                match sharing_conflict(unknown, wanted.grant, relation(hold.stream, stream)) {
                    Some(_) => Fit::Maybe,
                    None => Fit::No,
                }
            }
        };
        let rule = if wanted.implied { "SA-5" } else { "SA-3" };
        let ceiling = Confidence::Proven;
        let rule = Rule { mechanism, rule, fit: &fit, conflict: &conflict, ceiling };
        self.by_handle(failing, link, &rule, found);
        for suspect in &mut found.suspects {
            let open_ended =
                suspect.holder.hold.access.is_some_and(|access| access.intersects(AccessMask::MAXIMUM_ALLOWED));
            if suspect.holder.mechanism == mechanism && suspect.holder.rule == "SA-3" && suspect.inferred && open_ended
            {
                suspect.holder.rule = "SA-11";
            }
        }
    }

    /// Every group of handles of the file, by one rule.
    fn by_handle(&mut self, failing: Failing<'_>, link: u32, rule: &Rule<'_>, found: &mut Blockers) {
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
    }

    fn suspect(
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
            self.grade_unopened(failing, track, group, best)
        } else if weighed.sure && fits == Fit::Yes {
            Confidence::Proven
        } else if best.paired_alive(failing.at) || !best.paired_by_thread {
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
        if best.ended_unseen() && best.handed.is_none() {
            confidence = Confidence::Possible; // AT-11: it ended unseen, sooner or later
        }
        if let Some(handed) = best.handed {
            // AT-6: name both, prove neither.
            let after = handed.before(failing.at);
            confidence = confidence.min(if after { Confidence::Possible } else { Confidence::Likely });
        }
        confidence = confidence.min(self.ceiling(best)).min(rule.ceiling);
        let mut rule_id = rule.rule;
        if conflict.is_some() && best.stream != self.names.place(failing.index).stream {
            rule_id = "SA-6";
        }
        if rule_id == "DP-3" && best.stream != UNNAMED {
            rule_id = "DP-9";
        }
        let mechanism = match rule.mechanism {
            Mechanism::OpenHandle if is_current_directory(best) && conflict.is_some() => Mechanism::CurrentDirectory,
            mechanism => mechanism,
        };
        let left_early = confidence == Confidence::Possible
            && matches!(best.ended, Ended::Close(_, close) if close.end <= failing.burst.last.start)
            && !self.may_hold(track, group, failing.burst.last, rule.fit);
        let mut more = Vec::new();
        let mut end = self.end_of(best);
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
        // A close that may have been another handle's is no release.
        let sorts = track.groups.get(group as usize).map_or(0, |group| group.sorts.len());
        if sorts != 1
            && let Some((_, close)) = end
        {
            let after = Instant { start: close.end, end: crate::nt::FileTime(close.end.0.saturating_add(1)) };
            if self.may_hold(track, group, after, rule.fit) {
                end = None;
            }
        }
        let system = self.log.processes.get(best.process.0 as usize).is_some_and(|process| process.is_system());
        Some(Suspect {
            holder: Holder {
                party: match best.driver {
                    Some(driver) => Party::Driver { driver, process: best.process },
                    None => Party::Process(best.process),
                },
                confidence,
                mechanism,
                rule: rule_id,
                handle_ambiguous: weighed.ambiguous && confidence == Confidence::Proven,
                hold: self.public_hold(failing, best),
                more,
                conflicts: conflict.map(conflicts).unwrap_or_default(),
                victim: self.counts_as_victim(failing, best.process) && best.driver.is_none(),
                smb_client: system && best.impersonating,
                confirmed: false,
            },
            inferred: fits == Fit::Maybe || !(weighed.sure || best.paired_alive(failing.at)),
            left_early,
            settled_by_release,
            counterpart: unknown && track.handed_over(best),
            end,
        })
    }

    /// Whether a group may still have a fitting handle at a later instant.
    fn may_hold(&self, track: &Track, group: u32, at: Instant, fit: &dyn Fn(&HoldRec) -> Fit) -> bool {
        let (groups, more) = track.weigh(at, self.options.limit, &self.work, fit);
        more || groups.iter().any(|(other, weighed)| *other == group && weighed.possible)
    }

    /// The best grade this capture allows.
    pub(crate) fn whole(&self) -> Confidence {
        let coverage = self.log.coverage;
        if coverage.creates > 0 && coverage.cleanups == 0 { Confidence::Possible } else { Confidence::Proven }
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

    /// AT-6: a handle that only its close or its use shows.
    fn grade_unopened(&self, failing: Failing<'_>, track: &Track, group: u32, hold: &HoldRec) -> Confidence {
        let at = failing.at;
        let began = self.log.span.map_or_else(Default::default, |span| span.0);
        let started = self.log.processes.get(hold.process.0 as usize).and_then(|process| process.started);
        // AT-5: a file made in the capture, or a process started in it, cannot have an older handle on it.
        let newborn = self.names.born(hold.link).is_some_and(|born| born <= at.end);
        if newborn || started.is_some_and(|started| started > began && self.log.span.is_some()) {
            return Confidence::Possible;
        }
        let used = track.groups.get(group as usize).and_then(|group| group.used);
        let before = used.is_some_and(|(first, _)| first <= at.start);
        let after = used.is_some_and(|(_, last)| last >= at.end);
        let closed_after = matches!(hold.ended, Ended::Close(_, close) if close.end > at.start);
        if matches!(hold.ended, Ended::Close(_, close) if close.end <= at.start) {
            return Confidence::Possible;
        }
        let stops = matches!(hold.ended, Ended::Close(_, close) if failing.burst.last.start <= close.end);
        if after || (closed_after && (before || stops)) { Confidence::Likely } else { Confidence::Possible }
    }

    /// What the capture as a whole lets a handle be (AT-11, AT-12).
    fn ceiling(&self, hold: &HoldRec) -> Confidence {
        let coverage = self.log.coverage;
        let closed = matches!(hold.ended, Ended::Close(..));
        let sparse = coverage.creates >= 64 && coverage.cleanups.saturating_mul(2) < coverage.creates;
        if coverage.creates > 0 && (coverage.cleanups == 0 || (sparse && !closed)) {
            return Confidence::Possible;
        }
        // With events missing only a close that can be no other's shows that the handle stood until then.
        if coverage.sequence_gaps.is_some_and(|gaps| gaps > 0) && (!closed || hold.accompanied) {
            return Confidence::Likely;
        }
        Confidence::Proven
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
                Ended::Open => Edge::AfterCapture,
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

    /// DELETE PENDING: the mark on the link or on a directory above it, and every open that keeps it alive.
    pub(crate) fn pending(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        as_child: Option<&'static str>,
        found: &mut Blockers,
    ) {
        if link == NONE {
            return;
        }
        let at = failing.at;
        let track = self.track(self.names.file(link));
        let mark = track.marks.standing(link, at).copied();
        if mark.is_none() && as_child.is_none() {
            let mut above = self.names.parent_link(link);
            for _ in 0..64 {
                if above == NONE {
                    break;
                }
                if self.names.ever_marked(above) {
                    let dir = self.track(self.names.file(above));
                    if let Some(mark) = dir.marks.standing(above, at).copied() {
                        found.mark = Some((mark, above));
                        self.keepers(failing, above, Some(mark), Mechanism::ParentDeletePending, "DP-7", found);
                        return;
                    }
                }
                above = self.names.parent_link(above);
            }
        }
        if let Some(mark) = mark {
            found.mark.get_or_insert((mark, link));
        }
        match as_child {
            None => self.keepers(failing, link, mark, Mechanism::OpenHandle, "DP-3", found),
            Some(rule) => {
                if mark.is_some() {
                    self.keepers(failing, link, mark, Mechanism::ChildDeletePending, rule, found);
                }
            }
        }
    }

    /// DP-3, DP-6, DP-9: the opens that keep a marked link.
    fn keepers(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        mark: Option<Mark>,
        mechanism: Mechanism,
        rule: &'static str,
        found: &mut Blockers,
    ) {
        let none = |_: &HoldRec| None;
        let mut ceiling = if mark.is_some() { Confidence::Proven } else { Confidence::Likely };
        if let Some(mark) = mark
            && mark.how == DeleteHow::PosixDisposition
        {
            let fit = |hold: &HoldRec| {
                if hold.link != link || hold.process != mark.process || hold.stream != UNNAMED {
                    return Fit::No;
                }
                match hold.grant {
                    Some(grant) if grant.classes.contains(AccessClasses::DELETE) => Fit::Yes,
                    Some(grant) if !grant.possible.contains(AccessClasses::DELETE) => Fit::No,
                    _ => Fit::Maybe,
                }
            };
            let mechanism = if mechanism == Mechanism::OpenHandle { Mechanism::PosixMarker } else { mechanism };
            let rule = if rule == "DP-3" { "DP-6" } else { rule };
            let before = found.suspects.len();
            let by = Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling };
            self.by_handle(failing, link, &by, found);
            if found.suspects.len() > before {
                return;
            }
            if mechanism == Mechanism::ChildDeletePending {
                return; // a POSIX-deleted child does not count (DR-1)
            }
            ceiling = Confidence::Possible; // the marker has closed, so the name should be gone: something else is at work
        }
        let fit = |hold: &HoldRec| if hold.link == link { Fit::Yes } else { Fit::No };
        let by = Rule { mechanism, rule, fit: &fit, conflict: &none, ceiling };
        self.by_handle(failing, link, &by, found);
    }

    /// CANNOT DELETE: the read-only attribute, else mappings.
    fn cannot_delete(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        let link = self.subject(failing.index, failing.op);
        let track = self.track(self.names.file(link));
        let ignores = matches!(failing.op.kind, OpKind::SetDispositionEx { flags, .. }
            if flags.contains(DispositionFlags::IGNORE_READONLY_ATTRIBUTE));
        if track.is_readonly(failing.at.start) == Some(true) && !ignores {
            found.nobody = true; // DP-10
            return;
        }
        // MM-2: a delete-on-close open looks at image sections only.
        let create = matches!(failing.op.kind, OpKind::Create(_));
        let rule = if create { "MM-2" } else { "MM-1" };
        self.mapped(failing, link, rule, &|kind| kind.image() || (!create && kind.data()), found);
        let image = found.suspects.iter().any(|suspect| suspect.holder.mechanism == Mechanism::ImageMapping);
        let data = found.suspects.iter().any(|suspect| suspect.holder.mechanism == Mechanism::DataMapping);
        found.cause = match (image, data) {
            (true, _) => Some(Cause::ImageSection),
            (false, true) => Some(Cause::UserMapped),
            _ => Some(Cause::Other),
        };
    }

    /// Sections that may be alive.
    fn mapped(
        &mut self,
        failing: Failing<'_>,
        link: u32,
        rule: &'static str,
        fits: &dyn Fn(Kind) -> bool,
        found: &mut Blockers,
    ) {
        if link == NONE {
            return;
        }
        let track = self.track(self.names.file(link));
        let mapped: Vec<Mapped> = track
            .sections
            .at(failing.at, &self.exits, self.options.limit)
            .into_iter()
            .filter(|mapped| fits(mapped.kind))
            .collect();
        let mut processes: Vec<_> = mapped.iter().map(|mapped| mapped.process).collect();
        processes.sort_unstable();
        processes.dedup();
        let image_only = !fits(Kind::Data { writable: true });
        // A status that only a mapping can cause, and one process that made one: only its end is not shown (MM-5).
        let alone = processes.len() == 1 && failing.op.status != NtStatus::SHARING_VIOLATION;
        for section in mapped {
            let handle = track
                .process_spans(section.process)
                .any(|(from, to, _)| from <= failing.at.start && to >= failing.at.end);
            let confidence = match section.kind {
                Kind::Program if section.through => Confidence::Proven,
                Kind::Program | Kind::Image => Confidence::Likely,
                // Without a Load Image of its own a section is no loaded image, where the capture records those.
                Kind::Unknown { .. } if rule != "SA-8" && image_only => Confidence::Possible,
                Kind::Unknown { .. } if !(alone || handle) => Confidence::Possible,
                _ if alone || handle => Confidence::Likely,
                _ => Confidence::Possible,
            };
            let image = match section.kind {
                Kind::Data { .. } => false,
                Kind::Unknown { .. } => image_only,
                _ => true,
            };
            let mechanism = if image { Mechanism::ImageMapping } else { Mechanism::DataMapping };
            let exit = section.exit.and_then(|(op, _)| op);
            let older = section.made.is_none();
            add(
                &mut found.suspects,
                Suspect {
                    holder: Holder {
                        party: self.author(section.made, section.process),
                        confidence,
                        mechanism,
                        rule,
                        handle_ambiguous: false,
                        hold: Hold {
                            start: section.made.map_or(Edge::BeforeCapture, |at| self.edge(at)),
                            end: match exit {
                                Some(exit) if section.kind == Kind::Program => self.edge(exit),
                                None if section.kind == Kind::Program && section.exit.is_none() => Edge::AfterCapture,
                                _ => Edge::Unseen,
                            },
                            access: None,
                            share: None,
                            path: section
                                .made
                                .and_then(|at| self.op(at))
                                .map(|op| op.path)
                                .filter(|path| !older && !self.names.same_path(*path, failing.op.path)),
                            range: None,
                        },
                        more: Vec::new(),
                        conflicts: Vec::new(),
                        victim: self.counts_as_victim(failing, section.process)
                            && section.made.and_then(|at| self.op(at)).is_none_or(|op| op.driver.is_none()),
                        smb_client: false,
                        confirmed: false,
                    },
                    inferred: confidence < Confidence::Proven,
                    left_early: false,
                    // MM-5: only the end of its process bounds a mapping.
                    settled_by_release: confidence == Confidence::Likely && processes.len() == 1,
                    counterpart: false,
                    end: exit.zip(section.exit.map(|(_, time)| Instant::point(time))),
                },
            );
        }
    }

    fn author(&self, made: Option<u32>, process: crate::capture::op::ProcessId) -> Party {
        match made.and_then(|at| self.op(at)).and_then(|op| op.driver) {
            Some(driver) => Party::Driver { driver, process },
            None => Party::Process(process),
        }
    }

    /// RN-2, RN-7: SHARING VIOLATION on a rename or link.
    fn blocked_move(&mut self, failing: Failing<'_>, flags: RenameFlags, found: &mut Blockers) {
        found.cause = Some(Cause::ShareConflict);
        let Some(target) = self.names.target(failing.index) else { return };
        if target.link != NONE && flags.contains(RenameFlags::REPLACE_IF_EXISTS) {
            let replace =
                Grant { classes: AccessClasses::DELETE, possible: AccessClasses::DELETE, share: ShareAccess(7) };
            let conflict = |hold: &HoldRec| {
                hold.grant.and_then(|grant| sharing_conflict(grant, replace, crate::nt::sharing::Relation::SameStream))
            };
            let fit = |hold: &HoldRec| match (hold.grant, conflict(hold)) {
                (_, Some(conflict)) if conflict.certain => Fit::Yes,
                (None, _) | (_, Some(_)) => Fit::Maybe,
                _ => Fit::No,
            };
            let ceiling = Confidence::Proven;
            let rule =
                Rule { mechanism: Mechanism::ReplacedTarget, rule: "RN-2", fit: &fit, conflict: &conflict, ceiling };
            self.by_handle(failing, target.link, &rule, found);
        }
        // The I/O manager opens the directory to add an entry, sharing reading and writing.
        let entry = Grant {
            classes: AccessClasses::WRITE,
            possible: AccessClasses::WRITE,
            share: ShareAccess(ShareAccess::READ.0 | ShareAccess::WRITE.0),
        };
        let conflict = |hold: &HoldRec| {
            hold.grant.and_then(|grant| sharing_conflict(grant, entry, crate::nt::sharing::Relation::SameStream))
        };
        let fit = |hold: &HoldRec| match conflict(hold) {
            Some(conflict) if conflict.certain => Fit::Yes,
            Some(_) => Fit::Maybe,
            None => Fit::No,
        };
        let from = found.suspects.len();
        let dir = self.names.link_of(target.dir);
        let ceiling = Confidence::Proven;
        let rule =
            Rule { mechanism: Mechanism::DestinationDirectory, rule: "RN-7", fit: &fit, conflict: &conflict, ceiling };
        self.by_handle(failing, dir, &rule, found);
        for suspect in found.suspects.iter_mut().skip(from) {
            // Later versions share deleting too, so a mere DELETE handle is no proof.
            if suspect.holder.conflicts.iter().all(|conflict| conflict.side == Side::VictimDoesNotShare) {
                suspect.settled_by_release = suspect.holder.confidence == Confidence::Proven;
                suspect.holder.confidence = suspect.holder.confidence.min(Confidence::Likely);
                suspect.inferred = true;
            }
        }
    }

    /// RN-1, RN-3, RN-5, RN-6: ACCESS DENIED on a rename or link.
    fn denied_move(&mut self, failing: Failing<'_>, flags: RenameFlags, found: &mut Blockers) {
        let none = |_: &HoldRec| None;
        let ceiling = Confidence::Proven;
        let place = self.names.place(failing.index);
        let target = self.names.target(failing.index);
        if let Some(target) = target
            && target.link != NONE
            && flags.contains(RenameFlags::REPLACE_IF_EXISTS)
        {
            let track = self.track(self.names.file(target.link));
            let readonly = track.is_readonly(failing.at.start) == Some(true)
                && !flags.contains(RenameFlags::IGNORE_READONLY_ATTRIBUTE);
            if readonly {
                return;
            }
            self.mapped(failing, target.link, "RN-5", &Kind::image, found);
            if !flags.contains(RenameFlags::POSIX_SEMANTICS) {
                let link = target.link;
                let fit = |hold: &HoldRec| if hold.link == link { Fit::Yes } else { Fit::No };
                let mechanism = Mechanism::ReplacedTarget;
                let rule = Rule { mechanism, rule: "RN-1", fit: &fit, conflict: &none, ceiling };
                self.by_handle(failing, link, &rule, found);
            }
        }
        if matches!(failing.op.kind, OpKind::Rename { .. }) && place.link != NONE {
            // RN-4: nobody is behind the refusal to rename a pending source.
            let track = self.track(self.names.file(place.link));
            if track.marks.standing(place.link, failing.at).is_some() {
                found.suspects.clear();
                return;
            }
            let fit = |hold: &HoldRec| if hold.stream != UNNAMED { Fit::Yes } else { Fit::No };
            let mechanism = Mechanism::OpenHandle;
            let rule = Rule { mechanism, rule: "RN-6", fit: &fit, conflict: &none, ceiling };
            self.by_handle(failing, place.link, &rule, found);
            self.descendants(failing, self.names.file(place.link), found);
        }
        let replaced = found.suspects.iter().any(|suspect| suspect.holder.mechanism != Mechanism::ImageMapping);
        found.cause = match found.suspects.is_empty() {
            true => None,
            false if replaced => Some(Cause::RenameBlocked),
            false => Some(Cause::ImageSection),
        };
    }

    /// RN-3: opens anywhere below a directory.
    fn descendants(&mut self, failing: Failing<'_>, dir: u32, found: &mut Blockers) {
        let tick = self.tick(failing.index);
        let none = |_: &HoldRec| None;
        let mut stack = vec![dir];
        let mut visited = rustc_hash::FxHashSet::default();
        while let Some(dir) = stack.pop() {
            if !visited.insert(dir) {
                continue;
            }
            if self.work.is_spent() {
                found.truncated = true;
                return;
            }
            for link in self.entries(dir, tick) {
                let fit = |hold: &HoldRec| if hold.link == link { Fit::Yes } else { Fit::No };
                let ceiling = Confidence::Proven;
                let mechanism = Mechanism::OpenDescendant;
                let rule = Rule { mechanism, rule: "RN-3", fit: &fit, conflict: &none, ceiling };
                if found.suspects.len() < 256 {
                    self.by_handle(failing, link, &rule, found);
                }
                stack.push(self.names.file(link));
            }
        }
    }

    /// LK-1, LK-2: byte-range locks.
    fn locked(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.cause = Some(Cause::ByteRangeLock);
        let place = self.names.place(failing.index);
        let Some(range) = requested(failing.op).range else { return };
        let lock_request = matches!(failing.op.kind, OpKind::Lock { .. });
        let track = self.track(self.names.file(place.link));
        let mut owners: Vec<_> = track
            .locks
            .at(failing.at, range, self.options.limit)
            .into_iter()
            .filter(|(lock, _)| range.exclusive || lock.range.exclusive)
            .collect();
        if owners.iter().any(|(lock, _)| lock.process != failing.op.process) {
            // Its own locks do not refuse a process on the same handle; foreign ones explain it without them.
            owners.retain(|(lock, _)| lock.process != failing.op.process);
        }
        for (lock, sure) in owners {
            let own = lock.process == failing.op.process;
            let confidence = if sure && !own { Confidence::Proven } else { Confidence::Likely };
            let exit = self.exits.get(lock.process.0 as usize).copied().flatten();
            let end = lock.released.or(exit.and_then(|(op, time)| Some((op?, Instant::point(time)))));
            add(
                &mut found.suspects,
                Suspect {
                    holder: Holder {
                        party: self.author(Some(lock.op), lock.process),
                        confidence,
                        mechanism: Mechanism::ByteRangeLock,
                        rule: if lock_request { "LK-1" } else { "LK-2" },
                        handle_ambiguous: false,
                        hold: Hold {
                            start: self.edge(lock.op),
                            end: end.map_or(Edge::AfterCapture, |(op, _)| self.edge(op)),
                            access: None,
                            share: None,
                            path: self
                                .op(lock.op)
                                .map(|op| op.path)
                                .filter(|path| !self.names.same_path(*path, failing.op.path)),
                            range: Some(lock.range),
                        },
                        more: Vec::new(),
                        conflicts: Vec::new(),
                        victim: self.counts_as_victim(failing, lock.process),
                        smb_client: false,
                        confirmed: false,
                    },
                    inferred: !sure,
                    left_early: false,
                    settled_by_release: false,
                    counterpart: false,
                    end,
                },
            );
        }
    }

    /// DR-1, DR-2: DIRECTORY NOT EMPTY.
    fn not_empty(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.cause = Some(Cause::DirectoryNotEmpty);
        let link = self.subject(failing.index, failing.op);
        if link == NONE {
            return;
        }
        let dir = self.names.file(link);
        let tick = self.tick(failing.index);
        let mut live = false;
        if self.work.is_spent() {
            found.truncated = true;
            return;
        }
        let mut examined = 0;
        for child in self.entries(dir, tick) {
            if self.names.ever_marked(child) {
                examined += 1;
                found.truncated |= examined > MAX_CHILDREN;
                if examined <= MAX_CHILDREN {
                    let mut inner = Blockers::default();
                    self.pending(failing, child, Some("DR-1"), &mut inner);
                    let marked = inner.mark.is_some();
                    live |= !marked;
                    for suspect in inner.suspects {
                        add(&mut found.suspects, suspect);
                    }
                }
            } else {
                live |= self.names.is_seen(child);
            }
        }
        self.children_in_use(failing, dir, tick, found);
        if found.suspects.is_empty() && live {
            found.nobody = true; // a live child nobody tried to delete
        }
    }

    /// The names in a directory at a tick.
    fn entries(&self, dir: u32, tick: u32) -> Vec<u32> {
        let mut walked = 0;
        let entries = self
            .names
            .children(dir)
            .inspect(|_| walked += 1)
            .take(65_536)
            .filter(|stay| stay.from <= tick && tick < stay.to)
            .map(|stay| stay.link)
            .collect();
        self.work.spend(walked + 1);
        entries
    }

    /// DR-2: children whose own deletion by this process a lock refused, and would still refuse.
    fn children_in_use(&mut self, failing: Failing<'_>, dir: u32, tick: u32, found: &mut Blockers) {
        if failing.nesting >= MAX_NESTING {
            return;
        }
        let to = self.names.refused.partition_point(|entry| (entry.0, entry.1) < (dir, tick));
        let refused: Vec<u32> = self
            .names
            .refused
            .get(..to)
            .unwrap_or(&[])
            .iter()
            .rev()
            .take_while(|entry| entry.0 == dir)
            .take(MAX_CHILDREN)
            .map(|entry| entry.2)
            .collect();
        let mut seen = rustc_hash::FxHashSet::default();
        for index in refused {
            let Some(op) = self.op(index) else { continue };
            let child = self.names.place(index).link;
            if op.process != failing.op.process
                || child == NONE
                || !self.names.lives(child, tick)
                || !seen.insert(child)
            {
                continue;
            }
            if self.work.is_spent() {
                found.truncated = true;
                return;
            }
            self.work.spend(1000); // what is nested multiplies
            let inner = Failing { index, op, at: failing.at, burst: failing.burst, nesting: failing.nesting + 1 };
            let pending = op.status == NtStatus::DELETE_PENDING;
            for mut suspect in self.blockers(inner).suspects {
                if suspect.holder.confidence < Confidence::Likely {
                    continue;
                }
                suspect.holder.mechanism = if pending { Mechanism::ChildDeletePending } else { Mechanism::ChildInUse };
                suspect.holder.rule = if pending { "DR-1" } else { "DR-2" };
                suspect.holder.hold.path.get_or_insert(op.path);
                add(&mut found.suspects, suspect);
            }
        }
    }

    /// OP-2, OP-3, OP-4.
    fn oplock(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.cause = Some(Cause::OplockBreak);
        let place = self.names.place(failing.index);
        if place.link == NONE {
            return;
        }
        let own = failing.op.process;
        let none = |_: &HoldRec| None;
        if failing.op.status == NtStatus::OPLOCK_NOT_GRANTED {
            let track = self.track(self.names.file(place.link));
            let writer = |hold: &HoldRec| hold.grant.is_some_and(|grant| grant.classes.contains(AccessClasses::WRITE));
            let (groups, _) = track.weigh(failing.at, self.options.limit, &self.work, &|hold| {
                if hold.process != own && writer(hold) { Fit::Yes } else { Fit::No }
            });
            let writers = groups.iter().any(|(_, weighed)| weighed.possible);
            let fit = |hold: &HoldRec| {
                if hold.process == own || (writers && !writer(hold)) { Fit::No } else { Fit::Yes }
            };
            let ceiling = if writers { Confidence::Likely } else { Confidence::Possible };
            let rule = Rule { mechanism: Mechanism::OpenHandle, rule: "OP-4", fit: &fit, conflict: &none, ceiling };
            self.by_handle(failing, place.link, &rule, found);
            return;
        }
        let rule = if failing.op.status == NtStatus::CANNOT_BREAK_OPLOCK { "OP-3" } else { "OP-2" };
        let track = self.track(self.names.file(place.link));
        let owners: Vec<_> = track
            .oplocks
            .iter()
            .filter(|oplock| {
                let ended = self.op(oplock.op).and_then(|op| op.end);
                oplock.process != own && oplock.stood(failing.at, ended)
            })
            .map(|oplock| oplock.process)
            .take(64)
            .collect();
        let fit = |hold: &HoldRec| if owners.contains(&hold.process) { Fit::Yes } else { Fit::No };
        let ceiling = Confidence::Likely;
        let by = Rule { mechanism: Mechanism::Oplock, rule, fit: &fit, conflict: &none, ceiling };
        self.by_handle(failing, place.link, &by, found);
    }

    /// VI-10: a process whose current directory this is, though its open is not in the capture.
    fn current_directory(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        let key = self.names.key(failing.op.path);
        let Some(processes) = self.directories.get(&key) else { return };
        let processes: Vec<_> = processes.iter().copied().take(256).collect();
        let place = self.names.place(failing.index);
        let track = self.track(self.names.file(place.link));
        for (process, started) in processes {
            let info = self.log.processes.get(process.0 as usize);
            let begun = started
                .and_then(|at| self.op(at))
                .map(|op| op.start)
                .or_else(|| info.and_then(|info| info.started))
                .unwrap_or_default();
            let exit = self.exits.get(process.0 as usize).copied().flatten();
            let over = exit.is_some_and(|(_, time)| time <= failing.at.start);
            // A visible open of the directory, alive or closed, tells more than the setting.
            if begun >= failing.at.start || over || track.process_spans(process).next().is_some() {
                continue;
            }
            add(
                &mut found.suspects,
                Suspect {
                    holder: Holder {
                        party: Party::Process(process),
                        confidence: Confidence::Likely,
                        mechanism: Mechanism::CurrentDirectory,
                        rule: "VI-10",
                        handle_ambiguous: false,
                        hold: Hold {
                            start: started.map_or(Edge::BeforeCapture, |at| self.edge(at)),
                            end: match exit {
                                Some((Some(op), _)) => self.edge(op),
                                Some((None, _)) => Edge::Unseen,
                                None => Edge::AfterCapture,
                            },
                            access: None,
                            share: None,
                            path: None,
                            range: None,
                        },
                        more: Vec::new(),
                        conflicts: vec![Conflict { side: Side::HolderDoesNotShare, classes: AccessClasses::DELETE }],
                        victim: self.counts_as_victim(failing, process),
                        smb_client: false,
                        confirmed: false,
                    },
                    inferred: true,
                    left_early: false,
                    settled_by_release: false,
                    counterpart: false,
                    end: exit.and_then(|(op, time)| Some((op?, Instant::point(time)))),
                },
            );
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
fn add(suspects: &mut Vec<Suspect>, suspect: Suspect) {
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
