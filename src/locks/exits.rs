//! When processes ended.

use crate::capture::op::{OpKind, OpLog, ProcessInfo};
use crate::nt::FileTime;

/// When each process ended: the exit's operation index, if the log has one, and the time.
pub(crate) type Exits = Vec<Option<(Option<u32>, FileTime)>>;

/// The end of each process of a log: its exit, or that another process had its PID.
pub(crate) fn exits(log: &OpLog) -> Exits {
    let end = |process: &ProcessInfo| process.ended.or(process.replaced).map(|time| (None, time));
    let mut exits: Exits = log.processes.iter().map(end).collect();
    for (at, op) in (0u32..).zip(&log.ops) {
        if matches!(op.kind, OpKind::ProcessExit)
            && let Some(exit) = exits.get_mut(op.process.0 as usize)
        {
            *exit = Some((Some(at), op.start));
        }
    }
    exits
}
