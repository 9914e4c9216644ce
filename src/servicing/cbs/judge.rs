//! For one attempt: which error came first, which one set the result, which lock was only met while tidying up.

use crate::servicing::codes::{failed, lock_status, same_failure, says_missing, symbol};

use super::findings::{
    CorruptionMark, ErrorEvent, ErrorKind, HashMismatch, HydrationFailure, Locked, LogFacts, MissingPayload, Session,
    Stage,
};
use super::trail::{is_cleanup, last_part};

/// What belongs to one attempt, in log order.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// The session.
    pub session: &'a Session,
    /// Objects in use.
    pub locked: Vec<&'a Locked>,
    /// Missing payload.
    pub missing: Vec<&'a MissingPayload>,
    /// Hydration failures.
    pub hydration: Vec<&'a HydrationFailure>,
    /// Hash mismatches.
    pub hashes: Vec<&'a HashMismatch>,
    /// Corruption marks.
    pub marks: Vec<&'a CorruptionMark>,
}

impl LogFacts {
    /// What belongs to one session; `None` is what was logged outside any.
    pub fn attempt(&self, session: Option<usize>) -> Attempt<'_> {
        Attempt {
            session: session.and_then(|at| self.sessions.get(at)).unwrap_or(&self.outside),
            locked: self.locked.iter().filter(|found| found.session == session).collect(),
            missing: self.missing.iter().filter(|found| found.session == session).collect(),
            hydration: self.hydration.iter().filter(|found| found.session == session).collect(),
            hashes: self.hashes.iter().filter(|found| found.session == session).collect(),
            marks: self.marks.iter().filter(|found| found.session == session).collect(),
        }
    }

    /// Sets what each lock meant for its attempt.
    pub(super) fn judge_locks(&mut self) {
        let sessions = (0..self.sessions.len()).map(Some).chain([None]);
        let mut verdicts = Vec::new();
        for session in sessions {
            if self.locked.iter().any(|found| found.session == session) {
                verdicts.push((session, judge(&self.attempt(session)).locks));
            }
        }
        for (session, locks) in verdicts {
            let own = self.locked.iter_mut().filter(|found| found.session == session);
            for (found, (stage, sets_result)) in own.zip(locks) {
                found.stage = stage;
                found.sets_result = sets_result;
            }
        }
    }

    /// The session with that index.
    pub fn session(&self, at: Option<usize>) -> Option<&Session> {
        self.sessions.get(at?)
    }
}

/// What an attempt died of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiagnosisCode {
    /// A file that deltas are applied to is damaged.
    CorruptBasePayload,
    /// Payload that the update needs is not in the store.
    MissingPayload,
    /// An object in use.
    Lock {
        /// Below `WinSxS\Temp`.
        in_flight: bool,
        /// NTSTATUS.
        status: u32,
        /// Fallout only.
        cleanup: bool,
    },
    /// Something else.
    Other,
}

impl DiagnosisCode {
    /// The stable code, such as `inflight_delete_pending_in_cleanup`.
    pub fn as_code(&self) -> String {
        match self {
            Self::CorruptBasePayload => "corrupt_base_payload".to_owned(),
            Self::MissingPayload => "missing_payload".to_owned(),
            Self::Other => "other".to_owned(),
            Self::Lock { in_flight, status, cleanup } => {
                let name = symbol(*status).and_then(|name| name.strip_prefix("STATUS_"));
                let name = name.map_or_else(|| format!("{status:#010x}"), str::to_ascii_lowercase);
                let place = if *in_flight { "inflight" } else { "locked" };
                let end = if *cleanup { "_in_cleanup" } else { "" };
                format!("{place}_{name}{end}")
            }
        }
    }
}

/// The outcome of [`judge`].
#[derive(Clone, Debug)]
pub struct Judgement<'a> {
    /// The final HRESULT, or the best substitute.
    pub result: Option<u32>,
    /// Whether the log shows it as the session's own result.
    pub result_known: bool,
    /// Whether the attempt failed; `None` when the log does not show its end.
    pub failed: Option<bool>,
    /// Resolve, Stage, Execute.
    pub phase: Option<&'a str>,
    /// The first error of the attempt.
    pub first_error: Option<&'a ErrorEvent>,
    /// The first error that is the final result, in whatever dress.
    pub set_by: Option<&'a ErrorEvent>,
    /// The first call seen passing the final result on; the system call that met it does not count.
    pub returned_by: Option<&'a ErrorEvent>,
    /// The CBS error that first carries the result.
    pub failed_at: Option<&'a ErrorEvent>,
    /// Whether no CSI record is missing between the first error and the last.
    pub sequence_complete: bool,
    /// What it died of, or what it met if the log lacks its end; `None` when it did not fail.
    pub primary: Option<DiagnosisCode>,
    /// What else was found.
    pub also: Vec<DiagnosisCode>,
    /// For each lock: what it meant, and whether it is the final result.
    pub locks: Vec<(Stage, bool)>,
}

/// Which of several attempts a log is about: the last one known to have failed, else the last that may have, else
/// the last one.
pub fn choose(judged: &[Judgement<'_>]) -> Option<usize> {
    judged
        .iter()
        .rposition(|one| one.failed == Some(true) && one.result_known)
        .or_else(|| judged.iter().rposition(|one| one.failed == Some(true)))
        .or_else(|| judged.len().checked_sub(1))
}

/// Judges one attempt.
pub fn judge<'a>(attempt: &Attempt<'a>) -> Judgement<'a> {
    let session = attempt.session;
    let errors = &session.errors;
    let reported = session.hresult.or(session.wer.as_ref().and_then(|report| report.status));
    let substitute = || {
        let last = |kinds: &[ErrorKind]| {
            errors.iter().rev().find(|event| kinds.contains(&event.kind) && !is_refusal(event))?.code
        };
        last(&[ErrorKind::CbsError, ErrorKind::CbsResult]).or_else(|| last(&[ErrorKind::Trail]))
    };
    let result = reported.or_else(substitute);
    let is_result = |event: &&ErrorEvent| matches!((event.code, result), (Some(code), Some(result)) if failed(result) && same_failure(code, result));
    let set_by = errors.iter().find(is_result);
    let locks = attempt.locked.iter().map(|lock| judge_lock(lock, result, set_by)).collect::<Vec<_>>();
    let did_fail = reported.map(failed).or_else(|| errors.iter().any(|event| !is_refusal(event)).then_some(true));
    let (primary, also) = match did_fail {
        Some(true) => diagnose(attempt, result, &locks),
        None if !attempt.locked.is_empty() => diagnose(attempt, result, &locks),
        _ => (None, Vec::new()),
    };
    let chain = errors.first().zip(errors.last());
    Judgement {
        result,
        result_known: reported.is_some(),
        failed: did_fail,
        phase: session.wer.as_ref().and_then(|report| report.phase.as_deref()).or(session.chain_phase.as_deref()),
        first_error: errors.first(),
        set_by,
        returned_by: errors
            .iter()
            .filter(|event| event.kind == ErrorKind::Trail)
            .filter(|event| !event.function.as_deref().is_some_and(|name| last_part(name).starts_with("Sys")))
            .find(is_result),
        failed_at: errors.iter().filter(|event| event.kind == ErrorKind::CbsError).find(is_result),
        sequence_complete: chain.is_some_and(|(first, last)| first.lost_before == last.lost_before),
        primary,
        also,
        locks,
    }
}

/// A system call, or the clean-up around it, that met an object in use: the caller may have tried again, and alone it is
/// no failure of the attempt.
fn is_refusal(event: &ErrorEvent) -> bool {
    let call = event.function.as_deref().is_some_and(|name| last_part(name).starts_with("Sys") || is_cleanup(name));
    matches!(event.kind, ErrorKind::Trail | ErrorKind::Origin) && call && event.code.and_then(lock_status).is_some()
}

/// Same status all the way: the cause. Met in a recursive delete, or after the error that set the result: fallout.
fn judge_lock(lock: &Locked, result: Option<u32>, set_by: Option<&ErrorEvent>) -> (Stage, bool) {
    let in_cleanup = lock.outer.iter().any(|call| is_cleanup(&call.function));
    let earlier = set_by.is_some_and(|event| event.place.line < lock.place.line);
    let same = result.is_some_and(|result| failed(result) && same_failure(lock.status, result));
    // An origin record of the same failure may stand one number before the call record.
    let own_origin = set_by.is_some_and(|event| {
        event.kind == ErrorKind::Origin
            && event.place.seq.and_then(|seq| seq.checked_add(1)).is_some_and(|seq| Some(seq) == lock.place.seq)
    });
    if same && !(in_cleanup && earlier && !own_origin) {
        return (Stage::Operation, true);
    }
    (if in_cleanup || earlier { Stage::Cleanup } else { Stage::Operation }, false)
}

fn diagnose(
    attempt: &Attempt<'_>,
    result: Option<u32>,
    locks: &[(Stage, bool)],
) -> (Option<DiagnosisCode>, Vec<DiagnosisCode>) {
    // Everything found, by the line it first shows on.
    let mut found: Vec<(u64, DiagnosisCode)> = Vec::new();
    let damage =
        [attempt.hydration.first().map(|found| found.place.line), attempt.hashes.first().map(|found| found.place.line)];
    if let Some(line) = damage.into_iter().flatten().min() {
        found.push((line, DiagnosisCode::CorruptBasePayload));
    }
    if let Some(first) = attempt.missing.first() {
        found.push((first.place.line, DiagnosisCode::MissingPayload));
    }
    let mut cause = None;
    for (lock, (stage, sets_result)) in attempt.locked.iter().zip(locks) {
        let code = DiagnosisCode::Lock {
            in_flight: lock.in_flight.in_flight,
            status: lock.status,
            cleanup: *stage == Stage::Cleanup,
        };
        if *sets_result && cause.is_none() {
            cause = Some(code.clone());
        }
        found.push((lock.place.line, code));
    }
    found.sort_by_key(|(line, _)| *line);
    let mut codes: Vec<DiagnosisCode> = Vec::new();
    for (_, code) in found {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let has = |code: &DiagnosisCode| codes.contains(code);
    let damaged = has(&DiagnosisCode::CorruptBasePayload);
    let missing = has(&DiagnosisCode::MissingPayload);
    let primary = match (cause, result) {
        (Some(lock), _) => lock,
        (None, Some(code)) if explains_damage(code) && damaged => DiagnosisCode::CorruptBasePayload,
        (None, Some(0x800F_081F | 0x800F_0981 | 0x800F_0983 | 0x800F_0984 | 0x800F_0989)) => {
            DiagnosisCode::MissingPayload
        }
        (None, Some(code)) if (says_missing(code) || code == 0x800F_0831) && missing => DiagnosisCode::MissingPayload,
        // No code at all: what was met first in the work itself.
        (None, None) => codes
            .iter()
            .find(|code| !matches!(code, DiagnosisCode::Lock { cleanup: true, .. }))
            .cloned()
            .unwrap_or(DiagnosisCode::Other),
        _ => DiagnosisCode::Other,
    };
    codes.retain(|code| *code != primary);
    (Some(primary), codes)
}

/// Results that a damaged file of the store brings about.
fn explains_damage(code: u32) -> bool {
    matches!(code, 0x800F_0985..=0x800F_0987 | 0x800F_0831 | 0x800F_0832)
        || matches!(
            symbol(code),
            Some(
                "ERROR_INVALID_DATA"
                    | "ERROR_SXS_COMPONENT_STORE_CORRUPT"
                    | "STATUS_SXS_COMPONENT_STORE_CORRUPT"
                    | "ERROR_SXS_FILE_HASH_MISMATCH"
                    | "STATUS_SXS_FILE_HASH_MISMATCH"
            )
        )
}
