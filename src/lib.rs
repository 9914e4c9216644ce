//! pmlblame reads Process Monitor captures and proves who held a file when an open, delete or rename was refused.

#[macro_use]
pub mod nt;
pub mod assemble;
pub mod blame;
pub mod capture;
pub mod case;
pub mod cli;
pub mod export;
pub mod import;
pub mod lang;
pub mod locks;
pub mod pml;
pub mod redact;
pub mod report;
pub mod scenario;
pub mod servicing;
