//! Operations of the rows that a question needs, decoded block by block.

use super::columns::Columns;
use super::pass::{HasExtent, Place};
use super::processes;
use super::row::{Decoded, Decoder, Row};
use super::scan::{Block, Extent, Results};
use super::times::{Clock, Seam, Times};
use crate::capture::author::{Layer, author_of, layer_of};
use crate::capture::collect::append;
use crate::capture::columns::Column;
use crate::capture::decode::{code, process_code};
use crate::capture::namesake::NamesakeBudget;
use crate::capture::op::{DriverId, DriverInfo, EventIndex, Op, OpKind, PathTable, ProcessId, StackSays};
use crate::capture::select::Selection;
use crate::capture::source::FilterTest;
use crate::nt::{FileTime, NtStatus};
use crate::pml::EventClass;
use rustc_hash::FxHashMap;

/// Operations decoded from a block. Their processes are keys, their times local ticks, their events rows of the block.
#[derive(Default)]
pub(crate) struct BlockOps {
    pub(crate) ops: Vec<Op>,
    pub(crate) paths: PathTable,
}

impl BlockOps {
    /// Adds the operation of a row; before its times stands the key of its process, and what its
    /// stack shows.
    pub(crate) fn push(
        &mut self,
        number: u64,
        (process, (driver, stack)): (u32, (Option<DriverId>, StackSays)),
        (start, end): (i64, Option<i64>),
        row: &Row<'_>,
        status: NtStatus,
        decoded: Decoded,
    ) {
        self.ops.push(Op {
            event: EventIndex(number),
            start: FileTime(start.cast_unsigned()),
            end: end.filter(|_| status != NtStatus::PENDING).map(|end| FileTime(end.cast_unsigned())),
            process: ProcessId(process),
            thread: row.thread(),
            status,
            path: decoded.path,
            driver,
            stack,
            kind: decoded.kind,
        });
    }

    /// Gives the operations their place in the capture and appends them to `ops`. An operation whose process cannot be
    /// told is left out.
    pub(crate) fn place(
        mut self,
        place: Place,
        processes: &processes::Processes,
        ops: &mut Vec<Op>,
        paths: &mut PathTable,
    ) {
        self.ops.retain_mut(|op| {
            let row = place.row + op.event.0;
            op.event = EventIndex(row);
            op.start = place.utc(op.start.0.cast_signed());
            op.end = op.end.map(|end| place.utc(end.0.cast_signed()));
            if let OpKind::ProcessCreate { child } = op.kind {
                let Some(child) = processes.child(child.0, row, op.start) else { return false };
                op.kind = OpKind::ProcessCreate { child };
            }
            match processes.at(op.process.0, row) {
                Some(process) => op.process = process,
                None => return false,
            }
            true
        });
        append(ops, paths, &self.ops, &self.paths);
    }
}

/// What one block gives.
pub(crate) struct Collected {
    extent: Extent,
    seam: Seam,
    pub(crate) ops: BlockOps,
}

impl HasExtent for Collected {
    fn extent(&self) -> (u64, u64, Seam) {
        (self.extent.rows, self.extent.lines, self.seam)
    }
}

/// The kernel modules that may turn out to be the author of an operation, by path in lower case.
pub(crate) struct Authors {
    by_path: FxHashMap<Vec<u8>, Layer<DriverId>>,
    pub(crate) drivers: Vec<DriverInfo>,
    unlisted: bool,
}

impl Authors {
    pub(crate) fn new(modules: &[DriverInfo], is_filter: &FilterTest<'_>) -> Self {
        let mut authors = Self { by_path: FxHashMap::default(), drivers: Vec::new(), unlisted: modules.is_empty() };
        // Whose company cannot be read may be a filter or not.
        for module in modules.iter().filter(|module| module.company.contains(char::REPLACEMENT_CHARACTER)) {
            authors.by_path.insert(module.path.to_ascii_lowercase().into_bytes(), Layer::Unknown);
        }
        for (module, number) in modules.iter().filter(|module| is_filter(module)).zip(0u16..) {
            authors.by_path.insert(module.path.to_ascii_lowercase().into_bytes(), Layer::Filter(DriverId(number)));
            authors.drivers.push(module.clone());
        }
        authors
    }

    /// The filter that issued an operation, if the kernel's part of the row's stack shows one, and what else it says.
    fn of(&self, row: &Row<'_>) -> (Option<DriverId>, StackSays) {
        // Without a list of modules nobody can tell a filter among the frames.
        if row.frames == 0 || self.unlisted {
            return (None, StackSays::Nothing);
        }
        let frames = row.kernel_frames().map(|path| {
            if path.is_empty() {
                return Layer::Unknown;
            }
            if let Some(layer) = self.by_path.get(&path.to_ascii_lowercase()) {
                return *layer;
            }
            let name = path.rsplit(|byte| *byte == b'\\').next().unwrap_or_default();
            std::str::from_utf8(name).map_or(Layer::Other, layer_of)
        });
        author_of(frames, || row.bytes(Column::Pid) == b"4").told(Some)
    }
}

/// Decodes the rows of a block that are about the selected files.
pub(crate) fn collect_block(
    block: &Block,
    (columns, delimiter, times): (&Columns, u8, Times),
    decoder: Decoder<'_>,
    (selection, namesakes): (&Selection, &NamesakeBudget),
    authors: &Authors,
) -> Collected {
    let mut ops = BlockOps::default();
    let mut clock = Clock::new(times);
    let mut results = Results::default();
    let extent = block.rows(columns, delimiter, |number, row| {
        let start = clock.start(row)?;
        let operation = decoder.operation(row);
        let wanted = match operation.class {
            EventClass::FILE_SYSTEM => {
                let path = decoder.path(row, operation);
                selection.wants(&path)
                    || selection.has_ids() && decoder.file_id(row, operation).is_some_and(|id| selection.wants_id(id))
                    || decoder.target(row, operation, &path).is_some_and(|target| selection.wants_target(&target))
                    || matches!(operation.code, code::CREATE | code::CLEANUP)
                        && selection.is_namesake(&path)
                        && namesakes.take()
            }
            EventClass::PROCESS => {
                operation.code != process_code::LOAD_IMAGE
                    || row.text(Column::Path).is_some_and(|path| selection.wants(&path))
            }
            _ => false,
        };
        if wanted && let Some(key) = processes::key_of(row) {
            let status = results.find(row.bytes(Column::Result));
            if let Some(decoded) = decoder.decode(row, operation, status, &mut ops.paths) {
                ops.push(number, (key, authors.of(row)), (start, clock.end(row, start)), row, status, decoded);
            }
        }
        Ok(())
    });
    Collected { extent, seam: clock.seam(), ops }
}
