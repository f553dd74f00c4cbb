//! Calibration: from the score that a model gave to the probability that its reference gave such scores.
//!
//! What is estimated before labels come stands on it: of rows with the calibrated probability p, a share p comes true,
//! *as long as labels follow from scores as they did in the reference*. When they no longer do (concept drift), nothing
//! here can notice; that is a limit of the method, and why realized metrics are never replaced by estimated ones.
//!
//! The method is that of NannyML's confidence-based performance estimation, which the oracle compares with.

mod isotonic;
mod need;

pub use isotonic::{Isotonic, NotIsotonic};
pub use need::is_needed;

use serde::{Deserialize, Serialize};

/// How the scores of one model (of one class against all others) become probabilities.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibration {
    /// The score is taken as it is: the reference has shown nothing better.
    #[default]
    AsGiven,
    /// By the rising steps of the reference.
    Isotonic(Isotonic),
}

impl Calibration {
    /// Of the labelled rows of a reference, in any order: the score in [0, 1], and whether the class came true. Scores
    /// are taken as they are where calibrating them does not pay ([`is_needed`]).
    pub fn of_reference(rows: &[(f64, bool)]) -> Calibration {
        if is_needed(rows) { Calibration::always(rows) } else { Calibration::AsGiven }
    }

    /// The same without asking whether it pays; as given where there is no row.
    pub fn always(rows: &[(f64, bool)]) -> Calibration {
        Isotonic::fit(rows).map_or(Calibration::AsGiven, Calibration::Isotonic)
    }

    /// The probability that a row with this score comes true, in [0, 1].
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Calibration::AsGiven => score.clamp(0.0, 1.0),
            Calibration::Isotonic(isotonic) => isotonic.probability(score),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibrations_are_plain_data() {
        let rows: Vec<(f64, bool)> = (0..400).map(|i| (f64::from(i) / 400.0, i % 7 == 0 || i > 370)).collect();
        for calibration in [Calibration::AsGiven, Calibration::of_reference(&rows), Calibration::always(&rows)] {
            let text = serde_json::to_string(&calibration).unwrap();
            assert_eq!(serde_json::from_str::<Calibration>(&text).unwrap(), calibration, "{text}");
        }
        assert_eq!(serde_json::to_string(&Calibration::AsGiven).unwrap(), r#""as_given""#);
    }

    #[test]
    fn a_reference_without_rows_leaves_scores_as_they_are() {
        assert_eq!(Calibration::of_reference(&[]), Calibration::AsGiven);
        assert_eq!(Calibration::always(&[]), Calibration::AsGiven);
        assert_eq!(Calibration::AsGiven.probability(0.3), 0.3);
    }
}
