//! The header and where everything lies in the file.

use super::bytes::{PointerSize, Wide};
use super::error::{PmlError, PmlErrorKind, Region};
use super::event::{Event, Head};
use super::layout::{HEADER_SIZE, OFFSET_ENTRY};
use super::offsets::{OffsetList, Offsets};
use super::tables::{self, Hosts, Process, StringIndex, Strings};
use binrw::{BinRead, io::Cursor};
use rustc_hash::FxHashMap;

/// The fixed header as stored. Text fields are NUL-padded UTF-16LE.
#[derive(Clone, Debug, BinRead)]
#[br(little, magic = b"PML_")]
struct RawHeader {
    version: u32,
    is_64_bit: u32,
    computer: [u8; 0x20],
    system_root: [u8; 0x208],
    events: u32,
    _reserved: u64,
    first_event: u64,
    event_offsets: u64,
    process_table: u64,
    string_table: u64,
    icon_table: u64,
    maximum_user_address: u64,
    _os_info_size: u32,
    os_major: u32,
    os_minor: u32,
    os_build: u32,
    _platform: u32,
    service_pack: [u8; 0x100],
    _service_pack_major: u16,
    _service_pack_minor: u16,
    _suite_mask: u16,
    _product_type: u8,
    _reserved2: u8,
    processors: u32,
    memory: u64,
    header_size: u64,
    host_table: u64,
}

/// What the header tells about the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Version of the format.
    pub version: u32,
    /// Pointer width of the capturing machine.
    pub pointer: PointerSize,
    /// NetBIOS name of the computer, at most 15 characters.
    pub computer: String,
    /// System root, `C:\Windows`.
    pub system_root: String,
    /// Number of events, as the header says.
    pub events: u32,
    /// Offset of the first event.
    pub first_event: u64,
    /// Offset of the event-offset array.
    pub event_offsets: u64,
    /// Offset of the process table.
    pub process_table: u64,
    /// Offset of the string table.
    pub string_table: u64,
    /// Offset of the icon table.
    pub icon_table: u64,
    /// Offset of the host table.
    pub host_table: u64,
    /// Highest user-mode address; stack frames above it are kernel code.
    pub maximum_user_address: u64,
    /// Windows major, minor and build number.
    pub os: (u32, u32, u32),
    /// Service pack text, often empty.
    pub service_pack: String,
    /// The whole `OSVERSIONINFOEXW` as stored (284 bytes).
    pub os_info: Vec<u8>,
    /// Logical processors.
    pub processors: u32,
    /// Physical memory, bytes.
    pub memory: u64,
    /// Size of the header: the offset of the first event once more.
    pub header_size: u64,
}

/// PID of the process that lists the kernel's modules.
const SYSTEM_PID: u32 = 4;

/// Versions this program reads.
pub const VERSIONS: [u32; 2] = [7, 9];

/// Whether `data` begins with what can be the header of a capture that this program reads: signature, version, pointer
/// width, and one of the two places where the first event's offset stands, which is the header's size.
pub fn looks_like_header(data: &[u8]) -> bool {
    let version = super::bytes::u32_at(data, 4).unwrap_or_default();
    let has_size = |at| super::bytes::u64_at(data, at) == Some(HEADER_SIZE as u64);
    data.starts_with(b"PML_")
        && VERSIONS.contains(&version)
        && super::bytes::u32_at(data, 8).is_some_and(|flag| flag <= 1)
        && (has_size(0x240) || has_size(0x398))
}

impl Header {
    /// Reads and checks the header; table offsets are checked only to be inside the file.
    ///
    /// # Errors
    /// Not a capture, an unknown version, cut off in the header, or offsets that are zero or outside the file.
    pub fn parse(data: &[u8]) -> Result<Self, PmlError> {
        let header = Self::parse_unchecked(data)?;
        header.check_offsets(data.len() as u64)?;
        Ok(header)
    }

    /// Reads the header of a capture that may not have been closed: offsets may be anything.
    ///
    /// # Errors
    /// Not a capture, an unknown version, or cut off in the header.
    pub fn parse_unchecked(data: &[u8]) -> Result<Self, PmlError> {
        let fail = |at, kind| PmlError::new(at, Region::Header, kind);
        if data.is_empty() {
            return Err(fail(0, PmlErrorKind::Empty));
        }
        let magic = data.first_chunk::<4>().copied();
        if magic != Some(*b"PML_") {
            let mut found = [0; 4];
            found.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
            return Err(fail(0, PmlErrorKind::NotPml { found }));
        }
        if let Some(version) = super::bytes::u32_at(data, 4)
            && !VERSIONS.contains(&version)
        {
            return Err(fail(4, PmlErrorKind::Version(version)));
        }
        let available = data.len() as u64;
        let truncated = || fail(available, PmlErrorKind::Truncated { needed: HEADER_SIZE as u64, available });
        let bytes = data.get(..HEADER_SIZE).ok_or_else(truncated)?;
        let raw = RawHeader::read(&mut Cursor::new(bytes)).map_err(|_| truncated())?;
        let pointer = match raw.is_64_bit {
            0 => PointerSize::Four,
            1 => PointerSize::Eight,
            value => return Err(fail(8, PmlErrorKind::Invalid { field: "64-bit flag", value: value.into() })),
        };
        Ok(Self {
            version: raw.version,
            pointer,
            computer: Wide(&raw.computer).decode(),
            system_root: Wide(&raw.system_root).decode(),
            events: raw.events,
            first_event: raw.first_event,
            event_offsets: raw.event_offsets,
            process_table: raw.process_table,
            string_table: raw.string_table,
            icon_table: raw.icon_table,
            host_table: raw.host_table,
            maximum_user_address: raw.maximum_user_address,
            os: (raw.os_major, raw.os_minor, raw.os_build),
            service_pack: Wide(&raw.service_pack).decode(),
            os_info: bytes.get(0x270..0x38C).unwrap_or_default().to_vec(),
            processors: raw.processors,
            memory: raw.memory,
            header_size: raw.header_size,
        })
    }

    /// Whether the event-offset array is in order, as Procmon writes it since version 9.
    pub(super) const fn array_ascends(&self) -> bool {
        self.version >= 9
    }

    fn check_offsets(&self, size: u64) -> Result<(), PmlError> {
        let fail = |at, kind| Err(PmlError::new(at, Region::Header, kind));
        let fields = [
            (0x240, self.first_event),
            (0x248, self.event_offsets),
            (0x250, self.process_table),
            (0x258, self.string_table),
            (0x260, self.icon_table),
            (0x3A0, self.host_table),
        ];
        for (at, value) in fields {
            if value == 0 {
                return fail(at, PmlErrorKind::NotClosed);
            }
            if value > size || value < HEADER_SIZE as u64 {
                return fail(at, PmlErrorKind::OutOfFile { value, size });
            }
        }
        for (at, field, value) in
            [(0x240, "offset of the first event", self.first_event), (0x398, "size of the header", self.header_size)]
        {
            if value != HEADER_SIZE as u64 {
                return fail(at, PmlErrorKind::Invalid { field, value });
            }
        }
        let array = u64::from(self.events) * OFFSET_ENTRY as u64;
        match self.event_offsets.checked_add(array) {
            Some(end) if end <= size => Ok(()),
            _ => fail(0x234, PmlErrorKind::OutOfFile { value: self.event_offsets.saturating_add(array), size }),
        }
    }
}

/// A capture file's header and tables, owned; the events stay in the file.
#[derive(Clone, Debug)]
pub struct Container {
    /// Header.
    pub header: Header,
    /// Strings, by offset and length into the file.
    pub strings: Strings,
    /// Processes in table order.
    pub processes: Vec<Process>,
    /// Process index → place in `processes`.
    pub by_index: FxHashMap<u32, u32>,
    /// Hosts and ports.
    pub hosts: Hosts,
    /// Places of the events when not those of the file's array: a rescued capture's.
    pub offsets: Option<OffsetList>,
}

impl Container {
    /// Leaves out the first `count` events, as if the file began behind them.
    pub fn skip_events(&mut self, count: u32) {
        let count = count.min(self.header.events);
        self.header.events -= count;
        self.header.event_offsets += u64::from(count) * OFFSET_ENTRY as u64;
        if let Some(offsets) = &mut self.offsets {
            offsets.skip(count);
        }
    }

    /// Reads header and tables of a whole capture file.
    ///
    /// # Errors
    /// The first damage found, with its offset.
    pub fn parse(data: &[u8]) -> Result<Self, PmlError> {
        let header = Header::parse(data)?;
        let strings = Strings::parse(data, header.string_table)?;
        let processes = tables::parse_processes(data, header.process_table, header.pointer)?;
        let hosts = Hosts::parse(data, header.host_table)?;
        check_text_budget(data, &header, &strings, &processes)?;
        Ok(Self::from_parts(header, strings, processes, hosts))
    }

    /// Joins tables read or rebuilt separately.
    pub fn from_parts(header: Header, strings: Strings, processes: Vec<Process>, hosts: Hosts) -> Self {
        let by_index = processes.iter().zip(0u32..).map(|(process, at)| (process.index, at)).collect();
        Self { header, strings, processes, by_index, hosts, offsets: None }
    }
}

/// Bytes of text that all processes may refer to together, beyond sixteen times the file.
const TEXT_ALLOWANCE: u64 = 1 << 20;

/// Refuses processes that all refer to one huge string: the text made of them would be far larger than the file.
pub(super) fn check_text_budget(
    data: &[u8],
    header: &Header,
    strings: &Strings,
    processes: &[Process],
) -> Result<(), PmlError> {
    let size = |text: StringIndex| strings.get(data, text).map_or(0, |text| text.0.len() as u64);
    let mut total = 0u64;
    for process in processes {
        total = process.texts().into_iter().fold(total, |total, text| total.saturating_add(size(text)));
        if process.pid == SYSTEM_PID {
            let modules = process
                .modules
                .iter()
                .flat_map(|module| [module.path, module.version, module.company, module.description]);
            total = modules.fold(total, |total, text| total.saturating_add(size(text)));
        }
    }
    if total > TEXT_ALLOWANCE.saturating_add(16 * data.len() as u64) {
        let kind = PmlErrorKind::Invalid { field: "text of all processes", value: total };
        return Err(PmlError::new(header.process_table, Region::ProcessTable, kind));
    }
    Ok(())
}

/// A capture file: its bytes and its parsed tables.
#[derive(Clone, Copy, Debug)]
pub struct Pml<'a> {
    data: &'a [u8],
    container: &'a Container,
}

impl<'a> Pml<'a> {
    /// Joins a file's bytes with the tables parsed from them.
    pub const fn new(data: &'a [u8], container: &'a Container) -> Self {
        Self { data, container }
    }

    /// The bytes of the file.
    pub const fn data(self) -> &'a [u8] {
        self.data
    }

    /// Header and tables.
    pub const fn container(self) -> &'a Container {
        self.container
    }

    /// Number of events.
    #[inline]
    pub const fn event_count(self) -> u32 {
        self.container.header.events
    }

    /// Offset of event `n` from the event-offset array; `None` beyond the array.
    #[inline]
    pub fn event_offset(self, n: u32) -> Option<u64> {
        if n >= self.event_count() {
            return None;
        }
        if let Some(offsets) = &self.container.offsets {
            return offsets.get(n);
        }
        let at = self.container.header.event_offsets.checked_add(u64::from(n) * OFFSET_ENTRY as u64)?;
        let at = usize::try_from(at).ok()?;
        let entry: &[u8; OFFSET_ENTRY] = self.data.get(at..)?.first_chunk()?;
        let [a, b, c, d, e] = *entry;
        Some(u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]))
    }

    /// Offsets of the events `from` to `to` (exclusive), fewer where the array ends before.
    pub(crate) fn event_offsets(self, from: u32, to: u32) -> Offsets<'a> {
        let (bytes, begin) = match &self.container.offsets {
            Some(offsets) => (offsets.as_bytes(), 0),
            None => (self.data, self.container.header.event_offsets),
        };
        let place = |n: u32| usize::try_from(begin.checked_add(u64::from(n) * OFFSET_ENTRY as u64)?).ok();
        let rest = place(from).and_then(|at| bytes.get(at..)).unwrap_or_default();
        let entries = rest.as_chunks::<OFFSET_ENTRY>().0;
        let count = to.min(self.event_count()).saturating_sub(from) as usize;
        Offsets(entries.get(..count).unwrap_or(entries))
    }

    /// Event `n` of the file.
    ///
    /// # Errors
    /// `n` beyond the array, or an offset whose record does not lie in the file.
    #[inline]
    pub fn event(self, n: u32) -> Result<Event<'a>, PmlError> {
        let Some(at) = self.event_offset(n) else {
            let kind = PmlErrorKind::Invalid { field: "event number", value: n.into() };
            return Err(PmlError::new(self.container.header.event_offsets, Region::EventOffsets, kind));
        };
        Event::new(self.data, at, n, self.container.header.pointer)
    }

    /// The heads of the events from `first` on, as many as fit. Reading several at a time lets the processor wait for
    /// their memory at the same time, which is what a walk over a large capture consists of. `None` for a record
    /// outside the file.
    #[inline]
    pub fn heads<const N: usize>(self, first: u32, heads: &mut [Option<Head>; N]) {
        for (n, head) in (first..).zip(heads) {
            let start = self.event_offset(n).and_then(|at| usize::try_from(at).ok());
            *head = start.and_then(|start| self.data.get(start..)?.first_chunk()).map(Head::read);
        }
    }

    /// String `index`; empty when the table does not have it.
    pub fn string(self, index: StringIndex) -> String {
        self.container.strings.get(self.data, index).map(Wide::decode).unwrap_or_default()
    }

    /// The process with the driver's number `index`.
    pub fn process(self, index: u32) -> Option<&'a Process> {
        let at = *self.container.by_index.get(&index)?;
        self.container.processes.get(at as usize)
    }
}
