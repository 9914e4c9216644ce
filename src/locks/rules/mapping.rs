//! What the sections over a file refuse, and how surely one that may be alive is behind it (MM-1 to MM-5, SA-8).

use super::suspect::{Blockers, Suspect, add};
use crate::capture::op::{Op, OpKind, ProcessId};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::{only_creates, wanted};
use crate::locks::file::hold::{Fit, HoldRec};
use crate::locks::file::sections::{Kind, Mapped};
use crate::locks::file::track::Track;
use crate::locks::finding::{Cause, Confidence, Holder, Mechanism};
use crate::locks::identity::{NONE, UNNAMED};
use crate::locks::spans::Instant;
use crate::nt::sharing::{Relation, sharing_conflict};
use crate::nt::{
    AccessMask, CreateDisposition, CreateOptions, DispositionFlags, FileAttributes, FileTime, NtStatus, ShareAccess,
};
use rustc_hash::FxHashSet;

/// MM-2, SA-11: an open with one of these may ask to write.
pub(crate) const MAY_WRITE_DATA: AccessMask = AccessMask(AccessMask::WRITE_DATA.0 | AccessMask::MAXIMUM_ALLOWED.0);

/// The rule by which a mapping of this kind does not refuse an operation; `Some(None)` where it may, or sources disagree. `None`:
/// mappings have nothing to do with the result.
pub(crate) fn harmless(failing: Failing<'_>, kind: Kind, nobody: bool) -> Option<Option<&'static str>> {
    let create = matches!(failing.op.kind, OpKind::Create(_));
    let moves = matches!(failing.op.kind, OpKind::Rename { .. } | OpKind::Link { .. });
    // MM-4: superseding asks for no right to write; how it meets an image no source tells.
    let supersedes = matches!(failing.op.kind, OpKind::Create(create)
        if create.disposition == Some(CreateDisposition::SUPERSEDE));
    match failing.op.status {
        NtStatus::SHARING_VIOLATION if only_creates(failing.op) => Some(Some("SA-5")),
        NtStatus::SHARING_VIOLATION if create => {
            let wanted = wanted(failing.op);
            let told = wanted.effective != AccessMask::NONE;
            // SA-11: nor what a request for all that may be granted asks for.
            let image = kind.image() && (supersedes || wanted.effective.intersects(MAY_WRITE_DATA));
            // SA-8: an open that asks for attributes only is a matter of dispute.
            let data = kind.may_write() && !wanted.grant.share.contains(ShareAccess::WRITE);
            let rule = if kind.image() { "MM-2" } else { "SA-8" };
            Some((told && !image && !data).then_some(rule))
        }
        // The read-only attribute is looked at first.
        NtStatus::CANNOT_DELETE if nobody => Some(Some("DP-10")),
        NtStatus::CANNOT_DELETE => Some((create && !kind.image()).then_some("MM-2")),
        NtStatus::USER_MAPPED_FILE => Some((create && !kind.data() && !supersedes).then_some("MM-4")),
        NtStatus::ACCESS_DENIED if moves => Some((!kind.image()).then_some("RN-5")),
        _ => None,
    }
}

/// Whether only a mapping leads to such a result.
fn only_mapped(failing: Failing<'_>) -> bool {
    matches!(failing.op.status, NtStatus::CANNOT_DELETE | NtStatus::USER_MAPPED_FILE)
}

/// Whether a handle may refuse what a mapping was asked about.
fn also_refuses(op: &Op, hold: &HoldRec, link: u32) -> Fit {
    let refuses = match (op.status, op.kind) {
        (NtStatus::SHARING_VIOLATION, _) => {
            let conflict = |grant| sharing_conflict(grant, wanted(op).grant, Relation::SameStream);
            hold.grant.is_none_or(|grant| conflict(grant).is_some())
        }
        (NtStatus::ACCESS_DENIED, OpKind::Rename { .. } | OpKind::Link { .. }) => hold.link == link, // RN-1
        _ => false,
    };
    if refuses { Fit::Maybe } else { Fit::No }
}

impl Engine<'_> {
    /// CANNOT DELETE: the read-only attribute, else mappings.
    pub(crate) fn cannot_delete(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        found.nobody = self.refused_read_only(failing) == Some(true);
        if found.nobody || only_creates(failing.op) {
            return;
        }
        let link = self.subject(failing.index, failing.op);
        // MM-2: a delete-on-close open looks at image sections only.
        let create = matches!(failing.op.kind, OpKind::Create(_));
        let rule = if create { "MM-2" } else { "MM-1" };
        let images = !self.spares_images(failing, link);
        self.mapped(failing, link, rule, &|kind| (images && kind.image()) || (!create && kind.data()), found);
        let image = found.suspects.iter().any(|suspect| suspect.holder.mechanism == Mechanism::ImageMapping);
        let data = found.suspects.iter().any(|suspect| suspect.holder.mechanism == Mechanism::DataMapping);
        found.cause = match (image, data) {
            (true, _) => Some(Cause::ImageSection),
            (false, true) => Some(Cause::UserMapped),
            _ => Some(Cause::Other),
        };
    }

    /// DP-10: whether a deletion was refused for the read-only attribute; `None` where nothing shows the attributes.
    pub(crate) fn refused_read_only(&mut self, failing: Failing<'_>) -> Option<bool> {
        match failing.op.kind {
            // A file that is there would have answered NAME COLLISION, and nobody has a new one mapped.
            OpKind::Create(create) if only_creates(failing.op) => {
                return Some(create.attributes.contains(FileAttributes::READONLY));
            }
            OpKind::SetDispositionEx { flags, .. } if flags.contains(DispositionFlags::IGNORE_READONLY_ATTRIBUTE) => {
                return Some(false);
            }
            _ => {}
        }
        let link = self.subject(failing.index, failing.op);
        let track = self.track(self.names.file(link));
        match track.is_readonly(failing.at.start) {
            Some(false) => Some(false),
            _ if self.shown_writable(failing, &track) => Some(false),
            known => known,
        }
    }

    /// The stream of a file whose sections and locks an operation meets (SA-6): its own, or the unnamed one of the target of a move.
    pub(crate) fn stream_of(&self, failing: Failing<'_>, link: u32) -> u32 {
        let place = self.names.place(failing.index);
        if place.link == link { place.stream } else { UNNAMED }
    }

    /// MM-1: a deletion of the whole file may be refused because of a named stream that is mapped; the reference does not say.
    pub(crate) fn may_count_elsewhere(&self, failing: Failing<'_>, stream: u32) -> bool {
        failing.op.status == NtStatus::CANNOT_DELETE && stream == UNNAMED
    }

    /// MM-3: whether no loaded image refuses a deletion: it does not ask for the check of images, and another name stays.
    pub(crate) fn spares_images(&mut self, failing: Failing<'_>, link: u32) -> bool {
        let unchecked = matches!(failing.op.kind, OpKind::SetDispositionEx { flags, .. }
            if !flags.contains(DispositionFlags::FORCE_IMAGE_SECTION_CHECK));
        failing.op.status == NtStatus::CANNOT_DELETE && unchecked && self.has_other_name(failing, link)
    }

    /// Whether the file is shown to have another name, which stays (MM-3).
    fn has_other_name(&mut self, failing: Failing<'_>, link: u32) -> bool {
        let (file, tick) = (self.names.file(link), self.tick(failing.index));
        let track = self.track(file);
        let past = track.ops.partition_point(|at| self.tick(*at) < tick);
        let recent = track.ops.get(past.saturating_sub(4096)..past).unwrap_or(&[]);
        self.work.spend(recent.len());
        let stays = |other: u32| {
            other != link
                && other != NONE
                && self.names.file(other) == file
                && self.names.is_seen(other)
                && !self.names.ever_marked(other)
                && self.names.lives(other, tick)
        };
        recent.iter().any(|at| stays(self.names.place(*at).link) || self.names.linked(*at).is_some_and(stays))
    }

    /// AT-11: whether the same deletion went through later with the attributes as they were: then the file was not read-only.
    fn shown_writable(&self, failing: Failing<'_>, track: &Track) -> bool {
        let Some(done) = failing.burst.success.and_then(|at| self.op(at)) else { return false };
        let deletes = match done.kind {
            OpKind::SetDisposition { delete, .. } => delete,
            OpKind::SetDispositionEx { flags, .. } => {
                flags.contains(DispositionFlags::DELETE) && !flags.contains(DispositionFlags::IGNORE_READONLY_ATTRIBUTE)
            }
            OpKind::Create(create) => create.options.contains(CreateOptions::DELETE_ON_CLOSE),
            _ => false,
        };
        let within = |op: &Op| failing.at.start <= op.start && op.start <= done.start;
        let set = |op: &Op| matches!(op.kind, OpKind::SetBasic(attributes) if !attributes.is_empty());
        deletes
            && !self.log.coverage.has_gaps(failing.at.start, done.start)
            && !track.ops.iter().filter_map(|at| self.op(*at)).any(|op| within(op) && set(op))
    }

    /// Whether a process ended between the last failure and the success.
    pub(crate) fn brackets(&self, failing: Failing<'_>, exit: Option<(Option<u32>, FileTime)>) -> bool {
        let success = failing.burst.success.and_then(|at| self.op(at));
        exit.zip(success).is_some_and(|((_, exit), op)| exit >= failing.burst.last.end && op.start >= exit)
    }

    /// Whether a later success shows that an image was gone before its process ended: when, nobody knows.
    fn unloaded(&self, failing: Failing<'_>, section: &Mapped) -> bool {
        let done = failing.burst.success.and_then(|at| self.op(at)).map(|op| op.start);
        section.gone.is_some() || done.is_some_and(|done| section.exit.is_none_or(|(_, exit)| done < exit))
    }

    /// The processes whose mapping may have refused the operation to the last, whatever handles they closed (MM-5).
    pub(crate) fn mapping_throughout(&mut self, failing: Failing<'_>) -> FxHashSet<ProcessId> {
        let link = self.subject(failing.index, failing.op);
        if link == NONE {
            return FxHashSet::default();
        }
        let track = self.track(self.names.file(link));
        let Some(here) = track.sections.on(self.stream_of(failing, link)) else { return FxHashSet::default() };
        let able = |at| {
            let sections = here.at(at, &self.exits, self.options.limit).into_iter();
            sections.filter(|section| harmless(failing, section.kind, false) == Some(None))
        };
        let last: FxHashSet<ProcessId> = able(failing.burst.last).map(|section| section.process).collect();
        able(failing.at).map(|section| section.process).filter(|process| last.contains(process)).collect()
    }

    /// Sections of the file of a link that may be alive.
    pub(crate) fn mapped_as(
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
        let last = failing.burst.last;
        let latest = failing.burst.latest;
        let by_itself = self
            .op(latest)
            .is_some_and(|op| self.may_refuse_itself(Failing { index: latest, op, at: last, ..failing }));
        let stream = self.stream_of(failing, link);
        let begun = |mapped: &Mapped| {
            mapped.made.and_then(|made| self.op(made)).is_none_or(|op| failing.may_have_begun(op.start))
        };
        let standing = |at: Instant| {
            let sections = track.sections.on(stream).map(|here| here.at(at, &self.exits, self.options.limit));
            sections.unwrap_or_default().into_iter().filter(|mapped| fits(mapped.kind) && begun(mapped))
        };
        let mapped: Vec<Mapped> = standing(failing.at).collect();
        let image_only = !fits(Kind::Data { writable: Some(true) });
        // A status that only a mapping can cause, and one process that made one: only its end is not shown (MM-5).
        // A sharing violation has other causes; a handle that conflicts explains it already.
        let explained = found.suspects.iter().any(|suspect| suspect.holder.confidence >= Confidence::Likely);
        let only_mapping = failing.op.status != NtStatus::SHARING_VIOLATION || !explained;
        // AT-10: what ended, with its process or as a success shows, while the operation went on failing, and nothing else is
        // there to explain that, be it a later mapping or handle, was not what stood in the way.
        let ended = |section: &Mapped| {
            section.gone.or(section.exit.map(|(_, time)| time)).is_some_and(|time| time <= last.start)
        };
        let all_ended = mapped.iter().all(ended);
        let followed = || {
            // RN-4, DP-1: the last one may have been refused for its source or its rights alone.
            by_itself
                || standing(last).next().is_some()
                || self.may_hold(&track, None, last, &|hold| also_refuses(failing.op, hold, link))
        };
        let not_enough = all_ended && !followed();
        let suffices = |section: &Mapped| all_ended || !ended(section);
        let mut processes: Vec<_> = mapped.iter().filter(|one| suffices(one)).map(|one| one.process).collect();
        processes.sort_unstable();
        processes.dedup();
        let only_one = processes.len() == 1 && only_mapping;
        let elsewhere: Vec<Mapped> = match self.may_count_elsewhere(failing, stream) {
            true => track
                .sections
                .iter()
                .filter(|(other, _)| *other != stream)
                .flat_map(|(_, there)| {
                    there.at(failing.at, &self.exits, self.options.limit).into_iter().filter(|mapped| fits(mapped.kind))
                })
                .collect(),
            false => Vec::new(),
        };
        let here = mapped.len();
        for (nth, section) in mapped.into_iter().chain(elsewhere).enumerate() {
            let alone = only_one && suffices(&section);
            let confidence = match section.kind {
                Kind::Program if section.through && section.gone.is_none() => Confidence::Proven,
                Kind::Program | Kind::Image => Confidence::Likely,
                // Without a Load Image of its own a section is no loaded image, where the capture records those.
                Kind::Unknown { .. } if rule != "SA-8" && image_only => Confidence::Possible,
                // MM-5: which of several views is left, their handles do not tell.
                _ if alone => Confidence::Likely,
                _ => Confidence::Possible,
            };
            // Whether a view that only reads blocks a disposition is disputed (MM-1): its end has to show it.
            let reads_only = matches!(section.kind, Kind::Data { writable: Some(false) | None } | Kind::Unknown { writable: Some(false) | None } if rule == "MM-1");
            let confidence = match reads_only && !self.brackets(failing, section.exit) {
                true => confidence.min(Confidence::Possible),
                false => confidence,
            };
            let confidence = if nth < here { confidence } else { Confidence::Possible };
            let surely_here = section.made.is_none_or(|made| self.is_surely_on(made, link));
            let confidence = if surely_here { confidence } else { confidence.min(Confidence::Likely) };
            // MM-5: closes say nothing about mappings.
            let confidence = confidence.min(self.whole().max(Confidence::Likely));
            let left_early = not_enough && nth < here && confidence < Confidence::Proven;
            let confidence = if left_early { Confidence::Possible } else { confidence };
            let image = match section.kind {
                Kind::Data { .. } => false,
                Kind::Unknown { .. } => image_only,
                _ => true,
            };
            let mechanism = if image { Mechanism::ImageMapping } else { Mechanism::DataMapping };
            let exit = section.exit.and_then(|(op, _)| op);
            let made = section.made.and_then(|at| self.op(at));
            let holder = Holder {
                confidence,
                hold: self.section_hold(failing, &section),
                victim: self.counts_as_victim(failing, section.process) && made.is_none_or(|op| op.driver.is_none()),
                ..Holder::suspect(self.author(section.made, section.process), mechanism, rule)
            };
            let suspect = Suspect {
                inferred: confidence < Confidence::Proven,
                // Of several sufficient holders each blocks alone: an image seen loaded, in a process that lived on; where only a
                // mapping leads to such a result, a view of data is possible besides (MM-5).
                beside: section.made.is_some()
                    && section.through
                    && !self.unloaded(failing, &section)
                    && match confidence {
                        Confidence::Likely => section.kind == Kind::Image,
                        Confidence::Possible => only_mapped(failing) && nth < here && !left_early && !reads_only,
                        Confidence::Proven => false,
                    },
                left_early,
                // MM-5: only the end of its process bounds a mapping.
                settled_by_release: confidence == Confidence::Likely
                    && processes.len() == 1
                    && surely_here
                    && section.through
                    && !reads_only
                    && section.gone.is_none(),
                end: exit.zip(section.exit.map(|(_, time)| Instant::point(time))),
                ..Suspect::of(holder)
            };
            add(&mut found.suspects, suspect);
        }
    }
}
