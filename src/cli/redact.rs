//! `--redact`: names replaced in everything that is printed or written.

use super::fail::Fail;
use super::input::Opened;
use super::options::RedactArgs;
use super::output;
use crate::capture::EventIndex;
use crate::capture::columns::Column;
use crate::capture::source::Source;
use crate::export::pml;
use crate::import::{self, Export, ExportRow};
use crate::lang::{Lang, recover as t};
use crate::pml::EventClass;
use crate::redact::{KeyError, KeyFile, Redaction, Redactor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
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
        learn_rows(export, redactor).map_err(|error| Fail::Read { path: path.to_owned(), source: error })?;
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

/// The redactor of an existing key file, or a new one.
///
/// # Errors
/// A key file that cannot be read or is none.
pub fn redactor(key: Option<&Path>, lang: Lang) -> Result<Redactor, Fail> {
    let no_key = |error: &dyn std::fmt::Display| Fail::Said(t::NO_KEY.fill(lang, &[("why", error)]));
    let Some(path) = key.filter(|path| path.exists()) else { return Redactor::new().map_err(|error| no_key(&error)) };
    let text = std::fs::read_to_string(path).map_err(|source| Fail::Read { path: path.to_owned(), source })?;
    KeyFile::parse(&text).and_then(|key| Redactor::from_key(&key)).map_err(|error| bad_key(path, &error, lang))
}

/// A file that is no key file.
pub(super) fn bad_key(path: &Path, error: &KeyError, lang: Lang) -> Fail {
    Fail::Said(match error {
        KeyError::NoRandomness => t::NO_KEY.fill(lang, &[("why", error)]),
        KeyError::Format(why) => t::BAD_KEY.fill(lang, &[("file", &path.display()), ("why", why)]),
    })
}

/// Learns the names in the process list and in all rows, shown or not: a name must have one fate in every output.
fn learn_rows(export: &Export, redactor: &mut Redactor) -> io::Result<()> {
    /// The process whose account is that of the system, in whatever language.
    const SYSTEM: u32 = 4;
    for process in export.survey().processes.iter().filter(|process| process.pid == SYSTEM) {
        redactor.leave_authority(&process.user);
    }
    if export.format() == import::Format::Xml {
        export.process_list(|line| {
            let line = String::from_utf8_lossy(line);
            let text = |name: &str| {
                let value = line.trim().strip_prefix('<')?.strip_prefix(name)?.strip_prefix('>')?;
                let value = value.split('<').next().unwrap_or_default();
                Some(quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), std::borrow::Cow::into_owned))
            };
            if let Some(version) = text("Version") {
                redactor.learn_version(&version);
                return Ok(());
            }
            match text("Owner") {
                Some(owner) => redactor.learn_account(&owner),
                None => redactor.learn_text(&quick_xml::escape::unescape(&line).unwrap_or_default()),
            }
            Ok(())
        })?;
    }
    // Where profiles lie comes first: what a path gives away depends on it.
    export.rows(false, told_of_roots, |_, (name, value)| {
        if !redactor.learn_root(&name, &value) {
            redactor.learn_roots(&value);
        }
    });
    let mut last_user = String::new();
    export.rows(
        false,
        |row| Some(Told::new(row)),
        |_, told| {
            for text in &told.texts {
                redactor.learn_text(text);
            }
            if told.user != last_user {
                redactor.learn_account(&told.user);
                last_user.clone_from(&told.user);
            }
            for host in &told.hosts {
                redactor.learn_host(host);
            }
        },
    );
    Ok(())
}

/// The environment of a started process, or path and data of a registry value that tells where profiles lie.
fn told_of_roots(row: &ExportRow<'_>) -> Option<(String, String)> {
    let text = |column| row.row.text(column).unwrap_or_default();
    let detail = text(Column::Detail);
    if memchr::memmem::find(detail.as_bytes(), b"USERPROFILE=").is_some() {
        return Some((String::new(), detail.into_owned()));
    }
    let path = text(Column::Path);
    let value = detail.split_once("Data: ").filter(|_| Redactor::tells_root(&path))?.1;
    Some((path.into_owned(), value.to_owned()))
}

/// What of a row may hold names.
struct Told {
    texts: Vec<String>,
    user: String,
    hosts: Vec<String>,
}

impl Told {
    fn new(row: &ExportRow<'_>) -> Self {
        let text = |column| row.row.text(column).unwrap_or_default().into_owned();
        let columns = [Column::Path, Column::Detail, Column::ImagePath, Column::CommandLine];
        let mut hosts = Vec::new();
        if row.class() == Some(EventClass::NETWORK) {
            let path = text(Column::Path);
            let ends = path.split(" -> ").filter_map(|end| end.rsplit_once(':'));
            hosts.extend(ends.map(|(host, _)| host.to_owned()));
        }
        Self {
            texts: columns.into_iter().map(text).filter(|text| !text.is_empty()).collect(),
            user: text(Column::User),
            hosts,
        }
    }
}
