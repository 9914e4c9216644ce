//! Operation logs made step by step, for the tests of the locking engine.
#![allow(dead_code)]

pub(crate) mod cast;

use pmlblame::capture::op::{Create, EventIndex, Op, OpKind, OpLog, PathId, ProcessId, ProcessInfo, StackSays};
use pmlblame::locks::{Analysis, Finding, Options, analyse};
use pmlblame::nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileTime, NtStatus, OpenResult, ShareAccess,
};

/// Ticks between the starts of two steps.
pub(crate) const STEP: u64 = 10_000;
/// When a log begins.
pub(crate) const BEGIN: u64 = 1_000_000;

/// Builds a log: every operation starts a millisecond after the one before and takes a tenth of it.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) log: OpLog,
}

impl Builder {
    pub(crate) fn process(&mut self, name: &str) -> ProcessId {
        let id = ProcessId(self.log.processes.len() as u32);
        let pid = 1000 + 4 * id.0;
        self.log.processes.push(ProcessInfo { pid, name: name.into(), ..ProcessInfo::default() });
        id
    }

    pub(crate) fn path(&mut self, path: &str) -> PathId {
        self.log.paths.intern(path)
    }

    pub(crate) fn push(&mut self, process: ProcessId, path: PathId, status: NtStatus, kind: OpKind) -> EventIndex {
        let event = EventIndex(self.log.ops.len() as u64);
        let start = FileTime(BEGIN + event.0 * STEP);
        let end = Some(FileTime(start.0 + STEP / 10));
        let thread = Some(process.0 * 4 + 4);
        self.log.ops.push(Op {
            event,
            start,
            end,
            process,
            thread,
            status,
            path,
            driver: None,
            stack: StackSays::Caller,
            kind,
        });
        self.log.span = Some((FileTime(BEGIN), FileTime(start.0 + STEP)));
        event
    }

    /// A successful operation of another kind than an open.
    pub(crate) fn does(&mut self, process: ProcessId, path: &str, kind: OpKind) -> EventIndex {
        let path = self.path(path);
        self.push(process, path, NtStatus::SUCCESS, kind)
    }

    /// A refused operation of another kind than an open.
    pub(crate) fn refused(&mut self, process: ProcessId, path: &str, status: NtStatus, kind: OpKind) -> EventIndex {
        let path = self.path(path);
        self.push(process, path, status, kind)
    }

    pub(crate) fn create(&mut self, process: ProcessId, path: &str, create: Create, status: NtStatus) -> EventIndex {
        let path = self.path(path);
        self.push(process, path, status, OpKind::Create(create))
    }

    pub(crate) fn open(&mut self, process: ProcessId, path: &str, access: u32, share: u32) -> EventIndex {
        self.create(process, path, opened(access, share), NtStatus::SUCCESS)
    }

    pub(crate) fn make(&mut self, process: ProcessId, path: &str, access: u32, share: u32) -> EventIndex {
        let create = open(access, share, CreateDisposition::CREATE, 0, Some(OpenResult::CREATED));
        self.create(process, path, create, NtStatus::SUCCESS)
    }

    pub(crate) fn fails(
        &mut self,
        process: ProcessId,
        path: &str,
        access: u32,
        share: u32,
        status: NtStatus,
    ) -> EventIndex {
        self.create(process, path, open(access, share, CreateDisposition::OPEN, 0, None), status)
    }

    pub(crate) fn close(&mut self, process: ProcessId, path: &str) -> EventIndex {
        self.does(process, path, OpKind::Cleanup)
    }

    /// The operation of an event, to change what the builder chose.
    pub(crate) fn op(&mut self, event: EventIndex) -> &mut Op {
        &mut self.log.ops[event.0 as usize]
    }

    /// What the engine says about one event; nobody is a victim but the failing process.
    pub(crate) fn explain(&self, event: EventIndex) -> Finding {
        let mut findings = self.analyse(&[event]).findings;
        assert_eq!(findings.len(), 1);
        findings.remove(0)
    }

    pub(crate) fn analyse(&self, events: &[EventIndex]) -> Analysis {
        let nobody = |_| false;
        analyse(&self.log, events, &Options::new(&nobody))
    }
}

pub(crate) fn open(
    access: u32,
    share: u32,
    disposition: CreateDisposition,
    options: u32,
    result: Option<OpenResult>,
) -> Create {
    Create {
        access: Some(AccessMask(access)),
        share: Some(ShareAccess(share as u16)),
        disposition: Some(disposition),
        options: CreateOptions(options),
        attributes: FileAttributes::NONE,
        result,
        impersonating: false,
    }
}

pub(crate) fn opened(access: u32, share: u32) -> Create {
    open(access, share, CreateDisposition::OPEN, 0, Some(OpenResult::OPENED))
}
