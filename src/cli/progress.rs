//! A progress bar on stderr, shown only when the work takes longer than half a second.

use super::options::GlobalArgs;
use crate::capture::progress;
use crate::lang::{Lang, events as t};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// Events gone through, of all.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
    visible: bool,
    shown: AtomicBool,
}

impl Progress {
    /// For `events` events; never shown unless `visible` and stderr is a terminal.
    pub fn new(events: u64, visible: bool, lang: Lang) -> Self {
        let bar = ProgressBar::with_draw_target(Some(events), ProgressDrawTarget::hidden());
        let template = "{wide_bar} {pos}/{len} {msg}  {rate}/s  {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            // The crate's own rate has four decimals.
            bar.set_style(style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{}", HumanCount(state.per_sec() as u64));
            }));
        }
        bar.set_message(t::PROGRESS.get(lang));
        let visible = visible && super::term::stderr_is_terminal();
        Self { bar, started: Instant::now(), visible, shown: AtomicBool::new(false) }
    }

    /// `events` more are done. Always `true`: go on.
    pub fn advance(&self, events: u64) -> bool {
        self.bar.inc(events);
        if self.visible && self.started.elapsed() > PATIENCE && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        true
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The passes of an analysis are not known beforehand; each is a bar of its own, and the patience counts from the first.
impl progress::Progress for Progress {
    fn begin(&self, events: u64) {
        self.bar.reset();
        self.bar.set_length(events);
    }

    fn advance(&self, events: u64) {
        self.advance(events);
    }

    fn end(&self) {
        self.finish();
    }
}

/// A bar for the passes of an analysis.
pub fn of_passes(global: &GlobalArgs) -> Arc<dyn progress::Progress> {
    Arc::new(Progress::new(0, !global.quiet, global.language()))
}
