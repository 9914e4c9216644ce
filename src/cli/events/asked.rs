//! What the arguments of `events` ask for, understood.

use super::{EventsArgs, Opened};
use crate::capture::columns::{Column, parse_columns};
use crate::capture::filter::Filter;
use crate::cli::fail::Fail;
use crate::cli::filters::{no_event, parse_events};
use crate::export::locale::LOCALES;
use crate::export::{Format, Locale, Style};
use crate::lang::{Lang, events as t};
use crate::nt::FileTime;
use crate::pml::ops::Generation;
use jiff::tz::TimeZone;
use std::ops::RangeInclusive;

/// Neighbours shown on each side by `--around`.
const NEIGHBOURS: u64 = 5;

/// The arguments, understood.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) format: Format,
    /// Columns asked for, by themselves or by a configuration.
    columns: Option<Vec<Column>>,
    pub(super) filter: Filter,
    generation: Generation,
    locale: &'static Locale,
    zone: TimeZone,
    advanced: bool,
    /// Something was asked that only concerns how a PML capture is worded.
    pub(super) wording: bool,
    /// Single events, and those with their neighbours.
    single: Vec<RangeInclusive<u64>>,
    around: Vec<u64>,
    lang: Lang,
}

/// The columns of `text`, each once.
fn columns_once(text: &str, lang: Lang, warnings: &mut Vec<String>) -> Result<Vec<Column>, Fail> {
    let named = parse_columns(text).map_err(|name| {
        let columns = Column::titles().map(|(title, _)| title).collect::<Vec<_>>().join(", ");
        Fail::Usage(t::NO_COLUMN.fill(lang, &[("name", &name), ("columns", &columns)]))
    })?;
    let mut columns: Vec<Column> = Vec::new();
    let mut again: Vec<&str> = Vec::new();
    for column in named {
        if !columns.contains(&column) {
            columns.push(column);
        } else if !again.contains(&column.title()) {
            again.push(column.title());
        }
    }
    if !again.is_empty() {
        warnings.push(t::ASKED_TWICE.fill(lang, &[("names", &again.join(", "))]));
    }
    Ok(columns)
}

/// The events of one capture to show.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    /// Shown as lines; `None` for all.
    pub(super) lines: Option<Vec<RangeInclusive<u64>>>,
    /// Shown with everything known.
    pub(super) full: Vec<RangeInclusive<u64>>,
}

impl Chosen {
    /// Whether there are lines at all.
    pub(super) fn has_lines(&self) -> bool {
        self.full.is_empty() || self.lines.as_ref().is_some_and(|lines| !lines.is_empty())
    }
}

impl Asked {
    /// Understands the arguments; sentences for stderr go to `warnings`.
    pub(super) fn new(args: &EventsArgs, lang: Lang, warnings: &mut Vec<String>) -> Result<Self, Fail> {
        let name = args.locale.as_deref().unwrap_or("en-US");
        let locale = Locale::find(name).ok_or_else(|| {
            let known = LOCALES.iter().map(|locale| locale.tag).collect::<Vec<_>>().join(", ");
            Fail::Usage(t::NO_LOCALE.fill(lang, &[("name", &name), ("known", &known)]))
        })?;
        let zone = crate::cli::options::zone(args.tz.as_deref())?;
        let config = args.rules.rules().read(lang, warnings)?;
        let columns = match &args.columns {
            Some(text) => Some(columns_once(text, lang, warnings)?),
            None if !config.columns.is_empty() => Some(config.columns.clone()),
            None => None,
        };
        let mut single = Vec::new();
        for text in &args.event {
            single.push(parse_events(text).ok_or_else(|| Fail::Usage(t::NO_NUMBER.fill(lang, &[("text", text)])))?);
        }
        single.extend(args.around.iter().map(|number| *number..=*number));
        Ok(Self {
            format: args.format.into(),
            columns,
            filter: config.filter,
            generation: args.generation.unwrap_or_default(),
            locale,
            zone,
            advanced: args.advanced || config.advanced,
            wording: args.tz.is_some() || args.locale.is_some() || args.generation.is_some() || args.advanced,
            single,
            around: args.around.clone(),
            lang,
        })
    }

    /// Refuses what makes no sense for several captures.
    pub(super) fn refuse_for_several(&self) -> Result<(), Fail> {
        if !self.single.is_empty() {
            return Err(Fail::Usage(t::ONE_FOR_EVENT.get(self.lang).to_owned()));
        }
        if self.format == Format::Xml {
            return Err(Fail::Usage(t::ONE_FOR_XML.get(self.lang).to_owned()));
        }
        Ok(())
    }

    /// The columns to show of `inputs`.
    pub(super) fn columns(&self, inputs: &[&Opened]) -> Vec<Column> {
        if let Some(columns) = &self.columns {
            return columns.clone();
        }
        if matches!(self.format, Format::Csv | Format::Xml) {
            let mut theirs = inputs.iter().map(|input| input.export().map(crate::import::Export::columns_in_order));
            if let Some(Some(first)) = theirs.next()
                && theirs.all(|other| other.as_ref() == Some(&first))
            {
                return first;
            }
        }
        Column::DEFAULT.to_vec()
    }

    /// The wording of events of which the first began at `first`.
    pub(super) fn style(&self, first: FileTime) -> Style {
        let offset = self.zone.to_offset(first.timestamp().unwrap_or_default());
        Style {
            generation: self.generation,
            locale: self.locale,
            offset_seconds: offset.seconds(),
            advanced: self.advanced,
        }
    }

    /// The events to show of a capture with `count` events.
    pub(super) fn choose(&self, count: impl FnOnce() -> u64) -> Result<Chosen, Fail> {
        if self.single.is_empty() {
            return Ok(Chosen::default());
        }
        let count = count();
        if let Some(missing) = self.single.iter().map(|range| *range.end()).find(|end| *end >= count) {
            return Err(no_event(missing, count, self.lang));
        }
        let near = |number: &u64| number.saturating_sub(NEIGHBOURS)..=number.saturating_add(NEIGHBOURS);
        let around = self.around.iter().map(near);
        Ok(if self.format == Format::Table {
            Chosen { lines: Some(around.collect()), full: self.single.clone() }
        } else {
            Chosen { lines: Some(self.single.iter().cloned().chain(around).collect()), full: Vec::new() }
        })
    }

    /// The events asked for by number, where a filter decides which of them are shown.
    pub(super) fn named(&self) -> Option<&[RangeInclusive<u64>]> {
        (!self.single.is_empty() && !self.filter.rules.is_empty()).then_some(&self.single)
    }

    /// What to say of the events asked for by number that do not pass the filter; `passing` ascend.
    pub(super) fn left_out(&self, passing: &[u64]) -> Option<String> {
        let mut ranges = self.named()?.to_vec();
        ranges.sort_unstable_by_key(|range| *range.start());
        let mut behind = 0;
        let mut numbers = ranges.into_iter().flat_map(|range| {
            let from = behind.max(*range.start());
            behind = behind.max(range.end().saturating_add(1));
            from..=*range.end()
        });
        let is_out = |number: &u64| passing.binary_search(number).is_err();
        let first = numbers.find(is_out)?;
        let count = 1 + numbers.filter(is_out).count();
        Some(t::FILTERED_OUT.fill(self.lang, &[("count", &count), ("event", &first)]))
    }
}
