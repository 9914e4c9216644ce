//! Events as JSON, one object a line, with typed fields. Documented in `docs/jsonl.md`.

use super::category::category;
use super::pipeline::RowWriter;
use super::render::Renderer;
use super::row::Row;
use super::scene::Scene;
use super::sink::{JsonSink, Sink};
use super::{fields, hide, json, text};
use crate::capture::modules::StackResolver;
use crate::pml::ops::UNKNOWN;
use crate::pml::{EventClass, PmlError, StringIndex};
use crate::redact::Redaction;

/// Writes events as JSON objects.
#[derive(Debug)]
pub(crate) struct Jsonl<'a> {
    scene: Scene<'a>,
    /// Resolves stacks, when they are wanted.
    stacks: Option<StackResolver<'a>>,
    /// For each process, `"pid":…`.
    pids: Vec<Box<[u8]>>,
    /// For each process, `"process":"…"`.
    names: Vec<Box<[u8]>>,
    /// What every line begins with.
    opening: Vec<u8>,
}

/// What a line begins with; the name of its capture comes first where there are several.
pub(crate) fn opening(capture: Option<&str>) -> Vec<u8> {
    let mut out = b"{".to_vec();
    if let Some(name) = capture {
        out.extend_from_slice(b"\"capture\":");
        json::string(&mut out, |out| out.extend_from_slice(name.as_bytes()));
        out.push(b',');
    }
    out.extend_from_slice(b"\"event\":");
    out
}

/// Keys whose values are codes and numbers, which name nobody.
const CODES: &[&[u8]] = &[b"time", b"class", b"operation", b"status", b"result", b"category"];

/// Replaces names in the line that lies in `out` from `start` on.
pub(crate) fn redact(out: &mut Vec<u8>, start: usize, redaction: Option<&Redaction>) {
    if let Some(redaction) = redaction {
        json::replace_strings(out, start, CODES, |text| hide::text_of(redaction, text));
    }
}

/// The code of an event class.
pub(crate) const fn class_code(class: EventClass) -> &'static str {
    match class {
        EventClass::PROCESS => "process",
        EventClass::REGISTRY => "registry",
        EventClass::FILE_SYSTEM => "file_system",
        EventClass::PROFILING => "profiling",
        EventClass::NETWORK => "network",
        EventClass::IPC => "ipc",
        _ => "other",
    }
}

impl<'a> Jsonl<'a> {
    pub(crate) fn new(scene: Scene<'a>, stacks: Option<StackResolver<'a>>, capture: Option<&str>) -> Self {
        let processes = scene.texts.processes();
        let pids = processes.iter().map(|process| {
            let mut out = Vec::new();
            if let Some(pid) = process.pid {
                out.extend_from_slice(b",\"pid\":");
                text::decimal(&mut out, pid.into());
            }
            out.into_boxed_slice()
        });
        let names = processes.iter().map(|process| {
            let mut out = b",\"process\":".to_vec();
            json::string(&mut out, |out| out.extend_from_slice(process.name.as_bytes()));
            out.into_boxed_slice()
        });
        Self { scene, stacks, pids: pids.collect(), names: names.collect(), opening: opening(capture) }
    }

    fn detail(&self, out: &mut Vec<u8>, renderer: &mut Renderer<'a>, row: &Row<'a>) {
        out.extend_from_slice(b",\"detail\":{");
        let start = out.len();
        if fields::send(row, &self.scene, &mut JsonSink::new(out)).is_none() {
            renderer.broken += 1;
            out.truncate(start);
            let mut sink = JsonSink::new(out);
            sink.boolean("", "broken", true);
            sink.write("", "raw", |out| text::hex_bytes(out, row.event.detail().unwrap_or_default(), " "));
            fields::returned(row.event.extra().ok().flatten().unwrap_or_default(), &mut sink);
        }
        out.push(b'}');
    }

    fn stack(&self, out: &mut Vec<u8>, resolver: &StackResolver<'a>, row: &Row<'a>) {
        out.extend_from_slice(b",\"stack\":[");
        let stack = row.event.stack().ok();
        for address in stack.iter().flat_map(|stack| stack.iter()) {
            let frame = resolver.resolve(row.event.process_index(), address, row.event.time());
            json::separate(out);
            out.extend_from_slice(b"{\"address\":\"");
            text::hex(out, address);
            out.extend_from_slice(if frame.kernel { b"\",\"kernel\":true" } else { b"\",\"kernel\":false" });
            if let (Some(module), Some(offset)) = (frame.module, frame.offset()) {
                let string = |out: &mut Vec<u8>, index: StringIndex| {
                    json::string(out, |out| {
                        let wide = self.scene.pml.container().strings.get(self.scene.pml.data(), index);
                        text::wide(out, wide.unwrap_or_default().until_nul().0);
                    });
                };
                out.extend_from_slice(b",\"module\":");
                string(out, module.path);
                out.extend_from_slice(b",\"offset\":");
                text::decimal(out, offset);
                out.extend_from_slice(b",\"company\":");
                string(out, module.company);
            }
            out.push(b'}');
        }
        out.push(b']');
    }
}

impl<'a> RowWriter<'a> for Jsonl<'a> {
    fn scene(&self) -> Scene<'a> {
        self.scene
    }

    fn row(&self, out: &mut Vec<u8>, renderer: &mut Renderer<'a>, number: u64, row: &Row<'a>) {
        let event = row.event;
        let slot = self.scene.texts.slot(self.scene.pml, event.process_index());
        let cached = |texts: &'_ [Box<[u8]>], out: &mut Vec<u8>| {
            out.extend_from_slice(texts.get(slot).map_or(&[][..], |text| text));
        };
        let start = out.len();
        out.extend_from_slice(&self.opening);
        text::decimal(out, number);
        out.extend_from_slice(b",\"time\":");
        json::time(out, event.time());
        cached(&self.pids, out);
        out.extend_from_slice(b",\"tid\":");
        text::decimal(out, event.thread_id().into());
        cached(&self.names, out);
        out.extend_from_slice(b",\"class\":\"");
        out.extend_from_slice(class_code(row.class).as_bytes());
        out.extend_from_slice(b"\",\"operation\":\"");
        let operation = row.operation_name(&self.scene);
        out.extend_from_slice(operation.as_bytes());
        if operation == UNKNOWN {
            out.extend_from_slice(b"\",\"class_code\":");
            text::decimal(out, row.class.0.into());
            out.extend_from_slice(b",\"operation_code\":");
            text::decimal(out, row.operation.into());
            out.extend_from_slice(b",\"sub_operation\":");
            text::decimal(out, row.sub_operation().into());
            out.extend_from_slice(b",\"path\":");
        } else {
            out.extend_from_slice(b"\",\"path\":");
        }
        json::string(out, |out| row.path(out, &self.scene));
        out.extend_from_slice(b",\"status\":\"0x");
        text::hex_upper(out, event.status().0.into(), 8);
        out.extend_from_slice(b"\",\"result\":\"");
        super::render::result(out, event.status(), self.scene.style.generation);
        out.push(b'"');
        if let Some(duration) = event.duration() {
            out.extend_from_slice(b",\"duration_us\":");
            text::decimal(out, duration.0 / 10);
            out.push(b'.');
            out.push(b'0' + (duration.0 % 10) as u8);
        }
        out.extend_from_slice(b",\"category\":\"");
        out.extend_from_slice(category(row).as_bytes());
        out.push(b'"');
        self.detail(out, renderer, row);
        if let Some(resolver) = &self.stacks {
            self.stack(out, resolver, row);
        }
        redact(out, start, self.scene.redaction);
        out.extend_from_slice(b"}\n");
    }

    fn unreadable(&self, out: &mut Vec<u8>, number: u64, error: &PmlError) {
        out.extend_from_slice(&self.opening);
        text::decimal(out, number);
        out.extend_from_slice(b",\"error\":");
        json::string(out, |out| out.extend_from_slice(error.to_string().as_bytes()));
        out.extend_from_slice(b"}\n");
    }
}
