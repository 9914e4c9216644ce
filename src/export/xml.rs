//! Procmon's XML: all processes with their modules, then the events; on request each event with its stack.

use super::hide;
use super::locale::Clock;
use super::pipeline::RowWriter;
use super::plan::{Plan, Step};
use super::render::{Renderer, process_column};
use super::row::Row;
use super::scene::{Scene, SegmentTexts};
use super::text;
use crate::capture::Capture;
use crate::capture::columns::Column;
use crate::capture::modules::StackResolver;
use crate::nt::FileTime;
use crate::pml::{Module, Pml, PmlError, Process, StringIndex};
use crate::redact::Redaction;
use rustc_hash::FxHashSet;
use std::io::{self, Write};

const LINE: &[u8] = b"\r\n";

/// Writes events as XML elements.
#[derive(Debug)]
pub(crate) struct Xml<'a> {
    scene: Scene<'a>,
    columns: &'a [Column],
    /// Element names of the columns that change from event to event, in the order of the plan's steps.
    names: Vec<String>,
    plan: Plan,
    /// Resolves stacks, when they are wanted.
    stacks: Option<StackResolver<'a>>,
}

/// The element name of a column: its title with every blank, and what XML does not allow, as `_`.
pub(crate) fn element_name(column: Column) -> String {
    column.title().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Everything in front of the first event.
pub(crate) fn head(
    capture: &Capture,
    texts: &[SegmentTexts],
    redaction: Option<&Redaction>,
    sink: &mut dyn Write,
) -> io::Result<()> {
    let mut out = DECLARATION.to_vec();
    out.extend_from_slice(b"<procmon><processlist>");
    let mut seen = FxHashSet::default();
    for (segment, texts) in capture.segments().iter().zip(texts) {
        let pml = segment.pml();
        let mut order: Vec<(usize, &Process)> = pml.container().processes.iter().enumerate().collect();
        order.sort_by_key(|(_, process)| process.index);
        for (slot, record) in order {
            if seen.insert(record.index) {
                process(&mut out, pml, record, (texts.process(slot), redaction));
                sink.write_all(&out)?;
                out.clear();
            }
        }
    }
    out.extend_from_slice(b"</processlist><eventlist>\r\n");
    sink.write_all(&out)
}

/// What stands in front of the root.
pub(crate) const DECLARATION: &[u8] = b"\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n";

/// What closes the file.
pub(crate) const TAIL: &[u8] = b"</eventlist></procmon>";

fn process(
    out: &mut Vec<u8>,
    pml: Pml<'_>,
    process: &Process,
    (texts, redaction): (&super::scene::ProcessTexts, Option<&Redaction>),
) {
    out.extend_from_slice(b"<process>\r\n");
    let number = |out: &mut Vec<u8>, name: &str, value: u64| element(out, name, |out| text::decimal(out, value));
    let word = |out: &mut Vec<u8>, name: &str, value: &str| {
        element(out, name, |out| named(out, redaction, &|out| out.extend_from_slice(value.as_bytes())));
    };
    number(out, "ProcessIndex", process.index.into());
    number(out, "ProcessId", process.pid.into());
    number(out, "ParentProcessId", process.parent_pid.into());
    number(out, "ParentProcessIndex", process.parent_index.into());
    element(out, "AuthenticationId", |out| {
        text::hex_padded(out, process.authentication_id >> 32, 8);
        out.push(b':');
        text::hex_padded(out, process.authentication_id & 0xFFFF_FFFF, 8);
    });
    number(out, "CreateTime", process.started.0);
    number(out, "FinishTime", process.ended.map_or(0, |time| time.0));
    number(out, "IsVirtualized", process.virtualized.into());
    number(out, "Is64bit", process.is_64_bit.into());
    word(out, "Integrity", &texts.integrity);
    word(out, "Owner", &texts.user);
    word(out, "ProcessName", &texts.name);
    word(out, "ImagePath", &texts.image_path);
    word(out, "CommandLine", &texts.command_line);
    word(out, "CompanyName", &texts.company);
    element(out, "Version", |out| version(out, redaction, &|out| out.extend_from_slice(texts.version.as_bytes())));
    word(out, "Description", &texts.description);
    out.extend_from_slice(b"<modulelist>\r\n");
    let mut modules: Vec<&Module> = process.modules.iter().collect();
    modules.sort_by_key(|module| module.base);
    for module in modules {
        out.extend_from_slice(b"<module>\r\n");
        number(out, "Timestamp", module.loaded.0);
        element(out, "BaseAddress", |out| text::hex(out, module.base));
        number(out, "Size", module.size.into());
        for (name, index) in [
            ("Path", module.path),
            ("Version", module.version),
            ("Company", module.company),
            ("Description", module.description),
        ] {
            let replaced = if name == "Version" { version } else { named };
            element(out, name, |out| replaced(out, redaction, &|out| stored(out, pml, index)));
        }
        out.extend_from_slice(b"</module>\r\n");
    }
    out.extend_from_slice(b"</modulelist>\r\n</process>\r\n");
}

/// A string of the table.
fn stored(out: &mut Vec<u8>, pml: Pml<'_>, index: StringIndex) {
    if let Some(wide) = pml.container().strings.get(pml.data(), index) {
        text::wide(out, wide.until_nul().0);
    }
}

/// What `write` writes, with names replaced where they are to be.
fn named(out: &mut Vec<u8>, redaction: Option<&Redaction>, write: &dyn Fn(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    if let Some(redaction) = redaction {
        hide::replace(out, start, redaction);
    }
}

/// The same for the version of a file.
fn version(out: &mut Vec<u8>, redaction: Option<&Redaction>, write: &dyn Fn(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    if let Some(redaction) = redaction {
        hide::version(out, start, redaction);
    }
}

/// `<name>…</name>` and a line end; what `write` writes is escaped.
pub(crate) fn element(out: &mut Vec<u8>, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'<');
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
    let start = out.len();
    write(out);
    escape(out, start);
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b">\r\n");
}

/// Bytes of UTF-8 that cannot stand as they are. 0xC2 leads U+0080–U+009F, 0xF0–0xF4 what UTF-16 writes in two units.
const fn is_special(byte: u8) -> bool {
    (byte == b'&')
        | (byte == b'<')
        | (byte == b'>')
        | (byte == b'"')
        | (byte == b'\'')
        | (byte == 0x7F)
        | (byte == 0xC2)
        | (byte >= 0xF0)
        | ((byte < 0x20) & (byte != b'\t') & (byte != b'\r'))
}

/// Escapes what lies in `out` from `start` on: five entities, LF to CR LF, and `_` for what Procmon cannot write:
/// control characters and each half of a surrogate pair.
pub(crate) fn escape(out: &mut Vec<u8>, start: usize) {
    // Without branches, so that the compiler can take many bytes at a time.
    let special = |piece: &[u8]| piece.iter().fold(false, |any, byte| any | is_special(*byte));
    if !out.get(start..).unwrap_or_default().chunks(64).any(special) {
        return;
    }
    let value = out.split_off(start);
    let mut rest = value.as_slice();
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        let (replacement, used): (&[u8], usize) = match from {
            [b'&', ..] => (b"&amp;", 1),
            [b'<', ..] => (b"&lt;", 1),
            [b'>', ..] => (b"&gt;", 1),
            [b'"', ..] => (b"&quot;", 1),
            [b'\'', ..] => (b"&apos;", 1),
            [b'\n', ..] => (LINE, 1),
            [0xC2, 0x80..=0x9F, ..] => (b"_", 2),
            [0xC2, ..] => (from.get(..2).unwrap_or(from), 2),
            [0xF0..=0xF4, ..] => (b"__", 4),
            _ => (b"_", 1),
        };
        out.extend_from_slice(replacement);
        rest = from.get(used..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

impl<'a> Xml<'a> {
    pub(crate) fn new(scene: Scene<'a>, columns: &'a [Column], stacks: Option<StackResolver<'a>>) -> Self {
        let clock = Clock::new(scene.style.locale, scene.style.offset_seconds);
        let plan = Plan::new(columns, scene.texts, |out, process, run| {
            for column in &run.columns {
                element(out, &element_name(*column), |out| {
                    let start = out.len();
                    process_column(out, process, *column, &clock);
                    hide::column(out, start, *column, scene.redaction);
                });
            }
        });
        let names = plan.steps.iter().map(|step| match step {
            Step::Column(column) => element_name(*column),
            Step::Process(_) => String::new(),
        });
        Self { scene, columns, names: names.collect(), plan, stacks }
    }

    fn stack(&self, out: &mut Vec<u8>, resolver: &StackResolver<'a>, row: &Row<'a>) {
        let Ok(stack) = row.event.stack() else { return };
        let time: FileTime = row.event.time();
        out.extend_from_slice(b"<stack>\r\n");
        for (depth, address) in (0u64..).zip(stack.iter()) {
            let frame = resolver.resolve(row.event.process_index(), address, time);
            out.extend_from_slice(b"<frame>\r\n");
            element(out, "depth", |out| text::decimal(out, depth));
            element(out, "address", |out| text::hex(out, address));
            if let (Some(module), Some(offset)) = (frame.module, frame.offset()) {
                let redaction = self.scene.redaction;
                element(out, "path", |out| named(out, redaction, &|out| stored(out, self.scene.pml, module.path)));
                element(out, "location", |out| {
                    let start = out.len();
                    stored(out, self.scene.pml, module.path);
                    let name = out.get(start..).and_then(|path| memchr::memrchr2(b'\\', b'/', path));
                    if let Some(separator) = name {
                        out.drain(start..=start + separator);
                    }
                    out.extend_from_slice(b" + ");
                    text::hex(out, offset);
                });
            }
            out.extend_from_slice(b"</frame>\r\n");
        }
        out.extend_from_slice(b"</stack>\r\n");
    }
}

impl<'a> RowWriter<'a> for Xml<'a> {
    fn scene(&self) -> Scene<'a> {
        self.scene
    }

    fn row(&self, out: &mut Vec<u8>, renderer: &mut Renderer<'a>, _: u64, row: &Row<'a>) {
        // The empty line stands between events: the one in front of the first is cut off where the rows are written.
        out.extend_from_slice(b"\r\n<event>\r\n");
        element(out, "ProcessIndex", |out| text::decimal(out, row.event.process_index().into()));
        let slot = self.scene.texts.slot(self.scene.pml, row.event.process_index());
        for (step, name) in self.plan.steps.iter().zip(&self.names) {
            match step {
                Step::Column(column) => element(out, name, |out| renderer.shown(out, row, *column)),
                Step::Process(run) => out.extend_from_slice(self.plan.text(slot, *run)),
            }
        }
        if let Some(resolver) = &self.stacks {
            self.stack(out, resolver, row);
        }
        out.extend_from_slice(b"</event>\r\n");
    }

    fn unreadable(&self, out: &mut Vec<u8>, _: u64, error: &PmlError) {
        out.extend_from_slice(b"\r\n<event>\r\n");
        for column in self.columns {
            element(out, &element_name(*column), |out| {
                if *column == Column::Detail {
                    out.extend_from_slice(format!("<Broken event: {error}>").as_bytes());
                }
            });
        }
        out.extend_from_slice(b"</event>\r\n");
    }
}

/// Passes on what is written but for the first `left` bytes.
pub(crate) struct SkipFirst<'w> {
    pub(crate) inner: &'w mut (dyn Write + Send),
    pub(crate) left: usize,
}

impl Write for SkipFirst<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let skipped = self.left.min(data.len());
        self.left -= skipped;
        self.inner.write_all(data.get(skipped..).unwrap_or_default())?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_procmon_does() {
        for (text, expected) in [
            ("plain日志", "plain日志"),
            ("a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e&apos;f"),
            ("a\nb\r\nc", "a\r\nb\r\r\nc"),
            ("tab\there", "tab\there"),
            ("\u{1}\u{7F}\u{85}é", "___é"),
            ("smile 😀.", "smile __."),
        ] {
            let mut out = b"<kept>".to_vec();
            let start = out.len();
            out.extend_from_slice(text.as_bytes());
            escape(&mut out, start);
            assert_eq!(String::from_utf8(out).unwrap(), format!("<kept>{expected}"));
        }
        assert_eq!(element_name(Column::TimeOfDay), "Time_of_Day");
        assert_eq!(element_name(Column::DateAndTime), "Date___Time");
    }
}
