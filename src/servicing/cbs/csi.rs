//! CSI records: failures, hydration, hashes, missing payload, lock operations.

use crate::servicing::codes::{lock_status, parse_printed};
use crate::servicing::component::ComponentDir;
use crate::servicing::ids::InFlightId;

use super::findings::{
    CorruptionMark, ErrorKind, HashMismatch, HydrationFailure, LockOperation, MissingPayload, OffsetSource, Place,
};
use super::record::Record;
use super::state::{Delta, Pending, State};
use super::strings;
use super::trail::{self, Failure, flat};

impl State {
    pub(super) fn csi_record(&mut self, record: &Record) {
        let text = record.text.as_str();
        if text.starts_with("(F)") {
            self.failure(record);
            return;
        }
        let words = flat(text);
        let words = &*words;
        if words.starts_with("Unable to prestage file") {
            self.unable_to_prestage(record);
        } else if words.starts_with("The payload directory for the candidate component") {
            self.payload_directory(record);
        } else if words.starts_with("Hashes for file member") {
            self.hash_mismatch(record, words);
        } else if words.starts_with("CSI Transaction") && words.contains(" destroyed") {
            self.open_locks.clear();
            self.csi = Pending::default();
        } else if words.starts_with("CSI Transaction") {
            self.transaction(words);
        } else if words.starts_with("Performing ") || words.contains("LockComponentPath") {
            self.lock_operations(record);
        } else if words.starts_with("Hydration failed") {
            self.hydration(record, words);
        } else if words.contains("Matching component directory missing") {
            self.directory_missing(record, words);
        }
    }

    /// A transaction names its session in its client id: `TI5.H_L:1/Package…`.
    fn transaction(&mut self, words: &str) {
        let Some(at) = words.find("\"TI").or_else(|| words.find("'TI")) else { return };
        let id = words.get(at..).and_then(|rest| rest.split_once('.')).and_then(|(_, rest)| rest.split(':').next());
        if let Some(known) = id.and_then(|id| self.by_id.get(id)) {
            self.current = Some(*known);
        }
    }

    fn failure(&mut self, record: &Record) {
        let body = record.body();
        let words = flat(body.strip_prefix("(F)").unwrap_or(body).trim_start());
        if words.starts_with("Hydration failed") {
            self.hydration(record, &words);
            return;
        }
        if words.starts_with("Attempting to mark store corrupt") {
            self.corruption_mark(record, body);
        }
        match trail::parse(body) {
            Some(Failure::Origin { code, function }) => {
                self.error(record, ErrorKind::Origin, code, Some(&function), None);
                let place = Self::place(record);
                self.stamp_lock(&place, code);
                self.last_origin = Some((place, code));
            }
            Some(Failure::Trail { code, call, function }) => {
                let code = code.or(record.gle());
                self.close_around(record.line, call, &function, code);
                if let Some(status) = code.and_then(lock_status)
                    && trail::last_part(&function).starts_with("Sys")
                {
                    self.csi_lock(record, status, call, &function);
                }
                self.error(record, ErrorKind::Trail, code, Some(&function), None);
            }
            Some(Failure::Other) => {
                if words.contains("Matching component directory missing") {
                    self.directory_missing(record, &words);
                }
                let named = word_behind(&words, " HRESULT ")
                    .and_then(|word| parse_printed(word))
                    .and_then(|(printed, _)| printed.code);
                let code = named.or(record.gle().filter(|gle| *gle != 0x8000_4005));
                self.error(record, ErrorKind::Failure, code, None, None);
            }
            None => {}
        }
    }

    fn corruption_mark(&mut self, record: &Record, body: &str) {
        let Some(category) = strings::after(body, "category ") else { return };
        let session = self.current;
        if self.room(self.facts.marks.len(), record.line) {
            self.facts.marks.push(CorruptionMark { place: Self::place(record), category: category.value, session });
        }
    }

    /// Two records: the original error with the delta's state, then the component and the file.
    fn hydration(&mut self, record: &Record, words: &str) {
        if words.starts_with("Hydration failed with original error") {
            let number = |name| word_behind(words, name).and_then(|word| word.parse().ok());
            self.csi.delta = Some(Delta {
                delta_type: word_behind(words, "Delta Type:").and_then(|word| word.parse().ok()),
                valid: word_behind(words, "IntegrityState Valid:").map(|word| word.eq_ignore_ascii_case("true")),
                retrieved: number("RetrievedChecksum:"),
                computed: number("ComputedChecksum:"),
            });
            return;
        }
        let Some(rest) = words.strip_prefix("Hydration failed for component ") else { return };
        let delta = self.csi.delta.take().unwrap_or_default();
        let (status, matching) = match rest.split_once(" with NTSTATUS ") {
            Some((_, tail)) => {
                let matching =
                    tail.split_once("Matching Component = ").map(|(_, name)| name.trim().trim_end_matches('.'));
                (word_at(tail), matching)
            }
            None => (None, None),
        };
        let decimal: Option<i64> = status.and_then(|word| word.trim_end_matches('.').parse().ok());
        let code = decimal.and_then(|number| {
            u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(|number| number.cast_unsigned()))
        });
        let found = HydrationFailure {
            place: Self::place(record),
            component: rest.split(',').next().unwrap_or(rest).trim().to_owned(),
            version: word_behind(rest, ", version").map(str::to_owned),
            arch: architecture(rest),
            file: rest
                .rsplit_once(" on file ")
                .and_then(|(_, tail)| tail.split(" with NTSTATUS").next())
                .map(|file| file.trim().to_owned()),
            decimal,
            code,
            matching_component: matching.map(str::to_owned),
            delta_type: delta.delta_type,
            integrity_valid: delta.valid,
            checksum_retrieved: delta.retrieved,
            checksum_computed: delta.computed,
            session: self.current,
        };
        self.error(record, ErrorKind::Hydration, code, None, None);
        if self.room(self.facts.hydration.len(), record.line) {
            self.facts.hydration.push(found);
        }
    }

    fn hash_mismatch(&mut self, record: &Record, words: &str) {
        let text = record.text.as_str();
        let marker = "Hashes for file member ";
        let tail = words.get(marker.len()..).unwrap_or_default();
        // Windows 7 and 8 print the path, then "do not match actual file" with the name.
        let (file, path) = match strings::after(text, "do not match actual file ") {
            Some(name) => (Some(name.value), tail.split(" do not match").next().map(str::to_owned)),
            None => (strings::after(&text.replace("member\n", "member "), marker).map(|name| name.value), None),
        };
        let Some(file) = file else { return };
        let from_path = path
            .as_deref()
            .and_then(|path| path.split('\\').find(|part| ComponentDir::parse(part).is_some()).map(str::to_owned));
        let from_hydration = || {
            let same = |found: &&HydrationFailure| {
                found.session == self.current
                    && found.file.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&file))
            };
            self.facts.hydration.iter().rev().take(64).find(same).map(|found| found.component.clone())
        };
        let component = from_path.or_else(from_hydration);
        let found = HashMismatch {
            place: Self::place(record),
            component,
            expected: strings::blob_after(text, "Expected:").map(str::to_owned),
            actual: strings::blob_after(text, "Actual:")
                .or_else(|| strings::blob_after(text, "Found:"))
                .map(str::to_owned),
            file,
            session: self.current,
        };
        self.error(record, ErrorKind::HashMismatch, None, None, None);
        if self.room(self.facts.hashes.len(), record.line) {
            self.facts.hashes.push(found);
        }
    }

    fn unable_to_prestage(&mut self, record: &Record) {
        let text = record.text.replace("file\n", "file ").replace("component\n", "component ");
        let Some(file) = strings::after(&text, "prestage file ") else { return };
        let component = strings::after(&text, "component ");
        for found in [Some(&file), component.as_ref()].into_iter().flatten() {
            if !found.fits {
                self.length_mismatch.add(record.line, 1);
            }
        }
        self.flush_prestage();
        self.csi.prestage = Some((Self::place(record), file.value, component.map(|found| found.value)));
    }

    /// A file whose directory record did not follow is missing all the same.
    fn flush_prestage(&mut self) {
        if let Some((place, file, component)) = self.csi.prestage.take() {
            self.push_missing(place, None, Some(file), component, None);
        }
    }

    fn payload_directory(&mut self, record: &Record) {
        let text = record.text.replace("component\n", "component ");
        let Some(directory) = strings::after(&text, "component (") else { return };
        if !directory.fits {
            self.length_mismatch.add(record.line, 1);
        }
        let line = record.line;
        match self.csi.prestage.take() {
            Some((place, file, component)) => {
                self.push_missing(place, Some(line), Some(file), component, Some(directory.value));
            }
            None => self.push_missing(Self::place(record), Some(line), None, None, Some(directory.value)),
        }
        self.error(record, ErrorKind::MissingPayload, None, None, None);
    }

    /// Newer wording of hydration; the directory is named somewhere in the text.
    fn directory_missing(&mut self, record: &Record, words: &str) {
        let directory = words
            .split([' ', '\'', '"', '\\', ',', '(', ')', '[', ']'])
            .find(|word| ComponentDir::parse(word.trim_end_matches('.')).is_some())
            .map(|word| word.trim_end_matches('.').to_owned());
        self.push_missing(Self::place(record), Some(record.line), None, None, directory);
        self.error(record, ErrorKind::MissingPayload, None, None, None);
    }

    fn push_missing(
        &mut self,
        place: Place,
        directory_line: Option<u64>,
        file: Option<String>,
        for_component: Option<String>,
        directory: Option<String>,
    ) {
        if !self.room(self.facts.missing.len(), place.line) {
            return;
        }
        let component = directory.as_deref().and_then(ComponentDir::parse);
        let session = self.current;
        self.facts.missing.push(MissingPayload {
            place,
            directory_line,
            file,
            for_component,
            directory,
            component,
            session,
        });
    }

    /// Indented lines `(0) LockComponentPath (10): flags: 0 comp: {…} pathid: {…} path: […]"…" pid: 1314 starttime: …`
    fn lock_operations(&mut self, record: &Record) {
        for part in record.text.split("LockComponentPath").skip(1) {
            let Some(path) = strings::after(part, "path: ") else { continue };
            let id = |marker| strings::blob_after(part, marker).and_then(InFlightId::parse);
            let (component_id, path_id) = (id("comp:"), id("pathid:"));
            for found in [&component_id, &path_id].into_iter().flatten().filter(|found| found.plausible()) {
                self.witness(OffsetSource::InFlightId, record.local, found.time);
            }
            let pid = word_behind(part, " pid:").and_then(|word| u32::from_str_radix(word, 16).ok());
            if self.room(self.facts.lock_operations.len(), record.line) {
                self.facts.lock_operations.push(LockOperation {
                    place: Self::place(record),
                    path: path.value,
                    component_id,
                    path_id,
                    pid,
                });
            }
        }
    }
}

/// The word behind `name`, up to a blank or a comma.
fn word_behind<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.find(name)?;
    word_at(text.get(at + name.len()..)?)
}

fn word_at(text: &str) -> Option<&str> {
    text.trim_start().split([' ', ',', '\n', '[']).next().filter(|word| !word.is_empty())
}

/// `arch amd64` or `arch Host= amd64 Guest= x86`: the host.
fn architecture(text: &str) -> Option<String> {
    let word = word_behind(text, ", arch")?;
    if word == "Host=" { word_behind(text, "Host=").map(str::to_owned) } else { Some(word.to_owned()) }
}
