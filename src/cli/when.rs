//! Instants on the command line: `2013-07-01`, `2013-07-01T06:00:00Z`, or milliseconds since the epoch.

use crate::event::Millis;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

/// Reads an instant; a date is its midnight in UTC.
pub fn parse(text: &str) -> Result<Millis, String> {
    if let Ok(time) = text.parse::<Millis>() {
        return Ok(time);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let midnight = text.parse::<Date>().ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    midnight.map(|time| time.timestamp().as_millisecond()).ok_or_else(|| {
        format!("`{text}` is no instant; write 2013-07-01, 2013-07-01T06:00:00Z or milliseconds since 1970")
    })
}

/// The last millisecond of what `text` names: of a date its whole day, of an instant itself.
pub fn parse_end(text: &str) -> Result<Millis, String> {
    const DAY: Millis = 86_400_000;
    let is_date = text.parse::<Millis>().is_err() && text.parse::<Timestamp>().is_err();
    parse(text).map(|time| if is_date { time + DAY - 1 } else { time })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_instants_and_milliseconds_are_read() {
        assert_eq!(parse("1970-01-02"), Ok(86_400_000));
        assert_eq!(parse_end("1970-01-02"), Ok(2 * 86_400_000 - 1));
        assert_eq!(parse("1970-01-01T00:00:01+00:00"), Ok(1_000));
        assert_eq!(parse_end("1970-01-01T00:00:01Z"), Ok(1_000));
        assert_eq!(parse("1500"), Ok(1_500));
        assert!(parse("yesterday").is_err());
    }
}
