//! Which rules a conclusion rests on, and the event that shows it, beside the rule that makes a hold a reason.

use super::finding::{
    Attribution, Cause, Confidence, DeleteHow, Edge, Explanation, Finding, Holder, Mechanism, Party, Side,
};
use crate::capture::op::{EventIndex, Op, OpKind, OpLog, PathId};
use crate::nt::path::volume_device;
use crate::nt::sharing::{AccessClasses, Grant};
use crate::nt::{AccessMask, CreateOptions, DispositionFlags, FileAttributes, NtStatus, OpenResult};
use rustc_hash::FxHashMap;

/// A rule that a conclusion rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Citation {
    /// Its number in the locking reference.
    pub rule: &'static str,
    /// The event that shows it, where one does.
    pub event: Option<EventIndex>,
}

/// Renames and links followed when a hold goes by another name, at most for each name.
const MAX_MOVES: usize = 16;

/// Operations between the begin of a hold and a refusal that are searched, at most.
const MAX_BETWEEN: usize = 1024;

/// Operations before a refusal that are searched for the attributes of its file, at most.
const MAX_ATTRIBUTES: usize = 65_536;

/// Cites the rules of findings over one log.
#[derive(Debug)]
pub struct Citer<'a> {
    log: &'a OpLog,
    /// Successful renames and links, by the names on either side, as [`name`] spells them.
    moves: FxHashMap<String, Vec<u32>>,
}

/// A name as renames and links are looked up by (AT-2).
fn name(log: &OpLog, path: PathId) -> String {
    crate::nt::path::normalize(log.paths.get(path), &log.roots).to_lowercase()
}

impl<'a> Citer<'a> {
    /// Notes the renames and links of a log.
    pub fn new(log: &'a OpLog) -> Self {
        let mut moves: FxHashMap<String, Vec<u32>> = FxHashMap::default();
        for (at, op) in (0u32..).zip(&log.ops) {
            let (OpKind::Rename { target, .. } | OpKind::Link { target, .. }) = op.kind else { continue };
            if op.status.is_success() {
                for path in std::iter::once(op.path).chain(target) {
                    let known = moves.entry(name(log, path)).or_default();
                    if known.len() < MAX_MOVES {
                        known.push(at);
                    }
                }
            }
        }
        Self { log, moves }
    }

    /// The rules behind a finding as a whole.
    pub fn finding(&self, finding: &Finding) -> Vec<Citation> {
        let mut cited = Cited::default();
        if let Some(mark) = finding.deleted_by {
            let rule = match mark.how {
                DeleteHow::Disposition => "DP-2",
                DeleteHow::PosixDisposition => "DP-6",
                DeleteHow::DeleteOnClose => "DP-4",
            };
            if let Some(undone) = self.undone(mark.event) {
                cited.add("DP-5", Some(undone));
            }
            cited.add(rule, Some(mark.event));
        }
        if finding.live_child.is_some() {
            cited.add("DR-1", finding.live_child);
        }
        match finding.attribution {
            Attribution::NoHolder => match finding.status {
                NtStatus::CANNOT_DELETE => cited.add("DP-10", self.read_only(finding)),
                NtStatus::DIRECTORY_NOT_EMPTY => cited.add("DR-1", None),
                NtStatus::FILE_DELETED => cited.add("DP-6", finding.deleted_by.map(|mark| mark.event)),
                _ => {}
            },
            Attribution::NotVisible => {
                cited.add("AT-9", None);
                if finding.born_in_capture {
                    cited.add("AT-5", None);
                }
                finding.explanations.iter().for_each(|code| cited.add(explained_by(*code), None));
            }
            Attribution::SelfInflicted => cited.add("AT-8", None),
            Attribution::Holders => {}
        }
        cited.0
    }

    /// Whether the hold may have ended, and begun anew, in events that are missing.
    fn may_have_been_closed(&self, finding: &Finding, holder: &Holder) -> bool {
        let Edge::At(_, since) = holder.hold.start else { return false };
        let coverage = self.log.coverage;
        coverage.is_torn(since, finding.time)
            || coverage.has_gaps(since, finding.time) && !matches!(holder.hold.end, Edge::At(..))
    }

    /// The rules behind one holder of a finding, beside its own. With `author_unshown` no call stack tells whether it or
    /// somebody in its name made the hold.
    pub fn holder(&self, finding: &Finding, holder: &Holder, author_unshown: bool) -> Vec<Citation> {
        let mut cited = Cited::default();
        let start = event_of(holder.hold.start);
        if !holder.conflicts.is_empty() {
            cited.add("SA-3", None);
            cited.add("SA-1", None);
        }
        if holder.conflicts.iter().any(|conflict| conflict.side == Side::HolderDoesNotShare) || holder.rule == "SA-5" {
            // The disposition added a class to what was asked for.
            if implied(finding) {
                cited.add("SA-5", Some(finding.event));
            }
        }
        if self.is_folder(finding, holder) && holder.rule.starts_with("SA-") {
            cited.add("SA-10", start);
        }
        if spared_by_read(finding, holder) {
            cited.add("SA-9", start);
        }
        if holder.unchecked {
            cited.add("SA-12", start);
        }
        if matches!(holder.rule, "DP-7" | "DP-9" | "DR-1" | "RN-4") {
            let posix = finding.deleted_by.is_some_and(|mark| mark.how == DeleteHow::PosixDisposition);
            cited.add(if posix { "DP-6" } else { "DP-3" }, None);
        }
        if holder.confidence == Confidence::Likely && self.may_have_been_closed(finding, holder) {
            cited.add("VI-7", None);
        }
        self.other_name(finding, holder, &mut cited);
        if author_unshown || matches!(holder.party, Party::Driver { .. }) {
            cited.add("VI-3", start.or(Some(finding.event)));
        }
        if holder.smb_client {
            cited.add("VI-5", start);
        }
        let starts =
            |event: EventIndex| self.op(event).is_some_and(|op| matches!(op.kind, OpKind::ProcessStart { .. }));
        if holder.mechanism == Mechanism::CurrentDirectory || holder.rule == "RN-3" && start.is_some_and(starts) {
            cited.add("VI-10", start);
        }
        let mapped = matches!(holder.mechanism, Mechanism::ImageMapping | Mechanism::DataMapping);
        if !mapped && (holder.handle_ambiguous || holder.confidence < Confidence::Proven) {
            let close = self.unclear_close(finding, holder);
            if holder.handle_ambiguous || close.is_some() {
                cited.add("AT-3", close);
                if start.is_some() {
                    // Which of them is shown goes by the usual order of closes.
                    cited.add("AT-13", None);
                }
            }
        }
        if holder.mechanism == Mechanism::ImageMapping
            && let Some(link) = self.checked_in_spite_of(finding)
        {
            cited.add("MM-3", Some(link));
        }
        if start.is_none() && holder.mechanism != Mechanism::FilterInStack && !mapped {
            // Only its use or its close shows the handle.
            cited.add("AT-6", event_of(holder.hold.end));
            if holder.hold.start == Edge::Unseen {
                cited.add("SA-7", event_of(holder.hold.end));
            }
        }
        // Its own close is missing, and another's has no open: one handle may have gone from hand to hand.
        let handed = |other: &&Holder| {
            let orphan = event_of(other.hold.start).is_none() && other.mechanism == Mechanism::OpenHandle;
            orphan && other.party != holder.party
        };
        if start.is_some()
            && holder.hold.end == Edge::Unseen
            && let Some(other) = finding.holders.iter().find(handed)
        {
            cited.add("AT-6", event_of(other.hold.end));
        }
        if start.is_none() && mapped {
            cited.add("VI-4", None);
        }
        if mapped && (holder.hold.end == Edge::Unseen || holder.confidence < Confidence::Proven) {
            cited.add("MM-5", None);
        }
        if let Some(end) = event_of(holder.hold.end)
            && self.op(end).is_some_and(|op| matches!(op.kind, OpKind::ProcessExit))
        {
            cited.add("AT-7", Some(end));
        }
        if let Some(success) = holder.refuted_by {
            if holder.hold.start == Edge::Unseen {
                // The open that is seen was over by then; this is another handle.
                cited.add("AT-4", self.opened_by(holder.party, finding.path, success));
            }
            cited.add("AT-11", Some(success));
        }
        if holder.confirmed {
            cited.add("AT-10", finding.confirmed_by);
        }
        if holder.victim && finding.holders.len() > 1 {
            cited.add("AT-8", None);
        }
        cited.0.retain(|one| one.rule != holder.rule || one.event.is_some());
        cited.0
    }

    /// The rules behind one who kept an operation waiting, beside its own.
    pub fn wait(&self, cause: Cause, holder: &Holder) -> Vec<Citation> {
        let mut cited = Cited::default();
        if cause == Cause::OplockBreak {
            cited.add("OP-1", event_of(holder.hold.start));
        }
        if let Party::Driver { .. } = holder.party {
            cited.add("VI-3", event_of(holder.hold.start));
        }
        cited.0
    }

    /// Why a hold under another name counts: the file was renamed, or linked, meanwhile; or the names are spelled otherwise.
    fn other_name(&self, finding: &Finding, holder: &Holder, cited: &mut Cited) {
        use Mechanism as M;
        let own = |path: PathId| path == finding.path || finding.requested.target == Some(path);
        let Some(path) = holder.hold.path.filter(|path| !own(*path)) else {
            // AT-2: told under the refused name; it was opened by another spelling of it.
            let start = event_of(holder.hold.start);
            if let Some(opened) = start.and_then(|event| self.op(event))
                && holder.hold.path.is_none()
                && !own(opened.path)
            {
                cited.add("AT-2", start);
            }
            return;
        };
        // A hold on a child, a parent, a target or another stream has another name by nature.
        if matches!(
            holder.mechanism,
            M::ChildDeletePending
                | M::ChildInUse
                | M::ParentDeletePending
                | M::ReplacedTarget
                | M::OpenDescendant
                | M::DestinationDirectory
        ) || matches!(holder.rule, "SA-6" | "DP-9" | "RN-6")
        {
            return;
        }
        let moved =
            self.moves.get(&name(self.log, path)).into_iter().flatten().filter_map(|at| self.log.ops.get(*at as usize));
        let before: Vec<&Op> = moved.filter(|op| op.event < finding.event).collect();
        let renames = || before.iter().filter(|op| matches!(op.kind, OpKind::Rename { .. }));
        // The one that took the name away from under the handle, else the last that had to do with it.
        let since = event_of(holder.hold.start);
        let away = renames().find(|op| op.path == path && since.is_some_and(|since| op.event > since));
        if let Some(rename) = away.or_else(|| renames().next_back()) {
            cited.add("AT-1", Some(rename.event));
        } else if let Some(link) = before.last() {
            cited.add("SA-4", Some(link.event));
        } else {
            let (held, refused) = (self.log.paths.get(path), self.log.paths.get(finding.path));
            let drive = |path: &str| path.chars().next().map(|letter| letter.to_ascii_uppercase());
            // No hard link leads from one volume to another.
            let spelled = is_alias(held) || is_alias(refused) || drive(held) != drive(refused);
            // DP-8: a pending delete does not see other links.
            let other_link = !spelled && finding.cause != Cause::DeletePending;
            let rule = match (other_link, holder.confidence) {
                (true, _) => "SA-4",
                (false, Confidence::Possible) if spelled => "VI-9",
                _ => "AT-2",
            };
            cited.add(rule, event_of(holder.hold.start));
        }
    }

    /// A close by the same process between the begin of a hold and the refusal, which may have been this handle's.
    fn unclear_close(&self, finding: &Finding, holder: &Holder) -> Option<EventIndex> {
        let begun = self.op(event_of(holder.hold.start)?)?;
        let from = self.log.ops.partition_point(|op| op.event <= begun.event);
        let to = self.log.ops.partition_point(|op| op.event < finding.event);
        let between = self.log.ops.get(from..to).unwrap_or(&[]).iter().take(MAX_BETWEEN);
        let mut closes = between.filter(|op| {
            matches!(op.kind, OpKind::Cleanup)
                && op.process == begun.process
                && op.path == begun.path
                && event_of(holder.hold.end) != Some(op.event)
        });
        closes.next().map(|close| close.event)
    }

    /// The last open of a path by a party before an event.
    fn opened_by(&self, party: Party, path: PathId, event: EventIndex) -> Option<EventIndex> {
        let before = self.log.ops.partition_point(|op| op.event < event);
        let before = self.log.ops.get(..before)?.iter().rev().take(MAX_BETWEEN);
        let own = |op: &&Op| op.process == party.process() && op.path == path && op.status.is_success();
        before.filter(own).find(|op| matches!(op.kind, OpKind::Create(_))).map(|op| op.event)
    }

    /// DP-5: the last event before a mark that took an earlier one on the same name back.
    fn undone(&self, mark: EventIndex) -> Option<EventIndex> {
        let path = self.op(mark)?.path;
        let before = self.log.ops.partition_point(|op| op.event < mark);
        let before = self.log.ops.get(..before)?.iter().rev().take(MAX_BETWEEN);
        let mut undoes = before.filter(|op| op.path == path && op.status.is_success()).filter(|op| match op.kind {
            OpKind::SetDisposition { delete, .. } => !delete,
            OpKind::SetDispositionEx { flags, .. } => !flags.contains(DispositionFlags::DELETE),
            _ => false,
        });
        undoes.next().map(|op| op.event)
    }

    /// MM-3: the link that gave the file another name, where a deletion asked for the check of images all the same.
    fn checked_in_spite_of(&self, finding: &Finding) -> Option<EventIndex> {
        let op = self.op(finding.event)?;
        let OpKind::SetDispositionEx { flags, .. } = op.kind else { return None };
        let moved = self.moves.get(&name(self.log, op.path))?.iter();
        let mut before = moved.filter_map(|at| self.log.ops.get(*at as usize)).filter(|moved| moved.event < op.event);
        let link = before.rfind(|moved| matches!(moved.kind, OpKind::Link { .. }));
        link.filter(|_| flags.contains(DispositionFlags::FORCE_IMAGE_SECTION_CHECK)).map(|link| link.event)
    }

    /// DP-10: the event before the refusal that showed, or set, the read-only attribute.
    fn read_only(&self, finding: &Finding) -> Option<EventIndex> {
        let before = self.log.ops.partition_point(|op| op.event < finding.event);
        let before = self.log.ops.get(..before).unwrap_or(&[]).iter().rev().take(MAX_ATTRIBUTES);
        let paths = &self.log.paths;
        let same = |path| path == finding.path || crate::nt::path::same(paths.get(path), paths.get(finding.path));
        let mut shows = before.filter(|op| op.status.is_success() && same(op.path)).filter_map(|op| {
            let attributes = match op.kind {
                OpKind::ListedReadOnly => FileAttributes::READONLY,
                OpKind::QueryAttributes(attributes) | OpKind::QueryOpen { attributes: Some(attributes) } => attributes,
                OpKind::SetBasic(attributes) if !attributes.is_empty() => attributes,
                OpKind::Create(create) if create.result == Some(OpenResult::CREATED) => create.attributes,
                _ => return None,
            };
            Some((op.event, attributes.contains(FileAttributes::READONLY)))
        });
        shows.next().filter(|(_, read_only)| *read_only).map(|(event, _)| event)
    }

    /// Whether the file is known for a folder by how it was opened.
    fn is_folder(&self, finding: &Finding, holder: &Holder) -> bool {
        let folder = |options: CreateOptions| options.contains(CreateOptions::DIRECTORY_FILE);
        finding.requested.options.is_some_and(folder)
            || event_of(holder.hold.start)
                .and_then(|event| self.op(event))
                .is_some_and(|op| matches!(op.kind, OpKind::Create(create) if folder(create.options)))
    }

    fn op(&self, event: EventIndex) -> Option<&Op> {
        let at = self.log.ops.partition_point(|op| op.event < event);
        self.log.ops.get(at).filter(|op| op.event == event)
    }
}

/// Rules in the order they were cited, each once.
#[derive(Default)]
struct Cited(Vec<Citation>);

impl Cited {
    fn add(&mut self, rule: &'static str, event: Option<EventIndex>) {
        if !self.0.iter().any(|known| known.rule == rule) {
            self.0.push(Citation { rule, event });
        }
    }
}

/// The rule by which a holder may stay unseen.
const fn explained_by(code: Explanation) -> &'static str {
    match code {
        Explanation::FilterBelowProcmonAltitude => "VI-1",
        Explanation::OpenBeforeCapture => "VI-4",
        Explanation::Mapping => "MM-5",
        Explanation::ReadOnlyAttribute => "DP-10",
        Explanation::KernelHeld => "VI-12",
        Explanation::SmbClient => "VI-5",
        Explanation::InheritedOrDuplicatedHandle => "VI-8",
        Explanation::OutsideFilter => "AT-12",
        Explanation::EventsMissing => "VI-7",
    }
}

const fn event_of(edge: Edge) -> Option<EventIndex> {
    match edge {
        Edge::At(event, _) => Some(event),
        Edge::BeforeCapture | Edge::AfterCapture | Edge::Unseen => None,
    }
}

/// Whether a path may be another spelling of one that looks different: a short name, or a volume by its device.
fn is_alias(path: &str) -> bool {
    path.contains('~') || volume_device(path).is_some()
}

/// Whether the disposition of the refused open added a class to the check.
fn implied(finding: &Finding) -> bool {
    let classes = |access: Option<AccessMask>| access.map(AccessClasses::of);
    finding.requested.effective.is_some() && classes(finding.requested.effective) != classes(finding.requested.access)
}

/// SA-9: a conflict about reading alone, where the side that withholds it may share it without knowing.
fn spared_by_read(finding: &Finding, holder: &Holder) -> bool {
    let grant = |access: Option<AccessMask>, share| Some(Grant::new(access?, share?));
    let held = grant(holder.hold.access, holder.hold.share);
    let asked = grant(finding.requested.effective.or(finding.requested.access), finding.requested.share);
    let writes = |grant: Option<Grant>| grant.is_some_and(|grant| grant.possible.contains(AccessClasses::WRITE));
    holder.confidence < Confidence::Proven
        && !holder.conflicts.is_empty()
        && holder.conflicts.iter().all(|conflict| {
            conflict.classes == AccessClasses::READ
                && match conflict.side {
                    Side::HolderDoesNotShare => !writes(held),
                    Side::VictimDoesNotShare => !writes(asked),
                }
        })
}
