//! Suspects: parties under examination, what makes a handle one, and all that an examination found.

use crate::capture::op::{EventIndex, ProcessId};
use crate::locks::file::hold::{Fit, HoldRec};
use crate::locks::file::marks::Mark;
use crate::locks::finding::{Cause, Confidence, Holder, Mechanism};
use crate::locks::spans::Instant;
use crate::nt::sharing::ShareConflict;
use rustc_hash::FxHashSet;

/// Parties told of one refusal.
pub(crate) const MAX_PARTIES: usize = 1024;

/// The same once very many have been told of others.
pub(crate) const FEW_PARTIES: usize = 64;

/// Parties told of all refusals of one run before only a few are told of each, which takes a few hundred bytes each.
pub(crate) const MANY_TOLD: usize = 250_000;

/// A party under examination.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    pub(crate) holder: Holder,
    /// Its access is not known, or the rule is not certain: a proven holder explains the failure without it.
    pub(crate) inferred: bool,
    /// It let go before the last failure of the burst.
    pub(crate) left_early: bool,
    /// A release that the operation was waiting for answers what is doubtful about it.
    pub(crate) settled_by_release: bool,
    /// Sufficient alone and still there, as far as shown: it stands beside a proven one of another party.
    pub(crate) beside: bool,
    /// A handle of its, of which it is not shown whether it stood in the way, stood during the refusal.
    pub(crate) stood: bool,
    /// The close of a handle that another suspect may have handed over (AT-6).
    pub(crate) counterpart: bool,
    /// What it holds is this file only if another spelling of its path is (AT-2).
    pub(crate) elsewhere: bool,
    /// When it let go (start), for the release.
    pub(crate) end: Option<(u32, Instant)>,
}

impl Suspect {
    /// One whose rule is certain, and of whose end nothing is known.
    pub(crate) const fn of(holder: Holder) -> Self {
        Self {
            holder,
            inferred: false,
            left_early: false,
            settled_by_release: false,
            beside: false,
            stood: false,
            counterpart: false,
            elsewhere: false,
            end: None,
        }
    }

    /// Lowers it to a grade that no release raises.
    pub(crate) fn cap(&mut self, grade: Confidence) {
        self.holder.confidence = self.holder.confidence.min(grade);
        self.holder.handle_ambiguous &= grade == Confidence::Proven;
        self.settled_by_release = false;
    }
}

/// How a handle turns into a suspect.
#[derive(Clone, Copy)]
pub(crate) struct Rule<'r> {
    pub(crate) mechanism: Mechanism,
    pub(crate) rule: &'static str,
    pub(crate) fit: &'r dyn Fn(&HoldRec) -> Fit,
    pub(crate) conflict: &'r dyn Fn(&HoldRec) -> Option<ShareConflict>,
    /// No grade above this.
    pub(crate) ceiling: Confidence,
}

/// What an examination found.
#[derive(Debug, Default)]
pub(crate) struct Blockers {
    pub(crate) suspects: Vec<Suspect>,
    pub(crate) cause: Option<Cause>,
    /// Nobody is behind it.
    pub(crate) nobody: bool,
    /// The rule by which a rename or link was refused for itself, whoever has anything open.
    pub(crate) itself: Option<&'static str>,
    pub(crate) mark: Option<(Mark, u32)>,
    /// Every process that was a suspect for a moment.
    pub(crate) considered: Vec<ProcessId>,
    /// Those of them who surely had a handle then.
    pub(crate) stood: FxHashSet<ProcessId>,
    pub(crate) truncated: bool,
    /// DR-1: an event on a live child, which alone kept the directory from being empty as well.
    pub(crate) live_child: Option<EventIndex>,
    /// Processes whose hold a success showed ended, and the success (AT-11).
    pub(crate) refuted: Vec<(ProcessId, EventIndex)>,
}

/// Adds a suspect, one entry for a party and mechanism: the surer hold leads, the other follows.
pub(crate) fn add(suspects: &mut Vec<Suspect>, suspect: Suspect) {
    let same = suspects
        .iter_mut()
        .find(|known| known.holder.party == suspect.holder.party && known.holder.mechanism == suspect.holder.mechanism);
    let Some(known) = same else {
        suspects.push(suspect);
        return;
    };
    let (mut lead, other) = if suspect.holder.confidence > known.holder.confidence {
        (suspect, known.clone())
    } else {
        (known.clone(), suspect)
    };
    for hold in std::iter::once(other.holder.hold).chain(other.holder.more) {
        if lead.holder.more.len() < 16 && hold != lead.holder.hold && !lead.holder.more.contains(&hold) {
            lead.holder.more.push(hold);
        }
    }
    // All of its holds must go, so its release is the last of them.
    lead.end = match (lead.end, other.end) {
        (Some(a), Some(b)) => Some(if b.1.start > a.1.start { b } else { a }),
        _ => None,
    };
    lead.inferred &= other.inferred;
    lead.left_early &= other.left_early;
    lead.elsewhere &= other.elsewhere;
    lead.beside |= other.beside;
    lead.stood |= other.stood;
    lead.settled_by_release &= other.settled_by_release;
    *known = lead;
}
