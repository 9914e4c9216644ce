//! Writes version 9 captures, for 32- and 64-bit machines.
//!
//! [`PmlWriter`] streams: events go straight to the output, their offsets to a spool that leaves memory after a few
//! megabytes, and only strings and processes are kept until [`PmlWriter::finish`]. The module shares no declaration
//! with the reader.
//!
//! ```
//! use std::io::Cursor;
//! use pmlblame::pml::write::{Header, PmlWriter, Process, RawEvent};
//!
//! # fn main() -> Result<(), pmlblame::pml::write::WriteError> {
//! let mut pml = PmlWriter::new(Cursor::new(Vec::new()), Header::new(true, "DESKTOP-1", r"C:\Windows"))?;
//! let name = pml.add_string("System")?;
//! pml.add_process(Process { index: 1, pid: 4, name, image_path: name, ..Process::default() });
//! pml.event(&RawEvent { process_index: 1, class: 1, operation: 4, detail: &[0; 20], ..RawEvent::default() })?;
//! let bytes = pml.finish()?.into_inner();
//! assert_eq!(&bytes[..4], b"PML_");
//! # Ok(()) }
//! ```

pub mod details;
pub mod grow;
mod records;
mod structs;
mod tables;

use std::fmt;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use binrw::BinWrite;
use rustc_hash::{FxHashMap, FxHashSet};
use tempfile::SpooledTempFile;

pub use records::{Header, Module, Process, RawEvent};
use structs::{HEADER_SIZE, HeaderRecord};

/// Largest file offset that the 5-byte entries of the offset array can hold.
const MAX_OFFSET: u64 = (1 << 40) - 1;
/// Offsets kept in memory before the spool becomes a temporary file.
const SPOOL_BYTES: usize = 8 << 20;
/// Largest extra block: its size field has 16 bits.
const MAX_EXTRA: usize = 0xFFFF;

/// Why a capture could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output, or the temporary spool of the offset array, failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A fixed structure could not be serialised.
    #[error("a table could not be written: {0}")]
    Table(#[from] binrw::Error),
    /// More events than the 32-bit count of the header can hold.
    #[error("more than 4,294,967,295 events")]
    TooManyEvents,
    /// The file passes 1 TiB, the end of the 40-bit event offsets.
    #[error("event at offset {0:#x} lies beyond the 40-bit event offsets")]
    TooFar(u64),
    /// A part is longer than its length field can say.
    #[error("{what} of {len} is longer than the format allows")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// How many items or bytes it has.
        len: usize,
    },
    /// An address above 32 bits in the capture of a 32-bit machine.
    #[error("address {0:#x} does not fit a 32-bit capture")]
    WideAddress(u64),
    /// An event names a process index that no process has.
    #[error("event refers to process index {0}, which is not in the process table")]
    MissingProcess(u32),
    /// Two processes share one index.
    #[error("process index {0} is used twice")]
    DuplicateProcess(u32),
}

/// A name of the hosts table.
struct Host {
    address: [u8; 16],
    name: Vec<u16>,
}

/// A name of the ports table.
struct Port {
    is_tcp: bool,
    port: u16,
    name: Vec<u16>,
}

/// Streams a capture to `W`. The header goes in last, so a writer dropped before [`finish`](Self::finish) leaves a
/// file without magic.
pub struct PmlWriter<W: Write + Seek> {
    out: BufWriter<W>,
    header: Header,
    position: u64,
    event_count: u32,
    offsets: BufWriter<SpooledTempFile>,
    strings: Vec<Box<[u16]>>,
    string_lookup: FxHashMap<Box<[u16]>, u32>,
    string_bytes: usize,
    processes: Vec<Process>,
    used_processes: FxHashSet<u32>,
    icons: Vec<(u32, Vec<u8>)>,
    hosts: Vec<Host>,
    ports: Vec<Port>,
    record: Vec<u8>,
}

impl<W: Write + Seek> fmt::Debug for PmlWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PmlWriter")
            .field("position", &self.position)
            .field("events", &self.event_count)
            .field("strings", &self.strings.len())
            .field("processes", &self.processes.len())
            .finish_non_exhaustive()
    }
}

impl<W: Write + Seek> PmlWriter<W> {
    /// Starts a capture at the beginning of `out`.
    pub fn new(out: W, header: Header) -> Result<Self, WriteError> {
        let mut out = BufWriter::with_capacity(1 << 18, out);
        out.seek(SeekFrom::Start(0))?;
        out.write_all(&[0; HEADER_SIZE as usize])?;
        Ok(Self {
            out,
            header,
            position: HEADER_SIZE,
            event_count: 0,
            offsets: BufWriter::with_capacity(1 << 16, SpooledTempFile::new(SPOOL_BYTES)),
            strings: vec![Box::default()],
            string_lookup: FxHashMap::from_iter([(Box::default(), 0)]),
            string_bytes: 4,
            processes: Vec::new(),
            used_processes: FxHashSet::default(),
            icons: vec![(0, Vec::new())],
            hosts: Vec::new(),
            ports: Vec::new(),
            record: Vec::with_capacity(4096),
        })
    }

    /// Whether the capture is of a 64-bit machine.
    pub fn is_64_bit(&self) -> bool {
        self.header.is_64_bit
    }

    /// Events written so far.
    pub fn event_count(&self) -> u32 {
        self.event_count
    }

    /// Where the next event will start.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The index of `text` in the string table, added when new; the empty string is always 0.
    pub fn add_string(&mut self, text: &str) -> Result<u32, WriteError> {
        let units: Vec<u16> = text.encode_utf16().collect();
        self.add_wide(&units)
    }

    /// As [`add_string`](Self::add_string) for UTF-16 without its final NUL; unpaired surrogates and inner NULs stay.
    pub fn add_wide(&mut self, units: &[u16]) -> Result<u32, WriteError> {
        match self.string_lookup.get(units) {
            Some(index) => Ok(*index),
            None => self.push_wide(units),
        }
    }

    /// Adds a string at the next index even when an equal one exists, to carry a string table over index by index.
    ///
    /// The empty string at index 0 is there from the start.
    pub fn push_wide(&mut self, units: &[u16]) -> Result<u32, WriteError> {
        let too_long = WriteError::TooLong { what: "string table", len: self.string_bytes };
        let bytes = units.len().saturating_mul(2).saturating_add(2 + 4 + 4);
        self.string_bytes = self.string_bytes.saturating_add(bytes);
        let index = u32::try_from(self.strings.len()).ok();
        let (Some(index), Ok(_)) = (index, u32::try_from(self.string_bytes)) else { return Err(too_long) };
        let units: Box<[u16]> = units.into();
        self.strings.push(units.clone());
        self.string_lookup.entry(units).or_insert(index);
        Ok(index)
    }

    /// Adds a process; [`finish`](Self::finish) orders them by index.
    pub fn add_process(&mut self, process: Process) {
        self.processes.push(process);
    }

    /// Adds an icon and gives its index; index 0 is the empty placeholder.
    pub fn add_icon(&mut self, dimension: u32, image: Vec<u8>) -> usize {
        self.icons.push((dimension, image));
        self.icons.len() - 1
    }

    /// Adds a host name; an IPv4 address stands in the first 4 bytes.
    pub fn add_host(&mut self, address: [u8; 16], name: &str) {
        self.add_host_wide(address, name.encode_utf16().collect());
    }

    /// As [`add_host`](Self::add_host), UTF-16 without NUL.
    pub fn add_host_wide(&mut self, address: [u8; 16], name: Vec<u16>) {
        self.hosts.push(Host { address, name });
    }

    /// Adds a port name.
    pub fn add_port(&mut self, port: u16, is_tcp: bool, name: &str) {
        self.add_port_wide(port, is_tcp, name.encode_utf16().collect());
    }

    /// As [`add_port`](Self::add_port), UTF-16 without NUL.
    pub fn add_port_wide(&mut self, port: u16, is_tcp: bool, name: Vec<u16>) {
        self.ports.push(Port { is_tcp, port, name });
    }

    /// Appends one event. The caller keeps times and sequence numbers ascending, as Procmon does.
    pub fn event(&mut self, event: &RawEvent<'_>) -> Result<(), WriteError> {
        if self.position > MAX_OFFSET {
            return Err(WriteError::TooFar(self.position));
        }
        let count = self.event_count.checked_add(1).ok_or(WriteError::TooManyEvents)?;
        let depth = u16::try_from(event.stack.len())
            .map_err(|_| WriteError::TooLong { what: "stack", len: event.stack.len() })?;
        let detail_len = u32::try_from(event.detail.len())
            .map_err(|_| WriteError::TooLong { what: "detail", len: event.detail.len() })?;
        let pointer = if self.header.is_64_bit { 8 } else { 4 };
        let body = 0x34 + event.stack.len() * pointer + event.detail.len();
        let extra_offset = match event.extra {
            Some(_) => u32::try_from(body).map_err(|_| WriteError::TooLong { what: "event", len: body })?,
            None => 0,
        };

        let record = &mut self.record;
        record.clear();
        record.extend_from_slice(&event.process_index.to_le_bytes());
        record.extend_from_slice(&event.tid.to_le_bytes());
        record.extend_from_slice(&event.class.to_le_bytes());
        record.extend_from_slice(&u32::from(event.operation).to_le_bytes());
        record.extend_from_slice(&event.sequence.to_le_bytes());
        record.extend_from_slice(&event.duration.to_le_bytes());
        record.extend_from_slice(&event.time.to_le_bytes());
        record.extend_from_slice(&event.result.to_le_bytes());
        record.extend_from_slice(&u32::from(depth).to_le_bytes());
        record.extend_from_slice(&detail_len.to_le_bytes());
        record.extend_from_slice(&extra_offset.to_le_bytes());
        for frame in event.stack {
            if self.header.is_64_bit {
                record.extend_from_slice(&frame.to_le_bytes());
            } else {
                let frame = u32::try_from(*frame).map_err(|_| WriteError::WideAddress(*frame))?;
                record.extend_from_slice(&frame.to_le_bytes());
            }
        }
        record.extend_from_slice(event.detail);
        if let Some(extra) = event.extra {
            let size = u16::try_from(extra.len())
                .map_err(|_| WriteError::TooLong { what: "extra detail", len: extra.len().max(MAX_EXTRA) })?;
            record.extend_from_slice(&size.to_le_bytes());
            record.extend_from_slice(extra);
        }

        self.out.write_all(&self.record)?;
        let place = self.position.to_le_bytes();
        self.offsets.write_all(place.get(..5).unwrap_or(&place))?;
        self.position += self.record.len() as u64;
        self.event_count = count;
        self.used_processes.insert(event.process_index);
        Ok(())
    }

    /// Leaves `bytes` of the output unwritten before the next event: a hole where the file system has sparse files.
    ///
    /// Procmon packs its events, so this is for tests that need large offsets cheaply.
    pub fn skip(&mut self, bytes: u64) -> Result<(), WriteError> {
        self.position = self.position.checked_add(bytes).ok_or(WriteError::TooFar(u64::MAX))?;
        self.out.seek(SeekFrom::Start(self.position))?;
        Ok(())
    }

    /// Writes the offset array and the tables, then the header, and returns the output.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.processes.sort_by_key(|process| process.index);
        self.check_processes()?;
        let padding = (4 - self.position % 4) % 4;
        self.write(&vec![0; padding as usize])?;

        let event_offsets = self.position;
        self.offsets.flush()?;
        let spool = self.offsets.get_mut();
        spool.seek(SeekFrom::Start(0))?;
        let copied = io::copy(&mut Read::take(spool, u64::from(self.event_count) * 5), &mut self.out)?;
        self.position += copied;

        let processes = self.position;
        self.write_processes()?;
        let strings = self.position;
        self.write_strings()?;
        let icons = self.position;
        self.write_icons()?;
        let hosts = self.position;
        self.write_names()?;

        let header = self.header_record([event_offsets, processes, strings, icons, hosts]);
        self.close(&header)
    }

    /// Ends as a killed Procmon does: the events are there, the header has no table offsets, and no table follows.
    pub fn abandon(mut self) -> Result<W, WriteError> {
        let header = self.header_record([0; 5]);
        self.position = 0;
        self.close(&header)
    }

    fn close(mut self, header: &HeaderRecord) -> Result<W, WriteError> {
        self.out.flush()?;
        self.out.seek(SeekFrom::Start(0))?;
        header.write(&mut self.out)?;
        let mut out = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        out.flush()?;
        Ok(out)
    }

    fn header_record(&self, offsets: [u64; 5]) -> HeaderRecord {
        let [event_offsets, processes, strings, icons, hosts] = offsets;
        let header = &self.header;
        HeaderRecord {
            version: header.version,
            is_64_bit: header.is_64_bit.into(),
            computer: header.computer,
            system_root: header.system_root,
            event_count: self.event_count,
            reserved: header.reserved,
            first_event: HEADER_SIZE,
            event_offsets,
            processes,
            strings,
            icons,
            max_user_address: header.max_user_address,
            os_info_size: 284,
            os_major: header.os_major,
            os_minor: header.os_minor,
            os_build: header.os_build,
            os_platform: header.os_platform,
            service_pack: header.service_pack,
            service_pack_major: header.service_pack_version.0,
            service_pack_minor: header.service_pack_version.1,
            suite_mask: header.suite_mask,
            product_type: header.product_type,
            os_reserved: header.os_reserved,
            logical_processors: header.logical_processors,
            physical_memory: header.physical_memory,
            header_size: HEADER_SIZE,
            hosts,
        }
    }

    fn check_processes(&self) -> Result<(), WriteError> {
        let mut known = FxHashSet::default();
        for process in &self.processes {
            if !known.insert(process.index) {
                return Err(WriteError::DuplicateProcess(process.index));
            }
            if !self.header.is_64_bit
                && let Some(module) = process.modules.iter().find(|module| module.base > u64::from(u32::MAX))
            {
                return Err(WriteError::WideAddress(module.base));
            }
        }
        match self.used_processes.difference(&known).min() {
            Some(missing) => Err(WriteError::MissingProcess(*missing)),
            None => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn write_u32(&mut self, what: &'static str, value: usize) -> Result<(), WriteError> {
        let value = u32::try_from(value).map_err(|_| WriteError::TooLong { what, len: value })?;
        self.write(&value.to_le_bytes())
    }
}
