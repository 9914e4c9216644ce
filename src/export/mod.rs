//! Events as Procmon prints them: CSV, XML, JSON lines and a table, of one wording and one set of columns.
//!
//! A [`Context`] joins a capture with a [`Style`]; [`Context::write`] exports, [`Context::inspect`] looks at one event.

mod category;
mod check;
mod choose;
mod csv;
mod fields;
pub(crate) mod hide;
mod inspect;
mod json;
mod jsonl;
pub mod locale;
mod pipeline;
mod plan;
pub mod pml;
mod render;
mod row;
pub mod scene;
mod selector;
mod sink;
mod table;
mod text;
pub mod texts;
mod xml;

pub use inspect::{Inspected, InspectedFrame};
pub use locale::Locale;
pub use pipeline::Outcome;
pub use scene::Style;

use crate::capture::columns::Column;
use crate::capture::filter::Filter;
use crate::capture::modules::StackResolver;
use crate::capture::{Capture, Segment};
use crate::nt::FileTime;
use crate::redact::Redaction;
use pipeline::{Events, RowWriter};
use scene::{Accounts, Scene, SegmentTexts};
use selector::Selector;
use std::io::{self, Write};
use std::ops::RangeInclusive;

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// Lines for people.
    #[default]
    Table,
    /// Procmon's CSV.
    Csv,
    /// Procmon's XML.
    Xml,
    /// One JSON object a line.
    Jsonl,
}

/// What to write.
#[derive(Clone, Debug)]
pub struct Request {
    /// Form.
    pub format: Format,
    /// Columns in order; JSON lines ignore them.
    pub columns: Vec<Column>,
    /// Which events.
    pub filter: Filter,
    /// Only these event numbers; `None` for all.
    pub events: Option<Vec<RangeInclusive<u64>>>,
    /// With stacks (XML and JSON lines).
    pub stacks: bool,
    /// Cells of a terminal line, to cut a table to; `None` cuts nothing.
    pub width: Option<usize>,
    /// A table for a terminal that shows ASCII only.
    pub ascii: bool,
    /// Name of the capture, for JSON lines of several.
    pub capture: Option<String>,
    /// Without what stands in front of the first line of CSV: it continues another capture's.
    pub headless: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            format: Format::default(),
            columns: Column::DEFAULT.to_vec(),
            filter: Filter::default(),
            events: None,
            stacks: false,
            width: None,
            ascii: false,
            capture: None,
            headless: false,
        }
    }
}

/// A capture and how its events are to be worded.
#[derive(Debug)]
pub struct Context<'c> {
    capture: &'c Capture,
    style: Style,
    accounts: Accounts<'c>,
    origin: FileTime,
    redaction: Option<&'c Redaction>,
}

impl<'c> Context<'c> {
    /// Joins them.
    pub fn new(capture: &'c Capture, style: Style) -> Self {
        let origin = capture.span().map(|(first, _)| first).unwrap_or_default();
        Self { capture, style, accounts: Accounts::new(capture), origin, redaction: None }
    }

    /// The same with names replaced in everything it writes. An environment, where names and secrets of every kind stand,
    /// is left out.
    pub const fn redacted(mut self, redaction: &'c Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    fn scene<'a>(&'a self, segment: &'a Segment, texts: &'a SegmentTexts) -> Scene<'a> {
        Scene {
            pml: segment.pml(),
            texts,
            accounts: &self.accounts,
            style: self.style,
            origin: self.origin,
            redaction: self.redaction,
        }
    }

    /// Writes the events. `progress` hears how many events more have been gone through, and stops the export by
    /// returning `false`.
    ///
    /// # Errors
    /// Those of `out`; [`io::ErrorKind::Interrupted`] when `progress` stopped it.
    pub fn write(
        &self,
        request: &Request,
        out: &mut (dyn Write + Send),
        progress: &(dyn Fn(u64) -> bool + Sync),
    ) -> io::Result<Outcome> {
        let segments = self.capture.segments();
        let texts: Vec<SegmentTexts> = segments.iter().map(|segment| SegmentTexts::new(segment.pml())).collect();
        let layout = table::Layout::new(request);
        match request.format {
            Format::Csv if request.headless => {}
            Format::Csv => out.write_all(&csv::Csv::header(&request.columns))?,
            Format::Xml => xml::head(self.capture, &texts, self.redaction, out)?,
            Format::Table => out.write_all(&layout.header())?,
            Format::Jsonl => {}
        }
        let details = request.format == Format::Jsonl || request.columns.contains(&Column::Detail);
        if details && request.filter.is_empty() && request.events.is_none() {
            self.accounts.find_all();
        }
        let compiled = request.filter.compile();
        let mut total = Outcome::default();
        // XML has an empty line between events: each brings one, and the very first is skipped.
        let mut out = xml::SkipFirst { inner: out, left: if request.format == Format::Xml { 2 } else { 0 } };
        for (segment, texts) in segments.iter().zip(&texts) {
            let scene = self.scene(segment, texts);
            let selector = if request.filter.is_empty() { None } else { Some(Selector::new(scene, &compiled)) };
            let job = Job { segment, request, selector: selector.as_ref(), progress };
            let resolver = || if request.stacks { Some(StackResolver::new(scene.pml.container())) } else { None };
            let outcome = match request.format {
                Format::Csv => job.run(&csv::Csv::new(scene, &request.columns), &mut out),
                Format::Table => job.run(&table::Table { scene, layout: &layout }, &mut out),
                Format::Jsonl => job.run(&jsonl::Jsonl::new(scene, resolver(), request.capture.as_deref()), &mut out),
                Format::Xml => job.run(&xml::Xml::new(scene, &request.columns, resolver()), &mut out),
            }?;
            total.add(&outcome);
        }
        if request.format == Format::Xml {
            out.inner.write_all(xml::TAIL)?;
        }
        Ok(total)
    }
}

/// One capture file's share of an export.
struct Job<'j, 'a> {
    segment: &'a Segment,
    request: &'j Request,
    selector: Option<&'j Selector<'a>>,
    progress: &'j (dyn Fn(u64) -> bool + Sync),
}

impl<'a> Job<'_, 'a> {
    fn run<W: RowWriter<'a>>(&self, writer: &W, out: &mut (dyn Write + Send)) -> io::Result<Outcome> {
        let first = self.segment.first_event;
        let count = self.segment.pml().event_count();
        let mut total = Outcome::default();
        for range in ranges(self.request.events.as_deref(), first, count) {
            total.add(&pipeline::run(writer, &Events { first, range }, self.selector, out, self.progress)?);
        }
        Ok(total)
    }
}

/// The wanted events as numbers within a file whose first event is `first`, ascending, each once.
fn ranges(wanted: Option<&[RangeInclusive<u64>]>, first: u64, count: u32) -> Vec<std::ops::Range<u32>> {
    let Some(wanted) = wanted else { return std::iter::once(0..count).collect() };
    let clip = |number: u64| u32::try_from(number.saturating_sub(first)).unwrap_or(u32::MAX).min(count);
    let mut found: Vec<std::ops::Range<u32>> = wanted
        .iter()
        .map(|range| clip(*range.start())..clip(range.end().saturating_add(1)))
        .filter(|range| !range.is_empty())
        .collect();
    found.sort_by_key(|range| range.start);
    let mut merged: Vec<std::ops::Range<u32>> = Vec::new();
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_events_are_clipped_to_the_file() {
        assert_eq!(ranges(None, 100, 10), std::slice::from_ref(&(0..10)));
        assert_eq!(ranges(Some(&[105..=105, 90..=101, 100..=102, 109..=500]), 100, 10), [0..3, 5..6, 9..10]);
        assert_eq!(ranges(Some(&[0..=99, 110..=120]), 100, 10), []);
        assert_eq!(ranges(Some(&[0..=u64::MAX]), 100, 10), std::slice::from_ref(&(0..10)));
    }
}
