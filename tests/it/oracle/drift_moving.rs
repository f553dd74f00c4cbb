//! Windows compared with other windows of the same model, through the program: `postdict profile`, then `postdict replay`,
//! held against statistics of the raw rows. The profile gives only the bins; everything else is computed here anew.

use super::compare::Comparison;
use super::drift_found::{profile, rows};
use super::run::Folder;
use super::sets::{Set, Split};
use crate::shared::shared;
use flate2::read::GzDecoder;
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

pub const DAY: i64 = 86_400_000;
/// What rounding may make of a statistic, relative for numbers above 1.
pub const CLOSE: f64 = 1e-9;

/// The rows of a file: time, and the value of every feature of the profile.
pub struct Raw {
    rows: Vec<(i64, Vec<Value>)>,
}

impl Raw {
    /// Of these features, each with its `name` and `source`.
    pub fn read(path: &Path, features: &[Value]) -> Raw {
        let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
        let row = |line: String| {
            let record: Value = serde_json::from_str(&line).unwrap();
            let value = |feature: &Value| {
                let name = feature["name"].as_str().unwrap();
                let is_output = feature["source"] != "feature";
                if is_output { record[name].clone() } else { record["features"][name].clone() }
            };
            (record["timestamp"].as_i64().unwrap(), features.iter().map(value).collect())
        };
        Raw { rows: lines.map(|line| row(line.unwrap())).collect() }
    }

    /// Values of the feature with this number, of rows whose time `is_in`.
    pub fn values(&self, feature: usize, is_in: impl Fn(i64) -> bool) -> Vec<&Value> {
        self.rows.iter().filter(|(time, _)| is_in(*time)).map(|(_, values)| &values[feature]).collect()
    }
}

/// Rows per bin; of a number its deciles.
fn counts(bins: &Value, values: &[&Value]) -> Vec<f64> {
    let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
    let (categories, cuts) = (bins["categorical"]["values"].as_array(), bins["numeric"]["decile_cuts"].as_array());
    let len = categories.or(cuts).unwrap().len() + 2;
    for value in values {
        let bin = match (value, categories, cuts) {
            (Value::Null, ..) => len - 1,
            (value, _, Some(cuts)) => {
                let number = value.as_f64().unwrap();
                cuts.iter().filter(|cut| cut.as_f64().unwrap() <= number).count()
            }
            (value, Some(categories), _) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                categories.iter().position(|category| *category == *text).unwrap_or(len - 2)
            }
            _ => unreachable!(),
        };
        *counts.entry(bin).or_default() += 1.0;
    }
    (0..len).map(|bin| counts.get(&bin).copied().unwrap_or_default()).collect()
}

/// By name, of rows per bin of both samples.
pub fn binned(reference: &[f64], current: &[f64]) -> Vec<(&'static str, f64)> {
    let (n, m): (f64, f64) = (reference.iter().sum(), current.iter().sum());
    let pairs = || reference.iter().zip(current).map(|(a, b)| (a / n, b / m));
    let instead = |share: f64| if share == 0.0 { 1e-4 } else { share };
    let towards = |p: f64, mean: f64| if p == 0.0 { 0.0 } else { p * libm::log2(p / mean) };
    let divergence: f64 = pairs().map(|(p, q)| (towards(p, (p + q) / 2.0) + towards(q, (p + q) / 2.0)) / 2.0).sum();
    let occupied: Vec<(f64, f64)> =
        reference.iter().zip(current).map(|(a, b)| (*a, *b)).filter(|(a, b)| a + b > 0.0).collect();
    let mut found = vec![
        ("psi", pairs().map(|(p, q)| (instead(q) - instead(p)) * libm::log(instead(q) / instead(p))).sum()),
        ("jensen_shannon", divergence.max(0.0).sqrt()),
        ("total_variation", pairs().map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0),
        ("l_infinity", pairs().map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)),
    ];
    // With two bins it is corrected.
    if occupied.len() > 2 {
        let cell = |observed: f64, row: f64, column: f64| {
            let expected = row * column / (n + m);
            (observed - expected) * (observed - expected) / expected
        };
        found.push(("chi_square", occupied.iter().map(|(a, b)| cell(*a, n, a + b) + cell(*b, m, a + b)).sum()));
    }
    found
}

/// Kolmogorov-Smirnov and Wasserstein of the numbers themselves.
pub fn ordered(reference: &[&Value], current: &[&Value]) -> (f64, f64) {
    let sorted = |values: &[&Value]| {
        let mut numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    };
    let (a, b) = (sorted(reference), sorted(current));
    let mut all = [&a[..], &b[..]].concat();
    all.sort_by(f64::total_cmp);
    all.dedup();
    let share =
        |numbers: &[f64], most: f64| numbers.partition_point(|number| *number <= most) as f64 / numbers.len() as f64;
    let apart: Vec<f64> = all.iter().map(|most| (share(&a, *most) - share(&b, *most)).abs()).collect();
    let area = all.windows(2).zip(&apart).map(|(pair, apart)| (pair[1] - pair[0]) * apart).sum();
    (apart.iter().copied().fold(0.0, f64::max), area)
}

fn weekday(time: i64) -> Weekday {
    Timestamp::from_millisecond(time).unwrap().to_zoned(TimeZone::UTC).weekday()
}

/// True if the window of `size` at `start` is compared with what happened at `time`.
fn is_compared(kind: &str, size: i64, start: i64, time: i64) -> bool {
    let is_in = |from: i64, to: i64| (from..to).contains(&time);
    match kind {
        "previous" => is_in(start - size, start),
        "trailing_7_except_saturday_sunday" => (1..=7).map(|back| start - back * size).any(|begins| {
            is_in(begins, begins + size) && !matches!(weekday(begins), Weekday::Saturday | Weekday::Sunday)
        }),
        "ago_7d" => is_in(start - 7 * DAY, start - 7 * DAY + size),
        "window_2018-11-08T00:00:00Z_2018-11-22T00:00:00Z" => {
            let (from, to) = (1_541_635_200_000, 1_542_844_800_000);
            start >= to && is_in(from, to)
        }
        kind => panic!("nothing is compared so: {kind}"),
    }
}

const KINDS: [&str; 4] =
    ["previous", "trailing_7_except_saturday_sunday", "ago_7d", "window_2018-11-08T00:00:00Z_2018-11-22T00:00:00Z"];

/// Size, start and kind of comparison.
pub type Window<'r> = (i64, i64, &'r str);

/// Rows by feature and metric.
pub type Told<'r> = BTreeMap<(&'r str, &'r str), &'r Value>;

/// What is told of windows that are compared with others.
pub fn told(rows: &[Value]) -> BTreeMap<Window<'_>, Told<'_>> {
    let mut told: BTreeMap<Window, Told> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["reference_kind"].is_string() && row["reference_kind"] != "fixed") {
        let number = |column: &str| row[column].as_i64().unwrap();
        let of = (number("window_size_ms"), number("window_start"), row["reference_kind"].as_str().unwrap());
        let metric = (row["feature"].as_str().unwrap_or_default(), row["metric"].as_str().unwrap());
        assert!(told.entry(of).or_default().insert(metric, row).is_none(), "{row}");
        assert!(row["is_final"].as_bool().unwrap(), "{row}");
    }
    told
}

/// Compares what is told of one feature with its raw values.
fn compare(comparison: &mut Comparison, place: &str, feature: &Value, found: &Told, [before, after]: [&[&Value]; 2]) {
    let name = feature["name"].as_str().unwrap();
    let mut close = |metric: &str, expected: f64, bound: f64| {
        let value = found[&(name, metric)]["value"].as_f64().unwrap();
        let is_close = (value - expected).abs() <= bound + CLOSE * expected.abs().max(1.0);
        let why = || format!("{value}, expected {expected}");
        comparison.note(place, metric, is_close.then_some(()).ok_or_else(why));
    };
    let [reference, current] = [before, after].map(|values| counts(&feature["bins"], values));
    for (metric, expected) in binned(&reference, &current) {
        // The square root makes much of what rounding leaves of nothing.
        close(metric, expected, if metric == "jensen_shannon" { 1e-7 } else { 0.0 });
    }
    if feature["bins"]["numeric"].is_object() {
        let (largest, area) = ordered(before, after);
        for (metric, expected) in [("kolmogorov_smirnov", largest), ("wasserstein", area)] {
            close(metric, expected, found[&(name, metric)]["error_bound"].as_f64().unwrap());
        }
    }
    let is_decided = before.len() >= 30 && after.len() >= 30;
    let reason = if is_decided { Value::Null } else { Value::from("below_min_count") };
    assert_eq!(found[&(name, "drifted")]["undefined_reason"], reason, "{place}");
}

#[test]
fn car_loans_are_compared_with_the_windows_before() {
    let Some(shared) = shared("car_loans_are_compared_with_the_windows_before") else { return };
    let set = Set::read(&shared, "nml_car_loan");
    let folder = Folder::new();
    let file = profile(&folder, "reference.json", &set.data(Split::Reference).predictions);
    let profile: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let features = profile["features"].as_array().unwrap();
    let compare_with = "drift: {compare_with: [fixed, previous, {trailing: 7, except: [saturday, sunday]}, {ago: 7d}, \
                        {from: 2018-11-08, to: 2018-11-22}]}";
    let more = ["windows: [1d, {size: 2d, advance: 1d}, 7d]", "reference: reference.json", compare_with];
    let config = set.config(&[set.window], "1d", &more.map(str::to_owned));
    let production = set.data(Split::Production);
    let rows = rows(&folder, &production, &config);
    let raw = Raw::read(&production.predictions, features);

    let told = told(&rows);
    let mut comparison = Comparison::of("windows of car loans and those before them");
    let mut without = 0;
    let windows: BTreeSet<(i64, i64)> = told.keys().map(|(size, start, _)| (*size, *start)).collect();
    assert!(windows.len() > 600, "{}", windows.len());
    for (size, start) in windows {
        for kind in KINDS {
            let found = &told[&(size, start, kind)];
            for (number, feature) in features.iter().enumerate() {
                let name = feature["name"].as_str().unwrap();
                let place = format!("{kind} {size} {start} {name}");
                let before = raw.values(number, |time| is_compared(kind, size, start, time));
                let after = raw.values(number, |time| (start..start + size).contains(&time));
                if before.is_empty() {
                    without += 1;
                    assert_eq!(found[&(name, "drifted")]["undefined_reason"], "no_reference", "{place}");
                    assert!(!found.contains_key(&(name, "psi")), "{place}");
                } else {
                    compare(&mut comparison, &place, feature, found, [&before, &after]);
                }
            }
        }
    }
    assert!(without > 100, "{without}");
    comparison.finish(100_000);
}

/// From 2019-03-31 03:00 on the set was made to drift. What is fixed sees that ever after; the window before sees when.
#[test]
fn the_window_before_tells_when_car_loans_moved() {
    let Some(shared) = shared("the_window_before_tells_when_car_loans_moved") else { return };
    let set = Set::read(&shared, "nml_car_loan");
    let folder = Folder::new();
    profile(&folder, "reference.json", &set.data(Split::Reference).predictions);
    let compare_with = "drift: {compare_with: [fixed, previous]}";
    let config = set.config(&[set.window], "60d", &["reference: reference.json", compare_with].map(str::to_owned));
    let rows = rows(&folder, &set.data(Split::Production), &config);
    const DRIFT_BEGINS: i64 = 1_554_001_200_000;
    let is_drift = |row: &&Value| row["metric"] == "drifted" && row["value"] == 1.0;
    let mut windows: BTreeMap<&str, BTreeMap<i64, usize>> = BTreeMap::new();
    for row in rows.iter().filter(is_drift) {
        let of_kind = windows.entry(row["reference_kind"].as_str().unwrap()).or_default();
        *of_kind.entry(row["window_start"].as_i64().unwrap()).or_default() += 1;
    }
    let moves = DRIFT_BEGINS / set.window * set.window;
    let several: Vec<i64> =
        windows["previous"].iter().filter(|(_, features)| **features > 1).map(|(start, _)| *start).collect();
    assert!(
        !several.is_empty() && several.iter().all(|start| (moves..=moves + set.window).contains(start)),
        "{windows:?}"
    );
    assert!(windows["fixed"].keys().filter(|start| **start > moves).count() > 15, "{windows:?}");
}
