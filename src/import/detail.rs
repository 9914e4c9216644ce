//! The Detail column read back: the exact inverse of how Procmon prints the details of file operations.
//!
//! A text that does not have the expected shape yields `None` ("not told"), never a guess.

use super::clock::grouped;
use crate::capture::op::Create;
use crate::nt::control::ControlCode;
use crate::nt::{
    AccessMask, CreateDisposition, CreateOptions, DispositionFlags, FileAttributes, OpenResult, RenameFlags,
    ShareAccess,
};
use memchr::memmem;

/// Splits `key value, key value, …` at keys given in the order they are printed; a key that is missing yields `None`.
///
/// A value may hold `, ` itself: it ends where the next key that is present begins.
pub(crate) fn fields<'t, const N: usize>(text: &'t str, keys: [&str; N]) -> [Option<&'t str>; N] {
    let mut places: [Option<(usize, usize)>; N] = [None; N];
    let mut from = 0;
    for (key, place) in keys.iter().zip(&mut places) {
        if from == 0 && text.starts_with(key) {
            *place = Some((0, key.len()));
            from = key.len();
        } else if let Some(at) = find_key(text, key, from) {
            *place = Some((at, at + 2 + key.len()));
            from = at + 2 + key.len();
        }
    }
    let mut values = [None; N];
    let mut end = text.len();
    for (value, place) in values.iter_mut().zip(places).rev() {
        if let Some((start, behind)) = place {
            *value = text.get(behind..end);
            end = start;
        }
    }
    values
}

/// Where `, key` begins at or after `from`.
fn find_key(text: &str, key: &str, from: usize) -> Option<usize> {
    let rest = text.as_bytes().get(from..)?;
    memmem::find_iter(rest, key.as_bytes())
        .find(|at| *at >= 2 && rest.get(at - 2..*at) == Some(b", "))
        .map(|at| from + at - 2)
}

/// The value of one key, up to the next `, ` (for values that hold none).
pub(crate) fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let behind = if text.starts_with(key) { key.len() } else { find_key(text, key, 0)? + 2 + key.len() };
    let rest = text.get(behind..)?;
    Some(rest.split_once(", ").map_or(rest, |(value, _)| value))
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

/// Rights of a file as Procmon names them; the first eight stand for several at once.
const ACCESS: [(&str, u32); 24] = [
    ("All Access", 0x1F_01FF),
    ("Generic Read/Write/Execute", 0x12_01BF),
    ("Generic Read/Write", 0x12_019F),
    ("Generic Read/Execute", 0x12_00A9),
    ("Generic Write/Execute", 0x12_01B6),
    ("Generic Read", 0x12_0089),
    ("Generic Write", 0x12_0116),
    ("Generic Execute", 0x12_00A0),
    ("Read Data/List Directory", 0x1),
    ("Write Data/Add File", 0x2),
    ("Append Data/Add Subdirectory/Create Pipe Instance", 0x4),
    ("Read EA", 0x8),
    ("Write EA", 0x10),
    ("Execute/Traverse", 0x20),
    ("Delete Child", 0x40),
    ("Read Attributes", 0x80),
    ("Write Attributes", 0x100),
    ("Delete", 0x1_0000),
    ("Read Control", 0x2_0000),
    ("Write DAC", 0x4_0000),
    ("Write Owner", 0x8_0000),
    ("Synchronize", 0x10_0000),
    ("Access System Security", 0x100_0000),
    ("Maximum Allowed", 0x200_0000),
];

const OPTIONS: [(&str, u32); 22] = [
    ("Directory", 0x1),
    ("Write Through", 0x2),
    ("Sequential Access", 0x4),
    ("No Buffering", 0x8),
    ("Synchronous IO Alert", 0x10),
    ("Synchronous IO Non-Alert", 0x20),
    ("Non-Directory File", 0x40),
    ("Create Tree Connection", 0x80),
    ("Complete If Oplocked", 0x100),
    ("No EA Knowledge", 0x200),
    ("Open for Recovery", 0x400),
    ("Random Access", 0x800),
    ("Delete On Close", 0x1000),
    ("Open By ID", 0x2000),
    ("Open For Backup", 0x4000),
    ("No Compression", 0x8000),
    ("Open Requiring Oplock", 0x1_0000),
    ("Disallow Exclusive", 0x2_0000),
    ("Reserve OpFilter", 0x10_0000),
    ("Open Reparse Point", 0x20_0000),
    ("Open No Recall", 0x40_0000),
    ("Open For Free Space Query", 0x80_0000),
];

const SHARE: [(&str, u32); 3] = [("Read", 1), ("Write", 2), ("Delete", 4)];

/// The bits of a `, ` list of names; hex numbers stand for themselves. `None` when a name is not known.
fn bits(text: &str, names: &[(&str, u32)]) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    text.split(", ").try_fold(0, |mask, name| {
        let bit = names.iter().find(|(known, _)| *known == name).map(|(_, bit)| *bit).or_else(|| hex(name))?;
        Some(mask | bit)
    })
}

/// `0x1f` in either case.
pub(crate) fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?, 16).ok()
}

fn hex64(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?, 16).ok()
}

/// The access mask of its printed form. Generic rights come back mapped: the printed form does not tell them apart.
pub(crate) fn access(text: &str) -> Option<AccessMask> {
    match text.strip_prefix("None ") {
        Some(number) => hex(number),
        None if text.is_empty() => None,
        None => bits(text, &ACCESS),
    }
    .map(AccessMask)
}

/// The share access of its printed form.
pub(crate) fn share(text: &str) -> Option<ShareAccess> {
    if text == "None" {
        Some(ShareAccess::NONE)
    } else {
        bits(text, &SHARE).and_then(|bits| u16::try_from(bits).ok()).map(ShareAccess)
    }
}

/// Attribute letters in the order they are printed. `D` comes twice: directory before `A`, device after it.
const ATTRIBUTES: [(&str, u32); 15] = [
    ("R", 0x1),
    ("H", 0x2),
    ("S", 0x4),
    ("D", 0x10),
    ("A", 0x20),
    ("D", 0x40),
    ("N", 0x80),
    ("T", 0x100),
    ("SF", 0x200),
    ("RP", 0x400),
    ("C", 0x800),
    ("O", 0x1000),
    ("NCI", 0x2000),
    ("E", 0x4000),
    ("V", 0x1_0000),
];

/// The attributes of their printed form: letters without separator, then hex numbers for bits without a letter.
pub(crate) fn attributes(text: &str) -> Option<FileAttributes> {
    if text == "n/a" {
        return Some(FileAttributes::NONE);
    }
    let mut words = text.split(' ');
    let mut mask = letters(words.next()?, &ATTRIBUTES)?;
    for number in words {
        mask |= hex(number)?;
    }
    Some(FileAttributes(mask))
}

/// Letters are taken in order, a longer name before a shorter one that begins like it.
fn letters(text: &str, names: &[(&str, u32)]) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    for (at, (name, bit)) in names.iter().enumerate() {
        let Some(rest) = text.strip_prefix(name) else { continue };
        // `S` of `SF`, `R` of `RP`, `N` of `NCI`: only one reading leaves something that can be read on.
        if let Some(others) = letters(rest, names.get(at + 1..).unwrap_or_default()) {
            return Some(bit | others);
        }
    }
    None
}

/// The arguments of an open. `result` is read only where the operation succeeded.
pub(crate) fn create(text: &str, succeeded: bool) -> Create {
    let [access_text, disposition, options, attributes_text, share_text, _, impersonating, result] = fields(
        text,
        [
            "Desired Access: ",
            "Disposition: ",
            "Options: ",
            "Attributes: ",
            "ShareMode: ",
            "AllocationSize: ",
            "Impersonating: ",
            "OpenResult: ",
        ],
    );
    let disposition = disposition.and_then(|name| {
        let named = ["Supersede", "Open", "Create", "OpenIf", "Overwrite", "OverwriteIf"];
        named.iter().zip(0u8..).find(|(known, _)| **known == name).map(|(_, code)| CreateDisposition(code))
    });
    // Procmon 4 has no room for it behind the impersonated user; three dispositions have but one way to succeed.
    let implied = impersonating.and_then(|_| disposition.and_then(only_result));
    Create {
        access: access_text.and_then(access),
        share: share_text.and_then(share),
        disposition,
        options: CreateOptions(options.and_then(|text| bits(text, &OPTIONS)).unwrap_or_default()),
        attributes: attributes_text.and_then(attributes).unwrap_or_default(),
        result: if succeeded { result.map_or(implied, open_result) } else { None },
        impersonating: impersonating.is_some(),
    }
}

/// What an open with this disposition does when it succeeds, where that is one thing.
const fn only_result(disposition: CreateDisposition) -> Option<OpenResult> {
    match disposition {
        CreateDisposition::OPEN => Some(OpenResult::OPENED),
        CreateDisposition::CREATE => Some(OpenResult::CREATED),
        CreateDisposition::OVERWRITE => Some(OpenResult::OVERWRITTEN),
        _ => None,
    }
}

fn open_result(text: &str) -> Option<OpenResult> {
    OpenResult::NAMED.iter().find(|(_, name)| *name == text).map(|(result, _)| *result)
}

/// What a rename or link detail tells: flags and target.
pub(crate) fn rename(text: &str) -> (RenameFlags, Option<&str>) {
    let [replace, flags, target] = fields(text, ["ReplaceIfExists: ", "Flags: ", "FileName: "]);
    let mut mask = flags.and_then(|text| flag_bits(text, RenameFlags::NAMED.iter().map(|(f, n)| (f.0, *n))));
    if replace.and_then(truth) == Some(true) {
        mask = Some(mask.unwrap_or_default() | RenameFlags::REPLACE_IF_EXISTS.0);
    }
    (RenameFlags(mask.unwrap_or_default()), target.filter(|name| !name.is_empty()))
}

/// `Delete: True` or `Delete: False`.
pub(crate) fn delete(text: &str) -> Option<bool> {
    value(text, "Delete: ").and_then(truth)
}

/// The flags of an Ex disposition; releases that print `Delete:` tell the one bit.
pub(crate) fn disposition_ex(text: &str) -> Option<DispositionFlags> {
    if let Some(delete) = delete(text) {
        return Some(if delete { DispositionFlags::DELETE } else { DispositionFlags::NONE });
    }
    let [flags] = fields(text, ["Flags: "]);
    flag_bits(flags?, DispositionFlags::NAMED.iter().map(|(flag, name)| (flag.0, *name))).map(DispositionFlags)
}

/// Flags by their full names, or without their prefix, or in hex.
fn flag_bits(text: &str, names: impl Iterator<Item = (u32, &'static str)> + Clone) -> Option<u32> {
    if matches!(text, "" | "None" | "n/a") {
        return Some(0);
    }
    text.split([',', '|']).try_fold(0, |mask, word| {
        let word = word.trim();
        let named = names.clone().find(|(_, name)| {
            // A link's flags are the rename's with another prefix.
            let short = |name: &str| name.splitn(3, '_').nth(2).map(str::to_owned);
            *name == word || short(name).is_some_and(|name| name == word || short(word).as_deref() == Some(&name))
        });
        named.map(|(bit, _)| bit).or_else(|| hex(word)).map(|bit| mask | bit)
    })
}

/// Offset and length of a read, write, lock or unlock.
pub(crate) fn range(text: &str) -> Option<(i64, i64)> {
    Some((grouped(value(text, "Offset: ")?)?, grouped(value(text, "Length: ")?)?))
}

/// A lock's length: only its low 32 bits are printed, so that the whole-file length −1 reads 4,294,967,295.
pub(crate) fn lock_length(printed: i64) -> i64 {
    if printed == i64::from(u32::MAX) { -1 } else { printed }
}

/// Exclusive and fail-immediately of a lock request.
pub(crate) fn lock(text: &str) -> Option<(bool, bool)> {
    Some((truth(value(text, "Exclusive: ")?)?, truth(value(text, "Fail Immediately: ")?)?))
}

/// Whether a read or write was paging I/O.
pub(crate) fn paging(text: &str) -> bool {
    let [_, flags, _] = fields(text, ["Length: ", "I/O Flags: ", "Priority: "]);
    flags.is_some_and(|flags| flags.split(", ").any(|flag| matches!(flag, "Paging I/O" | "Synchronous Paging I/O")))
}

/// The page protection of a section being created; `None` when the operation creates none (`SyncTypeOther`).
pub(crate) fn section(text: &str) -> Option<u32> {
    if value(text, "SyncType: ")? != "SyncTypeCreateSection" {
        return None;
    }
    const PROTECTION: [(&str, u32); 8] = [
        ("PAGE_READONLY", 0x2),
        ("PAGE_READWRITE", 0x4),
        ("PAGE_WRITECOPY", 0x8),
        ("PAGE_EXECUTE", 0x10),
        ("PAGE_EXECUTE_READ", 0x20),
        ("PAGE_EXECUTE_READWRITE", 0x40),
        ("PAGE_EXECUTE_WRITECOPY", 0x80),
        ("PAGE_NOCACHE", 0x200),
    ];
    let printed = value(text, "PageProtection: ").unwrap_or_default();
    let words = printed.split('|').filter_map(|word| PROTECTION.iter().find(|(name, _)| *name == word));
    Some(words.fold(0, |mask, (_, bit)| mask | bit))
}

/// A control code by its printed name, or by the number printed for one without a name.
pub(crate) fn control(text: &str) -> Option<u32> {
    let printed = value(text, "Control: ")?;
    ControlCode::from_name(printed).map(|code| code.0).or_else(|| hex(printed.split(' ').next()?))
}

/// The attributes a query returned or a set asked for.
pub(crate) fn file_attributes(text: &str) -> Option<FileAttributes> {
    value(text, "FileAttributes: ").or_else(|| value(text, "Attributes: ")).and_then(attributes)
}

/// `IndexNumber: 0x…`
pub(crate) fn index_number(text: &str) -> Option<u64> {
    value(text, "IndexNumber: ").and_then(hex64)
}

/// Links, delete pending and directory of a standard query.
pub(crate) fn standard(text: &str) -> Option<(u32, bool, bool)> {
    Some((
        u32::try_from(grouped(value(text, "NumberOfLinks: ")?)?).ok()?,
        truth(value(text, "DeletePending: ")?)?,
        truth(value(text, "Directory: ")?)?,
    ))
}

/// A number that stands alone behind `key`.
pub(crate) fn number(text: &str, key: &str) -> Option<i64> {
    value(text, key).and_then(grouped)
}

/// What Process Start tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Start<'t> {
    pub(crate) parent_pid: Option<u32>,
    pub(crate) command_line: Option<&'t str>,
    pub(crate) current_directory: Option<&'t str>,
}

/// Longest Detail Procmon exports, UTF-16 units; a longer one is cut.
const DETAIL_LIMIT: usize = 4095;

/// The detail of Process Start. A command line may hold anything, so its end is sought from behind.
pub(crate) fn process_start(text: &str) -> Start<'_> {
    let [parent, rest] = fields(text, ["Parent PID: ", "Command line: "]);
    let mut start = Start { parent_pid: parent.and_then(|pid| pid.parse().ok()), ..Start::default() };
    let Some(rest) = rest else { return start };
    // The environment is a list of lines; an empty one ends the text.
    const ENVIRONMENT: &str = ", Environment: ";
    let environment = memmem::find_iter(rest.as_bytes(), ENVIRONMENT)
        .find(|at| matches!(rest.as_bytes().get(at + ENVIRONMENT.len()), None | Some(b'\r' | b'\n' | b';')));
    let cut = environment.is_none() && text.encode_utf16().count() >= DETAIL_LIMIT;
    let rest = rest.get(..environment.unwrap_or(rest.len())).unwrap_or(rest);
    match rest.rsplit_once(", Current directory: ") {
        Some((command, directory)) => {
            start.command_line = Some(command);
            start.current_directory = Some(directory).filter(|directory| !cut && !directory.is_empty());
        }
        None => start.command_line = Some(rest),
    }
    start
}

/// PID and command line of Process Create.
pub(crate) fn process_create(text: &str) -> Option<(u32, &str)> {
    let [pid, command] = fields(text, ["PID: ", "Command line: "]);
    Some((pid?.parse().ok()?, command.unwrap_or_default()))
}

/// The directory that a directory query reads: the printed path without the search pattern appended to it.
pub(crate) fn directory<'p>(path: &'p str, detail: Option<&str>) -> &'p str {
    let Some((folder, leaf)) = path.rsplit_once('\\') else { return path };
    let appended = match detail {
        Some(detail) => {
            let [filter] = fields(detail, ["Filter: "]);
            filter
                .and_then(|filter| filter.strip_prefix(leaf))
                .is_some_and(|rest| !leaf.is_empty() && (rest.is_empty() || rest.starts_with(", ")))
        }
        None => leaf.contains(['*', '?', '<', '>', '"']),
    };
    if !appended {
        path
    } else if folder.ends_with(':') {
        // The root of a drive keeps its backslash.
        path.get(..=folder.len()).unwrap_or(path)
    } else {
        folder
    }
}

/// A rename's or link's destination as a drive path, from the form it was given in.
pub(crate) fn target(name: &str, path: &str, system_root: &str) -> Option<String> {
    let strip = |prefix: &str| {
        name.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix)).and_then(|_| name.get(prefix.len()..))
    };
    if let Some(rest) = strip("\\SystemRoot") {
        return Some(format!("{system_root}{rest}"));
    }
    if let Some(rest) = strip("\\??\\UNC") {
        return Some(format!("\\{rest}"));
    }
    if let Some(rest) = strip("\\??\\") {
        return Some(rest.to_owned());
    }
    if name.starts_with('\\') || name.get(1..3) == Some(":\\") {
        return Some(name.to_owned());
    }
    if name.contains('\\') {
        return None;
    }
    let (parent, _) = path.rsplit_once('\\')?;
    Some(format!("{parent}\\{name}"))
}

#[cfg(test)]
#[path = "detail_tests.rs"]
mod tests;
