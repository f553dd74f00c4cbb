//! Detectors as a user meets them: configured, fed by `replay` with predictions and labels, found in rows of `metrics`. They
//! fire in the windows in which River's do.

use super::compare::Comparison;
use super::fold::{Fold, Place};
use super::run::{Data, replay};
use super::sets::{Set, Split};
use crate::shared::shared;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

const DAY: i64 = 86_400_000;

/// River's name for a detector, and what configures the same.
const DETECTORS: [(&str, &str, &str); 6] = [
    ("ADWIN", "adwin", "{}"),
    ("DDM", "ddm", "{}"),
    ("EDDM", "eddm", "{}"),
    ("HDDM_A", "hddm_a", "{}"),
    ("HDDM_W", "hddm_w", "{}"),
    ("PageHinkley", "page_hinkley", "{}"),
];

fn lines(path: &Path) -> impl Iterator<Item = String> {
    BufReader::new(MultiGzDecoder::new(File::open(path).unwrap())).lines().map(Result::unwrap)
}

/// Event times of predictions by request id.
fn times(path: &Path) -> HashMap<String, i64> {
    let read = |line: String| {
        let record: Value = serde_json::from_str(&line).unwrap();
        (record["request_id"].as_str().unwrap().to_owned(), record["timestamp"].as_i64().unwrap())
    };
    lines(path).map(read).collect()
}

/// The configuration of detectors that read losses of any size (`any_size`), or of all.
fn detectors(order: &str, any_size: bool) -> String {
    let chosen = DETECTORS.iter().filter(|(_, name, _)| !any_size || ["adwin", "page_hinkley"].contains(name));
    let chosen: Vec<String> = chosen.map(|(_, name, parameters)| format!("{name}: {parameters}")).collect();
    format!("detectors: {{order: {order}, {}}}", chosen.join(", "))
}

/// Compares the windows of `set` with River's alarms on the stream in the same order.
fn compare(shared: &Path, name: &str, size: i64, order: (&str, &str), comparison: &mut Comparison) {
    let set = Set::read(shared, name);
    let data = set.data(Split::Production);
    let river = shared.join("expected/river");
    let stream: Vec<String> = lines(&river.join(format!("streams/{name}.{}.csv.gz", order.0))).skip(1).collect();
    let recorded: Value =
        serde_json::from_str(&fs::read_to_string(river.join(format!("{name}.json"))).unwrap()).unwrap();
    let recorded = &recorded[order.0];
    let is_distance = recorded["type"] == "absolute_error";
    let config = set.config(&[size], "90d", &[detectors(order.1, is_distance)]);
    let fold = replay(&data, &config, &[]);
    let times = times(&data.predictions);
    let window_of = |line: &String| {
        let time = times[line.split(',').nth(1).unwrap()];
        time - time.rem_euclid(size)
    };
    let windows: Vec<i64> = stream.iter().map(window_of).collect();
    let mut read: BTreeMap<i64, f64> = BTreeMap::new();
    windows.iter().for_each(|start| *read.entry(*start).or_default() += 1.0);
    for (theirs, ours, _) in DETECTORS {
        let Some(expected) = recorded["detectors"].get(theirs) else { continue };
        let mut fired: BTreeMap<i64, f64> = BTreeMap::new();
        for position in expected["alarms"].as_array().unwrap() {
            *fired.entry(windows[position.as_u64().unwrap() as usize]).or_default() += 1.0;
        }
        let metric = format!("{ours}_drift");
        for (start, read) in &read {
            let place = format!("{name}, by {}, window {start}", order.1);
            let Some(row) = fold.at(&Place::window(size, *start)).get(&metric) else {
                comparison.note(&place, &metric, Err("no row".to_owned()));
                continue;
            };
            let expected = fired.get(start).copied().unwrap_or(0.0);
            comparison.equal(&place, &metric, row.value.unwrap_or(-1.0), expected);
            comparison.equal(&place, "rows read", row.count as f64, *read);
            assert!(row.is_final, "{place}");
        }
    }
}

#[test]
fn detectors_fire_in_the_windows_in_which_those_of_river_do() {
    let Some(shared) = shared("detectors_fire_in_the_windows_in_which_those_of_river_do") else { return };
    let mut comparison = Comparison::of("windows of detectors");
    for order in [("label", "label_time"), ("pred", "prediction_time")] {
        compare(&shared, "weather", 30 * DAY, order, &mut comparison);
        compare(&shared, "nml_car_loan", DAY, order, &mut comparison);
        compare(&shared, "nml_car_price", DAY, order, &mut comparison);
    }
    comparison.finish(10_000);
}

/// Rain is harder to predict from production row 8,350 on; the row was predicted on this day.
const WEATHER_CHANGES_AT: usize = 8_350;

#[test]
fn the_change_of_the_weather_is_found_after_it_came_and_not_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weather");
    let data = Data { predictions: folder.join("predictions.ndjson.gz"), labels: folder.join("labels.ndjson.gz") };
    let mut days: Vec<i64> = times(&data.predictions).into_values().collect();
    days.sort_unstable();
    let changed_at = days[WEATHER_CHANGES_AT];
    let size = 91 * DAY;
    let config = "defaults: {windows: [91d], detectors: {adwin: {}, hddm_a: {}, ddm: {warm_start: 400}}}\n";
    let fold: Fold = replay(&data, config, &[]);
    let fired = |metric: &str| -> Vec<i64> {
        let has_fired =
            |start: &i64| fold.at(&Place::window(size, *start))[metric].value.is_some_and(|times| times > 0.0);
        fold.starts(size).into_iter().filter(has_fired).collect()
    };
    for metric in ["adwin_drift", "hddm_a_drift"] {
        let windows = fired(metric);
        let first = *windows.first().unwrap_or_else(|| panic!("{metric} found nothing"));
        assert!(first + size > changed_at, "{metric} fired at {first}, before the change at {changed_at}");
        assert!(first < changed_at + 365 * DAY, "{metric} fired at {first}, long after the change at {changed_at}");
    }
}

/// The error of the car prices becomes smaller from production row 30,000 on: a detector that fires then says so.
#[test]
fn an_improvement_is_told_from_harm() {
    let Some(shared) = shared("an_improvement_is_told_from_harm") else { return };
    let set = Set::read(&shared, "nml_car_price");
    let data = set.data(Split::Production);
    let mut ordered: Vec<i64> = times(&data.predictions).into_values().collect();
    ordered.sort_unstable();
    let changed_at = ordered[30_000];
    let config = set.config(&[DAY], "90d", &["detectors: {adwin: {}}".to_owned()]);
    let fold = replay(&data, &config, &[]);
    let window = Place::window(DAY, changed_at - changed_at.rem_euclid(DAY));
    let value = |metric: &str| fold.at(&window)[metric].value.unwrap();
    assert!(value("adwin_drift") > 0.0);
    let [began, before, after] = ["change_point_ms[adwin]", "level_before[adwin]", "level_after[adwin]"].map(value);
    // ADWIN sums old values up in buckets that grow with their age, so the place is known to about a fifth of the window.
    let rows_off = ordered.partition_point(|time| (*time as f64) < began).abs_diff(30_000);
    assert!(rows_off < 3_000, "{rows_off} rows from the change");
    assert!(after < 0.9 * before, "{before} before, {after} after");
}
