//! Three classes by hand, and what must not depend on the numbering of classes.

use super::*;
use crate::aggregate::MulticlassOutcome;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// (predicted, actual, scores of a, b, c if any)
type Row = (u16, u16, Option<[f64; 3]>);

fn read(rows: &[Row], names: &[&str]) -> Vec<MetricValue> {
    let mut accumulator = MulticlassAccumulator::default();
    for &(predicted, actual, scores) in rows {
        let scores: Vec<(ClassId, f64)> =
            scores.into_iter().flatten().enumerate().map(|(class, score)| (ClassId(class as u16), score)).collect();
        let outcome = MulticlassOutcome { predicted: ClassId(predicted), actual: ClassId(actual), scores: &scores };
        accumulator.add(1, outcome);
    }
    let mut out = Vec::new();
    read_out(&accumulator, names, &mut out);
    out
}

fn value(out: &[MetricValue], metric: Metric, class: Option<u16>) -> MetricValue {
    *out.iter().find(|value| value.metric == metric && value.class == class.map(ClassId)).expect("the metric")
}

fn repeated(cells: &[(u16, u16, usize)]) -> Vec<Row> {
    cells.iter().flat_map(|&(actual, predicted, rows)| vec![(predicted, actual, None); rows]).collect()
}

fn assert_value(found: MetricValue, expected: f64) {
    assert!((found.value.unwrap() - expected).abs() < 1e-15, "{found:?} {expected}");
}

#[test]
fn rates_by_hand() {
    // Actual a: 4 a, 1 b. Actual b: 2 a, 6 b, 2 c. Actual c: 5 c.
    let out = read(&repeated(&[(0, 0, 4), (0, 1, 1), (1, 0, 2), (1, 1, 6), (1, 2, 2), (2, 2, 5)]), &NAMES);
    let per_class = [(4.0 / 6.0, 4.0 / 5.0), (6.0 / 7.0, 6.0 / 10.0), (5.0 / 7.0, 1.0)];
    let f1 = [8.0 / 11.0, 12.0 / 17.0, 10.0 / 12.0];
    for (class, (precision, recall)) in (0u16..).zip(per_class) {
        assert_value(value(&out, Metric::Precision, Some(class)), precision);
        assert_value(value(&out, Metric::Recall, Some(class)), recall);
        assert_value(value(&out, Metric::F1, Some(class)), f1[usize::from(class)]);
    }
    let precisions = per_class.map(|class| class.0);
    assert_value(value(&out, Metric::Precision, None), precisions.iter().sum::<f64>() / 3.0);
    assert_value(value(&out, Metric::Recall, None), 0.8);
    assert_value(value(&out, Metric::BalancedAccuracy, None), 0.8);
    assert_value(value(&out, Metric::F1, None), f1.iter().sum::<f64>() / 3.0);
    let weighted = |of: [f64; 3]| (5.0 * of[0] + 10.0 * of[1] + 5.0 * of[2]) / 20.0;
    assert_value(value(&out, Metric::PrecisionWeighted, None), weighted(precisions));
    assert_value(value(&out, Metric::F1Weighted, None), weighted(f1));
    for metric in
        [Metric::Accuracy, Metric::RecallWeighted, Metric::PrecisionMicro, Metric::RecallMicro, Metric::F1Micro]
    {
        assert_value(value(&out, metric, None), 0.75);
    }
    // Σ p·t = 6·5 + 7·10 + 7·5 = 135; c·n = 300; n² − Σp² = 400 − 134; n² − Σt² = 400 − 150.
    assert_value(value(&out, Metric::Mcc, None), 165.0 / (266.0f64 * 250.0).sqrt());
    assert_value(value(&out, Metric::CohenKappa, None), 165.0 / 265.0);
    assert_eq!(value(&out, Metric::RocAuc, None).value, Err(Undefined::NoScores));
    assert_eq!(value(&out, Metric::LogLoss, None).value, Err(Undefined::NoScores));
}

#[test]
fn confusion_has_a_row_for_every_pair_that_occurs() {
    let out = read(&repeated(&[(0, 1, 3), (1, 1, 2)]), &NAMES);
    let cells: Vec<_> = out
        .iter()
        .filter(|value| value.metric == Metric::Confusion)
        .map(|value| (value.class, value.predicted_class, value.value, value.count))
        .collect();
    let (a, b) = (Some(ClassId(0)), Some(ClassId(1)));
    assert_eq!(cells, [(a, b, Ok(3.0), 5), (b, b, Ok(2.0), 5)]);
}

#[test]
fn a_class_that_is_never_predicted_leaves_macro_precision_undefined() {
    let out = read(&repeated(&[(0, 1, 3), (1, 1, 2)]), &NAMES);
    assert_eq!(value(&out, Metric::Precision, Some(0)).value, Err(Undefined::ZeroDenominator));
    assert_eq!(value(&out, Metric::Precision, None).value, Err(Undefined::ZeroDenominator));
    assert_eq!(value(&out, Metric::PrecisionWeighted, None).value, Err(Undefined::ZeroDenominator));
    assert_value(value(&out, Metric::Recall, None), 0.5);
    assert_value(value(&out, Metric::F1, None), 2.0 / 7.0);
}

#[test]
fn a_class_that_is_only_predicted_has_no_part_in_balanced_accuracy() {
    let out = read(&repeated(&[(0, 0, 3), (0, 1, 1)]), &NAMES);
    assert_value(value(&out, Metric::BalancedAccuracy, None), 0.75);
    assert_eq!(value(&out, Metric::Recall, None).value, Err(Undefined::ZeroDenominator));
    // Without a label its weight is 0, so that its undefined recall does not matter.
    assert_value(value(&out, Metric::RecallWeighted, None), 0.75);
    assert_value(value(&out, Metric::PrecisionWeighted, None), 1.0);
}

#[test]
fn scores_by_hand() {
    let rows = [
        (0, 0, Some([0.75, 0.25, 0.0])),
        (0, 1, Some([0.5, 0.25, 0.25])),
        (1, 1, Some([0.25, 0.5, 0.25])),
        (2, 2, None),
    ];
    let out = read(&rows, &NAMES);
    assert_value(value(&out, Metric::Brier, None), (0.125 + 0.875 + 0.375) / 3.0);
    let log_loss = -(0.75f64.ln() + 0.25f64.ln() + 0.5f64.ln()) / 3.0;
    assert_value(value(&out, Metric::LogLoss, None), log_loss);
    assert_eq!((value(&out, Metric::Brier, None).count, value(&out, Metric::Accuracy, None).count), (3, 4));
    let auc_of_b = value(&out, Metric::RocAuc, Some(1));
    assert!((auc_of_b.value.unwrap() - 0.75).abs() <= auc_of_b.error_bound.unwrap(), "{auc_of_b:?}");
    assert_eq!(value(&out, Metric::RocAuc, Some(0)).value, Ok(1.0));
    // Class c occurs, but no row with scores has it as label.
    assert_eq!(value(&out, Metric::RocAuc, Some(2)).value, Err(Undefined::SingleClass));
    assert_eq!(value(&out, Metric::RocAuc, None).value, Err(Undefined::SingleClass));
}

#[test]
fn the_numbering_of_classes_changes_neither_order_nor_values() {
    let cells = [(0, 0, 4), (0, 1, 1), (1, 0, 2), (1, 1, 6), (1, 2, 2), (2, 2, 5)];
    let renumber = |class: u16| [2u16, 0, 1][usize::from(class)];
    let renumbered: Vec<_> =
        cells.iter().map(|&(actual, predicted, n)| (renumber(actual), renumber(predicted), n)).collect();
    let original = read(&repeated(&cells), &NAMES);
    let found = read(&repeated(&renumbered), &["b", "c", "a"]);
    let rename = |class: Option<ClassId>| class.map(|class| ClassId(renumber(class.0)));
    let expected: Vec<MetricValue> = original
        .into_iter()
        .map(|value| MetricValue {
            class: rename(value.class),
            predicted_class: rename(value.predicted_class),
            ..value
        })
        .collect();
    assert_eq!(found, expected);
}
