//! Details of file-system operations.

use super::super::row::Row;
use super::super::scene::Scene;
use super::super::sink::Sink;
use super::super::text;
use super::{bits, directory, info, masks, undescribed, volume};
use crate::nt::{AccessMask, ControlCode, CreateOptions, NtStatus, ShareAccess};
use crate::pml::FileDetail;
use crate::pml::detail::file::{CheckIfPossible, Control, CreateFile, CreateMapping, Lock, ReadWrite, ending_offset};
use crate::pml::detail::info::NetworkOpen;
use crate::pml::ops::{self, Generation, code};

pub(super) fn send<S: Sink>(row: &Row<'_>, file: FileDetail<'_>, scene: &Scene<'_>, sink: &mut S) -> Option<()> {
    let extra = row.event.extra().ok()?;
    if scene.style.advanced
        && !S::TYPED
        && let Some(name) = ops::file_sub(row.operation, file.sub_operation(), scene.style.generation)
    {
        sink.word("Type", "", name);
    }
    match row.operation {
        code::CREATE_FILE => create(row, CreateFile::parse(file, extra)?, scene, sink),
        code::READ_FILE | code::WRITE_FILE | code::MDL_READ | code::PREPARE_MDL_WRITE => {
            read_write(ReadWrite::parse(file, extra)?, sink);
        }
        code::CREATE_FILE_MAPPING => mapping(CreateMapping::parse(file), scene.style.generation, sink),
        code::QUERY_OPEN => {
            if let Some(block) = extra {
                info::query_open(NetworkOpen::parse(block)?, sink);
            }
        }
        code::FILE_SYSTEM_CONTROL | code::DEVICE_CONTROL | code::INTERNAL_DEVICE_CONTROL => {
            control(row, Control::parse(file)?, sink);
        }
        code::LOCK_CONTROL if matches!(file.sub_operation(), 1..=4) => {
            lock(file.sub_operation() == 1, Lock::parse(file)?, sink);
        }
        code::DIRECTORY_CONTROL => match file.sub_operation() {
            1 => directory::query(row, file, extra, scene, sink)?,
            2 => directory::notify(file, sink),
            _ => undescribed(row, sink)?,
        },
        code::QUERY_SECURITY | code::SET_SECURITY => security(file, scene, sink),
        code::QUERY_INFORMATION => info::query(file, extra, scene, sink)?,
        code::SET_INFORMATION => info::set(row, file, sink)?,
        code::QUERY_VOLUME_INFORMATION => volume::query(file, row.event.extra_beyond().ok()?, sink)?,
        code::ACQUIRE_FOR_MOD_WRITE => {
            sink.grouped_signed("EndingOffset", "ending_offset", ending_offset(file)?);
        }
        code::MDL_READ_COMPLETE | code::MDL_WRITE_COMPLETE => sink.hex("MDL", "mdl", file.argument(1)),
        code::CHECK_IF_POSSIBLE => {
            let check = CheckIfPossible::parse(file);
            sink.word("Operation", "operation", if check.read { "Read" } else { "Write" });
            sink.grouped_signed("Offset", "offset", check.offset);
            sink.grouped("Length", "length", check.length.into());
        }
        code::CREATE_PIPE | code::CREATE_MAILSLOT => arguments(file, sink),
        // They take nothing but the file.
        code::CLOSE | code::CLEANUP | code::FLUSH => {}
        operation if code::NOTICES.contains(&operation) => {}
        _ => undescribed(row, sink)?,
    }
    Some(())
}

fn create<S: Sink>(row: &Row<'_>, create: CreateFile<'_>, scene: &Scene<'_>, sink: &mut S) {
    let access = create.desired_access;
    sink.mask(
        "Desired Access",
        "desired_access",
        access.0,
        AccessMask::NAMED.iter().map(|(bit, name)| (bit.0, *name)),
        |out| masks::file_access(out, access.0),
    );
    named(sink, "Disposition", "disposition", masks::disposition(create.disposition), create.disposition);
    sink.mask(
        "Options",
        "options",
        create.options,
        CreateOptions::NAMED.iter().map(|(bit, name)| (bit.0, *name)),
        |out| masks::options(out, create.options),
    );
    let attributes = create.attributes.into();
    sink.mask("Attributes", "attributes", attributes, bits::ATTRIBUTE.into_iter(), |out| {
        masks::attributes(out, attributes);
    });
    let share = create.share.into();
    sink.mask("ShareMode", "share", share, ShareAccess::NAMED.iter().map(|(bit, name)| (bit.0.into(), *name)), |out| {
        masks::share(out, share)
    });
    if create.allocates() {
        let size = if S::TYPED { create.allocation_size } else { create.shown_allocation_size };
        sink.grouped_signed("AllocationSize", "allocation_size", size);
    } else if !S::TYPED {
        sink.word("AllocationSize", "", "n/a");
    }
    if let Some(sid) = create.impersonating {
        match scene.accounts.name(sid) {
            Some(name) => sink.word("Impersonating", "impersonating", name),
            None => sink.word("Impersonating", "impersonating", &sid.to_string()),
        }
        if S::TYPED {
            sink.word("", "impersonating_sid", &sid.to_string());
        }
    }
    if let Some(information) = create.information {
        if S::TYPED && row.event.status() == NtStatus::REPARSE {
            sink.hex("", "reparse_tag", information.into());
        } else {
            named(sink, "OpenResult", "open_result", masks::open_result(information), information);
        }
    }
}

/// The name of a value; of one without a name, Procmon shows that it is unknown, JSON the number.
fn named<S: Sink>(sink: &mut S, label: &str, key: &str, name: &str, value: u32) {
    if S::TYPED && name == masks::UNNAMED {
        sink.hex(label, key, value.into());
    } else {
        sink.word(label, key, name);
    }
}

fn read_write<S: Sink>(io: ReadWrite, sink: &mut S) {
    sink.grouped_signed("Offset", "offset", io.offset);
    sink.grouped("Length", "length", io.moved.unwrap_or(io.asked).into());
    if S::TYPED && io.moved.is_some() {
        sink.decimal("", "asked", io.asked.into());
    }
    let flags = io.io_flags & masks::IO_FLAGS_SHOWN;
    if flags != 0 {
        sink.mask("I/O Flags", "io_flags", flags, bits::IO_FLAGS.into_iter(), |out| {
            masks::io_flags(out, flags);
        });
    }
    if io.priority() != 0 {
        sink.write("Priority", "priority", |out| masks::priority(out, io.priority()));
    }
}

fn mapping<S: Sink>(mapping: CreateMapping, generation: Generation, sink: &mut S) {
    sink.write("SyncType", "sync_type", |out| match mapping.sync_type {
        0 => out.extend_from_slice(b"SyncTypeOther"),
        1 => out.extend_from_slice(b"SyncTypeCreateSection"),
        other => {
            out.extend_from_slice(b"Unknown: ");
            text::hex(out, other.into());
        }
    });
    if mapping.sync_type == 1 {
        sink.mask("PageProtection", "page_protection", mapping.protection, bits::PROTECTION.into_iter(), |out| {
            masks::protection(out, mapping.shown_protection, generation)
        });
    }
    if S::TYPED && mapping.allocation_attributes != 0 {
        let attributes = mapping.allocation_attributes;
        sink.mask("", "allocation_attributes", attributes, bits::SECTION.into_iter(), |_| ());
    }
}

fn control<S: Sink>(row: &Row<'_>, control: Control, sink: &mut S) {
    sink.write("Control", "control", |out| masks::control(out, control.code));
    if S::TYPED {
        sink.hex("", "control_code", control.code.0.into());
        sink.decimal("", "input_length", control.input.into());
        sink.decimal("", "output_length", control.output.into());
    }
    if row.operation != code::FILE_SYSTEM_CONTROL {
        return;
    }
    if let Some((offset, length)) = control.offload {
        sink.grouped_signed("Offset", "offset", offset);
        sink.grouped("Length", "length", length);
    }
    match control.code {
        _ if S::TYPED => {}
        ControlCode::PIPE_INTERNAL_WRITE => sink.grouped("Length", "", control.input.into()),
        ControlCode::PIPE_INTERNAL_READ => sink.grouped("Length", "", control.output.into()),
        ControlCode::PIPE_TRANSCEIVE | ControlCode::PIPE_INTERNAL_TRANSCEIVE => {
            sink.grouped("WriteLength", "", control.input.into());
            sink.grouped("ReadLength", "", control.output.into());
        }
        _ => {}
    }
}

fn lock<S: Sink>(lock: bool, range: Lock, sink: &mut S) {
    if lock {
        sink.boolean("Exclusive", "exclusive", range.exclusive);
    }
    sink.grouped_signed("Offset", "offset", range.offset);
    if S::TYPED {
        sink.decimal("", "length", range.length);
        sink.decimal("", "key", range.key.into());
    } else {
        // Procmon prints the low half: a length of -1 reads 4,294,967,295.
        sink.grouped("Length", "", range.length & 0xFFFF_FFFF);
    }
    if lock {
        sink.boolean("Fail Immediately", "fail_immediately", range.fail_immediately);
    }
}

fn security<S: Sink>(file: FileDetail<'_>, scene: &Scene<'_>, sink: &mut S) {
    let information = file.argument_u32(1);
    sink.mask("Information", "information", information, masks::SECURITY.into_iter(), |out| {
        masks::security(out, information, scene.style.generation);
    });
}

/// The raw arguments of operations whose structure is not described.
fn arguments<S: Sink>(file: FileDetail<'_>, sink: &mut S) {
    sink.hex("Minor ID", "minor", file.sub_operation().into());
    sink.hex("IRP Flags", "irp_flags", file.io_flags().into());
    sink.hex("Flags", "callback_flags", file.callback_flags().into());
    sink.hex("Arg1", "arg1", file.argument(1));
    let second = if S::TYPED { file.argument(2) } else { file.argument_u32(2).into() };
    sink.hex("Arg2", "arg2", second);
    sink.hex("Arg3", "arg3", file.argument(3));
    sink.hex("Arg4", "arg4", file.argument(4));
    if S::TYPED {
        sink.hex("", "arg5", file.argument(5));
    }
}
