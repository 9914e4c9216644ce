//! What the answer does not cover.

use super::Parts;
use super::holders::Holders;
use super::verdict::{filter_names, is_kernel_held, join, who};
use crate::blame::filters::{CandidateFilter, FilterRank};
use crate::case::{Advice, Cause, Confidence, Failure};
use crate::lang::record as t;
use rustc_hash::FxHashSet;

/// Events named, at most.
const MAX_NAMED: usize = 8;

/// Whether more than one party surely, or very likely, kept a pending delete.
fn is_kept_by_several(failure: &Failure) -> bool {
    let firm = failure.holders.iter().filter(|holder| holder.confidence > Confidence::Possible);
    failure.cause == Cause::DeletePending && firm.map(|holder| &holder.holder).collect::<FxHashSet<_>>().len() > 1
}

/// What a reader of the verdict has to keep in mind.
pub(super) fn caveats(parts: &Parts<'_>, holders: &Holders, failures: &[Failure]) -> Vec<Advice> {
    let lang = parts.options.lang;
    let mut list = Vec::new();
    // Windows' own anti-virus filter sits below the monitor like anybody else's.
    let own = parts.filters.microsoft.iter().filter(|filter| filter.rank == FilterRank::AntiVirus);
    let candidates: Vec<CandidateFilter> = parts.filters.candidates.iter().chain(own).cloned().collect();
    if !candidates.is_empty() && !failures.iter().all(is_kernel_held) {
        let filters = filter_names(&candidates, lang);
        let mut text = t::C_BELOW.fill(lang, &[("filters", &filters)]);
        join(&mut text, t::C_LOADED_NOT_PROOF.get(lang), lang);
        list.push(Advice { code: "filters_below_procmon_altitude".to_owned(), text });
    }
    for (holder, _) in holders.iter() {
        if holder.is_known_by_name_only() {
            let text = t::C_NAME_ONLY.fill(lang, &[("who", &who(holder, lang))]);
            list.push(Advice { code: "vendor_by_name_only".to_owned(), text });
        }
    }
    let mut unshown: Vec<String> = Vec::new();
    for party in parts.unshown {
        let id = holders.id(*party);
        unshown.extend(holders.iter().filter(|(holder, _)| holder.id == id).map(|(holder, _)| who(holder, lang)));
    }
    if !unshown.is_empty() {
        let is_system = |party: &crate::locks::Party| {
            parts.log.processes.get(party.process().0 as usize).is_some_and(|process| process.is_system())
        };
        // VI-5: the file server acts as System only.
        let text = match (parts.unshown.iter().any(is_system), parts.unshown.iter().all(is_system)) {
            (_, true) => t::C_AUTHOR_SYSTEM,
            (true, _) => t::C_AUTHOR_EITHER,
            (false, _) => t::C_AUTHOR,
        };
        let text = text.fill(lang, &[("who", &unshown.join(lang.comma()))]);
        list.push(Advice { code: "author_not_shown".to_owned(), text });
    }
    let cut = parts.analysis.findings.iter().filter(|finding| finding.truncated).count();
    if cut > 0 {
        let text = t::C_MORE_HOLDERS.fill(lang, &[("n", &cut)]);
        list.push(Advice { code: "more_holders".to_owned(), text });
    }
    let several: Vec<u64> =
        failures.iter().filter(|failure| is_kept_by_several(failure)).map(|one| one.event).collect();
    if !several.is_empty() {
        let events = lang.numbers(&several, MAX_NAMED);
        let text = t::C_SEVERAL_NEEDED.fill(lang, &[("n", &several.len()), ("events", &events)]);
        list.push(Advice { code: "every_holder_must_close".to_owned(), text });
    }
    list
}
