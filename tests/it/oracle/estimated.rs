//! NannyML's confidence-based performance estimates of five sets, chunk by chunk: calibrated on the set's reference as
//! its rule says, calibrated always, and not at all; and the realized values of the same chunks.

use super::compare::Comparison;
use super::sets::{Set, Split};
use super::table::{Line, Table};
use crate::shared::shared;
use flate2::read::GzDecoder;
use postdict::aggregate::expected::calibrate_classes;
use postdict::aggregate::{
    BinaryOutcome, Cell, ClassId, ExpectedClasses, ExpectedConfusion, MulticlassOutcome, QualityOutcome,
};
use postdict::event::bins::{Measurement, NumericBins};
use postdict::event::{Calibration, ModelSettings, TaskKind};
use postdict::metrics::estimated::{binary, estimation_error, multiclass, roc_auc};
use postdict::metrics::{Metric, MetricValue, WindowFacts, read_out};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Difference that rounding in the other tool may make. What is asked for is 1e-6.
const CLOSE: f64 = 1e-10;

/// What is estimated, what is realized, and the columns' name of it.
const METRICS: [(Metric, Metric, &str); 4] = [
    (Metric::EstimatedAccuracy, Metric::Accuracy, "accuracy"),
    (Metric::EstimatedPrecision, Metric::Precision, "precision"),
    (Metric::EstimatedRecall, Metric::Recall, "recall"),
    (Metric::EstimatedF1, Metric::F1, "f1"),
];

/// A prediction with its time and a segment, and its label if one ever comes. In a binary model class 1 is the positive one, whose score it is.
pub struct Row {
    pub time: i64,
    pub segment: String,
    pub predicted: ClassId,
    pub actual: Option<ClassId>,
    scores: Vec<(ClassId, f64)>,
}

/// The rows of a set, and its classes.
pub struct Rows {
    pub classes: Vec<String>,
    pub reference: Vec<Row>,
    pub production: Vec<Row>,
}

fn records(path: &Path) -> impl Iterator<Item = Value> {
    let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

fn name_of(class: &Value) -> String {
    class.as_str().map_or_else(|| class.to_string(), str::to_owned)
}

impl Rows {
    pub fn read(set: &Set) -> Rows {
        let first = records(&set.data(Split::Reference).predictions).next().unwrap();
        let classes = match first["scores"].as_object() {
            Some(scores) => {
                let mut classes: Vec<String> = scores.keys().cloned().collect();
                classes.sort();
                classes
            }
            None => vec!["0".to_owned(), "1".to_owned()],
        };
        let class = |value: &Value| {
            let name = name_of(value);
            ClassId(classes.iter().position(|class| *class == name).unwrap_or_else(|| panic!("class {name}")) as u16)
        };
        let split = |split: Split| -> Vec<Row> {
            let data = set.data(split);
            let label = |record: Value| (record["request_id"].as_str().unwrap().to_owned(), class(&record["label"]));
            let labels: HashMap<String, ClassId> = records(&data.labels).map(label).collect();
            let row = |record: Value| Row {
                time: record["timestamp"].as_i64().unwrap(),
                segment: record["features"]["origin"].as_str().unwrap_or_default().to_owned(),
                predicted: class(&record["predicted_label"]),
                actual: labels.get(record["request_id"].as_str().unwrap()).copied(),
                scores: match record["score"].as_f64() {
                    Some(score) => vec![(ClassId(1), score)],
                    None => (0u16..)
                        .zip(&classes)
                        .map(|(id, c)| (ClassId(id), record["scores"][c].as_f64().unwrap()))
                        .collect(),
                },
            };
            records(&data.predictions).map(row).collect()
        };
        let (mut reference, production) = (split(Split::Reference), split(Split::Production));
        // NannyML leaves rows of the reference out that have no label, and counts its chunks without them.
        reference.retain(|row| row.actual.is_some());
        Rows { classes, reference, production }
    }

    pub fn task(&self) -> TaskKind {
        if self.reference[0].scores.len() == 1 { TaskKind::Binary } else { TaskKind::Multiclass }
    }

    /// The calibration of every class by the reference; a binary model's first class has none.
    pub fn calibrations(&self, calibrate: impl Fn(&str, &[(f64, bool)]) -> Calibration) -> Vec<Calibration> {
        let of_class = |(id, name): (u16, &String)| {
            let class = ClassId(id);
            let score = |row: &Row| row.scores.iter().find(|entry| entry.0 == class).map(|entry| entry.1);
            let row = |row: &Row| Some((score(row)?, row.actual == Some(class)));
            calibrate(name, &self.reference.iter().filter_map(row).collect::<Vec<_>>())
        };
        (0u16..).zip(&self.classes).map(of_class).collect()
    }

    /// The rows that a line is about.
    pub fn chunk(&self, line: &Line) -> &[Row] {
        let rows = if line.text("chunk_period") == "reference" { &self.reference } else { &self.production };
        &rows[line.integer("chunk_start_index") as usize..=line.integer("chunk_end_index") as usize]
    }
}

pub fn estimates<'r>(
    task: TaskKind,
    rows: impl IntoIterator<Item = &'r Row>,
    calibrations: &[Calibration],
) -> Vec<MetricValue> {
    let (mut confusion, mut classes, mut out) = (ExpectedConfusion::default(), ExpectedClasses::default(), Vec::new());
    let calibration = |class: ClassId| &calibrations[usize::from(class.0)];
    for row in rows {
        if task == TaskKind::Binary {
            let (class, score) = row.scores[0];
            confusion.add(1, row.predicted == class, calibration(class).probability(score));
        } else {
            let mut probabilities = row.scores.clone();
            calibrate_classes(&mut probabilities, calibration);
            classes.add(1, row.predicted, &probabilities);
        }
    }
    match task {
        TaskKind::Binary => binary(&confusion, &mut out),
        _ => multiclass(&classes, &mut out),
    }
    out
}

fn realized(rows: &Rows, chunk: &[Row]) -> Vec<MetricValue> {
    let (mut cell, mut out) = (Cell::default(), Vec::new());
    for row in chunk {
        let actual = row.actual.unwrap();
        let outcome = match rows.task() {
            TaskKind::Binary => QualityOutcome::Binary(BinaryOutcome {
                score: Some(row.scores[0].1),
                predicted: row.predicted == ClassId(1),
                actual: actual == ClassId(1),
            }),
            _ => {
                let scores = &row.scores;
                QualityOutcome::Multiclass(MulticlassOutcome { predicted: row.predicted, actual, scores })
            }
        };
        cell.add_match(1, outcome, 1, 1);
    }
    let facts = WindowFacts { window_size_ms: 1, pending: 0, expired: 0, orphans: 0 };
    read_out(&cell, &facts, &[rows.task()], &ModelSettings::default(), &rows.classes, &mut out);
    out
}

pub fn value(values: &[MetricValue], metric: Metric) -> MetricValue {
    *values.iter().find(|value| value.metric == metric && value.class.is_none()).expect("the metric")
}

fn close(comparison: &mut Comparison, place: &str, name: &str, found: MetricValue, expected: Option<f64>) {
    let agrees = match (found.value, expected) {
        (Ok(found), Some(expected)) => (found - expected).abs() <= CLOSE,
        // Where the other tool says 0 for want of a number.
        (Err(_), expected) => expected.is_none_or(|expected| expected == 0.0),
        (Ok(_), None) => false,
    };
    comparison.note(place, name, agrees.then_some(()).ok_or_else(|| format!("{found:?}, expected {expected:?}")));
}

fn compare(comparison: &mut Comparison, set: &Set, rows: &Rows, ending: &str, calibrations: &[Calibration]) {
    let table = Table::read(&set.expected("nannyml", ending));
    for line in table.lines() {
        let place = format!("{}{ending} {} {}", set.name, line.text("chunk_period"), line.text("chunk_key"));
        let chunk = rows.chunk(line);
        let estimates = estimates(rows.task(), chunk, calibrations);
        let realized = (line.text("chunk_period") == "reference").then(|| realized(rows, chunk));
        for (estimated, true_one, column) in METRICS {
            let estimated = value(&estimates, estimated);
            close(comparison, &place, column, estimated, line.number(&format!("{column}_value")));
            let Some(realized) = realized.as_ref().map(|realized| value(realized, true_one)) else { continue };
            let expected = line.number(&format!("{column}_realized"));
            close(comparison, &place, &format!("{column} realized"), realized, expected);
            let (Some(expected), Some(of)) = (expected, line.number(&format!("{column}_value"))) else { continue };
            let error = estimation_error(&realized, &estimated);
            close(comparison, &place, &format!("{column} error"), error, Some(expected - of));
        }
    }
}

/// Areas under the ROC curve, which are read from the reference's bins of scores, beside NannyML's from the rows.
fn compare_areas(comparison: &mut Comparison, set: &Set, rows: &Rows, ending: &str, calibration: &Calibration) {
    let scores = |rows: &[Row]| rows.iter().map(|row| row.scores[0].1).collect::<Vec<f64>>();
    let bins = NumericBins::of_reference(&{
        let mut sorted = scores(&rows.reference);
        sorted.sort_by(f64::total_cmp);
        sorted
    });
    let bins = bins.expect("scores");
    for line in Table::read(&set.expected("nannyml", ending)).lines() {
        let place = format!("{}{ending} {} {}", set.name, line.text("chunk_period"), line.text("chunk_key"));
        let mut counts = vec![0; bins.bins()];
        scores(rows.chunk(line)).iter().for_each(|score| counts[bins.bin_of(Measurement::Number(*score))] += 1);
        let found = roc_auc(&bins, &counts, calibration);
        let Some(expected) = line.number("roc_auc_value") else { continue };
        let (value, bound) = (found.value.unwrap(), found.error_bound.unwrap());
        let agrees = (value - expected).abs() <= bound + CLOSE && bound < 0.02;
        comparison.note(
            &place,
            "roc_auc",
            agrees.then_some(()).ok_or_else(|| format!("{found:?}, expected {expected}")),
        );
    }
}

/// What most points a calibration may have: it travels with every reference profile.
const MOST_POINTS: usize = 200;

/// Compares a set; `rejected` is the class that NannyML leaves as it is, as the rule here must say too.
fn agrees(name: &str, rejected: &[&str], at_least: usize) {
    let Some(shared) = shared(name) else { return };
    let set = Set::read(&shared, name);
    let rows = Rows::read(&set);
    let by_rule = rows.calibrations(|class, reference| {
        let calibration = Calibration::of_reference(reference);
        let is_left = calibration == Calibration::AsGiven;
        assert_eq!(is_left, reference.is_empty() || rejected.contains(&class), "{name}: class {class}");
        if let Calibration::Isotonic(isotonic) = &calibration {
            assert!(isotonic.points().len() <= MOST_POINTS, "{name}: {} points", isotonic.points().len());
        }
        calibration
    });
    let mut comparison = Comparison::of(format!("{name} and NannyML's estimates"));
    compare(&mut comparison, &set, &rows, ".cbpe.csv", &by_rule);
    compare(&mut comparison, &set, &rows, ".cbpe_uncalibrated.csv", &rows.calibrations(|_, _| Calibration::AsGiven));
    if rows.task() == TaskKind::Binary {
        compare_areas(&mut comparison, &set, &rows, ".cbpe.csv", &by_rule[1]);
    }
    if set.expected("nannyml", ".cbpe_always_calibrated.csv").is_file() {
        let always = rows.calibrations(|_, reference| Calibration::always(reference));
        compare(&mut comparison, &set, &rows, ".cbpe_always_calibrated.csv", &always);
    }
    comparison.finish(at_least);
}

#[test]
fn estimates_of_car_loans_agree_with_nannyml() {
    agrees("nml_car_loan", &[], 320);
}

#[test]
fn estimates_of_card_types_agree_with_nannyml() {
    agrees("nml_multiclass", &["prepaid_card"], 480);
}

#[test]
fn estimates_of_employment_agree_with_nannyml() {
    agrees("nml_ma_employment", &[], 560);
}

#[test]
fn estimates_of_late_flights_agree_with_nannyml() {
    agrees("nyc_flights_bin", &[], 300);
}

#[test]
fn estimates_of_rain_agree_with_nannyml() {
    agrees("weather", &[], 440);
}
