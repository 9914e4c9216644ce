//! A filter in Procmon's terms over the failures of a capture: it decides which of them are reported, and nothing else.
//! Every event stays evidence, or a close that a filter hides would make a hold last for ever.

use crate::capture::filter::Filter;
use crate::capture::{Capture, EventIndex};
use crate::export::{Context, Style};
use crate::import::Export;

/// A filter with the events that it can be asked about.
#[derive(Clone, Debug)]
pub struct FailureFilter<'a> {
    filter: Filter,
    events: Events<'a>,
}

#[derive(Clone, Debug)]
enum Events<'a> {
    Capture(&'a Capture, Style),
    Export(&'a Export),
}

impl<'a> FailureFilter<'a> {
    /// Of a PML capture, whose columns read as `style` words them.
    pub const fn of_capture(capture: &'a Capture, style: Style, filter: Filter) -> Self {
        Self { filter, events: Events::Capture(capture, style) }
    }

    /// Of an export, whose columns read as they stand.
    pub const fn of_export(export: &'a Export, filter: Filter) -> Self {
        Self { filter, events: Events::Export(export) }
    }

    /// The rules as Procmon's dialog shows them.
    pub fn rules(&self) -> Vec<String> {
        self.filter.rules.iter().map(ToString::to_string).collect()
    }

    /// Those of `events`, which ascend, that pass. No other event is taken apart; of an export every row is read again.
    pub fn passing(&self, events: &[EventIndex]) -> Vec<EventIndex> {
        if events.is_empty() {
            return Vec::new();
        }
        match self.events {
            Events::Capture(capture, style) => Context::new(capture, style).passing(&self.filter, events),
            Events::Export(export) => {
                let compiled = self.filter.compile();
                let mut asked = events.iter().copied().peekable();
                let mut passing = Vec::new();
                export.rows(
                    false,
                    |row| compiled.passes(&mut { *row }, &mut Vec::new()).then_some(()),
                    |place, ()| {
                        while asked.next_if(|event| *event < place.event).is_some() {}
                        passing.extend(asked.next_if_eq(&place.event));
                    },
                );
                passing
            }
        }
    }
}
