//! Details of registry events.

use super::super::row::Row;
use super::super::sink::Sink;
use super::super::{json, text};
use super::{bits, masks, raw, returned};
use crate::nt::FileTime;
use crate::pml::bytes::{Wide, u32_at, u64_at};
use crate::pml::detail::registry::{KeyInformation, Opened, RegistryDetail, TYPES, ValueData, ValueInformation};
use crate::pml::ops::code;

/// Access of which Procmon shows what was granted.
const MAXIMUM_ALLOWED: u32 = 0x0200_0000;

pub(super) fn send<S: Sink>(row: &Row<'_>, detail: RegistryDetail<'_>, sink: &mut S) -> Option<()> {
    match row.operation {
        code::REG_OPEN_KEY | code::REG_CREATE_KEY => open(row, detail, sink)?,
        code::REG_QUERY_KEY => {
            let class = detail.field(8);
            sink.write("Query", "query", |out| query_class(out, class));
            key(detail, class, row.event.extra().ok()?, sink)?;
        }
        code::REG_ENUM_KEY => {
            sink.grouped("Index", "index", detail.field(8).into());
            key(detail, detail.field(12), row.event.extra().ok()?, sink)?;
        }
        code::REG_QUERY_VALUE => value(row, detail, detail.field(8), false, sink)?,
        code::REG_ENUM_VALUE => {
            sink.grouped("Index", "index", detail.field(8).into());
            value(row, detail, detail.field(12), true, sink)?;
        }
        code::REG_SET_VALUE => {
            let written = ValueData::written(detail);
            let kind = detail.field(4);
            sink.write("Type", "type", |out| value_type(out, kind));
            sink.grouped("Length", "length", written.length.into());
            let shown = S::TYPED || ((kind as usize) < TYPES.len() && kind != REG_LINK);
            if written.length.min(detail.copied().into()) > 0 && shown {
                data(kind, written, sink);
            }
        }
        code::REG_SET_INFO_KEY => set_info(detail, sink)?,
        code::REG_LOAD_KEY => sink.text("Hive Path", "hive_path", detail.second()?),
        code::REG_RENAME_KEY => sink.text("New Name", "new_name", detail.second()?),
        code::REG_RESTORE_KEY => {
            sink.hex("Flags", "flags", detail.field(4).into());
            sink.text("File Name", "file_name", detail.second()?);
        }
        operation if operation == 18 || operation > code::REG_RESTORE_KEY => raw(row.event.detail().ok()?, sink),
        _ => returned(row.event.extra().ok()?.unwrap_or_default(), sink),
    }
    Some(())
}

fn access<S: Sink>(label: &str, key: &str, mask: u32, sink: &mut S) {
    sink.mask(label, key, mask, bits::KEY_ACCESS.into_iter(), |out| masks::key_access(out, mask));
}

fn open<S: Sink>(row: &Row<'_>, detail: RegistryDetail<'_>, sink: &mut S) -> Option<()> {
    let desired = detail.field(4);
    if desired == 0 && !S::TYPED {
        return Some(());
    }
    access("Desired Access", "desired_access", desired, sink);
    let Some(extra) = row.event.extra().ok()? else { return Some(()) };
    let opened = Opened::parse(extra)?;
    if desired == MAXIMUM_ALLOWED || S::TYPED {
        access("Granted Access", "granted_access", opened.granted, sink);
    }
    match opened.disposition {
        1 => sink.word("Disposition", "disposition", "REG_CREATED_NEW_KEY"),
        2 => sink.word("Disposition", "disposition", "REG_OPENED_EXISTING_KEY"),
        other if S::TYPED && other != 0 => sink.hex("", "disposition", other.into()),
        _ => {}
    }
    Some(())
}

/// What Procmon calls the information class of a key query.
fn query_class(out: &mut Vec<u8>, class: u32) {
    const NAMES: [&str; 10] =
        ["Basic", "Node", "Full", "Name", "Cached", "Flags", "Virtualization", "HandleTags", "Trust", "Layer"];
    match NAMES.get(class as usize) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => unknown(out, class),
    }
}

fn unknown(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(b"<Unknown: ");
    text::decimal(out, value.into());
    out.push(b'>');
}

fn key<S: Sink>(detail: RegistryDetail<'_>, class: u32, extra: Option<&[u8]>, sink: &mut S) -> Option<()> {
    let Some(extra) = extra else {
        sink.grouped("Length", "buffer_length", detail.field(4).into());
        return Some(());
    };
    // A query of class Name stores the name, but only an enumeration prints it.
    let query = detail.fixed.len() == 12;
    match KeyInformation::parse(class, extra)? {
        KeyInformation::Name(_) if query && class == 3 && !S::TYPED => {}
        KeyInformation::Name(name) => sink.wide("Name", "name", name),
        KeyInformation::Counts(keys, values) => {
            sink.grouped("SubKeys", "sub_keys", keys.into());
            sink.grouped("Values", "values", values.into());
        }
        KeyInformation::UserFlags(flags) => sink.hex("UserFlags", "user_flags", flags.into()),
        KeyInformation::HandleTags(tags) => sink.hex("HandleTags", "handle_tags", tags.into()),
        KeyInformation::Other => returned(extra, sink),
    }
    Some(())
}

fn value_type(out: &mut Vec<u8>, kind: u32) {
    match TYPES.get(kind as usize) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => unknown(out, kind),
    }
}

fn value<S: Sink>(
    row: &Row<'_>,
    detail: RegistryDetail<'_>,
    class: u32,
    enumeration: bool,
    sink: &mut S,
) -> Option<()> {
    let Some(extra) = row.event.extra_beyond().ok()? else {
        sink.grouped("Length", "buffer_length", detail.field(4).into());
        return Some(());
    };
    let information = ValueInformation::parse(class, extra)?;
    if let Some(name) = information.name
        && (S::TYPED || (enumeration && class == 1))
    {
        sink.wide("Name", "name", name);
    }
    sink.write("Type", "type", |out| value_type(out, information.kind));
    if let Some(value) = information.data {
        sink.grouped("Length", "length", value.length.into());
        if value.length != 0 {
            data(information.kind, value, sink);
        }
    }
    Some(())
}

const REG_SZ: u32 = 1;
const REG_EXPAND_SZ: u32 = 2;
const REG_BINARY: u32 = 3;
const REG_DWORD: u32 = 4;
/// Of a link that is written, Procmon shows type and length alone.
const REG_LINK: u32 = 6;
const REG_MULTI_SZ: u32 = 7;
const REG_QWORD: u32 = 11;

fn data<S: Sink>(kind: u32, value: ValueData<'_>, sink: &mut S) {
    if S::TYPED {
        return typed_data(kind, value, sink);
    }
    sink.write("Data", "", |out| shown_data(out, kind, value));
}

/// The data as Procmon prints it: strings end at their NUL and nowhere else, binary data at what it takes for captured.
fn shown_data(out: &mut Vec<u8>, kind: u32, value: ValueData<'_>) {
    match kind {
        REG_SZ | REG_EXPAND_SZ => text::wide(out, Wide(bounded(value.bytes)).until_nul().0),
        REG_MULTI_SZ => {
            let mut at = 0usize;
            let start = out.len();
            while at < value.length as usize {
                let text = Wide(bounded(value.bytes.get(at..).unwrap_or_default())).until_nul();
                if text.0.is_empty() {
                    break;
                }
                if out.len() > start {
                    out.extend_from_slice(b", ");
                }
                text::wide(out, text.0);
                at += text.0.len() + 2;
            }
        }
        REG_BINARY => {
            let count = (value.length as usize).min(value.available);
            text::hex_bytes(out, value.bytes.get(..count).unwrap_or(value.bytes), " ");
        }
        REG_DWORD => text::decimal(out, u32_at(value.bytes, 0).unwrap_or_default().into()),
        _ => {}
    }
}

/// A string of the Detail column cannot be longer than its limit: do not look for a NUL through the whole file.
fn bounded(bytes: &[u8]) -> &[u8] {
    bytes.get(..2 * 4_096).unwrap_or(bytes)
}

/// The data as far as it was captured, by its type.
fn typed_data<S: Sink>(kind: u32, value: ValueData<'_>, sink: &mut S) {
    let captured = value.captured();
    match kind {
        REG_SZ | REG_EXPAND_SZ => sink.wide("", "data", Wide(captured).until_nul()),
        REG_MULTI_SZ => {
            sink.key("", "data");
            let out = sink.out();
            out.push(b'[');
            for text in crate::pml::detail::process::strings(Wide(captured)) {
                json::separate(out);
                json::string(out, |out| text::wide(out, text.0));
            }
            out.push(b']');
        }
        REG_DWORD if captured.len() >= 4 => sink.decimal("", "data", u32_at(captured, 0).unwrap_or_default().into()),
        REG_QWORD if captured.len() >= 8 => sink.decimal("", "data", u64_at(captured, 0).unwrap_or_default()),
        _ => sink.write("", "data_hex", |out| text::hex_bytes(out, captured, "")),
    }
    if captured.len() < value.length as usize {
        sink.decimal("", "captured_length", captured.len() as u64);
    }
}

fn set_info<S: Sink>(detail: RegistryDetail<'_>, sink: &mut S) -> Option<()> {
    const CLASSES: [&str; 6] = [
        "KeyWriteTimeInformation",
        "KeyWow64FlagsInformation",
        "KeyControlFlagsInformation",
        "KeySetVirtualizationInformation",
        "KeySetDebugInformation",
        "KeySetHandleTagsInformation",
    ];
    let class = detail.field(4);
    let copied = detail.copied();
    sink.write("KeySetInformationClass", "information_class", |out| match CLASSES.get(class as usize) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => unknown(out, class),
    });
    sink.grouped("Length", "length", copied.into());
    if copied > 0 {
        let data = detail.after.block();
        match class {
            0 => sink.date("LastWriteTime", "last_write_time", FileTime(u64_at(data, 0)?)),
            1 => sink.hex("Wow64Flags", "wow64_flags", u32_at(data, 0)?.into()),
            5 => sink.hex("HandleTags", "handle_tags", u32_at(data, 0)?.into()),
            _ if S::TYPED => raw(data.get(..copied.into()).unwrap_or(data), sink),
            _ => {}
        }
    }
    Some(())
}
