//! One event with everything known about it, for people.

use crate::export::texts::TextFrame;
use crate::export::{Inspected, InspectedFrame};
use crate::lang::{Lang, events as t};
use crate::report::escape::{ascii, terminal};
use serde_json::Value;
use std::io::{self, Write};

/// Cells of a name in front of its value.
const NAME: usize = 22;

/// Prints columns, decoded fields and stack.
pub(super) fn print(event: &Inspected, file: &str, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let offset = format!("{:#x}", event.offset);
    let heading = t::EVENT
        .fill(lang, &[("event", &event.event), ("sequence", &event.sequence), ("offset", &offset), ("file", &file)]);
    writeln!(out, "{}", terminal(&heading))?;
    for (title, text) in &event.columns {
        line(out, title, text)?;
    }
    if let Some(bytes) = &event.broken {
        writeln!(out, "{}", t::BROKEN_DETAIL.get(lang))?;
        writeln!(out, "  {bytes}")?;
    } else if !event.fields.is_empty() {
        writeln!(out, "{}", t::FIELDS.get(lang))?;
        for (name, value) in &event.fields {
            field(out, name, value)?;
        }
    }
    if event.frames.is_empty() {
        return writeln!(out, "{}", t::NO_STACK.get(lang));
    }
    writeln!(out, "{}", t::STACK.get(lang))?;
    for (depth, frame) in event.frames.iter().enumerate() {
        writeln!(out, "{}", frame_line(depth, frame, lang))?;
    }
    Ok(())
}

/// Prints a row of an export: its columns and its stack.
pub(super) fn print_row(
    event: u64,
    file: &str,
    (columns, stack): (&[(&str, String)], &[TextFrame]),
    lang: Lang,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", terminal(&t::ROW.fill(lang, &[("event", &event), ("file", &file)])))?;
    for (title, text) in columns {
        line(out, title, text)?;
    }
    if stack.is_empty() {
        return writeln!(out, "{}", t::NO_STACK.get(lang));
    }
    writeln!(out, "{}", t::STACK.get(lang))?;
    for (depth, frame) in stack.iter().enumerate() {
        let side = if frame.kernel { t::KERNEL } else { t::USER }.get(lang);
        let place = if frame.location.is_empty() { t::NO_MODULE.get(lang) } else { &frame.location };
        let text = format!("{depth:>4} {side:6} {place:34} {:#018x}  {}", frame.address, frame.path);
        writeln!(out, "{}", terminal(text.trim_end()))?;
    }
    Ok(())
}

/// What was printed, as the terminal can show it.
pub(super) fn for_terminal(text: Vec<u8>, ascii_only: bool) -> Vec<u8> {
    if ascii_only { ascii(&String::from_utf8_lossy(&text)).into_bytes() } else { text }
}

fn line(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {name:NAME$} {}", terminal(text.trim_end()))
}

/// A field; lists and objects with one line for each member when they are long.
fn field(out: &mut dyn Write, name: &str, value: &Value) -> io::Result<()> {
    match value {
        Value::String(text) => line(out, name, text),
        Value::Array(items) if items.iter().all(Value::is_string) && items.len() <= 16 => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            line(out, name, &items.join(", "))
        }
        Value::Array(items) => {
            line(out, name, "")?;
            for (at, item) in items.iter().enumerate() {
                field(out, &format!("  [{at}]"), item)?;
            }
            Ok(())
        }
        Value::Object(members) => {
            line(out, name, "")?;
            for (member, item) in members {
                field(out, &format!("  {member}"), item)?;
            }
            Ok(())
        }
        other => line(out, name, &other.to_string()),
    }
}

/// `  3 kernel  FLTMGR.SYS + 0x1234  Microsoft Corporation  0xfffff80…  C:\Windows\…`
fn frame_line(depth: usize, frame: &InspectedFrame, lang: Lang) -> String {
    let side = if frame.kernel { t::KERNEL } else { t::USER }.get(lang);
    let name = frame.module.rsplit(['\\', '/']).next().unwrap_or_default();
    let place = match frame.offset {
        Some(offset) => format!("{name} + {offset:#x}"),
        None => t::NO_MODULE.get(lang).to_owned(),
    };
    let text = format!(
        "{depth:>4} {side:6} {place:34} {:28} {:#018x}  {}",
        frame.company.trim_end(),
        frame.address,
        frame.module
    );
    terminal(text.trim_end())
}
