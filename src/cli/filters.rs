//! `--filter`, `--exclude` and `--pmc` of every command that takes them. The rules are the same everywhere; what a
//! command chooses with them differs, and its help says what.

use super::fail::Fail;
use super::input::Opened;
use crate::assemble::FailureFilter;
use crate::capture::columns::Column;
use crate::capture::filter::{Filter, Relation, Rule, RuleError};
use crate::capture::pmc::ProcmonConfig;
use crate::export::{Locale, Style};
use crate::import::Export;
use crate::lang::{Lang, events as t};
use crate::pml::ops::Generation;
use jiff::tz::TimeZone;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The rules as typed.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    include: &'a [String],
    exclude: &'a [String],
    pmc: Option<&'a Path>,
}

macro_rules! rules_group {
    ($(#[$meta:meta])* $name:ident: $filter:literal, $exclude:literal, $pmc:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, clap::Args)]
        pub struct $name {
            #[doc = $filter]
            #[arg(long, value_name = "RULE", help_heading = "Selection")]
            pub filter: Vec<String>,
            #[doc = $exclude]
            #[arg(long, value_name = "RULE", help_heading = "Selection")]
            pub exclude: Vec<String>,
            #[doc = $pmc]
            #[arg(long, value_name = "FILE.pmc", help_heading = "Selection")]
            pub pmc: Option<PathBuf>,
        }

        impl $name {
            /// The rules as typed.
            pub fn rules(&self) -> Rules<'_> {
                Rules { include: &self.filter, exclude: &self.exclude, pmc: self.pmc.as_deref() }
            }
        }
    };
}

rules_group! {
    /// Which events are shown.
    ShownRules:
    "Show only events matching this rule, such as \"Path contains InFlight\" (repeatable: rules of one column are \
     alternatives, rules of several must all hold)",
    "Hide events matching this rule (repeatable)",
    "Take columns, filter and mode from a Procmon configuration"
}

rules_group! {
    /// Which events are copied.
    CopiedRules:
    "Events matching this rule, such as \"Path contains InFlight\" (repeatable: rules of one column are alternatives, \
     rules of several must all hold)",
    "No events matching this rule (repeatable)",
    "Take the filter from a Procmon configuration"
}

rules_group! {
    /// Which failures are reported.
    FailureRules:
    "Report only failures that match this rule in Procmon's terms, such as \"Path ends with .dll\" (repeatable: rules of \
     one column are alternatives, rules of several must all hold). All other events remain evidence",
    "Report no failures that match this rule (repeatable)",
    "Take the filter from a Procmon configuration; all events remain evidence"
}

rules_group! {
    /// Which files are checked.
    CheckedRules:
    "Check only files with an event that matches this rule in Procmon's terms, such as \"Path contains InFlight\" \
     (repeatable: rules of one column are alternatives, rules of several must all hold). All events of these files count",
    "Check no files all of whose events match this rule (repeatable)",
    "Take the filter from a Procmon configuration"
}

impl Rules<'_> {
    /// Whether nothing was asked.
    pub const fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.pmc.is_none()
    }

    /// The configuration, if one was named, with the rules added to its filter. What it holds that is not known is
    /// warned about.
    ///
    /// # Errors
    /// A configuration that cannot be read, or a rule that is none.
    pub fn read(&self, lang: Lang, warnings: &mut Vec<String>) -> Result<ProcmonConfig, Fail> {
        let mut config = match self.pmc {
            Some(path) => read_config(path, lang, warnings)?,
            None => ProcmonConfig::default(),
        };
        add_rules(&mut config.filter, self.include, true, lang)?;
        add_rules(&mut config.filter, self.exclude, false, lang)?;
        Ok(config)
    }

    /// The rules ready to choose among the failures of captures; `None` without any.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn of_failures(&self, lang: Lang) -> Result<Option<RulesRead>, Fail> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut warnings = Vec::new();
        let ProcmonConfig { filter, advanced, .. } = self.read(lang, &mut warnings)?;
        warnings.iter().for_each(|line| super::term::warn(line));
        Ok(Some(RulesRead { filter, advanced, lang }))
    }
}

/// Rules understood, for any capture.
#[derive(Clone, Debug)]
pub struct RulesRead {
    filter: Filter,
    advanced: bool,
    lang: Lang,
}

impl RulesRead {
    /// The same for one input, with times as `zone` has them.
    pub fn of<'i>(&self, input: &'i Opened, zone: &TimeZone) -> Option<FailureFilter<'i>> {
        if let Some(export) = input.export() {
            lacking(export, &self.filter, self.lang).iter().for_each(|line| super::term::warn(line));
            return Some(FailureFilter::of_export(export, self.filter.clone()));
        }
        let capture = input.capture()?;
        let first = capture.span().map(|(first, _)| first).unwrap_or_default();
        let style = Style {
            generation: Generation::default(),
            locale: Locale::en_us(),
            offset_seconds: zone.to_offset(first.timestamp().unwrap_or_default()).seconds(),
            advanced: self.advanced,
        };
        Some(FailureFilter::of_capture(capture, style, self.filter.clone()))
    }
}

/// The columns that rules ask of an export which does not have them.
pub fn lacking(export: &Export, filter: &Filter, lang: Lang) -> Option<String> {
    let present = export.columns_in_order();
    let mut ruled: Vec<Column> = filter.rules.iter().map(|rule| rule.column).collect();
    // An event class follows from the operation.
    ruled.retain(|column| !present.contains(column) && *column != Column::EventClass);
    ruled.sort_unstable();
    ruled.dedup();
    let names = ruled.iter().map(|column| column.title()).collect::<Vec<_>>().join(", ");
    (!ruled.is_empty()).then(|| t::LACKS_RULED.fill(lang, &[("file", &export.path().display()), ("names", &names)]))
}

fn read_config(path: &Path, lang: Lang, warnings: &mut Vec<String>) -> Result<ProcmonConfig, Fail> {
    let data = std::fs::read(path).map_err(|source| Fail::Read { path: path.to_owned(), source })?;
    let config = ProcmonConfig::parse(&data).map_err(|error| {
        let at = format!("{:#x}", error.at);
        Fail::Said(t::BAD_CONFIG.fill(lang, &[("file", &path.display()), ("at", &at), ("what", &error.what)]))
    })?;
    if !config.unknown_columns.is_empty() {
        let numbers = config.unknown_columns.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        warnings.push(t::UNKNOWN_COLUMNS.fill(lang, &[("file", &path.display()), ("numbers", &numbers)]));
    }
    Ok(config)
}

fn add_rules(filter: &mut Filter, rules: &[String], include: bool, lang: Lang) -> Result<(), Fail> {
    for text in rules {
        let rule = Rule::parse(text, include).map_err(|error| {
            if let RuleError::Number(_, column) = error {
                return Fail::Usage(t::NO_NUMBER_IN_RULE.fill(lang, &[("rule", text), ("column", &column.title())]));
            }
            let relations = Relation::ALL.map(|(_, name)| name).join(", ");
            Fail::Usage(t::NO_RULE.fill(lang, &[("rule", text), ("relations", &relations)]))
        })?;
        filter.rules.push(rule);
    }
    Ok(())
}

/// Event numbers and ranges below `count`.
///
/// # Errors
/// One that is no number, or too large.
pub fn event_ranges(texts: &[String], count: u64, lang: Lang) -> Result<Vec<RangeInclusive<u64>>, Fail> {
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

/// That event `event` is beyond the last of `count`.
pub fn no_event(event: u64, count: u64, lang: Lang) -> Fail {
    Fail::Usage(t::NO_EVENT.fill(lang, &[("event", &event), ("count", &count)]))
}

/// Numbers of events as typed: `12`, `12-20` or `12..20`.
pub fn parse_events(text: &str) -> Option<RangeInclusive<u64>> {
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
