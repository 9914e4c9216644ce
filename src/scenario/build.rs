//! From a parsed scenario to the writer.

use std::io::{Seek, Write};

use crate::pml::write::{Module, PmlWriter, Process, RawEvent, WriteError};

use super::{EventDecl, ModuleDecl, Part, ProcessDecl, Scenario};

/// Class of network events, which count their sequence numbers apart …
const NETWORK_CLASS: u32 = 5;
/// … from here.
const NETWORK_SEQUENCE: u32 = 0x2000_0000;
/// Procmon reads the modules of running processes just before the first event: 41 ms here.
const ENUMERATED_BEFORE: u64 = 410_000;

/// Writes tables and events of file `part` of `scenario`.
pub(super) fn build<W: Write + Seek>(
    scenario: &Scenario,
    part: usize,
    pml: &mut PmlWriter<W>,
) -> Result<(), WriteError> {
    for process in &scenario.processes {
        let process = self::process(scenario, process, pml)?;
        pml.add_process(process);
    }
    for (address, name) in &scenario.hosts {
        pml.add_host(*address, name);
    }
    for (port, is_tcp, name) in &scenario.ports {
        pml.add_port(*port, *is_tcp, name);
    }
    for (event, sequence) in events_of(scenario, part) {
        let Some(body) = &event.body else { continue };
        pml.event(&RawEvent {
            process_index: scenario.processes.get(event.process).map_or(0, |process| process.index),
            tid: event.tid,
            class: body.class,
            operation: body.operation,
            sequence,
            duration: event.duration,
            time: event.time,
            result: event.result,
            stack: &event.stack,
            detail: &body.detail,
            extra: body.extra.as_deref(),
        })?;
    }
    Ok(())
}

/// The events of one file of the capture with their sequence numbers, which go on through all files.
fn events_of(scenario: &Scenario, wanted: usize) -> Vec<(&EventDecl, u32)> {
    let (mut sequence, mut network_sequence) = (1_u32, NETWORK_SEQUENCE);
    let mut number = 0;
    let mut here: Vec<(&EventDecl, u32)> = Vec::new();
    let mut lost = false;
    for event in &scenario.events {
        if let Some(part) = event.part {
            if number == wanted {
                break;
            }
            number += 1;
            // Of the file before stay the events that this one repeats.
            let repeats = match part {
                Part::After(repeats) if !lost => repeats as usize,
                _ => 0,
            };
            here.drain(..here.len().saturating_sub(repeats));
            lost = part == Part::Lost;
        }
        let Some(body) = &event.body else {
            sequence = sequence.saturating_add(event.gap);
            continue;
        };
        let counter = if body.class == NETWORK_CLASS { &mut network_sequence } else { &mut sequence };
        here.push((event, *counter));
        *counter = counter.saturating_add(1);
    }
    if number == wanted { here } else { Vec::new() }
}

fn process<W: Write + Seek>(
    scenario: &Scenario,
    declared: &ProcessDecl,
    pml: &mut PmlWriter<W>,
) -> Result<Process, WriteError> {
    let start = declared.started.unwrap_or(scenario.start);
    let enumerated = start.max(scenario.start.saturating_sub(ENUMERATED_BEFORE));
    let mut modules = Vec::with_capacity(declared.modules.len());
    for module in &declared.modules {
        let mut module = module.clone();
        if module.path == declared.image && module.company.is_empty() {
            module.company.clone_from(&declared.company);
            module.version.clone_from(&declared.version);
            module.description.clone_from(&declared.description);
        }
        modules.push(self::module(&module, enumerated, pml)?);
    }
    modules.sort_by_key(|module| (module.base, module.load_time));
    Ok(Process {
        index: declared.index,
        pid: declared.pid,
        parent_pid: declared.parent_pid,
        parent_index: declared.parent_index,
        luid: declared.luid,
        session: declared.session,
        start,
        end: declared.ended.unwrap_or(0),
        virtualized: declared.virtualized,
        is_64_bit: declared.is_64_bit.into(),
        integrity: pml.add_string(&declared.integrity)?,
        user: pml.add_string(&declared.user)?,
        name: pml.add_string(&declared.name)?,
        image_path: pml.add_string(&declared.image)?,
        command_line: pml.add_string(&declared.command_line)?,
        company: pml.add_string(&declared.company)?,
        version: pml.add_string(&declared.version)?,
        description: pml.add_string(&declared.description)?,
        modules,
        ..Process::default()
    })
}

fn module<W: Write + Seek>(
    declared: &ModuleDecl,
    enumerated: u64,
    pml: &mut PmlWriter<W>,
) -> Result<Module, WriteError> {
    Ok(Module {
        load_time: declared.loaded.unwrap_or(enumerated),
        base: declared.base,
        size: declared.size,
        path: pml.add_string(&declared.path)?,
        version: pml.add_string(&declared.version)?,
        company: pml.add_string(&declared.company)?,
        description: pml.add_string(&declared.description)?,
        pe_timestamp: declared.timestamp,
        pe_size: declared.size,
        ..Module::default()
    })
}
