//! Durations as operators write them: `90d`, `6h`, `15m`, `30s`, `500ms`, and combinations such as `1h30m`.
//!
//! A plain number is refused rather than guessed: whether `30` means seconds or milliseconds differs between systems,
//! and a horizon that is a thousand times too short loses labels silently. Zero means the same in every unit.

use crate::event::Millis;

/// Longest duration: 100 years of 365 days. Event times span 130 years; sums of a few durations stay far from overflow.
pub(super) const MAX_MS: Millis = 36_500 * 86_400_000;

/// Units from large to small, which is also the order they must be written in.
const UNITS: [(&str, Millis); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DurationError {
    /// A number without a unit.
    NoUnit(String),
    /// A unit that does not exist.
    UnknownUnit(String),
    /// Units repeated or not from large to small.
    Order,
    /// More than [`MAX_MS`].
    TooLong,
    /// Anything else: empty, a sign, a fraction, blanks, words.
    Malformed,
}

/// Reads a duration in milliseconds, 0 ≤ duration ≤ [`MAX_MS`].
pub(super) fn parse(text: &str) -> Result<Millis, DurationError> {
    if text == "0" {
        return Ok(0);
    }
    if text.is_empty() {
        return Err(DurationError::Malformed);
    }
    let mut rest = text;
    let mut total: Millis = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        if number.is_empty() {
            return Err(DurationError::Malformed);
        }
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        if unit.is_empty() {
            return Err(if tail.is_empty() {
                DurationError::NoUnit(number.to_owned())
            } else {
                DurationError::Malformed
            });
        }
        let index = UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(|| DurationError::UnknownUnit(unit.to_owned()))?;
        if index < next_unit {
            return Err(DurationError::Order);
        }
        next_unit = index + 1;
        total = number
            .parse::<Millis>()
            .ok()
            .and_then(|number| number.checked_mul(UNITS[index].1))
            .and_then(|part| part.checked_add(total))
            .filter(|total| *total <= MAX_MS)
            .ok_or(DurationError::TooLong)?;
        rest = tail;
    }
    Ok(total)
}

/// Reads a duration in milliseconds, as the configuration has them.
///
/// # Errors
/// If it is none, with what one looks like.
pub fn read(text: &str) -> Result<Millis, String> {
    parse(text).map_err(|_| format!("`{text}` is no duration; write `2h`, `90m` or `1d12h`"))
}

/// Writes a duration as the configuration has it, in as few units as possible.
pub fn format(mut millis: Millis) -> String {
    if millis <= 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, length) in UNITS {
        if millis >= length {
            text.push_str(&format!("{}{name}", millis / length));
            millis %= length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_and_their_combinations_are_read() {
        let cases = [
            ("90d", 90 * 86_400_000),
            ("6h", 6 * 3_600_000),
            ("15m", 15 * 60_000),
            ("30s", 30_000),
            ("500ms", 500),
            ("1h30m", 5_400_000),
            ("1d1ms", 86_400_001),
            ("0", 0),
            ("0s", 0),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_says_why() {
        let cases = [
            ("5", DurationError::NoUnit("5".to_owned())),
            ("1h30", DurationError::NoUnit("30".to_owned())),
            ("3w", DurationError::UnknownUnit("w".to_owned())),
            ("1H", DurationError::UnknownUnit("H".to_owned())),
            ("5µs", DurationError::UnknownUnit("µs".to_owned())),
            ("30m1h", DurationError::Order),
            ("1h1h", DurationError::Order),
            ("99999999999999999999d", DurationError::TooLong),
            ("36501d", DurationError::TooLong),
            ("", DurationError::Malformed),
            ("-1h", DurationError::Malformed),
            ("1.5h", DurationError::Malformed),
            ("1 h", DurationError::Malformed),
            ("soon", DurationError::Malformed),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text), Err(wanted), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0..=MAX_MS) {
            prop_assert_eq!(parse(&format(millis)), Ok(millis));
        }

        #[test]
        fn no_text_panics(text in "[0-9dhms. -]{0,12}|\\PC{0,12}") {
            if let Ok(millis) = parse(&text) {
                prop_assert!((0..=MAX_MS).contains(&millis));
            }
        }
    }
}
