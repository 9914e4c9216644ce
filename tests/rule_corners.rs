//! Corners of the rules that are easily read too widely: each accuses somebody who cannot have refused it.

use pmlblame::capture::op::OpKind;
use pmlblame::locks::{Attribution, Citer, Confidence, DeleteHow, Mechanism, Reason, is_lock_failure};
use pmlblame::nt::{CreateDisposition, DispositionFlags, FileAttributes, NtStatus, OpenResult};
use script::cast::*;
use script::open;
use verdicts::said;

mod script;
mod verdicts;

const ON_CLOSE: u32 = 0x1000;
const DIR: &str = r"C:\Windows\WinSxS\Temp\InFlight\1\d";

/// DP-4: a delete-on-close handle on a folder with something in it is forgotten, so that its close marked nothing.
#[test]
fn dp_4_a_folder_that_is_not_empty_is_not_marked() {
    // Whether the folder is made in the capture, what is done in it, and whether the close marked it.
    for (born, child, marked, grade) in [
        (true, "", true, Confidence::Proven),
        (true, "made", false, Confidence::Likely),
        (true, "moved in", false, Confidence::Likely),
        (true, "deleted", true, Confidence::Proven),
        (true, "moved out", true, Confidence::Proven),
        (false, "made", false, Confidence::Possible),
    ] {
        let (mut b, victim, av, other) = cast();
        if born {
            b.make(victim, DIR, 1, ALL);
            b.close(victim, DIR);
        }
        let (inside, outside) = (format!(r"{DIR}\a"), r"C:\Windows\WinSxS\Temp\InFlight\1\a");
        let rename = |b: &mut script::Builder, from: &str, to: &str| {
            let target = Some(b.path(to));
            let flags = pmlblame::nt::RenameFlags::NONE;
            b.does(victim, from, OpKind::Rename { target, flags, ex: false, as_path: Some(true) });
        };
        if !child.is_empty() {
            let path = if child == "moved in" { outside } else { &inside };
            b.make(victim, path, DELETE, ALL);
            match child {
                "moved in" => rename(&mut b, outside, &inside),
                "moved out" => rename(&mut b, &inside, outside),
                "deleted" => drop(mark(&mut b, victim, &inside)),
                _ => {}
            }
            b.close(victim, if child == "moved out" { outside } else { &inside });
        }
        b.open(av, DIR, 1, ALL);
        let on_close = open(DELETE, ALL, CreateDisposition::OPEN, ON_CLOSE, Some(OpenResult::OPENED));
        b.create(other, DIR, on_close, NtStatus::SUCCESS);
        let close = b.close(other, DIR);
        let failed = b.fails(victim, &format!(r"{DIR}\n"), 2, ALL, PENDING);
        b.close(av, DIR);
        let finding = b.explain(failed);
        let by = finding.deleted_by.map(|by| (by.event, by.how));
        assert_eq!(by, marked.then_some((close, DeleteHow::DeleteOnClose)), "{child}");
        assert_eq!((named(&finding), finding.holders[0].rule), (vec![(av, grade)], "DP-7"), "{child} {born}");
        assert_eq!(reasons(&finding), [(other, Reason::ClosedBefore)], "{child}");
    }
}

/// The same through the program, which has to look into the folder for it.
#[test]
fn dp_4_what_is_in_the_folder_is_looked_at() {
    let told = |inside: &str| {
        said(&format!(
            "+1 V.exe CreateFile C:\\w\\i\\d access=LIST_DIRECTORY share=RWD disposition=CREATE options=DIRECTORY_FILE
+1.1 V.exe CloseFile C:\\w\\i\\d
{inside}
+1.4 A.exe CreateFile C:\\w\\i\\d access=LIST_DIRECTORY share=RWD options=DIRECTORY_FILE
+1.5 B.exe CreateFile C:\\w\\i\\d access=DELETE share=RWD options=DELETE_ON_CLOSE,DIRECTORY_FILE
+1.6 B.exe CloseFile C:\\w\\i\\d
+2 V.exe CreateFile C:\\w\\i\\d\\n access=WRITE_DATA share=R disposition=CREATE -> DELETE PENDING
+3 A.exe CloseFile C:\\w\\i\\d"
        ))
    };
    let inside = "+1.2 V.exe CreateFile C:\\w\\i\\d\\a access=WRITE_DATA share=R disposition=CREATE
+1.3 V.exe CloseFile C:\\w\\i\\d\\a";
    assert_eq!(told(""), ["5 delete_pending: A.exe proven DP-7 | B.exe closed_before AT-4"]);
    assert_eq!(told(inside), ["7 delete_pending: A.exe likely DP-7 | B.exe closed_before AT-4"]);
}

/// SA-5: an open that may only create ends in NAME COLLISION where the file is there, whatever is shared.
#[test]
fn sa_5_an_open_that_only_creates_meets_no_share_mode() {
    let only_creates = |access, share| open(access, share, CreateDisposition::CREATE, 0, None);
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 1);
    b.does(other, F, OpKind::LoadImage);
    let failed = b.create(victim, F, only_creates(2, ALL), SHARING);
    b.close(av, F);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, named(&finding)), (Attribution::NotVisible, vec![]));
    let cleared: Vec<_> = finding.ruled_out.iter().map(|out| (out.process, out.reason, out.rule)).collect();
    assert_eq!(cleared, [(av, Reason::HandleDoesNotBlock, "SA-5"), (other, Reason::MappingDoesNotBlock, "SA-5")]);
    // SA-6: a stream made anew is held against those who have the file itself open to delete it, not against opens of that stream.
    let stream = format!("{F}:s");
    let (mut b, victim, av, other) = cast();
    b.open(av, F, DELETE, ALL);
    b.open(other, &stream, READ, 5);
    let failed = b.create(victim, &stream, only_creates(2, 3), SHARING);
    b.close(av, F);
    let finding = b.explain(failed);
    assert_eq!((named(&finding), finding.holders[0].rule), (vec![(av, Confidence::Proven)], "SA-6"));
    assert_eq!(reasons(&finding), [(other, Reason::CompatibleSharing)]);
}

/// DP-10: a folder's listing shows the attribute as a query does, unless attributes were set since.
#[test]
fn dp_10_a_listing_shows_the_attribute() {
    for (cleared_before, nobody) in [(false, true), (true, false)] {
        let (mut b, victim, av, other) = cast();
        b.make(victim, F, DELETE, ALL);
        if cleared_before {
            b.does(victim, F, OpKind::SetBasic(FileAttributes::NORMAL));
        }
        b.does(other, F, OpKind::LoadImage);
        let listed = b.does(av, F, OpKind::ListedReadOnly);
        let removal = OpKind::SetDisposition { delete: true, handle: None };
        let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, removal);
        let finding = b.explain(failed);
        if nobody {
            assert_eq!(finding.attribution, Attribution::NoHolder);
            let cited = Citer::new(&b.log).finding(&finding);
            assert_eq!(cited.iter().map(|one| (one.rule, one.event)).collect::<Vec<_>>(), [("DP-10", Some(listed))]);
            // Its mapping would refuse as well, and was not asked.
            let out: Vec<_> = finding.ruled_out.iter().map(|out| (out.process, out.reason, out.rule)).collect();
            assert_eq!(out, [(other, Reason::MappingDoesNotBlock, "DP-10")]);
        } else {
            assert_eq!(named(&finding), [(other, Confidence::Likely)]);
        }
    }
    // A listing shows no handle of whoever lists.
    let listed = |attributes: &str| {
        said(&format!(
            "+1 V.exe CreateFile C:\\w\\i\\d\\f access=WRITE_DATA share=R disposition=CREATE
+1.1 V.exe CloseFile C:\\w\\i\\d\\f
+1.2 A.exe CreateFile C:\\w\\i\\d access=LIST_DIRECTORY share=RWD options=DIRECTORY_FILE
+1.3 A.exe QueryDirectory C:\\w\\i\\d pattern=* entry=F;;;{attributes};100
+1.4 A.exe CloseFile C:\\w\\i\\d
+1.9 V.exe CreateFile C:\\w\\i\\d\\f access=DELETE share=RWD
+2 V.exe SetDispositionInformationFile C:\\w\\i\\d\\f delete=yes -> CANNOT DELETE"
        ))
    };
    assert_eq!(listed("READONLY"), ["6 other: no_holder"]);
    assert_eq!(listed("ARCHIVE"), ["6 other: not_visible"]);
}

/// MM-5: an open handle shows nothing of a view, so of two who mapped the file neither is surer than the other.
#[test]
fn mm_5_a_handle_does_not_tell_which_view_is_left() {
    for status in [NtStatus::USER_MAPPED_FILE, NtStatus::CANNOT_DELETE] {
        let (mut b, victim, av, other) = cast();
        for process in [av, other] {
            b.open(process, F, READ | 2, ALL);
            b.does(process, F, OpKind::CreateSection { protection: 4, allocation: 0x0800_0000 });
        }
        b.close(av, F);
        let kind = match status {
            NtStatus::CANNOT_DELETE => OpKind::SetDisposition { delete: true, handle: None },
            _ => OpKind::SetEndOfFile(0),
        };
        let failed = b.refused(victim, F, status, kind);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), [(av, Confidence::Possible), (other, Confidence::Possible)], "{status}");
        assert!(finding.holders.iter().all(|holder| holder.mechanism == Mechanism::DataMapping));
    }
}

/// SA-7: the last handle's CloseFile releases; IRP_MJ_CLOSE, which may come much later, says nothing.
#[test]
fn sa_7_only_a_cleanup_releases() {
    for (released, holds) in [(OpKind::Close, true), (OpKind::Cleanup, false)] {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, 3);
        b.does(av, F, released);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        b.does(av, F, if holds { OpKind::Cleanup } else { OpKind::Close });
        let finding = b.explain(failed);
        let (expected, cleared) = match holds {
            true => (vec![(av, Confidence::Proven)], vec![]),
            false => (vec![], vec![(av, Reason::ClosedBefore)]),
        };
        assert_eq!((named(&finding), reasons(&finding)), (expected, cleared));
    }
}

/// SA-13: backup intent lifts rights, not sharing, on either side.
#[test]
fn sa_13_backup_intent_does_not_lift_sharing() {
    const BACKUP: u32 = 0x4000;
    let (mut b, victim, av, _) = cast();
    b.create(av, F, open(READ, 3, CreateDisposition::OPEN, BACKUP, Some(OpenResult::OPENED)), NtStatus::SUCCESS);
    let failed = b.create(victim, F, open(DELETE, ALL, CreateDisposition::OPEN, BACKUP, None), SHARING);
    b.close(av, F);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
}

/// DP-1, DP-11: what a disposition is refused for a lack of rights, or because the file system does not know its class, is no lock.
#[test]
fn dp_1_and_dp_11_what_is_no_lock() {
    let (mut b, victim, ..) = cast();
    let removal = OpKind::SetDisposition { delete: true, handle: None };
    let posix = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
    let ex = OpKind::SetDispositionEx { flags: posix, handle: None };
    for (status, kind, lock) in [
        (NtStatus::ACCESS_DENIED, removal, false),
        (NtStatus::ACCESS_DENIED, ex, false),
        (NtStatus(0xC000_000D), ex, false), // INVALID_PARAMETER
        (NtStatus::CANNOT_DELETE, ex, true),
        (NtStatus::CANNOT_DELETE, removal, true),
    ] {
        let event = b.refused(victim, F, status, kind);
        assert_eq!(is_lock_failure(b.op(event)), lock, "{status} {kind:?}");
    }
}

/// DP-11: a deletion tried by the newer class and then by the older one is one attempt, which one success ends.
#[test]
fn dp_11_a_deletion_tried_twice_is_one() {
    let (mut b, victim, av, _) = cast();
    b.does(av, F, OpKind::LoadImage);
    b.open(victim, F, DELETE, ALL);
    let flags =
        DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS | DispositionFlags::FORCE_IMAGE_SECTION_CHECK;
    let newer = OpKind::SetDispositionEx { flags, handle: None };
    let older = OpKind::SetDisposition { delete: true, handle: None };
    let tried: Vec<_> = [newer, older].map(|kind| b.refused(victim, F, NtStatus::CANNOT_DELETE, kind)).into();
    let exit = b.does(av, "", OpKind::ProcessExit);
    let done = b.does(victim, F, newer);
    let analysis = b.analyse(&tried);
    for finding in &analysis.findings {
        assert_eq!(named(finding), [(av, Confidence::Proven)], "{:?}", finding.event);
        let released = finding.released_by.as_ref().map(|release| release.event);
        assert_eq!((released, finding.confirmed_by), (Some(exit), Some(done)));
    }
    assert_eq!(analysis.findings[0].burst, analysis.findings[1].burst);
}

/// VI-13: what the system opens of the folder that a name is moved into is a very short hold, and its result tells of the name.
#[test]
fn vi_13_the_helper_of_a_rename_holds_nothing_for_long() {
    let (mut b, victim, av, other) = cast();
    let parent = r"C:\Windows\WinSxS\Temp\InFlight\1";
    let helper = open(0x10_0002, 3, CreateDisposition::OPEN, 1, Some(OpenResult::DOES_NOT_EXIST));
    b.create(other, parent, helper, NtStatus::SUCCESS);
    b.close(other, parent);
    let target = Some(b.path(&format!(r"{parent}\new")));
    b.open(victim, F, DELETE, ALL);
    let kind = OpKind::Rename { target, flags: pmlblame::nt::RenameFlags::NONE, ex: false, as_path: Some(true) };
    let failed = b.refused(victim, F, SHARING, kind);
    b.close(av, parent);
    let finding = b.explain(failed);
    // The folder is as old as before: whoever closes a handle on it later may have had it since before the capture.
    assert_eq!((named(&finding), finding.born_in_capture), (vec![(av, Confidence::Likely)], false));
    assert_eq!(reasons(&finding), [(other, Reason::ClosedBefore)]);
}

/// DP-7: a name cannot be moved into a folder that waits to be deleted, which is held by who has the folder open.
#[test]
fn dp_7_a_name_moved_into_a_pending_folder() {
    for marked in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.open(av, DIR, 1, ALL);
        b.open(victim, F, DELETE, ALL);
        if marked {
            deletes(&mut b, other, DIR);
        }
        let target = Some(b.path(&format!(r"{DIR}\new")));
        let kind = OpKind::Rename { target, flags: pmlblame::nt::RenameFlags::NONE, ex: false, as_path: Some(true) };
        let failed = b.refused(victim, F, PENDING, kind);
        b.close(av, DIR);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), if marked { vec![(av, Confidence::Proven)] } else { vec![] });
        assert!(finding.holders.iter().all(|holder| holder.rule == "DP-7"));
        assert_eq!(finding.deleted_by.map(|by| by.process), marked.then_some(other));
    }
}

/// MM-2, MM-4: superseding asks for no right to write, and how an image meets it no source tells: neither accused nor cleared.
#[test]
fn mm_4_superseding_an_image_is_not_told() {
    for status in [SHARING, NtStatus::USER_MAPPED_FILE] {
        let (mut b, victim, av, _) = cast();
        b.does(av, F, OpKind::LoadImage);
        let failed = b.create(victim, F, open(READ, ALL, CreateDisposition::SUPERSEDE, 0, None), status);
        let finding = b.explain(failed);
        assert_eq!((named(&finding), reasons(&finding)), (vec![], vec![]), "{status}");
    }
}
