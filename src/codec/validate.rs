//! The rules of the roles: what a value must be to play one. Shared by all formats, so that the same content gives the
//! same rows and the same rejects.
//!
//! Null and absent are the same everywhere. Text is never read as a number where the format tells them apart.

use super::message::Fault;
use super::scalar::Scalar;
use crate::event::{Millis, Reason, time};
use std::fmt::Write as _;

/// Largest magnitude of a number, 2⁵³·10³: what exact sums have room for.
pub(crate) const MAX_MAGNITUDE: f64 = 9_007_199_254_740_992_000.0;

/// A value that is text or has a canonical text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TextValue<'a> {
    Text(&'a str),
    Bool(bool),
    /// Finite; its text is that of [`crate::event::label::number_as_class`].
    Number(f64),
    /// Exact decimal text, for ids beyond 2⁵³.
    Int(i64),
    Unsigned(u64),
}

impl<'a> TextValue<'a> {
    /// The text; `buffer` is used where it must be written first.
    #[inline]
    pub(crate) fn text<'t>(&self, buffer: &'t mut String) -> &'t str
    where
        'a: 't,
    {
        match self {
            TextValue::Text(text) => return text,
            TextValue::Bool(true) => return "true",
            TextValue::Bool(false) => return "false",
            _ => buffer.clear(),
        }
        let written = match self {
            TextValue::Int(value) => write!(buffer, "{value}"),
            TextValue::Unsigned(value) => write!(buffer, "{value}"),
            // Integers are much faster to print as such, and print the same; this also makes -0 `0`.
            TextValue::Number(value) if is_exact_integer(*value) => write!(buffer, "{}", *value as i64),
            TextValue::Number(value) => write!(buffer, "{value}"),
            TextValue::Text(_) | TextValue::Bool(_) => Ok(()),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        buffer
    }
}

fn is_exact_integer(value: f64) -> bool {
    value.abs() < 9_007_199_254_740_992.0 && value as i64 as f64 == value
}

/// A number, finite and of a magnitude that exact sums have room for.
pub(crate) fn number(field: &str, value: Scalar<'_>) -> Result<Option<f64>, Fault> {
    let number = match value {
        Scalar::Null | Scalar::Untyped("") => return Ok(None),
        Scalar::Int(value) => value as f64,
        Scalar::Unsigned(value) => value as f64,
        Scalar::Float(value) => value,
        Scalar::Untyped(text) => text.parse().map_err(|_| wrong_type(field, "a number", value))?,
        _ => return Err(wrong_type(field, "a number", value)),
    };
    usable(field, number).map(Some)
}

fn usable(field: &str, number: f64) -> Result<f64, Fault> {
    if number.is_nan() || number.abs() > MAX_MAGNITUDE {
        return Err(Fault::new(Reason::InvalidNumber, format!("{field}: {number:?} is not a usable number")));
    }
    Ok(number)
}

/// A probability.
pub(crate) fn score(field: &str, value: Scalar<'_>) -> Result<Option<f64>, Fault> {
    match number(field, value)? {
        Some(score) if !(0.0..=1.0).contains(&score) => {
            Err(Fault::new(Reason::ScoreOutOfRange, format!("{field}: {score} is outside [0, 1]")))
        }
        // -0 passes as 0.
        score => Ok(score.map(|score| score + 0.0)),
    }
}

/// The score of one class: a number ≥ 0; null where the class has none.
pub(crate) fn class_score(class: &str, value: Scalar<'_>) -> Result<Option<f64>, Fault> {
    // The name is only written out for a fault.
    match number("scores", value) {
        Ok(Some(score)) if score < 0.0 => {
            Err(Fault::new(Reason::ScoreOutOfRange, format!("scores of {}: {score} is negative", Scalar::Text(class))))
        }
        Err(fault) => Err(Fault { detail: format!("{} (of {})", fault.detail, Scalar::Text(class)), ..fault }),
        valid => valid.map(|score| score.map(|score| score + 0.0)),
    }
}

/// A length of time: a number ≥ 0.
pub(crate) fn duration(field: &str, value: Scalar<'_>) -> Result<Option<f64>, Fault> {
    match number(field, value)? {
        Some(number) if number < 0.0 => {
            Err(Fault::new(Reason::InvalidNumber, format!("{field}: {number} is negative")))
        }
        number => Ok(number.map(|number| number + 0.0)),
    }
}

/// Text, or the canonical text of a number or boolean.
pub(crate) fn text<'a>(field: &str, value: Scalar<'a>) -> Result<Option<TextValue<'a>>, Fault> {
    Ok(Some(match value {
        Scalar::Null | Scalar::Untyped("") => return Ok(None),
        Scalar::Text(text) | Scalar::Untyped(text) => TextValue::Text(text),
        Scalar::Bool(value) => TextValue::Bool(value),
        Scalar::Int(_) | Scalar::Unsigned(_) | Scalar::Float(_) => match number(field, value)? {
            Some(number) => TextValue::Number(number),
            None => return Ok(None),
        },
        Scalar::Object | Scalar::Other(_) => return Err(wrong_type(field, "text, a number or a boolean", value)),
    }))
}

/// Text whose emptiness is absence: names of models and versions.
pub(crate) fn name<'a>(field: &str, value: Scalar<'a>) -> Result<Option<TextValue<'a>>, Fault> {
    Ok(text(field, value)?.filter(|name| *name != TextValue::Text("")))
}

/// The id that joins: text or an integer.
pub(crate) fn request_id(value: Scalar<'_>) -> Result<TextValue<'_>, Fault> {
    match value {
        Scalar::Text("") | Scalar::Untyped("") => Err(Fault::new(Reason::MissingRequestId, "request_id: empty")),
        Scalar::Null => Err(Fault::new(Reason::MissingRequestId, "request_id: absent or null")),
        Scalar::Text(text) | Scalar::Untyped(text) => Ok(TextValue::Text(text)),
        Scalar::Int(value) => Ok(TextValue::Int(value)),
        Scalar::Unsigned(value) => Ok(TextValue::Unsigned(value)),
        _ => Err(wrong_type("request_id", "text or an integer", value)),
    }
}

/// A plausible event time: integer milliseconds, RFC 3339 text, or else `fallback` (the broker's).
pub(crate) fn event_time(value: Scalar<'_>, fallback: Option<Millis>) -> Result<Millis, Fault> {
    let time = match value {
        Scalar::Null | Scalar::Untyped("") => fallback
            .ok_or_else(|| Fault::new(Reason::MissingTimestamp, "timestamp: absent or null, and none of the broker"))?,
        Scalar::Int(time) => time,
        Scalar::Unsigned(_) => return Err(absurd(value)),
        Scalar::Float(time) if !time.is_finite() => {
            return Err(Fault::new(Reason::InvalidNumber, format!("timestamp: {time:?} is not a usable number")));
        }
        // 2⁶³ and beyond saturate, which is just as absurd.
        Scalar::Float(time) if libm::trunc(time) == time => time as i64,
        Scalar::Untyped(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().map_err(|_| absurd(value))?
        }
        Scalar::Text(text) | Scalar::Untyped(text) => match text.parse::<jiff::Timestamp>() {
            Ok(time) => time.as_millisecond(),
            Err(_) => return Err(wrong_type("timestamp", WHAT_A_TIME_IS, value)),
        },
        _ => return Err(wrong_type("timestamp", WHAT_A_TIME_IS, value)),
    };
    if time::is_plausible(time) { Ok(time) } else { Err(absurd(Scalar::Int(time))) }
}

const WHAT_A_TIME_IS: &str = "integer milliseconds or RFC 3339 text";

fn absurd(value: Scalar<'_>) -> Fault {
    Fault::new(Reason::AbsurdTime, format!("timestamp: {value} is outside 1970–2100"))
}

/// Whether a flag is set; absent is not.
pub(crate) fn flag(field: &str, value: Scalar<'_>) -> Result<bool, Fault> {
    match value {
        Scalar::Null | Scalar::Untyped("" | "false" | "0") => Ok(false),
        Scalar::Bool(value) => Ok(value),
        Scalar::Untyped("true" | "1") => Ok(true),
        _ => Err(wrong_type(field, "a boolean", value)),
    }
}

/// Whether the request failed: an error text, or `true`.
pub(crate) fn failed(value: Scalar<'_>) -> Result<bool, Fault> {
    match value {
        Scalar::Untyped("false") => Ok(false),
        Scalar::Text(text) | Scalar::Untyped(text) => Ok(!text.is_empty()),
        _ => flag("error", value).map_err(|_| wrong_type("error", "text or a boolean", value)),
    }
}

/// A label's class or value; the canonical text of a number is that number.
pub(crate) fn label(value: Scalar<'_>) -> Result<Option<TextValue<'_>>, Fault> {
    let canonical = |text| crate::event::label::class_as_number(text).filter(|number| number.abs() <= MAX_MAGNITUDE);
    // Where there are no types, `1.0` is the number too; the first byte keeps `nan` and `inf` names of classes.
    let written = |text: &str| {
        let numeric = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
        text.parse().ok().filter(|number: &f64| numeric && number.abs() <= MAX_MAGNITUDE)
    };
    Ok(match value {
        Scalar::Untyped(text) => match written(text) {
            Some(number) => Some(TextValue::Number(number)),
            None => self::text("label", value)?,
        },
        Scalar::Text(text) => Some(canonical(text).map_or(TextValue::Text(text), TextValue::Number)),
        _ => text("label", value)?,
    })
}

fn wrong_type(field: &str, wanted: &str, found: Scalar<'_>) -> Fault {
    Fault::new(Reason::WrongType, format!("{field}: expected {wanted}, found {found}"))
}

pub(crate) fn not_an_object(field: &str, found: Scalar<'_>) -> Fault {
    wrong_type(field, "an object", found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::label::number_as_class;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_text_of_a_number_is_that_of_its_class(value in prop_oneof![any::<f64>(), (-1e6..1e6f64).prop_map(|x| x.trunc())]) {
            prop_assume!(value.is_finite());
            let mut buffer = String::new();
            prop_assert_eq!(TextValue::Number(value).text(&mut buffer), number_as_class(value));
        }
    }

    #[test]
    fn time_is_read_from_integers_whole_floats_and_rfc_3339() {
        let read = |value| event_time(value, None).map_err(|fault| fault.reason);
        assert_eq!(read(Scalar::Int(1_700_000_000_000)), Ok(1_700_000_000_000));
        assert_eq!(read(Scalar::Float(1.7e12)), Ok(1_700_000_000_000));
        assert_eq!(read(Scalar::Text("2023-11-14T23:13:20.5+01:00")), Ok(1_700_000_000_500));
        assert_eq!(read(Scalar::Untyped("1700000000000")), Ok(1_700_000_000_000));
        assert_eq!(read(Scalar::Text("1700000000000")), Err(Reason::WrongType));
        assert_eq!(read(Scalar::Float(0.5)), Err(Reason::WrongType));
        assert_eq!(read(Scalar::Float(f64::NAN)), Err(Reason::InvalidNumber));
        assert_eq!(read(Scalar::Float(1e300)), Err(Reason::AbsurdTime));
        assert_eq!(read(Scalar::Int(-1)), Err(Reason::AbsurdTime));
        assert_eq!(read(Scalar::Text("2100-01-01T00:00:00Z")), Err(Reason::AbsurdTime));
        assert_eq!(read(Scalar::Null), Err(Reason::MissingTimestamp));
        assert_eq!(event_time(Scalar::Null, Some(7)).ok(), Some(7));
    }

    #[test]
    fn untyped_text_is_read_as_its_role_needs() {
        assert_eq!(number("score", Scalar::Untyped("0.25")), Ok(Some(0.25)));
        assert_eq!(number("score", Scalar::Untyped("nan")).map_err(|fault| fault.reason), Err(Reason::InvalidNumber));
        assert_eq!(number("score", Scalar::Text("0.25")).map_err(|fault| fault.reason), Err(Reason::WrongType));
        assert_eq!(label(Scalar::Untyped("1.0")), Ok(Some(TextValue::Number(1.0))));
        assert_eq!(label(Scalar::Text("1.0")), Ok(Some(TextValue::Text("1.0"))));
        assert_eq!(label(Scalar::Untyped("nan")), Ok(Some(TextValue::Text("nan"))));
        assert_eq!(flag("deleted", Scalar::Untyped("true")), Ok(true));
    }

    #[test]
    fn a_request_id_keeps_every_digit() {
        let text = |value| request_id(value).map(|id| id.text(&mut String::new()).to_owned()).ok();
        assert_eq!(text(Scalar::Int(9_007_199_254_740_993)).as_deref(), Some("9007199254740993"));
        assert_eq!(text(Scalar::Unsigned(u64::MAX)).as_deref(), Some("18446744073709551615"));
        assert_eq!(text(Scalar::Float(1.0)), None);
    }
}
