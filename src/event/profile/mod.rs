//! `Profile`: what the predictions of a reference looked like, feature by feature, without a single raw row. Windows are
//! compared with it; it is plain data, made elsewhere.
//!
//! * `file`: the file form and its reading, which refuses what cannot be ([`ProfileError`]).
//! * `identity`: the id, a hash of the content.
//! * `consistency`: what has to hold inside a profile.
//! * `labels`: what is known of the reference's labels.
//! * `layout`: where the file form has its line ends.
//! * `merge`: profiles of hours into that of a week.
//! * [`outputs`]: what the model gave out per bin of a feature.
//! * `unfitted`: what stands for a profile where there is none.
//! * `window`: which closed window a published profile is of.

mod consistency;
mod file;
mod identity;
mod labels;
mod layout;
mod merge;
pub mod outputs;
#[cfg(test)]
pub(crate) mod samples;
mod unfitted;
mod window;

pub use file::ProfileError;
pub use labels::{AccuracyBy, AccuracyGroup, ClassCalibration, ReferenceLabels, ReferenceMetric};
pub use merge::{MergeError, merge};
pub use outputs::{BinnedOutputs, OutputUnit};
pub use unfitted::FeatureKind;
pub use window::ProfileWindow;

use super::bins::{Category, CategoryBins, Grouping, Measurement, NumericBins};
use super::feature::{FeatureSource, FeatureValue};
use super::{Millis, TaskKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a reference looked like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Names the content: a hash of everything else but the sketches and the window, in lower-case hexadecimal.
    pub id: ReferenceId,
    /// The model that it is of.
    pub model_id: Arc<str>,
    /// Its task.
    pub task: TaskKind,
    /// Predictions that it was made of.
    pub rows: i64,
    /// Event time of the first of them.
    pub first_ms: Millis,
    /// Event time of the last of them.
    pub last_ms: Millis,
    /// Features and outputs, ascending by name.
    pub features: Vec<FeatureProfile>,
    /// Of its labels, if it was made with any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<ReferenceLabels>,
    /// The closed window that it is of, if it was published as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<ProfileWindow>,
}

/// Id of a profile: the first 16 bytes of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReferenceId(pub u128);

/// One feature of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureProfile {
    /// Its name.
    pub name: Arc<str>,
    /// Which value of a prediction it is.
    pub source: FeatureSource,
    /// Where its values are counted.
    pub bins: FeatureBins,
    /// Rows of the reference per bin.
    pub counts: Vec<i64>,
    /// Of its numbers; `None` where it has none, or is a category.
    pub moments: Option<Moments>,
    /// What the model gave out per bin; `None` where outputs cannot be added up, or nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<BinnedOutputs>,
    /// Evidence for other tools; nothing here is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketches: Option<Sketches>,
}

/// Summaries in the serialized form that every Apache DataSketches library reads, as base64 (standard alphabet, padded).
///
/// They are approximate and outside the promise of equal bits on every platform, so the id does not depend on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sketches {
    /// Distribution of the numbers: a t-digest of doubles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<String>,
    /// Number of distinct values: a HyperLogLog sketch of the values' text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<String>,
    /// Most frequent values: a frequent-items sketch of the values' text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequent: Option<String>,
}

/// Bins of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureBins {
    /// Of a number.
    Numeric(NumericBins),
    /// Of a category.
    Categorical(CategoryBins),
}

/// Of the numbers of a feature, each rounded once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, with n as divisor.
    pub std: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl FeatureProfile {
    /// Which of a batch's feature columns it is, whose names are `columns`, sorted; `None` of an output, or of one that no
    /// column is of.
    pub fn column(&self, columns: &[String]) -> Option<usize> {
        let is_column = self.source == FeatureSource::Feature;
        let place = || columns.binary_search_by(|column| column.as_str().cmp(&self.name)).ok();
        is_column.then(place).flatten()
    }
}

impl FeatureBins {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            FeatureBins::Numeric(bins) => bins.bins(),
            FeatureBins::Categorical(bins) => bins.bins(),
        }
    }

    /// Never: missing and invalid always have bins.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Which coarse bin each is in: of a number the reference's deciles, missing and invalid; of a category itself.
    pub fn coarse(&self) -> Grouping {
        match self {
            FeatureBins::Numeric(bins) => bins.coarse(),
            FeatureBins::Categorical(bins) => Grouping::new((0..bins.bins()).collect()),
        }
    }

    /// True of the bin of categories that have none of their own.
    #[inline]
    pub fn is_unseen(&self, bin: usize) -> bool {
        matches!(self, FeatureBins::Categorical(bins) if bins.others().contains(&bin))
    }

    /// True if a reference decided where they are: only then a value can be unseen, or out of range.
    pub fn are_fitted(&self) -> bool {
        match self {
            FeatureBins::Numeric(bins) => !bins.hold_every_number(),
            FeatureBins::Categorical(bins) => !bins.are_hashed(),
        }
    }

    /// The bin of a value. A text where numbers are is invalid; a number where categories are is the category of its text.
    pub fn bin_of(&self, value: FeatureValue<'_>) -> usize {
        match self {
            FeatureBins::Numeric(bins) => bins.bin_of(match value {
                FeatureValue::Missing => Measurement::Missing,
                FeatureValue::Number(number) => Measurement::Number(number),
                FeatureValue::Text(_) | FeatureValue::Invalid => Measurement::Invalid,
            }),
            FeatureBins::Categorical(bins) => match value {
                FeatureValue::Missing => bins.bin_of(Category::Missing),
                FeatureValue::Invalid => bins.bin_of(Category::Invalid),
                FeatureValue::Text(text) => bins.bin_of(Category::Value(text)),
                FeatureValue::Number(number) if bins.are_hashed() => bins.bin_of_other_number(number),
                FeatureValue::Number(number) => {
                    bins.bin_of(Category::Value(&crate::event::label::number_as_class(number)))
                }
            },
        }
    }
}

impl std::fmt::Display for ReferenceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<ReferenceId> for String {
    fn from(id: ReferenceId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for ReferenceId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_hexadecimal = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let id = u128::from_str_radix(&text, 16).ok().filter(|_| is_hexadecimal);
        id.map(ReferenceId).ok_or_else(|| "an id is 32 hexadecimal digits".to_owned())
    }
}
