//! Deleting and renaming refused: one test for each way of standing in the way, by the number of its rule in the
//! reference.

use pmlblame::capture::op::OpKind;
use pmlblame::locks::{Attribution, Cause, Citer, Confidence, DeleteHow, Mechanism, Reason};
use pmlblame::nt::{CreateDisposition, DispositionFlags, FileAttributes, NtStatus, OpenResult, RenameFlags};
use script::cast::*;
use script::open;

mod script;

#[test]
fn dp_3_marker_and_keepers_are_different_parties() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, ATTRIBUTES, ALL);
    b.open(other, &format!("{F}:Zone.Identifier"), READ, ALL);
    let marked = deletes(&mut b, victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    let last = b.close(other, &format!("{F}:Zone.Identifier"));
    let first = b.close(av, F);
    let gone = b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven), (other, Confidence::Proven)]);
    assert_eq!(finding.holders.iter().map(|holder| holder.rule).collect::<Vec<_>>(), ["DP-3", "DP-9"]);
    let by = finding.deleted_by.unwrap();
    assert_eq!((by.event, by.process, by.how), (marked, victim, DeleteHow::Disposition));
    assert!(first > last);
    assert_eq!(finding.released_by.unwrap().event, first);
    assert_eq!(finding.attribution, Attribution::Holders);
    // AT-10: two let go before the name was gone, so neither is confirmed; one that went alone is.
    assert_eq!((finding.confirmed_by, b.op(gone).status), (None, NtStatus::OBJECT_NAME_NOT_FOUND));
    let (mut b, victim, av, other) = cast();
    b.open(av, F, ATTRIBUTES, ALL);
    b.open(other, F, READ, ALL);
    deletes(&mut b, victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    b.close(other, F);
    b.fails(victim, F, DELETE, ALL, PENDING);
    b.close(av, F);
    let gone = b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    assert_eq!(b.explain(failed).confirmed_by, Some(gone));
}

#[test]
fn dp_4_delete_on_close_and_a_mark_nobody_saw() {
    let (mut b, victim, av, _) = cast();
    let options = open(DELETE, ALL, CreateDisposition::OPEN, 0x1000, Some(OpenResult::OPENED));
    b.create(victim, F, options, NtStatus::SUCCESS);
    b.open(av, F, READ, ALL);
    let close = b.close(victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    let by = b.explain(failed).deleted_by.unwrap();
    assert_eq!((by.event, by.how), (close, DeleteHow::DeleteOnClose));
    // Without a visible mark the keeper is likely: an unseen marker with POSIX semantics would stand alone.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert_eq!(finding.deleted_by, None);
}

#[test]
fn dp_6_the_posix_marker_stands_alone() {
    let (mut b, victim, av, other) = cast();
    b.open(other, F, READ, ALL);
    b.open(av, F, DELETE, ALL);
    let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
    b.does(av, F, OpKind::SetDispositionEx { flags, handle: None });
    let failed = b.fails(victim, F, READ, ALL, PENDING);
    b.close(av, F);
    b.make(victim, F, READ, 0);
    b.close(victim, F);
    let again = b.fails(victim, F, READ, 0, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!(finding.holders[0].mechanism, Mechanism::PosixMarker);
    assert_eq!(finding.deleted_by.unwrap().how, DeleteHow::PosixDisposition);
    // They had the old file, one of them still, not the one that has the name now.
    assert_eq!(reasons(&b.explain(again)), [(av, Reason::OtherFile), (other, Reason::OtherFile)]);
}

#[test]
fn dp_6_nobody_else_keeps_a_name_whose_marker_closed() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    b.open(victim, F, DELETE, ALL);
    let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
    b.does(victim, F, OpKind::SetDispositionEx { flags, handle: None });
    b.close(victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, finding.holders.len()), (Attribution::NotVisible, 0));
    assert_eq!(reasons(&finding), [(av, Reason::NotTheMarker)]);
}

#[test]
fn dp_3_who_outlasts_the_name_did_not_keep_it() {
    for gone in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, ALL);
        b.open(other, F, READ, ALL);
        deletes(&mut b, victim, F);
        let failed = b.fails(victim, F, DELETE, ALL, PENDING);
        let release = b.close(other, F);
        match gone {
            true => b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND),
            false => b.open(victim, F, DELETE, ALL),
        };
        b.close(av, F);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(other, Confidence::Proven)]);
        assert_eq!(reasons(&finding), [(av, Reason::OutlastedTheName)]);
        assert_eq!(finding.released_by.unwrap().event, release);
        assert!(finding.confirmed_by.is_some());
    }
    // Without its close in the capture it may have let go in time.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    deletes(&mut b, victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, PENDING);
    b.fails(victim, F, DELETE, ALL, NtStatus::OBJECT_NAME_NOT_FOUND);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
}

#[test]
fn dp_8_links() {
    let (mut b, victim, av, other) = cast();
    let system = r"C:\Windows\System32\f.dll";
    b.make(victim, F, READ, ALL);
    let target = Some(b.path(system));
    b.does(victim, F, OpKind::Link { target, flags: RenameFlags::NONE, ex: true, as_path: None });
    b.close(victim, F);
    b.open(av, system, READ, 3);
    let sharing = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, system);
    b.open(av, system, READ, ALL);
    b.open(other, F, READ, ALL);
    deletes(&mut b, victim, F);
    let pending = b.fails(victim, F, DELETE, ALL, PENDING);
    let finding = b.explain(sharing);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!(finding.holders[0].hold.path, b.log.paths.find(system));
    let finding = b.explain(pending);
    assert_eq!(named(&finding), [(other, Confidence::Proven)]);
    assert_eq!(reasons(&finding), [(av, Reason::OtherLink)]);
}

#[test]
fn dp_10_read_only_is_nobodys_fault() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, ALL);
    let set = b.does(victim, F, OpKind::SetBasic(FileAttributes::READONLY));
    let kind = OpKind::SetDisposition { delete: true, handle: None };
    let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, finding.cause), (Attribution::NoHolder, Cause::Other));
    let cited = Citer::new(&b.log).finding(&finding);
    assert_eq!(cited.iter().map(|one| (one.rule, one.event)).collect::<Vec<_>>(), [("DP-10", Some(set))]);
    assert_eq!(finding.holders, []);
}

#[test]
fn dr_1_and_dr_2() {
    let (mut b, victim, av, other) = cast();
    let (dir, sub) = (r"C:\t\dir", r"C:\t\dir\sub");
    let removal = OpKind::SetDisposition { delete: true, handle: None };
    b.open(av, r"C:\t\dir\a", READ, ALL);
    deletes(&mut b, victim, r"C:\t\dir\a");
    let pending_child = b.refused(victim, dir, NtStatus::DIRECTORY_NOT_EMPTY, removal);
    b.close(av, r"C:\t\dir\a");
    b.open(other, r"C:\t\dir\sub\b", READ, 3);
    b.fails(victim, r"C:\t\dir\sub\b", DELETE, ALL, SHARING);
    let inner = b.refused(victim, sub, NtStatus::DIRECTORY_NOT_EMPTY, removal);
    let outer = b.refused(victim, dir, NtStatus::DIRECTORY_NOT_EMPTY, removal);
    b.close(other, r"C:\t\dir\sub\b");
    let nobody = b.refused(victim, sub, NtStatus::DIRECTORY_NOT_EMPTY, removal);
    let finding = b.explain(pending_child);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!((finding.holders[0].mechanism, finding.holders[0].rule), (Mechanism::ChildDeletePending, "DR-1"));
    assert_eq!(finding.holders[0].hold.path, b.log.paths.find(r"C:\t\dir\a"));
    for failed in [inner, outer] {
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(other, Confidence::Proven)]);
        assert_eq!((finding.holders[0].mechanism, finding.holders[0].rule), (Mechanism::ChildInUse, "DR-2"));
    }
    assert_eq!(b.explain(nobody).attribution, Attribution::NoHolder);
}

#[test]
fn rn_rules() {
    let (mut b, victim, av, other) = cast();
    let (source, target) = (r"C:\d\new", r"C:\d\old");
    b.open(victim, source, DELETE, ALL);
    b.open(av, target, ATTRIBUTES, ALL);
    b.open(other, target, READ, 3);
    let to = Some(b.path(target));
    let replace = RenameFlags::REPLACE_IF_EXISTS;
    let classic = OpKind::Rename { target: to, flags: replace, ex: false, as_path: None };
    let posix = OpKind::Rename { target: to, flags: replace | RenameFlags::POSIX_SEMANTICS, ex: true, as_path: None };
    let rn1 = b.refused(victim, source, NtStatus::ACCESS_DENIED, classic);
    let rn2 = b.refused(victim, source, SHARING, posix);
    let finding = b.explain(rn1);
    assert_eq!((finding.cause, finding.lock_class), (Cause::RenameBlocked, true));
    assert_eq!(named(&finding), [(av, Confidence::Proven), (other, Confidence::Proven)]);
    assert_eq!(finding.requested.target, to);
    let finding = b.explain(rn2);
    assert_eq!((finding.cause, named(&finding)), (Cause::ShareConflict, vec![(other, Confidence::Proven)]));
    assert_eq!(reasons(&finding), [(av, Reason::AttributesOnly)]);
    // RN-4: a target that is pending is its keepers' matter.
    mark(&mut b, other, target);
    let rn4 = b.refused(victim, source, PENDING, classic);
    let rules: Vec<_> = b.explain(rn4).holders.iter().map(|holder| holder.rule).collect();
    assert_eq!(rules, ["RN-4", "RN-4"]);
    // AT-10: refused still once they have let go, by what the capture does not show.
    b.close(av, target);
    b.close(other, target);
    let still = b.refused(victim, source, NtStatus::ACCESS_DENIED, classic);
    let finding = b.explain(still);
    assert_eq!((finding.lock_class, finding.attribution), (true, Attribution::NotVisible));
    // Where nothing was ever open there the refusal is a matter of rights, not of locks.
    let (mut b, victim, ..) = cast();
    b.open(victim, source, DELETE, ALL);
    let target = Some(b.path(target));
    let kind = OpKind::Rename { target, flags: replace, ex: false, as_path: None };
    let rights = b.refused(victim, source, NtStatus::ACCESS_DENIED, kind);
    let finding = b.explain(rights);
    assert_eq!((finding.lock_class, finding.attribution), (false, Attribution::NoHolder));
}

#[test]
fn rn_7_depends_on_the_version() {
    let (dir, source, target) = (r"C:\d", r"C:\e\new", r"C:\d\new");
    for (build, expected) in [
        (None, Some(Confidence::Likely)),
        (Some(20_348), Some(Confidence::Proven)),
        (Some(22_631), Some(Confidence::Proven)),
        (Some(25_398), Some(Confidence::Likely)),
        (Some(26_100), None),
    ] {
        let (mut b, victim, av, other) = cast();
        b.log.os_build = build;
        b.open(victim, source, DELETE, ALL);
        b.open(av, dir, DELETE, ALL);
        b.open(other, dir, 1, ALL);
        let target = Some(b.path(target));
        let kind = OpKind::Rename { target, flags: RenameFlags::NONE, ex: false, as_path: None };
        let failed = b.refused(victim, source, SHARING, kind);
        b.close(av, dir);
        let finding = b.explain(failed);
        let expected: Vec<_> = expected.map(|grade| (av, grade)).into_iter().collect();
        assert_eq!(named(&finding), expected, "{build:?}");
        // Not sharing write refuses it in every version.
        b.open(other, dir, 1, 5);
        let failed = b.refused(victim, source, SHARING, kind);
        assert_eq!(named(&b.explain(failed)), [(other, Confidence::Proven)], "{build:?}");
    }
}

#[test]
fn rn_7_without_the_version_no_release_proves() {
    let (dir, source, target) = (r"C:\d", r"C:\e\new", r"C:\d\new");
    for beside in [false, true] {
        let (mut b, victim, av, other) = cast();
        b.open(victim, source, DELETE, ALL);
        b.open(av, dir, DELETE, ALL);
        if beside {
            b.open(other, dir, 1, 5);
        }
        let target = Some(b.path(target));
        let kind = OpKind::Rename { target, flags: RenameFlags::NONE, ex: false, as_path: None };
        let failed = b.refused(victim, source, SHARING, kind);
        b.close(av, dir);
        if beside {
            b.close(other, dir);
        }
        let success = b.does(victim, source, kind);
        let finding = b.explain(failed);
        // Another who surely stood in the way does not make it disappear, and of two that let go neither is confirmed.
        let mut expected = vec![(av, Confidence::Likely)];
        if beside {
            expected.insert(0, (other, Confidence::Proven));
        }
        assert_eq!(named(&finding), expected);
        assert_eq!(finding.confirmed_by, (!beside).then_some(success));
    }
}

/// RN-1, RN-2: only a replace with POSIX semantics answers SHARING VIOLATION to an open of the target.
#[test]
fn rn_2_is_for_posix_replaces() {
    for (posix, expected) in [(false, None), (true, Some(Confidence::Proven))] {
        let (mut b, victim, av, _) = cast();
        let (source, target) = (r"C:\d\new", r"C:\d\old");
        b.open(victim, source, DELETE, ALL);
        b.open(av, target, READ, 3);
        let semantics = if posix { RenameFlags::POSIX_SEMANTICS } else { RenameFlags::NONE };
        let target = Some(b.path(target));
        let kind =
            OpKind::Rename { target, flags: RenameFlags::REPLACE_IF_EXISTS | semantics, ex: posix, as_path: None };
        let failed = b.refused(victim, source, SHARING, kind);
        b.close(av, r"C:\d\old");
        let finding = b.explain(failed);
        let expected: Vec<_> = expected.map(|grade| (av, grade)).into_iter().collect();
        assert_eq!(named(&finding), expected);
        if !posix {
            assert_eq!(
                (finding.attribution, reasons(&finding)),
                (Attribution::NotVisible, vec![(av, Reason::HandleDoesNotBlock)])
            );
        }
    }
}

/// DP-1: a rename needs DELETE on its handle, and without it no open is behind the refusal.
#[test]
fn a_rename_without_the_right_is_nobodys_fault() {
    const MAXIMUM: u32 = 0x200_0000;
    // What the process opened, whether it showed the right by another rename, and how surely a lock is behind the refusal: AT-3,
    // which of several handles was used is not shown.
    let (likely, proven) = (Some(Confidence::Likely), Some(Confidence::Proven));
    for (handles, shown, locked) in [
        (vec![READ], false, None),
        (vec![READ, ATTRIBUTES], false, None),
        (vec![READ, DELETE], false, likely),
        (vec![READ, DELETE], true, likely),
        (vec![DELETE, DELETE], false, proven),
        (vec![MAXIMUM], false, likely),
        (vec![MAXIMUM], true, proven),
        (vec![MAXIMUM, DELETE], true, likely),
        (vec![], false, proven),
        (vec![READ], true, likely),
    ] {
        let (mut b, victim, av, _) = cast();
        let (source, target) = (r"C:\d\new", r"C:\d\old");
        b.open(av, target, READ, ALL);
        for access in &handles {
            b.open(victim, source, *access, ALL);
        }
        let to = Some(b.path(target));
        let kind = OpKind::Rename { target: to, flags: RenameFlags::REPLACE_IF_EXISTS, ex: false, as_path: None };
        let failed = b.refused(victim, source, NtStatus::ACCESS_DENIED, kind);
        b.close(av, target);
        if shown {
            b.does(victim, source, kind);
        }
        let finding = b.explain(failed);
        let expected: Vec<_> = locked.map(|grade| (av, grade)).into_iter().collect();
        assert_eq!((finding.lock_class, named(&finding)), (locked.is_some(), expected), "{handles:?} {shown}");
    }
}

/// MM-3: one of several names of a mapped image may go, unless the check of images is asked for.
#[test]
fn mm_3_another_name_stays() {
    let unchecked = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
    let checked = unchecked | DispositionFlags::FORCE_IMAGE_SECTION_CHECK;
    for (linked, flags, ends, expected) in [
        (true, unchecked, true, false),
        (true, unchecked, false, false),
        (true, checked, true, true),
        (false, unchecked, true, true),
    ] {
        let (mut b, victim, av, _) = cast();
        b.make(victim, F, READ, ALL);
        if linked {
            let target = Some(b.path(r"C:\Windows\System32\f.dll"));
            b.does(victim, F, OpKind::Link { target, flags: RenameFlags::NONE, ex: false, as_path: None });
        }
        b.close(victim, F);
        b.does(av, F, OpKind::LoadImage);
        b.open(victim, F, DELETE, ALL);
        let kind = OpKind::SetDispositionEx { flags, handle: None };
        let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        if ends {
            b.does(av, "", OpKind::ProcessExit);
            b.does(victim, F, kind);
        }
        let expected = if expected { vec![(av, Confidence::Proven)] } else { vec![] };
        let finding = b.explain(failed);
        assert_eq!(named(&finding), expected, "{linked} {flags:?}");
        // Cleared by the rule, unless its end let the deletion through (AT-10).
        let cleared: Vec<_> = finding.ruled_out.iter().map(|out| (out.process, out.reason, out.rule)).collect();
        let spared = if ends { vec![] } else { vec![(av, Reason::MappingDoesNotBlock, "MM-3")] };
        assert_eq!(cleared, spared, "{linked} {flags:?}");
    }
}

/// RN-7: a name alone, without a path, opens no folder.
#[test]
fn rn_7_needs_a_path() {
    for (as_path, target, expected) in [
        (Some(true), r"C:\d\new", Some(Confidence::Proven)),
        (Some(false), r"C:\d\new", None),
        (None, r"C:\d\new", Some(Confidence::Likely)),
        (None, r"C:\e\new", Some(Confidence::Proven)),
    ] {
        let (mut b, victim, av, _) = cast();
        let source = r"C:\d\old";
        b.open(victim, source, DELETE, ALL);
        for folder in [r"C:\d", r"C:\e"] {
            b.open(av, folder, 1, 5);
        }
        let target = Some(b.path(target));
        let kind = OpKind::Rename { target, flags: RenameFlags::NONE, ex: false, as_path };
        let failed = b.refused(victim, source, SHARING, kind);
        for folder in [r"C:\d", r"C:\e"] {
            b.close(av, folder);
        }
        b.does(victim, source, kind);
        let finding = b.explain(failed);
        let named: Vec<_> = named(&finding).into_iter().map(|(_, grade)| grade).collect();
        assert_eq!(named, expected.into_iter().collect::<Vec<_>>(), "{as_path:?}");
        if expected.is_none() {
            assert_eq!(reasons(&finding), [(av, Reason::HandleDoesNotBlock)]);
        }
    }
}

/// RN-7, AT-11: a rename that may not have opened the folder shows nothing by its success.
#[test]
fn rn_7_is_refuted_by_what_surely_opened_the_folder() {
    for (as_path, expected) in [(None, vec![Confidence::Proven]), (Some(true), vec![])] {
        let (mut b, victim, av, other) = cast();
        b.open(av, r"C:\d", 1, 5);
        let to = |b: &mut script::Builder, name: &str| Some(b.path(name));
        b.open(other, r"C:\d\a", DELETE, ALL);
        let target = to(&mut b, r"C:\d\b");
        b.does(other, r"C:\d\a", OpKind::Rename { target, flags: RenameFlags::NONE, ex: false, as_path });
        b.open(victim, r"C:\d\old", DELETE, ALL);
        let target = to(&mut b, r"C:\d\new");
        let kind = OpKind::Rename { target, flags: RenameFlags::NONE, ex: false, as_path: Some(true) };
        let failed = b.refused(victim, r"C:\d\old", SHARING, kind);
        let grades: Vec<_> = named(&b.explain(failed)).into_iter().map(|(_, grade)| grade).collect();
        assert_eq!(grades, expected, "{as_path:?}");
    }
}
