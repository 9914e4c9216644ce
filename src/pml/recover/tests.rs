use super::*;
use crate::pml::write::details::{Details, ImageLoad, NewProcess};
use crate::pml::write::{self, PmlWriter, RawEvent};
use std::io::Cursor;

const START: u64 = 133_097_178_574_401_234;

/// A small capture: three processes in the table, one more created during the capture.
fn writer(is_64_bit: bool, events: u32) -> PmlWriter<Cursor<Vec<u8>>> {
    let header = write::Header::new(is_64_bit, "TEST", r"C:\Windows");
    let mut pml = PmlWriter::new(Cursor::new(Vec::new()), header).unwrap();
    for (index, pid, name) in [(3, 4, "System"), (7, 812, "one.exe"), (9, 900, "two.exe")] {
        let name = pml.add_string(name).unwrap();
        pml.add_process(write::Process { index, pid, name, image_path: name, ..write::Process::default() });
    }
    let name = pml.add_string("new.exe").unwrap();
    let image_path = pml.add_string(r"C:\new.exe").unwrap();
    pml.add_process(write::Process { index: 20, pid: 2000, name, image_path, ..write::Process::default() });
    let details = Details::new(is_64_bit);
    let created = NewProcess {
        index: 20,
        pid: 2000,
        parent_index: 7,
        parent_pid: 812,
        image: r"C:\new.exe".to_owned(),
        command_line: "new.exe /x".to_owned(),
        ..NewProcess::default()
    };
    let stack: Vec<u64> = (0..5).map(|n| if is_64_bit { 0xFFFF_F800_0000_1000 + n } else { 0x8000_1000 + n }).collect();
    for n in 0..events {
        let body = match n {
            1 => details.process_create(&created, false),
            2 => details.load_image(&ImageLoad { base: 0x40_0000, size: 0x1000, path: r"C:\new.exe".to_owned() }),
            _ => details.plain(38, &format!(r"C:\folder\file {n}.txt")),
        };
        let extra = (n % 3 == 0).then(|| vec![0xAB; (n as usize % 7) * 4]);
        pml.event(&RawEvent {
            process_index: match n {
                2 => 20,
                n if n % 2 == 0 => 7,
                _ => 9,
            },
            tid: 100 + n,
            class: body.class,
            operation: body.operation,
            sequence: 1 + n,
            duration: 10,
            time: START + u64::from(n) * 1000,
            stack: if n % 4 == 0 { &stack } else { &[] },
            detail: &body.detail,
            extra: extra.as_deref(),
            ..RawEvent::default()
        })
        .unwrap();
    }
    pml
}

fn offsets(data: &[u8]) -> Vec<u64> {
    let header = Header::parse(data).unwrap();
    array(data, &header).collect()
}

fn not_closed(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    data[0x248..0x268].fill(0);
    data[0x3A0..0x3A8].fill(0);
    data
}

fn rescued(data: &[u8]) -> (Container, RescueReport) {
    let cause = Container::parse(data).and_then(|container| check(data, &container)).unwrap_err();
    rescue(data, cause).unwrap()
}

fn places(container: &Container) -> Vec<u64> {
    container.offsets.as_ref().unwrap().iter().collect()
}

#[test]
fn an_abandoned_capture_gives_all_its_events_and_what_they_tell() {
    for wide in [true, false] {
        let whole = writer(wide, 50).finish().unwrap().into_inner();
        let data = writer(wide, 50).abandon().unwrap().into_inner();
        let (container, report) = rescued(&data);
        assert_eq!(places(&container), offsets(&whole));
        assert_eq!((report.events, report.strings), (50, TableState::Lost));
        let walk = report.walk.unwrap();
        assert_eq!((walk.skipped, walk.places, walk.cut_event), (0, 0, false));
        let counts = report.processes;
        assert_eq!((counts.rebuilt, counts.pid_only, counts.nameless, counts.modules), (1, 1, 1, 1));
        assert_eq!((counts.from_table, counts.events_named), (0, 1));
        let pml = crate::pml::Pml::new(&data, &container);
        let new = pml.process(20).unwrap();
        assert_eq!((new.pid, new.parent_pid, new.parent_index), (2000, 812, 7));
        let text = |index| pml.string(index);
        assert_eq!((text(new.name), text(new.command_line)), ("new.exe".to_owned(), "new.exe /x".to_owned()));
        assert_eq!(text(new.modules[0].path), r"C:\new.exe");
        assert_eq!(pml.process(7).unwrap().pid, 812);
        assert_eq!(pml.process(9).unwrap().pid, UNKNOWN_PID);
    }
}

#[test]
fn a_reserved_tail_is_counted_as_zeros() {
    let mut data = writer(true, 10).abandon().unwrap().into_inner();
    data.resize(data.len() + 100_000, 0);
    let (container, report) = rescued(&data);
    assert_eq!(container.header.events, 10);
    let walk = report.walk.unwrap();
    assert_eq!((walk.skipped, walk.zero_tail, walk.cut_event), (0, 100_000, false));
}

#[test]
fn a_cut_capture_gives_every_event_that_is_whole() {
    for wide in [true, false] {
        let whole = writer(wide, 12).finish().unwrap().into_inner();
        let starts = offsets(&whole);
        let array = Header::parse(&whole).unwrap().event_offsets;
        let (container, _) = (Container::parse(&whole).unwrap(), ());
        let pml = crate::pml::Pml::new(&whole, &container);
        let ends: Vec<u64> = (0..12)
            .map(|n| {
                let event = pml.event(n).unwrap();
                event.offset()
                    + event.record_length()
                    + event.extra().unwrap().map_or(0, |extra| 2 + extra.len() as u64)
            })
            .collect();
        for size in 0..whole.len() {
            let data = &whole[..size];
            let error = Container::parse(data).unwrap_err();
            let expected = ends.iter().filter(|end| **end <= size as u64).count();
            match rescue(data, error) {
                Ok((container, report)) => {
                    assert_eq!(report.events as usize, expected, "{size}");
                    match &container.offsets {
                        Some(list) => assert!(list.iter().eq(starts.iter().copied().take(expected)), "{size}"),
                        None => assert!(size as u64 >= array + 60, "{size}"),
                    }
                }
                Err(_) => assert_eq!(expected, 0, "{size}"),
            }
        }
    }
}

#[test]
fn a_damaged_array_is_replaced_and_sound_tables_are_kept() {
    let mut data = writer(true, 40).finish().unwrap().into_inner();
    let starts = offsets(&data);
    let whole = Container::parse(&data).unwrap();
    let at = whole.header.event_offsets as usize;
    data[at + 20..at + 60].fill(0xFF);
    let cause = PmlError::new(at as u64, crate::pml::Region::EventOffsets, PmlErrorKind::NotClosed);
    let (container, report) = rescue(&data, cause).unwrap();
    assert_eq!(places(&container), starts);
    assert_eq!(container.processes, whole.processes);
    assert_eq!((report.strings, report.process_table), (TableState::Intact, TableState::Intact));
    assert_eq!(report.processes.from_table, 4);
    assert_eq!(report.walk.unwrap().skipped, 0);
}

#[test]
fn damaged_strings_and_processes_are_lost_one_by_one() {
    let good = writer(true, 10).finish().unwrap().into_inner();
    let whole = Container::parse(&good).unwrap();
    let table = whole.header.string_table as usize;

    // One string's length lies.
    let mut data = good.clone();
    let second = u32::from_le_bytes(data[table + 12..table + 16].try_into().unwrap()) as usize;
    data[table + second..table + second + 4].fill(0xEE);
    let (container, report) = rescued(&data);
    assert_eq!(report.strings, TableState::Partial { lost: 1 });
    assert!(report.walk.is_none(), "the array is sound");
    let names: Vec<String> =
        container.processes.iter().map(|p| crate::pml::Pml::new(&data, &container).string(p.name)).collect();
    assert_eq!(names, ["System", "", "two.exe", "new.exe"]);

    // The count lies: the first offset tells the right one.
    let mut data = good.clone();
    data[table..table + 4].fill(0x7F);
    let (container, report) = rescued(&data);
    assert_eq!(report.strings, TableState::Intact);
    assert_eq!(container.strings, whole.strings);

    // One process record's module count lies.
    let table = whole.header.process_table as usize;
    let mut data = good;
    let second = u32::from_le_bytes(data[table + 24..table + 28].try_into().unwrap()) as usize;
    data[table + second + 0x68..table + second + 0x6C].fill(0xEE);
    let (container, report) = rescued(&data);
    assert_eq!(report.process_table, TableState::Partial { lost: 1 });
    let indices: Vec<u32> = container.processes.iter().map(|process| process.index).collect();
    assert_eq!(indices, [3, 7, 9, 20]);
    assert_eq!(container.processes[1].pid, 812, "from the event that made its child");
    assert_eq!((report.processes.from_table, report.processes.pid_only), (3, 1));
}

#[test]
fn tables_with_a_wiped_head_are_counted_by_their_entries() {
    for wide in [true, false] {
        let good = writer(wide, 10).finish().unwrap().into_inner();
        let whole = Container::parse(&good).unwrap();
        let strings = whole.header.string_table as usize;
        let processes = whole.header.process_table as usize;
        let entries = whole.strings.len();
        assert_eq!((entries, whole.processes.len()), (6, 4));
        for fill in [0, 0xFF, 0x05] {
            // Count and every offset are gone.
            let mut data = good.clone();
            data[strings..strings + 4 + 4 * entries].fill(fill);
            let (container, report) = rescued(&data);
            assert_eq!((report.strings, report.process_table), (TableState::Intact, TableState::Intact), "{fill}");
            assert_eq!((&container.strings, &container.processes), (&whole.strings, &whole.processes));

            // Count, numbers and offsets of the processes are gone.
            let mut data = good.clone();
            data[processes..processes + 4 + 8 * 4].fill(fill);
            let (container, report) = rescued(&data);
            assert_eq!((report.strings, report.process_table), (TableState::Intact, TableState::Intact), "{fill}");
            assert_eq!((&container.strings, &container.processes), (&whole.strings, &whole.processes));
            assert_eq!((report.processes.from_table, report.processes.rebuilt), (4, 0));

            // Both.
            data[strings..strings + 4 + 4 * entries].fill(fill);
            let (container, _) = rescued(&data);
            assert_eq!((&container.strings, &container.processes), (&whole.strings, &whole.processes));

            // A record is hit as well: it alone is lost.
            let record = processes + 4 + 8 * 4;
            data[record + 4..record + 8].fill(0x33);
            let (container, report) = rescued(&data);
            assert_eq!((report.strings, report.process_table), (TableState::Intact, TableState::Partial { lost: 1 }));
            assert_eq!((report.processes.rebuilt, report.processes.from_table), (0, 3));
            assert_eq!(container.processes, whole.processes[1..], "{fill}");
        }
    }
}

#[test]
fn a_count_that_is_too_small_hides_no_event() {
    for wide in [true, false] {
        let good = writer(wide, 10).finish().unwrap().into_inner();
        let whole = Container::parse(&good).unwrap();
        for count in [0, 1, 9] {
            let mut data = good.clone();
            data[0x234..0x238].copy_from_slice(&u32::to_le_bytes(count));
            let (container, report) = rescued(&data);
            assert_eq!((report.events, report.events_by_header), (10, count));
            assert_eq!((report.walk, container.header.events), (None, 10));
            assert_eq!((&container.strings, &container.processes), (&whole.strings, &whole.processes));
        }
        // The count of processes alone: their numbers and offsets stand.
        let mut data = good.clone();
        let processes = whole.header.process_table as usize;
        data[processes..processes + 4].fill(0);
        let (container, report) = rescued(&data);
        assert_eq!((report.process_table, &container.processes), (TableState::Intact, &whole.processes));
    }
}

#[test]
fn tables_are_found_where_they_must_lie() {
    for wide in [true, false] {
        let good = writer(wide, 10).finish().unwrap().into_inner();
        let whole = Container::parse(&good).unwrap();
        let fields = [0x248, 0x250, 0x258, 0x260, 0x3A0];
        // Every set of lost places, zero or wild; the count of events stays, or goes as well.
        for lost in 1..1u32 << fields.len() {
            for (fill, count) in [(0u8, false), (0xFF, false), (0, true)] {
                let mut data = good.clone();
                for (bit, at) in fields.iter().enumerate() {
                    if lost & 1 << bit != 0 {
                        data[*at..*at + 8].fill(fill);
                    }
                }
                // Without the count, the array can only be found with all that stands behind it.
                if count {
                    if lost != 31 {
                        continue;
                    }
                    data[0x234..0x238].fill(0);
                }
                let (container, report) = rescued(&data);
                assert_eq!(container.header, whole.header, "{lost:05b} {fill:#x}");
                assert_eq!([report.strings, report.process_table, report.hosts], [TableState::Intact; 3]);
                assert_eq!((&container.strings, &container.processes), (&whole.strings, &whole.processes));
                assert_eq!((&container.hosts, report.walk), (&whole.hosts, None));
                assert_eq!(report.events, 10);
            }
        }
    }
}

#[test]
fn a_damaged_event_costs_only_itself() {
    let good = writer(true, 40).abandon().unwrap().into_inner();
    let whole = writer(true, 40).finish().unwrap().into_inner();
    let starts = offsets(&whole);
    let all_but = |n: usize| -> Vec<u64> { starts.iter().copied().filter(|start| *start != starts[n]).collect() };
    // Its head is wiped.
    let mut data = good.clone();
    data[starts[17] as usize..starts[17] as usize + 0x34].fill(0xEE);
    let (container, report) = rescued(&data);
    assert_eq!(places(&container), all_but(17));
    let walk = report.walk.unwrap();
    assert_eq!((walk.places, walk.first_place), (1, Some(starts[17])));
    assert_eq!(walk.skipped, starts[18] - starts[17]);
    // Its detail size lies and swallows its neighbours.
    let mut data = good;
    data[starts[17] as usize + 0x2C..starts[17] as usize + 0x30].copy_from_slice(&600u32.to_le_bytes());
    let (container, _) = rescued(&data);
    assert_eq!(places(&container), all_but(17));
}

#[test]
fn extra_blocks_elsewhere_are_stepped_over() {
    let whole = writer(true, 30).finish().unwrap().into_inner();
    let container = Container::parse(&whole).unwrap();
    let pml = crate::pml::Pml::new(&whole, &container);
    // Every extra block goes behind the second record after its own.
    let mut data = whole[..HEADER_SIZE].to_vec();
    let mut waiting: Vec<(u32, usize, Vec<u8>)> = Vec::new();
    let mut starts = Vec::new();
    for n in 0..30 {
        let event = pml.event(n).unwrap();
        let at = data.len();
        starts.push(at as u64);
        let record = event.offset() as usize..(event.offset() + event.record_length()) as usize;
        data.extend_from_slice(&whole[record]);
        if let Some(extra) = event.extra().unwrap() {
            let mut block = (extra.len() as u16).to_le_bytes().to_vec();
            block.extend_from_slice(extra);
            waiting.push((n + 2, at, block));
        }
        waiting.retain(|(due, at, block)| {
            if *due <= n {
                let offset = (data.len() - at) as u32;
                data[at + 0x30..at + 0x34].copy_from_slice(&offset.to_le_bytes());
                data.extend_from_slice(block);
            }
            *due > n
        });
    }
    assert!(waiting.is_empty());
    let data = not_closed(&data);
    let (container, report) = rescued(&data);
    assert_eq!(places(&container), starts);
    let walk = report.walk.unwrap();
    assert_eq!((walk.skipped, walk.places), (0, 0));
    let moved = crate::pml::Pml::new(&data, &container);
    for n in 0..30 {
        assert_eq!(moved.event(n).unwrap().extra().unwrap(), pml.event(n).unwrap().extra().unwrap());
    }
}

#[test]
fn the_64_bit_flag_is_guessed() {
    for wide in [true, false] {
        let mut data = writer(wide, 20).finish().unwrap().into_inner();
        data[8..12].fill(0x55);
        let (container, report) = rescued(&data);
        assert!(report.pointer_guessed);
        assert_eq!(container.header.pointer == PointerSize::Eight, wide);
        assert_eq!((container.header.events, container.processes.len()), (20, 4));
    }
}

#[test]
fn what_is_no_capture_stays_none() {
    for data in [&b""[..], b"PK\x03\x04", b"PML_\x08\0\0\0", b"PML_\x09\0\0\0\x01\0\0\0"] {
        let error = Container::parse(data).unwrap_err();
        assert_eq!(rescue(data, error.clone()).unwrap_err(), error);
    }
}

#[test]
fn work_is_bounded_by_the_size_of_hostile_files() {
    // Records that begin at every byte, point their extra blocks far ahead, and never end well.
    let good = writer(true, 40).abandon().unwrap().into_inner();
    let record = &good[HEADER_SIZE..HEADER_SIZE + 0x34];
    for fill in [0u8, 1, 3, 0xFF] {
        let mut data = good[..HEADER_SIZE].to_vec();
        while data.len() < 200_000 {
            data.extend_from_slice(record);
            data.resize(data.len() + (data.len() % 13), fill);
        }
        let cause = PmlError::new(0, crate::pml::Region::Header, PmlErrorKind::NotClosed);
        if let Ok((_, report)) = rescue(&data, cause) {
            let work = report.walk.unwrap().work;
            assert!(work < 4 * data.len() as u64, "{work} for {}", data.len());
        }
    }
}
