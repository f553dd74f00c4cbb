//! Accounting: where every record of the window went, and how long labels took.

use super::quantile::{maximum, quantile};
use super::{Metric, MetricValue, Undefined, WindowFacts};
use crate::aggregate::{Cell, Count, Rational, ratio_to_f64};

/// Appends the family. It is defined for every window; the label delay needs a labelled row.
pub(super) fn read_out(cell: &Cell, facts: &WindowFacts, without_rows: Undefined, out: &mut Vec<MetricValue>) {
    let of = |count: Count| cell.count(count);
    let labels = of(Count::UsedLabels)
        + of(Count::DuplicateLabels)
        + of(Count::CorrectedLabels)
        + of(Count::RetractedLabels)
        + of(Count::LateLabels)
        + facts.orphans;
    let counts = [
        (Metric::Predictions, of(Count::Predictions)),
        (Metric::Labels, labels),
        (Metric::Matched, of(Count::Matched)),
        (Metric::Pending, facts.pending),
        (Metric::Expired, facts.expired),
        (Metric::OrphanLabels, facts.orphans),
        (Metric::DuplicatePredictions, of(Count::DuplicatePredictions)),
        (Metric::DuplicateLabels, of(Count::DuplicateLabels)),
        (Metric::CorrectedLabels, of(Count::CorrectedLabels)),
        (Metric::RetractedLabels, of(Count::RetractedLabels)),
        (Metric::LatePredictions, of(Count::LatePredictions)),
        (Metric::LateLabels, of(Count::LateLabels)),
        (Metric::DeadLetters, of(Count::DeadLetters)),
    ];
    out.extend(counts.map(|(metric, count)| MetricValue::count(metric, count)));
    let (matched, predictions) = (of(Count::Matched), of(Count::Predictions));
    out.push(MetricValue::rate(Metric::LabelCoverage, matched, predictions, Undefined::NoRows));
    label_delay(cell, without_rows, out);
}

fn label_delay(cell: &Cell, without_rows: Undefined, out: &mut Vec<MetricValue>) {
    let histogram = &cell.label_delay.histogram;
    let quantiles = [
        (Metric::LabelDelayMsP50, 0.5),
        (Metric::LabelDelayMsP90, 0.9),
        (Metric::LabelDelayMsP95, 0.95),
        (Metric::LabelDelayMsP99, 0.99),
    ];
    out.extend(quantiles.map(|(metric, q)| quantile(metric, histogram, q, without_rows)));
    let rows = histogram.count();
    let mean = if rows > 0 {
        Ok(ratio_to_f64(&Rational::from(cell.label_delay.sum), &Rational::from(rows)))
    } else {
        Err(without_rows)
    };
    out.push(MetricValue::new(Metric::LabelDelayMsMean, mean, rows));
    out.push(maximum(Metric::LabelDelayMsMax, histogram, without_rows));
}
