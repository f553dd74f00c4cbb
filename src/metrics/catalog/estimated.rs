//! The catalog of *estimated* performance: what is known of quality before labels come.

use super::{Entry, Method, Range, rate};
use crate::metrics::{Metric, Undefined};

pub(super) const ENTRIES: &[Entry] = &[
    estimated(Metric::EstimatedAccuracy, "(T + rows not predicted − M) / n; multiclass: Σ T(k) / n")
        .undefined(&[Undefined::NoRows, Undefined::ReferenceChanged])
        .interval(Method::PoissonBinomial),
    estimated(Metric::EstimatedPrecision, "T / rows predicted; or mean over classes"),
    estimated(Metric::EstimatedRecall, "T / (T + M); or mean over classes").interval(SHARED),
    estimated(Metric::EstimatedF1, "2·T / (rows predicted + T + M); or mean over classes").interval(SHARED),
    estimated(
        Metric::EstimatedRocAuc,
        "Σ P · (N of lower scores + N / 2) / (ΣP · ΣN) over the reference's score bins; binary",
    )
    .undefined(&[Undefined::NoRows, Undefined::SingleClass, Undefined::ReferenceChanged])
    .interval(Method::HanleyMcNeil)
    .binned(),
    rate(Metric::EstimationError, "realized − estimated", "labelled rows")
        .range(Range::Signed)
        .undefined(&[Undefined::NoRows, Undefined::NoLabels, Undefined::ZeroDenominator, Undefined::ReferenceChanged])
        .interval(Method::None("none: realized and estimated value have their own")),
];

const SHARED: Method = Method::ByClass(&Method::PoissonBinomial, &Method::MeanDeviation);

const fn estimated(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, "rows with a score")
        .undefined(&[Undefined::NoRows, Undefined::ZeroDenominator, Undefined::ReferenceChanged])
        .interval(Method::PoissonBinomial)
}
