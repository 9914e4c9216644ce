//! One filter for the whole tool: what `events` shows is what `extract` takes and what `blame`, `why` and `audit` tell of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod places;

use pmlblame::capture::columns::Column;
use pmlblame::capture::filter::{Filter, FilterView, Rule};
use pmlblame::capture::{Capture, EventIndex, OpenOptions};
use pmlblame::export::{Context, Format, Request, Style};
use std::collections::BTreeMap;

fn founding() -> Capture {
    Capture::open(&places::samples().join("founding-delete-pending.PML"), &OpenOptions::default()).unwrap()
}

/// Every event with the texts of its columns.
fn table(capture: &Capture) -> Vec<BTreeMap<Column, String>> {
    let columns: Vec<Column> = Column::all().collect();
    let request = Request { format: Format::Csv, columns: columns.clone(), ..Request::default() };
    let mut out = Vec::new();
    Context::new(capture, Style::default()).write(&request, &mut out, &|_| true).unwrap();
    let text = String::from_utf8(out).unwrap();
    csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes())
        .records()
        .map(|row| columns.iter().copied().zip(row.unwrap().iter().map(str::to_owned)).collect())
        .collect()
}

struct Texts<'t>(&'t BTreeMap<Column, String>);

impl FilterView for Texts<'_> {
    fn text(&mut self, column: Column, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0[&column].as_bytes());
    }

    fn number(&mut self, column: Column) -> Option<u64> {
        self.0[&column].trim_end_matches("-bit").parse().ok()
    }
}

#[test]
fn a_rule_on_any_column_chooses_the_events_that_show_it() {
    let capture = founding();
    let table = table(&capture);
    let context = Context::new(&capture, Style::default());
    let all: Vec<EventIndex> = (0..capture.event_count()).map(EventIndex).collect();
    assert_eq!((all.len(), table.len()), (161, 161));
    for column in Column::all().filter(|column| *column != Column::Sequence) {
        // A value that some events have and some have not, where there is one.
        let value = &table[152][&column];
        let filter = Filter { rules: vec![Rule::parse(&format!("{} is {value}", column.title()), true).unwrap()] };
        let compiled = filter.compile();
        let expected: Vec<EventIndex> = all
            .iter()
            .copied()
            .filter(|event| compiled.passes(&mut Texts(&table[event.0 as usize]), &mut Vec::new()))
            .collect();
        assert!(expected.contains(&EventIndex(152)), "{column:?}");
        assert_eq!(context.choose(&filter, None), expected, "choose by {column:?}");
        assert_eq!(context.passing(&filter, &all), expected, "passing by {column:?}");
        assert_eq!(context.choose(&filter, Some(&[150..=155])), in_range(&expected, 150, 155), "range by {column:?}");
        assert_eq!(context.passing(&filter, &all[150..=155]), in_range(&expected, 150, 155), "some by {column:?}");
    }
    let refused = Filter { rules: vec![Rule::parse("Result is DELETE PENDING", true).unwrap()] };
    assert_eq!(context.choose(&refused, None), [152, 153, 154].map(EventIndex));
}

fn in_range(events: &[EventIndex], first: u64, last: u64) -> Vec<EventIndex> {
    events.iter().copied().filter(|event| (first..=last).contains(&event.0)).collect()
}
