//! What is left of a damaged process table: every record that is still sound, and every module of it.

use super::TableState;
use super::candidate::{EARLIEST, LATEST};
use super::salvage::{limit, start};
use crate::pml::bytes::{PointerSize, u32_at, u64_at};
use crate::pml::layout::{MODULE_SIZE, PROCESS_SIZE};
use crate::pml::tables::{self, Module, Process};
use std::collections::BTreeMap;

/// Most modules that looking for records may read, in files full of modules.
const WORK: usize = 4;

/// Offsets within a record.
mod field {
    pub(super) const PID: usize = 0x04;
    pub(super) const PARENT_PID: usize = 0x08;
    pub(super) const STARTED: usize = 0x20;
    pub(super) const ENDED: usize = 0x28;
    pub(super) const VIRTUALIZED: usize = 0x30;
    pub(super) const IS_64_BIT: usize = 0x34;
    pub(super) const TEXTS: usize = 0x38;
    pub(super) const INLINE: usize = 0x60;
}

/// Whether `module` may be one, behind a module at `below`. They are ordered by address.
pub(super) fn is_module(module: &Module, below: u64, strings: usize) -> bool {
    let texts = [module.path, module.version, module.company, module.description];
    // A wiped record is all zeros; text read as an address has more bits than one.
    let address = (module.base != 0 || module.path.0 != 0) && matches!(module.base >> 47, 0 | 0x1_FFFF);
    address && module.base >= below && texts.iter().all(|text| (text.0 as usize) < strings)
}

/// The process records that can still be read. `next` is where the following table starts, `strings` how many strings
/// there are.
pub(super) fn processes(
    data: &[u8],
    table: u64,
    next: u64,
    size: PointerSize,
    strings: Option<usize>,
) -> (Vec<Process>, TableState) {
    let limit = limit(data, table, next);
    let Some((at, data)) = start(data, table).zip(data.get(..limit)) else { return (Vec::new(), TableState::Lost) };
    let strings = strings.unwrap_or(usize::MAX);
    let mut reader =
        Reader { data, at, size, strings, work: WORK * (data.len() / size.pick(MODULE_SIZE.0, MODULE_SIZE.1)) };
    let mut found = BTreeMap::new();
    let count = reader.count();
    if let Some(count) = count {
        reader.by_arrays(count, &mut found);
    }
    if count != Some(found.len()) {
        reader.by_looking(&mut found);
    }
    let lost = reader.missing(count, &found);
    let mut modules = 0;
    let mut seen = rustc_hash::FxHashSet::default();
    let mut processes: Vec<Process> = Vec::with_capacity(found.len());
    let mut behind = found.keys().skip(1).copied().chain([limit]).collect::<Vec<_>>().into_iter();
    for (mut process, end) in found.into_values() {
        let is_followed = behind.next() == Some(end);
        modules += drop_damaged(&mut process.modules, is_followed, strings);
        if seen.insert(process.index) {
            processes.push(process);
        }
    }
    let state = match lost + modules {
        _ if processes.is_empty() => TableState::Lost,
        0 => TableState::Intact,
        lost => TableState::Partial { lost },
    };
    (processes, state)
}

/// Drops modules that cannot be, and their neighbours, which damage may have reached as well; so may the last, unless a
/// sound record follows it. Gives how many.
fn drop_damaged(modules: &mut Vec<Module>, is_followed: bool, strings: usize) -> u64 {
    let mut below = 0;
    let mut good: Vec<bool> = Vec::with_capacity(modules.len());
    for module in modules.iter() {
        let is_good = is_module(module, below, strings);
        below = if is_good { module.base } else { below };
        good.push(is_good);
    }
    let is_kept = |n: usize| {
        let behind = good.get(n + 1).copied().unwrap_or(is_followed);
        let before = n.checked_sub(1).and_then(|n| good.get(n)).copied().unwrap_or(true);
        behind && before && good.get(n).copied().unwrap_or_default()
    };
    let mut keep = (0..good.len()).map(is_kept);
    let all = modules.len();
    modules.retain(|_| keep.next().unwrap_or_default());
    (all - modules.len()) as u64
}

/// Records by their place, each with its end.
type Found = BTreeMap<usize, (Process, usize)>;

/// Whether a record found by looking stands between those found before, in number as in place. Without number and PID
/// the head of a record was wiped.
fn fits(found: &Found, place: usize, end: usize, process: &Process) -> bool {
    let before = found.range(..place).next_back().map(|(_, (before, _))| before.index);
    let behind = found.range(place..).next();
    (process.pid, process.index) != (0, 0)
        && before.is_none_or(|before| before < process.index)
        && behind.is_none_or(|(at, (behind, _))| end <= *at && process.index < behind.index)
}

struct Reader<'a> {
    /// The file up to the end of the table.
    data: &'a [u8],
    at: usize,
    size: PointerSize,
    strings: usize,
    /// Modules that may still be read.
    work: usize,
}

impl Reader<'_> {
    const fn smallest(&self) -> usize {
        self.size.pick(PROCESS_SIZE.0, PROCESS_SIZE.1)
    }

    fn word(&self, offset: usize) -> Option<usize> {
        u32_at(self.data, self.at.checked_add(offset)?).map(|word| word as usize)
    }

    /// How many records, by the count or by the arrays, which follow from each other.
    fn count(&self) -> Option<usize> {
        let most = self.data.len().checked_sub(self.at)? / (8 + self.smallest());
        let agrees = |count: usize| {
            let head = 4 + 8 * count;
            self.word(4 + 4 * count) == Some(head) && self.word(head) == self.word(4)
        };
        let count = self.word(0).filter(|count| (1..=most).contains(count));
        count.filter(|count| agrees(*count)).or_else(|| (1..=most).find(|count| agrees(*count))).or(count)
    }

    /// The record at `place` if there may be one.
    fn read(&mut self, place: usize) -> Option<(Process, usize)> {
        let field = |offset: usize| u32_at(self.data, place.checked_add(offset)?);
        let time = |offset: usize| u64_at(self.data, place.checked_add(offset)?);
        let is_time = |time: u64| time == 0 || (EARLIEST..LATEST).contains(&time);
        // PIDs are multiples of four; flags are one; modules are stored inline.
        let plausible = field(field::PID)? % 4 == 0
            && field(field::IS_64_BIT)? <= 1
            && field(field::INLINE)? & 0xFF == 1
            && field(field::PARENT_PID)? % 4 == 0
            && matches!(field(field::VIRTUALIZED)?, 0 | 1 | u32::MAX)
            && is_time(time(field::STARTED)?)
            && is_time(time(field::ENDED)?)
            && (0..8).all(|n| field(field::TEXTS + 4 * n).is_some_and(|text| (text as usize) < self.strings));
        if !plausible {
            return None;
        }
        let (process, end) = tables::parse_process(self.data, place as u64, self.size, &mut self.work).ok()?;
        Some((process, usize::try_from(end).ok()?))
    }

    /// The records that the arrays lead to: each repeats its number.
    fn by_arrays(&mut self, count: usize, found: &mut Found) {
        let mut expected = 4 + 8 * count;
        for n in 0..count {
            let number = self.word(4 + 4 * n);
            let stored = self.word(4 + 4 * (count + n)).unwrap_or_default();
            for offset in [stored, expected] {
                let place = self.at.saturating_add(offset);
                if offset >= 4 + 8 * count
                    && self.word(offset) == number
                    && !found.contains_key(&place)
                    && let Some((process, end)) = self.read(place)
                {
                    expected = end - self.at;
                    found.insert(place, (process, end));
                    break;
                }
            }
        }
    }

    /// Looks at every place that no record found so far covers.
    fn by_looking(&mut self, found: &mut Found) {
        let mut place = self.at + 4;
        while place + self.smallest() <= self.data.len() {
            if let Some((_, end)) = found.get(&place) {
                place = *end;
                continue;
            }
            match self.read(place) {
                Some((process, end)) if fits(found, place, end, &process) => {
                    found.insert(place, (process, end));
                    place = end;
                }
                _ => place += 1,
            }
        }
    }

    /// How many records there are no more, at least: by the count, and by the room between those that were found.
    fn missing(&self, count: Option<usize>, found: &Found) -> u64 {
        let first = found.keys().next().map_or(0, |first| first - self.at);
        let agreed = count.filter(|count| first >= 4 + 8 * count);
        let mut end = self.at + 4 + 8 * agreed.unwrap_or(found.len());
        let (mut gaps, mut room) = (0, 0);
        let places = found.iter().map(|(place, (_, end))| (*place, *end)).chain([(self.data.len(), self.data.len())]);
        for (place, behind) in places {
            if place > end {
                gaps += 1;
                room += ((place - end) / self.smallest()).max(1);
            }
            end = end.max(behind);
        }
        let told = agreed.unwrap_or(first.saturating_sub(4) / 8).saturating_sub(found.len());
        told.clamp(gaps, room.max(gaps)) as u64
    }
}
