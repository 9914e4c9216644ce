//! How a case is shown: JSON, its schema, and tables for people. Reads only the case record.

pub mod audit;
mod bars;
pub mod cbs;
pub mod escape;
mod failures;
pub mod json;
pub mod servicing;
mod steps;
pub mod table;
pub mod time;
pub mod why;
