//! What was granted to a handle does not change: a success of the same request clears it before and after (AT-11).

use pmlblame::capture::op::OpKind;
use pmlblame::locks::{Attribution, Confidence, Edge, Reason};
use pmlblame::nt::{CreateDisposition, CreateOptions, DispositionFlags, FileTime, NtStatus, OpenResult, RenameFlags};
use script::cast::*;
use script::open;

mod script;

const MAXIMUM: u32 = 0x200_0000;

/// SA-11, SA-9: a handle of uncertain access or sharing that let the same request through did not refuse it.
#[test]
fn a_handle_in_doubt_is_cleared_by_the_same_request() {
    for (held, share, asked) in [(MAXIMUM, ALL, DELETE), (READ, 0, READ)] {
        for success_first in [true, false] {
            let (mut b, victim, av, other) = cast();
            b.open(av, F, held, share);
            let mut failed = None;
            for step in 0..2 {
                if (step == 0) == success_first {
                    b.open(other, F, asked, 1);
                    b.close(other, F);
                } else {
                    failed = Some(b.fails(victim, F, asked, 1, SHARING));
                }
            }
            b.close(av, F);
            let finding = b.explain(failed.unwrap());
            assert_eq!((finding.attribution, named(&finding)), (Attribution::NotVisible, vec![]), "{success_first}");
        }
    }
}

#[test]
fn another_request_or_another_handle_clears_nothing() {
    // A success that asked for less, or shared more.
    for (asked, share) in [(READ, 1), (DELETE, ALL)] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, MAXIMUM, ALL);
        b.open(other, F, asked, share);
        b.close(other, F);
        let failed = b.fails(victim, F, DELETE, 1, SHARING);
        b.close(av, F);
        assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)], "{asked:x} {share}");
    }
    // Before it was opened, or after it was closed.
    let (mut b, victim, av, other) = cast();
    b.open(other, F, DELETE, 1);
    b.close(other, F);
    b.open(av, F, MAXIMUM, ALL);
    let failed = b.fails(victim, F, DELETE, 1, SHARING);
    b.close(av, F);
    b.open(other, F, DELETE, 1);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
    // One of two handles: which of them stood is not shown.
    let (mut b, victim, av, other) = cast();
    b.open(av, F, MAXIMUM, ALL);
    b.open(other, F, DELETE, 1);
    b.close(other, F);
    b.open(av, F, MAXIMUM, ALL);
    let failed = b.fails(victim, F, DELETE, 1, SHARING);
    b.close(av, F);
    b.close(av, F);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

/// AT-6: of several handles that only a close after the refusal shows, any may be the one.
#[test]
fn of_several_unopened_handles_none_is_likely() {
    for both in [false, true] {
        let (mut b, victim, av, other) = cast();
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        b.close(other, F);
        if both {
            b.close(av, F);
        }
        let finding = b.explain(failed);
        let expected = if both {
            vec![(av, Confidence::Possible), (other, Confidence::Possible)]
        } else {
            vec![(other, Confidence::Likely)]
        };
        assert_eq!(named(&finding), expected);
    }
}

const WRITE: u32 = 2;

/// MM-2, MM-1, SA-8: what a success before the refusal shows of a mapping.
#[test]
fn a_mapping_is_refuted_by_an_open_that_it_refuses() {
    // A delete-on-close open of an image; an open that does not share writing, of a writable mapping.
    for image in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ | WRITE, ALL);
        match image {
            true => b.does(av, F, OpKind::LoadImage),
            false => b.does(av, F, OpKind::CreateSection { protection: 4, allocation: 0 }),
        };
        b.close(av, F);
        let options = if image { CreateOptions::DELETE_ON_CLOSE.0 } else { 0 };
        let (access, share) = if image { (DELETE, ALL) } else { (READ, 5) };
        let create = open(access, share, CreateDisposition::OPEN, options, Some(OpenResult::OPENED));
        let success = b.create(other, F, create, NtStatus::SUCCESS);
        let kept = OpKind::SetDispositionEx { flags: DispositionFlags::ON_CLOSE, handle: None };
        b.does(other, F, kept);
        b.close(other, F);
        b.open(victim, F, DELETE, ALL);
        let kind = OpKind::SetDisposition { delete: true, handle: None };
        let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        b.does(av, "", OpKind::ProcessExit);
        b.does(victim, F, kind);
        let finding = b.explain(failed);
        assert_eq!((finding.attribution, named(&finding)), (Attribution::NotVisible, vec![]), "{image}");
        let out = finding.ruled_out.iter().find(|out| out.process == av).unwrap();
        assert_eq!((out.reason, out.event), (Reason::ShownClosedByLaterSuccess, Some(success)), "{image}");
    }
}

/// MM-5: a success between the refusal and the exit shows that the exit released nothing.
#[test]
fn a_mapping_that_ended_before_its_process_is_confirmed_by_nothing() {
    for between in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, ALL);
        b.does(av, F, OpKind::LoadImage);
        b.close(av, F);
        let failed = b.fails(victim, F, WRITE, ALL, SHARING);
        if between {
            b.open(other, F, WRITE, ALL);
            b.close(other, F);
        }
        let exit = b.does(av, "", OpKind::ProcessExit);
        let success = b.open(victim, F, WRITE, ALL);
        let finding = b.explain(failed);
        let released = finding.released_by.map(|release| release.event);
        let shown = (named(&finding), finding.holders[0].hold.end, released, finding.confirmed_by);
        let expected = if between {
            (vec![(av, Confidence::Likely)], Edge::Unseen, None, None)
        } else {
            (vec![(av, Confidence::Proven)], b_edge(&b, exit), Some(exit), Some(success))
        };
        assert_eq!(shown, expected, "{between}");
    }
}

/// LK-1: only an unlock shows that a lock stood until then; a close does not.
#[test]
fn a_lock_that_let_another_pass_had_ended() {
    let lock = OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: None };
    let unlock = OpKind::Unlock { offset: 0, length: 100 };
    for (before, unlocks) in [(true, false), (false, false), (false, true)] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, ALL);
        b.does(av, F, lock);
        b.open(other, F, READ, ALL);
        b.open(victim, F, READ, ALL);
        let mut failed = None;
        let mut passed = None;
        for step in 0..2 {
            if (step == 0) == before {
                passed = Some(b.does(other, F, lock));
                b.does(other, F, unlock);
            } else {
                failed = Some(b.refused(victim, F, NtStatus::LOCK_NOT_GRANTED, lock));
            }
        }
        if unlocks {
            b.does(av, F, unlock);
        }
        b.close(av, F);
        b.does(victim, F, lock);
        let finding = b.explain(failed.unwrap());
        let expected = match (before, unlocks) {
            (true, _) => vec![],
            (false, true) => vec![(av, Confidence::Proven)],
            (false, false) => vec![(av, Confidence::Possible)],
        };
        assert_eq!(named(&finding), expected, "{before} {unlocks}");
        if before {
            let out = finding.ruled_out.iter().find(|out| out.process == av).unwrap();
            assert_eq!((out.rule, out.event), ("AT-11", passed));
        }
    }
}

/// A lock whose close is under way lets others pass without having ended unseen.
#[test]
fn a_lock_whose_close_is_under_way_is_not_refuted() {
    let lock = OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: None };
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    b.does(av, F, lock);
    b.open(victim, F, READ, ALL);
    let failed = b.refused(victim, F, NtStatus::LOCK_NOT_GRANTED, lock);
    let close = b.close(av, F);
    b.does(victim, F, lock);
    let end = b.op(close).start.0 + 3 * script::STEP;
    b.op(close).end = Some(FileTime(end));
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
}

/// RN-1, RN-2, RN-3, RN-6, RN-7: the same rename by another hold would have been refused as well.
#[test]
fn a_rename_that_went_through_ends_what_would_have_refused_it() {
    let (dir, source, target) = (r"C:\d", r"C:\d\new", r"C:\d\old");
    let replace = RenameFlags::REPLACE_IF_EXISTS;
    let posix = replace | RenameFlags::POSIX_SEMANTICS;
    let denied = NtStatus::ACCESS_DENIED;
    let cases = [
        ("RN-1", target, ATTRIBUTES, ALL, denied, source, target, replace),
        ("RN-2", target, READ, 3, SHARING, source, target, posix),
        ("RN-3", source, ATTRIBUTES, ALL, denied, dir, r"C:\e", RenameFlags::NONE),
        ("RN-6", r"C:\d\new:z", READ, ALL, denied, source, r"C:\d\third", RenameFlags::NONE),
        ("RN-7", dir, READ, 5, SHARING, source, r"C:\d\third", RenameFlags::NONE),
    ];
    for (rule, held, access, share, status, from, to, flags) in cases {
        for between in [true, false] {
            let (mut b, victim, av, other) = cast();
            b.make(other, source, READ, ALL);
            b.close(other, source);
            b.make(other, target, READ, ALL);
            b.close(other, target);
            b.open(av, held, access, share);
            b.open(victim, from, DELETE, ALL);
            let kind = OpKind::Rename { target: Some(b.path(to)), flags, ex: flags == posix, as_path: Some(true) };
            let failed = b.refused(victim, from, status, kind);
            let success = between.then(|| b.does(victim, from, kind));
            // What is moved, or below it, is closed by its new name.
            let moved = between && (rule == "RN-3" || rule == "RN-6");
            b.close(av, &if moved { held.replacen(from, to, 1) } else { held.to_owned() });
            let finding = b.explain(failed);
            assert_eq!(finding.holders[0].rule, rule, "{between}");
            let expected = if between { Confidence::Possible } else { Confidence::Proven };
            assert_eq!(named(&finding), [(av, expected)], "{rule} {between}");
            assert_eq!(finding.holders[0].refuted_by, success, "{rule}");
            assert_eq!(finding.holders[0].hold.end == Edge::Unseen, between, "{rule}");
        }
    }
}

/// RN-7: a rename into the folder before the refusal; the holder's later close is another handle's.
#[test]
fn a_rename_before_the_refusal_clears_who_closes_nothing_later() {
    for closes in [true, false] {
        let (mut b, victim, av, _) = cast();
        let (dir, source) = (r"C:\d", r"C:\e\new");
        b.open(av, dir, READ, 5);
        b.open(victim, source, DELETE, ALL);
        let first = OpKind::Rename {
            target: Some(b.path(r"C:\d\one")),
            flags: RenameFlags::NONE,
            ex: false,
            as_path: Some(true),
        };
        let success = b.does(victim, source, first);
        let again = OpKind::Rename {
            target: Some(b.path(r"C:\d\two")),
            flags: RenameFlags::NONE,
            ex: false,
            as_path: Some(true),
        };
        let failed = b.refused(victim, r"C:\d\one", SHARING, again);
        let close = closes.then(|| b.close(av, dir));
        b.does(victim, r"C:\d\one", again);
        let finding = b.explain(failed);
        assert_eq!(finding.attribution, Attribution::NotVisible);
        if let Some(close) = close {
            assert_eq!(named(&finding), [(av, Confidence::Possible)]);
            let hold = finding.holders[0].hold;
            assert_eq!((hold.start, hold.end), (Edge::Unseen, b_edge(&b, close)));
        } else {
            assert_eq!(named(&finding), []);
            let out = finding.ruled_out.iter().find(|out| out.process == av).unwrap();
            assert_eq!((out.reason, out.event), (Reason::ShownClosedByLaterSuccess, Some(success)));
        }
    }
}

/// DP-7, DR-1, DP-6: an open below a folder, the deletion of a folder, an open by the name.
#[test]
fn what_a_pending_name_no_longer_refuses() {
    let (dir, child) = (r"C:\d", r"C:\d\x");
    // DP-7
    let (mut b, victim, av, _) = cast();
    b.open(av, dir, READ, ALL);
    deletes(&mut b, victim, dir);
    let failed = b.fails(victim, child, READ, 1, PENDING);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
    b.make(victim, child, READ, 1);
    b.close(av, dir);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
    // DR-1
    let (mut b, victim, av, _) = cast();
    b.make(victim, child, READ, ALL);
    b.close(victim, child);
    b.open(av, child, READ, ALL);
    deletes(&mut b, victim, child);
    b.open(victim, dir, DELETE, ALL);
    let kind = OpKind::SetDisposition { delete: true, handle: None };
    let failed = b.refused(victim, dir, NtStatus::DIRECTORY_NOT_EMPTY, kind);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
    b.does(victim, dir, kind);
    b.close(av, child);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
    // DP-6: while the name was pending the marking handle stood; how much longer is not shown.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, DELETE, ALL);
    let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
    b.does(av, F, OpKind::SetDispositionEx { flags, handle: None });
    let failed = b.fails(victim, F, READ, ALL, PENDING);
    b.open(victim, F, READ, ALL);
    b.close(victim, F);
    b.close(av, F);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

/// AT-3: of two handles of a process one was closed between the refusal and the success, which shows that it was the one in the way.
#[test]
fn a_success_tells_which_of_two_handles_a_close_ended() {
    // DP-6
    let (mut b, victim, av, _) = cast();
    b.open(av, F, DELETE, ALL);
    b.open(av, F, WRITE, ALL);
    let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
    b.does(av, F, OpKind::SetDispositionEx { flags, handle: None });
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    let close = b.close(av, F);
    let gone = b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!((finding.released_by.unwrap().event, finding.confirmed_by), (close, Some(gone)));
    // LK-2
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    b.does(av, F, OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: None });
    b.open(av, F, READ, ALL);
    b.open(victim, F, READ, ALL);
    let read = OpKind::Read { offset: 0, length: 10, paging: false };
    let failed = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, read);
    let close = b.close(av, F);
    let success = b.does(victim, F, read);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert_eq!((finding.released_by.unwrap().event, finding.confirmed_by), (close, Some(success)));
}

/// VI-8: what a process wrote without an open afterwards shows no handle at the refusal, whatever it had opened and closed before.
#[test]
fn a_later_use_of_a_copy_proves_no_earlier_handle() {
    let (mut b, victim, av, _) = cast();
    b.make(victim, F, READ, 1);
    b.close(victim, F);
    b.open(av, F, WRITE, 5);
    b.close(av, F);
    let failed = b.fails(victim, F, DELETE, 0, SHARING);
    b.does(av, F, OpKind::Write { offset: 0, length: 100, paging: false });
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
}
