//! Records that name an object in use, and the calls around them.

use crate::servicing::ids::InFlightPath;

use super::findings::{Locked, OffsetSource, OuterCall, Place, Stage};
use super::record::Record;
use super::state::{OpenLock, State};
use super::strings;
use super::trail::last_part;

/// Calls around a lock that are kept.
const MAX_OUTER: usize = 32;

/// Locks whose surrounding calls are still awaited.
const MAX_OPEN: usize = 256;

impl State {
    /// A `Sys…` call that met a lock-class status.
    pub(super) fn csi_lock(&mut self, record: &Record, status: u32, call: u64, function: &str) {
        let text = record.body();
        let on = strings::after(text, "on:").or_else(|| strings::after(text, "name= "));
        let Some(on) = on.filter(|on| !on.value.is_empty()) else {
            self.locks_without_path.add(record.line, 1);
            return;
        };
        if !on.fits {
            self.length_mismatch.add(record.line, 1);
        }
        let mut place = Self::place(record);
        if place.at.is_none()
            && let Some((origin, code)) = self.last_origin
            && code.is_some_and(|code| crate::servicing::codes::same_failure(code, status))
            && follows(origin.seq, place.seq)
        {
            place.at = origin.at;
        }
        let found = Locked {
            place,
            status,
            gle: record.gle(),
            call: Some(call),
            function: Some(last_part(function).to_owned()),
            in_flight: InFlightPath::parse(&on.value),
            path: on.value,
            written: on.written,
            declared_length: on.chars,
            length_fits: on.fits,
            desired_access: names(text, " da = "),
            share: names(text, " sa = "),
            disposition: names(text, " cd = ").into_iter().next(),
            create_options: names(text, " co = "),
            iosb: names(text, " iosb = ").into_iter().next().map(|at| at.trim_start_matches('@').to_owned()),
            chunks: record.chunks,
            session: self.current,
            outer: Vec::new(),
            stage: Stage::Operation,
            sets_result: false,
        };
        self.keep_lock(found, Some(call));
    }

    /// A CBS record with a lock-class HRESULT that names a path.
    pub(super) fn cbs_lock(&mut self, record: &Record, text: &str, code: u32) {
        let Some(path) = path_in(text) else { return };
        let Some(status) = crate::servicing::codes::lock_status(code) else { return };
        let found = Locked {
            place: Self::place(record),
            status,
            gle: Some(code),
            call: None,
            function: None,
            in_flight: InFlightPath::parse(path),
            path: path.to_owned(),
            written: None,
            declared_length: None,
            length_fits: true,
            desired_access: Vec::new(),
            share: Vec::new(),
            disposition: None,
            create_options: Vec::new(),
            iosb: None,
            chunks: record.chunks,
            session: self.current,
            outer: Vec::new(),
            stage: Stage::Operation,
            sets_result: false,
        };
        self.keep_lock(found, None);
    }

    fn keep_lock(&mut self, found: Locked, call: Option<u64>) {
        let ids = [found.in_flight.file.as_ref(), found.in_flight.transaction.as_ref()];
        if let Some(id) = ids.into_iter().flatten().find(|id| id.plausible()) {
            self.witness(OffsetSource::InFlightId, found.place.local, id.time);
        }
        let index = self.facts.locked.len();
        if !self.room(index, found.place.line) {
            return;
        }
        if let Some(last_call) = call {
            if self.open_locks.len() >= MAX_OPEN {
                self.open_locks.remove(0);
            }
            self.open_locks.push(OpenLock { index, last_call });
        }
        self.facts.locked.push(found);
    }

    /// The origin record that belongs to a lock carries the stamp to the millisecond.
    pub(super) fn stamp_lock(&mut self, origin: &Place, code: Option<u32>) {
        let Some(lock) = self.facts.locked.last_mut() else { return };
        if lock.place.at.is_none()
            && follows(lock.place.seq, origin.seq)
            && code.is_some_and(|code| crate::servicing::codes::same_failure(code, lock.status))
        {
            lock.place.at = origin.at;
        }
    }

    /// A call record with a lower number encloses the calls with higher ones.
    pub(super) fn close_around(&mut self, line: u64, call: u64, function: &str, code: Option<u32>) {
        let locked = &mut self.facts.locked;
        for open in &mut self.open_locks {
            if call >= open.last_call {
                continue;
            }
            open.last_call = call;
            if let Some(lock) = locked.get_mut(open.index)
                && lock.outer.len() < MAX_OUTER
            {
                lock.outer.push(OuterCall { line, call, function: function.to_owned(), code });
            }
        }
    }
}

fn follows(first: Option<u32>, second: Option<u32>) -> bool {
    matches!((first, second), (Some(first), Some(second)) if first.checked_add(1) == Some(second))
}

/// The names of an argument: ` da = (A|B)` or ` cd = X`.
fn names(text: &str, marker: &str) -> Vec<String> {
    let Some(at) = text.find(marker) else { return Vec::new() };
    let rest = text.get(at + marker.len()..).unwrap_or_default();
    let value = match rest.strip_prefix('(') {
        Some(inner) => inner.split(')').next().unwrap_or_default(),
        None => rest.split([',', ')']).next().unwrap_or_default(),
    };
    let names = value.split('|').map(|name| name.replace('\n', "").trim().to_owned());
    names.filter(|name| !name.is_empty()).take(64).collect()
}

/// A path in free text: from a drive or an object-manager prefix to a quote, a bracket or the end.
fn path_in(text: &str) -> Option<&str> {
    let starts = [text.find("\\SystemRoot\\"), text.find("\\??\\"), drive(text)];
    let start = starts.into_iter().flatten().min()?;
    let rest = text.get(start..)?;
    let quoted = text.get(..start).and_then(|before| before.chars().next_back()).filter(|c| matches!(c, '\'' | '"'));
    let end = match quoted {
        Some(quote) => rest.find(quote),
        None => [" [", ", ", "' ", "\" "].into_iter().filter_map(|end| rest.find(end)).min(),
    };
    let path = rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches(['.', ' ']);
    (path.len() > 4).then_some(path)
}

/// Where `X:\` stands, not inside a word.
fn drive(text: &str) -> Option<usize> {
    text.match_indices(":\\").find_map(|(at, _)| {
        let start = at.checked_sub(1)?;
        let letter = text.as_bytes().get(start)?.is_ascii_alphabetic();
        let free = start == 0 || !text.as_bytes().get(start - 1).is_some_and(u8::is_ascii_alphanumeric);
        (letter && free).then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_free_text() {
        assert_eq!(
            path_in("Failed to delete C:\\Windows\\CbsTemp\\a b.cab [HRESULT = 0x80070020 - X]"),
            Some("C:\\Windows\\CbsTemp\\a b.cab")
        );
        assert_eq!(path_in("open '\\??\\C:\\x\\y, z.dll' failed"), Some("\\??\\C:\\x\\y, z.dll"));
        assert_eq!(path_in("registry \\Registry\\Machine\\X"), None);
    }

    #[test]
    fn arguments() {
        let text = "f(flags = (A), da = (DELETE|\nSYNCHRONIZE), iosb = @0x12, cd = FILE_OPEN, co = (X|0x00004000), eab = NULL)";
        assert_eq!(names(text, " da = "), ["DELETE", "SYNCHRONIZE"]);
        assert_eq!(names(text, " co = "), ["X", "0x00004000"]);
        assert_eq!(names(text, " cd = "), ["FILE_OPEN"]);
        assert_eq!(names(text, " iosb = "), ["@0x12"]);
        assert_eq!(names(text, " zz = "), Vec::<String>::new());
    }
}
