//! What the operator declared about the models, as plain validated values. `config` makes them; the stages only read them.
//!
//! The stages also log them, so that state can be read as it was meant. A key that a later version adds needs a default
//! that means what there was before.

use super::segment::SegmentColumn;
use super::{
    AlertSettings, Detectors, DriftSettings, FeatureSource, MAX_TIME_MS, Millis, PredictionColumns, Reference,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Two classes; a score is the probability of the positive one.
    Binary,
    /// Any number of classes.
    Multiclass,
    /// A number.
    Regression,
}

impl TaskKind {
    /// All tasks.
    pub const ALL: [TaskKind; 3] = [TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression];

    /// The name in configuration and documentation.
    pub fn name(self) -> &'static str {
        match self {
            TaskKind::Binary => "binary",
            TaskKind::Multiclass => "multiclass",
            TaskKind::Regression => "regression",
        }
    }
}

/// One window size. Windows start at multiples of `advance_ms` since the epoch; start inclusive, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// Length, > 0.
    pub size_ms: Millis,
    /// Distance between starts, 0 < advance ≤ size; equal to the size for tumbling windows.
    pub advance_ms: Millis,
}

/// Columns whose value combination is a segment: `[country]`, `[country, device]`, `[country, {bins_of: amount}]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentSet {
    /// Columns, and numbers in bins, as configured; not empty, without repetition.
    pub columns: Vec<SegmentColumn>,
}

impl SegmentSet {
    /// `segment_key` of the output: the keys of the columns joined by `,`.
    pub fn key(&self) -> String {
        self.columns.iter().map(SegmentColumn::key).collect::<Vec<_>>().join(",")
    }
}

/// How soon a window that changed is published again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviseAfter {
    /// Least time between two revisions.
    pub min_ms: Millis,
    /// Fraction of the window's age that must pass between two revisions, ≥ 0 (0.1 for `10%`).
    pub growth: f64,
}

/// Worth of each outcome of a binary decision, in the operator's own unit, for `business_value`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessValue {
    /// Of a true positive.
    pub true_positive: f64,
    /// Of a false positive.
    pub false_positive: f64,
    /// Of a true negative.
    pub true_negative: f64,
    /// Of a false negative.
    pub false_negative: f64,
}

/// What is known about one model, every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// `None`: inferred from each record.
    pub task: Option<TaskKind>,
    /// Text of the positive class, canonical (`1` for 1, 1.0, true and "true").
    pub positive_label: String,
    /// A score at or above it predicts the positive class; in [0, 1].
    pub threshold: f64,
    /// Window sizes, sorted, without repetition; not empty.
    pub windows: Vec<WindowSpec>,
    /// Greatest common divisor of all sizes and advances.
    pub pane_ms: Millis,
    /// How long after its prediction a label may come.
    pub label_horizon_ms: Millis,
    /// How far a record may lag behind the newest of its partition without being behind the watermark.
    pub allowed_lateness_ms: Millis,
    /// How long before its prediction a label may come.
    pub early_label_retention_ms: Millis,
    /// How long after a label's time it can be corrected, repeated or taken back; 0: forgotten on match.
    pub correction_horizon_ms: Millis,
    /// Dead-letters records that are further ahead of the watermark; `None`: off.
    pub max_ahead_ms: Option<Millis>,
    /// The label that a prediction gets when none has come within the horizon (canonical text).
    pub on_expiry: Option<String>,
    /// Segments to publish, `protected` columns included, without repetition.
    pub segments: Vec<SegmentSet>,
    /// Columns over whose groups fairness is computed; each is also in `segments`.
    pub protected: Vec<String>,
    /// Groups with fewer labelled rows have no fairness value.
    pub min_group: u64,
    /// Pace of revisions.
    pub revise_after: ReviseAfter,
    /// How long a window stays revisable; at least `label_horizon_ms` + `correction_horizon_ms`.
    pub revise_for_ms: Millis,
    /// Values for `business_value`, where configured.
    pub business_value: Option<BusinessValue>,
    /// What windows are compared with, by the event time from which it is in force, ascending; empty: with nothing.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// How features are judged.
    #[serde(default)]
    pub drift: DriftSettings,
    /// Detectors of concept drift, where configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detectors: Option<Detectors>,
}

/// Maxima that keep memory bounded whatever the input holds. What is over a cap is folded or rejected, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Distinct values per segment set and model; the rest folds into `__other__`.
    pub segment_values: usize,
    /// Classes per model; the rest folds into `__other__`.
    pub classes: usize,
    /// Models; records of further ones are dead letters.
    pub models: usize,
    /// Predictions held per partition, waiting or correctable, and labels likewise; of more, the oldest are dropped.
    pub pending_rows: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Caps { segment_values: 1000, classes: 100, models: 10_000, pending_rows: 100_000_000 }
    }
}

/// All models' settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// For every model that is not named.
    pub defaults: Arc<ModelSettings>,
    /// The named ones.
    pub models: BTreeMap<String, Arc<ModelSettings>>,
    /// Maxima.
    pub caps: Caps,
    /// Least time between two publications of a window, on the clock handed to the task.
    pub emit_interval_ms: Millis,
    /// An input at its end is idle after this long without a record, on the clock handed to the task; between two looks
    /// whether it is so still.
    pub idle_timeout_ms: Millis,
    /// Rules of alerts.
    #[serde(default)]
    pub alerts: Arc<AlertSettings>,
}

impl Settings {
    /// The settings of `model_id`.
    pub fn model(&self, model_id: &str) -> &Arc<ModelSettings> {
        self.models.get(model_id).unwrap_or(&self.defaults)
    }

    /// Every model's settings, the defaults first.
    pub fn all(&self) -> impl Iterator<Item = &ModelSettings> {
        std::iter::once(&*self.defaults).chain(self.models.values().map(|model| &**model))
    }

    /// What the codec decodes of features and attributes: what any model's segments and references need.
    pub fn columns(&self) -> PredictionColumns {
        let is_fitted = |reference: &Reference| reference.profile.as_ref().is_none_or(|profile| profile.is_fitted());
        let unknown = self.all().any(|model| model.references.iter().any(is_fitted));
        PredictionColumns { segments: self.segment_columns(), features: self.feature_columns(), unknown }
    }

    /// Columns that any model's segments need, sorted, without repetition.
    pub fn segment_columns(&self) -> Vec<String> {
        let parts = self.all().flat_map(|model| &model.segments).flat_map(|set| &set.columns);
        let mut columns: Vec<String> = parts.filter_map(|part| part.column().map(str::to_owned)).collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// Features that any model's references hold, sorted, without repetition.
    pub fn feature_columns(&self) -> Vec<String> {
        let references = self.all().flat_map(|model| &model.references).flat_map(|reference| &reference.profile);
        let features = references.flat_map(|profile| &profile.features);
        let mut columns: Vec<String> = features
            .filter(|feature| feature.source == FeatureSource::Feature)
            .map(|feature| feature.name.to_string())
            .collect();
        columns.sort();
        columns.dedup();
        columns
    }
}

impl ModelSettings {
    /// The same with the ids of references alone, for where their content does not matter.
    pub fn without_profiles(&self) -> ModelSettings {
        let mut settings = self.clone();
        settings.references.iter_mut().for_each(|reference| reference.profile = None);
        settings
    }

    /// The first time after `time` at which windows of all sizes begin.
    pub fn next_boundary(&self, time: Millis) -> Millis {
        let step = self.windows.iter().fold(1, |step, window| least_common_multiple(step, window.advance_ms));
        time - time.rem_euclid(step) + step
    }

    /// True if windows of all sizes begin at `time`.
    pub fn is_boundary(&self, time: Millis) -> bool {
        self.windows.iter().all(|window| time.rem_euclid(window.advance_ms) == 0)
    }

    /// Features whose bins are segments, in the order of the segments, without repetition.
    pub fn binned_features(&self) -> Vec<&str> {
        let mut features: Vec<&str> = Vec::new();
        for feature in self.segments.iter().flat_map(|set| &set.columns).filter_map(SegmentColumn::binned) {
            if !features.contains(&feature) {
                features.push(feature);
            }
        }
        features
    }

    /// Why these settings cannot take the place of `before`, under which there is state of `model`; `None` if they can.
    pub fn refusal(&self, model: &str, before: &ModelSettings) -> Option<String> {
        let name = if model.is_empty() { "the defaults".to_owned() } else { format!("model {model}") };
        let anew =
            "To start anew with it and read the inputs from their beginning, delete the state: `postdict topics reset`";
        if self.pane_ms != before.pane_ms {
            let (was, is) = (before.pane_ms, self.pane_ms);
            return Some(format!(
                "the windows of {name} had a greatest common divisor of {was} ms and now have {is} ms: sizes and advances \
                 may be added or taken away only if that stays. {anew}"
            ));
        }
        let task = |settings: &ModelSettings| settings.task.map_or("none", TaskKind::name);
        // Labels that name no model have no task.
        (self.task != before.task && !model.is_empty())
            .then(|| format!("the task of {name} was {} and is now {}. {anew}", task(before), task(self)))
    }
}

/// Of lengths > 0; of such that have none within reason, the longer one.
fn least_common_multiple(a: Millis, b: Millis) -> Millis {
    let divisor = num_integer::gcd(a, b);
    (a / divisor).checked_mul(b).filter(|multiple| *multiple <= MAX_TIME_MS).unwrap_or(a.max(b))
}

impl Default for ModelSettings {
    fn default() -> Self {
        const HOUR: Millis = 3_600_000;
        const DAY: Millis = 24 * HOUR;
        ModelSettings {
            task: None,
            positive_label: "1".to_owned(),
            threshold: 0.5,
            windows: vec![WindowSpec { size_ms: DAY, advance_ms: DAY }],
            pane_ms: DAY,
            label_horizon_ms: 90 * DAY,
            allowed_lateness_ms: HOUR,
            early_label_retention_ms: DAY,
            correction_horizon_ms: DAY,
            max_ahead_ms: None,
            on_expiry: None,
            segments: Vec::new(),
            protected: Vec::new(),
            min_group: 1,
            revise_after: ReviseAfter { min_ms: 60_000, growth: 0.1 },
            revise_for_ms: 91 * DAY,
            business_value: None,
            references: Vec::new(),
            drift: DriftSettings::default(),
            detectors: None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            defaults: Arc::new(ModelSettings::default()),
            models: BTreeMap::new(),
            caps: Caps::default(),
            emit_interval_ms: 10_000,
            idle_timeout_ms: 10_000,
            alerts: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(advances: &[Millis]) -> ModelSettings {
        let window = |advance_ms: &Millis| WindowSpec { size_ms: 4 * advance_ms, advance_ms: *advance_ms };
        ModelSettings { windows: advances.iter().map(window).collect(), ..ModelSettings::default() }
    }

    #[test]
    fn windows_of_all_sizes_begin_at_a_boundary() {
        let settings = settings(&[4, 6]);
        let next = [-1, 0, 11, 12].map(|time| settings.next_boundary(time));
        assert_eq!(next, [0, 12, 12, 24]);
        assert!(next.into_iter().all(|time| settings.is_boundary(time)) && !settings.is_boundary(8));
    }

    #[test]
    fn lengths_without_a_common_multiple_within_reason_begin_with_the_longest() {
        assert_eq!(least_common_multiple(4, 6), 12);
        assert_eq!(least_common_multiple(Millis::MAX / 2, Millis::MAX / 3), Millis::MAX / 2);
    }
}
