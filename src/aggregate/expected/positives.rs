//! How many of a set of rows are expected to come true: Σp, with what its spread needs.

use crate::aggregate::{ExactSum, Linear};

/// A set of rows, each of which comes true with its own probability p, independent of the others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectedPositives {
    /// Rows.
    pub rows: i64,
    /// Σp: how many are expected to come true.
    pub probability: ExactSum,
    /// Σp², exact. The number that comes true is Poisson-binomial, with the variance Σp(1 − p) = Σp − Σp².
    pub probability_squared: ExactSum,
}

impl ExpectedPositives {
    /// Adds a row (`sign` 1) or takes it back (`sign` −1); `probability` is in [0, 1].
    #[inline]
    pub fn add(&mut self, sign: i64, probability: f64) {
        self.rows += sign;
        self.probability.add_signed(probability, sign);
        self.probability_squared.add_product(probability, probability, sign);
    }

    /// Σp(1 − p): the variance of the number that comes true.
    pub fn variance(&self) -> f64 {
        let mut variance = self.probability_squared.clone();
        variance.negate();
        variance.merge(&self.probability);
        variance.to_f64()
    }

    /// The probability of the only row, if there is just one.
    pub(in crate::aggregate) fn only_row(&self) -> Option<f64> {
        if self.rows != 1 {
            return None;
        }
        let probability = self.probability.to_f64();
        if !(0.0..=1.0).contains(&probability) {
            return None;
        }
        let mut only = ExpectedPositives::default();
        only.add(1, probability);
        (only == *self).then_some(probability)
    }
}

impl Linear for ExpectedPositives {
    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.probability.merge(&other.probability);
        self.probability_squared.merge(&other.probability_squared);
    }

    fn negate(&mut self) {
        self.rows = -self.rows;
        self.probability.negate();
        self.probability_squared.negate();
    }

    fn is_zero(&self) -> bool {
        self.rows == 0 && self.probability.is_zero() && self.probability_squared.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_hand() {
        let mut positives = ExpectedPositives::default();
        for probability in [0.25, 0.5, 1.0] {
            positives.add(1, probability);
        }
        assert_eq!((positives.rows, positives.probability.to_f64()), (3, 1.75));
        assert_eq!(positives.variance(), 0.25 * 0.75 + 0.25);
        positives.add(-1, 0.25);
        positives.add(-1, 1.0);
        assert_eq!(positives.only_row(), Some(0.5));
    }
}
