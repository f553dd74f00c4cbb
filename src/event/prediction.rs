//! A batch of predictions as columns (Arrow arrays), all of the same length.

use super::profile::outputs::added_output;
use super::unknown::UnknownFeatures;
use super::{FeatureColumn, FeatureSource, FeatureValue, Millis, Origin, TaskKind};
use arrow_array::types::UInt32Type;
use arrow_array::{Array, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, StringArray};

/// Which entries of `features` and `attributes` are decoded: what no stage needs is never looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PredictionColumns {
    /// Columns that segments are made of, sorted, without repetition.
    pub segments: Vec<String>,
    /// Features, sorted, without repetition.
    pub features: Vec<String>,
    /// True if the names of other features are noted; their values never are.
    pub unknown: bool,
}

/// Text column whose values repeat: a code per row, each distinct value of the batch once.
pub type TextColumn = DictionaryArray<UInt32Type>;

/// The text in `row`; `None` where it has none.
#[inline]
pub fn text(column: &TextColumn, row: usize) -> Option<&str> {
    let code = column.key(row)?;
    column.values().as_any().downcast_ref::<StringArray>().map(|values| values.value(code))
}

/// Predictions of one partition or file that passed validation, in its order.
///
/// Each row has at least one output among `score`, `predicted_label`, `scores` and `predicted_value`, unless it `failed`.
#[derive(Debug, Clone)]
pub struct PredictionBatch {
    /// Where the rows came from.
    pub origin: Origin,
    /// Offset of each row; strictly increasing. Not null.
    pub offset: Int64Array,
    /// Joins with the label. Not null, not empty.
    pub request_id: StringArray,
    /// Not null, not empty.
    pub model_id: TextColumn,
    /// Not null; `""` where the record has none.
    pub model_version: TextColumn,
    /// Event time, plausible. Not null.
    pub time: Int64Array,
    /// Probability of the positive class, in [0, 1].
    pub score: Float64Array,
    /// Predicted class as text (numbers and booleans by their canonical text).
    pub predicted_label: TextColumn,
    /// Class scores: per row a list of `struct<class: Dictionary<UInt32, Utf8>, score: Float64>`, each score finite and ≥ 0;
    /// null where the record has none. `None` where no row of the batch has any.
    pub scores: Option<ListArray>,
    /// Predicted number, finite, at most 2⁵³·10³ in magnitude.
    pub predicted_value: Float64Array,
    /// How long the model took, finite and ≥ 0.
    pub latency_ms: Float64Array,
    /// True where the request failed: the row counts for operations only. Not null.
    pub failed: BooleanArray,
    /// One column per entry of [`PredictionColumns::segments`], in that order; null where the value is missing.
    pub segments: Vec<TextColumn>,
    /// One column per entry of [`PredictionColumns::features`], in that order.
    pub features: Vec<FeatureColumn>,
    /// Names of features that no column is of, where [`PredictionColumns::unknown`] asks for them. JSON: members that are
    /// not null. Avro: fields of the writer's record, and keys of a map whose values are not null.
    pub unknown: UnknownFeatures,
}

impl PredictionBatch {
    /// Rows in the batch.
    pub fn len(&self) -> usize {
        self.request_id.len()
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Event time of `row`.
    pub fn time(&self, row: usize) -> Millis {
        self.time.value(row)
    }

    /// The number that a model of this `task` gave out in `row`, as far as it can be added up: the probability of the positive
    /// class, or the predicted number.
    #[inline]
    pub fn added_output(&self, task: TaskKind, row: usize) -> Option<f64> {
        match self.output(added_output(task)?, row)? {
            FeatureValue::Number(number) => Some(number),
            FeatureValue::Missing | FeatureValue::Text(_) | FeatureValue::Invalid => None,
        }
    }

    /// What `row` has of a feature: in `column`, if the batch has one for it, or as an output.
    #[inline]
    pub fn value(&self, column: Option<usize>, source: FeatureSource, row: usize) -> FeatureValue<'_> {
        let feature = column.map(|column| self.features[column].value(row));
        feature.or_else(|| self.output(source, row)).unwrap_or(FeatureValue::Missing)
    }

    /// What `row` has of an output, as a feature; `None` of what is no output.
    #[inline]
    pub fn output(&self, source: FeatureSource, row: usize) -> Option<FeatureValue<'_>> {
        let number = |column: &Float64Array| match column.is_valid(row) {
            true => FeatureValue::Number(column.value(row)),
            false => FeatureValue::Missing,
        };
        match source {
            FeatureSource::Feature => None,
            FeatureSource::Score => Some(number(&self.score)),
            FeatureSource::PredictedValue => Some(number(&self.predicted_value)),
            FeatureSource::PredictedLabel => {
                Some(text(&self.predicted_label, row).map_or(FeatureValue::Missing, FeatureValue::Text))
            }
        }
    }
}
