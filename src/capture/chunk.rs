//! Runs of events, handed out so that many can be worked on at once, and read so that their cache misses overlap.
//!
//! A pass over a large capture waits for memory, not for the processor: records are hundreds of bytes apart, and only
//! their heads are looked at. So the heads of a batch are touched first, with nothing that waits for what is there;
//! the misses of the whole batch then run beside each other, and the real work finds the bytes near.

use super::decode::code::QUERY_INFORMATION;
use super::{Capture, EventIndex, Segment};
use crate::pml::bytes::{DetailText, PointerSize, u8_at, u16_at, u32_at};
use crate::pml::layout::{EVENT_HEAD, event, file};
use crate::pml::{Event, EventClass, Pml, PmlError};
use rayon::prelude::*;

/// Events handled as one piece of work: some megabytes, so that pieces cost nothing and threads end together.
const CHUNK: u32 = 8192;

/// Chunks whose results wait for each other: enough that threads seldom wait at the end of a wave.
const WAVE: usize = 64;

/// Events touched at once: enough to keep every outstanding load of a core in use, few enough to stay in its cache.
/// Also the bits of a word of [`Marks`].
const BATCH: u32 = 64;

/// Captures beyond so many events keep no marks, which would take more than 32 MiB.
const MARKED_EVENTS: u64 = 1 << 28;

/// Which events of a chunk a later pass must look at: bit n of word m stands for event 64·m + n of the chunk.
pub(super) type Marks = Box<[u64]>;

impl Capture {
    /// Runs `work` over pieces of the capture in parallel and hands the results to `take` in event order. What `work`
    /// returned for some tens of pieces is all that waits to be taken, however large the capture is.
    pub fn in_chunks<T: Send>(&self, work: impl Fn(Chunk<'_>) -> T + Sync + Send, mut take: impl FnMut(T)) {
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
        let progress = self.observer.0.as_deref();
        if let Some(progress) = progress {
            progress.begin(self.event_count());
        }
        let watched = |chunk: &Chunk<'_>| {
            let done = work(*chunk);
            if let Some(progress) = progress {
                progress.advance(chunk.len().into());
            }
            done
        };
        for wave in chunks.chunks(WAVE) {
            // A small capture is done before other threads would have started.
            if let [chunk] = wave {
                take(watched(chunk));
                continue;
            }
            wave.par_iter().map(watched).collect::<Vec<T>>().into_iter().for_each(&mut take);
        }
        if let Some(progress) = progress {
            progress.end();
        }
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

    /// Place in the capture of event `n` of the segment.
    #[inline]
    pub(super) fn index(&self, n: u32) -> EventIndex {
        EventIndex(self.segment.first_event + u64::from(n))
    }

    /// The events with their numbers; unreadable ones are errors.
    pub fn events(self) -> impl Iterator<Item = (EventIndex, Result<Event<'a>, PmlError>)> {
        (self.from..self.to).step_by(BATCH as usize).flat_map(move |from| {
            let pml = self.segment.pml();
            let batch = Batch::new(pml, from, self.to);
            (from..batch.end).map(move |n| (self.index(n), batch.event(pml, n).map_or_else(|| pml.event(n), Ok)))
        })
    }

    /// Calls `see` for every event and returns the marks: the events for which it says yes. Unreadable ones are `None`.
    #[inline]
    pub(super) fn mark(self, mut see: impl FnMut(u32, Option<Event<'a>>) -> bool) -> Marks {
        let mut marks = Vec::with_capacity(CHUNK.div_ceil(BATCH) as usize);
        let pml = self.segment.pml();
        for from in (self.from..self.to).step_by(BATCH as usize) {
            let batch = Batch::new(pml, from, self.to);
            let mut word = 0;
            for n in from..batch.end {
                word |= u64::from(see(n, batch.event(pml, n))) << (n - from);
            }
            marks.push(word);
        }
        marks.into()
    }

    /// Asks `glance` of the events that are marked (all, without marks), calls `see` for those worth a look, and returns
    /// the marks for which either says that they are wanted again.
    pub(super) fn marked(
        self,
        marks: Option<&Marks>,
        glance: impl Fn(EventIndex, Glimpse<'a>) -> Glance,
        mut see: impl FnMut(EventIndex, Event<'a>) -> bool,
    ) -> Marks {
        let mut left: Marks = vec![0; self.len().div_ceil(BATCH) as usize].into();
        let pml = self.segment.pml();
        let pointer = pml.container().header.pointer;
        let mut places: Vec<(u32, u64)> = Vec::with_capacity(2 * BATCH as usize);
        for (word, from) in (self.from..self.to).step_by(BATCH as usize).enumerate() {
            let to = self.to.min(from.saturating_add(BATCH));
            let mut bits = marks.map_or(u64::MAX, |marks| marks.get(word).copied().unwrap_or(u64::MAX));
            let offsets = pml.event_offsets(from, to);
            while bits != 0 {
                let bit = bits.trailing_zeros();
                bits &= bits - 1;
                if let Some(place) = offsets.get(bit as usize) {
                    places.push((from + bit, place));
                }
            }
            if places.len() < BATCH as usize && to < self.to {
                continue;
            }
            // Three short loops, each of loads that wait for nothing: heads, then what lies behind them, then the work.
            let mut seen = 0;
            for (_, place) in &places {
                seen ^= touch(pml.data(), *place);
            }
            for (_, place) in &places {
                seen ^= touch_behind(pml.data(), *place, pointer);
            }
            std::hint::black_box(seen);
            for (n, place) in places.drain(..) {
                let glance = match Glimpse::new(pml.data(), place, pointer) {
                    Some(glimpse) => glance(self.index(n), glimpse),
                    None => Glance::Nothing,
                };
                let again = match glance {
                    Glance::Nothing => false,
                    Glance::Again => true,
                    Glance::Look => {
                        Event::new(pml.data(), place, n, pointer).is_ok_and(|event| see(self.index(n), event))
                    }
                };
                if again {
                    let n = n - self.from;
                    if let Some(word) = left.get_mut((n / BATCH) as usize) {
                        *word |= 1 << (n % BATCH);
                    }
                }
            }
        }
        left
    }
}

/// What a quick look at an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glance {
    /// It is nothing to this pass nor to the next.
    Nothing,
    /// It is nothing to this pass, but the next must look at it.
    Again,
    /// It may be wanted.
    Look,
}

/// The little of an event that turns most away, unchecked: what it says must be asked of the event again.
#[derive(Clone, Copy)]
pub(super) struct Glimpse<'a> {
    head: &'a [u8; EVENT_HEAD],
    /// From the begin of the detail to the end of the file.
    detail: &'a [u8],
    pointer: PointerSize,
}

impl<'a> Glimpse<'a> {
    #[inline]
    fn new(data: &'a [u8], at: u64, pointer: PointerSize) -> Option<Self> {
        let record = data.get(usize::try_from(at).ok()?..)?;
        let head = record.first_chunk::<EVENT_HEAD>()?;
        Some(Self { head, detail: record.get(detail_start(head, pointer)..).unwrap_or_default(), pointer })
    }

    #[inline]
    pub(super) fn class(self) -> EventClass {
        EventClass(u32_at(self.head, event::CLASS).unwrap_or_default())
    }

    #[inline]
    pub(super) fn operation(self) -> u16 {
        u16_at(self.head, event::OPERATION).unwrap_or_default()
    }

    /// Of a file event.
    #[inline]
    pub(super) fn sub_operation(self) -> u8 {
        u8_at(self.detail, file::SUB_OPERATION).unwrap_or_default()
    }

    /// The path of a file event.
    #[inline]
    pub(super) fn path(self) -> Option<DetailText<'a>> {
        let info = u16_at(self.detail, self.pointer.pick(file::PATH_INFO.0, file::PATH_INFO.1))?;
        let (path, _) = DetailText::split(info, self.detail.get(self.pointer.pick(file::PATH.0, file::PATH.1)..)?)?;
        Some(path)
    }
}

#[inline]
fn detail_start(head: &[u8; EVENT_HEAD], pointer: PointerSize) -> usize {
    EVENT_HEAD + usize::from(u16_at(head, event::STACK_DEPTH).unwrap_or_default()) * pointer.bytes()
}

/// Bytes of the cache lines that a glimpse looks at behind the head at `at`: the counted path begins there, and names
/// differ in its second line. Queries tell their information class where the detail begins, a line before.
#[inline]
fn touch_behind(data: &[u8], at: u64, pointer: PointerSize) -> u8 {
    let Some(record) = usize::try_from(at).ok().and_then(|at| data.get(at..)) else { return 0 };
    let Some(head) = record.first_chunk::<EVENT_HEAD>() else { return 0 };
    let detail = detail_start(head, pointer);
    let path = detail + pointer.pick(file::PATH_INFO.0, file::PATH_INFO.1);
    let queries = u16_at(head, event::OPERATION) == Some(QUERY_INFORMATION);
    let begin = if queries { detail } else { path };
    let byte = |at: usize| record.get(at).copied().unwrap_or_default();
    byte(begin) ^ byte(path) ^ byte(path + 64)
}

/// The places of up to [`BATCH`] events, their heads touched.
#[derive(Clone, Copy)]
struct Batch {
    from: u32,
    end: u32,
    places: [u64; BATCH as usize],
}

impl Batch {
    #[inline]
    fn new(pml: Pml<'_>, from: u32, to: u32) -> Self {
        let end = to.min(from.saturating_add(BATCH));
        let mut places = [u64::MAX; BATCH as usize];
        let mut seen = 0;
        for (place, at) in places.iter_mut().zip(pml.event_offsets(from, end).iter()) {
            *place = at;
            seen ^= touch(pml.data(), at);
        }
        // Keeps the loads, which have no other use.
        std::hint::black_box(seen);
        Self { from, end, places }
    }

    /// Event `n`; `None` when it cannot be read.
    #[inline]
    fn event<'a>(&self, pml: Pml<'a>, n: u32) -> Option<Event<'a>> {
        let at = self.places.get((n - self.from) as usize).copied()?;
        Event::at(pml.data(), at, n, pml.container().header.pointer)
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
