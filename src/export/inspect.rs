//! One event with everything known about it, as data.

use super::render::Renderer;
use super::row::Row;
use super::scene::{Scene, SegmentTexts};
use super::sink::{JsonSink, Sink};
use super::{Context, fields, text};
use crate::capture::EventIndex;
use crate::capture::columns::Column;
use crate::capture::modules::StackResolver;
use crate::pml::PmlError;
use crate::pml::ops::UNKNOWN;

/// Everything known about an event.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Number in the capture.
    pub event: u64,
    /// File offset of its record.
    pub offset: u64,
    /// The driver's sequence number.
    pub sequence: u32,
    /// Title and text of every column.
    pub columns: Vec<(&'static str, String)>,
    /// Decoded fields of the detail by name, typed.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// The detail did not hold its structure; its bytes, in hex.
    pub broken: Option<String>,
    /// The stack, innermost first.
    pub frames: Vec<InspectedFrame>,
}

/// A stack frame with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedFrame {
    /// Address.
    pub address: u64,
    /// Kernel code.
    pub kernel: bool,
    /// Path of its module; empty outside every module.
    pub module: String,
    /// Bytes from the module's base.
    pub offset: Option<u64>,
    /// CompanyName of the module.
    pub company: String,
}

impl Context<'_> {
    /// Looks at one event; `None` beyond the end of the capture.
    ///
    /// # Errors
    /// When its record does not lie in the file.
    pub fn inspect(&self, index: EventIndex) -> Option<Result<Inspected, PmlError>> {
        let (segment, number) = self.capture.locate(index)?;
        let texts = SegmentTexts::new(segment.pml());
        let scene = self.scene(segment, &texts);
        let event = match scene.pml.event(number) {
            Ok(event) => event,
            Err(error) => return Some(Err(error)),
        };
        let row = Row::new(event);
        let mut renderer = Renderer::new(scene);
        let mut value = Vec::new();
        let mut shown = |column: Column| {
            value.clear();
            renderer.shown(&mut value, &row, column);
            (column.title(), String::from_utf8_lossy(&value).into_owned())
        };
        let mut columns: Vec<_> = Column::all().map(&mut shown).collect();
        columns.push(shown(Column::ProcessStart));
        let (fields, broken) = typed_fields(&row, &scene);
        Some(Ok(Inspected {
            event: index.0,
            offset: event.offset(),
            sequence: event.sequence(),
            columns,
            fields,
            broken,
            frames: frames(&row, &scene),
        }))
    }
}

fn typed_fields(row: &Row<'_>, scene: &Scene<'_>) -> (serde_json::Map<String, serde_json::Value>, Option<String>) {
    let mut out = b"{".to_vec();
    let mut sink = JsonSink::new(&mut out);
    if row.operation_name(scene) == UNKNOWN {
        sink.decimal("", "class_code", row.class.0.into());
        sink.decimal("", "operation_code", row.operation.into());
        sink.decimal("", "sub_operation", row.sub_operation().into());
    }
    let whole = fields::send(row, scene, &mut sink).is_some();
    super::jsonl::redact(&mut out, 1, scene.redaction);
    out.push(b'}');
    if whole {
        return (serde_json::from_slice(&out).unwrap_or_default(), None);
    }
    let mut hex = Vec::new();
    text::hex_bytes(&mut hex, row.event.detail().unwrap_or_default(), " ");
    if let Some(redaction) = scene.redaction {
        super::hide::replace(&mut hex, 0, redaction);
    }
    (serde_json::Map::new(), Some(String::from_utf8_lossy(&hex).into_owned()))
}

fn frames(row: &Row<'_>, scene: &Scene<'_>) -> Vec<InspectedFrame> {
    let resolver = StackResolver::new(scene.pml.container());
    let shown = |text: String| scene.redaction.map_or_else(|| text.clone(), |redaction| redaction.text(&text));
    let stack = row.event.stack().ok();
    let addresses = stack.iter().flat_map(|stack| stack.iter());
    addresses
        .map(|address| {
            let frame = resolver.resolve(row.event.process_index(), address, row.event.time());
            InspectedFrame {
                address,
                kernel: frame.kernel,
                module: frame.module.map(|module| shown(scene.pml.string(module.path))).unwrap_or_default(),
                offset: frame.offset(),
                company: frame.module.map(|module| scene.pml.string(module.company)).unwrap_or_default(),
            }
        })
        .collect()
}
