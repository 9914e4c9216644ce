//! The rows of a CSV or XML export.

use super::asked::{Asked, Chosen};
use super::{Source, inspect};
use crate::capture::columns::Column;
use crate::capture::filter::CompiledFilter;
use crate::capture::source::Source as _;
use crate::cli::fail::Fail;
use crate::cli::filters::lacking;
use crate::cli::input::{bad_rows, ended_early, repeated_columns};
use crate::cli::output;
use crate::export::texts::{self, TextFacts, TextFrame, TextPlace, TextRows, TextTime};
use crate::export::{Format, Request};
use crate::import::{self, Export, ExportRow, Listed, RowPlace};
use crate::lang::{Lang, Text, events as t};
use crate::redact::Redaction;
use std::fmt::Display;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::Path;

/// An export and what is asked of it.
pub(super) struct Rows<'s> {
    pub(super) export: &'s Export,
    pub(super) source: &'s Source,
    pub(super) asked: &'s Asked,
    pub(super) redaction: Option<&'s Redaction>,
    pub(super) lang: Lang,
}

/// What is asked that an export cannot give.
pub(super) fn warnings(export: &Export, request: &Request, asked: &Asked, path: &Path, lang: Lang) -> Vec<String> {
    let present = export.columns_in_order();
    let mut lines = Vec::new();
    let mut add = |text: Text, names: &str| {
        let values: &[(&str, &dyn Display)] = &[("file", &path.display()), ("names", &names)];
        lines.push(text.fill(lang, values));
    };
    if asked.wording {
        add(t::AS_WRITTEN, "");
    }
    let lacks = |column: &Column| !present.contains(column);
    let titles = |columns: Vec<Column>| columns.iter().map(|column| column.title()).collect::<Vec<_>>().join(", ");
    if request.format != Format::Jsonl {
        // An event class follows from the operation.
        let lacking = request.columns.iter().copied().filter(|column| lacks(column) && *column != Column::EventClass);
        let lacking = titles(lacking.collect());
        if !lacking.is_empty() {
            add(t::LACKS_COLUMNS, &lacking);
        }
    }
    let unknown = &export.columns().unknown;
    if !unknown.is_empty() {
        add(t::UNKNOWN_TITLES, &unknown.join(", "));
    }
    if request.stacks && export.format() == import::Format::Csv {
        add(t::NO_STACKS_IN_CSV, "");
    }
    lines.extend(repeated_columns(export, lang));
    lines.extend(lacking(export, &request.filter, lang));
    lines
}

fn passes(filter: &CompiledFilter, row: &ExportRow<'_>) -> bool {
    filter.passes(&mut { *row }, &mut Vec::new())
}

fn holds(ranges: &[RangeInclusive<u64>], number: u64) -> bool {
    ranges.iter().any(|range| range.contains(&number))
}

impl Rows<'_> {
    /// Writes everything to `out`, which goes to `path`; returns the sentences about what it met.
    ///
    /// # Errors
    /// Those of `out`, or a number beyond the last row.
    pub(super) fn write(&self, path: &Path, out: &mut dyn Write) -> Result<Vec<String>, Fail> {
        let chosen = self.asked.choose(|| self.export.facts().rows)?;
        let mut passing = Vec::new();
        let mut listed = None;
        if chosen.has_lines() {
            listed = Some(self.lines(&chosen, &mut passing, out).map_err(output::written(path))?);
        }
        if !chosen.full.is_empty() {
            passing.clear();
            listed = Some(self.full(&chosen, &mut passing, out).map_err(output::written(path))?);
        }
        let complaints = listed.map(|listed| self.complaints(&listed)).unwrap_or_default();
        Ok(complaints.into_iter().chain(self.asked.left_out(&passing)).collect())
    }

    fn complaints(&self, listed: &Listed) -> Vec<String> {
        let mut lines = bad_rows(&self.source.path, &listed.malformed, self.lang);
        lines.extend(listed.ended_early.as_ref().map(|why| ended_early(&self.source.path, why, self.lang)));
        lines
    }

    /// Writes rows as lines.
    fn lines(&self, chosen: &Chosen, passing: &mut Vec<u64>, out: &mut dyn Write) -> io::Result<Listed> {
        let request = &self.source.request;
        let present = self.export.columns_in_order();
        let rows = TextRows::new(request, &present, self.redaction);
        let xml = request.format == Format::Xml;
        if xml {
            self.process_list(out)?;
        }
        out.write_all(&rows.head())?;
        let filter = self.asked.filter.compile();
        let stacks = request.stacks && matches!(request.format, Format::Xml | Format::Jsonl);
        let mut result = Ok(());
        let mut place = Vec::new();
        let mut first = true;
        let listed = self.export.rows(
            stacks,
            |row| {
                passes(&filter, row).then(|| {
                    let mut line = Vec::new();
                    rows.row(&mut line, &mut { *row }, &facts(row));
                    line
                })
            },
            |at, line| {
                let wanted = chosen.lines.as_ref().is_none_or(|ranges| holds(ranges, at.event.0));
                if result.is_err() || !wanted {
                    return;
                }
                if chosen.lines.is_some() {
                    passing.push(at.event.0);
                }
                let process = if xml { self.process(&at) } else { None };
                place.clear();
                rows.place(&mut place, &TextPlace { event: at.event.0, time: self.time(&at), process }, first);
                first = false;
                result = out.write_all(&place).and_then(|()| out.write_all(&line));
            },
        );
        result?;
        out.write_all(rows.tail())?;
        Ok(listed)
    }

    /// The number of a row's process: that of the process list, or of the list made from the rows.
    fn process(&self, place: &RowPlace) -> Option<u32> {
        self.export.listed_process_of(place).or_else(|| self.export.process_of(place).map(|process| process.0))
    }

    fn time(&self, place: &RowPlace) -> TextTime {
        let clock = self.export.clock();
        let time = crate::nt::FileTime(place.time.0 - place.time.0 % clock.resolution.max(1));
        if !self.export.tells_moments() {
            TextTime::Unknown
        } else if clock.utc_offset_known && clock.date_known {
            TextTime::Utc(time)
        } else if clock.date_known {
            TextTime::Local(time)
        } else {
            TextTime::OfDay(self.export.local(time))
        }
    }

    /// Writes an XML document up to its first event: with the list of the export, or with one made from the rows.
    fn process_list(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.export.format() != import::Format::Xml {
            let utc = self.export.clock().utc_offset_known && self.export.clock().date_known;
            return out.write_all(&texts::xml_head(&self.export.survey().processes, utc, self.redaction));
        }
        out.write_all(texts::xml_declaration())?;
        self.export.process_list(|line| match self.redaction {
            Some(redaction) => out.write_all(&texts::redact_xml(line, redaction)),
            None => out.write_all(line),
        })
    }

    /// Writes single rows with everything known.
    fn full(&self, chosen: &Chosen, passing: &mut Vec<u64>, out: &mut dyn Write) -> io::Result<Listed> {
        let request = &self.source.request;
        let present = self.export.columns_in_order();
        let rows = TextRows::new(request, &present, self.redaction);
        let file = self.source.name();
        let hide = |text: &str| self.redaction.map_or_else(|| text.to_owned(), |redaction| redaction.text(text));
        let mut result = Ok(());
        let mut between = chosen.has_lines();
        let filter = self.asked.filter.compile();
        let listed = self.export.rows(
            true,
            |row| {
                if !passes(&filter, row) {
                    return None;
                }
                let mut shown = Vec::new();
                for column in &present {
                    let mut text = Vec::new();
                    rows.text(&mut text, &mut { *row }, *column);
                    shown.push((column.title(), String::from_utf8_lossy(&text).into_owned()));
                }
                let mut stack = facts(row).stack;
                for frame in &mut stack {
                    frame.path = hide(&frame.path);
                }
                Some((shown, stack))
            },
            |at, (columns, stack)| {
                if result.is_err() || !holds(&chosen.full, at.event.0) {
                    return;
                }
                passing.push(at.event.0);
                let mut text = Vec::new();
                if between {
                    text.push(b'\n');
                }
                between = true;
                result = inspect::print_row(at.event.0, &hide(&file), (&columns, &stack), self.lang, &mut text)
                    .and_then(|()| out.write_all(&inspect::for_terminal(text, request.ascii)));
            },
        );
        result.map(|()| listed)
    }
}

fn facts(row: &ExportRow<'_>) -> TextFacts {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    TextFacts {
        class: row.class(),
        status: row.known_status(),
        duration: row.duration(),
        stack: row
            .row
            .frames()
            .map(|frame| TextFrame {
                address: frame.address,
                kernel: frame.kernel,
                path: text(frame.path),
                location: text(frame.location),
            })
            .collect(),
    }
}
