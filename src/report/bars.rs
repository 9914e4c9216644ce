//! Who held a file from when to when, as bars: what is sure and what is only possible.

use super::escape::terminal;
use super::time;
use super::why::{Teller, names};
use crate::case::{Attribution, Confidence, Edge, Failure, FailureHolder, Mechanism, Story, StoryHold};
use crate::lang::why as t;
use crate::nt::{FileTime, Ticks};
use std::fmt::Write as _;
use std::ops::RangeInclusive;

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
        let axis = Axis::new(self.record, at);
        let (full, perhaps, empty, line, mark) =
            if self.style.ascii { ('#', '?', '.', '-', 'X') } else { ('▓', '░', '·', '─', '✗') };
        let ruler: String = (0..BAR).map(|cell| if cell == axis.mark { mark } else { line }).collect();
        let event = crate::lang::report::IN_EVENT.fill(self.style.lang, &[("event", &self.record.event)]);
        self.line(&format!("  {ruler}  {event}"));
        let most = if self.is_exit() { MOST_CLOSED } else { usize::MAX };
        for hold in self.record.holds.iter().take(most) {
            let drawn = axis.cells(hold).map(|cell| match cell {
                Cell::Held => full,
                Cell::Perhaps => perhaps,
                Cell::Free => empty,
            });
            let bar: String = drawn.collect();
            let line = self.hold_line(hold);
            self.line(&format!("  {bar}  {line}"));
        }
        let (from, to) = (axis.from, axis.to);
        let mut ends = String::new();
        let (left, right) = (time::time_of_day(from, &self.style.zone), time::time_of_day(to, &self.style.zone));
        let _ = write!(ends, "  {left}{right:>width$}", width = BAR.saturating_sub(left.len()));
        self.line(&ends);
        if self.record.truncated || self.record.holds.len() > most {
            self.line(&format!("  {}", t::TRUNCATED.get(self.style.lang)));
        }
    }

    /// When the event began, and when a refusal was done.
    fn instant(&self) -> Option<(FileTime, FileTime)> {
        let failed = self.record.failure.as_ref().map(|failure| &*failure.time);
        let at = FileTime::parse_rfc3339(failed.or_else(|| Some(&self.asked_event()?.time))?)?;
        // What merely waited had those it waited for let go before it was done.
        let done = self.record.done.as_deref().filter(|_| self.record.failure.is_some());
        Some((at, done.and_then(FileTime::parse_rfc3339).map_or(at, |done| done.max(at))))
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

/// What a cell of a bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Held,
    Perhaps,
    Free,
}

/// The stretch of time that the bars show. One cell is the event's own, from its begin until it was refused, and nothing
/// else lies in it: what ended just before is drawn left of it, what began just after right of it.
struct Axis {
    from: FileTime,
    at: FileTime,
    done: FileTime,
    to: FileTime,
    /// The cell of the event.
    mark: usize,
}

impl Axis {
    fn new(story: &Story, (at, done): (FileTime, FileTime)) -> Self {
        let (from, to) = window(story, at);
        let to = to.max(done);
        let whole = to.since(from).0;
        let mark = part(at.since(from).0, whole, BAR - 1).clamp(1, BAR - 2);
        Self { from, at, done, to, mark }
    }

    /// The cell of a time.
    fn cell(&self, time: FileTime) -> usize {
        if time < self.at {
            return part(time.since(self.from).0, self.at.since(self.from).0, self.mark).min(self.mark - 1);
        }
        if time <= self.done {
            return self.mark;
        }
        let right = part(time.since(self.done).0, self.to.since(self.done).0, BAR - 1 - self.mark);
        (self.mark + right.max(1)).min(BAR - 1)
    }

    /// The cells of a hold. It fills the event's own surely where it surely stood from the begin of the event to its end.
    fn cells(&self, hold: &StoryHold) -> impl Iterator<Item = Cell> {
        let over = hold.over.as_deref().and_then(FileTime::parse_rfc3339);
        let start = edge_time(&hold.start).unwrap_or(self.from);
        let end = over.or(edge_time(&hold.end)).unwrap_or(self.to);
        let span = |first: FileTime, last: FileTime| {
            let drawn = first <= self.to && last >= self.from;
            drawn.then(|| self.cell(first)..=self.cell(last).max(self.cell(first)))
        };
        let perhaps = span(start, end);
        let sure = sure(hold).map(|(from, until)| (from, until.unwrap_or(self.to)));
        let throughout = sure.is_some_and(|(from, until)| from <= self.at && until >= self.done);
        let held = sure.and_then(|(from, until)| span(from, until));
        let mark = self.mark;
        (0..BAR).map(move |cell| {
            let within = |span: &Option<RangeInclusive<usize>>| span.as_ref().is_some_and(|span| span.contains(&cell));
            match (within(&held), within(&perhaps)) {
                (true, _) if cell != mark || throughout => Cell::Held,
                (true, _) | (_, true) => Cell::Perhaps,
                _ => Cell::Free,
            }
        })
    }
}

/// A share of `cells`.
fn part(time: u64, whole: u64, cells: usize) -> usize {
    let at = u128::from(time) * cells as u128 / u128::from(whole.max(1));
    usize::try_from(at).unwrap_or(cells).min(cells)
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
