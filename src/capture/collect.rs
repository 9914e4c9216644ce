//! The later passes over a PML capture: the operations on the selected files, and the life of processes.

use super::author::author;
use super::decode::{self, Context, code};
use super::modules::StackResolver;
use super::op::{DriverId, DriverInfo, EventIndex, Op, OpKind, OpLog, PathId, PathTable, ProcessId};
use super::select::Selection;
use super::source::{FilterTest, Survey};
use super::{Capture, Segment};
use crate::pml::{Event, EventClass, Module, Pml};
use rustc_hash::FxHashMap;

pub(super) fn collect(capture: &Capture, selection: &Selection, survey: &Survey, is_filter: &FilterTest<'_>) -> OpLog {
    let (processes, by_index) = capture.processes();
    let system_root = capture.header().map_or("", |header| &header.system_root);
    let context = Context { processes: &by_index, system_root };
    let mut authors: Vec<Authors<'_>> = Vec::new();
    for segment in capture.segments() {
        let before = authors.iter().map(|authors| authors.drivers.len()).sum();
        authors.push(Authors::new(segment, is_filter, before));
    }
    let parts = capture.in_chunks(|chunk| {
        let mut part = Part { context, selection, ops: Vec::new(), paths: PathTable::default() };
        let authors = authors.get(chunk.number);
        chunk.marked(capture.marks(chunk), |index, event| part.see(event, index, authors));
        (part.ops, part.paths)
    });
    let drivers = authors.into_iter().flat_map(|authors| authors.drivers).collect();
    let mut log = OpLog { processes, drivers, span: survey.span, coverage: survey.coverage, ..OpLog::default() };
    log.ops.reserve_exact(parts.iter().map(|(ops, _)| ops.len()).sum());
    for (ops, paths) in parts {
        append(&mut log.ops, &mut log.paths, &ops, &paths);
    }
    log.roots.system_root = capture.header().map(|header| header.system_root.clone());
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

/// What one chunk adds to the log.
struct Part<'c> {
    context: Context<'c>,
    selection: &'c Selection,
    ops: Vec<Op>,
    paths: PathTable,
}

impl Part<'_> {
    #[inline]
    fn see(&mut self, event: Event<'_>, index: EventIndex, authors: Option<&Authors<'_>>) {
        let wanted = match event.class() {
            EventClass::FILE_SYSTEM => self.wants_file(event),
            EventClass::PROCESS if event.operation() == decode::process_code::LOAD_IMAGE => {
                decode::image_path(event).is_some_and(|path| self.selection.wants_text(path))
            }
            EventClass::PROCESS => true,
            _ => false,
        };
        if wanted {
            self.take(event, index, authors.and_then(|authors| authors.of(event)));
        }
    }

    #[inline]
    fn wants_file(&self, event: Event<'_>) -> bool {
        let Some(file) = event.file() else { return false };
        if self.selection.wants_text(file.path) {
            return true;
        }
        match event.operation() {
            code::QUERY_INFORMATION => {
                self.selection.has_ids() && decode::file_id(event, file).is_some_and(|id| self.selection.wants_id(id))
            }
            code::SET_INFORMATION => {
                decode::is_rename_or_link(file.sub_operation())
                    && decode::target_name(file, &file.path.decode(), self.context.system_root)
                        .is_some_and(|target| self.selection.wants(&target))
            }
            _ => false,
        }
    }

    fn take(&mut self, event: Event<'_>, index: EventIndex, driver: Option<DriverId>) {
        let before = self.ops.len();
        decode::decode(event, index, self.context, driver, &mut self.paths, &mut self.ops);
        if self.ops.len() > before + 1 {
            // 8.3 names of other entries were decoded only to be looked at.
            let decoded = self.ops.split_off(before);
            self.ops.extend(decoded.into_iter().filter(|op| match op.kind {
                OpKind::ShortName { long, short } => {
                    self.selection.wants(self.paths.get(long)) || self.selection.wants(self.paths.get(short))
                }
                _ => true,
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

/// Appends `ops`, whose paths are in `theirs`, to `all`, whose paths are in `paths`; paths of no operation stay behind.
pub fn append(all: &mut Vec<Op>, paths: &mut PathTable, ops: &[Op], theirs: &PathTable) {
    let mut known: Vec<Option<PathId>> = vec![None; theirs.len()];
    let mut to = |id: PathId| match known.get_mut(id.0 as usize) {
        Some(known) => *known.get_or_insert_with(|| paths.intern(theirs.get(id))),
        None => id,
    };
    all.extend(ops.iter().map(|op| {
        let kind = match op.kind {
            OpKind::Rename { target, flags, ex } => OpKind::Rename { target: target.map(&mut to), flags, ex },
            OpKind::Link { target, flags, ex } => OpKind::Link { target: target.map(&mut to), flags, ex },
            OpKind::ShortName { long, short } => OpKind::ShortName { long: to(long), short: to(short) },
            OpKind::ProcessStart { current_directory } => {
                OpKind::ProcessStart { current_directory: current_directory.map(&mut to) }
            }
            kind => kind,
        };
        Op { path: to(op.path), kind, ..*op }
    }));
}
