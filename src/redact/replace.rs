//! Replaces what was learned, in text and in bytes, without changing any length.

use super::key::KeyFile;
use super::name::{Kind, Name, Scope};
use super::redactor::Redactor;
use super::roots::Roots;
use super::units::{fold, fold_unit, upper_unit, views, wide};
use super::{address, fields, patterns};
use aho_corasick::{AhoCorasick, MatchKind};
use std::net::IpAddr;
use std::ops::Range;

/// Replaces names by their pseudonyms. Made by [`Redactor::seal`].
#[derive(Clone)]
pub struct Redaction {
    redactor: Redactor,
    /// Over folded names, in the order of `redactor.names`; `None` when there is nothing to find.
    matcher: Option<AhoCorasick>,
    /// From pseudonyms back to names: what was not learned then stays.
    is_reverse: bool,
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redaction of {} names", self.redactor.len())
    }
}

/// A stretch to overwrite.
struct Change {
    at: usize,
    with: Vec<u16>,
}

impl Redactor {
    /// Ready to replace.
    pub fn seal(self) -> Redaction {
        Redaction::new(self)
    }
}

impl Redaction {
    fn new(redactor: Redactor) -> Self {
        let matcher = if redactor.names.is_empty() {
            None
        } else {
            AhoCorasick::builder().match_kind(MatchKind::Standard).build(redactor.names.keys()).ok()
        };
        Self { redactor, matcher, is_reverse: false }
    }

    /// One that knows pseudonyms for names, to turn them back.
    pub(super) fn reverse(redactor: Redactor) -> Self {
        Self { is_reverse: true, ..Self::new(redactor) }
    }

    pub(super) const fn roots(&self) -> &Roots {
        &self.redactor.roots
    }

    /// The secret and all names, for a key file.
    pub fn key(&self) -> KeyFile {
        self.redactor.key()
    }

    /// `text` with every name replaced.
    pub fn text(&self, text: &str) -> String {
        let mut units: Vec<u16> = text.encode_utf16().collect();
        self.units(&mut units);
        String::from_utf16_lossy(&units)
    }

    /// Replaces in UTF-16.
    pub fn units(&self, units: &mut [u16]) {
        self.replace(units);
    }

    /// The same; returns the places.
    pub(super) fn replace(&self, units: &mut [u16]) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        for change in self.changes(units) {
            let range = change.at..change.at + change.with.len();
            if let Some(place) = units.get_mut(range.clone()) {
                place.copy_from_slice(&change.with);
                // An address may be found as a learned name and by its form.
                if !places.contains(&range) {
                    places.push(range);
                }
            }
        }
        places
    }

    /// Whether the strings of this field of a record are codes, which are not replaced.
    pub fn is_code(field: &str) -> bool {
        fields::holds_code(field)
    }

    /// Replaces in the version of a file, whose four numbers are no address.
    pub fn version(&self, units: &mut [u16]) {
        let number = patterns::version_number(units.iter().map(|unit| char::from_u32((*unit).into()).unwrap_or('?')));
        self.units(units.get_mut(number..).unwrap_or_default());
    }

    /// Replaces in bytes that hold text somewhere, as ASCII or as UTF-16 at either alignment, and SIDs.
    pub fn bytes(&self, bytes: &mut [u8]) {
        self.replace_bytes(bytes);
    }

    /// The same; returns how many places were replaced.
    pub(super) fn replace_bytes(&self, bytes: &mut [u8]) -> usize {
        let [narrow, even, odd] = views(bytes);
        let mut places = Vec::new();
        for change in self.changes(&narrow) {
            // A pseudonym is ASCII where the name is, and here the name is.
            for (place, unit) in bytes.iter_mut().skip(change.at).zip(&change.with) {
                *place = u8::try_from(*unit).unwrap_or(b'x');
            }
            places.push((change.at, change.with.len()));
        }
        for (first, view) in [(0, even), (1, odd)] {
            for change in self.changes(&view) {
                let start = first + 2 * change.at;
                let stored = bytes.get_mut(start..).unwrap_or_default();
                for (place, unit) in stored.as_chunks_mut::<2>().0.iter_mut().zip(&change.with) {
                    *place = unit.to_le_bytes();
                }
                places.push((start, 2 * change.with.len()));
            }
        }
        let sids = if self.is_reverse {
            self.restore_sids(bytes)
        } else {
            address::replace_sids(&self.redactor.secret, bytes);
            0
        };
        // An address may be found as a learned name and by its form.
        places.sort_unstable();
        places.dedup();
        places.len() + sids
    }

    /// Replaces in a text of known ends, stored as ASCII or as UTF-16.
    pub fn counted(&self, text: &mut [u8], is_wide: bool) {
        if is_wide {
            let mut units = wide(text);
            self.units(&mut units);
            for (place, unit) in text.as_chunks_mut::<2>().0.iter_mut().zip(units) {
                *place = unit.to_le_bytes();
            }
        } else {
            let [mut units, ..] = views(text);
            self.units(&mut units);
            for (place, unit) in text.iter_mut().zip(units).filter(|(place, _)| place.is_ascii()) {
                *place = u8::try_from(unit).unwrap_or(b'x');
            }
        }
    }

    /// The pseudonym of an address.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        if address::is_nobodys(address) {
            return address;
        }
        let learned = self.redactor.names.get(&address.to_string());
        learned
            .and_then(|name| String::from_utf16_lossy(&name.pseudonym).parse().ok())
            .unwrap_or_else(|| address::disguise(&self.redactor.secret, address, 0))
    }

    /// The pseudonym of an address as captures store it: 16 bytes, IPv4 in the first four and zeros behind.
    pub fn stored_address(&self, stored: &[u8; 16]) -> [u8; 16] {
        let [a, b, c, d, rest @ ..] = *stored;
        let mut out = [0; 16];
        if rest == [0; 12] {
            if let IpAddr::V4(v4) = self.address(IpAddr::from([a, b, c, d])) {
                for (to, from) in out.iter_mut().zip(v4.octets()) {
                    *to = from;
                }
            }
            return out;
        }
        match self.address(IpAddr::from(*stored)) {
            IpAddr::V6(v6) => v6.octets(),
            IpAddr::V4(_) => out,
        }
    }

    /// Replaces in every string of a JSON value but those that are codes.
    pub fn json(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = self.text(text),
            serde_json::Value::Array(values) => values.iter_mut().for_each(|value| self.json(value)),
            serde_json::Value::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    let holds_code = fields::holds_code(key.as_str());
                    match value {
                        serde_json::Value::String(_) if holds_code => {}
                        // Codes stand in lists as well; lists of objects hold more than codes.
                        serde_json::Value::Array(values) if holds_code => {
                            values.iter_mut().filter(|value| value.is_object()).for_each(|value| self.json(value));
                        }
                        value => self.json(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn restore_sids(&self, bytes: &mut [u8]) -> usize {
        let mut restored = 0;
        for range in address::find_sids(bytes) {
            let Some(sid) = bytes.get_mut(range) else { continue };
            let shown = fold(&crate::nt::Sid(sid).to_string());
            let Some(known) = self.redactor.names.get(&shown) else { continue };
            restored += 1;
            let original = String::from_utf16_lossy(&known.pseudonym);
            let parts = original.split('-').skip(3).filter_map(|part| part.parse::<u32>().ok());
            for (place, part) in sid.get_mut(8..).unwrap_or_default().as_chunks_mut::<4>().0.iter_mut().zip(parts) {
                *place = part.to_le_bytes();
            }
        }
        restored
    }

    /// What to overwrite in `units`: learned names, then SIDs and addresses that were not.
    fn changes(&self, units: &[u16]) -> Vec<Change> {
        let folded: Vec<u16> = units.iter().copied().map(fold_unit).collect();
        let mut changes = Vec::new();
        let names = self.learned(&folded, &mut changes);
        self.unlearned(&folded, &names, &mut changes);
        for change in &mut changes {
            for (unit, shown) in change.with.iter_mut().zip(units.iter().skip(change.at)) {
                *unit = in_case_of(*shown, *unit);
            }
        }
        changes
    }

    /// Returns the places of names that are no addresses.
    fn learned(&self, folded: &[u16], changes: &mut Vec<Change>) -> Vec<Range<usize>> {
        let mut names = Vec::new();
        let Some(matcher) = &self.matcher else { return names };
        // One character a unit, halves of surrogate pairs included, keeps places in step.
        let mut text = String::with_capacity(folded.len());
        let ascii = folded.iter().all(|unit| *unit < 0x80);
        let mut starts = Vec::new();
        for unit in folded {
            if !ascii {
                starts.push(text.len());
            }
            text.push(char::from_u32((*unit).into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        // Overlapping ones too: a name that may not be replaced where it stands must not hide one that must.
        let mut matches: Vec<(usize, &Name)> = Vec::new();
        for found in matcher.find_overlapping_iter(&text) {
            let Some((_, name)) = self.redactor.names.get_index(found.pattern().as_usize()) else { continue };
            let at = if ascii { found.start() } else { starts.partition_point(|start| *start < found.start()) };
            let is_version =
                || name.kind == Kind::Address && patterns::is_version(folded, &(at..at + name.pseudonym.len()));
            if self.fits(name.scope, folded, at, name.pseudonym.len()) && !is_version() {
                matches.push((at, name));
            }
        }
        // Of those that overlap, the first and longest; of the others, whatever part the first left.
        matches.sort_by_key(|(at, name)| (*at, std::cmp::Reverse(name.pseudonym.len())));
        let mut done = 0;
        for (at, name) in matches {
            let skipped = done.max(at) - at;
            if let Some(with) = name.pseudonym.get(skipped..).filter(|with| !with.is_empty()) {
                changes.push(Change { at: at + skipped, with: with.to_vec() });
                done = at + name.pseudonym.len();
                if name.kind != Kind::Address {
                    names.push(at..done);
                }
            }
        }
        names
    }

    fn unlearned(&self, folded: &[u16], names: &[Range<usize>], changes: &mut Vec<Change>) {
        for (at, unit) in folded.iter().enumerate() {
            if !self.is_reverse
                && *unit == 0x73
                && let Some(range) = patterns::sid(folded, at)
                && let Some(with) =
                    folded.get(range).and_then(|sid| address::disguise_sid_text(&self.redactor.secret, sid))
            {
                // `S-1-5-21` itself is not secret, and keeps its case.
                changes.push(Change { at: at + 9, with: with.get(9..).unwrap_or_default().to_vec() });
            }
        }
        for range in patterns::addresses(folded) {
            // Part of a host's name: `50.22.196.70-static.reverse.example.com`.
            if names.iter().any(|name| name.start <= range.start && range.end <= name.end) {
                continue;
            }
            let text = String::from_utf16_lossy(folded.get(range.clone()).unwrap_or_default());
            // `fe80::1c2:3d4:445` may be an address or a learned one with a port.
            let learned = |text: &str| self.redactor.names.get(text).is_some_and(|name| name.kind == Kind::Address);
            if text.contains("::") && !learned(&text) && text.rsplit_once(':').is_some_and(|(head, _)| learned(head)) {
                continue;
            }
            if let Ok(address) = text.parse::<IpAddr>()
                && (!self.is_reverse || learned(&address.to_string()))
            {
                let with = address::spell_alike(&text, self.address(address));
                let with: Vec<u16> = with.encode_utf16().collect();
                if with.len() == range.len() {
                    changes.push(Change { at: range.start, with });
                }
            }
        }
    }
}

/// `unit` in the case in which `shown` stands in the text: it tells whoever maps back how the original was spelled.
fn in_case_of(shown: u16, unit: u16) -> u16 {
    if fold_unit(shown) != shown {
        upper_unit(unit)
    } else if upper_unit(shown) != shown {
        fold_unit(unit)
    } else {
        unit
    }
}

impl Redaction {
    /// Whether a name found at `at` may be replaced there.
    fn fits(&self, scope: Scope, text: &[u16], at: usize, length: usize) -> bool {
        let after = || text.get(at + length).copied().and_then(|unit| char::from_u32(unit.into()));
        let in_root = || self.redactor.roots.end(text.get(..at).unwrap_or_default(), false);
        fits(scope, text, at, length)
            || scope == Scope::Component && !after().is_some_and(char::is_alphanumeric) && in_root()
    }
}

/// Whether a name found at `at` may be replaced there, by the text around it alone.
fn fits(scope: Scope, text: &[u16], at: usize, length: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
    let after = text.get(at + length).copied();
    let word = |unit: Option<u16>| unit.and_then(|unit| char::from_u32(unit.into())).is_some_and(char::is_alphanumeric);
    match scope {
        Scope::Anywhere => true,
        Scope::Word => !word(before) && !word(after),
        // Behind `\Users`, the server of a UNC path, or a part of an account's name.
        Scope::Component => {
            let behind_users = [r"\users\", r"\users\\", "/users/", "/home/"].iter().any(|folder| {
                let folder: Vec<u16> = folder.encode_utf16().collect();
                text.get(..at).is_some_and(|head| head.ends_with(&folder))
            });
            let bounded = before.is_none_or(|unit| unit == 0x5C) && after.is_none_or(|unit| unit == 0x5C);
            let slashes = || text.iter().filter(|unit| **unit == 0x5C).count();
            // `DOMAIN\user`, or the name alone.
            let account = bounded && !text.contains(&0x3A) && slashes() <= 1;
            (behind_users || patterns::is_server(text, at)) && !word(after) || account
        }
    }
}
