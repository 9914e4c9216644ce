//! A name, what it names, and where it is replaced.

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The computer.
    Computer,
    /// A domain or workgroup.
    Domain,
    /// An account.
    User,
    /// The name of a profile folder.
    Profile,
    /// A host of the network.
    Host,
    /// An IP address.
    Address,
    /// A security identifier.
    Sid,
}

/// Where a name is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// Only as a whole component of a path: names so short or common that they stand everywhere.
    Component,
    /// Only as a whole word: names that are also words of product paths.
    Word,
    /// Wherever the letters stand.
    Anywhere,
}

#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) kind: Kind,
    pub(super) original: String,
    pub(super) pseudonym: Vec<u16>,
    pub(super) scope: Scope,
}
