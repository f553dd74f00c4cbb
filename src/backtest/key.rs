//! The numbers of a rule that can be tried out, by the names that they have in the configuration.

use crate::config::{read_duration, written_duration};
use crate::event::Millis;
use crate::event::alert::{AlertRule, Baseline, BySeverity, Condition, Gates, Limits, Unit, Watch};

/// What a number is, which says how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `0.8`.
    Number,
    /// `5%`.
    Percent,
    /// `90%` or `0.9`, in [0, 1].
    Share,
    /// `0.001`, above 0 and at most 0.5; tried out in equal ratios.
    Probability,
    /// A whole number.
    Count {
        /// Least that makes sense.
        least: u32,
        /// Most.
        most: u32,
    },
    /// `2h`.
    Duration,
}

impl Kind {
    /// Reads a number.
    ///
    /// # Errors
    /// If `text` is none of this kind, with what would be.
    pub fn read(self, text: &str) -> Result<f64, String> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let percent = text.strip_suffix('%').map(str::trim_end);
        let (found, expected) = match self {
            Kind::Number => (number(text), "a number".to_owned()),
            Kind::Percent => (
                percent.and_then(number).filter(|n| *n >= 0.0),
                "a percentage such as `5%`, as the rule has one".to_owned(),
            ),
            Kind::Share => {
                let share = percent.map_or_else(|| number(text), |percent| number(percent).map(|n| n / 100.0));
                (share.filter(|share| (0.0..=1.0).contains(share)), "a share from 0 to 1, or a percentage".to_owned())
            }
            Kind::Probability => {
                (number(text).filter(|p| *p > 0.0 && *p <= 0.5), "a probability above 0 and at most 0.5".to_owned())
            }
            Kind::Count { least, most } => {
                let count = text.parse::<u32>().ok().filter(|count| (least..=most).contains(count));
                (count.map(f64::from), format!("a whole number from {least} to {most}"))
            }
            Kind::Duration => return read_duration(text).map(|ms| ms as f64),
        };
        found.ok_or_else(|| format!("`{text}` is not {expected}"))
    }

    /// The number as it is written, to so many digits as differ.
    pub fn written(self, value: f64) -> String {
        match self {
            Kind::Percent => format!("{}%", shortest(value)),
            Kind::Duration => written_duration(value as Millis),
            Kind::Number | Kind::Share | Kind::Probability | Kind::Count { .. } => shortest(value),
        }
    }
}

/// To nine significant digits, without zeros at the end: steps between round numbers are round.
pub(super) fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

fn shortest(value: f64) -> String {
    let value = rounded(value);
    match value == 0.0 || (1e-4..1e9).contains(&value.abs()) {
        true => format!("{value}"),
        false => format!("{value:e}"),
    }
}

/// Where a number of a rule is held.
enum Place<'r> {
    Real(&'r mut f64),
    /// A limit; a fall is held below zero.
    Limit(&'r mut Option<f64>, f64),
    Count(&'r mut u32),
    /// So many in a row.
    Fire(&'r mut u32, &'r mut u32),
    Whole(&'r mut i64),
    Wait(&'r mut Option<Millis>),
}

impl Place<'_> {
    fn value(&self) -> Option<f64> {
        match self {
            Place::Real(real) => Some(**real),
            Place::Limit(limit, sign) => limit.map(|limit| limit * sign),
            Place::Count(count) | Place::Fire(count, _) => Some(f64::from(**count)),
            Place::Whole(whole) => Some(**whole as f64),
            Place::Wait(wait) => wait.map(|wait| wait as f64),
        }
    }

    fn set(self, value: f64) {
        match self {
            Place::Real(real) => *real = value,
            Place::Limit(limit, sign) => *limit = Some(value * sign),
            Place::Count(count) => *count = value as u32,
            Place::Fire(fire, of) => (*fire, *of) = (value as u32, value as u32),
            Place::Whole(whole) => *whole = value as i64,
            Place::Wait(wait) => *wait = Some(value as Millis),
        }
    }
}

/// Most windows or seasons that a value may be compared with, as in the configuration.
const MOST_WINDOWS: u32 = 1_000_000;
/// Fewest from which it can be expected.
const FEWEST_WINDOWS: u32 = 4;
/// Most windows of which some must be bad.
const MOST_OF: u32 = 64;

type Named<'r> = (String, Kind, Place<'r>);

/// All numbers of a rule.
fn places(rule: &mut AlertRule) -> Vec<Named<'_>> {
    let AlertRule { watch, gates, .. } = rule;
    let name = |name: &str| name.to_owned();
    match watch {
        Watch::Metric { condition, .. } => {
            let Gates {
                clear_limits, min_count, provisional, maturity, fire, of, clear, cooldown_ms, warm_up_ms, ..
            } = gates;
            let mut places = of_condition(condition, clear_limits.as_mut());
            let some = Kind::Count { least: 1, most: MOST_OF };
            places.push((name("min_count"), Kind::Count { least: 0, most: u32::MAX }, Place::Whole(min_count)));
            if fire == of {
                places.push((name("fire"), some, Place::Fire(fire, of)));
            } else {
                places.push((name("fire.windows"), some, Place::Count(fire)));
                places.push((name("fire.of"), some, Place::Count(of)));
            }
            places.push((name("clear_after"), some, Place::Count(clear)));
            places.push((name("cooldown"), Kind::Duration, Place::Whole(cooldown_ms)));
            places.push((name("warm_up"), Kind::Duration, Place::Whole(warm_up_ms)));
            if *provisional {
                places.push((name("maturity.coverage"), Kind::Share, Place::Real(&mut maturity.coverage)));
                places.push((name("maturity.wait"), Kind::Duration, Place::Wait(&mut maturity.wait_ms)));
            }
            places
        }
        Watch::Absence { for_ms, .. } => vec![(name("for"), Kind::Duration, Place::Whole(for_ms))],
        Watch::Rules { .. } => vec![(name("cooldown"), Kind::Duration, Place::Whole(&mut gates.cooldown_ms))],
    }
}

fn of_condition<'r>(condition: &'r mut Condition, clear: Option<&'r mut Limits>) -> Vec<Named<'r>> {
    let (mut places, keys, kind) = match condition {
        Condition::Static { limits, .. } => {
            let (keys, kind) = ([("min", 1.0), ("max", 1.0)], Kind::Number);
            (of_limits(limits, keys, kind), keys, kind)
        }
        Condition::Relative { limits, unit, baseline, .. } => {
            let kind = if *unit == Unit::Percent { Kind::Percent } else { Kind::Number };
            let keys = [("fall", -1.0), ("rise", 1.0)];
            let mut places = of_limits(limits, keys, kind);
            places.extend(of_baseline(baseline, "compared_with", 1));
            (places, keys, kind)
        }
        Condition::Dynamic { alpha, least, baseline, .. } => {
            let is_single = alpha.0.len() == 1;
            let named = |(severity, alpha): &'r mut (crate::event::alert::Severity, f64)| {
                let name = if is_single { "alpha".to_owned() } else { format!("{}.alpha", severity.name()) };
                (name, Kind::Probability, Place::Real(alpha))
            };
            let mut places: Vec<Named<'_>> = alpha.0.iter_mut().map(named).collect();
            places.push(("least".to_owned(), Kind::Number, Place::Real(least)));
            places.extend(of_baseline(baseline, "dynamic", FEWEST_WINDOWS));
            return places;
        }
    };
    places.extend(clear.into_iter().flat_map(|limits| ends(limits, "clear.", keys, kind)));
    places
}

fn of_limits<'r>(by: &'r mut BySeverity<Limits>, keys: [(&str, f64); 2], kind: Kind) -> Vec<Named<'r>> {
    let is_single = by.0.len() == 1;
    let prefix = |name: &str| if is_single { String::new() } else { format!("{name}.") };
    by.0.iter_mut().flat_map(|(severity, limits)| ends(limits, &prefix(severity.name()), keys, kind)).collect()
}

/// The ends that limits have.
fn ends<'r>(limits: &'r mut Limits, prefix: &str, keys: [(&str, f64); 2], kind: Kind) -> Vec<Named<'r>> {
    let Limits { min, max } = limits;
    let both = [min, max].into_iter().zip(keys).filter(|(end, _)| end.is_some());
    both.map(|(end, (key, sign))| (format!("{prefix}{key}"), kind, Place::Limit(end, sign))).collect()
}

fn of_baseline<'r>(baseline: &'r mut Baseline, key: &str, least: u32) -> Option<Named<'r>> {
    let kind = Kind::Count { least, most: MOST_WINDOWS };
    match baseline {
        Baseline::Trailing { windows } => Some((format!("{key}.trailing"), kind, Place::Count(windows))),
        Baseline::Season { seasons, .. } => Some((format!("{key}.seasons"), kind, Place::Count(seasons))),
        _ => None,
    }
}

/// Names of the numbers of `rule`.
pub fn names(rule: &AlertRule) -> Vec<String> {
    places(&mut rule.clone()).into_iter().map(|(name, ..)| name).collect()
}

/// What the number `key` of `rule` is, and its value where it has one; `None` if it has no such key.
pub fn value(rule: &AlertRule, key: &str) -> Option<(Kind, Option<f64>)> {
    let mut rule = rule.clone();
    let (_, kind, place) = places(&mut rule).into_iter().find(|(name, ..)| name == key)?;
    Some((kind, place.value()))
}

/// Gives `rule` another value there, as it would be written; false if it has no such key.
pub fn set(rule: &mut AlertRule, key: &str, value: f64) -> bool {
    let place = places(rule).into_iter().find(|(name, ..)| name == key);
    place.map(|(_, _, place)| place.set(value)).is_some()
}
