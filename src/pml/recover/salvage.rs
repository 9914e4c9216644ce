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
    let by_head = entries(data, at, 1).map_or_else(lost, |count| read_strings(data, at, count, true));
    if by_head.1 == TableState::Intact {
        return by_head;
    }
    let by_walk = counted_by_walk(limit, 4, at, |from, count| walk_strings(data, from, count));
    better(by_head, by_walk.map_or_else(lost, |count| read_strings(data, at, count, false)))
}

/// The table of which more entries could be read.
fn better<T>(a: (T, TableState), b: (T, TableState)) -> (T, TableState) {
    let rank = |state| match state {
        TableState::Intact => (2, 0),
        TableState::Partial { lost } => (1, u64::MAX - lost),
        TableState::Lost => (0, 0),
    };
    if rank(b.1) > rank(a.1) { b } else { a }
}

/// Most bytes that the walks over one table may look at, in file sizes.
const WORK: usize = 4;

/// How many entries a table at `at` has whose count and offsets are lost: the only number for which that many entries
/// fill it to the byte where the next table begins, `end`. `width` bytes of the head belong to each entry. `walk` steps
/// over so many entries, and gives the end of the last and the bytes it looked at.
fn counted_by_walk(
    end: usize,
    width: usize,
    at: usize,
    mut walk: impl FnMut(usize, usize) -> (Option<usize>, usize),
) -> Option<usize> {
    let mut found = None;
    let mut work = end.checked_sub(at)?.saturating_mul(WORK);
    let mut count = 1;
    loop {
        let from = at.checked_add(4)?.checked_add(count * width)?;
        if from >= end {
            return found;
        }
        let (reached, looked) = walk(from, count);
        if reached == Some(end) && found.replace(count).is_some() {
            return None;
        }
        work = work.checked_sub(looked)?;
        count += 1;
    }
}

/// How many processes a table has whose count alone is lost: the first record lies behind so many numbers and offsets, as
/// the first offset says, and has the first number.
fn counted_by_arrays(data: &[u8], at: usize, end: usize) -> Option<usize> {
    let most = end.checked_sub(at)? / 8;
    (1..most).find(|count| {
        let head = 4 + 8 * count;
        u32_at(data, at + 4 + 4 * count).is_some_and(|first| first as usize == head)
            && u32_at(data, at + head) == u32_at(data, at + 4)
    })
}

/// Steps over `count` strings, the first of which must be the empty one and the only one.
fn walk_strings(data: &[u8], from: usize, count: usize) -> (Option<usize>, usize) {
    let mut at = from;
    for n in 0..count {
        let size = u32_at(data, at).map(|size| size as usize);
        let text = size.and_then(|size| data.get(at + 4..(at + 4).checked_add(size)?));
        let sound = text.filter(|text| text.is_empty() == (n == 0) && text.len().is_multiple_of(2));
        let Some(text) = sound.filter(|text| text.is_empty() || text.ends_with(&[0, 0])) else {
            return (None, at - from + 4);
        };
        at += 4 + text.len();
    }
    (Some(at), at - from)
}

/// Steps over `count` process records, whose numbers ascend.
fn walk_processes(data: &[u8], from: usize, count: usize, size: PointerSize) -> (Option<usize>, usize) {
    let mut at = from;
    let mut last = None;
    for _ in 0..count {
        let field = |offset: usize| u32_at(data, at + offset);
        // PIDs are multiples of four; the 64-bit flag is one; modules are stored inline.
        let plausible = field(4).is_some_and(|pid| pid % 4 == 0)
            && field(0x34).is_some_and(|flag| flag <= 1)
            && field(0x60).is_some_and(|inline| inline & 0xFF == 1)
            && field(0).is_some_and(|number| last.is_none_or(|last| last < number));
        let mut budget = data.len() / size.pick(MODULE_SIZE.0, MODULE_SIZE.1);
        let parsed = if plausible { tables::parse_process(data, at as u64, size, &mut budget).ok() } else { None };
        let Some((process, end)) = parsed else { return (None, at - from + 4) };
        last = Some(process.index);
        at = usize::try_from(end).unwrap_or(usize::MAX);
    }
    (Some(at), at - from)
}

/// The strings of a table with so many; where `offsets` are not to be looked at, one behind the other.
fn read_strings(data: &[u8], at: usize, count: usize, offsets: bool) -> (Strings, TableState) {
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
        let named = if offsets { sound(stored) } else { None };
        match named.or_else(|| sound(expected)) {
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
    let by_head =
        entries(data, at, 2).map_or_else(|| lost.clone(), |count| read_processes(data, at, count, size, true));
    if by_head.1 == TableState::Intact {
        return by_head;
    }
    let by_arrays = counted_by_arrays(data, at, limit)
        .map_or_else(|| lost.clone(), |count| read_processes(data, at, count, size, true));
    if by_arrays.1 == TableState::Intact {
        return by_arrays;
    }
    let by_head = better(by_head, by_arrays);
    let walk = |from, count| walk_processes(data, from, count, size);
    let by_walk = counted_by_walk(limit, 8, at, walk);
    better(by_head, by_walk.map_or(lost, |count| read_processes(data, at, count, size, false)))
}

/// The processes of a table with so many; where its `arrays` are not to be looked at, one behind the other.
fn read_processes(data: &[u8], at: usize, count: usize, size: PointerSize, arrays: bool) -> (Vec<Process>, TableState) {
    let lost = (Vec::new(), TableState::Lost);
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
        let number = if arrays { u32_at(data, at + 4 + 4 * n) } else { None };
        let stored = u32_at(data, at + 4 + 4 * (count + n)).unwrap_or_default() as usize;
        // Either the record's number or its place may be the damaged one; both wrong is no record.
        let named = if arrays { read(stored, number) } else { None };
        let found = named.or_else(|| read(expected, number));
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
