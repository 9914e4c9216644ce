//! The story of one failure for a terminal: what was asked, the rule, who held the file as bars, what everybody did.

use super::escape::{ascii, terminal};
use super::table::{Style, confidence, new_table};
use super::time;
use crate::case::{Attribution, Edge, Requested, Story, StoryHold};
use crate::lang::{Lang, Text, report as r, why as t};
use crate::nt::FileTime;
use std::fmt::Write as _;

/// Cells of a bar.
const BAR: usize = 48;
/// Events told on each side of the failure, at most.
const NEAR: usize = 20;

/// The whole story.
pub fn render(story: &Story, style: &Style) -> String {
    let mut teller = Teller { story, style, out: String::new() };
    teller.failure();
    teller.rules();
    teller.holds();
    teller.events();
    teller.cleared();
    if style.ascii { ascii(&teller.out) } else { teller.out }
}

struct Teller<'a> {
    story: &'a Story,
    style: &'a Style,
    out: String,
}

impl Teller<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn heading(&mut self, text: Text) {
        self.out.push('\n');
        self.line(text.get(self.style.lang));
    }

    fn time(&self, rfc3339: &str) -> String {
        FileTime::parse_rfc3339(rfc3339)
            .map_or_else(|| rfc3339.to_owned(), |time| time::time_of_day(time, &self.style.zone))
    }

    fn failure(&mut self) {
        let lang = self.style.lang;
        let failure = &self.story.failure;
        self.line(&t::TITLE.fill(lang, &[("event", &failure.event)]));
        let time = FileTime::parse_rfc3339(&failure.time).map_or_else(
            || failure.time.clone(),
            |time| {
                format!(
                    "{}{}",
                    time::date_time(time, &self.style.zone),
                    lang.remark(time::zone_name(time, &self.style.zone, lang))
                )
            },
        );
        let line = t::FAILED.fill(
            lang,
            &[
                ("time", &time),
                ("process", &terminal(&failure.process)),
                ("pid", &failure.pid),
                ("operation", &terminal(&failure.operation)),
                ("result", &failure.result),
            ],
        );
        self.line(&format!("  {line}"));
        self.line(&format!("  {}", terminal(&failure.path)));
        if let Some(asked) =
            failure.requested.as_ref().map(|asked| requested(asked, lang)).filter(|asked| !asked.is_empty())
        {
            self.line(&format!("  {}", t::ASKED.fill(lang, &[("what", &asked)])));
        }
        if let Some(marker) = &failure.deleted_by {
            let values: &[(&str, &dyn std::fmt::Display)] =
                &[("process", &terminal(&marker.process)), ("pid", &marker.pid), ("event", &marker.event)];
            self.line(&format!("  {}", r::DELETED_BY.fill(lang, values)));
        }
        if let Some(release) = &failure.released_by {
            let mut text = r::RELEASED_BY.fill(lang, &[("pid", &release.pid), ("event", &release.event)]);
            if let Some(success) = &failure.confirmed_by {
                let _ =
                    write!(text, "{}{}", lang.semicolon(), r::CONFIRMED_BY.fill(lang, &[("event", &success.event)]));
            }
            self.line(&format!("  {text}"));
        }
    }

    fn rules(&mut self) {
        let lang = self.style.lang;
        let failure = &self.story.failure;
        if failure.holders.is_empty() {
            self.out.push('\n');
            match failure.attribution {
                Attribution::NoHolder => {
                    self.line(
                        &r::NOBODY.fill(lang, &[("cause", &r::nobody(failure.cause, &failure.status).get(lang))]),
                    );
                }
                _ => self.line(t::NOT_VISIBLE.get(lang)),
            }
        } else {
            let mut told: Vec<&str> = Vec::new();
            self.heading(t::RULE);
            for holder in &failure.holders {
                if told.contains(&holder.rule.as_str()) {
                    continue;
                }
                told.push(&holder.rule);
                let sentence = t::rule(&holder.rule).map_or("", |text| text.get(lang));
                self.line(&format!("  {}{}{sentence}", holder.rule, lang.colon()));
            }
            for holder in &failure.holders {
                let conflict = holder.conflict.join(lang.semicolon());
                let mut line = format!(
                    "  {}{}{}{}{}",
                    lang.process(terminal(&holder.process), holder.pid),
                    lang.colon(),
                    confidence(holder.confidence).get(lang),
                    if lang == Lang::En { ", " } else { "，" },
                    r::mechanism(holder.mechanism, failure.cause).get(lang),
                );
                if !conflict.is_empty() {
                    let _ = write!(line, "{}{}", lang.semicolon(), terminal(&conflict));
                }
                self.line(&line);
            }
        }
        for code in &failure.explanations {
            self.line(&format!("  - {}", r::explanation(*code).get(lang)));
        }
    }

    fn holds(&mut self) {
        if self.story.holds.is_empty() {
            self.heading(t::NOBODY_HELD);
            return;
        }
        self.heading(if self.style.ascii { t::HOLDS_ASCII } else { t::HOLDS });
        let Some(failed) = FileTime::parse_rfc3339(&self.story.failure.time) else { return };
        let (from, to) = window(self.story, failed);
        let scale = to.since(from).0.max(1);
        let cell = |time: FileTime| {
            let at = u128::from(time.since(from).0) * (BAR as u128 - 1) / u128::from(scale);
            usize::try_from(at).unwrap_or(BAR - 1).min(BAR - 1)
        };
        let (full, perhaps, empty, mark) =
            if self.style.ascii { ('#', '?', '.', 'X') } else { ('▓', '░', '·', '✗') };
        for hold in &self.story.holds {
            let start = edge_time(&hold.start).unwrap_or(from);
            let end = self.end(hold).unwrap_or(to);
            let mut bar: Vec<char> = vec![empty; BAR];
            let (first, last) = (cell(start.clamp(from, to)), cell(end.clamp(from, to)));
            if end >= from && start <= to {
                bar.iter_mut().skip(first).take(last + 1 - first.min(last)).for_each(|cell| *cell = full);
            }
            // What ends without an event is sure up to the failure only.
            if matches!(&hold.end, Edge::Outside(code) if code == "unseen") {
                let sure = cell(failed);
                bar.iter_mut().skip(sure).filter(|cell| **cell == full).for_each(|cell| *cell = perhaps);
            }
            if let Some(cell) = bar.get_mut(cell(failed)) {
                *cell = mark;
            }
            let bar: String = bar.into_iter().collect();
            let line = self.hold_line(hold);
            self.line(&format!("  {bar}  {line}"));
        }
        let mut ends = String::new();
        let (left, right) = (time::time_of_day(from, &self.style.zone), time::time_of_day(to, &self.style.zone));
        let _ = write!(ends, "  {left}{right:>width$}", width = BAR.saturating_sub(left.len()));
        self.line(&ends);
        if self.story.truncated {
            self.line(&format!("  {}", t::TRUNCATED.get(self.style.lang)));
        }
    }

    /// The end of a hold: its own, else the release of this failure by the same process.
    fn end(&self, hold: &StoryHold) -> Option<FileTime> {
        edge_time(&hold.end).or_else(|| {
            let release = self.story.failure.released_by.as_ref().filter(|release| release.pid == hold.pid)?;
            let event = self.story.events.iter().find(|event| event.event == release.event)?;
            FileTime::parse_rfc3339(&event.time)
        })
    }

    fn hold_line(&self, hold: &StoryHold) -> String {
        let lang = self.style.lang;
        let mut line = match &hold.driver {
            Some(driver) => {
                let process = format!("{} PID {}", terminal(&hold.process), hold.pid);
                format!("{}{}", terminal(driver), lang.remark(process))
            }
            None => lang.process(terminal(&hold.process), hold.pid),
        };
        let _ = write!(line, " {} – {}", self.edge(&hold.start), self.edge(&hold.end));
        if let Some(access) = &hold.access {
            let _ = write!(line, "{}{}", lang.semicolon(), t::ACCESS.fill(lang, &[("names", &names(access, lang))]));
        }
        if let Some(share) = &hold.share {
            let _ = write!(line, "{}{}", lang.semicolon(), t::SHARE.fill(lang, &[("names", &names(share, lang))]));
        }
        if let Some(path) = &hold.path {
            let _ = write!(line, "{}{}", lang.semicolon(), terminal(path));
        }
        if hold.implicated {
            let _ = write!(line, "  ← {}", t::IMPLICATED.get(lang));
        }
        line
    }

    fn edge(&self, edge: &Edge) -> String {
        match edge {
            Edge::At(at) => self.time(&at.time),
            Edge::Outside(code) => super::table::outside(code).get(self.style.lang).to_owned(),
        }
    }

    fn events(&mut self) {
        if self.story.events.is_empty() {
            return;
        }
        self.heading(t::EVENTS);
        let mut table = new_table(
            self.style,
            &[
                r::HEAD_EVENT,
                r::HEAD_TIME,
                r::HEAD_HOLDER,
                r::HEAD_PID,
                r::HEAD_OPERATION,
                r::HEAD_RESULT,
                t::HEAD_DETAIL,
            ],
        );
        let at = self.story.events.partition_point(|event| event.event < self.story.failure.event);
        let from = at.saturating_sub(NEAR);
        let told = self.story.events.get(from..).unwrap_or_default();
        let cut = from > 0 || told.len() > 2 * NEAR + 1;
        for event in told.iter().take(2 * NEAR + 1) {
            let mark = if event.event == self.story.failure.event { " ←" } else { "" };
            let mut detail = event.detail.clone().unwrap_or_default();
            if !event.path.eq_ignore_ascii_case(&self.story.failure.path) {
                let _ = write!(detail, "{}[{}]", if detail.is_empty() { "" } else { " " }, event.path);
            }
            table.add_row(vec![
                format!("{}{mark}", event.event),
                self.time(&event.time),
                terminal(&event.process),
                event.pid.to_string(),
                terminal(&event.operation),
                event.result.clone(),
                terminal(&detail),
            ]);
        }
        let table = table.to_string();
        self.line(&table);
        if cut {
            self.line(t::TRUNCATED.get(self.style.lang));
        }
    }

    fn cleared(&mut self) {
        if self.story.failure.ruled_out.is_empty() {
            return;
        }
        self.heading(t::CLEARED);
        for party in &self.story.failure.ruled_out {
            let values: &[(&str, &dyn std::fmt::Display)] = &[
                ("process", &terminal(&party.process)),
                ("pid", &party.pid),
                ("reason", &r::ruled_out(party.reason).get(self.style.lang)),
            ];
            let line = r::CLEARED_LINE.fill(self.style.lang, values);
            self.line(&format!("  {line}"));
        }
    }
}

/// From the first to the last edge seen, with the failure inside.
fn window(story: &Story, failed: FileTime) -> (FileTime, FileTime) {
    let edges = story.holds.iter().flat_map(|hold| [edge_time(&hold.start), edge_time(&hold.end)]).flatten();
    let (from, to) = edges.fold((failed, failed), |(from, to), time| (from.min(time), to.max(time)));
    // A hold without edges still needs some room on both sides of the failure.
    let room = (to.since(from).0 / 20).max(10_000);
    (FileTime(from.0.saturating_sub(room)), FileTime(to.0.saturating_add(room)))
}

fn edge_time(edge: &Edge) -> Option<FileTime> {
    match edge {
        Edge::At(at) => FileTime::parse_rfc3339(&at.time),
        Edge::Outside(_) => None,
    }
}

fn names(list: &[String], lang: Lang) -> String {
    if list.is_empty() { t::NOTHING.get(lang).to_owned() } else { list.join("|") }
}

fn requested(asked: &Requested, lang: Lang) -> String {
    let mut parts = Vec::new();
    if let Some(access) = &asked.access {
        parts.push(t::ACCESS.fill(lang, &[("names", &names(access, lang))]));
    }
    if let Some(effective) = &asked.effective {
        parts.push(t::EFFECTIVE.fill(lang, &[("names", &names(effective, lang))]));
    }
    if let Some(share) = &asked.share {
        parts.push(t::SHARE.fill(lang, &[("names", &names(share, lang))]));
    }
    parts.extend(asked.disposition.clone());
    if let Some(target) = &asked.target {
        parts.push(t::TO.fill(lang, &[("path", &terminal(target))]));
    }
    if let Some(range) = &asked.range {
        parts.push(t::RANGE.fill(lang, &[("length", &range.length), ("offset", &range.offset)]));
    }
    parts.join(lang.semicolon())
}
