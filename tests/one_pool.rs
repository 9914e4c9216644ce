//! Which of a process's handles a close ended is not recorded: they are one pool, whoever opened them and whichever file of
//! the name they are on; what was done through those left tells which they are (AT-3, SA-1).

use pmlblame::capture::op::{DriverId, OpKind, ProcessId, StackSays};
use pmlblame::locks::{Confidence, Party};
use pmlblame::nt::DispositionFlags;
use script::Builder;
use script::cast::*;

mod script;

const CONTROL: u32 = 0x12_0000;
const READS: OpKind = OpKind::Read { offset: 0, length: 1, paging: false };
const WRITES: OpKind = OpKind::Write { offset: 0, length: 1, paging: false };

/// SA-1: who reads has a handle to read with.
#[test]
fn a_read_shows_which_handle_is_left() {
    let case = |held: u32, does: Option<OpKind>, before: bool| {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, CONTROL, ALL);
        b.open(av, F, held, 0);
        b.close(av, F);
        if let Some(does) = does.filter(|_| before) {
            b.does(av, F, does);
        }
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        if let Some(does) = does.filter(|_| !before) {
            b.does(av, F, does);
        }
        b.close(av, F);
        named(&b.explain(failed))
    };
    for before in [true, false] {
        for (held, does) in [(READ, READS), (0x12_0116, WRITES)] {
            let found = case(held, Some(does), before);
            assert_eq!(found.iter().map(|one| one.1).collect::<Vec<_>>(), [Confidence::Proven], "{held:x} {before}");
        }
    }
    // Neither handle writes, so the write is no witness; paging is done without a handle.
    for does in [None, Some(WRITES), Some(OpKind::Read { offset: 0, length: 1, paging: true })] {
        assert!(case(READ, does, true).iter().all(|one| one.1 < Confidence::Proven), "{does:?}");
    }
}

/// The other way round: the one left is the one that does not conflict.
#[test]
fn a_read_shows_which_handle_is_gone() {
    for reads in [true, false] {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, ALL);
        b.open(av, F, 0x11_0000, 3); // DELETE, and does not share it
        b.close(av, F);
        if reads {
            b.does(av, F, READS);
        }
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        b.close(av, F);
        let left = if reads { vec![] } else { vec![(av, Confidence::Possible)] };
        assert_eq!(named(&b.explain(failed)), left);
    }
}

/// The same between the opens of different authors in one process, where no stack shows who closed.
#[test]
fn a_close_without_a_stack_may_be_any_authors() {
    let case = |stack: StackSays| {
        let (mut b, victim, system, _) = cast();
        b.open(system, F, READ, 1);
        let by_filter = b.open(system, F, READ, ALL);
        b.op(by_filter).driver = Some(DriverId(0));
        let closed = b.close(system, F);
        b.op(closed).stack = stack;
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        let closed = b.close(system, F);
        b.op(closed).stack = stack;
        b.open(victim, F, DELETE, ALL);
        let finding = b.explain(failed);
        finding.holders.iter().map(|holder| (holder.party, holder.confidence)).collect::<Vec<_>>()
    };
    assert_eq!(case(StackSays::Nothing), [(Party::Process(ProcessId(1)), Confidence::Likely)]);
    // With one, the process closed its own.
    assert_eq!(case(StackSays::Caller), []);
}

/// AT-5: a process with an earlier file of the name open may have closed that one.
#[test]
fn a_close_by_name_may_be_that_of_an_earlier_file() {
    struct Case {
        threads: [u32; 3],
        reads: bool,
        closes: u32,
        success: bool,
    }
    let run = |case: &Case| {
        let (mut b, victim, av, _) = cast();
        let old = b.make(victim, F, READ, ALL);
        b.close(victim, F);
        let old_open = b.open(av, F, READ, ALL);
        b.open(victim, F, DELETE, ALL);
        b.does(victim, F, OpKind::SetDispositionEx { flags: DispositionFlags(3), handle: None });
        b.close(victim, F);
        b.make(victim, F, READ, ALL);
        b.close(victim, F);
        let new_open = b.open(av, F, READ, 3);
        let mut closes = vec![];
        let close = |b: &mut Builder| b.close(av, F);
        closes.push(close(&mut b));
        if case.reads {
            b.does(av, F, READS);
        }
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        for _ in 1..case.closes {
            closes.push(close(&mut b));
        }
        if case.success {
            b.open(victim, F, DELETE, ALL);
        }
        for (event, thread) in [(old_open, case.threads[0]), (new_open, case.threads[1]), (closes[0], case.threads[2])]
        {
            b.op(event).thread = Some(thread);
        }
        assert!(old < failed);
        let finding = b.explain(failed);
        assert!(reasons(&finding).is_empty(), "nobody is cleared");
        named(&finding).into_iter().map(|one| one.1).collect::<Vec<_>>()
    };
    use Confidence::{Likely, Possible};
    // The thread that opened the earlier file closed one; the other was closed right before the success.
    assert_eq!(run(&Case { threads: [1, 2, 1], reads: true, closes: 2, success: true }), [Likely]);
    // All by one thread: only the release tells.
    assert_eq!(run(&Case { threads: [1, 1, 1], reads: false, closes: 2, success: true }), [Likely]);
    assert_eq!(run(&Case { threads: [1, 1, 1], reads: false, closes: 1, success: false }), [Possible]);
}

/// Once both are closed nobody is left.
#[test]
fn both_closed_is_closed() {
    let (mut b, victim, av, _) = cast();
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    b.open(av, F, READ, ALL);
    b.open(victim, F, DELETE, ALL);
    b.does(victim, F, OpKind::SetDispositionEx { flags: DispositionFlags(3), handle: None });
    b.close(victim, F);
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    b.open(av, F, READ, 3);
    b.close(av, F);
    b.close(av, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    assert_eq!(named(&b.explain(failed)), []);
}

/// AT-1: a handle on a file that was renamed away is closed under the new name, so a close under the old one is not its.
#[test]
fn the_handle_of_a_file_renamed_away_is_told_by_its_name() {
    let (mut b, victim, av, _) = cast();
    let away = r"C:\Windows\WinSxS\Temp\InFlight\1\old.dll";
    b.open(av, F, READ, ALL);
    b.open(victim, F, DELETE, ALL);
    let to = b.path(away);
    b.does(
        victim,
        F,
        OpKind::Rename { target: Some(to), flags: pmlblame::nt::RenameFlags::NONE, ex: false, as_path: None },
    );
    b.close(victim, away);
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    b.open(av, F, READ, 3);
    b.close(av, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, away);
    b.open(victim, F, DELETE, ALL);
    assert_eq!(named(&b.explain(failed)), []);
}

/// AT-11, DP-3: of two closes by one name the one before the success, or before the name went, ended what was in the way.
#[test]
fn the_pairing_is_the_one_that_the_success_allows() {
    let new = r"C:\Windows\WinSxS\Temp\InFlight\1\b.dll";
    for pending in [false, true] {
        let (mut b, victim, av, other) = cast();
        // SA-9: the system's account surely had the right to withhold reading.
        for who in [victim, av, other] {
            b.log.processes[who.0 as usize].user = r"NT AUTHORITY\SYSTEM".into();
        }
        b.log.processes[other.0 as usize].pid = 4;
        b.make(victim, F, READ, ALL);
        b.close(victim, F);
        b.make(victim, new, READ, ALL);
        b.close(victim, new);
        b.open(victim, new, DELETE, ALL);
        let opened = b.open(av, new, READ, ALL);
        b.open(av, F, READ, ALL);
        let to = b.path(F);
        let flags = pmlblame::nt::RenameFlags(3);
        b.does(victim, new, OpKind::Rename { target: Some(to), flags, ex: true, as_path: Some(true) });
        if pending {
            mark(&mut b, victim, F);
        }
        b.close(victim, F);
        let (status, share) = if pending { (PENDING, ALL) } else { (SHARING, ALL & !1) };
        let failed = b.fails(victim, F, DELETE, share, status);
        let first = b.close(av, F);
        let done = match pending {
            true => b.fails(victim, F, DELETE, share, pmlblame::nt::NtStatus::OBJECT_NAME_NOT_FOUND),
            false => b.open(victim, F, DELETE, share),
        };
        b.close(av, F);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(av, Confidence::Proven)], "{pending}");
        let hold = finding.holders[0].hold;
        assert_eq!((hold.start, hold.end), (b_edge(&b, opened), b_edge(&b, first)), "{pending}");
        assert_eq!(finding.released_by.map(|release| release.event), Some(first), "{pending}");
        assert_eq!(finding.confirmed_by, Some(done), "{pending}");
    }
}

/// DP-6: a name that is gone is given no other, so a link was made through the handle on the file that has the name. A close by that
/// name may have been that of either.
#[test]
fn a_link_is_of_the_file_that_has_the_name() {
    let (new, linked) = (r"C:\Windows\WinSxS\Temp\InFlight\1\b.dll", r"C:\Windows\WinSxS\Temp\InFlight\1\c.dll");
    let (mut b, victim, av, other) = cast();
    for name in [F, new] {
        b.make(victim, name, READ, ALL);
        b.close(victim, name);
    }
    b.open(av, new, READ, ALL);
    b.open(av, F, ATTRIBUTES, ALL);
    b.open(other, F, READ, ALL);
    b.open(victim, new, DELETE, ALL);
    let flags = pmlblame::nt::RenameFlags(3);
    let target = Some(b.path(F));
    b.does(victim, new, OpKind::Rename { target, flags, ex: true, as_path: Some(true) });
    b.close(victim, F);
    b.close(av, F);
    let target = Some(b.path(linked));
    b.does(av, F, OpKind::Link { target, flags: pmlblame::nt::RenameFlags::NONE, ex: false, as_path: Some(true) });
    let failed = b.fails(victim, linked, DELETE, ALL & !1, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert!(finding.ruled_out.iter().all(|out| out.process != av), "{finding:?}");
}

/// A lock by a name of two files may be on either.
#[test]
fn a_lock_by_a_name_of_two_files_proves_nobody() {
    for two in [false, true] {
        let (mut b, victim, av, _) = cast();
        if two {
            b.make(victim, F, READ, ALL);
            b.close(victim, F);
            b.open(av, F, READ, ALL);
            b.open(victim, F, DELETE, ALL);
            let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
            b.does(victim, F, OpKind::SetDispositionEx { flags, handle: None });
            b.close(victim, F);
        }
        b.make(victim, F, READ, ALL);
        b.open(av, F, READ, ALL);
        b.does(av, F, OpKind::Lock { offset: 0, length: 9, exclusive: true, fail_immediately: true, key: Some(0) });
        let failed = b.refused(victim, F, pmlblame::nt::NtStatus::FILE_LOCK_CONFLICT, READS);
        let grade = if two { Confidence::Likely } else { Confidence::Proven };
        assert_eq!(named(&b.explain(failed)), [(av, grade)], "{two}");
    }
}

/// VI-9: an 8.3 name of the folder that nothing ties to a long one may be that file's.
#[test]
fn an_8_3_name_that_fits_may_be_the_same_file() {
    let long = r"C:\Windows\WinSxS\Temp\InFlight\1\0ddc15ebd9_clipboardserver.dll";
    for (leaf, may) in [("0DDC15~1.DLL", true), ("0DEE15~1.EXE", false)] {
        let (mut b, victim, av, _) = cast();
        b.make(victim, long, READ, ALL);
        b.close(victim, long);
        b.open(av, &format!(r"C:\Windows\WinSxS\Temp\InFlight\1\{leaf}"), READ, 3);
        let failed = b.fails(victim, long, DELETE, ALL, SHARING);
        let expected = if may { vec![(av, Confidence::Possible)] } else { vec![] };
        assert_eq!(named(&b.explain(failed)), expected, "{leaf}");
    }
}

/// AT-5: an open of another file that has taken the name shows nothing of who had this one.
#[test]
fn another_file_of_the_name_confirms_nothing() {
    let new = r"C:\Windows\WinSxS\Temp\InFlight\1\b.dll";
    for taken in [false, true] {
        let (mut b, victim, av, _) = cast();
        b.make(victim, new, READ, ALL);
        b.close(victim, new);
        b.open(av, F, READ, 3);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        b.close(av, F);
        if taken {
            b.open(victim, new, DELETE, ALL);
            let target = Some(b.path(F));
            let flags = pmlblame::nt::RenameFlags(3);
            b.does(victim, new, OpKind::Rename { target, flags, ex: true, as_path: Some(true) });
            b.close(victim, F);
        }
        let done = b.open(victim, F, DELETE, ALL);
        assert_eq!(b.explain(failed).confirmed_by, (!taken).then_some(done), "{taken}");
    }
}

/// AT-3: of two handles one was closed. Whether the one left is the one that conflicts is not shown: beside somebody proven its owner
/// is neither named nor cleared.
#[test]
fn whose_handle_was_left_is_not_cleared() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    b.open(other, F, ATTRIBUTES, ALL);
    b.open(other, F, READ, 3);
    b.close(other, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!(reasons(&finding), []);
}
