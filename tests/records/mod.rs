//! Captures made by hand, byte by byte, independent of the project's own writer.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "helpers of tests")]

pub mod files;

use pmlblame::capture::columns::Column;
use pmlblame::capture::{Capture, OpenOptions};
use pmlblame::export::{Context, Format, Outcome, Request, Style};

/// UTF-16LE without NUL.
pub fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The descriptor and the bytes of a counted string, as Procmon stores it.
pub fn counted(text: &str) -> (u16, Vec<u8>) {
    if text.is_ascii() {
        (0x8000 | text.len() as u16, text.as_bytes().to_vec())
    } else {
        (text.encode_utf16().count() as u16, wide(text))
    }
}

/// 2020-07-31T07:19:37.0147934Z
pub const START: u64 = 132_406_535_770_147_934;

/// One event to be written.
#[derive(Clone)]
pub struct Record {
    pub class: u32,
    pub operation: u16,
    pub status: u32,
    pub duration: u64,
    pub stack: Vec<u64>,
    pub detail: Vec<u8>,
    pub extra: Option<Vec<u8>>,
}

impl Record {
    pub fn new(class: u32, operation: u16, detail: Vec<u8>) -> Self {
        Self { class, operation, status: 0, duration: 12, stack: Vec::new(), detail, extra: None }
    }

    pub fn status(mut self, status: u32) -> Self {
        self.status = status;
        self
    }

    pub fn extra(mut self, extra: Vec<u8>) -> Self {
        self.extra = Some(extra);
        self
    }

    fn bytes(&self, pointer: usize, sequence: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for value in [171, 3588, self.class] {
            out.extend_from_slice(&u32::to_le_bytes(value));
        }
        out.extend_from_slice(&self.operation.to_le_bytes());
        out.extend_from_slice(&[0xCD; 2]);
        out.extend_from_slice(&sequence.to_le_bytes());
        out.extend_from_slice(&self.duration.to_le_bytes());
        out.extend_from_slice(&(START + u64::from(sequence)).to_le_bytes());
        out.extend_from_slice(&self.status.to_le_bytes());
        out.extend_from_slice(&(self.stack.len() as u16).to_le_bytes());
        out.extend_from_slice(&[0xCD; 2]);
        out.extend_from_slice(&(self.detail.len() as u32).to_le_bytes());
        let extra_at = 0x34 + self.stack.len() * pointer + self.detail.len();
        out.extend_from_slice(&(if self.extra.is_some() { extra_at as u32 } else { 0 }).to_le_bytes());
        for frame in &self.stack {
            out.extend_from_slice(&frame.to_le_bytes()[..pointer]);
        }
        out.extend_from_slice(&self.detail);
        if let Some(extra) = &self.extra {
            out.extend_from_slice(&(extra.len() as u16).to_le_bytes());
            out.extend_from_slice(extra);
        }
        out
    }
}

/// The detail of a file-system event: sub-code, flags, six arguments, path, tail.
#[derive(Clone)]
pub struct FileDetail {
    pub sub: u8,
    pub io_flags: u32,
    pub callback: u32,
    /// A1 to A5 (each pointer-sized) and A6.
    pub arguments: [u64; 6],
    pub path: String,
    pub tail: Vec<u8>,
}

impl Default for FileDetail {
    fn default() -> Self {
        Self { sub: 0, io_flags: 0, callback: 1, arguments: [0; 6], path: r"C:\a.txt".to_owned(), tail: Vec::new() }
    }
}

impl FileDetail {
    pub fn bytes(&self, pointer: usize) -> Vec<u8> {
        let mut out = vec![self.sub, 0xCD, 0xCD, 0xCD, 0xCD, 0xCD, 0xCD, 0xCD];
        out.extend_from_slice(&self.io_flags.to_le_bytes());
        out.extend_from_slice(&self.callback.to_le_bytes());
        for argument in &self.arguments[..5] {
            out.extend_from_slice(&argument.to_le_bytes()[..pointer]);
        }
        out.extend_from_slice(&self.arguments[5].to_le_bytes());
        let (info, path) = counted(&self.path);
        out.extend_from_slice(&info.to_le_bytes());
        out.extend_from_slice(&[0xCD; 2]);
        out.extend_from_slice(&path);
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(&[0xCD; 2]);
        out
    }
}

/// A whole capture file with these events, one process (index 171, PID 3524) and no hosts but one.
pub fn capture_file(records: &[Record], pointer: usize) -> Vec<u8> {
    let strings =
        ["", "High", r"PC\test", "ctfmon.exe", r"C:\Windows\ctfmon.exe", "\"ctfmon.exe\" ", "Contoso", "1.0", "Loader"];
    let mut out = b"PML_".to_vec();
    out.extend_from_slice(&9u32.to_le_bytes());
    out.extend_from_slice(&u32::from(pointer == 8).to_le_bytes());
    out.resize(0x3A8, 0);
    out[0x234..0x238].copy_from_slice(&(records.len() as u32).to_le_bytes());
    let mut offsets = Vec::new();
    for (at, record) in records.iter().enumerate() {
        offsets.push(out.len() as u64);
        out.extend_from_slice(&record.bytes(pointer, at as u32));
    }
    let event_offsets = out.len() as u64;
    for offset in offsets {
        out.extend_from_slice(&offset.to_le_bytes()[..5]);
    }
    let processes = out.len() as u64;
    for value in [1u32, 171, 12] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    for value in [171u32, 3524, 1084, 172, 0x1E0AC, 0, 1, 0xCDCD] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&START.to_le_bytes());
    out.extend_from_slice(&0u64.to_le_bytes());
    for value in [0u32, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&1u64.to_le_bytes()[..pointer]);
    out.extend_from_slice(&0u32.to_le_bytes());
    let string_table = out.len() as u64;
    out.extend_from_slice(&(strings.len() as u32).to_le_bytes());
    let mut texts = Vec::new();
    for text in strings {
        out.extend_from_slice(&((4 + 4 * strings.len() + texts.len()) as u32).to_le_bytes());
        let bytes = if text.is_empty() { Vec::new() } else { wide(&format!("{text}\0")) };
        texts.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        texts.extend_from_slice(&bytes);
    }
    out.extend_from_slice(&texts);
    let icons = out.len() as u64;
    out.extend_from_slice(&0u32.to_le_bytes());
    let hosts = out.len() as u64;
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&[10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let name = wide("server\0");
    out.extend_from_slice(&(name.len() as u32).to_le_bytes());
    out.extend_from_slice(&name);
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&[0xBB, 1, 1, 0]);
    let name = wide("https\0");
    out.extend_from_slice(&(name.len() as u32).to_le_bytes());
    out.extend_from_slice(&name);
    for (at, value) in [
        (0x240, 0x3A8),
        (0x248, event_offsets),
        (0x250, processes),
        (0x258, string_table),
        (0x260, icons),
        (0x268, 0x7FFF_FFFE_FFFF),
        (0x398, 0x3A8),
        (0x3A0, hosts),
    ] {
        out[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    out
}

/// Opens bytes as a capture.
pub fn open(bytes: &[u8]) -> Capture {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Capture::open(file.path(), &OpenOptions { segments: false, map: false, rescue: false }).unwrap()
}

/// Exports a capture.
pub fn export(capture: &Capture, style: Style, request: &Request) -> (String, Outcome) {
    let mut out = Vec::new();
    let outcome = Context::new(capture, style).write(request, &mut out, &|_| true).unwrap();
    (String::from_utf8(out).unwrap(), outcome)
}

/// The columns of every event of a capture.
pub fn table(capture: &Capture, style: Style, columns: &[Column]) -> Vec<Vec<String>> {
    let request = Request { format: Format::Csv, columns: columns.to_vec(), ..Request::default() };
    let (text, _) = export(capture, style, &request);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Every event as a JSON object.
pub fn objects(capture: &Capture) -> Vec<serde_json::Value> {
    let (text, _) = export(capture, Style::default(), &Request { format: Format::Jsonl, ..Request::default() });
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
