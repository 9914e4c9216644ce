//! How a case is shown: JSON, its schema, and tables for people. Reads only the case record.

pub mod audit;
mod bars;
pub mod cbs;
pub mod escape;
mod failures;
pub mod json;
mod page;
pub mod servicing;
mod steps;
pub mod style;
pub mod table;
pub mod time;
pub mod why;
mod words;
