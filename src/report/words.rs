//! Parts of a case in words: edges, grades, parties and reasons.

use super::escape;
use crate::case::{CaseRecord, Cause, Confidence, Driver, FailureHolder, Holder, Mechanism, Process};
use crate::lang::{Lang, Text, report as t};

/// An edge outside what the capture shows, in words.
pub(super) fn outside(code: &str) -> Text {
    match code {
        "before_capture" => t::BEFORE_CAPTURE,
        "after_capture" => t::AFTER_CAPTURE,
        _ => t::UNSEEN,
    }
}

/// The grade in words.
pub(super) const fn confidence(confidence: Confidence) -> Text {
    match confidence {
        Confidence::Proven => t::PROVEN,
        Confidence::Likely => t::LIKELY,
        Confidence::Possible => t::POSSIBLE,
        Confidence::None => t::NONE,
    }
}

/// What a party is called: its driver, else its process, with the services that it hosts.
pub(super) fn holder_title(holder: &Holder) -> String {
    let hosted = holder.process.as_ref().filter(|_| holder.driver.is_none()).and_then(hosted);
    hosted.map_or_else(|| holder_name(holder), |hosted| format!("{}\n{hosted}", holder_name(holder)))
}

/// The same, by name alone.
pub(super) fn holder_name(holder: &Holder) -> String {
    let name = holder
        .driver
        .as_ref()
        .map(|driver| driver.name.as_str())
        .or(holder.process.as_ref().map(|process| process.name.as_str()))
        .unwrap_or_default();
    escape::terminal(name)
}

/// A process by name; before it the driver that acts in its name.
pub(super) fn acting(driver: Option<&str>, (process, pid): (&str, u32), lang: Lang) -> String {
    let process = escape::terminal(process);
    match driver {
        Some(driver) => escape::terminal(driver) + &lang.remark(format_args!("{process} PID {pid}")),
        None => lang.process(process, pid),
    }
}

/// What is known of a driver beside its name: company, version, altitude, path; `None` where nothing is.
pub(super) fn driver_facts(driver: &Driver, lang: Lang) -> Option<String> {
    let version = driver.version.as_ref().map(|version| t::DRIVER_VERSION.fill(lang, &[("version", version)]));
    let altitude = driver.altitude.as_ref().map(|altitude| t::DRIVER_ALTITUDE.fill(lang, &[("altitude", altitude)]));
    let facts: Vec<String> =
        [driver.company.clone(), version, altitude, driver.path.clone()].into_iter().flatten().collect();
    let facts = escape::terminal(&facts.join(lang.comma()));
    let driver = escape::terminal(&driver.name);
    (!facts.is_empty()).then(|| t::DRIVER_FACTS.fill(lang, &[("driver", &driver), ("facts", &facts)]))
}

/// Whether a hold may have the classes that the other side does not share only if MAXIMUM_ALLOWED granted them (SA-11).
fn only_if_granted(holder: &FailureHolder) -> bool {
    let Some(access) = &holder.hold.access else { return false };
    let asked = |name: &str| access.iter().any(|one| &**one == name);
    let has = |class: &str| match class {
        "READ" => asked("READ_DATA") || asked("EXECUTE"),
        "WRITE" => asked("WRITE_DATA") || asked("APPEND_DATA"),
        _ => asked("DELETE"),
    };
    asked("MAXIMUM_ALLOWED") && !holder.not_shared_by_victim.iter().all(|class| has(class))
}

/// What a process that runs the services of others was started for: `-s wuauserv`, else their group, `-k netsvcs`.
fn hosted(process: &Process) -> Option<String> {
    let command = process.command_line.as_deref().filter(|_| process.name.eq_ignore_ascii_case("svchost.exe"))?;
    let words: Vec<&str> = command.split_whitespace().collect();
    let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1));
    let (flag, name) = ["-s", "-k"].into_iter().find_map(|flag| Some((flag, after(flag)?)))?;
    Some(format!("{flag} {}", escape::terminal(name)))
}

/// Whether the victims are the installer's processes.
pub(super) fn is_servicing(case: &CaseRecord) -> bool {
    case.scope.profile == "servicing"
}

/// Why a hold stood in the way, in words.
pub(super) fn reason_of(cause: Cause, holder: &FailureHolder, lang: Lang) -> String {
    let by_share = matches!(holder.mechanism, Mechanism::OpenHandle | Mechanism::FilterInStack);
    let has = if only_if_granted(holder) { t::REASON_VICTIM_NO_SHARE_MAXIMUM } else { t::REASON_VICTIM_NO_SHARE };
    let sides = [(&holder.not_shared_by_holder, t::REASON_NO_SHARE), (&holder.not_shared_by_victim, has)];
    if holder.rule == "OP-3" {
        return t::REASON_OPLOCK_STANDS.get(lang).to_owned();
    }
    let mut reasons: Vec<String> = sides
        .into_iter()
        .filter(|(classes, _)| by_share && cause == Cause::ShareConflict && !classes.is_empty())
        .map(|(classes, text)| text.fill(lang, &[("classes", &classes.join("+"))]))
        .collect();
    if reasons.is_empty() && holder.mechanism == Mechanism::OpenHandle && cause == Cause::ShareConflict {
        let unknown = holder.hold.access.is_none();
        return if unknown { t::REASON_UNKNOWN_SHARE } else { t::REASON_SHARE }.get(lang).to_owned();
    }
    if reasons.is_empty() || holder.mechanism == Mechanism::FilterInStack {
        reasons.push(t::mechanism(holder.mechanism, cause).get(lang).to_owned());
    }
    reasons.join(lang.semicolon())
}
