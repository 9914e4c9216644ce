//! Writes captures out of captures: a rescued one whole, or a smaller one with chosen events.
//!
//! An extract holds, beside its events, only what they need: the processes they belong to or tell of, those processes'
//! modules that a stack shows or that are the program itself, the hosts and ports of their connections, the icons of
//! the processes, and the strings all these use. System (PID 4) is always there, with **all** its modules: which filter
//! drivers were loaded is part of every verdict, and Procmon itself keeps them. Sequence numbers stay, so that the gaps
//! show what was left out.

mod needs;
mod redacted;
mod tables;

pub use redacted::learn;

use crate::capture::{Capture, EventIndex};
use crate::pml::recover::is_event;
use crate::pml::write::{PmlWriter, RawEvent, WriteError};
use crate::pml::{Event, PmlError};
use crate::redact::Redaction;
use needs::Needs;
use std::io::{Seek, Write};

/// Which strings, processes, modules, hosts and icons to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tables {
    /// What the events need.
    #[default]
    Needed,
    /// All there are, in their places.
    All,
}

/// How to write.
#[derive(Clone, Copy, Default)]
pub struct Options<'o> {
    /// Which entries of the tables.
    pub tables: Tables,
    /// Replaces names everywhere. What it should replace it must have [learned](learn) before.
    pub redaction: Option<&'o Redaction>,
    /// A [mark](crate::capture::mark) to leave in the string table.
    pub mark: Option<&'o str>,
    /// Hears how many events more have been written, and stops by returning `false`.
    pub progress: Option<&'o (dyn Fn(u64) -> bool + Sync)>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("tables", &self.tables).field("redacts", &self.redaction.is_some()).finish()
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events.
    pub events: u64,
    /// Events left out because their record does not lie in the file or is none.
    pub unreadable: u64,
    /// Events whose extra detail could not be read: written without it.
    pub without_extra: u64,
    /// The first thing that could not be read.
    pub first_error: Option<PmlError>,
    /// Processes.
    pub processes: u64,
    /// Processes made up because an event names a number that no table has.
    pub unknown_processes: u64,
    /// Modules.
    pub modules: u64,
    /// Strings.
    pub strings: u64,
    /// A record for System was made up: stacks have kernel addresses and no table has it.
    pub system_added: bool,
}

/// A capture that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The capture has no file.
    #[error("the capture is empty")]
    Empty,
    /// Writing failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// `progress` stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// Events between two calls of `progress`.
const PROGRESS_STEP: u64 = 8_192;

/// Writes the events `events` of `capture`, ascending, as a capture of its own to `out`.
///
/// # Errors
/// Those of `out`; limits of the format.
pub fn extract<W: Write + Seek>(
    capture: &Capture,
    events: impl Iterator<Item = EventIndex>,
    options: &Options<'_>,
    out: W,
) -> Result<(W, Written), ExtractError> {
    let first = capture.segments().first().ok_or(ExtractError::Empty)?;
    let mut header = tables::header(&first.pml().container().header);
    if let Some(redaction) = options.redaction {
        let length = header.computer.iter().position(|unit| *unit == 0).unwrap_or(header.computer.len());
        redaction.units(header.computer.get_mut(..length).unwrap_or_default());
        redaction.units(&mut header.system_root);
        redaction.units(&mut header.service_pack);
    }
    let mut pml = PmlWriter::new(out, header)?;
    let mut needs = Needs::new(capture, options.tables);
    let mut written = Written::default();
    let mut buffers = Buffers::default();
    let mut since_progress = 0;
    for index in events {
        since_progress += 1;
        if since_progress == PROGRESS_STEP {
            if options.progress.is_some_and(|progress| !progress(since_progress)) {
                return Err(ExtractError::Interrupted);
            }
            since_progress = 0;
        }
        let Some((segment, number)) = capture.locate(index) else { continue };
        let event = match segment.pml().event(number).and_then(|event| buffers.fill(event).map(|()| event)) {
            Ok(event) => event,
            Err(error) => {
                written.unreadable += 1;
                written.first_error.get_or_insert(error);
                continue;
            }
        };
        if !is_event(event) {
            written.unreadable += 1;
            continue;
        }
        match event.extra() {
            Ok(extra) => buffers.set_extra(extra),
            Err(error) => {
                buffers.set_extra(None);
                written.without_extra += 1;
                written.first_error.get_or_insert(error);
            }
        }
        needs.see(segment, event, &buffers.stack);
        if let Some(redaction) = options.redaction {
            redacted::event(redaction, event, &mut buffers.detail, &mut buffers.extra);
        }
        pml.event(&buffers.raw(event))?;
        written.events += 1;
    }
    if let Some(progress) = options.progress {
        progress(since_progress);
    }
    needs.write_tables(&mut pml, options.redaction, &mut written)?;
    if let Some(mark) = options.mark {
        pml.add_string(mark)?;
        written.strings += 1;
    }
    Ok((pml.finish()?, written))
}

/// One event's variable parts, copied out so that they can be changed.
#[derive(Default)]
struct Buffers {
    stack: Vec<u64>,
    detail: Vec<u8>,
    extra: Vec<u8>,
    has_extra: bool,
}

impl Buffers {
    fn fill(&mut self, event: Event<'_>) -> Result<(), PmlError> {
        self.stack.clear();
        self.stack.extend(event.stack()?.iter());
        self.detail.clear();
        self.detail.extend_from_slice(event.detail()?);
        Ok(())
    }

    fn set_extra(&mut self, extra: Option<&[u8]>) {
        self.extra.clear();
        self.extra.extend_from_slice(extra.unwrap_or_default());
        self.has_extra = extra.is_some();
    }

    fn raw<'b>(&'b self, event: Event<'_>) -> RawEvent<'b> {
        RawEvent {
            process_index: event.process_index(),
            tid: event.thread_id(),
            class: event.class().0,
            operation: event.operation(),
            sequence: event.sequence(),
            // While pending the field is uninitialised memory.
            duration: event.duration().map_or(0, |ticks| ticks.0),
            time: event.time().0,
            result: event.status().0,
            stack: &self.stack,
            detail: &self.detail,
            extra: self.has_extra.then_some(&self.extra),
        }
    }
}
