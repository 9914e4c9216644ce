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
mod fields;
mod found;
mod homes;
mod key;
mod learn;
mod name;
mod patterns;
mod pseudonym;
mod redactor;
mod replace;
mod restore;
mod roots;
mod units;
mod url;
mod words;

pub use key::{KeyError, KeyFile, KnownName};
pub use name::Kind;
pub use redactor::Redactor;
pub use replace::Redaction;
pub use restore::{Restoration, Restored};

#[cfg(test)]
mod tests;
