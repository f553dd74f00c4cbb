//! References of the models of a world: small profiles of outputs and labels, or what is declared without one; one, or two
//! that follow each other.

use super::world::START;
use postdict::event::bins::{CategoryBins, NumericBins};
use postdict::event::{
    AccuracyBy, AccuracyGroup, BinnedOutputs, Calibration, ClassCalibration, FeatureBins, FeatureKind, FeatureProfile,
    FeatureSource, Moments, Profile, Reference, ReferenceId, ReferenceLabels, TaskKind,
};
use proptest::prelude::*;
use std::sync::Arc;

const ROWS: i64 = 100;
const CLASSES: [&str; 4] = ["1", "a", "b", "c"];

/// None, one, or one that another follows in mid-stream.
pub fn references(task: Option<TaskKind>) -> BoxedStrategy<Vec<Reference>> {
    let Some(task) = task else { return Just(Vec::new()).boxed() };
    prop_oneof![
        2 => Just(Vec::new()),
        2 => Just(vec![reference(task, 40, None)]),
        1 => Just(vec![reference(task, 40, None), reference(task, 10, Some(START + 30_000))]),
        1 => Just(vec![declared(task)]),
        1 => Just(vec![declared(task), reference(task, 10, Some(START + 30_000))]),
    ]
    .boxed()
}

/// A number, a category of many values, and what no record has.
fn declared(task: TaskKind) -> Reference {
    let features =
        [("amount", FeatureKind::Numeric), ("channel", FeatureKind::Categorical), ("never", FeatureKind::Categorical)];
    let features = features.map(|(name, kind)| (name.to_owned(), kind));
    let profile = Profile::unfitted(task.name(), Some(task), features);
    Reference { id: profile.id, from_ms: None, profile: Some(Arc::new(profile)) }
}

fn reference(task: TaskKind, right: i64, from_ms: Option<i64>) -> Reference {
    let profile = Profile {
        id: ReferenceId(0),
        model_id: task.name().into(),
        task,
        rows: ROWS,
        first_ms: 0,
        last_ms: 1,
        features: features(from_ms.is_none()),
        labels: (task != TaskKind::Regression).then(|| labels(task, right, from_ms.is_none())),
        window: None,
    };
    let profile = with_outputs(profile).with_id();
    Reference { id: profile.id, from_ms, profile: Some(Arc::new(profile)) }
}

/// Outputs of half of what is the most, but higher in the lowest bin of a feature than in the highest: the same total of all
/// features. None of many classes.
fn with_outputs(mut profile: Profile) -> Profile {
    let exponent = match profile.task {
        TaskKind::Binary => -30,
        TaskKind::Regression => -20,
        TaskKind::Multiclass => return profile,
    };
    for feature in &mut profile.features {
        let rows = feature.counts.clone();
        let mut sums: Vec<i64> = rows.iter().map(|rows| rows << 29).collect();
        let has_rows = |place: &usize| rows[*place] > 0;
        let (lowest, highest) = ((0..rows.len()).find(has_rows).unwrap(), (0..rows.len()).rfind(has_rows).unwrap());
        sums[lowest] += 1 << 28;
        sums[highest] -= 1 << 28;
        feature.outputs = Some(BinnedOutputs { exponent, rows, sums });
    }
    profile
}

/// Sorted by name; a column of the first that the second does not have.
fn features(is_first: bool) -> Vec<FeatureProfile> {
    let channels = FeatureBins::Categorical(CategoryBins::of_reference([("r0", 50), ("r1", 30), ("x", 20)], 4));
    let channel = feature("channel", FeatureSource::Feature, channels, &[50, 30, 20]);
    let moments = Some(Moments { mean: 49.5, std: 28.9, min: 0.0, max: 99.0 });
    let amount = numeric("amount", FeatureSource::Feature, if is_first { 1.0 } else { 2.0 });
    let mut features = vec![FeatureProfile { moments, ..amount }];
    features.extend(is_first.then_some(channel));
    features.extend([predicted_label(), numeric("score", FeatureSource::Score, 0.01)]);
    features
}

fn predicted_label() -> FeatureProfile {
    let bins = FeatureBins::Categorical(CategoryBins::of_reference([("1", 60), ("a", 40)], 4));
    feature("predicted_label", FeatureSource::PredictedLabel, bins, &[60, 40])
}

/// A hundred numbers from 0 on, so far apart.
fn numeric(name: &str, source: FeatureSource, step: f64) -> FeatureProfile {
    let numbers: Vec<f64> = (0..100).map(|number| f64::from(number) * step).collect();
    let bins = FeatureBins::Numeric(NumericBins::of_reference(&numbers).unwrap());
    let mut counts = vec![0; bins.len()];
    numbers.iter().for_each(|number| counts[bins.bin_of(postdict::event::FeatureValue::Number(*number))] += 1);
    feature(name, source, bins, &counts)
}

fn feature(name: &str, source: FeatureSource, bins: FeatureBins, first: &[i64]) -> FeatureProfile {
    let mut counts = first.to_vec();
    counts.resize(bins.len(), 0);
    FeatureProfile { name: name.into(), source, bins, counts, moments: None, sketches: None, outputs: None }
}

fn labels(task: TaskKind, right: i64, is_first: bool) -> ReferenceLabels {
    let classes: &[&str] = if task == TaskKind::Binary { &["1"] } else { &CLASSES };
    let scored: Vec<(f64, bool)> = (0..50).map(|row| (f64::from(row) / 50.0, row % 7 == 0 || row > 33)).collect();
    let calibration = Calibration::always(&scored);
    let group = |value: &str| AccuracyGroup { value: value.into(), rows: 50, right };
    let by = |is_segment, by: &str, values: [&str; 2]| AccuracyBy {
        is_segment,
        by: by.into(),
        groups: values.into_iter().map(group).collect(),
    };
    let bins = FeatureBins::Categorical(CategoryBins::of_reference(classes.iter().map(|class| (*class, 20)), 4));
    let mut counts = vec![0; bins.len()];
    counts[0] = ROWS;
    ReferenceLabels {
        rows: ROWS,
        bins,
        counts,
        calibrations: (classes.iter())
            .map(|class| ClassCalibration { class: (*class).into(), calibration: calibration.clone() })
            .collect(),
        performance: Vec::new(),
        accuracy_by: vec![
            by(false, "predicted_label", ["1", "a"]),
            by(true, "country", ["DE", "FR"]),
            by(true, "bins_of(amount)", if is_first { ["< 9.9", ">= 89.1"] } else { ["< 19.8", ">= 178.2"] }),
        ],
    }
}
