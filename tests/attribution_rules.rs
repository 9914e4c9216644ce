//! One test for each rule of attribution, by its number in the reference: whose hold it was, how long it lasted, how sure.

use pmlblame::capture::op::{DriverId, DriverInfo, EventIndex, OpKind};
use pmlblame::locks::{Attribution, Confidence, Edge, Explanation, Options, Party, Reason, analyse, audit, history};
use pmlblame::nt::{FileTime, NtStatus, RenameFlags, Ticks};
use script::cast::*;
use script::{BEGIN, STEP};

mod script;

#[test]
fn at_1_a_hold_follows_a_rename() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 5);
    b.open(victim, F, DELETE, ALL);
    let to = b.path(r"C:\Windows\WinSxS\amd64_x\f.dll");
    let kind = OpKind::Rename { target: Some(to), flags: RenameFlags::NONE, ex: false, as_path: None };
    b.does(victim, F, kind);
    b.close(victim, r"C:\Windows\WinSxS\amd64_x\f.dll");
    let failed = b.fails(victim, r"C:\WINDOWS\winsxs\AMD64_X\F.DLL", 2, ALL, SHARING);
    let closed = b.close(av, r"C:\Windows\WinSxS\amd64_x\f.dll");
    let later = b.fails(victim, r"C:\Windows\WinSxS\amd64_x\f.dll", 2, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!(finding.holders[0].hold.path, b.log.paths.find(F));
    assert_eq!(finding.released_by.unwrap().event, closed);
    // The close under the new name ended it, and the old name left no phantom.
    assert_eq!(b.explain(later).attribution, Attribution::NotVisible);
    assert_eq!(audit(&b.log, &|_| true).closes_without_open, 0);
}

#[test]
fn at_1_children_follow_a_renamed_directory() {
    let (mut b, victim, av, _) = cast();
    b.open(av, r"C:\d\sub\f", READ, 3);
    let to = b.path(r"C:\e");
    b.does(victim, r"C:\d", OpKind::Rename { target: Some(to), flags: RenameFlags::NONE, ex: false, as_path: None });
    let failed = b.fails(victim, r"C:\e\sub\f", DELETE, ALL, SHARING);
    let close = b.close(av, r"C:\e\sub\f");
    let old = b.fails(victim, r"C:\d\sub\f", DELETE, ALL, SHARING);
    // RN-3: with that handle it could not have been renamed; who closes it later is known by the new name all the same.
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Possible)]);
    assert_eq!(finding.holders[0].hold.end, b_edge(&b, close));
    assert_eq!(b.explain(old).holders, []);
    assert_eq!(audit(&b.log, &|_| true).closes_without_open, 0);
}

#[test]
fn at_2_spellings_are_one_file() {
    for spelling in [
        r"\??\C:\Windows\WinSxS\Temp\InFlight\1\F.DLL",
        r"\Device\HarddiskVolume3\Windows\WinSxS\Temp\InFlight\1\f.dll",
        r"\SystemRoot\WinSxS\Temp\InFlight\1\f.dll",
        r"C:\Windows\WinSxS\Temp\InFlight\1\f.dll::$DATA",
        r"C:\WINDOWS\WINSXS\TEMP\INFLI~1\1\F.DLL",
    ] {
        let (mut b, victim, av, _) = cast();
        b.log.roots.system_root = Some(r"C:\Windows".into());
        b.log.roots.volumes.push((r"\Device\HarddiskVolume3".into(), "C:".into()));
        b.open(av, spelling, READ, 3);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        // The directory listing that ties the short name comes last: the tie holds for the time before it too.
        let long = b.path(r"C:\Windows\WinSxS\Temp\InFlight");
        let short = b.path(r"C:\Windows\WinSxS\Temp\INFLI~1");
        b.does(victim, r"C:\Windows\WinSxS\Temp", OpKind::ShortName { long, short });
        assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)], "{spelling}");
    }
}

#[test]
fn at_2_same_leaf_elsewhere_is_another_file() {
    let (mut b, victim, av, other) = cast();
    b.open(av, r"C:\Windows\WinSxS\Temp\InFlight\2\f.dll", READ, 1);
    let prefixed = r"C:\Windows\WinSxS\Temp\InFlight\3\0ddc15ebd9dad8017d4b0000e80dc013_f.dll";
    b.open(other, prefixed, READ, 1);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(finding.holders, []);
    assert_eq!(reasons(&finding), [(av, Reason::SameNameOtherFile), (other, Reason::SameNameOtherFile)]);
    // Elsewhere a hard link older than the capture is possible, unless one of the two is younger; so is an unknown volume.
    for (born, path, expected) in [
        (false, r"C:\Windows\System32\f.dll", false),
        (true, r"C:\Windows\System32\f.dll", true),
        (true, r"\Device\HarddiskVolume9\Windows\f.dll", false),
    ] {
        let (mut b, victim, av, _) = cast();
        if born {
            b.make(victim, F, READ, ALL);
            b.close(victim, F);
        }
        b.open(av, path, READ, 1);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        let expected: Vec<_> = expected.then_some((av, Reason::SameNameOtherFile)).into_iter().collect();
        assert_eq!(reasons(&b.explain(failed)), expected, "{path}");
    }
}

#[test]
fn at_3_ambiguous_closes() {
    // Two opens that both conflict, one close: the process is proven, the handle ambiguous.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 3);
    b.open(av, F, READ, 1);
    b.close(av, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert!(finding.holders[0].handle_ambiguous);
    // Only one of them conflicts, and another thread closed: likely.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    let second = b.open(av, F, READ, 3);
    b.op(second).thread = Some(77);
    let close = b.close(av, F);
    b.op(close).thread = Some(78);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert!(!finding.holders[0].handle_ambiguous);
    // AT-13: the thread that opened the conflicting one closed it: no more than a possibility.
    b.op(close).thread = Some(77);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
    assert_eq!(b.explain(failed).attribution, Attribution::NotVisible);
}

#[test]
fn at_3_the_handle_left_has_the_end_of_the_other() {
    let (mut b, victim, av, _) = cast();
    let all = b.open(av, F, READ, ALL);
    let strict = b.open(av, F, READ, 3);
    let first = b.close(av, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let last = b.close(av, F);
    let success = b.open(victim, F, DELETE, ALL);
    for (n, event) in [all, strict, first, last].into_iter().enumerate() {
        b.op(event).thread = Some(100 + n as u32);
    }
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    let hold = finding.holders[0].hold;
    assert_eq!((hold.start, hold.end), (b_edge(&b, strict), b_edge(&b, last)));
    assert_eq!(finding.released_by.unwrap().event, last);
    assert_eq!(finding.confirmed_by, Some(success));
    assert!(!finding.holders[0].handle_ambiguous);
}

#[test]
fn at_3_one_thread_and_the_only_one_who_can_have_refused() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    let strict = b.open(av, F, READ, 3);
    b.close(av, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let last = b.close(av, F);
    // The thread that opened the conflicting handle last seems to have closed it first: what came of it says otherwise.
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
    let success = b.open(victim, F, DELETE, ALL);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert_eq!(finding.holders[0].hold.start, b_edge(&b, strict));
    assert_eq!(finding.released_by.unwrap().event, last);
    assert_eq!(finding.confirmed_by, Some(success));
    // Each open is told once, and neither as surely held beyond the first close.
    let story = history(&b.log, failed, &[failed], &Options::new(&|_| false)).unwrap();
    let told: Vec<_> = story.holds.iter().filter(|hold| hold.party == Party::Process(av)).collect();
    assert_eq!(told.len(), 2);
    let failed_at = b.op(failed).start;
    assert!(told.iter().all(|hold| hold.sure.unwrap().1 <= failed_at && hold.hold.end == b_edge(&b, last)));
}

#[test]
fn at_4_only_what_is_held_at_the_instant_counts() {
    let (mut b, victim, av, other) = cast();
    let late = b.process("late.exe");
    b.open(av, F, READ, 3);
    b.close(av, F);
    b.fails(other, F, 2, 0, SHARING);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.open(late, F, READ, 3);
    let finding = b.explain(failed);
    assert_eq!(finding.holders, []);
    assert_eq!(
        reasons(&finding),
        [(av, Reason::ClosedBefore), (late, Reason::OpenedAfter), (other, Reason::OwnOpenFailed)]
    );
    // A close still running when the failure came leaves it likely.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 3);
    let close = b.close(av, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.op(close).end = Some(FileTime(BEGIN + 2 * STEP + 50));
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

#[test]
fn at_5_a_name_reused_is_another_file() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 3);
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(finding.holders, []);
    assert!(finding.born_in_capture);
    assert_eq!(finding.explanations[0], Explanation::FilterBelowProcmonAltitude);
    assert_eq!(reasons(&finding), [(av, Reason::OtherFile)]);
}

#[test]
fn at_6_a_close_without_an_open() {
    let (mut b, victim, av, _) = cast();
    let first = b.fails(victim, F, DELETE, ALL, SHARING);
    let close = b.close(av, F);
    let success = b.open(victim, F, DELETE, ALL);
    let finding = b.explain(first);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert_eq!(finding.holders[0].hold.start, Edge::BeforeCapture);
    assert_eq!(finding.released_by.unwrap().event, close);
    assert_eq!(finding.confirmed_by, Some(success));
    // Failures that go on after it show that it was not sufficient.
    let (mut b, victim, av, _) = cast();
    let first = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, F);
    b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(first);
    assert_eq!(finding.attribution, Attribution::NotVisible);
    assert_eq!(finding.holders, []);
    assert_eq!(reasons(&finding), [(av, Reason::StillFailingAfterRelease)]);
    // The same where another process has an open that never closes: both named, neither proven.
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    let first = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(other, F);
    b.open(victim, F, DELETE, ALL);
    let finding = b.explain(first);
    assert_eq!(named(&finding), [(av, Confidence::Likely), (other, Confidence::Likely)]);
    assert_eq!(audit(&b.log, &|_| true).false_conflicts, []);
}

#[test]
fn at_6_no_older_handle_on_a_file_born_in_the_capture() {
    let (mut b, victim, av, _) = cast();
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, F);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Possible)]);
    assert_eq!(finding.holders[0].hold.start, Edge::Unseen);
    assert_eq!(finding.attribution, Attribution::NotVisible);
}

#[test]
fn at_7_an_exit_releases_everything_and_ids_are_reused() {
    let (mut b, victim, av, other) = cast();
    b.log.processes[other.0 as usize].pid = b.log.processes[av.0 as usize].pid;
    b.open(av, F, READ, 3);
    let held = b.fails(victim, F, DELETE, ALL, SHARING);
    let exit = b.does(av, "", OpKind::ProcessExit);
    let after = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(held);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!(finding.released_by.unwrap().event, exit);
    assert_eq!(reasons(&b.explain(after)), [(av, Reason::ExitedBefore)]);
}

#[test]
fn at_7_a_pid_used_again_hands_nothing_over() {
    let (mut b, victim, gone, new) = cast();
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    b.open(gone, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let close = b.close(new, F);
    b.open(victim, F, DELETE, ALL);
    assert_eq!(named(&b.explain(failed)), [(gone, Confidence::Likely), (new, Confidence::Likely)]);
    // An export does not tell when the first ended, only that another had its PID by then.
    b.log.processes[new.0 as usize].pid = b.log.processes[gone.0 as usize].pid;
    b.log.processes[gone.0 as usize].replaced = Some(b.op(close).start);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(gone, Confidence::Possible), (new, Confidence::Possible)]);
    assert_eq!(finding.attribution, Attribution::NotVisible);
}

#[test]
fn at_8_self_inflicted() {
    let (mut b, victim, av, other) = cast();
    b.open(victim, F, READ, 3);
    b.open(other, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let victims = |process| process == victim || process == other;
    let analysis = analyse(&b.log, &[failed], &Options::new(&victims));
    assert_eq!(analysis.findings[0].attribution, Attribution::SelfInflicted);
    assert!(analysis.findings[0].holders.iter().all(|holder| holder.victim));
    let driver = b.open(victim, F, READ, 3);
    b.log.drivers.push(DriverInfo {
        name: "tmxpflt.sys".into(),
        path: String::new(),
        company: String::new(),
        version: String::new(),
        description: String::new(),
    });
    b.op(driver).driver = Some(DriverId(0));
    b.open(av, r"C:\elsewhere", READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = &analyse(&b.log, &[failed], &Options::new(&victims)).findings[0];
    assert_eq!(finding.attribution, Attribution::Holders);
    assert_eq!(finding.holders[0].party, Party::Driver { driver: DriverId(0), process: victim });
    assert!(!finding.holders[0].victim);
}

#[test]
fn at_9_an_innocent_is_never_promoted() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, ALL);
    b.open(other, F, ATTRIBUTES, 0);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(finding.attribution, Attribution::NotVisible);
    assert_eq!(reasons(&finding), [(av, Reason::CompatibleSharing), (other, Reason::AttributesOnly)]);
    assert_eq!(finding.explanations[0], Explanation::OpenBeforeCapture);
    let hive = b.fails(victim, r"C:\Windows\System32\config\SYSTEM", READ, 1, SHARING);
    assert_eq!(b.explain(hive).explanations[0], Explanation::KernelHeld);
}

#[test]
fn at_10_bracketing() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    b.open(other, F, READ, ALL);
    let first = b.fails(victim, F, DELETE, ALL, SHARING);
    let second = b.fails(victim, F, DELETE, ALL, SHARING);
    let release = b.close(av, F);
    b.close(other, F);
    // Attributes alone would have been allowed all the time: that success confirms nothing.
    b.open(victim, F, ATTRIBUTES, ALL);
    b.close(victim, F);
    let success = b.open(victim, F, DELETE, ALL);
    let analysis = b.analyse(&[first, second]);
    for finding in &analysis.findings {
        assert_eq!(finding.released_by.unwrap().event, release);
        assert_eq!(finding.confirmed_by, Some(success));
        assert!(finding.holders[0].confirmed);
        assert_eq!(finding.burst, 0);
    }
    let burst = &analysis.bursts[0];
    assert_eq!((burst.failures.as_slice(), burst.success), (&[first, second][..], Some(success)));
    assert_eq!(burst.blocked, Ticks((success.0 - first.0) * STEP));
}

#[test]
fn at_10_another_who_let_go_in_between_leaves_it_unconfirmed() {
    for (share, confirmed) in [(ALL, true), (3, false)] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, 3);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        let release = b.close(av, F);
        b.open(other, F, READ, share);
        b.close(other, F);
        let success = b.open(victim, F, DELETE, ALL);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(av, Confidence::Proven)]);
        assert_eq!(finding.released_by.unwrap().event, release);
        assert_eq!(finding.confirmed_by, confirmed.then_some(success));
    }
}

/// Who let go between two refusals and came back later is somebody else for the first of them, too.
#[test]
fn at_10_who_left_and_came_back_leaves_it_unconfirmed() {
    for (share, confirmed) in [(ALL, true), (3, false)] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, 3);
        b.open(other, F, READ, 3);
        let first = b.fails(victim, F, DELETE, ALL, SHARING);
        b.close(other, F);
        let last = b.fails(victim, F, DELETE, ALL, SHARING);
        b.open(other, F, READ, share);
        b.close(other, F);
        let release = b.close(av, F);
        let success = b.open(victim, F, DELETE, ALL);
        for failed in [first, last] {
            let finding = b.explain(failed);
            assert_eq!(finding.released_by.unwrap().event, release);
            assert_eq!(finding.confirmed_by, confirmed.then_some(success), "{share} {failed:?}");
        }
    }
}

#[test]
fn at_10_who_left_without_effect_is_cleared_by_it() {
    let (mut b, victim, av, other) = cast();
    let third = b.process("MsMpEng.exe");
    let first = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, F);
    b.close(third, F);
    b.open(third, F, ATTRIBUTES, ALL);
    b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(other, F);
    b.open(victim, F, DELETE, ALL);
    let finding = b.explain(first);
    assert_eq!(named(&finding), [(other, Confidence::Likely)]);
    assert_eq!(reasons(&finding), [(av, Reason::StillFailingAfterRelease), (third, Reason::StillFailingAfterRelease)]);
}

#[test]
fn at_11_success_is_evidence() {
    let (mut b, victim, av, other) = cast();
    let held = b.open(av, F, READ, 3);
    let early = b.fails(victim, F, DELETE, ALL, SHARING);
    let success = b.open(other, F, DELETE, ALL);
    b.close(other, F);
    let late = b.fails(victim, F, DELETE, ALL, SHARING);
    assert_eq!(named(&b.explain(early)), [(av, Confidence::Possible)]);
    let finding = b.explain(late);
    assert_eq!(finding.holders, []);
    assert_eq!(reasons(&finding)[0], (other, Reason::ClosedBefore));
    assert!(reasons(&finding).contains(&(av, Reason::ShownClosedByLaterSuccess)));
    let audit = audit(&b.log, &|_| true);
    assert_eq!(audit.false_conflicts.len(), 1);
    assert_eq!(audit.false_conflicts[0].event, success);
    assert_eq!(audit.false_conflicts[0].holder_event, Some(held));
    assert_eq!(audit.false_conflicts[0].rule, "SA-3");
}

#[test]
fn at_11_a_success_tells_which_handle_was_closed() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    b.open(av, F, READ, ALL);
    b.close(av, F); // most recent first would have it the second
    b.open(other, F, DELETE, ALL);
    b.close(other, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    assert_eq!(audit(&b.log, &|_| true).false_conflicts, []);
    assert_eq!(b.explain(failed).holders, []);
}

#[test]
fn at_11_a_close_after_the_refutation_is_another_handle_s() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    b.open(other, F, DELETE, ALL);
    b.close(other, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    assert_eq!(reasons(&b.explain(failed))[0], (other, Reason::ClosedBefore));
    assert!(reasons(&b.explain(failed)).contains(&(av, Reason::ShownClosedByLaterSuccess)));
    let close = b.close(av, F);
    b.open(victim, F, DELETE, ALL);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Possible)]);
    assert_eq!((finding.holders[0].hold.start, finding.holders[0].hold.end), (Edge::Unseen, b_edge(&b, close)));
    assert_eq!(reasons(&finding), [(other, Reason::ClosedBefore)]);
}

#[test]
fn at_12_without_closes_nothing_is_proven() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.log.coverage.creates = 2000;
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Possible)]);
    assert_eq!(finding.attribution, Attribution::NotVisible);
    assert_eq!(finding.explanations[0], Explanation::OutsideFilter);
    b.log.coverage.cleanups = 1990;
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
    b.log.coverage.sequence_gaps = Some(3);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

#[test]
fn at_6_a_handed_over_handle_in_use_on_both_sides() {
    let (mut b, victim, av, _) = cast();
    b.make(victim, F, DELETE, ALL);
    b.does(av, F, OpKind::Read { offset: 0, length: 1, paging: false });
    mark(&mut b, victim, F);
    b.close(victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    let close = b.close(av, F);
    b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert_eq!(finding.holders[0].hold.start, Edge::Unseen);
    assert_eq!(finding.released_by.unwrap().event, close);
}

#[test]
fn a_close_that_lingers_is_nobodys_proof() {
    // A filter that looks into the file during the close keeps it in use in its owner's name.
    for (length, expected) in [(STEP, Confidence::Likely), (100 * STEP, Confidence::Possible)] {
        let (mut b, victim, _, _) = cast();
        b.open(victim, F, DELETE, ALL);
        mark(&mut b, victim, F);
        let close = b.close(victim, F);
        let failed = b.fails(victim, F, DELETE, ALL, PENDING);
        let start = b.op(close).start;
        b.op(close).end = Some(FileTime(start.0 + STEP + length));
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(victim, expected)], "{length}");
        assert_eq!(finding.holders[0].hold.end, Edge::At(close, FileTime(start.0 + STEP + length)));
        let own = finding.attribution == Attribution::SelfInflicted;
        assert_eq!(own, expected == Confidence::Likely);
    }
}

#[test]
fn a_close_that_lingers_is_the_failing_process_s_own() {
    // Whoever else the profile calls a victim: a close of another process that runs over the failure holds the file.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 3);
    let close = b.close(av, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let start = b.op(close).start;
    b.op(close).end = Some(FileTime(start.0 + 100 * STEP));
    b.log.ops[failed.0 as usize].end = Some(FileTime(start.0 + STEP + 1));
    for everybody in [false, true] {
        let is_victim = |_| everybody;
        let finding = analyse(&b.log, &[failed], &Options::new(&is_victim)).findings.remove(0);
        assert_eq!(named(&finding), [(av, Confidence::Likely)], "{everybody}");
    }
}

#[test]
fn at_10_a_mapping_that_ended_without_effect_was_not_it() {
    let removal = OpKind::SetDisposition { delete: true, handle: None };
    let (mut b, victim, av, _) = cast();
    b.open(victim, F, DELETE, ALL);
    b.does(av, F, OpKind::LoadImage);
    let first = b.refused(victim, F, NtStatus::CANNOT_DELETE, removal);
    b.does(av, "", OpKind::ProcessExit);
    let second = b.refused(victim, F, NtStatus::CANNOT_DELETE, removal);
    let finding = b.explain(first);
    assert_eq!((finding.attribution, finding.holders.len()), (Attribution::NotVisible, 0));
    assert_eq!(reasons(&finding), [(av, Reason::StillFailingAfterRelease)]);
    assert_eq!(reasons(&b.explain(second)), [(av, Reason::ExitedBefore)]);
}

#[test]
fn at_6_a_child_inherits_what_its_parent_left() {
    let (mut b, victim, parent, child) = cast();
    b.make(victim, F, DELETE, ALL);
    b.close(victim, F);
    b.open(parent, F, READ, 3);
    b.does(parent, "", OpKind::ProcessExit);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let close = b.close(child, F);
    let success = b.open(victim, F, DELETE, ALL);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(child, Confidence::Likely)]);
    assert_eq!(finding.holders[0].hold.start, Edge::Unseen);
    assert_eq!((finding.released_by.unwrap().event, finding.confirmed_by), (close, Some(success)));
    assert_eq!(reasons(&finding), [(parent, Reason::ExitedBefore)]);
}

#[test]
fn file_ids_join_names() {
    let (mut b, victim, av, other) = cast();
    b.open(av, r"C:\Windows\System32\f.dll", READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    for path in [F, r"C:\Windows\System32\f.dll"] {
        b.does(other, path, OpKind::QueryFileId { id: 0x7_0000_0000_0042u64.into() });
    }
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
}

#[test]
fn the_history_of_one_failure() {
    let (mut b, victim, av, other) = cast();
    let events = [
        b.open(av, F, READ, 3),
        b.open(other, F, READ, ALL),
        b.fails(victim, F, DELETE, ALL, SHARING),
        b.close(other, F),
        b.close(av, F),
    ];
    b.open(other, r"C:\elsewhere", READ, ALL);
    let nobody = |_| false;
    let story = history(&b.log, events[2], &events[2..=2], &Options::new(&nobody)).unwrap();
    assert_eq!(story.events.iter().map(|event| event.event).collect::<Vec<_>>(), events);
    let holds: Vec<_> = story.holds.iter().map(|told| (told.party, told.hold.start, told.hold.end)).collect();
    assert_eq!(
        holds,
        [
            (Party::Process(av), b_edge(&b, events[0]), b_edge(&b, events[4])),
            (Party::Process(other), b_edge(&b, events[1]), b_edge(&b, events[3])),
        ]
    );
    assert_eq!(story.finding.unwrap().event, events[2]);
    assert!(history(&b.log, EventIndex(99), &[], &Options::new(&nobody)).is_none());
}

#[test]
fn the_audit_counts() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 3);
    b.fails(victim, F, DELETE, ALL, SHARING);
    b.fails(victim, r"C:\unknown", DELETE, ALL, SHARING);
    b.close(victim, r"C:\other");
    let audit = audit(&b.log, &|_| true);
    assert_eq!((audit.opens_checked, audit.closes_without_open, audit.opens_without_close), (1, 1, 1));
    let count = audit.failures[&SHARING];
    assert_eq!((count.explained, count.unexplained), (1, 1));
    assert_eq!(audit.total(), count);
}

#[test]
fn an_open_that_came_back_before_the_oplock_broke_is_no_failure_to_the_audit() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 7);
    b.fails(victim, F, DELETE, ALL, NtStatus::OPLOCK_BREAK_IN_PROGRESS);
    b.fails(victim, F, DELETE, ALL, NtStatus::CANNOT_BREAK_OPLOCK);
    let audit = audit(&b.log, &|_| true);
    assert_eq!(audit.failures.keys().collect::<Vec<_>>(), [&NtStatus::CANNOT_BREAK_OPLOCK]);
}

/// AT-3: what a process did before the part of its history that is weighed may matter as well.
#[test]
fn more_handles_than_are_weighed_clear_nobody() {
    for (more, first, grade) in
        [(10, 3, Some(Confidence::Likely)), (5000, 3, Some(Confidence::Likely)), (5000, 7, None)]
    {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, first);
        for _ in 0..more {
            b.open(av, F, READ, ALL);
        }
        b.close(av, F);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        b.close(av, F);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), grade.map(|grade| (av, grade)).into_iter().collect::<Vec<_>>(), "{more} {first}");
        let compatible = if grade.is_none() { vec![(av, Reason::CompatibleSharing)] } else { vec![] };
        assert_eq!(reasons(&finding), compatible, "{more} {first}");
    }
}
