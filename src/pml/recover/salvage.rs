//! What reading damaged tables has in common.

use super::TableState;
use crate::pml::layout::HEADER_SIZE;
use crate::pml::tables::Hosts;

/// Bytes a table may take: up to the next table if that lies behind it, else to the end of the file.
pub(super) fn limit(data: &[u8], table: u64, next: u64) -> usize {
    let end = if next > table { next } else { u64::MAX };
    usize::try_from(end).map_or(data.len(), |end| end.min(data.len()))
}

/// Where a table begins, when that lies in the file.
pub(super) fn start(data: &[u8], table: u64) -> Option<usize> {
    let at = usize::try_from(table).ok()?;
    (at >= HEADER_SIZE && at < data.len()).then_some(at)
}

/// The state of a table of `count` entries of which some are `missing`.
pub(super) const fn state(count: usize, missing: usize) -> TableState {
    match missing {
        _ if count == 0 => TableState::Lost,
        0 => TableState::Intact,
        missing if missing >= count => TableState::Lost,
        missing => TableState::Partial { lost: missing as u64 },
    }
}

/// Hosts and ports, if they can be read.
pub(super) fn hosts(data: &[u8], table: u64) -> (Hosts, TableState) {
    match start(data, table).and_then(|_| Hosts::parse(data, table).ok()) {
        Some(hosts) => (hosts, TableState::Intact),
        None => (Hosts::default(), TableState::Lost),
    }
}
