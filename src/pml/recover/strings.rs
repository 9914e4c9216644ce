//! What is left of a damaged string table. A string is known by its number, so what matters is that no string gets the
//! number of another: an entry that is not certain is lost, and empty.

use super::TableState;
use super::locate::end_of_icons;
use super::salvage::{limit, start, state};
use crate::pml::bytes::u32_at;
use crate::pml::container::Header;
use crate::pml::tables::Strings;

/// Where a string's text lies: its place and size, the NUL included.
type Range = (u64, u32);
/// So many strings must follow the empty one where nothing else tells that the table's entries begin there.
const SURE: usize = 3;
/// How far the entries behind a gap or an insertion are looked for, in bytes.
const SHIFT: isize = 4096;
/// Most bytes and steps that one search may take, in table sizes.
const WORK: usize = 4;

/// Whether `text`, a string of the table with its NUL, may be whole: zeros side by side are what a wiped sector leaves.
/// Captures of version 7 end some strings in two.
pub(super) fn is_whole(text: &[u8], version: u32) -> bool {
    let (units, rest) = text.as_chunks::<2>();
    let zeros = units.iter().rev().take_while(|unit| **unit == [0, 0]).count();
    let most = if version < 9 { 2 } else { 1 };
    let body = units.get(..units.len() - zeros).unwrap_or_default();
    rest.is_empty()
        && (1..=most).contains(&zeros)
        && body.first() != Some(&[0, 0])
        && !body.windows(2).any(|pair| pair == [[0, 0], [0, 0]])
}

/// The strings that can still be read; lost ones are empty.
pub(super) fn strings(data: &[u8], header: &Header) -> (Strings, TableState) {
    let lost = || (Strings::from_ranges(Vec::new()), TableState::Lost);
    let next = end_of_icons(data, header.icon_table).map_or(0, |_| header.icon_table);
    let limit = limit(data, header.string_table, next);
    let Some((at, data)) = start(data, header.string_table).zip(data.get(..limit)) else { return lost() };
    let found = Table { data, at, version: header.version };
    let by_head = found.count().map(|count| found.by_offsets(count));
    let missing = |ranges: &[Range]| ranges.iter().skip(1).filter(|range| range.1 == 0).count();
    let ranges = match by_head {
        Some(ranges) if missing(&ranges) * 2 < ranges.len() => ranges,
        other => match found.without_head() {
            Some(ranges) if other.as_ref().is_none_or(|other| missing(&ranges) < missing(other)) => ranges,
            _ => other.unwrap_or_default(),
        },
    };
    match state(ranges.len(), missing(&ranges)) {
        _ if ranges.len() <= missing(&ranges) + 1 => lost(),
        state => (Strings::from_ranges(ranges), state),
    }
}

/// The bytes up to the end of a string table, and where it begins.
struct Table<'a> {
    data: &'a [u8],
    at: usize,
    version: u32,
}

impl Table<'_> {
    fn offset(&self, n: usize) -> usize {
        u32_at(self.data, self.at.saturating_add(4).saturating_add(n.saturating_mul(4))).unwrap_or_default() as usize
    }

    /// How many entries: the count and the first offset follow from each other, so one of them may be wrong.
    fn count(&self) -> Option<usize> {
        let room = self.data.len().checked_sub(self.at)?;
        let count = u32_at(self.data, self.at)? as usize;
        let fits = |count: usize| count > 0 && count.checked_mul(4).is_some_and(|array| array + 4 < room);
        let first = self.offset(0);
        let derived = first.checked_sub(4).filter(|_| first.is_multiple_of(4)).map(|bytes| bytes / 4);
        let derived = derived.filter(|count| fits(*count) && u32_at(self.data, self.at + 4 + 4 * count) == Some(0));
        derived.or_else(|| fits(count).then_some(count))
    }

    /// The string whose size stands at `place`, if it is whole.
    fn read(&self, place: usize) -> Option<(Range, usize)> {
        let size = u32_at(self.data, place)?;
        let from = place.checked_add(4)?;
        let end = from.checked_add(size as usize)?;
        is_whole(self.data.get(from..end)?, self.version).then_some(((from as u64, size), end))
    }

    /// Each string by its offset, or by where the one before it ends. Offsets tell sizes as well: where both agree, a
    /// string is certain, even when bytes were lost or added before it and all behind have moved.
    fn by_offsets(&self, count: usize) -> Vec<Range> {
        let head = 4 + 4 * count;
        let mut ranges = vec![(self.at.saturating_add(head + 4) as u64, 0)];
        let mut expected = self.at + head + 4;
        let moved = self.shift_of_the_last(count);
        let mut shift = 0;
        for n in 1..count {
            let mut found = self.at_offset(n, count, shift);
            if found.is_none() && shift != moved {
                found = self.at_offset(n, count, moved);
                shift = if found.is_some() { moved } else { shift };
            }
            // Where the array is damaged, entries still follow each other.
            if found.is_none() && !self.offsets_rise(n, count) {
                found = self.read(expected);
            }
            if let Some((_, end)) = found {
                expected = end;
            }
            ranges.push(found.map_or((0, 0), |(range, _)| range));
        }
        ranges
    }

    /// String `n` of `count` where its offset says, `shift` bytes on, when it is whole and ends where the next begins.
    fn at_offset(&self, n: usize, count: usize, shift: isize) -> Option<(Range, usize)> {
        let place = self.at.checked_add(self.offset(n))?.checked_add_signed(shift)?;
        let size = self.offset(n + 1).checked_sub(self.offset(n)).and_then(|room| room.checked_sub(4));
        let agrees = n + 1 == count || !self.offsets_rise(n, count) || u32_at(self.data, place)? as usize == size?;
        if agrees && place >= self.at + 4 + 4 * count { self.read(place) } else { None }
    }

    /// Whether the offsets around entry `n` can be true.
    fn offsets_rise(&self, n: usize, count: usize) -> bool {
        let here = self.offset(n);
        here > 4 + 4 * count && (n + 1 == count || self.offset(n + 1) > here) && self.offset(n - 1) < here
    }

    /// How far the last strings lie from where their offsets say.
    fn shift_of_the_last(&self, count: usize) -> isize {
        let Some(first) = count.checked_sub(SURE + 1).filter(|first| *first > 0) else { return 0 };
        if !(first..count).all(|n| self.offsets_rise(n, count)) {
            return 0;
        }
        let are_there = |shift: isize| (first..count).all(|n| self.at_offset(n, count, shift).is_some());
        (0..=SHIFT).flat_map(|shift| [shift, -shift]).find(|shift| are_there(*shift)).unwrap_or(0)
    }

    /// The strings that follow each other from `place` on, and where they end.
    fn chain(&self, mut place: usize, work: &mut usize) -> (Vec<Range>, usize) {
        let mut ranges = Vec::new();
        while let Some((range, end)) = self.read(place) {
            let Some(left) = work.checked_sub(end - place) else { break };
            *work = left;
            ranges.push(range);
            place = end;
        }
        (ranges, place)
    }

    /// Whether a string has a NUL inside, as one has that begins in the last letter of a damaged string, which looks like a
    /// size, and goes on over the size of the next one.
    fn may_swallow_another(&self, (from, size): Range) -> bool {
        let text = usize::try_from(from).ok().and_then(|from| self.data.get(from..)?.get(..size as usize));
        let units = text.unwrap_or_default().as_chunks::<2>().0;
        units.split_last().is_some_and(|(_, before)| before.contains(&[0, 0]))
    }

    /// Without count and offsets: the empty string, which alone has the size 0, begins the entries, and where they begin
    /// tells how many there are. Behind a damaged place they are counted from the end of the table.
    fn without_head(&self) -> Option<Vec<Range>> {
        let mut work = self.data.len().checked_sub(self.at)?.saturating_mul(WORK);
        let mut from = self.at.checked_add(8)?;
        let (mut ranges, end, count) = loop {
            if from >= self.data.len() {
                return None;
            }
            if u32_at(self.data, from) == Some(0) {
                let (ranges, end) = self.chain(from + 4, &mut work);
                let count = (from - self.at - 4) / 4;
                if ranges.len() < count && (ranges.len() >= SURE || end == self.data.len()) {
                    break (ranges, end, count);
                }
                work = work.checked_sub(8)?;
            }
            from += 4;
        };
        ranges.insert(0, (from as u64 + 4, 0));
        let mut place = end;
        let behind = loop {
            place += 2;
            if place >= self.data.len() || work < 8 {
                break Vec::new();
            }
            work -= 8;
            let (mut behind, reached) = self.chain(place, &mut work);
            if reached == self.data.len() && !behind.is_empty() {
                let doubtful = behind.iter().take(SURE + 1).rposition(|range| self.may_swallow_another(*range));
                behind.drain(..doubtful.map_or(0, |last| last + 1));
                place = behind.first().and_then(|(from, _)| usize::try_from(from - 4).ok()).unwrap_or(place);
                break behind;
            }
        };
        let missing = count.checked_sub(ranges.len())?;
        // The lost ones take at least their size, a letter and a NUL each.
        let lost = missing.checked_sub(behind.len()).filter(|lost| (1..=(place - end) / 8).contains(lost));
        if missing > 0 && (lost.is_none() || behind.is_empty()) {
            ranges.resize(count, (0, 0));
            return Some(ranges);
        }
        ranges.resize(count - behind.len(), (0, 0));
        ranges.extend(behind);
        Some(ranges)
    }
}
