//! A filter against the events of one capture file, cheapest questions first.
//!
//! Columns of the process are decided once per process, results and operations once per value; only what is left is
//! asked of each event, and the path without being rendered where it is stored as shown.

use super::render::{Renderer, process_column};
use super::row::{Body, Row};
use super::scene::{ProcessTexts, Scene};
use crate::capture::columns::Column;
use crate::capture::filter::{ColumnRules, CompiledFilter, FilterView};
use crate::pml::bytes::DetailText;
use crate::pml::{Event, Head};
use rustc_hash::FxHashMap;

/// A compiled filter with what can be decided beforehand.
#[derive(Debug)]
pub(crate) struct Selector<'a> {
    scene: Scene<'a>,
    /// For each process slot, whether all rules on process columns pass.
    processes: Option<Vec<bool>>,
    result: Option<&'a ColumnRules>,
    class: Option<&'a ColumnRules>,
    operation: Option<&'a ColumnRules>,
    path: Option<&'a ColumnRules>,
    rest: Vec<&'a ColumnRules>,
}

/// What one thread remembers between events.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    results: FxHashMap<u32, bool>,
    operations: FxHashMap<u64, bool>,
    scratch: Vec<u8>,
}

struct OfProcess<'p>(&'p ProcessTexts);

impl FilterView for OfProcess<'_> {
    fn text(&mut self, column: Column, out: &mut Vec<u8>) {
        let clock = super::locale::Clock::new(super::Locale::en_us(), 0);
        process_column(out, self.0, column, &clock);
    }

    fn number(&mut self, column: Column) -> Option<u64> {
        let process = self.0;
        let pid = process.pid?;
        Some(match column {
            Column::Pid => pid.into(),
            Column::ParentPid => process.parent_pid.into(),
            Column::Session => process.session.into(),
            Column::Architecture => {
                if process.is_64_bit {
                    64
                } else {
                    32
                }
            }
            _ => return None,
        })
    }
}

impl<'a> Selector<'a> {
    pub(crate) fn new(scene: Scene<'a>, filter: &'a CompiledFilter) -> Self {
        let (of_process, others): (Vec<&ColumnRules>, Vec<&ColumnRules>) =
            filter.columns.iter().partition(|rules| rules.column.is_of_process());
        let processes = if of_process.is_empty() {
            None
        } else {
            let mut scratch = Vec::new();
            let passes = |process: &ProcessTexts| {
                of_process.iter().all(|rules| rules.pass(&mut OfProcess(process), &mut scratch))
            };
            Some(scene.texts.processes().iter().map(passes).collect())
        };
        let mut selector =
            Self { scene, processes, result: None, class: None, operation: None, path: None, rest: Vec::new() };
        for rules in others {
            match rules.column {
                Column::Result => selector.result = Some(rules),
                Column::EventClass => selector.class = Some(rules),
                Column::Operation => selector.operation = Some(rules),
                Column::Path => selector.path = Some(rules),
                _ => selector.rest.push(rules),
            }
        }
        selector
    }

    /// Whether the event may pass, from its head alone.
    #[inline]
    pub(crate) fn may_pass(&self, head: &Head, memory: &mut Memory) -> bool {
        if let Some(rules) = self.result {
            let passes = *memory.results.entry(head.status.0).or_insert_with(|| {
                let mut text = Vec::new();
                super::render::result(&mut text, head.status, self.scene.style.generation);
                rules.pass_text(&text)
            });
            if !passes {
                return false;
            }
        }
        if let Some(processes) = &self.processes {
            let slot = self.scene.texts.slot(self.scene.pml, head.process);
            if !processes.get(slot).copied().unwrap_or_default() {
                return false;
            }
        }
        match self.class {
            Some(rules) => rules.pass_text(super::render::class_name(head.class).as_bytes()),
            None => true,
        }
    }

    /// The row of an event that [`Self::may_pass`], when it passes.
    #[inline]
    pub(crate) fn select(&self, event: Event<'a>, memory: &mut Memory, renderer: &mut Renderer<'a>) -> Option<Row<'a>> {
        let row = Row::new(event);
        if let Some(rules) = self.operation {
            let passes = *memory
                .operations
                .entry(operation_key(&row))
                .or_insert_with(|| rules.pass_text(row.operation_name(&self.scene).as_bytes()));
            if !passes {
                return None;
            }
        }
        if let Some(rules) = self.path {
            let passes = match row.plain_path() {
                Some(DetailText::Ascii(path)) => rules.pass_text(path),
                _ => {
                    memory.scratch.clear();
                    super::render::path(&mut memory.scratch, &row, &self.scene);
                    rules.pass_text(&memory.scratch)
                }
            };
            if !passes {
                return None;
            }
        }
        for rules in &self.rest {
            memory.scratch.clear();
            if !rules.pass(&mut OfEvent { renderer: &mut *renderer, row: &row }, &mut memory.scratch) {
                return None;
            }
        }
        Some(row)
    }
}

/// Everything that decides the operation's name.
fn operation_key(row: &Row<'_>) -> u64 {
    let more = match row.body {
        Body::File(file) => u64::from(file.sub_operation()) | u64::from(file.callback_flags() & 0xFF) << 8,
        Body::Network(network) => network.is_tcp().into(),
        _ => 0,
    };
    more << 48 | u64::from(row.operation) << 32 | u64::from(row.class.0)
}

struct OfEvent<'r, 'a> {
    renderer: &'r mut Renderer<'a>,
    row: &'r Row<'a>,
}

impl FilterView for OfEvent<'_, '_> {
    fn text(&mut self, column: Column, out: &mut Vec<u8>) {
        // A broken detail is counted where the event is written, not where it is looked at.
        let broken = self.renderer.broken;
        self.renderer.column(out, self.row, column);
        self.renderer.broken = broken;
    }

    fn number(&mut self, column: Column) -> Option<u64> {
        if column == Column::Tid { Some(self.row.event.thread_id().into()) } else { None }
    }
}
