//! Binary classification: confusion at the threshold, ranking, and the quality of the probabilities themselves.

use super::agreement::{Table, phi_interval};
use super::confusion::{self, Counts};
use super::interval;
use super::ranking::{Estimate, Ranking};
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::{BinaryAccumulator, ExactSum, Linear, Rational, ratio_to_f64};
use crate::event::BusinessValue;

/// Appends the family, for at least one labelled row.
pub(super) fn read_out(
    accumulator: &BinaryAccumulator,
    business_value: Option<&BusinessValue>,
    out: &mut Vec<MetricValue>,
) {
    let counts = Counts::from(&accumulator.confusion);
    confusion::read_out(&counts, out);
    agreement(&counts, out);
    let ranking = Ranking::new(&accumulator.positives, &accumulator.negatives);
    ranked(&ranking, out);
    probabilities(accumulator, ranking.rows(), out);
    out.extend(business_value.map(|worth| business(&counts, worth)));
}

fn agreement(counts: &Counts, out: &mut Vec<MetricValue>) {
    let cells = vec![(0, 0, counts.tn), (0, 1, counts.fp), (1, 0, counts.fn_), (1, 1, counts.tp)];
    let table = Table::new(2, cells);
    let mcc = table.mcc();
    let share = |rows: i64| rows as f64 / counts.rows() as f64;
    let interval = mcc.value.ok().and_then(|phi| {
        phi_interval(phi, counts.rows(), share(counts.actual_positives()), share(counts.predicted_positives()))
    });
    out.push(mcc.with_interval(interval));
    out.push(table.cohen_kappa());
}

fn ranked(ranking: &Ranking, out: &mut Vec<MetricValue>) {
    let estimates = [
        (Metric::RocAuc, ranking.roc_auc()),
        (Metric::PrAuc, ranking.average_precision()),
        (Metric::KsScore, ranking.kolmogorov_smirnov()),
        (Metric::Gini, ranking.gini()),
    ];
    out.extend(estimates.map(|(metric, estimate)| from_ranking(metric, estimate, ranking.rows())));
}

/// A statistic of the ranking as a metric value.
pub(super) fn from_ranking(metric: Metric, estimate: Result<Estimate, Undefined>, rows: i64) -> MetricValue {
    match estimate {
        Err(reason) => MetricValue::new(metric, Err(reason), rows),
        Ok(estimate) => MetricValue::new(metric, Ok(estimate.value), rows)
            .with_interval(estimate.interval)
            .with_error_bound(estimate.error_bound),
    }
}

/// Means over scored rows, exact up to the last division.
fn probabilities(accumulator: &BinaryAccumulator, scored: i64, out: &mut Vec<MetricValue>) {
    if scored == 0 {
        let metrics = [Metric::LogLoss, Metric::Brier, Metric::CalibrationError, Metric::MeanScore];
        out.extend(metrics.map(|metric| MetricValue::new(metric, Err(Undefined::NoScores), 0)));
        return;
    }
    let rows = Rational::from(scored);
    let mean = |metric, sum: &Rational| MetricValue::new(metric, Ok(ratio_to_f64(sum, &rows)), scored);
    let squares = accumulator.score_squared.to_rational();
    out.push(mean(Metric::LogLoss, &accumulator.log_loss.to_rational()));
    out.push(mean(Metric::Brier, &squared_distance(accumulator)));
    out.push(mean(Metric::CalibrationError, &calibration_distance(accumulator)));
    let scores = score_sum(accumulator);
    let interval = interval::mean(scored, &scores, &squares).map(|interval| interval.clipped(0.0, 1.0));
    out.push(mean(Metric::MeanScore, &scores).with_interval(interval));
}

/// Σ (score − label)² = Σ score² − 2·Σ score of positives + positives.
fn squared_distance(accumulator: &BinaryAccumulator) -> Rational {
    let positives: i64 = accumulator.calibration.iter().map(|bin| bin.positives).sum();
    let mut less = accumulator.score_of_positives.clone();
    less.negate();
    let mut sum = accumulator.score_squared.clone();
    sum.merge(&less);
    sum.merge(&less);
    // A count of rows is below 2⁵³, so it is a double.
    sum.add(positives as f64);
    sum.to_rational()
}

/// Σ over the ten bins of |Σ score − positives|.
fn calibration_distance(accumulator: &BinaryAccumulator) -> Rational {
    let mut sum = ExactSum::default();
    for bin in &accumulator.calibration {
        let mut distance = bin.score.clone();
        distance.sub(bin.positives as f64);
        sum.merge(&distance.into_magnitude());
    }
    sum.to_rational()
}

fn score_sum(accumulator: &BinaryAccumulator) -> Rational {
    let mut sum = ExactSum::default();
    for bin in &accumulator.calibration {
        sum.merge(&bin.score);
    }
    sum.to_rational()
}

/// What the window's decisions were worth in total. The interval is that of a sum over rows, each worth what its
/// outcome is worth.
fn business(counts: &Counts, worth: &BusinessValue) -> MetricValue {
    let outcomes = [
        (counts.tp, worth.true_positive),
        (counts.fp, worth.false_positive),
        (counts.tn, worth.true_negative),
        (counts.fn_, worth.false_negative),
    ];
    let mut total = ExactSum::default();
    for (rows, value) in outcomes {
        total.add_product(rows as f64, value, 1);
    }
    let (total, rows) = (total.to_f64(), counts.rows() as f64);
    let spread: f64 = outcomes
        .iter()
        .map(|&(rows_of, value)| {
            let distance = value - total / rows;
            rows_of as f64 * distance * distance
        })
        .sum();
    let interval = (counts.rows() > 1).then(|| interval::normal(total, spread * rows / (rows - 1.0))).flatten();
    MetricValue::new(Metric::BusinessValue, Ok(total), counts.rows()).with_interval(interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::BinaryOutcome;

    fn folded(rows: &[(Option<f64>, bool, bool)]) -> BinaryAccumulator {
        let mut accumulator = BinaryAccumulator::default();
        for &(score, predicted, actual) in rows {
            accumulator.add(1, BinaryOutcome { score, predicted, actual });
        }
        accumulator
    }

    fn read(rows: &[(Option<f64>, bool, bool)], worth: Option<&BusinessValue>) -> Vec<MetricValue> {
        let mut out = Vec::new();
        read_out(&folded(rows), worth, &mut out);
        out
    }

    fn value(out: &[MetricValue], metric: Metric) -> MetricValue {
        *out.iter().find(|value| value.metric == metric).expect("the metric")
    }

    #[test]
    fn probabilities_by_hand() {
        let out = read(
            &[(Some(0.25), false, false), (Some(0.75), true, true), (Some(0.75), true, false), (Some(0.5), true, true)],
            None,
        );
        let expected = [
            (Metric::Brier, (0.0625 + 0.0625 + 0.5625 + 0.25) / 4.0),
            // Bins [0.2, 0.3), [0.5, 0.6), [0.7, 0.8): |0.25 - 0| + |0.5 - 1| + |1.5 - 1|.
            (Metric::CalibrationError, 1.25 / 4.0),
            (Metric::MeanScore, 2.25 / 4.0),
            (Metric::LogLoss, -(0.75f64.ln() + 0.75f64.ln() + 0.25f64.ln() + 0.5f64.ln()) / 4.0),
        ];
        for (metric, expected) in expected {
            let found = value(&out, metric);
            assert!((found.value.unwrap() - expected).abs() < 1e-15, "{found:?}");
            assert_eq!(found.count, 4);
        }
    }

    #[test]
    fn rows_without_scores_count_for_decisions_only() {
        let out = read(&[(None, true, true), (None, false, false), (Some(0.9), true, false)], None);
        assert_eq!(value(&out, Metric::Accuracy).count, 3);
        assert_eq!((value(&out, Metric::Brier).count, value(&out, Metric::RocAuc).count), (1, 1));
        let out = read(&[(None, true, true), (None, false, false)], None);
        for metric in [Metric::RocAuc, Metric::PrAuc, Metric::KsScore, Metric::Gini, Metric::Brier, Metric::MeanScore] {
            assert_eq!(value(&out, metric).value, Err(Undefined::NoScores), "{}", metric.name());
        }
        assert_eq!(value(&out, Metric::Accuracy).value, Ok(1.0));
    }

    #[test]
    fn business_value_is_a_weighted_count_and_only_where_configured() {
        let worth =
            BusinessValue { true_positive: 10.0, false_positive: -3.5, true_negative: 0.0, false_negative: -20.0 };
        let rows = [(None, true, true), (None, true, false), (None, true, false), (None, false, true)];
        let found = value(&read(&rows, Some(&worth)), Metric::BusinessValue);
        assert_eq!((found.value, found.count), (Ok(-17.0), 4));
        // Rows worth 10, −3.5, −3.5, −20; their mean is −4.25.
        let squares: f64 = [10.0f64, -3.5, -3.5, -20.0].iter().map(|x| (x + 4.25).powi(2)).sum();
        let half_width = interval::Z * (4.0 * squares / 3.0).sqrt();
        assert!((found.upper.unwrap() - (-17.0 + half_width)).abs() < 1e-12, "{found:?}");
        assert!(read(&rows, None).iter().all(|value| value.metric != Metric::BusinessValue));
    }
}
