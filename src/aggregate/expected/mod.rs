//! What is expected to come true of predictions whose labels nobody has yet: sums of calibrated probabilities.
//!
//! * [`ExpectedPositives`]: of one set of rows, how many are expected to come true, and how far chance may move that.
//! * [`ExpectedConfusion`]: of the rows that were predicted positive, and of the others; the expected confusion matrix.
//! * [`ExpectedClasses`]: the same for each of many classes against all others.
//!
//! Everything is a sum over rows, exact, so panes add up and a row can be taken back.

mod classes;
mod confusion;
mod positives;

pub use classes::ExpectedClasses;
pub use confusion::ExpectedConfusion;
pub use positives::ExpectedPositives;
