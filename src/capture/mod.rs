//! One capture, whatever it was stored in: its processes and its operations.

pub mod op;
