//! One log.

use super::{attempt, component, decoded, hex, rfc, seconds_between, seq, symbol};
use crate::case::cbs as out;
use crate::lang::{Lang, cbs as words};
use crate::servicing::cbs::merge::{Joined, NamedLog};
use crate::servicing::cbs::{Judgement, Locked, LogFacts, choose, judge, trail};

pub(super) fn file(joined: &Joined, at: usize, log: &NamedLog, lang: Lang) -> out::CbsFile {
    let facts = &log.facts;
    let name_of = |other: usize| joined.label(other).to_owned();
    let sessions: Vec<Option<usize>> = (0..facts.sessions.len()).map(Some).chain([None]).collect();
    let attempts: Vec<_> = sessions.iter().map(|session| facts.attempt(*session)).collect();
    let judged: Vec<Judgement<'_>> = attempts.iter().map(judge).collect();
    // What lies outside any session is an attempt of its own only where errors stand.
    let outside_counts = !facts.outside.errors.is_empty();
    let counted = if outside_counts { judged.len() } else { facts.sessions.len() };
    let chosen = choose(judged.get(..counted).unwrap_or_default());
    let chosen = chosen.and_then(|at| Some((attempts.get(at)?, judged.get(at)?)));
    out::CbsFile {
        name: log.name.clone(),
        path: (log.path != log.name).then(|| log.path.clone()),
        bytes: facts.bytes,
        sha256: facts.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        copy_of: joined.copy_of.get(at).copied().flatten().map(name_of),
        shared: joined
            .shared
            .get(at)
            .into_iter()
            .flatten()
            .map(|shared| out::Shared {
                with: name_of(shared.with),
                first_local: shared.overlap.first.to_string(),
                last_local: shared.overlap.last.to_string(),
                records: shared.overlap.records,
            })
            .collect(),
        encoding: facts.text.encoding().as_code().to_owned(),
        bom: facts.text.bom,
        newline: facts.text.newline().to_owned(),
        physical_lines: facts.text.lines,
        header_lines: facts.lines.header_lines,
        records: facts.lines.records,
        levels: facts.levels.clone(),
        components: facts.components.clone(),
        first_local: facts.first_local.map(|local| local.to_string()),
        last_local: facts.last_local.map(|local| local.to_string()),
        utc_offset_minutes: facts.offset.as_ref().map(|offset| offset.minutes),
        utc_offset_source: facts.offset.as_ref().map(|offset| offset.source.as_code().to_owned()),
        utc_pairs: facts.utc_pairs,
        sessions: facts
            .sessions
            .iter()
            .map(|session| out::Session {
                id: session.id.clone(),
                line: session.line,
                client: session.client.clone(),
                created_utc: session.created.map(rfc),
                package: session.package.clone(),
                identifier: session.identifier.clone(),
                hresult: session.hresult.map(hex),
                reboot_required: session.reboot_required,
                finished_line: session.finished_line,
                finalized_line: session.finalized_line,
                first_error: session.errors.first().map(|event| attempt::error_in(facts, event)),
            })
            .collect(),
        packages: facts
            .packages
            .iter()
            .map(|package| out::Package {
                identity: package.identity.clone(),
                name: package.name.clone(),
                version: package.version.clone(),
                arch: package.arch.clone(),
                kb: package.kb.clone(),
            })
            .collect(),
        kb: facts.kb.clone(),
        result: chosen.and_then(|(attempt, judgement)| attempt::result(attempt.session, judgement, &|line| line, lang)),
        locked_paths: facts.locked.iter().map(|lock| locked(facts, lock)).collect(),
        missing_payload: missing(facts),
        hydration_failures: hydration(facts),
        hash_mismatches: facts
            .hashes
            .iter()
            .map(|found| out::HashMismatch {
                line: found.place.line,
                component: found.component.clone(),
                file: found.file.clone(),
                expected: found.expected.clone(),
                actual: found.actual.clone(),
            })
            .collect(),
        corruption_marks: facts
            .marks
            .iter()
            .map(|found| out::CorruptionMark { line: found.place.line, category: found.category.clone() })
            .collect(),
        lock_operations: facts
            .lock_operations
            .iter()
            .map(|found| out::LockOperation {
                line: found.place.line,
                path: found.path.clone(),
                component_id: found.component_id.as_ref().map(decoded),
                path_id: found.path_id.as_ref().map(decoded),
                pid: found.pid,
            })
            .collect(),
        rotated_logs_named: facts.rotated.clone(),
        servicing_stack: facts.stack.as_ref().map(|stack| stack.version.clone()),
        unparsed_lines: facts.lines.unparsed,
        diagnosis: chosen
            .and_then(|(view, judgement)| attempt::single(log, joined.label(at), view, judgement, lang).diagnosis),
        notes: notes(facts, lang),
    }
}

fn notes(facts: &LogFacts, lang: Lang) -> Vec<out::LogNote> {
    let note = |note: &crate::servicing::cbs::Note| {
        let code = note.code.as_code();
        let line = note.line.unwrap_or_default();
        let text = words::note_text(code).map(|text| text.fill(lang, &[("n", &note.count), ("line", &line)]));
        out::LogNote { code: code.to_owned(), line: note.line, count: note.count, text: text.unwrap_or_default() }
    };
    facts.notes.iter().map(note).collect()
}

fn missing(facts: &LogFacts) -> Vec<out::MissingPayload> {
    let item = |found: &crate::servicing::cbs::MissingPayload| out::MissingPayload {
        line: found.place.line,
        directory_line: found.directory_line,
        file: found.file.clone(),
        for_component: found.for_component.clone(),
        missing_directory: found.directory.clone(),
        restore_to: found.directory.as_ref().map(|directory| match &found.file {
            Some(file) => format!("%SystemRoot%\\WinSxS\\{directory}\\{file}"),
            None => format!("%SystemRoot%\\WinSxS\\{directory}"),
        }),
        component: found.component.as_ref().map(component),
    };
    facts.missing.iter().map(item).collect()
}

fn hydration(facts: &LogFacts) -> Vec<out::HydrationFailure> {
    let item = |found: &crate::servicing::cbs::HydrationFailure| out::HydrationFailure {
        line: found.place.line,
        component: found.component.clone(),
        version: found.version.clone(),
        arch: found.arch.clone(),
        file: found.file.clone(),
        ntstatus_decimal: found.decimal,
        code: found.code.map(hex),
        symbol: found.code.and_then(symbol),
        delta_type: found.delta_type,
        integrity_valid: found.integrity_valid,
        checksum_retrieved: found.checksum_retrieved,
        checksum_computed: found.checksum_computed,
        matching_component: found.matching_component.clone(),
    };
    facts.hydration.iter().map(item).collect()
}

fn locked(facts: &LogFacts, lock: &Locked) -> out::LockedPath {
    let session = facts.session(lock.session);
    let transaction = lock.in_flight.transaction.as_ref();
    let file = out::InFlightFile {
        id: lock.in_flight.file.as_ref().map(decoded),
        name: lock.in_flight.name.clone(),
        component: lock.in_flight.component.clone(),
    };
    let has_file = file.id.is_some() || file.name.is_some() || file.component.is_some();
    let utc = facts.utc(&lock.place);
    out::LockedPath {
        line: lock.place.line,
        seq: seq(lock.place.seq),
        local: lock.place.local.to_string(),
        utc: utc.map(rfc),
        utc_precision: utc.map(|_| if lock.place.at.is_some() { "millisecond" } else { "second" }.to_owned()),
        ntstatus: hex(lock.status),
        symbol: symbol(lock.status),
        gle: lock.gle.map(hex),
        call: lock.call,
        function: lock.function.clone(),
        normalised: normalise(&lock.path),
        path: lock.path.clone(),
        written: lock.written.clone(),
        declared_length: lock.declared_length,
        length_fits: (!lock.length_fits).then_some(false),
        desired_access: lock.desired_access.clone(),
        share: lock.share.clone(),
        disposition: lock.disposition.clone(),
        create_options: lock.create_options.clone(),
        iosb: lock.iosb.clone(),
        chunks: lock.chunks,
        transaction: transaction.map(decoded),
        file: has_file.then_some(file),
        seconds_from_transaction_to_failure: transaction
            .zip(lock.place.at)
            .map(|(transaction, at)| seconds_between(transaction.time, at)),
        leftover: attempt::leftover(lock, session.and_then(|session| session.created)),
        stage: lock.stage.as_code().to_owned(),
        sets_result: lock.sets_result,
        enclosing_function: lock.outer.first().map(|call| trail::last_two_parts(&call.function).to_owned()),
        session: session.map(|session| session.id.clone()),
    }
}

/// A path as the log writes it in the form a reader knows: `%SystemRoot%\…` or `C:\…`.
pub fn normalise(path: &str) -> String {
    let strip = |prefix: &str| {
        path.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix)).and_then(|_| path.get(prefix.len()..))
    };
    if let Some(rest) = strip("\\SystemRoot\\") {
        return format!("%SystemRoot%\\{rest}");
    }
    strip("\\??\\").or_else(|| strip("\\\\?\\")).unwrap_or(path).to_owned()
}
