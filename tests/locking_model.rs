//! Random histories of several processes, with the results a naive model of the rules gives them: the engine must name
//! exactly the model's blockers, and its audit must find nothing to object to.

use model::{D, R, Status, Volume, W, config};
use pmlblame::capture::op::{EventIndex, OpKind, ProcessId};
use pmlblame::locks::{Confidence, Holder, audit};
use pmlblame::nt::sharing::AccessClasses;
use pmlblame::nt::{CreateDisposition, DispositionFlags, NtStatus, OpenResult, RenameFlags};
use proptest::prelude::*;
use script::{Builder, open};

#[allow(dead_code)]
mod model;
mod script;

const NAMES: [&str; 5] = [r"C:\d\a", r"C:\d\b", r"C:\d\c", r"C:\e\a", r"C:\e\new"];
const PROCESSES: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Open {
        process: usize,
        name: usize,
        access: u8,
        share: u8,
        doc: bool,
        create: bool,
    },
    Close {
        handle: usize,
    },
    Dispose {
        handle: usize,
        delete: bool,
        posix: bool,
    },
    Rename {
        handle: usize,
        to: usize,
        replace: bool,
    },
    Link {
        handle: usize,
        to: usize,
    },
    Exit {
        process: usize,
    },
    Load {
        process: usize,
        name: usize,
    },
    MoveFolder {
        process: usize,
    },
    /// A rename over whatever has the name, with POSIX semantics.
    Replace {
        handle: usize,
        to: usize,
    },
    Transfer {
        handle: usize,
        write: bool,
    },
    Lock {
        handle: usize,
    },
}

/// A folder that is renamed and back again.
const FOLDER: &str = r"C:\d";
const ASIDE: &str = r"C:\aside";

fn step() -> impl Strategy<Value = Step> {
    let open = (0..PROCESSES, 0..NAMES.len(), 0u8..8, 0u8..8, prop::bool::weighted(0.15), prop::bool::weighted(0.2))
        .prop_map(|(process, name, access, share, doc, create)| {
            // Sharing everything is common, else most histories would be one refusal after another.
            let share = if share < 3 { 7 } else { share };
            let doc = doc && access & D != 0;
            Step::Open { process, name, access, share, doc, create }
        });
    prop_oneof![
        8 => open,
        6 => any::<usize>().prop_map(|handle| Step::Close { handle }),
        3 => (any::<usize>(), prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(handle, delete, posix)| Step::Dispose { handle, delete, posix }),
        2 => (any::<usize>(), 0..NAMES.len(), any::<bool>())
            .prop_map(|(handle, to, replace)| Step::Rename { handle, to, replace }),
        1 => (any::<usize>(), 0..NAMES.len()).prop_map(|(handle, to)| Step::Link { handle, to }),
        1 => (0..PROCESSES).prop_map(|process| Step::Exit { process }),
    ]
}

/// With images that are loaded, and a folder that is renamed.
fn wider_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => step(),
        1 => (0..PROCESSES, 0..NAMES.len()).prop_map(|(process, name)| Step::Load { process, name }),
        2 => (0..PROCESSES).prop_map(|process| Step::MoveFolder { process }),
    ]
}

/// With names taken from files that are open, reads, writes and locks.
fn nameless_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => step(),
        4 => (any::<usize>(), 0..2usize).prop_map(|(handle, to)| Step::Replace { handle, to }),
        2 => (any::<usize>(), 0..NAMES.len()).prop_map(|(handle, to)| Step::Link { handle, to }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(handle, write)| Step::Transfer { handle, write }),
        3 => any::<usize>().prop_map(|handle| Step::Lock { handle }),
    ]
}

/// One history: the log it makes and the blockers of each refusal.
struct History {
    builder: Builder,
    refusals: Vec<(EventIndex, Vec<usize>)>,
    closes: Vec<EventIndex>,
}

/// With `single`, a process never has two handles by one name, so that no close can be taken for another's.
fn play(steps: &[Step], single: bool) -> History {
    play_with(steps, single, false)
}

/// With `nameless`, handles on a deleted name go on under the name they had last, which another file may have by then.
fn play_with(steps: &[Step], single: bool, nameless: bool) -> History {
    let mut builder = Builder::default();
    for n in 0..PROCESSES {
        builder.process(&format!("p{n}.exe"));
    }
    let mut volume = Volume::with_files(&NAMES[..3]);
    let mut alive = [true; PROCESSES];
    let mut refusals = Vec::new();
    let mut closes = Vec::new();
    let name_of = |volume: &Volume, handle: u32| match nameless {
        true => Some(volume.last_name_of(handle)),
        // A handle on a deleted name shows no path that could be told from another file's.
        false => volume.name_of(handle),
    };
    for step in steps {
        let pick = |volume: &Volume, n: usize| {
            let handles: Vec<u32> = volume.handles.keys().copied().collect();
            (!handles.is_empty()).then(|| handles[n % handles.len()])
        };
        let (event, outcome) = match *step {
            Step::Open { process, name, access, share, doc, create } => {
                let name = NAMES[name];
                if !alive[process] || (single && volume.has(process, name)) {
                    continue;
                }
                let outcome = volume.open(process, name, access, share, doc, create);
                let mask =
                    u32::from(access & R != 0) | u32::from(access & W != 0) << 1 | u32::from(access & D != 0) << 16;
                let disposition = if create { CreateDisposition::CREATE } else { CreateDisposition::OPEN };
                let result = match outcome.status {
                    Status::Success if outcome.created => Some(OpenResult::CREATED),
                    Status::Success => Some(OpenResult::OPENED),
                    _ => None,
                };
                let options = if doc { 0x1000 } else { 0 };
                let create = open(mask | 0x80, share.into(), disposition, options, result);
                (builder.create(ProcessId(process as u32), name, create, outcome.status.nt()), outcome)
            }
            Step::Close { handle } => {
                let Some(handle) = pick(&volume, handle) else { continue };
                let process = volume.handles[&handle].process;
                let Some(name) = name_of(&volume, handle) else { continue };
                volume.close(handle);
                closes.push(builder.close(ProcessId(process as u32), &name));
                continue;
            }
            Step::Dispose { handle, delete, posix } => {
                let Some(handle) = pick(&volume, handle) else { continue };
                let process = ProcessId(volume.handles[&handle].process as u32);
                let Some(name) = name_of(&volume, handle) else { continue };
                let outcome = volume.dispose(handle, delete, posix);
                let kind = if posix {
                    let mark = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
                    OpKind::SetDispositionEx { flags: if delete { mark } else { DispositionFlags::NONE }, handle: None }
                } else {
                    OpKind::SetDisposition { delete, handle: None }
                };
                (builder.refused(process, &name, outcome.status.nt(), kind), outcome)
            }
            Step::Rename { handle, to, .. } | Step::Replace { handle, to } => {
                let (replace, posix) = match step {
                    Step::Rename { replace, .. } => (*replace, false),
                    _ => (true, true),
                };
                let Some(handle) = pick(&volume, handle) else { continue };
                let process = volume.handles[&handle].process;
                let Some(name) = name_of(&volume, handle) else { continue };
                if single && NAMES[to] != name && volume.would_show_twice(handle, NAMES[to]) {
                    continue;
                }
                let outcome = volume.rename(handle, NAMES[to], replace, posix);
                let target = Some(builder.path(NAMES[to]));
                let flags = if replace { RenameFlags::REPLACE_IF_EXISTS } else { RenameFlags::NONE };
                let flags = if posix { flags | RenameFlags::POSIX_SEMANTICS } else { flags };
                let kind = OpKind::Rename { target, flags, ex: posix, as_path: None };
                (builder.refused(ProcessId(process as u32), &name, outcome.status.nt(), kind), outcome)
            }
            Step::Link { handle, to } => {
                let Some(handle) = pick(&volume, handle) else { continue };
                let process = ProcessId(volume.handles[&handle].process as u32);
                let Some(name) = name_of(&volume, handle) else { continue };
                let outcome = volume.link(handle, NAMES[to]);
                let kind = OpKind::Link {
                    target: Some(builder.path(NAMES[to])),
                    flags: RenameFlags::NONE,
                    ex: false,
                    as_path: None,
                };
                (builder.refused(process, &name, outcome.status.nt(), kind), outcome)
            }
            Step::Lock { handle } => {
                let Some(handle) = pick(&volume, handle) else { continue };
                let process = ProcessId(volume.handles[&handle].process as u32);
                let outcome = volume.lock(handle);
                let name = volume.last_name_of(handle);
                let kind =
                    OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: Some(0) };
                (builder.refused(process, &name, outcome.status.nt(), kind), outcome)
            }
            Step::Transfer { handle, write } => {
                let Some(handle) = pick(&volume, handle) else { continue };
                if volume.handles[&handle].access & if write { W } else { R } == 0 {
                    continue;
                }
                let process = ProcessId(volume.handles[&handle].process as u32);
                let outcome = volume.transfer(handle);
                let name = volume.last_name_of(handle);
                let kind = match write {
                    true => OpKind::Write { offset: 0, length: 100, paging: false },
                    false => OpKind::Read { offset: 0, length: 100, paging: false },
                };
                (builder.refused(process, &name, outcome.status.nt(), kind), outcome)
            }
            Step::Exit { process } => {
                if !alive[process] {
                    continue;
                }
                alive[process] = false;
                volume.exit(process);
                builder.does(ProcessId(process as u32), "", OpKind::ProcessExit);
                continue;
            }
            Step::Load { process, name } => {
                if alive[process] && volume.load(process, NAMES[name]) {
                    builder.does(ProcessId(process as u32), NAMES[name], OpKind::LoadImage);
                }
                continue;
            }
            Step::MoveFolder { process } => {
                if !alive[process] {
                    continue;
                }
                let (from, to) = if volume.is_moved(FOLDER) { (ASIDE, FOLDER) } else { (FOLDER, ASIDE) };
                let outcome = volume.move_folder(FOLDER, ASIDE);
                let id = ProcessId(process as u32);
                builder.create(
                    id,
                    from,
                    open(0x1_0080, 7, CreateDisposition::OPEN, 1, Some(OpenResult::OPENED)),
                    NtStatus::SUCCESS,
                );
                let kind = OpKind::Rename {
                    target: Some(builder.path(to)),
                    flags: RenameFlags::NONE,
                    ex: false,
                    as_path: None,
                };
                let event = builder.refused(id, from, outcome.status.nt(), kind);
                builder.close(id, if outcome.status == Status::Success { to } else { from });
                (event, outcome)
            }
        };
        let refused = matches!(
            outcome.status,
            Status::SharingViolation
                | Status::DeletePending
                | Status::AccessDenied
                | Status::CannotDelete
                | Status::LockConflict
                | Status::LockNotGranted
                if !outcome.blockers.is_empty()
        );
        if refused {
            refusals.push((event, outcome.blockers));
        }
    }
    History { builder, refusals, closes }
}

/// Processes named at a grade, for one finding.
fn named(finding: &pmlblame::locks::Finding, at_least: Confidence) -> Vec<usize> {
    let mut named: Vec<usize> = finding
        .holders
        .iter()
        .filter(|holder| holder.confidence >= at_least)
        .map(|holder| holder.party.process().0 as usize)
        .collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// SA-9: who may not write shares reading without saying so, which leaves a doubt where only reading conflicts.
fn only_reading(holder: &Holder) -> bool {
    !holder.conflicts.is_empty() && holder.conflicts.iter().all(|conflict| conflict.classes == AccessClasses::READ)
}

proptest! {
    #![proptest_config(config())]

    /// With one handle per process and name nothing is uncertain: the blockers, all proven (but for SA-9), nobody else.
    #[test]
    fn names_exactly_the_blockers(steps in prop::collection::vec(step(), 1..60)) {
        let history = play(&steps, true);
        prop_assert_eq!(audit(&history.builder.log, &|_| true).false_conflicts, vec![]);
        let events: Vec<EventIndex> = history.refusals.iter().map(|(event, _)| *event).collect();
        let analysis = history.builder.analyse(&events);
        for (finding, (event, blockers)) in analysis.findings.iter().zip(&history.refusals) {
            prop_assert_eq!(finding.event, *event);
            prop_assert_eq!(&named(finding, Confidence::Possible), blockers, "{:?}", finding);
            for holder in &finding.holders {
                let grade = if only_reading(holder) { Confidence::Likely } else { Confidence::Proven };
                prop_assert!(holder.confidence >= grade, "{:?}", finding);
            }
        }
    }

    /// With images loaded and a folder renamed as well: nobody innocent is likely, and somebody is named. An image may have been
    /// unloaded for all the capture tells, so it is proven by the end of its process alone.
    #[test]
    fn accuses_no_innocent_of_images_and_folders(steps in prop::collection::vec(wider_step(), 1..60)) {
        let history = play(&steps, true);
        prop_assert_eq!(audit(&history.builder.log, &|_| true).false_conflicts, vec![]);
        let events: Vec<EventIndex> = history.refusals.iter().map(|(event, _)| *event).collect();
        let analysis = history.builder.analyse(&events);
        for (finding, (_, blockers)) in analysis.findings.iter().zip(&history.refusals) {
            for process in named(finding, Confidence::Likely) {
                prop_assert!(blockers.contains(&process), "{process} not in {blockers:?}: {finding:?}");
            }
            prop_assert!(!finding.holders.is_empty(), "{blockers:?}: {finding:?}");
        }
    }

    /// With several handles per process and name closes are ambiguous: what is proven is right, and someone is named.
    #[test]
    fn never_proves_an_innocent(steps in prop::collection::vec(step(), 1..60)) {
        let history = play(&steps, false);
        prop_assert_eq!(audit(&history.builder.log, &|_| true).false_conflicts, vec![]);
        let events: Vec<EventIndex> = history.refusals.iter().map(|(event, _)| *event).collect();
        let analysis = history.builder.analyse(&events);
        for (finding, (_, blockers)) in analysis.findings.iter().zip(&history.refusals) {
            for process in named(finding, Confidence::Proven) {
                prop_assert!(blockers.contains(&process), "{process} not in {blockers:?}: {finding:?}");
            }
            prop_assert!(!finding.holders.is_empty(), "{:?}", finding);
        }
    }

    /// A handle goes on under a name that another file has taken. Which of the two an operation meant is not shown; what is proven
    /// is right all the same.
    #[test]
    fn proves_nobody_by_a_name_of_two_files(steps in prop::collection::vec(nameless_step(), 1..60)) {
        let history = play_with(&steps, false, true);
        prop_assert_eq!(audit(&history.builder.log, &|_| true).false_conflicts, vec![]);
        let events: Vec<EventIndex> = history.refusals.iter().map(|(event, _)| *event).collect();
        let analysis = history.builder.analyse(&events);
        for (finding, (_, blockers)) in analysis.findings.iter().zip(&history.refusals) {
            for process in named(finding, Confidence::Proven) {
                prop_assert!(blockers.contains(&process), "{process} not in {blockers:?}: {finding:?}");
            }
        }
    }

    /// A close that was not recorded, in a capture that says events are missing, proves nobody guilty.
    #[test]
    fn a_lost_close_proves_nobody(steps in prop::collection::vec(step(), 1..60), lost in any::<prop::sample::Index>()) {
        let mut history = play(&steps, false);
        if history.closes.is_empty() {
            return Ok(());
        }
        let lost = history.closes[lost.index(history.closes.len())];
        history.builder.log.ops.retain(|op| op.event != lost);
        history.builder.log.coverage.sequence_gaps = Some(1);
        let events: Vec<EventIndex> = history.refusals.iter().map(|(event, _)| *event).collect();
        let analysis = history.builder.analyse(&events);
        for (finding, (_, blockers)) in analysis.findings.iter().zip(&history.refusals) {
            for process in named(finding, Confidence::Proven) {
                prop_assert!(blockers.contains(&process), "{process} not in {blockers:?}: {finding:?}");
            }
        }
    }
}
