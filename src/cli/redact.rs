//! `--redact`: names replaced in everything that is printed or written.

use super::args::ShowArgs;
use super::extract::redactor;
use super::fail::Fail;
use super::output;
use crate::lang::Lang;
use crate::redact::{Redaction, Redactor};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// Replaces names consistently over all outputs of one call, or leaves everything as it is.
#[derive(Debug)]
pub struct Pseudonyms {
    redactor: Option<Redactor>,
    sealed: Option<Redaction>,
}

impl Pseudonyms {
    /// As the arguments ask.
    ///
    /// # Errors
    /// A key file that cannot be read or is none.
    pub fn new(args: &ShowArgs, lang: Lang) -> Result<Self, Fail> {
        let redactor = if args.redact { Some(redactor(args.redact_key.as_deref(), lang)?) } else { None };
        Ok(Self { redactor, sealed: None })
    }

    /// The record as JSON, its names learned and replaced.
    ///
    /// # Errors
    /// When the record cannot be put into JSON.
    pub fn record<T: Serialize>(&mut self, record: &T) -> Result<Value, Fail> {
        let mut value = serde_json::to_value(record).map_err(|error| Fail::Said(error.to_string()))?;
        if let Some(redactor) = &mut self.redactor {
            if let Some(computer) = value.pointer("/capture/computer").and_then(Value::as_str) {
                redactor.learn_computer(computer);
            }
            redactor.learn_json(&value);
            let sealed = redactor.clone().seal();
            sealed.json(&mut value);
            self.sealed = Some(sealed);
        }
        Ok(value)
    }

    /// A text with the names of the records so far replaced.
    pub fn text(&self, text: String) -> String {
        self.sealed.as_ref().map_or_else(|| text.clone(), |sealed| sealed.text(&text))
    }

    /// Writes the key file, if one was asked for.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(&self, args: &ShowArgs) -> Result<(), Fail> {
        self.sealed.as_ref().map_or(Ok(()), |sealed| keep(args.redact_key.as_deref(), sealed))
    }
}

/// Writes the key file of a redaction to `path`, if there is one.
///
/// # Errors
/// Those of the file system.
pub fn keep(path: Option<&Path>, redaction: &Redaction) -> Result<(), Fail> {
    let Some(path) = path else { return Ok(()) };
    output::write(path, |out| writeln!(out, "{}", redaction.key().to_json()).map_err(output::written(path)))
}
