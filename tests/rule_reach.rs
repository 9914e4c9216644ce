//! How far each rule reaches: what it accuses, and what looks alike and is spared, by the number of the rule in the reference.

use pmlblame::capture::op::{Create, OpKind, ProcessId};
use pmlblame::locks::{Attribution, Confidence, DeleteHow, Finding, Mechanism, Reason};
use pmlblame::nt::{CreateDisposition, DispositionFlags, FileAttributes, NtStatus, OpenResult, RenameFlags};
use script::cast::*;
use script::{Builder, open};

mod script;

const LINK: &str = r"C:\Windows\System32\f.dll";
const DIR: &str = r"C:\Windows\WinSxS\Temp\InFlight\1";
const ON_CLOSE: u32 = 0x1000;
const MAXIMUM_ALLOWED: u32 = 0x200_0000;
const COMMIT: u32 = 0x800_0000;
const REMOVAL: OpKind = OpKind::SetDisposition { delete: true, handle: None };

/// An open that was refused.
fn asks(access: u32, share: u32, disposition: CreateDisposition, options: u32) -> Create {
    open(access, share, disposition, options, None)
}

/// Who is named, how surely, by which rule.
fn accused(finding: &Finding) -> Vec<(ProcessId, Confidence, &'static str)> {
    finding.holders.iter().map(|holder| (holder.party.process(), holder.confidence, holder.rule)).collect()
}

fn cleared(finding: &Finding) -> Vec<(ProcessId, Reason, &'static str)> {
    finding.ruled_out.iter().map(|out| (out.process, out.reason, out.rule)).collect()
}

fn renames(b: &mut Builder, target: &str, flags: RenameFlags) -> OpKind {
    let target = Some(b.path(target));
    OpKind::Rename { target, flags, ex: flags.contains(RenameFlags::POSIX_SEMANTICS), as_path: Some(true) }
}

/// Gives `F` a second name.
fn links(b: &mut Builder, who: ProcessId) {
    b.make(who, F, READ, ALL);
    let target = Some(b.path(LINK));
    b.does(who, F, OpKind::Link { target, flags: RenameFlags::NONE, ex: false, as_path: Some(true) });
    b.close(who, F);
}

/// SA-5: what a disposition adds counts where the stream exists, and is not kept on the handle.
#[test]
fn sa_5_dispositions_add_to_what_is_asked_for() {
    for (disposition, share, refused) in [
        (CreateDisposition::SUPERSEDE, 3, true),
        (CreateDisposition::SUPERSEDE, 5, false),
        (CreateDisposition::OVERWRITE, 5, true),
        (CreateDisposition::OVERWRITE_IF, 5, true),
        (CreateDisposition::OVERWRITE_IF, 3, false),
        (CreateDisposition::OPEN_IF, 1, false),
    ] {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, share);
        let failed = b.create(victim, F, asks(READ, ALL, disposition, 0), SHARING);
        b.close(av, F);
        let expected = if refused { vec![(av, Confidence::Proven, "SA-5")] } else { vec![] };
        assert_eq!(accused(&b.explain(failed)), expected, "{disposition:?} {share}");
    }
    let (mut b, victim, av, _) = cast();
    let overwrote = open(READ, ALL, CreateDisposition::OVERWRITE_IF, 0, Some(OpenResult::OVERWRITTEN));
    b.create(av, F, overwrote, NtStatus::SUCCESS);
    let failed = b.fails(victim, F, READ, 5, SHARING);
    assert_eq!(cleared(&b.explain(failed)), [(av, Reason::CompatibleSharing, "SA-3")]);
}

/// SA-10: of a folder, listing and traversing read, adding a file or a folder writes, and deleting a child is none of these.
#[test]
fn sa_10_the_rights_of_a_folder() {
    for (access, share, refused) in
        [(0x1, 6, true), (0x20, 6, true), (0x2, 5, true), (0x4, 5, true), (0x40, 0, false), (0x1, 1, false)]
    {
        let (mut b, victim, av, _) = cast();
        b.open(av, DIR, access, ALL);
        let failed = b.fails(victim, DIR, 2, share, SHARING);
        b.close(av, DIR);
        let named = b.explain(failed).holders.len();
        assert_eq!(named == 1, refused, "{access:x} {share}");
    }
}

/// SA-12: what the kernel opens shows nothing by its success.
#[test]
fn sa_12_a_kernel_open_refutes_nobody() {
    for pid in [4, 1234] {
        let (mut b, victim, av, other) = cast();
        b.log.processes[other.0 as usize].pid = pid;
        b.open(av, F, READ, 1);
        b.open(other, F, 2, ALL);
        b.close(other, F);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        let expected = if pid == 4 { vec![(av, Confidence::Proven, "SA-3")] } else { vec![] };
        assert_eq!(accused(&b.explain(failed)), expected, "{pid}");
    }
}

/// MM-2: a loaded image refuses writing and deletion on close; appending or deleting alone it allows.
#[test]
fn mm_2_what_a_loaded_image_refuses() {
    let image = |b: &mut Builder, who| b.does(who, F, OpKind::LoadImage);
    let overwrite = asks(READ, ALL, CreateDisposition::OVERWRITE, 0);
    let opens = |access| asks(access, ALL, CreateDisposition::OPEN, 0);
    for (asked, status, refused) in [
        (opens(2), SHARING, true),
        (opens(0x4000_0000), SHARING, true),
        (overwrite, SHARING, true),
        (opens(4), SHARING, false),
        (opens(DELETE), SHARING, false),
        (asks(DELETE, ALL, CreateDisposition::OPEN, ON_CLOSE), NtStatus::CANNOT_DELETE, true),
    ] {
        let (mut b, victim, av, _) = cast();
        image(&mut b, av);
        let failed = b.create(victim, F, asked, status);
        let finding = b.explain(failed);
        match refused {
            true => assert_eq!(accused(&finding), [(av, Confidence::Likely, "MM-2")], "{asked:?}"),
            false => assert_eq!(cleared(&finding), [(av, Reason::MappingDoesNotBlock, "MM-2")], "{asked:?}"),
        }
    }
    // SA-11: whether all that may be granted is writing is not shown.
    let (mut b, victim, av, _) = cast();
    image(&mut b, av);
    let failed = b.fails(victim, F, MAXIMUM_ALLOWED, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!((accused(&finding), cleared(&finding)), (vec![], vec![]));
    // A data section does not stand in the way of deletion on close.
    let (mut b, victim, av, _) = cast();
    b.does(av, F, OpKind::CreateSection { protection: 4, allocation: COMMIT });
    let failed = b.create(victim, F, asks(DELETE, ALL, CreateDisposition::OPEN, ON_CLOSE), NtStatus::CANNOT_DELETE);
    assert_eq!(cleared(&b.explain(failed)), [(av, Reason::MappingDoesNotBlock, "MM-2")]);
}

/// MM-4: overwriting meets data sections with USER MAPPED FILE and images otherwise; cutting short meets both.
#[test]
fn mm_4_what_cutting_short_meets() {
    for (image, create, named) in [(true, true, false), (false, true, true), (true, false, true), (false, false, true)]
    {
        let (mut b, victim, av, _) = cast();
        match image {
            true => b.does(av, F, OpKind::LoadImage),
            false => b.does(av, F, OpKind::CreateSection { protection: 2, allocation: COMMIT }),
        };
        let kind = match create {
            true => OpKind::Create(asks(READ, ALL, CreateDisposition::OVERWRITE_IF, 0)),
            false => OpKind::SetAllocation(0),
        };
        let failed = b.refused(victim, F, NtStatus::USER_MAPPED_FILE, kind);
        let finding = b.explain(failed);
        match named {
            true => assert_eq!(accused(&finding), [(av, Confidence::Likely, "MM-4")], "{image} {create}"),
            false => assert_eq!(cleared(&finding), [(av, Reason::MappingDoesNotBlock, "MM-4")]),
        }
    }
}

/// MM-1, AT-11: whether a view that only reads blocks deletion is disputed, so a deletion that went through does not show it gone.
#[test]
fn mm_1_a_deletion_does_not_show_a_reading_view_gone() {
    for (protection, gone) in [(2, false), (4, true)] {
        let (mut b, victim, av, _) = cast();
        b.does(av, F, OpKind::CreateSection { protection, allocation: COMMIT });
        b.open(victim, F, DELETE | 2, ALL);
        b.does(victim, F, REMOVAL);
        b.does(victim, F, OpKind::SetDisposition { delete: false, handle: None });
        let failed = b.refused(victim, F, NtStatus::USER_MAPPED_FILE, OpKind::SetEndOfFile(0));
        let finding = b.explain(failed);
        match gone {
            true => assert_eq!(cleared(&finding), [(av, Reason::ShownClosedByLaterSuccess, "AT-11")]),
            false => assert_eq!(accused(&finding), [(av, Confidence::Likely, "MM-4")]),
        }
    }
}

/// DP-2, DP-7: a mark refuses every name-based request, on the name and on every path through it.
#[test]
fn dp_2_a_mark_refuses_whatever_is_asked() {
    let deep = format!(r"{DIR}\a\b\c");
    for (path, kind, rule) in [
        (DIR, OpKind::Create(asks(ATTRIBUTES, ALL, CreateDisposition::OPEN, 0)), "DP-3"),
        (DIR, OpKind::Create(asks(2, ALL, CreateDisposition::CREATE, 0)), "DP-3"),
        (DIR, OpKind::QueryOpen { attributes: None }, "DP-3"),
        (&deep, OpKind::Create(asks(READ, ALL, CreateDisposition::OPEN, 0)), "DP-7"),
    ] {
        let (mut b, victim, av, _) = cast();
        b.open(av, DIR, ATTRIBUTES, ALL);
        let marked = deletes(&mut b, victim, DIR);
        let failed = b.refused(victim, path, PENDING, kind);
        b.close(av, DIR);
        let finding = b.explain(failed);
        assert_eq!(accused(&finding), [(av, Confidence::Proven, rule)], "{path}");
        assert_eq!(finding.deleted_by.map(|by| by.event), Some(marked));
    }
}

/// DP-5: any handle with the right undoes a mark; what is to happen at the close is undone by the Ex class alone.
#[test]
fn dp_5_what_undoes_a_mark() {
    let ex = |flags| OpKind::SetDispositionEx { flags, handle: None };
    let classic = OpKind::SetDisposition { delete: false, handle: None };
    for (options, undo, stands) in [
        (0, classic, false),
        (0, ex(DispositionFlags::NONE), false),
        (ON_CLOSE, classic, true),
        (ON_CLOSE, ex(DispositionFlags::ON_CLOSE), false),
    ] {
        let (mut b, victim, av, other) = cast();
        b.open(av, F, READ, ALL);
        let handle = open(DELETE, ALL, CreateDisposition::OPEN, options, Some(OpenResult::OPENED));
        b.create(other, F, handle, NtStatus::SUCCESS);
        if options == 0 {
            mark(&mut b, other, F);
        }
        b.does(other, F, undo);
        let close = b.close(other, F);
        let failed = b.fails(victim, F, DELETE, ALL, PENDING);
        b.close(av, F);
        let finding = b.explain(failed);
        let by = finding.deleted_by.map(|by| (by.event, by.how));
        assert_eq!(by, stands.then_some((close, DeleteHow::DeleteOnClose)), "{options:x} {undo:?}");
        let grade = if stands { Confidence::Proven } else { Confidence::Likely };
        assert_eq!(accused(&finding), [(av, grade, "DP-3")]);
    }
}

/// DP-5: a deletion asked for at the close leaves the name to be opened until then, so that it is the same file still.
#[test]
fn dp_5_asked_for_at_the_close_is_no_mark_yet() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, 3);
    let handle = open(0x80, ALL, CreateDisposition::OPEN, ON_CLOSE, Some(OpenResult::OPENED));
    b.create(other, F, handle, NtStatus::SUCCESS);
    let flags = DispositionFlags::DELETE | DispositionFlags::ON_CLOSE;
    b.does(other, F, OpKind::SetDispositionEx { flags, handle: None });
    b.open(victim, F, ATTRIBUTES, ALL);
    b.close(victim, F);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, F);
    assert_eq!(accused(&b.explain(failed)), [(av, Confidence::Proven, "SA-3")]);
}

/// DP-6: a handle whose name went cannot rename; nobody is behind that, whoever has the target open.
#[test]
fn dp_6_a_nameless_file_cannot_be_renamed() {
    for nameless in [true, false] {
        let (mut b, victim, av, other) = cast();
        let (source, target) = (format!(r"{DIR}\new"), format!(r"{DIR}\old"));
        b.open(victim, &source, DELETE, ALL);
        b.open(av, &target, READ, ALL);
        if nameless {
            b.open(other, &source, DELETE, ALL);
            let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
            b.does(other, &source, OpKind::SetDispositionEx { flags, handle: None });
            b.close(other, &source);
        }
        let kind = renames(&mut b, &target, RenameFlags::REPLACE_IF_EXISTS);
        let failed = b.refused(victim, &source, NtStatus::ACCESS_DENIED, kind);
        b.close(av, &target);
        let finding = b.explain(failed);
        let expected = if nameless { vec![] } else { vec![(av, Confidence::Proven, "RN-1")] };
        assert_eq!((finding.lock_class, accused(&finding)), (!nameless, expected));
    }
}

/// DP-8: sharing, mappings and byte-range locks follow the file through all of its names.
#[test]
fn dp_8_mappings_and_locks_follow_the_file() {
    let (mut b, victim, av, _) = cast();
    links(&mut b, victim);
    b.does(av, LINK, OpKind::LoadImage);
    let failed = b.fails(victim, F, 2, ALL, SHARING);
    assert_eq!(accused(&b.explain(failed)), [(av, Confidence::Likely, "MM-2")]);
    let (mut b, victim, av, _) = cast();
    links(&mut b, victim);
    b.open(av, LINK, 3, ALL);
    b.does(av, LINK, OpKind::Lock { offset: 0, length: 10, exclusive: true, fail_immediately: true, key: None });
    b.open(victim, F, 3, ALL);
    let read = OpKind::Read { offset: 5, length: 1, paging: false };
    let failed = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, read);
    b.close(av, LINK);
    assert_eq!(accused(&b.explain(failed)), [(av, Confidence::Proven, "LK-2")]);
}

/// DP-9: the mark on a file refuses opens of its streams, and whoever has the file itself open keeps it.
#[test]
fn dp_9_a_stream_of_a_marked_file() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ, ALL);
    b.open(other, &format!("{F}:s"), READ, ALL);
    deletes(&mut b, victim, F);
    let failed = b.fails(victim, &format!("{F}:s"), READ, ALL, PENDING);
    b.close(av, F);
    b.close(other, &format!("{F}:s"));
    let finding = b.explain(failed);
    assert_eq!(accused(&finding), [(av, Confidence::Proven, "DP-3"), (other, Confidence::Proven, "DP-9")]);
}

/// DP-10: the attribute forbids marking and opening delete-on-close, and making a read-only file that way; a flag lifts it.
#[test]
fn dp_10_what_the_attribute_forbids() {
    let ignoring = DispositionFlags::DELETE | DispositionFlags::IGNORE_READONLY_ATTRIBUTE;
    let mut makes = asks(DELETE, ALL, CreateDisposition::CREATE, ON_CLOSE);
    makes.attributes = FileAttributes::READONLY;
    for (known, kind, nobody) in [
        (true, REMOVAL, true),
        (true, OpKind::Create(asks(DELETE, ALL, CreateDisposition::OPEN, ON_CLOSE)), true),
        (true, OpKind::SetDispositionEx { flags: ignoring, handle: None }, false),
        (false, REMOVAL, false),
        (false, OpKind::Create(makes), true),
    ] {
        let (mut b, victim, av, _) = cast();
        b.does(av, F, OpKind::LoadImage);
        if known {
            b.does(victim, F, OpKind::QueryAttributes(FileAttributes::READONLY));
        }
        let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, kind);
        let finding = b.explain(failed);
        match nobody {
            true => assert_eq!((finding.attribution, accused(&finding)), (Attribution::NoHolder, vec![]), "{kind:?}"),
            false => assert_eq!(accused(&finding), [(av, Confidence::Likely, "MM-1")], "{kind:?}"),
        }
    }
}

/// DR-1, DP-6: a child that was deleted with POSIX semantics keeps its folder until its marker closes, and not longer.
#[test]
fn dr_1_a_posix_deleted_child_does_not_count() {
    for closed in [false, true] {
        let (mut b, victim, av, other) = cast();
        let child = format!(r"{DIR}\a");
        b.open(av, &child, READ, ALL);
        b.open(other, &child, DELETE, ALL);
        let flags = DispositionFlags::DELETE | DispositionFlags::POSIX_SEMANTICS;
        b.does(other, &child, OpKind::SetDispositionEx { flags, handle: None });
        if closed {
            b.close(other, &child);
        }
        let failed = b.refused(victim, DIR, NtStatus::DIRECTORY_NOT_EMPTY, REMOVAL);
        b.close(av, &child);
        let expected = if closed { vec![] } else { vec![(other, Confidence::Proven, "DR-1")] };
        assert_eq!(accused(&b.explain(failed)), expected, "{closed}");
    }
}

/// RN-1, RN-2, RN-5: a hard link that replaces is refused like a rename that does.
#[test]
fn rn_1_links_that_replace() {
    for (flags, status, rule) in [
        (RenameFlags::REPLACE_IF_EXISTS, NtStatus::ACCESS_DENIED, "RN-1"),
        (RenameFlags::REPLACE_IF_EXISTS | RenameFlags::POSIX_SEMANTICS, SHARING, "RN-2"),
    ] {
        let (mut b, victim, av, _) = cast();
        b.open(victim, F, ATTRIBUTES, ALL);
        b.open(av, LINK, READ, 3);
        let target = Some(b.path(LINK));
        let failed = b.refused(victim, F, status, OpKind::Link { target, flags, ex: true, as_path: Some(true) });
        b.close(av, LINK);
        assert_eq!(accused(&b.explain(failed)), [(av, Confidence::Proven, rule)]);
    }
}

/// RN-1: a folder or a read-only file of that name refuses the replace, whoever has it open.
#[test]
fn rn_1_what_cannot_be_replaced_anyway() {
    for (what, locked) in [("folder", false), ("read-only", false), ("ignored", true), ("", true)] {
        let (mut b, victim, av, _) = cast();
        let (source, target) = (format!(r"{DIR}\new"), format!(r"{DIR}\old"));
        b.open(victim, &source, DELETE, ALL);
        let options = if what == "folder" { 1 } else { 0 };
        let handle = open(READ, ALL, CreateDisposition::OPEN, options, Some(OpenResult::OPENED));
        b.create(av, &target, handle, NtStatus::SUCCESS);
        if matches!(what, "read-only" | "ignored") {
            b.does(av, &target, OpKind::QueryAttributes(FileAttributes::READONLY));
        }
        let ignore = if what == "ignored" { RenameFlags::IGNORE_READONLY_ATTRIBUTE } else { RenameFlags::NONE };
        let kind = renames(&mut b, &target, RenameFlags::REPLACE_IF_EXISTS | ignore);
        let failed = b.refused(victim, &source, NtStatus::ACCESS_DENIED, kind);
        b.close(av, &target);
        let expected = if locked { vec![(av, Confidence::Proven, "RN-1")] } else { vec![] };
        assert_eq!(accused(&b.explain(failed)), expected, "{what}");
    }
}

/// RN-3: whatever is open below a folder keeps it from being renamed, however deep; an open of the folder itself does not.
#[test]
fn rn_3_what_is_open_below() {
    for (path, named) in [(r"\a\b\c", true), (r"\a:s", true), ("", false)] {
        let (mut b, victim, av, _) = cast();
        let below = format!("{DIR}{path}");
        b.open(victim, DIR, DELETE, ALL);
        b.open(av, &below, ATTRIBUTES, ALL);
        let kind = renames(&mut b, r"C:\Windows\WinSxS\Temp\InFlight\2", RenameFlags::NONE);
        let failed = b.refused(victim, DIR, NtStatus::ACCESS_DENIED, kind);
        b.close(av, &below);
        let finding = b.explain(failed);
        let expected = if named { vec![(av, Confidence::Proven, "RN-3")] } else { vec![] };
        assert_eq!((finding.lock_class, accused(&finding)), (named, expected), "{path}");
    }
}

/// RN-5: an image cannot be replaced in either mode; a file that is only mapped as data can.
#[test]
fn rn_5_images_and_data() {
    for (image, posix) in [(true, false), (true, true), (false, false), (false, true)] {
        let (mut b, victim, av, _) = cast();
        let (source, target) = (format!(r"{DIR}\new"), format!(r"{DIR}\old"));
        b.open(victim, &source, DELETE, ALL);
        match image {
            true => b.does(av, &target, OpKind::LoadImage),
            false => b.does(av, &target, OpKind::CreateSection { protection: 4, allocation: COMMIT }),
        };
        let semantics = if posix { RenameFlags::POSIX_SEMANTICS } else { RenameFlags::NONE };
        let kind = renames(&mut b, &target, RenameFlags::REPLACE_IF_EXISTS | semantics);
        let failed = b.refused(victim, &source, NtStatus::ACCESS_DENIED, kind);
        let expected = if image { vec![(av, Confidence::Likely, "RN-5")] } else { vec![] };
        assert_eq!(accused(&b.explain(failed)), expected, "{image} {posix}");
    }
}

/// RN-6: an open stream keeps the file from being renamed, but not another stream of it.
#[test]
fn rn_6_an_open_stream() {
    for (source, named) in [("", true), (":t", false)] {
        let (mut b, victim, av, _) = cast();
        let (source, stream) = (format!("{F}{source}"), format!("{F}:s"));
        b.open(victim, &source, DELETE, ALL);
        b.open(av, &stream, READ, ALL);
        let target = if named { LINK } else { ":u" };
        let kind = renames(&mut b, target, RenameFlags::NONE);
        let failed = b.refused(victim, &source, NtStatus::ACCESS_DENIED, kind);
        b.close(av, &stream);
        let expected = if named { vec![(av, Confidence::Proven, "RN-6")] } else { vec![] };
        assert_eq!(accused(&b.explain(failed)), expected, "{source}");
    }
}

/// OP-2: an open that comes back while an oplock breaks has its handle.
#[test]
fn op_2_a_break_in_progress_is_an_open() {
    let (mut b, victim, av, _) = cast();
    b.create(av, F, script::opened(READ, 3), NtStatus::OPLOCK_BREAK_IN_PROGRESS);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    b.close(av, F);
    assert_eq!(accused(&b.explain(failed)), [(av, Confidence::Proven, "SA-3")]);
}

/// OP-2, OP-3: an open waits for the answer of an oplock's owner, which one of level 2 does not give.
#[test]
fn op_3_an_oplock_of_level_2_refuses_nobody() {
    for (code, named) in [(0x90000, true), (0x90004, false), (0x90008, true), (0x9005C, true), (0x90240, true)] {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, ALL);
        let request = b.does(av, F, OpKind::FsControl(code));
        b.op(request).end = None;
        let failed = b.fails(victim, F, READ, ALL, NtStatus::CANNOT_BREAK_OPLOCK);
        let expected = if named { vec![(av, Confidence::Likely, "OP-3")] } else { vec![] };
        assert_eq!(accused(&b.explain(failed)), expected, "{code:x}");
    }
}

/// LK-1, LK-2: which locks stand in the way of which requests.
#[test]
fn lk_which_locks_conflict() {
    let lock = |offset, exclusive| OpKind::Lock { offset, length: 10, exclusive, fail_immediately: true, key: None };
    let read = OpKind::Read { offset: 5, length: 1, paging: false };
    let write = OpKind::Write { offset: 5, length: 1, paging: false };
    for (held, asked, rule) in [
        (lock(0, true), lock(5, false), Some("LK-1")),
        (lock(0, false), lock(5, true), Some("LK-1")),
        (lock(0, false), lock(5, false), None),
        (lock(0, true), lock(10, true), None),
        (lock(0, true), read, Some("LK-2")),
        (lock(0, false), read, None),
        (lock(0, false), write, Some("LK-2")),
        (lock(6, true), write, None),
    ] {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, 3, ALL);
        b.does(av, F, held);
        b.open(victim, F, 3, ALL);
        let status = match asked {
            OpKind::Lock { .. } => NtStatus::LOCK_NOT_GRANTED,
            _ => NtStatus::FILE_LOCK_CONFLICT,
        };
        let failed = b.refused(victim, F, status, asked);
        b.close(av, F);
        let finding = b.explain(failed);
        match rule {
            Some(rule) => {
                assert_eq!(accused(&finding), [(av, Confidence::Proven, rule)], "{held:?} {asked:?}");
                assert_eq!(finding.holders[0].mechanism, Mechanism::ByteRangeLock);
            }
            None => assert_eq!(cleared(&finding)[0].1, Reason::NoConflictingLock, "{held:?} {asked:?}"),
        }
    }
}
