//! Operations that took far longer than their like. A filter may have looked into the file meanwhile, in the caller's name;
//! where one stands in the stack, it is a suspect and no more (VI-3, and the times in section 6 of the reference).

use super::attribute::Failing;
use super::engine::Engine;
use super::finding::{Attribution, Confidence, Edge, Finding, Hold, Holder, Mechanism, Party, Wait};
use super::spans::Instant;
use crate::capture::op::{Op, OpKind, OpLog};
use crate::nt::Ticks;
use rustc_hash::FxHashSet;

/// How many times longer than half of its like a slow operation took.
const FAR_LONGER: u64 = 10;

/// No disk takes a second for an operation that is brief: of so long a one nothing else need be known.
const LONG: Ticks = Ticks(10_000_000);

/// Up to so many others of a sort, half of them tell nothing about what is usual.
const FEW: usize = 8;

/// The sort of an operation that is over at once unless somebody else has a part in it. How long a transfer, a lock or a flush
/// takes is a matter of the disk and of the caller.
const fn brief(kind: &OpKind) -> Option<usize> {
    match kind {
        OpKind::Create(_) => Some(0),
        OpKind::Cleanup => Some(1),
        OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. } => Some(2),
        OpKind::Rename { .. } | OpKind::Link { .. } => Some(3),
        _ => None,
    }
}

/// Whether an operation of this kind is over at once unless it waits for somebody.
pub const fn is_brief(kind: &OpKind) -> bool {
    brief(kind).is_some()
}

fn took(op: &Op) -> Option<Ticks> {
    op.end.map(|end| end.since(op.start))
}

/// The operations of a log that took at least `threshold` and [`FAR_LONGER`] than half of the others of their sort, or, where
/// these are [`FEW`], a [`LONG`] time.
pub(crate) fn slow_ops(log: &OpLog, threshold: Ticks) -> Vec<u32> {
    let mut usual: [Vec<u64>; 4] = Default::default();
    for op in &log.ops {
        if let (Some(sort), Some(took)) = (brief(&op.kind), took(op))
            && let Some(list) = usual.get_mut(sort)
        {
            list.push(took.0);
        }
    }
    usual.iter_mut().for_each(|list| list.sort_unstable());
    let is_slow = |op: &Op| {
        let (Some(sort), Some(took)) = (brief(&op.kind), took(op).filter(|took| *took >= threshold)) else {
            return false;
        };
        usual.get(sort).is_some_and(|list| {
            let others = list.len() - 1;
            let shorter = list.partition_point(|other| other.saturating_mul(FAR_LONGER) <= took.0);
            shorter * 2 >= others || others <= FEW && took >= LONG
        })
    };
    (0u32..).zip(&log.ops).filter(|(_, op)| is_slow(op)).map(|(at, _)| at).collect()
}

impl Engine<'_> {
    /// A filter that may be behind a failure nobody explains: in the stack of a victim's slow operation on the file that was
    /// under way, in that of the failing operation, or in that of a slow one which was over by then.
    pub(crate) fn filter_in_stack(&self, failing: Failing<'_>) -> Option<Holder> {
        let file = self.names.file(self.subject(failing.index, failing.op));
        let slow = self
            .slow
            .iter()
            .rev()
            .copied()
            .take(4096)
            .filter(|at| self.names.file(self.names.place(*at).link) == file && *at != failing.index);
        let slow = slow.filter_map(|at| Some((at, self.op(at)?))).find(|(_, op)| {
            op.start < failing.at.end && op.filter().is_some() && self.counts_as_victim(failing, op.process)
        });
        let suspect = |op: &Op| {
            let party = Party::Driver { driver: op.filter()?, process: op.process };
            Some(Holder::suspect(party, Mechanism::FilterInStack, "VI-3"))
        };
        match slow {
            Some((at, op)) if Instant::of(op).end > failing.at.start => {
                Some(Holder { hold: self.extent(at, op), ..suspect(op)? })
            }
            over => suspect(failing.op).or_else(|| suspect(over?.1)),
        }
    }

    fn extent(&self, at: u32, op: &Op) -> Hold {
        let end = Edge::At(op.event, Instant::of(op).end);
        Hold { start: self.edge(at), end, access: None, share: None, path: None, range: None }
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
                || !(here || op.filter().is_some() || waited >= LONG)
            {
                continue;
            }
            let holder = op.filter().map(|driver| {
                let party = Party::Driver { driver, process: op.process };
                Holder { hold: self.extent(at, op), ..Holder::suspect(party, Mechanism::FilterInStack, "VI-3") }
            });
            waits.push(Wait {
                event: op.event,
                time: op.start,
                process: op.process,
                thread: op.thread,
                path: op.path,
                waited,
                cause: super::Cause::Other,
                holders: holder.into_iter().collect(),
            });
        }
        waits
    }
}

impl Holder {
    /// One that only circumstances point to.
    pub(crate) const fn suspect(party: Party, mechanism: Mechanism, rule: &'static str) -> Self {
        let hold = Hold { start: Edge::Unseen, end: Edge::Unseen, access: None, share: None, path: None, range: None };
        Self {
            party,
            confidence: Confidence::Possible,
            mechanism,
            rule,
            handle_ambiguous: false,
            hold,
            more: Vec::new(),
            conflicts: Vec::new(),
            victim: false,
            smb_client: false,
            confirmed: false,
            refuted_by: None,
        }
    }
}
