//! Details of QueryInformationFile, SetInformationFile and QueryOpen.

use super::super::row::Row;
use super::super::scene::Scene;
use super::super::sink::Sink;
use super::super::text;
use super::{bits, directory, masks, returned, undescribed};
use crate::nt::{CreateOptions, DispositionFlags, FileTime, RenameFlags};
use crate::pml::FileDetail;
use crate::pml::bytes::{i64_at, u32_at, u64_at};
use crate::pml::detail::info::{self, All, Basic, NetworkOpen, Standard, Stat, Streams, class};
use crate::pml::detail::rename::{self, Rename};
use crate::pml::ops::Generation;

pub(super) fn query<S: Sink>(
    file: FileDetail<'_>,
    extra: Option<&[u8]>,
    scene: &Scene<'_>,
    sink: &mut S,
) -> Option<()> {
    // Without a returned structure there is nothing to show.
    let Some(block) = extra else { return Some(()) };
    match file.sub_operation() {
        class::BASIC => basic(Basic::parse(block)?, sink),
        class::STANDARD => standard(Standard::parse(block)?, sink),
        class::INTERNAL => sink.hex("IndexNumber", "index_number", u64_at(block, 0)?),
        class::EA => sink.grouped("EaSize", "ea_size", u32_at(block, 0)?.into()),
        class::NAME => {
            // The block is as long as the caller's buffer: what lies behind the name is stale.
            let name = info::name(block)?;
            let most = (file.argument_u32(1) as usize).saturating_sub(4);
            sink.wide("Name", "name", crate::pml::Wide(name.0.get(..most).unwrap_or(name.0)));
        }
        class::ALL => all(All::parse(block)?, sink),
        class::STREAM if S::TYPED || scene.style.generation >= Generation::V3_6 => streams(block, scene, sink),
        class::NETWORK_OPEN => network_open(NetworkOpen::parse(block)?, sink),
        class::ATTRIBUTE_TAG => {
            attributes("Attributes", u32_at(block, 0)?, sink);
            sink.hex("ReparseTag", "reparse_tag", u32_at(block, 4)?.into());
        }
        class::NORMALIZED_NAME if S::TYPED => sink.wide("", "name", info::name(block)?),
        class::ID if S::TYPED => {
            let (volume, id) = info::file_id(block)?;
            sink.hex("", "volume_serial_number", volume);
            sink.write("", "file_id", |out| {
                text::hex_padded(out, u128::from_le_bytes(id).wrapping_shr(64) as u64, 16);
                text::hex_padded(out, u128::from_le_bytes(id) as u64, 16);
            });
        }
        class::STAT if S::TYPED => stat(Stat::parse(block)?, sink),
        class::POSITION if S::TYPED => sink.grouped_signed("", "position", i64_at(block, 0)?),
        _ => returned(block, sink),
    }
    Some(())
}

pub(super) fn set<S: Sink>(row: &Row<'_>, file: FileDetail<'_>, sink: &mut S) -> Option<()> {
    match file.sub_operation() {
        class::BASIC => basic(Basic::parse(file.tail)?, sink),
        class::DISPOSITION => sink.boolean("Delete", "delete", rename::disposition(file)?),
        class::DISPOSITION_EX => {
            let flags = rename::disposition_ex(file)?.0;
            let names = || DispositionFlags::NAMED.iter().map(|(bit, name)| (bit.0, *name));
            sink.mask("Flags", "flags", flags, names(), |out| shown_flags(out, flags, names()));
        }
        class::ALLOCATION => sink.grouped_signed("AllocationSize", "allocation_size", i64_at(file.tail, 0)?),
        class::END_OF_FILE => sink.grouped_signed("EndOfFile", "end_of_file", i64_at(file.tail, 0)?),
        class::RENAME => renamed(Rename::parse(file, false, false)?, false, sink),
        class::LINK => renamed(Rename::parse(file, false, true)?, false, sink),
        class::RENAME_EX | class::RENAME_EX_BYPASS => renamed(Rename::parse(file, true, false)?, true, sink),
        class::LINK_EX if S::TYPED => renamed(Rename::parse(file, true, true)?, true, sink),
        class::POSITION if S::TYPED => sink.grouped_signed("", "position", i64_at(file.tail, 0)?),
        class::VALID_DATA_LENGTH if S::TYPED => {
            sink.grouped_signed("", "valid_data_length", i64_at(file.tail, 0)?);
        }
        class::STORAGE_RESERVE_ID if S::TYPED => sink.decimal("", "storage_reserve_id", u32_at(file.tail, 0)?.into()),
        _ => undescribed(row, sink)?,
    }
    if S::TYPED && matches!(file.sub_operation(), class::DISPOSITION | class::DISPOSITION_EX) {
        sink.hex("", "handle", file.argument(4));
    }
    Some(())
}

/// QueryOpen, with its sizes as sizes.
pub(super) fn query_open<S: Sink>(open: NetworkOpen, sink: &mut S) {
    times(open.times, sink);
    sink.grouped("AllocationSize", "allocation_size", open.allocation_size);
    sink.grouped("EndOfFile", "end_of_file", open.end_of_file);
    attributes("FileAttributes", open.attributes, sink);
}

/// The query, in which Procmon prints the sizes as dates.
fn network_open<S: Sink>(open: NetworkOpen, sink: &mut S) {
    if S::TYPED {
        return query_open(open, sink);
    }
    times(open.times, sink);
    sink.date("AllocationSize", "", FileTime(open.allocation_size));
    sink.date("EndOfFile", "", FileTime(open.end_of_file));
    attributes("FileAttributes", open.attributes, sink);
}

fn times<S: Sink>([creation, access, write, change]: [FileTime; 4], sink: &mut S) {
    sink.date("CreationTime", "creation_time", creation);
    sink.date("LastAccessTime", "last_access_time", access);
    sink.date("LastWriteTime", "last_write_time", write);
    sink.date("ChangeTime", "change_time", change);
}

fn attributes<S: Sink>(label: &str, value: u32, sink: &mut S) {
    sink.mask(label, "attributes", value, bits::ATTRIBUTE.into_iter(), |out| masks::attributes(out, value));
}

fn basic<S: Sink>(basic: Basic, sink: &mut S) {
    times(basic.times, sink);
    attributes("FileAttributes", basic.attributes, sink);
}

fn standard<S: Sink>(standard: Standard, sink: &mut S) {
    sink.grouped("AllocationSize", "allocation_size", standard.allocation_size);
    sink.grouped("EndOfFile", "end_of_file", standard.end_of_file);
    sink.grouped("NumberOfLinks", "links", standard.links.into());
    sink.boolean("DeletePending", "delete_pending", standard.delete_pending);
    sink.boolean("Directory", "directory", standard.directory);
}

fn all<S: Sink>(all: All, sink: &mut S) {
    basic(all.basic, sink);
    standard(all.standard, sink);
    sink.hex("IndexNumber", "index_number", all.index_number);
    sink.grouped("EaSize", "ea_size", all.ea_size.into());
    sink.mask(
        "Access",
        "access",
        all.access.0,
        crate::nt::AccessMask::NAMED.iter().map(|(bit, name)| (bit.0, *name)),
        |out| masks::file_access(out, all.access.0),
    );
    sink.grouped_signed("Position", "position", all.position);
    sink.mask("Mode", "mode", all.mode, CreateOptions::NAMED.iter().map(|(bit, name)| (bit.0, *name)), |out| {
        masks::options(out, all.mode);
    });
    sink.write("AlignmentRequirement", "alignment_requirement", |out| {
        let name: &[u8] = match all.alignment {
            0x0 => b"Byte",
            0x1 => b"Word",
            0x3 => b"Long",
            0x7 => b"Quad",
            0xF => b"Octa",
            0x1F => b"32 Byte",
            0x3F => b"64 Byte",
            0x7F => b"128 Byte",
            0xFF => b"256 Byte",
            0x1FF => b"512 Byte",
            other => return text::hex(out, other.into()),
        };
        out.extend_from_slice(name);
    });
}

fn stat<S: Sink>(stat: Stat, sink: &mut S) {
    sink.hex("", "file_id", stat.file_id);
    times(stat.times, sink);
    sink.grouped("", "allocation_size", stat.allocation_size);
    sink.grouped("", "end_of_file", stat.end_of_file);
    attributes("", stat.attributes, sink);
    sink.hex("", "reparse_tag", stat.reparse_tag.into());
    sink.decimal("", "links", stat.links.into());
    let access = stat.effective_access.0;
    sink.mask(
        "",
        "effective_access",
        access,
        crate::nt::AccessMask::NAMED.iter().map(|(bit, name)| (bit.0, *name)),
        |_| (),
    );
}

fn streams<S: Sink>(block: &[u8], scene: &Scene<'_>, sink: &mut S) {
    if !S::TYPED {
        // Under Advanced Output the sub-operation is the first field.
        for (slot, (name, ..)) in (u64::from(scene.style.advanced)..).zip(Streams::new(block)) {
            directory::place(slot, name, sink);
        }
        return;
    }
    sink.key("", "streams");
    let out = sink.out();
    out.push(b'[');
    for (name, size, allocated) in Streams::new(block) {
        super::super::json::separate(out);
        out.extend_from_slice(b"{\"name\":");
        super::super::json::string(out, |out| text::wide(out, name.0));
        out.extend_from_slice(b",\"size\":");
        text::decimal(out, size);
        out.extend_from_slice(b",\"allocation_size\":");
        text::decimal(out, allocated);
        out.push(b'}');
    }
    out.push(b']');
}

fn renamed<S: Sink>(rename: Rename<'_>, ex: bool, sink: &mut S) {
    let names = || RenameFlags::NAMED.iter().map(|(bit, name)| (bit.0, *name));
    if ex {
        sink.mask("Flags", "flags", rename.flags.0, names(), |out| shown_flags(out, rename.flags.0, names()));
    } else {
        sink.boolean("ReplaceIfExists", "replace_if_exists", rename.flags.contains(RenameFlags::REPLACE_IF_EXISTS));
    }
    if S::TYPED {
        if let Some(destination) = rename.destination {
            sink.text("", "file_name", destination);
        }
        sink.wide("", "given_name", rename.given);
        sink.hex("", "root_directory", rename.root);
        return;
    }
    match rename.destination {
        Some(destination) => sink.text("FileName", "", destination),
        None => sink.wide("FileName", "", rename.given),
    }
}

/// Names of the bits joined, the rest as hex; `0x0` for none.
fn shown_flags(out: &mut Vec<u8>, flags: u32, names: impl Iterator<Item = (u32, &'static str)>) {
    let start = out.len();
    let mut rest = flags;
    for (bit, name) in names {
        if rest & bit != 0 {
            rest &= !bit;
            if out.len() > start {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(name.as_bytes());
        }
    }
    if rest != 0 || flags == 0 {
        if out.len() > start {
            out.extend_from_slice(b", ");
        }
        text::hex(out, rest.into());
    }
}
