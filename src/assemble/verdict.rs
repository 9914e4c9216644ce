//! The answer in one sentence, and what to do next.

use super::Parts;
use super::caveats::caveats;
use super::holders::Holders;
use crate::blame::advice::{self, Evidence, Gaps, HolderFacts};
use crate::blame::filters::CandidateFilter;
use crate::blame::scope::Profile;
use crate::case::{
    Advice, Attribution, Cause, Confidence, ExplanationCode, Failure, Holder, OnBehalfOf, PartyCode, Verdict,
    VerdictCode,
};
use crate::lang::advice::AdviceValues;
use crate::lang::{self, Lang, products, record as t};
use rustc_hash::FxHashSet;

/// Verdict, recommendations and caveats.
pub(super) fn verdict(
    parts: &Parts<'_>,
    holders: &Holders,
    failures: &[Failure],
) -> (Verdict, Vec<Advice>, Vec<Advice>) {
    let lang = parts.options.lang;
    let (firm, suspects): (Vec<_>, Vec<_>) = holders
        .iter()
        .filter(|(holder, _)| holder.party != PartyCode::Victim)
        .partition(|(holder, _)| holder.confidence > Confidence::Possible);
    let count = |attribution| failures.iter().filter(|failure| failure.attribution == attribution).count();
    let not_visible = count(Attribution::NotVisible);
    let kernel_held = failures.iter().filter(|failure| is_kernel_held(failure)).count();
    let not_empty = failures.iter().filter(|failure| is_unexplained_folder(failure)).count();
    let read_only = failures.iter().filter(|failure| is_perhaps_read_only(failure)).count();
    let unseen = not_visible - kernel_held - not_empty - read_only;
    let selfish = count(Attribution::SelfInflicted);
    let code = match (failures.is_empty(), firm.len()) {
        (true, _) => VerdictCode::NoFailures,
        (_, 1) => VerdictCode::Culprit,
        (_, 2..) => VerdictCode::SeveralCulprits,
        (_, 0) if not_visible > 0 || !suspects.is_empty() => VerdictCode::NoVisibleHolder,
        (_, 0) if selfish > 0 => VerdictCode::SelfInflicted,
        (_, 0) => VerdictCode::NoHolder,
    };
    let named: Vec<&(&Holder, &HolderFacts)> = match code {
        VerdictCode::Culprit | VerdictCode::SeveralCulprits => firm.iter().collect(),
        VerdictCode::NoVisibleHolder => suspects.iter().collect(),
        _ => Vec::new(),
    };
    let mut ids: Vec<String> = named.iter().map(|(holder, _)| holder.id.clone()).collect();
    let mut confidence = named.first().map_or(Confidence::None, |(holder, _)| holder.confidence);
    if code == VerdictCode::SelfInflicted {
        let own: Vec<&Holder> = holders.iter().map(|(holder, _)| holder).collect();
        confidence = own.iter().map(|holder| holder.confidence).max().unwrap_or(Confidence::None);
        ids = own.iter().map(|holder| holder.id.clone()).collect();
    }
    // A failure by a party's own handle is no failure that it explains to others.
    let explained: Vec<&Failure> = failures
        .iter()
        .filter(|failure| failure.attribution == Attribution::Holders)
        .filter(|failure| {
            failure
                .holders
                .iter()
                .any(|one| one.confidence > Confidence::Possible && ids.iter().any(|id| one.holder == *id))
        })
        .collect();
    let victim = match code {
        VerdictCode::Culprit | VerdictCode::SeveralCulprits => victims(parts, explained.iter().copied()),
        _ => victims(parts, failures.iter()),
    };
    let first = named.first().map(|(holder, _)| who_if_shown(holder, parts, holders)).unwrap_or_default();
    let grade = graded(confidence, failures, named.first().map(|(holder, _)| holder.id.as_str()), lang);
    let total = failures.len();
    let mut text = match code {
        VerdictCode::Culprit => {
            let files = explained.iter().map(|failure| failure.path.to_lowercase()).collect::<FxHashSet<_>>().len();
            let paths = if files == 1 { t::ONE_PATH } else { t::PATHS }.fill(lang, &[("n", &files)]);
            t::CULPRIT.fill(
                lang,
                &[
                    ("who", &first),
                    ("paths", &paths),
                    ("victim", &victim),
                    ("explained", &explained.len()),
                    ("failures", &total),
                    ("confidence", &grade),
                ],
            )
        }
        VerdictCode::SeveralCulprits => t::SEVERAL.fill(
            lang,
            &[
                ("n", &named.len()),
                ("who", &first),
                ("victim", &victim),
                ("explained", &explained.len()),
                ("failures", &total),
                ("confidence", &grade),
            ],
        ),
        VerdictCode::SelfInflicted => {
            let own = names(holders.iter().map(|(holder, _)| image(holder)), lang);
            let text = match confidence {
                _ if !parts.unshown.is_empty() => t::SELF_UNSHOWN,
                Confidence::Proven => t::SELF_INFLICTED,
                _ => t::SELF_LIKELY,
            };
            text.fill(lang, &[("self", &own), ("failures", &total), ("confidence", &grade)])
        }
        VerdictCode::NoVisibleHolder if parts.survey.coverage.unordered => {
            t::UNORDERED.fill(lang, &[("failures", &total)])
        }
        VerdictCode::NoVisibleHolder => {
            let mut text = String::new();
            if unseen > 0 || not_visible == 0 {
                let values: &[(&str, &dyn std::fmt::Display)] =
                    &[("victim", &victim), ("unexplained", &unseen), ("failures", &total)];
                text = t::NOT_VISIBLE.fill(lang, values);
                let born = parts.analysis.findings.iter().any(|finding| {
                    finding.born_in_capture && finding.attribution == crate::locks::Attribution::NotVisible
                });
                if born {
                    join(&mut text, t::NOT_VISIBLE_BORN.get(lang), lang);
                }
            }
            let apart =
                [(kernel_held, t::KERNEL_HELD), (not_empty, t::FOLDER_NOT_EMPTY), (read_only, t::MAYBE_READ_ONLY)];
            for (n, sentence) in apart {
                if n > 0 {
                    join(&mut text, &sentence.fill(lang, &[("n", &n), ("failures", &total)]), lang);
                }
            }
            let suspected: Vec<String> = named.iter().map(|(holder, _)| who_if_shown(holder, parts, holders)).collect();
            if let [_, _, ..] = suspected.as_slice() {
                let who = names(suspected.iter().map(String::as_str), lang);
                join(&mut text, &t::NOT_VISIBLE_SUSPECTS.fill(lang, &[("n", &named.len()), ("who", &who)]), lang);
            } else if !first.is_empty() {
                join(&mut text, &t::NOT_VISIBLE_SUSPECT.fill(lang, &[("who", &first)]), lang);
            }
            text
        }
        VerdictCode::NoHolder => {
            let mut reasons: Vec<&str> =
                failures.iter().map(|one| lang::report::nobody(one.cause, &one.status).get(lang)).collect();
            reasons.sort_unstable();
            reasons.dedup();
            let reasons = reasons.join(lang.semicolon());
            t::NO_HOLDER.fill(lang, &[("failures", &total), ("reasons", &reasons)])
        }
        VerdictCode::NoFailures => {
            let or = |list: &[String], any: lang::Text| {
                if list.is_empty() { any.get(lang).to_owned() } else { list.join(lang.comma()) }
            };
            let victims = or(&parts.scope.victims, t::ANY_PROCESS);
            let paths = or(&parts.scope.paths, t::ANY_PATH);
            let values: &[(&str, &dyn std::fmt::Display)] =
                &[("n", &parts.filtered), ("victims", &victims), ("paths", &paths)];
            let none = if parts.filtered == 0 { t::NO_FAILURES } else { lang::filters::NOTHING_PASSES };
            let mut text = none.fill(lang, values);
            let blind = match (parts.survey.counts.file_system, parts.survey.coverage.creates) {
                (0, _) => Some(t::NO_FAILURES_BLIND),
                (_, 0) => Some(t::NO_FAILURES_NO_OPENS),
                _ => None,
            };
            if let Some(sentence) = blind {
                join(&mut text, sentence.get(lang), lang);
            }
            if parts.filtered == 0 && !parts.log.processes.iter().any(|process| parts.scope.is_victim(process)) {
                let nameless = parts.log.processes.iter().any(|process| process.name.is_empty());
                let sentence = if nameless { t::NO_FAILURES_NAMELESS } else { t::NO_FAILURES_ABSENT };
                join(&mut text, sentence.get(lang), lang);
            }
            let outside = parts.outside.saturating_sub(parts.filtered);
            if outside > 0 {
                join(&mut text, &t::NO_FAILURES_OUTSIDE.fill(lang, &[("n", &outside)]), lang);
            }
            text
        }
    };
    if matches!(code, VerdictCode::Culprit | VerdictCode::SeveralCulprits) {
        let own = if parts.scope.profile == Profile::Servicing { t::REST_SELF } else { t::REST_OWN };
        let rest = [
            (unseen, t::REST_UNSEEN),
            (kernel_held, t::KERNEL_HELD),
            (not_empty, t::FOLDER_NOT_EMPTY),
            (read_only, t::MAYBE_READ_ONLY),
            (selfish, own),
        ];
        for (n, sentence) in rest {
            if n > 0 {
                join(&mut text, &sentence.fill(lang, &[("n", &n), ("failures", &total)]), lang);
            }
        }
    }
    if let Some(first) = also_itself(holders, failures, code, lang) {
        let rest = std::mem::replace(&mut text, first);
        join(&mut text, &rest, lang);
    }
    if parts.filtered > 0 && code != VerdictCode::NoFailures {
        join(&mut text, &lang::filters::LEFT_OUT.fill(lang, &[("n", &parts.filtered)]), lang);
    }
    let hidden = Hidden { holder: unseen > 0, left_in_folder: not_empty > 0, attributes: read_only > 0 };
    let mut recommendations = recommendations(parts, holders, failures, &hidden);
    if code == VerdictCode::SelfInflicted && confidence < Confidence::Proven {
        for advice in recommendations.iter_mut().filter(|advice| advice.code == "none") {
            t::NONE_LIKELY.get(lang).clone_into(&mut advice.text);
        }
    }
    let caveats = caveats(parts, holders, failures);
    (Verdict { code, confidence, holders: ids, text }, recommendations, caveats)
}

/// A grade in words; with how many of the failures that a party, or else whoever it may be, is behind it holds for, if not
/// for all.
fn graded(confidence: Confidence, failures: &[Failure], party: Option<&str>, lang: Lang) -> String {
    let grade = confidence_text(confidence, lang);
    let best = |failure: &Failure| {
        let own = failure.holders.iter().filter(|one| party.is_none_or(|party| one.holder == party));
        own.map(|one| one.confidence).max()
    };
    let grades: Vec<Confidence> = failures.iter().filter_map(best).collect();
    let n = grades.iter().filter(|one| **one == confidence).count();
    if n == grades.len() {
        return grade.to_string();
    }
    t::GRADE_OF_SOME.fill(lang, &[("grade", &grade), ("n", &n), ("all", &grades.len())])
}

/// Whether Windows itself keeps the file open, and nobody is suspected beside.
pub(super) fn is_kernel_held(failure: &Failure) -> bool {
    failure.attribution == Attribution::NotVisible
        && failure.holders.is_empty()
        && failure.explanations.first() == Some(&ExplanationCode::KernelHeld)
}

/// Whether a folder was not empty for a reason the capture does not show; a live child is the usual one (DR-1).
fn is_unexplained_folder(failure: &Failure) -> bool {
    failure.attribution == Attribution::NotVisible
        && failure.holders.is_empty()
        && failure.cause == Cause::DirectoryNotEmpty
}

/// Whether the read-only attribute may be the whole reason, which the capture does not show (DP-10).
fn is_perhaps_read_only(failure: &Failure) -> bool {
    failure.attribution == Attribution::NotVisible && failure.explanations.contains(&ExplanationCode::ReadOnlyAttribute)
}

pub(super) fn join(text: &mut String, sentence: &str, lang: Lang) {
    if lang == Lang::En && !text.is_empty() {
        text.push(' ');
    }
    text.push_str(sentence);
}

fn confidence_text(confidence: Confidence, lang: Lang) -> &'static str {
    match confidence {
        Confidence::Proven => t::PROVEN,
        Confidence::Likely => t::LIKELY,
        Confidence::Possible | Confidence::None => t::POSSIBLE,
    }
    .get(lang)
}

/// The processes whose operations failed, named once each.
fn victims<'a>(parts: &Parts<'_>, failures: impl Iterator<Item = &'a Failure>) -> String {
    let lang = parts.options.lang;
    let names = names(failures.map(|failure| failure.driver.as_ref().unwrap_or(&failure.process).as_str()), lang);
    if names.is_empty() { parts.scope.victims.join(lang.comma()) } else { names }
}

/// Each name once, the first few of them.
fn names<'a>(all: impl Iterator<Item = &'a str>, lang: Lang) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in all {
        if !names.iter().any(|have| have.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    match names.get(..3) {
        Some(first) if names.len() > 3 => {
            format!(
                "{}{}…{}",
                first.join(lang.comma()),
                lang.comma(),
                lang.remark(format_args!("+{}", names.len() - 3))
            )
        }
        _ => names.join(lang.comma()),
    }
}

/// Said first where others are named: that the failing side held the file as well (AT-8).
fn also_itself(holders: &Holders, failures: &[Failure], code: VerdictCode, lang: Lang) -> Option<String> {
    if !matches!(code, VerdictCode::Culprit | VerdictCode::SeveralCulprits) {
        return None;
    }
    let own: Vec<&Holder> =
        holders.iter().map(|(holder, _)| holder).filter(|holder| holder.party == PartyCode::Victim).collect();
    let with_others = |failure: &&Failure| {
        failure.attribution == Attribution::Holders
            && failure.holders.iter().any(|one| own.iter().any(|holder| one.holder == holder.id))
    };
    let n = failures.iter().filter(with_others).count();
    let itself = names(own.iter().map(|holder| image(holder)), lang);
    (n > 0).then(|| t::ALSO_ITSELF.fill(lang, &[("n", &n), ("failures", &failures.len()), ("self", &itself)]))
}

/// A party in a sentence.
pub(super) fn who(holder: &Holder, lang: Lang) -> String {
    let vendor = holder.vendor.as_ref().map(|vendor| {
        let name = products::name(&vendor.name, vendor.name_zh.as_deref(), vendor.product.as_deref(), lang);
        if holder.is_known_by_name_only() { t::NAME_ONLY.fill(lang, &[("vendor", &name)]) } else { name }
    });
    match (&holder.process, &holder.driver, vendor) {
        (Some(process), _, _) if holder.on_behalf_of == Some(OnBehalfOf::SmbClient) => {
            t::WHO_SMB.fill(lang, &[("name", &process.name), ("pid", &process.pid)])
        }
        (Some(process), _, Some(vendor)) => {
            t::WHO_PROCESS_VENDOR.fill(lang, &[("name", &process.name), ("pid", &process.pid), ("vendor", &vendor)])
        }
        (Some(process), _, None) => t::WHO_PROCESS.fill(lang, &[("name", &process.name), ("pid", &process.pid)]),
        (None, Some(driver), Some(vendor)) => {
            t::WHO_DRIVER_VENDOR.fill(lang, &[("name", &driver.name), ("vendor", &vendor)])
        }
        (None, Some(driver), None) => t::WHO_DRIVER.fill(lang, &[("name", &driver.name)]),
        (None, None, _) => String::new(),
    }
}

/// The same, with the doubt whether it was the one whose name the capture shows.
fn who_if_shown(holder: &Holder, parts: &Parts<'_>, holders: &Holders) -> String {
    let lang = parts.options.lang;
    let name = who(holder, lang);
    let unshown = parts.unshown.iter().any(|party| holders.id(*party) == holder.id);
    if unshown { t::WHO_UNSHOWN.fill(lang, &[("who", &name)]) } else { name }
}

/// What another capture could show.
struct Hidden {
    /// Who held.
    holder: bool,
    /// What was left in a folder that was not empty.
    left_in_folder: bool,
    /// Whether the file of a refused deletion is read-only, or else mapped.
    attributes: bool,
}

fn recommendations(parts: &Parts<'_>, holders: &Holders, failures: &[Failure], hidden: &Hidden) -> Vec<Advice> {
    let lang = parts.options.lang;
    let file = parts.options.files.first().map_or("CAPTURE.PML", |file| file.name.as_str());
    if failures.is_empty() {
        let show =
            Advice { code: "show_other_failures".to_owned(), text: t::SHOW_OTHERS.fill(lang, &[("file", &file)]) };
        return if parts.outside > parts.filtered { vec![show] } else { Vec::new() };
    }
    if parts.survey.coverage.unordered {
        return vec![Advice { code: "sort_rows".to_owned(), text: t::SORT_ROWS.get(lang).to_owned() }];
    }
    let coverage = parts.survey.coverage;
    let (records, facts): (Vec<&Holder>, Vec<HolderFacts>) =
        holders.iter().map(|(holder, facts)| (holder, *facts)).unzip();
    let candidates = &parts.filters.candidates;
    let evidence = Evidence {
        holders: &facts,
        unseen_holder: hidden.holder || hidden.left_in_folder || hidden.attributes,
        maybe_read_only: hidden.attributes,
        filters_loaded: hidden.holder && !candidates.is_empty(),
        delete_left_pending: left_pending(failures),
        author_unshown: parts.survey.with_stack == 0
            && (!parts.unshown.is_empty()
                || failures.iter().any(|failure| failure.attribution == Attribution::SelfInflicted)),
        gaps: Gaps {
            events_missing: coverage.lacks_closes() || coverage.creates == 0 || coverage.active_processes <= 2,
            started_late: failures
                .iter()
                .any(|failure| failure.explanations.contains(&crate::case::ExplanationCode::OpenBeforeCapture)),
            export_only: parts.machine.os.is_none() && parts.survey.with_stack == 0,
        },
    };
    let refused = failures.iter().find(|failure| is_perhaps_read_only(failure)).map(|failure| &*failure.path);
    let folder = failures.first().map(|failure| folder(&failure.path)).unwrap_or_default();
    let filters = filter_names(candidates, lang);
    let altitude = parts.filters.recapture_altitude().map(|altitude| altitude.as_str().to_owned()).unwrap_or_default();
    let mut list: Vec<Advice> = Vec::new();
    for advice in advice::advise(&evidence) {
        let holder = advice.holder.and_then(|at| records.get(at));
        let product = holder.map(|holder| product(holder, lang)).unwrap_or_default();
        let process = holder.map(|holder| image(holder)).unwrap_or_default();
        let values = AdviceValues {
            product: &product,
            process,
            path: &folder,
            file: refused.unwrap_or_default(),
            altitude: &altitude,
            filters: &filters,
            monitor: parts.filters.monitor,
        };
        let code = advice.code.as_code();
        if let Some(text) = lang::advice::render(code, &values, lang)
            && !list.iter().any(|have| have.text == text)
        {
            list.push(Advice { code: code.to_owned(), text });
        }
    }
    list
}

/// Whether a delete that stood in the way was still pending when the capture ended.
fn left_pending(failures: &[Failure]) -> bool {
    failures.iter().any(|failure| {
        failure.deleted_by.is_some()
            && failure.released_by.is_none()
            && failure.holders.iter().any(|holder| holder.hold.end.is_after_capture())
    })
}

/// The folder to speak of: an in-flight folder as a whole, else the file's own.
fn folder(path: &str) -> String {
    let lower = path.to_ascii_lowercase();
    for name in ["\\winsxs\\temp\\inflight", "\\winsxs\\temp\\pendingdeletes", "\\winsxs\\temp\\pendingrenames"] {
        if let Some(at) = lower.find(name)
            && path.is_char_boundary(at + name.len())
        {
            return path[..at + name.len()].to_owned();
        }
    }
    path.rsplit_once('\\').map_or(path, |(folder, _)| folder).to_owned()
}

fn image(holder: &Holder) -> &str {
    match (&holder.process, &holder.driver) {
        (Some(process), _) => &process.name,
        (None, Some(driver)) => &driver.name,
        (None, None) => "",
    }
}

/// Whose product it is; a name alone, which anybody can choose, makes it nobody's.
fn product(holder: &Holder, lang: Lang) -> String {
    match holder.vendor.as_ref().filter(|_| !holder.is_known_by_name_only()) {
        Some(vendor) => products::name(&vendor.name, vendor.name_zh.as_deref(), vendor.product.as_deref(), lang),
        None => image(holder).to_owned(),
    }
}

/// The candidate filters as one text: name, altitude, company.
pub(super) fn filter_names(candidates: &[CandidateFilter], lang: Lang) -> String {
    let name = |filter: &CandidateFilter| {
        let mut facts: Vec<String> =
            filter.altitudes.iter().map(|row| row.altitude.as_str().to_owned()).take(1).collect();
        if !filter.company.is_empty() {
            facts.push(filter.company.clone());
        }
        if facts.is_empty() {
            filter.name.clone()
        } else {
            filter.name.clone() + &lang.remark(facts.join(lang.comma()))
        }
    };
    candidates.iter().map(name).collect::<Vec<_>>().join(lang.comma())
}
