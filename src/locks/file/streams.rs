//! What each stream of a file has for itself: sections and byte-range locks (SA-6).

use std::collections::BTreeMap;

/// One `T` for each stream, by the number of its name.
#[derive(Debug)]
pub(crate) struct Streams<T>(BTreeMap<u32, T>);

impl<T> Default for Streams<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> Streams<T> {
    /// What the stream has, if anything was noted for it.
    pub(crate) fn on(&self, stream: u32) -> Option<&T> {
        self.0.get(&stream)
    }

    /// The same to note something.
    pub(crate) fn note(&mut self, stream: u32) -> &mut T {
        self.0.entry(stream).or_default()
    }

    /// Every stream with what it has.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.0.iter().map(|(stream, one)| (*stream, one))
    }

    /// What every stream has.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut()
    }
}
