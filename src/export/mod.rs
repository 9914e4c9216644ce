//! Events as Procmon prints them: CSV, XML, JSON lines and a table, of one wording and one set of columns.

mod category;
mod csv;
mod fields;
mod json;
pub mod locale;
mod pipeline;
mod render;
mod row;
pub mod scene;
mod sink;
mod text;

pub use locale::Locale;
pub use pipeline::Outcome;
pub use scene::Style;

use crate::capture::Capture;
use crate::capture::columns::Column;
use pipeline::Events;
use scene::{Accounts, Scene, SegmentTexts};
use std::io::{self, Write};

/// Writes a capture's events as Procmon's CSV.
///
/// # Errors
/// Those of `out`.
pub fn write_csv(
    capture: &Capture,
    columns: &[Column],
    style: Style,
    out: &mut (dyn Write + Send),
) -> io::Result<Outcome> {
    out.write_all(&csv::Csv::header(columns))?;
    let accounts = Accounts::find(capture);
    let origin = capture.span().map(|(first, _)| first).unwrap_or_default();
    let mut outcome = Outcome::default();
    for segment in capture.segments() {
        let texts = SegmentTexts::new(segment.pml());
        let scene = Scene { pml: segment.pml(), texts: &texts, accounts: &accounts, style, origin };
        let events = Events { first: segment.first_event, range: 0..segment.pml().event_count() };
        let writer = csv::Csv::new(scene, columns);
        outcome = pipeline::run(&writer, &events, |_, _| true, out, &|_| true)?;
    }
    Ok(outcome)
}
