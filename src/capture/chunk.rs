//! Runs of events, handed out so that many can be worked on at once, and read so that their cache misses overlap.
//!
//! A pass over a large capture waits for memory, not for the processor: records are hundreds of bytes apart, and only
//! their heads are looked at. So the heads of a batch are touched first, with nothing that waits for what is there;
//! the misses of the whole batch then run beside each other, and the real work finds the bytes near.

use super::{Capture, EventIndex, Segment};
use crate::pml::layout::{EVENT_HEAD, event, file};
use crate::pml::{Event, Pml, PmlError};
use rayon::prelude::*;

/// Events handled as one piece of work: some megabytes, so that pieces cost nothing and threads end together.
const CHUNK: u32 = 16_384;

/// Events touched at once: enough to keep every outstanding load of a core in use, few enough to stay in its cache.
/// Also the bits of a word of [`Marks`].
const BATCH: u32 = 64;

/// Captures beyond so many events keep no marks, which would take more than 32 MiB.
const MARKED_EVENTS: u64 = 1 << 28;

/// Which events of a chunk a later pass must look at: bit n of word m stands for event 64·m + n of the chunk.
pub(super) type Marks = Box<[u64]>;

impl Capture {
    /// Runs `work` over pieces of the capture in parallel; the results come in event order.
    pub fn in_chunks<T: Send>(&self, work: impl Fn(Chunk<'_>) -> T + Sync + Send) -> Vec<T> {
        let chunks: Vec<Chunk<'_>> = self
            .segments()
            .iter()
            .enumerate()
            .flat_map(|(number, segment)| {
                let events = segment.pml().event_count();
                (0..events).step_by(CHUNK as usize).map(move |from| (segment, number, from))
            })
            .enumerate()
            .map(|(ordinal, (segment, number, from))| {
                let to = from.saturating_add(CHUNK).min(segment.pml().event_count());
                Chunk { segment, number, ordinal, from, to }
            })
            .collect();
        let Some(progress) = &self.observer.0 else { return chunks.into_par_iter().map(work).collect() };
        progress.begin(self.event_count());
        let watched = |chunk: Chunk<'_>| {
            let done = work(chunk);
            progress.advance(chunk.len().into());
            done
        };
        let all = chunks.into_par_iter().map(watched).collect();
        progress.end();
        all
    }

    /// Whether the capture is small enough to keep marks.
    pub(super) const fn keeps_marks(&self) -> bool {
        self.event_count() <= MARKED_EVENTS
    }
}

/// A run of events of one segment.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Their segment.
    pub segment: &'a Segment,
    /// Number of the segment.
    pub number: usize,
    /// Its place among the chunks of the capture.
    ordinal: usize,
    from: u32,
    to: u32,
}

impl<'a> Chunk<'a> {
    /// How many events.
    pub const fn len(&self) -> u32 {
        self.to - self.from
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) const fn ordinal(&self) -> usize {
        self.ordinal
    }

    fn index(&self, n: u32) -> EventIndex {
        EventIndex(self.segment.first_event + u64::from(n))
    }

    /// The events with their numbers; unreadable ones are errors.
    pub fn events(self) -> impl Iterator<Item = (EventIndex, Result<Event<'a>, PmlError>)> {
        (self.from..self.to).step_by(BATCH as usize).flat_map(move |from| {
            let batch = Batch::new(self.segment.pml(), from, self.to);
            (from..self.to.min(from.saturating_add(BATCH))).map(move |n| (self.index(n), batch.event(n)))
        })
    }

    /// Calls `see` for every event and returns the marks: the events for which it says yes.
    #[inline]
    pub(super) fn mark(self, mut see: impl FnMut(EventIndex, Result<Event<'a>, PmlError>) -> bool) -> Marks {
        let mut marks = Vec::with_capacity(CHUNK.div_ceil(BATCH) as usize);
        let pml = self.segment.pml();
        for from in (self.from..self.to).step_by(BATCH as usize) {
            let batch = Batch::new(pml, from, self.to);
            let mut word = 0;
            for n in from..self.to.min(from.saturating_add(BATCH)) {
                word |= u64::from(see(self.index(n), batch.event(n))) << (n - from);
            }
            marks.push(word);
        }
        marks.into()
    }

    /// Calls `see` for the readable events that are marked (all, without marks), head and begin of the detail near, and
    /// returns the marks for which it says yes.
    pub(super) fn marked(self, marks: Option<&Marks>, mut see: impl FnMut(EventIndex, Event<'a>) -> bool) -> Marks {
        let mut left: Marks = vec![0; self.len().div_ceil(BATCH) as usize].into();
        let pml = self.segment.pml();
        let pointer = pml.container().header.pointer;
        let mut events: Vec<Event<'a>> = Vec::with_capacity(2 * BATCH as usize);
        let mut numbers: Vec<u32> = Vec::with_capacity(2 * BATCH as usize);
        for (word, from) in (self.from..self.to).step_by(BATCH as usize).enumerate() {
            let to = self.to.min(from.saturating_add(BATCH));
            let mut bits = marks.map_or(u64::MAX, |marks| marks.get(word).copied().unwrap_or(u64::MAX));
            while bits != 0 {
                let n = from.saturating_add(bits.trailing_zeros());
                bits &= bits - 1;
                if n < to {
                    numbers.push(n);
                }
            }
            if numbers.len() < BATCH as usize && to < self.to {
                continue;
            }
            let mut seen = 0;
            events.clear();
            for n in numbers.drain(..) {
                if let Some(at) = pml.event_offset(n) {
                    seen ^= touch(pml.data(), at);
                    events.extend(Event::new(pml.data(), at, n, pointer));
                }
            }
            for event in &events {
                // The counted path begins here; its second line, where names differ, is the next miss.
                let begin =
                    EVENT_HEAD + event.stack_depth() * pointer.bytes() + pointer.pick(file::PATH.0, file::PATH.1);
                let at = usize::try_from(event.offset()).unwrap_or_default().saturating_add(begin);
                seen ^= pml.data().get(at).copied().unwrap_or_default();
                seen ^= pml.data().get(at.saturating_add(64)).copied().unwrap_or_default();
            }
            std::hint::black_box(seen);
            for event in &events {
                let n = event.number() - self.from;
                if see(self.index(event.number()), *event)
                    && let Some(word) = left.get_mut((n / BATCH) as usize)
                {
                    *word |= 1 << (n % BATCH);
                }
            }
        }
        left
    }
}

/// Up to [`BATCH`] events, their heads touched.
#[derive(Clone, Copy)]
struct Batch<'a> {
    pml: Pml<'a>,
    from: u32,
    places: [u64; BATCH as usize],
}

impl<'a> Batch<'a> {
    #[inline]
    fn new(pml: Pml<'a>, from: u32, to: u32) -> Self {
        let mut places = [u64::MAX; BATCH as usize];
        let mut seen = 0;
        for (place, n) in places.iter_mut().zip(from..to) {
            *place = pml.event_offset(n).unwrap_or(u64::MAX);
            seen ^= touch(pml.data(), *place);
        }
        // Keeps the loads, which have no other use.
        std::hint::black_box(seen);
        Self { pml, from, places }
    }

    #[inline]
    fn event(&self, n: u32) -> Result<Event<'a>, PmlError> {
        let at = self.places.get((n - self.from) as usize).copied().unwrap_or(u64::MAX);
        // On failure the slow way finds the words for it.
        Event::new(self.pml.data(), at, n, self.pml.container().header.pointer).or_else(|_| self.pml.event(n))
    }
}

/// A byte of each cache line that the head at `at` lies in, up to its stack depth: beyond are only sizes, which come
/// along nearly always.
#[inline]
fn touch(data: &[u8], at: u64) -> u8 {
    let Ok(at) = usize::try_from(at) else { return 0 };
    let last = at.saturating_add(event::STACK_DEPTH);
    match data.get(last) {
        Some(byte) => *byte ^ data.get(at).copied().unwrap_or_default(),
        None => 0,
    }
}
