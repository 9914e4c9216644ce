//! Procmon's XML export, read as a stream: the process list with its modules, then the events.
//!
//! The rows come out in the same form as those of a table, one field for every column. Nothing is expanded: of entities
//! only the five of XML itself and character numbers are known, others stay as they are written.

use super::columns::{FIELDS, Field, field_of_element, keeps_blanks};
use super::xml_processes::{ModuleField, ProcessField, XmlModule, XmlProcess, address, module_field, process_field};
use super::xml_tags::{Closes, Guard, LONGEST, OpenTags};
use crate::capture::op::PathTable;
use memchr::memchr_iter;
use quick_xml::Reader;
use quick_xml::events::Event;
use rustc_hash::FxHashMap;
use std::io::{BufReader, Read};

/// Bytes of a block, about.
const BLOCK: usize = 1 << 20;
/// Damaged places outside events that are kept for a block, at most.
const MOST_DAMAGE: usize = 1024;
/// Deepest nesting that is believed; Procmon's own is six.
const DEEPEST: usize = 64;

/// Some events.
#[derive(Debug, Default)]
pub(crate) struct XmlBlock {
    pub(crate) data: Vec<u8>,
    /// [`FIELDS`] fields for each event.
    pub(crate) fields: Vec<Field>,
    /// Each event.
    pub(crate) events: Vec<XmlEvent>,
    /// Paths of kernel frames, as places in `data`.
    pub(crate) frames: Vec<(u32, u32)>,
    /// Whole stacks, where they are wanted.
    pub(crate) calls: Vec<Call>,
    /// Lines of damage outside every event.
    pub(crate) damage: Vec<u64>,
}

/// One frame of a stack, its texts as places in the block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Call {
    pub(crate) address: u64,
    pub(crate) kernel: bool,
    pub(crate) path: (u32, u32),
    pub(crate) location: (u32, u32),
}

/// One event, beside its columns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct XmlEvent {
    /// Its line.
    pub(crate) line: u64,
    /// A tag in it is damaged, so that its values may be another's.
    pub(crate) broken: bool,
    /// How many stack frames it has.
    pub(crate) depth: u16,
    /// Its frames in kernel code, innermost first, up to the first outside it: a range of [`XmlBlock::frames`].
    pub(crate) frames: (u32, u32),
    /// Its whole stack: a range of [`XmlBlock::calls`].
    pub(crate) calls: (u32, u32),
}

/// Where in the document the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Document,
    Process,
    Module,
    Event,
    Stack,
    Frame,
}

/// What the text being read belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Field(usize),
    Process(ProcessField),
    Module(ModuleField),
    FrameAddress,
    FramePath,
    FrameLocation,
}

/// The events of an XML export, in blocks.
pub(crate) struct XmlBlocks {
    reader: Reader<BufReader<Guard>>,
    buffer: Vec<u8>,
    inside: Inside,
    wanted: Wanted,
    tags: OpenTags,
    /// How many elements are around an event.
    around: Option<usize>,
    /// The root element has begun.
    rooted: bool,
    text: String,
    process: XmlProcess,
    module: XmlModule,
    row: [Field; FIELDS],
    event: XmlEvent,
    frame: (u64, String, String),
    /// Whole stacks are wanted.
    pub(crate) keep_stacks: bool,
    /// Fields of events in the order in which they first stood.
    pub(crate) order: Vec<usize>,
    /// The frames so far are all kernel code.
    in_kernel: bool,
    /// Addresses from here on are the kernel's.
    kernel_from: u64,
    wide: bool,
    line: u64,
    block: XmlBlock,
    /// Element names seen inside events.
    names: FxHashMap<String, Option<usize>>,
    /// Paths of the modules of all processes.
    pub(crate) module_paths: PathTable,
    /// The process list, complete before the first event.
    pub(crate) processes: Vec<XmlProcess>,
    ended: bool,
    /// What ended the stream early.
    pub(crate) error: Option<String>,
}

impl XmlBlocks {
    pub(crate) fn new(input: Box<dyn Read + Send>) -> Self {
        let mut reader = Reader::from_reader(BufReader::with_capacity(256 * 1024, Guard::new(input)));
        let config = reader.config_mut();
        // The depth is counted here, so that names need not be kept.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        config.expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            inside: Inside::Document,
            wanted: Wanted::Nothing,
            tags: OpenTags::default(),
            around: None,
            rooted: false,
            text: String::new(),
            process: XmlProcess::default(),
            module: XmlModule::default(),
            row: [Field::default(); FIELDS],
            event: XmlEvent::default(),
            frame: Default::default(),
            keep_stacks: false,
            order: Vec::new(),
            in_kernel: false,
            kernel_from: 0x8000_0000_0000,
            wide: false,
            module_paths: PathTable::default(),
            line: 1,
            block: XmlBlock::default(),
            names: FxHashMap::default(),
            processes: Vec::new(),
            ended: false,
            error: None,
        }
    }

    /// The next block; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<XmlBlock> {
        // A block ends between two events: the fields of an event are places in one block.
        let within = |inside| matches!(inside, Inside::Event | Inside::Stack | Inside::Frame);
        while !self.ended && (within(self.inside) || self.block.data.len() < BLOCK && self.block.events.len() < 8192) {
            self.step();
            if self.block.data.len() > 2 * LONGEST {
                self.stop("an event longer than any can be".to_owned());
            }
        }
        let block = std::mem::take(&mut self.block);
        (!block.events.is_empty() || !block.damage.is_empty()).then_some(block)
    }

    fn stop(&mut self, what: String) {
        self.error = Some(format!("line {}: {what}", self.line));
        self.ended = true;
    }

    /// Handles one piece of the document.
    fn step(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        match self.reader.read_event_into(&mut buffer) {
            Ok(event) => {
                let lines = memchr_iter(b'\n', event.as_bytes()).count() as u64;
                match event {
                    Event::Start(start) => {
                        let name: &str = start.name().0;
                        open(self, name);
                    }
                    Event::End(end) => {
                        let name: &str = end.name().0;
                        close(self, name);
                    }
                    Event::Text(text) => self.take(&text),
                    Event::CData(text) => self.take(&text),
                    Event::GeneralRef(reference) => {
                        if let Ok(Some(c)) = reference.resolve_char_ref() {
                            self.take(c.encode_utf8(&mut [0; 4]));
                        } else {
                            match &*reference {
                                "amp" => self.take("&"),
                                "lt" => self.take("<"),
                                "gt" => self.take(">"),
                                "quot" => self.take("\""),
                                "apos" => self.take("'"),
                                other => {
                                    self.take(&format!("&{other};"));
                                    self.damaged();
                                }
                            }
                        }
                    }
                    Event::Eof if self.tags.depth() > 0 || self.inside != Inside::Document => {
                        self.stop("the file ends before the element procmon does".to_owned());
                    }
                    Event::Eof => self.ended = true,
                    _ => {}
                }
                self.line += lines;
            }
            Err(error) => self.stop(error.to_string()),
        }
        self.buffer = buffer;
    }

    fn take(&mut self, text: &str) {
        if self.wanted == Wanted::Nothing {
            return;
        }
        if self.text.len() + text.len() > LONGEST {
            self.stop("a value longer than any can be".to_owned());
            return;
        }
        self.text.push_str(text);
    }

    /// The field that an element of an event holds.
    fn field(&mut self, name: &str) -> Option<usize> {
        if let Some(field) = self.names.get(name) {
            return *field;
        }
        let field = field_of_element(name);
        if self.names.len() < 256 {
            self.names.insert(name.to_owned(), field);
            self.order.extend(field);
        }
        field
    }

    /// Leaves the event or the process that the reader is in.
    fn leave(&mut self) {
        self.wanted = Wanted::Nothing;
        match std::mem::replace(&mut self.inside, Inside::Document) {
            Inside::Document => {}
            Inside::Process | Inside::Module => self.end_process(),
            Inside::Event | Inside::Stack | Inside::Frame => self.end_event(),
        }
    }

    /// A tag here is damaged.
    fn damaged(&mut self) {
        if matches!(self.inside, Inside::Event | Inside::Stack | Inside::Frame) {
            self.event.broken = true;
        } else if self.block.damage.len() < MOST_DAMAGE {
            self.block.damage.push(self.line);
        }
    }

    fn end_process(&mut self) {
        let process = std::mem::take(&mut self.process);
        // Without a 64-bit process the system is a 32-bit one.
        self.wide |= process.is_64_bit == Some(true);
        self.kernel_from = if self.wide { 0x8000_0000_0000 } else { 0x8000_0000 };
        self.processes.push(process);
    }

    fn end_module(&mut self) {
        let module = std::mem::take(&mut self.module);
        let path = self.module_paths.intern(&module.path);
        self.process.images.push((path, module.loaded));
        if self.process.pid == 4 {
            self.process.modules.push(module);
        }
    }

    fn begin_event(&mut self) {
        self.row = [Field::default(); FIELDS];
        let frames = u32::try_from(self.block.frames.len()).unwrap_or(u32::MAX);
        let calls = u32::try_from(self.block.calls.len()).unwrap_or(u32::MAX);
        self.event =
            XmlEvent { line: self.line, broken: false, depth: 0, frames: (frames, frames), calls: (calls, calls) };
        self.in_kernel = true;
    }

    fn end_event(&mut self) {
        self.block.fields.extend_from_slice(&self.row);
        let behind = u32::try_from(self.block.frames.len()).unwrap_or(u32::MAX);
        self.event.frames.1 = behind;
        self.event.calls.1 = u32::try_from(self.block.calls.len()).unwrap_or(u32::MAX);
        self.block.events.push(self.event);
    }

    fn end_frame(&mut self) {
        self.event.depth = self.event.depth.saturating_add(1);
        let (address, path, location) = std::mem::take(&mut self.frame);
        if self.keep_stacks {
            let call = Call {
                address,
                kernel: address >= self.kernel_from,
                path: self.place(&path),
                location: self.place(&location),
            };
            self.block.calls.push(call);
        }
        self.in_kernel &= address >= self.kernel_from;
        if !self.in_kernel {
            return;
        }
        let place = self.place(&path);
        self.block.frames.push(place);
    }

    /// Keeps a text in the block.
    fn place(&mut self, text: &str) -> (u32, u32) {
        let start = u32::try_from(self.block.data.len()).unwrap_or_default();
        self.block.data.extend_from_slice(text.as_bytes());
        (start, u32::try_from(self.block.data.len()).unwrap_or(start))
    }

    fn store_field(&mut self, place: usize) {
        // Procmon writes a line feed as CR LF, whatever stands before it.
        if self.text.contains('\r') {
            self.text = self.text.replace("\r\n", "\n");
        }
        // Programs that lay out a document anew put blanks around its values.
        let text = if keeps_blanks(place) && !self.text.starts_with('\n') { &self.text } else { self.text.trim() };
        let start = u32::try_from(self.block.data.len());
        self.block.data.extend_from_slice(text.as_bytes());
        if let (Ok(start), Ok(end), Some(field)) =
            (start, u32::try_from(self.block.data.len()), self.row.get_mut(place))
        {
            *field = Field { start, end, escaped: false };
        }
    }
}

/// An element begins.
fn open(blocks: &mut XmlBlocks, name: &str) {
    if matches!(name, "event" | "eventlist" | "process") && blocks.inside != Inside::Document {
        // What it stands in has lost its end.
        blocks.damaged();
        blocks.leave();
    }
    if name == "procmon" && std::mem::replace(&mut blocks.rooted, true) {
        // Its processes have numbers of their own.
        blocks.stop("a second document begins".to_owned());
        return;
    }
    if name == "event" {
        let around = *blocks.around.get_or_insert(blocks.tags.depth());
        blocks.tags.truncate(around);
    }
    blocks.tags.open(name);
    if blocks.tags.depth() > DEEPEST {
        blocks.stop("elements nested deeper than any export's".to_owned());
        return;
    }
    blocks.text.clear();
    blocks.wanted = match (blocks.inside, name) {
        (Inside::Document, "process") => {
            blocks.inside = Inside::Process;
            blocks.process = XmlProcess::default();
            Wanted::Nothing
        }
        (Inside::Document, "event") => {
            blocks.inside = Inside::Event;
            blocks.begin_event();
            Wanted::Nothing
        }
        (Inside::Process, "module") => {
            blocks.inside = Inside::Module;
            blocks.module = XmlModule::default();
            Wanted::Nothing
        }
        (Inside::Event, "stack") => {
            blocks.inside = Inside::Stack;
            Wanted::Nothing
        }
        (Inside::Stack, "frame") => {
            blocks.inside = Inside::Frame;
            blocks.frame = Default::default();
            Wanted::Nothing
        }
        (Inside::Frame, "address") => Wanted::FrameAddress,
        (Inside::Frame, "path") => Wanted::FramePath,
        (Inside::Frame, "location") => Wanted::FrameLocation,
        (Inside::Event, name) => blocks.field(name).map_or(Wanted::Nothing, Wanted::Field),
        (Inside::Process, name) => process_field(name).map_or(Wanted::Nothing, Wanted::Process),
        (Inside::Module, name) => module_field(name).map_or(Wanted::Nothing, Wanted::Module),
        _ => Wanted::Nothing,
    };
}

/// An element ends.
fn close(blocks: &mut XmlBlocks, name: &str) {
    let closes = blocks.tags.close(name);
    match closes {
        Closes::Last => {}
        Closes::Nothing if name == "event" && blocks.inside == Inside::Document => {
            // Its beginning is damaged: a row all the same, so that the others keep their numbers.
            blocks.begin_event();
            blocks.event.broken = true;
            blocks.end_event();
            return;
        }
        Closes::Outer | Closes::Nothing => blocks.damaged(),
    }
    if closes == Closes::Nothing {
        if blocks.wanted == Wanted::Nothing {
            return;
        }
        blocks.tags.drop_last();
    }
    match std::mem::replace(&mut blocks.wanted, Wanted::Nothing) {
        Wanted::Field(field) => blocks.store_field(field),
        Wanted::Process(field) => blocks.process.store(field, std::mem::take(&mut blocks.text)),
        Wanted::Module(field) => blocks.module.store(field, std::mem::take(&mut blocks.text)),
        Wanted::FrameAddress => blocks.frame.0 = address(&blocks.text),
        Wanted::FramePath => blocks.frame.1 = std::mem::take(&mut blocks.text),
        Wanted::FrameLocation => blocks.frame.2 = std::mem::take(&mut blocks.text),
        Wanted::Nothing => {}
    }
    match (blocks.inside, name) {
        (Inside::Frame, "frame") => {
            blocks.inside = Inside::Stack;
            blocks.end_frame();
        }
        (Inside::Stack, "stack") => blocks.inside = Inside::Event,
        (Inside::Module, "module") => {
            blocks.inside = Inside::Process;
            blocks.end_module();
        }
        (_, "event" | "eventlist" | "process" | "processlist" | "procmon") if closes != Closes::Nothing => {
            blocks.leave()
        }
        _ => {}
    }
}
