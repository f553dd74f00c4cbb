//! What holds for every metric of every window: the catalog's promises, and that only the rows matter.

use super::*;
use crate::aggregate::{BinaryOutcome, ClassId, MulticlassOutcome, QualityOutcome, RegressionOutcome};
use crate::event::BusinessValue;
use proptest::prelude::*;
use std::collections::BTreeSet;

const CLASSES: [&str; 4] = ["d", "b", "a", "c"];
const DAY: Millis = 86_400_000;

/// What one accepted prediction adds to its window.
#[derive(Debug, Clone)]
struct Row {
    latency_ms: Option<f64>,
    /// None while the label has not come.
    labelled: Option<(i64, Labelled)>,
}

#[derive(Debug, Clone)]
enum Labelled {
    Binary(BinaryOutcome),
    Multiclass { predicted: u16, actual: u16, scores: Vec<f64> },
    Regression(RegressionOutcome),
}

fn folded<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Cell {
    let mut cell = Cell::default();
    for row in rows {
        cell.add_count(Count::Predictions, 1);
        if let Some(latency) = row.latency_ms {
            cell.latency.add(latency);
        }
        let Some((delay, labelled)) = &row.labelled else { continue };
        cell.add_count(Count::Matched, 1);
        cell.add_count(Count::UsedLabels, 1);
        cell.label_delay.add(1, *delay);
        let scores: Vec<(ClassId, f64)>;
        let outcome = match labelled {
            Labelled::Binary(outcome) => QualityOutcome::Binary(*outcome),
            Labelled::Regression(outcome) => QualityOutcome::Regression(*outcome),
            Labelled::Multiclass { predicted, actual, scores: given } => {
                scores = (0u16..).map(ClassId).zip(given.iter().copied()).collect();
                QualityOutcome::Multiclass(MulticlassOutcome {
                    predicted: ClassId(*predicted),
                    actual: ClassId(*actual),
                    scores: &scores,
                })
            }
        };
        cell.quality.add(1, outcome);
    }
    cell
}

fn settings() -> ModelSettings {
    let worth = BusinessValue { true_positive: 2.5, false_positive: -1.0, true_negative: 0.1, false_negative: -7.0 };
    ModelSettings { business_value: Some(worth), ..ModelSettings::default() }
}

fn read(cell: &Cell, tasks: &[TaskKind]) -> Vec<MetricValue> {
    let (predictions, matched) = (cell.count(Count::Predictions), cell.count(Count::Matched));
    let facts = WindowFacts { window_size_ms: DAY, pending: predictions - matched, expired: 0, orphans: 0 };
    let mut out = Vec::new();
    read_out(cell, &facts, tasks, &settings(), &CLASSES, &mut out);
    out
}

/// A value with its floats as bits, so that equal means identical.
fn bits(value: &MetricValue) -> impl PartialEq + std::fmt::Debug + use<> {
    let bits = |x: Option<f64>| x.map(f64::to_bits);
    let place = (value.metric, value.class, value.predicted_class, value.count);
    (place, value.value.map(f64::to_bits), bits(value.lower), bits(value.upper), bits(value.error_bound))
}

fn all_bits(values: &[MetricValue]) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    values.iter().map(bits).collect()
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![-100.0f64..100.0, -1e15f64..1e15, Just(0.0), Just(1.0)]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![3 => 0.0f64..=1.0, 1 => Just(0.0), 1 => Just(1.0), 1 => 0.5f64..0.51]
}

fn binary() -> impl Strategy<Value = Labelled> {
    (prop::option::weighted(0.9, score()), any::<bool>(), any::<bool>())
        .prop_map(|(score, predicted, actual)| Labelled::Binary(BinaryOutcome { score, predicted, actual }))
}

fn multiclass() -> impl Strategy<Value = Labelled> {
    let scores = prop_oneof![Just(Vec::new()), prop::collection::vec(0.0f64..10.0, 4)];
    (0u16..4, 0u16..4, scores).prop_map(|(predicted, actual, scores)| Labelled::Multiclass {
        predicted,
        actual,
        scores,
    })
}

fn regression() -> impl Strategy<Value = Labelled> {
    (number(), number()).prop_map(|(predicted, actual)| Labelled::Regression(RegressionOutcome { predicted, actual }))
}

fn rows(labelled: impl Strategy<Value = Labelled>) -> impl Strategy<Value = Vec<Row>> {
    let row = (prop::option::of(0.0f64..1e4), prop::option::weighted(0.8, (-1000i64..1_000_000_000, labelled)))
        .prop_map(|(latency_ms, labelled)| Row { latency_ms, labelled });
    prop::collection::vec(row, 0..60)
}

/// Windows of one task, and windows that mix them.
fn windows() -> impl Strategy<Value = Vec<Row>> {
    prop_oneof![
        rows(binary()),
        rows(multiclass()),
        rows(regression()),
        rows(prop_oneof![binary(), multiclass(), regression()]),
    ]
}

/// The catalog's entries for a value; several where families share a name.
fn entries(metric: Metric) -> Vec<&'static catalog::Entry> {
    Family::ALL.iter().filter_map(|family| family.entry(metric)).collect()
}

/// `brier` alone has a wider range in one family than in the other.
fn widest_range(entries: &[&catalog::Entry]) -> (f64, f64) {
    let bounds = || entries.iter().map(|entry| entry.range.bounds());
    (bounds().map(|range| range.0).fold(f64::INFINITY, f64::min), bounds().map(|range| range.1).fold(0.0, f64::max))
}

proptest! {
    #[test]
    fn values_keep_what_the_catalog_promises(rows in windows()) {
        for value in read(&folded(&rows), &[]) {
            let entries = entries(value.metric);
            prop_assert!(value.count >= 0);
            match value.value {
                Err(reason) => {
                    prop_assert!(entries.iter().any(|entry| entry.undefined.contains(&reason)), "{value:?}");
                    prop_assert_eq!((value.lower, value.upper, value.error_bound), (None, None, None));
                }
                Ok(found) => {
                    let (lowest, highest) = widest_range(&entries);
                    prop_assert!(found.is_finite());
                    prop_assert!(lowest <= found && found <= highest + 1e-12, "{value:?}");
                    prop_assert_eq!(value.error_bound.is_some(), entries.iter().any(|entry| entry.binned), "{:?}", value);
                    prop_assert!(value.error_bound.is_none_or(|bound| bound >= 0.0 && bound.is_finite()));
                    let has_method = entries.iter().any(|entry| !matches!(entry.interval, catalog::Method::None(_)));
                    prop_assert!(value.lower.is_none() || has_method, "{value:?}");
                    prop_assert_eq!(value.lower.is_some(), value.upper.is_some());
                    if let (Some(lower), Some(upper)) = (value.lower, value.upper) {
                        prop_assert!(lowest <= lower && lower <= found && found <= upper, "{value:?}");
                        prop_assert!(upper <= highest && upper.is_finite(), "{value:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_window_never_publishes_a_name_twice(rows in windows()) {
        let out = read(&folded(&rows), &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression]);
        let places: BTreeSet<_> = out.iter().map(|value| (value.metric, value.class, value.predicted_class)).collect();
        prop_assert_eq!(places.len(), out.len());
    }

    #[test]
    fn order_and_partitioning_of_rows_change_no_bit(
        (rows, shuffled) in windows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        split in 0usize..60,
    ) {
        let expected = all_bits(&read(&folded(&rows), &[]));
        let (first, second) = shuffled.split_at(split.min(shuffled.len()));
        let mut merged = folded(first);
        merged.merge(&folded(second));
        prop_assert_eq!(all_bits(&read(&merged, &[])), expected);
    }

    #[test]
    fn reading_twice_gives_the_same_bits(rows in windows()) {
        let cell = folded(&rows);
        prop_assert_eq!(all_bits(&read(&cell, &[])), all_bits(&read(&cell, &[])));
    }

    #[test]
    fn a_family_with_labelled_rows_is_complete(rows in rows(binary()), more in rows(multiclass()), last in rows(regression())) {
        for (family, rows) in [(Family::Binary, &rows), (Family::Multiclass, &more), (Family::Regression, &last)] {
            prop_assume!(rows.iter().any(|row| row.labelled.is_some()));
            let found: BTreeSet<Metric> = read(&folded(rows), &[]).into_iter().map(|value| value.metric).collect();
            let always = [Family::Accounting, Family::Operations, family].into_iter().flat_map(Family::entries);
            let expected: BTreeSet<Metric> = always.map(|entry| entry.metric).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_window_without_labels_has_its_tasks_metrics_as_null() {
    let waiting = folded(&[Row { latency_ms: None, labelled: None }]);
    for (task, family) in [
        (TaskKind::Binary, Family::Binary),
        (TaskKind::Multiclass, Family::Multiclass),
        (TaskKind::Regression, Family::Regression),
    ] {
        let out = read(&waiting, &[task]);
        for entry in family.entries().iter().filter(|entry| entry.metric != Metric::Confusion) {
            let value = out.iter().find(|value| value.metric == entry.metric).expect("the metric");
            assert_eq!((value.value, value.count), (Err(Undefined::NoLabels), 0), "{}", entry.metric.name());
        }
        assert!(out.iter().all(|value| value.metric != Metric::Confusion));
    }
    assert!(read(&waiting, &[]).iter().all(|value| value.metric != Metric::Accuracy));
}

#[test]
fn a_window_without_predictions_has_no_rows_rather_than_no_labels() {
    let mut cell = Cell::default();
    cell.add_count(Count::Errors, 3);
    let out = read(&cell, &[TaskKind::Binary]);
    let value = |metric| *out.iter().find(|value: &&MetricValue| value.metric == metric).expect("the metric");
    assert_eq!(value(Metric::Accuracy).value, Err(Undefined::NoRows));
    assert_eq!(value(Metric::LabelCoverage).value, Err(Undefined::NoRows));
    assert_eq!((value(Metric::ErrorRate).value, value(Metric::ErrorRate).count), (Ok(1.0), 3));
    assert_eq!(value(Metric::ThroughputPerSecond).value, Ok(3.0 / 86_400.0));
}

#[test]
fn accounting_by_hand() {
    let mut cell = Cell::default();
    let counts = [
        (Count::Predictions, 10),
        (Count::Matched, 6),
        (Count::UsedLabels, 6),
        (Count::DuplicateLabels, 1),
        (Count::CorrectedLabels, 2),
        (Count::RetractedLabels, 3),
        (Count::LateLabels, 4),
        (Count::UnmetLabels, 9),
        (Count::DuplicatePredictions, 11),
        (Count::LatePredictions, 12),
        (Count::DeadLetters, 13),
    ];
    for (count, rows) in counts {
        cell.add_count(count, rows);
    }
    for delay in [100, 200, 600] {
        cell.label_delay.add(1, delay);
    }
    let facts = WindowFacts { window_size_ms: DAY, pending: 3, expired: 1, orphans: 5 };
    let mut out = Vec::new();
    read_out(&cell, &facts, &[], &ModelSettings::default(), &CLASSES, &mut out);
    let value = |metric| out.iter().find(|value: &&MetricValue| value.metric == metric).expect("the metric").value;
    let expected = [
        (Metric::Predictions, 10.0),
        (Metric::Labels, 21.0),
        (Metric::Matched, 6.0),
        (Metric::Pending, 3.0),
        (Metric::Expired, 1.0),
        (Metric::OrphanLabels, 5.0),
        (Metric::DuplicatePredictions, 11.0),
        (Metric::DuplicateLabels, 1.0),
        (Metric::CorrectedLabels, 2.0),
        (Metric::RetractedLabels, 3.0),
        (Metric::LatePredictions, 12.0),
        (Metric::LateLabels, 4.0),
        (Metric::DeadLetters, 13.0),
        (Metric::LabelCoverage, 0.6),
        (Metric::LabelDelayMsMean, 300.0),
    ];
    for (metric, expected) in expected {
        assert_eq!(value(metric), Ok(expected), "{}", metric.name());
    }
}

/// Where two families share a name, one window can publish it only once; its meaning must then be one as well.
#[test]
fn shared_names_agree_on_range_binning_and_labels() {
    for metric in Metric::ALL {
        let entries = entries(*metric);
        let shared = entries.iter().filter(|entry| entry.metric != Metric::Brier);
        let ranges: Vec<_> = shared.map(|entry| (entry.range, entry.binned)).collect();
        assert!(ranges.windows(2).all(|pair| pair[0] == pair[1]), "{}", metric.name());
    }
}
