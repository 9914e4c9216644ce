//! A folder with a live child besides one in use: no release of the latter would have let it go (DR-1).

use pmlblame::capture::op::OpKind;
use pmlblame::locks::{Attribution, Confidence, Reason};
use pmlblame::nt::NtStatus;
use script::cast::*;

mod script;

const DIR: &str = r"C:\t\dir";
const REMOVAL: OpKind = OpKind::SetDisposition { delete: true, handle: None };

#[test]
fn a_live_child_besides_a_pending_one_leaves_the_holder_likely() {
    for (live, removed) in [(false, false), (true, false), (true, true)] {
        let (mut b, victim, av, other) = cast();
        let (child, more) = (format!(r"{DIR}\a"), format!(r"{DIR}\z.dll"));
        let shown = live.then(|| {
            let shown = b.open(other, &more, READ, ALL);
            b.close(other, &more);
            shown
        });
        b.open(av, &child, READ, ALL);
        deletes(&mut b, victim, &child);
        let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
        b.close(av, &child);
        if removed {
            b.does(victim, DIR, REMOVAL); // so the other child had gone too, though nothing shows it
        }
        let finding = b.explain(failed);
        let doubt = live && !removed;
        assert_eq!(named(&finding), [(av, if doubt { Confidence::Likely } else { Confidence::Proven })]);
        assert_eq!(finding.live_child.is_some(), doubt);
        assert_eq!(finding.released_by.is_none(), doubt, "its release would not have sufficed");
        if doubt {
            assert!(finding.live_child > shown, "the close of the child's handle is the last that shows it");
        }
    }
}

/// DR-2 likewise; and without anybody in the way nobody is behind it.
#[test]
fn a_live_child_besides_one_in_use_leaves_the_holder_likely() {
    for live in [false, true] {
        let (mut b, victim, av, other) = cast();
        let (child, more) = (format!(r"{DIR}\a"), format!(r"{DIR}\z.dll"));
        b.open(av, &child, READ, 3);
        b.fails(victim, &child, DELETE, ALL, SHARING);
        if live {
            b.open(other, &more, READ, ALL);
        }
        let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
        b.close(av, &child);
        let grade = if live { Confidence::Likely } else { Confidence::Proven };
        assert_eq!(named(&b.explain(failed)), [(av, grade)]);
    }
    let (mut b, victim, _, other) = cast();
    b.open(other, &format!(r"{DIR}\z.dll"), READ, ALL);
    let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, finding.live_child), (Attribution::NoHolder, None));
}

/// DR-2: a lock that refused the child's deletion has to stand still. Who opened the child later never refused anything.
#[test]
fn who_opens_a_child_after_its_deletion_was_refused_is_not_in_the_way() {
    let child = format!(r"{DIR}\a");
    let named_after = |av_stays: bool, again: bool| {
        let (mut b, victim, av, other) = cast();
        b.open(av, &child, READ, 3);
        b.fails(victim, &child, DELETE, ALL, SHARING);
        let late = if again { av } else { other };
        if again {
            b.open(late, &child, READ, 3);
        }
        if !av_stays {
            b.close(av, &child);
        }
        if !again {
            b.open(late, &child, READ, 3);
        }
        let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
        b.close(late, &child);
        let finding = b.explain(failed);
        (finding.attribution, named(&finding), reasons(&finding))
    };
    let (_, _, av, other) = cast();
    let late = (other, Reason::HandleDoesNotBlock);
    assert_eq!(named_after(false, false), (Attribution::NoHolder, vec![], vec![late, (av, Reason::ClosedBefore)]));
    assert_eq!(named_after(true, false), (Attribution::Holders, vec![(av, Confidence::Proven)], vec![late]));
    // AT-3: of two handles of one process either may be left.
    assert_eq!(named_after(false, true), (Attribution::Holders, vec![(av, Confidence::Likely)], vec![]));
}

/// DR-1, DR-2: neither hundreds of names that are gone nor hundreds of attempts on one child hide who holds another.
#[test]
fn a_crowded_folder_hides_nobody() {
    let (mut b, victim, av, _) = cast();
    for n in 0..400 {
        let child = format!(r"{DIR}\c{n:03}");
        b.make(victim, &child, DELETE, ALL);
        mark(&mut b, victim, &child);
        b.close(victim, &child);
    }
    let last = format!(r"{DIR}\z");
    b.make(victim, &last, READ, ALL);
    b.close(victim, &last);
    b.open(av, &last, READ, ALL);
    deletes(&mut b, victim, &last);
    let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
    b.close(av, &last);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);

    let (mut b, victim, av, other) = cast();
    let (held, tried) = (format!(r"{DIR}\b"), format!(r"{DIR}\a"));
    b.open(av, &held, READ, 3);
    b.fails(victim, &held, DELETE, ALL, SHARING);
    b.open(other, &tried, READ, 3);
    for _ in 0..400 {
        b.fails(victim, &tried, DELETE, ALL, SHARING);
    }
    b.close(other, &tried);
    deletes(&mut b, victim, &tried);
    let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
    b.close(av, &held);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
}

/// DR-2: however deep the folders lie in each other, who holds the file at the bottom keeps all of them.
#[test]
fn folders_within_folders() {
    let (mut b, victim, av, _) = cast();
    let mut folders = vec![DIR.to_owned()];
    for level in 0..20 {
        folders.push(format!(r"{}\s{level}", folders[level]));
    }
    let file = format!(r"{}\a", folders[20]);
    b.open(av, &file, READ, 3);
    b.fails(victim, &file, DELETE, ALL, SHARING);
    let refused =
        |b: &mut script::Builder, folder: &String| b.refused(victim, folder, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
    let failed: Vec<_> = folders.iter().rev().map(|folder| refused(&mut b, folder)).collect();
    b.close(av, &file);
    for folder in failed {
        assert_eq!(named(&b.explain(folder)), [(av, Confidence::Proven)]);
    }
}
