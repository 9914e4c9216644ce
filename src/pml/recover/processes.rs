//! Rebuilds processes from the events that tell of them.
//!
//! Process Create and Process Defined give everything but the file's version resource; Process Start gives command
//! line and parent, Load Image the modules, Process Exit the end. Processes older than the capture leave none of
//! these: only their number is known.

use crate::nt::{FileTime, Sid};
use crate::pml::bytes::DetailText;
use crate::pml::detail::process::{Create, LoadImage, Start};
use crate::pml::event::{Event, EventClass};
use crate::pml::tables::{Module, Process, StringIndex, Strings};
use rustc_hash::FxHashMap;

/// PID of a process of which only the driver's number is known. Real PIDs are multiples of four.
pub const UNKNOWN_PID: u32 = u32::MAX;
/// PID of the System process.
const SYSTEM_PID: u32 = 4;
/// Most processes rebuilt; a limit bounds the memory on hostile files.
const MAX_PROCESSES: usize = 1 << 20;

/// Operations of the process class.
mod operation {
    pub(super) const DEFINED: u16 = 0;
    pub(super) const CREATE: u16 = 1;
    pub(super) const EXIT: u16 = 2;
    pub(super) const LOAD_IMAGE: u16 = 5;
    pub(super) const START: u16 = 7;
}

/// Where the processes of a rescued capture come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessCounts {
    /// Read from the process table.
    pub from_table: u64,
    /// Rebuilt from events, image and all.
    pub rebuilt: u64,
    /// Of which only the PID (and perhaps command line and modules) is known; their names in the table are lost or were never there.
    pub pid_only: u64,
    /// Known by the driver's number alone.
    pub nameless: u64,
    /// Modules found in Load Image events.
    pub modules: u64,
    /// Events of processes with a known image.
    pub events_named: u64,
}

#[derive(Default)]
struct Found<'a> {
    pid: Option<u32>,
    parent: Option<(Option<u32>, u32)>,
    create: Option<Create<'a>>,
    command_line: Option<DetailText<'a>>,
    /// A new process's first image is its own.
    first_image: Option<DetailText<'a>>,
    started_here: bool,
    ended: Option<FileTime>,
    is_kernel: bool,
    modules: Vec<(LoadImage<'a>, FileTime)>,
    events: u64,
}

/// Name and image of PID 4 on every Windows.
const SYSTEM: &str = "System";

/// Collects what events tell of processes.
pub(super) struct Rebuilder<'a> {
    found: FxHashMap<u32, Found<'a>>,
    maximum_user_address: u64,
    /// The one seen last: events come in runs.
    modules: u64,
}

impl<'a> Rebuilder<'a> {
    pub(super) fn new(maximum_user_address: u64) -> Self {
        Self { found: FxHashMap::default(), maximum_user_address, modules: 0 }
    }

    fn of(&mut self, index: u32) -> Option<&mut Found<'a>> {
        if self.found.len() >= MAX_PROCESSES && !self.found.contains_key(&index) {
            return None;
        }
        Some(self.found.entry(index).or_default())
    }

    /// Takes one event into account.
    pub(super) fn see(&mut self, event: Event<'a>) {
        let limit = self.maximum_user_address;
        let Some(process) = self.of(event.process_index()) else { return };
        process.events += 1;
        if event.class() != EventClass::PROCESS {
            return;
        }
        let Ok(detail) = event.detail() else { return };
        match event.operation() {
            operation::EXIT => process.ended = Some(event.time()),
            operation::START => {
                let Some(start) = Start::parse(detail) else { return };
                process.started_here = true;
                process.parent = process.parent.or(Some((None, start.parent_pid)));
                process.command_line = start.parameters.map(|parameters| parameters.command_line);
            }
            operation::LOAD_IMAGE => {
                let Some(image) = LoadImage::parse(detail, event.pointer()) else { return };
                process.is_kernel |= image.base > limit;
                if process.started_here && process.modules.is_empty() && is_program(image.path) {
                    process.first_image = Some(image.path);
                }
                process.modules.push((image, event.time()));
                self.modules += 1;
            }
            operation::DEFINED | operation::CREATE => {
                let Some(create) = Create::parse(detail) else { return };
                if let Some(process) = self.of(create.process_index) {
                    process.pid = Some(create.pid);
                    process.parent = Some((Some(create.parent_index), create.parent_pid));
                    process.started_here |= event.operation() == operation::CREATE;
                    process.create = Some(create);
                }
                if let Some(parent) = self.of(create.parent_index) {
                    parent.pid = parent.pid.or(Some(create.parent_pid));
                }
            }
            _ => {}
        }
    }

    /// The processes known from `table`, then those rebuilt, ordered by number. New strings go to `strings`.
    pub(super) fn finish(
        self,
        data: &'a [u8],
        table: Vec<Process>,
        strings: &mut Strings,
    ) -> (Vec<Process>, ProcessCounts) {
        let mut counts = ProcessCounts { modules: self.modules, ..ProcessCounts::default() };
        let mut processes = table;
        counts.from_table = processes.len() as u64;
        let known_strings = strings.len();
        let mut texts = Texts { strings, seen: FxHashMap::default() };
        let mut found = self.found;
        for process in &mut processes {
            // Numbers of strings that are lost would name something else once new strings are added.
            let is_lost = [process.name, process.image_path, process.command_line].map(|text| texts.is_lost(text));
            forget_lost(process, known_strings);
            let events = found.remove(&process.index).unwrap_or_default();
            name_again(process, is_lost, data, &events, &mut texts);
            if is_lost[0] && process.name.0 == 0 {
                counts.pid_only += 1;
            } else {
                counts.events_named += events.events;
            }
        }
        let mut found: Vec<(u32, Found<'a>)> = found.into_iter().collect();
        found.sort_unstable_by_key(|(index, _)| *index);
        for (index, found) in found {
            processes.push(rebuilt(index, found, &mut texts, &mut counts));
        }
        processes.sort_by_key(|process| process.index);
        (processes, counts)
    }
}

/// Empties what refers to a string beyond the `known` ones.
fn forget_lost(process: &mut Process, known: usize) {
    let Process { integrity, user, name, image_path, command_line, company, version, description, modules, .. } =
        process;
    let own = [integrity, user, name, image_path, command_line, company, version, description];
    let modules = modules
        .iter_mut()
        .flat_map(|module| [&mut module.path, &mut module.version, &mut module.company, &mut module.description]);
    for index in own.into_iter().chain(modules) {
        if index.0 as usize >= known {
            *index = StringIndex(0);
        }
    }
}

/// Fills name, image and command line, those that `is_lost` says, from a process's events, and its name from its image.
fn name_again(process: &mut Process, is_lost: [bool; 3], data: &[u8], events: &Found<'_>, texts: &mut Texts<'_>) {
    let [name, image, command_line] = is_lost;
    let create = events.create.as_ref();
    if let Some(path) = create.map(|create| create.image).or(events.first_image).filter(|_| image) {
        process.image_path = texts.add(&path.decode());
    } else if image && process.pid == SYSTEM_PID {
        process.image_path = texts.add(SYSTEM);
    }
    if let Some(text) = create.map(|create| create.command_line).or(events.command_line).filter(|_| command_line) {
        process.command_line = texts.add(&text.decode());
    }
    if name {
        let path = texts.strings.get(data, process.image_path).map(|text| text.decode()).unwrap_or_default();
        process.name = texts.add(path.rsplit('\\').next().unwrap_or_default());
    }
}

fn is_program(path: DetailText<'_>) -> bool {
    path.decode().to_ascii_lowercase().ends_with(".exe")
}

/// Adds strings once.
struct Texts<'s> {
    strings: &'s mut Strings,
    seen: FxHashMap<String, StringIndex>,
}

impl Texts<'_> {
    /// Whether a string is lost: only the one with number 0 is empty by itself.
    fn is_lost(&self, index: StringIndex) -> bool {
        index.0 != 0 && self.strings.is_lost(index)
    }

    fn add(&mut self, text: &str) -> StringIndex {
        if self.strings.is_empty() {
            self.strings.push("");
        }
        if text.is_empty() {
            return StringIndex(0);
        }
        if let Some(index) = self.seen.get(text) {
            return *index;
        }
        let index = self.strings.push(text);
        self.seen.insert(text.to_owned(), index);
        index
    }

    fn add_sid(&mut self, sid: Option<Sid<'_>>) -> StringIndex {
        sid.map_or(StringIndex(0), |sid| match sid.well_known() {
            Some(name) => self.add(name),
            None => self.add(&sid.to_string()),
        })
    }
}

fn rebuilt(index: u32, found: Found<'_>, texts: &mut Texts<'_>, counts: &mut ProcessCounts) -> Process {
    let image = found.create.map(|create| create.image).or(found.first_image);
    let pid = found.pid.or(found.is_kernel.then_some(SYSTEM_PID));
    let path = match (&image, pid) {
        (Some(image), _) => image.decode().into_owned(),
        (None, Some(SYSTEM_PID)) => SYSTEM.to_owned(),
        _ => String::new(),
    };
    match (path.is_empty(), pid) {
        (false, _) => {
            counts.rebuilt += 1;
            counts.events_named += found.events;
        }
        (true, Some(_)) => counts.pid_only += 1,
        (true, None) => counts.nameless += 1,
    }
    let name = path.rsplit('\\').next().unwrap_or_default().to_owned();
    let create = found.create.as_ref();
    let command_line = create.map(|create| create.command_line).or(found.command_line);
    let (parent_index, parent_pid) = match found.parent {
        Some((parent_index, parent_pid)) => (parent_index.unwrap_or_default(), parent_pid),
        None => (0, 0),
    };
    let mut modules: Vec<Module> = found
        .modules
        .iter()
        .map(|(image, time)| Module {
            loaded: *time,
            base: image.base,
            size: image.size,
            path: texts.add(&image.path.decode()),
            version: StringIndex(0),
            company: StringIndex(0),
            description: StringIndex(0),
            timestamp: 0,
            pe_size: image.size,
        })
        .collect();
    modules.sort_by_key(|module| (module.base, module.loaded));
    Process {
        index,
        pid: pid.unwrap_or(UNKNOWN_PID),
        parent_pid,
        parent_index,
        authentication_id: create.map_or(0, |create| create.authentication_id),
        session: create.map_or(0, |create| create.session),
        started: create.map_or(FileTime(0), |create| create.created),
        ended: found.ended,
        virtualized: create.map_or(u32::MAX, |create| create.virtualized),
        is_64_bit: create.is_some_and(|create| create.is_64_bit),
        integrity: create.map_or(StringIndex(0), |create| texts.add_sid(create.integrity)),
        user: create.map_or(StringIndex(0), |create| texts.add_sid(create.user)),
        name: texts.add(&name),
        image_path: texts.add(&path),
        command_line: command_line.map_or(StringIndex(0), |text| texts.add(&text.decode())),
        company: StringIndex(0),
        version: StringIndex(0),
        description: StringIndex(0),
        icons: (0, 0),
        modules,
    }
}
