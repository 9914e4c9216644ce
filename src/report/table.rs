//! The blame report for a terminal: verdict, blame table, failures by file, what the capture cannot show, next steps.

use super::page::Page;
use super::style::{Style, grouped, new_table};
use super::words::{confidence, driver_facts, holder_title, is_servicing, reason_of};
use super::{escape, time};
use crate::case::{CaseRecord, Confidence, Failure, Holder, PartyCode, Series};
use crate::lang::{Lang, Text, filters, products, record, report as t};
use crate::nt::FileTime;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, Table};
use indexmap::IndexMap;
use std::fmt::Write as _;

/// Below this width, in columns, the facts about a holder are stacked.
const FULL_WIDTH: u16 = 150;

/// Most rules of a filter that are told one by one.
const MAX_RULES: usize = 5;

/// The whole report of one case.
pub fn render(case: &CaseRecord, style: &Style) -> String {
    let mut report = Page::new(case, style);
    report.head();
    report.verdict();
    report.holders();
    report.files();
    report.waits();
    if let Some(cbs) = &case.cbs {
        report.out.push_str(&super::servicing::sections(case, cbs, style));
    }
    report.notes();
    if style.ascii { escape::ascii(&report.out) } else { report.out }
}

impl Page<'_, &CaseRecord> {
    fn head(&mut self) {
        let lang = self.style.lang;
        let capture = &self.record.capture;
        let names: Vec<String> = capture.files.iter().map(|file| escape::terminal(&file.name)).collect();
        let mut line = format!("{}{}{}", self.text(t::CAPTURE), lang.colon(), names.join(lang.comma()));
        if let (Some(computer), Some(os)) = (&capture.computer, &capture.os) {
            let bits = capture.bits.map_or_else(String::new, |bits| bits.to_string());
            let machine = t::MACHINE.fill(
                self.style.lang,
                &[("computer", &escape::terminal(computer)), ("os", &escape::terminal(os)), ("bits", &bits)],
            );
            line.push_str(&lang.remark(machine));
        }
        self.line(&line);
        let bounds = (
            capture.first_event.as_deref().and_then(FileTime::parse_rfc3339),
            capture.last_event.as_deref().and_then(FileTime::parse_rfc3339),
        );
        if let (Some(first), Some(last)) = bounds {
            let count = |class: &str| grouped(capture.events.get(class).copied().unwrap_or_default());
            let line = t::EVENTS_OF.fill(
                self.style.lang,
                &[
                    ("total", &count("total")),
                    ("file_system", &count("file_system")),
                    ("first", &time::date_time(first, &self.style.zone)),
                    ("last", &time::date_time(last, &self.style.zone)),
                    ("zone", &time::zone_name(first, &self.style.zone, self.style.lang)),
                ],
            );
            self.line(&line);
        }
        let scope = &self.record.scope;
        let or = |list: &[String], any: Text| {
            if list.is_empty() { self.text(any).to_owned() } else { escape::terminal(&list.join(lang.comma())) }
        };
        let (victims, paths) = (or(&scope.victims, t::ANY_PROCESS), or(&scope.paths, t::ANY_PATH));
        let mut line = t::SCOPE.fill(self.style.lang, &[("victims", &victims), ("paths", &paths)]);
        if !scope.results.is_empty() {
            let results = t::SCOPE_RESULTS.fill(self.style.lang, &[("results", &scope.results.join(lang.comma()))]);
            let _ = write!(line, "{}{results}", lang.semicolon());
        }
        if scope.from.is_some() || scope.to.is_some() {
            let bound = |time: &Option<String>| {
                time.as_deref().map_or_else(|| self.text(t::OPEN_WINDOW).to_owned(), |time| self.time(time))
            };
            let values = (bound(&scope.from), bound(&scope.to));
            let window = t::SCOPE_WINDOW.fill(self.style.lang, &[("from", &values.0), ("to", &values.1)]);
            let _ = write!(line, "{}{window}", lang.semicolon());
        }
        if !scope.filter.is_empty() {
            let rules = scope.filter.join(lang.comma());
            let filter = if scope.filter.len() <= MAX_RULES {
                filters::SCOPE_FILTER.fill(lang, &[("rules", &escape::terminal(&rules))])
            } else {
                filters::SCOPE_RULES.fill(lang, &[("n", &scope.filter.len())])
            };
            let _ = write!(line, "{}{filter}", lang.semicolon());
        }
        self.line(&line);
    }

    fn verdict(&mut self) {
        let text = escape::terminal(&time::localise(&self.record.verdict.text, &self.style.zone));
        let line = format!("{}{}{text}", self.text(t::VERDICT), self.style.lang.colon());
        self.out.push('\n');
        self.line(&line);
    }

    fn holders(&mut self) {
        if self.record.holders.is_empty() {
            return;
        }
        let certain = self.record.holders.iter().any(|holder| holder.confidence > Confidence::Possible);
        self.heading(if certain { t::BLAME_TABLE } else { t::SUSPECTS_TABLE });
        let table = match self.style.width {
            Some(width) if width < FULL_WIDTH => self.stacked_holders(),
            _ => self.full_holders(),
        };
        self.line(&table.to_string());
        let drivers = self.record.holders.iter().filter_map(|holder| holder.driver.as_ref());
        for facts in drivers.filter_map(|driver| driver_facts(driver, self.style.lang)) {
            self.line(&format!("  {facts}"));
        }
    }

    /// One column for each fact.
    fn full_holders(&self) -> Table {
        let mut table = new_table(
            self.style,
            &[
                t::HEAD_RANK,
                t::HEAD_HOLDER,
                t::HEAD_PID,
                t::HEAD_VENDOR,
                t::HEAD_CONFIDENCE,
                t::HEAD_FAILURES,
                t::HEAD_FILES,
                t::HEAD_FIRST,
                t::HEAD_LAST,
                t::HEAD_BLOCKED,
                t::HEAD_REASON,
            ],
        );
        let lang = self.style.lang;
        for holder in &self.record.holders {
            let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
            table.add_row(vec![
                right(holder.rank.to_string()),
                Cell::new(holder_title(holder)),
                right(holder.process.as_ref().map_or_else(String::new, |process| process.pid.to_string())),
                Cell::new(vendor(self.record, holder, lang)),
                Cell::new(graded(self.record, holder, lang)),
                right(holder.failures.to_string()),
                right(holder.files.to_string()),
                Cell::new(self.time(&holder.first)),
                Cell::new(self.time(&holder.last)),
                right(blocked(self.record, holder, lang)),
                Cell::new(reasons(self.record, holder, lang)),
            ]);
        }
        table
    }

    /// The same facts one above the other, so that no name or time must be broken.
    fn stacked_holders(&self) -> Table {
        let heads = [t::HEAD_RANK, t::HEAD_PARTY, t::HEAD_CONFIDENCE, t::HEAD_FAILURES, t::HEAD_WHEN, t::HEAD_REASON];
        let mut table = new_table(self.style, &heads);
        let lang = self.style.lang;
        for holder in &self.record.holders {
            let mut party = holder_title(holder);
            if let Some(process) = &holder.process {
                let _ = write!(party, "\nPID {}", process.pid);
            }
            let _ = write!(party, "\n{}", vendor(self.record, holder, lang));
            let counts = t::STACKED_COUNTS.fill(lang, &[("failures", &holder.failures), ("files", &holder.files)]);
            let blocked = match blocked(self.record, holder, lang) {
                text if was_retried(self.record, holder) => t::STACKED_BLOCKED.fill(lang, &[("time", &text)]),
                text => text,
            };
            table.add_row(vec![
                holder.rank.to_string(),
                party,
                graded(self.record, holder, lang),
                counts,
                format!("{}\n{}\n{blocked}", self.time(&holder.first), self.time(&holder.last)),
                reasons(self.record, holder, lang),
            ]);
        }
        for column in [0, 2, 3, 4] {
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table
    }

    fn notes(&mut self) {
        let lang = self.style.lang;
        let capture = &self.record.capture;
        if !capture.quality.is_empty() {
            self.heading(t::QUALITY);
            for note in &capture.quality {
                let severity = t::severity(note.severity).get(lang);
                self.line(&format!("  - [{severity}] {}", escape::terminal(&note.text)));
            }
        }
        for (heading, list) in [(t::CAVEATS, &self.record.caveats), (t::NEXT, &self.record.recommendations)] {
            if list.is_empty() {
                continue;
            }
            self.heading(heading);
            for advice in list {
                // A recipe has several lines; each is shown under its first.
                let mut lines = advice.text.lines().map(escape::terminal);
                let first = lines.next().unwrap_or_default();
                self.line(&format!("  - {first}"));
                for line in lines {
                    self.line(&format!("    {line}"));
                }
            }
        }
        if let Some(check) = &capture.consistency {
            let line = t::CONSISTENCY
                .fill(lang, &[("opens", &grouped(check.opens_checked)), ("conflicts", &check.false_conflicts)]);
            self.out.push('\n');
            self.line(&line);
        }
        if let (Some(failure), Some(file)) = (self.record.failures.first(), capture.files.first()) {
            let values: &[(&str, &dyn std::fmt::Display)] =
                &[("file", &escape::terminal(&file.name)), ("event", &failure.event)];
            let line = t::DETAILS_HINT.fill(lang, values);
            self.line(&line);
        }
    }
}

/// How sure a party's part is at best; with how many of its failures that holds for, if not for all.
fn graded(case: &CaseRecord, holder: &Holder, lang: Lang) -> String {
    let grade = confidence(holder.confidence).get(lang);
    let best = |failure: &Failure| {
        let own = failure.holders.iter().filter(|one| one.holder == holder.id);
        own.map(|one| one.confidence).max()
    };
    let n = case.failures.iter().filter(|failure| best(failure) == Some(holder.confidence)).count() as u64;
    if n == holder.failures {
        return grade.to_owned();
    }
    t::GRADE_OF_SOME.fill(lang, &[("grade", &grade), ("n", &n), ("all", &holder.failures)])
}

fn vendor(case: &CaseRecord, holder: &Holder, lang: Lang) -> String {
    let company = match (&holder.process, &holder.driver) {
        (Some(process), _) => process.company.as_deref(),
        (None, Some(driver)) => driver.company.as_deref(),
        (None, None) => None,
    };
    let mut text = match &holder.vendor {
        Some(vendor) => {
            let name = products::name(&vendor.name, vendor.name_zh.as_deref(), vendor.product.as_deref(), lang);
            if holder.is_known_by_name_only() { record::NAME_ONLY.fill(lang, &[("vendor", &name)]) } else { name }
        }
        None => company.unwrap_or_default().to_owned(),
    };
    let party = match holder.party {
        PartyCode::ThirdParty => None,
        PartyCode::Windows => Some(t::WINDOWS),
        PartyCode::Victim if is_servicing(case) => Some(t::VICTIM),
        PartyCode::Victim => Some(t::VICTIM_OTHER),
    };
    if let Some(party) = party {
        let party = party.get(lang);
        text = if text.is_empty() { party.to_owned() } else { format!("{text} [{party}]") };
    }
    if holder.on_behalf_of.is_some() {
        let _ = write!(text, " [{}]", t::SMB.get(lang));
    }
    escape::terminal(&text)
}

/// Whether any operation that a holder blocked was tried again: only then its time tells how long it was blocked.
fn was_retried(case: &CaseRecord, holder: &Holder) -> bool {
    let behind = |failure: &&Failure| failure.holders.iter().any(|party| party.holder == holder.id);
    let tried_on = |series: Series| series.attempts > 1 || series.ended_by.is_some();
    case.failures.iter().filter(behind).any(|failure| failure.series.is_none_or(tried_on))
}

fn blocked(case: &CaseRecord, holder: &Holder, lang: Lang) -> String {
    if was_retried(case, holder) { time::duration(holder.blocked_ms) } else { t::NOT_RETRIED.get(lang).to_owned() }
}

/// The distinct reasons of one holder, most frequent first.
fn reasons(case: &CaseRecord, holder: &Holder, lang: Lang) -> String {
    let mut counts: IndexMap<String, usize> = IndexMap::new();
    for failure in &case.failures {
        for party in failure.holders.iter().filter(|party| party.holder == holder.id) {
            *counts.entry(reason_of(failure.cause, party, lang)).or_default() += 1;
        }
    }
    counts.sort_by(|_, a, _, b| b.cmp(a));
    counts.into_keys().take(3).collect::<Vec<_>>().join(lang.semicolon())
}
