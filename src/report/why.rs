//! The story of one event for a terminal: what was asked, the rule, who held the file as bars, what everybody did.

use super::escape::{ascii, terminal};
use super::failures::{cleared_who, is_cleared_but, released};
use super::page::Page;
use super::style::{Style, new_table};
use super::time;
use super::words::{acting, confidence, driver_facts, reason_of};
use crate::case::{Attribution, Cause, Edge, Evidence, Failure, FailureHolder, Hold, Requested, Story, StoryEvent};
use crate::lang::{Lang, report as r, why as t};
use crate::nt::FileTime;
use rustc_hash::FxHashSet;
use std::fmt::Write as _;

/// Events told on each side of the event, at most.
const NEAR: usize = 20;

/// The whole story.
pub fn render(story: &Story, style: &Style) -> String {
    let mut teller = Teller::new(story, style);
    teller.subject();
    teller.rules();
    teller.ended();
    teller.holds();
    teller.events();
    teller.cleared();
    teller.evidence();
    if style.ascii { ascii(&teller.out) } else { teller.out }
}

/// A story on its way to text.
pub(super) type Teller<'a> = Page<'a, &'a Story>;

impl<'a> Teller<'a> {
    fn subject(&mut self) {
        let lang = self.style.lang;
        let story = self.record;
        if let Some(failure) = &story.failure {
            self.line(&t::TITLE.fill(lang, &[("event", &story.event)]));
            let who = self.named(failure.driver.as_deref(), (&failure.process, failure.pid));
            let what = (&*failure.time, &*who, &*failure.operation, &*failure.result);
            self.happened(what, &failure.path);
            self.asked_and_ended(failure);
            return;
        }
        let title = if self.is_exit() { t::TITLE_EXIT } else { t::TITLE_OTHER };
        self.line(&title.fill(lang, &[("event", &story.event)]));
        if let Some(asked) = self.asked_event() {
            let who = self.named(None, (&asked.process, asked.pid));
            self.happened((&asked.time, &who, &asked.operation, &asked.result), &asked.path);
        }
        if self.is_exit() {
            return;
        }
        let waited = match &story.wait {
            Some(wait) => {
                let text = if wait.cause == Cause::OplockBreak { t::WAITED } else { t::TOOK_LONG };
                text.fill(lang, &[("time", &time::duration(wait.waited_ms))])
            }
            None => t::NOT_REFUSED.get(lang).to_owned(),
        };
        self.line(&format!("  {waited}"));
        if let Some(rule) = &story.denied_by {
            self.rule(rule, &mut Vec::new());
        }
        let others = story.events.iter().filter(|event| event.refused && event.event != story.event);
        let refused: Vec<String> = others.map(|event| event.event.to_string()).collect();
        let text = match refused.len() {
            // What was refused on another name, and the event ended the cause of, is told below.
            0 if !story.ended.is_empty() => String::new(),
            0 => t::NONE_REFUSED.get(lang).to_owned(),
            1..=NEAR => t::REFUSED_HERE.fill(lang, &[("n", &refused.len()), ("events", &refused.join(lang.comma()))]),
            more => {
                let first = refused.get(..NEAR).unwrap_or_default().join(lang.comma());
                let rest = lang.remark(format_args!("+{}", more - NEAR));
                t::REFUSED_HERE.fill(lang, &[("n", &more), ("events", &(first + &rest))])
            }
        };
        if !text.is_empty() {
            self.line(&format!("  {text}"));
        }
        if let Some(wait) = story.wait.as_ref().filter(|wait| !wait.holders.is_empty()) {
            self.rules_of(&wait.holders, wait.cause);
        }
    }

    /// The event asked about, as everybody's are told.
    pub(super) fn asked_event(&self) -> Option<&'a StoryEvent> {
        self.record.events.iter().find(|event| event.event == self.record.event)
    }

    fn happened(&mut self, (at, who, operation, result): (&str, &str, &str, &str), path: &str) {
        let lang = self.style.lang;
        let time = FileTime::parse_rfc3339(at).map_or_else(
            || at.to_owned(),
            |time| {
                let zone = lang.remark(time::zone_name(time, &self.style.zone, lang));
                time::date_time(time, &self.style.zone) + &zone
            },
        );
        let operation = terminal(operation);
        let values: &[(&str, &dyn std::fmt::Display)] =
            &[("time", &time), ("who", &who), ("operation", &operation), ("result", &result)];
        let line = t::FAILED.fill(lang, values);
        self.line(&format!("  {line}"));
        if !path.is_empty() {
            self.line(&format!("  {}", terminal(path)));
        }
    }

    /// Whether the event is the end of a process, which is about no file of its own.
    pub(super) fn is_exit(&self) -> bool {
        self.asked_event().is_some_and(|asked| asked.path.is_empty())
    }

    /// The holds that the event ended, with what they had been in the way of.
    fn ended(&mut self) {
        let lang = self.style.lang;
        let closes = self.asked_event().is_some_and(|asked| asked.operation == "CloseFile");
        let refused = self.record.events.iter().any(|event| event.refused);
        if self.record.ended.is_empty() {
            if self.is_exit() || closes && refused && self.record.failure.is_none() {
                self.line(&format!("  {}", t::ENDED_NOTHING.get(lang)));
            }
            return;
        }
        self.heading(t::ENDED);
        for ended in &self.record.ended {
            let first = ended.failures.iter().take(NEAR).map(u64::to_string).collect::<Vec<_>>().join(lang.comma());
            let more = ended.failures.len().saturating_sub(NEAR);
            let rest = if more > 0 { lang.remark(format_args!("+{more}")) } else { String::new() };
            let values: &[(&str, &dyn std::fmt::Display)] = &[
                ("path", &terminal(&ended.path)),
                ("n", &ended.failures.len()),
                ("events", &(first + &rest)),
                ("grade", &confidence(ended.confidence).get(lang)),
                ("how", &t::held_by(ended.mechanism).get(lang)),
            ];
            let mut line = t::ENDED_LINE.fill(lang, values);
            if let Some(success) = &ended.confirmed_by {
                let confirmed = r::CONFIRMED_BY.fill(lang, &[("event", &success.event)]);
                let _ = write!(line, "{}{confirmed}", lang.semicolon());
            }
            self.line(&format!("  {line}"));
        }
    }

    fn asked_and_ended(&mut self, failure: &Failure) {
        let lang = self.style.lang;
        if let Some(asked) =
            failure.requested.as_ref().map(|asked| requested(asked, lang)).filter(|asked| !asked.is_empty())
        {
            self.line(&format!("  {}", t::ASKED.fill(lang, &[("what", &asked)])));
        }
        if let Some(marker) = &failure.deleted_by {
            let who = self.named(marker.driver.as_deref(), (&marker.process, marker.pid));
            self.line(&format!("  {}", r::DELETED_BY.fill(lang, &[("who", &who), ("event", &marker.event)])));
        }
        if let Some(child) = &failure.live_child {
            let path = terminal(&child.path);
            self.line(&format!("  {}", r::LIVE_CHILD.fill(lang, &[("path", &path), ("event", &child.event)])));
        }
        if let Some(text) = released(failure, lang) {
            self.line(&format!("  {text}"));
        }
        if let Some(took) = self.asked_event().and_then(|event| event.took_ms) {
            self.line(&format!("  {}", t::TOOK.fill(lang, &[("time", &time::duration(took))])));
        }
        let Some(series) = failure.series else { return };
        let values: &[(&str, &dyn std::fmt::Display)] =
            &[("n", &series.attempts), ("first", &series.first), ("last", &series.last)];
        let mut parts = Vec::new();
        if series.attempts > 1 {
            parts.push(t::TRIES.fill(lang, values));
        }
        match series.ended_by {
            Some(event) if failure.confirmed_by.is_none() => {
                parts.push(t::TRIES_ENDED.fill(lang, &[("event", &event)]))
            }
            Some(_) => {}
            None if series.attempts > 1 => {
                parts.push(r::FOR_GOOD.fill(lang, &[("n", &series.attempts), ("event", &series.last)]));
            }
            None => parts.push(r::FOR_GOOD_ONCE.fill(lang, &[("event", &series.last)])),
        }
        if !parts.is_empty() {
            self.line(&format!("  {}", parts.join(lang.semicolon())));
        }
    }

    fn rules(&mut self) {
        let lang = self.style.lang;
        let Some(failure) = &self.record.failure else { return };
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
            self.rules_of(&failure.holders, failure.cause);
        }
        for code in &failure.explanations {
            self.line(&format!("  - {}", r::explanation(*code).get(lang)));
        }
    }

    /// Each holder with the rule that makes its hold a reason, and what else that rests on.
    fn rules_of(&mut self, holders: &[FailureHolder], cause: Cause) {
        let lang = self.style.lang;
        self.heading(t::RULE);
        let mut told: Vec<&str> = Vec::new();
        for holder in holders.iter().filter(|holder| !holder.rule.is_empty()) {
            self.rule(&holder.rule, &mut told);
        }
        for holder in holders {
            let conflict = holder.conflict.join(lang.semicolon());
            let mut line = format!(
                "  {}{}{}{}{}",
                self.party(holder),
                lang.colon(),
                confidence(holder.confidence).get(lang),
                if lang == Lang::En { ", " } else { "，" },
                if conflict.is_empty() {
                    reason_of(cause, holder, lang)
                } else {
                    r::mechanism(holder.mechanism, cause).get(lang).to_owned()
                },
            );
            if !conflict.is_empty() {
                let _ = write!(line, "{}{}", lang.semicolon(), terminal(&conflict));
            }
            line.push_str(&lang.remark(cited(&holder.rule, &holder.evidence, lang)));
            self.line(&line);
        }
        for driver in &self.record.drivers {
            if let Some(facts) = driver_facts(driver, lang) {
                self.line(&format!("  {facts}"));
            }
        }
    }

    /// A holder by name: the driver that acts in a process's name before the process.
    fn party(&self, holder: &FailureHolder) -> String {
        self.named(holder.driver.as_deref(), (&holder.process, holder.pid))
    }

    pub(super) fn named(&self, driver: Option<&str>, (process, pid): (&str, u32)) -> String {
        acting(driver, (process, pid), self.style.lang)
    }

    /// The rules that were cited beside those of the holders, each once and in a sentence.
    fn evidence(&mut self) {
        let Some(failure) = &self.record.failure else { return };
        let lang = self.style.lang;
        let mut told: Vec<&str> = failure.holders.iter().map(|holder| holder.rule.as_str()).collect();
        let own = failure.evidence.iter();
        let evidence = own.chain(failure.holders.iter().flat_map(|holder| &holder.evidence));
        let ids = evidence.map(|one| one.rule.as_str());
        let ids: Vec<&str> = ids.chain(failure.ruled_out.iter().map(|party| party.rule.as_str())).collect();
        if ids.iter().all(|id| told.contains(id)) {
            return;
        }
        self.heading(t::EVIDENCE);
        if !failure.evidence.is_empty() {
            let rules = failure.evidence.iter().map(|one| by_event(one, lang)).collect::<Vec<_>>().join(lang.comma());
            self.line(&format!("  {}", t::OF_ALL.fill(lang, &[("rules", &rules)])));
        }
        for id in ids {
            self.rule(id, &mut told);
        }
    }

    /// A rule in a sentence, once.
    fn rule<'r>(&mut self, id: &'r str, told: &mut Vec<&'r str>) {
        if told.contains(&id) || id.is_empty() {
            return;
        }
        told.push(id);
        let lang = self.style.lang;
        let sentence = t::rule(id).map_or("", |text| text.get(lang));
        self.line(&format!("  {id}{}{sentence}", lang.colon()));
    }

    fn events(&mut self) {
        if self.record.events.is_empty() || self.is_exit() {
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
        let path = match (&self.record.failure, self.asked_event()) {
            (Some(failure), _) => failure.path.to_string(),
            (None, asked) => asked.map(|asked| asked.path.clone()).unwrap_or_default(),
        };
        let at = self.record.events.partition_point(|event| event.event < self.record.event);
        let near = at.saturating_sub(NEAR)..=at + NEAR;
        let named = named(self.record);
        let is_told = |number: usize, event: &StoryEvent| near.contains(&number) || named.contains(&event.event);
        let told: Vec<&StoryEvent> = self
            .record
            .events
            .iter()
            .enumerate()
            .filter(|(number, event)| is_told(*number, event))
            .map(|(_, event)| event)
            .collect();
        let cut = told.len() < self.record.events.len();
        for event in told {
            let mark = if event.event == self.record.event { " ←" } else { "" };
            let mut detail = event.detail.clone().unwrap_or_default();
            if let Some(ms) = event.took_ms {
                let took = t::TOOK.fill(self.style.lang, &[("time", &time::duration(ms))]);
                let _ = write!(detail, "{}{took}", if detail.is_empty() { "" } else { self.style.lang.semicolon() });
            }
            if !event.path.is_empty() && !event.path.eq_ignore_ascii_case(&path) {
                let shown = below(&event.path, &path).map_or_else(|| event.path.clone(), |rest| format!("…{rest}"));
                let _ = write!(detail, "{}[{shown}]", if detail.is_empty() { "" } else { " " });
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
        let Some(failure) = self.record.failure.as_ref().filter(|failure| !failure.ruled_out.is_empty()) else {
            return;
        };
        let lang = self.style.lang;
        self.heading(t::CLEARED);
        for party in &failure.ruled_out {
            let rule = match party.event {
                Some(event) => t::RULE_AND_EVENT.fill(lang, &[("rule", &party.rule), ("event", &event)]),
                None => party.rule.to_string(),
            };
            let values: &[(&str, &dyn std::fmt::Display)] = &[
                ("who", &cleared_who(party, self.style)),
                ("reason", &r::ruled_out(party.reason).get(lang)),
                ("rule", &rule),
            ];
            let line = r::CLEARED_LINE.fill(self.style.lang, values);
            self.line(&format!("  {line}"));
        }
        if is_cleared_but(failure) {
            self.line(&format!("  {}", lang.remark(r::CLEARED_BUT.get(lang)).trim_start()));
        }
    }
}

/// The rest of a path below a folder, or of another stream of a file.
fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    crate::nt::path::strip_prefix_folded(path, folder).filter(|rest| rest.starts_with(['\\', ':']))
}

/// The events that the story names, which are told wherever they lie.
fn named(story: &Story) -> FxHashSet<u64> {
    let mut named: FxHashSet<u64> = story.holds.iter().filter_map(|hold| Some(hold.refuted_by?.event)).collect();
    named.insert(story.event);
    let mut edges = |hold: &Hold| {
        for edge in [&hold.start, &hold.end] {
            if let Edge::At(at) = edge {
                named.insert(at.event);
            }
        }
    };
    let waited = story.wait.iter().flat_map(|wait| &wait.holders);
    let holders = story.failure.iter().flat_map(|failure| &failure.holders).chain(waited);
    holders.clone().for_each(|holder| edges(&holder.hold));
    named.extend(holders.flat_map(|holder| &holder.evidence).filter_map(|one| one.event));
    if let Some(failure) = &story.failure {
        named.extend(failure.evidence.iter().filter_map(|one| one.event));
        named.extend(failure.ruled_out.iter().filter_map(|party| party.event));
        named.extend(failure.released_by.map(|release| release.event));
        named.extend(failure.confirmed_by.map(|success| success.event));
        named.extend(failure.deleted_by.as_ref().map(|mark| mark.event));
        named.extend(
            failure
                .series
                .into_iter()
                .flat_map(|tries| [Some(tries.first), Some(tries.last), tries.ended_by])
                .flatten(),
        );
    }
    named
}

/// A rule with the others behind it, and the events that show them.
fn cited(rule: &str, evidence: &[Evidence], lang: Lang) -> String {
    let own = evidence.iter().find(|one| one.rule == rule);
    let first = own.map_or_else(|| rule.to_owned(), |own| by_event(own, lang));
    let rest = evidence.iter().filter(|one| one.rule != rule).map(|one| by_event(one, lang));
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join(lang.comma())
}

fn by_event(one: &Evidence, lang: Lang) -> String {
    match one.event {
        Some(event) => t::RULE_AND_EVENT.fill(lang, &[("rule", &one.rule), ("event", &event)]),
        None => one.rule.to_string(),
    }
}

pub(super) fn names(list: &[String], lang: Lang) -> String {
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
