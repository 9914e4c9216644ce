//! What is not in the capture proves nothing: events the driver counted and lost, closes that never came (VI-7, AT-11).

use pmlblame::capture::lost::Lost;
use pmlblame::capture::op::EventIndex;
use pmlblame::capture::op::OpKind;
use pmlblame::locks::{Attribution, Confidence, Reason};
use pmlblame::nt::{FileTime, NtStatus};
use script::cast::*;
use script::{BEGIN, Builder, STEP};

mod script;

/// Loses numbers between the starts of two neighbouring steps.
fn lose(b: &mut Builder, after: EventIndex, missing: u64) {
    gap(b, after, missing, false);
}

/// The same for a file of the capture that lies between them.
fn absent(b: &mut Builder, after: EventIndex, missing: u64) {
    gap(b, after, missing, true);
}

fn gap(b: &mut Builder, after: EventIndex, missing: u64, between_files: bool) {
    let at = |event: u64| FileTime(BEGIN + event * STEP);
    let coverage = &mut b.log.coverage;
    coverage.gaps.add(Lost { missing, from: at(after.0), to: at(after.0 + 1), between_files });
    *coverage.sequence_gaps.get_or_insert(0) += missing;
}

#[test]
fn a_hold_does_not_outlast_a_lost_stretch_unseen() {
    let (mut b, victim, av, _) = cast();
    let opened = b.open(av, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let whole = b.explain(failed);
    assert_eq!(named(&whole), [(av, Confidence::Proven)]);
    lose(&mut b, opened, 3);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, named(&finding)), (Attribution::NotVisible, vec![(av, Confidence::Possible)]));
}

#[test]
fn what_shows_the_handle_after_the_stretch_makes_it_likely() {
    let (mut b, victim, av, _) = cast();
    let opened = b.open(av, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, F);
    lose(&mut b, opened, 3);
    // It may be the close of another handle, opened in the stretch when the first had gone.
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);

    let (mut b, victim, av, _) = cast();
    let opened = b.open(av, F, READ, 3);
    b.does(av, F, OpKind::Read { offset: 0, length: 1, paging: false });
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    lose(&mut b, opened, 3);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

#[test]
fn a_stretch_before_the_open_or_after_the_failure_takes_no_close() {
    let (mut b, victim, av, other) = cast();
    let before = b.open(other, F, ATTRIBUTES, ALL);
    b.open(av, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(other, F);
    lose(&mut b, before, 5);
    lose(&mut b, failed, 5);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
}

#[test]
fn a_filter_leaves_gaps_everywhere_and_loses_no_stretch() {
    // A dozen large gaps and nothing else missing are lost stretches still.
    for (elsewhere, missing, grade) in
        [(11, 200, Confidence::Possible), (60, 200, Confidence::Likely), (11, 20, Confidence::Likely)]
    {
        let (mut b, victim, av, other) = cast();
        let opened = b.open(av, F, READ, 3);
        lose(&mut b, opened, missing);
        for _ in 0..elsewhere {
            let event = b.open(other, r"C:\elsewhere", READ, ALL);
            lose(&mut b, event, missing);
        }
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        assert_eq!(named(&b.explain(failed)), [(av, grade)], "{elsewhere} of {missing}");
    }
}

/// VI-7: of many files that are missing none is too small to have held a close.
#[test]
fn many_missing_files_hide_none() {
    let (mut b, victim, av, other) = cast();
    let opened = b.open(av, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    for n in 0..100 {
        let event = b.open(other, r"C:\elsewhere", READ, ALL);
        absent(&mut b, event, 50 + n);
    }
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
    absent(&mut b, opened, 1);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
}

/// DR-1: a child's name that went while a handle on it stayed open was not kept by that handle.
#[test]
fn a_handle_that_outlasts_the_childs_name_did_not_keep_the_folder() {
    let (mut b, victim, av, other) = cast();
    let (dir, child) = (r"C:\t\dir", r"C:\t\dir\a");
    let removal = OpKind::SetDisposition { delete: true, handle: None };
    b.open(other, child, ATTRIBUTES, ALL); // its close is not in the capture
    b.open(av, child, READ, ALL);
    deletes(&mut b, victim, child);
    let failed = b.refused(victim, dir, NtStatus::DIRECTORY_NOT_EMPTY, removal);
    b.close(av, child);
    b.fails(victim, child, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
}

/// SA-6, MM-2: a section belongs to the unnamed stream, so writing to another stream shows nothing of it.
#[test]
fn writing_to_a_stream_does_not_show_an_image_unmapped() {
    let (mut b, victim, av, other) = cast();
    b.does(av, F, OpKind::LoadImage);
    let write = 0x12_0116;
    b.open(other, &format!("{F}:Zone.Identifier"), write, ALL);
    b.close(other, &format!("{F}:Zone.Identifier"));
    let failed = b.fails(victim, F, write, ALL, SHARING);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
    b.open(other, F, write, ALL);
    b.close(other, F);
    let later = b.fails(victim, F, write, ALL, SHARING);
    assert_eq!(named(&b.explain(later)), []);
}

/// AT-11: share modes never change, so what allowed a request later, or earlier, did not refuse it.
#[test]
fn an_older_handle_that_let_the_same_request_through_did_not_refuse_it() {
    for (success_first, asked) in [(false, DELETE), (true, DELETE), (false, DELETE | READ)] {
        let (mut b, victim, _, indexer) = cast();
        let mut failed = None;
        for step in 0..2 {
            if (step == 0) == success_first {
                b.open(victim, F, asked, ALL);
                b.close(victim, F);
            } else {
                failed = Some(b.fails(victim, F, DELETE, ALL, SHARING));
            }
        }
        b.close(indexer, F); // of a handle older than the capture
        let finding = b.explain(failed.unwrap());
        assert_eq!((finding.attribution, named(&finding)), (Attribution::NotVisible, vec![]), "{success_first}");
        assert_eq!(reasons(&finding), [(indexer, Reason::CompatibleSharing)]);
    }
    // A success that asked for less, or after the close, shows nothing.
    let (mut b, victim, _, indexer) = cast();
    b.open(victim, F, READ, ALL);
    b.close(victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(indexer, F);
    b.open(victim, F, DELETE, ALL);
    assert_eq!(named(&b.explain(failed)), [(indexer, Confidence::Likely)]);
}

/// AT-3: a close that may have been another handle's does not show that a handle stayed open behind a name that went.
#[test]
fn a_close_that_may_be_anothers_does_not_outlast_a_name() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, ALL);
    b.open(av, F, READ, ALL);
    b.open(other, F, READ, ALL);
    deletes(&mut b, victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    b.close(av, F);
    b.close(other, F);
    b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    b.close(av, F);
    let finding = b.explain(failed);
    let parties: Vec<_> = named(&finding).into_iter().map(|(who, _)| who).collect();
    assert_eq!(parties, [av, other]);
    assert!(!reasons(&finding).iter().any(|(who, _)| *who == av));
}

#[test]
fn nobody_is_cleared_by_his_other_handles_across_a_lost_stretch() {
    let (mut b, victim, av, other) = cast();
    b.open(other, F, READ, ALL);
    let before = b.open(av, "other", READ, ALL);
    b.close(av, "other");
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.open(av, F, READ, 3);
    let whole = b.explain(failed);
    assert_eq!(reasons(&whole), [(other, Reason::CompatibleSharing), (av, Reason::OpenedAfter)]);
    lose(&mut b, before, 5);
    assert_eq!(reasons(&b.explain(failed)), []);
}
