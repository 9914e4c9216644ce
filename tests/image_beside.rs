//! A loaded image beside other holders: closing a handle does not unload it, and each of several sufficient holders blocks
//! alone (MM-2, MM-5, AT-10).

use pmlblame::capture::op::{EventIndex, OpKind};
use pmlblame::locks::{Confidence, Mechanism, Reason};
use pmlblame::nt::NtStatus;
use script::cast::*;

mod script;

const WRITE: u32 = 0x12_0116;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Nothing,
    Succeeds,
    ExitsThenSucceeds,
    ExitsBetween,
}

#[test]
fn an_image_stands_beside_a_proven_handle_until_a_success_shows_it_gone() {
    for after in [After::Nothing, After::Succeeds, After::ExitsThenSucceeds, After::ExitsBetween] {
        let (mut b, victim, av, other) = cast();
        b.open(other, F, READ, 1);
        b.does(av, F, OpKind::LoadImage);
        let failed = b.fails(victim, F, WRITE, ALL, SHARING);
        let close = b.close(other, F);
        if after == After::ExitsBetween {
            b.fails(victim, F, WRITE, ALL, SHARING);
        }
        let exits = matches!(after, After::ExitsThenSucceeds | After::ExitsBetween);
        let exit = exits.then(|| b.does(av, "", OpKind::ProcessExit));
        let done = (after != After::Nothing).then(|| b.open(victim, F, WRITE, ALL));
        let finding = b.explain(failed);
        let mut expected = vec![(other, Confidence::Proven)];
        if after != After::Succeeds {
            // AT-10: what alone refused the retry, and stood before, refused the first attempt as well.
            let retried = after == After::ExitsBetween;
            expected.push((av, if retried { Confidence::Proven } else { Confidence::Likely }));
            assert_eq!(finding.holders[1].mechanism, Mechanism::ImageMapping);
        }
        assert_eq!(named(&finding), expected, "{after:?}");
        assert!(!reasons(&finding).iter().any(|(who, _)| *who == av), "{after:?}");
        // The last of them to go released it; of two that went in between none is confirmed.
        let released: Option<EventIndex> = match after {
            After::Nothing => None,
            After::Succeeds => Some(close),
            _ => exit,
        };
        assert_eq!(finding.released_by.map(|release| release.event), released, "{after:?}");
        let confirmed = done.filter(|_| after != After::ExitsThenSucceeds);
        assert_eq!(finding.confirmed_by, confirmed, "{after:?}");
    }
}

/// MM-5, AT-10: who mapped the file as data ends while its deletion goes on failing: it may have stood as well, and is neither cleared
/// nor in the way of what the end of another shows. Of two that end in between none is confirmed.
#[test]
fn who_mapped_data_is_possible_beside_a_surer_one() {
    for retried in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.does(av, F, OpKind::CreateSection { protection: 4, allocation: 0x800_0000 });
        b.does(other, F, OpKind::LoadImage);
        b.open(victim, F, 0x11_0000, ALL);
        let kind = OpKind::SetDisposition { delete: true, handle: None };
        let first = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        b.does(av, "", OpKind::ProcessExit);
        if retried {
            b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        }
        let exit = b.does(other, "", OpKind::ProcessExit);
        let done = b.does(victim, F, kind);
        let finding = b.explain(first);
        let sure = if retried { Confidence::Proven } else { Confidence::Likely };
        assert_eq!(named(&finding), [(other, sure), (av, Confidence::Possible)], "{retried}");
        assert_eq!(reasons(&finding), [], "{retried}");
        assert_eq!(finding.released_by.map(|release| release.event), Some(exit), "{retried}");
        assert_eq!(finding.confirmed_by, retried.then_some(done), "{retried}");
    }
}

/// What it closed was not all it had.
/// AT-10, MM-5: of two that have the image one ends while the refusals go on; the other's end lets the deletion through.
#[test]
fn the_image_that_refused_the_last_attempt_refused_the_first() {
    for loads_anew in [false, true] {
        let (mut b, victim, av, other) = cast();
        b.does(av, F, OpKind::LoadImage);
        b.does(other, F, OpKind::LoadImage);
        b.open(victim, F, 0x11_0000, ALL);
        let kind = OpKind::SetDisposition { delete: true, handle: None };
        let first = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        b.does(other, "", OpKind::ProcessExit);
        if loads_anew {
            b.does(av, F, OpKind::LoadImage);
        }
        let second = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        let exit = b.does(av, "", OpKind::ProcessExit);
        b.does(victim, F, kind);
        let finding = b.explain(first);
        // Loaded once more in between, it may have been unloaded at first.
        let expected = if loads_anew { Confidence::Likely } else { Confidence::Proven };
        assert_eq!(named(&finding), [(av, expected), (other, Confidence::Likely)], "{loads_anew}");
        assert_eq!(finding.released_by.unwrap().event, exit);
        assert_eq!(named(&b.explain(second)), [(av, Confidence::Proven)]);
    }
}

#[test]
fn who_has_the_image_is_not_cleared_by_a_close() {
    for (loads, gone) in [(false, false), (true, false), (true, true)] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, ATTRIBUTES, 1);
        b.open(av, F, READ, 5);
        if loads {
            b.does(av, F, OpKind::LoadImage);
        }
        b.close(av, F);
        b.open(other, F, READ, 5);
        let failed = b.fails(victim, F, WRITE | READ, ALL, SHARING);
        b.close(av, F);
        if gone {
            b.close(other, F);
            b.open(other, F, WRITE, ALL);
            b.close(other, F);
            b.open(other, F, READ, 5);
        }
        b.fails(victim, F, WRITE | READ, ALL, SHARING);
        let finding = b.explain(failed);
        let cleared = reasons(&finding).contains(&(av, Reason::StillFailingAfterRelease));
        assert_eq!(cleared, !loads || gone, "{loads} {gone}: {finding:?}");
        assert_eq!(named(&finding).contains(&(av, Confidence::Likely)), loads && !gone, "{loads} {gone}");
    }
}
