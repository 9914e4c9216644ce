//! Set-information structures that change a file's name or life: rename, link, disposition.

use crate::nt::{DispositionFlags, RenameFlags};
use crate::pml::bytes::{DetailText, Wide, pointer_at, u8_at, u16_at, u32_at};
use crate::pml::event::FileDetail;

/// A rename or a hard link, classic or Ex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rename<'a> {
    /// Flags; the classic classes have only `REPLACE_IF_EXISTS`.
    pub flags: RenameFlags,
    /// Handle of the folder that `given` is relative to; 0 for none.
    pub root: u64,
    /// The name as the caller gave it: `\??\C:\…`, `\Device\…`, or relative.
    pub given: Wide<'a>,
    /// Where it led, as a drive path: appended by Procmon's driver for renames, never for links.
    pub destination: Option<DetailText<'a>>,
}

impl<'a> Rename<'a> {
    /// Reads T; `ex` when the structure begins with flags instead of a boolean, `link` when no destination follows.
    pub fn parse(file: FileDetail<'a>, ex: bool, link: bool) -> Option<Self> {
        let tail = file.tail;
        let pointer = file.pointer().bytes();
        let flags = if ex { u32_at(tail, 0)? } else { u32::from(u8_at(tail, 0)? != 0) };
        let length = u32_at(tail, pointer * 2)? as usize;
        let start = pointer * 2 + 4;
        let given = Wide(tail.get(start..start.checked_add(length)?)?);
        Some(Self {
            flags: RenameFlags(flags),
            root: pointer_at(tail, pointer, file.pointer())?,
            given,
            destination: if link { None } else { appended(file) },
        })
    }
}

/// The name that the driver appends behind the caller's buffer of A1 bytes.
fn appended(file: FileDetail<'_>) -> Option<DetailText<'_>> {
    let behind = file.tail.get(file.argument_u32(1) as usize..)?;
    let (text, _) = DetailText::split(u16_at(behind, 0)?, behind.get(2..)?)?;
    if text.is_empty() { None } else { Some(text) }
}

/// SetDispositionInformationFile: whether the file is to be deleted.
pub fn disposition(file: FileDetail<'_>) -> Option<bool> {
    u8_at(file.tail, 0).map(|delete| delete != 0)
}

/// SetDispositionInformationEx.
pub fn disposition_ex(file: FileDetail<'_>) -> Option<DispositionFlags> {
    u32_at(file.tail, 0).map(DispositionFlags)
}
