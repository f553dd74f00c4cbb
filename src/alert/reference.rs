//! What a metric was over the rows of the reference profile.

use crate::event::{Millis, ModelSettings};

/// The metric over the labelled rows of the reference in force at `start`, where that knows it.
pub fn reference_value(settings: &ModelSettings, metric: &str, class: Option<&str>, start: Millis) -> Option<f64> {
    let _ = (settings, metric, class, start);
    None
}
