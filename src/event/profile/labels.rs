//! What a profile knows of the labels of its reference: how they are distributed, what scores meant there, and how good the
//! model was.

use super::FeatureBins;
use crate::event::calibration::Calibration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The labels of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceLabels {
    /// Predictions that have one.
    pub rows: i64,
    /// Where labels are counted: numbers of a regression model, else classes; of a binary model only the positive one, so
    /// that every other label is a value that the bins do not have.
    pub bins: FeatureBins,
    /// Labelled predictions per bin.
    pub counts: Vec<i64>,
    /// How scores become probabilities, ascending by class; of a binary model the positive class alone. None where the
    /// reference has no scores.
    pub calibrations: Vec<ClassCalibration>,
    /// The model's metrics on the reference, as they would be published of a window that holds all of it.
    pub performance: Vec<ReferenceMetric>,
    /// Of models that predict classes, how many rows were right, by what divides them: `predicted_label`, then segment keys.
    pub accuracy_by: Vec<AccuracyBy>,
}

/// Right predictions by the values of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccuracyBy {
    /// True of a segment set, false of an output of the model.
    pub is_segment: bool,
    /// `predicted_label`, or the key of the segment set.
    pub by: Arc<str>,
    /// Ascending by value.
    pub groups: Vec<AccuracyGroup>,
}

/// Right predictions of one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccuracyGroup {
    /// The value.
    pub value: Arc<str>,
    /// Labelled predictions that have it.
    pub rows: i64,
    /// Of these, right ones.
    pub right: i64,
}

/// How the scores of one class become probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCalibration {
    /// The class.
    pub class: Arc<str>,
    /// From its score to its probability.
    pub calibration: Calibration,
}

/// One metric on the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceMetric {
    /// Its name.
    pub metric: Arc<str>,
    /// The class, of a metric about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Arc<str>>,
    /// Its value, finite.
    pub value: f64,
    /// Lower end of the 95 % interval, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// Upper end of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// Rows that it rests on.
    pub count: i64,
}

impl ReferenceLabels {
    /// The calibration of `class`; scores of a class that the reference did not know are taken as they are.
    pub fn calibration(&self, class: &str) -> &Calibration {
        let place = self.calibrations.binary_search_by(|known| (*known.class).cmp(class));
        place.map_or(&Calibration::AsGiven, |place| &self.calibrations[place].calibration)
    }

    /// Right predictions by class predicted (`None`), or by the values of a segment set; empty if it has none.
    pub fn accuracy_by(&self, segment_key: Option<&str>) -> &[AccuracyGroup] {
        let wanted = |known: &&AccuracyBy| {
            known.is_segment == segment_key.is_some() && segment_key.is_none_or(|key| *known.by == *key)
        };
        self.accuracy_by.iter().find(wanted).map_or(&[], |known| &known.groups)
    }

    /// Why this cannot be of a reference of so many predictions; `None` if it can.
    pub(super) fn inconsistency(&self, rows: i64) -> Option<&'static str> {
        let counted: i128 = self.counts.iter().map(|&count| i128::from(count)).sum();
        let is_finite = |metric: &ReferenceMetric| {
            metric.value.is_finite() && [metric.lower, metric.upper].into_iter().flatten().all(f64::is_finite)
        };
        if !(1..=rows).contains(&self.rows) {
            Some("there are none, or more than predictions")
        } else if self.counts.len() != self.bins.len() || self.counts.iter().any(|&count| count < 0) {
            Some("counts do not belong to the bins, or are negative")
        } else if counted != i128::from(self.rows) {
            Some("counts do not add up to the labelled predictions")
        } else if self.calibrations.windows(2).any(|pair| pair[0].class >= pair[1].class) {
            Some("calibrations are not sorted by class, or one is there twice")
        } else if !self.accuracy_by.iter().all(AccuracyBy::is_possible) {
            Some("more predictions of a group are right than there are, or groups are not sorted")
        } else if !self.performance.iter().all(is_finite) {
            Some("a metric is not finite")
        } else {
            None
        }
    }
}

impl AccuracyBy {
    fn is_possible(&self) -> bool {
        self.groups.windows(2).all(|pair| pair[0].value < pair[1].value)
            && self.groups.iter().all(|group| 0 <= group.right && group.right <= group.rows)
    }
}
