//! The open handles of a file against one rule: which may stand in the way, and how surely (AT-3 to AT-6, AT-13).

use super::marker::MarkerEnd;
use super::suspect::{Blockers, MAX_PARTIES, Rule, Suspect, add};
use super::told::Together;
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::wanted;
use crate::locks::file::hold::{Ended, Fit, HoldRec, Weighed};
use crate::locks::file::refute::spared_by_read;
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, Conflict, Edge, Holder, Mechanism, Side};
use crate::locks::identity::{NONE, UNNAMED};
use crate::nt::sharing::ShareConflict;
use crate::nt::{AccessMask, CreateOptions, ShareAccess};

impl Engine<'_> {
    /// Every group of handles of the file, by one rule.
    pub(crate) fn by_handle(&mut self, failing: Failing<'_>, link: u32, rule: &Rule<'_>, found: &mut Blockers) {
        if link == NONE {
            return;
        }
        let track = self.track(self.names.file(link));
        let fit = |hold: &HoldRec| match hold.opened {
            Some((_, opened)) if !failing.may_have_begun(opened.start) => Fit::No,
            _ => (rule.fit)(hold),
        };
        let rule = &Rule { fit: &fit, ..*rule };
        let (groups, more) = track.weigh(failing.at, self.options.limit, &self.work, rule.fit);
        found.truncated |= more;
        for (group, weighed) in groups {
            if found.suspects.len() > MAX_PARTIES {
                found.truncated = true;
                return;
            }
            if weighed.possible
                && let Some(mut suspect) = self.suspect(failing, &track, group, &weighed, rule)
            {
                let hold = weighed.holds.first().and_then(|hold| track.holds.get(*hold as usize));
                if !hold.is_some_and(|hold| self.names.surely_one(hold.link, link)) {
                    suspect.cap(Confidence::Likely);
                }
                self.work.spend(100);
                add(&mut found.suspects, suspect);
            }
        }
        self.by_later_close(failing, &track, rule, found);
        self.by_inheritance(failing, &track, rule, found);
    }

    pub(crate) fn suspect(
        &self,
        failing: Failing<'_>,
        track: &Track,
        group: u32,
        weighed: &Weighed,
        rule: &Rule<'_>,
    ) -> Option<Suspect> {
        let best = track.holds.get(*weighed.holds.first()? as usize)?;
        let fits = (rule.fit)(best);
        let unknown = best.opened.is_none();
        let sure = weighed.sure || self.marker_stood(failing, rule, best);
        let mut confidence = match unknown {
            true => self.grade_unopened(failing, track, group, best, rule.fit),
            false => self.grade_opened(failing, track, group, best, sure, rule.fit),
        };
        let mut settled_by_release = false;
        let conflict = (rule.conflict)(best);
        if let Some(conflict) = conflict
            && conflict.certain
            && spared_by_read(best, wanted(failing.op).grant, conflict)
        {
            settled_by_release = confidence == Confidence::Proven && self.may_withhold_read(failing, best, conflict);
            confidence = confidence.min(Confidence::Likely); // SA-9
        }
        if conflict.is_some() && best.unchecked {
            // SA-12: who has the check skipped does not count in it; of others the capture contradicts itself.
            let system = self.log.processes.get(best.process.0 as usize).is_some_and(|process| process.is_system());
            let kernel = best.driver.is_some() || system;
            confidence = confidence.min(if kernel { Confidence::Possible } else { Confidence::Likely });
            settled_by_release = false;
        }
        let refuted = track.refuted(best).filter(|_| best.ended_unseen() && best.handed.is_none());
        let marker = self.marker_end(failing, rule, best);
        confidence = confidence.min(self.grade_end(failing, track, best, rule, marker));
        let of_stream = self.marked_stream(failing, track, self.names.place(failing.index).link).is_some();
        if rule.rule == "DP-3" && !of_stream && best.link != self.subject(failing.index, failing.op) {
            confidence = confidence.min(Confidence::Possible); // DP-8: opened by id, perhaps for another of the file's names
        }
        confidence = confidence.min(self.ceiling(failing, track, best)).min(rule.ceiling);
        let mut rule_id = rule.rule;
        if conflict.is_some() && best.stream != self.names.place(failing.index).stream {
            rule_id = "SA-6";
        }
        if rule_id == "DP-3" && !of_stream && best.stream != UNNAMED {
            rule_id = "DP-9";
        }
        let mechanism = match rule.mechanism {
            Mechanism::OpenHandle if best.driver.is_some() => Mechanism::FilterInStack, // VI-3: the process lent its name
            Mechanism::OpenHandle if is_current_directory(best) && conflict.is_some() => Mechanism::CurrentDirectory,
            mechanism => mechanism,
        };
        let left_early = confidence == Confidence::Possible
            && matches!(best.ended, Ended::Close(_, close) if close.end <= failing.burst.last.start)
            && !self.may_hold(track, None, failing.burst.last, rule.fit); // by anybody: another holder may have followed
        let exchanged = self.as_left(failing, track, group, best, rule.fit);
        let others = weighed.holds.iter().skip(1).take(8).filter_map(|index| track.holds.get(*index as usize));
        let others: Vec<&HoldRec> =
            others.filter(|hold| hold.paired_alive(failing.at) && (rule.fit)(hold) != Fit::No).collect();
        let Together { mut first, more, mut end } =
            self.together(failing, track, exchanged.as_ref().unwrap_or(best), &others, rule.fit);
        match marker {
            MarkerEnd::Close(op, close) => (first.end, end) = (self.edge(op), Some((op, close))),
            MarkerEnd::Unseen => first.end = Edge::Unseen,
            MarkerEnd::Recorded => {}
        }
        let ambiguous = weighed.ambiguous || !weighed.sure && weighed.holds.len() > 1;
        let system = self.log.processes.get(best.process.0 as usize).is_some_and(|process| process.is_system());
        Some(Suspect {
            holder: Holder {
                party: best.party(),
                confidence,
                mechanism,
                rule: rule_id,
                handle_ambiguous: ambiguous && confidence == Confidence::Proven,
                hold: first,
                more,
                conflicts: conflict.map(conflicts).unwrap_or_default(),
                victim: self.counts_as_victim(failing, best.process) && best.driver.is_none(),
                smb_client: system && best.served,
                confirmed: false,
                refuted_by: refuted.and_then(|one| Some(self.op(one.by)?.event)),
                unchecked: best.unchecked && conflict.is_some(),
            },
            inferred: fits == Fit::Maybe || !(sure || best.paired_alive(failing.at)),
            left_early,
            settled_by_release,
            beside: false,
            stood: match unknown {
                true => self.in_use_through(failing, track, group, best),
                false => weighed.left,
            },
            counterpart: unknown && track.handed_over_before(best, failing.at),
            elsewhere: false,
            end,
        })
    }
}

/// VI-10: the way a process opens its current directory.
fn is_current_directory(hold: &HoldRec) -> bool {
    hold.access == Some(AccessMask(AccessMask::EXECUTE.0 | AccessMask::SYNCHRONIZE.0))
        && hold.share == Some(ShareAccess(ShareAccess::READ.0 | ShareAccess::WRITE.0))
        && hold.options.contains(CreateOptions::DIRECTORY_FILE)
}

fn conflicts(conflict: ShareConflict) -> Vec<Conflict> {
    let mut list = Vec::new();
    if !conflict.holder_refuses.is_empty() {
        list.push(Conflict { side: Side::HolderDoesNotShare, classes: conflict.holder_refuses });
    }
    if !conflict.requester_refuses.is_empty() {
        list.push(Conflict { side: Side::VictimDoesNotShare, classes: conflict.requester_refuses });
    }
    list
}
