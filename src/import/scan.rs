//! Passes over the rows of an export: block by block, in parallel, in bounded memory.

use super::columns::{Columns, FIELDS, Field};
use super::csv::{BadReason, CsvBlock, CsvBlocks, Shape, line_end, split};
use super::row::{Row, UNREADABLE, status};
use super::xml::{XmlBlock, XmlBlocks};
use super::xml_processes::XmlProcess;
use crate::capture::op::PathTable;
use crate::nt::NtStatus;
use memchr::{memchr, memchr_iter};
use rayon::prelude::*;

/// A row that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its line in the file, the first being 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: BadReason,
}

/// Rows that could not be read: how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Malformed {
    /// All.
    pub rows: u64,
    /// The first [`Self::KEPT`].
    pub first: Vec<BadRow>,
    /// Numbers of rows within their block.
    pub(crate) numbers: Vec<u64>,
}

impl Malformed {
    /// How many are kept one by one.
    pub const KEPT: usize = 20;

    pub(crate) fn add(&mut self, line: u64, number: u64, reason: BadReason) {
        self.rows += 1;
        self.numbers.push(number);
        if self.first.len() < Self::KEPT {
            self.first.push(BadRow { line, reason });
        }
    }

    /// Adds those of a block whose first line is `first_line`.
    pub(crate) fn join(&mut self, block: &Self, first_line: u64) {
        self.rows += block.rows;
        for bad in &block.first {
            if self.first.len() < Self::KEPT {
                self.first.push(BadRow { line: bad.line + first_line, reason: bad.reason });
            }
        }
    }
}

/// A piece of an export.
pub(crate) enum Block {
    Csv(CsvBlock),
    Xml(XmlBlock),
}

/// How many rows and lines a block has, and which rows are broken (lines counted from the block's first, 0).
#[derive(Debug, Default)]
pub(crate) struct Extent {
    pub(crate) rows: u64,
    pub(crate) lines: u64,
    pub(crate) bad: Malformed,
}

impl Block {
    /// Bytes.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Csv(block) => block.data.len(),
            Self::Xml(block) => block.data.len(),
        }
    }

    /// Calls `visit` with the number (within the block) and the content of every row that can be read.
    ///
    /// A broken row has a number too, so that the numbers of the others stay those of the file.
    pub(crate) fn rows(
        &self,
        columns: &Columns,
        delimiter: u8,
        mut visit: impl FnMut(u64, &Row<'_>) -> Result<(), BadReason>,
    ) -> Extent {
        match self {
            Self::Csv(block) => csv_rows(block, columns, delimiter, visit),
            Self::Xml(block) => {
                let mut extent = Extent::default();
                for line in &block.damage {
                    extent.bad.add(*line, 0, BadReason::Tag);
                }
                for (fields, event) in block.fields.chunks_exact(FIELDS).zip(&block.events) {
                    let stack = block.frames.get(event.frames.0 as usize..event.frames.1 as usize).unwrap_or_default();
                    let calls = block.calls.get(event.calls.0 as usize..event.calls.1 as usize).unwrap_or_default();
                    let row = Row { data: &block.data, fields, columns, frames: event.depth, stack, calls };
                    let read = if event.broken { Err(BadReason::Tag) } else { visit(extent.rows, &row) };
                    if let Err(reason) = read {
                        extent.bad.add(event.line, extent.rows, reason);
                    }
                    extent.rows += 1;
                }
                extent
            }
        }
    }
}

fn csv_rows(
    block: &CsvBlock,
    columns: &Columns,
    delimiter: u8,
    mut visit: impl FnMut(u64, &Row<'_>) -> Result<(), BadReason>,
) -> Extent {
    let data = block.data.as_slice();
    let mut extent = Extent::default();
    let mut fields: Vec<Field> = Vec::with_capacity(columns.fields);
    if block.oversized {
        extent.bad.add(0, 0, BadReason::TooLong);
        return Extent { rows: 1, lines: 1, ..extent };
    }
    let mut at = 0;
    // Lines are counted only as far as a broken row makes it necessary.
    let (mut counted_to, mut line) = (0, 0u64);
    while at < data.len() {
        if matches!(data.get(at), Some(b'\n' | b'\r'))
            && let Some(behind) = line_end(data, at)
        {
            at = behind;
            continue;
        }
        let read = split(data, at, delimiter, &mut fields).and_then(|behind| {
            if fields.len() != columns.fields {
                return Err(BadReason::FieldCount);
            }
            Ok(behind)
        });
        let (next, result) = match read {
            Ok(behind) => {
                let row = Row { data, fields: &fields, columns, frames: 0, stack: &[], calls: &[] };
                (behind, visit(extent.rows, &row))
            }
            Err(reason) => {
                let rest = data.get(at..).unwrap_or_default();
                (at + memchr(b'\n', rest).map_or(rest.len(), |end| end + 1), Err(reason))
            }
        };
        if let Err(reason) = result {
            line += memchr_iter(b'\n', data.get(counted_to..at).unwrap_or_default()).count() as u64;
            counted_to = at;
            extent.bad.add(line, extent.rows, reason);
        }
        extent.rows += 1;
        at = next;
    }
    extent.lines = memchr_iter(b'\n', data).count() as u64;
    extent
}

/// The blocks of an export of either kind.
pub(crate) enum Blocks {
    Csv(CsvBlocks),
    Xml(Box<XmlBlocks>),
}

impl Blocks {
    pub(crate) fn csv(input: Box<dyn std::io::Read + Send>, shape: Shape, skip: usize) -> Self {
        Self::Csv(CsvBlocks::new(input, shape, skip))
    }

    pub(crate) fn xml(input: Box<dyn std::io::Read + Send>) -> Self {
        Self::Xml(Box::new(XmlBlocks::new(input)))
    }

    pub(crate) fn next(&mut self) -> Option<Block> {
        match self {
            Self::Csv(blocks) => blocks.next().map(Block::Csv),
            Self::Xml(blocks) => blocks.next().map(Block::Xml),
        }
    }

    /// The process list read so far.
    pub(crate) fn processes(&self) -> &[XmlProcess] {
        match self {
            Self::Csv(_) => &[],
            Self::Xml(blocks) => &blocks.processes,
        }
    }

    /// Fields in the order in which they stand in an event, as far as read.
    pub(crate) fn order(&self) -> &[usize] {
        match self {
            Self::Csv(_) => &[],
            Self::Xml(blocks) => &blocks.order,
        }
    }

    /// Keeps whole stacks from here on.
    pub(crate) fn keep_stacks(&mut self) {
        if let Self::Xml(blocks) = self {
            blocks.keep_stacks = true;
        }
    }

    /// Paths of the modules of the process list.
    pub(crate) fn module_paths(&self) -> Option<&PathTable> {
        match self {
            Self::Csv(_) => None,
            Self::Xml(blocks) => Some(&blocks.module_paths),
        }
    }

    /// What ended the stream before its end.
    pub(crate) fn error(&self) -> Option<String> {
        match self {
            Self::Csv(blocks) => blocks.error.as_ref().map(ToString::to_string),
            Self::Xml(blocks) => blocks.error.clone(),
        }
    }

    /// Runs `work` over all blocks in parallel and hands the results to `join` in order.
    ///
    /// While one batch of blocks is worked on, the next is read: no more than two batches are in memory.
    pub(crate) fn run<T: Send>(&mut self, work: impl Fn(&Block) -> T + Sync, mut join: impl FnMut(&Self, T)) {
        let size = rayon::current_num_threads().max(1) * 2;
        let mut batch: Vec<Block> = Vec::new();
        loop {
            let (done, next) = rayon::join(
                || batch.par_iter().map(&work).collect::<Vec<T>>(),
                || (0..size).map_while(|_| self.next()).collect::<Vec<Block>>(),
            );
            for part in done {
                join(self, part);
            }
            if next.is_empty() {
                return;
            }
            batch = next;
        }
    }
}

/// Result texts of a block with their codes: a capture has few.
#[derive(Debug, Default)]
pub(crate) struct Results {
    known: Vec<(Box<[u8]>, NtStatus)>,
}

impl Results {
    /// The status of a row.
    #[inline]
    pub(crate) fn find(&mut self, text: &[u8]) -> NtStatus {
        if text == b"SUCCESS" {
            return NtStatus::SUCCESS;
        }
        if let Some((_, found)) = self.known.iter().find(|(known, _)| **known == *text) {
            return *found;
        }
        let found = std::str::from_utf8(text).ok().and_then(status).unwrap_or(UNREADABLE);
        if self.known.len() < 256 {
            self.known.push((text.into(), found));
        }
        found
    }

    /// Texts that are not in Procmon's table as known here.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &[u8]> {
        self.known.iter().filter(|(_, status)| *status == UNREADABLE).map(|(text, _)| &**text)
    }
}
