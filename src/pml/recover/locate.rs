//! Finds tables whose places in the header are lost. They follow the events one directly behind the other, always in
//! the same order: event-offset array, processes, strings, icons, hosts.

use super::{OffsetList, array_is_sound};
use crate::pml::bytes::{PointerSize, u32_at};
use crate::pml::container::Header;
use crate::pml::layout::{HEADER_SIZE, MODULE_SIZE, OFFSET_ENTRY};
use crate::pml::tables::{Hosts, Strings, parse_process};

/// Whether a process table may begin at `at`: its arrays agree with each other and with the first record.
fn is_process_table(data: &[u8], at: u64) -> bool {
    let check = || {
        let at = usize::try_from(at).ok().filter(|at| *at >= HEADER_SIZE)?;
        let count = u32_at(data, at)? as usize;
        let head = count.checked_mul(8)?.checked_add(4)?;
        let first = u32_at(data, at.checked_add(4)?.checked_add(4 * count)?)? as usize;
        (count > 0 && first == head && u32_at(data, at + head)? == u32_at(data, at + 4)?).then_some(())
    };
    check().is_some()
}

/// Whether a string table may begin at `at`: its first string is the empty one, right behind the offsets.
pub(super) fn is_string_table(data: &[u8], at: u64) -> bool {
    let check = || {
        let at = usize::try_from(at).ok().filter(|at| *at >= HEADER_SIZE)?;
        let head = (u32_at(data, at)? as usize).checked_mul(4)?.checked_add(4)?;
        (head > 4 && u32_at(data, at + 4)? as usize == head && u32_at(data, at.checked_add(head)?)? == 0).then_some(())
    };
    check().is_some()
}

/// The end of an icon table at `at`: behind its last icon.
pub(super) fn end_of_icons(data: &[u8], at: u64) -> Option<u64> {
    let bytes = data.get(usize::try_from(at).ok().filter(|at| *at >= HEADER_SIZE)?..)?;
    let count = u32_at(bytes, 0)? as usize;
    let Some(last) = count.checked_sub(1) else { return Some(at + 4) };
    let head = count.checked_mul(4)?.checked_add(4)?;
    let from = u32_at(bytes, head.checked_sub(4)?)? as usize;
    let size = u32_at(bytes, from.checked_add(4)?)? as usize;
    let end = from.checked_add(8)?.checked_add(size)?;
    let first = if last == 0 { from } else { u32_at(bytes, 4)? as usize };
    (first == head && end <= bytes.len()).then_some(at + end as u64)
}

/// The end of a process table whose arrays can be trusted: behind its last record.
fn end_of_processes(data: &[u8], at: u64, size: PointerSize) -> Option<u64> {
    let start = usize::try_from(at).ok()?;
    let count = u32_at(data, start)? as usize;
    let last = u32_at(data, start + 4 + 4 * (count.checked_mul(2)?.checked_sub(1)?))?;
    let mut budget = data.len() / size.pick(MODULE_SIZE.0, MODULE_SIZE.1);
    parse_process(data, at.checked_add(last.into())?, size, &mut budget).ok().map(|(_, end)| end)
}

/// The end of a string table whose offsets can be trusted: behind its last string.
fn end_of_strings(data: &[u8], at: u64) -> Option<u64> {
    Strings::parse(data, at).ok()?.last_end()
}

/// How far a table is looked for from where the header says it is: transfers lose or add bytes, whole blocks at most.
const REACH: u64 = 1 << 18;

/// The place nearest to `at` that `is_table`: bytes lost or added before a table shift it, and all behind it.
fn near(data: &[u8], at: u64, is_table: impl Fn(u64) -> bool) -> Option<u64> {
    let (first, end) = (HEADER_SIZE as u64, data.len() as u64);
    // A table beyond the end was cut off.
    if !(first..=end).contains(&at) {
        return None;
    }
    // Every table begins with how many entries it has, each of which takes four bytes at least.
    let may_be = |at: u64| {
        usize::try_from(at).ok().and_then(|at| u32_at(data, at)).is_some_and(|count| u64::from(count) * 4 < end)
            && is_table(at)
    };
    let mut far = 0;
    while far < REACH {
        let (before, behind) = (at.saturating_sub(far), at + far);
        if before >= first && may_be(before) {
            return Some(before);
        }
        if behind < end && may_be(behind) {
            return Some(behind);
        }
        if before < first && behind >= end {
            return None;
        }
        far += 1;
    }
    None
}

/// Whether a table of strings or icons may begin at `at`, whose first two entries are `first` bytes apart: of strings the
/// first is empty, of icons it is a place holder without an image.
fn has_head(data: &[u8], at: u64, first: usize) -> bool {
    let check = || {
        let at = usize::try_from(at).ok()?;
        let head = (u32_at(data, at)? as usize).checked_mul(4).filter(|array| *array > 4)?.checked_add(4)?;
        let agrees = u32_at(data, at + 4)? as usize == head && u32_at(data, at + 8)? as usize == head + first;
        (agrees && u32_at(data, at.checked_add(head)?)? == 0).then_some(())
    };
    check().is_some()
}

/// Puts the count of events right where the array, which ends where the process table begins, holds more of them.
fn recount(data: &[u8], header: &mut Header, has_processes: bool) {
    let room = header.process_table.saturating_sub(header.event_offsets) / OFFSET_ENTRY as u64;
    let counted = Header { events: u32::try_from(room).unwrap_or(u32::MAX), ..header.clone() };
    if has_processes && counted.events > header.events && array_is_sound(data, &counted) {
        header.events = counted.events;
    }
}

/// Puts into the header the places that follow from those it has. A place is replaced only where no such table is and
/// one is where the order of the tables puts it.
pub(super) fn follow(data: &[u8], header: &mut Header) {
    let has_processes = is_process_table(data, header.process_table);
    recount(data, header, has_processes);
    let array = u64::from(header.events) * OFFSET_ENTRY as u64;
    if has_processes && !array_is_sound(data, header) {
        let before = Header { event_offsets: header.process_table.saturating_sub(array), ..header.clone() };
        if array_is_sound(data, &before) {
            header.event_offsets = before.event_offsets;
        }
    }
    let behind_array = header.event_offsets.saturating_add(array);
    if !has_processes && header.event_offsets >= HEADER_SIZE as u64 && is_process_table(data, behind_array) {
        header.process_table = behind_array;
    }
    if !is_process_table(data, header.process_table)
        && let Some(at) = near(data, header.process_table, |at| is_process_table(data, at))
    {
        let shift = at.wrapping_sub(header.process_table);
        (header.process_table, header.event_offsets) = (at, header.event_offsets.wrapping_add(shift));
    }
    if !is_string_table(data, header.string_table)
        && is_process_table(data, header.process_table)
        && let Some(end) = end_of_processes(data, header.process_table, header.pointer)
        && is_string_table(data, end)
    {
        header.string_table = end;
    }
    if !is_string_table(data, header.string_table)
        && let Some(at) = near(data, header.string_table, |at| has_head(data, at, 4))
    {
        header.string_table = at;
    }
    if end_of_icons(data, header.icon_table).is_none()
        && is_string_table(data, header.string_table)
        && let Some(end) = end_of_strings(data, header.string_table)
        && end_of_icons(data, end).is_some()
    {
        header.icon_table = end;
    }
    if !has_head(data, header.icon_table, 8)
        && let Some(at) = near(data, header.icon_table, |at| has_head(data, at, 8) && end_of_icons(data, at).is_some())
    {
        header.icon_table = at;
    }
    // Hosts have no mark of their own; the table behind the icons ends where the file does.
    let lies = |at: u64| at >= HEADER_SIZE as u64 && Hosts::parse(data, at).is_ok();
    if let Some(end) = end_of_icons(data, header.icon_table)
        && end != header.host_table
        && lies(end)
    {
        header.host_table = end;
    }
}

/// Looks for the event-offset array, and with it for all tables, behind the events that a walk found; `end` is where
/// the last of them ends. Returns whether it was there.
pub(super) fn behind(data: &[u8], header: &mut Header, events: &OffsetList, end: u64) -> bool {
    let mut known: Vec<u64> = events.iter().collect();
    known.sort_unstable();
    let start = end.next_multiple_of(4);
    let entries = usize::try_from(start).ok().and_then(|at| data.get(at..)).unwrap_or_default();
    let offset = |[a, b, c, d, e]: &[u8; OFFSET_ENTRY]| u64::from_le_bytes([*a, *b, *c, *d, *e, 0, 0, 0]);
    let listed = entries.as_chunks().0.iter().take_while(|entry| known.binary_search(&offset(entry)).is_ok());
    let count = listed.take(known.len()).count();
    let mut found = header.clone();
    (found.events, found.event_offsets) = (u32::try_from(count).unwrap_or(u32::MAX), start);
    found.process_table = 0;
    follow(data, &mut found);
    let is_there = count > 0 && found.process_table != 0;
    if is_there {
        *header = found;
    }
    is_there
}
