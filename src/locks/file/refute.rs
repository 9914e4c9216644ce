//! Success as evidence: a create that the table of holds would have refused shows that the table is wrong (AT-11).
//!
//! The check itself uses counters as the kernel does, so that a file with many opens costs no more than one with few.

use super::hold::{Ended, EvKind, Group, HoldRec};
use super::marks::Marks;
use crate::capture::op::{Op, OpKind, OpLog};
use crate::locks::failure::wanted;
use crate::locks::finding::DeleteHow;
use crate::locks::identity::{Names, UNNAMED, succeeded};
use crate::locks::spans::Instant;
use crate::nt::sharing::{AccessClasses, Grant, Relation, ShareConflict, sharing_conflict};
use crate::nt::{CreateOptions, FileTime, OpenResult};
use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// Opens looked at in detail once the counters report a conflict.
const MAX_DETAIL: usize = 1024;

/// `SHARE_ACCESS` of one stream: opens that count, by class had and by class shared.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    opens: u32,
    has: [u32; 3],
    shares: [u32; 3],
}

impl Counters {
    fn add(&mut self, grant: Grant, by: i32) {
        let bump = |n: &mut u32| *n = n.saturating_add_signed(by);
        bump(&mut self.opens);
        for (bit, (has, shares)) in self.has.iter_mut().zip(&mut self.shares).enumerate() {
            if grant.classes.0 & (1 << bit) != 0 {
                bump(has);
            }
            if grant.share.0 & (1 << bit) != 0 {
                bump(shares);
            }
        }
    }

    fn refuses(&self, wanted: Grant, classes: AccessClasses, mutual: bool) -> bool {
        (0..3).any(|bit| {
            let (has, shares) = (self.has.get(bit).copied().unwrap_or(0), self.shares.get(bit).copied().unwrap_or(0));
            (classes.0 & (1 << bit) != 0 && shares < self.opens)
                || (mutual && wanted.share.0 & (1 << bit) == 0 && has > 0)
        })
    }
}

/// The table of counted opens of one file, kept in completion order.
#[derive(Debug, Default)]
pub(crate) struct Refutation {
    streams: FxHashMap<u32, Counters>,
    named: Counters,
    alive: IndexSet<u32, FxBuildHasher>,
}

/// What a success showed.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Closes that belong to another hold than the pairing had: the close (operation index) and its hold.
    pub(crate) moved: Vec<(u32, u32)>,
    /// Holds that must have ended without a recorded close.
    pub(crate) refused: Vec<Refused>,
}

/// A create or a rename that a hold would have refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The operation (its index).
    pub(crate) by: u32,
    /// The hold that should have refused it.
    pub(crate) hold: u32,
    pub(crate) rule: &'static str,
}

/// How the streams of an existing and a wanted open relate.
pub(crate) fn relation(existing: u32, wanted: u32) -> Relation {
    match (existing, wanted) {
        (a, b) if a == b => Relation::SameStream,
        (_, UNNAMED) => Relation::WantedIsUnnamed,
        (UNNAMED, _) => Relation::ExistingIsUnnamed,
        _ => Relation::Unrelated,
    }
}

impl Refutation {
    /// Takes a hold out of the table.
    pub(crate) fn release(&mut self, holds: &[HoldRec], hold: u32) {
        if self.alive.swap_remove(&hold) {
            self.count(holds, hold, -1);
        }
    }

    fn count(&mut self, holds: &[HoldRec], hold: u32, by: i32) {
        let Some((stream, grant)) = holds.get(hold as usize).and_then(|hold| Some((hold.stream, hold.grant?))) else {
            return;
        };
        self.streams.entry(stream).or_default().add(grant, by);
        if stream != UNNAMED {
            self.named.add(grant, by);
        }
    }

    fn enter(&mut self, holds: &[HoldRec], hold: u32) {
        if holds.get(hold as usize).is_some_and(|hold| hold.grant.is_some_and(Grant::is_counted))
            && self.alive.insert(hold)
        {
            self.count(holds, hold, 1);
        }
    }

    /// A close is that of hold `index`; what it had ended by the pairing so far is open instead.
    fn moved(&mut self, holds: &[HoldRec], (close, index): (u32, u32), other: u32, shown: &mut Shown) {
        self.release(holds, index);
        shown.moved.push((close, index));
        if holds.get(other as usize).is_some_and(|other| !other.foreign) {
            self.enter(holds, other);
        }
    }

    fn suspects(&self, stream: u32, wanted: Grant) -> bool {
        if !wanted.is_counted() {
            return false;
        }
        if self.streams.get(&stream).is_some_and(|table| table.refuses(wanted, wanted.classes, true)) {
            return true;
        }
        let delete = wanted.classes & AccessClasses::DELETE;
        if stream == UNNAMED {
            !delete.is_empty() && self.named.refuses(wanted, delete, false)
        } else {
            self.streams.get(&UNNAMED).is_some_and(|table| {
                table.has.get(2).is_some_and(|deleters| *deleters > 0)
                    && !AccessClasses::DELETE.not_shared_by(wanted.share).is_empty()
            })
        }
    }

    /// A successful create: checks it against the table, then enters its hold.
    pub(crate) fn check(
        &mut self,
        log: &OpLog,
        names: &Names,
        holds: &mut [HoldRec],
        groups: &[Group],
        hold: u32,
        (at, op): (u32, &Op),
    ) -> Shown {
        let mut shown = Shown::default();
        let OpKind::Create(create) = op.kind else { return shown };
        let wanted = wanted(op).grant;
        let stream = holds.get(hold as usize).map_or(UNNAMED, |hold| hold.stream);
        // SA-12: kernel callers may have the check skipped, so their success shows nothing.
        let kernel = op.driver.is_some() || log.processes.get(op.process.0 as usize).is_some_and(|p| p.is_system());
        let fresh = create.result == Some(OpenResult::CREATED) && stream == UNNAMED;
        let unlikely = !fresh && self.suspects(stream, wanted);
        let ignored = unlikely && self.is_ignored(log, holds, groups, (wanted, stream), Instant::of(op));
        if let Some(rec) = holds.get_mut(hold as usize) {
            rec.unchecked = ignored;
        }
        if unlikely && !kernel {
            let now = Instant::of(op);
            let harmless = |rec: &HoldRec| {
                let conflict = |grant| sharing_conflict(grant, wanted, relation(rec.stream, stream));
                rec.foreign || rec.grant.is_none_or(|grant| conflict(grant).is_none_or(|c| !c.certain))
            };
            let candidates: Vec<u32> = self.alive.iter().copied().take(MAX_DETAIL).collect();
            for index in candidates {
                let Some(rec) = holds.get(index as usize) else { continue };
                let conflict = rec
                    .grant
                    .and_then(|grant| sharing_conflict(grant, wanted, relation(rec.stream, stream)))
                    .filter(|conflict| conflict.certain);
                let through = rec.opened.is_some_and(|(_, open)| open.before(now))
                    && rec.ended.from().is_none_or(|end| end >= now.end);
                let surely_one = names.surely_one(rec.link, names.place(at).link);
                let Some(conflict) = conflict.filter(|_| through && surely_one) else { continue };
                // SA-9: what only doubtfully conflicts is not refuted; of two pairings the one that does not is the likelier.
                if spared_by_read(rec, wanted, conflict) {
                    if let Some((close, other)) = swap(holds, groups, index, now, &harmless) {
                        if let Some(rec) = holds.get_mut(index as usize) {
                            rec.dead_by = None;
                        }
                        self.moved(holds, (close, index), other, &mut shown);
                    }
                    continue;
                }
                self.release(holds, index);
                // AT-6: the close in another process may have been this handle's.
                if let Some(handed) = rec.handed.filter(|handed| handed.start < now.end) {
                    if let Some(rec) = holds.get_mut(index as usize) {
                        rec.dead_by = Some(handed.end);
                    }
                    continue;
                }
                if let Some((close, other)) = swap(holds, groups, index, now, &harmless) {
                    self.moved(holds, (close, index), other, &mut shown);
                } else {
                    if let Some(rec) = holds.get_mut(index as usize) {
                        rec.dead_by = Some(now.start);
                    }
                    let rule =
                        if holds.get(index as usize).is_some_and(|rec| rec.stream != stream) { "SA-6" } else { "SA-3" };
                    shown.refused.push(Refused { by: at, hold: index, rule });
                }
            }
        }
        // SA-12: what ignored the check does not count for others either.
        if !(kernel && ignored) {
            self.enter(holds, hold);
        }
        shown
    }

    /// SA-12: whether a success met a handle that should have refused it and by all that is shown stood: the only one of its
    /// process, and used after the success as well.
    fn is_ignored(
        &self,
        log: &OpLog,
        holds: &[HoldRec],
        groups: &[Group],
        (wanted, stream): (Grant, u32),
        now: Instant,
    ) -> bool {
        let stands = |rec: &HoldRec| {
            let conflict = rec.grant.and_then(|grant| sharing_conflict(grant, wanted, relation(rec.stream, stream)));
            let group = groups.get(rec.group as usize);
            let until = group.and_then(|group| group.used).map(|(_, last)| last);
            let alone = || {
                group.is_some_and(|group| {
                    group.events.iter().filter(|ev| matches!(ev.kind, EvKind::Open(_))).take(2).count() == 1
                })
            };
            conflict.is_some_and(|one| one.certain && !spared_by_read(rec, wanted, one))
                && rec.opened.is_some_and(|(_, open)| {
                    open.before(now) && until.is_some_and(|until| !log.coverage.is_torn(open.start, until))
                })
                && rec.handed.is_none()
                && until.is_some_and(|until| until >= now.end && rec.ended.from().is_none_or(|end| end >= until))
                && alone()
        };
        self.alive.iter().take(MAX_DETAIL).filter_map(|index| holds.get(*index as usize)).any(stands)
    }
}

/// RN-3, RN-6: a rename that succeeded shows that nothing was open below the folder, or on a named stream of the file. Returns
/// the holds that had to have ended by it.
pub(crate) fn refute_by_moves(
    holds: &mut [HoldRec],
    groups: &[Group],
    marks: &Marks,
    ops: &[u32],
    log: &OpLog,
    names: &Names,
) -> Vec<Refused> {
    // A stream that gets another name is not the file.
    let moves_file = |at: u32| {
        let renamed = log.ops.get(at as usize).filter(|op| matches!(op.kind, OpKind::Rename { .. }) && succeeded(op));
        renamed.is_some() && names.place(at).stream == UNNAMED && names.target(at).is_some()
    };
    let own: Vec<u32> = ops.iter().copied().filter(|at| moves_file(*at)).collect();
    let folders = names.folder_moves();
    let mut shown = Vec::new();
    if own.is_empty() && folders.is_empty() {
        return shown;
    }
    let mut parted: FxHashMap<(u32, u32, u32), FileTime> = FxHashMap::default();
    let over = |at: u32| log.ops.get(at as usize).map_or(FileTime(0), |op| Instant::of(op).end);
    for index in 0..holds.len() as u32 {
        let Some(hold) = holds.get(index as usize).filter(|hold| hold.handed.is_none()) else { continue };
        let Some((_, open)) = hold.opened else { continue };
        let closed = matches!(hold.ended, Ended::Close(..));
        if closed && hold.foreign {
            continue;
        }
        let until = hold.ended.from().unwrap_or(FileTime(u64::MAX));
        let within = |at: &u32| {
            let Some(op) = log.ops.get(*at as usize) else { return false };
            // SA-12: against a close that is recorded no kernel caller's success counts, nor one of unknown length.
            let kernel =
                op.driver.is_some() || log.processes.get(op.process.0 as usize).is_some_and(|one| one.is_system());
            open.before(Instant::of(op)) && Instant::of(op).end <= until && !(closed && (kernel || op.end.is_none()))
        };
        let from = folders.partition_point(|(.., at)| over(*at) < open.end);
        let above =
            folders.get(from..).unwrap_or(&[]).iter().take_while(|(.., at)| over(*at) <= until).take(MAX_DETAIL);
        // DP-6: what was deleted with POSIX semantics may have lost its name, and is in no folder then.
        let named = |at: u32| {
            let at = log.ops.get(at as usize).map(Instant::of);
            let mark = at.and_then(|at| marks.last(hold.link, at));
            !mark.is_some_and(|mark| mark.how == DeleteHow::PosixDisposition)
        };
        // By which name an open by id counts is not shown.
        let by_name = !hold.options.contains(CreateOptions::OPEN_BY_FILE_ID) || !names.may_have_other_name(hold.link);
        let folder = above
            .filter(|_| by_name)
            .filter(|(_, _, at)| within(at) && names.other_readings(*at).is_empty() && named(*at))
            .find(|(dir, tick, _)| names.is_below(hold.link, *dir, *tick))
            .map(|(.., at)| (*at, "RN-3"));
        let renames = own.get(own.partition_point(|at| over(*at) < open.end)..).unwrap_or(&[]);
        let renames = renames.iter().filter(|_| hold.stream != UNNAMED).take(MAX_DETAIL);
        let stream = renames.take_while(|at| over(**at) <= until).find(|at| within(at)).map(|at| (*at, "RN-6"));
        let Some((by, rule)) = folder.into_iter().chain(stream).min_by_key(|(at, _)| over(*at)) else { continue };
        let Some(first) = log.ops.get(by as usize).map(|op| op.start) else { continue };
        // AT-3: a close that may have been another's was this one's.
        if swap(holds, groups, index, Instant::point(first), &|other| other.foreign).is_none()
            && let Some(hold) = holds.get_mut(index as usize)
        {
            hold.dead_by = Some(hold.dead_by.map_or(first, |dead| dead.min(first)));
            let last = parted.entry((hold.group, hold.link, hold.stream)).or_insert(first);
            *last = first.max(*last);
            shown.push(Refused { by, hold: index, rule });
        }
    }
    // AT-3: of several handles of a process it may be any that was left, but each had ended by then.
    for ((group, link, stream), last) in parted {
        for ev in groups.get(group as usize).map_or(&[][..], |group| &group.events) {
            let EvKind::Open(other) = ev.kind else { continue };
            if let Some(other) = holds.get_mut(other as usize)
                && (other.link, other.stream) == (link, stream)
                && matches!(other.ended, Ended::Close(_, close) if close.end <= last)
            {
                other.dead_by.get_or_insert(last);
            }
        }
    }
    shown
}

/// SA-9: a caller without write permission shares reading whatever it asked for, so a conflict about reading alone
/// shows nothing when the side that withholds it was not granted any write.
pub(crate) fn spared_by_read(hold: &HoldRec, wanted: Grant, conflict: ShareConflict) -> bool {
    let only_read = |classes: AccessClasses| classes.0 & !AccessClasses::READ.0 == 0;
    let holder_side = conflict.holder_refuses.is_empty()
        || (only_read(conflict.holder_refuses)
            && !hold.grant.is_some_and(|grant| grant.possible.contains(AccessClasses::WRITE)));
    let requester_side = conflict.requester_refuses.is_empty()
        || (only_read(conflict.requester_refuses) && !wanted.possible.contains(AccessClasses::WRITE));
    holder_side && requester_side
}

/// The pairing closed another hold of the group where it should have closed this one: exchanges their ends.
/// Returns the close and the hold that is open instead.
fn swap(
    holds: &mut [HoldRec],
    groups: &[Group],
    index: u32,
    now: Instant,
    harmless: &dyn Fn(&HoldRec) -> bool,
) -> Option<(u32, u32)> {
    let rec = holds.get(index as usize)?;
    let (_, opened) = rec.opened?;
    let ended = rec.ended;
    let group = groups.get(rec.group as usize)?;
    let nth = group.events.partition_point(|ev| ev.at.end <= now.start);
    // The last of those that it may have been: only by then it had surely ended.
    let others = group.events.get(nth.saturating_sub(128)..nth)?.iter().rev().filter_map(|ev| {
        let EvKind::Open(other) = ev.kind else { return None };
        let rec = holds.get(other as usize)?;
        let Ended::Close(close, at) = rec.ended else { return None };
        (at.start >= opened.end && at.end <= now.start && harmless(rec)).then_some((other, close, at))
    });
    let (other, close, at) = others.max_by_key(|(_, _, at)| at.end)?;
    let rec = holds.get_mut(index as usize)?;
    rec.ended = Ended::Close(close, at);
    rec.paired_by_thread = false;
    rec.dead_by = Some(at.end); // by this close, whichever the order of opens suggests
    holds.get_mut(other as usize)?.ended = ended;
    Some((close, other))
}
