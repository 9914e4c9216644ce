//! Everything but events: the machine, variables, modules, processes, stacks, names.

use std::net::IpAddr;

use indexmap::IndexMap;

use crate::nt::FileTime;
use crate::pml::write::Header;
use crate::pml::write::details::{Endpoint, sid_bytes};

use super::args::{Args, SECOND, moment, number, number32};
use super::error::{Place, ScenarioError, ScenarioErrorKind};
use super::lex::{Variables, Word, verbatim, words};
use super::names::well_known_sid;
use super::{EventDecl, Include, ModuleDecl, ProcessDecl, Scenario};

/// Includes inside includes end here.
const MAX_INCLUDES: usize = 8;

/// The state while reading a scenario.
pub(super) struct Parser<'a> {
    include: Include<'a>,
    include_depth: usize,
    pub(super) variables: Variables,
    pub(super) header: Header,
    header_used: bool,
    pub(super) start: Option<u64>,
    /// Modules by lower-case file name.
    pub(super) images: IndexMap<String, ModuleDecl>,
    pub(super) stacks: IndexMap<String, String>,
    /// System first.
    pub(super) processes: Vec<ProcessDecl>,
    current: Option<usize>,
    pub(super) hosts: Vec<([u8; 16], String)>,
    pub(super) ports: Vec<(u16, bool, String)>,
    pub(super) events: Vec<EventDecl>,
    pub(super) last_time: u64,
    next_user_base: u64,
    next_kernel_base: u64,
}

impl<'a> Parser<'a> {
    pub(super) fn new(include: Include<'a>) -> Self {
        Self {
            include,
            include_depth: 0,
            variables: Variables::new(),
            header: Header::new(true, "DESKTOP-1", r"C:\Windows"),
            header_used: false,
            start: None,
            images: IndexMap::new(),
            stacks: IndexMap::new(),
            processes: Vec::new(),
            current: None,
            hosts: Vec::new(),
            ports: Vec::new(),
            events: Vec::new(),
            last_time: 0,
            next_user_base: 0,
            next_kernel_base: 0,
        }
    }

    /// Reads the lines of the scenario or of an included file.
    pub(super) fn text(&mut self, text: &str, file: Option<&str>) -> Result<(), ScenarioError> {
        for (number, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
            let place = Place { file: file.map(str::to_owned), line: number + 1, column: 1 };
            self.line(line.trim_end_matches('\r'), &place)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str, place: &Place) -> Result<(), ScenarioError> {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return Ok(());
        }
        let indented = trimmed.len() != line.len();
        let mut at = place.clone();
        at.column += line.chars().count() - trimmed.chars().count();
        if indented {
            let current = self.current.ok_or_else(|| at.fault(ScenarioErrorKind::Indented))?;
            if let Some(rest) = trimmed.strip_prefix("command ") {
                let text = verbatim(rest.trim(), &at, &self.variables)?;
                return self.with_process(current, |process| process.command_line = text);
            }
            let mut all = words(line, place, &self.variables)?;
            let head = all.remove(0);
            return self.process_line(current, &head, Args::new(head.place.clone(), all));
        }
        self.current = None;
        if trimmed.starts_with('+') {
            return self.event_line(line, place);
        }
        let mut all = words(line, place, &self.variables)?;
        let head = all.remove(0);
        self.directive(&head, Args::new(head.place.clone(), all))
    }

    fn directive(&mut self, head: &Word, mut args: Args) -> Result<(), ScenarioError> {
        match head.text.as_str() {
            "bits" => {
                let word = args.need("32 or 64")?;
                let is_64_bit = match word.text.as_str() {
                    "64" => true,
                    "32" => false,
                    _ => return Err(word.bad("32 or 64")),
                };
                if self.header_used {
                    return Err(head.fault(ScenarioErrorKind::TooLate));
                }
                self.header.is_64_bit = is_64_bit;
                self.header.max_user_address = if is_64_bit { 0x7FFF_FFFE_FFFF } else { 0x7FFE_FFFF };
            }
            "computer" => {
                let word = args.need("name")?;
                self.header.computer = Header::new(true, &word.text, "").computer;
            }
            "system-root" => {
                let word = args.need("path")?;
                self.header.system_root = Header::new(true, "", &word.text).system_root;
            }
            "os" => self.os(&mut args)?,
            "hardware" => {
                self.header.logical_processors = args.number32("processors", self.header.logical_processors)?;
                self.header.physical_memory = args.number("memory", self.header.physical_memory)?;
            }
            "start" => {
                let word = args.need("time")?;
                let time = FileTime::parse_rfc3339(&word.text)
                    .ok_or_else(|| word.bad("a time such as 2022-10-08T05:50:40Z"))?;
                if self.header_used {
                    return Err(head.fault(ScenarioErrorKind::TooLate));
                }
                self.start = Some(time.0);
                self.last_time = time.0;
            }
            "let" => {
                let name = args.need("name")?;
                let equals = args.need("=")?;
                if equals.text != "=" {
                    return Err(equals.bad("="));
                }
                let value = args.need("value")?;
                self.variables.insert(name.text, value.text);
            }
            "inflight" => self.inflight(&mut args)?,
            "include" => return self.included(&args.need("file")?),
            "image" => {
                let module = self.module(&mut args, false)?;
                self.images.insert(module.name().to_ascii_lowercase(), module);
            }
            "kernel" => {
                self.use_header();
                let module = self.module(&mut args, true)?;
                self.with_process(0, |system| system.modules.push(module))?;
            }
            "stack" => {
                let name = args.need("name")?;
                let equals = args.need("=")?;
                if equals.text != "=" {
                    return Err(equals.bad("="));
                }
                let frames: Vec<String> = args.rest().into_iter().map(|word| word.text).collect();
                self.stacks.insert(name.text, frames.join(" "));
            }
            "host" => {
                let word = args.need("address")?;
                let address: IpAddr = word.text.parse().map_err(|_| word.bad("an IP address"))?;
                let name = args.need("name")?.text;
                self.hosts.push((Endpoint { address, port: 0 }.bytes(), name));
            }
            "port" => {
                let word = args.need("number")?;
                let port = u16::try_from(number(&word)?).map_err(|_| word.bad("a port"))?;
                let protocol = args.need("tcp or udp")?;
                let is_tcp = match protocol.text.as_str() {
                    "tcp" => true,
                    "udp" => false,
                    _ => return Err(protocol.bad("tcp or udp")),
                };
                self.ports.push((port, is_tcp, args.need("name")?.text));
            }
            "process" => self.process(&mut args)?,
            other => return Err(head.fault(ScenarioErrorKind::UnknownDirective(other.to_owned()))),
        }
        args.finish()
    }

    fn os(&mut self, args: &mut Args) -> Result<(), ScenarioError> {
        let word = args.need("version")?;
        let numbers: Vec<u32> = word.text.split('.').filter_map(|part| part.parse().ok()).collect();
        let [major, minor, build] = numbers.as_slice() else { return Err(word.bad("a version such as 10.0.17763")) };
        (self.header.os_major, self.header.os_minor, self.header.os_build) = (*major, *minor, *build);
        if let Some(word) = args.take("service-pack") {
            let number = word.text.rsplit(' ').next().and_then(|number| number.parse().ok());
            self.header.service_pack_version = (number.ok_or_else(|| word.bad("a text such as Service Pack 1"))?, 0);
            let mut field = [0; 0x80];
            field.iter_mut().take(0x7F).zip(word.text.encode_utf16()).for_each(|(place, unit)| *place = unit);
            self.header.service_pack = field;
        }
        Ok(())
    }

    /// The 32 hex digits of a servicing id: time, counter, process and thread, in memory order.
    fn inflight(&mut self, args: &mut Args) -> Result<(), ScenarioError> {
        let name = args.need("name")?;
        let start = self.start_or_fault(&args.head)?;
        let at = args.take_needed("at")?;
        let time = moment(&at, start)?;
        let counter = number32(&args.take_needed("counter")?)?;
        let pid = number32(&args.take_needed("pid")?)? & 0xFFFF;
        let tid = number32(&args.take_needed("tid")?)? & 0xFFFF;
        let mut bytes = time.to_le_bytes().to_vec();
        bytes.extend_from_slice(&counter.to_le_bytes());
        bytes.extend_from_slice(&(pid | tid << 16).to_le_bytes());
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.variables.insert(name.text, id);
        Ok(())
    }

    fn included(&mut self, word: &Word) -> Result<(), ScenarioError> {
        let fault = |reason: String| word.fault(ScenarioErrorKind::Include { name: word.text.clone(), reason });
        if self.include_depth >= MAX_INCLUDES {
            return Err(fault("includes nest too deeply".to_owned()));
        }
        let text = (self.include)(&word.text).map_err(fault)?;
        self.include_depth += 1;
        self.text(&text, Some(&word.text))?;
        self.include_depth -= 1;
        self.current = None;
        Ok(())
    }

    /// A module: path and `base= size= company= version= description= timestamp=`.
    fn module(&mut self, args: &mut Args, kernel: bool) -> Result<ModuleDecl, ScenarioError> {
        let path = args.need("path")?.text;
        let size = args.number32("size", 0x8_0000)?;
        let base = match args.take("base") {
            Some(word) => number(&word)?,
            None => self.free_base(size, kernel),
        };
        Ok(ModuleDecl {
            path,
            base,
            size,
            company: args.text("company"),
            version: args.text("version"),
            description: args.text("description"),
            timestamp: args.number32("timestamp", 0x5B7A_0000)?,
            loaded: None,
        })
    }

    /// The next free address of the modules that give no base.
    pub(super) fn free_base(&mut self, size: u32, kernel: bool) -> u64 {
        let first = match (kernel, self.header.is_64_bit) {
            (true, true) => 0xFFFF_F806_4000_0000,
            (true, false) => 0x8A00_0000,
            (false, true) => 0x7FFA_1000_0000,
            (false, false) => 0x6100_0000,
        };
        let next = if kernel { &mut self.next_kernel_base } else { &mut self.next_user_base };
        let base = (*next).max(first);
        *next = (base + u64::from(size)).next_multiple_of(0x1_0000);
        base
    }

    /// From here on `bits` and `start` stand fixed, and System exists.
    pub(super) fn use_header(&mut self) {
        self.header_used = true;
        if self.processes.is_empty() {
            self.processes.push(ProcessDecl {
                label: "System/4".to_owned(),
                index: 2,
                pid: 4,
                name: "System".to_owned(),
                image: "System".to_owned(),
                user: r"NT AUTHORITY\SYSTEM".to_owned(),
                user_sid: sid_bytes("S-1-5-18").unwrap_or_default(),
                integrity: "System".to_owned(),
                integrity_sid: sid_bytes("S-1-16-16384").unwrap_or_default(),
                luid: 0x3E7,
                is_64_bit: self.header.is_64_bit,
                ..ProcessDecl::default()
            });
        }
    }

    pub(super) fn start_or_fault(&self, place: &Place) -> Result<u64, ScenarioError> {
        self.start.ok_or_else(|| place.fault(ScenarioErrorKind::NoStart))
    }

    fn with_process(&mut self, at: usize, change: impl FnOnce(&mut ProcessDecl)) -> Result<(), ScenarioError> {
        if let Some(process) = self.processes.get_mut(at) {
            change(process);
        }
        Ok(())
    }

    /// `process PID NAME [as LABEL] [index=N]`
    fn process(&mut self, args: &mut Args) -> Result<(), ScenarioError> {
        self.use_header();
        let pid_word = args.need("pid")?;
        let pid = number32(&pid_word)?;
        let name = args.need("name")?;
        let label = match args.next() {
            Some(word) if word.text == "as" => args.need("label")?.text,
            Some(word) => return Err(word.bad("as LABEL")),
            None => format!("{}/{pid}", name.text),
        };
        if pid == 4 {
            self.current = Some(0);
            return Ok(());
        }
        if self.processes.iter().any(|process| process.label.eq_ignore_ascii_case(&label)) {
            return Err(pid_word.fault(ScenarioErrorKind::Duplicate(label)));
        }
        let number = self.processes.len() as u32;
        // The driver counts every process ever started, so the numbers of the survivors are sparse.
        let index = args.number32("index", 24 + number * 9)?;
        if self.processes.iter().any(|process| process.index == index) {
            return Err(pid_word.fault(ScenarioErrorKind::Duplicate(index.to_string())));
        }
        self.processes.push(ProcessDecl {
            label,
            index,
            pid,
            image: name.text.clone(),
            command_line: name.text.clone(),
            name: name.text,
            user: r"NT AUTHORITY\SYSTEM".to_owned(),
            user_sid: sid_bytes("S-1-5-18").unwrap_or_default(),
            integrity: "System".to_owned(),
            integrity_sid: sid_bytes("S-1-16-16384").unwrap_or_default(),
            luid: 0x3E7,
            is_64_bit: self.header.is_64_bit,
            ..ProcessDecl::default()
        });
        self.current = Some(self.processes.len() - 1);
        Ok(())
    }

    /// An indented line below a process.
    fn process_line(&mut self, at: usize, head: &Word, mut args: Args) -> Result<(), ScenarioError> {
        match head.text.as_str() {
            "image" => self.process_image(at, &mut args)?,
            "company" => {
                let word = args.need("company")?;
                self.with_process(at, |process| process.company = word.text)?;
            }
            "description" => {
                let word = args.need("description")?;
                self.with_process(at, |process| process.description = word.text)?;
            }
            "version" => {
                let word = args.need("version")?;
                self.with_process(at, |process| process.version = word.text)?;
            }
            "user" | "integrity" => {
                let name = args.need("account")?;
                let sid = args
                    .take("sid")
                    .unwrap_or_else(|| Word { text: well_known_sid(&name.text).to_owned(), ..name.clone() });
                let sid = sid_bytes(&sid.text).ok_or_else(|| sid.bad("a SID such as S-1-5-18"))?;
                let is_user = head.text == "user";
                self.with_process(at, |process| match is_user {
                    true => (process.user, process.user_sid) = (name.text, sid),
                    false => (process.integrity, process.integrity_sid) = (name.text, sid),
                })?;
            }
            "session" => {
                let session = number32(&args.need("number")?)?;
                self.with_process(at, |process| process.session = session)?;
            }
            "luid" => {
                let luid = number(&args.need("number")?)?;
                self.with_process(at, |process| process.luid = luid)?;
            }
            "bits" => {
                let word = args.need("32 or 64")?;
                let is_64_bit = match word.text.as_str() {
                    "64" if self.header.is_64_bit => true,
                    "32" => false,
                    _ => return Err(word.bad("32, or 64 in a 64-bit capture")),
                };
                self.with_process(at, |process| process.is_64_bit = is_64_bit)?;
            }
            "virtualized" => {
                let value = number32(&args.need("0 or 1")?)?;
                self.with_process(at, |process| process.virtualized = value)?;
            }
            "parent" => {
                let word = args.need("process")?;
                let (pid, index) = self.parent(&word)?;
                let index = args.number32("index", index)?;
                self.with_process(at, |process| (process.parent_pid, process.parent_index) = (pid, index))?;
            }
            "started" | "ended" => {
                let start = self.start_or_fault(&head.place)?;
                let time = moment(&args.need("time")?, start)?;
                let is_start = head.text == "started";
                self.with_process(at, |process| match is_start {
                    true => process.started = Some(time),
                    false => process.ended = Some(time),
                })?;
            }
            "modules" => {
                for word in args.rest() {
                    let known = self.images.get(&word.text.to_ascii_lowercase()).cloned();
                    let module =
                        known.ok_or_else(|| word.fault(ScenarioErrorKind::UnknownModule(word.text.clone())))?;
                    self.with_process(at, |process| process.modules.push(module))?;
                }
            }
            "module" => {
                let module = self.module(&mut args, false)?;
                self.with_process(at, |process| process.modules.push(module))?;
            }
            "default-stack" => {
                let frames: Vec<String> = args.rest().into_iter().map(|word| word.text).collect();
                self.with_process(at, |process| process.default_stack = Some(frames.join(" ")))?;
            }
            other => return Err(head.fault(ScenarioErrorKind::UnknownDirective(other.to_owned()))),
        }
        args.finish()
    }

    /// The process's own file, which is also its first module.
    fn process_image(&mut self, at: usize, args: &mut Args) -> Result<(), ScenarioError> {
        let path = args.need("path")?.text;
        let wide = self.processes.get(at).is_some_and(|process| process.is_64_bit);
        let base = args.number("base", if wide { 0x7FF6_1000_0000 + (at as u64) * 0x100_0000 } else { 0x40_0000 })?;
        let size = args.number32("size", 0x8_0000)?;
        let timestamp = args.number32("timestamp", 0x5B7A_0000)?;
        self.with_process(at, |process| {
            process.command_line = path.clone();
            process.image.clone_from(&path);
            process.modules.push(ModuleDecl { path, base, size, timestamp, ..ModuleDecl::default() });
        })
    }

    /// Process id and index of a parent, which need not be in the capture.
    fn parent(&self, word: &Word) -> Result<(u32, u32), ScenarioError> {
        if let Ok(pid) = number32(word) {
            let known = self.processes.iter().rev().find(|process| process.pid == pid);
            return Ok((pid, known.map_or(0, |process| process.index)));
        }
        let at = self.find_process(word, &word.text)?;
        Ok(self.processes.get(at).map_or((0, 0), |process| (process.pid, process.index)))
    }

    /// The process called `name`: a label, `name/pid`, or a name that only one has.
    pub(super) fn find_process(&self, word: &Word, name: &str) -> Result<usize, ScenarioError> {
        if let Some(at) = self.processes.iter().position(|process| process.label.eq_ignore_ascii_case(name)) {
            return Ok(at);
        }
        let mut named =
            self.processes.iter().enumerate().filter(|(_, process)| process.name.eq_ignore_ascii_case(name));
        match (named.next(), named.next()) {
            (Some((at, _)), None) => Ok(at),
            (Some(_), Some(_)) => Err(word.fault(ScenarioErrorKind::AmbiguousProcess(name.to_owned()))),
            _ => Err(word.fault(ScenarioErrorKind::UnknownProcess(name.to_owned()))),
        }
    }

    pub(super) fn finish(mut self) -> Result<Scenario, ScenarioError> {
        let place = Place { file: None, line: 1, column: 1 };
        let start = self.start_or_fault(&place)?;
        self.use_header();
        for (number, process) in self.processes.iter_mut().enumerate() {
            // Older processes began within the hour before the capture, a few seconds after one another.
            let before = start.saturating_sub(3600 * SECOND).saturating_add(number as u64 * 41_537_119);
            process.started.get_or_insert(before);
        }
        self.events.sort_by_key(|event| event.time);
        Ok(Scenario {
            header: self.header,
            start,
            processes: self.processes,
            hosts: self.hosts,
            ports: self.ports,
            events: self.events,
        })
    }
}
