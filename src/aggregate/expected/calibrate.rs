//! Probabilities of many classes: each class is calibrated against all others, then the row is made to sum to 1.

use crate::aggregate::ClassId;
use crate::aggregate::multiclass::sum_of_scores;
use crate::event::Calibration;

/// Turns the scores of one row, one per class of the reference, into probabilities that sum to 1 but for rounding;
/// all equal where every calibrated score is 0.
///
/// Scores are calibrated as the model gave them: the reference was calibrated on the same. The result does not depend on
/// the order of the classes.
pub fn calibrate_classes<'a>(scores: &mut [(ClassId, f64)], calibration_of: impl Fn(ClassId) -> &'a Calibration) {
    for (class, score) in scores.iter_mut() {
        *score = calibration_of(*class).probability(*score);
    }
    let total = sum_of_scores(scores);
    let equal = 1.0 / scores.len() as f64;
    for (_, score) in scores.iter_mut() {
        *score = if total > 0.0 { *score / total } else { equal };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_sum_to_one_and_nothing_is_anything() {
        let halved = Calibration::Isotonic(vec![(0.0, 0.0), (1.0, 0.5)].try_into().unwrap());
        let mut scores = [(ClassId(0), 0.5), (ClassId(1), 0.5)];
        calibrate_classes(&mut scores, |class| if class == ClassId(0) { &halved } else { &Calibration::AsGiven });
        assert_eq!(scores, [(ClassId(0), 1.0 / 3.0), (ClassId(1), 2.0 / 3.0)]);
        let mut nothing = [(ClassId(0), 0.0), (ClassId(1), 0.0)];
        calibrate_classes(&mut nothing, |_| &Calibration::AsGiven);
        assert_eq!(nothing, [(ClassId(0), 0.5), (ClassId(1), 0.5)]);
    }

    proptest! {
        #[test]
        fn the_order_of_classes_does_not_matter(scores in prop::collection::vec(0.0..=1.0f64, 1..6)) {
            let mut forth: Vec<_> = (0u16..).map(ClassId).zip(scores).collect();
            let mut back: Vec<_> = forth.iter().rev().copied().collect();
            calibrate_classes(&mut forth, |_| &Calibration::AsGiven);
            calibrate_classes(&mut back, |_| &Calibration::AsGiven);
            back.reverse();
            prop_assert_eq!(&forth, &back);
            prop_assert!((forth.iter().map(|entry| entry.1).sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
