//! Alerts of the built-in rules where it is known when something went wrong: `postdict profile` of the reference,
//! `postdict replay` of production without a line about alerts.

use super::drift_found::profile;
use super::run::{Data, Folder};
use super::sets::{Set, Split};
use crate::shared::shared;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;

const DAY: i64 = 86_400_000;

/// Rules that fired for a window that ended before the change, and how many windows after it began each fired first: of the
/// window that it fired for, the end, rounded up.
struct Found {
    before: Vec<String>,
    after: Vec<(String, i64)>,
    summaries: Vec<String>,
}

impl Found {
    fn after(&self, rule: &str) -> Option<i64> {
        self.after.iter().find(|(name, _)| name == rule).map(|(_, windows)| *windows)
    }
}

/// Time of the prediction in `row`.
fn time_of(data: &Data, row: usize) -> i64 {
    let mut lines = BufReader::new(GzDecoder::new(fs::File::open(&data.predictions).unwrap())).lines();
    let record: Value = serde_json::from_str(&lines.nth(row).unwrap().unwrap()).unwrap();
    record["timestamp"].as_i64().unwrap()
}

/// What fires in windows of `window` ms, where something changes with production's row `change`.
fn found(set: &Set, window: i64, horizon: &str, change: usize) -> Found {
    let (folder, data) = (Folder::new(), set.data(Split::Production));
    profile(&folder, "reference.json", &set.data(Split::Reference).predictions);
    let file = folder.file("postdict.yaml");
    fs::write(&file, set.config(&[window], horizon, &["reference: reference.json".to_owned()])).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
    command.args(["replay", "--quiet", "--config"]).arg(&file).arg("--predictions").arg(&data.predictions);
    let out = folder.file("out");
    let done = command.arg("--labels").arg(&data.labels).arg("--out").arg(&out).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    let change = time_of(&data, change);
    let mut found = Found { before: Vec::new(), after: Vec::new(), summaries: Vec::new() };
    for line in BufReader::new(fs::File::open(out.join("alerts.ndjson")).unwrap()).lines() {
        let row: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if row["state"] != "firing" || row["previous_state"] == "firing" {
            continue;
        }
        let rule = row["rule"].as_str().unwrap().to_owned();
        let end = row["window_end"].as_i64().unwrap();
        found.summaries.push(row["summary"].as_str().unwrap().to_owned());
        if end <= change {
            found.before.push(rule);
        } else if found.after(&rule).is_none() {
            found.after.push((rule, (end - change + window - 1) / window));
        }
    }
    found
}

#[test]
fn car_loans_are_quiet_until_they_drift_and_their_accuracy_falls() {
    let Some(shared) = shared("car_loans_are_quiet_until_they_drift_and_their_accuracy_falls") else { return };
    let found = found(&Set::read(&shared, "nml_car_loan"), 7 * DAY, "20d", 25_000);
    assert!(found.before.is_empty(), "{:?}", found.before);
    assert!(found.after("drift").is_some_and(|windows| windows <= 2), "{:?}", found.after);
    assert!(found.after("accuracy-fell").is_some_and(|windows| windows <= 5), "{:?}", found.after);
    assert_eq!(found.after("accuracy-collapsed"), None, "{:?}", found.after);
}

#[test]
fn weather_is_quiet_with_the_seasons_until_the_concept_changes() {
    let Some(shared) = shared("weather_is_quiet_with_the_seasons_until_the_concept_changes") else { return };
    let found = found(&Set::read(&shared, "weather"), 182 * DAY, "5d", 8_350);
    assert!(found.before.is_empty(), "{:?}", found.before);
    assert!(found.after("roc-auc-collapsed").is_some_and(|windows| windows <= 2), "{:?}", found.after);
    assert!(found.after("accuracy-fell").is_some_and(|windows| windows <= 7), "{:?}", found.after);
}

#[test]
fn credit_cards_are_quiet_until_their_accuracy_collapses() {
    let Some(shared) = shared("credit_cards_are_quiet_until_their_accuracy_collapses") else { return };
    let found = found(&Set::read(&shared, "nml_multiclass"), DAY, "20d", 30_000);
    assert!(found.before.is_empty(), "{:?}", found.before);
    for rule in ["drift", "roc-auc-collapsed", "accuracy-collapsed"] {
        assert!(found.after(rule).is_some_and(|windows| windows <= 3), "{rule}: {:?}", found.after);
    }
    let told = found.summaries.iter().any(|line| line.contains("accuracy 0.5") && line.contains("in 2 of 2 days"));
    assert!(told, "{:?}", found.summaries);
}

/// The error of car prices becomes smaller: no rule of quality has anything to say.
#[test]
fn what_becomes_better_is_no_alert() {
    let Some(shared) = shared("what_becomes_better_is_no_alert") else { return };
    let found = found(&Set::read(&shared, "nml_car_price"), DAY / 4, "4d", 30_000);
    assert!(found.before.is_empty(), "{:?}", found.before);
    assert_eq!(found.after("mae-rose"), None, "{:?}", found.after);
}
