//! The first pass over an export: what it holds, whose rows are whose, and every refused operation.

use super::collect::BlockOps;
use super::columns::Columns;
use super::csv::BadReason;
use super::pass::{HasExtent, Place};
use super::processes::{Processes, Runs, key_of};
use super::roots::Roots;
use super::row::{Decoder, UNREADABLE, changes_names, marks_for_deletion};
use super::scan::{Block, Blocks, Extent, Malformed, Results};
use super::times::{Clock, Disorder, Seam, Times};
use super::xml_processes::XmlProcess;
use crate::capture::columns::Column;
use crate::capture::decode::{code, process_code};
use crate::capture::op::{Coverage, DriverInfo, EventIndex, PathId, PathTable, ProcessId, StackSays};
use crate::capture::source::{ClassCounts, Damage, MOST_LOST, SLOW, Survey, may_be_lock_class};
use crate::nt::FileTime;
use crate::pml::EventClass;
use memchr::memmem;
use rustc_hash::FxHashMap;

/// What one block adds.
pub(crate) struct Part {
    extent: Extent,
    seam: Seam,
    disorder: Disorder,
    counts: ClassCounts,
    coverage: Coverage,
    with_stack: u64,
    runs: Runs,
    ops: BlockOps,
    /// First start and last end, local ticks.
    span: Option<(i64, i64)>,
    unknown_results: Vec<String>,
    /// Rows with such a result.
    unknown: u64,
    /// File rows that are the row before once more.
    repeated: u64,
    /// Rows whose part in what was open is not sure: with such a result, or an open or a close that stands there twice.
    unsure: Vec<u64>,
    not_text: u64,
    short_names: u64,
    roots: Roots,
    wide: bool,
    /// Images loaded by the System process: drivers.
    drivers: Vec<String>,
    /// Operations that matter whatever the question, by row, where the column says more than their kind.
    names: Vec<(u64, String)>,
}

impl HasExtent for Part {
    fn extent(&self) -> (u64, u64, Seam) {
        (self.extent.rows, self.extent.lines, self.seam)
    }
}

/// Surveys one block.
pub(crate) fn part(block: &Block, columns: &Columns, delimiter: u8, times: Times, decoder: Decoder<'_>) -> Part {
    let mut part = Part {
        extent: Extent::default(),
        seam: Seam::default(),
        disorder: Disorder::default(),
        counts: ClassCounts::default(),
        coverage: Coverage::default(),
        with_stack: 0,
        runs: Runs::default(),
        ops: BlockOps::default(),
        span: None,
        unknown_results: Vec::new(),
        unknown: 0,
        repeated: 0,
        unsure: Vec::new(),
        not_text: 0,
        short_names: 0,
        roots: Roots::default(),
        wide: false,
        drivers: Vec::new(),
        names: Vec::new(),
    };
    let mut clock = Clock::new(times);
    let mut results = Results::default();
    let list = matches!(block, Block::Xml(_));
    let wow = memmem::Finder::new(b"\\SysWOW64\\");
    let extent = block.rows(columns, delimiter, |number, row| {
        let start = clock.start(row)?;
        let key = key_of(row).ok_or(BadReason::Pid)?;
        if row.bytes(Column::Operation).is_empty() {
            return Err(BadReason::NoOperation);
        }
        let operation = decoder.operation(row);
        let status = results.find(row.bytes(Column::Result));
        let path = row.bytes(Column::Path);
        let end = clock.end(row, start);
        let (first, last) = part.span.unwrap_or((start, start));
        part.span = Some((first.min(start), last.max(end.unwrap_or(start))));
        part.runs.see(key, number, row, operation, start);
        part.unknown += u64::from(status == UNREADABLE);
        part.not_text += u64::from(!path.is_ascii() && !is_text(path, list));
        let wanted = match operation.class {
            EventClass::FILE_SYSTEM => {
                part.counts.file_system += 1;
                part.short_names += u64::from(has_short_name(path));
                part.repeated += u64::from(clock.repeats());
                part.with_stack += u64::from(row.frames != 0);
                let opens_or_closes = matches!(operation.code, code::CREATE | code::CLEANUP);
                if status == UNREADABLE || opens_or_closes && clock.repeats() {
                    part.unsure.push(number);
                }
                let success = status.is_success();
                part.coverage.creates += u64::from(operation.code == code::CREATE && success);
                part.coverage.cleanups += u64::from(operation.code == code::CLEANUP && success);
                if opens_or_closes {
                    let opened = operation.code == code::CREATE && status.gives_handle();
                    part.runs.count(opened, operation.code == code::CLEANUP);
                }
                let slow = (opens_or_closes || marks_for_deletion(operation))
                    && end.is_some_and(|end| end.abs_diff(start) >= SLOW.0);
                may_be_lock_class(status) || slow || changes_names(operation)
            }
            EventClass::REGISTRY => {
                part.counts.registry += 1;
                false
            }
            EventClass::PROCESS => {
                part.counts.process += 1;
                let image = operation.code == process_code::LOAD_IMAGE;
                part.coverage.image_loads += u64::from(image);
                let kernel = row.bytes(Column::Pid) == b"4";
                if image {
                    part.roots.see_loaded(path, kernel);
                }
                if image && kernel && part.drivers.len() < 4096 {
                    part.drivers.extend(row.text(Column::Path).map(std::borrow::Cow::into_owned));
                }
                false
            }
            EventClass::NETWORK => {
                part.counts.network += 1;
                false
            }
            EventClass::PROFILING => {
                part.counts.profiling += 1;
                false
            }
            _ => {
                part.counts.other += 1;
                false
            }
        };
        if operation.class != EventClass::REGISTRY {
            part.wide |= !part.wide && wow.find(path).is_some();
            if operation.class == EventClass::FILE_SYSTEM {
                part.roots.see_row(row, status);
            }
        }
        if wanted && let Some(decoded) = decoder.decode(row, operation, status, &mut part.ops.paths) {
            let name = row.text(Column::Operation).unwrap_or_default();
            if name != decoded.kind.procmon_name() {
                part.names.push((number, name.into_owned()));
            }
            part.ops.push(number, (key, (None, StackSays::Nothing)), (start, end), row, status, decoded);
        }
        Ok(())
    });
    part.counts.total = extent.rows;
    part.extent = extent;
    part.seam = clock.seam();
    part.disorder = clock.disorder();
    part.unknown_results = results.unknown().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    part
}

/// Whether a path is text in the encoding it was read in. Bytes of an XML export that were none have become U+FFFD on the
/// way; Procmon writes none there itself.
fn is_text(path: &[u8], xml: bool) -> bool {
    std::str::from_utf8(path).is_ok_and(|text| !(xml && text.contains('\u{FFFD}')))
}

/// Whether a component of the path looks like a generated 8.3 name, `PROGRA~1` or `A1B2C3~4.DLL`.
fn has_short_name(path: &[u8]) -> bool {
    memchr::memchr_iter(b'~', path).any(|at| {
        let (before, behind) = path.split_at(at);
        let start = before.iter().rposition(|byte| *byte == b'\\').map_or(0, |place| place + 1);
        let digits = behind.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        let base = at - start + 1 + digits;
        let rest = behind.get(1 + digits..).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'\\' | b':')).unwrap_or(rest.len());
        let suffix = rest.get(..end).unwrap_or_default();
        let fits = suffix.is_empty() || suffix.first() == Some(&b'.') && suffix.len() <= 4;
        at > start
            && digits > 0
            && base <= 8
            && fits
            && !before.iter().skip(start).any(|byte| matches!(byte, b' ' | b'.'))
    })
}

/// What the first pass finds.
#[derive(Debug, Default)]
pub(crate) struct Surveyed {
    pub(crate) survey: Survey,
    processes: Option<Processes>,
    none: Processes,
    pub(crate) malformed: Malformed,
    pub(crate) not_text: u64,
    pub(crate) short_names: u64,
    pub(crate) unknown: u64,
    pub(crate) repeated: u64,
    pub(crate) unknown_results: Vec<String>,
    pub(crate) ended_early: Option<String>,
    roots: Roots,
    pub(crate) system_root: Option<String>,
    pub(crate) kernel_modules: Vec<DriverInfo>,
    /// Names of operations, by row.
    names: FxHashMap<u64, String>,
    /// Images mapped into processes, with their load times (UTC).
    pub(crate) images: Vec<(ProcessId, PathId, FileTime)>,
    /// The paths of `images`.
    pub(crate) image_paths: PathTable,
    wide: bool,
    /// Neither rows nor a process list tell when a process ended.
    pub(crate) without_ends: bool,
    /// Rows that could not be read.
    lost: Vec<EventIndex>,
    disorder: Disorder,
}

impl Surveyed {
    /// Adds the next block.
    pub(crate) fn join(&mut self, blocks: &Blocks, part: Part, place: Place) {
        let list = blocks.processes();
        let processes = self.processes.get_or_insert_with(|| {
            self.kernel_modules = kernel_modules(list);
            // A process of the list has the number of its place in it. Idle's modules are a copy of Procmon's own.
            let numbered = list.iter().zip(0u32..).filter(|(process, _)| process.pid != 0);
            let images = numbered.flat_map(|(process, id)| {
                process.images.iter().map(move |(path, loaded)| (ProcessId(id), *path, FileTime(*loaded)))
            });
            self.images = images.collect();
            self.image_paths = blocks.module_paths().cloned().unwrap_or_default();
            Processes::from_list(list, place.utc)
        });
        self.malformed.join(&part.extent.bad, place.line);
        let mut lost = part.extent.bad.numbers.clone();
        lost.extend(&part.unsure);
        lost.sort_unstable();
        let room = MOST_LOST.saturating_sub(self.lost.len());
        self.lost.extend(lost.iter().take(room).map(|row| EventIndex(place.row + row)));
        self.disorder.join(part.disorder, place.shift);
        let survey = &mut self.survey;
        let counts = &mut survey.counts;
        counts.total += part.counts.total;
        counts.file_system += part.counts.file_system;
        counts.registry += part.counts.registry;
        counts.process += part.counts.process;
        counts.network += part.counts.network;
        counts.profiling += part.counts.profiling;
        counts.other += part.counts.other;
        survey.coverage.creates += part.coverage.creates;
        survey.coverage.cleanups += part.coverage.cleanups;
        survey.coverage.image_loads += part.coverage.image_loads;
        survey.with_stack += part.with_stack;
        processes.join(part.runs.list, place.row, &|local| place.utc(local));
        if let Some((first, last)) = part.span {
            let (first, last) = (place.utc(first), place.utc(last));
            let (begin, end) = survey.span.unwrap_or((first, last));
            survey.span = Some((begin.min(first), end.max(last)));
        }
        part.ops.place(place, processes, &mut survey.ops, &mut survey.paths);
        self.names.extend(part.names.into_iter().map(|(row, name)| (place.row + row, name)));
        for text in part.unknown_results {
            if self.unknown_results.len() < 20 && !self.unknown_results.contains(&text) {
                self.unknown_results.push(text);
            }
        }
        self.not_text += part.not_text;
        self.short_names += part.short_names;
        self.unknown += part.unknown;
        self.repeated += part.repeated;
        self.roots.join(&part.roots);
        self.wide |= part.wide;
        for path in part.drivers {
            let name = path.rsplit('\\').next().unwrap_or_default().to_owned();
            if self.kernel_modules.len() < 4096 && !self.kernel_modules.iter().any(|known| known.path == path) {
                let text = String::new;
                self.kernel_modules.push(DriverInfo {
                    name,
                    path,
                    company: text(),
                    version: text(),
                    description: text(),
                });
            }
        }
    }

    /// Completes it after the last block.
    pub(crate) fn finish(&mut self, ended: Option<String>, columns: &Columns, times: Times) {
        let processes = self.processes.get_or_insert_default();
        processes.finish();
        let survey = &mut self.survey;
        // A process list has the ends; rows have them where process events were not filtered out.
        self.without_ends = !processes.is_listed() && survey.counts.process == survey.coverage.image_loads;
        if self.without_ends {
            processes.leave_ends_open();
        }
        survey.active = processes.active();
        survey.coverage.active_processes = u32::try_from(survey.active.len()).unwrap_or(u32::MAX);
        survey.coverage.has_detail = columns.has(Column::Detail);
        survey.coverage.has_durations =
            times.exact() && (columns.has(Column::Duration) || columns.has(Column::CompletionTime) && times.of_day);
        survey.coverage.without_pids = !columns.has(Column::Pid) && !processes.is_listed();
        survey.coverage.without_times = !times.known();
        survey.coverage.coarse_times = times.known() && !times.exact();
        survey.coverage.unreadable = self.malformed.rows + self.unknown;
        survey.coverage.unnumbered = true;
        survey.coverage.garbled = self.not_text > 0;
        survey.lost = std::mem::take(&mut self.lost);
        let span = survey.span.map_or(0, |(first, last)| last.0.saturating_sub(first.0));
        survey.coverage.order = self.disorder.order();
        survey.coverage.unordered = self.disorder.is_unordered(survey.counts.total, span);
        survey.processes = processes.list.clone();
        let first = self.malformed.first.first().map(|bad| format!("line {}: {:?}", bad.line, bad.reason));
        survey.damage = Damage { records: self.malformed.rows, first: first.or_else(|| ended.clone()) };
        self.ended_early = ended;
        self.survey_roots();
    }

    /// Tells where Windows lies, from rows, programs and drivers.
    fn survey_roots(&mut self) {
        for process in &self.survey.processes {
            self.roots.see_program(&process.image_path);
        }
        for module in &self.kernel_modules {
            self.roots.see_loaded(module.path.as_bytes(), true);
        }
        self.system_root = self.roots.best();
    }

    /// The text of the Operation column of a row that matters whatever the question.
    pub(crate) fn operation(&self, row: u64) -> Option<&str> {
        self.names.get(&row).map(String::as_str)
    }

    /// The process instances.
    pub(crate) fn processes(&self) -> &Processes {
        self.processes.as_ref().unwrap_or(&self.none)
    }

    /// 32 or 64, where a row tells.
    pub(crate) fn bits(&self) -> Option<u32> {
        if self.wide { Some(64) } else { self.processes().bits }
    }
}

/// The modules of the System process.
fn kernel_modules(list: &[XmlProcess]) -> Vec<DriverInfo> {
    let Some(system) = list.iter().find(|process| process.pid == 4) else { return Vec::new() };
    // The kernel's half of the address space; the System process has an ntdll of its own in the other one.
    let half = if system.is_64_bit == Some(false) { 0x8000_0000 } else { 0x8000_0000_0000 };
    let kernel = system.modules.iter().filter(|module| module.base >= half);
    kernel
        .map(|module| DriverInfo {
            name: module.path.rsplit('\\').next().unwrap_or_default().to_owned(),
            path: module.path.clone(),
            company: module.company.trim().to_owned(),
            version: module.version.trim().to_owned(),
            description: module.description.trim().to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::has_short_name;

    #[test]
    fn generated_short_names_are_told_from_other_tildes() {
        for path in ["C:\\PROGRA~1\\Tool\\a.exe", "C:\\a\\A1B2C3~4.DLL", "C:\\a\\LONGFI~1.TXT:stream", "C:\\a\\AB~12"] {
            assert!(has_short_name(path.as_bytes()), "{path}");
        }
        for path in [
            "C:\\a\\~1",
            "C:\\a\\~$file.doc",
            "C:\\a\\notes~backup",
            "C:\\a\\longername~1.txt",
            "C:\\a\\x~1.html",
            "C:\\a b~1\\c",
            "",
        ] {
            assert!(!has_short_name(path.as_bytes()), "{path}");
        }
    }
}
