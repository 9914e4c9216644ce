//! The bound on what is kept of files that only share a name with one the question is about.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Opens and closes of namesakes that one pass keeps; a name that common says nothing, and then none is kept.
const MAX_NAMESAKE_OPS: usize = 1 << 16;

/// Counts the opens and closes of namesakes over all chunks of a pass.
#[derive(Debug, Default)]
pub struct NamesakeBudget(AtomicUsize);

impl NamesakeBudget {
    /// Whether one more may be kept.
    pub fn take(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) < MAX_NAMESAKE_OPS
    }

    /// Whether there were more than may be kept; what was kept depends on the order of the work and has to go.
    pub fn is_exceeded(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_NAMESAKE_OPS
    }
}
