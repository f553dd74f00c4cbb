//! Estimates from one expected confusion matrix.
//!
//! The true positives T among the predicted rows and the missed ones M among the others are independent, each
//! Poisson-binomial with the variance Σp(1 − p). What is published is the metric at their expectations. Its interval is
//! the normal approximation with the variance by the delta method: each variance times the square of the metric's slope
//! in that count, and nothing between them. It says where chance puts the realized value of the same rows.

use crate::aggregate::{ExpectedConfusion, Rational, ratio_to_f64};
use crate::metrics::interval;
use crate::metrics::{Metric, MetricValue, Undefined};

/// A metric at the expectations, before it is published.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    pub metric: Metric,
    pub value: Result<f64, Undefined>,
    /// Of the realized value around it.
    pub variance: f64,
    /// Rows that it rests on.
    pub rows: i64,
}

impl Estimate {
    pub fn published(self) -> MetricValue {
        let range = |value: f64| interval::normal(value, self.variance).map(|interval| interval.clipped(0.0, 1.0));
        MetricValue::new(self.metric, self.value, self.rows).with_interval(self.value.ok().and_then(range))
    }
}

/// Appends estimated accuracy, precision, recall and F1 of a binary model.
pub fn binary(expected: &ExpectedConfusion, out: &mut Vec<MetricValue>) {
    out.push(accuracy(expected).published());
    out.extend(of_class(expected, expected.rows()).map(Estimate::published));
}

fn quotient(rows: i64, numerator: &Rational, denominator: &Rational) -> Result<f64, Undefined> {
    if rows <= 0 {
        Err(Undefined::NoRows)
    } else if denominator.signum() <= 0 {
        Err(Undefined::ZeroDenominator)
    } else {
        Ok(ratio_to_f64(numerator, denominator))
    }
}

/// (T + other rows − M) / rows; the variance is that of T plus that of M, over rows².
fn accuracy(expected: &ExpectedConfusion) -> Estimate {
    let rows = expected.rows();
    let right = expected.predicted.probability.to_rational() + Rational::from(expected.others.rows)
        - expected.others.probability.to_rational();
    let n = rows as f64;
    let variance = (expected.predicted.variance() + expected.others.variance()) / (n * n);
    Estimate { metric: Metric::EstimatedAccuracy, value: quotient(rows, &right, &Rational::from(rows)), variance, rows }
}

/// Precision, recall and F1 of the class that the matrix is about, in a window of `rows`.
///
/// With P predicted rows: precision is T/P; recall T/(T + M) has the slopes M/(T + M)² and −T/(T + M)²; F1 is
/// 2T/(P + T + M) with the slopes 2(P + M)/(P + T + M)² and −2T/(P + T + M)².
pub(super) fn of_class(expected: &ExpectedConfusion, rows: i64) -> [Estimate; 3] {
    let (hits, missed) = (expected.predicted.probability.to_rational(), expected.others.probability.to_rational());
    let predicted = Rational::from(expected.predicted.rows);
    let (of_hits, of_missed) = (expected.predicted.variance(), expected.others.variance());
    let (t, m, p) = (hits.to_f64(), missed.to_f64(), expected.predicted.rows as f64);
    let positives = &hits + &missed;
    let either = &predicted + &positives;
    let slopes = |of_t: f64, of_m: f64| of_t * of_t * of_hits + of_m * of_m * of_missed;
    let squared = |x: f64| x * x;
    let (s, d) = (squared(t + m), squared(p + t + m));
    [
        Estimate {
            metric: Metric::EstimatedPrecision,
            value: quotient(rows, &hits, &predicted),
            variance: slopes(1.0 / p, 0.0),
            rows: expected.predicted.rows,
        },
        Estimate {
            metric: Metric::EstimatedRecall,
            value: quotient(rows, &hits, &positives),
            variance: slopes(m / s, -t / s),
            rows,
        },
        Estimate {
            metric: Metric::EstimatedF1,
            value: quotient(rows, &(&hits + &hits), &either),
            variance: slopes(2.0 * (p + m) / d, -2.0 * t / d),
            rows,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(expected: &ExpectedConfusion) -> Vec<MetricValue> {
        let mut out = Vec::new();
        binary(expected, &mut out);
        out
    }

    fn of(rows: &[(bool, f64)]) -> ExpectedConfusion {
        let mut expected = ExpectedConfusion::default();
        rows.iter().for_each(|&(predicted, probability)| expected.add(1, predicted, probability));
        expected
    }

    #[test]
    fn values_and_intervals_by_hand() {
        // T = 1.5 of 2 with variance 0.1875 + 0.1875, M = 0.5 of 2 with the same.
        let found = read(&of(&[(true, 0.75), (true, 0.75), (false, 0.25), (false, 0.25)]));
        let values: Vec<f64> = found.iter().map(|value| value.value.unwrap()).collect();
        assert_eq!(values, [0.75, 0.75, 0.75, 0.75]);
        let half_width = interval::Z * (0.75f64 / 16.0).sqrt();
        assert!((found[0].lower.unwrap() - (0.75 - half_width)).abs() < 1e-15, "{found:?}");
        assert_eq!(found[1].upper, Some(1.0));
        // Slopes of recall: 0.5 / 4 and −1.5 / 4.
        let half_width = interval::Z * (0.375 * (0.125f64 * 0.125 + 0.375 * 0.375)).sqrt();
        assert!((found[2].lower.unwrap() - (0.75 - half_width)).abs() < 1e-15, "{found:?}");
        assert_eq!(found.iter().map(|value| value.count).collect::<Vec<_>>(), [4, 2, 4, 4]);
    }

    #[test]
    fn what_cannot_be_estimated_says_why() {
        let reasons = |expected: &ExpectedConfusion| read(expected).iter().map(|v| v.value.err()).collect::<Vec<_>>();
        assert_eq!(reasons(&ExpectedConfusion::default()), [Some(Undefined::NoRows); 4]);
        let zero = Some(Undefined::ZeroDenominator);
        assert_eq!(reasons(&of(&[(false, 0.5)])), [None, zero, None, None]);
        assert_eq!(reasons(&of(&[(false, 0.0)])), [None, zero, zero, zero]);
        // A certain row has no spread, so no interval is claimed.
        assert_eq!(read(&of(&[(true, 1.0)]))[0].lower, None);
    }

    /// Labels drawn by the probabilities: realized values are in the interval about 95 times of 100.
    #[test]
    fn intervals_hold_what_chance_makes_of_right_probabilities() {
        let mut state = 7u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let rows: Vec<(bool, f64)> =
            (0..400).map(|_| (unit(), unit())).map(|(p, off)| (p + 0.2 * (off - 0.5) > 0.5, p)).collect();
        let estimates = read(&of(&rows));
        let mut inside = [0; 4];
        for _ in 0..2000 {
            let (mut tp, mut fp, mut fn_, mut tn) = (0.0, 0.0, 0.0, 0.0);
            for &(predicted, p) in &rows {
                *match (predicted, unit() < p) {
                    (true, true) => &mut tp,
                    (true, false) => &mut fp,
                    (false, true) => &mut fn_,
                    (false, false) => &mut tn,
                } += 1.0;
            }
            let realized = [(tp + tn) / 400.0, tp / (tp + fp), tp / (tp + fn_), 2.0 * tp / (2.0 * tp + fp + fn_)];
            for ((inside, realized), estimate) in inside.iter_mut().zip(realized).zip(&estimates) {
                let held = estimate.lower.unwrap() <= realized && realized <= estimate.upper.unwrap();
                *inside += i32::from(held);
            }
        }
        assert!(inside.iter().all(|inside| (1860..=1940).contains(inside)), "{inside:?} of 2000");
    }
}
