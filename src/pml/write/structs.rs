//! The fixed structures of a version 9 file as the writer puts them down.
//!
//! Declared apart from the reader on purpose: a wrong offset in one of the two shows as a disagreement.

use std::io::Cursor;

use binrw::{BinResult, BinWrite, binwrite};

use super::{Module, Process};

/// Size of the file header, and so the place of the first event.
pub(super) const HEADER_SIZE: u64 = 0x3A8;

/// The file header.
#[binwrite]
#[bw(little, magic = b"PML_")]
pub(super) struct HeaderRecord {
    pub(super) version: u32,
    pub(super) is_64_bit: u32,
    pub(super) computer: [u16; 0x10],
    pub(super) system_root: [u16; 0x104],
    pub(super) event_count: u32,
    pub(super) reserved: u64,
    pub(super) first_event: u64,
    pub(super) event_offsets: u64,
    pub(super) processes: u64,
    pub(super) strings: u64,
    pub(super) icons: u64,
    pub(super) max_user_address: u64,
    pub(super) os_info_size: u32,
    pub(super) os_major: u32,
    pub(super) os_minor: u32,
    pub(super) os_build: u32,
    pub(super) os_platform: u32,
    pub(super) service_pack: [u16; 0x80],
    pub(super) service_pack_major: u16,
    pub(super) service_pack_minor: u16,
    pub(super) suite_mask: u16,
    pub(super) product_type: u8,
    pub(super) os_reserved: u8,
    pub(super) logical_processors: u32,
    pub(super) physical_memory: u64,
    pub(super) header_size: u64,
    pub(super) hosts: u64,
}

/// A value as wide as a pointer of the capturing machine.
#[binwrite]
#[bw(little, import(wide: bool))]
struct Pointer {
    low: u32,
    #[bw(if(wide))]
    high: u32,
}

impl Pointer {
    fn new(value: u64) -> Self {
        Self { low: value as u32, high: (value >> 32) as u32 }
    }
}

/// The fixed part of a process record.
#[binwrite]
#[bw(little, import(wide: bool))]
struct ProcessHead {
    index: u32,
    pid: u32,
    parent_pid: u32,
    parent_index: u32,
    luid: u64,
    session: u32,
    padding: u32,
    start: u64,
    end: u64,
    virtualized: u32,
    is_64_bit: u32,
    strings: [u32; 8],
    icon_small: u32,
    icon_large: u32,
    #[bw(args(wide))]
    modules_inline: Pointer,
    module_count: u32,
}

/// A module of a process record.
#[binwrite]
#[bw(little, import(wide: bool))]
struct ModuleRecord {
    #[bw(args(wide))]
    load_time_low: Pointer,
    #[bw(args(wide))]
    base: Pointer,
    size: u32,
    strings: [u32; 4],
    pe_timestamp: u32,
    reserved: [u8; 12],
    pe_size: u32,
    reserved_2: u32,
    load_time_high: u32,
}

/// The bytes of one process record with its modules.
pub(super) fn process_record(process: &Process, is_64_bit: bool) -> BinResult<Vec<u8>> {
    let module_count = u32::try_from(process.modules.len()).unwrap_or(u32::MAX);
    let mut out = Cursor::new(Vec::with_capacity(0x6C + process.modules.len() * 0x40));
    ProcessHead {
        index: process.index,
        pid: process.pid,
        parent_pid: process.parent_pid,
        parent_index: process.parent_index,
        luid: process.luid,
        session: process.session,
        padding: process.padding,
        start: process.start,
        end: process.end,
        virtualized: process.virtualized,
        is_64_bit: process.is_64_bit,
        strings: [
            process.integrity,
            process.user,
            process.name,
            process.image_path,
            process.command_line,
            process.company,
            process.version,
            process.description,
        ],
        icon_small: process.icon_small,
        icon_large: process.icon_large,
        modules_inline: Pointer::new(process.modules_inline),
        module_count,
    }
    .write_args(&mut out, (is_64_bit,))?;
    for module in &process.modules {
        module_record(module).write_args(&mut out, (is_64_bit,))?;
    }
    Ok(out.into_inner())
}

fn module_record(module: &Module) -> ModuleRecord {
    ModuleRecord {
        // The upper half of this slot is never set by Procmon: the other half of the time stands at the end.
        load_time_low: Pointer { low: module.load_time as u32, high: module.padding },
        base: Pointer::new(module.base),
        size: module.size,
        strings: [module.path, module.version, module.company, module.description],
        pe_timestamp: module.pe_timestamp,
        reserved: [0; 12],
        pe_size: module.pe_size,
        reserved_2: 0,
        load_time_high: (module.load_time >> 32) as u32,
    }
}

/// Characters of `text` into a fixed NUL-padded field, cut so that one NUL always remains.
pub(super) fn fixed_text<const N: usize>(text: &str) -> [u16; N] {
    let mut field = [0; N];
    for (place, unit) in field.iter_mut().take(N.saturating_sub(1)).zip(text.encode_utf16()) {
        *place = unit;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_sizes_of_the_format() {
        let mut process = Process::default();
        assert_eq!(process_record(&process, true).unwrap().len(), 0x6C);
        assert_eq!(process_record(&process, false).unwrap().len(), 0x68);
        process.modules.push(Module::default());
        assert_eq!(process_record(&process, true).unwrap().len(), 0x6C + 0x40);
        assert_eq!(process_record(&process, false).unwrap().len(), 0x68 + 0x38);
    }

    #[test]
    fn module_fields_stand_where_the_format_has_them() {
        let process = Process {
            modules: vec![Module {
                base: 0x7FF8_1234_5000,
                size: 0x0011_2233,
                load_time: 0x01D8_DAD9_EB07_8FE7,
                path: 7,
                ..Module::default()
            }],
            ..Process::default()
        };
        let wide = process_record(&process, true).unwrap();
        let module = &wide[0x6C..];
        assert_eq!(module[0x00..0x04], 0xEB07_8FE7_u32.to_le_bytes());
        assert_eq!(module[0x08..0x10], 0x7FF8_1234_5000_u64.to_le_bytes());
        assert_eq!(module[0x10..0x14], 0x0011_2233_u32.to_le_bytes());
        assert_eq!(module[0x14..0x18], 7_u32.to_le_bytes());
        assert_eq!(module[0x3C..0x40], 0x01D8_DAD9_u32.to_le_bytes());
        let narrow = process_record(&process, false).unwrap();
        assert_eq!(narrow[0x68 + 0x34..0x68 + 0x38], 0x01D8_DAD9_u32.to_le_bytes());
        assert_eq!(wide[0x60], 1);
    }
}
