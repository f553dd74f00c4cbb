//! The mapped values of one JSON record.

use super::super::message::Fault;
use super::super::scalar::{Member, Record, Scalar};
use super::super::trie::Guess;

/// A value as the parser left it: text points into the message, or into the record's own text if it had escapes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'de> {
    Plain(Scalar<'de>),
    Unescaped { start: usize, end: usize },
}

/// The mapped values of one record, kept from record to record for its room.
#[derive(Debug)]
pub(crate) struct JsonRecord<'de> {
    slots: Vec<Value<'de>>,
    members: Vec<(Value<'de>, Value<'de>)>,
    noted: Vec<Value<'de>>,
    unescaped: String,
    /// By node: its first child in the record before, and the child of its parent that came after it.
    order: Vec<(Guess, Guess)>,
}

/// A place in the order of the members of an object.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    /// Before all members of this node.
    Start(usize),
    /// After this node, among its siblings.
    After(usize),
}

impl<'de> JsonRecord<'de> {
    pub(super) fn new(slots: usize, nodes: usize) -> Self {
        JsonRecord {
            slots: vec![Value::Plain(Scalar::Null); slots],
            members: Vec::new(),
            noted: Vec::new(),
            unescaped: String::new(),
            order: vec![Default::default(); nodes],
        }
    }

    /// Which child came at this place in the record before.
    #[inline]
    pub(super) fn guess(&self, at: At) -> Guess {
        match at {
            At::Start(node) => self.order[node].0,
            At::After(node) => self.order[node].1,
        }
    }

    /// Remembers which child comes at this place.
    #[inline]
    pub(super) fn learn(&mut self, at: At, guess: Guess) {
        match at {
            At::Start(node) => self.order[node].0 = guess,
            At::After(node) => self.order[node].1 = guess,
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(Value::Plain(Scalar::Null));
        self.members.clear();
        self.noted.clear();
        self.unescaped.clear();
    }

    pub(super) fn set(&mut self, slot: usize, value: Value<'de>) {
        self.slots[slot] = value;
    }

    pub(super) fn clear_members(&mut self) {
        self.members.clear();
    }

    pub(super) fn add_member(&mut self, name: Value<'de>, value: Value<'de>) {
        self.members.push((name, value));
    }

    pub(super) fn note(&mut self, name: Value<'de>) {
        self.noted.push(name);
    }

    /// Takes back what was noted last, and all of the same name.
    pub(super) fn take_back_noted(&mut self) {
        let mut noted = std::mem::take(&mut self.noted);
        if let Some(last) = noted.pop() {
            noted.retain(|name| self.text(*name) != self.text(last));
        }
        self.noted = noted;
    }

    /// Keeps a text that is only lent.
    pub(super) fn keep(&mut self, text: &str) -> Value<'de> {
        let start = self.unescaped.len();
        self.unescaped.push_str(text);
        Value::Unescaped { start, end: self.unescaped.len() }
    }

    /// The text that `value` is, if it is text.
    pub(super) fn text(&self, value: Value<'de>) -> &str {
        match self.resolve(value) {
            Scalar::Text(text) => text,
            _ => "",
        }
    }

    #[inline]
    fn resolve(&self, value: Value<'de>) -> Scalar<'_> {
        match value {
            Value::Plain(scalar) => scalar,
            Value::Unescaped { start, end } => Scalar::Text(&self.unescaped[start..end]),
        }
    }
}

impl Record for JsonRecord<'_> {
    #[inline]
    fn scalar(&self, slot: usize) -> Scalar<'_> {
        self.resolve(self.slots[slot])
    }

    fn members(&self, _slot: usize, each: Member<'_>) -> Result<(), Fault> {
        // Only one slot's members are ever kept.
        self.members.iter().try_for_each(|(name, value)| each(self.text(*name), self.resolve(*value)))
    }

    fn noted(&self, each: &mut dyn FnMut(&str)) {
        self.noted.iter().for_each(|name| each(self.text(*name)));
    }
}
