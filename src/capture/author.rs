//! Who really issued an operation: a kernel filter that sends I/O of its own does so in the name of the process whose
//! thread it runs in. Only the call stack tells.

use super::modules::StackResolver;
use super::op::{DriverId, StackSays};
use crate::pml::{Event, Module};

/// Frames of the kernel proper between a driver and the filter manager when the driver called a routine of the I/O
/// manager. A driver that hands on somebody else's request has one at most, that of the hand-over.
const OWN_CALL: usize = 2;

/// What a frame in kernel code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer<T> {
    /// The filter manager, FLTMGR.SYS.
    Manager,
    /// The kernel proper.
    Kernel,
    /// The file server, which opens files for remote clients.
    Server,
    /// A filter that may issue I/O of its own.
    Filter(T),
    /// Any other driver.
    Other,
    /// An address outside every known module.
    Unknown,
}

/// The layer of a kernel module that is no candidate for an author, by its file name.
pub fn layer_of<T>(name: &str) -> Layer<T> {
    const KERNELS: [&str; 4] = ["ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntkrpamp.exe"];
    const SERVERS: [&str; 3] = ["srv2.sys", "srv.sys", "srvnet.sys"];
    let is = |list: &[&str]| list.iter().any(|known| name.eq_ignore_ascii_case(known));
    if name.eq_ignore_ascii_case("fltmgr.sys") {
        Layer::Manager
    } else if is(&KERNELS) {
        Layer::Kernel
    } else if is(&SERVERS) {
        Layer::Server
    } else {
        Layer::Other
    }
}

/// What a stack says about the author of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorship<T> {
    /// There is no stack.
    Unseen,
    /// There is one, and frames in code of no known module stand in it, or it ends before the call that issued the operation.
    Unresolved,
    /// The caller: no filter that could have issued it stands in the stack.
    Caller,
    /// The file server, for a remote client.
    Server,
    /// A filter stands in the stack and only handed the request on; perhaps another one too.
    Passing(T, Option<T>),
    /// A filter stands in the stack, and whether it issued the operation cannot be told; perhaps another one too.
    Unclear(T, Option<T>),
    /// This filter.
    Filter(T),
}

impl<T> Authorship<T> {
    /// The author as the operation names it, and what else the stack says.
    pub fn told(self, number: impl Fn(T) -> Option<DriverId>) -> (Option<DriverId>, StackSays) {
        let two = |one: T, other: Option<T>, says: fn(DriverId, Option<DriverId>) -> StackSays| {
            number(one).map_or(StackSays::Unresolved, |one| says(one, other.and_then(&number)))
        };
        match self {
            Self::Unseen => (None, StackSays::Nothing),
            Self::Unresolved => (None, StackSays::Unresolved),
            Self::Caller => (None, StackSays::Caller),
            Self::Server => (None, StackSays::Server),
            Self::Passing(filter, other) => (None, two(filter, other, StackSays::Passing)),
            Self::Unclear(filter, other) => (None, two(filter, other, StackSays::Unclear)),
            Self::Filter(filter) => match number(filter) {
                Some(filter) => (Some(filter), StackSays::Caller),
                None => (None, StackSays::Unresolved),
            },
        }
    }
}

/// Who issued the operation that is recorded in the process's name.
pub fn author<'a>(
    event: Event<'_>,
    resolver: &StackResolver<'a>,
    mut layer: impl FnMut(&'a Module) -> Layer<&'a Module>,
) -> Authorship<&'a Module> {
    let time = event.time();
    let Ok(stack) = event.stack() else { return Authorship::Unseen };
    let kernel = stack.iter().take_while(|address| resolver.is_kernel(*address));
    let frames = kernel.map(|address| resolver.kernel_module(address, time).map_or(Layer::Unknown, &mut layer));
    author_of(frames, || stack.iter().all(|address| resolver.is_kernel(address)))
}

/// The author by the layers of the frames, innermost first, as far as they are kernel code.
///
/// A filter that merely watches a request has no frame at all: the filter manager calls its callbacks one after another. A
/// driver of the older kind, through which every request passes, has one: it stands between two frames of the hand-over,
/// below the kernel's create path and wherever else the filter manager stands. The author is who called the create path:
/// it stands *beyond* it, with the frames of the kernel call (and perhaps the filter manager's own create routine)
/// between itself and the filter manager. Where such a driver is on a user thread and nothing beyond it shows whose
/// request it was serving, two frames are too few to be sure; so is a place right below the system service, where one
/// stands that intercepts the services. Where code of no known module called the create path, or the stack does not
/// reach it, it tells nothing.
pub fn author_of<T: Copy + PartialEq>(
    frames: impl Iterator<Item = Layer<T>>,
    is_system_thread: impl Fn() -> bool,
) -> Authorship<T> {
    let mut any = false;
    let mut server = false;
    // Frames of no known module: since the filter manager, and anywhere.
    let mut unknown = false;
    let mut unresolved = false;
    // Code of no known module called the create path.
    let mut stranger = false;
    // The filters that are no authors, and whether of one of them it cannot be told.
    let (mut first, mut second) = (None, None);
    let mut unclear = false;
    let mut author: Option<(T, bool)> = None;
    // Frames of the kernel since the last frame of anything else, and beyond the author.
    let mut run = 0;
    let mut beyond_author = 0;
    // The filter manager was seen, and whether its latest frames lie beyond a kernel call.
    let mut manager: Option<bool> = None;
    // The kernel called the filter manager: the operation's own path, or a part of it, is in the stack.
    let mut called = false;
    let mut last = None;
    for frame in frames {
        any = true;
        let beyond = run >= OWN_CALL;
        match frame {
            Layer::Manager => {
                if let Some((author, _)) = author.filter(|_| !stranger) {
                    return Authorship::Filter(author);
                }
                let carried = if matches!(last, Some(Layer::Manager)) { manager == Some(true) } else { beyond };
                manager = Some(manager.is_some() && carried);
                unknown = false;
            }
            Layer::Server => server |= author.is_none() && !stranger,
            Layer::Unknown => {
                (unknown, unresolved) = (true, true);
                stranger |= author.is_none() && (manager == Some(true) || manager.is_some() && beyond);
            }
            Layer::Filter(_) if author.is_some() || matches!(last, Some(Layer::Filter(_))) => {}
            Layer::Filter(filter) => {
                let routine = matches!(last, Some(Layer::Manager)) && manager == Some(true);
                if manager.is_some() && (routine || (matches!(last, Some(Layer::Kernel)) && beyond)) {
                    author = Some((filter, routine || run > OWN_CALL));
                } else {
                    unclear |= unknown || manager.is_none();
                    match first {
                        None => first = Some(filter),
                        Some(known) if known != filter => second = second.or(Some(filter)),
                        Some(_) => {}
                    }
                }
            }
            Layer::Kernel => {
                called |= manager.is_some();
                beyond_author += usize::from(author.is_some());
            }
            Layer::Other => {}
        }
        run = if matches!(frame, Layer::Kernel) { run + 1 } else { 0 };
        last = Some(frame);
    }
    if let Some((author, sure)) = author {
        let intercepts = beyond_author < OWN_CALL;
        return if !stranger && (is_system_thread() || sure && !intercepts) {
            Authorship::Filter(author)
        } else {
            Authorship::Unclear(author, None)
        };
    }
    match first {
        _ if server => Authorship::Server,
        Some(first) if unclear || stranger => Authorship::Unclear(first, second),
        Some(first) => Authorship::Passing(first, second),
        None if !any => Authorship::Unseen,
        None if unresolved || !called => Authorship::Unresolved,
        None => Authorship::Caller,
    }
}

#[cfg(test)]
mod tests {
    use super::Authorship::{Caller, Unresolved, Unseen};
    use super::*;
    use Layer::{Filter, Kernel, Manager, Other, Server, Unknown};

    fn of(frames: &[Layer<u8>], system: bool) -> Authorship<u8> {
        author_of(frames.iter().copied(), || system)
    }

    const fn passing(filter: u8) -> Authorship<u8> {
        Authorship::Passing(filter, None)
    }

    const fn unclear(filter: u8) -> Authorship<u8> {
        Authorship::Unclear(filter, None)
    }

    #[test]
    fn a_filter_within_the_request_of_another() {
        let by = |n| Authorship::Filter(n);
        let create = [Manager, Manager, Kernel, Kernel, Kernel];
        let with = |rest: &[Layer<u8>]| [&create[..], rest].concat();
        assert_eq!(of(&with(&[Filter(1), Filter(2), Manager, Kernel]), false), by(1));
        // Through the filter manager's own create routine, from a callback and from a worker.
        assert_eq!(of(&with(&[Manager, Filter(1), Manager, Kernel]), false), by(1));
        assert_eq!(of(&with(&[Manager, Filter(1), Kernel, Kernel]), true), by(1));
        // Called by the kernel itself: a driver of the older kind, or one that serves a device control.
        assert_eq!(of(&with(&[Filter(1), Kernel, Kernel, Kernel]), false), by(1));
        // Its own request passed another filter on its way.
        assert_eq!(of(&[Manager, Kernel, Filter(2), Kernel, Kernel, Kernel, Filter(1), Manager], false), by(1));
        assert_eq!(of(&[Manager, Kernel, Kernel, Filter(1), Other, Manager], false), by(1));
    }

    #[test]
    fn a_driver_that_hands_requests_on_is_no_author() {
        // Called by the create path, calling the filter manager.
        let within = [Manager, Manager, Kernel, Filter(1), Kernel, Kernel, Kernel, Kernel];
        assert_eq!(of(&within, false), passing(1));
        assert_eq!(of(&within, true), passing(1));
        // The filter manager has a part below the driver and another above it.
        let split = [Manager, Kernel, Filter(1), Kernel, Manager, Manager, Kernel, Kernel, Kernel];
        assert_eq!(of(&split, false), passing(1));
        assert_eq!(of(&[Manager, Filter(1), Manager, Kernel, Kernel], false), passing(1));
        // A switch of stacks within the filter manager is no create path for the driver beyond the next hand-over.
        let switched = [Manager, Kernel, Kernel, Kernel, Manager, Kernel, Filter(1), Kernel, Kernel];
        assert_eq!(of(&switched, false), passing(1));
        // Several of them, one upon the other; and one that stands beside a driver of another kind.
        assert_eq!(
            of(&[Manager, Kernel, Filter(1), Kernel, Filter(2), Kernel, Kernel], false),
            Authorship::Passing(1, Some(2))
        );
        assert_eq!(of(&[Manager, Kernel, Other, Kernel, Filter(1), Kernel, Kernel], false), passing(1));
    }

    #[test]
    fn a_worker_of_its_own_runs_on_a_system_thread() {
        let worker = [Manager, Manager, Kernel, Kernel, Filter(1), Filter(1), Kernel];
        assert_eq!(of(&worker, true), Authorship::Filter(1));
        assert_eq!(of(&worker, false), unclear(1), "two frames of the kernel and nobody beyond");
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        assert_eq!(of(&[], false), Unseen);
        assert_eq!(of(&[Manager, Kernel, Kernel, Kernel], false), Caller);
        assert_eq!(of(&[Manager, Kernel, Unknown, Filter(1), Kernel], false), unclear(1));
        assert_eq!(of(&[Kernel, Kernel, Kernel, Filter(1)], false), unclear(1), "where is the filter manager?");
        let served = [Manager, Kernel, Kernel, Kernel, Server, Server, Kernel];
        assert_eq!(of(&served, true), Authorship::Server);
        let scanned = [Manager, Kernel, Kernel, Kernel, Filter(1), Manager, Kernel, Kernel, Server, Kernel];
        assert_eq!(of(&scanned, true), Authorship::Filter(1), "a scan within the server's own request");
    }

    #[test]
    fn code_of_no_known_module_may_be_the_author() {
        for system in [false, true] {
            assert_eq!(of(&[Manager, Kernel, Kernel, Kernel, Unknown, Kernel], system), Unresolved);
            assert_eq!(of(&[Unknown, Unknown, Unknown, Unknown], system), Unresolved, "no list of modules");
            assert_eq!(of(&[Unknown, Unknown, Kernel, Kernel, Kernel, Unknown, Unknown, Kernel], system), Unresolved);
            assert_eq!(of(&[Manager], system), Unresolved, "torn before the caller");
        }
        // A known filter beyond it made another request.
        let within = [Manager, Kernel, Kernel, Kernel, Unknown, Kernel, Kernel, Kernel, Filter(1), Manager, Kernel];
        assert_eq!(of(&within, false), unclear(1));
        assert_eq!(of(&[Manager, Kernel, Kernel, Kernel, Unknown, Server, Kernel], true), Unresolved);
        // Beyond the author it matters no more.
        assert_eq!(of(&[Manager, Kernel, Kernel, Kernel, Filter(1), Unknown, Manager], false), Authorship::Filter(1));
    }

    #[test]
    fn one_that_intercepts_the_system_services_stands_beyond_every_call() {
        let intercepted = [Manager, Kernel, Kernel, Kernel, Kernel, Filter(1), Kernel];
        assert_eq!(of(&intercepted, false), unclear(1));
        assert_eq!(of(&intercepted, true), Authorship::Filter(1), "a worker");
    }
}
