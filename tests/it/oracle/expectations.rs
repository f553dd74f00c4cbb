//! What is published of expectations: `postdict profile --labels` of the reference and `postdict replay` of production, held
//! against the same computed row by row: estimates (which `estimated` holds against NannyML), their errors, the distribution
//! of labels, and what made accuracy other than it was.

use super::compare::Comparison;
use super::estimated::{Row, Rows, estimates, value};
use super::run::Folder;
use super::sets::{Set, Split};
use crate::shared::shared;
use postdict::event::{Calibration, TaskKind};
use postdict::metrics::Metric;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;

const CLOSE: f64 = 1e-12;

/// What is published of the whole model by window and `metric/feature`, and over the values of a segment with `@` before.
type Published = BTreeMap<i64, BTreeMap<String, Value>>;

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The final rows of a set's production with the profile of its reference, both made by the program.
fn published(set: &Set, more: &[String]) -> Published {
    let folder = Folder::new();
    let (reference, production) = (set.data(Split::Reference), set.data(Split::Production));
    let config = |lines: &[String]| {
        let fields = "fields: {predictions: {attributes: features}}\n";
        fs::write(folder.file("postdict.yaml"), format!("{fields}{}", set.config(&[set.window], "90d", lines)))
            .unwrap();
    };
    let postdict = || Command::new(env!("CARGO_BIN_EXE_postdict"));
    config(more);
    let mut command = postdict();
    command.args(["profile", "--quiet", "--config"]).arg(folder.file("postdict.yaml"));
    command.arg("--predictions").arg(&reference.predictions).arg("--labels").arg(&reference.labels);
    run(command.arg("--out").arg(folder.file("reference.json")));
    config(&[more, &["reference: reference.json".to_owned()]].concat());
    let mut command = postdict();
    command.args(["replay", "--quiet", "--revisions", "final", "--config"]).arg(folder.file("postdict.yaml"));
    command.arg("--predictions").arg(&production.predictions).arg("--labels").arg(&production.labels);
    run(command.arg("--out").arg(folder.file("out")));
    let lines = BufReader::new(fs::File::open(folder.file("out/metrics.ndjson")).unwrap()).lines();
    let mut published = Published::new();
    for row in lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()) {
        let is_over_values = row["segment_key"] != "" && row["segment_value"] == "";
        if row["model_version"] != "" || row["segment_key"] != "" && !is_over_values || row["class"].is_string() {
            continue;
        }
        let (over, metric) = (if is_over_values { "@" } else { "" }, row["metric"].as_str().unwrap());
        let feature = row["feature"].as_str().map(|feature| format!("/{feature}")).unwrap_or_default();
        let window = published.entry(row["window_start"].as_i64().unwrap()).or_default();
        window.insert(format!("{over}{metric}{feature}"), row);
    }
    published
}

/// Labelled rows, and right ones among them, by a name that each row has.
fn right<'r>(rows: impl IntoIterator<Item = &'r Row>, by: impl Fn(&Row) -> String) -> BTreeMap<String, (f64, f64)> {
    let mut groups: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for row in rows {
        let Some(actual) = row.actual else { continue };
        let group = groups.entry(by(row)).or_default();
        *group = (group.0 + 1.0, group.1 + f64::from(u8::from(actual == row.predicted)));
    }
    groups
}

/// Mix and within by their definition.
fn change(reference: &BTreeMap<String, (f64, f64)>, window: &BTreeMap<String, (f64, f64)>) -> [f64; 2] {
    let rows = |groups: &BTreeMap<String, (f64, f64)>| groups.values().map(|group| group.0).sum::<f64>();
    let (n, m) = (rows(reference), rows(window));
    let mut parts = [0.0; 2];
    for name in reference.keys().chain(window.keys().filter(|name| !reference.contains_key(*name))) {
        let (before, now) = (reference.get(name), window.get(name));
        let accuracy = |group: Option<&(f64, f64)>| group.map(|group| group.1 / group.0);
        let share = |group: Option<&(f64, f64)>, all: f64| group.map_or(0.0, |group| group.0 / all);
        let (s0, s1) = (share(before, n), share(now, m));
        let (a0, a1) = (accuracy(before).or(accuracy(now)).unwrap(), accuracy(now).or(accuracy(before)).unwrap());
        parts[0] += (s1 - s0) * (a0 + a1) / 2.0;
        parts[1] += (a1 - a0) * (s0 + s1) / 2.0;
    }
    parts
}

/// Jensen-Shannon distance, base 2, of the classes of two sets of rows.
fn jensen_shannon(reference: &[Row], window: &[&Row], is_binary: bool) -> f64 {
    let shares = |rows: &mut dyn Iterator<Item = &Row>| {
        let classes: Vec<u16> = rows.filter_map(|row| row.actual).map(|class| class.0).collect();
        let mut shares: BTreeMap<u16, f64> = BTreeMap::new();
        classes.iter().for_each(|class| *shares.entry(*class).or_default() += 1.0 / classes.len() as f64);
        shares
    };
    let (p, q) = (shares(&mut reference.iter()), shares(&mut window.iter().copied()));
    assert!(!is_binary || p.len() == 2);
    let divergence = p.keys().chain(q.keys().filter(|class| !p.contains_key(class))).map(|class| {
        let (p, q) = (p.get(class).copied().unwrap_or(0.0), q.get(class).copied().unwrap_or(0.0));
        let part = |share: f64| if share > 0.0 { share * (2.0 * share / (p + q)).log2() } else { 0.0 };
        (part(p) + part(q)) / 2.0
    });
    divergence.sum::<f64>().max(0.0).sqrt()
}

fn agrees(name: &str, more: &[String], at_least: usize) {
    let Some(shared) = shared(name) else { return };
    let set = Set::read(&shared, name);
    let (rows, published) = (Rows::read(&set), published(&set, more));
    let calibrations = rows.calibrations(|_, reference| Calibration::of_reference(reference));
    let mut windows: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
    for row in &rows.production {
        windows.entry(row.time - row.time.rem_euclid(set.window)).or_default().push(row);
    }
    let by_class = |row: &Row| row.predicted.0.to_string();
    let by_segment = |row: &Row| row.segment.clone();
    let mut comparison = Comparison::of(format!("{name}: what is published of expectations"));
    for (start, window) in windows {
        let found = &published[&start];
        let mut note = |metric: &str, expected: f64, close: f64| {
            let value = found.get(metric).and_then(|row| row["value"].as_f64());
            let agrees = value.is_some_and(|value| (value - expected).abs() <= close);
            let why = || format!("{:?}, expected {expected}", found.get(metric));
            comparison.note(&start.to_string(), metric, agrees.then_some(()).ok_or_else(why));
        };
        let estimated = estimates(rows.task(), window.iter().copied(), &calibrations);
        for (estimate, realized) in [
            (Metric::EstimatedAccuracy, "accuracy"),
            (Metric::EstimatedPrecision, "precision"),
            (Metric::EstimatedRecall, "recall"),
            (Metric::EstimatedF1, "f1"),
        ] {
            let Ok(expected) = value(&estimated, estimate).value else { continue };
            note(estimate.name(), expected, CLOSE);
            let Some(realized_value) = found[realized]["value"].as_f64() else { continue };
            note(&format!("estimation_error/{realized}"), realized_value - expected, CLOSE);
        }
        if window.iter().all(|row| row.actual.is_none()) {
            continue;
        }
        let is_binary = rows.task() == TaskKind::Binary;
        note("jensen_shannon/label", jensen_shannon(&rows.reference, &window, is_binary), 1e-9);
        let changed = change(&right(&rows.reference, by_class), &right(window.iter().copied(), by_class));
        note("accuracy_change_mix/predicted_label", changed[0], CLOSE);
        note("accuracy_change_within/predicted_label", changed[1], CLOSE);
        if !more.is_empty() {
            let changed = change(&right(&rows.reference, by_segment), &right(window.iter().copied(), by_segment));
            note("@accuracy_change_mix", changed[0], CLOSE);
            note("@accuracy_change_within", changed[1], CLOSE);
        }
    }
    comparison.finish(at_least);
}

#[test]
fn expectations_of_car_loans_are_those_of_their_rows() {
    agrees("nml_car_loan", &[], 440);
}

#[test]
fn expectations_of_card_types_are_those_of_their_rows() {
    agrees("nml_multiclass", &[], 209);
}

#[test]
fn expectations_of_late_flights_are_those_of_their_rows() {
    agrees("nyc_flights_bin", &["segments: [origin]".to_owned()], 572);
}
