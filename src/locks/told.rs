//! How a hold is told: who, from which event to which.

use super::engine::Engine;
use super::failing::Failing;
use super::finding::{Edge, Hold};
use super::hold::{Ended, HoldRec};
use crate::capture::op::ProcessId;

impl Engine<'_> {
    pub(crate) fn counts_as_victim(&self, failing: Failing<'_>, process: ProcessId) -> bool {
        process == failing.op.process || self.is_victim(process)
    }

    pub(crate) fn public_hold(&self, failing: Failing<'_>, hold: &HoldRec) -> Hold {
        let newborn = self.names.born(hold.link).is_some_and(|born| born <= failing.at.end);
        Hold {
            start: match hold.opened {
                Some((at, _)) => self.edge(at),
                None if newborn => Edge::Unseen,
                None => Edge::BeforeCapture,
            },
            end: match hold.ended {
                _ if hold.ended_unseen() => Edge::Unseen,
                Ended::Open if hold.handed.is_some() && self.name_gone(hold.link, failing.at).is_some() => Edge::Unseen,
                Ended::Open => Edge::AfterCapture,
                // The close was under way when the operation failed: it held until the close was done.
                Ended::Close(at, close) if close.start < failing.at.end && failing.at.start < close.end => {
                    self.op(at).map_or(Edge::Unseen, |op| Edge::At(op.event, close.end))
                }
                Ended::Close(at, _) | Ended::Exit(Some(at), _) => self.edge(at),
                Ended::Exit(None, _) => Edge::Unseen,
            },
            access: hold.access,
            share: hold.share,
            path: (!self.names.same_path(hold.path, failing.op.path)).then_some(hold.path),
            range: None,
        }
    }
}
