//! Why a record of a log has no refused operation in a capture.

use super::attempt::MakerTie;
use crate::nt::{FileTime, Ticks};

/// Why; the first that applies, most certain first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Log and capture are of different Windows builds or architectures.
    OtherMachine,
    /// The record is older than the capture by this much.
    BeforeCapture(Ticks),
    /// The record is younger than the capture by this much.
    AfterCapture(Ticks),
    /// The process that worked on the path then is not in the capture: another run or another machine.
    OtherRun,
    /// No servicing process did anything in the capture.
    NoServicingProcess,
    /// The path does not occur: filtered out before saving, or another machine.
    PathNotSeen,
    /// The path occurs, without such a refusal at that time.
    NotRefusedThen,
    /// The log's zone is unknown and the path does not occur.
    TimeUnknown,
}

impl Reason {
    /// The stable name.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::OtherMachine => "other_machine",
            Self::BeforeCapture(_) => "before_capture",
            Self::AfterCapture(_) => "after_capture",
            Self::OtherRun => "other_run",
            Self::NoServicingProcess => "no_servicing_process",
            Self::PathNotSeen => "path_not_seen",
            Self::NotRefusedThen => "not_refused_then",
            Self::TimeUnknown => "time_unknown",
        }
    }

    /// How far outside the capture the record lies.
    pub const fn distance(self) -> Option<Ticks> {
        match self {
            Self::BeforeCapture(distance) | Self::AfterCapture(distance) => Some(distance),
            _ => None,
        }
    }
}

/// What is known about a record without a match.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Time of the record.
    pub utc: Option<FileTime>,
    /// Whether that is to the millisecond; else it stands for its whole second.
    pub exact: bool,
    /// First and last event.
    pub span: Option<(FileTime, FileTime)>,
    /// Log and capture cannot be of one machine.
    pub other_machine: bool,
    /// What the capture knows of the process that made the path; `None` when the path has no id, or the in-flight folder
    /// is a leftover whose maker is of no concern.
    pub maker: Option<MakerTie>,
    /// Some servicing process has file events.
    pub servicing_active: bool,
    /// Events on the path.
    pub path_events: u64,
}

/// The reason.
pub fn reason(known: &Circumstances) -> Reason {
    if known.other_machine {
        return Reason::OtherMachine;
    }
    if let (Some(utc), Some((first, last))) = (known.utc, known.span) {
        let until = if known.exact { utc } else { utc.plus(Ticks(9_999_999)) };
        if until < first {
            return Reason::BeforeCapture(first.since(until));
        }
        if utc > last {
            return Reason::AfterCapture(utc.since(last));
        }
    }
    match known.maker {
        Some(MakerTie::Absent | MakerTie::OtherProgram(_) | MakerTie::StartedLater(_)) => return Reason::OtherRun,
        Some(MakerTie::Same(_) | MakerTie::NotCovered) | None => {}
    }
    match (known.path_events, known.servicing_active, known.utc) {
        (0, _, None) => Reason::TimeUnknown,
        (0, false, _) => Reason::NoServicingProcess,
        (0, true, _) => Reason::PathNotSeen,
        _ => Reason::NotRefusedThen,
    }
}

/// Whether two build numbers can be of one system: releases that an enablement package switches share their files.
pub fn same_build_family(a: u32, b: u32) -> bool {
    const FAMILIES: &[&[u32]] =
        &[&[18362, 18363], &[19041, 19042, 19043, 19044, 19045], &[22621, 22631], &[26100, 26200]];
    a == b || FAMILIES.iter().any(|family| family.contains(&a) && family.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> FileTime {
        FileTime(second * 10_000_000)
    }

    const fn known() -> Circumstances {
        Circumstances {
            utc: Some(FileTime(1_000_000_000)),
            exact: true,
            span: Some((FileTime(500_000_000), FileTime(2_000_000_000))),
            other_machine: false,
            maker: Some(MakerTie::Same(0)),
            servicing_active: true,
            path_events: 0,
        }
    }

    #[test]
    fn each_reason_in_its_order() {
        assert_eq!(reason(&known()), Reason::PathNotSeen);
        assert_eq!(reason(&Circumstances { path_events: 3, ..known() }), Reason::NotRefusedThen);
        assert_eq!(reason(&Circumstances { servicing_active: false, ..known() }), Reason::NoServicingProcess);
        assert_eq!(reason(&Circumstances { maker: Some(MakerTie::Absent), ..known() }), Reason::OtherRun);
        assert_eq!(reason(&Circumstances { utc: None, ..known() }), Reason::TimeUnknown);
        let early = Circumstances { utc: Some(at(20)), maker: Some(MakerTie::NotCovered), ..known() };
        assert_eq!(reason(&early), Reason::BeforeCapture(Ticks(300_000_000)));
        let late = Circumstances { utc: Some(at(260)), ..known() };
        assert_eq!(reason(&late), Reason::AfterCapture(Ticks(600_000_000)));
        assert_eq!(reason(&Circumstances { other_machine: true, ..late }), Reason::OtherMachine);
        // A whole second that reaches into the capture is not before it.
        let coarse = Circumstances { utc: Some(at(49).plus(Ticks(1))), exact: false, ..known() };
        assert_eq!(reason(&coarse), Reason::PathNotSeen);
    }

    #[test]
    fn enabled_releases_are_one_family() {
        assert!(same_build_family(19041, 19045) && same_build_family(22621, 22631) && same_build_family(17763, 17763));
        assert!(!same_build_family(17763, 19041) && !same_build_family(19045, 22621));
    }
}
