//! The findings, retries and waits of one log.

use super::bursts::Bursts;
use crate::capture::op::{EventIndex, OpLog};
use crate::locks::clock::Straightened;
use crate::locks::engine::{Engine, Options};
use crate::locks::finding::{Analysis, Consistency, Finding};

/// Explains the failing operations `targets`, in event order. Events that are not in the log are left out.
pub fn analyse(log: &OpLog, targets: &[EventIndex], options: &Options<'_>) -> Analysis {
    let Some(straight) = Straightened::of(log) else { return analysed(log, targets, options) };
    let mut analysis = analysed(&straight.log, targets, options);
    straight.show_analysis(&mut analysis);
    analysis
}

fn analysed(log: &OpLog, targets: &[EventIndex], options: &Options<'_>) -> Analysis {
    let mut engine = Engine::new(log, *options);
    let mut wanted: Vec<u32> = targets.iter().filter_map(|event| engine.find(*event)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let bursts = Bursts::group(&engine, &wanted);
    let mut findings: Vec<Finding> = Vec::with_capacity(wanted.len());
    for &at in &wanted {
        findings.extend(engine.explain(at, &bursts));
    }
    let mut waits = engine.waits();
    waits.extend(engine.slow_waits(&findings, &waits));
    waits.sort_by_key(|wait| wait.event);
    wanted.extend(waits.iter().filter_map(|wait| engine.find(wait.event)));
    let consistency = engine.consistency(&wanted);
    Analysis { findings, bursts: bursts.into_public(&engine), waits, consistency }
}

impl Engine<'_> {
    /// The self-check over the files of the operations asked about, and of those that waited.
    fn consistency(&mut self, wanted: &[u32]) -> Consistency {
        let mut files: Vec<u32> = wanted.iter().map(|at| self.names.file(self.names.place(*at).link)).collect();
        files.sort_unstable();
        files.dedup();
        let mut sum = Consistency::default();
        for file in files {
            let track = self.track(file);
            sum.opens_checked += track.opens_checked;
            sum.false_conflicts += track.false_conflicts.len() as u64;
            sum.closes_without_open += track.closes_without_open;
            sum.opens_without_close += track.opens_without_close;
        }
        sum
    }
}
