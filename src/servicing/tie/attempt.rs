//! Whether the processes that a log's in-flight ids name are those of a capture.

use crate::capture::op::ProcessInfo;
use crate::nt::{FileTime, Ticks};

/// A process that made in-flight ids, as the ids tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    /// Low 16 bits of its process id.
    pub pid16: u16,
    /// Low 16 bits of its threads' ids.
    pub tid16: Vec<u16>,
    /// When it made the first id.
    pub first: FileTime,
    /// When it made the last.
    pub last: FileTime,
}

/// What a capture knows of a maker. Processes are indices into the capture's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakerTie {
    /// A servicing process with that id lived when the ids were made.
    Same(usize),
    /// A servicing process has that id but started only after they were made: they are of an earlier process.
    StartedLater(usize),
    /// The id belonged to another program at that time.
    OtherProgram(usize),
    /// The capture covers the time and shows no process with that id.
    Absent,
    /// The ids were made outside the time of the capture and no process in it has that id.
    NotCovered,
}

impl MakerTie {
    /// The stable name.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Same(_) => "same_process",
            Self::StartedLater(_) => "started_later",
            Self::OtherProgram(_) => "other_program",
            Self::Absent => "absent",
            Self::NotCovered => "not_covered",
        }
    }

    /// The process, where there is one.
    pub const fn process(self) -> Option<usize> {
        match self {
            Self::Same(at) | Self::StartedLater(at) | Self::OtherProgram(at) => Some(at),
            Self::Absent | Self::NotCovered => None,
        }
    }
}

/// Process start times and the times in ids come from one clock, read at different places.
const SLACK: Ticks = Ticks(10_000_000);

/// Looks for the maker of ids among the processes of a capture.
pub fn maker_tie(maker: &Maker, processes: &[ProcessInfo], span: Option<(FileTime, FileTime)>) -> MakerTie {
    let same_id = |process: &&(usize, &ProcessInfo)| process.1.pid & 0xFFFF == u32::from(maker.pid16);
    let all: Vec<(usize, &ProcessInfo)> = processes.iter().enumerate().collect();
    let named: Vec<&(usize, &ProcessInfo)> = all.iter().filter(same_id).collect();
    let lived = |process: &ProcessInfo| {
        process.started.is_none_or(|started| started <= maker.first.plus(SLACK))
            && process.ended.is_none_or(|ended| ended.plus(SLACK) >= maker.last)
    };
    let find = |servicing: bool, alive: bool| {
        named.iter().find(|(_, process)| is_servicing(&process.name) == servicing && lived(process) == alive)
    };
    if let Some((at, _)) = find(true, true) {
        return MakerTie::Same(*at);
    }
    if let Some((at, _)) = find(true, false) {
        return MakerTie::StartedLater(*at);
    }
    if let Some((at, _)) = find(false, true) {
        return MakerTie::OtherProgram(*at);
    }
    match span {
        Some((first, last)) if maker.last >= first && maker.first <= last => MakerTie::Absent,
        _ => MakerTie::NotCovered,
    }
}

/// Whether a process of that name writes servicing logs and works on the component store.
pub fn is_servicing(name: &str) -> bool {
    ["TiWorker.exe", "TrustedInstaller.exe", "poqexec.exe", "DismHost.exe"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, name: &str, started: u64, ended: Option<u64>) -> ProcessInfo {
        ProcessInfo {
            pid,
            name: name.to_owned(),
            started: Some(FileTime(started * 10_000_000)),
            ended: ended.map(|ended| FileTime(ended * 10_000_000)),
            ..ProcessInfo::default()
        }
    }

    #[test]
    fn only_a_servicing_process_that_lived_then_is_the_same() {
        let at = |second: u64| FileTime(second * 10_000_000);
        let maker = Maker { pid16: 3560, tid16: vec![], first: at(100), last: at(110) };
        let span = Some((at(90), at(200)));
        let tie = |process: ProcessInfo| maker_tie(&maker, &[process], span);
        assert_eq!(tie(process(3560, "tiworker.exe", 50, None)), MakerTie::Same(0));
        // Only the low half of a large id is in the log.
        assert_eq!(tie(process(3560 + 0x1_0000, "TiWorker.exe", 50, None)), MakerTie::Same(0));
        assert_eq!(tie(process(3560, "TiWorker.exe", 150, None)), MakerTie::StartedLater(0));
        assert_eq!(tie(process(3560, "notepad.exe", 50, None)), MakerTie::OtherProgram(0));
        assert_eq!(tie(process(3560, "notepad.exe", 150, None)), MakerTie::Absent);
        assert_eq!(tie(process(3564, "TiWorker.exe", 50, None)), MakerTie::Absent);
        assert_eq!(maker_tie(&maker, &[], Some((at(300), at(400)))), MakerTie::NotCovered);
        assert_eq!(maker_tie(&maker, &[], None), MakerTie::NotCovered);
    }
}
