//! Pseudonyms turned back into names by the key file.

use super::found::Found;
use super::key::{KeyError, KeyFile};
use super::name::Name;
use super::redactor::Redactor;
use super::replace::Redaction;
use super::units::{fold, fold_unit};
use super::{patterns, words};
use std::collections::BTreeSet;
use std::ops::Range;

/// Unknown names kept, to be shown.
const MOST_UNKNOWN: usize = 10_000;

/// Turns pseudonyms back. Made from a [`KeyFile`].
#[derive(Clone, Debug)]
pub struct Restoration {
    back: Redaction,
    restored: u64,
    unknown: BTreeSet<String>,
}

/// What [`Restoration`] did so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Places where a name was put back.
    pub places: u64,
    /// What stands where names stand (profile folders, servers, SIDs, addresses) and is no pseudonym of this key; at most
    /// 10,000.
    pub unknown: Vec<String>,
}

impl Restoration {
    /// One for the names in `key`.
    ///
    /// # Errors
    /// A key file without a valid secret.
    pub fn new(key: &KeyFile) -> Result<Self, KeyError> {
        let there = Redactor::from_key(key)?.seal();
        let mut back = Redactor::with_secret(key.secret()?);
        for known in &key.names {
            let pseudonym: Vec<u16> = known.original.encode_utf16().collect();
            let folded = fold(&known.pseudonym);
            if folded.encode_utf16().count() == pseudonym.len() && !folded.is_empty() {
                // Where the original may stand, its pseudonym may.
                let scope = words::scope(known.kind, &fold(&known.original));
                let name = Name { kind: known.kind, original: known.pseudonym.clone(), pseudonym, scope };
                back.names.insert(folded, name);
            }
        }
        // The folder of the profiles was redacted as well.
        key.profile_roots
            .iter()
            .for_each(|root| back.roots.add(there.text(&format!(r"{root}\")).trim_end_matches('\\')));
        Ok(Self { back: Redaction::reverse(back), restored: 0, unknown: BTreeSet::new() })
    }

    /// `text` with every pseudonym turned back into the name, in the case of letters that the pseudonym stands in.
    pub fn text(&mut self, text: &str) -> String {
        let (restored, changed) = self.restored(text);
        let folded: Vec<u16> = text.encode_utf16().map(fold_unit).collect();
        for (found, range) in patterns::find(&folded, self.back.roots()) {
            let known = changed.iter().any(|place| place.start < range.end && range.start < place.end);
            let shown = String::from_utf16_lossy(folded.get(range).unwrap_or_default());
            let names_somebody = match found {
                Found::Profile | Found::OpenProfile => !words::is_nobodys(&shown),
                Found::Server | Found::UrlHost | Found::Mail | Found::Sid | Found::Address => true,
                _ => false,
            };
            if !known && names_somebody && self.unknown.len() < MOST_UNKNOWN {
                self.unknown.insert(shown);
            }
        }
        restored
    }

    /// The same of a code, where nothing stands that this key should know: four numbers at its start are a version.
    pub fn code(&mut self, text: &str) -> String {
        let (number, rest) = text.split_at_checked(patterns::version_number(text.chars())).unwrap_or(("", text));
        let (restored, _) = self.restored(rest);
        format!("{number}{restored}")
    }

    fn restored(&mut self, text: &str) -> (String, Vec<Range<usize>>) {
        let mut units: Vec<u16> = text.encode_utf16().collect();
        let changed = self.back.replace(&mut units);
        self.restored += changed.len() as u64;
        (if changed.is_empty() { text.to_owned() } else { String::from_utf16_lossy(&units) }, changed)
    }

    /// Turns back what bytes hold, in place: names as ASCII and as UTF-16, and SIDs.
    pub fn bytes(&mut self, bytes: &mut [u8]) {
        self.restored += self.back.replace_bytes(bytes) as u64;
    }

    /// What was done so far.
    pub fn done(&self) -> Restored {
        Restored { places: self.restored, unknown: self.unknown.iter().cloned().collect() }
    }
}
