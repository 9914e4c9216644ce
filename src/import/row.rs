//! One row of an export: its columns as text, and the file operation it stands for.

use super::clock;
use super::columns::{Columns, Field};
use super::csv::unescape;
use super::detail;
use super::operation::{Operation, Operations};
use super::xml::Call;
use crate::capture::columns::Column;
use crate::capture::decode::{code, is_disposition, is_rename_or_link, process_code};
use crate::capture::op::{OpKind, PathId, PathTable, ProcessId};
use crate::capture::source::may_be_lock_class;
use crate::nt::{DispositionFlags, NtStatus, RenameFlags};
use crate::pml::EventClass;
use std::borrow::Cow;

/// A row of an export, as a place in its block.
#[derive(Clone, Copy, Debug)]
pub struct Row<'b> {
    pub(crate) data: &'b [u8],
    pub(crate) fields: &'b [Field],
    pub(crate) columns: &'b Columns,
    /// Stack frames the row brings along (XML with stacks).
    pub frames: u16,
    /// Paths of the kernel modules at the inner end of the stack.
    pub(crate) stack: &'b [(u32, u32)],
    /// The whole stack, where it was wanted.
    pub(crate) calls: &'b [Call],
}

/// One frame of a row's stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'b> {
    /// Address.
    pub address: u64,
    /// Kernel code.
    pub kernel: bool,
    /// Path of its module; empty outside every module.
    pub path: &'b [u8],
    /// Place in the module, `module.ext + 0x1234` or a symbol.
    pub location: &'b [u8],
}

impl<'b> Row<'b> {
    /// The field's bytes as stored, quotes still doubled.
    #[inline]
    pub(crate) fn raw(&self, column: Column) -> Option<(&'b [u8], bool)> {
        let field = self.fields.get(self.columns.slot(column)?)?;
        Some((self.data.get(field.start as usize..field.end as usize)?, field.escaped))
    }

    /// The field's bytes as stored; empty when the column is not there.
    #[inline]
    pub(crate) fn bytes(&self, column: Column) -> &'b [u8] {
        self.raw(column).map_or(&[], |(bytes, _)| bytes)
    }

    /// The process's number in the process list of an XML export.
    pub(crate) fn process_index(&self) -> Option<&'b [u8]> {
        let field = self.fields.get(self.columns.process_index()?)?;
        self.data.get(field.start as usize..field.end as usize).filter(|text| !text.is_empty())
    }

    /// The text of a column; `None` when the export does not have it. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self, column: Column) -> Option<Cow<'b, str>> {
        let (bytes, escaped) = self.raw(column)?;
        Some(if escaped {
            Cow::Owned(String::from_utf8_lossy(&unescape(bytes)).into_owned())
        } else {
            String::from_utf8_lossy(bytes)
        })
    }

    /// Paths of the modules that the inner frames of the stack lie in, innermost first, as far as they are kernel code;
    /// empty for a frame in no known module.
    pub fn kernel_frames(&self) -> impl Iterator<Item = &'b [u8]> {
        let data = self.data;
        self.stack.iter().map(move |(start, end)| data.get(*start as usize..*end as usize).unwrap_or_default())
    }

    /// The whole stack, innermost first, of an XML export read with its stacks.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'b>> {
        let data = self.data;
        let text = move |(start, end): (u32, u32)| data.get(start as usize..end as usize).unwrap_or_default();
        self.calls.iter().map(move |call| Frame {
            address: call.address,
            kernel: call.kernel,
            path: text(call.path),
            location: text(call.location),
        })
    }

    /// Where a row of a table stands in its block, without the quotes at its ends.
    pub(crate) fn place(&self) -> Option<(u32, u32)> {
        let (first, last) = (self.fields.first()?, self.fields.last()?);
        (first.start <= last.end && self.columns.process_index().is_none()).then_some((first.start, last.end))
    }

    /// What stands at a place in its block.
    pub(crate) fn at(&self, (start, end): (u32, u32)) -> Option<&'b [u8]> {
        self.data.get(start as usize..end as usize)
    }

    /// The whole row of a table as it is written.
    pub(crate) fn line(&self) -> Option<&'b [u8]> {
        self.at(self.place()?)
    }

    /// Thread id.
    pub fn thread(&self) -> Option<u32> {
        clock::plain(self.bytes(Column::Tid))
    }
}

/// What a row is about: the path of the file concerned and what was done.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    pub(crate) path: PathId,
    /// A child process stands here by its PID, not yet by its place in the table.
    pub(crate) kind: OpKind,
}

/// Decodes rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder<'d> {
    pub(crate) operations: &'d Operations,
    /// `C:\Windows`, for targets given as `\SystemRoot\…`.
    pub(crate) system_root: &'d str,
    /// The capture is of a 32-bit system, where the printed page protection can be believed.
    pub(crate) protection_is_true: bool,
}

impl Decoder<'_> {
    /// The operation of a row. With Advanced Output the column names the request and the detail begins with its type.
    pub(crate) fn operation(&self, row: &Row<'_>) -> Operation {
        let found = self.operations.find(row.bytes(Column::Operation));
        if found.class == EventClass::FILE_SYSTEM
            && found.sub == 0
            && matches!(found.code, code::QUERY_INFORMATION..=32 | code::LOCK_CONTROL)
            && let Some(kind) = row.bytes(Column::Detail).strip_prefix(b"Type: ")
        {
            let end = memchr::memmem::find(kind, b", ").unwrap_or(kind.len());
            let inner = self.operations.find(kind.get(..end).unwrap_or_default());
            if inner.code == found.code {
                return inner;
            }
        }
        found
    }

    /// The file operation or process event of a row; `None` for all others.
    pub(crate) fn decode(
        &self,
        row: &Row<'_>,
        operation: Operation,
        status: NtStatus,
        paths: &mut PathTable,
    ) -> Option<Decoded> {
        match operation.class {
            EventClass::FILE_SYSTEM => {
                let path = self.path(row, operation);
                let kind = self.file_kind(row, operation, status, &path, paths);
                Some(Decoded { path: paths.intern(&path), kind })
            }
            EventClass::PROCESS => self.process_kind(row, operation, paths),
            _ => None,
        }
    }

    /// The path of the file concerned: the column, without the search pattern of a directory query.
    pub(crate) fn path<'b>(&self, row: &Row<'b>, operation: Operation) -> Cow<'b, str> {
        let path = row.text(Column::Path).unwrap_or_default();
        if operation.code != code::DIRECTORY_CONTROL || operation.sub != 1 {
            return path;
        }
        let detail = row.text(Column::Detail);
        let length = detail::directory(&path, detail.as_deref()).len();
        match path {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(..length).unwrap_or(text)),
            Cow::Owned(mut text) => {
                text.truncate(length);
                Cow::Owned(text)
            }
        }
    }

    /// The destination of a rename or link, as a drive path.
    pub(crate) fn target(&self, row: &Row<'_>, operation: Operation, path: &str) -> Option<String> {
        if operation.code != code::SET_INFORMATION || !is_rename_or_link(operation.sub) {
            return None;
        }
        detail::target(detail::rename(&row.text(Column::Detail)?).1?, path, self.system_root)
    }

    /// The file id that a query answered, if it printed one.
    pub(crate) fn file_id(&self, row: &Row<'_>, operation: Operation) -> Option<u128> {
        if operation.code != code::QUERY_INFORMATION {
            return None;
        }
        match query_kind(operation.sub, &row.text(Column::Detail)?) {
            Some(OpKind::QueryFileId { id }) => Some(id.get()),
            _ => None,
        }
    }

    fn process_kind(&self, row: &Row<'_>, operation: Operation, paths: &mut PathTable) -> Option<Decoded> {
        let detail = row.text(Column::Detail);
        let detail = detail.as_deref().unwrap_or_default();
        let (path, kind) = match operation.code {
            process_code::DEFINED | process_code::CREATE => {
                let (pid, _) = detail::process_create(detail)?;
                (paths.intern(""), OpKind::ProcessCreate { child: ProcessId(pid) })
            }
            process_code::EXIT => (paths.intern(""), OpKind::ProcessExit),
            process_code::LOAD_IMAGE => (paths.intern(&row.text(Column::Path)?), OpKind::LoadImage),
            process_code::START => {
                let directory = detail::process_start(detail).current_directory.map(|path| paths.intern(path));
                (paths.intern(""), OpKind::ProcessStart { current_directory: directory })
            }
            _ => return None,
        };
        Some(Decoded { path, kind })
    }

    fn file_kind(
        &self,
        row: &Row<'_>,
        operation: Operation,
        status: NtStatus,
        path: &str,
        paths: &mut PathTable,
    ) -> OpKind {
        let text = row.text(Column::Detail);
        let text = text.as_deref().unwrap_or_default();
        match operation.code {
            code::CREATE | code::CREATE_PIPE => {
                let succeeded = matches!(status, NtStatus::SUCCESS | NtStatus::OPLOCK_BREAK_IN_PROGRESS);
                OpKind::Create(detail::create(text, succeeded))
            }
            code::CLEANUP => OpKind::Cleanup,
            code::CLOSE => OpKind::Close,
            code::QUERY_OPEN => OpKind::QueryOpen { attributes: detail::file_attributes(text) },
            code::CREATE_FILE_MAPPING => match detail::section(text) {
                Some(printed) => OpKind::CreateSection {
                    protection: if self.protection_is_true { printed } else { 0 },
                    allocation: 0,
                },
                // Without Detail the result tells: only who makes a section is told who has the file open.
                None if !row.columns.has(Column::Detail)
                    && matches!(
                        status,
                        NtStatus::FILE_LOCKED_WITH_ONLY_READERS | NtStatus::FILE_LOCKED_WITH_WRITERS
                    ) =>
                {
                    OpKind::CreateSection { protection: 0, allocation: 0 }
                }
                None => OpKind::Other,
            },
            code::READ | code::WRITE => {
                let range = detail::range(text);
                let (offset, length) = range.unwrap_or_default();
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                // What is not told must not count as the proof of a handle.
                let paging = range.is_none() || detail::paging(text);
                if operation.code == code::READ {
                    OpKind::Read { offset, length, paging }
                } else {
                    OpKind::Write { offset, length, paging }
                }
            }
            code::LOCK_CONTROL => lock_kind(operation.sub, text),
            code::FS_CONTROL => detail::control(text).map_or(OpKind::Other, OpKind::FsControl),
            code::SET_INFORMATION => {
                self.set_kind(row, (operation, status), text, path, paths).unwrap_or(OpKind::Other)
            }
            code::QUERY_INFORMATION => query_kind(operation.sub, text).unwrap_or(OpKind::Other),
            _ => OpKind::Other,
        }
    }

    fn set_kind(
        &self,
        row: &Row<'_>,
        (operation, status): (Operation, NtStatus),
        text: &str,
        path: &str,
        paths: &mut PathTable,
    ) -> Option<OpKind> {
        let class = operation.sub;
        // Only a deletion is refused because of somebody, never the undoing of one.
        let refused = may_be_lock_class(status) && !row.columns.has(Column::Detail);
        Some(match class {
            0x04 => OpKind::SetBasic(detail::file_attributes(text)?),
            0x0D => {
                // Without Detail, the category still tells a deletion from the undoing of one.
                let written = || (row.bytes(Column::Category) == b"Write").then_some(true);
                let told = detail::delete(text).or_else(written);
                OpKind::SetDisposition { delete: told.or(refused.then_some(true))?, handle: None }
            }
            0x40 => {
                let told = detail::disposition_ex(text);
                let flags = told.or(refused.then_some(DispositionFlags::DELETE))?;
                OpKind::SetDispositionEx { flags, handle: None }
            }
            0x13 => OpKind::SetAllocation(detail::number(text, "AllocationSize: ")?),
            0x14 => OpKind::SetEndOfFile(detail::number(text, "EndOfFile: ")?),
            _ if is_rename_or_link(class) => {
                let (flags, _) = detail::rename(text);
                let target = self.target(row, operation, path).map(|target| paths.intern(&target));
                let ex = !matches!(class, 0x0A | 0x0B);
                let flags = if ex { flags } else { flags & RenameFlags::REPLACE_IF_EXISTS };
                if matches!(class, 0x0B | 0x48 | 0x49) {
                    OpKind::Link { target, flags, ex, as_path: None }
                } else {
                    OpKind::Rename { target, flags, ex, as_path: None }
                }
            }
            _ => OpKind::Other,
        })
    }
}

fn lock_kind(minor: u8, text: &str) -> OpKind {
    let range = detail::range(text).map(|(offset, length)| (offset, detail::lock_length(length)));
    match (minor, range) {
        (1, Some((offset, length))) => match detail::lock(text) {
            Some((exclusive, fail_immediately)) => {
                OpKind::Lock { offset, length, exclusive, fail_immediately, key: None }
            }
            None => OpKind::Other,
        },
        (2, Some((offset, length))) => OpKind::Unlock { offset, length },
        (3, _) => OpKind::UnlockAll,
        (4, _) => OpKind::UnlockByKey { key: None },
        _ => OpKind::Other,
    }
}

fn query_kind(class: u8, text: &str) -> Option<OpKind> {
    let attributes = |text| detail::file_attributes(text).map(OpKind::QueryAttributes);
    match class {
        0x04 | 0x22 | 0x23 => attributes(text),
        0x05 => detail::standard(text).map(|(links, delete_pending, directory)| OpKind::QueryStandard {
            links,
            delete_pending,
            directory,
        }),
        0x06 | 0x12 => detail::index_number(text).map(|id| OpKind::QueryFileId { id: id.into() }),
        _ => None,
    }
}

/// Whether an operation renames or links.
pub(crate) const fn changes_names(operation: Operation) -> bool {
    operation.code == code::SET_INFORMATION && is_rename_or_link(operation.sub)
}

/// Whether an operation marks a file for deletion or takes the mark back.
pub(crate) const fn marks_for_deletion(operation: Operation) -> bool {
    operation.code == code::SET_INFORMATION && is_disposition(operation.sub)
}

/// What a status stands for whose text is not in Procmon's table as known here: no code at all, and a failure.
pub(crate) const UNREADABLE: NtStatus = NtStatus(u32::MAX);

/// The code of a Result text. Older releases spelled two of them otherwise.
pub(crate) fn status(text: &str) -> Option<NtStatus> {
    match text {
        "" => Some(NtStatus::PENDING),
        "ALREADY COMMITED" => Some(NtStatus(0xC000_0021)),
        "EA CORRUPTED ERROR" => Some(NtStatus(0xC000_0053)),
        "OFFLOAD READ FLT NOT SUPPORTED" => Some(NtStatus(0xC000_A2A1)),
        "OFFLOAD WRITE FLT NOT SUPPORTED" => Some(NtStatus(0xC000_A2A2)),
        "OFFLOAD WRITE FILE NOT SUPPORTED" => Some(NtStatus(0xC000_A2A4)),
        _ => NtStatus::from_text(text),
    }
}
