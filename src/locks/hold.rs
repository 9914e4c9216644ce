//! Handles of one file, and what can be said about them at one instant (AT-3, AT-4, AT-13).

use super::spans::Instant;
use crate::capture::op::{DriverId, PathId, ProcessId};
use crate::nt::sharing::Grant;
use crate::nt::{AccessMask, CreateOptions, FileTime, ShareAccess};

/// At most this many events of one process on one name are weighed for one failure.
const MAX_WEIGHED: usize = 4096;

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
    pub(crate) impersonating: bool,
    /// The create and its extent; `None` for a handle that only its use or its close shows (AT-6).
    pub(crate) opened: Option<(u32, Instant)>,
    pub(crate) ended: Ended,
    /// From here on a success shows that it had ended (AT-11).
    pub(crate) dead_by: Option<FileTime>,
    /// A close of the same file without an open, in another process: the handle may have been handed over (AT-6).
    pub(crate) handed: Option<Instant>,
}

impl HoldRec {
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
    /// First and last read, write, lock or set operation.
    pub(crate) used: Option<(FileTime, FileTime)>,
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
}

impl Group {
    /// Weighs the events from `first` on (a moment when the group had no handle) for the instant `at`.
    pub(crate) fn weigh(&self, first: usize, at: Instant, holds: &[HoldRec], fit: &dyn Fn(&HoldRec) -> Fit) -> Weighed {
        let mut sure = (0u32, 0u32); // fitting, other: every doubt against
        let mut maybe = (0u32, 0u32); // every doubt for
        let mut all = 0u32;
        let mut dead = 0u32;
        let mut yes: Vec<u32> = Vec::new();
        let mut may: Vec<u32> = Vec::new();
        let mut certain = None; // a fitting hold opened after the last close
        let mut late = 0;
        for ev in self.events.get(first..).unwrap_or(&[]).iter().take(MAX_WEIGHED) {
            if ev.at.start >= at.end && !ev.at.before(at) {
                late += 1;
                // Events are in completion order: one that began in time may still follow, but not much later.
                if late > 64 {
                    break;
                }
                continue;
            }
            match ev.kind {
                EvKind::Open(index) => {
                    let Some(hold) = holds.get(index as usize) else { continue };
                    if hold.is_dead(at) {
                        dead += 1;
                        continue;
                    }
                    all += 1;
                    let fits = fit(hold);
                    let surely_open = ev.at.before(at);
                    match fits {
                        Fit::Yes => {
                            yes.push(index);
                            maybe.0 += 1;
                            if surely_open {
                                sure.0 += 1;
                                certain = Some(index);
                            }
                        }
                        Fit::Maybe => {
                            may.push(index);
                            maybe.0 += 1;
                            sure.1 += u32::from(surely_open);
                        }
                        Fit::No => {
                            maybe.1 += 1;
                            sure.1 += u32::from(surely_open);
                        }
                    }
                }
                EvKind::Close => {
                    if dead > 0 {
                        dead -= 1; // that close was the dead one's
                        continue;
                    }
                    certain = None;
                    if sure.0 > 0 {
                        sure.0 -= 1
                    } else {
                        sure.1 = sure.1.saturating_sub(1)
                    }
                    if ev.at.before(at) {
                        if maybe.1 > 0 {
                            maybe.1 -= 1
                        } else {
                            maybe.0 = maybe.0.saturating_sub(1)
                        }
                        all = all.saturating_sub(1);
                    }
                }
                EvKind::Exit => {
                    certain = None;
                    sure = (0, 0);
                    if ev.at.before(at) {
                        maybe = (0, 0);
                        all = 0;
                    }
                }
            }
        }
        let mut weighed = Weighed {
            sure: sure.0 > 0,
            possible: maybe.0 > 0,
            ambiguous: sure.0 > 0 && certain.is_none() && yes.len() > 1,
            holds: Vec::new(),
            any: all > 0,
        };
        if !weighed.possible {
            return weighed;
        }
        weighed.holds.extend(certain);
        for alive in [true, false] {
            for list in [&yes, &may] {
                for &index in list.iter().rev() {
                    if holds.get(index as usize).is_some_and(|hold| hold.paired_alive(at) == alive)
                        && weighed.holds.len() < 16
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
        HoldRec {
            process: ProcessId(process),
            driver: None,
            link: 0,
            stream: 0,
            group: 0,
            path: PathId(0),
            access: None,
            share: None,
            grant: None,
            options: CreateOptions::NONE,
            impersonating: false,
            opened: None,
            ended: Ended::Open,
            dead_by: None,
            handed: None,
        }
    }

    fn group(events: &[(u64, EvKind)]) -> Group {
        Group {
            process: ProcessId(1),
            driver: None,
            link: 0,
            stream: 0,
            events: events.iter().map(|(at, kind)| Ev { at: Instant::point(FileTime(*at)), kind: *kind }).collect(),
            used: None,
        }
    }

    /// Hold 0 fits, every other does not.
    fn weigh(events: &[(u64, EvKind)], at: u64) -> (bool, bool) {
        let holds: Vec<_> = (0..4).map(hold).collect();
        let process = |hold: &HoldRec| if hold.process.0 == 0 { Fit::Yes } else { Fit::No };
        let weighed = group(events).weigh(0, Instant::point(FileTime(at)), &holds, &process);
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
