//! Every event decoded and nothing written: whether a capture's details hold what they announce.

use super::pipeline::Outcome;
use super::row::Row;
use super::scene::SegmentTexts;
use super::sink::{Bit, Sink};
use super::{Context, fields, render};
use crate::nt::FileTime;
use rayon::prelude::*;

/// Events decoded as one piece of work.
const CHUNK: u32 = 4_096;

impl Context<'_> {
    /// Decodes every event with its path and all fields of its detail and of what it returned, and counts those that
    /// do not hold their structure. `progress` hears how many events more have been gone through.
    pub fn check(&self, progress: &(dyn Fn(u64) + Sync)) -> Outcome {
        let mut total = Outcome::default();
        self.accounts.find_all();
        for segment in self.capture.segments() {
            let texts = SegmentTexts::new(segment.pml());
            let scene = self.scene(segment, &texts);
            let pml = segment.pml();
            let starts: Vec<u32> = (0..pml.event_count()).step_by(CHUNK as usize).collect();
            let decode = |from: u32| {
                let mut outcome = Outcome::default();
                let mut sink = Discard::default();
                let to = from.saturating_add(CHUNK).min(pml.event_count());
                for n in from..to {
                    let Ok(event) = pml.event(n) else {
                        outcome.unreadable += 1;
                        outcome.first_bad.get_or_insert(segment.first_event + u64::from(n));
                        continue;
                    };
                    let row = Row::new(event);
                    sink.text.clear();
                    row.path(&mut sink.text, &scene);
                    let whole = fields::send(&row, &scene, &mut sink).is_some() && render::is_whole(&row);
                    std::hint::black_box((&sink, row.operation_name(&scene), event.end()));
                    outcome.written += 1;
                    if !whole {
                        outcome.broken += 1;
                        outcome.first_bad.get_or_insert(segment.first_event + u64::from(n));
                    }
                }
                progress(u64::from(to - from));
                outcome
            };
            let parts: Vec<Outcome> = starts.into_par_iter().map(decode).collect();
            parts.iter().for_each(|part| total.add(part));
        }
        total
    }
}

/// Takes every value, typed, and keeps none.
#[derive(Debug, Default)]
struct Discard {
    /// Where texts are decoded to.
    text: Vec<u8>,
    /// Of all numbers, so that reading them cannot be left out.
    sum: u64,
}

impl Sink for Discard {
    const TYPED: bool = true;

    #[inline]
    fn key(&mut self, _: &str, _: &str) {}

    #[inline]
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    #[inline]
    fn decimal(&mut self, _: &str, _: &str, value: u64) {
        self.sum = self.sum.wrapping_add(value);
    }

    #[inline]
    fn signed(&mut self, _: &str, _: &str, value: i64) {
        self.sum = self.sum.wrapping_add(value.cast_unsigned());
    }

    #[inline]
    fn grouped(&mut self, label: &str, key: &str, value: u64) {
        self.decimal(label, key, value);
    }

    #[inline]
    fn grouped_signed(&mut self, label: &str, key: &str, value: i64) {
        self.signed(label, key, value);
    }

    #[inline]
    fn hex(&mut self, label: &str, key: &str, value: u64) {
        self.decimal(label, key, value);
    }

    #[inline]
    fn boolean(&mut self, label: &str, key: &str, value: bool) {
        self.decimal(label, key, value.into());
    }

    #[inline]
    fn date(&mut self, label: &str, key: &str, time: FileTime) {
        self.decimal(label, key, time.0);
    }

    #[inline]
    fn seconds(&mut self, label: &str, key: &str, ticks: u64, _: bool) {
        self.decimal(label, key, ticks);
    }

    #[inline]
    fn write(&mut self, _: &str, _: &str, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.text);
    }

    #[inline]
    fn mask(&mut self, label: &str, key: &str, value: u32, _: impl Iterator<Item = Bit>, _: impl FnOnce(&mut Vec<u8>)) {
        self.decimal(label, key, value.into());
    }
}
