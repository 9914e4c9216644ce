//! Grows a large capture out of a small one's events, for benches and for tests of large offsets.

use std::io::{Seek, Write};

use super::{PmlWriter, RawEvent, WriteError};

/// How far to grow.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// Stop after this many events.
    pub events: u64,
    /// Stop when the events reach this file size, whichever comes first.
    pub bytes: u64,
    /// 100 ns added to the times for each repetition, at least the span of the small capture.
    pub time_step: u64,
    /// Added to the driver's sequence numbers for each repetition, at least their span.
    pub sequence_step: u32,
    /// After every so many events leave a hole (0: never) …
    pub hole_every: u64,
    /// … of so many bytes, which a sparse file does not store.
    pub hole_bytes: u64,
}

impl Default for Growth {
    fn default() -> Self {
        Self { events: u64::MAX, bytes: u64::MAX, time_step: 0, sequence_step: 0, hole_every: 0, hole_bytes: 0 }
    }
}

/// Repeats `events` until `growth` is reached, each round later in time, and returns how many were written.
///
/// Strings and processes are the caller's to add. Network events count their sequence numbers apart and are shifted
/// all the same. An empty input ends at once.
pub fn grow<'a, W, I>(pml: &mut PmlWriter<W>, events: I, growth: &Growth) -> Result<u64, WriteError>
where
    W: Write + Seek,
    I: Iterator<Item = RawEvent<'a>> + Clone,
{
    let mut written = 0_u64;
    let mut round = 0_u64;
    loop {
        let before = written;
        for mut event in events.clone() {
            if written >= growth.events || pml.position() >= growth.bytes {
                return Ok(written);
            }
            event.time = event.time.saturating_add(growth.time_step.saturating_mul(round));
            event.sequence = event.sequence.wrapping_add(growth.sequence_step.wrapping_mul(round as u32));
            if growth.hole_every > 0 && written > 0 && written.is_multiple_of(growth.hole_every) {
                pml.skip(growth.hole_bytes)?;
            }
            pml.event(&event)?;
            written += 1;
        }
        if written == before {
            return Ok(written);
        }
        round += 1;
    }
}
