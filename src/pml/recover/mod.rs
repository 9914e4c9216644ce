//! Rescues captures that were not closed, were cut off, or have damaged tables.
//!
//! Whatever part is sound is used as it is. Without a sound event-offset array the events are found by walking the
//! records from the first; processes that the table lacks are rebuilt from the events that tell of them. What was
//! found, skipped and lost is counted in a [`RescueReport`].

mod candidate;
mod check;
mod locate;
mod processes;
mod records;
mod salvage;
mod strings;
mod walk;

pub use check::{check, is_event, verify};
pub use processes::{ProcessCounts, UNKNOWN_PID};
pub use walk::Walk;

use super::bytes::PointerSize;
use super::container::{Container, Header, check_text_budget};
use super::error::{PmlError, PmlErrorKind};
use super::event::Event;
use super::layout::{EVENT_HEAD, HEADER_SIZE, OFFSET_ENTRY};
use super::offsets::OffsetList;
use super::tables::{Hosts, Process, Strings};
use processes::Rebuilder;
use rustc_hash::FxHashSet;

/// So many events more than the other must a pointer width give.
const FEW: u32 = 3;
/// Bytes behind the header that tell the pointer width.
const PROBE: usize = 0x1_0000;

/// What became of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableState {
    /// Read whole.
    Intact,
    /// Read but for some entries.
    Partial {
        /// Entries that could not be read.
        lost: u64,
    },
    /// Not there or not readable.
    Lost,
}

/// How a capture was rescued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescueReport {
    /// Why it could not be read as it is.
    pub cause: PmlError,
    /// Events found.
    pub events: u32,
    /// Events the header speaks of.
    pub events_by_header: u32,
    /// The walk, when the events were found by walking; `None` when the file's own array was sound.
    pub walk: Option<Walk>,
    /// The string table.
    pub strings: TableState,
    /// The process table.
    pub process_table: TableState,
    /// Hosts and ports.
    pub hosts: TableState,
    /// Where the processes come from.
    pub processes: ProcessCounts,
    /// The pointer width was guessed: its flag in the header is damaged.
    pub pointer_guessed: bool,
}

/// Rescues the capture in `data`, which normal reading refused because of `cause`.
///
/// Time is linear in the size of the file, memory a fraction of it: five bytes an event and what the tables need.
///
/// # Errors
/// `cause`, when nothing can be done: no capture, a version not known, or not even a header and an event.
pub fn rescue(data: &[u8], cause: PmlError) -> Result<(Container, RescueReport), PmlError> {
    if !cause.is_damage() {
        return Err(cause);
    }
    match Header::parse_unchecked(data) {
        Ok(header) => {
            let other = if header.pointer == PointerSize::Eight { PointerSize::Four } else { PointerSize::Eight };
            match guess(data, other) {
                Some(guessed) if first_events(data, other) > first_events(data, header.pointer) + FEW => {
                    rescue_with(data, guessed, &cause, true)
                }
                _ => rescue_with(data, header, &cause, false),
            }
        }
        Err(error) => {
            let PmlErrorKind::Invalid { .. } = error.kind else { return Err(error) };
            // Only the 64-bit flag can be invalid here: the width under which the file makes more sense is right.
            let wide = guess(data, PointerSize::Eight).ok_or_else(|| cause.clone())?;
            let narrow = guess(data, PointerSize::Four).ok_or_else(|| cause.clone())?;
            let [wide, narrow] = [wide, narrow].map(|header| rescue_with(data, header, &cause, true));
            match (wide, narrow) {
                (Ok(wide), Ok(narrow)) if narrow.1.events > wide.1.events => Ok(narrow),
                (Ok(wide), _) => Ok(wide),
                (Err(_), narrow) => narrow,
            }
        }
    }
}

/// How many events the first bytes behind the header hold under a pointer width: the wrong one loses its way.
fn first_events(data: &[u8], pointer: PointerSize) -> u32 {
    let mut events = 0;
    let first = data.get(..HEADER_SIZE + PROBE).unwrap_or(data);
    walk::walk(first, None, &FxHashSet::default(), pointer, |_| {
        events += 1;
        true
    });
    events
}

/// The header with the 64-bit flag set to fit `pointer`.
fn guess(data: &[u8], pointer: PointerSize) -> Option<Header> {
    let mut header = data.get(..HEADER_SIZE)?.to_vec();
    let flag = u32::from(pointer == PointerSize::Eight);
    header.get_mut(8..12)?.copy_from_slice(&flag.to_le_bytes());
    Header::parse_unchecked(&header).ok()
}

fn rescue_with(
    data: &[u8],
    mut header: Header,
    cause: &PmlError,
    pointer_guessed: bool,
) -> Result<(Container, RescueReport), PmlError> {
    let pointer = header.pointer;
    let events_by_header = header.events;
    locate::follow(data, &mut header);
    let mut salvaged = Salvaged::read(data, &header);
    let mut free_walk = None;
    if !array_is_sound(data, &header) && salvaged.process_state == TableState::Lost {
        // Without the table behind the array, the events themselves tell where both begin.
        let known_end = salvaged.end_of_events(data, &header);
        let mut list = OffsetList::default();
        let mut end = 0;
        let walk = walk::walk(data, known_end, &FxHashSet::default(), pointer, |event| {
            end = event.end_offset();
            list.push(event.offset())
        });
        if locate::behind(data, &mut header, &list, end) {
            salvaged = Salvaged::read(data, &header);
        } else {
            free_walk = Some((list, walk));
        }
    }
    let end = salvaged.end_of_events(data, &header);
    let Salvaged { mut strings, string_state, table, process_state, hosts, host_state } = salvaged;

    let is_whole = process_state == TableState::Intact;
    let known: FxHashSet<u32> = table.iter().filter(|_| is_whole).map(|process| process.index).collect();

    let mut rebuilder = Rebuilder::new(header.maximum_user_address);
    let mut offsets = None;
    let mut walked = None;
    if array_is_sound(data, &header) {
        let places = array(data, &header);
        for (at, number) in places.zip(0u32..) {
            if let Ok(event) = Event::new(data, at, number, pointer) {
                rebuilder.see(event);
            }
        }
    } else if let Some((list, walk)) = free_walk {
        for (at, number) in list.iter().zip(0u32..) {
            if let Ok(event) = Event::new(data, at, number, pointer) {
                rebuilder.see(event);
            }
        }
        header.events = list.len();
        offsets = Some(by_time(data, list, pointer));
        walked = Some(walk);
    } else {
        let mut list = OffsetList::default();
        let walk = walk::walk(data, end, &known, pointer, |event| {
            if !list.push(event.offset()) {
                return false;
            }
            // The walk's view ends where the events do; the same place in the whole file is what later readers see.
            if let Ok(event) = Event::new(data, event.offset(), event.number(), pointer) {
                rebuilder.see(event);
            }
            true
        });
        header.events = list.len();
        offsets = Some(by_time(data, list, pointer));
        walked = Some(walk);
    }
    if header.events == 0 && process_state != TableState::Intact {
        return Err(cause.clone());
    }
    let (processes, counts) = rebuilder.finish(data, table, &mut strings);
    let report = RescueReport {
        cause: cause.clone(),
        events: header.events,
        events_by_header,
        walk: walked,
        strings: string_state,
        process_table: process_state,
        hosts: host_state,
        processes: counts,
        pointer_guessed,
    };
    let mut container = Container::from_parts(header, strings, processes, hosts);
    container.offsets = offsets;
    Ok((container, report))
}

/// What could be read of the tables.
struct Salvaged {
    strings: Strings,
    string_state: TableState,
    table: Vec<Process>,
    process_state: TableState,
    hosts: Hosts,
    host_state: TableState,
}

impl Salvaged {
    fn read(data: &[u8], header: &Header) -> Self {
        let (strings, string_state) = strings::strings(data, header);
        let known = (string_state != TableState::Lost).then_some(strings.len());
        let (mut table, mut process_state) =
            records::processes(data, header.process_table, header.string_table, header.pointer, known);
        if check_text_budget(data, header, &strings, &table).is_err() {
            (table, process_state) = (Vec::new(), TableState::Lost);
        }
        let (hosts, host_state) = salvage::hosts(data, header.host_table);
        Self { strings, string_state, table, process_state, hosts, host_state }
    }

    /// Where the events end, when the tables that follow them say so believably.
    fn end_of_events(&self, data: &[u8], header: &Header) -> Option<usize> {
        let array_size = u64::from(header.events) * OFFSET_ENTRY as u64;
        let array_fits = header.event_offsets >= HEADER_SIZE as u64
            && header.event_offsets.checked_add(array_size) == Some(header.process_table);
        let candidates = [
            array_fits.then_some(header.event_offsets),
            (self.process_state != TableState::Lost).then_some(header.process_table),
            (self.string_state != TableState::Lost).then_some(header.string_table),
        ];
        let end = candidates.into_iter().flatten().min()?;
        usize::try_from(end).ok().filter(|end| *end >= HEADER_SIZE + EVENT_HEAD && *end <= data.len())
    }
}

/// Puts events in order of time, as the file's own array would have them. Files of version 9 are in that order already;
/// older ones are not, their profiling events being written in batches.
fn by_time(data: &[u8], list: OffsetList, pointer: PointerSize) -> OffsetList {
    let time = |at: u64| Event::new(data, at, 0, pointer).map(Event::time).unwrap_or_default();
    if list.iter().map(time).is_sorted() {
        return list;
    }
    let mut events: Vec<_> = list.iter().map(|at| (time(at), at)).collect();
    events.sort_unstable();
    let mut sorted = OffsetList::default();
    for (_, at) in events {
        sorted.push(at);
    }
    sorted
}

/// The entries of the file's own array; empty when it does not lie in the file.
fn array<'a>(data: &'a [u8], header: &Header) -> impl Iterator<Item = u64> + 'a {
    let bytes = usize::try_from(header.event_offsets)
        .ok()
        .zip((header.events as usize).checked_mul(OFFSET_ENTRY))
        .and_then(|(at, size)| data.get(at..at.checked_add(size)?))
        .unwrap_or_default();
    bytes.as_chunks::<OFFSET_ENTRY>().0.iter().map(|[a, b, c, d, e]| u64::from_le_bytes([*a, *b, *c, *d, *e, 0, 0, 0]))
}

/// Whether the array lies in the file and each of its entries points at something that looks like an event.
fn array_is_sound(data: &[u8], header: &Header) -> bool {
    if header.events == 0 || header.event_offsets < HEADER_SIZE as u64 {
        return false;
    }
    let mut entries = 0u32;
    let mut last = 0;
    let good = array(data, header).all(|at| {
        entries += 1;
        let in_order = at > last || !header.array_ascends();
        last = at;
        in_order && usize::try_from(at).is_ok_and(|at| candidate::candidate(data, at, header.pointer).is_some())
    });
    good && entries == header.events
}

#[cfg(test)]
mod tests;
