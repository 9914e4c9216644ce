//! The answers: retries grouped, refusals explained, the others cleared, and what is told of it all.

pub(super) mod analyse;
pub(super) mod attribute;
pub(super) mod audit;
pub(super) mod bursts;
pub(super) mod clear;
pub(super) mod elsewhere;
pub(super) mod evidence;
pub(super) mod history;
mod refute;
pub(super) mod scenes;
