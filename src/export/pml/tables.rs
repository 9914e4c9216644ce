//! From the reader's tables to the writer's.

use super::ExtractError;
use crate::capture::Segment;
use crate::nt::FileTime;
use crate::pml::bytes::PointerSize;
use crate::pml::icons::icons;
use crate::pml::recover::UNKNOWN_PID;
use crate::pml::write::{self, PmlWriter};
use crate::pml::{Header, Host, Module, Port, Process, StringIndex};
use crate::redact::Redaction;
use rustc_hash::{FxHashMap, FxHashSet};
use std::io::{Seek, Write};

/// Offsets within `OSVERSIONINFOEXW`.
mod os_info {
    pub(super) const PLATFORM: usize = 0x10;
    pub(super) const SERVICE_PACK_MAJOR: usize = 0x114;
    pub(super) const SERVICE_PACK_MINOR: usize = 0x116;
    pub(super) const SUITE_MASK: usize = 0x118;
    pub(super) const PRODUCT_TYPE: usize = 0x11A;
    pub(super) const RESERVED: usize = 0x11B;
}

/// The writer's header for what the reader's says.
pub(super) fn header(header: &Header) -> write::Header {
    let info = header.os_info.as_slice();
    let u16_at = |at| crate::pml::bytes::u16_at(info, at).unwrap_or_default();
    let u8_at = |at| crate::pml::bytes::u8_at(info, at).unwrap_or_default();
    let mut out = write::Header::new(header.pointer == PointerSize::Eight, &header.computer, &header.system_root);
    out.version = header.version;
    out.max_user_address = header.maximum_user_address;
    (out.os_major, out.os_minor, out.os_build) = header.os;
    out.os_platform = crate::pml::bytes::u32_at(info, os_info::PLATFORM).unwrap_or_default();
    out.service_pack = [0; 0x80];
    for (to, unit) in out.service_pack.iter_mut().take(0x7F).zip(header.service_pack.encode_utf16()) {
        *to = unit;
    }
    out.service_pack_version = (u16_at(os_info::SERVICE_PACK_MAJOR), u16_at(os_info::SERVICE_PACK_MINOR));
    out.suite_mask = u16_at(os_info::SUITE_MASK);
    out.product_type = u8_at(os_info::PRODUCT_TYPE);
    out.os_reserved = u8_at(os_info::RESERVED);
    out.logical_processors = header.processors;
    out.physical_memory = header.memory;
    out
}

/// A module and the segment whose strings it uses.
#[derive(Clone, Copy)]
pub(super) struct Place<'c> {
    pub(super) segment: &'c Segment,
    pub(super) module: &'c Module,
}

impl Place<'_> {
    /// The same module listed by two segments.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.module.base, self.module.loaded, self.module.size)
            == (other.module.base, other.module.loaded, other.module.size)
    }
}

pub(super) const fn module_texts(module: &Module) -> [StringIndex; 4] {
    [module.path, module.version, module.company, module.description]
}

/// The numbers of the strings that are versions of programs and modules, and nothing else.
pub(super) fn version_strings(processes: &[Process]) -> FxHashSet<u32> {
    let (mut versions, mut others) = (FxHashSet::default(), FxHashSet::default());
    for process in processes {
        let [integrity, user, name, image, command_line, company, version, description] = process.texts();
        versions.insert(version.0);
        others.extend([integrity, user, name, image, command_line, company, description].map(|text| text.0));
        for module in &process.modules {
            let [path, version, company, description] = module_texts(module);
            versions.insert(version.0);
            others.extend([path, company, description].map(|text| text.0));
        }
    }
    versions.retain(|index| !others.contains(index));
    versions
}

/// Puts the reader's entries into the writer, redacted, and remembers their new numbers.
pub(super) struct TableWriter<'w, 'r, W: Write + Seek> {
    pml: &'w mut PmlWriter<W>,
    redaction: Option<&'r Redaction>,
    /// Segment (by address) and string → number in the new file.
    strings: FxHashMap<(usize, u32), u32>,
    icons: FxHashMap<(usize, u32), u32>,
    distinct: FxHashSet<u32>,
}

fn key(segment: &Segment) -> usize {
    std::ptr::from_ref(segment).addr()
}

/// A string's units without its final NUL.
fn units(segment: &Segment, index: StringIndex) -> Vec<u16> {
    let text = segment.pml().container().strings.get(segment.bytes(), index).unwrap_or_default();
    let mut units: Vec<u16> = text.0.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    if units.last() == Some(&0) {
        units.pop();
    }
    units
}

impl<'w, 'r, W: Write + Seek> TableWriter<'w, 'r, W> {
    pub(super) fn new(pml: &'w mut PmlWriter<W>, redaction: Option<&'r Redaction>) -> Self {
        let (strings, icons, distinct) = Default::default();
        Self { pml, redaction, strings, icons, distinct }
    }

    /// Strings written, the empty one included.
    pub(super) fn string_count(&self) -> u64 {
        self.distinct.len() as u64 + u64::from(!self.distinct.contains(&0))
    }

    fn redacted(&self, mut units: Vec<u16>) -> Vec<u16> {
        if let Some(redaction) = self.redaction {
            redaction.units(&mut units);
        }
        units
    }

    /// One string of the table, redacted as what it is.
    fn table_string(&self, segment: &Segment, index: StringIndex, versions: &FxHashSet<u32>) -> Vec<u16> {
        let mut units = units(segment, index);
        match self.redaction {
            Some(redaction) if versions.contains(&index.0) => redaction.version(&mut units),
            Some(redaction) => redaction.units(&mut units),
            None => {}
        }
        units
    }

    /// Carries a whole string table over in its order. Strings that a rescue could not restore become the empty one: no
    /// string stands in a capture twice.
    pub(super) fn carry_strings(&mut self, segment: &Segment) -> Result<(), ExtractError> {
        let versions = self.versions(segment);
        let count = u32::try_from(segment.pml().container().strings.len()).unwrap_or(u32::MAX);
        for index in 0..count {
            let units = self.table_string(segment, StringIndex(index), &versions);
            let number = self.pml.add_wide(&units)?;
            self.strings.insert((key(segment), index), number);
            self.distinct.insert(number);
        }
        Ok(())
    }

    /// Adds strings in the order of their old numbers.
    pub(super) fn add_strings(&mut self, segment: &Segment, mut wanted: Vec<StringIndex>) -> Result<(), ExtractError> {
        wanted.sort_unstable_by_key(|index| index.0);
        wanted.dedup();
        let versions = self.versions(segment);
        for index in wanted {
            let units = self.table_string(segment, index, &versions);
            let number = self.pml.add_wide(&units)?;
            self.strings.insert((key(segment), index.0), number);
            self.distinct.insert(number);
        }
        Ok(())
    }

    fn versions(&self, segment: &Segment) -> FxHashSet<u32> {
        self.redaction.map(|_| version_strings(&segment.pml().container().processes)).unwrap_or_default()
    }

    fn string(&self, segment: &Segment, index: StringIndex) -> u32 {
        self.strings.get(&(key(segment), index.0)).copied().unwrap_or_default()
    }

    /// Adds the icons of `wanted`, (number of segment, number of icon), or all of the first segment. A redacted file
    /// gets none: an image may carry its author's name.
    pub(super) fn add_icons(&mut self, segments: &[Segment], mut wanted: Vec<(usize, u32)>, all: bool) {
        if self.redaction.is_some() {
            return;
        }
        for (number, segment) in segments.iter().enumerate() {
            let pml = segment.pml();
            let known = icons(pml.data(), pml.container().header.icon_table);
            if all {
                wanted = (1u32..).take(known.len().saturating_sub(1)).map(|icon| (number, icon)).collect();
            }
            wanted.sort_unstable();
            wanted.dedup();
            for (_, icon) in wanted.iter().filter(|(of, icon)| *of == number && *icon != 0) {
                // Damage leaves icons of other sizes, which Procmon never wrote.
                if let Some(image) = known.get(*icon as usize).filter(|image| matches!(image.dimension, 16 | 32)) {
                    let index = self.pml.add_icon(image.dimension, image.image.to_vec());
                    self.icons.insert((number, *icon), u32::try_from(index).unwrap_or_default());
                }
            }
        }
    }

    /// Adds a process of `segment`, the `number`th, with `modules`.
    pub(super) fn add_process(
        &mut self,
        segment: &Segment,
        process: &Process,
        number: usize,
        modules: &[Place<'_>],
    ) -> Result<(), ExtractError> {
        let icon = |icon: u32| self.icons.get(&(number, icon)).copied().unwrap_or_default();
        let [integrity, user, name, image_path, command_line, company, version, description] =
            process.texts().map(|text| self.string(segment, text));
        let mut modules: Vec<&Place<'_>> = modules.iter().collect();
        modules.sort_by_key(|place| place.module.base);
        let modules = modules
            .into_iter()
            .map(|place| {
                let module = place.module;
                let [path, version, company, description] =
                    module_texts(module).map(|text| self.string(place.segment, text));
                write::Module {
                    load_time: module.loaded.0,
                    base: module.base,
                    size: module.size,
                    path,
                    version,
                    company,
                    description,
                    pe_timestamp: module.timestamp,
                    pe_size: module.pe_size,
                    ..write::Module::default()
                }
            })
            .collect();
        let record = write::Process {
            index: process.index,
            pid: process.pid,
            parent_pid: process.parent_pid,
            parent_index: process.parent_index,
            luid: process.authentication_id,
            session: process.session,
            start: process.started.0,
            end: process.ended.unwrap_or(FileTime(0)).0,
            virtualized: process.virtualized,
            is_64_bit: process.is_64_bit.into(),
            integrity,
            user,
            name,
            image_path,
            command_line,
            company,
            version,
            description,
            icon_small: icon(process.icons.0),
            icon_large: icon(process.icons.1),
            modules,
            ..write::Process::default()
        };
        self.pml.add_process(record);
        Ok(())
    }

    /// A record for a process of which only the number is known.
    pub(super) fn add_unknown_process(&mut self, index: u32) {
        let process =
            write::Process { index, pid: UNKNOWN_PID, luid: 0, virtualized: u32::MAX, ..write::Process::default() };
        self.pml.add_process(process);
    }

    /// A record for System whose one module covers no address: Procmon needs both where stacks have kernel addresses.
    pub(super) fn add_system(&mut self, index: u32) -> Result<(), ExtractError> {
        let name = self.pml.add_string("System")?;
        self.distinct.insert(name);
        let process = write::Process {
            index,
            pid: 4,
            name,
            image_path: name,
            modules: vec![write::Module { path: name, ..write::Module::default() }],
            ..write::Process::default()
        };
        self.pml.add_process(process);
        Ok(())
    }

    /// Adds host names.
    pub(super) fn add_hosts<'h>(&mut self, hosts: impl Iterator<Item = &'h Host>) {
        for host in hosts {
            let name = self.redacted(host.name.encode_utf16().collect());
            let address = match self.redaction {
                Some(redaction) => redaction.stored_address(&host.address),
                None => host.address,
            };
            self.pml.add_host_wide(address, name);
        }
    }

    /// Adds port names.
    pub(super) fn add_ports<'h>(&mut self, ports: impl Iterator<Item = &'h Port>) {
        for port in ports {
            let name = self.redacted(port.name.encode_utf16().collect());
            self.pml.add_port_wide(port.port, port.is_tcp, name);
        }
    }
}
