//! Replaces what names a person, a machine or a network by pseudonyms, consistently and in place.
//!
//! A pseudonym is computed from the original and a secret (HMAC-SHA256), so that the same name gets the same pseudonym
//! in every output made with one secret, and nobody without the secret can test a guess. It is as long as the original
//! and of the same make: letters for letters, digits for digits. That is what lets it stand in for a name inside binary
//! details without moving anything; the price is that lengths show.
//!
//! Use it in two steps. A [`Redactor`] learns names: computer, accounts, profile folders, hosts, addresses, SIDs.
//! [`Redactor::seal`] makes it a [`Redaction`], which replaces them in text and in bytes. SIDs of accounts and, in text,
//! IP addresses are replaced even when they were not learned.

mod address;
mod key;
mod learn;
mod patterns;
mod pseudonym;
mod replace;
mod restore;
mod roots;
mod url;

pub use key::{KeyError, KeyFile, KnownName};
pub use replace::Redaction;
pub use restore::{Restoration, Restored};

use pseudonym::Secret;
use rustc_hash::FxHashMap;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The computer.
    Computer,
    /// A domain or workgroup.
    Domain,
    /// An account.
    User,
    /// The name of a profile folder.
    Profile,
    /// A host of the network.
    Host,
    /// An IP address.
    Address,
    /// A security identifier.
    Sid,
}

/// Where a name is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Only as a whole component of a path: names so short or common that they stand everywhere.
    Component,
    /// Only as a whole word: names that are also words of product paths.
    Word,
    /// Wherever the letters stand.
    Anywhere,
}

#[derive(Clone, Debug)]
struct Name {
    kind: Kind,
    original: String,
    pseudonym: Vec<u16>,
    scope: Scope,
}

/// Learns what to replace.
#[derive(Clone, Debug)]
pub struct Redactor {
    secret: Secret,
    /// Folded original → what is known of it, in the order learned.
    names: indexmap::IndexMap<String, Name>,
    /// Folded pseudonyms in use.
    taken: FxHashMap<String, ()>,
    roots: roots::Roots,
    /// Folded names of the system's own authority on this machine.
    authorities: Vec<String>,
}

impl Redactor {
    /// One with a new random secret.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new() -> Result<Self, KeyError> {
        Ok(Self::with_secret(Secret::random()?))
    }

    /// One that gives the pseudonyms of `key` again.
    pub fn from_key(key: &KeyFile) -> Result<Self, KeyError> {
        let mut redactor = Self::with_secret(key.secret()?);
        for name in &key.names {
            redactor.adopt(name);
        }
        key.profile_roots.iter().for_each(|root| redactor.roots.add(root));
        Ok(redactor)
    }

    fn with_secret(secret: Secret) -> Self {
        Self {
            secret,
            names: indexmap::IndexMap::new(),
            taken: FxHashMap::default(),
            roots: roots::Roots::default(),
            authorities: Vec::new(),
        }
    }

    /// How many names are known.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Ready to replace.
    pub fn seal(self) -> Redaction {
        Redaction::new(self)
    }
}

/// Folds one UTF-16 unit the way names are compared: lower case where that is one unit.
fn fold_unit(unit: u16) -> u16 {
    if unit < 0x80 {
        return u16::from(u8::try_from(unit).unwrap_or_default().to_ascii_lowercase());
    }
    let Some(c) = char::from_u32(unit.into()) else { return unit };
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => u16::try_from(u32::from(lower)).unwrap_or(unit),
        _ => unit,
    }
}

/// The capital of a folded unit, where it folds back to it; else the unit.
fn upper_unit(unit: u16) -> u16 {
    let Some(c) = char::from_u32(unit.into()) else { return unit };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => {
            u16::try_from(u32::from(upper)).ok().filter(|upper| fold_unit(*upper) == unit).unwrap_or(unit)
        }
        _ => unit,
    }
}

/// Folds text; one unit stays one unit.
fn fold(text: &str) -> String {
    let units: Vec<u16> = text.encode_utf16().map(fold_unit).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests;
