//! What rows are rendered against: the style asked for, and the texts of one capture file.

use super::locale::Locale;
use crate::capture::Capture;
use crate::nt::{FileTime, Sid};
use crate::pml::detail::process::Create;
use crate::pml::ops::{Generation, code};
use crate::pml::{EventClass, Pml, StringIndex};
use crate::redact::Redaction;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::OnceLock;

/// How events are to be worded.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whose wording.
    pub generation: Generation,
    /// Dates, times, numbers.
    pub locale: &'static Locale,
    /// Seconds east of UTC, the same for every time.
    pub offset_seconds: i32,
    /// File operations by their `IRP_MJ_*` and `FASTIO_*` names.
    pub advanced: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { generation: Generation::default(), locale: Locale::en_us(), offset_seconds: 0, advanced: false }
    }
}

/// Texts of a process that several columns print.
#[derive(Clone, Debug, Default)]
pub struct ProcessTexts {
    /// Process id; `None` for a process that the table does not have.
    pub pid: Option<u32>,
    /// Parent's process id.
    pub parent_pid: u32,
    /// Terminal session.
    pub session: u32,
    /// Authentication id.
    pub authentication_id: u64,
    /// 0, 1 or unknown.
    pub virtualized: u32,
    /// A 64-bit process.
    pub is_64_bit: bool,
    /// Start time.
    pub started: FileTime,
    /// Image name.
    pub name: Box<str>,
    /// Image path.
    pub image_path: Box<str>,
    /// Command line.
    pub command_line: Box<str>,
    /// CompanyName.
    pub company: Box<str>,
    /// FileDescription.
    pub description: Box<str>,
    /// FileVersion.
    pub version: Box<str>,
    /// Account.
    pub user: Box<str>,
    /// Integrity level.
    pub integrity: Box<str>,
}

/// The texts of one capture file that rows need, decoded once.
#[derive(Clone, Debug)]
pub struct SegmentTexts {
    /// In table order, and one more for processes that the table does not have.
    processes: Vec<ProcessTexts>,
    hosts: FxHashMap<[u8; 16], usize>,
    ports: FxHashMap<(u16, bool), usize>,
}

impl SegmentTexts {
    /// Decodes them.
    pub fn new(pml: Pml<'_>) -> Self {
        let container = pml.container();
        let text = |index: StringIndex| pml.string(index).into_boxed_str();
        let mut processes: Vec<ProcessTexts> = container
            .processes
            .iter()
            .map(|process| ProcessTexts {
                pid: Some(process.pid),
                parent_pid: process.parent_pid,
                session: process.session,
                authentication_id: process.authentication_id,
                virtualized: process.virtualized,
                is_64_bit: process.is_64_bit,
                started: process.started,
                name: text(process.name),
                image_path: text(process.image_path),
                command_line: text(process.command_line),
                company: text(process.company),
                description: text(process.description),
                version: text(process.version),
                user: text(process.user),
                integrity: text(process.integrity),
            })
            .collect();
        processes.push(ProcessTexts::default());
        let mut hosts = FxHashMap::default();
        for (at, host) in container.hosts.hosts.iter().enumerate().filter(|(_, host)| !host.name.is_empty()) {
            hosts.entry(host.address).or_insert(at);
        }
        let mut ports = FxHashMap::default();
        for (at, port) in container.hosts.ports.iter().enumerate().filter(|(_, port)| !port.name.is_empty()) {
            ports.entry((port.port, port.is_tcp)).or_insert(at);
        }
        Self { processes, hosts, ports }
    }

    /// Where the texts of the process with the driver's number `index` lie.
    pub fn slot(&self, pml: Pml<'_>, index: u32) -> usize {
        let unknown = self.processes.len().saturating_sub(1);
        pml.container().by_index.get(&index).map_or(unknown, |at| (*at as usize).min(unknown))
    }

    /// The texts at `slot`.
    pub fn process(&self, slot: usize) -> &ProcessTexts {
        static NONE: std::sync::LazyLock<ProcessTexts> = std::sync::LazyLock::new(ProcessTexts::default);
        self.processes.get(slot).unwrap_or(&NONE)
    }

    /// Every process in table order; the last is the one of no process.
    pub fn processes(&self) -> &[ProcessTexts] {
        &self.processes
    }

    /// The name of a host, if the capture has one.
    pub fn host<'p>(&self, pml: Pml<'p>, address: &[u8; 16]) -> Option<&'p str> {
        let at = *self.hosts.get(address)?;
        pml.container().hosts.hosts.get(at).map(|host| &*host.name)
    }

    /// The name of a port, if the capture has one.
    pub fn port<'p>(&self, pml: Pml<'p>, port: u16, tcp: bool) -> Option<&'p str> {
        let at = *self.ports.get(&(port, tcp))?;
        pml.container().hosts.ports.get(at).map(|port| &*port.name)
    }
}

/// Accounts by SID, as far as the capture tells: the SIDs in Process Create events, the names in the process table.
///
/// They are looked for when first needed, or beforehand by many threads.
#[derive(Debug)]
pub struct Accounts<'c> {
    capture: &'c Capture,
    names: OnceLock<FxHashMap<Box<[u8]>, Box<str>>>,
}

/// Events looked at in one piece of parallel work.
const PIECE: u32 = 16_384;
/// Events whose heads are read together.
const BATCH: usize = 16;

impl<'c> Accounts<'c> {
    /// Of a capture; nothing is looked for yet.
    pub const fn new(capture: &'c Capture) -> Self {
        Self { capture, names: OnceLock::new() }
    }

    /// Looks through all process-creation events on all threads.
    pub fn find_all(&self) {
        if self.names.get().is_some() {
            return;
        }
        let mut names = FxHashMap::default();
        for segment in self.capture.segments() {
            let pml = segment.pml();
            let pieces = pml.event_count().div_ceil(PIECE);
            let found: Vec<(&[u8], String)> =
                (0..pieces).into_par_iter().flat_map_iter(|piece| creations(pml, piece * PIECE, PIECE)).collect();
            add(&mut names, found);
        }
        // Another thread may have been first, with the same result.
        let _ = self.names.set(names);
    }

    /// The account of a SID: from the capture, else the well-known name.
    pub fn name(&self, sid: Sid<'_>) -> Option<&str> {
        // On one thread: this may run inside parallel work, which must not wait for more of its kind.
        let names = self.names.get_or_init(|| {
            let mut names = FxHashMap::default();
            for segment in self.capture.segments() {
                add(&mut names, creations(segment.pml(), 0, u32::MAX));
            }
            names
        });
        names.get(sid.0).map(|name| &**name).or_else(|| sid.well_known())
    }
}

fn add(names: &mut FxHashMap<Box<[u8]>, Box<str>>, found: Vec<(&[u8], String)>) {
    for (sid, user) in found {
        names.entry(sid.into()).or_insert_with(|| user.into_boxed_str());
    }
}

fn creations(pml: Pml<'_>, first: u32, count: u32) -> Vec<(&[u8], String)> {
    let last = first.saturating_add(count).min(pml.event_count());
    let mut found = Vec::new();
    let mut heads = [None; BATCH];
    for batch in (first..last).step_by(BATCH) {
        pml.heads(batch, &mut heads);
        for (n, head) in (batch..last).zip(heads) {
            if head.is_some_and(|head| {
                head.class == EventClass::PROCESS
                    && matches!(head.operation, code::PROCESS_DEFINED | code::PROCESS_CREATE)
            }) {
                found.extend(creation(pml, n));
            }
        }
    }
    found
}

fn creation(pml: Pml<'_>, n: u32) -> Option<(&[u8], String)> {
    let created = Create::parse(pml.event(n).ok()?.detail().ok()?)?;
    let user = pml.string(pml.process(created.process_index)?.user);
    if user.is_empty() { None } else { Some((created.user?.0, user)) }
}

/// Everything a row of one capture file is rendered against.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The file.
    pub pml: Pml<'a>,
    /// Its texts.
    pub texts: &'a SegmentTexts,
    /// Accounts of the capture.
    pub accounts: &'a Accounts<'a>,
    /// Wording.
    pub style: Style,
    /// Start of the capture's first event, from which Relative Time counts.
    pub origin: FileTime,
    /// Names to replace in what is shown; filters see the originals.
    pub redaction: Option<&'a Redaction>,
}
