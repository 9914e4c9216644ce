//! The Operation column read back: from the name to class, operation code and sub-code.

use crate::pml::EventClass;
use crate::pml::ops::{self, Generation};
use rustc_hash::FxHashMap;

/// An operation by number, as a capture stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Event class.
    pub class: EventClass,
    /// Operation within the class; [`Self::UNKNOWN`] for a name that is not known.
    pub code: u16,
    /// Information class or minor function; 0 where the name stands for all.
    pub sub: u8,
}

impl Operation {
    /// Code of an operation whose name is not known here, or that Procmon itself prints as `<Unknown>`.
    pub const UNKNOWN: u16 = u16::MAX;
}

/// Names of operations, for looking up the column's bytes: the renderer's tables inverted, those of every release and of
/// Advanced Output.
#[derive(Debug)]
pub struct Operations {
    by_name: FxHashMap<&'static [u8], Operation>,
}

impl Default for Operations {
    fn default() -> Self {
        let mut operations = Self { by_name: FxHashMap::default() };
        // The wording of the releases that wrote version 7.
        operations.add("SetAllInformationFile", EventClass::FILE_SYSTEM, ops::code::SET_INFORMATION, 0x13);
        // Where a name stands for two codes, the one that is not a fast form of the other comes later in the table.
        let codes: Vec<u16> = ops::file_codes().map(|(code, _)| code).collect();
        for code in codes.iter().rev().copied() {
            for (generation, _) in Generation::ALL {
                for sub in 0..=u8::MAX {
                    let name = ops::file(code, sub, generation);
                    // A code without sub-names says the same for all of them.
                    let sub = if name == ops::file(code, 0, generation) { 0 } else { sub };
                    operations.add(name, EventClass::FILE_SYSTEM, code, sub);
                }
            }
        }
        for code in codes.into_iter().rev() {
            for (sub, callback) in [(0, 0), (0, 2), (1, 2), (2, 2), (3, 2), (4, 2)] {
                operations.add(ops::file_advanced(code, sub, callback), EventClass::FILE_SYSTEM, code, sub);
            }
        }
        for class in [EventClass::PROCESS, EventClass::REGISTRY, EventClass::PROFILING, EventClass::NETWORK] {
            for code in 0..64 {
                for tcp in [false, true] {
                    operations.add(ops::other(class, code, tcp), class, code, 0);
                }
            }
        }
        operations
    }
}

impl Operations {
    fn add(&mut self, name: &'static str, class: EventClass, code: u16, sub: u8) {
        if name != ops::UNKNOWN {
            self.by_name.entry(name.as_bytes()).or_insert(Operation { class, code, sub });
        }
    }

    /// The operation called `name`; of class 0 when nothing is known of it.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Operation {
        if let Some(operation) = self.by_name.get(name) {
            return *operation;
        }
        let unknown = |class| Operation { class, code: Operation::UNKNOWN, sub: 0 };
        let begins = |prefix: &[u8]| name.starts_with(prefix);
        if begins(b"TCP ") || begins(b"UDP ") {
            unknown(EventClass::NETWORK)
        } else if name == ops::UNKNOWN.as_bytes() || begins(b"IRP_MJ_") || begins(b"FASTIO_") {
            unknown(EventClass::FILE_SYSTEM)
        } else if begins(b"Reg") {
            unknown(EventClass::REGISTRY)
        } else {
            unknown(EventClass(0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_operation_that_prints_them() {
        let operations = Operations::default();
        let find = |name: &str| {
            let Operation { class, code, sub } = operations.find(name.as_bytes());
            (class.0, code, sub)
        };
        for (name, expected) in [
            ("CreateFile", (3, 20, 0)),
            ("ReadFile", (3, 23, 0)),
            ("WriteFile", (3, 24, 0)),
            ("CloseFile", (3, 38, 0)),
            ("IRP_MJ_CLOSE", (3, 22, 0)),
            ("IRP_MJ_CREATE", (3, 20, 0)),
            ("IRP_MJ_CLEANUP", (3, 38, 0)),
            ("FASTIO_READ", (3, 23, 0)),
            ("FASTIO_UNLOCK_ALL", (3, 37, 3)),
            ("QueryDirectory", (3, 32, 1)),
            ("UnlockFileSingle", (3, 37, 2)),
            ("SetRenameInformationEx", (3, 26, 0x41)),
            ("SetAllInformationFile", (3, 26, 0x13)),
            ("SetAllocationInformationFile", (3, 26, 0x13)),
            ("QueryStatInformation", (3, 25, 0x44)),
            ("StartDevice", (3, 47, 0)),
            ("Process Start", (1, 7, 0)),
            ("RegDeleteKey", (2, 9, 0)),
            ("TCP Receive", (5, 3, 0)),
            ("UDP Send", (5, 2, 0)),
            ("<Unknown>", (3, Operation::UNKNOWN, 0)),
            ("RegSaveKey", (2, Operation::UNKNOWN, 0)),
            ("Frobnicate", (0, Operation::UNKNOWN, 0)),
        ] {
            assert_eq!(find(name), expected, "{name}");
        }
        assert!(operations.by_name.len() > 200, "{}", operations.by_name.len());
    }
}
