//! The open handles of a file against one rule: which may stand in the way, and how surely (AT-3 to AT-6, AT-13).

use super::left::lingers;
use super::suspect::{Blockers, MAX_PARTIES, Rule, Suspect, add};
use crate::locks::engine::Engine;
use crate::locks::failing::Failing;
use crate::locks::failure::wanted;
use crate::locks::file::hold::{Ended, Fit, HoldRec, Weighed};
use crate::locks::file::refute::spared_by_read;
use crate::locks::file::track::Track;
use crate::locks::finding::{Confidence, Conflict, Edge, Hold, Holder, Mechanism, Side};
use crate::locks::identity::{NONE, UNNAMED};
use crate::locks::spans::Instant;
use crate::nt::sharing::ShareConflict;
use crate::nt::{AccessMask, CreateOptions, FileTime, ShareAccess};

impl Engine<'_> {
    /// Every group of handles of the file, by one rule.
    pub(crate) fn by_handle(&mut self, failing: Failing<'_>, link: u32, rule: &Rule<'_>, found: &mut Blockers) {
        if link == NONE {
            return;
        }
        let track = self.track(self.names.file(link));
        let (groups, more) = track.weigh(failing.at, self.options.limit, &self.work, rule.fit);
        found.truncated |= more;
        for (group, weighed) in groups {
            if found.suspects.len() > 4 * MAX_PARTIES {
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
        let mut confidence = if unknown {
            self.grade_unopened(failing, track, group, best, rule.fit)
        } else if weighed.sure && fits == Fit::Yes {
            Confidence::Proven
        } else if best.paired_alive(failing.at)
            || !best.paired_by_thread
            || self.alone_was_left(failing, track, group, best, rule.fit)
        {
            Confidence::Likely // AT-3: it or another handle of the process is left
        } else {
            Confidence::Possible // AT-13: the same thread opened and closed it, which is usually but not always right
        };
        let mut settled_by_release = false;
        if fits == Fit::Maybe {
            // SA-11: MAXIMUM_ALLOWED is one inferred link; an open of which nothing was recorded is a guess.
            let shown = best.grant.is_some() || unknown;
            confidence = confidence.min(if shown { Confidence::Likely } else { Confidence::Possible });
        }
        let conflict = (rule.conflict)(best);
        if let Some(conflict) = conflict
            && conflict.certain
            && spared_by_read(best, wanted(failing.op).grant, conflict)
        {
            settled_by_release = confidence == Confidence::Proven && self.may_withhold_read(failing, best, conflict);
            confidence = confidence.min(Confidence::Likely); // SA-9
        }
        let refuted = track.refuted(best).filter(|_| best.ended_unseen() && best.handed.is_none());
        if best.ended_unseen() && best.handed.is_none() {
            confidence = Confidence::Possible; // AT-11: it ended unseen, sooner or later
        }
        let victim = self.counts_as_victim(failing, best.process) && best.driver.is_none();
        let own = best.process == failing.op.process && best.driver.is_none();
        if own && lingers(best, failing.at) {
            confidence = confidence.min(Confidence::Possible); // it has let go; who keeps its close from ending is not shown
        }
        let outlasted = matches!(rule.rule, "DP-3" | "DP-7" | "DR-1")
            && best.ended == Ended::Open
            && best.handed.is_none()
            && self.unkept(track, best.link, failing.at).is_some();
        // DP-6: the name goes with the handle that marked it, so that one had ended by then, whatever its process closed later.
        let gone = match rule.mechanism == Mechanism::PosixMarker && best.handed.is_none() {
            true => self.name_gone(best.link, failing.at),
            false => None,
        };
        let gone = gone.filter(|gone| best.ended == Ended::Open || best.outlasts(*gone));
        let last = gone.and_then(|gone| self.closed_between(best.process, best.path, failing.at, gone));
        let marker = gone.is_some() && last.is_none();
        if outlasted {
            confidence = Confidence::Possible; // its close is not in the capture, and the name went meanwhile
        }
        if marker {
            confidence = confidence.min(Confidence::Likely); // the refusal itself shows that it stood by then
        }
        let of_stream = self.marked_stream(failing, track, self.names.place(failing.index).link).is_some();
        if rule.rule == "DP-3" && !of_stream && best.link != self.subject(failing.index, failing.op) {
            confidence = confidence.min(Confidence::Possible); // DP-8: opened by id, perhaps for another of the file's names
        }
        if let Some(handed) = best.handed {
            // AT-6: name both, prove neither.
            let after = handed.before(failing.at);
            confidence = confidence.min(if after { Confidence::Possible } else { Confidence::Likely });
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
        let shown = exchanged.as_ref().unwrap_or(best);
        let mut more = Vec::new();
        let mut end = match shown.handed {
            Some(handed) if shown.ended == Ended::Open => track.close_at(handed),
            _ => self.end_of(shown),
        };
        for index in weighed.holds.iter().skip(1).take(8) {
            if let Some(hold) = track.holds.get(*index as usize)
                && hold.paired_alive(failing.at)
                && (rule.fit)(hold) != Fit::No
            {
                more.push(self.public_hold(failing, hold));
                // All of them must go, so the release is the last.
                end = match (end, self.end_of(hold)) {
                    (Some(a), Some(b)) => Some(if b.1.start > a.1.start { b } else { a }),
                    _ => None,
                };
            }
        }
        // Of several alike the one that lasts longest is told first: until its end the file was in use.
        let mut first = self.public_hold(failing, shown);
        let until = |hold: &Hold| match hold.end {
            Edge::At(_, time) => time,
            Edge::BeforeCapture => FileTime(0),
            Edge::AfterCapture | Edge::Unseen => FileTime(u64::MAX),
        };
        if let Some(longest) = more.iter_mut().max_by_key(|hold| until(hold))
            && until(longest) > until(&first)
            && (longest.access, longest.share) == (first.access, first.share)
        {
            std::mem::swap(longest, &mut first);
        }
        // A close that may have been another handle's is no release.
        let sorts = track.groups.get(group as usize).map_or(0, |group| group.sorts.len());
        if sorts != 1
            && let Some((_, close)) = end
        {
            let after = Instant { start: close.end, end: FileTime(close.end.0.saturating_add(1)) };
            if self.may_hold(track, Some(group), after, rule.fit) {
                end = None;
            }
        }
        if let Some((op, _)) = last {
            (first.end, end) = (self.edge(op), last);
        }
        let system = self.log.processes.get(best.process.0 as usize).is_some_and(|process| process.is_system());
        Some(Suspect {
            holder: Holder {
                party: best.party(),
                confidence,
                mechanism,
                rule: rule_id,
                handle_ambiguous: weighed.ambiguous && confidence == Confidence::Proven,
                hold: first,
                more,
                conflicts: conflict.map(conflicts).unwrap_or_default(),
                victim,
                smb_client: system && best.served,
                confirmed: false,
                refuted_by: refuted.and_then(|one| Some(self.op(one.by)?.event)),
            },
            inferred: fits == Fit::Maybe || !(weighed.sure || best.paired_alive(failing.at)),
            left_early,
            settled_by_release,
            beside: false,
            stood: match unknown {
                true => self.in_use_through(failing, track, group, best),
                false => weighed.left,
            },
            counterpart: unknown && track.handed_over_before(best, failing.at),
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
