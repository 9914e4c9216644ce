//! The key file: the secret, and which pseudonym stands for what.

use super::name::Kind;
use super::pseudonym::Secret;
use serde::{Deserialize, Serialize};

/// What a key file holds. With it pseudonyms can be mapped back; without it they cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    /// `pmlblame/redaction-key/1`.
    pub schema: String,
    /// 32 bytes, hexadecimal.
    pub secret: String,
    /// Names replaced.
    pub names: Vec<KnownName>,
    /// Folders that hold user profiles, beside `\Users`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profile_roots: Vec<String>,
}

/// One line of a key file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownName {
    /// What it names.
    pub kind: Kind,
    /// As found first.
    pub original: String,
    /// What stands in its place.
    pub pseudonym: String,
}

/// A key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a key")]
    NoRandomness,
    /// The file is no key file.
    #[error("not a key file: {0}")]
    Format(String),
}

const SCHEMA: &str = "pmlblame/redaction-key/1";

impl KeyFile {
    /// Reads a key file.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let key: Self = serde_json::from_str(json).map_err(|error| KeyError::Format(error.to_string()))?;
        if key.schema != SCHEMA {
            return Err(KeyError::Format(format!("schema {:?}", key.schema)));
        }
        key.secret()?;
        Ok(key)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub(super) fn new(secret: &Secret, names: Vec<KnownName>, profile_roots: Vec<String>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            secret: secret.0.iter().map(|byte| format!("{byte:02x}")).collect(),
            names,
            profile_roots,
        }
    }

    pub(super) fn secret(&self) -> Result<Secret, KeyError> {
        let wrong = || KeyError::Format("the secret is not 64 hexadecimal digits".to_owned());
        let digits: Vec<u8> = self
            .secret
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let bytes: Vec<u8> = digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect();
        if digits.len() != 64 {
            return Err(wrong());
        }
        bytes.try_into().map(Secret).map_err(|_| wrong())
    }
}
