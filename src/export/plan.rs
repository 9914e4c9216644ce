//! The columns of a line in steps: those of the event one by one, those of its process as texts made beforehand.

use super::scene::{ProcessTexts, SegmentTexts};
use crate::capture::columns::Column;

/// A step of writing a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A column that changes from event to event.
    Column(Column),
    /// Columns side by side that are the same for all events of a process.
    Process(usize),
}

/// Neighbouring columns of the process, and where in the line they stand.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) columns: Vec<Column>,
    /// Nothing stands in front of them.
    pub(crate) first: bool,
    /// Nothing stands behind them.
    pub(crate) last: bool,
}

/// The steps of a line, and the texts of each process.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    runs: usize,
    /// For each process, the texts of its runs in turn.
    rendered: Vec<Box<[u8]>>,
}

impl Plan {
    /// Splits `columns`, and makes the texts with `render`.
    pub(crate) fn new(
        columns: &[Column],
        texts: &SegmentTexts,
        render: impl Fn(&mut Vec<u8>, &ProcessTexts, &Run),
    ) -> Self {
        let mut steps = Vec::new();
        let mut runs: Vec<Run> = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            if !column.is_of_process() {
                steps.push(Step::Column(*column));
                continue;
            }
            if !matches!(steps.last(), Some(Step::Process(_))) {
                steps.push(Step::Process(runs.len()));
                runs.push(Run { columns: Vec::new(), first: at == 0, last: false });
            }
            if let Some(run) = runs.last_mut() {
                run.columns.push(*column);
                run.last = at + 1 == columns.len();
            }
        }
        let mut rendered = Vec::with_capacity(runs.len() * texts.processes().len());
        let mut out = Vec::new();
        for process in texts.processes() {
            for run in &runs {
                out.clear();
                render(&mut out, process, run);
                rendered.push(out.as_slice().into());
            }
        }
        Self { steps, runs: runs.len(), rendered }
    }

    /// The text of run `run` for the process at `slot`.
    pub(crate) fn text(&self, slot: usize, run: usize) -> &[u8] {
        self.rendered.get(slot * self.runs + run).map_or(&[], |text| text)
    }
}
