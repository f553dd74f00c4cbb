//! Quantiles and extremes from histograms, with the bound of the bins and an interval from order statistics.

use super::interval::{self, Interval};
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::Histogram;

/// The `q` quantile of what `histogram` holds; `undefined` where it is empty.
pub(super) fn quantile(metric: Metric, histogram: &Histogram, q: f64, undefined: Undefined) -> MetricValue {
    let rows = histogram.count();
    match histogram.quantile(q) {
        None => MetricValue::new(metric, Err(undefined), rows),
        Some((value, bound)) => MetricValue::new(metric, Ok(value), rows)
            .with_interval(quantile_interval(histogram, q))
            .with_error_bound(bound),
    }
}

/// The two order statistics that enclose the quantile, each moved outwards by its bound.
fn quantile_interval(histogram: &Histogram, q: f64) -> Option<Interval> {
    let rows = histogram.count();
    let (lower, upper) = interval::quantile_ranks(q, rows)?;
    // Rank r of n is the quantile (r − 1) / (n − 1).
    let at = |rank: i64| histogram.quantile((rank - 1) as f64 / (rows - 1).max(1) as f64);
    let ((lower, lower_bound), (upper, upper_bound)) = (at(lower)?, at(upper)?);
    Some(Interval { lower: lower - lower_bound, upper: upper + upper_bound })
}

/// The largest value that `histogram` holds; `undefined` where it is empty.
pub(super) fn maximum(metric: Metric, histogram: &Histogram, undefined: Undefined) -> MetricValue {
    extreme(metric, histogram.max(), histogram.count(), undefined)
}

/// The largest magnitude that `histogram` holds; `undefined` where it is empty.
pub(super) fn largest_magnitude(metric: Metric, histogram: &Histogram, undefined: Undefined) -> MetricValue {
    extreme(metric, histogram.max_magnitude(), histogram.count(), undefined)
}

fn extreme(metric: Metric, found: Option<(f64, f64)>, rows: i64, undefined: Undefined) -> MetricValue {
    match found {
        None => MetricValue::new(metric, Err(undefined), rows),
        Some((value, bound)) => MetricValue::new(metric, Ok(value), rows).with_error_bound(bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(values: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &value in values {
            histogram.add(value, 1);
        }
        histogram
    }

    /// numpy's default: linear between order statistics.
    fn exact_quantile(values: &[f64], q: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let position = q * (sorted.len() - 1) as f64;
        let (low, high) = (position.floor() as usize, position.ceil() as usize);
        sorted[low] + (sorted[high] - sorted[low]) * (position - low as f64)
    }

    proptest! {
        #[test]
        fn quantiles_and_extremes_are_within_their_bounds(
            values in prop::collection::vec(prop_oneof![-1e6f64..1e6, -1.0f64..1.0, Just(0.0)], 1..200),
            q in prop::sample::select(vec![0.05, 0.5, 0.9, 0.99]),
        ) {
            let histogram = histogram(&values);
            let within = |found: MetricValue, exact: f64| {
                let slack = 1e-12 * exact.abs();
                (found.value.unwrap() - exact).abs() <= found.error_bound.unwrap() + slack
            };
            let exact_max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let exact_magnitude = values.iter().map(|value| value.abs()).fold(0.0, f64::max);
            let quantile = quantile(Metric::ErrorP50, &histogram, q, Undefined::NoRows);
            prop_assert!(within(quantile, exact_quantile(&values, q)), "{quantile:?}");
            prop_assert!(within(maximum(Metric::LabelDelayMsMax, &histogram, Undefined::NoRows), exact_max));
            prop_assert!(within(largest_magnitude(Metric::MaxError, &histogram, Undefined::NoRows), exact_magnitude));
        }
    }

    #[test]
    fn an_interval_of_the_median_encloses_its_order_statistics() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let median = quantile(Metric::ErrorP50, &histogram(&values), 0.5, Undefined::NoRows);
        // Conover's ranks for n = 100: 41 and 60.
        let (lower, upper) = (median.lower.unwrap(), median.upper.unwrap());
        assert!((lower - 41.0).abs() < 1.0 && lower <= 41.0, "{lower}");
        assert!((upper - 60.0).abs() < 1.0 && upper >= 60.0, "{upper}");
    }

    #[test]
    fn nothing_has_no_quantile() {
        let empty = Histogram::default();
        assert_eq!(quantile(Metric::ErrorP50, &empty, 0.5, Undefined::NoLabels).value, Err(Undefined::NoLabels));
        assert_eq!(maximum(Metric::LabelDelayMsMax, &empty, Undefined::NoRows).value, Err(Undefined::NoRows));
        assert_eq!(largest_magnitude(Metric::MaxError, &empty, Undefined::NoRows).value, Err(Undefined::NoRows));
    }
}
