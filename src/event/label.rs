//! A batch of labels as columns, and the value of one label.

use super::prediction::TextColumn;
use super::{Millis, Origin};
use arrow_array::{Array, BooleanArray, Float64Array, Int64Array, StringArray};

/// Labels of one partition or file that passed validation, in its order.
///
/// A label that came as a number is in `number` *and* null in `text`; any other label is in `text` and null in `number`.
/// Text that is the canonical form of a number (`"1"`, `"-0.5"`) counts as a number: `1` and `"1"` are the same class.
#[derive(Debug, Clone)]
pub struct LabelBatch {
    /// Where the rows came from.
    pub origin: Origin,
    /// Offset of each row; strictly increasing. Not null.
    pub offset: Int64Array,
    /// Joins with the prediction. Not null, not empty.
    pub request_id: StringArray,
    /// When the truth became known, plausible. Not null.
    pub time: Int64Array,
    /// Numeric label, finite, at most 2⁵³·10³ in magnitude.
    pub number: Float64Array,
    /// Any other label: class names, `true`, `false`.
    pub text: TextColumn,
    /// True where the label is taken back; such a row may have neither `number` nor `text`. Not null.
    pub deleted: BooleanArray,
    /// Restricts the label to this model's predictions, where request ids are not unique across models.
    pub model_id: TextColumn,
    /// Copied to `labelled`; no metric uses it.
    pub weight: Float64Array,
}

impl LabelBatch {
    /// Rows in the batch.
    pub fn len(&self) -> usize {
        self.request_id.len()
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Time of `row`.
    pub fn time(&self, row: usize) -> Millis {
        self.time.value(row)
    }
}

/// What a label says.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelValue {
    /// A number: the value of a regression, or a class written as a number.
    Number(f64),
    /// A class.
    Text(String),
    /// The label is taken back.
    Deleted,
}

/// The text of a number as a class name: the shortest that reads back as the same number, without a trailing `.0`,
/// so that `1`, `1.0` and `"1"` are one class.
pub fn number_as_class(number: f64) -> String {
    // `Display` for f64 is the shortest text that round-trips and prints integers without a fraction.
    if number == 0.0 { "0".to_owned() } else { number.to_string() }
}

/// Class text of a binary model: `true` is `1` and `false` is `0`.
pub fn binary_class(text: &str) -> &str {
    match text {
        "true" => "1",
        "false" => "0",
        other => other,
    }
}

/// Reads text as a number if, and only if, it is that number's canonical text.
pub fn class_as_number(text: &str) -> Option<f64> {
    let first = text.as_bytes().first()?;
    if !(first.is_ascii_digit() || *first == b'-') {
        return None;
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    (number_as_class(number) == text).then_some(number)
}
