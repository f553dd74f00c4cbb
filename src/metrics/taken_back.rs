//! Rows about classes that lost their last label: a confusion cell or a class that was published stays published, as zero
//! or undefined, until its window is final. Else a sink that upserts would keep what was said before for ever.

use super::{Metric, MetricValue, Undefined};
use crate::aggregate::{Cell, ClassId};
use std::collections::BTreeSet;

/// Metrics that have a row per class.
const PER_CLASS: [Metric; 4] = [Metric::Precision, Metric::Recall, Metric::F1, Metric::RocAuc];

/// Appends what is missing in `values` of the classes whose labels were taken back in `cell`.
pub fn keep_taken_back(cell: &Cell, values: &mut Vec<MetricValue>) {
    if cell.taken_back.is_empty() {
        return;
    }
    let rows = cell.quality.multiclass.as_ref().map_or(0, |multiclass| multiclass.confusion.total());
    let mut told: BTreeSet<Key> = values.iter().map(key).collect();
    let mut add_missing = |row: MetricValue| {
        if told.insert(key(&row)) {
            values.push(row);
        }
    };
    for &(actual, predicted) in &cell.taken_back {
        add_missing(MetricValue {
            class: Some(actual),
            predicted_class: Some(predicted),
            ..MetricValue::new(Metric::Confusion, Ok(0.0), rows)
        });
        for class in [actual, predicted] {
            PER_CLASS.iter().for_each(|metric| add_missing(without_rows(*metric, class)));
        }
    }
}

/// What a row is about.
type Key = (usize, Option<ClassId>, Option<ClassId>);

fn key(value: &MetricValue) -> Key {
    (value.metric as usize, value.class, value.predicted_class)
}

fn without_rows(metric: Metric, class: ClassId) -> MetricValue {
    MetricValue { class: Some(class), ..MetricValue::new(metric, Err(Undefined::NoRows), 0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{LabelFact, MulticlassOutcome, Observation, QualityOutcome};

    #[test]
    fn a_class_that_lost_its_last_label_keeps_its_rows() {
        let row = |actual: u16| {
            let outcome = MulticlassOutcome { predicted: ClassId(0), actual: ClassId(actual), scores: &[] };
            LabelFact { time: 1, delay_ms: 1, outcome: QualityOutcome::Multiclass(outcome) }
        };
        let mut cell = Cell::default();
        cell.observe(&Observation::Matched(row(1)));
        cell.observe(&Observation::Corrected { old: row(1), new: row(2) });
        let mut values = Vec::new();
        keep_taken_back(&cell, &mut values);
        let confusion = values.iter().find(|value| value.metric == Metric::Confusion).expect("a row");
        assert_eq!((confusion.class, confusion.predicted_class), (Some(ClassId(1)), Some(ClassId(0))));
        assert_eq!((confusion.value, confusion.count), (Ok(0.0), 1));
        let recall = |class| values.iter().filter(|v| v.metric == Metric::Recall && v.class == Some(class)).count();
        assert_eq!((recall(ClassId(0)), recall(ClassId(1)), recall(ClassId(2))), (1, 1, 0));
        let before = values.len();
        keep_taken_back(&cell, &mut values);
        assert_eq!(values.len(), before, "what is told already is not told twice");
    }
}
