//! SciPy's drift statistics of every feature, window and count chunk of the seven large sets.
//!
//! The method functions read counts of the same rows: in the bins of the tables (to 1e-9), in the fine bins of a profile
//! (within their error bound), and with a bin for every value that occurs, which leaves nothing open (to 1e-9 again).

use super::compare::Comparison;
use super::sets::{Set, Split};
use super::table::{Line, Table};
use crate::shared::shared;
use flate2::read::GzDecoder;
use postdict::drift::methods::{
    Bounded, Continuity, chi_square, hellinger, jensen_shannon, kolmogorov_smirnov, l_infinity, psi, total_variation,
    wasserstein, wasserstein_normed,
};
use postdict::drift::{OrderedSamples, TwoSamples};
use postdict::event::Smoothing;
use postdict::event::bins::{Category, CategoryBins, Measurement, NumericBins, equal_width_edges};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;

/// Difference that rounding in the other tool may make, relative for numbers above 1.
const CLOSE: f64 = 1e-9;
/// Kolmogorov-Smirnov p-values of large samples are approximations there and here.
const CLOSE_P: f64 = 1e-8;

/// The predictions of one split, row by row.
pub struct Rows {
    records: Vec<Value>,
}

impl Rows {
    /// Of a file.
    pub fn read(path: &Path) -> Rows {
        let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
        Rows { records: lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect() }
    }

    /// What the tables call `feature`, of every row.
    fn column(&self, feature: &str) -> Vec<&Value> {
        let of = |record: &'static str, key: String| (record, key);
        let first = &self.records[0];
        let (record, key) = match feature {
            _ if first["features"].get(feature).is_some() => of("features", feature.to_owned()),
            "score" => of("", "score".to_owned()),
            "y_pred" if first.get("predicted_label").is_some() => of("", "predicted_label".to_owned()),
            "y_pred" => of("", "predicted_value".to_owned()),
            _ => of("scores", feature.strip_prefix("p_").unwrap().to_owned()),
        };
        self.records.iter().map(|row| if record.is_empty() { &row[&key] } else { &row[record][&key] }).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// A feature that is a number.
    pub fn numbers(&self, feature: &str) -> Vec<f64> {
        self.column(feature).into_iter().map(|value| value.as_f64().unwrap()).collect()
    }

    /// A feature as texts.
    pub fn texts(&self, feature: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.column(feature).into_iter().map(text).collect()
    }

    /// The rows that a line is about.
    fn range(&self, line: &Line, window: i64) -> Range<usize> {
        let key = line.text("key");
        let range = match line.text("kind") {
            "count" => {
                let (first, last) = key.trim_matches(['[', ']']).split_once(':').unwrap();
                first.parse().unwrap()..last.parse::<usize>().unwrap() + 1
            }
            "window" => {
                let start: i64 = key.parse().unwrap();
                let before = |time: i64| self.records.partition_point(|row| row["timestamp"].as_i64().unwrap() < time);
                before(start)..before(start + window)
            }
            kind => panic!("unknown kind {kind}"),
        };
        assert_eq!(range.len() as i64, line.integer("n"), "{key}");
        range
    }
}

/// Notes a comparison of two numbers to `tolerance`, relative for numbers above 1.
fn close(comparison: &mut Comparison, place: &str, name: &str, found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs();
    let is_close = difference <= tolerance * expected.abs().max(1.0);
    let wrong = || format!("{found}, expected {expected}: off by {difference:e}");
    comparison.note(place, name, is_close.then_some(()).ok_or_else(wrong));
}

fn within(comparison: &mut Comparison, place: &str, name: &str, found: Bounded, expected: f64) {
    let difference = (found.value - expected).abs();
    let is_within = difference <= found.error_bound + 1e-12 * expected.abs().max(1.0);
    let wrong = || format!("{found:?}, expected {expected}: off by {difference:e}");
    comparison.note(place, name, is_within.then_some(()).ok_or_else(wrong));
}

/// The binned statistics, in columns that begin with `prefix`.
fn binned(comparison: &mut Comparison, place: &str, line: &Line, prefix: &str, samples: &TwoSamples) {
    let divergence = jensen_shannon(samples);
    for (column, found) in [
        ("psi", psi(samples, Smoothing::default())),
        ("js_distance", divergence),
        ("js_divergence", divergence * divergence),
        ("hellinger", hellinger(samples)),
        ("tvd", total_variation(samples)),
        ("linf", l_infinity(samples)),
    ] {
        let column = format!("{prefix}{column}");
        close(comparison, place, &column, found, line.number(&column).unwrap(), CLOSE);
    }
}

/// Counts of numbers in bins.
fn count(bins: &NumericBins, values: &[f64]) -> Vec<i64> {
    let mut counts = vec![0; bins.bins()];
    values.iter().for_each(|&value| counts[bins.bin_of(Measurement::Number(value))] += 1);
    counts
}

/// A numeric feature and its reference in every kind of bins.
struct Numeric {
    values: Vec<f64>,
    std: f64,
    /// Column prefix, bins, and coarse counts of the reference.
    coarse: Vec<(&'static str, NumericBins, Vec<i64>)>,
    fine: NumericBins,
    fine_reference: Vec<i64>,
}

impl Numeric {
    fn of(values: Vec<f64>) -> Numeric {
        let fine = NumericBins::of_reference(&values).unwrap();
        let (lowest, highest) = ends(&values);
        let widths = NumericBins::between(equal_width_edges(lowest, highest, 10));
        let coarse = [("q10_", fine.clone()), ("ew10_", widths)].map(|(prefix, bins)| {
            let counts = bins.coarse().sum(&count(&bins, &values));
            (prefix, bins, counts)
        });
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64;
        let fine_reference = count(&fine, &values);
        Numeric { std: variance.sqrt(), coarse: coarse.into(), fine, fine_reference, values }
    }

    fn compare(&self, comparison: &mut Comparison, place: &str, line: &Line, current: &[f64]) {
        for (prefix, bins, reference) in &self.coarse {
            let current = bins.coarse().sum(&count(bins, current));
            binned(comparison, place, line, prefix, &TwoSamples::new(reference, &current).unwrap());
        }
        let (ks, ks_p) = (line.number("ks").unwrap(), line.number("ks_p").unwrap());
        let (moved, normed) = (line.number("wasserstein").unwrap(), line.number("wasserstein_norm").unwrap());

        let ((lowest, highest), (lowest_reference, highest_reference)) = (ends(current), ends(&self.values));
        let edges = self.fine.ordered_edges(lowest.min(lowest_reference), highest.max(highest_reference));
        let fine = count(&self.fine, current);
        let numbers = self.fine.ordered_len();
        let samples = OrderedSamples::new(&edges, &self.fine_reference[..numbers], &fine[..numbers]).unwrap();
        let test = kolmogorov_smirnov(&samples);
        within(comparison, place, "ks in fine bins", test.statistic, ks);
        let is_safe = test.p_value >= ks_p - CLOSE_P;
        comparison.note(place, "ks_p in fine bins", is_safe.then_some(()).ok_or("too small".to_owned()));
        within(comparison, place, "wasserstein in fine bins", wasserstein(&samples).unwrap(), moved);
        let found = wasserstein_normed(&samples, self.std).unwrap();
        within(comparison, place, "wasserstein_norm in fine bins", found, normed);

        // A bin for each value that occurs.
        let mut points: Vec<f64> = self.values.iter().chain(current).flat_map(|&x| [x, x.next_up()]).collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        let count = |values: &[f64]| {
            let mut counts = vec![0; points.len() - 1];
            values.iter().for_each(|value| counts[points.partition_point(|point| point <= value) - 1] += 1);
            counts
        };
        let (reference, current) = (count(&self.values), count(current));
        let samples = OrderedSamples::new(&points, &reference, &current).unwrap();
        let test = kolmogorov_smirnov(&samples);
        close(comparison, place, "ks", test.statistic.value, ks, CLOSE);
        close(comparison, place, "bound of ks", test.statistic.error_bound, 0.0, 0.0);
        close(comparison, place, "ks_p", test.p_value, ks_p, CLOSE_P);
        close(comparison, place, "wasserstein", wasserstein(&samples).unwrap().value, moved, CLOSE);
    }
}

fn ends(values: &[f64]) -> (f64, f64) {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (lowest, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Rows per category.
fn tally(texts: &[String]) -> BTreeMap<&str, i64> {
    let mut counts = BTreeMap::new();
    texts.iter().for_each(|text| *counts.entry(text.as_str()).or_default() += 1);
    counts
}

fn chi_square_columns(comparison: &mut Comparison, place: &str, line: &Line, samples: &TwoSamples) {
    for (prefix, continuity) in [("chi2", Continuity::Yates), ("chi2_nocorr", Continuity::Uncorrected)] {
        let test = chi_square(samples, continuity);
        close(comparison, place, prefix, test.statistic, line.number(prefix).unwrap(), CLOSE);
        let p_value = format!("{prefix}_p");
        close(comparison, place, &p_value, test.p_value, line.number(&p_value).unwrap(), CLOSE);
        comparison.equal(place, "chi2_dof", test.degrees_of_freedom as f64, line.number("chi2_dof").unwrap());
    }
}

/// Each category in a bin of its own, as SciPy had them; then our bins, where all new ones are *unseen*.
fn compare_categories(
    comparison: &mut Comparison,
    place: &str,
    line: &Line,
    reference: &BTreeMap<&str, i64>,
    current: &BTreeMap<&str, i64>,
) {
    let all: BTreeSet<&str> = reference.keys().chain(current.keys()).copied().collect();
    let own = |counts: &BTreeMap<&str, i64>| -> Vec<i64> {
        all.iter().map(|text| counts.get(text).copied().unwrap_or(0)).collect()
    };
    let (own_reference, own_current) = (own(reference), own(current));
    let samples = TwoSamples::new(&own_reference, &own_current).unwrap();
    binned(comparison, place, line, "", &samples);
    chi_square_columns(comparison, place, line, &samples);

    let bins = CategoryBins::of_reference(reference.iter().map(|(&text, &count)| (text, count)), 1000);
    let folded = |counts: &BTreeMap<&str, i64>| {
        let mut folded = vec![0; bins.bins()];
        counts.iter().for_each(|(&text, &count)| folded[bins.bin_of(Category::Value(text))] += count);
        folded
    };
    let (folded_reference, folded_current) = (folded(reference), folded(current));
    let samples = TwoSamples::new(&folded_reference, &folded_current).unwrap();
    comparison.equal(
        place,
        "unseen",
        folded_current[bins.values().len()] as f64,
        line.number("n_unseen_rows").unwrap(),
    );
    if line.number("n_new_categories").unwrap() <= 1.0 {
        binned(comparison, place, line, "", &samples);
        chi_square_columns(comparison, place, line, &samples);
    } else {
        // Categories that the reference lacks add up in these statistics, so that one bin for all changes nothing.
        let pearson = chi_square(&samples, Continuity::Yates).statistic;
        for (column, found) in [
            ("js_distance", jensen_shannon(&samples)),
            ("hellinger", hellinger(&samples)),
            ("tvd", total_variation(&samples)),
            ("chi2", pearson),
        ] {
            close(comparison, place, column, found, line.number(column).unwrap(), CLOSE);
        }
    }
}

/// The features of a table.
pub fn features(table: &Table) -> BTreeSet<String> {
    table.lines().iter().map(|line| line.text("feature").to_owned()).collect()
}

fn agrees(name: &str, at_least: usize) {
    let Some(shared) = shared(name) else { return };
    let set = Set::read(&shared, name);
    let [reference, current] = Split::BOTH.map(|split| Rows::read(&set.data(split).predictions));
    let mut comparison = Comparison::of(format!("{name} and SciPy"));

    let numeric = Table::read(&set.expected("drift_scipy", ".numeric.csv"));
    let edges: Value =
        serde_json::from_reader(File::open(set.expected("drift_scipy", ".edges.json")).unwrap()).unwrap();
    for feature in features(&numeric) {
        let (ours, values) = (Numeric::of(reference.numbers(&feature)), current.numbers(&feature));
        for (prefix, bins, _) in &ours.coarse {
            let theirs: Vec<f64> =
                serde_json::from_value(edges[&feature][prefix.trim_end_matches('_')].clone()).unwrap();
            let is_equal = theirs == bins.coarse_cuts();
            let wrong = || format!("{:?}, expected {theirs:?}", bins.coarse_cuts());
            comparison.note(&feature, "edges", is_equal.then_some(()).ok_or_else(wrong));
        }
        for line in numeric.having("feature", &feature) {
            let place = format!("{feature} {}", line.text("key"));
            ours.compare(&mut comparison, &place, line, &values[current.range(line, set.window)]);
        }
    }

    let categorical = Table::read(&set.expected("drift_scipy", ".categorical.csv"));
    for feature in features(&categorical) {
        let (before, now) = (reference.texts(&feature), current.texts(&feature));
        let before = tally(&before);
        for line in categorical.having("feature", &feature) {
            let place = format!("{feature} {}", line.text("key"));
            let now = tally(&now[current.range(line, set.window)]);
            compare_categories(&mut comparison, &place, line, &before, &now);
        }
    }
    comparison.finish(at_least);
}

#[test]
fn drift_of_car_loans_agrees_with_scipy() {
    agrees("nml_car_loan", 11_010);
}

#[test]
fn drift_of_car_prices_agrees_with_scipy() {
    agrees("nml_car_price", 5_792);
}

#[test]
fn drift_of_card_types_agrees_with_scipy() {
    agrees("nml_multiclass", 6_974);
}

#[test]
fn drift_of_employment_agrees_with_scipy() {
    agrees("nml_ma_employment", 18_484);
}

#[test]
fn drift_of_weather_agrees_with_scipy() {
    agrees("weather", 41_018);
}

#[test]
fn drift_of_flights_late_agrees_with_scipy() {
    agrees("nyc_flights_bin", 5_139);
}

#[test]
fn drift_of_flight_delays_agrees_with_scipy() {
    agrees("nyc_flights_reg", 4_124);
}
