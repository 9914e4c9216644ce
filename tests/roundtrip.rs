//! What the reader reads, the writer writes again: byte for byte wherever the format fixes the bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

mod places;

use places::{captures_in, corpus, samples};
use pmlblame::pml::write::{Header, Module, PmlWriter, Process, RawEvent};
use pmlblame::pml::{Container, Pml, PointerSize, StringIndex, Wide};

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(data[at..at + 4].try_into().unwrap())
}

fn units(wide: Wide<'_>) -> Vec<u16> {
    let units: Vec<u16> = wide.0.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    units.strip_suffix(&[0]).map(<[u16]>::to_vec).unwrap_or(units)
}

fn units_at<const N: usize>(data: &[u8], at: usize) -> [u16; N] {
    std::array::from_fn(|n| u16::from_le_bytes([data[at + 2 * n], data[at + 2 * n + 1]]))
}

/// The header as stored.
fn header(data: &[u8], container: &Container) -> Header {
    let known = &container.header;
    let is_64_bit = known.pointer == PointerSize::Eight;
    let mut header = Header::new(is_64_bit, "", "");
    header.version = known.version;
    header.computer = units_at(data, 0x0C);
    header.system_root = units_at(data, 0x2C);
    header.max_user_address = known.maximum_user_address;
    (header.os_major, header.os_minor, header.os_build) = known.os;
    header.service_pack = units_at(data, 0x284);
    header.service_pack_version = (u32_at(data, 0x384) as u16, (u32_at(data, 0x384) >> 16) as u16);
    header.suite_mask = u32_at(data, 0x388) as u16;
    (header.product_type, header.os_reserved) = (data[0x38A], data[0x38B]);
    header.logical_processors = known.processors;
    header.physical_memory = known.memory;
    header
}

/// Reads a capture and writes it again.
fn rewritten(data: &[u8]) -> Vec<u8> {
    let container = Container::parse(data).expect("a readable capture");
    let pml = Pml::new(data, &container);
    let mut out = PmlWriter::new(Cursor::new(Vec::new()), header(data, &container)).unwrap();
    for index in 1..container.strings.len() as u32 {
        out.push_wide(&units(container.strings.get(data, StringIndex(index)).unwrap())).unwrap();
    }
    for known in &container.processes {
        let modules = known.modules.iter().map(|module| Module {
            load_time: module.loaded.0,
            base: module.base,
            size: module.size,
            path: module.path.0,
            version: module.version.0,
            company: module.company.0,
            description: module.description.0,
            pe_timestamp: module.timestamp,
            pe_size: module.pe_size,
            ..Module::default()
        });
        out.add_process(Process {
            index: known.index,
            pid: known.pid,
            parent_pid: known.parent_pid,
            parent_index: known.parent_index,
            luid: known.authentication_id,
            session: known.session,
            start: known.started.0,
            end: known.ended.map_or(0, |time| time.0),
            virtualized: known.virtualized,
            is_64_bit: known.is_64_bit.into(),
            integrity: known.integrity.0,
            user: known.user.0,
            name: known.name.0,
            image_path: known.image_path.0,
            command_line: known.command_line.0,
            company: known.company.0,
            version: known.version.0,
            description: known.description.0,
            icon_small: known.icons.0,
            icon_large: known.icons.1,
            modules: modules.collect(),
            ..Process::default()
        });
    }
    let icons = container.header.icon_table as usize;
    for number in 1..u32_at(data, icons) as usize {
        let at = icons + u32_at(data, icons + 4 + number * 4) as usize;
        let size = u32_at(data, at + 4) as usize;
        out.add_icon(u32_at(data, at), data[at + 8..at + 8 + size].to_vec());
    }
    for host in &container.hosts.hosts {
        out.add_host(host.address, &host.name);
    }
    for port in &container.hosts.ports {
        out.add_port(port.port, port.is_tcp, &port.name);
    }
    for number in 0..pml.event_count() {
        let event = pml.event(number).unwrap();
        let stack: Vec<u64> = event.stack().unwrap().iter().collect();
        let at = pml.event_offset(number).unwrap() as usize;
        out.event(&RawEvent {
            process_index: event.process_index(),
            tid: event.thread_id(),
            class: event.class().0,
            operation: event.operation(),
            sequence: event.sequence(),
            // While pending this is garbage that the view does not show.
            duration: u64::from_le_bytes(data[at + 0x14..at + 0x1C].try_into().unwrap()),
            time: event.time().0,
            result: event.status().0,
            stack: &stack,
            detail: event.detail().unwrap(),
            extra: event.extra().unwrap(),
        })
        .unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// The places whose bytes Procmon leaves uninitialised, as start and length.
fn unfixed(data: &[u8]) -> BTreeMap<usize, usize> {
    let container = Container::parse(data).unwrap();
    let pml = Pml::new(data, &container);
    let mut places = BTreeMap::new();
    for number in 0..pml.event_count() {
        let at = pml.event_offset(number).unwrap() as usize;
        places.insert(at + 0x0E, 2);
        places.insert(at + 0x2A, 2);
    }
    let wide = container.header.pointer == PointerSize::Eight;
    let table = container.header.process_table as usize;
    let count = container.processes.len();
    for (number, process) in container.processes.iter().enumerate() {
        let at = table + u32_at(data, table + 4 + 4 * (count + number)) as usize;
        places.insert(at + 0x1C, 4);
        places.insert(at + 0x61, if wide { 7 } else { 3 });
        for module in 0..process.modules.len() {
            if wide {
                places.insert(at + 0x6C + module * 0x40 + 4, 4);
            }
        }
    }
    places
}

fn assert_same(name: &Path, data: &[u8], again: &[u8]) {
    assert_eq!(data.len(), again.len(), "{}", name.display());
    let places = unfixed(data);
    let free = |at: usize| places.range(..=at).next_back().is_some_and(|(start, length)| at < start + length);
    let wrong: Vec<usize> = (0..data.len()).filter(|at| data[*at] != again[*at] && !free(*at)).take(8).collect();
    assert!(wrong.is_empty(), "{}: bytes differ at {wrong:x?}", name.display());
}

#[test]
fn samples_survive_a_round_trip_unchanged() {
    let samples = captures_in(&samples());
    assert!(samples.len() >= 40);
    for path in samples {
        let data = fs::read(&path).unwrap();
        // Our own captures have no uninitialised byte, so nothing may differ at all.
        assert!(rewritten(&data) == data, "{}", path.display());
    }
}

#[test]
fn real_captures_survive_a_round_trip_in_every_fixed_byte() {
    let Some(corpus) = corpus() else { return };
    // The writer knows version 9 only.
    for path in captures_in(&corpus).iter().filter(|path| !path.to_string_lossy().contains("v7")) {
        let data = fs::read(path).unwrap();
        let again = rewritten(&data);
        assert_same(path, &data, &again);
        assert!(rewritten(&again) == again, "{}: writing is not stable", path.display());
    }
}
