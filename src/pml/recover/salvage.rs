//! Reads what is left of damaged tables: every string and every process record that is still sound.

use super::TableState;
use crate::pml::bytes::{PointerSize, u32_at};
use crate::pml::layout::{HEADER_SIZE, MODULE_SIZE, PROCESS_SIZE};
use crate::pml::tables::{self, Hosts, Process, Strings};

/// Number of entries of a table that begins with a count and `columns` arrays of that many u32, the last of which
/// holds the entries' offsets. A wrong count is put right by the first offset, which follows from it.
fn entries(data: &[u8], table: usize, columns: usize) -> Option<usize> {
    let count = u32_at(data, table)? as usize;
    let room = data.len().checked_sub(table)?;
    let fits = |count: usize| count > 0 && count.checked_mul(4 * columns).is_some_and(|arrays| arrays + 4 < room);
    let first_offset = |count: usize| u32_at(data, table + 4 + 4 * count * (columns - 1)).map(|first| first as usize);
    if fits(count) && first_offset(count) == Some(4 + 4 * columns * count) {
        return Some(count);
    }
    // With one array the first offset stands at a known place, whatever the count says.
    if columns == 1
        && let Some(first) = first_offset(0)
        && first % 4 == 0
    {
        let derived = first.checked_sub(4)? / 4;
        if fits(derived) && u32_at(data, table + first) == Some(0) {
            return Some(derived);
        }
    }
    fits(count).then_some(count)
}

/// Bytes a table may take: up to the next table if that lies behind it, else to the end of the file.
fn limit(data: &[u8], table: u64, next: u64) -> usize {
    let end = if next > table { next } else { u64::MAX };
    usize::try_from(end).map_or(data.len(), |end| end.min(data.len()))
}

fn start(data: &[u8], table: u64) -> Option<usize> {
    let at = usize::try_from(table).ok()?;
    (at >= HEADER_SIZE && at < data.len()).then_some(at)
}

/// The strings that can still be read; lost ones are empty. `next` is where the following table starts.
pub(super) fn strings(data: &[u8], table: u64, next: u64) -> (Strings, TableState) {
    let limit = limit(data, table, next);
    let lost = || (Strings::from_ranges(Vec::new()), TableState::Lost);
    let Some((at, data)) = start(data, table).zip(data.get(..limit)) else { return lost() };
    let Some(count) = entries(data, at, 1) else { return lost() };
    // A string is sound when its size is even, it ends in NUL, and it lies behind the offsets and before the end.
    let sound = |offset: usize| -> Option<(usize, usize)> {
        let from = at.checked_add(offset)?;
        let size = u32_at(data, from)? as usize;
        let text = data.get(from + 4..(from + 4).checked_add(size)?)?;
        let ends = text.is_empty() || size.is_multiple_of(2) && text.ends_with(&[0, 0]);
        (offset >= 4 + 4 * count && ends).then_some((from + 4, size))
    };
    let mut ranges = Vec::with_capacity(count);
    let mut missing = 0u64;
    let mut expected = 4 + 4 * count;
    for n in 0..count {
        let stored = u32_at(data, at + 4 + 4 * n).unwrap_or_default() as usize;
        match sound(stored).or_else(|| sound(expected)) {
            Some((from, size)) => {
                ranges.push((from as u64, u32::try_from(size).unwrap_or_default()));
                expected = from + size - at;
            }
            None => {
                ranges.push((0, 0));
                missing += 1;
            }
        }
    }
    let state = match missing {
        0 => TableState::Intact,
        lost if lost == count as u64 => TableState::Lost,
        lost => TableState::Partial { lost },
    };
    (Strings::from_ranges(ranges), state)
}

/// The process records that can still be read. `next` is where the following table starts.
pub(super) fn processes(data: &[u8], table: u64, next: u64, size: PointerSize) -> (Vec<Process>, TableState) {
    let limit = limit(data, table, next);
    let lost = (Vec::new(), TableState::Lost);
    let Some((at, data)) = start(data, table).zip(data.get(..limit)) else { return lost };
    let Some(count) = entries(data, at, 2) else { return lost };
    let smallest = size.pick(PROCESS_SIZE.0, PROCESS_SIZE.1);
    if count.saturating_mul(smallest) > data.len() {
        return lost;
    }
    let mut budget = data.len() / size.pick(MODULE_SIZE.0, MODULE_SIZE.1);
    let mut read = |offset: usize, number: Option<u32>| {
        let mut left = budget;
        let (process, end) = tables::parse_process(data, (at + offset) as u64, size, &mut left).ok()?;
        let sound = offset >= 4 + 8 * count && number.is_none_or(|number| number == process.index);
        sound.then(|| budget = left)?;
        Some((process, usize::try_from(end).ok()? - at))
    };
    let mut processes = Vec::with_capacity(count);
    let mut expected = 4 + 8 * count;
    let mut missing = 0;
    for n in 0..count {
        let number = u32_at(data, at + 4 + 4 * n);
        let stored = u32_at(data, at + 4 + 4 * (count + n)).unwrap_or_default() as usize;
        // Either the record's number or its place may be the damaged one; both wrong is no record.
        let found = read(stored, number).or_else(|| read(expected, number));
        match found.or_else(|| if stored == expected { read(stored, None) } else { None }) {
            Some((process, end)) => {
                processes.push(process);
                expected = end;
            }
            None => missing += 1,
        }
    }
    let mut seen = rustc_hash::FxHashSet::default();
    processes.retain(|process| seen.insert(process.index));
    let state = match missing {
        0 => TableState::Intact,
        lost if lost == count as u64 => TableState::Lost,
        lost => TableState::Partial { lost },
    };
    (processes, state)
}

/// Hosts and ports, if they can be read.
pub(super) fn hosts(data: &[u8], table: u64) -> (Hosts, TableState) {
    match start(data, table).and_then(|_| Hosts::parse(data, table).ok()) {
        Some(hosts) => (hosts, TableState::Intact),
        None => (Hosts::default(), TableState::Lost),
    }
}
