//! Numbers, lengths of time and windows as people say them.

use crate::event::Millis;
use crate::event::alert::Baseline;

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;
const WEEK: Millis = 7 * DAY;

/// Significant digits of a number, unless more are needed to tell it from another.
const FEWEST_DIGITS: usize = 2;
/// Significant digits of a limit that somebody wrote.
const WRITTEN_DIGITS: usize = 6;
/// More tell nothing.
const MOST_DIGITS: usize = 9;

/// `value` in so many significant digits, finite; whole numbers in all of theirs.
pub fn number(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    let text = if value == 0.0 {
        "0".to_owned()
    } else if (magnitude.fract() == 0.0 && (1.0..1e15).contains(&magnitude)) || (1e6..1e15).contains(&magnitude) {
        grouped(&format!("{magnitude:.0}"))
    } else if (1e-6..1e15).contains(&magnitude) {
        let exponent = libm::floor(libm::log10(magnitude)) as i32;
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        grouped(&format!("{magnitude:.decimals$}"))
    } else {
        format!("{magnitude:.*e}", digits - 1)
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// `12345.6` as `12,345.6`.
fn grouped(text: &str) -> String {
    let whole = text.find('.').unwrap_or(text.len());
    let mut grouped = String::new();
    for (place, digit) in text.char_indices() {
        if place > 0 && place < whole && (whole - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// As it was rounded by [`number`], or nearly.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

/// Digits that a limit was written in, if that is known; else a few.
pub fn digits_of_limit(limit: f64) -> usize {
    let is_written = |digits: &usize| rounded(limit, *digits) == limit;
    (FEWEST_DIGITS..=WRITTEN_DIGITS).find(is_written).unwrap_or(FEWEST_DIGITS + 1)
}

/// Fewest digits in which `value` lies on the same side of `limit`, as that is told, as it really does.
pub fn digits_apart(value: f64, limit: f64) -> usize {
    let told = rounded(limit, digits_of_limit(limit));
    let is_apart =
        |digits: &usize| value == limit || rounded(value, *digits).partial_cmp(&told) == value.partial_cmp(&limit);
    (FEWEST_DIGITS..=MOST_DIGITS).find(is_apart).unwrap_or(MOST_DIGITS)
}

/// From `lower` to `upper`.
pub fn range(lower: f64, upper: f64, digits: usize) -> String {
    let dash = if lower < 0.0 || upper < 0.0 { " to " } else { "–" };
    format!("{}{dash}{}", number(lower, digits), number(upper, digits))
}

/// Percent, downwards, so that 100 % is all.
pub fn share(share: f64) -> String {
    format!("{} %", libm::floor(share.clamp(0.0, 1.0) * 100.0 + 1e-9))
}

/// `3 h 20 min`, `2 days`: the two largest units.
pub fn duration(ms: Millis) -> String {
    let ms = ms.max(0);
    let days = |days: Millis| if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    let (first, rest) = match ms {
        _ if ms < MINUTE => (format!("{} s", ms / SECOND), String::new()),
        _ if ms < HOUR => (format!("{} min", ms / MINUTE), second(ms % MINUTE, SECOND, "s")),
        _ if ms < DAY => (format!("{} h", ms / HOUR), second(ms % HOUR, MINUTE, "min")),
        _ => (days(ms / DAY), second(ms % DAY, HOUR, "h")),
    };
    first + &rest
}

fn second(rest: Millis, unit: Millis, name: &str) -> String {
    if rest < unit { String::new() } else { format!(" {} {name}", rest / unit) }
}

/// The word for windows of this length.
fn word(size_ms: Millis) -> Option<&'static str> {
    match size_ms {
        MINUTE => Some("minute"),
        HOUR => Some("hour"),
        DAY => Some("day"),
        WEEK => Some("week"),
        _ => None,
    }
}

/// A window of this length: `hour`, `window of 15 min`.
pub fn window(size_ms: Millis) -> String {
    word(size_ms).map_or_else(|| format!("window of {}", duration(size_ms)), str::to_owned)
}

/// More than one: `4 hours`, `4 windows of 15 min`.
fn windows(count: u32, size_ms: Millis) -> String {
    match (count, word(size_ms)) {
        (1, _) => format!("1 {}", window(size_ms)),
        (_, Some(word)) => format!("{count} {word}s"),
        (_, None) => format!("{count} windows of {}", duration(size_ms)),
    }
}

/// `3 of 4 hours`.
pub fn part_of_windows(part: u32, of: u32, size_ms: Millis) -> String {
    format!("{part} of {}", windows(of, size_ms))
}

/// The last ones: `the last 7 days`, `the same hour of the last 4 weeks`.
pub fn history(baseline: &Baseline, size_ms: Millis) -> String {
    match baseline {
        Baseline::Reference => "the reference".to_owned(),
        Baseline::Previous | Baseline::Trailing { windows: 1 } => format!("the {} before", window(size_ms)),
        Baseline::Trailing { windows: count } => format!("the last {}", windows(*count, size_ms)),
        Baseline::Ago { ms } | Baseline::Season { ms, seasons: 1 } => {
            format!("the {} {} earlier", window(size_ms), season(*ms))
        }
        Baseline::Season { ms, seasons } => {
            let seasons = match word(*ms) {
                Some(word) => format!("the last {seasons} {word}s"),
                None => format!("the last {seasons} times {}", duration(*ms)),
            };
            format!("the same {} of {seasons}", window(size_ms))
        }
    }
}

fn season(ms: Millis) -> String {
    word(ms).map_or_else(|| duration(ms), |word| format!("1 {word}"))
}

/// What stands for them: `the median of the last 7 days`, `the hour before`.
pub fn baseline(baseline: &Baseline, size_ms: Millis) -> String {
    let several = match baseline {
        Baseline::Trailing { windows } => *windows > 1,
        Baseline::Season { seasons, .. } => *seasons > 1,
        _ => false,
    };
    let history = history(baseline, size_ms);
    if several { format!("the median of {history}") } else { history }
}

/// `2026-11-27 02:20 UTC`.
pub fn instant(ms: Millis) -> String {
    let time = jiff::Timestamp::from_millisecond(ms);
    time.map_or_else(|_| format!("{ms} ms"), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_two_to_four_digits() {
        for (value, digits, text) in [
            (0.0, 2, "0"),
            (0.8, 2, "0.80"),
            (0.7149, 2, "0.71"),
            (0.7149, 3, "0.715"),
            (0.99961, 3, "1.000"),
            (12.34, 2, "12"),
            (12.34, 3, "12.3"),
            (1_234.6, 2, "1,235"),
            (7.0, 2, "7"),
            (1_234_567.0, 2, "1,234,567"),
            (1_234_567.8, 2, "1,234,568"),
            (0.000012345, 2, "0.000012"),
            (1.5e-9, 2, "1.5e-9"),
            (3e20, 2, "3.0e20"),
            (-0.052, 2, "−0.052"),
        ] {
            assert_eq!(number(value, digits), text);
        }
    }

    #[test]
    fn a_value_is_not_told_as_its_limit() {
        for (value, limit, expected) in [
            (0.71, 0.8, "0.71"),
            (0.7996, 0.8, "0.7996"),
            (0.79, 0.8, "0.79"),
            (0.8249, 0.825, "0.82"),
            (0.8251, 0.825, "0.83"),
            (1_000.4, 1_000.0, "1,000.4"),
        ] {
            assert_eq!(number(value, digits_apart(value, limit)), expected);
        }
        assert_eq!(number(0.825, digits_of_limit(0.825)), "0.825");
        assert_eq!(number(0.812_345_67, digits_of_limit(0.812_345_67)), "0.812");
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        for (ms, text) in [
            (0, "0 s"),
            (59_999, "59 s"),
            (90_000, "1 min 30 s"),
            (15 * MINUTE, "15 min"),
            (3 * HOUR + 20 * MINUTE + 5_000, "3 h 20 min"),
            (24 * HOUR, "1 day"),
            (2 * DAY + 3 * HOUR, "2 days 3 h"),
            (WEEK, "7 days"),
            (-5, "0 s"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn baselines_have_words() {
        for (of, size_ms, text) in [
            (Baseline::Reference, DAY, "the reference"),
            (Baseline::Previous, HOUR, "the hour before"),
            (Baseline::Trailing { windows: 7 }, DAY, "the median of the last 7 days"),
            (Baseline::Trailing { windows: 8 }, 15 * MINUTE, "the median of the last 8 windows of 15 min"),
            (Baseline::Ago { ms: WEEK }, HOUR, "the hour 1 week earlier"),
            (Baseline::Ago { ms: 2 * WEEK }, DAY, "the day 14 days earlier"),
            (Baseline::Season { ms: WEEK, seasons: 4 }, HOUR, "the median of the same hour of the last 4 weeks"),
        ] {
            assert_eq!(baseline(&of, size_ms), text);
        }
    }

    proptest! {
        #[test]
        fn told_numbers_are_short(value in -1e16f64..1e16, digits in 2usize..=4) {
            prop_assert!(number(value, digits).chars().count() <= 28);
        }
    }
}
