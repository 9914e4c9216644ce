//! The command line.

pub mod make;
