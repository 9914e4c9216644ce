//! One test for each way of holding a file, by the number of its rule in the reference.

use pmlblame::capture::op::{EventIndex, OpKind, OpLog, StackSays};
use pmlblame::locks::{
    Attribution, Cause, Citer, Confidence, Conflict, Edge, Explanation, Mechanism, Options, Party, Reason, Side,
    analyse, audit, is_lock_failure,
};
use pmlblame::nt::sharing::AccessClasses;
use pmlblame::nt::{CreateDisposition, FileTime, NtStatus, OpenResult, Ticks};
use script::cast::*;
use script::{BEGIN, Builder, STEP, open, opened};

mod script;

#[test]
fn sa_3_names_the_direction() {
    let (mut b, victim, av, other) = cast();
    b.open(av, F, READ | 2, 3);
    b.open(other, F, 2, ALL);
    let failed = b.fails(victim, F, READ | DELETE, 1, SHARING);
    let finding = b.explain(failed);
    assert_eq!(
        finding.holders[0].conflicts,
        [
            Conflict { side: Side::HolderDoesNotShare, classes: AccessClasses::DELETE },
            Conflict { side: Side::VictimDoesNotShare, classes: AccessClasses::WRITE }
        ]
    );
    assert_eq!(
        finding.holders[1].conflicts,
        [Conflict { side: Side::VictimDoesNotShare, classes: AccessClasses::WRITE }]
    );
}

#[test]
fn sa_6_and_sa_2_clear_by_their_own_number() {
    for (path, access, rule) in
        [(r"C:\Windows\WinSxS\Temp\InFlight\1\f.dll:str", DELETE, "SA-6"), (F, ATTRIBUTES, "SA-2"), (F, READ, "SA-3")]
    {
        let (mut b, victim, av, _) = cast();
        b.open(av, F, READ, 3);
        let failed = b.fails(victim, path, access, ALL, SHARING);
        let finding = b.explain(failed);
        let cleared: Vec<_> = finding.ruled_out.iter().map(|one| (one.process, one.reason, one.rule)).collect();
        assert_eq!(cleared, [(av, Reason::CompatibleSharing, rule)], "{path}");
    }
}

#[test]
fn sa_9_reading_alone_is_not_proven() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 0);
    let failed = b.fails(victim, F, READ, ALL, SHARING);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

/// SA-9: only the system's own account surely had the right to withhold reading; for it a release answers the doubt.
#[test]
fn sa_9_a_release_proves_who_had_the_right_to_withhold_reading() {
    const SYSTEM: &str = r"NT AUTHORITY\SYSTEM";
    for (user, grade) in [(SYSTEM, Confidence::Proven), (r"D\zhang", Confidence::Likely), ("", Confidence::Likely)] {
        let (mut b, victim, av, other) = cast();
        b.log.processes[other.0 as usize].pid = 4;
        b.log.processes[other.0 as usize].user = SYSTEM.into();
        b.log.processes[av.0 as usize].user = user.into();
        b.open(av, F, READ, 0);
        let failed = b.fails(victim, F, READ, ALL, SHARING);
        b.close(av, F);
        let done = b.open(victim, F, READ, ALL);
        let finding = b.explain(failed);
        assert_eq!((named(&finding), finding.confirmed_by), (vec![(av, grade)], Some(done)), "{user}");
    }
}

#[test]
fn mm_images_and_sections() {
    let (mut b, victim, av, other) = cast();
    b.open(victim, F, DELETE, ALL);
    let image = b.does(av, F, OpKind::LoadImage);
    let removal = OpKind::SetDisposition { delete: true, handle: None };
    let first = b.refused(victim, F, NtStatus::CANNOT_DELETE, removal);
    let write = b.fails(victim, F, 2, ALL, SHARING);
    let exit = b.does(av, "", OpKind::ProcessExit);
    b.does(victim, F, removal);
    let finding = b.explain(first);
    assert_eq!((finding.cause, finding.holders[0].mechanism), (Cause::ImageSection, Mechanism::ImageMapping));
    assert_eq!(finding.holders[0].hold.start, b_edge(&b, image));
    // MM-5: only the end of the process bounds it; that this came between the last failure and the success settles it.
    assert_eq!(finding.holders[0].hold.end, b_edge(&b, exit));
    assert_eq!(finding.released_by.unwrap().event, exit);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    let finding = b.explain(write);
    assert_eq!((finding.cause, named(&finding)), (Cause::ImageSection, vec![(av, Confidence::Likely)]));
    // A program's own image stays until it ends.
    let (mut b, victim, av, _) = cast();
    b.log.processes[av.0 as usize].image_path = F.into();
    let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, removal);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Proven)]);
    // Of two mappers that closed their handles neither is more than possible.
    let (mut b, victim, av, second) = cast();
    for process in [av, second] {
        b.open(process, F, READ, ALL);
        b.does(process, F, OpKind::CreateSection { protection: 2, allocation: 0x0800_0000 });
        b.close(process, F);
    }
    let failed = b.refused(victim, F, NtStatus::USER_MAPPED_FILE, OpKind::SetEndOfFile(0));
    let finding = b.explain(failed);
    assert_eq!(finding.attribution, Attribution::NotVisible);
    assert_eq!(named(&finding), [(av, Confidence::Possible), (second, Confidence::Possible)]);
    // One that cut the file to nothing afterwards shows that no mapping was left.
    b.does(victim, F, OpKind::SetEndOfFile(0));
    let failed = b.refused(victim, F, NtStatus::USER_MAPPED_FILE, OpKind::SetEndOfFile(0));
    assert_eq!(b.explain(failed).holders, []);
    assert_eq!(other, second);
}

#[test]
fn mm_4_an_image_is_an_image_whatever_the_status() {
    for (image, cause) in [(true, Cause::ImageSection), (false, Cause::UserMapped)] {
        let (mut b, victim, av, _) = cast();
        b.open(victim, F, 2, ALL);
        b.open(av, F, READ, ALL);
        match image {
            true => b.does(av, F, OpKind::LoadImage),
            false => b.does(av, F, OpKind::CreateSection { protection: 2, allocation: 0x800_0000 }),
        };
        b.close(av, F);
        let failed = b.refused(victim, F, NtStatus::USER_MAPPED_FILE, OpKind::SetEndOfFile(0));
        let finding = b.explain(failed);
        assert_eq!((finding.cause, finding.holders[0].rule), (cause, "MM-4"));
        // MM-5: which handle it closed tells nothing about a mapping.
        let cited = Citer::new(&b.log).holder(&finding, &finding.holders[0], false);
        assert_eq!(cited.iter().map(|one| one.rule).collect::<Vec<_>>(), ["MM-5"]);
    }
}

#[test]
fn sa_8_neither_accuses_nor_clears_for_attributes() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ | 2, ALL);
    b.does(av, F, OpKind::CreateSection { protection: 4, allocation: 0 });
    b.close(av, F);
    let failed = b.fails(victim, F, ATTRIBUTES, 1, SHARING);
    let finding = b.explain(failed);
    assert_eq!((named(&finding), reasons(&finding)), (vec![], vec![]));
    assert!(finding.explanations.contains(&Explanation::Mapping));
}

#[test]
fn sa_8_a_writable_mapping_without_a_handle() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ | 2, ALL);
    b.does(av, F, OpKind::CreateSection { protection: 4, allocation: 0 });
    b.close(av, F);
    let failed = b.fails(victim, F, READ, 5, SHARING);
    let exit = b.does(av, "", OpKind::ProcessExit);
    let success = b.open(victim, F, READ, 5);
    let finding = b.explain(failed);
    assert_eq!((finding.cause, named(&finding)), (Cause::UserMapped, vec![(av, Confidence::Proven)]));
    let holder = &finding.holders[0];
    assert_eq!((holder.mechanism, holder.rule, holder.hold.end), (Mechanism::DataMapping, "SA-8", b_edge(&b, exit)));
    assert_eq!(finding.confirmed_by, Some(success));
    // One that shares writing meets no such rule.
    let (mut b, victim, av, _) = cast();
    b.does(av, F, OpKind::CreateSection { protection: 4, allocation: 0 });
    let failed = b.fails(victim, F, READ, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, finding.holders.len()), (Attribution::NotVisible, 0));
    assert!(!finding.explanations.contains(&Explanation::Mapping));
}

#[test]
fn vi_10_a_success_refutes_an_inferred_current_directory() {
    let (mut b, victim, av, _) = cast();
    let directory = Some(b.path(r"C:\d"));
    b.does(av, "", OpKind::ProcessStart { current_directory: directory });
    b.log.processes[av.0 as usize].current_directory = directory;
    let held = b.fails(victim, r"C:\d", DELETE, ALL, SHARING);
    assert_eq!(named(&b.explain(held)), [(av, Confidence::Likely)]);
    let success = b.open(victim, r"C:\d", DELETE, ALL);
    b.close(victim, r"C:\d");
    let failed = b.fails(victim, r"C:\d", DELETE, ALL, SHARING);
    let finding = b.explain(held);
    assert_eq!(named(&finding), [(av, Confidence::Possible)]);
    assert_eq!((finding.holders[0].refuted_by, finding.holders[0].hold.end), (Some(success), Edge::Unseen));
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, finding.holders.len()), (Attribution::NotVisible, 0));
    assert_eq!(reasons(&finding), [(av, Reason::ShownClosedByLaterSuccess)]);
}

#[test]
fn mm_1_a_view_that_only_reads_is_shown_by_its_end_alone() {
    let removal = OpKind::SetDisposition { delete: true, handle: None };
    for (protection, bracketed, expected) in [
        (2, false, Confidence::Possible),
        (2, true, Confidence::Likely),
        (4, false, Confidence::Likely),
        (4, true, Confidence::Proven),
    ] {
        let (mut b, victim, av, _) = cast();
        b.open(victim, F, DELETE, ALL);
        b.does(av, F, OpKind::CreateSection { protection, allocation: 0x0800_0000 });
        let failed = b.refused(victim, F, NtStatus::CANNOT_DELETE, removal);
        if bracketed {
            b.does(av, "", OpKind::ProcessExit);
            b.does(victim, F, removal);
        }
        assert_eq!(named(&b.explain(failed)), [(av, expected)], "{protection} {bracketed}");
    }
}

#[test]
fn vi_10_a_current_directory() {
    let (mut b, victim, shell, _) = cast();
    let dir = r"C:\Windows\WinSxS\Temp\InFlight\1";
    let current_directory = Some(b.path(&format!("{dir}\\")));
    let start = b.does(shell, "", OpKind::ProcessStart { current_directory });
    let failed = b.fails(victim, dir, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(shell, Confidence::Likely)]);
    let holder = &finding.holders[0];
    assert_eq!((holder.mechanism, holder.rule), (Mechanism::CurrentDirectory, "VI-10"));
    assert_eq!(holder.hold.start, b_edge(&b, start));
    // Its open was seen and closed again: it moved on.
    let create = open(0x10_0020, 3, CreateDisposition::OPEN, 1, Some(OpenResult::OPENED));
    b.create(shell, dir, create, NtStatus::SUCCESS);
    let seen = b.fails(victim, dir, DELETE, ALL, SHARING);
    b.close(shell, dir);
    let left = b.fails(victim, dir, DELETE, ALL, SHARING);
    let finding = b.explain(seen);
    assert_eq!((finding.holders[0].mechanism, finding.holders[0].rule), (Mechanism::CurrentDirectory, "SA-3"));
    assert_eq!(named(&finding), [(shell, Confidence::Proven)]);
    assert_eq!(b.explain(left).holders, []);
}

#[test]
fn vi_11_answers_are_not_failures() {
    let (mut b, victim, ..) = cast();
    let section = OpKind::CreateSection { protection: 2, allocation: 0 };
    let event = b.refused(victim, F, NtStatus::FILE_LOCKED_WITH_ONLY_READERS, section);
    assert!(!is_lock_failure(b.op(event)));
    let event = b.refused(victim, F, NtStatus::OPLOCK_NOT_GRANTED, OpKind::FsControl(0x90240));
    assert!(!is_lock_failure(b.op(event)));
    for status in [NtStatus::FILE_LOCKED_WITH_WRITERS, NtStatus::OPLOCK_HANDLE_CLOSED] {
        for kind in [section, OpKind::FsControl(0x90240), OpKind::Other] {
            let event = b.refused(victim, F, status, kind);
            assert!(!is_lock_failure(b.op(event)), "{status}");
        }
    }
    let event = b.fails(victim, F, READ, ALL, NtStatus::OPLOCK_HANDLE_CLOSED);
    assert!(!is_lock_failure(b.op(event)));
    let event = b.fails(victim, F, READ, ALL, NtStatus::OPLOCK_NOT_GRANTED);
    assert!(is_lock_failure(b.op(event)));
    let event = b.fails(victim, F, READ, ALL, NtStatus::ACCESS_DENIED);
    assert!(!is_lock_failure(b.op(event)));
}

#[test]
fn vi_12_what_the_kernel_holds_has_no_suspect() {
    const HIVE: &str = r"C:\Windows\System32\config\SYSTEM";
    for path in [HIVE, r"C:\Users\x\NTUSER.DAT", r"\??\C:\Windows\AppCompat\Programs\Amcache.hve", r"C:\pagefile.sys"] {
        // Circumstances that would make a suspect anywhere else: a close without an open, and System's own handle.
        let (mut b, victim, av, _) = cast();
        let system = b.process("System");
        b.log.processes[system.0 as usize].pid = 4;
        b.open(system, path, READ, 0);
        let failed = b.fails(victim, path, READ, ALL, SHARING);
        b.close(av, path);
        let finding = b.explain(failed);
        assert_eq!((finding.attribution, finding.holders.len()), (Attribution::NotVisible, 0), "{path}");
        assert_eq!(finding.explanations[0], Explanation::KernelHeld, "{path}");
    }
    // A copy elsewhere is an ordinary file, and what the capture itself shows stays shown.
    let (mut b, victim, av, _) = cast();
    b.open(av, r"C:\backup\SYSTEM", READ, 1);
    let copy = b.fails(victim, r"C:\backup\SYSTEM", 2, ALL, SHARING);
    b.open(av, HIVE, READ, 1);
    let loaded = b.fails(victim, HIVE, 2, ALL, SHARING);
    b.close(av, HIVE);
    assert_eq!(named(&b.explain(copy)), [(av, Confidence::Proven)]);
    assert_eq!(named(&b.explain(loaded)), [(av, Confidence::Proven)]);
}

#[test]
fn sa_1_a_probing_open_holds_nothing() {
    const READ_CONTROL: u32 = 0x2_0000;
    let (mut b, victim, other, _) = cast();
    b.open(victim, F, READ_CONTROL, 0);
    b.open(other, F, READ_CONTROL | 0x10_0000, 0);
    let failed = b.fails(victim, F, READ, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, finding.holders.len()), (Attribution::NotVisible, 0));
    assert_eq!(reasons(&finding), [(other, Reason::AttributesOnly)]);
}

#[test]
fn vi_reparse_and_query_open_hold_nothing() {
    let (mut b, victim, av, other) = cast();
    b.create(av, F, opened(READ, 3), NtStatus::REPARSE);
    b.does(other, F, OpKind::QueryOpen { attributes: None });
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(finding.holders, []);
    assert_eq!(audit(&b.log, &|_| true).opens_without_close, 0);
}

#[test]
fn vi_5_system_for_a_remote_client() {
    let (mut b, victim, ..) = cast();
    let system = b.process("System");
    b.log.processes[system.0 as usize].pid = 4;
    let mut create = opened(READ, 3);
    create.impersonating = true;
    b.create(system, F, create, NtStatus::SUCCESS);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(system, Confidence::Proven)]);
    assert!(!finding.holders[0].smb_client, "filters and local services impersonate too");
    b.log.ops[0].stack = StackSays::Server;
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(system, Confidence::Proven)]);
    assert!(finding.holders[0].smb_client);
    // Its byte-range locks as well.
    let (mut b, victim, ..) = cast();
    let system = b.process("System");
    b.log.processes[system.0 as usize].pid = 4;
    b.open(system, F, 3, ALL);
    let lock =
        b.does(system, F, OpKind::Lock { offset: 0, length: 100, exclusive: true, fail_immediately: true, key: None });
    b.op(lock).stack = StackSays::Server;
    b.open(victim, F, 3, ALL);
    let read = OpKind::Read { offset: 0, length: 10, paging: false };
    let failed = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, read);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(system, Confidence::Proven)]);
    assert!(finding.holders[0].smb_client);
}

#[test]
fn sa_2_a_query_by_name_meets_no_share_mode() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, READ, 3);
    let failed = b.refused(victim, F, SHARING, OpKind::QueryOpen { attributes: None });
    let finding = b.explain(failed);
    assert_eq!((finding.attribution, finding.holders.as_slice()), (Attribution::NotVisible, [].as_slice()));
    let [out] = finding.ruled_out.as_slice() else { panic!("{:?}", finding.ruled_out) };
    assert_eq!((out.process, out.reason, out.rule), (av, Reason::CompatibleSharing, "SA-2"));
}

/// With few to compare with, half of which are as slow, a second is long and half a second is not; neither is a third
/// party's own affair.
#[test]
fn a_second_is_long_without_a_driver_and_with_few_to_compare() {
    const SECOND: u64 = 10_000_000;
    let (mut b, victim, av, _) = cast();
    let lasting = |b: &mut Builder, who, took: u64| {
        let event = b.open(who, F, READ, ALL);
        b.op(event).end = Some(FileTime(b.op(event).start.0 + took));
        b.close(who, F);
        event
    };
    let long = lasting(&mut b, victim, SECOND);
    lasting(&mut b, victim, SECOND / 2);
    lasting(&mut b, av, 3 * SECOND);
    let is_victim = |id| id == victim;
    let told = |log: &OpLog| -> Vec<(EventIndex, Ticks, usize)> {
        let waits = analyse(log, &[], &Options::new(&is_victim)).waits;
        waits.iter().map(|wait| (wait.event, wait.waited, wait.holders.len())).collect()
    };
    assert_eq!(told(&b.log), [(long, Ticks(SECOND), 0)]);
    // Where all the others are as slow, and there are enough of them, a second is usual.
    for _ in 0..9 {
        lasting(&mut b, av, SECOND);
    }
    assert_eq!(told(&b.log), []);
}

#[test]
fn op_rules() {
    let (mut b, victim, av, _) = cast();
    let oplock = |b: &mut Builder, broken_at: u64| {
        b.open(av, F, ATTRIBUTES, ALL);
        let request = b.does(av, F, OpKind::FsControl(0x9005C));
        b.op(request).end = Some(FileTime(BEGIN + broken_at));
        request
    };
    let request = oplock(&mut b, 2 * STEP + 10);
    let waited = b.open(victim, F, READ, ALL);
    let give_way = b.close(av, F);
    b.op(waited).end = Some(FileTime(BEGIN + 3 * STEP + 900));
    b.op(give_way).start = FileTime(BEGIN + 3 * STEP);
    let all = |_| true;
    let mut options = Options::new(&all);
    options.wait_threshold = Ticks(STEP);
    let mut harmless = b.log.clone();
    if let OpKind::Create(create) = &mut harmless.ops[usize::try_from(waited.0).unwrap()].kind {
        create.access = Some(pmlblame::nt::AccessMask(ATTRIBUTES));
    }
    assert_eq!(analyse(&harmless, &[], &options).waits, [], "OP-3: breaks nothing");
    let waits = analyse(&b.log, &[], &options).waits;
    assert_eq!(waits.len(), 1);
    assert_eq!((waits[0].event, waits[0].waited), (waited, Ticks(STEP + 900)));
    let holder = &waits[0].holders[0];
    assert_eq!((holder.party, holder.confidence), (Party::Process(av), Confidence::Likely));
    assert_eq!((holder.hold.start, holder.hold.end), (b_edge(&b, request), b_edge(&b, give_way)));
    // OP-2, OP-3: the statuses.
    for status in [NtStatus::OPLOCK_BREAK_IN_PROGRESS, NtStatus::CANNOT_BREAK_OPLOCK] {
        let (mut b, victim, ..) = cast();
        oplock(&mut b, 2 * STEP + 10);
        let failed = b.fails(victim, F, READ, ALL, status);
        let finding = b.explain(failed);
        assert_eq!((finding.cause, finding.holders[0].mechanism), (Cause::OplockBreak, Mechanism::Oplock));
        assert_eq!(named(&finding), [(av, Confidence::Likely)]);
    }
    // OP-2: a break under way refuses an open that does not wait for it, though sharing would allow both.
    for (options, expected) in [(0, None), (0x100, Some(Confidence::Likely))] {
        let (mut b, victim, _, other) = cast();
        oplock(&mut b, 2 * STEP + 10);
        b.create(other, F, opened(READ, ALL), NtStatus::OPLOCK_BREAK_IN_PROGRESS);
        let asks = open(DELETE, ALL, CreateDisposition::OPEN, options, None);
        let failed = b.create(victim, F, asks, SHARING);
        b.does(av, F, OpKind::FsControl(0x9000C));
        let answered = b.create(victim, F, asks, SHARING);
        let finding = b.explain(failed);
        let expected: Vec<_> = expected.map(|grade| (av, grade)).into_iter().collect();
        assert_eq!(named(&finding), expected, "{options:x}");
        assert_eq!(b.explain(answered).holders, []);
        if let Some(holder) = finding.holders.first() {
            assert_eq!((holder.rule, holder.mechanism, finding.cause), ("OP-2", Mechanism::Oplock, Cause::OplockBreak));
        }
    }
    // OP-4: a writer made it impossible; a reader beside it did not.
    let (mut b, victim, av, other) = cast();
    b.open(av, F, 2, ALL);
    b.open(other, F, READ, ALL);
    let failed = b.fails(victim, F, READ, ALL, NtStatus::OPLOCK_NOT_GRANTED);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Likely)]);
}

#[test]
fn lk_rules() {
    let (mut b, victim, av, _) = cast();
    b.open(av, F, 3, ALL);
    b.open(victim, F, 3, ALL);
    b.does(av, F, OpKind::Lock { offset: 0, length: 100, exclusive: false, fail_immediately: true, key: None });
    let write = OpKind::Write { offset: 10, length: 10, paging: false };
    let failed = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, write);
    let unlock = b.does(av, F, OpKind::Unlock { offset: 0, length: 100 });
    let success = b.does(victim, F, write);
    let again = b.refused(victim, F, NtStatus::FILE_LOCK_CONFLICT, write);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    assert_eq!(finding.holders[0].rule, "LK-2");
    assert_eq!(finding.released_by.unwrap().event, unlock);
    assert_eq!(finding.confirmed_by, Some(success));
    assert_eq!(b.explain(again).attribution, Attribution::NotVisible);
}
