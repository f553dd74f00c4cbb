//! Features of a batch of predictions as columns, and the value of one.

use super::prediction::{TextColumn, text};
use arrow_array::{Array, Float64Array};
use serde::{Deserialize, Serialize};

/// Which value of a prediction a feature is. Outputs count as features, for prediction drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureSource {
    /// An entry of `features`.
    Feature,
    /// The probability of the positive class.
    Score,
    /// The predicted class.
    PredictedLabel,
    /// The predicted number.
    PredictedValue,
}

impl FeatureSource {
    /// The sources that are outputs, with the name that each has as a feature.
    pub const OUTPUTS: [(FeatureSource, &'static str); 3] = [
        (FeatureSource::Score, "score"),
        (FeatureSource::PredictedLabel, "predicted_label"),
        (FeatureSource::PredictedValue, "predicted_value"),
    ];
}

/// One feature of all rows of a batch.
#[derive(Debug, Clone)]
pub struct FeatureColumn {
    /// Values that are numbers. NaN where a value is there but is neither text, truth value nor usable number: infinite,
    /// not a number, beyond 2⁵³·10³ in magnitude, an object, a list.
    pub number: Float64Array,
    /// Values that are texts, and truth values as `true` and `false`; null where `number` is not.
    pub text: TextColumn,
}

/// What a row has of one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FeatureValue<'a> {
    /// Nothing, or null.
    Missing,
    /// A finite number.
    Number(f64),
    /// A text or a truth value.
    Text(&'a str),
    /// Something that is none of these.
    Invalid,
}

impl FeatureColumn {
    /// What `row` has.
    pub fn value(&self, row: usize) -> FeatureValue<'_> {
        if self.number.is_valid(row) {
            let number = self.number.value(row);
            return if number.is_finite() { FeatureValue::Number(number) } else { FeatureValue::Invalid };
        }
        text(&self.text, row).map_or(FeatureValue::Missing, FeatureValue::Text)
    }
}
