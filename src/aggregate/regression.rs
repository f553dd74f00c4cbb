//! Regression: exact sums of predictions, labels and errors, and a histogram of errors.

use super::{ExactSum, Histogram};

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
    pub rows: i64,
    pub prediction: ExactSum,
    pub label: ExactSum,
    pub prediction_squared: ExactSum,
    pub label_squared: ExactSum,
    pub prediction_label: ExactSum,
    /// Σ |error|, exact.
    pub absolute_error: ExactSum,
    /// Σ |error / label| over rows with label ≠ 0; each term rounded once.
    pub percentage_error: ExactSum,
    /// Rows with label ≠ 0.
    pub nonzero_labels: i64,
    /// Σ 2|error| / (|label| + |prediction|), 0/0 = 0; each term rounded once.
    pub symmetric_percentage_error: ExactSum,
    /// Σ (ln(1+prediction) − ln(1+label))² over rows where neither is negative.
    pub squared_log_error: ExactSum,
    /// Rows where prediction or label is negative.
    pub negatives: i64,
    /// Of error.
    pub errors: Histogram,
}
