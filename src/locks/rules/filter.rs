//! Filter drivers in the stack of operations that took far longer than their like, and of refused ones (VI-3).

use crate::capture::op::Op;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::finding::{Attribution, Cause, Finding, Holder, Mechanism, Party, Wait};
use crate::locks::slow::{LONG, took};
use crate::locks::spans::Instant;
use rustc_hash::FxHashSet;

impl Engine<'_> {
    /// The filters that may be behind a failure nobody explains: in the stack of a victim's slow operation on the file that was
    /// under way, in that of the failing operation, or in that of a slow one which was over by then.
    pub(crate) fn filters_in_stack(&self, failing: Failing<'_>) -> Vec<Holder> {
        let file = self.names.file(self.subject(failing.index, failing.op));
        let slow = self
            .slow
            .iter()
            .rev()
            .copied()
            .take(4096)
            .filter(|at| self.names.file(self.names.place(*at).link) == file && *at != failing.index);
        let slow = slow.filter_map(|at| Some((at, self.op(at)?))).find(|(_, op)| {
            op.start < failing.at.end && self.counts_as_victim(failing, op.process) && op.filters().next().is_some()
        });
        match slow {
            Some((at, op)) if Instant::of(op).end > failing.at.start => self.delaying(at, op),
            over => {
                let own = suspects(failing.op);
                if own.is_empty() { over.map(|(_, op)| suspects(op)).unwrap_or_default() } else { own }
            }
        }
    }

    /// The filters in the stack of a slow operation, while it lasted.
    fn delaying(&self, at: u32, op: &Op) -> Vec<Holder> {
        suspects(op).into_iter().map(|suspect| Holder { hold: self.extent(at, op), ..suspect }).collect()
    }

    /// The slow operations of victims with a filter in their stack, those on a file that somebody unseen held, and those
    /// that took a [`LONG`] time.
    pub(crate) fn slow_waits(&self, findings: &[Finding], told: &[Wait]) -> Vec<Wait> {
        let at = |finding: &Finding| self.find(finding.event);
        let unexplained = |finding: &&Finding| finding.attribution == Attribution::NotVisible;
        let settled: FxHashSet<u32> = findings.iter().filter(|one| !unexplained(one)).filter_map(at).collect();
        let unseen: FxHashSet<u32> = findings
            .iter()
            .filter(unexplained)
            .filter_map(|finding| Some(self.names.file(self.subject(at(finding)?, self.op(at(finding)?)?))))
            .collect();
        let mut waits = Vec::new();
        for &at in &self.slow {
            let Some(op) = self.op(at).filter(|op| self.is_victim(op.process)) else { continue };
            let waited = took(op).unwrap_or_default();
            let here = unseen.contains(&self.names.file(self.names.place(at).link));
            if settled.contains(&at)
                || told.iter().any(|wait| wait.event == op.event)
                || !(here || op.filters().next().is_some() || waited >= LONG)
            {
                continue;
            }
            waits.push(Wait {
                event: op.event,
                time: op.start,
                process: op.process,
                thread: op.thread,
                path: op.path,
                waited,
                cause: Cause::Other,
                holders: self.delaying(at, op),
            });
        }
        waits
    }
}

/// The filters in the stack of an operation, as mere suspects.
fn suspects(op: &Op) -> Vec<Holder> {
    let suspect = |driver| {
        let party = Party::Driver { driver, process: op.process };
        Holder::suspect(party, Mechanism::FilterInStack, "VI-3")
    };
    op.filters().map(suspect).collect()
}
