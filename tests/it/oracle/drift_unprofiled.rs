//! Windows of a model without a profile, compared with those before, through the program: held against statistics of the raw
//! rows, in bins that are computed here anew.

use super::compare::Comparison;
use super::drift_found::rows;
use super::drift_moving::{CLOSE, DAY, Raw, Told, binned, ordered, told};
use super::run::Folder;
use super::sets::{Set, Split};
use crate::shared::shared;
use crate::unfitted::{by_hash, by_tenth};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A set of the oracle, with its features as they are declared, and its outputs.
struct Declared {
    set: &'static str,
    numeric: &'static [&'static str],
    categorical: &'static [&'static str],
    outputs: &'static [(&'static str, bool)],
    windows: &'static str,
}

const CAR_LOANS: Declared = Declared {
    set: "nml_car_loan",
    numeric: &["car_value", "debt_to_income_ratio", "loan_length", "driver_tenure"],
    categorical: &["salary_range", "repaid_loan_on_prev_car", "size_of_downpayment"],
    outputs: &[("predicted_label", false), ("score", true)],
    windows: "[1d, 7d]",
};

const FLIGHTS: Declared = Declared {
    set: "nyc_flights_reg",
    numeric: &["dep_delay", "distance", "hour"],
    categorical: &["carrier", "origin", "dest"],
    outputs: &[("predicted_value", true)],
    windows: "[7d]",
};

impl Declared {
    /// Lines of a configuration.
    fn lines(&self, compare_with: &str) -> [String; 3] {
        let of = |names: &[&str], kind: &str| names.iter().map(|name| format!("{name}: {kind}")).collect::<Vec<_>>();
        let features = [of(self.numeric, "numeric"), of(self.categorical, "categorical")].concat();
        [
            format!("windows: {}", self.windows),
            format!("features: {{{}}}", features.join(", ")),
            format!("drift: {{compare_with: {compare_with}}}"),
        ]
    }

    /// Name of each feature and output, and whether it is a number.
    fn features(&self) -> Vec<(&'static str, bool)> {
        let numeric = self.numeric.iter().map(|name| (*name, true));
        let categorical = self.categorical.iter().map(|name| (*name, false));
        numeric.chain(categorical).chain(self.outputs.iter().copied()).collect()
    }

    fn raw(&self, set: &Set) -> Raw {
        let is_output = |name: &str| self.outputs.iter().any(|(output, _)| *output == name);
        let source = |name: &str| if is_output(name) { "output" } else { "feature" };
        let features: Vec<Value> =
            self.features().iter().map(|(name, _)| json!({"name": name, "source": source(name)})).collect();
        Raw::read(&set.data(Split::Production).predictions, &features)
    }
}

/// Rows per coarse bin of both samples, those without a value last.
fn counts(is_number: bool, before: &[&Value], after: &[&Value]) -> [Vec<f64>; 2] {
    let numbers = |values: &[&Value]| -> Vec<f64> { values.iter().filter_map(|value| value.as_f64()).collect() };
    let text = |value: &&Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    [before, after].map(|values| {
        let mut counts = if is_number {
            by_tenth(&numbers(before), &numbers(values))
        } else {
            let texts: Vec<String> = values.iter().filter_map(text).collect();
            by_hash(texts.iter().map(String::as_str))
        };
        counts.push(values.iter().filter(|value| value.is_null()).count() as f64);
        counts
    })
}

fn compare(comparison: &mut Comparison, place: &str, name: &str, is_number: bool, found: &Told, both: [&[&Value]; 2]) {
    let [before, after] = both;
    let mut close = |metric: &str, expected: f64, bound: f64| {
        let value = found[&(name, metric)]["value"].as_f64().unwrap();
        let is_close = (value - expected).abs() <= bound + CLOSE * expected.abs().max(1.0);
        comparison.note(place, metric, is_close.then_some(()).ok_or_else(|| format!("{value}, expected {expected}")));
    };
    let [reference, current] = counts(is_number, before, after);
    for (metric, expected) in binned(&reference, &current) {
        // The square root makes much of what rounding leaves of nothing.
        close(metric, expected, if metric == "jensen_shannon" { 1e-7 } else { 0.0 });
    }
    let has_numbers = |values: &[&Value]| values.iter().any(|value| value.is_number());
    if is_number && has_numbers(before) && has_numbers(after) {
        let (largest, area) = ordered(before, after);
        for (metric, expected) in [("kolmogorov_smirnov", largest), ("wasserstein", area)] {
            close(metric, expected, found[&(name, metric)]["error_bound"].as_f64().unwrap());
        }
    }
}

/// Compares every window of `declared` with the window before it and the seven before it.
fn hold_against_the_rows(declared: &Declared, shared: &std::path::Path, at_least: usize) {
    let (set, folder) = (Set::read(shared, declared.set), Folder::new());
    let config = set.config(&[DAY], "60d", &declared.lines("[fixed, previous, {trailing: 7}]"));
    let rows = rows(&folder, &set.data(Split::Production), &config);
    let (raw, told) = (declared.raw(&set), told(&rows));
    let mut comparison = Comparison::of(format!("windows of {} without a profile", declared.set));
    for ((size, start, kind), found) in &told {
        let reach = if *kind == "previous" { *size } else { 7 * size };
        for (number, (name, is_number)) in declared.features().into_iter().enumerate() {
            let place = format!("{kind} {size} {start} {name}");
            let before = raw.values(number, |time| (start - reach..*start).contains(&time));
            let after = raw.values(number, |time| (*start..start + size).contains(&time));
            if before.is_empty() {
                assert_eq!(found[&(name, "drifted")]["undefined_reason"], "no_reference", "{place}");
                assert!(!found.contains_key(&(name, "psi")), "{place}");
            } else {
                compare(&mut comparison, &place, name, is_number, found, [&before, &after]);
            }
        }
    }
    comparison.finish(at_least);
    // What the features are is told, with no word of a reference; nothing is compared with one that is not there.
    let fixed = |metric: &str| {
        let is_fixed = |row: &&Value| row["reference_kind"].is_null() || row["reference_kind"] == "fixed";
        let rows = rows.iter().filter(is_fixed).filter(|row| row["metric"] == metric);
        rows.map(|row| (&row["value"], &row["undefined_reason"], &row["reference_id"])).collect::<Vec<_>>()
    };
    assert!(fixed("p50").iter().all(|(value, _, id)| value.is_f64() && id.is_null()) && !fixed("p50").is_empty());
    let is_nothing =
        |(value, reason, id): &(&Value, &Value, &Value)| value.is_null() && *reason == "no_reference" && id.is_null();
    assert!(fixed("drifted").iter().all(is_nothing) && !fixed("drifted").is_empty());
    for absent in ["psi", "unseen_rate", "out_of_range_rate", "mean_change", "features_new"] {
        assert!(fixed(absent).is_empty(), "{absent}");
    }
}

#[test]
fn car_loans_without_a_profile_are_compared_with_the_windows_before() {
    let Some(shared) = shared("car_loans_without_a_profile_are_compared_with_the_windows_before") else { return };
    hold_against_the_rows(&CAR_LOANS, &shared, 30_000);
}

#[test]
fn flights_without_a_profile_are_compared_with_the_windows_before() {
    let Some(shared) = shared("flights_without_a_profile_are_compared_with_the_windows_before") else { return };
    hold_against_the_rows(&FLIGHTS, &shared, 3_500);
}

/// From 2019-03-31 03:00 on the set was made to drift: that week and the next alarm, and none else.
#[test]
fn without_a_profile_the_week_before_tells_when_car_loans_moved() {
    let Some(shared) = shared("without_a_profile_the_week_before_tells_when_car_loans_moved") else { return };
    let (set, folder) = (Set::read(&shared, CAR_LOANS.set), Folder::new());
    let config = set.config(&[set.window], "60d", &CAR_LOANS.lines("[previous]")[1..]);
    let rows = rows(&folder, &set.data(Split::Production), &config);
    const DRIFT_BEGINS: i64 = 1_554_001_200_000;
    let moves = DRIFT_BEGINS / set.window * set.window;
    let (mut moved, mut elsewhere, mut decided): (BTreeSet<&str>, BTreeMap<i64, Vec<&str>>, usize) = Default::default();
    for row in rows.iter().filter(|row| row["metric"] == "drifted" && row["value"].is_f64()) {
        let (start, feature) = (row["window_start"].as_i64().unwrap(), row["feature"].as_str().unwrap());
        decided += 1;
        if row["value"] != 1.0 {
            continue;
        }
        if (moves..=moves + set.window).contains(&start) {
            moved.insert(feature);
        } else {
            elsewhere.entry(start).or_default().push(feature);
        }
    }
    assert!(decided > 300, "{decided}");
    // As with a profile, in whose bins the windows of these weeks are as far apart.
    assert_eq!(moved, BTreeSet::from(["car_value", "loan_length", "repaid_loan_on_prev_car", "score"]));
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}
