//! One metric value with all that says how far to trust it. By construction it is finite or says why it is missing.

use super::Metric;
use super::interval::{self, Interval};
use crate::aggregate::ClassId;

/// Why a metric has no value. The set is bounded and public (`as_str`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Undefined {
    /// The window has no prediction (or none with the measurement that is asked for).
    NoRows,
    /// The window has predictions, but no label has come yet.
    NoLabels,
    /// No labelled row has a score.
    NoScores,
    /// The formula divides by zero.
    ZeroDenominator,
    /// Labelled rows are all of one class, or a class has no row.
    SingleClass,
    /// A label or prediction is negative where the formula needs none to be.
    NegativeValues,
    /// The group has fewer labelled rows than `min_group`.
    BelowMinGroup,
    /// Fewer than two groups are large enough to be compared.
    TooFewGroups,
    /// More groups than are read together.
    TooManyGroups,
    /// There is nothing to compare the window with.
    NoReference,
    /// The window, or what it is compared with, has fewer rows than a decision needs.
    BelowMinCount,
    /// The reference changed within the window, or between it and the windows that it is compared with.
    ReferenceChanged,
    /// The value is beyond the range of a double.
    Overflow,
    /// Labels have come, but what belongs before them may still come.
    BeforeWatermark,
}

impl Undefined {
    /// All reasons, in the order in which they are documented.
    pub const ALL: [Undefined; 14] = [
        Undefined::NoRows,
        Undefined::NoLabels,
        Undefined::NoScores,
        Undefined::ZeroDenominator,
        Undefined::SingleClass,
        Undefined::NegativeValues,
        Undefined::BelowMinGroup,
        Undefined::TooFewGroups,
        Undefined::TooManyGroups,
        Undefined::NoReference,
        Undefined::BelowMinCount,
        Undefined::ReferenceChanged,
        Undefined::Overflow,
        Undefined::BeforeWatermark,
    ];

    /// The public name, as written to `undefined_reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Undefined::NoRows => "no_rows",
            Undefined::NoLabels => "no_labels",
            Undefined::NoScores => "no_scores",
            Undefined::ZeroDenominator => "zero_denominator",
            Undefined::SingleClass => "single_class",
            Undefined::NegativeValues => "negative_values",
            Undefined::BelowMinGroup => "below_min_group",
            Undefined::TooFewGroups => "too_few_groups",
            Undefined::TooManyGroups => "too_many_groups",
            Undefined::NoReference => "no_reference",
            Undefined::BelowMinCount => "below_min_count",
            Undefined::ReferenceChanged => "reference_changed",
            Undefined::Overflow => "overflow",
            Undefined::BeforeWatermark => "before_watermark",
        }
    }

    /// What it means, in one sentence.
    pub fn description(self) -> &'static str {
        match self {
            Undefined::NoRows => "no prediction of the window has what the metric measures",
            Undefined::NoLabels => "the window has predictions, but no label has come yet",
            Undefined::NoScores => "no labelled row has a score",
            Undefined::ZeroDenominator => "the formula divides by zero",
            Undefined::SingleClass => "the scored rows lack a class on one side of the comparison",
            Undefined::NegativeValues => "a label or prediction is negative",
            Undefined::BelowMinGroup => "the group has fewer labelled rows than `min_group`",
            Undefined::TooManyGroups => "the segment set has more than 100 values in the window",
            Undefined::TooFewGroups => "fewer than two groups have `min_group` labelled rows",
            Undefined::NoReference => "there is no reference to compare the window with",
            Undefined::BelowMinCount => "the window, or what it is compared with, has fewer rows than a decision needs",
            Undefined::ReferenceChanged => {
                "another profile came into force within the window, or between it and the windows that it is compared with"
            }
            Undefined::Overflow => "the value is beyond the range of a double",
            Undefined::BeforeWatermark => {
                "labels have come, but the watermark has not passed any, so their order is open"
            }
        }
    }
}

/// The value of one metric of one window and series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricValue {
    /// Which metric.
    pub metric: Metric,
    /// The class it is about; of a confusion cell, the class that came true.
    pub class: Option<ClassId>,
    /// Of a confusion cell, the class that was predicted.
    pub predicted_class: Option<ClassId>,
    /// The feature it is about, by its number.
    pub feature: Option<u16>,
    /// Finite, never −0; or why there is none.
    pub value: Result<f64, Undefined>,
    /// Lower end of the 95 % sampling interval, ≤ value.
    pub lower: Option<f64>,
    /// Upper end of the 95 % sampling interval, ≥ value.
    pub upper: Option<f64>,
    /// How far binning can have moved `value` from the exact statistic of the same rows, ≥ 0.
    pub error_bound: Option<f64>,
    /// Rows that the value rests on; of a rate, its denominator.
    pub count: i64,
    /// Of a decision: how it was made.
    pub decided: Option<Decided>,
}

/// How a decision was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decided {
    /// Name of the statistic that decided.
    pub method: &'static str,
    /// The value from which on it matters.
    pub threshold: f64,
    /// What chance alone would reach at these sample sizes.
    pub null_quantile: f64,
}

impl MetricValue {
    /// A value, or why there is none; what is not finite becomes [`Undefined::Overflow`].
    pub fn new(metric: Metric, value: Result<f64, Undefined>, count: i64) -> Self {
        let value = match value {
            // Adding 0 turns −0 into 0, so that equal values have equal bits.
            Ok(value) if value.is_finite() => Ok(value + 0.0),
            Ok(_) => Err(Undefined::Overflow),
            Err(reason) => Err(reason),
        };
        MetricValue {
            metric,
            class: None,
            predicted_class: None,
            feature: None,
            decided: None,
            value,
            lower: None,
            upper: None,
            error_bound: None,
            count,
        }
    }

    /// A count of records, which rests on themselves.
    pub fn count(metric: Metric, count: i64) -> Self {
        MetricValue::new(metric, Ok(count as f64), count)
    }

    /// `successes / trials` with its Wilson interval; `undefined` where there is no trial.
    pub fn rate(metric: Metric, successes: i64, trials: i64, undefined: Undefined) -> Self {
        if trials <= 0 {
            return MetricValue::new(metric, Err(undefined), trials);
        }
        let value = successes as f64 / trials as f64;
        MetricValue::new(metric, Ok(value), trials).with_interval(interval::wilson(successes, trials))
    }

    /// With a sampling interval, stretched to hold the value; an undefined value has none.
    pub fn with_interval(mut self, interval: Option<Interval>) -> Self {
        if let (Ok(value), Some(interval)) = (self.value, interval)
            && interval.lower.is_finite()
            && interval.upper.is_finite()
        {
            self.lower = Some(interval.lower.min(value) + 0.0);
            self.upper = Some(interval.upper.max(value) + 0.0);
        }
        self
    }

    /// With the bound of what binning can have changed; an undefined value has none.
    pub fn with_error_bound(mut self, bound: f64) -> Self {
        self.error_bound = (self.value.is_ok() && bound.is_finite()).then_some(bound);
        self
    }

    /// About one feature.
    pub fn of_feature(mut self, feature: u16) -> Self {
        self.feature = Some(feature);
        self
    }

    /// About one class.
    pub fn of_class(mut self, class: ClassId) -> Self {
        self.class = Some(class);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_undefined() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(MetricValue::new(Metric::Mae, Ok(value), 1).value, Err(Undefined::Overflow));
        }
    }

    #[test]
    fn negative_zero_is_zero() {
        let value = MetricValue::new(Metric::Bias, Ok(-0.0), 1).value;
        assert_eq!(value.map(f64::to_bits), Ok(0.0f64.to_bits()));
    }

    #[test]
    fn an_undefined_value_has_neither_interval_nor_bound() {
        let interval = Interval { lower: 0.0, upper: 1.0 };
        let value = MetricValue::new(Metric::RocAuc, Err(Undefined::SingleClass), 3)
            .with_interval(Some(interval))
            .with_error_bound(0.1);
        assert_eq!((value.lower, value.upper, value.error_bound), (None, None, None));
    }

    #[test]
    fn a_rate_without_trials_is_undefined_for_the_reason_given() {
        let rate = MetricValue::rate(Metric::ErrorRate, 0, 0, Undefined::NoRows);
        assert_eq!((rate.value, rate.lower), (Err(Undefined::NoRows), None));
    }

    #[test]
    fn reasons_have_distinct_names() {
        let mut names: Vec<_> = Undefined::ALL.iter().map(|reason| reason.as_str()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Undefined::ALL.len());
    }
}
