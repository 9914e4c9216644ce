//! Who had the file open, or mapped, while an operation on it was refused, and is neither left out nor wrongly accused:
//! one test for each part that a handle can play.

use pmlblame::capture::op::{EventIndex, OpKind, ProcessId};
use pmlblame::locks::{Attribution, Cause, Confidence, Finding, Mechanism, Reason};
use pmlblame::nt::{CreateDisposition, DispositionFlags, FileAttributes, NtStatus, RenameFlags};
use script::cast::*;
use script::{Builder, open};

mod script;

const WRITE: u32 = 0x2;
const APPEND: u32 = 0x4;
const DIR: &str = r"C:\Windows\WinSxS\Temp\InFlight\1";
const SEC_IMAGE: u32 = 0x0100_0000;
const SEC_COMMIT: u32 = 0x0800_0000;
const READWRITE: u32 = 4;

/// Who is cleared, by which reason, rule and event.
fn cleared(finding: &Finding) -> Vec<(ProcessId, Reason, &'static str, Option<EventIndex>)> {
    finding.ruled_out.iter().map(|out| (out.process, out.reason, out.rule, out.event)).collect()
}

fn section(b: &mut Builder, who: ProcessId, protection: u32, allocation: u32) -> EventIndex {
    b.does(who, F, OpKind::CreateSection { protection, allocation })
}

fn overwrites(b: &mut Builder, who: ProcessId, status: NtStatus) -> EventIndex {
    b.create(who, F, open(WRITE, ALL, CreateDisposition::OVERWRITE, 0, None), status)
}

fn deletes_on_close(b: &mut Builder, who: ProcessId) -> EventIndex {
    const DELETE_ON_CLOSE: u32 = 0x1000;
    b.create(who, F, open(DELETE, ALL, CreateDisposition::OPEN, DELETE_ON_CLOSE, None), NtStatus::CANNOT_DELETE)
}

fn lock(offset: i64, length: i64, exclusive: bool) -> OpKind {
    OpKind::Lock { offset, length, exclusive, fail_immediately: true, key: None }
}

fn rename(b: &mut Builder, to: &str, flags: RenameFlags) -> OpKind {
    let to = b.path(to);
    OpKind::Rename { target: Some(to), flags, ex: false, as_path: None }
}

#[test]
fn lk_2_a_shared_lock_and_another_range_refuse_no_read() {
    let (mut b, victim, av, other) = cast();
    b.make(victim, F, READ, ALL);
    b.open(av, F, READ, ALL);
    let shared = b.does(av, F, lock(0, 100, false));
    b.open(other, F, READ, ALL);
    let beside = b.does(other, F, lock(1000, 100, true));
    let read = |offset| OpKind::Read { offset, length: 10, paging: false };
    let failed = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, read(50));
    let met = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, read(1050));
    let unlocked = b.does(other, F, OpKind::Unlock { offset: 1000, length: 100 });
    let later = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, read(1050));
    let no_lock = |who, event| (who, Reason::NoConflictingLock, "LK-2", Some(event));
    let finding = b.explain(failed);
    assert_eq!(finding.attribution, Attribution::NotVisible);
    assert_eq!(cleared(&finding), [no_lock(av, shared), no_lock(other, beside)]);
    let finding = b.explain(met);
    assert_eq!(named(&finding), [(other, Confidence::Proven)]);
    assert_eq!(cleared(&finding), [no_lock(av, shared)]);
    // The end of the lock that would have refused it is what clears.
    assert_eq!(cleared(&b.explain(later)), [no_lock(av, shared), no_lock(other, unlocked)]);
}

#[test]
fn lk_1_without_any_lock_and_with_one_refuted() {
    let (mut b, victim, av, other) = cast();
    b.make(victim, F, READ, ALL);
    b.open(av, F, READ, ALL);
    b.does(av, F, lock(0, 100, true));
    let opened = b.open(other, F, READ, ALL);
    let passed = b.does(victim, F, OpKind::Read { offset: 0, length: 10, paging: false });
    let failed = b.refused(victim, F, NtStatus::LOCK_NOT_GRANTED, lock(0, 10, true));
    assert_eq!(
        cleared(&b.explain(failed)),
        [
            (av, Reason::NoConflictingLock, "AT-11", Some(passed)),
            (other, Reason::NoConflictingLock, "LK-1", Some(opened)),
        ]
    );
}

#[test]
fn lk_1_a_handle_older_than_the_capture_may_have_an_older_lock() {
    let (mut b, victim, av, _) = cast();
    b.open(victim, F, READ, ALL);
    let failed = b.refused(victim, F, NtStatus::LOCK_NOT_GRANTED, lock(0, 10, true));
    b.does(av, F, OpKind::Read { offset: 500, length: 10, paging: false });
    b.close(av, F);
    let finding = b.explain(failed);
    assert_eq!((finding.holders.len(), cleared(&finding)), (0, vec![]));
}

#[test]
fn rn_3_the_folder_itself_may_be_open() {
    let (mut b, victim, av, other) = cast();
    let third = b.process("third.exe");
    let folder = b.open(av, DIR, 0x10_0080, 3);
    b.open(other, F, READ, ALL);
    b.open(third, r"C:\Windows\WinSxS\Temp\InFlight\1\g.dll", READ, ALL);
    let closed = b.close(third, r"C:\Windows\WinSxS\Temp\InFlight\1\g.dll");
    let kind = rename(&mut b, r"C:\Windows\WinSxS\Temp\InFlight\2", RenameFlags::NONE);
    let failed = b.refused(victim, DIR, NtStatus::ACCESS_DENIED, kind);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(other, Confidence::Proven)]);
    assert_eq!(
        cleared(&finding),
        [(av, Reason::HandleDoesNotBlock, "RN-3", Some(folder)), (third, Reason::ClosedBefore, "AT-4", Some(closed)),]
    );
}

#[test]
fn rn_7_an_open_of_the_destination_that_shares_writing() {
    for (build, access, expected) in [
        (Some(19_045), READ, vec![]),
        (Some(26_100), DELETE, vec![]),
        (Some(19_045), DELETE, vec![Confidence::Proven]),
        (None, DELETE, vec![Confidence::Likely]),
    ] {
        let (mut b, victim, av, _) = cast();
        b.log.os_build = build;
        b.open(av, r"C:\to", access, ALL);
        b.open(victim, F, DELETE, ALL);
        let kind = rename(&mut b, r"C:\to\g", RenameFlags::NONE);
        let failed = b.refused(victim, F, SHARING, kind);
        let finding = b.explain(failed);
        let grades: Vec<_> = finding.holders.iter().map(|holder| holder.confidence).collect();
        assert_eq!(grades, expected, "{build:?} {access:x}");
        let spared = (av, Reason::CompatibleSharing, "RN-7", None);
        let expected: Vec<_> = expected.is_empty().then_some(spared).into_iter().collect();
        assert_eq!(cleared(&finding), expected, "{build:?} {access:x}");
    }
}

#[test]
fn dp_6_a_file_unlinked_under_the_handle() {
    let (mut b, victim, av, other) = cast();
    b.make(victim, F, DELETE, ALL);
    let opened = b.open(av, F, READ, ALL);
    b.open(other, F, DELETE, ALL);
    let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
    b.does(other, F, OpKind::SetDispositionEx { flags, handle: None });
    let closed = b.close(other, F);
    let failed = b.refused(victim, F, NtStatus::FILE_DELETED, OpKind::SetDisposition { delete: true, handle: None });
    let finding = b.explain(failed);
    assert_eq!(finding.attribution, Attribution::NoHolder);
    assert_eq!(
        cleared(&finding),
        [(av, Reason::HandleDoesNotBlock, "DP-6", Some(opened)), (other, Reason::ClosedBefore, "AT-4", Some(closed)),]
    );
}

#[test]
fn dp_10_and_mm_1_a_handle_alone_forbids_no_deletion() {
    for readonly in [true, false] {
        let (mut b, victim, av, other) = cast();
        b.make(victim, F, READ, ALL);
        let opened = b.open(av, F, READ, ALL);
        let attributes = if readonly { FileAttributes::READONLY } else { FileAttributes::NONE };
        b.does(victim, F, OpKind::QueryAttributes(attributes));
        b.open(other, F, READ, ALL);
        section(&mut b, other, READWRITE, SEC_COMMIT);
        let failed =
            b.refused(victim, F, NtStatus::CANNOT_DELETE, OpKind::SetDisposition { delete: true, handle: None });
        let finding = b.explain(failed);
        let rule = if readonly { "DP-10" } else { "MM-1" };
        assert_eq!(cleared(&finding), [(av, Reason::HandleDoesNotBlock, rule, Some(opened))]);
        // The mapping would refuse it as well; beside the attribute that is not asked, nor is it denied.
        let expected: &[_] = if readonly { &[] } else { &[(other, Confidence::Likely)] };
        assert_eq!(named(&finding), expected);
    }
}

#[test]
fn dr_1_and_dr_2_an_open_folder_and_an_open_child_that_nobody_deleted() {
    let (mut b, victim, av, other) = cast();
    let folder = b.open(av, DIR, 0x10_0080, ALL);
    b.open(victim, DIR, DELETE, ALL);
    let child = b.open(other, F, READ, ALL);
    let failed =
        b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, OpKind::SetDisposition { delete: true, handle: None });
    let finding = b.explain(failed);
    assert_eq!(finding.attribution, Attribution::NoHolder);
    assert_eq!(
        cleared(&finding),
        [
            (av, Reason::HandleDoesNotBlock, "DR-1", Some(folder)),
            (other, Reason::HandleDoesNotBlock, "DR-2", Some(child)),
        ]
    );
}

#[test]
fn mm_2_an_image_refuses_neither_to_append_nor_to_delete() {
    for (access, expected) in [
        (APPEND, Reason::MappingDoesNotBlock),
        (DELETE, Reason::MappingDoesNotBlock),
        (ATTRIBUTES, Reason::MappingDoesNotBlock),
    ] {
        let (mut b, victim, av, _) = cast();
        b.make(victim, F, READ, ALL);
        b.close(victim, F);
        b.open(av, F, READ, 5);
        let loaded = b.does(av, F, OpKind::LoadImage);
        b.close(av, F);
        let failed = b.fails(victim, F, access, ALL, SHARING);
        let finding = b.explain(failed);
        assert_eq!(finding.attribution, Attribution::NotVisible);
        assert_eq!(cleared(&finding), [(av, expected, "MM-2", Some(loaded))], "{access:x}");
    }
    // To write is another matter.
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 5);
    b.does(av, F, OpKind::LoadImage);
    b.close(av, F);
    let failed = b.fails(victim, F, WRITE, ALL, SHARING);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

#[test]
fn sa_8_a_writable_mapping_and_an_open_for_attributes() {
    for (access, share, accused, spared) in [
        (READ, 1, true, None),
        // Disputed: neither accused nor cleared.
        (0x80, 1, false, None),
        (READ, 3, false, Some("SA-8")),
        (0x80, 3, false, Some("SA-8")),
    ] {
        let (mut b, victim, av, _) = cast();
        b.make(victim, F, READ, ALL);
        b.close(victim, F);
        b.open(av, F, READ | WRITE, ALL);
        let made = section(&mut b, av, READWRITE, SEC_COMMIT);
        b.close(av, F);
        let failed = b.fails(victim, F, access, share, SHARING);
        let finding = b.explain(failed);
        assert_eq!(!finding.holders.is_empty(), accused, "{access:x} {share}");
        let spared = spared.map(|rule| (av, Reason::MappingDoesNotBlock, rule, Some(made)));
        assert_eq!(cleared(&finding), spared.into_iter().collect::<Vec<_>>(), "{access:x} {share}");
    }
}

#[test]
fn mm_4_an_overwriting_open_tells_what_kind_a_section_is() {
    // The record of old builds does not tell image from data.
    let (mut b, victim, av, _) = cast();
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    b.open(av, F, READ | WRITE, ALL);
    let made = section(&mut b, av, READWRITE, 0);
    b.close(av, F);
    let before = deletes_on_close(&mut b, victim);
    let finding = b.explain(before);
    assert_eq!(named(&finding), [(av, Confidence::Possible)]);
    assert_eq!(finding.cause, Cause::ImageSection);
    overwrites(&mut b, victim, NtStatus::USER_MAPPED_FILE);
    let after = deletes_on_close(&mut b, victim);
    for failed in [before, after] {
        let finding = b.explain(failed);
        assert_eq!(named(&finding), []);
        assert_eq!(finding.cause, Cause::Other);
        assert_eq!(cleared(&finding), [(av, Reason::MappingDoesNotBlock, "MM-2", Some(made))]);
    }
    // Two sections: either may be the one it met.
    section(&mut b, av, READWRITE, 0);
    let again = deletes_on_close(&mut b, victim);
    assert_eq!(named(&b.explain(again)), [(av, Confidence::Possible)]);
}

#[test]
fn mm_4_an_image_does_not_end_an_overwriting_open_so() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, ALL);
    let image = section(&mut b, av, 0x10, SEC_IMAGE);
    b.open(other, F, READ, ALL);
    section(&mut b, other, 2, SEC_COMMIT);
    let failed = overwrites(&mut b, victim, NtStatus::USER_MAPPED_FILE);
    let finding = b.explain(failed);
    assert_eq!(finding.holders[0].mechanism, Mechanism::DataMapping);
    assert_eq!(named(&finding), [(other, Confidence::Likely)]);
    // Its handle is open and does not matter; that of its mapping is what the rule is about.
    assert_eq!(reasons(&finding), [(av, Reason::HandleDoesNotBlock)]);
    b.log.ops.truncate(failed.0 as usize);
    let closed = b.close(av, F);
    let failed = overwrites(&mut b, victim, NtStatus::USER_MAPPED_FILE);
    assert_eq!(cleared(&b.explain(failed)), [(av, Reason::MappingDoesNotBlock, "MM-4", Some(image))]);
    assert!(closed < failed);
}

#[test]
fn op_2_a_break_shown_by_another_s_open() {
    let (mut b, victim, av, other) = cast();
    const COMPLETE_IF_OPLOCKED: u32 = 0x100;
    b.open(av, F, READ, ALL);
    let asked = b.does(av, F, OpKind::FsControl(0x90008));
    b.op(asked).status = NtStatus::PENDING;
    b.op(asked).end = None;
    let impatient = |status, b: &mut Builder, who| {
        let create = open(WRITE, ALL, CreateDisposition::OPEN, COMPLETE_IF_OPLOCKED, None);
        b.create(who, F, create, status)
    };
    let early = impatient(SHARING, &mut b, victim);
    impatient(NtStatus::OPLOCK_BREAK_IN_PROGRESS, &mut b, other);
    let failed = impatient(SHARING, &mut b, victim);
    let closed = b.close(av, F);
    let finding = b.explain(failed);
    assert_eq!((finding.cause, finding.holders[0].rule), (Cause::OplockBreak, "OP-2"));
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert_eq!(finding.released_by.unwrap().event, closed);
    assert_eq!(reasons(&finding), [(other, Reason::CompatibleSharing)]);
    // Before, no break is shown to be under way.
    assert_eq!(named(&b.explain(early)), []);
}

#[test]
fn op_3_who_has_no_oplock() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, ALL);
    let asked = b.does(av, F, OpKind::FsControl(0x90008));
    b.op(asked).status = NtStatus::PENDING;
    b.op(asked).end = None;
    let opened = b.open(other, F, READ, ALL);
    let failed = b.fails(victim, F, WRITE, ALL, NtStatus::CANNOT_BREAK_OPLOCK);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    assert_eq!(cleared(&finding), [(other, Reason::NoOplock, "OP-3", Some(opened))]);
}

#[test]
fn at_9_who_may_have_been_in_the_way_beside_one_who_was() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    // MAXIMUM_ALLOWED: what it was granted is not shown, and that it shares no deletion is one inference too many.
    b.open(other, F, 0x0200_0000, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    // It had the file open then: it may have been in the way as well, and is not cleared either.
    assert_eq!(cleared(&finding), []);
}

#[test]
fn at_11_what_a_success_shows_ended_names_the_success() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let success = b.open(other, F, DELETE, ALL);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Possible)]);
    assert_eq!(finding.holders[0].refuted_by, Some(success));
}

#[test]
fn dr_2_a_child_in_use_is_asked_what_its_deletion_was() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    b.open(other, F, READ, ALL);
    b.fails(victim, F, DELETE, ALL, SHARING);
    b.open(victim, DIR, DELETE, ALL);
    let kind = OpKind::SetDisposition { delete: true, handle: None };
    let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, kind);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!(cleared(&finding), [(other, Reason::CompatibleSharing, "SA-3", None)]);
}

#[test]
fn at_11_a_success_shows_a_mapping_gone() {
    let (mut b, victim, av, _) = cast();
    b.make(victim, F, READ, ALL);
    b.close(victim, F);
    b.open(av, F, READ | WRITE, ALL);
    section(&mut b, av, READWRITE, SEC_COMMIT);
    b.close(av, F);
    let success = b.create(
        victim,
        F,
        open(WRITE, ALL, CreateDisposition::OVERWRITE, 0, Some(pmlblame::nt::OpenResult::OVERWRITTEN)),
        NtStatus::SUCCESS,
    );
    let failed = b.refused(victim, F, NtStatus::USER_MAPPED_FILE, OpKind::SetEndOfFile(0));
    let finding = b.explain(failed);
    assert_eq!(named(&finding), []);
    assert_eq!(cleared(&finding), [(av, Reason::ShownClosedByLaterSuccess, "AT-11", Some(success))]);
}

#[test]
fn mm_2_an_open_to_append_is_no_retry_of_one_to_write() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 5);
    b.does(av, F, OpKind::LoadImage);
    b.close(av, F);
    let failed = b.fails(victim, F, WRITE, ALL, SHARING);
    b.open(victim, F, APPEND, ALL);
    let exit = b.does(av, "", OpKind::ProcessExit);
    let success = b.open(victim, F, WRITE, ALL);
    let finding = b.explain(failed);
    assert_eq!(finding.released_by.unwrap().event, exit);
    assert_eq!(finding.confirmed_by, Some(success));
}
