//! What belongs to one stream of a file and what to all of it: sections, byte-range locks, marks, oplocks (SA-6, DP-9).

use pmlblame::capture::op::OpKind;
use pmlblame::locks::{Attribution, Confidence, Options, Party, Reason, analyse};
use pmlblame::nt::{FileTime, NtStatus, Ticks};
use script::cast::*;
use script::{BEGIN, STEP};

mod script;

const Z: &str = r"C:\Windows\WinSxS\Temp\InFlight\1\f.dll:z";
const Y: &str = r"C:\Windows\WinSxS\Temp\InFlight\1\f.dll:y";
const REMOVAL: OpKind = OpKind::SetDisposition { delete: true, handle: None };
const WRITABLE: OpKind = OpKind::CreateSection { protection: 4, allocation: 0x800_0000 };
const EXCLUSIVE: OpKind = OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: None };

#[test]
fn a_section_on_one_stream_refuses_nothing_on_another() {
    let cut = OpKind::SetEndOfFile(0);
    for (mapped, section, asked, operation, status) in [
        (Z, WRITABLE, F, cut, NtStatus::USER_MAPPED_FILE),
        (Z, OpKind::LoadImage, F, cut, NtStatus::USER_MAPPED_FILE),
        (F, WRITABLE, Z, cut, NtStatus::USER_MAPPED_FILE),
        (F, OpKind::LoadImage, Z, REMOVAL, NtStatus::CANNOT_DELETE),
    ] {
        for same in [false, true] {
            let (mut b, victim, av, _) = cast();
            let asked = if same { mapped } else { asked };
            b.open(victim, asked, DELETE | 2, ALL);
            b.open(av, mapped, READ | 2, ALL);
            b.does(av, mapped, section);
            b.close(av, mapped);
            let failed = b.refused(victim, asked, status, operation);
            b.does(av, "", OpKind::ProcessExit);
            b.does(victim, asked, operation);
            let finding = b.explain(failed);
            let expected = if same { vec![(av, Confidence::Proven)] } else { vec![] };
            assert_eq!(named(&finding), expected, "{mapped} {asked}");
            if !same {
                let cleared: Vec<_> = finding.ruled_out.iter().map(|out| (out.process, out.reason, out.rule)).collect();
                assert_eq!(cleared, [(av, Reason::MappingDoesNotBlock, "SA-6")]);
            }
        }
    }
}

/// SA-8, MM-2: an open meets the sections of its stream.
#[test]
fn an_open_meets_the_sections_of_its_stream() {
    for (section, access, share) in [(WRITABLE, READ, 5), (OpKind::LoadImage, 2, ALL)] {
        for (mapped, asked) in [(F, Z), (Z, F), (Z, Z)] {
            let (mut b, victim, av, _) = cast();
            b.open(av, mapped, READ | 2, ALL);
            b.does(av, mapped, section);
            b.close(av, mapped);
            let failed = b.fails(victim, asked, access, share, SHARING);
            let expected = if mapped == asked { vec![(av, Confidence::Likely)] } else { vec![] };
            assert_eq!(named(&b.explain(failed)), expected, "{mapped} {asked}");
        }
    }
}

/// MM-1: whether a named stream that is mapped refuses the deletion of the file, nothing tells.
#[test]
fn a_mapped_stream_may_refuse_the_deletion_of_the_file() {
    let (mut b, victim, av, _) = cast();
    b.open(av, Z, READ | 2, ALL);
    b.does(av, Z, WRITABLE);
    b.close(av, Z);
    b.open(victim, F, DELETE, ALL);
    let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, REMOVAL);
    b.does(av, "", OpKind::ProcessExit);
    b.does(victim, F, REMOVAL);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, named(&finding)), (Attribution::NotVisible, vec![(av, Confidence::Possible)]));
}

#[test]
fn a_success_on_another_stream_shows_no_mapping_gone() {
    for (on, expected) in [(Z, vec![(1, Confidence::Likely)]), (F, vec![])] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, ALL);
        b.does(av, F, OpKind::LoadImage);
        b.close(av, F);
        b.open(other, on, DELETE, ALL);
        b.does(other, on, REMOVAL);
        b.does(other, on, OpKind::SetDisposition { delete: false, handle: None });
        b.open(victim, F, DELETE, ALL);
        let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, REMOVAL);
        let named: Vec<_> = named(&b.explain(failed)).into_iter().map(|(who, grade)| (who.0, grade)).collect();
        assert_eq!(named, expected, "{on}");
    }
}

#[test]
fn a_lock_is_on_one_stream() {
    let read = OpKind::Read { offset: 50, length: 10, paging: false };
    for (locked, asked) in [(Z, F), (F, Z), (Z, Z)] {
        let (mut b, victim, av, other) = cast();
        b.open(av, locked, READ, ALL);
        b.does(av, locked, EXCLUSIVE);
        // A transfer on another stream meets no lock.
        b.open(other, Y, READ, ALL);
        b.does(other, Y, read);
        b.open(victim, asked, READ, ALL);
        let failed = b.refused(victim, asked, NtStatus::FILE_LOCK_CONFLICT, read);
        let finding = b.explain(failed);
        let rule = finding.ruled_out.iter().find(|out| out.process == av).map(|out| (out.reason, out.rule));
        if locked == asked {
            assert_eq!((named(&finding), rule), (vec![(av, Confidence::Proven)], None));
        } else {
            assert_eq!((named(&finding), rule), (vec![], Some((Reason::NoConflictingLock, "SA-6"))));
        }
    }
}

/// LK-2: what a key releases.
#[test]
fn a_key_releases_its_own_locks_alone() {
    let read = OpKind::Read { offset: 50, length: 10, paging: false };
    for (locked, unlocked, expected) in [
        (Some(1), Some(2), Some(Confidence::Proven)),
        (Some(1), Some(1), None),
        (None, None, Some(Confidence::Likely)),
        (Some(1), None, Some(Confidence::Likely)),
    ] {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, ALL);
        b.does(av, F, OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: locked });
        let released = b.does(av, F, OpKind::UnlockByKey { key: unlocked });
        b.open(victim, F, READ, ALL);
        let failed = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, read);
        let finding = b.explain(failed);
        let expected: Vec<_> = expected.map(|grade| (av, grade)).into_iter().collect();
        assert_eq!(named(&finding), expected, "{locked:?} {unlocked:?}");
        if expected.is_empty() {
            let cleared: Vec<_> = finding.ruled_out.iter().map(|out| (out.reason, out.event)).collect();
            assert_eq!(cleared, [(Reason::NoConflictingLock, Some(released))]);
        }
    }
}

/// LK-2: the owner is the open that locked.
#[test]
fn an_exclusive_lock_does_not_refuse_its_own_handle() {
    let write = OpKind::Write { offset: 50, length: 10, paging: false };
    for (exclusive, second, expected) in [(true, false, false), (false, false, true), (true, true, true)] {
        let (mut b, victim, ..) = cast();
        b.make(victim, F, READ | 2, ALL);
        b.does(victim, F, OpKind::Lock { offset: 0, length: 100, exclusive, fail_immediately: true, key: None });
        if second {
            b.open(victim, F, READ | 2, ALL);
        }
        let failed = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, write);
        let finding = b.explain(failed);
        let who = if expected { vec![(victim, Confidence::Likely)] } else { vec![] };
        let verdict = if expected { Attribution::SelfInflicted } else { Attribution::NotVisible };
        assert_eq!((named(&finding), finding.attribution), (who, verdict), "{exclusive} {second}");
    }
}

/// A mark on a named stream is on that alone, and its opens alone keep it; by whatever name of the file they were made.
#[test]
fn a_marked_stream_is_kept_by_its_own_opens() {
    for on_close in [false, true] {
        let (mut b, victim, av, other) = cast();
        let beside = b.process("explorer.exe");
        b.open(av, Z, READ, ALL);
        b.open(other, Y, READ, ALL);
        b.open(beside, F, READ, ALL);
        if on_close {
            let options = script::open(
                DELETE,
                ALL,
                pmlblame::nt::CreateDisposition::OPEN,
                0x1000,
                Some(pmlblame::nt::OpenResult::OPENED),
            );
            b.create(victim, Z, options, NtStatus::SUCCESS);
            b.close(victim, Z);
        } else {
            deletes(&mut b, victim, Z);
        }
        let failed = b.fails(victim, Z, READ, ALL, PENDING);
        // The file itself is not pending.
        b.open(victim, F, READ, ALL);
        b.close(victim, F);
        let again = b.fails(victim, Z, READ, ALL, PENDING);
        let close = b.close(av, Z);
        let gone = b.fails(victim, Z, READ, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
        for failed in [failed, again] {
            let finding = b.explain(failed);
            assert_eq!(named(&finding), [(av, Confidence::Proven)], "{on_close}");
            assert_eq!((finding.holders[0].rule, finding.deleted_by.is_some()), ("DP-3", true));
            assert_eq!(finding.released_by.unwrap().event, close);
            assert_eq!(b.op(gone).status, NtStatus::OBJECT_NAME_NOT_FOUND);
            let cleared: Vec<_> = finding.ruled_out.iter().map(|out| (out.process, out.rule)).collect();
            assert_eq!(cleared, [(other, "SA-6"), (beside, "SA-6")]);
        }
    }
    // A file that is pending refuses the opens of all its streams, and all of them keep it.
    let (mut b, victim, av, other) = cast();
    b.open(av, Y, READ, ALL);
    b.open(other, F, READ, ALL);
    deletes(&mut b, victim, F);
    let failed = b.fails(victim, Z, READ, ALL, PENDING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven), (other, Confidence::Proven)]);
    assert_eq!(finding.holders.iter().map(|holder| holder.rule).collect::<Vec<_>>(), ["DP-9", "DP-3"]);
}

/// OP-2: an oplock is on one stream; whoever comes while its owner has not answered waits for it too.
#[test]
fn whom_an_oplock_delays() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, ATTRIBUTES, ALL);
    let request = b.does(av, F, OpKind::FsControl(0x9005C));
    b.op(request).end = Some(FileTime(BEGIN + 2 * STEP));
    let first = b.open(other, F, READ, ALL);
    let second = b.open(victim, F, READ, ALL);
    let beside = b.open(victim, Z, READ, ALL);
    let give_way = b.close(av, F);
    for waited in [first, second, beside] {
        b.op(waited).end = Some(FileTime(BEGIN + 5 * STEP + 900));
    }
    b.op(give_way).start = FileTime(BEGIN + 5 * STEP);
    let all = |_| true;
    let mut options = Options::new(&all);
    options.wait_threshold = Ticks(STEP);
    let waits = analyse(&b.log, &[], &options).waits;
    let told: Vec<_> = waits
        .iter()
        .flat_map(|wait| wait.holders.iter().map(|holder| (wait.event, holder.party, holder.confidence)))
        .collect();
    let by = |event| (event, Party::Process(av), Confidence::Likely);
    assert_eq!(told, [by(first), by(second)]);
    // Once it was answered nobody waits for it.
    let (mut b, victim, av, other) = cast();
    b.open(av, F, ATTRIBUTES, ALL);
    let request = b.does(av, F, OpKind::FsControl(0x9005C));
    b.op(request).end = Some(FileTime(BEGIN + 2 * STEP));
    b.open(other, F, READ, ALL);
    b.does(av, F, OpKind::FsControl(0x9000C));
    let late = b.open(victim, F, READ, ALL);
    b.close(av, F);
    b.op(late).end = Some(FileTime(BEGIN + 5 * STEP + 900));
    let mut options = Options::new(&all);
    options.wait_threshold = Ticks(STEP);
    assert_eq!(analyse(&b.log, &[], &options).waits.iter().map(|wait| wait.holders.len()).sum::<usize>(), 0);
}
