//! Finds events without the event-offset array: record after record from the first, and past damage.
//!
//! Each byte is looked at a bounded number of times: [`Walk::work`] counts candidates examined and bytes scanned, and
//! stays below a small multiple of the file's size.

use super::candidate::{self, Candidate, Extra, Mark, TICKS_PER_SECOND, consistent, follows, next_class};
use crate::pml::bytes::{PointerSize, u32_at};
use crate::pml::event::Event;
use crate::pml::layout::{EVENT_HEAD, HEADER_SIZE, event as field};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// Most extra blocks remembered ahead of the walk. Real files have none; a limit bounds the memory on hostile ones.
const MAX_AHEAD: usize = 1 << 20;
/// Most extra blocks skipped in a row while looking one record ahead, behind a good record …
const LOOK_IN_CHAIN: usize = 256;
/// … and in the middle of nowhere, where every byte may be tried.
const LOOK_IN_SCAN: usize = 4;
/// Size that stands for "65,535 bytes or more"; old Procmon puts one pad byte after such a block.
const CAPPED: usize = 0xFFFF;
/// Disks and file systems lose whole sectors.
const SECTOR: usize = 512;

/// What the walk met beside the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Events found.
    pub events: u64,
    /// Bytes that belong to no event, zeros at the end not counted.
    pub skipped: u64,
    /// Damaged places, each a run of skipped bytes.
    pub places: u64,
    /// Where the first one begins.
    pub first_place: Option<u64>,
    /// Zero bytes at the end: space reserved and never written.
    pub zero_tail: u64,
    /// Events directly before such a place: what was damaged may have begun within them.
    pub doubtful: u64,
    /// The file ends within an event, which is lost.
    pub cut_event: bool,
    /// Events whose extra detail lies beyond the end of the file.
    pub lost_extras: u64,
    /// Candidates examined and bytes scanned.
    pub work: u64,
}

/// What comes after a record.
enum Next {
    /// Another record, or the end of the events.
    Good,
    /// Something else.
    Bad,
}

struct Walker<'a> {
    /// The file, up to where events may reach.
    data: &'a [u8],
    pointer: PointerSize,
    /// The end of the events is known from the tables, not only the end of the file.
    end_known: bool,
    /// The numbers of all processes, or none when they are not known.
    processes: &'a FxHashSet<u32>,
    /// The last event accepted.
    last: Option<Mark>,
    /// Extra blocks ahead: start → end.
    ahead: BTreeMap<usize, usize>,
    walk: Walk,
}

/// Walks the records of `data` behind the header; `end` is where the events end when that is known, `processes` are the
/// numbers of all processes when those are. `found` gets each event in file order and says whether to go on.
pub(super) fn walk(
    data: &[u8],
    end: Option<usize>,
    processes: &FxHashSet<u32>,
    pointer: PointerSize,
    mut found: impl FnMut(Event<'_>) -> bool,
) -> Walk {
    let region = end.and_then(|end| data.get(..end)).unwrap_or(data);
    let mut walker = Walker {
        data: region,
        pointer,
        end_known: end.is_some(),
        processes,
        last: None,
        ahead: BTreeMap::new(),
        walk: Walk::default(),
    };
    walker.run(HEADER_SIZE, &mut found);
    walker.walk
}

impl<'a> Walker<'a> {
    fn run(&mut self, first: usize, found: &mut dyn FnMut(Event<'_>) -> bool) {
        let mut at = first;
        while at.saturating_add(EVENT_HEAD) <= self.data.len() {
            self.forget_before(at);
            if let Some(end) = self.ahead.remove(&at) {
                at = self.after_extra(at, end);
                continue;
            }
            let Some(record) = self.try_in_chain(at) else {
                at = self.resume_after_damage(at);
                continue;
            };
            let next = self.after(&record, LOOK_IN_CHAIN);
            if let Next::Bad = self.judge(next) {
                // Either what follows is damaged, or this record lies about its size and swallows others.
                if let Some(inside) = self.scan(at + 1, next) {
                    self.skip(at, inside);
                    at = inside;
                    continue;
                }
                if self.is_wiped_at_end(at, next) {
                    at = self.resume_after_damage(at);
                    continue;
                }
                self.walk.doubtful += 1;
            }
            if !self.accept(&record, found) {
                return;
            }
            at = next;
        }
        self.forget_before(at);
        while let Some(end) = self.ahead.remove(&at) {
            at = end;
        }
        self.finish(at);
    }

    fn candidate(&mut self, at: usize) -> Option<Candidate> {
        self.walk.work += 1;
        candidate::candidate(self.data, at, self.pointer)
    }

    /// The record at `at`, right behind a good one.
    fn try_in_chain(&mut self, at: usize) -> Option<Candidate> {
        let record = self.candidate(at)?;
        let Some(last) = self.last else { return Some(record) };
        let fits = follows(last, record.mark()) || consistent(last, record.mark());
        (fits || self.confirmed(&record, LOOK_IN_CHAIN)).then_some(record)
    }

    /// Whether the record after `record` agrees with it.
    fn confirmed(&mut self, record: &Candidate, look: usize) -> bool {
        let next = self.after(record, look);
        self.candidate(next)
            .is_some_and(|next| follows(record.mark(), next.mark()) && consistent(record.mark(), next.mark()))
    }

    /// Whether the record at `at` that ends at `end` ends in zeros that begin with a sector and go on behind it.
    fn is_wiped_at_end(&self, at: usize, end: usize) -> bool {
        let sector = end.saturating_sub(1) / SECTOR * SECTOR;
        let zeros = self.data.get(sector..end.saturating_add(SECTOR / 16).min(self.data.len())).unwrap_or_default();
        sector > at && sector < end && zeros.iter().all(|byte| *byte == 0)
    }

    /// Whether the head of the record at `at` begins with zeros up to a sector's end, so that process and thread may be
    /// wiped, or names a process that does not exist.
    fn has_wiped_head(&self, at: usize) -> bool {
        let sector = at.next_multiple_of(SECTOR);
        let wiped = sector > at
            && sector <= at + field::CLASS
            && self.data.get(at..sector).is_some_and(|head| head.iter().all(|byte| *byte == 0));
        let process = u32_at(self.data, at + field::PROCESS).unwrap_or_default();
        wiped || !self.processes.is_empty() && !self.processes.contains(&process)
    }

    /// Whether a record found in the middle of nowhere is believable.
    fn believable(&mut self, record: &Candidate) -> bool {
        if matches!(record.extra, Extra::Lost) || self.has_wiped_head(record.at) {
            return false;
        }
        if self.confirmed(record, LOOK_IN_SCAN) {
            return true;
        }
        let Some(last) = self.last else { return false };
        // Alone between two damaged places: only when time and number leave no doubt.
        const HOUR: u64 = 3600 * TICKS_PER_SECOND;
        let (time, number) = (record.time, record.sequence);
        follows(last, record.mark())
            && time < last.time.saturating_add(HOUR)
            && number > last.sequence
            && number - last.sequence < 1 << 20
            && record.checked
    }

    /// Where the next record should start.
    fn after(&mut self, record: &Candidate, look: usize) -> usize {
        let mut at = record.end;
        if let Extra::Direct(end) = record.extra {
            at = self.after_extra(at, end);
        }
        let own = if let Extra::Apart(start, end) = record.extra { Some((start, end)) } else { None };
        for _ in 0..look {
            let end = match own {
                Some((start, end)) if start == at => Some(end),
                _ => self.ahead.get(&at).copied(),
            };
            let Some(end) = end else { break };
            self.walk.work += 1;
            at = self.after_extra(at, end);
        }
        at
    }

    /// The end of an extra block, with the pad byte that may follow a capped one.
    fn after_extra(&mut self, start: usize, end: usize) -> usize {
        let capped = end.saturating_sub(start) == 2 + CAPPED;
        if capped && self.candidate(end).is_none() && self.candidate(end + 1).is_some() { end + 1 } else { end }
    }

    fn judge(&mut self, next: usize) -> Next {
        let left = self.data.len().saturating_sub(next);
        let ended = if self.end_known { left <= 3 } else { left == 0 };
        if ended || self.ahead.contains_key(&next) {
            return Next::Good;
        }
        // Not `try_in_chain`: the record before is not accepted yet, so there is nothing to compare with.
        if self.candidate(next).is_some() { Next::Good } else { Next::Bad }
    }

    fn accept(&mut self, record: &Candidate, found: &mut dyn FnMut(Event<'_>) -> bool) -> bool {
        match record.extra {
            Extra::Apart(start, end) if self.ahead.len() < MAX_AHEAD => {
                self.ahead.insert(start, end);
            }
            Extra::Lost => self.walk.lost_extras += 1,
            _ => {}
        }
        // Network events are numbered apart; they tell the time but not the number.
        let sequence = match self.last {
            Some(last) if record.is_network => last.sequence,
            _ => record.sequence,
        };
        self.last = Some(Mark { time: record.time, sequence });
        let number = u32::try_from(self.walk.events).unwrap_or(u32::MAX);
        let Ok(event) = Event::new(self.data, record.at as u64, number, self.pointer) else { return false };
        self.walk.events += 1;
        found(event)
    }

    /// The next place to go on from, after `at` turned out to hold no record.
    fn resume_after_damage(&mut self, at: usize) -> usize {
        let next = self.scan(at + 1, self.data.len()).unwrap_or(self.data.len());
        if next < self.data.len() {
            self.skip(at, next);
        } else {
            self.finish(at);
        }
        next
    }

    /// The first believable record that starts in `from..to`.
    fn scan(&mut self, from: usize, to: usize) -> Option<usize> {
        let mut at = from;
        while at < to {
            let Some(place) = next_class(self.data, at, to) else {
                self.walk.work += to.saturating_sub(at) as u64;
                return None;
            };
            self.walk.work += place.saturating_sub(at) as u64;
            at = place;
            if let Some(record) = self.candidate(at)
                && self.believable(&record)
            {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    fn skip(&mut self, from: usize, to: usize) {
        self.walk.skipped += to.saturating_sub(from) as u64;
        self.walk.places += 1;
        self.walk.first_place.get_or_insert(from as u64);
    }

    /// Accounts for what is left from `at` on: nothing, a cut event, zeros, or rubbish.
    fn finish(&mut self, at: usize) {
        let rest = self.data.get(at..).unwrap_or_default();
        // Zeros before a table that is there were no reserve: events stood there.
        let last = if self.end_known { rest.len().checked_sub(1) } else { rest.iter().rposition(|byte| *byte != 0) };
        let written = last.map_or(0, |last| last + 1);
        self.walk.zero_tail += (rest.len() - written) as u64;
        self.walk.work += rest.len() as u64;
        if written == 0 || self.end_known && rest.len() <= 3 {
            return;
        }
        if !self.end_known && (rest.len() < EVENT_HEAD || candidate::head_is_plausible(rest)) {
            self.walk.cut_event = true;
            self.walk.skipped += written as u64;
        } else {
            self.skip(at, at + written);
        }
    }

    fn forget_before(&mut self, at: usize) {
        while let Some(entry) = self.ahead.first_entry()
            && *entry.key() < at
        {
            entry.remove();
        }
    }
}
