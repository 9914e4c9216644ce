//! Version 7 of the format (Windows XP): a real capture against Procmon's own CSV of it, event by event.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use pmlblame::capture::op::OpKind;
use pmlblame::capture::select::Selection;
use pmlblame::capture::source::Source;
use pmlblame::capture::{Capture, OpenOptions};
use pmlblame::import::{Column, Export, Input, Operation};
use pmlblame::nt::{AccessMask, NtStatus};
use pmlblame::pml::bytes::{DetailText, u8_at, u16_at, u32_at};
use pmlblame::pml::{Container, Event, EventClass, Host, Pml, PmlErrorKind};

fn noriben() -> Option<(Capture, Box<Export>)> {
    let path = places::shared_path("corpus/noriben-2013-v7.PML")?;
    let capture = Capture::open(&path, &OpenOptions::default()).unwrap();
    // The CSV shows local time, five hours behind UTC, and no date.
    let first = capture.span().unwrap().0.timestamp().unwrap().to_zoned(jiff::tz::Offset::constant(-5).to_time_zone());
    let options =
        pmlblame::import::OpenOptions { utc_offset: Some(-5 * 3600), date: Some(first.date()), ..Default::default() };
    match pmlblame::import::open(&path.with_extension("CSV"), &options).unwrap() {
        Input::Export(export) => Some((capture, export)),
        Input::Pml(_) => panic!("the CSV was taken for a capture"),
    }
}

/// The class, code and sub-code that a name can stand for.
fn same_operation(event: Event<'_>, named: Operation) -> bool {
    let sub = match event.class() {
        EventClass::FILE_SYSTEM => event.file().unwrap().sub_operation(),
        _ => 0,
    };
    let class = event.class();
    class == named.class && event.operation() == named.code && (named.sub == 0 || named.sub == sub)
}

fn counted(info: u16, bytes: &[u8]) -> (String, &[u8]) {
    let (text, rest) = DetailText::split(info, bytes).unwrap();
    (text.decode().into_owned(), rest)
}

/// The Path column of an event.
fn path_of(pml: Pml<'_>, event: Event<'_>) -> String {
    let detail = event.detail().unwrap();
    match event.class() {
        EventClass::FILE_SYSTEM => event.file().unwrap().path.decode().into_owned(),
        EventClass::REGISTRY => {
            let fixed = match event.operation() {
                0 | 1 => 8,
                3 | 5 => 12,
                4 | 6..=8 => 16,
                12 | 14 => 4,
                _ => 2,
            };
            counted(u16_at(detail, 0).unwrap(), &detail[fixed..]).0
        }
        EventClass::PROCESS if event.operation() == 1 => {
            let sids = usize::from(u8_at(detail, 44).unwrap()) + usize::from(u8_at(detail, 45).unwrap());
            let (image, _) = counted(u16_at(detail, 46).unwrap(), &detail[52 + sids..]);
            // The count includes the NUL in this version.
            assert!(image.ends_with('\0'), "{image:?}");
            image.trim_end_matches('\0').to_owned()
        }
        EventClass::NETWORK => {
            let flags = u16_at(detail, 0).unwrap();
            let hosts = &pml.container().hosts;
            let end = |address: usize, port: usize, is_ipv4: bool| {
                let bytes: [u8; 16] = detail[address..address + 16].try_into().unwrap();
                let named = hosts.hosts.iter().find(|host| host.address == bytes && !host.name.is_empty());
                let host = named.map_or_else(|| Host::ip(&bytes, is_ipv4).to_string(), |host| host.name.clone());
                let port = u16_at(detail, port).unwrap();
                let tcp = flags & 4 != 0;
                let named = hosts.ports.iter().find(|known| known.port == port && known.is_tcp == tcp);
                format!("{host}:{}", named.map_or_else(|| port.to_string(), |port| port.name.clone()))
            };
            format!("{} -> {}", end(8, 40, flags & 1 != 0), end(24, 42, flags & 2 != 0))
        }
        _ => String::new(),
    }
}

#[test]
fn every_row_is_its_event() {
    let Some((capture, export)) = noriben() else { return };
    let segment = &capture.segments()[0];
    assert_eq!((segment.pml().container().header.version, capture.event_count()), (7, 623));
    let mut rows = 0;
    let ended = export.rows(
        false,
        |row| {
            let text = |column| row.row.text(column).unwrap().into_owned();
            Some((
                row.operation,
                row.status,
                row.start,
                text(Column::Path),
                text(Column::Pid),
                text(Column::ProcessName),
            ))
        },
        |place, (operation, status, _, path, pid, name)| {
            let index = place.event;
            let event = capture.event(index).unwrap().unwrap();
            assert!(same_operation(event, operation), "{index:?}: {event:?} is not {operation:?}");
            assert_eq!(status, event.status(), "{index:?}");
            assert_eq!(path, path_of(segment.pml(), event), "{index:?}");
            let process = segment.pml().process(event.process_index()).unwrap();
            assert_eq!((pid, name), (process.pid.to_string(), segment.pml().string(process.name)), "{index:?}");
            rows += 1;
        },
    );
    assert_eq!((rows, ended.rows, ended.ended_early), (623, 623, None));
}

#[test]
fn operations_read_from_both_are_equal() {
    let Some((capture, export)) = noriben() else { return };
    let truth = capture.collect(&Selection::everything(), &capture.survey(), &|_| false);
    let log = export.collect(&Selection::everything(), &export.survey(), &|_| false);
    assert_eq!(log.ops.len(), truth.ops.len());
    let mut creates = 0;
    for (op, theirs) in log.ops.iter().zip(&truth.ops) {
        assert_eq!((op.event, op.status), (theirs.event, theirs.status));
        assert_eq!(log.paths.get(op.path), truth.paths.get(theirs.path));
        assert_eq!(op.start, theirs.start, "event {}", op.event.0);
        assert_eq!((op.end, op.thread), (None, None));
        match (op.kind, theirs.kind) {
            (OpKind::Create(mine), OpKind::Create(mut create)) => {
                create.access = create.access.map(|access| AccessMask(access.map_generic().0));
                assert_eq!(mine, create, "event {}", op.event.0);
                assert_eq!(mine.result.is_some(), op.status == NtStatus::SUCCESS);
                creates += 1;
            }
            (OpKind::SetDisposition { delete, .. }, OpKind::SetDisposition { delete: theirs, .. }) => {
                assert_eq!(delete, theirs);
            }
            (OpKind::ProcessCreate { child }, OpKind::ProcessCreate { child: theirs }) => {
                let (mine, theirs) = (&log.processes[child.0 as usize], &truth.processes[theirs.0 as usize]);
                assert_eq!((mine.pid, &mine.name), (theirs.pid, &theirs.name));
                assert_eq!(mine.parent_pid, theirs.parent_pid);
            }
            (mine, theirs) => assert_eq!(mine, theirs, "event {}", op.event.0),
        }
    }
    assert_eq!(creates, 65);
    let coverage = export.survey().coverage;
    assert!(coverage.has_detail && !coverage.has_durations);
}

#[test]
fn process_start_holds_the_parent_alone() {
    let Some((capture, _)) = noriben() else { return };
    let pml = capture.segments()[0].pml();
    let mut starts = 0;
    for n in 0..pml.event_count() {
        let event = pml.event(n).unwrap();
        if event.class() == EventClass::PROCESS && event.operation() == 7 {
            let detail = event.detail().unwrap();
            assert_eq!(detail.len(), 4);
            let process = pml.process(event.process_index()).unwrap();
            assert_eq!(u32_at(detail, 0), Some(process.parent_pid));
            starts += 1;
        }
    }
    assert_eq!(starts, 4);
}

#[test]
fn versions_never_seen_are_refused() {
    for version in [0u32, 1, 6, 8, 10, 255] {
        let mut file = b"PML_".to_vec();
        file.extend(version.to_le_bytes());
        file.resize(0x400, 0);
        let error = Container::parse(&file).unwrap_err();
        assert_eq!((error.kind.clone(), error.at), (PmlErrorKind::Version(version), 4));
        assert!(!error.is_damage());
        let text = error.to_string();
        assert_eq!(text, format!("header at offset 0x4: capture version {version} is not known"));
    }
}
