//! Tiny sets with other people's predictions: R's published values, and scikit-learn's of the same rows.

use super::columns::compare_numbers;
use super::compare::Comparison;
use super::fold::{Fold, Metrics, Place};
use super::performance::LONG;
use super::run::{Data, replay};
use crate::shared::shared;
use serde_json::Value;
use std::fs;
use std::path::Path;

const DAY: i64 = 86_400_000;
/// All rows of the golden sets are of this day, 2020-01-01.
const WHOLE: i64 = 1_577_836_800_000;

fn golden(shared: &Path, set: &str) -> Value {
    let text = fs::read_to_string(shared.join("expected/golden_yardstick/golden.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[set].clone()
}

/// `more` is added to the configuration.
fn replay_golden(shared: &Path, name: &str, more: &str) -> Fold {
    let file = |role: &str| shared.join(format!("data/golden_{name}.{role}.ndjson.gz"));
    let data = Data { predictions: file("predictions"), labels: file("labels") };
    let config = format!("defaults: {{windows: [1d], label_horizon: {LONG}{more}}}\n");
    replay(&data, &config, &[])
}

fn compare_values(comparison: &mut Comparison, place: &str, metrics: &Metrics, values: &Value) {
    let numbers = values.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_f64()));
    compare_numbers(comparison, place, metrics, numbers);
}

/// R's documentation gives three digits.
fn compare_published(comparison: &mut Comparison, metrics: &Metrics, name: &str, published: &Value) {
    let rounded = metrics[name].value.map(|value| (value * 1000.0).round() / 1000.0);
    comparison.equal("published", name, rounded.unwrap(), published.as_f64().unwrap());
}

#[test]
fn two_classes_agree_with_yardstick() {
    let Some(shared) = shared("two_classes_agree_with_yardstick") else { return };
    let expected = golden(&shared, "two_class_example");
    let fold = replay_golden(&shared, "two_class", "");
    let metrics = fold.at(&Place::window(DAY, WHOLE));
    let mut comparison = Comparison::of("golden_two_class");
    compare_values(&mut comparison, "all", metrics, &expected["all"]);
    for (metric, published) in [("accuracy", "accuracy"), ("cohen_kappa", "kap"), ("roc_auc", "roc_auc")] {
        compare_published(&mut comparison, metrics, metric, &expected["yardstick_readme"][published]);
    }
    comparison.finish(29);
}

#[test]
fn four_classes_agree_with_yardstick() {
    let Some(shared) = shared("four_classes_agree_with_yardstick") else { return };
    let expected = golden(&shared, "hpc_cv");
    let fold = replay_golden(&shared, "hpc", ", segments: [resample]");
    let whole = Place::window(DAY, WHOLE);
    let mut comparison = Comparison::of("golden_hpc");
    compare_values(&mut comparison, "all", fold.at(&whole), &expected["all"]);
    for (metric, published) in [("precision", "precision_macro"), ("precision_micro", "precision_micro")] {
        compare_published(&mut comparison, fold.at(&whole), metric, &expected["yardstick_readme"][published]);
    }
    let resamples = expected["by_resample"].as_object().unwrap();
    assert_eq!(resamples.len(), 10);
    for (resample, values) in resamples {
        compare_values(&mut comparison, resample, fold.at(&whole.clone().segment("resample", resample)), values);
    }
    comparison.finish(11 * 50);
}

#[test]
fn solubility_agrees_with_scikit_learn() {
    let Some(shared) = shared("solubility_agrees_with_scikit_learn") else { return };
    let expected = golden(&shared, "solubility_test");
    let fold = replay_golden(&shared, "solubility", "");
    let mut comparison = Comparison::of("golden_solubility");
    compare_values(&mut comparison, "all", fold.at(&Place::window(DAY, WHOLE)), &expected["all"]);
    comparison.finish(19);
}
