//! Rescue of real captures, damaged on purpose: compared with the undamaged ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use places::corpus;
use pmlblame::pml::recover::{self, TableState};
use pmlblame::pml::{Container, Event, Header, Pml, PmlError, PmlErrorKind, Region};

const CAPTURES: [(&str, u32); 5] = [
    ("LogfileTests64bitUTC.PML", 53_214),
    ("LogfileTests32bitUTC.PML", 32_930),
    ("LogFileUTC64Filesystem.PML", 31_569),
    ("LogFileUTC64Process.PML", 3_400),
    ("noriben-2013-v7.PML", 623),
];

fn places(pml: Pml<'_>) -> Vec<u64> {
    (0..pml.event_count()).map(|n| pml.event_offset(n).unwrap()).collect()
}

/// As a killed Procmon leaves it: no tables, no offsets of any, and the event count not to be relied on.
fn not_closed(data: &[u8], end_of_events: u64) -> Vec<u8> {
    let mut data = header_wiped(data);
    data.truncate(end_of_events as usize);
    data
}

/// Everything is there, but the header no longer tells where.
fn header_wiped(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    data[0x234..0x238].fill(0);
    data[0x248..0x268].fill(0);
    data[0x3A0..0x3A8].fill(0);
    data
}

fn end(event: Event<'_>) -> u64 {
    event.offset() + event.record_length() + event.extra().unwrap().map_or(0, |extra| 2 + extra.len() as u64)
}

#[test]
fn the_walk_finds_exactly_the_events_of_the_array() {
    let Some(corpus) = corpus() else { return };
    for (name, events) in CAPTURES {
        let data = std::fs::read(corpus.join(name)).unwrap();
        let container = Container::parse(&data).unwrap();
        let expected = places(Pml::new(&data, &container));
        recover::check(&data, &container).unwrap();

        // Nothing but the header's places is gone: the tables are where they must be.
        let damaged = header_wiped(&data);
        let (found, report) = recover::rescue(&damaged, Container::parse(&damaged).unwrap_err()).unwrap();
        assert_eq!(places(Pml::new(&damaged, &found)), expected, "{name}");
        assert_eq!(
            (&found.processes, &found.strings, &found.hosts),
            (&container.processes, &container.strings, &container.hosts)
        );
        assert_eq!(found.header, container.header, "{name}");
        assert_eq!(report.walk, None, "{name}: the file's own array was found");
        assert_eq!([report.strings, report.process_table, report.hosts], [TableState::Intact; 3]);
        assert_eq!((report.events, report.events_by_header), (events, 0), "{name}");

        // The capture of 2013 holds one record more, a process creation behind the last event that its array lists.
        let unlisted: &[u64] = if name.starts_with("noriben") { &[125_668] } else { &[] };
        let expected = [&expected, unlisted].concat();
        let events = events + unlisted.len() as u32;
        let last = Event::new(&data, *expected.last().unwrap(), 0, container.header.pointer).unwrap();
        let damaged = not_closed(&data, end(last));
        let (rescued, report) = recover::rescue(&damaged, Container::parse(&damaged).unwrap_err()).unwrap();
        assert_eq!(places(Pml::new(&damaged, &rescued)), expected, "{name}");
        assert_eq!((report.events, report.events_by_header), (events, 0), "{name}");
        let walk = report.walk.unwrap();
        assert_eq!((walk.places, walk.skipped, walk.zero_tail, walk.cut_event), (0, 0, 0, false), "{name}: {walk:?}");
        assert!(walk.work < 3 * data.len() as u64, "{name}: {walk:?}");
        println!("{name}: {walk:?} {:?}", report.processes);

        // The array alone is damaged: the tables are used as they are.
        let mut damaged = data.clone();
        let at = container.header.event_offsets as usize;
        damaged[at + 100..at + 612].fill(0);
        let parsed = Container::parse(&damaged).unwrap();
        let cause = recover::check(&damaged, &parsed).unwrap_err();
        assert_eq!(cause.region, Region::EventOffsets);
        let (rescued, report) = recover::rescue(&damaged, cause).unwrap();
        assert_eq!(places(Pml::new(&damaged, &rescued)), expected, "{name}");
        assert_eq!(rescued.processes, container.processes);
        assert_eq!((report.strings, report.process_table), (TableState::Intact, TableState::Intact));
        assert_eq!(report.walk.unwrap().skipped, 0);
    }
}

#[test]
fn a_capture_cut_at_seventy_percent_gives_every_whole_event() {
    let Some(corpus) = corpus() else { return };
    for (name, _) in CAPTURES {
        let data = std::fs::read(corpus.join(name)).unwrap();
        let container = Container::parse(&data).unwrap();
        let pml = Pml::new(&data, &container);
        // Of the events: in one capture the tables are so large that 70 % of the file would hold them all.
        let size = container.header.event_offsets as usize * 7 / 10;
        let cut = &data[..size];
        let expected: Vec<u64> = (0..pml.event_count())
            .map(|n| pml.event(n).unwrap())
            .filter(|event| end(*event) <= cut.len() as u64)
            .map(Event::offset)
            .collect();
        let (rescued, report) = recover::rescue(cut, Container::parse(cut).unwrap_err()).unwrap();
        assert_eq!(places(Pml::new(cut, &rescued)), expected, "{name}");
        let walk = report.walk.unwrap();
        assert_eq!((walk.places, walk.cut_event), (0, true), "{name}: {walk:?}");
    }
}

/// The share of processes and events that can be named again, as far as each capture goes.
#[test]
fn processes_are_rebuilt_as_far_as_events_tell() {
    let Some(corpus) = corpus() else { return };
    // Rebuilt fully, PID only, nameless; events of processes with an image; of the table's processes with the right
    // image, and with the right PID. Five created processes are not in the table of the first: no event of theirs was
    // saved.
    let expected = [
        ("LogFileUTC64Process.PML", [44, 4, 26], 2_676, [39, 43]),
        ("LogfileTests64bitUTC.PML", [3, 2, 19], 5_612, [3, 5]),
    ];
    for (name, counts, named, right) in expected {
        let data = std::fs::read(corpus.join(name)).unwrap();
        let whole = Container::parse(&data).unwrap();
        let original = Pml::new(&data, &whole);
        let damaged = not_closed(&data, whole.header.event_offsets);
        let (rescued, report) = recover::rescue(&damaged, Container::parse(&damaged).unwrap_err()).unwrap();
        let found = report.processes;
        println!("{name}: {found:?}");
        assert_eq!([found.rebuilt, found.pid_only, found.nameless], counts, "{name}");
        assert_eq!(found.events_named, named, "{name}");
        let mut agree = [0, 0];
        let pml = Pml::new(&damaged, &rescued);
        for process in rescued.processes.iter().filter(|process| process.pid != recover::UNKNOWN_PID) {
            let Some(true_one) = original.process(process.index) else { continue };
            assert_eq!(process.pid, true_one.pid);
            agree[1] += 1;
            let (path, true_path) = (pml.string(process.image_path), original.string(true_one.image_path));
            if path.contains('\\') {
                agree[0] += 1;
                assert_eq!(path, true_path);
                assert_eq!(pml.string(process.name), original.string(true_one.name));
                assert_eq!(pml.string(process.command_line), original.string(true_one.command_line));
            }
        }
        assert_eq!(agree, right, "{name}");
    }
}

#[test]
fn moved_extra_blocks_are_found_again() {
    let Some(corpus) = corpus() else { return };
    let data = std::fs::read(corpus.join("LogFileUTC64Filesystem.PML")).unwrap();
    let container = Container::parse(&data).unwrap();
    let pml = Pml::new(&data, &container);
    let mut out = data[..0x3A8].to_vec();
    let mut waiting: Vec<(u32, usize, Vec<u8>)> = Vec::new();
    let mut starts = Vec::new();
    let mut random = 12_345u64;
    for n in 0..pml.event_count() {
        let event = pml.event(n).unwrap();
        let at = out.len();
        starts.push(at as u64);
        out.extend_from_slice(&data[event.offset() as usize..(event.offset() + event.record_length()) as usize]);
        if let Some(extra) = event.extra().unwrap() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Three in ten go up to 400 records further on.
            let later = if (random >> 33) % 10 < 3 { 1 + ((random >> 40) % 400) as u32 } else { 0 };
            let mut block = (extra.len() as u16).to_le_bytes().to_vec();
            block.extend_from_slice(extra);
            waiting.push((n + later, at, block));
        }
        waiting.retain(|(due, at, block)| {
            if *due <= n {
                let offset = (out.len() - at) as u32;
                out[at + 0x30..at + 0x34].copy_from_slice(&offset.to_le_bytes());
                out.extend_from_slice(block);
            }
            *due > n
        });
    }
    for (_, at, block) in waiting {
        let offset = (out.len() - at) as u32;
        out[at + 0x30..at + 0x34].copy_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&block);
    }
    let out = header_wiped(&out);
    let (rescued, report) = recover::rescue(&out, Container::parse(&out).unwrap_err()).unwrap();
    assert_eq!(places(Pml::new(&out, &rescued)), starts);
    let walk = report.walk.unwrap();
    assert_eq!((walk.skipped, walk.lost_extras), (0, 0));
}

#[test]
fn a_rescue_of_what_is_no_capture_gives_the_first_error() {
    let cause = PmlError::clone(&Header::parse(b"hello").unwrap_err());
    assert!(matches!(cause.kind, PmlErrorKind::NotPml { .. }));
    assert_eq!(recover::rescue(b"hello", cause.clone()).unwrap_err(), cause);
}

#[test]
fn a_flipped_64_bit_flag_is_seen_by_the_stacks() {
    for name in ["bits32", "two-holders", "no-failure"] {
        let good = std::fs::read(places::samples().join(name).with_extension("PML")).unwrap();
        let whole = Container::parse(&good).unwrap();
        let mut data = good.clone();
        data[8] ^= 1;
        let cause = Container::parse(&data).and_then(|found| recover::check(&data, &found)).unwrap_err();
        let (container, report) = recover::rescue(&data, cause).unwrap();
        assert!(report.pointer_guessed, "{name}");
        assert_eq!((container.header.pointer, report.events), (whole.header.pointer, whole.header.events), "{name}");
        assert_eq!((&container.processes, &container.strings), (&whole.processes, &whole.strings), "{name}");
    }
}
