//! How serde walks a record along the mapped paths.

use super::super::scalar::Scalar;
use super::super::trie::Guess;
use super::JsonReader;
use super::record::{At, JsonRecord, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads the record itself, which must be an object.
pub(super) fn object<'de, D: Deserializer<'de>>(
    parser: D,
    reader: &JsonReader,
    record: &mut JsonRecord<'de>,
) -> Result<(), D::Error> {
    parser.deserialize_map(Place { reader, record, at: Some(0), root: true }).map(drop)
}

/// One place of the tree, about to be read.
struct Place<'r, 'de> {
    reader: &'r JsonReader,
    record: &'r mut JsonRecord<'de>,
    /// Its node; `None` where no path leads: the value is only looked at.
    at: Option<usize>,
    root: bool,
}

impl<'de> Place<'_, 'de> {
    /// Puts a value that is not an object where it belongs, and what it is in all places below.
    #[inline]
    fn put<E: Error>(self, value: Value<'de>, kind: &'static str) -> Result<Value<'de>, E> {
        if self.root {
            return Err(E::custom("the record is not an object"));
        }
        if let Some(at) = self.at {
            let node = self.reader.trie.node(at);
            if let Some(slot) = node.slot {
                self.record.set(slot, value);
            }
            for &slot in &node.below {
                self.record.set(slot, Value::Plain(Scalar::Other(kind)));
            }
        }
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_, 'de> {
    type Value = Value<'de>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value<'de>, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_, 'de> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        if let Some(at) = self.at {
            let node = self.reader.trie.node(at);
            for &slot in node.slot.iter().chain(&node.below) {
                self.record.set(slot, Value::Plain(Scalar::Null));
            }
        }
        Ok(Value::Plain(Scalar::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value<'de>, E> {
        self.put(Value::Plain(Scalar::Bool(value)), "a boolean where an object should be")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value<'de>, E> {
        self.put(Value::Plain(Scalar::Int(value)), "a number where an object should be")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value<'de>, E> {
        let scalar = i64::try_from(value).map_or(Scalar::Unsigned(value), Scalar::Int);
        self.put(Value::Plain(scalar), "a number where an object should be")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value<'de>, E> {
        self.put(Value::Plain(Scalar::Float(value)), "a number where an object should be")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        self.put(Value::Plain(Scalar::Text(text)), "text where an object should be")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        let kept = self.record.keep(text);
        self.put(kept, "text where an object should be")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.put(Value::Plain(Scalar::Other("an array")), "an array where an object should be")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value<'de>, A::Error> {
        let Place { reader, record, at, .. } = self;
        let Some(at) = at else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Plain(Scalar::Object));
        };
        let node = reader.trie.node(at);
        if let Some(slot) = node.slot {
            record.set(slot, Value::Plain(Scalar::Object));
        }
        if node.slot.is_some() && node.slot == reader.members {
            record.clear_members();
            while let Some(name) = members.next_key_seed(KeptName { record })? {
                let at = reader.trie.child(at, record.text(name));
                let value = members.next_value_seed(Place { reader, record, at, root: false })?;
                record.add_member(name, value);
            }
        } else {
            // Producers mostly write members in the same order: what followed in the record before is looked for first.
            let mut order = At::Start(at);
            let is_watched = reader.trie.is_watched(at);
            loop {
                let guess = record.guess(order);
                let Some(found) = members.next_key_seed(KnownName { reader, record, at, guess })? else { break };
                let child = found.map(|(_, child)| child);
                let is_null = if let Some((guess, child)) = found {
                    record.learn(order, guess);
                    order = At::After(child);
                    let value = members.next_value_seed(Place { reader, record, at: Some(child), root: false })?;
                    matches!(value, Value::Plain(Scalar::Null))
                } else if is_watched {
                    members.next_value::<Option<IgnoredAny>>()?.is_none()
                } else {
                    members.next_value::<IgnoredAny>()?;
                    false
                };
                // Null is as if it were not there.
                if is_null && reader.trie.is_noted(at, child) {
                    record.take_back_noted();
                }
            }
        }
        Ok(Value::Plain(Scalar::Object))
    }
}

/// The name of a member, looked up among the children of a place; noted if no column takes it and it is to be.
struct KnownName<'r, 'de> {
    reader: &'r JsonReader,
    record: &'r mut JsonRecord<'de>,
    at: usize,
    guess: Guess,
}

impl<'de> DeserializeSeed<'de> for KnownName<'_, 'de> {
    type Value = Option<(Guess, usize)>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Self::Value, D::Error> {
        parser.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KnownName<'_, 'de> {
    type Value = Option<(Guess, usize)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        let found = self.reader.trie.child_guessed(self.at, self.guess, name);
        if self.reader.trie.is_noted(self.at, found.map(|(_, child)| child)) {
            self.record.note(Value::Plain(Scalar::Text(name)));
        }
        Ok(found)
    }

    #[inline]
    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let found = self.reader.trie.child_guessed(self.at, self.guess, name);
        if self.reader.trie.is_noted(self.at, found.map(|(_, child)| child)) {
            let kept = self.record.keep(name);
            self.record.note(kept);
        }
        Ok(found)
    }
}

/// The name of a member that is kept.
struct KeptName<'r, 'de> {
    record: &'r mut JsonRecord<'de>,
}

impl<'de> DeserializeSeed<'de> for KeptName<'_, 'de> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value<'de>, D::Error> {
        parser.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeptName<'_, 'de> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Plain(Scalar::Text(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Value<'de>, E> {
        Ok(self.record.keep(name))
    }
}
