//! What the user gave as a capture: a PML with its segments, or an export in CSV or XML.

use super::fail::Fail;
use super::options::InputArgs;
use super::recover;
use crate::assemble::{Lacking, SourceNote, bad_row};
use crate::capture::Capture;
use crate::capture::columns::Column;
use crate::capture::progress::Progress;
use crate::capture::source::Source;
use crate::case;
use crate::import::{self, Export, Input, Malformed};
use crate::lang::{Lang, fail as t};
use crate::nt::{FileTime, Ticks};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// An opened input.
#[derive(Debug)]
pub struct Opened {
    input: Input,
    /// The times of an export were read with the clock of a servicing log.
    clock_from_log: bool,
}

/// The clock of the machine, as its servicing log tells it.
#[derive(Clone, Copy, Debug)]
pub struct LogClock {
    /// Minutes the local clock is ahead of UTC.
    pub utc_offset_minutes: i32,
    /// The local day of what the log is about.
    pub day: Option<jiff::civil::Date>,
}

impl Opened {
    /// Opens `path`, recognised by content.
    ///
    /// # Errors
    /// When it cannot be read, or is neither a capture nor an export.
    pub fn open(path: &Path, args: &InputArgs) -> Result<Self, Fail> {
        Self::open_beside(path, args, None)
    }

    /// The same beside a servicing log: an export that tells neither zone nor date, as the default columns do not, takes
    /// both from the log, or the two could not be compared.
    ///
    /// # Errors
    /// When it cannot be read, or is neither a capture nor an export.
    pub fn open_beside(path: &Path, args: &InputArgs, clock: Option<LogClock>) -> Result<Self, Fail> {
        let mut options = args.import_options()?;
        let mut input = import::open(path, &options)?;
        let mut clock_from_log = false;
        if let Input::Pml(input) = &input {
            input.capture.segments().iter().for_each(crate::capture::Segment::advise_sequential);
        }
        if let (Input::Export(export), Some(clock)) = (&input, clock) {
            let known = export.facts().clock;
            if !known.utc_offset_known || !known.date_known {
                options.utc_offset = options.utc_offset.or(clock.utc_offset_minutes.checked_mul(60));
                options.date = options.date.or(clock.day);
                input = import::open(path, &options)?;
                clock_from_log = true;
            }
        }
        Ok(Self { input, clock_from_log })
    }

    /// Lets `progress` follow the passes over a PML capture.
    pub fn observe(&mut self, progress: Arc<dyn Progress>) {
        if let Input::Pml(input) = &mut self.input {
            input.capture.observe(progress);
        }
    }

    /// What the analysis asks.
    pub fn source(&self) -> &dyn Source {
        self.input.source()
    }

    /// The PML capture, if it is one.
    pub const fn capture(&self) -> Option<&Capture> {
        match &self.input {
            Input::Pml(input) => Some(&input.capture),
            Input::Export(_) => None,
        }
    }

    /// The export, if it is one.
    pub fn export(&self) -> Option<&Export> {
        match &self.input {
            Input::Pml(_) => None,
            Input::Export(export) => Some(export),
        }
    }

    /// A time in the capture, for times of day given without a date.
    pub fn day(&self) -> Option<FileTime> {
        match &self.input {
            Input::Pml(input) => input.capture.span().map(|(first, _)| first),
            Input::Export(export) => export.survey().span.map(|(first, _)| first),
        }
    }

    /// The zone to show times in: `zone`, unless the export does not tell its distance to UTC. Its times are local times then,
    /// to be shown as they stand.
    pub fn zone(&self, zone: jiff::tz::TimeZone) -> jiff::tz::TimeZone {
        if self.export().is_some_and(|export| !export.clock().utc_offset_known) {
            jiff::tz::TimeZone::unknown()
        } else {
            zone
        }
    }

    /// The files, with their digests when `hash`.
    ///
    /// # Errors
    /// When an export cannot be read once more for its digest.
    pub fn files(&self, hash: bool) -> Result<Vec<case::File>, Fail> {
        match &self.input {
            Input::Pml(input) => Ok(files(&input.capture, hash)),
            Input::Export(export) => {
                let facts = export.facts();
                let sha256 = if hash { Some(digest(export.path())?) } else { None };
                Ok(vec![case::File { name: facts.name, bytes: facts.bytes, sha256, events: facts.rows }])
            }
        }
    }

    /// What opening it showed.
    pub fn notes(&self) -> Vec<SourceNote> {
        match &self.input {
            Input::Pml(input) => notes(&input.capture),
            Input::Export(export) => {
                let facts = export.facts();
                let mut notes = Vec::new();
                if let Some(first) = facts.malformed.first.first() {
                    let (first_line, reason) = (first.line, first.reason);
                    notes.push(SourceNote::MalformedRows { rows: facts.malformed.rows, first_line, reason });
                }
                if facts.ended_early.is_some() {
                    notes.push(SourceNote::Truncated);
                }
                if self.clock_from_log {
                    notes.push(SourceNote::ClockFromLog);
                }
                let has = |column| facts.columns.contains(&column);
                let timed = export.is_timed();
                if let Some(first) = facts.clock.unread {
                    notes.push(SourceNote::UnreadTimes { first });
                }
                if let Some(example) = facts.unknown_results.first().cloned() {
                    notes.push(SourceNote::UnknownResults { rows: facts.unknown_result_rows, example });
                }
                if facts.unlisted > 0 {
                    notes.push(SourceNote::UnlistedProcesses { stretches: facts.unlisted });
                }
                // A few happen: operations of one tick that ask for the same.
                if facts.repeated >= 4 && facts.repeated * 50 > facts.rows {
                    notes.push(SourceNote::RepeatedRows { rows: facts.repeated });
                }
                if facts.clock.resolution > 1 {
                    notes.push(SourceNote::CoarseTimes { step: Ticks(facts.clock.resolution) });
                }
                let lacking = [
                    (timed, Lacking::Time),
                    (has(Column::Pid) || facts.listed, Lacking::Pid),
                    (has(Column::ProcessName) || facts.listed, Lacking::ProcessName),
                    (has(Column::Tid), Lacking::Thread),
                ];
                notes.extend(lacking.iter().filter(|(has, _)| !has).map(|(_, what)| SourceNote::MissingColumn(*what)));
                if timed && !facts.clock.utc_offset_known {
                    notes.push(SourceNote::LocalTimes);
                }
                if timed && !facts.clock.date_known {
                    notes.push(SourceNote::NoDate);
                }
                if facts.without_ends {
                    notes.push(SourceNote::NoProcessEnds);
                }
                if facts.short_names > 0 {
                    notes.push(SourceNote::ShortNames { rows: facts.short_names });
                }
                if facts.not_text > 0 {
                    notes.push(SourceNote::WrongEncoding { rows: facts.not_text, encoding: facts.encoding });
                }
                notes
            }
        }
    }

    /// Lines for stderr: where the capture begins when not at the start of the file, and what was rescued.
    pub fn warnings(&self, lang: Lang) -> Vec<String> {
        let Input::Pml(input) = &self.input else { return Vec::new() };
        let begins = recover::begins_behind(input, lang).map(|line| {
            let place = input.capture.segments().first().map(|segment| segment.path.display().to_string());
            let blank = if lang == Lang::En { ". " } else { "。" };
            line + blank + &t::CUT_OFF.fill(lang, &[("file", &place.unwrap_or_default())])
        });
        begins.into_iter().chain(recover::warnings(&input.capture, lang)).collect()
    }

    /// Lines for stderr about rows of an export that could not be read; surveys the export if that has not happened yet.
    pub fn bad_rows(&self, lang: Lang) -> Vec<String> {
        let lines = self.export().map(|export| {
            let facts = export.facts();
            let mut lines = bad_rows(export.path(), &facts.malformed, lang);
            lines.extend(repeated_columns(export, lang));
            lines.extend(facts.ended_early.map(|why| ended_early(export.path(), &why, lang)));
            lines
        });
        lines.unwrap_or_default()
    }
}

/// That columns of an export occur more than once.
pub fn repeated_columns(export: &Export, lang: Lang) -> Option<String> {
    let names = export.columns().repeated.iter().map(|column| column.title()).collect::<Vec<_>>().join(", ");
    let values: &[(&str, &dyn std::fmt::Display)] = &[("file", &export.path().display()), ("names", &names)];
    (!names.is_empty()).then(|| crate::lang::events::TWICE.fill(lang, values))
}

/// That an export breaks off, and why.
pub fn ended_early(path: &Path, why: &str, lang: Lang) -> String {
    crate::lang::events::ENDED_EARLY.fill(lang, &[("file", &path.display()), ("why", &why)])
}

/// Rows that could not be read, by line: the first of them one by one, and how many more.
pub fn bad_rows(path: &Path, malformed: &Malformed, lang: Lang) -> Vec<String> {
    let mut lines: Vec<String> = malformed
        .first
        .iter()
        .map(|bad| {
            let why = bad_row(bad.reason).get(lang);
            t::BAD_ROW.fill(lang, &[("file", &path.display()), ("line", &bad.line), ("why", &why)])
        })
        .collect();
    let more = malformed.rows - (malformed.first.len() as u64).min(malformed.rows);
    if more > 0 {
        lines.push(t::MORE_BAD_ROWS.fill(lang, &[("file", &path.display()), ("n", &more)]));
    }
    lines
}

fn digest(path: &Path) -> Result<String, Fail> {
    let fail = |source: io::Error| Fail::Read { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(fail)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hex(&hasher.finalize()))
}

/// What opening the capture showed.
pub fn notes(capture: &Capture) -> Vec<SourceNote> {
    let seams = capture.seams.iter().map(|seam| match u64::try_from(seam.missing) {
        Ok(missing) => SourceNote::MissingSegment { missing },
        Err(_) => SourceNote::OverlappingSegments { events: seam.missing.unsigned_abs() },
    });
    let left_out = capture.left_out.iter().map(|error| SourceNote::SegmentLeftOut {
        name: error.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        reason: error.reason(),
    });
    seams.chain(left_out).chain(super::recover::notes(capture)).collect()
}

/// The files of a capture, with their digests when `hash`.
pub fn files(capture: &Capture, hash: bool) -> Vec<case::File> {
    capture
        .segments()
        .iter()
        .map(|segment| case::File {
            name: segment.file_name(),
            bytes: segment.bytes().len() as u64,
            sha256: hash.then(|| hex(&Sha256::digest(segment.bytes()))),
            events: u64::from(segment.pml().event_count()),
        })
        .collect()
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
