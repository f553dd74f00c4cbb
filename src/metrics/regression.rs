//! Regression: every metric from exact sums, so that nothing is lost where large numbers nearly cancel.

use super::agreement::correlation;
use super::interval::{self, Interval};
use super::quantile::{largest_magnitude, quantile};
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::{Rational, RegressionAccumulator, ratio_to_f64};

/// The sums as exact numbers, and what follows from them. error = prediction − label.
struct Sums {
    rows: i64,
    n: Rational,
    prediction: Rational,
    label: Rational,
    prediction_squared: Rational,
    label_squared: Rational,
    prediction_label: Rational,
    error: Rational,
    error_squared: Rational,
}

/// Appends the family, for at least one labelled row.
pub(super) fn read_out(accumulator: &RegressionAccumulator, out: &mut Vec<MetricValue>) {
    let sums = Sums::new(accumulator);
    let absolute = accumulator.absolute_error.to_rational();
    out.push(sums.mean(Metric::Mae, &absolute, Some(&sums.error_squared)));
    sums.squared(out);
    relative(accumulator, &sums, out);
    out.push(sums.mean(Metric::Bias, &sums.error, Some(&sums.error_squared)));
    out.push(largest_magnitude(Metric::MaxError, &accumulator.errors, Undefined::NoLabels));
    out.push(sums.pearson());
    let quantiles = [(Metric::ErrorP05, 0.05), (Metric::ErrorP50, 0.5), (Metric::ErrorP95, 0.95)];
    out.extend(quantiles.map(|(metric, q)| quantile(metric, &accumulator.errors, q, Undefined::NoLabels)));
    out.push(sums.mean(Metric::MeanPrediction, &sums.prediction, Some(&sums.prediction_squared)));
    out.push(sums.mean(Metric::MeanLabel, &sums.label, Some(&sums.label_squared)));
}

impl Sums {
    fn new(accumulator: &RegressionAccumulator) -> Sums {
        let prediction = accumulator.prediction.to_rational();
        let label = accumulator.label.to_rational();
        let prediction_squared = accumulator.prediction_squared.to_rational();
        let label_squared = accumulator.label_squared.to_rational();
        let prediction_label = accumulator.prediction_label.to_rational();
        Sums {
            rows: accumulator.rows,
            n: Rational::from(accumulator.rows),
            error: &prediction - &label,
            error_squared: &prediction_squared + &label_squared - (&prediction_label + &prediction_label),
            prediction,
            label,
            prediction_squared,
            label_squared,
            prediction_label,
        }
    }

    /// `sum / n`, with an interval where the sum of squares is known.
    fn mean(&self, metric: Metric, sum: &Rational, squares: Option<&Rational>) -> MetricValue {
        let lowest = if metric == Metric::Mae { 0.0 } else { f64::NEG_INFINITY };
        let interval = squares.and_then(|squares| interval::mean(self.rows, sum, squares));
        MetricValue::new(metric, Ok(ratio_to_f64(sum, &self.n)), self.rows)
            .with_interval(interval.map(|interval: Interval| interval.clipped(lowest, f64::INFINITY)))
    }

    /// n² times the variance of what has these sums.
    fn spread(&self, sum: &Rational, squares: &Rational) -> Rational {
        &self.n * squares - sum * sum
    }

    /// What is made of Σ e².
    fn squared(&self, out: &mut Vec<MetricValue>) {
        let mse = self.mean(Metric::Mse, &self.error_squared, None);
        let spread = self.spread(&self.label, &self.label_squared);
        let r2 = if spread.is_zero() {
            Err(Undefined::ZeroDenominator)
        } else {
            Ok(ratio_to_f64(&(&spread - &(&self.n * &self.error_squared)), &spread))
        };
        out.push(mse);
        out.push(MetricValue::new(Metric::Rmse, mse.value.map(f64::sqrt), self.rows));
        out.push(MetricValue::new(Metric::R2, r2, self.rows));
    }

    fn pearson(&self) -> MetricValue {
        let covariance = &self.n * &self.prediction_label - &self.prediction * &self.label;
        let of_prediction = self.spread(&self.prediction, &self.prediction_squared);
        let of_label = self.spread(&self.label, &self.label_squared);
        let value = correlation(&covariance, &of_prediction, &of_label);
        MetricValue::new(Metric::Pearson, value, self.rows)
            .with_interval(value.ok().and_then(|value| interval::fisher_z(value, self.rows)))
    }
}

/// Errors relative to the label, each with its own condition.
fn relative(accumulator: &RegressionAccumulator, sums: &Sums, out: &mut Vec<MetricValue>) {
    let nonzero = accumulator.nonzero_labels;
    let mape = if nonzero == 0 {
        Err(Undefined::ZeroDenominator)
    } else {
        Ok(ratio_to_f64(&accumulator.percentage_error.to_rational(), &Rational::from(nonzero)))
    };
    out.push(MetricValue::new(Metric::Mape, mape, nonzero));
    out.push(sums.mean(Metric::Smape, &accumulator.symmetric_percentage_error.to_rational(), None));
    out.push(if accumulator.negatives > 0 {
        MetricValue::new(Metric::Msle, Err(Undefined::NegativeValues), sums.rows)
    } else {
        sums.mean(Metric::Msle, &accumulator.squared_log_error.to_rational(), None)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::RegressionOutcome;
    use proptest::prelude::*;

    fn read(rows: &[(f64, f64)]) -> Vec<MetricValue> {
        let mut accumulator = RegressionAccumulator::default();
        for &(predicted, actual) in rows {
            accumulator.add(1, RegressionOutcome { predicted, actual });
        }
        let mut out = Vec::new();
        read_out(&accumulator, &mut out);
        out
    }

    fn value(out: &[MetricValue], metric: Metric) -> MetricValue {
        *out.iter().find(|value| value.metric == metric).expect("the metric")
    }

    /// scikit-learn's own example: y_true = [3, -0.5, 2, 7], y_pred = [2.5, 0, 2, 8].
    #[test]
    fn scikit_learns_example() {
        let out = read(&[(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)]);
        let expected = [
            (Metric::Mae, 0.5),
            (Metric::Mse, 0.375),
            (Metric::Rmse, 0.6123724356957945),
            (Metric::R2, 0.9486081370449679),
            (Metric::Mape, 0.3273809523809524),
            (Metric::Bias, 0.25),
            (Metric::Pearson, 0.984_869_618_448_270_1),
            (Metric::MeanPrediction, 3.125),
            (Metric::MeanLabel, 2.875),
        ];
        for (metric, expected) in expected {
            let found = value(&out, metric);
            assert!((found.value.unwrap() - expected).abs() < 1e-14, "{found:?}");
            assert_eq!(found.count, 4);
        }
        assert_eq!(value(&out, Metric::Msle).value, Err(Undefined::NegativeValues));
        let largest = value(&out, Metric::MaxError);
        assert!((largest.value.unwrap() - 1.0).abs() <= largest.error_bound.unwrap());
    }

    #[test]
    fn constant_labels_explain_nothing() {
        let out = read(&[(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)]);
        assert_eq!(value(&out, Metric::R2).value, Err(Undefined::ZeroDenominator));
        assert_eq!(value(&out, Metric::Pearson).value, Err(Undefined::ZeroDenominator));
        assert_eq!(value(&out, Metric::MeanLabel).value, Ok(5.0));
        assert_eq!(value(&out, Metric::MeanLabel).lower, None);
    }

    #[test]
    fn labels_of_zero_are_left_out_of_mape() {
        let out = read(&[(1.0, 0.0), (3.0, 2.0)]);
        assert_eq!((value(&out, Metric::Mape).value, value(&out, Metric::Mape).count), (Ok(0.5), 1));
        assert_eq!(value(&read(&[(1.0, 0.0)]), Metric::Mape).value, Err(Undefined::ZeroDenominator));
    }

    /// In doubles, n·Σl² − (Σl)² of such labels has no correct digit left.
    #[test]
    fn a_large_offset_changes_nothing_but_the_means() {
        let near = read(&[(1.0, 1.5), (2.0, 2.5), (4.0, 3.0)]);
        let far = read(&[(1.0 + 1e12, 1.5 + 1e12), (2.0 + 1e12, 2.5 + 1e12), (4.0 + 1e12, 3.0 + 1e12)]);
        for metric in [Metric::Mae, Metric::Mse, Metric::R2, Metric::Bias, Metric::Pearson] {
            assert_eq!(value(&near, metric), value(&far, metric));
        }
    }

    proptest! {
        #[test]
        fn means_agree_with_naive_sums(rows in prop::collection::vec((0.0f64..100.0, 0.0f64..100.0), 2..60)) {
            let out = read(&rows);
            let n = rows.len() as f64;
            let mean = |term: &dyn Fn(f64, f64) -> f64| rows.iter().map(|&(p, l)| term(p, l)).sum::<f64>() / n;
            let label = mean(&|_, l| l);
            let naive = [
                (Metric::Mae, mean(&|p, l| (p - l).abs())),
                (Metric::Mse, mean(&|p, l| (p - l).powi(2))),
                (Metric::Bias, mean(&|p, l| p - l)),
                (Metric::Msle, mean(&|p, l| (p.ln_1p() - l.ln_1p()).powi(2))),
                (Metric::R2, 1.0 - mean(&|p, l| (p - l).powi(2)) / mean(&|_, l| (l - label).powi(2))),
                (Metric::Smape, mean(&|p, l| if p + l == 0.0 { 0.0 } else { 2.0 * (p - l).abs() / (p + l) })),
            ];
            for (metric, expected) in naive {
                let found = value(&out, metric);
                let tolerance = 1e-9 * (1.0 + expected.abs());
                prop_assert!((found.value.unwrap() - expected).abs() < tolerance, "{found:?} {expected}");
            }
        }
    }
}
