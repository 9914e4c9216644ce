//! The part of a blame report that a servicing log adds: what it says, whether it is of the same attempt, log and
//! capture in one order, and which records are which events.

use super::escape::terminal;
use super::style::{Style, new_table};
use super::{steps, time};
use crate::case::CaseRecord;
use crate::case::cbs::{Attempt, CbsReport, Match, Step};
use crate::lang::{Lang, Text, cbs as words, servicing as t};
use crate::nt::FileTime;
use comfy_table::{Cell, CellAlignment};
use std::fmt::Display;

/// Rows of one table, at most; the JSON has all.
const MAX_ROWS: usize = 25;

/// Everything about the log, to stand between the failures and the notes.
pub fn sections(case: &CaseRecord, cbs: &CbsReport, style: &Style) -> String {
    let mut page = Page::new(Both { case, cbs }, style);
    page.answer();
    page.order();
    page.matches();
    page.unmatched();
    page.out.push_str(&super::cbs::beside_a_case(cbs, style));
    page.out
}

/// A capture's case with what the log says.
struct Both<'a> {
    case: &'a CaseRecord,
    cbs: &'a CbsReport,
}

type Page<'a> = super::page::Page<'a, Both<'a>>;

impl Page<'_> {
    /// A sentence of the record.
    fn sentence(&mut self, text: &str) {
        let text = terminal(&time::localise(text, &self.style.zone));
        self.line(&format!("  {text}"));
    }

    fn table(&mut self, rows: Vec<Vec<Cell>>, heads: &[Text]) {
        let more = rows.len().saturating_sub(MAX_ROWS);
        let mut table = new_table(self.style, heads);
        table.add_rows(rows.into_iter().take(MAX_ROWS));
        let table = table.to_string();
        self.line(&table);
        if more > 0 {
            let line = t::MORE.fill(self.lang(), &[("n", &more)]);
            self.line(&line);
        }
    }

    fn answer(&mut self) {
        let lang = self.lang();
        self.heading(t::H_SERVICING);
        let subject = self.record.cbs.subject.and_then(|at| self.record.cbs.attempts.get(at));
        if let Some(attempt) = subject {
            self.attempt(attempt);
        }
        if let Some(diagnosis) = &self.record.cbs.diagnosis {
            self.sentence(&diagnosis.text);
        } else {
            let line = words::NOTHING_FAILED.fill(lang, &[("n", &self.record.cbs.files.len())]);
            self.sentence(&line);
        }
        for identity in &self.record.cbs.identity {
            self.sentence(&identity.text);
        }
        if let Some(clock) = &self.record.cbs.clock {
            let source = t::by_code("ZONE_", &clock.source).map_or("", |text| text.get(lang));
            let at = FileTime(0);
            let zone = time::zone_name(at, &time::fixed_zone(clock.utc_offset_minutes), self.style.lang);
            let values: &[(&str, &dyn Display)] =
                &[("zone", &zone), ("source", &source), ("log", &terminal(&clock.file))];
            let line = t::ZONE.fill(lang, values);
            self.line(&format!("  {line}"));
        }
    }

    /// Package, client, result, its meaning and the next step.
    fn attempt(&mut self, attempt: &Attempt) {
        let lang = self.lang();
        let names = [attempt.identifier.as_deref(), attempt.package.as_deref(), attempt.client.as_deref()];
        let names: Vec<String> = names.into_iter().flatten().map(terminal).collect();
        if !names.is_empty() {
            self.line(&format!("  {}", names.join("  ")));
        }
        let Some(result) = &attempt.result else { return };
        let symbol = result.symbol.as_deref().unwrap_or_default();
        let mut line = match result.text.as_deref() {
            Some(meaning) => {
                words::MEANING.fill(lang, &[("code", &result.hresult), ("symbol", &symbol), ("meaning", &meaning)])
            }
            None => words::code_with_symbol(&result.hresult, result.symbol.as_deref()),
        };
        if let Some(next) = words::next_step(&result.hresult, lang) {
            if lang == Lang::En {
                line.push(' ');
            }
            line.push_str(&t::ANSWER_NEXT.fill(lang, &[("next", &next)]));
        }
        self.line(&format!("  {line}"));
    }

    fn order(&mut self) {
        if self.record.cbs.order.is_empty() {
            return;
        }
        self.heading(t::H_ORDER);
        let lang = self.lang();
        let is_one_day = self.is_one_day();
        let row = |step: &Step| {
            let source = if step.source == "log" { t::V_LOG } else { t::V_CAPTURE };
            let number = match (step.line, step.event) {
                (Some(line), Some(event)) => t::V_BOTH.fill(lang, &[("line", &line), ("event", &event)]),
                (Some(line), None) => t::V_LINE.fill(lang, &[("line", &line)]),
                (None, Some(event)) => t::V_EVENT.fill(lang, &[("event", &event)]),
                (None, None) => String::new(),
            };
            let source = step.file.as_deref().map_or_else(|| source.get(lang).to_owned(), terminal);
            let role = t::by_code("ROLE_", &step.role).map_or(step.role.as_str(), |text| text.get(lang));
            let code = step.code.as_deref().map(|code| format!("{}{}", lang.colon(), terminal(code)));
            let role = format!("{role}{}", code.unwrap_or_default());
            steps::Step { columns: vec![self.time_of(step, is_one_day), source, number, role], place: self.place(step) }
        };
        let rows: Vec<steps::Step> = self.record.cbs.order.iter().take(MAX_ROWS).map(row).collect();
        steps::lines(&rows).iter().for_each(|line| self.line(line));
        let more = self.record.cbs.order.len().saturating_sub(MAX_ROWS);
        if more > 0 {
            let line = t::MORE.fill(lang, &[("n", &more)]);
            self.line(&line);
        }
    }

    /// Where a step happened; in quotation marks when it is the log's own words.
    fn place(&self, step: &Step) -> String {
        let is_error =
            matches!(step.role.as_str(), "first_error" | "sets_result" | "first_error_sets_result" | "returns_result");
        let place = terminal(&step.place);
        if is_error && place.contains(' ') { format!("“{place}”") } else { place }
    }

    /// Whether all steps lie on the day the capture began, in the zone shown.
    fn is_one_day(&self) -> bool {
        let day = |time: &str| {
            let shown = FileTime::parse_rfc3339(time).map(|time| time::date_time(time, &self.style.zone));
            shown.map(|shown| shown.chars().take(10).collect::<String>())
        };
        let began = self.record.case.capture.first_event.as_deref().and_then(day);
        self.record.cbs.order.iter().all(|step| began.is_none() || day(&step.time) == began)
    }

    /// Time with as many digits as its source has; the time of day alone where the day goes without saying.
    fn time_of(&self, step: &Step, is_one_day: bool) -> String {
        let Some(time) = FileTime::parse_rfc3339(&step.time) else { return step.time.clone() };
        let text = if is_one_day {
            time::time_of_day(time, &self.style.zone)
        } else {
            time::date_time(time, &self.style.zone)
        };
        let cut = match step.precision.as_str() {
            "second" => "0000000".len() + 1,
            "millisecond" => "0000".len(),
            _ => 0,
        };
        text.get(..text.len().saturating_sub(cut)).unwrap_or(&text).to_owned()
    }

    fn matches(&mut self) {
        let Some(matches) = self.record.cbs.matches.as_ref().filter(|matches| !matches.is_empty()) else { return };
        self.heading(t::H_MATCHES);
        let lang = self.lang();
        let several = self.record.cbs.files.len() > 1;
        let row = |found: &Match| {
            let line = match &found.file {
                Some(file) if several => format!("{}:{}", terminal(file), found.line),
                _ => found.line.to_string(),
            };
            let apart = match found.seconds_apart {
                Some(seconds) => t::V_SECONDS.fill(lang, &[("seconds", &format!("{seconds:.3}"))]),
                None => t::V_UNKNOWN.get(lang).to_owned(),
            };
            let by: Vec<&str> =
                found.by.iter().filter_map(|code| t::by_code("V_BY_", code).map(|text| text.get(lang))).collect();
            let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
            vec![
                right(line),
                right(found.event.to_string()),
                Cell::new(terminal(&found.path)),
                Cell::new(lang.process(terminal(&found.process), found.pid)),
                right(apart),
                Cell::new(by.join(lang.comma())),
                Cell::new(self.meaning(found)),
                Cell::new(self.held_by(found)),
            ]
        };
        let rows = matches.iter().map(row).collect();
        let heads = [t::C_LINE, t::C_EVENT, t::C_PATH, t::C_PROCESS, t::C_APART, t::C_BY, t::C_MEANING, t::C_HELD_BY];
        self.table(rows, &heads);
    }

    fn meaning(&self, found: &Match) -> String {
        let lang = self.lang();
        let meaning = match (found.sets_result, found.stage.as_str()) {
            (true, _) => words::V_CAUSE,
            (false, "cleanup") => words::V_CLEANUP,
            _ => words::V_OPERATION,
        };
        let mut text = meaning.get(lang).to_owned();
        if found.leftover == Some(true) {
            text.push('\n');
            text.push_str(t::V_LEFTOVER.get(lang));
        }
        text
    }

    fn held_by(&self, found: &Match) -> String {
        let lang = self.lang();
        if !found.in_scope {
            return t::V_OUT_OF_SCOPE.get(lang).to_owned();
        }
        let names: Vec<String> = found
            .holders
            .iter()
            .filter_map(|id| self.record.case.holders.iter().find(|holder| holder.id == *id))
            .map(|holder| match (&holder.driver, &holder.process) {
                (Some(driver), _) => terminal(&driver.name),
                (None, Some(process)) => lang.process(terminal(&process.name), process.pid),
                (None, None) => String::new(),
            })
            .collect();
        if names.is_empty() { t::V_NOBODY.get(lang).to_owned() } else { names.join("\n") }
    }

    fn unmatched(&mut self) {
        let Some(unmatched) = self.record.cbs.unmatched.as_ref().filter(|unmatched| !unmatched.is_empty()) else {
            return;
        };
        self.heading(t::H_UNMATCHED);
        let several = self.record.cbs.files.len() > 1;
        let rows = unmatched
            .iter()
            .map(|lacking| {
                let line = match &lacking.file {
                    Some(file) if several => format!("{}:{}", terminal(file), lacking.line),
                    _ => lacking.line.to_string(),
                };
                let time = lacking.utc.as_deref().map(|utc| self.second(utc)).unwrap_or_default();
                vec![
                    Cell::new(line).set_alignment(CellAlignment::Right),
                    Cell::new(time),
                    Cell::new(terminal(&lacking.path)),
                    Cell::new(terminal(&lacking.text)),
                ]
            })
            .collect();
        self.table(rows, &[t::C_LINE, t::C_TIME, t::C_PATH, t::C_WHY]);
    }

    /// Date and time of day to the second.
    fn second(&self, utc: &str) -> String {
        let text = FileTime::parse_rfc3339(utc).map(|time| time::date_time(time, &self.style.zone));
        let text = text.unwrap_or_else(|| utc.to_owned());
        text.get(..19).unwrap_or(&text).to_owned()
    }
}
