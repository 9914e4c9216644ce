//! Grows a large capture out of a small one with the project's own writer, streaming: 10 GB need no memory.
//!
//! Shared by the benches and by the tests of large captures, none of which uses all of it.
#![allow(dead_code, unreachable_pub, reason = "each user takes a part")]

use pmlblame::pml::write::grow::{Growth, grow};
use pmlblame::pml::write::{Header, Module, PmlWriter, Process, RawEvent, WriteError};
use pmlblame::pml::{Container, Event, EventClass, Pml, PmlError, PointerSize, StringIndex};
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// A small capture in memory, its events taken apart for the writer.
#[derive(Debug)]
pub struct Seed {
    container: Container,
    data: Vec<u8>,
    events: Vec<Stored>,
    stacks: Vec<u64>,
}

/// One event; stack, detail and extra detail as ranges.
#[derive(Debug)]
struct Stored {
    process_index: u32,
    tid: u32,
    class: u32,
    operation: u16,
    sequence: u32,
    duration: u64,
    time: u64,
    result: u32,
    stack: std::ops::Range<usize>,
    detail: Vec<u8>,
    extra: Option<Vec<u8>>,
}

/// How large to grow it, and with what behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan<'a> {
    /// Stop at this many bytes of events.
    pub bytes: Option<u64>,
    /// Stop at this many events.
    pub events: Option<u64>,
    /// A capture of the same pointer size whose events follow once at the end, under process numbers of their own.
    pub then: Option<&'a Seed>,
    /// Leave a hole of so many bytes …
    pub hole_bytes: u64,
    /// … after every so many events.
    pub hole_every: u64,
}

/// Why it could not be grown.
#[derive(Debug, thiserror::Error)]
pub enum GrowError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the seed is unreadable: {0}")]
    Read(#[from] PmlError),
    #[error("{0}")]
    Write(#[from] WriteError),
    #[error("seeds of different pointer sizes")]
    Pointer,
}

impl Seed {
    /// Reads a capture.
    pub fn open(path: &Path) -> Result<Self, GrowError> {
        Self::parse(fs::read(path)?)
    }

    /// Takes a capture apart.
    pub fn parse(data: Vec<u8>) -> Result<Self, GrowError> {
        let container = Container::parse(&data)?;
        let pml = Pml::new(&data, &container);
        let (mut events, mut stacks) = (Vec::new(), Vec::new());
        for number in 0..pml.event_count() {
            events.push(Stored::new(pml.event(number)?, &mut stacks)?);
        }
        Ok(Self { container, data, events, stacks })
    }

    /// Leaves out the events of other classes.
    pub fn retain(&mut self, class: EventClass) {
        self.events.retain(|event| event.class == class.0);
    }

    /// Takes the stacks off and leaves out large details, so that many events make a small file.
    pub fn slim(&mut self) {
        self.stacks.clear();
        self.events.retain(|event| event.detail.len() + event.extra.as_ref().map_or(0, Vec::len) <= 88);
        self.events.iter_mut().for_each(|event| event.stack = 0..0);
    }

    /// Leaves out what failed.
    pub fn retain_successes(&mut self) {
        self.events.retain(|event| event.result == 0);
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    fn pml(&self) -> Pml<'_> {
        Pml::new(&self.data, &self.container)
    }

    /// 100 ns from the first start to a second after the last one.
    fn span(&self) -> u64 {
        let times = self.events.iter().map(|event| event.time);
        times.clone().max().unwrap_or(0) - times.min().unwrap_or(0) + 10_000_000
    }

    /// One more than the distance of the first and the last number of the main count.
    fn sequences(&self) -> u32 {
        let main = self.events.iter().map(|event| event.sequence).filter(|sequence| *sequence < 0x2000_0000);
        main.clone().max().unwrap_or(0) - main.min().unwrap_or(0) + 1
    }

    fn header(&self) -> Header {
        let known = &self.container.header;
        let mut header = Header::new(known.pointer == PointerSize::Eight, &known.computer, &known.system_root);
        header.max_user_address = known.maximum_user_address;
        (header.os_major, header.os_minor, header.os_build) = known.os;
        header.logical_processors = known.processors;
        header.physical_memory = known.memory;
        header
    }

    /// Carries strings, processes, hosts and ports over, process numbers raised by `raise`.
    fn carry_tables<W: Write + Seek>(&self, out: &mut PmlWriter<W>, raise: u32) -> Result<(), GrowError> {
        let pml = self.pml();
        let mut strings = vec![0];
        for index in 1..self.container.strings.len() as u32 {
            strings.push(out.add_string(&pml.string(StringIndex(index)))?);
        }
        let string = |index: StringIndex| strings.get(index.0 as usize).copied().unwrap_or_default();
        for known in &self.container.processes {
            let modules = known.modules.iter().map(|module| Module {
                load_time: module.loaded.0,
                base: module.base,
                size: module.size,
                path: string(module.path),
                version: string(module.version),
                company: string(module.company),
                description: string(module.description),
                pe_timestamp: module.timestamp,
                pe_size: module.pe_size,
                ..Module::default()
            });
            out.add_process(Process {
                index: known.index + raise,
                pid: known.pid,
                parent_pid: known.parent_pid,
                parent_index: known.parent_index.wrapping_add(raise),
                luid: known.authentication_id,
                session: known.session,
                start: known.started.0,
                end: known.ended.map_or(0, |time| time.0),
                virtualized: known.virtualized,
                is_64_bit: known.is_64_bit.into(),
                integrity: string(known.integrity),
                user: string(known.user),
                name: string(known.name),
                image_path: string(known.image_path),
                command_line: string(known.command_line),
                company: string(known.company),
                version: string(known.version),
                description: string(known.description),
                modules: modules.collect(),
                ..Process::default()
            });
        }
        for host in &self.container.hosts.hosts {
            out.add_host(host.address, &host.name);
        }
        for port in &self.container.hosts.ports {
            out.add_port(port.port, port.is_tcp, &port.name);
        }
        Ok(())
    }

    fn raw(&self) -> impl Iterator<Item = RawEvent<'_>> + Clone {
        self.events.iter().map(|event| event.raw(&self.stacks))
    }

    /// Grows it into `out` and returns the number of events.
    pub fn grow<W: Write + Seek>(&self, out: W, plan: &Plan<'_>) -> Result<u64, GrowError> {
        let mut pml = PmlWriter::new(out, self.header())?;
        self.carry_tables(&mut pml, 0)?;
        let growth = Growth {
            events: plan.events.unwrap_or(u64::MAX),
            bytes: plan.bytes.unwrap_or(if plan.events.is_some() { u64::MAX } else { 0 }),
            time_step: self.span(),
            sequence_step: self.sequences(),
            hole_every: plan.hole_every,
            hole_bytes: plan.hole_bytes,
        };
        let mut written = grow(&mut pml, self.raw(), &growth)?;
        if let Some(then) = plan.then {
            if then.container.header.pointer != self.container.header.pointer {
                return Err(GrowError::Pointer);
            }
            let rounds = written.div_ceil(self.events.len().max(1) as u64);
            written += then.follow(&mut pml, self, rounds)?;
        }
        pml.finish()?;
        Ok(written)
    }

    /// Appends this capture once behind `rounds` of `seed`.
    fn follow<W: Write + Seek>(&self, out: &mut PmlWriter<W>, seed: &Self, rounds: u64) -> Result<u64, GrowError> {
        let raise = seed.container.processes.iter().map(|process| process.index).max().map_or(0, |last| last + 1);
        self.carry_tables(out, raise)?;
        let first = self.events.iter().map(|event| event.time).min().unwrap_or(0);
        let begin = seed.events.iter().map(|event| event.time).min().unwrap_or(0) + seed.span() * rounds;
        let sequence = seed.sequences().wrapping_mul(rounds as u32);
        for event in &self.events {
            let mut detail = event.detail.clone();
            // Process Create (and Defined) name the child by its number.
            if event.class == EventClass::PROCESS.0
                && event.operation < 2
                && let Some(child) = detail.first_chunk_mut::<4>()
            {
                *child = (u32::from_le_bytes(*child) + raise).to_le_bytes();
            }
            out.event(&RawEvent {
                process_index: event.process_index + raise,
                time: event.time - first + begin,
                sequence: event.sequence.wrapping_add(sequence),
                detail: &detail,
                ..event.raw(&self.stacks)
            })?;
        }
        Ok(self.events.len() as u64)
    }

    /// As [`grow`](Self::grow), into a file.
    pub fn grow_file(&self, path: &Path, plan: &Plan<'_>) -> Result<u64, GrowError> {
        self.grow(File::create(path)?, plan)
    }
}

impl Stored {
    fn new(event: Event<'_>, stacks: &mut Vec<u64>) -> Result<Self, PmlError> {
        let from = stacks.len();
        stacks.extend(event.stack()?.iter());
        Ok(Self {
            process_index: event.process_index(),
            tid: event.thread_id(),
            class: event.class().0,
            operation: event.operation(),
            sequence: event.sequence(),
            duration: event.duration().map_or(0, |ticks| ticks.0),
            time: event.time().0,
            result: event.status().0,
            stack: from..stacks.len(),
            detail: event.detail()?.to_vec(),
            extra: event.extra()?.map(<[u8]>::to_vec),
        })
    }

    fn raw<'a>(&'a self, stacks: &'a [u64]) -> RawEvent<'a> {
        RawEvent {
            process_index: self.process_index,
            tid: self.tid,
            class: self.class,
            operation: self.operation,
            sequence: self.sequence,
            duration: self.duration,
            time: self.time,
            result: self.result,
            stack: stacks.get(self.stack.clone()).unwrap_or_default(),
            detail: &self.detail,
            extra: self.extra.as_deref(),
        }
    }
}

/// The folder of real captures; `None` when it is not there.
pub fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("PMLBLAME_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    Some(shared.join("corpus")).filter(|folder| folder.is_dir())
}

/// The 64-bit capture of the corpus, else the largest sample of the project.
pub fn default_seed() -> PathBuf {
    let real = corpus().map(|corpus| corpus.join("LogfileTests64bitUTC.PML")).filter(|path| path.is_file());
    real.unwrap_or_else(|| sample("founding-delete-pending"))
}

/// A sample of the project.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).with_extension("PML")
}

/// A size such as `24MB`, `1GiB` or `1000`.
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    digits.replace('_', "").parse::<u64>().ok()?.checked_mul(unit)
}
