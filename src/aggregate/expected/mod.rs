//! What is expected to come true of predictions whose labels nobody has yet: sums of calibrated probabilities.
//!
//! * [`ExpectedPositives`]: of one set of rows, how many are expected to come true, and how far chance may move that.
//! * [`ExpectedConfusion`]: of the rows that were predicted positive, and of the others; the expected confusion matrix.
//! * [`ExpectedClasses`]: the same for each of many classes against all others.
//!
//! Everything is a sum over rows, exact, so panes add up and a row can be taken back.

mod calibrate;
mod classes;
mod confusion;
mod positives;

pub use calibrate::calibrate_classes;
pub use classes::ExpectedClasses;
pub use confusion::ExpectedConfusion;
pub use positives::ExpectedPositives;

use super::Linear;

/// What is expected of the rows of a model, whatever its task is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// Of a binary model.
    pub confusion: ExpectedConfusion,
    /// Of a model of many classes.
    pub classes: ExpectedClasses,
}

impl Linear for Expected {
    fn merge(&mut self, other: &Self) {
        self.confusion.merge(&other.confusion);
        self.classes.merge(&other.classes);
    }

    fn negate(&mut self) {
        self.confusion.negate();
        self.classes.negate();
    }

    fn is_zero(&self) -> bool {
        self.confusion.is_zero() && self.classes.is_zero()
    }
}
