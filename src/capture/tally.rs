//! Opens and closes by process. Of one whose closes are all missing, when it let go of a file cannot be told (VI-7).

use super::op::{Coverage, ProcessInfo};

/// So many opens without one close are not by chance: in real captures no process with a single open is without a close, and
/// each closes at least nine in ten.
const MANY_OPENS: u32 = 10;

/// The opens of a process, if they are many and there is not one close; else 0.
pub const fn unclosed(opens: u32, closes: u32) -> u32 {
    if opens >= MANY_OPENS && closes == 0 { opens } else { 0 }
}

impl Coverage {
    /// VI-7: whether a process opened many files and closed none, as far as recorded, and the capture may miss its closes. Where
    /// the driver's numbers show that nothing is missing, its handles were left open.
    pub const fn lacks_closes_of(&self, process: &ProcessInfo) -> bool {
        process.unclosed > 0 && !matches!(self.sequence_gaps, Some(0))
    }
}

/// Entries before those of one process are put together.
const MANY_RUNS: usize = 4096;

/// File-system events of one process, by the driver's number for it.
#[derive(Clone, Copy, Debug)]
struct Run {
    process: u32,
    opens: u32,
    closes: u32,
}

/// The processes with file-system events, and what they opened and closed.
#[derive(Debug, Default)]
pub(super) struct Tally {
    runs: Vec<Run>,
}

impl Tally {
    /// Takes account of an event: whether it opened a file, whether it closed one.
    #[inline]
    pub(super) fn see(&mut self, process: u32, opened: bool, closed: bool) {
        match self.runs.last_mut() {
            Some(run) if run.process == process => {
                run.opens = run.opens.saturating_add(u32::from(opened));
                run.closes = run.closes.saturating_add(u32::from(closed));
            }
            _ => self.begin(Run { process, opens: u32::from(opened), closes: u32::from(closed) }),
        }
    }

    fn begin(&mut self, run: Run) {
        self.runs.push(run);
        if self.runs.len() > MANY_RUNS {
            self.merge();
        }
    }

    /// Puts the entries of one process together.
    pub(super) fn merge(&mut self) {
        self.runs.sort_unstable_by_key(|run| run.process);
        self.runs.dedup_by(|next, first| {
            let same = next.process == first.process;
            if same {
                first.opens = first.opens.saturating_add(next.opens);
                first.closes = first.closes.saturating_add(next.closes);
            }
            same
        });
    }

    /// Adds what another part of the capture has.
    pub(super) fn join(&mut self, other: Self) {
        self.runs.extend(other.runs);
        if self.runs.len() > MANY_RUNS {
            self.merge();
        }
    }

    /// Each process once, with the opens that none of its closes answers; after [`Self::merge`].
    pub(super) fn processes(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.runs.iter().map(|run| (run.process, unclosed(run.opens, run.closes)))
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn one_close_anywhere_shows_that_a_process_closes_are_recorded() {
        let mut tally = Tally::default();
        for turn in 0..3000 {
            tally.see(7, turn < 10, false);
            tally.see(8, true, turn == 2999);
            tally.see(9, turn < 9, false);
        }
        let mut more = Tally::default();
        more.see(7, true, false);
        tally.join(more);
        tally.merge();
        assert_eq!(tally.processes().collect::<Vec<_>>(), [(7, 11), (8, 0), (9, 0)]);
    }
}
