//! Small captures with an event of every kind, their structure-aware mutation, and everything that can be done to one.
//!
//! Shared by the tests of hostile captures and, as the same file, by the fuzz targets.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pmlblame::capture::map::Bytes;
use pmlblame::capture::select::Selection;
use pmlblame::capture::source::Source;
use pmlblame::capture::{Capture, EventIndex, Segment};
use pmlblame::export::pml::{Options, Tables, extract, learn};
use pmlblame::export::{Context, Format, Locale, Request, Style};
use pmlblame::pml::bytes::{PointerSize, Wide};
use pmlblame::pml::detail::{directory, file, info, network, process, registry, rename, volume};
use pmlblame::pml::event::Beyond;
use pmlblame::pml::write::details::{
    AllInfo, BasicInfo, Body, CreateFile, Details, DirectoryEntry, Endpoint, ImageLoad, Lock, MappingSection,
    NewProcess, ProcessTotals, StandardInfo, Target, Transfer, all_info, basic_info, key_basic_info, sid_bytes,
    standard_info, value_partial_info,
};
use pmlblame::pml::write::{Header, Module, PmlWriter, Process, RawEvent};
use pmlblame::pml::{Event, Pml};
use pmlblame::redact::Redactor;
use std::io::Cursor;
use std::path::PathBuf;

/// A small generator of numbers, the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next() % limit as u64) as usize }
    }
}

fn bodies(wide: bool) -> Vec<Body> {
    let d = Details::new(wide);
    let path = r"C:\Windows\WinSxS\Temp\InFlight\a\b.dll";
    let user = sid_bytes("S-1-5-21-1-2-3-1001").unwrap();
    let net = |text: &str, port| Endpoint { address: text.parse().unwrap(), port };
    let mut all = vec![
        d.create_file(
            path,
            &CreateFile {
                access: 0x1_0080,
                share: 7,
                impersonated: user.clone(),
                information: Some(1),
                ..CreateFile::default()
            },
        ),
        d.create_file(
            "C:\\目录\\文件.txt",
            &CreateFile { access: 0x8000_0000, disposition: 5, ..CreateFile::default() },
        ),
        d.query_open(path, None),
        d.transfer(path, &Transfer { length: 4096, offset: 65_536, returned: Some(12), ..Transfer::default() }),
        d.transfer(path, &Transfer { write: true, length: 9, ..Transfer::default() }),
        d.create_mapping(
            path,
            &MappingSection { sync_type: 1, protection: 2, allocation: 0x100_0000, ..MappingSection::default() },
        ),
        d.lock(path, &Lock { minor: 1, length: 100, exclusive: true, ..Lock::default() }),
        d.query_directory(
            r"C:\Windows",
            Some("*"),
            1024,
            Some(&[
                DirectoryEntry { name: "System32".into(), short_name: "SYSTEM~1".into(), ..DirectoryEntry::default() },
                DirectoryEntry { name: "长名.txt".into(), ..DirectoryEntry::default() },
            ]),
        ),
        d.notify_directory(path, 32, 0xFFF),
        d.control(33, path, 0x94264, 10, 20),
        d.control(34, path, 0x7_0000, 10, 20),
        d.two_numbers(40, path, 7, 256),
        d.query_info(25, path, 5, 24, Some(standard_info(&StandardInfo::default()))),
        d.query_info(25, path, 4, 40, Some(basic_info(&BasicInfo::default()))),
        d.query_info(25, path, 0x12, 200, Some(all_info(&AllInfo { name: r"\x".into(), ..AllInfo::default() }))),
        d.query_info(25, path, 0x16, 64, Some(vec![7; 64])),
        d.query_info(25, path, 0x3B, 24, Some(vec![7; 24])),
        d.query_info(30, path, 1, 64, Some(vec![9; 40])),
        d.query_info(30, path, 5, 64, Some(vec![9; 40])),
        d.query_info(30, path, 7, 64, Some(vec![9; 32])),
        d.set_info(path, 0x0D, &[1], 0x1DAC),
        d.set_info(path, 0x40, &[3, 0, 0, 0], 0x1DAC),
        d.set_info(path, 0x13, &[1; 8], 0),
        d.acquire_for_mod_write(path, 4095),
        d.process_create(
            &NewProcess {
                index: 20,
                pid: 2000,
                parent_index: 7,
                parent_pid: 812,
                user,
                integrity: sid_bytes("S-1-16-8192").unwrap(),
                image: r"C:\new.exe".into(),
                command_line: "new.exe /x".into(),
                ..NewProcess::default()
            },
            false,
        ),
        d.process_totals(2, &ProcessTotals::default()),
        d.process_start(812, "new.exe /x", r"C:\", &["A=B".into(), "USERNAME=nobody".into()]),
        d.thread_create(77),
        d.thread_exit(0, 1, 2),
        d.load_image(&ImageLoad { base: 0x40_0000, size: 4096, path: r"C:\new.exe".into() }),
        d.registry_path(2, r"HKLM\SOFTWARE"),
        d.registry_open(0, r"HKCU\键", 0x20019, Some((0x20019, 2))),
        d.registry_query(5, r"HKLM\a\b", 144, 2, Some(value_partial_info(1, &[65, 0, 66, 0, 0, 0]))),
        d.registry_query(3, r"HKLM\a", 144, 0, Some(key_basic_info(7, "name"))),
        d.registry_enum(7, r"HKLM\a", 144, 3, 0, Some(key_basic_info(7, "name"))),
        d.registry_enum(6, r"HKLM\a", 144, 3, 1, Some(vec![1; 40])),
        d.registry_set_value(r"HKLM\a\v", 7, &[65, 0, 0, 0, 66, 0, 0, 0, 0, 0]),
        d.network(5, true, net("10.0.0.1", 50_000), net("2001:db8::1", 443), 12, &["seqnum".into(), "0".into()]),
        d.thread_profile(1, 2, 3),
        d.process_profile(1, 2, 3, 4),
    ];
    for class in [0x0A, 0x41, 0x0B, 0x48] {
        let target =
            Target { given: r"\??\C:\t\x".into(), destination: Some(r"C:\t\x".into()), flags: 1, ..Target::default() };
        all.push(d.set_target(path, class, &target));
    }
    all.extend([22, 38, 29, 14, 18, 27].map(|operation| d.plain(operation, path)));
    all
}

/// A capture with an event of every kind, and where each event starts.
pub fn small(wide: bool, seed: u64) -> (Vec<u8>, Vec<usize>) {
    let mut random = Random(seed);
    let header = Header::new(wide, "FUZZ-PC", r"C:\Windows");
    let mut pml = PmlWriter::new(Cursor::new(Vec::new()), header).unwrap();
    let kernel: u64 = if wide { 0xFFFF_F800_0000_0000 } else { 0x8000_0000 };
    for (index, pid, name) in
        [(3, 4, "System"), (7, 812, "TiWorker.exe"), (9, 900, "ntrtscan.exe"), (20, 2000, "new.exe")]
    {
        let name = pml.add_string(name).unwrap();
        let image_path = pml.add_string(&format!(r"C:\{pid}\x.exe")).unwrap();
        let user = pml.add_string(r"FUZZ-PC\nobody").unwrap();
        let base = if pid == 4 { kernel } else { 0x40_0000 };
        let modules = (0..2).map(|n| Module {
            base: base + n * 0x1_0000,
            size: 0x1_0000,
            path: image_path,
            load_time: 1,
            ..Module::default()
        });
        let modules = modules.collect();
        pml.add_process(Process { index, pid, name, image_path, user, modules, ..Process::default() });
    }
    pml.add_host([10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "fuzz.example");
    pml.add_port(443, true, "https");
    pml.add_icon(16, vec![1; 40]);
    let mut starts = Vec::new();
    for (n, body) in (0u32..).zip(bodies(wide)) {
        starts.push(pml.position() as usize);
        let stack: Vec<u64> = (0..random.below(4) as u64).map(|n| kernel + n * 0x800).collect();
        let status = [0, 0xC000_0056, 0xC000_0043, 0x103, 0x104][random.below(5)];
        pml.event(&RawEvent {
            process_index: [3, 7, 9, 20][random.below(4)],
            tid: n,
            class: body.class,
            operation: body.operation,
            sequence: if body.class == 5 { 0x2000_0000 + n } else { n + 1 },
            duration: 10,
            time: 133_097_178_574_401_234 + u64::from(n) * 1000,
            result: status,
            stack: &stack,
            detail: &body.detail,
            extra: body.extra.as_deref(),
        })
        .unwrap();
    }
    (pml.finish().unwrap().into_inner(), starts)
}

/// Numbers that break things.
const EVIL: [u64; 18] = [
    0,
    1,
    2,
    7,
    0x33,
    0x34,
    0x7F,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0xFF_FFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

/// Changes `data`, a capture whose events start at `starts`, in one to six places that matter.
pub fn mutate(data: &mut Vec<u8>, starts: &[usize], random: &mut Random) {
    for _ in 0..=random.below(6) {
        if data.is_empty() {
            return;
        }
        let size = data.len();
        let event = starts.get(random.below(starts.len())).copied().unwrap_or_default();
        let near = EVIL[random.below(EVIL.len())].wrapping_add(random.below(3) as u64).wrapping_sub(1);
        let value = match random.below(4) {
            0 => random.next(),
            1 => (size as u64).wrapping_add(random.below(9) as u64).wrapping_sub(4),
            2 => random.below(size) as u64,
            _ => near,
        };
        match random.below(14) {
            0 => data[random.below(size)] ^= 1 << random.below(8),
            1 => put(data, random.below(size), value, 1 + random.below(8)),
            // Header fields: flags, count, offsets.
            2 => {
                let field = [4, 8, 0x234, 0x240, 0x248, 0x250, 0x258, 0x260, 0x268, 0x3A0][random.below(10)];
                put(data, field, value, if field < 0x240 { 4 } else { 8 });
            }
            // Fields of an event's head.
            3 | 4 => {
                let (field, width) =
                    [(0, 4), (8, 4), (0xC, 2), (0x10, 4), (0x1C, 8), (0x24, 4), (0x28, 2), (0x2C, 4), (0x30, 4)]
                        [random.below(9)];
                put(data, event + field, value, width);
            }
            // Its detail and extra detail.
            5 | 6 => put(data, event + 0x34 + random.below(0x90), value, [1, 2, 4, 8][random.below(4)]),
            // A table: count, arrays, records.
            7 | 8 => {
                let table = [0x248, 0x250, 0x258, 0x260, 0x3A0][random.below(5)];
                let at = read(data, table) as usize;
                put(data, at.wrapping_add(random.below(64)), value, 4);
            }
            9 => {
                let at = read(data, 0x250) as usize;
                put(data, at.wrapping_add(random.below(size.saturating_sub(at).max(1))), value, 4);
            }
            10 => data.truncate(random.below(size)),
            // A lost sector.
            11 => {
                let at = random.below(size) & !0x1FF;
                let end = (at + 512).min(size);
                let fill = [0, 0xFF, 0x41][random.below(3)];
                data[at..end].fill(fill);
            }
            // Bytes moved, as by a faulty transfer.
            12 => {
                let (from, to) = (random.below(size), random.below(size));
                let run: Vec<u8> = data[from..].iter().copied().take(1 + random.below(200)).collect();
                if random.below(2) == 0 {
                    data.splice(to..to, run);
                } else {
                    let end = (to + run.len()).min(size);
                    let length = end - to;
                    data[to..end].copy_from_slice(&run[..length]);
                }
            }
            // Not closed.
            _ => {
                data.get_mut(0x248..0x268).into_iter().for_each(|offsets| offsets.fill(0));
                put(data, 0x3A0, 0, 8);
            }
        }
    }
}

fn put(data: &mut [u8], at: usize, value: u64, width: usize) {
    if let Some(place) = at.checked_add(width).and_then(|end| data.get_mut(at..end)) {
        place.copy_from_slice(&value.to_le_bytes()[..width]);
    }
}

fn read(data: &[u8], at: usize) -> u64 {
    data.get(at..at + 8).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
}

/// What became of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Refused,
    Rescued,
    Read,
}

/// Opens `bytes` and does everything that can be done. Panics where a promise is broken.
pub fn exercise(bytes: Vec<u8>, deep: bool) -> Fate {
    let size = bytes.len();
    let (segment, report) = match Segment::read_or_rescue(PathBuf::from("fuzz.PML"), Bytes::Owned(bytes)) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Fate::Refused;
        }
    };
    if let Some(walk) = report.as_ref().and_then(|report| report.walk.as_ref()) {
        // The step bound: a handful of looks at each byte.
        assert!(walk.work <= 8 * size as u64 + 64, "{} steps for {size} bytes", walk.work);
        assert!(walk.events * 0x35 <= size as u64);
    }
    let capture = Capture::from_segments(vec![segment]);
    let survey = capture.survey();
    assert!(survey.counts.total <= size as u64);
    let log = capture.collect(&Selection::everything(), &survey, &|_| true);
    assert!(log.ops.len() as u64 <= 4_100 * survey.counts.total);
    capture.kernel_modules();
    let pml = capture.segments()[0].pml();
    for n in 0..pml.event_count() {
        if let Ok(event) = pml.event(n) {
            touch(event);
        }
    }
    if deep {
        export(&capture);
        rewrite(&capture);
    }
    if report.is_some() { Fate::Rescued } else { Fate::Read }
}

/// Every accessor of an event and every decoder on its bytes, whether they are meant for it or not.
pub fn touch(event: Event<'_>) {
    let _ = (event.class(), event.operation(), event.duration(), event.end(), event.time(), event.status());
    let _ = (event.record_length(), event.sequence(), event.thread_id(), event.stack_depth());
    if let Ok(stack) = event.stack() {
        assert_eq!(stack.iter().count(), stack.len());
    }
    let detail = event.detail().unwrap_or_default();
    let extra = event.extra().ok().flatten();
    decode(detail, extra, event.operation(), event.pointer());
}

/// Every decoder on the bytes of one detail.
pub fn decode(detail: &[u8], extra: Option<&[u8]>, operation: u16, pointer: PointerSize) {
    let returned = extra.unwrap_or(detail);
    let beyond = |bytes| Beyond { bytes, len: bytes.len() };
    if let Some(view) = pmlblame::pml::FileDetail::new(detail, pointer) {
        let _ = view.path.decode();
        let _ = (
            file::CreateFile::parse(view, extra),
            file::ReadWrite::parse(view, extra),
            file::CreateMapping::parse(view),
        );
        let _ = (file::Lock::parse(view), file::Control::parse(view), file::CheckIfPossible::parse(view));
        let _ = (file::ending_offset(view), rename::disposition(view), rename::disposition_ex(view));
        for (ex, link) in [(false, false), (true, false), (false, true), (true, true)] {
            let _ = rename::Rename::parse(view, ex, link);
        }
        if let Some(query) = directory::QueryDirectory::parse(view) {
            assert!(query.entries(returned).take(100_000).count() <= returned.len());
        }
    }
    let _ = (info::Basic::parse(returned), info::Standard::parse(returned), info::All::parse(returned));
    let _ = (
        info::NetworkOpen::parse(returned),
        info::Stat::parse(returned),
        info::file_id(returned),
        info::name(returned),
    );
    assert!(info::Streams::new(returned).take(100_000).count() <= returned.len());
    let _ = (
        volume::Volume::parse(beyond(returned)),
        volume::Size::parse(returned, true),
        volume::Size::parse(returned, false),
    );
    let _ = (volume::Device::parse(returned), volume::Attribute::parse(returned));
    let _ = (process::Create::parse(detail), process::Statistics::parse(detail), process::ThreadExit::parse(detail));
    let _ = (process::LoadImage::parse(detail, pointer), process::Start::parse(detail));
    let _ = (process::ProcessProfile::parse(detail), process::ThreadProfile::parse(detail));
    assert!(process::strings(Wide(detail)).count() <= detail.len());
    if let Some(network) = network::Network::parse(detail) {
        let _ = network.pairs().count();
    }
    if let Some(parsed) = registry::RegistryDetail::parse(operation, beyond(detail)) {
        let _ = (parsed.second(), parsed.copied(), parsed.field(4), parsed.path.decode());
        let _ = registry::ValueData::written(parsed).captured();
    }
    let _ = registry::Opened::parse(returned);
    for class in 0..8 {
        let _ = (
            registry::KeyInformation::parse(class, returned),
            registry::ValueInformation::parse(class, beyond(returned)),
        );
    }
}

fn export(capture: &Capture) {
    for advanced in [false, true] {
        let style = Style { generation: Default::default(), locale: Locale::en_us(), offset_seconds: 0, advanced };
        let context = Context::new(capture, style);
        for format in [Format::Csv, Format::Xml, Format::Jsonl, Format::Table] {
            let request = Request { format, stacks: true, ..Request::default() };
            context.write(&request, &mut std::io::sink(), &|_| true).unwrap();
        }
        for n in 0..capture.event_count() {
            let _ = context.inspect(EventIndex(n));
        }
    }
}

/// Writes the capture again, whole and redacted: the result must be sound.
fn rewrite(capture: &Capture) {
    let all = || (0..capture.event_count()).map(EventIndex);
    let mut redactor = Redactor::new().unwrap();
    learn(capture, all(), &mut redactor);
    let redaction = redactor.seal();
    for redaction in [None, Some(&redaction)] {
        let tables = if redaction.is_some() { Tables::Needed } else { Tables::All };
        let options = Options { tables, redaction, ..Options::default() };
        // Limits of the format (a process twice, an address too wide) may refuse it, in words.
        let Ok((out, written)) = extract(capture, all(), &options, Cursor::new(Vec::new())) else { continue };
        let bytes = out.into_inner();
        let container = pmlblame::pml::Container::parse(&bytes).expect("what was written can be read");
        assert_eq!(u64::from(Pml::new(&bytes, &container).event_count()), written.events);
    }
}
