//! Vendors, products and categories for processes and drivers.
//!
//! The strongest witness is what the capture itself says: first the file's company string, then its folder. The catalogue's
//! names come last and are never trusted alone: such a match says [`MatchBasis::NameOnly`]. `docs/vendors.md` has the rules.

mod catalogue;
mod hint;
mod identify;
mod overrides;
mod pattern;

pub use catalogue::{Category, SourceConfidence, VendorCatalogue};
pub use identify::{DriverMatch, MatchBasis, VendorChoice, VendorMatch};
pub use overrides::{VendorFileError, VendorFileErrorKind};

#[cfg(test)]
mod tests;
