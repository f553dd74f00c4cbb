//! How far estimates were off once labels had come, and what that says of the next estimate.

use crate::metrics::interval::Interval;
use crate::metrics::{Metric, MetricValue};

/// Share of windows that a widened interval shall hold.
const LEVEL: f64 = 0.95;

/// Realized minus estimated, of the same metric, window and class: above 0 the model was better than expected. Null for
/// the reason of the realized value where there is none, else of the estimated one. It has no interval: each of the two
/// has its own. It rests on the labelled rows.
pub fn estimation_error(realized: &MetricValue, estimated: &MetricValue) -> MetricValue {
    let value = realized.value.and_then(|realized| Ok(realized - estimated.value?));
    let error = MetricValue::new(Metric::EstimationError, value, realized.count);
    MetricValue { class: realized.class, ..error }
}

/// The estimate with an interval that also covers how far estimates were off in the past.
///
/// The width is a quantile of the past errors themselves, by rank and without any distribution (split conformal
/// prediction; Vovk, Gammerman and Shafer 2005): of m past errors without their signs, the one of rank ⌈0.95 (m + 1)⌉. If the
/// next error is exchangeable with them, it is at most that with 95 %. Below 19 errors that rank does not exist; the
/// largest is taken, which holds with m / (m + 1) only. Nothing becomes narrower than by chance alone. Where the past
/// is no guide (concept drift that begins now), this is none either.
pub fn widened_by_past_errors(estimated: MetricValue, past_errors: &[f64]) -> MetricValue {
    let mut sizes: Vec<f64> = past_errors.iter().map(|error| error.abs()).filter(|size| size.is_finite()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let rank = (LEVEL * (sizes.len() + 1) as f64).ceil() as usize;
    let Some(&size) = sizes.get(rank.min(sizes.len()).saturating_sub(1)) else { return estimated };
    let Ok(value) = estimated.value else { return estimated };
    // One that chance cannot move, and that was never off, claims no interval.
    if size == 0.0 && estimated.lower.is_none() {
        return estimated;
    }
    let lower = estimated.lower.unwrap_or(value).min((value - size).max(0.0));
    let upper = estimated.upper.unwrap_or(value).max((value + size).min(1.0));
    estimated.with_interval(Some(Interval { lower, upper }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Undefined;
    use proptest::prelude::*;

    fn estimate(value: f64) -> MetricValue {
        MetricValue::new(Metric::EstimatedAccuracy, Ok(value), 10)
            .with_interval(Some(Interval { lower: value - 0.01, upper: value + 0.01 }))
    }

    #[test]
    fn an_error_is_a_difference_or_says_what_is_missing() {
        let realized = MetricValue::rate(Metric::Accuracy, 3, 4, Undefined::NoLabels);
        let error = estimation_error(&realized, &estimate(0.5));
        assert_eq!((error.metric, error.value, error.count, error.lower), (Metric::EstimationError, Ok(0.25), 4, None));
        let none = MetricValue::new(Metric::Accuracy, Err(Undefined::NoLabels), 0);
        assert_eq!(estimation_error(&none, &estimate(0.5)).value, Err(Undefined::NoLabels));
        let none = MetricValue::new(Metric::EstimatedAccuracy, Err(Undefined::NoRows), 0);
        assert_eq!(estimation_error(&realized, &none).value, Err(Undefined::NoRows));
    }

    #[test]
    fn the_width_is_an_error_of_the_past() {
        let ends = |past: &[f64]| {
            let widened = widened_by_past_errors(estimate(0.5), past);
            (widened.lower.unwrap(), widened.upper.unwrap())
        };
        assert_eq!(ends(&[]), (0.49, 0.51));
        assert_eq!(ends(&[0.001]), (0.49, 0.51));
        assert_eq!(ends(&[0.01, -0.25]), (0.25, 0.75));
        assert_eq!(ends(&[0.01, f64::NAN, 0.75]), (0.0, 1.0));
        // Of 39 errors, the 38th.
        let past: Vec<f64> = (1..=39).map(|i| f64::from(i) / 128.0).collect();
        assert_eq!(ends(&past), (0.5 - 38.0 / 128.0, 0.5 + 38.0 / 128.0));
    }

    proptest! {
        #[test]
        fn it_never_becomes_narrower(value in 0.1..0.9f64, past in prop::collection::vec(-0.5..0.5f64, 0..40)) {
            let before = estimate(value);
            let after = widened_by_past_errors(before, &past);
            prop_assert!(after.lower <= before.lower && after.upper >= before.upper);
            // No metric is realized beyond its range.
            let realized = past.iter().map(|error| (value + error).clamp(0.0, 1.0));
            let slack = 1e-12;
            let outside = realized.filter(|x| *x < after.lower.unwrap() - slack || *x > after.upper.unwrap() + slack);
            prop_assert!(outside.count() as f64 <= 0.05 * past.len() as f64);
        }
    }
}
