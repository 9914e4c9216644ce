//! A loaded image beside other holders: closing a handle does not unload it, and each of several sufficient holders blocks
//! alone (MM-2, MM-5, AT-10).

use pmlblame::capture::op::{EventIndex, OpKind};
use pmlblame::locks::{Confidence, Mechanism, Reason};
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
            expected.push((av, Confidence::Likely));
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

/// What it closed was not all it had.
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
