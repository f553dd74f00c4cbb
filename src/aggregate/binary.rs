//! Binary classification: confusion counts, score bins, exact score sums.

use super::probability::log_loss;
use super::{ExactSum, Linear, ScoreBins};

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
    /// Predicted positive, came true.
    pub true_positives: i64,
    /// Predicted positive, did not.
    pub false_positives: i64,
    /// Predicted negative, and it was.
    pub true_negatives: i64,
    /// Predicted negative, came true.
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

impl BinaryAccumulator {
    /// Adds a labelled row (`sign` 1) or takes it back (`sign` −1).
    pub fn add(&mut self, sign: i64, outcome: BinaryOutcome) {
        self.confusion.add(sign, outcome.predicted, outcome.actual);
        let Some(score) = outcome.score else { return };
        let bin = ScoreBins::bin_of(score);
        if outcome.actual {
            self.positives.add(bin, sign);
            self.score_of_positives.add_signed(score, sign);
        } else {
            self.negatives.add(bin, sign);
        }
        self.score_squared.add_product(score, score, sign);
        self.log_loss.add_signed(log_loss(if outcome.actual { score } else { 1.0 - score }), sign);
        self.calibration[calibration_bin(score)].add(sign, score, outcome.actual);
    }
}

impl BinaryConfusion {
    fn add(&mut self, n: i64, predicted: bool, actual: bool) {
        *match (predicted, actual) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_positives,
            (false, false) => &mut self.true_negatives,
            (false, true) => &mut self.false_negatives,
        } += n;
    }

    /// All rows.
    pub fn rows(&self) -> i64 {
        self.true_positives + self.false_positives + self.true_negatives + self.false_negatives
    }
}

impl CalibrationBin {
    fn add(&mut self, sign: i64, score: f64, actual: bool) {
        self.rows += sign;
        self.positives += if actual { sign } else { 0 };
        self.score.add_signed(score, sign);
    }
}

/// The calibration bin of a score in [0, 1]: the edges are the doubles nearest to i/10, so that the score written `0.3`
/// is in `[0.3, 0.4)`, although that double is a little less than three tenths.
fn calibration_bin(score: f64) -> usize {
    let edge = |bin: usize| bin as f64 / 10.0;
    // Multiplication may round across an edge, but never by more than one bin.
    let bin = ((score * 10.0) as usize).min(9);
    if score < edge(bin) {
        bin - 1
    } else if bin < 9 && score >= edge(bin + 1) {
        bin + 1
    } else {
        bin
    }
}

impl Linear for BinaryConfusion {
    fn merge(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.true_negatives += other.true_negatives;
        self.false_negatives += other.false_negatives;
    }

    fn negate(&mut self) {
        *self = BinaryConfusion {
            true_positives: -self.true_positives,
            false_positives: -self.false_positives,
            true_negatives: -self.true_negatives,
            false_negatives: -self.false_negatives,
        };
    }

    fn is_zero(&self) -> bool {
        *self == BinaryConfusion::default()
    }
}

impl Linear for CalibrationBin {
    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.positives += other.positives;
        self.score.merge(&other.score);
    }

    fn negate(&mut self) {
        self.rows = -self.rows;
        self.positives = -self.positives;
        self.score.negate();
    }

    fn is_zero(&self) -> bool {
        self.rows == 0 && self.positives == 0 && self.score.is_zero()
    }
}

impl Linear for BinaryAccumulator {
    fn merge(&mut self, other: &Self) {
        self.confusion.merge(&other.confusion);
        self.positives.merge(&other.positives);
        self.negatives.merge(&other.negatives);
        self.score_of_positives.merge(&other.score_of_positives);
        self.score_squared.merge(&other.score_squared);
        self.log_loss.merge(&other.log_loss);
        self.calibration.iter_mut().zip(&other.calibration).for_each(|(mine, theirs)| mine.merge(theirs));
    }

    fn negate(&mut self) {
        self.confusion.negate();
        self.positives.negate();
        self.negatives.negate();
        self.score_of_positives.negate();
        self.score_squared.negate();
        self.log_loss.negate();
        self.calibration.iter_mut().for_each(Linear::negate);
    }

    fn is_zero(&self) -> bool {
        self.confusion.is_zero()
            && self.positives.is_zero()
            && self.negatives.is_zero()
            && self.score_of_positives.is_zero()
            && self.score_squared.is_zero()
            && self.log_loss.is_zero()
            && self.calibration.iter().all(Linear::is_zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(rows: &[(f64, bool)]) -> BinaryAccumulator {
        let mut accumulator = BinaryAccumulator::default();
        for &(score, actual) in rows {
            accumulator.add(1, BinaryOutcome { score: Some(score), predicted: score >= 0.5, actual });
        }
        accumulator
    }

    #[test]
    fn a_row_lands_in_each_part_once() {
        let accumulator = of(&[(0.25, true), (0.75, true), (0.75, false), (0.0, false)]);
        let confusion =
            BinaryConfusion { true_positives: 1, false_positives: 1, true_negatives: 1, false_negatives: 1 };
        assert_eq!(accumulator.confusion, confusion);
        assert_eq!(accumulator.confusion.rows(), 4);
        assert_eq!((accumulator.positives.total(), accumulator.negatives.total()), (2, 2));
        assert_eq!(accumulator.score_of_positives.to_f64(), 1.0);
        assert_eq!(accumulator.score_squared.to_f64(), 0.0625 + 2.0 * 0.5625);
        let rows = accumulator.calibration.each_ref().map(|bin| bin.rows);
        assert_eq!(rows, [1, 0, 1, 0, 0, 0, 0, 2, 0, 0]);
    }

    #[test]
    fn a_row_without_score_counts_in_the_confusion_only() {
        let mut accumulator = BinaryAccumulator::default();
        accumulator.add(1, BinaryOutcome { score: None, predicted: true, actual: true });
        let expected = BinaryAccumulator {
            confusion: BinaryConfusion { true_positives: 1, ..Default::default() },
            ..Default::default()
        };
        assert_eq!(accumulator, expected);
    }

    #[test]
    fn certainty_that_was_wrong_costs_the_clipped_loss() {
        let worst = 52.0 * std::f64::consts::LN_2;
        for (score, actual) in [(0.0, true), (1.0, false), (5e-324, true)] {
            assert!((of(&[(score, actual)]).log_loss.to_f64() - worst).abs() < 1e-13);
        }
        // Being right for certain costs the clip too, as in scikit-learn.
        assert_eq!(of(&[(1.0, true)]).log_loss.to_f64(), -libm::log(1.0 - f64::EPSILON));
    }

    #[test]
    fn written_tenths_start_their_bins() {
        let tenths = ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"];
        for (bin, text) in tenths.iter().enumerate() {
            let tenth: f64 = text.parse().unwrap();
            assert_eq!(calibration_bin(tenth), bin);
            assert_eq!(calibration_bin(tenth.next_down().max(0.0)), bin.saturating_sub(1));
        }
        assert_eq!(calibration_bin(1.0), 9);
    }

    proptest! {
        #[test]
        fn a_calibration_bin_holds_its_score(score in 0.0..=1.0f64) {
            let bin = calibration_bin(score);
            prop_assert!(bin as f64 / 10.0 <= score && (bin == 9 || score < (bin + 1) as f64 / 10.0));
        }
    }
}
