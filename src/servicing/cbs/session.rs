//! CBS records: sessions, packages, outcome, failure reports.

use crate::servicing::codes::{failed, lock_status};
use crate::servicing::component::{ComponentDir, Package, kb_numbers};
use crate::servicing::ids::session_time;

use super::findings::{ErrorKind, MissingPayload, OffsetSource, ServicingStack, Session, WerReport};
use super::record::Record;
use super::state::{MAX_FINDINGS, State};
use super::trail::flat;

/// Sessions of one log that are kept.
const MAX_SESSIONS: usize = 4096;

impl State {
    pub(super) fn cbs_record(&mut self, record: &Record) {
        let text = record.text.as_str();
        // The bulk of every log, and never of interest.
        if text.starts_with("Appl:") || text.starts_with("Read out cached") || text.starts_with("SQM:") {
            return;
        }
        let text = &*flat(text);
        if let Some(rest) = text.strip_prefix("Session: ") {
            self.session_line(record, rest);
        } else if text.starts_with("Exec: ") {
            self.exec_line(record, text);
        } else if text.starts_with("WER: Generating failure report") {
            self.wer_line(record, text);
        } else if let Some(path) = text.strip_prefix("Failed to find file: ") {
            self.file_not_found(record, path);
        } else if text.starts_with("Failed to") && text.contains(" execution chain") {
            self.chain_line(text);
        } else if let Some(rest) = text.strip_prefix("Loaded Servicing Stack v") {
            self.facts.stack = ServicingStack::parse(rest).or(self.facts.stack.take());
        }
        if text.contains("CbsPersist_") {
            self.rotated_names(text);
        }
        if let Some(code) = hresult(text)
            && failed(code)
        {
            self.cbs_failure(record, text, code);
        }
    }

    /// `H_L initialized by client NAME[, …]`, `H_L finalized. Reboot required: no [HRESULT = …]`
    fn session_line(&mut self, record: &Record, rest: &str) {
        let Some((id, rest)) = session_id(rest) else { return };
        if let Some(client) = rest.trim_start().strip_prefix("initialized by client ") {
            let Some(at) = self.named(record, id, true) else { return };
            let client = client.split(',').next().unwrap_or(client).trim().trim_end_matches('.');
            if let Some(session) = self.facts.sessions.get_mut(at) {
                session.client.get_or_insert_with(|| client.to_owned());
            }
            self.current = Some(at);
        } else if let Some(rest) = rest.trim_start().strip_prefix("finalized") {
            let Some(at) = self.named(record, id, false) else { return };
            if let Some(session) = self.facts.sessions.get_mut(at) {
                session.finalized_line = Some(record.line);
                session.ended = Some(record.local);
                session.hresult = session.hresult.or(hresult(rest));
                session.reboot_required = match key(rest, "Reboot required:").map(|value| value.to_ascii_lowercase()) {
                    Some(value) if value.starts_with("yes") => Some(true),
                    Some(value) if value.starts_with("no") => Some(false),
                    _ => session.reboot_required,
                };
            }
            if self.current == Some(at) {
                self.current = None;
            }
            self.ended = Some(at);
            self.open_locks.clear();
        }
    }

    /// `Exec: Processing started/complete …`, `Exec: Staging Package: P, Update: U, …`
    fn exec_line(&mut self, record: &Record, text: &str) {
        let package = key(text, "Package:").map(|value| value.to_owned());
        let identifier = key(text, "Identifier:").map(|value| value.to_owned());
        let started = text.contains("rocessing started");
        let complete = text.contains("rocessing complete");
        if started || complete {
            let id = key(text, "Session:").and_then(|value| session_id(value)).map(|(id, _)| id.to_owned());
            if let Some(at) = id.and_then(|id| self.named(record, &id, false)) {
                self.current = Some(at);
                if let Some(session) = self.facts.sessions.get_mut(at) {
                    session.package = session.package.take().or(package.clone());
                    session.identifier = session.identifier.take().or(identifier.clone());
                    if complete {
                        session.finished_line = Some(record.line);
                        session.ended = Some(record.local);
                        session.hresult = hresult(text).or(session.hresult);
                    }
                }
            }
        }
        self.package(record, package.as_deref());
        if let Some(identifier) = identifier {
            for kb in kb_numbers(&identifier) {
                self.add_kb(record, kb);
            }
        }
    }

    fn wer_line(&mut self, record: &Record, text: &str) {
        let package = key(text, "package:").map(str::to_owned);
        self.package(record, package.as_deref());
        let report = WerReport {
            line: record.line,
            package,
            status: key(text, "status:").and_then(hex),
            phase: key(text, "failure source:").map(str::to_owned),
        };
        self.session().wer.get_or_insert(report);
    }

    fn chain_line(&mut self, text: &str) {
        for (verb, phase) in [("resolve", "Resolve"), ("stage", "Stage"), ("execute", "Execute")] {
            if text.contains(&format!("Failed to {verb} execution chain")) {
                self.session().chain_phase.get_or_insert_with(|| phase.to_owned());
            }
        }
    }

    /// `DIR\F [HRESULT = …]`
    fn file_not_found(&mut self, record: &Record, rest: &str) {
        let path = rest.split(" [HRESULT").next().unwrap_or(rest).trim();
        let mut parts = path.split('\\').filter(|part| !part.is_empty()).peekable();
        let Some(directory) = parts.find(|part| ComponentDir::parse(part).is_some()) else { return };
        let file = parts.collect::<Vec<_>>().join("\\");
        let session = self.current;
        if self.room(self.facts.missing.len(), record.line) {
            self.facts.missing.push(MissingPayload {
                place: Self::place(record),
                directory_line: None,
                file: (!file.is_empty()).then_some(file),
                for_component: None,
                directory: Some(directory.to_owned()),
                component: ComponentDir::parse(directory),
                session,
            });
        }
    }

    fn rotated_names(&mut self, text: &str) {
        for (at, _) in text.match_indices("CbsPersist_") {
            let tail = text.get(at..).unwrap_or_default();
            let digits = tail.bytes().skip(11).take_while(u8::is_ascii_digit).count();
            let name = tail.get(..11 + digits).unwrap_or_default();
            let ending = tail.get(11 + digits..).unwrap_or_default();
            let Some(ending) = [".log", ".cab"].into_iter().find(|known| ending.starts_with(known)) else { continue };
            if (8..=20).contains(&digits) && self.rotated.len() < 1000 {
                self.rotated.insert(format!("{name}{ending}"));
            }
        }
    }

    /// A CBS record with a failing HRESULT.
    fn cbs_failure(&mut self, record: &Record, text: &str, code: u32) {
        if is_noise(text, code) {
            return;
        }
        let package = text.split([' ', ',', '[']).find(|word| Package::parse(word).is_some()).map(str::to_owned);
        let is_error = record.level == "Error";
        if is_error {
            self.package(record, package.as_deref());
        }
        if lock_status(code).is_some() && !text.starts_with("Exec: ") {
            self.cbs_lock(record, text, code);
        }
        let ends_session = text.starts_with("Session: ") || text.starts_with("Exec: Processing complete");
        if !ends_session {
            let kind = if is_error { ErrorKind::CbsError } else { ErrorKind::CbsResult };
            self.error(record, kind, Some(code), None, package.as_deref());
        }
    }

    /// The session of an id, made when new. A session first named at its end takes what was logged before it.
    fn named(&mut self, record: &Record, id: &str, begins_here: bool) -> Option<usize> {
        if let Some(at) = self.by_id.get(id) {
            return Some(*at);
        }
        if self.facts.sessions.len() >= MAX_SESSIONS {
            self.room(MAX_FINDINGS, record.line);
            return None;
        }
        let at = self.facts.sessions.len();
        let created = session_time(id);
        if begins_here && let Some(created) = created {
            self.witness(OffsetSource::SessionId, record.local, created);
        }
        let mut session = Session {
            id: id.to_owned(),
            line: record.line,
            begins_here,
            local: Some(record.local),
            created,
            ..Session::default()
        };
        if !begins_here && at == 0 {
            // The log starts within this session.
            let outside = std::mem::take(&mut self.facts.outside);
            session.errors = outside.errors;
            session.errors_left_out = outside.errors_left_out;
            session.wer = outside.wer;
            session.chain_phase = outside.chain_phase;
            let facts = &mut self.facts;
            facts.locked.iter_mut().for_each(|found| found.session = Some(at));
            facts.missing.iter_mut().for_each(|found| found.session = Some(at));
            facts.hydration.iter_mut().for_each(|found| found.session = Some(at));
            facts.hashes.iter_mut().for_each(|found| found.session = Some(at));
            facts.marks.iter_mut().for_each(|found| found.session = Some(at));
        }
        self.facts.sessions.push(session);
        self.by_id.insert(id.to_owned(), at);
        Some(at)
    }

    fn package(&mut self, record: &Record, identity: Option<&str>) {
        let Some(identity) = identity else { return };
        if self.packages.contains(identity) {
            return;
        }
        let Some(package) = Package::parse(identity) else { return };
        if !self.room(self.packages.len(), record.line) {
            return;
        }
        self.packages.insert(identity.to_owned());
        if let Some(kb) = package.kb.clone() {
            self.add_kb(record, kb);
        }
        self.facts.packages.push(package);
    }

    fn add_kb(&mut self, record: &Record, kb: String) {
        if self.kb.contains(&kb) || self.room(self.kb.len(), record.line) {
            self.kb.insert(kb);
        }
    }
}

/// The value behind `Name:`, up to a comma or a bracket.
fn key<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.find(name)?;
    let rest = text.get(at + name.len()..)?;
    let value = rest.split([',', '[']).next()?.trim();
    (!value.is_empty()).then_some(value)
}

/// `H_L` at the start, and what follows.
fn session_id(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count();
    let (id, rest) = text.split_at_checked(end)?;
    (id.len() <= 32 && session_time(id).is_some()).then_some((id, rest))
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

/// The number in the last `[HRESULT = 0x… - NAME]`.
fn hresult(text: &str) -> Option<u32> {
    let at = text.rfind("[HRESULT = 0x")?;
    u32::from_str_radix(text.get(at + 13..at + 21)?, 16).ok()
}

/// Failures of the reporting itself, and probes that are expected to fail.
fn is_noise(text: &str, code: u32) -> bool {
    text.starts_with("Not able to")
        || text.contains("Windows Error Report")
        || text.starts_with("Failed sending WER report")
        || code == 0x8007_053D
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stop_at_commas_and_brackets() {
        let line = "Exec: Processing complete.  Session: 1_2, Package: P~t~a~~1.2.3.4, Identifier: KB5013941 [HRESULT = 0x800f0986 - X]";
        assert_eq!(key(line, "Package:"), Some("P~t~a~~1.2.3.4"));
        assert_eq!(key(line, "Identifier:"), Some("KB5013941"));
        assert_eq!(hresult(line), Some(0x800F_0986));
        assert_eq!(hresult("x [HRESULT = 0x800f"), None);
        assert_eq!(session_id("30989017_3186994012 finalized"), Some(("30989017_3186994012", " finalized")));
    }

    #[test]
    fn reporting_is_noise() {
        assert!(is_noise("Not able to add pending.xml to Windows Error Report.", 0x8007_0002));
        assert!(!is_noise("Failed to stage execution chain.", 0x800F_081F));
    }
}
