//! What an export of a capture carries: the truth that tests compare imported operations with.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

use pmlblame::capture::Capture;
use pmlblame::capture::op::{Op, OpKind, OpLog, ProcessId};
use pmlblame::import::{self, Input, OpenOptions};
use pmlblame::nt::{AccessMask, NtStatus, RenameFlags};
use pmlblame::pml::bytes::u32_at;
use std::path::Path;

pub fn export(path: &Path, options: &OpenOptions) -> Box<import::Export> {
    match import::open(path, options).unwrap() {
        Input::Export(export) => export,
        Input::Pml(_) => panic!("{} was taken for a capture", path.display()),
    }
}

/// What a CSV carries of an operation, taken from the capture's own.
pub fn as_exported(capture: &Capture, op: &Op, bits: u32) -> OpKind {
    let event = capture.event(op.event).unwrap().unwrap();
    match op.kind {
        // The printed mask is the mapped one.
        OpKind::Create(mut create) => {
            create.access = create.access.map(|access| AccessMask(access.map_generic().0 & 0x0FFF_FFFF));
            OpKind::Create(create)
        }
        // Printed is what was read, where the record holds it.
        OpKind::Read { offset, length, paging } => {
            let read = event.extra().unwrap().and_then(|extra| u32_at(extra, 0));
            OpKind::Read { offset, length: read.unwrap_or(length), paging }
        }
        // Handles, allocation attributes and, on 64-bit systems, the true page protection are not printed.
        OpKind::SetDisposition { delete, .. } => OpKind::SetDisposition { delete, handle: None },
        OpKind::SetDispositionEx { flags, .. } => OpKind::SetDispositionEx { flags, handle: None },
        OpKind::CreateSection { protection, .. } => {
            OpKind::CreateSection { protection: if bits == 32 { protection & 0x27E } else { 0 }, allocation: 0 }
        }
        // A query or set whose class the exporting release has no name for is `<Unknown>`, without Detail.
        OpKind::Link { ex: true, .. } => OpKind::Other,
        OpKind::QueryFileId { .. } if matches!(event.file().unwrap().sub_operation(), 0x3B | 0x44) => OpKind::Other,
        OpKind::Rename { target, flags, ex: false, .. } => {
            OpKind::Rename { target, flags: flags & RenameFlags::REPLACE_IF_EXISTS, ex: false, as_path: None }
        }
        // Keys are not printed either.
        OpKind::Lock { offset, length, exclusive, fail_immediately, .. } => {
            OpKind::Lock { offset, length, exclusive, fail_immediately, key: None }
        }
        OpKind::UnlockByKey { .. } => OpKind::UnlockByKey { key: None },
        kind => kind,
    }
}

/// An operation with its tables replaced by what they name.
#[derive(Debug, PartialEq)]
pub struct Named {
    pub event: u64,
    pub path: String,
    pub kind: String,
    pub status: NtStatus,
    pub start: u64,
    pub end: Option<u64>,
    pub thread: Option<u32>,
    pub process: (u32, String),
}

pub fn named(log: &OpLog, op: &Op, kind: OpKind) -> Named {
    let process = |id: ProcessId| {
        let process = &log.processes[id.0 as usize];
        (process.pid, process.name.to_lowercase())
    };
    let kind = match kind {
        OpKind::ProcessCreate { child } => format!("create {:?}", process(child)),
        OpKind::ProcessStart { current_directory } => {
            format!("start in {:?}", current_directory.map(|path| log.paths.get(path)))
        }
        OpKind::Rename { target, flags, ex, .. } => {
            format!("rename to {:?} {flags:?} {ex}", target.map(|path| log.paths.get(path)))
        }
        OpKind::Link { target, flags, ex, .. } => {
            format!("link to {:?} {flags:?} {ex}", target.map(|path| log.paths.get(path)))
        }
        kind => format!("{kind:?}"),
    };
    Named {
        event: op.event.0,
        path: log.paths.get(op.path).to_owned(),
        kind,
        status: op.status,
        start: op.start.0,
        end: op.end.map(|end| end.0),
        thread: op.thread,
        process: process(op.process),
    }
}
