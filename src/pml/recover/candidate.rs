//! Whether the bytes at some place look like an event record.

use crate::pml::bytes::{PointerSize, u16_at, u32_at, u64_at};
use crate::pml::event::{EventClass, FileDetail};
use crate::pml::layout::{EVENT_HEAD, event as field};

/// Deepest stack the driver records.
pub(super) const MAX_DEPTH: usize = 150;
/// Largest detail believed.
const MAX_DETAIL: usize = 0x2_0000;
/// From here on the driver numbers network events.
const NETWORK_SEQUENCE: u32 = 0x2000_0000;
/// Earliest and latest time believed: years 1995 and 2150.
pub(super) const EARLIEST: u64 = 394 * TICKS_PER_YEAR;
pub(super) const LATEST: u64 = 549 * TICKS_PER_YEAR;
const TICKS_PER_YEAR: u64 = 31_556_952 * TICKS_PER_SECOND;
/// 100 ns ticks.
pub(super) const TICKS_PER_SECOND: u64 = 10_000_000;

/// Where the extra detail of a candidate lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// There is none.
    None,
    /// Directly behind the record, to this end.
    Direct(usize),
    /// Elsewhere: start and end.
    Apart(usize, usize),
    /// Elsewhere, beyond the end of the file.
    Lost,
}

/// When an event happened and the driver's number of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) time: u64,
    pub(super) sequence: u32,
}

/// Bytes that have the shape of an event record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) at: usize,
    /// End of the record without its extra detail.
    pub(super) end: usize,
    pub(super) extra: Extra,
    pub(super) time: u64,
    pub(super) sequence: u32,
    pub(super) is_network: bool,
    /// Its detail was checked, not only its head.
    pub(super) checked: bool,
}

impl Candidate {
    /// Bytes it takes, its extra detail included wherever that lies.
    pub(super) const fn size(&self) -> usize {
        let record = self.end - self.at;
        match self.extra {
            Extra::Direct(end) => record + (end - self.end),
            Extra::Apart(start, end) => record + (end - start),
            Extra::None | Extra::Lost => record,
        }
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark { time: self.time, sequence: self.sequence }
    }
}

/// The record at `at` if there may be one: known class and operation, sane sizes, a time of our age, everything
/// inside `data`, and a detail that has room for what it must hold.
pub(super) fn candidate(data: &[u8], at: usize, pointer: PointerSize) -> Option<Candidate> {
    let record = data.get(at..)?;
    let head = record.first_chunk::<EVENT_HEAD>()?.as_slice();
    if !head_is_plausible(head) {
        return None;
    }
    let class = EventClass(u32_at(head, field::CLASS)?);
    let depth = usize::from(u16_at(head, field::STACK_DEPTH)?);
    let detail_size = u32_at(head, field::DETAIL_SIZE)? as usize;
    let time = u64_at(head, field::TIME)?;
    if depth > MAX_DEPTH || detail_size == 0 || detail_size > MAX_DETAIL {
        return None;
    }
    let start = EVENT_HEAD + depth * pointer.bytes();
    let length = start + detail_size;
    let detail = record.get(start..length)?;
    let checked = match class {
        EventClass::FILE_SYSTEM | EventClass::IPC => {
            FileDetail::new(detail, pointer)?;
            true
        }
        EventClass::REGISTRY => {
            let info = u16_at(detail, 0)?;
            let chars = usize::from(info & 0x7FFF);
            let bytes = if info & 0x8000 == 0 { chars * 2 } else { chars };
            if 2 + bytes > detail.len() {
                return None;
            }
            true
        }
        EventClass::NETWORK if detail.len() < 0x2C => return None,
        EventClass::NETWORK => true,
        _ => false,
    };
    let end = at.checked_add(length)?;
    let extra = extra(data, at, end, u32_at(head, field::EXTRA_OFFSET)? as usize)?;
    let sequence = u32_at(head, field::SEQUENCE)?;
    let is_network = class == EventClass::NETWORK;
    Some(Candidate { at, end, extra, time, sequence, is_network, checked })
}

/// Whether class, operation and time of a record's head can be.
pub(super) fn head_is_plausible(head: &[u8]) -> bool {
    let fields = (u32_at(head, field::CLASS), u16_at(head, field::OPERATION), u64_at(head, field::TIME));
    let (Some(class), Some(operation), Some(time)) = fields else { return false };
    can_be(EventClass(class), operation, time)
}

/// Whether there are events of this class, operation and time.
pub(super) fn can_be(class: EventClass, operation: u16, time: u64) -> bool {
    let last_operation = match class {
        EventClass::PROCESS | EventClass::NETWORK => 9,
        EventClass::REGISTRY => 19,
        EventClass::FILE_SYSTEM | EventClass::IPC => 47,
        EventClass::PROFILING => 3,
        _ => return false,
    };
    operation <= last_operation && (EARLIEST..LATEST).contains(&time)
}

fn extra(data: &[u8], at: usize, end: usize, offset: usize) -> Option<Extra> {
    if offset == 0 {
        return Some(Extra::None);
    }
    let start = at.checked_add(offset)?;
    if start < end {
        return None;
    }
    let extra_end = u16_at(data, start).map(|size| start + 2 + usize::from(size)).filter(|end| *end <= data.len());
    match extra_end {
        Some(extra_end) if start == end => Some(Extra::Direct(extra_end)),
        Some(extra_end) => Some(Extra::Apart(start, extra_end)),
        // The event the file ends in: its record is whole, its extra detail is not.
        None if start == end => None,
        None => Some(Extra::Lost),
    }
}

/// Whether an event with mark `b` may follow one with mark `a` by its time: little earlier, or up to a day later.
pub(super) const fn follows(a: Mark, b: Mark) -> bool {
    const MINUTE: u64 = 60 * TICKS_PER_SECOND;
    const DAY: u64 = 24 * 60 * MINUTE;
    b.time.saturating_add(MINUTE) >= a.time && b.time <= a.time.saturating_add(DAY)
}

/// Whether the driver's numbers of two neighbours agree. Network events count apart; writers other than Procmon may
/// number nothing.
pub(super) const fn consistent(a: Mark, b: Mark) -> bool {
    if (a.sequence >= NETWORK_SEQUENCE) != (b.sequence >= NETWORK_SEQUENCE) {
        return follows(a, b);
    }
    b.sequence > a.sequence || a.sequence == 0 && b.sequence == 0
}

/// The first place in `from..to` where a class field could stand, so that a record may begin there.
pub(super) fn next_class(data: &[u8], from: usize, to: usize) -> Option<usize> {
    // Nothing behind the last field that could begin here is looked at, or scans of neighbouring stretches would add up.
    let data = data.get(..to.saturating_add(field::CLASS + 4).min(data.len()))?;
    let mut at = from;
    while at < to {
        let class = data.get(at..)?.get(field::CLASS..)?;
        match *class.first_chunk::<4>()? {
            [1..=6, 0, 0, 0] => return Some(at),
            [0, 0, 0, 0] => {
                // Zeros, perhaps gigabytes of them: on to the next byte that is not zero.
                let zeros = zero_run(class);
                at = at.checked_add(zeros)?;
            }
            _ => at += 1,
        }
    }
    None
}

/// How many zero bytes `data` begins with.
fn zero_run(data: &[u8]) -> usize {
    let blocks = data.chunks(64).take_while(|block| block.iter().fold(0, |all, byte| all | byte) == 0);
    let whole: usize = blocks.map(<[u8]>::len).sum();
    let rest = data.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| **byte == 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_runs_are_counted_to_the_byte() {
        let mut data = vec![0u8; 1000];
        assert_eq!(zero_run(&data), 1000);
        data[777] = 3;
        assert_eq!(zero_run(&data), 777);
        assert_eq!(next_class(&data, 0, 1000), Some(777 - 8));
        assert_eq!(next_class(&data, 770, 1000), None);
        data[778] = 1;
        assert_eq!(next_class(&data, 0, 1000), Some(770));
    }

    #[test]
    fn neighbours_agree_by_time_and_number() {
        let mark = |seconds: u64, sequence| Mark { time: (1 << 57) + seconds * 10_000_000, sequence };
        assert!(follows(mark(100, 1), mark(41, 2)));
        assert!(!follows(mark(100, 1), mark(39, 2)));
        assert!(follows(mark(0, 1), mark(86_400, 2)));
        assert!(!follows(mark(0, 1), mark(86_401, 2)));
        assert!(consistent(mark(0, 5), mark(0, 6)));
        assert!(!consistent(mark(0, 5), mark(0, 5)));
        assert!(consistent(mark(0, 5), mark(1, 0x2000_0000)));
        assert!(!consistent(mark(100, 5), mark(0, 0x2000_0000)));
    }
}
