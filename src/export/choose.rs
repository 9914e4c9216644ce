//! The events that pass a filter, as numbers.

use super::Context;
use super::render::Renderer;
use super::scene::SegmentTexts;
use super::selector::{Memory, Selector};
use crate::capture::EventIndex;
use crate::capture::filter::Filter;
use rayon::prelude::*;
use std::ops::RangeInclusive;

/// Events looked at as one piece of work.
const CHUNK: usize = 4_096;

impl Context<'_> {
    /// The events that pass `filter`, of those in `events` when given; ascending, each once.
    pub fn choose(&self, filter: &Filter, events: Option<&[RangeInclusive<u64>]>) -> Vec<EventIndex> {
        let compiled = filter.compile();
        let mut chosen = Vec::new();
        for segment in self.capture.segments() {
            let texts = SegmentTexts::new(segment.pml());
            let scene = self.scene(segment, &texts);
            let selector = if filter.is_empty() { None } else { Some(Selector::new(scene, &compiled)) };
            for range in super::ranges(events, segment.first_event, segment.pml().event_count()) {
                let chunks: Vec<_> = range.clone().step_by(CHUNK).map(|from| (from, range.end)).collect();
                let parts: Vec<Vec<EventIndex>> = chunks
                    .into_par_iter()
                    .map(|(from, end)| {
                        let mut memory = Memory::default();
                        let mut renderer = Renderer::new(scene);
                        let to = from.saturating_add(CHUNK as u32).min(end);
                        let passes = |n: &u32| match (&selector, scene.pml.event(*n)) {
                            (None, _) => true,
                            (Some(_), Err(_)) => false,
                            (Some(selector), Ok(event)) => selector.select(event, &mut memory, &mut renderer).is_some(),
                        };
                        (from..to).filter(passes).map(|n| EventIndex(segment.first_event + u64::from(n))).collect()
                    })
                    .collect();
                chosen.extend(parts.into_iter().flatten());
            }
        }
        chosen
    }
}
