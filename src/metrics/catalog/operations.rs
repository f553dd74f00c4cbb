//! The catalog of *operations*: how the serving of the model went.

use super::{Entry, Method, Range, rate};
use crate::metrics::{Metric, Undefined};

pub(super) const ENTRIES: &[Entry] = &[
    rate(Metric::ThroughputPerSecond, "(predictions + errors) / window length", "requests")
        .range(Range::NonNegative)
        .unit("1/s")
        .interval(Method::None("none: all requests are counted, none is estimated"))
        .undefined(&[Undefined::ZeroDenominator]),
    rate(Metric::ErrorRate, "errors / (predictions + errors)", "requests").undefined(&[Undefined::NoRows]),
    latency_quantile(Metric::LatencyMsP50, "median of `latency_ms`"),
    latency_quantile(Metric::LatencyMsP90, "90 % quantile of `latency_ms`"),
    latency_quantile(Metric::LatencyMsP95, "95 % quantile of `latency_ms`"),
    latency_quantile(Metric::LatencyMsP99, "99 % quantile of `latency_ms`"),
    latency(Metric::LatencyMsMean, "Σ `latency_ms` / n").interval(Method::None("none: the sum of squares is not kept")),
    latency(Metric::LatencyMsMax, "largest `latency_ms`, exact")
        .interval(Method::None("none: no distribution-free interval exists")),
];

const fn latency(metric: Metric, formula: &'static str) -> Entry {
    let inputs = "requests with `latency_ms`";
    rate(metric, formula, inputs).range(Range::NonNegative).unit("ms").undefined(&[Undefined::NoRows])
}

const fn latency_quantile(metric: Metric, formula: &'static str) -> Entry {
    latency(metric, formula).interval(Method::OrderStatistics).binned()
}
