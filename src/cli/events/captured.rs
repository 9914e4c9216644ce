//! The events of a PML capture.

use super::asked::{Asked, Chosen};
use super::{Source, inspect};
use crate::capture::{Capture, EventIndex};
use crate::cli::fail::Fail;
use crate::cli::output;
use crate::cli::progress::Progress;
use crate::export::{Context, Outcome, Request};
use crate::lang::{Lang, events as t};
use crate::redact::Redaction;
use std::io::Write;
use std::path::Path;

/// A capture and what is asked of it.
pub(super) struct Captured<'s> {
    pub(super) capture: &'s Capture,
    pub(super) source: &'s Source,
    pub(super) asked: &'s Asked,
    pub(super) redaction: Option<&'s Redaction>,
}

fn context<'c>(capture: &'c Capture, asked: &Asked) -> Context<'c> {
    let first = capture.span().map(|(first, _)| first).unwrap_or_default();
    Context::new(capture, asked.style(first))
}

impl Captured<'_> {
    /// Writes everything to `out`, which goes to `path`; returns the sentences about what it met.
    ///
    /// # Errors
    /// Those of `out`, or an event to show that cannot be read.
    pub(super) fn write(
        &self,
        path: &Path,
        out: &mut (dyn Write + Send),
        (visible, lang): (bool, Lang),
    ) -> Result<Vec<String>, Fail> {
        let mut chosen = self.asked.choose(|| self.capture.event_count())?;
        let mut context = context(self.capture, self.asked);
        let mut left_out = None;
        let has_lines = chosen.has_lines();
        if let Some(named) = self.asked.named() {
            let passing = context.choose(&self.asked.filter, Some(named));
            let passing: Vec<u64> = passing.into_iter().map(|event| event.0).collect();
            left_out = self.asked.left_out(&passing);
            if !chosen.full.is_empty() {
                chosen.full = passing.into_iter().map(|number| number..=number).collect();
            }
        }
        if let Some(redaction) = self.redaction {
            context = context.redacted(redaction);
        }
        let request = Request { events: chosen.lines.clone(), ..self.source.request.clone() };
        let progress = Progress::new(self.events(&chosen), visible, lang);
        let outcome = if has_lines {
            context.write(&request, out, &|events| progress.advance(events)).map_err(output::written(path))?
        } else {
            Outcome::default()
        };
        for (at, number) in chosen.full.iter().cloned().flatten().enumerate() {
            if has_lines || at > 0 {
                out.write_all(b"\n").map_err(output::written(path))?;
            }
            let Some(inspected) = context.inspect(EventIndex(number)) else { continue };
            let inspected = inspected.map_err(|error| Fail::Said(error.to_string()))?;
            let file = self.capture.locate(EventIndex(number)).map(|(segment, _)| segment.file_name());
            let file = file.unwrap_or_default();
            let file = self.redaction.map_or_else(|| file.clone(), |redaction| redaction.text(&file));
            let mut text = Vec::new();
            inspect::print(&inspected, &file, lang, &mut text).map_err(output::written(path))?;
            out.write_all(&inspect::for_terminal(text, request.ascii)).map_err(output::written(path))?;
        }
        progress.finish();
        Ok(complaints(&outcome, lang).into_iter().chain(left_out).collect())
    }

    /// How many events the export goes through, for a progress bar.
    fn events(&self, chosen: &Chosen) -> u64 {
        match &chosen.lines {
            None => self.capture.event_count(),
            Some(ranges) => {
                ranges.iter().map(|range| range.end().saturating_sub(*range.start()).saturating_add(1)).sum()
            }
        }
    }
}

/// The sentences about what the export met.
fn complaints(outcome: &Outcome, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    let first = outcome.first_bad.unwrap_or_default();
    if outcome.broken > 0 {
        lines.push(t::BROKEN.fill(lang, &[("count", &outcome.broken), ("event", &first)]));
    }
    if outcome.unreadable > 0 {
        lines.push(t::UNREADABLE.fill(lang, &[("count", &outcome.unreadable)]));
    }
    lines
}
