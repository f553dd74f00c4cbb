//! Drift where it is known to be: `postdict profile` of the reference, `postdict replay` of production.

use super::run::{Data, Folder};
use super::sets::{Set, Split};
use crate::shared::shared;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A profile of `predictions`, in a file of `folder`.
pub fn profile(folder: &Folder, name: &str, predictions: &Path) -> PathBuf {
    let file = folder.file(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
    run(command.args(["profile", "--quiet", "--predictions"]).arg(predictions).arg("--out").arg(&file));
    file
}

/// The final rows of a replay, of the whole model.
pub fn rows(folder: &Folder, data: &Data, config: &str) -> Vec<Value> {
    let (file, out) = (folder.file("postdict.yaml"), folder.file("out"));
    fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
    command.args(["replay", "--quiet", "--revisions", "final", "--config"]).arg(&file);
    command.arg("--predictions").arg(&data.predictions).arg("--labels").arg(&data.labels).arg("--out").arg(&out);
    run(&mut command);
    let lines = BufReader::new(fs::File::open(out.join("metrics.ndjson")).unwrap()).lines();
    let rows = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    rows.filter(|row| row["model_version"] == "").collect()
}

/// By window: the features that drifted.
fn drifted(rows: &[Value]) -> BTreeMap<i64, BTreeSet<&str>> {
    let mut windows: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["metric"] == "drifted") {
        let features = windows.entry(row["window_start"].as_i64().unwrap()).or_default();
        if row["value"] == 1.0 {
            assert!(row["threshold"].is_f64() && row["null_quantile"].is_f64() && row["method"] == "jensen_shannon");
            features.insert(row["feature"].as_str().unwrap());
        }
    }
    windows
}

/// The data were made so: from row 25,000 on (2019-03-31 03:00) these features move, and with them the score.
#[test]
fn car_loans_drift_where_they_were_made_to() {
    let Some(shared) = shared("car_loans_drift_where_they_were_made_to") else { return };
    let set = Set::read(&shared, "nml_car_loan");
    let folder = Folder::new();
    profile(&folder, "reference.json", &set.data(Split::Reference).predictions);
    let config = set.config(&[set.window], "60d", &["reference: reference.json".to_owned()]);
    let rows = rows(&folder, &set.data(Split::Production), &config);
    const DRIFT_BEGINS: i64 = 1_554_001_200_000;
    let moved = BTreeSet::from(["car_value", "loan_length", "repaid_loan_on_prev_car", "salary_range", "score"]);
    let windows = drifted(&rows);
    assert!(windows.len() > 40, "{} windows", windows.len());
    let mut all_moved = 0;
    for (start, features) in windows {
        if start + set.window <= DRIFT_BEGINS {
            assert!(features.is_empty(), "{start}: {features:?}");
        } else if start >= DRIFT_BEGINS {
            // The last windows have few rows, of which one feature says too little.
            assert!(features.is_subset(&moved) && features.len() >= moved.len() - 1, "{start}: {features:?}");
            all_moved += usize::from(features == moved);
        }
    }
    assert!(all_moved > 18, "all have moved in {all_moved} windows");
    let nulls = rows.iter().filter(|row| row["value"].is_null() && row["feature"].is_string());
    assert_eq!(nulls.count(), 0, "every feature has every statistic");
}

/// Windows before the second reference comes into force name the first, the others the second, and none has both.
#[test]
fn a_reference_is_replaced_where_a_window_begins() {
    let Some(shared) = shared("a_reference_is_replaced_where_a_window_begins") else { return };
    let set = Set::read(&shared, "nml_car_loan");
    let folder = Folder::new();
    profile(&folder, "first.json", &set.data(Split::Reference).predictions);
    profile(&folder, "second.json", &set.data(Split::Production).predictions);
    let id = |name: &str| {
        let text = fs::read_to_string(folder.file(name)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let change = 1_554_001_200_000 / set.window * set.window;
    let time = jiff::Timestamp::from_millisecond(change).unwrap();
    let reference = format!("reference: [first.json, {{profile: second.json, from: '{time}'}}]");
    let config = set.config(&[set.window], "60d", &[reference]);
    let rows = rows(&folder, &set.data(Split::Production), &config);
    let mut seen = BTreeSet::new();
    for row in rows.iter().filter(|row| row["feature"].is_string()) {
        let expected = id(if row["window_start"].as_i64().unwrap() < change { "first.json" } else { "second.json" });
        assert_eq!(row["reference_id"], expected, "{row}");
        assert_ne!(row["undefined_reason"], "reference_changed");
        seen.insert(expected);
    }
    assert_eq!(seen.len(), 2);
}

/// Features of each value of a segment are those of its rows, beside those of all.
#[test]
fn features_by_segment_are_those_of_its_rows() {
    let Some(shared) = shared("features_by_segment_are_those_of_its_rows") else { return };
    let set = Set::read(&shared, "nyc_flights_bin");
    let folder = Folder::new();
    profile(&folder, "reference.json", &set.data(Split::Reference).predictions);
    let lines = ["segments: [origin]", "drift: {by_segment: true}", "reference: reference.json"].map(str::to_owned);
    let config =
        format!("fields: {{predictions: {{attributes: features}}}}\n{}", set.config(&[set.window], "60d", &lines));
    let data = set.data(Split::Production);
    let rows = rows(&folder, &data, &config);
    let mut distances: BTreeMap<(i64, String), Vec<f64>> = BTreeMap::new();
    let lines = BufReader::new(GzDecoder::new(fs::File::open(&data.predictions).unwrap())).lines();
    for record in lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()) {
        let time = record["timestamp"].as_i64().unwrap();
        let start = time - time.rem_euclid(set.window);
        let Some(distance) = record["features"]["distance"].as_f64() else { continue };
        for origin in ["", record["features"]["origin"].as_str().unwrap()] {
            distances.entry((start, origin.to_owned())).or_default().push(distance);
        }
    }
    let means: BTreeMap<(i64, String), &Value> = rows
        .iter()
        .filter(|row| row["metric"] == "mean" && row["feature"] == "distance")
        .map(|row| ((row["window_start"].as_i64().unwrap(), row["segment_value"].as_str().unwrap().to_owned()), row))
        .collect();
    assert_eq!(means.len(), distances.len());
    assert!(distances.len() > 150, "{}", distances.len());
    for (place, distances) in distances {
        let expected = distances.iter().sum::<f64>() / distances.len() as f64;
        let row = means[&place];
        assert!((row["value"].as_f64().unwrap() - expected).abs() < 1e-9, "{place:?}: {row}, not {expected}");
        assert_eq!(row["count"], distances.len(), "{place:?}");
    }
    let decided =
        |value: &str| rows.iter().filter(|row| row["metric"] == "drifted" && row["segment_value"] == value).count();
    assert!(decided("JFK") > 100 && decided("JFK") == decided(""), "{} {}", decided("JFK"), decided(""));
}
