//! Wording of masks and numbers in Procmon's Detail column.

use super::super::text;
use crate::nt::ControlCode;
use crate::pml::ops::Generation;

/// Rights of a file, the wide ones first: the list is walked once, each entry taken when all its bits are still there.
const FILE_ACCESS: [(u32, &str); 24] = [
    (0x1F_01FF, "All Access"),
    (0x12_01BF, "Generic Read/Write/Execute"),
    (0x12_019F, "Generic Read/Write"),
    (0x12_00A9, "Generic Read/Execute"),
    (0x12_01B6, "Generic Write/Execute"),
    (0x12_0089, "Generic Read"),
    (0x12_0116, "Generic Write"),
    (0x12_00A0, "Generic Execute"),
    (0x1, "Read Data/List Directory"),
    (0x2, "Write Data/Add File"),
    (0x4, "Append Data/Add Subdirectory/Create Pipe Instance"),
    (0x8, "Read EA"),
    (0x10, "Write EA"),
    (0x20, "Execute/Traverse"),
    (0x40, "Delete Child"),
    (0x80, "Read Attributes"),
    (0x100, "Write Attributes"),
    (0x1_0000, "Delete"),
    (0x2_0000, "Read Control"),
    (0x4_0000, "Write DAC"),
    (0x8_0000, "Write Owner"),
    (0x10_0000, "Synchronize"),
    (0x100_0000, "Access System Security"),
    (0x200_0000, "Maximum Allowed"),
];

/// Rights of a registry key.
const KEY_ACCESS: [(u32, &str); 20] = [
    (0xF_003F, "All Access"),
    (0x2_001F, "Read/Write"),
    (0x2_0019, "Read"),
    (0x2_0006, "Write"),
    (0x1, "Query Value"),
    (0x2, "Set Value"),
    (0x4, "Create Sub Key"),
    (0x8, "Enumerate Sub Keys"),
    (0x10, "Notify"),
    (0x20, "Create Link"),
    (0x300, "WOW64_Res"),
    (0x200, "WOW64_32Key"),
    (0x100, "WOW64_64Key"),
    (0x1_0000, "Delete"),
    (0x2_0000, "Read Control"),
    (0x4_0000, "Write DAC"),
    (0x8_0000, "Write Owner"),
    (0x10_0000, "Synchronize"),
    (0x100_0000, "Access System Security"),
    (0x200_0000, "Maximum Allowed"),
];

/// Takes entries greedily; bits left over are not shown, `None 0x…` when nothing matched.
fn greedy(out: &mut Vec<u8>, mask: u32, table: &[(u32, &str)]) {
    let start = out.len();
    let mut rest = mask;
    for (bits, name) in table {
        if rest & bits == *bits {
            rest &= !bits;
            separate(out, start);
            out.extend_from_slice(name.as_bytes());
            if rest == 0 {
                break;
            }
        }
    }
    if out.len() == start {
        out.extend_from_slice(b"None ");
        text::hex(out, mask.into());
    }
}

fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.extend_from_slice(b", ");
    }
}

/// A file access mask; generic bits are replaced by what they mean.
pub(crate) fn file_access(out: &mut Vec<u8>, mask: u32) {
    greedy(out, crate::nt::AccessMask(mask).map_generic().0, &FILE_ACCESS);
}

/// A registry access mask; generic bits are replaced by what they mean.
pub(crate) fn key_access(out: &mut Vec<u8>, mask: u32) {
    let mut bits = mask & 0x0FFF_FFFF;
    for (generic, meaning) in
        [(0x8000_0000, 0x2_0019), (0x4000_0000, 0x2_0006), (0x2000_0000, 0x2_0019), (0x1000_0000, 0xF_003F)]
    {
        if mask & generic != 0 {
            bits |= meaning;
        }
    }
    greedy(out, bits, &KEY_ACCESS);
}

/// The names of the bits set, joined; bits without a name are not shown.
fn joined(out: &mut Vec<u8>, mask: u32, table: &[(u32, &str)]) -> u32 {
    let start = out.len();
    let mut rest = mask;
    for (bit, name) in table {
        if rest & bit != 0 {
            rest &= !bit;
            separate(out, start);
            out.extend_from_slice(name.as_bytes());
        }
    }
    rest
}

/// As [`joined`], with the bits left over as one hex number at the end.
pub(crate) fn joined_with_rest(out: &mut Vec<u8>, mask: u32, table: &[(u32, &str)]) {
    let start = out.len();
    let rest = joined(out, mask, table);
    finish(out, start, rest);
}

/// Writes bits left over.
fn finish(out: &mut Vec<u8>, start: usize, rest: u32) {
    if rest != 0 {
        separate(out, start);
        text::hex(out, rest.into());
    }
}

/// Create options.
pub(crate) fn options(out: &mut Vec<u8>, options: u32) {
    joined(out, options, &OPTIONS);
}

const OPTIONS: [(u32, &str); 22] = [
    (0x1, "Directory"),
    (0x2, "Write Through"),
    (0x4, "Sequential Access"),
    (0x8, "No Buffering"),
    (0x10, "Synchronous IO Alert"),
    (0x20, "Synchronous IO Non-Alert"),
    (0x40, "Non-Directory File"),
    (0x80, "Create Tree Connection"),
    (0x100, "Complete If Oplocked"),
    (0x200, "No EA Knowledge"),
    (0x400, "Open for Recovery"),
    (0x800, "Random Access"),
    (0x1000, "Delete On Close"),
    (0x2000, "Open By ID"),
    (0x4000, "Open For Backup"),
    (0x8000, "No Compression"),
    (0x10_0000, "Reserve OpFilter"),
    (0x20_0000, "Open Reparse Point"),
    (0x40_0000, "Open No Recall"),
    (0x80_0000, "Open For Free Space Query"),
    (0x1_0000, "Open Requiring Oplock"),
    (0x2_0000, "Disallow Exclusive"),
];

/// Attribute letters, or `n/a`.
pub(crate) fn attributes(out: &mut Vec<u8>, attributes: u32) {
    if attributes == 0 {
        out.extend_from_slice(b"n/a");
    }
    for (bit, letters) in ATTRIBUTE_LETTERS {
        if attributes & bit != 0 {
            out.extend_from_slice(letters.as_bytes());
        }
    }
    // Pinned and unpinned have no letter: releases that know of them print their bits.
    let cloud = attributes & 0x18_0000;
    if cloud != 0 {
        out.push(b' ');
        text::hex(out, cloud.into());
    }
}

const ATTRIBUTE_LETTERS: [(u32, &str); 15] = [
    (0x1, "R"),
    (0x2, "H"),
    (0x4, "S"),
    (0x10, "D"),
    (0x20, "A"),
    (0x40, "D"),
    (0x80, "N"),
    (0x100, "T"),
    (0x200, "SF"),
    (0x400, "RP"),
    (0x800, "C"),
    (0x1000, "O"),
    (0x2000, "NCI"),
    (0x4000, "E"),
    (0x1_0000, "V"),
];

/// Share access, or `None`.
pub(crate) fn share(out: &mut Vec<u8>, share: u32) {
    if share & 7 == 0 {
        out.extend_from_slice(b"None");
    }
    joined(out, share, &[(1, "Read"), (2, "Write"), (4, "Delete")]);
}

/// Bits of `IrpFlags | OperationFlags << 20` that Procmon shows for reads and writes.
pub(crate) const IO_FLAGS_SHOWN: u32 = 0x00E0_00FF;

/// I/O flags of a read or write.
pub(crate) fn io_flags(out: &mut Vec<u8>, flags: u32) {
    joined(out, flags, &IO_FLAGS);
}

/// I/O flags in the order Procmon prints them.
const IO_FLAGS: [(u32, &str); 6] = [
    (0x10, "Buffered"),
    (0x1, "Non-cached"),
    (0x2, "Paging I/O"),
    (0x4, "Synchronous"),
    (0x40, "Synchronous Paging I/O"),
    (0x40_0000, "Write Through"),
];

/// `Normal` and so on.
pub(crate) fn priority(out: &mut Vec<u8>, priority: u32) {
    match priority {
        1 => out.extend_from_slice(b"Very Low"),
        2 => out.extend_from_slice(b"Low"),
        3 => out.extend_from_slice(b"Normal"),
        4 => out.extend_from_slice(b"High"),
        5 => out.extend_from_slice(b"Critical"),
        other => text::hex(out, other.into()),
    }
}

/// The bit of security information that releases before 3.60 have no name for.
const ACCESS_FILTER: u32 = 0x100;

/// Security information.
pub(crate) const SECURITY: [(u32, &str); 14] = [
    (0x1, "Owner"),
    (0x2, "Group"),
    (0x4, "DACL"),
    (0x8, "SACL"),
    (0x10, "Label"),
    (0x20, "Attribute"),
    (0x40, "Scope"),
    (0x80, "Process Trust Label"),
    (ACCESS_FILTER, "Access Filter"),
    (0x1_0000, "Backup"),
    (0x8000_0000, "DACL Protected"),
    (0x4000_0000, "SACL Protected"),
    (0x2000_0000, "DACL Unprotected"),
    (0x1000_0000, "SACL Unprotected"),
];

/// Security information; bits without a name in that release as one hex number at the end.
pub(crate) fn security(out: &mut Vec<u8>, information: u32, generation: Generation) {
    let unnamed = if generation >= Generation::V3_6 { 0 } else { information & ACCESS_FILTER };
    let start = out.len();
    let rest = joined(out, information & !unnamed, &SECURITY) | unnamed;
    finish(out, start, rest);
}

/// What `DEVICE_TYPE` 1 and the following are called.
pub(crate) const DEVICE_TYPES: [&str; 45] = [
    "Beep",
    "CD-ROM",
    "CD-ROM File System",
    "Controller",
    "Datalink",
    "DFS",
    "Disk",
    "Disk File System",
    "File System",
    "Inport Port",
    "Keyboard",
    "Mailslot",
    "MIDI In",
    "MIDI Out",
    "Mouse",
    "Multi UNC Provider",
    "Named Pipe",
    "Network",
    "Network Browser",
    "Network File System",
    "NULL",
    "Parallel Port",
    "Physical Netcard",
    "Printer",
    "Scanner",
    "Serial Mouse Port",
    "Serial Port",
    "Screen",
    "Sound",
    "Streams",
    "Tape",
    "Tape File System",
    "Transport",
    "Unknown",
    "Video",
    "Virtual Disk",
    "Wave In",
    "Wave Out",
    "8042 Port",
    "Network Redirector",
    "Battery",
    "Bus Extender",
    "Modem",
    "VDM",
    "Mass Storage",
];

/// Characteristics of a volume's device.
pub(crate) const CHARACTERISTICS: [(u32, &str); 8] = [
    (0x1, "Removable"),
    (0x2, "Read-Only"),
    (0x4, "Floppy"),
    (0x8, "Write-Once"),
    (0x10, "Remote"),
    (0x20, "Mounted"),
    (0x40, "Virtual"),
    (0x80, "Secure Open"),
];

/// What a change notification waits for.
pub(crate) const NOTIFY: [(u32, &str); 12] = [
    (0x1, "FILE_NOTIFY_CHANGE_FILE_NAME"),
    (0x2, "FILE_NOTIFY_CHANGE_DIR_NAME"),
    (0x4, "FILE_NOTIFY_CHANGE_ATTRIBUTES"),
    (0x8, "FILE_NOTIFY_CHANGE_SIZE"),
    (0x10, "FILE_NOTIFY_CHANGE_LAST_WRITE"),
    (0x20, "FILE_NOTIFY_CHANGE_LAST_ACCESS"),
    (0x40, "FILE_NOTIFY_CHANGE_CREATION"),
    (0x80, "FILE_NOTIFY_CHANGE_EA"),
    (0x100, "FILE_NOTIFY_CHANGE_SECURITY"),
    (0x200, "FILE_NOTIFY_CHANGE_STREAM_NAME"),
    (0x400, "FILE_NOTIFY_CHANGE_STREAM_SIZE"),
    (0x800, "FILE_NOTIFY_CHANGE_STREAM_WRITE"),
];

/// What a change notification waits for; unknown bits are not shown.
pub(crate) fn notify(out: &mut Vec<u8>, filter: u32) {
    joined(out, filter, &NOTIFY);
}

/// Volume attributes in the order Procmon prints them.
pub(crate) const VOLUME_ATTRIBUTES: [(u32, &str); 12] = [
    (0x2, "Case Preserved"),
    (0x1, "Case Sensitive"),
    (0x4, "Unicode"),
    (0x8, "ACLs"),
    (0x10, "Compression"),
    (0x4_0000, "Named Streams"),
    (0x2_0000, "EFS"),
    (0x1_0000, "Object IDs"),
    (0x80, "Reparse Points"),
    (0x40, "Sparse Files"),
    (0x20, "Quotas"),
    (0x20_0000, "Transactions"),
];

/// Protections in the order Procmon looks for them; the first that is set is printed.
const PROTECTION: [(u32, &str); 6] = [
    (0x2, "PAGE_READONLY"),
    (0x4, "PAGE_READWRITE"),
    (0x8, "PAGE_WRITECOPY"),
    (0x10, "PAGE_EXECUTE"),
    (0x20, "PAGE_EXECUTE_READ"),
    (0x40, "PAGE_EXECUTE_READWRITE"),
];

/// Page protection as Procmon prints it: nothing when no bit is known.
pub(crate) fn protection(out: &mut Vec<u8>, protection: u32, generation: Generation) {
    if let Some((_, name)) = PROTECTION.iter().find(|(bit, _)| protection & bit != 0) {
        out.extend_from_slice(name.as_bytes());
    } else if protection & 0x80 != 0 && generation >= Generation::V4 {
        // Earlier releases are not known to have had this name.
        out.extend_from_slice(b"PAGE_EXECUTE_WRITECOPY");
    }
    if protection & 0x200 != 0 {
        out.extend_from_slice(b"|PAGE_NOCACHE");
    }
}

/// The name of a control code, or its parts.
pub(crate) fn control(out: &mut Vec<u8>, code: ControlCode) {
    if let Some(name) = code.name() {
        return out.extend_from_slice(name.as_bytes());
    }
    text::hex(out, code.0.into());
    out.extend_from_slice(b" (Device:");
    text::hex(out, code.device().into());
    out.extend_from_slice(b" Function:");
    text::decimal(out, code.function().into());
    out.extend_from_slice(b" Method: ");
    text::decimal(out, code.method().into());
    out.push(b')');
}

/// What Procmon shows for a value without a name.
pub(crate) const UNNAMED: &str = "<unknown>";

/// CreateFile's disposition.
pub(crate) const fn disposition(disposition: u32) -> &'static str {
    match disposition {
        0 => "Supersede",
        1 => "Open",
        2 => "Create",
        3 => "OpenIf",
        4 => "Overwrite",
        5 => "OverwriteIf",
        _ => UNNAMED,
    }
}

/// What a CreateFile did.
pub(crate) const fn open_result(information: u32) -> &'static str {
    match information {
        0 => "Superseded",
        1 => "Opened",
        2 => "Created",
        3 => "Overwritten",
        4 => "Exists",
        5 => "DoesNotExist",
        _ => UNNAMED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn access_masks_are_taken_greedily() {
        assert_eq!(text(|out| file_access(out, 0x1F_01FF)), "All Access");
        assert_eq!(text(|out| file_access(out, 0x1000_0000)), "All Access");
        assert_eq!(text(|out| file_access(out, 0x8000_0000)), "Generic Read");
        assert_eq!(text(|out| file_access(out, 0xC010_0000)), "Generic Read/Write");
        assert_eq!(text(|out| file_access(out, 0x12_00A9)), "Generic Read/Execute");
        assert_eq!(text(|out| file_access(out, 0x11_0080)), "Read Attributes, Delete, Synchronize");
        assert_eq!(text(|out| file_access(out, 0)), "None 0x0");
        assert_eq!(text(|out| file_access(out, 0x400_0000)), "None 0x4000000");
        assert_eq!(text(|out| key_access(out, 0x200_0000)), "Maximum Allowed");
        assert_eq!(text(|out| key_access(out, 0x2_0119)), "Read, WOW64_64Key");
        assert_eq!(text(|out| key_access(out, 0x8000_0000)), "Read");
        assert_eq!(text(|out| key_access(out, 0x301)), "Query Value, WOW64_Res");
        assert_eq!(text(|out| key_access(out, 0)), "None 0x0");
    }

    #[test]
    fn words() {
        assert_eq!(
            text(|out| options(out, 0x3_0021)),
            "Directory, Synchronous IO Non-Alert, Open Requiring Oplock, Disallow Exclusive"
        );
        assert_eq!(text(|out| attributes(out, 0)), "n/a");
        assert_eq!(text(|out| attributes(out, 0x2027)), "RHSANCI");
        assert_eq!(text(|out| attributes(out, 0x8_0020)), "A 0x80000");
        assert_eq!(text(|out| share(out, 7)), "Read, Write, Delete");
        assert_eq!(text(|out| share(out, 0)), "None");
        assert_eq!(text(|out| io_flags(out, 0x43)), "Non-cached, Paging I/O, Synchronous Paging I/O");
        assert_eq!(text(|out| priority(out, 6)), "0x6");
        let protection = |bits, generation| text(|out| protection(out, bits, generation));
        assert_eq!(protection(0x220, Generation::V4), "PAGE_EXECUTE_READ|PAGE_NOCACHE");
        assert_eq!(protection(0x280, Generation::V4), "PAGE_EXECUTE_WRITECOPY|PAGE_NOCACHE");
        assert_eq!(protection(0x90, Generation::V4), "PAGE_EXECUTE", "the first name stands alone");
        assert_eq!(protection(0x280, Generation::V3_6), "|PAGE_NOCACHE");
        assert_eq!(protection(0x1, Generation::V4), "");
        assert_eq!(text(|out| control(out, ControlCode(0x90240))), "FSCTL_REQUEST_OPLOCK");
        assert_eq!(text(|out| control(out, ControlCode(0x22_0001))), "0x220001 (Device:0x22 Function:0 Method: 1)");
        let security = |bits, generation| text(|out| security(out, bits, generation));
        assert_eq!(security(0x10F, Generation::V3_5), "Owner, Group, DACL, SACL, 0x100");
        assert_eq!(security(0x10F, Generation::V3_6), "Owner, Group, DACL, SACL, Access Filter");
    }
}
