//! Regression: exact sums of predictions, labels and errors, and a histogram of errors.

use super::{ExactSum, Histogram, Linear};

/// One labelled prediction of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegressionOutcome {
    /// What the model said; finite, at most 2⁵³·10³ in magnitude.
    pub predicted: f64,
    /// What came true; likewise.
    pub actual: f64,
}

/// All that regression metrics need, of labelled rows. error = prediction − label.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegressionAccumulator {
    /// Labelled rows.
    pub rows: i64,
    /// Σ prediction.
    pub prediction: ExactSum,
    /// Σ label.
    pub label: ExactSum,
    /// Σ prediction².
    pub prediction_squared: ExactSum,
    /// Σ label².
    pub label_squared: ExactSum,
    /// Σ prediction·label.
    pub prediction_label: ExactSum,
    /// Σ |error|, exact.
    pub absolute_error: ExactSum,
    /// Σ |error / label| over rows with label ≠ 0; each operation of a term correctly rounded, at most the largest double.
    pub percentage_error: ExactSum,
    /// Rows with label ≠ 0.
    pub nonzero_labels: i64,
    /// Σ 2|error| / (|label| + |prediction|), 0/0 = 0; likewise.
    pub symmetric_percentage_error: ExactSum,
    /// Σ (ln(1+prediction) − ln(1+label))² over rows where neither is negative; the square of the
    /// rounded difference is exact.
    pub squared_log_error: ExactSum,
    /// Rows where prediction or label is negative.
    pub negatives: i64,
    /// Of error.
    pub errors: Histogram,
}

impl RegressionAccumulator {
    /// Adds a labelled row (`sign` 1) or takes it back (`sign` −1).
    pub fn add(&mut self, sign: i64, outcome: RegressionOutcome) {
        let RegressionOutcome { predicted, actual } = outcome;
        self.rows += sign;
        self.prediction.add_signed(predicted, sign);
        self.label.add_signed(actual, sign);
        self.prediction_squared.add_product(predicted, predicted, sign);
        self.label_squared.add_product(actual, actual, sign);
        self.prediction_label.add_product(predicted, actual, sign);

        // The difference of two doubles may not be a double: its two terms are summed instead.
        let direction = if predicted >= actual { sign } else { -sign };
        self.absolute_error.add_signed(predicted, direction);
        self.absolute_error.add_signed(actual, -direction);

        let error = predicted - actual;
        self.errors.add(error, sign);
        if actual != 0.0 {
            self.nonzero_labels += sign;
            // A label next to zero makes the quotient overflow; an exact sum holds finite numbers only.
            self.percentage_error.add_signed((error / actual).abs().min(f64::MAX), sign);
        }
        let scale = predicted.abs() + actual.abs();
        if scale > 0.0 {
            self.symmetric_percentage_error.add_signed(2.0 * error.abs() / scale, sign);
        }
        if predicted < 0.0 || actual < 0.0 {
            self.negatives += sign;
        } else {
            let difference = libm::log1p(predicted) - libm::log1p(actual);
            self.squared_log_error.add_product(difference, difference, sign);
        }
    }
}

impl Linear for RegressionAccumulator {
    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.prediction.merge(&other.prediction);
        self.label.merge(&other.label);
        self.prediction_squared.merge(&other.prediction_squared);
        self.label_squared.merge(&other.label_squared);
        self.prediction_label.merge(&other.prediction_label);
        self.absolute_error.merge(&other.absolute_error);
        self.percentage_error.merge(&other.percentage_error);
        self.symmetric_percentage_error.merge(&other.symmetric_percentage_error);
        self.squared_log_error.merge(&other.squared_log_error);
        self.nonzero_labels += other.nonzero_labels;
        self.negatives += other.negatives;
        self.errors.merge(&other.errors);
    }

    fn negate(&mut self) {
        self.rows = -self.rows;
        self.prediction.negate();
        self.label.negate();
        self.prediction_squared.negate();
        self.label_squared.negate();
        self.prediction_label.negate();
        self.absolute_error.negate();
        self.percentage_error.negate();
        self.symmetric_percentage_error.negate();
        self.squared_log_error.negate();
        self.nonzero_labels = -self.nonzero_labels;
        self.negatives = -self.negatives;
        self.errors.negate();
    }

    fn is_zero(&self) -> bool {
        self.rows == 0
            && self.nonzero_labels == 0
            && self.negatives == 0
            && self.errors.is_zero()
            && self.prediction.is_zero()
            && self.label.is_zero()
            && self.prediction_squared.is_zero()
            && self.label_squared.is_zero()
            && self.prediction_label.is_zero()
            && self.absolute_error.is_zero()
            && self.percentage_error.is_zero()
            && self.symmetric_percentage_error.is_zero()
            && self.squared_log_error.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[(f64, f64)]) -> RegressionAccumulator {
        let mut accumulator = RegressionAccumulator::default();
        rows.iter().for_each(|&(predicted, actual)| accumulator.add(1, RegressionOutcome { predicted, actual }));
        accumulator
    }

    #[test]
    fn sums_are_those_of_the_definitions() {
        let sums = of(&[(3.0, 2.0), (1.0, 4.0), (0.0, 0.0)]);
        assert_eq!((sums.rows, sums.nonzero_labels, sums.negatives), (3, 2, 0));
        assert_eq!((sums.prediction.to_f64(), sums.label.to_f64()), (4.0, 6.0));
        assert_eq!((sums.prediction_squared.to_f64(), sums.label_squared.to_f64()), (10.0, 20.0));
        assert_eq!(sums.prediction_label.to_f64(), 10.0);
        assert_eq!(sums.absolute_error.to_f64(), 4.0);
        assert_eq!(sums.percentage_error.to_f64(), 0.5 + 0.75);
        assert_eq!(sums.symmetric_percentage_error.to_f64(), 0.4 + 1.2);
        let expected = (4f64.ln() - 3f64.ln()).powi(2) + (2f64.ln() - 5f64.ln()).powi(2);
        assert!((sums.squared_log_error.to_f64() - expected).abs() < 1e-14);
        let errors: Vec<_> = sums.errors.iter().collect();
        assert_eq!(errors, [(Histogram::bin_of(-3.0), 1), (0, 1), (Histogram::bin_of(1.0), 1)]);
    }

    #[test]
    fn negative_rows_have_no_log_error_but_all_else() {
        let sums = of(&[(-1.5, 2.0), (1.0, -0.5)]);
        assert_eq!((sums.negatives, sums.nonzero_labels), (2, 2));
        assert!(sums.squared_log_error.is_zero());
        assert_eq!(sums.absolute_error.to_f64(), 5.0);
        assert_eq!(of(&[(-0.0, 0.0)]).negatives, 0);
    }

    #[test]
    fn an_absolute_error_that_no_double_holds_is_exact() {
        let mut sums = of(&[(1.0, 1e-30)]);
        assert_eq!(sums.absolute_error.to_f64(), 1.0);
        sums.absolute_error.sub(1.0);
        assert_eq!(sums.absolute_error.to_f64(), -1e-30);
    }

    #[test]
    fn a_label_next_to_zero_overflows_nothing() {
        let sums = of(&[(9e18, 5e-324), (-9e18, 5e-324)]);
        let mean = sums.percentage_error.to_rational().checked_div(&2i64.into()).unwrap();
        assert_eq!(mean.to_f64(), f64::MAX);
    }
}
