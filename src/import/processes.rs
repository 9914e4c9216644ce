//! Which process instance a row belongs to. An export names a process by PID and image; PIDs are reused.
//!
//! A block of rows yields its [`Run`]s, found in parallel; joining them in order gives the instances and, for each PID,
//! from which row on it means which instance.

use super::clock;
use super::detail;
use super::operation::Operation;
use super::row::Row;
use super::xml_processes::XmlProcess;
use crate::capture::columns::Column;
use crate::capture::decode::process_code;
use crate::capture::op::{ProcessId, ProcessInfo};
use crate::capture::tally::unclosed;
use crate::nt::FileTime;
use crate::pml::EventClass;
use rustc_hash::FxHashMap;
use std::hash::Hasher;

/// What names a process in a row: its number in an XML process list, its PID, or a hash of its name.
pub(crate) type Key = u32;

/// Set in a key that stands for a name.
const BY_NAME: Key = 0x8000_0000;

/// How a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Born {
    /// With an ordinary row.
    Seen,
    /// With Process Create, in a row of the process with this key.
    Created { parent: Key },
    /// With its own Process Start, or another event that only a new process has.
    Started,
}

/// Rows of one block that belong to one instance, as far as the block alone can tell.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    key: Key,
    /// First row, counted in the block.
    row: u64,
    /// Start of that row, in local ticks.
    since: i64,
    born: Born,
    name: Box<[u8]>,
    image: Box<[u8]>,
    /// What the PID column says, where another column names the process.
    pid: Box<[u8]>,
    info: ProcessInfo,
    /// Local ticks.
    started: Option<i64>,
    ended: Option<i64>,
    /// Start of its latest row, in local ticks.
    latest: i64,
    /// It has rows of its own.
    rows: bool,
    file_system: bool,
    /// Successful opens, and closes.
    handles: (u32, u32),
    is_64_bit: Option<bool>,
    /// Its image is as wide as the system.
    bits_proof: bool,
}

/// Whether an image in the system folder is one that is always as wide as the system. On 64-bit systems the 32-bit
/// programs of Windows lie in another folder.
fn proves_bits(image: &str) -> bool {
    const PROGRAMS: [&str; 16] = [
        "smss.exe",
        "csrss.exe",
        "wininit.exe",
        "winlogon.exe",
        "services.exe",
        "lsass.exe",
        "lsm.exe",
        "svchost.exe",
        "spoolsv.exe",
        "dwm.exe",
        "taskhost.exe",
        "taskhostw.exe",
        "conhost.exe",
        "dllhost.exe",
        "cmd.exe",
        "SearchIndexer.exe",
    ];
    let Some((folder, name)) = image.rsplit_once('\\') else { return false };
    let leaf = folder.rsplit_once('\\').map_or("", |(_, leaf)| leaf);
    leaf.eq_ignore_ascii_case("System32") && PROGRAMS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Collects the runs of one block.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) list: Vec<Run>,
    current: FxHashMap<Key, usize>,
    last: Option<(Key, usize)>,
}

impl Runs {
    /// Takes account of one row; `time` is its start in local ticks.
    #[inline]
    pub(crate) fn see(&mut self, key: Key, number: u64, row: &Row<'_>, operation: Operation, time: i64) {
        let name = row.bytes(Column::ProcessName);
        let image = row.bytes(Column::ImagePath);
        let at = match self.last {
            Some((last, at)) if last == key => Some(at),
            _ => self.current.get(&key).copied(),
        };
        let pid = if row.process_index().is_some() { row.bytes(Column::Pid) } else { &[] };
        let fits = at.and_then(|at| self.list.get(at)).is_some_and(|run| {
            (run.name[..] == *name || name.is_empty() || !run.rows || run.name.eq_ignore_ascii_case(name))
                && (run.image[..] == *image || image.is_empty() || !run.rows || run.image.eq_ignore_ascii_case(image))
                && (run.pid[..] == *pid || pid.is_empty() || !run.rows)
        });
        let mut at = match at {
            Some(at) if fits => at,
            _ => self.push((key, number, time), Born::Seen),
        };
        if operation.class == EventClass::PROCESS {
            at = self.process_event(at, key, number, row, operation.code, time);
        }
        self.last = Some((key, at));
        let Some(run) = self.list.get_mut(at) else { return };
        if !run.rows {
            run.rows = true;
            describe(run, row);
        }
        run.latest = run.latest.max(time);
        run.file_system |= operation.class == EventClass::FILE_SYSTEM;
    }

    /// Takes account of what the row seen last opened or closed.
    #[inline]
    pub(crate) fn count(&mut self, opened: bool, closed: bool) {
        if let Some(run) = self.last.and_then(|(_, at)| self.list.get_mut(at)) {
            let (opens, closes) = run.handles;
            run.handles = (opens.saturating_add(u32::from(opened)), closes.saturating_add(u32::from(closed)));
        }
    }

    fn push(&mut self, (key, row, since): (Key, u64, i64), born: Born) -> usize {
        let at = self.list.len();
        self.list.push(Run {
            key,
            row,
            since,
            born,
            name: Box::default(),
            image: Box::default(),
            pid: Box::default(),
            info: ProcessInfo::default(),
            started: None,
            ended: None,
            latest: since,
            rows: false,
            file_system: false,
            handles: (0, 0),
            is_64_bit: None,
            bits_proof: false,
        });
        self.current.insert(key, at);
        at
    }

    fn process_event(&mut self, at: usize, key: Key, number: u64, row: &Row<'_>, code: u16, time: i64) -> usize {
        let Some(run) = self.list.get_mut(at) else { return at };
        let over = run.ended.is_some();
        match code {
            process_code::EXIT => run.ended = run.ended.or(Some(time)),
            process_code::START => {
                let begun = run.started.is_some() || over;
                let at = if begun { self.push((key, number, time), Born::Started) } else { at };
                let text = row.text(Column::Detail);
                let start = detail::process_start(text.as_deref().unwrap_or_default());
                if let Some(run) = self.list.get_mut(at) {
                    if run.row == number && run.born == Born::Seen {
                        run.born = Born::Started;
                    }
                    run.started = Some(time);
                    run.info.parent_pid = start.parent_pid.unwrap_or(run.info.parent_pid);
                    if let Some(command_line) = start.command_line {
                        run.info.command_line = command_line.to_owned();
                    }
                }
                return at;
            }
            process_code::CREATE | process_code::DEFINED => {
                let text = row.text(Column::Detail);
                if let Some((pid, command_line)) = detail::process_create(text.as_deref().unwrap_or_default()) {
                    let image = row.text(Column::Path).unwrap_or_default();
                    let child = self.push((pid, number, time), Born::Created { parent: key });
                    if let Some(run) = self.list.get_mut(child) {
                        run.info.pid = pid;
                        run.info.name = image.rsplit('\\').next().unwrap_or_default().to_owned();
                        run.info.image_path = image.into_owned();
                        run.info.command_line = command_line.to_owned();
                    }
                }
            }
            // Only a new process loads images and creates threads after the old one ended.
            3 | process_code::LOAD_IMAGE if over => return self.push((key, number, time), Born::Started),
            _ => {}
        }
        at
    }
}

/// Takes what the first row of a run tells about its process.
fn describe(run: &mut Run, row: &Row<'_>) {
    run.name = row.bytes(Column::ProcessName).into();
    run.image = row.bytes(Column::ImagePath).into();
    if row.process_index().is_some() {
        run.pid = row.bytes(Column::Pid).into();
    }
    let text = |column| row.text(column).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let info = &mut run.info;
    let take = |to: &mut String, column| {
        if let Some(text) = text(column) {
            *to = text;
        }
    };
    take(&mut info.name, Column::ProcessName);
    take(&mut info.image_path, Column::ImagePath);
    take(&mut info.user, Column::User);
    take(&mut info.company, Column::Company);
    take(&mut info.version, Column::Version);
    take(&mut info.description, Column::Description);
    if let Some(command_line) = row.text(Column::CommandLine).filter(|text| !text.is_empty()) {
        info.command_line = command_line.into_owned();
    }
    info.pid = clock::plain(row.bytes(Column::Pid)).unwrap_or(if info.name == "System" { 4 } else { info.pid });
    info.parent_pid = clock::plain(row.bytes(Column::ParentPid)).unwrap_or(info.parent_pid);
    run.bits_proof = proves_bits(&info.image_path);
    run.is_64_bit = match row.bytes(Column::Architecture) {
        b"64-bit" => Some(true),
        b"32-bit" => Some(false),
        _ => None,
    };
}

/// The key of a row.
#[inline]
pub(crate) fn key_of(row: &Row<'_>) -> Option<Key> {
    if let Some(index) = row.process_index() {
        return clock::plain(index);
    }
    match row.raw(Column::Pid) {
        Some((pid, _)) => clock::plain(pid),
        None => {
            let mut hasher = rustc_hash::FxHasher::default();
            hasher.write(row.bytes(Column::ProcessName));
            let hash = hasher.finish();
            Some((hash ^ hash >> 32) as u32 | BY_NAME)
        }
    }
}

/// The processes of a list whose PID another one had next, with that one, by their places.
fn successors(list: &[XmlProcess]) -> Vec<(ProcessId, ProcessId)> {
    let mut lives: Vec<(u32, u64, u32)> = list
        .iter()
        .zip(0u32..)
        .filter(|(one, _)| one.created != 0)
        .map(|(one, id)| (one.pid, one.created, id))
        .collect();
    lives.sort_unstable();
    let follows = |pair: &&[(u32, u64, u32)]| matches!(pair, [a, b] if a.0 == b.0 && a.1 < b.1);
    let pairs = lives.windows(2).filter(follows);
    pairs.filter_map(|pair| Some((ProcessId(pair.first()?.2), ProcessId(pair.last()?.2)))).collect()
}

/// One instance and what is known of its state while blocks are joined.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    rows: bool,
    started: bool,
    ended: bool,
    file_system: bool,
    /// Successful opens, and closes.
    handles: (u32, u32),
    /// First row, or the Process Create row of its parent.
    since: Option<FileTime>,
    /// Its latest row.
    latest: Option<FileTime>,
}

/// The process instances of an export, and which rows are whose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    pub(crate) list: Vec<ProcessInfo>,
    /// By key: from which row on it means which instance, ascending.
    lives: FxHashMap<Key, Vec<(u64, ProcessId)>>,
    states: Vec<State>,
    /// Parents to be looked up once all rows are known: child, parent's key, row.
    parents: Vec<(ProcessId, Key, u64)>,
    /// Keys are numbers of an XML process list.
    by_index: bool,
    /// Processes of the list whose PID another one had next, with that one.
    successors: Vec<(ProcessId, ProcessId)>,
    /// Processes that rows name and the list does not have under their number.
    by_names: FxHashMap<(u32, String), ProcessId>,
    /// Runs of rows whose number in the list is another process's, or nobody's.
    pub(crate) unlisted: u64,
    /// 64 once some process is known to be 64-bit; 32 once one is 32-bit that is always as wide as the system.
    pub(crate) bits: Option<u32>,
}

impl Processes {
    /// The processes of an XML process list. Its times are in UTC; where those of rows are not known to be (`comparable`),
    /// they say that a process ended and not when.
    pub(crate) fn from_list(list: &[XmlProcess], comparable: bool) -> Self {
        let mut processes = Self { by_index: !list.is_empty(), ..Self::default() };
        for entry in list {
            let time = |ticks: u64| (ticks != 0 && comparable).then_some(FileTime(ticks));
            let trimmed = |text: &str| text.trim().to_owned();
            let id = processes.push(ProcessInfo {
                pid: entry.pid,
                parent_pid: entry.parent_pid,
                name: entry.name.clone(),
                image_path: entry.image_path.clone(),
                command_line: entry.command_line.clone(),
                user: entry.owner.clone(),
                company: trimmed(&entry.company),
                version: trimmed(&entry.version),
                description: trimmed(&entry.description),
                started: time(entry.created),
                ended: time(entry.finished),
                replaced: (entry.finished != 0 && !comparable).then_some(FileTime(u64::MAX)),
                ..ProcessInfo::default()
            });
            processes.lives.insert(entry.index, vec![(0, id)]);
            processes.by_names.entry((entry.pid, entry.name.to_ascii_lowercase())).or_insert(id);
            processes.parents.push((id, entry.parent_index, 0));
            if let Some(is_64_bit) = entry.is_64_bit {
                processes.bits_from(entry.pid == 4 || proves_bits(&entry.image_path), is_64_bit);
            }
        }
        processes.successors = successors(list);
        processes
    }

    fn bits_from(&mut self, proof: bool, is_64_bit: bool) {
        if is_64_bit {
            self.bits = Some(64);
        } else if proof {
            self.bits = self.bits.or(Some(32));
        }
    }

    fn push(&mut self, info: ProcessInfo) -> ProcessId {
        let id = ProcessId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(info);
        self.states.push(State::default());
        id
    }

    /// Joins the runs of the next block, whose first row is `first`; `utc` turns local ticks into UTC.
    pub(crate) fn join(&mut self, runs: Vec<Run>, first: u64, utc: &dyn Fn(i64) -> FileTime) {
        for run in runs {
            if self.by_index && matches!(run.born, Born::Created { .. }) && !run.rows {
                // The list has the child already, under its own number.
                let time = utc(run.since);
                let child = self.child(run.key, first + run.row, time);
                if let Some(state) = child.and_then(|id| self.states.get_mut(id.0 as usize)) {
                    state.since = state.since.or(Some(time));
                }
                continue;
            }
            let row = first + run.row;
            let current = self.lives.get(&run.key).and_then(|lives| lives.last()).map(|(_, id)| *id);
            let id = match current
                .filter(|id| if self.by_index { self.agrees(*id, &run) } else { self.continues(*id, &run) })
            {
                Some(id) => id,
                None if self.by_index => {
                    // The list says otherwise, or nothing: the row itself is believed.
                    self.unlisted += 1;
                    let names = (run.info.pid, run.info.name.to_ascii_lowercase());
                    let named = names != (0, String::new());
                    let known = self.by_names.get(&names).copied().filter(|_| named);
                    let id = known.unwrap_or_else(|| self.push(ProcessInfo::default()));
                    self.by_names.insert(names, id);
                    self.lives.entry(run.key).or_default().push((row, id));
                    id
                }
                None => {
                    let id = self.push(ProcessInfo::default());
                    // A PID means another process now; a hash of names means several at a time.
                    if let Some(info) = current.and_then(|id| self.list.get_mut(id.0 as usize))
                        && run.key < BY_NAME
                        && info.ended.is_none()
                    {
                        info.replaced = Some(utc(run.since));
                    }
                    self.lives.entry(run.key).or_default().push((row, id));
                    id
                }
            };
            self.take(id, run, row, utc);
        }
    }

    /// Whether the rows of a run can be those of a process of the list.
    fn agrees(&self, id: ProcessId, run: &Run) -> bool {
        let Some(info) = self.list.get(id.0 as usize) else { return false };
        (run.info.pid == 0 || info.pid == run.info.pid)
            && (run.info.name.is_empty() || info.name.is_empty() || info.name.eq_ignore_ascii_case(&run.info.name))
    }

    /// Whether a run goes on with the instance that its key meant last.
    fn continues(&self, id: ProcessId, run: &Run) -> bool {
        let at = id.0 as usize;
        let (Some(info), Some(state)) = (self.list.get(at), self.states.get(at)) else { return false };
        if !state.rows && !state.ended {
            // Created by its parent, and nothing seen of it yet.
            return !matches!(run.born, Born::Created { .. });
        }
        let same = |known: &str, told: &str| told.is_empty() || known.is_empty() || known.eq_ignore_ascii_case(told);
        match run.born {
            Born::Created { .. } => false,
            Born::Started if state.ended || state.started => false,
            _ => same(&info.name, &run.info.name) && same(&info.image_path, &run.info.image_path),
        }
    }

    fn take(&mut self, id: ProcessId, run: Run, row: u64, utc: &dyn Fn(i64) -> FileTime) {
        if let Some(is_64_bit) = run.is_64_bit {
            self.bits_from(run.info.pid == 4 || run.bits_proof, is_64_bit);
        }
        let at = id.0 as usize;
        let (Some(info), Some(state)) = (self.list.get_mut(at), self.states.get_mut(at)) else { return };
        state.rows |= run.rows;
        state.file_system |= run.file_system;
        let (opens, closes) = state.handles;
        state.handles = (opens.saturating_add(run.handles.0), closes.saturating_add(run.handles.1));
        info.unclosed = unclosed(state.handles.0, state.handles.1);
        state.since = state.since.or(Some(utc(run.since)));
        state.latest = state.latest.max(Some(utc(run.latest)));
        state.started |= run.started.is_some();
        state.ended |= run.ended.is_some();
        let told = run.info;
        let keep = |known: &mut String, told: String| {
            if known.is_empty() {
                *known = told;
            }
        };
        if info.pid == 0 {
            info.pid = told.pid;
        }
        if info.parent_pid == 0 {
            info.parent_pid = told.parent_pid;
        }
        keep(&mut info.name, told.name);
        keep(&mut info.image_path, told.image_path);
        keep(&mut info.command_line, told.command_line);
        keep(&mut info.user, told.user);
        keep(&mut info.company, told.company);
        keep(&mut info.version, told.version);
        keep(&mut info.description, told.description);
        info.started = info.started.or(run.started.map(utc));
        info.ended = info.ended.or(run.ended.map(utc));
        if !self.by_index {
            match run.born {
                Born::Created { parent } => self.parents.push((id, parent, row)),
                _ if info.parent_pid != 0 => self.parents.push((id, info.parent_pid, row)),
                _ => {}
            }
        }
    }

    /// The instance that `key` means in row `row`.
    #[inline]
    pub(crate) fn at(&self, key: Key, row: u64) -> Option<ProcessId> {
        let lives = self.lives.get(&key)?;
        let at = lives.partition_point(|(from, _)| *from <= row).checked_sub(1)?;
        lives.get(at).map(|(_, id)| *id)
    }

    /// The child that a Process Create row names by PID.
    pub(crate) fn child(&self, pid: u32, row: u64, time: FileTime) -> Option<ProcessId> {
        if !self.by_index {
            return self.at(pid, row);
        }
        // Of several processes with the PID, the one that began nearest to the event; where the list tells no such times, one
        // that nothing shows before it.
        let candidates = self.list.iter().zip(&self.states).zip(0u32..).filter(|((info, _), _)| info.pid == pid);
        candidates
            .min_by_key(|((info, state), _)| {
                let began = info.started.map_or(u64::MAX, |started| started.0.abs_diff(time.0));
                (began, state.since.is_some_and(|since| since < time))
            })
            .map(|(_, id)| ProcessId(id))
    }

    /// Says of every process when it was last shown, where nothing tells of ends. The System process has none.
    pub(crate) fn leave_ends_open(&mut self) {
        for (info, state) in self.list.iter_mut().zip(&self.states).filter(|(info, _)| !info.is_system()) {
            info.last_shown = state.latest.filter(|_| info.ended.is_none());
        }
    }

    /// Looks up the parents, and who had ended before another had its PID, once all rows are known.
    pub(crate) fn finish(&mut self) {
        for (ended, next) in std::mem::take(&mut self.successors) {
            let started = self.list.get(next.0 as usize).and_then(|next| next.started);
            let since = started.or_else(|| self.states.get(next.0 as usize)?.since);
            if let Some(info) = self.list.get_mut(ended.0 as usize)
                && info.ended.is_none()
            {
                info.replaced = Some(since.unwrap_or(FileTime(u64::MAX)));
            }
        }
        for (child, key, row) in std::mem::take(&mut self.parents) {
            let parent = self.at(key, row).filter(|parent| *parent != child);
            if let (Some(info), Some(parent)) = (self.list.get_mut(child.0 as usize), parent) {
                info.parent = info.parent.or(Some(parent));
            }
        }
    }

    /// Whether rows refer to a process list.
    pub(crate) const fn is_listed(&self) -> bool {
        self.by_index
    }

    /// The instances that have file-system rows.
    pub(crate) fn active(&self) -> Vec<ProcessId> {
        (0u32..).zip(&self.states).filter(|(_, state)| state.file_system).map(|(at, _)| ProcessId(at)).collect()
    }
}
