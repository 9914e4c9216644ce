//! From a PML event to the operation the locking engine reads: only the fields that matter there.

use super::op::{Create, DriverId, EventIndex, Op, OpKind, PathId, PathTable, ProcessId, StackSays};
use crate::nt::path::fold;
use crate::nt::{
    AccessMask, CreateDisposition, CreateOptions, DispositionFlags, FileAttributes, NtStatus, OpenResult, RenameFlags,
    ShareAccess,
};
use crate::pml::bytes::{DetailText, PointerSize, Wide, i64_at, pointer_at, u8_at, u16_at, u32_at, u64_at};
use crate::pml::detail::directory::QueryDirectory;
use crate::pml::event::{Event, EventClass, FileDetail};
use rustc_hash::FxHashMap;

/// Operation codes of the file-system class: IRP major + 20.
pub mod code {
    #![allow(missing_docs)]
    pub const QUERY_OPEN: u16 = 6;
    pub const CREATE_FILE_MAPPING: u16 = 19;
    pub const CREATE: u16 = 20;
    pub const CREATE_PIPE: u16 = 21;
    pub const CLOSE: u16 = 22;
    pub const READ: u16 = 23;
    pub const WRITE: u16 = 24;
    pub const QUERY_INFORMATION: u16 = 25;
    pub const SET_INFORMATION: u16 = 26;
    pub const QUERY_VOLUME: u16 = 30;
    pub const DIRECTORY_CONTROL: u16 = 32;
    pub const FS_CONTROL: u16 = 33;
    pub const LOCK_CONTROL: u16 = 37;
    pub const CLEANUP: u16 = 38;
}

/// Operation codes of the process class.
pub mod process_code {
    #![allow(missing_docs)]
    pub const DEFINED: u16 = 0;
    pub const CREATE: u16 = 1;
    pub const EXIT: u16 = 2;
    pub const LOAD_IMAGE: u16 = 5;
    pub const START: u16 = 7;
}

/// Information classes of set-information, hexadecimal as in the Windows headers.
mod class {
    pub(super) const BASIC: u8 = 0x04;
    pub(super) const CASE_SENSITIVE: u8 = 0x47;
    pub(super) const RENAME: u8 = 0x0A;
    pub(super) const LINK: u8 = 0x0B;
    pub(super) const DISPOSITION: u8 = 0x0D;
    pub(super) const ALLOCATION: u8 = 0x13;
    pub(super) const END_OF_FILE: u8 = 0x14;
    pub(super) const DISPOSITION_EX: u8 = 0x40;
    pub(super) const RENAME_EX: u8 = 0x41;
    pub(super) const RENAME_EX_BYPASS: u8 = 0x42;
    pub(super) const LINK_EX: u8 = 0x48;
    pub(super) const LINK_EX_BYPASS: u8 = 0x49;
}

/// Whether a set-information class renames or links.
pub const fn is_rename_or_link(sub_operation: u8) -> bool {
    matches!(
        sub_operation,
        class::RENAME
            | class::LINK
            | class::RENAME_EX
            | class::RENAME_EX_BYPASS
            | class::LINK_EX
            | class::LINK_EX_BYPASS
    )
}

/// Whether a set-information class marks a file for deletion.
pub const fn is_disposition(sub_operation: u8) -> bool {
    matches!(sub_operation, class::DISPOSITION | class::DISPOSITION_EX)
}

/// What decoding needs beside the event.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The driver's process number → process of the capture.
    pub processes: &'c FxHashMap<u32, ProcessId>,
    /// `C:\Windows`, for targets given as `\SystemRoot\…`.
    pub system_root: &'c str,
}

/// Decodes one event into the operations it stands for, which are appended to `out`; paths go to `paths`.
///
/// Events of other classes, and records whose detail is too short for what it announces, yield nothing.
/// A directory query yields one operation for each entry that has an 8.3 name, beside itself.
pub fn decode(
    event: Event<'_>,
    index: EventIndex,
    context: Context<'_>,
    (driver, stack): (Option<DriverId>, StackSays),
    paths: &mut PathTable,
    out: &mut Vec<Op>,
) {
    let Some(&process) = context.processes.get(&event.process_index()) else { return };
    let mut push = |path: PathId, kind: OpKind| {
        out.push(Op {
            event: index,
            start: event.time(),
            end: event.end(),
            process,
            thread: Some(event.thread_id()),
            status: event.status(),
            path,
            driver,
            stack,
            kind,
        });
    };
    match event.class() {
        EventClass::FILE_SYSTEM => {
            let Some(file) = event.file() else { return };
            let text = file.path.decode();
            // A directory query shows the searched pattern apart; the directory itself is the file concerned.
            let path = paths.intern(&text);
            if event.operation() == code::DIRECTORY_CONTROL {
                short_names(event, file, &text, paths, |long, short| push(path, OpKind::ShortName { long, short }));
                if lists_twins(event, file) {
                    push(path, OpKind::CaseSensitive);
                }
            }
            if let Some(kind) = file_kind(event, file, &text, context, paths) {
                push(path, kind);
            }
        }
        EventClass::PROCESS => process_event(event, context, paths, &mut push),
        _ => {}
    }
}

/// The path of a Load Image event.
#[inline]
pub fn image_path(event: Event<'_>) -> Option<DetailText<'_>> {
    let detail = event.detail().ok()?;
    let size = event.pointer().bytes();
    let (path, _) = DetailText::split(u16_at(detail, size + 4)?, detail.get(size + 8..)?)?;
    Some(path)
}

fn process_event(event: Event<'_>, context: Context<'_>, paths: &mut PathTable, push: &mut impl FnMut(PathId, OpKind)) {
    let Ok(detail) = event.detail() else { return };
    match event.operation() {
        process_code::DEFINED | process_code::CREATE => {
            let child = u32_at(detail, 0).and_then(|index| context.processes.get(&index));
            if let Some(&child) = child {
                push(paths.intern(""), OpKind::ProcessCreate { child });
            }
        }
        process_code::EXIT => push(paths.intern(""), OpKind::ProcessExit),
        process_code::LOAD_IMAGE => {
            if let Some(path) = image_path(event) {
                push(paths.intern(&path.decode()), OpKind::LoadImage);
            }
        }
        process_code::START => {
            let current_directory = (|| {
                let (command, directory) = (u16_at(detail, 4)?, u16_at(detail, 6)?);
                let (_, rest) = DetailText::split(command, detail.get(12..)?)?;
                let (directory, _) = DetailText::split(directory, rest)?;
                (!directory.is_empty()).then(|| paths.intern(&directory.decode()))
            })();
            push(paths.intern(""), OpKind::ProcessStart { current_directory });
        }
        _ => {}
    }
}

/// The kind of a file-system event; `None` when its detail is too short for it.
fn file_kind(
    event: Event<'_>,
    file: FileDetail<'_>,
    path: &str,
    context: Context<'_>,
    paths: &mut PathTable,
) -> Option<OpKind> {
    let pointer = file.pointer();
    Some(match event.operation() {
        code::CREATE | code::CREATE_PIPE => OpKind::Create(create(event, file)?),
        code::CLEANUP => OpKind::Cleanup,
        code::CLOSE => OpKind::Close,
        code::QUERY_OPEN => OpKind::QueryOpen { attributes: extra_u32(event, 0x30).map(FileAttributes) },
        code::CREATE_FILE_MAPPING => {
            if u32_at(file.raw(), 0x10)? != 1 {
                return Some(OpKind::Other);
            }
            let allocation = if pointer == PointerSize::Eight { u32_at(file.raw(), 0x24)? } else { 0 };
            OpKind::CreateSection { protection: u32_at(file.raw(), 0x14)?, allocation }
        }
        code::READ | code::WRITE => {
            let (offset, length) = (file.argument_i64(3), file.argument_u32(1));
            let paging = file.io_flags() & 0x42 != 0;
            if event.operation() == code::READ {
                OpKind::Read { offset, length, paging }
            } else {
                OpKind::Write { offset, length, paging }
            }
        }
        code::LOCK_CONTROL => {
            let offset = file.argument_i64(3);
            let length = i64_at(file.tail, 0).unwrap_or_default();
            match file.sub_operation() {
                1 => OpKind::Lock {
                    offset,
                    length,
                    fail_immediately: u8_at(file.raw(), pointer.pick(0x24, 0x30))? != 0,
                    exclusive: u8_at(file.raw(), pointer.pick(0x25, 0x31))? != 0,
                    key: Some(file.argument_u32(2)),
                },
                2 => OpKind::Unlock { offset, length },
                3 => OpKind::UnlockAll,
                4 => OpKind::UnlockByKey { key: Some(file.argument_u32(2)) },
                _ => OpKind::Other,
            }
        }
        code::FS_CONTROL => OpKind::FsControl(file.argument_u32(3)),
        code::SET_INFORMATION => return set_information(file, path, context, paths),
        code::QUERY_INFORMATION => return Some(query_information(event, file)),
        _ => OpKind::Other,
    })
}

fn create(event: Event<'_>, file: FileDetail<'_>) -> Option<Create> {
    let word = file.argument_u32(2);
    let attributes_share = file.argument_u32(3);
    let result = match event.status() {
        NtStatus::SUCCESS | NtStatus::OPLOCK_BREAK_IN_PROGRESS => {
            // None is known above five.
            extra_u32(event, 0).map(|result| OpenResult(u8::try_from(result).unwrap_or(u8::MAX)))
        }
        _ => None,
    };
    Some(Create {
        access: Some(AccessMask(u32_at(file.tail, 0)?)),
        share: Some(ShareAccess((attributes_share >> 16) as u16)),
        disposition: Some(CreateDisposition((word >> 24) as u8)),
        options: CreateOptions(word & 0x00FF_FFFF),
        attributes: FileAttributes(attributes_share & 0xFFFF),
        result,
        impersonating: u8_at(file.tail, 4).is_some_and(|length| length != 0),
    })
}

fn set_information(file: FileDetail<'_>, path: &str, context: Context<'_>, paths: &mut PathTable) -> Option<OpKind> {
    let tail = file.tail;
    let handle = Some(file.argument(4)).filter(|handle| *handle != 0);
    let class = file.sub_operation();
    Some(match class {
        class::DISPOSITION => OpKind::SetDisposition { delete: u8_at(tail, 0)? != 0, handle },
        class::DISPOSITION_EX => OpKind::SetDispositionEx { flags: DispositionFlags(u32_at(tail, 0)?), handle },
        class::END_OF_FILE => OpKind::SetEndOfFile(i64_at(tail, 0)?),
        class::ALLOCATION => OpKind::SetAllocation(i64_at(tail, 0)?),
        class::CASE_SENSITIVE if u32_at(tail, 0)? & 1 != 0 => OpKind::CaseSensitive,
        class::BASIC => OpKind::SetBasic(FileAttributes(u32_at(tail, 0x20)?)),
        _ if is_rename_or_link(class) => {
            let ex = !matches!(class, class::RENAME | class::LINK);
            let flags = if ex { u32_at(tail, 0)? } else { u32::from(u8_at(tail, 0)? != 0) };
            let target = target_name(file, path, context.system_root).map(|target| paths.intern(&target));
            let flags = RenameFlags(flags);
            let as_path = given_name(file).map(|(root, name)| root != 0 || name.contains('\\'));
            if matches!(class, class::LINK | class::LINK_EX | class::LINK_EX_BYPASS) {
                OpKind::Link { target, flags, ex, as_path }
            } else {
                OpKind::Rename { target, flags, ex, as_path }
            }
        }
        _ => OpKind::Other,
    })
}

/// The root handle and the name that the caller of a rename or link gave.
fn given_name(file: FileDetail<'_>) -> Option<(u64, String)> {
    let size = file.pointer();
    let at = size.pick(4, 8);
    let root_handle = pointer_at(file.tail, at, size)?;
    let bytes = u32_at(file.tail, at + size.bytes())? as usize;
    let start = at + size.bytes() + 4;
    let name = Wide(file.tail.get(start..start.checked_add(bytes)?)?).decode_all();
    Some((root_handle, name))
}

/// The destination of a rename or link: Procmon's resolved name where it appends one, else the caller's.
pub fn target_name(file: FileDetail<'_>, path: &str, system_root: &str) -> Option<String> {
    let buffer = file.argument_u32(1) as usize;
    if let Some(info) = u16_at(file.tail, buffer)
        && info != 0
        && matches!(file.sub_operation(), class::RENAME | class::RENAME_EX | class::RENAME_EX_BYPASS)
        && let Some((text, _)) = DetailText::split(info, file.tail.get(buffer + 2..)?)
        && !text.is_empty()
    {
        return Some(text.decode().into_owned());
    }
    let (root_handle, name) = given_name(file)?;
    if let Some(rest) = strip_prefix_ignore_case(&name, "\\SystemRoot") {
        return Some(format!("{system_root}{rest}"));
    }
    if let Some(rest) = strip_prefix_ignore_case(&name, "\\??\\UNC") {
        return Some(format!("\\{rest}"));
    }
    if let Some(rest) = strip_prefix_ignore_case(&name, "\\??\\") {
        return Some(rest.to_owned());
    }
    if name.starts_with('\\') {
        return Some(name);
    }
    // A bare name stays in the file's own folder; below a root handle nothing says which folder that is.
    let parent = path.rfind('\\').map(|at| &path[..at])?;
    (root_handle == 0 && !name.contains('\\')).then(|| format!("{parent}\\{name}"))
}

fn strip_prefix_ignore_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix)).and_then(|_| text.get(prefix.len()..))
}

fn query_information(event: Event<'_>, file: FileDetail<'_>) -> OpKind {
    let Ok(Some(extra)) = event.extra() else { return OpKind::Other };
    let kind = match file.sub_operation() {
        0x04 => u32_at(extra, 0x20).map(|bits| OpKind::QueryAttributes(FileAttributes(bits))),
        0x05 => standard(extra),
        0x06 => u64_at(extra, 0).map(|id| OpKind::QueryFileId { id: id.into() }),
        0x12 => u64_at(extra, 0x40).map(|id| OpKind::QueryFileId { id: id.into() }),
        0x22 => u32_at(extra, 0x30).map(|bits| OpKind::QueryAttributes(FileAttributes(bits))),
        0x23 => u32_at(extra, 0).map(|bits| OpKind::QueryAttributes(FileAttributes(bits))),
        // FILE_CASE_SENSITIVE_INFORMATION: FILE_CS_FLAG_CASE_SENSITIVE_DIR
        class::CASE_SENSITIVE => u32_at(extra, 0).filter(|flags| flags & 1 != 0).map(|_| OpKind::CaseSensitive),
        0x3B => u64_at(extra, 8)
            .zip(u64_at(extra, 16))
            .map(|(low, high)| OpKind::QueryFileId { id: (u128::from(high) << 64 | u128::from(low)).into() }),
        0x44 => u64_at(extra, 0).map(|id| OpKind::QueryFileId { id: id.into() }),
        _ => None,
    };
    kind.unwrap_or(OpKind::Other)
}

/// Whether a query of this information class answers a file id.
#[inline]
pub const fn answers_file_id(sub_operation: u8) -> bool {
    matches!(sub_operation, 0x06 | 0x12 | 0x3B | 0x44)
}

/// The file id a query answered, if it is one that does.
pub fn file_id(event: Event<'_>, file: FileDetail<'_>) -> Option<u128> {
    match query_information(event, file) {
        OpKind::QueryFileId { id } => Some(id.get()),
        _ => None,
    }
}

fn standard(extra: &[u8]) -> Option<OpKind> {
    Some(OpKind::QueryStandard {
        links: u32_at(extra, 0x10)?,
        delete_pending: u8_at(extra, 0x14)? != 0,
        directory: u8_at(extra, 0x15)? != 0,
    })
}

fn extra_u32(event: Event<'_>, at: usize) -> Option<u32> {
    u32_at(event.extra().ok()??, at)
}

/// Whether two entries of a directory query have names that differ by letter case alone.
fn lists_twins(event: Event<'_>, file: FileDetail<'_>) -> bool {
    if file.sub_operation() != 1 || !event.status().is_success() {
        return false;
    }
    let Ok(Some(extra)) = event.extra() else { return false };
    let mut seen: FxHashMap<String, Wide<'_>> = FxHashMap::default();
    let Some(query) = QueryDirectory::parse(file) else { return false };
    query.entries(extra).take(MAX_ENTRIES).any(|entry| {
        let name = fold(&entry.name.decode_all()).into_owned();
        seen.insert(name, entry.name).is_some_and(|other| other.0 != entry.name.0)
    })
}

/// Most entries of one directory query that are looked at; a 64 KiB buffer holds no more.
const MAX_ENTRIES: usize = 4096;

/// The entries of a directory query that carry an 8.3 name, as `(directory\long, directory\short)`.
fn short_names(
    event: Event<'_>,
    file: FileDetail<'_>,
    directory: &str,
    paths: &mut PathTable,
    mut found: impl FnMut(PathId, PathId),
) {
    // Classes 3 and 37 (both directory information): 8.3 name length at 44h, its 12 units at 46h.
    let name_at: usize = match file.argument_u32(3) {
        3 => 0x5E,
        37 => 0x68,
        _ => return,
    };
    let Ok(Some(extra)) = event.extra() else { return };
    if file.sub_operation() != 1 || !event.status().is_success() {
        return;
    }
    let mut at = 0usize;
    for _ in 0..MAX_ENTRIES {
        let Some(entry) = extra.get(at..) else { break };
        let (Some(next), Some(name_bytes), Some(short_bytes)) =
            (u32_at(entry, 0), u32_at(entry, 0x3C), u8_at(entry, 0x44))
        else {
            break;
        };
        let name = entry.get(name_at..name_at.saturating_add(name_bytes as usize));
        let short = entry.get(0x46..0x46 + usize::from(short_bytes.min(24)));
        if let (Some(name), Some(short)) = (name, short)
            && !short.is_empty()
        {
            let (name, short) = (Wide(name).decode_all(), Wide(short).decode_all());
            if !name.eq_ignore_ascii_case(&short) {
                let base = directory.trim_end_matches('\\');
                found(paths.intern(&format!("{base}\\{name}")), paths.intern(&format!("{base}\\{short}")));
            }
        }
        if next == 0 {
            break;
        }
        at = at.saturating_add(next as usize);
    }
}
