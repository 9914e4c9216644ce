//! Current directories: a process keeps its own open without sharing deletion, though its open need not be in the capture (VI-10).

use super::suspect::{Blockers, Suspect, add};
use crate::capture::op::{Op, OpKind, ProcessId, ProcessInfo};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::wanted;
use crate::locks::finding::{Confidence, Conflict, Edge, Hold, Holder, Mechanism, Party, Side};
use crate::locks::identity::{NONE, opens};
use crate::locks::spans::Instant;
use crate::nt::FileTime;
use crate::nt::sharing::AccessClasses;

/// Processes with one current directory that are looked at, and with one below a folder.
const MAX_PROCESSES: usize = 256;
/// Successes on a folder that are held against those who may have it as their current directory.
const MAX_SUCCESSES: usize = 65_536;

impl Engine<'_> {
    /// SHARING VIOLATION: a process whose current directory this is.
    pub(crate) fn current_directory(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        let Some(processes) = self.directories.get(&self.names.key(failing.op.path)) else { return };
        let processes: Vec<_> = processes.iter().copied().take(MAX_PROCESSES).collect();
        let link = self.names.place(failing.index).link;
        for (process, started) in processes {
            let Some(mut suspect) = self.stays_in(failing, (process, started), link, found) else { continue };
            suspect.holder.conflicts =
                vec![Conflict { side: Side::HolderDoesNotShare, classes: AccessClasses::DELETE }];
            add(&mut found.suspects, suspect);
        }
    }

    /// RN-3: a process whose current directory is somewhere below a folder. Access may be denied for other reasons, so only its
    /// end just before the rename went through makes it more than possible.
    pub(crate) fn current_directory_below(&mut self, failing: Failing<'_>, found: &mut Blockers) {
        let folder = self.log.paths.get(failing.op.path);
        let below = |path: &str| {
            let head = path.get(..folder.len()).filter(|head| crate::nt::path::same(head, folder));
            head.is_some() && path.get(folder.len()..).is_some_and(|rest| rest.starts_with('\\') && rest.len() > 1)
        };
        self.work.spend(self.log.processes.len());
        let settings = (0u32..).map(ProcessId).zip(&self.log.processes);
        let settings = settings.filter_map(|(process, info)| Some((process, info.current_directory?)));
        let settings: Vec<_> =
            settings.filter(|(_, path)| below(self.log.paths.get(*path))).take(MAX_PROCESSES).collect();
        for (process, path) in settings {
            let key = self.names.key(path);
            let known = |suspect: &Suspect| suspect.holder.party == Party::Process(process);
            if found.suspects.iter().any(known) {
                continue; // what it has open there tells more
            }
            let started = self.directories.get(&key).into_iter().flatten().find(|(other, _)| *other == process);
            let Some(setting) = started.copied() else { continue };
            self.work.spend(self.log.ops.len() / 8);
            let named = |op: &&(u32, &Op)| op.1.path == path || self.names.key(op.1.path) == key;
            let known = (0u32..).zip(&self.log.ops).find(|op| named(&op)).map(|(at, _)| self.names.place(at).link);
            let Some(mut suspect) = self.stays_in(failing, setting, known.unwrap_or(NONE), found) else { continue };
            (suspect.holder.rule, suspect.holder.mechanism) = ("RN-3", Mechanism::OpenDescendant);
            suspect.holder.hold.path = Some(path);
            if !self.brackets(failing, self.exits.get(process.0 as usize).copied().flatten()) {
                suspect.holder.confidence = Confidence::Possible;
                suspect.holder.refuted_by = None; // nothing shows that anybody was in the way
            }
            add(&mut found.suspects, suspect);
        }
    }

    /// Who may have the folder of `link` as its current directory, of which its setting tells. A visible open of the folder, alive
    /// or closed, tells more than that.
    fn stays_in(
        &mut self,
        failing: Failing<'_>,
        (process, started): (ProcessId, Option<u32>),
        link: u32,
        found: &mut Blockers,
    ) -> Option<Suspect> {
        let info = self.log.processes.get(process.0 as usize);
        let begun = started.and_then(|at| self.op(at)).map(|op| op.start);
        let begun = begun.or_else(|| info.and_then(|info| info.started)).unwrap_or_default();
        let exit = self.exits.get(process.0 as usize).copied().flatten();
        let (earlier, later) = self.went_through(failing, process, link, (begun, exit.map(|(_, time)| time)));
        if let Some(earlier) = earlier {
            found.refuted.push((process, earlier.event));
            return None;
        }
        let over = exit.is_some_and(|(_, time)| time <= failing.at.start);
        // AT-5: a folder made later is another one.
        let another = self.names.born(link).is_some_and(|born| born > begun);
        let track = self.track(self.names.file(link));
        if begun >= failing.at.start
            || !failing.may_have_begun(begun)
            || over
            || another
            || track.process_spans(process).next().is_some()
        {
            return None;
        }
        let end = match exit {
            _ if later.is_some() => Edge::Unseen,
            Some((Some(op), _)) => self.edge(op),
            Some((None, _)) => Edge::Unseen,
            None => Edge::AfterCapture,
        };
        let start = started.map_or(Edge::BeforeCapture, |at| self.edge(at));
        let setting = Holder::suspect(Party::Process(process), Mechanism::CurrentDirectory, "VI-10");
        let holder = Holder {
            confidence: if later.is_some() { Confidence::Possible } else { Confidence::Likely },
            hold: Hold { start, end, ..setting.hold },
            victim: self.counts_as_victim(failing, process),
            refuted_by: later.map(|op| op.event),
            ..setting
        };
        let end = exit.filter(|_| later.is_none()).and_then(|(op, time)| Some((op?, Instant::point(time))));
        Some(Suspect { inferred: true, end, ..Suspect::of(holder) })
    }

    /// AT-11: what the handle of a process on its current directory would have refused while it stood, and did not: the last such
    /// success before the refusal, and the first after it.
    fn went_through(
        &mut self,
        failing: Failing<'_>,
        process: ProcessId,
        link: u32,
        (begun, exit): (FileTime, Option<FileTime>),
    ) -> (Option<Op>, Option<Op>) {
        let file = self.names.file(link);
        let track = self.track(file);
        // SA-12: kernel callers may have the checks skipped.
        let kernel = |op: &Op| {
            op.driver.is_some() || self.log.processes.get(op.process.0 as usize).is_some_and(ProcessInfo::is_system)
        };
        let stood = |op: &Op| {
            op.process != process
                && !kernel(op)
                && op.start >= begun
                && exit.is_none_or(|exit| Instant::of(op).end <= exit)
        };
        let deletes = |op: &Op| opens(op) && wanted(op).grant.classes.contains(AccessClasses::DELETE);
        let own = track.ops.iter().take(MAX_SUCCESSES).copied().filter(|at| self.op(*at).is_some_and(deletes));
        // RN-3: nor could a folder above it be renamed, nor itself.
        let folder = self.names.file(self.names.place(failing.index).link);
        let renamed = |at: &u32| {
            let moved = self.names.file(self.names.place(*at).link);
            let holds = moved == file || moved == folder || self.names.is_below(link, moved, self.tick(*at));
            moved != NONE && holds
        };
        let renames = |at: &u32| self.op(*at).is_some_and(|op| matches!(op.kind, OpKind::Rename { .. }));
        let moves = self.moves.iter().take(MAX_SUCCESSES).copied().filter(renames).filter(renamed);
        self.work.spend((track.ops.len() + self.moves.len()) / 8);
        let (mut earlier, mut later): (Option<Op>, Option<Op>) = (None, None);
        for op in own.chain(moves).filter_map(|at| self.op(at)).filter(|op| stood(op)) {
            if Instant::of(op).end <= failing.at.start && earlier.is_none_or(|known| op.event < known.event) {
                earlier = Some(*op);
            } else if op.start >= failing.at.end && later.is_none_or(|known| op.event < known.event) {
                later = Some(*op);
            }
        }
        (earlier, later)
    }
}
