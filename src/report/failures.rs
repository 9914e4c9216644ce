//! The failures of a case, file by file, with who is behind each and who is cleared; and what was only delayed.

use super::page::Page;
use super::style::Style;
use super::words::{acting, confidence, holder_name, is_servicing, outside, reason_of};
use super::{escape, time};
use crate::case::{
    Attribution, CaseRecord, Cause, Confidence, Edge, ExplanationCode, Failure, FailureHolder, HolderKind, RuledOut,
    RuledOutReason,
};
use crate::lang::{Lang, report as t};
use crate::nt::FileTime;
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxHashSet;
use std::fmt::Write as _;

/// Files listed one by one, at most.
const MAX_FILES: usize = 25;
/// Failures of one file listed one by one, at most.
const MAX_FAILURES: usize = 4;
/// Holds, marks and releases listed for one file, at most.
const MAX_FACTS: usize = 12;
/// Cleared parties listed for one file, at most.
const MAX_CLEARED: usize = 6;

impl Page<'_, &CaseRecord> {
    pub(super) fn files(&mut self) {
        let mut by_file: IndexMap<String, Vec<&Failure>> = IndexMap::new();
        for failure in &self.record.failures {
            by_file.entry(failure.path.to_lowercase()).or_default().push(failure);
        }
        if by_file.is_empty() {
            return;
        }
        self.heading(t::BY_FILE);
        let more_files = by_file.len().saturating_sub(MAX_FILES);
        for failures in by_file.values().take(MAX_FILES) {
            self.file(failures);
        }
        if more_files > 0 {
            let line = t::MORE_FILES.fill(self.style.lang, &[("n", &more_files)]);
            self.line(&line);
        }
    }

    fn file(&mut self, failures: &[&Failure]) {
        let Some(first) = failures.first() else { return };
        let lang = self.style.lang;
        self.line(&format!("  {}", escape::terminal(&first.path)));
        for failure in failures.iter().take(MAX_FAILURES) {
            let who = self.who(failure);
            self.line(&format!(
                "    {:>6}  {}  {}  {} → {}  ← {who}",
                failure.event,
                self.time(&failure.time),
                acting(failure.driver.as_deref(), (&failure.process, failure.pid), lang),
                escape::terminal(&failure.operation),
                failure.result,
            ));
        }
        if let Some(last) = failures.last().filter(|_| failures.len() > MAX_FAILURES) {
            let values: &[(&str, &dyn std::fmt::Display)] =
                &[("n", &(failures.len() - MAX_FAILURES)), ("last", &self.time(&last.time)), ("event", &last.event)];
            self.line(&format!("            {}", t::MORE_FAILURES.fill(lang, values)));
        }
        // A release that a success confirms is told once, with the success.
        let confirmed: FxHashSet<u64> = failures
            .iter()
            .filter(|failure| failure.confirmed_by.is_some())
            .filter_map(|failure| Some(failure.released_by?.event))
            .collect();
        let told = |failure: &Failure| {
            failure.confirmed_by.is_none() && failure.released_by.is_some_and(|one| confirmed.contains(&one.event))
        };
        let marks = failures.iter().filter_map(|failure| self.mark_line(failure));
        let releases = self.release_lines(failures.iter().copied().filter(|failure| !told(failure)));
        let for_good = failures.iter().filter_map(|failure| self.for_good(failure, failures));
        let live = failures.iter().filter_map(|failure| self.live_child(failure));
        let mut facts: IndexSet<String> = IndexSet::new();
        for fact in self.hold_lines(failures).into_iter().chain(live).chain(marks).chain(releases).chain(for_good) {
            if facts.len() == MAX_FACTS {
                break;
            }
            facts.insert(fact);
        }
        for fact in &facts {
            self.line(&format!("            {fact}"));
        }
        let cleared = self.cleared(failures);
        if !cleared.is_empty() {
            let shown = cleared.get(..MAX_CLEARED.min(cleared.len())).unwrap_or_default();
            let more = if cleared.len() > MAX_CLEARED {
                lang.remark(format_args!("+{}", cleared.len() - MAX_CLEARED))
            } else {
                String::new()
            };
            let (colon, shown) = (lang.colon(), shown.join(lang.semicolon()));
            let but = if failures.iter().any(|failure| is_cleared_but(failure)) {
                lang.remark(t::CLEARED_BUT.get(lang))
            } else {
                String::new()
            };
            self.line(&format!("            {}{colon}{shown}{more}{but}", self.text(t::CLEARED)));
        }
    }

    /// Who marked the file for deletion.
    fn mark_line(&self, failure: &Failure) -> Option<String> {
        let marker = failure.deleted_by.as_ref()?;
        let lang = self.style.lang;
        let who = acting(marker.driver.as_deref(), (&marker.process, marker.pid), lang);
        Some(t::DELETED_BY.fill(lang, &[("who", &who), ("event", &marker.event)]))
    }

    /// Each hold once; with the event where the same hold is graded or ruled differently for another.
    fn hold_lines(&self, failures: &[&Failure]) -> Vec<String> {
        // No more than are shown: there may be as many as failures. The others only tell which are one of several.
        let mut lines: IndexMap<String, (&FailureHolder, u64, bool)> = IndexMap::new();
        for failure in failures {
            for holder in &failure.holders {
                let line = self.hold_line(failure, holder);
                if lines.contains_key(&line) {
                    continue;
                }
                let alike = |one: &FailureHolder| {
                    (one.pid, &one.holder, &one.hold, one.mechanism)
                        == (holder.pid, &holder.holder, &holder.hold, holder.mechanism)
                };
                let mut several = false;
                for (_, _, of_several) in lines.values_mut().filter(|(known, ..)| alike(known)) {
                    *of_several = true;
                    several = true;
                }
                if lines.len() < MAX_FACTS {
                    lines.insert(line, (holder, failure.event, several));
                }
            }
        }
        let lang = self.style.lang;
        let told = lines.into_iter().map(|(line, (_, event, of_several))| {
            if of_several { line + &lang.remark(t::IN_EVENT.fill(lang, &[("event", &event)])) } else { line }
        });
        told.collect()
    }

    /// Who is cleared, and why. Who stood in the way of one failure here is cleared of others by their numbers only.
    fn cleared(&self, failures: &[&Failure]) -> Vec<String> {
        let lang = self.style.lang;
        let holders = failures.iter().flat_map(|failure| &failure.holders);
        let accused: FxHashSet<(String, u32)> =
            holders.map(|holder| (escape::terminal(&holder.process), holder.pid)).collect();
        let mut parties: IndexMap<(String, RuledOutReason, &str), Vec<u64>> = IndexMap::new();
        let mut apart: FxHashSet<String> = FxHashSet::default();
        for failure in failures {
            for party in &failure.ruled_out {
                let who = cleared_who(party, self.style);
                if accused.contains(&(escape::terminal(&party.process), party.pid)) {
                    apart.insert(who.clone());
                }
                parties.entry((who, party.reason, party.rule.as_str())).or_default().push(failure.event);
            }
        }
        // Who is cleared for several reasons is so of one failure each.
        let mut seen: FxHashSet<&str> = FxHashSet::default();
        let several: Vec<String> =
            parties.keys().filter(|(who, ..)| !seen.insert(who)).map(|(who, ..)| who.clone()).collect();
        apart.extend(several);
        let line = |((who, reason, rule), events): ((String, RuledOutReason, &str), Vec<u64>)| {
            let text = if apart.contains(&who) { t::CLEARED_OF_ONE } else { t::CLEARED_LINE };
            let values: &[(&str, &dyn std::fmt::Display)] = &[
                ("who", &who),
                ("reason", &t::ruled_out(reason).get(lang)),
                ("rule", &rule),
                ("n", &events.len()),
                ("events", &lang.numbers(&events, MAX_CLEARED)),
            ];
            text.fill(lang, values)
        };
        parties.into_iter().map(line).collect()
    }

    /// What else was in a folder.
    fn live_child(&self, failure: &Failure) -> Option<String> {
        let child = failure.live_child.as_ref()?;
        let path = escape::terminal(&child.path);
        Some(t::LIVE_CHILD.fill(self.style.lang, &[("path", &path), ("event", &child.event)]))
    }

    /// That the victim never got through, or where it did without confirming anybody's hold.
    fn for_good(&self, failure: &Failure, all: &[&Failure]) -> Option<String> {
        let series = failure.series?;
        if let Some(event) = series.ended_by {
            let confirms = |one: &&Failure| one.series == failure.series && one.confirmed_by.is_some();
            let text = t::WENT_THROUGH.fill(self.style.lang, &[("event", &event)]);
            return (!all.iter().any(confirms)).then_some(text);
        }
        let text = if series.attempts > 1 { t::FOR_GOOD } else { t::FOR_GOOD_ONCE };
        Some(text.fill(self.style.lang, &[("n", &series.attempts), ("event", &series.last)]))
    }

    /// The closes that ended the failures' causes, with the successes that confirm them; of which failures, where that differs.
    fn release_lines<'f>(&self, failures: impl Iterator<Item = &'f Failure>) -> Vec<String> {
        let lang = self.style.lang;
        let mut lines: IndexMap<String, Vec<u64>> = IndexMap::new();
        for failure in failures {
            if let Some(line) = released(failure, lang) {
                lines.entry(line).or_default().push(failure.event);
            }
        }
        let several = lines.len() > 1;
        let told = lines.into_iter().map(|(fact, events)| {
            let values: &[(&str, &dyn std::fmt::Display)] =
                &[("n", &events.len()), ("events", &lang.numbers(&events, MAX_FAILURES)), ("fact", &fact)];
            if several { t::OF_EVENTS.fill(lang, values) } else { fact }
        });
        told.collect()
    }

    /// Who is behind one failure, in a few words.
    fn who(&self, failure: &Failure) -> String {
        let lang = self.style.lang;
        match failure.attribution {
            Attribution::NoHolder => {
                t::NOBODY.fill(lang, &[("cause", &t::nobody(failure.cause, &failure.status).get(lang))])
            }
            Attribution::NotVisible if failure.holders.is_empty() => {
                let mut text = self.text(t::NOT_VISIBLE).to_owned();
                // That nobody may be behind it is told beside who may.
                let is_told =
                    |(at, code): &(usize, &ExplanationCode)| *at == 0 || **code == ExplanationCode::ReadOnlyAttribute;
                let told = failure.explanations.iter().enumerate().filter(is_told);
                let told: Vec<&str> = told.map(|(_, code)| t::explanation(*code).get(lang)).collect();
                if !told.is_empty() {
                    text.push_str(&lang.remark(told.join(lang.semicolon())));
                }
                text
            }
            Attribution::SelfInflicted => {
                let who = self.parties(failure);
                let text = if is_servicing(self.record) { t::SELF } else { t::SELF_OTHER };
                text.fill(lang, &[("who", &who)])
            }
            Attribution::NotVisible => t::SUSPECTED.fill(lang, &[("who", &self.parties(failure))]),
            Attribution::Holders => {
                let certain = |holder: &&FailureHolder| holder.confidence != Confidence::Possible;
                let (certain, others): (Vec<_>, Vec<_>) = failure.holders.iter().partition(certain);
                let (who, others) = (self.names(&certain), self.names(&others));
                if others.is_empty() { who } else { t::AND_SUSPECTED.fill(lang, &[("who", &who), ("others", &others)]) }
            }
        }
    }

    fn party(&self, holder: &FailureHolder) -> String {
        match self.record.holders.iter().find(|party| holder.holder == party.id) {
            Some(party) if party.kind == HolderKind::Driver => holder_name(party),
            _ => self.style.lang.process(escape::terminal(&holder.process), holder.pid),
        }
    }

    fn parties(&self, failure: &Failure) -> String {
        self.names(&failure.holders.iter().collect::<Vec<_>>())
    }

    fn names(&self, holders: &[&FailureHolder]) -> String {
        let names: IndexSet<String> = holders.iter().map(|holder| self.party(holder)).collect();
        names.into_iter().collect::<Vec<_>>().join(self.style.lang.comma())
    }

    fn hold_line(&self, failure: &Failure, holder: &FailureHolder) -> String {
        let lang = self.style.lang;
        let (hold, done) = (&holder.hold, self.edge(&holder.hold.end));
        let unseen = |edge: &Edge| matches!(edge, Edge::Outside(code) if code == "unseen");
        let held = if holder.confidence == Confidence::Possible { t::MAY_BE_HELD } else { t::HELD };
        let who = match &holder.driver {
            Some(driver) => acting(Some(driver), (&holder.process, holder.pid), lang),
            None => self.party(holder),
        };
        let (text, until) = match &hold.sure_until {
            Some(begun) => (t::HELD_CLOSING, self.time(begun)),
            None if holder.rule == "VI-3" || unseen(&hold.start) && unseen(&hold.end) => {
                (t::HELD_UNSHOWN, done.clone())
            }
            None if unseen(&hold.end) => (t::HELD_FROM, done.clone()),
            None if unseen(&hold.start) => (t::HELD_UNTIL, done.clone()),
            None => (t::HELD_BY, done.clone()),
        };
        let mut line = text.fill(
            lang,
            &[
                ("held", &held.get(lang)),
                ("who", &who),
                ("from", &self.edge(&hold.start)),
                ("to", &until),
                ("done", &done),
                ("reason", &reason_of(failure.cause, holder, lang)),
                ("confidence", &confidence(holder.confidence).get(lang)),
                ("rule", &holder.rule),
            ],
        );
        if holder.handle.is_some() {
            line.push_str(&lang.remark(self.text(t::HANDLE_AMBIGUOUS)));
        }
        if let Some(path) = &holder.hold.path {
            let _ = write!(line, " — {}", escape::terminal(path));
        }
        line
    }

    fn edge(&self, edge: &Edge) -> String {
        match edge {
            Edge::At(at) => self.time(&at.time),
            Edge::Outside(code) => self.text(outside(code)).to_owned(),
        }
    }

    pub(super) fn waits(&mut self) {
        if self.record.waits.is_empty() {
            return;
        }
        let lang = self.style.lang;
        self.heading(t::WAITS);
        for wait in self.record.waits.iter().take(MAX_FILES) {
            let who: Vec<String> = wait
                .holders
                .iter()
                .map(|holder| match &holder.driver {
                    Some(driver) => escape::terminal(driver),
                    None => {
                        let grade = confidence(holder.confidence).get(lang);
                        let comma = if lang == Lang::En { ", " } else { "，" };
                        let graded = format!("{grade}{comma}{}", holder.rule);
                        lang.process(escape::terminal(&holder.process), holder.pid) + &lang.remark(graded)
                    }
                })
                .collect();
            let text = match wait.cause {
                Cause::OplockBreak => t::WAIT_LINE,
                _ if wait.holders.is_empty() => t::SLOW_ALONE_LINE,
                _ => t::SLOW_LINE,
            };
            let line = text.fill(
                self.style.lang,
                &[
                    ("event", &wait.event),
                    ("process", &escape::terminal(&wait.process)),
                    ("time", &time::duration(wait.waited_ms)),
                    ("operation", &escape::terminal(&wait.operation)),
                    ("path", &escape::terminal(&wait.path)),
                    ("who", &who.join(self.style.lang.comma())),
                ],
            );
            self.line(&format!("  {line}"));
        }
    }
}

/// The close that ended a failure's cause, and the success that confirms it; what is not proven was only probably ended by it.
pub(super) fn released(failure: &Failure, lang: Lang) -> Option<String> {
    let release = failure.released_by.as_ref()?;
    let proven = failure.holders.iter().any(|holder| holder.confidence == Confidence::Proven);
    let text = if proven { t::RELEASED_BY } else { t::RELEASED_PERHAPS };
    let closed = |holder: &&FailureHolder| matches!(&holder.hold.end, Edge::At(at) if at.event == release.event);
    let same = |holder: &&FailureHolder| holder.pid == release.pid;
    let by = failure.holders.iter().filter(same).find(closed).or_else(|| failure.holders.iter().find(same));
    let who = by
        .map_or_else(|| format!("PID {}", release.pid), |by| acting(by.driver.as_deref(), (&by.process, by.pid), lang));
    let mut text = text.fill(lang, &[("who", &who), ("event", &release.event)]);
    if let Some(success) = &failure.confirmed_by {
        let _ = write!(text, "{}{}", lang.semicolon(), t::CONFIRMED_BY.fill(lang, &[("event", &success.event)]));
    }
    Some(text)
}

/// Whether those cleared of a failure may have a handle besides of which the capture cannot show anything (VI-4).
pub(super) fn is_cleared_but(failure: &Failure) -> bool {
    !failure.ruled_out.is_empty() && failure.explanations.contains(&ExplanationCode::OpenBeforeCapture)
}

/// Who is cleared; with his start where his number alone does not tell who he is.
pub(super) fn cleared_who(party: &RuledOut, style: &Style) -> String {
    let process = escape::terminal(&party.process);
    let Some(started) = party.started.as_deref().and_then(FileTime::parse_rfc3339) else {
        return style.lang.process(process, party.pid);
    };
    let time = time::date_time(started, &style.zone);
    t::PROCESS_STARTED.fill(style.lang, &[("process", &process), ("pid", &party.pid), ("time", &time)])
}
