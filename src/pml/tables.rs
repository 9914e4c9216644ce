//! The tables at the end of a capture: strings, processes with their modules, hosts and ports.
//!
//! Counts are never believed further than the bytes that follow them.

use super::bytes::{PointerSize, Wide, u32_at};
use super::error::{PmlError, PmlErrorKind, Region};
use super::layout::{MODULE_SIZE, PROCESS_SIZE};
use crate::nt::FileTime;
use binrw::{BinRead, BinReaderExt, io::Cursor};
use std::net::IpAddr;

/// A number into the string table of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, BinRead)]
pub struct StringIndex(pub u32);

/// Where each string of the table lies in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// File offset and bytes of each string, its NUL included; with `OWNED` set, the offset is one into `owned`.
    ranges: Vec<(u64, u32)>,
    /// Strings that are not in the file.
    owned: Vec<u8>,
}

/// Marks a range into the strings that are not in the file.
const OWNED: u64 = 1 << 63;

impl Strings {
    /// Reads the table at `table`.
    ///
    /// # Errors
    /// When the table or one of its strings does not lie in the file.
    pub fn parse(data: &[u8], table: u64) -> Result<Self, PmlError> {
        let offsets = offset_array(data, table, Region::StringTable)?;
        let mut ranges = Vec::with_capacity(offsets.len());
        for offset in offsets {
            let at = table.saturating_add(offset.into());
            let bytes = slice(data, at, 4, Region::StringTable)?;
            let size = u32_at(bytes, 0).unwrap_or_default();
            slice(data, at.saturating_add(4), u64::from(size), Region::StringTable)?;
            ranges.push((at.saturating_add(4), size));
        }
        Ok(Self { ranges, owned: Vec::new() })
    }

    /// Joins ranges found elsewhere (a rescue).
    pub const fn from_ranges(ranges: Vec<(u64, u32)>) -> Self {
        Self { ranges, owned: Vec::new() }
    }

    /// Where in the file the last string ends.
    pub(super) fn last_end(&self) -> Option<u64> {
        let (at, size) = *self.ranges.last()?;
        (at & OWNED == 0).then(|| at.saturating_add(size.into()))
    }

    /// How many strings.
    pub const fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether string `index` has no text, not even a NUL.
    pub(super) fn is_lost(&self, index: StringIndex) -> bool {
        self.ranges.get(index.0 as usize).is_none_or(|(_, size)| *size == 0)
    }

    /// Where each string lies in the file, its NUL included; none of them is a new one.
    pub(super) fn ranges(&self) -> impl ExactSizeIterator<Item = (u64, u32)> + '_ {
        self.ranges.iter().copied()
    }

    /// Appends a string that is not in the file, and gives its number.
    pub fn push(&mut self, text: &str) -> StringIndex {
        let index = StringIndex(u32::try_from(self.ranges.len()).unwrap_or(u32::MAX));
        let at = self.owned.len();
        self.owned.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        let size = u32::try_from(self.owned.len() - at).unwrap_or(u32::MAX);
        self.ranges.push((at as u64 | OWNED, size));
        index
    }

    /// The text of string `index`, NUL included.
    pub fn get<'a>(&'a self, data: &'a [u8], index: StringIndex) -> Option<Wide<'a>> {
        let (at, size) = *self.ranges.get(index.0 as usize)?;
        let data = if at & OWNED != 0 { &self.owned } else { data };
        let start = usize::try_from(at & !OWNED).ok()?;
        data.get(start..start.checked_add(size as usize)?).map(Wide)
    }
}

/// A process record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The driver's number, which events refer to; unique in a capture.
    pub index: u32,
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub parent_pid: u32,
    /// Parent's number; often not in the table.
    pub parent_index: u32,
    /// Authentication id (LUID).
    pub authentication_id: u64,
    /// Terminal session.
    pub session: u32,
    /// Start time.
    pub started: FileTime,
    /// End time; `None` while running.
    pub ended: Option<FileTime>,
    /// 0 or 1; 0xFFFFFFFF is unknown.
    pub virtualized: u32,
    /// A 64-bit process.
    pub is_64_bit: bool,
    /// Integrity level (localised).
    pub integrity: StringIndex,
    /// Account (localised).
    pub user: StringIndex,
    /// Image name.
    pub name: StringIndex,
    /// Image path.
    pub image_path: StringIndex,
    /// Command line.
    pub command_line: StringIndex,
    /// CompanyName of the image.
    pub company: StringIndex,
    /// FileVersion of the image.
    pub version: StringIndex,
    /// FileDescription of the image.
    pub description: StringIndex,
    /// Small and large icon number.
    pub icons: (u32, u32),
    /// Loaded modules, by base address.
    pub modules: Vec<Module>,
}

impl Process {
    /// Its eight strings, in the order of the record.
    pub const fn texts(&self) -> [StringIndex; 8] {
        [
            self.integrity,
            self.user,
            self.name,
            self.image_path,
            self.command_line,
            self.company,
            self.version,
            self.description,
        ]
    }
}

/// A module record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Load time.
    pub loaded: FileTime,
    /// Base address.
    pub base: u64,
    /// Size, bytes.
    pub size: u32,
    /// Path.
    pub path: StringIndex,
    /// FileVersion.
    pub version: StringIndex,
    /// CompanyName.
    pub company: StringIndex,
    /// FileDescription.
    pub description: StringIndex,
    /// PE time stamp; 0 when the file could not be read.
    pub timestamp: u32,
    /// Size from the PE header.
    pub pe_size: u32,
}

impl Module {
    /// Whether `address` lies in the module.
    pub const fn contains(&self, address: u64) -> bool {
        address >= self.base && address - self.base < self.size as u64
    }
}

/// A pointer-sized field.
#[binrw::parser(reader, endian)]
fn pointer(size: PointerSize) -> binrw::BinResult<u64> {
    match size {
        PointerSize::Four => u32::read_options(reader, endian, ()).map(u64::from),
        PointerSize::Eight => u64::read_options(reader, endian, ()),
    }
}

#[derive(BinRead)]
#[br(little, import(size: PointerSize))]
struct RawProcess {
    index: u32,
    pid: u32,
    parent_pid: u32,
    parent_index: u32,
    authentication_id: u64,
    session: u32,
    _padding: u32,
    started: u64,
    ended: u64,
    virtualized: u32,
    is_64_bit: u32,
    integrity: StringIndex,
    user: StringIndex,
    name: StringIndex,
    image_path: StringIndex,
    command_line: StringIndex,
    company: StringIndex,
    version: StringIndex,
    description: StringIndex,
    icon_small: u32,
    icon_large: u32,
    #[br(parse_with = pointer, args(size))]
    _inline_modules: u64,
    modules: u32,
}

#[derive(BinRead)]
#[br(little, import(size: PointerSize))]
struct RawModule {
    loaded_low: u32,
    // On 64-bit captures the base is aligned to 8; the four bytes before it are uninitialised.
    #[br(pad_before = if size == PointerSize::Eight { 4 } else { 0 }, parse_with = pointer, args(size))]
    base: u64,
    size: u32,
    path: StringIndex,
    version: StringIndex,
    company: StringIndex,
    description: StringIndex,
    timestamp: u32,
    _reserved: [u8; 12],
    pe_size: u32,
    _reserved2: u32,
    loaded_high: u32,
}

/// Reads the process table at `table`.
///
/// # Errors
/// When the table, a record or its modules do not lie in the file.
pub fn parse_processes(data: &[u8], table: u64, size: PointerSize) -> Result<Vec<Process>, PmlError> {
    let region = Region::ProcessTable;
    // The array of process numbers comes first; each record repeats its own.
    let indices = offset_array(data, table, region)?;
    let offsets_at = table.saturating_add(4).saturating_add(4 * indices.len() as u64);
    let invalid =
        |at, field, value: u32| PmlError::new(at, region, PmlErrorKind::Invalid { field, value: value.into() });
    let offsets = u32_array(data, offsets_at, indices.len() as u64, region)?;
    let mut budget = data.len() / size.pick(MODULE_SIZE.0, MODULE_SIZE.1);
    // Likewise entries that all point at one record.
    slice(
        data,
        table,
        (indices.len() as u64).saturating_mul(size.pick(PROCESS_SIZE.0, PROCESS_SIZE.1) as u64),
        region,
    )?;
    let mut processes = Vec::with_capacity(offsets.len());
    for (index, offset) in indices.into_iter().zip(offsets) {
        let at = table.saturating_add(offset.into());
        let (process, _) = parse_process(data, at, size, &mut budget)?;
        if process.index != index {
            return Err(invalid(at, "process index", process.index));
        }
        processes.push(process);
    }
    Ok(processes)
}

/// Reads the process record at `at` with its modules, of which `budget` are allowed; gives it with its end.
///
/// # Errors
/// When the record or its modules do not lie in the file.
pub(super) fn parse_process(
    data: &[u8],
    at: u64,
    size: PointerSize,
    budget: &mut usize,
) -> Result<(Process, u64), PmlError> {
    let region = Region::ProcessTable;
    let fixed = size.pick(PROCESS_SIZE.0, PROCESS_SIZE.1) as u64;
    let mut cursor = Cursor::new(slice(data, at, fixed, region)?);
    let raw: RawProcess = cursor.read_le_args((size,)).map_err(|_| cut(data, at, fixed, region))?;
    let module_size = size.pick(MODULE_SIZE.0, MODULE_SIZE.1) as u64;
    let modules_at = at.saturating_add(fixed);
    let bytes = slice(data, modules_at, module_size.saturating_mul(raw.modules.into()), region)?;
    // Records that all point at one large module list would multiply it: the sum is bounded by the file.
    *budget = budget.checked_sub(raw.modules as usize).ok_or_else(|| {
        PmlError::new(at, region, PmlErrorKind::Invalid { field: "module count", value: raw.modules.into() })
    })?;
    let mut cursor = Cursor::new(bytes);
    let mut modules = Vec::with_capacity(raw.modules as usize);
    for _ in 0..raw.modules {
        let module: RawModule = cursor.read_le_args((size,)).map_err(|_| cut(data, modules_at, module_size, region))?;
        modules.push(Module {
            loaded: FileTime(u64::from(module.loaded_high) << 32 | u64::from(module.loaded_low)),
            base: module.base,
            size: module.size,
            path: module.path,
            version: module.version,
            company: module.company,
            description: module.description,
            timestamp: module.timestamp,
            pe_size: module.pe_size,
        });
    }
    let process = Process {
        index: raw.index,
        pid: raw.pid,
        parent_pid: raw.parent_pid,
        parent_index: raw.parent_index,
        authentication_id: raw.authentication_id,
        session: raw.session,
        started: FileTime(raw.started),
        ended: (raw.ended != 0).then_some(FileTime(raw.ended)),
        virtualized: raw.virtualized,
        is_64_bit: raw.is_64_bit != 0,
        integrity: raw.integrity,
        user: raw.user,
        name: raw.name,
        image_path: raw.image_path,
        command_line: raw.command_line,
        company: raw.company,
        version: raw.version,
        description: raw.description,
        icons: (raw.icon_small, raw.icon_large),
        modules,
    };
    Ok((process, modules_at.saturating_add(module_size.saturating_mul(raw.modules.into()))))
}

/// A host name of the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The 16 address bytes as stored: IPv4 in the first four.
    pub address: [u8; 16],
    /// Its name; empty when unresolved.
    pub name: String,
}

impl Host {
    /// The address, read as IPv4 or IPv6.
    pub fn ip(address: &[u8; 16], is_ipv4: bool) -> IpAddr {
        let [a, b, c, d, ..] = *address;
        if is_ipv4 { IpAddr::from([a, b, c, d]) } else { IpAddr::from(*address) }
    }
}

/// A port name of the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Port number.
    pub port: u16,
    /// TCP (else UDP).
    pub is_tcp: bool,
    /// Its name; decimal text when unnamed.
    pub name: String,
}

/// Host and port names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Hosts, by address bytes.
    pub hosts: Vec<Host>,
    /// Ports, UDP first.
    pub ports: Vec<Port>,
}

#[derive(BinRead)]
#[br(little)]
struct RawHost {
    address: [u8; 16],
    size: u32,
}

#[derive(BinRead)]
#[br(little)]
struct RawPort {
    port: u16,
    is_tcp: u16,
    size: u32,
}

impl Hosts {
    /// Reads hosts and ports at `table`.
    ///
    /// # Errors
    /// When they do not lie in the file.
    pub fn parse(data: &[u8], table: u64) -> Result<Self, PmlError> {
        let region = Region::HostTable;
        let mut at = table;
        let mut hosts = Vec::new();
        for _ in 0..take_u32(data, &mut at, region)? {
            let raw: RawHost = read(data, &mut at, 20, region)?;
            hosts.push(Host { address: raw.address, name: take_text(data, &mut at, raw.size, region)? });
        }
        let mut ports = Vec::new();
        for _ in 0..take_u32(data, &mut at, region)? {
            let raw: RawPort = read(data, &mut at, 8, region)?;
            let name = take_text(data, &mut at, raw.size, region)?;
            ports.push(Port { port: raw.port, is_tcp: raw.is_tcp != 0, name });
        }
        Ok(Self { hosts, ports })
    }
}

fn cut(data: &[u8], at: u64, needed: u64, region: Region) -> PmlError {
    let available = (data.len() as u64).saturating_sub(at);
    PmlError::new(at, region, PmlErrorKind::Truncated { needed, available })
}

fn slice(data: &[u8], at: u64, size: u64, region: Region) -> Result<&[u8], PmlError> {
    let range = usize::try_from(at).ok().zip(at.checked_add(size).and_then(|end| usize::try_from(end).ok()));
    range.and_then(|(start, end)| data.get(start..end)).ok_or_else(|| cut(data, at, size, region))
}

fn u32_array(data: &[u8], at: u64, count: u64, region: Region) -> Result<Vec<u32>, PmlError> {
    let bytes = slice(data, at, count.saturating_mul(4), region)?;
    Ok(bytes.chunks_exact(4).map(|four| u32_at(four, 0).unwrap_or_default()).collect())
}

/// A count and as many u32 values.
fn offset_array(data: &[u8], table: u64, region: Region) -> Result<Vec<u32>, PmlError> {
    let mut at = table;
    let count = take_u32(data, &mut at, region)?;
    u32_array(data, at, count.into(), region)
}

fn take_u32(data: &[u8], at: &mut u64, region: Region) -> Result<u32, PmlError> {
    let value = u32_at(slice(data, *at, 4, region)?, 0).unwrap_or_default();
    *at = at.saturating_add(4);
    Ok(value)
}

fn read<T: for<'b> BinRead<Args<'b> = ()>>(
    data: &[u8],
    at: &mut u64,
    size: u64,
    region: Region,
) -> Result<T, PmlError> {
    let value = T::read_le(&mut Cursor::new(slice(data, *at, size, region)?)).map_err(|_| cut(data, *at, size, region));
    *at = at.saturating_add(size);
    value
}

fn take_text(data: &[u8], at: &mut u64, size: u32, region: Region) -> Result<String, PmlError> {
    let text = Wide(slice(data, *at, size.into(), region)?).decode();
    *at = at.saturating_add(size.into());
    Ok(text)
}
