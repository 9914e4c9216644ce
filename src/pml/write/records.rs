//! What a caller hands to the writer: machine, processes, modules, events.

use super::structs::fixed_text;

/// What the file header says about the machine.
#[derive(Clone, Debug)]
pub struct Header {
    /// Format version, 9.
    pub version: u32,
    /// The capturing machine is 64-bit: decides the pointer width of the whole file.
    pub is_64_bit: bool,
    /// Computer name, UTF-16, NUL-padded.
    pub computer: [u16; 0x10],
    /// System root such as `C:\Windows`, UTF-16, NUL-padded.
    pub system_root: [u16; 0x104],
    /// The reserved field at 238h.
    pub reserved: u64,
    /// Highest user-mode address of the machine.
    pub max_user_address: u64,
    /// Windows major version.
    pub os_major: u32,
    /// Windows minor version.
    pub os_minor: u32,
    /// Windows build number.
    pub os_build: u32,
    /// `dwPlatformId`, 2 on every NT.
    pub os_platform: u32,
    /// Service pack text, UTF-16, NUL-padded.
    pub service_pack: [u16; 0x80],
    /// Service pack major and minor.
    pub service_pack_version: (u16, u16),
    /// `wSuiteMask`.
    pub suite_mask: u16,
    /// `wProductType`: 1 workstation, 2 domain controller, 3 server.
    pub product_type: u8,
    /// The byte behind the product type, uninitialised in real files.
    pub os_reserved: u8,
    /// Logical processors.
    pub logical_processors: u32,
    /// Physical memory in bytes.
    pub physical_memory: u64,
}

impl Header {
    /// A header for Windows 10 build 17763 on a machine with 4 processors and 16 GiB; the public fields change it.
    pub fn new(is_64_bit: bool, computer: &str, system_root: &str) -> Self {
        Self {
            version: 9,
            is_64_bit,
            computer: fixed_text(computer),
            system_root: fixed_text(system_root),
            reserved: 0,
            max_user_address: if is_64_bit { 0x7FFF_FFFE_FFFF } else { 0x7FFE_FFFF },
            os_major: 10,
            os_minor: 0,
            os_build: 17763,
            os_platform: 2,
            service_pack: [0; 0x80],
            service_pack_version: (0, 0),
            suite_mask: 0x100,
            product_type: 1,
            os_reserved: 0,
            logical_processors: 4,
            physical_memory: 16 << 30,
        }
    }
}

/// One process record. Texts are string indices from [`PmlWriter::add_string`](super::PmlWriter::add_string); times are FILETIME (100 ns since 1601).
#[derive(Clone, Debug)]
pub struct Process {
    /// The driver's process number, unique in the file; events refer to it.
    pub index: u32,
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub parent_pid: u32,
    /// Parent's process number; it need not be in the table.
    pub parent_index: u32,
    /// Authentication id of the logon.
    pub luid: u64,
    /// Session number.
    pub session: u32,
    /// The padding after the session, uninitialised in real files.
    pub padding: u32,
    /// Start time.
    pub start: u64,
    /// End time, 0 while running.
    pub end: u64,
    /// 1 when virtualised, `u32::MAX` when unknown.
    pub virtualized: u32,
    /// 1 for a 64-bit process, 0 for WOW64 and on 32-bit machines.
    pub is_64_bit: u32,
    /// Integrity level, a localised account name.
    pub integrity: u32,
    /// User, a localised account name.
    pub user: u32,
    /// Process name.
    pub name: u32,
    /// Image path.
    pub image_path: u32,
    /// Command line.
    pub command_line: u32,
    /// Company of the image.
    pub company: u32,
    /// File version of the image.
    pub version: u32,
    /// Description of the image.
    pub description: u32,
    /// Small icon.
    pub icon_small: u32,
    /// Large icon.
    pub icon_large: u32,
    /// The flag before the module count: 1 in its low byte, the rest uninitialised in real files.
    pub modules_inline: u64,
    /// Modules, sorted by base address.
    pub modules: Vec<Module>,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            index: 0,
            pid: 0,
            parent_pid: 0,
            parent_index: 0,
            luid: 0x3E7,
            session: 0,
            padding: 0,
            start: 0,
            end: 0,
            virtualized: 0,
            is_64_bit: 0,
            integrity: 0,
            user: 0,
            name: 0,
            image_path: 0,
            command_line: 0,
            company: 0,
            version: 0,
            description: 0,
            icon_small: 0,
            icon_large: 0,
            modules_inline: 1,
            modules: Vec::new(),
        }
    }
}

/// One module of a process, or a kernel module when the process is System.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Load time, FILETIME.
    pub load_time: u64,
    /// Upper half of the load-time slot on 64-bit machines, uninitialised in real files.
    pub padding: u32,
    /// Base address.
    pub base: u64,
    /// Size in memory.
    pub size: u32,
    /// Path, a string index.
    pub path: u32,
    /// File version, a string index.
    pub version: u32,
    /// Company, a string index.
    pub company: u32,
    /// Description, a string index.
    pub description: u32,
    /// Time stamp of the PE header.
    pub pe_timestamp: u32,
    /// Size by the PE header.
    pub pe_size: u32,
}

/// One event, its parts as bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawEvent<'a> {
    /// The process the event belongs to, by its index.
    pub process_index: u32,
    /// Thread id.
    pub tid: u32,
    /// Event class, 1 process to 5 network.
    pub class: u32,
    /// Operation within the class.
    pub operation: u16,
    /// The driver's sequence number.
    pub sequence: u32,
    /// Duration in 100 ns; meaningless while pending.
    pub duration: u64,
    /// Start time, FILETIME.
    pub time: u64,
    /// NTSTATUS; 103h marks an operation still pending at the end of the capture.
    pub result: u32,
    /// Stack frames, innermost first.
    pub stack: &'a [u64],
    /// The detail block.
    pub detail: &'a [u8],
    /// The extra detail block without its size field.
    pub extra: Option<&'a [u8]>,
}
