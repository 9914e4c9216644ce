//! `--redact`: names replaced in everything that is printed or written.

use super::args::RedactArgs;
use super::events::rows;
use super::extract::redactor;
use super::fail::Fail;
use super::input::Opened;
use super::output;
use crate::capture::EventIndex;
use crate::capture::source::Source;
use crate::export::pml;
use crate::lang::Lang;
use crate::redact::{Redaction, Redactor};
use serde::Serialize;
use serde::de::DeserializeOwned;
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
    pub fn new(args: &RedactArgs, lang: Lang) -> Result<Self, Fail> {
        let redactor = if args.redact { Some(redactor(args.redact_key.as_deref(), lang)?) } else { None };
        Ok(Self { redactor, sealed: None })
    }

    /// Whether names are replaced at all.
    pub const fn active(&self) -> bool {
        self.redactor.is_some()
    }

    /// Learns the names that an input gives, whether the record shows them as names or not.
    ///
    /// # Errors
    /// An input that can no longer be read.
    pub fn learn_input(&mut self, input: &Opened, path: &Path) -> Result<(), Fail> {
        self.redactor.as_mut().map_or(Ok(()), |redactor| learn(input, path, redactor))
    }

    /// Learns the names in a record. Learn from every record before any is disguised, or a name that only a later one
    /// gives away stands in an earlier one.
    ///
    /// # Errors
    /// When the record cannot be put into JSON.
    pub fn learn<T: Serialize>(&mut self, record: &T) -> Result<(), Fail> {
        let Some(redactor) = &mut self.redactor else { return Ok(()) };
        redactor.learn_json(&serde_json::to_value(record).map_err(|error| Fail::Said(error.to_string()))?);
        self.sealed = None;
        Ok(())
    }

    /// Learns the names of machines in the paths of collected logs.
    pub fn learn_collected<'p>(&mut self, paths: impl Iterator<Item = &'p str>) {
        if let Some(redactor) = &mut self.redactor {
            paths.for_each(|path| redactor.learn_collected(path));
        }
    }

    /// The record with every name replaced, to be shown and written in place of the original. Replacing in a finished
    /// table would miss the names that a line break cuts in two.
    ///
    /// # Errors
    /// When the record cannot be put into JSON and back.
    pub fn disguise<T: Serialize + DeserializeOwned>(&mut self, record: T) -> Result<T, Fail> {
        let Some(redactor) = &self.redactor else { return Ok(record) };
        let said = |error: serde_json::Error| Fail::Said(error.to_string());
        let mut value = serde_json::to_value(&record).map_err(said)?;
        self.sealed.get_or_insert_with(|| redactor.clone().seal()).json(&mut value);
        serde_json::from_value(value).map_err(said)
    }

    /// [`learn`](Self::learn) and [`disguise`](Self::disguise) of the only record.
    ///
    /// # Errors
    /// As those.
    pub fn record<T: Serialize + DeserializeOwned>(&mut self, record: T) -> Result<T, Fail> {
        self.learn(&record)?;
        self.disguise(record)
    }

    /// Writes the key file, if one was asked for.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(&self, args: &RedactArgs) -> Result<(), Fail> {
        self.sealed.as_ref().map_or(Ok(()), |sealed| keep(args.redact_key.as_deref(), sealed))
    }
}

/// Learns the names in the tables and in all events of an input, whatever of it is going to be shown: what one command
/// replaces, every other must.
///
/// # Errors
/// An input that can no longer be read.
pub fn learn(input: &Opened, path: &Path, redactor: &mut Redactor) -> Result<(), Fail> {
    if let Some(capture) = input.capture() {
        pml::learn(capture, (0..capture.event_count()).map(EventIndex), redactor);
    } else if let Some(export) = input.export() {
        for process in &export.survey().processes {
            redactor.learn_text(&process.command_line);
            redactor.learn_text(&process.image_path);
        }
        rows::learn(export, redactor).map_err(|error| Fail::Read { path: path.to_owned(), source: error })?;
    }
    Ok(())
}

/// Writes the key file of a redaction to `path`, if there is one.
///
/// # Errors
/// Those of the file system.
pub fn keep(path: Option<&Path>, redaction: &Redaction) -> Result<(), Fail> {
    let Some(path) = path else { return Ok(()) };
    output::write(path, |out| writeln!(out, "{}", redaction.key().to_json()).map_err(output::written(path)))
}
