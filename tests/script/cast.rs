//! Who plays in the tests of single rules, with what rights, on which file.

use super::Builder;
use pmlblame::capture::op::{EventIndex, OpKind, ProcessId};
use pmlblame::locks::{Confidence, Edge, Finding, Reason};
use pmlblame::nt::NtStatus;

pub(crate) const F: &str = r"C:\Windows\WinSxS\Temp\InFlight\1\f.dll";
pub(crate) const READ: u32 = 0x12_0089;
pub(crate) const DELETE: u32 = 0x11_0000;
pub(crate) const ATTRIBUTES: u32 = 0x10_0080;
pub(crate) const ALL: u32 = 7;
pub(crate) const SHARING: NtStatus = NtStatus::SHARING_VIOLATION;
pub(crate) const PENDING: NtStatus = NtStatus::DELETE_PENDING;

pub(crate) fn cast() -> (Builder, ProcessId, ProcessId, ProcessId) {
    let mut b = Builder::default();
    let (victim, av, other) = (b.process("TiWorker.exe"), b.process("ntrtscan.exe"), b.process("SearchIndexer.exe"));
    (b, victim, av, other)
}

pub(crate) fn mark(b: &mut Builder, who: ProcessId, path: &str) -> EventIndex {
    b.does(who, path, OpKind::SetDisposition { delete: true, handle: None })
}

/// Opens the file for deletion, marks it and closes it again. The event of the mark.
pub(crate) fn deletes(b: &mut Builder, who: ProcessId, path: &str) -> EventIndex {
    b.open(who, path, DELETE, ALL);
    let marked = mark(b, who, path);
    b.close(who, path);
    marked
}

/// Who is named, and how surely.
pub(crate) fn named(finding: &Finding) -> Vec<(ProcessId, Confidence)> {
    finding.holders.iter().map(|holder| (holder.party.process(), holder.confidence)).collect()
}

pub(crate) fn reasons(finding: &Finding) -> Vec<(ProcessId, Reason)> {
    finding.ruled_out.iter().map(|out| (out.process, out.reason)).collect()
}

/// The edge of a hold at an event.
pub(crate) fn b_edge(b: &Builder, event: EventIndex) -> Edge {
    Edge::At(event, b.log.ops[event.0 as usize].start)
}
