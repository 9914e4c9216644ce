//! Who really issued an operation: a kernel filter that sends I/O of its own does so in the name of the process whose
//! thread it runs in. Only the call stack tells.

use super::modules::StackResolver;
use crate::pml::{Event, Module};

/// The kernel module that issued the operation in the process's name, if the stack shows one.
///
/// Frames are walked from the innermost outward through the first unbroken run of kernel code. The filter manager and
/// the kernel proper come first; the first module beyond them for which `is_filter` holds is the author. A filter that
/// merely watches a request has no frame at all: the filter manager calls its callbacks one after another.
pub fn author<'a>(
    event: Event<'_>,
    resolver: &StackResolver<'a>,
    mut is_filter: impl FnMut(&'a Module) -> bool,
) -> Option<&'a Module> {
    let time = event.time();
    for address in event.stack().ok()?.iter() {
        if !resolver.is_kernel(address) {
            return None;
        }
        if let Some(module) = resolver.kernel_module(address, time)
            && is_filter(module)
        {
            return Some(module);
        }
    }
    None
}
