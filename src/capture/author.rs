//! Who really issued an operation: a kernel filter that sends I/O of its own does so in the name of the process whose
//! thread it runs in. Only the call stack tells.

use super::modules::StackResolver;
use crate::pml::{Event, Module};

/// Kernel frames that lie between a driver on a system thread and the filter manager when the driver calls the I/O
/// manager for itself; a driver that hands on somebody else's request has one at most.
const OWN_CALL: usize = 2;

/// What a frame in kernel code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer<T> {
    /// The filter manager, FLTMGR.SYS.
    Manager,
    /// A filter that may issue I/O of its own.
    Filter(T),
    /// The kernel proper and all other drivers.
    Other,
}

/// The kernel module that issued the operation in the process's name, if the stack shows one.
///
/// A filter that merely watches a request has no frame at all: the filter manager calls its callbacks one after another.
/// For an operation that was refused, any filter in the stack is told: it is no more than a suspect there, and one that
/// hands requests on may refuse them.
pub fn author<'a>(
    event: Event<'_>,
    resolver: &StackResolver<'a>,
    mut layer: impl FnMut(&'a Module) -> Layer<&'a Module>,
) -> Option<&'a Module> {
    let time = event.time();
    let stack = event.stack().ok()?;
    let kernel = stack.iter().take_while(|address| resolver.is_kernel(*address));
    let mut frames = kernel.map(|address| resolver.kernel_module(address, time).map_or(Layer::Other, &mut layer));
    if !event.status().is_success() {
        return first_filter(&mut frames);
    }
    author_of(frames, || stack.iter().all(|address| resolver.is_kernel(address)))
}

/// The innermost filter, whatever it did there.
pub fn first_filter<T>(frames: &mut impl Iterator<Item = Layer<T>>) -> Option<T> {
    frames.find_map(|frame| match frame {
        Layer::Filter(filter) => Some(filter),
        _ => None,
    })
}

/// The author by the layers of the frames, innermost first, as far as they are kernel code.
///
/// Within another process's request the filter stands between two runs of the filter manager: the outer one brought it
/// that request, the inner one carries its own. A driver of the older kind, through which every request passes on its way
/// to the filter manager, has no run beyond it and is nobody's author. On a system thread there is no outer request; there
/// the frames of the kernel call tell.
pub fn author_of<T: Copy>(
    frames: impl Iterator<Item = Layer<T>>,
    is_system_thread: impl FnOnce() -> bool,
) -> Option<T> {
    let mut found = None;
    let mut between = 0;
    for frame in frames {
        match (frame, found) {
            (Layer::Manager, Some(author)) => return Some(author),
            (Layer::Filter(filter), None) => found = Some(filter),
            (Layer::Manager, None) => between = 0,
            (Layer::Other, None) => between += 1,
            (_, Some(_)) => {}
        }
    }
    found.filter(|_| between >= OWN_CALL && is_system_thread())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Layer::{Filter, Manager, Other};

    fn of(frames: &[Layer<u8>], system: bool) -> Option<u8> {
        author_of(frames.iter().copied(), || system)
    }

    #[test]
    fn between_two_runs_of_the_filter_manager() {
        assert_eq!(of(&[Manager, Manager, Other, Other, Filter(1), Filter(2), Manager, Other], false), Some(1));
        assert_eq!(of(&[Manager, Other, Other, Filter(1), Other, Manager], false), Some(1));
        assert_eq!(of(&[Manager, Other, Other, Other], false), None);
        assert_eq!(of(&[], false), None);
    }

    #[test]
    fn a_driver_that_hands_requests_on_is_no_author() {
        assert_eq!(of(&[Manager, Filter(1), Other, Other, Other], false), None);
        assert_eq!(of(&[Manager, Other, Filter(1), Other, Other], false), None);
        assert_eq!(of(&[Manager, Other, Filter(1), Other, Other], true), None);
        assert_eq!(first_filter(&mut [Manager, Other, Filter(1), Filter(2)].into_iter()), Some(1));
        assert_eq!(first_filter(&mut [Layer::<u8>::Manager, Other].into_iter()), None);
    }

    #[test]
    fn a_worker_of_its_own_runs_on_a_system_thread() {
        let worker = [Manager, Manager, Other, Other, Other, Filter(1), Other];
        assert_eq!(of(&worker, true), Some(1));
        assert_eq!(of(&worker, false), None);
    }
}
