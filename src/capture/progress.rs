//! How far a pass over the events has come, for whoever wants to show it.

use std::fmt;
use std::sync::Arc;

/// Hears of passes over a capture. Called from every thread, once for some thousands of events.
pub trait Progress: Send + Sync {
    /// A pass over so many events begins.
    fn begin(&self, events: u64);

    /// So many more events are done.
    fn advance(&self, events: u64);

    /// The pass is over.
    fn end(&self);
}

/// Who hears of a capture's passes, if anybody.
#[derive(Clone, Default)]
pub(super) struct Observer(pub(super) Option<Arc<dyn Progress>>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "observed" } else { "not observed" })
    }
}
