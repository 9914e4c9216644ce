//! Stacks: `module+0xoffset`, `0xaddress` and `@name`, joined by commas.

use super::error::{Place, ScenarioError, ScenarioErrorKind};
use super::machine::Parser;

/// Named stacks may name others, but not without end.
const MAX_NESTING: usize = 8;
/// Procmon records no more frames than this.
const MAX_FRAMES: usize = 150;

impl Parser<'_> {
    /// The addresses of `frames` in the process at `process`, innermost first.
    pub(super) fn frames(&self, frames: &str, process: usize, place: &Place) -> Result<Vec<u64>, ScenarioError> {
        let mut out = Vec::new();
        self.push_frames(frames, process, place, 0, &mut out)?;
        Ok(out)
    }

    fn push_frames(
        &self,
        frames: &str,
        process: usize,
        place: &Place,
        depth: usize,
        out: &mut Vec<u64>,
    ) -> Result<(), ScenarioError> {
        for frame in frames.split(',').map(str::trim).filter(|frame| !frame.is_empty()) {
            if out.len() >= MAX_FRAMES {
                break;
            }
            if frame.eq_ignore_ascii_case("none") {
                continue;
            }
            if let Some(name) = frame.strip_prefix('@') {
                let unknown = || place.fault(ScenarioErrorKind::UnknownStack(name.to_owned()));
                let frames = self.stacks.get(name).filter(|_| depth < MAX_NESTING).ok_or_else(unknown)?;
                self.push_frames(frames, process, place, depth + 1, out)?;
                continue;
            }
            out.push(self.frame(frame, process, place)?);
        }
        Ok(())
    }

    fn frame(&self, frame: &str, process: usize, place: &Place) -> Result<u64, ScenarioError> {
        let bad = |expected| place.fault(ScenarioErrorKind::BadValue { expected, found: frame.to_owned() });
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        if let Some(address) = frame.strip_prefix("0x") {
            return hex(address).ok_or_else(|| bad("an address"));
        }
        let (module, offset) = frame.rsplit_once("+0x").ok_or_else(|| bad("a frame such as FLTMGR.SYS+0x4a1c"))?;
        let offset = hex(offset).ok_or_else(|| bad("an offset in hex"))?;
        let own = self.processes.get(process).map(|process| process.modules.as_slice()).unwrap_or_default();
        let system = self.processes.first().map(|process| process.modules.as_slice()).unwrap_or_default();
        let found = own.iter().chain(system).find(|known| known.name().eq_ignore_ascii_case(module));
        let known = found.ok_or_else(|| place.fault(ScenarioErrorKind::UnknownModule(module.to_owned())))?;
        if offset >= u64::from(known.size) {
            return Err(bad("an offset inside the module"));
        }
        Ok(known.base.saturating_add(offset))
    }
}
