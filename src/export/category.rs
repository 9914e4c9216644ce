//! The Category column.

use super::row::{Body, Row};
use crate::nt::ControlCode;
use crate::pml::FileDetail;
use crate::pml::bytes::{u8_at, u32_at};
use crate::pml::detail::file::CreateFile;
use crate::pml::detail::info::class;
use crate::pml::detail::registry::Opened;
use crate::pml::ops::code;

const READ: &str = "Read";
const WRITE: &str = "Write";
const READ_METADATA: &str = "Read Metadata";
const WRITE_METADATA: &str = "Write Metadata";

/// `Read`, `Write`, `Read Metadata`, `Write Metadata`, or nothing.
pub(crate) fn category(row: &Row<'_>) -> &'static str {
    match row.body {
        Body::File(file) => file_category(row, file),
        Body::Registry(_) => registry_category(row),
        _ => "",
    }
}

fn registry_category(row: &Row<'_>) -> &'static str {
    match row.operation {
        code::REG_OPEN_KEY
        | code::REG_QUERY_KEY
        | code::REG_QUERY_VALUE
        | code::REG_ENUM_KEY
        | code::REG_ENUM_VALUE
        | code::REG_QUERY_MULTIPLE_VALUE_KEY => READ,
        code::REG_CREATE_KEY => match row.event.extra().ok().flatten().and_then(Opened::parse) {
            Some(Opened { disposition: 1, .. }) => WRITE,
            _ => READ,
        },
        code::REG_SET_VALUE | code::REG_DELETE_KEY | code::REG_DELETE_VALUE | code::REG_RENAME_KEY => WRITE,
        code::REG_QUERY_KEY_SECURITY => READ_METADATA,
        code::REG_SET_INFO_KEY | code::REG_SET_KEY_SECURITY => WRITE_METADATA,
        _ => "",
    }
}

fn file_category(row: &Row<'_>, file: FileDetail<'_>) -> &'static str {
    match row.operation {
        code::READ_FILE | code::MDL_READ => READ,
        code::WRITE_FILE | code::PREPARE_MDL_WRITE => WRITE,
        code::CREATE_FILE => {
            let Some(create) = row.event.extra().ok().and_then(|extra| CreateFile::parse(file, extra)) else {
                return "";
            };
            match (create.information, create.disposition) {
                (Some(0 | 2 | 3), _) => WRITE,
                (Some(1 | 4 | 5), _) => "",
                // Failed, pending or redirected: by what was asked for.
                (_, 0 | 2..=5) => WRITE,
                _ => "",
            }
        }
        code::QUERY_INFORMATION | code::QUERY_EA | code::QUERY_SECURITY => READ_METADATA,
        code::DIRECTORY_CONTROL if matches!(file.sub_operation(), 1 | 2) => READ_METADATA,
        code::SET_INFORMATION => match file.sub_operation() {
            class::RENAME | class::RENAME_EX | class::RENAME_EX_BYPASS | class::LINK => WRITE,
            class::DISPOSITION if u8_at(file.tail, 0).is_some_and(|delete| delete != 0) => WRITE,
            class::DISPOSITION_EX if u32_at(file.tail, 0).is_some_and(|flags| flags & 1 != 0) => WRITE,
            _ => WRITE_METADATA,
        },
        code::SET_EA | code::SET_SECURITY => WRITE_METADATA,
        code::FILE_SYSTEM_CONTROL => control_category(ControlCode(file.argument_u32(3))),
        _ => "",
    }
}

/// By control code, whose names stand beside.
const fn control_category(code: ControlCode) -> &'static str {
    match code.0 {
        // OFFLOAD_READ, GET_REPARSE_POINT, READ_RAW_ENCRYPTED
        0x9_4264 | 0x9_00A8 | 0x9_00E3 => READ,
        // OFFLOAD_WRITE, MOVE_FILE, DELETE_REPARSE_POINT, WRITE_RAW_ENCRYPTED, PIPE_TRANSCEIVE, PIPE_INTERNAL_TRANSCEIVE
        0x9_8268 | 0x9_0074 | 0x9_00AC | 0x9_00DF | 0x11_C017 | 0x11_DFFF => WRITE,
        // SET_COMPRESSION, WRITE_PROPERTY_DATA, SET_OBJECT_ID, DELETE_OBJECT_ID, SET_REPARSE_POINT, SET_SPARSE
        0x9_C040 | 0x9_008B | 0x9_0098 | 0x9_00A0 | 0x9_00A4 | 0x9_00C4
        // SET_ENCRYPTION, CREATE_USN_JOURNAL, WRITE_USN_CLOSE_RECORD, EXTEND_VOLUME, DELETE_USN_JOURNAL
        | 0x9_00D7 | 0x9_00E7 | 0x9_00EF | 0x9_00F0 | 0x9_00F8 => WRITE_METADATA,
        // QUERY_RETRIEVAL_POINTERS, GET_COMPRESSION, QUERY_FAT_BPB, FILESYSTEM_GET_STATISTICS, GET_NTFS_VOLUME_DATA
        0x9_003B | 0x9_003C | 0x9_0058 | 0x9_0060 | 0x9_0064
        // GET_NTFS_FILE_RECORD, GET_VOLUME_BITMAP, GET_RETRIEVAL_POINTERS, IS_VOLUME_DIRTY, READ_PROPERTY_DATA
        | 0x9_0068 | 0x9_006F | 0x9_0073 | 0x9_0078 | 0x9_0087
        // FIND_FILES_BY_SID, GET_OBJECT_ID, READ_USN_JOURNAL, SET_OBJECT_ID_EXTENDED, CREATE_OR_GET_OBJECT_ID
        | 0x9_008F | 0x9_009C | 0x9_00BB | 0x9_00BC | 0x9_00C0
        // READ_FILE_USN_DATA, QUERY_USN_JOURNAL
        | 0x9_00EB | 0x9_00F4 => READ_METADATA,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_codes_have_the_category_of_their_name() {
        let by_name =
            |name: &str| (0..=0x12_0000).map(ControlCode).find(|code| code.name() == Some(name)).map(control_category);
        for (category, names) in [
            (READ, &["OFFLOAD_READ", "GET_REPARSE_POINT", "READ_RAW_ENCRYPTED"][..]),
            (
                WRITE,
                &[
                    "OFFLOAD_WRITE",
                    "MOVE_FILE",
                    "DELETE_REPARSE_POINT",
                    "WRITE_RAW_ENCRYPTED",
                    "PIPE_TRANSCEIVE",
                    "PIPE_INTERNAL_TRANSCEIVE",
                ],
            ),
            (
                WRITE_METADATA,
                &[
                    "SET_COMPRESSION",
                    "WRITE_PROPERTY_DATA",
                    "SET_OBJECT_ID",
                    "DELETE_OBJECT_ID",
                    "SET_REPARSE_POINT",
                    "SET_SPARSE",
                    "SET_ENCRYPTION",
                    "CREATE_USN_JOURNAL",
                    "WRITE_USN_CLOSE_RECORD",
                    "EXTEND_VOLUME",
                    "DELETE_USN_JOURNAL",
                ],
            ),
            (
                READ_METADATA,
                &[
                    "QUERY_RETRIEVAL_POINTERS",
                    "GET_COMPRESSION",
                    "QUERY_FAT_BPB",
                    "FILESYSTEM_GET_STATISTICS",
                    "GET_NTFS_VOLUME_DATA",
                    "GET_NTFS_FILE_RECORD",
                    "GET_VOLUME_BITMAP",
                    "GET_RETRIEVAL_POINTERS",
                    "IS_VOLUME_DIRTY",
                    "READ_PROPERTY_DATA",
                    "FIND_FILES_BY_SID",
                    "GET_OBJECT_ID",
                    "READ_USN_JOURNAL",
                    "SET_OBJECT_ID_EXTENDED",
                    "CREATE_OR_GET_OBJECT_ID",
                    "READ_FILE_USN_DATA",
                    "QUERY_USN_JOURNAL",
                ],
            ),
            ("", &["REQUEST_OPLOCK", "LOCK_VOLUME", "PIPE_LISTEN"]),
        ] {
            for name in names {
                assert_eq!(by_name(&format!("FSCTL_{name}")), Some(category), "{name}");
            }
        }
    }
}
