//! The expected confusion matrix of one class: what is expected of rows that were predicted to be of it, and of others.

use super::ExpectedPositives;
use crate::aggregate::Linear;

/// Expected outcomes by what was predicted. With P = Σp over the predicted rows and Q = Σp over the others, P true
/// positives are expected, and (rows predicted − P) false positives, Q false negatives, (other rows − Q) true negatives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectedConfusion {
    /// Rows that were predicted positive.
    pub predicted: ExpectedPositives,
    /// Rows that were not.
    pub others: ExpectedPositives,
}

impl ExpectedConfusion {
    /// Adds a row (`sign` 1) or takes it back (`sign` −1); `probability` in [0, 1] is that of the positive class.
    #[inline]
    pub fn add(&mut self, sign: i64, predicted: bool, probability: f64) {
        if predicted { &mut self.predicted } else { &mut self.others }.add(sign, probability);
    }

    /// All rows.
    pub fn rows(&self) -> i64 {
        self.predicted.rows + self.others.rows
    }
}

impl Linear for ExpectedConfusion {
    fn merge(&mut self, other: &Self) {
        self.predicted.merge(&other.predicted);
        self.others.merge(&other.others);
    }

    fn negate(&mut self) {
        self.predicted.negate();
        self.others.negate();
    }

    fn is_zero(&self) -> bool {
        self.predicted.is_zero() && self.others.is_zero()
    }
}
