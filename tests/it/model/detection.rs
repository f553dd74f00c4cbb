//! What detectors should find, the naive way: all first matches of a model in a list, sorted, read from the first to the
//! last that may be read. The detectors themselves are those of the crate; others hold them against River.

use super::drive::{Plan, Run, run};
use super::naive::{AtEnd, Joined, Output, Row, SeriesKey, SeriesWindow, Truth};
use super::segments::{self, segment_value};
use super::world::{Memory, worlds};
use postdict::drift::detectors::{Change, Detector};
use postdict::event::{Detectors, LossKind, MetricRow, Millis, ModelSettings, OutcomeOrder};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

/// Later than anything, and far from where numbers end.
const FOREVER: Millis = i64::MAX / 4;

/// Of one window: how many outcomes were to be read, and per method how many were and how often it fired.
type Found = (usize, Vec<(u64, u64, Option<Change>)>);

fn truth_is_positive(truth: &Truth, settings: &ModelSettings) -> bool {
    truth.binary_text() == settings.positive_label
}

fn loss(kind: LossKind, output: &Output, truth: &Truth, settings: &ModelSettings) -> Option<f64> {
    let wrong = |is_wrong: bool| Some(if is_wrong { 1.0 } else { 0.0 });
    let clipped = |probability: f64| Some(-libm::log(probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON)));
    match (kind, output) {
        (_, Output::Failed) | (LossKind::LogLoss, Output::Regression(_)) => None,
        (LossKind::Error, Output::Binary { positive, .. }) => wrong(*positive != truth_is_positive(truth, settings)),
        (LossKind::Error, Output::Multiclass { class, .. }) => wrong(*class != truth.text()),
        (LossKind::Error, Output::Regression(value)) => Some((value - truth.number()?).abs()),
        (LossKind::LogLoss, Output::Binary { score, .. }) => {
            let score = (*score)?;
            clipped(if truth_is_positive(truth, settings) { score } else { 1.0 - score })
        }
        (LossKind::LogLoss, Output::Multiclass { scores, .. }) => {
            let total: f64 = scores.iter().map(|(_, score)| score).sum();
            let own = scores.iter().find(|(class, _)| *class == truth.text()).map_or(0.0, |(_, score)| *score);
            (total > 0.0).then_some(own / total).and_then(clipped)
        }
    }
}

/// Outcomes before this time of their order may be read: labels' or predictions'.
pub fn read_until(joined: &Joined, model: &str, at_end: AtEnd) -> Millis {
    let settings = joined.settings(model);
    let watermark = match at_end {
        AtEnd::Close => FOREVER,
        AtEnd::Hold => joined.reached().map_or(-FOREVER, |reached| reached - settings.allowed_lateness_ms),
    };
    if settings.detectors.as_ref().is_none_or(|detectors| detectors.order == OutcomeOrder::LabelTime) {
        return watermark;
    }
    let pane = |time: Millis| time.div_euclid(settings.pane_ms) * settings.pane_ms;
    let waiting = joined.rows.iter().filter(|row| {
        let may_match = watermark < pane(row.record.time) + settings.pane_ms + settings.label_horizon_ms;
        row.record.model == model && row.output != Output::Failed && row.first.is_none() && may_match
    });
    waiting.map(|row| pane(row.record.time)).min().unwrap_or(FOREVER).min(pane(watermark))
}

/// What the detectors of `rows`, in their order, find in the window.
fn find(rows: &[&Row], detectors: &Detectors, settings: &ModelSettings, window: &SeriesKey) -> Found {
    let mut methods: Vec<Detector> =
        detectors.methods.iter().map(|parameters| Detector::try_new(*parameters).unwrap()).collect();
    let mut found = vec![(0, 0, None); methods.len()];
    let mut outcomes = 0;
    for row in rows {
        let is_inside = (window.start..window.start + window.size_ms).contains(&row.record.time);
        outcomes += usize::from(is_inside);
        let (truth, _) = row.first.as_ref().unwrap();
        let Some(loss) = loss(detectors.loss, &row.output, truth, settings) else { continue };
        for (method, found) in methods.iter_mut().zip(&mut found) {
            let before = method.taken();
            let change = method.update(loss, row.record.time).change();
            if is_inside {
                found.0 += method.taken() - before;
                found.1 += u64::from(change.is_some());
                found.2 = change.or(found.2);
            }
        }
    }
    (outcomes, found)
}

/// True if `row` is of the series of `key`, whatever its window.
fn is_in(row: &Row, key: &SeriesKey, settings: &ModelSettings) -> bool {
    let set = settings.segments.iter().find(|set| segments::key(set) == key.segment_key);
    let is_of_segment = set.is_none_or(|set| segment_value(row.record, set, settings) == key.segment_value);
    is_of_segment && (key.version.is_empty() || key.version == row.record.version)
}

/// Fails where the rows of detectors in `run` are not what they should be.
pub fn assert_detectors(
    joined: &Joined,
    windows: &BTreeMap<SeriesKey, SeriesWindow>,
    rows: &BTreeMap<(SeriesKey, String), MetricRow>,
    at_end: AtEnd,
) {
    let mut expected_rows = 0;
    for (key, window) in windows {
        let settings = joined.settings(&key.model);
        let Some(detectors) = &settings.detectors else { continue };
        if window.predictions.is_empty() || !(detectors.by_segment || key.segment_key.is_empty()) {
            continue;
        }
        let until = read_until(joined, &key.model, at_end);
        let known = |row: &&Row| {
            let Some((_, label_time)) = row.first else { return false };
            let time = match detectors.order {
                OutcomeOrder::LabelTime => label_time.max(row.record.time),
                OutcomeOrder::PredictionTime => row.record.time,
            };
            row.record.model == key.model && row.output != Output::Failed && time < until && is_in(row, key, &settings)
        };
        let mut read: Vec<&Row> = joined.rows.iter().filter(known).collect();
        read.sort_by_key(|row| {
            let label_time = row.first.as_ref().unwrap().1.max(row.record.time);
            let id = row.record.request_id.as_bytes();
            match detectors.order {
                OutcomeOrder::LabelTime => (label_time, row.record.time, id, 0),
                OutcomeOrder::PredictionTime => (row.record.time, 0, id, label_time),
            }
        });
        let (outcomes, found) = find(&read, detectors, &settings, key);
        for (parameters, (read, fired, last)) in detectors.methods.iter().zip(found) {
            if let Some(change) = last {
                for (metric, expected) in [
                    ("change_point_ms", change.began.time as f64),
                    ("level_before", change.before),
                    ("level_after", change.after),
                ] {
                    let metric = format!("{metric}[{}]", parameters.kind().name());
                    let row = rows.get(&(key.clone(), metric.clone()));
                    assert_eq!(row.and_then(|row| row.value), Some(expected), "{key:?} {metric}: {row:?}");
                    expected_rows += 1;
                }
            }
            let metric = format!("{}_drift", parameters.kind().name());
            let row = rows.get(&(key.clone(), metric.clone())).unwrap_or_else(|| panic!("{key:?} has no {metric}"));
            expected_rows += 1;
            let place = || format!("{key:?} {metric}: {row:?}, but {read} read, {fired} fired");
            assert_eq!((row.value, row.count), ((read > 0).then_some(fired as f64), read as i64), "{}", place());
            let reason = match (read, outcomes) {
                (1.., _) => None,
                (0, 1..) => Some("no_scores"),
                (0, 0) if window.is_final || window.matched == 0 => Some("no_labels"),
                (0, 0) => Some("before_watermark"),
            };
            assert_eq!(row.undefined_reason.as_deref(), reason, "{}", place());
            assert_eq!(row.is_final, window.is_final, "{}", place());
        }
    }
    assert_eq!(rows.len(), expected_rows, "rows of detectors that there are not");
}

/// How often detectors fired in `run`, and how many rows there are of them.
fn firings(run: &Run) -> (f64, usize) {
    let rows: Vec<f64> =
        run.fold().into_values().filter(|row| row.metric.ends_with("_drift")).filter_map(|row| row.value).collect();
    (rows.iter().sum(), rows.len())
}

#[test]
fn detectors_fire_in_the_worlds_that_are_made() {
    let mut runner = TestRunner::deterministic();
    let (mut fired, mut rows) = (0.0, 0);
    for _ in 0..20 {
        let world = worlds(Memory::All).new_tree(&mut runner).unwrap().current();
        let found = firings(&run(&world, &Plan::simple(), AtEnd::Hold));
        (fired, rows) = (fired + found.0, rows + found.1);
    }
    println!("{fired} firings in {rows} rows");
    assert!(fired > 10.0 && rows > 200, "{fired} firings in {rows} rows");
}
