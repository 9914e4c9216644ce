//! Values that many parts of a record have in common.

use rustc_hash::FxHashSet;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::{Borrow, Cow};
use std::cell::RefCell;
use std::fmt;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::Arc;

/// A value of a record that stands in memory once, however many failures name it. In JSON it is the value itself.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shared<T: ?Sized>(Arc<T>);

/// A text: a name, a path, a code of a rule.
pub type Text = Shared<str>;

/// A list of names.
pub type Names = Shared<[Text]>;

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Borrow<T> for Shared<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized, V: Into<Arc<T>>> From<V> for Shared<T> {
    fn from(value: V) -> Self {
        Self(value.into())
    }
}

impl<T: ?Sized> Default for Shared<T>
where
    Arc<T>: Default,
{
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Text {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        self
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl<const N: usize> PartialEq<[&str; N]> for Names {
    fn eq(&self, other: &[&str; N]) -> bool {
        self.iter().map(Text::as_str).eq(other.iter().copied())
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Shared<T>
where
    Box<T>: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<T>::deserialize(deserializer)?.into()))
    }
}

impl<T: ?Sized + JsonSchema> JsonSchema for Shared<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The values handed out so far, so that equal ones are shared.
#[derive(Debug)]
pub struct Pool<T: ?Sized>(RefCell<FxHashSet<Shared<T>>>);

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: ?Sized + Eq + Hash> Pool<T> {
    /// `value`, the one of an earlier call when it was equal.
    pub fn share<V: Borrow<T> + Into<Arc<T>>>(&self, value: V) -> Shared<T> {
        let mut known = self.0.borrow_mut();
        if let Some(known) = known.get(value.borrow()) {
            return known.clone();
        }
        let new = Shared(value.into());
        known.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one() {
        let pool = Pool::<str>::default();
        let (one, other) = (pool.share("DELETE"), pool.share("DELETE".to_owned()));
        assert!(Arc::ptr_eq(&one.0, &other.0));
        assert!(!Arc::ptr_eq(&one.0, &pool.share("READ").0));
        assert_eq!(one, "DELETE");
    }

    #[test]
    fn json_holds_the_values_themselves() {
        let names: Names = vec![Text::from("READ"), Text::from("WRITE")].into();
        assert_eq!(serde_json::to_string(&names).unwrap(), r#"["READ","WRITE"]"#);
        assert_eq!(serde_json::from_str::<Names>(r#"["READ","WRITE"]"#).unwrap(), names);
        let schema = schemars::schema_for!(Names).to_value();
        assert_eq!(schema["items"]["type"], "string");
        assert_eq!(schema["type"], "array");
    }
}
