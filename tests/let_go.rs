//! Who let go, when, and what that shows of a refusal: closes, exits, uses on both sides (AT-6, AT-10, DP-3, VI-4, VI-7).

use pmlblame::capture::op::{OpKind, ProcessId};
use pmlblame::locks::{Attribution, Confidence, Mechanism, Reason, Side};
use pmlblame::nt::{DispositionFlags, FileAttributes, NtStatus, RenameFlags};
use script::Builder;
use script::cast::*;

mod script;

const WRITE: OpKind = OpKind::Write { offset: 0, length: 100, paging: false };
const READS: OpKind = OpKind::Read { offset: 0, length: 100, paging: false };

/// The classic rename over `target`, given as a path.
fn replaces(b: &mut script::Builder, target: &str) -> OpKind {
    OpKind::Rename {
        target: Some(b.path(target)),
        flags: RenameFlags::REPLACE_IF_EXISTS,
        ex: false,
        as_path: Some(true),
    }
}

/// AT-10: a right that is missing refuses a rename like an open of its target does.
#[test]
fn a_rename_refused_for_ever_is_not_the_doing_of_one_who_left() {
    for goes_on in [true, false] {
        let (mut b, victim, av, _) = cast();
        let (source, target) = (r"C:\d\new", r"C:\d\old");
        b.open(victim, source, DELETE, ALL);
        b.open(av, target, READ, ALL);
        let kind = replaces(&mut b, target);
        let first = b.refused(victim, source, NtStatus::ACCESS_DENIED, kind);
        b.close(av, target);
        if goes_on {
            let again = b.refused(victim, source, NtStatus::ACCESS_DENIED, kind);
            let finding = b.explain(first);
            assert_eq!((finding.attribution, finding.lock_class), (Attribution::NotVisible, true));
            assert_eq!((named(&finding), reasons(&finding)), (vec![], vec![(av, Reason::StillFailingAfterRelease)]));
            let finding = b.explain(again);
            assert_eq!((finding.attribution, finding.lock_class), (Attribution::NotVisible, true));
            assert_eq!(reasons(&finding), [(av, Reason::ClosedBefore)]);
        } else {
            b.does(victim, source, kind);
            assert_eq!(named(&b.explain(first)), [(av, Confidence::Proven)]);
        }
    }
    // Another had it open by then.
    let (mut b, victim, av, other) = cast();
    let (source, target) = (r"C:\d\new", r"C:\d\old");
    b.open(victim, source, DELETE, ALL);
    b.open(av, target, READ, ALL);
    let kind = replaces(&mut b, target);
    let first = b.refused(victim, source, NtStatus::ACCESS_DENIED, kind);
    b.open(other, target, READ, ALL);
    b.close(av, target);
    b.refused(victim, source, NtStatus::ACCESS_DENIED, kind);
    assert_eq!(named(&b.explain(first)), [(av, Confidence::Proven)]);
}

/// DP-3: nobody can open a name that is pending, so who closes it later kept it, even if others keep it longer.
#[test]
fn who_closes_a_pending_file_had_it_open() {
    let (mut b, victim, av, other) = cast();
    b.open(other, F, READ, ALL);
    deletes(&mut b, victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    b.close(av, F);
    let again = b.fails(victim, F, DELETE, ALL, PENDING);
    b.close(other, F);
    b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(other, Confidence::Proven), (av, Confidence::Likely)]);
    assert_eq!(reasons(&finding), []);
    assert_eq!(named(&b.explain(again)), [(other, Confidence::Proven)]);
}

/// SA-1, SA-3: what a handle older than the capture was used for conflicts with what the request does not share.
#[test]
fn who_writes_on_both_sides_conflicts_with_who_does_not_share_writing() {
    for (share, closes) in [(0, true), (0, false), (2, true)] {
        let (mut b, victim, av, other) = cast();
        b.does(av, F, WRITE);
        let failed = b.fails(victim, F, READ, share, SHARING);
        if closes {
            b.does(av, F, WRITE);
        }
        b.close(other, F);
        if closes {
            b.close(av, F);
        }
        let finding = b.explain(failed);
        if share == 0 {
            assert_eq!(named(&finding), [(av, Confidence::Likely)], "{closes}");
            assert_eq!((finding.holders[0].mechanism, finding.holders[0].rule), (Mechanism::OpenHandle, "SA-3"));
            assert_eq!(finding.holders[0].conflicts[0].side, Side::VictimDoesNotShare);
        } else {
            assert_eq!(named(&finding), [(av, Confidence::Possible), (other, Confidence::Possible)]);
        }
    }
}

/// VI-4: the exit of a process closes what it had open since before the capture.
#[test]
fn an_exit_that_ends_the_trouble_is_a_release() {
    for ends in [true, false] {
        let (mut b, victim, av, _) = cast();
        b.does(av, F, READS);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        b.fails(victim, F, DELETE, ALL, SHARING);
        let exit = b.does(av, "", OpKind::ProcessExit);
        if ends {
            b.open(victim, F, DELETE, ALL);
        } else {
            b.fails(victim, F, DELETE, ALL, SHARING);
        }
        let finding = b.explain(failed);
        if ends {
            assert_eq!(named(&finding), [(av, Confidence::Likely)]);
            assert_eq!(finding.released_by.unwrap().event, exit);
        } else {
            assert_eq!(finding.attribution, Attribution::NotVisible);
        }
    }
}

/// VI-7: of a process whose closes are not recorded no open handle is known to last.
#[test]
fn a_process_without_any_close_holds_nothing_for_certain() {
    let case = |gaps: Option<u64>, later: &dyn Fn(&mut Builder, ProcessId)| {
        let (mut b, victim, av, _) = cast();
        b.log.processes[av.0 as usize].unclosed = 10;
        b.log.coverage.sequence_gaps = gaps;
        b.open(av, F, READ, 3);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        later(&mut b, av);
        let finding = b.explain(failed);
        assert_eq!(named(&finding).len(), 1);
        finding.holders[0].confidence
    };
    assert_eq!(case(None, &|_, _| ()), Confidence::Possible);
    assert_eq!(case(Some(1), &|_, _| ()), Confidence::Possible);
    // Where no event is missing, the handles were left open.
    assert_eq!(case(Some(0), &|_, _| ()), Confidence::Proven);
    // AT-3: what it reads later, it reads through a handle of before, unless it opened another meanwhile.
    let reads = |b: &mut Builder, av| _ = b.does(av, F, READS);
    assert_eq!(case(None, &reads), Confidence::Likely);
    let anew = |b: &mut Builder, av| {
        b.open(av, F, READ, 3);
        b.does(av, F, READS);
    };
    assert_eq!(case(None, &anew), Confidence::Possible);
    let first = |b: &mut Builder, av| {
        b.does(av, F, READS);
        anew(b, av);
    };
    assert_eq!(case(None, &first), Confidence::Likely);
}

/// AT-3: of two handles older than the capture one was closed before the refusal; what is read after it is read by the other.
#[test]
fn a_read_after_the_refusal_shows_the_handle_that_was_left() {
    for anew in [false, true] {
        let (mut b, victim, av, _) = cast();
        b.does(av, F, READS);
        b.close(av, F);
        let failed = b.fails(victim, F, DELETE, 2, SHARING);
        if anew {
            b.open(av, F, READ, ALL);
        }
        b.does(av, F, READS);
        let close = b.close(av, F);
        let finding = b.explain(failed);
        if anew {
            assert_eq!(named(&finding), []);
        } else {
            assert_eq!(named(&finding), [(av, Confidence::Likely)]);
            assert_eq!(finding.holders[0].hold.end, b_edge(&b, close));
        }
    }
}

/// VI-8, SA-7: a copy that was used before the refusal may be gone by then, unless its owner's end left it the last one.
#[test]
fn a_copy_used_before_the_refusal_is_a_possible_keeper() {
    for ends in [false, true] {
        let (mut b, victim, av, other) = cast();
        b.make(victim, F, READ, 1);
        b.close(victim, F);
        b.open(av, F, READ, ALL);
        b.does(other, F, READS);
        if ends {
            b.does(av, "", OpKind::ProcessExit);
        }
        deletes(&mut b, victim, F);
        let failed = b.fails(victim, F, DELETE, ALL, PENDING);
        if ends {
            assert_eq!(named(&b.explain(failed)), [(other, Confidence::Likely)]);
            continue;
        }
        // Nor is its own handle shown to be there still: the copy would keep the file open without it.
        assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely), (other, Confidence::Possible)]);
        // Who only may have kept it says nothing of the release.
        let close = b.close(av, F);
        let gone = b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(av, Confidence::Proven), (other, Confidence::Possible)]);
        assert_eq!((finding.released_by.unwrap().event, finding.confirmed_by), (close, Some(gone)));
    }
}

/// AT-6, AT-3: a handle may have been handed on, but not by the time at which its process used it.
#[test]
fn who_uses_a_handle_after_the_refusal_had_not_handed_it_on() {
    for uses in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.make(victim, F, READ, 1);
        b.close(victim, F);
        b.open(av, F, READ, 3);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        if uses {
            b.does(av, F, READS);
        }
        b.close(other, F);
        b.open(victim, F, DELETE, ALL);
        let finding = b.explain(failed);
        if uses {
            assert_eq!(named(&finding), [(av, Confidence::Proven), (other, Confidence::Possible)]);
        } else {
            assert_eq!(named(&finding), [(av, Confidence::Likely), (other, Confidence::Likely)]);
        }
    }
}

/// AT-11, DP-3: one handle of a keeper ended unseen; another of its handles keeps the name as the handles of others do.
#[test]
fn a_keeper_of_whose_handles_one_ended_unseen_is_named() {
    for (gaps, expected) in [(Some(0), Confidence::Likely), (Some(1), Confidence::Possible)] {
        let (mut b, victim, av, other) = cast();
        b.log.coverage.sequence_gaps = gaps;
        b.make(av, F, 0x12_0116, 0);
        b.open(av, F, READ, 5);
        b.open(other, F, ATTRIBUTES, ALL);
        deletes(&mut b, victim, F);
        let failed = b.fails(victim, F, DELETE, ALL, PENDING);
        b.close(other, F);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(other, Confidence::Proven), (av, expected)], "{gaps:?}");
    }
}

/// DP-6, AT-3: a name marked with POSIX semantics is pending as long as the handle that marked it is open, so whatever else was
/// closed was another one.
#[test]
fn a_pending_name_shows_that_the_marking_handle_stood() {
    for marks in [true, false] {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, ALL);
        b.open(av, F, DELETE, ALL);
        let flags =
            if marks { DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS } else { DispositionFlags::NONE };
        b.does(av, F, OpKind::SetDispositionEx { flags, handle: None });
        b.close(av, F);
        let failed =
            if marks { b.fails(victim, F, DELETE, ALL, PENDING) } else { b.fails(victim, F, READ, 3, SHARING) };
        let close = b.close(av, F);
        b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
        let finding = b.explain(failed);
        if marks {
            assert_eq!(named(&finding), [(av, Confidence::Proven)]);
            assert_eq!(finding.released_by.unwrap().event, close);
        } else {
            // Sharing: the close before may have been that of the handle with the right.
            assert_eq!(named(&finding), [(av, Confidence::Possible)]);
        }
    }
}

/// DP-10, AT-11: what is deleted later with the attributes as they were was not read-only.
#[test]
fn a_deletion_that_goes_through_later_shows_the_attributes() {
    for changed in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, ALL);
        b.does(av, F, OpKind::LoadImage);
        b.close(av, F);
        b.does(other, F, OpKind::QueryAttributes(FileAttributes::READONLY));
        b.open(victim, F, DELETE, ALL);
        let kind = OpKind::SetDisposition { delete: true, handle: None };
        let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        if changed {
            b.does(other, F, OpKind::SetBasic(FileAttributes::NORMAL));
        }
        b.does(av, "", OpKind::ProcessExit);
        b.does(victim, F, kind);
        let finding = b.explain(failed);
        if changed {
            assert_eq!(finding.attribution, Attribution::NoHolder);
        } else {
            assert_eq!(named(&finding), [(av, Confidence::Proven)]);
        }
    }
}

/// Every party counts, however many there are, and what let go last ended the trouble.
#[test]
fn very_many_holders_are_all_told() {
    let (mut b, victim, _, _) = cast();
    let holders: Vec<_> = (0..150).map(|n| b.process(&format!("app{n}.exe"))).collect();
    let others: Vec<_> = (0..150).map(|n| b.process(&format!("other{n}.exe"))).collect();
    for (share, processes) in [(3, &holders), (ALL, &others)] {
        for process in processes {
            b.open(*process, F, READ, share);
        }
    }
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let closes: Vec<_> = holders.iter().map(|holder| b.close(*holder, F)).collect();
    let success = b.open(victim, F, DELETE, ALL);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), holders.iter().map(|holder| (*holder, Confidence::Proven)).collect::<Vec<_>>());
    assert_eq!(finding.ruled_out.len(), others.len());
    assert!(!finding.truncated);
    assert_eq!(finding.released_by.map(|release| release.event), closes.last().copied());
    assert_eq!(finding.confirmed_by, None, "of several that let go none is confirmed");
    assert!(success > failed);
}

/// DP-5: the name went later, and not by the mark of the refusal, which was taken back: whoever had the file open kept that one.
#[test]
fn who_outlasted_a_name_that_went_otherwise_is_not_cleared_by_that() {
    for taken_back in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, DELETE, ALL);
        mark(&mut b, av, F);
        let failed = b.fails(victim, F, READ, ALL, NtStatus::DELETE_PENDING);
        if taken_back {
            b.does(av, F, OpKind::SetDisposition { delete: false, handle: None });
        }
        b.make(other, F, READ, ALL);
        b.close(other, F);
        b.close(av, F);
        let finding = b.explain(failed);
        if taken_back {
            assert_eq!(named(&finding), [(av, Confidence::Proven)]);
        } else {
            assert_eq!(named(&finding), []);
        }
    }
}
