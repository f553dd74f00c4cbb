//! Estimated performance: how good a model is expected to be before a single label has come.
//!
//! * [`binary`], [`multiclass`]: values from the expected confusion matrix, with an interval that the realized value is
//!   in with 95 % if probabilities are right.
//! * [`roc_auc()`]: from the bins of scores, without a sum of its own.
//! * [`estimation_error`], [`widened_by_past_errors`]: how far estimates were off, and what that says of the next one.
//!
//! An estimate trusts the calibration of the reference: that of rows with the probability p, a share p comes true. It
//! sees data that became harder (scores nearer to the threshold); it is blind to concept drift by design, for nothing
//! in scores tells that they mean something else than they did.

mod classes;
mod confusion;
mod error;
mod roc_auc;

pub use classes::multiclass;
pub use confusion::binary;
pub use error::{estimation_error, widened_by_past_errors};
pub use roc_auc::roc_auc;
