//! Captures from readable text: scenarios that a support engineer can write, built by [`crate::pml::write`].
//!
//! The format is described in `docs/scenario-format.md`.
//!
//! ```
//! let text = "\
//! start 2022-10-08T05:50:40Z
//! process 3560 TiWorker.exe
//!   image C:\\Windows\\TiWorker.exe
//! +0.5 TiWorker.exe CreateFile C:\\Windows\\a.dll access=DELETE share=RWD -> DELETE PENDING
//! ";
//! let pml = pmlblame::scenario::build_bytes(text).unwrap();
//! assert_eq!(&pml[..4], b"PML_");
//! ```

mod args;
mod build;
mod error;
mod event;
mod file_ops;
mod info_ops;
mod lex;
mod machine;
mod names;
mod other_ops;
mod stack;

use std::fs;
use std::io::{self, Cursor, Seek, Write};
use std::path::Path;

use crate::pml::write::details::Body;
use crate::pml::write::{Header, PmlWriter, WriteError};

pub use error::{ScenarioError, ScenarioErrorKind};

/// Why a capture could not be built from a scenario.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The scenario has a fault.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The scenario file could not be read.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    /// The capture could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A parsed scenario, ready to build.
#[derive(Debug)]
pub struct Scenario {
    header: Header,
    start: u64,
    processes: Vec<ProcessDecl>,
    hosts: Vec<([u8; 16], String)>,
    ports: Vec<(u16, bool, String)>,
    events: Vec<EventDecl>,
}

/// A declared process.
#[derive(Clone, Debug, Default)]
struct ProcessDecl {
    label: String,
    index: u32,
    pid: u32,
    name: String,
    parent_pid: u32,
    parent_index: u32,
    image: String,
    command_line: String,
    company: String,
    description: String,
    version: String,
    user: String,
    user_sid: Vec<u8>,
    integrity: String,
    integrity_sid: Vec<u8>,
    session: u32,
    luid: u64,
    virtualized: u32,
    is_64_bit: bool,
    started: Option<u64>,
    ended: Option<u64>,
    modules: Vec<ModuleDecl>,
    default_stack: Option<String>,
}

/// A module of a process.
#[derive(Clone, Debug, Default)]
struct ModuleDecl {
    path: String,
    base: u64,
    size: u32,
    company: String,
    version: String,
    description: String,
    timestamp: u32,
    loaded: Option<u64>,
}

impl ModuleDecl {
    /// The file name.
    fn name(&self) -> &str {
        self.path.rsplit('\\').next().unwrap_or_default()
    }
}

/// One event line; without a body a gap in the sequence numbers, or the begin of another file.
#[derive(Clone, Debug, Default)]
struct EventDecl {
    time: u64,
    process: usize,
    tid: u32,
    result: u32,
    duration: u64,
    stack: Vec<u64>,
    body: Option<Body>,
    gap: u32,
    part: Option<Part>,
}

/// Where another file of the capture begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// It begins with so many events that the file before ends with.
    After(u32),
    /// It is not there: its events are numbered and left out.
    Lost,
}

/// Reads the files named by `include` lines; an error text says why it could not.
pub type Include<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Parses a scenario whose `include` lines are answered by `include`.
pub fn parse(text: &str, include: Include<'_>) -> Result<Scenario, ScenarioError> {
    let mut parser = machine::Parser::new(include);
    parser.text(text, None)?;
    parser.finish()
}

/// Parses a scenario file; `include` lines are looked up beside it.
pub fn parse_file(path: &Path) -> Result<Scenario, BuildError> {
    let bytes = fs::read(path).map_err(BuildError::Read)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
        ScenarioError { file: None, line, column: 1, kind: ScenarioErrorKind::NotUtf8 }
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let include = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    Ok(parse(&text, &include)?)
}

/// Writes everything of the first file of `scenario` into `pml`, which must be fresh and made with [`Scenario::header`].
pub fn build<W: Write + Seek>(scenario: &Scenario, pml: &mut PmlWriter<W>) -> Result<(), WriteError> {
    build::build(scenario, 0, pml)
}

/// Builds the capture of `scenario` into `out`: of several files the first.
pub fn write<W: Write + Seek>(scenario: &Scenario, out: W) -> Result<W, WriteError> {
    write_file(scenario, 0, out)
}

/// Builds file `number` of the capture of `scenario` into `out`; see [`Scenario::files`].
pub fn write_file<W: Write + Seek>(scenario: &Scenario, number: usize, out: W) -> Result<W, WriteError> {
    let mut pml = PmlWriter::new(out, scenario.header())?;
    build::build(scenario, number, &mut pml)?;
    pml.finish()
}

/// Builds a scenario file's capture into `out`.
pub fn build_file<W: Write + Seek>(path: &Path, out: W) -> Result<W, BuildError> {
    Ok(write(&parse_file(path)?, out)?)
}

/// Builds the capture of a scenario text without `include` lines.
pub fn build_bytes(text: &str) -> Result<Vec<u8>, BuildError> {
    let scenario = parse(text, &|_| Err("no files here".to_owned()))?;
    Ok(write(&scenario, Cursor::new(Vec::new()))?.into_inner())
}

impl Scenario {
    /// The header for the writer.
    pub fn header(&self) -> Header {
        self.header.clone()
    }

    /// The numbers of the files that the capture consists of, 0 first; one that is lost is left out.
    pub fn files(&self) -> Vec<usize> {
        let parts = self.events.iter().filter_map(|event| event.part);
        let parts = std::iter::once(Part::After(0)).chain(parts).enumerate();
        parts.filter(|(_, part)| *part != Part::Lost).map(|(number, _)| number).collect()
    }

    /// Events the capture will have, those of lost files not counted.
    pub fn event_count(&self) -> usize {
        let mut lost = false;
        let here = self.events.iter().filter(|event| {
            lost = event.part.map_or(lost, |part| part == Part::Lost);
            event.body.is_some() && !lost
        });
        here.count()
    }
}
