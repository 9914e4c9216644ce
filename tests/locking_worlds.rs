//! Many histories look alike: a capture does not name the handle of a close, a use, a mark, a rename or a link, so where a process
//! has several by one name each may have been meant, if all that follows still happens as it did. What the engine proves must be
//! right in every one of them.

use model::{D, Outcome, R, Status, Volume, W, config};
use pmlblame::capture::op::{EventIndex, OpKind, ProcessId};
use pmlblame::locks::{Confidence, Finding, audit};
use pmlblame::nt::{CreateDisposition, DispositionFlags, OpenResult, RenameFlags};
use proptest::prelude::*;
use script::{Builder, open};
use std::collections::{BTreeMap, BTreeSet};

#[allow(dead_code)]
mod model;
mod script;

const NAMES: [&str; 4] = [r"C:\d\a", r"C:\d\b", r"C:\d\c", r"C:\e\a"];
/// As many of them have a file at the begin.
const FILES: usize = 2;
const PROCESSES: usize = 3;
/// Volumes that are told apart at one time, at most.
const MOST: usize = 1000;

/// What a process asks of the volume; all but an open and an end through a handle that the capture does not name.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Open { access: u8, share: u8, doc: bool, create: bool },
    Close,
    Transfer { write: bool },
    Lock,
    Dispose { delete: bool, posix: bool },
    Rename { to: &'static str, replace: bool, posix: bool },
    Link { to: &'static str },
    Exit,
}

impl Asked {
    /// Does it; `None` where the handle may not be meant.
    fn done(self, volume: &mut Volume, process: usize, name: &str, handle: u32) -> Option<Outcome> {
        Some(match self {
            Self::Open { access, share, doc, create } => volume.open(process, name, access, share, doc, create),
            Self::Close => {
                volume.close(handle);
                Outcome::done(false)
            }
            Self::Transfer { write } if volume.handles[&handle].access & if write { W } else { R } == 0 => return None,
            Self::Transfer { .. } => volume.transfer(handle),
            Self::Lock if volume.handles[&handle].access & (R | W) == 0 => return None,
            Self::Lock => volume.lock(handle),
            // Nobody marks or renames by a handle that may not.
            Self::Dispose { .. } | Self::Rename { .. } if volume.handles[&handle].access & D == 0 => return None,
            // What becomes of a file that is renamed to another of its names, the rules do not say.
            Self::Rename { to, .. } if volume.is_called(handle, to) => return None,
            Self::Dispose { delete, posix } => volume.dispose(handle, delete, posix),
            Self::Rename { to, replace, posix } => volume.rename(handle, to, replace, posix),
            Self::Link { to } => volume.link(handle, to),
            Self::Exit => {
                volume.exit(process);
                Outcome::done(false)
            }
        })
    }

    fn needs_handle(self) -> bool {
        !matches!(self, Self::Open { .. } | Self::Exit)
    }
}

/// A process asks something, of a name or of one of all open handles.
#[derive(Clone, Copy, Debug)]
struct Step {
    process: usize,
    name: usize,
    handle: usize,
    asked: Asked,
}

fn step() -> impl Strategy<Value = Step> {
    let to = || (0..NAMES.len()).prop_map(|to| NAMES[to]);
    let opens = (0u8..8, 0u8..8, prop::bool::weighted(0.1), prop::bool::weighted(0.2)).prop_map(
        |(access, share, doc, create)| {
            // Sharing everything is common, else most histories would be one refusal after another.
            let share = if share < 4 { 7 } else { share };
            Asked::Open { access, share, doc: doc && access & D != 0, create }
        },
    );
    let asked = prop_oneof![
        10 => opens,
        7 => Just(Asked::Close),
        4 => any::<bool>().prop_map(|write| Asked::Transfer { write }),
        2 => Just(Asked::Lock),
        2 => (prop::bool::weighted(0.8), any::<bool>()).prop_map(|(delete, posix)| Asked::Dispose { delete, posix }),
        2 => (to(), any::<bool>()).prop_map(|(to, replace)| Asked::Rename { to, replace, posix: false }),
        3 => to().prop_map(|to| Asked::Rename { to, replace: true, posix: true }),
        2 => to().prop_map(|to| Asked::Link { to }),
        1 => Just(Asked::Exit),
    ];
    (0..PROCESSES, 0..NAMES.len(), any::<usize>(), asked).prop_map(|(process, name, handle, asked)| Step {
        process,
        name,
        handle,
        asked,
    })
}

/// What a capture shows of one operation.
#[derive(Clone, Debug)]
struct Seen {
    event: EventIndex,
    process: usize,
    name: String,
    asked: Asked,
    status: Status,
    created: bool,
}

fn begin() -> Volume {
    Volume::with_files(&NAMES[..FILES])
}

/// What happened, and the log that a capture of it gives.
fn play(steps: &[Step]) -> (Vec<Seen>, Builder) {
    let mut builder = Builder::default();
    for n in 0..PROCESSES {
        builder.process(&format!("p{n}.exe"));
    }
    let mut volume = begin();
    let mut alive = [true; PROCESSES];
    let mut seen = Vec::new();
    for Step { process, name, handle, asked } in steps.iter().copied() {
        let (process, name, handle) = if asked.needs_handle() {
            let known: Vec<u32> = volume.handles.keys().copied().collect();
            let Some(handle) = known.get(handle % known.len().max(1)).copied() else { continue };
            (volume.handles[&handle].process, volume.last_name_of(handle), handle)
        } else {
            (process, NAMES[name].to_owned(), 0)
        };
        if !alive[process] {
            continue;
        }
        let Some(outcome) = asked.done(&mut volume, process, &name, handle) else { continue };
        alive[process] = !matches!(asked, Asked::Exit);
        let event = log(&mut builder, process, &name, asked, &outcome);
        seen.push(Seen { event, process, name, asked, status: outcome.status, created: outcome.created });
    }
    (seen, builder)
}

/// The event of an operation.
fn log(builder: &mut Builder, process: usize, name: &str, asked: Asked, outcome: &Outcome) -> EventIndex {
    let kind = match asked {
        Asked::Open { access, share, doc, create } => {
            let mask = u32::from(access & R != 0) | u32::from(access & W != 0) << 1 | u32::from(access & D != 0) << 16;
            let disposition = if create { CreateDisposition::CREATE } else { CreateDisposition::OPEN };
            let result = match outcome.status {
                Status::Success if outcome.created => Some(OpenResult::CREATED),
                Status::Success => Some(OpenResult::OPENED),
                _ => None,
            };
            OpKind::Create(open(mask | 0x80, share.into(), disposition, if doc { 0x1000 } else { 0 }, result))
        }
        Asked::Close => OpKind::Cleanup,
        Asked::Transfer { write: true } => OpKind::Write { offset: 0, length: 100, paging: false },
        Asked::Transfer { .. } => OpKind::Read { offset: 0, length: 100, paging: false },
        Asked::Lock => OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: Some(0) },
        Asked::Dispose { delete, posix: true } => {
            let mark = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
            OpKind::SetDispositionEx { flags: if delete { mark } else { DispositionFlags::NONE }, handle: None }
        }
        Asked::Dispose { delete, .. } => OpKind::SetDisposition { delete, handle: None },
        Asked::Rename { to, replace, posix } => {
            let replace = if replace { RenameFlags::REPLACE_IF_EXISTS } else { RenameFlags::NONE };
            let flags = if posix { replace | RenameFlags::POSIX_SEMANTICS } else { replace };
            OpKind::Rename { target: Some(builder.path(to)), flags, ex: posix, as_path: None }
        }
        Asked::Link { to } => {
            OpKind::Link { target: Some(builder.path(to)), flags: RenameFlags::NONE, ex: false, as_path: None }
        }
        Asked::Exit => OpKind::ProcessExit,
    };
    let name = if matches!(asked, Asked::Exit) { "" } else { name };
    builder.refused(ProcessId(process as u32), name, outcome.status.nt(), kind)
}

/// For each operation, who is in its way in the histories that look alike; `None` where they are too many.
fn in_the_way(seen: &[Seen]) -> Option<Vec<BTreeSet<Vec<usize>>>> {
    let mut layer = vec![begin()];
    // By operation and volume after it: the volumes before, and who was in the way.
    let mut steps: Vec<Vec<(BTreeSet<usize>, Vec<usize>)>> = Vec::new();
    for seen in seen {
        let mut after: BTreeMap<(Volume, Vec<usize>), BTreeSet<usize>> = BTreeMap::new();
        for (number, volume) in layer.iter().enumerate() {
            for found in results(volume, seen) {
                after.entry(found).or_default().insert(number);
            }
        }
        assert!(!after.is_empty(), "the history itself is one of them: {seen:?}");
        if after.len() > MOST {
            return None;
        }
        let (volumes, told) = after.into_iter().map(|((volume, who), before)| (volume, (before, who))).unzip();
        layer = volumes;
        steps.push(told);
    }
    // A history that cannot go on as this one did was another.
    let mut goes_on: BTreeSet<usize> = (0..layer.len()).collect();
    let mut told = Vec::new();
    for step in steps.iter().rev() {
        told.push(goes_on.iter().map(|number| step[*number].1.clone()).collect());
        goes_on = goes_on.iter().flat_map(|number| step[*number].0.iter().copied()).collect();
    }
    told.reverse();
    Some(told)
}

/// What an operation can have led to, by the handle that was meant, and who was in its way.
fn results(volume: &Volume, seen: &Seen) -> Vec<(Volume, Vec<usize>)> {
    let handles: Vec<u32> = if seen.asked.needs_handle() {
        let own = volume.handles.iter().filter(|(_, handle)| handle.process == seen.process);
        own.map(|(handle, _)| *handle).filter(|handle| volume.last_name_of(*handle) == seen.name).collect()
    } else {
        vec![0]
    };
    let done = |handle: u32| {
        let mut after = volume.clone();
        let outcome = seen.asked.done(&mut after, seen.process, &seen.name, handle)?;
        ((outcome.status, outcome.created) == (seen.status, seen.created)).then_some((after, outcome.blockers))
    };
    handles.into_iter().filter_map(done).collect()
}

fn named(finding: &Finding, confidence: Confidence) -> Vec<usize> {
    let holders = finding.holders.iter().filter(|holder| holder.confidence == confidence);
    holders.map(|holder| holder.party.process().0 as usize).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_proven_is_so_in_every_history_that_looks_the_same(steps in prop::collection::vec(step(), 1..50)) {
        let (seen, builder) = play(&steps);
        prop_assert_eq!(audit(&builder.log, &|_| true).false_conflicts, vec![]);
        let Some(told) = in_the_way(&seen) else { return Ok(()) };
        let refused = |told: &BTreeSet<Vec<usize>>| told.iter().any(|who| !who.is_empty());
        let told: BTreeMap<EventIndex, _> =
            seen.iter().map(|seen| seen.event).zip(&told).filter(|(_, told)| refused(told)).collect();
        let events: Vec<EventIndex> = told.keys().copied().collect();
        for finding in builder.analyse(&events).findings {
            let alike = told[&finding.event];
            for process in named(&finding, Confidence::Proven) {
                prop_assert!(alike.iter().all(|who| who.contains(&process)), "{process} in {alike:?}: {finding:?}");
            }
        }
    }
}
