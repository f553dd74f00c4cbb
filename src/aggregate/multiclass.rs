//! Multiclass classification: sparse confusion matrix, one-vs-rest score bins, exact log-loss and Brier sums.

use super::{ExactSum, ScoreBins};

/// A class of one model, interned; the names travel beside the accumulators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u16);

/// One labelled multiclass prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MulticlassOutcome<'a> {
    /// Class that was predicted.
    pub predicted: ClassId,
    /// Class that came true.
    pub actual: ClassId,
    /// Score per class, each finite and ≥ 0, as the model gave them (not yet normalised); empty where it gave none.
    pub scores: &'a [(ClassId, f64)],
}

/// One class against all others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OneVsRest {
    /// Rows whose label is the class, per bin of the class's normalised score.
    pub positives: ScoreBins,
    /// Rows whose label is another class.
    pub negatives: ScoreBins,
}

/// All that multiclass metrics need, of labelled rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MulticlassAccumulator {
    /// Rows per (actual, predicted), sorted, without zeros.
    pub confusion: Vec<((ClassId, ClassId), i64)>,
    /// Rows with scores (a positive sum of scores).
    pub scored: i64,
    /// Σ −ln of the normalised score of the class that came true, clipped at 2⁻⁵².
    pub log_loss: ExactSum,
    /// Σ over rows and classes of the normalised score, squared.
    pub score_squared: ExactSum,
    /// Σ normalised score of the class that came true.
    pub score_of_actual: ExactSum,
    /// Per class that ever had a score, sorted by class, without empty ones.
    pub one_vs_rest: Vec<(ClassId, OneVsRest)>,
}
