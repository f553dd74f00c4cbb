//! Rates of the four confusion counts at the decision threshold, for binary models and for the groups of fairness.

use super::interval;
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::binary::BinaryConfusion;

/// The four counts and their margins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub tp: i64,
    pub fp: i64,
    pub tn: i64,
    pub fn_: i64,
}

impl From<&BinaryConfusion> for Counts {
    fn from(confusion: &BinaryConfusion) -> Counts {
        Counts {
            tp: confusion.true_positives,
            fp: confusion.false_positives,
            tn: confusion.true_negatives,
            fn_: confusion.false_negatives,
        }
    }
}

impl Counts {
    /// Labelled rows.
    pub fn rows(&self) -> i64 {
        self.actual_positives() + self.actual_negatives()
    }

    /// Rows that came true.
    pub fn actual_positives(&self) -> i64 {
        self.tp + self.fn_
    }

    /// Rows that did not.
    pub fn actual_negatives(&self) -> i64 {
        self.tn + self.fp
    }

    /// Rows predicted positive.
    pub fn predicted_positives(&self) -> i64 {
        self.tp + self.fp
    }

    /// Rows predicted negative.
    pub fn predicted_negatives(&self) -> i64 {
        self.tn + self.fn_
    }

    /// Every quotient of two sums of the counts that is a proportion, as (metric, successes, trials).
    fn proportions(&self) -> [(Metric, i64, i64); 9] {
        [
            (Metric::Accuracy, self.tp + self.tn, self.rows()),
            (Metric::Precision, self.tp, self.predicted_positives()),
            (Metric::Recall, self.tp, self.actual_positives()),
            (Metric::Specificity, self.tn, self.actual_negatives()),
            (Metric::Npv, self.tn, self.predicted_negatives()),
            (Metric::FalsePositiveRate, self.fp, self.actual_negatives()),
            (Metric::FalseNegativeRate, self.fn_, self.actual_positives()),
            (Metric::Prevalence, self.actual_positives(), self.rows()),
            (Metric::PredictedPositiveRate, self.predicted_positives(), self.rows()),
        ]
    }
}

/// The counts themselves and the proportions among them, for at least one row.
pub(super) fn read_out(counts: &Counts, out: &mut Vec<MetricValue>) {
    let cells = [
        (Metric::TruePositives, counts.tp),
        (Metric::FalsePositives, counts.fp),
        (Metric::TrueNegatives, counts.tn),
        (Metric::FalseNegatives, counts.fn_),
    ];
    out.extend(cells.map(|(metric, rows)| MetricValue::new(metric, Ok(rows as f64), counts.rows())));
    out.extend(
        counts.proportions().map(|(metric, successes, trials)| {
            MetricValue::rate(metric, successes, trials, Undefined::ZeroDenominator)
        }),
    );
    out.push(balanced_accuracy(counts));
    out.push(f1(counts.tp, counts.fp + counts.fn_));
}

/// 2·tp / (2·tp + errors), resting on the rows that are not true negatives.
pub(super) fn f1(tp: i64, errors: i64) -> MetricValue {
    let rows = tp + errors;
    let value =
        if rows == 0 { Err(Undefined::ZeroDenominator) } else { Ok(2.0 * tp as f64 / (2 * tp + errors) as f64) };
    MetricValue::new(Metric::F1, value, rows).with_interval(interval::f1(tp, errors))
}

/// Mean of recall and specificity.
fn balanced_accuracy(counts: &Counts) -> MetricValue {
    let (positives, negatives) = (counts.actual_positives(), counts.actual_negatives());
    let value = if positives == 0 || negatives == 0 {
        Err(Undefined::ZeroDenominator)
    } else {
        // One division of exact integers: (tp·N + tn·P) / (2·P·N).
        let numerator = i128::from(counts.tp) * i128::from(negatives) + i128::from(counts.tn) * i128::from(positives);
        let denominator = 2 * i128::from(positives) * i128::from(negatives);
        Ok(numerator as f64 / denominator as f64)
    };
    MetricValue::new(Metric::BalancedAccuracy, value, counts.rows())
        .with_interval(interval::mean_of_proportions(&[(counts.tp, positives), (counts.tn, negatives)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(out: &[MetricValue], metric: Metric) -> MetricValue {
        *out.iter().find(|value| value.metric == metric).expect("the metric")
    }

    #[test]
    fn rates_by_hand() {
        let mut out = Vec::new();
        read_out(&Counts { tp: 6, fp: 2, tn: 9, fn_: 3 }, &mut out);
        let expected = [
            (Metric::Accuracy, 15.0 / 20.0, 20),
            (Metric::BalancedAccuracy, (6.0 / 9.0 + 9.0 / 11.0) / 2.0, 20),
            (Metric::Precision, 6.0 / 8.0, 8),
            (Metric::Recall, 6.0 / 9.0, 9),
            (Metric::Specificity, 9.0 / 11.0, 11),
            (Metric::Npv, 9.0 / 12.0, 12),
            (Metric::FalsePositiveRate, 2.0 / 11.0, 11),
            (Metric::FalseNegativeRate, 3.0 / 9.0, 9),
            (Metric::F1, 12.0 / 17.0, 11),
            (Metric::Prevalence, 9.0 / 20.0, 20),
            (Metric::PredictedPositiveRate, 8.0 / 20.0, 20),
        ];
        for (metric, expected, count) in expected {
            let found = value(&out, metric);
            assert!((found.value.unwrap() - expected).abs() < 1e-15, "{found:?}");
            assert_eq!(found.count, count, "{found:?}");
            assert!(found.lower.unwrap() < expected && expected < found.upper.unwrap(), "{found:?}");
        }
    }

    #[test]
    fn quotients_without_rows_are_undefined_and_the_others_are_not() {
        let mut out = Vec::new();
        read_out(&Counts { tp: 0, fp: 0, tn: 4, fn_: 0 }, &mut out);
        for metric in
            [Metric::Precision, Metric::Recall, Metric::FalseNegativeRate, Metric::F1, Metric::BalancedAccuracy]
        {
            assert_eq!(value(&out, metric).value, Err(Undefined::ZeroDenominator), "{}", metric.name());
        }
        for metric in [Metric::Accuracy, Metric::Npv, Metric::Specificity] {
            assert_eq!(value(&out, metric).value, Ok(1.0), "{}", metric.name());
        }
    }
}
