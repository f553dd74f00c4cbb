//! `Condition`: when a value is one to be told of.

use super::Severity;
use crate::event::Millis;
use serde::{Deserialize, Serialize};

/// Something per severity, the mildest first; not empty, each at most once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BySeverity<T>(pub Vec<(Severity, T)>);

impl<T> BySeverity<T> {
    /// The worst severity whose part `is_met`.
    pub fn worst(&self, is_met: impl Fn(&T) -> bool) -> Option<(Severity, &T)> {
        self.0.iter().rev().find(|(_, part)| is_met(part)).map(|(severity, part)| (*severity, part))
    }

    /// The mildest.
    pub fn mildest(&self) -> Option<(Severity, &T)> {
        self.0.first().map(|(severity, part)| (*severity, part))
    }
}

/// Where values are good. At least one end is given; min ≤ max.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Below this a value is bad.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min: Option<f64>,
    /// Above this a value is bad.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<f64>,
}

impl Limits {
    /// True if `value` lies outside.
    pub fn are_passed_by(&self, value: f64) -> bool {
        self.min.is_some_and(|min| value < min) || self.max.is_some_and(|max| value > max)
    }
}

/// Earlier windows of the same series and size that a window is compared with. Windows that were not judged (too few rows,
/// maintenance) are none of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Baseline {
    /// The metric over the reference profile's rows, where the profile knows it.
    Reference,
    /// The one before.
    Previous,
    /// The median of the last ones.
    Trailing {
        /// How many, > 0.
        windows: u32,
    },
    /// The one that began so much earlier.
    Ago {
        /// A multiple of the window's advance, > 0.
        ms: Millis,
    },
    /// Those that began so much earlier, twice as much, and so on: the same hour of the last weeks. Their median.
    Season {
        /// Length of the season, a multiple of the window's advance, > 0.
        ms: Millis,
        /// How many seasons, > 0.
        seasons: u32,
    },
}

/// What a difference from a baseline is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// That of the metric.
    Absolute,
    /// Percent of the baseline's magnitude.
    Percent,
}

/// Which deviations are bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Falling below.
    Below,
    /// Rising above.
    Above,
    /// Either.
    Both,
}

/// When a value is bad.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// It lies outside of fixed limits.
    Static {
        /// The limits, wider ones for worse severities.
        limits: BySeverity<Limits>,
        /// The whole sampling interval must lie outside, so that chance in few rows cannot fire.
        certain: bool,
    },
    /// It differs too much from what it was.
    Relative {
        /// What it was.
        baseline: Baseline,
        /// Of the difference.
        unit: Unit,
        /// Limits of (value − baseline), in that unit.
        limits: BySeverity<Limits>,
        /// The whole sampling interval must lie outside.
        certain: bool,
    },
    /// It lies outside of the interval in which a further value of its history was to be expected.
    Dynamic {
        /// The history; `Trailing` or `Season`.
        baseline: Baseline,
        /// Probability of a false alarm per window, in (0, ½], smaller for worse severities.
        alpha: BySeverity<f64>,
        /// Which deviations are bad.
        side: Side,
        /// A deviation that is smaller than this, in the metric's unit, is none; ≥ 0.
        least: f64,
    },
}
