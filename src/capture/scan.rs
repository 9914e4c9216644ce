//! Passes over the events of a PML capture: parallel, in order, without decoding what nobody asked for.

use super::author::author;
use super::decode::{self, Context, code};
use super::modules::StackResolver;
use super::op::{
    Coverage, DriverId, DriverInfo, EventIndex, Op, OpKind, OpLog, PathId, PathTable, ProcessId, ProcessInfo,
};
use super::select::Selection;
use super::source::{ClassCounts, Damage, FilterTest, Machine, SLOW_OPEN, Source, Survey, may_be_lock_class};
use super::{Capture, Segment};
use crate::nt::NtStatus;
use crate::pml::{Event, EventClass, Module, Pml, PointerSize};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Events handled as one piece of work.
const CHUNK: u32 = 16_384;

/// The driver numbers network events apart, from here on.
const NETWORK_SEQUENCE: u32 = 0x2000_0000;

impl Capture {
    /// Runs `work` over pieces of the capture in parallel; the results come in event order.
    pub fn in_chunks<T: Send>(&self, work: impl Fn(Chunk<'_>) -> T + Sync + Send) -> Vec<T> {
        let chunks: Vec<Chunk<'_>> = self
            .segments()
            .iter()
            .enumerate()
            .flat_map(|(number, segment)| {
                let events = segment.pml().event_count();
                (0..events).step_by(CHUNK as usize).map(move |from| Chunk {
                    segment,
                    number,
                    from,
                    to: from.saturating_add(CHUNK).min(events),
                })
            })
            .collect();
        chunks.into_par_iter().map(work).collect()
    }

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
        (processes, by_index)
    }
}

impl Capture {
    /// Images that were already mapped when the capture began: modules whose load time is not after the first event.
    fn images_before(&self, selection: &Selection, by_index: &FxHashMap<u32, ProcessId>, log: &mut OpLog) {
        let Some(begin) = self.span().map(|(first, _)| first) else { return };
        for segment in self.segments() {
            let pml = segment.pml();
            for process in &pml.container().processes {
                // Idle's list is a copy of Procmon's own modules and means nothing.
                let Some(&id) = by_index.get(&process.index).filter(|_| process.pid != 0) else { continue };
                for module in process.modules.iter().filter(|module| module.loaded <= begin) {
                    let path = pml.string(module.path);
                    if selection.wants(&path) {
                        let path = log.paths.intern(&path);
                        if !log.images.contains(&(id, path)) {
                            log.images.push((id, path));
                        }
                    }
                }
            }
        }
    }
}

/// A run of events of one segment.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Their segment.
    pub segment: &'a super::Segment,
    /// Number of the segment.
    pub number: usize,
    from: u32,
    to: u32,
}

impl<'a> Chunk<'a> {
    /// The events with their numbers; unreadable ones are errors.
    pub fn events(self) -> impl Iterator<Item = (EventIndex, Result<Event<'a>, crate::pml::PmlError>)> {
        let pml = self.segment.pml();
        let first = self.segment.first_event;
        (self.from..self.to).map(move |n| {
            if (n - self.from).is_multiple_of(BATCH) {
                touch(pml, n, n.saturating_add(BATCH).min(self.to));
            }
            (EventIndex(first + u64::from(n)), pml.event(n))
        })
    }
}

/// Events whose heads are brought near at once.
const BATCH: u32 = 64;

/// Reads a byte at both ends of each event's head, with nothing that waits for the answer: the misses of a whole batch
/// overlap, where reading event by event would pay for one after the other.
fn touch(pml: Pml<'_>, from: u32, to: u32) {
    let data = pml.data();
    let mut seen = 0u8;
    for n in from..to {
        let at = pml.event_offset(n).and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
        seen ^= data.get(at).copied().unwrap_or_default() ^ data.get(at + 0x29).copied().unwrap_or_default();
    }
    std::hint::black_box(seen);
}

/// What one chunk adds to the survey.
#[derive(Default)]
struct Part {
    counts: ClassCounts,
    coverage: Coverage,
    with_stack: u64,
    damage: Damage,
    ops: Vec<Op>,
    paths: PathTable,
    active: Vec<u32>,
    sequence: Option<(u32, u32)>,
    sequence_missing: u64,
    end: Option<crate::nt::FileTime>,
}

impl Part {
    fn see(&mut self, event: Event<'_>, index: EventIndex, context: Context<'_>) {
        self.counts.total += 1;
        self.end = self.end.max(Some(event.end().unwrap_or_else(|| event.time())));
        let sequence = event.sequence();
        if sequence < NETWORK_SEQUENCE {
            let (first, last) = self.sequence.unwrap_or((sequence, sequence.wrapping_sub(1)));
            self.sequence_missing += u64::from(sequence.saturating_sub(last).saturating_sub(1));
            self.sequence = Some((first, sequence));
        }
        match event.class() {
            EventClass::FILE_SYSTEM => {
                self.counts.file_system += 1;
                self.with_stack += u64::from(event.stack_depth() != 0);
                if self.active.last() != Some(&event.process_index()) {
                    self.active.push(event.process_index());
                    if self.active.len() > 4096 {
                        self.active.sort_unstable();
                        self.active.dedup();
                    }
                }
                let status = event.status();
                let success = status.is_success();
                let operation = event.operation();
                self.coverage.creates += u64::from(operation == code::CREATE && success);
                self.coverage.cleanups += u64::from(operation == code::CLEANUP && success);
                let wanted = may_be_lock_class(status)
                    || operation == code::CREATE && event.duration().is_some_and(|time| time >= SLOW_OPEN)
                    || operation == code::SET_INFORMATION
                        && event.file().is_some_and(|file| {
                            let class = file.sub_operation();
                            decode::is_rename_or_link(class) || decode::is_disposition(class)
                        });
                if wanted {
                    decode::decode(event, index, context, None, &mut self.paths, &mut self.ops);
                }
            }
            EventClass::REGISTRY => self.counts.registry += 1,
            EventClass::PROCESS => {
                self.counts.process += 1;
                if event.operation() == decode::process_code::LOAD_IMAGE {
                    self.coverage.image_loads += 1;
                } else {
                    decode::decode(event, index, context, None, &mut self.paths, &mut self.ops);
                }
            }
            EventClass::NETWORK => self.counts.network += 1,
            EventClass::PROFILING => self.counts.profiling += 1,
            _ => self.counts.other += 1,
        }
    }
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
        let parts = self.in_chunks(|chunk| {
            let mut part = Part::default();
            for (index, event) in chunk.events() {
                match event {
                    Ok(event) => part.see(event, index, context),
                    Err(error) => {
                        part.counts.total += 1;
                        part.damage.records += 1;
                        part.damage.first.get_or_insert_with(|| error.to_string());
                    }
                }
            }
            part.active.sort_unstable();
            part.active.dedup();
            part
        });
        let mut survey = Survey { processes, ..Survey::default() };
        let mut active: Vec<u32> = Vec::new();
        let mut last_sequence: Option<u32> = None;
        let mut missing = 0u64;
        let mut end = None;
        for part in parts {
            survey.counts.add(&part.counts);
            survey.coverage.creates += part.coverage.creates;
            survey.coverage.cleanups += part.coverage.cleanups;
            survey.coverage.image_loads += part.coverage.image_loads;
            survey.with_stack += part.with_stack;
            survey.damage.records += part.damage.records;
            survey.damage.first = survey.damage.first.or(part.damage.first);
            missing += part.sequence_missing;
            if let Some((first, last)) = part.sequence {
                if let Some(previous) = last_sequence {
                    missing += u64::from(first.saturating_sub(previous).saturating_sub(1));
                }
                last_sequence = Some(last);
            }
            active.extend(part.active);
            end = end.max(part.end);
            append(&mut survey.ops, &mut survey.paths, &part.ops, &part.paths);
        }
        active.sort_unstable();
        active.dedup();
        survey.coverage.active_processes = u32::try_from(active.len()).unwrap_or(u32::MAX);
        survey.coverage.sequence_gaps = Some(missing);
        survey.coverage.has_detail = true;
        survey.coverage.has_durations = true;
        survey.span = self.span().map(|(first, last)| (first, end.unwrap_or(last)));
        survey
    }

    fn collect(&self, selection: &Selection, survey: &Survey, is_filter: &FilterTest<'_>) -> OpLog {
        let (processes, by_index) = self.processes();
        let system_root = self.header().map_or("", |header| &header.system_root);
        let context = Context { processes: &by_index, system_root };
        let mut authors: Vec<Authors<'_>> = Vec::new();
        for segment in self.segments() {
            let before = authors.iter().map(|authors| authors.drivers.len()).sum();
            authors.push(Authors::new(segment, is_filter, before));
        }
        let parts = self.in_chunks(|chunk| {
            let mut ops = Vec::new();
            let mut paths = PathTable::default();
            let authors = authors.get(chunk.number);
            for (index, event) in chunk.events() {
                let Ok(event) = event else { continue };
                let wanted = match event.class() {
                    EventClass::FILE_SYSTEM => event.file().is_some_and(|file| {
                        selection.wants_text(file.path)
                            || selection.has_ids()
                                && event.operation() == code::QUERY_INFORMATION
                                && decode::file_id(event, file).is_some_and(|id| selection.wants_id(id))
                            || event.operation() == code::SET_INFORMATION
                                && decode::is_rename_or_link(file.sub_operation())
                                && decode::target_name(file, &file.path.decode(), system_root)
                                    .is_some_and(|target| selection.wants(&target))
                    }),
                    EventClass::PROCESS => true,
                    _ => false,
                };
                if wanted {
                    let before = ops.len();
                    let driver = authors.and_then(|authors| authors.of(event));
                    decode::decode(event, index, context, driver, &mut paths, &mut ops);
                    // Images of other files, and 8.3 names of other entries, were decoded only to be looked at.
                    let mut at = before;
                    while let Some(op) = ops.get(at) {
                        let keep = match op.kind {
                            OpKind::LoadImage => selection.wants(paths.get(op.path)),
                            OpKind::ShortName { long, short } => {
                                selection.wants(paths.get(long)) || selection.wants(paths.get(short))
                            }
                            _ => true,
                        };
                        if keep {
                            at += 1;
                        } else {
                            ops.remove(at);
                        }
                    }
                }
            }
            (ops, paths)
        });
        let drivers = authors.into_iter().flat_map(|authors| authors.drivers).collect();
        let mut log = OpLog { processes, drivers, span: survey.span, coverage: survey.coverage, ..OpLog::default() };
        log.ops.reserve_exact(parts.iter().map(|(ops, _)| ops.len()).sum());
        for (ops, paths) in parts {
            append(&mut log.ops, &mut log.paths, &ops, &paths);
        }
        log.roots.system_root = self.header().map(|header| header.system_root.clone());
        self.images_before(selection, &by_index, &mut log);
        for op in &log.ops {
            if let OpKind::ProcessStart { current_directory: Some(directory) } = op.kind
                && let Some(process) = log.processes.get_mut(op.process.0 as usize)
            {
                process.current_directory = Some(directory);
            }
        }
        log
    }

    fn kernel_modules(&self) -> Vec<DriverInfo> {
        // Every segment lists the kernel's modules anew; the last knows them all.
        self.segments().iter().rev().map(kernel_modules).find(|modules| !modules.is_empty()).unwrap_or_default()
    }
}

fn driver_info(pml: Pml<'_>, module: &Module) -> DriverInfo {
    let path = pml.string(module.path);
    DriverInfo {
        name: path.rsplit('\\').next().unwrap_or(&path).to_owned(),
        company: pml.string(module.company).trim().to_owned(),
        version: pml.string(module.version).trim().to_owned(),
        description: pml.string(module.description).trim().to_owned(),
        path,
    }
}

fn kernel_modules(segment: &Segment) -> Vec<DriverInfo> {
    let pml = segment.pml();
    let limit = pml.container().header.maximum_user_address;
    let system = pml.container().processes.iter().find(|process| process.pid == 4);
    let modules = system.map_or(&[][..], |system| &system.modules);
    modules.iter().filter(|module| module.base > limit).map(|module| driver_info(pml, module)).collect()
}

/// The filters of one segment that may turn out to be authors.
struct Authors<'a> {
    resolver: StackResolver<'a>,
    /// Address of the module record → its number among `drivers`.
    filters: FxHashMap<u64, DriverId>,
    drivers: Vec<DriverInfo>,
}

impl<'a> Authors<'a> {
    fn new(segment: &'a Segment, is_filter: &FilterTest<'_>, drivers_before: usize) -> Self {
        let pml = segment.pml();
        let container = pml.container();
        let limit = container.header.maximum_user_address;
        let mut filters = FxHashMap::default();
        let mut drivers = Vec::new();
        let system = container.processes.iter().find(|process| process.pid == 4);
        for module in system.map_or(&[][..], |system| &system.modules).iter().filter(|module| module.base > limit) {
            let info = driver_info(pml, module);
            if is_filter(&info)
                && let Ok(number) = u16::try_from(drivers_before + drivers.len())
            {
                filters.insert(module.base, DriverId(number));
                drivers.push(info);
            }
        }
        Self { resolver: StackResolver::new(container), filters, drivers }
    }

    fn of(&self, event: Event<'_>) -> Option<DriverId> {
        if self.filters.is_empty() || event.class() != EventClass::FILE_SYSTEM {
            return None;
        }
        let module = author(event, &self.resolver, |module| self.filters.contains_key(&module.base))?;
        self.filters.get(&module.base).copied()
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

/// Appends `ops`, whose paths are in `theirs`, to `all`, whose paths are in `paths`.
pub fn append(all: &mut Vec<Op>, paths: &mut PathTable, ops: &[Op], theirs: &PathTable) {
    let map: Vec<PathId> = theirs.iter().map(|(_, path)| paths.intern(path)).collect();
    let to = |id: PathId| map.get(id.0 as usize).copied().unwrap_or(id);
    all.extend(ops.iter().map(|op| {
        let kind = match op.kind {
            OpKind::Rename { target, flags, ex } => OpKind::Rename { target: target.map(to), flags, ex },
            OpKind::Link { target, flags, ex } => OpKind::Link { target: target.map(to), flags, ex },
            OpKind::ShortName { long, short } => OpKind::ShortName { long: to(long), short: to(short) },
            OpKind::ProcessStart { current_directory } => {
                OpKind::ProcessStart { current_directory: current_directory.map(to) }
            }
            kind => kind,
        };
        Op { path: to(op.path), kind, ..*op }
    }));
}

/// Whether a refused rename or link may have been refused because of opens.
pub const fn is_refused_rename(op: &Op) -> bool {
    matches!(op.kind, OpKind::Rename { .. } | OpKind::Link { .. })
        && matches!(op.status, NtStatus::ACCESS_DENIED | NtStatus::SHARING_VIOLATION | NtStatus::DELETE_PENDING)
}
