//! How wrong one prediction was, in one number: what detectors of concept drift read.

use super::multiclass::sum_of_scores;
use super::probability::log_loss;
use super::{BinaryOutcome, MulticlassOutcome, QualityOutcome, RegressionOutcome};
use crate::event::LossKind;

/// The loss of `outcome`; `None` where it has none of that kind: there is no score, or it is about a number and a
/// probability is asked for.
pub fn loss(kind: LossKind, outcome: &QualityOutcome<'_>) -> Option<f64> {
    let of_class = |is_wrong: bool| Some(f64::from(u8::from(is_wrong)));
    match (kind, outcome) {
        (LossKind::Error, QualityOutcome::Binary(row)) => of_class(row.predicted != row.actual),
        (LossKind::Error, QualityOutcome::Multiclass(row)) => of_class(row.predicted != row.actual),
        (LossKind::Error, QualityOutcome::Regression(RegressionOutcome { predicted, actual })) => {
            Some((predicted - actual).abs())
        }
        (LossKind::LogLoss, QualityOutcome::Binary(BinaryOutcome { score, actual, .. })) => {
            score.map(|score| log_loss(if *actual { score } else { 1.0 - score }))
        }
        (LossKind::LogLoss, QualityOutcome::Multiclass(row)) => probability_of_actual(row).map(log_loss),
        (LossKind::LogLoss, QualityOutcome::Regression(_)) => None,
    }
}

/// Of scores normalised to sum 1; a class that got no score got the probability 0.
fn probability_of_actual(row: &MulticlassOutcome<'_>) -> Option<f64> {
    let total = sum_of_scores(row.scores);
    let score = row.scores.iter().find(|(class, _)| *class == row.actual).map_or(0.0, |(_, score)| *score);
    (total > 0.0 && total.is_finite()).then(|| score / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{BinaryAccumulator, ClassId, MulticlassAccumulator, RegressionAccumulator};

    #[test]
    fn an_error_is_0_or_1_of_a_class_and_a_distance_of_a_number() {
        for (predicted, actual) in [(false, false), (false, true), (true, false), (true, true)] {
            let binary = QualityOutcome::Binary(BinaryOutcome { score: None, predicted, actual });
            assert_eq!(loss(LossKind::Error, &binary), Some(if predicted == actual { 0.0 } else { 1.0 }));
            assert_eq!(loss(LossKind::LogLoss, &binary), None, "it has no score");
        }
        let number = RegressionOutcome { predicted: 2.0, actual: 5.5 };
        assert_eq!(loss(LossKind::Error, &QualityOutcome::Regression(number)), Some(3.5));
        assert_eq!(loss(LossKind::LogLoss, &QualityOutcome::Regression(number)), None);
    }

    #[test]
    fn losses_are_what_the_accumulators_sum() {
        let row = BinaryOutcome { score: Some(0.3), predicted: false, actual: true };
        let mut binary = BinaryAccumulator::default();
        binary.add(1, row);
        assert_eq!(loss(LossKind::LogLoss, &QualityOutcome::Binary(row)), Some(binary.log_loss.to_f64()));
        let scores = [(ClassId(4), 0.5), (ClassId(1), 1.5)];
        for actual in [1, 2, 4].map(ClassId) {
            let row = MulticlassOutcome { predicted: ClassId(1), actual, scores: &scores };
            let mut multiclass = MulticlassAccumulator::default();
            multiclass.add(1, row);
            assert_eq!(loss(LossKind::LogLoss, &QualityOutcome::Multiclass(row)), Some(multiclass.log_loss.to_f64()));
        }
        let row = RegressionOutcome { predicted: 1.0, actual: 0.25 };
        let mut regression = RegressionAccumulator::default();
        regression.add(1, row);
        assert_eq!(loss(LossKind::Error, &QualityOutcome::Regression(row)), Some(0.75));
    }
}
