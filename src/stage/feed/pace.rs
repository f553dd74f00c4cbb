//! How fast event time passes while files are played.

use crate::event::Millis;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Speed of event time against the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as the brokers take records.
    Max,
    /// So many seconds of event time in a second.
    Factor(f64),
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Pace, String> {
        if text == "max" {
            return Ok(Pace::Max);
        }
        let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor > 0.0);
        factor.map(Pace::Factor).ok_or_else(|| {
            format!("`{text}` is no pace; write `max`, or seconds of event time per second, such as 3600")
        })
    }
}

/// When which event time is due.
#[derive(Debug)]
pub struct Schedule {
    pace: Pace,
    /// Event time and clock of the first record.
    start: Option<(Millis, Instant)>,
}

impl Schedule {
    /// Starts with the first record that is asked for.
    pub fn new(pace: Pace) -> Schedule {
        Schedule { pace, start: None }
    }

    /// How long a record of this time has to wait; `None` if it is due.
    pub fn until(&mut self, time: Millis, now: Instant) -> Option<Duration> {
        let Pace::Factor(factor) = self.pace else { return None };
        // Records before the first that has a time have none.
        if time == Millis::MIN {
            return None;
        }
        let (first, start) = *self.start.get_or_insert((time, now));
        let seconds = time.saturating_sub(first) as f64 / 1000.0 / factor;
        // What is further away than a duration can say is never due.
        let wait = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        wait.checked_sub(now.duration_since(start)).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_max_or_a_factor() {
        assert_eq!("max".parse(), Ok(Pace::Max));
        assert_eq!("0.5".parse(), Ok(Pace::Factor(0.5)));
        for wrong in ["", "0", "-1", "inf", "nan", "fast"] {
            assert!(wrong.parse::<Pace>().is_err_and(|error| error.contains("3600")), "{wrong}");
        }
    }

    #[test]
    fn an_hour_passes_in_a_second() {
        let (now, hour) = (Instant::now(), 3_600_000);
        let mut schedule = Schedule::new(Pace::Factor(3600.0));
        assert_eq!(schedule.until(5 * hour, now), None);
        assert_eq!(schedule.until(7 * hour, now), Some(Duration::from_secs(2)));
        assert_eq!(schedule.until(7 * hour, now + Duration::from_secs(2)), None, "it is due");
        assert_eq!(schedule.until(hour, now), None, "what is older than the first is due");
        assert_eq!(Schedule::new(Pace::Max).until(7 * hour, now), None);
    }
}
