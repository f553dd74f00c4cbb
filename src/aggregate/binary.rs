//! Binary classification: confusion counts, score bins, exact score sums.

use super::{ExactSum, ScoreBins};

/// One labelled binary prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinaryOutcome {
    /// Probability of the positive class in [0, 1], where the model gave one.
    pub score: Option<f64>,
    /// The positive class was predicted.
    pub predicted: bool,
    /// The positive class came true.
    pub actual: bool,
}

/// Confusion counts at the decision threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BinaryConfusion {
    pub true_positives: i64,
    pub false_positives: i64,
    pub true_negatives: i64,
    pub false_negatives: i64,
}

/// One of the ten bins `[i/10, (i+1)/10)` (the last closed) of the calibration error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CalibrationBin {
    /// Scored rows in the bin.
    pub rows: i64,
    /// Of these, how many came true.
    pub positives: i64,
    /// Sum of their scores.
    pub score: ExactSum,
}

/// All that binary metrics need, of labelled rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BinaryAccumulator {
    /// Of every row.
    pub confusion: BinaryConfusion,
    /// Rows with a score that came true, per score bin.
    pub positives: ScoreBins,
    /// Rows with a score that did not, per score bin.
    pub negatives: ScoreBins,
    /// Σ score over rows that came true.
    pub score_of_positives: ExactSum,
    /// Σ score².
    pub score_squared: ExactSum,
    /// Σ −ln of the probability given to what came true, clipped at 2⁻⁵² as scikit-learn does, rounded once per row.
    pub log_loss: ExactSum,
    /// Ten equal-width bins; Σ score of all rows is the sum over them.
    pub calibration: [CalibrationBin; 10],
}
