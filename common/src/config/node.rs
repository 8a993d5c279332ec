//! A configuration before it has types: a tree of values, each with its place in the text.
//!
//! Reading into a tree first lets layers be merged, and lets every problem be found and placed, where reading straight
//! into the types of [`model`](super::model) would stop at the first.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Location, Spanned};

use super::error::{Position, quoted};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) position: Option<Position>,
}

/// What stands there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// An integer that fits 64 bits, signed or unsigned; a parser reads a larger one as a float.
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// Entries in the order of the text.
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) position: Option<Position>,
    pub(super) node: Node,
}

impl Node {
    /// A map without entries.
    pub(super) fn empty_map() -> Self {
        Value::Map(Vec::new()).into()
    }

    /// The value under a path of keys and list indices, such as `channels.fl[1].channel`.
    pub(super) fn find(&self, path: &str) -> Option<&Self> {
        let mut node = self;
        for step in path.split(['.', '[']) {
            node = match &node.value {
                Value::Map(entries) => &entries.iter().find(|entry| entry.key == step)?.node,
                Value::List(items) => items.get(step.strip_suffix(']')?.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// The same as JSON, without the keys that are null. A float that's not finite becomes null.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => Number::from_i128(*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                let given = entries.iter().filter(|entry| entry.node.value != Value::Null);
                given.map(|entry| (entry.key.clone(), entry.node.to_json())).collect()
            }
        }
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self { value, position: None }
    }
}

impl Value {
    /// What kind of value it is, and which, for "found …" in a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) if value.is_nan() => "a value that's not a number".to_owned(),
            Self::Float(value) if value.is_infinite() => "an infinite value".to_owned(),
            Self::Float(value) => format!("{value:?}"),
            Self::Text(text) => quoted(text),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { position: position(spanned.referenced), value: spanned.value }
    }
}

/// Where the parser was; it says line 0 for a value that comes from no text.
pub(super) fn position(location: Location) -> Option<Position> {
    (location.line() > 0).then(|| Position { line: location.line(), column: location.column() })
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Value>>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = access.next_entry::<Spanned<String>, Spanned<Value>>()? {
            entries.push(Entry { position: position(key.referenced), key: key.value, node: node.into() });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml;

    #[test]
    fn finds_through_maps_and_lists() {
        let node = yaml::parse("a: {b: [1, {c: 2}]}").unwrap();
        assert_eq!(node.find("a.b[1].c").map(|node| &node.value), Some(&Value::Integer(2)));
        for path in ["a.b[2]", "a.c", "a.b[1].c.d", "a.b.1", "", "a.b[x]", "a..b"] {
            assert_eq!(node.find(path), None, "{path}");
        }
    }
}
