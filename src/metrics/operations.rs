//! Operations: how many requests came, how many failed, how long the model took.

use super::quantile::quantile;
use super::{Metric, MetricValue, Undefined, WindowFacts};
use crate::aggregate::{Cell, Count, Rational, ratio_to_f64};

/// Appends the family. Latency needs a request that says how long it took.
pub(super) fn read_out(cell: &Cell, facts: &WindowFacts, out: &mut Vec<MetricValue>) {
    let errors = cell.count(Count::Errors);
    let requests = cell.count(Count::Predictions) + errors;
    let throughput = if facts.window_size_ms > 0 {
        Ok(ratio_to_f64(&Rational::from(i128::from(requests) * 1000), &Rational::from(facts.window_size_ms)))
    } else {
        Err(Undefined::ZeroDenominator)
    };
    out.push(MetricValue::new(Metric::ThroughputPerSecond, throughput, requests));
    out.push(MetricValue::rate(Metric::ErrorRate, errors, requests, Undefined::NoRows));
    latency(cell, out);
}

fn latency(cell: &Cell, out: &mut Vec<MetricValue>) {
    let histogram = &cell.latency.histogram;
    let quantiles = [
        (Metric::LatencyMsP50, 0.5),
        (Metric::LatencyMsP90, 0.9),
        (Metric::LatencyMsP95, 0.95),
        (Metric::LatencyMsP99, 0.99),
    ];
    out.extend(quantiles.map(|(metric, q)| quantile(metric, histogram, q, Undefined::NoRows)));
    let rows = histogram.count();
    let mean = if rows > 0 {
        Ok(ratio_to_f64(&cell.latency.sum.to_rational(), &Rational::from(rows)))
    } else {
        Err(Undefined::NoRows)
    };
    out.push(MetricValue::new(Metric::LatencyMsMean, mean, rows));
    out.push(MetricValue::new(Metric::LatencyMsMax, cell.latency.max.ok_or(Undefined::NoRows), rows));
}
