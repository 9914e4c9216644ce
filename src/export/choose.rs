//! The events that pass a filter, as numbers.

use super::Context;
use super::render::Renderer;
use super::scene::{Scene, SegmentTexts};
use super::selector::{Memory, Selector};
use crate::capture::EventIndex;
use crate::capture::filter::{CompiledFilter, Filter};
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
            let selector = selector(scene, &compiled);
            for range in super::ranges(events, segment.first_event, segment.pml().event_count()) {
                let chunks: Vec<_> = range.clone().step_by(CHUNK).map(|from| (from, range.end)).collect();
                let parts: Vec<Vec<EventIndex>> = chunks
                    .into_par_iter()
                    .map(|(from, end)| {
                        let mut asker = Asker::new(scene, selector.as_ref());
                        let to = from.saturating_add(CHUNK as u32).min(end);
                        let passing = (from..to).filter(|n| asker.passes(*n));
                        passing.map(|n| EventIndex(segment.first_event + u64::from(n))).collect()
                    })
                    .collect();
                chosen.extend(parts.into_iter().flatten());
            }
        }
        chosen
    }

    /// Those of `events`, which ascend, that pass `filter`.
    pub fn passing(&self, filter: &Filter, events: &[EventIndex]) -> Vec<EventIndex> {
        let compiled = filter.compile();
        let mut passing = Vec::new();
        let mut rest = events;
        for segment in self.capture.segments() {
            let first = segment.first_event;
            let end = first + u64::from(segment.pml().event_count());
            let (here, later) = rest.split_at(rest.partition_point(|event| event.0 < end));
            rest = later;
            if here.is_empty() {
                continue;
            }
            let texts = SegmentTexts::new(segment.pml());
            let scene = self.scene(segment, &texts);
            let selector = selector(scene, &compiled);
            let parts: Vec<Vec<EventIndex>> = here
                .par_chunks(CHUNK)
                .map(|part| {
                    let mut asker = Asker::new(scene, selector.as_ref());
                    let number = |event: &EventIndex| u32::try_from(event.0.checked_sub(first)?).ok();
                    let passes = |event: &&EventIndex| number(event).is_some_and(|n| asker.passes(n));
                    part.iter().filter(passes).copied().collect()
                })
                .collect();
            passing.extend(parts.into_iter().flatten());
        }
        passing
    }
}

fn selector<'a>(scene: Scene<'a>, filter: &'a CompiledFilter) -> Option<Selector<'a>> {
    if filter.columns.is_empty() { None } else { Some(Selector::new(scene, filter)) }
}

/// Asks a selector about events by number, on one thread.
struct Asker<'s, 'a> {
    scene: Scene<'a>,
    selector: Option<&'s Selector<'a>>,
    memory: Memory,
    renderer: Renderer<'a>,
}

impl<'s, 'a> Asker<'s, 'a> {
    fn new(scene: Scene<'a>, selector: Option<&'s Selector<'a>>) -> Self {
        Self { scene, selector, memory: Memory::default(), renderer: Renderer::new(scene) }
    }

    /// Whether event `n` of the file passes; one outside the file cannot be asked, and passes no rule.
    fn passes(&mut self, n: u32) -> bool {
        let Some(selector) = self.selector else { return true };
        let mut head = [None];
        self.scene.pml.heads(n, &mut head);
        let [Some(head)] = &head else { return false };
        selector.may_pass(head, &mut self.memory)
            && self
                .scene
                .pml
                .event(n)
                .is_ok_and(|event| selector.select(event, &mut self.memory, &mut self.renderer).is_some())
    }
}
