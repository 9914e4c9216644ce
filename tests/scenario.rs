//! The scenario format: what a text builds, and what a faulty one is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::Cursor;

use pmlblame::cli::exit::Exit;
use pmlblame::cli::make::{MakeArgs, run};
use pmlblame::lang::Lang;
use pmlblame::nt::NtStatus;
use pmlblame::pml::write::grow::{Growth, grow};
use pmlblame::pml::write::{Header, PmlWriter, Process, RawEvent, WriteError};
use pmlblame::pml::{Container, Pml};
use pmlblame::scenario::{BuildError, ScenarioErrorKind, build_bytes, parse};

const HEAD: &str = "start 2022-10-08T05:50:40Z\nprocess 3560 TiWorker.exe\n  image C:\\a\\TiWorker.exe base=0x10000\n";

/// Line, column and kind of the fault in `HEAD` and `lines`; line 1 is the first of `lines`.
fn fault(lines: &str) -> (usize, usize, ScenarioErrorKind) {
    match build_bytes(&format!("{HEAD}{lines}")) {
        Err(BuildError::Scenario(fault)) => (fault.line - 3, fault.column, fault.kind),
        other => panic!("{other:?}"),
    }
}

#[test]
fn faults_name_line_column_and_word() {
    use ScenarioErrorKind as K;
    let word = |text: &str| text.to_owned();
    let cases: &[(&str, usize, usize, K)] = &[
        ("\nproces 1 x", 2, 1, K::UnknownDirective(word("proces"))),
        ("+1 TiWorker.exe CreateFiel C:\\a", 1, 17, K::UnknownOperation(word("CreateFiel"))),
        ("+1 Tiworker CloseFile C:\\a", 1, 4, K::UnknownProcess(word("Tiworker"))),
        ("+1 TiWorker.exe CloseFile", 1, 1, K::MissingArgument("path")),
        ("+1 TiWorker.exe CloseFile C:\\a share=R", 1, 32, K::UnknownArgument(word("share"))),
        (
            "+1 TiWorker.exe CreateFile C:\\a share=R access=DELET",
            1,
            41,
            K::BadValue { expected: "a list of known names", found: word("DELET") },
        ),
        ("+1 TiWorker.exe CreateFile C:\\a share=R", 1, 1, K::MissingArgument("access")),
        (
            "+1 TiWorker.exe CloseFile C:\\a -> NO SUCH RESULT",
            1,
            35,
            K::BadValue { expected: "a result as Procmon shows it", found: word("NO SUCH RESULT") },
        ),
        ("+1 TiWorker.exe CloseFile ${X}", 1, 27, K::UnknownVariable(word("X"))),
        ("+1 TiWorker.exe CloseFile \"C:\\a", 1, 27, K::Unclosed('"')),
        ("+1 TiWorker.exe CloseFile C:\\a stack=nt.exe+0x1", 1, 32, K::UnknownModule(word("nt.exe"))),
        ("+1 TiWorker.exe CloseFile C:\\a stack=@x", 1, 32, K::UnknownStack(word("x"))),
        (
            "+1 TiWorker.exe CloseFile C:\\a stack=TiWorker.exe+0x80000",
            1,
            32,
            K::BadValue { expected: "an offset inside the module", found: word("TiWorker.exe+0x80000") },
        ),
        ("bits 32", 1, 1, K::TooLate),
        ("let X = 1\n  session 4", 2, 3, K::Indented),
        ("process 3560 TiWorker.exe", 1, 9, K::Duplicate(word("TiWorker.exe/3560"))),
        ("process 9 TiWorker.exe\n+1 TiWorker.exe CloseFile C:\\a", 2, 4, K::AmbiguousProcess(word("TiWorker.exe"))),
        ("include other", 1, 9, K::Include { name: word("other"), reason: word("no files here") }),
        ("stack a = @a\n+1 TiWorker.exe CloseFile C:\\a stack=@a", 2, 32, K::UnknownStack(word("a"))),
    ];
    for (lines, line, column, kind) in cases {
        assert_eq!(fault(lines), (*line, *column, kind.clone()), "{lines}");
    }
    let early = build_bytes("+1 System CloseFile C:\\a").unwrap_err();
    assert!(matches!(early, BuildError::Scenario(fault) if fault.kind == K::NoStart));
}

#[test]
fn a_fault_in_an_included_file_names_that_file() {
    let text = format!("{HEAD}include base.inc\n");
    let include = |name: &str| if name == "base.inc" { Ok("\n\nnonsense\n".to_owned()) } else { Err(String::new()) };
    let fault = parse(&text, &include).unwrap_err();
    assert_eq!((fault.file.as_deref(), fault.line, fault.column), (Some("base.inc"), 3, 1));
}

#[test]
fn events_come_out_as_written_down() {
    let bytes = build_bytes(&format!(
        "{HEAD}kernel C:\\Windows\\ntoskrnl.exe base=0xfffff80300000000 size=0x1000\n\
         +2.0000001 TiWorker.exe:77 CreateFile C:\\文件.dll access=DELETE share=RWD -> DELETE PENDING dur=15us \
         stack=ntoskrnl.exe+0x10,TiWorker.exe+0x20\n\
         +1 TiWorker.exe NotifyChangeDirectory C:\\ -> PENDING\n\
         +1.5 gap 9\n\
         +3 TiWorker.exe CloseFile C:\\x repeat=3 every=0.5\n"
    ))
    .unwrap();
    let container = Container::parse(&bytes).unwrap();
    let pml = Pml::new(&bytes, &container);
    assert_eq!(pml.event_count(), 5);
    let pending = pml.event(0).unwrap();
    assert_eq!((pending.sequence(), pending.status(), pending.duration()), (1, NtStatus::PENDING, None));
    assert_eq!(pending.thread_id(), 3564);
    let open = pml.event(1).unwrap();
    assert_eq!((open.sequence(), open.thread_id(), open.status()), (11, 77, NtStatus::DELETE_PENDING));
    assert_eq!(open.time().to_rfc3339(), "2022-10-08T05:50:42.0000001Z");
    assert_eq!(open.duration().map(|ticks| ticks.0), Some(150));
    assert_eq!(open.stack().unwrap().iter().collect::<Vec<_>>(), [0xFFFF_F803_0000_0010, 0x1_0020]);
    assert_eq!(open.extra().unwrap(), None);
    assert_eq!(pml.event(4).unwrap().time().to_rfc3339(), "2022-10-08T05:50:44.0000000Z");
    let worker = pml.process(open.process_index()).unwrap();
    assert_eq!((worker.pid, pml.string(worker.name)), (3560, "TiWorker.exe".to_owned()));
}

#[test]
fn make_writes_whole_files_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let args = MakeArgs { scenario: folder.path().join("a.scenario"), output: folder.path().join("a.PML") };
    let said = |args: &MakeArgs, lang| run(args, lang).unwrap_err().message(lang);
    let unread = said(&args, Lang::En);
    assert!(unread.starts_with("cannot read ") && unread.contains("a.scenario"), "{unread}");

    fs::write(&args.scenario, format!("{HEAD}+1 TiWorker.exe CloseFile C:\\a\n")).unwrap();
    assert_eq!(run(&args, Lang::En).unwrap(), Exit::Done);
    let before = fs::read(&args.output).unwrap();

    fs::write(&args.scenario, format!("{HEAD}+1 TiWorker.exe CloseFile\n")).unwrap();
    let told = said(&args, Lang::ZhCn);
    assert_eq!(told, format!("{}:4:1：缺少 path", args.scenario.display()));
    assert_eq!(fs::read(&args.output).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a temporary file was left");

    let nowhere = MakeArgs { output: folder.path().join("none/a.PML"), ..args };
    fs::write(&nowhere.scenario, HEAD).unwrap();
    assert!(said(&nowhere, Lang::En).contains("cannot be written"));
}

#[test]
fn offsets_beyond_8_gib_are_40_bits_wide() {
    // The holes are not stored: the file is sparse on the file systems that know how.
    let file = tempfile::tempfile().unwrap();
    let mut pml = PmlWriter::new(file, Header::new(true, "BIG", r"C:\Windows")).unwrap();
    let name = pml.add_string("a.exe").unwrap();
    pml.add_process(Process { index: 7, pid: 8, name, ..Process::default() });
    let detail = 5_u32.to_le_bytes();
    let event = RawEvent {
        process_index: 7,
        tid: 1,
        class: 1,
        operation: 3,
        time: 1000,
        sequence: 1,
        detail: &detail,
        ..RawEvent::default()
    };
    let growth =
        Growth { events: 5, time_step: 10, sequence_step: 1, hole_every: 1, hole_bytes: 3 << 30, ..Growth::default() };
    assert_eq!(grow(&mut pml, [event].into_iter(), &growth).unwrap(), 5);
    assert!(pml.position() > 12 << 30);
    let mut file = pml.finish().unwrap();
    let map = {
        use std::io::{Read, Seek, SeekFrom};
        let mut header = [0; 0x3A8];
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_exact(&mut header).unwrap();
        let at = u64::from_le_bytes(header[0x248..0x250].try_into().unwrap());
        file.seek(SeekFrom::Start(at)).unwrap();
        let mut offsets = [0; 25];
        file.read_exact(&mut offsets).unwrap();
        let last = offsets[20..].iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        assert_eq!(last, 0x3A8 + 4 * (0x34 + 4) + 4 * (3 << 30));
        assert_eq!(offsets[24], 3, "bits 32 to 39");
        let mut record = [0; 0x38];
        file.seek(SeekFrom::Start(last)).unwrap();
        file.read_exact(&mut record).unwrap();
        record
    };
    assert_eq!(u64::from_le_bytes(map[0x1C..0x24].try_into().unwrap()), 1040);
    assert_eq!(u32::from_le_bytes(map[0x10..0x14].try_into().unwrap()), 5);
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold() {
    let fresh = |wide| PmlWriter::new(Cursor::new(Vec::new()), Header::new(wide, "A", r"C:\Windows")).unwrap();
    let mut pml = fresh(false);
    let wide = RawEvent { stack: &[0x1_0000_0000], detail: &[0; 4], ..RawEvent::default() };
    assert!(matches!(pml.event(&wide), Err(WriteError::WideAddress(0x1_0000_0000))));
    let long = vec![0; 0x1_0000];
    let extra = RawEvent { extra: Some(&long), detail: &[0; 4], ..RawEvent::default() };
    assert!(matches!(pml.event(&extra), Err(WriteError::TooLong { what: "extra detail", len: 0x1_0000 })));
    let mut pml = fresh(true);
    pml.event(&RawEvent { process_index: 9, detail: &[0; 4], ..RawEvent::default() }).unwrap();
    assert!(matches!(pml.finish(), Err(WriteError::MissingProcess(9))));
    let mut pml = fresh(true);
    pml.add_process(Process::default());
    pml.add_process(Process::default());
    assert!(matches!(pml.finish(), Err(WriteError::DuplicateProcess(0))));
    let mut pml = fresh(true);
    pml.skip(1 << 40).unwrap();
    assert!(matches!(pml.event(&RawEvent::default()), Err(WriteError::TooFar(_))));
}

#[test]
fn an_abandoned_capture_has_events_and_no_tables() {
    let mut pml = PmlWriter::new(Cursor::new(Vec::new()), Header::new(true, "A", r"C:\Windows")).unwrap();
    pml.event(&RawEvent { class: 1, operation: 3, detail: &[1, 0, 0, 0], ..RawEvent::default() }).unwrap();
    let bytes = pml.abandon().unwrap().into_inner();
    assert_eq!(bytes.len(), 0x3A8 + 0x34 + 4);
    assert_eq!(bytes[0x240..0x248], 0x3A8_u64.to_le_bytes());
    assert_eq!(bytes[0x248..0x268], [0; 32]);
    assert_eq!(bytes[0x3A0..0x3A8], [0; 8]);
}
