//! SciPy's drift statistics of every feature and event-time window, through the program: `postdict replay` with a profile of
//! the reference.

use super::compare::{Comparison, Rule};
use super::drift::{Rows, features};
use super::fold::{Metrics, Place};
use super::run::{Folder, replay};
use super::sets::{Set, Split};
use super::table::{Line, Table};
use crate::shared::shared;
use postdict::aggregate::features::Numbers;
use postdict::event::bins::{CategoryBins, NumericBins};
use postdict::event::{
    FeatureBins, FeatureProfile, FeatureSource, FeatureValue, Moments, Profile, ReferenceId, TaskKind,
};
use std::collections::BTreeMap;
use std::fs;

/// What the tables call the predicted class or number.
const PREDICTION: &str = "y_pred";

/// Whether a feature of the tables is one of ours, under which name, and which value it is. Class scores are none.
fn source(feature: &str, task: TaskKind) -> Option<(&str, FeatureSource)> {
    match (feature, task) {
        ("score", _) => Some(("score", FeatureSource::Score)),
        (PREDICTION, TaskKind::Regression) => Some(("predicted_value", FeatureSource::PredictedValue)),
        (PREDICTION, _) => Some(("predicted_label", FeatureSource::PredictedLabel)),
        _ if feature.starts_with("p_") => None,
        _ => Some((feature, FeatureSource::Feature)),
    }
}

fn numeric(values: &[f64]) -> (FeatureBins, Vec<i64>, Option<Moments>) {
    let bins = FeatureBins::Numeric(NumericBins::of_reference(values).unwrap());
    let (mut counts, mut numbers) = (vec![0; bins.len()], Numbers::default());
    for value in values {
        counts[bins.bin_of(FeatureValue::Number(*value))] += 1;
        numbers.add(*value);
    }
    let (rows, (min, max)) = (values.len() as i64, numbers.range.unwrap());
    (bins, counts, Some(Moments { mean: numbers.mean(rows), std: numbers.std(rows), min, max }))
}

fn categorical(texts: &[String]) -> (FeatureBins, Vec<i64>, Option<Moments>) {
    let bins = FeatureBins::Categorical(CategoryBins::of_reference(texts.iter().map(|text| (text.as_str(), 1)), 1000));
    let mut counts = vec![0; bins.len()];
    texts.iter().for_each(|text| counts[bins.bin_of(FeatureValue::Text(text))] += 1);
    (bins, counts, None)
}

/// A profile of a set's reference, with the features of the tables, in the types that they have there.
fn profile(set: &Set, task: TaskKind, numbers: &Table, texts: &Table) -> Profile {
    let rows = Rows::read(&set.data(Split::Reference).predictions);
    let of = |name: &str, source, (bins, counts, moments)| FeatureProfile {
        name: name.into(),
        source,
        bins,
        counts,
        moments,
        outputs: None,
        sketches: None,
    };
    let mut all: BTreeMap<String, FeatureProfile> = BTreeMap::new();
    for feature in features(numbers) {
        let Some((name, source)) = source(&feature, task) else { continue };
        all.insert(name.to_owned(), of(name, source, numeric(&rows.numbers(&feature))));
    }
    for feature in features(texts) {
        let Some((name, source)) = source(&feature, task) else { continue };
        all.insert(name.to_owned(), of(name, source, categorical(&rows.texts(&feature))));
    }
    Profile {
        id: ReferenceId(1),
        model_id: set.model().into(),
        task,
        rows: rows.len() as i64,
        first_ms: 0,
        last_ms: 0,
        features: all.into_values().collect(),
        labels: None,
        window: None,
    }
}

/// Names of our metrics and of the table's columns, and how they agree.
const NUMERIC: [(&str, &str, Rule); 16] = [
    ("psi", "q10_psi", Rule::Close),
    ("jensen_shannon", "q10_js_distance", Rule::Close),
    ("hellinger", "q10_hellinger", Rule::Close),
    ("total_variation", "q10_tvd", Rule::Close),
    ("l_infinity", "q10_linf", Rule::Close),
    ("kolmogorov_smirnov", "ks", Rule::WithinBound),
    ("wasserstein", "wasserstein", Rule::WithinBound),
    ("wasserstein_normed", "wasserstein_norm", Rule::WithinBound),
    ("mean", "mean", Rule::Close),
    ("min", "min", Rule::Exact),
    ("max", "max", Rule::Exact),
    ("p25", "q25", Rule::WithinBound),
    ("p50", "median", Rule::WithinBound),
    ("p75", "q75", Rule::WithinBound),
    ("missing_rate", "missing", Rule::Exact),
    ("invalid_rate", "missing", Rule::Exact),
];

const CATEGORICAL: [(&str, &str); 7] = [
    ("psi", "psi"),
    ("jensen_shannon", "js_distance"),
    ("hellinger", "hellinger"),
    ("total_variation", "tvd"),
    ("l_infinity", "linf"),
    ("chi_square", "chi2"),
    ("chi_square_p", "chi2_p"),
];

fn compare_numbers(comparison: &mut Comparison, place: &str, metrics: &Metrics, name: &str, line: &Line) {
    assert_eq!(line.integer("missing"), 0, "{place}");
    for (metric, column, rule) in NUMERIC {
        comparison.check(place, metrics, &format!("{metric}[{name}]"), rule, line.number(column));
    }
    comparison.equal(place, "count", metrics[&format!("mean[{name}]")].count as f64, line.number("n").unwrap());
    // The table divides by n − 1.
    let n = line.number("n").unwrap();
    let std = metrics[&format!("std[{name}]")].value.unwrap() * (n / (n - 1.0)).sqrt();
    let expected = line.number("std");
    let is_close = expected.is_none_or(|expected| (std - expected).abs() <= 1e-9 * expected.max(1.0));
    comparison.note(place, "std", is_close.then_some(()).ok_or_else(|| format!("{std}, expected {expected:?}")));
}

fn compare_texts(comparison: &mut Comparison, place: &str, metrics: &Metrics, name: &str, line: &Line) {
    let new = line.number("n_new_categories").unwrap();
    for (metric, column) in CATEGORICAL {
        // Several new categories are one of ours.
        if new <= 1.0 {
            comparison.check(place, metrics, &format!("{metric}[{name}]"), Rule::Close, line.number(column));
        }
    }
    let unseen = &metrics[&format!("unseen_rate[{name}]")];
    let found = (unseen.value.unwrap() * unseen.count as f64).round();
    comparison.equal(place, "unseen", found, line.number("n_unseen_rows").unwrap());
}

fn agrees(name: &str, test: &str, at_least: usize) {
    let Some(shared) = shared(test) else { return };
    let set = Set::read(&shared, name);
    let task = TaskKind::ALL.into_iter().find(|task| task.name() == set.task()).unwrap();
    let numbers = Table::read(&set.expected("drift_scipy", ".numeric.csv"));
    let texts = Table::read(&set.expected("drift_scipy", ".categorical.csv"));
    let profile = profile(&set, task, &numbers, &texts);
    let folder = Folder::new();
    let file = folder.file("profile.json");
    fs::write(&file, profile.with_id().to_json()).unwrap();
    let config = set.config(&[set.window], "1d", &[]);
    let fold = replay(&set.data(Split::Production), &config, &["--reference", file.to_str().unwrap()]);

    let mut comparison = Comparison::of(format!("windows of {name} and SciPy"));
    for (table, is_numeric) in [(&numbers, true), (&texts, false)] {
        for line in table.having("kind", "window") {
            let feature = line.text("feature");
            let Some((name, _)) = source(feature, task) else { continue };
            let place = format!("{feature} {}", line.text("key"));
            let metrics = fold.at(&Place::window(set.window, line.integer("key")));
            if is_numeric {
                compare_numbers(&mut comparison, &place, metrics, name, line);
            } else {
                compare_texts(&mut comparison, &place, metrics, name, line);
            }
        }
    }
    comparison.finish(at_least);
}

#[test]
fn windows_of_weather_agree_with_scipy() {
    agrees("weather", "windows_of_weather_agree_with_scipy", 27_200);
}

#[test]
fn windows_of_car_loans_agree_with_scipy() {
    agrees("nml_car_loan", "windows_of_car_loans_agree_with_scipy", 5_490);
}

#[test]
fn windows_of_car_prices_agree_with_scipy() {
    agrees("nml_car_price", "windows_of_car_prices_agree_with_scipy", 2_976);
}

#[test]
fn windows_of_card_types_agree_with_scipy() {
    agrees("nml_multiclass", "windows_of_card_types_agree_with_scipy", 1_976);
}
