//! Where the inputs are read from at the very first start.

use super::problem::Report;
use super::section::Item;
use crate::event::Millis;
use crate::event::time::is_plausible;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use std::fmt;

/// Where a partition without state begins, in both inputs. Where there is state, it says where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// At the first record that is there.
    #[default]
    Earliest,
    /// With what is written from now on.
    Latest,
    /// At the first record whose timestamp, as Kafka has it, is this or later.
    At(Millis),
}

impl fmt::Display for Start {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Start::Earliest => out.write_str("earliest"),
            Start::Latest => out.write_str("latest"),
            Start::At(time) => match Timestamp::from_millisecond(*time) {
                Ok(time) => write!(out, "{time}"),
                Err(_) => write!(out, "{time} ms"),
            },
        }
    }
}

const EXPECTED: &str = "`earliest`, `latest`, or a time such as `2026-05-01` or `2026-05-01T06:00:00Z`";

/// Reads `start:`.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Start> {
    let text = item.text(report, EXPECTED)?;
    let start = parse(&text.value);
    if start.is_none() {
        report.error(&text.at, format!("`{}` is no place to start at", text.value)).expected(EXPECTED);
    }
    start
}

fn parse(text: &str) -> Option<Start> {
    match text {
        "earliest" => return Some(Start::Earliest),
        "latest" => return Some(Start::Latest),
        _ => {}
    }
    time(text).map(Start::At)
}

/// The time that `text` says, or the first instant of the day; `None` if it says none, or an absurd one.
pub(super) fn time(text: &str) -> Option<Millis> {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|midnight| midnight.timestamp());
    let time = text.parse::<Timestamp>().ok().or_else(|| text.parse::<Date>().ok().and_then(midnight))?;
    Some(time.as_millisecond()).filter(|time| is_plausible(*time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_from_mistakes() {
        assert_eq!(parse("earliest"), Some(Start::Earliest));
        assert_eq!(parse("latest"), Some(Start::Latest));
        assert_eq!(parse("1970-01-02"), Some(Start::At(86_400_000)));
        assert_eq!(parse("1970-01-01T01:00:01+01:00"), Some(Start::At(1_000)));
        for wrong in ["", "now", "Earliest", "1700000000000", "1969-12-31", "2500-01-01"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_shown_as_it_can_be_written() {
        for text in ["earliest", "latest", "2026-05-01T06:00:00Z"] {
            assert_eq!(parse(text).map(|start| start.to_string()).as_deref(), Some(text));
        }
    }
}
