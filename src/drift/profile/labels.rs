//! `LabelsBuilder`: labelled predictions of a reference in, what its labels say out, whatever the order of the rows was.

use super::all_predictions::AllPredictions;
use super::column::{Column, ColumnType};
use crate::aggregate::{Cell, ClassId, Count};
use crate::event::bins::CategoryBins;
use crate::event::calibration::Calibration;
use crate::event::label::binary_class;
use crate::event::{
    AccuracyBy, AccuracyGroup, ClassCalibration, FeatureBins, FeatureSource, FeatureValue, LabelledRow, Millis,
    ModelSettings, ReferenceLabels, ReferenceMetric, TaskKind,
};
use crate::metrics::change::{RightRows, by_predicted_class};
use crate::metrics::{self, Family, MetricValue, WindowFacts};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Scores that are held, at most: about 16 bytes each.
const MAX_SCORES: usize = 100_000_000;

/// The reference has more scores than are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reference has more than {MAX_SCORES} labelled scores; a sample of it makes as good a profile")]
pub struct TooManyScores;

/// Request, version and time of a prediction: a request may be predicted again once its first prediction is forgotten.
type RowId = (String, Arc<str>, Millis);

/// A labelled prediction.
#[derive(Debug)]
struct Row {
    label: String,
    score: Option<f64>,
    scores: Vec<(u32, f64)>,
}

/// Collects labelled predictions of one model.
#[derive(Debug, Default)]
pub struct LabelsBuilder {
    rows: BTreeMap<RowId, Row>,
    classes: BTreeMap<String, u32>,
    scores: usize,
}

impl LabelsBuilder {
    /// Takes note of what has become of a prediction. The last row of a prediction counts.
    ///
    /// # Errors
    /// If there are more scores than are held.
    pub fn add(&mut self, row: LabelledRow) -> Result<(), TooManyScores> {
        let id = (row.request_id, row.model_version, row.timestamp);
        let Some(label) = row.label else {
            self.rows.remove(&id);
            return Ok(());
        };
        // Scores are a JSON object that the join has written.
        let scores: BTreeMap<String, f64> =
            row.scores.and_then(|scores| serde_json::from_str(&scores).ok()).unwrap_or_default();
        let scores: Vec<(u32, f64)> = scores.into_iter().map(|(class, score)| (self.number(class), score)).collect();
        self.scores += scores.len() + row.score.iter().len();
        self.rows.insert(id, Row { label, score: row.score, scores });
        if self.scores > MAX_SCORES { Err(TooManyScores) } else { Ok(()) }
    }

    fn number(&mut self, class: String) -> u32 {
        let next = self.classes.len() as u32;
        *self.classes.entry(class).or_insert(next)
    }

    /// What the labels of a model with this `task` say; `None` if no prediction has a label that the task can read.
    pub fn finish(self, task: TaskKind, settings: &ModelSettings, all: &AllPredictions) -> Option<ReferenceLabels> {
        let (bins, counts) = match task {
            TaskKind::Binary => self.positives(&settings.positive_label),
            TaskKind::Multiclass => self.counted(ColumnType::Categorical)?,
            TaskKind::Regression => self.counted(ColumnType::Numeric)?,
        };
        let rows = counts.iter().sum();
        let calibrations = match task {
            TaskKind::Binary => self.positive_calibration(&settings.positive_label).into_iter().collect(),
            TaskKind::Multiclass => self.class_calibrations(),
            TaskKind::Regression => Vec::new(),
        };
        let performance = performance(task, settings, &all.cell, all.classes.names());
        let accuracy_by = if task == TaskKind::Regression { Vec::new() } else { accuracy_by(task, settings, all) };
        (rows > 0).then_some(ReferenceLabels { rows, bins, counts, calibrations, performance, accuracy_by })
    }

    /// How many labels are the positive class, and how many are not.
    fn positives(&self, positive_label: &str) -> (FeatureBins, Vec<i64>) {
        let positives = self.rows.values().filter(|row| binary_class(&row.label) == positive_label).count() as i64;
        let bins = FeatureBins::Categorical(CategoryBins::of_reference([(positive_label, positives)], 1));
        let mut counts = vec![0; bins.len()];
        counts[bins.bin_of(FeatureValue::Text(positive_label))] += positives;
        // No label is the empty text, so this is the bin of what has none of its own.
        counts[bins.bin_of(FeatureValue::Text(""))] += self.rows.len() as i64 - positives;
        (bins, counts)
    }

    /// Labels in the bins of a column that holds them; `None` if it has none.
    fn counted(&self, column_type: ColumnType) -> Option<(FeatureBins, Vec<i64>)> {
        let mut column = Column::new("label", FeatureSource::PredictedLabel);
        for row in self.rows.values() {
            match column_type {
                ColumnType::Numeric => row.label.trim().parse().ok().into_iter().for_each(|number: f64| {
                    if number.is_finite() {
                        column.add(FeatureValue::Number(number));
                    }
                }),
                _ => column.add(FeatureValue::Text(&row.label)),
            }
        }
        let profile = column.into_profile(column_type, super::MAX_CATEGORIES)?;
        Some((profile.bins, profile.counts))
    }

    fn positive_calibration(&self, positive_label: &str) -> Option<ClassCalibration> {
        let scored =
            self.rows.values().filter_map(|row| Some((row.score?, binary_class(&row.label) == positive_label)));
        let rows: Vec<(f64, bool)> = scored.collect();
        let calibration = Calibration::of_reference(&rows);
        (!rows.is_empty()).then(|| ClassCalibration { class: positive_label.into(), calibration })
    }

    /// Of every class that has a score anywhere, against all others.
    fn class_calibrations(&self) -> Vec<ClassCalibration> {
        let calibrations = self.classes.iter().map(|(class, number)| {
            let score = |row: &Row| row.scores.iter().find(|(known, _)| known == number).map(|(_, score)| *score);
            let scored = self.rows.values().filter_map(|row| Some((score(row)?, row.label == *class)));
            let rows: Vec<(f64, bool)> = scored.collect();
            ClassCalibration { class: class.as_str().into(), calibration: Calibration::of_reference(&rows) }
        });
        calibrations.collect()
    }
}

/// Right predictions by the class predicted, and by the values of each segment set.
fn accuracy_by(task: TaskKind, settings: &ModelSettings, all: &AllPredictions) -> Vec<AccuracyBy> {
    let groups = |groups: Vec<(Arc<str>, RightRows)>| -> Vec<AccuracyGroup> {
        let groups = groups.into_iter().filter(|(_, group)| group.rows > 0);
        groups.map(|(value, RightRows { rows, right })| AccuracyGroup { value, rows, right }).collect()
    };
    let by_class = by_predicted_class(&all.cell.quality, task, &settings.positive_label, all.classes.names());
    let by_class = groups(by_class.into_iter().collect());
    let mut by = vec![AccuracyBy { is_segment: false, by: "predicted_label".into(), groups: by_class }];
    by.extend(all.segments.iter().map(|(key, values)| {
        let values = values.iter().map(|(value, quality)| (Arc::clone(value), RightRows::of(quality, task)));
        AccuracyBy { is_segment: true, by: Arc::clone(key), groups: groups(values.collect()) }
    }));
    by
}

/// The metrics of labelled rows that have a value, in the order in which they are published.
fn performance(task: TaskKind, settings: &ModelSettings, cell: &Cell, classes: &[Arc<str>]) -> Vec<ReferenceMetric> {
    let pending = cell.count(Count::Predictions) - cell.count(Count::Matched);
    let facts = WindowFacts { window_size_ms: 1, pending, expired: 0, orphans: 0 };
    let mut values = Vec::new();
    metrics::read_out(cell, &facts, &[task], settings, classes, &mut values);
    let family = match task {
        TaskKind::Binary => Family::Binary,
        TaskKind::Multiclass => Family::Multiclass,
        TaskKind::Regression => Family::Regression,
    };
    let name = |class: ClassId| classes.get(usize::from(class.0)).cloned();
    let is_kept = |value: &&MetricValue| family.entry(value.metric).is_some() && value.predicted_class.is_none();
    let mut performance: Vec<ReferenceMetric> = values
        .iter()
        .filter(is_kept)
        .filter_map(|value| {
            Some(ReferenceMetric {
                metric: value.metric.name().into(),
                class: value.class.and_then(name),
                value: value.value.ok()?,
                lower: value.lower,
                upper: value.upper,
                count: value.count,
            })
        })
        .collect();
    // Classes are numbered as they came; stable, so that metrics stay in their order.
    performance.sort_by(|a, b| a.class.cmp(&b.class));
    performance
}
