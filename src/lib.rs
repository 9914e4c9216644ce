//! pmlblame reads Process Monitor captures and proves who held a file when an open, delete or rename was refused.

pub mod capture;
pub mod lang;
pub mod locks;
pub mod nt;
