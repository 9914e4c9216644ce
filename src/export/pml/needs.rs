//! What the tables of an extract must hold, gathered while its events are written.

use super::tables::{self, Place, TableWriter};
use super::{ExtractError, Tables, Written};
use crate::capture::modules::StackResolver;
use crate::capture::{Capture, Segment};
use crate::pml::detail::network::Network;
use crate::pml::detail::process::Create;
use crate::pml::write::PmlWriter;
use crate::pml::{Event, EventClass, Process};
use crate::redact::Redaction;
use rustc_hash::{FxHashMap, FxHashSet};
use std::io::{Seek, Write};

/// PID of the process that lists the kernel's modules.
const SYSTEM_PID: u32 = 4;

pub(super) struct Needs<'c> {
    capture: &'c Capture,
    tables: Tables,
    resolvers: Vec<StackResolver<'c>>,
    /// Processes by the driver's number.
    processes: FxHashSet<u32>,
    /// Modules of user processes that stacks show, by the address of their record.
    modules: FxHashSet<usize>,
    addresses: FxHashSet<[u8; 16]>,
    ports: FxHashSet<(bool, u16)>,
    kernel_frames: bool,
}

impl<'c> Needs<'c> {
    pub(super) fn new(capture: &'c Capture, tables: Tables) -> Self {
        Self {
            capture,
            tables,
            resolvers: capture.segments().iter().map(|segment| StackResolver::new(segment.pml().container())).collect(),
            processes: FxHashSet::default(),
            modules: FxHashSet::default(),
            addresses: FxHashSet::default(),
            ports: FxHashSet::default(),
            kernel_frames: false,
        }
    }

    /// Notes what one event needs.
    pub(super) fn see(&mut self, segment: &Segment, event: Event<'_>, stack: &[u64]) {
        let index = event.process_index();
        self.processes.insert(index);
        let number = self.capture.segments().iter().position(|other| std::ptr::eq(other, segment)).unwrap_or_default();
        let Some(resolver) = self.resolvers.get(number) else { return };
        for address in stack {
            if resolver.is_kernel(*address) {
                self.kernel_frames = true;
            } else if self.tables == Tables::Needed
                && let Some(module) = resolver.resolve(index, *address, event.time()).module
            {
                self.modules.insert(std::ptr::from_ref(module).addr());
            }
        }
        let Ok(detail) = event.detail() else { return };
        match (event.class(), event.operation()) {
            // The process it tells of is part of what the event says.
            (EventClass::PROCESS, 0 | 1) => {
                if let Some(create) = Create::parse(detail)
                    && self.find(create.process_index).is_some()
                {
                    self.processes.insert(create.process_index);
                }
            }
            (EventClass::NETWORK, _) => {
                if let Some(network) = Network::parse(detail) {
                    let tcp = network.is_tcp();
                    for end in [network.source, network.destination] {
                        self.addresses.insert(*end.address);
                        self.ports.insert((tcp, end.port));
                    }
                }
            }
            _ => {}
        }
    }

    fn find(&self, index: u32) -> Option<(&'c Segment, &'c Process)> {
        let capture: &'c Capture = self.capture;
        capture.segments().iter().find_map(|segment| Some((segment, segment.pml().process(index)?)))
    }

    fn wants_process(&self, process: &Process) -> bool {
        self.tables == Tables::All || process.pid == SYSTEM_PID || self.processes.contains(&process.index)
    }

    /// Adds strings, processes, hosts, ports and icons to `pml`.
    pub(super) fn write_tables<W: Write + Seek>(
        mut self,
        pml: &mut PmlWriter<W>,
        redaction: Option<&Redaction>,
        written: &mut Written,
    ) -> Result<(), ExtractError> {
        let mut writer = TableWriter::new(pml, redaction);
        let segments = self.capture.segments();
        let whole = self.tables == Tables::All && segments.len() == 1;

        // A process may stand in several segments: its modules are those of all, its end the last known.
        let mut merged: FxHashMap<u32, (Process, usize)> = FxHashMap::default();
        let mut order = Vec::new();
        let mut modules: FxHashMap<u32, Vec<Place<'c>>> = FxHashMap::default();
        for (number, segment) in segments.iter().enumerate() {
            let container = segment.pml().container();
            for process in container.processes.iter().filter(|process| self.wants_process(process)) {
                let image = segment.pml().string(process.image_path);
                let listed = modules.entry(process.index).or_default();
                for module in &process.modules {
                    let wanted = self.tables == Tables::All
                        || process.pid == SYSTEM_PID
                        || self.modules.contains(&std::ptr::from_ref(module).addr())
                        || segment.pml().string(module.path).eq_ignore_ascii_case(&image);
                    let place = Place { segment, module };
                    if wanted && (segments.len() == 1 || !listed.iter().any(|known| known.is_same(&place))) {
                        listed.push(place);
                    }
                }
                match merged.get_mut(&process.index) {
                    Some((known, _)) => known.ended = known.ended.or(process.ended),
                    None => {
                        let mut process = process.clone();
                        process.modules.clear();
                        order.push(process.index);
                        merged.insert(process.index, (process, number));
                    }
                }
            }
        }

        if whole && let Some(segment) = segments.first() {
            writer.carry_strings(segment)?;
        } else {
            for (number, segment) in segments.iter().enumerate() {
                let of_processes =
                    merged.values().filter(|(_, place)| *place == number).flat_map(|(process, _)| process.texts());
                let of_modules = modules
                    .values()
                    .flatten()
                    .filter(|place| std::ptr::eq(place.segment, segment))
                    .flat_map(|place| tables::module_texts(place.module));
                writer.add_strings(segment, of_processes.chain(of_modules).collect())?;
            }
        }
        let used_icons = order
            .iter()
            .filter_map(|index| merged.get(index))
            .flat_map(|(process, number)| [(*number, process.icons.0), (*number, process.icons.1)]);
        writer.add_icons(segments, used_icons.collect(), whole);
        for index in order {
            let (Some((process, number)), Some(places)) = (merged.get(&index), modules.get(&index)) else { continue };
            let Some(segment) = segments.get(*number) else { continue };
            self.processes.remove(&index);
            written.processes += 1;
            written.modules += places.len() as u64;
            writer.add_process(segment, process, *number, places)?;
        }
        let has_system = merged.values().any(|(process, _)| process.pid == SYSTEM_PID && !process.modules.is_empty())
            || modules.iter().any(|(index, places)| {
                !places.is_empty() && merged.get(index).is_some_and(|(process, _)| process.pid == SYSTEM_PID)
            });

        // Events may name processes that no table has; every number must exist in the file.
        let mut unknown: Vec<u32> = self.processes.into_iter().collect();
        unknown.sort_unstable();
        written.unknown_processes = unknown.len() as u64;
        for index in &unknown {
            writer.add_unknown_process(*index);
        }
        let system_known = merged.values().any(|(process, _)| process.pid == SYSTEM_PID);
        if self.kernel_frames && !has_system && !system_known {
            let taken: FxHashSet<u32> = merged.keys().copied().chain(unknown).collect();
            if let Some(free) = (1..=u32::MAX).find(|index| !taken.contains(index)) {
                writer.add_system(free)?;
                written.system_added = true;
                written.processes += 1;
            }
        }
        let all = self.tables == Tables::All;
        let (mut addresses, mut ports) = (self.addresses, self.ports);
        for segment in segments {
            let hosts = &segment.pml().container().hosts;
            // What is added once is not added again for a later segment.
            let hosts_wanted = hosts.hosts.iter().filter(|host| all || addresses.remove(&host.address));
            writer.add_hosts(hosts_wanted);
            let ports_wanted = hosts.ports.iter().filter(|port| all || ports.remove(&(port.is_tcp, port.port)));
            writer.add_ports(ports_wanted);
        }
        written.strings = writer.string_count();
        Ok(())
    }
}
