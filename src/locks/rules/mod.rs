//! What refuses an operation, one mechanism a file, over the handles and names that all of them ask about.

pub(super) mod byterange;
pub(super) mod current;
pub(super) mod delete;
pub(super) mod directory;
pub(super) mod doubles;
pub(super) mod filter;
pub(super) mod grade;
pub(super) mod handles;
pub(super) mod inherited;
pub(super) mod left;
pub(super) mod mapping;
pub(super) mod marker;
pub(super) mod moves;
pub(super) mod older;
pub(super) mod presence;
pub(super) mod share;
pub(super) mod suspect;
pub(super) mod told;
pub(super) mod waits;
