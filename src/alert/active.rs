//! Whether it is a time at which somebody is to be told.

use crate::event::alert::ActiveHours;
use crate::event::{Millis, Weekday};

const MINUTE_MS: Millis = 60_000;
const DAY_MINUTES: Millis = 1_440;

/// True if `now` lies in `hours`. Hours that end on the next day belong to the day on which they begin.
pub fn is_active(hours: &ActiveHours, now: Millis) -> bool {
    let local = now.saturating_add(Millis::from(hours.offset_minutes) * MINUTE_MS);
    let minute = local.div_euclid(MINUTE_MS).rem_euclid(DAY_MINUTES);
    let (from, to) = (Millis::from(hours.from_minute), Millis::from(hours.to_minute));
    let is_day = |time: Millis| hours.days.contains(&Weekday::of(time));
    if from < to {
        return is_day(local) && (from..to).contains(&minute);
    }
    let yesterday = local.saturating_sub(DAY_MINUTES * MINUTE_MS);
    is_day(local) && minute >= from || is_day(yesterday) && minute < to
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;
    /// Thursday, the first of January 1970.
    const THURSDAY: Millis = 0;

    fn hours(days: &[Weekday], from: u16, to: u16, offset_minutes: i16) -> ActiveHours {
        ActiveHours { days: days.to_vec(), from_minute: 60 * from, to_minute: 60 * to, offset_minutes }
    }

    #[test]
    fn the_day_and_the_hour_count_where_the_people_are() {
        let office = hours(&[Weekday::Thursday], 8, 18, 0);
        let active = [7, 8, 17, 18, 24 + 8].map(|hour| is_active(&office, THURSDAY + hour * HOUR));
        assert_eq!(active, [false, true, true, false, false]);
        let berlin = hours(&[Weekday::Thursday], 8, 18, 60);
        let active = [6, 7, 16, 17].map(|hour| is_active(&berlin, THURSDAY + hour * HOUR));
        assert_eq!(active, [false, true, true, false]);
    }

    #[test]
    fn a_night_belongs_to_its_evening() {
        let night = hours(&[Weekday::Thursday], 22, 6, 0);
        let active = [1, 21, 22, 24 + 5, 24 + 6, 24 + 22].map(|hour| is_active(&night, THURSDAY + hour * HOUR));
        assert_eq!(active, [false, false, true, true, false, false]);
    }

    #[test]
    fn a_whole_day_is_one() {
        let day = hours(&[Weekday::Thursday], 0, 24, 0);
        assert!(is_active(&day, THURSDAY) && is_active(&day, 24 * HOUR - 1) && !is_active(&day, 24 * HOUR));
    }
}
