//! Every vector of the share-access and delete-pending tables, through the real engine: each becomes an operation log
//! with the recorded statuses, and what the engine says about every failing step is compared with the table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use pmlblame::capture::op::{Create, EventIndex, OpKind, ProcessId};
use pmlblame::locks::{Attribution, Confidence, Edge, Finding, Mechanism, Reason, audit, is_lock_failure};
use pmlblame::nt::{
    AccessMask, CreateDisposition, CreateOptions, DispositionFlags, FileAttributes, NtStatus, OpenResult, RenameFlags,
};
use script::{Builder, open, opened};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

mod script;

const SHARE: &str = include_str!("data/share-access.json");
const DELETE: &str = include_str!("data/delete-pending.json");
const FILE: &str = r"C:\d\file.bin";

fn hex(value: &Value) -> u32 {
    u32::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

fn share_bits(value: &Value) -> u32 {
    match value {
        Value::Number(bits) => bits.as_u64().unwrap() as u32,
        Value::Array(names) => names.iter().fold(0, |bits, name| {
            bits | match name.as_str().unwrap() {
                "FILE_SHARE_READ" => 1,
                "FILE_SHARE_WRITE" => 2,
                "FILE_SHARE_DELETE" => 4,
                other => panic!("{other}"),
            }
        }),
        other => panic!("{other}"),
    }
}

fn disposition(value: Option<&Value>) -> CreateDisposition {
    let name = value.map_or("OPEN", |name| name.as_str().unwrap().trim_start_matches("FILE_"));
    CreateDisposition::NAMED.iter().find(|(_, known)| *known == name).unwrap().0
}

fn options(value: Option<&Value>) -> u32 {
    let Some(Value::Array(names)) = value else { return 0 };
    names.iter().fold(0, |bits, name| {
        let name = name.as_str().unwrap().trim_start_matches("FILE_");
        let name = if name == "DIRECTORY" { "DIRECTORY_FILE" } else { name };
        bits | CreateOptions::NAMED.iter().find(|(_, known)| *known == name).unwrap().0.0
    })
}

/// One existing open, then one wanted open with the given outcome; the indexes of the existing opens found to blame.
struct Trial {
    existing: Vec<(u32, u32, String)>,
    wanted: Create,
    stream: String,
    refused: bool,
}

impl Trial {
    fn build(&self) -> (Builder, EventIndex) {
        let mut builder = Builder::default();
        for (at, (access, share, stream)) in self.existing.iter().enumerate() {
            let process = builder.process(&format!("holder{at}.exe"));
            builder.create(process, &with_stream(stream), opened(*access, *share), NtStatus::SUCCESS);
        }
        let victim = builder.process("victim.exe");
        let status = if self.refused { NtStatus::SHARING_VIOLATION } else { NtStatus::SUCCESS };
        let mut wanted = self.wanted;
        wanted.result = (!self.refused).then_some(OpenResult::OPENED);
        let event = builder.create(victim, &with_stream(&self.stream), wanted, status);
        (builder, event)
    }

    /// The blamed, when the open was refused.
    fn blamed(&self) -> Vec<usize> {
        let (builder, event) = self.build();
        let finding = builder.explain(event);
        let mut blamed: Vec<_> = finding.holders.iter().map(|holder| holder.party.process().0 as usize).collect();
        blamed.sort_unstable();
        blamed
    }

    /// How many conflicts the audit sees that were none, when the open was allowed.
    fn false_conflicts(&self) -> usize {
        let (builder, _) = self.build();
        audit(&builder.log, &|_| true).false_conflicts.len()
    }

    /// Checks one row of the table.
    fn check(&self, what: &str, blockers: &[usize]) {
        if self.refused {
            assert_eq!(self.blamed(), blockers, "{what}");
            // The same open, had it succeeded, would contradict the table (AT-11); who may not write could share reading
            // without asking for it (SA-9).
            let writes = |access: u32| access & (AccessMask::WRITE_DATA | AccessMask::APPEND_DATA).0 != 0;
            let wanted = self.wanted.access.unwrap().0;
            if writes(wanted) && self.existing.iter().all(|(access, ..)| writes(*access)) {
                let allowed =
                    Trial { existing: self.existing.clone(), stream: self.stream.clone(), refused: false, ..*self };
                assert!(allowed.false_conflicts() > 0, "{what}");
            }
        } else {
            assert_eq!(self.false_conflicts(), 0, "{what}");
            // The same open, had it been refused, would be nobody's fault among these.
            let refused =
                Trial { existing: self.existing.clone(), stream: self.stream.clone(), refused: true, ..*self };
            assert_eq!(refused.blamed(), Vec::<usize>::new(), "{what}");
        }
    }
}

fn with_stream(stream: &str) -> String {
    if stream.is_empty() { FILE.into() } else { format!("{FILE}:{stream}") }
}

fn pair(a: (u32, u32), b: (u32, u32), refused: bool) -> Trial {
    Trial { existing: vec![(a.0, a.1, String::new())], wanted: opened(b.0, b.1), stream: String::new(), refused }
}

#[test]
fn share_matrix() {
    let table: Value = serde_json::from_str(SHARE).unwrap();
    let classes = &table["class_representatives"];
    let letters = |text: &str| {
        text.chars()
            .fold(0, |bits, c| bits | ["R", "W", "D"].iter().position(|l| l.starts_with(c)).map_or(0, |n| 1 << n))
    };
    let opens: Vec<(u32, u32)> = table["matrix"]["opens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|open| {
            let (class, share) = open.as_str().unwrap().split_once('/').unwrap();
            (hex(&classes[class]), letters(share))
        })
        .collect();
    assert_eq!(opens.len(), 64);
    let mut refused = 0;
    for (row, existing) in table["matrix"]["rows"].as_array().unwrap().iter().zip(&opens) {
        let row = row.as_str().unwrap();
        assert_eq!(row.len(), 64);
        for (cell, wanted) in row.chars().zip(&opens) {
            refused += usize::from(cell == 'X');
            pair(*existing, *wanted, cell == 'X')
                .check(&format!("{existing:x?} then {wanted:x?}"), if cell == 'X' { &[0] } else { &[] });
        }
    }
    assert_eq!(refused, 2775);
}

#[test]
fn literal_table() {
    let table: Value = serde_json::from_str(SHARE).unwrap();
    let rows = table["literal_table"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 326);
    for row in rows {
        let a = (hex(&row[0]), row[1].as_u64().unwrap() as u32);
        let b = (hex(&row[2]), row[3].as_u64().unwrap() as u32);
        let allowed = row[4].as_bool().unwrap();
        pair(a, b, !allowed).check(&row.to_string(), if allowed { &[] } else { &[0] });
    }
}

#[test]
fn multi_open_implied_access_and_streams() {
    let table: Value = serde_json::from_str(SHARE).unwrap();
    let lists = [&table["multi_open"]["vectors"], &table["implied_access"], &table["stream"]];
    let counts: Vec<_> = lists.iter().map(|list| list.as_array().unwrap().len()).collect();
    assert_eq!(counts, [80, 12, 10]);
    for vector in lists.iter().flat_map(|list| list.as_array().unwrap()) {
        let stream = |open: &Value| open["stream"].as_str().unwrap_or("").to_owned();
        let new = &vector["new"];
        let trial = Trial {
            existing: vector["existing"]
                .as_array()
                .unwrap()
                .iter()
                .map(|open| (hex(&open["access"]), share_bits(&open["share"]), stream(open)))
                .collect(),
            wanted: open(hex(&new["access"]), share_bits(&new["share"]), disposition(new.get("disposition")), 0, None),
            stream: stream(new),
            refused: vector["expect"] == "STATUS_SHARING_VIOLATION",
        };
        let blockers: Vec<usize> =
            vector["blockers"].as_array().unwrap().iter().map(|at| at.as_u64().unwrap() as usize).collect();
        trial.check(&vector.to_string(), &blockers);
    }
}

#[test]
fn generic_rights() {
    let table: Value = serde_json::from_str(SHARE).unwrap();
    for (name, mapped) in table["generic_mapping"].as_object().unwrap() {
        if name == "MAXIMUM_ALLOWED" {
            continue; // not derivable from the request: never a proof (checked below)
        }
        let generic = AccessMask::NAMED.iter().find(|(_, known)| known == name).unwrap().0;
        assert_eq!(generic.map_generic(), AccessMask(hex(&mapped["bits"])), "{name}");
    }
    let trial = pair((AccessMask::MAXIMUM_ALLOWED.0, 0), (1, 7), true);
    let (builder, event) = trial.build();
    let finding = builder.explain(event);
    assert_eq!(finding.holders.len(), 1);
    assert_eq!(finding.holders[0].rule, "SA-11");
    assert!(finding.holders[0].confidence < Confidence::Proven);
}

/// A mapping that stands without a handle, and what comes upon it.
struct Mapped {
    builder: Builder,
    mapper: ProcessId,
    victim: ProcessId,
    image: bool,
    writable: bool,
}

impl Mapped {
    fn new(section: &str) -> Self {
        let mut builder = Builder::default();
        let mapper = builder.process("mapper.exe");
        let victim = builder.process("victim.exe");
        let (protection, allocation, image) = match section {
            "image" => (2, 0x0100_0000, true),
            "data writable" => (4, 0x0800_0000, false),
            "data read-only" => (2, 0x0800_0000, false),
            other => panic!("{other}"),
        };
        builder.create(mapper, FILE, opened(0x3, 7), NtStatus::SUCCESS);
        let path = builder.log.paths.intern(FILE);
        let status = NtStatus::FILE_LOCKED_WITH_ONLY_READERS;
        builder.push(mapper, path, status, OpKind::CreateSection { protection, allocation });
        builder.push(mapper, path, NtStatus::SUCCESS, OpKind::Cleanup);
        Self { builder, mapper, victim, image, writable: protection == 4 }
    }

    /// The open of a vector, with a status.
    fn comes(&mut self, new: &Value, status: NtStatus) -> EventIndex {
        let wanted = open(
            hex(&new["access"]),
            share_bits(&new["share"]),
            disposition(new.get("disposition")),
            options(new.get("options")),
            status.is_success().then_some(OpenResult::OPENED),
        );
        self.builder.create(self.victim, FILE, wanted, status)
    }

    /// What is said of an open that such a mapping surely refuses, by somebody else: who is named, how surely.
    fn probe(&mut self) -> Vec<(ProcessId, Mechanism, Confidence)> {
        let prober = self.builder.process("prober.exe");
        let (wanted, status) = match (self.image, self.writable) {
            (true, _) => (open(2, 7, CreateDisposition::OPEN, 0, None), NtStatus::SHARING_VIOLATION),
            (_, true) => (open(1, 5, CreateDisposition::OPEN, 0, None), NtStatus::SHARING_VIOLATION),
            _ => (open(1, 7, CreateDisposition::OVERWRITE, 0, None), NtStatus::USER_MAPPED_FILE),
        };
        let event = self.builder.create(prober, FILE, wanted, status);
        let holders = self.builder.explain(event).holders;
        holders.iter().map(|holder| (holder.party.process(), holder.mechanism, holder.confidence)).collect()
    }

    /// By what rule its mapping is cleared of a refusal; `None` where it is not.
    fn cleared(&self, finding: &Finding) -> Option<(Reason, &'static str)> {
        finding.ruled_out.iter().find(|out| out.process == self.mapper).map(|out| (out.reason, out.rule))
    }
}

#[test]
fn sections() {
    let table: Value = serde_json::from_str(SHARE).unwrap();
    let vectors = table["section"].as_array().unwrap();
    let mut checked = [0; 3];
    for vector in vectors {
        let (section, new) = (vector["existing_section"].as_str().unwrap(), &vector["new"]);
        let mut mapped = Mapped::new(section);
        let (mapper, image) = (mapped.mapper, mapped.image);
        if vector["expect"] == "DISPUTED" {
            // No verdict may rest on it: neither accused by it nor cleared.
            let event = mapped.comes(new, NtStatus::SHARING_VIOLATION);
            let finding = mapped.builder.explain(event);
            assert!(finding.holders.is_empty(), "{vector}");
            assert_eq!(mapped.cleared(&finding), None, "{vector}");
            checked[0] += 1;
            continue;
        }
        let status = NtStatus::from_text(vector["expect"].as_str().unwrap()).unwrap();
        let event = mapped.comes(new, status);
        if !status.is_success() {
            let finding = mapped.builder.explain(event);
            let who: Vec<_> = finding.holders.iter().map(|h| (h.party.process(), h.mechanism)).collect();
            let want = if image { Mechanism::ImageMapping } else { Mechanism::DataMapping };
            assert_eq!(who, [(mapper, want)], "{vector}");
            checked[1] += 1;
            continue;
        }
        checked[2] += 1;
        // The mapping stands beside what was allowed: it is no false conflict, and does not show the mapping gone (AT-11).
        assert_eq!(audit(&mapped.builder.log, &|_| true).false_conflicts, [], "{vector}");
        if options(new.get("options")) & CreateOptions::DELETE_ON_CLOSE.0 == 0 {
            let path = mapped.builder.log.paths.intern(FILE);
            mapped.builder.push(mapped.victim, path, NtStatus::SUCCESS, OpKind::Cleanup);
        }
        let after = mapped.probe();
        assert_eq!(after, Mapped::new(section).probe(), "{vector}");
        assert_eq!(after.iter().map(|(process, ..)| *process).collect::<Vec<_>>(), [mapper], "{vector}");
        // The same open, had it been refused, would not be for the mapping.
        let mut refused = Mapped::new(section);
        let deletes = options(new.get("options")) & CreateOptions::DELETE_ON_CLOSE.0 != 0;
        let status = if deletes { NtStatus::CANNOT_DELETE } else { NtStatus::SHARING_VIOLATION };
        let event = refused.comes(new, status);
        let finding = refused.builder.explain(event);
        assert!(finding.holders.is_empty(), "{vector}: {:?}", finding.holders);
        let rule = if image || deletes { "MM-2" } else { "SA-8" };
        assert_eq!(refused.cleared(&finding), Some((Reason::MappingDoesNotBlock, rule)), "{vector}");
    }
    assert_eq!(checked, [1, 5, 6]);
}

/// Replays one sequence of the delete-pending table.
struct Sequence {
    builder: Builder,
    processes: BTreeMap<String, ProcessId>,
    /// Handle or section name, in its process: path, first operation.
    handles: BTreeMap<(String, String), (String, EventIndex)>,
    failing: Vec<(EventIndex, Value)>,
}

impl Sequence {
    fn new(sequence: &Value) -> Self {
        let mut this = Self {
            builder: Builder::default(),
            processes: BTreeMap::new(),
            handles: BTreeMap::new(),
            failing: Vec::new(),
        };
        for (name, process) in sequence["processes"].as_object().unwrap() {
            let id = this.builder.process(process["image"].as_str().unwrap());
            this.processes.insert(name.clone(), id);
        }
        let setup = this.builder.process("setup.exe");
        for item in sequence["setup"].as_array().into_iter().flatten() {
            let path = this.builder.log.paths.intern(&full(&item["path"]));
            match item["kind"].as_str().unwrap() {
                "file" if item["readonly"] == true => {
                    // What a capture shows of the attribute: somebody's query.
                    let kind = OpKind::QueryOpen { attributes: Some(FileAttributes::READONLY) };
                    this.builder.push(setup, path, NtStatus::SUCCESS, kind);
                }
                "hardlink" => {
                    // What a capture shows of two names older than itself: one file id.
                    let existing = this.builder.log.paths.intern(&full(&item["existing"]));
                    let kind = OpKind::QueryFileId { id: 0x5_0000_0000_1234u64.into() };
                    this.builder.push(setup, existing, NtStatus::SUCCESS, kind);
                    this.builder.push(setup, path, NtStatus::SUCCESS, kind);
                }
                "file" | "stream" | "directory" => {
                    // A child that exists can be seen by anybody who looks.
                    let kind = OpKind::QueryOpen { attributes: Some(FileAttributes::NORMAL) };
                    this.builder.push(setup, path, NtStatus::SUCCESS, kind);
                }
                other => panic!("{other}"),
            }
        }
        for step in sequence["steps"].as_array().unwrap() {
            this.step(step);
        }
        this
    }

    fn step(&mut self, step: &Value) {
        let text = |key: &str| step[key].as_str().unwrap().to_owned();
        let name = text("process");
        let process = self.processes[&name];
        let status = NtStatus(hex_status(&step["expect"]));
        let held = |this: &Self, key: &str| this.handles[&(name.clone(), text(key))].0.clone();
        let (path, kind) = match step["op"].as_str().unwrap() {
            "create" => {
                let disposition = disposition(step.get("disposition"));
                let result = status.is_success().then_some(match disposition {
                    CreateDisposition::CREATE => OpenResult::CREATED,
                    CreateDisposition::OVERWRITE | CreateDisposition::OVERWRITE_IF => OpenResult::OVERWRITTEN,
                    _ => OpenResult::OPENED,
                });
                let access = hex(&step["access_mask"]);
                let share = share_bits(&step["share"]);
                let create = open(access, share, disposition, options(step.get("options")), result);
                (full(&step["path"]), OpKind::Create(create))
            }
            "close" => {
                let path = held(self, "handle");
                let shared = self.handles.iter().filter(|(key, _)| key.0 == name).any(|(key, value)| {
                    key.1 != text("handle")
                        && Some(&value.1) == self.handles.get(&(name.clone(), text("handle"))).map(|h| &h.1)
                });
                self.handles.remove(&(name.clone(), text("handle")));
                if shared {
                    return; // a duplicate is left: no cleanup
                }
                (path, OpKind::Cleanup)
            }
            "duplicate_handle" => {
                let source = self.handles[&(name.clone(), text("handle"))].clone();
                self.handles.insert((text("into_process"), text("new_handle")), source);
                return;
            }
            "set_disposition" => {
                let kind = OpKind::SetDisposition { delete: step["delete"] == true, handle: None };
                (held(self, "handle"), kind)
            }
            "set_disposition_ex" => {
                let flags = step["flags"].as_array().unwrap().iter().fold(DispositionFlags::NONE, |flags, name| {
                    flags
                        | DispositionFlags::NAMED
                            .iter()
                            .find(|(_, known)| name == known)
                            .map_or(DispositionFlags::NONE, |(flag, _)| *flag)
                });
                (held(self, "handle"), OpKind::SetDispositionEx { flags, handle: None })
            }
            op @ ("set_rename" | "set_link") => {
                let target = full(&step["new_path"]);
                let flag = |key: &str, flag| if step[key] == true { flag } else { RenameFlags::NONE };
                let flags =
                    flag("replace", RenameFlags::REPLACE_IF_EXISTS) | flag("posix", RenameFlags::POSIX_SEMANTICS);
                let ex = step["posix"] == true;
                let path = held(self, "handle");
                let to = Some(self.builder.log.paths.intern(&target));
                if status.is_success() && op == "set_rename" {
                    // Every handle of the file shows the new name from now on, and so do handles below a directory.
                    for (held, _) in self.handles.values_mut() {
                        if *held == path
                            || held.starts_with(&format!("{path}\\"))
                            || held.starts_with(&format!("{path}:"))
                        {
                            *held = format!("{target}{}", &held[path.len()..]);
                        }
                    }
                }
                let kind = if op == "set_rename" {
                    OpKind::Rename { target: to, flags, ex, as_path: None }
                } else {
                    OpKind::Link { target: to, flags, ex, as_path: None }
                };
                (path, kind)
            }
            "create_section" => {
                let (protection, allocation) = match step["kind"].as_str().unwrap() {
                    "image" => (2, 0x0100_0000),
                    "data, read-only view" => (2, 0x0800_0000),
                    "data, writable view" => (4, 0x0800_0000),
                    other => panic!("{other}"),
                };
                (held(self, "handle"), OpKind::CreateSection { protection, allocation })
            }
            "release_section" => return, // leaves no event (MM-5)
            "query_open" => (full(&step["path"]), OpKind::QueryOpen { attributes: None }),
            "set_end_of_file" => (held(self, "handle"), OpKind::SetEndOfFile(step["size"].as_i64().unwrap())),
            op @ ("lock" | "read" | "write") => {
                let offset = step["offset"].as_i64().unwrap();
                let length = step["length"].as_i64().unwrap();
                let kind = match op {
                    "lock" => {
                        let exclusive = step["exclusive"] == true;
                        OpKind::Lock { offset, length, exclusive, fail_immediately: true, key: None }
                    }
                    "read" => OpKind::Read { offset, length: length as u32, paging: false },
                    _ => OpKind::Write { offset, length: length as u32, paging: false },
                };
                (held(self, "handle"), kind)
            }
            "process_exit" => {
                self.handles.retain(|key, _| key.0 != name);
                (String::new(), OpKind::ProcessExit)
            }
            other => panic!("{other}"),
        };
        let id = self.builder.log.paths.intern(&path);
        let event = self.builder.push(process, id, status, kind);
        if status.is_success() {
            for key in ["handle", "section"] {
                let new =
                    (key == "handle" && step["op"] == "create") || (key == "section" && step["op"] == "create_section");
                if let Some(handle) = step[key].as_str().filter(|_| new) {
                    self.handles.insert((name.clone(), handle.into()), (path.clone(), event));
                }
            }
        }
        if step.get("holders").is_some() {
            self.failing.push((event, step.clone()));
        }
    }
}

fn full(path: &Value) -> String {
    format!("C:{}", path.as_str().unwrap())
}

fn hex_status(name: &Value) -> u32 {
    let table: Value = serde_json::from_str(DELETE).unwrap();
    hex(&table["status_codes"][name.as_str().unwrap()])
}

fn mechanism(name: &str) -> Mechanism {
    match name {
        "handle" => Mechanism::OpenHandle,
        "posix-marker" => Mechanism::PosixMarker,
        "parent-pending" => Mechanism::ParentDeletePending,
        "child-pending" => Mechanism::ChildDeletePending,
        "image-section" => Mechanism::ImageMapping,
        "section" | "writable-section" => Mechanism::DataMapping,
        "byte-range-lock" => Mechanism::ByteRangeLock,
        "replaced-target" => Mechanism::ReplacedTarget,
        "open-descendant" => Mechanism::OpenDescendant,
        "destination-directory" => Mechanism::DestinationDirectory,
        other => panic!("{other}"),
    }
}

#[test]
fn delete_pending_sequences() {
    let table: Value = serde_json::from_str(DELETE).unwrap();
    let sequences = table["sequences"].as_array().unwrap();
    assert_eq!(sequences.len(), 55);
    let (mut compared, mut with_holders, mut problems) = (0, 0, Vec::new());
    for sequence in sequences {
        let id = sequence["id"].as_str().unwrap();
        let replayed = Sequence::new(sequence);
        let false_conflicts = audit(&replayed.builder.log, &|_| true).false_conflicts;
        if !false_conflicts.is_empty() {
            problems.push(format!("{id}: false conflicts {false_conflicts:?}"));
        }
        for (event, step) in &replayed.failing {
            compared += 1;
            let names: BTreeMap<ProcessId, &String> = replayed.processes.iter().map(|(name, id)| (*id, name)).collect();
            let expected: BTreeSet<(String, Mechanism)> = step["holders"]
                .as_array()
                .unwrap()
                .iter()
                .map(|h| (h["process"].as_str().unwrap().to_owned(), mechanism(h["mechanism"].as_str().unwrap())))
                .collect();
            with_holders += usize::from(!expected.is_empty());
            let op = replayed.builder.log.ops[event.0 as usize];
            let finding = replayed.builder.explain(*event);
            if !is_lock_failure(&op) {
                if !expected.is_empty() {
                    problems.push(format!("{id} step {}: not taken for a lock failure", step["n"]));
                }
                continue;
            }
            let found: BTreeSet<(String, Mechanism)> = finding
                .holders
                .iter()
                .map(|h| (names.get(&h.party.process()).map_or("?".into(), |name| (*name).clone()), h.mechanism))
                .collect();
            if found != expected {
                problems.push(format!("{id} step {}: expected {expected:?}, found {found:?}", step["n"]));
            }
            let starts: BTreeSet<u64> = finding
                .holders
                .iter()
                .flat_map(|h| std::iter::once(&h.hold).chain(&h.more))
                .filter_map(|hold| match hold.start {
                    Edge::At(event, _) => Some(event.0),
                    _ => None,
                })
                .collect();
            let via = expected_starts(sequence, &replayed, step);
            if starts != via {
                problems.push(format!("{id} step {}: expected holds {via:?}, found {starts:?}", step["n"]));
            }
            let own = names.iter().find(|(id, _)| **id == op.process).map(|(_, name)| (*name).clone()).unwrap();
            let inflicted =
                match (found.iter().any(|(name, _)| *name == own), found.iter().all(|(name, _)| *name == own)) {
                    (false, _) => "no",
                    (true, true) => "only",
                    (true, false) => "partly",
                };
            if let Some(want) = step.get("self_inflicted").and_then(Value::as_str)
                && want != inflicted
            {
                problems.push(format!("{id} step {}: self-inflicted {want}, found {inflicted}", step["n"]));
            }
            if (finding.attribution == Attribution::SelfInflicted) != (inflicted == "only" && !found.is_empty()) {
                problems.push(format!("{id} step {}: attribution {:?}", step["n"], finding.attribution));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!((compared, with_holders), (81, 43));
}

/// The events by which the expected holds began: the create of the handle, the lock request, the section.
fn expected_starts(sequence: &Value, replayed: &Sequence, failing: &Value) -> BTreeSet<u64> {
    let steps = sequence["steps"].as_array().unwrap();
    let before = |step: &&Value| step["n"].as_u64() < failing["n"].as_u64();
    let mut starts = BTreeSet::new();
    for holder in failing["holders"].as_array().unwrap() {
        let (process, via) = (&holder["process"], &holder["via"]);
        let lock = holder["mechanism"] == "byte-range-lock";
        let made = steps.iter().filter(before).rfind(|step| {
            step["process"] == *process
                && step["expect"] == "STATUS_SUCCESS"
                && if lock {
                    step["op"] == "lock" && step["handle"] == *via
                } else {
                    (step["op"] == "create" && step["handle"] == *via)
                        || (step["op"] == "create_section" && step["section"] == *via)
                }
        });
        starts.insert(replayed.event_of(sequence, made.unwrap()));
    }
    starts
}

impl Sequence {
    /// The event a step became: steps without an event of their own are skipped in the count.
    fn event_of(&self, sequence: &Value, step: &Value) -> u64 {
        let mut partial = sequence.clone();
        let n = step["n"].as_u64().unwrap();
        partial["steps"].as_array_mut().unwrap().retain(|step| step["n"].as_u64().unwrap() <= n);
        let replayed = Self::new(&partial);
        assert!(replayed.builder.log.ops.len() <= self.builder.log.ops.len());
        replayed.builder.log.ops.last().unwrap().event.0
    }
}
