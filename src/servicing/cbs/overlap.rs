//! Which records two logs share: rotated and collected copies often overlap.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::servicing::stamp::LocalTime;

use super::record::Record;

/// Seconds remembered at most; a log spanning more is compared only up to there.
const MAX_SECONDS: usize = 1 << 20;

/// Records of one second: how many, and a sum of their hashes that does not depend on order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Second {
    records: u32,
    sum: u64,
}

/// A log as counts and hashes by second.
#[derive(Clone, Debug, Default)]
pub struct SecondTable {
    seconds: BTreeMap<LocalTime, Second>,
    current: Option<(LocalTime, Second)>,
    full: bool,
}

/// A stretch that two logs share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// First second both have, equal in every record.
    pub first: LocalTime,
    /// Last such second.
    pub last: LocalTime,
    /// Records in those seconds.
    pub records: u64,
}

impl SecondTable {
    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        let mut hasher = FxHasher::default();
        record.level.hash(&mut hasher);
        record.component.hash(&mut hasher);
        record.sequence.map(|sequence| sequence.number).hash(&mut hasher);
        // The last record of a torn copy may lack its end: a prefix is enough to know it again.
        let head = record.text.as_bytes();
        head.get(..head.len().min(160)).unwrap_or(head).hash(&mut hasher);
        let hash = hasher.finish();
        match &mut self.current {
            Some((local, second)) if *local == record.local => {
                second.records = second.records.saturating_add(1);
                second.sum = second.sum.wrapping_add(hash);
            }
            current => {
                let done = current.replace((record.local, Second { records: 1, sum: hash }));
                self.store(done);
            }
        }
    }

    /// Call once after the last record.
    pub fn finish(&mut self) {
        let done = self.current.take();
        self.store(done);
    }

    fn store(&mut self, done: Option<(LocalTime, Second)>) {
        let Some((local, second)) = done else { return };
        if self.seconds.len() >= MAX_SECONDS && !self.seconds.contains_key(&local) {
            self.full = true;
            return;
        }
        let entry = self.seconds.entry(local).or_default();
        entry.records = entry.records.saturating_add(second.records);
        entry.sum = entry.sum.wrapping_add(second.sum);
    }

    /// What both logs have, second by second.
    pub fn overlap(&self, other: &Self) -> Option<Overlap> {
        let (small, large) = if self.seconds.len() <= other.seconds.len() { (self, other) } else { (other, self) };
        let mut found: Option<Overlap> = None;
        for (local, second) in &small.seconds {
            if large.seconds.get(local) == Some(second) {
                let overlap = found.get_or_insert(Overlap { first: *local, last: *local, records: 0 });
                overlap.last = *local;
                overlap.records += u64::from(second.records);
            }
        }
        found
    }
}
