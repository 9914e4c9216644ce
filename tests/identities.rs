//! Which file a handle is on, where several may bear the name: other volumes, shares, earlier files, folders (AT-2, AT-3, RN-1).

use pmlblame::capture::op::{Create, OpKind, ProcessId};
use pmlblame::locks::{Attribution, Confidence, Reason};
use pmlblame::nt::{CreateDisposition, NtStatus, OpenResult, RenameFlags};
use script::cast::*;
use script::{Builder, open};

mod script;

/// AT-2: a volume that nothing ties to a letter may be the drive, and proves nobody.
#[test]
fn an_untied_volume_may_be_the_drive() {
    let on = |volume: &str| F.replace("C:", volume);
    let (mut b, victim, av, other) = cast();
    b.open(av, &on(r"\Device\HarddiskVolume3"), READ, 3);
    b.open(other, &on(r"\Device\HarddiskVolume5"), READ, 3);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Possible), (other, Confidence::Possible)]);
    assert_eq!(finding.attribution, Attribution::NotVisible);
    // With the drive's device known the other volume is another file's.
    b.log.roots.volumes.push((r"\Device\HarddiskVolume3".into(), "C:".into()));
    let finding = b.explain(failed);
    assert_eq!(named(&finding), [(av, Confidence::Proven)]);
    // A compatible handle is no suspect, wherever it is.
    let (mut b, victim, av, _) = cast();
    b.open(av, &on(r"\Device\HarddiskVolume3"), READ, ALL);
    let failed = b.fails(victim, F, DELETE, ALL, SHARING);
    assert_eq!(named(&b.explain(failed)), []);
}

/// AT-2, VI-9: the administrative share of a drive leads to the same file, or to that of another machine.
#[test]
fn an_administrative_share_may_be_the_drive() {
    for (path, expected) in
        [(F.replace("C:", r"\\localhost\C$"), Some(Confidence::Possible)), (F.replace("C:", r"\\localhost\D$"), None)]
    {
        let (mut b, victim, av, _) = cast();
        b.make(victim, F, READ, ALL);
        b.close(victim, F);
        b.open(av, &path, READ, 3);
        let failed = b.fails(victim, F, DELETE, ALL, SHARING);
        let finding = b.explain(failed);
        assert_eq!(named(&finding), expected.map(|grade| (av, grade)).into_iter().collect::<Vec<_>>(), "{path}");
        let cleared: Vec<_> = expected.is_none().then_some((av, Reason::SameNameOtherFile)).into_iter().collect();
        assert_eq!(reasons(&finding), cleared, "{path}");
    }
}

/// DP-3 likewise.
#[test]
fn an_untied_volume_may_keep_a_deleted_name() {
    let (mut b, victim, av, _) = cast();
    b.open(av, &F.replace("C:", r"\Device\HarddiskVolume3"), ATTRIBUTES, ALL);
    deletes(&mut b, victim, F);
    let failed = b.fails(victim, F, READ, ALL, PENDING);
    assert_eq!(named(&b.explain(failed)), [(av, Confidence::Possible)]);
}

/// RN-1: a rename or a link onto a directory is refused whoever has it open.
#[test]
fn nobody_is_behind_a_rename_onto_a_directory() {
    const D: &str = r"C:\Windows\WinSxS\Temp\InFlight\1\d";
    const DIRECTORY: u32 = 1;
    let folder = |options| open(READ, ALL, CreateDisposition::OPEN, options, Some(OpenResult::OPENED));
    let onto = |b: &mut Builder, victim: ProcessId, link: bool| {
        let (target, flags) = (Some(b.path(D)), RenameFlags::REPLACE_IF_EXISTS);
        let kind = if link {
            OpKind::Link { target, flags, ex: false, as_path: None }
        } else {
            OpKind::Rename { target, flags, ex: false, as_path: None }
        };
        b.refused(victim, F, NtStatus::ACCESS_DENIED, kind)
    };
    for link in [false, true] {
        let is_blamed = |shown: &dyn Fn(&mut Builder, ProcessId), create: Create| {
            let (mut b, victim, av, other) = cast();
            b.create(av, D, create, NtStatus::SUCCESS);
            shown(&mut b, other);
            let failed = onto(&mut b, victim, link);
            let finding = b.explain(failed);
            assert_eq!(finding.lock_class, finding.attribution == Attribution::Holders);
            named(&finding) == [(av, Confidence::Proven)]
        };
        assert!(is_blamed(&|_, _| (), folder(0)), "a file");
        assert!(!is_blamed(&|_, _| (), folder(DIRECTORY)));
        assert!(!is_blamed(&|b, who| _ = b.open(who, &format!(r"{D}\x"), READ, ALL), folder(0)));
        let query = OpKind::QueryStandard { links: 1, delete_pending: false, directory: true };
        assert!(!is_blamed(&|b, who| _ = b.does(who, D, query), folder(0)));
    }
}
