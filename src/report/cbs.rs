//! What servicing logs say, for a terminal: the answer, the attempts, the order of causes, and what needs repair.

mod store;

use comfy_table::{Cell, CellAlignment, Table};

use super::escape::{self, terminal};
use super::style::{Style, new_table};
use super::{steps, time};
use crate::case::cbs::{Attempt, CbsFile, CbsReport, Maker};
use crate::lang::{Lang, Text, cbs as t, servicing};
use crate::nt::FileTime;

/// Rows of one table, at most; the JSON has all.
const MAX_ROWS: usize = 40;

/// The whole report.
pub fn render(report: &CbsReport, style: &Style) -> String {
    let mut page = Page::new(report, style);
    page.answer();
    page.logs();
    page.attempts();
    page.order();
    page.locked();
    page.damaged();
    page.missing();
    page.winsxs();
    page.next_steps();
    page.notes();
    if style.ascii { escape::ascii(&page.out) } else { page.out }
}

/// What a case adds about its logs beyond its own story: other attempts, what needs repair, the logs themselves.
pub(super) fn beside_a_case(report: &CbsReport, style: &Style) -> String {
    let mut page = Page::new(report, style);
    if report.attempts.iter().filter(|attempt| attempt.session.is_some()).count() > 1 {
        page.attempts();
    }
    page.damaged();
    page.missing();
    page.notes();
    page.out
}

/// One missing directory a line, to collect them from a good machine.
pub fn missing_list(report: &CbsReport) -> String {
    let mut out = String::new();
    for item in &report.missing {
        out.push_str(&terminal(&item.directory));
        out.push('\n');
    }
    out
}

/// One row of the order of causes.
struct Told<'a> {
    file: Option<&'a str>,
    line: u64,
    local: &'a str,
    role: Text,
    code: String,
    place: String,
}

type Page<'a> = super::page::Page<'a, &'a CbsReport>;

impl Page<'_> {
    fn table(&mut self, mut rows: Vec<Vec<Cell>>, heads: &[Text]) {
        let more = rows.len().saturating_sub(MAX_ROWS);
        rows.truncate(MAX_ROWS);
        let mut table: Table = new_table(self.style, heads);
        table.add_rows(rows);
        let table = table.to_string();
        self.line(&table);
        if more > 0 {
            let line = t::ROWS_MORE.fill(self.lang(), &[("n", &more)]);
            self.line(&line);
        }
    }

    /// The attempt that the diagnosis is about.
    fn subject(&self) -> Option<&Attempt> {
        self.record.diagnosis.as_ref()?;
        self.record.attempts.get(self.record.subject?)
    }

    fn answer(&mut self) {
        let lang = self.lang();
        if self.record.files.is_empty() {
            if self.record.winsxs.is_none() {
                self.line(t::NO_LOG.get(lang));
            }
            return;
        }
        let Some(attempt) = self.subject() else {
            let line = t::NOTHING_FAILED.fill(lang, &[("n", &self.record.files.len())]);
            self.line(&line);
            return;
        };
        let mut head = Vec::new();
        head.extend(attempt.identifier.as_deref().map(terminal));
        head.extend(attempt.package.as_deref().map(terminal));
        let mut lines = Vec::new();
        if !head.is_empty() {
            lines.push(head.join("  "));
        }
        if let Some(result) = &attempt.result {
            let symbol = result.symbol.as_deref().unwrap_or_default();
            let mut line = match result.text.as_deref() {
                Some(meaning) => {
                    let values: &[(&str, &dyn std::fmt::Display)] =
                        &[("code", &result.hresult), ("symbol", &symbol), ("meaning", &meaning)];
                    t::MEANING.fill(lang, values)
                }
                None => t::code_with_symbol(&result.hresult, result.symbol.as_deref()),
            };
            if let Some(phase) = &result.phase {
                line.push_str(&t::PHASE_IS.fill(lang, &[("phase", &terminal(phase))]));
            }
            lines.push(line);
        }
        lines.extend(attempt.diagnosis.as_ref().map(|diagnosis| terminal(&diagnosis.text)));
        for line in lines {
            self.line(&line);
        }
    }

    fn logs(&mut self) {
        if self.record.files.is_empty() {
            return;
        }
        self.heading(t::H_LOGS);
        let rows = self.record.files.iter().map(|file| {
            vec![
                Cell::new(terminal(shown(self.record, file))),
                Cell::new(file.first_local.as_deref().unwrap_or_default()),
                Cell::new(file.last_local.as_deref().unwrap_or_default()),
                Cell::new(offset(file.utc_offset_minutes, self.lang())),
                number(file.records),
                number(file.unparsed_lines),
                Cell::new(&file.encoding),
            ]
        });
        let rows = rows.collect();
        let heads = [t::C_LOG, t::C_FROM, t::C_TO, t::C_OFFSET, t::C_RECORDS, t::C_UNPARSED, t::C_ENCODING];
        self.table(rows, &heads);
    }

    fn attempts(&mut self) {
        let attempts: Vec<&Attempt> = self
            .record
            .attempts
            .iter()
            .filter(|attempt| attempt.session.is_some() || attempt.failed.is_some())
            .collect();
        if attempts.is_empty() {
            return;
        }
        self.heading(t::H_ATTEMPTS);
        let lang = self.lang();
        let row = |attempt: &&Attempt| {
            let names = [attempt.identifier.as_deref(), attempt.package.as_deref()];
            let names: Vec<String> = names.into_iter().flatten().map(terminal).collect();
            let phase = attempt.result.as_ref().and_then(|result| result.phase.as_deref()).unwrap_or_default();
            vec![
                Cell::new(attempt.session.as_deref().map_or_else(|| t::V_OUTSIDE.get(lang).to_owned(), terminal)),
                Cell::new(attempt.started_utc.as_deref().map(|utc| self.local(utc, attempt)).unwrap_or_default()),
                Cell::new(terminal(attempt.client.as_deref().unwrap_or_default())),
                Cell::new(names.join("\n")),
                Cell::new(terminal(phase)),
                Cell::new(outcome(attempt, lang)),
                Cell::new(
                    attempt.first_error.as_ref().map(|event| terminal(&t::error_name(event, lang))).unwrap_or_default(),
                ),
            ]
        };
        let rows = attempts.iter().map(row).collect();
        let heads = [t::C_SESSION, t::C_STARTED, t::C_CLIENT, t::C_PACKAGE, t::C_PHASE, t::C_RESULT, t::C_FIRST_ERROR];
        self.table(rows, &heads);
    }

    /// First error, the one that set the result, locks, in the order of the log.
    fn order(&mut self) {
        let Some(attempt) = self.subject().cloned() else { return };
        let lang = self.lang();
        let mut told: Vec<Told<'_>> = Vec::new();
        let (first, set) = (attempt.first_error.as_ref(), attempt.set_result.as_ref());
        let same = first.is_some() && first == set;
        let roles = [
            (first, if same { t::V_FIRST_SETS } else { t::V_FIRST }),
            (set.filter(|_| !same), t::V_SETS),
            (attempt.returned_by.as_ref().filter(|returned| Some(*returned) != set), t::V_RETURNED),
        ];
        for (found, role) in roles {
            told.extend(found.map(|event| Told {
                file: event.file.as_deref(),
                line: event.line,
                local: &event.local,
                role,
                code: t::error_name(event, lang),
                place: event.function.clone().unwrap_or_else(|| format!("“{}”", event.record)),
            }));
        }
        for lock in attempt.locks.iter().take(MAX_ROWS) {
            let known = told.iter_mut().find(|row| row.file == Some(lock.file.as_str()) && row.line == lock.line);
            match known {
                Some(row) => row.place.clone_from(&lock.path),
                None => told.push(Told {
                    file: Some(&lock.file),
                    line: lock.line,
                    local: &lock.local,
                    role: stage(lock),
                    code: lock.symbol.as_ref().unwrap_or(&lock.ntstatus).clone(),
                    place: lock.path.clone(),
                }),
            }
        }
        if attempt.files.len() == 1 {
            told.sort_by_key(|row| row.line);
        }
        if told.is_empty() {
            return;
        }
        let steps: Vec<steps::Step> = told.iter().map(|row| self.step(row)).collect();
        self.heading(t::H_ORDER);
        steps::lines(&steps).iter().for_each(|line| self.line(line));
    }

    fn step(&self, told: &Told<'_>) -> steps::Step {
        let lang = self.lang();
        let line = self.line_in(told.file, told.line);
        let role = format!("{}{}{}", told.role.get(lang), lang.colon(), terminal(&told.code));
        steps::Step { columns: vec![told.local.to_owned(), line, role], place: terminal(&told.place) }
    }

    /// A line, with its log where there are several.
    fn line_in(&self, file: Option<&str>, line: u64) -> String {
        match file {
            Some(file) if self.record.files.len() > 1 => format!("{}:{line}", terminal(file)),
            _ => servicing::V_LINE.fill(self.lang(), &[("line", &line)]),
        }
    }

    fn locked(&mut self) {
        let lang = self.lang();
        let mut rows = Vec::new();
        for (attempt, lock) in
            self.record.attempts.iter().flat_map(|attempt| attempt.locks.iter().map(move |lock| (attempt, lock)))
        {
            let stage = stage(lock);
            let made = |maker: &Maker| format!("{} {}", maker.pid16, self.local(&maker.first_utc, attempt));
            let maker: Vec<String> = attempt.makers.iter().map(made).collect();
            let several = self.record.files.len() > 1;
            let line = if several { format!("{}:{}", terminal(&lock.file), lock.line) } else { lock.line.to_string() };
            rows.push(vec![
                Cell::new(line).set_alignment(CellAlignment::Right),
                Cell::new(&lock.local),
                Cell::new(lock.symbol.as_deref().unwrap_or(&lock.ntstatus)),
                Cell::new(stage.get(lang)),
                Cell::new(terminal(&lock.path)),
                Cell::new(maker.join("\n")),
            ]);
        }
        if rows.is_empty() {
            return;
        }
        self.heading(t::H_LOCKED);
        self.table(rows, &[t::C_LINE, t::C_TIME, t::C_STATUS, t::C_STAGE, t::C_PATH, t::C_MADE]);
    }

    /// A time in UTC as the attempt's log would print it; marked as UTC where nothing ties the two.
    fn local(&self, utc: &str, attempt: &Attempt) -> String {
        let of_attempt = |file: &&CbsFile| attempt.files.iter().any(|label| label == shown(self.record, file));
        let offset = self.record.files.iter().filter(of_attempt).find_map(|file| file.utc_offset_minutes);
        match (offset, FileTime::parse_rfc3339(utc)) {
            (Some(minutes), Some(time)) => to_second(&time::date_time(time, &time::fixed_zone(minutes))),
            _ => t::V_IN_UTC.fill(self.lang(), &[("time", &to_second(utc))]),
        }
    }

    fn next_steps(&mut self) {
        if self.record.recommendations.is_empty() {
            return;
        }
        self.heading(t::H_NEXT);
        let steps: Vec<String> = self.record.recommendations.iter().map(|step| terminal(&step.text)).collect();
        for (at, step) in steps.iter().enumerate() {
            self.line(&format!("  {}. {step}", at + 1));
        }
    }

    fn notes(&mut self) {
        let lang = self.lang();
        let colon = lang.colon();
        let mut lines = Vec::new();
        for file in &self.record.files {
            let name = terminal(shown(self.record, file));
            if let Some(other) = &file.copy_of {
                lines.push(t::COPY_OF.fill(lang, &[("log", &name), ("other", &terminal(other))]));
            }
            for shared in &file.shared {
                let values: &[(&str, &dyn std::fmt::Display)] = &[
                    ("log", &name),
                    ("other", &terminal(&shared.with)),
                    ("records", &shared.records),
                    ("first", &shared.first_local),
                    ("last", &shared.last_local),
                ];
                lines.push(t::SHARED.fill(lang, values));
            }
            if file.unparsed_lines > 0 {
                lines.push(t::UNPARSED.fill(lang, &[("log", &name), ("n", &file.unparsed_lines)]));
            }
            lines.extend(file.notes.iter().map(|note| format!("{name}{colon}{}", terminal(&note.text))));
        }
        if !lines.is_empty() {
            self.heading(t::H_NOTES);
            for line in &lines {
                self.line(&format!("  {line}"));
            }
        }
        if self.record.skipped.is_empty() {
            return;
        }
        self.heading(t::H_SKIPPED);
        let skipped: Vec<String> = self
            .record
            .skipped
            .iter()
            .map(|skipped| format!("  {}{colon}{}", terminal(&skipped.path), terminal(&skipped.text)))
            .collect();
        for line in skipped {
            self.line(&line);
        }
    }
}

/// What a lock meant for its attempt.
fn stage(lock: &crate::case::cbs::LockRef) -> Text {
    match (lock.sets_result, lock.stage.as_str()) {
        (true, _) => t::V_CAUSE,
        (false, "cleanup") => t::V_CLEANUP,
        _ => t::V_OPERATION,
    }
}

/// The base name when no other log has the same, else the path.
fn shown<'a>(report: &'a CbsReport, file: &'a CbsFile) -> &'a str {
    let same = report.files.iter().filter(|other| other.name.eq_ignore_ascii_case(&file.name)).count();
    file.path.as_deref().filter(|_| same > 1).unwrap_or(&file.name)
}

fn number(value: u64) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

/// `+08:00`
fn offset(minutes: Option<i32>, lang: Lang) -> String {
    let Some(minutes) = minutes else { return t::V_UNKNOWN_ZONE.get(lang).to_owned() };
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// `2022-10-08 05:49:33` of a time with more digits.
fn to_second(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

fn outcome(attempt: &Attempt, lang: Lang) -> String {
    match (attempt.failed, &attempt.result) {
        (Some(false), _) => t::V_SUCCESS.get(lang).to_owned(),
        (Some(true), Some(result)) => match &result.symbol {
            Some(symbol) => format!("{}\n{symbol}", result.hresult),
            None => result.hresult.clone(),
        },
        _ => t::V_UNKNOWN.get(lang).to_owned(),
    }
}
