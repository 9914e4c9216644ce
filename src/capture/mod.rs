//! One capture, whatever it was stored in: its segments, its processes and its operations.

pub mod author;
pub mod chunk;
pub mod collect;
pub mod columns;
pub mod decode;
pub mod filter;
pub mod lost;
pub mod map;
pub mod mark;
pub mod modules;
pub mod namesake;
pub mod op;
pub mod order;
pub mod pmc;
pub mod progress;
pub mod scan;
pub mod segment;
pub mod select;
pub mod source;
pub mod tally;

pub use op::EventIndex;
pub use segment::{OpenError, Segment};

use crate::nt::FileTime;
use crate::pml::recover::{RescueReport, UNKNOWN_PID};
use crate::pml::{Event, Header, PmlError};
use chunk::{Chunk, Marks};
use collect::Trail;
use progress::{Observer, Progress};
use rustc_hash::FxHashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A capture: one PML file, or the segments Procmon split it into, in order of time.
#[derive(Debug)]
pub struct Capture {
    segments: Vec<Segment>,
    events: u64,
    /// Overlaps and gaps between segments.
    pub seams: Vec<Seam>,
    /// Files beside it that look like segments but could not be used, and why.
    pub left_out: Vec<OpenError>,
    /// Files that were damaged and what could be saved of them.
    pub rescues: Vec<Rescue>,
    recall: Box<Recall>,
    observer: Observer,
}

/// What passes leave for later ones.
#[derive(Debug, Default)]
struct Recall {
    /// What the survey marked, by chunk.
    marks: OnceLock<Vec<Marks>>,
    trail: Mutex<Option<Trail>>,
}

/// A file of a capture that was read by a rescue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescue {
    /// The file.
    pub path: PathBuf,
    /// What was found and what is lost.
    pub report: RescueReport,
}

/// What was found between two neighbouring segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seam {
    /// Number of the later segment.
    pub segment: usize,
    /// Driver sequence numbers missing between them; negative when they overlap. The events held twice are read once.
    pub missing: i64,
    /// The last event before the seam and the first behind it.
    pub between: (FileTime, FileTime),
}

impl Capture {
    /// Opens a capture; with `segments`, the files `name-1.PML`, `name-2.PML`, … beside it belong to it.
    ///
    /// # Errors
    /// When `path` itself cannot be opened or read; a bad file beside it is only left out.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let mut rescues = Vec::new();
        let first = open_segment(path, options, &mut rescues)?;
        let mut further = Vec::new();
        let mut left_out = Vec::new();
        if options.segments {
            for path in segment::segments_beside(path) {
                // A capture saved earlier under a similar name is no segment: it comes from another machine or run.
                let mut rescued = Vec::new();
                let opened = open_segment(&path, options, &mut rescued)
                    .and_then(|segment| check_same_capture(&first, &segment).map(|()| segment));
                match opened {
                    Ok(segment) => {
                        further.push(segment);
                        rescues.append(&mut rescued);
                    }
                    Err(error) => left_out.push(error),
                }
            }
        }
        further.insert(0, first);
        Ok(Self { left_out, rescues, ..Self::from_segments(further) })
    }

    /// Joins segments, ordered by the driver's numbers, which last through a capture; where these do not tell, by the time of
    /// their first event.
    pub fn from_segments(mut segments: Vec<Segment>) -> Self {
        segments.sort_by_key(|segment| segment.pml().event(0).map(Event::time).unwrap_or_default());
        segment::sort_by_number(&mut segments);
        let mut events = 0;
        let mut seams = Vec::new();
        let mut last: Option<(u32, FileTime)> = None;
        for number in 0..segments.len() {
            let (earlier, rest) = segments.split_at_mut(number);
            let Some(segment) = rest.first_mut() else { break };
            let begins = segment.pml().event(0).map(Event::time).unwrap_or_default();
            let previous = earlier.iter().rev().find(|segment| segment.pml().event_count() > 0);
            let repeated = previous.map_or(0, |previous| previous.repeated_in(segment));
            segment.skip_events(repeated);
            segment.first_event = events;
            events += u64::from(segment.pml().event_count());
            let pml = segment.pml();
            let numbered = |event: &Event<'_>| event.sequence() < scan::NETWORK_SEQUENCE;
            let edge = |n: u32| pml.event(n).ok().filter(numbered).map(|event| (event.sequence(), event.time()));
            if let Some((_, before)) = last
                && repeated > 0
            {
                seams.push(Seam { segment: number, missing: -i64::from(repeated), between: (begins, before) });
            }
            if let (Some((last, before)), Some((first, after))) = (last, edge(0)) {
                let missing = i64::from(first) - i64::from(last) - 1;
                if missing > 0 || missing < 0 && repeated == 0 {
                    seams.push(Seam { segment: number, missing, between: (before, after) });
                }
            }
            last = pml.event_count().checked_sub(1).and_then(edge).or(last);
        }
        Self {
            segments,
            events,
            seams,
            left_out: Vec::new(),
            rescues: Vec::new(),
            recall: Box::default(),
            observer: Observer::default(),
        }
    }

    /// Its files, in order of time.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Header of the first segment.
    pub fn header(&self) -> Option<&Header> {
        self.segments.first().map(|segment| &segment.pml().container().header)
    }

    /// Number of events in all segments.
    pub const fn event_count(&self) -> u64 {
        self.events
    }

    /// The segment that holds event `index`, and the event's number within it.
    pub fn locate(&self, index: EventIndex) -> Option<(&Segment, u32)> {
        if index.0 >= self.events {
            return None;
        }
        let at = self.segments.partition_point(|segment| segment.first_event <= index.0).checked_sub(1)?;
        let segment = self.segments.get(at)?;
        Some((segment, u32::try_from(index.0 - segment.first_event).ok()?))
    }

    /// Event `index`; `None` beyond the end.
    pub fn event(&self, index: EventIndex) -> Option<Result<Event<'_>, PmlError>> {
        let (segment, number) = self.locate(index)?;
        Some(segment.pml().event(number))
    }

    /// Lets `progress` hear of every pass from now on.
    pub fn observe(&mut self, progress: Arc<dyn Progress>) {
        self.observer = Observer(Some(progress));
    }

    /// Keeps what the survey marked; a second survey finds the same.
    fn remember(&self, marks: Vec<Marks>) {
        let _ = self.recall.marks.set(marks);
    }

    /// What the survey marked in `chunk`; `None` when no survey has.
    fn marks(&self, chunk: Chunk<'_>) -> Option<&Marks> {
        self.recall.marks.get()?.get(chunk.ordinal())
    }

    /// What the last collecting pass left. A panic in between leaves at worst an older trail, which says for itself
    /// what it is good for.
    fn trail(&self) -> MutexGuard<'_, Option<Trail>> {
        self.recall.trail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Start of the first event and end of the last one.
    pub fn span(&self) -> Option<(FileTime, FileTime)> {
        let first = self.segments.iter().find_map(|segment| segment.pml().event(0).ok())?;
        let last = self.segments.iter().rev().find_map(|segment| {
            let pml = segment.pml();
            pml.event_count().checked_sub(1).and_then(|n| pml.event(n).ok())
        })?;
        Some((first.time(), last.time()))
    }
}

/// How to open a capture.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Look for further segments beside the file.
    pub segments: bool,
    /// Map the file (else read it into memory).
    pub map: bool,
    /// Rescue damaged files (else refuse them); [`Capture::rescues`] tells which.
    pub rescue: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { segments: true, map: true, rescue: true }
    }
}

fn open_segment(path: &Path, options: &OpenOptions, rescues: &mut Vec<Rescue>) -> Result<Segment, OpenError> {
    if !options.rescue {
        return Segment::open(path, options.map);
    }
    let (segment, report) = Segment::open_or_rescue(path, options.map)?;
    rescues.extend(report.map(|report| Rescue { path: path.to_owned(), report }));
    Ok(segment)
}

/// Whether two process tables have different processes under one number of the driver's, which last through a capture.
fn contradict(first: &Segment, other: &Segment) -> bool {
    let of = |segment: &Segment| -> FxHashMap<u32, (u32, String)> {
        let pml = segment.pml();
        let known = pml.container().processes.iter().filter(|process| process.pid != UNKNOWN_PID);
        known.map(|process| (process.index, (process.pid, pml.string(process.name).to_ascii_lowercase()))).collect()
    };
    let known = of(first);
    let differs = |(pid, name): &(u32, String), other: &(u32, String)| {
        *pid != other.0 || *name != other.1 && !name.is_empty() && !other.1.is_empty()
    };
    of(other).iter().any(|(index, process)| known.get(index).is_some_and(|before| differs(before, process)))
}

fn check_same_capture(first: &Segment, other: &Segment) -> Result<(), OpenError> {
    let (a, b) = (&first.pml().container().header, &other.pml().container().header);
    let what = if a.pointer != b.pointer {
        "pointer size"
    } else if a.computer != b.computer {
        "computer name"
    } else if a.os != b.os {
        "Windows build"
    } else if contradict(first, other) {
        "process table"
    } else {
        return Ok(());
    };
    Err(OpenError::Mismatch { path: other.path.clone(), what })
}
