//! The first pass over a PML capture: what it contains, and what was refused. It looks at the head of every event and
//! at the detail of a few.

use super::chunk::{Chunk, Marks};
use super::decode::{self, Context, code};
use super::lost::{Gaps, Lost};
use super::op::{DriverInfo, EventIndex, Op, OpKind, OpLog, PathTable, ProcessId, ProcessInfo, StackSays};
use super::order::Order;
use super::select::Selection;
use super::source::{ClassCounts, Damage, FilterTest, MOST_LOST, Machine, SLOW, Source, Survey, may_be_lock_class};
use super::tally::Tally;
use super::{Capture, collect};
use crate::nt::{FileTime, NtStatus};
use crate::pml::ops;
use crate::pml::{Event, EventClass, PmlError, PmlErrorKind, PointerSize, Region};
use rustc_hash::FxHashMap;

/// The driver numbers network events apart, from here on.
pub(super) const NETWORK_SEQUENCE: u32 = 0x2000_0000;

impl Capture {
    /// The processes of all segments, and the driver's process number → process.
    pub fn processes(&self) -> (Vec<ProcessInfo>, FxHashMap<u32, ProcessId>) {
        let mut processes: Vec<ProcessInfo> = Vec::new();
        let mut by_index: FxHashMap<u32, ProcessId> = FxHashMap::default();
        let mut parents: Vec<u32> = Vec::new();
        for segment in self.segments() {
            let pml = segment.pml();
            for process in &pml.container().processes {
                let info = ProcessInfo {
                    pid: process.pid,
                    parent_pid: process.parent_pid,
                    parent: None,
                    name: pml.string(process.name),
                    image_path: pml.string(process.image_path),
                    command_line: pml.string(process.command_line),
                    user: pml.string(process.user),
                    company: pml.string(process.company).trim().to_owned(),
                    version: pml.string(process.version).trim().to_owned(),
                    description: pml.string(process.description).trim().to_owned(),
                    started: (process.started.0 != 0).then_some(process.started),
                    ended: process.ended,
                    replaced: None,
                    last_shown: None,
                    unclosed: 0,
                    current_directory: None,
                };
                match by_index.get(&process.index) {
                    // The driver's numbers last through all segments; a later one may know the end.
                    Some(id) => {
                        if let Some(known) = processes.get_mut(id.0 as usize)
                            && known.ended.is_none()
                        {
                            known.ended = info.ended;
                        }
                    }
                    None => {
                        let id = ProcessId(u32::try_from(processes.len()).unwrap_or(u32::MAX));
                        by_index.insert(process.index, id);
                        parents.push(process.parent_index);
                        processes.push(info);
                    }
                }
            }
        }
        for (at, parent_index) in parents.into_iter().enumerate() {
            let parent = by_index.get(&parent_index).copied().filter(|parent| parent.0 as usize != at);
            if let Some(process) = processes.get_mut(at) {
                process.parent = parent;
            }
        }
        replace(&mut processes);
        (processes, by_index)
    }
}

/// Notes which processes must have ended because a later one has their PID.
fn replace(processes: &mut [ProcessInfo]) {
    let mut later: FxHashMap<u32, Vec<FileTime>> = FxHashMap::default();
    for process in processes.iter() {
        later.entry(process.pid).or_default().extend(process.started);
    }
    for process in processes.iter_mut().filter(|process| process.ended.is_none()) {
        let starts = later.get(&process.pid).into_iter().flatten();
        process.replaced = starts.filter(|start| process.started.is_some_and(|own| **start > own)).min().copied();
    }
}

/// What one chunk adds to the survey.
#[derive(Default)]
struct Part {
    /// By class; the last one stands for every class there is no name for.
    classes: [u64; 8],
    creates: u64,
    cleanups: u64,
    image_loads: u64,
    with_stack: u64,
    damage: Damage,
    /// The records that are damaged.
    lost: Vec<EventIndex>,
    ops: Vec<Op>,
    paths: PathTable,
    tally: Tally,
    first_sequence: Option<u32>,
    first_time: FileTime,
    last_sequence: u32,
    /// Starts of the events with these numbers.
    last_time: FileTime,
    sequence_missing: u64,
    gaps: Gaps,
    order: Order,
    end: FileTime,
    marks: Marks,
    /// The process number looked up last, and found.
    known: Option<u32>,
}

impl Part {
    /// Takes one event in. Returns whether a later pass may want it.
    #[inline]
    fn see(&mut self, event: Event<'_>, index: EventIndex, context: Context<'_>) -> bool {
        let class = event.class();
        if !self.is_sound(event, class, context) {
            self.see_damage(event, index, context);
            return false;
        }
        if let Some(count) = self.classes.get_mut(class.0.min(7) as usize) {
            *count += 1;
        }
        self.end = self.end.max(event.end().unwrap_or_else(|| event.time()));
        let sequence = event.sequence();
        if sequence < NETWORK_SEQUENCE {
            let time = event.time();
            if self.first_sequence.is_some() {
                if time < self.last_time || sequence <= self.last_sequence {
                    self.order.see((self.last_sequence, self.last_time), (sequence, time));
                }
                let missing = sequence.saturating_sub(self.last_sequence).saturating_sub(1);
                if missing > 0 {
                    self.sequence_missing += u64::from(missing);
                    self.gaps.add_within(u64::from(missing), self.last_time, time);
                }
            } else {
                (self.first_sequence, self.first_time) = (Some(sequence), time);
            }
            (self.last_sequence, self.last_time) = (sequence, time);
        }
        match class {
            EventClass::FILE_SYSTEM => {
                self.see_file(event, index, context);
                true
            }
            EventClass::PROCESS => {
                self.image_loads += u64::from(event.operation() == decode::process_code::LOAD_IMAGE);
                true
            }
            _ => false,
        }
    }

    /// A record that cannot be believed is damage: what it stood for is missing, which must show.
    #[inline]
    fn is_sound(&mut self, event: Event<'_>, class: EventClass, context: Context<'_>) -> bool {
        let process = event.process_index();
        let matters = matches!(class, EventClass::FILE_SYSTEM | EventClass::PROCESS);
        if matters && self.known != Some(process) {
            if !context.processes.contains_key(&process) {
                return false;
            }
            self.known = Some(process);
        }
        event.is_sound() && is_told(event, class)
    }

    #[inline]
    fn see_file(&mut self, event: Event<'_>, index: EventIndex, context: Context<'_>) {
        self.with_stack += u64::from(event.stack_depth() != 0);
        let status = event.status();
        let operation = event.operation();
        let (opened, closed) = (operation == code::CREATE && status.gives_handle(), operation == code::CLEANUP);
        self.tally.see(event.process_index(), opened, closed);
        self.creates += u64::from(operation == code::CREATE && status.is_success());
        self.cleanups += u64::from(operation == code::CLEANUP && status.is_success());
        let is_slow = || event.duration().is_some_and(|time| time >= SLOW);
        let wanted = status != NtStatus::SUCCESS && may_be_lock_class(status)
            || matches!(operation, code::CREATE | code::CLEANUP) && is_slow()
            || operation == code::SET_INFORMATION
                && event.file().is_some_and(|file| {
                    let sub = file.sub_operation();
                    decode::is_rename_or_link(sub) || decode::is_disposition(sub) && is_slow()
                });
        if wanted {
            decode::decode(event, index, context, (None, StackSays::Nothing), &mut self.paths, &mut self.ops);
        }
    }

    /// An event that [`Self::is_sound`] turned away.
    #[cold]
    fn see_damage(&mut self, event: Event<'_>, index: EventIndex, context: Context<'_>) {
        let process = event.process_index();
        let kind = PmlErrorKind::NoSuchIndex { index: process };
        let stranger = || PmlError::new(event.offset(), Region::Event(event.number()), kind);
        let matters = matches!(event.class(), EventClass::FILE_SYSTEM | EventClass::PROCESS);
        let known = !matters || context.processes.contains_key(&process);
        let found = if known { event.check() } else { Err(stranger()) };
        self.damage(index, found.err().unwrap_or_else(|| untold(event)));
    }

    #[cold]
    fn damage(&mut self, index: EventIndex, error: PmlError) {
        self.damage.records += 1;
        if self.lost.len() < MOST_LOST {
            self.lost.push(index);
        }
        self.damage.first = self.damage.first.take().or_else(|| Some(error.to_string()));
    }

    fn counts(&self) -> ClassCounts {
        let [zero, process, registry, file_system, profiling, network, ipc, rest] = self.classes;
        let other = zero + ipc + rest;
        let total = process + registry + file_system + profiling + network + other + self.damage.records;
        ClassCounts { total, file_system, registry, process, network, profiling, other }
    }
}

/// No release has classes and operations beyond these.
const MOST_CLASS: u32 = 15;
const MOST_OPERATION: u16 = 63;

/// Whether a record tells what it is: its class, its operation and, of a close, its file. (To read the paths of all opens as well
/// slows the pass over every capture; it is a missing close that may accuse somebody.)
#[inline]
fn is_told(event: Event<'_>, class: EventClass) -> bool {
    match class {
        EventClass::FILE_SYSTEM => match event.operation() {
            code::CLEANUP => event.file().is_some_and(|file| file.path.no_text().is_none()),
            operation => operation <= MOST_OPERATION,
        },
        EventClass::PROCESS => event.operation() <= MOST_OPERATION,
        EventClass(class) => class != 0 && class <= MOST_CLASS,
    }
}

/// What [`is_told`] found wrong.
#[cold]
fn untold(event: Event<'_>) -> PmlError {
    let class = event.class().0;
    let operation = event.operation();
    let (field, value) = match event.file().map(|file| file.path) {
        _ if class == 0 || class > MOST_CLASS => ("class", class),
        _ if operation > MOST_OPERATION => ("operation", u32::from(operation)),
        Some(path) => ("path character", path.no_text().map_or(0, u32::from)),
        None => ("path", u32::from(operation)),
    };
    PmlError::new(event.offset(), Region::Event(event.number()), PmlErrorKind::Invalid { field, value: value.into() })
}

impl Source for Capture {
    fn machine(&self) -> Machine {
        self.header().map_or_else(Machine::default, |header| Machine {
            computer: Some(header.computer.clone()),
            system_root: Some(header.system_root.clone()),
            os: Some(format!("{}.{}.{}", header.os.0, header.os.1, header.os.2)),
            bits: Some(if header.pointer == PointerSize::Eight { 64 } else { 32 }),
        })
    }

    fn survey(&self) -> Survey {
        let (processes, by_index) = self.processes();
        let system_root = self.header().map_or("", |header| &header.system_root);
        let context = Context { processes: &by_index, system_root };
        let work = |chunk: Chunk<'_>| {
            let mut part = Part::default();
            let marks = chunk.mark(|n, event| match event {
                Some(event) => part.see(event, chunk.index(n), context),
                None => {
                    if let Err(error) = chunk.segment.pml().event(n) {
                        part.damage(chunk.index(n), error);
                    }
                    false
                }
            });
            if self.keeps_marks() {
                part.marks = marks;
            }
            part.tally.merge();
            part
        };
        let mut survey = Survey { processes, ..Survey::default() };
        let mut tally = Tally::default();
        let mut last: Option<(u32, FileTime)> = None;
        let mut missing = 0u64;
        let mut end = FileTime::default();
        let mut marks = Vec::new();
        self.in_chunks(work, |part| {
            survey.counts.add(&part.counts());
            survey.coverage.creates += part.creates;
            survey.coverage.cleanups += part.cleanups;
            survey.coverage.image_loads += part.image_loads;
            survey.with_stack += part.with_stack;
            missing += part.sequence_missing;
            survey.coverage.gaps.append(&part.gaps);
            survey.coverage.order.append(&part.order);
            if let Some(first) = part.first_sequence {
                if let Some((previous, from)) = last {
                    if part.first_time < from || first <= previous {
                        survey.coverage.order.see((previous, from), (first, part.first_time));
                    }
                    let between = u64::from(first.saturating_sub(previous).saturating_sub(1));
                    missing += between;
                    // What is missing between two files follows below.
                    let to = part.first_time;
                    if !self.seams.iter().any(|seam| seam.between == (from, to)) {
                        survey.coverage.gaps.add(Lost { missing: between, from, to, between_files: false });
                    }
                }
                last = Some((part.last_sequence, part.last_time));
            }
            survey.damage.records += part.damage.records;
            survey.damage.first = survey.damage.first.take().or(part.damage.first);
            let room = MOST_LOST.saturating_sub(survey.lost.len());
            survey.lost.extend(part.lost.iter().take(room));
            tally.join(part.tally);
            end = end.max(part.end);
            collect::append(&mut survey.ops, &mut survey.paths, &part.ops, &part.paths);
            marks.push(part.marks);
        });
        if self.keeps_marks() {
            self.remember(marks);
        }
        tally.merge();
        survey.coverage.active_processes = u32::try_from(tally.processes().count()).unwrap_or(u32::MAX);
        for (index, unclosed) in tally.processes() {
            let Some(&id) = by_index.get(&index) else { continue };
            survey.active.push(id);
            if let Some(process) = survey.processes.get_mut(id.0 as usize) {
                process.unclosed = unclosed;
            }
        }
        survey.coverage.sequence_gaps = Some(missing);
        for seam in self.seams.iter().filter(|seam| seam.missing > 0) {
            let (from, to) = seam.between;
            survey.coverage.gaps.add(Lost { missing: seam.missing.unsigned_abs(), from, to, between_files: true });
        }
        survey.coverage.has_detail = true;
        survey.coverage.has_durations = true;
        survey.coverage.sequenced = Some(survey.counts.total - survey.counts.network.min(survey.counts.total));
        survey.span = self.span().map(|(first, last)| (first, end.max(last)));
        survey.coverage.begin = survey.span.map(|(begin, _)| begin);
        survey
    }

    fn restore(&self, scope: &str, survey: &mut Survey) {
        let [segment] = self.segments() else { return };
        let Some(original) = super::mark::read(segment.pml(), scope, survey.coverage) else { return };
        survey.coverage = original.coverage;
        survey.lost = original.broken;
        let (_, by_index) = self.processes();
        survey.processes.iter_mut().for_each(|process| process.unclosed = 0);
        for (index, opens) in original.unclosed {
            let process = by_index.get(&index).and_then(|id| survey.processes.get_mut(id.0 as usize));
            if let Some(process) = process {
                process.unclosed = opens;
            }
        }
    }

    fn path(&self, event: EventIndex) -> Option<String> {
        let event = self.event(event)?.ok()?;
        let path = match event.class() {
            EventClass::FILE_SYSTEM => event.file()?.path,
            EventClass::PROCESS if event.operation() == decode::process_code::LOAD_IMAGE => decode::image_path(event)?,
            _ => return None,
        };
        Some(path.decode().into_owned())
    }

    fn operation(&self, event: EventIndex) -> Option<String> {
        let event = self.event(event)?.ok()?;
        let name = match event.class() {
            EventClass::FILE_SYSTEM => {
                ops::file(event.operation(), event.file()?.sub_operation(), ops::Generation::default())
            }
            class @ EventClass::PROCESS => ops::other(class, event.operation(), false),
            _ => return None,
        };
        (name != ops::UNKNOWN).then(|| name.to_owned())
    }

    fn collect(&self, selection: &Selection, survey: &Survey, is_filter: &FilterTest<'_>) -> OpLog {
        collect::collect(self, selection, survey, is_filter)
    }

    fn kernel_modules(&self) -> Vec<DriverInfo> {
        // Every segment lists the kernel's modules anew; the last knows them all.
        self.segments().iter().rev().map(collect::kernel_modules).find(|all| !all.is_empty()).unwrap_or_default()
    }
}

impl ClassCounts {
    const fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.file_system += other.file_system;
        self.registry += other.registry;
        self.process += other.process;
        self.network += other.network;
        self.profiling += other.profiling;
        self.other += other.other;
    }
}

/// Whether a refused rename or link may have been refused because of opens.
pub const fn is_refused_rename(op: &Op) -> bool {
    matches!(op.kind, OpKind::Rename { .. } | OpKind::Link { .. })
        && matches!(op.status, NtStatus::ACCESS_DENIED | NtStatus::SHARING_VIOLATION | NtStatus::DELETE_PENDING)
}
