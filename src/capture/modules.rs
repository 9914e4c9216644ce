//! Which module a stack address lies in: one lookup structure per process, no allocation per lookup.
//!
//! Kernel addresses resolve through the modules of the System process (PID 4), as no other process lists them.

use crate::nt::FileTime;
use crate::pml::{Container, Module};
use rustc_hash::FxHashMap;

/// PID of the process whose record carries the kernel's modules.
const SYSTEM_PID: u32 = 4;

/// Answers which module of a capture file an address lies in.
#[derive(Clone, Debug)]
pub struct StackResolver<'a> {
    maximum_user_address: u64,
    kernel: ModuleMap<'a>,
    /// By the driver's process number.
    processes: FxHashMap<u32, ModuleMap<'a>>,
}

/// A stack address with what is known about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The address as captured.
    pub address: u64,
    /// Above the highest user-mode address.
    pub kernel: bool,
    /// The module it lies in, if any.
    pub module: Option<&'a Module>,
}

impl Frame<'_> {
    /// Bytes from the module's base; `None` outside every module.
    pub fn offset(self) -> Option<u64> {
        self.module.map(|module| self.address - module.base)
    }
}

impl<'a> StackResolver<'a> {
    /// Builds the lookup structures of one capture file.
    pub fn new(container: &'a Container) -> Self {
        let system = container.processes.iter().find(|process| process.pid == SYSTEM_PID);
        Self {
            maximum_user_address: container.header.maximum_user_address,
            kernel: ModuleMap::new(system.map_or(&[], |process| &process.modules)),
            processes: container
                .processes
                .iter()
                .map(|process| (process.index, ModuleMap::new(&process.modules)))
                .collect(),
        }
    }

    /// Whether `address` is kernel code.
    #[inline]
    pub const fn is_kernel(&self, address: u64) -> bool {
        address > self.maximum_user_address
    }

    /// What `address` was at `time` in the process with the driver's number `process`.
    pub fn resolve(&self, process: u32, address: u64, time: FileTime) -> Frame<'a> {
        let kernel = self.is_kernel(address);
        let map = if kernel { Some(&self.kernel) } else { self.processes.get(&process) };
        Frame { address, kernel, module: map.and_then(|map| map.find(address, time)) }
    }

    /// The kernel module `address` lay in at `time`; `None` for user addresses.
    pub fn kernel_module(&self, address: u64, time: FileTime) -> Option<&'a Module> {
        if self.is_kernel(address) { self.kernel.find(address, time) } else { None }
    }
}

/// The modules of one process by base address. Ranges may overlap: one image unloaded, another loaded there later.
#[derive(Clone, Debug, Default)]
pub struct ModuleMap<'a> {
    entries: Vec<Entry<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    base: u64,
    /// The highest end of this entry and all before it: where walking back may stop.
    reach: u64,
    module: &'a Module,
}

impl<'a> ModuleMap<'a> {
    /// Sorts the modules of a process.
    pub fn new(modules: &'a [Module]) -> Self {
        let mut sorted: Vec<&Module> = modules.iter().filter(|module| module.size != 0).collect();
        sorted.sort_by_key(|module| module.base);
        let mut reach = 0;
        let entries = sorted
            .into_iter()
            .map(|module| {
                reach = reach.max(module.base.saturating_add(module.size.into()));
                Entry { base: module.base, reach, module }
            })
            .collect();
        Self { entries }
    }

    /// The module at `address`: of several, the one loaded last before `time`. When all were listed after `time`
    /// (Procmon enumerates a process's modules a moment after its first events), the first listed.
    pub fn find(&self, address: u64, time: FileTime) -> Option<&'a Module> {
        let below = self.entries.partition_point(|entry| entry.base <= address);
        let mut best: Option<&'a Module> = None;
        for entry in self.entries.get(..below)?.iter().rev() {
            if entry.reach <= address {
                break;
            }
            if !entry.module.contains(address) {
                continue;
            }
            let candidate = entry.module;
            let better = match best {
                None => true,
                Some(best) => match (candidate.loaded <= time, best.loaded <= time) {
                    (true, true) => candidate.loaded > best.loaded,
                    (false, false) => candidate.loaded < best.loaded,
                    (candidate, _) => candidate,
                },
            };
            if better {
                best = Some(candidate);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pml::StringIndex;

    fn module(base: u64, size: u32, loaded: u64) -> Module {
        Module {
            loaded: FileTime(loaded),
            base,
            size,
            path: StringIndex(0),
            version: StringIndex(0),
            company: StringIndex(0),
            description: StringIndex(0),
            timestamp: 0,
            pe_size: size,
        }
    }

    #[test]
    fn overlapping_modules_are_told_apart_by_load_time() {
        // A large old module reaches over two later, smaller ones.
        let modules =
            [module(0x1000, 0x5000, 10), module(0x2000, 0x1000, 20), module(0x2000, 0x800, 30), module(0x9000, 0, 1)];
        let map = ModuleMap::new(&modules);
        let at = |address, time| map.find(address, FileTime(time)).map(|module| (module.base, module.loaded.0));
        assert_eq!(at(0x0FFF, 100), None);
        assert_eq!(at(0x1000, 100), Some((0x1000, 10)));
        assert_eq!(at(0x2400, 15), Some((0x1000, 10)));
        assert_eq!(at(0x2400, 20), Some((0x2000, 20)));
        assert_eq!(at(0x2400, 30), Some((0x2000, 30)));
        assert_eq!(at(0x2900, 30), Some((0x2000, 20)));
        assert_eq!(at(0x3500, 30), Some((0x1000, 10)));
        assert_eq!(at(0x5FFF, 30), Some((0x1000, 10)));
        assert_eq!(at(0x6000, 30), None);
        assert_eq!(at(0x2400, 5), Some((0x1000, 10)), "all listed later: the first listed");
        assert_eq!(at(0x9000, 30), None, "an empty module holds nothing");
    }
}
