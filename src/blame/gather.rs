//! From a scope to the operations that can explain its failures: the failing files under every name they go by, the
//! folders they lie in, and what is below a folder that could not be removed or moved.

use super::scope::Scope;
use crate::capture::op::{EventIndex, Op, OpKind, OpLog, PathId, PathTable, ProcessId};
use crate::capture::scan::is_refused_rename;
use crate::capture::select::{Selection, fold, without_stream};
use crate::capture::source::{FilterTest, Source, Survey};
use crate::locks;
use crate::nt::path::strip_namespace;
use crate::nt::{CreateOptions, DispositionFlags, FileTime, NtStatus};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// Passes over the capture after the first, at most: each one follows names the one before revealed.
const MAX_PASSES: usize = 6;

/// Names followed at most; a hostile rename chain cannot make it endless.
const MAX_NAMES: usize = 1 << 20;

/// Names of a refused folder by which what is below it is collected.
const MAX_FOLDER_NAMES: usize = 16;

/// Opens and closes of other files with a failing file's name that are kept to clear their holders.
const MAX_NAMESAKES: usize = 4096;

/// The failures of a scope and everything needed to explain them.
#[derive(Debug)]
pub struct Gathered {
    /// Failures in scope.
    pub failures: Vec<EventIndex>,
    /// Lock-class failures out of scope.
    pub outside: u64,
    /// The operations on the files concerned.
    pub log: OpLog,
}

/// Collects what `scope` needs from a surveyed source.
pub fn gather(source: &dyn Source, survey: &Survey, scope: &Scope, is_filter: &FilterTest<'_>) -> Gathered {
    let is_inside = |op: &&Op| scope.contains(op, &survey.processes, &survey.paths);
    let (inside, outside): (Vec<&Op>, Vec<&Op>) = survey.ops.iter().filter(|op| is_failure(op)).partition(is_inside);
    // A delayed open is no failure, but who delayed it belongs to the case.
    let delayed = survey.ops.iter().filter(|op| is_delayed(op)).filter(is_inside);
    let seeds: Vec<&Op> = inside.iter().copied().chain(delayed).collect();
    let log = collect(source, survey, &seeds, is_filter);
    let by_driver: FxHashSet<EventIndex> = log.ops.iter().filter(|op| op.driver.is_some()).map(|op| op.event).collect();
    // VI-3: what a driver asked for itself was not refused to the victim in whose name it did.
    let (theirs, failures): (Vec<EventIndex>, Vec<EventIndex>) = inside
        .iter()
        .map(|op| op.event)
        .partition(|event| !scope.victims.is_empty() && !scope.is_named(*event) && by_driver.contains(event));
    Gathered { failures, outside: (outside.len() + theirs.len()) as u64, log }
}

/// Whether the operation was refused in a way that can mean that somebody is in the way. An open that came back with the
/// oplock break still under way has its handle: the status is a delay, not a refusal.
pub fn is_failure(op: &Op) -> bool {
    locks::is_lock_failure(op) && !op.status.is_success()
}

/// An operation that is over at once unless it waits for somebody, succeeded, and took long enough to have waited.
pub fn is_delayed(op: &Op) -> bool {
    locks::is_brief(&op.kind)
        && op.status.is_success()
        && op.end.is_some_and(|end| end.since(op.start) >= locks::WAIT_THRESHOLD)
}

/// Collects what explains `seeds`, operations of the survey: those on their files under every name these go by.
pub fn collect(source: &dyn Source, survey: &Survey, seeds: &[&Op], is_filter: &FilterTest<'_>) -> OpLog {
    if seeds.is_empty() {
        return OpLog {
            processes: survey.processes.clone(),
            span: survey.span,
            coverage: survey.coverage,
            ..OpLog::default()
        };
    }
    let names = Names::new(survey);
    let mut selection = Selection::default();
    for op in seeds {
        names.select_failure(op, &survey.paths, &mut selection);
    }
    let mut log = follow(source, survey, &names, &mut selection, is_filter);
    keep_telling_namesakes(&mut log, seeds.iter().map(|op| op.start).collect(), &selection);
    log
}

/// The same for an event that the survey does not keep, whose file is `path`.
pub fn collect_around(
    source: &dyn Source,
    survey: &Survey,
    (event, path): (EventIndex, &str),
    is_filter: &FilterTest<'_>,
) -> OpLog {
    let names = Names::new(survey);
    let mut selection = Selection::default();
    names.select_seed(path, &mut selection);
    let mut log = follow(source, survey, &names, &mut selection, is_filter);
    let start = log.ops.iter().find(|op| op.event == event).map(|op| op.start);
    keep_telling_namesakes(&mut log, start.into_iter().collect(), &selection);
    log
}

/// Collects what is selected, and what goes by further names that turn up.
fn follow(
    source: &dyn Source,
    survey: &Survey,
    names: &Names,
    selection: &mut Selection,
    is_filter: &FilterTest<'_>,
) -> OpLog {
    let mut log = source.collect(selection, survey, is_filter);
    for _ in 1..MAX_PASSES {
        if !widen(&log, names, selection) {
            break;
        }
        // Two logs at a time would be twice the memory.
        drop(std::mem::take(&mut log));
        log = source.collect(selection, survey, is_filter);
    }
    // What speaks against a volume being that drive may be on other files.
    let numbers = super::volumes::numbers(&log);
    let wider = (!numbers.is_empty()).then(|| source.collect(&Selection::everything_with(&numbers), survey, is_filter));
    log.beside = wider.iter().flat_map(|wider| &wider.ops).map(|op| op.event).collect();
    super::volumes::tie_volumes(&mut log, wider);
    if !log.coverage.has_durations {
        keep_order(&mut log.ops);
    }
    log
}

/// Where it is not told how long operations took, rows of one time follow each other as they stand: each is put a tick
/// after the one before, if it is not that one once more.
fn keep_order(ops: &mut [Op]) {
    let is_same = |one: &Op, other: &Op| {
        (one.process, one.thread, one.path) == (other.process, other.thread, other.path)
            && (one.status, one.kind) == (other.status, other.kind)
    };
    let mut before: Option<(FileTime, Op)> = None;
    for op in ops.iter_mut().filter(|op| op.end.is_none()) {
        let told = op.start;
        if let Some((last, before)) = &before
            && told >= *last
            && told <= before.start
        {
            let again = told == *last && is_same(before, op);
            op.start = if again { before.start } else { FileTime(before.start.0.saturating_add(1)) };
        }
        before = Some((told, *op));
    }
}

/// Of the opens and closes that only share a name with a failing file, keeps those of handles that were open while
/// something failed: whoever held the other file then is cleared by name, nobody else needs clearing.
fn keep_telling_namesakes(log: &mut OpLog, mut failing: Vec<FileTime>, selection: &Selection) {
    failing.sort_unstable();
    let fails_within = |from: FileTime, to: FileTime| {
        failing.get(failing.partition_point(|at| *at < from)).is_some_and(|first| *first <= to)
    };
    let OpLog { ops, paths, .. } = log;
    let mut alike: Vec<Option<bool>> = vec![None; paths.len()];
    // By process and path: the operations since no handle was open, how many are open now, and since when.
    let mut open: FxHashMap<(ProcessId, PathId), (Vec<usize>, u32, FileTime)> = FxHashMap::default();
    let mut only: Vec<usize> = Vec::new();
    let mut handles: Vec<Vec<usize>> = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        let alike = match alike.get_mut(op.path.0 as usize) {
            Some(known) if matches!(op.kind, OpKind::Create(_) | OpKind::Cleanup) => {
                *known.get_or_insert_with(|| selection.is_only_namesake(op, paths))
            }
            _ => false,
        };
        if !alike {
            continue;
        }
        only.push(at);
        let entry = open.entry((op.process, op.path));
        match op.kind {
            OpKind::Create(_) if op.status.is_success() => {
                let (list, count, _) = entry.or_insert_with(|| (Vec::new(), 0, op.start));
                list.push(at);
                *count += 1;
            }
            OpKind::Cleanup => {
                let (list, count, since) = entry.or_default();
                list.push(at);
                *count = count.saturating_sub(1);
                if *count == 0 {
                    if fails_within(*since, op.finished()) {
                        handles.push(std::mem::take(list));
                    }
                    open.remove(&(op.process, op.path));
                }
            }
            _ => {}
        }
    }
    let still_open = open.into_values().filter(|(_, _, since)| failing.last().is_some_and(|last| last >= since));
    handles.extend(still_open.map(|(list, ..)| list));
    handles.sort_unstable();
    // A handle stays whole: without its close it would seem to last for ever.
    let mut telling: Vec<usize> = Vec::new();
    for list in handles {
        if telling.len() + list.len() <= MAX_NAMESAKES {
            telling.extend(list);
        }
    }
    telling.sort_unstable();
    let (mut only, mut telling) = (only.into_iter().peekable(), telling.into_iter().peekable());
    let mut at = 0;
    ops.retain(|_| {
        let alike = only.next_if_eq(&at).is_some();
        let tells = telling.next_if_eq(&at).is_some();
        at += 1;
        !alike || tells
    });
}

/// Adds what a collected log reveals: 8.3 names, file ids, and other names of files with these ids.
fn widen(log: &OpLog, names: &Names, selection: &mut Selection) -> bool {
    let mut grown = false;
    let mut ids: FxHashSet<u128> = FxHashSet::default();
    for op in &log.ops {
        match op.kind {
            OpKind::ShortName { long, short } => {
                let both = [long, short].map(|name| log.paths.get(name));
                if both.iter().any(|name| selection.wants(name)) {
                    both.iter().for_each(|name| grown |= names.select(name, selection));
                }
            }
            OpKind::QueryFileId { id } if id.get() != 0 => {
                let id = id.get();
                let path = log.paths.get(op.path);
                if selection.wants_id(id) {
                    grown |= names.select(path, selection);
                } else if selection.is_seed(path) {
                    ids.insert(id);
                }
            }
            _ => {}
        }
    }
    for id in ids {
        grown |= selection.add_id(id);
    }
    for folder in marked_above(log) {
        grown |= names.select_below(folder, selection);
    }
    grown
}

/// Folders above a name that waits to be deleted that were marked before, or opened to be deleted when closed: whether that marked
/// them depends on what was in them (DP-4), and what could be made in them afterwards shows that they wait no more (DP-7).
fn marked_above(log: &OpLog) -> Vec<&str> {
    let marks = |op: &&Op| {
        op.status.is_success()
            && match op.kind {
                OpKind::Create(create) => create.options.contains(CreateOptions::DELETE_ON_CLOSE),
                OpKind::SetDisposition { delete, .. } => delete,
                OpKind::SetDispositionEx { flags, .. } => flags.contains(DispositionFlags::DELETE),
                _ => false,
            }
    };
    let mut marked: FxHashMap<PathId, EventIndex> = FxHashMap::default();
    for op in log.ops.iter().filter(marks) {
        marked.entry(op.path).or_insert(op.event);
    }
    if marked.is_empty() {
        return Vec::new();
    }
    let mut above_pending: FxHashMap<String, EventIndex> = FxHashMap::default();
    let mut seen: FxHashSet<PathId> = FxHashSet::default();
    // The last refusal of each name is the one that most marks come before.
    for op in log.ops.iter().rev().filter(|op| op.status == NtStatus::DELETE_PENDING).take(MAX_NAMES) {
        let names = match op.kind {
            OpKind::Rename { target, .. } | OpKind::Link { target, .. } => [Some(op.path), target],
            _ => [Some(op.path), None],
        };
        for path in names.into_iter().flatten().filter(|path| seen.insert(*path)) {
            for folder in above(&plain(log.paths.get(path))) {
                above_pending.entry(folder).or_insert(op.event);
            }
        }
    }
    let waited = |(path, mark): &(PathId, EventIndex)| {
        above_pending.get(&plain(log.paths.get(*path))).is_some_and(|refusal| mark < refusal)
    };
    let mut found: Vec<&str> = marked.into_iter().filter(waited).map(|(path, _)| log.paths.get(path)).collect();
    found.sort_unstable();
    found.truncate(MAX_FOLDER_NAMES);
    found
}

/// The folders above a path.
fn above(path: &str) -> Vec<String> {
    path.match_indices('\\').filter_map(|(at, _)| path.get(..at)).map(str::to_owned).collect()
}

/// A path as the graph of names has it: folded, without a stream and the prefix of a namespace.
fn plain(path: &str) -> String {
    fold(without_stream(&strip_namespace(path)))
}

/// The renames and links of a capture as a graph of names.
struct Names {
    /// Folded name → the names it was renamed or linked to, or came from.
    others: FxHashMap<Box<str>, Vec<Box<str>>>,
    /// The names in `others`, in order.
    sorted: Vec<Box<str>>,
}

impl Names {
    fn new(survey: &Survey) -> Self {
        let mut others: FxHashMap<Box<str>, Vec<Box<str>>> = FxHashMap::default();
        for op in &survey.ops {
            let (OpKind::Rename { target, .. } | OpKind::Link { target, .. }) = op.kind else { continue };
            let Some(target) = target.filter(|_| op.status.is_success()) else { continue };
            let old = plain(survey.paths.get(op.path));
            let new = plain(survey.paths.get(target));
            if old != new {
                others.entry(old.as_str().into()).or_default().push(new.as_str().into());
                others.entry(new.into()).or_default().push(old.into());
            }
        }
        others.values_mut().for_each(|names| {
            names.sort_unstable();
            names.dedup();
        });
        let mut sorted: Vec<Box<str>> = others.keys().cloned().collect();
        sorted.sort_unstable();
        Self { others, sorted }
    }

    fn select_seed(&self, path: &str, selection: &mut Selection) {
        selection.add_seed(path);
        selection.add_namesakes(path);
        self.select(path, selection);
        self.select_ancestors(path, selection);
    }

    fn select_failure(&self, op: &Op, paths: &PathTable, selection: &mut Selection) {
        let path = paths.get(op.path);
        self.select_seed(path, selection);
        if let OpKind::Rename { target: Some(target), .. } | OpKind::Link { target: Some(target), .. } = op.kind {
            let target = paths.get(target);
            self.select_seed(target, selection);
            // RN-7: what could be moved into the same folder tells of the handles on it.
            if op.status == NtStatus::SHARING_VIOLATION
                && let Some((folder, _)) = plain(target).rsplit_once('\\')
            {
                self.names_of(folder).iter().for_each(|folder| selection.add_entered(folder));
            }
        }
        if op.status == NtStatus::DIRECTORY_NOT_EMPTY || is_refused_rename(op) {
            self.select_below(path, selection);
        }
    }

    /// Adds a folder with everything below it, by all its names, and the other names of what was moved or linked into it: a handle
    /// shows the name of its time (AT-1).
    /// Returns whether that is new.
    fn select_below(&self, folder: &str, selection: &mut Selection) -> bool {
        let mut grown = false;
        let others = self.names_of(folder).into_iter().take(MAX_FOLDER_NAMES);
        for folder in std::iter::once(plain(folder)).chain(others) {
            if !selection.add_subtree(&folder) {
                continue;
            }
            grown = true;
            let below = format!("{}\\", folder.trim_end_matches('\\'));
            let from = self.sorted.partition_point(|name| **name < *below);
            for name in self.sorted.iter().skip(from).take_while(|name| name.starts_with(&below)) {
                self.select(name, selection);
            }
        }
        grown
    }

    /// Adds `path` under every name it can be reached by through renames and links. Returns whether one was new.
    fn select(&self, path: &str, selection: &mut Selection) -> bool {
        let mut grown = false;
        for name in self.names_of(path) {
            // What lies below a wanted folder is collected already; naming it anew would cost a pass over everything.
            grown |= !selection.wants(&name) && selection.add_file(&name);
        }
        grown
    }

    /// The names a path can be reached by, nearest first.
    fn names_of(&self, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut queue = VecDeque::from([plain(path)]);
        let mut followed: FxHashSet<String> = FxHashSet::default();
        while let Some(name) = queue.pop_front() {
            if followed.len() >= MAX_NAMES || !followed.insert(name.clone()) {
                continue;
            }
            // A renamed folder takes everything below it along, so each ancestor's other names count too.
            let mut end = name.len();
            loop {
                if let Some(names) = self.others.get(&name[..end]) {
                    queue.extend(names.iter().map(|other| format!("{other}{}", &name[end..])));
                }
                match name[..end].rfind('\\') {
                    Some(at) if at > 2 => end = at,
                    _ => break,
                }
            }
            found.push(name);
        }
        found
    }

    /// Adds the folders above `path` that can matter (a pending parent, a rename's destination folder), by all their names. The upper two
    /// levels (`C:\Windows`) are opened by everybody all the time and are never deleted.
    fn select_ancestors(&self, path: &str, selection: &mut Selection) {
        let mut rest = without_stream(path);
        while let Some(at) = rest.rfind('\\') {
            rest = &rest[..at];
            if rest.matches('\\').count() < 2 {
                break;
            }
            selection.add_file(rest);
            self.select(rest, selection);
        }
    }
}
