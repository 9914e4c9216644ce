//! Damage as it happens to files, and what a rescue makes of it, compared with the undamaged capture.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use pmlblame::pml::recover::{self, RescueReport, TableState, UNKNOWN_PID};
use pmlblame::pml::{Container, Event, Pml, Process, StringIndex};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Places in the header: event count, array, processes, strings, icons, hosts.
pub const FIELDS: [(&str, usize, usize); 6] = [
    ("count", 0x234, 4),
    ("array", 0x248, 8),
    ("processes", 0x250, 8),
    ("strings", 0x258, 8),
    ("icons", 0x260, 8),
    ("hosts", 0x3A0, 8),
];

fn place(data: &[u8], field: usize) -> usize {
    u64::from_le_bytes(data[field..field + 8].try_into().unwrap()) as usize
}

fn u32_in(data: &[u8], at: usize) -> usize {
    u32::from_le_bytes(data[at..at + 4].try_into().unwrap()) as usize
}

/// Every kind of damage, by name.
pub fn damages(good: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    each_damage(good, &mut |damaged| all.push(damaged));
    all
}

/// Gives every kind of damage to `all`, one after another.
pub fn each_damage(good: &[u8], all: &mut dyn FnMut((String, Vec<u8>))) {
    let size = good.len();
    let [array, processes, strings, icons] = [0x248, 0x250, 0x258, 0x260].map(|field| place(good, field));
    for tenths in 1..10 {
        all((format!("cut at {tenths}0 %"), good[..size * tenths / 10].to_vec()));
    }
    for n in 0..20 {
        let at = (0x3A8 + (size - 0x3A8) * n / 20).next_multiple_of(4096);
        if at + 4096 <= size {
            let mut data = good.to_vec();
            data[at..at + 4096].fill(0);
            all((format!("page {n} zeroed"), data));
        }
    }
    for (name, at, width) in FIELDS {
        for (how, byte) in [("zeroed", 0), ("garbled", 0x5A), ("flipped", 1)] {
            let mut data = good.to_vec();
            let field = &mut data[at..at + width];
            if how == "flipped" {
                field[0] ^= byte;
            } else {
                field.fill(byte);
            }
            all((format!("header {name} {how}"), data));
        }
    }
    let mut data = good.to_vec();
    data[0x234..0x238].fill(0);
    data[0x248..0x268].fill(0);
    data[0x3A0..0x3A8].fill(0);
    all(("header places zeroed".into(), data));
    let count = [u32_in(good, processes), u32_in(good, strings)];
    let heads = [("processes", processes, 4 + 8 * count[0]), ("strings", strings, 4 + 4 * count[1])];
    for (name, at, head) in heads {
        for (how, byte) in [("zeroed", 0), ("garbled", 0x5A)] {
            let wipe = |ranges: &[(usize, usize)]| {
                let mut data = good.to_vec();
                ranges.iter().for_each(|(from, size)| data[*from..from + size].fill(byte));
                data
            };
            let record = at + u32_in(good, at + head - 4 * (u32_in(good, at) / 2 + 1));
            all((format!("{name}: count {how}"), wipe(&[(at, 4)])));
            all((format!("{name}: arrays {how}"), wipe(&[(at + 4, head - 4)])));
            all((format!("{name}: head {how}"), wipe(&[(at, head)])));
            all((format!("{name}: a record {how}"), wipe(&[(record, 24)])));
            all((format!("{name}: head and a record {how}"), wipe(&[(at, head), (record, 24)])));
            let all_of = if name == "processes" { strings - at } else { icons - at };
            all((format!("{name}: all {how}"), wipe(&[(at, all_of)])));
        }
    }
    for (how, byte) in [("zeroed", 0), ("garbled", 0x5A)] {
        let mut data = good.to_vec();
        data[array..processes].fill(byte);
        all((format!("array {how}"), data));
    }
    let cases = [("events", 0x3A8 + (array - 0x3A8) / 2), ("processes", processes + (strings - processes) / 2)];
    for (where_, at) in cases.into_iter().chain([("strings", strings + (icons - strings) / 2), ("icons", icons + 20)]) {
        let mut data = good.to_vec();
        data.drain(at..(at + 37).min(size));
        all((format!("37 bytes deleted in {where_}"), data));
        let mut data = good.to_vec();
        data.splice(at..at, [0x41; 41]);
        all((format!("41 bytes inserted in {where_}"), data));
    }
    for (name, a, b) in [("events", 0x3A8, array), ("tables", processes, icons)] {
        let mut data = good.to_vec();
        let (first, second) = ((a + (b - a) / 4).next_multiple_of(512), (a + (b - a) * 3 / 4).next_multiple_of(512));
        if first + 512 <= second && second + 512 <= size {
            let kept = data[first..first + 512].to_vec();
            data.copy_within(second..second + 512, first);
            data[second..second + 512].copy_from_slice(&kept);
            all((format!("two sectors swapped in {name}"), data));
        }
    }
    all(("rubbish behind".into(), [good, &[0xA5; 5000]].concat()));
    all(("twice".into(), [good, good].concat()));
    all(("37 bytes deleted, then cut".into(), {
        let mut data = good.to_vec();
        data.drain(array / 2..array / 2 + 37);
        data.truncate(icons);
        data
    }));
    all(("rubbish before".into(), [&[0xA5; 37], good].concat()));
}

/// What is left of a damaged capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// It could not be opened at all.
    pub refused: bool,
    /// Events that are as they were.
    pub events: usize,
    /// Events that are not.
    pub changed_events: usize,
    pub strings: usize,
    pub changed_strings: Vec<String>,
    pub processes: usize,
    pub changed_processes: Vec<String>,
    /// Damage was met.
    pub met: bool,
    pub report: Option<RescueReport>,
}

pub fn rescue(data: &[u8]) -> Result<(Container, Option<RescueReport>), pmlblame::pml::PmlError> {
    let checked = Container::parse(data)
        .and_then(|container| recover::check(data, &container).map(|()| container))
        .and_then(|container| recover::verify(data, &container).map(|()| container));
    match checked {
        Ok(container) => Ok((container, None)),
        Err(cause) => recover::rescue(data, cause).map(|(container, report)| (container, Some(report))),
    }
}

fn print(event: Event<'_>, data: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let at = event.offset() as usize;
    data[at..at + 0x30].hash(&mut hasher);
    data[at + 0x34..at + event.record_length() as usize].hash(&mut hasher);
    event.extra().ok().flatten().hash(&mut hasher);
    hasher.finish()
}

/// What a process says of itself, resolved.
fn portrait(pml: Pml<'_>, process: &Process) -> Vec<(String, String)> {
    let text = |index: StringIndex| pml.string(index);
    let mut parts = vec![("pid".to_owned(), process.pid.to_string())];
    let names = ["integrity", "user", "name", "image", "command line", "company", "version", "description"];
    parts.extend(names.into_iter().zip(process.texts()).map(|(name, index)| (name.to_owned(), text(index))));
    for module in &process.modules {
        let of = [module.path, module.version, module.company, module.description];
        let [path, version, company, description] = of.map(text);
        parts.push((format!("module {:x}", module.base), path));
        parts.push((format!("module {:x} version", module.base), version));
        parts.push((format!("module {:x} company", module.base), company));
        parts.push((format!("module {:x} description", module.base), description));
    }
    parts
}

pub struct Truth {
    events: HashMap<u64, usize>,
    strings: Vec<String>,
    processes: HashMap<u32, Vec<(String, String)>>,
    pub count: usize,
}

impl Truth {
    pub fn of(good: &[u8]) -> Self {
        let container = Container::parse(good).unwrap();
        let pml = Pml::new(good, &container);
        let mut events = HashMap::new();
        for n in 0..pml.event_count() {
            *events.entry(print(pml.event(n).unwrap(), good)).or_insert(0) += 1;
        }
        // The capture of 2013 holds a record that its array does not list; a walk finds it.
        let mut killed = good[..container.header.event_offsets as usize].to_vec();
        killed[0x248..0x268].fill(0);
        let (walked, _) = rescue(&killed).unwrap();
        let unlisted = Pml::new(&killed, &walked);
        for n in 0..unlisted.event_count() {
            events.entry(print(unlisted.event(n).unwrap(), good)).or_insert(1);
        }
        let strings = (0..container.strings.len()).map(|n| pml.string(StringIndex(n as u32))).collect();
        let processes = container.processes.iter().map(|process| (process.index, portrait(pml, process))).collect();
        Self { events, strings, processes, count: pml.event_count() as usize }
    }

    pub fn strings(&self) -> usize {
        self.strings.len()
    }

    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Compares what is left in `data`.
    pub fn compare(&self, data: &[u8]) -> Outcome {
        let Ok((container, report)) = rescue(data) else { return Outcome { refused: true, ..Outcome::default() } };
        let pml = Pml::new(data, &container);
        let mut outcome = Outcome { met: report.is_some(), ..Outcome::default() };
        let mut events = self.events.clone();
        for n in 0..pml.event_count() {
            let known = pml.event(n).ok().and_then(|event| events.get_mut(&print(event, data)));
            match known.filter(|left| **left > 0) {
                Some(left) => {
                    *left -= 1;
                    outcome.events += 1;
                }
                None => outcome.changed_events += 1,
            }
        }
        let lost = report.as_ref().is_some_and(|report| report.strings == TableState::Lost);
        if !lost {
            for (n, truth) in self.strings.iter().enumerate().take(container.strings.len()) {
                let found = pml.string(StringIndex(n as u32));
                match found {
                    found if found == *truth => outcome.strings += 1,
                    found if found.is_empty() => {}
                    found => outcome.changed_strings.push(format!("{truth:.40?} → {found:.40?}")),
                }
            }
        }
        for process in &container.processes {
            let Some(truth) = self.processes.get(&process.index) else {
                if process.pid != UNKNOWN_PID {
                    outcome.changed_processes.push(format!("{} is new: {}", process.index, pml.string(process.name)));
                }
                continue;
            };
            let found = portrait(pml, process);
            if found == *truth {
                outcome.processes += 1;
                continue;
            }
            // Rebuilt from events an account is its SID, which is no other one.
            let unknown = |name: &str, value: &str| {
                value.is_empty() || value.starts_with("S-1-") || name == "pid" && value == UNKNOWN_PID.to_string()
            };
            let wrong = found.iter().find(|(name, value)| {
                !unknown(name, value)
                    && !truth.iter().any(|(other, true_one)| other == name && true_one.eq_ignore_ascii_case(value))
            });
            if let Some((name, value)) = wrong {
                let true_one: Vec<_> =
                    truth.iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect();
                outcome.changed_processes.push(format!("{} {name} {value:?} was {true_one:?}", process.index));
            }
        }
        outcome.report = report;
        outcome
    }
}
