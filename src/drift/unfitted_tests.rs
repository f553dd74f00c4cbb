//! Windows that are compared with the one before in bins that no reference made: how often they alarm where nothing changed
//! and where something did, with fixed seeds, and what is published.

use super::draw::Draw;
use super::{profile_of, read_out, read_out_moved};
use crate::aggregate::features::{FeatureList, feature_mut};
use crate::event::{DriftSettings, FeatureBins, FeatureKind, FeatureValue, Profile, TaskKind};
use crate::metrics::{Metric, MetricValue, Undefined};

const ALPHA: f64 = 0.05;

fn profile() -> Profile {
    let numeric = ["amount", "count", "degrees"].map(|name| (name.to_owned(), FeatureKind::Numeric));
    let categorical = ["city", "flag"].map(|name| (name.to_owned(), FeatureKind::Categorical));
    Profile::unfitted("m", Some(TaskKind::Binary), numeric.into_iter().chain(categorical))
}

/// What a row has of a feature where `moved` is 1, or something else where it is not.
fn value(name: &str, moved: f64, draw: &mut Draw) -> FeatureValue<'static> {
    let u = draw.uniform();
    match name {
        // Over several octaves, with some missing.
        "amount" if u < 0.05 => FeatureValue::Missing,
        "amount" => FeatureValue::Number(moved * libm::exp(4.0 * u + draw.uniform())),
        // Small whole numbers.
        "count" => FeatureValue::Number(libm::floor(-3.0 * moved * libm::log(1.0 - u))),
        // On both sides of zero.
        "degrees" => FeatureValue::Number(40.0 * (u + draw.uniform() + draw.uniform()) - 60.0 + 20.0 * (moved - 1.0)),
        // A thousand values, some of them frequent.
        "city" => FeatureValue::Number(libm::floor(1_000.0 * libm::pow(u, 3.0 * moved))),
        "flag" => FeatureValue::Text(if u < 0.3 * moved { "yes" } else { "no" }),
        "score" => FeatureValue::Number(libm::pow(u, moved)),
        _ => FeatureValue::Missing,
    }
}

/// So many rows, counted as JOIN counts them.
fn window(profile: &Profile, rows: usize, moved: f64, draw: &mut Draw) -> FeatureList {
    let mut list = FeatureList::new();
    for _ in 0..rows {
        for (number, feature) in (0u16..).zip(&profile.features) {
            let value = value(&feature.name, moved, draw);
            let number_of = match (&feature.bins, value) {
                (FeatureBins::Numeric(_), FeatureValue::Number(number)) => Some(number),
                _ => None,
            };
            feature_mut(&mut list, number).add(feature.bins.bin_of(value) as u16, number_of);
        }
    }
    list
}

fn settings(method: &str) -> DriftSettings {
    // Any effect is large enough, so that chance alone is left to prevent alarms.
    DriftSettings { method: method.to_owned(), threshold: Some(0.0), alpha: ALPHA, ..DriftSettings::default() }
}

fn moved(profile: &Profile, before: &FeatureList, now: &FeatureList, settings: &DriftSettings) -> Vec<MetricValue> {
    let mut values = Vec::new();
    read_out_moved(&profile_of(profile, before, &(0..10)), now, settings, &mut values);
    values
}

fn drifted(values: &[MetricValue]) -> usize {
    values.iter().filter(|value| value.metric == Metric::Drifted && value.value == Ok(1.0)).count()
}

/// Share of windows in which any feature is called drifted.
fn alarms(method: &str, [before, now]: [usize; 2], windows: usize) -> f64 {
    let (profile, settings, mut draw) = (profile(), settings(method), Draw::new((before + now) as u64));
    let mut alarms = 0;
    for _ in 0..windows {
        let [before, now] = [before, now].map(|rows| window(&profile, rows, 1.0, &mut draw));
        alarms += usize::from(drifted(&moved(&profile, &before, &now, &settings)) > 0);
    }
    alarms as f64 / windows as f64
}

#[test]
fn unchanged_windows_rarely_alarm() {
    for (rows, windows) in [([50, 50], 600), ([300, 300], 300), ([2_100, 300], 100), ([5_000, 5_000], 20)] {
        let at_most = ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / windows as f64).sqrt();
        for method in ["jensen_shannon", "psi", "kolmogorov_smirnov"] {
            let rate = alarms(method, rows, windows);
            println!("{method} of {rows:?} rows: {rate}");
            assert!(rate <= at_most, "{method} of {rows:?} rows: {rate}");
        }
    }
}

#[test]
fn a_known_shift_is_found() {
    let (profile, mut draw) = (profile(), Draw::new(5));
    let settings = DriftSettings { alpha: ALPHA, ..DriftSettings::default() };
    for _ in 0..20 {
        let [before, now] = [1.0, 1.6].map(|moved| window(&profile, 1_000, moved, &mut draw));
        assert_eq!(drifted(&moved(&profile, &before, &now, &settings)), 6, "all but the output that is never there");
    }
}

#[test]
fn what_the_features_are_is_published_and_nothing_has_moved_from_no_reference() {
    let (profile, mut draw, mut values) = (profile(), Draw::new(1), Vec::new());
    let list = window(&profile, 100, 1.0, &mut draw);
    read_out(&profile, &list, &DriftSettings::default(), &mut values);
    let of_drift = values.iter().filter(|value| value.metric.is_of_drift());
    assert!(of_drift.clone().all(|value| value.value == Err(Undefined::NoReference)), "{values:?}");
    assert_eq!(of_drift.count(), 7, "of each feature, and the share of all");
    let change = [Metric::MissingRateChange, Metric::FeatureMeanChange, Metric::UnseenRateChange];
    assert!(!values.iter().any(|value| change.contains(&value.metric)));
    let medians = values.iter().filter(|value| value.metric == Metric::FeatureP50);
    assert!(medians.clone().all(|value| value.value.is_ok() && value.error_bound.is_some()));
    assert_eq!(medians.count(), 4);
    let names: Vec<&str> = profile.features.iter().map(|feature| &*feature.name).collect();
    let absent = names.iter().position(|name| *name == "predicted_label").map(|place| place as u16);
    assert!(values.iter().all(|value| value.feature != absent), "no row has it");
}

#[test]
fn an_output_that_comes_is_compared_from_then_on() {
    let (profile, mut draw) = (profile(), Draw::new(1));
    let [before, mut now] = [0, 1].map(|_| window(&profile, 100, 1.0, &mut draw));
    let place = profile.features.iter().position(|feature| &*feature.name == "predicted_label").unwrap() as u16;
    let bin = profile.features[usize::from(place)].bins.bin_of(FeatureValue::Text("1")) as u16;
    feature_mut(&mut now, place).add(bin, None);
    let of_it = |values: &[MetricValue]| values.iter().filter(|value| value.feature == Some(place)).count();
    let settings = DriftSettings::default();
    assert_eq!(of_it(&moved(&profile, &before, &before, &settings)), 0);
    assert!(of_it(&moved(&profile, &before, &now, &settings)) > 0);
    assert!(of_it(&moved(&profile, &now, &before, &settings)) > 0, "what has gone is compared too");
}
