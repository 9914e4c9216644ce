//! What is known of names: each with its pseudonym, and the secret they come from.

use super::key::{KeyError, KeyFile, KnownName};
use super::name::Name;
use super::pseudonym::Secret;
use super::roots::Roots;
use super::units::fold;
use super::words;
use indexmap::IndexMap;
use rustc_hash::FxHashMap;

/// Learns what to replace.
#[derive(Clone, Debug)]
pub struct Redactor {
    pub(super) secret: Secret,
    /// Folded original → what is known of it, in the order learned.
    pub(super) names: IndexMap<String, Name>,
    /// Folded pseudonyms in use.
    pub(super) taken: FxHashMap<String, ()>,
    pub(super) roots: Roots,
    /// Folded names of the system's own authority on this machine.
    pub(super) authorities: Vec<String>,
}

impl Redactor {
    /// One with a new random secret.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new() -> Result<Self, KeyError> {
        Secret::random().map(Self::with_secret).ok_or(KeyError::NoRandomness)
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

    pub(super) fn with_secret(secret: Secret) -> Self {
        Self {
            secret,
            names: IndexMap::new(),
            taken: FxHashMap::default(),
            roots: Roots::default(),
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

    /// Takes over a name of a key file, pseudonym and all.
    fn adopt(&mut self, known: &KnownName) {
        let folded = fold(&known.original);
        let pseudonym: Vec<u16> = known.pseudonym.encode_utf16().collect();
        if folded.encode_utf16().count() != pseudonym.len() || folded.is_empty() {
            return;
        }
        self.taken.insert(fold(&known.pseudonym), ());
        let scope = words::scope(known.kind, &folded);
        let name = Name { kind: known.kind, original: known.original.clone(), pseudonym, scope };
        self.names.insert(folded, name);
    }

    /// The secret and all names, for a key file.
    pub(super) fn key(&self) -> KeyFile {
        let names = self.names.values().map(|name| KnownName {
            kind: name.kind,
            original: name.original.clone(),
            pseudonym: String::from_utf16_lossy(&name.pseudonym),
        });
        KeyFile::new(&self.secret, names.collect(), self.roots.shown().map(str::to_owned).collect())
    }
}
