//! What was granted to a handle does not change: a success of the same request clears it before and after (AT-11).

use pmlblame::locks::{Attribution, Confidence};
use script::cast::*;

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
