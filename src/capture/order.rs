//! What tells against the order in which a capture lists its events.

use crate::nt::{FileTime, Ticks};

/// Neighbours in a capture whose times or numbers do not ascend, as they do in every capture that nothing disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Events that began earlier than the one before: the clock was set back.
    pub steps_back: u64,
    /// The largest of these steps.
    pub largest: Ticks,
    /// Events whose number is not greater than that of the one before.
    pub misnumbered: u64,
}

impl Order {
    /// Takes in two neighbours, each with its number and its begin.
    #[cold]
    pub fn see(&mut self, before: (u32, FileTime), after: (u32, FileTime)) {
        let back = before.1.since(after.1);
        self.steps_back += u64::from(back.0 > 0);
        self.largest = self.largest.max(back);
        self.misnumbered += u64::from(after.0 <= before.0);
    }

    /// Takes those of another part of the capture in.
    pub fn append(&mut self, other: &Self) {
        self.steps_back += other.steps_back;
        self.largest = self.largest.max(other.largest);
        self.misnumbered += other.misnumbered;
    }
}
