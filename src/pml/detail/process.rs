//! Process, thread and image events, and profiling.

use crate::nt::{FileTime, Sid, Ticks};
use crate::pml::bytes::{DetailText, PointerSize, Wide, pointer_at, u8_at, u16_at, u32_at, u64_at};

/// Process Defined and Process Create: the new process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create<'a> {
    /// The driver's number of the new process.
    pub process_index: u32,
    /// Process id.
    pub pid: u32,
    /// The driver's number of its parent.
    pub parent_index: u32,
    /// Process id of its parent.
    pub parent_pid: u32,
    /// Terminal session.
    pub session: u32,
    /// A 64-bit process.
    pub is_64_bit: bool,
    /// When it was created.
    pub created: FileTime,
    /// Authentication id (LUID).
    pub authentication_id: u64,
    /// 0, 1, or 0xFFFFFFFF for unknown.
    pub virtualized: u32,
    /// Its user.
    pub user: Option<Sid<'a>>,
    /// Its integrity level.
    pub integrity: Option<Sid<'a>>,
    /// Image path.
    pub image: DetailText<'a>,
    /// Command line.
    pub command_line: DetailText<'a>,
}

impl<'a> Create<'a> {
    /// Reads the detail.
    pub fn parse(detail: &'a [u8]) -> Option<Self> {
        let user_length = usize::from(u8_at(detail, 0x2C)?);
        let integrity_length = usize::from(u8_at(detail, 0x2D)?);
        let (user, rest) = detail.get(0x34..)?.split_at_checked(user_length)?;
        let (integrity, rest) = rest.split_at_checked(integrity_length)?;
        let (image, rest) = DetailText::split(u16_at(detail, 0x2E)?, rest)?;
        let (command_line, _) = DetailText::split(u16_at(detail, 0x30)?, rest)?;
        Some(Self {
            process_index: u32_at(detail, 0)?,
            pid: u32_at(detail, 4)?,
            parent_index: u32_at(detail, 8)?,
            parent_pid: u32_at(detail, 12)?,
            session: u32_at(detail, 0x10)?,
            is_64_bit: u32_at(detail, 0x14)? != 0,
            created: FileTime(u64_at(detail, 0x18)?),
            authentication_id: u64_at(detail, 0x20)?,
            virtualized: u32_at(detail, 0x28)?,
            user: (!user.is_empty()).then_some(Sid(user)),
            integrity: (!integrity.is_empty()).then_some(Sid(integrity)),
            image: image.until_nul(),
            command_line: command_line.until_nul(),
        })
    }
}

/// Process Exit and Process Statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Exit status.
    pub exit_status: i32,
    /// Time in the kernel.
    pub kernel: Ticks,
    /// Time in user mode.
    pub user: Ticks,
    /// Working set, bytes.
    pub working_set: u64,
    /// Largest working set, bytes.
    pub peak_working_set: u64,
    /// Private memory, bytes.
    pub private: u64,
    /// Most private memory, bytes.
    pub peak_private: u64,
}

impl Statistics {
    /// Reads the detail.
    pub fn parse(detail: &[u8]) -> Option<Self> {
        Some(Self {
            exit_status: u32_at(detail, 0)?.cast_signed(),
            kernel: Ticks(u64_at(detail, 4)?),
            user: Ticks(u64_at(detail, 12)?),
            working_set: u64_at(detail, 20)?,
            peak_working_set: u64_at(detail, 28)?,
            private: u64_at(detail, 36)?,
            peak_private: u64_at(detail, 44)?,
        })
    }
}

/// Thread Exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadExit {
    /// Exit status.
    pub exit_status: u32,
    /// Time in the kernel.
    pub kernel: Ticks,
    /// Time in user mode.
    pub user: Ticks,
}

impl ThreadExit {
    /// Reads the detail.
    pub fn parse(detail: &[u8]) -> Option<Self> {
        Some(Self {
            exit_status: u32_at(detail, 0)?,
            kernel: Ticks(u64_at(detail, 4)?),
            user: Ticks(u64_at(detail, 12)?),
        })
    }
}

/// Load Image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadImage<'a> {
    /// Base address.
    pub base: u64,
    /// Size, bytes.
    pub size: u32,
    /// Image path.
    pub path: DetailText<'a>,
}

impl<'a> LoadImage<'a> {
    /// Reads the detail.
    pub fn parse(detail: &'a [u8], pointer: PointerSize) -> Option<Self> {
        let p = pointer.bytes();
        let (path, _) = DetailText::split(u16_at(detail, p + 4)?, detail.get(p + 8..)?)?;
        Some(Self { base: pointer_at(detail, 0, pointer)?, size: u32_at(detail, p)?, path })
    }
}

/// Process Start: what the new process was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start<'a> {
    /// Process id of its parent.
    pub parent_pid: u32,
    /// The rest; captures of version 7 have only the parent.
    pub parameters: Option<StartParameters<'a>>,
}

/// Command line, directory and environment of a new process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartParameters<'a> {
    /// Command line.
    pub command_line: DetailText<'a>,
    /// Current directory.
    pub current_directory: DetailText<'a>,
    /// `NAME=value` strings, each ended by NUL.
    pub environment: Wide<'a>,
}

impl<'a> Start<'a> {
    /// Reads the detail.
    pub fn parse(detail: &'a [u8]) -> Option<Self> {
        let parent_pid = u32_at(detail, 0)?;
        // Version 7 stores these four bytes alone; newer details are at least twelve.
        if detail.len() < 12 {
            return Some(Self { parent_pid, parameters: None });
        }
        let (command_line, rest) = DetailText::split(u16_at(detail, 4)?, detail.get(12..)?)?;
        let (current_directory, rest) = DetailText::split(u16_at(detail, 6)?, rest)?;
        let environment = rest.get(..usize::try_from(u32_at(detail, 8)?).ok()?.checked_mul(2)?)?;
        Some(Self {
            parent_pid,
            parameters: Some(StartParameters { command_line, current_directory, environment: Wide(environment) }),
        })
    }
}

/// Process Profiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessProfile {
    /// Time in user mode.
    pub user: Ticks,
    /// Time in the kernel.
    pub kernel: Ticks,
    /// Working set, bytes.
    pub working_set: u64,
    /// Private memory, bytes.
    pub private: u64,
}

impl ProcessProfile {
    /// Reads the detail.
    pub fn parse(detail: &[u8]) -> Option<Self> {
        Some(Self {
            user: Ticks(u64_at(detail, 0)?),
            kernel: Ticks(u64_at(detail, 8)?),
            working_set: u64_at(detail, 16)?,
            private: u64_at(detail, 24)?,
        })
    }
}

/// Thread Profiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadProfile {
    /// Time in user mode.
    pub user: Ticks,
    /// Time in the kernel.
    pub kernel: Ticks,
    /// Context switches.
    pub context_switches: u32,
}

impl ThreadProfile {
    /// Reads the detail.
    pub fn parse(detail: &[u8]) -> Option<Self> {
        Some(Self {
            user: Ticks(u32_at(detail, 0)?.into()),
            kernel: Ticks(u32_at(detail, 4)?.into()),
            context_switches: u32_at(detail, 8)?,
        })
    }
}

/// The NUL-separated strings of a block, up to the first empty one or the end.
pub fn strings(block: Wide<'_>) -> impl Iterator<Item = Wide<'_>> {
    let mut rest = block.0;
    std::iter::from_fn(move || {
        let units = rest.chunks_exact(2).position(|unit| unit == [0, 0]).unwrap_or(rest.len() / 2);
        let (text, after) = rest.split_at_checked(units * 2)?;
        rest = after.get(2..).unwrap_or_default();
        if text.is_empty() { None } else { Some(Wide(text)) }
    })
}
