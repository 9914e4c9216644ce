//! Who is behind a hold: vendors, parties, filter drivers, and what to advise.

pub mod advice;
pub mod altitudes;
mod embedded;
pub mod facts;
pub mod filters;
pub mod gather;
pub mod party;
mod places;
pub mod scope;
pub mod vendors;
pub(crate) mod volumes;
