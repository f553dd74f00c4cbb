//! Which labels come within a horizon, how late they are, and what was known as of an instant: counted by brute force over
//! the same files.

use super::compare::{Comparison, Rule};
use super::fold::Place;
use super::performance::LONG;
use super::run::replay;
use super::sets::{Set, Split};
use crate::shared::shared;
use serde_json::Value;
use std::fs;

/// Horizons as the oracle lists them, shortest first.
const HORIZONS: [&str; 12] = ["1m", "10m", "1h", "6h", "1d", "2d", "7d", "14d", "30d", "90d", "365d", "730d"];

/// Label delays, and our metrics.
const DELAYS: [(&str, &str, Rule); 5] = [
    ("p50", "label_delay_ms_p50", Rule::Bounded),
    ("p95", "label_delay_ms_p95", Rule::Bounded),
    ("p99", "label_delay_ms_p99", Rule::Bounded),
    ("max", "label_delay_ms_max", Rule::Bounded),
    ("mean", "label_delay_ms_mean", Rule::Close),
];

/// What was known as of an instant, and our metrics.
const AS_OF: [(&str, &str, Rule); 11] = [
    ("predictions", "predictions", Rule::Exact),
    ("joined", "matched", Rule::Exact),
    ("pending", "pending", Rule::Exact),
    ("tp", "true_positives", Rule::Exact),
    ("fp", "false_positives", Rule::Exact),
    ("fn", "false_negatives", Rule::Exact),
    ("tn", "true_negatives", Rule::Exact),
    ("accuracy", "accuracy", Rule::Close),
    ("prevalence", "prevalence", Rule::Close),
    ("mae", "mae", Rule::Close),
    ("rmse", "rmse", Rule::Close),
];

fn read(test: &str, name: &str) -> Option<(Set, Value)> {
    let set = Set::read(&shared(test)?, name);
    let text = fs::read_to_string(set.expected("join", ".json")).unwrap();
    let expected = serde_json::from_str(&text).unwrap();
    Some((set, expected))
}

/// The horizons beside which the number of labels changes, and the longest: between the others nothing can differ.
fn telling_horizons(within: &Value) -> Vec<&'static str> {
    let joined = |place: usize| within[HORIZONS[place]].as_u64().unwrap();
    let last = HORIZONS.len() - 1;
    (0..=last)
        .filter(|&at| at == last || joined(at) != joined(at + 1) || at > 0 && joined(at) != joined(at - 1))
        .map(|at| HORIZONS[at])
        .collect()
}

/// Labels beyond each horizon are late, and the others are as late as they are.
fn joins_within_horizons(name: &str, horizons: usize) {
    let Some((set, expected)) = read(name, name) else { return };
    let whole = set.whole(Split::Production);
    let within = &expected["joined_within_ttl"];
    let telling = telling_horizons(within);
    let mut comparison = Comparison::of(format!("{name} within horizons"));
    for horizon in &telling {
        let config = set.config(&[whole.size], horizon, &[]);
        let fold = replay(&set.data(Split::Production), &config, &[]);
        let metrics = fold.at(&whole);
        let predictions = expected["n_predictions"].as_f64().unwrap();
        let joined = within[horizon].as_f64().unwrap();
        comparison.check(horizon, metrics, "predictions", Rule::Exact, Some(predictions));
        comparison.check(horizon, metrics, "matched", Rule::Exact, Some(joined));
        comparison.check(horizon, metrics, "expired", Rule::Exact, Some(predictions - joined));
        let labels = expected["n_labels"].as_f64().unwrap();
        comparison.equal(horizon, "unclaimed labels", fold.unclaimed_labels(), labels - joined);
        if *horizon == LONG {
            for (delay, metric, rule) in DELAYS {
                comparison.check(horizon, metrics, metric, rule, expected["delay_ms"][delay].as_f64());
            }
        }
    }
    comparison.finish(4 * horizons + DELAYS.len());
}

/// Compares with what `postdict replay --to` knows at each of the instants.
fn knows_as_of(name: &str, at_least: usize) {
    let Some((set, expected)) = read(name, name) else { return };
    let whole: Place = set.whole(Split::Production);
    let config = set.config(&[whole.size], LONG, &[]);
    let mut comparison = Comparison::of(format!("{name} as of instants"));
    let instants = expected["as_of"].as_array().unwrap();
    for instant in instants {
        let time = instant["T"].to_string();
        let fold = replay(&set.data(Split::Production), &config, &["--to", &time]);
        let metrics = fold.at(&whole);
        for (column, metric, rule) in AS_OF {
            if let Some(number) = instant[column].as_f64() {
                comparison.check(&time, metrics, metric, rule, Some(number));
            }
        }
        comparison.check(&time, metrics, "expired", Rule::Exact, Some(0.0));
    }
    assert_eq!(instants.len(), 12);
    comparison.finish(at_least);
}

#[test]
fn car_loan_labels_join_within_horizons() {
    joins_within_horizons("nml_car_loan", 4);
}

#[test]
fn car_price_labels_join_within_horizons() {
    joins_within_horizons("nml_car_price", 4);
}

#[test]
fn employment_labels_join_within_horizons() {
    joins_within_horizons("nml_ma_employment", 4);
}

#[test]
fn card_type_labels_join_within_horizons() {
    joins_within_horizons("nml_multiclass", 4);
}

#[test]
fn labels_of_late_flights_join_within_horizons() {
    joins_within_horizons("nyc_flights_bin", 4);
}

#[test]
fn labels_of_flight_delays_join_within_horizons() {
    joins_within_horizons("nyc_flights_reg", 4);
}

#[test]
fn weather_labels_join_within_horizons() {
    joins_within_horizons("weather", 3);
}

#[test]
fn car_loan_is_known_as_of_instants() {
    knows_as_of("nml_car_loan", 120);
}

#[test]
fn car_price_is_known_as_of_instants() {
    knows_as_of("nml_car_price", 72);
}

#[test]
fn employment_is_known_as_of_instants() {
    knows_as_of("nml_ma_employment", 120);
}

#[test]
fn card_type_is_known_as_of_instants() {
    knows_as_of("nml_multiclass", 60);
}

#[test]
fn late_flights_are_known_as_of_instants() {
    knows_as_of("nyc_flights_bin", 120);
}

#[test]
fn flight_delays_are_known_as_of_instants() {
    knows_as_of("nyc_flights_reg", 72);
}

#[test]
fn weather_is_known_as_of_instants() {
    knows_as_of("weather", 120);
}
