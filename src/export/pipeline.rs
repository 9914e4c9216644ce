//! Events in order, rendered by many threads: chunks of rows into buffers of their own, written one after another.
//!
//! Chunks come in waves. While one wave is being written the next is rendered, so memory is bounded by two waves
//! whatever the capture's size, and the bytes do not depend on the number of threads.

use super::render::{Renderer, is_whole};
use super::row::Row;
use super::scene::Scene;
use super::selector::{Memory, Selector};
use crate::pml::PmlError;
use rayon::prelude::*;
use std::io::{self, Write};

/// Events rendered into one buffer.
const CHUNK: u32 = 512;
/// Events looked at in one piece when a filter leaves most of them out.
const FILTERED_CHUNK: u32 = 4_096;
/// Events whose heads are read together.
const BATCH: usize = 16;
/// Buffers larger than this are given back after use: a few odd events must not grow memory for good.
const KEEP: usize = 1 << 20;

/// How one format writes rows of one capture file.
pub(crate) trait RowWriter<'a>: Sync {
    /// What rows are rendered against.
    fn scene(&self) -> Scene<'a>;
    /// Writes event number `number`.
    fn row(&self, out: &mut Vec<u8>, renderer: &mut Renderer<'a>, number: u64, row: &Row<'a>);
    /// Writes what stands for an event whose record cannot be read.
    fn unreadable(&self, out: &mut Vec<u8>, number: u64, error: &PmlError);
}

/// Which events of a capture file to write, and their numbers in the capture.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    /// Number of the file's first event in the capture.
    pub(crate) first: u64,
    /// Numbers within the file.
    pub(crate) range: std::ops::Range<u32>,
}

/// What an export met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events written.
    pub written: u64,
    /// Events whose detail did not hold its structure: written with the detail as hex.
    pub broken: u64,
    /// Events whose record lies outside the file.
    pub unreadable: u64,
    /// Number of the first event that was broken or unreadable.
    pub first_bad: Option<u64>,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        self.written += other.written;
        self.broken += other.broken;
        self.unreadable += other.unreadable;
        self.first_bad = self.first_bad.or(other.first_bad);
    }
}

#[derive(Debug, Default)]
struct Chunk {
    buffer: Vec<u8>,
    outcome: Outcome,
    memory: Memory,
}

/// Renders and writes the events; `progress` hears of events done.
pub(crate) fn run<'a, W: RowWriter<'a>>(
    writer: &W,
    events: &Events,
    selector: Option<&Selector<'a>>,
    sink: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> io::Result<Outcome> {
    let threads = rayon::current_num_threads();
    let per_wave = (threads * 4).clamp(4, 48) as u32;
    let chunk = if selector.is_some() { FILTERED_CHUNK } else { CHUNK };
    let mut total = Outcome::default();
    let mut waves: [Vec<Chunk>; 2] = Default::default();
    let mut at = events.range.start;
    let (mut rendering, mut writing) = (0, 1);
    loop {
        let end = at.saturating_add(per_wave * chunk).min(events.range.end);
        let starts: Vec<u32> = (at..end).step_by(chunk as usize).collect();
        let mut previous = std::mem::take(&mut waves[writing]);
        let mut current = std::mem::take(&mut waves[rendering]);
        current.resize_with(starts.len(), Chunk::default);
        let (written, ()) = rayon::join(
            || write(&mut previous, sink, &mut total),
            || {
                current.par_iter_mut().zip(starts).for_each(|(target, start)| {
                    let range = start..start.saturating_add(chunk).min(end);
                    render(writer, events.first, range, selector, target);
                });
            },
        );
        written?;
        if !progress(u64::from(end - at)) {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        let done = current.is_empty();
        waves[writing] = previous;
        waves[rendering] = current;
        if done {
            return Ok(total);
        }
        at = end;
        (rendering, writing) = (writing, rendering);
    }
}

fn render<'a, W: RowWriter<'a>>(
    writer: &W,
    first: u64,
    range: std::ops::Range<u32>,
    selector: Option<&Selector<'a>>,
    chunk: &mut Chunk,
) {
    chunk.buffer.clear();
    chunk.outcome = Outcome::default();
    let scene = writer.scene();
    let mut renderer = Renderer::new(scene);
    let emit = |n: u32, chunk: &mut Chunk, renderer: &mut Renderer<'a>| {
        let number = first + u64::from(n);
        match scene.pml.event(n) {
            Ok(event) => {
                let row = match selector {
                    None => Row::new(event),
                    Some(selector) => match selector.select(event, &mut chunk.memory, renderer) {
                        Some(row) => row,
                        None => return,
                    },
                };
                let before = renderer.broken;
                writer.row(&mut chunk.buffer, renderer, number, &row);
                if renderer.broken > before || !is_whole(&row) {
                    chunk.outcome.broken += 1;
                    chunk.outcome.first_bad.get_or_insert(number);
                }
            }
            Err(error) => {
                writer.unreadable(&mut chunk.buffer, number, &error);
                chunk.outcome.unreadable += 1;
                chunk.outcome.first_bad.get_or_insert(number);
            }
        }
        chunk.outcome.written += 1;
    };
    let Some(selector) = selector else {
        range.for_each(|n| emit(n, chunk, &mut renderer));
        return;
    };
    let mut heads = [None; BATCH];
    for batch in range.clone().step_by(BATCH) {
        scene.pml.heads(batch, &mut heads);
        for (n, head) in (batch..range.end).zip(&heads) {
            // A record outside the file is shown whatever the filter: it cannot be asked.
            if head.as_ref().is_none_or(|head| selector.may_pass(head, &mut chunk.memory)) {
                emit(n, chunk, &mut renderer);
            }
        }
    }
}

fn write(chunks: &mut [Chunk], sink: &mut dyn Write, total: &mut Outcome) -> io::Result<()> {
    for chunk in chunks {
        sink.write_all(&chunk.buffer)?;
        total.add(&chunk.outcome);
        if chunk.buffer.capacity() > KEEP {
            chunk.buffer = Vec::new();
        }
    }
    Ok(())
}
