//! The rules that other tools have by default, on final windows.
//!
//! * *NannyML, quality*: a metric is outside of mean ± 3 standard deviations (divided by n) of its values in the reference's
//!   windows.
//! * *NannyML, drift*: the Jensen-Shannon distance of a feature or of the output is above 0.1.
//! * *Evidently, quality*: ROC AUC or accuracy differs from the reference's by more than 20 %, the mean absolute error by more
//!   than 10 %.
//! * *Evidently, drift*: half of the columns have drifted: of numbers the Wasserstein distance divided by the reference's
//!   deviation is at least 0.1, of categories the Jensen-Shannon distance, with natural logarithms (its rule from more than
//!   1,000 rows of the reference on).
//!
//! Distances are those that we publish, over our bins. Every window is judged by itself, so an alarm is a run of windows that
//! are called one after the other.

use super::drive::{Final, Seen};

/// Peers' rules.
pub const NAMES: [&str; 4] = ["NannyML, quality", "NannyML, drift", "Evidently, quality", "Evidently, drift"];

/// √ln 2: makes a Jensen-Shannon distance of base 2 one of base e.
const NATURAL: f64 = 0.832_554_611_157_697_8;

/// What a metric was in the windows of the reference.
struct Known {
    metric: &'static str,
    mean: f64,
    deviation: f64,
    /// Over all rows.
    whole: f64,
}

/// What the rules know of the reference.
pub struct Peers(Vec<Known>);

impl Peers {
    /// From the reference's windows.
    pub fn new(reference: &Seen) -> Peers {
        let known = ["roc_auc", "accuracy", "mae"].into_iter().filter_map(|metric| {
            let values: Vec<(f64, i64)> =
                reference.finals.values().filter_map(|window| window.values.get(metric).copied()).collect();
            let n = values.len() as f64;
            let mean = values.iter().map(|(value, _)| value).sum::<f64>() / n;
            let deviation = (values.iter().map(|(value, _)| (value - mean) * (value - mean)).sum::<f64>() / n).sqrt();
            let rows: i64 = values.iter().map(|(_, count)| count).sum();
            let whole = values.iter().map(|(value, count)| value * *count as f64).sum::<f64>() / rows as f64;
            (!values.is_empty()).then_some(Known { metric, mean, deviation, whole })
        });
        Peers(known.collect())
    }

    /// What each of [`NAMES`] says of a window.
    pub fn judge(&self, window: &Final) -> [bool; 4] {
        let any = |is_bad: &dyn Fn(&Known, f64) -> bool| {
            self.0.iter().any(|known| window.values.get(known.metric).is_some_and(|(value, _)| is_bad(known, *value)))
        };
        let tolerance = |known: &Known| if known.metric == "mae" { 0.1 } else { 0.2 };
        let columns = window.columns.values();
        let drifted = columns.clone().filter(|(distance, of_numbers)| match of_numbers {
            Some(normed) => *normed >= 0.1,
            None => NATURAL * distance >= 0.1,
        });
        [
            any(&|known, value| (value - known.mean).abs() > 3.0 * known.deviation),
            columns.clone().any(|(distance, _)| *distance > 0.1),
            any(&|known, value| (value - known.whole).abs() > tolerance(known) * known.whole),
            columns.len() > 0 && 2 * drifted.count() >= columns.len(),
        ]
    }
}
