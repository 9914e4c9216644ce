//! Handles of one file, and what can be said about them at one instant (AT-3, AT-4, AT-13).

use crate::capture::op::{DriverId, PathId, ProcessId};
use crate::locks::finding::Party;
use crate::locks::spans::Instant;
use crate::nt::sharing::Grant;
use crate::nt::{AccessMask, CreateOptions, FileTime, ShareAccess};

/// At most this many events of one process on one name are weighed for one failure.
const MAX_WEIGHED: usize = 4096;
/// Up to so many events are walked whatever the sorts of the group say: a rule may look at more than access and sharing.
const FEW_EVENTS: usize = 64;
/// At most this many events that complete after the instant are looked at: one of them may have begun in time.
const MAX_LATE: usize = 64;

/// How an open file object ended, by the pairing that is most often right (AT-13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Not within the capture.
    Open,
    /// By this cleanup (operation index).
    Close(u32, Instant),
    /// With its process; the operation index of the exit, if the log has it.
    Exit(Option<u32>, FileTime),
}

impl Ended {
    /// When the end began.
    pub(crate) fn from(self) -> Option<FileTime> {
        match self {
            Self::Open => None,
            Self::Close(_, at) => Some(at.start),
            Self::Exit(_, time) => Some(time),
        }
    }
}

/// One open file object.
#[derive(Clone, Debug)]
pub(crate) struct HoldRec {
    pub(crate) process: ProcessId,
    pub(crate) driver: Option<DriverId>,
    pub(crate) link: u32,
    pub(crate) stream: u32,
    /// Its group in the track.
    pub(crate) group: u32,
    pub(crate) path: PathId,
    /// Access, generic rights mapped.
    pub(crate) access: Option<AccessMask>,
    pub(crate) share: Option<ShareAccess>,
    pub(crate) grant: Option<Grant>,
    pub(crate) options: CreateOptions,
    /// By the stack the file server opened it for a remote client (VI-5).
    pub(crate) served: bool,
    /// The create and its extent; `None` for a handle that only its use or its close shows (AT-6).
    pub(crate) opened: Option<(u32, Instant)>,
    pub(crate) ended: Ended,
    /// The thread that opened it closed it.
    pub(crate) paired_by_thread: bool,
    /// Another handle of the group was open beside it, as far as recorded.
    pub(crate) accompanied: bool,
    /// From here on a success shows that it had ended (AT-11).
    pub(crate) dead_by: Option<FileTime>,
    /// SA-12: it was granted though a handle that surely stood should have refused it.
    pub(crate) unchecked: bool,
    /// It is on another file of the name; its process may have closed either by that name (AT-3, AT-5).
    pub(crate) foreign: bool,
    /// A close of the same file without an open, in another process: the handle may have been handed over (AT-6).
    pub(crate) handed: Option<Instant>,
}

impl HoldRec {
    /// A hold of which nothing is known but whose it is and on what.
    pub(crate) const fn unknown(process: ProcessId, driver: Option<DriverId>, (link, stream): (u32, u32)) -> Self {
        Self {
            process,
            driver,
            link,
            stream,
            group: 0,
            path: PathId(0),
            access: None,
            share: None,
            grant: None,
            options: CreateOptions::NONE,
            served: false,
            opened: None,
            ended: Ended::Open,
            paired_by_thread: false,
            accompanied: false,
            dead_by: None,
            unchecked: false,
            foreign: false,
            handed: None,
        }
    }

    /// Whose it is.
    pub(crate) fn party(&self) -> Party {
        match self.driver {
            Some(driver) => Party::Driver { driver, process: self.process },
            None => Party::Process(self.process),
        }
    }

    /// Whether the pairing has it alive somewhere within `at`.
    pub(crate) fn paired_alive(&self, at: Instant) -> bool {
        let begun = self.opened.is_none_or(|(_, open)| open.start < at.end || open.before(at));
        let ended = match self.ended {
            Ended::Open => false,
            Ended::Close(_, close) => close.end <= at.start,
            Ended::Exit(_, time) => time <= at.start,
        };
        begun && !ended && !self.is_dead(at)
    }

    /// Whether a success showed it ended and no close is known to have ended it.
    pub(crate) fn ended_unseen(&self) -> bool {
        self.dead_by.is_some_and(|dead| !matches!(self.ended, Ended::Close(_, at) if at.end <= dead))
    }

    /// Whether its recorded end, which is surely its own, comes after `gone` was over.
    pub(crate) fn outlasts(&self, gone: Instant) -> bool {
        self.dead_by.is_none()
            && !self.accompanied
            && self.handed.is_none()
            && self.ended.from().is_some_and(|end| end >= gone.end)
    }

    /// Whether it had ended before `at` by the evidence of a success.
    pub(crate) fn is_dead(&self, at: Instant) -> bool {
        self.dead_by.is_some_and(|dead| dead <= at.start)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EvKind {
    Open(u32),
    Close,
    Exit,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ev {
    pub(crate) at: Instant,
    pub(crate) kind: EvKind,
    /// Handles of the group after it.
    pub(crate) alive: u32,
}

/// The handles of one process (or of one driver under it) on one stream of one link. Which close belongs to which open
/// is not recorded, so they are weighed together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) process: ProcessId,
    pub(crate) driver: Option<DriverId>,
    pub(crate) link: u32,
    pub(crate) stream: u32,
    /// In completion order.
    pub(crate) events: Vec<Ev>,
    /// Holds that stand for all of the group: one of each access and share mode. Empty when there are too many sorts.
    pub(crate) sorts: Vec<u32>,
    /// First and last read, write, lock or set operation.
    pub(crate) used: Option<(FileTime, FileTime)>,
    /// What reads and writes show of the handles that were open, in time order.
    pub(crate) shown: Vec<ShownByUse>,
}

/// A right that an operation needs on its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Read,
    Write,
}

impl Need {
    /// Whether an open may have given it.
    fn may_be_met(self, hold: &HoldRec) -> bool {
        let bits = match self {
            Self::Read => AccessMask::READ_DATA.0,
            Self::Write => AccessMask::WRITE_DATA.0 | AccessMask::APPEND_DATA.0,
        };
        hold.access.is_none_or(|access| access.intersects(AccessMask(bits | AccessMask::MAXIMUM_ALLOWED.0)))
    }
}

/// One of the handles that were open after so many events of the group was used for something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShownByUse {
    pub(crate) after: u32,
    pub(crate) need: Need,
}

/// Whether an open has the property that a failure needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    No,
    /// Its access is not known.
    Maybe,
    Yes,
}

/// What a group's events say about an instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weighed {
    /// Under every assignment of closes to opens, an open that fits is held through the instant.
    pub(crate) sure: bool,
    /// Under some assignment one is.
    pub(crate) possible: bool,
    /// The process is sure and its handle is not.
    pub(crate) ambiguous: bool,
    /// Opens that fit and may be held, the most telling first.
    pub(crate) holds: Vec<u32>,
    /// Some handle of the group, fitting or not, may be held.
    pub(crate) any: bool,
    /// Some handle surely is.
    pub(crate) left: bool,
    /// The process did more than is weighed: what came first may matter as well.
    pub(crate) cut: bool,
}

impl Group {
    /// Weighs the events from `first` on (a moment when the group had no handle) for the instant `at`.
    ///
    /// The walk goes back in time from the instant. An open that fits is held under every assignment of closes to opens
    /// exactly when some stretch up to the instant has more fitting opens than closes, so the usual case ends at once.
    pub(crate) fn weigh(
        &self,
        first: usize,
        at: Instant,
        holds: &[HoldRec],
        work: &Work,
        fit: &dyn Fn(&HoldRec) -> Fit,
    ) -> Weighed {
        // A pool has the handles of other authors and on other files too.
        let own = |hold: &HoldRec| hold.driver == self.driver && hold.link == self.link;
        let fit: &dyn Fn(&HoldRec) -> Fit = &|hold| if own(hold) { fit(hold) } else { Fit::No };
        let events = self.events.get(first..).unwrap_or(&[]);
        let past = events.partition_point(|ev| ev.at.before(at));
        let none_fits = |index: &u32| holds.get(*index as usize).is_none_or(|hold| fit(hold) == Fit::No);
        if events.len() > FEW_EVENTS && !self.sorts.is_empty() && self.sorts.iter().all(none_fits) {
            let alive = past.checked_sub(1).and_then(|last| events.get(last)).map_or(0, |ev| ev.alive);
            let late = events.get(past).is_some_and(|ev| matches!(ev.kind, EvKind::Open(_)) && ev.at.start < at.end);
            return Weighed { any: alive > 0 || late, ..Weighed::default() };
        }
        let mut tally = Tally::default();
        for ev in events.get(past..).unwrap_or(&[]).iter().take(MAX_LATE).filter(|ev| ev.at.start < at.end) {
            match ev.kind {
                EvKind::Open(index) => tally.late_open(index, holds, fit),
                EvKind::Close => tally.closes += 1,
                EvKind::Exit => tally.exiting = true,
            }
        }
        let settled = tally.closes == 0 && !tally.exiting;
        let mut depth = work.take(MAX_WEIGHED);
        let mut walked = 0;
        for ev in events.get(..past).unwrap_or(&[]).iter().rev() {
            if walked == depth {
                // What came before is not weighed: one of each sort tells whether any of it may fit.
                let fits = |hold: &HoldRec| hold.paired_alive(at) && fit(hold) != Fit::No;
                let unlike = |index: &&u32| !tally.yes.contains(*index) && !tally.may.contains(*index);
                let sorts = self.sorts.iter().filter(|index| holds.get(**index as usize).is_some_and(fits));
                let sorts: Vec<u32> = sorts.filter(unlike).copied().collect();
                tally.may.extend(sorts);
                tally.cut = !tally.sure;
                break;
            }
            walked += 1;
            match ev.kind {
                EvKind::Open(index) => {
                    let Some(hold) = holds.get(index as usize) else { continue };
                    if tally.sure {
                        // Settled; a few more only to name the other handles.
                        if fit(hold) == Fit::Yes && !hold.is_dead(at) {
                            tally.yes.push(index);
                        }
                    } else if tally.open(index, hold.is_dead(at), fit(hold)) {
                        depth = depth.min(walked + MAX_LATE);
                    }
                }
                EvKind::Close if tally.sure => {}
                EvKind::Close => tally.close(),
                EvKind::Exit => return Weighed::default(),
            }
        }
        work.spend(walked);
        let weighed = tally.weighed(at, holds);
        if settled { self.by_use(first, past, at, holds, fit, weighed) } else { weighed }
    }

    /// SA-1, AT-3: what was read or written through the handles that stood at `at` shows which of them were left.
    fn by_use(
        &self,
        first: usize,
        past: usize,
        at: Instant,
        holds: &[HoldRec],
        fit: &dyn Fn(&HoldRec) -> Fit,
        mut weighed: Weighed,
    ) -> Weighed {
        let after = (first + past) as u32;
        let from = self.shown.partition_point(|one| one.after < after);
        let shown = self.shown.get(from..).unwrap_or(&[]).iter().take_while(|one| one.after == after).take(2);
        if weighed.sure && !weighed.ambiguous || past > MAX_LATE {
            return weighed;
        }
        let events = self.events.get(first..first + past).unwrap_or(&[]);
        // Of a handle whose end left no event it is not known whether that came before the use or after it.
        let unseen = |ev: &Ev| matches!(ev.kind, EvKind::Open(index) if holds.get(index as usize).is_none_or(HoldRec::ended_unseen));
        if events.iter().any(unseen) {
            return weighed;
        }
        for need in shown.map(|one| one.need) {
            let opened = events.iter().filter_map(|ev| match ev.kind {
                EvKind::Open(index) => Some(index),
                _ => None,
            });
            let able: Vec<u32> = opened
                .filter(|index| {
                    holds.get(*index as usize).is_some_and(|hold| !hold.is_dead(at) && need.may_be_met(hold))
                })
                .collect();
            let fits = |index: &u32| holds.get(*index as usize).map_or(Fit::No, fit);
            if !able.is_empty() && able.iter().all(|index| fits(index) == Fit::Yes) {
                let alive = |index: &&u32| holds.get(**index as usize).is_some_and(|hold| hold.paired_alive(at));
                let (left, gone): (Vec<u32>, Vec<u32>) = able.iter().rev().partition(alive);
                weighed.holds.retain(|index| !able.contains(index));
                weighed.holds.splice(0..0, left.into_iter().chain(gone).take(8));
                weighed.ambiguous = able.len() > 1;
                (weighed.sure, weighed.possible, weighed.any) = (true, true, true);
            } else if events.last().is_some_and(|last| last.alive == 1)
                && able.iter().all(|index| fits(index) == Fit::No)
            {
                return Weighed { any: true, ..Weighed::default() };
            }
        }
        weighed
    }
}

/// How much may still be looked at in one run, so that no capture can make it run for ever.
#[derive(Debug)]
pub(crate) struct Work(std::cell::Cell<u64>);

impl Work {
    pub(crate) fn new(steps: u64) -> Self {
        Self(std::cell::Cell::new(steps))
    }

    /// `want` steps while there is plenty, a few when there is not.
    fn take(&self, want: usize) -> usize {
        if self.0.get() > 0 { want } else { want.min(16) }
    }

    /// Takes `steps` off.
    pub(crate) fn spend(&self, steps: usize) {
        self.0.set(self.0.get().saturating_sub(steps as u64));
    }

    /// Whether all is used up.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// The state of one walk.
#[derive(Default)]
struct Tally {
    sure: bool,
    /// The fitting hold that was opened after the last close.
    certain: Option<u32>,
    /// Closes after here that may have been any open's: against the fitting ones.
    closes: u32,
    /// Closes that surely happened after here.
    closed: u32,
    /// Opens after here, dead ones left out.
    opens: u32,
    /// Balance of other opens and closes, and its greatest value: so many others are surely alive.
    others: i64,
    others_alive: i64,
    yes: Vec<u32>,
    may: Vec<u32>,
    late: bool,
    exiting: bool,
    cut: bool,
}

impl Tally {
    fn late_open(&mut self, index: u32, holds: &[HoldRec], fit: &dyn Fn(&HoldRec) -> Fit) {
        match holds.get(index as usize).map(fit) {
            Some(Fit::Yes) => self.yes.push(index),
            Some(Fit::Maybe) => self.may.push(index),
            _ => return,
        }
        self.late = true;
    }

    /// An open; true when nothing before it can change the outcome.
    fn open(&mut self, index: u32, dead: bool, fit: Fit) -> bool {
        if dead {
            // One of the closes after it was its own.
            self.closes = self.closes.saturating_sub(1);
            self.closed = self.closed.saturating_sub(1);
            self.others += i64::from(self.others < 0);
            return false;
        }
        self.opens += 1;
        match fit {
            Fit::Yes => {
                self.yes.push(index);
                if self.closes == 0 && !self.exiting {
                    self.sure = true;
                    if self.closed == 0 {
                        self.certain = Some(index);
                    }
                    return true;
                }
                self.closes = self.closes.saturating_sub(1);
            }
            Fit::Maybe => self.may.push(index),
            Fit::No => {
                self.others += 1;
                self.others_alive = self.others_alive.max(self.others);
            }
        }
        false
    }

    fn close(&mut self) {
        self.closes += 1;
        self.closed += 1;
        self.others -= 1;
    }

    fn weighed(self, at: Instant, holds: &[HoldRec]) -> Weighed {
        let alive = i64::from(self.opens) - i64::from(self.closed);
        let fitting = !self.yes.is_empty() || !self.may.is_empty();
        let any = self.sure || self.late || alive > 0 || self.cut;
        let possible = self.sure || self.late || (fitting && (self.cut || alive > self.others_alive));
        let mut weighed = Weighed {
            sure: self.sure,
            possible,
            ambiguous: self.sure && self.certain.is_none(),
            holds: Vec::new(),
            any,
            left: self.sure || alive > 0,
            cut: self.cut,
        };
        if !possible {
            return weighed;
        }
        weighed.holds.extend(self.certain);
        for alive in [true, false] {
            for list in [&self.yes, &self.may] {
                for &index in list.iter().take(256) {
                    if weighed.holds.len() < 16
                        && holds.get(index as usize).is_some_and(|hold| hold.paired_alive(at) == alive)
                        && !weighed.holds.contains(&index)
                    {
                        weighed.holds.push(index);
                    }
                }
            }
        }
        weighed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(process: u32) -> HoldRec {
        HoldRec::unknown(ProcessId(process), None, (0, 0))
    }

    fn group(events: &[(u64, EvKind)]) -> Group {
        Group {
            process: ProcessId(1),
            driver: None,
            link: 0,
            stream: 0,
            events: events
                .iter()
                .map(|(at, kind)| Ev { at: Instant::point(FileTime(*at)), kind: *kind, alive: 0 })
                .collect(),
            sorts: Vec::new(),
            used: None,
            shown: Vec::new(),
        }
    }

    /// Hold 0 fits, every other does not.
    fn weigh(events: &[(u64, EvKind)], at: u64) -> (bool, bool) {
        let holds: Vec<_> = (0..4).map(hold).collect();
        let process = |hold: &HoldRec| if hold.process.0 == 0 { Fit::Yes } else { Fit::No };
        let weighed = group(events).weigh(0, Instant::point(FileTime(at)), &holds, &Work::new(1000), &process);
        (weighed.sure, weighed.possible)
    }

    #[test]
    fn at_3_every_assignment_must_agree() {
        use EvKind::{Close, Open};
        assert_eq!(weigh(&[(1, Open(0))], 5), (true, true));
        assert_eq!(weigh(&[(1, Open(0)), (2, Close)], 5), (false, false));
        // One of two closed: it may be the one that fits.
        assert_eq!(weigh(&[(1, Open(0)), (2, Open(1)), (3, Close)], 5), (false, true));
        // The close came before the fitting open, so it cannot be its.
        assert_eq!(weigh(&[(1, Open(1)), (2, Open(2)), (3, Close), (4, Open(0))], 5), (true, true));
        // Two of three closed after it.
        assert_eq!(weigh(&[(1, Open(0)), (2, Open(1)), (3, Close), (4, Close)], 5), (false, false));
        assert_eq!(weigh(&[(1, Open(0)), (2, EvKind::Exit)], 5), (false, false));
        assert_eq!(weigh(&[(6, Open(0))], 5), (false, false));
    }
}
