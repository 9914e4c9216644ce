//! Looks for damage that parsing alone does not meet: tables that can be read but cannot be right.

use super::{candidate, locate, records, strings};
use crate::pml::bytes::{PointerSize, u32_at};
use crate::pml::container::{Container, Header, Pml};
use crate::pml::error::{PmlError, PmlErrorKind, Region};
use crate::pml::event::Event;
use crate::pml::layout::{EVENT_HEAD, HEADER_SIZE, MODULE_SIZE, OFFSET_ENTRY, PROCESS_SIZE};

/// Events looked at, spread over the capture, to see whether the pointer width is right.
const SAMPLES: u64 = 16;

/// Checks the tables against each other and each entry of the event-offset array for being inside the file and
/// behind its predecessor. The events themselves are not touched, unless the array is out of order.
///
/// # Errors
/// The first contradiction. It is damage: a [`rescue`](super::rescue) may help.
pub fn check(data: &[u8], container: &Container) -> Result<(), PmlError> {
    check_strings(data, container)?;
    check_processes(data, container)?;
    check_count(&container.header)?;
    let pml = Pml::new(data, container);
    let header = &container.header;
    check_width(pml)?;
    let mut next = HEADER_SIZE as u64;
    let mut budget = data.len();
    let count = pml.event_count();
    if all_in_order(pml) {
        return Ok(());
    }
    // An array that ends too early yields offsets that cannot be.
    let entries = pml.event_offsets(0, count).iter().chain(std::iter::repeat(0));
    for (number, entry) in (0..count).zip(entries) {
        // Procmon's arrays ascend; those of old versions do not, but then every entry out of order must hold up, and
        // together such events may be no larger than the file: else many entries could share one large event.
        let held = entry >= next
            || !header.array_ascends() && {
                let found = usize::try_from(entry).ok().and_then(|at| candidate::candidate(data, at, header.pointer));
                let left = found.and_then(|event| budget.checked_sub(event.size()));
                budget = left.unwrap_or(budget);
                left.is_some()
            };
        let end = entry.saturating_add(EVENT_HEAD as u64);
        if !held || end > data.len() as u64 {
            let at = header.event_offsets.saturating_add(u64::from(number) * OFFSET_ENTRY as u64);
            let kind = PmlErrorKind::Invalid { field: "event offset", value: entry };
            return Err(PmlError::new(at, Region::EventOffsets, kind));
        }
        next = end;
    }
    Ok(())
}

/// Entries that are looked at by two threads; fewer are done before another would have started.
const MANY: u32 = 1 << 18;

/// Whether every entry lies behind its predecessor and the last inside the file, as in nearly every capture.
fn all_in_order(pml: Pml<'_>) -> bool {
    let count = pml.event_count();
    let middle = if count < MANY { count } else { count / 2 };
    let behind = |entry: Option<u64>| entry.map_or(0, |entry| entry.saturating_add(EVENT_HEAD as u64));
    let between = pml.event_offsets(middle.saturating_sub(1), middle).iter().next();
    let (first, second) = if middle == count {
        (in_order(pml, 0..count, HEADER_SIZE as u64), true)
    } else {
        rayon::join(|| in_order(pml, 0..middle, HEADER_SIZE as u64), || in_order(pml, middle..count, behind(between)))
    };
    let last = pml.event_offsets(count.saturating_sub(1), count).iter().next();
    first && second && behind(last) <= pml.data().len() as u64
}

/// Whether these entries are there and lie one behind the other, the first not before `next`.
fn in_order(pml: Pml<'_>, events: std::ops::Range<u32>, mut next: u64) -> bool {
    let (mut entries, mut ordered) = (0, true);
    for entry in pml.event_offsets(events.start, events.end).iter() {
        ordered &= entry >= next;
        next = entry + EVENT_HEAD as u64;
        entries += 1;
    }
    ordered && entries == events.len()
}

/// Checks that every entry of the event-offset array leads to something that looks like an event.
///
/// # Errors
/// The first that does not. It is damage: a [`rescue`](super::rescue) finds the others without the array.
pub fn verify(data: &[u8], container: &Container) -> Result<(), PmlError> {
    let pml = Pml::new(data, container);
    for number in 0..pml.event_count() {
        let at = pml.event_offset(number).unwrap_or_default();
        let found = usize::try_from(at).ok().and_then(|at| candidate::candidate(data, at, container.header.pointer));
        if found.is_none() {
            let kind = PmlErrorKind::Invalid { field: "event record", value: at };
            return Err(PmlError::new(at, Region::Event(number), kind));
        }
    }
    Ok(())
}

/// Whether an event's record looks like one to [`verify`]. Where it does not, damage has reached it, and other programs
/// could not read it.
pub fn is_event(event: Event<'_>) -> bool {
    candidate::candidate(event.bytes(), 0, event.pointer()).is_some()
}

/// With the wrong pointer width events with a stack make no sense, though all tables may be readable.
fn check_width(pml: Pml<'_>) -> Result<(), PmlError> {
    let header = &pml.container().header;
    let other = if header.pointer == PointerSize::Eight { PointerSize::Four } else { PointerSize::Eight };
    let makes_sense =
        |at: u64, pointer| usize::try_from(at).is_ok_and(|at| candidate::candidate(pml.data(), at, pointer).is_some());
    let (mut here, mut there) = (0, 0);
    for sample in 1..=SAMPLES {
        let number = u64::from(pml.event_count()) * sample / (SAMPLES + 1);
        let Some(at) = pml.event_offset(u32::try_from(number).unwrap_or(u32::MAX)) else { continue };
        match (makes_sense(at, header.pointer), makes_sense(at, other)) {
            (true, false) => here += 1,
            (false, true) => there += 1,
            _ => {}
        }
    }
    if there > 2 && here == 0 {
        let value = u64::from(header.pointer == PointerSize::Eight);
        return Err(PmlError::new(8, Region::Header, PmlErrorKind::Invalid { field: "64-bit flag", value }));
    }
    Ok(())
}

/// The array ends where the process table begins, in captures of every version: with too small a count, events would be
/// left out without a word.
fn check_count(header: &Header) -> Result<(), PmlError> {
    let end = u64::from(header.events).saturating_add(1).saturating_mul(OFFSET_ENTRY as u64);
    if header.event_offsets.saturating_add(end) <= header.process_table {
        let kind = PmlErrorKind::Invalid { field: "event count", value: header.events.into() };
        return Err(PmlError::new(0x234, Region::Header, kind));
    }
    Ok(())
}

/// Strings lie one behind the other, each whole: what a wiped or misplaced sector leaves breaks that.
fn check_strings(data: &[u8], container: &Container) -> Result<(), PmlError> {
    let mut expected = container.header.string_table.saturating_add(4 + 4 * container.strings.len() as u64);
    for (n, (from, size)) in container.strings.ranges().enumerate() {
        let fail = |kind| Err(PmlError::new(from, Region::StringTable, kind));
        let at = usize::try_from(from).unwrap_or(usize::MAX);
        let text = data.get(at..).and_then(|text| text.get(..size as usize)).unwrap_or_default();
        if from != expected.saturating_add(4) {
            return fail(PmlErrorKind::Invalid { field: "string offset", value: from });
        }
        if (n > 0 || size > 0) && !strings::is_whole(text, container.header.version) {
            return fail(PmlErrorKind::Invalid { field: "string size", value: size.into() });
        }
        expected = from.saturating_add(size.into());
    }
    // Icons follow the strings directly, and hosts the icons.
    let header = &container.header;
    let icons_end = if expected == header.icon_table { locate::end_of_icons(data, expected) } else { None };
    if icons_end != Some(header.host_table) {
        let kind = PmlErrorKind::Invalid { field: "table offset", value: header.icon_table };
        return Err(PmlError::new(0x260, Region::Header, kind));
    }
    Ok(())
}

fn check_processes(data: &[u8], container: &Container) -> Result<(), PmlError> {
    let header = &container.header;
    let fail = |kind| Err(PmlError::new(header.process_table, Region::ProcessTable, kind));
    if container.processes.is_empty() && header.events != 0 {
        return fail(PmlErrorKind::Invalid { field: "process count", value: 0 });
    }
    if container.by_index.len() != container.processes.len() {
        let mut seen = rustc_hash::FxHashSet::default();
        let twice = container.processes.iter().find(|process| !seen.insert(process.index));
        let value = twice.map_or(0, |process| process.index.into());
        return fail(PmlErrorKind::Invalid { field: "repeated process index", value });
    }
    // Records lie one behind the other: one whose modules were wiped, count and all, does not reach the next.
    let (head, module) =
        (header.pointer.pick(PROCESS_SIZE.0, PROCESS_SIZE.1), header.pointer.pick(MODULE_SIZE.0, MODULE_SIZE.1));
    let count = container.processes.len() as u64;
    let mut expected = 4 + 8 * count;
    for (process, n) in container.processes.iter().zip(0..) {
        let place = usize::try_from(header.process_table + 4 + 4 * (count + n)).ok();
        let offset = place.and_then(|place| u32_at(data, place)).unwrap_or_default();
        if u64::from(offset) != expected {
            return fail(PmlErrorKind::Invalid { field: "process offset", value: offset.into() });
        }
        expected += (head + module * process.modules.len()) as u64;
    }
    if header.process_table.saturating_add(expected) != header.string_table && count > 0 {
        return fail(PmlErrorKind::Invalid { field: "size of the process table", value: expected });
    }
    for process in &container.processes {
        if let Some(text) = process.texts().into_iter().find(|text| container.strings.get(data, *text).is_none()) {
            return fail(PmlErrorKind::NoSuchIndex { index: text.0 });
        }
        let mut below = 0;
        for module in &process.modules {
            if !records::is_module(module, below, container.strings.len()) {
                return fail(PmlErrorKind::Invalid { field: "module base", value: module.base });
            }
            below = module.base;
        }
    }
    Ok(())
}
