//! One decoded value, whatever format it was written in: the meeting point of the formats and the rules.

use super::message::Fault;
use std::fmt;

/// A value of a record at a mapped path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'a> {
    /// Null, or nothing at that path.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer; also a timestamp of a format that has them, in milliseconds.
    Int(i64),
    /// An integer above `i64::MAX`.
    Unsigned(u64),
    /// Any other number, possibly NaN or infinite.
    Float(f64),
    /// Text of a format that tells text from numbers.
    Text(&'a str),
    /// Text of a place that has no types (key, header, constant): read as whatever its role needs; empty is null.
    Untyped(&'a str),
    /// An object, map or record.
    Object,
    /// Anything that no role can take; says what it is.
    Other(&'static str),
}

/// How much of a text is shown in a detail, in characters.
const SHOWN: usize = 60;

/// What was found, for the detail of a reject.
impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Null => f.write_str("null"),
            Scalar::Bool(value) => write!(f, "boolean {value}"),
            Scalar::Int(value) => write!(f, "integer {value}"),
            Scalar::Unsigned(value) => write!(f, "integer {value}"),
            Scalar::Float(value) => write!(f, "number {value:?}"),
            Scalar::Text(text) | Scalar::Untyped(text) => match text.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "text {:?}…", &text[..end]),
                None => write!(f, "text {text:?}"),
            },
            Scalar::Object => f.write_str("an object"),
            Scalar::Other(kind) => f.write_str(kind),
        }
    }
}

/// The mapped values of one record. A slot stands for one mapped path (see [`super::layout::Paths`]).
pub(crate) trait Record {
    /// The value at `slot`.
    fn scalar(&self, slot: usize) -> Scalar<'_>;

    /// Calls `each` with the name and value of every member of the [`Scalar::Object`] at `slot`, in their order, until
    /// it fails. Formats answer this only for the slot that [`super::layout::Paths::members`] names.
    fn members(&self, slot: usize, each: Member<'_>) -> Result<(), Fault>;

    /// Calls `each` with the name of every member of the object that [`super::layout::Paths::watched`] names, where no
    /// column takes it.
    fn noted(&self, each: &mut dyn FnMut(&str));
}

/// What is done with a member of an object.
pub(crate) type Member<'f> = &'f mut dyn FnMut(&str, Scalar<'_>) -> Result<(), Fault>;

/// A record without a value: everything comes from the key, the headers or the configuration.
pub(crate) struct NoValue;

impl Record for NoValue {
    fn scalar(&self, _slot: usize) -> Scalar<'_> {
        Scalar::Null
    }

    fn members(&self, _slot: usize, _each: Member<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn noted(&self, _each: &mut dyn FnMut(&str)) {}
}
