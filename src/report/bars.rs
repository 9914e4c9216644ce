//! Who held a file from when to when, as bars: what is sure and what is only possible.

use super::escape::terminal;
use super::time;
use super::why::{Teller, names};
use crate::case::{Attribution, Confidence, Edge, Failure, FailureHolder, Mechanism, Story, StoryHold};
use crate::lang::why as t;
use crate::nt::{FileTime, Ticks};
use std::fmt::Write as _;

/// Cells of a bar.
const BAR: usize = 48;
/// Handles told that the end of a process closed, at most.
const MOST_CLOSED: usize = 20;
/// A close that took this long is told from its begin to its end: 10 ms.
const LONG_CLOSE: Ticks = Ticks(100_000);

impl Teller<'_> {
    pub(super) fn holds(&mut self) {
        if self.record.holds.is_empty() {
            self.heading(if self.is_exit() { t::NOTHING_OPEN } else { t::NOBODY_HELD });
            return;
        }
        self.heading(match (self.is_exit(), self.style.ascii) {
            (true, _) => t::HELD_TO_THE_END,
            (false, true) => t::HOLDS_ASCII,
            (false, false) => t::HOLDS,
        });
        let Some(at) = self.instant() else { return };
        let (from, to) = window(self.record, at);
        let scale = to.since(from).0.max(1);
        let cell = |time: FileTime| {
            let at = u128::from(time.clamp(from, to).since(from).0) * (BAR as u128 - 1) / u128::from(scale);
            usize::try_from(at).unwrap_or(BAR - 1).min(BAR - 1)
        };
        let (full, perhaps, empty, mark) =
            if self.style.ascii { ('#', '?', '.', 'X') } else { ('▓', '░', '·', '✗') };
        let most = if self.is_exit() { MOST_CLOSED } else { usize::MAX };
        for hold in self.record.holds.iter().take(most) {
            let mut bar: Vec<char> = vec![empty; BAR];
            let mut draw = |first: FileTime, last: FileTime, with: char| {
                if first <= to && last >= from {
                    let (first, last) = (cell(first), cell(last));
                    bar.iter_mut().skip(first).take(last + 1 - first.min(last)).for_each(|cell| *cell = with);
                }
            };
            let over = hold.over.as_deref().and_then(FileTime::parse_rfc3339);
            let start = edge_time(&hold.start).unwrap_or(from);
            let end = over.or(edge_time(&hold.end)).unwrap_or(to);
            draw(start, end, perhaps);
            if let Some((from, until)) = sure(hold) {
                draw(from, until.unwrap_or(to), full);
            }
            if let Some(cell) = bar.get_mut(cell(at)) {
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
        if self.record.truncated || self.record.holds.len() > most {
            self.line(&format!("  {}", t::TRUNCATED.get(self.style.lang)));
        }
    }

    /// When the event began.
    fn instant(&self) -> Option<FileTime> {
        let failed = self.record.failure.as_ref().map(|failure| failure.time.as_str());
        FileTime::parse_rfc3339(failed.or_else(|| Some(&self.asked_event()?.time))?)
    }

    fn hold_line(&self, hold: &StoryHold) -> String {
        let lang = self.style.lang;
        let mut line = self.named(hold.driver.as_deref(), (&hold.process, hold.pid));
        let _ = write!(line, " {}", self.extent(hold));
        match (hold.mechanism, hold.range) {
            (Mechanism::DataMapping | Mechanism::ImageMapping, _) => {
                let _ = write!(line, "{}{}", lang.semicolon(), t::MAPPED.get(lang));
            }
            (_, Some(range)) => {
                let text = if range.exclusive == Some(false) { t::SHARED } else { t::EXCLUSIVE };
                let at = format!("{}+{}", range.offset, range.length);
                let _ = write!(line, "{}{}", lang.semicolon(), text.fill(lang, &[("at", &at)]));
            }
            _ => {}
        }
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
            let possible = |holder: &FailureHolder| {
                (holder.pid, &*holder.process) != (hold.pid, &*hold.process)
                    || holder.confidence == Confidence::Possible
            };
            let unsure = |failure: &Failure| {
                failure.attribution == Attribution::NotVisible || failure.holders.iter().all(possible)
            };
            let suspected = self.record.failure.as_ref().is_some_and(unsure);
            let text = if suspected { t::SUSPECTED } else { t::IMPLICATED };
            let _ = write!(line, "  ← {}", text.get(lang));
        }
        line
    }

    /// From when to when: surely up to the begin of a close, perhaps until it was done.
    fn extent(&self, hold: &StoryHold) -> String {
        let lang = self.style.lang;
        let (from, over) = (self.edge(&hold.start), hold.over.as_deref());
        let done = over.map(|over| self.time(over)).unwrap_or_default();
        if let Some(success) = &hold.refuted_by {
            return t::REFUTED.fill(lang, &[("from", &from), ("over", &done), ("event", &success.event)]);
        }
        let unseen = matches!(&hold.end, Edge::Outside(code) if code == "unseen");
        if unseen && over.is_some() {
            return t::OVER_BY.fill(lang, &[("from", &from), ("over", &done)]);
        }
        let over = over.and_then(FileTime::parse_rfc3339);
        match (sure(hold), over) {
            (Some((_, Some(until))), Some(over)) if over.since(until) >= LONG_CLOSE => {
                let to = time::time_of_day(until, &self.style.zone);
                // A close that began later is another one: either may have been this hold's.
                let text = if self.begins_after(&hold.end, until) { t::ONE_CLOSE } else { t::CLOSING };
                text.fill(lang, &[("from", &from), ("to", &to), ("done", &done)])
            }
            _ => format!("{from} – {}", self.edge(&hold.end)),
        }
    }

    /// Whether the event at an edge began after a time.
    fn begins_after(&self, edge: &Edge, time: FileTime) -> bool {
        let Edge::At(at) = edge else { return false };
        let event = self.record.events.iter().find(|event| event.event == at.event);
        event.and_then(|event| FileTime::parse_rfc3339(&event.time)).is_some_and(|start| start > time)
    }

    fn edge(&self, edge: &Edge) -> String {
        match edge {
            Edge::At(at) => self.time(&at.time),
            Edge::Outside(code) => super::words::outside(code).get(self.style.lang).to_owned(),
        }
    }
}

/// From the first to the last edge seen, with the event inside.
fn window(story: &Story, at: FileTime) -> (FileTime, FileTime) {
    let over = |hold: &StoryHold| hold.over.as_deref().and_then(FileTime::parse_rfc3339);
    let edges =
        story.holds.iter().flat_map(|hold| [edge_time(&hold.start), edge_time(&hold.end), over(hold)]).flatten();
    let (from, to) = edges.fold((at, at), |(from, to), time| (from.min(time), to.max(time)));
    // A hold without edges still needs some room on both sides of the event.
    let room = (to.since(from).0 / 20).max(10_000);
    (FileTime(from.0.saturating_sub(room)), FileTime(to.0.saturating_add(room)))
}

/// When a hold surely stood; without an end, until the capture's.
fn sure(hold: &StoryHold) -> Option<(FileTime, Option<FileTime>)> {
    let sure = hold.sure.as_ref()?;
    Some((FileTime::parse_rfc3339(&sure.from)?, sure.until.as_deref().and_then(FileTime::parse_rfc3339)))
}

fn edge_time(edge: &Edge) -> Option<FileTime> {
    match edge {
        Edge::At(at) => FileTime::parse_rfc3339(&at.time),
        Edge::Outside(_) => None,
    }
}
