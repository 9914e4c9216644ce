//! Captures written from captures: round trips, extracts, and redacted extracts searched for what must be gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use places::captures_in;
use pmlblame::capture::map::Bytes;
use pmlblame::capture::{Capture, EventIndex, Segment};
use pmlblame::export::pml::{Options, Tables, extract, learn};
use pmlblame::pml::detail::network::Network;
use pmlblame::pml::detail::process::Create;
use pmlblame::pml::{Event, EventClass};
use pmlblame::redact::Redactor;
use std::io::Cursor;
use std::path::PathBuf;

fn corpus() -> Vec<PathBuf> {
    places::corpus().map(|folder| captures_in(&folder)).unwrap_or_default()
}

fn samples() -> Vec<PathBuf> {
    captures_in(&places::samples())
}

fn open(bytes: Vec<u8>) -> Capture {
    let (segment, report) = Segment::read_or_rescue(PathBuf::from("test.PML"), Bytes::Owned(bytes)).unwrap();
    assert_eq!(report, None, "what is written needs no rescue");
    Capture::from_segments(vec![segment])
}

fn all(capture: &Capture) -> impl Iterator<Item = EventIndex> + Clone + use<> {
    (0..capture.event_count()).map(EventIndex)
}

fn write(capture: &Capture, events: impl Iterator<Item = EventIndex>, options: &Options<'_>) -> Vec<u8> {
    extract(capture, events, options, Cursor::new(Vec::new())).unwrap().0.into_inner()
}

/// Stack, detail, extra detail, and the fields of the head.
type Content<'a> = (Vec<u64>, &'a [u8], Option<&'a [u8]>, [u64; 9]);

/// All that an event says, but where it lies.
fn content(event: Event<'_>) -> Content<'_> {
    let fields = [
        event.process_index().into(),
        event.thread_id().into(),
        event.class().0.into(),
        event.operation().into(),
        event.sequence().into(),
        event.duration().map_or(u64::MAX, |ticks| ticks.0),
        event.time().0,
        event.status().0.into(),
        event.number().into(),
    ];
    (event.stack().unwrap().iter().collect(), event.detail().unwrap(), event.extra().unwrap(), fields)
}

/// The bytes of the table that starts at `from` and ends at `to`.
fn table(capture: &Capture, from: u64, to: u64) -> Vec<u8> {
    let data = capture.segments()[0].bytes();
    let to = if to == 0 { data.len() } else { to as usize };
    data[from as usize..to].to_vec()
}

fn strings(capture: &Capture) -> Vec<String> {
    let pml = capture.segments()[0].pml();
    let strings = &pml.container().strings;
    (0..strings.len() as u32)
        .map(|n| strings.get(pml.data(), pmlblame::pml::StringIndex(n)).unwrap().decode_all())
        .collect()
}

#[test]
fn read_write_read_gives_the_same_capture() {
    let corpus = corpus();
    let samples = samples();
    assert!(!samples.is_empty());
    for path in corpus.iter().chain(&samples) {
        let original = open(std::fs::read(path).unwrap());
        let options = Options { tables: Tables::All, ..Options::default() };
        let copy = open(write(&original, all(&original), &options));
        let name = path.display();
        let (a, b) = (original.segments()[0].pml(), copy.segments()[0].pml());
        let (header, other) = (&a.container().header, &b.container().header);
        assert_eq!(a.event_count(), b.event_count(), "{name}");
        for n in 0..a.event_count() {
            assert_eq!(content(a.event(n).unwrap()), content(b.event(n).unwrap()), "{name}: event {n}");
        }
        assert_eq!(a.container().processes, b.container().processes, "{name}");
        assert_eq!(a.container().hosts, b.container().hosts, "{name}");
        assert_eq!(strings(&original), strings(&copy), "{name}");
        assert_eq!((&header.computer, &header.system_root), (&other.computer, &other.system_root));
        assert_eq!((&header.os_info, header.memory), (&other.os_info, other.memory), "{name}");
        assert_eq!((header.processors, header.version), (other.processors, other.version), "{name}");

        // Byte for byte where the format fixes the bytes: strings, icons, hosts and ports.
        let strings = |header: &pmlblame::pml::Header, capture| table(capture, header.string_table, header.icon_table);
        assert_eq!(strings(header, &original), strings(other, &copy), "{name}: string table");
        let icons = |header: &pmlblame::pml::Header, capture| table(capture, header.icon_table, header.host_table);
        assert_eq!(icons(header, &original), icons(other, &copy), "{name}: icon table");
        assert_eq!(table(&original, header.host_table, 0), table(&copy, other.host_table, 0), "{name}: hosts");
        // The process table has uninitialised padding; its length is fixed.
        assert_eq!(header.string_table - header.process_table, other.string_table - other.process_table, "{name}");
    }
}

#[test]
fn writing_a_sample_again_gives_its_very_bytes() {
    for path in samples() {
        let bytes = std::fs::read(&path).unwrap();
        let original = open(bytes.clone());
        let copy = write(&original, all(&original), &Options { tables: Tables::All, ..Options::default() });
        assert!(copy == bytes, "{}", path.display());
    }
}

#[test]
fn an_extract_holds_its_events_and_what_they_need() {
    for path in samples().iter().chain(&corpus()) {
        let original = open(std::fs::read(path).unwrap());
        let step = (original.event_count() / 200).max(7);
        let wanted: Vec<EventIndex> = all(&original).step_by(step as usize).collect();
        let bytes = write(&original, wanted.iter().copied(), &Options::default());
        let small = open(bytes);
        let (a, b) = (original.segments()[0].pml(), small.segments()[0].pml());
        assert_eq!(small.event_count(), wanted.len() as u64);
        let full = pmlblame::capture::modules::StackResolver::new(a.container());
        let cut = pmlblame::capture::modules::StackResolver::new(b.container());
        for (n, index) in (0..).zip(&wanted) {
            let (was, is) = (a.event(index.0 as u32).unwrap(), b.event(n).unwrap());
            let (mut was_content, is_content) = (content(was), content(is));
            was_content.3[8] = n.into();
            assert_eq!(was_content, is_content);
            let (p, q) = (a.process(was.process_index()).unwrap(), b.process(is.process_index()).unwrap());
            assert_eq!((p.pid, p.started, p.ended, p.parent_index), (q.pid, q.started, q.ended, q.parent_index));
            for (x, y) in p.texts().into_iter().zip(q.texts()) {
                assert_eq!(a.string(x), b.string(y));
            }
            for address in was.stack().unwrap().iter() {
                let (x, y) = (
                    full.resolve(was.process_index(), address, was.time()),
                    cut.resolve(is.process_index(), address, is.time()),
                );
                assert_eq!(x.offset(), y.offset());
                assert_eq!(x.module.map(|m| a.string(m.path)), y.module.map(|m| b.string(m.path)));
            }
        }
        // Nothing else: every process but System has an event or was told of, and every string is used.
        let mut used = std::collections::BTreeSet::from([0]);
        for process in &b.container().processes {
            used.extend(process.texts().map(|text| text.0));
            for module in &process.modules {
                used.extend([module.path.0, module.version.0, module.company.0, module.description.0]);
            }
        }
        assert!(used.into_iter().eq(0..b.container().strings.len() as u32), "{}", path.display());
        let told: std::collections::BTreeSet<u32> = (0..b.event_count())
            .map(|n| b.event(n).unwrap())
            .flat_map(|event| {
                let created = (event.class() == EventClass::PROCESS && event.operation() <= 1)
                    .then(|| Create::parse(event.detail().unwrap()).unwrap().process_index);
                [Some(event.process_index()), created]
            })
            .flatten()
            .collect();
        for process in &b.container().processes {
            assert!(process.pid == 4 || told.contains(&process.index), "{}: {}", path.display(), process.index);
        }
        let (mut addresses, mut ports) = (Vec::new(), Vec::new());
        for n in 0..b.event_count() {
            let event = b.event(n).unwrap();
            if event.class() == EventClass::NETWORK {
                let network = Network::parse(event.detail().unwrap()).unwrap();
                for end in [network.source, network.destination] {
                    addresses.push(*end.address);
                    ports.push((network.is_tcp(), end.port));
                }
            }
        }
        let hosts = &b.container().hosts;
        assert!(hosts.hosts.iter().all(|host| addresses.contains(&host.address)), "{}", path.display());
        assert!(hosts.ports.iter().all(|port| ports.contains(&(port.is_tcp, port.port))), "{}", path.display());
        let system = |pml: pmlblame::pml::Pml<'_>| {
            pml.container().processes.iter().find(|p| p.pid == 4).map(|p| p.modules.len())
        };
        assert_eq!(system(a), system(b));
    }
}

/// Every name of a capture that must not remain in a redacted one.
fn must_go(capture: &Capture) -> Vec<String> {
    let mut names = Vec::new();
    for segment in capture.segments() {
        let pml = segment.pml();
        let container = pml.container();
        names.push(container.header.computer.clone());
        for process in &container.processes {
            let user = pml.string(process.user);
            if ![0x3E7, 0x3E5, 0x3E4].contains(&process.authentication_id) && !user.contains("Window Manager") {
                names.extend(user.split_once('\\').map(|(_, user)| user.to_owned()));
            }
        }
        names.extend(container.hosts.hosts.iter().map(|host| host.name.clone()));
        for n in 0..container.strings.len() as u32 {
            let text = container.strings.get(pml.data(), pmlblame::pml::StringIndex(n)).unwrap().decode_all();
            let lower = text.to_lowercase();
            if let Some(at) = lower.find(r"c:\users\")
                && let Some(name) = text.get(at + 9..).and_then(|rest| rest.split('\\').next())
                && rest_is_path(&text, at + 9 + name.len())
            {
                names.push(name.to_owned());
            }
        }
    }
    names.retain(|name| {
        let plain = ["public", "default", "admin", "user", "test", "windows", "localhost"]
            .contains(&name.to_lowercase().as_str());
        // Broadcast and multicast addresses belong to protocols, not to networks.
        let nobodys =
            name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_multicast() || address.is_broadcast());
        name.chars().count() >= 4 && !plain && !nobodys
    });
    names.sort();
    names.dedup();
    names
}

fn rest_is_path(text: &str, at: usize) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with('\\'))
}

/// Whether `bytes` hold `name` in ASCII, UTF-8 or UTF-16 of either byte order, as it is written or in any case.
fn holds(bytes: &[u8], lower: &[u8], name: &str) -> bool {
    let forms = [name.to_owned(), name.to_lowercase(), name.to_uppercase()];
    forms.iter().any(|name| {
        let little: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        [name.as_bytes(), &little, &big]
            .iter()
            .any(|form| memchr::memmem::find(bytes, form).is_some() || memchr::memmem::find(lower, form).is_some())
    })
}

/// The domains of account SIDs in `bytes`: three numbers, as text and as they are stored in structures.
fn domains(bytes: &[u8]) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    let narrow: Vec<u8> = bytes.to_vec();
    let wide =
        |odd: usize| bytes[odd.min(bytes.len())..].chunks_exact(2).map(|pair| if pair[1] == 0 { pair[0] } else { 1 });
    for text in [narrow, wide(0).collect(), wide(1).collect()] {
        for at in memchr::memmem::find_iter(&text, b"S-1-5-21-") {
            let rest = &text[at + 9..(at + 60).min(text.len())];
            let digits: Vec<u8> =
                rest.iter().copied().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').collect();
            let parts: Vec<String> = String::from_utf8(digits).unwrap().split('-').take(3).map(str::to_owned).collect();
            if parts.len() == 3 && parts.iter().all(|part| part.len() > 5) {
                found.insert(parts.join("-"));
            }
        }
    }
    for at in memchr::memmem::find_iter(bytes, b"\x01\x05\0\0\0\0\0\x05\x15\0\0\0") {
        if let Some(stored) = bytes.get(at + 12..at + 24) {
            let parts: Vec<String> =
                stored.chunks(4).map(|part| u32::from_le_bytes(part.try_into().unwrap()).to_string()).collect();
            found.insert(parts.join("-"));
        }
    }
    found.into_iter().collect()
}

#[test]
fn no_original_name_remains_in_a_redacted_extract() {
    let (mut names_checked, mut domains_checked) = (0, 0);
    for path in samples().iter().chain(&corpus()) {
        let bytes = std::fs::read(path).unwrap();
        let original = open(bytes.clone());
        let mut redactor = Redactor::new().unwrap();
        // Of a large capture every tenth event will do.
        let step = if original.event_count() > 5_000 { 10 } else { 1 };
        learn(&original, all(&original).step_by(step), &mut redactor);
        let redaction = redactor.seal();
        let options = Options { redaction: Some(&redaction), ..Options::default() };
        let redacted = write(&original, all(&original).step_by(step), &options);
        let lower = redacted.to_ascii_lowercase();
        let names = must_go(&original);
        let original_lower = bytes.to_ascii_lowercase();
        for name in &names {
            assert!(holds(&bytes, &original_lower, name), "{name} is not even in the original");
            assert!(!holds(&redacted, &lower, name), "{}: {name} remains", path.display());
            names_checked += 1;
        }
        let kept = domains(&redacted);
        for domain in domains(&bytes) {
            assert!(
                !holds(&redacted, &lower, &domain) && !kept.contains(&domain),
                "{}: {domain} remains",
                path.display()
            );
            domains_checked += 1;
        }
        let copy = open(redacted);
        let (a, b) = (original.segments()[0].pml(), copy.segments()[0].pml());
        assert_eq!(a.event_count().div_ceil(step as u32), b.event_count());
        for n in 0..b.event_count() {
            let (was, is) = (a.event(n * step as u32).unwrap(), b.event(n).unwrap());
            assert_eq!(was.detail().unwrap().len(), is.detail().unwrap().len());
            assert_eq!((was.status(), was.time(), was.sequence()), (is.status(), is.time(), is.sequence()));
            // Same folder, same file: what was equal stays equal, ignoring case.
            if was.class() == pmlblame::pml::EventClass::FILE_SYSTEM
                && let (Some(x), Some(y)) = (was.file(), is.file())
            {
                assert_eq!(redaction.text(&x.path.decode()).to_lowercase(), y.path.decode().to_lowercase());
            }
        }
    }
    println!("{names_checked} names and {domains_checked} domains of SIDs searched for");
    assert!(names_checked > 20 && domains_checked > 2);
}
