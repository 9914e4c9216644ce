//! HRESULT, NTSTATUS and Win32 codes as servicing prints them, and how one is dressed as another.
//!
//! Values and names: Windows SDK headers `ntstatus.h`, `winerror.h`, MS-ERREF; the `CBS_E_` and `PSFX_E_` names are
//! printed by CBS itself.

/// `STATUS_` names with their value and the Win32 code they become (0: none of interest).
const NT: &[(u32, &str, u32)] = &[
    (0x0000_0000, "STATUS_SUCCESS", 0),
    (0x0000_0108, "STATUS_OPLOCK_BREAK_IN_PROGRESS", 742),
    (0xC000_0001, "STATUS_UNSUCCESSFUL", 31),
    (0xC000_000D, "STATUS_INVALID_PARAMETER", 87),
    (0xC000_000F, "STATUS_NO_SUCH_FILE", 2),
    (0xC000_0011, "STATUS_END_OF_FILE", 38),
    (0xC000_0017, "STATUS_NO_MEMORY", 8),
    (0xC000_0022, "STATUS_ACCESS_DENIED", 5),
    (0xC000_0034, "STATUS_OBJECT_NAME_NOT_FOUND", 2),
    (0xC000_0035, "STATUS_OBJECT_NAME_COLLISION", 183),
    (0xC000_003A, "STATUS_OBJECT_PATH_NOT_FOUND", 3),
    (0xC000_003E, "STATUS_DATA_ERROR", 23),
    (0xC000_0043, "STATUS_SHARING_VIOLATION", 32),
    (0xC000_0054, "STATUS_FILE_LOCK_CONFLICT", 33),
    (0xC000_0055, "STATUS_LOCK_NOT_GRANTED", 33),
    (0xC000_0056, "STATUS_DELETE_PENDING", 303),
    (0xC000_007F, "STATUS_DISK_FULL", 112),
    (0xC000_009A, "STATUS_INSUFFICIENT_RESOURCES", 1450),
    (0xC000_00BA, "STATUS_FILE_IS_A_DIRECTORY", 5),
    (0xC000_00BB, "STATUS_NOT_SUPPORTED", 50),
    (0xC000_00E2, "STATUS_OPLOCK_NOT_GRANTED", 300),
    (0xC000_0101, "STATUS_DIRECTORY_NOT_EMPTY", 145),
    (0xC000_0102, "STATUS_FILE_CORRUPT_ERROR", 1392),
    (0xC000_0120, "STATUS_CANCELLED", 995),
    (0xC000_0121, "STATUS_CANNOT_DELETE", 5),
    (0xC000_0123, "STATUS_FILE_DELETED", 5),
    (0xC000_0185, "STATUS_IO_DEVICE_ERROR", 1117),
    (0xC000_0225, "STATUS_NOT_FOUND", 1168),
    (0xC000_0243, "STATUS_USER_MAPPED_FILE", 1224),
    (0xC000_0279, "STATUS_IO_REPARSE_TAG_NOT_HANDLED", 1920),
    (0xC000_0909, "STATUS_CANNOT_BREAK_OPLOCK", 802),
    (0xC015_0004, "STATUS_SXS_ASSEMBLY_NOT_FOUND", 14003),
    (0xC015_001A, "STATUS_SXS_COMPONENT_STORE_CORRUPT", 14098),
    (0xC015_001B, "STATUS_SXS_FILE_HASH_MISMATCH", 14028),
];

/// Win32 codes with their names.
const WIN32: &[(u32, &str)] = &[
    (2, "ERROR_FILE_NOT_FOUND"),
    (3, "ERROR_PATH_NOT_FOUND"),
    (5, "ERROR_ACCESS_DENIED"),
    (8, "ERROR_NOT_ENOUGH_MEMORY"),
    (13, "ERROR_INVALID_DATA"),
    (14, "ERROR_OUTOFMEMORY"),
    (23, "ERROR_CRC"),
    (31, "ERROR_GEN_FAILURE"),
    (32, "ERROR_SHARING_VIOLATION"),
    (33, "ERROR_LOCK_VIOLATION"),
    (38, "ERROR_HANDLE_EOF"),
    (50, "ERROR_NOT_SUPPORTED"),
    (80, "ERROR_FILE_EXISTS"),
    (87, "ERROR_INVALID_PARAMETER"),
    (112, "ERROR_DISK_FULL"),
    (145, "ERROR_DIR_NOT_EMPTY"),
    (183, "ERROR_ALREADY_EXISTS"),
    (300, "ERROR_OPLOCK_NOT_GRANTED"),
    (303, "ERROR_DELETE_PENDING"),
    (742, "ERROR_OPLOCK_BREAK_IN_PROGRESS"),
    (802, "ERROR_CANNOT_BREAK_OPLOCK"),
    (995, "ERROR_OPERATION_ABORTED"),
    (1067, "ERROR_PROCESS_ABORTED"),
    (1117, "ERROR_IO_DEVICE"),
    (1168, "ERROR_NOT_FOUND"),
    (1223, "ERROR_CANCELLED"),
    (1224, "ERROR_USER_MAPPED_FILE"),
    (1341, "ERROR_SERVER_DISABLED"),
    (1392, "ERROR_FILE_CORRUPT"),
    (1450, "ERROR_NO_SYSTEM_RESOURCES"),
    (1460, "ERROR_TIMEOUT"),
    (1726, "RPC_S_CALL_FAILED"),
    (1920, "ERROR_CANT_ACCESS_FILE"),
    (3017, "ERROR_FAIL_REBOOT_REQUIRED"),
    (14003, "ERROR_SXS_ASSEMBLY_NOT_FOUND"),
    (14028, "ERROR_SXS_FILE_HASH_MISMATCH"),
    (14081, "ERROR_SXS_ASSEMBLY_MISSING"),
    (14098, "ERROR_SXS_COMPONENT_STORE_CORRUPT"),
    (14107, "ERROR_SXS_TRANSACTION_CLOSURE_INCOMPLETE"),
];

/// HRESULTs that are no dressed Win32 code.
const HRESULT: &[(u32, &str)] = &[
    (0x0000_0000, "S_OK"),
    (0x0000_0001, "S_FALSE"),
    (0x8000_4004, "E_ABORT"),
    (0x8000_4005, "E_FAIL"),
    (0x8000_FFFF, "E_UNEXPECTED"),
    (0x800F_0207, "SPAPI_E_DEVINST_ALREADY_EXISTS"),
    (0x800F_081E, "CBS_E_NOT_APPLICABLE"),
    (0x800F_081F, "CBS_E_SOURCE_MISSING"),
    (0x800F_0820, "CBS_E_CANCEL"),
    (0x800F_0823, "CBS_E_NEW_SERVICING_STACK_REQUIRED"),
    (0x800F_0830, "CBS_E_IMAGE_UNSERVICEABLE"),
    (0x800F_0831, "CBS_E_STORE_CORRUPTION"),
    (0x800F_0832, "CBS_E_STORE_TOO_MUCH_CORRUPTION"),
    (0x800F_0902, "CBS_E_BUSY"),
    (0x800F_0905, "CBS_E_NO_ACTIVE_EDITION"),
    (0x800F_0906, "CBS_E_DOWNLOAD_FAILURE"),
    (0x800F_0907, "CBS_E_GROUPPOLICY_DISALLOWED"),
    (0x800F_0920, "CBS_E_HANG_DETECTED"),
    (0x800F_0921, "CBS_E_PRIMITIVES_FAILED"),
    (0x800F_0922, "CBS_E_INSTALLERS_FAILED"),
    (0x800F_0980, "PSFX_E_DELTA_NOT_SUPPORTED_FOR_COMPONENT"),
    (0x800F_0981, "PSFX_E_REVERSE_AND_FORWARD_DELTAS_MISSING"),
    (0x800F_0982, "PSFX_E_MATCHING_COMPONENT_NOT_FOUND"),
    (0x800F_0983, "PSFX_E_MATCHING_COMPONENT_DIRECTORY_MISSING"),
    (0x800F_0984, "PSFX_E_MATCHING_BINARY_MISSING"),
    (0x800F_0985, "PSFX_E_APPLY_REVERSE_DELTA_FAILED"),
    (0x800F_0986, "PSFX_E_APPLY_FORWARD_DELTA_FAILED"),
    (0x800F_0987, "PSFX_E_NULL_DELTA_HYDRATION_FAILED"),
    (0x800F_0988, "PSFX_E_INVALID_DELTA_COMBINATION"),
    (0x800F_0989, "PSFX_E_REVERSE_DELTA_MISSING"),
    (0x8024_0017, "WU_E_NOT_APPLICABLE"),
    (0x8024_200B, "WU_E_UH_INSTALLERFAILURE"),
    (0x8024_2016, "WU_E_UH_POSTREBOOTUNEXPECTEDSTATE"),
];

/// `FACILITY_NT_BIT`: an HRESULT made from an NTSTATUS has it.
const NT_BIT: u32 = 0x1000_0000;

/// The Win32 code inside `0x8007nnnn`, or inside one dressed as NTSTATUS (`0xC007nnnn`, `0xD007nnnn`).
pub const fn win32_of(code: u32) -> Option<u32> {
    match code >> 16 {
        0x8007 | 0xC007 | 0xD007 => Some(code & 0xFFFF),
        _ => None,
    }
}

/// The NTSTATUS inside `0xDnnnnnnn`, or the value itself when it is an error status.
pub const fn ntstatus_of(code: u32) -> Option<u32> {
    if win32_of(code).is_some() {
        return None;
    }
    match code >> 28 {
        0xC => Some(code),
        0xD => Some(code & !NT_BIT),
        _ => None,
    }
}

/// Whether the code is an error (an HRESULT or NTSTATUS with the severity bit).
pub const fn failed(code: u32) -> bool {
    code & 0x8000_0000 != 0
}

/// The name of a code, whatever it is dressed as.
pub fn symbol(code: u32) -> Option<&'static str> {
    if let Some(win32) = win32_of(code) {
        return WIN32.iter().find(|(value, _)| *value == win32).map(|(_, name)| *name);
    }
    if let Some(status) = ntstatus_of(code) {
        return NT.iter().find(|(value, ..)| *value == status).map(|(_, name, _)| *name);
    }
    HRESULT.iter().find(|(value, _)| *value == code).map(|(_, name)| *name)
}

/// Every error code with a name, as the HRESULT or NTSTATUS a log prints.
pub fn known() -> impl Iterator<Item = u32> {
    let nt = NT.iter().map(|(code, ..)| *code);
    let win32 = WIN32.iter().map(|(code, _)| 0x8007_0000 | *code);
    nt.chain(win32).chain(HRESULT.iter().map(|(code, _)| *code)).filter(|code| failed(*code))
}

/// The value of a `STATUS_…` name.
fn status_by_name(name: &str) -> Option<u32> {
    NT.iter().find(|(_, known, _)| *known == name).map(|(code, ..)| *code)
}

/// The Win32 code of an `ERROR_…` name or of decimal digits.
fn win32_by_name(name: &str) -> Option<u32> {
    if let Some((code, _)) = WIN32.iter().find(|(_, known)| *known == name) {
        return Some(*code);
    }
    name.parse().ok().filter(|code| *code <= 0xFFFF)
}

/// A status as a failure record prints it: `STATUS_NAME`, `HRESULT_FROM_WIN32(X)`, `NTSTATUS_FROM_WIN32(X)` or hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed<'a> {
    /// The words as printed, without the bracketed explanation behind bare hex.
    pub text: &'a str,
    /// The value; `None` for a name not known here.
    pub code: Option<u32>,
}

/// Reads a printed status at the start of `text` and gives what follows it.
pub fn parse_printed(text: &str) -> Option<(Printed<'_>, &str)> {
    let word_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(word_end)?;
    for (prefix, dress) in [("HRESULT_FROM_WIN32", 0x8007_0000), ("NTSTATUS_FROM_WIN32", 0xC007_0000)] {
        if word == prefix {
            let (inner, rest) = rest.strip_prefix('(')?.split_once(')')?;
            let text = text.get(..text.len() - rest.len())?;
            return Some((Printed { text, code: win32_by_name(inner.trim()).map(|code| dress | code) }, rest));
        }
    }
    if word.starts_with("STATUS_") {
        return Some((Printed { text: word, code: status_by_name(word) }, rest));
    }
    let digits = word.strip_prefix("0x").unwrap_or(word);
    if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let code = u32::from_str_radix(digits, 16).ok();
        let after = rest.trim_start();
        let rest = match after.strip_prefix('[').filter(|inner| inner.contains("Facility=")) {
            Some(inner) => inner.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        return Some((Printed { text: word, code }, rest));
    }
    None
}

/// The NTSTATUS a lock-class code stands for; `None` when the code does not speak of a file in use.
///
/// Win32 5 is read as STATUS_ACCESS_DENIED, though other statuses become 5 too.
pub fn lock_status(code: u32) -> Option<u32> {
    let status = match win32_of(code) {
        Some(5) => 0xC000_0022,
        Some(32) => 0xC000_0043,
        Some(33) => 0xC000_0054,
        Some(145) => 0xC000_0101,
        Some(300) => 0xC000_00E2,
        Some(303) => 0xC000_0056,
        Some(802) => 0xC000_0909,
        Some(1224) => 0xC000_0243,
        Some(_) => return None,
        None => ntstatus_of(code)?,
    };
    matches!(
        status,
        0xC000_0022
            | 0xC000_0043
            | 0xC000_0054
            | 0xC000_0055
            | 0xC000_0056
            | 0xC000_00E2
            | 0xC000_0101
            | 0xC000_0121
            | 0xC000_0123
            | 0xC000_0243
            | 0xC000_0909
    )
    .then_some(status)
}

/// Whether two codes are the same failure in different dress. STATUS_DELETE_PENDING is Win32 303, or 5 on older
/// builds.
pub fn same_failure(a: u32, b: u32) -> bool {
    if a == b {
        return true;
    }
    let nt = |code: u32| ntstatus_of(code);
    if let (Some(a), Some(b)) = (nt(a), nt(b)) {
        return a == b;
    }
    let win = |code: u32| {
        let own = win32_of(code);
        let status = nt(code).and_then(|status| NT.iter().find(|(value, ..)| *value == status));
        let older = status.filter(|(_, name, _)| *name == "STATUS_DELETE_PENDING").map(|_| 5);
        [own.or(status.map(|(_, _, win32)| *win32).filter(|win32| *win32 != 0)), older]
    };
    let (a, b) = (win(a), win(b));
    a.iter().flatten().any(|code| b.iter().flatten().any(|other| code == other))
}

/// Whether a code says by itself that payload of the store is missing.
pub fn says_missing(code: u32) -> bool {
    matches!(code, 0x800F_081F | 0x800F_0981 | 0x800F_0983 | 0x800F_0984 | 0x800F_0989)
        || matches!(symbol(code), Some("ERROR_FILE_NOT_FOUND" | "ERROR_PATH_NOT_FOUND"))
        || matches!(symbol(code), Some("STATUS_OBJECT_NAME_NOT_FOUND" | "STATUS_OBJECT_PATH_NOT_FOUND"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_and_dress() {
        assert_eq!(symbol(0xD000_0056), Some("STATUS_DELETE_PENDING"));
        assert_eq!(symbol(0xC000_0056), Some("STATUS_DELETE_PENDING"));
        assert_eq!(symbol(0x8007_0020), Some("ERROR_SHARING_VIOLATION"));
        assert_eq!(symbol(0xC007_000D), Some("ERROR_INVALID_DATA"));
        assert_eq!(symbol(0x800F_0986), Some("PSFX_E_APPLY_FORWARD_DELTA_FAILED"));
        assert_eq!(symbol(0x8007_0BC9), Some("ERROR_FAIL_REBOOT_REQUIRED"));
        assert_eq!(symbol(0x8007_3701), Some("ERROR_SXS_ASSEMBLY_MISSING"));
        assert_eq!(symbol(0x8007_3712), Some("ERROR_SXS_COMPONENT_STORE_CORRUPT"));
        assert_eq!(symbol(0x8007_36CC), Some("ERROR_SXS_FILE_HASH_MISMATCH"));
        assert_eq!(symbol(0x8007_371B), Some("ERROR_SXS_TRANSACTION_CLOSURE_INCOMPLETE"));
        assert_eq!(symbol(0x8007_042B), Some("ERROR_PROCESS_ABORTED"));
        assert_eq!(symbol(0x8007_06BE), Some("RPC_S_CALL_FAILED"));
        assert_eq!(symbol(0x8007_0780), Some("ERROR_CANT_ACCESS_FILE"));
        assert_eq!(symbol(0x8007_053D), Some("ERROR_SERVER_DISABLED"));
        assert_eq!(symbol(0xD015_001A), Some("STATUS_SXS_COMPONENT_STORE_CORRUPT"));
        assert_eq!(symbol(0x1234_5678), None);
    }

    #[test]
    fn tables_have_no_doubles() {
        for (at, (code, name, _)) in NT.iter().enumerate() {
            assert!(!NT[at + 1..].iter().any(|(c, n, _)| c == code || n == name), "{name}");
        }
        for table in [WIN32, HRESULT] {
            for (at, (code, name)) in table.iter().enumerate() {
                assert!(!table[at + 1..].iter().any(|(c, n)| c == code || n == name), "{name}");
            }
        }
    }

    #[test]
    fn printed_forms() {
        let of = |text| parse_printed(text).map(|(printed, rest)| (printed.code, rest));
        assert_eq!(of("STATUS_DELETE_PENDING #1# from"), Some((Some(0xC000_0056), " #1# from")));
        assert_eq!(of("HRESULT_FROM_WIN32(ERROR_SHARING_VIOLATION) #7"), Some((Some(0x8007_0020), " #7")));
        assert_eq!(of("HRESULT_FROM_WIN32(14098) #7"), Some((Some(0x8007_3712), " #7")));
        assert_eq!(of("NTSTATUS_FROM_WIN32(ERROR_INVALID_DATA) ."), Some((Some(0xC007_000D), " .")));
        assert_eq!(
            of("800f0986 [Error,Facility=(000f),Code=2438 (0x0986)] #4425893# from"),
            Some((Some(0x800F_0986), " #4425893# from"))
        );
        assert_eq!(of("c0000279 [Error, Facility=15 (0x000f), Code=633 (0x0279)] x"), Some((Some(0xC000_0279), " x")));
        assert_eq!(of("STATUS_NEVER_HEARD_OF x"), Some((None, " x")));
        assert_eq!(of("Attempting to"), None);
    }

    #[test]
    fn one_failure_in_several_dresses() {
        assert!(same_failure(0xD000_0043, 0xC000_0043));
        assert!(same_failure(0xC000_0043, 0x8007_0020));
        assert!(same_failure(0xC000_0056, 0x8007_0005) && same_failure(0x8007_012F, 0xD000_0056));
        assert!(!same_failure(0xC000_0056, 0x800F_0986) && !same_failure(0xC000_0043, 0xC000_0056));
        assert!(!same_failure(0x800F_081F, 0xC000_003A));
    }

    #[test]
    fn lock_class_codes() {
        assert_eq!(lock_status(0xD000_0056), Some(0xC000_0056));
        assert_eq!(lock_status(0x8007_04C8), Some(0xC000_0243));
        assert_eq!(lock_status(0xC000_003A), None);
        assert_eq!(lock_status(0x8007_0002), None);
    }
}
