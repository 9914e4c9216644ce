//! The parties behind the failures: gathered, described, ranked.

use super::Parts;
use crate::blame::advice::HolderFacts;
use crate::blame::altitudes::AltitudeMatch;
use crate::blame::facts::{ImageFacts, ModuleFacts};
use crate::blame::party::{self, PartyContext};
use crate::blame::vendors::{SourceConfidence, VendorCatalogue, VendorMatch};
use crate::capture::op::{DriverId, DriverInfo, OpLog, ProcessInfo};
use crate::case::{self, Confidence, HolderKind, OnBehalfOf, PartyCode};
use crate::locks::{self, Edge, Party};
use crate::nt::FileTime;
use indexmap::IndexMap;
use std::cmp::Reverse;

/// One party, one process instance or one driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Process(crate::capture::op::ProcessId),
    Driver(crate::capture::op::DriverId),
}

impl Key {
    pub(super) const fn of(party: Party) -> Self {
        match party {
            Party::Process(process) => Self::Process(process),
            Party::Driver { driver, .. } => Self::Driver(driver),
        }
    }
}

/// The ranked parties of a case.
pub(super) struct Holders {
    by_key: IndexMap<Key, (case::Holder, HolderFacts)>,
}

/// What is summed up for one party before it is described.
#[derive(Default)]
struct Sum {
    confidence: Option<locks::Confidence>,
    firm: u64,
    failures: u64,
    files: rustc_hash::FxHashSet<String>,
    first: FileTime,
    last: FileTime,
    blocked: Vec<(FileTime, FileTime)>,
    smb: bool,
    victim: bool,
}

impl Holders {
    pub(super) fn new(parts: &Parts<'_>) -> Self {
        let mut sums: IndexMap<Key, Sum> = IndexMap::new();
        for finding in &parts.analysis.findings {
            let path = parts.log.paths.get(finding.path).to_lowercase();
            let mut counted: Vec<Key> = Vec::new();
            for holder in &finding.holders {
                let key = Key::of(holder.party);
                let sum = sums.entry(key).or_default();
                sum.confidence = sum.confidence.max(Some(holder.confidence));
                sum.smb |= holder.smb_client;
                // Whoever stands in anybody else's way is no mere victim.
                sum.victim = holder.victim && (sum.victim || sum.failures == 0);
                // A driver may hold through several processes, until the last of these holds ended.
                sum.blocked.push(blocked(parts, finding, holder));
                if counted.contains(&key) {
                    continue;
                }
                counted.push(key);
                sum.firm += u64::from(holder.confidence > locks::Confidence::Possible);
                if sum.failures == 0 {
                    sum.first = finding.time;
                }
                sum.failures += 1;
                sum.last = sum.last.max(finding.time);
                sum.files.insert(path.clone());
            }
        }
        let mut ranked: Vec<(Key, Sum)> = sums.into_iter().collect();
        // Innocent until shown: certainty first, then how much it explains, then how long; the victims themselves last.
        ranked.sort_by_cached_key(|(_, sum)| {
            (sum.victim, Reverse(sum.confidence), Reverse(sum.firm), Reverse(sum.failures), sum.first)
        });
        let mut by_key = IndexMap::new();
        for (rank, (key, sum)) in (1u32..).zip(ranked) {
            let entry = describe(parts, key, rank, sum);
            by_key.insert(key, entry);
        }
        Self { by_key }
    }

    pub(super) fn id(&self, party: Party) -> &str {
        self.by_key.get(&Key::of(party)).map_or("", |(holder, _)| &holder.id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&case::Holder, &HolderFacts)> {
        self.by_key.values().map(|(holder, facts)| (holder, facts))
    }

    pub(super) fn into_records(self) -> Vec<case::Holder> {
        self.by_key.into_values().map(|(holder, _)| holder).collect()
    }
}

/// The time for which one hold kept one failing operation from going on: from the failure until the hold ended, the
/// retries succeeded, or the last retry failed.
fn blocked(parts: &Parts<'_>, finding: &locks::Finding, holder: &locks::Holder) -> (FileTime, FileTime) {
    let burst = parts.analysis.bursts.get(finding.burst);
    let mut until = burst.map_or(finding.time, |burst| burst.first.plus(burst.blocked));
    if let Edge::At(_, end) = holder.hold.end {
        until = until.min(end);
    }
    (finding.time, until.max(finding.time))
}

/// The length of a union of intervals, milliseconds.
fn union_ms(mut intervals: Vec<(FileTime, FileTime)>) -> f64 {
    intervals.sort_unstable();
    let mut total = 0;
    let mut reached = FileTime(0);
    for (from, to) in intervals {
        let from = from.max(reached);
        total += to.since(from).0;
        reached = reached.max(to);
    }
    total as f64 / 10_000.0
}

fn describe(parts: &Parts<'_>, key: Key, rank: u32, sum: Sum) -> (case::Holder, HolderFacts) {
    let confidence = grade(sum.confidence);
    let mut holder = case::Holder {
        id: format!("h{rank}"),
        rank,
        kind: HolderKind::Process,
        party: PartyCode::ThirdParty,
        process: None,
        driver: None,
        vendor: None,
        confidence,
        failures: sum.failures,
        files: sum.files.len() as u64,
        first: sum.first.to_rfc3339(),
        last: sum.last.to_rfc3339(),
        blocked_ms: union_ms(sum.blocked),
        on_behalf_of: sum.smb.then_some(OnBehalfOf::SmbClient),
    };
    let mut facts = HolderFacts {
        party: party::Party::ThirdParty,
        driver: false,
        category: None,
        vendor_known: false,
        name_only: false,
        firm: confidence > Confidence::Possible,
        service: false,
        smb_client: sum.smb,
    };
    let catalogue = parts.options.catalogue;
    let vendor = match key {
        Key::Process(id) => {
            let default = ProcessInfo::default();
            let process = parts.log.processes.get(id.0 as usize).unwrap_or(&default);
            let image = ImageFacts::of(process);
            let context = PartyContext {
                pid: process.pid,
                is_victim: sum.victim,
                system_root: parts.machine.system_root.as_deref().unwrap_or_default(),
            };
            facts.party = party::classify(catalogue, &image, &context).party;
            facts.service = is_service(parts, process);
            holder.process = Some(process_record(process));
            catalogue.identify_process(&image)
        }
        Key::Driver(id) => {
            holder.kind = HolderKind::Driver;
            facts.driver = true;
            let driver = parts.log.drivers.get(usize::from(id.0));
            let (vendor, altitudes) = driver
                .and_then(|driver| catalogue.identify_driver(&ModuleFacts::of(driver)))
                .map_or((None, None), |found| (found.vendor, found.altitudes));
            holder.driver = driver.map(|driver| driver_record(driver, altitudes.as_ref()));
            let root = parts.machine.system_root.as_deref().unwrap_or_default();
            if driver.is_some_and(|driver| party::is_windows_driver(catalogue, &ModuleFacts::of(driver), root)) {
                facts.party = party::Party::Windows;
            }
            vendor
        }
    };
    let category = vendor.as_ref().and_then(|vendor| vendor.category);
    holder.party = party_code(facts.party);
    holder.vendor = vendor.map(vendor_record);
    facts.name_only = holder.is_known_by_name_only();
    facts.vendor_known = holder.vendor.is_some() && !facts.name_only;
    facts.category = category.filter(|_| !facts.name_only);
    (holder, facts)
}

/// The grade in the terms of the record.
pub(super) const fn grade(confidence: Option<locks::Confidence>) -> Confidence {
    match confidence {
        Some(locks::Confidence::Proven) => Confidence::Proven,
        Some(locks::Confidence::Likely) => Confidence::Likely,
        Some(locks::Confidence::Possible) => Confidence::Possible,
        None => Confidence::None,
    }
}

const fn party_code(party: party::Party) -> PartyCode {
    match party {
        party::Party::ThirdParty => PartyCode::ThirdParty,
        party::Party::Windows => PartyCode::Windows,
        party::Party::Victim => PartyCode::Victim,
    }
}

/// A process started by services.exe is a service.
fn is_service(parts: &Parts<'_>, process: &ProcessInfo) -> bool {
    process
        .parent
        .and_then(|parent| parts.log.processes.get(parent.0 as usize))
        .is_some_and(|parent| parent.name.eq_ignore_ascii_case("services.exe"))
}

/// A process's name; a rescued capture may have lost it.
pub(super) fn shown_name(name: &str) -> &str {
    if name.is_empty() { "<unknown>" } else { name }
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn process_record(process: &ProcessInfo) -> case::Process {
    case::Process {
        pid: process.pid,
        name: shown_name(&process.name).to_owned(),
        image_path: known(&process.image_path),
        company: known(&process.company),
        description: known(&process.description),
        version: known(&process.version),
        user: known(&process.user),
        command_line: known(&process.command_line),
        started: process.started.map(FileTime::to_rfc3339),
    }
}

/// What is known of a driver.
pub(super) fn driver(log: &OpLog, catalogue: &VendorCatalogue, id: DriverId) -> Option<case::Driver> {
    let driver = log.drivers.get(usize::from(id.0))?;
    let found = catalogue.identify_driver(&ModuleFacts::of(driver));
    Some(driver_record(driver, found.and_then(|found| found.altitudes).as_ref()))
}

fn driver_record(driver: &DriverInfo, altitudes: Option<&AltitudeMatch>) -> case::Driver {
    case::Driver {
        name: driver.name.clone(),
        path: known(&driver.path),
        company: known(&driver.company),
        version: known(&driver.version),
        altitude: altitudes.map(AltitudeMatch::altitudes),
    }
}

fn vendor_record(vendor: VendorMatch) -> case::Vendor {
    let (en, zh) = (vendor.names_en(), vendor.names_zh());
    let by = if vendor.confidence == Some(SourceConfidence::User) { "user_file" } else { vendor.by.as_code() };
    case::Vendor {
        name_zh: (zh != en).then_some(zh),
        name: en,
        product: vendor.product,
        category: vendor.category.map(|category| category.as_code().to_owned()),
        by: Some(by.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_waits_count_once() {
        let at = |ms: u64| FileTime(ms * 10_000);
        assert_eq!(union_ms(vec![(at(10), at(20)), (at(0), at(15)), (at(30), at(31))]), 21.0);
        assert_eq!(union_ms(vec![]), 0.0);
    }
}
