//! The later passes over a PML capture: the operations on the selected files, and the life of processes.

use super::author::{Layer, author, layer_of};
use super::chunk::{Chunk, Glance, Glimpse, Marks};
use super::decode::{self, Context, code};
use super::modules::StackResolver;
use super::namesake::NamesakeBudget;
use super::op::{DriverId, DriverInfo, EventIndex, Op, OpKind, OpLog, PathId, PathTable, ProcessId, StackSays};
use super::select::Selection;
use super::source::{FilterTest, Survey};
use super::{Capture, Segment};
use crate::pml::{Event, EventClass, Module, Pml};
use rustc_hash::FxHashMap;

/// What the pass before found, for the next one that asks for the same files and only for more file ids.
#[derive(Debug)]
pub(super) struct Trail {
    selection: Selection,
    /// By chunk: the events taken, and those that answer a file id.
    events: Vec<Marks>,
}

/// The events a pass has to look at, chunk by chunk.
enum Look<'t> {
    /// What the survey marked.
    Marked,
    /// What the pass before left.
    Trail(&'t [Marks]),
}

pub(super) fn collect(capture: &Capture, selection: &Selection, survey: &Survey, is_filter: &FilterTest<'_>) -> OpLog {
    let (mut processes, by_index) = capture.processes();
    for (process, surveyed) in processes.iter_mut().zip(&survey.processes) {
        process.unclosed = surveyed.unclosed;
    }
    let system_root = capture.header().map_or("", |header| &header.system_root);
    let context = Context { processes: &by_index, system_root };
    let mut authors: Vec<Authors<'_>> = Vec::new();
    for segment in capture.segments() {
        let before = authors.iter().map(|authors| authors.drivers.len()).sum();
        authors.push(Authors::new(segment, is_filter, before));
    }
    // The survey has every rename and link with its target; they need not be decoded once more to be asked for it.
    let moved_to: Vec<EventIndex> = survey
        .ops
        .iter()
        .filter(|op| match op.kind {
            OpKind::Rename { target, .. } | OpKind::Link { target, .. } => {
                target.is_some_and(|target| selection.wants_target(survey.paths.get(target)))
            }
            _ => false,
        })
        .map(|op| op.event)
        .collect();
    let namesakes = NamesakeBudget::default();
    // Taken out rather than locked: the work below may run other work of this thread in between.
    let trail = capture.trail().take();
    let look = match &trail {
        Some(trail) if selection.is_only_ids_more(&trail.selection) => Look::Trail(&trail.events),
        _ => Look::Marked,
    };
    let work = |chunk: Chunk<'_>| {
        let mut part = Part {
            context,
            selection,
            moved_to: &moved_to,
            namesakes: &namesakes,
            ops: Vec::new(),
            paths: PathTable::default(),
        };
        let authors = authors.get(chunk.number);
        let marks = match look {
            Look::Marked => capture.marks(chunk),
            Look::Trail(events) => events.get(chunk.ordinal()),
        };
        let glance = |index, glimpse: Glimpse<'_>| glance(selection, &moved_to, index, glimpse);
        let left = chunk.marked(marks, glance, |index, event| part.see(event, index, authors));
        (part.ops, part.paths, if capture.keeps_marks() { left } else { Marks::default() })
    };
    let mut log = OpLog { processes, span: survey.span, coverage: survey.coverage, ..OpLog::default() };
    let mut events = Vec::new();
    capture.in_chunks(work, |(ops, paths, left)| {
        append(&mut log.ops, &mut log.paths, &ops, &paths);
        events.push(left);
    });
    log.drivers = authors.into_iter().flat_map(|authors| authors.drivers).collect();
    *capture.trail() = capture.keeps_marks().then(|| Trail { selection: selection.clone(), events });
    if namesakes.is_exceeded() {
        let OpLog { ops, paths, .. } = &mut log;
        ops.retain(|op| !selection.is_only_namesake(op, paths));
    }
    log.roots.system_root = capture.header().map(|header| header.system_root.clone());
    log.os_build = capture.header().map(|header| header.os.2).filter(|build| *build != 0);
    images_before(capture, selection, &by_index, &mut log);
    for op in &log.ops {
        if let OpKind::ProcessStart { current_directory: Some(directory) } = op.kind
            && let Some(process) = log.processes.get_mut(op.process.0 as usize)
        {
            process.current_directory = Some(directory);
        }
    }
    log
}

/// Images that were already mapped when the capture began: modules whose load time is not after the first event.
fn images_before(capture: &Capture, selection: &Selection, by_index: &FxHashMap<u32, ProcessId>, log: &mut OpLog) {
    let Some(begin) = capture.span().map(|(first, _)| first) else { return };
    for segment in capture.segments() {
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

/// Turns away what [`Part::see`] would say no to, without taking the event apart.
#[inline]
fn glance(selection: &Selection, moved_to: &[EventIndex], index: EventIndex, glimpse: Glimpse<'_>) -> Glance {
    match glimpse.class() {
        EventClass::FILE_SYSTEM => {}
        EventClass::PROCESS => return Glance::Look,
        _ => return Glance::Nothing,
    }
    // A record that has no path here is for the full look to judge.
    if glimpse.path().is_none_or(|path| selection.may_want(path)) {
        return Glance::Look;
    }
    match glimpse.operation() {
        code::QUERY_INFORMATION if decode::answers_file_id(glimpse.sub_operation()) => {
            if selection.has_ids() {
                Glance::Look
            } else {
                Glance::Again
            }
        }
        code::CREATE | code::CLEANUP if glimpse.path().is_some_and(|path| selection.is_namesake_text(path)) => {
            Glance::Look
        }
        code::SET_INFORMATION if moved_to.binary_search(&index).is_ok() => Glance::Look,
        code::DIRECTORY_CONTROL if glimpse.path().is_some_and(|path| selection.wants_listing(&path.decode())) => {
            Glance::Look
        }
        _ => Glance::Nothing,
    }
}

/// What one chunk adds to the log.
struct Part<'c> {
    context: Context<'c>,
    selection: &'c Selection,
    /// Renames and links to a wanted name, in order.
    moved_to: &'c [EventIndex],
    /// How many opens and closes of files with the same name may still be taken.
    namesakes: &'c NamesakeBudget,
    ops: Vec<Op>,
    paths: PathTable,
}

impl Part<'_> {
    /// Takes the event in if it is wanted. Returns whether the next pass must look at it, were it asked for more ids.
    #[inline]
    fn see(&mut self, event: Event<'_>, index: EventIndex, authors: Option<&Authors<'_>>) -> bool {
        let (wanted, again) = match event.class() {
            EventClass::FILE_SYSTEM => self.wants_file(event, index),
            EventClass::PROCESS if event.operation() == decode::process_code::LOAD_IMAGE => {
                (decode::image_path(event).is_some_and(|path| self.selection.wants_text(path)), false)
            }
            EventClass::PROCESS => (true, true),
            _ => (false, false),
        };
        if wanted {
            self.take(event, index, authors.map_or((None, StackSays::Nothing), |authors| authors.of(event)));
        }
        wanted || again
    }

    /// Whether a file event is wanted, and whether it answers a file id.
    #[inline]
    fn wants_file(&self, event: Event<'_>, index: EventIndex) -> (bool, bool) {
        let Some(file) = event.file() else { return (false, false) };
        let wanted = self.selection.wants_text(file.path);
        match event.operation() {
            code::QUERY_INFORMATION if decode::answers_file_id(file.sub_operation()) => {
                let asked = || decode::file_id(event, file).is_some_and(|id| self.selection.wants_id(id));
                (wanted || self.selection.has_ids() && asked(), true)
            }
            code::CREATE | code::CLEANUP => {
                let namesake = || self.selection.is_namesake_text(file.path) && self.namesakes.take();
                (wanted || namesake(), false)
            }
            code::SET_INFORMATION => (wanted || self.moved_to.binary_search(&index).is_ok(), false),
            code::DIRECTORY_CONTROL => (wanted || self.selection.wants_listing(&file.path.decode()), false),
            _ => (wanted, false),
        }
    }

    fn take(&mut self, event: Event<'_>, index: EventIndex, told: (Option<DriverId>, StackSays)) {
        let before = self.ops.len();
        decode::decode(event, index, self.context, told, &mut self.paths, &mut self.ops);
        if event.class() == EventClass::FILE_SYSTEM && event.operation() == code::DIRECTORY_CONTROL {
            // What is listed of other entries was decoded only to be looked at.
            let decoded = self.ops.split_off(before);
            let (selection, paths) = (self.selection, &self.paths);
            self.ops.extend(decoded.into_iter().filter(|op| match op.kind {
                OpKind::ShortName { long, short } => {
                    let wants =
                        |name: PathId| selection.wants_entry(paths.get(name)) || selection.wants(paths.get(name));
                    wants(long) || wants(short)
                }
                _ => selection.wants(paths.get(op.path)),
            }));
        }
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

/// The modules of the System process that lie in kernel space.
pub(super) fn kernel_modules(segment: &Segment) -> Vec<DriverInfo> {
    let pml = segment.pml();
    let limit = pml.container().header.maximum_user_address;
    let system = pml.container().processes.iter().find(|process| process.pid == 4);
    let modules = system.map_or(&[][..], |system| &system.modules);
    modules.iter().filter(|module| module.base > limit).map(|module| driver_info(pml, module)).collect()
}

/// The filters of one segment that may turn out to be authors.
struct Authors<'a> {
    resolver: StackResolver<'a>,
    /// Base address of the module → its number among `drivers`.
    filters: FxHashMap<u64, DriverId>,
    /// Base addresses of the filter manager, the kernel and the file server.
    others: FxHashMap<u64, Layer<&'a Module>>,
    drivers: Vec<DriverInfo>,
}

impl<'a> Authors<'a> {
    fn new(segment: &'a Segment, is_filter: &FilterTest<'_>, drivers_before: usize) -> Self {
        let pml = segment.pml();
        let container = pml.container();
        let limit = container.header.maximum_user_address;
        let mut filters = FxHashMap::default();
        let mut others = FxHashMap::default();
        let mut drivers = Vec::new();
        let system = container.processes.iter().find(|process| process.pid == 4);
        for module in system.map_or(&[][..], |system| &system.modules).iter().filter(|module| module.base > limit) {
            let info = driver_info(pml, module);
            let layer = layer_of(&info.name);
            if layer != Layer::Other {
                others.insert(module.base, layer);
            } else if is_filter(&info)
                && let Ok(number) = u16::try_from(drivers_before + drivers.len())
            {
                filters.insert(module.base, DriverId(number));
                drivers.push(info);
            }
        }
        Self { resolver: StackResolver::new(container), filters, others, drivers }
    }

    /// The filter that issued an operation, if its stack shows one, and what else the stack says.
    fn of(&self, event: Event<'_>) -> (Option<DriverId>, StackSays) {
        if event.class() != EventClass::FILE_SYSTEM || event.stack_depth() == 0 {
            return (None, StackSays::Nothing);
        }
        let layer = |module: &'a Module| {
            if self.filters.contains_key(&module.base) {
                return Layer::Filter(module);
            }
            self.others.get(&module.base).copied().unwrap_or(Layer::Other)
        };
        author(event, &self.resolver, layer).told(|module| self.filters.get(&module.base).copied())
    }
}

/// Appends `ops`, whose paths are in `theirs`, to `all`, whose paths are in `paths`; paths of no operation stay behind.
pub fn append(all: &mut Vec<Op>, paths: &mut PathTable, ops: &[Op], theirs: &PathTable) {
    let mut known: Vec<Option<PathId>> = vec![None; theirs.len()];
    let mut to = |id: PathId| match known.get_mut(id.0 as usize) {
        Some(known) => *known.get_or_insert_with(|| paths.intern(theirs.get(id))),
        None => id,
    };
    all.extend(ops.iter().map(|op| {
        let kind = match op.kind {
            OpKind::Rename { target, flags, ex, as_path } => {
                OpKind::Rename { target: target.map(&mut to), flags, ex, as_path }
            }
            OpKind::Link { target, flags, ex, as_path } => {
                OpKind::Link { target: target.map(&mut to), flags, ex, as_path }
            }
            OpKind::ShortName { long, short } => OpKind::ShortName { long: to(long), short: to(short) },
            OpKind::ProcessStart { current_directory } => {
                OpKind::ProcessStart { current_directory: current_directory.map(&mut to) }
            }
            kind => kind,
        };
        Op { path: to(op.path), kind, ..*op }
    }));
}
