//! What the arguments of `events` ask for, understood.

use super::{EventsArgs, Opened};
use crate::capture::columns::{Column, parse_columns};
use crate::capture::filter::{Filter, Relation, Rule};
use crate::capture::pmc::ProcmonConfig;
use crate::cli::fail::Fail;
use crate::export::locale::LOCALES;
use crate::export::{Format, Locale, Style};
use crate::lang::{Lang, events as t};
use crate::nt::FileTime;
use crate::pml::ops::Generation;
use jiff::tz::TimeZone;
use std::ops::RangeInclusive;
use std::path::Path;

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
        let zone = crate::report::time::parse_zone(args.tz.as_deref().unwrap_or("local")).map_err(Fail::Zone)?;
        let config = match &args.pmc {
            Some(path) => Some(read_config(path, lang, warnings)?),
            None => None,
        };
        let columns = match (&args.columns, &config) {
            (Some(text), _) => Some(parse_columns(text).map_err(|name| {
                let columns = Column::titles().map(|(title, _)| title).collect::<Vec<_>>().join(", ");
                Fail::Usage(t::NO_COLUMN.fill(lang, &[("name", &name), ("columns", &columns)]))
            })?),
            (None, Some(config)) if !config.columns.is_empty() => Some(config.columns.clone()),
            _ => None,
        };
        let advanced = args.advanced || config.as_ref().is_some_and(|config| config.advanced);
        let mut filter = config.map(|config| config.filter).unwrap_or_default();
        add_rules(&mut filter, &args.filter, true, lang)?;
        add_rules(&mut filter, &args.exclude, false, lang)?;
        let mut single = Vec::new();
        for text in &args.event {
            single.push(parse_events(text).ok_or_else(|| Fail::Usage(t::NO_NUMBER.fill(lang, &[("text", text)])))?);
        }
        single.extend(args.around.iter().map(|number| *number..=*number));
        Ok(Self {
            format: args.format.into(),
            columns,
            filter,
            generation: args.generation.unwrap_or_default(),
            locale,
            zone,
            advanced,
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

    /// The filter for lines: neighbours in a table are shown whatever it is.
    pub(super) fn line_filter(&self, chosen: &Chosen) -> Filter {
        if chosen.full.is_empty() { self.filter.clone() } else { Filter::default() }
    }
}

fn read_config(path: &Path, lang: Lang, warnings: &mut Vec<String>) -> Result<ProcmonConfig, Fail> {
    let bad =
        |why: &dyn std::fmt::Display| Fail::Said(t::BAD_CONFIG.fill(lang, &[("file", &path.display()), ("why", why)]));
    let data = std::fs::read(path).map_err(|error| bad(&error))?;
    let config = ProcmonConfig::parse(&data).map_err(|error| bad(&error))?;
    if !config.unknown_columns.is_empty() {
        let numbers = config.unknown_columns.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        warnings.push(t::UNKNOWN_COLUMNS.fill(lang, &[("file", &path.display()), ("numbers", &numbers)]));
    }
    Ok(config)
}

fn add_rules(filter: &mut Filter, rules: &[String], include: bool, lang: Lang) -> Result<(), Fail> {
    for text in rules {
        let rule = Rule::parse(text, include).map_err(|_| {
            let relations = Relation::ALL.map(|(_, name)| name).join(", ");
            Fail::Usage(t::NO_RULE.fill(lang, &[("rule", text), ("relations", &relations)]))
        })?;
        filter.rules.push(rule);
    }
    Ok(())
}

/// The filter of a Procmon configuration and of rules; what the configuration holds that is not known is warned about.
///
/// # Errors
/// A configuration that cannot be read, or a rule that is none.
pub(in crate::cli) fn filter(
    pmc: Option<&Path>,
    include: &[String],
    exclude: &[String],
    lang: Lang,
    warnings: &mut Vec<String>,
) -> Result<Filter, Fail> {
    let mut filter = match pmc {
        Some(path) => read_config(path, lang, warnings)?.filter,
        None => Filter::default(),
    };
    add_rules(&mut filter, include, true, lang)?;
    add_rules(&mut filter, exclude, false, lang)?;
    Ok(filter)
}

/// Event numbers and ranges below `count`.
///
/// # Errors
/// One that is no number, or too large.
pub(in crate::cli) fn event_ranges(texts: &[String], count: u64, lang: Lang) -> Result<Vec<RangeInclusive<u64>>, Fail> {
    let mut ranges = Vec::new();
    for text in texts {
        let range = parse_events(text).ok_or_else(|| Fail::Usage(t::NO_NUMBER.fill(lang, &[("text", text)])))?;
        if *range.end() >= count {
            return Err(no_event(*range.end(), count, lang));
        }
        ranges.push(range);
    }
    Ok(ranges)
}

fn no_event(event: u64, count: u64, lang: Lang) -> Fail {
    Fail::Usage(t::NO_EVENT.fill(lang, &[("event", &event), ("count", &count)]))
}

/// `12`, `12-20` or `12..20`.
fn parse_events(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.split_once("..").or_else(|| text.split_once('-')).unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().trim_start_matches('=').parse().ok()?);
    if first <= last { Some(first..=last) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_numbers_and_ranges() {
        assert_eq!(parse_events("12"), Some(12..=12));
        assert_eq!(parse_events("12-20"), Some(12..=20));
        assert_eq!(parse_events("12..20"), Some(12..=20));
        assert_eq!(parse_events("20-12"), None);
        assert_eq!(parse_events("x"), None);
        assert_eq!(parse_events("-3"), None);
    }
}
